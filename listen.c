/* listen.c - the listening socket: as --listen says, with the port that the kernel gave, or the service manager's.
 *
 * Refuses host names: what it listens on must not depend on somebody else's answer. */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "address.h"
#include "file.h"
#include "log.h"

int listen_parse(const char *text, union listen_address *address) {
    size_t len = strlen(text);
    memset(address, 0, sizeof *address);
    if (strncmp(text, "unix:", 5) != 0)
        return address_parse_socket((struct slice){ text, len }, &address->storage) < 0 ? -1 : 0;
    len -= 5;
    address->un.sun_family = AF_UNIX;
    memcpy(address->un.sun_path, text + 5, len < sizeof address->un.sun_path ? len : 0);
    return len > 0 && len < sizeof address->un.sun_path ? 0 : -1;
}

bool listen_is_loopback(const union listen_address *address) {
    struct address a = address_of_socket(&address->any);
    return !a.known || address_is_loopback(&a);
}

/* A socket file at which nobody answers is what a killed process left. */
static void remove_stale(const union listen_address *address) {
    struct stat st;
    if (lstat(address->un.sun_path, &st) != 0 || !S_ISSOCK(st.st_mode)) return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, &address->any, sizeof address->un) != 0 && errno == ECONNREFUSED) unlink(address->un.sun_path);
    close(fd);
}

/* Accepted sockets inherit these, but for the last: with it a connection comes to accept4 with its request, or after
 * about a second. That saves a connection with a single request about a third of the CPU (a useless read, epoll_ctl,
 * epoll_wait). Its price: a client that connects less than a second before a stop and sends nothing is not known here,
 * and learns of the end only once it sends; undoing the option then does not bring it sooner. */
static void set_options(int fd, bool un) {
    int one = 1, send_buffer = 64 * 1024; /* else a client that never reads may hold megabytes in the kernel */
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    if (un) return;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &one, sizeof one);
}

static int open_socket(const union listen_address *address) {
    bool un = address->any.sa_family == AF_UNIX;
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    set_options(fd, un);
    if (bind(fd, &address->any, un ? sizeof address->un : sizeof address->storage) == 0 &&
        listen(fd, LISTEN_BACKLOG) == 0)
        return fd;
    close(fd);
    return -1;
}

/* The address as it was given, with the port that it really got. */
static int put_url(int fd, const char *text, struct buffer *url) {
    struct sockaddr_storage name;
    socklen_t len = sizeof name;
    if (strncmp(text, "unix:", 5) == 0) {
        put_text(url, text);
    } else {
        if (getsockname(fd, (struct sockaddr *)&name, &len) != 0) return -1;
        put_text(url, "http://");
        put_bytes(url, text, (size_t)(strrchr(text, ':') + 1 - text));
        put_number(url, address_port(&name));
    }
    put_char(url, '\0');
    return url->overflow ? -1 : 0;
}

/* Of two servers that start at once the second must find that the first listens: one that removes a socket and binds
 * its path locks the directory. But it waits a second at most, since whoever may read the directory may lock it, and
 * goes on without a lock where the file system has none. */
static int hold_directory(const char *path) {
    const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
    char name[FILE_PATH_MAX];
    int fd = open(file_directory(path, name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int tries = 0; fd >= 0 && tries < 100 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK; tries++)
        nanosleep(&pause, NULL);
    return fd;
}

int listen_open(const char *text, const union listen_address *address, struct buffer *url) {
    bool un = address->any.sa_family == AF_UNIX;
    int held = un ? hold_directory(address->un.sun_path) : -1;
    if (un) remove_stale(address);
    int fd = open_socket(address);
    if (held >= 0) close(held);
    if (fd >= 0 && put_url(fd, text, url) == 0) return fd;
    return log_line("can't listen on ", text, ": ", strerror(errno), " (--listen names another address)", NULL);
}

/* ---- a socket that the service manager opened: sd_listen_fds(3) ---------- */

enum { GIVEN = 3 }; /* SD_LISTEN_FDS_START */

static bool is_number(const char *text, int64_t n) { return text && slice_decimal(slice_of(text)) == n; }

bool listen_is_given(void) { return getenv("LISTEN_FDS") && is_number(getenv("LISTEN_PID"), getpid()); }

static void put_given(const union listen_address *address, struct buffer *url) {
    bool brackets = address->any.sa_family == AF_INET6;
    const char *path = address->un.sun_path;
    char text[ADDRESS_TEXT_MAX];
    struct address a = address_of_socket(&address->any);
    if (a.known) {
        put_texts(url, brackets ? "http://[" : "http://", address_text(&a, text), brackets ? "]:" : ":", NULL);
        put_number(url, address_port(&address->storage));
    } else {
        put_texts(url, "unix:", *path ? path : "@", *path ? NULL : path + 1,
                  NULL); /* an abstract name begins with a NUL */
    }
    put_char(url, '\0');
}

int listen_take(union listen_address *address, struct buffer *url) {
    int listening = 0;
    socklen_t len = sizeof *address, option_len = sizeof listening;
    memset(address, 0, sizeof *address);
    getsockopt(GIVEN, SOL_SOCKET, SO_ACCEPTCONN, &listening, &option_len);
    getsockname(GIVEN, &address->any, &len);
    bool un = address->any.sa_family == AF_UNIX;
    if (!is_number(getenv("LISTEN_FDS"), 1) || !listening || (!un && !address_of_socket(&address->any).known))
        return log_line("LISTEN_FDS: there must be one socket, and it must listen", NULL);
    syscall(SYS_fcntl, GIVEN, F_SETFL, O_NONBLOCK); /* the call itself: musl's function has 400 bytes for locks */
    set_options(GIVEN, un);
    put_given(address, url);
    return GIVEN;
}

void listen_close(const union listen_address *address) {
    if (address->any.sa_family == AF_UNIX) unlink(address->un.sun_path);
}
