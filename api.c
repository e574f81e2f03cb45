/* api.c - register, log in, verify: what the Flask original answers, and clear refusals where it crashed or let
 * things through.
 *
 * A handler reads from top to bottom. The order of checks is the same everywhere: path, method, media type,
 * JSON, members, then accounts. */
#include "api.h"

#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "json.h"
#include "jwt.h"
#include "log.h"

enum { PASSWORD_LEN_MAX = 1024 };

void api_error(struct http_response *response, struct buffer *text, int status, const char *message) {
    *response = (struct http_response){ .status = status };
    text->len = 0;
    put_text(text, "{\"error\":");
    json_put_string(text, slice_of(message));
    put_text(text, "}\n");
    response->body = (struct slice){ text->at, text->len };
}

/* Every 401 names the scheme (RFC 9110 11.6.1), and its error where a token was given (RFC 6750 3). */
static void unauthorized(struct http_response *response, struct buffer *text, const char *message, bool token_given) {
    api_error(response, text, 401, message);
    response->www_authenticate = token_given ? "Bearer error=\"invalid_token\"" : "Bearer";
}

static void unavailable(struct http_response *response, struct buffer *text, const char *message) {
    api_error(response, text, 503, message);
    response->retry_after = 1;
}

void api_busy(struct http_response *response, struct buffer *text) {
    unavailable(response, text, "Too many requests at once, try again later");
}

/* {"message":"...", then what the caller puts, then } */
static void begin(struct buffer *text, const struct api_route *route) {
    put_text(text, "{\"message\":\"");
    put_text(text, route->message);
    put_char(text, '"');
}

static void end(struct http_response *response, struct buffer *text, int status) {
    put_text(text, "}\n");
    *response = (struct http_response){ .status = status, .body = { text->at, text->len } };
}

/* ---- what comes in ---------------------------------------------------- */

struct credentials {
    char username[USERS_NAME_MAX], password[PASSWORD_LEN_MAX];
    struct slice name, secret;
};

/* U+0000 to U+001F and U+007F to U+009F, in UTF-8 that is known to be sound */
static bool has_control(struct slice s) {
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.at[i];
        if (c < 0x20 || c == 0x7f || (c == 0xc2 && (uint8_t)s.at[i + 1] < 0xa0)) return true;
    }
    return false;
}

static bool bad_input(struct http_response *response, struct buffer *text, const char *what, const char *why) {
    char message[128];
    struct buffer b = { .at = message, .cap = sizeof message - 1 };
    put_text(&b, what);
    put_text(&b, why);
    message[b.len] = '\0';
    api_error(response, text, 400, message);
    return false;
}

/* A member that must be a text of 1 to `cap` bytes. NULL, or what is wrong with it. */
static const char *read_member(const struct json_member *member, char *out, size_t cap, struct slice *value) {
    ssize_t len = member->type == JSON_STRING ? json_string(member->raw, out, cap) : 0;
    *value = (struct slice){ out, len > 0 ? (size_t)len : 0 };
    return member->type == JSON_ABSENT   ? " is missing"
           : member->type != JSON_STRING ? " is not a string"
           : member->times > 1           ? " is given twice"
           : len == 0                    ? " is empty"
           : len < 0                     ? " is too long"
                                         : NULL;
}

/* True with *c filled in, or false with *response. The caller wipes *c either way. */
static bool read_credentials(const struct api_call *call, struct credentials *c, struct http_response *response,
                             struct buffer *text) {
    struct json_member m[] = { { .name = "username" }, { .name = "password" } };
    const char *why;
    if (json_object(call->body, m, 2, &why) == JSON_BAD)
        return bad_input(response, text, "The body is not a JSON object: ", why);
    if ((why = read_member(&m[0], c->username, sizeof c->username, &c->name)) != NULL)
        return bad_input(response, text, "username", why);
    if (has_control(c->name)) return bad_input(response, text, "username", " has a control character");
    if ((why = read_member(&m[1], c->password, sizeof c->password, &c->secret)) != NULL)
        return bad_input(response, text, "password", why);
    if (memchr(c->secret.at, '\0', c->secret.len)) /* RFC 2104 pads with zeros: "pw" and "pw\0" would be one key */
        return bad_input(response, text, "password", " has a NUL character");
    return true;
}

/* The token in an Authorization value: behind "Bearer", or all of it, as the original took it. */
static struct slice token_of(struct slice value) {
    struct slice token = value, scheme = slice_cut(&token, ' ');
    if (scheme.len != 6 || strncasecmp(scheme.at, "Bearer", 6) != 0) return value;
    while (token.len > 0 && *token.at == ' ') token.at++, token.len--;
    return token;
}

/* ---- the handlers ----------------------------------------------------- */

