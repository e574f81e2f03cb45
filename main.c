/* main.c - the command line, the configuration, start and stop.
 *
 * Every option is a row of one table: its name, its environment variable and its default, what --help says of
 * it, and how its value is read. The environment wins over the default, the command line over both.
 *
 * Exit status: 0 after SIGTERM or SIGINT; 1 where it can't start, with the reason; 2 for wrong usage. That of
 * `jwtd user`: admin.h; of `jwtd token`: token.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "admin.h"
#include "file.h"
#include "health.h"
#include "keys.h"
#include "listen.h"
#include "log.h"
#include "sandbox.h"
#include "server.h"
#include "token.h"

enum {
    PATH_LEN_MAX = 4096,
    THREADS_MAX = 256,
    PROXIES_MAX = 16,
    LOG_PIPE_LEN = 1024 * 1024, /* what everybody may have (/proc/sys/fs/pipe-max-size) */
    ORIGINS_MAX = 16,
};

struct config {
    struct server_config server;
    struct api api;
    struct server *running;
    int64_t leeway, loops, workers; /* as they were asked for */
    char users[PATH_LEN_MAX], secret_file[PATH_LEN_MAX];
    struct vault *vault;
    size_t vault_len;
    const char *listen, *user, *token_file;
    union listen_address address;
    struct network trusted[PROXIES_MAX];
    struct slice origins[ORIGINS_MAX];
    enum { ON, OFF, REQUIRE } throttle, sandbox; /* as in their rows */
    enum { NOTHING, ACCESS } log;
    enum { CLF, JSON } log_format;
    bool given; /* the socket is the service manager's */
    int manager;
    bool ttl_chosen; /* on the command line */
    int changes;     /* tells of what happens to the accounts' file, or -1 */
    bool help, version;
    int words; /* arguments that are no options, moved to the front of argv */
};

/* All that is known of the keys, in memory that is neither swapped out nor dumped. */
struct vault {
    struct api_keys shared;
    struct jwt_keys fresh; /* as they come from the file */
    struct api_copy copies[];
};

/* ---- options ---------------------------------------------------------- */

enum kind { ADDRESS, PATH, NUMBER, COST, NETWORKS, ORIGINS, CHOICE, FIELD_NAME, TEXT, FLAG, NOT_AN_OPTION };

