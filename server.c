/* server.c - how bytes get in and out: sockets, event loops and worker threads.
 *
 * Each event loop has its own epoll set, its own connections and one buffer to read into and one to write from,
 * which every connection uses in turn: a connection owns memory only while a request is half read or an answer
 * half written. All loops share one listening socket; the kernel wakes one of them for a new connection, which
 * stays with that loop.
 *
 * What hashes or waits for a disk goes to a worker, through a bounded queue. The job names its connection by
 * loop, slot and generation, never by pointer; the answer comes back through the loop's list and its eventfd.
 *
 *   READING    waits for a request or the rest of one
 *   PARKED     a worker has its request
 *   LAST       is closed once its answer is written
 *   LINGERING  has sent its last answer, after an error or with more input after
 *              the last request: half-closed, it drains what still arrives, so
 *              that no reset overtakes the answer (RFC 9112 9.6)
 *
 * Beside its state a connection may hold the part of an answer that the socket did not take; nothing more is
 * read until that is sent. Deadlines are absolute and checked once a second: a client that drips gets no more
 * time than a silent one. */
#include "server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "listen.h"
#include "log.h"

enum {
    FIELDS_SECONDS = 10,  /* from a request's first byte to the end of its fields */
    REQUEST_SECONDS = 30, /* to the end of its body */
    WRITE_SECONDS = 30,
    IDLE_SECONDS = 60,
    LINGER_SECONDS = 2,
    DRAIN_SECONDS = 8, /* from the stop to giving up on what is not finished */
    KEEP_MEMORY_SECONDS = 10,
    QUEUE_FOR_EACH_WORKER = 64,
    ACCEPT_BATCH = 32,
    EVENTS = 128,
    OUT_LEN = 64 * 1024,
    ANSWER_MAX = API_LOOP_TEXT_MAX + 1024, /* a body and the fields before it */
    THREAD_STACK = 512 * 1024,
    WORKER_NICE = 10,
    PLACES = 65536,
};

_Static_assert(PAGE_MAX + PAGE_FIELDS_MAX <= (int)API_LOOP_TEXT_MAX, "the page has room too");

/* In epoll's data, what is no connection; the link at the end of the free list; what a connection that epoll does not
 * know yet is watched for. */
static const uint32_t LISTENER = UINT32_MAX, WAKEUP = UINT32_MAX - 1, NO_SLOT = UINT32_MAX, UNWATCHED = UINT32_MAX;

enum state { FREE, READING, PARKED, LAST, LINGERING };

/* A half-read request, or whole ones that wait for their turn. */
struct input {
    struct http_request request;
    size_t len;
    char bytes[];
};

/* The part of an answer that the socket did not take. */
struct output {
    size_t len, sent;
    char bytes[];
};

struct connection {
    int fd;
    uint32_t generation; /* counts the connections that this slot has held */
    uint32_t next_free;
    uint32_t watched; /* for which events; UNWATCHED: not yet in the epoll set */
    enum state state;
    struct address peer;
    uint16_t place;            /* of its address in the server's counts; 0: not counted */
    int64_t deadline, started; /* seconds of the loop's clock; when the half-read request began */
    struct input *in;
    struct output *out;
    struct job *job; /* while PARKED */
};

/* A request on its way to a worker, and its answer on the way back. */
struct job {
    struct job *next;
    struct loop *loop;
    uint64_t connection;                /* as id_of */
    atomic_bool abandoned, half_closed; /* its client is gone; may be gone */
    struct api_call call;
    struct http_framing framing;
    struct access access;
    char method[8], user[USERS_NAME_MAX], text[API_TEXT_MAX], body[];
};

struct loop {
    struct server *server;
    pthread_t thread;
    int epoll, wakeup; /* an eventfd: a worker has finished, or the server stops */
    struct connection *connections;
    uint32_t slots, first_free, open;
    bool accepting, draining, left; /* the listening socket: watched, to be left, left */
    int64_t now, drain_deadline;    /* seconds, monotonic */
    uint64_t woken;                 /* nanoseconds, when it began to look at what has come */
    double wall_clock;
    char date[HTTP_DATE_LEN + 1];
    struct buffer out;
    struct metrics *counts; /* this loop's own */
    struct access access;   /* the request that is being answered, where there is a log */
    struct buffer log;      /* lines that wait to be written */
    char in[HTTP_REQUEST_MAX], out_bytes[OUT_LEN], text[API_LOOP_TEXT_MAX], user[USERS_NAME_MAX];
    char log_bytes[ACCESS_LINE_MAX];

    _Atomic(struct job *) done; /* from workers, the last first; no lock, which a niced thread might hold for long */
};

