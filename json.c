/* json.c - a strict reader and a writer of JSON strings (RFC 8259).
 *
 * The reader is one recursive descent, bounded by JSON_DEPTH, over a cursor that never passes the end of the
 * text. It refuses what the grammar refuses: trailing commas, comments, leading zeros, NaN, raw control
 * characters, bytes that are not UTF-8, anything after the value; and what the grammar allows but nobody can
 * agree on (section 8.2): a surrogate without its other half. */
#include "json.h"

#include <float.h>

struct cursor {
    const char *p, *end;
    unsigned depth;
    bool escaped; /* an escape has been read */
    const char *why;
};

static int fail(struct cursor *c, const char *why) {
    c->why = why;
    return -1;
}

static bool next_is(struct cursor *c, char wanted) {
    if (c->p == c->end || *c->p != wanted) return false;
    c->p++;
    return true;
}

static void skip_space(struct cursor *c) {
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\n' || *c->p == '\r' || *c->p == '\t')) c->p++;
}

/* At the first character of a text that is not white space. */
static struct cursor start(struct slice text) {
    if (text.at == NULL) text.at = ""; /* to NULL nothing may be added */
    struct cursor c = { .p = text.at, .end = text.at + text.len, .depth = 1 };
    skip_space(&c);
    return c;
}

/* ---- strings ---------------------------------------------------------- */

/* One character of UTF-8 (RFC 3629 section 4) at *p: its code point, *p moved past it, or -1 and *p unmoved. */
static int32_t utf8_next(const char **p, const char *end) {
    const uint8_t *s = (const uint8_t *)*p;
    size_t left = (size_t)(end - *p);
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    if (n == 0 || n > left) return -1;
    int32_t code = n == 1 ? s[0] : s[0] & (0x7f >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) return -1;
        code = code << 6 | (s[i] & 0x3f);
    }
    bool overlong = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000);
    if (overlong || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) return -1;
    *p += n;
    return code;
}

bool json_is_utf8(struct slice s) {
    const char *p = s.at, *end = s.at + s.len;
    while (p < end)
        if (utf8_next(&p, end) < 0) return false;
    return true;
}

static size_t utf8_put(int32_t code, char out[4]) {
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (size_t i = n; i-- > 1; code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(lead[n] | code);
    return n;
}

/* The four digits after \u: 0 to 0xffff, or -1. */
static int32_t hex4(struct cursor *c) {
    int32_t value = 0;
    if (c->end - c->p < 4) return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(*c->p);
        if (digit < 0) return -1;
        c->p++;
        value = value << 4 | digit;
    }
    return value;
}

/* Section 7: what may follow a backslash, and what it means. */
static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";

