/* file.c - the directory of a path, and writing all of something. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

const char *file_directory(const char *path, char out[FILE_PATH_MAX]) {
    const char *slash = strrchr(path, '/');
    struct buffer b = { .at = out, .cap = FILE_PATH_MAX };
    put_bytes(&b, slash ? path : "./", slash ? (size_t)(slash - path) + 1 : 2);
    put_char(&b, '\0');
    return out;
}

int file_sync_directory(const char *path) {
    char name[FILE_PATH_MAX];
    int fd = open(file_directory(path, name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return -1;
    int result = fsync(fd) == 0 || errno == EINVAL ? 0 : -1; /* not every file system can */
    close(fd);
    return result;
}

int file_write(int fd, struct buffer *b) {
    size_t len = b->len;
    ssize_t n;
    for (b->len = 0; b->len < len; b->len += (size_t)n)
        if ((n = write(fd, b->at + b->len, len - b->len)) <= 0) return -1;
    b->len = 0;
    return 0;
}
