/* password_fuzz.c - hash strings: whatever is in them, nothing is computed beyond the cap. */
#include "password.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct password_work work = { .compress = sha256_compress_portable };
    struct password_cost cost;
    const char *why = NULL;
    char *text = copy_of(data, size);
    struct slice string = { text, size }, rest = string, method = slice_cut(&rest, '$');
    if (password_parse_cost(method, &cost, &why) != 0) {
        must(why && *why, "a reason");
        must(password_check(&work, slice_of("pw"), string, &cost) == PASSWORD_UNUSABLE, "not usable");
    } else {
        uint64_t total = (uint64_t)cost.N * cost.r * cost.p;
        must(total <= (cost.method == PASSWORD_SCRYPT ? PASSWORD_SCRYPT_COST_MAX : PASSWORD_PBKDF2_COST_MAX),
             "the cap");
        if (total <= 64) password_check(&work, slice_of("pw"), string, &cost);
    }
    free(text);
    return 0;
}
