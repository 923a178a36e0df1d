/*
 * chain/io/file.h: helpers over the table of file operations (chain/io/file_ops.h), and what every part of the store
 * shares.
 *
 * Thread       The system's table: any. `read` is called from many threads at once, everything else by the store's
 *              owner or its thread.
 */
#ifndef NOTCH_CHAIN_IO_FILE_H
#define NOTCH_CHAIN_IO_FILE_H

#include "chain/io/file_ops.h"
#include "chain/io/store.h"

#define NOTCH__PATH_MAX 4096

const struct notch_file_ops *notch_file_ops_system(void);

/* What the parts of one store share. `failure` is written at open and by the store's thread alone. */
struct notch__io {
    const struct notch_file_ops *files;
    const struct notch_alloc *alloc;
    const struct notch_log *log;
    struct notch_hash genesis;
    uint32_t salt; /* of this store's frames (chain/io/frame.h) */
    struct notch_store_failure failure;
};

/* Notes the first failure, for the operator, and answers err. */
enum notch_err notch__io_fail(struct notch__io *io, enum notch_err err, const char *format, ...) NOTCH_PRINTF(3, 4);

/* The same for a call that answered -errno: adds its text. */
enum notch_err notch__io_fail_errno(struct notch__io *io, int64_t negative_errno, const char *doing, const char *path);

enum notch_err notch__err_from_errno(int number);

/* dir/name; a path that does not fit is a broken promise, see notch__path_fits(). */
struct notch__path {
    char text[NOTCH__PATH_MAX];
};
struct notch__path notch__path_join(const char *dir, const char *name);
bool notch__path_fits(const char *dir);

/* Exactly len bytes: fewer, at the end of the file, give CORRUPT. */
NOTCH_MUST_USE enum notch_err notch__file_read(const struct notch_file_ops *files, int file, void *out, size_t len,
                                               uint64_t offset);
/* All of them; -errno or 0. */
NOTCH_MUST_USE int64_t notch__file_write(const struct notch_file_ops *files, int file, const void *data, size_t len,
                                         uint64_t offset);

/* Appends a whole file of at most `max` bytes. NOT_FOUND, CORRUPT when it is longer, IO. */
NOTCH_MUST_USE enum notch_err notch__file_load(const struct notch_file_ops *files, struct notch_buf *out,
                                               const char *path, size_t max);

/* Writes dir/name so that it is there wholly or not at all: name.tmp, sync, rename, sync of the folder. */
NOTCH_MUST_USE enum notch_err notch__file_replace(struct notch__io *io, const char *dir, const char *name,
                                                  struct notch_bytes contents);

/* Whether it can be opened for reading. */
bool notch__file_exists(const struct notch_file_ops *files, const char *path);

#endif
