/* api.c - register, log in, verify: what the Flask original answers, and clear refusals where it crashed or let
 * things through.
 *
 * A handler reads from top to bottom. The order of checks is the same everywhere: path, method, media type,
 * where a form comes from, the clock, whether one may register, JSON, members, then accounts. */
#include "api.h"

#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "browser.h"
#include "json.h"
#include "log.h"

enum {
    CLOCK_RETRY_SECONDS = 60,
    NEXT_MAX = 1536, /* bytes of a form's `next`; a longer one leads to / */
};
#define COOKIE "jwtd"

/* Answers of constant text are put together at compile time. They must hold nothing that JSON would escape. */
#define ERROR(text) TEXT("{\"error\":\"" text "\"}\n")
#define TEXT(literal) ((struct slice){ literal, sizeof literal - 1 })
#define MESSAGE(text) "{\"message\":\"" text "\""

static void refuse(struct api_call *call, int status, struct slice body) {
    call->response = (struct http_response){ .status = status, .body = body };
    if (status == 401) call->response.www_authenticate = "Bearer"; /* every 401 names the scheme (RFC 9110 11.6.1) */
    if (status == 503) call->response.retry_after = 1;
}

static struct slice finish(struct api_call *call) {
    put_text(&call->text, "}\n");
    return (struct slice){ call->text.at, call->text.len };
}

/* ERROR with a text that is known only at run time. */
static struct slice error(struct api_call *call, const char *text) {
    call->text.len = 0;
    put_text(&call->text, "{\"error\":");
    json_put_string(&call->text, slice_of(text));
    return finish(call);
}

/* The route's message and, where that ends with a member's name, the member's value. */
static void success(struct api_call *call, int status, const struct slice *member) {
    put_text(&call->text, call->route->message);
    if (member) json_put_string(&call->text, *member);
    call->response = (struct http_response){ .status = status, .body = finish(call) };
}

/* ---- what is counted and logged --------------------------------------- */

uint64_t api_nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t milliseconds(void) { return api_nanoseconds() / 1000000; }

static void count(const struct api_call *call, enum metrics_number what) { metrics_add(call->counts, what, 1); }

static void count_hash(const struct api_call *call, uint64_t start) {
    metrics_hash(call->counts, api_nanoseconds() - start);
}

static void note_user(struct api_call *call, struct slice name) {
    if (call->user_room == NULL) return;
    call->user = (struct slice){ call->user_room, name.len < USERS_NAME_MAX ? name.len : USERS_NAME_MAX };
    memcpy(call->user_room, name.at, call->user.len);
}

/* ---- what is sent beside a body --------------------------------------- */

/* A field line lies after the body, in the same buffer, and the other field lines next to it. */
static size_t begin_field(struct api_call *call, const char *name) {
    size_t start = call->text.len;
    put_text(&call->text, name);
    put_text(&call->text, ": ");
    return start;
}

static void end_field(struct api_call *call, size_t start) {
    struct slice *lines = &call->response.field_lines;
    put_text(&call->text, "\r\n");
    if (lines->len == 0) lines->at = call->text.at + start;
    lines->len = call->text.len - (size_t)(lines->at - call->text.at);
}

/* Who it is: in every answer to a proxy, even if empty, so that it never passes on what its client says. */
static void put_user(struct api_call *call, struct slice name) {
    if (call->api->user_header == NULL) return;
    size_t start = begin_field(call, call->api->user_header);
    put_bytes(&call->text, name.at, name.len);
    end_field(call, start);
}

/* RFC 6265 4.1. Lax: it comes along when a link is followed here, not with what other sites post or embed. */
static void put_cookie(struct api_call *call, struct slice token, int64_t max_age) {
    size_t start = begin_field(call, "Set-Cookie");
    put_text(&call->text, COOKIE "=");
    put_bytes(&call->text, token.at, token.len);
    put_text(&call->text, call->api->insecure_cookie ? "; HttpOnly" : "; HttpOnly; Secure");
    put_text(&call->text, "; SameSite=Lax; Path=/; Max-Age=");
    put_number(&call->text, (uint64_t)max_age);
    end_field(call, start);
}

