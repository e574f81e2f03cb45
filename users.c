/* users.c - what is true of accounts wherever they are kept: their names, the text of their lines, whose tokens were
 * revoked, and what a change makes of a name.
 *
 * A line of JSON is an account, or says that there is no such account any more:
 *
 *   {"username":"Romel","password":"scrypt:32768:8:1$...$...","sum":"1b4f0e98"}
 *   {"username":"Romel","deleted":true,"sum":"6cb5de36"}
 *
 * Before the sum there may be "not_before" and "tokens_until", which say since when the account's tokens are valid, and
 * until when that must be remembered. Every later line of the name repeats them. A line ends with the first eight hex
 * digits of the SHA-256 of all that stands before `,"sum"`; one written by hand may leave the sum out. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "log.h"
#include "revoked.h"
#include "users_room.h"

enum {
    SUM_LEN = 8,
    LEEWAY_MAX = 3600, /* seconds that a token may be accepted after it has expired */
    HASH_MAX = 60, /* and that a log-in may take: if overtaken, it gives a token that expires later than those before */
    BATCH_LEN = 256 * 1024,
    TAIL_LEN = sizeof ",\"sum\":\"\"}" - 1 + SUM_LEN,
};

/* ---- names ------------------------------------------------------------ */

const char *users_name_fault(struct slice name) {
    if (name.len == 0) return " is empty";
    if (name.len > USERS_NAME_MAX) return " is too long";
    if (!json_is_utf8(name)) return " is not UTF-8";
    for (size_t i = 0; i < name.len; i++) { /* U+0000 to U+001F and U+007F to U+009F */
        uint8_t c = (uint8_t)name.at[i];
        if (c < 0x20 || c == 0x7f || (c == 0xc2 && (uint8_t)name.at[i + 1] < 0xa0)) return " has a control character";
    }
    return NULL;
}

void users_put_name(struct buffer *out, struct slice name) {
    if (users_name_fault(name) || *name.at == '"')
        json_put_string(out, name);
    else
        put_bytes(out, name.at, name.len);
}

uint64_t users_keyed_hash(const struct users *u, struct slice text) {
    uint8_t digest[SHA256_DIGEST];
    sha256_of(u->compress, u->index_key, sizeof u->index_key, text.at, text.len, digest);
    return (uint64_t)load_be32(digest) << 32 | load_be32(digest + 4);
}

/* ---- lines ------------------------------------------------------------ */

static void put_sum(struct buffer *out, sha256_compress *compress, struct slice text) {
    uint8_t digest[SHA256_DIGEST];
    sha256_of(compress, text.at, text.len, NULL, 0, digest);
    put_hex(out, digest, SUM_LEN / 2);
}

static void put_time(struct buffer *out, const char *member, int64_t seconds) {
    if (seconds == 0) return;
    put_text(out, member);
    put_number(out, (uint64_t)seconds);
}

void users_put_line(struct buffer *out, const struct users *u, struct slice name, const struct user *user) {
    size_t start = out->len;
    put_text(out, "{\"username\":");
    json_put_string(out, name);
    put_text(out, user->hash_len ? ",\"password\":" : ",\"deleted\":true");
    if (user->hash_len) json_put_string(out, user_hash(user));
    put_time(out, ",\"not_before\":", user->not_before);
    put_time(out, ",\"tokens_until\":", user->tokens_until);
    struct slice before = { out->at + start, out->len - start };
    put_text(out, ",\"sum\":\"");
    put_sum(out, u->compress, before);
    put_text(out, "\"}\n");
}

int users_make_line(struct buffer *line, const struct users *u, struct slice name, const struct user *user) {
    struct record record;
    size_t start = line->len;
    users_put_line(line, u, name, user);
    struct slice made = { line->at + start, line->len - start - 1 };
    if (!line->overflow && users_read_line(u, made, &record) == NULL) return 0;
    line->len = start;
    line->overflow = false;
    return log_line(u->where, ": an account that could not be read back is not stored", NULL);
}

static bool has_sum(struct slice line) {
    return line.len >= TAIL_LEN && memcmp(line.at + line.len - TAIL_LEN, ",\"sum\":\"", 8) == 0;
}

