/*
 * chain/io/keys.h: the ordered keys, in LevelDB.
 *
 * Two kinds of key are the adapter's own (they begin with NOTCH_STORE_KEY_RESERVED, which no commit may use):
 *
 *   ff 'f'            format u32, genesis 32: whose store this is
 *   ff 's' seq be64   how many bodies were on disk before keys commit number `seq`
 *
 * Every commit puts the second with its own number and deletes that of the commit before, in the one batch that it
 * is. So there is exactly one such key, however LevelDB came by its contents: two of them show that a batch between
 * was lost. And as bodies carry the number of the last keys commit (chain/io/frame.h), one that is too small shows a
 * lost end.
 *
 * LevelDB is opened with paranoid_checks, reads verify checksums (chain/io/keys_log.h says what makes that possible).
 *
 * Thread       notch__keys_get(), _scan(), with or without a snapshot: any. Everything else: one writer.
 */
#ifndef NOTCH_CHAIN_IO_KEYS_H
#define NOTCH_CHAIN_IO_KEYS_H

#include "chain/io/file.h"

struct leveldb_t;

struct notch__keys {
    struct notch__io *io;
    struct notch__path dir;
    void *env; /* a leveldb_env_t or NULL */
    size_t cache_bytes;
    size_t write_buffer_bytes;

    struct leveldb_t *db;
    void *options;
    void *cache;
    void *filter;
    void *read;      /* leveldb_readoptions_t of the newest */
    void *write;     /* synced */
    uint64_t seq;    /* of the last commit on disk */
    uint64_t bodies; /* on disk before that */
    uint64_t ops_total;
    uint64_t bytes_total;
    uint64_t syncs;
};

/* A state of the keys that stays. */
struct notch__keys_snapshot {
    const void *snapshot;
    void *read;
};

void notch__keys_init(struct notch__keys *keys, struct notch__io *io, const char *dir,
                      const struct notch_store_options *options);

/* Makes the folder, wholly or not at all, with no keys but the adapter's; seq and bodies as given. */
NOTCH_MUST_USE enum notch_err notch__keys_make(struct notch__keys *keys, uint64_t seq);

/* NOT_FOUND: there is no folder, or an empty one: keys can be made again from the bodies. */
NOTCH_MUST_USE enum notch_err notch__keys_open(struct notch__keys *keys);
void notch__keys_close(struct notch__keys *keys);

/* The operations of `count` commits, in order, in one synced batch. `bodies`: how many are on disk. */
NOTCH_MUST_USE enum notch_err notch__keys_write(struct notch__keys *keys, const struct notch_commit *const *commits,
                                                size_t count, uint64_t bodies);

/* snapshot may be NULL: the newest. */
NOTCH_MUST_USE enum notch_err notch__keys_get(const struct notch__keys *keys,
                                              const struct notch__keys_snapshot *snapshot, struct notch_buf *out,
                                              struct notch_bytes key);

struct notch__keys_range {
    struct notch_bytes from;
    struct notch_bytes to;
    enum notch_scan direction;
};
NOTCH_MUST_USE enum notch_err notch__keys_scan(const struct notch__keys *keys,
                                               const struct notch__keys_snapshot *snapshot,
                                               const struct notch__keys_range *range, notch_store_visit visit,
                                               void *arg);

void notch__keys_snapshot_take(struct notch__keys *keys, struct notch__keys_snapshot *out);
void notch__keys_snapshot_drop(struct notch__keys *keys, struct notch__keys_snapshot *snapshot);

#endif