/* The code of what went wrong, or NULL if nothing did. The page knows the codes. */
static const char *code_of(const struct api_call *call) {
    int status = call->response.status;
    return status < 300    ? NULL
           : call->code    ? call->code
           : status == 400 ? "input"
           : status == 401 ? "password"
           : status == 403 ? "closed"
           : status == 404 ? "user"
           : status == 429 ? "throttled"
                           : "busy";
}

/* A form is answered with 303 (RFC 9110 15.4.4): on to where it wants to go, or back to the page that it came from,
 * which is this server's /, under whatever path a proxy has put that. The code is in the fragment too, for a page whose
 * script does not run. Registering leads back to the page too: to log in there. */
static void lead_on(struct api_call *call) {
    char room[NEXT_MAX];
    struct slice next = browser_next(call->body, call->referred, room, sizeof room);
    const char *code = code_of(call);
    if (!browser_is_path(next)) next = slice_of("/");
    call->response =
        (struct http_response){ .status = 303, .no_store = true, .field_lines = call->response.field_lines };
    size_t start = begin_field(call, "Location");
    if (code == NULL && strcmp(call->route->path, "/register") != 0) {
        browser_put_path(&call->text, next);
    } else {
        put_text(&call->text, code ? "./?error=" : "./");
        put_text(&call->text, code ? code : "");
        if (!slice_is(next, "/")) {
            put_text(&call->text, code ? "&next=" : "?next=");
            browser_put_value(&call->text, next);
        }
        put_text(&call->text, code ? "#error-" : "");
        put_text(&call->text, code ? code : "");
    }
    end_field(call, start);
}

/* ---- what comes in ---------------------------------------------------- */

struct credentials {
    struct slice name, secret, new_secret;
    char room[3][PASSWORD_LEN_MAX]; /* where they lie */
};

static bool bad_input(struct api_call *call, const char *what, const char *why) {
    char message[128];
    struct buffer b = { .at = message, .cap = sizeof message - 1 };
    put_text(&b, what);
    put_text(&b, why);
    message[b.len] = '\0';
    refuse(call, 400, error(call, message));
    return false;
}

/* A member that must be a string of at most `cap` bytes, not yet checked for UTF-8. NULL, or what is wrong with it. */
static const char *read_member(const struct api_call *call, const struct json_member *member, char *out, size_t cap,
                               struct slice *value) {
    if (call->form) return browser_form_field(call->body, member->name, out, cap, value);
    ssize_t len = member->type == JSON_STRING ? json_string(member->raw, out, cap) : 0;
    *value = (struct slice){ out, len > 0 ? (size_t)len : 0 };
    return member->type == JSON_ABSENT   ? " is missing"
           : member->type != JSON_STRING ? " is not a string"
           : member->times > 1           ? " is given twice"
           : len < 0                     ? " is too long"
                                         : NULL;
}

enum { NAME_AND_PASSWORD = 2, NEW_PASSWORD_TOO = 3 };

/* True with *c filled in, or false with the answer. The caller wipes *c either way. */
static bool read_credentials(struct api_call *call, struct credentials *c, size_t members) {
    struct json_member m[] = { { .name = "username" }, { .name = "password" }, { .name = "new_password" } };
    struct slice *values[] = { &c->name, &c->secret, &c->new_secret };
    const char *why;
    if (!call->form && json_object(call->body, m, members, &why) == JSON_BAD)
        return bad_input(call, "The body is not a JSON object: ", why);
    for (size_t i = 0; i < members; i++) {
        why = read_member(call, &m[i], c->room[i], i == 0 ? USERS_NAME_MAX : PASSWORD_LEN_MAX, values[i]);
        if (why == NULL) why = i == 0 ? users_name_fault(c->name) : password_fault(*values[i]);
        if (why) return bad_input(call, m[i].name, why);
    }
    return true;
}

struct slice api_token_of(struct slice value) {
    bool bearer = value.len >= 7 && strncasecmp(value.at, "Bearer ", 7) == 0;
    return bearer ? slice_trim((struct slice){ value.at + 7, value.len - 7 }) : value;
}

/* ---- keys and the clock ----------------------------------------------- */

void api_set_keys(struct api_keys *shared, const struct jwt_keys *keys) {
    pthread_mutex_lock(&shared->lock);
    shared->keys = *keys;
    atomic_fetch_add(&shared->generation, 1);
    pthread_mutex_unlock(&shared->lock);
}

