/* api.h - the routes: which path answers what. The only room that chooses a status for what a user does. No
 * sockets: from a request to a response. */
#ifndef API_H
#define API_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "address.h"
#include "http.h"
#include "jwt.h"
#include "metrics.h"
#include "page.h"
#include "password.h"
#include "throttle.h"
#include "users.h"

enum {
    API_TEXT_MAX = 8192,                  /* a body that a handler on a worker writes */
    API_LOOP_TEXT_MAX = METRICS_TEXT_MAX, /* on a loop */
};

enum api_registration { API_OPEN, API_CLOSED, API_FIRST /* until there has been an account */ };

/* The keys in force, for all threads. Each thread keeps its own copy, and before a request takes a new one if
 * `generation` has changed: nobody sees half of a set, or waits longer than it takes to copy one. */
struct api_keys {
    atomic_uint generation;
    atomic_bool clock_fault; /* has been reported */
    pthread_mutex_t lock;    /* guards: */
    struct jwt_keys keys;
};

struct api_copy {
    unsigned generation;
    struct jwt_keys keys;
};

/* What the answers depend on. Made by main; while it serves, only the keys change. */
struct api {
    struct api_keys *keys;
    struct users *users;
    struct password_cost cost; /* of new passwords */
    int64_t ttl;               /* seconds that a token lives */
    double leeway;             /* seconds */
    struct throttle *throttle; /* NULL: failed log-ins are not counted */
    enum api_registration registration;
    bool uniform_errors;    /* an unknown name and a wrong password get the same answer, in the same time */
    struct metrics *counts; /* of each thread */
    size_t threads;
    const char *version, *libc;
    int64_t started;              /* seconds since 1970 */
    uint64_t began;               /* the same, as api_nanoseconds() */
    bool cookie, insecure_cookie; /* log-ins set a cookie, accepted as a token; one for plain HTTP too */
    const char *user_header;      /* the field in which /verify says who it is */
    struct page page;
};

/* A request as its handler sees it, and the answer that it fills in. */
struct api_call {
    const struct api *api;
    const struct api_route *route;
    struct slice authorization, body; /* the caller's */
    unsigned authorizations;          /* how many Authorization fields there were */
    struct slice cookie;              /* the Cookie field, and how many there were */
    unsigned cookies;
    struct slice referred; /* where the form's page was to lead, if the form itself does not say */
    bool form;             /* the body is a browser's form, and the answer redirects it */
    const char *code;      /* why it is sent back, if the status does not say */
    double now;            /* seconds since 1970 */
    struct address client;
    struct password_work *work; /* NULL on an event loop */
    struct metrics *counts;     /* of this thread */
    char *user_room;            /* USERS_NAME_MAX bytes, if the caller wants to know whose token or password it was */
    struct slice user;          /* which lies there; `at` is NULL if it was nobody's */
    struct api_copy *copy;      /* the thread's own */
    struct http_response response;
    struct buffer text; /* the caller's room for API_(LOOP_)TEXT_MAX bytes; the response's body lies in it */
};

enum api_place {
    API_ON_LOOP,   /* answers at once, without blocking */
    API_ON_WORKER, /* hashes, or waits for a disk */
};

struct api_route {
    const char *path;
    enum http_method method;
    enum api_place place;
    bool no_store; /* its answers are about a token */
    bool forms;    /* with --cookie, browsers' forms are accepted too */
    void (*handler)(struct api_call *call);
    const char *message; /* how a successful answer begins */
};

/* Puts these keys in force. The caller wipes its own. */
void api_set_keys(struct api_keys *shared, const struct jwt_keys *keys);

/* When this valid token was revoked, in seconds since 1970; 0: it was not. */
int64_t api_revoked_at(const struct users *users, const struct jwt_claims *claims, double now);

/* NULL, or what is wrong with a clock that says `now`: it is before this program's release, so no token can be made or
 * judged by it. */
const char *api_clock_fault(double now);

/* The same, and reports it if that has changed since the last time. */
const char *api_watch_clock(struct api_keys *shared, double now);

/* The token in an Authorization field's value: after "Bearer", or all of it, as the original accepted it. */
struct slice api_token_of(struct slice value);

/* Finds the route of a complete request. False if the answer is known without a handler; it is then filled in (404,
 * 405, 415, OPTIONS). */
bool api_find(struct api_call *call, const struct http_request *request, const char *buf);

/* Makes a new hash of the password. 0, or -1: no memory for scrypt. */
int api_make_hash(struct password_work *work, const struct password_cost *cost, struct slice password,
                  struct user *user);

/* Calls the handler. */
void api_answer(struct api_call *call);

/* Of the monotonic clock. */
uint64_t api_nanoseconds(void);

/* The number of the call's route in the metrics; 0: none. */
unsigned api_route_number(const struct api_call *call);

/* The answer to what is not a complete request: `status`. But a proxy that asks whose request it is (/verify) can use
 * nothing but 401, so that is what it gets. */
void api_refuse(struct api_call *call, struct slice path, int status, const char *message);

/* Is this path answered from the fields alone, without waiting for a body? A proxy may announce its client's body and
 * never send it. */
bool api_needs_no_body(struct slice path);

/* The answer when the workers' queue is full: 503; a form is redirected to a page that says so. */
void api_busy(struct api_call *call);

#endif
