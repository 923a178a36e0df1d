#include "rpc/cli/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 65536 };

enum notch_err notch_file_error(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return NOTCH_ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
        return NOTCH_ERR_PERMISSION;
    case ENOSPC:
    case EDQUOT:
        return NOTCH_ERR_DISK_FULL;
    case EROFS:
        return NOTCH_ERR_READ_ONLY;
    case EEXIST:
        return NOTCH_ERR_EXISTS;
    default:
        return NOTCH_ERR_IO;
    }
}

static enum notch_err read_all(struct notch_buf *out, int fd, size_t max)
{
    size_t before = out->len;
    for (;;) {
        uint8_t *at = notch_buf_reserve(out, CHUNK);
        ssize_t got = read(fd, at, CHUNK);
        if (got == 0) {
            return NOTCH_OK;
        }
        if (got < 0 && errno != EINTR) {
            return notch_file_error(errno);
        }
        out->len += got > 0 ? (size_t)got : 0;
        if (out->len - before > max) {
            return NOTCH_ERR_SPACE;
        }
    }
}

enum notch_err notch_file_read(struct notch_buf *out, const char *path, size_t max)
{
    if (strcmp(path, "-") == 0) {
        return read_all(out, STDIN_FILENO, max);
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return notch_file_error(errno);
    }
    enum notch_err err = read_all(out, fd, max);
    (void)close(fd);
    return err;
}

void notch_file_first_line(struct notch_buf *buf)
{
    for (size_t i = 0; i < buf->len; i++) {
        if (buf->data[i] == '\n' || buf->data[i] == '\r') {
            buf->len = i;
        }
    }
}

static enum notch_err write_all(int fd, struct notch_bytes contents)
{
    size_t wrote = 0;
    while (wrote < contents.len) {
        ssize_t step = write(fd, contents.data + wrote, contents.len - wrote);
        if (step < 0 && errno != EINTR) {
            return notch_file_error(errno);
        }
        wrote += step > 0 ? (size_t)step : 0;
    }
    return NOTCH_OK;
}

/* rename() replaces; link() does not. */
static enum notch_err move(const char *from, const char *to, enum notch_file_mode mode)
{
    int failed = mode == NOTCH_FILE_REPLACE ? rename(from, to) : link(from, to);
    return failed != 0 ? notch_file_error(errno) : NOTCH_OK;
}

enum notch_err notch_file_write(const char *path, struct notch_bytes contents, unsigned permissions,
                                enum notch_file_mode mode)
{
    if (strcmp(path, "-") == 0) {
        return write_all(STDOUT_FILENO, contents);
    }
    size_t size = strlen(path) + sizeof ".XXXXXX";
    char *beside = notch_alloc(notch_alloc_heap(), size);
    (void)snprintf(beside, size, "%s.XXXXXX", path);
    enum notch_err err = NOTCH_OK;
    int fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0) {
        err = notch_file_error(errno);
    } else {
        err = fchmod(fd, permissions) != 0 ? notch_file_error(errno) : write_all(fd, contents);
        if (err == NOTCH_OK && fsync(fd) != 0) {
            err = notch_file_error(errno);
        }
        (void)close(fd);
        if (err == NOTCH_OK) {
            err = move(beside, path, mode);
        }
        if (err != NOTCH_OK || mode == NOTCH_FILE_KEEP) {
            (void)unlink(beside);
        }
    }
    notch_free(notch_alloc_heap(), beside, size);
    return err;
}
