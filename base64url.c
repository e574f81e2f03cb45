/* base64url.c - the alphabet of RFC 4648 table 2 by arithmetic instead of a table: which character a secret's
 * bits become must not show in the cache. */
#include "base64url.h"

/* All bits set where lo <= c <= hi, else none. */
static inline uint8_t within(uint8_t c, uint8_t lo, uint8_t hi) {
    return (uint8_t) - ((uint8_t)(c - lo) <= (uint8_t)(hi - lo));
}

/* In each range of the alphabet, value and character are a constant distance apart. */
static inline char to_char(uint32_t value) {
    uint8_t v = value & 63;
    return (char)(v + (within(v, 0, 25) & 'A') + (within(v, 26, 51) & ('a' - 26)) - (within(v, 52, 61) & (52 - '0')) -
                  (within(v, 62, 62) & (62 - '-')) + (within(v, 63, 63) & ('_' - 63)));
}

/* 0 to 63, or 255. `value` is one more, so that what is in no range gives 0. */
static inline uint8_t from_char(uint8_t c) {
    uint8_t upper = within(c, 'A', 'Z'), lower = within(c, 'a', 'z'), digit = within(c, '0', '9');
    int value = (upper & (c - 'A' + 1)) | (lower & (c - 'a' + 27)) | (digit & (c - '0' + 53)) |
                (within(c, '-', '-') & 63) | (within(c, '_', '_') & 64);
    return (uint8_t)(value - 1);
}

size_t base64url_encode(const void *bytes, size_t n, char *out) {
    const uint8_t *p = bytes;
    size_t len = base64url_encoded_len(n);
    for (size_t i = 0; i < len; i++) {
        size_t bit = 6 * i, at = bit / 8;
        uint32_t two = (uint32_t)p[at] << 8 | (at + 1 < n ? p[at + 1] : 0);
        out[i] = to_char(two >> (10 - bit % 8));
    }
    return len;
}

void put_base64url(struct buffer *out, const void *bytes, size_t n) {
    out->overflow |= base64url_encoded_len(n) > out->cap - out->len;
    if (!out->overflow) out->len += base64url_encode(bytes, n, out->at + out->len);
}

void put_base64(struct buffer *out, const void *bytes, size_t n) {
    char *c = out->at + out->len;
    put_base64url(out, bytes, n);
    for (; c < out->at + out->len; c++) *c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
    for (n %= 3; n == 1 || n == 2; n++) put_char(out, '=');
}

/* Eight values of six bits, a byte each, as one number of 48 bits. */
static inline uint64_t pack(uint64_t values) {
    const uint64_t six = 0x003f003f003f003f, twelve = 0x00000fff00000fff;
    uint64_t twelves = (values & six) << 6 | (values >> 8 & six);
    uint64_t groups = (twelves & twelve) << 12 | (twelves >> 16 & twelve);
    return (groups & 0xffffff) << 24 | groups >> 32;
}

/* Decodes sixteen characters, which the compiler can take as one vector, to twelve bytes. Not zero: one is foreign. */
static inline uint64_t decode_sixteen(const char *text, uint8_t bytes[12]) {
    uint8_t values[16];
    memcpy(values, text, sizeof values);
    for (int i = 0; i < 16; i++) values[i] = from_char(values[i]);
    uint64_t first = load_le64(values), second = load_le64(values + 8);
    uint64_t head = pack(first), tail = pack(second);
    store_be64(bytes, head << 16 | tail >> 32);
    store_be32(bytes + 8, (uint32_t)tail);
    return (first | second) & 0x8080808080808080;
}

ssize_t base64url_decode(const char *text, size_t n, void *out) {
    uint8_t *o = out, bytes[12];
    uint64_t bad = n % 4 == 1; /* six bits are no byte */
    for (; n >= 16; text += 16, n -= 16, o += 12) bad |= decode_sixteen(text, o);
    char rest[16];
    size_t len = base64url_decoded_max(n);
    memset(rest, 'A', sizeof rest); /* which stands for zero bits */
    memcpy(rest, text, n);
    bad |= decode_sixteen(rest, bytes);
    memcpy(o, bytes, len);
    bad |= bytes[len]; /* bits left over */
    return bad ? -1 : o + len - (uint8_t *)out;
}
