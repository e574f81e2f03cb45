"""common.py - what the suites in Python share: counts, what is missing, what runs, tokens, and how they end.

A suite ends with finish(), whatever happens, be it a signal or the alarm of watch(): what still runs is killed, its
files are removed and the closing line is printed. Standard library only."""
import base64
import contextlib
import hashlib
import hmac
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

# without what is meant for another server, or another make
ENV = {k: v for k, v in os.environ.items() if not k.startswith(("JWTD_", "MAKE")) and k != "STATE_DIRECTORY"}

count = {"passed": 0, "failed": 0, "skipped": 0}
lock = threading.RLock()  # a signal may come to who holds it
running = []   # processes
cleanups = []  # what is to be called before these are killed
scratches = []


# ---- counts ------------------------------------------------------------------

def check(right, what):
    with lock:
        count["passed" if right else "failed"] += 1
        if not right:
            print("FAIL", what[:5000], flush=True)


def same(got, expected, what):
    check(got == expected, f"{what}: {got!r:.2000}, not {expected!r:.2000}")


def skip(why, fails_on_ci=True):
    """What can't run here. On CI it must, unless it is about the machine and not about what is installed."""
    if fails_on_ci and os.environ.get("CI") == "true":
        return check(False, why)
    with lock:
        count["skipped"] += 1
        print("SKIP", why, flush=True)


def need(tool, package):
    """Whether it is there."""
    there = shutil.which(tool) is not None
    if not there:
        skip(f"{tool}: package {package}")
    return there


# ---- files, processes, time ----------------------------------------------------

def scratch(in_memory=False):
    """A folder, of which finish() sees to the end."""
    name = os.path.basename(sys.argv[0]).removesuffix(".py")
    where = "/dev/shm" if in_memory and os.access("/dev/shm", os.W_OK) else None
    scratches.append(tempfile.mkdtemp(prefix=f"jwtd-{name}-", dir=where))
    return scratches[-1]


def read(path):
    with open(path, "rb") as f:
        return f.read()


def start(*words, **how):
    """A process, of which finish() sees to the end."""
    process = subprocess.Popen(words, **{"stdin": subprocess.DEVNULL, **how})
    running.append(process)
    return process


def end(process, number=signal.SIGTERM):
    """Ends it, also where it is stopped, or does not hear."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGCONT)
        process.send_signal(number)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_ports(n):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(n)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


def until(wanted, what, seconds=30, passing=()):
    """Asks again until the answer is true, also after errors that pass: how many seconds that took."""
    start_of = time.monotonic()
    while True:
        with contextlib.suppress(*passing):
            if wanted():
                return time.monotonic() - start_of
        if time.monotonic() - start_of > seconds:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.01)


# ---- tokens, by Python's hmac ----------------------------------------------------

def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def segment(part):
    """Bytes are taken as they are."""
    return base64url(part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode())


def signed(text, key):
    key = key if isinstance(key, bytes) else key.encode()
    return f"{text}.{base64url(hmac.new(key, text.encode(), hashlib.sha256).digest())}"


def make_token(key, claims, header=None):
    return signed(f'{segment(header or {"alg": "HS256", "typ": "JWT"})}.{segment(claims)}', key)


# ---- parts, and the end ------------------------------------------------------------

def chosen(parts, names):
    """Those that are named, or all."""
    known = [part.__name__ for part in parts]
    if not set(names) <= set(known):
        check(False, f"parts are {' '.join(known)}")
    return [part for part in parts if not names or part.__name__ in names]


def attempt(part, *arguments):
    """Whether it went through: an exception, mostly a timeout, is a failure. TEST_TIMES=1 says how long each takes."""
    start_of = time.monotonic()
    try:
        part(*arguments)
        return True
    except Exception:
        check(False, f"{part.__name__}: {traceback.format_exc()}")
        return False
    finally:
        if os.environ.get("TEST_TIMES"):
            print(f"{time.monotonic() - start_of:6.2f} s {part.__name__}", flush=True)


def finish():
    for cleanup in cleanups:
        cleanup()
    for process in running:
        process.kill()
    for process in running:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
    for folder in scratches:
        shutil.rmtree(folder, ignore_errors=True)
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**count), flush=True)
    os._exit(count["failed"] > 0 or count["passed"] + count["skipped"] == 0)


def watch(seconds):
    """From here on the suite is stuck after so many, and a signal ends it too."""
    def give_up(number, _):
        check(False, f"stopped by signal {number}, or not done in {seconds} seconds")
        finish()
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, give_up)
    signal.alarm(seconds)


def run_parts(parts, names, seconds):
    """All of a suite. Does not return."""
    watch(seconds)
    for part in chosen(parts, names):
        attempt(part)
    finish()
