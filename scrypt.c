/* scrypt.c - scrypt in the letters of RFC 7914, in plain C.
 *
 * Almost all of the time goes into Salsa20/8. Its sixteen words are mixed four at a time, and the four mixings of a
 * round do not wait for each other: a processor with a few integer units runs them side by side. (Vectors of four
 * words do the same with fewer instructions, but each takes longer: 95 ms against 51 on an AMD EPYC, gcc 12.)
 *
 * Guarantees: the result of the RFC on every machine. Which part of the memory is read depends on the password:
 * that is what makes scrypt scrypt. */
#include "scrypt.h"

#include <string.h>

#include "bytes.h"

/* 64 bytes: a Salsa20 matrix, row by row */
struct block {
    uint32_t w[16];
};

static void load_block(struct block *b, const uint8_t bytes[64]) {
    for (int i = 0; i < 16; i++) b->w[i] = load_le32(bytes + 4 * i);
}

static void store_block(uint8_t bytes[64], const struct block *b) {
    for (int i = 0; i < 16; i++) store_le32(bytes + 4 * i, b->w[i]);
}

static inline uint32_t R(uint32_t x, int n) { return x << n | x >> (32 - n); }

/* Section 3, by way of the Salsa20 specification: one quarter of a round. */
static inline void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d) {
    *b ^= R(*a + *d, 7);
    *c ^= R(*b + *a, 9);
    *d ^= R(*c + *b, 13);
    *a ^= R(*d + *c, 18);
}

/* Section 3: B = Salsa20/8(B). */
static inline void salsa20_8(struct block *B) {
    struct block x = *B;
    uint32_t *w = x.w;
    for (int i = 8; i > 0; i -= 2) {
        quarter_round(w + 0, w + 4, w + 8, w + 12); /* the columns */
        quarter_round(w + 5, w + 9, w + 13, w + 1);
        quarter_round(w + 10, w + 14, w + 2, w + 6);
        quarter_round(w + 15, w + 3, w + 7, w + 11);
        quarter_round(w + 0, w + 1, w + 2, w + 3); /* the rows */
        quarter_round(w + 5, w + 6, w + 7, w + 4);
        quarter_round(w + 10, w + 11, w + 8, w + 9);
        quarter_round(w + 15, w + 12, w + 13, w + 14);
    }
#pragma GCC unroll 16 /* so that the words stay in registers */
    for (int i = 0; i < 16; i++) B->w[i] += w[i];
}

static inline void xor_block(struct block *X, const struct block *B) {
#pragma GCC unroll 16 /* so that the words stay in registers */
    for (int i = 0; i < 16; i++) X->w[i] ^= B->w[i];
}

/* Section 4, scryptBlockMix: out = Y_0, Y_2, ..., Y_1, Y_3, ... of B XOR V, blocks of 2 * r; of B where V is NULL. */
static inline void block_mix(const struct block *B, const struct block *V, struct block *out, uint32_t r) {
    struct block X = B[2 * r - 1];
    if (V) xor_block(&X, &V[2 * r - 1]);
    for (uint32_t i = 0; i < 2 * r; i++) {
        xor_block(&X, &B[i]);
        if (V) xor_block(&X, &V[i]);
        salsa20_8(&X);
        out[i / 2 + (i & 1) * r] = X;
    }
}

/* B_(2 * r - 1) as a number, its first word the least significant, modulo N. */
static inline uint64_t integerify(const struct block *B, uint32_t r, uint64_t N) {
    const struct block *last = &B[2 * r - 1];
    return (last->w[0] | (uint64_t)last->w[1] << 32) & (N - 1);
}

/* Section 5, scryptROMix: X = ROMix(X). Y holds one X, V holds N. */
static void ro_mix(struct block *X, struct block *Y, struct block *V, uint32_t r, uint64_t N) {
    const size_t blocks = 2 * (size_t)r;
    memcpy(V, X, blocks * sizeof *V);
    for (uint64_t i = 1; i < N; i++) block_mix(V + (i - 1) * blocks, NULL, V + i * blocks, r);
    block_mix(V + (N - 1) * blocks, NULL, X, r);
    for (uint64_t i = 0; i < N; i += 2) {
        block_mix(X, V + integerify(X, r, N) * blocks, Y, r);
        block_mix(Y, V + integerify(Y, r, N) * blocks, X, r);
    }
}

size_t scrypt_memory(uint64_t N, uint32_t r, uint32_t p) {
    if (N < 2 || (N & (N - 1)) != 0 || r == 0 || p == 0 || (uint64_t)r * p >= 1u << 30 || (r < 4 && N >> (16 * r) != 0))
        return 0;
    /* section 6 step 1 and 2: B of p * 128 * r bytes, and for ROMix X, Y and V */
    uint64_t lumps = N + p + 2, lump = (uint64_t)128 * r;
    return lumps > SIZE_MAX / lump ? 0 : (size_t)(lumps * lump);
}

void scrypt(const struct hmac_key *P, const void *S, size_t S_len, uint64_t N, uint32_t r, uint32_t p, void *memory,
            uint8_t *DK, size_t dkLen) {
    const size_t blocks = 2 * (size_t)r, B_len = (size_t)p * 64 * blocks;
    struct block *X = memory, *Y = X + blocks, *V = Y + blocks;
    uint8_t *B = (uint8_t *)(V + N * blocks);
    pbkdf2_hmac_sha256(P, S, S_len, 1, B, B_len);
    for (uint32_t i = 0; i < p; i++) {
        uint8_t *B_i = B + (size_t)i * 64 * blocks;
        for (size_t j = 0; j < blocks; j++) load_block(&X[j], B_i + 64 * j);
        ro_mix(X, Y, V, r, N);
        for (size_t j = 0; j < blocks; j++) store_block(B_i + 64 * j, &X[j]);
    }
    pbkdf2_hmac_sha256(P, B, B_len, 1, DK, dkLen);
}
