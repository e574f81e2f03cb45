/* throttle.h - how often a log-in may fail: a bound for each account and address, and a wider one for each address.
 *
 * Only failures count. The table has a fixed size and forgets by itself; a call may be made from any thread. */
#ifndef THROTTLE_H
#define THROTTLE_H

#include "address.h"
#include "bytes.h"
#include "sha256.h"

enum {
    THROTTLE_ENTRIES = 65536, /* of 16 bytes */
    /* for one account from one address: this many at once, then one in this many milliseconds */
    THROTTLE_ACCOUNT_BURST = 10,
    THROTTLE_ACCOUNT_MS = 6000,
    /* for one address (of IPv6 the first 64 bits), whatever the account */
    THROTTLE_ADDRESS_BURST = 100,
    THROTTLE_ADDRESS_MS = 600,
};

struct throttle;

/* `key` is random, so that nobody can choose names that share an entry. NULL: no memory. */
struct throttle *throttle_new(sha256_compress *compress, const uint8_t key[16]);
void throttle_free(struct throttle *t);

/* Milliseconds until another try is allowed; 0: now. `now_ms` never goes back (CLOCK_MONOTONIC). An address that is
 * not known has no bound of its own; the account's then holds for all of these together. */
uint64_t throttle_wait(struct throttle *t, struct slice name, const struct address *address, uint64_t now_ms);

/* Counts a failed try. */
void throttle_count(struct throttle *t, struct slice name, const struct address *address, uint64_t now_ms);

#endif
