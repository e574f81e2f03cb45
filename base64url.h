/* base64url.h - base64url without padding (RFC 4648 section 5, RFC 7515 section 2).
 *
 * Strict: one text for each string of bytes, one string of bytes for each text. Branch-free in the bytes, since
 * a MAC passes through here. */
#ifndef BASE64URL_H
#define BASE64URL_H

#include <sys/types.h>

#include "bytes.h"

/* Characters that n bytes become, and the most bytes that n characters become. */
static inline size_t base64url_encoded_len(size_t n) { return n / 3 * 4 + (n % 3 * 4 + 2) / 3; }
static inline size_t base64url_decoded_max(size_t n) { return n / 4 * 3 + n % 4 * 3 / 4; }

/* Writes base64url_encoded_len(n) characters, no NUL; gives their number. */
size_t base64url_encode(const void *bytes, size_t n, char *out);

/* Appends the same; and base64 with its padding (section 4). What does not fit sets out->overflow. */
void put_base64url(struct buffer *out, const void *bytes, size_t n);
void put_base64(struct buffer *out, const void *bytes, size_t n);

/* Gives the number of bytes written (`out` holds base64url_decoded_max(n)), or -1: a foreign character,
 * padding, a length no encoder makes, or bits left over that are not zero (RFC 4648 3.5). */
ssize_t base64url_decode(const char *text, size_t n, void *out);

#endif
