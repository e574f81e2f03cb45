/* address_test.c - IP addresses, networks, and whom X-Forwarded-For says a request is from. RFC 4291, RFC 4632. */
#include "address.h"

#include <netinet/in.h>

#include "test.h"

#define S(text) ((struct slice){ text, sizeof text - 1 })

static void test_parse(void) {
    static const struct {
        const char *text, *written; /* NULL: refused */
    } rows[] = {
        { "127.0.0.1", "127.0.0.1" },
        { "0.0.0.0", "0.0.0.0" },
        { "255.255.255.255", "255.255.255.255" },
        { "::1", "0000:0000:0000:0000:0000:0000:0000:0001" },
        { "2001:DB8::a", "2001:0db8:0000:0000:0000:0000:0000:000a" },
        { "::ffff:192.0.2.1", "192.0.2.1" },
        { "", NULL },
        { "1.2.3", NULL },
        { "1.2.3.4.5", NULL },
        { "1.2.3.256", NULL },
        { " 1.2.3.4", NULL },
        { "1.2.3.4 ", NULL },
        { "1.2.3.4:80", NULL },
        { "[::1]", NULL },
        { "::1%lo", NULL },
        { "1:2:3:4:5:6:7:8:9", NULL },
        { "localhost", NULL },
        { "1.2.3.4/8", NULL },
        { "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = strlen(rows[i].text);
        char *text = guarded(rows[i].text, n), written[ADDRESS_TEXT_MAX];
        struct address a;
        int result = address_parse((struct slice){ text, n }, &a);
        check(result == (rows[i].written ? 0 : -1), "%s: %d", rows[i].text, result);
        check(!rows[i].written || strcmp(address_text(&a, written), rows[i].written) == 0, "%s is written %s",
              rows[i].text, written);
        guarded_free(text, n);
    }
    char text[ADDRESS_TEXT_MAX];
    check(strcmp(address_text(&(struct address){ .known = false }, text), "-") == 0, "nobody is -");
}

static void test_networks(void) {
    static const struct {
        const char *network, *inside, *outside; /* NULL: refused */
    } rows[] = {
        { "10.0.0.0/8", "10.255.255.255", "11.0.0.0" },
        { "192.0.2.128/25", "192.0.2.255", "192.0.2.127" },
        { "192.0.2.7", "192.0.2.7", "192.0.2.6" },
        { "192.0.2.7/32", "192.0.2.7", "192.0.2.8" },
        { "0.0.0.0/0", "203.0.113.9", "2001:db8::1" },
        { "2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1" },
        { "2001:db8::/64", "2001:db8::ffff:1", "2001:db8:0:1::" },
        { "::/0", "1.2.3.4", NULL },
        { "::1", "::1", "::2" },
        { "10.0.0.0/33", NULL, NULL },
        { "10.0.0.0/", NULL, NULL },
        { "10.0.0.0/-1", NULL, NULL },
        { "10.0.0.0/8/8", NULL, NULL },
        { "10.0.0/8", NULL, NULL },
        { "::1/129", NULL, NULL },
        { "/8", NULL, NULL },
        { "", NULL, NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct network network;
        struct address a;
        int result = network_parse(slice_of(rows[i].network), &network);
        check(result == (rows[i].inside ? 0 : -1), "\"%s\": %d", rows[i].network, result);
        if (rows[i].inside && address_parse(slice_of(rows[i].inside), &a) == 0)
            check(address_in(&a, &network), "%s is in %s", rows[i].inside, rows[i].network);
        if (rows[i].outside && address_parse(slice_of(rows[i].outside), &a) == 0)
            check(!address_in(&a, &network), "%s is not in %s", rows[i].outside, rows[i].network);
        if (result == 0) check(!address_in(&(struct address){ .known = false }, &network), "nobody is in no network");
    }
}

static void test_loopback(void) {
    static const struct {
        const char *text;
        bool loopback;
    } rows[] = {
        { "127.0.0.1", true },  { "127.255.255.255", true }, { "::1", true },      { "::ffff:127.9.9.9", true },
        { "126.0.0.1", false }, { "128.0.0.1", false },      { "::2", false },     { "::", false },
        { "10.0.0.1", false },  { "fe80::1", false },        { "7f00::1", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct address a;
        check(address_parse(slice_of(rows[i].text), &a) == 0 && address_is_loopback(&a) == rows[i].loopback, "%s",
              rows[i].text);
    }
}

static void test_client(void) {
    static const struct {
        const char *why, *peer, *forwarded, *client; /* trusted: 127.0.0.0/8 and 10.0.0.0/8 */
    } rows[] = {
        { "no proxy: the field is not believed", "192.0.2.1", "203.0.113.5", "192.0.2.1" },
        { "one proxy", "127.0.0.1", "203.0.113.5", "203.0.113.5" },
        { "IPv6", "127.0.0.1", "2001:db8::5", "2001:0db8:0000:0000:0000:0000:0000:0005" },
        { "two proxies", "127.0.0.1", "203.0.113.5, 10.0.0.2", "203.0.113.5" },
        { "what the client put in front is not believed", "127.0.0.1", "198.51.100.1, 203.0.113.5", "203.0.113.5" },
        { "nor a forged proxy there", "127.0.0.1", "10.0.0.9,203.0.113.5\t", "203.0.113.5" },
        { "only proxies", "127.0.0.1", "10.0.0.3 , 10.0.0.2", "10.0.0.3" },
        { "no field", "127.0.0.1", "", "127.0.0.1" },
        { "no address", "127.0.0.1", "unknown", "-" },
        { "an empty element", "127.0.0.1", "203.0.113.5,", "-" },
        { "a port", "127.0.0.1", "203.0.113.5:99", "-" },
        { "garbage in front of a proxy", "127.0.0.1", "garbage, 10.0.0.2", "-" },
        { "and longer than any", "127.0.0.1", "garbage-garbage-garbage-garbage-garbage-garbage-, 10.0.0.2", "-" },
    };
    struct network trusted[2];
    network_parse(S("127.0.0.0/8"), &trusted[0]);
    network_parse(S("10.0.0.0/8"), &trusted[1]);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct address peer;
        char text[ADDRESS_TEXT_MAX];
        size_t n = strlen(rows[i].forwarded);
        char *forwarded = guarded(rows[i].forwarded, n);
        address_parse(slice_of(rows[i].peer), &peer);
        struct address client = address_of_client(&peer, trusted, 2, (struct slice){ forwarded, n });
        check(strcmp(address_text(&client, text), rows[i].client) == 0, "%s: %s", rows[i].why, text);
        guarded_free(forwarded, n);
    }
    struct address nobody = { .known = false };
    check(!address_of_client(&nobody, trusted, 2, S("203.0.113.5")).known, "a unix socket's peer is no trusted proxy");
}

static void test_with_port(void) {
    char text[ADDRESS_TEXT_MAX];
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201) };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr.s6_addr = { 0x20, 1, [15] = 7 } };
    struct sockaddr un = { .sa_family = AF_UNIX };
    struct address a = address_of_socket((struct sockaddr *)&in);
    check(strcmp(address_text(&a, text), "192.0.2.1") == 0, "IPv4: %s", text);
    a = address_of_socket((struct sockaddr *)&in6);
    check(strcmp(address_text(&a, text), "2001:0000:0000:0000:0000:0000:0000:0007") == 0, "IPv6: %s", text);
    check(!address_of_socket(&un).known, "a unix socket's peer has none");
}

