/* users_etcd.c - the accounts in an etcd, for any number of machines. Its keys, all under PREFIX:
 *
 *   PREFIX/u/NAME   the account's line, as a file has it, without its LF
 *   PREFIX/r/NAME   since when its tokens are valid, as the line of a deleted account: with a lease, so that it goes
 *                   by itself when no token is left that it could be about
 *   PREFIX/u        there is or was an account
 *   PREFIX/r        is written along with every PREFIX/r/NAME, so that one key tells whether there is anything new
 *
 * No copy can be stale: every log-in asks etcd, linearizably. A change is one transaction, which holds only if both
 * keys of the name are still as they were read, and else returns them as they are. So a change that was sent twice,
 * because the first got no answer, finds what it wanted to write, and recognizes it: a hash has random salt.
 * What was revoked is asked for once a second. (A watch would tell sooner, but needs a stream that never ends, a
 * reader for chunks and a second way to learn that the stream is dead; a question can only fail.) */
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include "etcd.h"
#include "json.h"
#include "log.h"
#include "users_room.h"

enum {
    PREFIX_MAX = 255,
    CLUSTER_MAX = 20, /* digits of a cluster's ID */
    KEY_MAX = PREFIX_MAX + sizeof "/u/" + USERS_NAME_MAX,
    PAGE = 4000,             /* accounts that are read at once: each page costs etcd a look at all keys after it */
    BATCH = 64,              /* and written: etcd takes 128 compares a transaction, and 1.5 MiB */
    ITEM_MAX = 8192,         /* characters of a key and its value with all that etcd says of them, in base64 */
    SPACE = 8 * 1024 * 1024, /* 2 KiB for each of a page: a name of 255 bytes, all escaped, has less */
    SKEW = 60,               /* seconds by which the machines' clocks may differ */
    COUNT_EVERY = 600,       /* seconds: to count a million takes etcd one, and others wait */
    TRIES_MAX = 100,         /* of a change that others keep overtaking */
    REVOKED_BITS = 17,       /* 1,048,576 accounts whose tokens are revoked: 13 MB, used as far as they fill it */
};

/* Keys that are read one after the other, a page at a time, as they stood at one moment. */
struct walk {
    char next[ETCD_DECODED_MAX + 1]; /* keys from this one... */
    size_t next_len;
    const char *end;   /* to before PREFIX and this */
    uint64_t since;    /* only what was changed at this revision or later */
    uint64_t revision; /* the moment; 0: that of the first page */
    struct slice page, kv;
    bool more;
};

struct users_etcd {
    struct users base;
    struct etcd *etcd;
    struct slice prefix;
    /* used by one thread at a time, the one that refreshes or the command line's: */
    char *space; /* SPACE bytes for an answer, or for requests */
    struct walk list;
    uint64_t revision;             /* up to which revocations are known */
    char cluster[CLUSTER_MAX + 2]; /* whose revision that is: its ID in quotes */
    size_t cluster_len;
    unsigned refreshed;
};

static struct users_etcd *etcd_of(struct users *users) { return (struct users_etcd *)users; }

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

/* Appends a text in which ' stands for a quote, and these for an argument: %u for PREFIX/u/NAME and %r for
 * PREFIX/r/NAME, where the name is a slice; %k for PREFIX and a string; %b for the bytes of a slice, all four as
 * etcd_put_bytes writes them; %s for a slice as it is; %n for a uint64_t. */
static void put_format(struct buffer *b, const struct users_etcd *u, const char *format, va_list args) {
    char key[KEY_MAX];
    struct slice s;
    for (; *format; format++) {
        if (*format != '%') {
            put_char(b, *format == '\'' ? '"' : *format);
            continue;
        }
        switch (*++format) {
        case 'u': etcd_put_bytes(b, make_key(u, "/u/", va_arg(args, struct slice), key)); break;
        case 'r': etcd_put_bytes(b, make_key(u, "/r/", va_arg(args, struct slice), key)); break;
        case 'k': etcd_put_bytes(b, make_key(u, va_arg(args, const char *), nothing, key)); break;
        case 'b': etcd_put_bytes(b, va_arg(args, struct slice)); break;
        case 's': s = va_arg(args, struct slice), put_bytes(b, s.at, s.len); break;
        case 'n': put_number(b, va_arg(args, uint64_t)); break;
        default: b->overflow = true; return; /* there is no such letter */
        }
    }
}

