/* browser.c - cookies, forms, origins and paths, as browsers write and read them.
 *
 * Refuses what could be read in two ways: a cookie or a field that is there twice, an escape that is none, and a path
 * that some browser takes for another host ("//host", "/\host", "/<TAB>/host"). */
#include "browser.h"

#include <sys/types.h>

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

enum { TOO_LONG = -1, MALFORMED = -2 };

static const char missing[] = " is missing";

/* The number of bytes, or what is wrong. */
static ssize_t decode(struct slice s, char plus, char *out, size_t cap) {
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i] == '+' ? plus : s.at[i];
        if (c == '%') {
            int high = s.len - i > 2 ? hex_digit(s.at[i + 1]) : -1, low = high < 0 ? -1 : hex_digit(s.at[i + 2]);
            if (low < 0) return MALFORMED;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (n == cap) return TOO_LONG;
        out[n++] = c;
    }
    return (ssize_t)n;
}

const char *browser_form_field(struct slice form, const char *name, char *out, size_t cap, struct slice *value) {
    const char *fault = missing;
    *value = (struct slice){ out, 0 };
    while (form.at != NULL) {
        char key[16];
        struct slice one = slice_cut(&form, '&');
        ssize_t len = decode(slice_cut(&one, '='), ' ', key, sizeof key);
        if (len < 0 || !slice_is((struct slice){ key, (size_t)len }, name)) continue;
        if (fault == NULL) return " is given twice";
        len = one.at ? decode(one, ' ', out, cap) : 0;
        if (len < 0) return len == TOO_LONG ? " is too long" : " is malformed";
        value->len = (size_t)len;
        fault = NULL;
    }
    return fault;
}

/* ---- where from, where to --------------------------------------------- */

/* Fetch Metadata is the browser's own word. Older browsers, and all of them over plain HTTP, send only Origin; behind
 * a proxy that ends TLS its scheme says nothing. */
bool browser_is_same_origin(struct slice fetch_site, struct slice origin, struct slice host) {
    if (fetch_site.len > 0) return slice_is(fetch_site, "same-origin");
    struct slice authority = origin, scheme = slice_cut(&authority, ':');
    if (!slice_is(scheme, "https") && !slice_is(scheme, "http")) return false;
    return host.len > 0 && authority.len == host.len + 2 && memcmp(authority.at, "//", 2) == 0 &&
           memcmp(authority.at + 2, host.at, host.len) == 0;
}

static const struct slice none = { NULL, 0 };

/* What is unescaped behind next= is of it: the page (index.html) reads its query so too. */
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
    if (fault == missing && referred.at != NULL) { /* a path, in which + is one */
        ssize_t len = decode(referred, '+', out, cap);
        next.len = len < 0 ? 0 : (size_t)len;
    }
    return fault == NULL || fault == missing ? next : none;
}

bool browser_is_path(struct slice s) {
    if (s.len == 0 || s.at[0] != '/' || (s.len > 1 && s.at[1] == '/')) return false;
    for (size_t i = 0; i < s.len; i++) /* WHATWG URL 4.4: a backslash is a slash, TAB and line ends are nothing */
        if ((uint8_t)s.at[i] < ' ' || s.at[i] == 0x7f || s.at[i] == '\\') return false;
    return true;
}

static void put_escaped(struct buffer *out, char c) {
    put_char(out, '%');
    put_char(out, "0123456789ABCDEF"[(uint8_t)c >> 4]);
    put_char(out, "0123456789ABCDEF"[c & 15]);
}

void browser_put_path(struct buffer *out, struct slice path) {
    for (size_t i = 0; i < path.len; i++)
        if (path.at[i] <= ' ' || path.at[i] > '~' || strchr("\"<>", path.at[i]))
            put_escaped(out, path.at[i]);
        else
            put_char(out, path.at[i]);
}

void browser_put_value(struct buffer *out, struct slice value) {
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];
        if ((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || (c != '\0' && strchr("-._~", c)))
            put_char(out, c);
        else
            put_escaped(out, c);
    }
}
