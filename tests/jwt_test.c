/* jwt_test.c - the tokens that are valid and the ones that must not be.
 *
 * Sources: RFC 7515 (JWS; its appendix A.1), RFC 7519 (claims), RFC 7518 3.2
 * (HS256), RFC 8725 (what goes wrong in practice), RFC 4648 3.5 (spare bits).
 * Tokens written out in full were made by PyJWT 2.6, MACs for other inputs by
 * Python's hmac; none comes from jwt.c. Rows of JSON text are signed here, by
 * hmac_sha256 and base64url_encode, so that only what the row is about can be
 * the reason to refuse it. */
#include "jwt.h"

#include "base64url.h"
#include "json.h"
#include "tests/test.h"

/* A slice of a literal, which may contain NUL. */
#define S(literal) { literal, sizeof(literal) - 1 }

enum { TOKEN_ROOM = 2 * JWT_MAX, TEXT_ROOM = JWT_MAX };

static const char *const result_names[] = { "valid", "expired", "invalid" };
static struct hmac_key key;

static struct hmac_key key_of(struct slice bytes)
{
    struct hmac_key k;
    hmac_key_init(&k, sha256_compress_portable, bytes.at, bytes.len);
    return k;
}

/* Is what a trace tells of the checks what came out? */
static bool tells(const struct jwt_trace *t, enum jwt_result result)
{
    bool made = true, fault = false;
    for (int i = 0; i < JWT_ALIVE; i++) {
        made &= t->step[i].made;
        fault |= t->step[i].fault != NULL;
    }
    const struct jwt_step *alive = &t->step[JWT_ALIVE];
    return result == JWT_INVALID ? fault : made && !fault && alive->made && (alive->fault != NULL) == (result == JWT_EXPIRED);
}

/* jwt_verify with one key, which must say the same to who asks for every check, and tell of one that failed. */
static enum jwt_result judge(const struct hmac_key *k, struct slice token, double now, double leeway,
                             struct jwt_claims *claims)
{
    static struct jwt_trace trace;
    static struct jwt_claims others;
    struct jwt_keys keys = { 1, { *k } };
    memset(trace.step, 0, sizeof trace.step);
    enum jwt_result result = jwt_verify(&keys, token, now, leeway, claims, NULL);
    enum jwt_result traced = jwt_verify(&keys, token, now, leeway, &others, &trace);
    if (traced != result || !tells(&trace, result) ||
        (result == JWT_VALID && (claims->sub_len != others.sub_len || memcmp(claims->sub, others.sub, others.sub_len))))
        check(false, "%.*s at %g: %s, but explained otherwise: %s", (int)token.len, token.at, now, result_names[result],
              result_names[traced]);
    return result;
}

/* Token and claims as jwt_verify sees them: the token's end at an unreadable page. */
static enum jwt_result verify_with(const struct hmac_key *k, struct slice token, double now, double leeway,
                                   struct jwt_claims *claims)
{
    char *at = guarded(token.at, token.len);
    memset(claims, 0x55, sizeof *claims);
    enum jwt_result result = judge(k, (struct slice){ at, token.len }, now, leeway, claims);
    guarded_free(at, token.len);
    return result;
}

static enum jwt_result verify(struct slice token, double now)
{
    struct jwt_claims claims;
    return verify_with(&key, token, now, 0, &claims);
}

static int sub_is(const struct jwt_claims *claims, struct slice sub)
{
    return claims->sub_len == sub.len && (sub.len == 0 || memcmp(claims->sub, sub.at, sub.len) == 0);
}

/* Appends "." and the MAC of what stands in `token`. */
static void put_mac(struct buffer *token, const struct hmac_key *k)
{
    uint8_t mac[SHA256_DIGEST];
    char text[44];
    hmac_sha256(k, token->at, token->len, mac);
    size_t n = base64url_encode(mac, sizeof mac, text);
    put_char(token, '.');
    put_bytes(token, text, n);
}

static void put_segment(struct buffer *token, struct slice bytes)
{
    static char text[TOKEN_ROOM];
    put_bytes(token, text, base64url_encode(bytes.at, bytes.len, text));
}

/* The token of any two texts, rightly signed; good until the next call. */
static struct slice signed_token(struct slice header, struct slice payload)
{
    static char room[TOKEN_ROOM];
    struct buffer token = { .at = room, .cap = sizeof room };
    put_segment(&token, header);
    put_char(&token, '.');
    put_segment(&token, payload);
    put_mac(&token, &key);
    check(!token.overflow, "a test token of over %d characters", TOKEN_ROOM);
    return (struct slice){ room, token.len };
}

/* Rows write ' where JSON has ". */
static struct slice unquoted(const char *row, char room[TEXT_ROOM])
{
    size_t n = strlen(row);
    for (size_t i = 0; i < n; i++)
        room[i] = row[i];
    for (size_t i = 0; i < n; i++)
        if (room[i] == '\'')
            room[i] = '"';
    return (struct slice){ room, n };
}

static struct slice signed_row(const char *header, const char *payload)
{
    static char a[TEXT_ROOM], b[TEXT_ROOM];
    return signed_token(unquoted(header, a), unquoted(payload, b));
}

/* ---- header and payload, rightly signed ------------------------------- */

#define HEADER "{'alg':'HS256','typ':'JWT'}"
#define CLAIMS "{'sub':'joe','exp':2000}"
#define OPEN16 "[[[[[[[[[[[[[[[["
#define OPEN31 OPEN16 "[[[[[[[[[[[[[[["
#define CLOSE16 "]]]]]]]]]]]]]]]]"
#define CLOSE31 CLOSE16 "]]]]]]]]]]]]]]]"