static void fill(struct buffer *b, const struct users_etcd *u, const char *format, ...) {
    va_list args;
    va_start(args, format);
    put_format(b, u, format, args);
    va_end(args);
}

/* Is the key still as it was at a revision? 0: is there still none? */
#define COMPARE(key) "{'key':" key ",'target':'MOD','result':'EQUAL','mod_revision':'%n'}"
#define PUT(key) "{'request_put':{'key':" key ",'value':%b}}"
#define PUT_LEASED(key) "{'request_put':{'key':" key ",'value':%b,'lease':%s}}"
#define DELETE(key) "{'request_delete_range':{'key':" key "}}"
#define RANGE(key) "{'request_range':{'key':" key "}}"
/* Both keys of a name, which is passed twice, and MARK, which tells whether there is or was anybody. */
#define READS RANGE("%u") "," RANGE("%r") "," RANGE("%k")
#define MARK "/u"

/* ---- answers ---------------------------------------------------------- */

/* A key and its value. */
struct item {
    char key[ETCD_DECODED_MAX], value[ETCD_DECODED_MAX];
    size_t key_len, value_len;
    uint64_t revision; /* 0: there is none */
};

/* Narrows *object to one of its members. False where it has none of that type. */
static bool descend(struct slice *object, const char *name, enum json_type type) {
    struct json_member m = { .name = name };
    const char *why;
    bool found = json_object(*object, &m, 1, &why) == JSON_OK && m.type == type;
    *object = m.raw;
    return found;
}

/* etcd writes numbers of 64 bits as strings. */
static uint64_t read_number(struct slice raw) {
    bool quoted = raw.len > 1 && *raw.at == '"';
    int64_t n = quoted ? slice_decimal((struct slice){ raw.at + 1, raw.len - 2 }) : 0;
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
    item->revision = read_number(m[2].raw);
    return key >= 0 && item->revision > 0 ? 0 : -1;
}

/* The line of an item, which must be about the name that its key has after PREFIX and `kind`. */
static int read_record(const struct users_etcd *u, const char *kind, const struct item *item, struct record *record) {
    char key[KEY_MAX];
    const char *why = users_read_line(&u->base, (struct slice){ item->value, item->value_len }, record);
    struct slice found = { item->key, item->key_len };
    if (why == NULL && !slice_equal(make_key(u, kind, record_name(record), key), found))
        why = "it is about another name than its key";
    if (why == NULL) return 0;
    size_t len = item->key_len < sizeof key ? item->key_len : sizeof key - 1;
    memcpy(key, item->key, len);
    key[len] = '\0';
    return log_line(u->base.where, ": the value of the key ", key, " is damaged: ", why, NULL);
}

static int no_answer(const struct users_etcd *u) {
    return log_line(u->base.where, ": its answer is none to a question", NULL);
}

/* What a transaction came to. */
struct outcome {
    bool held;
    uint64_t revision;
    struct slice cluster;             /* its ID, as it stands there */
    struct slice responses, response; /* those that are still to be read, and the last one that was */
};

/* The next response, which must be a range's: what it has of kvs, more and count. 0 or -1. */
static int next_range(struct outcome *o, struct json_member m[3]) {
    const char *why;
    m[0] = (struct json_member){ .name = "kvs" };
    m[1] = (struct json_member){ .name = "more" };
    m[2] = (struct json_member){ .name = "count" };
    if (json_element(&o->responses, &o->response, &why) != 1) return -1;
    struct slice range = o->response;
    return descend(&range, "response_range", JSON_OBJECT) && json_object(range, m, 3, &why) == JSON_OK ? 0 : -1;
}

/* The same, and of it the first key and value, if there is one. */
static int next_item(struct outcome *o, struct item *item) {
    struct json_member m[3];
    struct slice kv = { NULL, 0 };
    const char *why;
    item->revision = 0;
    if (next_range(o, m) != 0) return -1;
    if (m[0].type == JSON_ABSENT) return 0;
    int got = json_element(&m[0].raw, &kv, &why);
    return got == 1 ? read_item(kv, item) : got;
}

/* ---- transactions ------------------------------------------------------- */

