/* http_test.c - requests as bytes, each with its expected result, and why;
 * responses and dates as bytes.
 *
 * Sources: RFC 9112 (HTTP/1.1), RFC 9110 (HTTP semantics), RFC 3986 (URI),
 * RFC 6585 (428 to 431); the section stands at each group of rows. Where the
 * RFC lets a server choose (leniency, limits), http.h is what is tested.
 *
 * Every row is fed whole, in two parts, and byte by byte, always in a buffer
 * whose end lies against an unreadable page and that moves between the calls. */
#include "http.h"
#include "test.h"

#include <time.h>

enum { ARENA = 192 * 1024 }; /* more than any row: whole, a row may be longer than HTTP_REQUEST_MAX */

static char *arena_end; /* the unreadable page */

struct row {
    int expected;     /* the status, where it is refused; where it is accepted, its method */
    const char *why;
    const char *raw;
    size_t len;
    const char *path; /* the rest is for accepted rows; NULL: "/" */
    struct slice body;
    const char *rest; /* what stands behind the request, or NULL */
    const char *authorization, *type; /* NULL: no such field */
    int authorizations;               /* 0: as many as `authorization` says */
    bool http10, close, expect;       /* else HTTP/1.1, keep_alive, no expect_continue */
    const char *forwarded, *origin, *referer; /* NULL: no X-Forwarded-For, Origin, Referer */
};

#define RAW(text) .raw = text, .len = sizeof(text) - 1
#define BODY(text) .body = { text, sizeof(text) - 1 }

#define LINE(line) line "\r\nHost: a\r\n\r\n"
#define HOST(value) "GET / HTTP/1.1\r\nHost:" value "\r\n\r\n"
#define GET(fields) "GET / HTTP/1.1\r\nHost: a\r\n" fields "\r\n"
#define GET10(fields) "GET / HTTP/1.0\r\n" fields "\r\n"
#define POST(fields, body) "POST / HTTP/1.1\r\nHost: a\r\n" fields "\r\n" body
#define CHUNKED(body) POST("Transfer-Encoding: chunked\r\n", body)

