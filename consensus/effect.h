/*
 * consensus/effect.h: what the consensus core asks of the node. See consensus/consensus.h for the whole.
 *
 * Ownership    Every pointer in an effect is valid until the next notch_consensus_handle(), except where said.
 */
#ifndef NOTCH_CONSENSUS_EFFECT_H
#define NOTCH_CONSENSUS_EFFECT_H

#include "chain/evidence.h"
#include "chain/set.h"

/* name, text for traces */
#define NOTCH_CONSENSUS_EFFECT_TABLE(X) \
    X(PERSIST, "persist")           /* make `persist` durable, then answer DONE (or FAILED) */ \
    X(SEND, "send")                 /* to all peers, but not before `after` is DONE */ \
    X(VERIFY, "verify")             /* check signatures, answer VERDICT */ \
    X(REQUEST, "request")           /* ask peers for a header, a body or a certificate */ \
    X(NEED_BATCHES, "need-batches") /* a proposal wants batch ids: answer BATCHES */ \
    X(FETCH, "fetch")               /* have all batches of this block verified, answer AVAILABLE */ \
    X(EXECUTE, "execute")           /* the block is valid: keep it, run it on its parent, answer EXECUTED */ \
    X(HEAD, "head")                 /* the head moved */ \
    X(CONFIRMED, "confirmed")       /* this block, and what is under it, is confirmed */ \
    X(JUSTIFIED, "justified")       /* the greatest justified checkpoint rose */ \
    X(FINAL, "final")               /* this block, and what is under it, is final */ \
    X(SET_CHANGE, "set-change")     /* another set is in force */ \
    X(DROPPED, "dropped")           /* this block conflicts with a final one: forget it */ \
    X(SCORE, "score")               /* a peer sent what is invalid */ \
    X(ALARM, "alarm")               /* somebody has to look */

enum notch_consensus_effect_type {
#define X(name, text) NOTCH_CONSENSUS_##name,
    NOTCH_CONSENSUS_EFFECT_TABLE(X)
#undef X
};

/* What a SEND carries, and what a REQUEST asks for. */
enum notch_consensus_what {
    NOTCH_CONSENSUS_WHAT_BLOCK,  /* header and body, as in the bodies log; a REQUEST names the hash */
    NOTCH_CONSENSUS_WHAT_HEADER, /* the header alone */
    NOTCH_CONSENSUS_WHAT_VOTES,  /* encoded votes (chain/vote.h) */
    NOTCH_CONSENSUS_WHAT_EVIDENCE,
    NOTCH_CONSENSUS_WHAT_CERT /* votes that justify a checkpoint, closed under sources down to `from` */
};

enum notch_consensus_alarm {
    NOTCH_CONSENSUS_ALARM_CONFLICT,  /* two justified checkpoints of one slot, or a final conflict: voting stops */
    NOTCH_CONSENSUS_ALARM_EVIDENCE,  /* somebody broke the rules; `bytes` is the evidence */
    NOTCH_CONSENSUS_ALARM_VOTE_LOST, /* the vote log was lost: no voting until the others have moved on (8 S3) */
    NOTCH_CONSENSUS_ALARM_CLOCK,     /* the clock jumped: no voting until it is confirmed (8 L10, 11.1) */
    NOTCH_CONSENSUS_ALARM_STALE,     /* the last final block is older than the weak subjectivity period allows */
    NOTCH_CONSENSUS_ALARM_STATE,     /* our execution differs from what a quorum justified */
    NOTCH_CONSENSUS_ALARM_FULL       /* a table is full: what it could not take is dropped */
};

/* One thing to verify: a signature over `message`, or a VRF proof over it. */
struct notch_consensus_check {
    bool is_vrf;
    struct notch_key key;
    struct notch_hash message;
    struct notch_sig sig;
    struct notch_vrf_proof proof;
};

/* What came of it; `output` is the random value of a valid VRF proof. */
struct notch_consensus_result {
    bool valid;
    struct notch_hash output;
};

struct notch_consensus_effect {
    enum notch_consensus_effect_type type;
    uint64_t token; /* names this effect in the event that answers it; 0 if none does */
    uint64_t after; /* the PERSIST that must be DONE before this is carried out; 0 if none */
    union {
        /* Everything up to and including block `head` must be durable with it or before it (8 L1): the bodies
         * first. */
        struct {
            struct notch_bytes entry; /* for the vote log */
            struct notch_hash head;
        } persist;
        struct {
            enum notch_consensus_what what;
            struct notch_bytes bytes;
            uint64_t to; /* a peer, or 0 for all */
        } send;
        /* The array is valid until VERDICT. */
        struct {
            const struct notch_consensus_check *checks;
            size_t count;
        } verify;
        struct {
            enum notch_consensus_what what;
            struct notch_hash hash;
            struct notch_checkpoint from; /* CERT: what we have as final */
            uint64_t peer;                /* who is likely to have it; 0 if unknown */
        } request;
        /* Ids of batches that are not on the chain up to `parent`, oldest first; at most `max`, at most
         * `bytes_max`. */
        struct {
            struct notch_hash parent;
            struct notch_slot slot;
            struct notch_time time; /* of the block: no batch may be dated later */
            uint32_t max;
        } need_batches;
        struct {
            struct notch_hash hash;
            struct notch_header header;
            struct notch_body body;
        } fetch;
        struct {
            struct notch_hash hash;
            struct notch_header header;
            struct notch_bytes block; /* header and body, for the bodies log */
            struct notch_body body;
            struct notch_hash proposer_output; /* the VRF's, for tie-breaks (8 T2) */
            struct notch_key proposer;
            struct notch_checkpoint finalized; /* on chain, after this block's own votes: for settlement (8 T3) */
            struct notch_height finalized_height;
            bool is_signal;
            struct notch_set next_set;        /* if is_signal */
            const uint64_t *next_reputations; /* of its members, micro-units */
            bool
                voted_well; /* no votes, or they show >= 3/4 of the weight in some slot: counts for settlement (8 T3) */
        } execute;
        struct {
            struct notch_hash hash;
            struct notch_height height;
            struct notch_slot slot;
            struct notch_hash fork; /* deepest common ancestor with the head before */
            struct notch_height fork_height;
        } head;
        struct {
            struct notch_hash hash;
            struct notch_height height;
        } confirmed;
        struct {
            struct notch_checkpoint checkpoint;
            struct notch_height height;
        } justified;
        struct {
            struct notch_hash hash;
            struct notch_height height;
            struct notch_checkpoint checkpoint;
            struct notch_bytes cert; /* encoded votes: those of the checkpoint's slot, and those of the next (8 S9) */
            struct notch_bytes root; /* what START wants to see again; store it with the flush of this block */
        } final;
        struct {
            struct notch_set set;
            struct notch_checkpoint root;
        } set_change;
        struct {
            struct notch_hash hash;
        } dropped;
        struct {
            uint64_t peer;
            struct notch_reject reject;
        } score;
        struct {
            enum notch_consensus_alarm kind;
            const char *text; /* a literal */
            struct notch_bytes bytes;
        } alarm;
    };
};

/* "persist", "send", ... */
const char *notch_consensus_effect_name(enum notch_consensus_effect_type type);

#endif
