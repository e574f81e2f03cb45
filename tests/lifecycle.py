"""lifecycle.py BINARY [PART...] - what happens to a real server, and what it does then.

Restarts, kill -9 and SIGTERM with work in flight, many clients at once, slow
and rude ones, no descriptors, no disk, no standard error; how it starts, and
why it doesn't; under a service manager, which this plays. The expectations are those of the API's contract and of RFC
9112. Nothing sleeps for a fixed time and nothing waits for ever.

Standard library only; run by lifecycle.sh. A PART is the name of a function in `parts`
or `waiting`; without one all are run. TEST_TIMES=1 says how long each takes."""
import base64
import contextlib
import ctypes
import fcntl
import hashlib
import json
import os
import random
import re
import resource
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import common
from common import attempt, check, chosen, finish, read, same, scratch, skip, watch

BIN = sys.argv[1]
ALL_SECONDS = 170
WAIT = 20  # for any one thing that must come
JSON = "Content-Type: application/json"
KEY = "the key of lifecycle.py, which is long enough"
TINY = "scrypt:16:1:1"
CHEAP = "scrypt:1024:8:1"
BUSY = "Too many requests at once, try again later"
MEDIUM = "scrypt:8192:8:1"  # some 10 to 20 ms
DEFAULT = "scrypt:32768:8:1"
# scrypt:32768:8:1 of pass1425, by Python's hashlib
ROMEL = json.dumps({"username": "Romel", "password": "scrypt:32768:8:1$0123456789abcdef$"
                    "79c106581a70594583c39fe5c078e27934af8adfded3a21bf32110af960e4dbe"
                    "36ce0667c3edea3d4350573a0f9d55ecea91cc403622d935ca6d30f681831c5d"})
ENV = {"TSAN_OPTIONS": "report_thread_leaks=0", **common.ENV}  # what _exit leaves behind is none

top = scratch()


# ---- servers -----------------------------------------------------------------

def folder():
    return tempfile.mkdtemp(dir=top)


def write(path, text):
    with open(path, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    return path


class Server:
    """Runs BINARY until it is ready, or until it has ended. `around` is a command that runs a command."""

    def __init__(self, directory, *options, listen="127.0.0.1:0", cost=CHEAP, secret=KEY, env=None, around=(),
                 command=None, pass_fds=(), wait=WAIT):
        env = {**ENV, "STATE_DIRECTORY": directory, "JWTD_LISTEN": listen, "JWTD_HASH": cost, **(env or {})}
        if secret is not None:
            env["JWTD_SECRET"] = secret
        self.users, self.secret_file = f"{directory}/users.jsonl", f"{directory}/jwtd.secret"
        self.lines, self.url, self.known = [], None, threading.Event()
        self.process = common.start(*around, *(command or [BIN]), *options, env=env, cwd=top, pass_fds=pass_fds,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.pid = self.process.pid
        self.reader = threading.Thread(target=self.read_lines, daemon=True)
        self.reader.start()
        if not self.known.wait(wait):
            raise TimeoutError(f"the server says nothing: {options}")

    def read_lines(self):
        with self.process.stderr as said:
            for line in said:
                self.lines.append(line.decode(errors="replace"))
                if ": ready on " in self.lines[-1]:
                    self.url = self.lines[-1].split(" ready on ")[1].strip()
                    self.known.set()
        self.known.set()

    def address(self):
        if self.url.startswith("unix:"):
            return socket.AF_UNIX, self.url[5:]
        host, port = self.url[len("http://"):].rsplit(":", 1)
        return (socket.AF_INET6, ("::1", int(port))) if "[" in host else (socket.AF_INET, (host, int(port)))

    def tell(self, number=signal.SIGTERM):
        os.kill(self.pid, number)

    def ended(self):
        """Its exit status, once it has ended."""
        status = self.process.wait(WAIT)
        self.reader.join(WAIT)
        return status

    def fate(self):
        return self.url or self.ended()

    def stop(self, what, number=signal.SIGTERM):
        start = time.monotonic()
        self.tell(number)
        same(self.ended(), 0, f"{what}: exit status after signal {number}")
        check(time.monotonic() - start < 10, f"{what}: ends within 10 seconds")

    def kill(self):
        self.process.kill()
        self.ended()


# ---- clients -----------------------------------------------------------------

class Answer:
    def __init__(self, head, body):
        first, *lines = head.decode().split("\r\n")
        self.version, self.status = first.split()[0], int(first.split()[1])
        self.fields = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines)}
        self.body = body

    def json(self):
        return json.loads(self.body)


class Client:
    def __init__(self, server):
        family, address = server.address()
        self.socket, self.got = socket.socket(family), b""
        self.socket.settimeout(WAIT)
        self.socket.connect(address)
        if family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data):
        self.socket.sendall(data)
        return self

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(f"closed after {self.got[:200]!r}")
        self.got += data

    def answer(self, head=False):
        while b"\r\n\r\n" not in self.got:
            self.more()
        fields, self.got = self.got.split(b"\r\n\r\n", 1)
        answer = Answer(fields, b"")
        length = 0 if head or answer.status == 100 else int(answer.fields.get("content-length", 0))
        while len(self.got) < length:
            self.more()
        answer.body, self.got = self.got[:length], self.got[length:]
        return answer

    def ask(self, data, head=False):
        return self.send(data).answer(head)

    def is_closed(self):
        """True once the server has ended it, and sent nothing more."""
        try:
            return self.got == b"" and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def close(self):
        self.socket.close()

    def reset(self):
        """Leaves with a reset instead of an end."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def request(line, *fields, body=b""):
    line += "" if " HTTP/" in line else " HTTP/1.1"
    return "\r\n".join([line, "Host: a", *fields, "", ""]).encode() + body


def post(path, name, password="pass1425", *fields):
    body = json.dumps({"username": name, "password": password}).encode()
    return request(f"POST {path}", JSON, f"Content-Length: {len(body)}", *fields, body=body)


def get(token=None, *fields):
    return request("GET /get-jwt", *([f"Authorization: Bearer {token}"] if token else []), *fields)


def ask(server, data):
    """One request on a connection of its own."""
    with contextlib.closing(Client(server)) as client:
        return client.ask(data)


def make_token(name, key=KEY):
    return common.make_token(key, {"sub": name, "exp": 4102444800})


def user_of(server, token):
    answer = ask(server, get(token))
    return answer.json().get("user") if answer.status == 200 else answer.status


def can_log_in(server, name, password="pass1425"):
    return ask(server, post("/login", name, password)).status == 200


def accounts(path, what):
    """The names in the file, every line of which must be whole and have its sum."""
    names = []
    for number, line in enumerate(read(path).split(b"\n")[:-1], 1):
        before, _, after = line.rpartition(b',"sum"')
        try:
            names.append(json.loads(line)["username"])
            sound = json.loads(line)["sum"] == hashlib.sha256(before).hexdigest()[:8] and len(after) == 12
        except (ValueError, KeyError):
            sound = False
        if not sound:
            check(False, f"{what}: line {number} is {line!r}")
    check(read(path)[-1:] in (b"\n", b""), f"{what}: the file ends with LF")
    return names


# ---- (a) restart -------------------------------------------------------------

def restart():
    odd = ["Romel", "a b", 'quote " and \\', "\u00fc\u65e5\U0001f600", "n" * 255]
    directory = folder()
    server = Server(directory, secret=None)
    for name in odd:
        same(ask(server, post("/register", name)).status, 201, f"restart: register {name!r}")
    token = ask(server, post("/login", "Romel")).json()["token"]
    server.stop("restart", signal.SIGINT)
    server = Server(directory, secret=None)
    for name in odd:
        check(can_log_in(server, name), f"restart: {name!r} logs in after it")
        same(ask(server, post("/register", name)).status, 400, f"restart: {name!r} is taken")
    same(user_of(server, token), "Romel", "restart: a token from before it")
    server.stop("restart")
    same(accounts(server.users, "restart"), odd, "restart: the file")


# ---- (b) kill -9 in the middle of registrations ------------------------------

def register_until_killed(server, name_of, acknowledged, enough):
    """Registers names until the server is gone. Of what the others take too, at most one may get it."""
    with contextlib.suppress(OSError, EOFError):
        client = Client(server)
        for i in range(100000):
            for name in name_of(i):
                status = client.ask(post("/register", name, name)).status
                if status == 201:
                    acknowledged.append(name)
                elif status != 400:
                    check(False, f"kill: register answers {status}")
            if len(acknowledged) >= enough[0]:
                enough[1].set()


def kill_in_the_middle():
    rounds, directory, total = 10, folder(), []
    for r in range(rounds):
        acknowledged, enough = [], (16 + 5 * r, threading.Event())
        server = Server(directory, cost=TINY)
        clients = [threading.Thread(target=register_until_killed, daemon=True, args=(
            server, lambda i, k=k: (f"r{r} own {k} {i}", f"r{r} common {i}"), acknowledged, enough)) for k in range(8)]
        for client in clients:
            client.start()
        check(enough[1].wait(WAIT), "kill: registrations went on")
        server.kill()
        for client in clients:
            client.join(WAIT)
        if r % 2:  # what a kill in the middle of a write would leave
            with open(server.users, "ab") as f:
                f.write(b'{"username":"torn","password":"scrypt:16:1:1$ab'[:3 + 5 * r])
        total += acknowledged
        server = Server(directory, cost=TINY)
        check(server.url, f"kill: starts again: {server.lines}")
        if r % 2:
            check(any("cut off" in line for line in server.lines), "kill: says that a torn line is cut off")
        with contextlib.closing(Client(server)) as client:
            lost = [name for name in acknowledged if client.ask(post("/login", name, name)).status != 200]
        same(lost, [], f"kill, round {r}: acknowledged accounts that do not log in")
        server.kill()
    names = accounts(f"{directory}/users.jsonl", "kill")
    same(len(names), len(set(names)), "kill: no name stands twice in the file")
    same(len(total), len(set(total)), "kill: no name was given twice")
    same(set(total) - set(names), set(), "kill: every acknowledged name is in the file")


# ---- (c) SIGTERM -------------------------------------------------------------

def stop_in_flight():
    directory = folder()
    write(f"{directory}/users.jsonl", ROMEL + "\n")
    server = Server(directory, cost=DEFAULT)
    idle = [Client(server) for _ in range(5)]
    for client in idle:
        same(client.ask(get()).status, 400, "stop: before")
    flying = [Client(server).send(post("/login", "Romel")) for _ in range(8)]
    start = time.monotonic()
    server.tell()
    server.tell()  # a second one changes nothing
    order = in_order(idle + flying)
    check(set(order[:len(idle)]) == set(idle), "stop: idle connections are closed at once, before the answers come")
    check(all(client.is_closed() for client in idle), "stop: idle connections are closed")
    for client in flying:
        answer = client.answer()
        same(answer.status, 200, "stop: a log-in in flight")
        same(user_of_token(answer.json()["token"]), "Romel", "stop: with its token")
        check(client.is_closed(), "stop: then the connection ends")
    same(server.ended(), 0, "stop: exit status with work in flight")
    check(time.monotonic() - start < 10, "stop: within 10 seconds")


def in_order(clients):
    """The clients as their sockets become readable, in rounds of a moment."""
    order, end = [], time.monotonic() + WAIT
    while len(order) < len(clients) and time.monotonic() < end:
        by_socket = {client.socket: client for client in clients if client not in order}
        order += [by_socket[s] for s in select.select(list(by_socket), [], [], 1)[0]]
    return order


def user_of_token(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["sub"]


def stop_unread():
    """Requests that lie in the socket, not yet read, and connections not yet accepted, when the signal comes."""
    server = Server(folder())
    same(ask(server, post("/register", "Romel")).status, 201, "stop, unread: register")
    kept = [Client(server) for _ in range(6)]
    for client in kept:
        client.ask(get())
    server.tell(signal.SIGSTOP)
    os.waitid(os.P_PID, server.pid, os.WSTOPPED | os.WNOWAIT)
    new = [Client(server) for _ in range(6)]
    for i, client in enumerate(kept + new):
        client.send((get() * 3, post("/login", "Romel"), get() + post("/login", "Romel") + get())[i % 3])
    server.tell()
    server.tell(signal.SIGCONT)
    for i, client in enumerate(kept + new):
        try:
            got = [client.answer().status for _ in range((3, 1, 3)[i % 3])]
        except (OSError, EOFError) as error:
            got = error
        same(got, ([400] * 3, [200], [400, 200, 400])[i % 3], f"stop, unread: connection {i}, from 6 on not accepted")
        check(client.is_closed(), "stop, unread: then the connection ends")
    same(server.ended(), 0, "stop, unread: exit status")


def stop_with_half_a_request():
    server = Server(folder())
    half = Client(server).send(get()[:-2])
    other = Client(server)
    other.ask(get())
    server.tell()
    check(other.is_closed(), "stop, half a request: the idle connection is closed")
    half.send(b"\r\n")
    same(half.answer().status, 400, "stop, half a request: its rest comes, and the answer")
    same(server.ended(), 0, "stop, half a request: exit status")

    server = Server(folder())
    half = Client(server).send(get()[:-2])
    Client(server).ask(get())
    server.stop("stop, a request that never ends")
    half.close()


def stop_silent():
    """A connection on which nothing comes is the kernel's for about a second; from then on it is idle as others are."""
    server = Server(folder())
    silent, other, held, end = Client(server), Client(server), 0, time.monotonic() + WAIT
    while held != 2 and time.monotonic() < end:
        held = int(re.search(rb"^jwtd_connections (\d+)", other.ask(request("GET /metrics")).body, re.M)[1])
        select.select([other.socket], [], [], 0.05)
    same(held, 2, "stop, silent: connections")
    server.tell()
    check(silent.is_closed(), "stop, silent: closed")
    same(server.ended(), 0, "stop, silent: exit status")


