/* keys.h - the file with the keys that sign and verify tokens: one key per line, the first one signs.
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
    bool make;          /* make it if it is missing */
    bool only_loopback; /* nobody else reaches the server: a well-known key brings only a warning */
    sha256_compress *compress;
};

/* Reads the keys: their number, at most `max`, or -1 with one line that says why. Empty lines after the first are
 * skipped. */
int keys_load(const struct keys_file *file, struct hmac_key *key, unsigned max);

/* One key, by itself: 0, or -1 with the reason said. */
int keys_take(const struct keys_file *file, struct slice text, struct hmac_key *key);

/* Makes the file with one new key; if root makes it, it belongs to its directory's owner. 0, or -1 with the reason
 * said; a file that exists (*there) is left alone. */
int keys_make(const char *path, bool *there);

/* Adds a new first key; the old ones stay after it, `max` in all. 0, or -1 with the reason said. */
int keys_rotate(const char *path, unsigned max);

#endif
