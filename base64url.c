/* base64url.c - the alphabet of RFC 4648 table 2 by arithmetic instead of by table: which character a secret's
 * bits become must not show in the cache. */
#include "base64url.h"

#include <string.h>

/* All bits set where lo <= c <= hi, else none. */
static inline uint8_t within(uint8_t c, uint8_t lo, uint8_t hi) {
    return (uint8_t) - ((uint8_t)(c - lo) <= (uint8_t)(hi - lo));
}

/* Each range of the alphabet is one distance between value and character. */
static inline char to_char(uint32_t value) {
    uint8_t v = value & 63;
    return (char)(v + (within(v, 0, 25) & 'A') + (within(v, 26, 51) & ('a' - 26)) - (within(v, 52, 61) & (52 - '0')) -
                  (within(v, 62, 62) & (62 - '-')) + (within(v, 63, 63) & ('_' - 63)));
}

/* 0 to 63, or 255 */
static inline uint8_t from_char(uint8_t c) {
    uint8_t upper = within(c, 'A', 'Z'), lower = within(c, 'a', 'z'), digit = within(c, '0', '9');
    uint8_t dash = within(c, '-', '-'), low_line = within(c, '_', '_');
    return (uint8_t)((upper & (c - 'A')) | (lower & (c - 'a' + 26)) | (digit & (c - '0' + 52)) | (dash & 62) |
                     (low_line & 63) | (uint8_t) ~(upper | lower | digit | dash | low_line));
}

size_t base64url_encode(const void *bytes, size_t n, char *out) {
    const uint8_t *p = bytes;
    char *o = out;
    for (; n >= 3; p += 3, n -= 3) {
        uint32_t group = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        *o++ = to_char(group >> 18);
        *o++ = to_char(group >> 12);
        *o++ = to_char(group >> 6);
        *o++ = to_char(group);
    }
    if (n > 0) {
        uint32_t group = (uint32_t)p[0] << 16 | (n == 2 ? (uint32_t)p[1] << 8 : 0);
        *o++ = to_char(group >> 18);
        *o++ = to_char(group >> 12);
        if (n == 2) *o++ = to_char(group >> 6);
    }
    return (size_t)(o - out);
}

/* Sixteen characters at a time, which the compiler can take as one vector; "A" stands for zero bits. */
ssize_t base64url_decode(const char *text, size_t n, void *out) {
    uint8_t *o = out, values[16], bytes[13] = { 0 }, bad = n % 4 == 1; /* six bits are no byte */
    for (size_t chars = 16; n > 0; text += chars, n -= chars) {
        if (n < 16) {
            memset(values, 'A', sizeof values);
            chars = n;
        }
        memcpy(values, text, chars);
        for (int i = 0; i < 16; i++) values[i] = from_char(values[i]);
        for (int i = 0; i < 16; i++) bad |= values[i] >> 7;
        for (int i = 0; i < 4; i++) {
            const uint8_t *v = values + 4 * i;
            bytes[3 * i] = (uint8_t)(v[0] << 2 | v[1] >> 4);
            bytes[3 * i + 1] = (uint8_t)(v[1] << 4 | v[2] >> 2);
            bytes[3 * i + 2] = (uint8_t)(v[2] << 6 | v[3]);
        }
        size_t len = base64url_decoded_max(chars);
        memcpy(o, bytes, len);
        o += len;
        bad |= bytes[len] != 0; /* spare bits; behind a whole group there are none */
    }
    return bad ? -1 : o - (uint8_t *)out;
}
