#!/usr/bin/env python3
"""What harness.py does not measure: one jwtd, or a figure over a range. The scripts beside it call it.

usage: probe.py VERB [options] JWTD           the binary
       probe.py by-... [options] NAME=COMMAND...  as harness.py takes them

VERB
  memory          the memory of password hashing, and when it is given back
  uniform         logins of an unknown name and with a wrong password
  accounts        start, memory and look-ups with --accounts N,N,...
  slow            verification beside connections that drip and a flood of logins
  syscalls        system calls for a request, counted by strace
  instructions    instructions for a verification, counted by callgrind
  by-connections  CPU time of a request, for each number of connections
  by-idle         memory, for each number of idle connections
  by-logins       p50 and p99 of a verification, for each number of connections that log in
--tsv FILE takes what accounts and by-... found, for gnuplot.
"""
import argparse, hashlib, json, multiprocessing, os, random, re, resource, selectors, signal, socket, statistics
import subprocess, sys, tempfile, threading, time

import harness
from harness import mint, table

CREDENTIALS = b'{"username":"bench","password":"pass1425"}'
CLOCK = time.perf_counter


class Jwtd:
    """A running server: its port, its process, and how long it took until it was ready."""

    def __init__(self, binary, folder, *options, prefix=()):
        start = CLOCK()
        self.process = subprocess.Popen([*prefix, binary, "--listen", "127.0.0.1:0", *options], text=True,
                                        env=dict(os.environ, STATE_DIRECTORY=folder), stderr=subprocess.PIPE)
        said = ""
        for line in self.process.stderr:
            said += line
            ready = re.search(r"ready on http://127\.0\.0\.1:(\d+)", line)
            if ready:
                break
        else:
            raise SystemExit("no server:\n" + said)
        self.ready_ms = (CLOCK() - start) * 1000
        self.port = int(ready[1])
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def __enter__(self):
        return self

    def end(self):
        """SIGTERM; under strace it is the child's."""
        pid = self.process.pid
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            os.kill(int((f.read().split() or [pid])[0]), signal.SIGTERM)
        self.process.wait()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.end()

    def memory(self):
        """RSS and its anonymous part, KiB."""
        with open("/proc/%d/status" % self.process.pid) as f:
            status = f.read()
        return [int(re.search(field + r":\s+(\d+)", status)[1]) for field in ("VmRSS", "RssAnon")]

    def post(self, path, body=CREDENTIALS):
        return harness.http(self.port, "POST", path, body)[0]


