"""Python's side of interop.sh.

  interop.py accounts FILE    writes accounts with Werkzeug's hash strings
  interop.py hashes URL FILE  logs in to them; checks jwtd's strings with Werkzeug
  interop.py issued BINARY FILE  PyJWT reads what `jwtd token issue` makes for these accounts
  interop.py tokens URL       PyJWT reads jwtd's tokens, jwtd reads PyJWT's

The key is JWTD_SECRET. Prints a line for each check: ok NAME, or FAIL NAME: WHY.
"""

import hashlib
import http.client
import json
import os
import subprocess
import sys
import time
import urllib.parse

KEY = os.environb[b"JWTD_SECRET"]

NAMES = [
    "Romel",
    "ünï\u00a0é",
    "日本語 😀 \U0010ffff",
    "\"quoted\" \\back\\ /slash/ <b>&amp;'",
    " spaces around ",
    "\u2028\u2029\ufeff\uffff",
    "x" * 255,
]


def check(name, right, why=""):
    print(f"ok {name}" if right else f"FAIL {name}: {why}", flush=True)


def ask(url, method, path, body=None, token=None):
    """The status and the JSON of the answer."""
    headers = {}
    if body is not None:
        headers["Content-Type"] = "application/json"
        body = json.dumps(body)
    if token is not None:
        headers["Authorization"] = "Bearer " + token
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    text = response.read()
    connection.close()
    try:
        return response.status, json.loads(text)
    except ValueError:
        return response.status, text


# --- Password hashes

LONG = "more than the 64 bytes of a block, " * 10
ACCOUNTS = [  # name, password, method
    ("pbkdf2", "pass1425", "pbkdf2:sha256"),
    ("pbkdf2-1000", "pässwörd 😀", "pbkdf2:sha256:1000"),
    ("pbkdf2-long", LONG, "pbkdf2:sha256:1"),
    ("scrypt", "pass1425", "scrypt"),
    ("scrypt-weak", "pässwörd 😀", "scrypt:1024:4:3"),
    ("ünï 😀 scrypt", LONG, "scrypt:16384:8:1"),
]


def scrypt(method, salt, password):
    """Werkzeug's scrypt string. Werkzeug has it since 2.3; before that the same
    function of Python makes the same string."""
    n, r, p = (int(x) for x in (method.split(":")[1:] or (32768, 8, 1)))
    key = hashlib.scrypt(password.encode(), salt=salt.encode(), n=n, r=r, p=p, maxmem=132 * n * r * p)
    return f"scrypt:{n}:{r}:{p}${salt}${key.hex()}"


def knows_scrypt():
    from werkzeug.security import generate_password_hash

    try:
        return generate_password_hash("x", method="scrypt:16:1:1").startswith("scrypt")
    except ValueError:
        return False


def werkzeug_makes(password, method):
    from werkzeug.security import gen_salt, generate_password_hash

    if method.startswith("scrypt") and not knows_scrypt():
        return scrypt(method, gen_salt(16), password)
    return generate_password_hash(password, method=method)


def werkzeug_checks(string, password):
    from werkzeug.security import check_password_hash

    method, salt, _ = string.split("$")
    if method.startswith("scrypt") and not knows_scrypt():
        return string == scrypt(method, salt, password)
    return check_password_hash(string, password)


def accounts(path):
    with open(path, "w", encoding="utf-8") as file:
        for name, password, method in ACCOUNTS:
            line = {"username": name, "password": werkzeug_makes(password, method)}
            print(json.dumps(line, ensure_ascii=False), file=file)


def stored(path):
    """The hash string of each account; its last line counts."""
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    return {line["username"]: line["password"] for line in lines}


def hashes(url, path):
    before = stored(path)
    for name, password, _ in ACCOUNTS:
        body = {"username": name, "password": password}
        answer = ask(url, "POST", "/login", body)
        check(f"Werkzeug's {before[name].split('$')[0]}", answer[0] == 200, answer)
        answer = ask(url, "POST", "/login", {"username": name, "password": password + "x"})
        check(f"{name}, wrong password", answer == (401, {"error": "Invalid password"}), answer)
        answer = ask(url, "POST", "/register", body)
        check(f"{name} is taken", answer == (400, {"error": "Username already exists"}), answer)
    for i, password in enumerate(["pass1425", "pässwörd 😀", LONG, "é" * 512]):
        answer = ask(url, "POST", "/register", {"username": f"ours-{i}", "password": password})
        check(f"register ours-{i}", answer[0] == 201, answer)
    after = stored(path)
    for i, password in enumerate(["pass1425", "pässwörd 😀", LONG, "é" * 512]):
        string = after.get(f"ours-{i}", "no$such$account")
        check(f"Werkzeug checks ours-{i}", werkzeug_checks(string, password), string)
        check("and refuses another password", not werkzeug_checks(string, password + "x"), string)
    for name, password, _ in ACCOUNTS:
        string = after[name]
        check(f"Werkzeug checks {name} after the login", werkzeug_checks(string, password), string)


