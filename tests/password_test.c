/* password_test.c - Werkzeug's hash strings: read, refused, written.
 *
 * Keys were computed by Python's hashlib (scrypt and pbkdf2_hmac, both
 * OpenSSL's), most of them at a cost far below any that is used; those of
 * pbkdf2 were also tried on Werkzeug 2.2's check_password_hash. None comes
 * from password.c. Strings that are refused carry the key that would be right
 * wherever there is one, so that only what the row is about can be the reason. */
#include "password.h"

#include <sys/resource.h>

#include "tests/test.h"

/* A slice of a literal, which may contain NUL. */
#define S(literal) { literal, sizeof(literal) - 1 }
#define SCRYPT(N, r, p) { PASSWORD_SCRYPT, N, r, p }
#define PBKDF2(N) { PASSWORD_PBKDF2, N, 1, 1 }
#define NONE { PASSWORD_PBKDF2, 0, 0, 0 }

static const char *const result_names[] = { "right", "wrong", "no memory", "unusable" };

static int same_cost(const struct password_cost *a, const struct password_cost *b)
{
    return a->method == b->method && a->N == b->N && a->r == b->r && a->p == b->p;
}

/* password_check with both its texts at an unreadable page. */
static enum password_result check_with(struct password_work *work, struct slice password, struct slice string,
                                       struct password_cost *cost)
{
    char *p = guarded(password.at, password.len), *s = guarded(string.at, string.len);
    enum password_result result =
        password_check(work, (struct slice){ p, password.len }, (struct slice){ s, string.len }, cost);
    guarded_free(p, password.len);
    guarded_free(s, string.len);
    return result;
}

/* ---- METHOD ----------------------------------------------------------- */

static const struct method {
    struct slice text;
    struct password_cost expected; /* NONE: refused */
    const char *why;
} methods[] = {
    { S("scrypt"), SCRYPT(32768, 8, 1), "Werkzeug's default" },
    { S("scrypt:32768:8:1"), SCRYPT(32768, 8, 1), "the same in full" },
    { S("scrypt:16:1:1"), SCRYPT(16, 1, 1), "small" },
    { S("scrypt:2:1:1"), SCRYPT(2, 1, 1), "the smallest" },
    { S("scrypt:1024:3:5"), SCRYPT(1024, 3, 5), "r and p need not be powers of two" },
    { S("scrypt:131072:8:1"), SCRYPT(131072, 8, 1), "exactly the cap" },
    { S("scrypt:16384:8:8"), SCRYPT(16384, 8, 8), "exactly the cap, by p" },
    { S("scrypt:2:524288:1"), SCRYPT(2, 524288, 1), "exactly the cap, by r" },
    { S("pbkdf2"), PBKDF2(600000), "Werkzeug's default" },
    { S("pbkdf2:sha256"), PBKDF2(600000), "Werkzeug's default" },
    { S("pbkdf2:sha256:600000"), PBKDF2(600000), "the same in full" },
    { S("pbkdf2:sha256:1"), PBKDF2(1), "the smallest" },
    { S("pbkdf2:sha256:10000000"), PBKDF2(10000000), "exactly the cap" },

    { S(""), NONE, "nothing" },
    { S(" "), NONE, "a blank" },
    { S(":"), NONE, "no name" },
    { S("plain"), NONE, "what Werkzeug has given up" },
    { S("md5"), NONE, "what Werkzeug has given up" },
    { S("sha256"), NONE, "what Werkzeug has given up" },
    { S("argon2id"), NONE, "unknown" },
    { S("bcrypt:12"), NONE, "unknown" },
    { S("Scrypt:16:1:1"), NONE, "names are case-sensitive" },
    { S("SCRYPT"), NONE, "names are case-sensitive" },
    { S("scryp"), NONE, "a prefix" },
    { S("scrypt2:16:1:1"), NONE, "longer" },
    { S("scrypt\0:16:1:1"), NONE, "NUL behind the name" },
    { S("scrypt\0"), NONE, "NUL behind the name" },
    { S(" scrypt:16:1:1"), NONE, "a space in front" },
    { S("scrypt :16:1:1"), NONE, "a space behind the name" },
    { S("scrypt:16:1:1 "), NONE, "a space behind" },
    { S("scrypt: 16:1:1"), NONE, "a space before N" },
    { S("scrypt:16:1 :1"), NONE, "a space behind r" },
    { S("scrypt:16:1:1\n"), NONE, "a line end behind" },
    { S("scrypt:16:1:1\0"), NONE, "a NUL behind" },
    { S("scrypt:"), NONE, "one parameter, empty" },
    { S("scrypt:32768"), NONE, "one parameter" },
    { S("scrypt:32768:8"), NONE, "two parameters" },
    { S("scrypt:32768:8:"), NONE, "p empty" },
    { S("scrypt:32768::1"), NONE, "r empty" },
    { S("scrypt::8:1"), NONE, "N empty" },
    { S("scrypt:::"), NONE, "all empty" },
    { S("scrypt:32768:8:1:"), NONE, "a fourth, empty" },
    { S("scrypt:32768:8:1:1"), NONE, "four parameters" },
    { S("scrypt:16,1,1"), NONE, "commas" },
    { S("scrypt:sha256:16"), NONE, "a hash of its own" },
    { S("scrypt:0:8:1"), NONE, "N zero" },
    { S("scrypt:16:0:1"), NONE, "r zero" },
    { S("scrypt:16:1:0"), NONE, "p zero" },
    { S("scrypt:1:1:1"), NONE, "N one" },
    { S("scrypt:24:1:1"), NONE, "N no power of two" },
    { S("scrypt:32767:8:1"), NONE, "N no power of two" },
    { S("scrypt:-16:1:1"), NONE, "a sign" },
    { S("scrypt:+16:1:1"), NONE, "a sign" },
    { S("scrypt:16:-1:1"), NONE, "a sign" },
    { S("scrypt:16:1:-1"), NONE, "a sign" },
    { S("scrypt:-16:-1:1"), NONE, "two signs" },
    { S("scrypt:0x10:1:1"), NONE, "hexadecimal" },
    { S("scrypt:16.0:1:1"), NONE, "a fraction" },
    { S("scrypt:2e4:1:1"), NONE, "an exponent" },
    { S("scrypt:1_024:1:1"), NONE, "as Python writes it" },
    { S("scrypt:2^4:1:1"), NONE, "a power" },
    { S("scrypt:N:r:p"), NONE, "letters" },
    { S("scrypt:131072:8:2"), NONE, "twice the cap" },
    { S("scrypt:262144:8:1"), NONE, "twice the cap" },
    { S("scrypt:131072:9:1"), NONE, "just above the cap" },
    { S("scrypt:2:524289:1"), NONE, "just above the cap, by r" },
    { S("scrypt:2:1:524289"), NONE, "just above the cap, by p" },
    { S("scrypt:2147483648:1:1"), NONE, "N 2^31" },
    { S("scrypt:4294967296:1:1"), NONE, "N 2^32" },
    { S("scrypt:4294967312:1:1"), NONE, "N 2^32 + 16" },
    { S("scrypt:16:4294967297:1"), NONE, "r 2^32 + 1" },
    { S("scrypt:16:1:4294967297"), NONE, "p 2^32 + 1" },
    { S("scrypt:2147483648:2147483648:4"), NONE, "a product of 2^64" },
    { S("scrypt:2147483648:2:1"), NONE, "a product of 2^32" },
    { S("scrypt:65536:65536:1"), NONE, "a product of 2^32" },
    { S("scrypt:65536:257:257"), NONE, "a product just above 2^32" },
    { S("scrypt:65536:65536:4294901761"), NONE, "a product above 2^63" },
    { S("scrypt:16:65536:65536"), NONE, "r * p 2^32" },
    { S("scrypt:16:4294967295:4294967295"), NONE, "r * p 1 modulo 2^32" },
    { S("scrypt:576460752303423488:32:1"), NONE, "2^59 * 32 is 0 modulo 2^64" },
    { S("scrypt:18446744073709551632:1:1"), NONE, "N 2^64 + 16" },
    { S("scrypt:16:18446744073709551617:1"), NONE, "r 2^64 + 1" },
    { S("scrypt:99999999999999999999999999999999:1:1"), NONE, "32 digits" },
    { S("pbkdf2:"), NONE, "hash empty" },
    { S("pbkdf2::1"), NONE, "hash empty" },
    { S("pbkdf2:sha1"), NONE, "SHA-1" },
    { S("pbkdf2:sha1:1"), NONE, "SHA-1" },
    { S("pbkdf2:sha512:1"), NONE, "SHA-512" },
    { S("pbkdf2:sha224:1"), NONE, "SHA-224" },
    { S("pbkdf2:md5:1"), NONE, "MD5" },
    { S("pbkdf2:SHA256:1"), NONE, "names are case-sensitive" },
    { S("pbkdf2:sha-256:1"), NONE, "another spelling" },
    { S("pbkdf2:sha25:1"), NONE, "a prefix" },
    { S("pbkdf2:1"), NONE, "no hash" },
    { S("pbkdf2:1:sha256"), NONE, "the other way round" },
    { S("PBKDF2:sha256:1"), NONE, "names are case-sensitive" },
    { S("pbkdf2 :sha256:1"), NONE, "a space behind the name" },
    { S("pbkdf2: sha256:1"), NONE, "a space before the hash" },
    { S("pbkdf2:sha256:"), NONE, "no count" },
    { S("pbkdf2:sha256:0"), NONE, "no iteration" },
    { S("pbkdf2:sha256:-1"), NONE, "a sign" },
    { S("pbkdf2:sha256:+1"), NONE, "a sign" },
    { S("pbkdf2:sha256: 1"), NONE, "a space before the count" },
    { S("pbkdf2:sha256:1 "), NONE, "a space behind" },
    { S("pbkdf2:sha256:1\0"), NONE, "a NUL behind" },
    { S("pbkdf2:sha256\0:1"), NONE, "a NUL within" },
    { S("pbkdf2:sha256:1e3"), NONE, "an exponent" },
    { S("pbkdf2:sha256:0x10"), NONE, "hexadecimal" },
    { S("pbkdf2:sha256:1:"), NONE, "two parameters, one empty" },
    { S("pbkdf2:sha256:1:2"), NONE, "two parameters" },
    { S("pbkdf2:sha256:10000001"), NONE, "just above the cap" },
    { S("pbkdf2:sha256:4294967296"), NONE, "2^32" },
    { S("pbkdf2:sha256:4294967297"), NONE, "2^32 + 1" },
    { S("pbkdf2:sha256:18446744073709551617"), NONE, "2^64 + 1" },
    { S("pbkdf2:sha256:99999999999999999999999999999999"), NONE, "32 digits" },
};

