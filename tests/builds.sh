#!/bin/sh
# builds.sh - the same tests on other builds: gcc and clang, each with the address
# and undefined-behaviour sanitizers and with the thread sanitizer; no warning
# anywhere; the musl build and its size.

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
cd "$top" || exit 1

# Builds into a folder of its own: every warning is an error.
build() { # name, target, make's arguments
    name=$1 target=$2
    shift 2
    # shellcheck disable=SC2086 # two targets
    make -s -j2 "$@" WERROR=-Werror BUILD="build/$name" $target >"$dir/log" 2>&1
    verdict "$name builds without a warning" $?
}

run() { # name: the unit tests, two at once, and test.sh on that build
    printf '%s\n' build/"$1"/*_test | xargs -P 2 -I TEST sh -c 'TEST >TEST.log 2>&1; echo $? >TEST.status'
    for test in build/"$1"/*_test; do
        cp "$test.log" "$dir/log"
        verdict "$test" "$(cat "$test.status")"
    done
    JWTD_BIN=$PWD/build/$1/jwtd ./test.sh >"$dir/log" 2>&1
    verdict "test.sh on $1" $?
    JWTD_BIN=$PWD/build/$1/jwtd tests/keys.sh rotation reload >"$dir/log" 2>&1
    verdict "keys that change on $1" $?
}

for compiler in gcc clang; do
    need $compiler $compiler || continue
    build $compiler "build/$compiler/jwtd unit-tests" CC=$compiler
    build $compiler-sanitized "build/$compiler-sanitized/jwtd unit-tests" CC=$compiler SANITIZE=address,undefined
    run $compiler-sanitized
    build $compiler-threads "build/$compiler-threads/jwtd unit-tests" CC=$compiler SANITIZE=thread
    run $compiler-threads
done
if need musl-gcc musl-tools; then
    build musl "build/musl/jwtd unit-tests" CC=musl-gcc
    run musl
    strip -o "$dir/jwtd" build/musl/jwtd
    size=$(wc -c <"$dir/jwtd")
    verdict "the musl build is at most 176 KiB stripped" $((size > 180224)) "$size bytes"
fi
finish
