#!/bin/sh
# dist.sh - make dist in two folders gives the same bytes, static and stripped; a compiler that is missing is named.

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
cd "$top" || exit 1
need musl-gcc musl-tools
need aarch64-linux-gnu-gcc "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
need arm-linux-gnueabihf-gcc "gcc-arm-linux-gnueabihf libc6-dev-armhf-cross"
need riscv64-linux-gnu-gcc "gcc-riscv64-linux-gnu libc6-dev-riscv64-cross"
need mips-linux-gnu-gcc "gcc-mips-linux-gnu libc6-dev-mips-cross"

for folder in "$dir/a" "$dir/another folder"; do
    mkdir "$folder"
    cp ./*.c ./*.h index.html Makefile "$folder"
    make -s -j2 -C "$folder" dist >"$dir/log" 2>&1
    verdict "make dist" $?
done
diff -r "$dir/a/dist" "$dir/another folder/dist" >"$dir/log" 2>&1
verdict "the same bytes in two folders" $?
(cd "$dir/a/dist" && sha256sum -c SHA256SUMS) >"$dir/log" 2>&1
verdict "SHA256SUMS" $?
for binary in "$dir/a/dist"/jwtd-*; do
    name=$(basename "$binary") machine=${binary##*-}
    readelf -lSW "$binary" >"$dir/log" 2>&1 && ! grep -qE ' INTERP |\.symtab|\.debug' "$dir/log"
    verdict "$name is static and stripped" $?
    case $machine in x86_64) emulator='' ;; armhf) emulator=qemu-arm-static ;; *) emulator=qemu-$machine-static ;; esac
    if [ -z "$emulator" ] || need "$emulator" qemu-user-static; then
        $emulator "$binary" --version >"$dir/log" 2>&1
        verdict "$name runs" $?
        if [ "$machine" = mips ]; then # whose system calls sandbox.c does not know
            timeout 60 "$emulator" "$binary" --sandbox require --listen 127.0.0.1:0 --users "$dir/users.jsonl" \
                --secret-file "$dir/secret" >"$dir/log" 2>&1
            [ $? -eq 1 ] && grep -q '^jwtd: sandbox: this build has no seccomp filter for its machine$' "$dir/log" &&
                ! grep 'kernel: seccomp' "$dir/log"
            verdict "$name says that it has no filter, and does not blame the kernel" $?
        fi
        case $machine in aarch64) target=aarch64-linux-musl ;; armhf) target=arm-linux-musleabihf ;; *) target='' ;; esac
        if [ "$target" ] && [ -e "/usr/lib/$target/musl-gcc.specs" ]; then
            grep -q ' musl,' "$dir/log"
            verdict "$name is linked with musl, which is here" $?
        fi
    fi
done
touch "$dir/a/dist/jwtd_0.1.0-1_amd64.deb" "$dir/a/dist/jwtd-0.0.9-nowhere"
make -s -C "$dir/a" dist MACHINES=nowhere:no-such-gcc >"$dir/log" 2>&1
grep -q '^left out: nowhere, there is no no-such-gcc$' "$dir/log"
verdict "a missing compiler is named" $?
[ -e "$dir/a/dist/jwtd_0.1.0-1_amd64.deb" ] && [ ! -e "$dir/a/dist/jwtd-0.0.9-nowhere" ]
verdict "what make deb put there stays, an older make dist's does not" $? "$(ls "$dir/a/dist")"
finish
