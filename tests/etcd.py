"""etcd.py BINARY SOURCES [PART...] - accounts in etcd: three members, three nodes of jwtd, and HAProxy before them.

Members are killed, stopped, wiped and filled while clients register and log in. What was acknowledged must be there,
nobody is told that a name which it has registered itself is taken, one name has one owner, and tokens are verified
all the time. Standard library only; run by etcd.sh. Nothing sleeps for a fixed time and nothing waits for ever."""
import base64
import collections
import concurrent.futures
import contextlib
import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from common import check, end, finish, free_ports, same, scratch, skip, start, until, watch

BIN, SOURCES = sys.argv[1:3]
CLIENTS = 24
ALL_SECONDS = 300
WAIT = 30
RESUME = 3  # seconds in which writes go on behind a killed leader; or one more than etcd itself needs for a new one
REVOKED = 2  # seconds in which all nodes know what was revoked
HASH = "scrypt:2:1:1"
KEY = "the key of etcd.py, which is long enough"
TAKEN = "Username already exists"
VALUE_COMPARE = ("held == 0 && !says_the_same(&s.user, &next)", "held == 0")  # of users_etcd.c
top = scratch()


# ---- what runs ------------------------------------------------------------------

def run(*words, stdin=b"", timeout=60, **more):
    """Exit status, what it said and what it printed."""
    process = start(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
    try:
        printed, said = process.communicate(stdin, timeout)
    finally:
        process.kill()
    return process.returncode, said.decode("utf-8", "replace"), printed.decode("utf-8", "replace")


# As docs/cluster.md has it: the next leader is elected in half of the usual time.
FASTER = "--heartbeat-interval=50", "--election-timeout=500"


class Etcd:
    """A cluster. A member is known by its number."""

    def __init__(self, members=3, *options):
        ports = free_ports(2 * members)
        self.clients, self.peers = ports[:members], ports[members:]
        self.options, self.made = options, 0
        self.names = [f"m{i}" for i in range(members)]
        self.data = [tempfile.mkdtemp(dir=top) for _ in range(members)]
        self.processes = [None] * members
        for i in range(members):
            self.start(i)
        self.wait_healthy()

    def start(self, i, state="new"):
        cluster = ",".join(f"{n}=http://127.0.0.1:{p}" for n, p in zip(self.names, self.peers))
        client, peer = (f"http://127.0.0.1:{p[i]}" for p in (self.clients, self.peers))
        self.log = open(f"{top}/etcd.log", "a")
        self.processes[i] = start("etcd", "--name", self.names[i], "--data-dir", self.data[i], "--listen-client-urls",
                                  client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
                                  "--initial-advertise-peer-urls", peer, "--initial-cluster", cluster,
                                  "--initial-cluster-state", state, *FASTER, *self.options, stdout=self.log, stderr=self.log)

    def call(self, i, path, request, timeout=1.0, token=None):
        """The answer of one member, or None."""
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            connection = http.client.HTTPConnection("127.0.0.1", self.clients[i], timeout=timeout)
            with contextlib.closing(connection):
                connection.request("POST", f"/v3/{path}", json.dumps(request), {"Authorization": token} if token else {})
                return json.loads(connection.getresponse().read())
        return None

    def status(self, i):
        return self.call(i, "maintenance/status", {}) or {}

    def healthy(self):
        states = [self.status(i) for i in range(len(self.names))]
        return (all("leader" in s for s in states) and len({s["leader"] for s in states}) == 1 and
                max(int(s["raftAppliedIndex"]) for s in states) - min(int(s["raftAppliedIndex"]) for s in states) < 1000)

    def wait_healthy(self):
        return until(self.healthy, "all members are there")

    def leader(self):
        found = []

        def look():
            for i, process in enumerate(self.processes):
                s = self.status(i) if process.poll() is None else {}
                if "leader" in s and s["leader"] == s["header"]["member_id"]:
                    found.append(i)
                    return True
            return False
        until(look, "there is a leader")
        return found[-1]

    def writes_again(self, dead):
        """How many seconds until a member takes a write."""
        request = {"key": base64.b64encode(b"alive").decode(), "value": ""}
        alive = [i for i in range(len(self.names)) if i != dead]
        return until(lambda: any("header" in (self.call(i, "kv/put", request, 0.3) or {}) for i in alive),
                     "etcd takes writes again")

    def kill(self, i, number=signal.SIGKILL):
        self.processes[i].send_signal(number)
        if number == signal.SIGKILL:
            self.processes[i].wait(WAIT)

    def ctl(self, *words, member=0, user=None):
        """What etcdctl says."""
        who = ["--user", user] if user else []
        status, said, printed = run("etcdctl", "--endpoints", f"127.0.0.1:{self.clients[member]}", *who, *words,
                                    timeout=WAIT, env={**os.environ, "ETCDCTL_API": "3"})
        return status, printed + said

    def url(self, prefix):
        return "etcd://" + ",".join(f"127.0.0.1:{p}" for p in self.clients) + f"/{prefix}"

    def end(self):
        for process in self.processes:
            end(process, signal.SIGKILL)


class Node:
    """A jwtd."""

    def __init__(self, users, *options, env=None, binary=BIN):
        self.words = [binary, "--users", users, "--listen", f"127.0.0.1:{free_ports(1)[0]}", "--hash", HASH,
                      "--throttle", "off", "--workers", "4", "--loops", "1", *options]
        self.env = {**os.environ, "JWTD_SECRET": KEY, **(env or {})}
        self.port = int(self.words[4].rsplit(":", 1)[1])
        self.start()

    def start(self):
        self.log = f"{top}/jwtd-{self.port}.log"
        with open(self.log, "ab") as log:
            at = log.tell()
            self.process = start(*self.words, env=self.env, stdout=log, stderr=log)
        self.ready = False

        def look():
            ended = self.process.poll() is not None  # asked first: then all that it said can be read
            self.said = open(self.log, errors="replace").read()[at:]
            self.ready = "ready on" in self.said
            return self.ready or ended
        until(look, "jwtd starts or gives up")

    def ask(self, method, path, body=None, token=None):
        return ask(self.port, method, path, body, token)

    def log_end(self):
        return os.path.getsize(self.log)

    def says(self, words, since):
        with open(self.log, "rb") as log:
            log.seek(since)
            return words.encode() in log.read()

    def counted(self, what):
        """A value of /metrics."""
        return float(next(line for line in self.ask("GET", "/metrics")[1].splitlines()
                          if line.startswith(f"{what} ")).split()[1])


class Connection:
    """Asks one server, over a connection that is kept, and made anew where it was lost."""

    def __init__(self, port, timeout=15.0):
        self.port, self.timeout, self.connection = port, timeout, None

    def send(self, method, path, body=None, token=None):
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)

    def answer(self):
        response = self.connection.getresponse()
        self.fields = response.headers
        text = response.read()
        return response.status, json.loads(text) if text[:1] == b"{" else text.decode()

    def ask(self, *what):
        """Status and body; 0 where there is no answer."""
        try:
            self.send(*what)
            return self.answer()
        except (OSError, http.client.HTTPException, ValueError) as e:
            self.drop()
            return 0, {"error": repr(e)}

    def drop(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None


def ask(port, *what):
    connection = Connection(port)
    with contextlib.closing(contextlib.ExitStack()):
        answer = connection.ask(*what)
        connection.drop()
    return answer


def account(name, password="pass1425"):
    return {"username": name, "password": password}


def balance(nodes):
    """HAProxy before the nodes, round robin: its process and port."""
    port = free_ports(1)[0]
    directory = tempfile.mkdtemp(dir=top)
    servers = "\n".join(f"    server n{i} 127.0.0.1:{n.port} check inter 200ms" for i, n in enumerate(nodes))
    with open(f"{directory}/haproxy.cfg", "w") as f:
        f.write(f"""global
    maxconn 400
defaults
    mode http
    timeout connect 1s
    timeout client 20s
    timeout server 20s
    option redispatch
    retries 3
frontend all
    bind 127.0.0.1:{port}
    default_backend nodes
backend nodes
    balance roundrobin
    option httpchk GET /healthz
{servers}
""")
    log = open(f"{directory}/log", "w")
    process = start("haproxy", "-db", "-f", f"{directory}/haproxy.cfg", stdout=log, stderr=log)
    until(lambda: ask(port, "GET", "/healthz")[0] == 200, "HAProxy serves")
    return process, port


def jwtd(*words, users, stdin=b"", env=None):
    """The command line: exit status, and what it said and printed."""
    return run(BIN, *words, "--users", users, "--hash", HASH, stdin=stdin,
               env={**os.environ, "JWTD_SECRET": KEY, **(env or {})})


class Cluster:
    """What most parts share: three members, three nodes, one balancer."""

    def __init__(self, prefix, etcd=None, env=None):
        self.etcd = etcd or Etcd()
        self.users = self.etcd.url(prefix)
        self.nodes = [Node(self.users, env=env) for _ in range(3)]
        self.balancer, self.port = balance(self.nodes)

    def end(self):
        for process in (self.balancer, *(node.process for node in self.nodes)):
            end(process)
        self.etcd.end()


# ---- clients that register and log in all the time ----------------------------------

class Load:
    """What CLIENTS of them saw, from start to end."""

    def __init__(self, port, name):
        self.port, self.name = port, name
        self.stopped = threading.Event()
        self.made, self.taken, self.wrong, self.times, self.unanswered = {}, {}, [], [], 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.client, args=(i,), daemon=True) for i in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def client(self, number):
        first, second = Connection(self.port), Connection(self.port)
        for n in range(10 ** 6):
            if self.stopped.is_set():
                break
            name = f"{self.name}-{number}-{n}"
            if n % 5 == 4:
                self.rivals(name, first, second)
            else:
                self.one(name, first)
        first.drop()
        second.drop()

    def note(self, name, password):
        with self.lock:
            self.made[name] = password
            self.times.append(time.monotonic())

    def one(self, name, connection):
        """Nobody else registers this name. It is asked for again where it is not known whether it was."""
        for attempt in range(100):
            status, body = connection.ask("POST", "/register", account(name))
            if status == 201:
                return self.logs_in(name, connection)
            if status == 400:
                if attempt == 0 or body.get("error") != TAKEN:
                    self.wrong.append(f"{name}, nobody else's, attempt {attempt}: {body}")
                else:
                    self.taken[name] = "pass1425"
                return None
            if status not in (0, 502, 503, 504):
                self.wrong.append(f"{name}: {status} {body}")
            with self.lock:
                self.unanswered += 1
            if self.stopped.is_set():
                return None
            time.sleep(0.05)
        return None

    def logs_in(self, name, connection):
        self.note(name, "pass1425")
        status, body = connection.ask("POST", "/login", account(name))
        if status not in (200, 0, 502, 503, 504):
            self.wrong.append(f"{name} was acknowledged and can not log in: {status} {body}")

    def rivals(self, name, first, second):
        """Two want one name at the same moment: at most one gets it."""
        answers = []
        for connection, password in ((first, "one"), (second, "two")):
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection.send("POST", "/register", account(name, password))
        for connection, password in ((first, "one"), (second, "two")):
            try:
                answers.append((*connection.answer(), password))
            except (OSError, http.client.HTTPException, ValueError, AttributeError):
                connection.drop()
                answers.append((0, {}, password))
        winners = [password for status, _, password in answers if status == 201]
        for status, body, _ in answers:
            if status not in (201, 400, 0, 502, 503, 504) or (status == 400 and body.get("error") != TAKEN):
                self.wrong.append(f"{name}: {status} {body}")
        if len(winners) == 2:
            self.wrong.append(f"{name}: two got it")
        if len(winners) == 1:
            self.note(name, winners[0])
        if not winners and all(status == 400 for status, _, _ in answers):
            self.wrong.append(f"{name}: nobody got it, and both heard that it is taken")

    def wait_more(self, n=CLIENTS, seconds=WAIT):
        """Until so many more were acknowledged."""
        before = len(self.times)
        until(lambda: len(self.times) >= before + n, f"{n} more are registered", seconds)

    def gap(self, since):
        """The longest time in which nobody was acknowledged."""
        times = [since] + sorted(t for t in self.times if t > since)
        return max((b - a for a, b in zip(times, times[1:])), default=float("inf"))

    def end(self, what):
        """All clients stop. Whoever was acknowledged can log in, with his password; and so can whoever heard that his
        name, which nobody else wants, is taken, for then it was he that took it."""
        self.stopped.set()
        for thread in self.threads:
            thread.join(60)
        same([thread for thread in self.threads if thread.is_alive()], [], f"{what}: clients that go on")
        same(self.wrong, [], f"{what}: answers")
        check(len(self.made) > 0, f"{what}: somebody was registered")
        for accounts, who in (self.made, "acknowledged"), (self.taken, "taken at a second attempt"):
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                lost = [name for name, ok in zip(accounts, pool.map(self.can_log_in, accounts.items())) if not ok]
            same(lost, [], f"{what}: of {len(accounts)} {who}, lost")

    def can_log_in(self, item):
        for _ in range(20):
            status, _ = ask(self.port, "POST", "/login", account(*item))
            if status not in (0, 502, 503, 504):
                return status == 200
            time.sleep(0.1)
        return False


