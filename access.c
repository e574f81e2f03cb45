/* access.c - lines of the access log, in the Common Log Format or as JSON. */
#include "access.h"

#include "json.h"

/* As nginx does it: programs that read logs look for the next quote. */
static void put_escaped(struct buffer *out, struct slice s) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.at[i];
        if (c > ' ' && c <= '~' && c != '"' && c != '\\') {
            put_char(out, (char)c);
        } else {
            put_text(out, "\\x");
            put_char(out, digits[c >> 4]);
            put_char(out, digits[c & 15]);
        }
    }
}

static struct slice cut(struct slice s, size_t max) { return (struct slice){ s.at, s.len < max ? s.len : max }; }

/* A user whose name is "-" is not nobody, and one with an empty name is somebody too. */
static void put_user(struct buffer *out, struct slice user) {
    if (user.at == NULL)
        put_char(out, '-');
    else if (user.len == 0)
        put_text(out, "\"\"");
    else if (slice_is(user, "-"))
        put_text(out, "\\x2D");
    else
        put_escaped(out, cut(user, ACCESS_USER_MAX));
}

/* The part of an IMF-fixdate, Tue, 24 Nov 2026 14:17:47 GMT, that begins at `from`, with `before` in front. */
static void put_part(struct buffer *out, const char *before, const char *date, size_t from, size_t len) {
    put_text(out, before);
    put_bytes(out, date + from, len);
}

static void put_clf(struct buffer *out, const struct access *a) {
    char address[ADDRESS_TEXT_MAX];
    put_texts(out, address_text(&a->client, address), " - ", NULL);
    put_user(out, a->user);
    put_part(out, " [", a->date, 5, 2);
    put_part(out, "/", a->date, 8, 3);
    put_part(out, "/", a->date, 12, 4);
    put_part(out, ":", a->date, 17, 8);
    put_text(out, " +0000] \"");
    if (a->method.at) {
        put_escaped(out, a->method);
        put_char(out, ' ');
        put_escaped(out, cut(a->target, ACCESS_TARGET_MAX));
        put_text(out, " HTTP/1.");
        put_number(out, a->minor_version);
    } else {
        put_char(out, '-');
    }
    put_text(out, "\" ");
    put_number(out, (uint64_t)a->status);
    put_char(out, ' ');
    if (a->bytes > 0)
        put_number(out, a->bytes);
    else
        put_char(out, '-');
}

/* 2026-11-24T14:17:47Z (RFC 3339) */
static void put_time(struct buffer *out, const char *date) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    unsigned month = 0;
    while (month < 11 && memcmp(months + 3 * month, date + 8, 3) != 0) month++;
    put_part(out, "", date, 12, 4);
    put_text(out, month < 9 ? "-0" : "-");
    put_number(out, month + 1);
    put_part(out, "-", date, 5, 2);
    put_part(out, "T", date, 17, 8);
    put_char(out, 'Z');
}

static void put_member(struct buffer *out, const char *name, struct slice value) {
    put_text(out, name);
    if (value.at)
        json_put_string(out, value);
    else
        put_text(out, "null");
}

static void put_json(struct buffer *out, const struct access *a) {
    char address[ADDRESS_TEXT_MAX];
    uint64_t fraction = a->microseconds % 1000000;
    put_text(out, "{\"time\":\"");
    put_time(out, a->date);
    put_member(out, "\",\"address\":",
               a->client.known ? slice_of(address_text(&a->client, address)) : (struct slice){ NULL, 0 });
    put_member(out, ",\"method\":", a->method);
    put_member(out, ",\"target\":", cut(a->target, ACCESS_TARGET_MAX));
    put_text(out, ",\"status\":");
    put_number(out, (uint64_t)a->status);
    put_text(out, ",\"bytes\":");
    put_number(out, a->bytes);
    put_text(out, ",\"seconds\":");
    put_number(out, a->microseconds / 1000000);
    put_char(out, '.');
    for (uint64_t digit = 100000; digit > 0; digit /= 10) put_char(out, (char)('0' + fraction / digit % 10));
    put_member(out, ",\"user\":", cut(a->user, ACCESS_USER_MAX));
    put_char(out, '}');
}

void access_put(struct buffer *out, enum access_format format, const struct access *a) {
    size_t start = out->len;
    if (format == ACCESS_CLF)
        put_clf(out, a);
    else
        put_json(out, a);
    put_char(out, '\n');
    if (out->overflow) out->len = start;
}
