/*
 * chain/apply.h: the apply table: one row for each entry type says what an entry does to the state.
 *
 * The ledger walks the entries of accepted records in chain order and calls the row of each. A row looks at the
 * state, and either writes to it and answers APPLIED, or leaves it alone and answers SUPERSEDED or REJECTED. The
 * node fills the table from chain (notch_apply_rows), consensus and ai/rules: a new type is one row and one file.
 *
 *   INSIGHT, SEALED         applied: in the author's feed and in the lists; no state
 *   RECOGNITION             the author's latest stands
 *   CAPACITY                the provider's latest stands; not below what is allocated
 *   NEED_COMMIT             a claim on (resource, period, recipient): the earlier one stands
 *   NEED_REVEAL             opens the author's standing commitment, and settles the claim: nobody else can contend
 *                           for it
 *   ALLOCATION              sequence above the provider's last one, sum <= capacity, sum <= the recipient's revealed
 *                           need
 *   MODEL                   a claim on the root: the earlier one owns it
 *   AUTHOR                  rotates or revokes the account's key, from the next record on
 *   VALIDATOR, VOUCH,       membership: who may join is decided by the chain's mode; a change is recorded for consensus
 *   GOVERNANCE              (GOVERNANCE: CAPS, RULES and RECOVER are NOT_ACTIVE)
 *   ALLOCATION_CERT, CHALLENGE_COMMIT, CHALLENGE_REVEAL, WITNESS    NOT_ACTIVE: they stay on the chain, with that
 *                                                                   receipt
 *
 * Invariants   A row that does not answer APPLIED has written nothing.
 *              What a row does is a function of its arguments and of the state that it reads.
 * Ownership    The context is the ledger's; values that it gives are valid until the next call of any function here.
 * Limits       NOTCH_MEMBER_CHANGES_MAX changes of membership in a block; NOTCH_CLAIM_CONTENDERS_MAX claims that are
 *              level.
 * Thread       As the ledger.
 * Errors       enum notch_err where the view fails: the block is not executed at all, and can be tried again.
 */
#ifndef NOTCH_CHAIN_APPLY_H
#define NOTCH_CHAIN_APPLY_H

#include "chain/entry.h"
#include "chain/receipt.h"
#include "chain/state.h"

#define NOTCH_MEMBER_CHANGES_MAX 64

enum notch_member_change_kind { NOTCH_MEMBER_JOIN, NOTCH_MEMBER_LEAVE };

/* A change of membership that a block recorded; it takes effect with the next set. */
struct notch_member_change {
    enum notch_member_change_kind kind;
    struct notch_key key;
};

struct notch_execution;

/* What a row sees. */
struct notch_apply {
    const struct notch_genesis *genesis;
    const struct notch_domain *domain;
    const struct notch_crypto *crypto;
    struct notch_height height; /* of the block being executed */
    struct notch_slot slot;
    uint64_t set_id;
    uint64_t pauses; /* paused slots of the chain so far: where a claim begins to wait */
    const struct notch_record *record;
    uint32_t entry;                /* index of the entry in its record */
    struct notch_slot effective;   /* slot of the record */
    struct notch_key author;       /* the account of the author */
    struct notch_account *account; /* its state; a row may change status and key */
    bool authors_changed;          /* set by a row that wrote a NOTCH_STATE_KEY */
    struct notch_execution *execution;
};

struct notch_apply_row {
    enum notch_entry_type type;
    enum notch_err (*apply)(struct notch_apply *apply, struct notch_outcome *outcome, const struct notch_entry *entry);
};

/* The rows of this folder, as above; *count of them. */
const struct notch_apply_row *notch_apply_rows(size_t *count);

/* ---- for rows ---- */

/* The value of a state key; NOT_FOUND. */
NOTCH_MUST_USE enum notch_err notch_apply_get(struct notch_apply *apply, struct notch_bytes *value,
                                              const struct notch_store_key *key);
void notch_apply_put(struct notch_apply *apply, const struct notch_store_key *key, struct notch_bytes value);
void notch_apply_delete(struct notch_apply *apply, const struct notch_store_key *key);

/* The account that a key belongs to, and whether it may sign for it now. */
NOTCH_MUST_USE enum notch_err notch_apply_account_of(struct notch_apply *apply, struct notch_key *account,
                                                     bool *is_active, const struct notch_key *key);

/* Whether a key has no account: nothing on the chain was accepted from it. */
NOTCH_MUST_USE enum notch_err notch_apply_is_new_account(struct notch_apply *apply, bool *out,
                                                         const struct notch_key *key);

/* Puts a claim behind the open ones; it settles when its time has come. The value of the key begins with its claims. */
void notch_apply_open_claim(struct notch_apply *apply, const struct notch_store_key *key);

/* Records a change of membership, where the block has room for one more: ask first. */
bool notch_apply_can_change_member(const struct notch_apply *apply);
void notch_apply_change_member(struct notch_apply *apply, enum notch_member_change_kind kind,
                               const struct notch_key *key);

/* "rejected: code". */
static inline enum notch_err notch_apply_reject(struct notch_outcome *outcome, enum notch_reject_code code)
{
    *outcome = (struct notch_outcome){.type = NOTCH_REJECTED, .code = code};
    return NOTCH_OK;
}

static inline enum notch_err notch_apply_accept(struct notch_outcome *outcome)
{
    *outcome = (struct notch_outcome){.type = NOTCH_APPLIED};
    return NOTCH_OK;
}

#endif
