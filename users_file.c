/* users.c - the accounts in a file of JSON Lines, one account a line:
 *
 *   {"username":"Romel","password":"scrypt:32768:8:1$...$...","sum":"1b4f0e98"}
 *   {"username":"Romel","deleted":true,"sum":"6cb5de36"}
 *
 * Before the sum may stand "not_before" and "tokens_until", which say since when the account's tokens count, and until
 * when that must be remembered. Every later line of the name says them again.
 *
 * The file is the truth and memory is its index. Lines are only ever appended; of several with one name the
 * last counts, be it that there is no such account any more. A line ends with the first eight hex digits of the
 * SHA-256 of all that stands before `,"sum"`; one written by hand may leave the sum out.
 *
 * Guarantees: what users_store acknowledged has been through fdatasync. Every process that opens
 * the file takes turns by flock(2) and reads what others appended before it writes. A last line without its end
 * is what a crash leaves: it was never acknowledged and is cut off, with a warning. Any other damage stops the
 * start and changes nothing.
 *
 * A server that starts alone may write what counts into a new file, which takes the place of the old one under its
 * lock: who waits for that lock looks at the name again before it writes.
 *
 * Refuses to acknowledge anything more once an fdatasync has failed: the kernel may have dropped the pages, and
 * would say nothing the next time. */
#include "users.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "json.h"
#include "log.h"
#include "revoked.h"

enum {
    LINE_LEN_MAX = 4096,
    LINE_LEN_USUAL = 225, /* with a name of ten letters and a hash of scrypt */
    READ_LEN = 256 * 1024,
    SUM_LEN = 8,
    LOCK_TRIES = 500,  /* a hundred a second */
    LEEWAY_MAX = 3600, /* seconds that a token may be taken after it has expired */
    TAIL_LEN = sizeof ",\"sum\":\"\"}" - 1 + SUM_LEN,
};

/* An entry of the index: 26 bits of the name's hash, 38 bits of the line's offset plus one; zero is an empty place.
 * An entry's home is given by its own bits, so growing the table needs no name to be read again. */
enum { OFFSET_BITS = 38, INDEX_BITS_MIN = 10, INDEX_BITS_MAX = 64 - OFFSET_BITS };
static const uint64_t OFFSET_MASK = ((uint64_t)1 << OFFSET_BITS) - 1;

struct users {
    const char *path;
    sha256_compress *compress;
    uint8_t index_key[16];
    atomic_bool sync_failed; /* these two are written under the lock, and read without it */
    atomic_size_t accounts;  /* that are not deleted */
    int64_t ttl, opened;     /* seconds; the time at which it was opened */
    struct revoked *revoked; /* written under the lock, read without */

    pthread_mutex_t lock; /* guards all below */
    int fd;
    dev_t device;
    ino_t inode;
    uint64_t end, lines; /* how much of the file is indexed */
    uint64_t *index;
    unsigned index_bits;
    uint64_t count;  /* of names in the index, those of deleted accounts too */
    uint64_t idle;   /* how many of these have a newest line that says nothing */
    ino_t bad_inode; /* the file, and its size, that users_refresh could not read: it says so once */
    off_t bad_size;
    struct buffer batch; /* lines that will stand behind `end`; the index knows them */
};

static int complain(const struct users *u, const char *what, const char *detail) {
    return log_line(u->path, ": ", what, detail, NULL);
}

/* ---- lines ------------------------------------------------------------ */

static void put_sum(struct buffer *out, const struct users *u, struct slice text) {
    uint8_t digest[SHA256_DIGEST];
    sha256_of(u->compress, text.at, text.len, NULL, 0, digest);
    put_hex(out, digest, SUM_LEN / 2);
}

static void put_time(struct buffer *out, const char *member, int64_t seconds) {
    if (seconds == 0) return;
    put_text(out, member);
    put_number(out, (uint64_t)seconds);
}

/* Without a hash the line says that the account is deleted. */
static void put_line(struct buffer *out, const struct users *u, struct slice name, const struct user *user) {
    size_t start = out->len;
    put_text(out, "{\"username\":");
    json_put_string(out, name);
    put_text(out, user->hash_len ? ",\"password\":" : ",\"deleted\":true");
    if (user->hash_len) json_put_string(out, (struct slice){ user->hash, user->hash_len });
    put_time(out, ",\"not_before\":", user->not_before);
    put_time(out, ",\"tokens_until\":", user->tokens_until);
    struct slice before = { out->at + start, out->len - start };
    put_text(out, ",\"sum\":\"");
    put_sum(out, u, before);
    put_text(out, "\"}\n");
}

