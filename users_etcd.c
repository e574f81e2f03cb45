/* users_etcd.c - the accounts in an etcd, for any number of machines. Its keys, all behind PREFIX:
 *
 *   PREFIX/u/NAME   the account's line, as a file has it, without its LF
 *   PREFIX/r/NAME   since when its tokens count, as the line of a deleted account: with a lease, so that it goes by
 *                   itself when no token is left that it could be about
 *   PREFIX/u        there is or was an account
 *   PREFIX/r        is written with each of PREFIX/r/NAME, so that one key tells whether there is anything new
 *
 * There is no copy to be stale: whoever logs in has etcd asked, linearizably. A change is one transaction, which holds
 * only if both keys of the name are still as they were read, and else gives them as they are. So a change that was made
 * twice, because no answer came to the first, finds what it wanted to write, and knows it: a hash has random salt.
 * What was called back is asked for once a second. (A watch would tell it sooner, but needs a stream that never ends, a
 * reader for chunks and a second way to be told that the stream is dead; a question can only fail.) */
#include <stdlib.h>
#include <time.h>

#include "etcd.h"
#include "json.h"
#include "log.h"
#include "metrics.h"
#include "users_room.h"

enum {
    PREFIX_MAX = 255,
    KEY_MAX = PREFIX_MAX + sizeof "/u/" + USERS_NAME_MAX,
    PAGE = 4000,            /* accounts that are read at once: each page costs etcd a look at all keys behind it */
    BATCH = 64,             /* and written: etcd takes 128 compares a transaction, and 1.5 MiB */
    ITEM_MAX = 8192,        /* characters of a key and its value with all that etcd says of them, in base64 */
    ROOM = 8 * 1024 * 1024, /* 2 KiB for each of a page: a name of 255 bytes, all escaped, has less */
    SKEW = 60,              /* seconds by which the machines' clocks may differ */
    COUNT_EVERY = 600,      /* seconds: of a million it takes etcd one, and others wait */
    TRIES_MAX = 100,        /* of a change that others are faster than */
    REVOKED_BITS = 17, /* 1,048,576 accounts whose tokens are called back: 13 MB, of which is used what they take */
};

/* Keys that are read one after the other, a page at a time, as they stood at one moment. */
struct walk {
    char next[ETCD_DECODED_MAX + 1], end[KEY_MAX]; /* keys from `next` to before `end` */
    size_t next_len, end_len;
    uint64_t since;    /* only what was changed at this revision or later */
    uint64_t revision; /* the moment; 0: that of the first page */
    struct slice page, kv;
    bool more;
};

struct users_etcd {
    struct users base;
    struct etcd *etcd;
    struct slice prefix;
    /* of one thread at a time, that which refreshes or the command line's: */
    char *room; /* for an answer of ROOM bytes, or requests of as many */
    struct walk list;
    uint64_t revision; /* up to which it is known what was called back */
    unsigned refreshed;
};

static struct users_etcd *etcd_room(struct users *users) { return (struct users_etcd *)users; }

static const struct slice nothing = { "", 0 };
static const int64_t LEASE_MAX = 9000000000; /* seconds, by etcd */

/* ---- requests --------------------------------------------------------- */

/* PREFIX and `kind` ("/u/"), and a name. */
static struct slice make_key(const struct users_etcd *u, const char *kind, struct slice name, char key[KEY_MAX]) {
    struct buffer b = { .at = key, .cap = KEY_MAX };
    put_bytes(&b, u->prefix.at, u->prefix.len);
    put_text(&b, kind);
    put_bytes(&b, name.at, name.len);
    return (struct slice){ key, b.len };
}

static void put_key(struct buffer *b, const struct users_etcd *u, const char *kind, struct slice name) {
    char key[KEY_MAX];
    put_text(b, "{\"key\":");
    etcd_put_bytes(b, make_key(u, kind, name, key));
}

/* Is the key still as it was at this revision; 0: is there none? */
static void put_compare(struct buffer *b, const struct users_etcd *u, const char *kind, struct slice name,
                        uint64_t revision) {
    put_key(b, u, kind, name);
    put_text(b, ",\"target\":\"MOD\",\"result\":\"EQUAL\",\"mod_revision\":\"");
    put_number(b, revision);
    put_text(b, "\"}");
}

