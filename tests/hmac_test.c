/* hmac_test.c - HMAC-SHA-256, PBKDF2 over it, and the comparison of MACs
 * (ct_equal of bytes.h): RFC 4231, RFC 7914 section 11, RFC 7515 A.1, and
 * values computed with Python's hmac and hashlib, which say so. Every input
 * lies against an unreadable page, and so does PBKDF2's output. */
#include <stdbool.h>
#include <sys/auxv.h>

#include "../bytes.h"
#include "../hmac.h"
#include "test.h"

#define ROWS(table) (sizeof(table) / sizeof *(table))

static sha256_compress *compress; /* each that this machine has, in turn */

/* The Python of it: bytes((37*n+11)&255 for n in range(512)) */
static uint8_t pattern[512];

static void make_pattern(void)
{
    for (size_t n = 0; n < sizeof pattern; n++)
        pattern[n] = (uint8_t)(37 * n + 11);
}

static void check_bytes(const uint8_t *bytes, const char *right, const char *what)
{
    char hex[512];
    struct buffer b = { .at = hex, .cap = sizeof hex };
    put_hex(&b, bytes, strlen(right) / 2);
    check(slice_is((struct slice){ hex, b.len }, right), "%s is %.*s, not %s", what, (int)b.len, hex, right);
}

static void hmac(const uint8_t *key, size_t key_len, const void *message, size_t n, uint8_t mac[SHA256_DIGEST])
{
    struct hmac_key k;
    uint8_t *guarded_key = guarded(key, key_len), *guarded_message = guarded(message, n);
    hmac_key_init(&k, compress, guarded_key, key_len);
    hmac_sha256(&k, guarded_message, n, mac);
    guarded_free(guarded_key, key_len);
    guarded_free(guarded_message, n);
}

