/*
 * node/parts.h: what the parts of the node core keep. Not for anybody outside of node/; see node/internal.h.
 *
 * Ownership    All of it belongs to the one struct notch_node. Buffers of plain values (tickets, ids, tokens) are
 *              struct notch_buf and are read by copying out of them.
 * Units        Heights in here are plain numbers, because 0 says "none".
 */
#ifndef NOTCH_NODE_PARTS_H
#define NOTCH_NODE_PARTS_H

#include "base/map.h"
#include "chain/batch.h"
#include "chain/ledger.h"
#include "consensus/consensus.h"
#include "node/core.h"

/* ---- outbox ---- */

struct notch__out {
    struct notch_node_effect effect;
    void *owned; /* what the effect points to, freed when the next one is polled; may be NULL */
    size_t owned_size;
};

/* ---- commits ---- */

#define NOTCH__COMMITS_MAX 64

struct notch__commit {
    struct notch_commit commit;
    struct notch_buf waiters;     /* uint64_t each: tokens of consensus PERSISTs that this commit carries out */
    bool flushes;                 /* the ledger waits for its token */
    struct notch_block_ref final; /* if it flushes */
};

/* ---- jobs ---- */

#define NOTCH__JOB_RECORDS_MAX 64

/* Which record of which submission. */
struct notch__ticket {
    uint32_t submission;
    uint32_t index;
};

struct notch__job {
    uint64_t token; /* 0: free, or open and not yet given out */
    uint64_t consensus_token;
    struct notch_node_work work;
    struct notch_buf bytes; /* of the records, one after the other */
    size_t offsets[NOTCH__JOB_RECORDS_MAX + 1];
    struct notch__ticket tickets[NOTCH__JOB_RECORDS_MAX];
    struct notch_bytes views[NOTCH__JOB_RECORDS_MAX];
    struct notch_node_verdict *verdicts; /* NOTCH__JOB_RECORDS_MAX, made at first use */
    struct notch_consensus_result *results;
    size_t result_cap;
};

/* ---- pool ---- */

enum notch__batch_state { NOTCH__BATCH_WRITING, NOTCH__BATCH_STORED };

/* A batch that no final block contains yet. */
struct notch__batch {
    struct notch_hash id;
    struct notch_key maker;
    uint64_t seq;
    struct notch_time ts;
    uint64_t position; /* in the bodies log */
    uint64_t commit;   /* token of the commit that stores it */
    enum notch__batch_state state;
    struct notch_buf bytes;
    struct notch_buf ids;   /* struct notch_hash each: the ids of its records, in order */
    struct notch_buf salts; /* struct notch_hash each: their salt hashes */
    uint32_t record_count;
    struct notch_buf tickets; /* struct notch__ticket each: who submitted its records, in order, until it is stored */
    struct notch_buf repeats; /* struct notch__ticket each: who submitted one of them again meanwhile */
    uint64_t included_height; /* on the chain of the head; 0: not there */
    uint64_t final_height;    /* of the final block that contains it, while that is being flushed; 0: none */
    struct notch_time oldest; /* when its first record was submitted */
};

/* Where a record of the pool is. */
struct notch__where {
    struct notch__batch *batch;
    struct notch_hash id;
};

struct notch__pool {
    struct notch_map batches;    /* batch id -> struct notch__batch * */
    struct notch_map records;    /* record id -> struct notch__where */
    struct notch_map salts;      /* salt hash -> struct notch__where */
    struct notch__batch **order; /* by position */
    size_t order_count;
    size_t order_cap;
    uint64_t record_count; /* in them */
    uint64_t waiting;      /* of them not in a block of the head's chain */
};

/* ---- intake ---- */

struct notch__submission {
    bool used;
    enum notch_request_type type;
    uint64_t token;
    uint32_t count;
    uint32_t left; /* results that are not known yet */
    struct notch_record_result *results;
    struct notch_buf record; /* PUBLISH: what was signed */
    struct notch_time at;
};

struct notch__intake {
    struct notch__submission *submissions;
    uint32_t submission_count; /* slots there are; grows up to in_flight_max */
    uint32_t *free;            /* free slots, a stack */
    uint32_t free_count;
    uint64_t records; /* without a result */
    uint64_t bytes;
    struct notch_batch_builder builder; /* the open batch, and what belongs to its records */
    struct notch__batch *open;
    struct notch_time open_since;
    uint64_t seq_last;
    uint64_t batches_writing;
    struct notch_hash ref;       /* the last ref that was found good */
    struct notch_slot ref_until; /* the last slot in which it is not too old */
};

/* ---- bridge ---- */

/* An event for consensus that waits until its effects are drained. */
struct notch__deferred {
    struct notch_consensus_event event;
    void *owned;
    size_t owned_size;
};

/* A block of the chain behind the base: what the pool and the flush need of it. */
struct notch__block {
    struct notch_block_ref ref;
    struct notch_hash parent;
    uint64_t position;
    struct notch_hash *batches;
    uint32_t batch_count;
    bool changes_set; /* a signal block that names a set of another root */
};

/* A block whose batches are not all here: asked again when one arrives. */
struct notch__fetch {
    struct notch_hash block;
    struct notch_hash *batches;
    uint32_t batch_count;
    uint32_t n_records;
};

#define NOTCH__FETCHES_MAX 64

/* Where the body of a block came from while the bodies are gone through at start. */
#define NOTCH__NOT_RECOVERED UINT64_MAX

#endif
