/* keys_test.c - the key file: which lines of it are keys, what is refused, and what a rotation leaves. (From outside,
 * with kills, failing system calls and many at once: keys.py.) */
#include "keys.h"
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { MAX = 4 };

static char dir[64], path[80], said_path[80];
static int said_fd, kept_fd;
static struct hmac_key key[MAX];

static void put(struct slice text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text.at, text.len) != (ssize_t)text.len) abort();
    close(fd);
}

static size_t get(char text[8192]) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, 8192);
    if (fd >= 0) close(fd);
    return n > 0 ? (size_t)n : 0;
}

static void listen_begin(void) {
    if (ftruncate(said_fd, 0) != 0 || dup2(said_fd, 2) < 0) abort();
}

/* Was this said, in so many lines? */
static bool listen_end(const char *word, size_t lines) {
    char text[8192];
    dup2(kept_fd, 2);
    ssize_t n = pread(said_fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    for (ssize_t i = 0; i < n; i++) lines -= text[i] == '\n';
    return lines == 0 && (!*word || strstr(text, word) != NULL);
}

static struct keys_file file_of(bool make, bool only_loopback) {
    return (struct keys_file){ path, "; that is the mend", make, only_loopback, sha256_compress_portable };
}

/* Is it the key of this text? */
static bool is_key(const struct hmac_key *k, struct slice text) {
    struct hmac_key other;
    hmac_key_init(&other, sha256_compress_portable, text.at, text.len);
    return memcmp(k->inner, other.inner, sizeof other.inner) == 0 && memcmp(k->outer, other.outer, sizeof k->outer) == 0;
}

#define S(text) { text, sizeof(text) - 1 }
#define A "a key that is long enough, with 32 bytes"
#define B "b key that is long enough, with 32 bytes"

static const struct {
    struct slice text;
    bool only_loopback;
    int count; /* -1: refused */
    const char *word;
    size_t lines; /* that are said */
    struct slice first, last;
} rows[] = {
    { S(A), true, 1, "", 0, S(A), S(A) },
    { S(A "\n"), false, 1, "", 0, S(A), S(A) },
    { S(A "\r\n" B "\r\n"), false, 2, "", 0, S(A), S(B) },
    { S(A "\n\n\r\n\n" B), false, 2, "", 0, S(A), S(B) },
    { S(A "\r\r\n"), false, 1, "", 0, S(A "\r"), S(A "\r") },
    { S(A "\0\n"), false, 1, "", 0, S(A "\0"), S(A "\0") },
    { S(A "\n" A "1\n" A "2\n" B "\n\n"), false, 4, "", 0, S(A), S(B) },
    { S(A "\n" A "1\n" A "2\n" A "3\n" B), false, -1, "too many keys", 1, S(""), S("") },
    { S(""), true, -1, "empty", 1, S(""), S("") },
    { S("\n"), true, -1, "empty", 1, S(""), S("") },
    { S("\r\n" A), true, -1, "empty", 1, S(""), S("") },
    { S("\0"), true, -1, "empty", 1, S(""), S("") },
    { S("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\n"), true, -1, "empty", 1, S(""), S("") },
    { S(A "\n\0\0\n"), true, -1, "empty", 1, S(""), S("") },
    { S(A "\nshort\n"), false, 2, "warning: the key is shorter", 1, S(A), S("short") },
    { S(A "\nSecret \n"), true, 2, "warning: the key is one that everybody knows", 1, S(A), S("Secret ") },
    { S(A "\nSecret \n"), false, -1, "everybody knows", 1, S(""), S("") },
    { S("your_secret_key\0"), false, -1, "everybody knows", 1, S(""), S("") },
};

/* A line as long as that, or a file. */
static void test_long(void) {
    static char text[64 * 1024];
    struct keys_file file = file_of(false, true);
    memset(text, 'k', sizeof text);
    put((struct slice){ text, 4096 });
    check(keys_load(&file, key, MAX) == 1 && is_key(key, (struct slice){ text, 4096 }), "4096 bytes are a key");
    memcpy(text + 4096, "\r\n", 2);
    put((struct slice){ text, 4098 });
    check(keys_load(&file, key, MAX) == 1 && is_key(key, (struct slice){ text, 4096 }), "and the line's end");
    text[4096] = 'k';
    put((struct slice){ text, 4098 });
    listen_begin();
    check(keys_load(&file, key, MAX) == -1 && listen_end("4096", 1), "a byte more");
    put((struct slice){ text, sizeof text });
    listen_begin();
    check(keys_load(&file, key, MAX) == -1 && listen_end("too large", 1), "a file too large to read");
    listen_begin();
    check(keys_rotate(path, MAX) == -1 && listen_end("too large", 1), "or to rotate");
}

static void test_rows(void) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct keys_file file = file_of(false, rows[i].only_loopback);
        put(rows[i].text);
        listen_begin();
        int n = keys_load(&file, key, MAX);
        check(listen_end(rows[i].word, rows[i].lines), "row %zu: what is said", i);
        check(n == rows[i].count, "row %zu: %d keys", i, n);
        check(n < 1 || (is_key(&key[0], rows[i].first) && is_key(&key[n - 1], rows[i].last)), "row %zu: which", i);
    }
    struct keys_file file = file_of(false, true);
    put((struct slice)S(A));
    if (chmod(path, 0644) != 0) abort();
    listen_begin();
    check(keys_load(&file, key, MAX) == 1 && listen_end("chmod 600", 1), "a file that others read is warned of");
    unlink(path);
    listen_begin();
    check(keys_load(&file, key, MAX) == -1 && listen_end("; that is the mend", 1), "none there");
    listen_begin();
    check(keys_take(&file, (struct slice)S(A "\n" B), key) == 0 && is_key(key, (struct slice)S(A "\n" B)),
          "one by itself has lines");
    check(keys_take(&file, (struct slice)S(""), key) == -1 && listen_end("empty", 1), "an empty one");
}

