/* base64url_test.c - base64url without padding: the vectors of RFC 4648 section
 * 10 (less their padding), RFC 7515 A.1 and appendix C, every character at every
 * place, every text of two characters, every length; and what is refused.
 *
 * Every input of the decoder, and its output and the encoder's, lies against an
 * unreadable page. The alphabet is spelled out here; base64url.c calculates it. */
#include <stdbool.h>

#include "../base64url.h"
#include "test.h"

#define ROWS(table) (sizeof(table) / sizeof *(table))
#define TEXT(literal) literal, sizeof literal - 1

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The place of a byte in the alphabet, or -1. */
static int value_of(int byte)
{
    const char *at = byte == 0 ? NULL : strchr(alphabet, byte);
    return at ? (int)(at - alphabet) : -1;
}

/* True where n bytes encode to the text. */
static bool encodes_to(const void *bytes, size_t n, const char *text, size_t len)
{
    char *out = guarded(text, len);
    void *in = guarded(bytes, n);
    memset(out, '!', len);
    bool right = base64url_encoded_len(n) == len && base64url_encode(in, n, out) == len && memcmp(out, text, len) == 0;
    guarded_free(in, n);
    guarded_free(out, len);
    return right;
}

/* What decoding gives; the bytes, if any, are copied to `bytes`. */
static ssize_t decode(const char *text, size_t len, void *bytes)
{
    size_t max = base64url_decoded_max(len);
    char *in = guarded(text, len), *out = guarded(text, max);
    ssize_t n = base64url_decode(in, len, out);
    if (n > 0)
        memcpy(bytes, out, (size_t)n);
    guarded_free(in, len);
    guarded_free(out, max);
    return n;
}

/* Texts with their bytes, both ways. */
static void test_pairs(void)
{
    static const struct {
        const char *source, *text, *bytes;
        size_t n;
    } rows[] = {
        { "RFC 4648 section 10", "", TEXT("") },
        { "RFC 4648 section 10", "Zg", TEXT("f") },
        { "RFC 4648 section 10", "Zm8", TEXT("fo") },
        { "RFC 4648 section 10", "Zm9v", TEXT("foo") },
        { "RFC 4648 section 10", "Zm9vYg", TEXT("foob") },
        { "RFC 4648 section 10", "Zm9vYmE", TEXT("fooba") },
        { "RFC 4648 section 10", "Zm9vYmFy", TEXT("foobar") },
        { "RFC 7515 A.1, header", "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
          TEXT("{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}") },
        { "RFC 7515 A.1, payload",
          "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
          TEXT("{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}") },
        { "RFC 7515 A.1, signature", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
          TEXT("\x74\x18\xdf\xb4\x97\x99\xe0\x25\x4f\xfa\x60\x7d\xd8\xad\xbb\xba"
               "\x16\xd4\x25\x4d\x69\xd6\xbf\xf0\x5b\x58\x05\x58\x53\x84\x8d\x79") },
        { "RFC 7515 A.1, key",
          "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
          TEXT("\x03\x23\x35\x4b\x2b\x0f\xa5\xbc\x83\x7e\x06\x65\x77\x7b\xa6\x8f"
               "\x5a\xb3\x28\xe6\xf0\x54\xc9\x28\xa9\x0f\x84\xb2\xd2\x50\x2e\xbf"
               "\xd3\xfb\x5a\x92\xd2\x06\x47\xef\x96\x8a\xb4\xc3\x77\x62\x3d\x22"
               "\x3d\x2e\x21\x72\x05\x2e\x4f\x08\xc0\xcd\x9a\xf5\x67\xd0\x80\xa3") },
        { "RFC 7515 appendix C", "A-z_4ME", TEXT("\x03\xec\xff\xe0\xc1") },
        /* Python: base64.urlsafe_b64decode */
        { "the whole alphabet", alphabet,
          TEXT("\x00\x10\x83\x10\x51\x87\x20\x92\x8b\x30\xd3\x8f\x41\x14\x93\x51"
               "\x55\x97\x61\x96\x9b\x71\xd7\x9f\x82\x18\xa3\x92\x59\xa7\xa2\x9a"
               "\xab\xb2\xdb\xaf\xc3\x1c\xb3\xd3\x5d\xb7\xe3\x9e\xbb\xf3\xdf\xbf") },
    };
    for (size_t row = 0; row < ROWS(rows); row++) {
        const size_t n = rows[row].n, len = strlen(rows[row].text);
        uint8_t bytes[128];
        check(encodes_to(rows[row].bytes, n, rows[row].text, len), "%s: not encoded to %s", rows[row].source,
              rows[row].text);
        check(decode(rows[row].text, len, bytes) == (ssize_t)n && memcmp(bytes, rows[row].bytes, n) == 0,
              "%s: %s not decoded", rows[row].source, rows[row].text);
    }
}

