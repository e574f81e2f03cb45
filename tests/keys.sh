#!/bin/sh
# keys.sh [PART...] - the key file, its rotation, tokens from the shell, and a clock that stands too early: keys.py says
# with what. Only Python's standard library is needed.
#
#   JWTD_BIN=FILE  the server (./jwtd)
#   PYTHON=FILE    the interpreter (/usr/bin/python3)
#   CI=true        what can't run here is a failure, not skipped
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
exec "$python" "$top/tests/keys.py" "$bin" "$@"
