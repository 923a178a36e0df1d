/*
 * chain/io/store.h: the store on disk: what carries out the commits of chain/store.h and gives views of them.
 *
 *   dir/STORE             format version and genesis hash, written once
 *   dir/LOCK              held while the store is open: one process at a time
 *   dir/bodies/000000.seg segment files of the body log, with 000000.idx beside each one that is full
 *   dir/votes             the vote log
 *   dir/keys/             LevelDB
 *
 * A store has a thread of its own. It takes commits in order from a bounded queue and carries out together all that
 * wait (group commit): every body is appended, then ONE sync; every vote, then one sync; every key operation in one
 * synced LevelDB batch. So each part of a commit is on disk only if the earlier parts are, and the three logs vouch for
 * each other when the store is opened again:
 *
 *      bodies  each frame says from which position on nothing was known to be synced yet, and which keys commit was
 *      votes   each frame says how many bodies were synced before it
 *      keys    a marker says how many bodies were synced before it, and which keys commit this is
 *
 * What is torn behind the last point that anything vouches for was never acknowledged: it is cut off, silently but
 * for a line in the log. Anything else that is damaged or missing is CORRUPT and the store does not open; the text
 * names the file, the place and the remedy. A damaged vote log alone does not keep it from opening: it counts as
 * lost, which the view's votes() answers with CORRUPT until the first new entry (design/consensus.md 8, S3).
 *
 * Lifecycle    create (memory) -> open (files, thread) -> submit ... -> close -> destroy. close() works from any
 *              stage and first carries out what was submitted. A store is opened once.
 * Ownership    A submitted commit stays the caller's and must not change until `done` was called with its token.
 * Errors       The first failed write or sync is fatal: that commit and all after it are answered with the error, and
 *              submit() refuses more. Nothing is tried again: after a failed fsync nobody knows what is on disk.
 * Limits       In the options. A full queue answers BUSY: the caller keeps the commit and submits it again after a
 *              done.
 * Thread       create, open, submit, close, destroy: one thread, the owner's. Views and stats: any thread, any number.
 *              `done` and `log` are called on the store's thread (on the caller's with NOTCH_STORE_CALLER_RUNS).
 */
#ifndef NOTCH_CHAIN_IO_STORE_H
#define NOTCH_CHAIN_IO_STORE_H

#include "base/log.h"
#include "base/units.h"
#include "chain/store.h"

struct notch_store;
struct notch_file_ops;

/* Commits complete in the order in which they were submitted. err is OK, IO, DISK_FULL, READ_ONLY, CORRUPT. */
typedef void (*notch_store_done)(void *arg, uint64_t token, enum notch_err err);

enum notch_store_runner {
    NOTCH_STORE_OWN_THREAD,
    NOTCH_STORE_CALLER_RUNS /* no thread: notch_store_run() does the work, for tests that must repeat exactly */
};

struct notch_store_options {
    const char *dir;                    /* made if missing; its parent must exist */
    struct notch_hash genesis;          /* which network the store belongs to */
    const struct notch_alloc *alloc;    /* safe from any thread */
    const struct notch_log *log;        /* may be NULL; safe from any thread */
    const struct notch_file_ops *files; /* NULL: the operating system's (chain/io/file.h) */
    void *keys_env;                     /* a leveldb_env_t, or NULL for LevelDB's own */
    notch_store_done done;
    void *done_arg;
    enum notch_store_runner runner;
    size_t cache_bytes;        /* LevelDB's blocks in memory */
    size_t write_buffer_bytes; /* LevelDB's newest keys in memory; at times there are two such buffers */
    uint32_t segment_bytes;    /* a segment file is full when the next body does not fit; at most 2^32 - 1 */
    uint32_t queue_max;        /* commits submitted and not yet done */
    size_t group_bytes_max;    /* how much may wait together for one sync; one commit alone may be larger */
    uint32_t votes_keep_bytes; /* how much of the vote log is kept from before the last keys (chain/io/votelog.h) */
};

/* 8 MiB cache, 4 MiB write buffer, 64 MiB segments, 1,024 commits, groups of 8 MiB, 1 MiB of votes; the rest is zero.
 * */