def stop_while_locked():
    """Nobody waits for what a worker is at, which waits for another process that keeps the accounts locked."""
    server = Server(folder(), "--workers", "1", "--register", "first")
    with open(server.users, "ab") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        f.write(b'{"username":')
        f.flush()
        gone = Client(server).send(post("/register", "Romel"))
        Client(server).ask(get())
        gone.reset()
        Client(server).ask(get())
        server.stop("stop, while the accounts are locked")


# ---- (d) one name ------------------------------------------------------------

def one_name():
    for clients, cost in ((50, CHEAP), (12, MEDIUM)):
        server = Server(folder(), "--workers", "4", cost=cost)
        crowd = [Client(server) for _ in range(clients)]
        for i, client in enumerate(crowd):
            client.send(post("/register", "wanted", f"password {i}"))
        answers = [client.answer() for client in crowd]
        won = [i for i, answer in enumerate(answers) if answer.status == 201]
        same(len(won), 1, f"one name, {clients} clients: how many got it")
        same({answer.body for answer in answers if answer.status == 400}, {b'{"error":"Username already exists"}\n'},
             "one name: what the others are told")
        same(sorted(answer.status for answer in answers), [201] + [400] * (clients - 1), "one name: all answers")
        same(accounts(server.users, "one name"), ["wanted"], "one name: the file")
        check(can_log_in(server, "wanted", f"password {won[0] if won else 0}"), "one name: with whose password")
        server.stop("one name")


def first_of_many():
    """--register first: of fifty names at once one is stored."""
    server = Server(folder(), "--register", "first", "--workers", "4")
    crowd = [Client(server) for _ in range(50)]
    for i, client in enumerate(crowd):
        client.send(post("/register", f"name {i}"))
    answers = [client.answer() for client in crowd]
    same(sorted(answer.status for answer in answers), [201] + [403] * 49, "first of many: all answers")
    same({answer.body for answer in answers if answer.status == 403}, {b'{"error":"Registration is closed"}\n'},
         "first of many: what the others are told")
    names = [f"name {i}" for i, answer in enumerate(answers) if answer.status == 201]
    same(accounts(server.users, "first of many"), names, "first of many: the file")
    environment = {"STATE_DIRECTORY": os.path.dirname(server.users), "JWTD_HASH": TINY}
    same(run("user", "delete", *names, env=environment).returncode, 0, "first of many: the account is deleted")
    same(ask(server, post("/register", "late")).status, 403, "first of many: closed for all that")
    server.stop("first of many")
    server = Server(folder(), "--register", "first")
    environment["STATE_DIRECTORY"] = os.path.dirname(server.users)
    added = subprocess.run([BIN, "user", "add", "shell"], env={**ENV, **environment}, input=b"pass1425\n",
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=WAIT, check=False)
    same(added.returncode, 0, "first, from the shell: added")
    same(ask(server, post("/register", "late")).status, 403, "first, from the shell: closed with the next request")
    check(can_log_in(server, "shell"), "first, from the shell: log in")
    server.stop("first, from the shell")


# ---- (e) more log-ins than the workers can do --------------------------------

def full_queue():
    server = Server(folder(), "--workers", "1", cost=MEDIUM)
    same(ask(server, post("/register", "Romel")).status, 201, "full queue: register")
    verifier = Client(server)
    verifier.ask(get())
    crowd = [Client(server) for _ in range(300)]
    for client in crowd:
        client.send(post("/login", "Romel"))
    token, slowest = make_token("Romel"), 0
    for _ in range(20):
        start = time.monotonic()
        same(verifier.ask(get(token)).status, 200, "full queue: get-jwt meanwhile")
        slowest = max(slowest, time.monotonic() - start)
    check(slowest < 1, f"full queue: get-jwt does not wait for hashes: {slowest:.3f} s")
    answers = [client.answer() for client in crowd]
    busy = [answer for answer in answers if answer.status == 503]
    same({answer.status for answer in answers}, {200, 503}, "full queue: each log-in is done or refused")
    check(all(answer.fields.get("retry-after", "").isdigit() for answer in busy), "full queue: 503 says Retry-After")
    check(all("error" in answer.json() for answer in busy), "full queue: 503 has a body")
    same(crowd[-1].ask(get(token)).status, 200, "full queue: a refused client's connection goes on")
    check(can_log_in(server, "Romel"), "full queue: and then it is empty again")
    server.stop("full queue")


def left_while_hashing():
    """Who leaves while a worker has his request leaves his place to another, but not his answer."""
    server = Server(folder(), "--workers", "1", "--loops", "1", "--throttle", "off", cost=MEDIUM)
    same(ask(server, post("/register", "Romel")).status, 201, "left while hashing: register")
    other = Client(server)
    other.ask(get())
    for _ in range(3):
        leaving = [Client(server).send(post("/login", "Romel")) for _ in range(4)]
        other.ask(get())  # the loop has seen them by now
        for client in leaving:
            client.reset()
        other.ask(get())
        taking = [Client(server).send(post("/login", "Romel", "wrong")) for _ in range(4)]
        for client in taking:
            same(client.answer().status, 401, "left while hashing: the next one's own answer")
            client.send(get())
            same(client.answer().status, 400, "left while hashing: and no other behind it")
            client.close()
    server.stop("left while hashing")


# ---- (f) slow clients --------------------------------------------------------

def drip(server, data, what):
    """A byte a second: 408 once the time is over, and the end."""
    client = Client(server)
    start = time.monotonic()
    for byte in data:
        client.send(bytes([byte]))
        if select.select([client.socket], [], [], 1)[0]:
            break
    same(client.answer().status, 408, f"slow {what}")
    check(client.is_closed(), f"slow {what}: closed")
    check(time.monotonic() - start >= 8, f"slow {what}: not too early")
    server.stop(f"slow {what}")


def slow_fields():
    drip(Server(folder()), get("X: " + "x" * 100), "fields")


