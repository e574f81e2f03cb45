"""admin.py BINARY [PART...] - accounts from the shell: jwtd user ...

Exit statuses and what is said; a running server, which sees each change at once; revoked tokens, also from one server
to the next; passwords at a terminal, which must not show them, and shows again what is typed whatever ends the prompt.

Standard library only; run by admin.sh."""
import contextlib
import ctypes
import fcntl
import hashlib
import http.client
import json
import os
import platform
import pty
import re
import resource
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

import common
from common import check, read, run_parts, same, scratch

BIN = sys.argv[1]
WAIT = 20  # for any one thing that must come
TINY = "scrypt:16:1:1"
ENV = {**common.ENV, "JWTD_HASH": TINY, "JWTD_SECRET": "the key of admin.py, which is long enough",
       "JWTD_LISTEN": "127.0.0.1:0"}
top = scratch(in_memory=True)


def folder():
    return tempfile.mkdtemp(dir=top)


class User:
    """`jwtd user` with the accounts of a folder of its own."""

    def __init__(self):
        self.folder = folder()
        self.file = f"{self.folder}/users.jsonl"
        self.env = {**ENV, "STATE_DIRECTORY": self.folder}

    def __call__(self, *words, given=b"", status=0, says=None):
        """Runs it, checks its status and that it says one line exactly where it fails; gives what it prints."""
        ended = subprocess.run([BIN, "user", *words], input=given.encode() if isinstance(given, str) else given,
                               env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=WAIT, check=False)
        what = f"user {' '.join(map(repr, words))[:100]}"
        same(ended.returncode, status, f"{what}: exit status; it said {ended.stderr!r}")
        if says is not None or status == 0:
            check(re.fullmatch(rb"jwtd: [^\n]*\n" if says else rb"", ended.stderr) and
                  (says or "").encode() in ended.stderr, f"{what}: says {ended.stderr!r}, not {says!r}")
        return ended.stdout

    def has(self, *names):
        same(self("list").decode().splitlines(), list(names), "the list")

    def lines(self):
        return [json.loads(line) for line in read(self.file).splitlines()] if os.path.exists(self.file) else None


# ---- without a server --------------------------------------------------------

def changes():
    user = User()
    user("add", "ann", given="pw\n")
    same(os.stat(user.file).st_mode & 0o777, 0o600, "a new file's mode")
    user("add", "bob", given="without an LF")
    user("add", "ann", given="pw\n", status=1, says='user "ann" exists already')
    user.has("ann", "bob")
    before = read(user.file)
    user("passwd", "ann", given="new\nsecond line\n")
    user("passwd", "cyd", given="new\n", status=1, says='user "cyd" not found')
    check(read(user.file).startswith(before), "lines are only appended")
    user.has("bob", "ann")
    user("delete", "bob")
    user("delete", "bob", status=1, says='user "bob" not found')
    user("passwd", "bob", given="new\n", status=1, says='user "bob" not found')
    deleted = user.lines()[-1]
    same(list(deleted), ["username", "deleted", "not_before", "tokens_until", "sum"], "the line of a deleted account")
    same((deleted["username"], deleted["deleted"], deleted["tokens_until"] - deleted["not_before"]),
         ("bob", True, 3600), "what it says")
    user("logout", "bob", status=1, says='user "bob" not found')
    before = user.lines()[2]
    user("logout", "ann", "--ttl", "60")
    same({**user.lines()[-1], "not_before": 0, "tokens_until": 0, "sum": ""},
         {**before, "not_before": 0, "tokens_until": 0, "sum": ""}, "logout: the account is as it was")
    check(before["not_before"] < user.lines()[-1]["not_before"], "logout: its tokens are revoked once more")
    same(user.lines()[-1]["tokens_until"], before["tokens_until"], "logout: a longer ttl is not forgotten")
    user.has("ann")
    exported = user("export")
    same(exported, read(user.file).splitlines(True)[4], "export: the newest line of each, with its sum")
    user("add", "bob", given="again\n")
    user.has("ann", "bob")
    same(user.lines()[-1]["not_before"], deleted["not_before"], "who takes a name has no use of its tokens")
    same(len(user.lines()), 6, "lines in the file")
    with open(user.file, "ab") as f:
        f.write(b'{"username":"a\\nb\\u0085","password":"h"}\n{"username":"\\"q","password":"h"}\n'
                b'{"username":"a b\\\\\\u00fc","password":"h"}\n')
    same(user("list"), 'ann\nbob\n"a\\nb\\u0085"\n"\\"q"\na b\\ü\n'.encode(), "names that need it are JSON strings")
    same([json.loads(line)["username"] for line in user("export").splitlines()],
         ["ann", "bob", "a\nb\x85", '"q', "a b\\ü"], "export")
    with open(f"{user.folder}/copy", "wb") as f:
        f.write(user("export"))
    same(user("list", "--users", f"{user.folder}/copy"), user("list"), "what is exported is a file of accounts")


