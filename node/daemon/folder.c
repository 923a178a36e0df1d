#include "node/daemon/folder.h"

#include "node/daemon/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct known {
    int number;
    enum notch_err err;
    const char *remedy;
} known[] = {
#define RIGHTS "; give the user of notchd the right to it (chown), or choose another directory with --data"
#define ROOM "; make room on that file system, or choose another directory with --data"
#define MISSING "; make the directory that it stands in (mkdir -p), or choose another one with --data"
    {EACCES, NOTCH_ERR_PERMISSION, RIGHTS},
    {EPERM, NOTCH_ERR_PERMISSION, RIGHTS},
    {EROFS, NOTCH_ERR_READ_ONLY, "; mount the file system for writing, or choose another directory with --data"},
    {ENOSPC, NOTCH_ERR_DISK_FULL, ROOM},
    {EDQUOT, NOTCH_ERR_DISK_FULL, ROOM},
    {ENOENT, NOTCH_ERR_NOT_FOUND, MISSING},
    {ENOTDIR, NOTCH_ERR_NOT_FOUND, MISSING},
    {EEXIST, NOTCH_ERR_EXISTS, ""},
    {0, NOTCH_ERR_IO, ""},
};

static const struct known *find_known(int number)
{
    size_t i = 0;
    while (known[i].number != number && known[i].number != 0) {
        i++;
    }
    return &known[i];
}

enum notch_err notch_folder_err(int number)
{
    return find_known(number)->err;
}

static enum notch_err fail(struct notch_buf *problem, int number, const char *path, const char *doing)
{
    notch_text(problem, "%s: %s: %s%s\n", path, doing, strerror(number), find_known(number)->remedy);
    return notch_folder_err(number);
}

const char *notch_folder_file(char *out, const struct notch_folder *folder, const char *name, const char *given)
{
    int len = given[0] != 0 ? snprintf(out, NOTCH_FOLDER_PATH_MAX, "%s", given)
                            : snprintf(out, NOTCH_FOLDER_PATH_MAX, "%s/%s", folder->path, name);
    notch_assert(len > 0 && len < NOTCH_FOLDER_PATH_MAX); /* the configuration bounds both */
    return out;
}

/* ---- the lock ---- */

static void name_holder(struct notch_buf *problem, const char *folder, int file)
{
    char text[32] = {0};
    ssize_t got = pread(file, text, sizeof text - 1, 0);
    size_t digits = got > 0 ? strspn(text, "0123456789") : 0;
    if (digits > 0) {
        notch_text(problem, "%s is in use by process %.*s: stop that one, or choose another directory with --data\n",
                   folder, (int)digits, text);
    } else {
        notch_text(problem, "%s is in use by another process: stop that one, or choose another directory with --data\n",
                   folder);
    }
}

static enum notch_err take_lock(struct notch_folder *folder, struct notch_buf *problem)
{
    char path[NOTCH_FOLDER_PATH_MAX];
    notch_folder_file(path, folder, "lock", "");
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        return fail(problem, errno, path, "cannot be opened");
    }
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            name_holder(problem, folder->path, file);
            close(file);
            return NOTCH_ERR_LOCKED;
        }
        enum notch_err err = fail(problem, errno, path, "cannot be locked");
        close(file);
        return err;
    }
    char text[32];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(file, 0) != 0 || pwrite(file, text, (size_t)len, 0) != len) {
        enum notch_err err = fail(problem, errno, path, "cannot be written");
        close(file);
        return err;
    }
    folder->lock = file;
    return NOTCH_OK;
}

static enum notch_err make(struct notch_folder *folder, struct notch_buf *problem, const char *path)
{
    folder->is_temporary = path[0] == 0;
    if (folder->is_temporary) {
        const char *base = getenv("TMPDIR");
        snprintf(folder->path, sizeof folder->path, "%.3800s/notch-dev-XXXXXX",
                 base != NULL && base[0] != 0 ? base : "/tmp");
        return mkdtemp(folder->path) != NULL ? NOTCH_OK : fail(problem, errno, folder->path, "cannot be made");
    }
    snprintf(folder->path, sizeof folder->path, "%s", path);
    if (mkdir(path, 0700) == 0) {
        return NOTCH_OK;
    }
    int number = errno;
    struct stat found;
    if (stat(path, &found) != 0) {
        return fail(problem, number, path, "cannot be made");
    }
    return S_ISDIR(found.st_mode) ? NOTCH_OK : fail(problem, ENOTDIR, path, "is not a directory");
}

