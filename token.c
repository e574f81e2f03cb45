/* token.c - tokens from the shell. jwt_verify judges them, as it does for the server; what is said of a token is what
 * jwt_verify wrote down.
 *
 * A token may be anybody's text: only printable ASCII reaches the terminal as it is, all else as \x and two digits. */
#include "token.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "api.h"
#include "json.h"
#include "log.h"

enum { TEXT_MAX = 4 * JWT_MAX, SHOWN_MAX = 930, LABEL_WIDTH = 20 };

/* A token as it was read, and what came of it. */
struct judged {
    const struct token_config *config;
    struct slice token;
    double now;
    struct users *users; /* NULL: there are none, or they can't be read */
    enum jwt_result result;
    struct jwt_claims claims;
    int64_t revoked_at; /* 0: it was not revoked */
    struct jwt_trace trace;
    char text[TEXT_MAX];
};

/* ---- writing ---------------------------------------------------------- */

_Static_assert(4 * SHOWN_MAX + 100 < LOG_TEXT_MAX, "a line of the log has room for the reason too");

static void put_visible(struct buffer *b, struct slice s) {
    for (size_t i = 0; i < s.len && i < SHOWN_MAX; i++) {
        uint8_t byte = (uint8_t)s.at[i];
        if (byte >= ' ' && byte <= '~') {
            put_char(b, (char)byte);
        } else {
            put_text(b, "\\x");
            put_hex(b, &byte, 1);
        }
    }
    if (s.len > SHOWN_MAX) put_text(b, "...");
}

static void put_count(struct buffer *b, uint64_t n, const char *what) {
    put_number(b, n);
    put_text(b, what);
}

/* The two largest units: 3 h 12 min */
static void put_duration(struct buffer *b, double seconds) {
    static const struct {
        uint64_t length;
        const char *name;
    } units[] = { { 86400, " d" }, { 3600, " h" }, { 60, " min" }, { 1, " s" } };
    uint64_t left = seconds < 1e15 ? (uint64_t)seconds : (uint64_t)1e15;
    int i = 0;
    while (i < 3 && left < units[i].length) i++;
    put_count(b, left / units[i].length, units[i].name);
    if (i == 3 || left % units[i].length < units[i + 1].length) return;
    put_char(b, ' ');
    put_count(b, left % units[i].length / units[i + 1].length, units[i + 1].name);
}

static void put_date(struct buffer *b, struct slice raw) {
    char date[HTTP_DATE_LEN + 1];
    double seconds;
    put_visible(b, raw);
    if ((uint8_t)(*raw.at - '0') > 9) return;                               /* no number, or before 1970 */
    if (json_number(raw, &seconds) != 0 || seconds >= 253402300800) return; /* the year 10000 */
    http_date((time_t)seconds, date);
    put_text(b, ", ");
    put_bytes(b, date, HTTP_DATE_LEN);
}

/* ---- what a check saw ------------------------------------------------- */

static const char *const labels[JWT_CHECKS] = {
    [JWT_SIZE] = "size",
    [JWT_SEGMENTS] = "segments",
    [JWT_HEADER_TEXT] = "header, base64url",
    [JWT_PAYLOAD_TEXT] = "payload, base64url",
    [JWT_SIGNATURE_TEXT] = "signature, base64url",
    [JWT_HEADER] = "header, JSON",
    [JWT_HEADER_NAMES] = "header, names",
    [JWT_ALG] = "alg",
    [JWT_CRIT] = "crit",
    [JWT_MAC] = "signature",
    [JWT_PAYLOAD] = "payload, JSON",
    [JWT_PAYLOAD_NAMES] = "payload, names",
    [JWT_SUB] = "sub",
    [JWT_EXP] = "exp",
    [JWT_NBF] = "nbf",
    [JWT_IAT] = "iat",
    [JWT_AUD] = "aud",
    [JWT_ALIVE] = "expiry",
};

/* Characters of the token are counted from 1, and so are bytes of what is decoded from it. */
static void put_place(struct buffer *b, const struct judged *j, const struct jwt_step *s, enum jwt_check check) {
    uintptr_t at = (uintptr_t)s->at, token = (uintptr_t)j->token.at;
    if (at - token < j->token.len) {
        put_count(b, at - token + 1, " '");
        put_visible(b, (struct slice){ s->at, 1 });
        put_text(b, "' ");
        return;
    }
    const char *text = check < JWT_MAC ? j->trace.header : j->trace.payload;
    put_text(b, check < JWT_MAC ? " (header, byte " : " (payload, byte ");
    put_count(b, (uint64_t)(s->at - text) + 1, ")");
}

static void put_life(struct buffer *b, const struct judged *j, const struct jwt_step *s) {
    double exp = 0;
    json_number(s->saw, &exp);
    double left = exp - j->now;
    put_text(b, s->fault ? "expired " : left >= 0 ? "for another " : "within the leeway, by ");
    put_duration(b, left < 0 ? -left : left);
    put_text(b, s->fault ? " ago" : "");
}

