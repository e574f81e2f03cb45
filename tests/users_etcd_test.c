/* users_etcd_test.c - accounts in an etcd that answers as it is told: what is asked for each change and question, answers
 * that are lost, overtaken or damaged, pages, and what was revoked.
 *
 * The form of requests and answers is that of etcd's JSON gateway; keys and values in them are base64 of what stands
 * beside them. tests/etcd.sh asks a real one. The sums are those of sha256sum(1). */
#include <fcntl.h>
#include <time.h>

#include "paced.h"

#include "../etcd.c"

#include "metrics.h"
#include "scripted.h"
#include "test.h"
#include "revoked.h"
#include "users_room.h"

#define S(text) ((struct slice){ text, sizeof(text) - 1 })
#define OK_HEAD "HTTP/1.0 200 OK\r\n\r\n"
#define REFUSED "HTTP/1.0 400 Bad Request\r\n\r\n{\"error\":\"no\"}"
#define ANN "{\"username\":\"ann\",\"password\":\"h1\",\"sum\":\"a6d477df\"}"
#define ANN_BY_HAND "{\"username\":\"ann\",\"password\":\"h1\"}"
#define ANN_OTHER "{\"username\":\"ann\",\"password\":\"h2\"}"
#define ANN_H9 "{\"username\":\"ann\",\"password\":\"h9\",\"sum\":\"d234a8d1\"}"
#define BOB "{\"username\":\"bob\",\"password\":\"h2\",\"sum\":\"85754016\"}"
#define MADE OK_HEAD "{\"header\":{\"revision\":\"9\"},\"succeeded\":true,\"responses\":[{\"response_put\":{}}]}"
#define LEASE OK_HEAD "{\"header\":{\"revision\":\"9\"},\"ID\":\"7587862\",\"TTL\":\"7260\"}"
#define NOTHING_CALLED_BACK                                                                                            \
    OK_HEAD "{\"header\":{\"revision\":\"5\"},\"succeeded\":true,\"responses\":[{\"response_range\":{\"header\":{}}}]" \
            "}"

/* in base64: p/u/ann, p/r/ann, the same of bob and cyd, p/u, p/u/ */
#define U_ANN "cC91L2Fubg=="
#define R_ANN "cC9yL2Fubg=="
#define U_BOB "cC91L2JvYg=="
#define R_BOB "cC9yL2JvYg=="
#define U_CYD "cC91L2N5ZA=="
#define R_CYD "cC9yL2N5ZA=="
#define MARK "cC91"
#define U_NOBODY "cC91Lw=="
#define RANGES                                                                                                         \
    "{\"request_range\":{\"key\":\"" U_ANN "\"}},{\"request_range\":{\"key\":\"" R_ANN                                 \
    "\"}},{\"request_range\":{\"key\":\"" MARK "\"}}"
#define READS "[" RANGES "]"
#define COMPARE(key, revision)                                                                                         \
    "{\"key\":\"" key "\",\"target\":\"MOD\",\"result\":\"EQUAL\",\"mod_revision\":\"" revision "\"}"

enum { TTL = 3600 };
static const uint8_t key[16] = "sixteen bytes of";
static int kept_fd, said_fd;
static char said[8192];
static struct users *u;
static struct user user;
static struct record record;

static const char *text_of(struct buffer *b) {
    put_char(b, '\0');
    if (b->overflow) exit(1);
    return b->at;
}

/* A key (in base64) and its value, as etcd lists them; the caller frees nothing. */
static const char *kv(const char *key64, const char *value, const char *revision) {
    static char texts[8][4096];
    static unsigned turn;
    struct buffer b = { .at = texts[turn++ % 8], .cap = sizeof texts[0] };
    put_text(&b, "{\"key\":\"");
    put_text(&b, key64);
    put_text(&b, "\",\"create_revision\":\"2\",\"mod_revision\":\"");
    put_text(&b, revision);
    put_text(&b, "\",\"version\":\"1\",\"value\":");
    etcd_put_bytes(&b, slice_of(value));
    put_char(&b, '}');
    return text_of(&b);
}

/* An answer with as many ranges as there are kvs; an empty one is none. */
static const char *ranges(const char *succeeded, int n, const char *const kvs[]) {
    static char texts[24][8192];
    static unsigned turn;
    struct buffer b = { .at = texts[turn++ % 24], .cap = sizeof texts[0] };
    put_text(&b, OK_HEAD "{\"header\":{\"cluster_id\":\"1\",\"revision\":\"9\"},");
    put_text(&b, succeeded);
    put_text(&b, "\"responses\":[");
    for (int i = 0; i < n; i++) {
        put_text(&b, i > 0 ? "," : "");
        put_text(&b, "{\"response_range\":{\"header\":{\"revision\":\"9\"}");
        if (*kvs[i]) put_text(&b, ",\"kvs\":[");
        put_text(&b, kvs[i]);
        put_text(&b, *kvs[i] ? "],\"count\":\"1\"}}" : "}}");
    }
    put_text(&b, "]}");
    return text_of(&b);
}

/* How a name stands: as the answer to a question, or to a change that did not hold. */
static const char *stands(const char *account, const char *revoked) {
    return ranges("\"succeeded\":true,", 3, (const char *const[]){ account, revoked, kv(MARK, "1", "2") });
}
static const char *instead(const char *account, const char *revoked) {
    return ranges("", 3, (const char *const[]){ account, revoked, *account ? kv(MARK, "1", "2") : "" });
}

static void listen_begin(void) {
    if (ftruncate(said_fd, 0) != 0 || dup2(said_fd, 2) < 0) exit(1);
}

static void listen_end(void) {
    ssize_t n = pread(said_fd, said, sizeof said - 1, 0);
    said[n > 0 ? n : 0] = '\0';
    dup2(kept_fd, 2);
}

/* Instead of an answer: it was lost, but the change was carried out, and so the name stands. */
static const char CARRIED_OUT[] = "";

