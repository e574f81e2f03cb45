/* durability_wrap.c - linked into a jwtd with -Wl,--wrap=malloc and so on: the Nth call of one of them fails.
 *
 *   DURABILITY_FAIL="calloc 3"   the third, once
 *   DURABILITY_FAIL="calloc 3+"  the third and all after it
 *
 * The first failure is reported on standard error. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *function = "";
static long nth;
static bool for_ever;
static atomic_long calls;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);

__attribute__((constructor)) static void read_environment(void) {
    const char *value = getenv("DURABILITY_FAIL"), *number = value ? strchr(value, ' ') : NULL;
    if (number == NULL) return;
    char *end;
    nth = strtol(number, &end, 10);
    for_ever = *end == '+';
    function = value;
}

static bool fails(const char *name) {
    static const char said[] = "wrap: a call fails\n";
    size_t len = strlen(name);
    if (strncmp(function, name, len) != 0 || function[len] != ' ') return false;
    long call = atomic_fetch_add(&calls, 1) + 1;
    if (call == nth && write(STDERR_FILENO, said, sizeof said - 1) < 0) _exit(3);
    return for_ever ? call >= nth : call == nth;
}

void *__wrap_malloc(size_t size) {
    if (!fails("malloc")) return __real_malloc(size);
    errno = ENOMEM;
    return NULL;
}

void *__wrap_calloc(size_t n, size_t size) {
    if (!fails("calloc")) return __real_calloc(n, size);
    errno = ENOMEM;
    return NULL;
}

void *__wrap_realloc(void *p, size_t size) {
    if (!fails("realloc")) return __real_realloc(p, size);
    errno = ENOMEM;
    return NULL;
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
    return fails("pthread_create") ? EAGAIN : __real_pthread_create(thread, attributes, run, argument);
}
