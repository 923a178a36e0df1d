/*
 * chain/io/votelog.h: the vote log: what this validator has signed, never to be signed otherwise.
 *
 *   votes   head of 64 bytes {magic "NOTCHVOT", format u32, zeros u32, genesis 32, zeros 12, CRC-32C u32}, then frames
 *           (chain/io/frame.h) whose mark says how many bodies were on disk before: a vote never refers to less
 *
 * A torn end was never acknowledged, so its vote was never sent: it is cut off. A log that is missing, or damaged in
 * any other way, is lost: it is not repaired, not guessed at, and says so until the first new entry, which begins a
 * new log (design/consensus.md 8, S1 and S3). The damaged file is kept beside it as votes.damaged.
 *
 * What stands in the log since the last commit with keys is what a restart from those keys needs to justify its source
 * (8, L1): it is never cut off, however long nothing becomes final. Before that, keep_bytes more are kept, for entries
 * that were on their way when the keys were made. What can be cut off is, once it is more than three times keep_bytes:
 * the log is rotated, that is replaced, wholly or not at all, by its end. The first byte of an entry names its kind,
 * and the newest entry of every kind outlives every rotation, however old it is.
 *
 * Thread       notch__votelog_visit(): any, one at a time (a lock). Everything else: one writer.
 */
#ifndef NOTCH_CHAIN_IO_VOTELOG_H
#define NOTCH_CHAIN_IO_VOTELOG_H

#include "chain/io/frame.h"

#include <pthread.h>

#define NOTCH__VOTELOG_HEAD 64

enum notch__votelog_state { NOTCH__VOTELOG_GOOD, NOTCH__VOTELOG_LOST };

struct notch__votelog {
    struct notch__io *io;
    struct notch__path dir;
    struct notch__path path;
    uint32_t keep_bytes;
    pthread_mutex_t lock; /* of everything below */
    enum notch__votelog_state state;
    int file;
    uint64_t appended;
    uint64_t synced;
    uint64_t written;   /* offset behind the last frame on disk */
    uint64_t group_at;  /* offset at which the last group of entries begins */
    uint64_t flushed;   /* offset behind which every entry is needed: no keys were written since */
    uint64_t last_mark; /* of the last frame found at open */
    struct notch_buf tail;
    uint64_t syncs;
};

void notch__votelog_init(struct notch__votelog *votes, struct notch__io *io, const char *dir, uint32_t keep_bytes);
void notch__votelog_fini(struct notch__votelog *votes);

/* An empty log, wholly or not at all. */
NOTCH_MUST_USE enum notch_err notch__votelog_make(struct notch__votelog *votes);

/* IO, VERSION, NETWORK. A lost log is OK here: see `state`. */
NOTCH_MUST_USE enum notch_err notch__votelog_open(struct notch__votelog *votes);
void notch__votelog_close(struct notch__votelog *votes);

/* The entry is on disk after the next sync. `bodies`: how many are. */
void notch__votelog_append(struct notch__votelog *votes, struct notch_bytes entry, uint64_t bodies);
NOTCH_MUST_USE enum notch_err notch__votelog_sync(struct notch__votelog *votes);

/* Keys were written behind the last group: what stands before it is needed no more, but for keep_bytes of it. */
void notch__votelog_flushed(struct notch__votelog *votes);

/* Oldest first, with empty keys. CORRUPT: lost. */
NOTCH_MUST_USE enum notch_err notch__votelog_visit(struct notch__votelog *votes, notch_store_visit visit, void *arg);

/* Whether the head is that of a vote log. CORRUPT, VERSION, NETWORK. For verification too. */
NOTCH_MUST_USE enum notch_err notch__votelog_head(const struct notch__io *io, int file);

#endif