static void renew(struct api_copy *mine, struct api_keys *shared) {
    if (mine->generation == atomic_load(&shared->generation)) return;
    pthread_mutex_lock(&shared->lock);
    mine->keys = shared->keys;
    mine->generation = atomic_load(&shared->generation);
    pthread_mutex_unlock(&shared->lock);
}

const char *api_clock_fault(double now) {
    return now < JWTD_RELEASED ? "The clock of this machine stands before the release of this program: it must be set"
                               : NULL;
}

const char *api_watch_clock(struct api_keys *shared, double now) {
    const char *fault = api_clock_fault(now);
    bool wrong = fault != NULL;
    if (atomic_load(&shared->clock_fault) != wrong && atomic_exchange(&shared->clock_fault, wrong) != wrong)
        log_line(fault ? fault : "The clock of this machine is right again", fault ? " (no token until then)" : "",
                 NULL);
    return fault;
}

/* Every handler that makes, judges or revokes a token asks first: what is revoked at a wrong time would be
 * valid again at the right one. */
static bool clock_is_wrong(struct api_call *call) {
    const char *fault = api_watch_clock(call->api->keys, call->now);
    if (fault == NULL) return false;
    refuse(call, 503, error(call, fault));
    call->response.retry_after = CLOCK_RETRY_SECONDS;
    return true;
}

/* ---- the handlers ----------------------------------------------------- */

/* A token of our own says which revocation came before it was issued; with one that somebody else made with the key,
 * iat tells. */
int64_t api_revoked_at(const struct users *users, const struct jwt_claims *claims, double now) {
    int64_t not_before = users_not_before(users, (struct slice){ claims->sub, claims->sub_len }, (int64_t)now);
    return claims->after < not_before && claims->iat <= (double)not_before ? not_before : 0;
}

/* Is the request's token valid, and is there one: Authorization's or, where that is missing, the cookie's? Two of a
 * kind are invalid. */
static enum jwt_result judge(const struct api_call *call, struct jwt_claims *claims, bool *given) {
    static const enum metrics_number counts[] = {
        [JWT_VALID] = METRICS_TOKEN_VALID, [JWT_EXPIRED] = METRICS_TOKEN_EXPIRED, [JWT_INVALID] = METRICS_TOKEN_INVALID
    };
    unsigned times = call->authorizations;
    struct slice token = api_token_of(call->authorization);
    enum jwt_result result = JWT_INVALID;
    *given = times > 1 || call->authorization.len > 0;
    if (!*given && call->api->cookie && call->cookies > 0) {
        times = browser_cookie(call->cookie, COOKIE, &token);
        if (call->cookies > 1) times = 2;
        *given = times > 1 || (times > 0 && token.len > 0);
    }
    if (*given && times == 1) result = jwt_verify(&call->copy->keys, token, call->now, call->api->leeway, claims, NULL);
    if (result == JWT_VALID && api_revoked_at(call->api->users, claims, call->now)) result = JWT_INVALID;
    count(call, *given ? counts[result] : METRICS_TOKEN_MISSING);
    return result;
}

static void refuse_token(struct api_call *call, int status, enum jwt_result result, bool given) {
    refuse(call, status,
           !given                  ? ERROR("Token is missing")
           : result == JWT_EXPIRED ? ERROR("Token has expired")
                                   : ERROR("Invalid token"));
    if (given) call->response.www_authenticate = "Bearer error=\"invalid_token\""; /* RFC 6750 3 */
}

static void get_jwt(struct api_call *call) {
    struct jwt_claims claims;
    bool given;
    if (clock_is_wrong(call)) return;
    enum jwt_result result = judge(call, &claims, &given);
    if (result != JWT_VALID) {
        refuse_token(call, given ? 401 : 400, result, given);
    } else {
        struct slice sub = { claims.sub, claims.sub_len };
        note_user(call, sub);
        success(call, 200, &sub);
    }
}

/* For a proxy that asks whose request it has: 204 or 401, and nothing else. A name that a field can not carry
 * unchanged gets 401: beyond the proxy it would be somebody else's. */
