/* admin.h - accounts from the shell: jwtd user add, passwd, logout, delete, list, export and import. */
#ifndef ADMIN_H
#define ADMIN_H

#include "password.h"
#include "sha256.h"

/* Carries out the words after `jwtd user`, which end with a NULL, on the accounts at `path` (a file or an etcd); new
 * passwords cost `cost`, and a token lives for `ttl` seconds. The exit status: 0 done; 1 failed, or 2 wrong usage, with
 * the reason on standard error. */
int admin_run(char *const *words, const char *path, sha256_compress *compress, const struct password_cost *cost,
              int64_t ttl);

#endif
