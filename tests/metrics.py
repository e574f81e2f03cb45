"""metrics.py BINARY [PART...] - how a server says how it is: /healthz and jwtd healthcheck, /metrics, the access log.

Requests by curl, and by hand where curl would not send them; the text of /metrics is read by promtool. Nothing sleeps
for a fixed time and nothing waits for ever. A PART is the name of a function in `parts`; without one all are run."""
import contextlib
import fcntl
import json
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import common
from common import check, make_token, need, run_parts, same, scratch, start, until

BIN = sys.argv[1]
WAIT = 20  # for any one thing that must come
ALL_SECONDS = 170
KEY = "the key of metrics.py, which is long enough"
CHEAP, DEFAULT = "scrypt:1024:8:1", "scrypt:32768:8:1"
ENV = {"TSAN_OPTIONS": "report_thread_leaks=0", **common.ENV}

top = scratch()


class Server:
    """Runs BINARY until it is ready. `stdout` is what Popen takes."""

    def __init__(self, *options, listen="127.0.0.1:0", cost=CHEAP, stdout=subprocess.DEVNULL, **how):
        self.directory = tempfile.mkdtemp(dir=top)
        self.env = {**ENV, "STATE_DIRECTORY": self.directory, "JWTD_LISTEN": listen, "JWTD_HASH": cost,
                    "JWTD_SECRET": KEY}
        self.process = start(BIN, *options, env=self.env, cwd=top, stdout=stdout, stderr=subprocess.PIPE, **how)
        self.lines = []
        while (line := self.process.stderr.readline().decode()) and " ready on " not in line:
            self.lines.append(line)
        if not line:
            raise RuntimeError(f"it does not start: {self.lines}")
        self.url = line.split(" ready on ")[1].strip()
        self.reader = threading.Thread(target=lambda: self.lines.extend(x.decode() for x in self.process.stderr),
                                       daemon=True)
        self.reader.start()

    def connect(self):
        if self.url.startswith("unix:"):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(WAIT)
            s.connect(self.url[5:])
            return s
        host, port = self.url[7:].rsplit(":", 1)
        return socket.create_connection((host.strip("[]"), int(port)), timeout=WAIT)

    def send(self, data):
        """Sends it on a connection of its own, and gives all that comes back."""
        with self.connect() as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: s.recv(65536), b""))

    def curl(self, path, *arguments):
        done = subprocess.run(["curl", "-qsS", "--max-time", "20", "--noproxy", "*", "-w", "\n%{http_code}",
                               "--path-as-is", *arguments, self.url + path], stdout=subprocess.PIPE, check=True)
        body, status = done.stdout.decode().rsplit("\n", 1)
        return int(status), body

    def post(self, path, name, password="pass1425"):
        return self.curl(path, "-H", "Content-Type: application/json", "-d",
                         json.dumps({"username": name, "password": password}))

    def metrics(self):
        status, self.text = self.curl("/metrics")
        same(status, 200, "/metrics")
        return {series: float(value) for series, value in
                (line.rsplit(" ", 1) for line in self.text.splitlines() if not line.startswith("#"))}

    def stop(self, what):
        os.kill(self.process.pid, signal.SIGTERM)
        same(self.process.wait(WAIT), 0, f"{what}: exit status; it said {self.lines}")
        self.reader.join(WAIT)


def token_of(name, exp=4102444800):
    return make_token(KEY, {"sub": name, "exp": exp}, {"alg": "HS256"})


# ---- /metrics ------------------------------------------------------------------

JSON = ("-H", "Content-Type: application/json", "-d")
OVERLONG = "x" * 9000


def requests_of(path, code):
    return f'jwtd_http_requests_total{{route="{path}",code="{code}"}}'


def logins(outcome):
    return f'jwtd_logins_total{{outcome="{outcome}"}}'


def tokens(result):
    return f'jwtd_tokens_verified_total{{result="{result}"}}'


def body(name, password="pass1425"):
    return json.dumps({"username": name, "password": password})


def changes(password):
    return json.dumps({"username": "Romel", "password": password, "new_password": "pass1425"})