bool users_sum_is_right(sha256_compress *compress, struct slice line) {
    char sum[SUM_LEN];
    struct buffer out = { .at = sum, .cap = sizeof sum };
    if (!has_sum(line)) return true;
    put_sum(&out, compress, (struct slice){ line.at, line.len - TAIL_LEN });
    return memcmp(sum, line.at + line.len - TAIL_LEN + 8, SUM_LEN) == 0;
}

/* A time that may be left out: then it is 0. */
static bool read_time(const struct json_member *m, int64_t *seconds) {
    *seconds = m->type == JSON_NUMBER ? slice_decimal(m->raw) : 0;
    return m->type == JSON_ABSENT || *seconds > 0;
}

const char *users_parse_line(const struct users *u, struct slice line, bool checked, struct record *record) {
    enum { USERNAME, PASSWORD, DELETED, NOT_BEFORE, TOKENS_UNTIL, OTHERS, COUNT };
    struct json_member m[COUNT] = { { .name = "username" },   { .name = "password" },     { .name = "deleted" },
                                    { .name = "not_before" }, { .name = "tokens_until" }, { .name = NULL } };
    const char *why;
    enum json_result result = json_object(line, m, COUNT, &why);
    if (result == JSON_BAD) return why;
    if (result == JSON_TWICE) return "a member is given twice";
    if (!checked && !users_sum_is_right(u->compress, line))
        return "its sum does not match: the line was changed or damaged";
    bool deleted = m[PASSWORD].times == 0 && slice_is(m[DELETED].raw, "true");
    if (m[USERNAME].type != JSON_STRING || (m[PASSWORD].type != JSON_STRING && !deleted) ||
        m[PASSWORD].times + m[DELETED].times != 1 || m[OTHERS].times != has_sum(line))
        return "it is not {\"username\":...,\"password\":...,\"sum\":...}, all text, the sum last or left out";
    if (!read_time(&m[NOT_BEFORE], &record->user.not_before) ||
        !read_time(&m[TOKENS_UNTIL], &record->user.tokens_until))
        return "its times are not whole seconds since 1970";
    ssize_t name_len = json_string(m[USERNAME].raw, record->name, sizeof record->name);
    ssize_t hash_len = deleted ? 0 : json_string(m[PASSWORD].raw, record->user.hash, sizeof record->user.hash);
    if (name_len <= 0 || hash_len < 0 || (hash_len == 0) != deleted) return "username or password is empty or too long";
    record->name_len = (size_t)name_len;
    record->user.hash_len = (size_t)hash_len;
    return NULL;
}

const char *users_read_line(const struct users *u, struct slice line, struct record *record) {
    return users_parse_line(u, line, false, record);
}

/* ---- tokens that are revoked -------------------------------------------- */

int64_t users_remembered_until(const struct users *u, const struct user *user) {
    int64_t until = user->not_before + u->ttl;
    raise_to(&until, user->tokens_until);
    return user->not_before ? until + LEEWAY_MAX + HASH_MAX : 0;
}

static pthread_mutex_t noting = PTHREAD_MUTEX_INITIALIZER; /* who writes into u->revoked, a copy of *u included */

void users_note_revoked(struct users *u, uint64_t hash, const struct user *user) {
    if (user->not_before == 0) return;
    pthread_mutex_lock(&noting);
    revoked_put(u->revoked, hash, user->not_before, users_remembered_until(u, user), time(NULL));
    pthread_mutex_unlock(&noting);
}

/* The new time is later than what any of the tokens may say, even if the clock has gone back. */
static void revoke_tokens(const struct users *u, struct slice name, struct user *user) {
    int64_t now = time(NULL), last = revoked_not_before(u->revoked, users_keyed_hash(u, name), now);
    raise_to(&last, user->not_before);
    now += u->clock_skew;
    user->not_before = now > last ? now : last + 1;
    raise_to(&user->tokens_until, user->not_before + u->ttl); /* should the ttl be shorter after a restart */
}

int64_t users_not_before(const struct users *u, struct slice name, int64_t now) {
    return revoked_is_empty(u->revoked, now) ? 0 : revoked_not_before(u->revoked, users_keyed_hash(u, name), now);
}

/* ---- changes ---------------------------------------------------------- */

