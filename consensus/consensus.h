/*
 * consensus/consensus.h: the consensus core: events in, effects out, nothing else.
 *
 * It keeps the tree of blocks behind the last final one, the votes that are known, what is justified and final, and
 * what this validator has signed. It decides when to propose, what to vote for and what is final. It knows ids of
 * batches, not their contents, and asks the node to run what it found valid.
 *
 *      driver                        core
 *        | -- handle(TICK now) -------> |   slot t begins, this validator leads
 *        | <-- poll: NEED_BATCHES 3 --- |
 *        | -- handle(BATCHES 3) ------> |
 *        | <-- poll: PERSIST 4 -------- |   vote log: {proposal, t, hash}
 *        | <-- poll: SEND after 4 ----- |   the block; it also goes through the same checks as a foreign one:
 *        | <-- poll: VERIFY, FETCH ---- |
 *        | -- VERDICT, AVAILABLE -----> |   valid (its parent's EXECUTED was known)
 *        | <-- poll: EXECUTE, HEAD ---- |
 *        | <-- poll: PERSIST 5 -------- |   vote log: the vote, what justifies its source; chain(head) durable with it
 *        | <-- poll: SEND after 5 ----- |   the vote
 *        | -- DONE 5 -----------------> |   only now the own vote counts here as well
 *        | <-- poll: FINAL ------------ |
 *
 * Start        create(), then handle(START) with the blob of the last FINAL that was stored (empty on a fresh chain)
 *              and what executing that block gave; then the blocks of the bodies log behind it, oldest first, as
 *              BLOCK events with `recovered` set (they give EXECUTE again, and no SEND); then RECOVERED. The core
 *              wants no TICK before.
 * Time         `now` is in every event and does not go back (an earlier one counts as the latest). deadline() says
 *              when the next TICK is wanted.
 * Determinism  The same options and the same events give the same effects, byte for byte, on every machine.
 * Randomness   None but the VRF.
 * Memory       Tables are bounded by the limits in the options; what does not fit is dropped as each table says.
 * Errors       What is wrong with data from outside is a SCORE or an ALARM, never a return value. FAILED stops
 *              proposing and voting for good.
 * Ownership    The core copies what it keeps out of an event. Effects point into the core until the next handle().
 * Thread       One at a time. handle() and poll() assert that they are not inside each other.
 * Source       design/consensus.md; consensus/README.md says which rule is where.
 */
#ifndef NOTCH_CONSENSUS_CONSENSUS_H
#define NOTCH_CONSENSUS_CONSENSUS_H

#include "base/log.h"
#include "base/rng.h"
#include "consensus/effect.h"
#include "consensus/event.h"

struct notch_consensus;

struct notch_consensus_limits {
    uint32_t blocks;   /* blocks behind the final one (4096) */
    uint32_t votes;    /* votes held in memory (262144) */
    uint32_t jobs;     /* checks under way: headers, bodies, bundles (1024) */
    uint32_t evidence; /* pieces not yet on the chain (256) */
    uint32_t drift_ms; /* how far ahead of our clock a block may be; 0 means delta / 2 */
};

struct notch_consensus_options {
    const struct notch_genesis *genesis; /* borrowed */
    const struct notch_domain *domain;   /* borrowed */
    const struct notch_crypto *crypto;   /* borrowed; for signing and proving here, verifying is an effect */
    const struct notch_signer *signer;   /* borrowed; NULL for a node that only follows */
    const struct notch_alloc *alloc;
    const struct notch_log *log; /* may be NULL */
    struct notch_siphash_key hash_key;
    struct notch_consensus_limits limits; /* zeros are replaced by the defaults above */
    bool clock_is_trusted;                /* the operating system says that its clock is synchronised (11.1) */
};

void notch_consensus_create(struct notch_consensus **out, const struct notch_consensus_options *options);
void notch_consensus_destroy(struct notch_consensus *core);

/* Takes one event. */
void notch_consensus_handle(struct notch_consensus *core, const struct notch_consensus_event *event);

/* Gives the next effect; false when there is none. */
bool notch_consensus_poll(struct notch_consensus *core, struct notch_consensus_effect *effect);

/* When the next TICK is wanted. */
struct notch_time notch_consensus_deadline(const struct notch_consensus *core);

/* Carries out the checks of a VERIFY: pure, for any thread. results holds count. */
void notch_consensus_verify(const struct notch_crypto *crypto, const struct notch_consensus_check *checks, size_t count,
                            struct notch_consensus_result *results);

/* What the API shows. Values as of the last handle(). */
struct notch_consensus_status {
    struct notch_slot slot;
    struct notch_hash head;
    struct notch_height head_height;
    struct notch_slot head_slot;
    struct notch_hash confirmed;
    struct notch_height confirmed_height;
    struct notch_checkpoint justified;
    struct notch_checkpoint finalized;
    struct notch_height finalized_height;
    struct notch_set set; /* in force here; borrowed until the next handle() */
    struct notch_checkpoint set_root;
    uint64_t participation; /* weight that voted in the last voted slot */
    bool is_member;
    bool is_voting; /* false: an observer, a lost vote log, a doubted clock, a failed disk, an alarm */
    bool is_quiet;  /* nothing to propose: everything that stands on the chain is final */
    bool is_partitioned;
    uint32_t blocks; /* held behind the final one */
    uint32_t votes;
};
void notch_consensus_status(const struct notch_consensus *core, struct notch_consensus_status *out);

/* One member, for `getvalidators`. False behind the last. */
struct notch_consensus_member {
    struct notch_key key;
    uint64_t weight;
    uint64_t reputation; /* micro-units, as of the last set change */
    struct notch_slot last_vote;
};
bool notch_consensus_member(const struct notch_consensus *core, uint32_t index, struct notch_consensus_member *out);

/* The header of a block behind the last final one (included); NULL if it is not known. */
const struct notch_header *notch_consensus_header(const struct notch_consensus *core, const struct notch_hash *hash);

/* The votes of the vote log's last entry, and so on: one line for `notch status` and the tests. Format: README.md. */
struct notch_vote_log_info {
    bool is_proposal;
    struct notch_slot slot;
    struct notch_hash hash; /* of the block proposed, or the vote's head */
    struct notch_vote vote; /* if it is a vote */
};
NOTCH_MUST_USE struct notch_reject notch_vote_log_decode(struct notch_vote_log_info *out, struct notch_bytes entry);

#endif
