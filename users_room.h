/* users_room.h - for the rooms behind users.h that keep accounts: what each must be able to do, and what all of them
 * share. */
#ifndef USERS_ROOM_H
#define USERS_ROOM_H

#include <stdatomic.h>

#include "users.h"

enum { USERS_LINE_MAX = 4096 };

enum users_how {
    PLAIN,      /* the account must be as it was seen */
    ONLY_FIRST, /* and there must be no other at all */
    REVOKE,     /* and its tokens are revoked */
    AS_IT_IS,   /* it stays as it is, whether seen or not */
};

/* What is to become of a name, as in users_store. Its times become no earlier than these. */
struct users_change {
    struct slice name;
    const struct user *seen, *user;
    enum users_how how;
    int64_t not_before, tokens_until;
};

/* Each function is as that of its name in users.h; compact, fault, watch, calls and batch_find may be NULL, if there is
 * nothing to be done. Once `open` returns, it is known what was revoked, before anything is served; `close` follows an
 * `open` that failed, too. `find`, `change` and `any` are called from many threads, `refresh` from one, and `next`
 * and the batch from the command line only. */
struct users_room {
    size_t size;           /* of its struct, which begins with a struct users */
    unsigned revoked_bits; /* `bits` of struct revoked */
    int (*open)(struct users *users);
    void (*close)(struct users *users);
    int (*compact)(struct users *users);
    const char *(*fault)(const struct users *users);
    enum users_result (*find)(struct users *users, struct slice name, struct user *user);
    enum users_result (*change)(struct users *users, const struct users_change *change);
    bool (*any)(struct users *users);
    int (*refresh)(struct users *users);
    int (*next)(struct users *users, uint64_t *at, struct record *record);
    int (*batch_begin)(struct users *users);
    int (*batch_find)(struct users *users, struct slice name, struct record *known); /* as of users_batch_begin */
    int (*batch_end)(struct users *users, bool keep, users_progress *progress);      /* of the lines of users->batch */
    int (*watch)(const struct users *users);
    void (*needs)(const struct users *users, struct users_needs *needs);
    const struct metrics_calls *(*calls)(const struct users *users);
};
extern const struct users_room users_file_room, users_etcd_room;

/* What every room's struct begins with. */
struct users {
    const struct users_room *room;
    const char *where;
    sha256_compress *compress;
    uint8_t index_key[16];
    int64_t ttl, opened; /* seconds; the time at which it was opened */
    int64_t clock_skew;  /* seconds that another machine's clock may be ahead */
    struct revoked *revoked;
    atomic_size_t accounts; /* that are not deleted */
    struct buffer batch;    /* lines */
    size_t batch_lines;
    struct known *known;           /* a hash table, filled by users_know */
    size_t known_count, known_cap; /* a power of two */
};

static inline void raise_to(int64_t *at, int64_t value) {
    if (*at < value) *at = value;
}

static inline bool same_user(const struct user *a, const struct user *b) {
    return slice_equal(user_hash(a), user_hash(b));
}

static inline bool says_the_same(const struct user *a, const struct user *b) {
    return same_user(a, b) && a->not_before == b->not_before && a->tokens_until == b->tokens_until;
}

/* The first eight bytes of SHA-256 over key and text. */
uint64_t users_keyed_hash(const struct users *users, struct slice text);

/* Until when must it be remembered which tokens were revoked? Until then one of them could be accepted. */
int64_t users_remembered_until(const struct users *users, const struct user *user);

/* From now on this process rejects what was revoked. */
void users_note_revoked(struct users *users, uint64_t hash, const struct user *user);

/* What becomes of a name that so far is `known` (without a hash: there is no account): USERS_OK with what its `next`
 * line says, or why not. `others`: there is or was an account of any name. */
enum users_result users_plan(const struct users *users, const struct users_change *change, const struct user *known,
                             bool others, struct user *next);

/* Is the sum of a line right, or left out? That is half of the work of users_read_line; users_parse_line does the other
 * half if the sum was `checked` before. */
bool users_sum_is_right(sha256_compress *compress, struct slice line);
const char *users_parse_line(const struct users *users, struct slice line, bool checked, struct record *record);

/* As users_put_line, and checks that it can be read back; if not, that is said and nothing is appended. 0 or -1. */
int users_make_line(struct buffer *line, const struct users *users, struct slice name, const struct user *user);

/* Notes an account that is stored, or in the batch, until users_batch_end. USERS_OK: it is new, or one of its times is
 * later than was known; the other one is raised to what was known. USERS_EXISTS: it was known, with the same hash and
 * times that are no earlier. USERS_CHANGED: with another hash. USERS_UNAVAILABLE: no memory. */
enum users_result users_know(struct users *users, struct record *record);

#endif
