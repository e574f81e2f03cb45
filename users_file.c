/* users_file.c - the accounts in a file of JSON Lines, one account a line, as users.c writes them.
 *
 * The file is the truth and memory is its index. Lines are only ever appended; of several with one name the
 * last one holds, even if it says that there is no such account any more.
 *
 * Guarantees: what users_store acknowledged has been through fdatasync. Every process that opens
 * the file takes turns by flock(2) and reads what others appended before it writes. A last line without its end
 * is what a crash leaves: it was never acknowledged and is cut off, with a warning. Any other damage stops the
 * start and changes nothing.
 *
 * Others may put another file under the name, or other lines into this one, as an editor does: it is read from its
 * start, and accepted once it is sound; what is still being written is left alone.
 *
 * A server that starts alone may write the lines that still hold into a new file, which takes the place of the old one
 * under its lock: a process that waits for that lock looks at the name again before it writes.
 *
 * Refuses to acknowledge anything more once an fdatasync has failed: the kernel may have dropped the pages, and
 * would say nothing the next time. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "users_room.h"

enum {
    LINE_LEN_USUAL = 225, /* with a name of ten letters and a hash of scrypt */
    READ_LEN = 256 * 1024,
    LOCK_TRIES = 500,  /* a hundred per second */
    TAIL_LEN = 64,     /* of the last line, at least its sum */
    REVOKED_BITS = 12, /* 32,768 accounts, 416 KiB */
};

/* An entry of the index: 26 bits of the name's hash, 38 bits of the line's offset plus one; zero is an empty place.
 * An entry's home is given by its own bits, so growing the table needs no name to be read again. */
enum { OFFSET_BITS = 38, INDEX_BITS_MIN = 10, INDEX_BITS_MAX = 64 - OFFSET_BITS };
static const uint64_t OFFSET_MASK = ((uint64_t)1 << OFFSET_BITS) - 1;
static const char too_large[] = "is larger than 256 GiB";

struct users_file {
    struct users base;       /* its accounts and revoked are written under a lock, and read without it */
    atomic_bool sync_failed; /* so is this */
    char *real;              /* the path of the file itself, without symbolic links, as of when it was last opened */

    pthread_mutex_t lock; /* guards all below */
    int fd;
    dev_t device;
    ino_t inode;
    uint64_t end, lines;     /* how much of the file is indexed */
    char tail[TAIL_LEN];     /* the last bytes of that */
    struct timespec written; /* when the file was last written, as of then */
    uint64_t *index;
    unsigned index_bits;
    uint64_t count;  /* of names in the index, those of deleted accounts too */
    uint64_t idle;   /* how many of these have a newest line that says nothing */
    bool bad_line;   /* what was read last had one */
    struct stat bad; /* the file that users_refresh found to have one: it says so once */
    time_t failed;   /* when users_refresh failed for another reason: it does not try again in that second */
};

static struct users_file *file_of(struct users *users) { return (struct users_file *)users; }

static int complain(const struct users_file *u, const char *what, const char *detail) {
    return log_line(u->base.where, ": ", what, detail, NULL);
}

static const char *real_path(const struct users_file *u) { return u->real ? u->real : u->base.where; }

/* ---- lines ------------------------------------------------------------ */

/* Does the newest line of a name say anything that would not be so without it? */
static bool says_something(const struct users_file *u, const struct user *user) {
    return user->hash_len > 0 || users_remembered_until(&u->base, user) > u->base.opened;
}

/* The length of the line at `offset`, with its LF, or -1. */
static ssize_t read_record_at(const struct users_file *u, uint64_t offset, struct record *record) {
    char number[LOG_DECIMAL];
    char text[USERS_LINE_MAX];
    ssize_t n = pread(u->fd, text, sizeof text, (off_t)offset);
    if (n < 0) return complain(u, "can't be read: ", strerror(errno));
    struct slice rest = { text, (size_t)n }, line = slice_cut(&rest, '\n');
    const char *why = users_read_line(&u->base, line, record);
    if (why) return log_line(u->base.where, ": damaged at byte ", log_decimal(offset, number), ": ", why, NULL);
    return (ssize_t)line.len + 1;
}

