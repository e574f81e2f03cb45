/* main.c - the command line, the configuration, start and stop.
 *
 * Every option is a row of one table: its name, its environment variable and its default, what --help says of
 * it, and how its value is read. The environment wins over the default, the command line over both.
 *
 * Exit status: 0 after SIGTERM or SIGINT; 1 where it can't start, with the reason; 2 where it was called
 * wrongly. Of `jwtd user`: admin.h. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "admin.h"
#include "base64url.h"
#include "health.h"
#include "listen.h"
#include "log.h"
#include "sandbox.h"
#include "server.h"

enum {
    KEY_MAX = 4096,
    KEY_LEN_ADVISED = 32,
    NEW_KEY_LEN = 32,
    PATH_LEN_MAX = 4096,
    THREADS_MAX = 256,
    PROXIES_MAX = 16,
    LOG_PIPE_LEN = 1024 * 1024, /* which everybody may have (/proc/sys/fs/pipe-max-size) */
    ORIGINS_MAX = 16,
};

struct config {
    struct server_config server;
    struct api api;
    int64_t ttl, leeway, loops, workers, address_limit;
    char users[PATH_LEN_MAX], secret_file[PATH_LEN_MAX];
    const char *listen, *user;
    union listen_address address;
    struct network trusted[PROXIES_MAX];
    struct slice origins[ORIGINS_MAX];
    enum { ON, OFF, REQUIRE } throttle, sandbox; /* as in their rows */
    enum { NOTHING, ACCESS } log;
    enum { CLF, JSON } log_format;
    bool given; /* the socket is the service manager's */
    int manager;
    bool help, version;
    int words; /* that are no options, moved to the front of argv */
};

/* ---- options ---------------------------------------------------------- */

enum kind { ADDRESS, PATH, NUMBER, COST, NETWORKS, ORIGINS, CHOICE, TEXT, FLAG, NOT_AN_OPTION };

static const struct option {
    const char *name, *argument, *environment, *fallback;
    enum kind kind;
    size_t at;        /* of its value in struct config; a CHOICE is the place of its word in `argument`: 0, 1, ... */
    int64_t min, max; /* of a NUMBER */
    const char *help;
} options[] = {
#define AT(member) offsetof(struct config, member)
    { "--listen", "ADDR:PORT", "JWTD_LISTEN", "127.0.0.1:5000", ADDRESS, 0, 0, 0,
      "IPv4, [IPv6] or unix:PATH; port 0 picks a free one" },
    { "--users", "FILE", "JWTD_USERS", "users.jsonl", PATH, AT(users), 0, 0, "the accounts" },
    { "--secret-file", "FILE", "JWTD_SECRET_FILE", "jwtd.secret", PATH, AT(secret_file), 0, 0,
      "the key: the file's first line; made where missing" },
    { NULL, NULL, "JWTD_SECRET", NULL, NOT_AN_OPTION, 0, 0, 0,
      "the key itself; wins over the file; never an argument" },
    { "--ttl", "SECONDS", "JWTD_TTL", "3600", NUMBER, AT(ttl), 1, 3153600000, "how long a token counts" },
    { "--leeway", "SECONDS", "JWTD_LEEWAY", "0", NUMBER, AT(leeway), 0, 3600, "how wrong other clocks may be" },
    { "--hash", "METHOD", "JWTD_HASH", "scrypt:32768:8:1", COST, 0, 0, 0,
      "scrypt:N:r:p or pbkdf2:sha256:N, for new passwords" },
    { "--loops", "N", "JWTD_LOOPS", "0", NUMBER, AT(loops), 0, THREADS_MAX, "event loops; 0: one a core" },
    { "--workers", "N", "JWTD_WORKERS", "0", NUMBER, AT(workers), 0, THREADS_MAX, "hashing threads; 0: one a core" },
    { "--address-limit", "N", "JWTD_ADDRESS_LIMIT", "0", NUMBER, AT(address_limit), 0, 1000000,
      "connections that an address may hold; 0: any number" },
    { "--throttle", "on|off", "JWTD_THROTTLE", "on", CHOICE, AT(throttle), 0, 0, "slow down failing log-ins" },
    { "--trusted-proxy", "CIDR", "JWTD_TRUSTED_PROXY", NULL, NETWORKS, 0, 0, 0,
      "whose X-Forwarded-For is believed; repeatable" },
    { "--uniform-errors", NULL, "JWTD_UNIFORM_ERRORS", NULL, FLAG, AT(api.uniform_errors), 0, 0,
      "do not tell an unknown name from a wrong password" },
    { "--register", "open|closed|first", "JWTD_REGISTER", "open", CHOICE, AT(api.registration), 0, 0,
      "who may: all, nobody, or the first until there is an account" },
    { "--cors", "ORIGIN", "JWTD_CORS", NULL, ORIGINS, 0, 0, 0, "whose scripts may read the answers, or *; repeatable" },
    { "--user", "USER", "JWTD_USER", NULL, TEXT, AT(user), 0, 0, "a name, UID or UID:GID to become after binding" },
    { "--sandbox", "on|off|require", "JWTD_SANDBOX", "on", CHOICE, AT(sandbox), 0, 0,
      "give up what serving does not need" },
    { "--log", "off|access", "JWTD_LOG", "off", CHOICE, AT(log), 0, 0,
      "access: a line on standard output for each request" },
    { "--log-format", "clf|json", "JWTD_LOG_FORMAT", "clf", CHOICE, AT(log_format), 0, 0,
      "of these lines: the Common Log Format, or JSON" },
    { "--help", NULL, NULL, NULL, FLAG, AT(help), 0, 0, "this" },
    { "--version", NULL, NULL, NULL, FLAG, AT(version), 0, 0, "version, target and libc" },
#undef AT
};
enum { OPTIONS = sizeof options / sizeof *options };