struct worker {
    struct server *server;
    pthread_t thread;
};

struct server {
    struct server_config config;
    atomic_bool stopping;
    atomic_uint listening; /* loops that still accept */
    struct loop *loops;
    struct worker *workers;
    atomic_uint held[PLACES]; /* connections by address, if there is a bound */

    pthread_mutex_t log_lock; /* guards the two below */
    struct buffer log_rest;   /* of lines written in part: it goes out before anything else */
    char log_rest_bytes[ACCESS_LINE_MAX];

    pthread_mutex_t queue_lock; /* guards all below */
    pthread_cond_t queue_filled, idle;
    struct job *first, **last;
    unsigned queued, busy; /* jobs that wait, and that workers are busy with */
    bool workers_stop;
};

/* ---- the queue to the workers ----------------------------------------- */

static int enqueue(struct server *s, struct job *job) {
    pthread_mutex_lock(&s->queue_lock);
    bool full = s->queued >= s->config.workers * QUEUE_FOR_EACH_WORKER;
    if (!full) {
        job->next = NULL;
        *s->last = job;
        s->last = &job->next;
        s->queued++;
        pthread_cond_signal(&s->queue_filled);
    }
    pthread_mutex_unlock(&s->queue_lock);
    return full ? -1 : 0;
}

/* The next job, or NULL: time to end. Gives scrypt's memory back to the kernel when none has come for a while. */
static struct job *dequeue(struct server *s, struct password_work *work) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += KEEP_MEMORY_SECONDS;
    pthread_mutex_lock(&s->queue_lock);
    while (s->first == NULL && !s->workers_stop) {
        if (work->memory == NULL)
            pthread_cond_wait(&s->queue_filled, &s->queue_lock);
        else if (pthread_cond_timedwait(&s->queue_filled, &s->queue_lock, &until) == ETIMEDOUT)
            password_release(work);
    }
    struct job *job = s->first;
    if (job) {
        s->first = job->next;
        s->last = s->first ? s->last : &s->first;
        s->queued--;
        s->busy++;
    }
    pthread_mutex_unlock(&s->queue_lock);
    return job;
}

static void note_done(struct server *s) {
    pthread_mutex_lock(&s->queue_lock);
    if (--s->busy == 0) pthread_cond_signal(&s->idle);
    pthread_mutex_unlock(&s->queue_lock);
}

/* ---- connections ------------------------------------------------------ */

/* What identifies a connection in epoll and in jobs: its generation in the upper half, its slot in the lower. */
static uint64_t id_of(const struct loop *l, const struct connection *c) {
    return (uint64_t)c->generation << 32 | (uint32_t)(c - l->connections);
}

/* NULL: it has ended. */
static struct connection *find_connection(struct loop *l, uint64_t id) {
    uint32_t slot = (uint32_t)id;
    struct connection *c = slot < l->slots ? &l->connections[slot] : NULL;
    return c && c->state != FREE && c->generation == id >> 32 ? c : NULL;
}

static int grow_slots(struct loop *l) {
    uint32_t slots = l->slots ? 2 * l->slots : 64;
    struct connection *connections = realloc(l->connections, slots * sizeof *connections);
    if (connections == NULL) return -1;
    l->connections = connections;
    for (uint32_t i = slots; i-- > l->slots; l->first_free = i)
        connections[i] = (struct connection){ .fd = -1, .next_free = l->first_free };
    l->slots = slots;
    return 0;
}

/* Where an address's connections are counted, together with those of the few that share its place. 0: they are not
 * counted, since there is no limit, or the address is this machine's, a proxy's, or not known. */
static uint16_t place_of(const struct server_config *config, const struct address *peer) {
    uint8_t digest[SHA256_DIGEST];
    struct address customer = address_of_customer(peer);
    if (config->address_limit == 0 || !peer->known || address_is_loopback(peer) ||
        address_in_any(peer, config->trusted, config->trusted_count))
        return 0;
    sha256_of(config->compress, config->address_key, sizeof config->address_key, customer.bytes, sizeof customer.bytes,
              digest);
    return (uint16_t)(digest[0] << 8 | digest[1] | 1);
}

/* NULL: no memory, or the peer's address holds as many connections as it may. */
static struct connection *open_connection(struct loop *l, int fd, struct address peer) {
    struct server *s = l->server;
    uint16_t place = place_of(&s->config, &peer);
    if (l->first_free == NO_SLOT && grow_slots(l) != 0) return NULL;
    if (place != 0 && atomic_fetch_add(&s->held[place], 1) >= s->config.address_limit) {
        atomic_fetch_sub(&s->held[place], 1);
        return NULL;
    }
    struct connection *c = &l->connections[l->first_free];
    l->first_free = c->next_free;
    metrics_set(l->counts, METRICS_CONNECTIONS, ++l->open);
    *c = (struct connection){ .fd = fd,
                              .generation = c->generation,
                              .state = READING,
                              .watched = UNWATCHED,
                              .deadline = l->now + IDLE_SECONDS,
                              .peer = peer,
                              .place = place };
    return c;
}

