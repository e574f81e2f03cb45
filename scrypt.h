/* scrypt.h - scrypt (RFC 7914). No allocation: the caller lends the memory. */
#ifndef SCRYPT_H
#define SCRYPT_H

#include <stddef.h>
#include <stdint.h>

#include "hmac.h"

enum { SCRYPT_ALIGN = 64 };

/* Bytes of memory that scrypt works in with these parameters, or 0 if that does not fit a size_t or they break
 * section 6: N a power of two above 1 and below 2^(16 * r); r and p at least 1, r * p < 2^30. */
size_t scrypt_memory(uint64_t N, uint32_t r, uint32_t p);

/* DK = scrypt(P, S, N, r, p, dkLen), P being the password that `P` was made from. The parameters must have passed
 * scrypt_memory, and `memory` must be of that size and SCRYPT_ALIGN-aligned; it is left full of secrets, for the
 * caller to wipe or give back. dkLen in bytes. */
void scrypt(const struct hmac_key *P, const void *S, size_t S_len, uint64_t N, uint32_t r, uint32_t p, void *memory,
            uint8_t *DK, size_t dkLen);

#endif