/* Addresses or networks with commas between them, added to those that are there. */
static const char *read_networks(struct config *c, struct slice list) {
    while (list.at != NULL)
        if (c->server.trusted_count == PROXIES_MAX ||
            network_parse(slice_cut(&list, ','), &c->trusted[c->server.trusted_count++]) != 0)
            return "it takes ADDRESS or ADDRESS/BITS, sixteen at the most";
    return NULL;
}

/* Origins with commas between them, as read_networks; the value must last. */
static const char *read_origins(struct config *c, struct slice list) {
    while (list.at != NULL) {
        struct slice origin = slice_cut(&list, ',');
        if (c->server.origins_count == ORIGINS_MAX || (!slice_is(origin, "*") && !http_is_origin(origin)))
            return "it takes what browsers send as Origin (https://app.example, no path, no port 443), or *; sixteen "
                   "at the most";
        c->origins[c->server.origins_count++] = origin;
    }
    return NULL;
}

static bool read_choice(struct slice words, const char *value, void *at) {
    for (int i = 0; words.at != NULL; i++)
        if (slice_is(slice_cut(&words, '|'), value)) {
            memcpy(at, &i, sizeof i);
            return true;
        }
    return false;
}

/* Reads a value into the configuration: NULL, or what it should have been. */
static const char *read_value(struct config *c, const struct option *o, const char *value) {
    static char range[64];
    struct buffer b = { .at = range, .cap = sizeof range };
    char *at = (char *)c + o->at;
    size_t len = strlen(value);
    int64_t n = slice_decimal(slice_of(value));
    const char *why;
    switch (o->kind) {
    case ADDRESS:
        c->listen = value;
        return listen_parse(value, &c->address) == 0 ? NULL : "it takes ADDR:PORT, [IPv6]:PORT or unix:PATH";
    case PATH:
        if (len == 0 || len >= PATH_LEN_MAX) return "it takes the path of a file";
        memcpy(at, value, len + 1);
        return NULL;
    case COST: return password_parse_cost(slice_of(value), &c->api.cost, &why) == 0 ? NULL : why;
    case NETWORKS: return read_networks(c, slice_of(value));
    case ORIGINS: return read_origins(c, slice_of(value));
    case TEXT: memcpy(at, &value, sizeof value); return NULL;
    case CHOICE:
        if (read_choice(slice_of(o->argument), value, at)) return NULL;
        put_text(&b, "it takes ");
        put_bytes(&b, o->argument, strlen(o->argument) + 1);
        return range;
    case FLAG: *(bool *)at = strcmp(value, "off") != 0 && strcmp(value, "0") != 0; return NULL;
    default: break;
    }
    memcpy(at, &n, sizeof n);
    put_text(&b, "it takes a number from ");
    put_number(&b, (uint64_t)o->min);
    put_text(&b, " to ");
    put_number(&b, (uint64_t)o->max);
    put_char(&b, '\0');
    return n >= o->min && n <= o->max ? NULL : range;
}

