/* metrics.c - adds up what the threads have counted, and writes it as Prometheus reads it: names, units and suffixes
 * follow its conventions. Labels have a bounded set of values, and no user's name is among them.
 *
 * Of a route's statuses, only those that have occurred are written. */
#include "metrics.h"

static const uint16_t statuses[METRICS_STATUSES - 1] = { 200, 201, 204, 303, 400, 401, 403, 404, 405, 408,
                                                         413, 414, 415, 417, 429, 431, 501, 503, 505 };

static const struct {
    uint32_t microseconds;
    const char *seconds;
} bounds[METRICS_HASH_BUCKETS] = {
    { 1000, "0.001" },  { 2500, "0.0025" }, { 5000, "0.005" },  { 10000, "0.01" },      { 25000, "0.025" },
    { 50000, "0.05" },  { 100000, "0.1" },  { 250000, "0.25" }, { 500000, "0.5" },      { 1000000, "1" },
    { 2500000, "2.5" }, { 5000000, "5" },   { 10000000, "10" }, { UINT32_MAX, "+Inf" },
};

void metrics_request(struct metrics *m, unsigned route, int status) {
    unsigned i = 0;
    while (i < METRICS_STATUSES - 1 && statuses[i] != status) i++;
    metrics_add(m, METRICS_REQUESTS + route * METRICS_STATUSES + i, 1);
}

void metrics_hash(struct metrics *m, uint64_t nanoseconds) {
    unsigned i = 0;
    while (i < METRICS_HASH_BUCKETS - 1 && nanoseconds > (uint64_t)bounds[i].microseconds * 1000) i++;
    metrics_add(m, METRICS_HASHES + i, 1);
    nanoseconds += m->hash_rest;
    m->hash_rest = (uint32_t)(nanoseconds % 1000000);
    metrics_add(m, METRICS_HASH_MS, (unsigned long)(nanoseconds / 1000000));
}

/* ---- the text ----------------------------------------------------------- */

static void put_head(struct buffer *out, const char *name, const char *type, const char *help) {
    put_texts(out, "# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n", NULL);
}

static void put_value(struct buffer *out, const char *before, uint64_t value) {
    put_text(out, before);
    put_number(out, value);
    put_char(out, '\n');
}

static void put_one(struct buffer *out, const char *name, const char *type, const char *help, uint64_t value) {
    put_head(out, name, type, help);
    put_text(out, name);
    put_value(out, " ", value);
}

/* A counter with a value for each of the words, separated by spaces, that its label may have. */
static void put_counter(struct buffer *out, const char *name, const char *help, const char *label, const char *words,
                        const uint64_t *values) {
    struct slice rest = slice_of(words);
    put_head(out, name, "counter", help);
    for (; rest.at != NULL; values++) {
        struct slice word = slice_cut(&rest, ' ');
        put_texts(out, name, "{", label, "=\"", NULL);
        put_bytes(out, word.at, word.len);
        put_value(out, "\"} ", *values);
    }
}

static void put_requests(struct buffer *out, const uint64_t *sums, const struct metrics_facts *facts) {
    static const char name[] = "jwtd_http_requests_total";
    put_head(out, name, "counter", "Answers to requests, by path and status; other: no path that is known.");
    for (unsigned i = 0; i < facts->routes * METRICS_STATUSES; i++) {
        unsigned route = i / METRICS_STATUSES, status = i % METRICS_STATUSES;
        if (sums[METRICS_REQUESTS + i] == 0) continue;
        put_texts(out, name, "{route=\"", route == 0 ? "other" : facts->paths[route - 1], "\",code=\"", NULL);
        put_number(out, status < METRICS_STATUSES - 1 ? statuses[status] : 500);
        put_value(out, "\"} ", sums[METRICS_REQUESTS + i]);
    }
}

static void put_seconds(struct buffer *out, const char *name, uint64_t ms, uint64_t count) {
    put_texts(out, name, "_sum ", NULL);
    put_number(out, ms / 1000);
    put_char(out, '.');
    for (unsigned digit = 100; digit > 0; digit /= 10) put_char(out, (char)('0' + ms / digit % 10));
    put_texts(out, "\n", name, NULL);
    put_value(out, "_count ", count);
}