def words():
    user, other = User(), folder()
    for arguments in ((), ("add",), ("passwd",), ("delete",), ("logout",), ("logout", "a", "b"), ("delete", "a", "b"), ("list", "a"), ("export", "a"), ("import", "a", "b"),
                      ("add", "a", "b", "c"), ("remove", "a"), ("addx", "a"), ("", "a"), ("user", "a")):
        user(*arguments, status=2, says="see jwtd --help")
    for verb in ("add", "passwd"):
        user(verb, "ann", "pass1425", status=2, says="never an argument: it is asked for, or a line of standard input")
    for arguments in (("add", "ann", "--pasword", "x"), ("add", "ann", "--hash", "md5"), ("add", "-x"), ("--", "x")):
        user(*arguments, status=2)
    for name, why in (("", "is empty"), ("n" * 256, "is too long"), ("a\nb", "has a control character"),
                      ("\x7f", "has a control character"), ("\u0085", "has a control character"),
                      (b"\xff", "is not UTF-8"), (b"a\xc3", "is not UTF-8"), (b"\xc0\x80", "is not UTF-8")):
        for verb in ("add", "passwd", "logout", "delete"):
            user(verb, name, given="pw\n", status=2, says=f'" {why}')
    for given, why in (("", "is empty"), ("\n", "is empty"), ("p" * 1025, "is too long"), ("a\0b\n", "has a NUL"),
                       (b"\xff\n", "is not UTF-8")):
        user("add", "ann", given=given, status=1, says=f"the password {why}")
    user("add", "n" * 5000, given="pw\n", status=2, says='" is too long')
    directory = os.open(other, os.O_RDONLY)  # what can't be read is no empty password
    ended = subprocess.run([BIN, "user", "add", "ann"], stdin=directory, env=user.env, stderr=subprocess.PIPE, check=False)
    os.close(directory)
    same((ended.returncode, ended.stderr), (1, b"jwtd: the password can't be read from standard input\n"), "no input")
    for verb in ("passwd", "logout", "delete", "list", "export"):
        user(verb, *["x"][:verb in ("passwd", "logout", "delete")], f"--users={other}/none", given="pw\n", status=1, says="--users")
    same(os.listdir(other), [], "only add makes a file")
    same(user.lines(), [], "none of these is stored")
    user("add", "n" * 255, given="p" * 1024)
    user("--users", f"{other}/a", "add", "ann", given="pw\n")
    user("add", "--hash=pbkdf2:sha256:1", "bob", "--users", f"{other}/a", given="pw\n")
    user("add", f"--users={other}/a", "--", "--odd", given="pw\n")
    same(user("list", "--users", f"{other}/a"), b"ann\nbob\n--odd\n", "options stand anywhere")
    check(b"pbkdf2:sha256:1$" in read(f"{other}/a"), "--hash counts")
    user("list", "--users", other, status=1, says="Is a directory")
    user("export", "--users", "/dev/null/x", status=1, says="Not a directory")
    if os.geteuid() == 0:
        owned = User()
        os.chmod(top, 0o711)
        os.chown(owned.folder, 12345, 12345)
        owned("add", "ann", "--user", "12345:12345", given="pw\n")
        same(os.stat(owned.file).st_uid, 12345, "--user: whose file it is")
    with open("/dev/full", "wb") as full:
        ended = subprocess.run([BIN, "user", "list"], env=user.env, stdout=full, stderr=subprocess.PIPE, check=False)
    check(ended.returncode == 1 and b"No space left" in ended.stderr, f"list to a full disk: {ended}")


# ---- import ------------------------------------------------------------------

