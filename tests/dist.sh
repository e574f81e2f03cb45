#!/bin/sh
# dist.sh - make dist in two folders gives the same bytes, static and stripped; a compiler that is missing is named.
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0 skipped=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
verdict() { # what, 0 if it is right
    if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL $1"; tail -n 20 "$dir/log"; fi
}
have() { # what for, the tool, Debian's package
    command -v "$2" >/dev/null && return
    echo "SKIP $1: package $3"
    if [ "${CI-}" ]; then failed=$((failed + 1)); else skipped=$((skipped + 1)); fi
    return 1
}
have x86_64 musl-gcc musl-tools
have aarch64 aarch64-linux-gnu-gcc "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
have armhf arm-linux-gnueabihf-gcc "gcc-arm-linux-gnueabihf libc6-dev-armhf-cross"
have riscv64 riscv64-linux-gnu-gcc "gcc-riscv64-linux-gnu libc6-dev-riscv64-cross"
have mips mips-linux-gnu-gcc "gcc-mips-linux-gnu libc6-dev-mips-cross"

for folder in "$dir/a" "$dir/another-folder"; do
    mkdir "$folder"
    cp ./*.c ./*.h index.html Makefile "$folder"
    make -s -j2 -C "$folder" dist >"$dir/log" 2>&1
    verdict "make dist" $?
done
diff -r "$dir/a/dist" "$dir/another-folder/dist" >"$dir/log" 2>&1
verdict "the same bytes in two folders" $?
(cd "$dir/a/dist" && sha256sum -c SHA256SUMS) >"$dir/log" 2>&1
verdict "SHA256SUMS" $?
for binary in "$dir/a/dist"/jwtd-*; do
    name=$(basename "$binary") machine=${binary##*-}
    readelf -lSW "$binary" >"$dir/log" 2>&1 && ! grep -qE ' INTERP |\.symtab|\.debug' "$dir/log"
    verdict "$name is static and stripped" $?
    case $machine in x86_64) emulator='' ;; armhf) emulator=qemu-arm-static ;; *) emulator=qemu-$machine-static ;; esac
    if [ -z "$emulator" ] || have "$machine" "$emulator" qemu-user-static; then
        $emulator "$binary" --version >"$dir/log" 2>&1
        verdict "$name runs" $?
        case $machine in aarch64) target=aarch64-linux-musl ;; armhf) target=arm-linux-musleabihf ;; *) target='' ;; esac
        if [ "$target" ] && [ -e "/usr/lib/$target/musl-gcc.specs" ]; then
            grep -q ' musl,' "$dir/log"
            verdict "$name is linked with musl, which is here" $?
        fi
    fi
done
make -s -C "$dir/a" dist MACHINES=nowhere:no-such-gcc >"$dir/log" 2>&1
grep -q '^left out: nowhere, there is no no-such-gcc$' "$dir/log"
verdict "a missing compiler is named" $?
printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
[ $failed -eq 0 ]
