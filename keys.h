/* keys.h - the file with the keys that sign and verify tokens: a key a line, the first one signs.
 *
 * It is only ever replaced whole, by rename(2), and is on the disk before it has its name. */
#ifndef KEYS_H
#define KEYS_H

#include <stdbool.h>

#include "bytes.h"
#include "hmac.h"

struct keys_file {
    const char *path;
    const char *mend;   /* what a line about a failure ends with */
    bool make;          /* where it is missing */
    bool only_loopback; /* nobody else reaches the server: a key that everybody knows is only warned of */
    sha256_compress *compress;
};

/* Reads the keys: their number, `max` at the most, or -1 with one line that says why. Empty lines behind the first are
 * none. */
int keys_load(const struct keys_file *file, struct hmac_key *key, unsigned max);

/* One key, by itself: 0, or -1 with the reason said. */
int keys_take(const struct keys_file *file, struct slice text, struct hmac_key *key);

/* Makes the file with one new key; where root makes it, it belongs to its directory's owner. 0, or -1 with the reason
 * said; a file that is there (*there) is left alone. */
int keys_make(const char *path, bool *there);

/* A new first key; those that are there stay behind it, `max` in all. 0, or -1 with the reason said. */
int keys_rotate(const char *path, unsigned max);

#endif
