/* scrypt.c - scrypt in the notation of RFC 7914.
 *
 * Almost all of the time goes into Salsa20/8. Its sixteen words are mixed four at a time, and the four mixings of a
 * round do not wait for each other: a processor with a few integer units runs them side by side. Vectors of four words
 * need a quarter of the instructions, but are faster only where one instruction rotates a vector (AVX-512VL); so they
 * are used only there. An Intel Xeon takes 43 ms with words, 52 with vectors of SSE2 and 34 with those of AVX-512VL.
 *
 * Guarantees: the result of the RFC on every machine. Which part of the memory is read depends on the password:
 * that is what makes scrypt scrypt. */
#include "scrypt.h"

#include <stdbool.h>
#include <string.h>

#include "bytes.h"

/* 64 bytes: a Salsa20 matrix, one diagonal after the other: what is mixed together is at the same place in each. */
struct block {
    _Alignas(16) uint32_t w[16];
};

static void load_block(struct block *b, const uint8_t bytes[64]) {
    for (int i = 0; i < 16; i++) b->w[i] = load_le32(bytes + 4 * (i * 5 % 16));
}

static void store_block(uint8_t bytes[64], const struct block *b) {
    for (int i = 0; i < 16; i++) store_le32(bytes + 4 * (i * 5 % 16), b->w[i]);
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
        quarter_round(w + 1, w + 5, w + 9, w + 13);
        quarter_round(w + 2, w + 6, w + 10, w + 14);
        quarter_round(w + 3, w + 7, w + 11, w + 15);
        quarter_round(w + 0, w + 13, w + 10, w + 7); /* the rows */
        quarter_round(w + 1, w + 14, w + 11, w + 4);
        quarter_round(w + 2, w + 15, w + 8, w + 5);
        quarter_round(w + 3, w + 12, w + 9, w + 6);
    }
#pragma GCC unroll 16 /* so that the words stay in registers */
    for (int i = 0; i < 16; i++) B->w[i] += w[i];
}

static inline void xor_block(struct block *X, const struct block *B) {
#pragma GCC unroll 16 /* so that the words stay in registers */
    for (int i = 0; i < 16; i++) X->w[i] ^= B->w[i];
}

/* Section 4, scryptBlockMix: out = Y_0, Y_2, ..., Y_1, Y_3, ... of B XOR V, each of 2 * r blocks; of B if V is NULL. */
static void block_mix(const struct block *B, const struct block *V, struct block *out, uint32_t r) {
    struct block X = B[2 * r - 1];
    if (V) xor_block(&X, &V[2 * r - 1]);
    for (uint32_t i = 0; i < 2 * r; i++) {
        xor_block(&X, &B[i]);
        if (V) xor_block(&X, &V[i]);
        salsa20_8(&X);
        out[i / 2 + (i & 1) * r] = X;
    }
}

typedef void block_mixing(const struct block *B, const struct block *V, struct block *out, uint32_t r);

#if defined(__x86_64__) && defined(__GNUC__)

#include <cpuid.h>
#include <emmintrin.h>

/* ---- the same on vectors ---------------------------------------------- */

#define VECTOR_TARGET __attribute__((target("avx512vl")))

typedef uint32_t diagonal __attribute__((vector_size(16), may_alias));

VECTOR_TARGET static inline diagonal turn_words(diagonal x, int n) { return x << n | x >> (32 - n); }

VECTOR_TARGET static inline void quarter_rounds(diagonal *a, diagonal *b, diagonal *c, diagonal *d) {
    *b ^= turn_words(*a + *d, 7);
    *c ^= turn_words(*b + *a, 9);
    *d ^= turn_words(*c + *b, 13);
    *a ^= turn_words(*d + *c, 18);
}

/* Brings the words of a row to where those of a column were; a second call brings them back. */
VECTOR_TARGET static inline void turn_diagonals(diagonal *b, diagonal *c, diagonal *d) {
    diagonal by_one = (diagonal)_mm_shuffle_epi32((__m128i)*d, 0x39);
    *c = (diagonal)_mm_shuffle_epi32((__m128i)*c, 0x4e);
    *d = (diagonal)_mm_shuffle_epi32((__m128i)*b, 0x93);
    *b = by_one;
}

