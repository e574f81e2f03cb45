/* http.c - a strict reader of HTTP/1.1 requests, a writer of responses.
 *
 * The reader goes line by line, remembers where it stopped, and never looks at a byte twice but to find the end
 * of an unfinished line. It refuses all that RFC 9112 lets a server refuse and that two readers could take in
 * two ways: bare LF, bare CR, obs-fold, white space before a colon, a Content-Length beside a Transfer-Encoding or
 * another Content-Length that differs, a missing or second Host. Field values are kept as slices; fields it does not
 * know are checked for form and skipped. */
#include "http.h"

#include <strings.h>

static enum http_result refuse(struct http_request *r, int status, const char *reason) {
    r->status = status;
    r->reason = reason;
    return HTTP_REFUSED;
}

/* ---- characters ------------------------------------------------------- */

/* Sets of characters, a bit each, lowest first; what is not ASCII is in none. */
static const uint32_t tchar[8] = { 0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff };      /* RFC 9110 5.6.2 */
static const uint32_t reg_name[8] = { 0, 0x2bff7ff2, 0x87fffffe, 0x47fffffe };   /* RFC 3986 3.2.2, and % */
static const uint32_t visible[8] = { 0, 0xfffffff6, 0xffffffff, 0x7fffffff };    /* ASCII, and no fragment's # */
static const uint32_t ip_literal[8] = { 0, 0x07ff4000, 0x0000007e, 0x0000007e }; /* hex digits, colon, dot */

static inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

static inline bool in_set(const uint32_t set[8], char character) {
    size_t c = (uint8_t)character;
    return set[c >> 5] >> (c & 31) & 1;
}

static bool all_in_set(const uint32_t set[8], struct slice s) {
    for (size_t i = 0; i < s.len; i++)
        if (!in_set(set, s.at[i])) return false;
    return true;
}

bool http_is_token(struct slice s) { return s.len > 0 && all_in_set(tchar, s); }

/* RFC 9110 5.5: VCHAR, obs-text, SP and HT; no other control character. */
static bool is_field_value(struct slice s) {
    const uint64_t each = UINT64_MAX / 255, high = 0x80 * each;
    uint64_t w;
    size_t i = 0;
    /* eight at a time, while none is below SP, is DEL, or seems to be so because of a 0xff beside it */
    for (; i + 8 <= s.len; i += 8) {
        memcpy(&w, s.at + i, sizeof w);
        if (((w - 0x20 * each) | (w + each)) & ~w & high) break;
    }
    for (; i < s.len; i++)
        if (((uint8_t)s.at[i] < ' ' && s.at[i] != '\t') || s.at[i] == 0x7f) return false;
    return true;
}

/* Names of fields, codings and options are compared without regard to case (RFC 9110 5.1, 5.6.2). */
static inline bool same_name(struct slice a, struct slice b) {
    return a.len == b.len && strncasecmp(a.at, b.at, a.len) == 0;
}

static inline bool same_token(struct slice s, const char *token) { return same_name(s, slice_of(token)); }

static struct http_span span_of(const struct http_request *r, struct slice s) {
    return (struct http_span){ (uint32_t)(s.at - r->buf), (uint32_t)s.len };
}

static bool is_reg_name(struct slice s) {
    for (size_t i = 0; i < s.len; i++) {
        if (!in_set(reg_name, s.at[i])) return false;
        if (s.at[i] == '%' && (s.len - i < 3 || hex_digit(s.at[i + 1]) < 0 || hex_digit(s.at[i + 2]) < 0)) return false;
    }
    return true;
}

/* RFC 9110 7.2: host [ ":" port ]; both may be empty, the host may be an IP-literal in brackets. *port gets what
 * follows the colon; `at` is NULL if there is none. */
static bool cut_port(struct slice s, struct slice *port) {
    bool literal = s.len > 0 && s.at[0] == '[';
    struct slice host = slice_cut(&s, literal ? ']' : ':');
    *port = s;
    if (literal) {
        struct slice address = { host.at + 1, host.len - 1 }, between = slice_cut(port, ':');
        if (s.at == NULL || address.len < 2 || !all_in_set(ip_literal, address) || between.len > 0) return false;
    } else if (!is_reg_name(host)) {
        return false;
    }
    return port->len == 0 || slice_decimal(*port) >= 0;
}