/* The key gets this value, or is deleted where that is empty. */
static void put_write(struct buffer *b, const struct users_etcd *u, const char *kind, struct slice name,
                      struct slice value, struct slice lease) {
    put_text(b, value.len > 0 ? "{\"request_put\":" : "{\"request_delete_range\":");
    put_key(b, u, kind, name);
    if (value.len > 0) {
        put_text(b, ",\"value\":");
        etcd_put_bytes(b, value);
    }
    if (lease.len > 0) put_text(b, ",\"lease\":");
    put_bytes(b, lease.at, lease.len);
    put_text(b, "}}");
}

/* Both keys of a name, and the one that tells whether there is or was anybody. */
static void put_reads(struct buffer *b, const struct users_etcd *u, struct slice name) {
    put_text(b, "[{\"request_range\":");
    put_key(b, u, "/u/", name);
    put_text(b, "}},{\"request_range\":");
    put_key(b, u, "/r/", name);
    put_text(b, "}},{\"request_range\":");
    put_key(b, u, "/u", nothing);
    put_text(b, "}}]");
}

/* ---- answers ---------------------------------------------------------- */

/* A key and its value. */
struct item {
    char key[ETCD_DECODED_MAX], value[ETCD_DECODED_MAX];
    size_t key_len, value_len;
    uint64_t revision; /* 0: there is none */
};

/* etcd writes numbers of 64 bits as strings. */
static uint64_t read_number(const struct json_member *m) {
    int64_t n = m->type == JSON_STRING ? slice_decimal((struct slice){ m->raw.at + 1, m->raw.len - 2 }) : 0;
    return n > 0 ? (uint64_t)n : 0;
}

static int read_item(struct slice kv, struct item *item) {
    struct json_member m[] = { { .name = "key" }, { .name = "value" }, { .name = "mod_revision" } };
    const char *why;
    if (json_object(kv, m, 3, &why) != JSON_OK || m[0].type != JSON_STRING) return -1;
    ssize_t key = etcd_get_bytes(m[0].raw, item->key);
    ssize_t value = m[1].type == JSON_STRING ? etcd_get_bytes(m[1].raw, item->value) : 0;
    item->key_len = (size_t)key;
    item->value_len = value > 0 ? (size_t)value : 0; /* one that can't be read is no line */
    item->revision = read_number(&m[2]);
    return key >= 0 && item->revision > 0 ? 0 : -1;
}

/* The line of an item, which must be about the name that its key has behind PREFIX and `kind`. */
static int read_record(const struct users_etcd *u, const char *kind, const struct item *item, struct record *record) {
    char key[KEY_MAX];
    const char *why = users_read_line(&u->base, (struct slice){ item->value, item->value_len }, record);
    if (why == NULL &&
        !slice_equal(make_key(u, kind, record_name(record), key), (struct slice){ item->key, item->key_len }))
        why = "it is about another name than its key";
    if (why == NULL) return 0;
    memcpy(key, item->key, item->key_len < sizeof key ? item->key_len : sizeof key - 1);
    key[item->key_len < sizeof key ? item->key_len : sizeof key - 1] = '\0';
    return log_line(u->base.where, ": the value of the key ", key, " is damaged: ", why, NULL);
}

static int no_answer(const struct users_etcd *u) {
    return log_line(u->base.where, ": its answer is none to a question", NULL);
}

/* A response of a transaction: its first key and value, if there is one. 0 or -1. */
static int read_response(struct slice response, struct item *item) {
    struct json_member range = { .name = "response_range" }, kvs = { .name = "kvs" };
    struct slice kv = { NULL, 0 };
    const char *why;
    item->revision = 0;
    if (json_object(response, &range, 1, &why) != JSON_OK || range.type != JSON_OBJECT ||
        json_object(range.raw, &kvs, 1, &why) != JSON_OK)
        return -1;
    if (kvs.type == JSON_ABSENT) return 0;
    int got = json_element(&kvs.raw, &kv, &why);
    return got == 1 ? read_item(kv, item) : got;
}

/* ---- a name ------------------------------------------------------------ */

/* How it stands: both of its keys, and what they say; and whether there is or was anybody. */
struct state {
    struct item account, revoked, anybody;
    struct user user; /* without a hash: there is no account */
};