#define SCRYPT16                                                       \
    "cddcaa783a7e7cbba84d30ef9e109d79f305ef42107dec237ff4357d7c5bd3f6" \
    "15781666c183ddef188afb932c1697adb698007a3e7e98da2bf0ffdbe3996008" /* scrypt:16:1:1, pass1425, 0123456789abcdef */
#define PBKDF2_1 "1b8b1efdc51afdfbce8f01080abdedcc4587cd0627db3f64b61e4c489b252440" /* pbkdf2:sha256:1, the same */

/* Alone, and at the head of a string with a key of either length. */
static void test_methods(void)
{
    static const struct slice password = S("pass1425");
    struct password_work work = { .compress = sha256_compress_portable };
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        const struct method *m = &methods[i];
        struct password_cost cost = NONE;
        const char *why = "";
        char *text = guarded(m->text.at, m->text.len), string[256];
        int refused = m->expected.N == 0;
        int result = password_parse_cost((struct slice){ text, m->text.len }, &cost, &why);
        guarded_free(text, m->text.len);
        check(result == (refused ? -1 : 0), "%.*s: %d: %s", (int)m->text.len, m->text.at, result, m->why);
        check(refused || same_cost(&cost, &m->expected), "%.*s: method %d, %u:%u:%u: %s", (int)m->text.len,
              m->text.at, cost.method, cost.N, cost.r, cost.p, m->why);
        check(!refused || (why != NULL && why[0] != '\0'), "%.*s: refused without a word: %s", (int)m->text.len,
              m->text.at, m->why);
        for (int k = 0; refused && result != 0 && k < 2; k++) { /* not where it would be computed */
            struct buffer b = { .at = string, .cap = sizeof string };
            put_bytes(&b, m->text.at, m->text.len);
            put_text(&b, k ? "$0123456789abcdef$" SCRYPT16 : "$0123456789abcdef$" PBKDF2_1);
            enum password_result checked = check_with(&work, password, (struct slice){ string, b.len }, &cost);
            check(checked == PASSWORD_UNUSABLE, "%.*s: %s: %s", (int)b.len, string, result_names[checked], m->why);
        }
    }
    check(work.memory == NULL, "memory was mapped for a string that is refused");
}

