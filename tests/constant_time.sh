#!/bin/sh
# constant_time.sh - no branch and no address depends on the key (clang's MemorySanitizer), and a comparison that stops
# at the first difference would be caught.

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
cd "$top" || exit 1
need clang 'clang libclang-rt-14-dev' || finish
try() { # folder of the sources
    clang -std=c11 -D_GNU_SOURCE -O1 -g -fsanitize=memory -fno-sanitize-recover=all -include sanitizer/msan_interface.h \
        '-DANSWER_IS_PUBLIC(x)=__msan_unpoison(&(x), sizeof(x))' -I"$1" tests/constant_time.c \
        "$1"/bytes.c "$1"/sha256.c "$1"/hmac.c "$1"/base64url.c "$1"/json.c "$1"/jwt.c -o "$dir/try" >"$dir/log" 2>&1 &&
        "$dir/try" >>"$dir/log" 2>&1
}
try .
verdict "signing and verifying in constant time" $?
mkdir "$dir/mutant"
cp ./*.c ./*.h "$dir/mutant"
sed -i 's/ct_equal(given, mac, sizeof mac)/memcmp(given, mac, sizeof mac) == 0/' "$dir/mutant/jwt.c"
! cmp -s jwt.c "$dir/mutant/jwt.c"
verdict "the mutant differs" $?
! try "$dir/mutant" && grep -q MemorySanitizer "$dir/log"
verdict "a comparison with memcmp is caught" $?
sed -i 's/^    uint8_t v = value & 63;/    static const char alphabet[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"; return alphabet[value \& 63];\n    uint8_t v = value \& 63;/' "$dir/mutant/base64url.c"
cp jwt.c "$dir/mutant/jwt.c"
! try "$dir/mutant" && grep -q MemorySanitizer "$dir/log"
verdict "a table of characters is caught" $?
finish
