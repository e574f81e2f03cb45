/* etcd.h - calls to the members of an etcd cluster, over the JSON that they speak besides gRPC
 * (https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/): HTTP/1.0 with one connection per call, so that an answer
 * of any size ends with its connection, and no log-in meets an old connection that is dead.
 *
 * Any number of threads may call. There is no TLS. */
#ifndef ETCD_H
#define ETCD_H

#include <sys/types.h>

#include "metrics.h"

enum {
    ETCD_ENDPOINTS_MAX = 9,
    ETCD_ANSWER_MIN = 2048,  /* bytes of room for an answer: its fields, and an error */
    ETCD_DECODED_MAX = 4096, /* bytes of a key or value */
};

enum etcd_result {
    ETCD_OK,
    ETCD_REFUSED,     /* by a member: the call is wrong, not allowed, or there is no room */
    ETCD_UNAVAILABLE, /* no member has answered in time */
    ETCD_RESULTS
};

struct etcd;

/* The cluster of "etcd://ADDRESS:PORT,ADDRESS:PORT.../PREFIX", all numeric; *prefix is what follows the slash, or
 * "jwtd". It contains no slash, since the keys of PREFIX/u would be among those of PREFIX. Nothing is asked yet. NULL
 * on failure, with the reason said. `where`, `user` and `password` must last; without a user there is no log-in. */
struct etcd *etcd_open(const char *where, const char *user, const char *password, struct slice *prefix);
void etcd_close(struct etcd *e);

/* The TCP ports of its members; gives their number. */
size_t etcd_ports(const struct etcd *e, uint16_t ports[ETCD_ENDPOINTS_MAX]);

/* ETCD_CALL asks one member after the other, each for half a second, or up to two if all are silent, for six seconds in
 * all; if none has answered, later calls give up at once until some member answers. ETCD_PROBE, once a second, is what
 * finds that out: it asks for one second in any case, and only one thread at a time may do it. ETCD_LONG is an
 * ETCD_CALL for much data: it gives each member five seconds, takes fifteen in all, and never makes later calls give
 * up. ETCD_ONCE, for what can be left out, waits for three seconds in all, and does not make them give up either. */
enum etcd_patience { ETCD_CALL, ETCD_PROBE, ETCD_LONG, ETCD_ONCE };

/* Posts `request` to /v3/PATH and, once that has gone unanswered, `again` from then on. The request must be one that
 * may arrive twice: if no answer comes, nobody knows whether it was carried out. `body` gets the answer's body, a
 * well-formed JSON object in the caller's `answer`. What goes wrong is said on standard error. */
enum etcd_result etcd_call(struct etcd *e, const char *path, struct slice request, struct slice again,
                           struct buffer *answer, struct slice *body, enum etcd_patience patience);

const struct metrics_calls *etcd_counts(const struct etcd *e);

/* Keys and values are base64 in JSON (RFC 4648 section 4). etcd_put_bytes appends them, quoted; etcd_get_bytes
 * gives how many bytes a JSON_STRING's raw slice decodes to, or -1: it is not base64, or has more than ETCD_DECODED_MAX
 * of them. */
void etcd_put_bytes(struct buffer *b, struct slice bytes);
ssize_t etcd_get_bytes(struct slice raw, char out[ETCD_DECODED_MAX]);

#endif
