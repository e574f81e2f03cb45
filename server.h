/* server.h - event loops, connections, deadlines, worker threads. */
#ifndef SERVER_H
#define SERVER_H

#include "access.h"
#include "api.h"

struct server_config {
    int listener; /* non-blocking; the server closes it */
    unsigned loops, workers;
    sha256_compress *compress;
    const struct api *api;         /* its counts: for as many threads as there are loops and workers */
    struct api_copy *copies;       /* of the keys, one for each loop and then one for each worker */
    const struct network *trusted; /* proxies whose X-Forwarded-For is believed */
    size_t trusted_count;
    const struct slice *origins; /* whose scripts may read the answers: as a browser writes them, or "*" */
    size_t origins_count;
    int64_t address_limit;   /* connections that an address may hold; 0: any number */
    enum access_format log;  /* of every answered request, to */
    int log_fd;              /* this descriptor */
    uint8_t address_key[16]; /* random, so that nobody can choose addresses that are counted as another's */
};

struct server;

/* Serves, on threads of its own, which inherit the caller's signal mask: block the signals that the caller wants to
 * wait for. NULL if it can't, with the reason said. */
struct server *server_start(const struct server_config *config);

/* Takes no more connections, answers every request that has arrived, and ends within 10 seconds. 0, or -1:
 * something was not finished, threads still run, and the process should end. */
int server_stop(struct server *server);

#endif