VECTOR_TARGET static inline void salsa20_8_vectors(diagonal B[4]) {
    diagonal a = B[0], b = B[1], c = B[2], d = B[3];
    for (int i = 8; i > 0; i--) {
        quarter_rounds(&a, &b, &c, &d);
        turn_diagonals(&b, &c, &d);
    }
    B[0] += a, B[1] += b, B[2] += c, B[3] += d;
}

VECTOR_TARGET static inline void xor_diagonals(diagonal X[4], const struct block *B) {
#pragma GCC unroll 4 /* so that they stay in registers */
    for (int i = 0; i < 4; i++) X[i] ^= ((const diagonal *)B)[i];
}

VECTOR_TARGET static void block_mix_vectors(const struct block *B, const struct block *V, struct block *out,
                                            uint32_t r) {
    diagonal X[4] = { { 0 } };
    for (uint32_t i = 0; V && i < 2 * r; i++) __builtin_prefetch(&V[i]); /* one wait for memory instead of many */
    xor_diagonals(X, &B[2 * r - 1]);
    if (V) xor_diagonals(X, &V[2 * r - 1]);
    for (uint32_t i = 0; i < 2 * r; i++) {
        diagonal *Y = (diagonal *)&out[i / 2 + (i & 1) * r];
        xor_diagonals(X, &B[i]);
        if (V) xor_diagonals(X, &V[i]);
        salsa20_8_vectors(X);
        Y[0] = X[0], Y[1] = X[1], Y[2] = X[2], Y[3] = X[3];
    }
}

/* Vectors, where the processor has the instructions and the system keeps their registers, which the five bits stand for
 * (Intel's manual, volume 1, 15.2). */
static block_mixing *fastest_block_mix(void) {
    unsigned a, b, c, d, state, rest;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return block_mix;
    __asm__("xgetbv" : "=a"(state), "=d"(rest) : "c"(0));
    bool kept = (state & 0xe6) == 0xe6;
    return kept && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX512F) && (b & bit_AVX512VL)
               ? block_mix_vectors
               : block_mix;
}

#else

static block_mixing *fastest_block_mix(void) { return block_mix; }

#endif

/* B_(2 * r - 1) as a number, its first word the least significant, modulo N. */
static inline uint64_t integerify(const struct block *B, uint32_t r, uint64_t N) {
    const struct block *last = &B[2 * r - 1];
    return (last->w[0] | (uint64_t)last->w[13] << 32) & (N - 1);
}

/* Section 5, scryptROMix: X = ROMix(X). Y holds one X, V holds N. */
static void ro_mix(block_mixing *mix, struct block *X, struct block *Y, struct block *V, uint32_t r, uint64_t N) {
    const size_t blocks = 2 * (size_t)r;
    memcpy(V, X, blocks * sizeof *V);
    for (uint64_t i = 1; i < N; i++) mix(V + (i - 1) * blocks, NULL, V + i * blocks, r);
    mix(V + (N - 1) * blocks, NULL, X, r);
    for (uint64_t i = 0; i < N; i += 2) {
        mix(X, V + integerify(X, r, N) * blocks, Y, r);
        mix(Y, V + integerify(Y, r, N) * blocks, X, r);
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
    block_mixing *fastest = fastest_block_mix();
    for (uint32_t i = 0; i < p; i++) {
        uint8_t *B_i = B + (size_t)i * 64 * blocks;
        for (size_t j = 0; j < blocks; j++) load_block(&X[j], B_i + 64 * j);
        ro_mix(fastest, X, Y, V, r, N);
        for (size_t j = 0; j < blocks; j++) store_block(B_i + 64 * j, &X[j]);
    }
    pbkdf2_hmac_sha256(P, B, B_len, 1, DK, dkLen);
}