static const char *carried_out(const char *request) {
    static const struct {
        const char *put, *key;
    } puts[] = { { "{\"request_put\":{\"key\":\"" U_ANN "\",\"value\":\"", U_ANN },
                 { "{\"request_put\":{\"key\":\"" R_ANN "\",\"value\":\"", R_ANN } };
    static char kvs[2][2048];
    for (int i = 0; i < 2; i++) {
        const char *value = strstr(request, puts[i].put);
        *kvs[i] = '\0';
        if (value == NULL) continue;
        value += strlen(puts[i].put);
        snprintf(kvs[i], sizeof kvs[i], "{\"key\":\"%s\",\"mod_revision\":\"9\",\"value\":\"%.*s\"}", puts[i].key,
                 (int)strcspn(value, "\""), value);
    }
    return ranges("", 3, (const char *const[]){ kvs[0], kvs[1], kv(MARK, "1", "2") });
}

/* Opens the accounts of an etcd that answers like this, after it has said what was revoked: nothing. */
static void open_with(int n, const char *const answers[]) {
    struct act acts[SCRIPTED_ACTS] = { { ANSWER, NOTHING_CALLED_BACK, 0 } };
    static char where[64];
    for (int i = 0; i < n; i++)
        acts[i + 1] = answers[i] == CARRIED_OUT ? (struct act){ MADE_UP, "", 0 }
                      : answers[i]              ? (struct act){ ANSWER, answers[i], 0 }
                                                : (struct act){ RESET, "", 0 };
    scripted_make = carried_out;
    scripted_start(acts, n + 1);
    snprintf(where, sizeof where, "etcd://127.0.0.1:%u/p", (unsigned)scripted.port);
    u = users_open(where, sha256_compress_portable, key, TTL);
    check(u != NULL, "opened");
    if (u == NULL) exit(1);
    listen_begin();
}
#define OPEN(...)                                                                                                      \
    open_with((int)(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)),                                    \
              (const char *const[]){ __VA_ARGS__ })

/* Nothing is asked any more; what was is there until `forget`. */
static void stop(int asked) {
    listen_end();
    users_close(u);
    scripted_stop();
    check(scripted.played == asked + 1, "%d requests, not %d: %s", scripted.played - 1, asked, said);
}

static void forget(void) { scripted_forget(); }

static void end(int asked) {
    stop(asked);
    forget();
}

static void was_asked(int i, const char *path, const char *wanted) {
    char line[64];
    snprintf(line, sizeof line, "POST /v3/%s HTTP/1.0\r\n", path);
    const char *got = i < scripted.played ? scripted.requests[i] : "";
    check(strncmp(got, line, strlen(line)) == 0, "request %d is not to %s: %.40s", i, path, got);
    check(strcmp(scripted_body(i), wanted) == 0, "request %d: %s\n  not %s", i, scripted_body(i), wanted);
}

static bool begins(const char *text, const char *wanted) { return strncmp(text, wanted, strlen(wanted)) == 0; }

static enum users_result add(const char *hash) {
    user = (struct user){ .hash_len = strlen(hash) };
    memcpy(user.hash, hash, user.hash_len);
    return users_store(u, S("ann"), NULL, &user);
}

static struct user hash_of(const char *hash) {
    struct user made = { .hash_len = strlen(hash) };
    memcpy(made.hash, hash, made.hash_len);
    return made;
}

/* ---- the start -------------------------------------------------------------- */

static void test_start(void) {
    struct act acts[] = { { ANSWER, REFUSED, 0 } };
    char where[400];
    scripted_start(acts, 1);
    snprintf(where, sizeof where, "etcd://127.0.0.1:%u/p", (unsigned)scripted.port);
    listen_begin();
    u = users_open(where, sha256_compress_portable, key, TTL);
    listen_end();
    check(u == NULL && strstr(said, "refuses kv/txn: no"), "what was revoked is not told: no start: %s", said);
    scripted_stop();
    was_asked(0, "kv/txn", "{\"success\":[{\"request_range\":{\"key\":\"cC9y\"}}]}"); /* p/r */
    forget();
    memset(where, 'x', sizeof where - 1);
    memcpy(where, "etcd://127.0.0.1:1/", 19);
    for (int len = 255; len <= 256; len++) {
        where[19 + len] = '\0';
        listen_begin();
        if (len > 255) u = users_open(where, sha256_compress_portable, key, TTL);
        listen_end();
        check(u == NULL && (len == 255 || strstr(said, "prefix is too long")), "a prefix of %d: %s", len, said);
        where[19 + len] = 'x';
    }
    check(users_exist("etcd://127.0.0.1:1"), "it need not be made");
    OPEN("");
    struct users_needs needs;
    users_needs(u, &needs);
    check(!*needs.directory && needs.port_count == 1 && needs.ports[0] == scripted.port,
          "it needs a port, and no directory");
    check(users_watch(u) == -1 && users_compact(u) == 0 && users_fault(u) == NULL, "nothing to watch or to compact");
    check(users_calls(u)->calls[ETCD_OK] == 1 && users_calls(u)->calls[ETCD_UNAVAILABLE] == 0, "it counts");
    end(0);
}

/* ---- a question ----------------------------------------------------------- */

