#!/bin/sh
# layers.sh - includes point down, and floors 0 and 1 and the ground, but for file and
# log, stand on nothing: no system call, no malloc, no clock, no global that changes.
# What these compiled rooms take from elsewhere (nm -u) may only be memory and string
# functions, what reads an address, and rooms further down.

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
cd "$top" || exit 1

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

for file in *.c *.h; do
    room=${file%.*}
    floor=$(floor_of "$room")
    wrong=
    [ "$floor" != none ] || wrong=" has no floor"
    headers=$(sed -n 's/^#include "\(.*\)\.h"$/\1/p' "$file")
    for header in $headers; do
        below=$(floor_of "$header")
        # hmac under scrypt, etcd under users_etcd: two of one floor, the second made of the first
        [ "${header%_*}" = "${room%_*}" ] || [ "$below" = none ] || [ "$below" -lt "$floor" ] ||
            [ "$room/$header" = scrypt/hmac ] || [ "$room/$header" = users_etcd/etcd ] || wrong="$wrong includes $header.h"
    done
    [ -z "$wrong" ]
    verdict "$file" $? "$wrong"
done

for room in bytes sha256 sha256_hw hmac base64url json scrypt http browser address metrics revoked; do
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -fno-pic -fno-pie -c "$room.c" -o "$dir/$room.o" || { fail "$room.o"; continue; }
    taken=$(nm -u "$dir/$room.o" | awk '{print $NF}' |
        grep -vE '^(mem[a-z]+|str[a-z]+|explicit_bzero|inet_pton|_GLOBAL_OFFSET_TABLE_)$' |
        grep -vE '^(slice|put|ct)_|^sha256_|^hmac_|^pbkdf2_')
    changing=$(nm "$dir/$room.o" | awk '$2 ~ /^[BbDdCG]$/ {print $3}')
    [ -z "$taken$changing" ]
    verdict "$room.o" $? "${taken:+takes $taken }${changing:+may change $changing}"
done
finish