static int read_state(const struct users_etcd *u, struct slice responses, struct state *s) {
    struct item *items[] = { &s->account, &s->revoked, &s->anybody };
    struct record record;
    struct slice response = { NULL, 0 };
    const char *why;
    for (int i = 0; i < 3; i++)
        if (json_element(&responses, &response, &why) != 1 || read_response(response, items[i]) != 0)
            return no_answer(u);
    s->user = (struct user){ .hash_len = 0 };
    if (s->account.revision > 0) {
        if (read_record(u, "/u/", &s->account, &record) != 0) return -1;
        s->user = record.user;
    }
    if (s->revoked.revision > 0) {
        if (read_record(u, "/r/", &s->revoked, &record) != 0) return -1;
        raise_to(&s->user.not_before, record.user.not_before);
        raise_to(&s->user.tokens_until, record.user.tokens_until);
    }
    return 0;
}

/* What a transaction came to. */
struct outcome {
    bool held;
    uint64_t revision;
    struct slice responses;
};

static int read_outcome(const struct users_etcd *u, struct slice body, struct outcome *o) {
    struct json_member m[] = { { .name = "succeeded" }, { .name = "responses" }, { .name = "header" } };
    struct json_member revision = { .name = "revision" };
    const char *why;
    if (json_object(body, m, 3, &why) != JSON_OK || m[2].type != JSON_OBJECT ||
        json_object(m[2].raw, &revision, 1, &why) != JSON_OK)
        return no_answer(u);
    *o = (struct outcome){ slice_is(m[0].raw, "true"), read_number(&revision), m[1].raw };
    return o->revision > 0 ? 0 : no_answer(u);
}

/* Asks for ranges, "[{...}]". A member that was asking a leader when that died may answer no such question for seven
 * seconds (etcd 3.4 waits so long for its ReadIndex): one that is repeated comes with a deletion of nothing, for which
 * the members must agree as for a write. */
static int ask_ranges(struct users_etcd *u, struct slice ranges, struct buffer *answer, enum etcd_patience patience,
                      struct outcome *o) {
    char text[2 * ITEM_MAX];
    struct buffer b = { .at = text, .cap = sizeof text };
    struct slice body;
    put_text(&b, "{\"success\":");
    put_bytes(&b, ranges.at, ranges.len);
    put_char(&b, '}');
    size_t middle = b.len;
    put_bytes(&b, text, middle - 2);
    put_char(&b, ',');
    put_write(&b, u, "/u/", nothing, nothing, nothing);
    put_text(&b, "]}");
    struct slice once = { text, middle }, again = { text + middle, b.len - middle };
    return etcd_call(u->etcd, "kv/txn", once, again, answer, &body, patience) == ETCD_OK ? read_outcome(u, body, o)
                                                                                         : -1;
}

static int read_name(struct users_etcd *u, struct slice name, struct state *s) {
    char text[4 * KEY_MAX], room[4 * ITEM_MAX];
    struct buffer b = { .at = text, .cap = sizeof text }, answer = { .at = room, .cap = sizeof room };
    struct outcome o;
    put_reads(&b, u, name);
    return ask_ranges(u, (struct slice){ text, b.len }, &answer, ETCD_CALL, &o) == 0 ? read_state(u, o.responses, s)
                                                                                     : -1;
}

/* Carries out a transaction. 1: it held; 0: it did not, and *s is how the name stands instead; -1: nobody knows. */
static int transact(struct users_etcd *u, const struct buffer *request, struct state *s) {
    char room[4 * ITEM_MAX];
    struct buffer answer = { .at = room, .cap = sizeof room };
    struct slice body, text = { request->at, request->len };
    struct outcome o;
    if (request->overflow) return log_line(u->base.where, ": an account is too long for it", NULL);
    if (etcd_call(u->etcd, "kv/txn", text, text, &answer, &body, ETCD_CALL) != ETCD_OK ||
        read_outcome(u, body, &o) != 0)
        return -1;
    return !o.held && read_state(u, o.responses, s) != 0 ? -1 : o.held;
}

static enum users_result etcd_find(struct users *users, struct slice name, struct user *user) {
    struct state s;
    if (read_name(etcd_room(users), name, &s) != 0) return USERS_UNAVAILABLE;
    if (s.user.hash_len > 0) *user = s.user;
    return s.user.hash_len > 0 ? USERS_OK : USERS_NOT_FOUND;
}