static void test_find(void) {
    static const struct {
        const char *what, *account, *revoked;
        enum users_result result;
        int64_t not_before, tokens_until;
        const char *said;
    } rows[] = {
        { "nobody", "", "", USERS_NOT_FOUND, 0, 0, "" },
        { "an account", ANN, "", USERS_OK, 0, 0, "" },
        { "without a sum", ANN_BY_HAND, "", USERS_OK, 0, 0, "" },
        { "revoked", ANN, "{\"username\":\"ann\",\"deleted\":true,\"not_before\":1800000000,\"tokens_until\":5}",
          USERS_OK, 1800000000, 5, "" },
        { "deleted", "", "{\"username\":\"ann\",\"deleted\":true,\"not_before\":1800000000}", USERS_NOT_FOUND, 0, 0,
          "" },
        { "the later time", "{\"username\":\"ann\",\"password\":\"h1\",\"not_before\":1800000009,\"tokens_until\":4}",
          "{\"username\":\"ann\",\"deleted\":true,\"not_before\":1800000000,\"tokens_until\":5}", USERS_OK, 1800000009,
          5, "" },
        { "another sum", "{\"username\":\"ann\",\"password\":\"h1\",\"sum\":\"a6d477de\"}", "", USERS_UNAVAILABLE, 0, 0,
          "the value of the key p/u/ann is damaged: its sum does not match" },
        { "another name", BOB, "", USERS_UNAVAILABLE, 0, 0,
          "p/u/ann is damaged: it is about another name than its key" },
        { "half a line", "{\"username\":\"ann\",\"pass", "", USERS_UNAVAILABLE, 0, 0, "is damaged: " },
        { "no line", " ", "", USERS_UNAVAILABLE, 0, 0, "is damaged: " },
        { "a list", "[1]", "", USERS_UNAVAILABLE, 0, 0, "is damaged: " },
        { "another one's revocation", ANN, "{\"username\":\"bob\",\"deleted\":true,\"not_before\":1800000000}",
          USERS_UNAVAILABLE, 0, 0, "p/r/ann is damaged: it is about another name" },
        { "a damaged revocation", ANN, "x", USERS_UNAVAILABLE, 0, 0, "p/r/ann is damaged: " },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        OPEN(stands(*rows[i].account ? kv(U_ANN, rows[i].account, "7") : "",
                    *rows[i].revoked ? kv(R_ANN, rows[i].revoked, "8") : ""));
        user = (struct user){ .hash_len = 0 };
        check(users_find(u, S("ann"), &user) == rows[i].result, "%s: found or not", rows[i].what);
        check(rows[i].result != USERS_OK ||
                  (slice_is((struct slice){ user.hash, user.hash_len }, "h1") &&
                   user.not_before == rows[i].not_before && user.tokens_until == rows[i].tokens_until),
              "%s: as it is", rows[i].what);
        stop(1);
        check(strstr(said, rows[i].said) && (*said == '\0') == (*rows[i].said == '\0'), "%s: %s", rows[i].what, said);
        was_asked(1, "kv/txn", "{\"success\":" READS "}");
        forget();
    }
}

static void test_bad_answers(void) {
    char long_key[801]; /* base64 of 600 letters */
    for (int i = 0; i < 800; i += 4) memcpy(long_key + i, "YWFh", 4);
    long_key[800] = '\0';
    const char *const answers[] = {
        OK_HEAD "{}",
        OK_HEAD "{\"header\":{}}",
        OK_HEAD "{\"header\":{\"revision\":\"9\"}}",
        OK_HEAD "{\"header\":{\"revision\":9},\"responses\":[]}",
        OK_HEAD "{\"header\":{\"revision\":\"9\"},\"responses\":{}}",
        OK_HEAD "{\"header\":{\"revision\":\"9\"},\"responses\":[]}",
        OK_HEAD "{\"header\":{\"revision\":\"9\"},\"responses\":[{\"response_range\":{}}]}",
        OK_HEAD "{\"header\":{\"revision\":\"9\"},\"responses\":[{\"response_put\":{}},{},{}]}",
        OK_HEAD "{\"header\":{\"revision\":\"9\"},\"responses\":[1,2,3]}",
        OK_HEAD "{\"header\":{\"revision\":\"9\"},\"responses\":[{\"response_range\":[]},{},{}]}",
        OK_HEAD "{\"header\":{\"revision\":\"9\"},\"responses\":[{\"response_range\":{\"kvs\":7}},{},{}]}",
        OK_HEAD "{\"header\":{\"revision\":\"9\"},\"responses\":[{\"response_range\":{\"kvs\":[7]}},{},{}]}",
        OK_HEAD "{\"header\":{\"revision\":\"9\"},\"responses\":[{\"response_range\":{\"kvs\":[{}]}},{},{}]}",
        OK_HEAD "{\"header\":{\"revision\":\"9\"},\"responses\":[{\"response_range\":{\"kvs\":[{\"key\":\"" U_ANN
                "\"}]}},{},{}]}", /* no mod_revision */
        OK_HEAD
        "{\"header\":{\"revision\":\"9\"},\"responses\":[{\"response_range\":{\"kvs\":[{\"key\":\"?\",\"value\":"
        "\"MQ==\",\"mod_revision\":\"1\"}]}},{},{}]}",
        OK_HEAD "{\"header\":{\"revision\":\"9\"},\"responses\":[{\"response_range\":{\"kvs\":[{\"key\":\"" U_ANN
                "\",\"value\":\"MQ\",\"mod_revision\":\"1\"}]}},{},{}]}",
        /* of the mark only its revision counts, but it is a key and a value all the same */
        ranges("", 3, (const char *const[]){ "", "", "{\"key\":\"?\",\"value\":\"MQ==\",\"mod_revision\":\"2\"}" }),
        ranges("", 3, (const char *const[]){ "", "", "{\"key\":\"" MARK "\",\"value\":\"MQ==\"}" }),
        ranges("", 3, (const char *const[]){ "", "", "{\"value\":\"MQ==\",\"mod_revision\":\"2\"}" }),
        ranges("", 3, (const char *const[]){ kv(long_key, ANN, "7"), "", "" }),
        REFUSED,
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        OPEN(answers[i]);
        check(users_find(u, S("ann"), &user) == USERS_UNAVAILABLE, "answer %zu is believed", i);
        end(1);
        check(*said, "answer %zu: no reason is said", i);
        OPEN(answers[i]);
        check(add("h1") == USERS_UNAVAILABLE, "answer %zu to a change is believed", i);
        end(1);
        check(*said, "answer %zu to a change: no reason is said", i);
    }
    /* one that is asked again comes with a deletion of p/u/, which there never is */
    OPEN(NULL, stands("", ""));
    check(users_find(u, S("ann"), &user) == USERS_NOT_FOUND, "lost, and asked again");
    stop(2);
    was_asked(1, "kv/txn", "{\"success\":[" RANGES "]}");
    was_asked(2, "kv/txn", "{\"success\":[" RANGES ",{\"request_delete_range\":{\"key\":\"" U_NOBODY "\"}}]}");
    forget();
}

