/* users_test.c - accounts in their file: the exact lines, what is accepted,
 * completed, cut off and refused; two owners of one file; a file that changes
 * while it is open; a full disk; threads.
 *
 * The format and the guarantees are those of users.h and of the comment that
 * opens users.c. The sums are those of sha256sum(1). */
#include "test.h"
#include "users.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum { READ_LEN = 256 * 1024, FILE_MAX = 4 * READ_LEN, NOBODY = 65534, TTL = 3600 }; /* of users_file.c the first */

#define S(text)                                                                                                        \
    { text, sizeof(text) - 1 }
#define SLICE(text) ((struct slice)S(text))

#define LINE(name, hash, sum) "{\"username\":\"" name "\",\"password\":\"" hash "\",\"sum\":\"" sum "\"}"
#define ANN LINE("ann", "h1", "a6d477df")
#define BOB LINE("bob", "h2", "85754016")
#define CYD LINE("cyd", "h3", "bd233390")
#define NO_ANN "{\"username\":\"ann\",\"deleted\":true,\"sum\":\"4f967eeb\"}"
#define EVE "{\"username\":\"eve\",\"password\":\"h4\"}" /* by hand, without a sum */

static const uint8_t key[16] = "sixteen bytes of";
static char dir[64], path[80], other[80];

/* ---- files, and what is said on descriptor 2 -------------------------- */

static _Noreturn void fatal(const char *what) {
    printf("FAIL %s: %s\n1 failed\n", what, strerror(errno));
    exit(1);
}

static void write_file(const char *name, struct slice bytes) {
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, bytes.at, bytes.len) != (ssize_t)bytes.len) fatal(name);
    close(fd);
}

static struct slice read_file(const char *name) {
    static char bytes[FILE_MAX];
    int fd = open(name, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
    if (n < 0) fatal(name);
    close(fd);
    return (struct slice){ bytes, (size_t)n };
}

static bool file_is(const char *name, struct slice bytes) { return slice_equal(read_file(name), bytes); }

static int said_fd, kept_fd;
static char said[8192];

static void listen_begin(void) {
    if (ftruncate(said_fd, 0) != 0 || dup2(said_fd, 2) < 0) fatal("descriptor 2");
}

/* What came since listen_begin stands in `said`. */
static void listen_end(void) {
    ssize_t n = pread(said_fd, said, sizeof said - 1, 0);
    said[n > 0 ? n : 0] = '\0';
    dup2(kept_fd, 2);
}

static struct users *open_users(const char *name) {
    listen_begin();
    struct users *u = users_open(name, sha256_compress_portable, key, TTL);
    listen_end();
    return u;
}

static struct users *open_with(struct slice bytes) {
    write_file(path, bytes);
    return open_users(path);
}

static struct users *open_empty(void) {
    unlink(path);
    struct users *u = open_users(path);
    if (u == NULL) fatal(path);
    return u;
}

/* ---- calls, in a word ------------------------------------------------- */

static struct user *found(struct users *u, struct slice name) {
    static struct user user;
    return users_find(u, name, &user) == USERS_OK ? &user : NULL;
}

static struct user read_user(struct users *u, const char *name) {
    struct user *user = found(u, slice_of(name));
    return user ? *user : (struct user){ .hash_len = 0 };
}

/* Is this name there, with this hash? */
static bool has(struct users *u, const char *name, const char *hash) {
    struct user *user = found(u, slice_of(name));
    return user && slice_is((struct slice){ user->hash, user->hash_len }, hash);
}

static bool lacks(struct users *u, const char *name) {
    struct user user;
    return users_find(u, slice_of(name), &user) == USERS_NOT_FOUND;
}

static struct user user_of(struct slice hash) {
    struct user user = { .hash_len = hash.len };
    memcpy(user.hash, hash.at, hash.len);
    return user;
}

static enum users_result users_add(struct users *u, struct slice name, struct slice hash) {
    struct user user = user_of(hash);
    return users_store(u, name, NULL, &user);
}

static enum users_result users_update(struct users *u, struct slice name, const struct user *seen, struct slice hash) {
    struct user user = user_of(hash);
    return users_store(u, name, seen, &user);
}

static enum users_result add(struct users *u, const char *name, const char *hash) {
    listen_begin();
    enum users_result result = users_add(u, slice_of(name), slice_of(hash));
    listen_end();
    return result;
}

static enum users_result update(struct users *u, const char *name, const struct user *seen, const char *hash) {
    listen_begin();
    enum users_result result = users_update(u, slice_of(name), seen, slice_of(hash));
    listen_end();
    return result;
}

/* ---- add, find, update ------------------------------------------------ */

static void test_basics(void) {
    struct users *u = open_empty();
    struct stat st;
    struct user seen, stale;
    if (stat(path, &st) != 0) fatal(path);
    check((st.st_mode & 07777) == 0600 && st.st_size == 0, "a new file: empty, mode 0600, is %o", (unsigned)st.st_mode);
    check(lacks(u, "ann"), "nobody in an empty file");
    check(users_update(u, SLICE("ann"), &(struct user){ .hash_len = 0 }, SLICE("h1")) == USERS_NOT_FOUND,
          "update of nobody");
    check(add(u, "ann", "h1") == USERS_OK && has(u, "ann", "h1"), "added and found");
    check(add(u, "ann", "h9") == USERS_EXISTS && has(u, "ann", "h1"), "a taken name stays as it is");
    check(lacks(u, "an") && lacks(u, "anna") && lacks(u, "ANN") && lacks(u, ""), "no other name is found");
    check(add(u, "bob", "h2") == USERS_OK && has(u, "bob", "h2") && has(u, "ann", "h1"), "a second");
    check(file_is(path, SLICE(ANN "\n" BOB "\n")), "two lines in the file");
    seen = stale = read_user(u, "ann");
    check(update(u, "ann", &seen, "h5") == USERS_OK && has(u, "ann", "h5") && has(u, "bob", "h2"), "updated");
    check(update(u, "ann", &stale, "h6") == USERS_CHANGED && has(u, "ann", "h5"), "update of what has changed since");
    seen = read_user(u, "ann");
    check(update(u, "ann", &seen, "h7") == USERS_OK && has(u, "ann", "h7"), "updated again");
    struct slice now = read_file(path);
    check(now.len > 2 * sizeof ANN && memcmp(now.at, ANN "\n" BOB "\n", sizeof ANN "\n" BOB) == 0,
          "updates are appended, no line is rewritten");
    users_close(u);
    u = open_users(path);
    check(u && has(u, "ann", "h7") && has(u, "bob", "h2") && lacks(u, "cyd") && !*said, "opened anew: %s", said);
    users_close(u);
}

#define N15 "nnnnnnnnnnnnnnn"
#define U8 "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
#define U8_ESCAPED "\\u00fc\\u00fc\\u00fc\\u00fc\\u00fc\\u00fc\\u00fc\\u00fc"
#define FIVE(text) text text text text text
#define FIFTEEN(text) FIVE(text) FIVE(text) FIVE(text)

/* Each with the hash scrypt:16:1:1$salt$00; sums by sha256sum. */
static const struct {
    const char *why;
    struct slice name;
    const char *escaped, *sum;
} names[] = {
    { "plain", S("Romel"), "Romel", "5497f3c6" },
    { "a quote", S("a\"b"), "a\\\"b", "b5b960ff" },
    { "a backslash", S("a\\b"), "a\\\\b", "0dd70a9d" },
    { "a slash", S("a/b"), "a/b", "c3026361" },
    { "a space", S(" "), " ", "d766ea35" },
    { "two bytes of UTF-8", S("\xc3\xbc\xc3\xb1\xc3\xad"), "\\u00fc\\u00f1\\u00ed", "f3db3717" },
    { "three bytes", S("\xe6\x97\xa5\xe6\x9c\xac"), "\\u65e5\\u672c", "66ca093b" },
    { "four bytes", S("\xf0\x9f\x98\x80"), "\\ud83d\\ude00", "7d097317" },
    { "LF and TAB: the line stays one", S("a\nb\tc"), "a\\nb\\tc", "663ec597" },
    { "DEL and U+0085", S("\x7f\xc2\x85"), "\\u007f\\u0085", "4358b4db" },
    { "NUL", S("a\0b"), "a\\u0000b", "6114b8ae" },
    { "255 bytes", S(FIFTEEN(N15) N15 N15), FIFTEEN(N15) N15 N15, "d2a00903" },
    { "255 bytes that become 756", S(FIFTEEN(U8) "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbcn"),
      FIFTEEN(U8_ESCAPED) "\\u00fc\\u00fc\\u00fc\\u00fc\\u00fc\\u00fc\\u00fcn", "730ae326" },
};
enum { NAMES = sizeof names / sizeof *names };

static void test_lines(void) {
    struct users *u = open_empty();
    char line[4096];
    size_t end = 0;
    for (size_t i = 0; i < NAMES; i++) {
        int n =
            snprintf(line, sizeof line, LINE("%s", "scrypt:16:1:1$salt$00", "%s") "\n", names[i].escaped, names[i].sum);
        check(users_add(u, names[i].name, SLICE("scrypt:16:1:1$salt$00")) == USERS_OK, "%s: added", names[i].why);
        struct slice now = read_file(path);
        check(now.len == end + (size_t)n && memcmp(now.at + end, line, (size_t)n) == 0, "%s: %.*s is not %s",
              names[i].why, (int)(now.len - end), now.at + end, line);
        end = now.len;
    }
    struct users *again = open_users(path);
    for (size_t i = 0; i < NAMES; i++)
        check(found(u, names[i].name) && found(again, names[i].name) &&
                  users_add(again, names[i].name, SLICE("h")) == USERS_EXISTS,
              "%s: found, before and after", names[i].why);
    users_close(again);
    users_close(u);
}

/* Whatever users_add says yes to must be there after a restart: a name or a
 * hash that the reader would refuse must not get into the file. */
static void test_limits(void) {
    static const struct {
        const char *why;
        size_t name, hash;
    } rows[] = {
        { "the longest of both", USERS_NAME_MAX, USERS_HASH_MAX },
        { "a name of 256 bytes", USERS_NAME_MAX + 1, 1 },
        { "a name of 100000 bytes", 100000, 1 },
        { "no name", 0, 1 },
        { "no hash", 1, 0 },
    };
    static char letters[100000];
    memset(letters, 'n', sizeof letters);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct users *u = open_empty();
        struct slice name = { letters, rows[i].name };
        listen_begin();
        enum users_result result = users_add(u, name, (struct slice){ letters, rows[i].hash });
        listen_end();
        users_close(u);
        u = open_users(path);
        check(u && (result == USERS_OK ? found(u, name) != NULL : read_file(path).len == 0),
              "%s: answered %d, then a restart: %s", rows[i].why, (int)result, said);
        check(result == USERS_OK || i > 0, "%s: is taken", rows[i].why);
        if (u) users_close(u);
    }
}

/* What the HTTP API and the shell take for a name. */
static void test_names(void) {
    static char letters[USERS_NAME_MAX + 1];
    memset(letters, 'n', sizeof letters);
    const struct {
        const char *fault;
        struct slice name;
    } rows[] = {
        { NULL, S("a") },
        { NULL, S(" ~\xc2\xa0\xc3\xbc\xe6\x97\xa5\xf0\x9f\x98\x80") },
        { NULL, { letters, USERS_NAME_MAX } },
        { " is too long", { letters, USERS_NAME_MAX + 1 } },
        { " is empty", S("") },
        { " is not UTF-8", S("a\xff") },
        { " is not UTF-8", S("a\xc2") },
        { " is not UTF-8", S("\xc1\x81") },
        { " is not UTF-8", S("\xed\xa0\x80") },
        { " has a control character", S("a\0") },
        { " has a control character", S("a\x1f") },
        { " has a control character", S("\x7f") },
        { " has a control character", S("\xc2\x80") },
        { " has a control character", S("\xc2\x9f") },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *name = guarded(rows[i].name.at, rows[i].name.len);
        const char *fault = users_name_fault((struct slice){ name, rows[i].name.len });
        check(fault == rows[i].fault || (fault && rows[i].fault && strcmp(fault, rows[i].fault) == 0), "name %zu: %s",
              i, fault ? fault : "taken");
        guarded_free(name, rows[i].name.len);
    }
}

/* ---- files that are taken --------------------------------------------- */

#define UNCHANGED                                                                                                      \
    { NULL, 0 }

