/* listen_test.c - which addresses are accepted, and what becomes of the sockets: an address in use, a socket file that
 * a killed process left, a file that is no socket. */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "address.h"
#include "test.h"

#define X100 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void test_parse(void) {
    static const struct {
        const char *text, *address; /* NULL: refused */
        int port;
        bool loopback;
    } rows[] = {
        { "127.0.0.1:5000", "127.0.0.1", 5000, true },
        { "127.255.255.255:1", "127.255.255.255", 1, true },
        { "0.0.0.0:0", "0.0.0.0", 0, false },
        { "192.0.2.1:65535", "192.0.2.1", 65535, false },
        { "[::1]:80", "0000:0000:0000:0000:0000:0000:0000:0001", 80, true },
        { "[::]:80", "0000:0000:0000:0000:0000:0000:0000:0000", 80, false },
        { "[2001:db8::5]:443", "2001:0db8:0000:0000:0000:0000:0000:0005", 443, false },
        { "unix:/run/jwtd/socket", "-", -1, true },
        { "unix:a", "-", -1, true },
        { "unix:" X100 "/xxxxxx", "-", -1, true }, /* 107 bytes and a NUL */
        { "unix:" X100 "/xxxxxxx", NULL, 0, false },
        { "unix:", NULL, 0, false },
        { "", NULL, 0, false },
        { ":", NULL, 0, false },
        { ":80", NULL, 0, false },
        { "80", NULL, 0, false },
        { "127.0.0.1", NULL, 0, false },
        { "127.0.0.1:", NULL, 0, false },
        { "127.0.0.1:65536", NULL, 0, false },
        { "127.0.0.1:-1", NULL, 0, false },
        { "127.0.0.1: 1", NULL, 0, false },
        { "127.0.0.1:8o", NULL, 0, false },
        { "127.0.0.1:99999999999999999999", NULL, 0, false },
        { "127.1:80", NULL, 0, false },
        { "localhost:80", NULL, 0, false },
        { "[127.0.0.1]:80", NULL, 0, false },
        { "::1:80", NULL, 0, false },
        { "[::1]", NULL, 0, false },
        { "[]:80", NULL, 0, false },
        { "[::1:80", NULL, 0, false },
        { "::1]:80", NULL, 0, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        union listen_address a;
        char text[ADDRESS_TEXT_MAX] = "";
        bool taken = listen_parse(rows[i].text, &a) == 0;
        check(taken == (rows[i].address != NULL), "%s: %s", rows[i].text, taken ? "taken" : "refused");
        if (!taken || !rows[i].address) continue;
        struct address seen = address_of_socket(&a.any);
        int port = ntohs(((struct sockaddr_in6 *)(void *)&a)->sin6_port); /* lies where sin_port does */
        check(strcmp(address_text(&seen, text), rows[i].address) == 0, "%s: address %s", rows[i].text, text);
        check(rows[i].port < 0 ? strcmp(a.un.sun_path, rows[i].text + 5) == 0 : port == rows[i].port, "%s: port %d",
              rows[i].text, port);
        check(listen_is_loopback(&a) == rows[i].loopback, "%s: loopback", rows[i].text);
    }
}

/* The descriptor or -1; `said` gets what is said on descriptor 2, `url` where it listens. */
static char said[1024], url[256];

static int try_open(const char *text) {
    union listen_address a;
    struct buffer b = { .at = url, .cap = sizeof url };
    int ends[2], kept = dup(2);
    if (listen_parse(text, &a) != 0 || pipe2(ends, O_NONBLOCK) != 0 || dup2(ends[1], 2) < 0) exit(1);
    int fd = listen_open(text, &a, &b);
    ssize_t n = read(ends[0], said, sizeof said - 1);
    said[n > 0 ? n : 0] = '\0';
    dup2(kept, 2);
    close(kept);
    close(ends[0]);
    close(ends[1]);
    return fd;
}

static bool can_connect(const char *text) {
    union listen_address a;
    if (listen_parse(text, &a) != 0) return false;
    int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = connect(fd, &a.any, a.any.sa_family == AF_UNIX ? sizeof a.un : sizeof a.storage) == 0;
    close(fd);
    return connected;
}

static void test_tcp(const char *any_port, const char *before_port) {
    int fd = try_open(any_port);
    if (fd < 0 && strchr(any_port, '[') != NULL) return; /* a machine without IPv6 */
    size_t len = strlen(before_port);
    check(fd >= 0 && strncmp(url, before_port, len) == 0 && atoi(url + len) > 0, "%s: %s", any_port, url);
    check((fcntl(fd, F_GETFL) & O_NONBLOCK) && (fcntl(fd, F_GETFD) & FD_CLOEXEC), "%s: flags", any_port);
    char *taken = strdup(url + strlen("http://"));
    check(can_connect(taken), "%s: takes connections", taken);
    check(try_open(taken) < 0 && strstr(said, taken) && strstr(said, strerror(EADDRINUSE)), "in use: %s", said);
    close(fd);
    check(!can_connect(taken), "%s: closed", taken);
    fd = try_open(taken); /* although connections of the first one may still linger */
    check(fd >= 0, "%s again: %s", taken, said);
    close(fd);
    free(taken);
}