/* Where a row is valid its sub is joe. */
static const struct row {
    const char *header, *payload;
    double now, leeway;
    enum jwt_result expected;
    const char *why;
} rows[] = {
    { HEADER, CLAIMS, 1000, 0, JWT_VALID, "what jwt_put_claims writes" },

    /* the header: RFC 7515 section 4, alg in 4.1.1, crit in 4.1.11 */
    { "{'alg':'HS256'}", CLAIMS, 1000, 0, JWT_VALID, "typ is optional" },
    { "{'typ':'JWT','alg':'HS256'}", CLAIMS, 1000, 0, JWT_VALID, "any order" },
    { "{'alg':'HS256','typ':'at+jwt'}", CLAIMS, 1000, 0, JWT_VALID, "another typ is ignored" },
    { "{'alg':'HS256','typ':7}", CLAIMS, 1000, 0, JWT_VALID, "typ is not even read" },
    { "{'alg':'HS256','kid':'../../dev/null'}", CLAIMS, 1000, 0, JWT_VALID, "kid is ignored" },
    { "{'alg':'HS256','jku':'http://evil.example/','x5u':'x'}", CLAIMS, 1000, 0, JWT_VALID, "jku, x5u are ignored" },
    { "{'alg':'HS256','jwk':{'kty':'oct','k':'AA'}}", CLAIMS, 1000, 0, JWT_VALID, "a key in the header is ignored" },
    { "{'alg':'HS256','Crit':['exp']}", CLAIMS, 1000, 0, JWT_VALID, "Crit is not crit" },
    { "{'alg':'HS256','ALG':'none'}", CLAIMS, 1000, 0, JWT_VALID, "ALG is not alg" },
    { " {\t'alg' :\r\n'HS256' } ", CLAIMS, 1000, 0, JWT_VALID, "white space" },
    { "{'\\u0061lg':'HS256'}", CLAIMS, 1000, 0, JWT_VALID, "alg escaped: 7515 5.3 compares what it means" },
    { "{'alg':'\\u0048S256'}", CLAIMS, 1000, 0, JWT_VALID, "HS256 escaped" },
    { "{'x':" OPEN31 CLOSE31 ",'alg':'HS256'}", CLAIMS, 1000, 0, JWT_VALID, "32 deep" },
    { "{'alg':'none'}", CLAIMS, 1000, 0, JWT_INVALID, "none, though signed" },
    { "{'alg':'None'}", CLAIMS, 1000, 0, JWT_INVALID, "None" },
    { "{'alg':''}", CLAIMS, 1000, 0, JWT_INVALID, "alg empty" },
    { "{'alg':'hs256'}", CLAIMS, 1000, 0, JWT_INVALID, "alg is case-sensitive" },
    { "{'alg':'Hs256'}", CLAIMS, 1000, 0, JWT_INVALID, "alg is case-sensitive" },
    { "{'alg':'HS384'}", CLAIMS, 1000, 0, JWT_INVALID, "HS384" },
    { "{'alg':'HS512'}", CLAIMS, 1000, 0, JWT_INVALID, "HS512" },
    { "{'alg':'RS256'}", CLAIMS, 1000, 0, JWT_INVALID, "RS256" },
    { "{'alg':'ES256'}", CLAIMS, 1000, 0, JWT_INVALID, "ES256" },
    { "{'alg':'HS25'}", CLAIMS, 1000, 0, JWT_INVALID, "a prefix" },
    { "{'alg':'HS2567'}", CLAIMS, 1000, 0, JWT_INVALID, "longer" },
    { "{'alg':' HS256'}", CLAIMS, 1000, 0, JWT_INVALID, "space before" },
    { "{'alg':'HS256 '}", CLAIMS, 1000, 0, JWT_INVALID, "space behind" },
    { "{'alg':'HS256\\u0000'}", CLAIMS, 1000, 0, JWT_INVALID, "NUL behind" },
    { "{'alg':null}", CLAIMS, 1000, 0, JWT_INVALID, "alg null" },
    { "{'alg':true}", CLAIMS, 1000, 0, JWT_INVALID, "alg a boolean" },
    { "{'alg':256}", CLAIMS, 1000, 0, JWT_INVALID, "alg a number" },
    { "{'alg':['HS256']}", CLAIMS, 1000, 0, JWT_INVALID, "alg an array" },
    { "{'alg':{'HS256':1}}", CLAIMS, 1000, 0, JWT_INVALID, "alg an object" },
    { "{'typ':'JWT'}", CLAIMS, 1000, 0, JWT_INVALID, "alg missing" },
    { "{'ALG':'HS256'}", CLAIMS, 1000, 0, JWT_INVALID, "ALG is not alg" },
    { "{'x':{'alg':'HS256'}}", CLAIMS, 1000, 0, JWT_INVALID, "alg in the wrong place" },
    { "{}", CLAIMS, 1000, 0, JWT_INVALID, "an empty header" },
    { "{'alg':'HS256','crit':['exp']}", CLAIMS, 1000, 0, JWT_INVALID, "crit" },
    { "{'alg':'HS256','crit':['b64'],'b64':false}", CLAIMS, 1000, 0, JWT_INVALID, "crit of RFC 7797" },
    { "{'alg':'HS256','crit':[]}", CLAIMS, 1000, 0, JWT_INVALID, "crit empty" },
    { "{'alg':'HS256','crit':null}", CLAIMS, 1000, 0, JWT_INVALID, "crit null" },
    { "{'crit':'','alg':'HS256'}", CLAIMS, 1000, 0, JWT_INVALID, "crit a string" },
    { "{'alg':'HS256','cr\\u0069t':['exp']}", CLAIMS, 1000, 0, JWT_INVALID, "crit escaped" },
    { "{'alg':'HS256','alg':'HS256'}", CLAIMS, 1000, 0, JWT_INVALID, "alg twice, the same" },
    { "{'alg':'none','alg':'HS256'}", CLAIMS, 1000, 0, JWT_INVALID, "alg twice, the last right" },
    { "{'alg':'HS256','alg':'none'}", CLAIMS, 1000, 0, JWT_INVALID, "alg twice, the first right" },
    { "{'alg':'HS256','al\\u0067':'HS256'}", CLAIMS, 1000, 0, JWT_INVALID, "alg twice, one escaped" },
    { "{'typ':'JWT','alg':'HS256','typ':'JWT'}", CLAIMS, 1000, 0, JWT_INVALID, "typ twice" },
    { "{'x':1,'alg':'HS256','x':2}", CLAIMS, 1000, 0, JWT_INVALID, "an unknown name twice" },
    { "['alg','HS256']", CLAIMS, 1000, 0, JWT_INVALID, "header an array" },
    { "[{'alg':'HS256'}]", CLAIMS, 1000, 0, JWT_INVALID, "header in an array" },
    { "'HS256'", CLAIMS, 1000, 0, JWT_INVALID, "header a string" },
    { "null", CLAIMS, 1000, 0, JWT_INVALID, "header null" },
    { "", CLAIMS, 1000, 0, JWT_INVALID, "header empty" },
    { " ", CLAIMS, 1000, 0, JWT_INVALID, "header blank" },
    { "{'alg':'HS256',}", CLAIMS, 1000, 0, JWT_INVALID, "trailing comma" },
    { "{'alg':'HS256'", CLAIMS, 1000, 0, JWT_INVALID, "cut short" },
    { "{'alg':'HS256'}}", CLAIMS, 1000, 0, JWT_INVALID, "a brace too many" },
    { "{'alg':'HS256'}{'alg':'HS256'}", CLAIMS, 1000, 0, JWT_INVALID, "two headers" },
    { "{alg:'HS256'}", CLAIMS, 1000, 0, JWT_INVALID, "a name without quotes" },
    { "\xef\xbb\xbf" HEADER, CLAIMS, 1000, 0, JWT_INVALID, "a byte order mark" },
    { "{'alg':'HS256','x':'\xff'}", CLAIMS, 1000, 0, JWT_INVALID, "not UTF-8" },
    { "{'alg':'HS256','x':'\xc0\x80'}", CLAIMS, 1000, 0, JWT_INVALID, "overlong UTF-8" },
    { "{'x':[" OPEN31 CLOSE31 "],'alg':'HS256'}", CLAIMS, 1000, 0, JWT_INVALID, "33 deep" },

    /* the payload: RFC 7519 section 4 */
    { HEADER, "{'exp':2000,'sub':'joe'}", 1000, 0, JWT_VALID, "any order" },
    { HEADER, "{'iss':5,'jti':null,'sub':'joe','admin':true,'exp':2000}", 1000, 0, JWT_VALID, "unknown ones ignored" },
    { HEADER, " { 'sub' : 'joe' , 'exp' : 2000 }\n", 1000, 0, JWT_VALID, "white space" },
    { HEADER, "{'\\u0073ub':'\\u006aoe','\\u0065xp':2000}", 1000, 0, JWT_VALID, "escaped" },
    { HEADER, "{'SUB':1,'EXP':'x','sub':'joe','exp':2000}", 1000, 0, JWT_VALID, "names are case-sensitive" },
    { HEADER, "{'sub':'joe','exp':2000,'x':" OPEN31 CLOSE31 "}", 1000, 0, JWT_VALID, "32 deep" },
    { HEADER, "{'sub':'joe','exp':2000,'x':[" OPEN31 CLOSE31 "]}", 1000, 0, JWT_INVALID, "33 deep" },
    { HEADER, "{'sub':'joe','exp':2000,'x':" OPEN31 OPEN31 OPEN31 "}", 1000, 0, JWT_INVALID, "deep, unclosed" },
    { HEADER, "", 1000, 0, JWT_INVALID, "payload empty" },
    { HEADER, "{}", 1000, 0, JWT_INVALID, "no claims" },
    { HEADER, "null", 1000, 0, JWT_INVALID, "payload null" },
    { HEADER, "'joe'", 1000, 0, JWT_INVALID, "payload a string" },
    { HEADER, "[" CLAIMS "]", 1000, 0, JWT_INVALID, "payload an array" },
    { HEADER, CLAIMS CLAIMS, 1000, 0, JWT_INVALID, "two payloads" },
    { HEADER, CLAIMS "x", 1000, 0, JWT_INVALID, "something behind it" },
    { HEADER, "{'sub':'joe','exp':2000", 1000, 0, JWT_INVALID, "cut short" },
    { HEADER, "{'sub':'joe','exp':2000,}", 1000, 0, JWT_INVALID, "trailing comma" },
    { HEADER, "{'sub':'joe','exp':2000/**/}", 1000, 0, JWT_INVALID, "a comment" },
    { HEADER, "{'sub':'joe','exp':2000,'x':NaN}", 1000, 0, JWT_INVALID, "NaN" },
    { HEADER, "{'sub':'joe','exp':2000,'x':'\xed\xa0\x80'}", 1000, 0, JWT_INVALID, "a surrogate in UTF-8" },
    { HEADER, "{'sub':'joe','exp':2000,'x':'\\ud83d'}", 1000, 0, JWT_INVALID, "an unpaired surrogate" },
    { HEADER, "{'sub':'joe','exp':2000,'x':'\t'}", 1000, 0, JWT_INVALID, "a raw control character" },
    { HEADER, "{'sub':'joe','exp':2000,'x':1,'x':1}", 1000, 0, JWT_INVALID, "an unknown name twice" },
    { HEADER, "{'sub':'joe','exp':2000,'x':1,'\\u0078':1}", 1000, 0, JWT_INVALID, "twice, one escaped" },
    { HEADER, "{'sub':'joe','exp':2000,'':1,'':1}", 1000, 0, JWT_INVALID, "the empty name twice" },

    /* exp: section 4.1.4, a NumericDate; valid while exp + leeway > now */
    { HEADER, "{'sub':'joe','exp':1001}", 1000, 0, JWT_VALID, "a second left" },
    { HEADER, "{'sub':'joe','exp':1000}", 1000, 0, JWT_EXPIRED, "exactly now" },
    { HEADER, "{'sub':'joe','exp':999}", 1000, 0, JWT_EXPIRED, "a second ago" },
    { HEADER, "{'sub':'joe','exp':1000.5}", 1000, 0, JWT_VALID, "half a second left" },
    { HEADER, "{'sub':'joe','exp':1000.5}", 1000.25, 0, JWT_VALID, "a quarter left" },
    { HEADER, "{'sub':'joe','exp':1000.5}", 1000.5, 0, JWT_EXPIRED, "exactly now, in fractions" },
    { HEADER, "{'sub':'joe','exp':1000.0}", 1000, 0, JWT_EXPIRED, "exactly now, written .0" },
    { HEADER, "{'sub':'joe','exp':1000}", 1000.5, 0, JWT_EXPIRED, "half a second ago" },
    { HEADER, "{'sub':'joe','exp':1e10}", 1000, 0, JWT_VALID, "an exponent" },
    { HEADER, "{'sub':'joe','exp':1.0E+3}", 999.5, 0, JWT_VALID, "E, + and a fraction" },
    { HEADER, "{'sub':'joe','exp':10010e-1}", 1000, 0, JWT_VALID, "a negative exponent" },
    { HEADER, "{'sub':'joe','exp':1e308}", 1000, 0, JWT_VALID, "never, but a number" },
    { HEADER, "{'sub':'joe','exp':18446744073709552616}", 1000, 0, JWT_VALID, "2^64 + 1000 is no small number" },
    { HEADER, "{'sub':'joe','exp':0}", 1000, 0, JWT_EXPIRED, "1970" },
    { HEADER, "{'sub':'joe','exp':-1}", 1000, 0, JWT_EXPIRED, "before 1970" },
    { HEADER, "{'sub':'joe','exp':-2000}", 1000, 0, JWT_EXPIRED, "the sign counts" },
    { HEADER, "{'sub':'joe','exp':-0}", 1000, 0, JWT_EXPIRED, "minus zero" },
    { HEADER, "{'sub':'joe','exp':1000}", 1005, 5, JWT_EXPIRED, "leeway used up exactly" },
    { HEADER, "{'sub':'joe','exp':1000}", 1005, 5.5, JWT_VALID, "within leeway" },
    { HEADER, "{'sub':'joe','exp':1000}", 1004, 5, JWT_VALID, "within leeway" },
    { HEADER, "{'sub':'joe','exp':1000}", 1006, 5, JWT_EXPIRED, "beyond leeway" },
    { HEADER, "{'sub':'joe'}", 1000, 0, JWT_INVALID, "exp missing" },
    { HEADER, "{'sub':'joe','EXP':2000}", 1000, 0, JWT_INVALID, "EXP is not exp" },
    { HEADER, "{'sub':'joe','x':{'exp':2000}}", 1000, 0, JWT_INVALID, "exp in the wrong place" },
    { HEADER, "{'sub':'joe','exp':null}", 1000, 0, JWT_INVALID, "exp null" },
    { HEADER, "{'sub':'joe','exp':true}", 1000, 0, JWT_INVALID, "exp a boolean" },
    { HEADER, "{'sub':'joe','exp':'2000'}", 1000, 0, JWT_INVALID, "exp a string" },
    { HEADER, "{'sub':'joe','exp':''}", 1000, 0, JWT_INVALID, "exp an empty string" },
    { HEADER, "{'sub':'joe','exp':[2000]}", 1000, 0, JWT_INVALID, "exp an array" },
    { HEADER, "{'sub':'joe','exp':{}}", 1000, 0, JWT_INVALID, "exp an object" },
    { HEADER, "{'sub':'joe','exp':1e400}", 1000, 0, JWT_INVALID, "exp out of range" },
    { HEADER, "{'sub':'joe','exp':-1e400}", 1000, 0, JWT_INVALID, "exp out of range below" },
    { HEADER, "{'sub':'joe','exp':1e99999999999999999999}", 1000, 0, JWT_INVALID, "exp far out of range" },
    { HEADER, "{'sub':'joe','exp':02000}", 1000, 0, JWT_INVALID, "a leading zero" },
    { HEADER, "{'sub':'joe','exp':+2000}", 1000, 0, JWT_INVALID, "a plus" },
    { HEADER, "{'sub':'joe','exp':2000.}", 1000, 0, JWT_INVALID, "a bare point" },
    { HEADER, "{'sub':'joe','exp':0x7d0}", 1000, 0, JWT_INVALID, "hexadecimal" },
    { HEADER, "{'sub':'joe','exp':Infinity}", 1000, 0, JWT_INVALID, "Infinity" },
    { HEADER, "{'sub':'joe','exp':}", 1000, 0, JWT_INVALID, "no value" },
    { HEADER, "{'sub':'joe','exp':2000,'exp':2000}", 1000, 0, JWT_INVALID, "exp twice" },
    { HEADER, "{'exp':500,'sub':'joe','exp':2000}", 1000, 0, JWT_INVALID, "exp twice, the last right" },
    { HEADER, "{'exp':2000,'sub':'joe','e\\u0078p':2000}", 1000, 0, JWT_INVALID, "exp twice, one escaped" },

    /* past January 2038 and February 2106, where 32 bits end, and up to 2^53, where seconds stop being exact */
    { HEADER, "{'sub':'joe','exp':2147483648}", 2147483647., 0, JWT_VALID, "2^31, a second before" },
    { HEADER, "{'sub':'joe','exp':2147483648}", 2147483648., 0, JWT_EXPIRED, "2^31, exactly now" },
    { HEADER, "{'sub':'joe','exp':2147483649}", 2147483648., 0, JWT_VALID, "a second after 2^31" },
    { HEADER, "{'sub':'joe','exp':2147483647}", 2147483648., 0, JWT_EXPIRED, "a second before 2^31" },
    { HEADER, "{'sub':'joe','exp':2147487248,'nbf':2147483648,'iat':2147483648}", 2147483648., 0, JWT_VALID,
      "nbf and iat 2^31" },
    { HEADER, "{'sub':'joe','exp':2147487248,'nbf':2147483649}", 2147483648., 0, JWT_INVALID, "nbf after 2^31" },
    { HEADER, "{'sub':'joe','exp':2147487248,'iat':2147483649}", 2147483648., 0, JWT_INVALID, "iat after 2^31" },
    { HEADER, "{'sub':'joe','exp':4294967296}", 4294967295., 0, JWT_VALID, "2^32, a second before" },
    { HEADER, "{'sub':'joe','exp':4294967296}", 4294967296., 0, JWT_EXPIRED, "2^32, exactly now" },
    { HEADER, "{'sub':'joe','exp':4294967297}", 4294967296., 0, JWT_VALID, "a second after 2^32" },
    { HEADER, "{'sub':'joe','exp':4294967295}", 4294967296., 0, JWT_EXPIRED, "a second before 2^32" },
    { HEADER, "{'sub':'joe','exp':4294970896,'nbf':4294967296,'iat':4294967296}", 4294967296., 0, JWT_VALID,
      "nbf and iat 2^32" },
    { HEADER, "{'sub':'joe','exp':4294970896,'nbf':4294967297}", 4294967296., 0, JWT_INVALID, "nbf after 2^32" },
    { HEADER, "{'sub':'joe','exp':4294970896,'iat':4294967297}", 4294967296., 0, JWT_INVALID, "iat after 2^32" },
    { HEADER, "{'sub':'joe','exp':9007199254740992}", 9007199254740991., 0, JWT_VALID, "2^53, a second before" },
    { HEADER, "{'sub':'joe','exp':9007199254740991}", 9007199254740990., 0, JWT_VALID, "2^53 - 1, a second before" },
    { HEADER, "{'sub':'joe','exp':9007199254740991}", 9007199254740991., 0, JWT_EXPIRED, "2^53 - 1, exactly now" },
    { HEADER, "{'sub':'joe','exp':9007199254740992}", 9007199254740992., 0, JWT_EXPIRED, "2^53, exactly now" },
    { HEADER, "{'sub':'joe','exp':9007199254740992,'nbf':9007199254740991}", 9007199254740990., 0, JWT_INVALID,
      "nbf 2^53 - 1, a second before" },
    { HEADER, "{'sub':'joe','exp':2000}", 2147483648., 0, JWT_EXPIRED, "a small exp after 2^31" },
    { HEADER, "{'sub':'joe','exp':2000}", 4294968296., 0, JWT_EXPIRED, "no difference modulo 2^32" },
    { HEADER, "{'sub':'joe','exp':4294969296}", 1000., 0, JWT_VALID, "nor here" },
    { HEADER, "{'sub':'joe','exp':4294967796}", 1000., 0, JWT_VALID, "nor where it would be expired" },
    { HEADER, "{'sub':'joe','exp':2000,'nbf':4294967796}", 1000., 0, JWT_INVALID, "nor for nbf" },
    { HEADER, "{'sub':'joe','exp':-4294965296}", 1000., 0, JWT_EXPIRED, "nor below zero" },

    /* sub: section 4.1.2; more of them in subjects[] */
    { HEADER, "{'exp':2000}", 1000, 0, JWT_INVALID, "sub missing" },
    { HEADER, "{'Sub':'joe','exp':2000}", 1000, 0, JWT_INVALID, "Sub is not sub" },
    { HEADER, "{'sub':null,'exp':2000}", 1000, 0, JWT_INVALID, "sub null" },
    { HEADER, "{'sub':7,'exp':2000}", 1000, 0, JWT_INVALID, "sub a number" },
    { HEADER, "{'sub':false,'exp':2000}", 1000, 0, JWT_INVALID, "sub a boolean" },
    { HEADER, "{'sub':['joe'],'exp':2000}", 1000, 0, JWT_INVALID, "sub an array" },
    { HEADER, "{'sub':{},'exp':2000}", 1000, 0, JWT_INVALID, "sub an object" },
    { HEADER, "{'sub':'joe','exp':2000,'sub':'joe'}", 1000, 0, JWT_INVALID, "sub twice, the same" },
    { HEADER, "{'sub':'eve','exp':2000,'sub':'joe'}", 1000, 0, JWT_INVALID, "sub twice" },
    { HEADER, "{'sub':'joe','exp':2000,'s\\u0075b':'eve'}", 1000, 0, JWT_INVALID, "sub twice, one escaped" },
    { HEADER, "{'sub':'\\udc00','exp':2000}", 1000, 0, JWT_INVALID, "an unpaired surrogate" },
    { HEADER, "{'sub':'j\xf6" "e','exp':2000}", 1000, 0, JWT_INVALID, "Latin-1" },

    /* nbf: section 4.1.5 */
    { HEADER, "{'sub':'joe','exp':2000,'nbf':999}", 1000, 0, JWT_VALID, "nbf past" },
    { HEADER, "{'sub':'joe','exp':2000,'nbf':1000}", 1000, 0, JWT_VALID, "nbf exactly now" },
    { HEADER, "{'sub':'joe','exp':2000,'nbf':1000.5}", 1000.75, 0, JWT_VALID, "nbf with a fraction" },
    { HEADER, "{'sub':'joe','exp':2000,'nbf':-1}", 1000, 0, JWT_VALID, "nbf before 1970" },
    { HEADER, "{'sub':'joe','exp':2000,'nbf':1005}", 1000, 5, JWT_VALID, "nbf just within leeway" },
    { HEADER, "{'sub':'joe','exp':2000,'nbf':1006}", 1000, 5, JWT_INVALID, "nbf beyond leeway" },
    { HEADER, "{'sub':'joe','exp':2000,'nbf':1001}", 1000, 0, JWT_INVALID, "nbf future" },
    { HEADER, "{'sub':'joe','exp':2000,'nbf':1000.5}", 1000, 0, JWT_INVALID, "nbf in half a second" },
    { HEADER, "{'sub':'joe','exp':2000,'nbf':'999'}", 1000, 0, JWT_INVALID, "nbf a string" },
    { HEADER, "{'sub':'joe','exp':2000,'nbf':null}", 1000, 0, JWT_INVALID, "nbf null" },
    { HEADER, "{'sub':'joe','exp':2000,'nbf':false}", 1000, 0, JWT_INVALID, "nbf a boolean" },
    { HEADER, "{'sub':'joe','exp':2000,'nbf':[]}", 1000, 0, JWT_INVALID, "nbf an array" },
    { HEADER, "{'sub':'joe','exp':2000,'nbf':1e400}", 1000, 0, JWT_INVALID, "nbf out of range" },
    { HEADER, "{'sub':'joe','exp':2000,'nbf':1,'nbf':1}", 1000, 0, JWT_INVALID, "nbf twice" },

    /* iat: section 4.1.6 */
    { HEADER, "{'sub':'joe','exp':2000,'iat':999}", 1000, 0, JWT_VALID, "iat past" },
    { HEADER, "{'sub':'joe','exp':2000,'iat':1000}", 1000, 0, JWT_VALID, "iat exactly now" },
    { HEADER, "{'sub':'joe','exp':2000,'iat':999.5}", 1000, 0, JWT_VALID, "iat with a fraction" },
    { HEADER, "{'sub':'joe','exp':2000,'iat':1005}", 1000, 5, JWT_VALID, "iat just within leeway" },
    { HEADER, "{'sub':'joe','exp':2000,'iat':1006}", 1000, 5, JWT_INVALID, "iat beyond leeway" },
    { HEADER, "{'sub':'joe','exp':2000,'iat':1001}", 1000, 0, JWT_INVALID, "iat future" },
    { HEADER, "{'sub':'joe','exp':2000,'iat':1000.5}", 1000, 0, JWT_INVALID, "iat in half a second" },
    { HEADER, "{'sub':'joe','exp':2000,'iat':'999'}", 1000, 0, JWT_INVALID, "iat a string" },
    { HEADER, "{'sub':'joe','exp':2000,'iat':null}", 1000, 0, JWT_INVALID, "iat null" },
    { HEADER, "{'sub':'joe','exp':2000,'iat':true}", 1000, 0, JWT_INVALID, "iat a boolean" },
    { HEADER, "{'sub':'joe','exp':2000,'iat':{}}", 1000, 0, JWT_INVALID, "iat an object" },
    { HEADER, "{'sub':'joe','exp':2000,'iat':1e400}", 1000, 0, JWT_INVALID, "iat out of range" },
    { HEADER, "{'sub':'joe','exp':2000,'iat':1,'iat':1}", 1000, 0, JWT_INVALID, "iat twice" },

    /* aud: section 4.1.3; none is ours, so any is somebody else's */
    { HEADER, "{'sub':'joe','exp':2000,'aud':null}", 1000, 0, JWT_VALID, "aud null" },
    { HEADER, "{'sub':'joe','exp':2000,'aud':''}", 1000, 0, JWT_VALID, "aud empty" },
    { HEADER, "{'sub':'joe','exp':2000,'aud':[]}", 1000, 0, JWT_VALID, "aud an empty array" },
    { HEADER, "{'sub':'joe','exp':2000,'aud':[ \n ]}", 1000, 0, JWT_VALID, "aud an empty array with white space" },
    { HEADER, "{'sub':'joe','exp':2000,'aud':'x'}", 1000, 0, JWT_INVALID, "aud a string" },
    { HEADER, "{'sub':'joe','exp':2000,'aud':' '}", 1000, 0, JWT_INVALID, "aud a blank" },
    { HEADER, "{'sub':'joe','exp':2000,'aud':'\\u0000'}", 1000, 0, JWT_INVALID, "aud a NUL" },
    { HEADER, "{'sub':'joe','exp':2000,'aud':['x']}", 1000, 0, JWT_INVALID, "aud an array" },
    { HEADER, "{'sub':'joe','exp':2000,'aud':['']}", 1000, 0, JWT_INVALID, "aud an array of one empty" },
    { HEADER, "{'sub':'joe','exp':2000,'aud':[[]]}", 1000, 0, JWT_INVALID, "aud an array of an array" },
    { HEADER, "{'sub':'joe','exp':2000,'aud':{}}", 1000, 0, JWT_INVALID, "aud an object" },
    { HEADER, "{'sub':'joe','exp':2000,'aud':0}", 1000, 0, JWT_INVALID, "aud zero" },
    { HEADER, "{'sub':'joe','exp':2000,'aud':false}", 1000, 0, JWT_INVALID, "aud false" },
    { HEADER, "{'sub':'joe','exp':2000,'aud':'','aud':''}", 1000, 0, JWT_INVALID, "aud twice" },

    /* expired, and more: expired only if all else is right */
    { HEADER, "{'sub':'joe','exp':500,'nbf':400,'iat':400,'aud':[]}", 1000, 0, JWT_EXPIRED, "all else right" },
    { HEADER, "{'sub':'joe','exp':500,'nbf':1500}", 1000, 0, JWT_INVALID, "expired, and nbf future" },
    { HEADER, "{'sub':'joe','exp':500,'iat':1500}", 1000, 0, JWT_INVALID, "expired, and iat future" },
    { HEADER, "{'sub':'joe','exp':500,'nbf':null}", 1000, 0, JWT_INVALID, "expired, and nbf no number" },
    { HEADER, "{'sub':'joe','exp':500,'iat':'1'}", 1000, 0, JWT_INVALID, "expired, and iat no number" },
    { HEADER, "{'sub':'joe','exp':500,'aud':'x'}", 1000, 0, JWT_INVALID, "expired, and for somebody else" },
    { HEADER, "{'exp':500}", 1000, 0, JWT_INVALID, "expired, and sub missing" },
    { HEADER, "{'sub':7,'exp':500}", 1000, 0, JWT_INVALID, "expired, and sub a number" },
    { HEADER, "{'sub':'joe','exp':500,'x':1,'x':1}", 1000, 0, JWT_INVALID, "expired, and a name twice" },
    { HEADER, "{'sub':'joe','exp':500}x", 1000, 0, JWT_INVALID, "expired, and not JSON" },
    { "{'alg':'HS256','crit':['exp']}", "{'sub':'joe','exp':500}", 1000, 0, JWT_INVALID, "expired, and crit" },
    { "{'alg':'none'}", "{'sub':'joe','exp':500}", 1000, 0, JWT_INVALID, "expired, and none" },
};

