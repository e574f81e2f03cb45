"""cluster.py BINARY PAGE [PART...] - three boxes as the page sets them up, on 127.0.0.11 to 127.0.0.13.

Configuration and commands are the page's own, of which only addresses, paths and HAProxy's ports are changed; scp, ssh
and systemctl are played by functions of the shell. Clients log in all the time and ask each node about each token.
Standard library only; run by cluster.sh. Nothing sleeps for a fixed time and nothing waits for ever."""
import collections
import contextlib
import functools
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import common
from common import attempt, check, finish, same, scratch, watch

BIN, PAGE = sys.argv[1:3]
WAIT = 30
BOXES = ("127.0.0.11", "127.0.0.12", "127.0.0.13")
FRONT = ("127.0.0.11", 8080)
ROOT = "root:root's password"
top = scratch()
running = {}
until = functools.partial(common.until, passing=(OSError, http.client.HTTPException, ValueError))


# ---- the page -------------------------------------------------------------------

def block(first):
    """What is indented and begins so, with this machine's addresses."""
    with open(PAGE) as f:
        text = f.read()
    for found in re.finditer(r"(?:^    .*\n(?:\n(?=    ))?)+", text, re.M):
        lines = "".join(line[4:] or "\n" for line in found[0].splitlines(True))
        if lines.startswith(first):
            return re.sub(r"\b10\.0\.0\.([123])\b", r"127.0.0.1\1", lines)
    raise LookupError(f"the page has nothing that begins with {first}")


def settings(first, box):
    """Environment variables of a block, which is about the first box, as another one has them."""
    pairs = dict(line.split("=", 1) for line in block(first).splitlines())
    return {name: value if name == "ETCD_INITIAL_CLUSTER" else value.replace("box1", f"box{box[-1]}").replace(BOXES[0], box)
            for name, value in pairs.items()}


# What the shell has in place of other machines.
STAGE = """
scp() { to=${3#root@}; cp "$2" "$top/${to%%:*}/next"; }
ssh() { (box=${1#root@}; systemctl() { kill -HUP "$(cat "$top/$box/pid")"; }
         eval "$(printf %s "$2" | sed "s|/var/lib/jwtd|$top/$box|g")"); }
jwtd() { "$bin" "$@"; }
set -e
"""


def shell(text, user=None, **more):
    """What the page's commands print, on box 1."""
    lines = [line if "root@" in line else line.replace("/var/lib/jwtd/", f"{top}/{BOXES[0]}/") for line in text.splitlines()]
    text = "\n".join(lines).replace("/root/", f"{top}/")
    env = {**os.environ, **jwtd_environment(BOXES[0]), "top": top, "bin": BIN,
           "ETCDCTL_ENDPOINTS": ",".join(f"{box}:2379" for box in BOXES), **({"ETCDCTL_USER": user} if user else {}), **more}
    done = subprocess.run(["bash", "-c", STAGE + text], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=2 * WAIT, text=True)
    return done.returncode, done.stdout


def done(text, user=None, **more):
    status, said = shell(text, user, **more)
    same((status, text), (0, text), said)
    return said


# ---- what runs ------------------------------------------------------------------

def start(name, words, env):
    with open(f"{top}/{name}.log", "ab") as log:
        running[name] = common.start(*words, env={**os.environ, **env}, stdout=log, stderr=log)


def end(name, number=signal.SIGTERM):
    common.end(running.pop(name), number)


def healthy():
    return shell("etcdctl endpoint health", ROOT)[0] == 0


def start_etcd(box):
    start(f"etcd-{box}", ["etcd"], {**settings("ETCD_NAME=", box), "ETCD_DATA_DIR": f"{top}/etcd-{box}"})


def jwtd_environment(box):
    others = [b for b in BOXES if b != box]
    return {**settings("JWTD_USERS=", BOXES[0]), "JWTD_USERS": "etcd://" + ",".join(f"{b}:2379" for b in [box, *others]),
            "JWTD_ETCD_PASSWORD": "its password", "STATE_DIRECTORY": f"{top}/{box}", "JWTD_LISTEN": f"{box}:5000",
            "JWTD_HASH": "scrypt:2:1:1", "JWTD_THROTTLE": "off"}