static bool is_authority(struct slice s) { return cut_port(s, &(struct slice){ NULL, 0 }); }

bool http_is_origin(struct slice s) {
    static const uint32_t scheme_set[8] = { 0, 0x03ff6800, 0, 0x07fffffe };        /* RFC 3986 3.1, small letters */
    static const uint32_t host_set[8] = { 0, 0x07ff6000, 0xa8000000, 0x07fffffe }; /* the same and _ : [ ] */
    struct slice host = s, scheme = slice_cut(&host, ':'), port;
    if (s.len > HTTP_ORIGIN_MAX || scheme.len == 0 || !all_in_set(scheme_set, scheme) || host.len < 3 ||
        memcmp(host.at, "//", 2) != 0)
        return false;
    host = (struct slice){ host.at + 2, host.len - 2 };
    if (host.at[0] == ':' || !all_in_set(host_set, host) || !cut_port(host, &port)) return false;
    int64_t n = slice_decimal(port), usual = slice_is(scheme, "https") ? 443 : slice_is(scheme, "http") ? 80 : 0;
    return port.at == NULL || (n > 0 && n <= 65535 && n != usual && port.at[0] != '0');
}

/* ---- request line (RFC 9112 3) ---------------------------------------- */

static const struct slice methods[] = {
    [HTTP_GET] = { "GET", 3 },
    [HTTP_HEAD] = { "HEAD", 4 },
    [HTTP_POST] = { "POST", 4 },
    [HTTP_OPTIONS] = { "OPTIONS", 7 },
};

static enum http_result read_method(struct http_request *r, struct slice method) {
    r->method = HTTP_OPTIONS;
    while (r->method != HTTP_OTHER && !slice_equal(method, methods[r->method])) r->method--;
    if (r->method == HTTP_OTHER && !http_is_token(method)) return refuse(r, 400, "malformed request line");
    if (method.len > HTTP_METHOD_MAX)
        return refuse(r, 501, "unknown method"); /* RFC 9112 3: longer than any it knows */
    r->method_name = span_of(r, method);
    return HTTP_DONE;
}

/* RFC 9112 3.2.2: a server must accept absolute-form. Leaves the path or, if that is missing, the first
 * slash of "://". */
static bool cut_authority(struct slice *target) {
    struct slice rest = *target, scheme = slice_cut(&rest, ':');
    if ((!same_token(scheme, "http") && !same_token(scheme, "https")) || rest.len < 2 || memcmp(rest.at, "//", 2) != 0)
        return false;
    struct slice authority = { rest.at + 2, 0 }, path = { rest.at, 1 };
    while (2 + authority.len < rest.len && !strchr("/?", authority.at[authority.len])) authority.len++;
    /* RFC 9110 4.2.1, 4.2.4: not without a host, and not with a user's name before it */
    if (authority.len == 0 || authority.at[0] == ':' || !is_authority(authority)) return false;
    rest = (struct slice){ authority.at + authority.len, rest.len - 2 - authority.len };
    *target = rest.len > 0 && rest.at[0] == '/' ? rest : path;
    return true;
}

static enum http_result read_target(struct http_request *r, struct slice target) {
    if (target.len > HTTP_TARGET_MAX) {
        r->path = span_of(r, slice_cut(&target, '?'));
        return refuse(r, 414, "request target too long");
    }
    if (!all_in_set(visible, target)) return refuse(r, 400, "foreign character in the request target");
    bool asterisk = slice_is(target, "*") && r->method == HTTP_OPTIONS;
    if (target.len == 0 || (target.at[0] != '/' && !asterisk && !cut_authority(&target)))
        return refuse(r, 400, "malformed request target");
    r->path = span_of(r, slice_cut(&target, '?'));
    return HTTP_DONE;
}

