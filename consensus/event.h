/*
 * consensus/event.h: what the node tells the consensus core. See consensus/consensus.h for the whole.
 *
 * Ownership    The core copies what it keeps: everything that an event points to is needed during handle() only.
 */
#ifndef NOTCH_CONSENSUS_EVENT_H
#define NOTCH_CONSENSUS_EVENT_H

#include "base/bytes.h"
#include "base/crypto.h"
#include "chain/vote.h"
#include "consensus/effect.h"

/* What running a block gave. All of it is a function of the chain. */
struct notch_consensus_executed {
    struct notch_hash state_root;
    struct notch_hash receipts_root;
    struct notch_hash history_root; /* over the hashes of all blocks up to and including this one */
};

/* A change of membership that a block recorded; it takes effect with the next set. */
enum notch_membership_kind {
    NOTCH_MEMBERSHIP_JOIN, /* admitted by whatever the chain's mode asks for */
    NOTCH_MEMBERSHIP_LEAVE
};
struct notch_membership_change {
    enum notch_membership_kind kind;
    struct notch_key key;
};

/* Per block. The ledger refuses (with a receipt) what a block records beyond it. */
#define NOTCH_MEMBERSHIP_CHANGES_MAX 64

#define NOTCH_CONSENSUS_EVENT_TABLE(X) \
    X(START, "start") \
    X(RECOVERED, "recovered") /* all recovered blocks were given */ \
    X(TICK, "tick") \
    X(HEADER, "header")       /* an encoded header from a peer */ \
    X(BLOCK, "block")         /* header and body, from a peer or from the bodies log */ \
    X(VOTES, "votes")         /* encoded votes, a certificate included */ \
    X(EVIDENCE, "evidence")   /* one encoded piece */ \
    X(VERDICT, "verdict")     /* answers VERIFY */ \
    X(DONE, "done")           /* answers PERSIST */ \
    X(FAILED, "failed")       /* answers PERSIST */ \
    X(EXECUTED, "executed")   /* answers EXECUTE */ \
    X(AVAILABLE, "available") /* answers FETCH */ \
    X(BATCHES, "batches")     /* answers NEED_BATCHES */ \
    X(PENDING, "pending")     /* whether the node holds something to put on the chain */ \
    X(REPORT, "report")       /* an authenticated peer says which slot it has (11.1) */ \
    X(WANTED, "wanted")       /* a peer asks for a certificate: answered by a SEND to it */ \
    X(OPERATOR, "operator")

enum notch_consensus_event_type {
#define X(name, text) NOTCH_CONSENSUS_EVENT_##name,
    NOTCH_CONSENSUS_EVENT_TABLE(X)
#undef X
};

enum notch_consensus_command {
    NOTCH_CONSENSUS_VOTE_RESET,    /* vote although the vote log was lost (8 S3, 11.8) */
    NOTCH_CONSENSUS_CLOCK_TRUSTED, /* the clock is right: the operator, or the operating system, says so */
    NOTCH_CONSENSUS_CLOCK_DOUBTED
};

struct notch_consensus_event {
    enum notch_consensus_event_type type;
    uint64_t seq; /* one more than the event before */
    struct notch_time now;
    uint64_t peer; /* who sent it; 0 for ourselves. It is only ever given back, in SCORE, REQUEST and SEND. */
    union {
        struct {
            struct notch_bytes root;                  /* of the last FINAL stored; empty: start from genesis */
            struct notch_consensus_executed executed; /* what that block (or genesis) gave */
            const struct notch_bytes *vote_log;       /* entries, oldest first */
            size_t vote_log_count;
            bool is_vote_log_lost; /* damaged, or missing although this validator has voted */
        } start;
        struct {
            struct notch_bytes bytes;
        } header;
        struct {
            struct notch_bytes bytes;
            bool is_recovered;
        } block;
        struct {
            struct notch_bytes bytes;
        } votes;
        struct {
            struct notch_bytes bytes;
        } evidence;
        struct {
            uint64_t token;
            const struct notch_consensus_result *results; /* one per check, in order */
            size_t count;
        } verdict;
        struct {
            uint64_t token;
        } done; /* and FAILED */
        struct {
            struct notch_hash hash;
            struct notch_consensus_executed executed;
            const struct notch_membership_change *changes;
            uint32_t change_count;
            bool has_open_claims; /* an unsettled claim keeps a chain awake (9) */
        } executed;
        struct {
            struct notch_hash hash;
            bool is_valid; /* false: a batch in it is invalid, or n_records is wrong. Missing ones: no answer yet. */
        } available;
        struct {
            uint64_t token;
            const struct notch_hash *ids;
            uint32_t count;
            uint32_t n_records;
        } batches;
        struct {
            uint64_t batches;
        } pending;
        struct {
            struct notch_key key;
            struct notch_slot slot;
        } report;
        struct {
            struct notch_checkpoint from; /* the peer's final checkpoint */
        } wanted;
        struct {
            enum notch_consensus_command command;
        } operator_;
    };
};

/* "start", "tick", ... */
const char *notch_consensus_event_name(enum notch_consensus_event_type type);

#endif
