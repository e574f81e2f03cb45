/* fuzz.h - what the entries share: libFuzzer's contract, and a property that must hold. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void must(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

/* A copy in memory of its own, so that reading one byte too many is seen. */
static inline char *copy_of(const uint8_t *data, size_t size) {
    char *copy = malloc(size ? size : 1);
    if (copy == NULL) exit(0);
    if (size > 0) memcpy(copy, data, size);
    return copy;
}

#endif