/* RFC 9112 2.3: exactly HTTP/D.D */
static bool is_version(struct slice s) {
    return s.len == 8 && memcmp(s.at, "HTTP/", 5) == 0 && is_digit(s.at[5]) && s.at[6] == '.' && is_digit(s.at[7]);
}

static enum http_result read_request_line(struct http_request *r, struct slice line) {
    if (read_method(r, slice_cut(&line, ' ')) != HTTP_DONE) return HTTP_REFUSED;
    enum http_result target = read_target(r, slice_cut(&line, ' '));
    bool version = is_version(line);
    /* a target of another major version is judged only by its length, which shows before the version is there */
    if (version && line.at[5] != '1' && r->status != 414)
        return refuse(r, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    if (target != HTTP_DONE) return target;
    if (!version) return refuse(r, 400, "malformed request line");
    r->minor_version = line.at[7] != '0';
    r->phase = HTTP_FIELD_LINES;
    return HTTP_DONE;
}

/* ---- fields ----------------------------------------------------------- */

static enum http_result on_host(struct http_request *r, struct slice value) {
    if (!is_authority(value)) return refuse(r, 400, "malformed Host");
    r->host = span_of(r, value);
    return ++r->hosts > 1 ? refuse(r, 400, "more than one Host") : HTTP_DONE;
}

/* RFC 9112 6.3: a length that is no number, or two that differ */
static enum http_result on_content_length(struct http_request *r, struct slice value) {
    uint64_t length = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (!is_digit(value.at[i])) return refuse(r, 400, "malformed Content-Length");
        if (length <= HTTP_BODY_MAX) length = 10 * length + (uint64_t)(value.at[i] - '0');
    }
    if (value.len == 0 || (r->has_length && length != r->length))
        return refuse(r, 400, value.len == 0 ? "malformed Content-Length" : "Content-Length values that differ");
    r->has_length = true;
    r->length = length;
    return HTTP_DONE;
}

/* RFC 9112 6.1: chunked, once, and no other coding */
static enum http_result on_transfer_encoding(struct http_request *r, struct slice value) {
    if (r->minor_version == 0) return refuse(r, 400, "Transfer-Encoding in HTTP/1.0");
    do {
        struct slice coding = slice_trim(slice_cut(&value, ','));
        if (coding.len == 0 || (same_token(coding, "chunked") && r->chunked))
            return refuse(r, 400, "malformed Transfer-Encoding");
        if (!same_token(coding, "chunked")) return refuse(r, 501, "no transfer coding but chunked is known");
        r->chunked = true;
    } while (value.at != NULL);
    return HTTP_DONE;
}

enum { CONNECTION_CLOSE = 1, CONNECTION_KEEP_ALIVE = 2 };

static enum http_result on_connection(struct http_request *r, struct slice value) {
    do {
        struct slice option = slice_trim(slice_cut(&value, ','));
        if (same_token(option, "close")) r->connection |= CONNECTION_CLOSE;
        if (same_token(option, "keep-alive")) r->connection |= CONNECTION_KEEP_ALIVE;
    } while (value.at != NULL);
    return HTTP_DONE;
}

static enum http_result on_content_type(struct http_request *r, struct slice value) {
    if (r->content_type.at != 0) return refuse(r, 400, "more than one Content-Type");
    r->content_type = span_of(r, value);
    return HTTP_DONE;
}

static enum http_result on_expect(struct http_request *r, struct slice value) {
    if (r->minor_version == 0) /* RFC 9110 10.1.1: ignore it */
        return HTTP_DONE;
    r->expect_continue = same_token(value, "100-continue");
    return r->expect_continue ? HTTP_DONE : refuse(r, 417, "only 100-continue can be expected");
}

static enum http_result on_referer(struct http_request *r, struct slice value) {
    if (r->referer.at) value.len = 0;
    r->referer = span_of(r, value);
    return HTTP_DONE;
}

