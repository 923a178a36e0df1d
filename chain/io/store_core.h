/*
 * chain/io/store_core.h: what the files of the store share among themselves.
 *
 * Thread       `queue` and everything under `lock` belongs to whoever holds it. `bodies`, `votes` and `keys` are
 *              written by the store's thread alone, and read as their headers allow.
 */
#ifndef NOTCH_CHAIN_IO_STORE_CORE_H
#define NOTCH_CHAIN_IO_STORE_CORE_H

#include "base/map.h"
#include "chain/io/bodies.h"
#include "chain/io/keys.h"
#include "chain/io/votelog.h"

#include <pthread.h>

struct notch__snapshot {
    struct notch_store_view view; /* first: unpin() gets this */
    struct notch_store *store;
    struct notch__keys_snapshot keys;
    uint64_t body_count;
    uint32_t users; /* the store itself is one while the snapshot is the current one */
};

struct notch_store {
    struct notch_store_options options;
    struct notch__io io;
    struct notch__bodies bodies;
    struct notch__votelog votes;
    struct notch__keys keys;
    int lock_file;
    bool opened;
    bool ready; /* open succeeded, and close has not been called */
    bool threaded;
    pthread_t thread;

    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct notch_ring queue; /* of const struct notch_commit *: submitted and not done */
    uint64_t bodies_submitted;
    bool closing;
    struct notch__snapshot *current;
    struct notch_store_stats stats;
};

/* The file STORE: {magic "NOTCHDIR", format u32, salt u32, genesis 32, CRC-32C u32}. Fills io->salt. */
NOTCH_MUST_USE enum notch_err notch__store_head_load(struct notch__io *io, const char *dir);
NOTCH_MUST_USE enum notch_err notch__store_head_make(struct notch__io *io, const char *dir);

/* Takes dir/LOCK: *file. */
NOTCH_MUST_USE enum notch_err notch__store_lock(struct notch__io *io, int *file, const char *dir);

/* Whether the three logs agree about each other: CORRUPT says which one lost something. */
NOTCH_MUST_USE enum notch_err notch__store_agree(struct notch__io *io, const char *dir,
                                                 const struct notch__bodies *bodies, const struct notch__votelog *votes,
                                                 const struct notch__keys *keys);

/* Carries out `count` commits, which all wait for the same syncs, and answers them. */
NOTCH_MUST_USE enum notch_err notch__store_write(struct notch_store *store, const struct notch_commit *const *commits,
                                                 size_t count);

/* Answers the oldest `count` commits of the queue. */
void notch__store_answer(struct notch_store *store, size_t count, enum notch_err err);

/* Makes a snapshot of what is on disk the current one. */
void notch__store_refresh(struct notch_store *store);

/* Lets go of one use; the lock is held. */
void notch__snapshot_drop(struct notch__snapshot *snapshot);

void *notch__store_thread(void *self);

#endif