static bool is_socket(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

static void test_unix(void) {
    char directory[] = "/tmp/jwtd-listen-XXXXXX", text[64];
    union listen_address a;
    if (mkdtemp(directory) == NULL) exit(1);
    snprintf(text, sizeof text, "unix:%s/socket", directory);
    const char *path = text + 5;
    int fd = try_open(text);
    check(fd >= 0 && strcmp(url, text) == 0 && can_connect(text), "unix: %s", said);
    check(try_open(text) < 0 && strstr(said, path), "unix, in use: %s", said);
    check(can_connect(text), "unix: the first one goes on");
    close(fd);
    check(is_socket(path), "unix: a killed process leaves its socket");
    fd = try_open(text);
    check(fd >= 0 && can_connect(text), "unix: which is taken over: %s", said);
    check(listen_parse(text, &a) == 0, "unix: parsed");
    listen_close(&a);
    check(access(path, F_OK) != 0, "unix: removed at the end");
    close(fd);

    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    close(fd);
    check(try_open(text) < 0 && access(path, F_OK) == 0, "unix: a file that is no socket stays: %s", said);
    unlink(path);
    check(symlink("nowhere", path) == 0 && try_open(text) < 0 && unlink(path) == 0,
          "unix: a symbolic link is not followed");
    rmdir(directory);
    check(try_open(text) < 0 && strstr(said, strerror(ENOENT)), "unix: no directory: %s", said);
}

static int no_flock, flocks; /* the error; how often it was tried */

int flock(int fd, int operation) {
    flocks++;
    errno = no_flock;
    return no_flock ? -1 : (int)syscall(SYS_flock, fd, operation);
}

/* NFS locks what is open to be written to only. */
static void test_no_flock(void) {
    char text[] = "unix:/tmp/jwtd-listen-XXXXXX";
    union listen_address a;
    close(mkstemp(text + 5));
    unlink(text + 5);
    no_flock = EBADF;
    flocks = 0;
    int fd = listen_parse(text, &a) == 0 ? try_open(text) : -1;
    no_flock = 0;
    check(fd >= 0 && can_connect(text) && flocks == 1, "no locks: it listens at once: %s", said);
    close(fd);
    listen_close(&a);
}

/* Another one that starts at the same time has bound the path, and does not listen yet. */
static void test_at_once(void) {
    char directory[] = "/tmp/jwtd-listen-XXXXXX", text[64];
    union listen_address a;
    int bound[2], fd = -1, held;
    char byte;
    if (mkdtemp(directory) == NULL || pipe(bound) != 0) exit(1);
    snprintf(text, sizeof text, "unix:%s/socket", directory);
    check(listen_parse(text, &a) == 0, "at once: parsed");
    pid_t child = fork();
    if (child == 0) {
        held = open(directory, O_RDONLY | O_DIRECTORY);
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (flock(held, LOCK_EX) != 0 || bind(fd, &a.any, sizeof a.un) != 0 || write(bound[1], "x", 1) != 1) _exit(1);
        usleep(100 * 1000); /* in which who does not wait would take the path */
        listen(fd, 1);
        close(held);
        pause();
    }
    check(read(bound[0], &byte, 1) == 1, "at once: bound");
    check(try_open(text) < 0 && strstr(said, strerror(EADDRINUSE)), "at once: in use: %s", said);
    check(can_connect(text), "at once: the first one goes on");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    held = open(directory, O_RDONLY | O_DIRECTORY);
    check(flock(held, LOCK_EX) == 0 && (fd = try_open(text)) >= 0 && can_connect(text),
          "at once: who only holds the directory stops nobody: %s", said);
    close(held);
    close(fd);
    listen_close(&a);
    rmdir(directory);
}

/* What the service manager gives, as descriptor 3 (more in lifecycle.py: inherited, not_inherited). */
static void give(int fd, const char *count) {
    char pid[32];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", count, 1);
    dup2(fd, 3);
}

static void test_given(void) {
    char un[64];
    snprintf(un, sizeof un, "unix:/tmp/jwtd-listen-%d", (int)getpid());
    const char *rows[] = { "127.0.0.1:0", "[::1]:0", un };
    const char *begins[] = { "http://127.0.0.1:", "http://[0000:0000:0000:0000:0000:0000:0000:0001]:", un };
    union listen_address a;
    check(!listen_is_given(), "given: nothing yet");
    int kept = dup(3), fd;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if ((fd = try_open(rows[i])) < 0) continue; /* a machine without IPv6 */
        struct buffer b = { .at = url, .cap = sizeof url };
        fcntl(fd, F_SETFL, O_RDWR);
        give(fd, "1");
        check(listen_is_given() && listen_take(&a, &b) == 3, "given: %s", rows[i]);
        check(strncmp(url, begins[i], strlen(begins[i])) == 0 && listen_is_loopback(&a), "given: %s", url);
        check(fcntl(fd, F_GETFL) & O_NONBLOCK, "given: %s blocks", rows[i]);
        close(fd);
    }
    unlink(un + 5);
    give(kept >= 0 ? kept : 0, "1");
    struct buffer b = { .at = url, .cap = sizeof url };
    int quiet = dup(2);
    close(2);
    check(listen_is_given() && listen_take(&a, &b) < 0, "given: something that does not listen");
    dup2(quiet, 2);
    close(quiet);
    setenv("LISTEN_PID", "1", 1);
    check(!listen_is_given(), "given: to another process");
}

int main(void) {
    test_parse();
    test_tcp("127.0.0.1:0", "http://127.0.0.1:");
    test_tcp("[::1]:0", "http://[::1]:");
    check(try_open("192.0.2.1:0") < 0 && strstr(said, strerror(EADDRNOTAVAIL)), "not here: %s", said);
    test_unix();
    test_no_flock();
    test_at_once();
    test_given();
    return test_end();
}
