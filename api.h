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

/* What the answers depend on. Made by main, not changed while serving. */
struct api {
    struct hmac_key key;
    struct users *users;
    struct password_cost cost; /* of new passwords */
    int64_t ttl;               /* seconds that a token lives */
    double leeway;             /* seconds */
    struct throttle *throttle; /* NULL: failed log-ins are not counted */
    bool uniform_errors;       /* an unknown name and a wrong password answer alike, and take alike */
};

/* A request as its handler sees it. The slices are the caller's. */
struct api_call {
    struct slice authorization, body;
    unsigned authorizations; /* how many Authorization fields there were */
    double now;              /* seconds since 1970 */
    struct address client;
    struct password_work *work; /* NULL on an event loop */
};

struct api_route;
typedef void api_handler(const struct api *api, const struct api_route *route, const struct api_call *call,
                         struct http_response *response, struct buffer *text);

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
    api_handler *handler;
    const char *message; /* of success */
};

/* Finds the route of a complete request. NULL where the answer is known without a handler: *response is then it
 * (404, 405, 415, OPTIONS). */
const struct api_route *api_find(const struct http_request *request, const char *buf, struct http_response *response,
                                 struct buffer *text);

/* Calls the handler. *response is the answer; its body lies in `text`. */
void api_answer(const struct api *api, const struct api_route *route, const struct api_call *call,
                struct http_response *response, struct buffer *text);

/* Makes *response the error with this status and {"error":message} in `text`. */
void api_error(struct http_response *response, struct buffer *text, int status, const char *message);

/* The answer when the workers' queue is full: 503. */
void api_busy(struct http_response *response, struct buffer *text);

#endif