static void test_weaker(void)
{
    static const struct pair {
        struct password_cost a, b;
        int weaker;
        const char *why;
    } pairs[] = {
        { SCRYPT(32768, 8, 1), SCRYPT(32768, 8, 1), 0, "equal" },
        { PBKDF2(600000), PBKDF2(600000), 0, "equal" },
        { SCRYPT(16384, 8, 1), SCRYPT(32768, 8, 1), 1, "half the N" },
        { SCRYPT(32768, 8, 1), SCRYPT(16384, 8, 1), 0, "twice the N" },
        { SCRYPT(32768, 4, 1), SCRYPT(32768, 8, 1), 1, "half the r" },
        { SCRYPT(32768, 8, 1), SCRYPT(32768, 8, 2), 1, "half the p" },
        { SCRYPT(32768, 8, 2), SCRYPT(32768, 8, 1), 0, "twice the p" },
        { SCRYPT(16384, 8, 2), SCRYPT(32768, 8, 1), 0, "the same product" },
        { SCRYPT(32768, 8, 1), SCRYPT(16384, 8, 2), 0, "the same product" },
        { SCRYPT(65536, 1, 1), SCRYPT(1024, 8, 9), 1, "a larger N, a smaller product" },
        { SCRYPT(1024, 8, 9), SCRYPT(65536, 1, 1), 0, "and the other way round" },
        { SCRYPT(2, 1, 1), SCRYPT(131072, 8, 1), 1, "the least and the most" },
        { PBKDF2(260000), PBKDF2(600000), 1, "fewer iterations" },
        { PBKDF2(599999), PBKDF2(600000), 1, "one fewer" },
        { PBKDF2(600001), PBKDF2(600000), 0, "one more" },
        { PBKDF2(600000), SCRYPT(32768, 8, 1), 1, "pbkdf2 and scrypt" },
        { PBKDF2(10000000), SCRYPT(2, 1, 1), 0, "pbkdf2's most and scrypt's least" },
        { SCRYPT(2, 1, 1), PBKDF2(10000000), 1, "and the other way round" },
        { SCRYPT(32768, 8, 1), PBKDF2(1), 0, "scrypt and pbkdf2" },
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        check(password_weaker(&pairs[i].a, &pairs[i].b) == pairs[i].weaker, "pair %zu: not %s: %s", i,
              pairs[i].weaker ? "weaker" : "as strong", pairs[i].why);
    static const struct password_cost expected = SCRYPT(32768, 8, 1);
    check(same_cost(&password_default, &expected), "the default is scrypt:32768:8:1");
}

/* ---- whole strings ---------------------------------------------------- */

#define SALT "$0123456789abcdef$"
#define X128                                                           \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X1024 X128 X128 X128 X128 X128 X128 X128 X128
#define P64 "pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp"
#define A123                                          \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"       \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"       \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SCRYPT32768                                                    \
    "79c106581a70594583c39fe5c078e27934af8adfded3a21bf32110af960e4dbe" \
    "36ce0667c3edea3d4350573a0f9d55ecea91cc403622d935ca6d30f681831c5d"
#define PBKDF2_600000 "fa35bff5092a7e54a682e03ca4a49830c2c807c4cb32b01fc7724fbf7db27682"

static const struct row {
    struct slice password, string;
    enum password_result expected;
    struct password_cost cost; /* where right */
    const char *why;
} rows[] = {
    /* at the cost that Werkzeug uses */
    { S("pass1425"), S("scrypt:32768:8:1" SALT SCRYPT32768), PASSWORD_RIGHT, SCRYPT(32768, 8, 1), "Werkzeug 3's" },
    { S("pass1425"), S("scrypt" SALT SCRYPT32768), PASSWORD_RIGHT, SCRYPT(32768, 8, 1), "without parameters" },
    { S("pass1425"), S("pbkdf2:sha256:600000" SALT PBKDF2_600000), PASSWORD_RIGHT, PBKDF2(600000), "Werkzeug 2.3's" },
    { S("pass1425"), S("pbkdf2" SALT PBKDF2_600000), PASSWORD_RIGHT, PBKDF2(600000), "without parameters" },
    { S("pass1425"), S("pbkdf2:sha256:260000" SALT "a4da923554c34499750efc0fad5157b496fdec496c24606489df2883f2a86ac1"),
      PASSWORD_RIGHT, PBKDF2(260000), "Werkzeug 2.2's" },
    { S("pass1426"), S("scrypt:32768:8:1" SALT SCRYPT32768), PASSWORD_WRONG, NONE, "another password" },

    /* cheap */
    { S("pass1425"), S("scrypt:16:1:1" SALT SCRYPT16), PASSWORD_RIGHT, SCRYPT(16, 1, 1), "scrypt" },
    { S("pass1425"), S("scrypt:2:1:1" SALT "65a304c7701232809c7a77eb7d56f387100d19ccded04f236b2d880f645df009"
      "22675788a670430779539020833b7dc995b02b908a7549713d3a201f0730b5ad"), PASSWORD_RIGHT, SCRYPT(2, 1, 1), "N 2" },
    { S("pass1425"), S("scrypt:16:8:1" SALT "dd241a983b99b9633d5e1af69daf96ff00470699a1ed10bd9922fd1fc0cd9424"
      "557f709dc847accc6b6e2877d2622894674b958607460763b79739f6f4473df5"), PASSWORD_RIGHT, SCRYPT(16, 8, 1), "r 8" },
    { S("pass1425"), S("scrypt:16:1:16" SALT "2b4f2a05a06a89d4a14cb0ee140204ef9e196a3148f7a51b94c8391c7778d427"
      "7febd0c54443732144e8b70c701f86cdb1423515969ef021989567dd97031cec"), PASSWORD_RIGHT, SCRYPT(16, 1, 16), "p 16" },
    { S("pass1425"), S("scrypt:8:3:5" SALT "6a16d698616eef6dba8ea5b6029a32170c8e1b09c6a7948c80b878ff76cd7963"
      "a3391494ad93c20f674cb3a51b0188d59ac8ce2d0555270852f40ca7b2a4ef33"), PASSWORD_RIGHT, SCRYPT(8, 3, 5), "odd" },
    { S("pass1425"), S("scrypt:1024:8:2" SALT "690f29112a014f94cb409030e53f9356bd878a82e3163245128235da4bc0f34c"
      "de2e40a9863fccac86622e697e6ca0d366ac8a985940cc8646198475e6e53398"), PASSWORD_RIGHT, SCRYPT(1024, 8, 2), "MiBs" },
    { S(""), S("scrypt:16:1:1" SALT "7366fcf6b19039eb316504376e5d368cc827489e6a7bb14968e01b2c27a04441"
      "60727d50c66552547c88e089e74d8a6a5ac951ab4975dd70fbf3c49f44eb9a94"), PASSWORD_RIGHT, SCRYPT(16, 1, 1),
      "an empty password" },
    { S("p\xc3\xa4ssw\xc3\xb6rd\xf0\x9f\x98\x80"), S("scrypt:64:2:3$NaCl$"
      "e2560e56879a7e1c9431c86d89ce89ee241b3711f3001b8b3aa421566020aa69"
      "c9636d8638d9fce5b5d8b9892eaa110d0124bed664541f99c49cb6cd891b9559"), PASSWORD_RIGHT, SCRYPT(64, 2, 3),
      "a password of UTF-8" },
    { S(X1024), S("scrypt:16:1:1" SALT "32a150160f3afeb23a04c0bbaab634085819bc571dd90f7aa9983f09abc901e1"
      "e7065bdfaeb79270dd444e61118d8eea6673b6ef02caffe17ed1119dd161018c"), PASSWORD_RIGHT, SCRYPT(16, 1, 1),
      "1024 bytes" },
    { S("pass\0word"), S("scrypt:16:1:1" SALT "3a9f9fac30ff5bcc46df40a4523a8249590d3b61c6faa52ccdaeb8a3fdb62118"
      "61f78d3bf672222fe5e96275fdc29e38d224512887a9ee57d914393200ffcd6a"), PASSWORD_RIGHT, SCRYPT(16, 1, 1),
      "a NUL is a character" },
    { S("pass1425"), S("pbkdf2:sha256:1" SALT PBKDF2_1), PASSWORD_RIGHT, PBKDF2(1), "pbkdf2" },
    { S("pass1425"), S("pbkdf2:sha256:2" SALT "71407b0b1b6e65f8d73569b7316f12e75d84dec9f27f8090c3d39ac26f67753f"),
      PASSWORD_RIGHT, PBKDF2(2), "twice" },
    { S("pass1425"), S("pbkdf2:sha256:1000" SALT "f9c081c2a9193479373049a4e219cf87bef2d47ca66f51f4ae99e21cd2ca84ab"),
      PASSWORD_RIGHT, PBKDF2(1000), "a thousand times" },
    { S(""), S("pbkdf2:sha256:1" SALT "9a8a8056e20d881a164805a7c7c966e5d0b830eceaf5bb335ce4d3ca0962a7ad"),
      PASSWORD_RIGHT, PBKDF2(1), "an empty password" },
    { S("p\xc3\xa4ssw\xc3\xb6rd\xf0\x9f\x98\x80"), S("pbkdf2:sha256:10$NaCl$"
      "6b18caad891cfb11d3e513cf9c939fffe9474c2d2803c44be1ba074dcdc08a8d"), PASSWORD_RIGHT, PBKDF2(10),
      "a password of UTF-8" },
    { S(X1024), S("pbkdf2:sha256:1" SALT "f1709c7af24c3fa084ca42aaa13311d34c82cc2c0a290a9b33524a682d25f4e6"),
      PASSWORD_RIGHT, PBKDF2(1), "1024 bytes" },
    { S(P64), S("pbkdf2:sha256:1" SALT "872c2c5049715a8836de4f8e9675b974c364363a4f98675bbb43744e257df325"),
      PASSWORD_RIGHT, PBKDF2(1), "a block of HMAC's" },
    { S(P64 "p"), S("pbkdf2:sha256:1" SALT "a1448eef6454a20f5e46eebd02f580384d75e777255ea1847f2aade9df6698f0"),
      PASSWORD_RIGHT, PBKDF2(1), "a byte more than a block" },
    { S("pass\0word"), S("pbkdf2:sha256:1" SALT "c5c2a445613b7fbc18d703a5636b7bcf4164839d461a027cf8501d4cb41846f6"),
      PASSWORD_RIGHT, PBKDF2(1), "a NUL is a character" },

    /* salts: any bytes but the dollar */
    { S("pass1425"), S("scrypt:2:1:1$s$6ad4742d7ef68d1908bd832a4f7c190b394ba9034c4212d0e5e79fc37bbe1c1f"
      "4b7b8127fc6bbb7284e88e2afa00e68d9d44f7d2209a80548ba42f7085ab947a"), PASSWORD_RIGHT, SCRYPT(2, 1, 1),
      "a letter" },
    { S("pass1425"), S("scrypt:16:1:1$a b:c=\xff\"$f962329672d80b5b75a1715d773423b79b2c55052838dedc211b62d7c987e4e7"
      "7a969cb8c3f1fe8e25453ddcf0258b5c2d729f0cabaace24399877a38bc57136"), PASSWORD_RIGHT, SCRYPT(16, 1, 1),
      "a salt of any bytes" },
    { S("pass1425"),
      S("pbkdf2:sha256:1$a b:c=\xff\"$de2bd1c3d133b1231b7152fd8bd354328bf38a090ce6b3d4a8d7c018fb40b460"),
      PASSWORD_RIGHT, PBKDF2(1), "a salt of any bytes" },
    { S("pass1425"), S("pbkdf2:sha256:3$s$4cbf6fcd5e559de8acadb0a549480eef6b4fe00b77f48909f549efe939d21492"),
      PASSWORD_RIGHT, PBKDF2(3), "a letter" },
    { S("pass1425"), S("scrypt:16:1:1$" A123 A123 A123
      "$28b32ce22db49fb3110d451ea5a17ae1fbd8dd5dee878c6a05eda30fc00db9b5"
      "7fb7c5b52af7234ebc99eed75e42563486cffa9ad48c802d6a64948c739e72da"), PASSWORD_RIGHT, SCRYPT(16, 1, 1),
      "512 characters, the most" },
    { S("pass1425"), S("scrypt:16:1:1$" A123 A123 A123 "a"
      "$796cd8de5d9b1136c2887885d9469ce1e4c4e642db1a53de3f276d9b0ff78769"
      "e322cff1265b23802aed3fb3f21bc67d59582fc9409836976ad064911f4020fd"), PASSWORD_UNUSABLE, NONE,
      "513 characters" },

    /* wrong, in a string that is right */
    { S("pass1426"), S("scrypt:16:1:1" SALT SCRYPT16), PASSWORD_WRONG, NONE, "another password" },
    { S("Pass1425"), S("scrypt:16:1:1" SALT SCRYPT16), PASSWORD_WRONG, NONE, "another case" },
    { S("pass142"), S("scrypt:16:1:1" SALT SCRYPT16), PASSWORD_WRONG, NONE, "a letter too few" },
    { S("pass14255"), S("scrypt:16:1:1" SALT SCRYPT16), PASSWORD_WRONG, NONE, "a letter too many" },
    { S("pass1425 "), S("scrypt:16:1:1" SALT SCRYPT16), PASSWORD_WRONG, NONE, "a space behind" },
    { S("pass1425\0x"), S("scrypt:16:1:1" SALT SCRYPT16), PASSWORD_WRONG, NONE, "a NUL does not end it" },
    { S(""), S("scrypt:16:1:1" SALT SCRYPT16), PASSWORD_WRONG, NONE, "nothing" },
    { S(X1024), S("scrypt:16:1:1" SALT SCRYPT16), PASSWORD_WRONG, NONE, "1024 bytes" },
    { S(SCRYPT16), S("scrypt:16:1:1" SALT SCRYPT16), PASSWORD_WRONG, NONE, "the key as a password" },
    { S("pass1425"), S("scrypt:16:1:1$0123456789abcdeg$" SCRYPT16), PASSWORD_WRONG, NONE, "another salt" },
    { S("pass1425"), S("scrypt:16:1:1$0123456789ABCDEF$" SCRYPT16), PASSWORD_WRONG, NONE, "a salt in upper case" },
    { S("pass1425"), S("scrypt:16:1:1$0123456789abcdef $" SCRYPT16), PASSWORD_WRONG, NONE, "a longer salt" },
    { S("pass1425"), S("scrypt:32:1:1" SALT SCRYPT16), PASSWORD_WRONG, NONE, "another N" },
    { S("pass1425"), S("scrypt:16:2:1" SALT SCRYPT16), PASSWORD_WRONG, NONE, "another r" },
    { S("pass1425"), S("scrypt:16:1:2" SALT SCRYPT16), PASSWORD_WRONG, NONE, "another p" },
    { S("pass1425"), S("scrypt:16:1:1" SALT PBKDF2_1 PBKDF2_1), PASSWORD_WRONG, NONE, "another function's key" },
    { S("pass1425"), S("pbkdf2:sha256:1" SALT "0f1fe3cd65d91999a3e72c7e59cb2e0c2b186fce4283df25f4e45810a0e3567b"),
      PASSWORD_WRONG, NONE, "SHA-1's key" },
    { S("pass1426"), S("pbkdf2:sha256:1" SALT PBKDF2_1), PASSWORD_WRONG, NONE, "another password" },
    { S("pass1425"), S("pbkdf2:sha256:2" SALT PBKDF2_1), PASSWORD_WRONG, NONE, "another count" },
    { S("pass1425"), S("pbkdf2:sha256:1$1123456789abcdef$" PBKDF2_1), PASSWORD_WRONG, NONE, "another salt" },
    { S("pass1425"), S("pbkdf2:sha256:1" SALT "2b8b1efdc51afdfbce8f01080abdedcc4587cd0627db3f64b61e4c489b252440"),
      PASSWORD_WRONG, NONE, "the key's first digit" },
    { S("pass1425"), S("pbkdf2:sha256:1" SALT "1b8b1efdc51afdfbce8f01080abdedcc4587cd0627db3f64b61e4c489b252441"),
      PASSWORD_WRONG, NONE, "the key's last digit" },

    /* the parts */
    { S("pass1425"), S(""), PASSWORD_UNUSABLE, NONE, "nothing" },
    { S(""), S(""), PASSWORD_UNUSABLE, NONE, "nothing, twice" },
    { S("pass1425"), S("$"), PASSWORD_UNUSABLE, NONE, "a dollar" },
    { S("pass1425"), S("$$"), PASSWORD_UNUSABLE, NONE, "two dollars" },
    { S("pass1425"), S("pass1425"), PASSWORD_UNUSABLE, NONE, "the password itself" },
    { S("pass1425"), S("plain$$pass1425"), PASSWORD_UNUSABLE, NONE, "plain" },
    { S("pass1425"), S("plain$salt$pass1425"), PASSWORD_UNUSABLE, NONE, "plain with a salt" },
    { S("pass1425"), S("!"), PASSWORD_UNUSABLE, NONE, "a locked account elsewhere" },
    { S("pass1425"), S("scrypt"), PASSWORD_UNUSABLE, NONE, "one part" },
    { S("pass1425"), S("scrypt:16:1:1"), PASSWORD_UNUSABLE, NONE, "one part" },
    { S("pass1425"), S("scrypt:16:1:1$"), PASSWORD_UNUSABLE, NONE, "a second, empty" },
    { S("pass1425"), S("scrypt:16:1:1$0123456789abcdef"), PASSWORD_UNUSABLE, NONE, "no key" },
    { S("pass1425"), S("scrypt:16:1:1" SALT), PASSWORD_UNUSABLE, NONE, "the key empty" },
    { S("pass1425"), S("scrypt:16:1:1$" SCRYPT16), PASSWORD_UNUSABLE, NONE, "no salt" },
    { S("pass1425"), S("scrypt:16:1:1$$da9af3c38f2caae4026a95dcb5395a7b8f73aab7526abcf111dc2aa22d90754c"
      "7157982796d1cb030f1a4a36516e606602d5ce7466dea01a8aa50aec25d5fce8"), PASSWORD_UNUSABLE, NONE, "an empty salt" },
    { S("pass1425"), S("pbkdf2:sha256:1$$f693ed70180355d2c2839950cd1bb77bfe4324d0db1eb25677be58fbb50c6e35"),
      PASSWORD_UNUSABLE, NONE, "an empty salt" },
    { S("pass1425"), S("$0123456789abcdef$" SCRYPT16), PASSWORD_UNUSABLE, NONE, "the method empty" },
    { S("pass1425"), S("$scrypt:16:1:1" SALT SCRYPT16), PASSWORD_UNUSABLE, NONE, "a dollar in front" },
    { S("pass1425"), S("scrypt:16:1:1" SALT SCRYPT16 "$"), PASSWORD_UNUSABLE, NONE, "a dollar behind" },
    { S("pass1425"), S("scrypt:16:1:1" SALT "$" SCRYPT16), PASSWORD_UNUSABLE, NONE, "two dollars before the key" },
    { S("pass1425"), S("scrypt:16:1:1$" SALT SCRYPT16), PASSWORD_UNUSABLE, NONE, "two dollars before the salt" },
    { S("pass1425"), S("scrypt:16:1:1$01234567$89abcdef$" SCRYPT16), PASSWORD_UNUSABLE, NONE, "a dollar in the salt" },
    { S("pass1425"), S("scrypt:16:1:1" SALT SCRYPT16 SALT SCRYPT16), PASSWORD_UNUSABLE, NONE, "five parts" },
    { S("pass1425"), S("pbkdf2:sha256:1" SALT PBKDF2_1 "$x"), PASSWORD_UNUSABLE, NONE, "four parts" },
    { S("pass1425"), S(" scrypt:16:1:1" SALT SCRYPT16), PASSWORD_UNUSABLE, NONE, "a space in front" },
    { S("pass1425"), S("scrypt$16$1$1" SALT SCRYPT16), PASSWORD_UNUSABLE, NONE, "dollars for colons" },
    { S("pass1425"), S("$6$0123456789abcdef$" SCRYPT16), PASSWORD_UNUSABLE, NONE, "crypt(3)'s" },
    { S("pass1425"), S("$scrypt$ln=4,r=1,p=1$MDEyMw$zdyqeDp+fLuoTTDvnhCdefMF70IQfewjf/Q1fXxb0/Y"), PASSWORD_UNUSABLE,
      NONE, "PHC's" },
    { S("pass1425"), S("pbkdf2_sha256$1$0123456789abcdef$G4se/cUa/fvOjwEICr3tzEWHzQYn2z9kth5MSJslJEA="),
      PASSWORD_UNUSABLE, NONE, "Django's" },

    /* the key: lower-case hex of the right length */
    { S("pass1425"), S("scrypt:16:1:1" SALT SCRYPT16 "0"), PASSWORD_UNUSABLE, NONE, "a digit too many" },
    { S("pass1425"), S("scrypt:16:1:1" SALT SCRYPT16 "00"), PASSWORD_UNUSABLE, NONE, "a byte too many" },
    { S("pass1425"), S("scrypt:16:1:1" SALT SCRYPT16 SCRYPT16), PASSWORD_UNUSABLE, NONE, "the key twice" },
    { S("pass1425"), S("scrypt:16:1:1" SALT "cddcaa783a7e7cbba84d30ef9e109d79f305ef42107dec237ff4357d7c5bd3f6"
      "15781666c183ddef188afb932c1697adb698007a3e7e98da2bf0ffdbe399600"), PASSWORD_UNUSABLE, NONE, "a digit too few" },
    { S("pass1425"), S("scrypt:16:1:1" SALT "cddcaa783a7e7cbba84d30ef9e109d79f305ef42107dec237ff4357d7c5bd3f6"
      "15781666c183ddef188afb932c1697adb698007a3e7e98da2bf0ffdbe39960"), PASSWORD_UNUSABLE, NONE, "a byte too few" },
    { S("pass1425"), S("scrypt:16:1:1" SALT "cddcaa783a7e7cbba84d30ef9e109d79f305ef42107dec237ff4357d7c5bd3f6"),
      PASSWORD_UNUSABLE, NONE, "scrypt's first 32 bytes" },
    { S("pass1425"), S("scrypt:16:1:1" SALT "cd"), PASSWORD_UNUSABLE, NONE, "scrypt's first byte" },
    { S("pass1425"), S("scrypt:16:1:1" SALT "CDDCAA783A7E7CBBA84D30EF9E109D79F305EF42107DEC237FF4357D7C5BD3F6"
      "15781666C183DDEF188AFB932C1697ADB698007A3E7E98DA2BF0FFDBE3996008"), PASSWORD_UNUSABLE, NONE, "upper case" },
    { S("pass1425"), S("scrypt:16:1:1" SALT "Cddcaa783a7e7cbba84d30ef9e109d79f305ef42107dec237ff4357d7c5bd3f6"
      "15781666c183ddef188afb932c1697adb698007a3e7e98da2bf0ffdbe3996008"), PASSWORD_UNUSABLE, NONE, "one capital" },
    { S("pass1425"), S("pbkdf2:sha256:1" SALT "1B8B1EFDC51AFDFBCE8F01080ABDEDCC4587CD0627DB3F64B61E4C489B252440"),
      PASSWORD_UNUSABLE, NONE, "upper case" },
    { S("pass1425"), S("pbkdf2:sha256:1" SALT "gb8b1efdc51afdfbce8f01080abdedcc4587cd0627db3f64b61e4c489b252440"),
      PASSWORD_UNUSABLE, NONE, "no digit in front" },
    { S("pass1425"), S("pbkdf2:sha256:1" SALT "1b8b1efdc51afdfbce8f01080abdedcc4587cd0627db3f64b61e4c489b25244:"),
      PASSWORD_UNUSABLE, NONE, "what follows 9 at the end" },
    { S("pass1425"), S("pbkdf2:sha256:1" SALT "/b8b1efdc51afdfbce8f01080abdedcc4587cd0627db3f64b61e4c489b252440"),
      PASSWORD_UNUSABLE, NONE, "what precedes 0" },
    { S("pass1425"), S("pbkdf2:sha256:1" SALT "`b8b1efdc51afdfbce8f01080abdedcc4587cd0627db3f64b61e4c489b252440"),
      PASSWORD_UNUSABLE, NONE, "what precedes a" },
    { S("pass1425"), S("pbkdf2:sha256:1" SALT "\xb1" "b8b1efdc51afdfbce8f01080abdedcc4587cd0627db3f64b61e4c489b252440"),
      PASSWORD_UNUSABLE, NONE, "1 with its eighth bit" },
    { S("pass1425"), S("pbkdf2:sha256:1" SALT "0x1b8b1efdc51afdfbce8f01080abdedcc4587cd0627db3f64b61e4c489b2524"),
      PASSWORD_UNUSABLE, NONE, "0x" },
    { S("pass1425"), S("pbkdf2:sha256:1" SALT " " PBKDF2_1), PASSWORD_UNUSABLE, NONE, "a space before" },
    { S("pass1425"), S("pbkdf2:sha256:1" SALT PBKDF2_1 " "), PASSWORD_UNUSABLE, NONE, "a space behind" },
    { S("pass1425"), S("pbkdf2:sha256:1" SALT PBKDF2_1 "\n"), PASSWORD_UNUSABLE, NONE, "a line end behind" },
    { S("pass1425"), S("pbkdf2:sha256:1" SALT PBKDF2_1 "\0"), PASSWORD_UNUSABLE, NONE, "a NUL behind" },
    { S("pass1425"), S("pbkdf2:sha256:1" SALT PBKDF2_1 "\0$x"), PASSWORD_UNUSABLE, NONE, "a NUL and more" },
    { S("pass1425"), S("pbkdf2:sha256:1" SALT "1b8b1efdc51afdfbce8f01080abdedcc4587cd0627db3f64b61e4c489b25244\0"),
      PASSWORD_UNUSABLE, NONE, "a NUL for the last digit" },
    { S("pass1425"), S("pbkdf2:sha256:1\0" SALT PBKDF2_1), PASSWORD_UNUSABLE, NONE, "a NUL behind the method" },
    { S("pass1425"), S("\0pbkdf2:sha256:1" SALT PBKDF2_1), PASSWORD_UNUSABLE, NONE, "a NUL in front" },
    { S("pass1425"), S("pbkdf2:sha256:1" SALT PBKDF2_1
      "bb89389aa6ad6bc5dd765dfdf8454efea8a84e4209177694503389127a6b6c3f"), PASSWORD_UNUSABLE, NONE,
      "pbkdf2's first 64 bytes" },
    { S("pass1425"), S("pbkdf2:sha256:1" SALT SCRYPT16), PASSWORD_UNUSABLE, NONE, "scrypt's key" },
    { S("pass1425"), S("pbkdf2:sha1:1" SALT "0f1fe3cd65d91999a3e72c7e59cb2e0c2b186fce"), PASSWORD_UNUSABLE, NONE,
      "SHA-1, right" },
    { S("pass1425"), S("pbkdf2:sha512:1" SALT "fed2f86e633f8912ed9fcc6cd202ddc3f70fcf78d8ffdbae992d9f998ae3f008"
      "c9cf0dc2828e092113ea425c93c15365f345593fcfca9fc0493ea8bd964cfbe6"), PASSWORD_UNUSABLE, NONE, "SHA-512, right" },
    { S("pass1425"), S("sha256" SALT PBKDF2_1), PASSWORD_UNUSABLE, NONE, "a hash alone" },
    { S(""), S("pbkdf2:sha256:1" SALT), PASSWORD_UNUSABLE, NONE, "nothing is not nothing's key" },
    { S("pass1425"), S(X1024), PASSWORD_UNUSABLE, NONE, "1024 characters" },
};

static void test_rows(void)
{
    struct password_work work = { .compress = sha256_compress_portable };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        struct password_cost cost = NONE;
        enum password_result result = check_with(&work, r->password, r->string, &cost);
        check(result == r->expected, "%.*s: %s, not %s: %s", (int)r->string.len, r->string.at, result_names[result],
              result_names[r->expected], r->why);
        check(result != PASSWORD_RIGHT || same_cost(&cost, &r->cost), "%.*s: method %d, %u:%u:%u: %s",
              (int)r->string.len, r->string.at, cost.method, cost.N, cost.r, cost.p, r->why);
    }
    password_release(&work);
}

