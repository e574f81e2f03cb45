/* sha256_test.c - SHA-256, each case on every compression function there is:
 * the examples of FIPS 180-2 appendix B and of NIST's further papers, the
 * CAVP's vectors and Monte Carlo test (sha256_vectors.h), where padding begins
 * and ends, the length field, and messages that come in pieces.
 *
 * The digests that NIST published were checked with Python's hashlib; those
 * that NIST did not publish were computed with it, and say so. */
#include <stdbool.h>
#include <sys/auxv.h>

#include "../bytes.h"
#include "../sha256.h"
#include "sha256_vectors.h"
#include "test.h"

#define ROWS(table) (sizeof(table) / sizeof *(table))

struct implementation {
    const char *name;
    sha256_compress *compress;
};

static void sha256(const struct implementation *i, const void *message, size_t n, uint8_t digest[SHA256_DIGEST])
{
    struct sha256 s;
    sha256_init(&s, i->compress);
    sha256_update(&s, message, n);
    sha256_final(&s, digest);
}

static void check_digest(const struct implementation *i, const uint8_t digest[SHA256_DIGEST], const char *right,
                         const char *what, size_t n)
{
    char hex[2 * SHA256_DIGEST];
    struct buffer b = { .at = hex, .cap = sizeof hex };
    put_hex(&b, digest, SHA256_DIGEST);
    check(slice_is((struct slice){ hex, b.len }, right), "%s: %s %zu: %.64s, not %s", i->name, what, n, hex, right);
}