static void test_rows(void)
{
    static const struct slice joe = S("joe");
    struct jwt_claims claims;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        enum jwt_result result = verify_with(&key, signed_row(r->header, r->payload), r->now, r->leeway, &claims);
        check(result == r->expected, "%s . %s at %g, leeway %g: %s, not %s: %s", r->header, r->payload, r->now,
              r->leeway, result_names[result], result_names[r->expected], r->why);
        check(result != JWT_VALID || sub_is(&claims, joe), "%s: sub is not joe: %s", r->payload, r->why);
    }
}

/* ---- subjects --------------------------------------------------------- */

static const struct subject {
    const char *json; /* ' for " */
    struct slice expected;
} subjects[] = {
    { "''", S("") },
    { "' '", S(" ") },
    { "'joe'", S("joe") },
    { "'\\u006A\\u006f\\u0065'", S("joe") },
    { "'a\\u0000b'", S("a\0b") },
    { "'\\u0000'", S("\0") },
    { "'\\'\\\\\\/\\b\\f\\n\\r\\t'", S("\"\\/\b\f\n\r\t") },
    { "'\\u00fc\xc3\xbc'", S("\xc3\xbc\xc3\xbc") },
    { "'\\ud83d\\ude00\xf0\x9f\x98\x80'", S("\xf0\x9f\x98\x80\xf0\x9f\x98\x80") },
    { "'\\uffff\\udbff\\udfff'", S("\xef\xbf\xbf\xf4\x8f\xbf\xbf") },
    { "'{\\u0022sub\\u0022:1}.]'", S("{\"sub\":1}.]") },
};

