#!/bin/sh
# layers.sh - includes point down, and floors 0 and 1 stand on nothing: no system
# call, no malloc, no clock, no global that changes. What the compiled rooms take
# from elsewhere (nm -u) may be memory and string functions and rooms further down.
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

floor_of() {
    case $1 in
    bytes) echo -1 ;; # the ground that all stand on
    sha256 | file) echo 0 ;;
    sha256_hw | hmac | scrypt | base64url | json | http | browser | log | address | metrics | revoked) echo 1 ;;
    page | etcd | users | users_room | users_file | users_etcd | password | jwt | keys | throttle | sandbox | listen | access) echo 2 ;;
    api) echo 3 ;;
    server | admin | health | token) echo 4 ;;
    main) echo 5 ;;
    *) echo none ;;
    esac
}

verdict() { # what, what is wrong with it
    if [ -z "$2" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $1: $2"
    fi
}

for file in *.c *.h; do
    room=${file%.*}
    floor=$(floor_of "$room")
    wrong=
    [ "$floor" != none ] || wrong=" has no floor"
    headers=$(sed -n 's/^#include "\(.*\)\.h"$/\1/p' "$file")
    for header in $headers; do
        below=$(floor_of "$header")
        # hmac under scrypt, etcd under users: two of one floor, the second made of the first
        [ "${header%_*}" = "${room%_*}" ] || [ "$below" = none ] || [ "$below" -lt "$floor" ] ||
            [ "$room/$header" = scrypt/hmac ] || [ "$room/$header" = users/etcd ] || wrong="$wrong includes $header.h"
    done
    verdict "$file" "$wrong"
done

for room in bytes sha256 sha256_hw hmac base64url json scrypt http browser metrics revoked; do
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -fno-pic -fno-pie -c "$room.c" -o "$dir/$room.o" || exit 1
    taken=$(nm -u "$dir/$room.o" | awk '{print $NF}' |
        grep -vE '^(mem[a-z]+|str[a-z]+|explicit_bzero|_GLOBAL_OFFSET_TABLE_)$' |
        grep -vE '^(slice|put|ct)_|^sha256_|^hmac_|^pbkdf2_')
    changing=$(nm "$dir/$room.o" | awk '$2 ~ /^[BbDdCG]$/ {print $3}')
    verdict "$room.o" "${taken:+takes $taken }${changing:+may change $changing}"
done
printf '%d passed, %d failed, 0 skipped\n' $passed $failed
[ $failed -eq 0 ] && [ $passed -gt 0 ]