/* ---- changes --------------------------------------------------------------- */

#define CREATE(value)                                                                                                  \
    "{\"compare\":[" COMPARE(U_ANN, "0") "," COMPARE(R_ANN, "0") "],\"success\":[{\"request_put\":{\"key\":\"" U_ANN   \
                                                                 "\",\"value\":\"" value                               \
                                                                 "\"}},{\"request_put\":{\"key\":\"" MARK              \
                                                                 "\",\"value\":\"MQ==\"}}],\"failure\":" READS "}"
/* the line of ANN */
#define ANN64 "eyJ1c2VybmFtZSI6ImFubiIsInBhc3N3b3JkIjoiaDEiLCJzdW0iOiJhNmQ0NzdkZiJ9"

static void test_create(void) {
    OPEN(MADE);
    check(add("h1") == USERS_OK, "made");
    stop(1);
    was_asked(1, "kv/txn", CREATE(ANN64));
    forget();
    OPEN(instead(kv(U_ANN, ANN_OTHER, "7"), ""));
    check(add("h1") == USERS_EXISTS, "another one's");
    end(1);
    OPEN(NULL, instead(kv(U_ANN, ANN, "7"), ""));
    check(add("h1") == USERS_OK, "the answer was lost: what is there is mine");
    stop(2);
    was_asked(2, "kv/txn", CREATE(ANN64));
    forget();
    OPEN(NULL, instead(kv(U_ANN, ANN_OTHER, "7"), ""));
    check(add("h1") == USERS_EXISTS, "the answer was lost: what is there is another one's");
    end(2);
    OPEN(instead("", kv(R_ANN, "{\"username\":\"ann\",\"deleted\":true,\"not_before\":1800000000}", "8")), MADE);
    check(add("h1") == USERS_OK, "one of that name was deleted");
    stop(2);
    check(strstr(scripted_body(2), COMPARE(R_ANN, "8")) && strstr(scripted_body(2), COMPARE(U_ANN, "0")) != NULL,
          "which is compared: %s", scripted_body(2));
    forget();
    OPEN(REFUSED);
    check(add("h1") == USERS_UNAVAILABLE, "no room");
    end(1);
    OPEN(instead(kv(U_ANN, "x", "7"), ""));
    check(add("h1") == USERS_UNAVAILABLE, "a damaged one");
    end(1);
    OPEN("");
    check(add("") == USERS_UNAVAILABLE &&
              users_store(u, S(""), NULL, &(struct user){ "h", 1, 0, 0 }) == USERS_UNAVAILABLE,
          "what could not be read back");
    end(0);
}

static void test_first(void) {
    struct user made = hash_of("h1");
    OPEN(MADE);
    check(users_store_first(u, S("ann"), &made) == USERS_OK, "the first");
    stop(1);
    check(strstr(scripted_body(1), COMPARE(R_ANN, "0") "," COMPARE(MARK, "0") "],") != NULL,
          "nobody else was there: %s", scripted_body(1));
    forget();
    OPEN(ranges("", 3, (const char *const[]){ "", "", kv(MARK, "1", "2") }));
    check(users_store_first(u, S("ann"), &made) == USERS_CHANGED, "there was somebody");
    end(1);
    OPEN(NULL, instead(kv(U_ANN, ANN, "7"), ""));
    check(users_store_first(u, S("ann"), &made) == USERS_OK, "there was, and it was me");
    end(2);
    OPEN(stands("", ""), ranges("\"succeeded\":true,", 3, (const char *const[]){ "", "", "" }), REFUSED);
    check(users_any(u) && !users_any(u) && !users_any(u), "anybody");
    end(3);
}

static void test_change(void) {
    struct user seen = hash_of("h1"), next = hash_of("h9");
    OPEN(stands(kv(U_ANN, ANN, "7"), ""), MADE);
    check(users_store(u, S("ann"), &seen, &next) == USERS_OK && users_not_before(u, S("ann"), time(NULL)) == 0,
          "stronger");
    stop(2);
    check(begins(scripted_body(2),
                 "{\"compare\":[" COMPARE(U_ANN, "7") "," COMPARE(R_ANN, "0") "],\"success\":[{\"request_put\":") &&
              !strstr(scripted_body(2), "\"" MARK "\",\"value\""),
          "where it still is so: %s", scripted_body(2));
    forget();
    OPEN(stands("", ""), stands(kv(U_ANN, ANN_OTHER, "7"), ""), stands(kv(U_ANN, ANN, "7"), ""),
         instead(kv(U_ANN, ANN_OTHER, "8"), ""), REFUSED);
    check(users_store(u, S("ann"), &seen, &next) == USERS_NOT_FOUND, "gone");
    check(users_store(u, S("ann"), &seen, &next) == USERS_CHANGED, "another by now");
    check(users_store(u, S("ann"), &seen, &next) == USERS_CHANGED, "and meanwhile");
    check(users_store(u, S("ann"), &seen, &next) == USERS_UNAVAILABLE, "not told");
    end(5);
}

