/* browser_fuzz.c - cookies, forms and paths of any bytes; what is written as a path or a value reads back as it was. */
#include "browser.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char out[3 * 4096 + 16], back[4096], form[sizeof out + 2];
    struct slice input = { (const char *)data, size }, value = { "", 0 };
    if (size > sizeof back) return 0;
    unsigned times = browser_cookie(input, "jwtd", &value);
    must(times <= 2 && (times == 0 || (value.at >= input.at && value.len <= size)), "a part of the field");
    browser_form_field(input, "next", back, sizeof back, &value);
    must(value.len <= sizeof back, "within the room");
    browser_is_same_origin(input, input, input);
    struct slice referred = browser_referred(input, (struct slice){ "a", 1 });
    must(referred.at == NULL || referred.at + referred.len == input.at + input.len, "to the end");
    must(browser_next(input, referred, back, sizeof back).len <= sizeof back, "within the room");

    struct buffer f = { .at = form, .cap = sizeof form };
    put_text(&f, "x=");
    browser_put_value(&f, input);
    must(browser_form_field((struct slice){ form, f.len }, "x", back, sizeof back, &value) == NULL, "a field");
    must(slice_equal(value, input), "a value reads back as it was");

    if (!browser_is_path(input)) return 0;
    struct buffer b = { .at = out, .cap = sizeof out };
    browser_put_path(&b, input);
    must(!b.overflow && b.len > 0 && out[0] == '/' && (b.len == 1 || (out[1] != '/' && out[1] != '\\')),
         "of this host");
    for (size_t i = 0; i < b.len; i++) must(out[i] > ' ' && out[i] <= '~', "what a field may carry");
    return 0;
}
