/*
 * rpc/cli/files.h: whole files, read with a bound and written so that a crash leaves the old one or the new one.
 *
 * "-" is standard input or output.
 *
 * Thread       Any.
 * Errors       NOT_FOUND, PERMISSION, IO, DISK_FULL, READ_ONLY, EXISTS; SPACE: larger than the bound.
 */
#ifndef NOTCH_RPC_CLI_FILES_H
#define NOTCH_RPC_CLI_FILES_H

#include "base/bytes.h"
#include "base/error.h"

/* What errno of a failed call on a file means. */
enum notch_err notch_file_error(int number);

/* Appends the contents. */
NOTCH_MUST_USE enum notch_err notch_file_read(struct notch_buf *out, const char *path, size_t max);

/* Cuts the buffer behind its first line, without the end of it. */
void notch_file_first_line(struct notch_buf *buf);

enum notch_file_mode {
    NOTCH_FILE_KEEP, /* an existing file is an error: EXISTS */
    NOTCH_FILE_REPLACE
};

/* Writes beside its place, syncs, and renames. `permissions` as of chmod: 0600, 0644. */
NOTCH_MUST_USE enum notch_err notch_file_write(const char *path, struct notch_bytes contents, unsigned permissions,
                                               enum notch_file_mode mode);

#endif
