/* jwt.h - JSON Web Tokens (RFC 7519) in JWS compact serialization (RFC 7515), signed with HS256 (RFC 7518
 * section 3.2) and with nothing else. */
#ifndef JWT_H
#define JWT_H

#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "hmac.h"

enum {
    JWT_SUB_MAX = 1024,  /* bytes of a subject; a longer one is not taken */
    JWT_MAX = 32 * 1024, /* characters of a token; a longer one is not taken */
};

enum jwt_result { JWT_VALID, JWT_EXPIRED, JWT_INVALID };

struct jwt_claims {
    size_t sub_len;
    char sub[JWT_SUB_MAX]; /* UTF-8, may contain NUL */
};

/* Appends the token {"sub":sub,"exp":exp}: byte for byte what PyJWT makes of these claims and this key. sub is
 * UTF-8, exp a NumericDate and not negative. */
void jwt_put(struct buffer *out, const struct hmac_key *key, struct slice sub, int64_t exp);

/* Tells whether a token counts at the time `now`, and whose it is (`claims`, filled in only for JWT_VALID).
 * Both times in seconds; `leeway` widens the reading of exp, nbf and iat. A token is expired only if all else
 * about it is right; the claims are not looked at before the MAC has been found right. */
enum jwt_result jwt_verify(const struct hmac_key *key, struct slice token, double now, double leeway,
                           struct jwt_claims *claims);

#endif