/* ---- the index -------------------------------------------------------- */

static size_t home(uint64_t entry, unsigned bits) { return (size_t)(entry >> (64 - bits)); }

static uint64_t entry_of(uint64_t hash, uint64_t offset) { return (hash & ~OFFSET_MASK) | (offset + 1); }

static void index_put(uint64_t *index, unsigned bits, uint64_t entry) {
    size_t mask = ((size_t)1 << bits) - 1, i = home(entry, bits);
    while (index[i] != 0) i = (i + 1) & mask;
    index[i] = entry;
}

/* Makes sure that `more` accounts fit with the table at most three quarters full. */
static int index_reserve(struct users_file *u, uint64_t more) {
    char number[LOG_DECIMAL];
    unsigned bits = u->index_bits ? u->index_bits : INDEX_BITS_MIN;
    while (bits <= INDEX_BITS_MAX && (u->count + more) * 4 > ((uint64_t)3 << bits)) bits++;
    if (bits == u->index_bits) return 0;
    uint64_t *index = bits <= INDEX_BITS_MAX ? calloc((size_t)1 << bits, sizeof *index) : NULL;
    if (index == NULL)
        return log_line(u->base.where, ": no memory for ", log_decimal(u->count + more, number), " accounts", NULL);
    for (size_t i = 0; u->index && i < (size_t)1 << u->index_bits; i++)
        if (u->index[i] != 0) index_put(index, bits, u->index[i]);
    free(u->index);
    u->index = index;
    u->index_bits = bits;
    return 0;
}

/* Looks a name up: 1 with its place in the index and its record, 0 if there is none, -1 if the file can not be
 * read. */
static int index_find(const struct users_file *u, struct slice name, uint64_t hash, size_t *place,
                      struct record *record) {
    size_t mask = ((size_t)1 << u->index_bits) - 1;
    for (size_t i = home(hash, u->index_bits); u->index[i] != 0; i = (i + 1) & mask) {
        uint64_t offset = (u->index[i] & OFFSET_MASK) - 1;
        if ((u->index[i] ^ hash) & ~OFFSET_MASK) continue;
        if (read_record_at(u, offset, record) < 0) return -1;
        if (slice_equal(name, record_name(record))) {
            *place = i;
            return 1;
        }
    }
    return 0;
}

/* The account of this name: as index_find, but a deleted one is none. The times in the record are the name's in
 * any case. */
static int find_account(struct users *users, struct slice name, struct record *record) {
    size_t place;
    int found = index_find(file_of(users), name, users_keyed_hash(users, name), &place, record);
    if (found != 1) record->user = (struct user){ .hash_len = 0 };
    return found == 1 && record->user.hash_len == 0 ? 0 : found;
}

/* Is the line at `offset` the last one of its name? */
static bool is_newest(const struct users_file *u, struct slice name, uint64_t offset) {
    size_t mask = ((size_t)1 << u->index_bits) - 1;
    uint64_t entry = entry_of(users_keyed_hash(&u->base, name), offset);
    size_t i = home(entry, u->index_bits);
    while (u->index[i] != 0 && u->index[i] != entry) i = (i + 1) & mask;
    return u->index[i] != 0;
}

/* Enters the next line, which says this of a name and reaches to `end`; an earlier one of that name is forgotten. */
static int index_enter(struct users_file *u, struct slice name, uint64_t hash, const struct user *user, uint64_t end) {
    uint64_t entry = entry_of(hash, u->end);
    struct record before;
    size_t place;
    if (u->end >= OFFSET_MASK) return complain(u, too_large, "");
    if (index_reserve(u, 1) != 0) return -1;
    int found = index_find(u, name, hash, &place, &before);
    if (found < 0) return -1;
    if (found == 1) {
        u->index[place] = entry;
        u->idle -= !says_something(u, &before.user);
    } else {
        index_put(u->index, u->index_bits, entry);
        u->count++;
    }
    u->idle += !says_something(u, user);
    u->lines++;
    u->end = end;
    u->base.accounts += (size_t)(user->hash_len > 0) - (size_t)(found == 1 && before.user.hash_len > 0);
    users_note_revoked(&u->base, hash, user);
    return 0;
}

