/* file.h - what files need besides read(2) and write(2). Nothing is reported here: errno tells. */
#ifndef FILE_H
#define FILE_H

#include "bytes.h"

enum { FILE_PATH_MAX = 4096 + 16 }; /* bytes of a path with its NUL */

/* The directory in which `path` lies, with a slash at its end; in the caller's array. */
const char *file_directory(const char *path, char out[FILE_PATH_MAX]);

/* A name is on the disk only once its directory is. 0, or -1. */
int file_sync_directory(const char *path);

/* Writes all that is in the buffer and empties it. 0, or -1: b->len is how much of it was written. */
int file_write(int fd, struct buffer *b);

#endif
