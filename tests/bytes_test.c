/* bytes_test.c - slices, buffers, hex and the constant-time comparison of
 * bytes.h, and the lines of log.h: the contracts in the two headers. */
#include "bytes.h"
#include "log.h"
#include "test.h"

#include <errno.h>
#include <sys/socket.h>

#define S(text)                                                                                                        \
    { text, sizeof(text) - 1 }

/* ---- slices ----------------------------------------------------------- */

static void test_equal(void) {
    check(slice_equal((struct slice){ NULL, 0 }, slice_of("")), "no bytes at NULL are no bytes");
    check(slice_is((struct slice)S("ab"), "ab"), "the same bytes");
    check(!slice_is((struct slice)S("ab"), "abc"), "a prefix");
    check(!slice_is((struct slice)S("ab\0"), "ab"), "a NUL more");
    check(!slice_is((struct slice)S("ab"), "aB"), "another case");
}

static const struct {
    const char *why;
    struct slice text, head, rest;
    bool found;
} cuts[] = {
    { "in the middle", S("a:bc"), S("a"), S("bc"), true },
    { "the first of two", S("a:b:c"), S("a"), S("b:c"), true },
    { "at the front", S(":b"), S(""), S("b"), true },
    { "at the end: an empty rest is a rest", S("a:"), S("a"), S(""), true },
    { "alone", S(":"), S(""), S(""), true },
    { "none", S("abc"), S("abc"), S(""), false },
    { "nothing at all", S(""), S(""), S(""), false },
    { "behind a NUL", S("a\0b:c"), S("a\0b"), S("c"), true },
};

static void test_cut(void) {
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        char *text = guarded(cuts[i].text.at, cuts[i].text.len);
        struct slice rest = { text, cuts[i].text.len }, head = slice_cut(&rest, ':');
        check(slice_equal(head, cuts[i].head) && slice_equal(rest, cuts[i].rest) && (rest.at != NULL) == cuts[i].found,
              "cut, %s: \"%.*s\" and \"%.*s\"", cuts[i].why, (int)head.len, head.at, (int)rest.len,
              rest.at ? rest.at : "");
        guarded_free(text, cuts[i].text.len);
    }
    struct slice none = { NULL, 0 };
    check(slice_cut(&none, ':').len == 0 && none.at == NULL, "cut what has been cut to its end");
}

static const struct {
    const char *why;
    struct slice text;
    int64_t number;
} decimals[] = {
    { "zero", S("0"), 0 },
    { "one digit", S("7"), 7 },
    { "leading zeros", S("007"), 7 },
    { "18 digits", S("999999999999999999"), 999999999999999999 },
    { "18 digits, zeros first", S("000000000000000001"), 1 },
    { "19 digits", S("1000000000000000000"), -1 },
    { "19 digits, zeros first", S("0000000000000000001"), -1 },
    { "past 64 bits", S("18446744073709551617"), -1 },
    { "nothing", S(""), -1 },
    { "plus", S("+1"), -1 },
    { "minus", S("-1"), -1 },
    { "space before", S(" 1"), -1 },
    { "space behind", S("1 "), -1 },
    { "LF behind", S("1\n"), -1 },
    { "NUL behind", S("1\0"), -1 },
    { "hexadecimal", S("0x1"), -1 },
    { "a fraction", S("1.0"), -1 },
    { "an exponent", S("1e3"), -1 },
    { "below '0'", S("/"), -1 },
    { "above '9'", S(":"), -1 },
    { "a digit, but not ASCII's", S("\xd9\xa1"), -1 },
};

static void test_decimal(void) {
    for (size_t i = 0; i < sizeof decimals / sizeof *decimals; i++) {
        char *text = guarded(decimals[i].text.at, decimals[i].text.len);
        int64_t got = slice_decimal((struct slice){ text, decimals[i].text.len });
        check(got == decimals[i].number, "decimal, %s: %lld", decimals[i].why, (long long)got);
        guarded_free(text, decimals[i].text.len);
    }
}

/* ---- buffers ---------------------------------------------------------- */

