/* jwt.c - tokens signed with HS256: RFC 7519 claims in an RFC 7515 compact JWS.
 *
 * Refuses whatever lets one token be written in two ways (padding, spare bits, duplicate names), whatever it
 * was not asked to understand (another `alg`, any `crit`, an audience), and a token that never expires.
 *
 * Which of several keys fits shows neither in the result nor in the time: all of them are tried. */
#include "jwt.h"

#include "base64url.h"
#include "json.h"

/* {"alg":"HS256","typ":"JWT"} */
static const char our_header[] = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

static void put_claim(struct buffer *out, const char *name, int64_t value) {
    put_text(out, name);
    put_number(out, (uint64_t)value);
}

void jwt_put_claims(struct buffer *out, const struct hmac_key *key, struct slice sub, int64_t iat, int64_t exp,
                    int64_t after) {
    char text[6 * JWT_SUB_MAX + 64]; /* an escape is at most six characters for a byte */
    struct buffer payload = { .at = text, .cap = sizeof text };
    put_text(&payload, "{\"sub\":");
    json_put_string(&payload, sub);
    if (iat >= 0) put_claim(&payload, ",\"iat\":", iat);
    put_claim(&payload, ",\"exp\":", exp);
    if (after) put_claim(&payload, ",\"after\":", after);
    put_char(&payload, '}');
    out->overflow |= payload.overflow;

    size_t start = out->len;
    put_text(out, our_header);
    put_char(out, '.');
    put_base64url(out, payload.at, payload.len);
    if (out->overflow) return;
    uint8_t mac[SHA256_DIGEST];
    hmac_sha256(key, out->at + start, out->len - start, mac);
    put_char(out, '.');
    put_base64url(out, mac, sizeof mac);
}

/* ---- the trace -------------------------------------------------------- */

/* True if there is no fault; written down if somebody wants to know. */
static bool step(struct jwt_trace *t, enum jwt_check check, struct slice saw, const char *fault, const char *at) {
    if (t) t->step[check] = (struct jwt_step){ .made = true, .fault = fault, .at = at, .saw = saw };
    return fault == NULL;
}

/* At the first character that is not in the alphabet, or else at the last one: the length, or the bits left over, are
 * such as no encoder makes. */
static bool base64url_fault(struct slice text, struct jwt_trace *t, enum jwt_check check) {
    uint8_t byte;
    size_t i = 0;
    if (t == NULL) return false;
    while (i < text.len && base64url_decode((const char[]){ text.at[i], 'A' }, 2, &byte) == 1) i++;
    return step(t, check, text,
                i < text.len        ? "is not base64url"
                : text.len % 4 == 1 ? "is one too many: six bits are no byte"
                                    : "leaves bits over that are not zero",
                text.at + (i < text.len ? i : i - 1));
}

/* The text of a segment in `out`, which holds JWT_MAX bytes. */
static bool decode(struct slice segment, char *out, struct slice *text, struct jwt_trace *t, enum jwt_check check) {
    ssize_t len = base64url_decode(segment.at, segment.len, out);
    if (len < 0) return base64url_fault(segment, t, check);
    *text = (struct slice){ out, (size_t)len };
    return step(t, check, segment, NULL, NULL);
}

/* Where a text is not a JSON object; NULL: at no single place. */
static const char *json_fault(struct slice text) {
    struct slice name = { NULL, 0 }, value;
    const char *why;
    int result = 1;
    while (result > 0) result = json_next(&text, &name, &value, &why);
    return result < 0 ? text.at : NULL;
}

/* The second of two equal names in an object. */
static const char *twice_at(struct slice text) {
    struct slice rest = text, name = { NULL, 0 }, value;
    const char *why;
    while (json_next(&rest, &name, &value, &why) > 0) {
        struct slice before = text, other = { NULL, 0 };
        while (json_next(&before, &other, &value, &why) > 0 && other.at < name.at)
            if (json_string_same(other, name)) return name.at;
    }
    return NULL;
}