/* What is in the file, who is found in it, the file afterwards where it is another, and whether a warning
 * tells of what was cut off. */
static const struct {
    const char *why;
    struct slice bytes;
    const char *name, *hash;
    struct slice after;
    bool warned;
} taken[] = {
    { "nothing", S(""), NULL, NULL, UNCHANGED, false },
    { "one line", S(ANN "\n"), "ann", "h1", UNCHANGED, false },
    { "the last of three", S(ANN "\n" BOB "\n" CYD "\n"), "cyd", "h3", UNCHANGED, false },
    { "without a sum", S(EVE "\n"), "eve", "h4", UNCHANGED, false },
    { "without a sum, between others", S(ANN "\n" EVE "\n" BOB "\n"), "eve", "h4", UNCHANGED, false },
    { "white space", S(" { \"username\" :\t\"eve\" , \"password\" : \"h4\" } \n"), "eve", "h4", UNCHANGED, false },
    { "without a sum, CRLF is white space", S(EVE "\r\n"), "eve", "h4", UNCHANGED, false },
    { "password first", S("{\"password\":\"h4\",\"username\":\"eve\"}\n"), "eve", "h4", UNCHANGED, false },
    { "a name in needless escapes", S("{\"username\":\"\\u0065v\\u0065\",\"password\":\"h4\"}\n"), "eve", "h4",
      UNCHANGED, false },
    { "names of members in escapes", S("{\"us\\u0065rname\":\"eve\",\"pa\\u0073sword\":\"h4\"}\n"), "eve", "h4",
      UNCHANGED, false },
    { "UTF-8 without escapes", S("{\"username\":\"\xc3\xbc\",\"password\":\"h4\"}\n"), "\xc3\xbc", "h4", UNCHANGED,
      false },
    { "times", S("{\"username\":\"eve\",\"password\":\"h4\",\"not_before\":1,\"tokens_until\":999999999999999999}\n"),
      "eve", "h4", UNCHANGED, false },
    { "times, in another order", S("{\"tokens_until\":9,\"password\":\"h4\",\"not_before\":7,\"username\":\"eve\"}\n"),
      "eve", "h4", UNCHANGED, false },
    { "one time, with a sum",
      S("{\"username\":\"eve\",\"password\":\"h4\",\"not_before\":1700000000,\"sum\":\"886274d3\"}"
        "\n"),
      "eve", "h4", UNCHANGED, false },
    { "a deleted account's",
      S("{\"username\":\"ann\",\"deleted\":true,\"tokens_until\":9,\"not_before\":7}\n" ANN "\n"), "ann", "h1",
      UNCHANGED, false },
    { "a later line wins", S("{\"username\":\"ann\",\"password\":\"old\"}\n" ANN "\n"), "ann", "h1", UNCHANGED, false },
    { "a later line wins, sum or not", S(ANN "\n" BOB "\n{\"username\":\"ann\",\"password\":\"new\"}\n"), "ann", "new",
      UNCHANGED, false },
    { "a later line wins, escaped or not", S(ANN "\n{\"username\":\"\\u0061nn\",\"password\":\"new\"}\n"), "ann", "new",
      UNCHANGED, false },
    { "a whole line without its LF", S(ANN "\n" BOB), "bob", "h2", S(ANN "\n" BOB "\n"), false },
    { "one by hand without its LF", S(ANN "\n" EVE), "eve", "h4", S(ANN "\n" EVE "\n"), false },
    { "a whole line, then NULs", S(ANN "\n" BOB "\0\0\0\0"), "bob", "h2", S(ANN "\n" BOB "\n"), false },
    { "only NULs behind the lines", S(ANN "\n\0\0\0\0"), "ann", "h1", S(ANN "\n"), true },
    { "a file of NULs", S("\0\0\0\0"), NULL, NULL, S(""), true },
    { "one brace", S(ANN "\n{"), "ann", "h1", S(ANN "\n"), true },
    { "a torn line, and no other", S("{\"username\":\"ann\",\"passw"), NULL, NULL, S(""), true },
    { "a torn line with a brace in its name", S(ANN "\n{\"username\":\"}\",\"password"), "ann", "h1", S(ANN "\n"),
      true },
    { "a torn line behind its sum", S(ANN "\n{\"username\":\"bob\",\"password\":\"h2\",\"sum\":\"85754016\""), "ann",
      "h1", S(ANN "\n"), true },
};

static void test_taken(void) {
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        struct users *u = open_with(taken[i].bytes);
        bool changed = taken[i].after.at != NULL;
        check(u != NULL, "%s: refused: %s", taken[i].why, said);
        if (u == NULL) continue;
        check(!taken[i].name || has(u, taken[i].name, taken[i].hash), "%s: %s is there", taken[i].why, taken[i].name);
        check(lacks(u, "nobody"), "%s: nobody is not", taken[i].why);
        check(file_is(path, changed ? taken[i].after : taken[i].bytes), "%s: the file afterwards", taken[i].why);
        check((*said != '\0') == taken[i].warned, "%s: a warning where something was cut off, and only there: %s",
              taken[i].why, said);
        check(add(u, "zoe", "h8") == USERS_OK, "%s: then an account more", taken[i].why);
        users_close(u);
        u = open_users(path);
        check(u && has(u, "zoe", "h8") && (!taken[i].name || has(u, taken[i].name, taken[i].hash)) && !*said,
              "%s: and opened anew: %s", taken[i].why, said);
        if (u) users_close(u);
    }
}

/* ---- lines that are refused ------------------------------------------- */

static const struct {
    const char *why;
    struct slice line;
} bad_lines[] = {
    { "not JSON", S("ann:h1") },
    { "nothing", S("") },
    { "a space", S(" ") },
    { "a comment", S("# accounts") },
    { "a string", S("\"ann\"") },
    { "null", S("null") },
    { "an array", S("[\"ann\",\"h1\"]") },
    { "an account in an array", S("[" EVE "]") },
    { "an empty object", S("{}") },
    { "no password", S("{\"username\":\"x\"}") },
    { "no username", S("{\"password\":\"y\"}") },
    { "a sum alone", S("{\"username\":\"x\",\"sum\":\"00000000\"}") },
    { "username a number", S("{\"username\":1,\"password\":\"y\"}") },
    { "password a number", S("{\"username\":\"x\",\"password\":2}") },
    { "username null", S("{\"username\":null,\"password\":\"y\"}") },
    { "password an object", S("{\"username\":\"x\",\"password\":{}}") },
    { "password an array", S("{\"username\":\"x\",\"password\":[\"y\"]}") },
    { "username true", S("{\"username\":true,\"password\":\"y\"}") },
    { "a member that nobody knows", S("{\"username\":\"x\",\"password\":\"y\",\"admin\":true}") },
    { "another member's name", S("{\"user\":\"x\",\"password\":\"y\"}") },
    { "a capital", S("{\"Username\":\"x\",\"password\":\"y\"}") },
    { "username twice", S("{\"username\":\"x\",\"username\":\"x\",\"password\":\"y\"}") },
    { "password twice, once escaped", S("{\"username\":\"x\",\"password\":\"y\",\"pass\\u0077ord\":\"z\"}") },
    { "sum twice", S("{\"username\":\"x\",\"password\":\"y\",\"sum\":\"9ac5e1c1\",\"sum\":\"9ac5e1c1\"}") },
    { "deleted, and a password", S("{\"username\":\"x\",\"password\":\"y\",\"deleted\":true}") },
    { "deleted, and no password", S("{\"username\":\"x\",\"password\":null,\"deleted\":true}") },
    { "not deleted", S("{\"username\":\"x\",\"deleted\":false}") },
    { "not deleted, and a password", S("{\"username\":\"x\",\"password\":\"y\",\"deleted\":false}") },
    { "deleted, as a text", S("{\"username\":\"x\",\"deleted\":\"true\"}") },
    { "deleted, as a number", S("{\"username\":\"x\",\"deleted\":1}") },
    { "deleted twice", S("{\"username\":\"x\",\"deleted\":true,\"deleted\":true}") },
    { "deleted is nobody", S("{\"deleted\":true}") },
    { "deleted, with a wrong sum", S("{\"username\":\"x\",\"deleted\":true,\"sum\":\"4f967eeb\"}") },
    { "a trailing comma", S("{\"username\":\"x\",\"password\":\"y\",}") },
    { "no comma", S("{\"username\":\"x\"\"password\":\"y\"}") },
    { "single quotes", S("{'username':'x','password':'y'}") },
    { "no quotes", S("{username:\"x\",password:\"y\"}") },
    { "the first half of an account", S("{\"username\":\"x\",\"passw") },
    { "the second half of one", S("ord\":\"y\",\"sum\":\"9ac5e1c1\"}") },
    { "a brace missing", S("{\"username\":\"x\",\"password\":\"y\"") },
    { "a brace too many", S("{\"username\":\"x\",\"password\":\"y\"}}") },
    { "a comma behind", S(ANN ",") },
    { "two accounts on one line", S("{\"username\":\"x\",\"password\":\"y\"}{\"username\":\"v\",\"password\":\"w\"}") },
    { "the sum of another line", S(LINE("x", "y", "a6d477df")) },
    { "one digit of the sum wrong", S(LINE("x", "y", "9ac5e1c0")) },
    { "another name, the sum kept", S(LINE("z", "y", "9ac5e1c1")) },
    { "another password, the sum kept", S(LINE("x", "z", "9ac5e1c1")) },
    { "a space more, the sum kept", S("{\"username\": \"x\",\"password\":\"y\",\"sum\":\"9ac5e1c1\"}") },
    { "a sum of capitals", S(LINE("x", "y", "9AC5E1C1")) },
    { "a sum of 7 digits", S(LINE("x", "y", "9ac5e1c")) },
    { "a sum of 9 digits", S(LINE("x", "y", "9ac5e1c17")) },
    { "an empty sum", S(LINE("x", "y", "")) },
    { "a sum that is no text", S("{\"username\":\"x\",\"password\":\"y\",\"sum\":12345678}") },
    { "a sum that is null", S("{\"username\":\"x\",\"password\":\"y\",\"sum\":null}") },
    { "the sum first", S("{\"sum\":\"9ac5e1c1\",\"username\":\"x\",\"password\":\"y\"}") },
    { "the sum not last", S("{\"username\":\"x\",\"sum\":\"9ac5e1c1\",\"password\":\"y\"}") },
    { "a member between", S("{\"username\":\"x\",\"password\":\"y\",\"z\":{\"sum\":\"9ac5e1c1\"}}") },
    { "white space behind a sum", S(ANN " ") },
    { "CRLF behind a sum", S(ANN "\r") },
    { "white space in a sum", S("{\"username\":\"x\",\"password\":\"y\", \"sum\":\"9ac5e1c1\"}") },
    { "an empty name", S("{\"username\":\"\",\"password\":\"y\"}") },
    { "an empty password", S("{\"username\":\"x\",\"password\":\"\"}") },
    { "a name of 256 bytes", S("{\"username\":\"" FIFTEEN(N15) N15 N15 "n\",\"password\":\"y\"}") },
    { "a password of 600 bytes",
      S("{\"username\":\"x\",\"password\":\"" FIFTEEN(N15) FIFTEEN(N15) FIVE(N15 N15) "\"}") },
    { "not_before: text", S("{\"username\":\"x\",\"password\":\"y\",\"not_before\":\"1700000000\"}") },
    { "not_before: zero", S("{\"username\":\"x\",\"password\":\"y\",\"not_before\":0}") },
    { "not_before: negative", S("{\"username\":\"x\",\"password\":\"y\",\"not_before\":-1}") },
    { "not_before: a fraction", S("{\"username\":\"x\",\"password\":\"y\",\"not_before\":1.5}") },
    { "not_before: an exponent", S("{\"username\":\"x\",\"password\":\"y\",\"not_before\":1e9}") },
    { "not_before: 19 digits", S("{\"username\":\"x\",\"password\":\"y\",\"not_before\":1000000000000000000}") },
    { "not_before: null", S("{\"username\":\"x\",\"password\":\"y\",\"not_before\":null}") },
    { "not_before: true", S("{\"username\":\"x\",\"password\":\"y\",\"not_before\":true}") },
    { "not_before: an array", S("{\"username\":\"x\",\"password\":\"y\",\"not_before\":[1]}") },
    { "not_before: a leading zero", S("{\"username\":\"x\",\"password\":\"y\",\"not_before\":01}") },
    { "not_before: nothing", S("{\"username\":\"x\",\"password\":\"y\",\"not_before\":}") },
    { "tokens_until: text", S("{\"username\":\"x\",\"password\":\"y\",\"tokens_until\":\"9\"}") },
    { "tokens_until: zero", S("{\"username\":\"x\",\"password\":\"y\",\"tokens_until\":0}") },
    { "tokens_until: minus zero", S("{\"username\":\"x\",\"password\":\"y\",\"tokens_until\":-0}") },
    { "tokens_until: a fraction", S("{\"username\":\"x\",\"password\":\"y\",\"tokens_until\":9.0}") },
    { "tokens_until: an object", S("{\"username\":\"x\",\"password\":\"y\",\"tokens_until\":{}}") },
    { "not_before twice", S("{\"username\":\"x\",\"password\":\"y\",\"not_before\":1,\"not_before\":1}") },
    { "not_before, deleted: text", S("{\"username\":\"x\",\"deleted\":true,\"not_before\":\"\"}") },
    { "Not_before", S("{\"username\":\"x\",\"password\":\"y\",\"Not_before\":1}") },
    { "times and no account", S("{\"username\":\"x\",\"not_before\":1,\"tokens_until\":2}") },
    { "a time behind the sum", S("{\"username\":\"x\",\"password\":\"y\",\"sum\":\"9ac5e1c1\",\"not_before\":1}") },
    { "a time that its sum does not know",
      S("{\"username\":\"x\",\"password\":\"y\",\"not_before\":2,\"sum\":\"16ce5aee\"}") },
    { "NUL in front", S("\0" EVE) },
    { "NUL in a name", S("{\"username\":\"x\0\",\"password\":\"y\"}") },
    { "NUL between members", S("{\"username\":\"x\",\0\"password\":\"y\"}") },
    { "NUL behind", S(EVE "\0") },
    { "a byte order mark", S("\xef\xbb\xbf" EVE) },
    { "UTF-16", S("{\0\"\0u\0") },
    { "ISO 8859-1", S("{\"username\":\"\xfc\",\"password\":\"y\"}") },
    { "an overlong byte", S("{\"username\":\"\xc1\xa1\",\"password\":\"y\"}") },
    { "half a surrogate pair", S("{\"username\":\"\\ud800\",\"password\":\"y\"}") },
    { "a TAB in a name", S("{\"username\":\"x\t\",\"password\":\"y\"}") },
    { "an unknown escape", S("{\"username\":\"\\x61\",\"password\":\"y\"}") },
};

