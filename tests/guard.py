"""guard.py BINARY CONTRIB [PART...] - a site that jwtd guards: /verify and the cookie as proxies and browsers use them.

The proxies are the real ones with the files of contrib/, of which only ports and paths are changed; the browser is
curl. The site behind them says what it was asked, so what a proxy lets through is seen. Standard library only; run by
guard.sh. Nothing sleeps for a fixed time and nothing waits for ever."""
import base64
import hashlib
import http.server
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import common
from common import attempt, check, chosen, end, finish, free_ports, need, running, same, scratch, start, watch

BIN, CONTRIB = sys.argv[1:3]
WAIT = 20
SAME = ("-H", "Sec-Fetch-Site: same-origin")
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 1.3
PAGE = ("-H", "Accept: text/html,*/*")
top = scratch()
# nginx that is killed would leave its workers
common.cleanups.append(lambda: [end(process) for process in running])


# ---- what runs ------------------------------------------------------------------

class Site(http.server.BaseHTTPRequestHandler):
    """Says who it was told that asks, what for, and with what body."""
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(length)
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            accept = self.headers.get("Sec-WebSocket-Key", "") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(accept.encode()).digest()).decode())
            self.end_headers()
            self.wfile.write(b"user=" + self.headers.get("Remote-User", "").encode("latin-1") + b";")
            self.wfile.flush()
            self.wfile.write(self.rfile.read(4))  # and says back what it is told
            self.close_connection = True
            return
        # under whatever name CGI and PHP would read it: they take any sign for the dash
        users = [v for k, v in self.headers.items() if re.fullmatch("remote[^a-z0-9]user", k.lower())]
        text = json.dumps({"users": users, "method": self.command, "path": self.path,
                           "body": body.decode()}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_HEAD = do_POST = do_PUT = answer

    def log_message(self, *_):
        pass


class SiteServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a proxy that has left


def start_jwtd(*options):
    directory = tempfile.mkdtemp(dir=top)
    process = start(BIN, "--listen", "127.0.0.1:0", "--hash", "scrypt:1024:8:1", *options, stderr=subprocess.PIPE,
                    env={"STATE_DIRECTORY": directory, "JWTD_SECRET": "the key of guard.py, which is long enough"})
    for line in process.stderr:
        if b"ready on" in line:
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return int(line.rsplit(b":", 1)[1])
    raise RuntimeError("jwtd does not start")


def connect(port):
    return socket.create_connection(("127.0.0.1", port), WAIT)


def wait_for(port, process, log):
    until = time.monotonic() + WAIT
    while process.poll() is None and time.monotonic() < until:
        try:
            connect(port).close()
            return True
        except OSError:
            time.sleep(0.02)
    check(False, "a proxy does not start: " + open(log, errors="replace").read()[-2000:])
    return False


def changed(name, *pairs):
    text = open(f"{CONTRIB}/{name}").read()
    for old, new in pairs:
        if old not in text:
            raise RuntimeError(f"contrib/{name} has no {old!r}")
        text = text.replace(old, new)
    path = f"{top}/{name}"
    with open(path, "w") as f:
        f.write(text)
    return path


def curl(*words, jar=None):
    """(status, fields by name in small letters, body)"""
    cookies = ("-b", jar, "-c", jar) if jar else ()
    done = subprocess.run(["curl", "-q", "-sS", "-i", "--noproxy", "*", "--max-time", str(WAIT), "-H", "Expect:", *cookies,
                           *words], capture_output=True, check=False)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = dict((k.lower(), v) for k, _, v in (line.partition(": ") for line in lines[1:]))
    return (int(lines[0].split()[1]) if done.stdout else done.stderr.decode()), fields, body


def raw(port, request, until_closed=True):
    """All that is answered, and whether the server ended it."""
    with connect(port) as s:
        s.sendall(request)
        answer = b""
        try:
            while part := s.recv(65536):
                answer += part
                if not until_closed and b"\r\n\r\n" in answer:
                    return answer, False
        except TimeoutError:
            return answer, False
        return answer, True


def token_of(port, name="Romel"):
    body = json.dumps({"username": name, "password": "pass1425"})
    for path in ("register", "login"):
        answer = curl("-H", "Content-Type: application/json", "-d", body, f"http://127.0.0.1:{port}/{path}")[2]
    return json.loads(answer)["token"]


# ---- without a proxy ------------------------------------------------------------

def verify_announced():
    """nginx's way: GET over HTTP/1.0, the client's Content-Length and no body."""
    port = start_jwtd()
    token = token_of(port).encode()
    authorized = b"Authorization: Bearer " + token + b"\r\n"
    rows = (  # what is announced, more that comes
        (b"Content-Length: 5\r\n", b"", "a length"),
        (b"Content-Length: 5\r\n", b"hello", "a body that comes"),
        (b"Content-Length: 5\r\n", b"GET /verify HTTP/1.1\r\n\r\n", "no body, but what could be a request"),
        (b"Content-Length: 1000000\r\n", b"", "a large one"),
        (b"Content-Length: 99999999999999999999\r\n", b"", "a very large one"),
    )
    chunked = (
        (b"Transfer-Encoding: chunked\r\n", b"", "chunks"),
        (b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\n\r\n", "chunks that come"),
        (b"Transfer-Encoding: chunked\r\n", b"no chunk\r\n", "chunks that are none"),
        (b"Content-Length: 5\r\nExpect: 100-continue\r\n", b"", "a body that waits for 100"),
    )
    for version in (b"1.0", b"1.1"):
        for announced, more, why in rows + (chunked if version == b"1.1" else ()):
            for method in (b"GET", b"HEAD", b"POST"):
                for fields, status in ((authorized, b"204"), (b"", b"401")):
                    request = b"%s /verify HTTP/%s\r\nHost: a\r\n%s%s\r\n%s" % (method, version, announced, fields, more)
                    answer, ended = raw(port, request)
                    what = f"{method.decode()} HTTP/{version.decode()}, {why}"
                    check(answer.startswith(b"HTTP/1.1 " + status) and ended and answer.count(b"HTTP/1.1") == 1 and
                          b"Connection: close" in answer, f"verify, {what}: {answer[:200]!r}, ended: {ended}")
                    same(re.findall(rb"Remote-User: ([^\r]*)\r\n", answer), [b"Romel" if fields else b""], what)
    request = b"GET /verify HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n" + authorized + b"\r\n"
    answer, ended = raw(port, 2 * request + request.replace(b"Host", b"Connection: close\r\nHost"))
    check(answer.count(b"HTTP/1.1 204") == 3 and ended, "no body announced: kept alive")
    answer, _ = raw(port, b"GET /get-jwt HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
    check(answer.startswith(b"HTTP/1.1 413"), "elsewhere a large body is refused")


def verify_statuses():
    """Never another status than 204 and 401, but where the request line has no path that can be read."""
    port = start_jwtd("--user-header", "X-Who")
    token = token_of(port)
    authorized = f"Authorization: Bearer {token}\r\n"
    pad = "".join(f"X-{i}: {'a' * 1000}\r\n" for i in range(31))
    rows = (  # status, request line, fields, why
        (204, "GET /verify HTTP/1.1", authorized, "nothing else"),
        (204, "GET /verify HTTP/1.1", authorized + pad, "31 KiB of fields"),
        (204, "GET /verify/x?y HTTP/1.1", pad + authorized, "31 KiB, the token last"),
        (401, "GET /verify HTTP/1.1", pad, "31 KiB without one"),
        (401, "GET /verify HTTP/1.1", pad + pad + authorized, "more than 32 KiB"),
        (401, "GET /verify HTTP/1.1", 200 * "a: b\r\n" + authorized, "too many fields"),
        (401, "GET /verify?" + 9000 * "a" + " HTTP/1.1", authorized, "a long target"),
        (401, "GET /verify HTTP/1.1", "Expect: more\r\n" + authorized, "an expectation"),
        (401, "GET /verify HTTP/1.1", "Transfer-Encoding: gzip\r\n" + authorized, "an unknown coding"),
        (401, "GET /verify HTTP/2.0", authorized, "a version"),
        (401, "GET /verify HTTP/1.1", "a : b\r\n" + authorized, "malformed"),
        (401, "GET /verify HTTP/1.1", "Content-Length: x\r\n" + authorized, "malformed length"),
        (401, "GET /verify HTTP/1.1", "Content-Length: 5, 5\r\n" + authorized, "a list of lengths"),
        (401, "GET /verify HTTP/1.1", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "two lengths"),
        (401, "GET /verify HTTP/1.0", "Transfer-Encoding: chunked\r\n" + authorized, "chunks in HTTP/1.0"),
        (401, "GET /verify HTTP/1.1", "Cookie: a=\x01\r\n" + authorized, "a control character"),
        (401, "GET /verify HTTP/1.1", authorized + "Cookie: a=\x1b\r\n", "a control character behind the token"),
        (401, "GET /verify HTTP/1.1", "a: b\r\n c\r\n" + authorized, "a folded line"),
        (401, "GET /verify HTTP/1.1", 2 * "Content-Type: text/plain\r\n" + authorized, "two media types"),
        (401, "GET /verify HTTP/1.1", "Host: b\r\n" + authorized, "two hosts"),
        (401, "GET /verify HTTP/one", authorized, "no version"),
        (401, "GET /verify", authorized, "no version at all"),
        (400, "GET /verify/\x01 HTTP/1.1", authorized, "no target"),
        (400, "G,T /verify HTTP/1.1", authorized, "no method"),
        (501, f"{33 * 'G'} /verify HTTP/1.1", authorized, "a long method"),
    )
    for status, line, fields, why in rows:
        answer, _ = raw(port, f"{line}\r\nHost: a\r\n{fields}\r\n".encode(), until_closed=status in (400, 501))
        check(answer.startswith(b"HTTP/1.1 %d " % status), f"verify, {why}: {answer[:100]!r}")
        if status in (400, 501):
            continue  # nobody knows that it was for /verify
        check(b"Remote-User" not in answer and
              re.findall(rb"X-Who: ([^\r]*)\r\n", answer) == [b"Romel" if status == 204 else b""],
              f"verify, {why}: one X-Who: {answer[:300]!r}")
    answer, _ = raw(port, f"GET /verify HTTP/1.1\r\n{authorized}\r\n".encode())
    check(answer.startswith(b"HTTP/1.1 401 ") and b"\r\nX-Who: \r\n" in answer, f"verify, no Host: {answer[:100]!r}")
    with connect(port) as s:  # half a header section, then nothing: not 408
        s.sendall(b"GET /verify HTTP/1.1\r\nHost: a\r\n")
        check(s.recv(4096).startswith(b"HTTP/1.1 401"), "verify: no whole request in time")


# ---- behind a proxy -------------------------------------------------------------

def nginx(port, jwtd, site):
    conf = changed("nginx.conf", ("127.0.0.1:5000", f"127.0.0.1:{jwtd}"), ("127.0.0.1:8081", f"127.0.0.1:{site}"),
                   ("listen 8080", f"listen 127.0.0.1:{port}"))
    temporary = " ".join(f"{kind}_temp_path {top}/{kind};" for kind in
                         ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(f"{top}/main.conf", "w") as f:
        f.write(f"daemon off; master_process off; pid {top}/nginx.pid; error_log stderr; events {{}}\n"
                f"http {{ access_log off; {temporary} include {conf}; }}\n")
    return ("nginx", "-p", top, "-e", "stderr", "-c", f"{top}/main.conf")


def nginx_naive(port, jwtd, site):
    """As many a guide has it: what the client sent goes along to /verify, its Content-Length without its body too."""
    words = nginx(port, jwtd, site)
    text = open(f"{top}/nginx.conf").read()
    before, after = text.split("location = /.jwtd-verify {")
    inside, after = after.split("}", 1)
    with open(f"{top}/nginx.conf", "w") as f:
        f.write(before + "location = /.jwtd-verify {\ninternal;\nproxy_pass http://jwtd/verify;\n"
                "proxy_pass_request_body off;\n}" + after)
    return words


def caddy(port, jwtd, site):
    conf = changed("Caddyfile", (":8080 {", f":{port} {{\n\tbind 127.0.0.1"), ("127.0.0.1:5000", f"127.0.0.1:{jwtd}"),
                   ("127.0.0.1:8081", f"127.0.0.1:{site}"))
    text = open(conf).read()
    with open(conf, "w") as f:
        f.write("{\n\tadmin off\n}\n" + text)
    return ("caddy", "run", "--config", conf, "--adapter", "caddyfile")


def haproxy(port, jwtd, site):
    lua = changed("haproxy.lua")
    conf = changed("haproxy.cfg", ("/etc/haproxy/haproxy.lua", lua), ("127.0.0.1:5000", f"127.0.0.1:{jwtd}"),
                   ("127.0.0.1:8081", f"127.0.0.1:{site}"), ("bind :8080", f"bind 127.0.0.1:{port}"))
    return ("haproxy", "-db", "-f", conf)


def seen(answer):
    status, _, body = answer
    return json.loads(body) if status == 200 else {"status": status}


def behind(proxy):
    tool = proxy.__name__.split("_")[0]
    if not need(tool, "nginx-light" if tool == "nginx" else tool):
        return
    site = SiteServer(("127.0.0.1", 0), Site)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    port, jwtd = free_ports(1)[0], start_jwtd("--insecure-cookie", "--trusted-proxy", "127.0.0.1")
    guard, token = running[-1], token_of(jwtd)
    log = f"{top}/{proxy.__name__}.log"
    with open(log, "wb") as out:
        process = start(*proxy(port, jwtd, site.server_port), stdout=out, stderr=out,
                        env={"PATH": os.environ["PATH"], "HOME": top})
    if wait_for(port, process, log):
        through(proxy.__name__, port, jwtd)
        end(guard)
        status = curl("-H", f"Authorization: Bearer {token}", f"http://127.0.0.1:{port}/private")[0]
        same(status, {"nginx": 500, "caddy": 502, "haproxy": 503}[tool], f"{proxy.__name__}: nobody to ask")
    end(process)
    site.shutdown()


def log_in(url, jar, *words, password="pass1425", at="login"):
    return curl(*words, "--data-urlencode", "username=Romel", "--data-urlencode", f"password={password}",
                f"{url}/auth/{at}", jar=jar)


def through(name, port, jwtd):
    url, jar = f"http://127.0.0.1:{port}", f"{top}/{name}.jar"
    token, other = token_of(jwtd), token_of(jwtd, "Zoë, \"the\" 2nd")
    bearer = ("-H", f"Authorization: Bearer {token}")
    names = ["Remote-User", "remote-user"] + [f"Remote{sign}User" for sign in "_.~!#$%&'*+^`|"]  # RFC 9110 5.6.2
    forged = [word for name in names for word in ("-H", f"{name}: admin")]

    # nobody
    status, fields, _ = curl(*PAGE, f"{url}/private?a=1&b=2")
    where = urllib.parse.urlsplit(urllib.parse.urljoin(url, fields.get("location", "")))
    same((status, f"{where.scheme}://{where.netloc}{where.path}"), (302, f"{url}/auth/"), f"{name}: led to the log-in")
    same(urllib.parse.unquote(where.query.partition("=")[2]), "/private?a=1&b=2", f"{name}: and from there back")
    for words, why in (((), "a program"), ((*PAGE, "-d", "x"), "a POST"), (forged, "a forged name"),
                       (("-H", "Authorization: Bearer x"), "a wrong token"), (("-b", "jwtd=x"), "a wrong cookie"),
                       (("-b", f"jwtd={token}; jwtd={token}"), "the cookie twice"),
                       ((*bearer[:1], "Authorization: Bearer x", "-b", f"jwtd={token}"), "both, the token wrong"),
                       (("-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "-H", f"Sec-WebSocket-Key: {KEY}",
                         "-H", "Sec-WebSocket-Version: 13"), "a WebSocket"),
                       (("-X", "POST", "-d", 100000 * "x"), "a large POST")):
        same(curl(*words, f"{url}/private")[0], 401, f"{name}: nobody, {why}")
    for field in ("Cookie: a=\x01", "Cookie: jwtd=\x1b", "Authorization: Bearer \x7f"):
        answer, _ = raw(port, f"GET /private HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{field}\r\n\r\n".encode())
        check(answer[:13] in (b"HTTP/1.1 401 ", b"HTTP/1.1 400 "), f"{name}: nobody, {field!r}: {answer[:100]!r}")
    same(curl(f"{url}/auth/healthz")[0], 200, f"{name}: how jwtd is")
    for path in ("metrics", "metrics?a=1", "%6detrics", "/metrics", "./metrics", "x/../metrics", "metrics/"):
        check(curl("--path-as-is", *bearer, f"{url}/auth/{path}")[0] >= 300, f"{name}: /auth/{path} is nobody's")
    for path in ("/auth/../private", "/auth/%2e%2e/private", "//auth/../private", "/AUTH/x", "/auth"):
        answer = curl("--path-as-is", *forged, f"{url}{path}")
        check(answer[0] != 200 or b'"users"' not in answer[2], f"{name}: around the wall by {path}: {answer}")

    # somebody, by token
    same(seen(curl(*bearer, f"{url}/private?a=1&b=2")),
         {"users": ["Romel"], "method": "GET", "path": "/private?a=1&b=2", "body": ""}, f"{name}: a token")
    same(seen(curl(*bearer, *forged, f"{url}/")).get("users"), ["Romel"], f"{name}: a forged name beside a token")
    for each in names:
        for words in ((*bearer, "-H", f"{each}: admin"), ("-H", f"{each}: admin", *bearer)):
            same(seen(curl(*words, f"{url}/")).get("users"), ["Romel"], f"{name}: a forged {each} beside a token")
    for connection in ("Remote-User", "close, Remote-User", "remote-user, keep-alive"):  # RFC 9110 7.6.1: for one hop
        words = ("-H", f"Connection: {connection}")
        same(seen(curl(*bearer, *words, f"{url}/")).get("users"), ["Romel"], f"{name}: Connection: {connection}")
        same(seen(curl(*bearer, *words, *forged, f"{url}/")).get("users"), ["Romel"],
             f"{name}: Connection: {connection}, and forged names")
        same(curl(*words, *forged, f"{url}/")[0], 401, f"{name}: nobody, Connection: {connection}")
    for odd in ("{http.request.host}", "%[path]", "$host"):
        same(seen(curl("-H", f"Authorization: Bearer {token_of(jwtd, odd)}", f"{url}/")).get("users"), [odd],
             f"{name}: a name that the proxy could take for its own")
    same(seen(curl("-H", f"Authorization: Bearer {other}", f"{url}/")).get("users"),
         ["Zoë, \"the\" 2nd".encode().decode("latin-1")], f"{name}: a name in UTF-8")
    same(curl(*bearer, "-I", f"{url}/private")[0], 200, f"{name}: HEAD")
    for size in (0, 5, 100000, 900000):
        body = size * "x"
        with open(f"{top}/body", "w") as f:
            f.write(body)
        for words in ((), ("-H", "Transfer-Encoding: chunked")):
            got = seen(curl(*bearer, *words, "--data-binary", f"@{top}/body", f"{url}/private"))
            check(got.get("body") == body and got["method"] == "POST" and got["users"] == ["Romel"],
                  f"{name}: POST of {size} {words}: {str(got)[:200]}")
    for connection in ("Upgrade", "Upgrade, Remote-User"):
        with connect(port) as s:
            s.sendall(f"GET /socket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: {connection}\r\n"
                      f"Upgrade: websocket\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n"
                      f"Authorization: Bearer {token}\r\n\r\n".encode())
            answer = b""
            while not re.search(b"user=[^;]*;", answer) and (part := s.recv(4096)):
                answer += part
            check(answer.startswith(b"HTTP/1.1 101") and b"user=Romel;" in answer,
                  f"{name}: a WebSocket, Connection: {connection}: {answer!r}")
            s.sendall(b"ping")
            check(s.recv(4096).endswith(b"ping"), f"{name}: a WebSocket goes both ways")

    # somebody, by log-in and cookie
    status, fields, _ = log_in(url, jar, *SAME, "--data-urlencode", "next=/private?a=1&b=2")
    same((status, fields.get("location")), (303, "/private?a=1&b=2"), f"{name}: log in, and on")
    same(seen(curl(f"{url}/private?a=1&b=2", jar=jar)).get("users"), ["Romel"], f"{name}: the cookie")
    same(seen(curl(*forged, f"{url}/private", jar=jar)).get("users"), ["Romel"], f"{name}: a forged name beside a cookie")
    for path in ("/100%25", "/search?q=a%26b", "/a?b=%2B1", "/%2fa", "/a%20b+c", "/%C3%BC?%", "/%0d%0aX:%20y", "/%5Cevil"):
        there = urllib.parse.urljoin(url, curl(*PAGE, f"{url}{path}")[1].get("location", ""))
        status, fields, _ = log_in(url, f"{jar}6", *SAME, "-e", there)
        same((status, fields.get("location")), (303, path), f"{name}: led to {there}, and back")
        status, fields, _ = log_in(url, f"{jar}7", *SAME, "-e", there, password="wrong")
        there = urllib.parse.urljoin(there, fields.get("location", "")).partition("#")[0]
        status, fields, _ = log_in(url, f"{jar}7", *SAME, "-e", there)
        same((status, fields.get("location")), (303, path), f"{name}: back from {there}")
    for came, to in ((url, "/private?a=1&b=2"), ("http://evil", "/")):  # without JavaScript a form has no next
        answer = log_in(url, f"{jar}5", *SAME, "-e", f"{came}/auth/?next=/private?a=1&b=2")
        same((answer[0], answer[1].get("location")), (303, to), f"{name}: log in, come from {came}")
    same(curl("-X", "POST", f"{url}/auth/logout", jar=jar)[0], 403, f"{name}: nobody else logs out")
    status, fields, _ = curl(*SAME, "-d", "next=/bye", f"{url}/auth/logout", jar=jar)
    same((status, fields.get("location")), (303, "/bye"), f"{name}: log out")
    same(curl(f"{url}/private", jar=jar)[0], 401, f"{name}: out")
    for following in ("//evil", "/\\evil", "https://evil", "/\t/evil", "/%0d%0aSet-Cookie: a=b", ""):
        status, fields, _ = log_in(url, f"{jar}2", *SAME, "--data-urlencode", f"next={following}")
        to = urllib.parse.urlsplit(urllib.parse.urljoin(url, fields.get("location", "?")))
        check(status == 303 and to.netloc == f"127.0.0.1:{port}" and (to.path == "/" or "%0d" in following),
              f"{name}: next={following!r}: {fields.get('location')!r}")
    status, fields, _ = log_in(url, f"{jar}3", *SAME, "--data-urlencode", "next=/private?a=1&b=2", password="wrong")
    same((status, urllib.parse.urljoin(f"{url}/auth/login", fields.get("location", ""))),
         (303, f"{url}/auth/?error=password&next=%2Fprivate%3Fa%3D1%26b%3D2#error-password"), f"{name}: a wrong password")
    for words, status, why in (((), 403, "without Origin"), (("-H", "Origin: https://evil"), 403, "from elsewhere"),
                               (("-H", "Origin: null"), 403, "from nowhere"),
                               (("-H", "Sec-Fetch-Site: cross-site", "-H", f"Origin: {url}"), 403, "cross-site"),
                               (("-H", f"Origin: {url}"), 303, "with Origin")):
        same(log_in(url, f"{jar}4", *words)[0], status, f"{name}: a form {why}")


parts = [verify_announced, verify_statuses, nginx, nginx_naive, caddy, haproxy]

watch(300)
for part in chosen(parts, sys.argv[3:]):
    if part.__name__.startswith("verify"):
        attempt(part)
    else:
        attempt(behind, part)
finish()
