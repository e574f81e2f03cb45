/* log.h - what is said on standard error. */
#ifndef LOG_H
#define LOG_H

#include <stdint.h>

enum { LOG_LINE_MAX = 4096, LOG_DECIMAL = 21 };

/* Writes one line, "jwtd: " and then the texts up to a NULL, with one write(2); a control character among them
 * becomes "?", so that no text can forge a line. errno is kept. Gives -1, for `return log_line(...)`. */
__attribute__((sentinel)) int log_line(const char *text, ...);

/* The number as text, in the caller's array. */
const char *log_decimal(uint64_t n, char text[LOG_DECIMAL]);

#endif
