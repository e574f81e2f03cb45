/* jwt_fuzz.c - no token is valid that was not signed; a signed payload, whatever it is, does no harm. */
#include "jwt.h"

#include "base64url.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char text[2 * JWT_MAX];
    static struct jwt_keys keys = { .count = 1 };
    static struct jwt_trace trace;
    struct hmac_key *key = keys.key;
    struct jwt_claims claims;
    if (key->compress == NULL) hmac_key_init(key, sha256_fastest(0), "a key that no corpus holds a MAC of", 35);
    char *token = copy_of(data, size);
    must(jwt_verify(&keys, (struct slice){ token, size }, 1, 0, &claims, NULL) == JWT_INVALID, "nobody signed it");
    must(jwt_verify(&keys, (struct slice){ token, size }, 1, 0, &claims, &trace) == JWT_INVALID, "told or not");
    free(token);
    if (size > JWT_MAX / 2) return 0;
    struct buffer b = { .at = text, .cap = sizeof text };
    put_text(&b, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.");
    b.len += base64url_encode(data, size, b.at + b.len);
    uint8_t mac[SHA256_DIGEST];
    hmac_sha256(key, b.at, b.len, mac);
    put_char(&b, '.');
    b.len += base64url_encode(mac, sizeof mac, b.at + b.len);
    enum jwt_result result = jwt_verify(&keys, (struct slice){ b.at, b.len }, 1, 0, &claims, NULL);
    if (result == JWT_VALID) must(claims.sub_len <= JWT_SUB_MAX, "a subject that fits");
    must(jwt_verify(&keys, (struct slice){ b.at, b.len }, 1, 0, &claims, &trace) == result, "told or not");
    return 0;
}
