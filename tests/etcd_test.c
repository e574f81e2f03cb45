/* etcd_test.c - calls to an etcd that answers as it is told: what is asked, byte by byte; whole, broken and hostile
 * answers; members that refuse, reset or say nothing; log-ins; who is asked next, and who gives up.
 *
 * What is expected is HTTP/1.0 (RFC 1945), base64 (RFC 4648 section 4) and etcd's documentation of its JSON gateway.
 * tests/etcd.sh asks a real one. */
#include <fcntl.h>

#include "paced.h"

#include "../etcd.c"

#include "scripted.h"
#include "test.h"

#define OK_HEAD "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"
#define FAIL_HEAD(status) "HTTP/1.0 " status " Whatever\r\n\r\n"

static int kept_fd, said_fd;
static char said[8192], room[65536];

static void listen_begin(void) {
    if (ftruncate(said_fd, 0) != 0 || dup2(said_fd, 2) < 0) exit(1);
}

static void listen_end(void) {
    ssize_t n = pread(said_fd, said, sizeof said - 1, 0);
    said[n > 0 ? n : 0] = '\0';
    dup2(kept_fd, 2);
}

/* ---- what it may be called ----------------------------------------------- */

static void test_open(void) {
    static const struct {
        const char *where, *prefix; /* NULL: refused */
        size_t members;
    } rows[] = {
        { "etcd://127.0.0.1:2379", "jwtd", 1 },
        { "etcd://127.0.0.1:2379/", "jwtd", 1 },
        { "etcd://127.0.0.1:2379/p", "p", 1 },
        { "etcd://127.0.0.1:2379/a/b", NULL, 0 },
        { "etcd://127.0.0.1:2379//", NULL, 0 },
        { "etcd://127.0.0.1:2379/jwtd/u", NULL, 0 },
        { "etcd://127.0.0.1:2379/jwtd/", NULL, 0 },
        { "etcd://[::1]:1,10.0.0.2:65535/p", "p", 2 },
        { "etcd://1.1.1.1:1,1.1.1.1:2,1.1.1.1:3,1.1.1.1:4,1.1.1.1:5,1.1.1.1:6,1.1.1.1:7,1.1.1.1:8,1.1.1.1:9", "jwtd",
          9 },
        { "etcd://1.1.1.1:1,1.1.1.1:2,1.1.1.1:3,1.1.1.1:4,1.1.1.1:5,1.1.1.1:6,1.1.1.1:7,1.1.1.1:8,1.1.1.1:9,1.1.1.1:10",
          NULL, 0 },
        { "etcd://", NULL, 0 },
        { "etcd:///p", NULL, 0 },
        { "etcd://127.0.0.1", NULL, 0 },
        { "etcd://127.0.0.1:", NULL, 0 },
        { "etcd://127.0.0.1:0", NULL, 0 },
        { "etcd://127.0.0.1:65536", NULL, 0 },
        { "etcd://127.0.0.1:2379,", NULL, 0 },
        { "etcd://,127.0.0.1:2379", NULL, 0 },
        { "etcd://127.0.0.1:2379, 127.0.0.1:2380", NULL, 0 },
        { "etcd://localhost:2379", NULL, 0 },
        { "etcd://::1:2379", NULL, 0 },
        { "etcd://user@127.0.0.1:2379", NULL, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint16_t ports[ETCD_ENDPOINTS_MAX];
        struct slice prefix;
        listen_begin();
        struct etcd *e = etcd_open(rows[i].where, NULL, NULL, &prefix);
        listen_end();
        check((e != NULL) == (rows[i].prefix != NULL), "%s is %s: %s", rows[i].where, e ? "taken" : "refused", said);
        check(e || strstr(said, rows[i].where) != NULL, "%s is named: %s", rows[i].where, said);
        if (e == NULL) continue;
        check(rows[i].prefix && slice_is(prefix, rows[i].prefix), "%s: prefix", rows[i].where);
        check(etcd_ports(e, ports) == rows[i].members && (ports[0] == 2379 || ports[0] == 1), "%s: ports",
              rows[i].where);
        etcd_close(e);
    }
}

/* ---- base64 ---------------------------------------------------------------- */

static void test_base64(void) {
    static const struct {
        const char *bytes, *text;
    } rows[] = {
        { "", "\"\"" },
        { "f", "\"Zg==\"" },
        { "fo", "\"Zm8=\"" },
        { "foo", "\"Zm9v\"" },
        { "foob", "\"Zm9vYg==\"" },
        { "fooba", "\"Zm9vYmE=\"" },
        { "foobar", "\"Zm9vYmFy\"" },
        { "\xfb\xff\xbe", "\"+/++\"" },
    };
    static const char *refused[] = { "\"Zg\"",      "\"Zg=\"",    "\"Zg===\"",    "\"=\"",          "\"====\"",
                                     "\"Z===\"",    "\"Zh==\"",   "\"Zm9=\"",     "\"-_--\"",       "\"Zm 9v\"",
                                     "\"Zm9v\\n\"", "\"Zm9vYg\"", "\"Zg==Zg==\"", "\"Zm9\\u00fc\"", "\"Z\\u0000==\"" };
    char out[ETCD_DECODED_MAX], text[64];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer b = { .at = text, .cap = sizeof text };
        etcd_put_bytes(&b, slice_of(rows[i].bytes));
        check(!b.overflow && slice_is((struct slice){ text, b.len }, rows[i].text), "put %s: %.*s", rows[i].text,
              (int)b.len, text);
        for (size_t cap = 0; cap < b.len; cap++) {
            struct buffer small = { .at = text, .cap = cap };
            etcd_put_bytes(&small, slice_of(rows[i].bytes));
            check(small.overflow && small.len <= cap, "put %s into %zu", rows[i].text, cap);
        }
        ssize_t n = etcd_get_bytes(slice_of(rows[i].text), out);
        check(n >= 0 && slice_is((struct slice){ out, (size_t)n }, rows[i].bytes), "get %s: %zd", rows[i].text, n);
    }
    check(etcd_get_bytes(slice_of("\"Zm9v\\u0059mFy\\/w==\""), out) == 7, "escaped characters are characters");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        check(etcd_get_bytes(slice_of(refused[i]), out) == -1, "get %s: refused", refused[i]);
    static char long_text[ETCD_DECODED_MAX / 3 * 4 + 16];
    for (size_t n = ETCD_DECODED_MAX / 3 * 4 - 4; n <= ETCD_DECODED_MAX / 3 * 4 + 8; n += 4) {
        memset(long_text, 'A', n + 2);
        long_text[0] = long_text[n + 1] = '"';
        ssize_t got = etcd_get_bytes((struct slice){ long_text, n + 2 }, out);
        check(got == (n / 4 * 3 <= ETCD_DECODED_MAX ? (ssize_t)n / 4 * 3 : -1), "%zu characters: %zd", n, got);
    }
}

