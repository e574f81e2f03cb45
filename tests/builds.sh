#!/bin/sh
# builds.sh - the same tests on other builds: gcc and clang, each with the address
# and undefined-behaviour sanitizers and with the thread sanitizer; no warning
# anywhere; the musl build and its size.
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

verdict() { # what, 0 if it is right, what was seen
    if [ "$2" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $1: $3"
    fi
}

# Builds into a folder of its own: every warning is an error.
build() { # name, target, make's arguments
    name=$1 target=$2
    shift 2
    # shellcheck disable=SC2086 # two targets
    make -s -j2 "$@" WERROR=-Werror BUILD="build/$name" $target >"$dir/log" 2>&1
    verdict "$name builds without a warning" $? "$(tail -n 20 "$dir/log")"
}

run() { # name: the unit tests and test.sh on that build
    for test in build/"$1"/*_test; do
        "$test" >"$dir/log" 2>&1
        verdict "$test" $? "$(grep -vE ' passed, ' "$dir/log" | tail -n 20)"
    done
    JWTD_BIN=$PWD/build/$1/jwtd ./test.sh >"$dir/log" 2>&1
    verdict "test.sh on $1" $? "$(tail -n 20 "$dir/log")"
    JWTD_BIN=$PWD/build/$1/jwtd tests/keys.sh rotation reload >"$dir/log" 2>&1
    verdict "keys that change on $1" $? "$(tail -n 20 "$dir/log")"
}

for compiler in gcc clang; do
    have $compiler $compiler || continue
    build $compiler "build/$compiler/jwtd unit-tests" CC=$compiler
    build $compiler-sanitized "build/$compiler-sanitized/jwtd unit-tests" CC=$compiler SANITIZE=address,undefined
    run $compiler-sanitized
    build $compiler-threads "build/$compiler-threads/jwtd unit-tests" CC=$compiler SANITIZE=thread
    run $compiler-threads
done
if have musl-gcc musl-tools; then
    build musl "build/musl/jwtd unit-tests" CC=musl-gcc
    run musl
    strip -o "$dir/jwtd" build/musl/jwtd
    size=$(wc -c <"$dir/jwtd")
    verdict "the musl build is at most 176 KiB stripped" $((size > 180224)) "$size bytes"
fi
printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
[ $failed -eq 0 ] && [ $passed -gt 0 ]
