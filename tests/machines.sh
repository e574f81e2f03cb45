#!/bin/sh
# machines.sh - the same tests on other machines, static and under qemu-user: 64-bit ARM, 32-bit ARM, and s390x, which
# is big-endian. A users file written here is read there, and the other way round; so are tokens. And what each makes of
# a clock that is past 2038 and past 2106. With an argument, only that one: aarch64, arm or s390x.

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
cd "$top" || exit 1
[ $# -gt 0 ] || at_once aarch64 arm s390x
export JWTD_SECRET=0123456789abcdef0123456789abcdef
here=$JWTD_BIN
need curl curl || finish
need jq jq || finish
server=
stop() {
    [ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null
    server=
}
trap 'stop; rm -rf "$dir"' EXIT

# ---- servers and what they are asked ----

serve() { # users file, server
    rm -f "$dir/said"
    mkfifo "$dir/said"
    "$2" --listen 127.0.0.1:0 --hash scrypt:1024:8:1 --users "$1" 2>"$dir/said" &
    server=$!
    exec 3<"$dir/said"
    url=$(timeout 20 sed -nu '/ready on /{s/.*ready on //p;q}' <&3)
}
ask() { # status wanted, path, curl's arguments
    want=$1 path=$2
    shift 2
    got=$(curl -qsS --max-time 20 --noproxy '*' -D "$dir/fields" -o "$dir/body" -w '%{http_code}' "$@" "$url$path" 2>&1)
    { echo "$path: $got, not $want"; cat "$dir/body"; } >"$dir/log" 2>&1
    [ "$got" = "$want" ]
}
post() { ask "$1" "$2" -H 'Content-Type: application/json' -d "{\"username\":\"$3\",\"password\":\"pass1425\"}"; }
log_in() { post 200 /login "$1" && token=$(jq -r .token "$dir/body"); }
verify() { ask "$1" /get-jwt -H "Authorization: Bearer $2"; }

# Accounts and tokens made here are taken there, and the other way round.
move() { # machine, its server
    file=$dir/moved-$1.jsonl
    serve "$file" "$here"
    post 201 /register 'from here \"\u00fc' && log_in 'from here \"\u00fc'
    verdict "an account made here for $1" $?
    first=$token
    stop
    serve "$file" "$2"
    log_in 'from here \"\u00fc' && post 400 /register 'from here \"\u00fc'
    verdict "an account made here logs in on $1" $?
    verify 200 "$first"
    verdict "a token made here is valid on $1" $?
    post 201 /register 'from there' && log_in 'from there'
    verdict "an account made on $1" $?
    stop
    serve "$file" "$here"
    log_in 'from there' && post 400 /register 'from there' && log_in 'from here \"\u00fc'
    verdict "an account made on $1 logs in here" $?
    verify 200 "$token"
    verdict "a token made on $1 is valid here" $?
    stop
}

# A second between the two that enclose the log-in, later by so much
is_late() { [ "$1" -ge $((before + $2)) ] && [ "$1" -le $((after + $2)) ]; }

# Tokens and dates where seconds have no room in 31 bits, and none in 32
late() { # machine, qemu, the folder with its objects, its compiler
    $4 -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -O2 -static -pthread -Wl,-z,muldefs \
        tests/late_clock.c "$3"/*.o -o "$3/late" >"$dir/log" 2>&1
    verdict "$1 with another clock builds" $?
    printf '#!/bin/sh\nexec %s %s/late "$@"\n' "$2" "$PWD/$3" >"$dir/late"
    chmod +x "$dir/late"
    for seconds in 2147483648 4294967296; do
        export LATE=$seconds
        serve "$dir/late-$1.jsonl" "$dir/late"
        post 201 /register "$seconds"
        verdict "$1, $seconds s later: register" $?
        before=$(date +%s)
        log_in "$seconds"
        verdict "$1, $seconds s later: log in" $?
        after=$(date +%s)
        exp=$(jq -r '.token | split(".")[1] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson.exp' "$dir/body")
        is_late "$exp" $((seconds + 3600))
        verdict "$1, $seconds s later: exp is $exp" $?
        date=$(date -d "$(sed -n 's/\r$//; s/^[Dd]ate: //p' "$dir/fields")" +%s)
        is_late "$date" "$seconds"
        verdict "$1, $seconds s later: Date is $date" $?
        verify 200 "$token"
        verdict "$1, $seconds s later: its token is valid" $?
        verify 401 "$first" && jq -e '.error == "Token has expired"' "$dir/body" >/dev/null
        verdict "$1, $seconds s later: a token of today has expired" $?
        stop
    done
    serve "$dir/late-$1.jsonl" "$here"
    verify 200 "$token"
    verdict "a token made on $1, $seconds s later, is valid here" $?
    stop
}

machine() { # triple, qemu's name, Debian's packages
    triple=$1 qemu=qemu-$2-static build=build/$2
    need "$triple-gcc" "$3" && need "$qemu" qemu-user-static || return
    # shellcheck disable=SC2086 # two targets
    make -s CC="$triple-gcc" BUILD="$build" EMULATOR="$qemu" WERROR=-Werror "$build/jwtd" unit-tests >"$dir/log" 2>&1
    verdict "$2 builds without a warning" $?
    for test in "$build"/*_test; do
        case $test in */sandbox_test) continue ;; esac # qemu-user has neither Landlock nor seccomp
        "$qemu" "$test" >"$dir/log" 2>&1
        verdict "$test" $?
    done
    printf '#!/bin/sh\nexec %s %s/%s/jwtd "$@"\n' "$qemu" "$PWD" "$build" >"$dir/jwtd"
    chmod +x "$dir/jwtd"
    JWTD_BIN=$dir/jwtd TEST_USERS="$dir/$2.jsonl" ./test.sh >"$dir/log" 2>&1
    verdict "test.sh on $2" $?
    move "$2" "$dir/jwtd"
    late "$2" "$qemu" "$build" "$triple-gcc"
}
case $1 in
aarch64) machine aarch64-linux-gnu aarch64 "gcc-aarch64-linux-gnu libc6-dev-arm64-cross" ;;
arm) machine arm-linux-gnueabihf arm "gcc-arm-linux-gnueabihf libc6-dev-armhf-cross" ;;
s390x) machine s390x-linux-gnu s390x "gcc-s390x-linux-gnu libc6-dev-s390x-cross" ;;
esac
finish
