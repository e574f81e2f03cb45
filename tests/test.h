/* test.h - what every ROOM_test.c uses: counted checks, inputs that lie
 * against an unreadable page, and the closing line. Include it once. */
#ifndef TEST_H
#define TEST_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static unsigned test_passed, test_failed;

/* Counts one case; where it is wrong, says what was expected and where. */
__attribute__((format(printf, 4, 5))) static inline void check_at(const char *file, int line, int right,
                                                                  const char *format, ...)
{
    if (right) {
        test_passed++;
        return;
    }
    test_failed++;
    va_list arguments;
    va_start(arguments, format);
    printf("FAIL %s:%d: ", file, line);
    vprintf(format, arguments);
    printf("\n");
    fflush(stdout); /* the next case may crash */
    va_end(arguments);
}
#define check(right, ...) check_at(__FILE__, __LINE__, (right), __VA_ARGS__)

/* A copy of n bytes that ends where an unreadable page begins: reading one
 * byte too many is a SIGSEGV. Ended with guarded_free. */
static inline void *guarded(const void *bytes, size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (n + page - 1) / page * page;
    char *map = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect(map + room, page, PROT_NONE) != 0) {
        perror("guarded");
        exit(1);
    }
    if (n > 0)
        memcpy(map + room - n, bytes, n);
    return map + room - n;
}

static inline void guarded_free(void *bytes, size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (n + page - 1) / page * page;
    munmap((char *)bytes + n - room, room + page);
}

/* Two hex digits a byte into `out`; gives the number of bytes. */
static inline size_t unhex(const char *hex, uint8_t *out)
{
    size_t n = 0;
    for (; hex[0] && hex[1]; hex += 2)
        out[n++] = (uint8_t)strtoul((char[]){ hex[0], hex[1], 0 }, NULL, 16);
    return n;
}

/* The last line of every suite; the value that main returns. */
static inline int test_end(void)
{
    printf("%u passed, %u failed, 0 skipped\n", test_passed, test_failed);
    return test_failed != 0 || test_passed == 0;
}

#endif