/* ---- reading the file ------------------------------------------------- */

/* Lines on their way into the index. Each is entered when the next one has been read, since by then its place has
 * come from memory; else a third of the time would be spent waiting for that. */
struct reading {
    uint64_t end, lines; /* how much of the file has been read */
    struct ahead {
        struct record record; /* without a name: none */
        uint64_t hash, end;
    } ahead[2];
};

static int enter_last(struct users_file *u, struct reading *r) {
    struct ahead *last = &r->ahead[(r->lines + 1) % 2];
    struct slice name = record_name(&last->record);
    if (name.len == 0) return 0;
    last->record.name_len = 0; /* one that can't be entered is not tried again, nor complained of */
    return index_enter(u, name, last->hash, &last->record.user, last->end);
}

static int read_line(struct users_file *u, struct reading *r, struct slice line, bool checked) {
    char number[LOG_DECIMAL];
    struct ahead *this = &r->ahead[r->lines % 2];
    bool too_long = line.len >= USERS_LINE_MAX;
    const char *why = too_long ? "it is too long" : users_parse_line(&u->base, line, checked, &this->record);
    u->bad_line |= why != NULL;
    if (why)
        return log_line(u->base.where, ": line ", log_decimal(r->lines + 1, number), " is bad: ", why,
                        " (mend or remove it; nothing has been changed)", NULL);
    this->hash = users_keyed_hash(&u->base, record_name(&this->record));
    __builtin_prefetch(&u->index[home(this->hash, u->index_bits)]);
    if (enter_last(u, r) != 0) return -1;
    this->end = r->end += line.len + 1;
    r->lines++;
    return 0;
}

/* How much of an unfinished last line is a whole account: 0, if it breaks off. */
static size_t whole_account(const struct users_file *u, struct slice tail) {
    struct record record;
    for (size_t i = 0; i < tail.len; i++)
        if (tail.at[i] == '}' && users_read_line(&u->base, (struct slice){ tail.at, i + 1 }, &record) == NULL)
            return i + 1;
    return 0;
}

/* What is done with a last line without its end. A process that only reads may see what somebody is still typing or
 * copying, and cuts nothing off; in a file that it reads from the start it completes a whole account. */
enum mending { LEAVE, COMPLETE, CUT_OFF };

/* Can these bytes be what a crash left of a line that was written here? All others are somebody's own. */
static bool is_torn(struct slice tail) {
    static const char start[] = "{\"username\":";
    for (size_t i = 0; i < tail.len && i < sizeof start - 1; i++)
        if (tail.at[i] != start[i] && tail.at[i] != '\0') return false;
    return true;
}

/* The bytes after the last LF. A part of an account is what a crash leaves: it is cut off. A whole one without its
 * LF, as an editor may leave it, is kept and completed; one followed by something is damage, and so is what does not
 * begin as an account does. Bytes that a file had grown by but that had not arrived when the power went read as NUL. */
static int mend_tail(struct users_file *u, struct reading *r, struct slice tail, enum mending mend) {
    char number[LOG_DECIMAL];
    size_t len = tail.len, whole = whole_account(u, tail);
    while (len > 0 && tail.at[len - 1] == '\0') len--;
    if (whole != 0 && whole != len) return read_line(u, r, tail, false);
    bool cut = whole != tail.len;
    if (cut && mend == COMPLETE) return 0;
    if (whole == 0 && !is_torn(tail)) return read_line(u, r, tail, false);
    if (whole == 0)
        log_line(u->base.where, ": the last line breaks off: ", log_decimal(tail.len, number),
                 " bytes, never acknowledged, are cut off", NULL);
    if ((cut && ftruncate(u->fd, (off_t)(u->end + whole)) != 0) || (whole != 0 && write(u->fd, "\n", 1) != 1) ||
        fdatasync(u->fd) != 0) {
        u->sync_failed = true;
        return complain(u, "its last line can't be mended: ", strerror(errno));
    }
    return whole == 0 ? 0 : read_line(u, r, (struct slice){ tail.at, whole }, false);
}

