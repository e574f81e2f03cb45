#!/bin/sh
# durability.sh - is every account that was acknowledged there afterwards? Cuts the
# power, kills, lets system calls and memory fail: durability.py says how. As root,
# for the power cuts: they mount a file system of their own.
#
#   JWTD_BIN=FILE    the server (./jwtd)
#   PYTHON=FILE      the interpreter (/usr/bin/python3)
#   CC=COMMAND       builds the mutants, which the tests must catch (cc)
#   DURABILITY=long  more cuts and kills
#   CI=true          what can't run here is a failure, not skipped
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
bin=${JWTD_BIN:-$top/jwtd}
case $bin in /*) ;; *) bin=$PWD/$bin ;; esac
python=${PYTHON:-/usr/bin/python3}

if [ ! -x "$bin" ]; then
    echo "FAIL there is no $bin: make jwtd"
    echo '0 passed, 1 failed, 0 skipped'
    exit 1
elif ! "$python" -c 'import socket' 2>/dev/null; then
    [ "${CI-}" = true ] && counts='0 passed, 1 failed, 0 skipped' word=FAIL
    echo "${word:-SKIP} no $python: package python3, or PYTHON names another"
    echo "${counts:-0 passed, 0 failed, 1 skipped}"
    exit 1
fi
exec "$python" "$top/tests/durability.py" "$bin" "$@"
