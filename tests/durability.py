"""durability.py BINARY [PART...] - is every acknowledged account still there afterwards?

After power cuts on a real ext4 and kill -9 of server and command line, in the middle of a compaction too, with every
system call and every allocation failing at its Nth time, and with eight processes on one file. Mutants of the server,
without fdatasync, fsync or flock, show that the tests would notice. A PART is the name of a function in
`parts`; without one all are run.

Standard library only; run by durability.sh."""
import collections
import contextlib
import ctypes
import fcntl
import hashlib
import itertools
import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import common
from common import ENV, check, need, run_parts, same, scratch, skip, start

BIN = sys.argv[1]
SOURCES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LONG = os.environ.get("DURABILITY") == "long"
CUTS, MUTANT_CUTS, CUTS_A_FILE, KILLS = (300, 10, 10, 500) if LONG else (50, 10, 10, 100)
CLIENTS = 8
ALL_SECONDS = 3600 if LONG else 900
WAIT = 20  # for any one thing that must come
COST = "scrypt:16:1:1"
KEY = "the key of durability.py, long enough"

builds = scratch()
top = scratch(in_memory=True)  # data lies there, where possible: a disk's fdatasync would take the time
servers, disks = [], []


def say(*what):
    print(*what, flush=True)


def need_strace():
    if not need("strace", "strace"):
        return False
    done = subprocess.run(["strace", "-o", "/dev/null", "true"], stderr=subprocess.PIPE)
    return True if done.returncode == 0 else skip(f"no ptrace here: {done.stderr.decode().strip()}")


# ---- servers -----------------------------------------------------------------

def folder():
    return tempfile.mkdtemp(dir=top)


class Server:
    """Runs a binary until it is ready, or until it has ended. `around` is a command that runs a command."""

    def __init__(self, directory, *options, binary=BIN, around=(), cost=COST, **env):
        self.users, self.lines, self.port, self.known = f"{directory}/users.jsonl", [], None, threading.Event()
        self.binary = binary
        env = {**ENV, "STATE_DIRECTORY": directory, "JWTD_LISTEN": "127.0.0.1:0", "JWTD_HASH": cost, **env}
        self.process = start(*around, binary, *options, env=env, cwd=top, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE)
        servers.append(self)
        self.reader = threading.Thread(target=self.read_lines, daemon=True)
        self.reader.start()
        if not self.known.wait(WAIT):
            raise TimeoutError(f"the server says nothing: {self.lines}")

    def read_lines(self):
        with self.process.stderr as said:
            for line in said:
                self.lines.append(line.decode(errors="replace").strip())
                if ": ready on " in self.lines[-1]:
                    self.port = int(self.lines[-1].rsplit(":", 1)[1])
                    self.known.set()
        self.known.set()

    def end(self, number=signal.SIGKILL):
        """Its exit status, once it has ended."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self):
        status = self.process.wait(WAIT)
        self.reader.join(WAIT)
        servers.remove(self)
        return status


def post(path, name):
    body = json.dumps({"username": name, "password": "pw " + name}).encode()
    return (f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


class Client:
    """One connection. A status is None where there was no answer, and then it is closed."""

    def __init__(self, server, seconds=WAIT):
        self.got, self.socket = b"", socket.create_connection(("127.0.0.1", server.port), seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request):
        try:
            self.socket.sendall(request)
            return self.answer()
        except (OSError, EOFError):
            self.socket.close()
            return None

    def answer(self):
        while b"\r\n\r\n" not in self.got:
            self.more()
        fields, self.got = self.got.split(b"\r\n\r\n", 1)
        length = int(re.search(rb"(?i)\r\ncontent-length: *(\d+)", fields)[1])
        while len(self.got) < length:
            self.more()
        self.body, self.got = self.got[:length], self.got[length:]
        return int(fields.split()[1])

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError
        self.got += data

    def register(self, name):
        return self.ask(post("/register", name))

    def log_in(self, name):
        return self.ask(post("/login", name))

    def all(self, path, names):
        """Each name with its status; the requests are sent many at once."""
        for i in range(0, len(names), 50):
            self.socket.sendall(b"".join(post(path, name) for name in names[i:i + 50]))
            for name in names[i:i + 50]:
                yield name, self.answer()

    def token(self, name):
        return json.loads(self.body)["token"] if self.log_in(name) == 200 else None

    def verify(self, token):
        return self.ask(f"GET /get-jwt HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n".encode())

    def close(self):
        self.socket.close()


def ask(server, path, name, seconds=WAIT):
    """One request on a connection of its own."""
    try:
        with contextlib.closing(Client(server, seconds)) as client:
            return client.ask(post(path, name))
    except OSError:
        return None


def lost(server, names):
    """Which of them do not log in."""
    with contextlib.closing(Client(server)) as client:
        return [name for name, status in client.all("/login", names) if status != 200]


STRACE = ["strace", "-e", "signal=none"]


@contextlib.contextmanager
def attached(server, options):
    """Traces all threads of a server that runs, and waits for its end."""
    with subprocess.Popen([*STRACE, "-f", "-p", str(server.process.pid), *options], stderr=subprocess.PIPE) as strace:
        line = strace.stderr.readline()
        if b" attached" not in line:
            raise OSError(f"strace -p: {line}")
        yield


def injected(server, call, what):
    return attached(server, ["-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:{what}"])


def in_threads(run, arguments):
    threads = [threading.Thread(target=run, args=argument, daemon=True) for argument in arguments]
    for thread in threads:
        thread.start()
    return threads


def names_in(path, torn=False):
    """`torn`: as far as its last LF."""
    with open(path, "rb") as f:
        return [json.loads(line)["username"] for line in f if not torn or line.endswith(b"\n")]


def twice(path):
    return repeated(names_in(path))


def repeated(names):
    return sorted(name for name, times in collections.Counter(names).items() if times > 1)


def tail(path):
    """The end of a file, for a report: what is there where it is damaged."""
    with contextlib.suppress(OSError), open(path, "rb") as f:
        data = f.read()
        line = data.rfind(b"\n", 0, max(len(data) - 1, 0)) + 1
        return f"{len(data)} bytes, the last line from byte {line}: {data[line:]!r}"
    return "no file"


# ---- other builds ------------------------------------------------------------

def build(name, *edits, make=()):
    """A build with edits to users_file.c: pairs of a pattern and what takes its place. What is the same is compiled
    once. None where it can't be built."""
    source, objects = f"{builds}/source", f"{builds}/objects"
    compiler = os.environ.get("CC", "cc")
    if not (need("make", "make") and need(compiler.split()[0], "gcc")):
        return None
    if not os.path.isdir(source):
        os.makedirs(f"{source}/tests")
        for file in os.listdir(SOURCES):
            if file.endswith((".c", ".h")) or file in ("Makefile", "index.html"):
                shutil.copy2(f"{SOURCES}/{file}", source)
    shutil.copy(f"{SOURCES}/users_file.c", source)
    with open(f"{source}/users_file.c", "r+") as f:
        text = f.read()
        for old, new in edits:
            text, times = re.subn(old, new, text)
            check(times > 0, f"the mutant {name}: users_file.c has no {old}")
        f.seek(0)
        f.write(text)
        f.truncate()
    with contextlib.suppress(OSError):
        os.remove(f"{objects}/jwtd")
    done = subprocess.run(["make", "-j2", "-C", source, f"BUILD={objects}", f"CC={compiler}", "CFLAGS=-O1", *make,
                           f"{objects}/jwtd"], env=ENV, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    check(done.returncode == 0, f"{name} can't be built: {done.stdout.decode()[-2000:]}")
    return shutil.move(f"{objects}/jwtd", f"{builds}/{name}") if done.returncode == 0 else None


# ---- 1. power cuts -----------------------------------------------------------

EXT4_IOC_SHUTDOWN, NOLOGFLUSH, CLONE_NEWNS = 0x8004587d, 2, 0x20000


class Ext4:
    """A file system in a file, mounted for nobody else: a copy of the mount would keep it from ending."""

    def __init__(self, *options):
        self.image, self.path, self.options = f"{folder()}/image", folder(), ",".join(["loop", *options])
        with open(self.image, "wb") as f:
            f.truncate(64 << 20)
        disks.append(self)
        run("mkfs.ext4", "-q", "-F", "-b", "4096", self.image)
        self.mount()

    def mount(self):
        run("mount", "-o", self.options, self.image, self.path)

    def unmount(self, *how):
        run("umount", *how, self.path)

    def cut(self):
        """From here on nothing reaches the disk, not even what the journal holds."""
        fd = os.open(self.path, os.O_RDONLY)
        fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", NOLOGFLUSH))
        os.close(fd)


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stdout.decode().strip()}")


