/* etcd.c - asks one member of the cluster after another.
 *
 * A member that refuses, resets, is silent for half a second or answers 5xx is not asked again until the others have
 * been: a cluster that lost its leader has another within a few seconds. Where all are silent, they get more time.
 * Callers then wait a little, each for a random time, so that they do not come back at the same moment. */
#include "etcd.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "address.h"
#include "base64url.h"
#include "http.h"
#include "json.h"
#include "log.h"

enum {
    PROBES_MISSED_MAX = 6, /* then nobody is there */
    PAUSE_MIN_MS = 50,
    PAUSE_MAX_MS = 100,
    ATTEMPT_MAX_MS = 2000,
    TOKEN_MAX = 2048,
    SAID_MAX = 200,   /* of a refusal */
    RENEWALS_MAX = 2, /* of the token, in a call */
};

static const struct {
    unsigned attempt_ms, all_ms;
} patiences[] = {
    [ETCD_CALL] = { 500, 6000 },
    [ETCD_PROBE] = { 500, 1000 },
    [ETCD_LONG] = { 5000, 15000 },
    [ETCD_ONCE] = { 3000, 3000 },
};

struct etcd {
    const char *where, *user, *password;
    struct sockaddr_storage endpoints[ETCD_ENDPOINTS_MAX];
    unsigned count;
    atomic_uint current; /* the endpoint that is asked first */
    atomic_bool away;
    unsigned probes_missed; /* only for the thread that probes */
    struct metrics_calls counts;
    pthread_mutex_t login; /* held by whoever asks for a new token */
    pthread_mutex_t lock;  /* guards: */
    char token[TOKEN_MAX];
    atomic_uint token_number; /* changes with each new token; reading it takes no lock */
};

struct etcd *etcd_open(const char *where, const char *user, const char *password, struct slice *prefix) {
    struct etcd *e = calloc(1, sizeof *e);
    struct slice rest = slice_of(where + strlen("etcd://")), list = slice_cut(&rest, '/');
    const char *why = e ? NULL : "no memory";
    *prefix = rest.len > 0 ? rest : slice_of("jwtd");
    while (why == NULL && list.at != NULL) {
        if (e->count == ETCD_ENDPOINTS_MAX)
            why = "too many members";
        else if (address_parse_socket(slice_cut(&list, ','), &e->endpoints[e->count++]) <= 0)
            why = "it takes etcd://ADDRESS:PORT[,ADDRESS:PORT...][/PREFIX], and numbers, no names";
    }
    if (why == NULL && memchr(prefix->at, '/', prefix->len)) why = "a prefix has no '/'";
    if (why) {
        log_line(where, " is not usable: ", why, NULL);
        free(e);
        return NULL;
    }
    e->where = where;
    e->user = user;
    e->password = password ? password : "";
    pthread_mutex_init(&e->login, NULL);
    pthread_mutex_init(&e->lock, NULL);
    return e;
}

void etcd_close(struct etcd *e) {
    pthread_mutex_destroy(&e->login);
    pthread_mutex_destroy(&e->lock);
    explicit_bzero(e->token, sizeof e->token);
    free(e);
}

size_t etcd_ports(const struct etcd *e, uint16_t ports[ETCD_ENDPOINTS_MAX]) {
    for (unsigned i = 0; i < e->count; i++) ports[i] = address_port(&e->endpoints[i]);
    return e->count;
}

_Static_assert((int)ETCD_RESULTS == (int)METRICS_CALLS, "a count for each");

const struct metrics_calls *etcd_counts(const struct etcd *e) { return &e->counts; }

/* ---- base64 ------------------------------------------------------------- */

void etcd_put_bytes(struct buffer *b, struct slice bytes) {
    put_char(b, '"');
    put_base64(b, bytes.at, bytes.len);
    put_char(b, '"');
}

