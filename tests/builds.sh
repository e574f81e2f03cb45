#!/bin/sh
# builds.sh - the same tests on other builds: gcc and clang, each with the address
# and undefined-behaviour sanitizers and with the thread sanitizer; no warning
# anywhere; the musl build and its size. With an argument, only that compiler's: gcc, clang or musl.

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
cd "$top" || exit 1
[ $# -gt 0 ] || at_once gcc clang musl

# Builds into a folder of its own: every warning is an error.
build() { # name, target, make's arguments
    name=$1 target=$2
    shift 2
    # shellcheck disable=SC2086 # two targets
    make -s "$@" WERROR=-Werror BUILD="build/$name" $target >"$dir/log" 2>&1
    verdict "$name builds without a warning" $?
}

run() { # name: the unit tests and test.sh on that build
    for test in build/"$1"/*_test; do
        "$test" >"$dir/log" 2>&1
        verdict "$test" $?
    done
    JWTD_BIN=$PWD/build/$1/jwtd ./test.sh >"$dir/log" 2>&1
    verdict "test.sh on $1" $?
    JWTD_BIN=$PWD/build/$1/jwtd tests/keys.sh rotation reload >"$dir/log" 2>&1
    verdict "keys that change on $1" $?
}

case $1 in
musl)
    need musl-gcc musl-tools || finish
    build musl "build/musl/jwtd unit-tests" CC=musl-gcc
    run musl
    strip -o "$dir/jwtd" build/musl/jwtd
    size=$(wc -c <"$dir/jwtd")
    verdict "the musl build is at most 176 KiB stripped" $((size > 180224)) "$size bytes"
    ;;
*)
    need "$1" "$1" || finish
    build "$1" "build/$1/jwtd unit-tests" CC="$1"
    build "$1-sanitized" "build/$1-sanitized/jwtd unit-tests" CC="$1" SANITIZE=address,undefined CFLAGS='-O1 -g1'
    run "$1-sanitized"
    build "$1-threads" "build/$1-threads/jwtd unit-tests" CC="$1" SANITIZE=thread CFLAGS='-O1 -g1'
    run "$1-threads"
    ;;
esac
finish