def start_jwtd(box):
    os.makedirs(f"{top}/{box}", exist_ok=True)
    start(f"jwtd-{box}", [BIN], jwtd_environment(box))
    with open(f"{top}/{box}/pid", "w") as f:
        f.write(str(running[f"jwtd-{box}"].pid))
    until(lambda: ask((box, 5000), "GET", "/healthz")[0] == 200, f"jwtd of {box} serves")


def start_haproxy():
    text = block("global").replace("    user haproxy\n    group haproxy\n", "")
    text = text.replace("bind :443 ", f"bind {FRONT[0]}:{FRONT[1]}\n    bind {FRONT[0]}:8443 ").replace("/etc/haproxy", top)
    with open(f"{top}/haproxy.cfg", "w") as f:
        f.write(text)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{top}/key", "-out", f"{top}/crt",
                    "-days", "2", "-subj", "/CN=jwtd"], check=True, stderr=subprocess.DEVNULL, timeout=WAIT)
    with open(f"{top}/site.pem", "w") as f:
        f.write(open(f"{top}/crt").read() + open(f"{top}/key").read())
    start("haproxy", ["haproxy", "-db", "-f", f"{top}/haproxy.cfg"], {})
    until(all_nodes_up, "HAProxy has all nodes")


def all_nodes_up():
    """HAProxy asks each in turn, and none of the last answers was an error."""
    return all(ask(FRONT, "GET", "/healthz")[0] == 200 for _ in range(6))


def ask(where, method, path, body=None, token=None, source=None):
    connection = http.client.HTTPConnection(*where, timeout=15, source_address=source and (source, 0))
    fields = {"Authorization": f"Bearer {token}"} if token else {}
    if body is not None:
        fields["Content-Type"] = "application/json"
    with contextlib.closing(connection):
        connection.request(method, path, None if body is None else json.dumps(body), fields)
        response = connection.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text[:1] == b"{" else text.decode()


def account(name):
    return {"username": name, "password": "pass1425"}


def log_in(name, where=FRONT):
    return ask(where, "POST", "/login", account(name))[1].get("token")


def counts(token):
    """What each node says of it."""
    return [ask((box, 5000), "GET", "/get-jwt", None, token)[0] for box in BOXES]


class Clients:
    """Four that log in at HAProxy and ask all nodes about the token."""

    def __init__(self, directly):
        self.seen, self.slowest, self.directly = collections.Counter(), 0.0, directly
        self.stopped, self.lock = threading.Event(), threading.Lock()
        self.threads = [threading.Thread(target=self.client, args=(f"client {n}",)) for n in range(4)]

    def note(self, what, *request):
        start_of = time.monotonic()
        try:
            status, body = ask(*request)
        except (OSError, http.client.HTTPException) as e:
            status, body = type(e).__name__, {}
        with self.lock:
            self.seen[what, status] += 1
            self.slowest = max(self.slowest, time.monotonic() - start_of)
        return body.get("token") if status == 200 else None

    def client(self, name):
        while not self.stopped.is_set():
            token = self.note("log-ins", FRONT, "POST", "/login", account(name))
            for where in [FRONT] + [(box, 5000) for box in BOXES] * self.directly if token else []:
                self.note("verifications", where, "GET", "/get-jwt", None, token)

    def more(self, n=200):
        """Until they have logged in so many times more."""
        wanted = self.seen["log-ins", 200] + n
        until(lambda: self.seen["log-ins", 200] >= wanted, "clients log in")

    def failed(self):
        return {what: n for what, n in self.seen.items() if what[1] != 200}


@contextlib.contextmanager
def clients(what, directly=False):
    c = Clients(directly)
    for thread in c.threads:
        thread.start()
    try:
        c.more()
        yield c
        c.more()
    finally:
        c.stopped.set()
        for thread in c.threads:
            thread.join(WAIT)
    numbers = ", ".join(f"{n} {kind} {status}" for (kind, status), n in sorted(c.seen.items(), key=str))
    print(f"{what}: {numbers}; the slowest took {c.slowest:.2f} s", flush=True)


