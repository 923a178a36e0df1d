#include "chain/io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int system_open(void *self, const char *path, enum notch_file_mode mode)
{
    (void)self;
    int flags = O_CLOEXEC;
    switch (mode) {
    case NOTCH_FILE_READ:
        flags |= O_RDONLY;
        break;
    case NOTCH_FILE_WRITE:
        flags |= O_RDWR;
        break;
    case NOTCH_FILE_CREATE:
        flags |= O_RDWR | O_CREAT | O_TRUNC;
        break;
    }
    int file = open(path, flags, 0600);
    return file < 0 ? -errno : file;
}

static int system_close(void *self, int file)
{
    (void)self;
    return close(file) != 0 ? -errno : 0;
}

static int64_t system_read(void *self, int file, void *out, size_t len, uint64_t offset)
{
    (void)self;
    for (;;) {
        ssize_t n = pread(file, out, len, (off_t)offset);
        if (n >= 0) {
            return n;
        }
        if (errno != EINTR) {
            return -errno;
        }
    }
}

static int64_t system_write(void *self, int file, const void *data, size_t len, uint64_t offset)
{
    (void)self;
    for (;;) {
        ssize_t n = pwrite(file, data, len, (off_t)offset);
        if (n >= 0) {
            return n;
        }
        if (errno != EINTR) {
            return -errno;
        }
    }
}

static int64_t system_size(void *self, int file)
{
    (void)self;
    struct stat info;
    return fstat(file, &info) != 0 ? -errno : (int64_t)info.st_size;
}

static int system_truncate(void *self, int file, uint64_t size)
{
    (void)self;
    return ftruncate(file, (off_t)size) != 0 ? -errno : 0;
}

/* fdatasync: contents and size, which is all that a reader needs; times may wait. */
static int system_sync(void *self, int file)
{
    (void)self;
    return fdatasync(file) != 0 ? -errno : 0;
}

static int system_sync_dir(void *self, const char *path)
{
    (void)self;
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return -errno;
    }
    int result = fsync(folder) != 0 ? -errno : 0;
    (void)close(folder);
    return result;
}

static int system_make_dir(void *self, const char *path)
{
    (void)self;
    return mkdir(path, 0700) != 0 && errno != EEXIST ? -errno : 0;
}

static int system_rename(void *self, const char *from, const char *to)
{
    (void)self;
    return rename(from, to) != 0 ? -errno : 0;
}

static int system_remove(void *self, const char *path)
{
    (void)self;
    return unlink(path) != 0 ? -errno : 0;
}

static int system_lock(void *self, int file)
{
    (void)self;
    return flock(file, LOCK_EX | LOCK_NB) != 0 ? -errno : 0;
}

static int system_list(void *self, const char *path, void (*visit)(void *arg, const char *name), void *arg)
{
    (void)self;
    DIR *folder = opendir(path);
    if (!folder) {
        return -errno;
    }
    const struct dirent *entry;
    errno = 0;
    while ((entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            visit(arg, entry->d_name);
        }
        errno = 0;
    }
    int result = -errno;
    (void)closedir(folder);
    return result;
}

const struct notch_file_ops *notch_file_ops_system(void)
{
    static const struct notch_file_ops ops = {
        .open = system_open,
        .close = system_close,
        .read = system_read,
        .write = system_write,
        .size = system_size,
        .truncate = system_truncate,
        .sync = system_sync,
        .sync_dir = system_sync_dir,
        .make_dir = system_make_dir,
        .rename = system_rename,
        .remove = system_remove,
        .lock = system_lock,
        .list = system_list,
    };
    return &ops;
}

enum notch_err notch__io_fail(struct notch__io *io, enum notch_err err, const char *format, ...)
{
    if (io->failure.err == NOTCH_OK) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(io->failure.text, sizeof io->failure.text, format, args);
        va_end(args);
        io->failure.err = err;
    }
    return err;
}

enum notch_err notch__err_from_errno(int number)
{
    switch (number) {
    case ENOENT:
        return NOTCH_ERR_NOT_FOUND;
    case ENOSPC:
    case EDQUOT:
        return NOTCH_ERR_DISK_FULL;
    case EROFS:
        return NOTCH_ERR_READ_ONLY;
    case EACCES:
    case EPERM:
        return NOTCH_ERR_PERMISSION;
    case EWOULDBLOCK:
        return NOTCH_ERR_LOCKED;
    default:
        return NOTCH_ERR_IO;
    }
}