static void test_decode(void)
{
    static const struct {
        const char *why, *text;
        size_t len;
        const char *hex; /* NULL: refused */
    } rows[] = {
        { "nothing", TEXT(""), "" },
        { "one byte of zeros", TEXT("AA"), "00" },
        { "one byte of ones", TEXT("_w"), "ff" },
        { "two bytes of zeros", TEXT("AAA"), "0000" },
        { "two bytes of ones", TEXT("__8"), "ffff" },
        { "three bytes of zeros", TEXT("AAAA"), "000000" },
        { "three bytes of ones", TEXT("____"), "ffffff" },
        { "the end of each range", TEXT("AZaz09-_"), "0196b3d3dfbf" },
        { "'-' for '+'", TEXT("----"), "fbefbe" },
        { "'-' first in a tail", TEXT("-A"), "f8" },
        { "'-' second in a tail", TEXT("A-A"), "03e0" },
        { "'_' second in a tail", TEXT("A_A"), "03f0" },
        { "one bit beside the spare ones of a tail of two", TEXT("AQ"), "01" },
        { "one bit beside the spare ones of a tail of three", TEXT("AAE"), "0001" },
        { "any bits in a quad's last character", TEXT("AAAB"), "000001" },
        { "a quad and a tail of two", TEXT("AAAAAQ"), "00000001" },
        { "a quad and a tail of three", TEXT("AAAAAAE"), "0000000001" },
        { "two quads", TEXT("abcdefgh"), "69b71d79f821" },

        { "length 1", TEXT("A"), NULL },
        { "length 1, a foreign character", TEXT("="), NULL },
        { "length 5", TEXT("AAAAA"), NULL },
        { "length 9", TEXT("AAAAAAAAA"), NULL },
        { "padding alone", TEXT("===="), NULL },
        { "padding after a tail of two", TEXT("Zg=="), NULL },
        { "half of that padding", TEXT("Zg="), NULL },
        { "padding after a tail of three", TEXT("Zm8="), NULL },
        { "padding after a quad", TEXT("Zm9v===="), NULL },
        { "padding in the middle", TEXT("Zg==Zg=="), NULL },
        { "padding in front", TEXT("=AAA"), NULL },
        { "'+', the other alphabet's", TEXT("+A"), NULL },
        { "'/', the other alphabet's", TEXT("/w"), NULL },
        { "'+' in a quad", TEXT("AA+A"), NULL },
        { "'/' in a quad", TEXT("A/AA"), NULL },
        { "'/' at a quad's end", TEXT("AAA/"), NULL },
        { "a blank in front", TEXT(" AAA"), NULL },
        { "a blank inside", TEXT("AA AA"), NULL },
        { "a blank inside, the length right", TEXT("A AA"), NULL },
        { "a blank at the end", TEXT("AAA "), NULL },
        { "a tab", TEXT("AA\tA"), NULL },
        { "a newline at the end", TEXT("AAA\n"), NULL },
        { "a newline after a quad", TEXT("AAAA\n"), NULL },
        { "CR LF after a quad", TEXT("AAAA\r\n"), NULL },
        { "NUL alone, twice", TEXT("\0\0"), NULL },
        { "NUL in a quad", TEXT("AA\0A"), NULL },
        { "NUL at the end of a tail of two", TEXT("A\0"), NULL },
        { "NUL at the end of a tail of three", TEXT("AA\0"), NULL },
        { "NUL after a quad", TEXT("AAAA\0\0"), NULL },
        { "0x80", TEXT("\x80" "AAA"), NULL },
        { "0xff", TEXT("\xff\xff\xff\xff"), NULL },
        { "'A' with the high bit", TEXT("\xc1" "A"), NULL },
        { "'A' in full width (UTF-8)", TEXT("\xef\xbc\xa1" "A"), NULL },
        { "before 'A': '@'", TEXT("@AAA"), NULL },
        { "behind 'Z': '['", TEXT("A[AA"), NULL },
        { "before 'a': '`'", TEXT("AA`A"), NULL },
        { "behind 'z': '{'", TEXT("AAA{"), NULL },
        { "behind '9': ':'", TEXT("A:"), NULL },
        { "before '-': ','", TEXT(",AA"), NULL },
        { "behind '-': '.', a JWS's separator", TEXT("A.AA"), NULL },
        { "'~'", TEXT("AA~"), NULL },
        { "'%', an URL's escape", TEXT("Zg%3D%3D"), NULL },
        { "a tail of two with its lowest spare bit", TEXT("AB"), NULL },
        { "a tail of two with its highest spare bit", TEXT("AI"), NULL },
        { "a tail of two with all spare bits", TEXT("Af"), NULL },
        { "a tail of three with its lowest spare bit", TEXT("AAB"), NULL },
        { "a tail of three with its highest spare bit", TEXT("AAC"), NULL },
        { "a tail of three with all spare bits", TEXT("AAD"), NULL },
        { "spare bits behind a quad, tail of two", TEXT("Zm9vYh"), NULL },
        { "spare bits behind a quad, tail of three", TEXT("Zm9vYmF"), NULL },
        { "a foreign character in the first of two quads", TEXT("A*AAAAAA"), NULL },
        { "a foreign character in the second of two quads", TEXT("AAAAAA*A"), NULL },
        { "a foreign character in the quad before a good tail", TEXT("*AAAAA"), NULL },
        { "a foreign character in the tail, good quads before", TEXT("AAAAAAAA*A"), NULL },
        { "a signature with its last spare bit set", TEXT("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl"), NULL },
    };
    for (size_t row = 0; row < ROWS(rows); row++) {
        uint8_t bytes[64], right[64];
        ssize_t n = decode(rows[row].text, rows[row].len, bytes);
        ssize_t right_n = rows[row].hex ? (ssize_t)unhex(rows[row].hex, right) : -1;
        check(n == right_n, "%s: %zd, not %zd", rows[row].why, n, right_n);
        check(n <= 0 || n != right_n || memcmp(bytes, right, (size_t)n) == 0, "%s: other bytes", rows[row].why);
    }
}