static void test_put(void) {
    char *at = guarded("#####", 5);
    struct buffer b = { .at = at, .cap = 5 };
    put_text(&b, "abc");
    put_char(&b, 'd');
    check(slice_is((struct slice){ b.at, b.len }, "abcd") && !b.overflow, "front to back");
    put_text(&b, "ef");
    check(b.len == 4 && b.overflow && at[4] == '#', "what does not fit is dropped whole");
    put_char(&b, 'g');
    put_bytes(&b, NULL, 0);
    check(b.len == 4 && b.overflow, "overflow stays set; nothing is written behind a gap");

    b = (struct buffer){ .at = at, .cap = 5 };
    put_text(&b, "12345");
    put_text(&b, "");
    check(b.len == 5 && !b.overflow, "filled to the brim, and nothing more");
    put_char(&b, '6');
    check(b.len == 5 && b.overflow, "one byte more");

    b = (struct buffer){ .at = at, .cap = 5, .len = 3 };
    put_bytes(&b, "x", SIZE_MAX);
    check(b.len == 3 && b.overflow, "SIZE_MAX bytes more: no sum may wrap around");
    b = (struct buffer){ 0 };
    put_char(&b, 'x');
    check(b.len == 0 && b.overflow, "a buffer of nothing");
    guarded_free(at, 5);
}

static void test_put_texts(void) {
    char *at = guarded("#####", 5);
    struct buffer b = { .at = at, .cap = 5 };
    put_texts(&b, "ab", "", "cde", NULL);
    check(slice_is((struct slice){ b.at, b.len }, "abcde") && !b.overflow, "texts in what just holds them");
    b = (struct buffer){ .at = at, .cap = 4 };
    put_texts(&b, "ab", "cde", "f", NULL);
    check(b.len == 2 && b.overflow, "a text that does not fit is dropped whole, and so is what follows");
    guarded_free(at, 5);
}

static void test_put_number(void) {
    static const struct {
        uint64_t n;
        const char *text;
    } rows[] = { { 0, "0" },
                 { 9, "9" },
                 { 10, "10" },
                 { 65535, "65535" },
                 { 4294967296, "4294967296" },
                 { UINT64_MAX, "18446744073709551615" } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t len = strlen(rows[i].text);
        char text[LOG_DECIMAL], *at = guarded("####################", len);
        struct buffer fits = { .at = at, .cap = len }, not = { .at = at, .cap = len - 1 };
        put_number(&not, rows[i].n);
        check(not .len == 0 && not .overflow && *at == '#', "%s in a byte less", rows[i].text);
        put_number(&fits, rows[i].n);
        check(slice_is((struct slice){ at, fits.len }, rows[i].text) && !fits.overflow, "number %s", rows[i].text);
        check(strcmp(log_decimal(rows[i].n, text), rows[i].text) == 0, "log_decimal %s: %s", rows[i].text, text);
        guarded_free(at, len);
    }
}

static void test_put_hex(void) {
    uint8_t bytes[256];
    char expected[513] = "", *at = guarded(expected, 512);
    struct buffer b = { .at = at, .cap = 512 };
    for (unsigned i = 0; i < 256; i++) {
        bytes[i] = (uint8_t)i;
        snprintf(expected + 2 * i, 3, "%02x", i);
    }
    put_hex(&b, bytes, 256);
    check(slice_is((struct slice){ b.at, b.len }, expected) && !b.overflow, "hex of every byte, in what just holds it");
    put_hex(&b, bytes, 0);
    check(!b.overflow, "hex of nothing");
    b = (struct buffer){ .at = at + 512 - 3, .cap = 3 };
    put_hex(&b, bytes, 2);
    check(b.overflow && b.len <= 3, "four digits into three bytes");
    guarded_free(at, 512);
}

static void test_order(void) {
    uint8_t bytes[4], be[] = { 0x81, 0x02, 0xf3, 0x04 };
    check(load_be32(be) == 0x8102f304, "big-endian");
    check(load_le32(be) == 0x04f30281, "little-endian");
    store_be32(bytes, 0x8102f304);
    check(memcmp(bytes, be, 4) == 0, "stored big-endian");
    store_le32(bytes, 0x04f30281);
    check(memcmp(bytes, be, 4) == 0, "stored little-endian");
}