/* A unit so many times over, in one piece and then a unit at a time. */
static void test_examples(const struct implementation *i)
{
    static const struct {
        const char *source, *unit;
        size_t unit_len, times;
        const char *digest;
    } rows[] = {
        { "FIPS 180-2 B.1", "abc", 3, 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "FIPS 180-2 B.2", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, 1,
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
        { "FIPS 180-2 B.3", "a", 1, 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
        { "FIPS 180-2 C.2's message, by hashlib",
          "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
          "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
          112, 1, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
        { "the empty message", "", 0, 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        /* NIST, SHA2_Additional.pdf; its last three, of 512 MiB and more, are left out for their time */
        { "NIST additional 1", "\xbd", 1, 1, "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b" },
        { "NIST additional 2", "\xc9\x8c\x8e\x55", 4, 1,
          "7abc22c0ae5af26ce93dbb94433a0e0b2e119d014f8e7f65bd56c61ccccd9504" },
        { "NIST additional 3", "", 1, 55, "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7" },
        { "NIST additional 4", "", 1, 56, "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb" },
        { "NIST additional 5", "", 1, 57, "65a16cb7861335d5ace3c60718b5052e44660726da4cd13bb745381b235a1785" },
        { "NIST additional 6", "", 1, 64, "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b" },
        { "NIST additional 7", "", 1, 1000, "541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53" },
        { "NIST additional 8", "A", 1, 1000, "c2e686823489ced2017f6059b8b239318b6364f6dcd835d0a519105a1eadd6e4" },
        { "NIST additional 9", "U", 1, 1005, "f4d62ddec0f3dd90ea1380fa16a5ff8dc4c54b21740650f24afc4120903552b0" },
        { "NIST additional 10", "", 1, 1000000, "d29751f2649b32ff572b5e0a9f541ea660a50f94ff0beedfb0b692b924cc8025" },
    };
    static char message[1000000];
    for (size_t row = 0; row < ROWS(rows); row++) {
        const size_t unit_len = rows[row].unit_len, n = unit_len * rows[row].times;
        uint8_t digest[SHA256_DIGEST];
        struct sha256 s;
        sha256_init(&s, i->compress);
        for (size_t t = 0; t < rows[row].times; t++) {
            memcpy(message + t * unit_len, rows[row].unit, unit_len);
            sha256_update(&s, rows[row].unit, unit_len);
        }
        sha256_final(&s, digest);
        check_digest(i, digest, rows[row].digest, rows[row].source, n);

        char *guard = guarded(message, n);
        sha256(i, guard, n, digest);
        check_digest(i, digest, rows[row].digest, rows[row].source, n);
        guarded_free(guard, n);
    }
}

static void test_vectors(const struct implementation *i, const char *source, const struct sha256_vector *rows, size_t n)
{
    for (size_t row = 0; row < n; row++) {
        uint8_t message[2048], digest[SHA256_DIGEST];
        size_t len = unhex(rows[row].Msg, message);
        uint8_t *guard = guarded(message, len);
        sha256(i, guard, len, digest);
        check_digest(i, digest, rows[row].MD, source, len);
        guarded_free(guard, len);
    }
}

/* The SHA Validation System (SHAVS), section 6.4: MD_(i mod 3) stands for MD_i,
 * of which three are needed at a time. */
static void test_monte_carlo(const struct implementation *i)
{
    uint8_t Seed[SHA256_DIGEST], MD[3][SHA256_DIGEST];
    unhex(monte_seed, Seed);
    for (int j = 0; j < 100; j++) {
        for (int k = 0; k < 3; k++)
            memcpy(MD[k], Seed, sizeof Seed);
        for (int k = 3; k < 1003; k++) {
            struct sha256 M;
            sha256_init(&M, i->compress);
            sha256_update(&M, MD[(k - 3) % 3], SHA256_DIGEST);
            sha256_update(&M, MD[(k - 2) % 3], SHA256_DIGEST);
            sha256_update(&M, MD[(k - 1) % 3], SHA256_DIGEST);
            sha256_final(&M, MD[k % 3]);
        }
        memcpy(Seed, MD[1002 % 3], sizeof Seed);
        check_digest(i, Seed, monte_MD[j], "SHA256Monte, COUNT", (size_t)j);
    }
}

/* Byte n of every message below; the Python of the values: bytes((37*n+11)&255 for n in range(...)) */
static uint8_t pattern(size_t n)
{
    return (uint8_t)(37 * n + 11);
}

static void test_pieces(const struct implementation *i)
{
    /* hashlib: 200 bytes of the pattern; the digests of its first 0, 1, ... 300 bytes one after the other */
    static const char digest_200[] = "5e48d64839a8bff5e2471507af6a49f9990817df437857f4a2007df41266e1b5";
    static const char digest_all[] = "04fb0a96a55968fbda07295fecba14af486380896cc1d6946aa2da7478e5d0ba";
    enum { SPLIT = 200, LONGEST = 300 };
    uint8_t message[LONGEST], digest[SHA256_DIGEST], digests[LONGEST + 1][SHA256_DIGEST];
    for (size_t n = 0; n < LONGEST; n++)
        message[n] = pattern(n);

    for (size_t first = 0; first <= SPLIT; first++) {
        struct sha256 s;
        sha256_init(&s, i->compress);
        sha256_update(&s, message, first);
        sha256_update(&s, NULL, 0);
        sha256_update(&s, message + first, SPLIT - first);
        sha256_final(&s, digest);
        check_digest(i, digest, digest_200, "in two pieces, the first", first);
    }
    for (size_t piece = 1; piece <= SPLIT; piece++) {
        struct sha256 s;
        sha256_init(&s, i->compress);
        for (size_t at = 0; at < SPLIT; at += piece)
            sha256_update(&s, message + at, piece < SPLIT - at ? piece : SPLIT - at);
        sha256_final(&s, digest);
        check_digest(i, digest, digest_200, "in equal pieces, each", piece);
    }
    for (size_t len = 0; len <= LONGEST; len++) {
        struct sha256 s;
        sha256_init(&s, i->compress);
        for (size_t n = 0; n < len; n++)
            sha256_update(&s, &message[n], 1);
        sha256_final(&s, digest);
        uint8_t *guard = guarded(message, len);
        sha256(i, guard, len, digests[len]);
        guarded_free(guard, len);
        check(memcmp(digest, digests[len], sizeof digest) == 0,
              "%s: %zu bytes one by one have another digest than in one piece", i->name, len);
    }
    sha256(i, digests, sizeof digests, digest);
    check_digest(i, digest, digest_all, "the digests of every length", sizeof digests);
}

/* FIPS 180-4 5.1.1: the length in bits is the last block's last 64 bits. Such
 * messages would take hours: their first `length` bytes are taken as hashed to
 * H^(0), and the padding that must follow is compressed here by hand. */
static void test_length_field(const struct implementation *i)
{
    static const struct {
        uint64_t length;
        uint32_t high, low;
    } rows[] = {
        { 0, 0, 0 },
        { 64, 0, 0x200 },
        { (1ull << 29) - 64, 0, 0xfffffe00 },           /* the last whose length takes 32 bits */
        { 1ull << 29, 1, 0 },                           /* the first whose length takes 33 */
        { (1ull << 32) - 64, 7, 0xfffffe00 },           /* the length in bytes still takes 32 */
        { 1ull << 32, 8, 0 },                           /* and now 33 */
        { 0x0123456789abcdc0, 0x091a2b3c, 0x4d5e6e00 }, /* every byte another */
        { (1ull << 61) - 64, 0xffffffff, 0xfffffe00 },  /* the last of all */
    };
    for (size_t row = 0; row < ROWS(rows); row++) {
        struct sha256 s;
        uint8_t digest[SHA256_DIGEST], right[SHA256_DIGEST];
        sha256_init(&s, i->compress);
        s.length = rows[row].length;
        sha256_final(&s, digest);

        uint32_t H[8], M[16] = { 0x80000000, [14] = rows[row].high, rows[row].low };
        memcpy(H, sha256_initial, sizeof H);
        i->compress(H, M);
        for (int w = 0; w < 8; w++)
            store_be32(right + 4 * w, H[w]);
        check(memcmp(digest, right, sizeof right) == 0, "%s: the length field of a message of %llu bytes is wrong",
              i->name, (unsigned long long)rows[row].length);
    }
}

/* The compression function alone: what portable C gives, for whatever words and
 * wherever they lie (aligned to words and no more, the block against an
 * unreadable page), and the block left as it was. */
static void test_compress(const struct implementation *i)
{
    uint64_t random = 1;
    uint32_t *page = guarded((uint32_t[24]){ 0 }, 24 * sizeof *page);
    for (int round = 0; round < 1000; round++) {
        uint32_t words[24], H[8], room[8 + 4];
        uint32_t *M = page + (round % 4 == 0 ? 8 : round % 8), *H_at = room + round / 4 % 4;
        for (int w = 0; w < 24; w++) {
            random = random * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX generator */
            words[w] = round == 0 ? 0 : round == 1 ? 0xffffffff : (uint32_t)(random >> 32);
        }
        memcpy(H, words, sizeof H);
        memcpy(H_at, words, sizeof H);
        memcpy(M, words + 8, 16 * sizeof *M);
        sha256_compress_portable(H, words + 8);
        i->compress(H_at, M);
        check(memcmp(H, H_at, sizeof H) == 0, "%s: round %d is not what portable C gives", i->name, round);
        check(memcmp(M, words + 8, 16 * sizeof *M) == 0, "%s: round %d wrote to the block", i->name, round);
    }
    guarded_free(page, 24 * sizeof *page);
}

int main(void)
{
    const struct implementation implementations[] = {
        { "portable", sha256_compress_portable },
        { "fastest", sha256_fastest(getauxval(AT_HWCAP)) },
    };
    for (size_t n = 0; n < ROWS(implementations); n++) {
        const struct implementation *i = &implementations[n];
        if (n > 0 && i->compress == sha256_compress_portable)
            continue;
        test_examples(i);
        test_vectors(i, "SHA256ShortMsg", short_messages, ROWS(short_messages));
        test_vectors(i, "SHA256LongMsg", long_messages, ROWS(long_messages));
        test_monte_carlo(i);
        test_pieces(i);
        test_length_field(i);
        test_compress(i);
    }
    return test_end();
}