static void test_revoke(void) {
    struct user seen = hash_of("h1"), next = hash_of("h9");
    int64_t now = time(NULL);
    OPEN(stands(kv(U_ANN, ANN, "7"), ""), LEASE, MADE);
    check(users_revoke(u, S("ann"), &seen, &next) == USERS_OK, "revoked");
    int64_t not_before = users_not_before(u, S("ann"), now);
    check(not_before >= now + 60 && not_before <= time(NULL) + 60, "with the minute that clocks may differ");
    stop(3);
    check(strncmp(scripted_body(2), "{\"TTL\":\"", 8) == 0 &&
              strncmp(scripted.requests[2], "POST /v3/lease/grant ", 21) == 0,
          "a lease: %s", scripted_body(2));
    long ttl = atol(scripted_body(2) + 8);
    check(ttl >= TTL + 60 + 3660 - 2 && ttl <= TTL + 60 + 3660, "of a token's life, the largest leeway and a log-in: %ld", ttl);
    check(strstr(scripted_body(3), "{\"request_put\":{\"key\":\"" R_ANN "\",\"value\":\"") &&
              strstr(scripted_body(3),
                     "\",\"lease\":\"7587862\"}},{\"request_put\":{\"key\":\"cC9y\",\"value\":\"MQ==\"}}],"
                     "\"failure\""),
          "is the key's: %s", scripted_body(3));
    forget();
    OPEN(stands(kv(U_ANN, ANN, "7"), ""), LEASE, MADE);
    check(users_store(u, S("ann"), &seen, NULL) == USERS_OK && users_not_before(u, S("ann"), now) > now, "deleted");
    stop(3);
    check(strstr(scripted_body(3), "\"success\":[{\"request_delete_range\":{\"key\":\"" U_ANN
                                   "\"}},{\"request_put\":{\"key\":\"" R_ANN) != NULL,
          "and remembered: %s", scripted_body(3));
    forget();
    OPEN(stands(kv(U_ANN, ANN, "7"), ""), REFUSED, stands(kv(U_ANN, ANN, "7"), ""), OK_HEAD "{}",
         stands(kv(U_ANN, ANN, "7"), ""), LEASE, REFUSED);
    check(users_revoke(u, S("ann"), &seen, &seen) == USERS_UNAVAILABLE, "no lease");
    check(users_revoke(u, S("ann"), &seen, &seen) == USERS_UNAVAILABLE, "a lease without an ID");
    check(users_revoke(u, S("ann"), &seen, &seen) == USERS_UNAVAILABLE && users_not_before(u, S("ann"), now) == 0,
          "not done, not noted");
    end(7);
    char line[128];
    int64_t until = now + 9 * TTL;
    snprintf(line, sizeof line, "{\"username\":\"ann\",\"deleted\":true,\"not_before\":%lld}", (long long)now);
    OPEN(stands(kv(U_ANN, ANN, "7"), kv(R_ANN, line, "8")), LEASE, MADE);
    check(users_note_token(u, S("ann"), until) == USERS_OK, "a token of one who was revoked");
    stop(3);
    ttl = atol(scripted_body(2) + 8);
    check(ttl > until - now + 3660 - 5 && ttl <= until - now + 3660 && strstr(scripted_body(3), R_ANN "\",\"value\""),
          "is remembered for as long: %ld, %s", ttl, scripted_body(3));
    forget();
    OPEN(stands(kv(U_ANN, "{\"username\":\"ann\",\"password\":\"h1\",\"tokens_until\":99999999999}", "7"), ""), LEASE,
         MADE);
    check(users_revoke(u, S("ann"), &seen, &seen) == USERS_OK, "a time far off");
    stop(3);
    check(strcmp(scripted_body(2), "{\"TTL\":\"9000000000\"}") == 0, "has the longest lease there is: %s",
          scripted_body(2));
    forget();
    OPEN(stands(kv(U_ANN, ANN, "7"), ""), MADE, stands("", ""));
    check(users_note_token(u, S("ann"), until) == USERS_OK, "a token that lasts longer");
    check(users_note_token(u, S("ann"), until) == USERS_NOT_FOUND, "nobody's");
    stop(3);
    check(!strstr(scripted_body(2), R_ANN "\",\"value\""), "calls nothing back: %s", scripted_body(2));
    forget();
}

/* The answer to a change is lost. Was it carried out, so the second attempt finds what it wanted; else, another's. */
static void test_lost(void) {
    struct user seen = hash_of("h1"), next = hash_of("h9");
    int64_t now = time(NULL);
    const char *was = stands(kv(U_ANN, ANN, "7"), "");
    OPEN(was, NULL, instead(kv(U_ANN, ANN_H9, "8"), ""), was, NULL, instead(kv(U_ANN, ANN_OTHER, "8"), ""), was, NULL,
         instead("", ""));
    check(users_store(u, S("ann"), &seen, &next) == USERS_OK, "changed");
    check(users_store(u, S("ann"), &seen, &next) == USERS_CHANGED, "changed by another one");
    check(users_store(u, S("ann"), &seen, &next) == USERS_NOT_FOUND, "deleted by another one");
    end(9);
    OPEN(was, LEASE, NULL, CARRIED_OUT);
    check(users_revoke(u, S("ann"), &seen, &next) == USERS_OK && users_not_before(u, S("ann"), now) > now,
          "revoked");
    stop(4);
    check(strstr(scripted_body(4), R_ANN "\",\"value\"") && strcmp(scripted_body(3), scripted_body(4)) == 0,
          "the second attempt is the first: %s", scripted_body(4));
    forget();
    OPEN(was, LEASE, NULL, CARRIED_OUT);
    check(users_store(u, S("ann"), &seen, NULL) == USERS_OK && users_not_before(u, S("ann"), now) > now, "deleted");
    end(4);
    /* it is gone, but nothing was revoked: that was another one */
    OPEN(was, LEASE, NULL, instead("", ""));
    check(users_store(u, S("ann"), &seen, NULL) == USERS_NOT_FOUND && users_not_before(u, S("ann"), now) == 0,
          "deleted, but not by me");
    end(4);
    /* revoked by another one, it has to be written over that */
    OPEN(was, LEASE, NULL,
         instead(kv(U_ANN, ANN, "7"), kv(R_ANN, "{\"username\":\"ann\",\"deleted\":true,\"not_before\":5}", "8")),
         LEASE, MADE);
    check(users_revoke(u, S("ann"), &seen, &seen) == USERS_OK, "revoked once more");
    stop(6);
    check(strstr(scripted_body(6), COMPARE(U_ANN, "7") "," COMPARE(R_ANN, "8")) != NULL, "over what is there: %s",
          scripted_body(6));
    forget();
    /* a hundred times somebody else is faster */
    const char *answers[100];
    for (int i = 0; i < 100; i++) answers[i] = instead("", "");
    open_with(100, answers);
    check(add("h1") == USERS_UNAVAILABLE, "no end of others");
    stop(100);
    check(strstr(said, "changed by others all the time") != NULL, "which is said: %s", said);
    forget();
}