/* Does the line end with a sum, and is it the right one? */
static bool has_sum(struct slice line) {
    return line.len >= TAIL_LEN && memcmp(line.at + line.len - TAIL_LEN, ",\"sum\":\"", 8) == 0;
}

static bool sum_is_right(const struct users *u, struct slice line) {
    char sum[SUM_LEN];
    struct buffer out = { .at = sum, .cap = sizeof sum };
    put_sum(&out, u, (struct slice){ line.at, line.len - TAIL_LEN });
    return memcmp(sum, line.at + line.len - TAIL_LEN + 8, SUM_LEN) == 0;
}

/* A time that may be left out: then it is 0. */
static bool read_time(const struct json_member *m, int64_t *seconds) {
    *seconds = m->type == JSON_NUMBER ? slice_decimal(m->raw) : 0;
    return m->type == JSON_ABSENT || *seconds > 0;
}

const char *users_read_line(const struct users *u, struct slice line, struct record *record) {
    enum { USERNAME, PASSWORD, DELETED, NOT_BEFORE, TOKENS_UNTIL, OTHERS, COUNT };
    struct json_member m[COUNT] = { { .name = "username" },   { .name = "password" },     { .name = "deleted" },
                                    { .name = "not_before" }, { .name = "tokens_until" }, { .name = NULL } };
    const char *why;
    enum json_result result = json_object(line, m, COUNT, &why);
    if (result == JSON_BAD) return why;
    if (result == JSON_TWICE) return "a member is given twice";
    if (has_sum(line) && !sum_is_right(u, line)) return "its sum does not match: the line was changed or damaged";
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

static void raise_to(int64_t *at, int64_t value) {
    if (*at < value) *at = value;
}

/* Until when must it be remembered which tokens were called back? So long one of them could be taken. */
static int64_t remembered_until(const struct users *u, const struct user *user) {
    int64_t until = user->not_before + u->ttl;
    raise_to(&until, user->tokens_until);
    return user->not_before ? until + LEEWAY_MAX : 0;
}

/* Does the newest line of a name say anything that would not be so without it? */
static bool says_something(const struct users *u, const struct user *user) {
    return user->hash_len > 0 || remembered_until(u, user) > u->opened;
}

/* The length of the line at `offset`, with its LF, or -1. */
static ssize_t read_record_at(const struct users *u, uint64_t offset, struct record *record) {
    char number[LOG_DECIMAL];
    char text[LINE_LEN_MAX];
    bool in_batch = offset >= u->end;
    ssize_t n = in_batch ? 0 : pread(u->fd, text, sizeof text, (off_t)offset);
    if (n < 0) return complain(u, "can't be read: ", strerror(errno));
    struct slice rest = { text, (size_t)n };
    if (in_batch) rest = (struct slice){ u->batch.at + (offset - u->end), u->batch.len - (size_t)(offset - u->end) };
    struct slice line = slice_cut(&rest, '\n');
    const char *why = users_read_line(u, line, record);
    if (why) return log_line(u->path, ": damaged at byte ", log_decimal(offset, number), ": ", why, NULL);
    return (ssize_t)line.len + 1;
}

/* ---- the index -------------------------------------------------------- */

/* The first eight bytes of SHA-256 over key and name. */
static uint64_t hash_name(const struct users *u, struct slice name) {
    uint8_t digest[SHA256_DIGEST];
    sha256_of(u->compress, u->index_key, sizeof u->index_key, name.at, name.len, digest);
    return (uint64_t)load_be32(digest) << 32 | load_be32(digest + 4);
}

static size_t home(uint64_t entry, unsigned bits) { return (size_t)(entry >> (64 - bits)); }

static uint64_t entry_of(uint64_t hash, uint64_t offset) { return (hash & ~OFFSET_MASK) | (offset + 1); }

static void index_put(uint64_t *index, unsigned bits, uint64_t entry) {
    size_t mask = ((size_t)1 << bits) - 1, i = home(entry, bits);
    while (index[i] != 0) i = (i + 1) & mask;
    index[i] = entry;
}

/* Makes sure that `more` accounts fit, three quarters full at the most. */
static int index_reserve(struct users *u, uint64_t more) {
    char number[LOG_DECIMAL];
    unsigned bits = u->index_bits ? u->index_bits : INDEX_BITS_MIN;
    while (bits <= INDEX_BITS_MAX && (u->count + more) * 4 > ((uint64_t)3 << bits)) bits++;
    if (bits == u->index_bits) return 0;
    uint64_t *index = bits <= INDEX_BITS_MAX ? calloc((size_t)1 << bits, sizeof *index) : NULL;
    if (index == NULL)
        return log_line(u->path, ": no memory for ", log_decimal(u->count + more, number), " accounts", NULL);
    for (size_t i = 0; u->index && i < (size_t)1 << u->index_bits; i++)
        if (u->index[i] != 0) index_put(index, bits, u->index[i]);
    free(u->index);
    u->index = index;
    u->index_bits = bits;
    return 0;
}

/* Looks a name up: 1 with its place in the index and its record, 0 if there is none, -1 if the file can not be
 * read. */
static int index_find(const struct users *u, struct slice name, uint64_t hash, size_t *place, struct record *record) {
    size_t mask = ((size_t)1 << u->index_bits) - 1;
    for (size_t i = home(hash, u->index_bits); u->index[i] != 0; i = (i + 1) & mask) {
        uint64_t offset = (u->index[i] & OFFSET_MASK) - 1;
        if ((u->index[i] ^ hash) & ~OFFSET_MASK) continue;
        if (offset >= u->end + u->batch.len) continue; /* of a batch that was not kept */
        if (read_record_at(u, offset, record) < 0) return -1;
        if (slice_equal(name, (struct slice){ record->name, record->name_len })) {
            *place = i;
            return 1;
        }
    }
    return 0;
}

/* The account of this name: as index_find, but one that is deleted is none. The times in the record are the name's in
 * any case. */
static int find_account(const struct users *u, struct slice name, struct record *record) {
    size_t place;
    int found = index_find(u, name, hash_name(u, name), &place, record);
    if (found != 1) record->user.not_before = record->user.tokens_until = 0;
    return found == 1 && record->user.hash_len == 0 ? 0 : found;
}

/* Is the line at `offset` the last one of its name? */
static bool is_newest(const struct users *u, struct slice name, uint64_t offset) {
    size_t mask = ((size_t)1 << u->index_bits) - 1;
    uint64_t entry = entry_of(hash_name(u, name), offset);
    size_t i = home(entry, u->index_bits);
    while (u->index[i] != 0 && u->index[i] != entry) i = (i + 1) & mask;
    return u->index[i] != 0;
}

static void count_accounts(struct users *u, bool before, bool now) {
    size_t n = atomic_load_explicit(&u->accounts, memory_order_relaxed) + now - before;
    atomic_store_explicit(&u->accounts, n, memory_order_relaxed);
}

/* Enters the line at `offset`, which holds `name`, an account of it or that it is `deleted`; a line before it with that
 * name is forgotten. */
static int index_enter(struct users *u, struct slice name, bool deleted, uint64_t hash, uint64_t offset) {
    uint64_t entry = entry_of(hash, offset);
    struct record record;
    size_t place;
    if (offset >= OFFSET_MASK) return complain(u, "is larger than 256 GiB", "");
    if (index_reserve(u, 1) != 0) return -1;
    int found = index_find(u, name, hash, &place, &record);
    if (found == 1) {
        u->index[place] = entry;
        u->idle -= !says_something(u, &record.user);
    }
    if (found == 0) {
        index_put(u->index, u->index_bits, entry);
        u->count++;
    }
    if (found >= 0) count_accounts(u, found == 1 && record.user.hash_len > 0, !deleted);
    return found < 0 ? -1 : 0;
}

/* ---- tokens that are called back -------------------------------------- */

static void note_revoked(struct users *u, uint64_t hash, const struct user *user) {
    if (user->not_before) revoked_put(u->revoked, hash, user->not_before, remembered_until(u, user), time(NULL));
}

/* Calls the tokens back: the time is later than whatever one of them may say, even where the clock has gone back. */
static void call_back(const struct users *u, uint64_t hash, struct user *user) {
    int64_t now = time(NULL), last = revoked_not_before(u->revoked, hash, now);
    raise_to(&last, user->not_before);
    user->not_before = now > last ? now : last + 1;
    raise_to(&user->tokens_until, user->not_before + u->ttl); /* should the ttl be shorter after a restart */
}

int64_t users_not_before(const struct users *u, struct slice name, int64_t now) {
    return revoked_is_empty(u->revoked, now) ? 0 : revoked_not_before(u->revoked, hash_name(u, name), now);
}

/* ---- reading the file ------------------------------------------------- */

/* Lines on their way into the index. Each is entered when the next one has been read, since by then its place has
 * come from memory; else a third of the time would go into waiting for that. */
struct reading {
    uint64_t end, lines; /* how much of the file has been read */
    struct ahead {
        struct record record; /* without a name: none */
        uint64_t hash, end;
    } ahead[2];
};

static int enter(struct users *u, struct ahead *line) {
    struct slice name = { line->record.name, line->record.name_len };
    if (name.len == 0) return 0;
    line->record.name_len = 0; /* one that can't be entered is not tried again, nor complained of */
    if (index_enter(u, name, line->record.user.hash_len == 0, line->hash, u->end) != 0) return -1;
    u->idle += !says_something(u, &line->record.user);
    note_revoked(u, line->hash, &line->record.user);
    u->end = line->end;
    u->lines++;
    return 0;
}

static int enter_last(struct users *u, struct reading *r) { return enter(u, &r->ahead[(r->lines + 1) % 2]); }

static int read_line(struct users *u, struct reading *r, struct slice line) {
    char number[LOG_DECIMAL];
    struct ahead *this = &r->ahead[r->lines % 2];
    const char *why = line.len >= LINE_LEN_MAX ? "it is too long" : users_read_line(u, line, &this->record);
    if (why)
        return log_line(u->path, ": line ", log_decimal(r->lines + 1, number), " is bad: ", why,
                        " (mend or remove it; nothing has been changed)", NULL);
    this->hash = hash_name(u, (struct slice){ this->record.name, this->record.name_len });
    __builtin_prefetch(&u->index[home(this->hash, u->index_bits)]);
    if (enter_last(u, r) != 0) return -1;
    this->end = r->end += line.len + 1;
    r->lines++;
    return 0;
}

/* How much of an unfinished last line is a whole account: 0, if it breaks off. */
static size_t whole_account(const struct users *u, struct slice tail) {
    struct record record;
    for (size_t i = 0; i < tail.len; i++)
        if (tail.at[i] == '}' && users_read_line(u, (struct slice){ tail.at, i + 1 }, &record) == NULL) return i + 1;
    return 0;
}

/* The bytes behind the last LF. A part of an account is what a crash leaves: it is cut off. A whole one without
 * its LF, as an editor may leave it, is kept and completed; one with something else behind it is damage. Bytes
 * that a file had grown by but that had not arrived when the power went read as NUL. */
static int mend_tail(struct users *u, struct reading *r, struct slice tail) {
    char number[LOG_DECIMAL];
    size_t len = tail.len, whole = whole_account(u, tail);
    while (len > 0 && tail.at[len - 1] == '\0') len--;
    if (whole != 0 && whole != len) return read_line(u, r, tail);
    if (whole == 0)
        log_line(u->path, ": the last line breaks off: ", log_decimal(tail.len, number),
                 " bytes, never acknowledged, are cut off", NULL);
    if (ftruncate(u->fd, (off_t)(u->end + whole)) != 0 || (whole != 0 && write(u->fd, "\n", 1) != 1) ||
        fdatasync(u->fd) != 0) {
        u->sync_failed = true;
        return complain(u, "its last line can't be mended: ", strerror(errno));
    }
    return whole == 0 ? 0 : read_line(u, r, (struct slice){ tail.at, whole });
}

/* Indexes what has been appended since `end`. The file must be locked. Only who is going to write (`mend`) touches an
 * unfinished last line: a reader may be looking at what somebody is still typing. */
static int catch_up(struct users *u, bool mend) {
    struct reading r = { .end = u->end, .lines = u->lines };
    char *text = malloc(READ_LEN);
    size_t held = 0;
    int result = text ? 0 : complain(u, "no memory to read it", "");
    while (result == 0) {
        ssize_t n = pread(u->fd, text + held, READ_LEN - held, (off_t)(r.end + held));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) result = complain(u, "can't be read: ", strerror(errno));
        if (n <= 0) break;
        struct slice rest = { text, held + (size_t)n }, line, unread = rest;
        while (result == 0 && (line = slice_cut(&rest, '\n'), rest.at != NULL)) {
            result = read_line(u, &r, line);
            unread = rest;
        }
        held = unread.len;
        memmove(text, unread.at, held);
        if (result == 0 && held >= LINE_LEN_MAX) result = read_line(u, &r, unread); /* it says that it is too long */
    }
    if (enter_last(u, &r) != 0) result = -1;
    if (result == 0 && held > 0 && mend && (result = mend_tail(u, &r, (struct slice){ text, held })) == 0)
        result = enter_last(u, &r);
    free(text);
    return result;
}