static void test_hmac(void)
{
    enum { PATTERN = -1 }; /* the key is not a repeated byte but the pattern's first ones */
    static const struct {
        const char *name;
        int key_byte;
        size_t key_len;
        const char *data, *mac;
    } rows[] = {
        /* RFC 4231: the keys that are one byte over and over */
        { "RFC 4231 case 1", 0x0b, 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
        { "RFC 4231 case 3", 0xaa, 20,
          "\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd"
          "\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd",
          "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
        { "RFC 4231 case 5, truncated", 0x0c, 20, "Test With Truncation", "a3b6167473100ee06e0c796c2955552b" },
        { "RFC 4231 case 6", 0xaa, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
        { "RFC 4231 case 7", 0xaa, 131,
          "This is a test using a larger than block-size key and a larger than block-size data. "
          "The key needs to be hashed before being used by the HMAC algorithm.",
          "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
        /* Python: hmac.new(pattern[:n], b'...', 'sha256') */
        { "a key of 0 bytes", PATTERN, 0, "key of 0 bytes",
          "b4cae7603541e2dfc32a1e2b6314fbc1ad086e705922fc1884308f4880535d93" },
        { "an empty key and message", PATTERN, 0, "",
          "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
        { "a key of 1 byte", PATTERN, 1, "key of 1 bytes",
          "6ee86154a6abb6653fd11ea00deb3f8fef449a7372d176cc829f43933cc61f9f" },
        { "a key of 63 bytes", PATTERN, 63, "key of 63 bytes",
          "ad26f55708dd4adc8d3f645d94bf05271d1afcf9b375e10c066fa1c3f7865ab5" },
        { "a key of 64 bytes", PATTERN, 64, "key of 64 bytes",
          "a1c7b864022c1b010fa5d0e45fae0da49a56c1d0a851975b765fb0e31640c290" },
        { "a key of 65 bytes", PATTERN, 65, "key of 65 bytes",
          "ee2fc51693ceca31b5b2e6c34e53e51a383368c75deafe0f6ae72a3522203840" },
        { "a key of 128 bytes", PATTERN, 128, "key of 128 bytes",
          "5fa5a026a154d024fa0e4edec1ad1c9b99ca6b039a746cdef10380c85f200f08" },
        { "a key of 64 bytes, no message", PATTERN, 64, "",
          "86c492d79220b2694ce2e5ea0cb5b82a9c28f20e9de21c34a17bf689990f439a" },
        { "a key of 65 bytes, no message", PATTERN, 65, "",
          "a98243b03379cec1beda56c6071cc8e43a7602ceba08ec39e4fc2f26e5b39cb5" },
    };
    uint8_t key[131], mac[SHA256_DIGEST];
    for (size_t row = 0; row < ROWS(rows); row++) {
        memcpy(key, pattern, sizeof key);
        if (rows[row].key_byte != PATTERN)
            memset(key, rows[row].key_byte, sizeof key);
        hmac(key, rows[row].key_len, rows[row].data, strlen(rows[row].data), mac);
        check_bytes(mac, rows[row].mac, rows[row].name);
    }

    static const char jefe[] = "what do ya want for nothing?";
    hmac((const uint8_t *)"Jefe", 4, jefe, strlen(jefe), mac);
    check_bytes(mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", "RFC 4231 case 2");

    uint8_t data[50];
    memset(data, 0xcd, sizeof data);
    hmac(key, unhex("0102030405060708090a0b0c0d0e0f10111213141516171819", key), data, sizeof data, mac);
    check_bytes(mac, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b", "RFC 4231 case 4");

    /* RFC 7515 A.1.1: the JWK's `k` and the JWS signature, out of base64url */
    static const char signing_input[] =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkz"
        "ODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    size_t key_len = unhex("0323354b2b0fa5bc837e0665777ba68f5ab328e6f054c928a90f84b2d2502ebf"
                           "d3fb5a92d20647ef968ab4c377623d223d2e2172052e4f08c0cd9af567d080a3",
                           key);
    hmac(key, key_len, signing_input, strlen(signing_input), mac);
    check_bytes(mac, "7418dfb49799e0254ffa607dd8adbbba16d4254d69d6bff05b58055853848d79", "RFC 7515 A.1");
}

/* Keys and messages of 0 to 130 bytes, each with each. */
static void test_lengths(void)
{
    /* Python: sha256(b''.join(hmac.new(pattern[:a], pattern[:b], 'sha256').digest()
     *                         for a in range(131) for b in range(131))) */
    static const char right[] = "e3c61b7f7752e232393b7ca3a06a35a16a417ca9648f929a81430fe757b0ebf9";
    struct sha256 all;
    uint8_t mac[SHA256_DIGEST], again[SHA256_DIGEST], digest[SHA256_DIGEST];
    sha256_init(&all, compress);
    for (size_t key_len = 0; key_len <= 130; key_len++) {
        struct hmac_key k;
        hmac_key_init(&k, compress, pattern, key_len);
        for (size_t n = 0; n <= 130; n++) {
            hmac_sha256(&k, pattern, n, mac);
            sha256_update(&all, mac, sizeof mac);
        }
        hmac_sha256(&k, pattern, 130, again);
        check(memcmp(mac, again, sizeof mac) == 0, "the second use of a key of %zu bytes gives another MAC", key_len);
    }
    sha256_final(&all, digest);
    check_bytes(digest, right, "the hash of the MACs of all lengths");
}

static void test_pbkdf2(void)
{
    static const struct {
        const char *source, *P;
        size_t P_len;
        const char *S;
        size_t S_len;
        uint64_t c;
        const char *DK;
    } rows[] = {
#define TEXT(literal) literal, sizeof literal - 1
        { "RFC 7914 section 11, first", TEXT("passwd"), TEXT("salt"), 1,
          "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
          "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783" },
        { "RFC 7914 section 11, second", TEXT("Password"), TEXT("NaCl"), 80000,
          "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
          "a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d" },
        /* Python: hashlib.pbkdf2_hmac('sha256', P, S, c, dkLen); the first five are the inputs of RFC 6070 */
        { "c = 1", TEXT("password"), TEXT("salt"), 1,
          "120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b" },
        { "c = 2", TEXT("password"), TEXT("salt"), 2,
          "ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43" },
        { "c = 4096", TEXT("password"), TEXT("salt"), 4096,
          "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a" },
        { "dkLen = 40", TEXT("passwordPASSWORDpassword"), TEXT("saltSALTsaltSALTsaltSALTsaltSALTsalt"), 4096,
          "348c89dbcbd32b2f32d814b8116e84cf2b17347ebc1800181c4e2a1fb8dd53e1c635518c7dac47e9" },
        { "NUL in both", TEXT("pass\0word"), TEXT("sa\0lt"), 4096, "89b69d0516f829893c696226650a8687" },
        { "both empty", TEXT(""), TEXT(""), 1, "f7ce0b653d2d72a4108cf5abe912ffdd777616dbbb27a70e8204f3ae2d0f6fad" },
        { "no salt, dkLen = 31", TEXT("password"), TEXT(""), 3,
          "02048ce01cff51053aa4002a47f6ce3d1e123a76a6b178a8790d8b7c090636" },
        { "no password, dkLen = 1", TEXT(""), TEXT("salt"), 3, "5d" },
        { "dkLen = 0", TEXT("password"), TEXT("salt"), 3, "" },
        { "dkLen = 33", TEXT("password"), TEXT("salt"), 3,
          "ad35240ac683febfaf3cd49d845473fbbbaa2437f5f82d5a415ae00ac76c6bfccf" },
        { "dkLen = 97", TEXT("password"), TEXT("salt"), 3,
          "ad35240ac683febfaf3cd49d845473fbbbaa2437f5f82d5a415ae00ac76c6bfccf9a9b8d6d2fe4a1e700c4460b040dbe"
          "d692c1cb85a747f35588c08930fcfc41ac48082086069b111a9c752f1856237f3af8adc86757f26c60870d3eb52a7c2060" },
#undef TEXT
        /* the same, P and S being the pattern's first bytes */
        { "P of 65 bytes, S of 64", NULL, 65, NULL, 64, 2,
          "0df37a6c4179b93e82979fe9ac25ad28efcade99952a7f8ece8271fcea73f7af"
          "35ad72ecd405c9b37b586c1f5319ee785baff8115996c6c9f9c222f577068d" },
        { "P of 64 bytes, S of 65", NULL, 64, NULL, 65, 2,
          "f477914c13f76e20dd39f84b6fad710112eef94fe98450e02e26cda41d8bb36a"
          "668072b11abb13547d1806020d01c0b43a5daeef53ca673b921663c8e1ef23186e" },
        { "P of 200 bytes, S of 300", NULL, 200, NULL, 300, 5,
          "9c2b97c8f299f7928c69c347ff318963ac9bfc0ed346671dbea91db0e83af9917c312a8e72424f4bbc23ddcccbd968ce"
          "ffa5356902d22712094228590abbc336cfcb992d12d23cbf17f7e6f48b68a2d0b4bdbe8f60dea66afe0ce4c117daa74b"
          "48737135" },
    };
    for (size_t row = 0; row < ROWS(rows); row++) {
        const size_t P_len = rows[row].P_len, S_len = rows[row].S_len, dkLen = strlen(rows[row].DK) / 2;
        uint8_t *P = guarded(rows[row].P ? rows[row].P : (const char *)pattern, P_len);
        uint8_t *S = guarded(rows[row].S ? rows[row].S : (const char *)pattern, S_len);
        uint8_t *DK = guarded(pattern, dkLen);
        struct hmac_key k;
        hmac_key_init(&k, compress, P, P_len);
        pbkdf2_hmac_sha256(&k, S, S_len, rows[row].c, DK, dkLen);
        check_bytes(DK, rows[row].DK, rows[row].source);
        guarded_free(P, P_len);
        guarded_free(S, S_len);
        guarded_free(DK, dkLen);
    }
}

static void test_ct_equal(void)
{
    static const struct {
        const char *name, *a, *b;
        size_t n;
        bool equal;
    } rows[] = {
        { "empty", "", "", 0, true },
        { "empty, whatever lies there", "a", "b", 0, true },
        { "no bytes at all", NULL, NULL, 0, true },
        { "one byte", "a", "a", 1, true },
        { "one other byte", "a", "b", 1, false },
        { "the same", "0123456789abcdef", "0123456789abcdef", 16, true },
        { "the first byte differs", "0123456789abcdef", "1123456789abcdef", 16, false },
        { "the last byte differs", "0123456789abcdef", "0123456789abcdeF", 16, false },
        { "all bytes differ", "0123456789abcdef", "fedcba9876543210", 16, false },
        { "two bytes differ by the same bits", "ab", "ba", 2, false },
        { "a byte differs behind a NUL", "a\0b", "a\0c", 3, false },
        { "a byte differs behind the end", "abc", "abd", 2, true },
    };
    for (size_t row = 0; row < ROWS(rows); row++)
        check(ct_equal(rows[row].a, rows[row].b, rows[row].n) == rows[row].equal, "ct_equal: %s", rows[row].name);

    uint8_t *a = guarded(pattern, SHA256_DIGEST), *b = guarded(pattern, SHA256_DIGEST);
    for (size_t bit = 0; bit < 8 * SHA256_DIGEST; bit++) {
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
        check(!ct_equal(a, b, SHA256_DIGEST), "ct_equal: bit %zu differs", bit);
        b[bit / 8] = a[bit / 8];
    }
    check(ct_equal(a, b, SHA256_DIGEST), "ct_equal: a digest and its copy");
    guarded_free(a, SHA256_DIGEST);
    guarded_free(b, SHA256_DIGEST);
}

int main(void)
{
    sha256_compress *const ways[] = { sha256_compress_portable, sha256_fastest(getauxval(AT_HWCAP)) };
    make_pattern();
    for (size_t i = 0; i < ROWS(ways) && (i == 0 || ways[i] != ways[0]); i++) {
        compress = ways[i];
        test_hmac();
        test_lengths();
        test_pbkdf2();
    }
    test_ct_equal();
    return test_end();
}
