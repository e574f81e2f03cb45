/* jwt.h - JSON Web Tokens (RFC 7519) in JWS compact serialization (RFC 7515), signed with HS256 (RFC 7518
 * section 3.2) and with nothing else. */
#ifndef JWT_H
#define JWT_H

#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "hmac.h"

enum {
    JWT_SUB_MAX = 1024,  /* bytes of a subject; a longer one is rejected */
    JWT_MAX = 32 * 1024, /* characters of a token; a longer one is rejected */
    JWT_KEYS_MAX = 16,
};

/* The first one signs, all of them verify. As secret as each of them: wipe it with explicit_bzero. */
struct jwt_keys {
    unsigned count;
    struct hmac_key key[JWT_KEYS_MAX];
};

enum jwt_result { JWT_VALID, JWT_EXPIRED, JWT_INVALID };

struct jwt_claims {
    int64_t after; /* 0: the token does not say */
    double iat;    /* the same */
    size_t sub_len;
    char sub[JWT_SUB_MAX]; /* UTF-8, may contain NUL */
};

/* What is checked, in the order in which people read it; the signature is really checked first. */
enum jwt_check {
    JWT_SIZE,
    JWT_SEGMENTS,
    JWT_HEADER_TEXT, /* base64url */
    JWT_PAYLOAD_TEXT,
    JWT_SIGNATURE_TEXT,
    JWT_HEADER, /* a JSON object */
    JWT_HEADER_NAMES,
    JWT_ALG,
    JWT_CRIT,
    JWT_MAC,
    JWT_PAYLOAD,
    JWT_PAYLOAD_NAMES,
    JWT_SUB,
    JWT_EXP,
    JWT_NBF,
    JWT_IAT,
    JWT_AUD,
    JWT_ALIVE, /* exp lies ahead */
    JWT_CHECKS
};

/* What a verification saw. If a check fails it goes on, to report the others too; nothing that they see is believed. */
struct jwt_trace {
    struct jwt_step {
        bool made;         /* false: there was nothing to look at */
        const char *fault; /* NULL: right */
        const char *at;    /* of the fault, in the token, the header or the payload; NULL: all of it */
        struct slice saw;  /* the characters or the JSON text that it is about; no `at`: it is missing */
    } step[JWT_CHECKS];
    unsigned key; /* the MAC is right with this one */
    char header[JWT_MAX], payload[JWT_MAX];
};

/* Appends the token {"sub":sub,"exp":exp}: byte for byte what PyJWT makes of these claims and this key. sub is
 * UTF-8, exp a NumericDate and not negative. If iat is not negative, "iat":iat follows sub, for a life that is not the
 * usual one; and if `after` is not 0, a claim of our own (RFC 7519 4.3), "after":after, says when the subject's earlier
 * tokens were revoked. */
void jwt_put_claims(struct buffer *out, const struct hmac_key *key, struct slice sub, int64_t iat, int64_t exp,
                    int64_t after);

/* Tells whether a token is valid at the time `now`, and whose it is (`claims`, filled in only for JWT_VALID).
 * Both times in seconds; `leeway` widens the reading of exp, nbf and iat. A token is expired only if all else
 * about it is right; the claims are not looked at before the MAC has been found right. `trace`, if it is not NULL,
 * is told of every check; the result is the same. */
enum jwt_result jwt_verify(const struct jwt_keys *keys, struct slice token, double now, double leeway,
                           struct jwt_claims *claims, struct jwt_trace *trace);

#endif