/* A lease that lasts until then: its ID, quoted as etcd writes it, in the caller's room. 0 or -1. */
static int get_lease(struct users_etcd *u, int64_t until, char room[ETCD_ANSWER_MIN], struct slice *lease) {
    struct json_member id = { .name = "ID" };
    char text[64];
    struct buffer b = { .at = text, .cap = sizeof text }, answer = { .at = room, .cap = ETCD_ANSWER_MIN };
    struct slice body;
    const char *why;
    int64_t seconds = until - time(NULL);
    put_text(&b, "{\"TTL\":\"");
    put_number(&b, (uint64_t)(seconds < 1 ? 1 : seconds > LEASE_MAX ? LEASE_MAX : seconds));
    put_text(&b, "\"}");
    struct slice request = { text, b.len };
    if (etcd_call(u->etcd, "lease/grant", request, request, &answer, &body, ETCD_CALL) != ETCD_OK) return -1;
    if (json_object(body, &id, 1, &why) != JSON_OK || id.type != JSON_STRING) return no_answer(u);
    *lease = id.raw;
    return 0;
}

/* A line as a value: without its LF. */
static struct slice without_end(const struct buffer *line) {
    return (struct slice){ line->at, line->len > 0 ? line->len - 1 : 0 };
}

/* Writes what the name is to be, if it still stands as it was read: as transact, and then *s is how it stands. A time from
 * which on tokens count, or until which that must be remembered, is written for the other nodes too. */
static int write_name(struct users_etcd *u, const struct users_change *c, const struct user *next, struct state *s) {
    char text[4 * ITEM_MAX], line[USERS_LINE_MAX], revoked[USERS_LINE_MAX], room[ETCD_ANSWER_MIN];
    struct buffer b = { .at = text, .cap = sizeof text };
    struct buffer account = { .at = line, .cap = sizeof line, .len = 0 };
    struct buffer times = { .at = revoked, .cap = sizeof revoked, .len = 0 };
    struct user nobody = { .not_before = next->not_before, .tokens_until = next->tokens_until };
    struct slice lease;
    bool later = next->not_before && next->tokens_until > s->user.tokens_until;
    bool revokes = next->hash_len == 0 || later || next->not_before != s->user.not_before;
    if ((next->hash_len > 0 && users_make_line(&account, &u->base, c->name, next) != 0) ||
        users_make_line(&times, &u->base, c->name, &nobody) != 0 ||
        (revokes && get_lease(u, users_remembered_until(&u->base, next), room, &lease) != 0))
        return -1;
    put_text(&b, "{\"compare\":[");
    put_compare(&b, u, "/u/", c->name, s->account.revision);
    put_char(&b, ',');
    put_compare(&b, u, "/r/", c->name, s->revoked.revision);
    if (c->how == ONLY_FIRST) put_char(&b, ',');
    if (c->how == ONLY_FIRST) put_compare(&b, u, "/u", nothing, 0);
    put_text(&b, "],\"success\":[");
    put_write(&b, u, "/u/", c->name, without_end(&account), nothing);
    if (s->account.revision == 0) put_char(&b, ',');
    if (s->account.revision == 0) put_write(&b, u, "/u", nothing, slice_of("1"), nothing);
    if (revokes) {
        put_char(&b, ',');
        put_write(&b, u, "/r/", c->name, without_end(&times), lease);
        put_char(&b, ',');
        put_write(&b, u, "/r", nothing, slice_of("1"), nothing);
    }
    put_text(&b, "],\"failure\":");
    put_reads(&b, u, c->name);
    put_char(&b, '}');
    return transact(u, &b, s);
}

/* Who adds an account takes it that there is none, until etcd says otherwise. Where the name stands as it was to be, an
 * earlier attempt, to which no answer came, was carried out. */
static enum users_result etcd_change(struct users *users, const struct users_change *c) {
    struct users_etcd *u = etcd_room(users);
    struct state s = { .user = { .hash_len = 0 } };
    struct user next;
    if ((c->seen || c->how == AS_IT_IS) && read_name(u, c->name, &s) != 0) return USERS_UNAVAILABLE;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        enum users_result result = users_plan(users, c, &s.user, s.anybody.revision > 0, &next);
        if (result != USERS_OK) return result;
        int held = write_name(u, c, &next, &s);
        if (held < 0) return USERS_UNAVAILABLE;
        if (held == 0 && !says_the_same(&s.user, &next)) continue;
        users_note_revoked(users, users_keyed_hash(users, c->name), &next);
        return USERS_OK;
    }
    log_line(u->base.where, ": an account is changed by others all the time", NULL);
    return USERS_UNAVAILABLE;
}