static const struct field {
    struct slice name;
    enum http_result (*on)(struct http_request *r, struct slice value);
    /* if `on` is NULL, in struct http_request: the value's span; how many there were, up to 2, or 0 */
    size_t at, times;
} known_fields[] = {
#define AT(member) offsetof(struct http_request, member)
    { { "Host", 4 }, on_host, 0, 0 },
    { { "Authorization", 13 }, NULL, AT(authorization), AT(authorizations) },
    { { "Connection", 10 }, on_connection, 0, 0 },
    { { "Content-Type", 12 }, on_content_type, 0, 0 },
    { { "Content-Length", 14 }, on_content_length, 0, 0 },
    { { "Transfer-Encoding", 17 }, on_transfer_encoding, 0, 0 },
    { { "Expect", 6 }, on_expect, 0, 0 },
    { { "X-Forwarded-For", 15 }, NULL, AT(forwarded_for), 0 }, /* the last: the one that the nearest proxy wrote */
    { { "Origin", 6 }, NULL, AT(origin), 0 },
    { { "Cookie", 6 }, NULL, AT(cookie), AT(cookies) },
    { { "Sec-Fetch-Site", 14 }, NULL, AT(fetch_site), 0 },
    { { "Referer", 7 }, on_referer, 0, 0 },
#undef AT
};

/* Keeps the first of those that are counted, the last of others. */
static enum http_result keep(struct http_request *r, const struct field *f, struct slice value) {
    struct http_span *span = (struct http_span *)((char *)r + f->at);
    uint8_t *times = f->times ? (uint8_t *)r + f->times : NULL;
    if (times == NULL || *times == 0) *span = span_of(r, value);
    if (times && *times < 2) ++*times;
    return HTTP_DONE;
}

static const struct field *find_field(struct slice name) {
    for (size_t i = 0; i < sizeof known_fields / sizeof *known_fields; i++)
        if (same_name(name, known_fields[i].name)) return &known_fields[i];
    return NULL;
}

/* One field line (RFC 9112 5), or one trailer, which is only checked. */
static enum http_result read_field_line(struct http_request *r, struct slice line) {
    r->fields_len += (uint32_t)line.len + 2;
    if (++r->field_count > HTTP_FIELD_COUNT_MAX || r->fields_len > HTTP_FIELDS_MAX)
        return refuse(r, 431, "too many fields");
    if (is_blank(line.at[0])) return refuse(r, 400, "obs-fold"); /* RFC 9112 5.2 */
    struct slice value = line, name = slice_cut(&value, ':');
    const struct field *f = find_field(name);
    if (value.at == NULL || (f == NULL && !http_is_token(name))) /* RFC 9112 5.1: no space before the colon */
        return refuse(r, 400, "malformed field name");
    if (!is_field_value(value)) return refuse(r, 400, "control character in a field value");
    if (f == NULL || r->phase != HTTP_FIELD_LINES) return HTTP_DONE;
    return f->on ? f->on(r, slice_trim(value)) : keep(r, f, slice_trim(value));
}

/* The empty line after the fields: everything about the framing is known. */
static enum http_result end_of_fields(struct http_request *r) {
    if (r->hosts == 0 && r->minor_version > 0) return refuse(r, 400, "no Host"); /* RFC 9112 3.2 */
    if (r->chunked && r->has_length)
        return refuse(r, 400, "both Content-Length and Transfer-Encoding"); /* RFC 9112 6.3 */
    r->keep_alive = !(r->connection & CONNECTION_CLOSE) && (r->minor_version > 0 || r->connection != 0);
    r->body.at = r->next;
    r->phase = r->chunked ? HTTP_CHUNK_SIZE : HTTP_BODY;
    return r->length > HTTP_BODY_MAX ? refuse(r, 413, "body too large") : HTTP_DONE;
}

/* ---- chunked bodies (RFC 9112 7.1) ------------------------------------ */

