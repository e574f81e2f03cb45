/* base64url_fuzz.c - one text for each string of bytes: what decodes encodes to the same text again. */
#include "base64url.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = copy_of(data, size), *bytes = malloc(base64url_decoded_max(size) + 1), *again = malloc(size + 4);
    if (bytes == NULL || again == NULL) exit(0);
    ssize_t n = base64url_decode(text, size, bytes);
    must(n <= (ssize_t)base64url_decoded_max(size), "no more bytes than said");
    if (n >= 0) {
        must(base64url_encoded_len((size_t)n) == size, "the length it came from");
        must(base64url_encode(bytes, (size_t)n, again) == size && memcmp(again, text, size) == 0,
             "the same text again");
    }
    free(text);
    free(bytes);
    free(again);
    return 0;
}
