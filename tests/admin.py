"""admin.py BINARY - accounts from the shell: jwtd user ...

Exit statuses and what is said; a server that runs meanwhile and sees each change with its next request; passwords at
a terminal, which must not show them, and which shows again what is typed whatever ends the question.

Standard library only; run by admin.sh."""
import contextlib
import hashlib
import http.client
import json
import os
import pty
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
import traceback

BIN = sys.argv[1]
WAIT = 20  # for any one thing that must come
TINY = "scrypt:16:1:1"
ENV = {k: v for k, v in os.environ.items() if not k.startswith("JWTD_") and k != "STATE_DIRECTORY"}
ENV |= {"JWTD_HASH": TINY, "JWTD_SECRET": "the key of admin.py, which is long enough", "JWTD_LISTEN": "127.0.0.1:0"}

top = tempfile.mkdtemp(prefix="jwtd-admin-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
count = {"passed": 0, "failed": 0}


def check(right, what):
    count["passed" if right else "failed"] += 1
    if not right:
        print("FAIL", what, flush=True)


def same(got, expected, what):
    check(got == expected, f"{what}: {got!r}, not {expected!r}")


def folder():
    return tempfile.mkdtemp(dir=top)


def read(path):
    with open(path, "rb") as f:
        return f.read()


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
    same({k: v for k, v in user.lines()[-1].items() if k != "sum"}, {"username": "bob", "deleted": True},
         "the line of a deleted account")
    user.has("ann")
    exported = user("export")
    same(exported, read(user.file).splitlines(True)[2], "export: the newest line of each, with its sum")
    user("add", "bob", given="again\n")
    user.has("ann", "bob")
    same(len(user.lines()), 5, "lines in the file")
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
    for arguments in ((), ("add",), ("passwd",), ("delete",), ("delete", "a", "b"), ("list", "a"), ("export", "a"), ("import", "a", "b"),
                      ("add", "a", "b", "c"), ("remove", "a"), ("addx", "a"), ("", "a"), ("user", "a")):
        user(*arguments, status=2, says="see jwtd --help")
    for verb in ("add", "passwd"):
        user(verb, "ann", "pass1425", status=2, says="never an argument: it is asked for, or a line of standard input")
    for arguments in (("add", "ann", "--pasword", "x"), ("add", "ann", "--hash", "md5"), ("add", "-x"), ("--", "x")):
        user(*arguments, status=2)
    for name, why in (("", "is empty"), ("n" * 256, "is too long"), ("a\nb", "has a control character"),
                      ("\x7f", "has a control character"), ("\u0085", "has a control character"),
                      (b"\xff", "is not UTF-8"), (b"a\xc3", "is not UTF-8"), (b"\xc0\x80", "is not UTF-8")):
        for verb in ("add", "passwd", "delete"):
            user(verb, name, given="pw\n", status=2, says=f'" {why}')
    for given, why in (("", "is empty"), ("\n", "is empty"), ("p" * 1025, "is too long"), ("a\0b\n", "has a NUL"),
                       (b"\xff\n", "is not UTF-8")):
        user("add", "ann", given=given, status=1, says=f"the password {why}")
    for verb in ("passwd", "delete", "list", "export"):
        user(verb, *["x"][:verb in ("passwd", "delete")], f"--users={other}/none", given="pw\n", status=1, says="--users")
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
def serving(user):
    with subprocess.Popen([BIN], env=user.env, stderr=subprocess.PIPE) as server:
        try:
            for line in server.stderr:
                if b" ready on " in line:
                    yield int(line.rsplit(b":", 1)[1])
                    break
        finally:
            server.kill()


def ask(port, path, name, password):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT)
    connection.request("POST", path, json.dumps({"username": name, "password": password}),
                       {"Content-Type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    return status


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


parts = [changes, words, imports, refused_imports, no_room_for_an_import, killed_import, torn_import, seen_by_a_server, at_a_terminal]
for part in parts:
    try:
        part()
    except Exception:
        traceback.print_exc(file=sys.stdout)
        check(False, part.__name__)
shutil.rmtree(top)
print(f"{count['passed']} passed, {count['failed']} failed, 0 skipped")
sys.exit(count["failed"] > 0 or count["passed"] == 0)