static void listen_again(struct loop *l) {
    struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE, .data.u64 = LISTENER };
    if (!l->accepting && !l->draining)
        l->accepting = epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->server->config.listener, &event) == 0;
}

static void drop_input(struct connection *c) {
    if (c->in) explicit_bzero(c->in->bytes, c->in->len); /* there may be a password in it */
    free(c->in);
    c->in = NULL;
}

static void close_connection(struct loop *l, struct connection *c) {
    close(c->fd);
    drop_input(c);
    free(c->out);
    if (c->job) atomic_store(&c->job->abandoned, true);
    if (c->place != 0) atomic_fetch_sub(&l->server->held[c->place], 1);
    *c = (struct connection){ .fd = -1, .generation = c->generation + 1, .next_free = l->first_free };
    l->first_free = (uint32_t)(c - l->connections);
    metrics_set(l->counts, METRICS_CONNECTIONS, --l->open);
    listen_again(l); /* where descriptors had run out */
}

/* Has epoll report these events (it always reports hang-ups). */
static void watch(struct loop *l, struct connection *c, uint32_t events) {
    if (c->watched == events) return;
    struct epoll_event event = { .events = events, .data.u64 = id_of(l, c) };
    int operation = c->watched == UNWATCHED ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    c->watched = events;
    if (epoll_ctl(l->epoll, operation, c->fd, &event) != 0) close_connection(l, c);
}

/* ---- writing ---------------------------------------------------------- */

/* Sends what the socket takes: how much that was, or -1 if the peer is gone. */
static ssize_t send_some(const struct connection *c, const char *bytes, size_t len) {
    size_t sent = 0;
    while (sent < len) {
        ssize_t n = send(c->fd, bytes + sent, len - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) break;
        if (n < 0 && errno != EINTR) return -1;
        sent += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)sent;
}

/* Sends the loop's out buffer; what the socket does not take becomes the connection's own. 0, or -1:
 * the peer is gone, or there is no memory. */
static int flush(struct loop *l, struct connection *c) {
    if (l->out.overflow) { /* ANSWER_MAX is wrong: this connection ends, the loop goes on */
        l->out.overflow = false;
        l->out.len = 0;
        return -1;
    }
    ssize_t sent = c->out ? 0 : send_some(c, l->out.at, l->out.len);
    size_t rest = l->out.len - (size_t)sent, held = c->out ? c->out->len : 0;
    l->out.len = 0;
    if (sent < 0 || rest == 0) return sent < 0 ? -1 : 0;
    struct output *out = realloc(c->out, sizeof *out + held + rest);
    if (out == NULL) return -1;
    if (c->out == NULL) {
        out->len = out->sent = 0;
        c->deadline = l->now + WRITE_SECONDS;
    }
    memcpy(out->bytes + out->len, l->out_bytes + sent, rest);
    out->len += rest;
    c->out = out;
    return 0;
}

/* ---- the access log --------------------------------------------------- */

/* Writes what the descriptor takes without making the loop wait: how much, or -1. */
static ssize_t write_some(int fd, struct buffer *b) {
    struct pollfd ready = { .fd = fd, .events = POLLOUT };
    errno = EAGAIN;
    ssize_t n = poll(&ready, 1, 0) == 1 ? write(fd, b->at, b->len) : -1;
    if (n > 0) memmove(b->at, b->at + n, b->len -= (size_t)n);
    return n;
}

/* Writes the loop's lines in one go, so that those of other loops do not get in between. Lines that nobody takes wait
 * until its buffer is `full`; then, or if they can't be written, they are dropped: no request waits for them. */
static void write_log(struct loop *l, bool full) {
    struct server *s = l->server;
    int fd = s->config.log_fd;
    pthread_mutex_lock(&s->log_lock);
    if (s->log_rest.len > 0) write_some(fd, &s->log_rest);
    bool taken = s->log_rest.len == 0 && write_some(fd, &l->log) > 0, later = errno == EAGAIN;
    if (taken) put_bytes(&s->log_rest, l->log.at, l->log.len);
    pthread_mutex_unlock(&s->log_lock);
    if (!taken && later && !full) return;
    unsigned long dropped = 0;
    for (size_t i = 0; !taken && i < l->log.len; i++) dropped += l->log.at[i] == '\n';
    metrics_add(l->counts, METRICS_LOG_DROPPED, dropped);
    l->log.len = 0;
}