def own_mounts():
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise OSError(f"unshare: {os.strerror(ctypes.get_errno())}")
    run("mount", "--make-rprivate", "/")


def commit_often(path):
    """Another program that syncs: it puts the journal on the disk between a write and its fdatasync."""
    with contextlib.suppress(OSError):
        fd = os.open(path, os.O_WRONLY | os.O_CREAT)
        try:
            while True:
                os.utime(fd)
                os.fsync(fd)
        finally:
            os.close(fd)


def register_until_refused(server, prefix, acknowledged, enough):
    with contextlib.suppress(OSError), contextlib.closing(Client(server)) as client:
        for i in itertools.count():
            name = f"{prefix}-{i}-" + "x" * random.randrange(180)
            if client.register(name) != 201:
                break
            acknowledged.append(name)
            if len(acknowledged) >= enough[0]:
                enough[1].set()


def cut_the_power(disk, binary, cuts, what):
    """Gives how many were acknowledged and how many of those are lost, and at how many cuts no start was possible."""
    acknowledged, missing, refused, void = 0, 0, 0, 0
    for cut in range(cuts):
        if cut % CUTS_A_FILE == 0:
            directory, known, token = tempfile.mkdtemp(dir=disk.path), [], None
            run("sync", "-f", disk.path)
        server, new = Server(directory, binary=binary), []
        enough = (random.randint(1, 60), threading.Event())
        threads = in_threads(register_until_refused, [(server, f"{cut}-{k}", new, enough) for k in range(CLIENTS)])
        if cut % 3 == 2:
            threads += in_threads(commit_often, [(f"{disk.path}/other",)])
        if not enough[1].wait(WAIT):
            check(False, f"{what}: registrations go on")
        with contextlib.closing(Client(server)) as client:
            token = token or client.token(new[0])
        time.sleep(random.uniform(0, 0.003))  # not always just behind an answer
        promised = list(new)  # behind the cut the kernel may call an aborted commit done
        disk.cut()
        for thread in threads:
            thread.join(WAIT)
        server.end()
        disk.unmount()
        disk.mount()
        server = Server(directory, binary=binary)
        known += promised
        acknowledged += len(promised)
        if server.port:
            gone = set(lost(server, known))
            with contextlib.closing(Client(server)) as client:
                void += client.verify(token) != 200
            server.end()
        else:
            gone = set(known)
            refused += 1
            if binary == BIN:
                say(f"     cut {cut}: {server.lines}, {tail(server.users)}")
            server.ended()
            shutil.rmtree(directory)
            os.mkdir(directory)
            token = None
        missing += len(gone)
        known = [name for name in known if name not in gone]
    return acknowledged, missing, refused, void


