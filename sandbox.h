/* sandbox.h - what a running server can no longer do, whoever talks it into trying. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* Becomes another user for good: a name of /etc/passwd, or UID or UID:GID. 0, or -1 with the reason said.
 * Call it before the first thread starts. */
int sandbox_become(const char *user);

struct sandbox_path {
    const char *path; /* a directory and all in it, or a file */
    enum { SANDBOX_READ, SANDBOX_READ_WRITE, SANDBOX_REMOVE } right;
};

/* No new privileges, no core dumps, no tracing by others; no file but what `paths` allow; no system call but those of
 * a serving process. Call it before the first thread starts. What the kernel does not offer is said, and is a failure
 * (-1) only where `require` is set. */
int sandbox_enter(const struct sandbox_path *paths, size_t n, bool require);

/* What this binary can ask the kernel for. */
extern const char sandbox_parts[];

#endif