/* A file with the bad line as line `n` is refused, told of and left alone. */
static void refuse(const char *why, struct slice bytes, int n) {
    char expected[32];
    struct users *u = open_with(bytes);
    snprintf(expected, sizeof expected, "line %d ", n);
    check(u == NULL, "%s as line %d: taken", why, n);
    check(strstr(said, expected) && strstr(said, path), "%s: the message names file and line %d: %s", why, n, said);
    check(strchr(said, '\n') == said + strlen(said) - 1, "%s: one line, nothing else: %s", why, said);
    check(file_is(path, bytes), "%s as line %d: the file was changed", why, n);
    if (u) users_close(u);
}

static void test_refused(void) {
    static const char *const before[] = { "", ANN "\n", ANN "\n" BOB "\n" };
    static char text[3 * 8192];
    for (size_t i = 0; i < sizeof bad_lines / sizeof *bad_lines; i++) {
        for (int n = 1; n <= 3; n++) {
            struct buffer file = { .at = text, .cap = sizeof text };
            put_text(&file, before[n - 1]);
            put_bytes(&file, bad_lines[i].line.at, bad_lines[i].line.len);
            put_text(&file, n < 3 ? "\n" CYD "\n" : "\n");
            refuse(bad_lines[i].why, (struct slice){ file.at, file.len }, n);
        }
    }
    /* a last line without its LF that holds a whole account is nothing that a crash leaves */
    refuse("garbage behind an account, no LF", SLICE(ANN "\n" BOB "x"), 2);
    refuse("half an account behind one, no LF", SLICE(ANN "\n" BOB "{\"user"), 2);
    refuse("NUL, then garbage, no LF", SLICE(ANN "\n" BOB "\0x"), 2);
    refuse("an account twice, no LF", SLICE(ANN "\n" EVE EVE), 2);
    /* nor is what somebody may have meant by another file */
    refuse("notes, no LF", SLICE("my precious notes"), 1);
    refuse("a Flask application's accounts, no LF", SLICE("{\"Romel\": {\"password\": \"h1\"}}"), 1);
    refuse("a key, no LF", SLICE("c3VwZXJzZWNyZXQ_c3VwZXJzZWNyZXQ_c3VwZXJzZWN"), 1);
    refuse("another beginning behind an account, no LF", SLICE(ANN "\n{\"user\":"), 2);
    refuse("a bad line before a torn one", SLICE(ANN "\nx\n" BOB "\n{\"user"), 2);
    /* too long lines */
    static char much[FILE_MAX];
    int n = snprintf(much, sizeof much, ANN "\n{\"username\":\"x\",%5000s\"password\":\"y\"}\n" BOB "\n", "");
    refuse("an account in 5000 spaces", (struct slice){ much, (size_t)n }, 2);
    refuse("the same, torn", (struct slice){ much, 5000 }, 2);
    memset(much, ' ', sizeof much);
    refuse("a megabyte without LF", (struct slice){ much, sizeof much }, 1);
}

/* ---- files that are read in parts ------------------------------------- */

#define LONG_LINE LINE(FIFTEEN(N15) N15 N15, "scrypt:16:1:1$salt$00", "d2a00903") "\n"

/* Lines far beyond the second part; `first` bytes are before those that are all alike. */
static void read_in_parts(size_t first) {
    enum { LEN = sizeof LONG_LINE - 1, LINES = 3 * READ_LEN / LEN };
    static char text[FILE_MAX];
    const size_t bad[] = { 0, (READ_LEN - first) / LEN - 1, (READ_LEN - first) / LEN, LINES / 2, LINES - 1 };
    struct buffer file = { .at = text, .cap = sizeof text };
    put_text(&file, EVE);
    while (file.len < first - 1) put_char(&file, ' ');
    put_char(&file, '\n');
    for (size_t i = 0; i < LINES; i++) put_text(&file, LONG_LINE);
    put_text(&file, CYD "\n{\"usern");
    struct users *u = open_with((struct slice){ file.at, file.len });
    check(u && users_count(u) == 3 && has(u, "eve", "h4") && has(u, "cyd", "h3"), "parts, from %zu on: %s", first, said);
    check(strstr(said, "breaks off: 7 bytes") && read_file(path).len == file.len - 7, "the last line of parts: %s", said);
    if (u) users_close(u);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *digit = &text[first + (bad[i] + 1) * LEN - sizeof "3\"}"];
        *digit ^= 1;
        refuse("a wrong sum among parts", (struct slice){ file.at, file.len }, (int)bad[i] + 2);
        *digit ^= 1;
    }
    memset(text + 2 * READ_LEN - 5000, ' ', 10000);
    refuse("a long line between parts", (struct slice){ file.at, file.len }, (int)((2 * READ_LEN - 5000 - first) / LEN) + 2);
}

/* A line ends with a part, or a byte behind or before it. */
static void test_parts(void) {
    const size_t seam = READ_LEN % (sizeof LONG_LINE - 1) + sizeof LONG_LINE - 1;
    for (size_t first = seam - 1; first <= seam + 1; first++) read_in_parts(first);
}

static void *nothing(void *argument) { return argument; }

/* The same where no second thread can be started: root starts any number, so it is somebody else here, too. */
static void test_parts_alone(void) {
    pthread_t thread;
    int status;
    unlink(path);
    if (chmod(dir, 0777) != 0) fatal(dir);
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_NPROC, &(struct rlimit){ 0, 0 });
        if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)) _exit(2);
        check(pthread_create(&thread, NULL, nothing, NULL) == EAGAIN, "no thread can be started");
        test_parts();
        _exit(test_failed != 0);
    }
    check(waitpid(child, &status, 0) == child && status == 0, "all by one thread (%x)", (unsigned)status);
    unlink(path);
    chmod(dir, 0700);
}

/* ---- files that can't be opened --------------------------------------- */

static void cannot_open(const char *why, const char *name) {
    struct users *u = open_users(name);
    check(u == NULL && strstr(said, name), "%s: refused, and its name told: %s", why, said);
    if (u) users_close(u);
}

/* Root may write where others may not, so it asks as somebody else. */
static void test_read_only(void) {
    int status;
    write_file(path, SLICE(ANN "\n"));
    chmod(path, 0444);
    chmod(dir, 0755);
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)) _exit(2);
        struct users *u = open_users(path);
        _exit(u != NULL || strstr(said, path) == NULL);
    }
    check(waitpid(child, &status, 0) == child && status == 0, "a read-only file: refused, with a message (%x)",
          (unsigned)status);
    check(file_is(path, SLICE(ANN "\n")), "a read-only file: unchanged");
    unlink(path);
}

static void test_cannot_open(void) {
    char name[120];
    snprintf(name, sizeof name, "%s/missing/users.jsonl", dir);
    cannot_open("a missing directory", name);
    cannot_open("a directory", dir);
    cannot_open("a device", "/dev/null");
    cannot_open("no name", "");
    snprintf(name, sizeof name, "%s/fifo", dir);
    mkfifo(name, 0600);
    cannot_open("a FIFO", name);
    unlink(name);
    write_file(other, SLICE(ANN "\n"));
    snprintf(name, sizeof name, "%s/users.jsonl", other);
    cannot_open("a file as directory", name);
    unlink(other);
    test_read_only();
}

/* ---- damage, bit by bit and byte by byte ------------------------------ */

static const struct slice three = S(ANN "\n" BOB "\n" CYD "\n");

/* Refused and left alone, or all three accounts are there: never a change unseen. */
static bool noticed(struct slice bytes) {
    struct users *u = open_with(bytes);
    if (u == NULL) return *said && file_is(path, bytes);
    bool right = has(u, "ann", "h1") && has(u, "bob", "h2") && has(u, "cyd", "h3");
    users_close(u);
    return right;
}

static void test_damage(void) {
    char bytes[sizeof ANN BOB CYD "\n\n\n"];
    size_t undetected = 0;
    for (size_t bit = 0; bit < 8 * three.len; bit++) {
        memcpy(bytes, three.at, three.len);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        undetected += !noticed((struct slice){ bytes, three.len });
    }
    check(undetected == 0, "one bit of %zu flipped: %zu times unseen", 8 * three.len, undetected);
    undetected = 0;
    for (size_t i = 0; i < three.len; i++) {
        memcpy(bytes, three.at, i);
        memcpy(bytes + i, three.at + i + 1, three.len - i - 1);
        undetected += !noticed((struct slice){ bytes, three.len - 1 });
    }
    check(undetected == 0, "one byte of %zu lost: %zu times unseen", three.len, undetected);
    undetected = 0;
    for (size_t i = 0; i < three.len; i++) {
        memcpy(bytes, three.at, three.len);
        bytes[i] = '\0';
        undetected += !noticed((struct slice){ bytes, three.len }) && i != three.len - 1;
    }
    check(undetected == 0, "one byte of %zu zeroed: %zu times unseen", three.len, undetected);
}

/* Every prefix of a file is what a crash may leave of it, with or without NULs
 * up to where it would have ended: whole lines stay, to the byte. */
static void test_prefixes(void) {
    enum { LINES = 20 };
    char name[16], text[LINES * 96], after[sizeof text + 64];
    size_t ends[LINES + 1] = { 0 }, wrong = 0, wrong_padded = 0;
    struct users *u = open_empty();
    for (int i = 0; i < LINES; i++) {
        snprintf(name, sizeof name, "n%02d", i);
        if (add(u, name, "hash") != USERS_OK) fatal("add");
        ends[i + 1] = read_file(path).len;
    }
    users_close(u);
    struct slice whole = read_file(path);
    memcpy(text, whole.at, whole.len);
    for (size_t cut = 0; cut <= whole.len; cut++) {
        for (int padded = 0; padded < 2; padded++) {
            size_t n = 0, end;
            while (n < LINES && ends[n + 1] <= cut + 1) n++; /* lines in the prefix, the last maybe without its LF */
            end = ends[n];
            memset(after, 0, sizeof after);
            memcpy(after, text, cut);
            u = open_with((struct slice){ after, padded ? cut + 40 : cut });
            bool right = u != NULL && file_is(path, (struct slice){ text, end });
            for (size_t i = 0; right && i < LINES; i++) {
                snprintf(name, sizeof name, "n%02zu", i);
                right = i < n ? has(u, name, "hash") : lacks(u, name);
            }
            *(padded ? &wrong_padded : &wrong) += !right;
            if (u) users_close(u);
        }
    }
    check(wrong == 0, "%zu of %zu prefixes are not their whole lines", wrong, whole.len + 1);
    check(wrong_padded == 0, "%zu of %zu prefixes with NULs behind are not", wrong_padded, whole.len + 1);
}