HASH = "pbkdf2:sha256:1$salt$" + 64 * "0"
BOB = "scrypt:16:1:1$salt$" + hashlib.scrypt(b"pw", salt=b"salt", n=16, r=1, p=1).hex()
OTHER = "scrypt:16:1:1$s\u00e4lt$" + 128 * "0"


def line(name, password=HASH):
    return json.dumps({"username": name, "password": password}) + "\n"


def imports():
    forms = {"lines": line("ann") + line("b\u00fc", OTHER) + line("c:d"),
             "the last without LF": (line("ann") + line("b\u00fc", OTHER) + line("c:d")).rstrip(),
             "an object": json.dumps({"ann": {"password": HASH, "email": [1]}, "b\u00fc": {"password": OTHER},
                                      "c:d": {"password": HASH}}),
             "an object in lines": "\n" + json.dumps({"ann": {"password": HASH}, "b\u00fc": {"password": OTHER},
                                                     "c:d": {"password": HASH}}, indent=4, ensure_ascii=False) + "\n",
             "pairs and a line": f"ann:{HASH}\nb\u00fc:{OTHER}\n" + line("c:d")}
    for what, given in forms.items():
        user = User()
        user("import", given=given, says="3 accounts read, 3 added")
        user.has("ann", "b\u00fc", "c:d")
        same([row["password"] for row in user.lines()], [HASH, OTHER, HASH], f"import, {what}: hashes")
        before = read(user.file)
        user("import", given=given, says="3 accounts read, 0 added")
        same(read(user.file), before, f"import, {what}: again")
        user("import", given=user("export"), says="3 accounts read, 0 added")
        same(user("export"), before, f"import, {what}: what is exported")
    source = f"{user.folder}/accounts"
    with open(source, "w", encoding="utf-8") as f:
        f.write(line("dan") + line("ann"))
    user("import", source, says="2 accounts read, 1 added")
    user.has("ann", "b\u00fc", "c:d", "dan")
    user("import", f"{source}.none", status=1, says=f"{source}.none: can't be read: No such file")
    user("import", user.folder, status=1, says="Is a directory")
    user("delete", "dan")
    user("import", source, says="2 accounts read, 1 added")
    user("import", given="", says="0 accounts read")
    user("import", given="{}", says="0 accounts read")


def refused_imports():
    user = User()
    user("add", "ann", given="pw\n")
    before = read(user.file)
    rows = (  # what is given, the line that is told, why
        (line("zoe") + line("ann"), 2, "its name is taken, with another password"),
        (line("zoe") + "\n", 2, "it is neither JSON nor name:hash"),
        (line("zoe") + line("zoe", OTHER), 2, "its name is taken, with another password"),
        (line("zoe") + line("yve") + "{}\n", 3, "it is not {"),
        (line("zoe") + '{"username":"x","passw', 2, "an unfinished string"),
        (line("zoe") + line("a\nb"), 2, "its name has a control character"),
        (line("zoe") + line("x" * 256), 2, "username or password is empty or too long"),
        (line("zoe") + line("x", "pw"), 2, "its password is not scrypt"),
        (line("zoe") + line("x", HASH[:-1]), 2, "its password is not scrypt"),
        (line("zoe") + line("x", HASH.replace(":1$", ":10000001$")), 2, "its password is not scrypt"),
        (line("zoe") + '{"username":"x","deleted":true}\n', 2, "its password is not scrypt"),
        (line("zoe")[:-2] + ',"sum":"00000000"}\n', 1, "its sum does not match"),
        (f"zoe:{HASH}\nx\n", 2, "it is neither JSON nor name:hash"),
        (f"zoe:{HASH}\n:{HASH}\n", 2, "it is neither JSON nor name:hash"),
        (f"zoe:{HASH}\nx:{HASH}\r\n", 2, "its password is not scrypt"),
        (f"zoe:{HASH}\na\tb:{HASH}\n", 2, "its name has a control character"),
        (f"zoe:{HASH}\n{'x' * 256}:{HASH}\n", 2, "it is neither JSON nor name:hash, or too long"),
        (f"zoe:{HASH}\nx:{HASH}{'0' * 512}\n", 2, "it is neither JSON nor name:hash, or too long"),
        (f"zoe:{HASH}\n".encode() + b"\xff:" + HASH.encode() + b"\n", 2, "it is not UTF-8"),
        (f"zoe:{HASH}\nx:scrypt:16:1:1$s".encode() + b"\xff$" + 128 * b"0" + b"\n", 2, "it is not UTF-8"),
        (json.dumps({"zoe": {"password": HASH}, "ann": {"password": HASH}}, indent=1), 5, "its name is taken, with another password"),
        (json.dumps({"zoe": {"password": HASH}, "x": HASH}, indent=1), 5, "not an object"),
        (json.dumps({"zoe": {"password": HASH}, "x": {}}, indent=1), 5, "it has no password"),
        (json.dumps({"zoe": {"password": HASH}, "x": {"password": 1}}, indent=1), 5, "it has no password"),
        (json.dumps({"zoe": {"password": HASH}, "": {"password": HASH}}, indent=1), 5, "name or password is empty or too long"),
        (json.dumps({"zoe": {"password": HASH}, "x" * 256: {"password": HASH}}, indent=1), 5, "name or password is empty or too long"),
        (json.dumps({"zoe": {"password": HASH}, "x": {"password": "x" * 600}}, indent=1), 5, "name or password is empty or too long"),
        (json.dumps({"zoe": {"password": HASH}, "\x7f": {"password": HASH}}, indent=1), 5, "its name has a control character"),
        (json.dumps({"zoe": {"password": HASH}}, indent=1)[:-1], 5, "an object without its end"),
        (json.dumps({"zoe": {"password": HASH}}, indent=1) + "\nx", 6, "something behind the object"),
        (f'{{"zoe":{{"password":"{HASH}"}},\n"x":{{"password":"{HASH}","password":"{HASH}"}}}}', 2, "it has no password, or no single one"),
        (f'{{"zoe":{{"password":"{HASH}"}},\n"zoe":{{"password":"{OTHER}"}}}}', 2, "its name is taken, with another password"),
        (f'{{"zoe":{{"password":"{HASH}"}}\n"x":{{"password":"{HASH}"}}}}', 2, "an object without its end"),
    )
    for given, number, why in rows:
        user("import", given=given, status=1, says=f"standard input: line {number}: {why}")
        same(read(user.file), before, f"import, {why}: the file is as it was")
    user.has("ann")


