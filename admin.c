/* admin.c - accounts from the shell, through users.c like every other process: a running server sees a change at
 * once.
 *
 * A password comes from the terminal, unseen and typed twice, or is a line of standard input. It is never an argument:
 * anybody can read those. */
#include "admin.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "api.h"
#include "json.h"
#include "log.h"

/* ---- a new password --------------------------------------------------- */

typedef char line[PASSWORD_LEN_MAX + 1]; /* one byte more than a password may have: then it is too long */

static struct termios terminal; /* as it was */

/* Has the terminal show again what is typed, and the signal do what it does by default. */
static void show_again(int number) {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal);
    signal(number, SIG_DFL);
    raise(number);
}

/* NULL, or what is wrong with the line. */
static const char *read_line(line text, const char *prompt, struct slice *password) {
    size_t len = 0;
    ssize_t n = write(STDERR_FILENO, prompt, strlen(prompt)); /* where that fails it is read without a prompt */
    while (len < sizeof(line) && (n = read(STDIN_FILENO, text + len, 1)) == 1 && text[len] != '\n') len++;
    *password = (struct slice){ text, len };
    return n < 0 ? " can't be read from standard input" : password_fault(*password);
}

/* NULL, or what is wrong with the input. What was typed beyond a line's end is thrown away: no shell must get it. */
static const char *read_password(line text, line again, struct slice *password) {
    static const int ends[] = { SIGINT, SIGTERM, SIGQUIT, SIGHUP };
    const char *why;
    struct slice same;
    if (tcgetattr(STDIN_FILENO, &terminal) != 0) {
        why = read_line(text, "", password);
    } else {
        struct termios hidden = terminal;
        hidden.c_lflag = (hidden.c_lflag & ~(tcflag_t)ECHO) | ECHONL;
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) signal(ends[i], show_again);
        signal(SIGTSTP, SIG_IGN); /* the shell would have the terminal show all, and leave it so when this is resumed */
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
        why = read_line(text, "password: ", password);
        if (why == NULL) {
            read_line(again, "again: ", &same);
            if (!slice_equal(*password, same)) why = "s differ";
        }
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal);
    }
    return why;
}

static int make_user(struct password_work *work, const struct password_cost *cost, struct user *user) {
    line text, again;
    struct slice password;
    const char *why = read_password(text, again, &password);
    int result = why ? log_line("the password", why, NULL) : api_make_hash(work, cost, password, user);
    if (why == NULL && result != 0) log_line("no memory to hash", NULL);
    password_release(work);
    explicit_bzero(text, sizeof text);
    explicit_bzero(again, sizeof again);
    return result;
}

/* ---- what can be done ------------------------------------------------- */

enum { BAR_FROM = 1024 * 1024 }; /* bytes of a file whose import shows how far it is */

enum verb { ADD, PASSWD, LOGOUT, DELETE, LIST, EXPORT, IMPORT, VERBS };

/* The name is looked up before a password is asked for. What is revoked by a wrong clock would be valid again. */
static int change(struct users *users, enum verb verb, const char *name, struct password_work *work,
                  const struct password_cost *cost) {
    struct slice key = slice_of(name);
    struct user seen, user;
    const char *fault = verb == ADD ? NULL : api_clock_fault((double)time(NULL));
    if (fault) return log_line(fault, NULL);
    enum users_result result = users_find(users, key, &seen);
    if (verb == ADD && result != USERS_UNAVAILABLE) result = result == USERS_OK ? USERS_EXISTS : USERS_OK;
    if (result == USERS_OK && verb <= PASSWD && make_user(work, cost, &user) != 0) return -1;
    while (result == USERS_OK) {
        result = verb == ADD ? users_store(users, key, NULL, &user)
                             : users_revoke(users, key, &seen,
                                            verb == PASSWD   ? &user
                                            : verb == LOGOUT ? &seen
                                                             : NULL);
        if (result == USERS_OK) return 0;
        if (result == USERS_CHANGED) result = users_find(users, key, &seen); /* a log-in made its hash stronger */
    }
    return result == USERS_UNAVAILABLE
               ? -1
               : log_line("user \"", name, result == USERS_EXISTS ? "\" exists already" : "\" not found", NULL);
}

