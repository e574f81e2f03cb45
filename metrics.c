/* metrics.c - adds up what the threads have counted, and writes it as Prometheus reads it: names, units and suffixes
 * as its conventions have them. Labels have a bounded set of values, and no name of a user is among them.
 *
 * Of the answers, only a route's statuses that have occurred are written. */
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

static const struct family {
    const char *name, *type, *help, *label, *values; /* with a blank between them; NULL: without a label */
    enum metrics_number first;
} families[] = {
    { "jwtd_logins_total", "counter", "Passwords asked for, by what came of it.", "outcome",
      "ok wrong_password unknown_user throttled unusable_hash unavailable", METRICS_LOGIN_OK },
    { "jwtd_tokens_verified_total", "counter", "Tokens looked at, by what came of it.", "result",
      "valid expired invalid missing", METRICS_TOKEN_VALID },
    { "jwtd_log_lines_dropped_total", "counter", "Lines of the access log that nobody took.", NULL, "",
      METRICS_LOG_DROPPED },
    { "jwtd_connections", "gauge", "Connections that are open.", NULL, "", METRICS_CONNECTIONS },
    { "jwtd_hash_queue_capacity", "gauge", "Requests that may wait for a worker.", NULL, "", METRICS_QUEUE_CAPACITY },
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
    put_text(out, "# HELP ");
    put_text(out, name);
    put_char(out, ' ');
    put_text(out, help);
    put_text(out, "\n# TYPE ");
    put_text(out, name);
    put_char(out, ' ');
    put_text(out, type);
    put_char(out, '\n');
}

static void put_label(struct buffer *out, const char *before, const char *label, struct slice value) {
    put_text(out, before);
    put_text(out, label);
    put_text(out, "=\"");
    put_bytes(out, value.at, value.len);
    put_char(out, '"');
}

static void put_value(struct buffer *out, const char *before, uint64_t value) {
    put_text(out, before);
    put_number(out, value);
    put_char(out, '\n');
}

static void put_family(struct buffer *out, const struct family *f, const unsigned long *sums) {
    struct slice rest = slice_of(f->values);
    put_head(out, f->name, f->type, f->help);
    for (sums += f->first; rest.at != NULL; sums++) {
        struct slice value = slice_cut(&rest, ' ');
        put_text(out, f->name);
        if (f->label) put_label(out, "{", f->label, value);
        put_value(out, f->label ? "} " : " ", *sums);
    }
}

static void put_gauge(struct buffer *out, const char *name, const char *help, uint64_t value) {
    put_head(out, name, "gauge", help);
    put_text(out, name);
    put_value(out, " ", value);
}

static void put_requests(struct buffer *out, const unsigned long *sums, const struct metrics_facts *facts) {
    static const char name[] = "jwtd_http_requests_total";
    put_head(out, name, "counter", "Answers to requests, by path and status; other: no path that is known.");
    for (unsigned i = 0; i < facts->routes * METRICS_STATUSES; i++) {
        unsigned route = i / METRICS_STATUSES, status = i % METRICS_STATUSES;
        if (sums[METRICS_REQUESTS + i] == 0) continue;
        put_text(out, name);
        put_label(out, "{", "route", slice_of(route == 0 ? "other" : facts->paths[route - 1]));
        put_text(out, ",code=\"");
        put_number(out, status < METRICS_STATUSES - 1 ? statuses[status] : 500);
        put_value(out, "\"} ", sums[METRICS_REQUESTS + i]);
    }
}

static void put_seconds(struct buffer *out, const char *name, uint64_t ms) {
    put_text(out, name);
    put_text(out, "_sum ");
    put_number(out, ms / 1000);
    put_char(out, '.');
    for (unsigned digit = 100; digit > 0; digit /= 10) put_char(out, (char)('0' + ms / digit % 10));
    put_char(out, '\n');
}

static void put_hashes(struct buffer *out, const unsigned long *sums) {
    static const char name[] = "jwtd_hash_seconds";
    unsigned long hashes = 0;
    put_head(out, name, "histogram", "Time that a password's hash took, to check it or to make it.");
    for (unsigned i = 0; i < METRICS_HASH_BUCKETS; i++) {
        hashes += sums[METRICS_HASHES + i];
        put_text(out, name);
        put_label(out, "_bucket{", "le", slice_of(bounds[i].seconds));
        put_value(out, "} ", hashes);
    }
    put_seconds(out, name, sums[METRICS_HASH_MS]);
    put_text(out, name);
    put_value(out, "_count ", hashes);
}

static void put_etcd(struct buffer *out, const struct metrics_calls *c) {
    static const char name[] = "jwtd_etcd_calls_total", seconds[] = "jwtd_etcd_call_seconds";
    static const char retries[] = "jwtd_etcd_retries_total";
    const uint64_t counts[] = { c->ok, c->refused, c->unavailable };
    struct slice rest = slice_of("ok refused unavailable");
    put_head(out, name, "counter", "Calls to etcd, by what came of them.");
    for (const uint64_t *count = counts; rest.at != NULL; count++) {
        put_text(out, name);
        put_label(out, "{", "outcome", slice_cut(&rest, ' '));
        put_value(out, "} ", *count);
    }
    put_head(out, retries, "counter", "Attempts beyond the first one of a call to etcd.");
    put_text(out, retries);
    put_value(out, " ", c->retries);
    put_head(out, seconds, "summary", "Time that calls to etcd took, with their retries.");
    put_seconds(out, seconds, c->milliseconds);
    put_text(out, seconds);
    put_value(out, "_count ", c->ok + c->refused + c->unavailable);
}

static void put_build(struct buffer *out, const struct metrics_facts *facts) {
    static const char name[] = "jwtd_build_info";
    put_head(out, name, "gauge", "Which jwtd this is.");
    put_text(out, name);
    put_label(out, "{", "version", slice_of(facts->version));
    put_label(out, ",", "libc", slice_of(facts->libc));
    put_value(out, "} ", 1);
}

/* A line of put_requests has its name, labels and signs, a path and a number; all else fits in 4 KiB. */
_Static_assert(METRICS_TEXT_MAX >= 4096 + METRICS_ROUTES * METRICS_STATUSES * (46 + METRICS_PATH_MAX + 20),
               "the text has room whatever is counted");

void metrics_put(struct buffer *out, const struct metrics *threads, size_t n, const struct metrics_facts *facts) {
    unsigned long sums[METRICS_NUMBERS] = { 0 };
    for (size_t i = 0; i < n; i++)
        for (unsigned j = 0; j < METRICS_NUMBERS; j++)
            sums[j] += atomic_load_explicit(&threads[i].at[j], memory_order_relaxed);
    /* who takes one may have counted it before who gave it */
    unsigned long queued = sums[METRICS_QUEUED] - sums[METRICS_DEQUEUED];
    if (queued > sums[METRICS_QUEUE_CAPACITY]) queued = 0;
    put_requests(out, sums, facts);
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) put_family(out, &families[i], sums);
    put_gauge(out, "jwtd_hash_queue_length", "Requests that wait for a worker.", queued);
    put_hashes(out, sums);
    put_gauge(out, "jwtd_accounts", "Accounts that exist.", facts->accounts);
    if (facts->etcd) put_etcd(out, facts->etcd);
    put_build(out, facts);
    put_gauge(out, "process_start_time_seconds", "When it was started, in seconds since 1970.", facts->started);
}