# ---- parts ----------------------------------------------------------------------

def boxes():
    for box in BOXES:
        start_etcd(box)
    until(lambda: shell("etcdctl endpoint health")[0] == 0, "etcd is there")
    text = block("etcdctl user add root")
    text = text.replace("user add root\n", f'user add "{ROOT}"\n').replace("user add jwtd\n", 'user add "jwtd:its password"\n')
    done(text)
    for box in BOXES:
        start_jwtd(box)
    for name in ["Romel", *(f"client {n}" for n in range(4))]:
        same(ask((BOXES[0], 5000), "POST", "/register", account(name))[0], 201, "register")
    token = log_in("Romel", (BOXES[0], 5000))
    same(counts(token), [200, 401, 401], "each node has a key of its own at first")
    done(block("give()"))
    until(lambda: counts(token) == [200, 200, 200], "all have the first one's key")
    modes = {oct(os.stat(f"{top}/{box}/jwtd.secret").st_mode & 0o777) for box in BOXES}
    same(modes, {"0o600"}, "nobody else may read it")
    start_haproxy()
    curl = f"curl -sk -o /dev/null -w '%{{http_code}} %{{http_version}} ' https://{FRONT[0]}:8443"
    same(shell(f"{curl}/healthz; {curl}/metrics")[1], "200 2 404 2 ", "over TLS")
    for words, right in ("get jwtd/u/Romel", True), ("get jwtd/u", True), ("get --prefix jwtd", False), ("put x y", False):
        same(shell(f"etcdctl {words}", "jwtd:its password")[0] == 0, right, f"etcd's user jwtd: {words}")
    check(shell("etcdctl get jwtd/u")[0] != 0, "nobody reads without a user")


def rotation():
    """The page's two rounds refuse nothing; one round does."""
    first = block("umask 077")
    give = block("give()").split("umask")[0]

    def reloaded(times):
        return [open(f"{top}/jwtd-{box}.log").read().count("keys reloaded") for box in BOXES] == times

    before = [open(f"{top}/jwtd-{box}.log").read().count("keys reloaded") for box in BOXES]
    with clients("a new key in two rounds", directly=True) as c:
        done(give + first)
        until(lambda: reloaded([n + 1 for n in before]), "all know it")
        same(done(block("token=")), "200\n200\n200\n", "all take a token of the new key")
        c.more()
        done(give + block("give /root/keys "))
        until(lambda: reloaded([n + 2 for n in before]), "all sign with it")
    same(c.failed(), {}, "refused in two rounds")
    with clients("a new key in one round", directly=True) as c:
        for box in BOXES:
            done(f'jwtd secret rotate --secret-file {top}/keys\n' * (box == BOXES[0]) + f"""
                cp {top}/keys {top}/{box}/next; mv {top}/{box}/next {top}/{box}/jwtd.secret; kill -HUP "$(cat {top}/{box}/pid)" """)
            c.more()
    check(c.seen["verifications", 401] > 0, "one round is not enough, so this can fail")


def restarts():
    """One after the other, nodes and members: nothing fails. Killed, a node fails those whom it was at."""
    with clients("all nodes are restarted") as c:
        for box in BOXES:
            end(f"jwtd-{box}")
            start_jwtd(box)
            c.more(400)
    same(c.failed(), {}, "failed")
    with clients("all members are restarted") as c:
        for box in BOXES:
            end(f"etcd-{box}")
            c.more()
            start_etcd(box)
            until(healthy, "the member is back")
    same(c.failed(), {}, "failed")
    with clients("all nodes are killed") as c:
        for box in BOXES:
            end(f"jwtd-{box}", signal.SIGKILL)
            c.more(400)
            start_jwtd(box)
            c.more(400)
    check(set(c.failed()) <= {("log-ins", 502)} and sum(c.failed().values()) <= 12, f"more failed: {c.failed()}")