enum users_result users_plan(const struct users *u, const struct users_change *c, const struct user *known, bool others,
                             struct user *next) {
    const struct user *seen = c->seen, *user = c->user;
    bool found = known->hash_len > 0;
    if (c->how == AS_IT_IS) seen = user = known;
    if (c->how == ONLY_FIRST && others) return USERS_CHANGED;
    if (found && seen == NULL) return USERS_EXISTS;
    if (!found && seen != NULL) return USERS_NOT_FOUND;
    if (found && !same_user(known, seen)) return USERS_CHANGED;
    *next = (struct user){ .hash_len = 0 };
    if (user) *next = *user;
    next->not_before = known->not_before;
    next->tokens_until = known->tokens_until;
    raise_to(&next->not_before, c->not_before);
    raise_to(&next->tokens_until, c->tokens_until);
    if (c->how == REVOKE) revoke_tokens(u, c->name, next);
    return USERS_OK;
}

static bool is_no_user(const struct users *u, const struct user *user) {
    if (user->hash_len == 0) log_line(u->where, ": an account without a hash is not stored", NULL);
    return user->hash_len == 0;
}

static enum users_result change(struct users *u, struct slice name, const struct user *seen, const struct user *user,
                                enum users_how how, int64_t tokens_until) {
    struct users_change c = { name, seen, user, how, 0, tokens_until };
    return user && is_no_user(u, user) ? USERS_UNAVAILABLE : u->room->change(u, &c);
}

enum users_result users_store(struct users *u, struct slice name, const struct user *seen, const struct user *user) {
    return change(u, name, seen, user, user ? PLAIN : REVOKE, 0);
}

enum users_result users_store_first(struct users *u, struct slice name, const struct user *user) {
    return change(u, name, NULL, user, ONLY_FIRST, 0);
}

enum users_result users_note_token(struct users *u, struct slice name, int64_t until) {
    return change(u, name, NULL, NULL, AS_IT_IS, until);
}

enum users_result users_revoke(struct users *u, struct slice name, const struct user *seen, const struct user *user) {
    return change(u, name, seen, user, REVOKE, 0);
}

/* ---- many at once ----------------------------------------------------- */

/* Keyed hashes of a name and of its hash string: of two million names hardly any two look alike by chance, and none by
 * choice. And the account's times. */
struct known {
    uint64_t name, hash; /* nobody: 0 */
    int64_t not_before, tokens_until;
};

/* The place of a name among those that are known, or a free one. */
static struct known *find_known(const struct users *u, uint64_t name) {
    size_t i = (size_t)name & (u->known_cap - 1);
    while (u->known[i].name != 0 && u->known[i].name != name) i = (i + 1) & (u->known_cap - 1);
    return &u->known[i];
}

static int no_memory(const struct users *u) { return log_line(u->where, ": no memory for so many accounts", NULL); }

/* A place for one more name. */
static int reserve_known(struct users *u) {
    struct known *old = u->known;
    size_t n = u->known_cap, cap = n ? 2 * n : 1024;
    if ((u->known_count + 1) * 4 <= n * 3) return 0;
    struct known *more = calloc(cap, sizeof *more);
    if (more == NULL) return no_memory(u);
    u->known = more, u->known_cap = cap;
    for (size_t i = 0; i < n; i++)
        if (old[i].name != 0) *find_known(u, old[i].name) = old[i];
    free(old);
    return 0;
}

/* Is one of its times later than the one given? */
static bool is_later(const struct user *user, int64_t not_before, int64_t tokens_until) {
    return user->not_before > not_before || user->tokens_until > tokens_until;
}

enum users_result users_know(struct users *u, struct record *r) {
    uint64_t name = users_keyed_hash(u, record_name(r)) | 1, hash = users_keyed_hash(u, user_hash(&r->user));
    if (reserve_known(u) != 0) return USERS_UNAVAILABLE;
    struct known *k = find_known(u, name);
    if (k->name != 0 && k->hash != hash) return USERS_CHANGED;
    bool new = k->name == 0 || is_later(&r->user, k->not_before, k->tokens_until);
    u->known_count += k->name == 0;
    raise_to(&r->user.not_before, k->not_before);
    raise_to(&r->user.tokens_until, k->tokens_until);
    *k = (struct known){ name, hash, r->user.not_before, r->user.tokens_until };
    return new ? USERS_OK : USERS_EXISTS;
}

