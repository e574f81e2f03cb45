/* api_test.c - the routes without sockets: what each request is answered with.
 *
 * Statuses and texts are those of the API's contract: what the Flask original
 * says, and 400, 401, 404, 405, 415, 500 or 503 where it crashed or let things
 * through. Hash strings and tokens written out in full were made by Python's
 * hashlib and hmac. */
#include "api.h"
#include "base64url.h"
#include "jwt.h"
#include "test.h"

#include <fcntl.h>
#include <time.h>

#define S(text)                                                                                                        \
    { text, sizeof(text) - 1 }
#define SLICE(text) ((struct slice)S(text))

#define P(username, password) "{\"username\":\"" username "\",\"password\":\"" password "\"}"

#define C(username, password, new)                                                                                     \
    "{\"username\":\"" username "\",\"password\":\"" password "\",\"new_password\":\"" new "\"}"

#define SALT_AND_KEY /* of pass1425 with scrypt:16:1:1 */                                                              \
    "$0123456789abcdef$cddcaa783a7e7cbba84d30ef9e109d79f305ef42107dec237ff4357d7c5bd3f6"                               \
    "15781666c183ddef188afb932c1697adb698007a3e7e98da2bf0ffdbe3996008"

#define TAKEN "{\"error\":\"Username already exists\"}\n"
#define UNKNOWN "{\"error\":\"User not found\"}\n"
#define WRONG "{\"error\":\"Invalid password\"}\n"
#define INVALID "{\"error\":\"Invalid token\"}\n"
#define EXPIRED "{\"error\":\"Token has expired\"}\n"
#define MISSING "{\"error\":\"Token is missing\"}\n"
#define REGISTERED "{\"message\":\"User registered successfully\"}\n"
#define CHANGED "{\"message\":\"Password changed successfully\"}\n"
#define LOGGED_IN "{\"message\":\"Login successful\",\"token\":\""
#define CREATED "{\"message\":\"JWT created\",\"token\":\""

static char dir[64], path[80], said_path[80];
static struct metrics counts;
static struct api api = { .cost = { PASSWORD_SCRYPT, 16, 1, 1 },
                          .ttl = 3600,
                          .counts = &counts,
                          .threads = 1,
                          .version = "0",
                          .libc = "none",
                          .started = 1790000000 };
static struct api_keys shared = { .lock = PTHREAD_MUTEX_INITIALIZER };
static struct api_copy keys_copy;
static struct password_work work;

static char text_bytes[API_LOOP_TEXT_MAX], user_room[USERS_NAME_MAX];
static struct slice whose;            /* token or password it was, of the last answer */
static struct http_response response; /* the last answer */

/* ---- what is said on descriptor 2 -------------------------------------- */

static int said_fd, kept_fd;

static void listen_begin(void) {
    if (ftruncate(said_fd, 0) != 0 || dup2(said_fd, 2) < 0) abort();
}

static void listen_end(void) { dup2(kept_fd, 2); }

/* Was something said in between? */
static bool was_said(void) { return lseek(said_fd, 0, SEEK_END) > 0; }

/* ---- asking ----------------------------------------------------------- */

static enum users_result users_add(struct users *users, struct slice name, struct slice hash) {
    struct user user = { .hash_len = hash.len };
    memcpy(user.hash, hash.at, hash.len);
    return users_store(users, name, NULL, &user);
}

/* Parses a request and looks for its route. `type` is the Content-Type field's value; NULL: no such field. */
static const struct api_route *find(const char *method, const char *target, const char *type) {
    static char request[HTTP_REQUEST_MAX];
    struct http_request parsed = { 0 };
    struct api_call call = { .api = &api, .text = { .at = text_bytes, .cap = sizeof text_bytes } };
    int n = snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: a\r\n%s%s%s\r\n", method, target,
                     type ? "Content-Type: " : "", type ? type : "", type ? "\r\n" : "");
    size_t len = (size_t)n;
    check(http_parse(&parsed, request, &len) == HTTP_DONE, "%s %s is a request", method, target);
    bool found = api_find(&call, &parsed, request);
    response = call.response;
    return found ? call.route : NULL;
}

/* Asks a route, with a body that lies against an unreadable page. */
static void call(const struct api_route *route, struct api_call with) {
    char *body = guarded(with.body.at, with.body.len);
    with.api = &api;
    with.copy = &keys_copy;
    with.route = route;
    with.counts = &counts;
    with.user_room = user_room;
    with.body.at = body;
    with.text =
        (struct buffer){ .at = text_bytes, .cap = route->place == API_ON_LOOP ? sizeof text_bytes : API_TEXT_MAX };
    listen_begin();
    api_answer(&with);
    listen_end();
    response = with.response;
    whose = with.user;
    check(!with.text.overflow, "the answer fits");
    guarded_free(body, with.body.len);
}

static void post(const char *target, struct slice body) {
    const struct api_route *route = find("POST", target, "application/json");
    if (route) call(route, (struct api_call){ .body = body, .work = &work, .now = (double)time(NULL) });
}

static void verify(struct slice authorization, unsigned fields, double now) {
    const struct api_route *route = find("GET", "/get-jwt", NULL);
    if (route) call(route, (struct api_call){ .authorization = authorization, .authorizations = fields, .now = now });
}

static bool body_is(const char *text) { return slice_is(response.body, text); }

static bool body_begins(const char *text) {
    return response.body.len >= strlen(text) && memcmp(response.body.at, text, strlen(text)) == 0;
}

/* {"error":"...WORD..."} and LF, and nothing else */
static bool is_error(const char *word) {
    if (!body_begins("{\"error\":\"") || response.body.len < 14) return false;
    struct slice message = { response.body.at + 10, response.body.len - 13 };
    return memcmp(message.at + message.len, "\"}\n", 3) == 0 && memchr(message.at, '"', message.len) == NULL &&
           memmem(message.at, message.len, word, strlen(word)) != NULL;
}

/* The token of the last answer. */
static struct slice token(void) {
    static char copy[API_TEXT_MAX];
    struct slice rest = response.body;
    for (int quotes = 0; quotes < 7; quotes++) slice_cut(&rest, '"');
    struct slice found = slice_cut(&rest, '"');
    if (found.len > 0) memcpy(copy, found.at, found.len);
    return (struct slice){ copy, found.len };
}

/* ---- paths, methods, media types -------------------------------------- */

enum { ROUTE = 0 };

static const struct {
    const char *method, *target, *type;
    int status; /* ROUTE: it goes to the handler */
    const char *allow, *word, *why;
} finds[] = {
    { "GET", "/get-jwt", NULL, ROUTE, NULL, NULL, "" },
    { "HEAD", "/get-jwt", NULL, ROUTE, NULL, NULL, "HEAD is where GET is" },
    { "GET", "/get-jwt?a=1", NULL, ROUTE, NULL, NULL, "the query is not the path" },
    { "GET", "/get-jwt", "text/plain", ROUTE, NULL, NULL, "a GET has no media type" },
    { "GET", "/", NULL, ROUTE, NULL, NULL, "the page" },
    { "HEAD", "/?error=user&next=/x", NULL, ROUTE, NULL, NULL, "the page" },
    { "POST", "/login", "application/json", ROUTE, NULL, NULL, "" },
    { "POST", "/set-jwt", "application/json", ROUTE, NULL, NULL, "" },
    { "POST", "/register", "application/json", ROUTE, NULL, NULL, "" },
    { "POST", "/register?a=1", "application/json", ROUTE, NULL, NULL, "" },
    { "POST", "/change-password", "application/json", ROUTE, NULL, NULL, "" },
    { "POST", "/change-password", "text/plain", 415, NULL, "Content-Type", "another type" },
    { "POST", "/change_password", "application/json", 404, NULL, "", "another path" },
    { "GET", "/change-password", NULL, 405, "POST, OPTIONS", "", "" },
    { "PUT", "/change-password", "application/json", 405, "POST, OPTIONS", "", "" },
    { "OPTIONS", "/change-password", NULL, 200, "POST, OPTIONS", NULL, "" },

    { "POST", "/login", "application/json; charset=utf-8", ROUTE, NULL, NULL, "a parameter" },
    { "POST", "/login", "application/json;charset=utf-16", ROUTE, NULL, NULL, "parameters are ignored" },
    { "POST", "/login", "application/json ;x", ROUTE, NULL, NULL, "space before the parameter" },
    { "POST", "/login", "APPLICATION/JSON", ROUTE, NULL, NULL, "case-insensitive" },
    { "POST", "/login", "application/problem+json", ROUTE, NULL, NULL, "RFC 6839" },
    { "POST", "/login", "Application/Vnd.Api+Json; v=1", ROUTE, NULL, NULL, "RFC 6839" },
    { "POST", "/login", NULL, 415, NULL, "Content-Type", "missing" },
    { "POST", "/login", "", 415, NULL, "Content-Type", "empty" },
    { "POST", "/login", ";", 415, NULL, "Content-Type", "a parameter of nothing" },
    { "POST", "/login", "json", 415, NULL, "Content-Type", "no slash" },
    { "POST", "/login", "text/json", 415, NULL, "Content-Type", "another type" },
    { "POST", "/login", "text/problem+json", 415, NULL, "Content-Type", "another type" },
    { "POST", "/login", "application/jsonx", 415, NULL, "Content-Type", "longer" },
    { "POST", "/login", "application/jso", 415, NULL, "Content-Type", "shorter" },
    { "POST", "/login", "application/xjson", 415, NULL, "Content-Type", "no plus" },
    { "POST", "/login", "application/json+xml", 415, NULL, "Content-Type", "the suffix counts" },
    { "POST", "/login", "application/xml; a=application/json", 415, NULL, "Content-Type", "in a parameter" },
    { "POST", "/login", "text/plain, application/json", 415, NULL, "Content-Type", "a list" },
    { "POST", "/login", "application/x-www-form-urlencoded", 415, NULL, "Content-Type", "a form" },
    { "POST", "/login", "application/ json", 415, NULL, "Content-Type", "a space in it" },
    { "POST", "/login", "application/x y+json", 415, NULL, "Content-Type", "a space in it" },
    { "POST", "/login", "application/json, text/x+json", 415, NULL, "Content-Type", "a list that ends well" },
    { "POST", "/login", "application/\"+json", 415, NULL, "Content-Type", "a quote in it" },
    { "POST", "/login", "application/a/b+json", 415, NULL, "Content-Type", "a second slash" },
    { "POST", "/login", "application/\xc3\xa4+json", 415, NULL, "Content-Type", "obs-text in it" },
    { "POST", "/login", "application/+json", 415, NULL, "Content-Type", "nothing before the suffix" },
    { "POST", "/login", "application/a+json", ROUTE, NULL, NULL, "one letter before it" },
    { "POST", "/login", "application/+a+json", ROUTE, NULL, NULL, "plus is a letter too" },

    { "GET", "//", NULL, 404, NULL, "", "" },
    { "GET", "/index.html", NULL, 404, NULL, "", "the page has one name" },
    { "POST", "/logout", "application/json", 404, NULL, "", "no cookies, no log-out" },
    { "GET", "/verif", NULL, 404, NULL, "", "shorter" },
    { "GET", "/verifya", NULL, 404, NULL, "", "longer" },
    { "GET", "/a/verify/", NULL, 404, NULL, "", "not at its beginning" },
    { "GET", "/get-jwt/", NULL, 404, NULL, "", "a slash behind" },
    { "GET", "//get-jwt", NULL, 404, NULL, "", "a slash before" },
    { "GET", "/GET-JWT", NULL, 404, NULL, "", "paths are case-sensitive" },
    { "GET", "/get-jw", NULL, 404, NULL, "", "shorter" },
    { "GET", "/get-jwt%00", NULL, 404, NULL, "", "an escaped NUL" },
    { "GET", "/get%2djwt", NULL, 404, NULL, "", "not decoded" },
    { "GET", "/x/../get-jwt", NULL, 404, NULL, "", "not resolved" },
    { "POST", "/logins", "application/json", 404, NULL, "", "longer" },
    { "HEAD", "/x", NULL, 404, NULL, "", "" },
    { "OPTIONS", "/x", NULL, 404, NULL, "", "" },
    { "DELETE", "/x", NULL, 404, NULL, "", "path before method" },
    { "POST", "/x", "text/plain", 404, NULL, "", "path before media type" },

    { "POST", "/get-jwt", "application/json", 405, "GET, HEAD, OPTIONS", "", "" },
    { "DELETE", "/get-jwt", NULL, 405, "GET, HEAD, OPTIONS", "", "" },
    { "get", "/get-jwt", NULL, 405, "GET, HEAD, OPTIONS", "", "methods are case-sensitive" },
    { "GET", "/login", NULL, 405, "POST, OPTIONS", "", "" },
    { "HEAD", "/login", NULL, 405, "POST, OPTIONS", "", "no HEAD without GET" },
    { "PUT", "/login", "application/json", 405, "POST, OPTIONS", "", "" },
    { "PUT", "/login", "text/plain", 405, "POST, OPTIONS", "", "method before media type" },
    { "PATCH", "/register", "application/json", 405, "POST, OPTIONS", "", "" },
    { "TRACE", "/set-jwt", NULL, 405, "POST, OPTIONS", "", "" },
    { "GET", "/register", NULL, 405, "POST, OPTIONS", "", "" },

    { "POST", "/", "application/json", 405, "GET, HEAD, OPTIONS", "", "" },

    { "OPTIONS", "/", NULL, 200, "GET, HEAD, OPTIONS", NULL, "" },
    { "OPTIONS", "/get-jwt", NULL, 200, "GET, HEAD, OPTIONS", NULL, "" },
    { "OPTIONS", "/login", NULL, 200, "POST, OPTIONS", NULL, "" },
    { "OPTIONS", "/set-jwt", "text/plain", 200, "POST, OPTIONS", NULL, "" },
    { "OPTIONS", "/register", NULL, 200, "POST, OPTIONS", NULL, "" },
    { "OPTIONS", "*", NULL, 200, "GET, HEAD, POST, OPTIONS", NULL, "RFC 9110 9.3.7" },
};

