"""The tutorial application that jwtd replaces, as its guide gives it, to test against.

One thing is mended: the guide sends "Bearer TOKEN", and its code took only the
bare token. The rest is as it was, crashes and holes included. Its key is
JWTD_SECRET; it listens on 127.0.0.1 at a port of its own choice.
"""

import datetime
import logging
import os
import sys

import jwt
from flask import Flask, jsonify, request
from werkzeug.security import check_password_hash, generate_password_hash
from werkzeug.serving import make_server

app = Flask(__name__)
app.config["SECRET_KEY"] = os.environ.get("JWTD_SECRET", "your_secret_key")

HASH_METHOD = "pbkdf2:sha256:1000"  # cheap: this is a test

users = {}


def make_token(username):
    expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    return jwt.encode({"sub": username, "exp": expires}, app.config["SECRET_KEY"], algorithm="HS256")


def log_in(message):
    data = request.get_json()
    username = data["username"]
    password = data["password"]
    if username not in users:
        return jsonify({"error": "User not found"}), 404
    if not check_password_hash(users[username], password):
        return jsonify({"error": "Invalid password"}), 401
    return jsonify({"message": message, "token": make_token(username)}), 200


@app.route("/register", methods=["POST"])
def register():
    data = request.get_json()
    username = data["username"]
    password = data["password"]
    if username in users:
        return jsonify({"error": "Username already exists"}), 400
    users[username] = generate_password_hash(password, method=HASH_METHOD)
    return jsonify({"message": "User registered successfully"}), 201


@app.route("/login", methods=["POST"])
def login():
    return log_in("Login successful")


@app.route("/set-jwt", methods=["POST"])
def set_jwt():
    return log_in("JWT created")


@app.route("/get-jwt", methods=["GET"])
def get_jwt():
    token = request.headers.get("Authorization")
    if not token:
        return jsonify({"error": "Token is missing"}), 400
    scheme, _, rest = token.partition(" ")
    if scheme.lower() == "bearer":  # the mend
        token = rest.strip()
    try:
        data = jwt.decode(token, app.config["SECRET_KEY"], algorithms=["HS256"])
        return jsonify({"message": "Token is valid", "user": data["sub"]}), 200
    except jwt.ExpiredSignatureError:
        return jsonify({"error": "Token has expired"}), 401
    except jwt.InvalidTokenError:
        return jsonify({"error": "Invalid token"}), 401


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    print(f"original: ready on http://127.0.0.1:{server.server_port}", file=sys.stderr, flush=True)
    server.serve_forever()
