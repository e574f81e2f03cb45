#!/usr/bin/env python3
"""Accounts in an etcd, and several jwtd behind HAProxy, all on this machine: bench/cluster calls it.

usage: cluster.py [options] JWTD    the binary
"""
import argparse, base64, itertools, json, os, signal, statistics, subprocess, sys, tempfile, time

import harness
from harness import Server, http, mint, table
from probe import CLOCK, Client, Jwtd, post, quantile, write_accounts

CHEAP, DEFAULT = "scrypt:2:1:1", "scrypt:32768:8:1"
PASSWORD = "pass1425"
PORTS = harness.free_ports(22100)


def wait_for(what, ready, seconds=30):
    end = CLOCK() + seconds
    while CLOCK() < end:
        try:
            if ready():
                return
        except (OSError, ValueError, IndexError):
            pass
        time.sleep(0.01)
    raise SystemExit(what + " did not come up")


def start(running, name, command, pin=None):
    """A server of harness.py on a port of its own, by its name."""
    s = Server(name + "=" + command, next(PORTS))
    s.pin = pin
    running.append(s)
    return s.start(wait=False)


class Etcd:
    """A cluster: its members, and where jwtd finds it."""

    def __init__(self, running, members, tmp):
        self.peers = [next(PORTS) for _ in range(members)]
        names = ["etcd%d-%d" % (members, i) for i in range(members)]
        cluster = ",".join("%s=http://127.0.0.1:%d" % pair for pair in zip(names, self.peers))
        self.members = [start(running, name, "etcd --name %s --data-dir '%s' --logger zap --log-level error "
                              "--listen-client-urls http://127.0.0.1:{port} --advertise-client-urls http://127.0.0.1:{port} "
                              "--listen-peer-urls http://127.0.0.1:%d --initial-advertise-peer-urls http://127.0.0.1:%d "
                              "--initial-cluster %s --quota-backend-bytes 8589934592" %
                              (name, os.path.join(tmp, name), peer, peer, cluster))
                        for name, peer in zip(names, self.peers)]
        for m in self.members:
            wait_for(m.name, lambda: b'"true"' in http(m.port, "GET", "/health")[1])
        self.url = "etcd://" + ",".join("127.0.0.1:%d" % m.port for m in self.members)

    def call(self, path, **request):
        """An answer of the first member, as an object."""
        status, body, _ = http(self.members[0].port, "POST", "/v3/" + path, json.dumps(request).encode(), timeout=60)
        if status != 200:
            raise SystemExit("%d to %s: %r" % (status, path, body))
        return json.loads(body)


def jwtd(running, binary, name, users, tmp, *options, pin=None):
    folder = os.path.join(tmp, name)
    os.makedirs(folder, exist_ok=True)
    s = start(running, name, "env 'STATE_DIRECTORY=%s' '%s' --listen 127.0.0.1:{port} --users '%s' %s" % (
        folder, binary, users or os.path.join(folder, "users.jsonl"), " ".join(options)), pin)
    s.wait_up()
    return s


def haproxy(running, nodes, tmp):
    """As docs/cluster.md has it, but for TLS."""
    path = os.path.join(tmp, "haproxy%d.cfg" % len(nodes))
    name = "haproxy%d" % len(nodes)
    s = Server(name + "=haproxy -f '%s'" % path, next(PORTS))
    with open(path, "w") as f:
        f.write("global\n nbthread 1\n maxconn 2000\ndefaults\n mode http\n timeout connect 2s\n timeout client 60s\n"
                " timeout server 60s\n option redispatch 1\nfrontend public\n bind 127.0.0.1:%d\n"
                " http-request set-header X-Forwarded-For %%[src]\n default_backend jwtd\n"
                "backend jwtd\n balance leastconn\n option httpchk GET /healthz\n http-check expect status 200\n"
                " default-server check inter 1s fall 2 rise 1\n" % s.port)
        f.writelines(" server %s 127.0.0.1:%d\n" % (n.name, n.port) for n in nodes)
    running.append(s)
    s.start(wait=False)
    s.wait_up()
    return s


# ---- what is measured -----------------------------------------------------------------------------------------------


def names(count=itertools.count()):
    """Names that nobody has had yet."""
    for i in count:
        yield "u%07d" % i


NAMES = names()