static void put_segments(struct buffer *b, struct slice rest) {
    uint64_t n = 0;
    for (struct slice all = rest; all.at != NULL; n++) slice_cut(&all, '.');
    put_count(b, n, ", characters: ");
    while (rest.at != NULL) {
        put_number(b, slice_cut(&rest, '.').len);
        put_text(b, rest.at ? " " : "");
    }
}

static void put_fits(struct buffer *b, const struct judged *j, bool right) {
    unsigned count = j->config->keys->count;
    put_text(b, right ? "matches with key " : "does not match ");
    if (right) put_number(b, j->trace.key + 1);
    put_text(b, right ? " of " : count > 1 ? "any of " : "the ");
    if (right || count > 1) put_number(b, count);
    put_text(b, right ? "" : count > 1 ? " keys" : "key");
}

/* What the check saw, and what is wrong with that. */
static void put_step(struct buffer *b, const struct judged *j, enum jwt_check check) {
    const struct jwt_step *s = &j->trace.step[check];
    bool in_token = check >= JWT_HEADER_TEXT && check <= JWT_SIGNATURE_TEXT;
    if (check == JWT_MAC || check == JWT_ALIVE) {
        if (check == JWT_MAC) put_fits(b, j, !s->fault);
        if (check == JWT_ALIVE) put_life(b, j, s);
        return;
    }
    if (check == JWT_SIZE || (in_token && !s->at))
        put_count(b, s->saw.len, " characters");
    else if (check == JWT_SEGMENTS)
        put_segments(b, s->saw);
    else if (check == JWT_HEADER_NAMES || check == JWT_PAYLOAD_NAMES)
        put_text(b, s->fault ? "" : "none is given twice");
    else if (check >= JWT_EXP && check <= JWT_IAT && s->saw.at)
        put_date(b, s->saw);
    else if (in_token)
        put_text(b, "character ");
    else if (s->saw.at)
        put_visible(b, s->saw);
    else if (!s->fault)
        put_text(b, "none");
    if (in_token && s->at) put_place(b, j, s, check);
    if (s->fault) put_text(b, b->len && b->at[b->len - 1] != ' ' ? ": " : "");
    if (s->fault) put_text(b, s->fault);
    if (!in_token && s->at && s->fault) put_place(b, j, s, check);
}

/* ---- what can be done ------------------------------------------------- */

static int read_token(struct judged *j) {
    const char *file = j->config->file;
    int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    size_t len = 0;
    ssize_t n = fd < 0 ? -1 : 1;
    while (n > 0 && len < sizeof j->text)
        len += (size_t)((n = read(fd, j->text + len, sizeof j->text - len)) > 0 ? n : 0);
    if (n < 0) log_line(file ? file : "standard input", ": can't be read: ", strerror(errno), NULL);
    if (fd > STDIN_FILENO) close(fd);
    struct slice text = { j->text, len };
    while (text.len > 0 && strchr("\r\n\t ", text.at[text.len - 1]) && text.at[text.len - 1]) text.len--;
    j->token = api_token_of(slice_trim(text));
    return n < 0 ? -1 : 0;
}

/* The check that failed first, in the order of reading; JWT_CHECKS: none. */
static enum jwt_check first_fault(const struct judged *j) {
    enum jwt_check check = 0;
    while (check < JWT_CHECKS && !j->trace.step[check].fault) check++;
    return check;
}

/* Opens the accounts only if they exist: a file is not made for a question. */
static struct users *open_users(const struct token_config *c) {
    return users_exist(c->users) ? users_open(c->users, c->compress, (const uint8_t *)"of one process..", c->ttl)
                                 : NULL;
}

static int issue(const struct token_config *c, const char *name, double now) {
    char token[8 * JWT_SUB_MAX];
    struct buffer b = { .at = token, .cap = sizeof token };
    if (!users_exist(c->users)) return log_line(c->users, ": ", strerror(errno), " (--users names another file)", NULL);
    struct users *users = open_users(c);
    if (users == NULL) return -1;
    struct user user = { .not_before = 0 };
    int64_t iat = (int64_t)now, exp = iat + c->ttl;
    enum users_result found = users_find(users, slice_of(name), &user);
    if (found == USERS_OK && c->ttl_chosen) found = users_note_token(users, slice_of(name), exp);
    users_close(users);
    if (found != USERS_OK) return found == USERS_NOT_FOUND ? log_line("user \"", name, "\" not found", NULL) : -1;
    jwt_put_claims(&b, &c->keys->key[0], slice_of(name), c->ttl_chosen ? iat : -1, exp, user.not_before);
    put_char(&b, '\n');
    return log_print(&b);
}

