/* address.h - IP addresses and networks: text to bytes and back. */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "bytes.h"

/* Sixteen bytes; IPv4 is ::ffff:a.b.c.d (RFC 4291 2.5.5.2). A unix socket's peer, for example, is not known. */
struct address {
    bool known;
    uint8_t bytes[16];
};

struct network {
    struct address address;
    unsigned bits; /* of 128 */
};

enum { ADDRESS_TEXT_MAX = 46 };

/* Reads an IPv4 or IPv6 address, or ADDRESS/BITS (just ADDRESS: all of its bits). 0 or -1. */
int address_parse(struct slice text, struct address *address);
int network_parse(struct slice text, struct network *network);

/* Reads ADDRESS:PORT or [IPv6]:PORT, all numeric: the port, or -1. */
int address_parse_socket(struct slice text, struct sockaddr_storage *name);
uint16_t address_port(const struct sockaddr_storage *name);

/* Writes the address, or "-" if it is not known, with a NUL; gives `text`. */
const char *address_text(const struct address *address, char text[ADDRESS_TEXT_MAX]);

/* The address in a socket's name; of a unix socket it is not known. */
struct address address_of_socket(const struct sockaddr *name);

bool address_in(const struct address *address, const struct network *network);
bool address_in_any(const struct address *address, const struct network *networks, size_t n);
bool address_is_loopback(const struct address *address);

/* What one customer has: an IPv4 address, or all of an IPv6 /64. */
struct address address_of_customer(const struct address *address);

/* Whom the request is from: `peer`, unless that is in a network of trusted proxies; then the last address in the value
 * of X-Forwarded-For that is not itself a trusted proxy's. If that value is of no use, the client is not known. */
struct address address_of_client(const struct address *peer, const struct network *trusted, size_t n,
                                 struct slice forwarded_for);

#endif
