# shellcheck shell=sh
# common.sh - what the suites share: counts, what is missing, and how they end. Sourced, by sh and by bash.
#
#   JWTD_BIN=FILE  the server (./jwtd)
#   PYTHON=FILE    the interpreter (/usr/bin/python3)
#   CI=true        what can't run here is a failure, not skipped
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
JWTD_BIN=${JWTD_BIN:-$top/jwtd}
case $JWTD_BIN in /*) ;; *) JWTD_BIN=$PWD/$JWTD_BIN ;; esac
PYTHON=${PYTHON:-/usr/bin/python3}
PATH=$PATH:/usr/sbin # haproxy, nginx and mkfs.ext4 are there
passed=0 failed=0 skipped=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "FAIL $1"; }

# skip WHY: what can't run here; on CI everything must.
skip() {
    if [ "${CI-}" = true ]; then fail "$1"; else skipped=$((skipped + 1)); echo "SKIP $1"; fi
}

# need WHAT PACKAGE [COMMAND...]: whether it is there, as the command shows; without one, WHAT is a command's name.
need() {
    lacking="$1: package $2"
    [ $# -gt 2 ] || set -- "$1" "$2" command -v "$1"
    shift 2
    "$@" >/dev/null 2>&1 || { skip "$lacking"; return 1; }
}

# verdict WHAT STATUS [SEEN]: counts it as right if the status is 0. Else it says what was seen, or how $dir/log ends:
# without the closing line of what ran there, which is not this suite's.
verdict() {
    if [ "$2" -eq 0 ]; then
        pass
    else
        fail "$1: ${3-$(grep -vE '^[0-9]+ passed, ' "$dir/log" | tail -n 20)}"
    fi
}

finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ] && [ $((passed + skipped)) -gt 0 ]
    exit
}

# at_once PART...: ends this suite, which runs itself once for each part, all at the same time: their rows, and one line
# for all that they counted.
at_once() {
    # shellcheck disable=SC2016 # the other shell's
    printf '%s\n' "$@" | # no &, with which a part would outlive a ^C
        xargs -P $# -I '{}' sh -c '"$1" "$2" >"$3/$2" 2>&1' sh "$top/tests/${0##*/}" '{}' "$dir"
    for part; do
        awk '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { line = $0; next } { print }
            END { print line ? line : "FAIL it did not end\n0 passed, 1 failed, 0 skipped" }' "$dir/$part" >"$dir/rows"
        sed '$d' "$dir/rows"
        # shellcheck disable=SC2046 # three numbers
        set -- $(tail -n 1 "$dir/rows" | tr -dc '0-9 ')
        passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
    done
    finish
}

# count WHOSE: the rows in $dir/rows, and what their last line counts
count() {
    sed "\$d; s/^FAIL /&$1: /" "$dir/rows"
    # shellcheck disable=SC2046 # three numbers
    set -- "$1" $(tail -n 1 "$dir/rows" | sed -n '/^[0-9]* passed, /p' | tr -dc '0-9 ')
    [ $# -eq 4 ]
    verdict "$1 comes to its end" $? "$(tail -n 1 "$dir/rows")"
    passed=$((passed + ${2-0})) failed=$((failed + ${3-0})) skipped=$((skipped + ${4-0}))
}

# in_machine TREE INIT COMMAND...: COMMAND, a part of this suite, in a throw-away machine: see boot.sh
in_machine() {
    tree=$1 init=$2
    shift 2
    if "$top/tests/boot.sh" none "$tree" true >"$dir/log" 2>&1; then
        "$top/tests/boot.sh" "$init" "$tree" "$@" >"$dir/rows" 2>&1
        count "$init"
    else
        skip "a machine with $init, which needs root and namespaces: $(tail -n 1 "$dir/log")"
    fi
}

# become NAME ARGUMENT...: goes on as NAME.py, which is told the server's file first.
become() {
    [ -x "$JWTD_BIN" ] || { fail "there is no $JWTD_BIN: make jwtd"; finish; }
    need "$PYTHON" 'python3, or PYTHON names another' "$PYTHON" -c 'import socket' || finish
    suite=$top/tests/$1.py
    shift
    rmdir "$dir"
    exec "$PYTHON" -B "$suite" "$JWTD_BIN" "$@" # -B: leaves no __pycache__ there
}
