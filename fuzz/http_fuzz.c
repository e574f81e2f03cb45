/* http_fuzz.c - a request parsed whole and in two pieces must come out the same; the first byte says where it is cut. */
#include "http.h"

#include "fuzz.h"

static enum http_result parse(struct http_request *r, char *buf, const uint8_t *data, size_t size, size_t cut) {
    size_t len = cut;
    memset(r, 0, sizeof *r);
    memcpy(buf, data, cut);
    enum http_result result = http_parse(r, buf, &len);
    if (result != HTTP_MORE || cut == size) return result;
    memcpy(buf + len, data + cut, size - cut);
    len += size - cut;
    return http_parse(r, buf, &len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char buf_a[HTTP_REQUEST_MAX], buf_b[HTTP_REQUEST_MAX];
    struct http_request a, b;
    if (size < 2 || size > sizeof buf_a) return 0;
    size_t cut = data[0] * (size - 1) / 255;
    data++, size--;
    enum http_result whole = parse(&a, buf_a, data, size, size), halves = parse(&b, buf_b, data, size, cut);
    must(whole == halves, "the same result");
    if (whole == HTTP_REFUSED) must(a.status == b.status && a.reason != NULL, "the same status, and a reason");
    if (whole != HTTP_DONE) return 0;
    must(slice_equal(http_slice(buf_a, a.body), http_slice(buf_b, b.body)), "the same body");
    must(slice_equal(http_slice(buf_a, a.path), http_slice(buf_b, b.path)), "the same path");
    must(slice_equal(http_slice(buf_a, a.authorization), http_slice(buf_b, b.authorization)), "the same Authorization");
    must(a.method == b.method && a.keep_alive == b.keep_alive && a.consumed <= size, "the same request");
    must(a.body.len <= HTTP_BODY_MAX && a.path.len > 0, "within the limits");
    return 0;
}