/* The client that the request is from. */
static struct address client_of(const struct loop *l, const struct connection *c, const struct http_request *r,
                                const char *buf) {
    const struct server_config *config = &l->server->config;
    return address_of_client(&c->peer, config->trusted, config->trusted_count, http_slice(buf, r->forwarded_for));
}

/* Remembers who asks for what. A request that could not be read may be anything: of that one, only who asks. */
static void note_request(struct loop *l, const struct connection *c, const struct http_request *r, const char *buf) {
    if (l->server->config.log == ACCESS_NONE) return;
    l->access =
        (struct access){ .client = client_of(l, c, r, buf), .minor_version = r->minor_version, .started = l->woken };
    if (r->phase == HTTP_START_LINE) return;
    l->access.method = http_slice(buf, r->method_name);
    l->access.target = http_slice(buf, r->path);
}

static void log_answer(struct loop *l, const struct api_call *call, bool head) {
    struct access *a = &l->access;
    a->date = l->date;
    a->user = call->user;
    a->status = call->response.status;
    a->bytes = head ? 0 : call->response.body.len;
    a->microseconds = (api_nanoseconds() - a->started) / 1000;
    access_put(&l->log, l->server->config.log, a);
    if (!l->log.overflow) return;
    l->log.overflow = false;
    write_log(l, true);
    access_put(&l->log, l->server->config.log, a);
}

static void put_answer(struct loop *l, const struct api_call *call, const struct http_framing *framing) {
    metrics_request(l->counts, api_route_number(call), call->response.status);
    if (l->server->config.log != ACCESS_NONE) log_answer(l, call, framing->head);
    http_put_response(&l->out, &call->response, framing);
}

/* ---- from a request to its answer ------------------------------------- */

/* The allowed origin that this matches, or "*"; else empty. It lasts: an answer may outlive its request's buffer. */
static struct slice allowed_origin(const struct server_config *config, struct slice origin) {
    for (size_t i = 0; origin.len > 0 && i < config->origins_count; i++)
        if (slice_equal(config->origins[i], origin) || slice_is(config->origins[i], "*")) return config->origins[i];
    return (struct slice){ NULL, 0 };
}

/* `buf` is what `r` was parsed in. */
static struct http_framing framing_of(const struct loop *l, const struct http_request *r, const char *buf) {
    const struct server_config *config = &l->server->config;
    return (struct http_framing){ .date = l->date,
                                  .close = !r->keep_alive,
                                  .keep_alive_1_0 = r->keep_alive && r->minor_version == 0,
                                  .head = r->method == HTTP_HEAD,
                                  .cors = config->origins_count > 0,
                                  .origin = allowed_origin(config, http_slice(buf, r->origin)) };
}

/* Hands a request to the workers. -1: the queue is full, or no memory. */
static int park(struct loop *l, struct connection *c, const struct http_request *r, const char *buf,
                const struct api_call *call) {
    struct slice body = http_slice(buf, r->body), referred = call->referred, method = l->access.method;
    struct job *job = malloc(sizeof *job + body.len + referred.len);
    if (job == NULL) return -1;
    job->loop = l;
    job->connection = id_of(l, c);
    atomic_init(&job->abandoned, false);
    atomic_init(&job->half_closed, false);
    job->framing = framing_of(l, r, buf);
    job->call = *call;
    job->call.client = client_of(l, c, r, buf);
    /* a loopback or unix-socket peer that no --trusted-proxy names is nobody in particular: it may be a proxy that
     * speaks for everybody */
    job->call.client.known &= !address_is_loopback(&job->call.client);
    job->call.body = (struct slice){ job->body, body.len };
    job->call.text = (struct buffer){ .at = job->text, .cap = sizeof job->text };
    memcpy(job->body, body.at, body.len);
    if (referred.at) job->call.referred.at = memcpy(job->body + body.len, referred.at, referred.len);
    job->call.user_room = call->user_room ? job->user : NULL;
    job->access = l->access; /* as the log will see it: the request's own buffer is gone by then */
    job->access.target = slice_of(call->route->path);
    if (method.at) job->access.method.at = memcpy(job->method, method.at, method.len);
    if (enqueue(l->server, job) != 0) {
        explicit_bzero(job->body, body.len);
        free(job);
        return -1;
    }
    metrics_add(l->counts, METRICS_QUEUED, 1);
    c->state = PARKED;
    c->job = job;
    return 0;
}

