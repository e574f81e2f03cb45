"""keys.py BINARY [PART...] - the key file, its rotation, tokens from the shell, and a clock that stands too early.

Tokens are made and read here with Python's hmac; nothing expected comes from jwtd. What is killed in the middle of a
rotation is killed by strace at a system call, so that every point is reached each time.

Standard library only; run by keys.sh."""
import base64
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import common
from common import check, read, run_parts, running, same, scratch, segment, signed, skip, until

BIN = sys.argv[1]
HERE = os.path.dirname(os.path.abspath(__file__))
WAIT = 20  # for any one thing that must come
ENV = {**common.ENV, "JWTD_HASH": "scrypt:16:1:1", "JWTD_LISTEN": "127.0.0.1:0",
       "TSAN_OPTIONS": "report_thread_leaks=0"}
ROMEL = json.dumps({"username": "Romel", "password": "scrypt:16:1:1$salt$" + hashlib.scrypt(
    b"pass1425", salt=b"salt", n=16, r=1, p=1, dklen=64).hex()}) + "\n"
OLD, NEW = b"an old key that is long enough, with 32 bytes", b"a new key that is long enough, with 32 bytes."
RELEASED = 1795478400  # date -u -d 2026-11-24 +%s

top = scratch(in_memory=True)
os.chmod(top, 0o711)


def make_token(key, claims=None, header=None):
    claims = claims if claims is not None else {"sub": "Romel", "exp": int(time.time()) + 600}
    return common.make_token(key, claims, header)