static void test_find(void) {
    for (size_t i = 0; i < sizeof finds / sizeof *finds; i++) {
        const char *method = finds[i].method, *target = finds[i].target;
        const struct api_route *route = find(method, target, finds[i].type);
        int status = route ? ROUTE : response.status;
        check(status == finds[i].status, "%s %s %s: %d, not %d (%s)", method, target,
              finds[i].type ? finds[i].type : "-", status, finds[i].status, finds[i].why);
        if (route) {
            size_t len = strcspn(target, "?");
            check(strlen(route->path) == len && memcmp(route->path, target, len) == 0, "%s: the route of %s", target,
                  route->path);
            check(route->place == (strcmp(method, "POST") == 0 ? API_ON_WORKER : API_ON_LOOP),
                  "%s: what hashes or waits for a disk is a worker's", target);
            continue;
        }
        check(finds[i].word ? is_error(finds[i].word) : response.body.len == 0, "%s %s: the body: %.*s", method, target,
              (int)response.body.len, response.body.at);
        check(finds[i].allow ? response.allow && strcmp(response.allow, finds[i].allow) == 0 : !response.allow,
              "%s %s: Allow: %s", method, target, response.allow ? response.allow : "none");
        bool none = status == 404 || strchr("/*", target[strlen(target) - 1]) || strcmp(target, "/register") == 0;
        check(response.no_store == !none, "%s %s: %d, no-store: %d", method, target, status, response.no_store);
        check(!response.www_authenticate && !response.retry_after, "%s %s: no other field", method, target);
    }
}

/* ---- bodies that neither /register nor a log-in takes ------------------ */

#define X4(text) text text text text
#define X16(text) X4(X4(text))
#define X64(text) X4(X16(text))
#define X256(text) X4(X64(text))
#define GRIN "\\ud83d\\ude00"

static const struct {
    const char *word, *why; /* what the error must name */
    struct slice body;
} refused[] = {
    { "JSON", "no body", S("") },
    { "JSON", "white space", S("  \r\n\t ") },
    { "JSON", "a word", S("username") },
    { "JSON", "null", S("null") },
    { "JSON", "a number", S("1") },
    { "JSON", "a string", S("\"username password\"") },
    { "JSON", "an array", S("[" P("Romel", "pass1425") "]") },
    { "JSON", "two objects", S(P("Romel", "pass1425") "{}") },
    { "JSON", "a brace too many", S(P("Romel", "pass1425") "}") },
    { "JSON", "NUL behind", S(P("Romel", "pass1425") "\0") },
    { "JSON", "a byte order mark", S("\xef\xbb\xbf" P("Romel", "pass1425")) },
    { "JSON", "cut off", S("{\"username\":\"Romel\",\"password\":\"pass1425\"") },
    { "JSON", "cut off in a string", S("{\"username\":\"Romel\",\"password\":\"pass14") },
    { "JSON", "cut off in an escape", S("{\"username\":\"Romel\",\"password\":\"\\u00") },
    { "JSON", "a trailing comma", S("{\"username\":\"Romel\",\"password\":\"pass1425\",}") },
    { "JSON", "single quotes", S("{'username':'Romel','password':'pass1425'}") },
    { "JSON", "a comment", S("{\"username\":\"Romel\",/**/\"password\":\"pass1425\"}") },
    { "JSON", "NaN", S("{\"username\":\"Romel\",\"password\":\"pass1425\",\"x\":NaN}") },
    { "JSON", "a leading zero", S("{\"username\":\"Romel\",\"password\":\"pass1425\",\"x\":01}") },
    { "JSON", "a form", S("username=Romel&password=pass1425") },
    { "JSON", "a raw TAB in a name", S(P("Ro\tmel", "pass1425")) },
    { "JSON", "a raw LF in a password", S(P("Romel", "pass\n1425")) },
    { "JSON", "a raw NUL in a password", S(P("Romel", "pass1425\0")) },
    { "JSON", "not UTF-8", S(P("\xff", "pass1425")) },
    { "JSON", "an overlong NUL", S(P("Romel", "pass1425\xc0\x80")) },
    { "JSON", "a surrogate in UTF-8", S(P("\xed\xa0\x80", "pass1425")) },
    { "JSON", "an unknown escape", S(P("\\x52omel", "pass1425")) },
    { "surrogate", "half a pair in the name", S(P("\\ud800", "pw")) },
    { "surrogate", "half a pair in the password", S(P("Romel", "pw\\udc00")) },
    { "surrogate", "halves in the wrong order", S(P("\\udc00\\ud800", "pw")) },
    { "surrogate", "half a pair in another member",
      S("{\"x\":\"\\ud800\",\"username\":\"Romel\",\"password\":\"pass1425\"}") },
    { "deep", "5000 arrays", { NULL, 0 } }, /* made below */

    { "username", "an empty object", S("{}") },
    { "username", "no username", S("{\"password\":\"pass1425\"}") },
    { "password", "no password", S("{\"username\":\"Romel\"}") },
    { "username", "a capital", S("{\"Username\":\"Romel\",\"password\":\"pass1425\"}") },
    { "password", "inside another", S("{\"username\":\"Romel\",\"x\":{\"password\":\"pass1425\"}}") },
    { "username", "username null", S("{\"username\":null,\"password\":\"pass1425\"}") },
    { "username", "username a number", S("{\"username\":5,\"password\":\"pass1425\"}") },
    { "username", "username true", S("{\"username\":true,\"password\":\"pass1425\"}") },
    { "username", "username an array", S("{\"username\":[\"Romel\"],\"password\":\"pass1425\"}") },
    { "username", "username an object", S("{\"username\":{\"$ne\":\"\"},\"password\":\"pass1425\"}") },
    { "password", "password null", S("{\"username\":\"Romel\",\"password\":null}") },
    { "password", "password a number", S("{\"username\":\"Romel\",\"password\":1425}") },
    { "password", "password an object", S("{\"username\":\"Romel\",\"password\":{}}") },
    { "username", "username empty", S(P("", "pass1425")) },
    { "password", "password empty", S(P("Romel", "")) },
    { "username", "both empty: the name first", S(P("", "")) },
    { "username", "both missing, one misspelt", S("{\"user\":\"Romel\",\"pass\":\"pass1425\"}") },
    { "username", "username twice", S("{\"username\":\"Romel\",\"username\":\"Romel\",\"password\":\"pass1425\"}") },
    { "password", "password twice", S("{\"password\":\"pass1425\",\"username\":\"Romel\",\"password\":\"pass1425\"}") },
    { "username", "username twice, once escaped",
      S("{\"username\":\"Romel\",\"\\u0075sername\":\"x\",\"password\":\"pw\"}") },
    { "username", "twice, the second a number",
      S("{\"username\":\"Romel\",\"username\":1,\"password\":\"pass1425\"}") },
    { "username", "256 bytes", S(P(X256("n"), "pw")) },
    { "username", "256 bytes in 128 characters", S(P(X64("\xc3\xbc\xc3\xbc"), "pw")) },
    { "username", "256 bytes in 64 characters", S(P(X64(GRIN), "pw")) },
    { "password", "1025 bytes", S(P("Romel", X4(X256("p")) "p")) },
    { "password", "1025 bytes in 513 characters", S(P("Romel", X256("\xc3\xbc\xc3\xbc") "p")) },
    { "password", "NUL alone", S(P("Romel", "\\u0000")) },
    { "password", "NUL behind the right one", S(P("Romel", "pass1425\\u0000")) },
    { "password", "NUL before it", S(P("Romel", "\\u0000pass1425")) },
    { "username", "NUL", S(P("Romel\\u0000", "pass1425")) },
    { "username", "U+0001", S(P("\\u0001", "pw")) },
    { "username", "LF", S(P("Ro\\nmel", "pw")) },
    { "username", "TAB", S(P("Romel\\t", "pw")) },
    { "username", "U+001F", S(P("\\u001f", "pw")) },
    { "username", "DEL", S(P("Romel\x7f", "pw")) },
    { "username", "DEL, escaped", S(P("\\u007FRomel", "pw")) },
    { "username", "U+0080", S(P("\xc2\x80", "pw")) },
    { "username", "U+0085, escaped", S(P("Romel\\u0085", "pw")) },
    { "username", "U+009F", S(P("a\xc2\x9f", "pw")) },
};

static void test_refused(void) {
    static char deep[5 + 10000] = "{\"x\":";
    static const char *const targets[] = { "/register", "/login", "/set-jwt", "/change-password" };
    memset(deep + 5, '[', 5000);
    memset(deep + 5005, ']', 5000);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        for (size_t t = 0; t < 4; t++) {
            post(targets[t], refused[i].body.at ? refused[i].body : (struct slice){ deep, sizeof deep });
            check(response.status == 400 && is_error(refused[i].word), "%s, %s: %d %.*s", targets[t], refused[i].why,
                  response.status, (int)response.body.len, response.body.at);
            check(response.no_store == (t > 0), "%s, %s: no-store", targets[t], refused[i].why);
        }
    }
}

/* ---- bodies that are taken, in this order ------------------------------ */