static void put_column(struct buffer *b, size_t width, const char *first, const char *second) {
    size_t end = b->len + width;
    put_text(b, first ? first : "");
    put_text(b, first && second ? " " : "");
    put_text(b, second ? second : "");
    while (b->len < end && !b->overflow) put_char(b, ' ');
}

static int print(const struct buffer *b) {
    return write(STDOUT_FILENO, b->at, b->len) == (ssize_t)b->len ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int print_help(void) {
    char text[4096];
    struct buffer b = { .at = text, .cap = sizeof text };
    put_text(&b, "jwtd: accounts, log-in and JSON Web Tokens over HTTP\n\nusage: jwtd [OPTION VALUE]...\n");
    put_text(&b, "       jwtd healthcheck [OPTION VALUE]...\n"
                 "       jwtd user add NAME | passwd NAME | delete NAME | list | export | import [FILE] "
                 "[OPTION VALUE]...\n\n");
    for (const struct option *o = options; o < options + OPTIONS; o++) {
        put_column(&b, 2, "", NULL);
        put_column(&b, 29, o->name, o->argument);
        put_column(&b, 21, o->environment, NULL);
        put_text(&b, o->help);
        put_text(&b, o->fallback ? " [" : "");
        put_text(&b, o->fallback ? o->fallback : "");
        put_text(&b, o->fallback ? "]\n" : "\n");
    }
    put_text(&b, "\nThe default files lie in $STATE_DIRECTORY, else in the current directory.\n");
    return print(&b);
}

static int print_version(void) {
    char text[256];
    struct buffer b = { .at = text, .cap = sizeof text };
    put_text(&b, "jwtd " JWTD_VERSION ", " JWTD_TARGET ", " JWTD_LIBC ", ");
    put_text(&b, sandbox_parts);
    put_char(&b, '\n');
    return print(&b);
}

static int set_option(struct config *c, const struct option *o, const char *name, const char *value) {
    const char *wrong = read_value(c, o, value);
    return wrong ? log_line(name, " \"", value, "\" is not usable: ", wrong, " (see jwtd --help)", NULL) : 0;
}

/* A default is taken as it stands (what it points to must last), but a file's lies in the state directory. */
static int set_default(struct config *c, const struct option *o) {
    char path[PATH_LEN_MAX];
    struct buffer b = { .at = path, .cap = sizeof path };
    const char *directory = getenv("STATE_DIRECTORY");
    if (o->kind != PATH || !directory || !*directory) return set_option(c, o, o->name, o->fallback);
    put_bytes(&b, directory, strcspn(directory, ":"));
    put_char(&b, '/');
    put_text(&b, o->fallback);
    put_char(&b, '\0');
    return b.overflow ? log_line("STATE_DIRECTORY is too long", NULL) : set_option(c, o, o->name, path);
}

static int read_environment(struct config *c) {
    for (const struct option *o = options; o < options + OPTIONS; o++) {
        const char *value = o->name && o->environment ? getenv(o->environment) : NULL;
        if (value && *value ? set_option(c, o, o->environment, value) != 0 : o->fallback && set_default(c, o) != 0)
            return -1;
    }
    return 0;
}

static int manage_users(const struct config *c, char *const *words);
static int check_health(const struct config *c, char *const *words);

/* What `jwtd WORD ...` does instead of serving: an exit status. `words` are those behind it, NULL at their end. */
static const struct command {
    const char *word;
    int (*run)(const struct config *c, char *const *words);
} commands[] = {
    { "user", manage_users },
    { "healthcheck", check_health },
};

static const struct command *find_command(const char *word) {
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(word, commands[i].word) == 0) return &commands[i];
    return NULL;
}

/* Options are --name VALUE, --name=VALUE or, where they take none, --name. A command's words may stand between them;
 * all behind `--` are words. */
static int read_arguments(struct config *c, int argc, char **argv) {
    bool only_words = false;
    for (int i = 1; i < argc; i++) {
        if (only_words || (c->words == 0 && find_command(argv[i])) || (c->words > 0 && *argv[i] != '-')) {
            argv[++c->words] = argv[i];
            continue;
        }
        if (c->words > 0 && (only_words = strcmp(argv[i], "--") == 0)) continue;
        size_t len = strcspn(argv[i], "=");
        const struct option *o = options;
        while (o < options + OPTIONS && (!o->name || strncmp(o->name, argv[i], len) != 0 || o->name[len])) o++;
        if (o == options + OPTIONS) return log_line("unknown option \"", argv[i], "\" (see jwtd --help)", NULL);
        const char *value = argv[i][len] ? argv[i] + len + 1 : o->argument ? argv[++i] : "";
        if (value == NULL || (!o->argument && *value))
            return log_line(o->name, " takes ", o->argument ? o->argument : "no value", " (see jwtd --help)", NULL);
        if (set_option(c, o, o->name, value) != 0) return -1;
    }
    if (c->words > 0) argv[c->words + 1] = NULL; /* as argv[argc] is */
    return 0;
}