/* All 256 bytes at each place of a quad and of both tails, between As: decoded
 * exactly where they are in the alphabet and leave no spare bit, and then to
 * their own six bits alone. */
static void test_characters(void)
{
    for (size_t len = 2; len <= 4; len++) {
        for (size_t place = 0; place < len; place++) {
            for (int byte = 0; byte < 256; byte++) {
                char text[4] = { 'A', 'A', 'A', 'A' };
                uint8_t out[3] = { 0 };
                text[place] = (char)byte;
                int value = value_of(byte);
                bool spare = place == len - 1 && ((len == 2 && value % 16 != 0) || (len == 3 && value % 4 != 0));
                ssize_t right_n = value < 0 || spare ? -1 : (ssize_t)len - 1, n = decode(text, len, out);
                check(n == right_n, "byte %#x at place %zu of %zu: %zd, not %zd", (unsigned)byte, place, len, n,
                      right_n);
                uint32_t right = n < 0 ? 0 : (uint32_t)value << (18 - 6 * place);
                uint32_t bits = (uint32_t)out[0] << 16 | (uint32_t)out[1] << 8 | out[2];
                check(bits == right, "byte %#x at place %zu of %zu: %06x, not %06x", (unsigned)byte, place, len, bits,
                      right);
            }
        }
    }
}