static const struct {
    int status;
    const char *target, *text, *why; /* `text`: the body, up to a token */
    struct slice body;
} taken[] = {
    { 400, "/register", TAKEN, "an account from elsewhere", S(P("Romel", "pass1425")) },
    { 400, "/register", TAKEN, "the password does not matter", S(P("Romel", "other")) },
    { 200, "/login", LOGGED_IN, "an account from elsewhere", S(P("Romel", "pass1425")) },
    { 200, "/set-jwt", CREATED, "the same", S(P("Romel", "pass1425")) },
    { 401, "/login", WRONG, "another password", S(P("Romel", "pass1426")) },
    { 401, "/set-jwt", WRONG, "another password", S(P("Romel", "pass1426")) },
    { 401, "/login", WRONG, "a part of it", S(P("Romel", "pass142")) },
    { 401, "/login", WRONG, "a letter more", S(P("Romel", "pass14255")) },
    { 401, "/login", WRONG, "in capitals", S(P("Romel", "PASS1425")) },
    { 401, "/login", WRONG, "a space more", S(P("Romel", "pass1425 ")) },
    { 404, "/login", UNKNOWN, "nobody", S(P("nobody", "pass1425")) },
    { 404, "/set-jwt", UNKNOWN, "nobody", S(P("nobody", "pass1425")) },
    { 404, "/login", UNKNOWN, "names are case-sensitive", S(P("romel", "pass1425")) },
    { 404, "/login", UNKNOWN, "a space before", S(P(" Romel", "pass1425")) },
    { 404, "/login", UNKNOWN, "a part of a name", S(P("Rome", "pass1425")) },

    { 200, "/login", LOGGED_IN, "a needless escape", S(P("\\u0052omel", "\\u0070ass1425")) },
    { 400, "/register", TAKEN, "a needless escape", S(P("\\u0052omel", "pw")) },
    { 200, "/login", LOGGED_IN, "white space",
      S("\r\n\t { \"username\" : \"Romel\" , \"password\" : \"pass1425\" } \n") },
    { 200, "/login", LOGGED_IN, "password first", S("{\"password\":\"pass1425\",\"username\":\"Romel\"}") },
    { 200, "/login", LOGGED_IN, "names in escapes",
      S("{\"user\\u006eame\":\"Romel\",\"pass\\u0077ord\":\"pass1425\"}") },
    { 200, "/login", LOGGED_IN, "more members",
      S("{\"a\":[1,{\"username\":\"x\"}],\"username\":\"Romel\",\"password\":\"pass1425\",\"b\":null}") },
    { 200, "/login", LOGGED_IN, "others twice",
      S("{\"a\":1,\"a\":2,\"username\":\"Romel\",\"password\":\"pass1425\",\"a\":3}") },

    { 201, "/register", REGISTERED, "new", S(P("ann", "secret of ann")) },
    { 400, "/register", TAKEN, "again", S(P("ann", "secret of ann")) },
    { 200, "/login", LOGGED_IN, "new", S(P("ann", "secret of ann")) },
    { 401, "/login", WRONG, "another's password", S(P("ann", "pass1425")) },
    { 201, "/register", REGISTERED, "another case is another name", S(P("Ann", "pw")) },
    { 201, "/register", REGISTERED, "more members",
      S("{\"username\":\"more\",\"password\":\"pw\",\"admin\":true,\"x\":[]}") },
    { 201, "/register", REGISTERED, "others twice", S("{\"x\":1,\"username\":\"twice\",\"x\":1,\"password\":\"pw\"}") },
    { 201, "/register", REGISTERED, "a space", S(P(" ", " ")) },
    { 200, "/login", LOGGED_IN, "a space", S(P("\\u0020", "\\u0020")) },
    { 201, "/register", REGISTERED, "one letter each", S(P("a", "b")) },
    { 201, "/register", REGISTERED, "UTF-8", S(P("\xc3\xbc\xf0\x9f\x98\x80", "p\xc3\xa4ss")) },
    { 400, "/register", TAKEN, "the same in escapes", S(P("\\u00fc\\ud83d\\ude00", "pw")) },
    { 200, "/login", LOGGED_IN, "the same in escapes", S(P("\\u00FC\\uD83D\\uDE00", "p\\u00e4ss")) },
    { 404, "/login", UNKNOWN, "u and a diaeresis are two characters",
      S(P("u\xcc\x88\xf0\x9f\x98\x80", "p\xc3\xa4ss")) },
    { 201, "/register", REGISTERED, "quotes, backslash, slash", S(P("\\\"\\\\\\/'<>&", "\\\"\\\\")) },
    { 200, "/login", LOGGED_IN, "quotes, backslash, slash", S(P("\\u0022\\u005c/'<>&", "\\u0022\\u005c")) },
    { 201, "/register", REGISTERED, "next to the control characters: U+0020, ~, U+00A0", S(P("! ~\xc2\xa0", "pw")) },
    { 201, "/register", REGISTERED, "U+0100, U+2028, U+FFFF", S(P("\xc4\x80\xe2\x80\xa8\xef\xbf\xbf", "pw")) },
    { 201, "/register", REGISTERED, "a password of control characters", S(P("ctl", "\\u0001\\n\\t\\u007f\\u0085")) },
    { 200, "/login", LOGGED_IN, "a password of control characters", S(P("ctl", "\\u0001\\n\\t\x7f\xc2\x85")) },
    { 201, "/register", REGISTERED, "a name of 255 bytes", S(P(X64("nnn") X16("nnn") "nnnnnnnnnnnnnnn", "pw")) },
    { 200, "/login", LOGGED_IN, "a name of 255 bytes", S(P(X64("nnn") X16("nnn") "nnnnnnnnnnnnnnn", "pw")) },
    { 201, "/register", REGISTERED, "255 bytes in 66 characters",
      S(P(X16(GRIN GRIN GRIN) X4(GRIN GRIN GRIN) GRIN GRIN GRIN "abc", "pw")) },
    { 201, "/register", REGISTERED, "a password of 1024 bytes", S(P("long", X4(X256("p")))) },
    { 200, "/login", LOGGED_IN, "all of it", S(P("long", X4(X256("p")))) },
    { 401, "/login", WRONG, "a byte less", S(P("long", X256("ppp") X64("ppp") X16("ppp") "ppppppppppppppp")) },
    { 401, "/login", WRONG, "its last byte another",
      S(P("long", X256("ppp") X64("ppp") X16("ppp") "pppppppppppppppq")) },

    { 400, "/login", "{\"error\":\"password", "members before accounts", S("{\"username\":\"nobody\"}") },
    { 400, "/register", "{\"error\":\"password", "members before accounts", S("{\"username\":\"Romel\"}") },

    { 201, "/register", REGISTERED, "new", S(P("cat", "first")) },
    { 400, "/change-password", "{\"error\":\"new_password is missing\"}\n", "none", S(P("cat", "first")) },
    { 400, "/change-password", "{\"error\":\"new_password is empty\"}\n", "empty", S(C("cat", "first", "")) },
    { 400, "/change-password", "{\"error\":\"new_password is too long\"}\n", "1025 bytes",
      S(C("cat", "first", X4(X256("p")) "p")) },
    { 400, "/change-password", "{\"error\":\"new_password has a NUL", "NUL", S(C("cat", "first", "sec\\u0000ond")) },
    { 400, "/change-password", "{\"error\":\"new_password is not a string\"}\n", "null",
      S("{\"username\":\"cat\",\"password\":\"first\",\"new_password\":null}") },
    { 400, "/change-password", "{\"error\":\"new_password is given twice\"}\n", "twice",
      S("{\"username\":\"cat\",\"new_password\":\"x\",\"password\":\"first\",\"new_password\":\"y\"}") },
    { 400, "/change-password", "{\"error\":\"new_password", "members before accounts", S(C("nobody", "x", "")) },
    { 404, "/change-password", UNKNOWN, "nobody", S(C("nobody", "first", "second")) },
    { 401, "/change-password", WRONG, "a wrong password", S(C("cat", "second", "second")) },
    { 200, "/login", LOGGED_IN, "none of these has changed it", S(P("cat", "first")) },
    { 200, "/change-password", CHANGED, "the right one", S(C("cat", "first", "zw\xc3\xb6lf")) },
    { 401, "/login", WRONG, "the old one", S(P("cat", "first")) },
    { 401, "/change-password", WRONG, "the old one", S(C("cat", "first", "third")) },
    { 200, "/login", LOGGED_IN, "the new one", S(P("cat", "zw\\u00f6lf")) },
    { 200, "/change-password", CHANGED, "to what it is", S(C("cat", "zw\xc3\xb6lf", "zw\xc3\xb6lf")) },
    { 200, "/change-password", CHANGED, "1024 bytes", S(C("cat", "zw\xc3\xb6lf", X4(X256("p")))) },
    { 200, "/login", LOGGED_IN, "all of it", S(P("cat", X4(X256("p")))) },
    { 200, "/login", LOGGED_IN, "new_password means nothing here", S(C("Romel", "pass1425", "")) },
    { 500, "/change-password", "{\"error\":\"The stored", "a hash of no use", S(C("unusable", "x", "y")) },
};

static void test_taken(void) {
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        bool about_token = strcmp(taken[i].target, "/register") != 0;
        post(taken[i].target, taken[i].body);
        check(response.status == taken[i].status &&
                  (taken[i].text[strlen(taken[i].text) - 1] == '\n' ? body_is(taken[i].text)
                                                                    : body_begins(taken[i].text)),
              "%s, %s: %d %.*s", taken[i].target, taken[i].why, response.status, (int)response.body.len,
              response.body.at);
        check(response.no_store == about_token, "%s, %s: no-store", taken[i].target, taken[i].why);
        check(response.status == 401 ? response.www_authenticate && strcmp(response.www_authenticate, "Bearer") == 0
                                     : !response.www_authenticate,
              "%s, %s: WWW-Authenticate", taken[i].target, taken[i].why);
        if (response.status == 200) {
            struct slice end = { response.body.at + response.body.len - 3, 3 };
            check(slice_is(end, "\"}\n"), "%s, %s: the end of the body", taken[i].target, taken[i].why);
        }
    }
}

/* scrypt:16:1:1$SALT$KEY, the salt 16 letters and digits, the key 128 hex digits */
static void test_new_hash(void) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    struct user a, b;
    post("/register", SLICE(P("salt-a", "same password")));
    post("/register", SLICE(P("salt-b", "same password")));
    if (users_find(api.users, SLICE("salt-a"), &a) != USERS_OK ||
        users_find(api.users, SLICE("salt-b"), &b) != USERS_OK) {
        check(false, "stored");
        return;
    }
    check(a.hash_len == 14 + 16 + 1 + 128 && memcmp(a.hash, "scrypt:16:1:1$", 14) == 0 && a.hash[30] == '$' &&
              strspn(a.hash + 14, alphabet) == 16 && strspn(a.hash + 31, "0123456789abcdef") >= 128,
          "the form of a new hash: %.*s", (int)a.hash_len, a.hash);
    check(memcmp(a.hash + 14, b.hash + 14, 16) != 0 && memcmp(a.hash + 31, b.hash + 31, 128) != 0,
          "every account its salt");
}

/* ---- tokens ----------------------------------------------------------- */

#define HEAD_PART "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
#define GUIDE /* of the original's guide: Romel until 1731545843 */                                                    \
    HEAD_PART "eyJzdWIiOiJSb21lbCIsImV4cCI6MTczMTU0NTg0M30.DSyanTRicIwLj9gNGiN1QOnzngb26uOIetFnaQxnyvY"
#define ROMEL /* until 2000000000 */                                                                                   \
    HEAD_PART "eyJzdWIiOiJSb21lbCIsImV4cCI6MjAwMDAwMDAwMH0.tMB1dk83wxTIU0_9USrajY_FY88vfwCYMHPiWFxf-ks"
#define ODD /* ünï\0é😀"<>&/ until 2000000000 */                                                                  \
    HEAD_PART "eyJzdWIiOiJcdTAwZmNuXHUwMGVmXHUwMDAwXHUwMGU5XHVkODNkXHVkZTAwXCI8PiYvIiwiZXhwIjoyMDAwMDAwMDAwfQ."        \
              "5vB4mQ86uN8n_0m_9TY5U2HgwOidjR1K6HJWsVnwgYQ"
#define ANOTHER_KEY /* Romel until 4102444800, signed with `another key` */                                            \
    HEAD_PART "eyJzdWIiOiJSb21lbCIsImV4cCI6NDEwMjQ0NDgwMH0.dV5rRgdhFDeTlnw_jcI2GiokhUAY32vICJXZUT6u_VI"

#define VALID "{\"message\":\"Token is valid\",\"user\":\"Romel\"}\n"
#define VALID_ODD "{\"message\":\"Token is valid\",\"user\":\"\\u00fcn\\u00ef\\u0000\\u00e9\\ud83d\\ude00\\\"<>&/\"}\n"

static const double IN_TIME = 1999999999.999, TOO_LATE = 2000000000;