static const struct option {
    const char *name, *argument, *environment, *fallback;
    enum kind kind;
    size_t at;        /* of its value in struct config; a CHOICE is the index of its word in `argument`: 0, 1, ... */
    int64_t min, max; /* of a NUMBER */
    const char *help;
} options[] = {
#define AT(member) offsetof(struct config, member)
    { "--listen", "ADDR:PORT", "JWTD_LISTEN", "127.0.0.1:5000", ADDRESS, 0, 0, 0,
      "IPv4, [IPv6] or unix:PATH; port 0 picks a free one" },
    { "--users", "FILE", "JWTD_USERS", "users.jsonl", PATH, AT(users), 0, 0,
      "the accounts, or etcd://ADDR:PORT[,ADDR:PORT]...[/PREFIX]" },
    { NULL, NULL, "JWTD_ETCD_USER", NULL, NOT_AN_OPTION, 0, 0, 0, "who logs in to that etcd; nobody if it is missing" },
    { NULL, NULL, "JWTD_ETCD_PASSWORD", NULL, NOT_AN_OPTION, 0, 0, 0, "that user's password; never an argument" },
    { "--secret-file", "FILE", "JWTD_SECRET_FILE", "jwtd.secret", PATH, AT(secret_file), 0, 0,
      "the keys, one a line, the first signs; made if missing" },
    { NULL, NULL, "JWTD_SECRET", NULL, NOT_AN_OPTION, 0, 0, 0,
      "the key itself; wins over the file; never an argument" },
    { "--ttl", "SECONDS", "JWTD_TTL", "3600", NUMBER, AT(api.ttl), 1, 3153600000, "how long a token is valid" },
    { "--leeway", "SECONDS", "JWTD_LEEWAY", "0", NUMBER, AT(leeway), 0, 3600, "how wrong other clocks may be" },
    { "--hash", "METHOD", "JWTD_HASH", "scrypt:32768:8:1", COST, 0, 0, 0,
      "scrypt:N:r:p or pbkdf2:sha256:N, for new passwords" },
    { "--loops", "N", "JWTD_LOOPS", "0", NUMBER, AT(loops), 0, THREADS_MAX, "event loops; 0: one per core" },
    { "--workers", "N", "JWTD_WORKERS", "0", NUMBER, AT(workers), 0, THREADS_MAX, "hashing threads; 0: one per core" },
    { "--address-limit", "N", "JWTD_ADDRESS_LIMIT", "0", NUMBER, AT(server.address_limit), 0, 1000000,
      "connections that an address may hold; 0: any number" },
    { "--throttle", "on|off", "JWTD_THROTTLE", "on", CHOICE, AT(throttle), 0, 0, "slow down failing log-ins" },
    { "--trusted-proxy", "CIDR", "JWTD_TRUSTED_PROXY", NULL, NETWORKS, 0, 0, 0,
      "whose X-Forwarded-For is believed; repeatable" },
    { "--uniform-errors", NULL, "JWTD_UNIFORM_ERRORS", NULL, FLAG, AT(api.uniform_errors), 0, 0,
      "do not tell an unknown name from a wrong password" },
    { "--register", "open|closed|first", "JWTD_REGISTER", "open", CHOICE, AT(api.registration), 0, 0,
      "who may register: all, nobody, or the first until there has been an account" },
    { "--cors", "ORIGIN", "JWTD_CORS", NULL, ORIGINS, 0, 0, 0, "whose scripts may read the answers, or *; repeatable" },
    { "--cookie", NULL, "JWTD_COOKIE", NULL, FLAG, AT(api.cookie), 0, 0,
      "for browsers: forms are accepted, and a log-in sets a cookie, which is accepted as a token" },
    { "--insecure-cookie", NULL, "JWTD_INSECURE_COOKIE", NULL, FLAG, AT(api.insecure_cookie), 0, 0,
      "the same, and the cookie goes over plain HTTP too" },
    { "--user-header", "NAME", "JWTD_USER_HEADER", "Remote-User", FIELD_NAME, AT(api.user_header), 0, 0,
      "the field in which /verify names the user" },
    { "--user", "USER", "JWTD_USER", NULL, TEXT, AT(user), 0, 0, "a name, UID or UID:GID to become after binding" },
    { "--sandbox", "on|off|require", "JWTD_SANDBOX", "on", CHOICE, AT(sandbox), 0, 0,
      "give up what serving does not need" },
    { "--log", "off|access", "JWTD_LOG", "off", CHOICE, AT(log), 0, 0,
      "access: a line on standard output for each request" },
    { "--log-format", "clf|json", "JWTD_LOG_FORMAT", "clf", CHOICE, AT(log_format), 0, 0,
      "the format of these lines: the Common Log Format, or JSON" },
    { "--token-file", "FILE", NULL, NULL, TEXT, AT(token_file), 0, 0,
      "the token for token verify and explain; else standard input" },
    { "--help", NULL, NULL, NULL, FLAG, AT(help), 0, 0, "this" },
    { "--version", NULL, NULL, NULL, FLAG, AT(version), 0, 0, "version, target and libc" },
#undef AT
};
enum { OPTIONS = sizeof options / sizeof *options };

/* Comma-separated addresses or networks, added to those that are there already. */
static const char *read_networks(struct config *c, struct slice list) {
    while (list.at != NULL)
        if (c->server.trusted_count == PROXIES_MAX ||
            network_parse(slice_cut(&list, ','), &c->trusted[c->server.trusted_count++]) != 0)
            return "it takes ADDRESS or ADDRESS/BITS, sixteen at the most";
    return NULL;
}

/* Comma-separated origins, likewise; the value must last. */
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
    case FIELD_NAME:
        if (!http_is_free_name(slice_of(value))) return "it takes the name of a field that has no other meaning here";
        memcpy(at, &value, sizeof value);
        return NULL;
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
    put_texts(b, first ? first : "", second ? " " : NULL, second, NULL);
    while (b->len < end && !b->overflow) put_char(b, ' ');
}

