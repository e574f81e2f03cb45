#!/bin/sh
# services.sh - the service files in contrib/ as their own tools see them. (What a service manager says and hears:
# lifecycle.py, inherited and upgrade.)
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0 skipped=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
have() { # tool, Debian's package
    command -v "$1" >/dev/null && return 0
    echo "SKIP $1: package $2"
    if [ "${CI-}" ]; then failed=$((failed + 1)); else skipped=$((skipped + 1)); fi
    return 1
}
verdict() { # what, 0 if it is right
    if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL $1"; cat "$dir/log"; fi
}

if have systemd-analyze systemd; then
    # under its own name elsewhere: it names a binary and a man page that need not be installed here
    cp contrib/jwtd.socket "$dir"
    sed "s|^ExecStart=jwtd|ExecStart=$(command -v true)|" contrib/jwtd.service >"$dir/jwtd.service"
    systemd-analyze verify --man=no "$dir/jwtd.service" "$dir/jwtd.socket" >"$dir/log" 2>&1
    verdict "systemd-analyze verify" $?
    [ ! -s "$dir/log" ]
    verdict "systemd-analyze verify says nothing" $?
    systemd-analyze security --offline=yes --threshold=15 contrib/jwtd.service >"$dir/log" 2>&1
    verdict "the exposure that systemd-analyze security sees is at most 1.5" $?
fi
if have shellcheck shellcheck; then
    shellcheck -s sh contrib/jwtd.openrc contrib/jwtd.procd >"$dir/log" 2>&1
    verdict "shellcheck on the scripts for OpenRC and procd" $?
fi
# shellcheck disable=SC2046 # many options
"${JWTD_BIN:-./jwtd}" $(sed -n 's|.* command /usr/bin/jwtd||p' contrib/jwtd.procd) --version >"$dir/log" 2>&1
verdict "procd's options are options" $?
printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
[ $failed -eq 0 ]