static bool etcd_any(struct users *users) {
    struct state s;
    return read_name(etcd_room(users), nothing, &s) == 0 && s.anybody.revision > 0;
}

/* ---- many names --------------------------------------------------------- */

static void begin_walk(const struct users_etcd *u, const char *first, const char *end, uint64_t since, struct walk *w) {
    *w = (struct walk){ .since = since, .more = true };
    w->next_len = make_key(u, first, nothing, w->next).len;
    w->end_len = make_key(u, end, nothing, w->end).len;
}

/* The first of the responses, one to a range: what it has of kvs, more and count. */
static int read_range(const struct users_etcd *u, struct slice responses, struct json_member m[3]) {
    struct json_member range = { .name = "response_range" };
    struct slice response = { NULL, 0 };
    const char *why;
    m[0] = (struct json_member){ .name = "kvs" };
    m[1] = (struct json_member){ .name = "more" };
    m[2] = (struct json_member){ .name = "count" };
    return json_element(&responses, &response, &why) == 1 && json_object(response, &range, 1, &why) == JSON_OK &&
                   range.type == JSON_OBJECT && json_object(range.raw, m, 3, &why) == JSON_OK
               ? 0
               : no_answer(u);
}

static int read_page(struct users_etcd *u, struct walk *w, enum etcd_patience patience) {
    struct json_member m[3];
    char text[ITEM_MAX];
    struct buffer b = { .at = text, .cap = sizeof text }, answer = { .at = u->room, .cap = ROOM };
    struct outcome o;
    put_text(&b, "[{\"request_range\":{\"key\":");
    etcd_put_bytes(&b, (struct slice){ w->next, w->next_len });
    put_text(&b, ",\"range_end\":");
    etcd_put_bytes(&b, (struct slice){ w->end, w->end_len });
    put_text(&b, ",\"limit\":\"");
    put_number(&b, PAGE);
    put_text(&b, "\",\"min_mod_revision\":\"");
    put_number(&b, w->since);
    put_text(&b, "\",\"revision\":\"");
    put_number(&b, w->revision);
    put_text(&b, "\"}}]");
    if (ask_ranges(u, (struct slice){ text, b.len }, &answer, patience, &o) != 0 || read_range(u, o.responses, m) != 0)
        return -1;
    if (w->revision == 0) w->revision = o.revision;
    w->page = m[0].raw;
    w->kv = (struct slice){ NULL, 0 };
    w->more = slice_is(m[1].raw, "true");
    return 0;
}

/* Is it a key that was to come earlier? Without an end of keys there would be none of asking. */
static bool comes_before(const struct item *item, const struct walk *w) {
    size_t len = item->key_len < w->next_len ? item->key_len : w->next_len;
    int order = memcmp(item->key, w->next, len);
    return order < 0 || (order == 0 && item->key_len < w->next_len);
}

/* The next key and value: 1, 0 behind the last one, or -1. */
static int walk(struct users_etcd *u, struct walk *w, enum etcd_patience patience, struct item *item) {
    const char *why;
    for (bool asked = false;; asked = true) {
        int got = w->page.at ? json_element(&w->page, &w->kv, &why) : 0;
        if (got == 0 && !w->more) return 0;
        if (got == 0 && asked) return no_answer(u);
        if (got == 0 && read_page(u, w, patience) != 0) return -1;
        if (got == 0) continue;
        if (got < 0 || read_item(w->kv, item) != 0 || comes_before(item, w))
            return log_line(u->base.where, ": its keys can't be read", NULL);
        memcpy(w->next, item->key, item->key_len);
        w->next[item->key_len] = '\0';
        w->next_len = item->key_len + 1;
        return 1;
    }
}

static int etcd_next(struct users *users, uint64_t *at, struct record *record) {
    struct users_etcd *u = etcd_room(users);
    struct item item;
    if (*at == 0) begin_walk(u, "/u/", "/u0", 0, &u->list);
    int got = walk(u, &u->list, ETCD_LONG, &item);
    if (got == 1 && read_record(u, "/u/", &item, record) != 0) got = -1;
    *at += 1;
    return got;
}