static void forget_batch(struct users *u) {
    free(u->known);
    u->known = NULL;
    u->known_count = u->known_cap = 0;
    u->batch.len = u->batch_lines = 0;
}

/* Room for one more line. */
static int reserve_batch(struct users *u) {
    struct buffer *b = &u->batch;
    if (b->cap - b->len >= USERS_LINE_MAX) return 0;
    size_t cap = 2 * b->cap + BATCH_LEN;
    char *at = realloc(b->at, cap);
    if (at == NULL) return no_memory(u);
    *b = (struct buffer){ .at = at, .len = b->len, .cap = cap };
    return 0;
}

int users_batch_begin(struct users *u) {
    forget_batch(u);
    return u->room->batch_begin(u);
}

enum users_result users_batch_put(struct users *u, const struct record *record) {
    struct record known = { .name_len = 0 }, r = *record;
    struct user *user = &r.user;
    if (is_no_user(u, user) || reserve_batch(u) != 0) return USERS_UNAVAILABLE;
    int found = u->room->batch_find ? u->room->batch_find(u, record_name(&r), &known) : 0;
    if (found < 0) return USERS_UNAVAILABLE;
    if (found == 1 && !same_user(&known.user, user)) return USERS_CHANGED;
    if (found == 1 && !is_later(user, known.user.not_before, known.user.tokens_until)) return USERS_EXISTS;
    raise_to(&user->not_before, known.user.not_before);
    raise_to(&user->tokens_until, known.user.tokens_until);
    enum users_result result = users_know(u, &r);
    if (result != USERS_OK) return result;
    if (users_make_line(&u->batch, u, record_name(&r), user) != 0) return USERS_UNAVAILABLE;
    u->batch_lines++;
    return USERS_OK;
}

int users_batch_end(struct users *u, bool keep, users_progress *progress) {
    int result = u->room->batch_end(u, keep, progress);
    forget_batch(u);
    return result;
}

/* ---- the rooms -------------------------------------------------------- */

static bool is_etcd(const char *where) { return strncmp(where, "etcd://", 7) == 0; }

bool users_exist(const char *where) { return is_etcd(where) || access(where, F_OK) == 0; }

struct users *users_open(const char *where, sha256_compress *compress, const uint8_t index_key[16], int64_t ttl) {
    const struct users_room *room = is_etcd(where) ? &users_etcd_room : &users_file_room;
    size_t size = (room->size + 7) & ~(size_t)7;
    struct users *u = calloc(1, size + revoked_size(room->revoked_bits));
    if (u == NULL) {
        log_line(where, ": no memory to open it", NULL);
        return NULL;
    }
    u->room = room;
    u->where = where;
    u->compress = compress;
    u->ttl = ttl;
    u->opened = time(NULL);
    u->revoked = (struct revoked *)((char *)u + size);
    u->revoked->bits = room->revoked_bits;
    memcpy(u->index_key, index_key, sizeof u->index_key);
    if (room->open(u) == 0) return u;
    users_close(u);
    return NULL;
}

void users_close(struct users *u) {
    u->room->close(u);
    forget_batch(u);
    free(u->batch.at);
    free(u);
}

int users_compact(struct users *u) { return u->room->compact ? u->room->compact(u) : 0; }

const char *users_fault(const struct users *u) { return u->room->fault ? u->room->fault(u) : NULL; }

size_t users_count(const struct users *u) { return atomic_load_explicit(&u->accounts, memory_order_relaxed); }

enum users_result users_find(struct users *u, struct slice name, struct user *user) {
    return u->room->find(u, name, user);
}

bool users_any(struct users *u) { return u->room->any(u); }

int users_watch(const struct users *u) { return u->room->watch ? u->room->watch(u) : -1; }

int users_refresh(struct users *u) { return u->room->refresh(u); }

void users_needs(const struct users *u, struct users_needs *needs) {
    *needs = (struct users_needs){ .port_count = 0 };
    u->room->needs(u, needs);
}

const struct metrics_calls *users_calls(const struct users *u) { return u->room->calls ? u->room->calls(u) : NULL; }

int users_next(struct users *u, uint64_t *at, struct record *record) { return u->room->next(u, at, record); }