/* A part of the file. While its lines are entered, a second thread reads the next part and checks the sums there, which
 * is half of all the work. Once it is waited for, it leaves the other sums to the first thread, so that neither waits
 * for long, however fast SHA-256 is here. Nothing that one thread looks at for each line is written by the other. */
struct chunk {
    int fd, error;
    sha256_compress *compress;
    uint64_t start;
    size_t len, whole, checked; /* bytes; of these in whole lines; of these in lines whose sums are right */
    atomic_bool awaited;
    char text[READ_LEN];
};

static void begin_chunk(struct chunk *c, const struct users_file *u, uint64_t start) {
    c->fd = u->fd;
    c->error = 0;
    c->compress = u->base.compress;
    c->start = start;
    c->len = c->checked = 0;
    c->awaited = false;
}

static void *read_chunk(void *argument) {
    struct chunk *c = argument;
    for (ssize_t n = 1; n != 0 && c->len < READ_LEN;) {
        n = pread(c->fd, c->text + c->len, READ_LEN - c->len, (off_t)(c->start + c->len));
        if (n > 0) c->len += (size_t)n;
        if (n < 0 && errno != EINTR) c->error = errno, n = 0;
    }
    const char *last = memrchr(c->text, '\n', c->len);
    c->whole = last ? (size_t)(last + 1 - c->text) : 0;
    struct slice rest = { c->text, c->whole };
    while (!c->awaited && rest.len > 0 && users_sum_is_right(c->compress, slice_cut(&rest, '\n')))
        c->checked = c->whole - rest.len;
    return NULL;
}

/* What follows the last LF. */
static struct slice tail_of(const struct chunk *c) { return (struct slice){ c->text + c->whole, c->len - c->whole }; }

static int enter_chunk(struct users_file *u, struct reading *r, const struct chunk *c) {
    struct slice rest = { c->text, c->whole };
    if (c->error != 0) return complain(u, "can't be read: ", strerror(c->error));
    while (rest.len > 0) {
        bool checked = c->whole - rest.len < c->checked;
        if (read_line(u, r, slice_cut(&rest, '\n'), checked) != 0) return -1;
    }
    struct slice tail = tail_of(c);
    return tail.len < USERS_LINE_MAX ? 0 : read_line(u, r, tail, false); /* it says that it is too long */
}

/* Enters a chunk while the next one is read. If no second thread can be started, one does both. */
static int enter_and_read(struct users_file *u, struct reading *r, const struct chunk *c, struct chunk *next) {
    pthread_t thread;
    begin_chunk(next, u, c->start + c->whole);
    bool alone = pthread_create(&thread, NULL, read_chunk, next) != 0;
    int result = enter_chunk(u, r, c);
    next->awaited = true;
    if (alone)
        read_chunk(next);
    else
        pthread_join(thread, NULL);
    return result;
}

/* The bytes before `end`, or as many as there are: all zeros if they can't be read. */
static void read_tail(const struct users_file *u, char tail[TAIL_LEN]) {
    size_t len = u->end < TAIL_LEN ? (size_t)u->end : TAIL_LEN;
    memset(tail, 0, TAIL_LEN);
    if (pread(u->fd, tail, len, (off_t)(u->end - len)) != (ssize_t)len) memset(tail, 0, TAIL_LEN);
}

/* Are there other lines where the indexed ones were? An editor, or cp, may have rewritten the file in place. */
static bool is_rewritten(const struct users_file *u) {
    char tail[TAIL_LEN];
    read_tail(u, tail);
    return memcmp(tail, u->tail, TAIL_LEN) != 0;
}

/* The file, as it is indexed now. */
static void note_state(struct users_file *u) {
    struct stat st;
    read_tail(u, u->tail);
    u->written = fstat(u->fd, &st) == 0 ? st.st_mtim : (struct timespec){ 0, 0 };
}

