/* metrics_test.c - counting, adding up, and the text that Prometheus reads. Its format is that of Prometheus'
 * documentation ("exposition formats"), read here by the test's own rules; promtool reads it in tests/metrics.sh. */
#include "metrics.h"

#include <limits.h>

#include "http.h"
#include "test.h"

static struct metrics threads[3];
static const char *const paths[METRICS_ROUTES - 1] = { "/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h", "/i",
                                                         "/j", "/abcdefghijklmnopqrstuvw" };
static char text[METRICS_TEXT_MAX + 1];
static const struct metrics_calls *etcd;

/* Writes the text, all of it, against an unreadable page. */
static const char *put(size_t n, unsigned routes) {
    struct metrics_facts facts = { .paths = paths, .routes = routes, .version = "1.2.3", .libc = "musl", .started = 1790000000,
                                   .accounts = 7, .etcd = etcd };
    char *room = guarded(text, METRICS_TEXT_MAX);
    struct buffer b = { .at = room, .cap = METRICS_TEXT_MAX };
    metrics_put(&b, threads, n, &facts);
    check(!b.overflow, "the text fits");
    memcpy(text, room, b.len);
    text[b.len] = '\0';
    guarded_free(room, METRICS_TEXT_MAX);
    return text;
}

static bool has(const char *line) {
    const char *at = strstr(text, line);
    return at && (at == text || at[-1] == '\n') && at[strlen(line)] == '\n';
}

static void forget(void) { memset(threads, 0, sizeof threads); }

/* ---- what is counted where ----------------------------------------------- */

static const struct {
    uint64_t nanoseconds;
    const char *below, *within; /* the last bucket that does not have it, and the first that has */
} hashes[] = {
    { 0, NULL, "0.001" },
    { 1000000, NULL, "0.001" }, /* le: less or equal */
    { 1000001, "0.001", "0.0025" },
    { 2500000, "0.001", "0.0025" },
    { 49999999, "0.025", "0.05" },
    { 50000001, "0.05", "0.1" },
    { 1000000000, "0.5", "1" },
    { 10000000000, "5", "10" },
    { 10000000001, "10", "+Inf" },
    { 86400000000000, "10", "+Inf" },
};

static void test_hashes(void) {
    char line[100];
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
        forget();
        metrics_hash(&threads[1], hashes[i].nanoseconds);
        put(3, 1);
        snprintf(line, sizeof line, "jwtd_hash_seconds_bucket{le=\"%s\"} 1", hashes[i].within);
        check(has(line), "%llu ns: %s", (unsigned long long)hashes[i].nanoseconds, line);
        snprintf(line, sizeof line, "jwtd_hash_seconds_bucket{le=\"%s\"} 0", hashes[i].below ? hashes[i].below : "");
        check(!hashes[i].below || has(line), "%llu ns: %s", (unsigned long long)hashes[i].nanoseconds, line);
        check(has("jwtd_hash_seconds_bucket{le=\"+Inf\"} 1") && has("jwtd_hash_seconds_count 1"), "+Inf has all");
        snprintf(line, sizeof line, "jwtd_hash_seconds_sum %llu.%03llu",
                 (unsigned long long)hashes[i].nanoseconds / 1000000000,
                 (unsigned long long)hashes[i].nanoseconds / 1000000 % 1000);
        check(has(line), "the sum: %s", line);
    }
    forget();
    for (int i = 0; i < 1000; i++) metrics_hash(&threads[0], 1700000);
    put(3, 1);
    check(has("jwtd_hash_seconds_sum 1.700"), "what is less than a millisecond is not lost");
}

static void test_sums(void) {
    forget();
    metrics_add(&threads[0], METRICS_TOKEN_VALID, 3);
    metrics_add(&threads[2], METRICS_TOKEN_VALID, 39);
    metrics_add(&threads[1], METRICS_LOGIN_OK, 5);
    metrics_set(&threads[0], METRICS_CONNECTIONS, 10);
    metrics_set(&threads[0], METRICS_CONNECTIONS, 4);
    metrics_set(&threads[1], METRICS_QUEUE_CAPACITY, 64);
    metrics_set(&threads[2], METRICS_QUEUE_CAPACITY, 64);
    metrics_add(&threads[0], METRICS_QUEUED, 12);
    metrics_add(&threads[1], METRICS_DEQUEUED, 9);
    put(3, 1);
    check(has("jwtd_tokens_verified_total{result=\"valid\"} 42") && has("jwtd_tokens_verified_total{result=\"expired\"} 0"),
          "tokens of all threads");
    check(has("jwtd_logins_total{outcome=\"ok\"} 5"), "log-ins");
    check(has("jwtd_connections 4"), "connections: what was set last");
    check(has("jwtd_hash_queue_length 3") && has("jwtd_hash_queue_capacity 128"), "the queue");
    check(has("jwtd_accounts 7") && has("process_start_time_seconds 1790000000") &&
              has("jwtd_build_info{version=\"1.2.3\",libc=\"musl\"} 1") && has("jwtd_log_lines_dropped_total 0"),
          "what is told beside the counts");
    put(2, 1);
    check(has("jwtd_tokens_verified_total{result=\"valid\"} 3"), "of two threads");
    metrics_add(&threads[1], METRICS_DEQUEUED, 4);
    put(2, 1);
    check(has("jwtd_hash_queue_length 0"), "one was taken before it was seen to be given");
    metrics_add(&threads[0], METRICS_TOKEN_VALID, ULONG_MAX);
    put(1, 1);
    check(has("jwtd_tokens_verified_total{result=\"valid\"} 2"), "a counter begins again at 0");
}