STEPS = "write", "fsync", "rename"


def cut_in_compaction(disk, binary, step, kill):
    """Stops a start behind a step of a compaction and cuts the power there, once something else has been synced, or
    kills it and lets the next start finish. Gives what is wrong with what is left."""
    directory = tempfile.mkdtemp(dir=disk.path)
    names, path, trace = [f"name {n}" for n in range(200)], f"{directory}/users.jsonl", f"{folder()}/trace"
    with open(path, "w") as f:
        for password in "first", "second", "":
            f.writelines(account(name, password or "pw " + name) for name in names)
    run("sync", "-f", disk.path)
    process = subprocess.Popen(
        ["strace", "-D", "-q", "-o", trace, "-P", path + ".compacting", "-e", f"trace={step}", "-e",
         f"inject={step}:signal=STOP:when=1", binary], stderr=subprocess.DEVNULL,
        env={**ENV, "STATE_DIRECTORY": directory, "JWTD_SECRET": KEY, "JWTD_LISTEN": "127.0.0.1:0"})
    wait_for(lambda: os.path.exists(trace) and "stopped by SIGSTOP" in open(trace, encoding="ascii").read())
    if kill:
        process.kill()
        process.wait(WAIT)
    else:
        with open(f"{disk.path}/other", "a") as f:
            f.write("x")
            f.flush()
            os.fsync(f.fileno())
        disk.cut()
        process.kill()
        process.wait(WAIT)
        wait_for(lambda: unmounted(disk))
        disk.mount()
    server, wrong = Server(directory, binary=binary, JWTD_SECRET=KEY), []
    if not server.port:
        server.ended()
        return [f"no start behind {step}: {server.lines}, {tail(path)}"]
    gone = lost(server, names)
    if gone or ask(server, "/register", "another") != 201:
        wrong.append(f"{len(gone)} lost, {tail(path)}")
    server.end()
    if sorted(names_in(path)) != sorted(names + ["another"]):
        wrong.append("it is not compacted with the next start")
    if os.listdir(directory) != ["users.jsonl"]:
        wrong.append(f"left over: {os.listdir(directory)}")
    return [f"{'killed' if kill else 'cut'} behind {step}: {what}" for what in wrong]


def unmounted(disk):
    with contextlib.suppress(OSError):
        disk.unmount()
        return True


def wait_for(something):
    end = time.monotonic() + WAIT
    while not something():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.001)


def compactions():
    """Power cuts and kills in the middle of a compaction. The file system is told not to do by itself, behind a
    rename, what the fsync before it is for."""
    if not (need("mkfs.ext4", "e2fsprogs") and need_strace()):
        return
    try:
        own_mounts()
        disk = Ext4("noauto_da_alloc")
    except OSError as error:
        skip(f"power cuts need root and a loop mount: {error}")
        return
    for step, kill in itertools.product(STEPS, (False, True)):
        same(cut_in_compaction(disk, BIN, step, kill), [], "compaction")
    mutant = build("unsynced", (r" && fsync\(fd\) == 0;", ";"))
    if mutant:
        wrong = cut_in_compaction(disk, mutant, "rename", False)
        say(f"     the mutant without fsync before its rename: {wrong}")
        check(wrong, "power cuts do not catch the mutant without fsync before its rename")
    disk.unmount()


def read_before_synced(disk):
    """A kill between write and fdatasync leaves a line that the next start reads: who is let in by it stays."""
    directory = tempfile.mkdtemp(dir=disk.path)
    server = Server(directory)
    with injected(server, "fdatasync", "signal=KILL:when=1"):
        same(ask(server, "/register", "killed"), None, "killed at fdatasync: register")
        server.ended()
    server = Server(directory)
    known = ask(server, "/register", "killed") == 400
    disk.cut()
    server.end()
    disk.unmount()
    disk.mount()
    server = Server(directory)
    check(ask(server, "/login", "killed") == 200 or not known,
          "killed at fdatasync, started again, power cut: a name that was said to exist is gone")
    server.end()


def power_cuts():
    if not need("mkfs.ext4", "e2fsprogs"):
        return
    try:
        own_mounts()
        disk = Ext4()
    except OSError as error:
        skip(f"power cuts need root and a loop mount: {error}")
        return
    acknowledged, missing, refused, void = cut_the_power(disk, BIN, CUTS, "power cuts")
    say(f"     power cuts: {CUTS} cuts, {acknowledged} acknowledged, {missing} lost")
    same(missing, 0, f"{CUTS} power cuts: acknowledged accounts that are lost")
    same(refused, 0, f"{CUTS} power cuts: starts refused")
    same(void, 0, f"{CUTS} power cuts: tokens from before that do not count any more")
    if need_strace():
        read_before_synced(disk)
    mutant = build("nosync", (r"fdatasync\(u->fd\) != 0", "false"))
    if mutant:
        acknowledged, missing, refused, _ = cut_the_power(disk, mutant, MUTANT_CUTS, "the mutant without fdatasync")
        say(f"     the mutant without fdatasync: {MUTANT_CUTS} cuts, {acknowledged} acknowledged, {missing} lost")
        check(missing > 0, "power cuts do not catch the mutant without fdatasync")
    disk.unmount()