/* Waits for its turn, but not for ever: whoever may read the file may lock it. Meanwhile `held`, where it is given, is
 * let go, so that those who only read go on. */
static int lock_file(const struct users *u, pthread_mutex_t *held) {
    const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
    for (int tries = 0; flock(u->fd, LOCK_EX | LOCK_NB) != 0; tries++) {
        if (errno != EWOULDBLOCK && errno != EINTR) return complain(u, "can't be locked: ", strerror(errno));
        if (tries == LOCK_TRIES) return complain(u, "another process keeps it locked", "");
        if (held) pthread_mutex_unlock(held);
        nanosleep(&pause, NULL);
        if (held) pthread_mutex_lock(held);
    }
    return 0;
}

static int open_file(struct users *u) {
    struct stat st;
    u->fd = open(u->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (u->fd < 0)
        return log_line(u->path, ": can't be opened: ", strerror(errno), " (--users names another file)", NULL);
    if (fstat(u->fd, &st) != 0 || !S_ISREG(st.st_mode)) return complain(u, "is not a regular file", "");
    u->device = st.st_dev;
    u->inode = st.st_ino;
    /* a place for every line that it may have, so that the table hardly ever grows while the file is read */
    if (index_reserve(u, (uint64_t)st.st_size / LINE_LEN_USUAL + 1) != 0 || lock_file(u, NULL) != 0) return -1;
    int result = catch_up(u, true);
    /* what a killed process wrote or renamed, but did not sync, is told from what is durable by nobody: now it is */
    if (result == 0 && u->end > 0 && (fdatasync(u->fd) != 0 || file_sync_directory(u->path) != 0))
        result = complain(u, "can't be synced: ", strerror(errno));
    flock(u->fd, LOCK_UN);
    return result;
}

/* ---- taking turns with other processes -------------------------------- */

enum change { UNCHANGED, APPENDED, REPLACED, MISSING };

static enum change look_at(const struct users *u, struct stat *st) {
    if (stat(u->path, st) != 0) return MISSING;
    if (st->st_dev != u->device || st->st_ino != u->inode || (uint64_t)st->st_size < u->end) return REPLACED;
    return (uint64_t)st->st_size > u->end ? APPENDED : UNCHANGED;
}

static enum change look(const struct users *u) {
    struct stat st;
    return look_at(u, &st);
}

/* Another file stands under the name, put there by an editor or a restore: it is read from the start, and taken
 * if it is sound. */
static int reopen(struct users *u) {
    struct users new = {
        .path = u->path, .compress = u->compress, .ttl = u->ttl, .opened = u->opened, .revoked = u->revoked, .fd = -1
    };
    memcpy(new.index_key, u->index_key, sizeof new.index_key);
    if (open_file(&new) != 0) {
        if (new.fd >= 0) close(new.fd);
        free(new.index);
        return -1;
    }
    close(u->fd);
    free(u->index);
    u->fd = new.fd, u->device = new.device, u->inode = new.inode, u->end = new.end, u->lines = new.lines;
    u->index = new.index, u->index_bits = new.index_bits, u->count = new.count, u->idle = new.idle;
    atomic_store(&u->accounts, atomic_load(&new.accounts));
    return 0;
}

/* Locks the file that the name stands for now, indexed to its end. */
static int begin(struct users *u, bool mend) {
    for (;;) {
        if (lock_file(u, &u->lock) != 0) return -1;
        enum change change = look(u);
        if (change == UNCHANGED || (change == APPENDED && catch_up(u, mend) == 0)) return 0;
        flock(u->fd, LOCK_UN);
        if (change == MISSING) return complain(u, "has been removed or can't be seen: put it back", "");
        if (change == APPENDED || reopen(u) != 0) return -1;
    }
}

/* ---- compaction ------------------------------------------------------- */

/* Copies the newest line of each name, byte for byte and in the order of the file, where it says something. */
static int copy_lines(const struct users *u, int fd) {
    struct buffer out = { .at = malloc(READ_LEN), .cap = READ_LEN };
    struct record record;
    int result = out.at ? 0 : -1;
    ssize_t len = 0;
    for (uint64_t at = 0; result == 0 && at < u->end; at += (uint64_t)len) {
        len = read_record_at(u, at, &record);
        if (len < 0) errno = EIO;
        if (len < 0 || (out.cap - out.len < LINE_LEN_MAX && file_write(fd, &out) != 0)) result = -1;
        if (result != 0 || !says_something(u, &record.user) ||
            !is_newest(u, (struct slice){ record.name, record.name_len }, at))
            continue;
        if (pread(u->fd, out.at + out.len, (size_t)len, (off_t)at) != len) result = -1;
        out.len += (size_t)len;
    }
    if (result == 0) result = file_write(fd, &out);
    free(out.at);
    return result;
}

/* Puts a file with these lines, of the same mode and owner, in the place of this one. A lease is given only for a file
 * that nobody else has open; whoever opens it from then on is seen in it and waits, for its end or until the kernel
 * takes it away (fcntl(2)). NULL, or why not. */
static const char *replace_file(const struct users *u, const char *temporary) {
    static const char in_use[] = "another process has it open";
    struct stat st;
    if (lstat(u->path, &st) != 0) return strerror(errno);
    if (st.st_dev != u->device || st.st_ino != u->inode) return "its name is a link";
    signal(SIGIO, SIG_IGN);
    if (fcntl(u->fd, F_SETLEASE, F_WRLCK) != 0) return errno == EAGAIN ? in_use : strerror(errno);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool written = fd >= 0 && fchown(fd, st.st_uid, st.st_gid) == 0 && fchmod(fd, st.st_mode & 07777) == 0 &&
                   copy_lines(u, fd) == 0 && fsync(fd) == 0;
    if (fd >= 0) close(fd);
    if (written && fcntl(u->fd, F_GETLEASE) != F_WRLCK) return in_use;
    return written && rename(temporary, u->path) == 0 ? NULL : strerror(errno);
}

/* Another server would see the file replaced, and read it anew while it serves: it is waited for. */
static int compact(struct users *u) {
    char before[LOG_DECIMAL], after[LOG_DECIMAL];
    uint64_t lines = u->lines, kept = u->count - u->idle;
    size_t len = strlen(u->path);
    char *temporary = malloc(len + sizeof ".compacting");
    if (temporary == NULL) return complain(u, "no memory to compact it", "");
    memcpy(temporary, u->path, len);
    memcpy(temporary + len, ".compacting", sizeof ".compacting");
    unlink(temporary);                       /* of one that was killed */
    bool due = kept > 0 && kept * 2 < lines; /* one in which all are deleted says that somebody was here */
    const char *why = due ? replace_file(u, temporary) : NULL;
    if (why) {
        complain(u, "is not compacted: ", why);
        unlink(temporary);
        fcntl(u->fd, F_SETLEASE, F_UNLCK);
    }
    free(temporary);
    if (!due || why) return 0;
    log_line(u->path, ": compacted from ", log_decimal(lines, before), " lines to ", log_decimal(kept, after), NULL);
    close(u->fd);
    free(u->index);
    u->index = NULL;
    u->index_bits = 0;
    u->end = u->lines = u->count = u->idle = 0;
    atomic_store(&u->accounts, 0);
    return open_file(u);
}

int users_compact(struct users *u) {
    pthread_mutex_lock(&u->lock);
    int result = begin(u, true);
    if (result == 0) result = compact(u);
    flock(u->fd, LOCK_UN);
    pthread_mutex_unlock(&u->lock);
    return result;
}

/* ---- the interface ---------------------------------------------------- */

struct users *users_open(const char *path, sha256_compress *compress, const uint8_t index_key[16], int64_t ttl) {
    struct users *u = calloc(1, sizeof *u + sizeof *u->revoked);
    if (u == NULL) {
        log_line(path, ": no memory to open it", NULL);
        return NULL;
    }
    u->path = path;
    u->compress = compress;
    u->ttl = ttl;
    u->opened = time(NULL);
    u->revoked = (struct revoked *)(u + 1);
    memcpy(u->index_key, index_key, sizeof u->index_key);
    u->fd = -1;
    pthread_mutex_init(&u->lock, NULL);
    if (open_file(u) == 0) return u;
    users_close(u);
    return NULL;
}

void users_close(struct users *u) {
    if (u->fd >= 0) close(u->fd);
    pthread_mutex_destroy(&u->lock);
    free(u->index);
    free(u->batch.at);
    free(u);
}

const char *users_fault(const struct users *u) {
    return atomic_load(&u->sync_failed) ? "the accounts could not be synced to the disk" : NULL;
}

size_t users_count(const struct users *u) { return atomic_load_explicit(&u->accounts, memory_order_relaxed); }

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

void users_put_line(struct buffer *out, const struct users *u, const struct record *record) {
    put_line(out, u, (struct slice){ record->name, record->name_len }, &record->user);
}

/* Reads what others have stored; where that fails, known accounts go on as they are. */
static int take_up(struct users *u) {
    int result = begin(u, false);
    if (result == 0) flock(u->fd, LOCK_UN);
    return result;
}

static void refresh(struct users *u) {
    enum change change = look(u);
    if (change == APPENDED || change == REPLACED) take_up(u);
}

bool users_any(struct users *u) {
    pthread_mutex_lock(&u->lock);
    refresh(u);
    bool any = u->count > 0;
    pthread_mutex_unlock(&u->lock);
    return any;
}

enum users_result users_find(struct users *u, struct slice name, struct user *user) {
    struct record record;
    pthread_mutex_lock(&u->lock);
    refresh(u);
    int found = find_account(u, name, &record);
    int64_t not_before = users_not_before(u, name, time(NULL)); /* that of the hash, since both are under the lock */
    pthread_mutex_unlock(&u->lock);
    if (found == 1) *user = record.user;
    if (found == 1) raise_to(&user->not_before, not_before);
    return found == 1 ? USERS_OK : found == 0 ? USERS_NOT_FOUND : USERS_UNAVAILABLE;
}

int users_refresh(struct users *u) {
    struct stat st;
    int result = 0;
    pthread_mutex_lock(&u->lock);
    enum change change = look_at(u, &st);
    if ((change == APPENDED || change == REPLACED) && (st.st_ino != u->bad_inode || st.st_size != u->bad_size)) {
        result = flock(u->fd, LOCK_EX | LOCK_NB); /* it is not waited for */
        if (result == 0 && take_up(u) != 0) u->bad_inode = st.st_ino, u->bad_size = st.st_size;
    }
    pthread_mutex_unlock(&u->lock);
    return result;
}

int users_next(struct users *u, uint64_t *at, struct record *record) {
    int result = 0;
    pthread_mutex_lock(&u->lock);
    for (ssize_t len; result == 0 && *at < u->end; *at += (uint64_t)len) {
        len = read_record_at(u, *at, record);
        if (len < 0) {
            result = -1;
            break;
        }
        if (record->user.hash_len > 0) result = is_newest(u, (struct slice){ record->name, record->name_len }, *at);
    }
    pthread_mutex_unlock(&u->lock);
    return result;
}

/* Writes an account's line, or where it is none any more that it is deleted, so that it can be read back. */
static int make_line(struct buffer *line, const struct users *u, struct slice name, const struct user *user,
                     bool account) {
    struct record record;
    put_line(line, u, name, user);
    return !line->overflow && (user->hash_len > 0) == account &&
                   users_read_line(u, (struct slice){ line->at, line->len - 1 }, &record) == NULL
               ? 0
               : complain(u, "an account that could not be read back is not stored", "");
}

/* Appends lines, whole and synced, or leaves the file as it was. */
static int append(struct users *u, const struct buffer *lines) {
    if (u->end == 0 && file_sync_directory(u->path) != 0)
        return complain(u, "its directory can't be synced: ", strerror(errno));
    ssize_t n = write(u->fd, lines->at, lines->len);
    if (n != (ssize_t)lines->len) {
        complain(u, "an account could not be stored: ", n < 0 ? strerror(errno) : "no room for all of it");
        if (n > 0 && ftruncate(u->fd, (off_t)u->end) != 0)
            complain(u, "nor could its part be removed: ", "the next writer will cut it off");
        return -1;
    }
    if (fdatasync(u->fd) != 0) {
        u->sync_failed = true;
        log_line(u->path, ": can't be synced: ", strerror(errno), "; nothing is stored any more until a restart", NULL);
        return ftruncate(u->fd, (off_t)u->end) == 0 ? -1 : complain(u, "its last line was not acknowledged", "");
    }
    return 0;
}

static int store(struct users *u, struct slice name, uint64_t hash, const struct user *user, bool account) {
    char text[LINE_LEN_MAX];
    struct buffer line = { .at = text, .cap = sizeof text };
    if (make_line(&line, u, name, user, account) != 0 || index_reserve(u, 1) != 0 || append(u, &line) != 0 ||
        index_enter(u, name, !account, hash, u->end) != 0)
        return -1;
    u->end += line.len;
    u->lines++;
    u->idle += !says_something(u, user);
    note_revoked(u, hash, user);
    return 0;
}

static bool same_user(const struct user *a, const struct user *b) {
    return slice_equal((struct slice){ a->hash, a->hash_len }, (struct slice){ b->hash, b->hash_len });
}

/* Beside that the account must be as it was seen: there must be no other at all; its tokens are called back; it stays as
 * it is, whatever that may be. */
enum how { PLAIN, ONLY_FIRST, CALL_BACK, AS_IT_IS };

/* The new line, behind one that said `known`; none, where it would say the same. */
static int store_after(struct users *u, struct slice name, const struct user *known, const struct user *user,
                       enum how how, int64_t tokens_until) {
    uint64_t hash = hash_name(u, name);
    struct user next = { .hash_len = 0 };
    if (user) next = *user;
    next.not_before = known->not_before;
    next.tokens_until = known->tokens_until;
    raise_to(&next.tokens_until, tokens_until);
    if (how == CALL_BACK) call_back(u, hash, &next);
    if (how == AS_IT_IS && next.tokens_until == known->tokens_until) return 0;
    return store(u, name, hash, &next, user != NULL);
}

static enum users_result store_if(struct users *u, struct slice name, const struct user *seen, const struct user *user,
                                  enum how how, int64_t tokens_until) {
    struct record record;
    enum users_result result = USERS_UNAVAILABLE;
    pthread_mutex_lock(&u->lock);
    if (!u->sync_failed && begin(u, true) == 0) {
        int found = find_account(u, name, &record);
        if (how == AS_IT_IS) seen = user = &record.user;
        if (how == ONLY_FIRST && u->count > 0)
            result = USERS_CHANGED;
        else if (found == 1 && seen == NULL)
            result = USERS_EXISTS;
        else if (found == 0 && seen != NULL)
            result = USERS_NOT_FOUND;
        else if (found == 1 && !same_user(&record.user, seen))
            result = USERS_CHANGED;
        else if (found >= 0 && store_after(u, name, &record.user, user, how, tokens_until) == 0)
            result = USERS_OK;
        flock(u->fd, LOCK_UN);
    }
    pthread_mutex_unlock(&u->lock);
    return result;
}

enum users_result users_store(struct users *u, struct slice name, const struct user *seen, const struct user *user) {
    return store_if(u, name, seen, user, user ? PLAIN : CALL_BACK, 0);
}

enum users_result users_store_first(struct users *u, struct slice name, const struct user *user) {
    return store_if(u, name, NULL, user, ONLY_FIRST, 0);
}

enum users_result users_note_token(struct users *u, struct slice name, int64_t until) {
    return store_if(u, name, NULL, NULL, AS_IT_IS, until);
}

enum users_result users_revoke(struct users *u, struct slice name, const struct user *seen, const struct user *user) {
    return store_if(u, name, seen, user, CALL_BACK, 0);
}

int users_batch_begin(struct users *u) {
    pthread_mutex_lock(&u->lock);
    u->batch.len = 0;
    if (!u->sync_failed && begin(u, true) == 0) return 0;
    pthread_mutex_unlock(&u->lock);
    return -1;
}

/* Room for one more line. */
static int batch_reserve(struct users *u) {
    struct buffer *b = &u->batch;
    if (b->cap - b->len >= LINE_LEN_MAX) return 0;
    size_t cap = 2 * b->cap + READ_LEN;
    char *at = realloc(b->at, cap);
    if (at == NULL) return complain(u, "no memory for so many accounts", "");
    *b = (struct buffer){ .at = at, .len = b->len, .cap = cap };
    return 0;
}

enum users_result users_batch_put(struct users *u, const struct record *r) {
    char text[LINE_LEN_MAX];
    struct buffer line = { .at = text, .cap = sizeof text };
    struct record known;
    struct user user = r->user;
    struct slice name = { r->name, r->name_len };
    int found = find_account(u, name, &known);
    if (found == 1) return same_user(&known.user, &r->user) ? USERS_EXISTS : USERS_CHANGED;
    raise_to(&user.not_before, known.user.not_before);
    raise_to(&user.tokens_until, known.user.tokens_until);
    if (found < 0 || make_line(&line, u, name, &user, true) != 0 || batch_reserve(u) != 0 ||
        index_enter(u, name, false, hash_name(u, name), u->end + u->batch.len) != 0)
        return USERS_UNAVAILABLE;
    put_bytes(&u->batch, line.at, line.len);
    u->lines++;
    return USERS_OK;
}

/* What the index knows of a batch that was not kept is passed over, until the file is read anew as if it were another
 * one: before anything is added to it. */
int users_batch_end(struct users *u, bool keep) {
    int result = keep ? append(u, &u->batch) : -1;
    if (result == 0)
        u->end += u->batch.len;
    else
        u->inode = 0;
    u->batch.len = 0;
    flock(u->fd, LOCK_UN);
    pthread_mutex_unlock(&u->lock);
    return result;
}
