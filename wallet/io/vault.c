#include "wallet/io/vault.h"

#include "wallet/io/random.h"
#include "wallet/io/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct outcome {
    enum notch_err err;
    const char *detail;
};

static const struct outcome success = {NOTCH_OK, ""};

static struct outcome fail(enum notch_err err, const char *detail)
{
    return (struct outcome){err, detail};
}

static enum notch_err report(struct outcome outcome, const char **detail)
{
    if (detail != NULL && outcome.err != NOTCH_OK) {
        *detail = outcome.detail;
    }
    return outcome.err;
}

static struct outcome fail_errno(int code)
{
    switch (code) {
    case ENOENT:
    case ENOTDIR:
        return fail(NOTCH_ERR_NOT_FOUND, "no such file or folder");
    case EACCES:
    case EPERM:
        return fail(NOTCH_ERR_PERMISSION, "the file or its folder may not be read or written by this user");
    case ELOOP:
        return fail(NOTCH_ERR_PERMISSION, "the key file is a symbolic link: name the file itself");
    case EEXIST:
        return fail(NOTCH_ERR_EXISTS, "the key file exists already: give another name, or ask to overwrite it");
    case EISDIR:
        return fail(NOTCH_ERR_PERMISSION, "the name of the key file is that of a folder");
    case ENAMETOOLONG:
        return fail(NOTCH_ERR_INVALID, "the name of the key file is too long");
    case ENOSPC:
    case EDQUOT:
        return fail(NOTCH_ERR_DISK_FULL, "no space left for the key file");
    case EROFS:
        return fail(NOTCH_ERR_READ_ONLY, "the file system of the key file is read-only");
    default:
        return fail(NOTCH_ERR_IO, "the key file could not be read or written: input/output error");
    }
}

static struct outcome explain(enum notch_err err)
{
    if (err == NOTCH_ERR_PASSPHRASE) {
        return fail(err, "wrong passphrase, or the key file is damaged");
    }
    if (err == NOTCH_ERR_VERSION) {
        return fail(err, "the key file was made by a later version of Notch");
    }
    if (err == NOTCH_ERR_CRYPTO) {
        return fail(err, "not enough memory to unlock the key file");
    }
    if (err == NOTCH_ERR_INVALID) {
        return fail(err, "the label, the passphrase or the costs are out of their bounds");
    }
    return fail(err, "this is not a key file of Notch, or it is damaged");
}

/* The folder and the two names in it: where the file belongs, and where it is written first. */
struct place {
    char folder[PATH_MAX];
    char name[NAME_MAX + 1];
    char draft[NAME_MAX + 1];
};

static struct outcome split_path(struct place *out, const char *path)
{
    char copy[PATH_MAX];
    uint8_t random[8];
    char suffix[2 * sizeof random + 1];
    size_t len = strlen(path);
    if (len == 0 || path[len - 1] == '/') {
        return fail_errno(EISDIR);
    }
    if (len >= sizeof copy) {
        return fail_errno(ENAMETOOLONG);
    }
    notch_random_fill(random, sizeof random);
    notch_hex_encode(suffix, random, sizeof random);
    memcpy(copy, path, len + 1);
    const char *name = basename(copy);
    int name_len = snprintf(out->name, sizeof out->name, "%s", name);
    int draft_len = snprintf(out->draft, sizeof out->draft, ".%s.%s", name, suffix);
    if (name_len < 0 || draft_len < 0 || (size_t)name_len >= sizeof out->name ||
        (size_t)draft_len >= sizeof out->draft) {
        return fail_errno(ENAMETOOLONG);
    }
    memcpy(copy, path, len + 1);
    const char *folder = dirname(copy);
    memcpy(out->folder, folder, strlen(folder) + 1);
    return success;
}

static struct outcome write_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t wrote = write(fd, bytes, len);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0) {
            return fail_errno(errno);
        }
        bytes += wrote;
        len -= (size_t)wrote;
    }
    return fsync(fd) == 0 ? success : fail_errno(errno);
}

static struct outcome write_draft(int folder, const struct place *place, const uint8_t bytes[NOTCH_KEYFILE_LEN])
{
    int fd = openat(folder, place->draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0) {
        return fail_errno(errno);
    }
    struct outcome outcome = write_all(fd, bytes, NOTCH_KEYFILE_LEN);
    if (close(fd) != 0 && outcome.err == NOTCH_OK) {
        outcome = fail_errno(errno);
    }
    return outcome;
}

