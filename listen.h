/* listen.h - the listening socket. */
#ifndef LISTEN_H
#define LISTEN_H

#include <sys/socket.h>
#include <sys/un.h>

#include "bytes.h"

enum { LISTEN_BACKLOG = 4096 };

union listen_address {
    struct sockaddr any;
    struct sockaddr_storage storage;
    struct sockaddr_un un;
};

/* Reads ADDR:PORT, [IPv6]:PORT (numbers; port 0: any free one) or unix:PATH. 0 or -1. */
int listen_parse(const char *text, union listen_address *address);

/* True for 127.0.0.0/8, [::1] and unix sockets: no other machine gets there. */
bool listen_is_loopback(const union listen_address *address);

/* Listens, without blocking; `url` says where, NUL-terminated. The descriptor, or -1 with the reason said. */
int listen_open(const char *text, const union listen_address *address, struct buffer *url);

/* True where the service manager has opened a socket for this process (sd_listen_fds(3)). */
bool listen_is_given(void);

/* Takes that socket, which must be the only one; `address` and `url` get where it listens. The descriptor, or -1 with
 * the reason said. It stays the manager's: do not call listen_close for it. */
int listen_take(union listen_address *address, struct buffer *url);

/* Removes the file of a unix socket. */
void listen_close(const union listen_address *address);

#endif