HASHES = "jwtd_hash_seconds_count"
# what curl asks, and what each number grows by beside that of the answer
ASKED = [
    ("/register", 201, [*JSON, body("Romel")], {HASHES: 1, "jwtd_accounts": 1}),
    ("/register", 400, [*JSON, body("Romel")], {}),
    ("/register", 415, ["-d", body("Romel")], {}),
    ("/register", 405, [], {}),
    ("/login", 200, [*JSON, body("Romel")], {HASHES: 1, logins("ok"): 1}),
    ("/login", 401, [*JSON, body("Romel", "wrong")], {HASHES: 1, logins("wrong_password"): 1}),
    ("/login", 404, [*JSON, body("stranger")], {logins("unknown_user"): 1}),
    ("/login", 400, [*JSON, "{}"], {}),
    ("/login", 200, ["-X", "OPTIONS"], {}),
    ("/", 200, [], {}),
    ("/set-jwt", 200, [*JSON, body("Romel")], {HASHES: 1, logins("ok"): 1}),
    ("/get-jwt", 200, ["-H", f"Authorization: Bearer {token_of('Romel')}"], {tokens("valid"): 1}),
    ("/get-jwt", 200, ["-I", "-H", f"Authorization: Bearer {token_of('Romel')}"], {tokens("valid"): 1}),
    ("/get-jwt", 401, ["-H", f"Authorization: Bearer {token_of('Romel', 1)}"], {tokens("expired"): 1}),
    ("/get-jwt", 401, ["-H", "Authorization: Bearer x"], {tokens("invalid"): 1}),
    ("/get-jwt", 400, [], {tokens("missing"): 1}),
    ("/get-jwt", 405, ["-X", "PUT"], {}),
    ("/change-password", 200, [*JSON, changes("pass1425")], {HASHES: 2, logins("ok"): 1}),
    ("/change-password", 401, [*JSON, changes("wrong")], {HASHES: 1, logins("wrong_password"): 1}),
    ("/healthz", 200, [], {}),
    ("/healthz", 405, ["-X", "POST"], {}),
    ("/metrics", 405, ["-X", "POST"], {}),
    ("/nothing", 404, [], {}),
    ("/get-jwt/", 404, [], {}),
    ("/get-jwt", 417, ["-H", "Expect: what"], {}),
    ("/" + OVERLONG, 414, [], {}),
    ("/login?" + OVERLONG, 414, [], {}),
    ("/", 431, ["-H", f"X: {OVERLONG * 4}"], {}),
    ("/login", 413, [*JSON, OVERLONG * 2], {}),
    ("/", 501, [*JSON, "", "-H", "Transfer-Encoding: gzip"], {}),
]
MALFORMED = [(b"GET /nothing HTTP/2.0\r\nHost: a\r\n\r\n", "other", 505), (b"\x16\x03\x01\r\n\r\n", "other", 400),
             (b"GET /get-jwt HTTP/1.1\r\n\r\n", "/get-jwt", 400), (b"GET /get-jwt\"\r\n\r\n", "other", 400)]


def difference(before, after):
    """What has changed but the time that hashing takes; the answer to the first reading is not counted."""
    changed = {k: after[k] - before.get(k, 0) for k in after if after[k] != before.get(k, 0)}
    changed[requests_of("/metrics", 200)] = changed.get(requests_of("/metrics", 200), 0) - 1
    return {k: v for k, v in changed.items() if v and not re.match("jwtd_hash_seconds_(bucket|sum)", k)}


def counts():
    """Each route and status, on each loop, and nothing else moves."""
    server = Server("--loops", "2", "--workers", "2")
    known = {"/register", "/login", "/set-jwt", "/change-password", "/get-jwt", "/healthz", "/metrics", "/"}
    for path, status, arguments, also in ASKED:
        before = server.metrics()
        route = path.split("?")[0] if path.split("?")[0] in known else "other"
        what = f"{path[:20]} {status} {arguments}"[:100]
        same(server.curl(path, *arguments)[0], status, what)
        same(difference(before, server.metrics()), {requests_of(route, status): 1, **also}, what)
    for data, route, status in MALFORMED:
        before = server.metrics()
        check(server.send(data).startswith(b"HTTP/1.1 %d " % status), f"{data}: {status}")
        same(difference(before, server.metrics()), {requests_of(route, status): 1}, data)
    for _ in range(100): # ten wrong passwords in a row, and some more for the time that this takes
        before = server.metrics()
        if server.post("/login", "Romel", "wrong")[0] == 429:
            break
    same(difference(before, server.metrics()), {requests_of("/login", 429): 1, logins("throttled"): 1}, "throttled")
    text_is_right(server)
    server.stop("counts")


