#!/bin/sh
# deb.sh - make deb: lintian finds nothing, installing starts and enables nothing, purging leaves nothing behind; the
# last two without a systemd, and with one that runs as process 1 of a throw-away machine (boot.sh).

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
cd "$top" || exit 1

# inside: /jwtd.deb where systemd runs
active() { systemctl is-active jwtd.service jwtd.socket | sort -u; }
within() {
    mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates
    touch /var/lib/dpkg/status
    package() {
        dpkg --force-depends --log=/dev/null "$@" >"$dir/log" 2>&1
        verdict "systemd runs: dpkg $1" $?
    }
    package --install /jwtd.deb
    [ "$(active)" = inactive ] && [ "$(systemctl is-enabled jwtd.service jwtd.socket | sort -u)" = disabled ]
    verdict "systemd runs: it starts and enables nothing" $?
    systemctl enable --now jwtd.socket jwtd >"$dir/log" 2>&1
    verdict "systemd runs: README's line" $?
    [ "$(active)" = active ] && /usr/bin/jwtd healthcheck >"$dir/log" 2>&1
    verdict "systemd runs: it serves" $?
    before=$(systemctl show -p MainPID jwtd)
    package --install /jwtd.deb
    [ "$(active)" = active ] && [ "$(systemctl show -p MainPID jwtd)" = "$before" ]
    verdict "systemd runs: an upgrade leaves the old one running" $?
    package --remove jwtd
    [ "$(active)" = inactive ]
    verdict "systemd runs: a removal ends it" $? "$(active)"
    [ -e /var/lib/jwtd/users.jsonl ]
    verdict "systemd runs: a removal keeps the accounts" $?
    package --purge jwtd
    ! find /etc /usr /var -name '*jwtd*' | grep . >"$dir/log"
    verdict "systemd runs: nothing is left" $?
}
[ "${1-}" != within ] || { within; finish; }

for tool in dh:debhelper lintian:lintian dpkg-buildpackage:dpkg-dev deb-systemd-helper:init-system-helpers; do
    need "${tool%:*}" "${tool#*:}" || finish
done
root=$dir/root
mkdir "$dir/src"
cp -r ./*.c ./*.h index.html Makefile README.md SECURITY.md contrib debian "$dir/src"
make -s -C "$dir/src" deb >"$dir/log" 2>&1
verdict "make deb" $?
[ "$(sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)" = "$(sed -n 's/^VERSION *= //p' Makefile)" ]
verdict "the package's version is the binary's" $?
lintian --allow-root --fail-on error,warning "$dir"/src/dist/jwtd_*.deb >"$dir/log" 2>&1
verdict "lintian" $?

if [ "$(id -u)" -ne 0 ]; then
    echo "SKIP installing: dpkg wants root"
    skipped=1
else
    mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates"
    touch "$root/var/lib/dpkg/status"
    # its scripts run with DPKG_ROOT, not in a chroot that has no shell
    as_root() { dpkg --root="$root" --force-script-chrootless --force-depends --log=/dev/null "$@" >"$dir/log" 2>&1; }
    as_root --install "$dir"/src/dist/jwtd_*.deb
    verdict "it installs" $?
    "$root/usr/bin/jwtd" --version >"$dir/log" 2>&1 && cd "$root" &&
        ls lib/systemd/system/jwtd.service lib/systemd/system/jwtd.socket usr/share/man/man8/jwtd.8.gz >"$dir/log" 2>&1
    verdict "what it brings" $?
    ! find "$root/etc" -name '*jwtd*' 2>/dev/null | grep . >"$dir/log"
    verdict "nothing is enabled" $?
    mkdir -p "$root/var/lib/private/jwtd" # as systemd does
    ln -s private/jwtd "$root/var/lib/jwtd"
    touch "$root/var/lib/private/jwtd/users.jsonl"
    as_root --remove jwtd
    [ -e "$root/var/lib/private/jwtd/users.jsonl" ]
    verdict "a removal keeps the accounts" $?
    as_root --purge jwtd
    verdict "it is purged" $?
    ! find "$root" -name '*jwtd*' | grep . >"$dir/log"
    verdict "nothing is left" $?
    mkdir "$dir/tree"
    cp "$dir"/src/dist/jwtd_*.deb "$dir/tree/jwtd.deb"
    if need /lib/systemd/systemd systemd; then in_machine "$dir/tree" systemd sh tests/deb.sh within; fi
fi
finish