static void verify(struct api_call *call) {
    struct jwt_claims claims;
    bool given;
    if (clock_is_wrong(call)) {
        api_refuse(call, slice_of(call->route->path), 401, api_clock_fault(call->now));
        return;
    }
    enum jwt_result result = judge(call, &claims, &given);
    struct slice name = { claims.sub, result == JWT_VALID ? claims.sub_len : 0 };
    if (http_is_whole_value(name)) {
        note_user(call, name);
        call->response = (struct http_response){ .status = 204 };
    } else {
        refuse_token(call, 401, result, given);
        name.len = 0;
    }
    put_user(call, name);
}

int api_make_hash(struct password_work *work, const struct password_cost *cost, struct slice password,
                  struct user *user) {
    uint8_t random[2 * PASSWORD_SALT_LEN];
    struct buffer hash = { .at = user->hash, .cap = sizeof user->hash };
    if (getrandom(random, sizeof random, 0) != sizeof random || password_put(&hash, work, cost, password, random) != 0)
        return -1;
    user->hash_len = hash.len;
    return 0;
}

static int make_hash(const struct api_call *call, struct slice password, struct user *user) {
    uint64_t start = api_nanoseconds();
    int result = api_make_hash(call->work, &call->api->cost, password, user);
    if (result == 0) count_hash(call, start);
    return result;
}

/* A name that is taken costs no hash; where several hash for one name at once, users_store lets one through. */
static enum users_result add_user(const struct api_call *call, const struct credentials *c) {
    struct user user;
    enum users_result found = users_find(call->api->users, c->name, &user);
    if (found != USERS_NOT_FOUND) return found == USERS_OK ? USERS_EXISTS : found;
    if (make_hash(call, c->secret, &user) != 0) return USERS_UNAVAILABLE;
    return call->api->registration == API_FIRST ? users_store_first(call->api->users, c->name, &user)
                                                : users_store(call->api->users, c->name, NULL, &user);
}

/* Asked before the body is looked at: a client that may not register does not learn who has. */
static bool is_closed(struct api_call *call) {
    const struct api *api = call->api;
    if (api->registration == API_OPEN || (api->registration == API_FIRST && !users_any(api->users))) return false;
    refuse(call, 403, ERROR("Registration is closed"));
    return true;
}