ssize_t etcd_get_bytes(struct slice raw, char out[ETCD_DECODED_MAX]) {
    char text[ETCD_DECODED_MAX / 3 * 4 + 4];
    ssize_t len = json_string(raw, text, sizeof text);
    if (len < 0 || len % 4 != 0) return -1;
    for (int i = 0; i < 2 && len > 0 && text[len - 1] == '='; i++) len--;
    for (ssize_t i = 0; i < len; i++) {
        if (text[i] == '-' || text[i] == '_') return -1;
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    }
    return base64url_decoded_max((size_t)len) <= ETCD_DECODED_MAX ? base64url_decode(text, (size_t)len, out) : -1;
}

/* ---- one member, one answer ---------------------------------------------- */

static uint64_t milliseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static const char too_late[] = "no answer in time";

/* NULL, or why not. */
static const char *wait_for(int fd, short events, uint64_t until) {
    struct pollfd p = { .fd = fd, .events = events };
    uint64_t now = milliseconds();
    if (errno != EAGAIN && errno != EINTR && errno != EINPROGRESS) return strerror(errno);
    return now < until && poll(&p, 1, (int)(until - now)) >= 0 ? NULL : too_late;
}

static const char *send_all(int fd, struct slice bytes, int flags, uint64_t until) {
    const char *why = NULL;
    while (why == NULL && bytes.len > 0) {
        ssize_t n = send(fd, bytes.at, bytes.len, flags | MSG_NOSIGNAL);
        if (n < 0) why = wait_for(fd, POLLOUT, until);
        if (n > 0) bytes = (struct slice){ bytes.at + n, bytes.len - (size_t)n };
    }
    return why;
}

static const char *receive_all(int fd, struct buffer *answer, uint64_t until) {
    const char *why = NULL;
    answer->len = 0;
    while (why == NULL) {
        if (answer->len == answer->cap) return "its answer is too long";
        ssize_t n = recv(fd, answer->at + answer->len, answer->cap - answer->len, 0);
        if (n == 0) break;
        if (n < 0) why = wait_for(fd, POLLIN, until);
        if (n > 0) answer->len += (size_t)n;
    }
    return why;
}

static const char *exchange(const struct sockaddr_storage *to, struct slice head, struct slice request,
                            struct buffer *answer, uint64_t until) {
    const char *why = NULL;
    int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return strerror(errno);
    if (connect(fd, (const struct sockaddr *)to, sizeof *to) != 0) why = wait_for(fd, POLLOUT, until);
    if (why == NULL) why = send_all(fd, head, MSG_MORE, until);
    if (why == NULL) why = send_all(fd, request, 0, until);
    if (why == NULL) why = receive_all(fd, answer, until);
    close(fd);
    return why;
}

/* The status, and the body if it is a JSON object; 0: neither. An answer that was cut off is no answer. */
static int read_answer(struct slice answer, struct slice *body) {
    const char *why;
    struct slice line = slice_cut(&answer, '\n');
    if (line.len < 12 || memcmp(line.at, "HTTP/1.", 7) != 0) return 0;
    int64_t status = slice_decimal((struct slice){ line.at + 9, 3 });
    while (answer.at && line.len > 1) line = slice_cut(&answer, '\n'); /* the fields, to the CR that ends them */
    *body = answer;
    return status >= 200 && answer.at && json_object(answer, NULL, 0, &why) == JSON_OK ? (int)status : 0;
}

/* The text of a member of the answer: its length, or -1. */
static ssize_t read_text(struct slice body, const char *name, char *text, size_t cap) {
    struct json_member m = { .name = name };
    const char *why;
    bool found = json_object(body, &m, 1, &why) == JSON_OK && m.type == JSON_STRING;
    return found ? json_string(m.raw, text, cap) : -1;
}

/* A question on its way from member to member. */
struct call {
    struct etcd *e;
    uint64_t end;          /* of all attempts */
    struct buffer *answer; /* the last one */
    struct slice body;     /* in it */
    const char *why;       /* it is not what was asked for */
    char said[2 * SAID_MAX];
};

static void set_token(struct etcd *e, struct slice token) {
    pthread_mutex_lock(&e->lock);
    memcpy(e->token, token.at, token.len);
    e->token[token.len] = '\0';
    e->token_number++;
    pthread_mutex_unlock(&e->lock);
}