/* No other byte at any place of the key or the method makes a string right. */
static void test_mutations(void)
{
    static const struct slice password = S("pass1425"), string = S("pbkdf2:sha256:1" SALT PBKDF2_1);
    struct password_work work = { .compress = sha256_compress_portable };
    struct password_cost cost;
    char *at = guarded(string.at, string.len);
    for (size_t i = 0; i < string.len; i++) {
        unsigned taken = 0;
        for (int byte = 0; byte < 256; byte++) {
            at[i] = (char)byte;
            if (at[i] != string.at[i])
                taken += password_check(&work, password, (struct slice){ at, string.len }, &cost) == PASSWORD_RIGHT;
            at[i] = string.at[i];
        }
        check(taken == 0, "character %zu changed: right for %u other bytes", i, taken);
    }
    guarded_free(at, string.len);
    for (size_t n = 0; n < string.len; n++) {
        enum password_result result = check_with(&work, password, (struct slice){ string.at, n }, &cost);
        check(result == PASSWORD_UNUSABLE, "its first %zu characters: %s", n, result_names[result]);
    }
    check(work.memory == NULL, "pbkdf2 needs no memory");
}

/* ---- writing ---------------------------------------------------------- */

static const struct round {
    struct password_cost cost;
    const char *method;
    size_t hex_len;
} rounds[] = {
    { SCRYPT(16, 1, 1), "scrypt:16:1:1$", 128 },     { SCRYPT(2, 3, 5), "scrypt:2:3:5$", 128 },
    { SCRYPT(1024, 8, 1), "scrypt:1024:8:1$", 128 }, { SCRYPT(32768, 8, 1), "scrypt:32768:8:1$", 128 },
    { PBKDF2(1), "pbkdf2:sha256:1$", 64 },           { PBKDF2(1000), "pbkdf2:sha256:1000$", 64 },
};

