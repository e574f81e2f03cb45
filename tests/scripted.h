/* scripted.h - a server that does as it is told, an act for each connection, and keeps what it was asked: an etcd that
 * fails as no real one can be made to. Include it once. */
#ifndef SCRIPTED_H
#define SCRIPTED_H

#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SCRIPTED_ACTS = 128, SCRIPTED_MAX = 64 * 1024 };

struct act {
    enum { ANSWER, BYTE_BY_BYTE, MADE_UP, RESET, SILENT } how; /* SILENT: until scripted_answer, or the end */
    const char *text;
    size_t len; /* 0: all of the text */
};

/* An answer that is MADE_UP of what was asked; set before the server starts. */
static const char *(*scripted_make)(const char *request);

/* What was asked is the server's thread's until it is stopped; how often, and who is held, may be looked at meanwhile. */
static struct scripted {
    int listener;
    uint16_t port;
    pthread_t thread;
    struct act acts[SCRIPTED_ACTS];
    char *requests[SCRIPTED_ACTS]; /* NUL-terminated */
    int planned, held[SCRIPTED_ACTS], holds;
    atomic_int played;
} scripted;

static inline void scripted_read(int fd, char *request) {
    size_t len = 0;
    ssize_t n;
    const char *end, *length;
    do {
        n = read(fd, request + len, SCRIPTED_MAX - 1 - len);
        request[len += n > 0 ? (size_t)n : 0] = '\0';
        end = strstr(request, "\r\n\r\n");
        length = strstr(request, "Content-Length: ");
    } while (n > 0 && (!end || !length || strlen(end + 4) < strtoul(length + 16, NULL, 10)));
}

static inline void *scripted_serve(void *unused) {
    int fd;
    while ((fd = accept(scripted.listener, NULL, NULL)) >= 0) {
        int i = scripted.played;
        struct act act = i < scripted.planned ? scripted.acts[i] : (struct act){ RESET, "", 0 };
        if (i < SCRIPTED_ACTS) scripted_read(fd, scripted.requests[i] = calloc(1, SCRIPTED_MAX));
        if (act.how == MADE_UP) act.text = scripted_make(scripted.requests[i]);
        if (act.len == 0) act.len = strlen(act.text);
        if (act.how == SILENT) scripted.held[scripted.holds++] = fd;
        scripted.played = i + 1;
        if (act.how == SILENT) continue;
        if (act.how == RESET) setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
        for (size_t at = 0, step = act.how == BYTE_BY_BYTE ? 1 : act.len; at < act.len && act.how != RESET; at += step)
            if (send(fd, act.text + at, step, MSG_NOSIGNAL) < 0) break;
        close(fd);
    }
    return unused;
}

/* Begins to listen, and plays these acts. */
static inline void scripted_start(const struct act *acts, int n) {
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof name;
    memset(&scripted, 0, sizeof scripted);
    if (n > 0) memcpy(scripted.acts, acts, (size_t)n * sizeof *acts);
    scripted.planned = n;
    scripted.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(scripted.listener, (struct sockaddr *)&name, sizeof name) != 0 || listen(scripted.listener, 16) != 0 ||
        getsockname(scripted.listener, (struct sockaddr *)&name, &len) != 0 ||
        pthread_create(&scripted.thread, NULL, scripted_serve, NULL) != 0) {
        perror("scripted");
        exit(1);
    }
    scripted.port = ntohs(name.sin_port);
}

/* Waits until so much was played; ten seconds at the most. */
static inline void scripted_wait(int played) {
    for (time_t until = time(NULL) + 10; scripted.played < played && time(NULL) < until;) sched_yield();
}

/* Answers the last one that is held. */
static inline void scripted_answer(const char *text) {
    int fd = scripted.held[--scripted.holds];
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0) perror("scripted");
    close(fd);
}

/* Whoever looks at what was asked stops it first: then nothing is written any more. */
static inline void scripted_stop(void) {
    shutdown(scripted.listener, SHUT_RDWR);
    pthread_join(scripted.thread, NULL);
    close(scripted.listener);
    for (int i = 0; i < scripted.holds; i++) close(scripted.held[i]);
}

static inline void scripted_forget(void) {
    for (int i = 0; i < SCRIPTED_ACTS; i++) free(scripted.requests[i]);
}

/* What stood behind the fields of a request. */
static inline const char *scripted_body(int i) {
    const char *end = i < scripted.played && scripted.requests[i] ? strstr(scripted.requests[i], "\r\n\r\n") : NULL;
    return end ? end + 4 : "nothing was asked";
}

#endif
