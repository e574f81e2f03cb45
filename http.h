/* http.h - HTTP/1.1 messages (RFC 9112, RFC 9110): bytes to a request, a response to bytes. No sockets, no
 * clock, no allocation.
 *
 * Strict: whatever could be framed in two ways is refused. A refused message ends the connection, for nobody
 * knows where the next one would begin. */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

enum {
    HTTP_METHOD_MAX = 32,
    HTTP_TARGET_MAX = 8192,       /* bytes; more: 414 */
    HTTP_FIELDS_MAX = 32768,      /* bytes of field lines and trailers together; more: 431 */
    HTTP_FIELD_COUNT_MAX = 128,   /* more: 431 */
    HTTP_BODY_MAX = 16384,        /* bytes once decoded; more: 413 */
    HTTP_CHUNK_LINE_MAX = 256,    /* a chunk's size with its extensions; more: 400 */
    HTTP_REQUEST_MAX = 64 * 1024, /* a buffer of this size holds any request that is not refused */
    HTTP_DATE_LEN = 29,           /* an IMF-fixdate, without NUL */
    HTTP_ORIGIN_MAX = 255,        /* bytes of an allowed origin */
    HTTP_NAME_MAX = 64,           /* of a response field that an option names */
};

enum http_method { HTTP_OTHER, HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_OPTIONS };

/* A part of the buffer that a request is parsed in. By offset, since the buffer may move while the request is
 * half read. */
struct http_span {
    uint32_t at, len;
};

enum http_phase {
    HTTP_START_LINE,
    HTTP_FIELD_LINES,
    HTTP_BODY, /* from here on the fields below are complete */
    HTTP_CHUNK_SIZE,
    HTTP_CHUNK_DATA,
    HTTP_CHUNK_END,
    HTTP_TRAILERS,
    HTTP_COMPLETE,
};

/* One request, as far as it has been read. All zeros is the beginning. */
struct http_request {
    enum http_phase phase;
    enum http_method method;
    uint8_t minor_version; /* of HTTP/1 */
    bool keep_alive;
    bool expect_continue; /* asks for 100 before it sends its body */
    bool chunked;
    uint8_t authorizations, cookies;    /* how many Authorization and Cookie fields there are, up to 2 */
    struct http_span method_name, path; /* the latter of the request target, without the query */
    struct http_span content_type, authorization, cookie, host, origin, fetch_site, referer,
        forwarded_for;     /* field values: the first if counted, else the last; at 0: none. Two Referers are empty */
    struct http_span body; /* decoded */
    uint32_t consumed;     /* once complete: where in the buffer the next request begins */

    int status;         /* once refused: the status, and */
    const char *reason; /* a few constant words for the error's body */

    /* the parser's own */
    const char *buf;        /* valid during a call */
    uint32_t next, scanned; /* the first byte not yet parsed; how far it was searched for a line's end */
    uint32_t fields_len;
    uint8_t field_count, hosts, connection;
    bool has_length;
    uint64_t length; /* of the body, or of the rest of the chunk */
};

enum http_result { HTTP_MORE, HTTP_DONE, HTTP_REFUSED };

/* Parses buf[0] to buf[*len - 1], of which an earlier call may have seen a part: it goes on where that call
 * stopped, so all calls for a request together take time linear in its length. A chunked body is decoded in
 * place; if more is wanted, *len may shrink by what the decoding saved. */
enum http_result http_parse(struct http_request *r, char *buf, size_t *len);

/* Is it a token (RFC 9110 5.6.2), as names and the two parts of a media type are? */
bool http_is_token(struct slice s);

/* Is it an origin as a browser writes it (RFC 6454 6.2): "https://app.example", without a default port, and in
 * small letters? */
bool http_is_origin(struct slice s);

static inline struct slice http_slice(const char *buf, struct http_span span) {
    return (struct slice){ buf + span.at, span.len };
}

/* Can a response field have this name: is it one, and neither one that is written here nor one of framing? */
bool http_is_free_name(struct slice name);

/* Can a field have this value, so that its reader gets the same? It is not empty, has no blank at its ends, where
 * fields are trimmed (RFC 9110 5.5), and no control character. */
bool http_is_whole_value(struct slice value);

/* What a response says beyond its framing. Texts are not copied. */
struct http_response {
    int status;
    bool no_store;
    const char *www_authenticate, *allow; /* field values, or NULL */
    int retry_after;                      /* seconds; 0: no such field */
    const char *content_type;             /* of the body; NULL: application/json */
    struct slice field_lines;             /* more fields, each with its CRLF */
    struct slice body;                    /* empty: no body */
};

/* How it is sent. */
struct http_framing {
    const char *date;    /* HTTP_DATE_LEN characters */
    bool close;          /* the connection ends with it */
    bool keep_alive_1_0; /* an HTTP/1.0 client asked for keep-alive: confirm it */
    bool head;           /* the answer to HEAD: everything but the body */
    bool cors;           /* the response depends on the request's Origin; */
    struct slice origin; /* whose scripts may read it; empty: only this server's */
};

/* Appends the whole response; all or nothing (out->overflow). */
void http_put_response(struct buffer *out, const struct http_response *response, const struct http_framing *framing);

/* Writes HTTP_DATE_LEN characters and a NUL: the IMF-fixdate (RFC 9110 5.6.7) of `seconds` since 1970, which
 * must not be negative or past the year 9999. */
void http_date(int64_t seconds, char out[HTTP_DATE_LEN + 1]);

#endif