/* ---- calls ------------------------------------------------------------------ */

static struct etcd *e;
static struct slice body;
static char where[128];

/* To the scripted server, and `before` it to others. */
static void open_it(const char *before, const char *user, const char *password) {
    struct slice prefix;
    snprintf(where, sizeof where, "etcd://%s127.0.0.1:%u/p", before, (unsigned)scripted.port);
    e = etcd_open(where, user, password, &prefix);
    check(e != NULL, "%s is opened", where);
}

static enum etcd_result call(enum etcd_patience patience, size_t cap) {
    struct buffer answer = { .at = room, .cap = cap };
    listen_begin();
    enum etcd_result result = etcd_call(e, "kv/range", slice_of("{\"key\":\"Zm9v\"}"), slice_of("{\"key\":\"Zg==\"}"),
                                        &answer, &body, patience);
    listen_end();
    return result;
}

/* One that is to be tried for too long. */
static enum etcd_result call_in_vain(enum etcd_patience patience, size_t cap) {
    pace = FAST;
    enum etcd_result result = call(patience, cap);
    pace = SLOW;
    return result;
}

static void end_it(void) {
    scripted_stop();
    scripted_forget();
    etcd_close(e);
}

static const char range_request[] = "POST /v3/kv/range HTTP/1.0\r\nHost: etcd\r\nAccept: application/json\r\n"
                                    "Content-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"key\":\"Zm9v\"}";