static int call(struct users_etcd *u, struct slice once, struct slice again, struct buffer *answer,
                enum etcd_patience patience, struct outcome *o) {
    struct json_member m[] = { { .name = "succeeded" }, { .name = "responses" }, { .name = "header" } };
    struct json_member header[] = { { .name = "revision" }, { .name = "cluster_id" } };
    struct slice body;
    const char *why;
    if (etcd_call(u->etcd, "kv/txn", once, again, answer, &body, patience) != ETCD_OK) return -1;
    if (json_object(body, m, 3, &why) != JSON_OK || json_object(m[2].raw, header, 2, &why) != JSON_OK)
        return no_answer(u);
    *o = (struct outcome){ slice_is(m[0].raw, "true"), read_number(header[0].raw), header[1].raw,
                           .responses = m[1].raw };
    return o->revision > 0 ? 0 : no_answer(u);
}

/* Asks for ranges, in put_format's format. A member that was asking a leader when that died may answer no such question
 * for seven seconds (etcd 3.4 waits that long for its ReadIndex): a repeated question comes with a deletion of nothing,
 * on which the members must agree as on a write. */
static int ask(struct users_etcd *u, struct buffer *answer, enum etcd_patience patience, struct outcome *o,
               const char *ranges, ...) {
    char text[2 * ITEM_MAX];
    struct buffer b = { .at = text, .cap = sizeof text };
    va_list args;
    fill(&b, u, "{'success':[");
    va_start(args, ranges);
    put_format(&b, u, ranges, args);
    va_end(args);
    put_text(&b, "]}");
    size_t middle = b.len;
    put_bytes(&b, text, middle - 2);
    fill(&b, u, "," DELETE("%u") "]}", nothing);
    return call(u, (struct slice){ text, middle }, (struct slice){ text + middle, b.len - middle }, answer, patience,
                o);
}

/* ---- a name ------------------------------------------------------------ */

/* How a name stands: both of its keys, and what they say; and whether there is or was anybody. */
struct state {
    struct item account, revoked, anybody;
    struct user user; /* without a hash: there is no account */
};