/* Answers a complete request, or parks it. */
static void answer(struct loop *l, struct connection *c, const struct http_request *r, const char *buf) {
    struct api_call call = { .api = l->server->config.api,
                             .counts = l->counts,
                             .user_room = l->server->config.log == ACCESS_NONE ? NULL : l->user,
                             .authorization = http_slice(buf, r->authorization),
                             .authorizations = r->authorizations,
                             .cookie = http_slice(buf, r->cookie),
                             .cookies = r->cookies,
                             .body = http_slice(buf, r->body),
                             .now = l->wall_clock,
                             .copy = &l->server->config.copies[l - l->server->loops],
                             .text = { .at = l->text, .cap = sizeof l->text } };
    note_request(l, c, r, buf);
    if (api_find(&call, r, buf)) {
        if (call.route->place == API_ON_LOOP)
            api_answer(&call);
        else if (park(l, c, r, buf, &call) == 0)
            return;
        else
            api_busy(&call);
    }
    const struct http_framing framing = framing_of(l, r, buf);
    put_answer(l, &call, &framing);
    if (!r->keep_alive) c->state = LAST;
}

/* An answer to what is not a request, or not a whole one; nothing after it is read. */
static void answer_error(struct loop *l, struct connection *c, const struct http_request *r, const char *buf,
                         int status, const char *message) {
    struct http_framing framing = framing_of(l, r, buf);
    struct api_call call = { .api = l->server->config.api, .text = { .at = l->text, .cap = sizeof l->text } };
    api_refuse(&call, http_slice(buf, r->path), status, message);
    note_request(l, c, r, buf);
    framing.close = true;
    framing.keep_alive_1_0 = framing.head = false;
    put_answer(l, &call, &framing);
    c->state = LINGERING;
}

/* ---- reading ---------------------------------------------------------- */

/* Keeps what is left in the loop's buffer until more arrives or its turn comes. */
static int keep_input(struct connection *c, const struct http_request *r, const char *bytes, size_t len) {
    struct input *in = NULL;
    if (len > 0 && (c->state == READING || c->state == PARKED)) {
        in = malloc(sizeof *in + len);
        if (in == NULL) return -1;
        in->request = *r;
        in->len = len;
        memcpy(in->bytes, bytes, len);
    }
    drop_input(c);
    c->in = in;
    return 0;
}

