/* access.h - a line of the access log: one answered request. */
#ifndef ACCESS_H
#define ACCESS_H

#include <stdint.h>

#include "address.h"
#include "bytes.h"

enum access_format {
    ACCESS_NONE,
    ACCESS_CLF,  /* the Common Log Format: host ident authuser [date] "request" status bytes */
    ACCESS_JSON, /* one object per line */
};

enum {
    ACCESS_TARGET_MAX = 512, /* bytes of a target that are shown, */
    ACCESS_USER_MAX = 255,   /* and of a user's name */
    ACCESS_LINE_MAX = 4096,  /* bytes of a line, with its LF: what a pipe takes in one piece (PIPE_BUF) */
};

struct access {
    const char *date; /* an IMF-fixdate */
    struct address client;
    struct slice method, target; /* the target without its query; `at` is NULL: unreadable */
    unsigned minor_version;      /* of HTTP/1 */
    struct slice user;           /* whose token or password it was; `at` is NULL: nobody's */
    int status;
    uint64_t bytes, microseconds; /* of the answer's body; that the answer took */
    uint64_t started;             /* the caller's note of when it began */
};

/* Appends the line; all or nothing (out->overflow). Whatever the request says, the result is one line whose parts can
 * be told apart: in CLF a quote, a backslash, a blank and all that is not visible ASCII are written as \xHH. */
void access_put(struct buffer *out, enum access_format format, const struct access *a);

#endif