/* Appends the token as a field, if there is one; returns its number. */
static unsigned put_token(struct buffer *b, struct etcd *e) {
    pthread_mutex_lock(&e->lock);
    if (*e->token) put_text(b, "\r\nAuthorization: ");
    put_text(b, e->token);
    unsigned number = e->token_number;
    pthread_mutex_unlock(&e->lock);
    return number;
}

/* Why an answer is not etcd's, with its status and the first line of its text: a proxy's, or etcd's own refusal of a
 * certificate. Without them where the status is 2xx: there may be a token in it. */
static const char *describe(struct call *c) {
    struct buffer b = { .at = c->said, .cap = sizeof c->said - 1 };
    struct slice line = slice_cut(&c->body, '\n');
    put_text(&b, "its answer is none of etcd");
    if (line.at && c->answer->at[9] != '2') {
        put_text(&b, ": ");
        put_bytes(&b, c->answer->at + 9, 3);
        put_text(&b, line.len > 0 ? " " : "");
        put_bytes(&b, line.at, line.len < SAID_MAX ? line.len : SAID_MAX);
    }
    c->said[b.len] = '\0';
    return c->said;
}

/* Asks the member `at`: the status, or 0 where there is no answer. `token` gets the number of the token that was sent;
 * NULL: send none. */
static int ask(struct call *c, unsigned at, const char *path, struct slice request, unsigned attempt_ms,
               unsigned *token) {
    char text[TOKEN_MAX + 512];
    struct buffer head = { .at = text, .cap = sizeof text };
    uint64_t until = milliseconds() + attempt_ms;
    const char *before = c->why;
    put_text(&head, "POST /v3/");
    put_text(&head, path);
    /* By Accept an etcd that asks for certificates knows who speaks JSON; else it takes its own certificate as ours. */
    put_text(&head, " HTTP/1.0\r\nHost: etcd\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
                    "Content-Length: ");
    put_number(&head, request.len);
    if (token) *token = put_token(&head, c->e);
    put_text(&head, "\r\n\r\n");
    c->why = exchange(&c->e->endpoints[at], (struct slice){ head.at, head.len }, request, c->answer,
                      until < c->end ? until : c->end);
    explicit_bzero(text, sizeof text);
    if (c->why == too_late && until > c->end && *before) c->why = before; /* the last attempt has less time */
    c->body = (struct slice){ NULL, 0 };
    int status = c->why ? 0 : read_answer((struct slice){ c->answer->at, c->answer->len }, &c->body);
    if (status == 0 && c->why == NULL) c->why = describe(c);
    if (status > 0 && status != 200) c->why = "it says that it can not";
    return status;
}

/* Gets a new token: 200, or what came instead. */
static int log_in(struct call *c, unsigned at) {
    char text[2048], token[TOKEN_MAX];
    struct buffer b = { .at = text, .cap = sizeof text };
    put_text(&b, "{\"name\":");
    json_put_string(&b, slice_of(c->e->user));
    put_text(&b, ",\"password\":");
    json_put_string(&b, slice_of(c->e->password));
    put_char(&b, '}');
    c->why = "JWTD_ETCD_USER and JWTD_ETCD_PASSWORD are too long";
    if (b.overflow) return 0;
    unsigned attempt_ms = patiences[ETCD_LONG].attempt_ms; /* etcd hashes the password, by bcrypt */
    int status = ask(c, at, "auth/authenticate", (struct slice){ text, b.len }, attempt_ms, NULL);
    explicit_bzero(text, sizeof text);
    if (status != 200) return status;
    ssize_t len = read_text(c->body, "token", token, sizeof token - 1);
    struct slice new = { token, len > 0 ? (size_t)len : 0 };
    c->why = "it gives no token";
    bool usable = http_is_whole_value(new);
    if (usable) set_token(c->e, new);
    explicit_bzero(token, sizeof token);
    explicit_bzero(c->answer->at, c->answer->len);
    return usable ? status : 0;
}

/* Makes sure that there is a newer token than the one with this number; another thread may have got it meanwhile. */
static int renew(struct call *c, unsigned at, unsigned number) {
    pthread_mutex_lock(&c->e->login);
    int status = c->e->token_number != number ? 200 : log_in(c, at);
    pthread_mutex_unlock(&c->e->login);
    return status;
}

