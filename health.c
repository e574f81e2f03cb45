/* health.c - asks a running jwtd how it is, as curl -f http://.../healthz would, and reads the answer. */
#include "health.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"

enum { SECONDS = 3 };

static int unwell(const char *text, const char *why, const char *more) {
    log_line("healthcheck: ", text, ": ", why, *more ? " " : "", more, NULL);
    return EXIT_FAILURE;
}

/* Ends the check, however slowly the bytes come. Does nothing that a signal handler may not. */
static void too_late(int number) {
    (void)number;
    log_line("healthcheck: no answer within 3 seconds", NULL);
    _exit(EXIT_FAILURE);
}

/* Works even where the parent has SIGALRM blocked, which is inherited. */
static void begin_to_wait(void) {
    sigset_t alarms;
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    signal(SIGALRM, too_late);
    sigprocmask(SIG_UNBLOCK, &alarms, NULL);
    alarm(SECONDS);
}

/* The answer, to its end; NUL-terminated. Empty: there is none. */
static void ask(int fd, char *answer, size_t cap) {
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    size_t len = 0;
    ssize_t n = send(fd, request, sizeof request - 1, MSG_NOSIGNAL);
    while (n > 0 && len < cap - 1 && (n = read(fd, answer + len, cap - 1 - len)) > 0) len += (size_t)n;
    answer[len] = '\0';
}

/* A server on 0.0.0.0 or [::] is reached by that address too: the kernel connects to the loopback address instead. */
int health_check(const char *text, const union listen_address *address) {
    char answer[2048];
    bool un = address->any.sa_family == AF_UNIX;
    const char *colon = strrchr(text, ':');
    if (!un && strcmp(colon, ":0") == 0) return unwell(text, "which port it got is not known:", "--listen names one");
    begin_to_wait();
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, &address->any, un ? sizeof address->un : sizeof address->storage) != 0)
        return unwell(text, strerror(errno), "");
    ask(fd, answer, sizeof answer);
    struct slice body = slice_of(answer), line = slice_cut(&body, '\n');
    while (line.len > 1) line = slice_cut(&body, '\n'); /* the fields, to the CR that ends them */
    if (strncmp(answer, "HTTP/1.1 200 ", 13) == 0 && slice_is(body, "{\"status\":\"ok\"}\n")) return EXIT_SUCCESS;
    size_t at = body.len > 0 ? (size_t)(body.at - answer) : strlen(answer);
    answer[at + strcspn(answer + at, "\n")] = '\0'; /* the body's first line, and the status line */
    answer[strcspn(answer, "\r\n")] = '\0';
    return unwell(text, *answer ? answer : "no answer", answer + at);
}