/* chunk-size [ chunk-ext ] */
static enum http_result read_chunk_size(struct http_request *r, struct slice line) {
    size_t i = 0, digits;
    r->length = 0;
    for (; i < line.len && hex_digit(line.at[i]) >= 0; i++)
        if (r->length <= HTTP_BODY_MAX) r->length = r->length << 4 | (uint64_t)hex_digit(line.at[i]);
    digits = i;
    while (i < line.len && is_blank(line.at[i])) i++;
    bool extension = i < line.len && line.at[i] == ';' && is_field_value((struct slice){ line.at + i, line.len - i });
    if (digits == 0 || line.len > HTTP_CHUNK_LINE_MAX || (digits < line.len && !extension))
        return refuse(r, 400, "malformed chunk");
    if (r->body.len + r->length > HTTP_BODY_MAX) return refuse(r, 413, "body too large");
    r->phase = r->length == 0 ? HTTP_TRAILERS : HTTP_CHUNK_DATA;
    return HTTP_DONE;
}

static enum http_result read_chunk_data(struct http_request *r, char *buf, size_t len) {
    size_t n = len - r->next < r->length ? len - r->next : (size_t)r->length;
    memmove(buf + r->body.at + r->body.len, buf + r->next, n);
    r->body.len += (uint32_t)n;
    r->next += (uint32_t)n;
    r->length -= n;
    if (r->length > 0) return HTTP_MORE;
    r->phase = HTTP_CHUNK_END;
    return HTTP_DONE;
}

static enum http_result read_chunk_end(struct http_request *r, const char *buf, size_t len) {
    size_t n = len - r->next < 2 ? len - r->next : 2;
    if (memcmp(buf + r->next, "\r\n", n) != 0) return refuse(r, 400, "malformed chunk");
    if (n < 2) return HTTP_MORE;
    r->next += 2;
    r->phase = HTTP_CHUNK_SIZE;
    return HTTP_DONE;
}

/* Moves what is not yet parsed up to the end of the decoded body, so that a body in many chunks takes no more
 * room than one in few. */
static void close_gap(struct http_request *r, char *buf, size_t *len) {
    uint32_t body_end = r->body.at + r->body.len, gap = r->next - body_end;
    memmove(buf + body_end, buf + r->next, *len - r->next);
    *len -= gap;
    r->next = body_end;
    r->scanned -= gap;
}

/* ---- the whole -------------------------------------------------------- */

/* An unfinished line: is it already too long for what it would be? */
static enum http_result check_unfinished(struct http_request *r, size_t len) {
    struct slice part = { r->buf + r->next, len - r->next };
    enum { REQUEST_LINE_MAX = HTTP_METHOD_MAX + 1 + HTTP_TARGET_MAX + 1 + 8 + 1 };
    if (r->phase == HTTP_START_LINE && part.len > REQUEST_LINE_MAX)
        return read_request_line(r, part) != HTTP_DONE ? HTTP_REFUSED : refuse(r, 400, "malformed request line");
    if ((r->phase == HTTP_FIELD_LINES || r->phase == HTTP_TRAILERS) && r->fields_len + part.len > HTTP_FIELDS_MAX + 2)
        return refuse(r, 431, "too many fields");
    if (r->phase == HTTP_CHUNK_SIZE && part.len > HTTP_CHUNK_LINE_MAX + 1) return refuse(r, 400, "malformed chunk");
    return HTTP_MORE;
}

static enum http_result read_line(struct http_request *r, struct slice line) {
    switch (r->phase) {
    case HTTP_START_LINE:
        if (line.len == 0 && line.at == r->buf)
            return HTTP_DONE; /* RFC 9112 2.2: one empty line before a request is ignored */
        return read_request_line(r, line);
    case HTTP_CHUNK_SIZE: return read_chunk_size(r, line);
    default:
        if (line.len > 0) return read_field_line(r, line);
        if (r->phase == HTTP_FIELD_LINES) return end_of_fields(r);
        r->phase = HTTP_COMPLETE; /* after the trailers */
        return HTTP_DONE;
    }
}

/* HTTP_DONE: a line was there and has been read. */
static enum http_result next_line(struct http_request *r, size_t len) {
    const char *buf = r->buf;
    const char *LF = r->scanned < len ? memchr(buf + r->scanned, '\n', len - r->scanned) : NULL;
    if (LF == NULL) {
        r->scanned = (uint32_t)len;
        return check_unfinished(r, len);
    }
    const char *start = buf + r->next;
    if (LF == start || LF[-1] != '\r') return refuse(r, 400, "a line that ends without CR"); /* RFC 9112 2.2 */
    r->next = r->scanned = (uint32_t)(LF + 1 - buf);
    return read_line(r, (struct slice){ start, (size_t)(LF - 1 - start) });
}