/* ---- deleted accounts -------------------------------------------------- */

static enum users_result delete (struct users *u, const char *name) {
    struct user seen = read_user(u, name); return users_store(u, slice_of(name), &seen, NULL);
}

static bool begins(struct slice text, const char *with) {
    return text.len >= strlen(with) && memcmp(text.at, with, strlen(with)) == 0;
}

/* The names in the order of their lines, a space behind each; and so many are counted. */
static bool lists(struct users *u, const char *expected) {
    char text[256] = "";
    struct buffer list = { .at = text, .cap = sizeof text - 1 };
    struct record record;
    uint64_t at = 0;
    size_t count = 0;
    int got;
    while ((got = users_next(u, &at, &record)) == 1) {
        count++;
        put_bytes(&list, record.name, record.name_len);
        put_char(&list, ' ');
    }
    return got == 0 && count == users_count(u) && slice_is((struct slice){ text, list.len }, expected);
}

static void test_deleted(void) {
    struct users *u = open_with(SLICE(ANN "\n" BOB "\n")), *other_owner = open_users(path);
    struct user stale = read_user(u, "ann");
    check(has(other_owner, "ann", "h1") && lists(u, "ann bob "), "nobody is deleted yet");
    check(delete (u, "ann") == USERS_OK && lacks(u, "ann") && has(u, "bob", "h2"), "deleted");
    check(begins(read_file(path), ANN "\n" BOB "\n{\"username\":\"ann\",\"deleted\":true,\"not_before\":"),
          "by a line more");
    check(lacks(other_owner, "ann") && lists(u, "bob "), "and so another owner sees it");
    check(users_store(u, SLICE("ann"), &stale, NULL) == USERS_NOT_FOUND &&
              update(u, "ann", &stale, "h9") == USERS_NOT_FOUND &&
              users_store(u, SLICE("cyd"), &stale, NULL) == USERS_NOT_FOUND,
          "who is deleted, or never was, is neither deleted nor changed");
    check(add(other_owner, "ann", "h5") == USERS_OK && has(u, "ann", "h5") && lists(u, "bob ann "),
          "a deleted name is free");
    check(users_store(u, SLICE("ann"), &stale, NULL) == USERS_CHANGED && has(u, "ann", "h5"), "it is another one now");
    check(delete (u, "ann") == USERS_OK && delete (u, "bob") == USERS_OK && lists(u, ""), "all are deleted");
    users_close(u);
    u = open_users(path);
    check(u && !*said && lacks(u, "ann") && lacks(u, "bob") && lists(u, ""), "and still are after a restart: %s", said);
    for (int i = 0; i < 2000; i++) /* the index does not grow by who comes and goes, and keeps them apart */
        if (add(u, "ann", "h1") != USERS_OK || delete (u, "ann") != USERS_OK) fatal("come and go");
    check(lacks(u, "ann") && add(u, "bob", "h2") == USERS_OK && lists(u, "bob "), "a name that comes and goes");
    users_close(u);
    users_close(other_owner);
    u = open_with(SLICE(ANN "\n{\"username\":\"ann\",\"deleted\":true}\n"));
    check(u && lacks(u, "ann"), "deleted by hand, without a sum");
    users_close(u);
    u = open_with(SLICE(ANN "\n" NO_ANN));
    check(u && lacks(u, "ann") && file_is(path, SLICE(ANN "\n" NO_ANN "\n")), "deleted by a line without its LF");
    users_close(u);
    u = open_with(SLICE(NO_ANN "\n"));
    check(u && lacks(u, "ann") && lists(u, "") && add(u, "ann", "h1") == USERS_OK, "deleted before it ever was");
    users_close(u);
}

/* ---- tokens that are revoked ------------------------------------------- */

static enum users_result put(struct users *u, const char *name, const char *hash);
static int end_batch(struct users *u, bool keep);
static void replace(struct slice bytes);

/* The record in the file's last line. */
static struct record last_line(struct users *u) {
    struct record record = { .name_len = 0 };
    struct slice rest = read_file(path), line = { NULL, 0 };
    while (rest.len > 0) line = slice_cut(&rest, '\n');
    if (users_read_line(u, line, &record) != NULL) fatal("the last line");
    return record;
}

static int64_t not_before(struct users *u, const char *name) { return users_not_before(u, slice_of(name), time(NULL)); }

static enum users_result revoke_tokens(struct users *u, const char *name, const char *hash) {
    struct user seen = read_user(u, name), user = user_of(slice_of(hash));
    return users_revoke(u, slice_of(name), &seen, &user);
}

/* Whatever is written of a name from then on says it, and every owner of the file knows it. */
static void test_revoked(void) {
    struct users *u = open_with(SLICE(ANN "\n" BOB "\n")), *other_owner = open_users(path);
    int64_t start = time(NULL), first, then;
    check(not_before(u, "ann") == 0 && read_user(u, "ann").not_before == 0, "nobody's tokens at first");
    check(revoke_tokens(u, "ann", "h1") == USERS_OK && has(u, "ann", "h1"), "with the same hash");
    first = not_before(u, "ann");
    check(first >= start && first <= time(NULL), "from now on");
    check(read_user(u, "ann").not_before == first && not_before(u, "bob") == 0, "and hers only");
    struct record r = last_line(u);
    check(r.user.not_before == first && r.user.tokens_until == first + TTL && r.user.hash_len == 2, "as it is written");
    check(not_before(other_owner, "ann") == 0 && users_refresh(other_owner) == 0 &&
              not_before(other_owner, "ann") == first,
          "another owner knows it when it has looked");
    check(revoke_tokens(other_owner, "ann", "h5") == USERS_OK && users_refresh(u) == 0 && has(u, "ann", "h5"),
          "with another hash");
    then = not_before(u, "ann");
    check(then > first, "later than before, in the same second too");

    struct user seen = read_user(u, "ann");
    check(update(u, "ann", &seen, "h6") == USERS_OK && not_before(u, "ann") == then &&
              last_line(u).user.not_before == then && last_line(u).user.tokens_until == then + TTL,
          "a stronger hash calls nothing back, and says the times again");
    check(delete (u, "ann") == USERS_OK && not_before(u, "ann") > then, "a deleted account's tokens");
    then = not_before(u, "ann");
    check(last_line(u).user.hash_len == 0 && last_line(u).user.not_before == then, "as it is written, deleted");
    check(add(u, "ann", "h7") == USERS_OK && last_line(u).user.not_before == then && not_before(u, "ann") == then &&
              read_user(u, "ann").not_before == then,
          "who takes the name has no use of them");
    check(delete (u, "ann") == USERS_OK && users_batch_begin(u) == 0 && put(u, "ann", "h8") == USERS_OK &&
              end_batch(u, true) == 0 && last_line(u).user.not_before == not_before(u, "ann") &&
              not_before(u, "ann") > then,
          "nor who takes it in a batch");
    then = not_before(u, "ann");
    seen = read_user(u, "bob");
    struct user stale = user_of(SLICE("h9"));
    check(users_revoke(u, SLICE("bob"), &stale, &seen) == USERS_CHANGED &&
              users_revoke(u, SLICE("cyd"), &stale, &seen) == USERS_NOT_FOUND && not_before(u, "bob") == 0 &&
              not_before(u, "cyd") == 0,
          "where nothing is changed nothing is revoked");
    users_close(u);
    users_close(other_owner);
    u = open_users(path);
    check(u && !*said && not_before(u, "ann") == then && not_before(u, "bob") == 0, "and after a restart: %s", said);
    users_close(u);
}

/* What is remembered after a start, and for how long. */
static void test_remembered(void) {
    const int64_t now = time(NULL);
    const struct {
        const char *why;
        int64_t not_before, tokens_until; /* from now */
        bool expected;
    } rows[] = {
        { "just now", -1, 0, true },
        { "a ttl ago, and the widest leeway not yet", -TTL - 3590, 0, true },
        { "both over, but not for a log-in that was overtaken", -TTL - 3650, 0, true },
        { "for that too", -TTL - 3661, 0, false },
        { "a longer token", -TTL - 3661, 60, true },
        { "a longer token, in its leeway", -9 * TTL, -3590, true },
        { "a longer token that is over", -9 * TTL, -3661, false },
        { "of a longer ttl that was", -9 * TTL, TTL, true },
        { "for a hundred years", -9 * TTL, 3153600000, true },
    };
    char text[256];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int n = snprintf(text, sizeof text, "{\"username\":\"ann\",\"deleted\":true,\"not_before\":%lld",
                         (long long)(now + rows[i].not_before));
        if (rows[i].tokens_until)
            n += snprintf(text + n, sizeof text - (size_t)n, ",\"tokens_until\":%lld",
                          (long long)(now + rows[i].tokens_until));
        n += snprintf(text + n, sizeof text - (size_t)n, "}\n");
        struct users *u = open_with((struct slice){ text, (size_t)n });
        check(u && not_before(u, "ann") == (rows[i].expected ? now + rows[i].not_before : 0), "%s: %s", rows[i].why,
              said);
        users_close(u);
    }
}

/* A token that expires later than the server's own. */
static void test_noted(void) {
    struct users *u = open_with(SLICE(ANN "\n" BOB "\n"));
    int64_t until = time(NULL) + 9 * TTL;
    check(users_note_token(u, SLICE("ann"), until) == USERS_OK && last_line(u).user.tokens_until == until &&
              last_line(u).user.not_before == 0 && has(u, "ann", "h1") && not_before(u, "ann") == 0,
          "noted, and nothing revoked");
    size_t len = read_file(path).len;
    check(users_note_token(u, SLICE("ann"), until - 1) == USERS_OK && read_file(path).len == len,
          "one that expires earlier needs no line");
    check(users_note_token(u, SLICE("cyd"), until) == USERS_NOT_FOUND && read_file(path).len == len, "nobody's");
    check(revoke_tokens(u, "ann", "h5") == USERS_OK && last_line(u).user.tokens_until == until &&
              users_not_before(u, SLICE("ann"), until) == not_before(u, "ann") &&
              users_not_before(u, SLICE("ann"), until + 3660) == 0,
          "revoked for as long as it lasts");
    check(delete (u, "ann") == USERS_OK && users_note_token(u, SLICE("ann"), until + 9) == USERS_NOT_FOUND, "deleted");
    users_close(u);
}

/* Another process holds the file: it is not waited for. What has been damaged, or replaced, changes nothing that was
 * revoked. */
static void test_refresh(void) {
    struct users *u = open_with(SLICE(ANN "\n"));
    int fd = open(path, O_WRONLY | O_APPEND);
    static const char line[] = "{\"username\":\"ann\",\"password\":\"h1\",\"not_before\":4000000000}\n";
    check(users_refresh(u) == 0, "nothing new");
    if (fd < 0 || flock(fd, LOCK_EX) != 0 || write(fd, line, sizeof line - 1) < 0) fatal(path);
    check(users_refresh(u) == -1 && not_before(u, "ann") == 0, "it is being written");
    flock(fd, LOCK_UN);
    check(users_refresh(u) == 0 && not_before(u, "ann") == 4000000000, "it is written");
    for (int i = 0; i < 4; i++) { /* whoever writes what is said beside the accounts must not hear of it for ever */
        if (i % 2 == 0 && write(fd, "nonsense\n", 9) != 9) fatal(path);
        listen_begin();
        int refreshed = users_refresh(u);
        listen_end();
        check(refreshed == 0 && not_before(u, "ann") == 4000000000 &&
                  (i % 2 == 0 ? strstr(said, "line 3 ") != NULL : !*said),
              "nonsense is told once: %s", said);
    }
    close(fd);
    replace(SLICE(ANN "\n" BOB "\n"));
    check(users_refresh(u) == 0 && has(u, "bob", "h2") && not_before(u, "ann") == 4000000000 &&
              read_user(u, "ann").not_before == 4000000000,
          "an older file put in its place brings no token back");
    unlink(path);
    check(users_refresh(u) == 0 && not_before(u, "ann") == 4000000000, "no file at all");
    users_close(u);
}