def no_room_for_an_import():
    user = User()
    user("add", "ann", given="pw\n")
    before = read(user.file)
    ended = subprocess.run([BIN, "user", "import"], env=user.env, input="".join(map(line, "bcdefgh")).encode(),
                           stderr=subprocess.PIPE, check=False, preexec_fn=lambda: resource.setrlimit(
                               resource.RLIMIT_FSIZE, (len(before) + 300, resource.RLIM_INFINITY)))
    check(ended.returncode == 1 and b"could not be stored" in ended.stderr, f"import without room: {ended}")
    same(read(user.file), before, "import without room: the file is as it was")


def killed_import():
    """Killed as soon as a part is in the file; then it is run again."""
    torn, names = 0, [f"user{i:05d}" for i in range(20000)]
    given = "".join(map(line, names))
    for _ in range(2):
        user = User()
        user("add", "ann", given="pw\n")
        source, size = f"{user.folder}/accounts", os.path.getsize(user.file)
        with open(source, "w", encoding="utf-8") as f:
            f.write(given)
        with subprocess.Popen([BIN, "user", "import", source], env=user.env, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and os.path.getsize(user.file) == size:
                pass
            process.kill()
        torn += os.path.getsize(user.file) < size + len(given)
        ended = subprocess.run([BIN, "user", "list"], env=user.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               check=True)
        there = ended.stdout.decode().split()
        same(there, ["ann", *names][:len(there)], "killed import: a prefix of it is there")
        check(all(json.loads(row)["sum"] for row in read(user.file).splitlines()), "killed import: whole lines")
        user("import", source, says=f"20000 accounts read, {20001 - len(there)} added")
        user.has("ann", *names)
    print(f"     killed imports: {torn} of 2 in the middle")


def torn_import():
    """What a kill leaves is a prefix: all of those of a short one."""
    user = User()
    user("import", given="".join(map(line, "abc")), says="3 added")
    whole = read(user.file)
    for cut in range(0, len(whole), 23):
        with open(user.file, "wb") as f:
            f.write(whole[:cut])
        ended = subprocess.run([BIN, "user", "import"], env=user.env, input="".join(map(line, "abc")).encode(),
                               stderr=subprocess.PIPE, check=False)
        check(ended.returncode == 0 and read(user.file) == whole, f"an import torn at byte {cut}: {ended.stderr}")


# ---- while a server runs -----------------------------------------------------

@contextlib.contextmanager
def serving(user, said=None, **how):
    """A server's port. What it says before it is ready is added to `said`. It is killed in the end."""
    with subprocess.Popen([BIN], env=user.env, stderr=subprocess.PIPE, **how) as server:
        try:
            for line in server.stderr:
                if said is not None:
                    said.append(line)
                if b" ready on " in line:
                    yield int(line.rsplit(b":", 1)[1])
                    break
        finally:
            server.kill()


def send(port, method, path, body=None, **fields):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT)
    connection.request(method, path, json.dumps(body) if body else None,
                       {**({"Content-Type": "application/json"} if body else {}), **fields})
    answer = connection.getresponse()
    status, body = answer.status, json.load(answer)
    connection.close()
    return status, body