/* Indexes what has been appended since `end`. The file must be locked. */
static int catch_up(struct users_file *u, enum mending mend) {
    struct reading r = { .end = u->end, .lines = u->lines };
    struct chunk *c = malloc(sizeof *c), *next = malloc(sizeof *next), *done;
    int result = c && next ? 0 : complain(u, "no memory to read it", "");
    if (result == 0) {
        begin_chunk(c, u, u->end);
        read_chunk(c);
    }
    while (result == 0 && c->len == READ_LEN) {
        result = enter_and_read(u, &r, c, next);
        done = c, c = next, next = done;
    }
    if (result == 0) result = enter_chunk(u, &r, c);
    if (enter_last(u, &r) != 0) result = -1;
    if (result == 0 && tail_of(c).len > 0 && mend != LEAVE && (result = mend_tail(u, &r, tail_of(c), mend)) == 0)
        result = enter_last(u, &r);
    free(c);
    free(next);
    note_state(u);
    return result;
}

/* Waits for its turn, but not for ever: whoever may read the file may lock it. Meanwhile `held`, if it is given, is
 * released, so that those who only read go on. */
static int lock_file(const struct users_file *u, pthread_mutex_t *held) {
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

/* `make`: if it is missing, it is made. */
static int open_file(struct users_file *u, bool make, enum mending mend) {
    struct stat st;
    u->fd = open(u->base.where, O_RDWR | O_APPEND | (make ? O_CREAT : 0) | O_CLOEXEC, 0600);
    if (u->fd < 0)
        return log_line(u->base.where, ": can't be opened: ", strerror(errno), " (--users names another file)", NULL);
    if (fstat(u->fd, &st) != 0 || !S_ISREG(st.st_mode)) return complain(u, "is not a regular file", "");
    char *real = realpath(u->base.where, NULL); /* for one that is made, too; in a sandbox it is as it was */
    if (real) free(u->real), u->real = real;
    u->device = st.st_dev;
    u->inode = st.st_ino;
    /* a place for every line that it may have, so that the table hardly ever grows while the file is read */
    if (index_reserve(u, (uint64_t)st.st_size / LINE_LEN_USUAL + 1) != 0 || lock_file(u, NULL) != 0) return -1;
    int result = catch_up(u, mend);
    /* nobody can tell what a killed process wrote or renamed, but did not sync, from what is durable: now it is */
    if (result == 0 && u->end > 0 && (fdatasync(u->fd) != 0 || file_sync_directory(real_path(u)) != 0))
        result = complain(u, "can't be synced: ", strerror(errno));
    flock(u->fd, LOCK_UN);
    return result;
}

/* ---- taking turns with other processes -------------------------------- */

/* The file that the name stands for, compared with what is indexed. WRITTEN: lines may have been appended. */
enum file_state { AS_INDEXED, WRITTEN, REPLACED, MISSING };

static bool same_time(const struct stat *st, struct timespec written) {
    return st->st_mtim.tv_sec == written.tv_sec && st->st_mtim.tv_nsec == written.tv_nsec;
}

static enum file_state look(const struct users_file *u, struct stat *st) {
    if (stat(u->base.where, st) != 0) return MISSING;
    if (st->st_dev != u->device || st->st_ino != u->inode || (uint64_t)st->st_size < u->end) return REPLACED;
    return (uint64_t)st->st_size > u->end || !same_time(st, u->written) ? WRITTEN : AS_INDEXED;
}

/* There is another file under the name, or other lines in it, put there by an editor or a restore: it is read from the
 * start, and accepted if it is sound. It is not made: if it has gone again, the known accounts stay. */
static int reopen(struct users_file *u, enum mending mend) {
    struct users_file new = { .base = u->base, .real = u->real, .fd = -1 };
    atomic_store(&new.base.accounts, 0);
    int opened = open_file(&new, false, mend);
    u->real = new.real;
    if (opened != 0) {
        if (new.fd >= 0) close(new.fd);
        free(new.index);
        u->bad_line = new.bad_line;
        return -1;
    }
    close(u->fd);
    free(u->index);
    u->fd = new.fd, u->device = new.device, u->inode = new.inode, u->end = new.end, u->lines = new.lines;
    u->index = new.index, u->index_bits = new.index_bits, u->count = new.count, u->idle = new.idle;
    memcpy(u->tail, new.tail, TAIL_LEN);
    u->written = new.written;
    atomic_store(&u->base.accounts, atomic_load(&new.base.accounts));
    return 0;
}

/* Locks the file that the name stands for now, indexed to its end, for a caller that `writes` or only reads. */
static int begin(struct users_file *u, bool writes) {
    struct stat st;
    for (bool anew = false;; anew = true) {
        if (lock_file(u, &u->lock) != 0) return -1;
        enum file_state state = look(u, &st);
        bool as_long = state == WRITTEN && (uint64_t)st.st_size == u->end; /* nothing was appended */
        if (state != MISSING && ((as_long && !anew) || is_rewritten(u))) state = REPLACED;
        if (state == AS_INDEXED || (state == WRITTEN && catch_up(u, writes ? CUT_OFF : LEAVE) == 0)) return 0;
        flock(u->fd, LOCK_UN);
        if (state == MISSING) return complain(u, "has been removed or can't be seen: put it back", "");
        if (state == WRITTEN || reopen(u, writes ? CUT_OFF : COMPLETE) != 0) return -1;
    }
}

/* ---- compaction ------------------------------------------------------- */

/* Copies the newest line of each name, byte for byte and in the order of the file, where it says something. */
static int copy_lines(const struct users_file *u, int fd) {
    struct buffer out = { .at = malloc(READ_LEN), .cap = READ_LEN };
    struct record record;
    int result = out.at ? 0 : -1;
    ssize_t len = 0;
    for (uint64_t at = 0; result == 0 && at < u->end; at += (uint64_t)len) {
        len = read_record_at(u, at, &record);
        if (len < 0) errno = EIO;
        if (len < 0 || (out.cap - out.len < USERS_LINE_MAX && file_write(fd, &out) != 0)) result = -1;
        if (result != 0 || !says_something(u, &record.user) || !is_newest(u, record_name(&record), at)) continue;
        if (pread(u->fd, out.at + out.len, (size_t)len, (off_t)at) != len) result = -1;
        out.len += (size_t)len;
    }
    if (result == 0) result = file_write(fd, &out);
    free(out.at);
    return result;
}

/* Puts a file with these lines, of the same mode and owner, in the place of this one. A lease is given only for a file
 * that nobody else has open; whoever opens it from then on shows in it and waits, for its end or until the kernel
 * takes it away (fcntl(2)). NULL, or why not. */
static const char *replace_file(const struct users_file *u, const char *temporary) {
    static const char in_use[] = "another process has it open";
    struct stat st;
    if (lstat(u->base.where, &st) != 0) return strerror(errno);
    if (st.st_dev != u->device || st.st_ino != u->inode) return "its name is a link";
    signal(SIGIO, SIG_IGN);
    if (fcntl(u->fd, F_SETLEASE, F_WRLCK) != 0) return errno == EAGAIN ? in_use : strerror(errno);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool written = fd >= 0 && fchown(fd, st.st_uid, st.st_gid) == 0 && fchmod(fd, st.st_mode & 07777) == 0 &&
                   copy_lines(u, fd) == 0 && fsync(fd) == 0;
    if (fd >= 0) close(fd);
    if (written && fcntl(u->fd, F_GETLEASE) != F_WRLCK) return in_use;
    return written && rename(temporary, u->base.where) == 0 ? NULL : strerror(errno);
}

/* While another process has the file open, which would have to read all of it anew, nothing is done. */
static int compact(struct users_file *u) {
    char before[LOG_DECIMAL], after[LOG_DECIMAL], temporary[FILE_PATH_MAX]; /* longer than what can be opened */
    struct buffer path = { .at = temporary, .cap = sizeof temporary };
    uint64_t lines = u->lines, kept = u->count - u->idle;
    put_text(&path, u->base.where);
    put_bytes(&path, ".compacting", sizeof ".compacting");
    unlink(temporary);                            /* of one that was killed */
    if (kept == 0 || kept * 2 >= lines) return 0; /* a file in which all are deleted says that somebody was here */
    const char *why = replace_file(u, temporary);
    if (why) {
        complain(u, "is not compacted: ", why);
        unlink(temporary);
    }
    fcntl(u->fd, F_SETLEASE, F_UNLCK);
    if (why) return 0;
    log_line(u->base.where, ": compacted from ", log_decimal(lines, before), " lines to ", log_decimal(kept, after),
             NULL);
    flock(u->fd, LOCK_UN);
    free(u->index); /* there is memory for only one */
    u->index = NULL;
    return reopen(u, CUT_OFF);
}

static int file_compact(struct users *users) {
    struct users_file *u = file_of(users);
    pthread_mutex_lock(&u->lock);
    int result = begin(u, true);
    if (result == 0) result = compact(u);
    flock(u->fd, LOCK_UN);
    pthread_mutex_unlock(&u->lock);
    return result;
}

/* ---- the interface ---------------------------------------------------- */

static int file_open(struct users *users) {
    struct users_file *u = file_of(users);
    u->fd = -1;
    pthread_mutex_init(&u->lock, NULL);
    return open_file(u, true, CUT_OFF);
}

static void file_close(struct users *users) {
    struct users_file *u = file_of(users);
    if (u->fd >= 0) close(u->fd);
    pthread_mutex_destroy(&u->lock);
    free(u->index);
    free(u->real);
}

static const char *file_fault(const struct users *users) {
    const struct users_file *u = (const struct users_file *)users;
    return atomic_load(&u->sync_failed) ? "the accounts could not be synced to the disk" : NULL;
}

static void file_needs(const struct users *users, struct users_needs *needs) {
    file_directory(real_path((const struct users_file *)users), needs->directory);
}

/* The name and what it leads to may be replaced, each in its directory; a file that is mounted here is written to in a
 * directory that can't be seen. */
static int file_watch(const struct users *users) {
    const struct users_file *u = (const struct users_file *)users;
    char directory[FILE_PATH_MAX];
    const uint32_t written = IN_MODIFY | IN_CLOSE_WRITE, named = IN_CREATE | IN_MOVED_TO;
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd >= 0 && inotify_add_watch(fd, file_directory(users->where, directory), written | named) >= 0 &&
        inotify_add_watch(fd, file_directory(real_path(u), directory), written | named) >= 0 &&
        inotify_add_watch(fd, users->where, written) >= 0)
        return fd;
    log_line(users->where, " can't be watched, so it is read once a second: ", strerror(errno), NULL);
    if (fd >= 0) close(fd);
    return -1;
}

