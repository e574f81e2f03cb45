#!/bin/sh
# machines.sh - the same tests on other machines, static and under qemu-user: 64-bit ARM, 32-bit ARM, and s390x, which
# is big-endian; and a users file written on each is read on this one.
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0 skipped=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
verdict() { # what, 0 if it is right
    if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL $1"; tail -n 20 "$dir/log"; fi
}
machine() { # triple, qemu's name, Debian's packages
    triple=$1 qemu=qemu-$2-static build=build/$2
    if ! command -v "$triple-gcc" >/dev/null || ! command -v "$qemu" >/dev/null; then
        echo "SKIP $2: packages $3 qemu-user-static"
        if [ "${CI-}" ]; then failed=$((failed + 1)); else skipped=$((skipped + 1)); fi
        return
    fi
    # shellcheck disable=SC2086 # two targets
    make -s -j2 CC="$triple-gcc" BUILD="$build" EMULATOR="$qemu" WERROR=-Werror "$build/jwtd" unit-tests >"$dir/log" 2>&1
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
}
machine aarch64-linux-gnu aarch64 "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
machine arm-linux-gnueabihf arm "gcc-arm-linux-gnueabihf libc6-dev-armhf-cross"
machine s390x-linux-gnu s390x "gcc-s390x-linux-gnu libc6-dev-s390x-cross"
printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
[ $failed -eq 0 ] && [ $((passed + skipped)) -gt 0 ]