def ask(port, path, name, password, **more):
    return send(port, "POST", path, {"username": name, "password": password, **more})[0]


def seen_by_a_server():
    user = User()
    with serving(user) as port:
        same(ask(port, "/login", "ann", "pw"), 404, "before it is added")
        user("add", "ann", given="pw\n")
        same(ask(port, "/login", "ann", "pw"), 200, "added")
        same(ask(port, "/register", "ann", "pw"), 400, "registered again")
        user("passwd", "ann", given="new\n")
        same([ask(port, "/login", "ann", pw) for pw in ("pw", "new")], [401, 200], "another password")
        user("delete", "ann")
        same(ask(port, "/login", "ann", "new"), 404, "deleted")
        same(ask(port, "/register", "ann", "third"), 201, "a deleted name is free")
        same(ask(port, "/login", "ann", "third"), 200, "registered")
        user.has("ann")
        user("add", "ann", given="pw\n", status=1, says="exists")
        user("import", given="bob:" + BOB + "\n", says="1 added")
        same(ask(port, "/login", "bob", "pw"), 200, "imported")


def log_in(port, name, password):
    return send(port, "POST", "/login", {"username": name, "password": password})[1].get("token")


VALID = (200, "Token is valid")
INVALID = (401, "Invalid token")


def verify(port, token):
    status, body = send(port, "GET", "/get-jwt", Authorization=f"Bearer {token}")
    return status, body.get("message", body.get("error"))


def soon(port, token):
    """What comes of a token that another process revokes: nothing but /get-jwt is asked."""
    until = time.monotonic() + WAIT
    while verify(port, token) == VALID and time.monotonic() < until:
        pass
    return verify(port, token)


def revoked():
    user = User()
    user("add", "ann", given="pw\n")
    user("add", "bob", given="pw\n")
    with serving(user) as port:
        bob = log_in(port, "bob", "pw")
        old = [log_in(port, "ann", "pw")]
        same(verify(port, old[-1]), VALID, "a token")
        for verb, given, password in (("logout", "", "pw"), ("logout", "", "pw"), ("passwd", "new\n", "new")):
            user(verb, "ann", given=given)
            same(soon(port, old[-1]), INVALID, f"{verb}: at once")
            old.append(log_in(port, "ann", password))
            same(verify(port, old[-1]), VALID, f"{verb}: the next log-in's, in the same second")
        same(ask(port, "/change-password", "ann", "new", new_password="newer"), 200, "changed")
        same(verify(port, old[-1]), INVALID, "change-password: at once")
        old.append(log_in(port, "ann", "newer"))
        user("delete", "ann")
        same(soon(port, old[-1]), INVALID, "delete: at once")
        same(ask(port, "/register", "ann", "pw"), 201, "registered again")
        same([verify(port, token) for token in old], [INVALID] * 5, "and none comes back")
        new = log_in(port, "ann", "pw")
        same(verify(port, new), VALID, "but a new one counts")
    with serving(user) as port:
        same([verify(port, token) for token in (*old, new, bob)], [INVALID] * 5 + [VALID] * 2, "after a kill and a start")
        user("logout", "ann")
    with serving(user) as port:
        same([verify(port, token) for token in (*old, new, bob)], [INVALID] * 6 + [VALID], "revoked, and a kill at once")
        old.append(new)
        old.append(log_in(port, "ann", "pw"))
        same(ask(port, "/change-password", "ann", "pw", new_password="last"), 200, "changed")
    user.env["JWTD_TTL"] = "1"
    with serving(user) as port:
        same([verify(port, token) for token in (*old, bob)], [INVALID] * 7 + [VALID], "with a shorter ttl, too")
        new = log_in(port, "ann", "last")
        same(soon(port, new), (401, "Token has expired"), "its tokens end as they should")