def text_is_right(server):
    seen = server.metrics()
    fields = server.curl("/metrics", "-I")[1]
    check(re.search(r"(?m)^Content-Type: text/plain; version=0\.0\.4; charset=utf-8\r$", fields) and
          "Cache-Control: no-store" in fields, f"/metrics: {fields}")
    for name in ("Romel", "stranger", "pass1425"):
        check(name not in server.text, f"/metrics says {name}")
    buckets = [(float(re.search(r'le="([^"]*)"', k)[1].replace("+Inf", "inf")), v) for k, v in seen.items()
               if k.startswith("jwtd_hash_seconds_bucket")]
    check(buckets == sorted(buckets) and [v for _, v in buckets] == sorted(v for _, v in buckets),
          f"buckets in order, and cumulative: {buckets}")
    same(buckets[-1], (float("inf"), seen[HASHES]), "+Inf has them all")
    check(buckets[0][0] == 0.001 and buckets[-2][0] == 10, "from 1 ms to 10 s")
    least = sum((v - below) * lower for (lower, below), (_, v) in zip(buckets, buckets[1:]))
    check(least <= seen["jwtd_hash_seconds_sum"] + 0.001, "the sum is not less than the buckets say")
    check(abs(seen["process_start_time_seconds"] - os.stat(f"/proc/{server.process.pid}").st_ctime) < 60, "its start")
    same(seen["jwtd_hash_queue_capacity"], 128, "room for 64 a worker")
    version = subprocess.run([BIN, "--version"], stdout=subprocess.PIPE, check=True).stdout.decode().strip().split(", ")
    same(seen.get(f'jwtd_build_info{{version="{version[0][5:]}",libc="{version[2]}"}}'), 1, "the build")
    if need("promtool", "prometheus"):
        done = subprocess.run(["promtool", "check", "metrics"], input=server.text.encode(), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=WAIT)
        same((done.returncode, done.stdout), (0, b""), "promtool check metrics")
        done = subprocess.run(["promtool", "check", "metrics"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=WAIT, input=server.text.replace("# HELP jwtd_accounts", "# jwtd_accounts").encode())
        check(done.returncode != 0, "promtool finds a HELP that is missing")


def gauges():
    """What goes up and down: connections, the queue, accounts."""
    server = Server("--loops", "2", "--workers", "1", cost=DEFAULT)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(7)]
        for client in clients:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            client.recv(1000)
        same(server.metrics()["jwtd_connections"], 8, "seven connections and this one")
        for i, client in enumerate(clients):
            text = body(f"name{i}").encode()
            client.sendall(b"POST /register HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d"
                           b"\r\n\r\n%b" % (len(text), text))
        until(lambda: server.metrics()["jwtd_hash_queue_length"] >= 3, "the queue is filled")
        for client in clients:
            check(client.recv(1000).startswith(b"HTTP/1.1 201 "), "registered")
        seen = server.metrics()
        same((seen["jwtd_hash_queue_length"], seen["jwtd_accounts"]), (0, 7), "the queue is empty, the accounts are there")
    until(lambda: server.metrics()["jwtd_connections"] == 1, "the connections are gone")
    with open(f"{server.directory}/users.jsonl", "a", encoding="ascii") as file:
        file.write('{"username":"name0","deleted":true}\n')
    same(server.post("/login", "name0")[0], 404, "deleted")
    same(server.metrics()["jwtd_accounts"], 6, "deleted")
    server.stop("gauges")