/* ---- the cluster ---------------------------------------------------------- */

/* So that those who must come back later do not all come at once. */
static void pause_a_little(void) {
    uint8_t random = 0;
    if (getrandom(&random, sizeof random, 0) < 0) random = 0;
    long ms = PAUSE_MIN_MS + random % (PAUSE_MAX_MS - PAUSE_MIN_MS + 1);
    nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

static void say_refusal(const struct etcd *e, const char *path, struct slice body) {
    char text[SAID_MAX + 1];
    size_t len = body.len < SAID_MAX ? body.len : SAID_MAX;
    ssize_t n = read_text(body, "error", text, SAID_MAX);
    if (n < 0) memcpy(text, body.at, len);
    text[n < 0 ? len : (size_t)n] = '\0';
    log_line(e->where, " refuses ", path, ": ", text, NULL);
}

/* What another member would say too. (404 is not etcd's; 408 comes from one that is shutting down.) */
static bool is_refusal(int status) { return status == 400 || status == 401 || status == 403 || status == 429; }

/* Asks until somebody has answered, or time is up. Where as many were silent as there are members, a disk is slow and
 * no member is away: they get twice the time from then on, for each attempt is one more write. */
static enum etcd_result ask_all(struct call *c, const char *path, struct slice request, struct slice again,
                                unsigned attempt_ms) {
    struct etcd *e = c->e;
    int renewals = e->user ? RENEWALS_MAX : 0;
    unsigned token, slow = 0;
    for (;;) {
        unsigned at = atomic_load(&e->current);
        uint64_t start = milliseconds();
        int status = ask(c, at, path, request, attempt_ms, &token);
        if ((status == 400 || status == 401) && renewals > 0) {
            status = renew(c, at, token);
            renewals -= status == 200; /* a failed one does not count */
            if (status == 200) continue;
        }
        if (status == 200) return ETCD_OK;
        if (is_refusal(status)) {
            say_refusal(e, path, c->body);
            return ETCD_REFUSED;
        }
        atomic_compare_exchange_strong(&e->current, &at, (at + 1) % e->count);
        pause_a_little();
        if (milliseconds() >= c->end) return ETCD_UNAVAILABLE; /* after the pause: an attempt needs some time */
        atomic_fetch_add(&e->counts.retries, 1);
        request = again;
        bool in_vain = milliseconds() - start >= attempt_ms;
        if (in_vain && ++slow % e->count == 0 && attempt_ms < ATTEMPT_MAX_MS) attempt_ms *= 2;
    }
}

/* Is nobody there? Only a short question tells. The token is dropped then: it says how far etcd's log had come, and
 * where an older state was restored, a member that has not come so far waits until it has instead of answering 401. */
static bool finds_away(struct etcd *e, enum etcd_patience patience, bool answered) {
    if (answered || patience == ETCD_LONG || patience == ETCD_ONCE) return false;
    if (patience == ETCD_CALL) return true;
    set_token(e, (struct slice){ "", 0 });
    return ++e->probes_missed >= PROBES_MISSED_MAX;
}

enum etcd_result etcd_call(struct etcd *e, const char *path, struct slice request, struct slice again,
                           struct buffer *answer, struct slice *body, enum etcd_patience patience) {
    uint64_t start = milliseconds();
    struct call c = { .e = e, .end = start + patiences[patience].all_ms, .answer = answer, .why = "" };
    enum etcd_result result = ETCD_UNAVAILABLE;
    if (patience == ETCD_PROBE || !atomic_load(&e->away))
        result = ask_all(&c, path, request, again, patiences[patience].attempt_ms);
    *body = c.body;
    atomic_fetch_add(&e->counts.calls[result], 1);
    atomic_fetch_add(&e->counts.milliseconds, (unsigned long)(milliseconds() - start));
    bool answered = result != ETCD_UNAVAILABLE, away = finds_away(e, patience, answered);
    if (patience == ETCD_PROBE && answered) e->probes_missed = 0;
    if ((answered || away) && atomic_exchange(&e->away, away) != away)
        log_line(e->where, away ? " does not answer: " : " answers again", c.why, NULL);
    return result;
}