/* A JSON object's members; `check` is that it is one, and the check after it that no name is given twice. */
static enum json_result read_object(struct slice text, struct json_member *m, size_t n, struct jwt_trace *t,
                                    enum jwt_check check) {
    const char *why;
    enum json_result result = json_object(text, m, n, &why);
    bool bad = result == JSON_BAD, twice = result == JSON_TWICE;
    step(t, check, text, bad ? why : NULL, t && bad ? json_fault(text) : NULL);
    if (!bad) step(t, check + 1, text, twice ? "a name is given twice" : NULL, t && twice ? twice_at(text) : NULL);
    return result;
}

/* ---- the checks ------------------------------------------------------- */

/* RFC 7515 4.1: alg must be the one that is used here, whatever the token would like; crit (4.1.11) names
 * extensions, and none is known here. */
static bool header_is_right(struct slice header, struct jwt_trace *t) {
    if (t == NULL && slice_is(header, our_header)) return true;
    char room[JWT_MAX];
    struct slice text;
    struct json_member m[] = { { .name = "alg" }, { .name = "crit" } };
    if (!decode(header, t ? t->header : room, &text, t, JWT_HEADER_TEXT)) return false;
    enum json_result result = read_object(text, m, 2, t, JWT_HEADER);
    if (result == JSON_BAD) return false;
    bool hs256 = m[0].type == JSON_STRING && json_string_is(m[0].raw, "HS256"), right = result == JSON_OK;
    const char *other_alg = m[0].type == JSON_ABSENT ? "is missing: only HS256 is taken" : "only HS256 is taken";
    right &= step(t, JWT_ALG, m[0].raw, hs256 ? NULL : other_alg, m[0].raw.at);
    right &= step(t, JWT_CRIT, m[1].raw, m[1].type == JSON_ABSENT ? NULL : "no extension is known here", m[1].raw.at);
    return right;
}

static bool signature_is_right(const struct jwt_keys *keys, struct slice signing_input, struct slice signature,
                               struct jwt_trace *t) {
    uint8_t given[SHA256_DIGEST], mac[SHA256_DIGEST];
    bool right = false;
    if (signature.len != base64url_encoded_len(sizeof mac))
        return step(t, JWT_SIGNATURE_TEXT, signature, "HS256 has 43 characters", NULL);
    if (base64url_decode(signature.at, signature.len, given) != sizeof mac)
        return base64url_fault(signature, t, JWT_SIGNATURE_TEXT);
    step(t, JWT_SIGNATURE_TEXT, signature, NULL, NULL);
    for (unsigned i = 0; i < keys->count; i++) {
        hmac_sha256(&keys->key[i], signing_input.at, signing_input.len, mac);
        bool fits = ct_equal(given, mac, sizeof mac);
        if (t && fits) t->key = i;
        right |= fits;
    }
    return step(t, JWT_MAC, signature, right ? NULL : "it matches with no key", NULL);
}

/* RFC 7519 4.1.5, 4.1.6: a time that may be missing (then it is 0) but not lie ahead */
static const char *past_fault(const struct json_member *date, double now, double *seconds) {
    *seconds = 0;
    if (date->type == JSON_ABSENT) return NULL;
    if (date->type != JSON_NUMBER || json_number(date->raw, seconds) != 0) return "is not a number of seconds";
    return *seconds <= now ? NULL : "lies ahead";
}

/* RFC 7519 4.1.2, and what fits */
static const char *sub_fault(const struct json_member *sub, struct jwt_claims *claims) {
    if (sub->type != JSON_STRING) return sub->type == JSON_ABSENT ? "is missing" : "is not a string";
    ssize_t len = json_string(sub->raw, claims->sub, sizeof claims->sub);
    claims->sub_len = len < 0 ? 0 : (size_t)len;
    return len < 0 ? "is longer than 1024 bytes" : NULL;
}