/* All 65,536 texts of two bytes; a check for each first one. */
static void test_two_characters(void)
{
    char *text = guarded("AA", 2), *out = guarded("?", 1);
    for (int first = 0; first < 256; first++) {
        int wrong = 0, wrong_second = 0;
        for (int second = 0; second < 256; second++) {
            int a = value_of(first), b = value_of(second);
            bool good = a >= 0 && b >= 0 && b % 16 == 0;
            text[0] = (char)first;
            text[1] = (char)second;
            ssize_t n = base64url_decode(text, 2, out);
            if (n != (good ? 1 : -1) || (good && (uint8_t)*out != a * 4 + b / 16)) {
                wrong++;
                wrong_second = second;
            }
        }
        check(wrong == 0, "two bytes, %#x first: %d of 256 wrong, as with %#x", (unsigned)first, wrong,
              (unsigned)wrong_second);
    }
    guarded_free(text, 2);
    guarded_free(out, 1);
}

static void test_round_trip(void)
{
    uint64_t random = 1;
    for (size_t n = 0; n <= 100; n++) {
        uint8_t bytes[100], back[100];
        for (size_t i = 0; i < n; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX generator */
            bytes[i] = (uint8_t)(random >> 56);
        }
        size_t len = (8 * n + 5) / 6;
        check(base64url_encoded_len(n) == len, "%zu bytes: %zu characters, not %zu", n, base64url_encoded_len(n), len);
        check(base64url_decoded_max(len) == n, "%zu characters: at most %zu bytes, not %zu", len,
              base64url_decoded_max(len), n);

        char *text = guarded(memset((char[134]){ 0 }, '!', len), len);
        uint8_t *in = guarded(bytes, n);
        size_t written = base64url_encode(in, n, text);
        check(written == len, "%zu bytes: %zu characters written, not %zu", n, written, len);
        size_t foreign = 0;
        for (size_t i = 0; i < len; i++)
            foreign += value_of((uint8_t)text[i]) < 0;
        check(foreign == 0, "%zu bytes: %zu characters outside the alphabet", n, foreign);
        check(decode(text, len, back) == (ssize_t)n && memcmp(back, bytes, n) == 0, "%zu bytes do not come back", n);
        guarded_free(in, n);
        guarded_free(text, len);
    }
}

/* Every byte, in order: Python: base64.urlsafe_b64encode(bytes(range(256))), less its padding */
static void test_all_bytes(void)
{
    static const char text[] =
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-P0BBQkNERUZHSElKS0xN"
        "Tk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn-AgYKDhIWGh4iJiouMjY6PkJGSk5SVlpeYmZqb"
        "nJ2en6ChoqOkpaanqKmqq6ytrq-wsbKztLW2t7i5uru8vb6_wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t_g4eLj5OXm5-jp"
        "6uvs7e7v8PHy8_T19vf4-fr7_P3-_w";
    uint8_t bytes[256], back[256];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    check(encodes_to(bytes, sizeof bytes, text, strlen(text)), "all bytes: not encoded");
    check(decode(text, strlen(text), back) == sizeof back && memcmp(back, bytes, sizeof back) == 0,
          "all bytes: not decoded");
}

int main(void)
{
    test_pairs();
    test_decode();
    test_characters();
    test_two_characters();
    test_round_trip();
    test_all_bytes();
    return test_end();
}