static void test_get_jwt(void) {
    static const struct {
        int status;
        const char *text, *why;
        struct slice authorization;
        unsigned fields;
        const double *now;
    } rows[] = {
        { 400, MISSING, "no field", S(""), 0, &IN_TIME },
        { 400, MISSING, "a blank one", S(""), 1, &IN_TIME },
        { 200, VALID, "Bearer", S("Bearer " ROMEL), 1, &IN_TIME },
        { 200, VALID, "bearer", S("bearer " ROMEL), 1, &IN_TIME },
        { 200, VALID, "BEARER and three spaces", S("BEARER   " ROMEL), 1, &IN_TIME },
        { 200, VALID, "the token alone", S(ROMEL), 1, &IN_TIME },
        { 200, VALID_ODD, "escapes as Python's json.dumps writes them", S("Bearer " ODD), 1, &IN_TIME },
        { 401, EXPIRED, "exactly at its end", S("Bearer " ROMEL), 1, &TOO_LATE },
        { 401, EXPIRED, "the original's guide", S("Bearer " GUIDE), 1, &IN_TIME },
        { 401, EXPIRED, "alone, at its end", S(ROMEL), 1, &TOO_LATE },
        { 401, INVALID, "Bearer alone", S("Bearer"), 1, &IN_TIME },
        { 401, INVALID, "no space", S("Bearer" ROMEL), 1, &IN_TIME },
        { 401, INVALID, "a colon", S("Bearer: " ROMEL), 1, &IN_TIME },
        { 401, INVALID, "twice Bearer", S("Bearer Bearer " ROMEL), 1, &IN_TIME },
        { 401, INVALID, "two tokens", S("Bearer " ROMEL " " ROMEL), 1, &IN_TIME },
        { 401, INVALID, "something behind it", S("Bearer " ROMEL ", a"), 1, &IN_TIME },
        { 401, INVALID, "another scheme", S("Basic eA=="), 1, &IN_TIME },
        { 401, INVALID, "another scheme and a token", S("Token " ROMEL), 1, &IN_TIME },
        { 401, INVALID, "part of the scheme", S("Bear " ROMEL), 1, &IN_TIME },
        { 401, INVALID, "no token", S("Bearer x"), 1, &IN_TIME },
        { 401, INVALID, "another key", S("Bearer " ANOTHER_KEY), 1, &IN_TIME },
        { 401, INVALID, "two segments", S("Bearer eyJhbGciOiJIUzI1NiJ9.e30"), 1, &IN_TIME },
        { 401, INVALID, "two fields", S("Bearer " ROMEL), 2, &IN_TIME },
        { 401, INVALID, "two fields, expired", S("Bearer " ROMEL), 2, &TOO_LATE },
        { 401, INVALID, "two fields, the first blank", S(""), 2, &IN_TIME },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *at = guarded(rows[i].authorization.at, rows[i].authorization.len);
        verify((struct slice){ at, rows[i].authorization.len }, rows[i].fields, *rows[i].now);
        check(response.status == rows[i].status && body_is(rows[i].text), "get-jwt, %s: %d %.*s", rows[i].why,
              response.status, (int)response.body.len, response.body.at);
        check(response.no_store, "get-jwt, %s: no-store", rows[i].why);
        const char *www = response.www_authenticate;
        check(rows[i].status == 401 ? www && strncmp(www, "Bearer ", 7) == 0 && strstr(www, "error=\"invalid_token\"")
                                    : !www,
              "get-jwt, %s: WWW-Authenticate: %s", rows[i].why, www ? www : "none");
        guarded_free(at, rows[i].authorization.len);
    }
    api.leeway = 10;
    verify(SLICE(ROMEL), 1, TOO_LATE + 9.9);
    check(response.status == 200, "leeway: 9.9 seconds late");
    verify(SLICE(ROMEL), 1, TOO_LATE + 10);
    check(response.status == 401 && body_is(EXPIRED), "leeway: 10 seconds late");
    api.leeway = 0;
}

/* 2026-11-24, by `date -u -d 2026-11-24 +%s`; and the guide's token, which would be valid before it */
static void test_early_clock(void) {
    static const double RELEASED = 1795478400, EARLY[] = { 0, 86400, 1731545842, 1795478399 };
    for (size_t i = 0; i < sizeof EARLY / sizeof *EARLY; i++) {
        check(api_clock_fault(EARLY[i]) != NULL, "a clock at %.0f is early", EARLY[i]);
        verify(SLICE("Bearer " GUIDE), 1, EARLY[i]);
        check(response.status == 503 && is_error("clock") && response.retry_after > 0 && response.no_store,
              "no token is believed at %.0f: %d", EARLY[i], response.status);
        check(was_said() == (i == 0), "it is said once, not at %.0f", EARLY[i]);
    }
    call(find("POST", "/change-password", "application/json"),
         (struct api_call){ .body = SLICE(C("Romel", "pass1425", "new")), .work = &work, .now = *EARLY });
    check(response.status == 503 && is_error("clock") && response.retry_after > 0, "nor is one revoked: %d",
          response.status);
    check(api_clock_fault(RELEASED) == NULL, "the release's day is late enough");
    verify(SLICE("Bearer " ROMEL), 1, RELEASED);
    check(response.status == 200 && was_said(), "the clock is right again, and that is said");
    verify(SLICE("Bearer " ROMEL), 1, RELEASED);
    check(response.status == 200 && !was_said(), "once");
}

/* A key comes in front, and one falls out. */
static void test_new_keys(void) {
    struct jwt_keys keys = api.keys->keys, before = keys;
    keys.key[1] = keys.key[0];
    hmac_key_init(&keys.key[0], work.compress, "another key", 11);
    keys.count = 2;
    api_set_keys(api.keys, &keys);
    verify(SLICE(ROMEL), 1, IN_TIME);
    check(response.status == 200, "the old key goes on");
    verify(SLICE(ANOTHER_KEY), 1, IN_TIME);
    check(response.status == 200, "the new one counts");
    keys.count = 1;
    api_set_keys(api.keys, &keys);
    verify(SLICE(ROMEL), 1, IN_TIME);
    check(response.status == 401, "a key that fell out does not");
    api_set_keys(api.keys, &before);
    verify(SLICE(ROMEL), 1, IN_TIME);
    check(response.status == 200, "as it was");
}

/* The token of a log-in: valid for `ttl` seconds from now, for who logged in. */
static void test_token(void) {
    static const struct {
        const char *why, *user;
        struct slice body;
    } rows[] = {
        { "plain", "Romel", S(P("Romel", "pass1425")) },
        { "UTF-8", "\\u00fc\\ud83d\\ude00", S(P("\\u00fc\\ud83d\\ude00", "p\\u00e4ss")) },
        { "quotes, backslash, slash", "\\\"\\\\/'<>&", S(P("\\\"\\\\/'<>&", "\\\"\\\\")) },
        { "255 bytes", X64("nnn") X16("nnn") "nnnnnnnnnnnnnnn", S(P(X64("nnn") X16("nnn") "nnnnnnnnnnnnnnn", "pw")) },
    };
    static const int64_t ttls[] = { 1, 3600, 3153600000 };
    char expected[600];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t t = 0; t < 3; t++) {
            api.ttl = ttls[t];
            double ttl = (double)ttls[t], before = (double)time(NULL);
            post(t == 1 ? "/login" : "/set-jwt", rows[i].body);
            double after = (double)time(NULL);
            struct slice bearer = token();
            snprintf(expected, sizeof expected, "{\"message\":\"Token is valid\",\"user\":\"%s\"}\n", rows[i].user);
            verify(bearer, 1, before);
            check(response.status == 200 && body_is(expected), "%s: valid at once: %.*s", rows[i].why,
                  (int)response.body.len, response.body.at);
            verify(bearer, 1, before + ttl - 0.5);
            check(response.status == 200, "%s: valid to its end", rows[i].why);
            verify(bearer, 1, after + ttl);
            check(response.status == 401 && body_is(EXPIRED), "%s: expired then", rows[i].why);
        }
    }
    api.ttl = 3600;
}

/* ---- stored hashes ---------------------------------------------------- */

static size_t count_lines(void) {
    static char bytes[256 * 1024];
    size_t lines = 0;
    int fd = open(path, O_RDONLY);
    for (ssize_t n = read(fd, bytes, sizeof bytes); n-- > 0;) lines += bytes[n] == '\n';
    close(fd);
    return lines;
}

static const struct {
    const char *why;
    struct slice name, hash;
    bool stored_anew;
} strengths[] = {
    { "less scrypt", S("weak-scrypt"),
      S("scrypt:2:1:1$0123456789abcdef$"
        "65a304c7701232809c7a77eb7d56f387100d19ccded04f236b2d880f645df00922675788a670430779"
        "539020833b7dc995b02b908a7549713d3a201f0730b5ad"),
      true },
    { "PBKDF2", S("weak-pbkdf2"),
      S("pbkdf2:sha256:10$0123456789abcdef$c0d0d34fe434767d87c6f394f9ced2cfb7d099891b05cd15f7e6d9ba5a66182e"), true },
    { "as strong", S("equal"), S("scrypt:16:1:1" SALT_AND_KEY), false },
    { "stronger", S("strong"),
      S("scrypt:32:1:1$0123456789abcdef$"
        "6058a34433493429c0b3266a5540ae18db7368d4b83e1e133d8150d23d656b9978fe9f4e872aa50a5"
        "57488bd6d554acc92c0af909c2f6d58ea15af1f1171b7c4"),
      false },
};

static void test_strengthen(void) {
    for (size_t i = 0; i < sizeof strengths / sizeof *strengths; i++) {
        char right[100], wrong[100];
        struct user user;
        int n = snprintf(right, sizeof right, P("%s", "pass1425"), strengths[i].name.at);
        int m = snprintf(wrong, sizeof wrong, P("%s", "pass1426"), strengths[i].name.at);
        users_add(api.users, strengths[i].name, strengths[i].hash);
        size_t lines = count_lines();
        post("/login", (struct slice){ wrong, (size_t)m });
        check(response.status == 401 && count_lines() == lines, "%s: not stored anew for a wrong password",
              strengths[i].why);
        post("/login", (struct slice){ right, (size_t)n });
        check(response.status == 200 && body_begins(LOGGED_IN), "%s: log in: %d", strengths[i].why, response.status);
        check(count_lines() == lines + strengths[i].stored_anew, "%s: stored anew, or not", strengths[i].why);
        users_find(api.users, strengths[i].name, &user);
        bool same = slice_equal((struct slice){ user.hash, user.hash_len }, strengths[i].hash);
        check(strengths[i].stored_anew ? !same && memcmp(user.hash, "scrypt:16:1:1$", 14) == 0 : same,
              "%s: the hash: %.*s", strengths[i].why, (int)user.hash_len, user.hash);
        post("/login", (struct slice){ right, (size_t)n });
        check(response.status == 200 && count_lines() == lines + strengths[i].stored_anew, "%s: and then no more",
              strengths[i].why);
        post("/login", (struct slice){ wrong, (size_t)m });
        check(response.status == 401, "%s: a wrong password is still wrong", strengths[i].why);
    }
}

/* Of no use, or too costly: said so at once, computed never, and one line on descriptor 2. */
static const struct {
    const char *why, *hash;
} unusable[] = {
    { "a clear-text password", "pass1425" },
    { "Werkzeug's plain", "plain$$pass1425" },
    { "Werkzeug's md5", "md5$0123456789abcdef$5f4dcc3b5aa765d61d8327deb882cf99" },
    { "PBKDF2 with SHA-1", "pbkdf2:sha1:1000$0123456789abcdef$6b2bb1c643623a482129f0734c87d7d487af8aec" },
    { "bcrypt", "$2b$12$abcdefghijklmnopqrstuuAbCdEfGhIjKlMnOpQrStUvWxYz01234" },
    { "a key too short", "scrypt:16:1:1$0123456789abcdef$cddcaa78" },
    { "no key", "scrypt:16:1:1$0123456789abcdef$" },
    { "no salt", "scrypt:16:1:1" },
    { "a method alone", "scrypt" },
    { "N not a power of two", "scrypt:17:1:1" SALT_AND_KEY },
    { "N zero", "scrypt:0:1:1" SALT_AND_KEY },
    { "N 2^31", "scrypt:2147483648:8:1" SALT_AND_KEY },
    { "N 2^64", "scrypt:18446744073709551616:8:1" SALT_AND_KEY },
    { "r huge", "scrypt:16:1073741823:1" SALT_AND_KEY },
    { "p huge", "scrypt:16:1:1073741823" SALT_AND_KEY },
    { "four thousand million iterations",
      "pbkdf2:sha256:4000000000$0123456789abcdef$f9c081c2a9193479373049a4e219cf87bef2d47ca66f51f4ae99e21cd2ca84ab" },
};

static void test_unusable(void) {
    time_t start = time(NULL);
    for (size_t i = 0; i < sizeof unusable / sizeof *unusable; i++) {
        char name[32], body[100], line[512] = "";
        snprintf(name, sizeof name, "\xc3\xbc-unusable%zu", i);
        users_add(api.users, slice_of(name), slice_of(unusable[i].hash));
        int n = snprintf(body, sizeof body, P("%s", "pass1425"), name);
        post("/login", (struct slice){ body, (size_t)n });
        ssize_t len = pread(said_fd, line, sizeof line - 1, 0);
        check(response.status == 500 && is_error("") && response.no_store, "%s: %d %.*s", unusable[i].why,
              response.status, (int)response.body.len, response.body.at);
        check(len > 0 && strchr(line, '\n') == line + len - 1 && strstr(line, "unusable"), "%s: one line names it: %s",
              unusable[i].why, line);
        check(strstr(line, unusable[i].hash) == NULL, "%s: the hash is not told: %s", unusable[i].why, line);
    }
    check(time(NULL) - start <= 2, "no cost is computed before it is refused");
}

/* ---- what costs nothing ----------------------------------------------- */

static unsigned hashed; /* blocks, by a worker */

static void counting_compress(uint32_t H[8], const uint32_t M[16]) {
    hashed++;
    sha256_compress_portable(H, M);
}