/* ---- the key ---------------------------------------------------------- */

/* Writes a new key beside `path` and gives it that name only once it is whole and on the disk; if another
 * process was first, its key stays. */
static int make_key_file(const char *path) {
    uint8_t key[NEW_KEY_LEN];
    char temporary[PATH_LEN_MAX + 32], line[64];
    struct buffer name = { .at = temporary, .cap = sizeof temporary };
    if (getrandom(key, sizeof key, 0) != sizeof key) return log_line("getrandom: ", strerror(errno), NULL);
    size_t len = base64url_encode(key, sizeof key, line);
    line[len++] = '\n';
    put_text(&name, path);
    put_char(&name, '.');
    put_number(&name, (uint64_t)getpid());
    put_bytes(&name, ".new", sizeof ".new");
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool written = fd >= 0 && write(fd, line, len) == (ssize_t)len && fsync(fd) == 0;
    bool named = written && (link(temporary, path) == 0 || errno == EEXIST || rename(temporary, path) == 0);
    if (!named) log_line(path, " can't be made: ", strerror(errno), " (--secret-file names another file)", NULL);
    if (fd >= 0) close(fd);
    unlink(temporary);
    explicit_bzero(key, sizeof key);
    explicit_bzero(line, sizeof line);
    return named ? 0 : -1;
}

/* The first line of the file, which is made where it is missing: its length, or -1. */
static ssize_t read_key_file(const char *path, char key[KEY_MAX]) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        if (make_key_file(path) != 0) return -1;
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    ssize_t n = fd < 0 ? -1 : read(fd, key, KEY_MAX);
    if (n < 0) log_line(path, " can't be read: ", strerror(errno), " (--secret-file names another file)", NULL);
    if (n >= 0 && fstat(fd, &st) == 0 && ((st.st_mode & 077) != 0 || (st.st_uid != geteuid() && st.st_uid != 0)))
        log_line("warning: others may read or have written ", path, ": chown and chmod 600 it", NULL);
    if (fd >= 0) close(fd);
    const char *end = n > 0 ? memchr(key, '\n', (size_t)n) : NULL;
    if (end == NULL && n == KEY_MAX) return log_line(path, ": its first line is longer than 4096 bytes", NULL);
    n = end ? end - key : n;
    return n > 0 && key[n - 1] == '\r' ? n - 1 : n;
}

/* Keys that stand in tutorials are everybody's, in whatever case and with whatever white space behind them. */
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

static int check_key(const struct config *c, struct slice key) {
    if (key.len == 0)
        return log_line("the key is empty: put one into JWTD_SECRET or the first line of ", c->secret_file,
                        ", or remove that file", NULL);
    if (is_well_known(key) && !listen_is_loopback(&c->address))
        return log_line("the key is one that everybody knows: it is not used on an address that others reach", NULL);
    if (is_well_known(key))
        log_line("warning: the key is one that everybody knows: whoever reaches this address can make tokens", NULL);
    else if (key.len < KEY_LEN_ADVISED)
        log_line("warning: the key is shorter than 32 bytes and may be guessed (RFC 7518 section 3.2)", NULL);
    return 0;
}

static int load_key(struct config *c) {
    char text[KEY_MAX], *environment = getenv("JWTD_SECRET");
    struct slice key = { text, 0 };
    int result = 0;
    if (environment) {
        key = slice_of(environment);
    } else {
        ssize_t len = read_key_file(c->secret_file, text);
        key.len = len > 0 ? (size_t)len : 0;
        result = len < 0 ? -1 : 0;
    }
    if (result == 0) result = check_key(c, key);
    if (result == 0) hmac_key_init(&c->api.key, c->server.compress, key.at, key.len);
    explicit_bzero(text, sizeof text);
    if (environment) explicit_bzero(environment, key.len);
    return result;
}

/* ---- start and stop --------------------------------------------------- */

/* A socket must not become descriptor 2 and have log lines written to it: what is closed of 0, 1 and 2 is
 * filled with something that can't be written. */