/* ---- many ------------------------------------------------------------------- */

#define PAGE(more, kvs)                                                                                                \
    OK_HEAD "{\"header\":{\"revision\":\"9\"},\"succeeded\":true,\"responses\":[{\"response_range\":{\"kvs\":[" kvs    \
            "]" more ",\"count\":\"3\"}}]}"
/* p/u/ann and ANN, p/u/bob and BOB */
#define KV_ANN "{\"key\":\"" U_ANN "\",\"mod_revision\":\"7\",\"value\":\"" ANN64 "\"}"
#define BOB64 "eyJ1c2VybmFtZSI6ImJvYiIsInBhc3N3b3JkIjoiaDIiLCJzdW0iOiI4NTc1NDAxNiJ9"
#define KV_BOB "{\"key\":\"cC91L2JvYg==\",\"mod_revision\":\"8\",\"value\":\"" BOB64 "\"}"

static void test_next(void) {
    uint64_t at = 0;
    OPEN(PAGE(",\"more\":true", KV_ANN), PAGE("", KV_BOB), PAGE(",\"more\":true", KV_ANN), REFUSED,
         PAGE(",\"more\":true", ""), PAGE("", "{\"key\":\"" U_ANN "\",\"mod_revision\":\"7\",\"value\":\"" BOB64 "\"}"),
         PAGE("", "7"), PAGE(",\"more\":true", KV_BOB "," KV_ANN),
         OK_HEAD "{\"header\":{\"revision\":\"9\"},\"responses\":[{}]}");
    check(users_next(u, &at, &record) == 1 && slice_is((struct slice){ record.name, record.name_len }, "ann"),
          "the first");
    check(users_next(u, &at, &record) == 1 && slice_is((struct slice){ record.name, record.name_len }, "bob"),
          "the second");
    check(users_next(u, &at, &record) == 0, "is the last");
    at = 0;
    check(users_next(u, &at, &record) == 1 && users_next(u, &at, &record) == -1, "a page that is not told");
    for (int i = 0; i < 5; i++) {
        at = 0;
        bool one = i == 3; /* which comes behind the one before it */
        check(!one || users_next(u, &at, &record) == 1, "a key");
        listen_begin();
        check(users_next(u, &at, &record) == -1, "bad page %d", i);
        listen_end();
        check(*said, "bad page %d: no reason is said", i);
    }
    stop(9);
    was_asked(1, "kv/txn",
              "{\"success\":[{\"request_range\":{\"key\":\"cC91Lw==\",\"range_end\":\"cC91MA==\",\"limit\":\"4000\","
              "\"min_mod_revision\":\"0\",\"revision\":\"0\"}}]}");
    was_asked(
        2, "kv/txn", /* p/u/ann and a NUL, as it was at the same moment */
        "{\"success\":[{\"request_range\":{\"key\":\"cC91L2FubgA=\",\"range_end\":\"cC91MA==\",\"limit\":\"4000\","
        "\"min_mod_revision\":\"0\",\"revision\":\"9\"}}]}");
    forget();
}

static const char *revoked(const char *revision, const char *kvs) {
    static char texts[8][4096];
    static unsigned turn;
    char *text = texts[turn++ % 8];
    snprintf(text, sizeof texts[0],
             OK_HEAD "{\"header\":{\"revision\":\"%s\"},\"succeeded\":true,\"responses\":[{\"response_range\":{%s}}]}",
             revision, kvs);
    return text;
}

/* When somebody was revoked last. */
static const char *last_at(const char *now, const char *revision) {
    static char texts[16][512];
    static unsigned turn;
    char *text = texts[turn++ % 16];
    snprintf(
        text, sizeof texts[0],
        OK_HEAD
        "{\"header\":{\"revision\":\"%s\"},\"succeeded\":true,\"responses\":[{\"response_range\":{\"kvs\":[{\"key\":"
        "\"cC9y\",\"mod_revision\":\"%s\",\"value\":\"MQ==\"}]}}]}",
        now, revision);
    return text;
}

/* ---- revoked ----------------------------------------------------------- */

static void note_revoked(uint64_t hash, int64_t not_before) {
    struct user nobody = { .not_before = not_before };
    users_note_revoked(u, hash, &nobody);
}

/* Eight others share ann's place in the table, and a ninth: what she gets must come after what holds for her there. */
static void test_full_set(void) {
    int64_t now = time(NULL);
    OPEN(stands(kv(U_ANN, ANN, "7"), ""));
    uint64_t set = users_keyed_hash(u, S("ann")) & (((uint64_t)1 << u->revoked->bits) - 1);
    for (int64_t n = 0; n <= REVOKED_WAYS; n++) note_revoked((uint64_t)(n + 1) << 40 | set, now + n);
    check(users_not_before(u, S("ann"), now) == now, "she must log in again");
    check(users_find(u, S("ann"), &user) == USERS_OK && user.not_before == now, "and then her token counts");
    end(1);
}

static enum users_result overtaken;

static void *find_ann(void *unused) {
    overtaken = users_find(u, S("ann"), &user);
    return unused;
}

