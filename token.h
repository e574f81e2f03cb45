/* token.h - tokens from the shell: jwtd token issue, verify and explain. */
#ifndef TOKEN_H
#define TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "jwt.h"

struct token_config {
    const struct jwt_keys *keys;
    const char *users; /* where the accounts are */
    sha256_compress *compress;
    int64_t ttl;
    bool ttl_chosen; /* `ttl` is for this token; else it is the server's */
    double leeway;
    const char *file; /* that holds the token; NULL: it is on standard input */
};

/* Are these valid words after `jwtd token`, ending with a NULL? If not, one line says what they may be. */
bool token_words(char *const *words);

/* Does what they say. 0: done, or the token is valid; 1: not, with the reason said. */
int token_run(char *const *words, const struct token_config *config);

#endif