/* Has more come than was answered? */
static bool has_more(const struct connection *c) {
    char byte;
    return c->in || recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* What comes next for a connection that has just been served. */
static void settle(struct loop *l, struct connection *c) {
    if (c->out) {
        watch(l, c, EPOLLOUT);
        return;
    }
    switch (c->state) {
    case READING:
        c->deadline = !c->in                             ? l->now + IDLE_SECONDS
                      : c->in->request.phase < HTTP_BODY ? c->started + FIELDS_SECONDS
                                                         : c->started + REQUEST_SECONDS;
        if (l->draining && !has_more(c))
            close_connection(l, c);
        else
            watch(l, c, EPOLLIN);
        break;
    case PARKED:
        c->deadline = INT64_MAX;
        watch(l, c, EPOLLRDHUP);
        break;
    case LINGERING:
        shutdown(c->fd, SHUT_WR);
        c->deadline = l->now + LINGER_SECONDS;
        watch(l, c, EPOLLIN);
        break;
    default: close_connection(l, c); break;
    }
}

/* Answers, in turn and with one write, the requests in the first `len` bytes of the loop's buffer, the first of
 * which may be parsed in part already, in `r`. */
static void serve(struct loop *l, struct connection *c, struct http_request *r, size_t len) {
    char *buf = l->in;
    int result = 0;
    if (r->scanned == 0) c->started = l->now;
    while (result == 0 && c->state == READING && !c->out && len > 0) {
        enum http_result parsed = http_parse(r, buf, &len);
        /* the fields alone decide the answer */
        bool early =
            r->phase >= HTTP_BODY && (r->length > 0 || r->chunked) && api_needs_no_body(http_slice(buf, r->path));
        if (parsed == HTTP_MORE && !early) {
            if (r->phase == HTTP_START_LINE && r->next == len) len = 0; /* an empty line is no request */
            if (r->expect_continue && r->phase >= HTTP_BODY)            /* RFC 9110 10.1.1 */
                put_text(&l->out, "HTTP/1.1 100 Continue\r\n\r\n");
            r->expect_continue &= r->phase < HTTP_BODY;
            break;
        }
        r->keep_alive &= !early; /* the body may come or not, so nothing after the fields is read */
        if (parsed == HTTP_REFUSED && !early)
            answer_error(l, c, r, buf, r->status, r->reason);
        else
            answer(l, c, r, buf);
        if (early) c->state = LINGERING;
        if (c->state == PARKED) explicit_bzero(buf, r->consumed); /* the worker has its copy of the password */
        buf += r->consumed;
        len -= r->consumed;
        *r = (struct http_request){ 0 };
        c->started = l->now;
        if (l->out.cap - l->out.len < ANSWER_MAX) result = flush(l, c);
    }
    if (c->state == LAST && len > 0) c->state = LINGERING; /* looking into the socket would cost everybody a call */
    if (result != 0 || flush(l, c) != 0 || keep_input(c, r, buf, len) != 0)
        close_connection(l, c);
    else
        settle(l, c);
}

/* Brings what the connection holds back into the loop's buffer. */
static size_t restore_input(struct loop *l, const struct connection *c, struct http_request *r) {
    *r = c->in ? c->in->request : (struct http_request){ 0 };
    if (c->in) memcpy(l->in, c->in->bytes, c->in->len);
    return c->in ? c->in->len : 0;
}

static void read_more(struct loop *l, struct connection *c) {
    struct http_request r;
    size_t held = restore_input(l, c, &r);
    ssize_t n = read(c->fd, l->in + held, sizeof l->in - held);
    if (n > 0)
        serve(l, c, &r, held + (size_t)n);
    else if (n < 0 && (errno == EAGAIN || errno == EINTR))
        settle(l, c);
    else
        close_connection(l, c);
}

/* Goes on after an answer has come back from a worker or has been sent. */
static void proceed(struct loop *l, struct connection *c) {
    struct http_request r;
    if (c->state == READING) {
        serve(l, c, &r, restore_input(l, c, &r));
    } else if (flush(l, c) != 0) {
        close_connection(l, c);
    } else {
        if (c->state == LAST && has_more(c)) c->state = LINGERING; /* there was time for more to come */
        settle(l, c);
    }
}

static void write_more(struct loop *l, struct connection *c) {
    ssize_t n = send_some(c, c->out->bytes + c->out->sent, c->out->len - c->out->sent);
    if (n < 0) {
        close_connection(l, c);
    } else if ((c->out->sent += (size_t)n) == c->out->len) {
        free(c->out);
        c->out = NULL;
        proceed(l, c);
    }
}

/* While a worker has the request: a client that closed its sending side may still wait for the answer, or be gone. */
static void on_parked(struct loop *l, struct connection *c, uint32_t events) {
    if (events & (EPOLLHUP | EPOLLERR)) {
        close_connection(l, c);
    } else if (events & EPOLLRDHUP) {
        atomic_store(&c->job->half_closed, true);
        watch(l, c, 0);
    }
}

static void on_connection(struct loop *l, struct connection *c, uint32_t events) {
    if (c->out)
        write_more(l, c);
    else if (c->state == PARKED)
        on_parked(l, c, events);
    else if (c->state == READING)
        read_more(l, c);
    else if (read(c->fd, l->in, sizeof l->in) <= 0)
        close_connection(l, c); /* has lingered long enough */
}

/* ---- accepting -------------------------------------------------------- */

static void stop_listening(struct loop *l) {
    if (l->accepting) epoll_ctl(l->epoll, EPOLL_CTL_DEL, l->server->config.listener, NULL);
    l->accepting = false;
}

/* Makes room: closes the connection that has been idle the longest. False where none is idle. */
static bool close_idlest(struct loop *l) {
    struct connection *idlest = NULL;
    for (uint32_t i = 0; i < l->slots; i++) {
        struct connection *c = &l->connections[i];
        if (c->state == READING && !c->in && !c->out && (!idlest || c->deadline < idlest->deadline)) idlest = c;
    }
    if (idlest) close_connection(l, idlest);
    return idlest != NULL;
}

/* Accepts up to `most` connections. False where descriptors run out while clients still wait. */
static bool accept_connections(struct loop *l, int most) {
    while (most-- > 0) {
        union listen_address peer = { .any.sa_family = AF_UNSPEC };
        socklen_t len = sizeof peer;
        int fd = accept4(l->server->config.listener, &peer.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && errno == EAGAIN) break;
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
            /* accept4 asks for a descriptor first, and says that there is none even where no client waits */
            if (poll(&(struct pollfd){ .fd = l->server->config.listener, .events = POLLIN }, 1, 0) == 0) break;
            if (close_idlest(l)) continue;
            stop_listening(l); /* until a connection ends; else this loop would spin */
            return false;
        }
        struct connection *c = fd < 0 ? NULL : open_connection(l, fd, address_of_socket(&peer.any));
        if (c != NULL)
            read_more(l, c); /* mostly the request is there already: no round through epoll */
        else if (fd >= 0)
            close(fd);
    }
    return true;
}

