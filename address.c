/* address.c - IP addresses as sixteen bytes, IPv4 mapped into IPv6, so that there is one kind. */
#include "address.h"

#include <arpa/inet.h>

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool is_ipv4(const struct address *a) { return memcmp(a->bytes, mapped, sizeof mapped) == 0; }

int address_parse(struct slice text, struct address *address) {
    char name[ADDRESS_TEXT_MAX] = "";
    address->known = false;
    if (text.len >= sizeof name) return -1;
    memcpy(name, text.at, text.len);
    memcpy(address->bytes, mapped, sizeof mapped);
    address->known =
        inet_pton(AF_INET, name, address->bytes + 12) == 1 || inet_pton(AF_INET6, name, address->bytes) == 1;
    return address->known ? 0 : -1;
}

int network_parse(struct slice text, struct network *network) {
    struct slice bits = text, address = slice_cut(&bits, '/');
    if (address_parse(address, &network->address) != 0) return -1;
    int64_t most = is_ipv4(&network->address) ? 32 : 128, n = bits.at ? slice_decimal(bits) : most;
    network->bits = (unsigned)(n + 128 - most);
    return n >= 0 && n <= most ? 0 : -1;
}

int address_parse_socket(struct slice text, struct sockaddr_storage *name) {
    struct slice host = text;
    struct address a;
    while (host.len > 0 && host.at[host.len - 1] != ':') host.len--;
    int64_t port = slice_decimal((struct slice){ text.at + host.len, text.len - host.len });
    host.len -= host.len > 0;
    bool brackets = host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']';
    if (brackets) host = (struct slice){ host.at + 1, host.len - 2 };
    if (port < 0 || port > 65535 || address_parse(host, &a) != 0 ||
        brackets != (memchr(host.at, ':', host.len) != NULL))
        return -1;
    memset(name, 0, sizeof *name);
    if (brackets) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)name;
        *in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
        memcpy(&in6->sin6_addr, a.bytes, 16);
    } else {
        struct sockaddr_in *in = (struct sockaddr_in *)name;
        *in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
        memcpy(&in->sin_addr, a.bytes + 12, 4);
    }
    return (int)port;
}

/* The port lies at the same place in both kinds. */
uint16_t address_port(const struct sockaddr_storage *name) {
    return ntohs(((const struct sockaddr_in *)name)->sin_port);
}

const char *address_text(const struct address *address, char text[ADDRESS_TEXT_MAX]) {
    struct buffer b = { .at = text, .cap = ADDRESS_TEXT_MAX };
    const uint8_t *p = address->bytes;
    if (!address->known) return strcpy(text, "-");
    for (int i = 12; is_ipv4(address) && i < 16; i++) {
        put_number(&b, p[i]);
        put_char(&b, '.');
    }
    for (int i = 0; !is_ipv4(address) && i < 16; i += 2) {
        put_hex(&b, p + i, 2);
        put_char(&b, ':');
    }
    text[b.len - 1] = '\0'; /* in the place of the last separator */
    return text;
}

struct address address_of_socket(const struct sockaddr *name) {
    struct address a = { .known = name->sa_family == AF_INET || name->sa_family == AF_INET6 };
    memcpy(a.bytes, mapped, sizeof mapped);
    if (name->sa_family == AF_INET)
        memcpy(a.bytes + 12, &((const struct sockaddr_in *)(const void *)name)->sin_addr, 4);
    if (name->sa_family == AF_INET6) memcpy(a.bytes, &((const struct sockaddr_in6 *)(const void *)name)->sin6_addr, 16);
    return a;
}

bool address_in(const struct address *address, const struct network *network) {
    unsigned whole = network->bits / 8, rest = network->bits % 8;
    const uint8_t *a = address->bytes, *n = network->address.bytes;
    return address->known && memcmp(a, n, whole) == 0 && (rest == 0 || (a[whole] ^ n[whole]) >> (8 - rest) == 0);
}

bool address_is_loopback(const struct address *address) {
    static const struct network loopback[] = { { { true, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127 } }, 104 },
                                               { { true, { [15] = 1 } }, 128 } };
    return address_in(address, &loopback[0]) || address_in(address, &loopback[1]);
}

bool address_in_any(const struct address *address, const struct network *networks, size_t n) {
    while (n > 0)
        if (address_in(address, &networks[--n])) return true;
    return false;
}

struct address address_of_customer(const struct address *address) {
    struct address customer = { .known = address->known };
    if (address->known) memcpy(customer.bytes, address->bytes, is_ipv4(address) ? 16 : 8);
    return customer;
}

/* The last element of a comma-separated list, taken off its end, without white space. */
static struct slice cut_last(struct slice *list) {
    size_t start = list->len;
    while (start > 0 && list->at[start - 1] != ',') start--;
    struct slice last = { list->at + start, list->len - start };
    list->len = start > 0 ? start - 1 : 0;
    return slice_trim(last);
}

struct address address_of_client(const struct address *peer, const struct network *trusted, size_t n,
                                 struct slice forwarded_for) {
    struct address client = *peer;
    while (address_in_any(&client, trusted, n) && forwarded_for.len > 0)
        if (address_parse(cut_last(&forwarded_for), &client) != 0) break;
    return client;
}