static void fill_standard_descriptors(void) {
    int fd;
    while ((fd = open("/", O_PATH | O_CLOEXEC)) >= 0 && fd <= STDERR_FILENO) continue;
    if (fd >= 0) close(fd);
}

/* As many descriptors as the system lets this process have. */
static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (prlimit(0, RLIMIT_NOFILE, NULL, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        prlimit(0, RLIMIT_NOFILE, &limit, NULL);
    }
}

static unsigned one_a_core(int64_t asked) {
    cpu_set_t cpus;
    int n = asked == 0 && sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : (int)asked;
    return n < 1 ? 1 : n < THREADS_MAX ? (unsigned)n : THREADS_MAX;
}

/* The key stays in memory: it is not swapped out, and not dumped. */
static void protect_key(const struct hmac_key *key) {
    size_t page = getauxval(AT_PAGESZ), start = (size_t)key & ~(page - 1);
    size_t len = ((size_t)(key + 1) - start + page - 1) & ~(page - 1);
    if (mlock((void *)start, len) != 0) log_line("the key can't be locked in memory: ", strerror(errno), NULL);
    madvise((void *)start, len, MADV_DONTDUMP);
}

static void say_who_is_nobody(const struct config *c) {
    if (c->api.throttle && c->server.trusted_count == 0 && listen_is_loopback(&c->address))
        log_line("note: clients of a loopback address or unix socket have no address of their own here; behind a "
                 "proxy, --trusted-proxy says whose X-Forwarded-For is believed",
                 NULL);
}

static void block_signals(sigset_t *end) {
    sigemptyset(end);
    sigaddset(end, SIGTERM);
    sigaddset(end, SIGINT);
    pthread_sigmask(SIG_BLOCK, end, NULL); /* before the threads, which inherit it */
    signal(SIGPIPE, SIG_IGN);
}

/* The directory that `path` lies in. */
static const char *directory_of(const char *path, char out[PATH_LEN_MAX]) {
    const char *slash = strrchr(path, '/');
    struct buffer b = { .at = out, .cap = PATH_LEN_MAX };
    put_bytes(&b, slash ? path : "./", slash ? (size_t)(slash - path) + 1 : 2);
    put_char(&b, '\0');
    return out;
}

/* What a serving process still needs: the accounts' directory, and to remove its socket. */
static int lock_in(const struct config *c) {
    char users[PATH_LEN_MAX], socket[PATH_LEN_MAX];
    struct sandbox_path paths[] = { { directory_of(c->users, users), SANDBOX_READ_WRITE }, { NULL, SANDBOX_REMOVE } };
    if (c->address.any.sa_family == AF_UNIX && !c->given) paths[1].path = directory_of(c->address.un.sun_path, socket);
    return c->sandbox == OFF ? 0 : sandbox_enter(paths, paths[1].path ? 2 : 1, c->sandbox == REQUIRE);
}

/* The socket on which the service manager waits to hear how it goes (sd_notify(3)), or -1. */
static int find_manager(void) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    size_t len = path ? strlen(path) : 0;
    if (len == 0 || len > sizeof name.sun_path) return -1;
    memcpy(name.sun_path, path, len);
    if (*path == '@') name.sun_path[0] = '\0'; /* abstract */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 &&
        connect(fd, (struct sockaddr *)&name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 0)
        return fd;
    log_line("warning: NOTIFY_SOCKET ", path, ": ", strerror(errno), NULL);
    if (fd >= 0) close(fd);
    return -1;
}

static void tell_manager(const struct config *c, const char *text) {
    if (c->manager >= 0 && write(c->manager, text, strlen(text)) < 0)
        log_line("warning: NOTIFY_SOCKET: ", strerror(errno), NULL);
}

/* Where the access log goes. What may keep a writer waiting is opened once more, so that this process alone does not
 * wait: others may share the descriptor. */
