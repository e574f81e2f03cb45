# shellcheck shell=bash
# For the scripts of bench/: the short form, builds, servers, and what is missing.
# shellcheck disable=SC2034 # the scripts use them
set -eu
jwtd=${JWTD_BIN-} # measures this one instead of one built here
unset MAKEFLAGS "${!JWTD_@}"
bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=${bench%/*}
build=${BENCH_BUILD:-$top/build}
python=${PYTHON:-/usr/bin/python3} # the one that has Debian's Flask
export JWTD_SECRET=0123456789abcdef0123456789abcdef
ulimit -n "$(ulimit -Hn)"
dir=$(mktemp -d)
export TMPDIR=$dir PYTHONDONTWRITEBYTECODE=1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

# -q: the short form, which shows that all works but measures little.
quick='' short=()
if [ "${1-}" = -q ]; then
    shift
    quick=1 short=(--rounds 1 --secs 1 --warm 0 --retries 0)
fi

# need WHAT PACKAGE COMMAND...: the command shows whether it is there.
need() {
    "${@:3}" >/dev/null 2>&1 || { echo "SKIP $1: package $2"; return 1; }
}
has() { need "$1" "$2" command -v "$1"; }

# build_jwtd FOLDER ARGUMENT...: sets `built`.
build_jwtd() {
    built=${jwtd:-$build/$1/jwtd}
    [ -z "$jwtd" ] || return 0
    make -s -C "$top" BUILD="$build/$1" "${@:2}" "$built"
}

# add NAME...: puts servers that are there into `servers`, as harness.py takes them.
servers=()
add() {
    local name loops
    for name; do
        case $name in
        limit)
            mkdir -p "$build/bench"
            cc -O2 -pthread -o "$build/bench/limit" "$bench/limit.c"
            servers+=("limit!='$build/bench/limit' -t 1 -m {mode} -p {port}")
            ;;
        jwtd*)
            loops=0
            if [ "$name" = jwtd-musl ]; then
                has musl-gcc musl-tools || continue
                build_jwtd bench-musl CC=musl-gcc
            else
                build_jwtd bench
            fi
            [ "$name" != jwtd-1 ] || loops=1
            mkdir -p "$dir/$name"
            servers+=("$name=env 'STATE_DIRECTORY=$dir/$name' '$built' --listen 127.0.0.1:{port} --loops $loops")
            ;;
        nginx)
            has nginx nginx || continue
            servers+=("nginx!='$bench/peers/nginx' constant {port}")
            ;;
        njs)
            has nginx nginx || continue
            need njs libnginx-mod-http-js test -e /usr/lib/nginx/modules/ngx_http_js_module.so || continue
            servers+=("njs='$bench/peers/nginx' njs {port}")
            ;;
        node)
            has node nodejs || continue
            servers+=("node=node '$bench/peers/node.mjs' {port}")
            ;;
        flask)
            need flask "python3-flask python3-jwt python3-gunicorn" "$python" -c 'import flask, jwt, gunicorn' || continue
            servers+=("flask='$python' -m gunicorn -w 2 -b 127.0.0.1:{port} --log-level error
                --chdir '$bench/peers' flask_app:app")
            ;;
        esac
    done
}

probe() { "$bench/probe.py" "$@"; }
harness() { "$bench/harness.py" "$@" "${servers[@]}"; }
