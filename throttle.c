/* throttle.c - the generic cell rate algorithm over a set-associative table.
 *
 * What is counted has one number: the time at which its failures would be paid off, if each costs so many
 * milliseconds (ITU-T I.371 calls it the theoretical arrival time, TAT). A try is allowed while TAT lies less than a
 * burst's cost ahead. An entry whose TAT has passed says nothing any more and is free; where a set is full, the one
 * that is paid off first makes room. An attacker with many addresses can so push out only what is nearly forgotten:
 * entries that lie far ahead are those that were hit most. */
#include "throttle.h"

#include <pthread.h>
#include <stdlib.h>

enum { WAYS = 8, SETS = THROTTLE_ENTRIES / WAYS };

struct entry {
    uint64_t who, TAT_ms;
};

struct throttle {
    sha256_compress *compress;
    uint8_t key[16];
    pthread_mutex_t lock; /* guards the table */
    struct entry table[SETS][WAYS];
};

/* A bound, and whom it is for */
struct bound {
    uint64_t who, cost_ms, ahead_ms;
};

struct throttle *throttle_new(sha256_compress *compress, const uint8_t key[16]) {
    struct throttle *t = calloc(1, sizeof *t);
    if (t == NULL) return NULL;
    t->compress = compress;
    memcpy(t->key, key, sizeof t->key);
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void throttle_free(struct throttle *t) {
    if (t) pthread_mutex_destroy(&t->lock);
    free(t);
}

/* The first eight bytes of SHA-256 over key, address and name. */
static uint64_t who(const struct throttle *t, const struct address *source, struct slice name) {
    uint8_t head[sizeof t->key + sizeof *source], digest[SHA256_DIGEST];
    memcpy(head, t->key, sizeof t->key);
    memcpy(head + sizeof t->key, source, sizeof *source);
    sha256_of(t->compress, head, sizeof head, name.at, name.len, digest);
    return (uint64_t)load_be32(digest) << 32 | load_be32(digest + 4) | 1; /* 0 is nobody */
}

/* The bounds that hold for a try: one or two. */
static int find_bounds(const struct throttle *t, struct slice name, const struct address *address,
                       struct bound bounds[2]) {
    struct address source = address_of_customer(address);
    bounds[0] = (struct bound){ who(t, &source, name), THROTTLE_ACCOUNT_MS,
                                (THROTTLE_ACCOUNT_BURST - 1) * THROTTLE_ACCOUNT_MS };
    bounds[1] = (struct bound){ who(t, &source, slice_of("")), THROTTLE_ADDRESS_MS,
                                (THROTTLE_ADDRESS_BURST - 1) * THROTTLE_ADDRESS_MS };
    return source.known ? 2 : 1;
}

/* The entry of `who`, or the one that would make room for it. */
static struct entry *find_entry(struct throttle *t, uint64_t who) {
    struct entry *set = t->table[who >> 32 & (SETS - 1)], *first = set;
    for (int i = 0; i < WAYS; i++) {
        if (set[i].who == who) return &set[i];
        if (set[i].TAT_ms < first->TAT_ms) first = &set[i];
    }
    return first;
}

uint64_t throttle_wait(struct throttle *t, struct slice name, const struct address *address, uint64_t now_ms) {
    struct bound bounds[2];
    uint64_t wait = 0;
    int n = find_bounds(t, name, address, bounds);
    pthread_mutex_lock(&t->lock);
    for (int i = 0; i < n; i++) {
        const struct entry *e = find_entry(t, bounds[i].who);
        uint64_t allowed = now_ms + bounds[i].ahead_ms;
        if (e->who == bounds[i].who && e->TAT_ms > allowed && e->TAT_ms - allowed > wait) wait = e->TAT_ms - allowed;
    }
    pthread_mutex_unlock(&t->lock);
    return wait;
}

void throttle_count(struct throttle *t, struct slice name, const struct address *address, uint64_t now_ms) {
    struct bound bounds[2];
    int n = find_bounds(t, name, address, bounds);
    pthread_mutex_lock(&t->lock);
    for (int i = 0; i < n; i++) {
        struct entry *e = find_entry(t, bounds[i].who);
        bool known = e->who == bounds[i].who && e->TAT_ms > now_ms;
        *e = (struct entry){ bounds[i].who, (known ? e->TAT_ms : now_ms) + bounds[i].cost_ms };
    }
    pthread_mutex_unlock(&t->lock);
}