def slow_body():
    head, body = post("/login", "Romel", "pass1425", "Origin: https://app.example").split(b"\r\n\r\n")
    server = Server(folder(), "--cors", "https://app.example")
    client = Client(server).send(head + b"\r\n\r\n" + body[:-1])
    client.socket.settimeout(2 * WAIT)
    answer = client.answer()
    same((answer.status, answer.fields.get("access-control-allow-origin")), (408, "https://app.example"), "slow body")
    check(client.is_closed(), "slow body: closed")
    server.stop("slow body")


# ---- (g) the answer arrives although the client still sends -------------------

def lingering():
    server = Server(folder())
    much = b"x" * 65536
    rows = (
        (413, "a body of 1 MB", request("POST /login", f"Content-Length: {16 * len(much)}", JSON)),
        (413, "chunks of 1 MB", request("POST /login", "Transfer-Encoding: chunked", JSON, body=b"100000\r\n")),
        (400, "no request", b"nonsense\r\n\r\n"),
        (431, "fields of 1 MB", b"GET / HTTP/1.1\r\nHost: a\r\nX: "),
        (414, "a target of 1 MB", b"GET /"),
        (501, "another coding", request("POST /login", "Transfer-Encoding: gzip, chunked")),
        (404, "more behind the last request", request("GET /x", "Connection: close", body=b"x")),
        (404, "more behind a request of HTTP/1.0", request("GET /x HTTP/1.0", body=b"x")),
        (404, "more behind a worker's last one", post("/login", "nobody", "x", "Connection: close") + b"x"),
    )
    for status, what, head in rows:
        for _ in range(5):
            client = Client(server)
            try:
                client.send(head)
                for _ in range(16):
                    client.send(much)
                got = client.answer().status
            except OSError as error:
                got = error
            same(got, status, f"lingering, {what}")
            check(client.is_closed(), f"lingering, {what}: closed")
            client.close()
    server.stop("lingering")


def lingering_behind_a_worker():
    """What has come while a worker had the last request makes no reset of the end either."""
    server = Server(folder(), "--loops", "1")
    client, other = Client(server), Client(server)
    with open(server.users, "ab") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        client.send(post("/register", "Romel", "pass1425", "Connection: close"))
        other.ask(get())
        client.send(b"\r\n")  # as old browsers did
    same(client.answer().status, 201, "lingering behind a worker")
    try:
        end = client.socket.recv(1)
    except OSError as error:
        end = error
    same(end, b"", "lingering behind a worker: the end")
    client.close()
    server.stop("lingering behind a worker")


# ---- (h) HTTP on one connection -----------------------------------------------

def one_connection():
    server = Server(folder())
    same(ask(server, post("/register", "Romel")).status, 201, "one connection: register")
    client = Client(server)
    gets = b"".join(get(make_token(f"user{i}")) for i in range(100))
    client.send(gets + post("/login", "Romel") + get(make_token("last")))
    got = [client.answer().json() for _ in range(102)]
    same([answer.get("user") for answer in got[:100]], [f"user{i}" for i in range(100)], "pipelining: 100 in order")
    check("token" in got[100], "pipelining: the log-in in its place")
    same(got[101].get("user"), "last", "pipelining: the one behind it")
    token = make_token("x")
    client.send((post("/login", "Romel") + get(token) + post("/register", "Romel") + get(token)) * 5)
    got = [client.answer().status for _ in range(20)]
    same(got, [200, 200, 400, 200] * 5, "pipelining: workers' answers and the loop's in turn")

    for byte in post("/login", "Romel"):
        client.send(bytes([byte]))
    same(client.answer().status, 200, "byte by byte")

    plain, head = client.ask(get()), client.ask(get().replace(b"GET", b"HEAD", 1), head=True)
    same((head.status, head.fields.get("content-length")), (400, str(len(plain.body))), "HEAD: the fields of GET")
    same(client.ask(get(make_token("x"))).status, 200, "HEAD: no body before the next answer")

    body = post("/login", "Romel").split(b"\r\n\r\n")[1]
    chunked = request("POST /login", JSON, "Transfer-Encoding: chunked")
    chunks = b"".join(b"%x;a=b\r\n%s\r\n" % (len(part), part) for part in (body[:1], body[1:20], body[20:]))
    same(client.ask(chunked + chunks + b"0\r\nTrailer: a\r\n\r\n").status, 200, "chunked")
    for byte in chunked + chunks + b"0\r\n\r\n":
        client.send(bytes([byte]))
    same(client.answer().status, 200, "chunked, byte by byte")
    same(client.ask(get(make_token("x"))).status, 200, "chunked: the next request")

    head, body = post("/login", "Romel", "pass1425", "Expect: 100-continue").split(b"\r\n\r\n")
    same(client.ask(head + b"\r\n\r\n").status, 100, "Expect: 100 before the body")
    same(client.ask(body).status, 200, "Expect: then the answer")
    same(client.ask(post("/login", "Romel", "pass1425", "Connection: close")).status, 200, "Connection: close")
    check(client.is_closed(), "Connection: close: closed")

    client = Client(server)
    for _ in range(2):
        answer = client.ask(request("GET /get-jwt HTTP/1.0", "Connection: keep-alive"))
        same((answer.status, answer.fields.get("connection", "").lower()), (400, "keep-alive"), "HTTP/1.0 keep-alive")
    answer = client.ask(request("GET /get-jwt HTTP/1.0"))
    check(answer.status == 400 and client.is_closed(), "HTTP/1.0: closed")
    client = Client(server).send(get() + post("/login", "Romel") + get())
    client.socket.shutdown(socket.SHUT_WR)
    same([client.answer().status for _ in range(3)], [400, 200, 400], "half closed: all answers come")
    check(client.is_closed(), "half closed: then closed")
    server.stop("one connection")


# ---- (i) other addresses -------------------------------------------------------

def unix_socket():
    directory = folder()
    path = f"{directory}/socket"
    server = Server(directory, listen=f"unix:{path}")
    same(server.url, f"unix:{path}", "unix: the ready line")
    same(ask(server, post("/register", "Romel")).status, 201, "unix: register")
    if shutil.which("curl"):
        same(subprocess.run(["curl", "-q", "-s", "-m", "10", "--unix-socket", path, "http://a/get-jwt"], check=False,
                            stdout=subprocess.PIPE).stdout, b'{"error":"Token is missing"}\n', "unix: curl")
    else:
        skip("unix: curl: package curl")
    second = Server(folder(), listen=f"unix:{path}")
    same((second.ended(), second.url), (1, None), "unix: a second server on it")
    check(can_log_in(server, "Romel"), "unix: the first one does not mind")
    server.kill()
    check(stat.S_ISSOCK(os.stat(path).st_mode), "unix: kill -9 leaves the socket")
    server = Server(directory, listen=f"unix:{path}")
    check(server.url and can_log_in(server, "Romel"), f"unix: a socket left behind is taken over: {server.lines}")
    server.stop("unix")
    check(not os.path.exists(path), "unix: the socket is gone after SIGTERM")

    write(path, "precious")
    server = Server(directory, listen=f"unix:{path}")
    same((server.fate(), os.path.isfile(path)), (1, True), "unix: a file that is no socket is refused, and not removed")
    server.kill()


def ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        return skip(f"[::1]: {error}", fails_on_ci=False)
    server = Server(folder(), listen="[::1]:0")
    check(server.url and re.fullmatch(r"http://\[::1\]:[1-9]\d*", server.url), f"[::1]: the ready line: {server.lines}")
    same(ask(server, get()).status, 400, "[::1]: answers")
    server.stop("[::1]")


# ---- (j) starting, and not ------------------------------------------------------