class Prober:
    """Asks a node for a token's verification all the time, and never waits for more than a second."""

    def __init__(self, node):
        self.connection, self.stopped = Connection(node.port, 1.0), threading.Event()
        self.name = f"prober-{node.port}"
        status, body = node.ask("POST", "/register", account(self.name))
        self.token = node.ask("POST", "/login", account(self.name))[1]["token"]
        self.wrong, self.asked, self.slowest = [], 0, 0.0
        self.thread = threading.Thread(target=self.probe, daemon=True)
        self.thread.start()

    def probe(self):
        while not self.stopped.is_set():
            start_of = time.monotonic()
            status, body = self.connection.ask("GET", "/get-jwt", None, self.token)
            self.slowest = max(self.slowest, time.monotonic() - start_of)
            self.asked += 1
            if status != 200:
                self.wrong.append((status, body))
            self.stopped.wait(0.02)

    def end(self, what):
        self.stopped.set()
        self.thread.join(WAIT)
        self.connection.drop()
        check(self.asked > 0, f"{what}: {self.name} has asked")
        same(self.wrong, [], f"{what}: verification, of {self.asked}")
        return self.slowest


@contextlib.contextmanager
def watched(cluster, what, nodes=None):
    """Clients, and probers of all or these nodes, while something happens."""
    load = Load(cluster.port, what)
    probers = [Prober(node) for node in nodes or cluster.nodes]
    try:
        load.wait_more()
        yield load
        load.wait_more()
    finally:
        for one in (load, *probers):
            one.stopped.set()
    slowest = max(prober.end(what) for prober in probers)
    load.end(what)
    print(f"{what}: {len(load.made)} accounts acknowledged, {load.unanswered} answers to ask again, "
          f"verification took {slowest * 1000:.0f} ms at most", flush=True)


