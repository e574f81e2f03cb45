/* password.h - passwords as Werkzeug keeps them: strings of METHOD$SALT$HEX.
 *
 *   scrypt:N:r:p          64-byte key; without parameters 32768:8:1
 *   pbkdf2:sha256:N       32-byte key; without N 600000
 *
 * SALT is used as its ASCII bytes. A cost above the two caps below is refused instead of computed: a hash string
 * must not be able to stop the server. */
#ifndef PASSWORD_H
#define PASSWORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "sha256.h"

enum {
    PASSWORD_LEN_MAX = 1024,   /* bytes of a password */
    PASSWORD_STRING_MAX = 512, /* characters of a hash string */
    PASSWORD_SALT_LEN = 16,
    PASSWORD_KEY_MAX = 64,
    PASSWORD_SCRYPT_COST_MAX = 1024 * 1024, /* N * r * p: 128 MiB and 4 times the default's time */
    PASSWORD_PBKDF2_COST_MAX = 10000000,    /* iterations */
};

enum password_method { PASSWORD_PBKDF2, PASSWORD_SCRYPT };

struct password_cost {
    enum password_method method;
    uint32_t N, r, p; /* scrypt's; for PBKDF2 N is the iteration count and r and p are 1 */
};

/* scrypt:32768:8:1 */
extern const struct password_cost password_default;

/* Reads the METHOD part. 0, or -1 and *why, in a few constant words. */
int password_parse_cost(struct slice method, struct password_cost *cost, const char **why);

/* Reads a hash string: its salt, and its key in hex. 0, or -1: malformed, or its cost is beyond the cap. */
int password_parse(struct slice string, struct password_cost *cost, struct slice *salt, struct slice *hex);

/* True where a is cheaper to guess against than b. */
bool password_weaker(const struct password_cost *a, const struct password_cost *b);

/* What a thread that hashes works with. `memory` is mapped when first needed, kept for the next hash, and given
 * back by password_release. */
struct password_work {
    sha256_compress *compress;
    void *memory;
    size_t size;
};

void password_release(struct password_work *work);

/* Maps memory as scrypt likes it, kept out of core dumps. NULL: there is none. */
void *password_memory(size_t size);

/* NULL if `secret` may become somebody's password, else what is wrong with it: " is empty". */
const char *password_fault(struct slice secret);

enum password_result {
    PASSWORD_RIGHT,
    PASSWORD_WRONG,
    PASSWORD_NO_MEMORY, /* for scrypt */
    PASSWORD_UNUSABLE,  /* the hash string is malformed, or its cost beyond the cap */
};

/* Compares a password with a hash string, in time that depends only on the string's cost and the password's
 * length. If it is right, *cost is what the string costs. */
enum password_result password_check(struct password_work *work, struct slice password, struct slice string,
                                    struct password_cost *cost);

/* Appends a new hash string of the given cost. `random` gives the salt: 32 bytes of getrandom(2). 0, or -1: no
 * memory for scrypt. */
int password_put(struct buffer *out, struct password_work *work, const struct password_cost *cost,
                 struct slice password, const uint8_t random[2 * PASSWORD_SALT_LEN]);

#endif