/* What follows a backslash: its code point, or -1. */
static int32_t read_escape(struct cursor *c) {
    c->escaped = true;
    if (c->p == c->end) return fail(c, "an unfinished string");
    char letter = *c->p++;
    if (letter != 'u') {
        const char *at = letter ? strchr(letters, letter) : NULL;
        if (at) return meanings[at - letters];
        c->p--; /* the fault is there */
        return fail(c, "an unknown escape in a string");
    }
    int32_t code = hex4(c);
    if (code < 0) return fail(c, "\\u without four hex digits");
    if (code < 0xd800 || code > 0xdfff) return code;
    if (code > 0xdbff || !next_is(c, '\\') || !next_is(c, 'u')) return fail(c, "an unpaired surrogate");
    int32_t low = hex4(c);
    if (low < 0xdc00 || low > 0xdfff) return fail(c, "an unpaired surrogate");
    return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

/* One character of a string, escaped or not: its code point, or -1. */
static int32_t read_character(struct cursor *c) {
    if (next_is(c, '\\')) return read_escape(c);
    if (c->p == c->end) return fail(c, "an unfinished string");
    if ((uint8_t)*c->p < 0x20) return fail(c, "a control character in a string");
    int32_t code = utf8_next(&c->p, c->end);
    return code < 0 ? fail(c, "bytes that are not UTF-8") : code;
}

/* Moves over characters that stand for themselves: eight at a time, up to the first quote, backslash, control character
 * or byte that is not ASCII, whose place the lowest bit shows; at the end of the text one at a time. */
static void skip_plain(struct cursor *c) {
    const uint64_t each = UINT64_MAX / 255, high = 0x80 * each;
    for (uint64_t w, special; c->end - c->p >= 8; c->p += 8) {
        w = load_le64((const uint8_t *)c->p);
        special = (((w ^ '"' * each) - each) | ((w ^ '\\' * each) - each) | (w - 0x20 * each) | w) & high;
        if (special) {
            c->p += __builtin_ctzll(special) / 8;
            return;
        }
    }
    while (c->p < c->end && (uint8_t)*c->p >= 0x20 && (uint8_t)*c->p < 0x80 && *c->p != '"' && *c->p != '\\') c->p++;
}

/* A string, from its opening quote to past its closing one. */
static int read_string(struct cursor *c) {
    if (!next_is(c, '"')) return fail(c, "a string was expected");
    for (;;) {
        skip_plain(c);
        if (next_is(c, '"')) return 0;
        if (read_character(c) < 0) return -1;
    }
}

/* At the first character of a string already checked, up to its closing quote. */
static struct cursor inside(struct slice raw) {
    return (struct cursor){ .p = raw.at + 1, .end = raw.at + raw.len - 1 };
}

ssize_t json_string(struct slice raw, char *out, size_t cap) {
    struct cursor c = inside(raw);
    size_t len = 0;
    while (c.p < c.end) {
        char utf8[4];
        const char *run = c.p, *escape = memchr(run, '\\', (size_t)(c.end - run));
        size_t n = (size_t)((escape ? escape : c.end) - run);
        c.p += n;
        if (n == 0) { /* an escape stands here */
            n = utf8_put(read_character(&c), utf8);
            run = utf8;
        }
        if (n > cap - len) return -1;
        memcpy(out + len, run, n);
        len += n;
    }
    return (ssize_t)len;
}

bool json_string_same(struct slice raw_a, struct slice raw_b) {
    struct cursor a = inside(raw_a), b = inside(raw_b);
    while (a.p < a.end && b.p < b.end)
        if (read_character(&a) != read_character(&b)) return false;
    return a.p == a.end && b.p == b.end;
}

bool json_string_is(struct slice raw, const char *ascii) {
    struct cursor c = inside(raw);
    for (; c.p < c.end && *ascii; ascii++) /* a byte that is not ASCII is none of those */
        if ((next_is(&c, '\\') ? read_escape(&c) : *c.p++) != *ascii) return false;
    return c.p == c.end && *ascii == '\0';
}

/* ---- numbers (section 6) ---------------------------------------------- */

static bool skip_digits(struct cursor *c) {
    const char *start = c->p;
    while (c->p < c->end && *c->p >= '0' && *c->p <= '9') c->p++;
    return c->p > start;
}

static int read_number(struct cursor *c) {
    next_is(c, '-');
    if (!next_is(c, '0') && !skip_digits(c)) return fail(c, "a malformed value");
    if (next_is(c, '.') && !skip_digits(c)) return fail(c, "a malformed number");
    if (next_is(c, 'e') || next_is(c, 'E')) {
        if (!next_is(c, '+')) next_is(c, '-');
        if (!skip_digits(c)) return fail(c, "a malformed number");
    }
    return 0;
}

/* value * 10^exponent, with an error of a few units in the last place */
static double scale(double value, int exponent) {
    for (; exponent > 300; exponent -= 300) value *= 1e300;
    for (; exponent < -300; exponent += 300) value /= 1e300;
    double power = 1, base = 10;
    for (int e = exponent < 0 ? -exponent : exponent; e > 0; e >>= 1, base *= base)
        if (e & 1) power *= base;
    return exponent < 0 ? value / power : value * power;
}

int json_number(struct slice raw, double *value) {
    const char *p = raw.at, *end = raw.at + raw.len;
    bool negative = *p == '-', fraction = false;
    uint64_t digits = 0;
    int exponent = 0, zeros = 0, written = 0;
    int64_t whole = slice_decimal(raw); /* as dates are written */
    if (whole >= 0) {
        *value = (double)whole;
        return 0;
    }
    for (p += negative; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') {
            fraction = true;
            continue;
        }
        exponent -= fraction;
        zeros++; /* digits not yet taken: they will be if one that is not zero follows */
        if (*p != '0' && digits < 100000000000000000) {
            for (; zeros > 0 && digits < 100000000000000000; zeros--) digits *= 10;
            digits += zeros == 0 ? (uint64_t)(*p - '0') : 0;
        }
    }
    bool down = p < end && p[1] == '-';
    for (; p < end; p++)
        if (*p >= '0' && *p <= '9' && written < 100000) written = 10 * written + (*p - '0');
    *value = digits == 0 ? 0 : scale((double)digits, exponent + zeros + (down ? -written : written));
    *value = negative ? -*value : *value;
    return *value >= -DBL_MAX && *value <= DBL_MAX ? 0 : -1;
}

/* ---- values ----------------------------------------------------------- */

static int read_value(struct cursor *c, struct slice *value);

/* The next element of an array or, where `name` is not NULL, member of an object; white space after it is skipped. 1,
 * 0 after the last one and its bracket, or -1. */
static int next_item(struct cursor *c, bool first, struct slice *name, struct slice *value) {
    char open = name ? '{' : '[', close = name ? '}' : ']';
    if (!next_is(c, first ? open : ',')) {
        if (first) return fail(c, name ? "not an object" : "not an array");
        return next_is(c, close) ? 0 : fail(c, name ? "an object without its end" : "an array without its end");
    }
    skip_space(c);
    if (first && next_is(c, close)) return 0;
    if (name) {
        name->at = c->p;
        if (read_string(c) != 0) return -1;
        name->len = (size_t)(c->p - name->at);
        skip_space(c);
        if (!next_is(c, ':')) return fail(c, "a member without a colon");
        skip_space(c);
    }
    if (read_value(c, value) != 0) return -1;
    skip_space(c);
    return 1;
}