/* For want of a descriptor another file can't be read: that says nothing of the file, and is tried again. */
static void test_refresh_again(void) {
    struct users *u = open_with(SLICE(ANN "\n"));
    struct rlimit limit;
    int refreshed = -1;
    replace(SLICE("{\"username\":\"ann\",\"password\":\"h1\",\"not_before\":4000000000}\n"));
    getrlimit(RLIMIT_NOFILE, &limit);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 3, limit.rlim_max });
    listen_begin();
    check(users_refresh(u) == -1 && users_refresh(u) == -1 && not_before(u, "ann") == 0, "no descriptor");
    setrlimit(RLIMIT_NOFILE, &limit);
    listen_end();
    check(strstr(said, strerror(EMFILE)) != NULL, "no descriptor: %s", said);
    for (int i = 0; refreshed != 0 && i < 300; i++) {
        usleep(10 * 1000);
        refreshed = users_refresh(u);
    }
    check(refreshed == 0 && not_before(u, "ann") == 4000000000, "a descriptor again: it is read");
    users_close(u);
}

/* As above: of a file with deleted accounts a prefix is its whole lines, and no bit of it changes unseen. */
static void test_deleted_damage(void) {
    static const struct slice whole = S(ANN "\n" BOB "\n" NO_ANN "\n" CYD "\n");
    static const size_t ends[] = { sizeof ANN - 1, sizeof ANN "\n" BOB - 1, sizeof ANN "\n" BOB "\n" NO_ANN - 1,
                                   sizeof ANN "\n" BOB "\n" NO_ANN "\n" CYD - 1 };
    static const char *const expected[] = { "", "ann ", "ann bob ", "bob ", "bob cyd " };
    char bytes[512];
    size_t wrong = 0, unseen = 0;
    for (size_t cut = 0; cut <= whole.len; cut++) {
        size_t n = 0;
        while (n < 4 && ends[n] <= cut) n++;
        struct users *u = open_with((struct slice){ whole.at, cut });
        wrong += !u || !lists(u, expected[n]) || !file_is(path, (struct slice){ whole.at, n ? ends[n - 1] + 1 : 0 });
        if (u) users_close(u);
    }
    for (size_t bit = 0; bit < 8 * whole.len; bit++) {
        memcpy(bytes, whole.at, whole.len);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        struct users *u = open_with((struct slice){ bytes, whole.len });
        unseen += u ? !lists(u, "bob cyd ") : !file_is(path, (struct slice){ bytes, whole.len });
        if (u) users_close(u);
    }
    check(wrong == 0, "%zu of %zu prefixes with a deleted account are not their whole lines", wrong, whole.len + 1);
    check(unseen == 0, "one bit of %zu flipped: %zu times unseen", 8 * whole.len, unseen);
}

/* ---- two owners of one file ------------------------------------------- */

/* The very first account: of two owners of a file, of which neither has seen what the other did. */
static void test_first(void) {
    struct users *u = open_empty(), *v = open_users(path);
    struct user user = user_of(slice_of("hash"));
    check(!users_any(u) && !users_any(v), "first: there is none");
    check(users_store_first(u, slice_of("one"), &user) == USERS_OK, "first: stored");
    check(users_store_first(v, slice_of("two"), &user) == USERS_CHANGED, "first: another's was first");
    check(users_store_first(v, slice_of("one"), &user) == USERS_CHANGED, "first: with the same name");
    check(users_any(u) && users_any(v) && has(v, "one", "hash") && lacks(u, "two"), "first: there is that one");
    check(users_store(u, slice_of("one"), &user, NULL) == USERS_OK && lacks(v, "one"), "first: it is deleted");
    check(users_any(v) && users_store_first(v, slice_of("one"), &user) == USERS_CHANGED, "first: and was one, though");
    check(users_store(v, slice_of("two"), NULL, &user) == USERS_OK, "first: any other may come");
    users_close(u);
    users_close(v);
    u = open_with(slice_of("{\"username\":\"one\",\"deleted\":true}\n"));
    check(u != NULL && users_any(u) && users_store_first(u, slice_of("two"), &user) == USERS_CHANGED,
          "first: in a file where one was deleted");
    users_close(u);
}

static void test_two_owners(void) {
    struct users *a = open_empty(), *b = open_users(path);
    struct user seen;
    check(lacks(b, "ann") && add(a, "ann", "h1") == USERS_OK && has(b, "ann", "h1"), "what one adds the other finds");
    check(add(b, "ann", "h9") == USERS_EXISTS, "a name that the other took");
    check(add(a, "bob", "h2") == USERS_OK && add(b, "bob", "h9") == USERS_EXISTS && has(b, "bob", "h2"),
          "a name that the other took, not looked for before");
    check(add(b, "cyd", "h3") == USERS_OK && add(a, "dan", "h4") == USERS_OK && has(a, "cyd", "h3") &&
              has(b, "dan", "h4"),
          "in turns");
    seen = read_user(a, "ann");
    check(update(b, "ann", &seen, "h5") == USERS_OK && has(a, "ann", "h5") && has(b, "ann", "h5"),
          "what one updates the other sees");
    check(update(a, "ann", &seen, "h6") == USERS_CHANGED && has(a, "ann", "h5"), "read before the other's update");
    seen = read_user(a, "ann");
    check(update(a, "ann", &seen, "h7") == USERS_OK && has(b, "ann", "h7"), "read after it");
    users_close(a);
    check(add(b, "eve", "h8") == USERS_OK && has(b, "ann", "h7"), "one closes, the other goes on");
    users_close(b);
}

struct turn {
    struct users *users;
    enum users_result result;
};

static void *add_in_turn(void *argument) {
    struct turn *turn = argument;
    turn->result = users_add(turn->users, SLICE("ann"), SLICE("h9"));
    return NULL;
}

/* Another process holds the file's lock, and has the name before it lets go. */
static void test_turns(void) {
    struct turn turn = { .users = open_with(SLICE(BOB "\n")) };
    struct timespec until;
    pthread_t thread;
    int fd = open(path, O_WRONLY | O_APPEND);
    if (fd < 0 || flock(fd, LOCK_EX) != 0 || pthread_create(&thread, NULL, add_in_turn, &turn) != 0) fatal(path);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 100 * 1000 * 1000; /* in which an add that does not wait would be done */
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    int joined = pthread_timedjoin_np(thread, NULL, &until);
    check(joined == ETIMEDOUT, "an add waits until the other process has let go");
    if (write(fd, ANN "\n", sizeof ANN) != sizeof ANN || flock(fd, LOCK_UN) != 0) fatal(path);
    close(fd);
    if (joined == ETIMEDOUT) pthread_join(thread, NULL);
    check(turn.result == USERS_EXISTS && has(turn.users, "ann", "h1"), "and sees what that one wrote");
    check(file_is(path, SLICE(BOB "\n" ANN "\n")), "the file afterwards");
    users_close(turn.users);
}

/* ---- the file changes while it is open -------------------------------- */

static void append_file(struct slice bytes) {
    int fd = open(path, O_WRONLY | O_APPEND);
    if (fd < 0 || write(fd, bytes.at, bytes.len) != (ssize_t)bytes.len) fatal(path);
    close(fd);
}

static void replace(struct slice bytes) {
    write_file(other, bytes);
    if (rename(other, path) != 0) fatal(path);
}

static void test_appended(void) {
    struct users *u = open_with(SLICE(ANN "\n"));
    append_file(SLICE(BOB "\n" EVE "\n"));
    check(has(u, "bob", "h2") && has(u, "eve", "h4") && has(u, "ann", "h1"), "lines appended by hand");
    append_file(SLICE("{\"username\":\"ann\",\"password\":\"new\"}\n"));
    check(has(u, "ann", "new"), "a password changed by hand");
    append_file(SLICE("{\"username\":\"cyd\",\"passw"));
    check(add(u, "dan", "h4") == USERS_OK && *said, "a torn line that another process left is cut off: %s", said);
    check(has(u, "dan", "h4") && lacks(u, "cyd"), "what comes behind it");
    struct users *again = open_users(path);
    check(again && !*said && has(again, "dan", "h4"), "and the file is sound: %s", said);
    if (again) users_close(again);

    struct slice before = read_file(path);
    append_file(SLICE(CYD "\nnonsense\n"));
    check(add(u, "zoe", "h9") == USERS_UNAVAILABLE && strstr(said, "line 7 "), "a bad line appended: no add: %s", said);
    listen_begin();
    bool goes_on = has(u, "dan", "h4") && has(u, "ann", "new") && has(u, "cyd", "h3");
    listen_end();
    check(goes_on, "a bad line appended: who stands before it is known");
    check(read_file(path).len == before.len + sizeof CYD + 9, "a bad line appended: left alone");
    check(truncate(path, (off_t)(before.len + sizeof CYD)) == 0 && add(u, "zoe", "h9") == USERS_OK &&
              has(u, "zoe", "h9"),
          "the bad line removed: it goes on");
    users_close(u);
}

static void test_replaced(void) {
    struct users *u = open_with(SLICE(ANN "\n" BOB "\n"));
    replace(SLICE(CYD "\n" EVE "\n"));
    check(has(u, "eve", "h4") && lacks(u, "ann"), "replaced: find");
    replace(SLICE(ANN "\n"));
    check(add(u, "ann", "h9") == USERS_EXISTS && add(u, "bob", "h2") == USERS_OK, "replaced: add");
    check(file_is(path, SLICE(ANN "\n" BOB "\n")), "replaced: the line is in the new file");
    replace(SLICE(BOB "\n" ANN "\n"));
    struct user seen = read_user(u, "ann");
    replace(SLICE(BOB "\n" CYD "\n"));
    check(update(u, "ann", &seen, "h9") == USERS_NOT_FOUND, "replaced: update of who is gone");

    replace(SLICE("{\"username\":\"ann\",\"password\":\"old\"}\n"));
    seen = read_user(u, "ann");
    replace(SLICE("{\"username\":\"ann\",\"password\":\"new\"}\n"));
    check(update(u, "ann", &seen, "h9") == USERS_CHANGED && has(u, "ann", "new"),
          "replaced: an update of what stood at the same place in the old file");

    replace(SLICE("nonsense\n"));
    listen_begin();
    bool goes_on = has(u, "ann", "new") || has(u, "ann", "h9");
    listen_end();
    check(goes_on && strstr(said, "line 1 "), "replaced by nonsense: who was known before still is: %s", said);
    check(add(u, "zoe", "h8") == USERS_UNAVAILABLE && file_is(path, SLICE("nonsense\n")),
          "replaced by nonsense: nothing is added to it");
    replace(SLICE(ANN "\n" CYD));
    check(has(u, "cyd", "h3") && add(u, "bob", "h2") == USERS_OK && file_is(path, SLICE(ANN "\n" CYD "\n" BOB "\n")),
          "replaced by a sound one again");
    users_close(u);
}

/* Written anew in place, as cp and some editors do it: other lines where those stood that are known. What is seen half
 * way is left alone by who only reads, since the rest is still to come. */