/* A taken name is found before any hashing; so is all else that needs none. */
static void test_no_hashing(void) {
    static const struct {
        int status;
        const char *target;
        struct slice body;
        bool hashes;
    } rows[] = {
        { 400, "/register", S(P("Romel", "other")), false },
        { 400, "/register", S(P("Romel", "")), false },
        { 400, "/login", S(P("Romel", "\\u0000")), false },
        { 404, "/login", S(P("nobody", "pass1425")), false },
        { 500, "/login", S(P("\xc3\xbc-unusable1", "pass1425")), false },
        { 404, "/change-password", S(C("nobody", "pass1425", "x")), false },
        { 400, "/change-password", S(C("Romel", "pass1425", "")), false },
        { 200, "/login", S(P("Romel", "pass1425")), true },
        { 401, "/login", S(P("Romel", "pass1426")), true },
        { 201, "/register", S(P("new one", "pass1425")), true },
    };
    work.compress = counting_compress;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        hashed = 0;
        post(rows[i].target, rows[i].body);
        check(response.status == rows[i].status && (hashed > 0) == rows[i].hashes, "%s %.*s: %d, %u blocks hashed",
              rows[i].target, (int)rows[i].body.len, rows[i].body.at, response.status, hashed);
    }
    work.compress = sha256_compress_portable;
}

/* ---- who may register ------------------------------------------------- */

#define CLOSED "{\"error\":\"Registration is closed\"}\n"

/* In a file of its own, row after row. The media type is looked at before, all of the body after it. */
static void test_registration(void) {
    static const struct {
        enum api_registration registration;
        int status;
        const char *why;
        struct slice body;
        bool deleted; /* the account "one", before it is asked */
    } rows[] = {
        { API_CLOSED, 403, "closed", S(P("one", "pass1425")), false },
        { API_CLOSED, 403, "closed, before the JSON is read", S("{"), false },
        { API_FIRST, 400, "first: no JSON, and it stays open", S("{"), false },
        { API_FIRST, 400, "first: no password, and it stays open", S(P("one", "")), false },
        { API_FIRST, 201, "first: the first", S(P("one", "pass1425")), false },
        { API_FIRST, 403, "first: the second", S(P("two", "pass1425")), false },
        { API_FIRST, 403, "first: the name that is taken, which is not told", S(P("one", "pass1425")), false },
        { API_FIRST, 403, "first: before the JSON is read", S("{"), false },
        { API_CLOSED, 403, "closed: the name that is taken, which is not told", S(P("one", "pass1425")), false },
        { API_OPEN, 400, "open: the name that is taken", S(P("one", "pass1425")), false },
        { API_FIRST, 403, "first: the only account is deleted", S(P("two", "pass1425")), true },
        { API_OPEN, 201, "open: the only account is deleted", S(P("one", "pass1425")), false },
    };
    struct users *kept = api.users;
    struct user user;
    char other_path[96];
    snprintf(other_path, sizeof other_path, "%s/registration.jsonl", dir);
    api.users = users_open(other_path, work.compress, (const uint8_t *)"sixteen bytes of", api.ttl);
    work.compress = counting_compress;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].deleted && (users_find(api.users, SLICE("one"), &user) != USERS_OK ||
                                users_store(api.users, SLICE("one"), &user, NULL) != USERS_OK))
            abort();
        hashed = 0;
        api.registration = rows[i].registration;
        post("/register", rows[i].body);
        check(response.status == rows[i].status && (hashed > 0) == (rows[i].status == 201) &&
                  body_is(CLOSED) == (rows[i].status == 403),
              "register, %s: %d %.*s, %u blocks hashed", rows[i].why, response.status, (int)response.body.len,
              response.body.at, hashed);
    }
    work.compress = sha256_compress_portable;
    api.registration = API_CLOSED;
    post("/login", SLICE(P("one", "pass1425")));
    check(response.status == 200, "closed: log in: %d", response.status);
    check(find("POST", "/register", "text/plain") == NULL && response.status == 415, "closed: the media type is first");
    api.registration = API_OPEN;
    users_close(api.users);
    unlink(other_path);
    api.users = kept;
}

/* ---- what is counted and told ----------------------------------------- */

#define T_FUTURE /* {"sub":"Romel","exp":4102444800} with your_secret_key */                                           \
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJSb21lbCIsImV4cCI6NDEwMjQ0NDgwMH0."                                \
    "MuOZA_nGgAc28HiHoheNgQvkEgfostU5mWTBENR7QP4"
#define T_EMPTY /* the same of "" */                                                                                   \
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIiLCJleHAiOjQxMDI0NDQ4MDB9."                                       \
    "nnjIo3ZvkoDgqQn-bddxjC-QKgJK9wRZ8LSeYKJElWM"

/* Each adds one to one number, and `hashes` to those of hashes. */
static const struct {
    const char *route; /* NULL: a token */
    struct slice given;
    unsigned fields;
    double now;
    enum metrics_number number;
    unsigned hashes;
    const char *user; /* whose it was; NULL: nobody's */
} counted[] = {
    { NULL, S("Bearer " T_FUTURE), 1, 1800000000, METRICS_TOKEN_VALID, 0, "Romel" },
    { NULL, S(T_EMPTY), 1, 1800000000, METRICS_TOKEN_VALID, 0, "" },
    { NULL, S("Bearer " T_FUTURE), 1, 4102444800, METRICS_TOKEN_EXPIRED, 0, NULL },
    { NULL, S("Bearer " T_FUTURE "x"), 1, 1800000000, METRICS_TOKEN_INVALID, 0, NULL },
    { NULL, S("Bearer " T_FUTURE), 2, 1800000000, METRICS_TOKEN_INVALID, 0, NULL },
    { NULL, S("Bearer"), 1, 1800000000, METRICS_TOKEN_INVALID, 0, NULL },
    { NULL, S(""), 0, 1800000000, METRICS_TOKEN_MISSING, 0, NULL },
    { NULL, S(""), 1, 1800000000, METRICS_TOKEN_MISSING, 0, NULL },
    { "/login", S(P("Romel", "pass1425")), 0, 0, METRICS_LOGIN_OK, 1, "Romel" },
    { "/set-jwt", S(P("Romel", "pass1425")), 0, 0, METRICS_LOGIN_OK, 1, "Romel" },
    { "/login", S(P("Romel", "wrong")), 0, 0, METRICS_LOGIN_WRONG_PASSWORD, 1, NULL },
    { "/login", S(P("nobody", "pass1425")), 0, 0, METRICS_LOGIN_UNKNOWN_USER, 0, NULL },
    { "/login", S(P("unusable", "pass1425")), 0, 0, METRICS_LOGIN_UNUSABLE_HASH, 0, NULL },
    { "/login", S("{}"), 0, 0, METRICS_NUMBERS, 0, NULL },
    { "/register", S(P("counted", "pass1425")), 0, 0, METRICS_NUMBERS, 1, NULL },
    { "/register", S(P("Romel", "pass1425")), 0, 0, METRICS_NUMBERS, 0, NULL },
};

static unsigned long number(unsigned i) { return atomic_load(&counts.at[i]); }

/* Of a range of numbers. */
static unsigned long together(unsigned from, unsigned to) {
    unsigned long sum = 0;
    for (unsigned i = from; i < to; i++) sum += number(i);
    return sum;
}

static void test_counts(void) {
    users_add(api.users, SLICE("unusable"), SLICE("scrypt:16:1:1$x$y"));
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++) {
        unsigned long one = counted[i].number < METRICS_NUMBERS ? number(counted[i].number) : 0;
        unsigned long all = together(0, METRICS_HASH_MS);
        unsigned long hashes = together(METRICS_HASHES, METRICS_HASHES + METRICS_HASH_BUCKETS);
        unsigned expected = counted[i].number < METRICS_NUMBERS;
        if (counted[i].route)
            post(counted[i].route, counted[i].given);
        else
            verify(counted[i].given, counted[i].fields, counted[i].now);
        check((counted[i].number == METRICS_NUMBERS || number(counted[i].number) == one + 1) &&
                  together(0, METRICS_HASH_MS) == all + expected,
              "counted, row %zu: its number, and no other", i);
        check(together(METRICS_HASHES, METRICS_HASHES + METRICS_HASH_BUCKETS) == hashes + counted[i].hashes,
              "counted, row %zu: %u hashes", i, counted[i].hashes);
        check(counted[i].user ? whose.at && slice_is(whose, counted[i].user) : whose.at == NULL,
              "counted, row %zu: the user is %.*s", i, (int)whose.len, whose.at ? whose.at : "");
    }
}

static bool says(const char *text) { return memmem(response.body.at, response.body.len, text, strlen(text)) != NULL; }

static void test_told(void) {
    call(find("GET", "/healthz", NULL), (struct api_call){ .now = 1800000000 });
    check(response.status == 200 && body_is("{\"status\":\"ok\"}\n") && response.no_store, "/healthz: %d %.*s",
          response.status, (int)response.body.len, response.body.at);
    call(find("GET", "/healthz", NULL), (struct api_call){ .now = 0 });
    check(response.status == 503 && says("clock") && was_said(), "/healthz and an early clock: %d", response.status);
    call(find("GET", "/healthz", NULL), (struct api_call){ .now = 1800000000 });
    check(response.status == 200 && was_said(), "/healthz sees that it is right again");
    call(find("GET", "/healthz", NULL), (struct api_call){ .now = 1800000000 });
    check(response.status == 200 && !was_said(), "and says it once");
    metrics_request(&counts, 0, 404);
    call(find("GET", "/metrics", NULL), (struct api_call){ .now = 1790000000 });
    check(response.status == 200 && response.no_store &&
              says("\njwtd_http_requests_total{route=\"other\",code=\"404\"} 1\n") &&
              says("\njwtd_build_info{version=\"0\",libc=\"none\"} 1\n") &&
              says("\nprocess_start_time_seconds 1790000000\n"),
          "/metrics: %.*s", (int)response.body.len, response.body.at);
    check(!says("Romel") && !says("counted"), "/metrics names no user");
    api.started = 86400; /* the clock was set since, and a minute has gone */
    api.began = api_nanoseconds() - 60500000000;
    call(find("GET", "/metrics", NULL), (struct api_call){ .now = 1800000061.25 });
    check(says("\nprocess_start_time_seconds 1800000000\n"), "/metrics: a start with an early clock");
    call(find("GET", "/metrics", NULL), (struct api_call){ .now = 86400 });
    check(says("\nprocess_start_time_seconds 86400\n"), "/metrics: which is early still");
    api.started = 1790000000;
    for (unsigned i = 0; i < METRICS_NUMBERS; i++) metrics_set(&counts, i, (unsigned long)-1);
    call(find("HEAD", "/metrics", NULL), (struct api_call){ .now = 1790000000 });
    check(response.status == 200 && says("\nprocess_start_time_seconds "), "/metrics has room for any number of all");
    memset(&counts, 0, sizeof counts);
}

/* ---- tokens that are revoked ------------------------------------------- */

static struct users *other_owner; /* of the file */

static void act(const char *name, const char *hash) { /* NULL: delete; "": the same one, and revoke */
    struct user seen, user = { .hash_len = hash ? strlen(hash) : 0 };
    if (hash) memcpy(user.hash, hash, user.hash_len);
    if (users_find(other_owner, slice_of(name), &seen) != USERS_OK || users_revoke(other_owner, slice_of(name), &seen,
                                                                                   hash == NULL ? NULL
                                                                                   : *hash      ? &user
                                                                                                : &seen) != USERS_OK)
        abort();
}

static bool is_valid(struct slice bearer) {
    verify(bearer, 1, (double)time(NULL));
    bool valid = response.status == 200;
    check(valid || (response.status == 401 && body_is(INVALID) && strstr(response.www_authenticate, "invalid_token")),
          "revoked: %d %.*s", response.status, (int)response.body.len, response.body.at);
    return valid;
}

/* The token of a log-in, good for seven more. */
static struct slice log_in(struct slice body) {
    static char room[8][API_TEXT_MAX];
    static unsigned n;
    post("/login", body);
    struct slice t = token();
    return (struct slice){ memcpy(room[n++ % 8], t.at, t.len), t.len };
}

