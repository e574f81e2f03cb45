# shellcheck shell=bash
# For flask.sh, interop.sh and openapi.sh: counts, servers, and what is missing.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
JWTD_BIN=${JWTD_BIN:-$top/jwtd}
PYTHON=${PYTHON:-/usr/bin/python3}
for name in "${!JWTD_@}"; do [ "$name" = JWTD_BIN ] || unset "$name"; done
passed=0 failed=0 skipped=0 running=()
dir=$(mktemp -d) || exit 1

pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "FAIL $1"; }

# What can't run here; on CI everything must.
skip() {
    if [ "${CI-}" = true ]; then fail "$1"; else skipped=$((skipped + 1)); echo "SKIP $1"; fi
}

# need WHAT DEBIAN_PACKAGE COMMAND...: the command shows whether it is there.
need() {
    local what=$1 package=$2
    shift 2
    "$@" >/dev/null 2>&1 || { skip "$what: package $package"; return 1; }
}
need_python() { need "$1" "$2" "$PYTHON" -c "import $1"; }

# start COMMAND...: runs a server; sets url once it has said that it is ready.
start() {
    local fifo line fd
    fifo=$(mktemp -u "$dir/stderr.XXXXXX")
    url=
    mkfifo "$fifo"
    "$@" 2>"$fifo" &
    running+=($!)
    exec {fd}<"$fifo"
    while read -r -t 10 -u "$fd" line; do
        printf '%s\n' "$line" >>"$dir/log"
        case $line in *': ready on http://'*) url=${line##* }; break ;; esac
    done
    [ -n "$url" ] || { fail "no server: $*"; cat "$dir/log"; finish; }
    cat <&"$fd" >>"$dir/log" &
}

stop() {
    local pid
    for pid in "${running[@]}"; do kill "$pid" && wait "$pid"; done 2>/dev/null
    running=()
}

# peer COMMAND...: counts the checks that it prints.
peer() {
    local line ran=0
    while IFS= read -r line; do
        case $line in
        'ok '*) pass && ran=1 ;;
        'FAIL '*) fail "${line#FAIL }" ;;
        *) printf '%s\n' "$line" ;;
        esac
    done < <("$@" 2>&1 || echo "FAIL $* ended with status $?")
    [ "$ran" -eq 1 ] || fail "$*: nothing is right"
}

finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ] && [ $((passed + skipped)) -gt 0 ]
    exit
}

# shellcheck disable=SC2154 # the trap sets it
trap 'status=$?; stop; rm -rf "$dir"; exit "$status"' EXIT
trap 'exit 1' HUP INT TERM
