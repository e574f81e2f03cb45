/* hmac.c - HMAC-SHA-256 and PBKDF2, in the notation of RFC 2104 and RFC 8018.
 *
 * Guarantees: time depends on lengths and the iteration count only; what is derived from the key is wiped here. */
#include "hmac.h"

#include <string.h>

#include "bytes.h"

void hmac_key_init(struct hmac_key *k, sha256_compress *compress, const void *key, size_t n) {
    uint8_t K[SHA256_BLOCK] = { 0 };
    if (n > SHA256_BLOCK) /* RFC 2104 2: a longer key is hashed first */
        sha256_of(compress, key, n, NULL, 0, K);
    else if (n > 0)
        memcpy(K, key, n);
    uint32_t ipad[16], opad[16];
    sha256_load(ipad, K);
    for (int i = 0; i < 16; i++) {
        opad[i] = ipad[i] ^ 0x5c5c5c5c;
        ipad[i] ^= 0x36363636;
    }
    k->compress = compress;
    memcpy(k->inner, sha256_initial, sizeof k->inner);
    memcpy(k->outer, sha256_initial, sizeof k->outer);
    compress(k->inner, ipad);
    compress(k->outer, opad);
    explicit_bzero(K, sizeof K);
    explicit_bzero(ipad, sizeof ipad);
    explicit_bzero(opad, sizeof opad);
}

/* The block that ends a hash of one block and one digest: the digest's eight words, the one bit, and the
 * length, 8 * (64 + 32) bits (FIPS 180-4 5.1.1). */
static void digest_block(uint32_t M[16]) {
    memset(M, 0, 16 * sizeof *M);
    M[8] = 0x80000000;
    M[15] = 8 * (SHA256_BLOCK + SHA256_DIGEST);
}

/* The inner hash of `n` more bytes, as words in M[0] to M[7], M being a digest_block. */
static void inner_hash(const struct hmac_key *k, const void *head, size_t head_len, const void *tail, size_t tail_len,
                       uint32_t M[16]) {
    struct sha256 s = { .length = SHA256_BLOCK, .compress = k->compress };
    memcpy(s.H, k->inner, sizeof s.H);
    sha256_update(&s, head, head_len);
    sha256_update(&s, tail, tail_len);
    sha256_finish(&s);
    memcpy(M, s.H, sizeof s.H);
    explicit_bzero(&s, sizeof s);
}

void hmac_sha256(const struct hmac_key *k, const void *message, size_t n, uint8_t mac[SHA256_DIGEST]) {
    uint32_t M[16], H[8];
    digest_block(M);
    inner_hash(k, message, n, NULL, 0, M);
    memcpy(H, k->outer, sizeof H);
    k->compress(H, M);
    sha256_store(mac, H);
    explicit_bzero(M, sizeof M);
    explicit_bzero(H, sizeof H);
}

/* T = F(P, S, c, i) = U_1 XOR U_2 XOR ... XOR U_c, where U_1 = PRF(P, S || INT(i)) and U_j = PRF(P, U_{j-1}).
 * Each hash value stays where the next compression takes it as the first words of its block, so an iteration is two
 * compressions and eight XORs. */
static void F(const struct hmac_key *P, const void *S, size_t S_len, uint64_t c, uint32_t i, uint32_t T[8]) {
    uint32_t inner[16], outer[16];
    uint8_t INT_i[4];
    store_be32(INT_i, i);
    digest_block(inner);
    digest_block(outer);
    inner_hash(P, S, S_len, INT_i, sizeof INT_i, inner);
    memset(T, 0, SHA256_DIGEST);
    for (uint64_t j = 1;; j++) {
        memcpy(outer, P->outer, sizeof P->outer);
        P->compress(outer, inner);
        for (int w = 0; w < 8; w++) T[w] ^= outer[w];
        if (j == c) break;
        memcpy(inner, P->inner, sizeof P->inner);
        P->compress(inner, outer);
    }
    explicit_bzero(inner, sizeof inner);
    explicit_bzero(outer, sizeof outer);
}

void pbkdf2_hmac_sha256(const struct hmac_key *P, const void *S, size_t S_len, uint64_t c, uint8_t *DK, size_t dkLen) {
    uint32_t T[8];
    uint8_t block[SHA256_DIGEST];
    for (uint32_t i = 1; dkLen > 0; i++) {
        size_t n = dkLen < sizeof block ? dkLen : sizeof block;
        F(P, S, S_len, c, i, T);
        sha256_store(block, T);
        memcpy(DK, block, n);
        DK += n;
        dkLen -= n;
    }
    explicit_bzero(T, sizeof T);
    explicit_bzero(block, sizeof block);
}