static void test_subjects(void)
{
    struct jwt_claims claims;
    char payload[256];
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        snprintf(payload, sizeof payload, "{'sub':%s,'exp':2000}", subjects[i].json);
        enum jwt_result result = verify_with(&key, signed_row(HEADER, payload), 1000, 0, &claims);
        check(result == JWT_VALID, "sub %s: %s", subjects[i].json, result_names[result]);
        check(sub_is(&claims, subjects[i].expected), "sub %s reads as %zu other bytes", subjects[i].json,
              claims.sub_len);
    }
}

/* ---- limits ----------------------------------------------------------- */

/* `unit` `times` over, in a member put between `head` and `tail`. */
static struct slice repeated(const char *head, const char *unit, size_t times, const char *tail)
{
    static char text[TEXT_ROOM], unquoted_text[TEXT_ROOM];
    struct buffer b = { .at = text, .cap = sizeof text - 1 };
    put_text(&b, head);
    while (times-- > 0)
        put_text(&b, unit);
    put_text(&b, tail);
    text[b.len] = '\0';
    check(!b.overflow, "a test payload of over %d bytes", TEXT_ROOM);
    return unquoted(text, unquoted_text);
}

static const struct limit {
    const char *head, *unit;
    size_t times;
    const char *tail;
    enum jwt_result expected;
    size_t token_len; /* where it is the point, else 0 */
    const char *why;
} limits[] = {
    { "{'exp':2000,'sub':'", "a", JWT_SUB_MAX, "'}", JWT_VALID, 0, "the longest sub" },
    { "{'exp':2000,'sub':'", "a", JWT_SUB_MAX + 1, "'}", JWT_INVALID, 0, "a byte too long" },
    { "{'exp':2000,'sub':'", "\xc3\xa9", JWT_SUB_MAX / 2, "'}", JWT_VALID, 0, "the longest, of two bytes each" },
    { "{'exp':2000,'sub':'a", "\xc3\xa9", JWT_SUB_MAX / 2, "'}", JWT_INVALID, 0, "half a character too long" },
    { "{'exp':2000,'sub':'", "\\u00e9", JWT_SUB_MAX / 2, "'}", JWT_VALID, 0, "bytes of UTF-8 count, not of JSON" },
    { "{'exp':2000,'sub':'a", "\\u00e9", JWT_SUB_MAX / 2, "'}", JWT_INVALID, 0, "half a character too long, escaped" },
    { "{'exp':2000,'sub':'", "\\ud83d\\ude00", JWT_SUB_MAX / 4, "'}", JWT_VALID, 0, "the longest, of pairs" },
    { "{'exp':2000,'sub':'abc", "\\ud83d\\ude00", JWT_SUB_MAX / 4, "'}", JWT_INVALID, 0, "too long, of pairs" },
    { "{'exp':2000,'sub':'", "\\u0000", JWT_SUB_MAX, "'}", JWT_VALID, 0, "the longest, of NULs" },
    { "{'exp':500,'sub':'", "a", JWT_SUB_MAX + 1, "'}", JWT_INVALID, 0, "expired, and sub too long" },
    /* header 36, two dots, signature 43: 32687 characters are left for the payload, 24515 bytes */
    { "{'exp':2000,'sub':'joe','x':'", "a", 24515 - 31, "'}", JWT_VALID, JWT_MAX, "the longest token" },
    { "{'exp':2000,'sub':'joe','x':'", "a", 24516 - 31, "'}", JWT_INVALID, JWT_MAX + 1, "a character too long" },
    { "{'exp':500,'sub':'joe','x':'", "a", 24516 - 30, "'}", JWT_INVALID, JWT_MAX + 1, "expired, and too long" },
    { "{'exp':2000,'sub':'joe','x':'", "a", 30000, "'}", JWT_INVALID, 0, "much too long" },
    { "{'exp':2000,'sub':'joe','x':'", "[", 20000, "", JWT_INVALID, 0, "a string without its end" },
    { "{'exp':2000,'sub':'joe','x':", "[", 20000, "}", JWT_INVALID, 0, "20000 deep" },
    { "{'exp':2000,'sub':'joe','x':", "{'a':", 3000, "}", JWT_INVALID, 0, "3000 objects deep" },
};

static void test_limits(void)
{
    static const struct slice header = S("{\"alg\":\"HS256\",\"typ\":\"JWT\"}");
    struct jwt_claims claims;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        const struct limit *l = &limits[i];
        struct slice token = signed_token(header, repeated(l->head, l->unit, l->times, l->tail));
        enum jwt_result result = verify_with(&key, token, 1000, 0, &claims);
        check(l->token_len == 0 || token.len == l->token_len, "%s: %zu characters", l->why, token.len);
        check(result == l->expected, "%zu times %s: %s: %s", l->times, l->unit, result_names[result], l->why);
    }
    for (unsigned extra = JSON_MEMBERS - 2; extra <= JSON_MEMBERS - 1; extra++) {
        char payload[1024];
        size_t n = (size_t)snprintf(payload, sizeof payload, "{\"sub\":\"joe\",\"exp\":2000");
        for (unsigned i = 0; i < extra; i++)
            n += (size_t)snprintf(payload + n, sizeof payload - n, ",\"m%u\":1", i);
        payload[n++] = '}';
        enum jwt_result result = verify(signed_token(header, (struct slice){ payload, n }), 1000);
        check(result == (extra + 2 <= JSON_MEMBERS ? JWT_VALID : JWT_INVALID), "%u members: %s", extra + 2,
              result_names[result]);
    }
}

/* ---- segments that are not what an encoder makes, rightly signed ------- */

#define H64 "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9" /* {"alg":"HS256","typ":"JWT"} */
#define P64 "eyJzdWIiOiJqb2UiLCJleHAiOjIwMDB9"     /* {"sub":"joe","exp":2000} */

/* The MAC of all of `input` is appended, so only base64url or the number of
 * segments is wrong with these. */
