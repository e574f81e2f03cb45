/* access_test.c - lines of the access log. Expected lines were written by hand: Apache's documentation of the Common
 * Log Format, RFC 3339, RFC 8259. */
#include "access.h"

#include "test.h"

#define S(text)                                                                                                        \
    { text, sizeof(text) - 1 }
#define DATE "Tue, 24 Nov 2026 14:17:47 GMT"
#define HOST { true, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 203, 0, 113, 5 } }
#define CLF(user, request, rest) "203.0.113.5 - " user " [24/Nov/2026:14:17:47 +0000] \"" request "\" " rest "\n"
#define JSON(rest) "{\"time\":\"2026-11-24T14:17:47Z\",\"address\":\"203.0.113.5\"," rest "}\n"
#define GET_JSON(user) \
    JSON("\"method\":\"GET\",\"target\":\"/get-jwt\",\"status\":200,\"bytes\":51,\"seconds\":0.000123,\"user\":" user)
#define GET(who) { DATE, HOST, S("GET"), S("/get-jwt"), 1, who, 200, 51, 123, 0 }

static const struct {
    const char *why;
    struct access access;
    const char *clf, *json;
} rows[] = {
    { "a user", GET(S("Romel")), CLF("Romel", "GET /get-jwt HTTP/1.1", "200 51"), GET_JSON("\"Romel\"") },
    { "nobody", GET({ 0 }), CLF("-", "GET /get-jwt HTTP/1.1", "200 51"), GET_JSON("null") },
    { "a user named -", GET(S("-")), CLF("\\x2D", "GET /get-jwt HTTP/1.1", "200 51"), GET_JSON("\"-\"") },
    { "a user without a name", GET(S("")), CLF("\"\"", "GET /get-jwt HTTP/1.1", "200 51"), GET_JSON("\"\"") },
    { "a name that would be more", GET(S("a b\" 200 1\n1.2.3.4 - -")),
      CLF("a\\x20b\\x22\\x20200\\x201\\x0A1.2.3.4\\x20-\\x20-", "GET /get-jwt HTTP/1.1", "200 51"),
      GET_JSON("\"a b\\\" 200 1\\n1.2.3.4 - -\"") },
    { "a name beyond ASCII, and controls", GET(S("\xc3\xbc\\\t\x7f[]")),
      CLF("\\xC3\\xBC\\x5C\\x09\\x7F[]", "GET /get-jwt HTTP/1.1", "200 51"), GET_JSON("\"\\u00fc\\\\\\t\\u007f[]\"") },
    { "a target that would end the quotes",
      { DATE, HOST, S("GET"), S("/\"\\,{}%0a"), 0, { 0 }, 404, 22, 1000000, 0 },
      CLF("-", "GET /\\x22\\x5C,{}%0a HTTP/1.0", "404 22"),
      JSON("\"method\":\"GET\",\"target\":\"/\\\"\\\\,{}%0a\",\"status\":404,\"bytes\":22,\"seconds\":1.000000,\"user\":null") },
    { "no body", { DATE, HOST, S("OPTIONS"), S("*"), 1, { 0 }, 200, 0, 61000001, 0 },
      CLF("-", "OPTIONS * HTTP/1.1", "200 -"),
      JSON("\"method\":\"OPTIONS\",\"target\":\"*\",\"status\":200,\"bytes\":0,\"seconds\":61.000001,\"user\":null") },
    { "no request that could be read", { DATE, HOST, { 0 }, { 0 }, 0, { 0 }, 400, 30, 0, 0 }, CLF("-", "-", "400 30"),
      JSON("\"method\":null,\"target\":null,\"status\":400,\"bytes\":30,\"seconds\":0.000000,\"user\":null") },
    { "a client that is not known", { DATE, { 0 }, S("PUT"), S("/"), 1, { 0 }, 405, 1, 0, 0 },
      "- - - [24/Nov/2026:14:17:47 +0000] \"PUT / HTTP/1.1\" 405 1\n",
      "{\"time\":\"2026-11-24T14:17:47Z\",\"address\":null,\"method\":\"PUT\",\"target\":\"/\",\"status\":405,\"bytes\":1,"
      "\"seconds\":0.000000,\"user\":null}\n" },
};