/* With a port: what listen_parse takes too, and what it refuses. */
static void test_sockets(void) {
    static const struct {
        const char *text;
        int port; /* -1: refused */
        const char *address;
    } rows[] = {
        { "127.0.0.1:2379", 2379, "127.0.0.1" },
        { "0.0.0.0:0", 0, "0.0.0.0" },
        { "[::1]:65535", 65535, "0000:0000:0000:0000:0000:0000:0000:0001" },
        { "", -1, "" },
        { ":", -1, "" },
        { ":1", -1, "" },
        { "127.0.0.1", -1, "" },
        { "127.0.0.1:", -1, "" },
        { "127.0.0.1:65536", -1, "" },
        { "127.0.0.1:-1", -1, "" },
        { "127.0.0.1:1 ", -1, "" },
        { "::1:80", -1, "" },
        { "[::1]", -1, "" },
        { "[::1]80", -1, "" },
        { "[127.0.0.1]:80", -1, "" },
        { "[]:80", -1, "" },
        { "localhost:80", -1, "" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sockaddr_storage name;
        char *text = guarded(rows[i].text, strlen(rows[i].text)), shown[ADDRESS_TEXT_MAX];
        int port = address_parse_socket((struct slice){ text, strlen(rows[i].text) }, &name);
        check(port == rows[i].port, "%s: port %d", rows[i].text, port);
        if (port >= 0) {
            struct address a = address_of_socket((const struct sockaddr *)&name);
            check(address_port(&name) == port && strcmp(address_text(&a, shown), rows[i].address) == 0, "%s: %s",
                  rows[i].text, shown);
        }
        guarded_free(text, strlen(rows[i].text));
    }
}

int main(void) {
    test_parse();
    test_networks();
    test_loopback();
    test_client();
    test_sockets();
    test_with_port();
    return test_end();
}