static void put_hashes(struct buffer *out, const uint64_t *sums) {
    static const char name[] = "jwtd_hash_seconds";
    unsigned long hashes = 0;
    put_head(out, name, "histogram", "Time that a password's hash took, to check it or to make it.");
    for (unsigned i = 0; i < METRICS_HASH_BUCKETS; i++) {
        hashes += (unsigned long)sums[METRICS_HASHES + i];
        put_texts(out, name, "_bucket{le=\"", bounds[i].seconds, NULL);
        put_value(out, "\"} ", hashes);
    }
    put_seconds(out, name, sums[METRICS_HASH_MS], hashes);
}

static void put_etcd(struct buffer *out, const struct metrics_calls *c) {
    static const char seconds[] = "jwtd_etcd_call_seconds";
    const uint64_t calls[METRICS_CALLS] = { c->calls[0], c->calls[1], c->calls[2] };
    put_counter(out, "jwtd_etcd_calls_total", "Calls to etcd, by what came of them.", "outcome",
                "ok refused unavailable", calls);
    put_one(out, "jwtd_etcd_retries_total", "counter", "Attempts beyond the first one of a call to etcd.", c->retries);
    put_head(out, seconds, "summary", "Time that calls to etcd took, with their retries.");
    put_seconds(out, seconds, c->milliseconds, calls[0] + calls[1] + calls[2]);
}

/* A line of put_requests has its name, labels and signs, a path and a number; all else fits in 4 KiB. */
_Static_assert(METRICS_TEXT_MAX >= 4096 + METRICS_ROUTES * METRICS_STATUSES * (46 + METRICS_PATH_MAX + 20),
               "the text has room whatever is counted");

void metrics_put(struct buffer *out, const struct metrics *threads, size_t n, const struct metrics_facts *facts) {
    uint64_t sums[METRICS_NUMBERS] = { 0 }; /* wrapping as a long does, like the counts */
    for (size_t i = 0; i < n; i++)
        for (unsigned j = 0; j < METRICS_NUMBERS; j++)
            sums[j] = (unsigned long)(sums[j] + atomic_load_explicit(&threads[i].at[j], memory_order_relaxed));
    /* the worker that takes one may have counted it before the loop that gave it */
    unsigned long queued = (unsigned long)(sums[METRICS_QUEUED] - sums[METRICS_DEQUEUED]);
    if (queued > sums[METRICS_QUEUE_CAPACITY]) queued = 0;
    put_requests(out, sums, facts);
    put_counter(out, "jwtd_logins_total", "Passwords asked for, by /change-password too, by what came of it.",
                "outcome", "ok wrong_password unknown_user throttled unusable_hash unavailable",
                sums + METRICS_LOGIN_OK);
    put_counter(out, "jwtd_tokens_verified_total", "Tokens looked at, by what came of it.", "result",
                "valid expired invalid missing", sums + METRICS_TOKEN_VALID);
    put_one(out, "jwtd_log_lines_dropped_total", "counter", "Lines of the access log that nobody took.",
            sums[METRICS_LOG_DROPPED]);
    put_one(out, "jwtd_connections", "gauge", "Connections that are open.", sums[METRICS_CONNECTIONS]);
    put_one(out, "jwtd_hash_queue_capacity", "gauge", "Requests that may wait for a worker.",
            sums[METRICS_QUEUE_CAPACITY]);
    put_one(out, "jwtd_hash_queue_length", "gauge", "Requests that wait for a worker.", queued);
    put_hashes(out, sums);
    put_one(out, "jwtd_accounts", "gauge", "Accounts that exist.", facts->accounts);
    if (facts->etcd) put_etcd(out, facts->etcd);
    put_head(out, "jwtd_build_info", "gauge", "Which jwtd this is.");
    put_texts(out, "jwtd_build_info{version=\"", facts->version, "\",libc=\"", facts->libc, "\"} 1\n", NULL);
    put_one(out, "process_start_time_seconds", "gauge", "When it was started, in seconds since 1970.", facts->started);
}