static int is_made_of(const char *text, size_t n, const char *alphabet)
{
    for (size_t i = 0; i < n; i++)
        if (text[i] == '\0' || !strchr(alphabet, text[i]))
            return 0;
    return 1;
}

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/* Writes a string for `password`; it must have the right shape and be read back. */
static void round_trip(struct password_work *work, const struct round *r, struct slice password, const char *why)
{
    uint8_t random[2 * PASSWORD_SALT_LEN];
    char room[PASSWORD_STRING_MAX];
    struct buffer out = { .at = room, .cap = sizeof room };
    struct password_cost cost = NONE;
    for (size_t i = 0; i < sizeof random; i++)
        random[i] = (uint8_t)(37 * i + password.len);
    uint8_t *guarded_random = guarded(random, sizeof random);
    put_text(&out, "before "); /* it appends */
    check(password_put(&out, work, &r->cost, password, guarded_random) == 0, "%s %s: not written", r->method, why);
    guarded_free(guarded_random, sizeof random);

    size_t method_len = strlen(r->method), len = method_len + PASSWORD_SALT_LEN + 1 + r->hex_len;
    const char *string = room + 7, *salt = string + method_len, *hex = salt + PASSWORD_SALT_LEN + 1;
    int shaped = !out.overflow && out.len == 7 + len && memcmp(room, "before ", 7) == 0 &&
                 memcmp(string, r->method, method_len) == 0 && is_made_of(salt, PASSWORD_SALT_LEN, letters) &&
                 hex[-1] == '$' && is_made_of(hex, r->hex_len, "0123456789abcdef");
    check(shaped, "%s %s: wrote %.*s", r->method, why, (int)out.len, room);
    struct slice written = { string, len };
    enum password_result result = check_with(work, password, written, &cost);
    check(result == PASSWORD_RIGHT, "%s %s: read back: %s", r->method, why, result_names[result]);
    check(same_cost(&cost, &r->cost), "%s %s: another cost read back", r->method, why);
    static const struct slice other = S("pass1425?");
    result = check_with(work, other, written, &cost);
    check(result == PASSWORD_WRONG, "%s %s: another password: %s", r->method, why, result_names[result]);
}

