/* scrypt.c - scrypt in the letters of RFC 7914.
 *
 * Salsa20/8 turns sixteen words, seen as a matrix of four by four, by mixing each column and then each row.
 * Laid out by diagonals, all four columns are mixed by the same few operations on vectors of four words, and so
 * are all four rows once the vectors are turned by one, two and three places. So every block is brought into
 * that order once, on its way into ROMix, and back once, on its way out. Vectors are the compiler's own (SSE2,
 * NEON, or plain C).
 *
 * Guarantees: the result of the RFC on every machine. Which part of the memory is read depends on the password:
 * that is what makes scrypt scrypt. */
#include "scrypt.h"

#include <string.h>

#include "bytes.h"

typedef uint32_t words4 __attribute__((vector_size(16)));

/* 64 bytes: a Salsa20 matrix as four diagonals */
struct block {
    words4 d[4];
};

/* The place in the matrix of each word of a block. */
static const uint8_t diagonal[16] = { 0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11 };

static void load_block(struct block *b, const uint8_t bytes[64]) {
    for (int i = 0; i < 16; i++) b->d[i / 4][i % 4] = load_le32(bytes + 4 * diagonal[i]);
}

static void store_block(uint8_t bytes[64], const struct block *b) {
    for (int i = 0; i < 16; i++) store_le32(bytes + 4 * diagonal[i], b->d[i / 4][i % 4]);
}

static inline words4 R(words4 x, int n) { return x << n | x >> (32 - n); }

/* The words moved n places to the front, those that fall off put behind. */
static inline words4 turn(words4 x, int n) {
    return (words4){ x[n & 3], x[(n + 1) & 3], x[(n + 2) & 3], x[(n + 3) & 3] };
}

/* Section 3: B = Salsa20/8(B). */
static inline void salsa20_8(struct block *B) {
    words4 x0 = B->d[0], x1 = B->d[1], x2 = B->d[2], x3 = B->d[3];
    for (int i = 8; i > 0; i -= 2) {
        x1 ^= R(x0 + x3, 7); /* the columns */
        x2 ^= R(x1 + x0, 9);
        x3 ^= R(x2 + x1, 13);
        x0 ^= R(x3 + x2, 18);
        x1 = turn(x1, 3), x2 = turn(x2, 2), x3 = turn(x3, 1);
        x3 ^= R(x0 + x1, 7); /* the rows */
        x2 ^= R(x3 + x0, 9);
        x1 ^= R(x2 + x3, 13);
        x0 ^= R(x1 + x2, 18);
        x1 = turn(x1, 1), x2 = turn(x2, 2), x3 = turn(x3, 3);
    }
    B->d[0] += x0, B->d[1] += x1, B->d[2] += x2, B->d[3] += x3;
}

static inline void xor_block(struct block *X, const struct block *B) {
    X->d[0] ^= B->d[0], X->d[1] ^= B->d[1], X->d[2] ^= B->d[2], X->d[3] ^= B->d[3];
}

/* Section 4, scryptBlockMix: out = Y_0, Y_2, ..., Y_1, Y_3, ... of B XOR V, blocks of 2 * r; just of B where V
 * is NULL. */
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
    return (last->d[0][0] | (uint64_t)last->d[3][1] << 32) & (N - 1);
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