# --- Tokens


def tokens(url):
    import jwt

    for name in NAMES:
        body = {"username": name, "password": "pass1425"}
        ask(url, "POST", "/register", body)
        for path in "/login", "/set-jwt":
            status, answer = ask(url, "POST", path, body)
            if status != 200:
                check(f"{path} {name!a}", False, (status, answer))
                continue
            token = answer["token"]
            claims = jwt.decode(token, KEY, algorithms=["HS256"], options={"require": ["exp", "sub"]})
            check(f"PyJWT reads {name!a}", claims["sub"] == name, claims)
            same = jwt.encode({"sub": name, "exp": claims["exp"]}, KEY, algorithm="HS256")
            check(f"PyJWT writes {name!a} too", same == token, f"{same} is not {token}")
            answer = ask(url, "GET", "/get-jwt", token=token)
            check(f"/get-jwt {name!a}", answer == (200, {"message": "Token is valid", "user": name}), answer)

    now = int(time.time())
    plain = {"sub": "Romel", "exp": now + 600}
    valid = (200, {"message": "Token is valid", "user": "Romel"})
    invalid = (401, {"error": "Invalid token"})
    expired = (401, {"error": "Token has expired"})
    for name, claims, extra, wanted in [
        ("plain", plain, {}, valid),
        ("exp with a fraction", {**plain, "exp": now + 600.5}, {}, valid),
        ("exp far away", {**plain, "exp": 2**53}, {}, valid),
        ("nbf and iat", {**plain, "nbf": now - 1, "iat": now - 1}, {}, valid),
        ("nbf with a fraction", {**plain, "nbf": now - 0.5}, {}, valid),
        ("more claims", {"jti": "1", "iss": "PyJWT", "x": {"y": [1, None, {}]}, **plain}, {}, valid),
        ("kid", plain, {"headers": {"kid": "kéy"}}, valid),
        ("another typ", plain, {"headers": {"typ": "at+jwt"}}, valid),
        ("unicode", {**plain, "sub": NAMES[2]}, {}, (200, {**valid[1], "user": NAMES[2]})),
        ("expired", {**plain, "exp": now - 1}, {}, expired),
        ("expired by now", {**plain, "exp": now}, {}, expired),
        ("nbf to come", {**plain, "nbf": now + 300}, {}, invalid),
        ("iat to come", {**plain, "iat": now + 300}, {}, invalid),
        ("for another aud", {**plain, "aud": ["x"]}, {}, invalid),
        ("HS384", plain, {"algorithm": "HS384"}, invalid),
        ("HS512", plain, {"algorithm": "HS512"}, invalid),
        ("none", plain, {"key": None, "algorithm": "none"}, invalid),
        ("another key", plain, {"key": KEY + b"x"}, invalid),
        ("no exp", {"sub": "Romel"}, {}, invalid),
        ("no sub", {"exp": now + 600}, {}, invalid),
    ]:
        token = jwt.encode(claims, **{"key": KEY, "algorithm": "HS256", **extra})
        answer = ask(url, "GET", "/get-jwt", token=token)
        check(f"PyJWT's token, {name}", answer == wanted, answer)


def issued(binary, path):
    import jwt

    for name, more in (("ours-0", []), (ACCOUNTS[-1][0], []), ("ours-0", ["--ttl", "7"]), (ACCOUNTS[-1][0], ["--ttl=7"])):
        said = subprocess.run([binary, "token", "issue", "--users", path, *more, "--", name], stdout=subprocess.PIPE,
                              env={**os.environ, "JWTD_SECRET": os.fsdecode(KEY)}, check=False)
        token = said.stdout.decode().strip()
        try:
            claims = jwt.decode(token, KEY, algorithms=["HS256"], options={"require": ["exp", "sub"]})
        except jwt.InvalidTokenError as error:
            check(f"token issue {name!a} {more}", False, error)
            continue
        check(f"PyJWT reads a token issued for {name!a} {more}", claims["sub"] == name and ("iat" in claims) == bool(more)
              and (not more or claims["exp"] == claims["iat"] + 7), claims)
        check("PyJWT writes it too", jwt.encode(claims, KEY, algorithm="HS256") == token, claims)


{"accounts": accounts, "hashes": hashes, "issued": issued, "tokens": tokens}[sys.argv[1]](*sys.argv[2:])
