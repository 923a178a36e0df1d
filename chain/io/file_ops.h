/*
 * chain/io/file_ops.h: files, as a table of functions.
 *
 * All file access of the store goes through one such table, so that a test can lose, tear and reorder what was not
 * synced, or fail any call. Calls answer a count or a handle, or -errno. What a table must promise: a synced file has
 * its contents and size on disk; a synced folder has its names on disk; a rename takes effect wholly or not at all.
 *
 * Thread       `read` is called from many threads at once, everything else by the store's owner or its thread.
 */
#ifndef NOTCH_CHAIN_IO_FILE_OPS_H
#define NOTCH_CHAIN_IO_FILE_OPS_H

#include <stddef.h>
#include <stdint.h>

enum notch_file_mode { NOTCH_FILE_READ, NOTCH_FILE_WRITE, NOTCH_FILE_CREATE };

struct notch_file_ops {
    int (*open)(void *self, const char *path, enum notch_file_mode mode); /* CREATE empties what is there */
    int (*close)(void *self, int file);
    int64_t (*read)(void *self, int file, void *out, size_t len, uint64_t offset);
    int64_t (*write)(void *self, int file, const void *data, size_t len, uint64_t offset);
    int64_t (*size)(void *self, int file);
    int (*truncate)(void *self, int file, uint64_t size);
    int (*sync)(void *self, int file);
    int (*sync_dir)(void *self, const char *path);
    int (*make_dir)(void *self, const char *path); /* an existing one is fine */
    int (*rename)(void *self, const char *from, const char *to);
    int (*remove)(void *self, const char *path);
    int (*lock)(void *self, int file); /* -EWOULDBLOCK: taken */
    int (*list)(void *self, const char *path, void (*visit)(void *arg, const char *name), void *arg); /* no . or .. */
    void *self;
};

#endif
