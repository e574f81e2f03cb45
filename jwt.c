/* jwt.c - tokens signed with HS256: RFC 7519 claims in an RFC 7515 compact JWS.
 *
 * Refuses whatever lets one token be written in two ways (padding, spare bits, duplicate names), whatever it
 * was not asked to understand (another `alg`, any `crit`, an audience), and a token that has no end. */
#include "jwt.h"

#include "base64url.h"
#include "json.h"

/* {"alg":"HS256","typ":"JWT"} */
static const char our_header[] = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

static void put_base64url(struct buffer *out, const void *bytes, size_t n) {
    size_t len = base64url_encoded_len(n);
    if (out->overflow || len > out->cap - out->len)
        out->overflow = true;
    else
        out->len += base64url_encode(bytes, n, out->at + out->len);
}

void jwt_put(struct buffer *out, const struct hmac_key *key, struct slice sub, int64_t exp) {
    char text[6 * JWT_SUB_MAX + 64]; /* an escape is six characters for a byte at the most */
    struct buffer payload = { .at = text, .cap = sizeof text };
    put_text(&payload, "{\"sub\":");
    json_put_string(&payload, sub);
    put_text(&payload, ",\"exp\":");
    put_number(&payload, (uint64_t)exp);
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

/* RFC 7515 4.1: alg must be the one that is spoken here, whatever the token would like; crit (4.1.11) names
 * extensions, and none is known here. */
static bool header_is_right(struct slice header) {
    if (slice_is(header, our_header)) return true;
    char text[JWT_MAX];
    ssize_t len = base64url_decode(header.at, header.len, text);
    struct json_member members[] = { { .name = "alg" }, { .name = "crit" } };
    const char *why;
    return len >= 0 && json_object((struct slice){ text, (size_t)len }, members, 2, &why) == JSON_OK &&
           members[0].type == JSON_STRING && json_string_is(members[0].raw, "HS256") && members[1].type == JSON_ABSENT;
}

static bool signature_is_right(const struct hmac_key *key, struct slice signing_input, struct slice signature) {
    uint8_t given[SHA256_DIGEST], mac[SHA256_DIGEST];
    if (signature.len != base64url_encoded_len(sizeof mac) ||
        base64url_decode(signature.at, signature.len, given) != sizeof mac)
        return false;
    hmac_sha256(key, signing_input.at, signing_input.len, mac);
    return ct_equal(given, mac, sizeof mac);
}

/* RFC 7519 4.1.5, 4.1.6: a time that may be missing but not lie ahead */
static bool is_past(const struct json_member *date, double now) {
    double seconds;
    return date->type == JSON_ABSENT ||
           (date->type == JSON_NUMBER && json_number(date->raw, &seconds) == 0 && seconds <= now);
}

/* RFC 7519 4.1.3: who does not find himself in aud must refuse. */
static bool is_empty(const struct json_member *aud) {
    if (aud->type != JSON_ARRAY)
        return aud->type == JSON_ABSENT || aud->type == JSON_NULL || (aud->type == JSON_STRING && aud->raw.len == 2);
    const char *p = aud->raw.at + 1; /* behind the bracket */
    while (strchr(" \t\r\n", *p)) p++;
    return *p == ']';
}

static enum jwt_result check_claims(struct slice payload, double now, double leeway, struct jwt_claims *claims) {
    enum { SUB, EXP, NBF, IAT, AUD, COUNT };
    struct json_member m[COUNT] = {
        { .name = "sub" }, { .name = "exp" }, { .name = "nbf" }, { .name = "iat" }, { .name = "aud" }
    };
    const char *why;
    double exp;
    if (json_object(payload, m, COUNT, &why) != JSON_OK || m[SUB].type != JSON_STRING || m[EXP].type != JSON_NUMBER ||
        json_number(m[EXP].raw, &exp) != 0 || !is_past(&m[NBF], now + leeway) || !is_past(&m[IAT], now + leeway) ||
        !is_empty(&m[AUD]))
        return JWT_INVALID;
    ssize_t sub_len = json_string(m[SUB].raw, claims->sub, sizeof claims->sub);
    if (sub_len < 0) return JWT_INVALID;
    claims->sub_len = (size_t)sub_len;
    return exp + leeway > now ? JWT_VALID : JWT_EXPIRED; /* RFC 7519 4.1.4: on or after exp it must not be taken */
}

enum jwt_result jwt_verify(const struct hmac_key *key, struct slice token, double now, double leeway,
                           struct jwt_claims *claims) {
    if (token.len > JWT_MAX) return JWT_INVALID;
    struct slice signature = token, header = slice_cut(&signature, '.'), payload = slice_cut(&signature, '.');
    if (signature.at == NULL) return JWT_INVALID;
    struct slice signing_input = { token.at, header.len + 1 + payload.len };
    /* the MAC first: nobody without the key gets a header parsed, which costs more */
    if (!signature_is_right(key, signing_input, signature) || !header_is_right(header)) return JWT_INVALID;
    char text[JWT_MAX];
    ssize_t len = base64url_decode(payload.at, payload.len, text);
    return len < 0 ? JWT_INVALID : check_claims((struct slice){ text, (size_t)len }, now, leeway, claims);
}