static int print_users(struct users *users, bool whole) {
    static char text[64 * 1024];
    struct buffer out = { .at = text, .cap = sizeof text };
    struct record record;
    uint64_t at = 0;
    int got;
    while ((got = users_next(users, &at, &record)) == 1) {
        struct slice name = record_name(&record);
        if (whole)
            users_put_line(&out, users, name, &record.user);
        else
            users_put_name(&out, name);
        if (!whole) put_char(&out, '\n');
        if (out.len > sizeof text / 2 && log_print(&out) != 0) return -1;
    }
    return got == 0 ? log_print(&out) : -1;
}

/* ---- import ----------------------------------------------------------- */

/* All that can be read from a file, in memory that the caller frees; NULL with errno. */
static char *read_all(int fd, size_t *len) {
    char *text = NULL;
    size_t cap = 0;
    for (ssize_t n;; *len += (size_t)n) {
        char *more = *len < cap ? text : realloc(text, cap = 2 * cap + 65536);
        if (more == NULL) break;
        text = more;
        n = read(fd, text + *len, cap - *len);
        if (n == 0) return text;
        if (n < 0) break;
    }
    free(text);
    return NULL;
}

/* What is imported: the lines or members that are still to be read, and where the last one stood. */
struct source {
    struct slice rest, name;
    const char *at;
    bool object; /* {"name":{"password":"hash"},...}, of any size */
};

/* The account of the next member. NULL, or what is wrong with it. */
static const char *read_member(struct source *in, struct record *r) {
    struct json_member password = { .name = "password" };
    struct slice value;
    const char *why;
    int got = json_next(&in->rest, &in->name, &value, &why);
    in->at = got == 1 ? in->name.at : in->rest.at;
    if (got < 1 || json_object(value, &password, 1, &why) == JSON_BAD) return why;
    if (password.type != JSON_STRING || password.times > 1) return "it has no password, or no single one";
    ssize_t name_len = json_string(in->name, r->name, sizeof r->name);
    ssize_t hash_len = json_string(password.raw, r->user.hash, sizeof r->user.hash);
    if (name_len <= 0 || hash_len <= 0) return "name or password is empty or too long";
    r->name_len = (size_t)name_len;
    r->user.hash_len = (size_t)hash_len;
    return NULL;
}

/* The account of the next line, {"username":...} or name:hash. */
static const char *read_account_line(const struct users *users, struct source *in, struct record *r) {
    struct slice hash = slice_cut(&in->rest, '\n');
    if (hash.len > 0 && *hash.at == '{') return users_read_line(users, hash, r);
    if (!json_is_utf8(hash)) return "it is not UTF-8";
    struct slice name = slice_cut(&hash, ':');
    if (name.len == 0 || name.len > sizeof r->name || hash.len == 0 || hash.len > sizeof r->user.hash)
        return "it is neither JSON nor name:hash, or too long";
    memcpy(r->name, name.at, r->name_len = name.len);
    memcpy(r->user.hash, hash.at, r->user.hash_len = hash.len);
    return NULL;
}

/* Puts the next account into the batch; *result: USERS_NOT_FOUND if there was none. NULL, or what is wrong with it. */
static const char *take(struct users *users, struct source *in, enum users_result *result) {
    struct record r = { .name_len = 0 };
    struct password_cost cost;
    struct slice salt, hex;
    *result = USERS_NOT_FOUND;
    in->at = in->rest.at;
    if (!in->object && in->rest.len == 0) return NULL;
    const char *why = in->object ? read_member(in, &r) : read_account_line(users, in, &r);
    if (why || r.name_len == 0) return why;
    if (users_name_fault(record_name(&r))) return "its name has a control character";
    if (password_parse(user_hash(&r.user), &cost, &salt, &hex) != 0)
        return "its password is not scrypt:N:r:p$SALT$HEX or pbkdf2:sha256:N$SALT$HEX, or costs too much";
    *result = users_batch_put(users, &r);
    return *result == USERS_CHANGED ? "its name is taken, with another password" : NULL;
}

static void refuse(const char *file, const char *text, const char *at, const char *why) {
    char number[LOG_DECIMAL];
    uint64_t count = 1;
    while (text < at) count += *text++ == '\n';
    log_line(file, ": line ", log_decimal(count, number), ": ", why, " (nothing is imported)", NULL);
}

