/* constant_time.c - signs and verifies with a key that MemorySanitizer takes for uninitialized memory: a branch or an
 * address that depends on the key, or on a MAC made with it, is reported and ends the process. After ct-verif and
 * ctgrind (A. Langley, 2010). Built and run by constant_time.sh. */
#include <sanitizer/msan_interface.h>
#include <stdio.h>

#include "jwt.h"

int main(void) {
    char secret[32] = "thirty-two letters of a secret!", text[512];
    struct jwt_keys keys = { .count = 2 };
    struct jwt_claims claims;
    struct buffer token = { .at = text, .cap = sizeof text };
    __msan_poison(secret, sizeof secret);
    for (int i = 0; i < 2; i++) hmac_key_init(&keys.key[i], sha256_compress_portable, secret, sizeof secret);
    jwt_put_claims(&token, &keys.key[0], slice_of("Romel"), -1, 2000000000, 0);
    if (__msan_test_shadow(text, token.len) < 0) {
        printf("the signature does not depend on the key: nothing was tested\n");
        return 1;
    }
    __msan_unpoison(text, sizeof text); /* it is sent to the client */
    if (jwt_verify(&keys, (struct slice){ text, token.len }, 1, 0, &claims, NULL) != JWT_VALID) return 1;
    text[token.len - 2] ^= 1;
    return jwt_verify(&keys, (struct slice){ text, token.len }, 1, 0, &claims, NULL) == JWT_VALID;
}
