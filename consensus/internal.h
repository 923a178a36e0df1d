/*
 * consensus/internal.h: the core's own state, and what its parts offer each other.
 *
 *   core.c      create, handle, poll, the clock of a slot
 *   effect.c    the queue of effects and what they point to
 *   job.c       VERIFY: what is waiting for signatures
 *   accept.c    headers and blocks from outside, stage by stage; orphans
 *   onchain.c   what the chain itself says of votes, sets and the signal
 *   fold.c      the accounts along the chain, the next set, the base
 *   finality.c  what the votes held here justify and finalise
 *   fork.c      fork choice and confirmation
 *   voter.c     the vote of a slot, the vote log
 *   proposer.c  the block of a slot, and the quiet rule
 *   slasher.c   evidence
 *   root.c      the blob that START wants to see again
 */
#ifndef NOTCH_CONSENSUS_INTERNAL_H
#define NOTCH_CONSENSUS_INTERNAL_H

#include "consensus/account.h"
#include "consensus/consensus.h"
#include "consensus/leader.h"
#include "consensus/tree.h"
#include "consensus/votes.h"

#define NOTCH__ORPHANS_MAX 256
#define NOTCH__OWN_MAX 16
#define NOTCH__REPORTS_MAX 1024

/* Which votes and blocks are looked at: all that are held, or those in the view (and the leader's block). */
enum notch__sight { NOTCH__SIGHT_ALL, NOTCH__SIGHT_VIEW };

enum notch__job_kind { NOTCH__JOB_FREE, NOTCH__JOB_HEADER, NOTCH__JOB_VOTES, NOTCH__JOB_BODY };

/* Something whose signatures are being verified. */
struct notch__job {
    enum notch__job_kind kind;
    uint64_t token;
    uint64_t peer;
    struct notch_consensus_check *checks;
    size_t check_count;
    struct notch_vote *votes; /* VOTES, BODY: one per check */
    struct notch_hash block;  /* HEADER, BODY */
    struct notch_buf bytes;   /* HEADER: header and perhaps body */
    bool is_recovered;
    bool is_timely;
};

/* A block whose parent, set or slot is not here yet. */
struct notch__orphan {
    struct notch_hash hash;
    struct notch_hash parent;
    struct notch_slot slot;
    uint64_t peer;
    bool is_recovered;
    struct notch_buf bytes;
};

/* A vote that waits for its PERSIST. */
struct notch__own {
    uint64_t token;
    struct notch_vote vote;
};

struct notch__evidence_item {
    struct notch_hash id;
    struct notch_buf bytes;
};

struct notch__report {
    struct notch_key key;
    struct notch_slot theirs;
    struct notch_slot ours;
};

/* What this validator has signed, as far as it matters for what it may sign next (8 S1 to S3). */
struct notch__signed {
    bool has_voted;
    bool is_lost; /* the log was lost: until the first vote, J.slot >= lost_until (11.8) */
    struct notch_slot lost_until;
    uint32_t vote_set;
    struct notch_slot vote_slot;
    struct notch_slot source_slot;
    struct notch_slot prop_slot;
    struct notch_vote last;           /* to be sent again after a restart */
    struct notch__checkpoint durable; /* what justifies checkpoints up to this one is in the log */
};

enum notch__proposal_stage {
    NOTCH__PROPOSAL_NONE,
    NOTCH__PROPOSAL_WANTED,
    NOTCH__PROPOSAL_ASKED,
    NOTCH__PROPOSAL_DONE
};

struct notch__proposal {
    enum notch__proposal_stage stage;
    uint64_t token;
    struct notch_hash parent;
    const struct notch__set *set;
    uint32_t index; /* ours in the set */
    bool is_forced; /* the chain is awake: an empty block is right as well */
};

struct notch_consensus {
    struct notch_consensus_options options;
    struct notch__set *sets;
    struct notch__tree tree;
    struct notch__votes votes;
    struct notch__accounts accounts; /* at the base */
    struct notch__checkpoints justified;
    struct notch__checkpoint greatest; /* justified, by all votes */
    struct notch__checkpoint final;    /* names the base */
    const struct notch__set *store;    /* the set in force here */
    struct notch__block *head;
    struct notch_hash confirmed;
    struct notch_height confirmed_height;

    bool is_running; /* START and RECOVERED are through */
    bool is_failed;  /* a PERSIST failed */
    bool is_stopped; /* a conflict that only >= 1/3 faults explain */
    bool is_inside;
    bool is_dirty;     /* blocks or votes came: evaluate again */
    bool is_gate_open; /* the clock may be trusted (11.1) */
    bool has_voted;    /* in this slot */
    bool has_confirmed;
    bool has_frozen;
    uint64_t seq;
    struct notch_time now;
    struct notch_slot slot;
    struct notch_hash slot_block; /* the first timely header of this slot; zero if none */
    uint64_t pending;
    uint32_t missed; /* voted slots in a row below two thirds */
    uint64_t participation;
    struct notch_slot asked_cert; /* the slot in which a certificate was asked for: once a slot is enough */

    struct notch__signed signed_;
    struct notch__own own[NOTCH__OWN_MAX];
    uint32_t own_count;
    struct notch__proposal proposal;
    struct notch__report *reports;
    uint32_t report_count;

    struct notch__job *jobs;
    struct notch__orphan *orphans;
    uint32_t orphan_count;
    struct notch__evidence_item *evidence;
    uint32_t evidence_count;
    struct notch_buf *log_copy; /* vote log entries, until RECOVERED */
    uint32_t log_count;
    bool is_log_lost;

    uint64_t next_token;
    struct notch_consensus_effect *effects;
    uint32_t effect_count;
    uint32_t effect_cap;
    uint32_t effect_at;
    struct notch_buf *scratch; /* what effects point to; given back at the next handle() */
    uint32_t scratch_count;
    uint32_t scratch_cap;
};

/* effect.c */
struct notch_consensus_effect *notch__emit(struct notch_consensus *core, enum notch_consensus_effect_type type);
struct notch_buf *notch__scratch(struct notch_consensus *core);
void notch__emit_alarm(struct notch_consensus *core, enum notch_consensus_alarm kind, const char *text,
                       struct notch_bytes bytes);
void notch__emit_score(struct notch_consensus *core, uint64_t peer, struct notch_reject reject);
void notch__emit_send(struct notch_consensus *core, enum notch_consensus_what what, struct notch_bytes bytes,
                      uint64_t after, uint64_t to);
void notch__emit_request(struct notch_consensus *core, enum notch_consensus_what what, const struct notch_hash *hash,
                         uint64_t peer);
void notch__effects_reset(struct notch_consensus *core);

/* core.c: time. Raw inside: slots and milliseconds are multiplied. */
struct notch_time notch__slot_start(const struct notch_consensus *core, struct notch_slot slot);
struct notch_slot notch__slot_at(const struct notch_consensus *core, struct notch_time time);
uint64_t notch__slot_phase_ms(const struct notch_consensus *core);
static inline struct notch_slot notch__slot_back(struct notch_slot slot, uint64_t by)
{
    /* Raw: slots, heights and milliseconds are counted. */
    return (struct notch_slot){slot.raw > by ? slot.raw - by : 0};
}

#endif
