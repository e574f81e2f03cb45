/* throttle.c - the generic cell rate algorithm over a set-associative table.
 *
 * Each entry has one number: the time at which its failures are paid off, where each costs so many
 * milliseconds (ITU-T I.371 calls it the theoretical arrival time, TAT). A try is allowed if TAT, with its cost added,
 * lies no further ahead than a burst costs. An entry whose TAT has passed says nothing any more and is free; where a
 * set is full, the one that is paid off first makes room. So an attacker with many addresses can push out only what is
 * nearly forgotten: entries whose TAT lies far ahead are those that were hit most. */
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

/* The entry of `who`, or the one that would make room for it. */
static struct entry *find_entry(struct throttle *t, uint64_t who) {
    struct entry *set = t->table[who >> 32 & (SETS - 1)], *first = set;
    for (int i = 0; i < WAYS; i++) {
        if (set[i].who == who) return &set[i];
        if (set[i].TAT_ms < first->TAT_ms) first = &set[i];
    }
    return first;
}

/* How long a try has to wait, by the one or two bounds that hold for it; counts the try if it has failed. */
static uint64_t judge(struct throttle *t, struct slice name, const struct address *address, uint64_t now_ms,
                      bool failed) {
    struct address source = address_of_customer(address);
    const struct bound {
        uint64_t who, cost_ms, burst;
    } bounds[] = { { who(t, &source, name), THROTTLE_ACCOUNT_MS, THROTTLE_ACCOUNT_BURST },
                   { who(t, &source, slice_of("")), THROTTLE_ADDRESS_MS, THROTTLE_ADDRESS_BURST } };
    uint64_t wait = 0;
    pthread_mutex_lock(&t->lock);
    for (const struct bound *b = bounds; b < bounds + (source.known ? 2 : 1); b++) {
        struct entry *e = find_entry(t, b->who);
        uint64_t TAT_ms = e->who == b->who && e->TAT_ms > now_ms ? e->TAT_ms : now_ms;
        uint64_t allowed_ms = now_ms + (b->burst - 1) * b->cost_ms;
        if (TAT_ms > allowed_ms && TAT_ms - allowed_ms > wait) wait = TAT_ms - allowed_ms;
        if (failed) *e = (struct entry){ b->who, TAT_ms + b->cost_ms };
    }
    pthread_mutex_unlock(&t->lock);
    return wait;
}

uint64_t throttle_wait(struct throttle *t, struct slice name, const struct address *address, uint64_t now_ms) {
    return judge(t, name, address, now_ms, false);
}

void throttle_count(struct throttle *t, struct slice name, const struct address *address, uint64_t now_ms) {
    judge(t, name, address, now_ms, true);
}
