/* sha256_hw.c - the compression function of sha256.c on instructions made for it: four rounds and four words of
 * the schedule at a time. The portable one says what happens; this one only says it in the processor's words. */
#include "sha256.h"

#include <stdbool.h>

#if defined(__x86_64__) && defined(__GNUC__)

#include <cpuid.h>
#include <immintrin.h>

#define SHA_TARGET __attribute__((target("sha,sse4.1")))

/* Rounds t to t + 3. The instructions keep the variables as two halves. */
SHA_TARGET static inline void rounds(__m128i *ABEF, __m128i *CDGH, __m128i W, int t) {
    __m128i KW = _mm_add_epi32(W, _mm_loadu_si128((const __m128i *)(sha256_K + t)));
    *CDGH = _mm_sha256rnds2_epu32(*CDGH, *ABEF, KW);
    *ABEF = _mm_sha256rnds2_epu32(*ABEF, *CDGH, _mm_shuffle_epi32(KW, 0x0e));
}

/* W_t to W_t+3, in place of W_t-16 to W_t-13; the arguments are in the order of t. */
SHA_TARGET static inline void schedule(__m128i *W0, __m128i W1, __m128i W2, __m128i W3) {
    __m128i W_t_minus_7 = _mm_alignr_epi8(W3, W2, 4);
    *W0 = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(*W0, W1), W_t_minus_7), W3);
}

SHA_TARGET static void compress_sha_ni(uint32_t H[8], const uint32_t M[16]) {
    const __m128i *m = (const __m128i *)M;
    __m128i W0 = _mm_loadu_si128(m), W1 = _mm_loadu_si128(m + 1), W2 = _mm_loadu_si128(m + 2),
            W3 = _mm_loadu_si128(m + 3);
    __m128i CDAB = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)H), 0xb1);
    __m128i EFGH = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)H + 1), 0x1b);
    __m128i ABEF = _mm_alignr_epi8(CDAB, EFGH, 8), CDGH = _mm_blend_epi16(EFGH, CDAB, 0xf0);
    const __m128i ABEF_before = ABEF, CDGH_before = CDGH;

    for (int t = 0;; t += 16) {
        rounds(&ABEF, &CDGH, W0, t);
        rounds(&ABEF, &CDGH, W1, t + 4);
        rounds(&ABEF, &CDGH, W2, t + 8);
        rounds(&ABEF, &CDGH, W3, t + 12);
        if (t == 48) break;
        schedule(&W0, W1, W2, W3);
        schedule(&W1, W2, W3, W0);
        schedule(&W2, W3, W0, W1);
        schedule(&W3, W0, W1, W2);
    }
    __m128i FEBA = _mm_shuffle_epi32(_mm_add_epi32(ABEF, ABEF_before), 0x1b);
    __m128i DCHG = _mm_shuffle_epi32(_mm_add_epi32(CDGH, CDGH_before), 0xb1);
    _mm_storeu_si128((__m128i *)H, _mm_blend_epi16(FEBA, DCHG, 0xf0));
    _mm_storeu_si128((__m128i *)H + 1, _mm_alignr_epi8(DCHG, FEBA, 8));
}

sha256_compress *sha256_fastest(unsigned long hwcap) {
    unsigned a, b, c, d;
    (void)hwcap;
    bool sse = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_1);
    return sse && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA) ? compress_sha_ni : sha256_compress_portable;
}

#elif defined(__aarch64__) && defined(__GNUC__)

#include <arm_neon.h>

#define SHA_TARGET __attribute__((target("+crypto")))

SHA_TARGET static inline void rounds(uint32x4_t *ABCD, uint32x4_t *EFGH, uint32x4_t W, int t) {
    uint32x4_t KW = vaddq_u32(W, vld1q_u32(sha256_K + t)), ABCD_before = *ABCD;
    *ABCD = vsha256hq_u32(*ABCD, *EFGH, KW);
    *EFGH = vsha256h2q_u32(*EFGH, ABCD_before, KW);
}

SHA_TARGET static void compress_armv8(uint32_t H[8], const uint32_t M[16]) {
    uint32x4_t W0 = vld1q_u32(M), W1 = vld1q_u32(M + 4), W2 = vld1q_u32(M + 8), W3 = vld1q_u32(M + 12);
    uint32x4_t ABCD = vld1q_u32(H), EFGH = vld1q_u32(H + 4);
    const uint32x4_t ABCD_before = ABCD, EFGH_before = EFGH;

    for (int t = 0;; t += 16) {
        rounds(&ABCD, &EFGH, W0, t);
        rounds(&ABCD, &EFGH, W1, t + 4);
        rounds(&ABCD, &EFGH, W2, t + 8);
        rounds(&ABCD, &EFGH, W3, t + 12);
        if (t == 48) break;
        W0 = vsha256su1q_u32(vsha256su0q_u32(W0, W1), W2, W3);
        W1 = vsha256su1q_u32(vsha256su0q_u32(W1, W2), W3, W0);
        W2 = vsha256su1q_u32(vsha256su0q_u32(W2, W3), W0, W1);
        W3 = vsha256su1q_u32(vsha256su0q_u32(W3, W0), W1, W2);
    }
    vst1q_u32(H, vaddq_u32(ABCD, ABCD_before));
    vst1q_u32(H + 4, vaddq_u32(EFGH, EFGH_before));
}

sha256_compress *sha256_fastest(unsigned long hwcap) {
    const unsigned long HWCAP_SHA2_BIT = 1ul << 6; /* Linux: Documentation/arch/arm64/elf_hwcaps.rst */
    return hwcap & HWCAP_SHA2_BIT ? compress_armv8 : sha256_compress_portable;
}

#else

sha256_compress *sha256_fastest(unsigned long hwcap) {
    (void)hwcap;
    return sha256_compress_portable;
}

#endif