# ---- parts -------------------------------------------------------------------------

def smoke(c):
    """All of test.sh, through the balancer."""
    status, _, printed = run(f"{SOURCES}/test.sh", f"http://127.0.0.1:{c.port}", timeout=120,
                             env={**os.environ, "TEST_SECRET": ""})
    check(status == 0 and ", 0 failed" in printed.splitlines()[-1], f"test.sh through HAProxy: {printed[-2000:]}")


def stored(c):
    """What etcd really holds, by its own client; names that look like something else stay names."""
    names = ["Romel", "a/b", "../r/x", "u/", "\u00fc\U0001f600", "%2f", "\"quoted\"", "x" * 255, " "]
    for name in names:
        same(c.nodes[0].ask("POST", "/register", account(name)), (201, {"message": "User registered successfully"}),
             f"register {name!r}")
        same(c.nodes[1].ask("POST", "/login", account(name))[0], 200, f"log in {name!r} at another node")
        status, text = c.etcd.ctl("get", "--print-value-only", f"main/u/{name}", member=2)
        line = json.loads(text)
        check(line["username"] == name and line["password"].startswith(HASH), f"etcdctl get {name!r}: {text}")
    other = c.etcd.url("main2")
    same(jwtd("user", "list", users=other), (0, "", ""), "another prefix is empty")
    same(jwtd("user", "add", "Romel", users=other, stdin=b"another\n")[0], 0, "and has its own Romel")
    same(jwtd("user", "list", users=other), (0, "", "Romel\n"), "who alone is there")
    for name in ("a\r\nb", "a\nb", "a\0b", "", "x" * 256):
        same(c.nodes[0].ask("POST", "/register", account(name))[0], 400, f"{name[:9]!r} is no name")
    homes = ("main/u", "main/r", "main2/u", "main2/r")
    same([key for key in c.etcd.ctl("get", "--prefix", "--keys-only", "")[1].splitlines()
          if key and key not in homes and not key.startswith(tuple(f"{home}/" for home in homes))], [], "no key is elsewhere")
    check(not set(names) - {json.loads(line)["username"] for line in
                            jwtd("user", "export", users=c.users)[2].splitlines()}, "all names are exported")
    name, value = "damaged", '{"username":"somebody else","password":"scrypt:2:1:1$x$00"}'
    c.etcd.ctl("put", f"main/u/{name}", value)
    same(c.nodes[0].ask("POST", "/login", account(name))[0], 503, "a value about another name is not believed")
    status, said, _ = jwtd("user", "export", users=c.users)
    check(status == 1 and "main/u/damaged is damaged: it is about another name" in said, f"nor exported: {said}")
    c.etcd.ctl("put", f"main/u/{name}", value.replace("somebody else", name)[:-9] + '$"}')
    c.etcd.ctl("del", f"main/u/{name}")