static void test_rewritten(void) {
    static const struct slice whole = S(CYD "\n" ANN "\n" BOB "\n" EVE "\n"), longer = S(EVE "\n" ANN "\n" CYD "\n" BOB "\n");
    const size_t half = sizeof CYD + 9;
    struct users *u = open_with(SLICE(ANN "\n" BOB "\n"));
    write_file(path, (struct slice){ whole.at, half });
    check(has(u, "cyd", "h3") && lacks(u, "ann"), "half rewritten: find");
    check(file_is(path, (struct slice){ whole.at, half }), "half rewritten: what stands there is left alone");
    int fd = open(path, O_WRONLY);
    if (fd < 0 || pwrite(fd, whole.at + half, whole.len - half, (off_t)half) < 0) fatal(path);
    close(fd);
    listen_begin();
    bool known = has(u, "cyd", "h3") && has(u, "ann", "h1") && has(u, "bob", "h2") && has(u, "eve", "h4");
    listen_end();
    check(known && !*said, "rewritten: all are there: %s", said);
    users_close(u);

    u = open_with(SLICE(ANN "\n" BOB "\n"));
    write_file(path, longer);
    listen_begin();
    known = has(u, "eve", "h4") && has(u, "ann", "h1") && has(u, "bob", "h2") && has(u, "cyd", "h3");
    listen_end();
    check(known && !*said, "rewritten, and longer than it was: %s", said);
    usleep(20 * 1000); /* a file's times have the steps of the kernel's clock */
    write_file(path, SLICE("{\"username\":\"zoe\",\"password\":\"h4\"}\n" ANN "\n" BOB "\n" CYD "\n"));
    check(has(u, "zoe", "h4") && lacks(u, "eve") && has(u, "cyd", "h3"), "rewritten, and as long as it was");
    write_file(path, SLICE(ANN "\n" CYD "\n" EVE "\n" BOB "\n"));
    check(add(u, "ann", "h9") == USERS_EXISTS && add(u, "dan", "h8") == USERS_OK && has(u, "dan", "h8"),
          "rewritten, and as long as it was: add: %s", said);
    users_close(u);

    u = open_with(SLICE("{\"username\":\"ann\",\"password\":\"h1\",\"not_before\":4000000000}\n" CYD "\n" BOB "\n"));
    usleep(20 * 1000);
    write_file(path, SLICE("{\"username\":\"dan\",\"password\":\"h8\",\"not_before\":4000000009}\n" CYD "\n" BOB "\n"));
    check(users_refresh(u) == 0 && not_before(u, "dan") == 4000000009 && has(u, "dan", "h8") && lacks(u, "ann"),
          "rewritten, but for the last lines: %s", said);
    users_close(u);
}

/* A link that leads to another directory than it did, as a deployment turns it over; the old one has gone. */
static void test_link_turned(void) {
    char one[100], two[100], file[120];
    snprintf(one, sizeof one, "%s/one", dir);
    snprintf(two, sizeof two, "%s/two", dir);
    unlink(path);
    if (mkdir(one, 0700) != 0 || mkdir(two, 0700) != 0) fatal(dir);
    snprintf(file, sizeof file, "%s/users", one);
    write_file(file, SLICE(ANN "\n"));
    if (symlink(file, path) != 0) fatal(path);
    struct users *u = open_users(path);
    unlink(file);
    rmdir(one);
    snprintf(file, sizeof file, "%s/users", two);
    write_file(file, SLICE(BOB "\n"));
    unlink(path);
    if (symlink(file, path) != 0) fatal(path);
    listen_begin();
    bool known = has(u, "bob", "h2");
    listen_end();
    check(known && lacks(u, "ann"), "the link turned: %s", said);
    users_close(u);
    unlink(path);
    unlink(file);
    rmdir(two);
}

static void (*at_unlock)(void); /* what somebody does just before, as below */

int flock(int fd, int operation) {
    if (operation == LOCK_UN && at_unlock) at_unlock();
    return (int)syscall(SYS_flock, fd, operation);
}

static void remove_file(void) { unlink(path); }

/* It is replaced, and gone again when it is to be read: no empty file comes into its place, in which nobody is. */
static void test_replaced_and_removed(void) {
    struct users *u = open_with(SLICE(ANN "\n"));
    replace(SLICE(BOB "\n"));
    at_unlock = remove_file;
    listen_begin();
    bool goes_on = has(u, "ann", "h1");
    listen_end();
    at_unlock = NULL;
    check(goes_on && access(path, F_OK) != 0, "replaced and removed: who was known still is: %s", said);
    users_close(u);
}

static void test_removed(void) {
    struct users *u = open_with(SLICE(ANN "\n"));
    rename(path, other);
    check(has(u, "ann", "h1"), "removed: who was known still is");
    check(add(u, "bob", "h2") == USERS_UNAVAILABLE && *said, "removed: no add, and said so");
    struct user seen = read_user(u, "ann");
    check(update(u, "ann", &seen, "h9") == USERS_UNAVAILABLE, "removed: no update");
    check(access(path, F_OK) != 0 && file_is(other, SLICE(ANN "\n")), "removed: nothing is written anywhere");
    rename(other, path);
    check(add(u, "bob", "h2") == USERS_OK && file_is(path, SLICE(ANN "\n" BOB "\n")), "put back: it goes on");
    check(truncate(path, 0) == 0 && lacks(u, "ann"), "truncated: find");
    check(add(u, "bob", "h2") == USERS_OK && file_is(path, SLICE(BOB "\n")), "truncated: add");
    check(truncate(path, 0) == 0 && add(u, "ann", "h1") == USERS_OK && lacks(u, "bob"), "truncated: add, at once");
    users_close(u);
}

/* ---- no room ---------------------------------------------------------- */

/* The disk is full after any number of the line's bytes (RLIMIT_FSIZE: a
 * write stops there): no account, no trace of one, and no end of it. */
static void test_no_room(void) {
    struct users *u = open_with(SLICE(ANN "\n" BOB "\n"));
    struct rlimit limit, low;
    struct user seen = read_user(u, "ann");
    size_t wrong = 0;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    for (size_t room = 0; room < sizeof CYD "\n" - 1; room++) {
        low = (struct rlimit){ sizeof ANN "\n" BOB "\n" - 1 + room, limit.rlim_max };
        setrlimit(RLIMIT_FSIZE, &low);
        enum users_result result = add(u, "cyd", "h3");
        wrong += result != USERS_UNAVAILABLE || !*said || !file_is(path, SLICE(ANN "\n" BOB "\n")) || !lacks(u, "cyd");
        result = update(u, "ann", &seen, "h9"); /* a line of the same length */
        wrong += result != USERS_UNAVAILABLE || !has(u, "ann", "h1");
    }
    setrlimit(RLIMIT_FSIZE, &limit);
    check(wrong == 0, "no room: %zu times not as if nothing had been", wrong);
    users_close(u);
    u = open_with(SLICE(ANN "\n" BOB "\n"));
    low = (struct rlimit){ sizeof ANN "\n" BOB "\n" + 9, limit.rlim_max };
    setrlimit(RLIMIT_FSIZE, &low);
    check(add(u, "cyd", "h3") == USERS_UNAVAILABLE, "room for ten bytes");
    setrlimit(RLIMIT_FSIZE, &limit);
    check(add(u, "cyd", "h3") == USERS_OK && has(u, "cyd", "h3") && file_is(path, three), "room again: it goes on");
    users_close(u);
}

/* ---- what the disk refuses -------------------------------------------- */

/* Calls that fail, linked before libc's. */
static bool no_fdatasync, no_fsync, no_ftruncate, no_fchown, no_fchmod;
static int no_rename; /* the error */
static void (*at_fsync)(void), (*at_rename)(void); /* what somebody does just before */

static int refused(void) {
    errno = EIO;
    return -1;
}

int fdatasync(int fd) { return no_fdatasync ? refused() : (int)syscall(SYS_fdatasync, fd); }
int fsync(int fd) {
    if (at_fsync) at_fsync();
    return no_fsync ? refused() : (int)syscall(SYS_fsync, fd);
}
int ftruncate(int fd, off_t length) {
    return no_ftruncate && fd != said_fd ? refused() : (int)syscall(SYS_ftruncate, fd, (long)length);
}

int fchown(int fd, uid_t uid, gid_t gid) {
    return no_fchown ? refused() : fchownat(fd, "", uid, gid, AT_EMPTY_PATH);
}
int fchmod(int fd, mode_t mode) { return no_fchmod ? refused() : (int)syscall(SYS_fchmod, fd, mode); }
int rename(const char *from, const char *to) {
    if (at_rename) at_rename();
    if (no_rename == 0) return renameat(AT_FDCWD, from, AT_FDCWD, to);
    errno = no_rename;
    return -1;
}

/* fdatasync fails: not acknowledged, and nothing more is until a restart; who was known before goes on. */
static void test_no_sync(void) {
    struct users *u = open_with(SLICE(ANN "\n"));
    struct user seen = read_user(u, "ann");
    check(users_fault(u) == NULL, "nothing is wrong yet");
    no_fdatasync = true;
    check(add(u, "bob", "h2") == USERS_UNAVAILABLE && strstr(said, "until a restart"), "no fdatasync: %s", said);
    check(users_fault(u) != NULL && users_count(u) == 1, "no fdatasync: it says so");
    check(file_is(path, SLICE(ANN "\n")) && lacks(u, "bob"), "no fdatasync: no trace of it");
    no_fdatasync = false;
    check(add(u, "bob", "h2") == USERS_UNAVAILABLE && update(u, "ann", &seen, "h9") == USERS_UNAVAILABLE,
          "no fdatasync once: the next is not believed");
    check(has(u, "ann", "h1") && file_is(path, SLICE(ANN "\n")), "no fdatasync: who was known still is");
    users_close(u);
    u = open_users(path);
    check(u && users_fault(u) == NULL && add(u, "bob", "h2") == USERS_OK, "no fdatasync: a restart goes on");
    no_fdatasync = no_ftruncate = true;
    check(add(u, "cyd", "h3") == USERS_UNAVAILABLE && strstr(said, "was not acknowledged"), "nor ftruncate: %s", said);
    users_close(u);
    check(file_is(path, three), "nor ftruncate: the line stands there");
    check(open_users(path) == NULL && strstr(said, path), "no start without fdatasync: %s", said);
    no_fdatasync = no_ftruncate = false;
}

/* A new file's first account needs its directory on the disk, too. */
static void test_no_directory_sync(void) {
    struct users *u = open_empty();
    no_fsync = true;
    check(add(u, "ann", "h1") == USERS_UNAVAILABLE && strstr(said, "directory"), "no fsync: %s", said);
    check(file_is(path, SLICE("")) && lacks(u, "ann"), "no fsync: nothing is written");
    no_fsync = false;
    check(add(u, "ann", "h1") == USERS_OK, "fsync again: it goes on");
    no_fsync = true;
    check(add(u, "bob", "h2") == USERS_OK, "the second account needs no directory");
    no_fsync = false;
    users_close(u);
}

/* A torn line that can not be cut off: no start, and no change. */
static void test_no_truncate(void) {
    bool *const refusals[] = { &no_ftruncate, &no_fdatasync };
    for (int i = 0; i < 2; i++) {
        *refusals[i] = true;
        check(open_with(SLICE(ANN "\n{\"userna")) == NULL && strstr(said, "mended"), "no mending: %s", said);
        *refusals[i] = false;
    }
    struct users *u = open_with(SLICE(ANN "\n"));
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){ sizeof ANN "\n" + 9, limit.rlim_max });
    no_ftruncate = true;
    check(add(u, "bob", "h2") == USERS_UNAVAILABLE && *said, "a part that stays");
    no_ftruncate = false;
    setrlimit(RLIMIT_FSIZE, &limit);
    check(read_file(path).len == sizeof ANN "\n" + 9 && lacks(u, "bob"), "ten bytes of it, and nobody");
    check(add(u, "bob", "h2") == USERS_OK && file_is(path, SLICE(ANN "\n" BOB "\n")), "the next one cuts it off");
    users_close(u);
}

/* ---- compaction -------------------------------------------------------- */

#define OLD "{\"username\":\"ann\",\"password\":\"old\"}\n" /* each of these is ann's */
#define STALE OLD OLD BOB "\n" OLD ANN "\n"
#define FRESH BOB "\n" ANN "\n"

static const struct {
    const char *why;
    struct slice bytes, after;
    const char *list;
} compacted[] = {
    { "nothing", S(""), UNCHANGED, "" },
    { "all count", S(ANN "\n" BOB "\n"), UNCHANGED, "ann bob " },
    { "half of them count", S(OLD ANN "\n"), UNCHANGED, "ann " },
    { "half of them, one is deleted", S(ANN "\n" NO_ANN "\n" BOB "\n" CYD "\n"), UNCHANGED, "bob cyd " },
    { "one of three", S(OLD OLD ANN "\n"), S(ANN "\n"), "ann " },
    { "in the order stored last", S(STALE), S(FRESH), "bob ann " },
    { "byte for byte", S(OLD BOB "\n" OLD OLD " {\"password\" : \"h1\", \"username\":\"\\u0061nn\"}\r\n"),
      S(BOB "\n {\"password\" : \"h1\", \"username\":\"\\u0061nn\"}\r\n"), "bob ann " },
    { "the last without its LF", S(OLD OLD ANN), S(ANN "\n"), "ann " },
    { "a torn line behind", S(OLD OLD ANN "\n{\"usern"), S(ANN "\n"), "ann " },
    { "a deleted account", S(ANN "\n" NO_ANN "\n" BOB "\n"), S(BOB "\n"), "bob " },
    { "none is left: but there was one", S(ANN "\n" NO_ANN "\n"), UNCHANGED, "" },
    { "deleted before it ever was", S(NO_ANN "\n"), UNCHANGED, "" },
    { "deleted, and there again", S(OLD NO_ANN "\n" ANN "\n"), S(ANN "\n"), "ann " },
    { "the same, half of them", S(OLD NO_ANN "\n" ANN "\n" BOB "\n"), UNCHANGED, "ann bob " },
    { "deleted twice", S(OLD NO_ANN "\n" BOB "\n" NO_ANN "\n" CYD "\n"), S(BOB "\n" CYD "\n"), "bob cyd " },
};