/* How many accounts there are takes etcd some time to tell where they are many: it is asked seldom. */
static void count_accounts(struct users_etcd *u) {
    struct json_member m[3];
    char text[4 * KEY_MAX], key[KEY_MAX], room[ETCD_ANSWER_MIN];
    struct buffer b = { .at = text, .cap = sizeof text }, answer = { .at = room, .cap = sizeof room };
    struct outcome o;
    put_text(&b, "[{\"request_range\":");
    put_key(&b, u, "/u/", nothing);
    put_text(&b, ",\"range_end\":");
    etcd_put_bytes(&b, make_key(u, "/u0", nothing, key));
    put_text(&b, ",\"count_only\":true}}]");
    if (ask_ranges(u, (struct slice){ text, b.len }, &answer, ETCD_LONG, &o) == 0 && read_range(u, o.responses, m) == 0)
        atomic_store_explicit(&u->base.accounts, (size_t)read_number(&m[2]), memory_order_relaxed);
}

/* Notes what was called back since it was last asked. Where the revision has gone back, an older state of all was
 * restored, and it is asked for everything. */
static int take_up(struct users_etcd *u) {
    struct walk w;
    struct item item;
    struct record record;
    int got;
    begin_walk(u, "/r/", "/r0", u->revision ? u->revision + 1 : 0, &w);
    while ((got = walk(u, &w, ETCD_LONG, &item)) == 1)
        if (read_record(u, "/r/", &item, &record) == 0)
            users_note_revoked(&u->base, users_keyed_hash(&u->base, record_name(&record)), &record.user);
    if (got == 0) u->revision = w.revision;
    return got;
}

/* A short question first: etcd looks at all that is called back to find what is new (its min_mod_revision is no index). */
static int refresh(struct users_etcd *u, enum etcd_patience patience) {
    char text[4 * KEY_MAX], room[ETCD_ANSWER_MIN];
    struct buffer b = { .at = text, .cap = sizeof text }, answer = { .at = room, .cap = sizeof room };
    struct slice response = { NULL, 0 };
    struct outcome o;
    struct item called_back;
    const char *why;
    put_text(&b, "[{\"request_range\":");
    put_key(&b, u, "/r", nothing);
    put_text(&b, "}}]");
    if (ask_ranges(u, (struct slice){ text, b.len }, &answer, patience, &o) != 0) return -1;
    if (json_element(&o.responses, &response, &why) != 1 || read_response(response, &called_back) != 0)
        return no_answer(u);
    if (o.revision < u->revision) u->revision = 0;
    if (called_back.revision > u->revision) return take_up(u);
    u->revision = o.revision;
    return 0;
}

static int etcd_refresh(struct users *users) {
    struct users_etcd *u = etcd_room(users);
    if (refresh(u, ETCD_PROBE) == 0 && u->refreshed++ % COUNT_EVERY == 0) count_accounts(u);
    return 0;
}

/* ---- import ------------------------------------------------------------- */

/* All accounts that there are, so that all of a batch can be judged before any of it is written. */
static int etcd_batch_begin(struct users *users) {
    struct record record;
    uint64_t at = 0;
    int got;
    while ((got = etcd_next(users, &at, &record)) == 1)
        if (users_know(users, &record) == USERS_UNAVAILABLE) return -1;
    return got;
}

/* Writes one account of a batch with its times; one that was registered meanwhile must be the same. */
static int put_one(struct users_etcd *u, struct slice line) {
    struct record r;
    struct user there;
    if (users_read_line(&u->base, line, &r) != NULL) return -1;
    struct slice name = record_name(&r);
    struct users_change c = { name, NULL, &r.user, PLAIN, r.user.not_before, r.user.tokens_until };
    enum users_result result = etcd_change(&u->base, &c);
    if (result == USERS_EXISTS && etcd_find(&u->base, name, &there) == USERS_OK && same_user(&there, &r.user))
        result = USERS_OK;
    if (result == USERS_EXISTS) log_line(u->base.where, ": an account was registered meanwhile: import it again", NULL);
    return result == USERS_OK ? 0 : -1;
}