static const struct segments {
    struct slice input;
    enum jwt_result expected;
    const char *why;
} segments[] = {
    { S(H64 "." P64), JWT_VALID, "nothing wrong" },
    { S("eyJhbGciOiJIUzI1NiIgfQ." P64), JWT_VALID, "a header of 16 bytes" },
    { S("eyJhbGciOiJIUzI1NiIgfR." P64), JWT_INVALID, "a spare bit in the header" },
    { S("eyJhbGciOiJIUzI1NiIgfY." P64), JWT_INVALID, "another" },
    { S("eyJhbGciOiJIUzI1NiIgfQ==." P64), JWT_INVALID, "the header padded" },
    { S("eyJhbGciOiJIUzI1NiIgfQ=." P64), JWT_INVALID, "the header padded by half" },
    { S(H64 "=." P64), JWT_INVALID, "padding behind a whole header" },
    { S(H64 "A." P64), JWT_INVALID, "six bits too many in the header" },
    { S(H64 "AA." P64), JWT_INVALID, "a NUL behind the header" },
    { S(H64 "IA." P64), JWT_VALID, "a space behind the header: JSON's to allow" },
    { S(H64 ".eyJzdWIiOiJqb2UiLCJleHAiOjIwMDAwfQ"), JWT_VALID, "a payload of 25 bytes" },
    { S(H64 ".eyJzdWIiOiJqb2UiLCJleHAiOjIwMDAwfR"), JWT_INVALID, "a spare bit in the payload" },
    { S(H64 ".eyJzdWIiOiJqb2UiLCJleHAiOjIwMDAwfQ=="), JWT_INVALID, "the payload padded" },
    { S(H64 ".eyJzdWIiOiJqb2UiLCJleHAiOjIwMDAwMH0"), JWT_VALID, "a payload of 26 bytes" },
    { S(H64 ".eyJzdWIiOiJqb2UiLCJleHAiOjIwMDAwMH1"), JWT_INVALID, "a spare bit in the payload" },
    { S(H64 ".eyJzdWIiOiJqb2UiLCJleHAiOjIwMDAwMH2"), JWT_INVALID, "the other one" },
    { S(H64 ".eyJzdWIiOiJqb2UiLCJleHAiOjIwMDAwMH0="), JWT_INVALID, "the payload padded" },
    { S(H64 "." P64 "A"), JWT_INVALID, "six bits too many in the payload" },
    { S(H64 "." P64 "AA"), JWT_INVALID, "a NUL behind the payload" },
    { S(H64 ".eyJzdWIiOiJqb2UiLCJleHAiOjIwMDAsIngiOiJ-fn4_Pz8-Pj4ifQ"), JWT_VALID, "- and _ in the payload" },
    { S(H64 ".eyJzdWIiOiJqb2UiLCJleHAiOjIwMDAsIngiOiJ+fn4/Pz8+Pj4ifQ"), JWT_INVALID, "+ and / in the payload" },
    { S(H64 ".eyJzdWIiOiJqb2UiLCJleHAiOjIwMDAsIngiOiJ+fn4_Pz8-Pj4ifQ"), JWT_INVALID, "one + in the payload" },
    { S(H64 ".eyJzdWIiOiJqb2UiLCJleHAiOjIwMDAsIngiOiJ-fn4/Pz8-Pj4ifQ"), JWT_INVALID, "one / in the payload" },
    { S("eyJhbGciOiJIUzI1NiIsIngiOiJ-fn4_Pz8-Pj4ifQ." P64), JWT_VALID, "- and _ in the header" },
    { S("eyJhbGciOiJIUzI1NiIsIngiOiJ+fn4/Pz8+Pj4ifQ." P64), JWT_INVALID, "+ and / in the header" },
    { S(" " H64 "." P64), JWT_INVALID, "a space in front" },
    { S(H64 " ." P64), JWT_INVALID, "a space behind the header" },
    { S(H64 ". " P64), JWT_INVALID, "a space before the payload" },
    { S(H64 "." P64 " "), JWT_INVALID, "a space behind the payload" },
    { S(H64 ".\n" P64), JWT_INVALID, "a line end before the payload" },
    { S(H64 "." P64 "\r\n"), JWT_INVALID, "a line end behind the payload" },
    { S(H64 ".eyJzdWIi\nOiJqb2UiLCJleHAiOjIwMDB9"), JWT_INVALID, "a line end within" },
    { S(H64 "\t." P64), JWT_INVALID, "a tab" },
    { S(H64 "." P64 "\0"), JWT_INVALID, "a NUL behind the payload" },
    { S(H64 ".\0" P64), JWT_INVALID, "a NUL before the payload" },
    { S(H64 "." P64 "\xc3\xa9"), JWT_INVALID, "a byte over 127" },
    { S(H64 "%2E" P64), JWT_INVALID, "an encoded dot" },
    { S("{\"alg\":\"HS256\"}." P64), JWT_INVALID, "the header not encoded" },
    { S(H64 ".{\"sub\":\"joe\",\"exp\":2000}"), JWT_INVALID, "the payload not encoded" },
    { S(P64 "." H64), JWT_INVALID, "the two swapped" },
    { S(H64 "." H64), JWT_INVALID, "the header twice" },
    { S(P64 "." P64), JWT_INVALID, "the payload twice" },
    { S("." P64), JWT_INVALID, "the header empty" },
    { S(H64 "."), JWT_INVALID, "the payload empty" },
    { S("."), JWT_INVALID, "both empty" },
    { S(""), JWT_INVALID, "two segments, the first empty" },
    { S(H64), JWT_INVALID, "two segments" },
    { S(P64), JWT_INVALID, "two segments" },
    { S(H64 P64), JWT_INVALID, "two segments, one dot lost" },
    { S("." H64 "." P64), JWT_INVALID, "four segments, the first empty" },
    { S(H64 ".." P64), JWT_INVALID, "four segments, the second empty" },
    { S(H64 "." P64 "."), JWT_INVALID, "four segments, the third empty" },
    { S(H64 "." P64 "." P64), JWT_INVALID, "four segments" },
    { S(H64 "." P64 "." P64 "." P64), JWT_INVALID, "five segments, as JWE has" },
};

static void test_segments(void)
{
    char room[512];
    for (size_t i = 0; i < sizeof segments / sizeof *segments; i++) {
        struct buffer token = { .at = room, .cap = sizeof room };
        put_bytes(&token, segments[i].input.at, segments[i].input.len);
        put_mac(&token, &key);
        enum jwt_result result = verify((struct slice){ room, token.len }, 1000);
        check(result == segments[i].expected, "%.*s: %s: %s", (int)token.len, room, result_names[result],
              segments[i].why);
    }
}

/* ---- whole tokens ----------------------------------------------------- */

#define ROMEL64 "eyJzdWIiOiJSb21lbCIsImV4cCI6MTczMTU0NTg0M30" /* {"sub":"Romel","exp":1731545843} */
#define SIGNED H64 "." ROMEL64
#define MAC "DSyanTRicIwLj9gNGiN1QOnzngb26uOIetFnaQxnyvY"
#define TOKEN SIGNED "." MAC
#define NONE64 "eyJhbGciOiJub25lIn0" /* {"alg":"none"} */
#define FUNNY \
    H64 ".eyJzdWIiOiJcdTAwZmNuXHUwMGVmXHUwMDAwXHUwMGU5XHVkODNkXHVkZTAwXCI8PiYvIiwiZXhwIjoyMDAwMDAwMDAwfQ."
#define NUL_MAC H64 ".eyJzdWIiOiJqb2UiLCJleHAiOjIyODR9." /* {"sub":"joe","exp":2284} */

enum { EXP = 1731545843 };