static void test_round_trips(void)
{
    static const struct {
        struct slice password;
        const char *why;
    } passwords[] = {
        { S("pass1425"), "plain" },
        { S(""), "empty" },
        { S("p\xc3\xa4ssw\xc3\xb6rd\xf0\x9f\x98\x80"), "UTF-8" },
        { S("\xff\xfe\x80"), "not UTF-8" },
        { S("a$b$c"), "dollars" },
        { S("pass\0word"), "a NUL" },
        { S(P64), "64 bytes" },
        { S(P64 "p"), "65 bytes" },
        { S(X1024), "1024 bytes" },
    };
    struct password_work work = { .compress = sha256_compress_portable };
    for (size_t i = 0; i < sizeof rounds / sizeof *rounds; i++)
        for (size_t j = 0; j < sizeof passwords / sizeof *passwords; j++)
            if (rounds[i].cost.N < 32768 || j == 0) /* the default takes its time */
                round_trip(&work, &rounds[i], passwords[j].password, passwords[j].why);
    password_release(&work);
}

/* Every room that is too small, each ending at an unreadable page. */
static void test_overflow(void)
{
    static const struct slice password = S("pass1425");
    static const uint8_t random[2 * PASSWORD_SALT_LEN];
    struct password_work work = { .compress = sha256_compress_portable };
    char nothing[PASSWORD_STRING_MAX] = { 0 };
    for (size_t i = 0; i < sizeof rounds / sizeof *rounds; i++) {
        const struct round *r = &rounds[i];
        size_t len = strlen(r->method) + PASSWORD_SALT_LEN + 1 + r->hex_len;
        if (r->cost.N > 16)
            continue;
        for (size_t cap = 0; cap <= len; cap++) {
            char *room = guarded(nothing, cap);
            struct buffer out = { .at = room, .cap = cap };
            int result = password_put(&out, &work, &r->cost, password, random);
            check(result == 0 && out.overflow == (cap < len) && out.len <= cap, "%s a room of %zu for %zu: %d, %s",
                  r->method, cap, len, result, out.overflow ? "overflow" : "no overflow");
            guarded_free(room, cap);
        }
    }
    password_release(&work);
}

