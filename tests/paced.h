/* paced.h - for a room that is included behind it, time goes by as fast as the test wants: slowly, so that no machine is
 * too busy to answer in time, or fast where time is to pass, or in pauses only, where it must be the same each time. */
#ifndef PACED_H
#define PACED_H

#include <poll.h>
#include <stdint.h>
#include <time.h>

enum { STILL = 0, SLOW = 100, FAST = 4000 }; /* thousandths: its seconds in a second */
static unsigned pace = SLOW;
static uint64_t still_ms;
static unsigned long paused; /* how often it has slept */

static inline int paced_clock(clockid_t id, struct timespec *t)
{
    int result = clock_gettime(id, t);
    uint64_t ms = ((uint64_t)t->tv_sec * 1000 + (uint64_t)t->tv_nsec / 1000000) * pace / 1000;
    if (pace == STILL) ms = still_ms;
    *t = (struct timespec){ .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };
    return result;
}

static inline int paced_sleep(const struct timespec *t, struct timespec *rest)
{
    paused++;
    if (pace != STILL) return nanosleep(&(struct timespec){ .tv_nsec = t->tv_nsec / 4 }, rest);
    still_ms += (uint64_t)t->tv_nsec / 1000000;
    return 0;
}

#define clock_gettime paced_clock
#define poll(fds, n, ms) poll(fds, n, (int)((unsigned)(ms) * 1000 / (pace ? pace : SLOW)))
#define nanosleep paced_sleep

#endif