def backup():
    """What the page says of a restore: accounts as they were, and which tokens count."""
    for name in "before", "behind", "never":
        ask(FRONT, "POST", "/register", account(name))
    before, behind, never = map(log_in, ("before", "behind", "never"))
    done("jwtd user logout before")
    done(block("ETCDCTL_ENDPOINTS=10.0.0.1:2379 etcdctl snapshot"), ROOT)
    same(ask(FRONT, "POST", "/register", account("later"))[0], 201, "register behind the backup")
    done("jwtd user logout behind")
    until(lambda: [counts(t) for t in (before, behind, never)] == [[401] * 3, [401] * 3, [200] * 3], "revoked")
    for box in BOXES:
        end(f"etcd-{box}")
        text = block("systemctl stop etcd")
        text = text[text.index("mv "):text.index("chown")].replace("/var/lib/etcd/default", f"{top}/etcd-{box}")
        done(re.sub(r"--name box1", f"--name box{box[-1]}", text).replace(f"peer-urls http://{BOXES[0]}", f"peer-urls http://{box}"))
    for box in BOXES:
        start_etcd(box)
    print(f"restored: log-ins go on after {until(lambda: log_in('never'), 'log-ins go on'):.2f} s", flush=True)
    same(ask(FRONT, "POST", "/login", account("later"))[0], 404, "who registered behind the backup is not there")
    fresh = log_in("before")
    until(lambda: counts(fresh) == [200] * 3, "who was revoked logs in anew")
    done("jwtd user logout before")
    until(lambda: counts(fresh) == [401] * 3, "what is revoked from then on is heard of by all")
    same([counts(t) for t in (before, behind, never)], [[401] * 3, [401] * 3, [200] * 3], "and nothing was forgotten")
    end(f"jwtd-{BOXES[0]}")
    start_jwtd(BOXES[0])
    same(counts(behind), [200, 401, 401], "but by a node that starts, what was revoked behind the backup")


def moved():
    """From a file to etcd and, after a change or two, back: who was deleted or revoked stays so."""
    file = f"{top}/{BOXES[0]}/users.jsonl"
    other = {"JWTD_USERS": jwtd_environment(BOXES[0])["JWTD_USERS"] + "/moved", "JWTD_ETCD_USER": "root",
             "JWTD_ETCD_PASSWORD": ROOT.split(":")[1]}
    for name in "ann", "bob", "cyd":
        done(f"jwtd user add {name} --users {file} <<<pass1425")
    token = done(f"jwtd token issue cyd --users {file} --secret-file {top}/{BOXES[0]}/jwtd.secret")
    there_text = block("systemctl stop jwtd.socket").split("\n", 1)[1]
    done(there_text, **other)
    same(done("jwtd user list", **other), "ann\nbob\ncyd\n", "all have moved")
    done("jwtd user delete bob; jwtd user logout cyd", **other)
    there = done("jwtd user export", **other)
    back = block("mv /var/lib/jwtd/users.jsonl")
    done(back, **other)
    same(done(f"jwtd user export --users {file}"), there, "and back, as they are")
    verify = f"jwtd token verify --users {file} --secret-file {top}/{BOXES[0]}/jwtd.secret <<<{token.strip()}"
    check("revoked" in shell(verify)[1], "what was revoked meanwhile stays so")
    done(f"mv {file}.old {file}\n" + back.split("\n")[2], **other)
    check("revoked" in shell(verify)[1], "also where the file of before was left there")
    breaks_off = 'jwtd() { "$bin" "$@"; status=$?; [ "$2" != export ] || return 1; return $status; }\n'
    for what, text in ("to etcd", there_text), ("back", back):
        gone = {**other, "JWTD_USERS": f"{other['JWTD_USERS']}-{what.split()[-1]}"}
        status, said = shell(breaks_off + text, **gone)
        check("accounts read" not in said, f"an export that breaks off is not imported, {what}: {status} {said}")
    done(block("umask 077\njwtd user export"), **other)
    same(open(f"{top}/users.jsonl").read(), there, "the backup")


