/* api.h - the routes: which path answers what. The only room that chooses a status for what a user does. No
 * sockets: from a request to a response. */
#ifndef API_H
#define API_H

#include <stdint.h>

#include "address.h"
#include "hmac.h"
#include "http.h"
#include "password.h"
#include "throttle.h"
#include "users.h"

enum { API_TEXT_MAX = 8192 }; /* a body that a handler writes */

enum api_registration { API_OPEN, API_CLOSED, API_FIRST /* until there is an account */ };

/* What the answers depend on. Made by main, not changed while serving. */
struct api {
    struct hmac_key key;
    struct users *users;
    struct password_cost cost; /* of new passwords */
    int64_t ttl;               /* seconds that a token lives */
    double leeway;             /* seconds */
    struct throttle *throttle; /* NULL: failed log-ins are not counted */
    enum api_registration registration;
    bool uniform_errors; /* an unknown name and a wrong password answer alike, and take alike */
};

/* A request as its handler sees it, and the answer that it fills in. */
struct api_call {
    const struct api *api;
    const struct api_route *route;
    struct slice authorization, body; /* the caller's */
    unsigned authorizations;          /* how many Authorization fields there were */
    double now;                       /* seconds since 1970 */
    struct address client;
    struct password_work *work; /* NULL on an event loop */
    struct http_response response;
    struct buffer text; /* the caller's room for API_TEXT_MAX bytes; the response's body lies in it */
};

enum api_place {
    API_ON_LOOP,   /* answers at once, without blocking */
    API_ON_WORKER, /* hashes, or waits for a disk */
};

struct api_route {
    const char *path;
    enum http_method method;
    const char *allow; /* its Allow field: what the path answers to */
    enum api_place place;
    bool no_store; /* its answers are about a token */
    void (*handler)(struct api_call *call);
    const char *message; /* of success */
};

/* Finds the route of a complete request. False where the answer is known without a handler, and given (404, 405, 415,
 * OPTIONS). */
bool api_find(struct api_call *call, const struct http_request *request, const char *buf);

/* Makes a new hash of the password. 0, or -1: no memory for scrypt. */
int api_make_hash(struct password_work *work, const struct password_cost *cost, struct slice password,
                  struct user *user);

/* Calls the handler. */
void api_answer(struct api_call *call);

/* Answers with this status and {"error":message}. */
void api_error(struct api_call *call, int status, const char *message);

/* The answer when the workers' queue is full: 503. */
void api_busy(struct api_call *call);

#endif