/* Reads what others have stored; if that fails, the known accounts stay as they are. */
static int take_up(struct users_file *u) {
    int result = begin(u, false);
    if (result == 0) flock(u->fd, LOCK_UN);
    return result;
}

static void refresh(struct users_file *u) {
    struct stat st;
    enum file_state state = look(u, &st);
    if (state == WRITTEN || state == REPLACED) take_up(u);
}

static bool file_any(struct users *users) {
    struct users_file *u = file_of(users);
    pthread_mutex_lock(&u->lock);
    refresh(u);
    bool any = u->count > 0;
    pthread_mutex_unlock(&u->lock);
    return any;
}

static enum users_result file_find(struct users *users, struct slice name, struct user *user) {
    struct users_file *u = file_of(users);
    struct record record;
    pthread_mutex_lock(&u->lock);
    refresh(u);
    int found = find_account(users, name, &record);
    int64_t not_before =
        users_not_before(users, name, time(NULL)); /* that of the hash, since both are under the lock */
    pthread_mutex_unlock(&u->lock);
    if (found == 1) *user = record.user;
    if (found == 1) raise_to(&user->not_before, not_before);
    return found == 1 ? USERS_OK : found == 0 ? USERS_NOT_FOUND : USERS_UNAVAILABLE;
}

static bool is_same(const struct stat *a, const struct stat *b) {
    return a->st_ino == b->st_ino && a->st_size == b->st_size && same_time(a, b->st_mtim);
}