def locked_in(c):
    """The sandbox leaves a node what it needs to reach an etcd, by IPv6 too."""
    try:
        door = Loser(c.etcd.clients[0], "::1")
    except OSError as e:
        skip(f"no IPv6: {e}", False)
        door = Loser(c.etcd.clients[0])
    node = Node(f"etcd://{door.address}/locked", "--sandbox", "require")
    if not node.ready and "sandbox" in node.said:
        return skip(node.said, False)
    check(node.ready, f"starts with --sandbox require: {node.said}")
    status = open(f"/proc/{node.process.pid}/status").read()
    check("\nSeccomp:\t2\n" in status and "\nNoNewPrivs:\t1\n" in status, f"it is locked in: {status}")
    same(node.ask("POST", "/register", account("Romel"))[0], 201, "register from there")
    same(node.ask("POST", "/login", account("Romel"))[0], 200, "log in")
    end(node.process)
    return door.socket.close()


def one_of_many(c):
    """Fifty register one name at once, at three nodes: one gets it. So it is with --register first."""
    def race(nodes, names):
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            return collections.Counter(pool.map(
                lambda i: nodes[i % 3].ask("POST", "/register", account(names(i), f"password {i}"))[0], range(50)))
    for n in range(4):
        same(race(c.nodes, lambda i: f"one-{n}"), {201: 1, 400: 49}, "one name for fifty")
    first = [Node(c.etcd.url("first"), "--register", "first") for _ in range(3)]
    same(race(first, lambda i: f"first-{i}"), {201: 1, 403: 49}, "the first of fifty")
    name = jwtd("user", "list", users=c.etcd.url("first"))[2].strip()
    same(jwtd("user", "delete", name, users=c.etcd.url("first"))[0], 0, "the only one is deleted")
    same(first[2].ask("POST", "/register", account("second"))[0], 403, "and opens nothing")
    for node in first:
        end(node.process)


def revoked(c):
    """Tokens that are revoked count nowhere, soon; a changed password counts everywhere, at once."""
    def refused(node, token):
        return node.ask("GET", "/get-jwt", None, token)[0] == 401
    ways = {
        "a changed password": lambda name, n: c.nodes[n].ask(
            "POST", "/change-password", {**account(name), "new_password": "pass1426"})[0] == 200,
        "jwtd user logout": lambda name, n: jwtd("user", "logout", name, users=c.users)[0] == 0,
        "jwtd user passwd": lambda name, n: jwtd("user", "passwd", name, users=c.users, stdin=b"pass1426\n")[0] == 0,
        "jwtd user delete": lambda name, n: jwtd("user", "delete", name, users=c.users)[0] == 0,
    }
    for n, (what, do) in enumerate(ways.items()):
        name = f"back-{n}"
        same(c.nodes[0].ask("POST", "/register", account(name))[0], 201, f"{what}: register")
        tokens = [node.ask("POST", "/login", account(name))[1]["token"] for node in c.nodes]
        same([refused(node, token) for node in c.nodes for token in tokens], [False] * 9, f"{what}: before")
        check(do(name, n % 3), f"{what} is done")
        done = time.monotonic()
        if what == "a changed password":
            check(all(refused(c.nodes[n % 3], token) for token in tokens), f"{what}: its own node knows at once")
        status = [node.ask("POST", "/login", account(name))[0] for node in c.nodes]
        same(status, [404 if "delete" in what else 200 if "logout" in what else 401] * 3, f"{what}: the old password")
        for node in c.nodes:
            until(lambda: all(refused(node, token) for token in tokens), f"{what}: refused by all", 10)
        took = time.monotonic() - done
        print(f"{what}: refused by all nodes after {took:.2f} s", flush=True)
        check(took <= REVOKED, f"{what}: {took:.2f} s until all nodes knew")
        if "delete" in what:
            same(c.nodes[1].ask("POST", "/register", account(name))[0], 201, "the name is free again")
            check(all(refused(node, token) for node in c.nodes for token in tokens), "and the old tokens do not count")
        password = "pass1425" if "logout" in what or "delete" in what else "pass1426"
        fresh = c.nodes[2].ask("POST", "/login", account(name, password))[1]["token"]
        until(lambda: not any(refused(node, fresh) for node in c.nodes), f"{what}: a new token counts", 2)
    restarted = Node(c.users)
    check(all(refused(restarted, token) for token in tokens), "a node that starts knows what was revoked")
    end(restarted.process)
    lease = c.etcd.ctl("get", "-w", "json", "main/r/back-1")[1]
    check(json.loads(lease)["kvs"][0]["lease"] > 0, "what was revoked has a lease")