static void register_user(struct api_call *call) {
    struct credentials c;
    if (!is_closed(call) && read_credentials(call, &c, NAME_AND_PASSWORD)) {
        enum users_result result = add_user(call, &c);
        if (result == USERS_OK)
            success(call, 201, NULL);
        else if (result == USERS_EXISTS)
            refuse(call, 400, ERROR("Username already exists"));
        else
            refuse(call, 503, ERROR("The account could not be stored, try again later"));
        call->code = result == USERS_EXISTS ? "taken" : NULL;
        if (result != USERS_OK && is_closed(call)) call->code = NULL; /* somebody else was first meanwhile */
    }
    explicit_bzero(&c, sizeof c);
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

/* Counts the refusal, logs it where `cause` says why, and answers. */
static bool refuse_login(struct api_call *call, struct slice name, enum metrics_number what, const char *cause,
                         int status, struct slice message) {
    count(call, what);
    if (cause) log_refusal(call, name, cause);
    refuse(call, status, message);
    return false;
}

/* Has this log-in failed too often? Then the answer says how long to wait; nothing is looked up or hashed. */
static bool is_throttled(struct api_call *call, struct slice name) {
    struct throttle *t = call->api->throttle;
    uint64_t wait = t ? throttle_wait(t, name, &call->client, milliseconds()) : 0;
    if (wait == 0) return false;
    refuse_login(call, name, METRICS_LOGIN_THROTTLED, "too many failures", 429,
                 ERROR("Too many failed logins, try again later"));
    call->response.retry_after = (int)((wait + 999) / 1000);
    return true;
}

/* An unknown name or a wrong password. With --uniform-errors an unknown name costs a hash too, so that it takes as long
 * as a wrong password; the failure is counted and logged by then. */
static bool fail_login(struct api_call *call, const struct credentials *c, bool known) {
    bool uniform = call->api->uniform_errors;
    struct user nobody;
    if (call->api->throttle) throttle_count(call->api->throttle, c->name, &call->client, milliseconds());
    refuse_login(call, c->name, known ? METRICS_LOGIN_WRONG_PASSWORD : METRICS_LOGIN_UNKNOWN_USER,
                 known ? "wrong password" : "unknown user", known || uniform ? 401 : 404,
                 uniform ? ERROR("Invalid username or password")
                 : known ? ERROR("Invalid password")
                         : ERROR("User not found"));
    if (!known && uniform && make_hash(call, c->secret, &nobody) != 0) log_line("no memory to hash", NULL);
    return false;
}

/* Is the password this account's? *user is filled in, and *cost with its hash's. If not, the answer says why. */
static bool authenticate(struct api_call *call, const struct credentials *c, struct user *user,
                         struct password_cost *cost) {
    if (is_throttled(call, c->name)) return false;
    enum users_result found = users_find(call->api->users, c->name, user);
    if (found == USERS_NOT_FOUND) return fail_login(call, c, false);
    if (found != USERS_OK)
        return refuse_login(call, c->name, METRICS_LOGIN_UNAVAILABLE, NULL, 503,
                            ERROR("The accounts can not be read, try again later"));
    uint64_t start = api_nanoseconds();
    enum password_result result = password_check(call->work, c->secret, user_hash(user), cost);
    if (result == PASSWORD_NO_MEMORY)
        return refuse_login(call, c->name, METRICS_LOGIN_UNAVAILABLE, NULL, 503,
                            ERROR("No memory to check the password, try again later"));
    if (result == PASSWORD_UNUSABLE)
        return refuse_login(call, c->name, METRICS_LOGIN_UNUSABLE_HASH,
                            "stored hash malformed or its cost beyond the cap", 500,
                            ERROR("The stored password hash can not be checked"));
    count_hash(call, start);
    if (result == PASSWORD_WRONG) return fail_login(call, c, true);
    count(call, METRICS_LOGIN_OK);
    note_user(call, c->name);
    return true;
}

static void log_in(struct api_call *call) {
    struct credentials c;
    char token[API_TEXT_MAX / 2];
    struct buffer b = { .at = token, .cap = sizeof token };
    struct user user, stronger;
    struct password_cost cost;
    if (clock_is_wrong(call)) {
        count(call, METRICS_LOGIN_UNAVAILABLE);
    } else if (read_credentials(call, &c, NAME_AND_PASSWORD) && authenticate(call, &c, &user, &cost)) {
        /* the clear-text password is at hand only now: a hash weaker than today's is replaced; where that fails the
         * old one stays */
        if (password_weaker(&cost, &call->api->cost) && make_hash(call, c.secret, &stronger) == 0)
            users_store(call->api->users, c.name, &user, &stronger);
        /* it says what was revoked when the account was read: a revocation meanwhile includes this token */
        jwt_put_claims(&b, &call->copy->keys.key[0], c.name, -1, (int64_t)time(NULL) + call->api->ttl, user.not_before);
        call->text.overflow |= b.overflow;
        success(call, 200, &(struct slice){ b.at, b.len });
        if (call->api->cookie) put_cookie(call, (struct slice){ b.at, b.len }, call->api->ttl);
    }
    explicit_bzero(&c, sizeof c);
}

void api_busy(struct api_call *call) {
    if (call->route->handler != register_user) count(call, METRICS_LOGIN_UNAVAILABLE);
    refuse(call, 503, ERROR("Too many requests at once, try again later"));
    if (call->form) lead_on(call);
    call->response.no_store |= call->route->no_store;
}

/* A request that is overtaken, by another change or a log-in that made the hash stronger, checks the password again: it
 * may be another one now. The new hash is made only once. */
static void change_password(struct api_call *call) {
    struct credentials c;
    struct user seen, user = { .hash_len = 0 };
    struct password_cost cost;
    enum users_result result = USERS_CHANGED;
    if (clock_is_wrong(call)) {
        count(call, METRICS_LOGIN_UNAVAILABLE);
    } else if (read_credentials(call, &c, NEW_PASSWORD_TOO)) {
        while ((result == USERS_CHANGED || result == USERS_NOT_FOUND) && authenticate(call, &c, &seen, &cost))
            result = user.hash_len > 0 || make_hash(call, c.new_secret, &user) == 0
                         ? users_revoke(call->api->users, c.name, &seen, &user)
                         : USERS_UNAVAILABLE;
        if (result == USERS_OK)
            success(call, 200, NULL);
        else if (result == USERS_UNAVAILABLE)
            refuse(call, 503, ERROR("The account could not be stored, try again later"));
    }
    explicit_bzero(&c, sizeof c);
}

/* ---- how it goes ------------------------------------------------------ */

static void healthz(struct api_call *call) {
    const char *fault = users_fault(call->api->users), *clock = api_watch_clock(call->api->keys, call->now);
    if (!fault) fault = clock;
    put_text(&call->text, fault ? "{\"status\":\"unavailable\",\"reason\":" : "{\"status\":\"ok\"");
    if (fault) json_put_string(&call->text, slice_of(fault));
    call->response = (struct http_response){ .status = fault ? 503 : 200, .body = finish(call) };
}

static void metrics(struct api_call *call);

/* Has the browser forget the cookie. */
static void log_out(struct api_call *call) {
    success(call, 200, NULL);
    put_cookie(call, (struct slice){ "", 0 }, 0);
}

/* The page is the same for everybody: what it knows of a user it asks for itself. */
static void get_page(struct api_call *call) {
    call->response = (struct http_response){ .status = 200,
                                             .content_type = "text/html; charset=utf-8",
                                             .field_lines = call->api->page.field_lines,
                                             .body = call->api->page.html };
}

/* ---- the routes ------------------------------------------------------- */

static const struct api_route routes[] = {
    { "/get-jwt", HTTP_GET, API_ON_LOOP, true, false, get_jwt, MESSAGE("Token is valid") ",\"user\":" },
    { "/login", HTTP_POST, API_ON_WORKER, true, true, log_in, MESSAGE("Login successful") ",\"token\":" },
    { "/set-jwt", HTTP_POST, API_ON_WORKER, true, false, log_in, MESSAGE("JWT created") ",\"token\":" },
    { "/register", HTTP_POST, API_ON_WORKER, false, true, register_user, MESSAGE("User registered successfully") },
    { "/healthz", HTTP_GET, API_ON_LOOP, true, false, healthz, NULL },
    { "/metrics", HTTP_GET, API_ON_LOOP, true, false, metrics, NULL },
    { "/change-password", HTTP_POST, API_ON_WORKER, true, false, change_password,
      MESSAGE("Password changed successfully") },
    { "/verify", HTTP_OTHER, API_ON_LOOP, true, false, verify, NULL }, /* any method, and any path below it too */
    { "/logout", HTTP_POST, API_ON_LOOP, true, true, log_out, MESSAGE("Logged out") },
    { "/", HTTP_GET, API_ON_LOOP, false, false, get_page, NULL },
};
enum { ROUTES = sizeof routes / sizeof *routes };
_Static_assert((int)ROUTES < (int)METRICS_ROUTES, "the metrics have a row for each route");

unsigned api_route_number(const struct api_call *call) {
    return call->route ? (unsigned)(call->route - routes) + 1 : 0;
}

/* Where the wall clock was behind at the start and has been set since, the other clock tells how long ago that was. */
static uint64_t started(const struct api_call *call) {
    const struct api *api = call->api;
    bool set = api_clock_fault((double)api->started) && !api_clock_fault(call->now);
    double seconds = 1e-9 * (double)(api_nanoseconds() - api->began);
    return set ? (uint64_t)(call->now - seconds) : (uint64_t)api->started;
}

static void metrics(struct api_call *call) {
    const char *paths[ROUTES];
    const struct api *api = call->api;
    struct metrics_facts facts = { .paths = paths,
                                   .routes = ROUTES + 1,
                                   .version = api->version,
                                   .libc = api->libc,
                                   .started = started(call),
                                   .accounts = users_count(api->users),
                                   .etcd = users_calls(api->users) };
    for (size_t i = 0; i < ROUTES; i++) paths[i] = routes[i].path;
    metrics_put(&call->text, api->counts, api->threads, &facts);
    call->response = (struct http_response){ .status = 200,
                                             .content_type = "text/plain; version=0.0.4; charset=utf-8",
                                             .body = { call->text.at, call->text.len } };
}

/* application/json or application/ANYTHING+json, whatever its parameters (RFC 9110 8.3.1, RFC 6839 3.1) */
static bool is_json(struct slice type) {
    if (type.len < 16 || strncasecmp(type.at, "application/", 12) != 0) return false;
    struct slice sub = { type.at + 12, type.len - 12 };
    return (sub.len == 4 && strncasecmp(sub.at, "json", 4) == 0) ||
           (sub.len > 5 && strncasecmp(sub.at + sub.len - 5, "+json", 5) == 0 && http_is_token(sub));
}

static bool is_form(struct slice type) {
    return type.len == 33 && strncasecmp(type.at, "application/x-www-form-urlencoded", 33) == 0;
}

/* What any page could have a browser send must come from a page of this host. */
static bool is_same_origin(const struct http_request *request, const char *buf) {
    return browser_is_same_origin(http_slice(buf, request->fetch_site), http_slice(buf, request->origin),
                                  http_slice(buf, request->host));
}

bool api_needs_no_body(struct slice path) {
    return path.len >= 7 && memcmp(path.at, "/verify", 7) == 0 && (path.len == 7 || path.at[7] == '/');
}

static const struct api_route *find_path(const struct api *api, struct slice path) {
    if (api_needs_no_body(path)) path.len = 7;
    if (slice_is(path, "/logout") && !api->cookie) return NULL;
    for (size_t i = 0; i < ROUTES; i++)
        if (slice_is(path, routes[i].path)) return &routes[i];
    return NULL;
}

/* The Allow field of a path, by its method. */
static const char *const allows[] = { [HTTP_GET] = "GET, HEAD, OPTIONS", [HTTP_POST] = "POST, OPTIONS" };

bool api_find(struct api_call *call, const struct http_request *request, const char *buf) {
    struct slice path = http_slice(buf, request->path);
    const struct api_route *route = call->route = find_path(call->api, path);
    struct slice parameters = http_slice(buf, request->content_type), type = slice_trim(slice_cut(&parameters, ';'));
    bool logout = route && route->handler == log_out; /* which reads no body but a form */
    enum http_method method = request->method == HTTP_HEAD ? HTTP_GET : request->method;
    call->form = route && route->forms && method == route->method && call->api->cookie && is_form(type);
    if (call->form && !logout)
        call->referred = browser_referred(http_slice(buf, request->referer), http_slice(buf, request->host));
    if (route == NULL && method == HTTP_OPTIONS && slice_is(path, "*")) {
        call->response = (struct http_response){ .status = 200, .allow = "GET, HEAD, POST, OPTIONS" };
    } else if (route == NULL) {
        refuse(call, 404, ERROR("Not found"));
    } else if (route->method == HTTP_OTHER) {
        return true;
    } else if (method == HTTP_OPTIONS) {
        call->response = (struct http_response){ .status = 200, .allow = allows[route->method] };
    } else if (method != route->method) {
        refuse(call, 405, ERROR("Method not allowed"));
        call->response.allow = allows[route->method];
    } else if (method == HTTP_POST && !call->form && !logout && !is_json(type)) {
        refuse(call, 415, ERROR("Content-Type must be application/json"));
    } else if ((call->form || logout) && !is_same_origin(request, buf)) {
        call->form = false;
        refuse(call, 403, ERROR("Not sent by a page of this host: Sec-Fetch-Site or Origin must say so"));
    } else {
        return true;
    }
    call->response.no_store = route && route->no_store;
    return false;
}

void api_answer(struct api_call *call) {
    call->text.len = 0;
    renew(call->copy, call->api->keys);
    call->route->handler(call);
    if (call->form) lead_on(call);
    if (call->text.overflow) {
        call->text.overflow = false;
        refuse(call, 500, ERROR("The answer is too long"));
    }
    call->response.no_store |= call->route->no_store;
}

void api_refuse(struct api_call *call, struct slice path, int status, const char *message) {
    bool asked = api_needs_no_body(path);
    call->route = find_path(call->api, path); /* where it is counted */
    refuse(call, asked ? 401 : status, error(call, message));
    if (asked) put_user(call, (struct slice){ "", 0 });
    call->response.no_store = call->route && call->route->no_store;
}