class Client:
    """A kept-alive connection that asks one thing after the other."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request):
        """The status; answers are small enough to come in one piece, on loopback."""
        self.socket.sendall(request)
        return int(self.socket.recv(65536)[9:12])

    def times(self, requests, status):
        """Milliseconds that each took."""
        out = []
        for request in requests:
            start = CLOCK()
            got = self.ask(request)
            out.append((CLOCK() - start) * 1000)
            if got != status:
                raise SystemExit("%d instead of %d to %r" % (got, status, request))
        return out


def post(path, body, close=False):
    return b"POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        path, b"Connection: close\r\n" if close else b"", len(body), body)


def verification():
    return ("GET /get-jwt HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n" % mint("bench")).encode()


def quantile(values, q):
    return sorted(values)[min(int(len(values) * q), len(values) - 1)] if values else float("nan")


def write_tsv(a, head, rows):
    if a.tsv:
        with open(a.tsv, "w") as f:
            f.writelines("\t".join(map(str, row)) + "\n" for row in [head] + rows)


# ---- one jwtd -----------------------------------------------------------------------------------------------


def verb_memory(a, tmp):
    with Jwtd(a.what[0], tmp) as server:
        before = server.memory()
        server.post("/register")
        floods = [threading.Thread(target=lambda: [server.post("/login") for _ in range(4)]) for _ in range(8)]
        for t in floods:
            t.start()
        during = before
        while any(t.is_alive() for t in floods):
            during = max(during, server.memory(), key=lambda m: m[1])
            time.sleep(0.005)
        last = time.time()
        while server.memory()[1] > before[1] + 1024 and time.time() < last + 30:
            time.sleep(0.1)
        after, seconds = server.memory(), time.time() - last
    print("## memory of password hashing, KiB; 8 connections log in, given back after %.1f s" % seconds)
    table([("rss", before[0], during[0], after[0]), ("anonymous", before[1], during[1], after[1])],
          ("", "before", "during", "after"))
    return int(after[1] > before[1] + 1024)


def verb_uniform(a, tmp):
    rows = []
    for cost, tries in (("scrypt:1024:8:1", a.requests), ("scrypt:32768:8:1", a.requests)):
        with Jwtd(a.what[0], tmp, "--uniform-errors", "--throttle", "off", "--hash", cost,
                  "--users", os.path.join(tmp, cost)) as server:
            server.post("/register")
            client = Client(server.port)
            both = [post(b"/login", b'{"username":"%s","password":"wrong"}' % name) for name in (b"nobod", b"bench")]
            times = client.times(both * tries, 401)
            unknown, wrong = times[::2], times[1::2]
            pairs = [u - w for u, w in zip(unknown, wrong)]  # what disturbs the machine mostly disturbs both of a pair
            u, w, d = map(statistics.median, (unknown, wrong, pairs))
            rows.append((cost, tries, "%.4f" % u, "%.4f" % w, "%+.2f" % (100 * (u / w - 1)), "%+.2f" % (100 * d / w)))
    print("## --uniform-errors: logins of an unknown name and with a wrong password by turns, ms")
    table(rows, ("hash", "of each", "unknown p50", "wrong p50", "difference %", "of pairs %"))


def write_accounts(path, n):
    password = "scrypt:32768:8:1$0123456789abcdef$" + "0123456789abcdef" * 8
    with open(path, "w", buffering=1 << 20) as f:
        for i in range(n):
            line = '{"username":"u%06d","password":"%s"' % (i, password)
            f.write('%s,"sum":"%s"}\n' % (line, hashlib.sha256(line.encode()).hexdigest()[:8]))
        f.flush()
        os.fsync(f.fileno())


def verb_accounts(a, tmp):
    rows = []
    for n in a.range:
        path = os.path.join(tmp, "users.jsonl")
        write_accounts(path, n)
        starts, times = [], []
        for _ in range(a.rounds):
            with Jwtd(a.what[0], tmp) as server:
                memory = server.memory()
                starts.append(server.ready_ms)
                names = (random.randrange(n) for _ in range(a.requests))
                client = Client(server.port)
                times += client.times((post(b"/register", b'{"username":"u%06d","password":"x"}' % i) for i in names),
                                      400)
        rows.append((n, os.path.getsize(path) // 1024, "%.1f" % statistics.median(starts), *memory,
                     "%.4f" % quantile(times, .5), "%.4f" % quantile(times, .99)))
        os.unlink(path)
    print("## accounts: %d starts each, file in the page cache; memory in KiB; look-up: POST /register of a taken name" % a.rounds)
    head = ("accounts", "file KiB", "ready ms", "RSS", "anonymous", "look-up p50 ms", "look-up p99 ms")
    table(rows, head)
    write_tsv(a, head, rows)


def drip(port, connections, seconds, out):
    """Connections that send a byte of one field a second; those that are closed come again."""
    end, opened, refused, held = time.time() + seconds, 0, 0, {}
    while time.time() < end:
        turn = time.time() + 1
        for _ in range(connections - len(held)):
            s = socket.socket()
            try:
                s.connect(("127.0.0.1", port))
                s.sendall(b"GET /get-jwt HTTP/1.1\r\nHost: x\r\nX-Drip: ")
            except OSError:
                refused += 1
                s.close()
                break
            s.setblocking(False)
            held[s.fileno()] = s
            opened += 1
        for fd, s in list(held.items()):
            try:
                s.send(b"x")
                if s.recv(4096) is not None:
                    raise OSError("answered: it was given up")
            except BlockingIOError:
                continue
            except OSError:
                s.close()
                del held[fd]
        time.sleep(max(turn - time.time(), 0))
    out.put(("drip", (opened, refused, len(held))))


def flood(port, rate, seconds, out):
    """So many logins a second whatever comes back, each on a connection of its own: {status: [ms]}."""
    poll, got, waiting = selectors.DefaultSelector(), {}, {}
    start = CLOCK()
    sent = 0
    while CLOCK() < start + seconds or (waiting and CLOCK() < start + seconds + 30):
        while sent < min(CLOCK() - start, seconds) * rate:
            sent += 1
            s = socket.socket()
            at = CLOCK()
            try:
                s.connect(("127.0.0.1", port))
                s.sendall(post(b"/login", CREDENTIALS, close=True))
            except OSError:
                got.setdefault("refused", []).append((CLOCK() - at) * 1000)
                s.close()
                continue
            waiting[s] = at
            poll.register(s, selectors.EVENT_READ)
        for key, _ in poll.select(0.002):
            s = key.fileobj
            try:
                status = s.recv(4096)[9:12].decode() or "closed"
            except OSError:
                status = "reset"
            got.setdefault(status, []).append((CLOCK() - waiting.pop(s)) * 1000)
            poll.unregister(s)
            s.close()
    got.setdefault("no answer", []).extend([0] * len(waiting))
    out.put(("flood", got))


def verify_paced(port, seconds, out):
    """A verification every 5 ms over one connection: [ms]."""
    client, request, times = Client(port), verification(), []
    end = CLOCK() + seconds
    while CLOCK() < end:
        next_one = CLOCK() + 0.005
        times += client.times([request], 200)
        time.sleep(max(next_one - CLOCK(), 0))
    out.put(("verify", times))


def together(server, *jobs):
    """Runs the functions as processes: what they found, by name, and the highest memory meanwhile."""
    out, found, memory = multiprocessing.Queue(), {}, server.memory()
    processes = [multiprocessing.Process(target=f, args=(server.port, *args, out)) for f, *args in jobs]
    for p in processes:
        p.start()
    while len(found) < len(jobs):
        memory = max(memory, server.memory(), key=lambda m: m[0])
        while not out.empty():
            name, value = out.get()
            found[name] = value
        if any(p.exitcode for p in processes):
            raise SystemExit("a client failed")
        time.sleep(0.1)
    for p in processes:
        p.join()
    return found, memory


def verb_slow(a, tmp):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    connections = min(a.connections, limit - 1000)
    rows = []
    with Jwtd(a.what[0], tmp) as server:

        def row(what, found, memory):
            v = found["verify"]
            rows.append((what, len(v), *("%.2f" % quantile(v, q) for q in (.5, .99, 1)), *memory))

        server.post("/register")
        end = CLOCK() + 2
        clients = [threading.Thread(target=lambda: done.extend(
            iter(lambda: server.post("/login") if CLOCK() < end else 0, 0))) for _ in range(4)]
        done = []
        for t in clients:
            t.start()
        for t in clients:
            t.join()
        capacity = len(done) / (CLOCK() - end + 2)
        s = a.secs
        row("alone", *together(server, (verify_paced, 2)))
        found, memory = together(server, (verify_paced, s), (drip, connections, s))
        row("dripping", found, memory)
        found, memory = together(server, (verify_paced, s), (drip, connections, s + 1), (flood, 10 * capacity, s))
        row("dripping, logins", found, memory)
        print("## slow: %d dripping connections (%d opened, %d refused, %d held at the end) and %.0f logins/s, "
              "ten times the capacity; %d s" % (connections, *found["drip"], 10 * capacity, s))
        row("after", *together(server, (verify_paced, 1)))
    table(rows, ("verify, one each 5 ms", "answers", "p50 ms", "p99 ms", "max ms", "RSS KiB", "anonymous KiB"))
    table([(status, len(ms), "%.1f" % quantile(ms, .5), "%.1f" % quantile(ms, .99), "%.1f" % max(ms))
           for status, ms in sorted(found["flood"].items()) if ms],
          ("login's answer", "answers", "p50 ms", "p99 ms", "max ms"))


def verb_syscalls(a, tmp):
    columns, calls, total = ["keepalive", "close"], {}, {}
    token = os.path.join(tmp, "token")
    with open(token, "w") as f:
        f.write(mint("bench") + "\n")
    for mode in columns:
        log = os.path.join(tmp, mode)
        with Jwtd(a.what[0], tmp, "--loops", "1", prefix=("strace", "-f", "-c", "-o", log)) as server:
            env = dict({"B_TOKENFILE": token}, **({"B_CLOSE": "1"} if mode == "close" else {}))
            r = harness.wrk_end(harness.wrk_start(server.port, a, "/get-jwt", env, a.conns, 1, a.secs))
        total[mode] = r["requests"]
        with open(log) as f:
            for line in f:
                m = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)(?:\s+\d+)?\s+(\w+)$", line)
                if m:
                    calls.setdefault(m[2], {})[mode] = int(m[1]) / r["requests"]
    sum_ = calls.pop("total")
    rows = sorted(((name, *(c.get(mode, 0) for mode in columns)) for name, c in calls.items()),
                  key=lambda row: -sum(row[1:]))
    rows = [row for row in rows if max(row[1:]) >= 0.005] + [("all", *(sum_[mode] for mode in columns))]
    print("## system calls for a request, --loops 1, %d connections; of %s requests (start and stop included)" % (
        a.conns, " and ".join(str(total[mode]) for mode in columns)))
    table([(row[0], *("%.3f" % v for v in row[1:])) for row in rows], ("", *columns))


def count_instructions(a, tmp, requests):
    log = os.path.join(tmp, "callgrind")
    with Jwtd(a.what[0], tmp, "--loops", "1", "--workers", "1", "--sandbox", "off",  # valgrind makes calls of its own
              prefix=("valgrind", "-q", "--tool=callgrind", "--callgrind-out-file=" + log)) as server:
        Client(server.port).times([verification()] * requests, 200)
    with open(log) as f:
        text = f.read()
    return int(re.search(r"^(?:summary|totals): (\d+)", text, re.M)[1]), "sha256_compress_portable" in text


def verb_instructions(a, tmp):
    few, many = 1000, 11000
    first, portable = count_instructions(a, tmp, few)
    second, _ = count_instructions(a, tmp, many)
    each = (second - first) / (many - few)
    print("%.0f instructions a verification in user space (%s SHA-256, which is all that valgrind shows)" % (
        each, "portable" if portable else "hardware"))
    if a.update:
        with open(a.figure, "w") as f:
            f.write("%.0f\n" % each)
        return 0
    with open(a.figure) as f:
        known = float(f.read())
    off = 100 * (each / known - 1)
    wrong = abs(off) > 5
    if wrong:
        print("FAIL that is %+.1f %% from the %.0f in bench/instructions.txt (bench/instructions --update)" % (off, known))
    print("%d passed, %d failed, 0 skipped" % (not wrong, wrong))
    return int(wrong)


# ---- a figure over a range ----------------------------------------------------------------------------------


def servers_of(a):
    return [harness.Server(spec, port) for spec, port in zip(a.what, harness.free_ports(20100))]


def show(a, title, head, rows):
    print("## " + title)
    table(rows, head)
    write_tsv(a, head, rows)


def verb_by_connections(a, tmp):
    servers, token = servers_of(a), os.path.join(tmp, "token")
    with open(token, "w") as f:
        f.write(mint("bench") + "\n")
    rows = []
    try:
        harness.start_all(servers, a)
        for n in a.range:
            got = {s.name: [] for s in servers}
            for _ in range(a.rounds):
                for s in servers:
                    secs = a.secs + n // 1000  # opening them is not to count for much
                    harness.keep(got[s.name], a, lambda: harness.timed(s, a, "/get-jwt", {"B_TOKENFILE": token}, n, secs))
            rows.append((n, *("%.2f" % statistics.median(r["ucpu"] + r["scpu"] for r in got[s.name])
                              if got[s.name] else "-" for s in servers)))
    finally:
        harness.stop_all(servers)
    show(a, "CPU time of a verification, us, by connections", ("connections", *(s.name for s in servers)), rows)


def verb_by_idle(a, tmp):
    servers, columns = servers_of(a), []
    for s in servers:
        held, column = [], []
        try:
            harness.start_all([s], a)
            for n in a.range:
                while len(held) < n:
                    held.append(Client(s.port))
                    held[-1].times([verification()], 200)
                time.sleep(0.5)
                column.append(s.memory()[1])
        finally:
            s.stop()
            for c in held:
                c.socket.close()
        columns.append(column)
    show(a, "memory, KiB (PSS), by idle connections, each after one answer", ("connections", *(s.name for s in servers)),
         list(zip(a.range, *columns)))


def verb_by_logins(a, tmp):
    servers, token = servers_of(a), os.path.join(tmp, "token")
    with open(token, "w") as f:
        f.write(mint("bench") + "\n")
    rows = []
    try:
        harness.start_all(servers, a)
        env = harness.logins(servers, tmp)
        for n in a.range:
            row = [n]
            for s in servers:
                got = []
                for _ in range(a.rounds):
                    harness.keep(got, a, lambda: harness.mixed_round(s, a, token, env, n))
                row += ["%.2f" % (statistics.median(r[q] for r in got) / 1000) if got else "-" for q in ("p50", "p99")]
            rows.append(row)
    finally:
        harness.stop_all(servers)
    show(a, "a verification, ms, by connections that log in",
         ("login connections", *(s.name + q for s in servers for q in (" p50", " p99"))), rows)


def numbers(text):
    return [int(n) for n in text.split(",")]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("verb")
    ap.add_argument("what", nargs="+", metavar="JWTD | NAME=COMMAND")
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--secs", type=int, default=3)
    ap.add_argument("--range", type=numbers, default=[], help="of accounts or connections: N,N,...")
    ap.add_argument("--requests", type=int, default=2000, help="look-ups of accounts, logins of uniform")
    ap.add_argument("--connections", type=int, default=5000, help="that drip")
    ap.add_argument("--conns", type=int, default=64)
    ap.add_argument("--mixed-conns", type=int, default=4)
    ap.add_argument("--tsv", help="a file to write")
    ap.add_argument("--figure", help="the file of the known number of instructions")
    ap.add_argument("--update", action="store_true", help="rewrite it")
    ap.add_argument("--quiet", type=float, default=0.15)
    ap.add_argument("--retries", type=int, default=2)
    ap.set_defaults(threads=1, wrk_cpu=None, server_cpu=None)
    a = ap.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory() as tmp:
        return globals()["verb_" + a.verb.replace("-", "_")](a, tmp)


if __name__ == "__main__":
    sys.exit(main())