def command_line(c):
    """Every command, from a file to etcd and back."""
    users, file = c.etcd.url("shell"), f"{top}/shell.jsonl"
    lines = [json.dumps({"username": f"user {i:04}", "password": "scrypt:2:1:1$salt$" + f"{i:04}" * 32},
                        separators=(",", ":")) for i in range(2500)]
    text = "".join(f"{line}\n" for line in lines).encode()
    same(jwtd("user", "import", users=file, stdin=text)[0], 0, "into a file")
    same(jwtd("user", "logout", "user 0007", users=file)[0], 0, "one of it has his tokens revoked")
    status, _, exported = jwtd("user", "export", users=file)
    same(jwtd("user", "import", users=users, stdin=exported.encode()),
         (0, "jwtd: 2500 accounts read, 2500 added\n", ""), "from the file to etcd")
    there = jwtd("user", "export", users=users)
    same(sorted(there[2].splitlines()), sorted(exported.splitlines()), "the same lines")
    same(jwtd("user", "import", users=users, stdin=exported.encode()),
         (0, "jwtd: 2500 accounts read, 0 added\n", ""), "once more is nothing new")
    back = f"{top}/back.jsonl"
    same(jwtd("user", "import", users=back, stdin=there[2].encode())[0], 0, "and back into a file")
    same(sorted(jwtd("user", "export", users=back)[2].splitlines()), sorted(exported.splitlines()), "the same lines")
    same(jwtd("user", "list", users=users)[2].splitlines(), [f"user {i:04}" for i in range(2500)], "a list of pages")
    with open(f"{top}/many", "w") as f:
        f.writelines(f"many {i}:scrypt:2:1:1$salt${'ab' * 64}\n" for i in range(8000))
    command = shlex.join([BIN, "user", "import", f.name, "--users", c.etcd.url("many")])
    status, _, said = run("script", "-qec", command, "/dev/null")
    bars = re.findall(r"(\w+) \[#* *\] (\d+) %(\r\n?)", said)
    written = [int(percent) for what, percent, _ in bars if what == "writing"]
    check(status == 0 and len(written) == 8000 / 64 and written == sorted(written) and written[:1] < [5] and
          [bar[1:] for bar in bars if "\n" in bar[2]] == 2 * [("100", "\r\n")] and "8000 added" in said, f"a bar: {said!r}")
    other = lines[3].replace("0003" * 32, "0004" * 32)
    status, said, _ = jwtd("user", "import", users=users, stdin=f"{lines[2].replace('user 0002', 'user none')}\n{other}\n".encode())
    check(status == 1 and "line 2: its name is taken, with another password (nothing is imported)" in said,
          f"a contradiction: {status} {said}")
    same(jwtd("user", "list", users=users)[2].count("none"), 0, "of which nothing is imported")
    same(jwtd("user", "add", "user 0001", users=users, stdin=b"x\n")[:2],
         (1, 'jwtd: user "user 0001" exists already\n'), "add one that is there")
    same(jwtd("user", "passwd", "nobody", users=users, stdin=b"x\n")[:2], (1, 'jwtd: user "nobody" not found\n'), "nobody")
    same(jwtd("user", "delete", "user 0001", users=users)[0], 0, "delete")
    same(jwtd("user", "delete", "user 0001", users=users)[0], 1, "delete once more")
    same(jwtd("user", "add", "user 0001", users=users, stdin=b"pass1425\n")[0], 0, "add")
    status, _, token = jwtd("token", "issue", "user 0001", users=users)
    same(status, 0, "token issue")
    verify, env = (BIN, "token", "verify", "--users", users), {**os.environ, "JWTD_SECRET": KEY}
    same(run(*verify, stdin=token.encode(), env=env)[2], "user 0001\n", "token verify")
    same(jwtd("user", "logout", "user 0001", users=users)[0], 0, "logout")
    status, said, _ = run(*verify, stdin=token.encode(), env=env)
    check(status == 1 and "it was revoked" in said, f"of a token that was revoked: {status} {said}")