struct notch_store_options notch_store_options_default(void);

/* Why a store does not open, or what ended it: names the file, and the remedy. */
struct notch_store_failure {
    enum notch_err err;
    char text[512];
};

/* Never fails: INVALID options are broken promises. */
struct notch_store *notch_store_create(const struct notch_store_options *options);
void notch_store_destroy(struct notch_store *store);

/*
 * Opens the store, or makes one where dir is missing or empty. LOCKED by another process, VERSION and NETWORK of
 * another store, CORRUPT, IO, DISK_FULL, READ_ONLY, PERMISSION; *failure (may be NULL) says more.
 */
NOTCH_MUST_USE enum notch_err notch_store_open(struct notch_store *store, struct notch_store_failure *failure);

/* Carries out what was submitted, calls `done` for each, and lets go of everything. Views must not be used after. */
void notch_store_close(struct notch_store *store);

/* Queues a commit. BUSY: the queue is full. Otherwise only what already failed the store. body_first must fit. */
NOTCH_MUST_USE enum notch_err notch_store_submit(struct notch_store *store, const struct notch_commit *commit);

/* With NOTCH_STORE_CALLER_RUNS: carries out one group of what waits; false when nothing did. */
bool notch_store_run(struct notch_store *store);

/* What is newest on disk; valid while the store is open, from any thread. Reads of one call may span a commit. */
struct notch_store_view notch_store_latest(const struct notch_store *store);

/*
 * What was on disk after some recent commit with keys, and stays so while it is pinned: taking one counts a reference,
 * the view itself is made once per commit with keys. Unpin soon: LevelDB keeps all that a view may still see.
 */
const struct notch_store_view *notch_store_pin(struct notch_store *store);
void notch_store_unpin(struct notch_store *store, const struct notch_store_view *view);

/* Counts since open; durations in nanoseconds. */
struct notch_store_stats {
    uint64_t commits;
    uint64_t groups;
    uint64_t bodies;
    uint64_t body_bytes; /* with framing */
    uint64_t votes;
    uint64_t key_ops;
    uint64_t key_bytes;
    uint64_t body_syncs;
    uint64_t vote_syncs;
    uint64_t key_syncs;
    uint64_t sync_ns_total;
    uint64_t sync_ns_max;
    uint64_t queue_depth; /* now */
    bool votes_lost;
    enum notch_err failed; /* OK, or what ended the store */
};
void notch_store_stats(struct notch_store *store, struct notch_store_stats *out);

/*
 * Copies what a view pinned now sees, each body and key checked on the way, into `target`, which must be missing or
 * empty. The vote log is never copied: a node that starts from a backup waits as one that lost it (S3).
 */
NOTCH_MUST_USE enum notch_err notch_store_backup(struct notch_store *store, const char *target,
                                                 struct notch_store_failure *failure);

enum notch_finding_grade {
    NOTCH_FINDING_NOTE,   /* as it should be, or mended by the next start: a torn tail that nobody was told of */
    NOTCH_FINDING_DAMAGE, /* the store does not open, or a read would fail */
    NOTCH_FINDING_LOST    /* the vote log: the validator waits before it votes again */
};

/* One thing found. Texts are valid during the call only; remedy is "" for a note. */
struct notch_finding {
    enum notch_finding_grade grade;
    const char *file;
    uint64_t offset;
    const char *what;
    const char *remedy;
};

struct notch_store_verify_sink {
    void (*finding)(void *self, const struct notch_finding *finding);
    void (*progress)(void *self, uint64_t bytes_done, uint64_t bytes_total); /* may be NULL */
    void *self;
};

/*
 * Reads everything with every checksum and holds the logs against each other. Takes the lock, and changes no file of
 * ours; LevelDB is opened last, and folds its own log as at any start. OK: no damage. CORRUPT: findings say where.
 * Otherwise why it could not be looked at (LOCKED, NOT_FOUND, VERSION, NETWORK, IO), with *failure saying more.
 */
NOTCH_MUST_USE enum notch_err notch_store_verify(const struct notch_store_options *options,
                                                 const struct notch_store_verify_sink *sink,
                                                 struct notch_store_failure *failure);

#endif
