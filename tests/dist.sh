#!/bin/sh
# dist.sh - make dist in two folders gives the same bytes, static and stripped; a compiler that is missing is named.
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0 skipped=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
verdict() { # what, 0 if it is right
    if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL $1"; tail -n 20 "$dir/log"; fi
}
machines="nowhere:no-such-gcc"
have() { # machine, compiler, Debian's package
    command -v "$2" >/dev/null && machines="$machines $1:$2" && return
    echo "SKIP $1: package $3"
    if [ "${CI-}" ]; then failed=$((failed + 1)); else skipped=$((skipped + 1)); fi
}
have x86_64 musl-gcc musl-tools
have aarch64 aarch64-linux-gnu-gcc "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"

if [ "$machines" != nowhere:no-such-gcc ]; then
    for folder in "$dir/a" "$dir/another-folder"; do
        mkdir "$folder"
        cp ./*.c ./*.h Makefile "$folder"
        make -s -j2 -C "$folder" dist MACHINES="$machines" >"$dir/log" 2>&1
        verdict "make dist" $?
        grep -q '^left out: nowhere, there is no no-such-gcc$' "$dir/log"
        verdict "a missing compiler is named" $?
    done
    diff -r "$dir/a/dist" "$dir/another-folder/dist" >"$dir/log" 2>&1
    verdict "the same bytes in two folders" $?
    (cd "$dir/a/dist" && sha256sum -c SHA256SUMS) >"$dir/log" 2>&1
    verdict "SHA256SUMS" $?
    for binary in "$dir/a/dist"/jwtd-*; do
        readelf -lSW "$binary" >"$dir/log" 2>&1 && ! grep -qE ' INTERP |\.symtab|\.debug' "$dir/log"
        verdict "$(basename "$binary") is static and stripped" $?
    done
fi
printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
[ $failed -eq 0 ]
