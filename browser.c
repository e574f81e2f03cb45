/* browser.c - cookies, forms, origins and paths, as browsers write and read them.
 *
 * Refuses what could be read in two ways: a cookie or a field that is given twice, a malformed escape, and a path
 * that some browser takes for another host ("//host", "/\host", "/<TAB>/host"). */
#include "browser.h"

unsigned browser_cookie(struct slice field, const char *name, struct slice *value) {
    unsigned times = 0;
    while (field.at != NULL && times < 2) { /* RFC 6265 4.2.1: NAME=VALUE; NAME=VALUE */
        struct slice one = slice_cut(&field, ';'), key = slice_cut(&one, '=');
        if (one.at == NULL || !slice_is(slice_trim(key), name)) continue;
        if (times++ == 0) *value = slice_trim(one);
    }
    return times;
}

/* ---- forms ------------------------------------------------------------ */

static const char missing[] = " is missing";

/* NULL, or what is wrong, and *value empty. */
static const char *decode(struct slice s, char plus, char *out, size_t cap, struct slice *value) {
    size_t n = 0;
    *value = (struct slice){ out, 0 };
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i] == '+' ? plus : s.at[i];
        if (c == '%') {
            int high = s.len - i > 2 ? hex_digit(s.at[i + 1]) : -1, low = high < 0 ? -1 : hex_digit(s.at[i + 2]);
            if (low < 0) return " is malformed";
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (n == cap) return " is too long";
        out[n++] = c;
    }
    value->len = n;
    return NULL;
}

const char *browser_form_field(struct slice form, const char *name, char *out, size_t cap, struct slice *value) {
    const char *fault = missing;
    *value = (struct slice){ out, 0 };
    while (form.at != NULL) {
        char room[16];
        struct slice key, one = slice_cut(&form, '&');
        if (decode(slice_cut(&one, '='), ' ', room, sizeof room, &key) || !slice_is(key, name)) continue;
        if (fault == NULL) return " is given twice";
        fault = decode(one, ' ', out, cap, value);
        if (fault) return fault;
    }
    return fault;
}

/* ---- where from, where to --------------------------------------------- */

/* Fetch Metadata is the browser's own word. Older browsers, and all of them over plain HTTP, send only Origin; behind
 * a proxy that ends TLS, the scheme in Origin says nothing. */
bool browser_is_same_origin(struct slice fetch_site, struct slice origin, struct slice host) {
    if (fetch_site.len > 0) return slice_is(fetch_site, "same-origin");
    struct slice authority = origin, scheme = slice_cut(&authority, ':');
    if (!slice_is(scheme, "https") && !slice_is(scheme, "http")) return false;
    return host.len > 0 && authority.len == host.len + 2 && memcmp(authority.at, "//", 2) == 0 &&
           memcmp(authority.at + 2, host.at, host.len) == 0;
}

static const struct slice none = { NULL, 0 };

/* All that follows next= belongs to it, escaped or not. nginx and Caddy can not escape it: what begins with a slash is
 * the path as it was asked for, with escapes of its own; whoever escapes it escapes that slash, too. The page
 * (index.html) reads its query in the same way. */
struct slice browser_referred(struct slice referer, struct slice host) {
    struct slice query = referer;
    for (int slashes = 0; slashes < 3; slashes++) slice_cut(&query, '/');
    if (query.at == NULL) return none;
    struct slice origin = { referer.at, (size_t)(query.at - 1 - referer.at) };
    if (!browser_is_same_origin(none, origin, host)) return none;
    slice_cut(&query, '?');
    for (; query.at != NULL; slice_cut(&query, '&'))
        if (query.len >= 5 && memcmp(query.at, "next=", 5) == 0) return (struct slice){ query.at + 5, query.len - 5 };
    return none;
}

struct slice browser_next(struct slice form, struct slice referred, char *out, size_t cap) {
    struct slice next;
    const char *fault = browser_form_field(form, "next", out, cap, &next);
    if (fault != missing) return fault ? none : next;
    if (referred.len > 0 && referred.at[0] == '/') return referred.len <= cap ? referred : none;
    if (referred.at != NULL) decode(referred, '+', out, cap, &next); /* a path, in which + is a plus */
    return next;
}

bool browser_is_path(struct slice s) {
    if (s.len == 0 || s.at[0] != '/' || (s.len > 1 && s.at[1] == '/')) return false;
    for (size_t i = 0; i < s.len; i++) /* WHATWG URL 4.4: a backslash is a slash, TAB and line ends are dropped */
        if ((uint8_t)s.at[i] < ' ' || s.at[i] == 0x7f || s.at[i] == '\\') return false;
    return true;
}

static void put_one(struct buffer *out, char c, bool as_it_is) {
    static const char digits[] = "0123456789ABCDEF";
    const char escape[] = { '%', digits[(uint8_t)c >> 4], digits[c & 15] };
    put_bytes(out, as_it_is ? &c : escape, as_it_is ? 1 : sizeof escape);
}

void browser_put_path(struct buffer *out, struct slice path) {
    for (size_t i = 0; i < path.len; i++) {
        char c = path.at[i];
        put_one(out, c, c > ' ' && c <= '~' && !strchr("\"<>", c));
    }
}

void browser_put_value(struct buffer *out, struct slice value) {
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i], small = c | 32;
        put_one(out, c, (c >= '0' && c <= '9') || (small >= 'a' && small <= 'z') || (c != '\0' && strchr("-._~", c)));
    }
}