USAGE = (  # arguments, environment, why
    (["--nonsense"], {}, "unknown"),
    (["listen"], {}, "no dashes"),
    ([""], {}, "nothing"),
    (["--"], {}, "two dashes"),
    (["=x"], {}, "no name"),
    (["--secret", "x"], {}, "never an argument"),
    (["--ttl"], {}, "no value"),
    (["--address-limit", "-1"], {}, "not a number"),
    ([], {"JWTD_ADDRESS_LIMIT": "1000001"}, "too large"),
    (["--ttl", "60", "more"], {}, "one too many"),
    (["--token-file", "x"], {}, "of other commands"),
    (["secret"], {}, "no word"),
    (["token", "issue"], {}, "no name"),
    (["--help=yes"], {}, "takes none"),
    (["--listen", ""], {}, "empty"),
    (["--listen", "127.0.0.1"], {}, "no port"),
    (["--listen", ":80"], {}, "no address"),
    (["--listen", "127.0.0.1:"], {}, "empty port"),
    (["--listen=127.0.0.1:65536"], {}, "port too high"),
    (["--listen", "127.0.0.1:-1"], {}, "port too low"),
    (["--listen", "127.0.0.1:8o"], {}, "no number"),
    (["--listen", "localhost:80"], {}, "a name"),
    (["--listen", "127.1:80"], {}, "short"),
    (["--listen", "::1:80"], {}, "no []"),
    (["--listen", "[::1]"], {}, "no port"),
    (["--listen", "[127.0.0.1]:80"], {}, "not IPv6"),
    (["--listen", "unix:"], {}, "no path"),
    (["--listen", "unix:/" + 200 * "x"], {}, "longer than a socket's path may be"),
    (["--listen", "a\nb"], {}, "LF"),
    (["--ttl", "0"], {}, "none"),
    (["--cookie=yes"], {}, "takes none"),
    (["--user-header", ""], {}, "no name"),
    (["--user-header", "Remote User"], {}, "a space"),
    (["--user-header", "X:"], {}, "a colon"),
    (["--user-header", "X\r\nY"], {}, "CRLF"),
    (["--user-header", "content-length"], {}, "framing"),
    ([], {"JWTD_USER_HEADER": "Connection"}, "framing"),
    (["--user-header", "Set-Cookie"], {}, "one of ours"),
    (["--user-header", 65 * "x"], {}, "too long"),
    (["--ttl", "-1"], {}, "negative"),
    (["--ttl", "1h"], {}, "a unit"),
    (["--ttl", "99999999999999999999"], {}, "past 64 bits"),
    (["--hash", "md5"], {}, "unknown"),
    (["--hash", "scrypt:1000:8:1"], {}, "N not a power of two"),
    (["--hash", "scrypt:16384:8"], {}, "no p"),
    (["--hash", "scrypt:1048576:8:16"], {}, "above the cap"),
    (["--hash", "scrypt:32768:0:1"], {}, "r zero"),
    (["--hash", "pbkdf2:sha1:1000"], {}, "unknown"),
    (["--hash", "pbkdf2:sha256:0"], {}, "none"),
    (["--hash", "pbkdf2:sha256:4000000000"], {}, "above the cap"),
    (["--workers", "-1"], {}, "negative"),
    (["--loops", "two"], {}, "no number"),
    (["--workers", "1000000"], {}, "too many"),
    (["--throttle", "require"], {}, "a word of another option"),
    (["--throttle", ""], {}, "no word"),
    (["--sandbox", "on|off"], {}, "two words"),
    (["--sandbox", "of"], {}, "half a word"),
    (["--sandbox", "ON"], {}, "capitals"),
    ([], {"JWTD_THROTTLE": "0"}, "a number"),
    (["--register", "no"], {}, "another word"),
    (["--cors", ""], {}, "empty"),
    (["--cors", "app.example"], {}, "no scheme"),
    (["--cors", "https://app.example/"], {}, "a path"),
    (["--cors", "null"], {}, "no origin in particular"),
    (["--cors", "https://*.example"], {}, "a wildcard in it"),
    ([], {"JWTD_CORS": "https://a,,https://b"}, "an empty one"),
    ([], {"JWTD_CORS": ",".join(f"https://{i}.example" for i in range(17))}, "seventeen"),
    ([], {"JWTD_REGISTER": "first,closed"}, "two words"),
    (["--log", "on"], {}, "not one of its words"),
    (["--log", "require"], {}, "another's word"),
    (["--log-format", "off|access"], {}, "all of another's"),
    ([], {"JWTD_LOG": "acces"}, "a part of a word"),
    (["healthcheck", "now"], {}, "takes no word"),
    (["--users", ""], {}, "empty"),
    (["--users", 5000 * "x"], {}, "longer than a path may be"),
    ([], {"JWTD_TTL": "soon"}, "no number"),
    ([], {"JWTD_LISTEN": "nowhere"}, "no address"),
    ([], {"JWTD_HASH": "bcrypt"}, "unknown"),
    ([], {"JWTD_WORKERS": "many"}, "no number"),
    ([], {"JWTD_LOOPS": "-1"}, "negative"),
)


def run(*arguments, env=None):
    return subprocess.run([BIN, *arguments], env={**ENV, **(env or {})}, cwd=folder(), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=WAIT, check=False)


def usage_errors():
    for arguments, env, why in USAGE:
        what = f"usage, {' '.join(arguments)[:60]!r} {env} ({why})"
        try:
            ended = run(*arguments, env=env)
        except subprocess.TimeoutExpired:
            check(False, f"{what}: starts")
            continue
        same(ended.returncode, 2, f"{what}: exit status")
        check(re.fullmatch(rb"jwtd: [^\n]+\n", ended.stderr), f"{what}: one line: {ended.stderr!r}")
        same(ended.stdout, b"", f"{what}: on standard output")
        for name in env:
            check(name.encode() in ended.stderr, f"{what}: names the variable: {ended.stderr!r}")


def help_and_version():
    ended, directory = run("--help"), folder()
    same((ended.returncode, ended.stderr), (0, b""), "--help")
    for word in ("--listen", "--users", "--secret-file", "--ttl", "--hash", "--loops", "--workers", "JWTD_LISTEN",
                 "JWTD_USERS", "JWTD_SECRET_FILE", "JWTD_SECRET ", "JWTD_TTL", "JWTD_HASH", "JWTD_LOOPS",
                 "JWTD_WORKERS"):
        check(word in ended.stdout.decode(), f"--help tells of {word}")
    ended = run("--version")
    check(ended.returncode == 0 and re.match(rb"jwtd \d+\.\d+", ended.stdout), f"--version: {ended.stdout!r}")
    env = {"JWTD_USERS": f"{directory}/a.jsonl", "JWTD_TTL": ""}
    server = Server(directory, f"--users={directory}/b.jsonl", env=env)
    same(sorted(os.listdir(directory)), ["b.jsonl"], "arguments win over the environment; an empty variable is none")
    server.stop("arguments")


def cannot_start():
    directory, missing = folder(), f"{top}/missing"
    taken = Server(folder())
    host = taken.url[len("http://"):]
    everywhere = host.replace("127.0.0.1", "0.0.0.0")
    empty, only_lf = write(f"{directory}/empty", ""), write(f"{directory}/lf", "\nsecond line\n")
    bad = write(f"{directory}/bad", ROMEL + "\n" + ROMEL + '\n{"username":"x"}\n')
    bad_sum = write(f"{directory}/sum", '{"username":"x","password":"y","sum":"00000000"}\n')
    rows = (  # what its one line must say; how it is started; why
        (host, dict(listen=host), "the port is in use"),
        ("192.0.2.1:0", dict(listen="192.0.2.1:0"), "an address that is not here"),
        (empty, dict(secret=None, env={"JWTD_SECRET_FILE": empty}), "an empty secret file"),
        (only_lf, dict(secret=None, env={"JWTD_SECRET_FILE": only_lf}), "an empty first line"),
        ("JWTD_SECRET", dict(secret=""), "an empty JWTD_SECRET"),
        (directory, dict(secret=None, env={"JWTD_SECRET_FILE": directory}), "a directory for a secret file"),
        ("line 3", dict(env={"JWTD_USERS": bad}), "a bad users file"),
        ("line 1", dict(env={"JWTD_USERS": bad_sum}), "a changed users file"),
        (directory, dict(env={"JWTD_USERS": directory}), "a directory for a users file"),
        (missing, dict(env={"STATE_DIRECTORY": missing}), "no state directory"),
        (missing, dict(secret=None, env={"STATE_DIRECTORY": missing}), "no state directory for the secret"),
        *(("key", dict(secret=key, listen=everywhere), f"{key} where others reach it, before it listens")
          for key in ("your_secret_key", "secret", "changeme")),
    )
    for word, how, why in rows:
        server = Server(folder(), **how)
        same((server.fate(), server.url), (1, None), f"no start, {why}: exit status")
        said = [line for line in server.lines if not line.startswith("jwtd: warning")]
        check(len(said) == 1 and said[0].startswith("jwtd: "), f"no start, {why}: one line: {server.lines}")
        check(word in "".join(said), f"no start, {why}: it names {word}: {server.lines}")
        server.kill()
    check(read(bad).endswith(b'{"username":"x"}\n'), "no start: the users file is left alone")
    same(user_of(taken, make_token("x")), "x", "no start: the server that has the port goes on")
    taken.stop("no start")


def secrets():
    directory = folder()
    server = Server(directory, secret=None)
    made = read(server.secret_file)
    same(stat.S_IMODE(os.stat(server.secret_file).st_mode), 0o600, "secret file: mode")
    same(stat.S_IMODE(os.stat(server.users).st_mode), 0o600, "users file: mode")
    check(re.fullmatch(rb"[A-Za-z0-9_-]{43,}\n", made), f"secret file: 32 random bytes as text: {made!r}")
    same(user_of(server, make_token("x", made.strip())), "x", "secret file: is the key")
    same(sorted(os.listdir(directory)), ["jwtd.secret", "users.jsonl"], "secret file: nothing else is left")
    server.stop("secret file")
    server = Server(directory, secret=None)
    same((user_of(server, make_token("x", made.strip())), read(server.secret_file)), ("x", made), "secret file: kept")
    server.stop("secret file")
    other = Server(folder(), secret=None)
    check(read(other.secret_file) != made, "secret file: another one elsewhere")
    server = Server(directory)
    same((user_of(server, make_token("x")), user_of(server, make_token("x", made.strip()))), ("x", 401),
         "JWTD_SECRET wins over the file")
    check(KEY.encode() not in read(f"/proc/{server.pid}/environ"), "JWTD_SECRET is wiped from /proc/PID/environ")
    check(KEY.encode() not in read(f"/proc/{server.pid}/cmdline"), "JWTD_SECRET is in no argument")
    same([line for line in server.lines if KEY in line], [], "JWTD_SECRET is not told")
    server.stop("JWTD_SECRET")
    hex32 = b"0123456789abcdef0123456789abcdef"
    rows = (
        (hex32, b"\n" + hex32[::-1] + b"\n", "LF"),
        (hex32, b"\r\n\r\n" + hex32[::-1] + b"\r\n", "CRLF"),
        (hex32, b"", "no line end"),
        (b" spaces count, and so do these \t ", b"\n", "spaces"),
        (b"\xff\x00\x80 raw bytes " + hex32, b"\n", "raw bytes"),
        (b"short", b"\n", "short: warned of"),
        (b"secret", b"\n", "well-known: on loopback only warned of"),
    )
    for key, rest, why in rows:
        write(f"{directory}/jwtd.secret", key + rest)
        os.chmod(f"{directory}/jwtd.secret", 0o600)
        server = Server(directory, secret=None, cost=DEFAULT)
        user = user_of(server, make_token("x", key)) if server.url else server.lines
        same(user, "x", f"secret file, {why}: its first line is the key")
        warned = any(line.startswith("jwtd: warning") and "key" in line for line in server.lines)
        same(warned, len(key) < 32, f"secret file, {why}: a warning, or none: {server.lines}")
        server.stop("secret file")


# ---- (k) alone in a chroot -------------------------------------------------------