def tls():
    """Anew, with what the page says of TLS: etcd asks for certificates, and HAProxy has one."""
    while running:
        end(next(iter(running)))
    os.makedirs(f"{top}/etcd")

    def here(text):
        return text.replace("127.0.0.1:", f"{BOXES[0]}:").replace("/etc/etcd", f"{top}/etcd").replace("/etc/haproxy", top)

    # here all boxes ask from this address
    done(f"cd {top}/etcd\n" + block("new_key=").replace("IP:$2", "IP:$2,IP:127.0.0.1"))
    done(f"cd {top}/etcd\ncp box1.pem box.pem\ncp box1.key box.key\n" + here(block("cd /etc/etcd").split("\n", 1)[1]))
    same(os.stat(f"{top}/etcd.pem").st_mode & 0o77, 0, "HAProxy's copy of the key is nobody else's")
    for box in BOXES:
        env = {name: value.replace("http:", "https:") for name, value in settings("ETCD_NAME=", box).items()}
        for name, value in settings("ETCD_CERT_FILE=", box).items():
            env[name] = here(value).replace("/box.", f"/box{box[-1]}.")
        start(f"etcd-{box}", ["etcd"], {**env, "ETCD_DATA_DIR": f"{top}/etcd-tls-{box}"})
    export = here(block("export ETCDCTL_ENDPOINTS=https:"))
    until(lambda: shell(export + "etcdctl endpoint health")[0] == 0, "etcd is there")
    text = block("etcdctl user add root").replace("user add root\n", f'user add "{ROOT}"\n')
    done(export + text.replace("user add jwtd\n", 'user add "jwtd:its password"\n'))
    with open(f"{top}/haproxy.cfg") as f:
        text = re.sub(r"    server .*\n", "", f.read())
    doors = here(block("listen etcd1"))
    with open(f"{top}/tls.cfg", "w") as f:
        f.write(f"{text}    server own {BOXES[0]}:5000\n{doors}")
    start("haproxy", ["haproxy", "-db", "-f", f"{top}/tls.cfg"], {})
    env = {name: here(value) for name, value in settings("JWTD_USERS=etcd://127", BOXES[0]).items()}
    start("jwtd", [BIN], {**jwtd_environment(BOXES[0]), **env, "JWTD_ETCD_PASSWORD": "its password", "JWTD_LOG": "access"})
    until(lambda: ask(FRONT, "GET", "/healthz")[0] == 200, "jwtd serves")
    same(ask(FRONT, "POST", "/register", account("Romel"))[0], 201, "register")
    token = log_in("Romel")
    same(ask(FRONT, "GET", "/get-jwt", None, token)[0], 200, "a token")
    wrong = {**account("Romel"), "password": "wrong"}
    same(ask(FRONT, "POST", "/login", wrong, source="127.0.0.77")[0], 401, "a wrong password")
    until(lambda: "127.0.0.77" in open(f"{top}/jwtd.log").read(), "jwtd believes HAProxy from whom that came")
    end(f"etcd-{BOXES[0]}")
    until(lambda: log_in("Romel"), "log-ins go on without a member")
    curl = f"curl -s -o /dev/null -m 5 -d '{{}}' --cacert {top}/etcd/ca.pem https://{BOXES[1]}:2379/v3/kv/txn"
    same(shell(f"{curl} --cert {top}/etcd/box.pem --key {top}/etcd/box.key")[0], 0, "who has a certificate is answered")
    check(shell(curl)[0] != 0, "and nobody else")


PARTS = [boxes, rotation, restarts, backup, moved, tls]


def main():
    watch(600)
    wanted = sys.argv[3:]
    parts = [part for part in PARTS if part is boxes or not wanted or part.__name__ in wanted]
    check(not wanted or {part.__name__ for part in parts} >= set(wanted), f"parts are {[p.__name__ for p in PARTS]}")
    for part in parts:
        if not attempt(part) and part is boxes:
            break
    finish()


main()