/* Gives the draft its name. Where the file system cannot rename without replacing (NFS), a hard link does the same. */
static struct outcome publish_draft(int folder, const struct place *place, enum notch_vault_mode mode)
{
    if (mode == NOTCH_VAULT_OVERWRITE) {
        return renameat(folder, place->draft, folder, place->name) == 0 ? success : fail_errno(errno);
    }
    if (renameat2(folder, place->draft, folder, place->name, RENAME_NOREPLACE) == 0) {
        return success;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return fail_errno(errno);
    }
    if (linkat(folder, place->draft, folder, place->name, 0) != 0) {
        return fail_errno(errno);
    }
    return unlinkat(folder, place->draft, 0) == 0 ? success : fail_errno(errno);
}

static struct outcome write_file(const struct place *place, const uint8_t bytes[NOTCH_KEYFILE_LEN],
                                 enum notch_vault_mode mode)
{
    int folder = open(place->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return fail_errno(errno);
    }
    struct outcome outcome = write_draft(folder, place, bytes);
    if (outcome.err == NOTCH_OK) {
        outcome = publish_draft(folder, place, mode);
    }
    if (outcome.err != NOTCH_OK) {
        (void)unlinkat(folder, place->draft, 0);
    } else if (fsync(folder) != 0) {
        outcome = fail_errno(errno);
    }
    (void)close(folder);
    return outcome;
}

enum notch_err notch_vault_save(const char *path, const struct notch_keyfile *in, struct notch_bytes passphrase,
                                struct notch_keyfile_cost cost, enum notch_vault_mode mode, const char **detail)
{
    struct place place;
    uint8_t salt[NOTCH_KEYFILE_SALT_LEN];
    uint8_t nonce[NOTCH_KEYFILE_NONCE_LEN];
    uint8_t bytes[NOTCH_KEYFILE_LEN];
    struct outcome outcome = split_path(&place, path);
    if (outcome.err != NOTCH_OK) {
        return report(outcome, detail);
    }
    notch_random_fill(salt, sizeof salt);
    notch_random_fill(nonce, sizeof nonce);
    enum notch_err err = notch_keyfile_encode(bytes, in, passphrase, cost, salt, nonce);
    if (err != NOTCH_OK) {
        return report(explain(err), detail);
    }
    return report(write_file(&place, bytes, mode), detail);
}

static struct outcome check_owner(int fd)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return fail_errno(errno);
    }
    if (!S_ISREG(info.st_mode)) {
        return fail(NOTCH_ERR_PERMISSION, "the key file is not a plain file");
    }
    if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return fail(NOTCH_ERR_PERMISSION, "others may read or write the key file: chmod 600 it");
    }
    if (info.st_uid != geteuid() && geteuid() != 0) {
        return fail(NOTCH_ERR_PERMISSION, "the key file belongs to another user");
    }
    return success;
}

/* At most one byte more than a key file has, so that a longer one is seen. */
static struct outcome read_file(uint8_t out[NOTCH_KEYFILE_LEN + 1], size_t *out_len, int fd)
{
    size_t len = 0;
    while (len < NOTCH_KEYFILE_LEN + 1) {
        ssize_t got = read(fd, out + len, NOTCH_KEYFILE_LEN + 1 - len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail_errno(errno);
        }
        if (got == 0) {
            break;
        }
        len += (size_t)got;
    }
    *out_len = len;
    return success;
}

enum notch_err notch_vault_load(struct notch_keyfile *out, const char *path, struct notch_bytes passphrase,
                                const char **detail)
{
    uint8_t bytes[NOTCH_KEYFILE_LEN + 1];
    size_t len = 0;
    /* O_NONBLOCK: opening a pipe in the place of the file must not wait for its writer. */
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return report(fail_errno(errno), detail);
    }
    struct outcome outcome = check_owner(fd);
    if (outcome.err == NOTCH_OK) {
        outcome = read_file(bytes, &len, fd);
    }
    (void)close(fd);
    if (outcome.err != NOTCH_OK) {
        return report(outcome, detail);
    }
    enum notch_err err = notch_keyfile_decode(out, notch_bytes(bytes, len), passphrase);
    return err == NOTCH_OK ? NOTCH_OK : report(explain(err), detail);
}