def body(name):
    return json.dumps({"username": name, "password": PASSWORD}).encode()


def two(values, digits=2):
    return ["%.*f" % (digits, quantile(values, q)) for q in (.5, .99)]


def latencies(a, running, stores, tmp):
    for cost, requests, conns in (CHEAP, a.requests, 16), (DEFAULT, max(a.requests // 8, 10), 8):
        nodes = [jwtd(running, a.jwtd, "%s-%s" % (name, cost.split(":")[1]), url, tmp, "--hash", cost)
                 for name, url in stores]
        times = {s.name: ([], [], []) for s in nodes}
        for _ in range(a.rounds):
            for s in nodes:
                register, login, many = times[s.name]
                client, fresh = Client(s.port), [next(NAMES) for _ in range(requests // a.rounds + 1)]
                register += client.times([post(b"/register", body(n)) for n in fresh], 201)
                login += client.times([post(b"/login", body(n)) for n in fresh], 200)
                bodies = os.path.join(tmp, "bodies")
                with open(bodies, "w") as f:
                    f.writelines(body(next(NAMES)).decode() + "\n" for _ in range(20000 * a.secs))
                r = harness.wrk_end(harness.wrk_start(s.port, a, "/register", {"B_METHOD": "POST", "B_BODYFILE": bodies},
                                                      conns, 1, a.secs))
                if r is None or r["bad"]:
                    raise SystemExit("%s: registrations failed: %r" % (s.name, r))
                many.append(r["rps"])
        print("## register and login, ms, --hash %s: %d each, one after the other; and registrations a second over %d "
              "connections" % (cost, len(register), conns))
        table([(name, *two(times[s.name][0]), *two(times[s.name][1]), "%.0f" % statistics.median(times[s.name][2]))
               for (name, _), s in zip(stores, nodes)],
              ("accounts in", "register p50", "p99", "login p50", "p99", "registrations/s"))
        for s in nodes:
            s.stop()


def reads(a, clusters):
    """A read as jwtd makes it: HTTP/1.0, a connection a call."""
    rows = []
    for name, etcd in clusters:
        key = base64.b64encode(b"jwtd/u").decode()
        for what, request in ("kv/range", {"key": key}), ("serializable", {"key": key, "serializable": True}):
            text = json.dumps(request).encode()
            head = b"POST /v3/kv/range HTTP/1.0\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(text)
            times = []
            for _ in range(a.requests):
                at = CLOCK()
                client = Client(etcd.members[0].port)
                if client.ask(head + text) != 200:
                    raise SystemExit(name + " does not answer")
                client.socket.close()
                times.append((CLOCK() - at) * 1000)
            rows.append((name, what, *two(times)))
    print("## etcd itself, ms: one key, %d times, a connection each" % a.requests)
    table(rows, ("etcd", "call", "p50", "p99"))


def nodes_behind(a, running, etcd, tmp):
    """Nodes with a worker and a loop each; the first on core 0, the second on core 1, the third on core 0 again."""
    cores = sorted(os.sched_getaffinity(0))
    token, bodies = os.path.join(tmp, "token"), os.path.join(tmp, "login")
    with open(token, "w") as f:
        f.write(mint("bench") + "\n")
    with open(bodies, "w") as f:
        f.write(body("bench").decode() + "\n")
    all_nodes = [jwtd(running, a.jwtd, "node%d" % (i + 1), etcd.url, tmp, "--loops", "1", "--workers", "1",
                      "--trusted-proxy", "127.0.0.1", pin=str(cores[i % len(cores)])) for i in range(3)]
    status = http(all_nodes[0].port, "POST", "/register", body("bench"))[0]
    if status != 201:
        raise SystemExit("/register: %d" % status)
    got = {n: {"login": [], "verify": []} for n in (1, 2, 3)}
    proxies = {n: haproxy(running, all_nodes[:n], tmp) for n in got}
    for _ in range(a.rounds):
        for n, proxy in proxies.items():
            for what, path, env, conns in (("login", "/login", {"B_METHOD": "POST", "B_BODYFILE": bodies}, 12),
                                           ("verify", "/get-jwt", {"B_TOKENFILE": token}, 48)):
                parts = {"jwtd": all_nodes[:n], "haproxy": [proxy], "etcd": etcd.members}
                before = {k: sum(sum(s.cpu()) for s in v) for k, v in parts.items()}
                r = harness.wrk_end(harness.wrk_start(proxy.port, a, path, env, conns, 1, a.secs))
                if r is None or r["bad"]:
                    raise SystemExit("%s with %d nodes failed: %r" % (path, n, r))
                for k, v in parts.items():
                    r[k] = (sum(sum(s.cpu()) for s in v) - before[k]) * 1e6 / r["requests"]
                got[n][what].append(r)
    for what, title in (("login", "log-ins, --hash " + DEFAULT + ", 12 connections"), ("verify", "verifications, 48 connections")):
        print("## %s, through HAProxy to 1, 2 and 3 nodes of one worker and one loop, etcd of three: %d rounds x %d s" % (
            title, a.rounds, a.secs))
        base = harness.med(got[1][what], "rps")
        table([(n, "%.1f" % harness.med(g[what], "rps"), "%.2f" % (harness.med(g[what], "rps") / base),
                "%.0f%%" % harness.spread(g[what]), *(harness.ms(harness.med(g[what], q)) for q in ("p50", "p99")),
                *("%.0f" % harness.med(g[what], k) for k in ("jwtd", "haproxy", "etcd"))) for n, g in got.items()],
              ("nodes", "per second", "ratio", "spread", "p50 ms", "p99 ms", "jwtd us/req", "haproxy us/req", "etcd us/req"))
    for s in [*all_nodes, *proxies.values()]:
        s.stop()


def run(a, etcd, *words, out=None):
    """A command of the shell: its seconds, or that it failed."""
    at = CLOCK()
    done = subprocess.run([a.jwtd, *words, "--users", etcd.url], timeout=1800, stdout=out,
                          stderr=subprocess.DEVNULL)
    return "failed" if done.returncode else "%.1f" % (CLOCK() - at)


def many_accounts(a, running, tmp):
    rows = []
    prefix = {"key": base64.b64encode(b"jwtd/u/").decode(), "range_end": base64.b64encode(b"jwtd/u0").decode()}
    path, out = os.path.join(tmp, "many.jsonl"), os.path.join(tmp, "out.jsonl")
    for n in a.accounts:
        etcd = Etcd(running, 1, os.path.join(tmp, str(n)))
        write_accounts(path, n)
        imported = run(a, etcd, "user", "import", path)
        size, rss = int(etcd.call("maintenance/status")["dbSize"]) / n, etcd.members[0].memory()[0] // 1024
        times = []
        for _ in range(7):
            at = CLOCK()
            if int(etcd.call("kv/range", count_only=True, **prefix)["count"]) != n:
                raise SystemExit("some are missing")
            times.append((CLOCK() - at) * 1000)
        with Jwtd(a.jwtd, tmp, "--users", etcd.url) as server:
            ready = server.ready_ms
        with open(out, "w") as f:
            exported = run(a, etcd, "user", "export", out=f)
        with open(out) as f:
            if sum(1 for _ in f) != n and exported != "failed":
                raise SystemExit("some were not exported")
        etcd.members[0].stop()
        rows.append((n, imported, "%.0f" % size, rss, "%.0f" % statistics.median(times), "%.0f" % ready, exported))
    print("## many accounts in an etcd of one member; its memory behind the import")
    table(rows, ("accounts", "import s", "DB bytes each", "RSS MiB", "count ms", "jwtd ready ms", "export s"))


def numbers(text):
    return [int(n) for n in text.split(",")]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("jwtd")
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--secs", type=int, default=3)
    ap.add_argument("--requests", type=int, default=1200)
    ap.add_argument("--accounts", type=numbers, default=[100000])
    a = ap.parse_args()
    a.wrk_cpu = None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that finally stops the servers
    running = []
    with tempfile.TemporaryDirectory() as tmp:
        try:
            one, three = Etcd(running, 1, tmp), Etcd(running, 3, tmp)
            reads(a, [("1 member", one), ("3 members", three)])
            latencies(a, running, [("a file", None), ("etcd, 1 member", one.url), ("etcd, 3 members", three.url)], tmp)
            nodes_behind(a, running, three, tmp)
            many_accounts(a, running, tmp)
        finally:
            for s in reversed(running):
                s.stop()


if __name__ == "__main__":
    main()