/* RFC 7519 4.1.3: whoever does not find itself in aud must reject the token. */
static bool is_empty(const struct json_member *aud) {
    if (aud->type != JSON_ARRAY)
        return aud->type == JSON_ABSENT || aud->type == JSON_NULL || (aud->type == JSON_STRING && aud->raw.len == 2);
    const char *p = aud->raw.at + 1; /* after the bracket */
    while (strchr(" \t\r\n", *p)) p++;
    return *p == ']';
}

static enum jwt_result check_claims(struct slice payload, double now, double leeway, struct jwt_claims *claims,
                                    struct jwt_trace *t) {
    enum { SUB, EXP, NBF, IAT, AUD, AFTER, COUNT };
    struct json_member m[COUNT] = { { .name = "sub" }, { .name = "exp" }, { .name = "nbf" },
                                    { .name = "iat" }, { .name = "aud" }, { .name = "after" } };
    double exp = 0, nbf;
    enum json_result result = read_object(payload, m, COUNT, t, JWT_PAYLOAD);
    if (result == JSON_BAD) return JWT_INVALID;
    bool dated = m[EXP].type == JSON_NUMBER && json_number(m[EXP].raw, &exp) == 0, right = result == JSON_OK;
    const char *no_date = m[EXP].type == JSON_ABSENT ? "is missing" : "is not a number of seconds";
    right &= step(t, JWT_SUB, m[SUB].raw, sub_fault(&m[SUB], claims), m[SUB].raw.at);
    right &= step(t, JWT_EXP, m[EXP].raw, dated ? NULL : no_date, m[EXP].raw.at);
    right &= step(t, JWT_NBF, m[NBF].raw, past_fault(&m[NBF], now + leeway, &nbf), m[NBF].raw.at);
    right &= step(t, JWT_IAT, m[IAT].raw, past_fault(&m[IAT], now + leeway, &claims->iat), m[IAT].raw.at);
    right &= step(t, JWT_AUD, m[AUD].raw, is_empty(&m[AUD]) ? NULL : "is for somebody else", m[AUD].raw.at);
    /* others may mean something else by it: what is not a time as we write it says nothing */
    int64_t after = m[AFTER].type == JSON_NUMBER ? slice_decimal(m[AFTER].raw) : 0;
    claims->after = after > 0 ? after : 0;
    bool alive = exp + leeway > now; /* RFC 7519 4.1.4: on or after exp it must not be accepted */
    if (dated) step(t, JWT_ALIVE, m[EXP].raw, alive ? NULL : "expired", m[EXP].raw.at);
    return !right ? JWT_INVALID : alive ? JWT_VALID : JWT_EXPIRED;
}

enum jwt_result jwt_verify(const struct jwt_keys *keys, struct slice token, double now, double leeway,
                           struct jwt_claims *claims, struct jwt_trace *t) {
    if (!step(t, JWT_SIZE, token, token.len > JWT_MAX ? "at most 32768 characters are taken" : NULL, NULL))
        return JWT_INVALID;
    struct slice signature = token, header = slice_cut(&signature, '.'), payload = slice_cut(&signature, '.');
    /* a fourth one would be part of the signature, which then is not base64url */
    bool three = signature.at && !(t && memchr(signature.at, '.', signature.len));
    bool right = step(t, JWT_SEGMENTS, token, three ? NULL : "three are taken", NULL);
    if (signature.at == NULL) return JWT_INVALID;
    struct slice signing_input = { token.at, header.len + 1 + payload.len };
    /* the MAC first: without the key nobody gets a header parsed, which costs more */
    right = right && signature_is_right(keys, signing_input, signature, t);
    if (t || right) right &= header_is_right(header, t);
    if (!t && !right) return JWT_INVALID;
    char room[JWT_MAX];
    struct slice text;
    if (!decode(payload, t ? t->payload : room, &text, t, JWT_PAYLOAD_TEXT)) return JWT_INVALID;
    enum jwt_result result = check_claims(text, now, leeway, claims, t);
    return right ? result : JWT_INVALID;
}