static int file_refresh(struct users *users) {
    struct users_file *u = file_of(users);
    struct stat st;
    time_t now = time(NULL);
    int result = 0;
    pthread_mutex_lock(&u->lock);
    enum file_state state = look(u, &st);
    if ((state == WRITTEN || state == REPLACED) && !is_same(&st, &u->bad)) {
        result = now == u->failed ? -1 : flock(u->fd, LOCK_EX | LOCK_NB); /* without waiting */
        u->bad_line = false;
        if (result == 0 && (result = take_up(u)) != 0) u->failed = now;
        if (u->bad_line) u->bad = st, u->failed = result = 0;
    }
    pthread_mutex_unlock(&u->lock);
    return result;
}

static int file_next(struct users *users, uint64_t *at, struct record *record) {
    struct users_file *u = file_of(users);
    int result = 0;
    pthread_mutex_lock(&u->lock);
    for (ssize_t len; result == 0 && *at < u->end; *at += (uint64_t)len) {
        len = read_record_at(u, *at, record);
        if (len < 0) {
            result = -1;
            break;
        }
        if (record->user.hash_len > 0) result = is_newest(u, record_name(record), *at);
    }
    pthread_mutex_unlock(&u->lock);
    return result;
}

/* Appends lines, whole and synced, or leaves the file as it was. */
static int append(struct users_file *u, const struct buffer *lines) {
    if (u->end + lines->len > OFFSET_MASK) return complain(u, too_large, "");
    if (u->end == 0 && file_sync_directory(real_path(u)) != 0)
        return complain(u, "its directory can't be synced: ", strerror(errno));
    struct buffer rest = *lines;
    if (file_write(u->fd, &rest) != 0) {
        complain(u, "an account could not be stored: ", strerror(errno));
        if (rest.len > 0 && ftruncate(u->fd, (off_t)u->end) != 0)
            complain(u, "nor could its part be removed: ", "the next writer will cut it off");
        return -1;
    }
    if (fdatasync(u->fd) != 0) {
        u->sync_failed = true;
        log_line(u->base.where, ": can't be synced: ", strerror(errno), "; nothing is stored any more until a restart",
                 NULL);
        return ftruncate(u->fd, (off_t)u->end) == 0 ? -1 : complain(u, "its last line was not acknowledged", "");
    }
    return 0;
}