def crowded():
    """A queue that is full, of which most leave: who hears 503 is counted, and nobody else. The lock on the accounts holds
    the only worker at its first job for so long."""
    server = Server("--loops", "1", "--workers", "1")
    half, gone = 20, 44  # where more than 32 wait, who has closed one half is sent away
    text = changes("pass1425").encode()

    def ask(stack, path="/change-password"):
        client = stack.enter_context(server.connect())
        client.sendall(b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                       % (path.encode(), len(text), text))
        return client

    def waits(connections, queue):
        seen = server.metrics()
        return (seen["jwtd_connections"], seen["jwtd_hash_queue_length"]) == (connections + 1, queue)
    with contextlib.ExitStack() as stack, open(f"{server.directory}/users.jsonl", "ab") as accounts:
        fcntl.flock(accounts, fcntl.LOCK_EX)
        first = ask(stack, "/register")
        until(lambda: server.metrics()[HASHES] == 1, "the worker has a hash to store, and waits for the lock")
        clients = [ask(stack) for _ in range(half + gone)]
        until(lambda: waits(1 + half + gone, half + gone), "the queue is full")
        check(ask(stack).recv(1000).startswith(b"HTTP/1.1 503 "), "one more")
        for client in clients[:half]:
            client.shutdown(socket.SHUT_WR)
        for client in clients[half:]:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        until(lambda: waits(2 + half, half + gone), "most have left")
        fcntl.flock(accounts, fcntl.LOCK_UN)
        check(first.recv(1000).startswith(b"HTTP/1.1 201 "), "the first is registered")
        for client in clients[:half]:
            check(client.recv(1000).startswith(b"HTTP/1.1 503 "), "who may have left")
    until(lambda: waits(0, 0), "all have left")
    seen = server.metrics()
    same({k: v for k, v in seen.items() if k.startswith("jwtd_logins_total") and v}, {logins("unavailable"): half + 1},
         "who has left is not counted")
    same(seen[requests_of("/change-password", 503)], half + 1, "nor answered")
    server.stop("crowded")


# ---- /healthz and healthcheck --------------------------------------------------

def healthcheck(*arguments, env=None, **how):
    done = subprocess.run([BIN, "healthcheck", *arguments], env={**ENV, **(env or {})}, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=WAIT, **how)
    return done.returncode, (done.stdout + done.stderr).decode()


def is_unwell(got, word, what):
    check(got[0] == 1 and re.fullmatch(r"jwtd: healthcheck: [^\n]*\n", got[1]) and word in got[1], f"{what}: {got}")


def healthy():
    for listen in ("127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0", f"unix:{top}/socket"):
        if "[" in listen and not os.path.exists("/proc/net/if_inet6"):
            continue
        server = Server(listen=listen)
        where = server.url.removeprefix("http://")
        same(healthcheck(env={"JWTD_LISTEN": where}), (0, ""), f"healthcheck, JWTD_LISTEN={listen}")
        same(healthcheck("--listen", where), (0, ""), f"healthcheck --listen {listen}")
        server.stop(listen)
        is_unwell(healthcheck("--listen", where), os.strerror(2 if "unix" in listen else 111), f"{listen}, gone")
    server = Server()
    same(server.curl("/healthz"), (200, '{"status":"ok"}\n'), "/healthz")
    check("Cache-Control: no-store" in server.curl("/healthz", "-I")[1], "/healthz is not kept")
    server.stop("healthy")
    is_unwell(healthcheck("--listen", "127.0.0.1:0"), "--listen", "port 0")
    same(healthcheck("now")[0], 2, "healthcheck with a word")