# ---- 2. kill -9 --------------------------------------------------------------

def register_until_killed(server, names, acknowledged, unanswered, enough):
    """Registers names anew that got no answer, then its own."""
    with contextlib.suppress(OSError), contextlib.closing(Client(server)) as client:
        for name in names:
            status = client.register(name)
            if status is None:
                unanswered.append(name)
                break
            if status not in (201, 400):
                check(False, f"kill -9: register answers {status}")
            if status == 201:
                acknowledged.append(name)
            if len(acknowledged) >= enough[0]:
                enough[1].set()


def kills():
    directory, total, unanswered = folder(), [], []
    for kill in range(KILLS):
        server, acknowledged, again, unanswered = Server(directory), [], unanswered, []
        enough = (random.randint(1, 40), threading.Event())
        threads = in_threads(register_until_killed, [
            (server, itertools.chain(again, (f"{kill}-{k}-{i}" for i in itertools.count())), acknowledged, unanswered,
             enough) for k in range(CLIENTS)])
        if not enough[1].wait(WAIT):
            check(False, f"kill -9: registrations go on: {server.lines}")
        server.end()
        for thread in threads:
            thread.join(WAIT)
        total += acknowledged
        if kill % 10 == 9:
            server = Server(directory)
            if not server.port:
                return check(False, f"kill -9: starts again: {server.lines}, {tail(server.users)}")
            missing = lost(server, acknowledged)
            same(missing, [], "kill -9: acknowledged accounts that are lost")
            server.end()
    server = Server(directory)
    missing = lost(server, total)
    say(f"     kill -9: {KILLS} kills, {len(total)} acknowledged, {len(missing)} lost")
    same(missing, [], f"{KILLS} kills: acknowledged accounts that are lost")
    same(len(total), len(set(total)), f"{KILLS} kills: names that were acknowledged twice")
    same(twice(server.users), [], f"{KILLS} kills: names that stand twice in the file")
    server.end()


# ---- 3. kill -9 of the command line ------------------------------------------

def account(name, password):
    derived = hashlib.scrypt(password.encode(), salt=b"salt", n=16, r=1, p=1).hex()
    return json.dumps({"username": name, "password": f"scrypt:16:1:1$salt${derived}"}) + "\n"


