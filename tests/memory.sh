#!/bin/sh
# memory.sh - README's formula for memory, with the musl build: a limit of exactly that (ulimit -v), every descriptor in
# use, and nothing lacks memory. lifecycle.py (`memory`, `no_memory`) says with what.
cd "$(dirname "$0")/.." || exit 1
if ! command -v musl-gcc >/dev/null; then
    echo "SKIP memory: package musl-tools"
    [ -z "${CI-}" ] && { echo "0 passed, 0 failed, 1 skipped"; exit 0; }
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi
make -s CC=musl-gcc BUILD=build/musl build/musl/jwtd || exit 1
JWTD_BIN=build/musl/jwtd exec tests/lifecycle.sh memory no_memory
