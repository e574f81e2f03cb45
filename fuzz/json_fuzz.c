/* json_fuzz.c - what is read as a string can be written and read again; numbers are finite. */
#include "json.h"

#include "fuzz.h"

static void check_string(struct slice raw) {
    static char text[65536], again[65536 * 6 + 2], text_again[65536];
    ssize_t len = json_string(raw, text, sizeof text);
    if (len < 0) return;
    struct buffer b = { .at = again, .cap = sizeof again };
    json_put_string(&b, (struct slice){ text, (size_t)len });
    must(!b.overflow, "an escape is six characters at the most");
    ssize_t len_again = json_string((struct slice){ b.at, b.len }, text_again, sizeof text_again);
    must(len_again == len && memcmp(text, text_again, (size_t)len) == 0, "the same string again");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct json_member m[] = { { .name = "username" }, { .name = "password" }, { .name = "exp" }, { .name = NULL } };
    char *text = copy_of(data, size);
    const char *why;
    double number;
    enum json_result result = json_object((struct slice){ text, size }, m, 4, &why);
    must(result != JSON_BAD || (why && *why), "a reason");
    for (int i = 0; result != JSON_BAD && i < 4; i++) {
        if (m[i].type == JSON_STRING) check_string(m[i].raw);
        if (m[i].type == JSON_NUMBER && json_number(m[i].raw, &number) == 0)
            must(number - number == 0, "a finite number");
    }
    free(text);
    return 0;
}