static void test_make(void) {
    char text[8192], again[8192];
    bool there;
    struct stat st;
    struct keys_file file = file_of(true, false);
    listen_begin();
    check(keys_load(&file, key, MAX) == 1 && listen_end("", 0), "made where it is missing");
    size_t n = get(text);
    check(n == 44 && text[43] == '\n' && is_key(key, (struct slice){ text, 43 }), "a line of 43 characters: %zu", n);
    check(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600, "for its owner");
    check(keys_make(path, &there) == 0 && there, "there already");
    check(get(again) == n && memcmp(text, again, n) == 0, "and left alone");
    listen_begin();
    check(keys_make("/dev/null/x", &there) == -1 && !there && listen_end("can't be made", 1), "nowhere to make it");
    check(keys_make("/proc/jwtd", &there) == -1, "where nothing can be made");
}

static void test_rotate(void) {
    char text[8192], before[8192];
    struct stat st;
    put((struct slice)S(A "\r\n\n" B));
    if (chmod(path, 0644) != 0) abort();
    for (int i = 0; i < 2; i++) check(keys_rotate(path, MAX) == 0, "rotation %d", i);
    size_t n = get(text);
    static const struct slice tail = S("\n" A "\n" B "\n");
    check(n == 88 + tail.len - 1 && memcmp(text + 87, tail.at, tail.len) == 0, "the old ones behind two new ones: %zu", n);
    check(memcmp(text, text + 44, 43) != 0, "which differ");
    check(stat(path, &st) == 0 && (st.st_mode & 0777) == 0640, "nobody else reads or writes it");
    char unfinished[200], others[200];
    snprintf(unfinished, sizeof unfinished, "%s.unfinished", path);
    snprintf(others, sizeof others, "%s/others", dir);
    int fd = open(others, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, "theirs", 6) != 6 || close(fd) != 0 || link(others, unfinished) != 0) abort();
    listen_begin();
    check(keys_rotate(path, MAX) == -1 && listen_end("File exists", 1), "another's file under that name");
    check(stat(others, &st) == 0 && st.st_size == 6 && (st.st_mode & 0777) == 0644, "which stays as it is");
    if (unlink(others) != 0 || unlink(unfinished) != 0) abort();
    memcpy(before, text, n);
    listen_begin();
    check(keys_rotate(path, MAX) == 0 && listen_end("the oldest key fell out", 1), "the oldest falls out");
    check(get(text) == 44 + n - sizeof B && memcmp(text + 44, before, n - sizeof B) == 0, "and only that");
    unlink(path);
    listen_begin();
    check(keys_rotate(path, MAX) == -1 && listen_end("No such file", 1), "none there");
    check(symlink("elsewhere", path) == 0 && keys_rotate(path, MAX) == -1 && unlink(path) == 0, "a link is not replaced");
    if (chdir(dir) != 0) abort();
    bool there;
    check(keys_make("k", &there) == 0 && keys_rotate("k", MAX) == 0 && unlink("k") == 0, "in the current directory");
}

int main(void) {
    snprintf(dir, sizeof dir, "%s/jwtd-keys-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(dir) == NULL) {
        perror(dir);
        return 1;
    }
    snprintf(path, sizeof path, "%s/key", dir);
    snprintf(said_path, sizeof said_path, "%s/said", dir);
    said_fd = open(said_path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    kept_fd = fcntl(2, F_DUPFD_CLOEXEC, 3);
    test_long();
    test_rows();
    test_make();
    test_rotate();
    unlink(said_path);
    check(rmdir(dir) == 0, "%s is empty at the end", dir);
    return test_end();
}