static void test_revoked(void) {
    post("/register", SLICE(P("dan", "first")));
    post("/register", SLICE(P("eve", "first")));
    struct slice first = log_in(SLICE(P("dan", "first"))), eve = log_in(SLICE(P("eve", "first")));
    check(is_valid(first) && is_valid(eve), "before");
    post("/change-password", SLICE(C("dan", "wrong", "x")));
    post("/change-password", SLICE(C("dan", "first", "")));
    check(is_valid(first), "a change that is refused");
    post("/change-password", SLICE(C("dan", "first", "second")));
    check(body_is(CHANGED) && !is_valid(first) && is_valid(eve), "a change of one password");
    struct slice second = log_in(SLICE(P("dan", "second")));
    check(is_valid(second) && !is_valid(first), "a log-in behind it, in the same second");
    act("dan", "");
    users_refresh(api.users);
    check(!is_valid(second) && !is_valid(first), "revoked by another process");
    struct slice third = log_in(SLICE(P("dan", "second")));
    check(is_valid(third) && !is_valid(second), "and the next log-in");
    act("dan", NULL);
    users_refresh(api.users);
    check(!is_valid(third), "deleted");
    post("/register", SLICE(P("dan", "fourth")));
    struct slice fourth = log_in(SLICE(P("dan", "fourth")));
    check(is_valid(fourth) && !is_valid(third) && !is_valid(first) && is_valid(eve), "registered again");
    act("eve", "scrypt:2:1:1$0123456789abcdef$65a304c7701232809c7a77eb7d56f387100d19ccded04f236b2d880f645df009226757"
               "88a670430779539020833b7dc995b02b908a7549713d3a201f0730b5ad"); /* of pass1425 */
    struct slice weak = log_in(SLICE(P("eve", "pass1425")));
    check(!is_valid(eve) && is_valid(weak) && is_valid(log_in(SLICE(P("eve", "pass1425")))),
          "a hash that a log-in makes stronger");
}

/* One that somebody else made with the key tells by its iat. */
static void test_others_tokens(void) {
    struct user seen;
    char claims[200], encoded[300];
    uint8_t mac[SHA256_DIGEST];
    post("/register", SLICE(P("fay", "first")));
    act("fay", "");
    users_refresh(api.users);
    users_find(api.users, SLICE("fay"), &seen);
    for (int ahead = -1; ahead <= 1; ahead++) {
        struct buffer b = { .at = encoded, .cap = sizeof encoded };
        int n = snprintf(claims, sizeof claims, "{\"sub\":\"fay\",\"iat\":%lld,\"exp\":9000000000}",
                         (long long)seen.not_before + ahead);
        put_text(&b, HEAD_PART);
        b.len += base64url_encode(claims, (size_t)n, b.at + b.len);
        hmac_sha256(&shared.keys.key[0], b.at, b.len, mac);
        put_char(&b, '.');
        b.len += base64url_encode(mac, sizeof mac, b.at + b.len);
        verify((struct slice){ b.at, b.len }, 1, (double)seen.not_before + 1);
        check(response.status == (ahead > 0 ? 200 : 401), "given %d seconds behind: %d", ahead, response.status);
    }
}

/* Another process comes between the look at the account and what is done about it: while the password is hashed. */
static const struct race {
    const char *why, *target, *hash, *text;
    int status;
} races[] = {
#define STRONGER                                                                                                       \
    "scrypt:32:1:1$0123456789abcdef$6058a34433493429c0b3266a5540ae18db7368d4b83e1e133d8150d23d656b9978fe9f4e872aa50a5" \
    "57488bd6d554acc92c0af909c2f6d58ea15af1f1171b7c4"
#define OTHER "pbkdf2:sha256:10$0123456789abcdef$0000000000000000000000000000000000000000000000000000000000000000"
    { "a log-in that is overtaken", "/login", "", LOGGED_IN, 200 },
    { "by another password", "/login", OTHER, LOGGED_IN, 200 },
    { "by a deletion", "/login", NULL, LOGGED_IN, 200 },
    { "a change that is overtaken", "/change-password", "", CHANGED, 200 },
    { "by a stronger hash", "/change-password", STRONGER, CHANGED, 200 },
    { "by another password", "/change-password", OTHER, WRONG, 401 },
    { "by a deletion", "/change-password", NULL, UNKNOWN, 404 },
};
static const struct race *race;
static char racer[32];

static void racing_compress(uint32_t H[8], const uint32_t M[16]) {
    const struct race *now = race;
    race = NULL;
    if (now) {
        act(racer, now->hash);
        users_refresh(api.users); /* as main does meanwhile */
    }
    sha256_compress_portable(H, M);
}

static void test_overtaken(void) {
    char body[200];
    for (size_t i = 0; i < sizeof races / sizeof *races; i++) {
        snprintf(racer, sizeof racer, "racer%zu", i);
        users_add(api.users, slice_of(racer), SLICE("scrypt:16:1:1" SALT_AND_KEY));
        int n = snprintf(body, sizeof body, C("%s", "pass1425", "new"), racer);
        race = &races[i];
        work.compress = racing_compress;
        post(races[i].target, (struct slice){ body, (size_t)n });
        work.compress = sha256_compress_portable;
        check(race == NULL && response.status == races[i].status && body_begins(races[i].text), "%s %s: %d %.*s",
              races[i].target, races[i].why, response.status, (int)response.body.len, response.body.at);
        if (strcmp(races[i].target, "/login") != 0) continue;
        struct slice bearer = token();
        users_refresh(api.users);
        check(!is_valid(bearer), "%s: the token was given for what was revoked", races[i].why);
    }
}

/* ---- for proxies and browsers ------------------------------------------ */

/* Parses a request as it is sent, goes its way, and answers; the server's part is copied from server.c. */
static int ask(const char *raw, double now) {
    static char request[HTTP_REQUEST_MAX];
    struct http_request r = { 0 };
    size_t len = strlen(raw);
    memcpy(request, raw, len);
    check(http_parse(&r, request, &len) == HTTP_DONE, "a request: %s", raw);
    struct api_call call = { .api = &api,
                             .authorization = http_slice(request, r.authorization),
                             .authorizations = r.authorizations,
                             .cookie = http_slice(request, r.cookie),
                             .cookies = r.cookies,
                             .body = http_slice(request, r.body),
                             .now = now,
                             .work = &work,
                             .copy = &keys_copy,
                             .counts = &counts,
                             .text = { .at = text_bytes, .cap = sizeof text_bytes } };
    listen_begin();
    if (api_find(&call, &r, request)) api_answer(&call);
    listen_end();
    response = call.response;
    check(!call.text.overflow, "the answer fits: %s", raw);
    return response.status;
}

/* The values of the answer's lines of that name; `lines` gets their number. */
static struct slice line_of(const char *name, unsigned *lines) {
    struct slice rest = response.field_lines, found = { "", 0 };
    *lines = 0;
    while (rest.len > 0) {
        struct slice line = slice_cut(&rest, '\n'), value = line, key = slice_cut(&value, ':');
        if (!slice_is(key, name) || value.len < 2 || value.at[0] != ' ') continue;
        found = (struct slice){ value.at + 1, value.len - 2 };
        ++*lines;
    }
    return found;
}

/* A request with one token for each '$', and another for each '@'. */
static const char *filled(const char *text, const char *romel, const char *other) {
    static char out[HTTP_REQUEST_MAX];
    struct buffer b = { .at = out, .cap = sizeof out };
    for (; *text; text++)
        if (*text == '$' || *text == '@')
            put_text(&b, *text == '$' ? romel : other);
        else
            put_char(&b, *text);
    put_char(&b, '\0');
    return out;
}

static const char *made(const char *name, size_t len, int64_t exp) {
    static char rooms[2][8192]; /* the last two are kept */
    static unsigned turn;
    char *out = memset(rooms[turn++ % 2], 0, sizeof rooms[0]);
    struct buffer b = { .at = out, .cap = 8191 };
    jwt_put_claims(&b, &shared.keys.key[0], (struct slice){ name, len }, -1, exp, 0);
    return out;
}

#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"
#define HERE "Sec-Fetch-Site: same-origin\r\n"
#define REFERER(host, next) "Referer: https://" host "/auth/?next=" next "\r\n"
#define GOOD "username=Romel&password=pass1425"
#define NONE ""

#define B "Authorization: Bearer "
#define K "Cookie: jwtd="

static const struct {
    const char *why, *method_and_path, *fields, *user; /* NULL: 401 */
    bool given;                                        /* a 401 says that the token is the fault */
    bool only_cookie;                                  /* without --cookie it is 401, and nothing was given */
} verifies[] = {
    { "a token", "GET /verify", B "$\r\n", "Romel", true, false },
    { "a bare token", "GET /verify", "Authorization: $\r\n", "Romel", true, false },
    { "HEAD", "HEAD /verify", B "$\r\n", "Romel", true, false },
    { "POST", "POST /verify", B "$\r\n", "Romel", true, false },
    { "OPTIONS", "OPTIONS /verify", B "$\r\n", "Romel", true, false },
    { "any method", "MKCOL /verify", B "$\r\n", "Romel", true, false },
    { "below it", "GET /verify/a/b?c", B "$\r\n", "Romel", true, false },
    { "a slash", "GET /verify/", B "$\r\n", "Romel", true, false },
    { "a query", "GET /verify?a=1", B "$\r\n", "Romel", true, false },
    { "a media type", "POST /verify", "Content-Type: text/plain\r\n" B "$\r\n", "Romel", true, false },
    { "a form", "POST /verify", FORM B "$\r\n", "Romel", true, false },
    { "a form of this host", "POST /verify/x", FORM HERE B "$\r\n", "Romel", true, false },
    { "a form and nothing", "POST /verify", FORM, NULL, false, false },
    { "nothing", "GET /verify", "", NULL, false, false },
    { "nothing, HEAD", "HEAD /verify/x", "", NULL, false, false },
    { "nothing, OPTIONS", "OPTIONS /verify", "", NULL, false, false },
    { "blank", "GET /verify", "Authorization: \r\n", NULL, false, false },
    { "the scheme alone", "GET /verify", "Authorization: Bearer\r\n", NULL, true, false },
    { "another scheme", "GET /verify", "Authorization: Basic Um9tZWw6eA==\r\n", NULL, true, false },
    { "a letter more", "GET /verify", B "$x\r\n", NULL, true, false },
    { "two", "GET /verify", B "$\r\n" B "$\r\n", NULL, true, false },
    { "what the client says of itself", "GET /verify", "Remote-User: Romel\r\n", NULL, false, false },
    { "a cookie", "GET /verify", K "$\r\n", "Romel", true, true },
    { "a cookie among others", "GET /verify", "Cookie: a=b; jwtd=$; c=d\r\n", "Romel", true, true },
    { "a cookie beside a blank Authorization", "GET /verify", "Authorization: \r\n" K "$\r\n", "Romel", true, true },
    { "no token in the cookie", "GET /verify", K "\r\n", NULL, false, true },
    { "another cookie", "GET /verify", "Cookie: token=$\r\n", NULL, false, true },
    { "a letter more in the cookie", "GET /verify", K "$x\r\n", NULL, true, true },
    { "a scheme in the cookie", "GET /verify", K "Bearer $\r\n", NULL, true, true },
    { "the cookie twice", "GET /verify", "Cookie: jwtd=$; jwtd=$\r\n", NULL, true, true },
    { "the cookie twice, once empty", "GET /verify", "Cookie: jwtd=$; jwtd=\r\n", NULL, true, true },
    { "two Cookie fields", "GET /verify", K "$\r\nCookie: a=b\r\n", NULL, true, true },
    { "both: Authorization counts", "GET /verify", B "@\r\n" K "$\r\n", "X", true, false },
    { "both, and its token is wrong", "GET /verify", B "x\r\n" K "$\r\n", NULL, true, false },
    { "both, and the cookie is wrong", "GET /verify", B "$\r\n" K "x\r\n", "Romel", true, false },
};

