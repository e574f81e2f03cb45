#!/bin/sh
# services.sh - the service files in contrib/ as their own tools see them. (What a service manager says and hears:
# lifecycle.py, inherited and upgrade.)

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
cd "$top" || exit 1

if need systemd-analyze systemd; then
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
if need shellcheck shellcheck; then
    shellcheck -s sh contrib/jwtd.openrc contrib/jwtd.procd >"$dir/log" 2>&1
    verdict "shellcheck on the scripts for OpenRC and procd" $?
fi
# shellcheck disable=SC2046 # many options
"$JWTD_BIN" $(sed -n 's|.* command /usr/bin/jwtd||p' contrib/jwtd.procd) --version >"$dir/log" 2>&1
verdict "procd's options are options" $?
finish