/* Writes the next BATCH lines in one transaction or, where one of them has times or is there already, one by one. */
static int put_some(struct users_etcd *u, struct slice *lines) {
    enum { COMPARE, WRITE };
    struct buffer b = { .at = u->room, .cap = ROOM / 2 };
    struct state s;
    struct slice rest = *lines;
    struct record r;
    int held = 1;
    for (int part = COMPARE; part <= WRITE; part++) {
        rest = *lines;
        put_text(&b, part == COMPARE ? "{\"compare\":[" : "],\"success\":[");
        for (int i = 0; i < BATCH && rest.len > 0; i++) {
            struct slice line = slice_cut(&rest, '\n');
            if (users_read_line(&u->base, line, &r) != NULL) return -1;
            struct slice name = record_name(&r);
            held &= r.user.not_before == 0 && r.user.tokens_until == 0;
            if (i > 0) put_char(&b, ',');
            if (part == COMPARE) {
                put_compare(&b, u, "/u/", name, 0);
                put_char(&b, ',');
                put_compare(&b, u, "/r/", name, 0);
            } else {
                put_write(&b, u, "/u/", name, line, nothing);
            }
        }
    }
    put_char(&b, ',');
    put_write(&b, u, "/u", nothing, slice_of("1"), nothing);
    put_text(&b, "],\"failure\":");
    put_reads(&b, u, nothing);
    put_char(&b, '}');
    if (held) held = transact(u, &b, &s);
    while (held == 0 && lines->len > rest.len)
        if (put_one(u, slice_cut(lines, '\n')) != 0) return -1;
    *lines = rest;
    return held < 0 ? -1 : 0;
}

/* What is written until something goes wrong stays. The same batch can be put once more. */
static int etcd_batch_end(struct users *users, bool keep) {
    struct users_etcd *u = etcd_room(users);
    struct slice lines = { users->batch.at, keep ? users->batch.len : 0 };
    int result = keep ? 0 : -1;
    while (result == 0 && lines.len > 0) result = put_some(u, &lines);
    return result;
}

/* ---- open and close ------------------------------------------------------ */

/* What was called back must be known before a token is judged: without an answer it does not start. */
static int etcd_open_room(struct users *users) {
    struct users_etcd *u = etcd_room(users);
    const char *user = getenv("JWTD_ETCD_USER");
    u->base.clock_skew = SKEW;
    u->room = malloc(ROOM);
    if (u->room == NULL) return log_line(users->where, ": no memory to open it", NULL);
    u->etcd = etcd_open(users->where, user && *user ? user : NULL, getenv("JWTD_ETCD_PASSWORD"), &u->prefix);
    if (u->etcd == NULL) return -1;
    if (u->prefix.len > PREFIX_MAX) return log_line(users->where, ": the prefix is too long", NULL);
    return refresh(u, ETCD_CALL);
}

static void etcd_close_room(struct users *users) {
    struct users_etcd *u = etcd_room(users);
    if (u->etcd) etcd_close(u->etcd);
    free(u->room);
}

_Static_assert((int)ETCD_ENDPOINTS_MAX <= (int)USERS_PORTS_MAX, "a port for each member");

static void etcd_needs(const struct users *users, struct users_needs *needs) {
    needs->port_count = etcd_ports(((const struct users_etcd *)users)->etcd, needs->ports);
}

static void etcd_calls(const struct users *users, struct metrics_calls *calls) {
    const struct etcd_counts *counts = etcd_counts_of(((const struct users_etcd *)users)->etcd);
    *calls = (struct metrics_calls){ atomic_load(&counts->calls[ETCD_OK]), atomic_load(&counts->calls[ETCD_REFUSED]),
                                     atomic_load(&counts->calls[ETCD_UNAVAILABLE]), atomic_load(&counts->retries),
                                     atomic_load(&counts->milliseconds) };
}

const struct users_room users_etcd_room = {
    .size = sizeof(struct users_etcd),
    .revoked_bits = REVOKED_BITS,
    .open = etcd_open_room,
    .close = etcd_close_room,
    .find = etcd_find,
    .change = etcd_change,
    .any = etcd_any,
    .refresh = etcd_refresh,
    .next = etcd_next,
    .batch_begin = etcd_batch_begin,
    .batch_end = etcd_batch_end,
    .needs = etcd_needs,
    .calls = etcd_calls,
};
