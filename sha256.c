/* sha256.c - SHA-256 as FIPS 180-4 writes it, with its names for everything.
 *
 * Guarantees: the same digest on every machine, whatever its byte order; no branch and no address depends on
 * the message's bytes, only on its length. */
#include "sha256.h"

#include <string.h>

#include "bytes.h"

/* 5.3.3: the first 32 bits of the fractional parts of the square roots of the first eight primes. */
const uint32_t sha256_initial[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

/* 4.2.2: the same of the cube roots of the first sixty-four primes. */
const uint32_t sha256_K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* 4.1.2; Ch and Maj have the same values with one operation less */
static inline uint32_t ROTR(uint32_t x, int n) { return x >> n | x << (32 - n); }
static inline uint32_t Ch(uint32_t x, uint32_t y, uint32_t z) { return z ^ (x & (y ^ z)); }
static inline uint32_t Maj(uint32_t x, uint32_t y, uint32_t z) { return (x & y) ^ (z & (x ^ y)); }
static inline uint32_t Sigma0(uint32_t x) { return ROTR(x, 2) ^ ROTR(x, 13) ^ ROTR(x, 22); }
static inline uint32_t Sigma1(uint32_t x) { return ROTR(x, 6) ^ ROTR(x, 11) ^ ROTR(x, 25); }
static inline uint32_t sigma0(uint32_t x) { return ROTR(x, 7) ^ ROTR(x, 18) ^ x >> 3; }
static inline uint32_t sigma1(uint32_t x) { return ROTR(x, 17) ^ ROTR(x, 19) ^ x >> 10; }

/* 6.2.2 step 3. The standard moves the eight variables one place on at the end of each round; here they stay,
 * and the next call's arguments are one place on. */
static inline void round_t(uint32_t a, uint32_t b, uint32_t c, uint32_t *d, uint32_t e, uint32_t f, uint32_t g,
                           uint32_t *h, uint32_t K_t_plus_W_t) {
    uint32_t T1 = *h + Sigma1(e) + Ch(e, f, g) + K_t_plus_W_t;
    uint32_t T2 = Sigma0(a) + Maj(a, b, c);
    *d += T1;
    *h = T1 + T2;
}

/* The message schedule, step 1, sixteen words at a time: W_t-16 to W_t-1 become W_t to W_t+15. */
static inline void schedule(uint32_t W[16]) {
#pragma GCC unroll 16 /* so that the words stay in registers, as far as there are enough */
    for (int t = 0; t < 16; t++) W[t] += sigma1(W[(t + 14) % 16]) + W[(t + 9) % 16] + sigma0(W[(t + 1) % 16]);
}

void sha256_compress_portable(uint32_t H[8], const uint32_t M[16]) {
    uint32_t W[16];
    memcpy(W, M, sizeof W);
    uint32_t a = H[0], b = H[1], c = H[2], d = H[3], e = H[4], f = H[5], g = H[6], h = H[7];
    for (const uint32_t *K = sha256_K;; K += 16) {
        for (int t = 0; t < 16; t += 8) {
            round_t(a, b, c, &d, e, f, g, &h, K[t] + W[t]);
            round_t(h, a, b, &c, d, e, f, &g, K[t + 1] + W[t + 1]);
            round_t(g, h, a, &b, c, d, e, &f, K[t + 2] + W[t + 2]);
            round_t(f, g, h, &a, b, c, d, &e, K[t + 3] + W[t + 3]);
            round_t(e, f, g, &h, a, b, c, &d, K[t + 4] + W[t + 4]);
            round_t(d, e, f, &g, h, a, b, &c, K[t + 5] + W[t + 5]);
            round_t(c, d, e, &f, g, h, a, &b, K[t + 6] + W[t + 6]);
            round_t(b, c, d, &e, f, g, h, &a, K[t + 7] + W[t + 7]);
        }
        if (K == sha256_K + 48) break;
        schedule(W);
    }
    H[0] += a, H[1] += b, H[2] += c, H[3] += d, H[4] += e, H[5] += f, H[6] += g, H[7] += h;
}

void sha256_load(uint32_t M[16], const uint8_t block[SHA256_BLOCK]) {
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) M[i] = load_be32(block + 4 * i);
}

void sha256_store(uint8_t digest[SHA256_DIGEST], const uint32_t H[8]) {
    for (int i = 0; i < 8; i++) store_be32(digest + 4 * i, H[i]);
}

static void compress_block(struct sha256 *s, const uint8_t *block) {
    uint32_t M[16];
    sha256_load(M, block);
    s->compress(s->H, M);
}

void sha256_init(struct sha256 *s, sha256_compress *compress) {
    memcpy(s->H, sha256_initial, sizeof s->H);
    s->length = 0;
    s->compress = compress;
}

void sha256_update(struct sha256 *s, const void *data, size_t n) {
    const uint8_t *p = data;
    for (size_t len; n > 0; p += len, n -= len) {
        size_t held = s->length % SHA256_BLOCK;
        len = n < SHA256_BLOCK - held ? n : SHA256_BLOCK - held;
        if (len < SHA256_BLOCK) memcpy(s->block + held, p, len);
        if (held + len == SHA256_BLOCK) compress_block(s, len < SHA256_BLOCK ? s->block : p);
        s->length += len;
    }
}

void sha256_finish(struct sha256 *s) {
    /* 5.1.1: a one bit, zeros, and the length in bits as the block's last 64 bits */
    size_t held = s->length % SHA256_BLOCK;
    s->block[held++] = 0x80;
    if (held > SHA256_BLOCK - 8) {
        memset(s->block + held, 0, SHA256_BLOCK - held);
        compress_block(s, s->block);
        held = 0;
    }
    memset(s->block + held, 0, SHA256_BLOCK - 8 - held);
    store_be64(s->block + SHA256_BLOCK - 8, 8 * s->length);
    compress_block(s, s->block);
}

void sha256_final(struct sha256 *s, uint8_t digest[SHA256_DIGEST]) {
    sha256_finish(s);
    sha256_store(digest, s->H);
}

void sha256_of(sha256_compress *compress, const void *a, size_t a_len, const void *b, size_t b_len,
               uint8_t digest[SHA256_DIGEST]) {
    struct sha256 s;
    sha256_init(&s, compress);
    sha256_update(&s, a, a_len);
    sha256_update(&s, b, b_len);
    sha256_final(&s, digest);
    explicit_bzero(&s, sizeof s);
}