def refused(c):
    """What --users can't be, and a start without an answer."""
    for users in ("etcd://", "etcd://localhost:2379", "etcd://127.0.0.1", "etcd://127.0.0.1:0", "etcd://127.0.0.1:99999",
                  "etcd://127.0.0.1:2379,", "etcd://[::1]", "etcd://127.0.0.1:2379,,127.0.0.1:2380/x",
                  "etcd://" + ",".join(["127.0.0.1:2379"] * 10), "etcd://127.0.0.1:2379/" + "x" * 256,
                  c.etcd.url("main/u")):
        for words in (["user", "list"], []):
            status, said, _ = run(BIN, *words, "--users", users, "--listen", "127.0.0.1:0", timeout=20,
                                  env={"JWTD_SECRET": KEY})
            check(status == 1 and users in said and said.count("\n") <= 3, f"--users {users}: {status} {said}")
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(1)
        nowhere = [free_ports(1)[0], deaf.getsockname()[1]]
        start_of = time.monotonic()
        node = Node("etcd://" + ",".join(f"127.0.0.1:{p}" for p in nowhere))
        check(not node.ready and node.process.wait(WAIT) == 1 and "does not answer" in node.said,
              f"no start without etcd: {node.said}")
        check(time.monotonic() - start_of < 10, "and it says so soon")
    metrics = c.nodes[0].ask("GET", "/metrics")[1]
    check('jwtd_etcd_calls_total{outcome="ok"}' in metrics and "jwtd_etcd_call_seconds_sum" in metrics and
          "jwtd_etcd_retries_total" in metrics, "metrics")
    if shutil.which("promtool"):
        same(run("promtool", "check", "metrics", stdin=metrics.encode()), (0, "", ""), "promtool check metrics")
    else:
        skip("promtool: package prometheus")