enum http_result http_parse(struct http_request *r, char *buf, size_t *len) {
    enum http_result result = r->status ? HTTP_REFUSED : HTTP_DONE;
    r->buf = buf;
    while (result == HTTP_DONE && r->phase != HTTP_COMPLETE) {
        switch (r->phase) {
        case HTTP_BODY:
            if (*len - r->next < r->length) return HTTP_MORE;
            r->body.len = (uint32_t)r->length;
            r->next += r->body.len;
            r->phase = HTTP_COMPLETE;
            break;
        case HTTP_CHUNK_DATA: result = read_chunk_data(r, buf, *len); break;
        case HTTP_CHUNK_END: result = read_chunk_end(r, buf, *len); break;
        default: result = next_line(r, *len); break;
        }
        r->scanned = r->scanned < r->next ? r->next : r->scanned;
    }
    if (result == HTTP_MORE && r->phase > HTTP_BODY) close_gap(r, buf, len);
    r->consumed = r->next;
    return result;
}

/* ---- responses -------------------------------------------------------- */

/* RFC 9110 15, RFC 6585; the last stands for all that are not known here. */
#define STATUS(status, phrase) status, "HTTP/1.1 " #status " " phrase "\r\nDate: "
static const struct {
    int status;
    const char *line; /* and the name of the field after it */
} statuses[] = {
    { STATUS(200, "OK") },
    { STATUS(201, "Created") },
    { STATUS(204, "No Content") },
    { STATUS(303, "See Other") },
    { STATUS(400, "Bad Request") },
    { STATUS(401, "Unauthorized") },
    { STATUS(403, "Forbidden") },
    { STATUS(404, "Not Found") },
    { STATUS(405, "Method Not Allowed") },
    { STATUS(408, "Request Timeout") },
    { STATUS(413, "Content Too Large") },
    { STATUS(414, "URI Too Long") },
    { STATUS(415, "Unsupported Media Type") },
    { STATUS(417, "Expectation Failed") },
    { STATUS(429, "Too Many Requests") },
    { STATUS(431, "Request Header Fields Too Large") },
    { STATUS(501, "Not Implemented") },
    { STATUS(503, "Service Unavailable") },
    { STATUS(505, "HTTP Version Not Supported") },
    { STATUS(500, "Internal Server Error") },
};
#undef STATUS

static void put_status_line(struct buffer *out, int status) {
    size_t i = 0;
    while (i < sizeof statuses / sizeof *statuses - 1 && statuses[i].status != status) i++;
    put_text(out, statuses[i].line);
}

/* What lets scripts of another origin read the answer (Fetch 3.3, "CORS protocol"). Credentials are not included:
 * what a browser adds by itself is for pages of this origin only. */
static void put_cors(struct buffer *out, const struct http_response *response, struct slice origin) {
    put_text(out, "Vary: Origin\r\n");
    if (origin.len == 0) return;
    put_text(out, "Access-Control-Allow-Origin: ");
    put_bytes(out, origin.at, origin.len);
    put_text(out, "\r\nAccess-Control-Expose-Headers: Retry-After, WWW-Authenticate\r\n");
    if (response->status != 200 || !response->allow) return; /* else it is an answer to OPTIONS: a preflight */
    put_texts(out, "Access-Control-Allow-Methods: ", response->allow,
              "\r\nAccess-Control-Allow-Headers: Authorization, Content-Type\r\nAccess-Control-Max-Age: 7200\r\n",
              NULL);
}

