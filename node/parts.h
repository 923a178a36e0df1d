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

/* Few, so that all workers get some of what comes at once, and nobody waits for the last of many. */
#define NOTCH__JOB_RECORDS_MAX 8
/* A job's token is a number that counts up, and in its low bits where the job stands. */
#define NOTCH__JOB_SLOT_BITS 24

/* Which record of which submission. */
struct notch__ticket {
    uint32_t submission;
    uint32_t index;
};

struct notch__job {
    uint64_t token; /* 0: free, or open and not yet given out */
    size_t slot;    /* in node->jobs */
    struct notch__job *next_free;
    uint64_t consensus_token;
    struct notch_node_work work;
    struct notch_buf bytes; /* of the records, one after the other */
    size_t offsets[NOTCH__JOB_RECORDS_MAX + 1];
    struct notch__ticket tickets[NOTCH__JOB_RECORDS_MAX];
    struct notch_bytes views[NOTCH__JOB_RECORDS_MAX];
    struct notch_node_verdict *verdicts; /* NOTCH__JOB_RECORDS_MAX, made at first use */
    struct notch_consensus_result *results;
    size_t result_cap;
    struct notch_node_batch_check *batch; /* CHECK_BATCH: owned while the job is out */
    uint64_t peer;                        /* who sent what is checked */
    struct notch_consensus_check stored;  /* of a STORED: the one check that is not consensus's own */
    struct notch_hash batch_id;           /* CHECK_BATCH, or the batch of a STORED */
    bool is_stored;
    struct notch_hash sign_message; /* SIGN */
    struct notch_sig sig;
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
    struct notch_buf holders; /* struct notch_key each: validators that have it on disk, ourselves included */
    bool is_own;
    bool is_waiting;              /* in node->acks */
    struct notch_time ack_until;  /* then its records are answered as LOCAL */
    struct notch_time resend_due; /* to those that have not said STORED yet */
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

/* The batch of a record that came alone, signed while the record is being checked. */
struct notch__ahead {
    bool is_out;    /* the work is */
    bool is_signed; /* sig is there, and was not used or thrown away yet */
    struct notch_hash record;
    struct notch_batch_head head;
    uint64_t seq;
    struct notch_time ts;
    struct notch_sig sig;
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
    struct notch__ahead ahead;
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
    uint32_t next; /* those before it are here */
    uint64_t records;
    uint32_t n_records;
};

/* Where the body of a block came from while the bodies are gone through at start. */
#define NOTCH__NOT_RECOVERED UINT64_MAX

#endif
