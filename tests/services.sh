#!/bin/sh
# services.sh - the service files in contrib/ and the Dockerfile with the real tools: systemd as process 1, OpenRC (each
# in a throw-away machine: boot.sh), buildah, and what checks them without running them. procd has no package here.
# (What a service manager says and hears, message by message: lifecycle.py, inherited and upgrade.)

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
cd "$top" || exit 1
[ $# -gt 0 ] || at_once files systemd openrc image

# ---- what is asked of a jwtd that runs as a service ----

ask() { # status wanted, path, curl's arguments
    want=$1 path=$2
    shift 2
    got=$(curl -qsS --max-time 10 -o "$dir/body" -w '%{http_code}' "$@" "http://127.0.0.1:5000$path" 2>&1)
    { echo "$path: $got, not $want"; cat "$dir/body"; } >"$dir/log" 2>&1
    [ "$got" = "$want" ]
}
post() { ask "$1" "$2" -H 'Content-Type: application/json' -d '{"username":"Romel","password":"pass1425"}'; }
log_in() { post 200 /login && token=$(sed 's/.*"token":"\([^"]*\)".*/\1/' "$dir/body"); }
verify() { ask 200 /get-jwt -H "Authorization: Bearer $token"; }
explain() { echo "$token" | STATE_DIRECTORY=/var/lib/jwtd jwtd token explain "$@" >"$dir/log"; }
answers() { # once it listens, where nobody says when that is
    for _ in $(seq 300); do
        ask 200 /healthz && return
        sleep 0.1
    done
    return 1
}
new_key_signs() { # once it does: a reload is not waited for by whoever asks for it
    for _ in $(seq 100); do log_in && explain && grep -q 'matches with key 1 of 2' "$dir/log" && return; done
}

try() { # WHAT COMMAND...
    what=$1
    shift
    "$@" >"$dir/log" 2>&1
    verdict "$what" $?
}

# ---- inside: systemd ----

main_pid() { systemctl show --value -p MainPID jwtd.service; }
is() { # what it is, as `systemctl show` says: NAME=VALUE...
    systemctl show jwtd.service >"$dir/shown"
    for wanted; do
        grep -Fqx "$wanted" "$dir/shown" && continue
        { grep "^${wanted%%=*}=" "$dir/shown"; echo "not $wanted"; } >"$dir/log"
        return 1
    done
}

within_systemd() {
    systemd_rows
    [ "$failed" -eq 0 ] || journalctl -u jwtd.service -u jwtd.socket -o cat --no-pager -n 30
}

systemd_rows() {
    grep -q '^systemd$' /proc/1/comm
    verdict "it is process 1" $?
    cp contrib/jwtd.service contrib/jwtd.socket /etc/systemd/system
    systemctl daemon-reload
    try "README's line" systemctl enable --now jwtd.socket jwtd
    is ActiveState=active SubState=running Type=notify Result=success NRestarts=0 UnitFileState=enabled
    verdict "it has said that it is ready" $?
    journalctl -u jwtd.service -o cat --no-pager >"$dir/log"
    grep -q 'ready on http://127.0.0.1:5000' "$dir/log" && ! grep -Eqi 'warning|fail' "$dir/log"
    verdict "it complains of nothing" $?
    STATE_DIRECTORY=$dir jwtd --listen 127.0.0.1:0 2>"$dir/alone" &
    for _ in $(seq 300); do
        grep -q 'ready on' "$dir/alone" && break
        sleep 0.1
    done
    kill $! && wait $!
    [ "$(grep 'not on this kernel' "$dir/log")" = "$(grep 'not on this kernel' "$dir/alone")" ]
    verdict "it can lock itself in as well as without systemd" $?
    [ "$failed" -eq 0 ] || return # what follows would only take its time

    pid=$(main_pid)
    cp "/proc/$pid/status" "$dir/log"
    uid=$(awk '/^Uid:/ { print $2 }' "$dir/log")
    [ "$uid" -ge 61184 ] && [ "$uid" -le 65519 ] # systemd's range for DynamicUser
    verdict "its user is one of its own" $?
    grep -Eq '^CapEff:.0+$' "$dir/log" && grep -Eq '^NoNewPrivs:.1$' "$dir/log" && grep -Eq '^Seccomp:.2$' "$dir/log"
    verdict "it has no rights" $?
    [ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ]
    verdict "nor a network" $? "that of all"
    ps -L -o nice= -p "$pid" >"$dir/log" && grep -q ' [1-9]' "$dir/log"
    verdict "its hashing is of lower priority" $?

    post 201 /register
    verdict "register" $?
    log_in && verify
    verdict "log in, and verify" $?
    state=$(cd -P /var/lib/jwtd && pwd && stat -c '%a %u %n' . ./*)
    [ "$state" = "/var/lib/private/jwtd
700 $uid .
600 $uid ./jwtd.secret
600 $uid ./users.jsonl" ]
    verdict "its StateDirectory" $? "$state"

    old=$token
    STATE_DIRECTORY=/var/lib/jwtd try "a new key" jwtd secret rotate
    try "reload" systemctl reload jwtd
    new_key_signs
    verdict "after a reload the new key signs" $?
    token=$old
    verify
    verdict "and the old one still counts" $?
    is ActiveState=active "MainPID=$pid" NRestarts=0
    verdict "a reload is no restart" $?

    : >"$dir/go"
    for n in 1 2; do
        while [ -e "$dir/go" ]; do
            curl -qs --max-time 10 -o "$dir/body$n" -w '%{http_code} %{errormsg}\n' http://127.0.0.1:5000/healthz
        done >"$dir/seen$n" &
    done
    for n in 1 2 3; do try "restart $n" systemctl restart jwtd; done
    rm "$dir/go"
    wait
    sort "$dir"/seen? | uniq -c >"$dir/log"
    [ "$(sort -u "$dir"/seen?)" = '200 ' ]
    verdict "nobody is refused during a restart" $?
    [ "$(main_pid)" != "$pid" ] && log_in && verify && post 400 /register
    verdict "a restart keeps the accounts" $?
    token=$old
    verify
    verdict "and the keys" $?

    kill -9 "$(main_pid)"
    ask 200 /healthz && is ActiveState=active NRestarts=1
    verdict "after a crash it is started again, and who came meanwhile is answered" $?

    try "stop" systemctl stop jwtd
    is ActiveState=inactive Result=success ExecMainCode=1 ExecMainStatus=0
    verdict "a stop is clean" $?
    ask 200 /healthz && is ActiveState=active
    verdict "the first connection starts it" $?

    # options, and a key that is kept elsewhere, as the unit says
    jwtd secret new --secret-file /etc/jwtd.key
    mkdir -p /etc/default
    echo JWTD_TTL=nonsense >/etc/default/jwtd
    systemctl restart jwtd 2>/dev/null
    is ActiveState=failed Result=exit-code ExecMainStatus=2 NRestarts=0
    verdict "a wrong option ends it once and for all" $?
    echo JWTD_TTL=120 >/etc/default/jwtd
    mkdir /etc/systemd/system/jwtd.service.d /etc/systemd/system/jwtd.socket.d
    { echo '[Service]'; sed -n '/LoadCredential=/s/^#//p; /JWTD_SECRET_FILE=/s/^#//p' contrib/jwtd.service; } \
        >/etc/systemd/system/jwtd.service.d/key.conf
    systemctl daemon-reload
    try "LoadCredential" systemctl restart jwtd
    log_in && verify && explain --secret-file /etc/jwtd.key && grep -q 'matches with key 1 of 1' "$dir/log"
    verdict "a key by LoadCredential signs" $?
    grep -Eq '^ok +expiry +for another [12] min' "$dir/log"
    verdict "options come from /etc/default/jwtd" $?

    printf '[Socket]\nListenStream=\n%s\n' "$(grep -o 'ListenStream=/.*' contrib/jwtd.socket)" \
        >/etc/systemd/system/jwtd.socket.d/unix.conf
    systemctl daemon-reload
    systemctl stop jwtd.service jwtd.socket
    try "a unix socket" systemctl start jwtd
    ask 200 /healthz --unix-socket /run/jwtd.sock
    verdict "it answers on the unix socket that the socket's file names" $?
    try "the end" systemctl disable --now jwtd.socket jwtd
    is ActiveState=inactive Result=success UnitFileState=disabled
    verdict "it is ended" $?
    [ -z "$(systemctl list-units --no-legend --state=failed 'jwtd*' | tee "$dir/log")" ]
    verdict "no unit has failed" $?
}

# ---- inside: OpenRC ----

child() { cat /run/openrc/options/jwtd/child_pid; } # the server, of which supervise-daemon is the parent

within_openrc() {
    openrc_rows
    [ "$failed" -eq 0 ] || cat /var/log/jwtd.log
}

openrc_rows() {
    mkdir -p /etc/init.d /etc/conf.d /etc/runlevels/default /etc/insserv.conf.d
    touch /etc/insserv.conf
    cp contrib/jwtd.openrc /etc/init.d/jwtd
    printf '#!/sbin/openrc-run\ndepend() { provide net; }\nstart() { ip link set lo up; }\n' >/etc/init.d/loopback
    chmod 755 /etc/init.d/loopback
    try "the runlevel" openrc default
    try "its user" useradd -r jwtd
    try "README's line" rc-update add jwtd
    openrc default >"$dir/log" 2>&1
    rc-service jwtd status >>"$dir/log" 2>&1
    verdict "the runlevel starts it" $?
    answers
    verdict "it answers" $?
    [ "$failed" -eq 0 ] || return
    pid=$(child)
    state=$(stat -c '%a %U %n' /var/log/jwtd.log && cd /var/lib/jwtd && stat -c '%a %U %n' . ./* &&
        stat -c %U "/proc/$pid")
    [ "$state" = "640 root /var/log/jwtd.log
700 jwtd .
600 jwtd ./jwtd.secret
600 jwtd ./users.jsonl
jwtd" ]
    verdict "its user and its files" $? "$state"
    grep -q 'ready on http://127.0.0.1:5000' /var/log/jwtd.log && ! grep -i warning /var/log/jwtd.log >"$dir/log"
    verdict "its log" $?
    post 201 /register && log_in && verify
    verdict "register, log in, verify" $?

    old=$token
    STATE_DIRECTORY=/var/lib/jwtd try "a new key" jwtd secret rotate
    try "reload" rc-service jwtd reload
    new_key_signs
    verdict "after a reload the new key signs" $?
    token=$old
    verify && [ "$(child)" = "$pid" ]
    verdict "the old one still counts, and it is no restart" $?
    try "restart" rc-service jwtd restart
    answers && log_in && verify && post 400 /register && [ "$(child)" != "$pid" ]
    verdict "a restart keeps the accounts" $?
    token=$old
    verify
    verdict "and the keys" $?

    pid=$(child)
    kill -9 "$pid"
    answers && rc-service jwtd status >"$dir/log" 2>&1 && [ "$(child)" != "$pid" ]
    verdict "after a crash it is started again" $?
    echo export JWTD_TTL=120 >/etc/conf.d/jwtd
    try "restart with options" rc-service jwtd restart
    answers && log_in && explain && grep -Eq '^ok +expiry +for another [12] min' "$dir/log"
    verdict "options come from /etc/conf.d/jwtd" $?
    pid=$(child)
    try "stop" rc-service jwtd stop
    rc-service jwtd status >"$dir/log" 2>&1
    [ $? -eq 3 ] && ! [ -e "/proc/$pid" ] && ! ask 200 /healthz
    verdict "it is stopped" $?
    echo export JWTD_TTL=nonsense >/etc/conf.d/jwtd
    rc-service jwtd start >"$dir/log" 2>&1
    for _ in $(seq 150); do
        rc-service jwtd status >"$dir/log" 2>&1 || break
        sleep 0.1
    done
    ! rc-service jwtd status >"$dir/log" 2>&1 && [ "$(grep -c 'JWTD_TTL "nonsense"' /var/log/jwtd.log)" -eq 6 ]
    verdict "a wrong option ends it after five more attempts" $?
}

# ---- inside: the image, with nothing but loopback ----

# Stands for Alpine, which is not fetched: the /usr of this machine, musl's compiler, and an apk that only looks whether
# what is wanted is what is here.
# shellcheck disable=SC2317 # it is called by its name
stand_in() {
    mkdir -p "$dir/base/stand-in" "$dir/base/usr" "$dir/base/etc" "$dir/base/tmp"
    for link in bin sbin lib lib64; do [ ! -L "/$link" ] || cp -P "/$link" "$dir/base"; done
    cp -a /etc/alternatives "$dir/base/etc"
    printf '#!/bin/sh\n[ "$*" = "add --no-cache gcc make musl-dev" ]\n' >"$dir/base/stand-in/apk"
    chmod 755 "$dir/base/stand-in/apk"
    ln -s /usr/bin/musl-gcc "$dir/base/stand-in/cc"
    box=$(buildah from scratch) && buildah copy -q "$box" "$dir/base" / &&
        buildah config --env PATH=/stand-in:/usr/bin --env MAKEFLAGS="-j$(nproc)" "$box" &&
        buildah commit -q "$box" stand-in
}
run() { buildah run "$box" -- /jwtd "$@" 2>>"$dir/said"; }
serve() {
    run &
    server=$!
    answers
}
stop() { # the server, and not what lies between
    kill "$(ps -o pid= -C jwtd | tr -d ' ')" && wait "$server"
}

within_image() {
    # nothing of it stays where buildah keeps things
    mount -t tmpfs tmpfs /var/lib && mount -t tmpfs tmpfs /run && ip link set lo up || exit 1
    printf '[storage]\ndriver = "vfs"\ngraphroot = "%s/graph"\nrunroot = "%s/run"\n' "$dir" "$dir" \
        >"$dir/storage.conf"
    export CONTAINERS_STORAGE_CONF="$dir/storage.conf" TMPDIR="$dir" HOME="$dir" BUILDAH_ISOLATION=chroot
    try "the image that stands for Alpine" stand_in
    mkdir "$dir/src"
    cp ./*.c ./*.h index.html Makefile Dockerfile "$dir/src"
    try "buildah builds the Dockerfile" buildah bud --format docker --pull-never --from localhost/stand-in \
        -v /usr:/usr:ro -t jwtd "$dir/src"
    [ "$failed" -eq 0 ] || return
    seen=$(buildah inspect --type image --format \
      '{{with .Docker.Config}}{{.User}} {{.Entrypoint}} {{.Healthcheck.Test}} {{.ExposedPorts}} {{.Volumes}}{{end}}' jwtd)
    [ "$seen" = '65532:65532 [/jwtd] [CMD /jwtd healthcheck] map[5000/tcp:{}] map[/state:{}]' ]
    verdict "its configuration" $? "$seen"
    box=$(buildah from --pull-never localhost/jwtd)
    seen=$(find "$(buildah mount "$box")" -mindepth 1 -printf '%m %U:%G %P\n' | sort)
    [ "$seen" = '700 65532:65532 state
755 0:0 jwtd' ]
    verdict "all that is in it" $? "$seen"
    serve && post 201 /register && log_in && verify
    verdict "register, log in, verify" $?
    seen=$(ps -o uid= -C jwtd | tr -d ' ')
    [ "$seen" = 65532 ]
    verdict "its user" $? "$seen"
    run healthcheck
    verdict "the health check while it serves" $? "$(cat "$dir/said")"
    stop
    verdict "it ends at SIGTERM" $?
    ! run healthcheck
    verdict "the health check while it does not" $?
    serve && log_in && stop
    verdict "its volume keeps the accounts" $?
}

# ---- outside ----

# service INIT PREFIX: this suite's part within_INIT, where `make install` has put jwtd
service() {
    make -s -o jwtd install DESTDIR="$dir/tree" PREFIX="$2" >"$dir/log" 2>&1
    verdict "make install for $1" $?
    in_machine "$dir/tree" "$1" sh tests/services.sh "within_$1"
}

case $1 in
within_systemd) within_systemd ;;
within_openrc) within_openrc ;;
within_image) within_image ;;
systemd)
    if need /lib/systemd/systemd systemd && need curl curl && need ps procps; then service systemd /usr/local; fi
    ;;
openrc)
    if need openrc-run openrc && need curl curl && need useradd passwd && need ip iproute2; then
        service openrc /usr
    fi
    ;;
image)
    for tool in buildah:buildah musl-gcc:musl-tools curl:curl ip:iproute2 ps:procps unshare:util-linux; do
        need "${tool%:*}" "${tool#*:}" || finish
    done
    own="unshare --net --pid --mount --fork --kill-child --mount-proc"
    if $own true 2>"$dir/log"; then
        # shellcheck disable=SC2086 # words
        timeout -s KILL 600 $own sh tests/services.sh within_image </dev/null >"$dir/rows" 2>&1
        count image
    else
        skip "a container, as root with namespaces: $(tail -n 1 "$dir/log")"
    fi
    ;;
files)
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
    # shellcheck disable=SC2016,SC2046 # sed's $; many options
    "$JWTD_BIN" $(sed -n 's|.* command /usr/bin/jwtd||p' contrib/jwtd.procd | sed 's/\$user/65532/') --version >"$dir/log" 2>&1 &&
        [ -x contrib/jwtd.procd ]
    verdict "procd's options are options, and procd can start the script" $?
    ;;
esac
finish
