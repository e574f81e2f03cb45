/* users.h - the accounts: each has a name and a password's hash string.
 *
 * This is the one interface to wherever they are kept. Every call may block on a disk and may be made from any
 * thread; what it says is durable, is. */
#ifndef USERS_H
#define USERS_H

#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "file.h"
#include "sha256.h"

enum {
    USERS_NAME_MAX = 255, /* bytes of UTF-8 */
    USERS_HASH_MAX = 512, /* characters of a hash string */
    USERS_PORTS_MAX = 9,
};

struct users;

struct user {
    char hash[USERS_HASH_MAX];
    size_t hash_len;
    /* seconds since 1970, or 0. Tokens issued before `not_before` were revoked; no token that lives longer than the
     * server's own expires after `tokens_until`. Both stay with the name, whatever becomes of the account. */
    int64_t not_before, tokens_until;
};

struct record {
    char name[USERS_NAME_MAX];
    size_t name_len;
    struct user user;
};

static inline struct slice record_name(const struct record *r) { return (struct slice){ r->name, r->name_len }; }

static inline struct slice user_hash(const struct user *user) { return (struct slice){ user->hash, user->hash_len }; }

enum users_result {
    USERS_OK,
    USERS_NOT_FOUND,
    USERS_EXISTS,
    USERS_CHANGED,     /* since it was read: nothing was done */
    USERS_UNAVAILABLE, /* could not be read or stored; said on standard error */
};

/* Opens the accounts in the file `where` (made if missing, mode 0600; every line is checked and indexed), or those in
 * an etcd if it begins with etcd:// (users_etcd.c). `where` must last. `index_key` is 16 random bytes, so that nobody
 * can choose names that collide; `ttl` is how many seconds a token lives. NULL on failure, with the reason on standard
 * error. */
struct users *users_open(const char *where, sha256_compress *compress, const uint8_t index_key[16], int64_t ttl);
void users_close(struct users *users);

/* Is there something to open, or would a file be made? */
bool users_exist(const char *where);

/* What a process that serves them must still be able to reach from its sandbox. */
struct users_needs {
    char directory[FILE_PATH_MAX]; /* to write in; empty: none */
    uint16_t ports[USERS_PORTS_MAX];
    size_t port_count; /* TCP ports to connect to */
};
void users_needs(const struct users *users, struct users_needs *needs);

/* If more than half of the lines are obsolete, but not all, the others go into a new file, which takes this one's
 * place; a crash leaves one or the other. If that can not be done, or another process has the file open, the reason is
 * said and it stays as it is. -1 if it can't be read any more. Call it before anybody else uses `users`. */
int users_compact(struct users *users);

/* NULL, or why nothing can be stored any more until a restart. This and the number of accounts are given at once, even
 * while others wait for the disk. */
const char *users_fault(const struct users *users);
size_t users_count(const struct users *users);

/* NULL if an account may have this name, else what is wrong with it: " is empty". */
const char *users_name_fault(struct slice name);

/* A token issued to this account must say that it comes after user->not_before. */
enum users_result users_find(struct users *users, struct slice name, struct user *user);

/* Adds an account if `seen` is NULL: USERS_EXISTS if the name is taken. Else changes the account if it still is as it
 * was `seen`, or deletes it if `user` is NULL, which revokes its tokens. USERS_OK once that is on the disk; of any
 * number of callers for one name exactly one gets it. Of `user` only the hash is used. */
enum users_result users_store(struct users *users, struct slice name, const struct user *seen, const struct user *user);

/* Adds the very first account: USERS_CHANGED if there is or was another. */
enum users_result users_store_first(struct users *users, struct slice name, const struct user *user);

/* Is there an account, or was there one that is deleted by now? */
bool users_any(struct users *users);

/* As users_store, and the account's tokens are revoked: those that do not say that they come after the time that
 * users_find gives from now on. If `user` has the present hash, nothing else is changed. */
enum users_result users_revoke(struct users *users, struct slice name, const struct user *seen,
                               const struct user *user);

/* To be called before issuing a token that expires at `until`, later than the server's own: should it be revoked, that
 * is remembered until then. */
enum users_result users_note_token(struct users *users, struct slice name, int64_t until);

/* The time that a token of this account must come after; 0: any. The call neither blocks nor locks, knows what this
 * process has read of the file, and takes no time while nobody's tokens are revoked. */
int64_t users_not_before(const struct users *users, struct slice name, int64_t now);

/* Takes in what others have changed: at least, which tokens were revoked. 0, or -1: one of them is at work on it, or
 * it can't be read for now; try again in a moment. */
int users_refresh(struct users *users);

/* A descriptor that becomes readable when others may have changed something; -1: there is none, and users_refresh must
 * be called once a second. */
int users_watch(const struct users *users);

/* The counts of calls to another machine; NULL: none is called. */
const struct metrics_calls *users_calls(const struct users *users);

/* The accounts, one per call, in the order of their lines or, in an etcd, of their names; *at is 0 at first. 1, 0 after
 * the last one, or -1. If nothing else is called in between, they are those of one moment. */
int users_next(struct users *users, uint64_t *at, struct record *record);

/* Reads a line without its LF, as it stands in a file; the hash of a deleted account is empty. NULL, or in a few words
 * what is wrong with it. */
const char *users_read_line(const struct users *users, struct slice line, struct record *record);

/* Many accounts at once, all or none, except as below: appended with one write and one fdatasync. users_batch_begin
 * locks the file (0, or -1); users_batch_end writes the batch if `keep` is set, and unlocks it (0, or -1: none was
 * added). users_batch_put: USERS_OK; USERS_EXISTS, and not added, for an account already stored or in the batch with
 * the same hash and times that are no earlier; USERS_CHANGED for one with another hash. One with the same hash takes
 * over a later time, so that no token revoked elsewhere becomes valid. No other call may come in between.
 *
 * In an etcd nothing is locked and the batch is written in parts: if one fails, those before it stay. In a file, a
 * kill or a power cut while the batch is written leaves some of its lines, from the first on; if the disk does not keep
 * the order of its writes, the next start may refuse the file, and say in which line it is damaged. The same batch can
 * be put once more: what is already stored stays as it is. `progress`, which may be NULL, is told after each part how
 * many bytes of the batch are done. */
typedef void users_progress(size_t done, size_t all);
int users_batch_begin(struct users *users);
enum users_result users_batch_put(struct users *users, const struct record *record);
int users_batch_end(struct users *users, bool keep, users_progress *progress);

/* Appends a name as it is, so that a shell can take it, or as a JSON string if it is empty, begins with a quote, or has
 * a control character, which the shell or the terminal might take for something else. */
void users_put_name(struct buffer *out, struct slice name);

/* Appends a line as it stands in a file, with its LF: at most 5 KiB. Without a hash it says that the account is
 * deleted. */
void users_put_line(struct buffer *out, const struct users *users, struct slice name, const struct user *user);

#endif