class Loser(threading.Thread):
    """Stands before a member, carries out what it is asked, and loses the answer to each write the first time."""

    def __init__(self, to, host="127.0.0.1"):
        super().__init__(daemon=True)
        self.to, self.seen, self.lost = to, set(), 0
        self.socket = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        port = self.socket.getsockname()[1]
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.start()

    def run(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client):
        with client, socket.create_connection(("127.0.0.1", self.to)) as member:
            request = b""
            while b"\r\n\r\n" not in request:
                request += client.recv(65536)
            head, _, body = request.partition(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            while len(body) < length:
                body += client.recv(65536)
            member.sendall(head + b"\r\n\r\n" + body)
            answer = b""
            while data := member.recv(65536):
                answer += data
            write = b"request_put" in body or b"request_delete" in body
            if write and body not in self.seen:
                self.seen.add(body)
                self.lost += 1
            else:
                client.sendall(answer)


def lost_answers(c, binary=BIN):
    """Every first answer to a write is lost: nobody hears of himself that the name is taken, or that he was overtaken."""
    loser = Loser(c.etcd.clients[0])
    node = Node(f"etcd://{loser.address}/lost", binary=binary)
    for n in range(3):
        same(node.ask("POST", "/register", account(f"lost-{n}"))[0], 201, "register, the answer lost")
        same(node.ask("POST", "/register", account(f"lost-{n}"))[0], 400, "it is taken for others")
    same(node.ask("POST", "/change-password", {**account("lost-0"), "new_password": "pass1426"})[0], 200,
         "a changed password, the answer lost")
    same(node.ask("POST", "/login", account("lost-0", "pass1426"))[0], 200, "which counts")
    users = f"etcd://{loser.address}/lost"
    same(jwtd("user", "logout", "lost-1", users=users)[0], 0, "logout, the answer lost")
    same(jwtd("user", "delete", "lost-2", users=users)[0], 0, "delete, the answer lost")
    text = "".join(f"imported {i}:scrypt:2:1:1$salt${'ab' * 64}\n" for i in range(10))
    same(jwtd("user", "import", users=users, stdin=text.encode())[:2], (0, "jwtd: 10 accounts read, 10 added\n"),
         "import, the answers lost")
    check(loser.lost >= 8, f"{loser.lost} answers were lost")
    loser.socket.close()
    end(node.process)


def leaves(c, load, number):
    """The leader is sent a signal: how long it took until writes went on, and until etcd itself took them."""
    leader = c.etcd.leader()
    at = time.monotonic()
    c.etcd.kill(leader, number)
    own = c.etcd.writes_again(leader)
    load.wait_more()
    gap = load.gap(at)
    check(gap <= max(RESUME, own + 1), f"writes went on after {gap:.2f} s, those of etcd after {own:.2f} s")
    return leader, gap, own


def leader_kills(c, times=10):
    """The leader is killed while clients register and log in."""
    gaps = []
    with watched(c, "leader killed") as load:
        for _ in range(times):
            leader, *seconds = leaves(c, load, signal.SIGKILL)
            gaps.append(seconds)
            c.etcd.start(leader)
            c.etcd.wait_healthy()
    print(f"leader killed {times} times: writes went on after " +
          " ".join(f"{gap:.2f} ({own:.2f})" for gap, own in gaps) + " s (etcd's own)", flush=True)


def leader_stopped(c):
    """It is there, and says nothing."""
    with watched(c, "leader stopped") as load:
        leader, gap, own = leaves(c, load, signal.SIGSTOP)
        print(f"leader stopped: writes went on after {gap:.2f} s, those of etcd after {own:.2f} s", flush=True)
        c.etcd.kill(leader, signal.SIGCONT)
        c.etcd.wait_healthy()


def member_wiped(c):
    """A member loses its disk, and joins anew."""
    with watched(c, "member wiped") as load:
        lost, other = (c.etcd.leader() + 1) % 3, c.etcd.leader()
        identity = f"{int(c.etcd.status(lost)['header']['member_id']):x}"
        c.etcd.kill(lost)
        shutil.rmtree(c.etcd.data[lost])
        load.wait_more()
        same(c.etcd.ctl("member", "remove", identity, member=other)[0], 0, "etcdctl member remove")
        peer = f"http://127.0.0.1:{c.etcd.peers[lost]}"
        until(lambda: c.etcd.ctl("member", "add", c.etcd.names[lost], f"--peer-urls={peer}", member=other)[0] == 0,
              "etcdctl member add")
        c.etcd.start(lost, "existing")
        c.etcd.wait_healthy()


def quorum_lost(c):
    """Two of three are killed: nothing is stored and nobody logs in, which is said soon; tokens count."""
    with watched(c, "quorum lost") as load:
        token = c.nodes[0].ask("POST", "/login", account(next(iter(load.made)), load.made[next(iter(load.made))]))[1]["token"]
        killed, since = [0, 1], c.nodes[0].log_end()
        for i in killed:
            c.etcd.kill(i)
        connection = Connection(c.nodes[0].port)
        start_of = time.monotonic()
        status, body = connection.ask("POST", "/register", account("no quorum"))
        took = time.monotonic() - start_of
        check(status == 503 and took < 9, f"503 after {took:.1f} s: {status} {body}")
        check(connection.fields.get("Retry-After", "").isdigit(), f"with Retry-After: {connection.fields}")
        until(lambda: c.nodes[0].says("does not answer", since), "the log says so")
        start_of = time.monotonic()
        same({c.nodes[0].ask("POST", "/login", account("nobody"))[0] for _ in range(20)}, {503}, "nobody logs in")
        took = time.monotonic() - start_of
        check(took < 6, f"who comes then does not wait for his six seconds: 20 in {took:.1f} s")
        check(c.nodes[0].counted('jwtd_etcd_calls_total{outcome="unavailable"}') > 20, "which is counted")
        same(c.nodes[0].ask("GET", "/healthz")[0], 200, "but tokens count, so a balancer keeps the node")
        same(c.nodes[0].ask("GET", "/get-jwt", None, token)[0], 200, "verification goes on")
        since = c.nodes[0].log_end()
        for i in killed:
            c.etcd.start(i)
        back = time.monotonic()
        c.etcd.wait_healthy()
        healthy = time.monotonic()
        load.wait_more()
        print(f"quorum regained: all members there after {healthy - back:.2f} s, writes {time.monotonic() - healthy:.2f} s "
              "later at most", flush=True)
        until(lambda: c.nodes[0].says("answers again", since), "and that it answers again")
        connection.drop()


def node_killed(c):
    """The other nodes go on, and the balancer leaves it out."""
    for i, node in enumerate(c.nodes):
        with watched(c, f"node {i} killed", [other for other in c.nodes if other is not node]) as load:
            node.process.kill()
            node.process.wait(WAIT)
            load.wait_more()
            node.start()
            check(node.ready, "it is there again")


def quota(_):
    """etcd is full: nobody registers, log-ins and verification go on, and nothing is done by half."""
    c = Cluster("full", Etcd(3, "--quota-backend-bytes", str(4 << 20)))
    node = c.nodes[0]
    same(node.ask("POST", "/register", account("Romel"))[0], 201, "register")
    same(node.ask("POST", "/register", account("leaves"))[0], 201, "register another")
    with watched(c, "quota filled") as load:
        value, since = base64.b64encode(b"x" * 500000).decode(), node.log_end()
        keys = [base64.b64encode(b"x%d" % i).decode() for i in range(20)]
        check(any("error" in (c.etcd.call(0, "kv/put", {"key": key, "value": value}, 10) or {}) for key in keys),
              "etcd is full")
        until(lambda: all("errors" in c.etcd.status(i) for i in range(3)), "which all members know")
        retries = node.counted("jwtd_etcd_retries_total")
        connection = Connection(node.port)
        same(connection.ask("POST", "/register", account("late"))[0], 503, "no room for an account")
        check(connection.fields.get("Retry-After", "").isdigit(), f"with Retry-After: {connection.fields}")
        connection.drop()
        same(node.counted("jwtd_etcd_retries_total"), retries, "it is not tried again")
        check(node.counted('jwtd_etcd_calls_total{outcome="refused"}') > 0, "but counted")
        check(node.says("database space exceeded", since), "and said")
        same(node.ask("POST", "/login", account("Romel"))[0], 200, "log in")
        same(jwtd("user", "list", users=c.users)[0], 0, "list")
        same(node.ask("POST", "/change-password", {**account("Romel"), "new_password": "pass1426"})[0], 503, "no change")
        done = jwtd("user", "logout", "Romel", users=c.users)
        check(done[0] == 1 and "database space exceeded" in done[1], f"nobody is revoked, which is said: {done}")
        same([node.ask("POST", "/login", account("Romel", password))[0] for password in ("pass1425", "pass1426")],
             [200, 401], "and all is as it was")
        done = jwtd("user", "delete", "leaves", users=c.users)
        check(done[0] == 0 or "database space exceeded" in done[1], f"it is deleted, or why not: {done}")
        same(node.ask("POST", "/login", account("leaves"))[0], 200 if done[0] else 404, "and not by half")
        for key in keys:
            c.etcd.call(0, "kv/deleterange", {"key": key})
        same(c.etcd.ctl("compact", "--physical", c.etcd.status(0)["header"]["revision"])[0], 0, "etcdctl compact")
        for i in range(3):
            same(c.etcd.ctl("defrag", member=i)[0], 0, "etcdctl defrag")
        same(c.etcd.ctl("alarm", "disarm")[0], 0, "etcdctl alarm disarm")
        load.wait_more()
        same(node.ask("POST", "/register", account("late"))[0], 201, "there is room again")
    c.end()


def authenticated(_):
    """A user of etcd who may see one prefix; tokens that have expired, and that etcd has forgotten."""
    etcd = Etcd(3, "--auth-token-ttl", "2", "--bcrypt-cost", "4", "--logger", "zap", "--log-level", "info")
    password = "secret \"pass\""
    for words in (["user", "add", "root:rootpass"], ["user", "grant-role", "root", "root"], ["role", "add", "jwtd"],
                  ["role", "grant-permission", "jwtd", "readwrite", "a/u", "a/u0"],
                  ["role", "grant-permission", "jwtd", "readwrite", "a/r", "a/r0"],
                  ["user", "add", f"jwtd:{password}"], ["user", "grant-role", "jwtd", "jwtd"], ["auth", "enable"]):
        status, said = etcd.ctl(*words)
        same((status, words), (0, words), said)
    env = {"JWTD_ETCD_USER": "jwtd", "JWTD_ETCD_PASSWORD": password}
    c = Cluster("a", etcd, env)
    check(all(node.ready for node in c.nodes), f"starts with a user: {c.nodes[0].said}")
    node = c.nodes[0]
    same(node.ask("POST", "/register", account("Romel"))[0], 201, "register")
    same(node.ask("POST", "/change-password", {**account("Romel"), "new_password": "pass1426"})[0], 200, "change")

    def new_token():
        return etcd.call(0, "auth/authenticate", {"name": "jwtd", "password": password})["token"]

    def is_invalid(i, token):
        request = {"key": base64.b64encode(b"a/u").decode(), "serializable": True}
        return "invalid auth token" in str(etcd.call(i, "kv/range", request, token=token))

    def expired():
        with open(etcd.log.name) as log:
            return sum("deleted a simple token" in line and '"user-name":"jwtd"' in line for line in log)

    with watched(c, "tokens lost") as load:
        until(lambda: expired() >= 2 * len(c.nodes), "tokens of all nodes expire at the two members that they do not ask")
        for i in range(3):  # from the first one the nodes come to those
            token = new_token()
            load.wait_more()  # what a member was told in its last 0.1 s it does once more, log-ins too
            end(etcd.processes[i])
            etcd.start(i)
            etcd.wait_healthy()
            until(lambda: is_invalid(i, token), "a member that was started anew knows no token")
        load.wait_more()
        for node in c.nodes:
            same(node.ask("POST", "/login", account("Romel", "pass1426"))[0], 200, "log in behind a forgotten token")
    wrong = Node(c.users, env={**env, "JWTD_ETCD_PASSWORD": "wrong"})
    check(not wrong.ready and "authentication failed" in wrong.said, f"a wrong password: {wrong.said}")
    nobody = Node(c.users)
    check(not nobody.ready and "refuses" in nobody.said, f"no user: {nobody.said}")
    other = Node(etcd.url("b"), env=env)
    check(not other.ready and "permission denied" in other.said, f"another prefix: {other.said}")
    check("Romel" in jwtd("user", "list", users=c.users, env=env)[2].splitlines(), "the command line")
    c.end()


def mutant(_):
    """A build that does not compare what it finds with what it wrote must be caught."""
    source = f"{top}/mutant"
    os.makedirs(source)
    for file in os.listdir(SOURCES):
        if file.endswith((".c", ".h")) or file in ("Makefile", "index.html"):
            shutil.copy2(f"{SOURCES}/{file}", source)
    with open(f"{source}/users_etcd.c", "r+") as f:
        text = f.read()
        same(text.count(VALUE_COMPARE[0]), 1, "users_etcd.c compares the value")
        f.seek(0)
        f.write(text.replace(*VALUE_COMPARE))
        f.truncate()
    status, said, _ = run("make", "-s", "-C", source, "BUILD=build", "CFLAGS=-O1", "build/jwtd", timeout=120)
    same(status, 0, f"make: {said}")
    etcd = Etcd(1)
    loser = Loser(etcd.clients[0])
    node = Node(f"etcd://{loser.address}/lost", binary=f"{source}/build/jwtd")
    same(node.ask("POST", "/register", account("Romel")), (400, {"error": TAKEN}), "without the compare, a false answer")
    loser.socket.close()
    end(node.process)
    etcd.end()


SHARED = [smoke, stored, locked_in, one_of_many, revoked, command_line, refused, lost_answers, node_killed, member_wiped,
          leader_stopped, quorum_lost, leader_kills]
ALONE = [quota, authenticated, mutant]


def main():
    wanted = sys.argv[3:]
    parts = SHARED + ALONE
    watch(ALL_SECONDS)
    if wanted == ["long"]:
        parts = [leader_kills]
    elif wanted:
        parts = [part for part in parts if part.__name__ in wanted]
        check(len(parts) == len(set(wanted)), f"parts are {' '.join(part.__name__ for part in SHARED + ALONE)}, and long")
    cluster = None
    for part in parts:
        start_of = time.monotonic()
        try:
            if part in SHARED and cluster is None:
                cluster = Cluster("main")
            part(cluster, 50) if wanted == ["long"] else part(cluster)
        except Exception:
            check(False, f"{part.__name__}: {traceback.format_exc()}")
            if cluster:
                for node in cluster.nodes:
                    print(open(node.log, errors="replace").read()[-1000:])
        print(f"{part.__name__}: {time.monotonic() - start_of:.1f} s", flush=True)
    finish()


main()
