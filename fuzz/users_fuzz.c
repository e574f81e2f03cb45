/* users_fuzz.c - a line of the accounts' file: what is accepted can be written, and reads the same. */
#include "../users_room.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct users u = { .where = "fuzz", .compress = sha256_compress_portable };
    struct record record, again;
    char text[USERS_LINE_MAX];
    struct buffer b = { .at = text, .cap = sizeof text };
    char *line = copy_of(data, size);
    if (users_read_line(&u, (struct slice){ line, size }, &record) == NULL) {
        must(record.name_len >= 1 && record.name_len <= USERS_NAME_MAX && record.user.hash_len <= USERS_HASH_MAX,
             "within the limits");
        must(record.user.not_before >= 0 && record.user.tokens_until >= 0, "times");
        struct slice name = { record.name, record.name_len }, hash = { record.user.hash, record.user.hash_len };
        users_put_line(&b, &u, name, &record.user);
        if (!b.overflow) {
            must(users_read_line(&u, (struct slice){ b.at, b.len - 1 }, &again) == NULL, "our own line is taken");
            must(slice_equal(name, (struct slice){ again.name, again.name_len }), "the same name");
            must(slice_equal(hash, (struct slice){ again.user.hash, again.user.hash_len }), "the same hash");
            must(record.user.not_before == again.user.not_before && record.user.tokens_until == again.user.tokens_until,
                 "the same times");
        }
    }
    free(line);
    return 0;
}
