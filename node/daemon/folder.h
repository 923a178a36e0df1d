/*
 * node/daemon/folder.h: the data directory: one process at a time, and the small files in it.
 *
 *      DIR/lock            held while a process uses the directory; holds its number
 *      DIR/genesis         genesis of the chain, copied here at the first start
 *      DIR/store/          chain/io/store.h
 *      DIR/validator.key   DIR/author.key      key files, unless the configuration says where they are
 *      DIR/rpc.port        DIR/rpc.cookie      while the node runs
 *
 * Errors       Each function appends one line for the user, with the remedy, to *problem.
 * Thread       One.
 */
#ifndef NOTCH_NODE_DAEMON_FOLDER_H
#define NOTCH_NODE_DAEMON_FOLDER_H

#include "base/bytes.h"
#include "base/error.h"

#define NOTCH_FOLDER_PATH_MAX 4096

struct notch_folder {
    char path[NOTCH_FOLDER_PATH_MAX];
    int lock;          /* -1: not held */
    bool is_temporary; /* removed by notch_folder_discard() */
};

/* path "": a new one below $TMPDIR, that is thrown away. Otherwise made (0700) where its parent exists. */
NOTCH_MUST_USE enum notch_err notch_folder_open(struct notch_folder *folder, struct notch_buf *problem,
                                                const char *path);
void notch_folder_close(struct notch_folder *folder);

/* Removes a temporary one and everything in it; leaves any other alone. Before close. */
void notch_folder_discard(struct notch_folder *folder);

/* folder/name; out holds NOTCH_FOLDER_PATH_MAX. `given`, where it is not empty, is used instead. */
const char *notch_folder_file(char *out, const struct notch_folder *folder, const char *name, const char *given);

/* A whole file of at most `max` bytes, appended. NOT_FOUND and others: the problem names the file. */
NOTCH_MUST_USE enum notch_err notch_folder_read(struct notch_buf *out, struct notch_buf *problem, const char *path,
                                                size_t max);

/* Written beside, synced and renamed, so that it is there wholly or not at all. */
NOTCH_MUST_USE enum notch_err notch_folder_write(struct notch_buf *problem, const char *path,
                                                 struct notch_bytes contents);

/* What errno means. */
enum notch_err notch_folder_err(int number);

#endif