class Command:
    """`jwtd user WORDS`, which says that it is done by its exit status, or, of an import, by its last line before."""

    def __init__(self, server, *words, given="", around=()):
        self.words, self.start = words, time.monotonic()
        with tempfile.TemporaryFile(dir=top) as source:  # a pipe would break where it is killed
            source.write(given.encode())
            source.seek(0)
            self.process = subprocess.Popen([*around, server.binary, "user", *words], stdin=source, cwd=top,
                                            env={**ENV, "JWTD_USERS": server.users, "JWTD_HASH": "scrypt:16:1:1"},
                                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def killed_at(self, moment):
        """Kills it so many seconds behind its start."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(self.start + moment - time.monotonic(), 0))
        self.process.kill()
        return self.ended()

    def ended(self):
        said = self.process.communicate(timeout=WAIT)[1]
        self.killed, self.done = self.process.returncode < 0, self.process.returncode == 0 or b" added" in said
        return self


def imported(number):
    return [f"imported {number} {i}" for i in range(100)]


def accounts_of(names):
    return "".join(account(name, "pw " + name) for name in names)


def lock_is_free(path):
    with open(path) as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False


def signal_at_write(server, number):
    """strace's words with which a command gets a signal in its write to the file, which a SIGKILL prevents."""
    return ["strace", "-D", "-q", "-o", "/dev/null", "-P", server.users, "-e", "trace=write", "-e",
            f"inject=write:signal={number.name}:when=1"]


def kill_with_the_lock(server, number):
    """Stops an `add` behind its write and kills it there. Gives what is wrong: its line is there, so nobody else may
    get the name, before nor after, and the lock must be free again."""
    name, wrong, answers, end = f"held {number}", [], [], time.monotonic() + WAIT
    command = Command(server, "add", name, given="pw " + name, around=signal_at_write(server, signal.SIGSTOP))
    while name not in names_in(server.users, True) and time.monotonic() < end:
        time.sleep(0.001)
    if lock_is_free(server.users):
        wrong.append(f"{name}: it is not locked while it is written")
    asking = in_threads(lambda: answers.append(ask(server, "/register", name)), [()])[0]
    second = Command(server, "add", name, given="pw " + name)
    if not command.killed_at(0).killed:
        wrong.append(f"{name}: it was not held")
    asking.join(WAIT)
    if second.ended().process.returncode != 1 or answers != [400]:
        wrong.append(f"{name}: added twice, or the lock stays: {second.process.returncode}, {answers}")
    return wrong


def kill_commands(binary, kills, strace):
    """Kills commands at random moments, some of which want one name, beside a server that registers meanwhile. Gives
    how many were killed, what was acknowledged, and what is wrong."""
    directory, killed, acknowledged, wrong, number = folder(), 0, [], [], 0
    with open(f"{directory}/users.jsonl", "w") as f:
        f.writelines(account(f"{what} {n}", "old") for n in range(kills) for what in ("changed", "deleted"))
    server, deleted = Server(directory, binary=binary), []

    def register(names, until):
        with contextlib.closing(Client(server)) as client:
            for name in names:
                status = client.register(name)
                if status == 201:
                    acknowledged.append(name)
                elif status != 400 or not name.startswith("all "):
                    wrong.append(f"register {name}: {status}")
                if until.is_set():
                    break

    while killed < kills and number < kills:
        names, until = (f"served {number} {i}" for i in itertools.count()), threading.Event()
        thread = in_threads(register, [(itertools.chain([f"all {number}"], names), until)])[0]
        jobs = [("add", f"all {number}"), ("add", f"all {number}"), ("add", f"added {number}"),
                ("passwd", f"changed {number}"), ("delete", f"deleted {number}"), ("import",)]
        random.shuffle(jobs)
        commands = [Command(server, *words, given=accounts_of(imported(number)) if words[0] == "import" else
                            "pw " + words[-1]) for words in jobs]
        with ThreadPoolExecutor(len(commands)) as pool:
            list(pool.map(lambda command: command.killed_at(random.uniform(0, 0.025)), commands))
        if strace:
            wrong += kill_with_the_lock(server, number)
            commands.append(Command(server, "import", given=accounts_of(imported(f"{number} at write")),
                                    around=signal_at_write(server, signal.SIGKILL)).ended())
            killed += 1
        until.set()
        thread.join(WAIT)
        if thread.is_alive():
            wrong.append(f"registrations hang in round {number}")
        for command in commands:
            killed += command.killed
            verb = command.words[0]
            if command.done and verb == "import":
                acknowledged += imported(f"{number} at write" if command in commands[len(jobs):] else number)
            elif command.done:
                (deleted if verb == "delete" else acknowledged).append(command.words[1])
        number += 1
    if not lock_is_free(server.users):
        wrong.append("the lock stays")
    server.end()
    return killed, acknowledged, wrong + check_commands(Server(directory, binary=binary), number, acknowledged, deleted)


def check_commands(server, rounds, acknowledged, deleted):
    """What is wrong with the file that so many rounds of killed commands left, by a server that was started on it."""
    wrong = [f"{name} was acknowledged twice" for name in repeated(acknowledged)]
    if not server.port:
        return wrong + [f"no start: {server.lines}, {tail(server.users)}"]
    wrong += [f"{name} is lost" for name in lost(server, acknowledged)]
    wrong += [f"{name} is not deleted" for name in deleted if ask(server, "/login", name) != 404]
    server.end()
    names = names_in(server.users)
    wrong += [f"{name} stands twice in the file" for name in twice(server.users)
              if name.split()[0] not in ("changed", "deleted")]
    for n in range(rounds):
        there = [name for name in names if name.startswith(f"imported {n} ")]
        if there != imported(n)[:len(there)]:
            wrong.append(f"import {n}: what is there is not its beginning")
    return wrong


def killed_commands():
    strace = need_strace()
    killed, acknowledged, wrong = kill_commands(BIN, KILLS, strace)
    say(f"     kill -9 of commands: {killed} kills, {len(acknowledged)} acknowledged, {len(wrong)} wrong")
    check(killed >= KILLS, f"commands: only {killed} were killed")
    check(not wrong, f"killed commands: {len(wrong)} times wrong: {wrong[:5]}")
    # says that an import is done before it writes
    early = r"int result = keep &&", 'int result = log_line("some added", NULL) && keep &&'
    for name, edit in (("unlocked", (r"flock\(u->fd, LOCK_EX[^()]*\) != 0", "false")), ("early", early)):
        mutant = build(name, edit) if strace else None
        if mutant:
            _, _, wrong = kill_commands(mutant, 20, True)
            say(f"     the mutant {name}: {wrong[:1]}")
            check(wrong, f"killed commands do not catch the mutant {name}")


# ---- 4. failing system calls -------------------------------------------------

# With what a call fails. Those that are not named fail with EIO.
ERRORS = {
    "accept4": "EMFILE ECONNABORTED EINTR", "bind": "EADDRINUSE", "clone": "EAGAIN", "clone3": "EAGAIN",
    "epoll_create1": "EMFILE", "epoll_ctl": "ENOMEM", "epoll_pwait": "EINTR", "epoll_wait": "EINTR",
    "eventfd2": "EMFILE", "fdatasync": "EIO ENOSPC", "flock": "EAGAIN EINTR ENOLCK", "fsync": "EIO",
    "getrandom": "EINTR EAGAIN", "getsockname": "ENOBUFS", "link": "EPERM EEXIST EIO", "listen": "EADDRINUSE",
    "madvise": "EINVAL", "mmap": "ENOMEM", "mprotect": "ENOMEM", "munmap": "ENOMEM", "newfstatat": "EIO ENOENT",
    "open": "EMFILE EIO ENOSPC", "openat": "EMFILE EIO ENOSPC", "pread64": "EIO EINTR", "prlimit64": "EPERM",
    "read": "EIO EINTR", "sendto": "ENOBUFS EPIPE", "setpriority": "EPERM", "setsockopt": "EINVAL",
    "socket": "EMFILE", "stat": "EIO ENOENT", "write": "EIO ENOSPC",
}
# Not made to fail: the C library's and the kernel's own business (futex, signals, threads' bookkeeping, the
# end), calls that can't fail as they are made (of the time, of oneself), and the poll that asks whether a line
# on standard error would be taken: the test waits for the line.
EXCLUDED = set("""arch_prctl brk clock_gettime clock_nanosleep execve exit exit_group fcntl futex getpid gettid
    nanosleep poll ppoll restart_syscall rseq rt_sigaction rt_sigprocmask rt_sigreturn rt_sigtimedwait sched_yield
    set_robust_list set_tid_address""".split())
# What a kill in the middle may leave behind is a question of these.
AT_REST = set("""close fchmod fchown fdatasync flock fsync ftruncate link lstat open openat pread64 rename unlink
    write""".split())
MOST = 60  # times that one thread makes one call


def old_account():
    """An account with a weaker hash than today's: its log-in writes."""
    return account("old", "pw old")


def torn():
    """The old account and a line that breaks off, and no key."""
    directory = folder()
    with open(f"{directory}/users.jsonl", "w") as f:
        f.write(old_account() + '{"username":"torn","pass')
    return directory, ["old"]


def sound():
    directory = folder()
    with open(f"{directory}/users.jsonl", "w") as f:
        f.write(old_account())
    return directory, ["old"]


def stale():
    """The old account, and lines of it that count no more: a start compacts them."""
    directory, names = sound()
    with open(f"{directory}/users.jsonl", "r+") as f:
        f.write(2 * f.read())
    return directory, names


def fresh():
    return folder(), []


def talk(server, acknowledged, once):
    """Registers and logs in: what is wrong, or None, and the last answer to a registration."""
    seconds, wrong, status = 3 if once else 1, None, None
    for name in ("new", "later") if once else ("new",):
        for _ in range(3 if name == "later" else 1):
            status = ask(server, "/register", name, seconds)
            if status == 201:
                acknowledged.append(name)
            if status in (201, 400):
                break
        for known in acknowledged if status else []:
            answer = ask(server, "/login", known, seconds)
            if answer not in (200, 503, None):
                wrong = f"the log-in of {known} answers {answer}"
    return wrong, status


def serve_under(make, options=None, kind="", mode="", binary=BIN, **env):
    """Starts, registers, logs in and ends while something fails; then again with nothing failing. Gives what is
    wrong, or None, the server that ended, and its folder. With strace's options the main thread of a start is
    traced, or, with `sound` accounts, all threads of a server that runs."""
    directory, acknowledged = make()
    traced = "" if options is None else "running" if make is sound else "starting"
    options = ["-o", f"{directory}.trace", *(part.replace("DIRECTORY", directory) for part in options or ())]
    around = [*STRACE, "-D", "-q", *options] if traced == "starting" else []
    if "-P" in around:  # the new key's file has the process's number, which is the shell's, in its name
        around = ["sh", "-c", 'exec strace -P "$0.$$.new" "$@"', f"{directory}/jwtd.secret", *around[1:]]
    server = Server(directory, "--loops=1", "--workers=1", around=around, cost="scrypt:32:1:1", binary=binary, **env)
    with attached(server, options) if traced == "running" else contextlib.nullcontext():
        wrong, answer = talk(server, acknowledged, mode == "") if server.port else (None, None)
        try:
            status = server.end(signal.SIGTERM if mode == "" else signal.SIGKILL) if server.port else server.ended()
        except subprocess.TimeoutExpired:
            wrong, status = "does not end", server.end()
    expected = 1 if server.port is None else 0 if mode == "" else -signal.SIGKILL
    if status != expected and (kind, status) != ("SIGKILL", -signal.SIGKILL):
        wrong = wrong or f"ended with {status}"
    unsynced = any("can't be synced" in line for line in server.lines)
    if server.port and mode == "" and kind != "SIGKILL" and (answer in (201, 400)) == unsynced:
        wrong = wrong or f"register answers {answer} {'after a failed fdatasync' if unsynced else 'in the end'}"
    no_reasons = "warning:|note:|.*breaks off|.*compacted|.*ready on"
    reasons = [line for line in server.lines if re.match(f"jwtd: (?!{no_reasons})", line)]
    if server.port is None and status == 1 and len(set(reasons)) != 1:
        wrong = f"{len(reasons)} lines say why it does not start"
    again = Server(directory)
    if again.port is None:
        again.ended()
        return f"does not start any more: {again.lines}, {tail(again.users)}", server, directory
    missing = lost(again, acknowledged)
    again.end()
    if missing:
        wrong = f"lost {missing} of {acknowledged}"
    if set(twice(again.users)) - {"old"}:
        wrong = f"twice in the file: {twice(again.users)}"
    return wrong, server, directory


def calls_of(make):
    """The system calls of a run in which all goes well, each with the number of the first that is jwtd's own and
    not made before main."""
    wrong, server, directory = serve_under(make, [])
    check(wrong is None, f"under strace: {wrong} {server.lines}")
    with open(f"{directory}.trace") as f:
        trace = f.read()
    before_main = trace.split("O_PATH")[0] if make is not sound else ""
    return {name: len(re.findall(rf"(?m)^{name}\(", before_main)) + 1
            for name in sorted(set(re.findall(r"(?m)^(?:\d+ +)?(\w+)\((?!2, )", trace)) - EXCLUDED)}


def fail_call(make, name, kind, n, mode):
    """kind is an error or SIGKILL; mode "" fails the nth call only, "+" all from there on. Gives what is wrong,
    and whether anything was made to fail."""
    inject = f"inject={name}:{'signal=KILL' if kind == 'SIGKILL' else 'error=' + kind}:when={n}{mode}"
    # write: only to files; to an eventfd it can't fail, and what standard error says is needed here
    only = ["-P", "DIRECTORY/users.jsonl"] if name == "write" else []
    wrong, server, directory = serve_under(make, ["-e", f"trace={name}", "-e", inject, *only], kind, mode)
    with open(f"{directory}.trace") as f:
        hit = server.process.returncode == -signal.SIGKILL if kind == "SIGKILL" else "(INJECTED)" in f.read()
    shutil.rmtree(directory)
    return wrong and f"{inject}: {wrong} {server.lines}", hit


def fail_each(make, name, kind, mode, first):
    """Fails each call in turn until there is none to fail: how many there were, and what went wrong."""
    wrongs = []
    for n in range(first, first + MOST):
        try:
            wrong, hit = fail_call(make, name, kind, n, mode)
        except OSError as error:
            wrong, hit = f"the {n}th: {error}", False
        wrongs += [wrong] if wrong else []
        if not hit:
            break
    return n - first, wrongs


def failing_calls():
    if not need_strace():
        return
    jobs, runs = [(torn, "link,rename", "EPERM", "", 1)], 0  # the one stands in for the other
    for make in torn, fresh, sound, stale:
        for name, first in calls_of(make).items():
            if make in (torn, sound) or name in AT_REST:
                errors = ERRORS.get(name, "EIO").split()
                jobs += [(make, name, error, "", first) for error in errors]
                jobs += [(make, name, error, "+", first) for error in errors if error not in ("EINTR", "EAGAIN")]
                jobs += [(make, name, "SIGKILL", "", first)] if name in AT_REST else []
    with ThreadPoolExecutor(2) as pool:
        for (make, name, kind, mode, _), (times, wrongs) in zip(jobs, pool.map(lambda job: fail_each(*job), jobs)):
            runs += times
            check(not wrongs, "\n     ".join([f"{make.__name__}: {name} fails with {kind}{mode}", *wrongs]))
    say(f"     failing calls: {len(jobs)} ways, {runs} runs")


def failing_sync():
    """Once an fdatasync has failed nothing is acknowledged until a restart; who is known logs in."""
    if not need_strace():
        return
    directory, _ = sound()
    server = Server(directory, "--workers=1", cost="scrypt:32:1:1")
    with injected(server, "fdatasync", "error=EIO:when=1"):
        for name in "first", "first", "second":
            same(ask(server, "/register", name), 503, f"failed fdatasync: {name} is not acknowledged")
            same(ask(server, "/login", name), 404, f"failed fdatasync: {name} is not known")
            same(ask(server, "/login", "old"), 200, "failed fdatasync: who is known logs in")
        same(names_in(server.users), ["old"], "failed fdatasync: the file is as it was")
        same(server.end(signal.SIGTERM), 0, "failed fdatasync: exit status")
    server = Server(directory)
    same(ask(server, "/register", "first"), 201, "failed fdatasync: after a restart accounts are stored")
    same(lost(server, ["old", "first"]), [], "failed fdatasync: accounts that are lost after a restart")
    server.end()


def cut_short(server, what, kept):
    """A limit on the file's size cuts a line short, at each of its bytes; `kept`: nor can it be removed."""
    same(ask(server, "/register", "n000"), 201, f"{what}: a first account")
    begin = os.path.getsize(server.users)
    same(ask(server, "/register", "n001"), 201, f"{what}: a second account")
    length, names, wrong = os.path.getsize(server.users) - begin, ["old", "n000", "n001"], []
    for n in range(length):
        name, size = f"n{n + 2:03}", os.path.getsize(server.users)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size + n, resource.RLIM_INFINITY))
        got = [ask(server, "/register", name), os.path.getsize(server.users) - size]
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        expected = [503, n if kept else 0]
        if kept:  # all of a line but its LF is an account, known though not acknowledged
            got.append(ask(server, "/register", name))
            expected.append(400 if n == length - 1 else 201)
            names.append(name)
        if got != expected:
            wrong.append(f"{n} of {length} bytes: {got}, not {expected}")
    same(wrong, [], f"{what}: answer, bytes more in the file, second answer")
    same(lost(server, names), [], f"{what}: accounts that are lost")
    server.end()
    server = Server(os.path.dirname(server.users))
    same(lost(server, names), [], f"{what}: accounts that are lost after a restart")
    same(twice(server.users), [], f"{what}: names that stand twice in the file")
    server.end()


