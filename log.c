/* log.c - lines on standard error, each in one piece however many threads speak. */
#include "log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <unistd.h>

#include "file.h"

int log_line(const char *text, ...) {
    int error = errno;
    char line[LOG_LINE_MAX];
    struct buffer b = { .at = line, .cap = sizeof line - 1 };
    va_list texts;
    va_start(texts, text);
    put_text(&b, "jwtd: ");
    for (; text; text = va_arg(texts, const char *)) put_bytes(&b, text, strnlen(text, LOG_TEXT_MAX));
    va_end(texts);
    for (size_t i = 0; i < b.len; i++)
        if ((uint8_t)line[i] < ' ' || line[i] == 0x7f) line[i] = '?';
    line[b.len] = '\n';
    /* if nobody reads, the line is lost: a full pipe must not stop the server */
    struct pollfd standard_error = { .fd = STDERR_FILENO, .events = POLLOUT };
    ssize_t written = poll(&standard_error, 1, 0) == 1 ? write(STDERR_FILENO, line, b.len + 1) : 0;
    (void)written;
    errno = error;
    return -1;
}

int log_print(struct buffer *b) {
    return file_write(STDOUT_FILENO, b) == 0 ? 0 : log_line("standard output: ", strerror(errno), NULL);
}

const char *log_decimal(uint64_t n, char text[LOG_DECIMAL]) {
    struct buffer b = { .at = text, .cap = LOG_DECIMAL - 1 };
    put_number(&b, n);
    text[b.len] = '\0';
    return text;
}
