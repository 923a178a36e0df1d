/*
 * chain/state.h: the values of the state tree: what is kept under the state keys of chain/keys.h, and how it is
 * encoded.
 *
 *   account      flags u8 (1 revoked, 2 rotated) | feed size uvar | feed root 32 | quota set uvar | quota bytes uvar |
 *                rotated: current key 32
 *   key          account 32 | active u8
 *   claims       flags u8 (1 settled) | slot uvar | pauses uvar | effective uvar | count uvar (1..16) |
 *                per contender: record 32, entry uvar, account 32, datum 32
 *   need         claims | flags u8 (1 revealed) | revealed: amount uvar, allocated uvar
 *   model        claims
 *   capacity     record 32 | kind u8 | committed u8 | amount uvar or commitment 32 | allocated uvar
 *   recognition  record 32 | count uvar | shares, as in the entry
 *   sum          amount uvar                     (allocation)
 *   number       uvar                            (sequence, reputation)
 *   quota        set uvar | bytes uvar           (newcomers)
 *   member       flags u8 (1 member, else candidate) | operator 32 | services uvar | count uvar (0..64) | sponsors
 *                32 each
 *
 * Invariants   encode(decode(x)) == x; trailing bytes are refused.
 *              All contenders of a claim have one effective slot: a later one is superseded when it comes, an
 *              earlier one supersedes them.
 * Ownership    Values; the views in recognition point into what was decoded.
 * Thread       Pure functions.
 * Errors       A value that does not decode is CORRUPT: only we write them.
 */
#ifndef NOTCH_CHAIN_STATE_H
#define NOTCH_CHAIN_STATE_H

#include "chain/entry.h"
#include "chain/keys.h"
#include "chain/receipt.h"

#define NOTCH_CLAIM_CONTENDERS_MAX 16
#define NOTCH_SPONSORS_MAX 64
#define NOTCH_STATE_VALUE_MAX (4u << 10) /* of all but recognition and sets */

struct notch_account {
    bool is_revoked;
    bool is_rotated;
    struct notch_key key; /* if rotated: the current one */
    uint64_t feed_size;
    struct notch_hash feed_root; /* RFC 9162 over the ids of its accepted records, in chain order */
    uint64_t quota_set;
    uint64_t quota_bytes; /* used in that set */
};

struct notch_contender {
    struct notch_entry_ref by;
    struct notch_key account;
    struct notch_hash datum; /* what was claimed: a commitment; zero for a model */
};

struct notch_claims {
    bool is_settled; /* then the only contender has won for good */
    uint64_t slot;   /* of the block of the first claim: settlement counts from here */
    uint64_t pauses; /* paused slots of the chain up to then */
    struct notch_slot effective;
    uint32_t count;
    struct notch_contender contenders[NOTCH_CLAIM_CONTENDERS_MAX]; /* in chain order */
};

struct notch_need {
    struct notch_claims claims;
    bool is_revealed;
    struct notch_amount amount;
    struct notch_amount allocated;
};

struct notch_offer {
    struct notch_hash record;
    enum notch_capacity_kind kind;
    bool is_committed;
    struct notch_amount amount;
    struct notch_commitment commitment;
    struct notch_amount allocated;
};

struct notch_quota {
    uint64_t set;
    uint64_t bytes;
};

struct notch_membership {
    bool is_member; /* else a candidate that waits for sponsors */
    struct notch_key operator_key;
    uint32_t services;
    uint32_t sponsor_count;
    struct notch_key sponsors[NOTCH_SPONSORS_MAX];
};

/* State keys with a period: capacity, need; and the sum that a provider gave to a recipient. */
struct notch_store_key notch_state_key_place(enum notch_state_kind kind, const struct notch_hash *resource,
                                             const struct notch_period *period, const struct notch_key *who);
struct notch_store_key notch_state_key_sum(const struct notch_hash *resource, const struct notch_period *period,
                                           const struct notch_key *recipient, const struct notch_key *provider);
struct notch_store_key notch_state_key_member(const struct notch_key *validator);
struct notch_store_key notch_state_key_operator(const struct notch_key *operator_key);
struct notch_store_key notch_state_key_governance(void);
struct notch_store_key notch_state_key_set(uint64_t set_id);

void notch_account_write(struct notch_writer *writer, const struct notch_account *account);
void notch_claims_write(struct notch_writer *writer, const struct notch_claims *claims);
void notch_need_write(struct notch_writer *writer, const struct notch_need *need);
void notch_offer_write(struct notch_writer *writer, const struct notch_offer *offer);
void notch_membership_write(struct notch_writer *writer, const struct notch_membership *membership);

NOTCH_MUST_USE enum notch_err notch_account_decode(struct notch_account *out, struct notch_bytes value);
NOTCH_MUST_USE enum notch_err notch_need_decode(struct notch_need *out, struct notch_bytes value);
NOTCH_MUST_USE enum notch_err notch_claims_decode(struct notch_claims *out, struct notch_bytes value);
NOTCH_MUST_USE enum notch_err notch_offer_decode(struct notch_offer *out, struct notch_bytes value);
NOTCH_MUST_USE enum notch_err notch_membership_decode(struct notch_membership *out, struct notch_bytes value);
NOTCH_MUST_USE enum notch_err notch_number_decode(uint64_t *out, struct notch_bytes value);
NOTCH_MUST_USE enum notch_err notch_quota_decode(struct notch_quota *out, struct notch_bytes value);

/* The claims at the front of a value, and what comes behind them. */
void notch_claims_read(struct notch_reader *reader, struct notch_claims *out);

/*
 * Enters a claim: into `claims` with count 0 as the first one, or against those that stand. APPLIED where it stands
 * now, or is level with what stands; else SUPERSEDED by that. The first NOTCH_CLAIM_CONTENDERS_MAX of one slot count.
 */
struct notch_outcome notch_claims_enter(struct notch_claims *claims, const struct notch_contender *contender,
                                        struct notch_slot effective);

/* Leaves contender `winner` alone, for good. */
void notch_claims_settle(struct notch_claims *claims, uint32_t winner);

#endif
