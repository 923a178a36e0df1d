/*
 * node/api.h: what a node offers to whoever stands in front of it: the RPC, a test, a benchmark.
 *
 * Two ways in, because they cost differently:
 *
 *   reads      of what is final come from a view of the store (chain/store.h) and never disturb the node: any thread,
 *              many at a time, with the queries of chain (ledger, index, proof).
 *   requests   go through the node's one door as an event and come back as a reply: submitting, and questions about
 *              what is not final yet. One at a time, in the order in which they were made.
 *
 * Beside them there is struct notch_node_info: a plain copy of the node's vital signs, taken after every event.
 *
 * Ownership    What a request points to must stay until its reply. What a reply points to is valid during the call that
 *              delivers it.
 * Limits       NOTCH_SUBMIT_MAX records in one request; requests in flight as the options of the core say, beyond that
 *              the reply is BUSY.
 * Errors       reply.err is our side (BUSY, CLOSED, DISK_FULL, ...); what is wrong with a record is in its result.
 */
#ifndef NOTCH_NODE_API_H
#define NOTCH_NODE_API_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/units.h"

#define NOTCH_SUBMIT_MAX 1024

/* How far a record has come. Each one implies those before it. The names in JSON are these, in lower case. */
enum notch_record_status {
    NOTCH_STATUS_UNKNOWN,   /* never heard of */
    NOTCH_STATUS_REFUSED,   /* invalid, or not taken: see the reject */
    NOTCH_STATUS_LOCAL,     /* on this node's disk */
    NOTCH_STATUS_STORED,    /* on the disks of validators with more than a third of the weight: it will become final */
    NOTCH_STATUS_INCLUDED,  /* in a block of the chain that this node follows */
    NOTCH_STATUS_CONFIRMED, /* that block was confirmed by a quorum in one slot */
    NOTCH_STATUS_FINAL,     /* that block is final; the receipt stands, except for claims that are still open */
    NOTCH_STATUS_SETTLED    /* its claims are decided as well */
};

/* "unknown", "refused", "local", "stored", ... */
const char *notch_record_status_name(enum notch_record_status status);

enum notch_request_type {
    NOTCH_REQUEST_SUBMIT,     /* signed records */
    NOTCH_REQUEST_PUBLISH,    /* entries, to be signed as one record by this node's author key, and submitted */
    NOTCH_REQUEST_SIGN,       /* the same without submitting */
    NOTCH_REQUEST_NEED,       /* a need of this node's author, committed to or revealed, and submitted */
    NOTCH_REQUEST_STATUS,     /* of one record that may not be final */
    NOTCH_REQUEST_VALIDATORS, /* the set in force */
    NOTCH_REQUEST_FINALITY,   /* head, justified, final, and who voted */
    NOTCH_REQUEST_OPERATE     /* operator commands */
};

enum notch_operate { NOTCH_OPERATE_VOTE_RESET, NOTCH_OPERATE_CLOCK_IS_RIGHT };

/*
 * A need, as the commitment that hides it or as the opening that shows it. The blinding is derived from the author's
 * secret and the need, so nothing has to be kept between the two, and the same need given twice is the same record.
 */
enum notch_need_step { NOTCH_NEED_STEP_COMMIT, NOTCH_NEED_STEP_REVEAL };
struct notch_need_request {
    enum notch_need_step step;
    struct notch_hash resource;
    struct notch_time start;
    uint64_t length_ms;
    struct notch_amount amount;
};

struct notch_request {
    enum notch_request_type type;
    uint64_t token; /* the caller's; comes back in the reply */
    union {
        struct {
            const struct notch_bytes *records;
            size_t count;
        } submit;
        struct {
            const struct notch_bytes *entries; /* encoded entries, chain/entry.h */
            size_t count;
        } publish;
        struct notch_need_request need;
        struct {
            struct notch_hash record;
        } status;
        enum notch_operate operate;
    };
};