static char leftover[100]; /* what a compaction that was killed leaves behind */

static int compact_users(struct users *u) {
    listen_begin();
    int result = users_compact(u);
    listen_end();
    return result;
}

static ino_t inode_of(const char *name) {
    struct stat st;
    return stat(name, &st) == 0 ? st.st_ino : 0;
}

static void test_compaction(void) {
    for (size_t i = 0; i < sizeof compacted / sizeof *compacted; i++) {
        const char *why = compacted[i].why;
        bool due = compacted[i].after.at != NULL;
        struct slice after = due ? compacted[i].after : compacted[i].bytes;
        struct users *u = open_with(compacted[i].bytes);
        write_file(leftover, SLICE("{"));
        check(u && lists(u, compacted[i].list) && compact_users(u) == 0 && lists(u, compacted[i].list),
              "%s: the same accounts, before and after: %s", why, said);
        check((strstr(said, "compacted from") != NULL) == due && (due || !*said), "%s: said only then: %s", why, said);
        check(file_is(path, after) && access(leftover, F_OK) != 0, "%s: the file, and none beside it", why);
        check(add(u, "zoe", "h8") == USERS_OK && has(u, "zoe", "h8"), "%s: then an account more", why);
        users_close(u);
        u = open_users(path);
        check(u && !*said && has(u, "zoe", "h8"), "%s: and opened anew: %s", why, said);
        if (u) users_close(u);
        struct slice now = read_file(path);
        check(now.len > after.len && memcmp(now.at, after.at, after.len) == 0, "%s: the line is appended to it", why);
    }
}

/* A deleted account is left out once nothing that it revoked could count. */
static void test_compacted_times(void) {
    const int64_t now = time(NULL);
    char text[512];
    for (int old = 0; old < 2; old++) {
        int64_t from = old ? now - TTL - 3700 : now - 5;
        int n = snprintf(text, sizeof text,
                         ANN "\n" ANN "\n" ANN "\n" ANN "\n" ANN "\n"
                             "{\"username\":\"bob\",\"deleted\":true,\"not_before\":%lld}\n",
                         (long long)from);
        struct users *u = open_with((struct slice){ text, (size_t)n });
        check(compact_users(u) == 0 && strstr(said, old ? "from 6 lines to 1" : "from 6 lines to 2"), "%d: %s", old,
              said);
        users_close(u);
        u = open_users(path);
        check(u && not_before(u, "bob") == (old ? 0 : from) && add(u, "bob", "h2") == USERS_OK &&
                  last_line(u).user.not_before == (old ? 0 : from),
              "%d: what was revoked is remembered, or not: %s", old, said);
        users_close(u);
    }
}

/* More than is read or written at once. */
static void test_large_compaction(void) {
    enum { MANY = 5000, TIMES = 3 };
    char name[16], hash[16];
    FILE *file = fopen(path, "w");
    for (int i = 0; file && i < TIMES * MANY; i++)
        fprintf(file, "{\"username\":\"user%d\",\"password\":\"h%d\"}\n", i % MANY, i);
    if (file == NULL || fclose(file) != 0) fatal(path);
    struct users *u = open_users(path);
    check(compact_users(u) == 0 && strstr(said, "from 15000 lines to 5000"), "15000 lines: %s", said);
    int wrong = 0;
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "user%d", i);
        snprintf(hash, sizeof hash, "h%d", (TIMES - 1) * MANY + i);
        wrong += !has(u, name, hash);
    }
    check(wrong == 0, "%d of %d are not as they were", wrong, MANY);
    users_close(u);
}

static void test_compacted_mode(void) {
    struct stat st;
    struct users *u = open_with(SLICE(STALE));
    ino_t before = inode_of(path);
    uid_t owner = geteuid() == 0 ? NOBODY : geteuid();
    if (chmod(path, 0640) != 0 || (geteuid() == 0 && chown(path, owner, 7) != 0)) fatal(path);
    check(compact_users(u) == 0 && file_is(path, SLICE(FRESH)) && inode_of(path) != before, "another file: %s", said);
    check(stat(path, &st) == 0 && (st.st_mode & 07777) == 0640 && st.st_uid == owner &&
              (owner != NOBODY || st.st_gid == 7),
          "its mode %o, its owner %u", (unsigned)st.st_mode, (unsigned)st.st_uid);
    users_close(u);
    unlink(path);
}

/* The old file stays, as it is, and goes on. */
static void not_compacted(const char *why, struct users *u, const char *expected) {
    ino_t before = inode_of(path);
    int result = compact_users(u);
    no_fsync = no_fchown = no_fchmod = false;
    no_rename = 0;
    at_fsync = NULL;
    check(result == 0 && strstr(said, "is not compacted: ") && strstr(said, expected) &&
              strchr(said, '\n') == said + strlen(said) - 1,
          "%s: one line says why: %s", why, said);
    check(file_is(path, SLICE(STALE)) && inode_of(path) == before && access(leftover, F_OK) != 0,
          "%s: the file is as it was", why);
    check(has(u, "ann", "h1") && add(u, "zoe", "h8") == USERS_OK && has(u, "zoe", "h8"), "%s: it goes on", why);
    users_close(u);
    u = open_users(path);
    check(u && !*said && lists(u, "bob ann zoe "), "%s: and opened anew: %s", why, said);
    if (u) users_close(u);
}

static struct users *open_stale(void) { return open_with(SLICE(STALE)); }

static void open_once(void) {
    int fd = open(path, O_RDONLY | O_NONBLOCK); /* else it would wait */
    if (fd >= 0) fatal("the file is not leased");
}

static void test_not_compacted(void) {
    static const int errors[] = { EBUSY, EXDEV, EPERM, EROFS, ENOSPC };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        struct users *u = open_stale();
        no_rename = errors[i];
        not_compacted("no rename", u, strerror(errors[i]));
    }
    bool *const refusals[] = { &no_fsync, &no_fchown, &no_fchmod };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct users *u = open_stale();
        *refusals[i] = true;
        not_compacted("a call fails", u, strerror(EIO));
    }
    struct users *u = open_stale(), *other_owner = open_users(path);
    not_compacted("open twice", u, "another process has it open");
    users_close(other_owner);
    u = open_stale();
    int fd = open(path, O_RDONLY);
    not_compacted("somebody reads it", u, "another process has it open");
    close(fd);
    u = open_stale();
    at_fsync = open_once;
    not_compacted("somebody opens it meanwhile", u, "another process has it open");
    u = open_stale();
    if (mkdir(leftover, 0700) != 0) fatal(leftover);
    check(compact_users(u) == 0 && strstr(said, strerror(EEXIST)) && rmdir(leftover) == 0 &&
              file_is(path, SLICE(STALE)),
          "a directory of that name: %s", said);
    users_close(u);
    if (link(path, other) != 0 || unlink(path) != 0 || symlink(other, path) != 0) fatal(path);
    u = open_users(path);
    check(compact_users(u) == 0 && strstr(said, "link") && file_is(other, SLICE(STALE)) &&
              readlink(path, said, sizeof said) > 0,
          "a link stays one");
    users_close(u);
    unlink(path);
    unlink(other);
}

/* A new file whose name may not be on the disk yet: nothing is acknowledged in it. */
static void fail_from_now(void) { no_fsync = true; }

static void test_renamed_not_synced(void) {
    struct users *u = open_stale();
    at_rename = fail_from_now;
    check(compact_users(u) != 0 && strstr(said, "can't be synced"), "the directory is not synced: %s", said);
    at_rename = NULL;
    users_close(u);
    check(open_users(path) == NULL && strstr(said, "can't be synced"), "nor at the next start: %s", said);
    no_fsync = false;
    u = open_users(path);
    check(u && !*said && file_is(path, SLICE(FRESH)) && add(u, "zoe", "h8") == USERS_OK, "then: %s", said);
    users_close(u);
}

/* Somebody who opens the old file just before it is replaced gets it once that is done, and must not write to it. */
static pid_t late;

static void open_late(void) {
    int leased = 3;
    while (leased < 64 && fcntl(leased, F_GETLEASE) != F_WRLCK) leased++;
    late = fork();
    if (late == 0) {
        for (int fd = 3; fd < 64; fd++) close(fd); /* else it holds the lock itself */
        struct users *u = users_open(path, sha256_compress_portable, key, TTL);
        _exit(u == NULL || users_add(u, SLICE("zoe"), SLICE("h8")) != USERS_OK);
    }
    while (fcntl(leased, F_GETLEASE) == F_WRLCK) usleep(1000);
}

static void test_opened_late(void) {
    int status;
    struct users *u = open_stale();
    at_rename = open_late;
    check(compact_users(u) == 0, "compacted: %s", said);
    struct slice file = read_file(path); /* who was late may have written to it already */
    file.len = file.len < sizeof FRESH - 1 ? file.len : sizeof FRESH - 1;
    check(slice_equal(file, SLICE(FRESH)), "what is in it");
    at_rename = NULL;
    check(waitpid(late, &status, 0) == late && status == 0 && has(u, "zoe", "h8"), "who was late adds to the new file");
    users_close(u);
}

static void test_no_room_to_compact(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    for (size_t room = 0; room < sizeof FRESH - 1; room++) {
        struct users *u = open_stale();
        ino_t before = inode_of(path);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){ room, limit.rlim_max });
        int result = compact_users(u);
        setrlimit(RLIMIT_FSIZE, &limit);
        if (result != 0 || inode_of(path) != before || !file_is(path, SLICE(STALE)) || access(leftover, F_OK) == 0)
            check(false, "room for %zu bytes", room);
        users_close(u);
    }
}

/* ---- many at once ------------------------------------------------------ */

static enum users_result put(struct users *u, const char *name, const char *hash) {
    struct record r = { .name_len = strlen(name), .user = user_of(slice_of(hash)) };
    memcpy(r.name, name, r.name_len);
    return users_batch_put(u, &r);
}

static int end_batch(struct users *u, bool keep) {
    listen_begin();
    int result = users_batch_end(u, keep, NULL);
    listen_end();
    return result;
}

static void test_batch(void) {
    struct users *u = open_with(SLICE(ANN "\n")), *other_owner = open_users(path);
    char name[16];
    check(users_batch_begin(u) == 0 && put(u, "bob", "h2") == USERS_OK && put(u, "cyd", "h3") == USERS_OK, "a batch");
    check(put(u, "ann", "h1") == USERS_EXISTS && put(u, "bob", "h2") == USERS_EXISTS, "the same again");
    check(put(u, "ann", "h9") == USERS_CHANGED && put(u, "bob", "h9") == USERS_CHANGED, "with another hash");
    check(file_is(path, SLICE(ANN "\n")), "nothing is written before its end");
    check(end_batch(u, true) == 0 && file_is(path, three) && has(u, "bob", "h2") && has(other_owner, "cyd", "h3"),
          "it is there");
    check(delete (u, "bob") == USERS_OK && users_batch_begin(u) == 0 && put(u, "bob", "h5555") == USERS_OK &&
              put(u, "dan", "h4") == USERS_OK && end_batch(u, false) != 0 && !*said && lacks(u, "bob") &&
              lacks(u, "dan"),
          "a batch that is not kept: %s", said);
    check(lists(u, "ann cyd ") && add(other_owner, "dan", "h6") == USERS_OK &&
              add(other_owner, "eve", "h7") == USERS_OK && has(u, "dan", "h6"),
          "and others go on: no place of it is looked at");
    listen_begin();
    check(users_batch_begin(u) == 0 && put(u, "", "h1") == USERS_UNAVAILABLE && put(u, "e", "") == USERS_UNAVAILABLE &&
              end_batch(u, false) != 0,
          "what could not be read back");
    int wrong = users_batch_begin(u);
    for (int i = 0; i < 20000; i++) { /* more than the batch's first memory, and the index's */
        snprintf(name, sizeof name, "user%d", i);
        wrong += put(u, name, name) != USERS_OK;
    }
    for (int i = 0; i < 20000; i += 7) {
        snprintf(name, sizeof name, "user%d", i);
        wrong += put(u, name, name) != USERS_EXISTS;
    }
    wrong += end_batch(u, true);
    for (int i = 0; i < 20000; i += 7) {
        snprintf(name, sizeof name, "user%d", i);
        wrong += !has(u, name, name) || !has(other_owner, name, name);
    }
    check(wrong == 0, "a batch of 20000: %d wrong", wrong);
    users_close(u);
    users_close(other_owner);
}