bool http_is_free_name(struct slice name) {
    struct slice taken = slice_of("Date Content-Type Content-Length Content-Encoding Content-Range Cache-Control Vary "
                                  "WWW-Authenticate Allow Retry-After Set-Cookie Location Connection Keep-Alive "
                                  "Transfer-Encoding TE Trailer Upgrade Proxy-Connection Proxy-Authenticate "
                                  "Authorization Proxy-Authorization Cookie Host Expect Server Status");
    if (name.len > HTTP_NAME_MAX || !http_is_token(name) ||
        (name.len >= 15 && strncasecmp(name.at, "Access-Control-", 15) == 0))
        return false;
    while (taken.at != NULL)
        if (same_name(name, slice_cut(&taken, ' '))) return false;
    return true;
}

bool http_is_whole_value(struct slice value) {
    return value.len > 0 && slice_trim(value).len == value.len && memchr(value.at, '\t', value.len) == NULL &&
           is_field_value(value);
}

void http_put_response(struct buffer *out, const struct http_response *response, const struct http_framing *framing) {
    size_t start = out->len;
    put_status_line(out, response->status);
    put_bytes(out, framing->date, HTTP_DATE_LEN);
    if (response->body.len > 0) {
        put_text(out, "\r\nContent-Type: ");
        put_text(out, response->content_type ? response->content_type : "application/json");
    }
    put_text(out, response->no_store ? "\r\nCache-Control: no-store\r\n" : "\r\n");
    if (response->www_authenticate) put_texts(out, "WWW-Authenticate: ", response->www_authenticate, "\r\n", NULL);
    if (response->allow) put_texts(out, "Allow: ", response->allow, "\r\n", NULL);
    if (response->retry_after) {
        put_text(out, "Retry-After: ");
        put_number(out, (uint64_t)response->retry_after);
        put_text(out, "\r\n");
    }
    if (framing->cors) put_cors(out, response, framing->origin);
    put_bytes(out, response->field_lines.at, response->field_lines.len);
    if (framing->close)
        put_text(out, "Connection: close\r\n");
    else if (framing->keep_alive_1_0)
        put_text(out, "Connection: keep-alive\r\n");
    if (response->status != 204) { /* RFC 9110 8.6 */
        put_text(out, "Content-Length: ");
        put_number(out, response->body.len);
    }
    put_text(out, response->status != 204 ? "\r\n\r\n" : "\r\n");
    if (!framing->head) put_bytes(out, response->body.at, response->body.len);
    if (out->overflow) out->len = start;
}

static void two_digits(char *out, int64_t n) {
    out[0] = (char)('0' + n / 10);
    out[1] = (char)('0' + n % 10);
}

void http_date(int64_t seconds, char out[HTTP_DATE_LEN + 1]) {
    static const char days_of_week[] = "ThuFriSatSunMonTueWed"; /* 1970 began on a Thursday */
    static const char months[] = "MarAprMayJunJulAugSepOctNovDecJanFeb";
    int64_t day = seconds / 86400, second = seconds % 86400;
    /* Years that begin in March end in the leap day. Counted from 1 March 2000, 400 of them have 146,097 days,
     * 100 have 36,524 and 4 have 1,461; the last of each kind is the longer one, hence the limits. */
    int64_t d = day - 11017 + 5 * 146097, year = 2000 - 5 * 400;
    int64_t centuries, fours, ones;
    year += d / 146097 * 400, d %= 146097;
    centuries = d / 36524 < 3 ? d / 36524 : 3, d -= centuries * 36524;
    fours = d / 1461, d %= 1461;
    ones = d / 365 < 3 ? d / 365 : 3, d -= ones * 365;
    /* From March on, five months have 153 days: 31, 30, 31, 30, 31. */
    int64_t month = (5 * d + 2) / 153;
    d -= (153 * month + 2) / 5;
    year += centuries * 100 + fours * 4 + ones + (month >= 10);
    memcpy(out, "Day, DD Mon YYYY hh:mm:ss GMT", HTTP_DATE_LEN + 1);
    memcpy(out, days_of_week + day % 7 * 3, 3);
    two_digits(out + 5, d + 1);
    memcpy(out + 8, months + month * 3, 3);
    two_digits(out + 12, year / 100);
    two_digits(out + 14, year % 100);
    two_digits(out + 17, second / 3600);
    two_digits(out + 20, second / 60 % 60);
    two_digits(out + 23, second % 60);
}