def is_static(path):
    """No program header of an ELF file names an interpreter (PT_INTERP)."""
    data = read(path)
    wide, order = data[4] == 2, "<" if data[5] == 1 else ">"
    start, = struct.unpack_from(order + ("Q" if wide else "I"), data, 32 if wide else 28)
    size, number = struct.unpack_from(order + "HH", data, 54 if wide else 42)
    return all(struct.unpack_from(order + "I", data, start + i * size)[0] != 3 for i in range(number))


def child_of(pid):
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if int(read(f"/proc/{entry}/stat").rpartition(b")")[2].split()[1]) == pid:
                return int(entry)
    return None


def alone_in_a_chroot():
    around = ("unshare", "--fork", "--pid", "--mount", "--kill-child")
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return skip("chroot: needs root and unshare (package util-linux)")
    if subprocess.run([*around, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        return skip("chroot: unshare is not allowed here")
    if not is_static(BIN):
        return skip("chroot: the server is linked dynamically")
    jail = folder()
    shutil.copy(BIN, f"{jail}/jwtd")
    os.mkdir(f"{jail}/state")
    script = ('mount --bind "$0" "$0" && mount --bind "$0/state" "$0/state" && mount -o remount,bind,ro "$0" && '
              'exec chroot "$0" /jwtd "$@"')
    how = dict(around=around, command=["sh", "-c", script, jail], env={"STATE_DIRECTORY": "/state"}, secret=None)
    server = Server(jail, **how)
    check(server.url, f"chroot: starts with nothing but itself and a state directory: {server.lines}")
    if server.url:
        same(ask(server, post("/register", "Romel")).status, 201, "chroot: register")
        check(can_log_in(server, "Romel"), "chroot: log in")
        same(sorted(os.listdir(f"{jail}/state")), ["jwtd.secret", "users.jsonl"], "chroot: its files")
        pid = child_of(server.pid)
        check(re.search(rb"NSpid:.*\t1\n", read(f"/proc/{pid}/status")), "chroot: it is process 1")
        os.kill(pid, signal.SIGTERM)
        same(server.ended(), 0, "chroot: SIGTERM ends process 1 too")
    server = Server(jail, "--users", "/users.jsonl", **how)
    same((server.fate(), os.path.exists(f"{jail}/users.jsonl")), (1, False),
         "chroot: the rest is read-only")
    server.kill()


# ---- (l) no descriptors, (n) no room -----------------------------------------------

def cpu_seconds(pid):
    fields = read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def no_descriptors():
    server = Server(folder(), "--loops=1", around=("sh", "-c", 'ulimit -n 64 && exec "$@"', "sh"))
    first = Client(server)
    same(first.ask(get()).status, 400, "no descriptors: before")
    idle = [Client(server) for _ in range(100)]
    same({client.ask(get()).status for client in idle}, {400}, "no descriptors: who is idle makes room for the next")
    check(first.is_closed(), "no descriptors: the idlest first")
    crowd = [Client(server).send(get()[:20]) for _ in range(200)]
    while not idle[-1].is_closed():
        pass
    before = cpu_seconds(server.pid)
    ended, _, _ = select.select([client.socket for client in crowd], [], [], 2)  # nobody's time is over yet
    used = cpu_seconds(server.pid) - before
    check(used < 0.2, f"no descriptors: it does not spin: {used:.2f} s of CPU time in 2 s")
    same((len(ended), server.process.poll()), (0, None), "no descriptors: nobody is thrown out, it lives")
    for client in crowd:
        client.close()
    same(ask(server, get()).status, 400, "no descriptors: serves again when they are gone")
    server.stop("no descriptors")


def full_but_nobody_waits():
    """With the last descriptor in use nobody is thrown out, and it listens on, until somebody waits for one."""
    server = Server(folder(), "--loops=1", around=("sh", "-c", 'ulimit -n 64 && exec "$@"', "sh"))
    clients = [Client(server)]
    same(clients[0].ask(get()).status, 400, "full: before")
    free = 64 - len(os.listdir(f"/proc/{server.pid}/fd"))
    clients += [Client(server) for _ in range(free)]
    same({client.ask(get()).status for client in clients[1:]}, {400}, "full: who takes the last descriptor is served")
    same(len(os.listdir(f"/proc/{server.pid}/fd")), 64, "full: descriptors in use")
    for client in clients:  # those that were closed say so by an EOFError
        same(client.ask(get()).status, 400, "full: nobody was thrown out for nobody")
    same(ask(server, get()).status, 400, "full: the next one gets a place")
    server.stop("full")


def no_room():
    """A limit on the file's size stands for a full disk; SIGXFSZ must not kill."""
    server = Server(folder())
    same(ask(server, post("/register", "ann")).status, 201, "no room: before")
    size, before = os.stat(server.users).st_size, read(server.users)
    _, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    for room in (0, 1, 100, size - 1):
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size + room, hard))
        answer = ask(server, post("/register", "bob"))
        same((answer.status, "error" in answer.json()), (503, True), f"no room, {room} bytes")
        same(read(server.users), before, f"no room, {room} bytes: the file")
        same(ask(server, post("/login", "bob")).status, 404, f"no room, {room} bytes: not registered")
        check(can_log_in(server, "ann"), f"no room, {room} bytes: earlier accounts go on")
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (hard, hard))
    same(ask(server, post("/register", "bob")).status, 201, "no room: room again")
    same(accounts(server.users, "no room"), ["ann", "bob"], "no room: the file")
    server.stop("no room")


# ---- (m) no standard descriptors -----------------------------------------------------

def connect_when_there(path):
    """Where nobody can say that it is ready."""
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(path) == 0:
                return True
        select.select([], [], [], 0.01)
    return False


def no_standard_descriptors():
    for closed in ("<&- >&- 2>&-", "2>&-", "<&- 2>&-", "<&-", ">&- 2>&-"):
        directory = folder()
        lines = ROMEL + '\n{"username":"bad","password":"md5$a$b"}\n'
        path, users = f"{directory}/socket", write(f"{directory}/users.jsonl", lines + '{"username":"torn')
        server = Server(directory, listen=f"unix:{path}", around=("sh", "-c", f'exec "$@" {closed}', "sh"))
        server.url = server.url or f"unix:{path}"
        check(connect_when_there(path), f"{closed}: starts")
        same(ask(server, post("/login", "bad")).status, 500, f"{closed}: an answer that is also said on standard error")
        same(ask(server, post("/register", "new")).status, 201, f"{closed}: register")
        expected = lines + '{"username":"new","password":"scrypt:'
        check(read(users).startswith(expected.encode()), f"{closed}: the users file")
        same(read(users).count(b"\n"), 3, f"{closed}: lines in the users file")
        server.stop(closed)


# ---- under attack --------------------------------------------------------------------

def throttled():
    """Ten failures for an account from an address; X-Forwarded-For counts only from a trusted proxy."""
    server = Server(folder(), "--trusted-proxy", "127.0.0.0/8", cost=TINY)
    same(ask(server, post("/register", "Romel")).status, 201, "throttle: register")

    def log_in(address, name="Romel", password="wrong"):
        return ask(server, post("/login", name, password, f"X-Forwarded-For: {address}"))

    for _ in range(10):
        same(log_in("203.0.113.5").status, 401, "throttle: one of ten failures")
    refused = log_in("203.0.113.5")
    same((refused.status, refused.json()), (429, {"error": "Too many failed logins, try again later"}), "throttle")
    check(1 <= int(refused.fields.get("retry-after", "0")) <= 6, "throttle: Retry-After")
    same(log_in("203.0.113.5", password="pass1425").status, 429, "throttle: the right password does not help there")
    same(log_in("198.51.100.1, 203.0.113.5").status, 429, "throttle: nor an address put in front")
    same(log_in("198.51.100.1", password="pass1425").status, 200, "throttle: the owner elsewhere is not locked out")
    same(log_in("203.0.113.5", "nobody").status, 404, "throttle: another account has its own count")
    same(log_in("203.0.113.9", "a\" login refused: \u2028 x").status, 404, "throttle: a name that would forge a line")
    server.stop("throttle")
    same(len([line for line in server.lines if "203.0.113.5 login refused: wrong password: \"Romel\"" in line]), 10,
         "throttle: a line for each failure")
    check(server.lines[-1].rstrip().endswith('203.0.113.9 login refused: unknown user: "a\\" login refused: '
                                             '\\u2028 x"'), f"throttle: is escaped: {server.lines[-1]!r}")
    untrusting = Server(folder(), cost=TINY)
    check(any("--trusted-proxy" in line for line in untrusting.lines), "throttle: says that loopback is nobody")
    ask(untrusting, post("/register", "Romel"))
    statuses = [ask(untrusting, post("/login", "Romel", "wrong", f"X-Forwarded-For: 192.0.2.{n}")).status
                for n in range(12)]
    same(statuses, [401] * 10 + [429] * 2, "throttle: a field from somebody not trusted is not believed")
    with contextlib.closing(Client(untrusting)) as client:
        same({client.ask(post("/login", f"nobody{n}")).status for n in range(120)}, {404},
             "throttle: loopback has no bound for an address")
    untrusting.stop("throttle, untrusting")
    off = Server(folder(), "--throttle", "off", cost=TINY)
    ask(off, post("/register", "Romel"))
    same({ask(off, post("/login", "Romel", "wrong")).status for _ in range(30)}, {401}, "throttle: off")
    off.stop("throttle, off")