static const struct whole {
    struct slice token;
    double now;
    enum jwt_result expected;
    const char *why;
} wholes[] = {
    { S(TOKEN), EXP - 1, JWT_VALID, "PyJWT's" },
    { S(TOKEN), EXP, JWT_EXPIRED, "exactly now" },
    { S(TOKEN), EXP + 1, JWT_EXPIRED, "a second ago" },
    { S(TOKEN), 0, JWT_VALID, "in 1970" },
    { S(FUNNY "5vB4mQ86uN8n_0m_9TY5U2HgwOidjR1K6HJWsVnwgYQ"), EXP, JWT_VALID, "PyJWT's, with escapes" },
    { S(FUNNY "5vB4mQ86uN8n/0m/9TY5U2HgwOidjR1K6HJWsVnwgYQ"), EXP, JWT_INVALID, "/ for _ in the signature" },
    { S(FUNNY "5vB4mQ86uN8n_0m/9TY5U2HgwOidjR1K6HJWsVnwgYQ"), EXP, JWT_INVALID, "one / in the signature" },
    { S(FUNNY "5vB4mQ86uN8n-0m-9TY5U2HgwOidjR1K6HJWsVnwgYQ"), EXP, JWT_INVALID, "- for _ in the signature" },
    { S(FUNNY MAC), EXP, JWT_INVALID, "another token's signature" },
    { S(SIGNED ".5vB4mQ86uN8n_0m_9TY5U2HgwOidjR1K6HJWsVnwgYQ"), EXP - 1, JWT_INVALID, "and the other way round" },

    /* malleable signatures: the last character has two spare bits */
    { S(SIGNED ".DSyanTRicIwLj9gNGiN1QOnzngb26uOIetFnaQxnyvZ"), EXP - 1, JWT_INVALID, "spare bits 01" },
    { S(SIGNED ".DSyanTRicIwLj9gNGiN1QOnzngb26uOIetFnaQxnyva"), EXP - 1, JWT_INVALID, "spare bits 10" },
    { S(SIGNED ".DSyanTRicIwLj9gNGiN1QOnzngb26uOIetFnaQxnyvb"), EXP - 1, JWT_INVALID, "spare bits 11" },
    { S(TOKEN "="), EXP - 1, JWT_INVALID, "padding" },
    { S(TOKEN "=="), EXP - 1, JWT_INVALID, "more padding" },
    { S(TOKEN "A"), EXP - 1, JWT_INVALID, "a character more" },
    { S(TOKEN "AA"), EXP - 1, JWT_INVALID, "two characters more" },
    { S(TOKEN "AAAA"), EXP - 1, JWT_INVALID, "four characters more" },
    { S(SIGNED ".DSyanTRicIwLj9gNGiN1QOnzngb26uOIetFnaQxnyvYA"), EXP - 1, JWT_INVALID, "33 bytes, the last zero" },
    { S(SIGNED ".DSyanTRicIwLj9gNGiN1QOnzngb26uOIetFnaQxnyvYN"
        "LJqdNGJwjAuP2A0aI3VA6fOeBvbq44h60WdpDGfK9g"), EXP - 1, JWT_INVALID, "64 bytes, the MAC twice" },
    { S(SIGNED ".DSyanTRicIwLj9gNGiN1QOnzngb26uOIetFnaQxnyg"), EXP - 1, JWT_INVALID, "31 bytes" },
    { S(SIGNED ".DSyanTRicIwLj9gNGiN1QA"), EXP - 1, JWT_INVALID, "truncated to 16 bytes" },
    { S(SIGNED ".DSya"), EXP - 1, JWT_INVALID, "truncated to 3 bytes" },
    { S(SIGNED ".DQ"), EXP - 1, JWT_INVALID, "truncated to a byte" },
    { S(SIGNED ".D"), EXP - 1, JWT_INVALID, "six bits" },
    { S(SIGNED "."), EXP - 1, JWT_INVALID, "no signature" },
    { S(SIGNED), EXP - 1, JWT_INVALID, "nor a dot" },
    { S(SIGNED ".AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), EXP - 1, JWT_INVALID, "zeros" },
    { S(SIGNED ".9spnDGln0XqI4-r2Bp7z6UB1IxoN2I8LjHBiNJ2aLA0"), EXP - 1, JWT_INVALID, "the MAC backwards" },
    { S(SIGNED ".0d2c9a9d3462708c0b8fd80d1a237540e9f39e06f6eae3887ad167690c67caf6"), EXP - 1, JWT_INVALID, "in hex" },
    { S(SIGNED ".dSyanTRicIwLj9gNGiN1QOnzngb26uOIetFnaQxnyvY"), EXP - 1, JWT_INVALID, "a letter's case" },

    { S(NUL_MAC "AHLtcyu8-InRD0ReEsA-Y9yZ7nZ4aQ8zEws1WNllsVA"), 1000, JWT_VALID, "a MAC that begins with NUL" },
    { S(NUL_MAC "AHPtcyu8-InRD0ReEsA-Y9yZ7nZ4aQ8zEws1WNllsVA"), 1000, JWT_INVALID, "and is not a string" },

    /* MACs of something else, or by something else */
    { S(SIGNED ".Tc0MGotqOFHiGYOlXDHubh92z25j8vyeUtyBb5VfU84"), EXP - 1, JWT_INVALID, "SHA-256 without a key" },
    { S(SIGNED "._WZmAqSwCvXgCMa1eoP0rxgxcg3WO1ImIkg1vCQ0l7A"), EXP - 1, JWT_INVALID, "with the empty key" },
    { S(SIGNED ".Fo6BlgmWgk3RgZFRQYkWanKl2WOMG9rFkqF1i8pkePM"), EXP - 1, JWT_INVALID, "of the payload alone" },
    { S(SIGNED ".DtIgt6RkgEApu4B66_7GKpcbcXP86QjQ6G8SftGEBoQ"), EXP - 1, JWT_INVALID, "of the header alone" },
    { S(SIGNED ".GcVVqBG8BYjcix-P24fOowjW8McLn_aOO4gyQ4HtEDY"), EXP - 1, JWT_INVALID, "of both and a dot" },
    { S(SIGNED ".RYRDoj2uuxvQdY8d8xBOA9oC7_x_foUk78KYrRcxpXo"), EXP - 1, JWT_INVALID, "of both the other way round" },
    { S(SIGNED ".NoJcgTVrCKDpJl7CrgECuZ1fFKrBb6QbBVGZGzDmXkc"), EXP - 1, JWT_INVALID, "of the decoded texts" },
    { S(SIGNED ".KzC8ZbNCcCsdD6w3CNvhFtt_RqBcwmVbYqQAwO6Gdhl003G7jRrpOkKtXSZ6VX6Q"), EXP - 1, JWT_INVALID,
      "HMAC-SHA-384" },
    { S(SIGNED ".GjVqtb2Ajq8-XwgHuBAwWTzVJWwxhcgGZaAgUfPRXZzVn81r3Y-2aNPbUc3ai7xhkInDiT392zp38ZBQ_DcF8w"), EXP - 1,
      JWT_INVALID, "HMAC-SHA-512" },
    { S("eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9." ROMEL64
        ".idnAmX_2vusaHrQC4o6UDG8trpzSqorQaRMKLAdoCwqOFPKTje2OOFiF1eUPCkf-"), EXP - 1, JWT_INVALID, "HS384, right" },
    { S("eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9." ROMEL64
        ".-OJ63uTJA5hABcB4drZV5j2FcQ3GzPpvWlywCHmqajyftku-jDOIcsc8YqzZsTDwEFvZDDEIh-F44VpKeECVww"), EXP - 1,
      JWT_INVALID, "HS512, right" },
    { S(NONE64 "." ROMEL64 "."), EXP - 1, JWT_INVALID, "none, no signature (RFC 7519 6.1)" },
    { S("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." ROMEL64 "."), EXP - 1, JWT_INVALID, "none with typ" },
    { S(NONE64 "." ROMEL64), EXP - 1, JWT_INVALID, "none, no third segment" },
    { S(NONE64 "." ROMEL64 "." MAC), EXP - 1, JWT_INVALID, "none, another's signature" },
    { S(NONE64 "." ROMEL64 ".hDabK1zlp06wqhY3uZCcdFVQ5QcmCDidu02X1pzI7jw"), EXP - 1, JWT_INVALID, "none, signed" },

    /* bad signature and expired: the signature wins */
    { S(SIGNED ".DSyanTRicIwLj9gNGiN1QOnzngb26uOIetFnaQxnyvU"), EXP + 1, JWT_INVALID, "expired, the last bit wrong" },
    { S(SIGNED ".CSyanTRicIwLj9gNGiN1QOnzngb26uOIetFnaQxnyvY"), EXP + 1, JWT_INVALID, "expired, the first bits wrong" },
    { S(SIGNED ".DSyanTRicIwLj9gNGiN1QOnzngb26uOIetFnaQxnyvZ"), EXP + 1, JWT_INVALID, "expired, a spare bit" },
    { S(SIGNED ".AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), EXP + 1, JWT_INVALID, "expired, zeros" },
    { S(SIGNED "."), EXP + 1, JWT_INVALID, "expired, no signature" },
    { S(TOKEN "="), EXP + 1, JWT_INVALID, "expired, padded" },
    { S(NONE64 "." ROMEL64 "."), EXP + 1, JWT_INVALID, "expired, none" },

    /* what else a header field may hold */
    { S(""), EXP - 1, JWT_INVALID, "nothing" },
    { S("."), EXP - 1, JWT_INVALID, "a dot" },
    { S(".."), EXP - 1, JWT_INVALID, "two dots" },
    { S("..."), EXP - 1, JWT_INVALID, "three dots" },
    { S("\0"), EXP - 1, JWT_INVALID, "NUL" },
    { S("undefined"), EXP - 1, JWT_INVALID, "a word" },
    { S(H64), EXP - 1, JWT_INVALID, "one segment" },
    { S("." ROMEL64 "." MAC), EXP - 1, JWT_INVALID, "header empty" },
    { S(H64 ".." MAC), EXP - 1, JWT_INVALID, "payload empty" },
    { S(".." MAC), EXP - 1, JWT_INVALID, "both empty" },
    { S("." TOKEN), EXP - 1, JWT_INVALID, "a leading dot" },
    { S(TOKEN "."), EXP - 1, JWT_INVALID, "a trailing dot" },
    { S(TOKEN "." MAC), EXP - 1, JWT_INVALID, "the signature twice" },
    { S(TOKEN "." TOKEN), EXP - 1, JWT_INVALID, "the token twice" },
    { S(SIGNED ".." MAC), EXP - 1, JWT_INVALID, "an empty segment before the signature" },
    { S(TOKEN ".AA.AA"), EXP - 1, JWT_INVALID, "five segments" },
    { S(TOKEN "\n"), EXP - 1, JWT_INVALID, "a line end" },
    { S(TOKEN "\r\n"), EXP - 1, JWT_INVALID, "a line end" },
    { S(TOKEN " "), EXP - 1, JWT_INVALID, "a space behind" },
    { S(" " TOKEN), EXP - 1, JWT_INVALID, "a space in front" },
    { S("\t" TOKEN), EXP - 1, JWT_INVALID, "a tab in front" },
    { S(TOKEN "\0"), EXP - 1, JWT_INVALID, "a NUL behind" },
    { S(TOKEN "\0.x"), EXP - 1, JWT_INVALID, "a NUL and more" },
    { S(TOKEN ","), EXP - 1, JWT_INVALID, "a comma" },
    { S("\"" TOKEN "\""), EXP - 1, JWT_INVALID, "in quotes" },
    { S("Bearer " TOKEN), EXP - 1, JWT_INVALID, "the scheme is not ours to read" },
    { S(H64 " . " ROMEL64 " . " MAC), EXP - 1, JWT_INVALID, "spaces around the dots" },
    { S("{\"payload\":\"" ROMEL64 "\",\"protected\":\"" H64 "\",\"signature\":\"" MAC "\"}"), EXP - 1, JWT_INVALID,
      "JSON serialization (RFC 7515 7.2)" },
};

static void test_wholes(void)
{
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) {
        const struct whole *w = &wholes[i];
        enum jwt_result result = verify(w->token, w->now);
        check(result == w->expected, "%.*s at %.0f: %s: %s", (int)w->token.len, w->token.at, w->now,
              result_names[result], w->why);
    }
    check(verify((struct slice){ NULL, 0 }, 0) == JWT_INVALID, "no token at all");
}

/* The token of `wholes`, other keys. */
static void test_keys(void)
{
    static const struct slice token = S(TOKEN), keys[] = {
        S(""), S("your_secret_ke"), S("your_secret_key "), S("your_secret_key\n"), S("Your_secret_key"),
        S("your_secret_kez"), S("\0your_secret_key"), S("secret"), S(H64), S(MAC),
    };
    struct jwt_claims claims;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct hmac_key other = key_of(keys[i]);
        for (int now = EXP - 1; now <= EXP; now++) {
            enum jwt_result result = verify_with(&other, token, now, 0, &claims);
            check(result == JWT_INVALID, "wrong key %zu, %.*s, at %d: %s", i, (int)keys[i].len, keys[i].at, now,
                  result_names[result]);
        }
    }
}

/* Any of several keys, wherever it stands; and which one it was. */
static void test_several_keys(void)
{
    static const struct slice token = S(TOKEN);
    static struct jwt_trace trace;
    struct jwt_claims claims;
    for (unsigned count = 0; count <= JWT_KEYS_MAX; count++) {
        struct jwt_keys keys = { .count = count };
        for (unsigned i = 0; i < JWT_KEYS_MAX; i++)
            keys.key[i] = key_of((struct slice){ "another key", i % 12 });
        enum jwt_result result = jwt_verify(&keys, token, EXP - 1, 0, &claims, NULL);
        check(result == JWT_INVALID, "%u other keys: %s", count, result_names[result]);
        for (unsigned at = 0; at < JWT_KEYS_MAX; at++) {
            struct hmac_key other = keys.key[at];
            keys.key[at] = key;
            result = jwt_verify(&keys, token, EXP - 1, 0, &claims, NULL);
            check(result == (at < count ? JWT_VALID : JWT_INVALID), "key %u of %u: %s", at, count, result_names[result]);
            result = jwt_verify(&keys, token, EXP, 0, &claims, &trace);
            check(result == (at < count ? JWT_EXPIRED : JWT_INVALID), "key %u of %u: %s", at, count,
                  result_names[result]);
            check(at >= count || trace.key == at, "key %u of %u: told as %u", at, count, trace.key);
            keys.key[at] = other;
        }
    }
}

/* ---- what a trace says ------------------------------------------------- */

static const struct told {
    const char *token; /* header . payload, ' for ", to be signed; or a token as it is */
    enum jwt_check check;
    const char *fault; /* a part of it */
    const char *saw;   /* NULL: no matter */
    long at;           /* in the token, the header or the payload; -1: nowhere */
} tolds[] = {
    { TOKEN, JWT_CHECKS, "", NULL, -1 },
    { "a.b", JWT_SEGMENTS, "three", "a.b", -1 },
    { TOKEN ".x", JWT_SEGMENTS, "three", TOKEN ".x", -1 },
    { H64 "." "eyJz+WIi." MAC, JWT_PAYLOAD_TEXT, "not base64url", "eyJz+WIi", 41 },
    { H64 "=." ROMEL64 "." MAC, JWT_HEADER_TEXT, "not base64url", H64 "=", 36 },
    { H64 "." ROMEL64 "AA." MAC, JWT_PAYLOAD_TEXT, "one too many", ROMEL64 "AA", 81 },
    { SIGNED ".DSyanTRicIwLj9gNGiN1QOnzngb26uOIetFnaQxnyvZ", JWT_SIGNATURE_TEXT, "bits over", NULL, 123 },
    { SIGNED ".DSyanTRicIwLj9gNGiN1QOnzngb26uOIetFnaQxny.v", JWT_SEGMENTS, "three", NULL, -1 },
    { SIGNED ".DSyanTRicIwLj9gNGiN1QOnzngb26uOIetFnaQxny\x00v", JWT_SIGNATURE_TEXT, "43", NULL, -1 },
    { SIGNED ".DSyanTRicIwLj9gNGiN1QOnzngb26uOIetFnaQxnyvU", JWT_MAC, "no key", NULL, -1 },
    { "{'alg':'RS256'} " CLAIMS, JWT_ALG, "only HS256", "\"RS256\"", 7 },
    { "{'typ':'JWT'} " CLAIMS, JWT_ALG, "only HS256", NULL, -1 },
    { "{'alg':'HS256','crit':[]} " CLAIMS, JWT_CRIT, "extension", "[]", 22 },
    { "{'alg':'HS256',} " CLAIMS, JWT_HEADER, "a string was expected", NULL, 15 },
    { "{'alg':'HS256','alg':'HS256'} " CLAIMS, JWT_HEADER_NAMES, "twice", NULL, 15 },
    { HEADER " {'sub':'joe','exp':2000,'x':1,'x':2}", JWT_PAYLOAD_NAMES, "twice", NULL, 30 },
    { HEADER " {'sub':'joe','exp':2000}}", JWT_PAYLOAD, "behind", NULL, 24 },
    { HEADER " {'exp':2000}", JWT_SUB, "missing", NULL, -1 },
    { HEADER " {'sub':7,'exp':2000}", JWT_SUB, "not a string", "7", 7 },
    { HEADER " {'sub':'joe'}", JWT_EXP, "missing", NULL, -1 },
    { HEADER " {'sub':'joe','exp':'2000'}", JWT_EXP, "number", "\"2000\"", 19 },
    { HEADER " {'sub':'joe','exp':2000,'nbf':1001}", JWT_NBF, "ahead", "1001", 30 },
    { HEADER " {'sub':'joe','exp':2000,'iat':null}", JWT_IAT, "number", "null", 30 },
    { HEADER " {'sub':'joe','exp':2000,'aud':'x'}", JWT_AUD, "somebody else", "\"x\"", 30 },
    { HEADER " {'sub':'joe','exp':1000}", JWT_ALIVE, "expired", "1000", 19 },
};

static void test_told(void)
{
    static struct jwt_trace t;
    struct jwt_keys keys = { 1, { key } };
    struct jwt_claims claims;
    for (size_t i = 0; i < sizeof tolds / sizeof *tolds; i++) {
        const struct told *w = &tolds[i];
        char header[256], payload[256];
        const char *space = strchr(w->token, ' ');
        struct slice token = slice_of(w->token);
        if (space) {
            snprintf(header, sizeof header, "%.*s", (int)(space - w->token), w->token);
            snprintf(payload, sizeof payload, "%s", space + 1);
            token = signed_row(header, payload);
        }
        memset(t.step, 0, sizeof t.step);
        jwt_verify(&keys, token, 1000, 0, &claims, &t);
        int first = 0;
        while (first < JWT_CHECKS && !t.step[first].fault)
            first++;
        check(first == (int)w->check, "%s: check %d fails, not %d", w->token, first, (int)w->check);
        if (first != (int)w->check || first == JWT_CHECKS)
            continue;
        const struct jwt_step *s = &t.step[first];
        const char *text = first < JWT_HEADER ? token.at : first < JWT_MAC ? t.header : t.payload;
        check(strstr(s->fault, w->fault) != NULL, "%s: says %s", w->token, s->fault);
        check(!w->saw || slice_is(s->saw, w->saw), "%s: saw %.*s", w->token, (int)s->saw.len, s->saw.at);
        check((s->at ? s->at - text : -1) == w->at, "%s: at %ld, not %ld", w->token, s->at ? (long)(s->at - text) : -1L,
              w->at);
    }
}

/* ---- RFC 7515 appendix A.1 -------------------------------------------- */

static void test_rfc7515(void)
{
    static const char secret[] = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0i"
                                 "PS4hcgUuTwjAzZr1Z9CAow";
    static const char input[] = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
                                ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
                                "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    static const char expected[] = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    static const struct slice joe = S("joe");
    uint8_t octets[64], right[SHA256_DIGEST], mac[SHA256_DIGEST];
    char room[512];
    struct jwt_claims claims;
    check(base64url_decode(secret, sizeof secret - 1, octets) == 64, "A.1's key has 64 octets");
    check(base64url_decode(expected, sizeof expected - 1, right) == SHA256_DIGEST, "A.1's MAC has 32 octets");
    struct hmac_key k = key_of((struct slice){ (const char *)octets, sizeof octets });
    hmac_sha256(&k, input, sizeof input - 1, mac);
    check(memcmp(mac, right, sizeof mac) == 0, "A.1's MAC");

    struct buffer token = { .at = room, .cap = sizeof room };
    put_text(&token, input);
    put_char(&token, '.');
    put_text(&token, expected);
    for (double now = 1300819379; now <= 1300819381; now++) {
        enum jwt_result result = verify_with(&k, (struct slice){ room, token.len }, now, 0, &claims);
        check(result == JWT_INVALID, "A.1's token at %.0f, signed but without sub: %s", now, result_names[result]);
    }
    /* its header and a payload in its manner, with a sub: CRLFs are white space */
    static const struct slice header = S("{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}");
    static const struct slice payload = S("{\"sub\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://e/is_root\":true}");
    enum jwt_result result = verify_with(&key, signed_token(header, payload), 1300819379, 0, &claims);
    check(result == JWT_VALID && sub_is(&claims, joe), "A.1's header, with a sub: %s", result_names[result]);
}

/* ---- every mutation --------------------------------------------------- */

/* Any byte changed, lost, repeated, put in or swapped; every part of it. */
static void test_mutations(void)
{
    static const struct slice token = S(TOKEN);
    char *at = guarded(token.at, token.len), longer[sizeof TOKEN];
    struct jwt_claims claims;
    check(verify(token, EXP - 1) == JWT_VALID, "the token to mutate");
    for (size_t i = 0; i < token.len; i++) {
        unsigned taken = 0;
        for (int byte = 0; byte < 256; byte++) {
            at[i] = (char)byte;
            if (at[i] != token.at[i])
                taken += judge(&key, (struct slice){ at, token.len }, EXP - 1, 0, &claims) != JWT_INVALID;
            at[i] = token.at[i];
        }
        check(taken == 0, "character %zu changed: taken for %u other bytes", i, taken);
    }
    for (size_t i = 0; i + 1 < token.len; i++) {
        if (token.at[i] == token.at[i + 1])
            continue;
        at[i] = token.at[i + 1], at[i + 1] = token.at[i];
        enum jwt_result result = judge(&key, (struct slice){ at, token.len }, EXP - 1, 0, &claims);
        check(result == JWT_INVALID, "characters %zu and %zu swapped: %s", i, i + 1, result_names[result]);
        at[i] = token.at[i], at[i + 1] = token.at[i + 1];
    }
    guarded_free(at, token.len);
    for (size_t n = 0; n < token.len; n++) {
        check(verify((struct slice){ token.at, n }, EXP - 1) == JWT_INVALID, "its first %zu characters", n);
        check(verify((struct slice){ token.at + token.len - n, n }, EXP - 1) == JWT_INVALID, "its last %zu", n);
        memcpy(longer, token.at, n);
        memcpy(longer + n, token.at + n + 1, token.len - n - 1);
        check(verify((struct slice){ longer, token.len - 1 }, EXP - 1) == JWT_INVALID, "without character %zu", n);
    }
    for (int byte = 0; byte < 256; byte++) {
        memcpy(longer, token.at, token.len);
        longer[token.len] = (char)byte;
        check(verify((struct slice){ longer, token.len + 1 }, EXP - 1) == JWT_INVALID, "byte %d behind it", byte);
        longer[0] = (char)byte;
        memcpy(longer + 1, token.at, token.len);
        check(verify((struct slice){ longer, token.len + 1 }, EXP - 1) == JWT_INVALID, "byte %d before it", byte);
    }
    for (size_t i = 0; i <= token.len; i++) {
        static const char extra[] = "A.=- \n";
        for (size_t e = 0; e < sizeof extra; e++) { /* its NUL too */
            memcpy(longer, token.at, i);
            longer[i] = extra[e];
            memcpy(longer + i + 1, token.at + i, token.len - i);
            check(verify((struct slice){ longer, token.len + 1 }, EXP - 1) == JWT_INVALID, "byte %d put in at %zu",
                  extra[e], i);
        }
    }
}

/* ---- writing ---------------------------------------------------------- */

#define K64 "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
#define JOE1 H64 ".eyJzdWIiOiJqb2UiLCJleHAiOjF9."

static const struct written {
    struct slice key, sub;
    int64_t exp;
    struct slice token;
    const char *why;
} writtens[] = {
    { S("your_secret_key"), S("Romel"), EXP, S(TOKEN), "the original's guide" },
    { S("your_secret_key"), S("\xc3\xbcn\xc3\xaf\0\xc3\xa9\xf0\x9f\x98\x80\"<>&/"), 2000000000,
      S(FUNNY "5vB4mQ86uN8n_0m_9TY5U2HgwOidjR1K6HJWsVnwgYQ"), "escapes" },
    { S("your_secret_key"), S(""), 0, S(H64 ".eyJzdWIiOiIiLCJleHAiOjB9.i7jhQ8W0g1FmXVnX1-btEyeExYIwv5RRZOOnCgKyNyo"),
      "nobody, never" },
    { S("your_secret_key"), S("joe"), INT64_MAX,
      S(H64 ".eyJzdWIiOiJqb2UiLCJleHAiOjkyMjMzNzIwMzY4NTQ3NzU4MDd9.ji6U_q9Z_Z1oI7XB5m1IcCeR-CMnOI9PGVIYCYaSZrE"),
      "the last second" },
    { S("your_secret_key"), S("joe"), 2147483648,
      S(H64 ".eyJzdWIiOiJqb2UiLCJleHAiOjIxNDc0ODM2NDh9.pJuIuBADqSQr93Oa02FEMfpb0RScqNQtk4QBG9Jo2qg"), "2^31" },
    { S("your_secret_key"), S("joe"), 4294967296,
      S(H64 ".eyJzdWIiOiJqb2UiLCJleHAiOjQyOTQ5NjcyOTZ9.oD5ZelrcDaxoUjOVd5kRVIBUzWd8SQXLYADrBko_4Ys"), "2^32" },
    { S("your_secret_key"), S("joe"), 9007199254740991,
      S(H64 ".eyJzdWIiOiJqb2UiLCJleHAiOjkwMDcxOTkyNTQ3NDA5OTF9.VOP-VKzwr1QdIH504-gQOJ7xTSpAQekixcUOFEzPjFo"),
      "2^53 - 1" },
    { S("your_secret_key"), S("aaa"), 12,
      S(H64 ".eyJzdWIiOiJhYWEiLCJleHAiOjEyfQ.rXym2oxsqTIiuW53fwRqu1IsxoEsqkpTkAo7D4Q-syU"), "22 bytes of payload" },
    { S("your_secret_key"), S("aaaa"), 12,
      S(H64 ".eyJzdWIiOiJhYWFhIiwiZXhwIjoxMn0.8ktmy4uNnAv_OpFKG_vFms_zBVXiEWrwtySasi7fzHw"), "23 bytes" },
    { S("your_secret_key"), S("aaaaa"), 12,
      S(H64 ".eyJzdWIiOiJhYWFhYSIsImV4cCI6MTJ9.Ni3nsgy5sHQKBqN5VOlkIIJ7T3rHFqGjSN2TsHYJuGg"), "24 bytes" },
    { S("your_secret_key"),
      S("\0\1\2\3\4\5\6\7\b\t\n\v\f\r\16\17\20\21\22\23\24\25\26\27\30\31\32\33\34\35\36\37\177~\\"), 1,
      S(H64 ".eyJzdWIiOiJcdTAwMDBcdTAwMDFcdTAwMDJcdTAwMDNcdTAwMDRcdTAwMDVcdTAwMDZcdTAwMDdcYlx0XG5cdTAwMGJcZlxyXHUwMDB"
      "lXHUwMDBmXHUwMDEwXHUwMDExXHUwMDEyXHUwMDEzXHUwMDE0XHUwMDE1XHUwMDE2XHUwMDE3XHUwMDE4XHUwMDE5XHUwMDFhXHUwMDFiXHUw"
      "MDFjXHUwMDFkXHUwMDFlXHUwMDFmXHUwMDdmflxcIiwiZXhwIjoxfQ.lExo5jeCDBTR5l8hdKJC3YBP9_XLYzaAq4mZyW3lYf0"),
      "every control character" },
    { S("your_secret_key"),
      S("\xc2\x80\xdf\xbf\xe0\xa0\x80\xe2\x80\xa8\xef\xbf\xbd\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), 1,
      S(H64 ".eyJzdWIiOiJcdTAwODBcdTA3ZmZcdTA4MDBcdTIwMjhcdWZmZmRcdWZmZmZcdWQ4MDBcdWRjMDBcdWRiZmZcdWRmZmYiLCJleHAiOjF9"
      ".DY_JPolwZ7kIJ8G6B66cPMuZNbwsIK9dhH0nsfQ3Axk"), "where UTF-8 and UTF-16 grow" },
    { S(""), S("joe"), 1, S(JOE1 "Xdt5lyoCcry3Yw0o-FiVh0886_vpQZFgnZ5PUJ6f0fU"), "an empty key" },
    { S("\0\xff\x80key"), S("joe"), 1, S(JOE1 "jacOtbsQVKHsKskF5BzTKcgBEodC_njXqoJPWZ9-RxU"), "a key of any bytes" },
    { S(K64), S("joe"), 1, S(JOE1 "yIuSkJ2UhzcavSbFDI7ehthEkvtAIQDGD8lJx8Vn0mc"), "a key of a block" },
    { S(K64 "k"), S("joe"), 1, S(JOE1 "V67rSA-pH6xYzQa8wbqsnijnRnQNp1KtRX2ADKUTreY"), "a byte longer" },
    { S(K64 K64 K64 "kkkkkkkk"), S("joe"), 1, S(JOE1 "7VgJE5yPdTjsSUoI_dNLLJTd1gXqI3Schg3yM1h0VgU"), "200 bytes" },
};

static void test_written(void)
{
    char room[1024];
    struct jwt_claims claims;
    for (size_t i = 0; i < sizeof writtens / sizeof *writtens; i++) {
        const struct written *w = &writtens[i];
        struct hmac_key k = key_of(w->key);
        struct buffer out = { .at = room, .cap = sizeof room };
        char *sub = guarded(w->sub.at, w->sub.len);
        put_text(&out, "before "); /* it appends */
        jwt_put_claims(&out, &k, (struct slice){ sub, w->sub.len }, -1, w->exp, 0);
        guarded_free(sub, w->sub.len);
        check(!out.overflow && out.len == 7 + w->token.len && memcmp(room, "before ", 7) == 0 &&
                  memcmp(room + 7, w->token.at, w->token.len) == 0,
              "%s: wrote %.*s, not before %.*s", w->why, (int)out.len, room, (int)w->token.len, w->token.at);
        enum jwt_result result = verify_with(&k, w->token, (double)w->exp - 1, 0, &claims);
        check(w->exp == INT64_MAX || result == JWT_VALID, "%s: read back: %s", w->why, result_names[result]);
        check(result != JWT_VALID || sub_is(&claims, w->sub), "%s: another sub read back", w->why);
    }
}

/* {"sub":"Romel","iat":1731545843,"exp":2000000000}, by Python's hmac */
static void test_issued(void)
{
    static const struct slice expected = S(H64 ".eyJzdWIiOiJSb21lbCIsImlhdCI6MTczMTU0NTg0MywiZXhwIjoyMDAwMDAwMDAwfQ.KBK39EEHtwxYvxaHpwcdjKtxMKdI8Q5WHUEeJ0GW5bk");
    char room[256];
    struct jwt_claims claims;
    struct buffer out = { .at = room, .cap = sizeof room };
    jwt_put_claims(&out, &key, slice_of("Romel"), EXP, 2000000000, 0);
    struct slice token = { room, out.len };
    check(slice_equal(token, expected), "with iat: %.*s", (int)token.len, token.at);
    check(judge(&key, token, EXP, 0, &claims) == JWT_VALID && judge(&key, token, EXP - 1, 0, &claims) == JWT_INVALID,
          "with iat: not before it");
}

/* What the token says beside whose it is: `after` as it is written, and as others may have written it; iat. */
static void test_after(void)
{
    static const struct {
        const char *payload;
        int64_t after;
        double iat;
        enum jwt_result expected;
    } claims_rows[] = {
        { CLAIMS, 0, 0, JWT_VALID },
        { "{'sub':'joe','exp':2000,'after':1}", 1, 0, JWT_VALID },
        { "{'\\u0061fter':900,'sub':'joe','exp':2000}", 900, 0, JWT_VALID },
        { "{'sub':'joe','exp':2000,'after':4000000000}", 4000000000, 0, JWT_VALID },
        { "{'sub':'joe','exp':2000,'after':999999999999999999}", 999999999999999999, 0, JWT_VALID },
        { "{'sub':'joe','exp':2000,'after':1000000000000000000}", 0, 0, JWT_VALID },
        { "{'sub':'joe','exp':2000,'after':-1}", 0, 0, JWT_VALID },
        { "{'sub':'joe','exp':2000,'after':9e9}", 0, 0, JWT_VALID },
        { "{'sub':'joe','exp':2000,'after':900.5}", 0, 0, JWT_VALID },
        { "{'sub':'joe','exp':2000,'after':'900'}", 0, 0, JWT_VALID },
        { "{'sub':'joe','exp':2000,'after':[900]}", 0, 0, JWT_VALID },
        { "{'sub':'joe','exp':2000,'After':900}", 0, 0, JWT_VALID },
        { "{'sub':'joe','exp':2000,'after':1,'after':900}", 0, 0, JWT_INVALID },
        { "{'sub':'joe','exp':2000,'iat':900}", 0, 900, JWT_VALID },
        { "{'sub':'joe','exp':2000,'iat':900.5,'after':7}", 7, 900.5, JWT_VALID },
        { "{'sub':'joe','exp':2000,'iat':1001}", 0, 0, JWT_INVALID },
    };
    struct jwt_claims claims;
    for (size_t i = 0; i < sizeof claims_rows / sizeof *claims_rows; i++) {
        enum jwt_result result = judge(&key, signed_row(HEADER, claims_rows[i].payload), 1000, 0, &claims);
        check(result == claims_rows[i].expected, "%s: %s", claims_rows[i].payload, result_names[result]);
        check(result != JWT_VALID || (claims.after == claims_rows[i].after && claims.iat >= claims_rows[i].iat &&
                                      claims.iat <= claims_rows[i].iat),
              "%s: after %lld, iat %g", claims_rows[i].payload, (long long)claims.after, claims.iat);
    }
    static const struct slice expected =
        S(H64 ".eyJzdWIiOiJqb2UiLCJleHAiOjIwMDAwMDAwMDAsImFmdGVyIjoxOTk5OTkwMDAwfQ"
              ".8yj9pyqKuK4McT0BAcNdveHM8pJ9fHOYrE0-WtLZcuQ"); /* Python's hmac and json */
    char room[256];
    struct buffer out = { .at = room, .cap = sizeof room };
    jwt_put_claims(&out, &key, (struct slice)S("joe"), -1, 2000000000, 1999990000);
    check(slice_equal((struct slice){ room, out.len }, expected), "written: %.*s", (int)out.len, room);
}

/* Every room that is too small, each ending at an unreadable page. */
static void test_overflow(void)
{
    for (size_t i = 0; i < sizeof writtens / sizeof *writtens; i++) {
        const struct written *w = &writtens[i];
        struct hmac_key k = key_of(w->key);
        size_t len = w->token.len;
        for (size_t cap = 0; cap <= len; cap++) {
            char *room = guarded(w->token.at, cap);
            struct buffer out = { .at = room, .cap = cap };
            jwt_put_claims(&out, &k, w->sub, -1, w->exp, 0);
            check(out.overflow == (cap < len) && out.len <= cap, "%s: a room of %zu for %zu: %s", w->why, cap, len,
                  out.overflow ? "overflow" : "no overflow");
            guarded_free(room, cap);
        }
    }
    static const struct slice joe = S("joe");
    char room[256];
    struct buffer out = { .at = room, .cap = sizeof room, .overflow = true };
    jwt_put_claims(&out, &key, joe, -1, 2000, 0);
    check(out.overflow && out.len == 0, "an overflow from before stays");
}

static void round_trip(struct slice name, const char *what, unsigned long which)
{
    static char room[16 * JWT_SUB_MAX];
    struct jwt_claims claims;
    struct buffer out = { .at = room, .cap = sizeof room };
    jwt_put_claims(&out, &key, name, -1, 2000, 0);
    struct slice token = { room, out.len };
    check(!out.overflow && judge(&key, token, 1999, 0, &claims) == JWT_VALID && sub_is(&claims, name),
          "%s %lu: lost on the way", what, which);
    check(judge(&key, token, 2000, 0, &claims) == JWT_EXPIRED, "%s %lu: not expired", what, which);
}

static size_t utf8(uint32_t code, char out[4])
{
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(n == 1 ? code : (0xf00u >> n & 0xf0u) | code);
    return n;
}

static void test_round_trips(void)
{
    static const struct slice names[] = {
        S(""), S("joe"), S("Joe Bloggs"), S("joe@example.com"), S("\"},{\""), S("\\u0000"), S("\\"), S("../../etc"),
        S("a\0b"), S("\0\0\0"), S("{\"sub\":\"eve\"}"), S("\xd0\x96\xd0\xb5\xd0\xbd\xd1\x8f"), S("\xe5\xbc\xa0"),
        S("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7"), S("' OR 1=1 --"), S("\r\nSet-Cookie: x"), S("\x7f"),
    };
    char name[JWT_SUB_MAX];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        round_trip(names[i], "name", i);
    for (uint32_t code = 0; code <= 0x10ffff; code += code < 0x900 ? 1 : 251)
        if (code < 0xd800 || code > 0xdfff)
            round_trip((struct slice){ name, utf8(code, name) }, "code point", code);
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = (char)(i * 7 % 128); /* escapes of every length */
    for (size_t n = 0; n <= sizeof name; n += n < 70 ? 1 : 53)
        round_trip((struct slice){ name, n }, "length", n);
    memset(name, 0, sizeof name);
    round_trip((struct slice){ name, sizeof name }, "NULs", sizeof name);
}

/* A million tokens spliced from pieces of five right ones, with bytes changed, doubled and left out: none is taken that
 * is not one of the five. xorshift64 with a fixed seed, so that a failure can be repeated. */
static void test_million(void) {
    enum { TOKENS = 5, ROUNDS = 1000000 };
    char right[TOKENS][512], text[1024];
    size_t len[TOKENS];
    uint64_t x = 88172645463325252u;
    struct hmac_key k = key_of((struct slice)S("your_secret_key"));
    struct jwt_keys keys = { 1, { k } };
    unsigned accepted = 0, untouched = 0;
    for (int i = 0; i < TOKENS; i++) {
        struct buffer b = { .at = right[i], .cap = sizeof right[i] };
        char name[] = "Romel0";
        name[5] = (char)('0' + i);
        jwt_put_claims(&b, &k, slice_of(name), -1, 2000000000 + i, 0);
        len[i] = b.len;
    }
    for (int round = 0; round < ROUNDS; round++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        size_t y = (size_t)x, a = y % TOKENS, b = y / 5 % TOKENS, cut = y / 25 % len[a], from = y / 9999 % len[b];
        size_t n = cut, spot;
        memcpy(text, right[a], cut);
        memcpy(text + n, right[b] + from, len[b] - from);
        n += len[b] - from;
        spot = y / 7 % n;
        if (x >> 60 & 1) text[spot] = (char)(x >> 40);
        if (x >> 61 & 1) memmove(text + spot, text + spot + 1, n-- - spot - 1);
        bool same = false;
        for (int i = 0; i < TOKENS; i++) same |= n == len[i] && memcmp(text, right[i], n) == 0;
        struct jwt_claims claims;
        enum jwt_result result = jwt_verify(&keys, (struct slice){ text, n }, 1000, 0, &claims, NULL);
        untouched += same;
        accepted += !same && result != JWT_INVALID;
        if (same && result != JWT_VALID) accepted++;
    }
    check(accepted == 0, "%u of a million mutated tokens accepted", accepted);
    check(untouched < ROUNDS / 2, "most of them were mutated: %u were not", untouched);
}

int main(void)
{
    static const struct slice secret = S("your_secret_key");
    key = key_of(secret);
    test_rows();
    test_subjects();
    test_limits();
    test_segments();
    test_wholes();
    test_keys();
    test_several_keys();
    test_told();
    test_rfc7515();
    test_mutations();
    test_written();
    test_issued();
    test_after();
    test_overflow();
    test_round_trips();
    test_million();
    return test_end();
}
