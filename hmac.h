/* hmac.h - HMAC-SHA-256 (RFC 2104) and PBKDF2 over it (RFC 8018 section 5.2).
 *
 * No allocation, no errors. Keys, messages and salts may have any length. */
#ifndef HMAC_H
#define HMAC_H

#include <stddef.h>
#include <stdint.h>

#include "sha256.h"

/* A key as HMAC uses it: the two hash values after the block K XOR ipad and after the block K XOR
 * opad. As secret as the key itself: wipe it with explicit_bzero. */
struct hmac_key {
    uint32_t inner[8], outer[8];
    sha256_compress *compress;
};

void hmac_key_init(struct hmac_key *k, sha256_compress *compress, const void *key, size_t n);

void hmac_sha256(const struct hmac_key *k, const void *message, size_t n, uint8_t mac[SHA256_DIGEST]);

/* DK = PBKDF2(P, S, c, dkLen), P being the password that `P` was made from. c is at least 1; dkLen, in bytes, at
 * most (2^32 - 1) * 32. */
void pbkdf2_hmac_sha256(const struct hmac_key *P, const void *S, size_t S_len, uint64_t c, uint8_t *DK, size_t dkLen);

#endif
