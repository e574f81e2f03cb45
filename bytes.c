/* bytes.c - slices to read from, buffers to write to, a comparison in constant time. */
#include "bytes.h"

#include <stdarg.h>

#ifndef ANSWER_IS_PUBLIC /* tests/constant_time.sh follows what depends on a key; the answer may be known */
#define ANSWER_IS_PUBLIC(x) (void)(x)
#endif

int64_t slice_decimal(struct slice s) {
    int64_t n = 0;
    if (s.len == 0 || s.len > 18) return -1;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9') return -1;
        n = 10 * n + (s.at[i] - '0');
    }
    return n;
}

void put_texts(struct buffer *b, const char *text, ...) {
    va_list texts;
    va_start(texts, text);
    for (; text; text = va_arg(texts, const char *)) put_text(b, text);
    va_end(texts);
}

void put_number(struct buffer *b, uint64_t n) {
    char digits[20];
    size_t i = sizeof digits;
    do digits[--i] = (char)('0' + n % 10);
    while ((n /= 10) != 0);
    put_bytes(b, digits + i, sizeof digits - i);
}

void put_hex(struct buffer *b, const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < 2 * n; i++) {
        int nibble = bytes[i / 2] >> (i % 2 ? 0 : 4) & 15;
        put_char(b, (char)('0' + nibble + (((9 - nibble) >> 8) & ('a' - '9' - 1))));
    }
}

bool ct_equal(const void *a, const void *b, size_t n) {
    const uint8_t *x = a, *y = b;
    volatile uint64_t differ = 0; /* the compiler knows nothing of it, so it can't end early */
    for (; n >= 8; x += 8, y += 8, n -= 8) differ |= load_le64(x) ^ load_le64(y);
    for (; n > 0; n--) differ |= (uint8_t)(*x++ ^ *y++);
    uint64_t answer = differ;
    ANSWER_IS_PUBLIC(answer);
    return answer == 0;
}