static void test_verify(void) {
    const char *romel = made("Romel", 5, 1800001000), *other = made("X", 1, 1800001000);
    char raw[512];
    unsigned lines;
    for (size_t i = 0; i < 2 * (sizeof verifies / sizeof *verifies); i++) {
        size_t k = i / 2;
        api.cookie = i % 2;
        bool right = verifies[k].user && (api.cookie || !verifies[k].only_cookie);
        bool given = verifies[k].given && (api.cookie || !verifies[k].only_cookie);
        snprintf(raw, sizeof raw, "%s HTTP/1.1\r\nHost: a\r\n%s\r\n", verifies[k].method_and_path, verifies[k].fields);
        int status = ask(filled(raw, romel, other), 1800000000);
        struct slice user = line_of("Remote-User", &lines);
        check(status == (right ? 204 : 401) && response.no_store && lines == 1 &&
                  slice_is(user, right ? verifies[k].user : "") && (response.body.len == 0) == right,
              "verify, %s%s: %d, %u of %.*s", verifies[k].why, api.cookie ? ", --cookie" : "", status, lines,
              (int)user.len, user.at);
        const char *www = right ? NULL : given ? "Bearer error=\"invalid_token\"" : "Bearer";
        check(www ? response.www_authenticate && strcmp(response.www_authenticate, www) == 0
                  : !response.www_authenticate,
              "verify, %s: WWW-Authenticate", verifies[k].why);
    }
    ask(filled("GET /get-jwt HTTP/1.1\r\nHost: a\r\n" K "$\r\n\r\n", romel, ""), 1800000000);
    check(response.status == 200 && body_is("{\"message\":\"Token is valid\",\"user\":\"Romel\"}\n"),
          "get-jwt: a cookie");
    ask(filled("GET /get-jwt HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\n\r\n", romel, ""), 1800000000);
    check(response.status == 400 && body_is(MISSING), "get-jwt: no such cookie");
    ask(filled("GET /get-jwt HTTP/1.1\r\nHost: a\r\n" K "$; jwtd=$\r\n\r\n", romel, ""), 1800000000);
    check(response.status == 401 && body_is(INVALID), "get-jwt: the cookie twice");
    api.cookie = false;
    check(ask(filled("GET /verify HTTP/1.1\r\nHost: a\r\n" B "$\r\n\r\n", romel, ""), 1800001000) == 401 &&
              body_is(EXPIRED),
          "verify: expired");
    api.cookie = true;
    ask(filled("GET /verify HTTP/1.1\r\nHost: a\r\n" B "$\r\n\r\n", romel, ""), 1000);
    check(response.status == 401 && is_error("clock") && line_of("Remote-User", &lines).len == 0 && lines == 1 &&
              response.no_store,
          "verify: an early clock is 401 too");
    char kept[2048] = "";
    struct slice mine = log_in(SLICE(P("eve", "pass1425")));
    memcpy(kept, mine.at, mine.len);
    for (int back = 0; back < 2; back++) {
        ask(filled("GET /verify HTTP/1.1\r\nHost: a\r\n" K "$\r\n\r\n", kept, ""), (double)time(NULL));
        check(response.status == (back ? 401 : 204) && slice_is(line_of("Remote-User", &lines), back ? "" : "eve"),
              "verify: revoked: %d", response.status);
        act("eve", "");
        users_refresh(api.users);
    }
    ask("POST /login HTTP/1.1\r\nHost: a\r\n" FORM HERE "Content-Length: 30\r\n\r\nusername=Romel&password=pass142",
        1000);
    check(response.status == 303 && slice_is(line_of("Location", &lines), "./?error=busy#error-busy"),
          "form: an early clock");
    api.cookie = false;
}

/* Names that only somebody else with the key can have put into a token, or that a field would change. */
static void test_verify_names(void) {
    static const struct {
        struct slice name;
        bool carried;
    } names[] = {
        { S("Romel"), true },  { S("a b"), true },     { S("\xc3\xbc"), true },   { S("a, b"), true },
        { S(""), false },      { S(" Romel"), false }, { S("Romel "), false },    { S("Romel\t"), false },
        { S("a\tb"), false },  { S("a\0b"), false },   { S("a\r\nX: b"), false }, { S("a\nb"), false },
        { S("a\x7f"), false }, { S("\x01"), false },
    };
    char longest[JWT_SUB_MAX];
    unsigned lines;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *one = made(names[i].name.at, names[i].name.len, 1800001000);
        int status = ask(filled("GET /verify HTTP/1.1\r\nHost: a\r\n" B "$\r\n\r\n", one, ""), 1800000000);
        struct slice user = line_of("Remote-User", &lines);
        check(status == (names[i].carried ? 204 : 401) && lines == 1 &&
                  slice_equal(user, names[i].carried ? names[i].name : (struct slice){ "", 0 }),
              "verify: name %zu: %d", i, status);
    }
    memset(longest, '"', sizeof longest);
    ask(filled("GET /verify HTTP/1.1\r\nHost: a\r\n" B "$\r\n\r\n", made(longest, sizeof longest, 1800001000), ""),
        1800000000);
    check(response.status == 204 && line_of("Remote-User", &lines).len == sizeof longest, "verify: the longest name");
}

/* What is no whole request, at /verify and elsewhere. */
static void test_refuse(void) {
    static const struct {
        const char *path;
        int status, expected;
    } rows[] = {
        { "/verify", 400, 401 }, { "/verify", 408, 401 },  { "/verify", 413, 401 }, { "/verify/x", 414, 401 },
        { "/verify", 431, 401 }, { "/verify", 501, 401 },  { "/verify", 417, 401 }, { "/verify", 505, 401 },
        { "/login", 431, 431 },  { "/verifyx", 431, 431 }, { "/", 408, 408 },       { "", 431, 431 },
        { "/login", 400, 400 },  { "", 400, 400 },
    };
    unsigned lines;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct api_call call = { .api = &api, .text = { .at = text_bytes, .cap = sizeof text_bytes } };
        api_refuse(&call, slice_of(rows[i].path), rows[i].status, "why");
        response = call.response;
        struct slice user = line_of("Remote-User", &lines);
        check(response.status == rows[i].expected && body_is("{\"error\":\"why\"}\n") && user.len == 0 &&
                  lines == api_needs_no_body(slice_of(rows[i].path)) &&
                  (response.www_authenticate != NULL) == (response.status == 401),
              "refuse: %s with %d: %d", rows[i].path, rows[i].status, response.status);
        bool known = *rows[i].path && strcmp(rows[i].path, "/verifyx") != 0;
        check((api_route_number(&call) > 0) == known && response.no_store == (known && strcmp(rows[i].path, "/") != 0),
              "refuse: %s is a route: %u, %d", rows[i].path, api_route_number(&call), response.no_store);
    }
}

static const struct {
    const char *why, *target, *fields, *body;
    int status;
    const char *location; /* of 303 */
    bool sets;            /* a cookie */
} forms[] = {
    { "a log-in", "/login", FORM HERE, GOOD, 303, "/", true },
    { "not at set-jwt", "/set-jwt", FORM HERE, GOOD, 415, NULL, false },
    { "not at set-jwt, from elsewhere", "/set-jwt", FORM "Sec-Fetch-Site: cross-site\r\n", GOOD, 415, NULL, false },
    { "not to change a password", "/change-password", FORM HERE, GOOD "&new_password=x", 415, NULL, false },
    { "nor from elsewhere", "/change-password", FORM, GOOD "&new_password=x", 415, NULL, false },
    { "a charset", "/login", "Content-Type: Application/X-WWW-Form-Urlencoded; charset=utf-8\r\n" HERE, GOOD, 303, "/",
      true },
    { "Origin", "/login", FORM "Origin: https://a\r\n", GOOD, 303, "/", true },
    { "next", "/login", FORM HERE, GOOD "&next=%2Fprivate%3Fa%3D1%26b%3D2", 303, "/private?a=1&b=2", true },
    { "next, beside other fields", "/login", FORM HERE, "x=y&next=/p&" GOOD, 303, "/p", true },
    { "next: another host", "/login", FORM HERE, GOOD "&next=//evil", 303, "/", true },
    { "next: another host, escaped", "/login", FORM HERE, GOOD "&next=%2F%2Fevil", 303, "/", true },
    { "next: a backslash", "/login", FORM HERE, GOOD "&next=/%5Cevil", 303, "/", true },
    { "next: a URL", "/login", FORM HERE, GOOD "&next=https://evil", 303, "/", true },
    { "next: a scheme", "/login", FORM HERE, GOOD "&next=javascript:alert(1)", 303, "/", true },
    { "next: CRLF", "/login", FORM HERE, GOOD "&next=/%0d%0aSet-Cookie:%20a=b", 303, "/", true },
    { "next: a TAB", "/login", FORM HERE, GOOD "&next=/%09/evil", 303, "/", true },
    { "next twice", "/login", FORM HERE, GOOD "&next=/a&next=/b", 303, "/", true },
    { "next is empty", "/login", FORM HERE, GOOD "&next=", 303, "/", true },
    { "Referer", "/login", FORM HERE REFERER("a", "/private?a=1&b=2"), GOOD, 303, "/private?a=1&b=2", true },
    { "Referer, escaped", "/login", FORM HERE REFERER("a", "%2Fp"), GOOD, 303, "/p", true },
    { "Referer: the form's own comes first", "/login", FORM HERE REFERER("a", "/p"), GOOD "&next=/q", 303, "/q", true },
    { "Referer: and leads nowhere", "/login", FORM HERE REFERER("a", "/p"), GOOD "&next=//evil", 303, "/", true },
    { "Referer: of another host", "/login", FORM HERE REFERER("evil", "/p"), GOOD, 303, "/", true },
    { "Referer: to another host", "/login", FORM HERE REFERER("a", "//evil"), GOOD, 303, "/", true },
    { "Referer: the same, escaped", "/login", FORM HERE REFERER("a", "%2F%2Fevil"), GOOD, 303, "/", true },
    { "Referer: a backslash", "/login", FORM HERE REFERER("a", "/\\evil"), GOOD, 303, "/", true },
    { "Referer: the same, escaped", "/login", FORM HERE REFERER("a", "%2F%5Cevil"), GOOD, 303, "/", true },
    { "Referer: below a slash it is none", "/login", FORM HERE REFERER("a", "/%5Cevil"), GOOD, 303, "/%5Cevil", true },
    { "Referer: a URL", "/login", FORM HERE REFERER("a", "https://evil"), GOOD, 303, "/", true },
    { "Referer: CRLF", "/login", FORM HERE REFERER("a", "%2F%0d%0aSet-Cookie:%20a=b"), GOOD, 303, "/", true },
    { "Referer: below a slash it is none", "/login", FORM HERE REFERER("a", "/%0d%0aSet-Cookie:%20a=b"), GOOD, 303,
      "/%0d%0aSet-Cookie:%20a=b", true },
    { "Referer: a percent sign", "/login", FORM HERE REFERER("a", "/100%25"), GOOD, 303, "/100%25", true },
    { "Referer: an ampersand", "/login", FORM HERE REFERER("a", "/search?q=a%26b"), GOOD, 303, "/search?q=a%26b", true },
    { "Referer: a plus", "/login", FORM HERE REFERER("a", "/a?b=%2B1"), GOOD, 303, "/a?b=%2B1", true },
    { "Referer: a slash that was escaped", "/login", FORM HERE REFERER("a", "/%2fa"), GOOD, 303, "/%2fa", true },
    { "Referer: HAProxy escapes it all", "/login", FORM HERE REFERER("a", "%2f100%2525%3fb%3d%252B1"), GOOD, 303,
      "/100%25?b=%2B1", true },
    { "next: a percent sign", "/login", FORM HERE, GOOD "&next=%2F100%2525", 303, "/100%25", true },
    { "Referer, a wrong password: escaped once more", "/login", FORM HERE REFERER("a", "/a?b=%2B1"),
      "username=Romel&password=x", 303, "./?error=password&next=%2Fa%3Fb%3D%252B1#error-password", false },
    { "Referer, twice", "/login", FORM HERE REFERER("a", "/p") REFERER("a", "/p"), GOOD, 303, "/", true },
    { "Referer, a wrong password", "/login", FORM HERE REFERER("a", "/p?a=1&b=2"), "username=Romel&password=x", 303,
      "./?error=password&next=%2Fp%3Fa%3D1%26b%3D2#error-password", false },
    { "Referer, a name that is taken", "/register", FORM HERE REFERER("a", "/p"), GOOD, 303,
      "./?error=taken&next=%2Fp#error-taken", false },
    { "Referer: not of a log-out", "/logout", FORM HERE REFERER("a", "/p"), NONE, 303, "/", true },
    { "Referer is no Origin", "/login", FORM REFERER("a", "/p"), GOOD, 403, NULL, false },
    { "a wrong password", "/login", FORM HERE, "username=Romel&password=x", 303, "./?error=password#error-password",
      false },
    { "a wrong password, next", "/login", FORM HERE, "username=Romel&password=x&next=/p?a=1", 303,
      "./?error=password&next=%2Fp%3Fa%3D1#error-password", false },
    { "a wrong password, next: another host", "/login", FORM HERE, "username=Romel&password=x&next=//evil", 303,
      "./?error=password#error-password", false },
    { "nobody", "/login", FORM HERE, "username=nobody&password=x", 303, "./?error=user#error-user", false },
    { "no password", "/login", FORM HERE, "username=Romel", 303, "./?error=input#error-input", false },
    { "JSON in a form", "/login", FORM HERE, P("Romel", "pass1425"), 303, "./?error=input#error-input", false },
    { "nothing in it", "/login", FORM HERE, "", 303, "./?error=input#error-input", false },
    { "a name twice", "/login", FORM HERE, GOOD "&username=Romel", 303, "./?error=input#error-input", false },
    { "a NUL", "/login", FORM HERE, "username=Romel&password=pass1425%00", 303, "./?error=input#error-input", false },
    { "not UTF-8", "/login", FORM HERE, "username=Romel&password=%ff", 303, "./?error=input#error-input", false },
    { "a name that is taken", "/register", FORM HERE, GOOD "&next=/p", 303, "./?error=taken&next=%2Fp#error-taken",
      false },
    { "a new name", "/register", FORM HERE, "username=by+form&password=pass+1425&next=/p", 303, "./?next=%2Fp", false },
    { "it can log in", "/login", FORM HERE, "username=by%20form&password=pass%201425", 303, "/", true },
    { "JSON sets the cookie too", "/login", "Content-Type: application/json\r\n", P("Romel", "pass1425"), 200, NULL,
      true },
    { "JSON that fails sets none", "/login", "Content-Type: application/json\r\n", P("Romel", "x"), 401, NULL, false },
    { "JSON: by form", "/set-jwt", "Content-Type: application/json\r\n", P("by form", "pass 1425"), 200, NULL, true },
    { "log out", "/logout", FORM HERE, "next=/p", 303, "/p", true },
    { "log out, to another host", "/logout", FORM HERE, "next=//evil", 303, "/", true },
    { "log out, without a body", "/logout", HERE, NONE, 200, NULL, true },
    { "log out, JSON", "/logout", "Content-Type: application/json\r\nOrigin: http://a\r\n", "{}", 200, NULL, true },

    { "no Origin", "/login", FORM, GOOD, 403, NULL, false },
    { "no Origin, nobody's name", "/login", FORM, "username=nobody&password=x", 403, NULL, false },
    { "another Origin", "/login", FORM "Origin: https://evil\r\n", GOOD, 403, NULL, false },
    { "Origin: null", "/login", FORM "Origin: null\r\n", GOOD, 403, NULL, false },
    { "cross-site", "/login", FORM "Sec-Fetch-Site: cross-site\r\n", GOOD, 403, NULL, false },
    { "cross-site, though Origin is right", "/login", FORM "Origin: https://a\r\nSec-Fetch-Site: cross-site\r\n", GOOD,
      403, NULL, false },
    { "same-site", "/login", FORM "Sec-Fetch-Site: same-site\r\n", GOOD, 403, NULL, false },
    { "register without Origin", "/register", FORM, "username=forged&password=x", 403, NULL, false },
    { "log out without Origin", "/logout", NONE, NONE, 403, NULL, false },
    { "log out without Origin, JSON", "/logout", "Content-Type: application/json\r\n", "{}", 403, NULL, false },
    { "log out from elsewhere", "/logout", FORM "Sec-Fetch-Site: cross-site\r\n", NONE, 403, NULL, false },
    { "another media type", "/login", "Content-Type: text/plain\r\n" HERE, GOOD, 415, NULL, false },
    { "a part of the media type", "/login", "Content-Type: application/x-www-form\r\n" HERE, GOOD, 415, NULL, false },
};