static enum users_result put_times(struct users *u, const char *name, const char *hash, int64_t since, int64_t until) {
    struct record r = { .name_len = strlen(name), .user = user_of(slice_of(hash)) };
    memcpy(r.name, name, r.name_len);
    r.user.not_before = since;
    r.user.tokens_until = until;
    return users_batch_put(u, &r);
}

/* What was revoked elsewhere since is revoked here, whatever comes of it twice. */
static void test_batch_revoked(void) {
    struct users *u = open_with(SLICE(ANN "\n" BOB "\n")), *other_owner = open_users(path);
    int64_t now = time(NULL);
    check(users_batch_begin(u) == 0 && put_times(u, "ann", "h9", now, 0) == USERS_CHANGED &&
              put_times(u, "ann", "h1", now, 0) == USERS_OK && put_times(u, "ann", "h1", now, 0) == USERS_EXISTS &&
              put_times(u, "ann", "h1", now - 1, now + 9) == USERS_OK && put(u, "ann", "h1") == USERS_EXISTS &&
              put_times(u, "bob", "h2", 0, now + 5) == USERS_OK && end_batch(u, true) == 0,
          "later times are taken over");
    check(has(u, "ann", "h1") && read_user(u, "ann").not_before == now && read_user(u, "ann").tokens_until == now + 9 &&
              not_before(u, "ann") == now && lists(u, "ann bob "),
          "both of them");
    check(users_refresh(other_owner) == 0 && not_before(other_owner, "ann") == now, "and others know it");
    check(last_line(u).user.tokens_until == now + 5 && not_before(u, "bob") == 0, "a longer token, not revoked");
    struct slice before = read_file(path);
    check(users_batch_begin(u) == 0 && put_times(u, "ann", "h1", now, now + 9) == USERS_EXISTS &&
              put_times(u, "ann", "h1", now - 1, 0) == USERS_EXISTS && put(u, "bob", "h2") == USERS_EXISTS &&
              end_batch(u, true) == 0 && read_file(path).len == before.len,
          "what is no later is nothing new");
    users_close(u);
    users_close(other_owner);
}

/* None of it is there where the disk has room for a part, or does not sync. */
static void test_batch_refused(void) {
    struct users *u = open_with(SLICE(ANN "\n"));
    struct rlimit limit;
    size_t wrong = 0;
    getrlimit(RLIMIT_FSIZE, &limit);
    for (size_t room = sizeof ANN; room < sizeof ANN BOB CYD - 1; room++) {
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){ room, limit.rlim_max });
        wrong += users_batch_begin(u) != 0 || put(u, "bob", "h2") != USERS_OK || put(u, "cyd", "h3") != USERS_OK;
        wrong += end_batch(u, true) == 0 || !*said || !file_is(path, SLICE(ANN "\n")) || !lacks(u, "bob");
    }
    setrlimit(RLIMIT_FSIZE, &limit);
    check(wrong == 0, "a batch without room: %zu times not as if nothing had been", wrong);
    no_fdatasync = true;
    bool begun = users_batch_begin(u) == 0 && put(u, "bob", "h2") == USERS_OK;
    check(begun && end_batch(u, true) != 0 && *said && file_is(path, SLICE(ANN "\n")), "a batch that is not synced");
    listen_begin(); /* reading the file anew is not possible without a sync, either */
    bool right = lacks(u, "bob") && has(u, "ann", "h1");
    listen_end();
    check(right, "nobody of it is there, and who was known still is: %s", said);
    no_fdatasync = false;
    check(users_batch_begin(u) != 0, "nor is the next one believed");
    users_close(u);
}

/* A file of more lines than the index has places for (it has holes: it takes no room on the disk). */
static void test_too_many(void) {
    write_file(path, SLICE(ANN "\n"));
    if (truncate(path, (off_t)1 << 40) != 0) return; /* more than a file may have here */
    struct users *u = open_users(path);
    check(u == NULL && strstr(said, "no memory for 4886718346 accounts"), "a terabyte: %s", said);
}

/* ---- many ------------------------------------------------------------- */

static void test_many(void) {
    enum { MANY = 20000, AGAIN = 100, MORE = 1000 };
    char name[16], hash[16];
    FILE *file = fopen(path, "w");
    for (int i = 0; file && i < MANY; i++) fprintf(file, "{\"username\":\"user%d\",\"password\":\"h%d\"}\n", i, i);
    for (int i = 0; file && i < AGAIN; i++)
        fprintf(file, "{\"username\":\"user%d\",\"password\":\"new%d\"}\n", 7 * i, i);
    if (file == NULL || fclose(file) != 0) fatal(path);
    static const uint8_t other_key[16] = { 1 };
    struct users *u = open_users(path), *v = users_open(path, sha256_compress_portable, other_key, TTL);
    int wrong[2] = { 0 }, absent[2] = { 0 };
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "user%d", i);
        snprintf(hash, sizeof hash, i % 7 == 0 && i < 7 * AGAIN ? "new%d" : "h%d",
                 i % 7 == 0 && i < 7 * AGAIN ? i / 7 : i);
        wrong[0] += !has(u, name, hash);
        wrong[1] += !has(v, name, hash);
    }
    for (int i = MANY; i < MANY + 1000; i++) {
        snprintf(name, sizeof name, "user%d", i);
        absent[0] += !lacks(u, name);
        absent[1] += !lacks(v, name);
    }
    for (int which = 0; which < 2; which++)
        check(wrong[which] == 0 && absent[which] == 0, "%d accounts, key %d: %d wrong, %d found that are not there",
              MANY, which, wrong[which], absent[which]);
    users_close(v);
    users_close(u);

    u = open_empty();
    int failed = 0;
    for (int i = 0; i < MORE; i++) {
        snprintf(name, sizeof name, "user%d", i);
        failed += users_add(u, slice_of(name), slice_of(name)) != USERS_OK;
    }
    for (int i = 0; i < MORE; i++) {
        snprintf(name, sizeof name, "user%d", i);
        failed += !has(u, name, name);
    }
    check(failed == 0, "%d accounts added one by one: %d failed", MORE, failed);
    users_close(u);
}

/* ---- threads ---------------------------------------------------------- */

enum { THREADS = 8, TAKEN_NAMES = 50 };

static struct users *handles[2];
static pthread_barrier_t barrier;
static atomic_uint got[TAKEN_NAMES], not_ok;

/* Asks for one name after another, at the same time as all the others. */
static void *take_names(void *argument) {
    size_t thread = (size_t)(uintptr_t)argument;
    char name[16], hash[16];
    for (size_t i = 0; i < TAKEN_NAMES; i++) {
        struct user user;
        snprintf(name, sizeof name, "name%zu", i);
        snprintf(hash, sizeof hash, "thread%zu", thread);
        pthread_barrier_wait(&barrier);
        enum users_result result = users_add(handles[thread / 2 % 2], slice_of(name), slice_of(hash));
        if (result == USERS_OK)
            atomic_fetch_add(&got[i], 1);
        else if (result != USERS_EXISTS)
            atomic_fetch_add(&not_ok, 1);
        if (users_find(handles[thread % 2], slice_of(name), &user) != USERS_OK) atomic_fetch_add(&not_ok, 1);
    }
    return NULL;
}

static void test_threads(void) {
    pthread_t threads[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS);
    handles[0] = open_empty();
    handles[1] = open_users(path);
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, take_names, (void *)(uintptr_t)i) != 0) fatal("pthread_create");
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&barrier);
    unsigned once = 0;
    for (size_t i = 0; i < TAKEN_NAMES; i++) once += atomic_load(&got[i]) == 1;
    check(once == TAKEN_NAMES && atomic_load(&not_ok) == 0,
          "%d threads, two owners: %u of %d names taken once; %u errors", THREADS, once, TAKEN_NAMES,
          atomic_load(&not_ok));
    struct slice now = read_file(path);
    size_t lines = 0;
    for (size_t i = 0; i < now.len; i++) lines += now.at[i] == '\n';
    check(lines == TAKEN_NAMES, "%zu lines for %d names", lines, TAKEN_NAMES);
    users_close(handles[0]);
    users_close(handles[1]);
    struct users *u = open_users(path);
    check(u && !*said && found(u, SLICE("name0")) && found(u, SLICE("name49")), "the file is sound: %s", said);
    if (u) users_close(u);
}

/* As the shell gets it: what it might take for something else is a JSON string. */
static void test_written(void) {
    static const struct {
        struct slice name;
        const char *written;
    } rows[] = {
        { S("ann"), "ann" },           { S("\xc3\xbc b"), "\xc3\xbc b" },   { S("a\"b"), "a\"b" },
        { S(""), "\"\"" },             { S("\"a"), "\"\\\"a\"" },           { S("a\nb"), "\"a\\nb\"" },
        { S("a\0b"), "\"a\\u0000b\"" }, { S("\xc2\x9b"), "\"\\u009b\"" }, { S("\xff"), "\"\\ufffd\"" },
    };
    struct users *u = open_empty();
    char text[1024];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer b = { .at = text, .cap = sizeof text };
        users_put_name(&b, rows[i].name);
        check(slice_is((struct slice){ text, b.len }, rows[i].written), "%s: %.*s", rows[i].written, (int)b.len, text);
    }
    struct record ann = { "ann", 3, { "h1", 2, 0, 0 } };
    struct buffer b = { .at = text, .cap = sizeof text };
    users_put_line(&b, u, record_name(&ann), &ann.user);
    check(slice_is((struct slice){ text, b.len }, ANN "\n"), "a line: %.*s", (int)b.len, text);
    users_close(u);
}

int main(void) {
    alarm(300); /* it never takes that long, with a thread sanitizer on a busy machine neither */
    /* in memory, where possible: a disk's fdatasync would take the time */
    snprintf(dir, sizeof dir, "%s/jwtd-users-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(dir) == NULL) fatal(dir);
    snprintf(path, sizeof path, "%s/users.jsonl", dir);
    snprintf(other, sizeof other, "%s/other", dir);
    snprintf(leftover, sizeof leftover, "%s.compacting", path);
    char name[80];
    snprintf(name, sizeof name, "%s/said", dir);
    said_fd = open(name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    kept_fd = fcntl(2, F_DUPFD_CLOEXEC, 3);
    if (said_fd < 0 || kept_fd < 0) fatal(name);

    test_written();
    test_basics();
    test_lines();
    test_limits();
    test_names();
    test_taken();
    test_refused();
    test_parts();
    test_parts_alone();
    test_cannot_open();
    test_damage();
    test_prefixes();
    test_deleted();
    test_revoked();
    test_remembered();
    test_noted();
    test_refresh();
    test_refresh_again();
    test_deleted_damage();
    test_first();
    test_two_owners();
    test_turns();
    test_appended();
    test_replaced();
    test_rewritten();
    test_link_turned();
    test_replaced_and_removed();
    test_removed();
    test_no_room();
    test_no_sync();
    test_no_directory_sync();
    test_no_truncate();
    test_compaction();
    test_compacted_times();
    test_large_compaction();
    test_compacted_mode();
    test_not_compacted();
    test_renamed_not_synced();
    test_opened_late();
    test_no_room_to_compact();
    test_batch();
    test_batch_revoked();
    test_batch_refused();
    test_too_many();
    test_many();
    test_threads();

    unlink(path);
    unlink(other);
    unlink(name);
    if (rmdir(dir) != 0) check(false, "%s is not empty", dir);
    return test_end();
}