static void open_log(struct config *c) {
    struct stat st;
    if (c->log == NOTHING) return;
    c->server.log = c->log_format == CLF ? ACCESS_CLF : ACCESS_JSON;
    c->server.log_fd = -1;
    if (fstat(STDOUT_FILENO, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
        c->server.log_fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (c->server.log_fd < 0) c->server.log_fd = STDOUT_FILENO;
    syscall(SYS_fcntl, c->server.log_fd, F_SETPIPE_SZ, LOG_PIPE_LEN); /* a reader may be slow for a moment */
}

static int prepare_counts(struct config *c) {
    c->api.version = JWTD_VERSION;
    c->api.libc = JWTD_LIBC;
    c->api.threads = c->server.loops + c->server.workers;
    c->api.counts = calloc(c->api.threads, sizeof *c->api.counts);
    return c->api.counts ? 0 : log_line("no memory for the counts", NULL);
}

/* Everything that may fail before the first request, in the order in which rights are given up. NULL: it did. */
static struct server *start(struct config *c, struct buffer *url) {
    struct {
        uint8_t index[16], throttle[16], addresses[16];
    } keys;
    c->server.compress = sha256_fastest(getauxval(AT_HWCAP));
    c->server.api = &c->api;
    c->server.trusted = c->trusted;
    c->server.origins = c->origins;
    c->server.loops = one_a_core(c->loops);
    c->server.workers = one_a_core(c->workers);
    c->api.started = time(NULL);
    c->api.ttl = c->ttl;
    c->api.leeway = (double)c->leeway;
    if (password_weaker(&c->api.cost, &password_default))
        log_line("warning: --hash is weaker than scrypt:32768:8:1", NULL);
    protect_key(&c->api.key);
    c->manager = find_manager(); /* before the rights to make a socket, and to see this one, are given up */
    open_log(c);
    c->given = listen_is_given();
    if (c->given && (c->server.listener = listen_take(&c->address, url)) < 0) return NULL;
    if (load_key(c) != 0) return NULL;
    if (!c->given && (c->server.listener = listen_open(c->listen, &c->address, url)) < 0) return NULL;
    if (c->user && sandbox_become(c->user) != 0) return NULL;
    if (getrandom(&keys, sizeof keys, 0) != sizeof keys) {
        log_line("getrandom: ", strerror(errno), NULL);
        return NULL;
    }
    c->api.users = users_open(c->users, c->server.compress, keys.index);
    if (c->api.users == NULL || users_compact(c->api.users) != 0) return NULL;
    if (c->throttle == ON && (c->api.throttle = throttle_new(c->server.compress, keys.throttle)) == NULL) {
        log_line("no memory for the throttle", NULL);
        return NULL;
    }
    if (prepare_counts(c) != 0) return NULL;
    c->server.address_limit = (unsigned)c->address_limit;
    memcpy(c->server.address_key, keys.addresses, sizeof keys.addresses);
    say_who_is_nobody(c);
    if (lock_in(c) != 0) return NULL;
    return server_start(&c->server);
}

/* Serves until a signal says that it is enough. */
static int serve(struct config *c) {
    char text[256];
    struct buffer url = { .at = text, .cap = sizeof text };
    sigset_t end;
    int signal_number;
    block_signals(&end);
    raise_descriptor_limit();
    struct server *server = start(c, &url);
    if (server == NULL) return EXIT_FAILURE;
    log_line("ready on ", text, NULL);
    tell_manager(c, "READY=1");
    while (sigwait(&end, &signal_number) != 0) continue;
    tell_manager(c, "STOPPING=1");
    if (!c->given) listen_close(&c->address); /* first: a successor may bind the same path while this one drains */
    int unfinished = server_stop(server);
    explicit_bzero(&c->api.key, sizeof c->api.key);
    if (unfinished) {
        log_line("not everything could be answered in time", NULL);
        _exit(EXIT_SUCCESS); /* threads still use what a return would free */
    }
    users_close(c->api.users);
    throttle_free(c->api.throttle);
    free(c->api.counts);
    return EXIT_SUCCESS;
}

static int manage_users(const struct config *c, char *const *words) {
    if (c->user && sandbox_become(c->user) != 0) return EXIT_FAILURE;
    return admin_run(words, c->users, sha256_fastest(getauxval(AT_HWCAP)), &c->api.cost);
}

static int check_health(const struct config *c, char *const *words) {
    if (*words == NULL) return health_check(c->listen, &c->address);
    log_line("healthcheck takes no \"", *words, "\" (see jwtd --help)", NULL);
    return 2;
}

int main(int argc, char **argv) {
    static struct config config;
    fill_standard_descriptors();
    signal(SIGXFSZ, SIG_IGN);
    if (read_environment(&config) != 0 || read_arguments(&config, argc, argv) != 0) return 2;
    return config.help      ? print_help()
           : config.version ? print_version()
           : config.words   ? find_command(argv[1])->run(&config, argv + 2)
                            : serve(&config);
}