@contextlib.contextmanager
def network_of(pid):
    """The network namespace of another process, for the sockets that this thread makes."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/proc/{threading.get_native_id()}/ns/net") as own, open(f"/proc/{pid}/ns/net") as other:
        if libc.setns(other.fileno(), 0) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            libc.setns(own.fileno(), 0)


def address_limit():
    """In a network of its own, where lo has addresses that are not loopback's."""
    around = ("unshare", "--net", "sh", "-c", "ip link set lo up && ip address add 192.0.2.1/32 dev lo && "
              "ip address add 192.0.2.2/32 dev lo && exec \"$@\"", "sh")
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"):
        return skip("address limit: needs root, unshare and ip (packages util-linux, iproute2)")
    if subprocess.run([*around, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        return skip("address limit: unshare is not allowed here")
    server = Server(folder(), "--address-limit", "3", "--trusted-proxy", "192.0.2.2", around=around,
                    listen="0.0.0.0:0")
    port = server.address()[1][1]

    def clients(address, n):
        server.address = lambda: (socket.AF_INET, (address, port))
        return [Client(server) for _ in range(n)]

    def served(clients):
        """How many get an answer; the others are closed at once."""
        n = 0
        for client in clients:
            with contextlib.suppress(EOFError, ConnectionError):
                n += client.ask(get()).status == 400
        return n

    with network_of(server.pid):
        held = clients("192.0.2.1", 5)
        same(served(held), 3, "address limit: three of five")
        same(served(clients("127.0.0.1", 5)), 5, "address limit: loopback has none")
        same(served(clients("192.0.2.2", 5)), 5, "address limit: a trusted proxy has none")
        for client in held:
            client.close()
        for _ in range(100):  # the server sees the ends when it comes to them
            again = clients("192.0.2.1", 3)
            if served(again) == 3:
                break
            for client in again:
                client.close()
        else:
            check(False, "address limit: room again for who has left")
    server.stop("address limit")


def defaults():
    """Without any option it serves on 127.0.0.1:5000, unless somebody else does."""
    environment = {"JWTD_LISTEN": ""}
    server = Server(folder(), env=environment)
    if server.url:
        same(server.url, "http://127.0.0.1:5000", "defaults: where it listens")
        server.stop("defaults")
    else:
        check("can't listen on 127.0.0.1:5000: Address already in use" in server.lines[-1],
              f"defaults: {server.lines}")


def successor():
    """One that starts on a unix socket's path while the one before still drains keeps its socket."""
    directory = folder()
    path = f"{directory}/socket"
    first = Server(directory, listen=f"unix:{path}", cost=TINY)
    slow = Client(first)
    body = json.dumps({"username": "Romel", "password": "pass1425"})
    slow.send(request("POST /register", JSON, f"Content-Length: {len(body)}"))
    slow.send(body[:10].encode())
    ask(first, get())  # by now the half request has arrived, too
    first.tell()
    while os.path.exists(path):
        select.select([], [], [], 0.005)
    second = Server(directory, listen=f"unix:{path}", cost=TINY)
    check(second.url, f"successor: starts: {second.lines}")
    slow.send(body[10:].encode())
    same(slow.answer().status, 201, "successor: the first one's last request is answered")
    same(first.ended(), 0, "successor: the first one ends")
    check(os.path.exists(path), "successor: its socket is still there")
    same(ask(second, post("/login", "Romel")).status, 200, "successor: and answers")
    second.stop("successor")
    check(not os.path.exists(path), "successor: removes its socket")
    elsewhere = folder()
    third = Server(directory, listen=f"unix:{elsewhere}/socket", cost=TINY)
    third.stop("successor, elsewhere")
    check(not os.path.exists(f"{elsewhere}/socket"), "successor: a socket outside the accounts' directory is removed too")


def left_behind():
    """A lock that is held and a line that is half typed stop a writer, not those who log in."""
    server = Server(folder(), cost=TINY)
    ask(server, post("/register", "Romel"))
    whole = read(server.users)
    with open(server.users, "ab", buffering=0) as typing:
        typing.write(b'{"username":"typed","password":"scrypt:16')
        same(ask(server, post("/login", "Romel")).status, 200, "half a line: a log-in")
        typing.write(b':1:1$0123456789abcdef$' + b"0" * 128 + b'"}\n')
    same(ask(server, post("/login", "typed")).status, 401, "half a line: the whole of it is an account")
    same(ask(server, post("/register", "ann")).status, 201, "half a line: and others follow")
    check(read(server.users).startswith(whole), "half a line: nothing is lost")
    server.stop("half a line")


def uniform():
    """An unknown name answers as a wrong password does. (How long each takes: bench/uniform.)"""
    server = Server(folder(), "--uniform-errors", "--throttle", "off", cost=TINY)
    ask(server, post("/register", "Romel"))
    answers = [ask(server, post("/login", name, "wrong")) for name in ("Romel", "nobody")]
    for answer in answers:
        same((answer.status, answer.json(), answer.fields.get("www-authenticate")),
             (401, {"error": "Invalid username or password"}, "Bearer"), "uniform")
    same(answers[0].fields.keys(), answers[1].fields.keys(), "uniform: the same fields")
    same(ask(server, post("/login", "Romel")).status, 200, "uniform: the right password")
    server.stop("uniform")


def cross_origin():
    """--cors: what an allowed origin gets on every answer, what others do not, and nothing without it."""
    app, local = "https://app.example", "http://127.0.0.1:8080"
    requests = (  # what, whose status, the request's first line, fields and body
        ("preflight", 200, "OPTIONS /get-jwt", ["Access-Control-Request-Method: GET",
                                                "Access-Control-Request-Headers: authorization"], b""),
        ("preflight", 200, "OPTIONS /login", ["Access-Control-Request-Method: POST"], b""),
        ("preflight of no path", 404, "OPTIONS /nowhere", ["Access-Control-Request-Method: GET"], b""),
        ("no token", 400, "GET /get-jwt", [], b""),
        ("a bad token", 401, "GET /get-jwt", ["Authorization: Bearer x"], b""),
        ("HEAD", 400, "HEAD /get-jwt", [], b""),
        ("no path", 404, "GET /nowhere", [], b""),
        ("another method", 405, "GET /login", [], b""),
        ("no media type", 415, "POST /login", ["Content-Length: 2"], b"{}"),
        ("a worker's answer", 404, "POST /login", [JSON, "Content-Length: 34"],
         b'{"username":"x","password":"1234"}'),
        ("no JSON", 400, "POST /register", [JSON, "Content-Length: 1"], b"{"),
        ("HTTP/1.0", 400, "GET /get-jwt HTTP/1.0", [], b""),
        ("malformed", 400, "GET /get-jwt", ["a b: c"], b""),
        ("too large", 413, "POST /login", [JSON, "Content-Length: 16385"], b""),
        ("unknown coding", 501, "POST /login", [JSON, "Transfer-Encoding: gzip"], b""),
        ("a bad chunk", 400, "POST /login", [JSON, "Transfer-Encoding: chunked"], b"x\r\n"),
    )
    allowed = {"vary": "Origin", "access-control-expose-headers": "Retry-After, WWW-Authenticate"}
    preflight = {"access-control-allow-headers": "Authorization, Content-Type", "access-control-max-age": "7200"}
    listed, anybody, nobody = (
        Server(folder(), "--throttle", "off", *options, env=env, cost=TINY) for options, env in (
            (("--cors", local), {"JWTD_CORS": f"https://other.example,{app}"}), (("--cors=*",), {}), ((), {})))

    def fields_of(server, origin, line, fields, body):
        with contextlib.closing(Client(server)) as client:
            origins = [f"Origin: {origin}"] if origin else []
            answer = client.send(request(line, *origins, *fields, body=body)).answer(head=line.startswith("HEAD"))
        return answer.status, {k: v for k, v in answer.fields.items() if k not in ("date", "content-length")}

    for what, status, *data in requests:
        plain = fields_of(nobody, None, *data)
        same(plain[0], status, f"cross origin, {what}: status")
        same(fields_of(nobody, app, *data), plain, f"cross origin, {what}: without --cors")
        more = {**preflight, "access-control-allow-methods": plain[1]["allow"]} if status == 200 else {}
        for server, origin, told in ((listed, app, app), (listed, local, local), (anybody, app, "*"),
                                     (anybody, "null", "*")):
            same(fields_of(server, origin, *data),
                 (status, {**plain[1], **allowed, **more, "access-control-allow-origin": told}),
                 f"cross origin, {what}: {origin} where {told} is allowed")
        for origin in (None, "null", "https://app.example.evil", "https://app.exampl", "http://app.example",
                       "https://app.example:8443", "https://APP.example", "*", f"{app},{local}", ""):
            same(fields_of(listed, origin, *data), (status, {**plain[1], "vary": "Origin"}),
                 f"cross origin, {what}: {origin} where it is not allowed")
    client = Client(listed)
    client.send(post("/register", "Romel", "pass1425", f"Origin: {app}") + get(None, f"Origin: {local}") + get())
    same([client.answer().fields.get("access-control-allow-origin") for _ in range(3)], [app, local, None],
         "cross origin: each of three at once its own")
    for server in (listed, anybody, nobody):
        server.stop("cross origin")


def locked_in():
    """What the kernel says of a running server."""
    server = Server(folder(), cost=TINY)
    sanitized = "no sandbox" in subprocess.run([BIN, "--version"], stdout=subprocess.PIPE, text=True).stdout
    missing = [line for line in server.lines if "sandbox:" in line]
    if missing or sanitized:
        skip(f"locked in: {missing or 'a build with sanitizers'}", not sanitized)
    else:
        status = dict(line.split(":\t", 1) for line in read(f"/proc/{server.pid}/status").decode().splitlines()
                      if ":\t" in line)
        same((status["Seccomp"], status["NoNewPrivs"]), ("2", "1"), "locked in: Seccomp and NoNewPrivs")
        same(read(f"/proc/{server.pid}/limits").decode().split("Max core file size")[1].split()[0], "0",
             "locked in: no core dump")
        check(int(status["VmLck"].split()[0]) > 0, "locked in: the key is locked in memory")
    server.stop("locked in")
    if os.geteuid() != 0:
        return skip("another user: not root", False)
    directory = folder()
    os.chmod(top, 0o711)
    os.chown(directory, 12345, 12345)
    server = Server(directory, "--user", "12345:12345", cost=TINY)
    status = read(f"/proc/{server.pid}/status").decode()
    check("\nUid:\t12345\t12345\t12345\t12345\n" in status and "\nGroups:\t \n" in status, "another user: for good")
    check("\nCapEff:\t0000000000000000\n" in status, "another user: no capabilities")
    same(ask(server, post("/register", "Romel")).status, 201, "another user: stores accounts")
    server.stop("another user")
    for user in ("root", "0", "0:0", "no-such-user", "12345:0"):
        same(Server(folder(), "--user", user).fate(), 1, f"another user: {user} is refused")


# ---- memory (by name only, for its limits are those of musl: memory.sh) ------------------

BOXES = (  # README, Memory: what fits where (MiB), with how many descriptors
    (32, 1, 1, "scrypt:8192:8:1", 64),
    (64, 1, 1, DEFAULT, 100),
    (64, 2, 1, "pbkdf2:sha256:600000", 300),
    (256, 4, 4, DEFAULT, 400),
)


def most_kib(loops, workers, cost, descriptors, accounts):
    """README's formula."""
    method, *numbers = cost.split(":")
    N, r, p = map(int, numbers) if method == "scrypt" else (0, 0, 0)
    return 2560 + 700 * loops + (2300 + 128 * r * (N + p) // 1024) * workers + 150 * descriptors + accounts // 32


def status_kib(pid, name):
    return int(re.search(rf"{name}:\s+(\d+)", read(f"/proc/{pid}/status").decode())[1])


def stuff(server, clients, data):
    """Fills both directions of each connection while the server is stopped, so that it then reads as much as it can at
    once and is not rid of its answers; some of which are read, so that it does so again."""
    for _ in range(3):
        server.tell(signal.SIGSTOP)
        os.waitid(os.P_PID, server.pid, os.WSTOPPED | os.WNOWAIT)
        for client in clients:
            client.socket.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.socket.recv(1 << 17)
            with contextlib.suppress(BlockingIOError):
                while True:
                    client.socket.send(data)
        server.tell(signal.SIGCONT)
        used = -1
        while used != (used := cpu_seconds(server.pid)):
            select.select([], [], [], 0.1)


def memory():
    """The address space is limited to what README's formula says, and every descriptor is taken: by clients that read
    no answer, by half requests, by log-ins. Nothing lacks memory."""
    for box, loops, workers, cost, descriptors in BOXES:
        what, limit = f"memory, {box} MB", most_kib(loops, workers, cost, descriptors, 2)
        check(limit <= box * 1000, f"{what}: {limit} KiB are at most that")
        server = Server(folder(), "--loops", str(loops), "--workers", str(workers), "--throttle", "off", cost=cost,
                        around=("sh", "-c", f'ulimit -v {limit} && ulimit -n {descriptors} && exec "$@"', "sh"))
        same(ask(server, post("/register", "Romel")).status, 201, f"{what}: register")
        verifier, token = Client(server), make_token("Romel")
        same(verifier.ask(get(token)).status, 200, f"{what}: before")
        free = descriptors - len(os.listdir(f"/proc/{server.pid}/fd")) - 1  # the last one is for who comes next
        crowd = [Client(server) for _ in range(free // 4)]
        half = [Client(server) for _ in range(free // 8)]
        deaf = [Client(server) for _ in range(free - free // 4 - free // 8)]
        stuff(server, deaf, request("GET /") * 100)
        fields = [f"X{i}: {'x' * 8000}" for i in range(4)]
        for client in half:
            client.send(request("POST /login?" + "x" * 8000, JSON, "Content-Length: 16384", *fields, body=b"x" * 16383))
        big = request("POST /login", JSON, "Content-Length: 16384")
        bodies = [json.dumps({"username": "Romel", "password": p, "pad": ""}) for p in ("pass1425", "wrong")]
        bodies = [(body[:-2] + "x" * (16384 - len(body)) + body[-2:]).encode() for body in bodies]
        for i, client in enumerate(crowd):
            client.send((big + bodies[i % 2]) * 2)
        answers = []
        for client in crowd:
            answers.append(client.answer())
            same(verifier.ask(get(token)).status, 200, f"{what}: get-jwt meanwhile")
        seen = {answer.status for answer in answers}
        check({200, 401} <= seen <= {200, 401, 503}, f"{what}: log-ins are answered {seen}")
        same({answer.json()["error"] for answer in answers if answer.status == 503} - {BUSY}, set(), f"{what}: 503")
        peak, resident = status_kib(server.pid, "VmPeak"), status_kib(server.pid, "VmHWM")
        print(f"{what}: {loops} loops, {workers} workers, {cost}, {descriptors} descriptors: at most {limit} KiB, "
              f"seen {peak} KiB, {resident} KiB resident", flush=True)
        check(peak > limit / 3, f"{what}: a third of the formula would do: {peak} of {limit} KiB")
        for client in deaf + half + crowd:
            client.reset()
        end_of_wait = time.monotonic() + WAIT
        while ask(server, post("/login", "Romel")).status == 503 and time.monotonic() < end_of_wait:
            pass  # the queue is still full of log-ins whose clients have left
        check(can_log_in(server, "Romel"), f"{what}: afterwards")
        server.stop(what)


COMPACT_SECONDS = 100  # for 1.6 million lines, where others have the machine


def compacted():
    """A file of which half counts no more, at the formula's limit: there is memory for one index, not for two."""
    many, descriptors, cost = 800000, 20, "pbkdf2:sha256:600000"
    directory = folder()
    lines = "".join(f'{{"username":"{i}","password":"pbkdf2:sha256:1$a${0:064}"}}\n' for i in range(many))
    write(f"{directory}/users.jsonl", lines * 2 + lines[:lines.index("\n") + 1])  # more than half
    limit = most_kib(1, 1, cost, descriptors, many)
    server = Server(directory, "--loops", "1", "--workers", "1", cost=cost, wait=COMPACT_SECONDS,
                    around=("sh", "-c", f'ulimit -v {limit} && ulimit -n {descriptors} && exec "$@"', "sh"))
    check(server.url is not None, f"compacted: it starts with {limit} KiB: {server.lines}")
    same(len(read(server.users)), len(lines), "compacted: the file")
    server.stop("compacted")


def no_memory():
    """None for a hash, then none for anything: 503 or the end of a connection, and it goes on."""
    directory = folder()
    write(f"{directory}/users.jsonl", ROMEL + "\n")
    server = Server(directory, cost=DEFAULT)
    idle, token = Client(server), make_token("Romel")
    idle.ask(get(token))
    for room in (1 << 20, 0):
        resource.prlimit(server.pid, resource.RLIMIT_AS, (1024 * status_kib(server.pid, "VmSize") + room, -1))
        if room:
            same(ask(server, post("/login", "Romel")).status, 503, "no memory: log in")
            same(ask(server, post("/register", "ann")).status, 503, "no memory: register")
        half = [Client(server).send(request("POST /login", JSON, "Content-Length: 16384", body=b"x" * 16000))
                for _ in range(100)]
        same(idle.ask(get(token)).status, 200, "no memory: get-jwt, kept alive")
        with contextlib.suppress(OSError, EOFError):  # where the table of connections is full, it can't grow
            same(ask(server, get(token)).status, 200, "no memory: get-jwt, a new connection")
        for client in half:
            client.reset()
        status, end_of_wait = None, time.monotonic() + WAIT
        while status is None and time.monotonic() < end_of_wait:  # until the server has seen that they left
            with contextlib.suppress(OSError, EOFError):
                status = ask(server, get(token)).status
        same(status, 200, "no memory: get-jwt, a new connection in the place of one that left")
    resource.prlimit(server.pid, resource.RLIMIT_AS, (-1, -1))
    check(can_log_in(server, "Romel"), "no memory: memory again")
    same(read(server.users), (ROMEL + "\n").encode(), "no memory: the file")
    server.stop("no memory")

# ---- under a service manager ---------------------------------------------------------

# sd_listen_fds(3): the socket becomes descriptor 3, and LISTEN_PID the process that becomes the server
GIVE = ("import os, sys; fd = int(sys.argv[1]); os.dup2(fd, 3); fd == 3 or os.close(fd); "
        "os.environ.setdefault('LISTEN_PID', str(os.getpid())); os.execv(sys.argv[2], sys.argv[2:])")


def given(directory, fd, *options, env=None, **how):
    """A server with a descriptor of the service manager's."""
    env = {"LISTEN_FDS": "1", **(env or {})}
    return Server(directory, *options, env=env, around=(sys.executable, "-c", GIVE, str(fd)), pass_fds=(fd,), **how)


def listening(address, family=socket.AF_INET):
    s = socket.socket(family)
    s.bind(address)
    s.listen(128)
    return s


def manager(name):
    """The socket on which it hears READY=1 and STOPPING=1."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.settimeout(WAIT)
    s.bind(name)
    return s


def inherited():
    directory = folder()
    path, told, abstract = f"{directory}/socket", f"{directory}/notify", f"jwtd-life-{os.getpid()}"
    tcp = listening(("127.0.0.1", 0))
    port = tcp.getsockname()[1]
    rows = [(tcp, f"http://127.0.0.1:{port}", told, told),
            (listening(path, socket.AF_UNIX), f"unix:{path}", f"\0{abstract}", f"@{abstract}"),
            (listening(f"\0{abstract}-2", socket.AF_UNIX), f"unix:@{abstract}-2", f"\0{abstract}-3", f"@{abstract}-3")]
    if socket.has_ipv6:
        with contextlib.suppress(OSError):  # a machine without IPv6
            six = listening(("::1", 0), socket.AF_INET6)
            rows.append((six, f"http://[0000:0000:0000:0000:0000:0000:0000:0001]:{six.getsockname()[1]}", told + "6",
                         told + "6"))
    for listener, url, name, environment in rows:
        heard = manager(name)
        server = given(directory, listener.fileno(), cost=TINY, env={"NOTIFY_SOCKET": environment})
        same(server.url, url, f"inherited: it takes the socket that it was given: {server.lines}")
        same(heard.recv(100), b"READY=1", f"inherited, {url}: once it serves")
        check(not os.get_blocking(listener.fileno()), f"inherited, {url}: is not waited on")
        if "@" in url:
            server.address = lambda: (socket.AF_UNIX, f"\0{abstract}-2")
        same(ask(server, get()).status, 400, f"inherited, {url}: answers")
        server.tell()
        same(heard.recv(100), b"STOPPING=1", f"inherited, {url}: at SIGTERM")
        same(server.ended(), 0, f"inherited, {url}: ends")
        heard.close()
    check(os.path.exists(path), "inherited: a unix socket's file is the manager's and stays")
    server = given(directory, tcp.fileno(), cost=TINY, env={"LISTEN_PID": "1"})
    check(server.url not in (None, rows[0][1]), f"inherited: a socket for another process is left alone: {server.url}")
    server.stop("inherited, LISTEN_PID")
    server = Server(directory, cost=TINY, env={"NOTIFY_SOCKET": f"{directory}/nobody"})
    check(server.url and any("NOTIFY_SOCKET" in line for line in server.lines), f"inherited: a manager that is not there: {server.lines}")
    server.stop("inherited, no manager")


def not_inherited():
    """What a manager can give that is of no use: one line that says so."""
    directory = folder()
    tcp, unbound, datagrams = listening(("127.0.0.1", 0)), socket.socket(), manager(f"{directory}/datagrams")
    with open("/dev/null", "rb") as null:
        for what, fd, count in (("a file", null.fileno(), "1"), ("a socket that does not listen", unbound.fileno(), "1"),
                                ("datagrams", datagrams.fileno(), "1"), ("two", tcp.fileno(), "2"),
                                ("none", tcp.fileno(), "0"), ("no number", tcp.fileno(), "one")):
            server = given(directory, fd, cost=DEFAULT, env={"LISTEN_FDS": count})
            same(server.fate(), 1, f"not inherited: {what}")
            check(len(server.lines) == 1 and "LISTEN_FDS" in server.lines[0], f"not inherited: {what}: {server.lines}")
    everybody = listening(("0.0.0.0", 0))
    server = given(directory, everybody.fileno(), secret="secret")
    same(server.fate(), 1, "not inherited: a key that everybody knows, where others reach it")


def upgrade():
    """A new process on the same socket while the old one drains: whoever connects meanwhile is answered."""
    directory = folder()
    listener = listening(("127.0.0.1", 0))
    old = given(directory, listener.fileno(), cost=TINY)
    seen, enough = {}, threading.Event()

    def connect():
        while not enough.is_set():
            try:
                status = ask(old, get()).status
            except (OSError, EOFError) as error:
                status = repr(error)
            with common.lock:
                seen[status] = seen.get(status, 0) + 1

    def wait_for_more():
        until, end = sum(seen.values()) + 200, time.monotonic() + WAIT
        while sum(seen.values()) < until and time.monotonic() < end:
            select.select([], [], [], 0.005)

    clients = [threading.Thread(target=connect, daemon=True) for _ in range(4)]
    for client in clients:
        client.start()
    wait_for_more()
    for _ in range(5):
        new = given(directory, listener.fileno(), cost=TINY)
        old.stop("upgrade")
        wait_for_more()
        old, before = new, old
        old.url = before.url
    enough.set()
    for client in clients:
        client.join(WAIT)
    same(list(seen), [400], f"upgrade: nobody is refused: {seen}")
    old.stop("upgrade, the last")


# ---- a long time (by name only: soak.sh) ------------------------------------------------

SOAK_SECONDS = int(os.environ.get("SECONDS", "600"))
SOAK_CLIENTS = 8
SOAK_GROWTH_KIB = 512  # of resident memory, beside 32 bytes for each new account


class Soaker(threading.Thread):
    """Asks one thing after the other, at random but the same each time, and counts the answers."""

    def __init__(self, server, number, until):
        super().__init__(daemon=True)
        self.server, self.number, self.until, self.random = server, number, until, random.Random(number)
        self.client, self.names, self.answers, self.wrong = Client(server), [], 0, []

    def name(self):
        return f"{self.number} {len(self.names)}"

    def register(self):
        self.expect(post("/register", self.name()), {201})
        self.names.append(self.name())

    def expect(self, data, statuses):
        answer = self.client.ask(data)
        self.answers += 1
        if answer.status not in statuses:
            self.wrong.append((data[:60], answer.status))
        return answer

    def fresh(self):
        self.client.close()
        self.client = Client(self.server)

    def refused(self, data, status):
        self.expect(data, {status})
        check(self.client.is_closed(), "soak: closed behind what is no request")
        self.fresh()

    def left(self):
        self.client.send(self.random.choice((get()[:-2], post("/login", self.names[1])[:-5], post("/login", "nobody"))))
        self.client.reset()
        self.fresh()

    def run(self):
        try:
            self.register()  # of this one the password is guessed
            self.register()
            token = make_token("Romel")
            acts = (
                (4, self.register),
                (2, lambda: self.expect(post("/register", self.random.choice(self.names)), {400})),
                (4, lambda: self.expect(post("/login", self.random.choice(self.names[1:])), {200})),
                (1, lambda: self.expect(post("/login", self.names[0], "wrong"), {401, 429})),
                (1, lambda: self.expect(post("/login", "nobody"), {404, 429})),
                (9, lambda: self.expect(get(token), {200})),
                (3, lambda: self.expect(get(token[:-1] + ("A" if token[-1] != "A" else "Q")), {401})),
                (2, lambda: self.expect(request("POST /login", JSON, "Content-Length: 2", body=b"{,"), {400})),
                (2, lambda: self.expect(request("GET /" + "x" * 5000), {404})),
                (1, lambda: self.refused(b"nonsense\r\n\r\n", 400)),
                (1, lambda: self.refused(get("x" * 40000), 431)),
                (1, lambda: self.refused(request("POST /login", JSON, "Content-Length: 99999"), 413)),
                (1, self.left),
                (1, self.fresh),
            )
            while time.monotonic() < self.until:
                self.random.choices([act for _, act in acts], [weight for weight, _ in acts])[0]()
        except Exception:
            self.wrong.append((self.name(), traceback.format_exc()))
        self.client.close()


def soak():
    """Registrations, log-ins, verifications and bad input for ten minutes: no wrong answer, no more memory and no more
    descriptors in the last minute than in the first."""
    server = Server(folder(), cost=CHEAP)

    def descriptors():
        return len(os.listdir(f"/proc/{server.pid}/fd"))

    idle, start = descriptors(), time.monotonic()
    clients = [Soaker(server, number, start + SOAK_SECONDS) for number in range(SOAK_CLIENTS)]
    for client in clients:
        client.start()
    samples, part = [], min(60, SOAK_SECONDS / 3)
    while any(client.is_alive() for client in clients):
        clients[0].join(1)
        samples.append((time.monotonic() - start, status_kib(server.pid, "VmRSS"), descriptors(),
                        sum(len(client.names) for client in clients)))
        if len(samples) % 60 == 0:
            print("soak: {:.0f} s, {} KiB resident, {} descriptors, {} accounts".format(*samples[-1]), flush=True)
    first = [sample for sample in samples if part / 2 < sample[0] < part * 3 / 2]
    last = [sample for sample in samples if SOAK_SECONDS - part < sample[0] < SOAK_SECONDS]
    (memory1, most1), (memory2, most2) = ((max(s[1] for s in some), max(s[2] for s in some)) for some in (first, last))
    accounts_more = last[-1][3] - first[-1][3]
    wrong = [what for client in clients for what in client.wrong]
    print(f"soak: {sum(client.answers for client in clients)} answers in {SOAK_SECONDS} s, {len(wrong)} wrong; resident "
          f"{memory1} KiB, then {memory2} KiB with {accounts_more} accounts more; {most1} descriptors, then {most2}",
          flush=True)
    same(wrong[:5], [], "soak: wrong answers")
    check(memory2 - memory1 <= SOAK_GROWTH_KIB + accounts_more // 32, f"soak: memory grows: {memory1}, {memory2} KiB")
    check(most2 <= most1 + SOAK_CLIENTS, f"soak: descriptors grow: {most1}, {most2}")
    end_of_wait = time.monotonic() + WAIT
    while descriptors() != idle and time.monotonic() < end_of_wait:
        select.select([], [], [], 0.05)
    same(descriptors(), idle, "soak: descriptors when all have gone")
    same(len(accounts(server.users, "soak")), sum(len(client.names) for client in clients), "soak: accounts in the file")
    server.stop("soak")


# ---- all of it ------------------------------------------------------------------------

waiting = [slow_fields, slow_body, stop_with_half_a_request, stop_silent, stop_while_locked]  # for a deadline; all the others run meanwhile
by_name = [memory, compacted, no_memory, soak]
parts = [restart, kill_in_the_middle, stop_in_flight, stop_unread, one_name, first_of_many, full_queue,
         left_while_hashing, lingering, lingering_behind_a_worker, one_connection, unix_socket, ipv6, usage_errors,
         help_and_version, cannot_start, secrets, alone_in_a_chroot, no_descriptors, full_but_nobody_waits, no_room,
         no_standard_descriptors, throttled, address_limit, uniform, cross_origin, locked_in, defaults, successor,
         left_behind, inherited, not_inherited, upgrade]


def main():
    names = sys.argv[2:]
    more = {"compacted": COMPACT_SECONDS, "soak": SOAK_SECONDS}
    watch(ALL_SECONDS + sum(more.get(name, 0) for name in names))
    picked = chosen(waiting + parts + (by_name if names else []), names)
    threads = [threading.Thread(target=attempt, args=(part,), daemon=True) for part in picked if part in waiting]
    for thread in threads:
        thread.start()
    for part in picked:
        if part not in waiting:
            attempt(part)
    for thread in threads:
        thread.join(ALL_SECONDS)
    finish()


main()