/* What is revoked while etcd is asked is not known of the hash that it gives. */
static void test_overtaken(void) {
    pthread_t thread;
    int64_t now = time(NULL);
    const char *answer = stands(kv(U_ANN, ANN, "7"), "");
    OPEN(answer);
    scripted.acts[1].how = SILENT;
    if (pthread_create(&thread, NULL, find_ann, NULL) != 0) exit(1);
    scripted_wait(2);
    note_revoked(users_keyed_hash(u, S("ann")), now);
    scripted_answer(answer);
    pthread_join(thread, NULL);
    check(overtaken == USERS_OK && user.not_before == 0, "the token of who was overtaken does not count");
    end(1);
}

#define OF_CLUSTER(id, revision, revoked)                                                                              \
    OK_HEAD "{\"header\":{\"cluster_id\":\"" id "\",\"revision\":\"" revision "\"},\"succeeded\":true,\"responses\":["     \
            "{\"response_range\":{\"kvs\":[{\"key\":\"cC9y\",\"mod_revision\":\"" revoked "\",\"value\":\"MQ==\"}]}}]}"

/* An older state was restored and has had more changes since than were lost, so the revision tells nothing. */
static void test_restored(void) {
    static const char before[] = OF_CLUSTER("14841639068965178418", "20", "5");
    static const char after[] = OF_CLUSTER("1484163906896517841", "29", "17");
    OPEN(before, revoked("20", ""), revoked("20", "\"count\":\"42\""), before, after, revoked("29", ""),
         after);
    for (int i = 0; i < 4; i++) check(users_refresh(u) == 0, "%d", i);
    stop(7);
    check(strstr(scripted_body(6), "\"min_mod_revision\":\"0\"") != NULL, "asked for all: %s", scripted_body(6));
    forget();
}

static void test_refresh(void) {
    static const char too_long[] = "{\"key\":\"" R_ANN "\",\"mod_revision\":\"31\",\"value\":\"?\"}";
    char text[256], list[2048], odd[2400];
    int64_t now = time(NULL);
    snprintf(text, sizeof text, "{\"username\":\"ann\",\"deleted\":true,\"not_before\":%lld}", (long long)now);
    snprintf(list, sizeof list, "\"kvs\":[%s]", kv(R_ANN, text, "12"));
    snprintf(text, sizeof text, "{\"username\":\"bob\",\"deleted\":true,\"not_before\":%lld}", (long long)now);
    snprintf(odd, sizeof odd, "\"kvs\":[%s,%s]", too_long, kv(R_BOB, text, "32"));
    OPEN(last_at("12", "12"), revoked("12", list), revoked("12", "\"count\":\"42\""), /* new, and counted */
         last_at("13", "12"),                                                                 /* nothing new */
         REFUSED,                                                                             /* not told */
         last_at("4", "3"), revoked("4", list),                                           /* gone back */
         last_at("32", "32"), revoked("32", odd), /* one that can't be read, and one behind it */
         last_at("33", "33"), revoked("33", "\"kvs\":[7]"), last_at("33", "33"), revoked("33", ""));
    check(users_refresh(u) == 0 && users_not_before(u, S("ann"), now) == now && users_count(u) == 42,
          "taken up, and counted");
    for (int i = 0; i < 4; i++) check(users_refresh(u) == 0, "%d", i);
    check(users_not_before(u, S("ann"), now) == now && users_not_before(u, S("bob"), now) == now, "all are known");
    check(users_refresh(u) == 0 && users_refresh(u) == 0, "what can't be read at all is asked for again");
    stop(13);
    check(strstr(said, "the key p/r/ann is damaged") != NULL, "one that can't be read is said, and passed over: %s",
          said);
    check(strstr(said, "its keys can't be read") != NULL, "so is all of it: %s", said);
    static const struct {
        int request;
        const char *since;
    } asked[] = { { 2, "6" }, { 7, "0" }, { 9, "5" }, { 11, "33" }, { 13, "33" } };
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        snprintf(text, sizeof text, "\"range_end\":\"cC9yMA==\",\"limit\":\"4000\",\"min_mod_revision\":\"%s\"",
                 asked[i].since);
        check(strstr(scripted_body(asked[i].request), text) != NULL, "since %s: %s", asked[i].since,
              scripted_body(asked[i].request));
    }
    check(strstr(scripted_body(3), "\"count_only\":true") != NULL, "counted: %s", scripted_body(3));
    forget();
}

/* Who waits for the count hears of no token that is revoked: it is asked for once, and for three seconds. */
static void test_count(void) {
    OPEN(last_at("12", "5"), "");
    scripted.acts[2].how = SILENT;
    pace = FAST;
    uint64_t start = milliseconds();
    check(users_refresh(u) == 0, "told");
    uint64_t waited = milliseconds() - start;
    pace = SLOW;
    check(waited >= 2900 && waited < 9000, "given up after %lu ms", (unsigned long)waited);
    end(2);
}

static enum users_result put(const char *name, const char *hash, int64_t not_before) {
    record = (struct record){ .name_len = strlen(name), .user = hash_of(hash) };
    memcpy(record.name, name, record.name_len);
    record.user.not_before = not_before;
    return users_batch_put(u, &record);
}

static int parts;
static size_t done;
static void count_part(size_t now_done, size_t all) {
    parts++;
    check(done < now_done && now_done <= all && (now_done == all) == (parts == (2000 + 63) / 64), "part %d", parts);
    done = now_done;
}