/* ---- the loop --------------------------------------------------------- */

/* Draining: clients in the listening socket's queue are accepted first; the last loop to find it empty closes it. */
static void finish_accepting(struct loop *l) {
    if (l->left || !accept_connections(l, LISTEN_BACKLOG)) return;
    stop_listening(l);
    l->left = true;
    if (atomic_fetch_sub(&l->server->listening, 1) == 1) close(l->server->config.listener);
}

/* Closes idle connections; from now on an answered connection is closed unless more has arrived on it. */
static void start_draining(struct loop *l) {
    l->draining = true;
    l->drain_deadline = l->now + DRAIN_SECONDS;
    for (uint32_t i = 0; i < l->slots; i++)
        if (l->connections[i].state == READING && !l->connections[i].out) read_more(l, &l->connections[i]);
}

static void on_wakeup(struct loop *l) {
    uint64_t count;
    if (read(l->wakeup, &count, sizeof count) < 0) return;
    struct job *job = atomic_exchange(&l->done, NULL), *next;
    for (; job; job = next) {
        next = job->next;
        struct connection *c = find_connection(l, job->connection);
        if (c) {
            c->job = NULL;
            c->state = job->framing.close ? LAST : READING;
            l->access = job->access;
            put_answer(l, &job->call, &job->framing);
            proceed(l, c);
        }
        free(job);
    }
    if (atomic_load(&l->server->stopping) && !l->draining) start_draining(l);
}

static void expire(struct loop *l) {
    for (uint32_t i = 0; i < l->slots; i++) {
        struct connection *c = &l->connections[i];
        if (c->state == FREE || c->deadline > l->now) continue;
        if (c->state == READING && c->in && !c->out) {
            answer_error(l, c, &c->in->request, c->in->bytes, 408, "The request did not arrive in time");
            proceed(l, c);
        } else {
            close_connection(l, c);
        }
    }
    listen_again(l);
}

/* True once a second. */
static bool read_clocks(struct loop *l) {
    struct timespec mono, wall;
    int64_t before = l->now, second = (int64_t)l->wall_clock;
    clock_gettime(CLOCK_MONOTONIC, &mono);
    clock_gettime(CLOCK_REALTIME, &wall);
    l->now = mono.tv_sec;
    l->woken = (uint64_t)mono.tv_sec * 1000000000 + (uint64_t)mono.tv_nsec;
    l->wall_clock = (double)wall.tv_sec + 1e-9 * (double)wall.tv_nsec;
    if (wall.tv_sec != second) http_date(wall.tv_sec, l->date);
    return l->now != before;
}

static void *loop_main(void *argument) {
    struct loop *l = argument;
    struct epoll_event events[EVENTS];
    read_clocks(l);
    listen_again(l);
    while (!l->draining || ((l->open > 0 || !l->left) && l->now < l->drain_deadline)) {
        bool idle = l->open == 0 && l->accepting && l->log.len == 0;
        int n = epoll_wait(l->epoll, events, EVENTS, idle ? -1 : 1000);
        bool second = read_clocks(l);
        for (int i = 0; i < n; i++) {
            struct connection *c = find_connection(l, events[i].data.u64);
            if (events[i].data.u64 == LISTENER)
                accept_connections(l, ACCEPT_BATCH);
            else if (events[i].data.u64 == WAKEUP)
                on_wakeup(l);
            else if (c)
                on_connection(l, c, events[i].events);
        }
        if (second) expire(l);
        if (second && l->log.len > 0) write_log(l, false);
        if (l->draining) finish_accepting(l);
    }
    if (l->log.len > 0) write_log(l, true);
    return NULL;
}

/* ---- workers ---------------------------------------------------------- */

static void hand_back(struct job *job) {
    struct loop *l = job->loop;
    struct job *head = atomic_load(&l->done);
    do job->next = head;
    while (!atomic_compare_exchange_weak(&l->done, &head, job));
    if (write(l->wakeup, &(uint64_t){ 1 }, sizeof(uint64_t)) < 0)
        return; /* the counter is full: the loop is awake already */
}

static bool is_crowded(struct server *s) {
    pthread_mutex_lock(&s->queue_lock);
    bool crowded = s->queued > s->config.workers * QUEUE_FOR_EACH_WORKER / 2;
    pthread_mutex_unlock(&s->queue_lock);
    return crowded;
}

/* Nothing is spent on a client that has left and, where many wait, no hash on one that has probably left. */
static void work_on(struct server *s, struct job *job) {
    if (atomic_load(&job->abandoned)) return;
    if (atomic_load(&job->half_closed) && is_crowded(s))
        api_busy(&job->call);
    else
        api_answer(&job->call);
}

