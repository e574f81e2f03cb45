/* sandbox.h - what a running server can no longer do, whoever talks it into trying. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Becomes another user for good: a name in /etc/passwd, or UID or UID:GID. 0, or -1 with the reason said.
 * Call it before the first thread starts. */
int sandbox_become(const char *user);

struct sandbox_grant {
    enum { SANDBOX_READ, SANDBOX_READ_WRITE, SANDBOX_REMOVE, SANDBOX_CONNECT } right;
    const char *path; /* a directory and all in it, or a file */
    uint16_t port;    /* of TCP, for SANDBOX_CONNECT, to any address */
};

/* No new privileges, no core dumps, no tracing by others; no file but what is granted; no new socket unless connecting
 * is granted; no system call but those of a serving process. Call it before the first thread starts. What the kernel
 * does not offer is said, and is a failure (-1) only if `require` is set. */
int sandbox_enter(const struct sandbox_grant *grants, size_t n, bool require);

/* What this binary can ask the kernel for. */
extern const char sandbox_parts[];

#endif