static int send_form(size_t i) {
    char raw[2048];
    snprintf(raw, sizeof raw, "POST %s HTTP/1.1\r\nHost: a\r\n%sContent-Length: %zu\r\n\r\n%s", forms[i].target,
             forms[i].fields, strlen(forms[i].body), forms[i].body);
    return ask(raw, 1800000000);
}

static void test_forms(void) {
    unsigned cookies, lines;
    api.cookie = true;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        int status = send_form(i);
        struct slice location = line_of("Location", &lines), cookie = line_of("Set-Cookie", &cookies);
        check(status == forms[i].status && lines == (forms[i].location != NULL) &&
                  (!lines || (slice_is(location, forms[i].location) && response.body.len == 0 && response.no_store)),
              "form, %s: %d %.*s", forms[i].why, status, (int)location.len, location.at);
        check(cookies == forms[i].sets, "form, %s: %.*s", forms[i].why, (int)cookie.len, cookie.at);
        if (!cookies) continue;
        bool out = strcmp(forms[i].target, "/logout") == 0;
        struct slice rest = cookie, first = slice_cut(&rest, ';');
        check(slice_is(rest, out ? " HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=0"
                                 : " HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=3600") &&
                  (first.len > 5) == !out && memcmp(first.at, "jwtd=", 5) == 0,
              "form, %s: %.*s", forms[i].why, (int)cookie.len, cookie.at);
        char copy[1024] = "";
        memcpy(copy, first.at, first.len);
        if (out) continue;
        if (status == 200) check(slice_is(token(), copy + 5), "the cookie is the token");
        ask(filled("GET /get-jwt HTTP/1.1\r\nHost: a\r\nCookie: $\r\n\r\n", copy, ""), (double)time(NULL));
        check(response.status == 200 && body_begins("{\"message\":\"Token is valid\""), "form, %s: the cookie counts",
              forms[i].why);
    }
    api.insecure_cookie = true;
    send_form(0);
    check(memmem(response.field_lines.at, response.field_lines.len, "; HttpOnly; SameSite=Lax; Path=/", 32) != NULL,
          "--insecure-cookie leaves Secure out");
    api.insecure_cookie = false;
    api.registration = API_CLOSED;
    ask("POST /register HTTP/1.1\r\nHost: a\r\n" FORM HERE "Content-Length: 21\r\n\r\nusername=y&password=x",
        1800000000);
    check(response.status == 303 && slice_is(line_of("Location", &lines), "./?error=closed#error-closed"),
          "form: closed");
    api.registration = API_OPEN;
    api.cookie = false;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) { /* without --cookie nothing of it is there */
        bool json = strstr(forms[i].fields, "json") && strcmp(forms[i].target, "/logout") != 0;
        int expected = strcmp(forms[i].target, "/logout") == 0 ? 404 : json ? forms[i].status : 415;
        int status = send_form(i);
        check(status == expected && response.field_lines.len == 0, "form, %s, no --cookie: %d", forms[i].why, status);
    }
}

/* The longest that can be asked for fits; what is longer leads to /. And when the queue is full. */
static void test_long_forms(void) {
    static const char *const characters[] = { "%C3%BC", "%20", "a" };
    char body[8192], raw[HTTP_REQUEST_MAX];
    unsigned lines;
    api.cookie = true;
    for (size_t i = 0; i < 6; i++) {
        const char *one = characters[i / 2];
        size_t bytes = i / 2 == 0 ? 2 : 1, n = (i % 2 ? 1600 : 1500) / bytes;
        struct buffer b = { .at = body, .cap = sizeof body };
        put_text(&b, "username=Romel&password=pass1425&next=/");
        for (size_t k = 0; k < n; k++) put_text(&b, one);
        if (b.overflow) abort();
        snprintf(raw, sizeof raw, "POST /login HTTP/1.1\r\nHost: a\r\n" FORM HERE "Content-Length: %zu\r\n\r\n%.*s",
                 b.len, (int)b.len, body);
        ask(raw, 1800000000);
        struct slice location = line_of("Location", &lines);
        check(response.status == 303 && location.len == (i % 2 ? 1 : 1 + n * strlen(one)), "a long next %zu: %d, %zu",
              i, response.status, location.len);
    }
    struct api_call call = { .api = &api,
                             .form = true,
                             .counts = &counts,
                             .route = find("POST", "/login", "application/json"),
                             .body = SLICE("next=/p"),
                             .text = { .at = text_bytes, .cap = sizeof text_bytes } };
    api_busy(&call);
    response = call.response;
    check(response.status == 303 && slice_is(line_of("Location", &lines), "./?error=busy&next=%2Fp#error-busy"),
          "form: busy");
    api.cookie = false;
}

/* ---- when it can't ---------------------------------------------------- */

static void test_unavailable(void) {
    struct api_call call = { .route = find("POST", "/login", "application/json"),
                             .counts = &counts,
                             .text = { .at = text_bytes, .cap = sizeof text_bytes } };
    unsigned long before = number(METRICS_LOGIN_UNAVAILABLE);
    api_busy(&call);
    check(number(METRICS_LOGIN_UNAVAILABLE) == before + 1, "a log-in that found no place is counted");
    check(call.response.no_store, "busy: no-store, as with all about a token");
    call.route = find("POST", "/change-password", "application/json");
    api_busy(&call);
    check(number(METRICS_LOGIN_UNAVAILABLE) == before + 2, "so is a password that was to be changed");
    call.route = find("POST", "/register", "application/json");
    api_busy(&call);
    check(number(METRICS_LOGIN_UNAVAILABLE) == before + 2, "a registration is no log-in");
    response = call.response;
    check(response.status == 503 && response.retry_after > 0 && is_error(""), "busy: 503, and when to come back");
    check(!response.no_store, "busy: a registration is about no token");
    api_refuse(&call, slice_of("/"), 400, "a \"quoted\"\nmessage");
    response = call.response;
    check(response.status == 400 && body_is("{\"error\":\"a \\\"quoted\\\"\\nmessage\"}\n") && !response.retry_after,
          "an error's text is escaped");

    unlink(path);
    post("/register", SLICE(P("late", "pw")));
    check(response.status == 503 && response.retry_after > 0 && is_error(""), "nowhere to store an account: %d %.*s",
          response.status, (int)response.body.len, response.body.at);
    post("/change-password", SLICE(C("Romel", "pass1425", "new")));
    check(response.status == 503 && response.retry_after > 0 && is_error(""), "nor a password: %d %.*s",
          response.status, (int)response.body.len, response.body.at);
    post("/login", SLICE(P("Romel", "pass1425")));
    check(response.status == 200, "earlier accounts go on");
    post("/login", SLICE(P("late", "pw")));
    check(response.status == 404 && body_is(UNKNOWN), "the one that was not stored does not exist");
}

/* ---- the page ---------------------------------------------------------- */

static void test_page(void) {
    page_init(&api.page, work.compress, page_html);
    const struct api_route *route = find("GET", "/", NULL);
    if (route) call(route, (struct api_call){ .now = 0 });
    check(response.status == 200 && slice_is(response.body, page_html), "the page: %d", response.status);
    check(!response.no_store && response.content_type && strcmp(response.content_type, "text/html; charset=utf-8") == 0,
          "the page's type");
    check(slice_equal(response.field_lines, api.page.field_lines) && response.field_lines.len > 0, "its fields");
    post("/login", SLICE(P("Romel", "pass1425")));
    check(!response.content_type && response.field_lines.len == 0, "no other answer's");
}

int main(void) {
    snprintf(dir, sizeof dir, "%s/jwtd-api-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(dir) == NULL) {
        perror(dir);
        return 1;
    }
    snprintf(path, sizeof path, "%s/users.jsonl", dir);
    snprintf(said_path, sizeof said_path, "%s/said", dir);
    said_fd = open(said_path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    kept_fd = fcntl(2, F_DUPFD_CLOEXEC, 3);
    work.compress = sha256_compress_portable;
    struct jwt_keys keys = { .count = 1 };
    hmac_key_init(&keys.key[0], work.compress, "your_secret_key", 15);
    api.keys = &shared;
    api_set_keys(&shared, &keys);
    api.users = users_open(path, work.compress, (const uint8_t *)"sixteen bytes of", api.ttl);
    if (api.users == NULL || users_add(api.users, SLICE("Romel"), SLICE("scrypt:16:1:1" SALT_AND_KEY)) != USERS_OK)
        return 1;
    other_owner = users_open(path, work.compress, (const uint8_t *)"another 16 bytes", api.ttl);
    if (other_owner == NULL || users_add(api.users, SLICE("unusable"), SLICE("plain$$x")) != USERS_OK) return 1;

    test_find();
    test_refused();
    test_taken();
    test_new_hash();
    test_get_jwt();
    test_counts();
    test_told();
    test_early_clock();
    test_new_keys();
    test_token();
    test_strengthen();
    test_unusable();
    test_no_hashing();
    test_registration();
    test_revoked();
    test_others_tokens();
    test_overtaken();
    api.user_header = "Remote-User";
    test_verify();
    test_verify_names();
    test_refuse();
    test_forms();
    test_long_forms();
    test_unavailable();
    test_page();

    password_release(&work);
    users_close(api.users);
    users_close(other_owner);
    unlink(said_path);
    check(rmdir(dir) == 0, "%s is empty at the end", dir);
    return test_end();
}
