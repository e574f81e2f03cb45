/* keys.c - the key file. Whoever replaces it writes all of it into PATH.unfinished, which is locked meanwhile, and
 * renames that: the file is never missing or incomplete, and of two who do so at once the second sees what the first
 * has done. A kill leaves at most PATH.unfinished, which the next one takes over.
 *
 * All text of keys is wiped by the function that read or made it. */
#include "keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base64url.h"
#include "file.h"
#include "log.h"

enum {
    KEY_MAX = 4096, /* bytes of a line */
    FILE_MAX = 64 * 1024,
    KEY_LEN_ADVISED = 32,
    NEW_KEY_LEN = 32,
    NEW_LINE_LEN = 44, /* of base64url, and LF */
};

/* ---- a key ------------------------------------------------------------ */

/* Keys from tutorials are everybody's, in whatever case and with whatever white space after them. */
static bool is_well_known(struct slice key) {
    struct slice known =
        slice_of("your_secret_key your-secret-key your-256-bit-secret secret secretkey secret_key "
                 "secret-key mysecret mysecretkey my_secret_key my-secret-key supersecret super-secret "
                 "super_secret jwt_secret jwt-secret changeme change_me change-me password key test "
                 "dev admin a-string-secret-at-least-256-bits-long");
    while (key.len > 0 && strchr(" \t\r", key.at[key.len - 1])) key.len--; /* a NUL too: HMAC pads with it */
    while (known.at != NULL) {
        struct slice one = slice_cut(&known, ' ');
        if (one.len == key.len && strncasecmp(one.at, key.at, key.len) == 0) return true;
    }
    return false;
}

/* HMAC pads a key with NUL: a key of nothing else is the empty key. */
static bool is_empty(struct slice key) {
    while (key.len > 0 && key.at[key.len - 1] == '\0') key.len--;
    return key.len == 0;
}

int keys_take(const struct keys_file *f, struct slice text, struct hmac_key *key) {
    if (is_empty(text))
        return log_line("the key is empty: put one into JWTD_SECRET or the first line of ", f->path,
                        ", or remove that file", f->mend, NULL);
    if (is_well_known(text) && !f->only_loopback)
        return log_line("the key is one that everybody knows: it is not used on an address that others reach", f->mend,
                        NULL);
    if (is_well_known(text))
        log_line("warning: the key is one that everybody knows: whoever reaches this address can make tokens", NULL);
    else if (text.len < KEY_LEN_ADVISED)
        log_line("warning: the key is shorter than 32 bytes and may be guessed (RFC 7518 section 3.2)", NULL);
    hmac_key_init(key, f->compress, text.at, text.len);
    return 0;
}

/* ---- reading ---------------------------------------------------------- */

/* All of an open file: its length, or -1 with errno. */
static ssize_t read_text(int fd, char text[FILE_MAX]) {
    size_t len = 0;
    for (ssize_t n; len < FILE_MAX; len += (size_t)n) {
        if ((n = read(fd, text + len, FILE_MAX - len)) < 0) return -1;
        if (n == 0) return (ssize_t)len;
    }
    errno = EFBIG;
    return -1;
}

/* Whose file it should be: root's, the reader's, or that of the directory's owner, who can replace it anyway. */
static void warn_of_others(int fd, const char *path) {
    struct stat st, directory;
    char name[FILE_PATH_MAX];
    if (fstat(fd, &st) != 0) return;
    bool ours = st.st_uid == geteuid() || st.st_uid == 0 ||
                (stat(file_directory(path, name), &directory) == 0 && directory.st_uid == st.st_uid);
    if ((st.st_mode & 077) != 0 || !ours)
        log_line("warning: others may read or have written ", path, ": chown and chmod 600 it", NULL);
}

static int take_all(const struct keys_file *f, struct slice text, struct hmac_key *key, unsigned max) {
    unsigned n = 0;
    for (bool first = true; first || text.at != NULL; first = false) {
        struct slice line = slice_cut(&text, '\n');
        if (line.len > 0 && line.at[line.len - 1] == '\r') line.len--;
        if (line.len == 0 && !first) continue;
        if (n == max) return log_line(f->path, " has too many keys: remove the last lines", f->mend, NULL);
        if (line.len > KEY_MAX) return log_line(f->path, ": a line is longer than 4096 bytes", f->mend, NULL);
        if (keys_take(f, line, &key[n++]) != 0) return -1;
    }
    return (int)n;
}

int keys_load(const struct keys_file *f, struct hmac_key *key, unsigned max) {
    char text[FILE_MAX];
    int result = -1, fd = open(f->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && f->make) {
        bool there;
        if (keys_make(f->path, &there) != 0) return -1;
        fd = open(f->path, O_RDONLY | O_CLOEXEC);
    }
    ssize_t n = fd < 0 ? -1 : read_text(fd, text);
    if (n < 0)
        log_line(f->path, " can't be read: ", strerror(errno), f->mend, NULL);
    else
        result = take_all(f, (struct slice){ text, (size_t)n }, key, max);
    if (result > 0) warn_of_others(fd, f->path);
    if (fd >= 0) close(fd);
    explicit_bzero(text, sizeof text);
    return result;
}

/* ---- writing ---------------------------------------------------------- */

/* The file into which the next one is written. */
static const char *unfinished(const char *path, char out[FILE_PATH_MAX]) {
    struct buffer b = { .at = out, .cap = FILE_PATH_MAX };
    put_text(&b, path);
    put_bytes(&b, ".unfinished", sizeof ".unfinished");
    return out;
}

