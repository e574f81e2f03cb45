/* base64url.c - the alphabet of RFC 4648 table 2 by arithmetic instead of by table: which character a secret's
 * bits become must not show in the cache. */
#include "base64url.h"

/* -1 (all bits) where lo <= c <= hi, else 0; all three within 0 to 255 */
static inline int32_t within(int32_t c, int32_t lo, int32_t hi) { return ~((c - lo) >> 8 | (hi - c) >> 8); }

/* Each range of the alphabet is one distance between value and character. */
static inline char to_char(uint32_t value) {
    int32_t v = (int32_t)(value & 63);
    int32_t distance = (within(v, 0, 25) & 'A') + (within(v, 26, 51) & ('a' - 26)) + (within(v, 52, 61) & ('0' - 52)) +
                       (within(v, 62, 62) & ('-' - 62)) + (within(v, 63, 63) & ('_' - 63));
    return (char)(v + distance);
}

/* 0 to 63, or -1 */
static inline int32_t from_char(char character) {
    int32_t c = (uint8_t)character;
    int32_t upper = within(c, 'A', 'Z'), lower = within(c, 'a', 'z'), digit = within(c, '0', '9');
    int32_t dash = within(c, '-', '-'), low_line = within(c, '_', '_');
    return (upper & (c - 'A')) | (lower & (c - 'a' + 26)) | (digit & (c - '0' + 52)) | (dash & 62) | (low_line & 63) |
           ~(upper | lower | digit | dash | low_line);
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

ssize_t base64url_decode(const char *text, size_t n, void *out) {
    uint8_t *o = out;
    int32_t bad = 0;           /* negative once anything was wrong */
    if (n % 4 == 1) return -1; /* six bits are no byte */
    for (; n >= 4; text += 4, n -= 4) {
        int32_t a = from_char(text[0]), b = from_char(text[1]), c = from_char(text[2]), d = from_char(text[3]);
        uint32_t group = (uint32_t)a << 18 | (uint32_t)b << 12 | (uint32_t)c << 6 | (uint32_t)d;
        bad |= a | b | c | d;
        *o++ = (uint8_t)(group >> 16);
        *o++ = (uint8_t)(group >> 8);
        *o++ = (uint8_t)group;
    }
    if (n > 0) {
        int32_t a = from_char(text[0]), b = from_char(text[1]), c = n == 3 ? from_char(text[2]) : 0;
        uint32_t group = (uint32_t)a << 18 | (uint32_t)b << 12 | (uint32_t)c << 6;
        bad |= a | b | c;
        *o++ = (uint8_t)(group >> 16);
        if (n == 3) *o++ = (uint8_t)(group >> 8);
        bad |= -(int32_t)(group & (n == 3 ? 0xffu : 0xffffu)); /* spare bits */
    }
    return bad < 0 ? -1 : o - (uint8_t *)out;
}