/* The salt depends on every two random bytes, and on nothing else; each of the
 * 62 letters is about as likely as the next. */
static void test_salts(void)
{
    static const struct slice password = S("pass1425");
    static const struct password_cost cost = PBKDF2(1);
    struct password_work work = { .compress = sha256_compress_portable };
    enum { ROUNDS = 4096, HEAD = sizeof "pbkdf2:sha256:1$" - 1 };
    unsigned counts[256] = { 0 };
    uint8_t random[2 * PASSWORD_SALT_LEN];
    char room[128], again[128];
    uint64_t state = 1;
    for (int i = 0; i < ROUNDS; i++) {
        for (size_t j = 0; j < sizeof random; j++) {
            state = state * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
            random[j] = (uint8_t)(state >> 56);
        }
        struct buffer out = { .at = room, .cap = sizeof room };
        password_put(&out, &work, &cost, password, random);
        for (int j = 0; j < PASSWORD_SALT_LEN; j++)
            counts[(uint8_t)room[HEAD + j]]++;
        if (i > 0)
            continue;
        for (size_t j = 0; j < sizeof random; j += 2) {
            struct buffer other = { .at = again, .cap = sizeof again };
            random[j] ^= 0xff, random[j + 1] ^= 0xff;
            password_put(&other, &work, &cost, password, random);
            check(memcmp(room, again, out.len) != 0, "other random bytes %zu and %zu, the same string", j, j + 1);
            random[j] ^= 0xff, random[j + 1] ^= 0xff;
        }
        struct buffer same = { .at = again, .cap = sizeof again };
        password_put(&same, &work, &cost, password, random);
        check(same.len == out.len && memcmp(room, again, out.len) == 0, "the same random bytes, another string");
    }
    unsigned sum = 0, expected = ROUNDS * PASSWORD_SALT_LEN / 62; /* 1057, six sigma are 195 */
    for (const char *c = letters; *c; c++) {
        unsigned n = counts[(uint8_t)*c];
        check(n > expected - 195 && n < expected + 195, "%c stands in %u salts' places, not about %u", *c, n, expected);
        sum += n;
    }
    check(sum == ROUNDS * PASSWORD_SALT_LEN, "%u of %d characters are letters", sum, ROUNDS * PASSWORD_SALT_LEN);
}