/* The same of the outermost: nothing may follow its end. */
static int next_outermost(struct cursor *c, bool first, struct slice *name, struct slice *value) {
    int got = next_item(c, first, name, value);
    if (got != 0) return got;
    skip_space(c);
    return c->p == c->end ? 0 : fail(c, name ? "something behind the object" : "something behind the array");
}

static int read_nested(struct cursor *c, bool object) {
    struct slice name, value;
    bool first = true;
    int got;
    if (++c->depth > JSON_DEPTH) return fail(c, "nested too deep");
    while ((got = next_item(c, first, object ? &name : NULL, &value)) > 0) first = false;
    c->depth--;
    return got;
}

static int read_literal(struct cursor *c, const char *word) {
    size_t n = strlen(word);
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0) return fail(c, "a malformed value");
    c->p += n;
    return 0;
}

/* The first character of a value shows what it is. */
static enum json_type type_of(char first) {
    return first == '{'                   ? JSON_OBJECT
           : first == '['                 ? JSON_ARRAY
           : first == '"'                 ? JSON_STRING
           : first == 't' || first == 'f' ? JSON_BOOLEAN
           : first == 'n'                 ? JSON_NULL
                                          : JSON_NUMBER;
}

static int read_value(struct cursor *c, struct slice *value) {
    char first = c->p < c->end ? *c->p : '\0';
    enum json_type type = type_of(first);
    value->at = c->p;
    int result = type == JSON_STRING    ? read_string(c)
                 : type == JSON_NUMBER  ? read_number(c)
                 : type == JSON_NULL    ? read_literal(c, "null")
                 : type == JSON_BOOLEAN ? read_literal(c, first == 't' ? "true" : "false")
                                        : read_nested(c, type == JSON_OBJECT);
    value->len = (size_t)(c->p - value->at);
    return result;
}

enum json_result json_object(struct slice text, struct json_member *members, size_t n, const char **why) {
    struct cursor c = start(text);
    struct slice names[JSON_MEMBERS], name, value; /* so many names are not cleared first */
    size_t count = 0;
    bool twice = false;
    int got;
    for (size_t i = 0; i < n; i++) members[i] = (struct json_member){ .name = members[i].name };
    while ((got = next_outermost(&c, count == 0, &name, &value)) > 0) {
        size_t i = 0;
        if (count == JSON_MEMBERS) {
            got = fail(&c, "too many members");
            break;
        }
        for (size_t j = 0; j < count; j++) /* if nothing is escaped, equal names are written alike */
            twice |= c.escaped ? json_string_same(names[j], name) : slice_equal(names[j], name);
        names[count++] = name;
        while (i < n && members[i].name && !json_string_is(name, members[i].name)) i++;
        if (i == n) continue;
        members[i].type = type_of(*value.at);
        members[i].raw = value;
        members[i].times++;
    }
    *why = c.why;
    return got < 0 ? JSON_BAD : twice ? JSON_TWICE : JSON_OK;
}

int json_next(struct slice *rest, struct slice *name, struct slice *value, const char **why) {
    struct cursor c = start(*rest);
    bool first = name ? name->at == NULL : value->at == NULL;
    int got = next_outermost(&c, first, name, value);
    *rest = (struct slice){ c.p, (size_t)(c.end - c.p) };
    *why = c.why;
    return got;
}

/* ---- writing ---------------------------------------------------------- */

static void put_u(struct buffer *b, int32_t unit) {
    const uint8_t bytes[2] = { (uint8_t)(unit >> 8), (uint8_t)unit };
    put_text(b, "\\u");
    put_hex(b, bytes, sizeof bytes);
}

static void put_escaped(struct buffer *b, int32_t code) {
    const char *at = code > 0 && code < 0x80 ? strchr(meanings, code) : NULL;
    if (at) {
        put_char(b, '\\');
        put_char(b, letters[at - meanings]);
    } else if (code >= 0x10000) {
        put_u(b, 0xd800 + ((code - 0x10000) >> 10));
        put_u(b, 0xdc00 + ((code - 0x10000) & 0x3ff));
    } else {
        put_u(b, code);
    }
}

static bool is_plain(char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; }

void json_put_string(struct buffer *b, struct slice utf8) {
    const char *p = utf8.len ? utf8.at : "", *end = p + utf8.len;
    put_char(b, '"');
    while (p < end) {
        const char *start = p;
        while (p < end && is_plain(*p)) p++;
        put_bytes(b, start, (size_t)(p - start));
        if (p == end) break;
        int32_t code = utf8_next(&p, end);
        if (code < 0) p++;
        put_escaped(b, code < 0 ? 0xfffd : code);
    }
    put_char(b, '"');
}
