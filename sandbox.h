/* sandbox.h - what a running server can no longer do, whoever talks it into trying. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>

/* Becomes another user for good: a name of /etc/passwd, or UID or UID:GID. 0, or -1 with the reason said. */
int sandbox_become(const char *user);

/* No new privileges, no core dumps, no tracing by others; no file but those in `directory` and to read `key_file`
 * (NULL: none); no system call but those of a serving process. Call it before the first thread starts. What the
 * kernel does not offer is said, and is a failure (-1) only where `require` is set. */
int sandbox_enter(const char *directory, const char *key_file, bool require);

/* What this binary can ask the kernel for. */
extern const char sandbox_parts[];

#endif