static const struct row rows[] = {
    /* RFC 9112 2.2: an empty line before the request line */
    { HTTP_GET, "one empty line before it", RAW("\r\n" GET("")) },
    { 400, "two empty lines before it", RAW("\r\n\r\n" GET("")) },
    { 400, "bare LF before it", RAW("\n" GET("")) },
    { 400, "bare CR before it", RAW("\r" GET("")) },
    { 400, "CR CR LF before it", RAW("\r\r\n" GET("")) },
    { 400, "CRLF, then bare LF before it", RAW("\r\n\n" GET("")) },
    { 400, "space, CRLF before it", RAW(" \r\n" GET("")) },
    { 400, "NUL before it", RAW("\0" GET("")) },
    { 400, "a TLS hello", RAW("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n") },

    /* RFC 9112 3.1: the method */
    { HTTP_GET, "GET", RAW(LINE("GET / HTTP/1.1")) },
    { HTTP_HEAD, "HEAD", RAW(LINE("HEAD / HTTP/1.1")) },
    { HTTP_POST, "POST without a body", RAW(LINE("POST / HTTP/1.1")) },
    { HTTP_OPTIONS, "OPTIONS with a path", RAW(LINE("OPTIONS / HTTP/1.1")) },
    { HTTP_OTHER, "PUT: the application refuses it", RAW(LINE("PUT /a HTTP/1.1")), .path = "/a" },
    { HTTP_OTHER, "DELETE", RAW(LINE("DELETE / HTTP/1.1")) },
    { HTTP_OTHER, "methods are case-sensitive", RAW(LINE("get / HTTP/1.1")) },
    { HTTP_OTHER, "a method that GET begins", RAW(LINE("GETS / HTTP/1.1")) },
    { HTTP_OTHER, "a method that begins GET", RAW(LINE("GE / HTTP/1.1")) },
    { HTTP_OTHER, "one letter", RAW(LINE("G / HTTP/1.1")) },
    { HTTP_OTHER, "every kind of tchar", RAW(LINE("!#$%&'*+-.^_`|~09azAZ / HTTP/1.1")) },
    { HTTP_OTHER, "32 characters", RAW(LINE("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345 / HTTP/1.1")) },
    { 501, "33 characters", RAW(LINE("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456 / HTTP/1.1")) },
    { 400, "no method", RAW(LINE(" / HTTP/1.1")) },
    { 400, "a method that is no token", RAW(LINE("GE(T / HTTP/1.1")) },
    { 400, "colon in the method", RAW(LINE("GET: / HTTP/1.1")) },
    { 400, "obs-text in the method", RAW(LINE("G\xc3\x89T / HTTP/1.1")) },
    { 400, "NUL in the method", RAW(LINE("GE\0T / HTTP/1.1")) },

    /* RFC 9112 3: the parts and single spaces between them */
    { 400, "two spaces behind the method", RAW(LINE("GET  / HTTP/1.1")) },
    { 400, "two spaces behind the target", RAW(LINE("GET /  HTTP/1.1")) },
    { 400, "space behind the version", RAW(LINE("GET / HTTP/1.1 ")) },
    { 400, "tab behind the method", RAW(LINE("GET\t/ HTTP/1.1")) },
    { 400, "tab behind the target", RAW(LINE("GET /\tHTTP/1.1")) },
    { 400, "tab behind the version", RAW(LINE("GET / HTTP/1.1\t")) },
    { 400, "a fourth part", RAW(LINE("GET / HTTP/1.1 x")) },
    { 400, "only a method", RAW("GET\r\n\r\n") },
    { 400, "a method and a space", RAW("GET \r\n\r\n") },
    { 400, "no target", RAW(LINE("GET HTTP/1.1")) },
    { 400, "HTTP/0.9", RAW("GET /\r\n") },
    { 400, "no version, space", RAW("GET / \r\n\r\n") },
    { 400, "bare LF ends the request line", RAW("GET / HTTP/1.1\nHost: a\r\n\r\n") },
    { 400, "bare CR ends the request line", RAW("GET / HTTP/1.1\rHost: a\r\n\r\n") },
    { 400, "CR CR LF ends the request line", RAW("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n") },
    { 400, "only bare LF", RAW("GET / HTTP/1.1\nHost: a\n\n") },
    { 400, "CR in the target", RAW(LINE("GET /\r HTTP/1.1")) },
    { 400, "LF in the target", RAW(LINE("GET /\n HTTP/1.1")) },

    /* RFC 9112 3.2.1: origin-form */
    { HTTP_GET, "a path", RAW(LINE("GET /v1/token HTTP/1.1")), .path = "/v1/token" },
    { HTTP_GET, "a path and a query", RAW(LINE("GET /a?b=c&d=/e HTTP/1.1")), .path = "/a" },
    { HTTP_GET, "an empty query", RAW(LINE("GET /a? HTTP/1.1")), .path = "/a" },
    { HTTP_GET, "a query with a question mark", RAW(LINE("GET /a?b?c HTTP/1.1")), .path = "/a" },
    { HTTP_GET, "only a query", RAW(LINE("GET /?a HTTP/1.1")) },
    { HTTP_GET, "percent-encoding is left as it is", RAW(LINE("GET /a%2Fb%3f HTTP/1.1")), .path = "/a%2Fb%3f" },
    { HTTP_GET, "dot segments are left as they are", RAW(LINE("GET /a/../b/. HTTP/1.1")), .path = "/a/../b/." },
    { HTTP_GET, "empty segments: a path, no authority", RAW(LINE("GET //a//b HTTP/1.1")), .path = "//a//b" },
    { HTTP_GET, "at-sign and colon in a path", RAW(LINE("GET /a@b:c HTTP/1.1")), .path = "/a@b:c" },
    { HTTP_GET, "a URI in a query", RAW(LINE("GET /a?http://u@b/ HTTP/1.1")), .path = "/a" },
    { 400, "a fragment", RAW(LINE("GET /a#b HTTP/1.1")) },
    { 400, "a fragment behind a query", RAW(LINE("GET /a?b#c HTTP/1.1")) },
    { 400, "space in the path", RAW(LINE("GET /a b HTTP/1.1")) },
    { 400, "NUL in the path", RAW(LINE("GET /a\0b HTTP/1.1")) },
    { 400, "DEL in the path", RAW(LINE("GET /a\x7f HTTP/1.1")) },
    { 400, "obs-text in the path", RAW(LINE("GET /\xc3\xa4 HTTP/1.1")) },
    { 400, "obs-text in the query", RAW(LINE("GET /?\xff HTTP/1.1")) },
    { 400, "a path without slash", RAW(LINE("GET a HTTP/1.1")) },
    { 400, "a query without path", RAW(LINE("GET ?a HTTP/1.1")) },
    { 400, "a fragment alone", RAW(LINE("GET # HTTP/1.1")) },
    { 400, "a backslash for a slash", RAW(LINE("GET \\a HTTP/1.1")) },

    /* RFC 9112 3.2.2: absolute-form; RFC 9110 4.2.1, 4.2.4 */
    { HTTP_GET, "http", RAW(LINE("GET http://a/b?c HTTP/1.1")), .path = "/b" },
    { HTTP_GET, "https", RAW(LINE("GET https://a/b HTTP/1.1")), .path = "/b" },
    { HTTP_GET, "schemes are case-insensitive", RAW(LINE("GET hTTpS://a/b HTTP/1.1")), .path = "/b" },
    { HTTP_POST, "with a port", RAW("POST HTTP://a:8080/b/c HTTP/1.1\r\nHost: a\r\n\r\n"), .path = "/b/c" },
    { HTTP_GET, "an IPv6 authority", RAW(LINE("GET http://[::1]:80/b HTTP/1.1")), .path = "/b" },
    { HTTP_GET, "an empty path is /", RAW(LINE("GET http://a HTTP/1.1")) },
    { HTTP_GET, "an empty path and a query", RAW(LINE("GET http://a?b HTTP/1.1")) },
    { HTTP_GET, "an empty path and a query with a slash", RAW(LINE("GET http://a?b/c HTTP/1.1")) },
    { HTTP_GET, "at-sign behind the authority", RAW(LINE("GET http://a/@ HTTP/1.1")), .path = "/@" },
    { HTTP_GET, "at-sign in the query", RAW(LINE("GET http://a?@ HTTP/1.1")) },
    { HTTP_GET, "the target's authority beats Host's", RAW(LINE("GET http://other/b HTTP/1.1")), .path = "/b" },
    { 400, "absolute-form needs Host all the same", RAW("GET http://a/ HTTP/1.1\r\n\r\n") },
    { 400, "an empty authority", RAW(LINE("GET http:/// HTTP/1.1")) },
    { 400, "an empty authority and path", RAW(LINE("GET http:// HTTP/1.1")) },
    { 400, "an empty authority and a query", RAW(LINE("GET http://?a HTTP/1.1")) },
    { 400, "userinfo", RAW(LINE("GET http://u@a/ HTTP/1.1")) },
    { 400, "userinfo with a password", RAW(LINE("GET https://u:p@a/ HTTP/1.1")) },
    { 400, "empty userinfo", RAW(LINE("GET http://@a HTTP/1.1")) },
    { 400, "a port without a host", RAW(LINE("GET http://:80/ HTTP/1.1")) },
    { 400, "a port that is no number", RAW(LINE("GET http://a:b/ HTTP/1.1")) },
    { 400, "an authority that is no host", RAW(LINE("GET http://a|b/ HTTP/1.1")) },
    { 400, "one slash", RAW(LINE("GET http:/a HTTP/1.1")) },
    { 400, "no slash", RAW(LINE("GET http:a HTTP/1.1")) },
    { 400, "another scheme", RAW(LINE("GET ftp://a/ HTTP/1.1")) },
    { 400, "a scheme that http begins", RAW(LINE("GET httpx://a/ HTTP/1.1")) },
    { 400, "a scheme alone", RAW(LINE("GET http HTTP/1.1")) },
    { 400, "a fragment in absolute-form", RAW(LINE("GET http://a/#b HTTP/1.1")) },

    /* RFC 9112 3.2.3, 3.2.4: authority-form and asterisk-form */
    { HTTP_OPTIONS, "OPTIONS *", RAW(LINE("OPTIONS * HTTP/1.1")), .path = "*" },
    { 400, "GET *", RAW(LINE("GET * HTTP/1.1")) },
    { 400, "an unknown method with *", RAW(LINE("TRACE * HTTP/1.1")) },
    { 400, "two asterisks", RAW(LINE("OPTIONS ** HTTP/1.1")) },
    { 400, "an asterisk with a query", RAW(LINE("OPTIONS *?a HTTP/1.1")) },
    { 400, "an asterisk with a path", RAW(LINE("OPTIONS */ HTTP/1.1")) },
    { 400, "CONNECT", RAW(LINE("CONNECT a:443 HTTP/1.1")) },
    { 400, "authority-form with GET", RAW(LINE("GET a:443 HTTP/1.1")) },

    /* RFC 9112 2.3: the version; RFC 9110 2.5, 15.6.6 */
    { HTTP_GET, "HTTP/1.0", RAW(LINE("GET / HTTP/1.0")), .http10 = true, .close = true },
    { HTTP_GET, "HTTP/1.2 is read as 1.1", RAW(LINE("GET / HTTP/1.2")) },
    { HTTP_GET, "HTTP/1.9 is read as 1.1", RAW(LINE("GET / HTTP/1.9")) },
    { 505, "HTTP/2.0", RAW(LINE("GET / HTTP/2.0")) },
    { 505, "HTTP/0.9, said", RAW(LINE("GET / HTTP/0.9")) },
    { 505, "HTTP/9.9", RAW(LINE("GET / HTTP/9.9")) },
    { 505, "HTTP/3.1, no fields", RAW("GET / HTTP/3.1\r\n\r\n") },
    { 505, "the preface of HTTP/2: what its target is, is not judged", RAW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") },
    { 505, "HTTP/0.9, said, with a target that is none", RAW(LINE("GET a HTTP/0.9")) },
    { 505, "HTTP/2.0 with a fragment", RAW(LINE("GET /#a HTTP/2.0")) },
    { 400, "the method is", RAW(LINE("GE(T / HTTP/2.0")) },
    { 400, "the number of parts is", RAW(LINE("GET / x HTTP/2.0")) },
    { 400, "no target, HTTP/2.0", RAW(LINE("GET HTTP/2.0")) },
    { 400, "a target that is none and another protocol", RAW(LINE("GET a RTSP/2.0")) },
    { 400, "a target that is none and HTTP/2", RAW(LINE("GET a HTTP/2")) },
    { 400, "the name is case-sensitive", RAW(LINE("GET / http/1.1")) },
    { 400, "one wrong case", RAW(LINE("GET / HTTp/1.1")) },
    { 400, "no minor version", RAW(LINE("GET / HTTP/1")) },
    { 400, "no minor version behind the dot", RAW(LINE("GET / HTTP/1.")) },
    { 400, "no major version", RAW(LINE("GET / HTTP/.1")) },
    { 400, "no dot", RAW(LINE("GET / HTTP/11")) },
    { 400, "a comma for the dot", RAW(LINE("GET / HTTP/1,1")) },
    { 400, "two minor digits", RAW(LINE("GET / HTTP/1.10")) },
    { 400, "two major digits", RAW(LINE("GET / HTTP/01.1")) },
    { 400, "a letter for a digit", RAW(LINE("GET / HTTP/1.x")) },
    { 400, "a sign", RAW(LINE("GET / HTTP/+1.1")) },
    { 400, "HTTP/2 without minor version", RAW(LINE("GET / HTTP/2")) },
    { 400, "space in the version", RAW(LINE("GET / HTTP/ 1.1")) },
    { 400, "another protocol", RAW(LINE("GET / RTSP/1.0")) },
    { 400, "only a name", RAW(LINE("GET / HTTP")) },
    { 400, "NUL behind the version", RAW(LINE("GET / HTTP/1.1\0")) },

    /* RFC 9112 5, RFC 9110 5.1, 5.5, 5.6.2: field lines */
    { HTTP_GET, "an unknown field", RAW(GET("X: y\r\n")) },
    { HTTP_GET, "every kind of tchar in a name", RAW(GET("!#$%&'*+-.^_`|~09azAZ: y\r\n")) },
    { HTTP_GET, "no space behind the colon", RAW(GET("Authorization:Bearer x\r\n")), .authorization = "Bearer x" },
    { HTTP_GET, "OWS around a value", RAW(GET("Authorization: \t  Basic eA== \t \r\n")),
      .authorization = "Basic eA==" },
    { HTTP_GET, "space and tab in a value", RAW(GET("Authorization: a \t b\r\n")), .authorization = "a \t b" },
    { HTTP_GET, "colons in a value", RAW(GET("Authorization: :a:b: c\r\n")), .authorization = ":a:b: c" },
    { HTTP_GET, "obs-text in a value", RAW(GET("Authorization: \x80\xff\r\n")), .authorization = "\x80\xff" },
    { HTTP_GET, "an empty value", RAW(GET("X:\r\n")) },
    { HTTP_GET, "a value of OWS", RAW(GET("X: \t \r\n")) },
    { HTTP_GET, "an empty Authorization", RAW(GET("Authorization: \r\n")), .authorization = "" },
    { HTTP_GET, "an unknown field twice", RAW(GET("X: y\r\nX: z\r\n")) },
    { HTTP_GET, "names are case-insensitive", RAW("GET / HTTP/1.1\r\nhOST: a\r\nAUTHORIZATION: b\r\n\r\n"),
      .authorization = "b" },
    { HTTP_GET, "names that Authorization begins or ends",
      RAW(GET("Authorizations: b\r\nProxy-Authorization: c\r\n")) },
    { 400, "an empty name", RAW(GET(": y\r\n")) },
    { 400, "no colon", RAW(GET("X\r\n")) },
    { 400, "no colon but a space", RAW(GET("X y\r\n")) },
    { 400, "space before the colon", RAW(GET("X : y\r\n")) },
    { 400, "tab before the colon", RAW(GET("X\t: y\r\n")) },
    { 400, "space in a name", RAW(GET("X Y: z\r\n")) },
    { 400, "space before Host's colon", RAW("GET / HTTP/1.1\r\nHost : a\r\n\r\n") },
    { 400, "space before Transfer-Encoding's colon", RAW(POST("Transfer-Encoding : chunked\r\n", "0\r\n\r\n")) },
    { 400, "a name in quotes", RAW(GET("\"X\": y\r\n")) },
    { 400, "a slash in a name", RAW(GET("X/Y: z\r\n")) },
    { 400, "an at-sign in a name", RAW(GET("X@Y: z\r\n")) },
    { 400, "obs-text in a name", RAW(GET("X\xe9: z\r\n")) },
    { 400, "NUL in a name", RAW(GET("X\0: z\r\n")) },
    { 400, "NUL in a value", RAW(GET("X: a\0b\r\n")) },
    { 400, "NUL for a value", RAW(GET("X: \0\r\n")) },
    { 400, "BEL in a value", RAW(GET("X: a\ab\r\n")) },
    { 400, "VT in a value", RAW(GET("X: a\vb\r\n")) },
    { 400, "FF is no OWS", RAW(GET("X:\f a\r\n")) },
    { 400, "DEL in a value", RAW(GET("X: a\x7f\r\n")) },
    { 400, "ESC in a value", RAW(GET("X: \x1b[0m\r\n")) },
    { 400, "bare LF ends a field line", RAW(GET("X: y\n")) },
    { 400, "bare LF in a value hides a field", RAW(GET("X: y\nTransfer-Encoding: chunked\r\n")) },
    { 400, "bare CR in a value", RAW(GET("X: y\rZ: a\r\n")) },
    { 400, "CR CR LF ends a field line", RAW(GET("X: y\r\r\n")) },
    { 400, "bare LF ends the head", RAW("GET / HTTP/1.1\r\nHost: a\r\n\n") },
    { 400, "bare CR ends the head", RAW("GET / HTTP/1.1\r\nHost: a\r\n\rx\r\n") },
    { 400, "CR CR LF ends the head", RAW("GET / HTTP/1.1\r\nHost: a\r\n\r\r\n") },
    { 400, "obs-fold with a space (9112 5.2)", RAW(GET("X: y\r\n z\r\n")) },
    { 400, "obs-fold with a tab", RAW(GET("X: y\r\n\tz\r\n")) },
    { 400, "obs-fold that looks like a field", RAW(GET("X: y\r\n Content-Length: 5\r\n")) },
    { 400, "obs-fold of an empty value", RAW(GET("X:\r\n y\r\n")) },
    { 400, "obs-fold of spaces", RAW(GET("X: y\r\n \r\n")) },
    { 400, "a fold before the first field (9112 2.2)", RAW("GET / HTTP/1.1\r\n Host: a\r\n\r\n") },
    { 400, "a fold before the first field, then Host", RAW("GET / HTTP/1.1\r\n\tX: y\r\nHost: a\r\n\r\n") },

    /* RFC 9112 3.2, RFC 9110 7.2, RFC 3986 3.2.2: Host */
    { HTTP_GET, "a name and a port", RAW(HOST(" auth.example:8080")) },
    { HTTP_GET, "an IPv4 address", RAW(HOST(" 127.0.0.1:80")) },
    { HTTP_GET, "an IPv6 address", RAW(HOST(" [::1]")) },
    { HTTP_GET, "an IPv6 address and a port", RAW(HOST(" [2001:DB8::a]:443")) },
    { HTTP_GET, "an IPv6 address that ends in IPv4", RAW(HOST(" [::ffff:1.2.3.4]")) },
    { HTTP_GET, "an empty Host", RAW(HOST("")) },
    { HTTP_GET, "a Host of OWS", RAW(HOST(" \t")) },
    { HTTP_GET, "OWS around Host", RAW(HOST("\ta.b \t")) },
    { HTTP_GET, "an empty port", RAW(HOST(" a:")) },
    { HTTP_GET, "every kind of reg-name character", RAW(HOST(" aZ09-._~!$&'()*+,;=%4a%F0")) },
    { HTTP_GET, "HTTP/1.0 needs no Host", RAW(GET10("")), .http10 = true, .close = true },
    { HTTP_GET, "HTTP/1.0 with an IPv6 Host", RAW(GET10("Host: [::1]:1\r\n")), .http10 = true, .close = true },
    { 400, "no Host", RAW("GET / HTTP/1.1\r\n\r\n") },
    { 400, "no Host, another field", RAW("GET / HTTP/1.1\r\nX-Host: a\r\n\r\n") },
    { 400, "no Host, HTTP/1.2", RAW("GET / HTTP/1.2\r\n\r\n") },
    { 400, "Host twice", RAW(GET("Host: b\r\n")) },
    { 400, "the same Host twice", RAW(GET("X: y\r\nhost: a\r\n")) },
    { 400, "an empty second Host", RAW(GET("Host:\r\n")) },
    { 400, "Host twice, HTTP/1.0", RAW(GET10("Host: a\r\nHost: a\r\n")) },
    { 400, "a bad Host, HTTP/1.0", RAW(GET10("Host: a b\r\n")) },
    { 400, "two names", RAW(HOST(" a b")) },
    { 400, "a percent-encoding that is none", RAW(HOST(" a%4g")) },
    { 400, "a percent-encoding cut off", RAW(HOST(" a%4")) },
    { 400, "a percent-encoding cut off by the port", RAW(HOST(" a%4:80")) },
    { 400, "a URI", RAW(HOST(" http://a")) },
    { 400, "a path", RAW(HOST(" a/b")) },
    { 400, "userinfo", RAW(HOST(" u@a")) },
    { 400, "a query", RAW(HOST(" a?b")) },
    { 400, "a fragment", RAW(HOST(" a#b")) },
    { 400, "a port that is no number", RAW(HOST(" a:b")) },
    { 400, "a port with a sign", RAW(HOST(" a:+80")) },
    { 400, "a port and more", RAW(HOST(" a:80x")) },
    { 400, "two ports", RAW(HOST(" a:80:80")) },
    { 400, "IPv6 without brackets", RAW(HOST(" ::1")) },
    { 400, "an open bracket", RAW(HOST(" [::1")) },
    { 400, "a bracket that closes nothing", RAW(HOST(" ::1]")) },
    { 400, "empty brackets", RAW(HOST(" []")) },
    { 400, "a name in brackets", RAW(HOST(" [host]")) },
    { 400, "text behind the bracket", RAW(HOST(" [::1]a")) },
    { 400, "text behind the bracket, port", RAW(HOST(" [::1]80")) },
    { 400, "a bad port behind the bracket", RAW(HOST(" [::1]:x")) },
    { 400, "a name before the bracket", RAW(HOST(" a[::1]")) },
    { 400, "a backslash", RAW(HOST(" a\\b")) },
    { 400, "quotes", RAW(HOST(" \"a\"")) },
    { 400, "markup", RAW(HOST(" <a>")) },
    { 400, "obs-text", RAW(HOST(" \xc3\xa4")) },

    /* RFC 9112 6.2, 6.3, RFC 9110 8.6: Content-Length */
    { HTTP_POST, "a body", RAW(POST("Content-Length: 5\r\n", "hello")), BODY("hello") },
    { HTTP_POST, "an empty body", RAW(POST("Content-Length: 0\r\n", "")) },
    { HTTP_POST, "any bytes", RAW(POST("Content-Length: 7\r\n", "\0\r\n\r\n\xff ")), BODY("\0\r\n\r\n\xff ") },
    { HTTP_GET, "GET with a body (9110 9.3.1)", RAW(GET("Content-Length: 2\r\n") "hi"), BODY("hi") },
    { HTTP_HEAD, "HEAD with a body", RAW("HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"), BODY("hi") },
    { HTTP_OTHER, "PUT with a body", RAW("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"), BODY("hi") },
    { HTTP_POST, "HTTP/1.0 with a body", RAW("POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi"), BODY("hi"),
      .http10 = true, .close = true },
    { HTTP_POST, "leading zeros", RAW(POST("Content-Length: 0005\r\n", "hello")), BODY("hello") },
    { HTTP_POST, "more zeros than a number has digits",
      RAW(POST("Content-Length: 000000000000000000000000000002\r\n", "hi")), BODY("hi") },
    { HTTP_POST, "OWS around it", RAW(POST("content-length:\t5 \r\n", "hello")), BODY("hello") },
    { HTTP_POST, "twice the same", RAW(POST("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")), BODY("hello") },
    { HTTP_POST, "twice 0", RAW(POST("Content-Length: 0\r\nX: y\r\nContent-Length: 0\r\n", "")) },
    { HTTP_POST, "no length, no body (6.3 no. 7)", RAW(POST("", "hello")), .rest = "hello" },
    { 400, "two lengths", RAW(POST("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!")) },
    { 400, "two lengths, the first 0", RAW(POST("Content-Length: 0\r\nContent-Length: 5\r\n", "hello")) },
    { 400, "three lengths, the last another", RAW(POST("Content-Length: 1\r\nContent-Length: 1\r\n"
                                                       "Content-Length: 2\r\n", "hi")) },
    { 400, "a list of the same", RAW(POST("Content-Length: 5, 5\r\n", "hello")) },
    { 400, "a list of two", RAW(POST("Content-Length: 5,6\r\n", "hello!")) },
    { 400, "a plus sign", RAW(POST("Content-Length: +5\r\n", "hello")) },
    { 400, "a minus sign", RAW(POST("Content-Length: -5\r\n", "hello")) },
    { 400, "minus nothing", RAW(POST("Content-Length: -0\r\n", "")) },
    { 400, "empty", RAW(POST("Content-Length:\r\n", "")) },
    { 400, "blank", RAW(POST("Content-Length: \t\r\n", "")) },
    { 400, "hexadecimal", RAW(POST("Content-Length: 0x5\r\n", "hello")) },
    { 400, "hexadecimal digits", RAW(POST("Content-Length: a\r\n", "helloworld")) },
    { 400, "a fraction", RAW(POST("Content-Length: 5.0\r\n", "hello")) },
    { 400, "an exponent", RAW(POST("Content-Length: 1e1\r\n", "helloworld")) },
    { 400, "two numbers", RAW(POST("Content-Length: 5 5\r\n", "hello")) },
    { 400, "a parameter", RAW(POST("Content-Length: 5;a\r\n", "hello")) },
    { 400, "in quotes", RAW(POST("Content-Length: \"5\"\r\n", "hello")) },
    { 400, "bad in a GET", RAW(GET("Content-Length: x\r\n")) },
    { 413, "16385", RAW(POST("Content-Length: 16385\r\n", "")) },
    { 413, "2^32 + 5", RAW(POST("Content-Length: 4294967301\r\n", "hello")) },
    { 413, "2^63", RAW(POST("Content-Length: 9223372036854775808\r\n", "hello")) },
    { 413, "2^64 + 5", RAW(POST("Content-Length: 18446744073709551621\r\n", "hello")) },
    { 413, "10 * 2^64", RAW(POST("Content-Length: 184467440737095516160\r\n", "hello")) },
    { 413, "in a GET", RAW(GET("Content-Length: 99999999\r\n")) },

    /* RFC 9112 6.1, 6.3 no. 3 and 4: Transfer-Encoding */
    { HTTP_POST, "codings are case-insensitive", RAW(POST("Transfer-Encoding: cHUNKED\r\n", "0\r\n\r\n")) },
    { HTTP_GET, "GET with a chunked body",
      RAW(GET("transfer-encoding:\tchunked \r\n") "1\r\nx\r\n0\r\n\r\n"), BODY("x") },
    { HTTP_POST, "TE is another field", RAW(POST("TE: trailers\r\nContent-Length: 2\r\n", "hi")), BODY("hi") },
    { 400, "and Content-Length", RAW(POST("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n")) },
    { 400, "Content-Length, and then it",
      RAW(POST("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")) },
    { 400, "and Content-Length: 0", RAW(POST("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")) },
    { 400, "chunked twice in a list", RAW(POST("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")) },
    { 400, "chunked twice in two fields",
      RAW(POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")) },
    { 400, "empty", RAW(POST("Transfer-Encoding:\r\n", "0\r\n\r\n")) },
    { 400, "blank", RAW(POST("Transfer-Encoding: \t\r\n", "0\r\n\r\n")) },
    { 400, "VT before the coding", RAW(POST("Transfer-Encoding: \vchunked\r\n", "0\r\n\r\n")) },
    { 400, "in HTTP/1.0", RAW("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
    { 400, "in HTTP/1.0, keep-alive",
      RAW("POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
    { 501, "gzip", RAW(POST("Transfer-Encoding: gzip\r\n", "")) },
    { 501, "identity", RAW(POST("Transfer-Encoding: identity\r\n", "")) },
    { 501, "gzip, chunked", RAW(POST("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")) },
    { 501, "chunked, gzip", RAW(POST("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n")) },
    { 501, "chunked, identity", RAW(POST("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n")) },
    { 501, "a coding that chunked begins", RAW(POST("Transfer-Encoding: chunkedx\r\n", "0\r\n\r\n")) },
    { 501, "a coding that chunked ends", RAW(POST("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")) },
    { 501, "a coding that begins chunked", RAW(POST("Transfer-Encoding: chunke\r\n", "0\r\n\r\n")) },

    /* RFC 9112 7.1: chunks */
    { HTTP_POST, "no chunk but the last", RAW(CHUNKED("0\r\n\r\n")) },
    { HTTP_POST, "one", RAW(CHUNKED("5\r\nhello\r\n0\r\n\r\n")), BODY("hello") },
    { HTTP_POST, "three", RAW(CHUNKED("1\r\nh\r\n3\r\nell\r\n1\r\no\r\n0\r\n\r\n")), BODY("hello") },
    { HTTP_POST, "hexadecimal, both cases", RAW(CHUNKED("a\r\n0123456789\r\nB\r\nabcdefghijk\r\n0\r\n\r\n")),
      BODY("0123456789abcdefghijk") },
    { HTTP_POST, "two digits", RAW(CHUNKED("1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n")),
      BODY("abcdefghijklmnopqrstuvwxyz") },
    { HTTP_POST, "leading zeros", RAW(CHUNKED("00000000000000000000005\r\nhello\r\n0\r\n\r\n")), BODY("hello") },
    { HTTP_POST, "a last chunk of many zeros", RAW(CHUNKED("2\r\nhi\r\n000\r\n\r\n")), BODY("hi") },
    { HTTP_POST, "any bytes", RAW(CHUNKED("8\r\n\0\r\n0\r\n\r\n\r\n0\r\n\r\n")), BODY("\0\r\n0\r\n\r\n") },
    { HTTP_POST, "an extension", RAW(CHUNKED("5;a=b\r\nhello\r\n0\r\n\r\n")), BODY("hello") },
    { HTTP_POST, "extensions, one quoted",
      RAW(CHUNKED("5;a;b=\"c;\td \xe4\"\r\nhello\r\n0;x\r\n\r\n")), BODY("hello") },
    { HTTP_POST, "white space before an extension (BWS)", RAW(CHUNKED("5 \t;a=b\r\nhello\r\n0 ;a\r\n\r\n")),
      BODY("hello") },
    { HTTP_POST, "a trailer", RAW(CHUNKED("2\r\nhi\r\n0\r\nX: y\r\n\r\n")), BODY("hi") },
    { HTTP_POST, "trailers change nothing (9110 6.5.1)",
      RAW(POST("Content-Type: a/b\r\nTransfer-Encoding: chunked\r\n",
               "2\r\nhi\r\n0\r\nAuthorization: Bearer x\r\nContent-Type: c/d\r\nConnection: close\r\n"
               "Content-Length: 9\r\nHost: b\r\nExpect: 100-continue\r\nTransfer-Encoding: gzip\r\n\r\n")),
      BODY("hi"), .type = "a/b" },
    { HTTP_POST, "bytes behind", RAW(CHUNKED("2\r\nhi\r\n1\r\n!\r\n0\r\n\r\nGET / HTTP")), BODY("hi!"),
      .rest = "GET / HTTP" },
    { HTTP_POST, "an empty line behind is the next one's", RAW(CHUNKED("0\r\nX: y\r\n\r\n\r\n")), .rest = "\r\n" },
    { 400, "no size", RAW(CHUNKED("\r\nhello\r\n0\r\n\r\n")) },
    { 400, "no size but an extension", RAW(CHUNKED(";a\r\nhello\r\n0\r\n\r\n")) },
    { 400, "no size is no 0", RAW(CHUNKED("\r\n\r\n")) },
    { 400, "an extension is no 0", RAW(CHUNKED(";a\r\n\r\n")) },
    { 400, "space before the size", RAW(CHUNKED(" 5\r\nhello\r\n0\r\n\r\n")) },
    { 400, "space behind the size", RAW(CHUNKED("5 \r\nhello\r\n0\r\n\r\n")) },
    { 400, "tab behind the size", RAW(CHUNKED("5\t\r\nhello\r\n0\r\n\r\n")) },
    { 400, "a plus sign", RAW(CHUNKED("+5\r\nhello\r\n0\r\n\r\n")) },
    { 400, "a minus sign", RAW(CHUNKED("-5\r\nhello\r\n0\r\n\r\n")) },
    { 400, "0x", RAW(CHUNKED("0x5\r\nhello\r\n0\r\n\r\n")) },
    { 400, "no hexadecimal digit", RAW(CHUNKED("g\r\nhello\r\n0\r\n\r\n")) },
    { 400, "no hexadecimal digit behind one", RAW(CHUNKED("5h\r\nhello\r\n0\r\n\r\n")) },
    { 400, "a second number", RAW(CHUNKED("5 5\r\nhello\r\n0\r\n\r\n")) },
    { 400, "a comma", RAW(CHUNKED("5,5\r\nhello\r\n0\r\n\r\n")) },
    { 400, "NUL in the size", RAW(CHUNKED("5\0\r\nhello\r\n0\r\n\r\n")) },
    { 400, "bare LF behind the size", RAW(CHUNKED("5\nhello\r\n0\r\n\r\n")) },
    { 400, "bare CR behind the size", RAW(CHUNKED("5\rhello\r\n0\r\n\r\n")) },
    { 400, "CR CR LF behind the size", RAW(CHUNKED("5\r\r\nhello\r\n0\r\n\r\n")) },
    { 400, "bare LF behind an extension", RAW(CHUNKED("5;a\nhello\r\n0\r\n\r\n")) },
    { 400, "bare LF in an extension hides a chunk", RAW(CHUNKED("2;\nxx\r\n10\r\n\r\n0\r\n\r\n")) },
    { 400, "NUL in an extension", RAW(CHUNKED("5;a\0\r\nhello\r\n0\r\n\r\n")) },
    { 400, "DEL in an extension", RAW(CHUNKED("5;\x7f\r\nhello\r\n0\r\n\r\n")) },
    { 400, "too little data", RAW(CHUNKED("6\r\nhello\r\n0\r\n\r\n")) },
    { 400, "too much data", RAW(CHUNKED("4\r\nhello\r\n0\r\n\r\n")) },
    { 400, "bare LF behind the data", RAW(CHUNKED("5\r\nhello\n0\r\n\r\n")) },
    { 400, "bare CR behind the data", RAW(CHUNKED("5\r\nhello\r0\r\n\r\n")) },
    { 400, "LF CR behind the data", RAW(CHUNKED("5\r\nhello\n\r0\r\n\r\n")) },
    { 400, "nothing behind the data", RAW(CHUNKED("5\r\nhello0\r\n\r\n")) },
    { 400, "two CRLF behind the data", RAW(CHUNKED("5\r\nhello\r\n\r\n0\r\n\r\n")) },
    { 400, "bare LF behind the last chunk", RAW(CHUNKED("0\n\r\n")) },
    { 400, "bare LF ends it all", RAW(CHUNKED("0\r\n\n")) },
    { 400, "bare CR ends it all", RAW(CHUNKED("0\r\n\rG / HTTP/1.1\r\n\r\n")) },
    { 400, "no empty line: the next request is no trailer", RAW(CHUNKED("0\r\nGET / HTTP/1.1\r\n\r\n")) },
    { 400, "a trailer with a bare LF", RAW(CHUNKED("0\r\nX: y\n\r\n")) },
    { 400, "a trailer without name", RAW(CHUNKED("0\r\n: y\r\n\r\n")) },
    { 400, "a trailer with a space before the colon", RAW(CHUNKED("0\r\nX : y\r\n\r\n")) },
    { 400, "a trailer with NUL", RAW(CHUNKED("0\r\nX: \0\r\n\r\n")) },
    { 400, "a folded trailer", RAW(CHUNKED("0\r\nX: y\r\n z\r\n\r\n")) },
    { 400, "a fold for the first trailer", RAW(CHUNKED("0\r\n X: y\r\n\r\n")) },
    { 413, "a chunk of 16385", RAW(CHUNKED("4001\r\nhello")) },
    { 413, "a chunk of 2^32 + 5", RAW(CHUNKED("100000005\r\nhello\r\n0\r\n\r\n")) },
    { 413, "a chunk of 2^64 - 1", RAW(CHUNKED("ffffffffffffffff\r\nhello\r\n0\r\n\r\n")) },
    { 413, "a chunk of 2^64 + 5", RAW(CHUNKED("10000000000000005\r\nhello\r\n0\r\n\r\n")) },
    { 413, "together 2^64", RAW(CHUNKED("5\r\nhello\r\nfffffffffffffffb\r\n")) },

    /* RFC 9110 10.1.1: Expect */
    { HTTP_POST, "100-continue", RAW(POST("Expect: 100-continue\r\nContent-Length: 2\r\n", "hi")), BODY("hi"),
      .expect = true },
    { HTTP_POST, "100-continue, chunked", RAW(POST("expect:100-Continue \r\nTransfer-Encoding: chunked\r\n",
                                                   "2\r\nhi\r\n0\r\n\r\n")), BODY("hi"), .expect = true },
    { HTTP_POST, "in HTTP/1.0 it is ignored",
      RAW("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"), BODY("hi"),
      .http10 = true, .close = true },
    { HTTP_GET, "in HTTP/1.0 another one, too", RAW(GET10("Expect: x\r\n")), .http10 = true, .close = true },
    { 417, "another expectation", RAW(POST("Expect: 200-ok\r\n", "")) },
    { 417, "100-continue and another", RAW(POST("Expect: 100-continue, x\r\n", "")) },
    { 417, "one that 100-continue begins", RAW(POST("Expect: 100-continued\r\n", "")) },
    { 417, "one that begins 100-continue", RAW(POST("Expect: 100\r\n", "")) },

    /* http.h: the last X-Forwarded-For, which the nearest proxy wrote; a trailer is not a proxy's */
    { HTTP_GET, "an origin (RFC 6454 7)", RAW(GET("Origin: https://app.example\r\n")), .origin = "https://app.example" },
    { HTTP_GET, "no origin in particular", RAW(GET("oRIGIN:null \r\n")), .origin = "null" },
    { HTTP_GET, "an empty origin", RAW(GET("Origin:\r\n")), .origin = "" },
    { HTTP_GET, "two origins", RAW(GET("Origin: http://a\r\nOrigin: http://b\r\n")), .origin = "http://b" },
    { HTTP_GET, "what only ends as Origin", RAW(GET("X-Origin: http://a\r\nOrigins: http://b\r\n")) },
    { 400, "a control character in it", RAW(GET("Origin: http://a\x01\r\n")) },
    { HTTP_POST, "an origin in a trailer",
      RAW(POST("Origin: http://a\r\nTransfer-Encoding: chunked\r\n", "0\r\nOrigin: http://b\r\n\r\n")),
      .origin = "http://a" },

    /* RFC 9110 10.1.3, 5.3: one that is there twice says nothing */
    { HTTP_GET, "a referer", RAW(GET("rEFERER:  https://a/?next=/b \r\n")), .referer = "https://a/?next=/b" },
    { HTTP_GET, "an empty referer", RAW(GET("Referer:\r\n")), .referer = "" },
    { HTTP_GET, "two referers", RAW(GET("Referer: http://a/\r\nReferer: http://a/\r\n")), .referer = "" },
    { HTTP_GET, "three", RAW(GET("Referer: http://a/\r\nReferer: http://b/\r\nReferer: a\r\n")), .referer = "" },
    { HTTP_GET, "an empty one and another", RAW(GET("Referer:\r\nReferer: http://a/\r\n")), .referer = "" },
    { HTTP_GET, "as English has it", RAW(GET("Referrer: http://a/\r\nX-Referer: http://a/\r\n")) },
    { 400, "a control character in it", RAW(GET("Referer: http://a/\x01\r\n")) },
    { HTTP_POST, "a referer in a trailer",
      RAW(POST("Transfer-Encoding: chunked\r\n", "0\r\nReferer: http://b/\r\n\r\n")) },

    { HTTP_GET, "forwarded for one", RAW(GET("X-Forwarded-For: 192.0.2.1\r\n")), .forwarded = "192.0.2.1" },
    { HTTP_GET, "forwarded by two", RAW(GET("x-forwarded-for:\t192.0.2.1 , ::1 \r\n")),
      .forwarded = "192.0.2.1 , ::1" },
    { HTTP_GET, "a client's own field, then a proxy's",
      RAW(GET("X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 203.0.113.5\r\n")), .forwarded = "203.0.113.5" },
    { HTTP_GET, "forwarded for nobody", RAW(GET("X-Forwarded-For: \r\n")), .forwarded = "" },
    { HTTP_GET, "another field", RAW(GET("X-Forwarded-For-: 192.0.2.1\r\nX-Forwarded: 192.0.2.1\r\n")) },
    { HTTP_POST, "forwarded in a trailer",
      RAW(POST("X-Forwarded-For: 203.0.113.5\r\nTransfer-Encoding: chunked\r\n",
               "0\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")), .forwarded = "203.0.113.5" },

    /* RFC 9112 9.3, 9.6, RFC 9110 7.6.1, 5.6.1.2: Connection */
    { HTTP_GET, "close", RAW(GET("Connection: close\r\n")), .close = true },
    { HTTP_GET, "options are case-insensitive", RAW(GET("CONNECTION: Close\r\n")), .close = true },
    { HTTP_GET, "keep-alive is the default", RAW(GET("Connection: keep-alive\r\n")) },
    { HTTP_GET, "close in a list", RAW(GET("Connection: TE,close\t, x\r\n")), .close = true },
    { HTTP_GET, "empty list elements", RAW(GET("Connection: , ,,\tclose,\r\n")), .close = true },
    { HTTP_GET, "an empty list", RAW(GET("Connection:\r\n")) },
    { HTTP_GET, "close beats keep-alive before it", RAW(GET("Connection: keep-alive, close\r\n")), .close = true },
    { HTTP_GET, "close beats keep-alive behind it", RAW(GET("Connection: close, keep-alive\r\n")), .close = true },
    { HTTP_GET, "close in a second field", RAW(GET("Connection: x\r\nConnection: close\r\n")), .close = true },
    { HTTP_GET, "close in a first field", RAW(GET("Connection: close\r\nConnection: keep-alive\r\n")), .close = true },
    { HTTP_GET, "an option that close begins", RAW(GET("Connection: closed\r\n")) },
    { HTTP_GET, "an option that close ends", RAW(GET("Connection: no-close\r\n")) },
    { HTTP_GET, "an option that begins close", RAW(GET("Connection: clos, upgrade\r\n")) },
    { HTTP_GET, "Proxy-Connection is another field", RAW(GET("Proxy-Connection: close\r\n")) },
    { HTTP_GET, "HTTP/1.2, close", RAW("GET / HTTP/1.2\r\nHost: a\r\nConnection: close\r\n\r\n"), .close = true },
    { HTTP_GET, "HTTP/1.0, keep-alive", RAW(GET10("Connection: Keep-Alive\r\n")), .http10 = true },
    { HTTP_GET, "HTTP/1.0, keep-alive in a list", RAW(GET10("Connection: x, keep-alive\r\n")), .http10 = true },
    { HTTP_GET, "HTTP/1.0, keep-alive in a second field", RAW(GET10("Connection: x\r\nConnection: keep-alive\r\n")),
      .http10 = true },
    { HTTP_GET, "HTTP/1.0, close", RAW(GET10("Connection: close\r\n")), .http10 = true, .close = true },
    { HTTP_GET, "HTTP/1.0, both", RAW(GET10("Connection: keep-alive, close\r\n")), .http10 = true, .close = true },
    { HTTP_GET, "HTTP/1.0, both in two fields", RAW(GET10("Connection: close\r\nConnection: keep-alive\r\n")),
      .http10 = true, .close = true },
    { HTTP_GET, "HTTP/1.0, the Keep-Alive field says nothing", RAW(GET10("Keep-Alive: timeout=5\r\n")),
      .http10 = true, .close = true },

    /* RFC 9110 8.3, 5.3, 11.6.2: Content-Type, Authorization */
    { HTTP_POST, "Content-Type", RAW(POST("Content-Type: application/json\r\nContent-Length: 2\r\n", "{}")), BODY("{}"),
      .type = "application/json" },
    { HTTP_POST, "with parameters", RAW(POST("content-type: \ttext/a; charset=\"b\" \r\n", "")),
      .type = "text/a; charset=\"b\"" },
    { HTTP_POST, "an empty Content-Type", RAW(POST("Content-Type:\r\n", "")), .type = "" },
    { HTTP_POST, "names that Content-Type begins or ends", RAW(POST("Content-Types: a\r\nX-Content-Type: b\r\n", "")) },
    { 400, "Content-Type twice", RAW(POST("Content-Type: a/b\r\nContent-Type: c/d\r\n", "")) },
    { 400, "the same Content-Type twice", RAW(POST("Content-Type: a/b\r\ncontent-type: a/b\r\n", "")) },
    { 400, "an empty one and another", RAW(POST("Content-Type:\r\nContent-Type: a/b\r\n", "")) },
    { HTTP_GET, "Authorization", RAW(GET("Authorization: Bearer a.b.c\r\n")), .authorization = "Bearer a.b.c" },
    { HTTP_GET, "two: the first is kept", RAW(GET("Authorization: Bearer a\r\nAuthorization: Basic b\r\n")),
      .authorization = "Bearer a", .authorizations = 2 },
    { HTTP_GET, "two, the first empty", RAW(GET("Authorization:\r\nX: y\r\nAuthorization: Basic b\r\n")),
      .authorization = "", .authorizations = 2 },
    { HTTP_GET, "three count as two", RAW(GET("Authorization: a\r\nAuthorization: b\r\nAuthorization: c\r\n")),
      .authorization = "a", .authorizations = 2 },

    /* RFC 9112 9.3.2: what stands behind is left alone */
    { HTTP_GET, "a request behind", RAW(GET("") "GET /2 HTTP/1.1\r\n"), .rest = "GET /2 HTTP/1.1\r\n" },
    { HTTP_POST, "a request behind a body", RAW(POST("Content-Length: 2\r\n", "hiPOST")), BODY("hi"), .rest = "POST" },
    { HTTP_GET, "nonsense behind", RAW(GET("") "\n\n\x01"), .rest = "\n\n\x01" },
};

/* Large ones: pieces, each so many times. */
struct piece {
    const char *text;
    size_t times;
};

struct large {
    struct row row;
    struct piece raw[9], path[2], body;
};

#define IS(expectation, reason) .row.expected = expectation, .row.why = reason
#define HEAD "GET / HTTP/1.1\r\nHost: a\r\n"
#define HEAD_CHUNKED "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" /* 37 bytes of fields */
#define TAIL " HTTP/1.1\r\nHost: a\r\n\r\n"
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct large large_rows[] = {
    /* RFC 9112 3: 8192 bytes of target; 414 */
    { IS(HTTP_GET, "target of 8192"), .raw = { { "GET /", 1 }, { "a", 8191 }, { TAIL, 1 } },
      .path = { { "/", 1 }, { "a", 8191 } } },
    { IS(HTTP_GET, "target of 8192 with a query"), .raw = { { "GET /?", 1 }, { "a", 8190 }, { TAIL, 1 } } },
    { IS(HTTP_GET, "target of 8192 in absolute-form"),
      .raw = { { "GET http://b/", 1 }, { "a", 8183 }, { TAIL, 1 } }, .path = { { "/", 1 }, { "a", 8183 } } },
    { IS(414, "target of 8193"), .raw = { { "GET /", 1 }, { "a", 8192 }, { TAIL, 1 } } },
    { IS(414, "target of 8193 with a query"), .raw = { { "GET /?", 1 }, { "a", 8191 }, { TAIL, 1 } } },
    { IS(414, "target of 8193, of HTTP/2.0"), .raw = { { "GET /", 1 }, { "a", 8192 }, { " HTTP/2.0\r\n\r\n", 1 } } },
    { IS(414, "target of 9000, of HTTP/2.0"), .raw = { { "GET /", 1 }, { "a", 8999 }, { " HTTP/2.0\r\n\r\n", 1 } } },
    { IS(414, "target of 8193 in absolute-form"),
      .raw = { { "GET http://b/", 1 }, { "a", 8184 }, { TAIL, 1 } } },
    { IS(414, "target of 8300, line not complete"), .raw = { { "GET /", 1 }, { "a", 8299 } } },
    { IS(501, "method of 9000"), .raw = { { "A", 9000 }, { " /" TAIL, 1 } } },
    { IS(501, "method of 9000, line not complete"), .raw = { { "A", 9000 } } },
    { IS(400, "version of 9000"),
      .raw = { { "GET / HTTP/1.", 1 }, { "1", 9000 }, { "\r\nHost: a\r\n\r\n", 1 } } },
    { IS(400, "version of 9000, line not complete"), .raw = { { "GET / HTTP/1.", 1 }, { "1", 9000 } } },

    /* RFC 9110 5.4, RFC 6585 5: 32768 bytes and 128 field lines; 431. The first is also what
     * takes too long where each byte has the line searched from its beginning. */
    { IS(HTTP_GET, "fields of 32768"), .raw = { { HEAD "X: ", 1 }, { "a", 32754 }, { "\r\n\r\n", 1 } } },
    { IS(HTTP_GET, "fields of 32768 in many"),
      .raw = { { HEAD "X: ", 1 }, { "a", 390 }, { "\r\n", 1 }, { "Y: " A64 A64 A64 A64 "\r\n", 124 }, { "\r\n", 1 } } },
    { IS(HTTP_GET, "128 field lines"), .raw = { { HEAD, 1 }, { "X:\r\n", 127 }, { "\r\n", 1 } } },
    { IS(431, "fields of 32769"), .raw = { { HEAD "X: ", 1 }, { "a", 32755 }, { "\r\n\r\n", 1 } } },
    { IS(431, "fields of 32769 in many"),
      .raw = { { HEAD "X: ", 1 }, { "a", 391 }, { "\r\n", 1 }, { "Y: " A64 A64 A64 A64 "\r\n", 124 }, { "\r\n", 1 } } },
    { IS(431, "fields of 32800, line not complete"), .raw = { { HEAD "X: ", 1 }, { "a", 32788 } } },
    { IS(431, "a name without end"), .raw = { { HEAD, 1 }, { "X", 32800 } } },
    { IS(431, "129 field lines"), .raw = { { HEAD, 1 }, { "X:\r\n", 128 }, { "\r\n", 1 } } },

    /* RFC 9112 6.2: 16384 bytes of body; 413 */
    { IS(HTTP_POST, "Content-Length: 16384"),
      .raw = { { POST("Content-Length: 16384\r\n", ""), 1 }, { "b", 16384 } }, .body = { "b", 16384 } },
    { IS(HTTP_POST, "Content-Length: 16384, bytes behind"), .row.rest = "GET ",
      .raw = { { POST("Content-Length: 16384\r\n", ""), 1 }, { "b", 16384 }, { "GET ", 1 } }, .body = { "b", 16384 } },
    { IS(413, "Content-Length: 16385, all sent"),
      .raw = { { POST("Content-Length: 16385\r\n", ""), 1 }, { "b", 16385 } } },
    { IS(413, "Content-Length of 300 digits"),
      .raw = { { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ", 1 }, { "9", 300 }, { "\r\n\r\n", 1 } } },

    /* RFC 9112 7.1: 16384 bytes once decoded, 413; a chunk line of 256, 400; trailers are fields, 431 */
    { IS(HTTP_POST, "a chunk of 16384"),
      .raw = { { CHUNKED("4000\r\n"), 1 }, { "b", 16384 }, { "\r\n0\r\n\r\n", 1 } }, .body = { "b", 16384 } },
    { IS(HTTP_POST, "chunks of 16383 and 1"),
      .raw = { { CHUNKED("3fff\r\n"), 1 }, { "b", 16383 }, { "\r\n1\r\nb\r\n0\r\n\r\n", 1 } }, .body = { "b", 16384 } },
    { IS(HTTP_POST, "16384 chunks of 1, bytes behind"), .row.rest = "GET ",
      .raw = { { CHUNKED(""), 1 }, { "1\r\nb\r\n", 16384 }, { "0\r\n\r\nGET ", 1 } }, .body = { "b", 16384 } },
    { IS(413, "chunks of 16384 and 1"),
      .raw = { { CHUNKED("4000\r\n"), 1 }, { "b", 16384 }, { "\r\n1\r\nb\r\n0\r\n\r\n", 1 } } },
    { IS(413, "16385 chunks of 1"),
      .raw = { { CHUNKED(""), 1 }, { "1\r\nb\r\n", 16385 }, { "0\r\n\r\n", 1 } } },
    { IS(HTTP_POST, "extension, chunk line of 256"),
      .raw = { { CHUNKED("1;"), 1 }, { "a", 254 }, { "\r\nb\r\n0\r\n\r\n", 1 } }, .body = { "b", 1 } },
    { IS(HTTP_POST, "zeros, chunk line of 256"),
      .raw = { { CHUNKED(""), 1 }, { "0", 255 }, { "1\r\nb\r\n0\r\n\r\n", 1 } }, .body = { "b", 1 } },
    { IS(HTTP_POST, "last chunk, line of 256"), .raw = { { CHUNKED(""), 1 }, { "0", 256 }, { "\r\n\r\n", 1 } } },
    { IS(HTTP_POST, "extensions longer than any buffer"),
      .raw = { { CHUNKED(""), 1 }, { "1;" A64 A64 A64 "\r\nb\r\n", 400 }, { "0\r\n\r\n", 1 } }, .body = { "b", 400 } },
    { IS(400, "extension, chunk line of 257"),
      .raw = { { CHUNKED("1;"), 1 }, { "a", 255 }, { "\r\nb\r\n0\r\n\r\n", 1 } } },
    { IS(400, "zeros, chunk line of 257"),
      .raw = { { CHUNKED(""), 1 }, { "0", 256 }, { "1\r\nb\r\n0\r\n\r\n", 1 } } },
    { IS(400, "last chunk, line of 257"), .raw = { { CHUNKED(""), 1 }, { "0", 257 }, { "\r\n\r\n", 1 } } },
    { IS(400, "chunk line of 300, not complete"), .raw = { { CHUNKED("1;"), 1 }, { "a", 298 } } },
    { IS(HTTP_POST, "fields and a trailer of 32768"),
      .raw = { { CHUNKED("1\r\nb\r\n0\r\nX: "), 1 }, { "a", 32726 }, { "\r\n\r\n", 1 } }, .body = { "b", 1 } },
    { IS(HTTP_POST, "fields and trailers, 128 lines"),
      .raw = { { CHUNKED("0\r\n"), 1 }, { "X:\r\n", 126 }, { "\r\n", 1 } } },
    { IS(431, "fields and a trailer of 32769"),
      .raw = { { CHUNKED("1\r\nb\r\n0\r\nX: "), 1 }, { "a", 32727 }, { "\r\n\r\n", 1 } } },
    { IS(431, "fields and a trailer of 32800, not complete"), .raw = { { CHUNKED("0\r\nX: "), 1 }, { "a", 32760 } } },
    { IS(431, "fields and trailers, 129 lines"),
      .raw = { { CHUNKED("0\r\n"), 1 }, { "X:\r\n", 127 }, { "\r\n", 1 } } },

    /* all limits at once: still within HTTP_REQUEST_MAX, byte by byte */
    { IS(HTTP_OTHER, "the largest request"),
      .raw = { { "\r\nABCDEFGHIJKLMNOPQRSTUVWXYZ012345 /", 1 }, { "a", 8191 },
               { " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX: ", 1 }, { "a", 20000 }, { "\r\n\r\n", 1 },
               { "2\r\nbb\r\n", 8192 }, { "0;" A64 A64 A64 "\r\nY: ", 1 }, { "a", 12721 }, { "\r\n\r\n", 1 } },
      .path = { { "/", 1 }, { "a", 8191 } }, .body = { "b", 16384 } },
};

/* The pieces as one text, ended by NUL. */
static char *joined(const struct piece *pieces, size_t n, size_t *len)
{
    char *text = malloc(ARENA);
    if (text == NULL)
        exit(1);
    struct buffer b = { text, 0, ARENA, false };
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < pieces[i].times; j++)
            put_text(&b, pieces[i].text);
    *len = b.len;
    put_char(&b, 0);
    if (b.overflow)
        exit(1);
    return text;
}

/* As printable text, cut where it is long. */
static const char *escaped(const char *at, size_t n)
{
    static char text[1000];
    struct buffer b = { text, 0, sizeof text - 30, false };
    for (size_t i = 0; i < n && i < 200; i++) {
        uint8_t c = (uint8_t)at[i];
        put_text(&b, c == '\r' ? "\\r" : c == '\n' ? "\\n" : c < ' ' || c > '~' ? "\\x" : "");
        if (c >= ' ' && c <= '~')
            put_char(&b, at[i]);
        else if (c != '\r' && c != '\n')
            put_hex(&b, &c, 1);
    }
    if (n > 200)
        put_text(&b, "...");
    text[b.len] = 0;
    return text;
}

/* A connection's buffer: it ends at the unreadable page, and all of it moves when bytes come. */
struct feed {
    struct http_request request;
    char *buf;
    size_t len;
};

static enum http_result feed_more(struct feed *f, const char *bytes, size_t n)
{
    char *to = arena_end - (f->len + n);
    memmove(to, f->buf, f->len);
    memcpy(arena_end - n, bytes, n);
    f->buf = to;
    f->len += n;
    return http_parse(&f->request, f->buf, &f->len);
}

static bool span_is(const struct feed *f, struct http_span span, struct slice expected)
{
    return span.at <= f->len && span.len <= f->len - span.at && slice_equal(http_slice(f->buf, span), expected);
}

static bool value_is(const struct feed *f, struct http_span span, const char *expected)
{
    return expected == NULL ? span.at == 0 : span.at != 0 && span_is(f, span, slice_of(expected));
}

/* What of the head is not as the row has it; NULL: nothing. */
static const char *head_wrong(const struct row *w, const struct feed *f)
{
    const struct http_request *r = &f->request;
    int authorizations = w->authorizations ? w->authorizations : w->authorization != NULL;
    return (int)r->method != w->expected                                   ? "method"
           : !span_is(f, r->path, slice_of(w->path ? w->path : "/"))       ? "path"
           : r->minor_version != !w->http10                                ? "minor_version"
           : r->keep_alive != !w->close                                    ? "keep_alive"
           : r->expect_continue != w->expect                               ? "expect_continue"
           : r->authorizations != authorizations                           ? "authorizations"
           : !value_is(f, r->authorization, w->authorization)              ? "authorization"
           : !value_is(f, r->content_type, w->type)                        ? "content_type"
           : !value_is(f, r->forwarded_for, w->forwarded)                  ? "forwarded_for"
           : !value_is(f, r->origin, w->origin)                            ? "origin"
           : !value_is(f, r->referer, w->referer)                          ? "referer"
                                                                           : NULL;
}

static char problem[400];

static bool wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
static bool wrong(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(problem, sizeof problem, format, arguments);
    va_end(arguments);
    return false;
}

/* Feeds the row's first bytes, then so many at a time; says in `problem` what is not as the row has it. */
static bool feeds_right(const struct row *w, size_t first, size_t step)
{
    bool accepted = w->expected < 100;
    size_t rest = w->rest ? strlen(w->rest) : 0, end = w->len - rest, head = end;
    for (size_t i = 0; accepted && i + 4 <= end && head == end; i++)
        if (memcmp(w->raw + i, "\r\n\r\n", 4) == 0)
            head = i + 4;

    struct feed f = { .buf = arena_end };
    struct http_request *r = &f.request;
    size_t fed = 0;
    enum http_result result;
    for (size_t n = first;; n = step) {
        n = n < w->len - fed ? n : w->len - fed;
        size_t given = f.len + n;
        result = feed_more(&f, w->raw + fed, n);
        fed += n;
        if (f.len > given)
            return wrong("*len grows from %zu to %zu", given, f.len);
        if (result != HTTP_MORE)
            break;
        if (fed == w->len || (accepted && fed >= end))
            return wrong("wants more after %zu bytes of %zu", fed, end);
        if (step == 1 && f.len >= HTTP_REQUEST_MAX)
            return wrong("%zu bytes are kept after %zu", f.len, fed);
        const char *what = !accepted || fed < head ? NULL : r->phase < HTTP_BODY ? "phase" : head_wrong(w, &f);
        if (what)
            return wrong("%s, where the head is complete", what);
    }
    if (result == HTTP_REFUSED)
        return r->reason == NULL || r->reason[0] == 0 ? wrong("no reason")
               : r->status != w->expected             ? wrong("%d %s after %zu bytes", r->status, r->reason, fed)
                                                      : true;
    if (result != HTTP_DONE)
        return wrong("result %d", (int)result);
    if (!accepted)
        return wrong("accepted after %zu bytes", fed);
    if (head_wrong(w, &f))
        return wrong("%s", head_wrong(w, &f));
    if (!span_is(&f, r->body, w->body.at ? w->body : slice_of("")))
        return wrong("body at %u, %u bytes", (unsigned)r->body.at, (unsigned)r->body.len);
    if (r->consumed > f.len || f.len - r->consumed + (w->len - fed) != rest)
        return wrong("consumed is %u of %zu after %zu bytes", (unsigned)r->consumed, f.len, fed);
    if (rest && memcmp(f.buf + r->consumed, w->rest, f.len - r->consumed) != 0)
        return wrong("the bytes behind are not what they were");
    return true;
}

static bool every; /* byte of a long one, too, which takes a minute: http_test every */

/* Whole, in two at every byte (of a long one: at many of them, or at `every`), and byte by byte. */
static bool row_right(const struct row *w, const char **how, size_t *split)
{
    size_t stride = w->len > HTTP_REQUEST_MAX ? 997 : 97;
    *how = "whole";
    *split = w->len;
    if (!feeds_right(w, w->len, 1))
        return false;
    *how = "split";
    for (*split = 0; *split <= w->len; ++*split)
        if ((every || *split <= 300 || *split + 300 >= w->len || *split % stride == 0) && !feeds_right(w, *split, w->len))
            return false;
    *how = "byte by byte";
    *split = 1;
    return feeds_right(w, 1, 1);
}

static void try_row(const struct row *w)
{
    const char *how;
    size_t split;
    bool right = row_right(w, &how, &split);
    check(right, "%s (expected: %s %d; %s, %zu): %s: \"%s\"", w->why, w->expected < 100 ? "method" : "status",
          w->expected, how, split, problem, escaped(w->raw, w->len));
}

static void try_large(const struct large *l)
{
    struct row w = l->row;
    char *raw = joined(l->raw, sizeof l->raw / sizeof *l->raw, &w.len), *path = NULL, *body = NULL;
    size_t unused;
    w.raw = raw;
    if (l->path[0].times)
        w.path = path = joined(l->path, 2, &unused);
    if (l->body.times)
        w.body.at = body = joined(&l->body, 1, &w.body.len);
    try_row(&w);
    free(raw);
    free(path);
    free(body);
}

/* Every byte value at one place: which are accepted there; the others are 400. */
#define ALPHANUMERIC "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define TCHAR "!#$%&'*+-.^_`|~" ALPHANUMERIC

static void try_bytes(const char *why, const char *before, const char *after, struct row expected, const char *allowed,
                      bool obs_text)
{
    char raw[200];
    for (int c = 0; c < 256; c++) {
        struct buffer b = { raw, 0, sizeof raw, false };
        put_text(&b, before);
        put_char(&b, (char)c);
        put_text(&b, after);
        struct row w = expected;
        w.raw = raw;
        w.len = b.len;
        if (c >= 128 ? !obs_text : c == 0 || strchr(allowed, c) == NULL)
            w.expected = 400;
        char path[4] = { '/', 'a', (char)c, 0 };
        if (w.path) /* the place is in the path */
            w.path = c == '?' ? "/a" : path;
        const char *how;
        size_t split;
        if (!row_right(&w, &how, &split)) {
            check(false, "byte 0x%02x %s (expected: %d; %s, %zu): %s", (unsigned)c, why, w.expected, how, split,
                  problem);
            return;
        }
    }
    check(true, "%s", why);
}

static void test_bytes(void)
{
    char visible[] = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" ALPHANUMERIC "\t ", target[sizeof visible], *t = target;
    for (const char *v = visible; *v; v++)
        if (*v != '#' && *v != '\t' && *v != ' ')
            *t++ = *v;
    *t = 0;
    try_bytes("in a method", "P", LINE(" / HTTP/1.1"), (struct row){ .expected = HTTP_OTHER }, TCHAR, false);
    try_bytes("in a target", "GET /a", LINE(" HTTP/1.1"), (struct row){ .expected = HTTP_GET, .path = "" }, target,
              false);
    try_bytes("in a field name", HEAD "X", "Y: z\r\n\r\n", (struct row){ .expected = HTTP_GET }, TCHAR ":", false);
    try_bytes("in a field value", HEAD "X: y", "z\r\n\r\n", (struct row){ .expected = HTTP_GET }, visible, true);
    try_bytes("in a Host", "GET / HTTP/1.1\r\nHost: a", "4a\r\n\r\n", (struct row){ .expected = HTTP_GET },
              "!$%&'()*+,;=-._~" ALPHANUMERIC, false);
    try_bytes("in an IPv6 Host", "GET / HTTP/1.1\r\nHost: [::1", "]\r\n\r\n", (struct row){ .expected = HTTP_GET },
              "0123456789abcdefABCDEF:.", false);
    try_bytes("in a Host's port", "GET / HTTP/1.1\r\nHost: a:1", "2\r\n\r\n", (struct row){ .expected = HTTP_GET },
              "0123456789", false);
    try_bytes("in a chunk extension", CHUNKED("1;a"), "b\r\nx\r\n0\r\n\r\n",
              (struct row){ .expected = HTTP_POST, BODY("x") }, visible, true);
    try_bytes("in a trailer's value", CHUNKED("0\r\nX: y"), "z\r\n\r\n", (struct row){ .expected = HTTP_POST }, visible,
              true);
}

/* Requests one behind the other (RFC 9112 9.3.2), as a connection reads them: so many bytes at a time. */
static void test_pipeline(void)
{
    static const char text[] =
        GET("")
        "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n"
        "\r\nPOST /3?a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi";
    size_t len = sizeof text - 1;
    bool right = true;
    for (size_t step = 1; step <= len && right; step++) {
        char seen[100];
        struct buffer b = { seen, 0, sizeof seen, false };
        struct feed f = { .buf = arena_end };
        for (size_t fed = 0, n; fed < len; fed += n) {
            n = step < len - fed ? step : len - fed;
            for (enum http_result result = feed_more(&f, text + fed, n); result != HTTP_MORE;
                 result = feed_more(&f, "", 0)) {
                if (result == HTTP_REFUSED || f.request.consumed == 0 || f.request.consumed > f.len) {
                    put_text(&b, "refused ");
                    break;
                }
                struct slice path = http_slice(f.buf, f.request.path), body = http_slice(f.buf, f.request.body);
                put_number(&b, (uint64_t)f.request.method);
                put_bytes(&b, path.at, path.len);
                put_char(&b, '=');
                put_bytes(&b, body.at, body.len);
                put_text(&b, f.request.keep_alive ? " " : " close ");
                f.buf += f.request.consumed;
                f.len -= f.request.consumed;
                f.request = (struct http_request){ 0 };
            }
        }
        right = slice_is((struct slice){ seen, b.len }, "1/= 3/2=hello 3/3=hi close ") && f.len == 0;
        if (!right)
            wrong("%zu at a time: \"%s\", %zu bytes left", step, escaped(seen, b.len), f.len);
    }
    check(right, "three requests: %s", problem);
}

/* RFC 9110 15 and RFC 6585: reason phrases */
static const struct phrase {
    int status;
    const char *phrase;
} phrases[] = {
    { 200, "OK" }, { 201, "Created" }, { 204, "No Content" }, { 303, "See Other" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
    { 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" }, { 408, "Request Timeout" },
    { 413, "Content Too Large" }, { 414, "URI Too Long" }, { 415, "Unsupported Media Type" },
    { 417, "Expectation Failed" }, { 429, "Too Many Requests" }, { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" }, { 501, "Not Implemented" }, { 503, "Service Unavailable" },
    { 505, "HTTP Version Not Supported" },
};

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define JSON { "{\"a\":1}", 7 }
#define TYPE "Content-Type: application/json"

/* Field lines in any order; each stands once, none else does, and Date is always there (RFC 9110 6.6.1). */
static const struct reply {
    const char *why, *status_line, *fields[10], *body;
    struct http_response response;
    struct http_framing framing;
} replies[] = {
    { "a body (9110 8.6)", "HTTP/1.1 200 OK", { TYPE, "Content-Length: 7" }, "{\"a\":1}",
      { .status = 200, .body = JSON }, { .close = false } },
    { "no body", "HTTP/1.1 200 OK", { "Content-Length: 0" }, "", { .status = 200 }, { .close = false } },
    { "204 has no Content-Length (9110 8.6)", "HTTP/1.1 204 No Content", { NULL }, "", { .status = 204 },
      { .close = false } },
    { "no_store (RFC 9111 5.2.2.5)", "HTTP/1.1 200 OK", { TYPE, "Content-Length: 7", "Cache-Control: no-store" },
      "{\"a\":1}", { .status = 200, .no_store = true, .body = JSON }, { .close = false } },
    { "another media type", "HTTP/1.1 200 OK", { "Content-Type: text/plain", "Content-Length: 7" }, "{\"a\":1}",
      { .status = 200, .content_type = "text/plain", .body = JSON }, { .close = false } },
    { "of no body", "HTTP/1.1 200 OK", { "Content-Length: 0" }, "", { .status = 200, .content_type = "text/plain" },
      { .close = false } },
    { "401 (9110 11.6.1)", "HTTP/1.1 401 Unauthorized",
      { TYPE, "Content-Length: 7", "Cache-Control: no-store", "WWW-Authenticate: Bearer realm=\"a, b\"" }, "{\"a\":1}",
      { .status = 401, .no_store = true, .www_authenticate = "Bearer realm=\"a, b\"", .body = JSON },
      { .close = false } },
    { "405 (9110 10.2.1)", "HTTP/1.1 405 Method Not Allowed", { TYPE, "Content-Length: 7", "Allow: GET, HEAD" },
      "{\"a\":1}", { .status = 405, .allow = "GET, HEAD", .body = JSON }, { .close = false } },
    { "503 (9110 10.2.3)", "HTTP/1.1 503 Service Unavailable", { "Content-Length: 0", "Retry-After: 120" }, "",
      { .status = 503, .retry_after = 120 }, { .close = false } },
    { "429", "HTTP/1.1 429 Too Many Requests", { TYPE, "Content-Length: 7", "Retry-After: 1", "Connection: close" },
      "{\"a\":1}", { .status = 429, .retry_after = 1, .body = JSON }, { .close = true } },
    { "more field lines", "HTTP/1.1 303 See Other",
      { "Content-Length: 0", "Cache-Control: no-store", "Set-Cookie: a=b; Path=/", "Location: /x" }, "",
      { .status = 303, .no_store = true, .field_lines = { "Set-Cookie: a=b; Path=/\r\nLocation: /x\r\n", 39 } },
      { .close = false } },
    { "HEAD: everything but the body (9110 9.3.2)", "HTTP/1.1 200 OK", { TYPE, "Content-Length: 7" }, "",
      { .status = 200, .body = JSON }, { .head = true } },
    { "HEAD without a body", "HTTP/1.1 404 Not Found", { "Content-Length: 0" }, "", { .status = 404 },
      { .head = true } },
    { "close (9112 9.6)", "HTTP/1.1 400 Bad Request", { TYPE, "Content-Length: 7", "Connection: close" }, "{\"a\":1}",
      { .status = 400, .body = JSON }, { .close = true } },
    { "keep-alive for HTTP/1.0 (9112 9.3)", "HTTP/1.1 200 OK", { TYPE, "Content-Length: 7", "Connection: keep-alive" },
      "{\"a\":1}", { .status = 200, .body = JSON }, { .keep_alive_1_0 = true } },
    { "close beats keep-alive", "HTTP/1.1 200 OK", { "Content-Length: 0", "Connection: close" }, "", { .status = 200 },
      { .close = true, .keep_alive_1_0 = true } },
    { "everything", "HTTP/1.1 401 Unauthorized",
      { TYPE, "Content-Length: 7", "Cache-Control: no-store", "WWW-Authenticate: Basic", "Retry-After: 2147483647",
        "Connection: keep-alive" }, "",
      { .status = 401, .no_store = true, .www_authenticate = "Basic", .retry_after = 2147483647, .body = JSON },
      { .keep_alive_1_0 = true, .head = true } },
    { "cors: for who is allowed (Fetch 3.3.3)", "HTTP/1.1 404 Not Found",
      { TYPE, "Content-Length: 7", "Vary: Origin", "Access-Control-Allow-Origin: https://app.example",
        "Access-Control-Expose-Headers: Retry-After, WWW-Authenticate" }, "{\"a\":1}",
      { .status = 404, .body = JSON }, { .cors = true, .origin = { "https://app.example:8443", 19 } } },
    { "cors: for who is not", "HTTP/1.1 200 OK", { TYPE, "Content-Length: 7", "Vary: Origin" }, "{\"a\":1}",
      { .status = 200, .body = JSON }, { .cors = true } },
    { "cors: a preflight (Fetch 4.8)", "HTTP/1.1 200 OK",
      { "Content-Length: 0", "Allow: GET, OPTIONS", "Vary: Origin", "Access-Control-Allow-Origin: *",
        "Access-Control-Expose-Headers: Retry-After, WWW-Authenticate", "Access-Control-Allow-Methods: GET, OPTIONS",
        "Access-Control-Allow-Headers: Authorization, Content-Type", "Access-Control-Max-Age: 7200" }, "",
      { .status = 200, .allow = "GET, OPTIONS" }, { .cors = true, .origin = { "*", 1 } } },
    { "cors: a preflight from who is not allowed", "HTTP/1.1 200 OK",
      { "Content-Length: 0", "Allow: GET, OPTIONS", "Vary: Origin" }, "",
      { .status = 200, .allow = "GET, OPTIONS" }, { .cors = true } },
    { "cors: 405 names its methods, and is no preflight", "HTTP/1.1 405 Method Not Allowed",
      { TYPE, "Content-Length: 7", "Allow: GET", "Vary: Origin", "Access-Control-Allow-Origin: *",
        "Access-Control-Expose-Headers: Retry-After, WWW-Authenticate" }, "{\"a\":1}",
      { .status = 405, .allow = "GET", .body = JSON }, { .cors = true, .origin = { "*", 1 } } },
    { "another type and more fields", "HTTP/1.1 200 OK",
      { "Content-Type: text/html; charset=utf-8", "Content-Length: 7", "Cache-Control: no-cache", "X-A: b" }, "{\"a\":1}",
      { .status = 200, .content_type = "text/html; charset=utf-8", .body = JSON,
        .field_lines = { "Cache-Control: no-cache\r\nX-A: b\r\n", 33 } },
      { .close = false } },
    { "no type without a body", "HTTP/1.1 200 OK", { "Content-Length: 0" }, "",
      { .status = 200, .content_type = "text/html" }, { .close = false } },
    { "any byte in a body", "HTTP/1.1 201 Created", { TYPE, "Content-Length: 6" }, "\r\n\r\n\xc3\xa4",
      { .status = 201, .body = { "\r\n\r\n\xc3\xa4", 6 } }, { .close = false } },
};

/* Cuts a line that ends with CRLF off the front; false where there is none. */
static bool cut_line(struct slice *rest, struct slice *line)
{
    *line = slice_cut(rest, '\n');
    return rest->at != NULL && line->len > 0 && line->at[--line->len] == '\r';
}

static const char *reply_wrong(struct slice got, const char *status_line, const char *const *fields, size_t n,
                               const char *body)
{
    struct slice line;
    if (!cut_line(&got, &line) || !slice_is(line, status_line))
        return "status line";
    size_t expected = 1, seen = 0;
    bool dated = false, there[10] = { false };
    for (size_t i = 0; i < n && fields[i]; i++)
        expected++;
    for (;; seen++) {
        if (!cut_line(&got, &line))
            return "a field line's end";
        if (line.len == 0)
            break;
        bool *mark = slice_is(line, "Date: " DATE) ? &dated : NULL;
        for (size_t i = 0; i < n && fields[i]; i++)
            if (slice_is(line, fields[i]))
                mark = &there[i];
        if (mark == NULL)
            return "a field";
        if (*mark)
            return "a field stands twice";
        *mark = true;
    }
    return seen != expected ? "a field is missing" : !slice_is(got, body) ? "body" : NULL;
}

static void test_responses(void)
{
    char *date = guarded(DATE, HTTP_DATE_LEN), out[1000]; /* without a NUL: none is promised */
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        const struct reply *w = &replies[i];
        struct http_framing framing = w->framing;
        framing.date = date;
        struct buffer b = { out, 5, sizeof out, false };
        memcpy(out, "first", 5);
        http_put_response(&b, &w->response, &framing);
        struct slice got = { out + 5, b.len - 5 };
        const char *what = reply_wrong(got, w->status_line, w->fields, 10, w->body);
        check(!b.overflow && what == NULL && memcmp(out, "first", 5) == 0, "response: %s: %s: \"%s\"", w->why,
              what ? what : "overflow, or what stood before it", escaped(got.at, got.len));

        bool right = true;
        size_t cap;
        for (cap = 5; cap <= b.len && right; cap++) { /* never past the end, and all or nothing */
            struct buffer small = { arena_end - cap, 5, cap, false };
            memcpy(small.at, "first", 5);
            http_put_response(&small, &w->response, &framing);
            right = cap < b.len ? small.overflow && small.len == 5 && memcmp(small.at, "first", 5) == 0
                                : !small.overflow && small.len == b.len && memcmp(small.at, out, b.len) == 0;
        }
        check(right, "response: %s: with room for %zu bytes of %zu", w->why, cap - 1, b.len);
    }
    for (size_t i = 0; i < 2 * (sizeof phrases / sizeof *phrases); i++) {
        const struct phrase *w = &phrases[i / 2];
        if (w->status == 204 && i % 2)
            continue;
        char line[100];
        snprintf(line, sizeof line, "HTTP/1.1 %d %s", w->status, w->phrase);
        struct http_response response = { .status = w->status, .body = { "[]", i % 2 ? 2 : 0 } };
        struct buffer b = { out, 0, sizeof out, false };
        http_put_response(&b, &response, &(struct http_framing){ .date = date });
        const char *full[] = { TYPE, "Content-Length: 2" }, *empty[] = { "Content-Length: 0" };
        const char *what = reply_wrong((struct slice){ out, b.len }, line, i % 2 ? full : empty,
                                       i % 2 ? 2 : w->status != 204, i % 2 ? "[]" : "");
        check(!b.overflow && what == NULL, "response %s: %s: \"%s\"", line, what ? what : "overflow",
              escaped(out, b.len));
    }
    guarded_free(date, HTTP_DATE_LEN);
}

/* Fields that http.h keeps beside those of `rows`, each value as it was sent. */
static void test_fields(void)
{
    static const struct {
        const char *fields, *host, *cookie, *origin, *site; /* NULL: none */
        int cookies;
    } kept[] = {
        { "Host: a\r\n", "a", NULL, NULL, NULL, 0 },
        { "hOST: a.example:8080\r\ncookie:  a=b; c=d \r\n", "a.example:8080", "a=b; c=d", NULL, NULL, 1 },
        { "Cookie: a=b\r\nHost: a\r\nCookie: c=d\r\nCookie: e=f\r\n", "a", "a=b", NULL, NULL, 2 },
        { "Host: a\r\nOrigin: https://a\r\nSec-Fetch-Site: same-origin\r\n", "a", NULL, "https://a", "same-origin", 0 },
        { "Host: a\r\nX-Cookie: a\r\nCookies: b\r\nOrigins: c\r\nSec-Fetch-Sit: d\r\n", "a", NULL, NULL, NULL, 0 },
    };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        char text[512];
        struct http_request r = { 0 };
        size_t len = (size_t)snprintf(text, sizeof text, "GET / HTTP/1.1\r\n%s\r\n", kept[i].fields);
        enum http_result result = http_parse(&r, text, &len);
        const struct { struct http_span span; const char *expected; } all[] = {
            { r.host, kept[i].host }, { r.cookie, kept[i].cookie }, { r.origin, kept[i].origin },
            { r.fetch_site, kept[i].site }
        };
        bool right = result == HTTP_DONE && r.cookies == kept[i].cookies;
        for (size_t k = 0; k < 4; k++)
            right &= all[k].expected ? slice_is(http_slice(text, all[k].span), all[k].expected) : all[k].span.at == 0;
        check(right, "fields kept of %s", escaped(kept[i].fields, strlen(kept[i].fields)));
    }
}

/* The body is too large or of an unknown kind: what stands before it is known all the same. */
static void test_known(void)
{
    static const struct {
        const char *raw;
        int status;
        bool complete; /* all fields were read */
        const char *path;
    } known[] = {
        { "GET /verify HTTP/1.0\r\nContent-Length: 1000000\r\nAuthorization: a\r\n\r\n", 413, true, "/verify" },
        { "GET /verify HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501, false, "/verify" },
        { "GET /verify?x HTTP/1.1\r\nHost: a\r\nExpect: more\r\n\r\n", 417, false, "/verify" },
        { "GET /verify HTTP/2.0\r\n", 505, false, "/verify" },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char text[256];
        struct http_request r = { 0 };
        size_t len = strlen(known[i].raw);
        memcpy(text, known[i].raw, len);
        enum http_result result = http_parse(&r, text, &len);
        check(result == HTTP_REFUSED && r.status == known[i].status && (r.phase >= HTTP_BODY) == known[i].complete &&
                  slice_is(http_slice(text, r.path), known[i].path),
              "known when refused with %d: %d, phase %d", known[i].status, r.status, (int)r.phase);
    }
    static char large[HTTP_TARGET_MAX + 100];
    struct http_request r = { 0 };
    size_t len = sizeof large;
    memset(large, 'a', len);
    memcpy(large, "GET /verify?", 12);
    enum http_result result = http_parse(&r, large, &len);
    check(result == HTTP_REFUSED && r.status == 414 && slice_is(http_slice(large, r.path), "/verify"), "the path of 414");
}

static void test_names(void)
{
    static const struct {
        const char *name;
        bool free;
    } names[] = {
        { "Remote-User", true }, { "X-Forwarded-User", true }, { "x", true }, { "Access", true }, { "Datum", true },
        { "", false }, { "Remote User", false }, { "Remote-User:", false }, { "R\r\nX", false }, { "\xc3\xbc", false },
        { "Date", false }, { "content-length", false }, { "TRANSFER-ENCODING", false }, { "Connection", false },
        { "Set-Cookie", false }, { "Location", false }, { "WWW-Authenticate", false }, { "Cache-Control", false },
        { "access-control-allow-origin", false }, { "Status", false },
        { "X2345678901234567890123456789012345678901234567890123456789012345", false },
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check(http_is_free_name(slice_of(names[i].name)) == names[i].free, "free name: %s", names[i].name);

    static const struct {
        struct slice text;
        bool token;
    } tokens[] = {
        { { "x", 1 }, true }, { { "!#$%&'*+-.^_`|~09azAZ", 21 }, true }, { { "", 0 }, false }, { { "a b", 3 }, false },
        { { "a/b", 3 }, false }, { { "\"", 1 }, false }, { { "a\0b", 3 }, false }, { { "\x7f", 1 }, false },
        { { "\xc3\xbc", 2 }, false },
    };
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
        check(http_is_token(tokens[i].text) == tokens[i].token, "token %zu: %s", i,
              escaped(tokens[i].text.at, tokens[i].text.len));

    static const struct {
        struct slice value;
        bool whole;
    } values[] = {
        { { "Romel", 5 }, true }, { { "a b", 3 }, true }, { { "\xc3\xbc", 2 }, true }, { { "a,b; c=\"d\"", 10 }, true },
        { { "", 0 }, false }, { { " Romel", 6 }, false }, { { "Romel ", 6 }, false }, { { "Romel\t", 6 }, false },
        { { "a\tb", 3 }, false }, { { "a\0b", 3 }, false }, { { "a\r\nSet-Cookie: b", 16 }, false },
        { { "a\nb", 3 }, false }, { { "a\x7f", 2 }, false }, { { "12345678\x01" "2345678", 16 }, false },
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        check(http_is_whole_value(values[i].value) == values[i].whole, "whole value %zu: %s", i,
              escaped(values[i].value.at, values[i].value.len));
}

/* RFC 9110 5.6.7: IMF-fixdate */
static const struct date {
    int64_t seconds;
    const char *text;
} dates[] = {
    { 784111777, DATE }, /* the RFC's example */
    { 0, "Thu, 01 Jan 1970 00:00:00 GMT" },
    { 59, "Thu, 01 Jan 1970 00:00:59 GMT" },
    { 86399, "Thu, 01 Jan 1970 23:59:59 GMT" },
    { 86400, "Fri, 02 Jan 1970 00:00:00 GMT" },
    { 94694399, "Sun, 31 Dec 1972 23:59:59 GMT" },
    { 951782400, "Tue, 29 Feb 2000 00:00:00 GMT" },
    { 951868800, "Wed, 01 Mar 2000 00:00:00 GMT" },
    { 1709251199, "Thu, 29 Feb 2024 23:59:59 GMT" },
    { 2147483647, "Tue, 19 Jan 2038 03:14:07 GMT" },
    { 2147483648, "Tue, 19 Jan 2038 03:14:08 GMT" },
    { 4107542399, "Sun, 28 Feb 2100 23:59:59 GMT" }, /* no leap year */
    { 4107542400, "Mon, 01 Mar 2100 00:00:00 GMT" },
    { 4294967296, "Sun, 07 Feb 2106 06:28:16 GMT" },
    { 253402300799, "Fri, 31 Dec 9999 23:59:59 GMT" },
};

static void test_dates(void)
{
    char *out = arena_end - (HTTP_DATE_LEN + 1), text[64];
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        memset(out, '#', HTTP_DATE_LEN + 1);
        http_date(dates[i].seconds, out);
        check(memcmp(out, dates[i].text, HTTP_DATE_LEN + 1) == 0, "date %lld: expected %s, got \"%s\"",
              (long long)dates[i].seconds, dates[i].text, escaped(out, HTTP_DATE_LEN));
    }
    const int64_t year_2200 = 7258118400;
    bool right = true;
    for (int64_t s = 0; s < year_2200 && right; s += 86399 * 17) {
        struct tm tm;
        strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&(time_t){ s }, &tm));
        http_date(s, out);
        right = memcmp(out, text, HTTP_DATE_LEN + 1) == 0;
        if (!right)
            wrong("date %lld: expected %s, got \"%s\"", (long long)s, text, escaped(out, HTTP_DATE_LEN));
    }
    check(right, "%s", problem);
}

/* What a browser may send as Origin (RFC 6454 6.2, WHATWG URL 4.7), and what none does, which would never match. */
static void test_origins(void)
{
    static const struct {
        bool right;
        const char *text, *why;
    } origins[] = {
        { true, "https://app.example", "https" },
        { true, "http://localhost", "http" },
        { true, "http://localhost:3000", "a port" },
        { true, "http://127.0.0.1:65535", "the last port" },
        { true, "http://[::1]", "IPv6" },
        { true, "http://[::1]:8080", "IPv6 and a port" },
        { true, "https://xn--bcher-kva.example", "an international name as browsers write it" },
        { true, "https://my_app.example", "an underscore" },
        { true, "https://a:80", "the port of the other scheme" },
        { true, "http://a:443", "the port of the other scheme" },
        { true, "capacitor://localhost", "an app's scheme" },
        { true, "moz-extension://0b9a3f1c-6c1b-4f5d-8a4e-2d1c9f3e7b6a", "an extension's" },
        { false, "", "nothing" },
        { false, "*", "any: for the caller" },
        { false, "null", "what every sandboxed frame sends" },
        { false, "app.example", "no scheme" },
        { false, "//app.example", "no scheme" },
        { false, "://app.example", "an empty scheme" },
        { false, "https:app.example", "no slashes" },
        { false, "https:/app.example", "one slash" },
        { false, "https://", "no host" },
        { false, "https://:8080", "no host" },
        { false, "https:///", "no host" },
        { false, "https://app.example/", "a slash behind it" },
        { false, "https://app.example/path", "a path" },
        { false, "https://app.example?a", "a query" },
        { false, "https://app.example#a", "a fragment" },
        { false, "https://user@app.example", "a user" },
        { false, "https://App.example", "a capital" },
        { false, "HTTPS://app.example", "a capital" },
        { false, "https://*.example", "a wildcard" },
        { false, "https://b\xc3\xbc" "cher.example", "no ASCII" },
        { false, "https://app.example ", "a space" },
        { false, " https://app.example", "a space" },
        { false, "https://app.example\r\nX: y", "another line" },
        { false, "https://app%2eexample", "an escape" },
        { false, "https://app.example:", "an empty port" },
        { false, "https://app.example:443", "a port that goes without saying" },
        { false, "http://app.example:80", "a port that goes without saying" },
        { false, "http://[::1]:80", "a port that goes without saying" },
        { false, "http://[::1]:", "an empty port" },
        { false, "https://app.example:0", "port 0" },
        { false, "https://app.example:08443", "a zero before it" },
        { false, "https://app.example:65536", "no port" },
        { false, "https://app.example:8o", "no number" },
        { false, "https://app.example:80:80", "two ports" },
        { false, "http://[::1", "half a bracket" },
        { false, "http://::1", "no brackets" },
        { false, "http://[::1]a", "behind the bracket" },
        { false, "http://[app.example]", "no address" },
        { false, "https://a,https://b", "two" },
    };
    char longest[HTTP_ORIGIN_MAX + 2] = "https://";
    memset(longest + 8, 'a', HTTP_ORIGIN_MAX + 1 - 8);
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++) {
        size_t len = strlen(origins[i].text);
        char *at = guarded(origins[i].text, len);
        check(http_is_origin((struct slice){ at, len }) == origins[i].right, "origin: %s (%s)", origins[i].text,
              origins[i].why);
        guarded_free(at, len);
    }
    check(http_is_origin((struct slice){ longest, HTTP_ORIGIN_MAX }), "origin: the longest");
    check(!http_is_origin((struct slice){ longest, HTTP_ORIGIN_MAX + 1 }), "origin: too long");
}

int main(int argc, char **argv)
{
    every = argc > 1 && strcmp(argv[1], "every") == 0;
    char *zeros = calloc(1, ARENA);
    if (zeros == NULL)
        return 1;
    char *arena = guarded(zeros, ARENA);
    arena_end = arena + ARENA;
    free(zeros);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        try_row(&rows[i]);
    for (size_t i = 0; i < sizeof large_rows / sizeof *large_rows; i++)
        try_large(&large_rows[i]);
    test_bytes();
    test_pipeline();
    test_responses();
    test_fields();
    test_known();
    test_names();
    test_dates();
    test_origins();

    guarded_free(arena, ARENA);
    return test_end();
}