static void *worker_main(void *argument) {
    struct worker *w = argument;
    struct server *s = w->server;
    size_t thread = s->config.loops + (size_t)(w - s->workers); /* its counts and keys come after the loops' */
    struct metrics *counts = &s->config.api->counts[thread];
    struct password_work work = { .compress = s->config.compress };
    struct job *job;
    metrics_set(counts, METRICS_QUEUE_CAPACITY, QUEUE_FOR_EACH_WORKER);
    setpriority(PRIO_PROCESS, 0, WORKER_NICE); /* of this thread: hashing must not starve the loops */
    while ((job = dequeue(s, &work)) != NULL) {
        metrics_add(counts, METRICS_DEQUEUED, 1);
        job->call.work = &work;
        job->call.counts = counts;
        job->call.copy = &s->config.copies[thread];
        work_on(s, job);
        explicit_bzero(job->body, job->call.body.len);
        hand_back(job);
        note_done(s);
    }
    password_release(&work);
    return NULL;
}

/* ---- start and stop --------------------------------------------------- */

static int fail(const char *what) { return log_line(what, ": ", strerror(errno), NULL); }

static int start_thread(pthread_t *thread, void *(*run)(void *), void *argument) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, THREAD_STACK);
    errno = pthread_create(thread, &attributes, run, argument);
    pthread_attr_destroy(&attributes);
    return errno == 0 ? 0 : fail("a thread can't be started");
}

static int start_loop(struct server *s, unsigned number) {
    struct loop *l = &s->loops[number];
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = WAKEUP };
    l->server = s;
    l->counts = &s->config.api->counts[number];
    l->first_free = NO_SLOT;
    l->out = (struct buffer){ .at = l->out_bytes, .cap = sizeof l->out_bytes };
    l->log = (struct buffer){ .at = l->log_bytes, .cap = sizeof l->log_bytes };
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->wakeup = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (l->epoll < 0 || l->wakeup < 0 || epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->wakeup, &event) != 0)
        return fail("an event loop can't be made");
    return start_thread(&l->thread, loop_main, l);
}

struct server *server_start(const struct server_config *config) {
    pthread_condattr_t attributes;
    struct server *s = calloc(1, sizeof *s);
    if (s == NULL || (s->loops = calloc(config->loops, sizeof *s->loops)) == NULL ||
        (s->workers = calloc(config->workers, sizeof *s->workers)) == NULL) {
        fail("no memory to start");
        return NULL;
    }
    s->config = *config;
    s->last = &s->first;
    s->log_rest = (struct buffer){ .at = s->log_rest_bytes, .cap = sizeof s->log_rest_bytes };
    atomic_store(&s->listening, config->loops);
    pthread_mutex_init(&s->log_lock, NULL);
    pthread_mutex_init(&s->queue_lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&s->queue_filled, &attributes);
    pthread_cond_init(&s->idle, &attributes);
    for (unsigned i = 0; i < config->workers; i++) {
        s->workers[i].server = s;
        if (start_thread(&s->workers[i].thread, worker_main, &s->workers[i]) != 0) return NULL;
    }
    for (unsigned i = 0; i < config->loops; i++)
        if (start_loop(s, i) != 0) return NULL;
    return s;
}

int server_stop(struct server *s) {
    unsigned loops = s->config.loops;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += DRAIN_SECONDS + 1;
    atomic_store(&s->stopping, true);
    for (unsigned i = 0; i < loops; i++)
        if (write(s->loops[i].wakeup, &(uint64_t){ 1 }, sizeof(uint64_t)) < 0) fail("a loop can't be woken");
    for (unsigned i = 0; i < loops; i++) pthread_join(s->loops[i].thread, NULL);
    pthread_mutex_lock(&s->queue_lock);
    s->workers_stop = true;
    bool finished = s->first == NULL;
    pthread_cond_broadcast(&s->queue_filled);
    /* a job whose client has gone may still wait for a lock or another machine */
    while (finished && s->busy > 0) finished = pthread_cond_timedwait(&s->idle, &s->queue_lock, &until) != ETIMEDOUT;
    pthread_mutex_unlock(&s->queue_lock);
    for (unsigned i = 0; i < loops; i++) finished &= s->loops[i].open == 0;
    if (!finished) return -1;
    for (unsigned i = 0; i < s->config.workers; i++) pthread_join(s->workers[i].thread, NULL);
    for (unsigned i = 0; i < loops; i++) {
        free(s->loops[i].connections);
        close(s->loops[i].epoll);
        close(s->loops[i].wakeup);
    }
    free(s->loops);
    free(s->workers);
    free(s);
    return 0;
}
