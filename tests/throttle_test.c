/* throttle_test.c - how many failures are allowed, and for whom. The expected figures follow from throttle.h: a burst
 * of ten, then one in six seconds, for an account from an address; a hundred, then one in 0.6 s, for an address. */
#include "throttle.h"

#include "test.h"

static const uint8_t key[16] = "sixteen letters!";
enum { START = 1000000 };

static struct address address(const char *text) {
    struct address a = { .known = false };
    if (text) address_parse(slice_of(text), &a);
    return a;
}

/* How many failures in a row are let through at `now`. */
static int tries(struct throttle *t, const char *name, const char *from, uint64_t now, int most) {
    struct address a = address(from);
    int n = 0;
    for (; n < most && throttle_wait(t, slice_of(name), &a, now) == 0; n++) throttle_count(t, slice_of(name), &a, now);
    return n;
}

static uint64_t wait_ms(struct throttle *t, const char *name, const char *from, uint64_t now) {
    struct address a = address(from);
    return throttle_wait(t, slice_of(name), &a, now);
}

static void test_account(const char *from) {
    struct throttle *t = throttle_new(sha256_compress_portable, key);
    const char *who = from ? from : "nobody";
    check(tries(t, "ann", from, START, 50) == 10, "%s: ten at once", who);
    check(wait_ms(t, "ann", from, START) == 6000, "%s: then six seconds", who);
    check(wait_ms(t, "ann", from, START + 5999) == 1, "%s: not a millisecond less", who);
    check(tries(t, "ann", from, START + 6000, 50) == 1, "%s: then one", who);
    check(tries(t, "ann", from, START + 6001, 50) == 0, "%s: and no more", who);
    check(tries(t, "ann", from, START + 6000 + 60000, 50) == 10, "%s: after a minute all is forgotten", who);
    check(tries(t, "bob", from, START + 6000 + 60000, 50) == 10, "%s: another account has its own", who);
    check(tries(t, "ann", "192.0.2.77", START, 50) == 10, "%s: the owner at another address is not locked out", who);
    throttle_free(t);
}

static void test_addresses(void) {
    static const struct {
        const char *why, *one, *other;
        int left; /* of the ten, for `other`, when `one` has used its own */
    } rows[] = {
        { "two IPv4 addresses", "192.0.2.1", "192.0.2.2", 10 },
        { "one IPv6 network of 64 bits", "2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", 0 },
        { "two of them", "2001:db8::1", "2001:db8:0:1::1", 10 },
        { "IPv4 and the same mapped", "192.0.2.1", "::ffff:192.0.2.1", 0 },
        { "IPv4 and nobody", "192.0.2.1", NULL, 10 },
        { "nobody and nobody", NULL, NULL, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct throttle *t = throttle_new(sha256_compress_portable, key);
        tries(t, "ann", rows[i].one, START, 50);
        check(tries(t, "ann", rows[i].other, START, 50) == rows[i].left, "%s", rows[i].why);
        throttle_free(t);
    }
}

/* One address that tries many names is stopped by its own bound; nobody in particular has none. */
static void test_many_names(void) {
    static const char *const sources[] = { "203.0.113.5", NULL };
    for (int s = 0; s < 2; s++) {
        struct throttle *t = throttle_new(sha256_compress_portable, key);
        char name[16];
        int n = 0;
        for (int i = 0; i < 300; i++) {
            snprintf(name, sizeof name, "user%d", i);
            n += tries(t, name, sources[s], START, 1);
        }
        check(n == (sources[s] ? 100 : 300), "%d names from %s", n, sources[s] ? sources[s] : "nobody");
        check(wait_ms(t, "somebody", sources[s], START) == (sources[s] ? 600 : 0), "and then");
        throttle_free(t);
    }
}

/* A locked account stays locked while others fill the table with names of their own. */
static void test_flood(void) {
    struct throttle *t = throttle_new(sha256_compress_portable, key);
    char name[16];
    tries(t, "ann", "192.0.2.1", START, 50);
    for (int i = 0; i < 4 * THROTTLE_ENTRIES; i++) {
        snprintf(name, sizeof name, "user%d", i);
        struct address nobody = address(NULL);
        throttle_count(t, slice_of(name), &nobody, START + 1);
    }
    check(wait_ms(t, "ann", "192.0.2.1", START + 1) == 5999, "still locked");
    throttle_free(t);
}

int main(void) {
    test_account(NULL);
    test_account("192.0.2.1");
    test_account("2001:db8::1");
    test_addresses();
    test_many_names();
    test_flood();
    return test_end();
}