def short_writes():
    cut_short(Server(sound()[0], "--workers=1"), "short writes", False)
    if need_strace():  # the writer's ftruncate fails, the next one's works: every other one
        server = Server(sound()[0], "--workers=1")
        with injected(server, "ftruncate", "error=EIO:when=1+2"):
            cut_short(server, "short writes that can't be removed", True)


# ---- 5. failing memory -------------------------------------------------------

def crowded():
    """As many accounts, in short lines, as the index holds: one more makes it grow."""
    directory = folder()
    with open(f"{directory}/users.jsonl", "w") as f:
        f.write(old_account())
        f.writelines(json.dumps({"username": f"n{n}", "password": "-"}) + "\n" for n in range(767))
    return directory, ["old"]


def long():
    """The old account and as many more as two threads read."""
    directory = folder()
    with open(f"{directory}/users.jsonl", "w") as f:
        f.write(old_account())
        f.writelines(json.dumps({"username": f"n{n}", "password": "-" * 100}) + "\n" for n in range(5000))
    return directory, ["old"]


def failing_memory():
    functions = "malloc", "calloc", "realloc", "pthread_create"
    wrapped = build("wrapped", make=(f"LDFLAGS=$(LINK) -Wl,--gc-sections {SOURCES}/tests/durability_wrap.c " +
                                     " ".join(f"-Wl,--wrap={f}" for f in functions),))
    runs = 0
    for make, function, mode in itertools.product((torn, crowded, stale, long), functions if wrapped else (), ("", "+")):
        wrongs, times = [], 0
        for n in range(1, MOST):
            wrong, server, directory = serve_under(make, (), "", mode, binary=wrapped,
                                                   DURABILITY_FAIL=f"{function} {n}{mode}")
            shutil.rmtree(directory)
            if "wrap: a call fails" not in server.lines:
                break
            times += 1
            wrongs += [f"{n}: {wrong} {server.lines}"] if wrong else []
        runs += times
        check(not wrongs, "\n     ".join([f"{make.__name__}: {function} fails{mode}", *wrongs]))
        check(times > 0, f"{make.__name__}: {function} is called")
    say(f"     failing memory: {runs} runs")