/* What became of one record of a SUBMIT, PUBLISH or SIGN, or where a record stands. */
struct notch_record_result {
    struct notch_hash id; /* zero if the bytes were not even a record */
    enum notch_record_status status;
    struct notch_reject reject; /* for REFUSED */
    bool duplicate;             /* already known: `id` is the record that stands, `status` its status */
    uint64_t height;            /* of the including block, from INCLUDED on */
    uint32_t stored_by;         /* how many validators hold it on disk, this one included */
};

/* One member of a validator set. */
struct notch_validator_info {
    struct notch_key key;
    uint64_t weight;
    uint64_t reputation;         /* micro units, at most 32e6, as of the last set change */
    struct notch_slot last_vote; /* the newest one seen */
    bool self;
};

struct notch_block_ref {
    struct notch_hash hash;
    struct notch_height height;
    struct notch_slot slot;
    struct notch_time time;
};

struct notch_finality_info {
    struct notch_block_ref head;
    struct notch_block_ref confirmed;
    struct notch_block_ref justified;
    struct notch_block_ref final;
    uint64_t set_id;
    uint64_t weight_total;
    uint64_t weight_voting; /* in the last voted slot */
    uint64_t lag_slots;     /* head.slot - final.slot */
};

struct notch_reply {
    enum notch_request_type type;
    uint64_t token;
    enum notch_err err;
    union {
        struct {
            const struct notch_record_result *results;
            size_t count;
            struct notch_bytes record; /* PUBLISH and SIGN: the signed record */
        } records;
        struct {
            uint64_t set_id;
            struct notch_hash set_root;
            const struct notch_validator_info *members;
            size_t count;
        } validators;
        struct notch_finality_info finality;
    };
};

/*
 * How long records took from submission to final, in ms, each counted with the oldest record of its batch. Bucket i <
 * 32 is i ms; from there on 16 buckets to the octave. The last one holds everything greater.
 */
#define NOTCH_LATENCY_BUCKETS 256
struct notch_latency {
    uint64_t counts[NOTCH_LATENCY_BUCKETS];
    uint64_t total;
    uint64_t sum_ms;
};

void notch_latency_add(struct notch_latency *latency, uint64_t ms, uint64_t count);

/* The upper end of bucket `index`, in ms. */
uint64_t notch_latency_bound(unsigned index);

/* The least bound that at least ppm of all counts are at or under; 0 where nothing was counted. */
uint64_t notch_latency_quantile(const struct notch_latency *latency, uint32_t ppm);

/* The node's vital signs. Counters are since start, except where they say otherwise. */
struct notch_node_info {
    struct notch_finality_info finality_state;
    struct notch_key validator; /* zero if this node does not vote */
    struct notch_key author;    /* zero if it signs no records */
    struct notch_slot slot;     /* now, by the clock */
    struct notch_time now;
    uint64_t records;         /* final on this chain, all time */
    uint64_t entries;         /* final on this chain, all time */
    uint64_t pending_batches; /* not final yet */
    uint64_t pending_records;
    uint64_t submitted;    /* records given in */
    uint64_t acknowledged; /* of them answered as stored */
    uint64_t refused;      /* of them refused */
    uint64_t duplicates;   /* of them already known */
    uint64_t batches_made;
    uint64_t batches_ahead; /* of them signed while their one record was still being checked */
    uint64_t blocks_proposed;
    uint64_t votes_cast;
    uint64_t commits;   /* PERSIST effects */
    uint64_t in_flight; /* submissions that have no reply yet */
    struct notch_latency finality;
    uint32_t peers;
    bool voting;         /* false: no validator, or it waits: a lost vote log, a doubted clock, a failed disk */
    bool taking_records; /* false after the disk failed, and without a validator key */
    bool alone;          /* no peers, in a set of more than one: local-only mode */
    bool quiet;          /* nothing to propose: everything on the chain is final */
};

#endif