def issued_and_revoked():
    """Tokens from the shell, of the server's life and of a longer one."""
    user = User()

    def issue(*more):
        ended = subprocess.run([BIN, "token", "issue", "ann", *more], env=user.env, stdout=subprocess.PIPE, timeout=WAIT,
                               check=True)
        return ended.stdout.decode().strip()

    user("add", "ann", given="pw\n")
    with serving(user) as port:
        old = [issue(), issue("--ttl", "99999999")]
        same([verify(port, token) for token in old], [VALID] * 2, "issued")
        check(user.lines()[-1]["tokens_until"] > time.time() + 99990000, "issued: until when it is noted")
        user("logout", "ann")
        same([soon(port, token) for token in old], [INVALID] * 2, "issued and revoked")
        check(user.lines()[-1]["tokens_until"] > time.time() + 99990000, "revoked: until when it is noted")
        new = [issue(), issue("--ttl", "99999999")]
        same([verify(port, token) for token in new], [VALID] * 2, "issued behind that, in the same second")
    with serving(user) as port:
        same([verify(port, token) for token in old + new], [INVALID] * 2 + [VALID] * 2, "issued, and after a start")


def revoked_by_hand():
    """By a line that an editor or a script writes, and in a file that takes the place of the other."""
    user = User()
    user("import", given="bob:" + BOB + "\ncyd:" + BOB + "\n", says="2 added")
    with serving(user) as port:
        bob, cyd = log_in(port, "bob", "pw"), log_in(port, "cyd", "pw")
        with open(user.file, "ab") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            f.write(json.dumps({"username": "bob", "password": BOB, "not_before": int(time.time()) + 1}).encode() + b"\n")
            f.flush()
            same([verify(port, token) for token in (bob, cyd)], [VALID] * 2, "while another process is at it")
        same(soon(port, bob), INVALID, "a line written by hand")
        new = log_in(port, "bob", "pw")
        same([verify(port, token) for token in (new, cyd)], [VALID] * 2, "and nobody else's")
        with open(f"{user.folder}/new", "wb") as f:
            f.write(read(user.file) + json.dumps({"username": "cyd", "deleted": True, "not_before": int(time.time()) + 1}).encode() + b"\n")
        os.rename(f"{user.folder}/new", user.file)
        same(soon(port, cyd), INVALID, "another file in its place")
    link = User()
    os.symlink(user.file, link.file)
    with serving(link) as port:
        same(verify(port, new), VALID, "behind a symbolic link")
        user("logout", "bob")
        same(soon(port, new), INVALID, "behind a symbolic link: at once")
        new = log_in(port, "bob", "pw")
        with open(f"{user.folder}/new", "wb") as f:
            f.write(read(user.file))
        os.rename(f"{user.folder}/new", user.file)
        user("logout", "bob")
        same(soon(port, new), INVALID, "and where another file takes the place of the one that it leads to")


def not_watched():
    """A kernel without inotify: the file is looked at once a second."""
    number = {"x86_64": 294, "aarch64": 26, "riscv64": 26}.get(platform.machine())
    if number is None:
        print("     left out: not_watched, for the number of inotify_init1 here")
        return
    code = b"".join(struct.pack("=HBBI", *row) for row in ((0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x50026),
                                                          (0x06, 0, 0, 0x7FFF0000)))
    rows = ctypes.create_string_buffer(code)
    program = struct.pack("@HP", 4, ctypes.addressof(rows))
    libc = ctypes.CDLL(None)

    def without():
        libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
        libc.prctl(22, 2, program)  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER

    user, said = User(), []
    user("add", "ann", given="pw\n")
    with serving(user, said, preexec_fn=without) as port:
        check(sum(b"users.jsonl can't be watched, so it is read once a second: " in line for line in said) == 1,
              f"without inotify: {said}")
        token = log_in(port, "ann", "pw")
        same(verify(port, token), VALID, "without inotify: a token")
        user("logout", "ann")
        same(soon(port, token), INVALID, "without inotify: revoked")