static void test_answers(void) {
    static const struct {
        const char *what;
        struct act act;
        bool taken;
    } rows[] = {
        { "an answer", { ANSWER, OK_HEAD "{\"a\":1}", 0 }, true },
        { "byte by byte", { BYTE_BY_BYTE, OK_HEAD "{\"a\":1}\n", 0 }, true },
        { "HTTP/1.1", { ANSWER, "HTTP/1.1 200 OK\r\n\r\n{\"a\":1}", 0 }, true },
        { "an empty object", { ANSWER, OK_HEAD "{}", 0 }, true },
        { "no answer", { ANSWER, "", 0 }, false },
        { "a reset", { RESET, "", 0 }, false },
        { "no fields' end", { ANSWER, "HTTP/1.0 200 OK\r\n", 0 }, false },
        { "no status", { ANSWER, "HTTP/1.0 \r\n\r\n{}", 0 }, false },
        { "no number", { ANSWER, "HTTP/1.0 2x0 OK\r\n\r\n{}", 0 }, false },
        { "a status of 100", { ANSWER, "HTTP/1.0 100 Continue\r\n\r\n{}", 0 }, false },
        { "another protocol", { ANSWER, "SSH-2.0-OpenSSH_9\r\n\r\n{}", 0 }, false },
        { "HTTP/2", { ANSWER, "HTTP/2.0\r\n\r\n{}", 0 }, false },
        { "no body", { ANSWER, OK_HEAD, 0 }, false },
        { "an array", { ANSWER, OK_HEAD "[1]", 0 }, false },
        { "half an object", { ANSWER, OK_HEAD "{\"a\":{}", 0 }, false },
        { "two objects", { ANSWER, OK_HEAD "{}{}", 0 }, false },
        { "a name twice", { ANSWER, OK_HEAD "{\"a\":1,\"a\":2}", 0 }, false },
        { "no UTF-8", { ANSWER, OK_HEAD "{\"a\":\"\xff\"}", 0 }, false },
        { "a page", { ANSWER, "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", 0 }, false },
        { "a NUL", { ANSWER, OK_HEAD "{}\0", sizeof OK_HEAD + 2 }, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct act acts[] = { rows[i].act, { ANSWER, OK_HEAD "{\"again\":1}", 0 } };
        scripted_start(acts, 2);
        open_it("", NULL, NULL);
        check(call(ETCD_PROBE, sizeof room) == ETCD_OK, "%s: answered in the end", rows[i].what);
        check(scripted.played == (rows[i].taken ? 1 : 2), "%s: asked %d times", rows[i].what, scripted.played);
        check((memmem(body.at, body.len, "again", 5) == NULL) == rows[i].taken, "%s: %.*s", rows[i].what, (int)body.len,
              body.at);
        check(etcd_counts(e)->retries == (rows[i].taken ? 0 : 1) && etcd_counts(e)->calls[ETCD_OK] == 1,
              "%s: counted", rows[i].what);
        scripted_stop();
        check(strcmp(scripted.requests[0], range_request) == 0, "%s: asked %s", rows[i].what, scripted.requests[0]);
        check(rows[i].taken || strcmp(scripted_body(1), "{\"key\":\"Zg==\"}") == 0, "%s: and then %s", rows[i].what,
              scripted_body(1));
        scripted_forget();
        etcd_close(e);
    }
}

/* An answer that ends too early is none, wherever that is; nor is one that has no room. */
static void test_cut_off(void) {
    static const char whole[] = OK_HEAD "{\"kvs\":[{\"key\":\"Zm9v\"}]}";
    for (size_t len = 1; len < sizeof whole - 1; len++) {
        struct act acts[] = { { ANSWER, whole, len }, { ANSWER, whole, 0 } };
        scripted_start(acts, 2);
        open_it("", NULL, NULL);
        check(call(ETCD_PROBE, sizeof room) == ETCD_OK && scripted.played == 2 &&
                  body.len == sizeof whole - sizeof OK_HEAD,
              "cut off behind %zu bytes: asked %d times, %zu bytes", len, scripted.played, body.len);
        end_it();
    }
    struct act again[] = { { ANSWER, whole, 0 }, { ANSWER, whole, 0 } };
    scripted_start(again, 2);
    open_it("", NULL, NULL);
    check(call_in_vain(ETCD_PROBE, sizeof whole - 1) == ETCD_UNAVAILABLE, "no room for more");
    end_it();
}

static void test_statuses(void) {
    static const struct {
        const char *head, *text;
        enum etcd_result result;
        const char *said;
    } rows[] = {
        { FAIL_HEAD("400"), "{\"error\":\"etcdserver: bad\",\"code\":3}", ETCD_REFUSED,
          "refuses kv/range: etcdserver: bad\n" },
        { FAIL_HEAD("401"), "{\"error\":\"no\"}", ETCD_REFUSED, "refuses kv/range: no\n" },
        { FAIL_HEAD("403"), "{\"error\":\"permission denied\"}", ETCD_REFUSED,
          "refuses kv/range: permission denied\n" },
        { FAIL_HEAD("403"), "{}", ETCD_REFUSED, "refuses kv/range: {}\n" },
        { FAIL_HEAD("404"), "{}", ETCD_OK, "" },
        { FAIL_HEAD("429"), "{\"error\":\"a\\nb\"}", ETCD_REFUSED, "refuses kv/range: a?b\n" },
        { FAIL_HEAD("408"), "{\"error\":\"grpc: the client connection is closing\"}", ETCD_OK, "" },
        { FAIL_HEAD("500"), "{\"error\":\"deadline\"}", ETCD_OK, "" },
        { FAIL_HEAD("503"), "{}", ETCD_OK, "" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[256];
        snprintf(text, sizeof text, "%s%s", rows[i].head, rows[i].text);
        struct act acts[] = { { ANSWER, text, 0 }, { ANSWER, OK_HEAD "{}", 0 } };
        scripted_start(acts, 2);
        open_it("", NULL, NULL);
        check(call(ETCD_PROBE, sizeof room) == rows[i].result, "%.12s", rows[i].head);
        check(scripted.played == (rows[i].result == ETCD_OK ? 2 : 1), "%.12s: asked %d times", rows[i].head,
              scripted.played);
        check(strstr(said, rows[i].said) && (*said == '\0') == (*rows[i].said == '\0'), "%.12s: %s", rows[i].head,
              said);
        check(etcd_counts(e)->calls[rows[i].result] == 1, "%.12s: counted", rows[i].head);
        end_it();
    }
    static char long_text[2000] = FAIL_HEAD("400");
    memset(long_text + strlen(long_text), 'x', 1500);
    memcpy(strchr(long_text, 'x'), "{\"error\":\"", 10);
    strcat(long_text, "\"}");
    struct act acts[] = { { ANSWER, long_text, 0 } };
    scripted_start(acts, 1);
    open_it("", NULL, NULL);
    check(call(ETCD_PROBE, sizeof room) == ETCD_REFUSED && strlen(said) < 400, "a long refusal is cut: %zu",
          strlen(said));
    end_it();
}

/* What a proxy says, or an etcd of a certificate, is no JSON: the log has it, but nothing that may be a token. */
static void test_foreign(void) {
    static const struct {
        const char *answer, *said;
    } rows[] = {
        { FAIL_HEAD("400") "CommonName of client\nmore", "none of etcd: 400 CommonName of client\n" },
        { FAIL_HEAD("502") "<html>", "none of etcd: 502 <html>\n" },
        { FAIL_HEAD("503"), "none of etcd: 503\n" },
        { OK_HEAD "{\"token\":\"secret\"", "none of etcd\n" },
        { "SSH-2.0-OpenSSH_9", "none of etcd\n" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct act acts[SCRIPTED_ACTS];
        for (int n = 0; n < SCRIPTED_ACTS; n++) acts[n] = (struct act){ ANSWER, rows[i].answer, 0 };
        scripted_start(acts, SCRIPTED_ACTS);
        open_it("", NULL, NULL);
        pace = STILL;
        check(call(ETCD_CALL, sizeof room) == ETCD_UNAVAILABLE && strstr(said, rows[i].said), "%.12s: %s",
              rows[i].answer, said);
        pace = SLOW;
        end_it();
    }
    static char page[2000] = FAIL_HEAD("400");
    memset(page + strlen(page), 'x', 1500);
    struct act acts[] = { { ANSWER, page, 0 }, { SILENT, "", 0 } };
    struct buffer answer = { .at = room, .cap = sizeof room };
    scripted_start(acts, 2);
    open_it("", NULL, NULL);
    pace = 300;
    struct call c = { .e = e, .end = milliseconds() + 300, .answer = &answer, .why = "" };
    check(ask_all(&c, "kv/range", slice_of("{}"), slice_of("{}"), 500) == ETCD_UNAVAILABLE && scripted.played == 2 &&
              strstr(c.why, ": 400 xxx") && strlen(c.why) < 300,
          "a last attempt with less time hides no reason: %s", c.why);
    pace = SLOW;
    end_it();
}

/* ---- members that are not there ---------------------------------------------- */

static void test_members(void) {
    struct act acts[] = { { ANSWER, OK_HEAD "{}", 0 }, { ANSWER, OK_HEAD "{}", 0 }, { ANSWER, OK_HEAD "{}", 0 } };
    int closed = socket(AF_INET, SOCK_STREAM, 0), deaf = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in name[2];
    socklen_t len = sizeof name[0];
    int fds[] = { closed, deaf };
    for (int i = 0; i < 2; i++) {
        name[i] = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
        if (bind(fds[i], (struct sockaddr *)&name[i], len) != 0 ||
            getsockname(fds[i], (struct sockaddr *)&name[i], &len) != 0)
            exit(1);
    }
    listen(deaf, 16);
    char before[64];
    scripted_start(acts, 3);
    snprintf(before, sizeof before, "127.0.0.1:%u,", ntohs(name[0].sin_port));
    open_it(before, NULL, NULL);
    check(call(ETCD_PROBE, sizeof room) == ETCD_OK && etcd_counts(e)->retries == 1, "one refuses, the next answers");
    check(call(ETCD_PROBE, sizeof room) == ETCD_OK && etcd_counts(e)->retries == 1,
          "who is asked first from then on");
    etcd_close(e);
    snprintf(before, sizeof before, "127.0.0.1:%u,", ntohs(name[1].sin_port));
    open_it(before, NULL, NULL);
    check(call_in_vain(ETCD_CALL, sizeof room) == ETCD_OK && etcd_counts(e)->retries == 1,
          "one says nothing, the next answers");
    end_it();
    struct slice prefix;
    snprintf(where, sizeof where, "etcd://127.0.0.1:%u", ntohs(name[0].sin_port));
    e = etcd_open(where, NULL, NULL, &prefix);
    pace = STILL;
    paused = 0;
    check(call(ETCD_CALL, sizeof room) == ETCD_UNAVAILABLE, "all refuse, for too long");
    check(strstr(said, "does not answer: Connection refused") != NULL, "the last reason is said: %s", said);
    unsigned long tries = etcd_counts(e)->retries, waited = etcd_counts(e)->milliseconds;
    check(waited >= 6000 && waited <= 6100, "six seconds, and no more than a pause: %lu", waited);
    check(paused == tries + 1, "nobody is asked when the time is over: %lu pauses, %lu tries", paused, tries);
    check(tries >= 6000 / 100 - 1 && tries <= 6000 / 50, "with a pause before each: %lu", tries);
    check(call(ETCD_CALL, sizeof room) == ETCD_UNAVAILABLE && etcd_counts(e)->retries == tries && !*said,
          "and who comes then does not wait: %s", said);
    pace = SLOW;
    etcd_close(e);
    close(closed);
    close(deaf);
}

/* A member whose disk is slow answers late: each attempt is one more write for it, so there are few, and longer ones. */
static void test_slow(void) {
    static const struct {
        unsigned members;
        int asked; /* at the most, in six seconds: 0.5, 1, 2, 2 and what is left, the pauses between them included */
    } rows[] = { { 1, 5 }, { 2, 6 } }; /* or 0.5, 0.5, 1, 1, 2 and what is left */
    struct act acts[SCRIPTED_ACTS];
    for (int i = 0; i < SCRIPTED_ACTS; i++) acts[i] = (struct act){ SILENT, "", 0 };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char before[64];
        scripted_start(acts, SCRIPTED_ACTS);
        snprintf(before, sizeof before, "127.0.0.1:%u,", (unsigned)scripted.port);
        open_it(rows[i].members > 1 ? before : "", NULL, NULL);
        enum etcd_result result = call_in_vain(ETCD_CALL, sizeof room);
        check(result == ETCD_UNAVAILABLE && scripted.played <= rows[i].asked, "%u slow members: asked %d times",
              rows[i].members, scripted.played);
        end_it();
    }
}

/* Nobody answers for too long: those who come then hear it at once, until somebody does. */
static void test_away(void) {
    struct act acts[SCRIPTED_ACTS];
    for (int i = 0; i < SCRIPTED_ACTS; i++) acts[i] = (struct act){ ANSWER, FAIL_HEAD("503") "{}", 0 };
    scripted_start(acts, SCRIPTED_ACTS);
    open_it("", NULL, NULL);
    for (int i = 0; i < 5; i++)
        check(call_in_vain(ETCD_PROBE, sizeof room) == ETCD_UNAVAILABLE && !*said, "a probe says nothing yet: %s",
              said);
    int asked = scripted.played;
    check(asked > 5, "%d times", asked);
    check(call_in_vain(ETCD_PROBE, sizeof room) == ETCD_UNAVAILABLE && strstr(said, "does not answer: "),
          "the sixth does: %s", said);
    asked = scripted.played;
    check(call(ETCD_CALL, sizeof room) == ETCD_UNAVAILABLE && scripted.played == asked && !*said, "and nobody asks");
    check(etcd_counts(e)->calls[ETCD_UNAVAILABLE] == 7, "all are counted");
    scripted_stop();
    scripted_forget();
    struct act back[] = { { ANSWER, OK_HEAD "{}", 0 }, { ANSWER, OK_HEAD "{}", 0 } };
    scripted_start(back, 2);
    ((struct sockaddr_in *)&e->endpoints[0])->sin_port = htons(scripted.port); /* the same one, come back */
    check(call(ETCD_PROBE, sizeof room) == ETCD_OK && strstr(said, " answers again\n"), "until one is answered: %s",
          said);
    check(call(ETCD_CALL, sizeof room) == ETCD_OK && scripted.played == 2 && !*said, "then all ask: %s", said);
    check(e->probes_missed == 0, "and the count begins anew");
    end_it();
    scripted_start(back, 2);
    open_it("", NULL, NULL);
    check(call(ETCD_PROBE, sizeof room) == ETCD_OK && !*said, "one that was there all the time: %s", said);
    end_it();
}

/* ---- log-ins -------------------------------------------------------------- */

static void test_log_in(void) {
    static const char forgotten[] = FAIL_HEAD("401") "{\"error\":\"etcdserver: invalid auth token\"}";
    static const char token[] = OK_HEAD "{\"header\":{},\"token\":\"AbC.12\"}";
    struct act acts[] = {
        { ANSWER, FAIL_HEAD("400") "{\"error\":\"etcdserver: user name is empty\"}", 0 },
        { ANSWER, token, 0 },
        { ANSWER, OK_HEAD "{}", 0 },
        { ANSWER, OK_HEAD "{}", 0 }, /* a second call */
        { ANSWER, forgotten, 0 },    /* a third */
        { ANSWER, OK_HEAD "{\"token\":\"new\"}", 0 },
        { ANSWER, OK_HEAD "{}", 0 },
        { ANSWER, forgotten, 0 }, /* a fourth */
        { ANSWER, token, 0 },
        { ANSWER, forgotten, 0 },
        { ANSWER, token, 0 },
        { ANSWER, forgotten, 0 },
    };
    scripted_start(acts, 12);
    open_it("", "jwtd", "a \"b\"");
    check(call(ETCD_PROBE, sizeof room) == ETCD_OK, "logged in");
    check(call(ETCD_PROBE, sizeof room) == ETCD_OK && scripted.played == 4, "and stays so");
    check(call(ETCD_PROBE, sizeof room) == ETCD_OK && scripted.played == 7, "and again");
    check(call(ETCD_PROBE, sizeof room) == ETCD_REFUSED && strstr(said, "invalid auth token"), "twice a call: %s",
          said);
    check(etcd_counts(e)->retries == 0 && etcd_counts(e)->calls[ETCD_OK] == 3, "which is no retry");
    struct buffer answer = { .at = room, .cap = sizeof room };
    struct call late = { .e = e, .answer = &answer };
    check(renew(&late, 0, e->token_number - 1) == 200 && scripted.played == 12,
          "what somebody else has renewed is not renewed again");
    scripted_stop();
    check(strcmp(scripted.requests[0], range_request) == 0, "without a token: %s", scripted.requests[0]);
    check(strcmp(scripted.requests[1], "POST /v3/auth/authenticate HTTP/1.0\r\nHost: etcd\r\nAccept: application/json\r\n"
                                       "Content-Type: application/json\r\nContent-Length: 36\r\n\r\n"
                                       "{\"name\":\"jwtd\",\"password\":\"a \\\"b\\\"\"}") == 0,
          "with the password: %s", scripted.requests[1]);
    for (int i = 2; i < 5; i++)
        check(strstr(scripted.requests[i], "\r\nAuthorization: AbC.12\r\n\r\n{\"key\"") != NULL, "with the token: %s",
              scripted.requests[i]);
    check(!strstr(scripted.requests[5], "Authorization"), "not with an old one: %s", scripted.requests[5]);
    check(strstr(scripted.requests[6], "\r\nAuthorization: new\r\n\r\n") != NULL, "the new one: %s",
          scripted.requests[6]);
    scripted_forget();
    etcd_close(e);
}

/* A restored etcd may never answer to the token that it gave before: behind a probe without an answer it is not sent. */
static void test_log_in_anew(void) {
    enum { MANY = 12 };
    struct act acts[MANY] = {
        { ANSWER, FAIL_HEAD("400") "{\"error\":\"etcdserver: user name is empty\"}", 0 },
        { ANSWER, OK_HEAD "{\"token\":\"AbC.12\"}", 0 },
        { ANSWER, OK_HEAD "{}", 0 },
    };
    for (int i = 3; i < MANY; i++) acts[i] = (struct act){ SILENT, "", 0 };
    scripted_start(acts, MANY);
    open_it("", "jwtd", "secret");
    check(call(ETCD_PROBE, sizeof room) == ETCD_OK, "logged in");
    check(call_in_vain(ETCD_PROBE, sizeof room) == ETCD_UNAVAILABLE, "no answer any more");
    check(call_in_vain(ETCD_PROBE, sizeof room) == ETCD_UNAVAILABLE, "nor to the next probe");
    scripted_stop();
    int with = 0, without = 0;
    for (int i = 3; i < scripted.played && i < MANY; i++) {
        const char *request = scripted.requests[i];
        bool token = strstr(request, "\r\nAuthorization: AbC.12\r\n") != NULL;
        with += token;
        without += !token && strcmp(request, range_request) == 0;
        check(!token || without == 0, "with the token again: %s", request);
    }
    check(with > 0 && without > 0, "%d with the token, %d without", with, without);
    scripted_forget();
    etcd_close(e);
}

static void test_no_log_in(void) {
    static const struct {
        const char *what, *answer;
        enum etcd_result result;
    } rows[] = {
        { "a wrong password", FAIL_HEAD("400") "{\"error\":\"etcdserver: authentication failed\"}", ETCD_REFUSED },
        { "no permission", FAIL_HEAD("403") "{\"error\":\"etcdserver: authentication failed\"}", ETCD_REFUSED },
        { "no token", OK_HEAD "{}", ETCD_OK },
        { "an empty token", OK_HEAD "{\"token\":\"\"}", ETCD_OK },
        { "a token that is none", OK_HEAD "{\"token\":7}", ETCD_OK },
        { "a field in a token", OK_HEAD "{\"token\":\"a\\r\\nX: y\"}", ETCD_OK },
        { "a NUL in a token", OK_HEAD "{\"token\":\"a\\u0000b\"}", ETCD_OK },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct act acts[] = { { ANSWER, FAIL_HEAD("401") "{\"error\":\"invalid auth token\"}", 0 },
                              { ANSWER, rows[i].answer, 0 },
                              { ANSWER, OK_HEAD "{}", 0 } };
        scripted_start(acts, 3);
        open_it("", "jwtd", NULL);
        check(call(ETCD_PROBE, sizeof room) == rows[i].result, "%s", rows[i].what);
        check((strstr(said, "authentication failed") != NULL) == (rows[i].result == ETCD_REFUSED), "%s: %s",
              rows[i].what, said);
        scripted_stop();
        check(rows[i].result == ETCD_REFUSED || !strstr(scripted.requests[2], "Authorization"), "%s: is none",
              rows[i].what);
        scripted_forget();
        etcd_close(e);
    }
}

/* A log-in whose answer is lost is none: it is tried again, and no answer to those without a token ends the call. */
static void test_log_in_lost(void) {
    static const char nobody[] = FAIL_HEAD("400") "{\"error\":\"etcdserver: user name is empty\"}";
    static const struct {
        const char *what;
        struct act lost;
    } rows[] = {
        { "a reset", { RESET, "", 0 } },
        { "no answer", { ANSWER, "", 0 } },
        { "no leader", { ANSWER, FAIL_HEAD("503") "{}", 0 } },
        { "too late", { ANSWER, FAIL_HEAD("500") "{\"error\":\"context deadline exceeded\"}", 0 } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int times = 1; times <= RENEWALS_MAX + 1; times++) {
            struct act acts[2 * (RENEWALS_MAX + 1) + 3];
            int n = 0;
            for (int lost = 0; lost < times; lost++) {
                acts[n++] = (struct act){ ANSWER, nobody, 0 };
                acts[n++] = rows[i].lost;
            }
            acts[n++] = (struct act){ ANSWER, nobody, 0 };
            acts[n++] = (struct act){ ANSWER, OK_HEAD "{\"token\":\"AbC.12\"}", 0 };
            acts[n++] = (struct act){ ANSWER, OK_HEAD "{}", 0 };
            scripted_start(acts, n);
            open_it("", "jwtd", "secret");
            check(call(ETCD_PROBE, sizeof room) == ETCD_OK, "%s, %d times: answered in the end", rows[i].what, times);
            check(scripted.played == n && !*said, "%s, %d times: %d requests: %s", rows[i].what, times, scripted.played,
                  said);
            end_it();
        }
    }
}

/* Where the next member is asked, the last reason is said: a log-in must have one. */
static void test_no_token(void) {
    static const char *const answers[] = { "{}", "{\"token\":\"\"}", "{\"token\":[]}", "{\"token\":\"a\\nb\"}" };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        char text[128];
        struct buffer answer = { .at = room, .cap = sizeof room };
        struct call c = { .end = milliseconds() + 15000, .answer = &answer, .why = "" };
        snprintf(text, sizeof text, OK_HEAD "%s", answers[i]);
        scripted_start(&(struct act){ ANSWER, text, 0 }, 1);
        open_it("", "jwtd", "secret");
        c.e = e;
        int status = log_in(&c, 0);
        check(status == 0 && c.why && strcmp(c.why, "it gives no token") == 0, "%s: %d, %s", answers[i], status,
              c.why ? c.why : "no reason");
        end_it();
    }
}

static void *call_long(void *result) {
    char mine[ETCD_ANSWER_MIN];
    struct buffer answer = { .at = mine, .cap = sizeof mine };
    struct slice object, request = slice_of("{\"key\":\"Zm9v\"}");
    *(enum etcd_result *)result = etcd_call(e, "kv/range", request, request, &answer, &object, ETCD_LONG);
    return NULL;
}

/* A log-in costs etcd a slow hash: of those whose token is forgotten one logs in, and all have what it gets. */
static void test_log_in_at_once(void) {
    static const char forgotten[] = FAIL_HEAD("401") "{\"error\":\"etcdserver: invalid auth token\"}";
    static const struct act acts[] = {
        { ANSWER, forgotten, 0 },    { ANSWER, OK_HEAD "{\"token\":\"old\"}", 0 },
        { ANSWER, OK_HEAD "{}", 0 }, { ANSWER, forgotten, 0 }, /* one thread's, */
        { SILENT, "", 0 },                                     /* its log-in, */
        { ANSWER, forgotten, 0 },                              /* and the other's meanwhile */
        { ANSWER, OK_HEAD "{}", 0 }, { ANSWER, OK_HEAD "{}", 0 },
    };
    enum etcd_result results[2];
    pthread_t threads[2];
    scripted_start(acts, 8);
    open_it("", "jwtd", "secret");
    check(call(ETCD_LONG, sizeof room) == ETCD_OK, "logged in");
    for (int t = 0; t < 2; t++) {
        if (pthread_create(&threads[t], NULL, call_long, &results[t]) != 0) exit(1);
        scripted_wait(5 + t);
    }
    scripted_answer(OK_HEAD "{\"token\":\"new\"}");
    for (int t = 0; t < 2; t++) pthread_join(threads[t], NULL);
    check(results[0] == ETCD_OK && results[1] == ETCD_OK, "both are answered");
    scripted_stop();
    check(scripted.played == 8, "with one log-in: %d requests", scripted.played);
    static const char *const tokens[] = { "old", "new", "new" }; /* who asks meanwhile keeps his */
    for (int i = 5; i < 8 && i < scripted.played; i++) {
        char field[64];
        snprintf(field, sizeof field, "\r\nAuthorization: %s\r\n", tokens[i - 5]);
        check(strstr(scripted.requests[i], field) != NULL, "request %d: %s", i, scripted.requests[i]);
    }
    scripted_forget();
    etcd_close(e);
}

int main(void) {
    char name[] = "/tmp/jwtd-etcd-XXXXXX";
    said_fd = mkostemp(name, O_APPEND);
    unlink(name);
    kept_fd = dup(2);
    test_open();
    test_base64();
    test_answers();
    test_cut_off();
    test_statuses();
    test_foreign();
    test_members();
    test_slow();
    test_away();
    test_log_in();
    test_log_in_anew();
    test_no_log_in();
    test_log_in_lost();
    test_no_token();
    test_log_in_at_once();
    return test_end();
}
