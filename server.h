/* server.h - sockets, event loops, connections, deadlines, worker threads. */
#ifndef SERVER_H
#define SERVER_H

#include <sys/socket.h>
#include <sys/un.h>

#include "api.h"

union server_address {
    struct sockaddr any;
    struct sockaddr_storage storage;
    struct sockaddr_un un;
};

struct server_config {
    const char *listen;           /* as server_parse_address takes it */
    union server_address address; /* as it gave it */
    unsigned loops, workers;
    sha256_compress *compress;
    const struct api *api;
};

struct server;

/* Reads ADDR:PORT, [IPv6]:PORT (numbers; port 0: any free one) or unix:PATH. 0 or -1. */
int server_parse_address(const char *text, union server_address *address);

/* True for 127.0.0.0/8, [::1] and unix sockets: nobody else's machine gets there. */
bool server_is_loopback(const union server_address *address);

/* Listens and serves, on threads of its own; `url` gets where, NUL-terminated. NULL where it can't, with the
 * reason on standard error. The threads inherit the caller's signal mask: block what the caller wants to wait
 * for. */
struct server *server_start(const struct server_config *config, struct buffer *url);

/* Takes no more connections, answers every request that has arrived, and ends within 10 seconds. 0, or -1:
 * something was not finished, threads still run, and the process should end. */
int server_stop(struct server *server);

#endif
