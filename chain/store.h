/*
 * chain/store.h: what the cores know of the disk: one read-only view, and commits that answer with a completion event.
 *
 * There are three things on disk, and the cores decide what goes into each:
 *
 *   bodies     an append-only log of batches and blocks, addressed by dense positions 0, 1, 2, ... A body never
 *              changes.
 *   vote log   what this validator has signed: its own log, never part of a backup (design/consensus.md 8, S1 to S3).
 *   keys       an ordered key-value space: state, indexes and metadata of the chain up to a final block.
 *
 * The keys are a function of the bodies: they are written once per final block, in one atomic batch that carries the
 * position up to which the bodies are accounted for. What a crash takes from the keys is found again by reading the
 * bodies behind that position, so an acknowledgement waits for one sync of the bodies and for nothing else.
 *
 *      core                                  driver (node/daemon, or the simulator)
 *        | -- PERSIST commit 7 ---------------> | bodies appended, synced; votes appended, synced; keys written, synced
 *        | <- DONE 7 -------------------------- | in that order: a later part is on disk only if the earlier ones are
 *
 * Invariants   Commits are carried out in the order of their tokens, and completed in that order.
 *              A commit is visible to the view no later than its DONE. Until then the core keeps what it needs.
 *              After a crash: the bodies are a prefix of what was appended that contains all that was synced; the vote
 *              log likewise; the keys are those of one commit, no older than the last one whose DONE was answered.
 *              The vote log may forget entries that are older than the last commits with keys, but the newest of each
 *              kind (the first byte of an entry). What was written since is never forgotten: a start from those keys
 *              needs it.
 * Ownership    A commit belongs to the core and stays untouched until its DONE; the driver only reads it.
 * Errors       A failed write or sync is answered by FAILED and is fatal for the store: it is never tried again,
 *              because after a failed fsync nobody knows what is on disk. The node stops taking records, and says so.
 * Limits       NOTCH_STORE_KEY_MAX, NOTCH_STORE_BODY_MAX.
 * Thread       A view may be read by one thread at a time; the daemon makes one for each thread.
 */
#ifndef NOTCH_CHAIN_STORE_H
#define NOTCH_CHAIN_STORE_H

#include "base/bytes.h"
#include "base/codec.h"
#include "base/error.h"

#define NOTCH_STORE_KEY_MAX 128
#define NOTCH_STORE_BODY_MAX (16u << 20)

/* Keys that begin with this byte are the driver's own. */
#define NOTCH_STORE_KEY_RESERVED 0xff

/* Raised whenever older code would misread what newer code wrote. */
#define NOTCH_STORE_FORMAT 2

enum notch_scan { NOTCH_SCAN_UP, NOTCH_SCAN_DOWN };

/* One key and its value during a scan; false ends the scan. The views are valid during the call only. */
typedef bool (*notch_store_visit)(void *arg, struct notch_bytes key, struct notch_bytes value);

/* Some bytes of a body. */
struct notch_store_span {
    uint32_t at;
    uint32_t len;
};

struct notch_store_view {
    /* Appends the value to *out. NOT_FOUND, IO, CORRUPT. */
    enum notch_err (*get)(const void *self, struct notch_buf *out, struct notch_bytes key);

    /* Visits the keys in [from, to) in order, or from the last one backwards. IO, CORRUPT. */
    enum notch_err (*scan)(const void *self, struct notch_bytes from, struct notch_bytes to, enum notch_scan direction,
                           notch_store_visit visit, void *arg);

    /* Appends the body at `position` to *out. NOT_FOUND behind the end, IO, CORRUPT. */
    enum notch_err (*body)(const void *self, struct notch_buf *out, uint64_t position);

    /*
     * Appends `span` of the body at `position`. Only that much is read, and no checksum of the store covers it: for
     * those who know the bytes by a hash. NOT_FOUND behind the end, IO, CORRUPT where the body is not that long.
     */
    enum notch_err (*part)(const void *self, struct notch_buf *out, uint64_t position, struct notch_store_span span);

    /* The vote log, oldest entry first. CORRUPT where more than a torn tail is damaged: then it counts as lost. */
    enum notch_err (*votes)(const void *self, notch_store_visit visit, void *arg);

    /* How many bodies there are. */
    uint64_t (*body_count)(const void *self);

    const void *self;
};

/* What one PERSIST effect puts on disk. Any part may be empty. */
struct notch_commit {
    uint64_t token;
    uint64_t body_first; /* position of the first body; equals the bodies appended before */
    uint32_t body_count;
    struct notch_buf bodies; /* body_count blobs (uvar length, bytes) */
    struct notch_buf votes;  /* vote log entries, as blobs */
    struct notch_buf keys;   /* operations, see below */
};

void notch_commit_init(struct notch_commit *commit, const struct notch_alloc *alloc);
void notch_commit_fini(struct notch_commit *commit);

/* Forgets the contents, keeps the memory. */
void notch_commit_clear(struct notch_commit *commit);
bool notch_commit_is_empty(const struct notch_commit *commit);

/* Appends a body and returns its position. body.len <= NOTCH_STORE_BODY_MAX. */
uint64_t notch_commit_body(struct notch_commit *commit, struct notch_bytes body);
void notch_commit_vote(struct notch_commit *commit, struct notch_bytes entry);

/* The later operation on a key wins. 0 < key.len <= NOTCH_STORE_KEY_MAX. */
void notch_commit_put(struct notch_commit *commit, struct notch_bytes key, struct notch_bytes value);
void notch_commit_delete(struct notch_commit *commit, struct notch_bytes key);

/* One operation of `keys`, for the driver. value.data is NULL for a delete. */
struct notch_commit_op {
    struct notch_bytes key;
    struct notch_bytes value;
    bool is_delete;
};

/* Walks the operations: a reader over commit->keys; false at the end. */
bool notch_commit_next_op(struct notch_reader *reader, struct notch_commit_op *op);

#endif