static void test_etcd(void) {
    static const struct metrics_calls some = { .calls = { 5, 2, 1 }, .retries = 9, .milliseconds = 12034 };
    static const struct metrics_calls most = { { ULONG_MAX, ULONG_MAX, ULONG_MAX }, ULONG_MAX, ULONG_MAX };
    forget();
    put(1, 1);
    check(!strstr(text, "etcd"), "no word of etcd where none is called");
    etcd = &some;
    put(1, 1);
    check(has("jwtd_etcd_calls_total{outcome=\"ok\"} 5") && has("jwtd_etcd_calls_total{outcome=\"refused\"} 2") &&
              has("jwtd_etcd_calls_total{outcome=\"unavailable\"} 1"),
          "calls to etcd");
    check(has("jwtd_etcd_retries_total 9") && has("jwtd_etcd_call_seconds_sum 12.034") &&
              has("jwtd_etcd_call_seconds_count 8"),
          "and their time");
    etcd = &most; /* for the room of the text */
}

/* A status that http.c has a reason for is one that is counted as itself. */
static void test_statuses(void) {
    char line[100], answer[512];
    int known = 0;
    for (int status = 100; status < 600; status++) {
        struct buffer b = { .at = answer, .cap = sizeof answer - 1 };
        http_put_response(&b, &(struct http_response){ .status = status },
                          &(struct http_framing){ .date = "Tue, 24 Nov 2026 14:17:47 GMT" });
        answer[b.len] = '\0';
        forget();
        metrics_request(&threads[0], 2, status);
        put(1, 3);
        int sent = atoi(answer + 9);
        snprintf(line, sizeof line, "jwtd_http_requests_total{route=\"/b\",code=\"%d\"} 1", sent);
        check(has(line), "%d is sent as %d: %s", status, sent, line);
        known += sent == status;
    }
    check(known == METRICS_STATUSES, "%d statuses, each with a row", known);
    forget();
    metrics_request(&threads[0], 0, 404);
    metrics_request(&threads[1], 1, 200);
    metrics_request(&threads[2], 1, 200);
    put(3, 3);
    check(has("jwtd_http_requests_total{route=\"other\",code=\"404\"} 1") &&
              has("jwtd_http_requests_total{route=\"/a\",code=\"200\"} 2") && !strstr(text, "/b"),
          "routes, and only what has occurred");
}

/* ---- the text ---------------------------------------------------------- */

/* Every sample stands behind the HELP and TYPE of its family, once; families and series come once. */
static const char *text_wrong(void) {
    static char seen[METRICS_TEXT_MAX] = "\n";
    struct slice rest = { text, strlen(text) }, family = { "", 0 };
    size_t len = 1;
    if (rest.len == 0 || rest.at[rest.len - 1] != '\n') return "it does not end with LF";
    while (rest.len > 0) {
        struct slice line = slice_cut(&rest, '\n'), series = line;
        if (line.len > 7 && memcmp(line.at, "# HELP ", 7) == 0) {
            family = (struct slice){ line.at + 7, 0 };
            while (family.at[family.len] != ' ') family.len++;
            series = (struct slice){ line.at, 7 + family.len };
        } else if (line.len > 7 && memcmp(line.at, "# TYPE ", 7) == 0) {
            if (line.len < 8 + family.len || memcmp(line.at + 7, family.at, family.len) != 0) return "TYPE without HELP";
        } else {
            while (series.len > 0 && series.at[series.len - 1] != ' ') series.len--;
            if (series.len <= family.len || memcmp(line.at, family.at, family.len) != 0) return "a sample elsewhere";
        }
        size_t before = len;
        memcpy(seen + len, series.at, series.len);
        len += series.len;
        seen[len++] = '\n';
        if (memmem(seen, before, seen + before - 1, len - before + 1)) return "a line twice";
    }
    return NULL;
}

static void test_text(void) {
    forget();
    put(3, METRICS_ROUTES);
    check(text_wrong() == NULL, "nothing counted: %s", text_wrong());
    for (unsigned i = 0; i < METRICS_NUMBERS; i++) metrics_set(&threads[0], i, ULONG_MAX);
    put(1, METRICS_ROUTES); /* which checks that it fits */
    check(text_wrong() == NULL, "all at its most: %s", text_wrong());
    size_t len = strlen(text);
    check(len > METRICS_TEXT_MAX / 2, "which is %zu bytes", len);

    struct buffer small = { .at = text, .cap = 100 };
    metrics_put(&small, threads, 1, &(struct metrics_facts){ .paths = paths, .routes = 1, .version = "", .libc = "" });
    check(small.overflow, "too little room is said");
}

int main(void) {
    test_hashes();
    test_sums();
    test_statuses();
    test_etcd();
    test_text();
    return test_end();
}