/* Prints the name as `user list` does. */
static int verify(const struct judged *j) {
    char text[6 * JWT_SUB_MAX + 4];
    struct buffer b = { .at = text, .cap = sizeof text - 1 };
    struct slice name = { j->claims.sub, j->claims.sub_len };
    if (j->users == NULL && users_exist(j->config->users)) return -1; /* the reason was said */
    if (j->users == NULL)
        return log_line(j->config->users, ": ", strerror(errno),
                        ", so nobody knows whether the token was revoked (--users names another file)", NULL);
    if (j->revoked_at) return log_line("the token is not valid: it was revoked", NULL);
    if (j->result != JWT_VALID) {
        enum jwt_check check = first_fault(j);
        put_step(&b, j, check);
        text[b.len] = '\0';
        return log_line("the token is not valid: ", labels[check], ": ", text, NULL);
    }
    users_put_name(&b, name);
    put_char(&b, '\n');
    return log_print(&b);
}

static void put_row(struct buffer *b, const char *mark, const char *label) {
    size_t end = b->len + 6;
    put_text(b, mark);
    while (b->len < end) put_char(b, ' ');
    put_text(b, label);
    for (end += LABEL_WIDTH + 2; b->len < end;) put_char(b, ' ');
}

static void put_account(struct buffer *b, const struct judged *j) {
    bool named = j->trace.step[JWT_SUB].made && !j->trace.step[JWT_SUB].fault;
    if (!named) return;
    struct user user;
    struct slice name = { j->claims.sub, j->claims.sub_len };
    enum users_result found = j->users ? users_find(j->users, name, &user) : USERS_UNAVAILABLE;
    put_row(b, "-", "account");
    put_text(b, found == USERS_OK ? "known" : found == USERS_NOT_FOUND ? "unknown" : "the accounts can't be read");
    put_char(b, '\n');
    if (j->result == JWT_INVALID && !j->revoked_at) return;
    put_row(b, !j->users ? "-" : j->revoked_at ? "FAIL" : "ok", "revoked");
    put_text(b, !j->users ? "the accounts can't be read" : j->revoked_at ? "after it was given, at " : "no");
    if (j->revoked_at) put_number(b, (uint64_t)j->revoked_at);
    put_char(b, '\n');
}

static int explain(const struct judged *j) {
    char text[6 * SHOWN_MAX];
    struct buffer b = { .at = text, .cap = sizeof text };
    for (enum jwt_check check = 0; check < JWT_CHECKS; check++) {
        const struct jwt_step *s = &j->trace.step[check];
        put_row(&b, !s->made ? "-" : s->fault ? "FAIL" : "ok", labels[check]);
        if (s->made)
            put_step(&b, j, check);
        else
            put_text(&b, "there is nothing to look at");
        put_char(&b, '\n');
        if (log_print(&b) != 0) return -1;
        b.len = 0;
    }
    put_account(&b, j);
    put_text(&b, j->result == JWT_VALID     ? "The token is valid.\n"
                 : j->result == JWT_EXPIRED ? "The token has expired; all else about it is right.\n"
                                            : "The token is not valid.\n");
    return log_print(&b) == 0 && j->result == JWT_VALID ? 0 : -1;
}

static int judge(const struct token_config *c, double now, int (*then)(const struct judged *j)) {
    struct judged j;
    memset(&j.trace.step, 0, sizeof j.trace.step);
    j.config = c;
    j.now = now;
    if (read_token(&j) != 0) return -1;
    j.result = jwt_verify(c->keys, j.token, now, c->leeway, &j.claims, &j.trace);
    j.users = open_users(c);
    j.revoked_at = j.users && j.result != JWT_INVALID ? api_revoked_at(j.users, &j.claims, now) : 0;
    if (j.revoked_at) j.result = JWT_INVALID;
    int result = then(&j);
    if (j.users) users_close(j.users);
    explicit_bzero(j.text, sizeof j.text); /* whoever has it is its owner */
    return result;
}

/* ---- the words -------------------------------------------------------- */

bool token_words(char *const *words) {
    size_t n = 0;
    const char *why = NULL;
    while (words[n]) n++;
    bool issues = n == 2 && strcmp(words[0], "issue") == 0;
    if (issues && (why = users_name_fault(slice_of(words[1]))) != NULL)
        log_line("the name \"", words[1], "\"", why, NULL);
    else if (!issues && !(n == 1 && (strcmp(words[0], "verify") == 0 || strcmp(words[0], "explain") == 0)))
        log_line(why = "it is jwtd token issue NAME, verify or explain (see jwtd --help)", NULL);
    return why == NULL;
}

int token_run(char *const *words, const struct token_config *c) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    double now = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
    const char *fault = api_clock_fault(now);
    int result = fault                ? log_line(fault, NULL)
                 : words[0][0] == 'i' ? issue(c, words[1], now)
                                      : judge(c, now, words[0][0] == 'v' ? verify : explain);
    return result == 0 ? 0 : 1;
}