enum notch_err notch_folder_open(struct notch_folder *folder, struct notch_buf *problem, const char *path)
{
    *folder = (struct notch_folder){.lock = -1};
    enum notch_err err = make(folder, problem, path);
    return err == NOTCH_OK ? take_lock(folder, problem) : err;
}

void notch_folder_close(struct notch_folder *folder)
{
    if (folder->lock >= 0) {
        close(folder->lock);
    }
    folder->lock = -1;
}

/* ---- small files ---- */

enum notch_err notch_folder_read(struct notch_buf *out, struct notch_buf *problem, const char *path, size_t max)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        notch_text(problem, "%s: cannot be read: %s\n", path, strerror(errno));
        return notch_folder_err(errno);
    }
    size_t start = out->len;
    ssize_t got = 1;
    while (got > 0 && out->len - start <= max) {
        enum { STEP = 4096 };
        got = read(file, notch_buf_reserve(out, STEP), STEP);
        out->len += got > 0 ? (size_t)got : 0;
    }
    int number = errno;
    close(file);
    if (got < 0) {
        notch_text(problem, "%s: cannot be read: %s\n", path, strerror(number));
        return notch_folder_err(number);
    }
    if (out->len - start > max) {
        notch_text(problem, "%s: is larger than %zu bytes\n", path, max);
        return NOTCH_ERR_INVALID;
    }
    return NOTCH_OK;
}

static int write_synced(const char *path, struct notch_bytes contents)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) {
        return errno;
    }
    int number = 0;
    while (contents.len > 0 && number == 0) {
        ssize_t done = write(file, contents.data, contents.len);
        number = done < 0 ? errno : 0;
        contents = notch_bytes(contents.data + (done > 0 ? done : 0), contents.len - (size_t)(done > 0 ? done : 0));
    }
    if (number == 0 && fsync(file) != 0) {
        number = errno;
    }
    if (close(file) != 0 && number == 0) {
        number = errno;
    }
    return number;
}

static int sync_parent(const char *path)
{
    char parent[NOTCH_FOLDER_PATH_MAX];
    snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash != NULL) {
        slash[slash == parent ? 1 : 0] = 0;
    }
    int file = open(slash == NULL ? "." : parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) {
        return errno;
    }
    int number = fsync(file) == 0 ? 0 : errno;
    close(file);
    return number;
}

enum notch_err notch_folder_write(struct notch_buf *problem, const char *path, struct notch_bytes contents)
{
    char beside[NOTCH_FOLDER_PATH_MAX];
    int len = snprintf(beside, sizeof beside, "%s.new", path);
    if (len < 0 || (size_t)len >= sizeof beside) {
        return fail(problem, ENAMETOOLONG, path, "cannot be written");
    }
    int number = write_synced(beside, contents);
    if (number == 0 && rename(beside, path) != 0) {
        number = errno;
    }
    if (number == 0) {
        number = sync_parent(path);
    }
    if (number != 0) {
        (void)unlink(beside);
        return fail(problem, number, path, "cannot be written");
    }
    return NOTCH_OK;
}

/* ---- throwing away ---- */

/* Removes the files of one folder and counts the folders in it; the path of the last one is left in *inner. */
static size_t remove_files(const char *path, char *inner)
{
    DIR *dir = opendir(path);
    size_t folders = 0;
    if (dir == NULL) {
        return 0;
    }
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        char child[NOTCH_FOLDER_PATH_MAX];
        int len = snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
        if (len > 0 && (size_t)len < sizeof child && unlink(child) != 0 && (errno == EISDIR || errno == EPERM)) {
            folders++;
            memcpy(inner, child, (size_t)len + 1);
        }
    }
    closedir(dir);
    return folders;
}

void notch_folder_discard(struct notch_folder *folder)
{
    if (!folder->is_temporary) {
        return;
    }
    char path[NOTCH_FOLDER_PATH_MAX];
    char inner[NOTCH_FOLDER_PATH_MAX];
    /* Down to a folder without folders, which goes; then from the top again. Bounded by how many there are. */
    for (unsigned left = 1000; left > 0; left--) {
        snprintf(path, sizeof path, "%s", folder->path);
        while (remove_files(path, inner) > 0) {
            snprintf(path, sizeof path, "%s", inner);
        }
        if (rmdir(path) != 0 || strcmp(path, folder->path) == 0) {
            return;
        }
    }
}