# ---- 6. eight processes, one file --------------------------------------------

def eight(binary, each, common):
    """Eight servers on one file, a client at each: names of its own, and some that all want. What went wrong."""
    directory, wrong = folder(), []
    processes = [Server(directory, binary=binary, JWTD_SECRET=KEY) for _ in range(CLIENTS)]
    own, won, gate = [[] for _ in processes], [], threading.Barrier(CLIENTS)

    def register(k):
        own[k] = [f"{k}-{i}" for i in range(each)]
        with contextlib.closing(Client(processes[k])) as client:
            gate.wait(WAIT)
            for name, status in client.all("/register", own[k]):
                if status != 201:
                    wrong.append(f"register {name}: {status}")
            for i in range(common):
                gate.wait(WAIT)
                status = client.register(f"common {i}")
                if status == 201:
                    won.append(f"common {i}")
                elif status != 400:
                    wrong.append(f"register common {i}: {status}")

    def log_in(k):  # with names that another process registered
        with contextlib.closing(Client(processes[k])) as client:
            for name, status in client.all("/login", own[(k + 1) % CLIENTS] + won):
                if status != 200:
                    wrong.append(f"log-in of {name}: {status}")

    for what in register, log_in:
        for thread in in_threads(what, [(k,) for k in range(CLIENTS)]):
            thread.join(120)
    if sorted(won) != sorted(f"common {i}" for i in range(common)):
        wrong.append(f"{common} names that all want were acknowledged {len(won)} times")
    for server in processes:
        server.end()
    try:
        names = names_in(f"{directory}/users.jsonl")
        if sorted(names) != sorted(sum(own, []) + won) or len(names) != CLIENTS * each + common:
            wrong.append(f"the file has {len(names)} lines, {len(set(names))} names")
    except ValueError as error:
        wrong.append(f"the file: {error}")
    return wrong


