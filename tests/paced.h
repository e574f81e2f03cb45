/* paced.h - for a room that is included behind it, time goes by as fast as the test wants: slowly, so that no machine is
 * too busy to answer in time, or fast where time is to pass. */
#ifndef PACED_H
#define PACED_H

#include <poll.h>
#include <stdint.h>
#include <time.h>

enum { SLOW = 100, FAST = 4000 }; /* thousandths: its seconds in a second */
static unsigned pace = SLOW;

static inline int paced_clock(clockid_t id, struct timespec *t)
{
    int result = clock_gettime(id, t);
    uint64_t ms = ((uint64_t)t->tv_sec * 1000 + (uint64_t)t->tv_nsec / 1000000) * pace / 1000;
    *t = (struct timespec){ .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };
    return result;
}

#define clock_gettime paced_clock
#define poll(fds, n, ms) poll(fds, n, (int)((unsigned)(ms) * 1000 / pace))
#define nanosleep(t, rest) nanosleep(&(struct timespec){ .tv_nsec = (t)->tv_nsec / 4 }, rest)

#endif
