#!/bin/sh
# memory.sh - README's formula for memory, with the musl build: a limit of exactly that (ulimit -v), every descriptor in
# use, and nothing runs out of memory. lifecycle.py (`memory`, `compacted`, `no_memory`) says how.

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
need musl-gcc musl-tools || finish
make -s -C "$top" CC=musl-gcc BUILD=build/musl build/musl/jwtd || { fail "the musl build"; finish; }
JWTD_BIN=$top/build/musl/jwtd
become lifecycle memory compacted no_memory
