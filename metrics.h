/* metrics.h - what is counted, by each thread for itself, and the text that Prometheus reads (its exposition format,
 * version 0.0.4).
 *
 * A struct metrics is written by one thread only, so that counting is a load and a store: nothing is locked, and no
 * other thread writes to that cache line. A reader adds up what all threads have; it may be a moment old. A counter
 * has the bits of a long. If these are 32, it starts again at 0 after 4,294,967,295, and so does the sum of all:
 * Prometheus takes that for a restart, and goes on. */
#ifndef METRICS_H
#define METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "bytes.h"

enum {
    METRICS_ROUTES = 12,          /* the first one: all that is not a route */
    METRICS_STATUSES = 20,        /* the last one: 500 */
    METRICS_PATH_MAX = 24,        /* characters of a route's path */
    METRICS_HASH_BUCKETS = 14,    /* the last one: any time */
    METRICS_CALLS = 3,            /* outcomes of a call to etcd */
    METRICS_TEXT_MAX = 26 * 1024, /* whatever the counts */
};

/* What a struct metrics has a number of. */
enum metrics_number {
    METRICS_TOKEN_VALID,
    METRICS_TOKEN_EXPIRED,
    METRICS_TOKEN_INVALID,
    METRICS_TOKEN_MISSING,
    METRICS_LOGIN_OK,
    METRICS_LOGIN_WRONG_PASSWORD,
    METRICS_LOGIN_UNKNOWN_USER,
    METRICS_LOGIN_THROTTLED,
    METRICS_LOGIN_UNUSABLE_HASH,
    METRICS_LOGIN_UNAVAILABLE,
    METRICS_LOG_DROPPED,                                      /* lines of the access log */
    METRICS_CONNECTIONS,                                      /* open now */
    METRICS_QUEUED,                                           /* requests given to the workers */
    METRICS_DEQUEUED,                                         /* and taken by one */
    METRICS_QUEUE_CAPACITY,                                   /* what a worker adds to the queue's capacity */
    METRICS_HASH_MS,                                          /* milliseconds of hashing */
    METRICS_HASHES,                                           /* a bucket each */
    METRICS_REQUESTS = METRICS_HASHES + METRICS_HASH_BUCKETS, /* METRICS_STATUSES for each route */
    METRICS_NUMBERS = METRICS_REQUESTS + METRICS_ROUTES * METRICS_STATUSES,
};

struct metrics {
    atomic_ulong at[METRICS_NUMBERS];
    uint32_t hash_rest; /* nanoseconds of hashing, not a whole millisecond yet; for its thread only */
    char apart[64];     /* a cache line between this one and the next */
};

static inline void metrics_add(struct metrics *m, unsigned number, unsigned long n) {
    unsigned long before = atomic_load_explicit(&m->at[number], memory_order_relaxed);
    atomic_store_explicit(&m->at[number], before + n, memory_order_relaxed);
}

static inline void metrics_set(struct metrics *m, unsigned number, unsigned long n) {
    atomic_store_explicit(&m->at[number], n, memory_order_relaxed);
}

/* Counts an answer; `route` is less than METRICS_ROUTES. A status that is not known here counts as 500. */
void metrics_request(struct metrics *m, unsigned route, int status);

/* Counts a hash that took this long. */
void metrics_hash(struct metrics *m, uint64_t nanoseconds);

/* What is told besides the counts. */
struct metrics_facts {
    const char *const *paths; /* of the routes, from 1 on */
    unsigned routes;          /* how many there are with the first one, at most METRICS_ROUTES */
    const char *version, *libc;
    uint64_t started; /* seconds since 1970 */
    uint64_t accounts;
    const struct metrics_calls {
        atomic_ulong calls[METRICS_CALLS], retries, milliseconds; /* calls by enum etcd_result */
    } * etcd;                                                     /* NULL: there is no etcd */
};

/* Appends the text: at most METRICS_TEXT_MAX bytes, if no path is longer than METRICS_PATH_MAX and version and libc
 * together have at most 64 characters. */
void metrics_put(struct buffer *out, const struct metrics *threads, size_t n, const struct metrics_facts *facts);

#endif