enum notch_err notch__io_fail_errno(struct notch__io *io, int64_t negative_errno, const char *doing, const char *path)
{
    int number = (int)-negative_errno;
    return notch__io_fail(io, notch__err_from_errno(number), "%s: cannot %s: %s", path, doing, strerror(number));
}

bool notch__path_fits(const char *dir)
{
    return strlen(dir) + 64 < NOTCH__PATH_MAX;
}

struct notch__path notch__path_join(const char *dir, const char *name)
{
    struct notch__path path;
    int len = snprintf(path.text, sizeof path.text, "%s/%s", dir, name);
    notch_assert(len > 0);
    notch_assert((size_t)len < sizeof path.text);
    return path;
}

enum notch_err notch__file_read(const struct notch_file_ops *files, int file, void *out, size_t len, uint64_t offset)
{
    size_t done = 0;
    while (done < len) {
        int64_t n = files->read(files->self, file, (uint8_t *)out + done, len - done, offset + done);
        if (n < 0) {
            return NOTCH_ERR_IO;
        }
        if (n == 0) {
            return NOTCH_ERR_CORRUPT;
        }
        done += (size_t)n;
    }
    return NOTCH_OK;
}

int64_t notch__file_write(const struct notch_file_ops *files, int file, const void *data, size_t len, uint64_t offset)
{
    size_t done = 0;
    while (done < len) {
        int64_t n = files->write(files->self, file, (const uint8_t *)data + done, len - done, offset + done);
        if (n < 0) {
            return n;
        }
        if (n == 0) {
            return -EIO;
        }
        done += (size_t)n;
    }
    return 0;
}

enum notch_err notch__file_load(const struct notch_file_ops *files, struct notch_buf *out, const char *path, size_t max)
{
    int file = files->open(files->self, path, NOTCH_FILE_READ);
    if (file < 0) {
        return notch__err_from_errno(-file);
    }
    enum notch_err err = NOTCH_OK;
    int64_t size = files->size(files->self, file);
    if (size < 0) {
        err = NOTCH_ERR_IO;
    } else if ((uint64_t)size > max) {
        err = NOTCH_ERR_CORRUPT;
    } else if (size > 0) {
        err = notch__file_read(files, file, notch_buf_reserve(out, (size_t)size), (size_t)size, 0);
        out->len += err == NOTCH_OK ? (size_t)size : 0;
    }
    (void)files->close(files->self, file);
    return err;
}

static int64_t write_and_sync(const struct notch_file_ops *files, const char *path, struct notch_bytes contents)
{
    int file = files->open(files->self, path, NOTCH_FILE_CREATE);
    if (file < 0) {
        return file;
    }
    int64_t result = notch__file_write(files, file, contents.data, contents.len, 0);
    if (result == 0) {
        result = files->sync(files->self, file);
    }
    int closed = files->close(files->self, file);
    return result == 0 ? closed : result;
}

enum notch_err notch__file_replace(struct notch__io *io, const char *dir, const char *name, struct notch_bytes contents)
{
    const struct notch_file_ops *files = io->files;
    struct notch__path path = notch__path_join(dir, name);
    char tmp_name[64];
    (void)snprintf(tmp_name, sizeof tmp_name, "%s.tmp", name);
    struct notch__path tmp = notch__path_join(dir, tmp_name);

    int64_t result = write_and_sync(files, tmp.text, contents);
    if (result != 0) {
        return notch__io_fail_errno(io, result, "write", tmp.text);
    }
    result = files->rename(files->self, tmp.text, path.text);
    if (result == 0) {
        result = files->sync_dir(files->self, dir);
    }
    return result == 0 ? NOTCH_OK : notch__io_fail_errno(io, result, "put in place", path.text);
}

bool notch__file_exists(const struct notch_file_ops *files, const char *path)
{
    int file = files->open(files->self, path, NOTCH_FILE_READ);
    if (file < 0) {
        return false;
    }
    (void)files->close(files->self, file);
    return true;
}