static void get_jwt(const struct api *api, const struct api_route *route, const struct api_call *call,
                    struct http_response *response, struct buffer *text) {
    struct jwt_claims claims;
    if (call->authorizations < 2 && call->authorization.len == 0) {
        api_error(response, text, 400, "Token is missing");
        return;
    }
    enum jwt_result result = JWT_INVALID;
    if (call->authorizations == 1)
        result = jwt_verify(&api->key, token_of(call->authorization), call->now, api->leeway, &claims);
    if (result != JWT_VALID) {
        unauthorized(response, text, result == JWT_EXPIRED ? "Token has expired" : "Invalid token", true);
        return;
    }
    begin(text, route);
    put_text(text, ",\"user\":");
    json_put_string(text, (struct slice){ claims.sub, claims.sub_len });
    end(response, text, 200);
}

static int make_hash(const struct api *api, const struct api_call *call, struct slice password, struct buffer *hash) {
    uint8_t random[2 * PASSWORD_SALT_LEN];
    return getrandom(random, sizeof random, 0) == sizeof random &&
                   password_put(hash, call->work, &api->cost, password, random) == 0
               ? 0
               : -1;
}

/* A taken name costs no hash; of those who hash for one name at once, users_add lets one through. */
static enum users_result add_user(const struct api *api, const struct api_call *call, const struct credentials *c) {
    struct user user;
    char string[PASSWORD_STRING_MAX];
    struct buffer hash = { .at = string, .cap = sizeof string };
    enum users_result found = users_find(api->users, c->name, &user);
    if (found != USERS_NOT_FOUND) return found == USERS_OK ? USERS_EXISTS : found;
    if (make_hash(api, call, c->secret, &hash) != 0) return USERS_UNAVAILABLE;
    return users_add(api->users, c->name, (struct slice){ hash.at, hash.len });
}

static void register_user(const struct api *api, const struct api_route *route, const struct api_call *call,
                          struct http_response *response, struct buffer *text) {
    struct credentials c;
    if (read_credentials(call, &c, response, text)) {
        enum users_result result = add_user(api, call, &c);
        if (result == USERS_EXISTS) {
            api_error(response, text, 400, "Username already exists");
        } else if (result != USERS_OK) {
            unavailable(response, text, "The account could not be stored, try again later");
        } else {
            begin(text, route);
            end(response, text, 201);
        }
    }
    explicit_bzero(&c, sizeof c);
}

/* The clear-text password is at hand only now: a hash weaker than today's is replaced. Where that fails the old
 * one goes on. */
static void strengthen(const struct api *api, const struct api_call *call, const struct credentials *c,
                       const struct user *user) {
    char string[PASSWORD_STRING_MAX];
    struct buffer hash = { .at = string, .cap = sizeof string };
    if (make_hash(api, call, c->secret, &hash) == 0)
        users_update(api->users, c->name, user, (struct slice){ hash.at, hash.len });
}

/* One line for each refused log-in. The name, which anybody may have chosen, comes last and escaped. */
static void log_refusal(const struct api_call *call, struct slice name, const char *cause) {
    char date[HTTP_DATE_LEN + 1], address[ADDRESS_TEXT_MAX], escaped[6 * USERS_NAME_MAX + 3];
    struct buffer b = { .at = escaped, .cap = sizeof escaped };
    json_put_string(&b, name);
    put_char(&b, '\0');
    http_date(time(NULL), date);
    log_line(date, " ", address_text(&call->client, address), " login refused: ", cause, ": ", escaped, NULL);
}

static uint64_t milliseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Has this log-in failed too often? Then *response says how long to wait; nothing is looked up or hashed. */
static bool is_throttled(const struct api *api, const struct api_call *call, const struct credentials *c,
                         struct http_response *response, struct buffer *text) {
    uint64_t wait = api->throttle ? throttle_wait(api->throttle, c->name, &call->client, milliseconds()) : 0;
    if (wait == 0) return false;
    log_refusal(call, c->name, "too many failures");
    api_error(response, text, 429, "Too many failed logins, try again later");
    response->retry_after = (int)((wait + 999) / 1000);
    return true;
}

/* Computes a hash for nobody, so that an unknown name takes as long as a wrong password. */
static void hash_for_nobody(const struct api *api, const struct api_call *call, const struct credentials *c) {
    char string[PASSWORD_STRING_MAX];
    struct buffer hash = { .at = string, .cap = sizeof string };
    if (make_hash(api, call, c->secret, &hash) != 0) log_line("no memory to hash", NULL);
}

/* The answer to a name that nobody has or a password that is not its: counted and logged. */
static void refuse_login(const struct api *api, const struct api_call *call, const struct credentials *c,
                         struct http_response *response, struct buffer *text, bool known) {
    if (api->throttle) throttle_count(api->throttle, c->name, &call->client, milliseconds());
    log_refusal(call, c->name, known ? "wrong password" : "unknown user");
    if (!known && api->uniform_errors) hash_for_nobody(api, call, c);
    if (api->uniform_errors)
        unauthorized(response, text, "Invalid username or password", false);
    else if (known)
        unauthorized(response, text, "Invalid password", false);
    else
        api_error(response, text, 404, "User not found");
}

