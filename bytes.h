/* bytes.h - what every floor shares: slices to read from, buffers to write to, byte order, and a comparison
 * that takes the same time whatever it finds.
 *
 * A slice never owns its bytes and need not end in NUL. A buffer is written front to back and never past its
 * end: what does not fit is dropped whole and `overflow` stays set, so a writer checks once, at the end. */
#ifndef BYTES_H
#define BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *at;
    size_t len;
};

struct buffer {
    char *at;
    size_t len, cap;
    bool overflow;
};

static inline struct slice slice_of(const char *text) { return (struct slice){ text, strlen(text) }; }

static inline bool slice_equal(struct slice a, struct slice b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool slice_is(struct slice s, const char *text) { return slice_equal(s, slice_of(text)); }

/* Cuts the part before the first `separator` off the front of *rest and gives it; if there is none, all of *rest,
 * leaving rest->at NULL. */
static inline struct slice slice_cut(struct slice *rest, char separator) {
    const char *end = rest->len ? memchr(rest->at, separator, rest->len) : NULL;
    struct slice head = *rest;
    if (end == NULL) {
        *rest = (struct slice){ NULL, 0 };
        return head;
    }
    head.len = (size_t)(end - head.at);
    *rest = (struct slice){ end + 1, rest->len - head.len - 1 };
    return head;
}

static inline bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* Without the white space at both ends. */
static inline struct slice slice_trim(struct slice s) {
    while (s.len > 0 && is_blank(s.at[0])) s.at++, s.len--;
    while (s.len > 0 && is_blank(s.at[s.len - 1])) s.len--;
    return s;
}

/* 0 to 15, or -1: not a hexadecimal digit. */
static inline int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* A decimal number of 1 to 18 digits and nothing else: the number, or -1. */
int64_t slice_decimal(struct slice s);

static inline void put_bytes(struct buffer *b, const void *bytes, size_t n) {
    if (n > b->cap - b->len) b->overflow = true;
    if (b->overflow || n == 0) return;
    memcpy(b->at + b->len, bytes, n);
    b->len += n;
}

static inline void put_char(struct buffer *b, char c) { put_bytes(b, &c, 1); }
static inline void put_text(struct buffer *b, const char *text) { put_bytes(b, text, strlen(text)); }
void put_number(struct buffer *b, uint64_t n);

/* The texts up to a NULL. */
__attribute__((sentinel)) void put_texts(struct buffer *b, const char *text, ...);

/* Lower-case hexadecimal, branch-free in the bytes: they may be secret. */
void put_hex(struct buffer *b, const uint8_t *bytes, size_t n);

/* True if the n bytes are the same; takes the same time if they are not. */
bool ct_equal(const void *a, const void *b, size_t n);

static inline uint32_t load_be32(const uint8_t *p) {
    uint32_t x;
    memcpy(&x, p, sizeof x);
    return be32toh(x);
}

static inline void store_be32(uint8_t *p, uint32_t x) {
    x = htobe32(x);
    memcpy(p, &x, sizeof x);
}

static inline void store_be64(uint8_t *p, uint64_t x) {
    x = htobe64(x);
    memcpy(p, &x, sizeof x);
}

static inline uint32_t load_le32(const uint8_t *p) {
    uint32_t x;
    memcpy(&x, p, sizeof x);
    return le32toh(x);
}

static inline uint64_t load_le64(const uint8_t *p) {
    uint64_t x;
    memcpy(&x, p, sizeof x);
    return le64toh(x);
}

static inline void store_le32(uint8_t *p, uint32_t x) {
    x = htole32(x);
    memcpy(p, &x, sizeof x);
}

#endif