/* Shows how much is done; `end` puts what is said next over the bar, or under it. False where it can't be shown. */
static bool draw_bar(const char *what, size_t done, size_t all, const char *end) {
    enum { WIDTH = 25 };
    char text[WIDTH + 32];
    struct buffer b = { .at = text, .cap = sizeof text };
    put_text(&b, what);
    put_text(&b, " [");
    for (size_t i = 1; i <= WIDTH; i++) put_char(&b, (uint64_t)done * WIDTH >= (uint64_t)all * i ? '#' : ' ');
    put_text(&b, "] ");
    put_number(&b, (uint64_t)done * 100 / all);
    put_text(&b, " %");
    put_text(&b, end);
    return write(STDERR_FILENO, b.at, b.len) == (ssize_t)b.len;
}

static void show_written(size_t done, size_t all) { draw_bar("writing", done, all, done < all ? "\r" : "\n"); }

/* All is checked before anything is written. */
static int import_text(struct users *users, const char *file, struct slice text) {
    char read[LOG_DECIMAL], new[LOG_DECIMAL];
    uint64_t count = 0, added = 0;
    struct source in = { .rest = text }, probe = in;
    struct slice value;
    const char *why;
    enum users_result result;
    int got = json_next(&probe.rest, &probe.name, &value, &why);
    in.object = got == 0 || (got == 1 && *value.at == '{');
    if (users_batch_begin(users) != 0) return -1;
    bool bar = text.len >= BAR_FROM && tcgetattr(STDERR_FILENO, &terminal) == 0;
    while ((why = take(users, &in, &result)) == NULL && (result == USERS_OK || result == USERS_EXISTS)) {
        added += result == USERS_OK;
        if (++count % 1000 == 0) bar = bar && draw_bar("reading", text.len - in.rest.len, text.len, "\r");
    }
    if (bar) draw_bar("reading", text.len - in.rest.len, text.len, "\n");
    if (why) refuse(file, text.at, in.at, why);
    if (users_batch_end(users, why == NULL && result == USERS_NOT_FOUND, bar ? show_written : NULL) != 0) return -1;
    log_line(log_decimal(count, read), " accounts read, ", log_decimal(added, new), " added", NULL);
    return 0;
}

/* All is read before the accounts are locked, so that nobody waits for a slow source. */
static int import(struct users *users, const char *file) {
    size_t len = 0;
    int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    char *text = fd < 0 ? NULL : read_all(fd, &len);
    if (file == NULL) file = "standard input";
    int result = text ? import_text(users, file, (struct slice){ text, len })
                      : log_line(file, ": can't be read: ", strerror(errno), NULL);
    free(text);
    if (fd > STDIN_FILENO) close(fd);
    return result;
}

/* ---- the words -------------------------------------------------------- */

static const char verbs[VERBS][8] = { "add", "passwd", "logout", "delete", "list", "export", "import" };

/* The file is made only where accounts are added: elsewhere a missing one is a mistake. */
static int run(enum verb verb, const char *name, const char *path, sha256_compress *compress,
               const struct password_cost *cost, int64_t ttl) {
    uint8_t index_key[16];
    struct password_work work = { .compress = compress };
    if (verb != ADD && verb != IMPORT && !users_exist(path))
        return log_line(path, ": ", strerror(errno), " (--users names another file)", NULL);
    if (getrandom(index_key, sizeof index_key, 0) != sizeof index_key)
        return log_line("getrandom: ", strerror(errno), NULL);
    struct users *users = users_open(path, compress, index_key, ttl);
    if (users == NULL) return -1;
    int result = verb <= DELETE   ? change(users, verb, name, &work, cost)
                 : verb == IMPORT ? import(users, name)
                                  : print_users(users, verb == EXPORT);
    users_close(users);
    return result;
}

int admin_run(char *const *words, const char *path, sha256_compress *compress, const struct password_cost *cost,
              int64_t ttl) {
    int verb = 0, n = 0;
    const char *why;
    while (words[n]) n++;
    while (n > 0 && verb < VERBS && strcmp(words[0], verbs[verb]) != 0) verb++;
    if (n == 3 && verb <= PASSWD)
        log_line("a password is never an argument: it is asked for, or a line of standard input", NULL);
    else if (n == 0 || verb == VERBS || (n != (verb <= DELETE ? 2 : 1) && !(verb == IMPORT && n == 2)))
        log_line("it is jwtd user add NAME, passwd NAME, logout NAME, delete NAME, list, export or import [FILE] (see "
                 "jwtd --help)",
                 NULL);
    else if (verb <= DELETE && (why = users_name_fault(slice_of(words[1]))) != NULL)
        log_line("the name \"", words[1], "\"", why, NULL);
    else
        return run((enum verb)verb, words[1], path, compress, cost, ttl) == 0 ? 0 : 1;
    return 2;
}