/* Is the password this account's? If not, *response is the answer. */
static bool authenticate(const struct api *api, const struct api_call *call, const struct credentials *c,
                         struct http_response *response, struct buffer *text) {
    struct user user;
    struct password_cost cost;
    if (is_throttled(api, call, c, response, text)) return false;
    enum users_result found = users_find(api->users, c->name, &user);
    if (found == USERS_NOT_FOUND) {
        refuse_login(api, call, c, response, text, false);
        return false;
    }
    if (found != USERS_OK) {
        unavailable(response, text, "The accounts can not be read, try again later");
        return false;
    }
    switch (password_check(call->work, c->secret, (struct slice){ user.hash, user.hash_len }, &cost)) {
    case PASSWORD_RIGHT:
        if (password_weaker(&cost, &api->cost)) strengthen(api, call, c, &user);
        return true;
    case PASSWORD_WRONG: refuse_login(api, call, c, response, text, true); return false;
    case PASSWORD_NO_MEMORY:
        unavailable(response, text, "No memory to check the password, try again later");
        return false;
    case PASSWORD_UNUSABLE: break;
    }
    log_refusal(call, c->name, "stored hash malformed or its cost beyond the cap");
    api_error(response, text, 500, "The stored password hash can not be checked");
    return false;
}

static void log_in(const struct api *api, const struct api_route *route, const struct api_call *call,
                   struct http_response *response, struct buffer *text) {
    struct credentials c;
    if (read_credentials(call, &c, response, text) && authenticate(api, call, &c, response, text)) {
        begin(text, route);
        put_text(text, ",\"token\":\"");
        jwt_put(text, &api->key, c.name, (int64_t)time(NULL) + api->ttl);
        put_char(text, '"');
        end(response, text, 200);
    }
    explicit_bzero(&c, sizeof c);
}

/* ---- the routes ------------------------------------------------------- */

static const struct api_route routes[] = {
    { "/get-jwt", HTTP_GET, "GET, HEAD, OPTIONS", API_ON_LOOP, true, get_jwt, "Token is valid" },
    { "/login", HTTP_POST, "POST, OPTIONS", API_ON_WORKER, true, log_in, "Login successful" },
    { "/set-jwt", HTTP_POST, "POST, OPTIONS", API_ON_WORKER, true, log_in, "JWT created" },
    { "/register", HTTP_POST, "POST, OPTIONS", API_ON_WORKER, false, register_user, "User registered successfully" },
};

static const struct api_route *find_path(struct slice path) {
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (slice_is(path, routes[i].path)) return &routes[i];
    return NULL;
}

/* application/json or application/ANYTHING+json, whatever its parameters (RFC 6839 3.1) */
static bool is_json(struct slice value) {
    struct slice type = slice_cut(&value, ';');
    while (type.len > 0 && (type.at[type.len - 1] == ' ' || type.at[type.len - 1] == '\t')) type.len--;
    return type.len >= 16 && strncasecmp(type.at, "application/", 12) == 0 &&
           ((type.len == 16 && strncasecmp(type.at + 12, "json", 4) == 0) ||
            strncasecmp(type.at + type.len - 5, "+json", 5) == 0);
}

const struct api_route *api_find(const struct http_request *request, const char *buf, struct http_response *response,
                                 struct buffer *text) {
    const struct api_route *route = find_path(http_slice(buf, request->path));
    enum http_method method = request->method == HTTP_HEAD ? HTTP_GET : request->method;
    if (route == NULL && method == HTTP_OPTIONS && slice_is(http_slice(buf, request->path), "*")) {
        *response = (struct http_response){ .status = 200, .allow = "GET, HEAD, POST, OPTIONS" };
    } else if (route == NULL) {
        api_error(response, text, 404, "Not found");
    } else if (method == HTTP_OPTIONS) {
        *response = (struct http_response){ .status = 200, .allow = route->allow };
    } else if (method != route->method) {
        api_error(response, text, 405, "Method not allowed");
        response->allow = route->allow;
    } else if (method == HTTP_POST && !is_json(http_slice(buf, request->content_type))) {
        api_error(response, text, 415, "Content-Type must be application/json");
    } else {
        return route;
    }
    return NULL;
}

void api_answer(const struct api *api, const struct api_route *route, const struct api_call *call,
                struct http_response *response, struct buffer *text) {
    text->len = 0;
    route->handler(api, route, call, response, text);
    if (text->overflow) {
        text->overflow = false;
        api_error(response, text, 500, "The answer is too long");
    }
    response->no_store = route->no_store;
}
