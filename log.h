/* log.h - what is said on standard error, and printed on standard output. */
#ifndef LOG_H
#define LOG_H

#include <stdint.h>

#include "bytes.h"

enum { LOG_LINE_MAX = 4096, LOG_TEXT_MAX = 3900, LOG_DECIMAL = 21 };

/* Writes one line, "jwtd: " and then the texts up to a NULL, with one write(2); a control character in them becomes
 * "?", so that no text can forge a line, and each text is cut off at LOG_TEXT_MAX, so that what follows one has room.
 * errno is kept. Gives -1, for `return log_line(...)`. */
__attribute__((sentinel)) int log_line(const char *text, ...);

/* Prints what is in the buffer and empties it. 0, or -1 with the reason said. */
int log_print(struct buffer *b);

/* The number as text, in the caller's array. */
const char *log_decimal(uint64_t n, char text[LOG_DECIMAL]);

#endif