static void test_batch(void) {
    OPEN(PAGE("", KV_ANN), MADE);
    check(users_batch_begin(u) == 0, "begun");
    check(put("ann", "h1", 0) == USERS_EXISTS && put("ann", "h3", 0) == USERS_CHANGED, "one that is there");
    check(put("bob", "h2", 0) == USERS_OK && put("bob", "h2", 0) == USERS_EXISTS &&
              put("bob", "h3", 0) == USERS_CHANGED,
          "one that is new");
    check(put("", "h1", 0) == USERS_UNAVAILABLE && put("e", "", 0) == USERS_UNAVAILABLE, "what could not be read back");
    check(put("cyd", "h3", 0) == USERS_OK && users_batch_end(u, true, NULL) == 0, "written");
    stop(2);
    check(begins(scripted_body(2),
                 "{\"compare\":[" COMPARE(U_BOB, "0") "," COMPARE(R_BOB, "0") "," COMPARE(U_CYD, "0") "," COMPARE(
                     R_CYD, "0") "],\"success\":[{\"request_put\":{\"key\":\"" U_BOB "\",\"value\":\"" BOB64 "\"}},"),
          "at once: %s", scripted_body(2));
    forget();
    OPEN(PAGE("", KV_ANN));
    check(users_batch_begin(u) == 0 && put("bob", "h2", 0) == USERS_OK && users_batch_end(u, false, NULL) != 0, "not kept");
    end(1);
    OPEN(REFUSED);
    check(users_batch_begin(u) != 0, "not told who is there");
    end(1);
    /* somebody registered bob meanwhile: one by one; the same is no harm, another is */
    OPEN(PAGE("", KV_ANN), instead("", ""), instead(kv(U_BOB, BOB, "9"), ""), MADE);
    check(users_batch_begin(u) == 0 && put("bob", "h2", 0) == USERS_OK && put("cyd", "h3", 0) == USERS_OK &&
              users_batch_end(u, true, NULL) == 0,
          "the same");
    end(4);
    OPEN(PAGE("", KV_ANN), instead("", ""), instead(kv(U_BOB, "{\"username\":\"bob\",\"password\":\"h7\"}", "9"), ""),
         stands(kv(U_BOB, "{\"username\":\"bob\",\"password\":\"h7\"}", "9"), ""));
    check(users_batch_begin(u) == 0 && put("bob", "h2", 0) == USERS_OK && users_batch_end(u, true, NULL) != 0, "another");
    stop(4);
    check(strstr(said, "was registered meanwhile") != NULL, "which is said: %s", said);
    forget();
    OPEN(PAGE("", KV_ANN), LEASE, MADE);
    check(users_batch_begin(u) == 0 && put("bob", "h2", time(NULL)) == USERS_OK && users_batch_end(u, true, NULL) == 0 &&
              users_not_before(u, S("bob"), time(NULL)) > 0,
          "with a time, and a lease for it");
    end(3);
    /* ann's tokens were revoked elsewhere: one by one, and over what is there; what is earlier is nothing new */
    int64_t now = time(NULL);
    char line[128];
    snprintf(line, sizeof line, "{\"username\":\"ann\",\"password\":\"h1\",\"not_before\":%lld}", (long long)now - 9);
    const char *there = kv(U_ANN, line, "7");
    OPEN(ranges("\"succeeded\":true,", 1, &there), LEASE, instead(there, ""), stands(there, ""), LEASE, MADE);
    check(users_batch_begin(u) == 0 && put("ann", "h1", now - 9) == USERS_EXISTS &&
              put("ann", "h1", now - 10) == USERS_EXISTS && put("ann", "h2", now) == USERS_CHANGED &&
              put("ann", "h1", now) == USERS_OK && put("ann", "h1", now) == USERS_EXISTS &&
              users_batch_end(u, true, NULL) == 0 && users_not_before(u, S("ann"), now) == now,
          "revoked since");
    stop(6);
    check(begins(scripted_body(6), "{\"compare\":[" COMPARE(U_ANN, "7") "," COMPARE(R_ANN, "0") "],\"success\":[{\"") &&
              strstr(scripted_body(6), "{\"request_put\":{\"key\":\"" R_ANN "\"") != NULL,
          "for all nodes: %s", scripted_body(6));
    forget();
    OPEN(PAGE("", KV_ANN), REFUSED);
    check(users_batch_begin(u) == 0 && put("bob", "h2", 0) == USERS_OK && users_batch_end(u, true, NULL) != 0, "refused");
    stop(2);
    check(!strstr(said, "are written"), "of which nothing is written: %s", said);
    forget();
    /* what breaks off in the middle stays: which is said, for each of both ways */
    for (int times = 0; times < 2; times++) {
        OPEN(PAGE("", KV_ANN), MADE, times ? MADE : REFUSED, REFUSED);
        check(users_batch_begin(u) == 0, "begun");
        for (int i = 0; i < 100; i++) {
            char name[16];
            snprintf(name, sizeof name, "user%d", i);
            if (put(name, "h", i == 99 && times ? now : 0) != USERS_OK) check(0, "%s", name);
        }
        check(users_batch_end(u, true, NULL) != 0, "broken off");
        stop(times ? 4 : 3);
        snprintf(line, sizeof line, "p: at least %s of 100 lines are written: import it again, which adds the rest\n",
                 times ? "65" : "64");
        check(strstr(said, line) != NULL, "%s, not %s", said, line);
        forget();
    }
    /* more than one transaction takes, and more than the first table holds */
    const char *answers[41] = { PAGE("", KV_ANN) };
    for (int i = 1; i < 41; i++) answers[i] = MADE;
    open_with(41, answers);
    check(users_batch_begin(u) == 0, "many");
    for (int i = 0; i < 2000; i++) {
        char name[16];
        snprintf(name, sizeof name, "user%d", i);
        if (put(name, "h", 0) != USERS_OK || put(name, "h", 0) != USERS_EXISTS) check(0, "%s", name);
    }
    check(users_batch_end(u, true, count_part) == 0 && parts == (2000 + 63) / 64, "are written, in %d parts", parts);
    end(1 + (2000 + 63) / 64);
}

int main(void) {
    char name[] = "/tmp/jwtd-users-XXXXXX";
    said_fd = mkostemp(name, O_APPEND);
    unlink(name);
    kept_fd = dup(2);
    test_start();
    test_find();
    test_bad_answers();
    test_create();
    test_first();
    test_change();
    test_revoke();
    test_lost();
    test_next();
    test_refresh();
    test_count();
    test_full_set();
    test_overtaken();
    test_restored();
    test_batch();
    return test_end();
}