def claims_of(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


def signed_with(token, key):
    return token == signed(token.rpartition(".")[0], key)


class Home:
    """A folder with accounts and keys, and the commands there."""

    def __init__(self, keys=OLD + b"\n", **env):
        self.folder = tempfile.mkdtemp(dir=top)
        self.file = f"{self.folder}/jwtd.secret"
        self.env = {**ENV, "STATE_DIRECTORY": self.folder, **env}
        with open(f"{self.folder}/users.jsonl", "w", encoding="ascii") as f:
            f.write(ROMEL)
        if keys is not None:
            self.put(keys)

    def put(self, text):
        """Replaces the file as an administrator would."""
        with open(os.open(f"{self.file}.mine", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as f:
            f.write(text)
        os.rename(f"{self.file}.mine", self.file)

    def keys(self):
        return read(self.file).splitlines()

    def start(self, *words, around=(), binary=BIN, stdin=subprocess.PIPE, **env):
        return subprocess.Popen([*around, binary, *words], env={**self.env, **env}, stdin=stdin,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __call__(self, *words, given="", status=0, says=None, **how):
        """Runs it, checks its status and the last line that it says; gives what it prints."""
        process = self.start(*words, **how)
        out, err = process.communicate(given.encode() if isinstance(given, str) else given, WAIT)
        what = f"{' '.join(words)[:80]}"
        same(process.returncode, status, f"{what}: exit status; it said {err!r}")
        if says is not None:
            check(says in err.decode().splitlines()[-1] if err and says else err == b"" and says == "",
                  f"{what}: says {err!r}, not {says!r}")
        self.said = err.decode()
        return out.decode()


class Server:
    def __init__(self, home, *options, **how):
        self.lines, self.seen, self.url = [], threading.Condition(), None
        self.process = home.start(*options, **how)
        running.append(self.process)
        self.pid = self.process.pid
        threading.Thread(target=self.listen, daemon=True).start()
        self.url = self.wait_for(r"ready on http://(\S+)")[1]

    def listen(self):
        for line in self.process.stderr:
            with self.seen:
                self.lines.append(line.decode())
                self.seen.notify_all()
        with self.seen:
            self.lines.append("(it has ended)")
            self.seen.notify_all()

    def wait_for(self, pattern, after=0):
        """The first line behind the first `after` ones that the pattern matches."""
        end = time.monotonic() + WAIT
        with self.seen:
            while True:
                for line in self.lines[after:]:
                    if match := re.search(pattern, line):
                        return match
                if "(it has ended)" in self.lines or not self.seen.wait(end - time.monotonic()):
                    raise TimeoutError(f"not said: {pattern}: {self.lines}")

    def hang_up(self, pattern):
        after = len(self.lines)
        os.kill(self.pid, signal.SIGHUP)
        self.wait_for(pattern, after)
        return self.lines[after:]

    def ask(self, path, token=None, body=None):
        connection = http.client.HTTPConnection(self.url, timeout=WAIT)
        fields = {"Content-Type": "application/json"} if body else {}
        if token:
            fields["Authorization"] = f"Bearer {token}"
        connection.request("POST" if body else "GET", path, json.dumps(body) if body else None, fields)
        answer = connection.getresponse()
        text = json.loads(answer.read())
        connection.close()
        return answer.status, text, answer.headers

    def started(self):
        """When it says that it was."""
        connection = http.client.HTTPConnection(self.url, timeout=WAIT)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return int(re.search(r"(?m)^process_start_time_seconds (\d+)$", text)[1])

    def verify(self, token):
        return self.ask("/get-jwt", token)[0]

    def log_in(self):
        return self.ask("/login", body={"username": "Romel", "password": "pass1425"})[1]["token"]

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        same(self.process.wait(WAIT), 0, "the server's exit status")


# ---- the file ----------------------------------------------------------------

def lines():
    others = [b"%d key that is long enough, with 32 bytes" % i for i in range(20)]
    rows = (  # the file, the keys that count, why
        (OLD, [OLD], "no line end"),
        (OLD + b"\n" + NEW + b"\n", [OLD, NEW], "two"),
        (OLD + b"\r\n" + NEW + b"\r\n", [OLD, NEW], "CR LF"),
        (OLD + b"\n" + NEW, [OLD, NEW], "the last without its end"),
        (OLD + b"\n\n\r\n" + NEW + b"\n\n\n", [OLD, NEW], "empty lines behind the first are none"),
        (OLD + b" \n\t" + NEW + b"\n", [OLD + b" ", b"\t" + NEW], "spaces count"),
        (b"\xff\0\x80" + OLD + b"\n\0" + NEW, [b"\xff\0\x80" + OLD, b"\0" + NEW], "any bytes"),
        (b"k" * 4096 + b"\r\n" + b"l" * 4096 + b"\n", [b"k" * 4096, b"l" * 4096], "4096 bytes"),
        (b"\n".join(others[:16]) + b"\n\n", others[:16], "sixteen"),
        (OLD + b"\nshort\n", [OLD, b"short"], "warned of", "shorter than 32"),
        (OLD + b"\nsecret\n", [OLD, b"secret"], "warned of", "everybody knows"),
    )
    for text, keys, why, *warning in rows:
        home = Home(text)
        for key in keys:
            same(home("token", "verify", given=make_token(key)), "Romel\n", f"{why}: {key[:40]} verifies")
            check(warning[0] in home.said if warning else home.said == "", f"{why}: {home.said!r}")
        check(signed_with(home("token", "issue", "Romel").strip(), keys[0]), f"{why}: the first one signs")
        for key in {b"", text, b"\r", keys[-1] + b"\n", keys[0] + b"\r"} - set(keys):
            home("token", "verify", given=make_token(key), status=1)
    bad = (
        (b"", "empty"), (b"\n", "empty"), (b"\r\n", "empty"), (b"\n" + OLD, "empty"), (b"\r\n" + OLD, "empty"),
        (b"\n".join(others[:17]), "too many keys"), (b"k" * 4097, "4096"), (OLD + b"\n" + b"k" * 4097, "4096"),
        (b"x" * 70000, "too large"),
    )
    for text, why in bad:
        Home(text)("token", "issue", "Romel", status=1, says=why)
    home = Home(OLD + b"\nyour_secret_key\n")
    home("token", "issue", "Romel", "--listen", "0.0.0.0:5000", status=1, says="everybody knows")
    home("--listen", "0.0.0.0:0", status=1, says="everybody knows")
    os.chmod(home.file, 0o644)
    home("token", "issue", "Romel")
    check("chmod 600" in home.said, f"others may read it: {home.said}")
    home = Home(None)
    home("token", "issue", "Romel", status=1, says="No such file")
    check(not os.path.exists(home.file), "token makes no key")
    home = Home(OLD, JWTD_SECRET=f"{NEW.decode()}\n{OLD.decode()}")
    check(signed_with(home("token", "issue", "Romel").strip(), NEW + b"\n" + OLD), "JWTD_SECRET is one key")
    home("token", "verify", given=make_token(NEW), status=1)


def secret():
    home = Home(None)
    home("secret", "rotate", status=1, says="No such file")
    home("secret", "new", says="")
    check(re.fullmatch(rb"[A-Za-z0-9_-]{43}\n", read(home.file)), f"secret new: {read(home.file)!r}")
    same(os.stat(home.file).st_mode & 0o777, 0o600, "secret new: mode")
    made = home.keys()
    home("secret", "new", status=1, says="there already")
    same(home.keys(), made, "secret new: leaves it alone")
    for i in range(15):
        home("secret", "rotate", says="kill -HUP")
        same((home.keys()[1:], len(home.keys())), (made, i + 2), "secret rotate: the old ones stay behind the new one")
        made = home.keys()
    same(len(set(made)), 16, "all keys differ")
    home("secret", "rotate", says="kill -HUP")
    same(home.keys()[1:], made[:15], "secret rotate: of sixteen the oldest falls out")
    check("the oldest key fell out" in home.said, f"and that is said: {home.said!r}")
    for text, why in ((b"".join(b"%d\n" % i for i in range(17)), "no file of keys"), (OLD + b"\n" + b"x" * 4097, "no file of keys")):
        home.put(text)
        home("secret", "rotate", status=1, says=why)
        same(read(home.file), text, f"secret rotate, {why}: it is left alone")
    os.rename(home.file, f"{home.folder}/elsewhere")
    os.symlink("elsewhere", home.file)
    home("secret", "rotate", status=1, says="it is a link: name the file itself")
    os.unlink(f"{home.folder}/elsewhere")
    home.put(OLD + b"\r\n\r\n" + NEW)
    os.chmod(home.file, 0o600)
    home("secret", "rotate")
    same(home.keys()[1:], [OLD, NEW], "secret rotate: line ends are mended, empty lines lost")
    same(os.stat(home.file).st_mode & 0o777, 0o600, "secret rotate: mode")
    same(sorted(os.listdir(home.folder)), ["jwtd.secret", "users.jsonl"], "nothing else is left")
    for words in ((), ("rotate", "x"), ("old",), ("new", "new"), ("new", "--token-file", "x")):
        home("secret", *words, status=2, says="see jwtd --help")
    if os.geteuid() == 0:
        os.chown(home.file, 12345, 12346)
        home("secret", "rotate")
        stat = os.stat(home.file)
        same((stat.st_uid, stat.st_gid, stat.st_mode & 0o777), (12345, 12346, 0o600), "secret rotate: owner")
        home = Home(None)
        os.chown(home.folder, 12345, 12346)
        home("secret", "new")
        same(os.stat(home.file).st_uid, 12345, "made by root, it is the directory's owner's")
        os.chown(f"{home.folder}/users.jsonl", 12345, 12346)
        server = Server(home, "--user", "12345:12346")
        check(not any("others may" in line for line in server.lines), f"and that is right: {server.lines}")
        home("secret", "rotate")
        server.hang_up("keys reloaded: 2")
        server.stop()


def has_strace():
    strace = shutil.which("strace")
    return strace and not subprocess.run([strace, "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL,
                                         check=False).returncode


def overtaken():
    """A rotation begins while strace holds another behind its write."""
    if not has_strace():
        skip("overtaken rotation: package strace")
        return
    home = Home()
    slow = home.start("secret", "rotate", around=("strace", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e",
                                                  "inject=fsync:delay_enter=1000000:when=1"))
    until = time.monotonic() + WAIT
    while time.monotonic() < until and not (os.path.exists(f"{home.file}.unfinished") and
                                            os.path.getsize(f"{home.file}.unfinished")):
        pass
    home("secret", "rotate")
    same(slow.wait(WAIT), 0, "the one that was overtaken")
    keys = home.keys()
    same((len(set(keys)), keys[-1]), (3, OLD), "a rotation while another is under way: nothing is lost")


def at_once():
    overtaken()
    home = Home()
    running = [home.start("secret", "rotate") for _ in range(8)]
    same([p.wait(WAIT) for p in running], [0] * 8, "eight rotations at once")
    keys = home.keys()
    same((len(set(keys)), keys[-1]), (9, OLD), "eight rotations at once: nothing is lost")
    home = Home(None)
    running = [home.start("secret", "new") for _ in range(8)]
    same(sorted(p.wait(WAIT) for p in running), [0] + [1] * 7, "eight new ones at once: one wins")
    same(len(home.keys()), 1, "eight new ones at once: one key")
    same(sorted(os.listdir(home.folder)), ["jwtd.secret", "users.jsonl"], "nothing else is left")


CALLS = ("openat", "flock", "fstat", "ftruncate", "read", "getrandom", "fchmod", "write", "fsync", "rename", "unlink",
         "close", "exit_group")


def killed():
    """Killed at any of its system calls, and any of them failing."""
    if not has_strace():
        return skip("killed in a rotation: package strace")
    cut = 0
    for call in CALLS:
        for when in range(1, 8):
            home = Home(OLD + b"\n" + NEW + b"\n")
            process = home.start("secret", "rotate", around=(
                "strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={when}"))
            process.communicate(timeout=WAIT)
            keys = home.keys()
            check(keys[-2:] == [OLD, NEW] and 2 <= len(keys) <= 3 and all(len(k) >= 43 for k in keys) and
                  read(home.file).endswith(b"\n"), f"killed at {call} {when}: the file is {read(home.file)!r}")
            if process.returncode == 0:
                break
            cut += 1
            home("secret", "rotate")
            same((len(home.keys()), sorted(os.listdir(home.folder))), (len(keys) + 1, ["jwtd.secret", "users.jsonl"]),
                 f"killed at {call} {when}: the next one")
    check(cut >= 12, f"only {cut} kills")
    for call in ("flock", "ftruncate", "getrandom", "fchmod", "write", "fsync", "rename"):
        home = Home()
        home("secret", "rotate", status=1, says="Input/output error", around=(
            "strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error=EIO" + (":when=1" if call == "write" else "")))
        left = [] if call != "flock" else ["jwtd.secret.unfinished"]  # not locked, it may be another's
        same((home.keys(), sorted(os.listdir(home.folder))), ([OLD], ["jwtd.secret", *left, "users.jsonl"]),
             f"{call} fails")


# ---- a server that runs ------------------------------------------------------

def rotation():
    """Fifteen rotations while others log in and verify: no token is cut short."""
    home = Home()
    server = Server(home, "--loops", "2", "--workers", "2", "--throttle", "off")
    tokens, wrong, done = [make_token(OLD)], [], threading.Event()

    def load():
        while not done.is_set():
            tokens.append(server.log_in())
            wrong.extend(token for token in (tokens[0], tokens[-1], tokens[len(tokens) // 2])
                         if server.verify(token) != 200)

    threads = [threading.Thread(target=load, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for i in range(15):
            home("secret", "rotate")
            server.hang_up(f"keys reloaded: {i + 2}")
            token = server.log_in()
            check(signed_with(token, home.keys()[0]), f"rotation {i}: the new key signs")
            tokens.append(token)
            same(server.verify(home("token", "issue", "Romel").strip()), 200, f"rotation {i}: a token from the shell")
    finally:
        done.set()
        for thread in threads:
            thread.join(WAIT)
    same(wrong, [], f"{len(tokens)} tokens, none cut short")
    same([token for token in tokens if server.verify(token) != 200], [], "nor afterwards")
    home("secret", "rotate")
    server.hang_up("keys reloaded: 16")
    same(server.verify(tokens[0]), 401, "the oldest key fell out")
    server.stop()


def reload():
    home = Home()
    server = Server(home)
    for text, why in ((b"", "empty"), (b"\n" + NEW, "empty"), (b"x\n" * 17, "too many"), (b"k" * 5000, "4096"),
                      (None, "No such file")):
        if text is None:
            os.unlink(home.file)
        else:
            home.put(text)
        said = [line for line in server.hang_up("the keys in use stay") if "warning" not in line]
        check(len(said) == 1 and why in said[0], f"a bad file ({why}): one line: {said}")
        same((server.verify(make_token(OLD)), server.verify(make_token(NEW))), (200, 401), f"a bad file ({why})")
        check(not os.path.exists(home.file) or text is not None, "SIGHUP makes no file")
    home.put(NEW + b"\n")
    server.hang_up("keys reloaded: 1$")
    same((server.verify(make_token(OLD)), server.verify(make_token(NEW))), (401, 200), "another key")
    server.stop()
    server = Server(Home(JWTD_SECRET=NEW.decode()))
    said = server.hang_up("nothing to reload")
    same((len(said), server.verify(make_token(NEW))), (1, 200), f"JWTD_SECRET: one line: {said}")
    server.stop()
    home = Home()
    other = tempfile.mkdtemp(dir=top)
    os.rename(home.file, f"{other}/key")
    home.file = home.env["JWTD_SECRET_FILE"] = f"{other}/key"
    server = Server(home)
    home("secret", "rotate")
    server.hang_up("keys reloaded: 2")
    same(server.verify(make_token(OLD)), 200, "keys in another directory than the accounts")
    server.stop()
    linked, third = Home(), tempfile.mkdtemp(dir=top)
    os.rename(linked.file, f"{third}/key")
    os.symlink(f"{third}/key", linked.file)
    server = Server(linked)
    linked("secret", "rotate", "--secret-file", f"{third}/key")
    server.hang_up("keys reloaded: 2")
    same(server.verify(make_token(OLD)), 200, "keys behind a link into another directory")
    server.stop()
    if os.geteuid() == 0:  # the server's user does not even see it
        os.chmod(other, 0o700)
        for path in (home.folder, f"{home.folder}/users.jsonl"):
            os.chown(path, 12345, 12345)
        server = Server(home, "--user", "12345:12345")
        same([line for line in server.lines if "Permission" in line], [], "a hidden key leaves the sandbox whole")
        same(len(server.hang_up("Permission denied; the keys in use stay")), 1, "a key that the user can't read: one line")
        same(server.verify(make_token(OLD)), 200, "a key that the user can't read")
        server.stop()


# ---- tokens ------------------------------------------------------------------

def issue():
    home = Home()
    before = int(time.time())
    usual = home("token", "issue", "Romel").strip()
    chosen = home("token", "issue", "Romel", "--ttl", "86400").strip()
    other = home("token", "issue", "Romel", JWTD_TTL="60").strip()
    after = int(time.time())
    for token, life, names in ((usual, 3600, ["sub", "exp"]), (chosen, 86400, ["sub", "iat", "exp"]),
                               (other, 60, ["sub", "exp"])):
        claims = claims_of(token)
        same((list(claims), claims["sub"]), (names, "Romel"), "its claims")
        check(before + life <= claims["exp"] <= after + life, f"lives for {life} seconds: {claims}")
        same(claims.get("iat", claims["exp"] - life), claims["exp"] - life, "iat is when it was made")
        same(token, make_token(OLD, claims), "byte for byte what Python makes of these claims")
    if shutil.which("jq"):
        got = subprocess.run(["jq", "-rR", 'split(".")[1] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson.sub'],
                             input=chosen, stdout=subprocess.PIPE, text=True, check=False).stdout
        same(got, "Romel\n", "jq reads it")
    home("token", "issue", "nobody", status=1, says='user "nobody" not found')
    home("token", "issue", "Romel", "--users", f"{home.folder}/none", status=1, says="--users")
    check(not os.path.exists(f"{home.folder}/none"), "token makes no accounts")
    for words in ((), ("issue",), ("issue", "a", "b"), ("verify", "x"), ("explain", "x"), ("tell",),
                  ("issue", "Romel", "--token-file", "x")):
        home("token", *words, status=2, says="see jwtd --help")
    home("token", "issue", "a\nb", status=2, says="control character")
    home("--token-file", "x", status=2, says="see jwtd --help")
    home("token", "issue", "Romel", "--ttl", "0", status=2)


def verify():
    home, now = Home(OLD + b"\n" + NEW), int(time.time())
    token = make_token(NEW)
    for given in (token, token + "\n", f"Bearer {token}\n", f"bearer   {token}\r\n", f"  {token} \n\n"):
        same(home("token", "verify", given=given, says=""), "Romel\n", f"{given[:12]!r}...")
    path = f"{home.folder}/token"
    with open(path, "w", encoding="ascii") as f:
        f.write(token)
    same(home("token", "verify", "--token-file", path), "Romel\n", "--token-file")
    home("token", "verify", f"--token-file={path}x", status=1, says="No such file")
    home("token", "verify", "--token-file", home.folder, status=1, says="Is a directory")
    for sub, printed in (("ünï", "ünï\n"), ("a\x1b[2Jb", '"a\\u001b[2Jb"\n'), ('"x', '"\\"x"\n'), ("", '""\n')):
        same(home("token", "verify", given=make_token(OLD, {"sub": sub, "exp": now + 60})), printed, f"sub {sub!r}")
    for given, why in (("", "segments"), (token[:-1] + "!", "'!' is not base64url"), (make_token(b"x"), "any of 2 keys"),
                       (make_token(OLD, {"sub": "Romel", "exp": now - 7200}), "expired 2 h"),
                       (f"Bearer Bearer {token}", "base64url"), ("x" * 40000, "32768"), ("x" * 200000, "32768"),
                       (make_token(OLD, {"sub": "Romel", "exp": "\x1b[2J"}), "exp: \"\\u001b[2J\""),
                       (make_token(OLD, b'{"sub":"Romel","exp":"' + b"\xc3\xbc" * 2000 + b'"}'), "...: is not a number")):
        same(home("token", "verify", given=given, status=1, says=why), "", why)
    older, chosen = home("token", "issue", "Romel"), home("token", "issue", "Romel", "--ttl", "86400")
    home("user", "logout", "Romel")
    for given in (token, older, chosen):
        home("token", "verify", given=given, status=1, says="revoked")
        check(re.search("FAIL +revoked .*\n.*is not valid", home("token", "explain", given=given, status=1)), "explained")
    expired = make_token(OLD, {"sub": "Romel", "exp": now - 10})
    check(re.search("FAIL +expiry(.*\n)+FAIL +revoked .*\n.*is not valid", home("token", "explain", given=expired, status=1)),
          "expired, and revoked")
    home("token", "verify", "--users", f"{home.folder}/none", given=token, status=1,
         says="No such file or directory, so nobody knows whether the token was revoked")
    later = home("token", "issue", "Romel")
    same(home("token", "verify", given=later), "Romel\n", "one that came later counts")
    check(re.search("ok +revoked +no\n.*is valid", home("token", "explain", given=later)), "and is told so")
    with open(f"{home.folder}/users.jsonl", "a", encoding="ascii") as f:
        f.write("{}\n")
    home("token", "verify", given=later, status=1, says="users.jsonl")
    home = Home()
    same(home("token", "verify", "--leeway", "60", given=make_token(OLD, {"sub": "Romel", "exp": now - 1})), "Romel\n",
         "--leeway")


def explain():
    now = int(time.time())
    claims = {"sub": "Romel", "exp": now + 600}
    good = make_token(OLD)
    head, body, mac = good.split(".")
    plus = f"{head}.{body[:10]}+{body[11:]}.{mac}"
    rows = (  # a token; the row that fails first and what it says of it; what else stands there
        (good, None, "The token is valid", "matches with key 1 of 2", "account +known"),
        (make_token(NEW), None, "The token is valid", "matches with key 2 of 2"),
        (make_token(NEW, {"sub": "eve", "exp": now + 600}), None, "The token is valid", "account +unknown"),
        (make_token(OLD, {"sub": "Romel", "exp": now - 3 * 3600 - 12 * 60 - 20}), "expiry", "expired 3 h 12 min ago"),
        (make_token(OLD, {"sub": "Romel", "exp": now - 2 * 86400 - 100}), "expiry", "expired 2 d ago", "all else"),
        (make_token(OLD, claims, {"alg": "RS256"}), "alg", '"RS256": only HS256 is taken'),
        (f'{segment({"alg": "RS256"})}.{body}.{"A" * 342}', "signature, base64url", "342 characters",
         'FAIL +alg +"RS256"'),
        (make_token(OLD, claims, {"alg": "HS256", "crit": ["b64"]}), "crit", '["b64"]'),
        (make_token(b"wrong"), "signature", "does not match any of 2 keys"),
        (plus, "payload, base64url", f"character {len(head) + 12} '+' is not base64url"),
        (good + "x", "signature, base64url", "44 characters"),
        (good + ".x", "segments", "4, characters: "),
        (head + "." + body, "segments", "2, characters: "),
        ("", "segments", "1, characters: 0"),
        (make_token(OLD, b'{"sub":"Romel","exp":1,}'), "payload, JSON", "(payload, byte 24)"),
        (make_token(OLD, b'{"sub":"Romel","sub":"eve","exp":9999999999}'), "payload, names", "twice (payload, byte 16)"),
        (make_token(OLD, b'{"sub":"Romel","\\u0073ub":"eve","exp":9999999999}'), "payload, names", "twice (payload, byte 16)"),
        (make_token(OLD, claims, b'{"alg":"HS256","alg":"HS256"}'), "header, names", "twice (header, byte 16)"),
        (make_token(OLD, b'{"sub":"\\x","exp":1}'), "payload, JSON", "escape in a string (payload, byte 10)"),
        (make_token(OLD, b'{"sub":"\\u12G4","exp":1}'), "payload, JSON", "hex digits (payload, byte 13)"),
        (make_token(OLD, claims, {"typ": "JWT"}), "alg", "is missing: only HS256 is taken"),
        (make_token(OLD, b'{"sub":"Romel","exp":null}'), "exp", "null: is not a number"),
        (make_token(OLD, b'{"sub":"Romel","exp":{"a":7}}'), "exp", '{"a":7}: is not a number'),
        (make_token(OLD, b'{"sub":"Romel","exp":-1}'), "expiry", "expired", r"exp +-1\n"),
        (make_token(OLD, {"exp": now + 60}), "sub", "is missing"),
        (make_token(OLD, {"sub": 7, "exp": now + 60}), "sub", "7: is not a string"),
        (make_token(OLD, {"sub": "Romel"}), "exp", "is missing", "- +expiry"),
        (make_token(OLD, {**claims, "nbf": now + 900}), "nbf", "lies ahead"),
        (make_token(OLD, {**claims, "iat": "now"}), "iat", "is not a number"),
        (make_token(OLD, {**claims, "aud": "them"}), "aud", '"them": is for somebody else'),
        (make_token(OLD, {"sub": "Romel", "exp": 2000000000}), None, "Wed, 18 May 2033 03:33:20 GMT"),
        (make_token(OLD, b'{"sub":"Romel","exp":1e300}'), None, "1e300"),
        (make_token(OLD, b'{"sub":"\x1b]0;\xc2\x9b","exp":'), "payload, JSON", "control character", r"\\x1b\]0;\\xc2\\x9b"),
        ("\x1b[2J\x07.\x9b.x", "header, base64url", r"character 1 '\x1b' is not base64url"),
    )
    home = Home(OLD + b"\n" + NEW)
    for token, label, says, *others in rows:
        out = home("token", "explain", given=token.encode("latin-1"), status=0 if label is None else 1, says="")
        lines = out.splitlines()
        what = f"explain {token[:30]!r}, {label}, {says}"
        check(re.fullmatch(r"[ -~\n]*", out), f"{what}: only printable ASCII: {out!r}")
        failed = [line for line in lines if line.startswith("FAIL")]
        if label is None:
            check(not failed and says in out, f"{what}: {out}")
        else:
            check(failed and failed[0][6:28].strip() == label and says in failed[0], f"{what}: {failed}")
        for other in others:
            check(re.search(other, out), f"{what}: {other} in {out}")
        check(len(lines) >= 19, f"{what}: a line for every check")
        home("token", "verify", given=token.encode("latin-1"), status=0 if label is None else 1)
    os.unlink(f"{home.folder}/users.jsonl")
    check("can't be read" in home("token", "explain", given=good), "without accounts")
    check(not os.path.exists(f"{home.folder}/users.jsonl"), "which are not made")


# ---- an early clock ----------------------------------------------------------

def early():
    """A server whose clock stands in 2001: late_clock.c."""
    if not shutil.which("cc"):
        return skip("an early clock: package gcc")
    early_bin = os.path.join(HERE, "../build/cc/late_jwtd")
    built = subprocess.run(["make", "-s", "-C", os.path.dirname(HERE), "CC=cc", "BUILD=build/cc", "build/cc/late_jwtd"],
                           stderr=subprocess.PIPE, check=False, env=ENV)
    if built.returncode:
        return skip(f"an early clock: no static libc: {built.stderr[-200:]}")
    clock = {"LATE": str(1000000000 - int(time.time()))}
    home = Home()
    server = Server(home, binary=early_bin, **clock)
    wrong = [line for line in server.lines if "clock" in line]
    check(len(wrong) == 1, f"said once at the start: {server.lines}")
    romel = {"username": "Romel", "password": "pass1425"}
    for path, body in (("/login", romel), ("/set-jwt", romel), ("/get-jwt", None)):
        status, answer, fields = server.ask(path, make_token(OLD), body)
        check(status == 503 and int(fields["Retry-After"]) > 0 and
              answer["error"].startswith("The clock of this machine stands before the release of this program"),
              f"{path}: {status} {answer}")
        same(fields["Cache-Control"], "no-store", f"{path}: no-store")
    status, answer, _ = server.ask("/change-password", None, {**romel, "new_password": "new"})
    check(status == 503 and "clock" in answer["error"], f"/change-password revokes, and would in 2001: {status} {answer}")
    same(server.ask("/register", None, {**romel, "username": "new"})[0], 201, "accounts need no clock")
    same([line for line in server.lines if "clock" in line], wrong, "and not again")
    server.stop()
    for words in (("issue", "Romel"), ("verify",), ("explain",)):
        same(home("token", *words, given=make_token(OLD), status=1, says="The clock of this machine", binary=early_bin,
                  **clock), "", f"token {words[0]} with that clock")
    for verb in ("logout", "passwd", "delete"):
        home("user", verb, "Romel", given=b"new\n", status=1, says="The clock of this machine", binary=early_bin, **clock)
    for second, status in ((RELEASED - 60, 503), (RELEASED + 60, 200)):
        server = Server(home, binary=early_bin, LATE=str(second - int(time.time())))
        same(server.ask("/login", None, romel)[0], status, f"a clock at {second}")
        server.stop()
    moving(home, early_bin)


def moving(home, early_bin):
    """A clock that is set while the server runs, of which only /healthz asks."""
    with open(f"{home.folder}/late", "w+", encoding="ascii") as late:
        def set_to(second):
            os.pwrite(late.fileno(), f"{second - int(time.time()):+020}".encode(), 0)
        set_to(1000000000)
        server = Server(home, "--loops", "1", binary=early_bin, stdin=late)
        for second, status, says in ((1000000000, 503, None), (RELEASED + 60, 200, "right again"),
                                     (RELEASED - 60, 503, "before"), (RELEASED + 60, 200, "right again")):
            set_to(second)
            lines = len(server.lines)
            # a loop that is at it has looked at the clock already
            until(lambda: server.ask("/healthz")[0] == status, f"/healthz at {second}: {status}")
            same(server.ask("/healthz")[0], status, f"/healthz at {second}, again")
            if says:
                server.wait_for(f"clock.*{says}", lines)
            same(len(server.lines) - lines, 1 if says else 0, f"the clock is set to {second}: {server.lines[lines:]}")
            check(status == 503 or second - WAIT <= server.started() <= second + 1,
                  f"a start by the clock that was set to {second}: {server.started()}")
        server.stop()


PARTS = (lines, secret, at_once, killed, rotation, reload, issue, verify, explain, early)

run_parts(PARTS, sys.argv[2:], 300)
