# shellcheck shell=bash
# For the bash scripts that ask servers and peers: flask.sh, interop.sh, openapi.sh, browser.sh and tour.sh.

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
for name in "${!JWTD_@}"; do [ "$name" = JWTD_BIN ] || unset "$name"; done
running=()

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

trap 'stop; rm -rf "$dir"' EXIT
