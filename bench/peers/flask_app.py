"""tests/original.py for gunicorn, with passwords hashed at the cost that jwtd has: scrypt from hashlib where
this Werkzeug has none (before 2.3). Every worker knows the account "bench", since each keeps its own."""
import hashlib
import hmac
import os
import secrets
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests"))
import original
from original import app  # noqa: F401 gunicorn's

N, R, P = 32768, 8, 1


def scrypt(password, salt):
    return hashlib.scrypt(password.encode(), salt=salt.encode(), n=N, r=R, p=P, maxmem=132 * N * R * P).hex()


def generate(password, method):
    salt = secrets.token_hex(8)
    return f"{method}${salt}${scrypt(password, salt)}"


def check(string, password):
    _, salt, key = string.split("$")
    return hmac.compare_digest(key, scrypt(password, salt))


original.HASH_METHOD = f"scrypt:{N}:{R}:{P}"
try:
    original.generate_password_hash("", method=original.HASH_METHOD)
except ValueError:
    original.generate_password_hash, original.check_password_hash = generate, check

original.users["bench"] = original.generate_password_hash("pass1425", method=original.HASH_METHOD)
