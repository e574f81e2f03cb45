/* sha256.h - SHA-256 (FIPS 180-4).
 *
 * No allocation, no globals, no errors: every input has a digest. The length of a message is at most 2^61 - 1
 * bytes (FIPS 180-4 table 1). */
#ifndef SHA256_H
#define SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BLOCK = 64, SHA256_DIGEST = 32 };

/* The compression function (section 6.2.2): folds the block M, as sixteen words M_0 to M_15, into the hash
 * value H. */
typedef void sha256_compress(uint32_t H[8], const uint32_t M[16]);

/* The one in plain C: runs everywhere, and is the one to read. */
sha256_compress sha256_compress_portable;

/* The fastest that this processor runs: the SHA extensions of x86, the crypto extensions of aarch64, else the
 * portable one. `hwcap` is the kernel's AT_HWCAP, which only aarch64 uses. Choose once, at start, and hand it
 * down. */
sha256_compress *sha256_fastest(unsigned long hwcap);

struct sha256 {
    uint32_t H[8];
    uint64_t length; /* bytes so far */
    sha256_compress *compress;
    uint8_t block[SHA256_BLOCK]; /* the bytes of an unfinished block */
};

/* Start, continue, finish: with the digest, or with its words in H. Then the struct is used up; it still holds the last
 * block, so wipe it where the message was secret. */
void sha256_init(struct sha256 *s, sha256_compress *compress);
void sha256_update(struct sha256 *s, const void *data, size_t n);
void sha256_final(struct sha256 *s, uint8_t digest[SHA256_DIGEST]);
void sha256_finish(struct sha256 *s);

/* The digest of two strings of bytes, one after the other. Nothing of them is left behind. */
void sha256_of(sha256_compress *compress, const void *a, size_t a_len, const void *b, size_t b_len,
               uint8_t digest[SHA256_DIGEST]);

/* Words from a block and to a digest: the first byte of each is the most significant (section 3.1). */
void sha256_load(uint32_t M[16], const uint8_t block[SHA256_BLOCK]);
void sha256_store(uint8_t digest[SHA256_DIGEST], const uint32_t H[8]);

/* The initial hash value H^(0) (section 5.3.3) and the constants (4.2.2). */
extern const uint32_t sha256_initial[8], sha256_K[64];

#endif