def block_alarms():
    """What a parent may have done: a child inherits it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])


def unwell():
    """Servers that are not jwtd, or do not answer; a disk that does not sync."""
    for what, answer, word in [
            ("nothing", b"", "no answer"),
            ("another's 200", b"HTTP/1.1 200 OK\r\n\r\n<html>\nhello\n", "200 OK <html>"),
            ("404", b"HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n{\"error\":\"Not found\"}\n", "404 Not Found {\"error\""),
            ("200 without its body", b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "200 OK"),
            ("200 without an end", b"HTTP/1.1 200 OK", "200 OK"),
            ("more than there is room for", b"x" * 100000, "xxx"),
            ("other bytes", b"\0\r\n\r\n\0", "no answer"),
            ("silence", None, "within 3 seconds")]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def serve(listener=listener, answer=answer):
                with listener.accept()[0] as client, contextlib.suppress(OSError):
                    client.recv(1000)
                    client.sendall(b"HTTP/1.1 " if answer is None else answer)
                    while answer is None and client.recv(1000):
                        pass
            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            port = listener.getsockname()[1]
            is_unwell(healthcheck("--listen", f"127.0.0.1:{port}", preexec_fn=block_alarms), word, what)
            thread.join(WAIT)
    if not need("strace", "strace"):
        return
    server = Server()
    same(server.post("/register", "before")[0], 201, "register")
    with subprocess.Popen(["strace", "-f", "-p", str(server.process.pid), "-o", "/dev/null", "-e", "trace=fdatasync", "-e",
                           "inject=fdatasync:error=EIO"], stderr=subprocess.PIPE) as strace:
        check(b" attached" in strace.stderr.readline(), "strace")
        same(server.post("/register", "Romel")[0], 503, "a disk that does not sync")
        strace.terminate()
    status, text = server.curl("/healthz")
    same((status, json.loads(text)), (503, {"status": "unavailable", "reason":
                                            "the accounts could not be synced to the disk"}), "/healthz")
    is_unwell(healthcheck("--listen", server.url[7:]), "could not be synced", "a disk that does not sync")
    server.stop("unwell")


# ---- the access log ------------------------------------------------------------

CLF = re.compile(r'(127\.0\.0\.1|203\.0\.113\.\d+|-) - ((?:[!#-\[\]-~]|\\x[0-9A-F]{2})+|"") '
                 r"\[(\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d \+0000)\] "
                 r'"(-|[A-Z]+ (?:[!#-\[\]-~]|\\x[0-9A-F]{2})+ HTTP/1\.[01])" ([1-5]\d\d) (\d+|-)')
MEMBERS = ["time", "address", "method", "target", "status", "bytes", "seconds", "user"]
HOSTILE = 'a" b\\ [x] 200 1 \u00fc'


def unescaped(text):
    return re.sub(r"\\x(..)", lambda m: chr(int(m[1], 16)), text).encode("latin-1").decode()


def read_clf(line):
    """address, user, method, target, version, status, bytes; None: it is no such line."""
    m = CLF.fullmatch(line)
    if not m:
        return None
    time.strptime(m[3], "%d/%b/%Y:%H:%M:%S +0000")
    method, target, version = m[4].split(" ") if m[4] != "-" else (None, None, None)
    user = None if m[2] == "-" else "" if m[2] == '""' else unescaped(m[2])
    return m[1], user, method, target and unescaped(target), version, int(m[5]), 0 if m[6] == "-" else int(m[6])


def read_json(line):
    members = json.loads(line)
    time.strptime(members["time"], "%Y-%m-%dT%H:%M:%SZ")
    if list(members) != MEMBERS or not 0 <= members["seconds"] < WAIT or not line.isascii():
        return None
    return (members["address"] or "-", members["user"], members["method"], members["target"], None, members["status"],
            members["bytes"])


def ask_all(server):
    """Asks for many things, in turn: a line for each, as (address, user, method, target, status)."""
    expected = []

    def ask(data, status, method, target, user=None, address="127.0.0.1"):
        got = server.send(data)
        check(got.startswith(b"HTTP/1.1 %d " % status), f"{data[:60]}: {got[:40]}")
        size = 0 if method == "HEAD" else len(got.split(b"\r\n\r\n", 1)[1])
        expected.append((address, user, method, target, status, size))

    def get(target, status, *fields, method="GET", log=None, **more):
        ask("\r\n".join([f"{method} {target} HTTP/1.1", "Host: a", *fields, "", ""]).encode(), status, method,
            log or target, **more)

    def post(target, name, status, password="pass1425", **more):
        data = body(name, password).encode()
        ask(b"POST %b HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (target.encode(), len(data), data), status, "POST", target.split("?")[0], **more)

    for name in ("Romel", "-", HOSTILE):
        post("/register", name, 201)
        post("/login", name, 200, user=name)
        post("/set-jwt?x=SECRET", name, 200, user=name)
        post("/login", name, 401, password="SECRET")
    for name in ("Romel", "-", "", HOSTILE, '"\n127.0.0.1 - - [', "\\x22\0\x7f", "\U0001f600"):
        get("/get-jwt", 200, f"Authorization: Bearer {token_of(name)}", user=name)
    get("/get-jwt", 401, f"Authorization: Bearer {token_of('SECRET', 1)}")
    get(f"/get-jwt?token={token_of('Romel')}&SECRET", 400, log="/get-jwt")
    get('/"\\"200', 404)
    get("/\\x22%0d%0a%22", 404)
    get("http://a/%00?SECRET", 404, log="/%00")
    get("/" + 600 * '"', 404, log="/" + 511 * '"')
    get("/get-jwt", 400, method="HEAD")
    get("/login", 405, method="PROPFIND")
    get("*", 200, method="OPTIONS")
    get("/healthz", 200, "X-Forwarded-For: 203.0.113.5", address="203.0.113.5")
    get("/healthz", 200, "X-Forwarded-For: evil 127.0.0.1 - -", address="-")
    ask(b"GET /secret\"SECRET HTTP/1.1\n\n", 400, None, None)
    ask(b"\x16\x03\x01SECRET\"\r\n\r\n", 400, None, None)
    ask(b"GET /SECRET HTTP/3.0\r\n\r\n", 505, None, None)
    ask(b"GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "GET", "/x")
    ask(b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n", 413, "POST", "/login")
    return expected


def lines_of(pipe):
    """What a server that has ended wrote, in lines."""
    text = pipe.read().decode("ascii")
    check(text.endswith("\n"), "the last line is whole")
    return text.splitlines()


def logged():
    for name, read in (("clf", read_clf), ("json", read_json)):
        server = Server("--log", "access", "--log-format", name, "--loops", "1", "--trusted-proxy", "127.0.0.1",
                        stdout=subprocess.PIPE)
        expected = ask_all(server)
        server.stop(f"logged {name}")
        lines = lines_of(server.process.stdout)
        same(len(lines), len(expected), f"{name}: lines")
        for line, (address, user, method, target, status, size) in zip(lines, expected):
            got = read(line)
            check(got is not None, f"{name}: {line}")
            if got:
                same((got[0], got[1], got[2], got[3], got[5], got[6]), (address, user, method, target, status, size), line)
        check(not any("SECRET" in line or token_of("Romel") in line or "pass1425" in line for line in lines),
              f"{name}: no token, no password, no query")
        check(any("login refused: wrong password" in line for line in server.lines), "standard error says what it said")


def logged_in_pieces(what, n, *options, stdout=subprocess.PIPE, read=None, **how):
    """A server that logs, n requests for paths that are all different from each of 8 clients at once, all answered."""
    server = Server("--log", "access", "--loops", "4", *options, stdout=stdout, **how)
    failed = []

    def client(number):
        data = b"".join(b"GET /%d-%d HTTP/1.1\r\nHost: a\r\n\r\n" % (number, i) for i in range(n))
        try:
            if server.send(data).count(b"HTTP/1.1 404 ") != n:
                failed.append(number)
        except OSError as e:
            failed.append(e)
    threads = [threading.Thread(target=client, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    if read:
        read(server)
    for thread in threads:
        thread.join(WAIT)
    same(failed, [], f"{what}: all are answered")
    return server


def paths(lines):
    return sorted((read_clf(line) or [None] * 4)[3] or line for line in lines)


def together():
    """Eight clients on four loops: each line whole, each once, into a pipe, a file and a socket. A pipe has room for all
    of them, a socket for those of fewer requests, however slow the reader is."""
    def all_paths(n):
        return sorted(f"/{number}-{i}" for number in range(8) for i in range(n))
    got = []
    server = logged_in_pieces("pipe", 1000, read=lambda server: threading.Thread(
        target=lambda: got.append(server.process.stdout.read()), daemon=True).start())
    server.stop("together")
    until(lambda: got, "the pipe's end")
    same(paths(got[0].decode().splitlines()) == all_paths(1000), True, "a pipe: each line whole, each once")
    path = f"{top}/access.log"
    with open(path, "wb") as file:
        logged_in_pieces("file", 1000, stdout=file).stop("file")
    with open(path, encoding="ascii") as file:
        same(paths(file.read().splitlines()) == all_paths(1000), True, "a file: each line whole, each once")
    ours, theirs = socket.socketpair()
    with ours, theirs, ours.makefile("rb") as reader:
        def read(_):
            theirs.close()
            threading.Thread(target=lambda: got.append(reader.read()), daemon=True).start()
        logged_in_pieces("socket", 40, stdout=theirs, read=read).stop("socket")
        until(lambda: len(got) == 2, "the socket's end")
        same(paths(got[1].decode().splitlines()) == all_paths(40), True, "a socket: each line whole, each once")


def dropped(server):
    return server.metrics()["jwtd_log_lines_dropped_total"]


def nobody_reads():
    """Standard output that is closed, full, broken, or a pipe that nobody reads: all are answered, lines are dropped and
    counted, it ends in time."""
    reader, writer = os.pipe()
    os.close(reader)
    with open("/dev/full", "wb") as full, open(writer, "wb") as broken:
        for what, how in (("/dev/full", {"stdout": full}), ("broken", {"stdout": broken}),
                          ("closed", {"stdout": None, "preexec_fn": lambda: os.close(1)})):
            server = logged_in_pieces(what, 500, **how)
            until(lambda: dropped(server) >= 4000, f"{what}: lines are dropped")
            server.stop(what)
    for kind in ("pipe", "socket"):
        ours, theirs = socket.socketpair() if kind == "socket" else map(lambda fd: open(fd, "rb" if fd == low else "wb"),
                                                                        (low := (p := os.pipe())[0], p[1]))
        with ours:
            server = logged_in_pieces(kind, 4000, stdout=theirs)
            theirs.close()
            seen = dropped(server)
            check(seen > 0, f"{kind}: {seen} lines dropped")
            got = bytearray()
            threading.Thread(target=lambda: [got.extend(x) for x in iter(
                lambda: ours.recv(65536) if kind == "socket" else os.read(ours.fileno(), 65536), b"")], daemon=True).start()
            def again():
                server.curl("/again")
                return b'"GET /again ' in got
            until(again, f"{kind}: once somebody reads it goes on")
            server.stop(kind)
            until(lambda: got.endswith(b"\n"), f"{kind}: its last line")
            lines = got.decode().splitlines()
            ours_of = [p for p in paths(lines) if re.fullmatch(r"/\d-\d+", p)]
            same([line for line in lines if not read_clf(line)], [], f"{kind}: lines that are not whole")
            same(len(set(ours_of)), len(ours_of), f"{kind}: no line twice")
            check(32000 - seen - 4 * 70 <= len(ours_of) <= 32000 - seen, f"{kind}: {len(ours_of)} lines, {seen} dropped")


def no_room():
    """A file that may not grow, in the middle of a line; then it may: that line is whole, and none is lost uncounted."""
    path = f"{top}/small.log"
    with open(path, "wb") as file:
        server = Server("--log", "access", "--loops", "1", stdout=file)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (100001, resource.RLIM_INFINITY))
    data = b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % i for i in range(3000))
    same(server.send(data).count(b"HTTP/1.1 404 "), 3000, "no room: all are answered")
    same(os.stat(path).st_size, 100001, "no room: the file is full")
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    same(server.send(data).count(b"HTTP/1.1 404 "), 3000, "room: all are answered")
    lost = dropped(server)
    server.stop("no room")
    with open(path, encoding="ascii") as file:
        lines = file.read().splitlines()
    same([line for line in lines if not read_clf(line)], [], "no room: lines that are not whole")
    check(lost > 0, f"no room: {lost} dropped")
    same(len(lines) + lost, 6001, "no room: each line is there or counted")


def quiet():
    """Nothing without --log, and a line within two seconds of silence with it."""
    server = Server(stdout=subprocess.PIPE)
    server.curl("/healthz")
    server.stop("quiet")
    same(server.process.stdout.read(), b"", "without --log")
    server = Server("--log=access", stdout=subprocess.PIPE)
    server.curl("/healthz")
    check(read_clf(server.process.stdout.readline().decode().rstrip("\n")), "a line comes while it is idle")
    with server.connect() as client:
        client.sendall(b"GET /slow HTTP/1.1\r\n")
        check(client.recv(1000).startswith(b"HTTP/1.1 408 "), "408")
    got = read_clf(server.process.stdout.readline().decode().rstrip("\n"))
    same(got and (got[2], got[3], got[5]), ("GET", "/slow", 408), "408 is logged")
    server.stop("quiet")


parts = [counts, gauges, crowded, healthy, unwell, logged, together, nobody_reads, no_room, quiet]

run_parts(parts, sys.argv[2:], ALL_SECONDS)
