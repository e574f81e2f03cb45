/* late_clock.c - linked into a jwtd before libc: its clock is LATE seconds ahead, however many; without LATE, as
 * many as its standard input, a file, says at each call. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long long late(void) {
    char text[24] = "";
    const char *fixed = getenv("LATE");
    return fixed || pread(STDIN_FILENO, text, sizeof text - 1, 0) <= 0 ? atoll(fixed ? fixed : "") : atoll(text);
}

int clock_gettime(clockid_t clock, struct timespec *t) {
#ifdef SYS_clock_gettime64 /* of 32 bits */
    int result = (int)syscall(SYS_clock_gettime64, clock, t);
#else
    int result = (int)syscall(SYS_clock_gettime, clock, t);
#endif
    if (result == 0 && clock == CLOCK_REALTIME) t->tv_sec += (time_t)late();
    return result;
}

time_t time(time_t *t) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (t) *t = now.tv_sec;
    return now.tv_sec;
}