static const char *put(enum access_format format, const struct access *a) {
    static char line[ACCESS_LINE_MAX + 1];
    char *room = guarded(line, ACCESS_LINE_MAX);
    struct buffer b = { .at = room, .cap = ACCESS_LINE_MAX };
    access_put(&b, format, a);
    check(!b.overflow, "the line fits");
    memcpy(line, room, b.len);
    line[b.len] = '\0';
    guarded_free(room, ACCESS_LINE_MAX);
    return line;
}

static void test_rows(void) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = put(ACCESS_CLF, &rows[i].access);
        check(strcmp(got, rows[i].clf) == 0, "%s: %s", rows[i].why, got);
        got = put(ACCESS_JSON, &rows[i].access);
        check(strcmp(got, rows[i].json) == 0, "%s: %s", rows[i].why, got);
    }
}

static void test_dates(void) {
    static const char *const dates[][3] = {
        { "Thu, 01 Jan 1970 00:00:00 GMT", "[01/Jan/1970:00:00:00 +0000]", "\"1970-01-01T00:00:00Z\"" },
        { "Thu, 29 Feb 2024 23:59:59 GMT", "[29/Feb/2024:23:59:59 +0000]", "\"2024-02-29T23:59:59Z\"" },
        { "Wed, 30 Sep 2026 01:02:03 GMT", "[30/Sep/2026:01:02:03 +0000]", "\"2026-09-30T01:02:03Z\"" },
        { "Sat, 31 Oct 2026 01:02:03 GMT", "[31/Oct/2026:01:02:03 +0000]", "\"2026-10-31T01:02:03Z\"" },
        { "Fri, 31 Dec 9999 23:59:59 GMT", "[31/Dec/9999:23:59:59 +0000]", "\"9999-12-31T23:59:59Z\"" },
    };
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        struct access a = { .date = dates[i][0], .status = 200 };
        check(strstr(put(ACCESS_CLF, &a), dates[i][1]) != NULL, "%s", dates[i][1]);
        check(strstr(put(ACCESS_JSON, &a), dates[i][2]) != NULL, "%s", dates[i][2]);
    }
}

/* The longest line of each: it fits, and is cut where it says. */
static void test_longest(void) {
    char target[8192], name[1024], method[32];
    memset(target, '"', sizeof target);
    memset(method, 'M', sizeof method);
    memset(name, 1, sizeof name);
    struct access a = { .date = DATE, .client = { true, { [0] = 0x20, [15] = 1 } }, .method = { method, sizeof method },
                        .target = { target, sizeof target }, .minor_version = 1, .user = { name, sizeof name },
                        .status = 431, .bytes = UINT64_MAX, .microseconds = UINT64_MAX };
    const char *line = put(ACCESS_CLF, &a);
    size_t quotes = 0;
    for (const char *at = line; (at = strstr(at, "\\x22")) != NULL; at++) quotes++;
    check(quotes == ACCESS_TARGET_MAX && strstr(line, "\\x22 HTTP/1.1\""), "%zu characters of the target: %s", quotes, line);
    line = put(ACCESS_JSON, &a);
    quotes = 0;
    for (const char *at = line; (at = strstr(at, "\\u0001")) != NULL; at++) quotes++;
    check(quotes == ACCESS_USER_MAX, "%zu characters of the name", quotes);

    char text[300];
    for (size_t cap = 5; cap < sizeof text; cap++) { /* all or nothing */
        struct buffer b = { .at = text, .len = 5, .cap = cap };
        access_put(&b, ACCESS_CLF, &rows[0].access);
        size_t len = strlen(rows[0].clf);
        check(b.overflow == (cap < 5 + len) && b.len == (b.overflow ? 5 : 5 + len), "%zu bytes of room", cap);
    }
}

int main(void) {
    test_rows();
    test_dates();
    test_longest();
    return test_end();
}