static void test_ct_equal(void) {
    uint8_t a[33], b[33];
    for (size_t i = 0; i < sizeof a; i++) a[i] = b[i] = (uint8_t)(7 * i);
    check(ct_equal(a, b, 0) && ct_equal(a, b, 33) && ct_equal(a, a, 33), "the same bytes");
    int missed = 0;
    for (size_t bit = 0; bit < 8 * sizeof a; bit++) {
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
        missed += ct_equal(a, b, 33) || !ct_equal(a, b, bit / 8);
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    check(missed == 0, "every single bit that differs: %d missed", missed);
    b[0] ^= 1, b[32] ^= 1;
    check(!ct_equal(a, b, 33), "two differences do not cancel out");
}

/* ---- lines on standard error ------------------------------------------ */

/* Descriptor 2 becomes a socket that keeps one write apart from the next. */
static int listen_to_fd2(int *kept) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0 || (*kept = dup(2)) < 0 || dup2(pair[1], 2) < 0) {
        perror("listen_to_fd2");
        exit(1);
    }
    close(pair[1]);
    return pair[0];
}

static void restore_fd2(int kept) {
    dup2(kept, 2);
    close(kept);
}

static const struct {
    const char *why, *a, *b, *line;
} lines[] = {
    { "one text", "a", NULL, "jwtd: a\n" },
    { "two texts", "a: ", "b", "jwtd: a: b\n" },
    { "an empty one", "", NULL, "jwtd: \n" },
    { "LF: no text can forge a line", "a\njwtd: b", NULL, "jwtd: a?jwtd: b\n" },
    { "CR, TAB, ESC, DEL", "a\r\t\x1b\x7f", NULL, "jwtd: a????\n" },
    { "the first and the last control character", "\x01\x1f", NULL, "jwtd: ??\n" },
    { "next to them", " ~", NULL, "jwtd:  ~\n" },
    { "UTF-8 stays", "\xc3\xbc", NULL, "jwtd: \xc3\xbc\n" },
    { "a percent sign is one", "%s%n", NULL, "jwtd: %s%n\n" },
};

static void test_lines(void) {
    char got[2 * LOG_LINE_MAX];
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        int kept, from = listen_to_fd2(&kept);
        errno = ERANGE;
        int result = log_line(lines[i].a, lines[i].b, NULL), error = errno;
        restore_fd2(kept);
        ssize_t n = recv(from, got, sizeof got, MSG_DONTWAIT);
        check(n >= 0 && slice_is((struct slice){ got, (size_t)n }, lines[i].line), "log, %s: %.*s", lines[i].why,
              (int)n, got);
        check(recv(from, got, sizeof got, MSG_DONTWAIT) <= 0, "log, %s: in one write", lines[i].why);
        check(result == -1 && error == ERANGE, "log, %s: gives -1 and keeps errno", lines[i].why);
        close(from);
    }
}

/* However long the texts are: one line, in one write, not longer than it may be. */
static void test_long_lines(void) {
    static char text[3 * LOG_LINE_MAX], got[4 * LOG_LINE_MAX];
    int wrong = 0;
    for (size_t len = LOG_LINE_MAX - 16; len < LOG_LINE_MAX + 16; len++) {
        memset(text, 'x', len);
        text[len] = '\0';
        int kept, from = listen_to_fd2(&kept);
        log_line("a", text, "b", text, NULL);
        restore_fd2(kept);
        ssize_t n = recv(from, got, sizeof got, MSG_DONTWAIT);
        wrong += n < 8 || n > LOG_LINE_MAX || memcmp(got, "jwtd: a", 7) != 0 || got[n - 1] != '\n' ||
                 memchr(got, '\n', (size_t)n) != got + n - 1 || recv(from, got, sizeof got, MSG_DONTWAIT) > 0;
        close(from);
    }
    check(wrong == 0, "%d too long texts do not come out as one line", wrong);
}

static void test_nobody_listens(void) {
    int kept = dup(2);
    close(2);
    errno = ERANGE;
    int result = log_line("nobody hears this", NULL), error = errno;
    restore_fd2(kept);
    check(result == -1 && error == ERANGE, "descriptor 2 closed: errno is kept, not %s", strerror(error));
}

int main(void) {
    test_equal();
    test_cut();
    test_decimal();
    test_put();
    test_put_number();
    test_put_texts();
    test_put_hex();
    test_order();
    test_ct_equal();
    test_lines();
    test_long_lines();
    test_nobody_listens();
    return test_end();
}