static bool is_named(int fd, const char *name) {
    struct stat st, named;
    return fstat(fd, &st) == 0 && stat(name, &named) == 0 && st.st_ino == named.st_ino && st.st_dev == named.st_dev &&
           st.st_nlink == 1; /* with a second name it may be anybody's */
}

/* PATH.unfinished, locked and empty, or -1 with errno. Whoever waited for the lock finds that the file has another name
 * by then, and begins again; but not for ever, should a file's name never be its own. */
static int begin(const char *name) {
    enum { TRIES = 1000 };
    for (int i = 0; i < TRIES; i++) {
        int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) return -1;
        bool locked = flock(fd, LOCK_EX) == 0, ours = locked && is_named(fd, name);
        if (ours && ftruncate(fd, 0) == 0) return fd;
        if (ours) unlink(name);
        close(fd);
        if (ours || !locked) return -1;
    }
    errno = EEXIST;
    return -1;
}

/* Removes the file, unless it has its final name by now, and lets others begin. */
static void end(int fd, const char *name) {
    if (fd >= 0 && is_named(fd, name)) unlink(name);
    if (fd >= 0) close(fd);
}

/* Gives the file its final name once it is on the disk, and puts the name there too. 0, or -1 with errno. */
static int finish(int fd, const char *name, const char *path, struct slice text, const struct stat *owner,
                  mode_t mode) {
    struct stat st;
    if (fstat(fd, &st) != 0) return -1;
    bool given = st.st_uid == owner->st_uid && st.st_gid == owner->st_gid;
    if ((!given && fchown(fd, owner->st_uid, owner->st_gid) != 0) || fchmod(fd, mode) != 0 ||
        write(fd, text.at, text.len) != (ssize_t)text.len || fsync(fd) != 0 || rename(name, path) != 0)
        return -1;
    return file_sync_directory(path);
}

/* A new key as a line. */
static int put_new_key(struct buffer *out) {
    uint8_t key[NEW_KEY_LEN];
    if (getrandom(key, sizeof key, 0) != sizeof key) return -1;
    put_base64url(out, key, sizeof key);
    put_char(out, '\n');
    explicit_bzero(key, sizeof key);
    return 0;
}

int keys_make(const char *path, bool *there) {
    char name[FILE_PATH_MAX], text[NEW_LINE_LEN];
    struct buffer line = { .at = text, .cap = sizeof text };
    struct stat st, directory;
    int result = -1, fd = stat(file_directory(path, name), &directory) == 0 ? begin(unfinished(path, name)) : -1;
    *there = fd >= 0 && stat(path, &st) == 0;
    if (*there)
        result = 0;
    else if (fd >= 0 && put_new_key(&line) == 0 && fstat(fd, &st) == 0) {
        if (geteuid() == 0) st = directory; /* made by root, it belongs to the directory's owner */
        result = finish(fd, name, path, (struct slice){ text, line.len }, &st, 0600);
    }
    if (result != 0) log_line(path, " can't be made: ", strerror(errno), " (--secret-file names another file)", NULL);
    end(fd, name);
    explicit_bzero(text, sizeof text);
    return result;
}

/* Puts the old keys after the new one, at most `max` in all, and gives how many there would be. 0: it is not a file of
 * keys, since a line is too long for one. */
static unsigned put_old_keys(struct buffer *out, struct slice old, unsigned max) {
    unsigned n = 1;
    while (old.at != NULL) {
        struct slice line = slice_cut(&old, '\n');
        if (line.len > 0 && line.at[line.len - 1] == '\r') line.len--;
        if (line.len > KEY_MAX) return 0;
        if (line.len == 0 || n++ >= max) continue;
        put_bytes(out, line.at, line.len);
        put_char(out, '\n');
    }
    return n;
}

/* `text` gets the old file's text and, after it, the new one's. NULL, or why not. A link is not replaced: whoever can
 * make one would have root overwrite what he himself can not. */
static const char *replace(const char *path, int fd, const char *name, unsigned max, char *text) {
    struct stat st;
    int old = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (old < 0) return errno == ELOOP ? "it is a link: name the file itself" : strerror(errno);
    ssize_t n = fstat(old, &st) == 0 ? read_text(old, text) : -1;
    close(old);
    struct buffer out = { .at = text + FILE_MAX, .cap = FILE_MAX };
    if (n < 0 || put_new_key(&out) != 0) return strerror(errno);
    unsigned keys = put_old_keys(&out, (struct slice){ text, (size_t)n }, max);
    if (keys == 0 || keys > max + 1) return "it is no file of keys: a line is too long, or there are too many";
    if (out.overflow) return strerror(EFBIG);
    if (finish(fd, name, path, (struct slice){ out.at, out.len }, &st, st.st_mode & 0640) != 0) return strerror(errno);
    if (keys > max) log_line("note: the oldest key fell out: what it signed is not valid any more", NULL);
    return NULL;
}

int keys_rotate(const char *path, unsigned max) {
    char name[FILE_PATH_MAX], text[2 * FILE_MAX];
    int fd = access(path, F_OK) == 0 ? begin(unfinished(path, name)) : -1;
    const char *why = fd < 0 ? strerror(errno) : replace(path, fd, name, max, text);
    if (why) log_line(path, " can't be replaced: ", why, " (--secret-file names another file)", NULL);
    end(fd, name);
    explicit_bzero(text, sizeof text);
    return why ? -1 : 0;
}