# ---- at a terminal -----------------------------------------------------------

class Terminal:
    """`jwtd user ...` with a terminal for its standard input and error."""

    def __init__(self, user, *words):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(BIN, [BIN, "user", *words], user.env)
        self.said = b""

    def expect(self, text):
        until = time.monotonic() + WAIT
        while text not in self.said and select.select([self.fd], [], [], max(0, until - time.monotonic()))[0]:
            try:
                self.said += os.read(self.fd, 4096)
            except OSError:  # it has ended
                break
        check(text in self.said, f"terminal: {text!r} in {self.said!r}")

    def echo(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def type(self, text):
        os.write(self.fd, text)

    def ended(self):
        with contextlib.suppress(OSError):
            while data := os.read(self.fd, 4096):
                self.said += data
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def at_a_terminal():
    user = User()
    for again, status in ((b"secret", 0), (b"secreT", 1)):
        terminal = Terminal(user, "add" if status == 0 else "passwd", "ann")
        terminal.expect(b"password: ")
        check(not terminal.echo(), "terminal: no echo")
        ignored = re.search(rb"SigIgn:\s(\w+)", read(f"/proc/{terminal.pid}/status"))[1]
        check(int(ignored, 16) >> (signal.SIGTSTP - 1) & 1, "terminal: ^Z does not leave it to a shell, which shows all")
        terminal.type(b"secret\n")
        terminal.expect(b"again: ")
        check(not terminal.echo(), "terminal: no echo, again")
        keep = os.dup(terminal.fd)
        terminal.type(again + b"\n")
        same(terminal.ended(), status, f"terminal: secret, {again}: exit status; it said {terminal.said!r}")
        check(b"secre" not in terminal.said, f"terminal: nothing is shown: {terminal.said!r}")
        check((b"the passwords differ" in terminal.said) == (status == 1), f"terminal: {terminal.said!r}")
        check(termios.tcgetattr(keep)[3] & termios.ECHO, "terminal: echo again")
        os.close(keep)
    terminal = Terminal(user, "passwd", "ann")
    terminal.expect(b"password: ")
    terminal.type(b"p" * 1100 + b"\n")
    same(terminal.ended(), 1, "terminal: too long: exit status")
    check(b"the password is too long" in terminal.said and b"again" not in terminal.said, f"terminal: {terminal.said!r}")
    with serving(user) as port:
        same(ask(port, "/login", "ann", "secret"), 200, "terminal: the password that was typed twice")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
        terminal = Terminal(user, "passwd", "ann")
        terminal.expect(b"password: ")
        check(not terminal.echo(), "terminal: no echo")
        keep = os.dup(terminal.fd)
        terminal.type(b"\x03" if number == signal.SIGINT else b"abc")  # ^C as a terminal sends it
        if number != signal.SIGINT:
            os.kill(terminal.pid, number)
        same(terminal.ended(), -number, f"terminal: ended by {number}")
        check(termios.tcgetattr(keep)[3] & termios.ECHO, f"terminal: echo after signal {number}")
        os.close(keep)


def bar():
    """A large import shows on a terminal how far it is, a small one or one into a file does not."""
    user = User()
    source = f"{user.folder}/accounts"
    for count, percents in ((100, []), (10000, sorted(range(101)))):
        with open(source, "w", encoding="utf-8") as f:
            f.write("".join(line(f"user{i}of{count}") for i in range(count)))
        terminal = Terminal(user, "import", source)
        same(terminal.ended(), 0, "bar: exit status")
        seen = [int(n) for n in re.findall(rb"reading \[#* *\] (\d+) %[\r\n]", terminal.said)]
        check(seen == sorted(seen) and set(seen) <= set(percents) and (not percents or seen[-1] == 100 and len(seen) > 5),
              f"bar of {count}: {seen}")
        check(re.search(rb"(^|\] 100 %%\r\n)jwtd: %d accounts read, %d added\r\n$" % (count, count), terminal.said),
              f"bar of {count}: {terminal.said[-200:]!r}")


parts = [changes, words, imports, refused_imports, no_room_for_an_import, killed_import, torn_import, seen_by_a_server, revoked,
         issued_and_revoked, revoked_by_hand, not_watched, at_a_terminal, bar]
run_parts(parts, sys.argv[2:], 300)