static int store(struct users_file *u, struct slice name, const struct user *user) {
    char text[USERS_LINE_MAX];
    struct buffer line = { .at = text, .cap = sizeof text };
    if (users_make_line(&line, &u->base, name, user) != 0 || index_reserve(u, 1) != 0) return -1;
    int result = append(u, &line);
    if (result == 0) result = index_enter(u, name, users_keyed_hash(&u->base, name), user, u->end + line.len);
    note_state(u); /* a write that failed has touched it, too */
    return result;
}

static enum users_result file_change(struct users *users, const struct users_change *c) {
    struct users_file *u = file_of(users);
    struct record known;
    struct user next;
    enum users_result result = USERS_UNAVAILABLE;
    pthread_mutex_lock(&u->lock);
    if (!u->sync_failed && begin(u, true) == 0) {
        if (find_account(users, c->name, &known) >= 0) result = users_plan(users, c, &known.user, u->count > 0, &next);
        if (result == USERS_OK && !says_the_same(&known.user, &next) && store(u, c->name, &next) != 0)
            result = USERS_UNAVAILABLE;
        flock(u->fd, LOCK_UN);
    }
    pthread_mutex_unlock(&u->lock);
    return result;
}

static int file_batch_begin(struct users *users) {
    struct users_file *u = file_of(users);
    pthread_mutex_lock(&u->lock);
    if (!u->sync_failed && begin(u, true) == 0) return 0;
    pthread_mutex_unlock(&u->lock);
    return -1;
}

/* What was appended, all at once, comes into the index when the file is looked at next, like what others append. More
 * than an index can hold is not appended. */
static int file_batch_end(struct users *users, bool keep, users_progress *progress) {
    struct users_file *u = file_of(users);
    (void)progress;
    int result = keep && index_reserve(u, users->batch_lines) == 0 ? append(u, &users->batch) : -1;
    flock(u->fd, LOCK_UN);
    pthread_mutex_unlock(&u->lock);
    return result;
}

const struct users_room users_file_room = {
    .size = sizeof(struct users_file),
    .revoked_bits = REVOKED_BITS,
    .open = file_open,
    .close = file_close,
    .compact = file_compact,
    .fault = file_fault,
    .find = file_find,
    .change = file_change,
    .any = file_any,
    .refresh = file_refresh,
    .next = file_next,
    .batch_begin = file_batch_begin,
    .batch_find = find_account,
    .batch_end = file_batch_end,
    .watch = file_watch,
    .needs = file_needs,
};