static int read_state(const struct users_etcd *u, struct outcome *o, struct state *s) {
    struct item *items[] = { &s->account, &s->revoked, &s->anybody };
    struct record record;
    for (int i = 0; i < 3; i++)
        if (next_item(o, items[i]) != 0) return no_answer(u);
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

static int read_name(struct users_etcd *u, struct slice name, struct state *s) {
    char space[4 * ITEM_MAX];
    struct buffer answer = { .at = space, .cap = sizeof space };
    struct outcome o;
    return ask(u, &answer, ETCD_CALL, &o, READS, name, name, MARK) == 0 ? read_state(u, &o, s) : -1;
}

/* Carries out a transaction. 1: it held; 0: it did not, and *s is how the name stands instead; -1: nobody knows. */
static int transact(struct users_etcd *u, const struct buffer *request, struct state *s) {
    char space[4 * ITEM_MAX];
    struct buffer answer = { .at = space, .cap = sizeof space };
    struct slice text = { request->at, request->len };
    struct outcome o;
    if (request->overflow) return log_line(u->base.where, ": an account is too long for it", NULL);
    if (call(u, text, text, &answer, ETCD_CALL, &o) != 0) return -1;
    return !o.held && read_state(u, &o, s) != 0 ? -1 : o.held;
}

/* A time that the table of what is revoked has for all of a full set is not in a name's keys: it is looked up before
 * them, since the hash must not be older than what is known to be revoked. */
static enum users_result etcd_find(struct users *users, struct slice name, struct user *user) {
    struct state s;
    int64_t not_before = users_not_before(users, name, time(NULL));
    if (read_name(etcd_of(users), name, &s) != 0) return USERS_UNAVAILABLE;
    raise_to(&s.user.not_before, not_before);
    if (s.user.hash_len > 0) *user = s.user;
    return s.user.hash_len > 0 ? USERS_OK : USERS_NOT_FOUND;
}

/* A lease that lasts until `until`: its ID, quoted as etcd writes it, in the caller's space. 0 or -1. */
static int get_lease(struct users_etcd *u, int64_t until, char space[ETCD_ANSWER_MIN], struct slice *lease) {
    char text[64];
    struct buffer b = { .at = text, .cap = sizeof text }, answer = { .at = space, .cap = ETCD_ANSWER_MIN };
    int64_t seconds = until - time(NULL);
    fill(&b, u, "{'TTL':'%n'}", (uint64_t)(seconds < 1 ? 1 : seconds > LEASE_MAX ? LEASE_MAX : seconds));
    struct slice request = { text, b.len };
    if (etcd_call(u->etcd, "lease/grant", request, request, &answer, lease, ETCD_CALL) != ETCD_OK) return -1;
    return descend(lease, "ID", JSON_STRING) ? 0 : no_answer(u);
}

/* A line as a value: without its LF. 0 or -1. */
static int make_value(const struct users_etcd *u, struct slice name, const struct user *user, char text[USERS_LINE_MAX],
                      struct slice *value) {
    struct buffer line = { .at = text, .cap = USERS_LINE_MAX };
    if (users_make_line(&line, &u->base, name, user) != 0) return -1;
    *value = (struct slice){ text, line.len - 1 };
    return 0;
}

/* Writes what the name is to be, if it still stands as it was read. The result and *s are transact's. A time from
 * which tokens are valid, or until which that must be remembered, is written for the other nodes too. */
static int write_name(struct users_etcd *u, const struct users_change *c, const struct user *next, struct state *s) {
    char text[4 * ITEM_MAX], line[USERS_LINE_MAX], revoked[USERS_LINE_MAX], space[ETCD_ANSWER_MIN];
    struct buffer b = { .at = text, .cap = sizeof text };
    struct user nobody = { .not_before = next->not_before, .tokens_until = next->tokens_until };
    struct slice account = nothing, times, lease = nothing, one = slice_of("1");
    bool later = next->not_before && next->tokens_until > s->user.tokens_until;
    bool revokes = next->hash_len == 0 || later || next->not_before != s->user.not_before;
    if ((next->hash_len > 0 && make_value(u, c->name, next, line, &account) != 0) ||
        make_value(u, c->name, &nobody, revoked, &times) != 0 ||
        (revokes && get_lease(u, users_remembered_until(&u->base, next), space, &lease) != 0))
        return -1;
    fill(&b, u, "{'compare':[" COMPARE("%u") "," COMPARE("%r"), c->name, s->account.revision, c->name,
         s->revoked.revision);
    if (c->how == ONLY_FIRST) fill(&b, u, "," COMPARE("%k"), MARK, (uint64_t)0);
    if (next->hash_len > 0)
        fill(&b, u, "],'success':[" PUT("%u"), c->name, account);
    else
        fill(&b, u, "],'success':[" DELETE("%u"), c->name);
    if (s->account.revision == 0) fill(&b, u, "," PUT("%k"), MARK, one);
    if (revokes) fill(&b, u, "," PUT_LEASED("%r") "," PUT("%k"), c->name, times, lease, "/r", one);
    fill(&b, u, "],'failure':[" READS "]}", c->name, c->name, MARK);
    return transact(u, &b, s);
}

/* To add an account, it is assumed that there is none until etcd says otherwise. Where the name stands as it was to be,
 * an earlier attempt that got no answer was carried out. */
static enum users_result etcd_change(struct users *users, const struct users_change *c) {
    struct users_etcd *u = etcd_of(users);
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
    return read_name(etcd_of(users), nothing, &s) == 0 && s.anybody.revision > 0;
}

/* ---- many names --------------------------------------------------------- */

static void begin_walk(const struct users_etcd *u, const char *first, const char *end, uint64_t since, struct walk *w) {
    *w = (struct walk){ .end = end, .since = since, .more = true };
    w->next_len = make_key(u, first, nothing, w->next).len;
}

static int read_page(struct users_etcd *u, struct walk *w) {
    struct json_member m[3];
    struct buffer answer = { .at = u->space, .cap = SPACE };
    struct slice next = { w->next, w->next_len };
    struct outcome o;
    if (ask(u, &answer, ETCD_LONG, &o,
            "{'request_range':{'key':%b,'range_end':%k,'limit':'%n','min_mod_revision':'%n','revision':'%n'}}", next,
            w->end, (uint64_t)PAGE, w->since, w->revision) != 0)
        return -1;
    if (next_range(&o, m) != 0) return no_answer(u);
    if (w->revision == 0) w->revision = o.revision;
    w->page = m[0].raw;
    w->kv = (struct slice){ NULL, 0 };
    w->more = slice_is(m[1].raw, "true");
    return 0;
}

/* Should the key have come earlier? If the keys had no end, the asking would have none. */
static bool comes_before(const struct item *item, const struct walk *w) {
    size_t len = item->key_len < w->next_len ? item->key_len : w->next_len;
    int order = memcmp(item->key, w->next, len);
    return order < 0 || (order == 0 && item->key_len < w->next_len);
}

/* The next key and value: 1, 0 after the last one, or -1. */
static int walk(struct users_etcd *u, struct walk *w, struct item *item) {
    const char *why;
    for (bool asked = false;; asked = true) {
        int got = w->page.at ? json_element(&w->page, &w->kv, &why) : 0;
        if (got == 0 && !w->more) return 0;
        if (got == 0 && asked) return no_answer(u);
        if (got == 0 && read_page(u, w) != 0) return -1;
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
    struct users_etcd *u = etcd_of(users);
    struct item item;
    if (*at == 0) begin_walk(u, "/u/", "/u0", 0, &u->list);
    int got = walk(u, &u->list, &item);
    if (got == 1 && read_record(u, "/u/", &item, record) != 0) got = -1;
    *at += 1;
    return got;
}

/* Counting the accounts takes etcd some time where they are many: it is asked seldom, and once, since nothing is heard
 * of revocations meanwhile. */
static void count_accounts(struct users_etcd *u) {
    struct json_member m[3];
    struct buffer answer = { .at = u->space, .cap = ETCD_ANSWER_MIN };
    struct outcome o;
    if (ask(u, &answer, ETCD_ONCE, &o, "{'request_range':{'key':%u,'range_end':%k,'count_only':true}}", nothing,
            "/u0") != 0)
        return;
    if (next_range(&o, m) != 0)
        no_answer(u);
    else
        atomic_store_explicit(&u->base.accounts, (size_t)read_number(m[2].raw), memory_order_relaxed);
}

/* Is it another cluster than the last time? */
static bool is_other_cluster(struct users_etcd *u, struct slice id) {
    if (slice_equal(id, (struct slice){ u->cluster, u->cluster_len }) || id.len > sizeof u->cluster) return false;
    if (id.len > 0) memcpy(u->cluster, id.at, id.len);
    u->cluster_len = id.len;
    return true;
}

/* Notes what was revoked since etcd was last asked. Where the revision has gone back, or is another cluster's, an older
 * state of everything was restored, and etcd is asked for everything. */
static int take_up(struct users_etcd *u) {
    struct walk w;
    struct item item;
    struct record record;
    int got;
    begin_walk(u, "/r/", "/r0", u->revision ? u->revision + 1 : 0, &w);
    while ((got = walk(u, &w, &item)) == 1)
        if (read_record(u, "/r/", &item, &record) == 0)
            users_note_revoked(&u->base, users_keyed_hash(&u->base, record_name(&record)), &record.user);
    if (got == 0) u->revision = w.revision;
    return got;
}

/* A short question first: to find what is new, etcd looks at all that is revoked (min_mod_revision is no index). */
static int refresh(struct users_etcd *u, enum etcd_patience patience) {
    struct buffer answer = { .at = u->space, .cap = ETCD_ANSWER_MIN };
    struct outcome o;
    struct item revoked;
    if (ask(u, &answer, patience, &o, RANGE("%k"), "/r") != 0) return -1;
    if (next_item(&o, &revoked) != 0) return no_answer(u);
    if (is_other_cluster(u, o.cluster) || o.revision < u->revision) u->revision = 0;
    if (revoked.revision > u->revision) return take_up(u);
    u->revision = o.revision;
    return 0;
}

static int etcd_refresh(struct users *users) {
    struct users_etcd *u = etcd_of(users);
    if (refresh(u, ETCD_PROBE) == 0 && u->refreshed++ % COUNT_EVERY == 0) count_accounts(u);
    return 0;
}

/* ---- import ------------------------------------------------------------- */

/* Reads all accounts that exist, so that all of a batch can be judged before any of it is written. */
static int etcd_batch_begin(struct users *users) {
    struct record record;
    uint64_t at = 0;
    int got;
    while ((got = etcd_next(users, &at, &record)) == 1)
        if (users_know(users, &record) == USERS_UNAVAILABLE) return -1;
    return got;
}

/* Writes one account of a batch with its times; one that is there, or was registered meanwhile, must be the same, and
 * takes over the later times. */
static int put_one(struct users_etcd *u, struct slice line) {
    struct record r;
    if (users_read_line(&u->base, line, &r) != NULL) return -1;
    struct slice name = record_name(&r);
    struct users_change c = { name, NULL, &r.user, PLAIN, r.user.not_before, r.user.tokens_until };
    enum users_result result = etcd_change(&u->base, &c);
    c.seen = &r.user;
    if (result == USERS_EXISTS) result = etcd_change(&u->base, &c);
    if (result != USERS_OK && result != USERS_UNAVAILABLE)
        log_line(u->base.where, ": an account was registered meanwhile: import it again", NULL);
    return result == USERS_OK ? 0 : -1;
}

_Static_assert(SPACE / 4 >= BATCH * ITEM_MAX, "the lines of a batch fit, in base64");

/* Writes the next BATCH lines in one transaction or, where one of them has times or is there already, one by one, and
 * counts them. */
static int put_some(struct users_etcd *u, struct slice *lines, uint64_t *written) {
    struct buffer compares = { .at = u->space, .cap = SPACE / 4 };
    struct buffer puts = { .at = u->space + SPACE / 4, .cap = SPACE / 4 };
    struct buffer b = { .at = u->space + SPACE / 2, .cap = SPACE / 2 };
    struct slice rest = *lines;
    struct record r;
    struct state s;
    int held = 1, i;
    for (i = 0; i < BATCH && rest.len > 0; i++) {
        struct slice line = slice_cut(&rest, '\n');
        if (users_read_line(&u->base, line, &r) != NULL) return -1;
        struct slice name = record_name(&r);
        held &= r.user.not_before == 0 && r.user.tokens_until == 0;
        if (i > 0) put_char(&compares, ',');
        fill(&compares, u, COMPARE("%u") "," COMPARE("%r"), name, (uint64_t)0, name, (uint64_t)0);
        fill(&puts, u, PUT("%u") ",", name, line);
    }
    fill(&b, u, "{'compare':[%s],'success':[%s" PUT("%k") "],'failure':[" READS "]}",
         (struct slice){ compares.at, compares.len }, (struct slice){ puts.at, puts.len }, MARK, slice_of("1"), nothing,
         nothing, MARK);
    if (held) held = transact(u, &b, &s);
    if (held == 1) *written += (uint64_t)i;
    for (; held == 0 && lines->len > rest.len; *written += 1)
        if (put_one(u, slice_cut(lines, '\n')) != 0) return -1;
    *lines = rest;
    return held < 0 ? -1 : 0;
}

/* What was written before something went wrong stays: it says how much that is. The same batch can be put again. */
static int etcd_batch_end(struct users *users, bool keep, users_progress *progress) {
    struct users_etcd *u = etcd_of(users);
    struct slice lines = { users->batch.at, keep ? users->batch.len : 0 };
    char number[LOG_DECIMAL], all[LOG_DECIMAL];
    uint64_t written = 0;
    int result = keep ? 0 : -1;
    while (result == 0 && lines.len > 0) {
        result = put_some(u, &lines, &written);
        if (result == 0 && progress) progress(users->batch.len - lines.len, users->batch.len);
    }
    if (written > 0 && result != 0)
        log_line(users->where, ": at least ", log_decimal(written, number), " of ",
                 log_decimal(users->batch_lines, all), " lines are written: import it again, which adds the rest",
                 NULL);
    return result;
}

/* ---- open and close ------------------------------------------------------ */

/* What was revoked must be known before a token is judged: without an answer this fails. */
static int etcd_open_room(struct users *users) {
    struct users_etcd *u = etcd_of(users);
    const char *user = getenv("JWTD_ETCD_USER");
    u->base.clock_skew = SKEW;
    u->space = malloc(SPACE);
    if (u->space == NULL) return log_line(users->where, ": no memory to open it", NULL);
    u->etcd = etcd_open(users->where, user && *user ? user : NULL, getenv("JWTD_ETCD_PASSWORD"), &u->prefix);
    if (u->etcd == NULL) return -1;
    if (u->prefix.len > PREFIX_MAX) return log_line(users->where, ": the prefix is too long", NULL);
    return refresh(u, ETCD_CALL);
}

static void etcd_close_room(struct users *users) {
    struct users_etcd *u = etcd_of(users);
    if (u->etcd) etcd_close(u->etcd);
    free(u->space);
}

_Static_assert((int)ETCD_ENDPOINTS_MAX <= (int)USERS_PORTS_MAX, "a port for each member");

static void etcd_needs(const struct users *users, struct users_needs *needs) {
    needs->port_count = etcd_ports(((const struct users_etcd *)users)->etcd, needs->ports);
}

static const struct metrics_calls *etcd_calls(const struct users *users) {
    return etcd_counts(((const struct users_etcd *)users)->etcd);
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