/* ---- memory ----------------------------------------------------------- */

static void test_work(void)
{
    static const struct slice password = S("pass1425"), small = S("scrypt:16:1:1" SALT SCRYPT16);
    static const struct slice large = S("scrypt:1024:8:2" SALT
                                        "690f29112a014f94cb409030e53f9356bd878a82e3163245128235da4bc0f34c"
                                        "de2e40a9863fccac86622e697e6ca0d366ac8a985940cc8646198475e6e53398");
    struct password_work work = { .compress = sha256_compress_portable };
    struct password_cost cost;
    password_release(&work); /* nothing to give back */
    for (int i = 0; i < 3; i++) {
        check(check_with(&work, password, small, &cost) == PASSWORD_RIGHT, "small, round %d", i);
        check(check_with(&work, password, large, &cost) == PASSWORD_RIGHT, "large behind small, round %d", i);
        void *memory = work.memory;
        check(check_with(&work, password, small, &cost) == PASSWORD_RIGHT, "small in large's memory, round %d", i);
        check(check_with(&work, password, large, &cost) == PASSWORD_RIGHT, "large again, round %d", i);
        check(work.memory == memory && memory != NULL, "memory is not kept, round %d", i);
        password_release(&work);
        if (i == 1)
            password_release(&work); /* twice */
    }
    round_trip(&work, &rounds[0], password, "behind a release");
    password_release(&work);
}

/* No more address space: scrypt says so, pbkdf2 does not care, both recover. */
static void test_no_memory(void)
{
    static const struct slice password = S("pass1425"), scrypt_string = S("scrypt:16:1:1" SALT SCRYPT16);
    static const struct slice pbkdf2_string = S("pbkdf2:sha256:1" SALT PBKDF2_1);
    static const struct password_cost scrypt_cost = SCRYPT(16, 1, 1);
    static const uint8_t random[2 * PASSWORD_SALT_LEN];
    struct password_work work = { .compress = sha256_compress_portable };
    struct password_cost cost;
    struct rlimit before, none;
    char room[PASSWORD_STRING_MAX];
    struct buffer out = { .at = room, .cap = sizeof room };
    getrlimit(RLIMIT_AS, &before);
    none = (struct rlimit){ 1, before.rlim_max };
    check(setrlimit(RLIMIT_AS, &none) == 0, "setrlimit");
    void *more = mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (more != MAP_FAILED) { /* qemu-user does not hold to the limit */
        setrlimit(RLIMIT_AS, &before);
        munmap(more, 1 << 20);
        return;
    }
    enum password_result checked = password_check(&work, password, scrypt_string, &cost);
    int put = password_put(&out, &work, &scrypt_cost, password, random);
    enum password_result pbkdf2 = password_check(&work, password, pbkdf2_string, &cost);
    setrlimit(RLIMIT_AS, &before);
    check(checked == PASSWORD_NO_MEMORY, "scrypt without memory: %s", result_names[checked]);
    check(put == -1, "a new scrypt string without memory: %d", put);
    check(pbkdf2 == PASSWORD_RIGHT, "pbkdf2 without memory: %s", result_names[pbkdf2]);
    check(check_with(&work, password, scrypt_string, &cost) == PASSWORD_RIGHT, "memory is back");
    password_release(&work);
}

/* What the HTTP API and the shell take for a password. */
static void test_faults(void)
{
    static char many[PASSWORD_LEN_MAX + 1];
    memset(many, 'p', sizeof many);
    const struct {
        const char *fault;
        struct slice secret;
    } faults[] = {
        { NULL, S("p") },
        { NULL, S("\x01\r\n\xc2\x80\xf0\x9f\x98\x80") },
        { NULL, { many, PASSWORD_LEN_MAX } },
        { " is too long", { many, PASSWORD_LEN_MAX + 1 } },
        { " is empty", S("") },
        { " has a NUL character", S("p\0") },
        { " is not UTF-8", S("p\xfc") },
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        const char *fault = password_fault(faults[i].secret);
        check(fault == faults[i].fault || (fault && faults[i].fault && strcmp(fault, faults[i].fault) == 0),
              "password %zu: %s", i, fault ? fault : "taken");
    }
}

int main(void)
{
    test_methods();
    test_weaker();
    test_rows();
    test_mutations();
    test_round_trips();
    test_overflow();
    test_salts();
    test_work();
    test_no_memory();
    test_faults();
    return test_end();
}