static int print_help(void) {
    char text[4096];
    struct buffer b = { .at = text, .cap = sizeof text };
    put_text(&b, "jwtd: accounts, log-in and JSON Web Tokens over HTTP\n\n"
                 "usage: jwtd [OPTION VALUE]...\n"
                 "       jwtd healthcheck [OPTION VALUE]...\n"
                 "       jwtd user add NAME | passwd NAME | logout NAME | delete NAME | list | export | import [FILE] "
                 "[OPTION VALUE]...\n"
                 "       jwtd secret new | rotate [OPTION VALUE]...\n"
                 "       jwtd token issue NAME | verify | explain [OPTION VALUE]...\n\n");
    for (const struct option *o = options; o < options + OPTIONS; o++) {
        put_text(&b, "  ");
        put_column(&b, 29, o->name, o->argument);
        put_column(&b, 21, o->environment, NULL);
        put_texts(&b, o->help, o->fallback ? " [" : NULL, o->fallback, "]", NULL);
        put_char(&b, '\n');
    }
    put_text(&b, "\nThe default files lie in $STATE_DIRECTORY, else in the current directory.\n");
    return log_print(&b) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int print_version(void) {
    char text[256];
    struct buffer b = { .at = text, .cap = sizeof text };
    put_texts(&b, "jwtd " JWTD_VERSION ", " JWTD_TARGET ", " JWTD_LIBC ", ", sandbox_parts, "\n", NULL);
    return log_print(&b) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int set_option(struct config *c, const struct option *o, const char *name, const char *value) {
    const char *wrong = read_value(c, o, value);
    return wrong ? log_line(name, " \"", value, "\" is not usable: ", wrong, " (see jwtd --help)", NULL) : 0;
}

/* A default is taken as it stands (what it points to must last), but a file's is put in the state directory. */
static int set_default(struct config *c, const struct option *o) {
    char path[PATH_LEN_MAX];
    struct buffer b = { .at = path, .cap = sizeof path };
    const char *directory = getenv("STATE_DIRECTORY");
    if (o->kind != PATH || !directory || !*directory) return set_option(c, o, o->name, o->fallback);
    put_bytes(&b, directory, strcspn(directory, ":"));
    put_texts(&b, "/", o->fallback, NULL);
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

/* ---- the keys --------------------------------------------------------- */

/* Loads the one key of JWTD_SECRET, or the keys of the file: their number, or -1 with the reason said, followed by
 * `mend`. */
static int load_keys(const struct config *c, struct jwt_keys *keys, bool make, const char *mend) {
    struct keys_file file = { c->secret_file, mend, make, listen_is_loopback(&c->address), c->server.compress };
    char *environment = getenv("JWTD_SECRET");
    int n = environment ? 1 + keys_take(&file, slice_of(environment), &keys->key[0])
                        : keys_load(&file, keys->key, JWT_KEYS_MAX);
    keys->count = n > 0 ? (unsigned)n : 0;
    if (environment) explicit_bzero(environment, strlen(environment));
    return n > 0 ? n : -1;
}

/* Room for the keys and each thread's copy of them, neither swapped out nor dumped. */
static int open_vault(struct config *c) {
    size_t n = c->server.loops + c->server.workers;
    c->vault_len = sizeof *c->vault + n * sizeof *c->vault->copies;
    c->vault = mmap(NULL, c->vault_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (c->vault == MAP_FAILED) return log_line("no memory for the keys", NULL);
    if (mlock(c->vault, c->vault_len) != 0) log_line("the keys can't be locked in memory: ", strerror(errno), NULL);
    madvise(c->vault, c->vault_len, MADV_DONTDUMP);
    pthread_mutex_init(&c->vault->shared.lock, NULL);
    c->api.keys = &c->vault->shared;
    c->server.copies = c->vault->copies;
    return 0;
}

/* Gives all threads the keys as they are now: their number, or -1 and nothing has changed. */
static int fill_vault(struct config *c, bool make, const char *mend) {
    struct jwt_keys *fresh = &c->vault->fresh;
    int result = load_keys(c, fresh, make, mend);
    if (result > 0) api_set_keys(&c->vault->shared, fresh);
    explicit_bzero(fresh, sizeof *fresh);
    return result;
}

/* What SIGHUP asks for. */
static void reload_keys(struct config *c) {
    char number[LOG_DECIMAL];
    bool given = getenv("JWTD_SECRET") != NULL;
    int n = given ? -1 : fill_vault(c, false, "; the keys in use stay");
    if (given) log_line("there is nothing to reload: the key is that of JWTD_SECRET", NULL);
    if (n > 0) log_line("keys reloaded: ", log_decimal((uint64_t)n, number), NULL);
}

/* ---- start and stop --------------------------------------------------- */

/* A socket must not become descriptor 2 and have log lines written to it: whichever of 0, 1 and 2 is
 * closed is filled with something that can't be written to. */
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

static void say_who_is_nobody(const struct config *c) {
    if (c->api.throttle && c->server.trusted_count == 0 && listen_is_loopback(&c->address))
        log_line("note: clients of a loopback address or unix socket have no address of their own here; behind a "
                 "proxy, --trusted-proxy says whose X-Forwarded-For is believed",
                 NULL);
}

/* A descriptor that becomes readable when a signal comes that main waits for. */
static int take_signals(sigset_t *awaited) {
    sigemptyset(awaited);
    sigaddset(awaited, SIGTERM);
    sigaddset(awaited, SIGINT);
    sigaddset(awaited, SIGHUP);
    pthread_sigmask(SIG_BLOCK, awaited, NULL); /* before the threads, which inherit it */
    signal(SIGPIPE, SIG_IGN);
    int fd = signalfd(-1, awaited, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0) log_line("signalfd: ", strerror(errno), NULL);
    return fd;
}

/* What a serving process still needs: where the accounts are; to read a new key file beside the old one and, where
 * that is a link, beside its target (if its user can see them at all); and to remove its socket. */
static int lock_in(const struct config *c) {
    char secret[FILE_PATH_MAX], target[FILE_PATH_MAX], socket[FILE_PATH_MAX];
    struct sandbox_grant grants[4 + USERS_PORTS_MAX];
    struct users_needs users;
    size_t n = 0;
    users_needs(c->api.users, &users);
    if (*users.directory) grants[n++] = (struct sandbox_grant){ SANDBOX_READ_WRITE, .path = users.directory };
    for (size_t i = 0; i < users.port_count; i++)
        grants[n++] = (struct sandbox_grant){ SANDBOX_CONNECT, .port = users.ports[i] };
    if (!getenv("JWTD_SECRET") && access(file_directory(c->secret_file, secret), F_OK) == 0)
        grants[n++] = (struct sandbox_grant){ SANDBOX_READ, .path = secret };
    char *real = getenv("JWTD_SECRET") ? NULL : realpath(c->secret_file, NULL); /* where a link leads to */
    if (real) grants[n++] = (struct sandbox_grant){ SANDBOX_READ, .path = file_directory(real, target) };
    free(real);
    if (c->address.any.sa_family == AF_UNIX && !c->given)
        grants[n++] = (struct sandbox_grant){ SANDBOX_REMOVE, .path = file_directory(c->address.un.sun_path, socket) };
    return c->sandbox == OFF ? 0 : sandbox_enter(grants, n, c->sandbox == REQUIRE);
}

/* The socket on which the service manager waits for news of this process (sd_notify(3)), or -1. */
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

/* What may keep a writer waiting is opened once more, so that not waiting is set for this process alone: others may
 * share the descriptor. -1: it need not be opened, or can't be. */
static int open_again(int fd, const char *path) {
    struct stat st;
    return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
               ? open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
               : -1;
}

/* Where the access log goes, and all other lines, without waiting: of several threads that saw room for one line in a
 * pipe, one would get it and the others wait for ever. */
static void open_log(struct config *c) {
    int fd = open_again(STDERR_FILENO, "/proc/self/fd/2");
    if (fd >= 0) dup2(fd, STDERR_FILENO);
    if (fd >= 0) close(fd);
    if (c->log == NOTHING) return;
    c->server.log = c->log_format == CLF ? ACCESS_CLF : ACCESS_JSON;
    c->server.log_fd = open_again(STDOUT_FILENO, "/proc/self/fd/1");
    if (c->server.log_fd < 0) c->server.log_fd = STDOUT_FILENO;
    syscall(SYS_fcntl, c->server.log_fd, F_SETPIPE_SZ, LOG_PIPE_LEN); /* a reader may be slow for a moment */
}

/* Everything that may fail before the first request, in the order in which rights are given up. 0, or -1 with the
 * reason said. */
static int start(struct config *c, struct buffer *url) {
    struct {
        uint8_t index[16], throttle[16], addresses[16];
    } keys;
    c->server.loops = one_a_core(c->loops);
    c->server.workers = one_a_core(c->workers);
    c->api.started = time(NULL);
    c->api.began = api_nanoseconds();
    page_init(&c->api.page, c->server.compress, page_html);
    c->api.leeway = (double)c->leeway;
    c->api.cookie |= c->api.insecure_cookie;
    if (password_weaker(&c->api.cost, &password_default))
        log_line("warning: --hash is weaker than scrypt:32768:8:1", NULL);
    if (open_vault(c) != 0) return -1;
    api_watch_clock(c->api.keys, (double)time(NULL));
    c->manager = find_manager(); /* before the rights to make a socket, and to see this one, are given up */
    open_log(c);
    c->given = listen_is_given();
    if (c->given && (c->server.listener = listen_take(&c->address, url)) < 0) return -1;
    if (fill_vault(c, true, " (--secret-file names another file)") < 0) return -1;
    if (!c->given && (c->server.listener = listen_open(c->listen, &c->address, url)) < 0) return -1;
    if (c->user && sandbox_become(c->user) != 0) return -1;
    if (getrandom(&keys, sizeof keys, 0) != sizeof keys) return log_line("getrandom: ", strerror(errno), NULL);
    c->api.users = users_open(c->users, c->server.compress, keys.index, c->api.ttl);
    if (c->api.users == NULL || users_compact(c->api.users) != 0) return -1;
    c->changes = users_watch(c->api.users);
    if (c->throttle == ON && (c->api.throttle = throttle_new(c->server.compress, keys.throttle)) == NULL)
        return log_line("no memory for the throttle", NULL);
    c->api.threads = c->server.loops + c->server.workers;
    c->api.counts = calloc(c->api.threads, sizeof *c->api.counts);
    if (c->api.counts == NULL) return log_line("no memory for the counts", NULL);
    memcpy(c->server.address_key, keys.addresses, sizeof keys.addresses);
    say_who_is_nobody(c);
    if (lock_in(c) != 0) return -1;
    c->running = server_start(&c->server);
    return c->running ? 0 : -1;
}

/* Until a signal ends it, keys are read again when another says so, and other processes' changes to the accounts are
 * taken up as soon as they are made. */
static void wait_for_end(struct config *c, int signals, const sigset_t *awaited) {
    enum { AT_IT_MS = 100, UNWATCHED_MS = 1000 };
    struct timespec wait = { 0, 0 };
    char events[4096];
    bool at_it = true; /* what was written before the watch began is to be read, too */
    struct pollfd fds[] = { { .fd = signals, .events = POLLIN }, { .fd = c->changes, .events = POLLIN } };
    for (;;) {
        int told = sigtimedwait(awaited, NULL, &wait);
        if (told > 0 && told != SIGHUP) return;
        if (told > 0) reload_keys(c);
        /* one read only: others may write beside the accounts faster than this reads */
        bool changed = c->changes < 0 || read(c->changes, events, sizeof events) > 0;
        if (changed || at_it) at_it = users_refresh(c->api.users) != 0;
        bool polled = poll(fds, 2, at_it ? AT_IT_MS : c->changes >= 0 ? -1 : UNWATCHED_MS) >= 0;
        wait.tv_nsec = polled ? 0 : 1000000L * AT_IT_MS; /* where poll fails, this must not spin */
    }
}

/* Serves until a signal ends it. */
static int serve(struct config *c) {
    char text[256];
    struct buffer url = { .at = text, .cap = sizeof text };
    sigset_t awaited;
    int signals = take_signals(&awaited);
    if (signals < 0) return EXIT_FAILURE;
    raise_descriptor_limit();
    if (start(c, &url) != 0) return EXIT_FAILURE;
    log_line("ready on ", text, NULL);
    tell_manager(c, "READY=1");
    wait_for_end(c, signals, &awaited);
    tell_manager(c, "STOPPING=1");
    if (!c->given) listen_close(&c->address); /* first: a successor may bind the same path while this one drains */
    int unfinished = server_stop(c->running);
    explicit_bzero(c->vault, c->vault_len);
    if (unfinished) {
        log_line("not everything could be answered in time", NULL);
        _exit(EXIT_SUCCESS); /* threads still use what a return would free */
    }
    users_close(c->api.users);
    throttle_free(c->api.throttle);
    free(c->api.counts);
    return EXIT_SUCCESS;
}

/* ---- commands --------------------------------------------------------- */

static int manage_users(const struct config *c, char *const *words) {
    if (c->user && sandbox_become(c->user) != 0) return EXIT_FAILURE;
    return admin_run(words, c->users, c->server.compress, &c->api.cost, c->api.ttl);
}

static int check_health(const struct config *c, char *const *words) {
    if (*words == NULL) return health_check(c->listen, &c->address);
    log_line("healthcheck takes no \"", *words, "\" (see jwtd --help)", NULL);
    return 2;
}

static int manage_secret(const struct config *c, char *const *words) {
    bool new = words[0] && strcmp(words[0], "new") == 0, there = false;
    if (!words[0] || words[1] || !(new || strcmp(words[0], "rotate") == 0)) {
        log_line("it is jwtd secret new or rotate (see jwtd --help)", NULL);
        return 2;
    }
    if (c->user && sandbox_become(c->user) != 0) return EXIT_FAILURE;
    int result = new ? keys_make(c->secret_file, &there) : keys_rotate(c->secret_file, JWT_KEYS_MAX);
    if (there) result = log_line(c->secret_file, " is there already: jwtd secret rotate puts a new key into it", NULL);
    if (result == 0 && !new)
        log_line("a new key signs once the server has been told: kill -HUP its process, or systemctl reload jwtd",
                 NULL);
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int manage_tokens(const struct config *c, char *const *words) {
    struct jwt_keys keys;
    struct token_config token = { .keys = &keys,
                                  .users = c->users,
                                  .compress = c->server.compress,
                                  .ttl = c->api.ttl,
                                  .ttl_chosen = c->ttl_chosen,
                                  .leeway = (double)c->leeway,
                                  .file = c->token_file };
    if (!token_words(words)) return 2;
    if (c->user && sandbox_become(c->user) != 0) return EXIT_FAILURE;
    if (load_keys(c, &keys, false, " (--secret-file names another file)") < 0) return EXIT_FAILURE;
    int result = token_run(words, &token);
    explicit_bzero(&keys, sizeof keys);
    return result;
}

/* ---- the command line -------------------------------------------------- */

/* What `jwtd WORD ...` does instead of serving: its exit status. `words` are those after WORD, NULL at their end. */
static const struct command {
    const char *word;
    int (*run)(const struct config *c, char *const *words);
} commands[] = {
    { "user", manage_users },
    { "healthcheck", check_health },
    { "secret", manage_secret },
    { "token", manage_tokens },
};

static const struct command *find_command(const char *word) {
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(word, commands[i].word) == 0) return &commands[i];
    return NULL;
}

/* Options are --name VALUE, --name=VALUE or, where they take none, --name. A command's words may stand between them;
 * everything after `--` is a word. */
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
        c->ttl_chosen |= o->at == offsetof(struct config, api.ttl);
    }
    if (c->token_file && (c->words < 2 || strcmp(argv[1], "token") != 0 || strcmp(argv[2], "issue") == 0))
        return log_line("--token-file is for jwtd token verify and explain (see jwtd --help)", NULL);
    if (c->words > 0) argv[c->words + 1] = NULL; /* as argv[argc] is */
    return 0;
}

int main(int argc, char **argv) {
    static struct config config;
    config.server = (struct server_config){ .compress = sha256_fastest(getauxval(AT_HWCAP)),
                                            .api = &config.api,
                                            .trusted = config.trusted,
                                            .origins = config.origins };
    config.api.version = JWTD_VERSION;
    config.api.libc = JWTD_LIBC;
    fill_standard_descriptors();
    signal(SIGXFSZ, SIG_IGN);
    if (read_environment(&config) != 0 || read_arguments(&config, argc, argv) != 0) return 2;
    return config.help      ? print_help()
           : config.version ? print_version()
           : config.words   ? find_command(argv[1])->run(&config, argv + 2)
                            : serve(&config);
}