def eight_processes():
    wrong = eight(BIN, 500, 100)
    say(f"     eight processes: 4100 names, {len(wrong)} wrong")
    check(not wrong, f"eight processes, one file: {len(wrong)} times wrong: {wrong[:5]}")
    mutant = build("nolock", (r"flock\(u->fd, LOCK_EX[^()]*\) != 0", "false"))
    if mutant:
        tries, wrong = 0, []
        while not wrong and tries < 20:
            tries, wrong = tries + 1, eight(mutant, 100, 50)
        say(f"     the mutant without flock: {len(wrong)} wrong at try {tries}")
        check(wrong, "eight processes do not catch the mutant without flock")


def started_at_once():
    """Servers start on a file that is to be compacted, and commands add to it, all at once. One of them may compact it,
    and no account gets lost by that."""
    compacted, rounds = 0, 10 if not LONG else 50
    for number in range(rounds):
        directory, names, started = folder(), [f"name {n}" for n in range(100)], []
        with open(f"{directory}/users.jsonl", "w") as f:
            for password in "first", "second", "":
                f.writelines(account(name, password or "pw " + name) for name in names)
        threads = in_threads(lambda: started.append(Server(directory, JWTD_SECRET=KEY)), [()] * 3)
        wait_for(lambda: servers)
        server = servers[0]
        commands = [Command(server, "add", f"added {n}", given=f"pw added {n}") for n in range(3)]
        for thread in threads:
            thread.join(WAIT)
        names += [f"added {n}" for n, command in enumerate(commands) if command.ended().done]
        for n, server in enumerate(started):
            check(ask(server, "/register", f"registered {n}") == 201, f"at once: {server.lines}")
            names.append(f"registered {n}")
        same([lost(server, names) for server in started], [[]] * 3, "at once: accounts that are lost")
        same(len(names), 106, f"at once: accounts: {[command.process.returncode for command in commands]}")
        compacted += sum("compacted from 300 lines to 100" in line for server in started for line in server.lines)
        lines = [line for server in started for line in server.lines]
        for server in started:
            server.end()
        same(sorted(set(names_in(server.users))), sorted(names), f"at once: the file, after {lines}")
        server = Server(directory)
        same(lost(server, names), [], "at once: accounts that are lost after a restart")
        same(len(names_in(server.users)), len(names), "at once: it is compacted by who is alone")
        server.end()
    say(f"     started at once: {rounds} times, {compacted} of them compacted by one of three servers")


parts = [power_cuts, compactions, kills, killed_commands, failing_calls, failing_sync, short_writes, failing_memory,
         eight_processes, started_at_once]


def unmount_all():
    for disk in disks:
        with contextlib.suppress(OSError):
            disk.unmount("-l")


common.cleanups.append(unmount_all)
run_parts(parts, sys.argv[2:], ALL_SECONDS)
