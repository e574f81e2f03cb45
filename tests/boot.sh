#!/bin/sh
# boot.sh INIT TREE COMMAND... - a throw-away machine, as root: the programs of this one's /usr, where it may change
# what it likes, what TREE holds on top of that, an /etc and a /var of its own, and no network but loopback.
# COMMAND runs there, with this project in /src, and its output comes out here; then the machine is gone. INIT is
# `systemd`, for a real one as process 1, or something else: then COMMAND is process 1. It ends within three minutes,
# whatever happens.
set -eu
limit=180

# ---- inside, in namespaces: builds the root, and becomes process 1 of it ----

if [ "$1" = inside ]; then
    root=$2 init=$3 tree=$4 out=$5 top=$6
    shift 6
    mount --make-rprivate /
    mount -t tmpfs -o mode=755 root "$root"
    cd "$root"
    mkdir -p .upper .work usr etc/systemd/system var/lib var/log var/tmp tmp run proc sys dev root src old
    chmod 1777 tmp var/tmp
    mount -t overlay -o "lowerdir=/usr,upperdir=$root/.upper,workdir=$root/.work" usr usr
    for link in bin sbin lib lib32 lib64 libx32; do [ ! -L "/$link" ] || cp -P "/$link" .; done
    mount -t tmpfs -o mode=755 run run
    mount -t proc proc proc
    mount --bind proc/sys proc/sys # the kernel's settings are the other machine's, too
    mount -o remount,bind,ro proc/sys
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -t tmpfs -o mode=755 dev dev
    for node in null zero full random urandom tty; do
        : >"dev/$node"
        mount --bind "/dev/$node" "dev/$node"
    done
    mkdir dev/pts
    mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
    for fd in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${fd%:*}" "dev/${fd#*:}"; done
    mount --bind "$top" src
    mount -o remount,bind,ro src
    : >out
    mount --bind "$out" out
    echo root:x:0:0::/root:/bin/sh >etc/passwd
    echo root:x:0: >etc/group
    echo 127.0.0.1 localhost >etc/hosts
    echo 0123456789abcdef0123456789abcdef >etc/machine-id # without one it enables whatever is installed
    cp -a /etc/alternatives etc
    cp -P /etc/os-release etc
    rm -f usr/sbin/policy-rc.d # an image for containers may forbid packages to start and stop services
    cp -a "$tree/." .
    printf '#!/bin/sh\ncd /src && CI=%s exec %s >/out 2>&1\n' "${CI-}" "$*" >start
    cat >etc/systemd/system/start.service <<EOF
[Unit]
Requires=basic.target
After=basic.target
AllowIsolate=yes
SuccessAction=exit-force
FailureAction=exit-force
[Service]
ExecStart=sh /start
TimeoutStartSec=infinity
RuntimeMaxSec=$((limit - 10))
EOF
    # a test restarts more often than people do
    printf "[Manager]\nDefaultTimeoutStartSec=15s\nDefaultStartLimitBurst=100\n" >etc/systemd/system.conf
    pivot_root . old
    # what reaches beyond namespaces is taken from all that runs there
    set -- chroot . env -i container=jwtd-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin \
        setpriv --bounding-set=-sys_module,-sys_time,-sys_rawio,-syslog,-audit_control,-audit_write \
        sh -c 'umount -l /old && mount --make-rshared / && exec "$@"' sh
    case $init in
    systemd) exec "$@" /lib/systemd/systemd --system --unit=start.service --show-status=no --log-target=journal ;;
    *) exec "$@" sh /start ;;
    esac
fi

# ---- outside ----

top=$(cd "$(dirname "$0")/.." && pwd)
place=$(mktemp -d)
mkdir "$place/root"
: >"$place/out"
group=
# shellcheck disable=SC2317 # the trap calls it
leave() { # no rm -r: should anything be mounted there, it stays whole
    for _ in $(seq 50); do # who was killed may be there for a moment
        [ -d "$group" ] || break
        find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
    done
    rm -f "$place/out"
    rmdir "$place/root" "$place"
}
trap leave EXIT
trap 'exit 1' HUP INT TERM

# systemd rules over control groups: those below one that is made for it
group=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$group" ] || { echo "no cgroup2 is mounted"; exit 1; }
group=$group$(sed -n 's/^0:://p' /proc/self/cgroup)
group=${group%/}/jwtd-test-$$
mkdir "$group"
status=0
(
    echo 0 >"$group/cgroup.procs"
    init=$1 tree=$2
    shift 2
    exec timeout -s KILL "$limit" unshare --cgroup --pid --fork --kill-child --mount --net --uts --ipc \
        sh "$top/tests/boot.sh" inside "$place/root" "$init" "$tree" "$place/out" "$top" "$@"
) </dev/null || status=$?
cat "$place/out"
exit "$status"
