/*
 * chain/evidence.h: signed proof that a validator broke the rules.
 *
 *   E1 EQUIVOCATION   two different votes of one key in one slot (whatever their sets)
 *   E2 REGRESS        two votes of one key in one set, the later one with the older source
 *   E3 BEYOND         a vote, and the header of its target, which lies behind the signal block of the vote's set
 *   E4 PROPOSALS      two different headers of one key in one set and slot
 *   E5 BATCH          a signed batch that contains a record whose signature or header is invalid
 *
 *   encoding     kind u8, offender key 32, then
 *                E1 E2: common 124, sig 64, common 124, sig 64     (E1: the smaller first; E2: the earlier slot first)
 *                E3:    common 124, sig 64, header
 *                E4:    header, header                             (the smaller encoding first)
 *                E5:    batch header blob, sig 64, record header blob, sig 64, index uvar, count uvar, hashes 32 each
 *   id           tagged(EVIDENCE, encoding)
 *
 * Everything is verified from the bytes alone, so that any node may submit it; whether the offender was a member, and
 * what it loses, is decided in consensus/.
 *
 * Ownership    Views borrow.
 * Limits       NOTCH_EVIDENCE_MAX bytes (chain/block.h).
 * Thread       Pure functions.
 * Source       design/consensus.md 1.9, 8 S5, S8, S11 and Q (E5).
 */
#ifndef NOTCH_CHAIN_EVIDENCE_H
#define NOTCH_CHAIN_EVIDENCE_H

#include "chain/block.h"

enum notch_evidence_kind {
    NOTCH_EVIDENCE_EQUIVOCATION = 1,
    NOTCH_EVIDENCE_REGRESS = 2,
    NOTCH_EVIDENCE_BEYOND = 3,
    NOTCH_EVIDENCE_PROPOSALS = 4,
    NOTCH_EVIDENCE_BATCH = 5
};

struct notch_evidence {
    enum notch_evidence_kind kind;
    struct notch_key offender;
    struct notch_slot slot; /* of the later of the two messages */
    uint32_t set_id;        /* of that message; 0 for E5 */
    uint64_t seq;           /* E5: of the batch, counted by its maker */
};

/* Parses, checks the rule and verifies the signatures: VALID means that the offender did it. */
NOTCH_MUST_USE struct notch_reject notch_evidence_check(struct notch_evidence *out, const struct notch_domain *domain,
                                                        const struct notch_crypto *crypto, struct notch_bytes encoded);

void notch_evidence_id(struct notch_hash *out, const struct notch_domain *domain, struct notch_bytes encoded);

/* Whether two votes of one key break E1, or E2. Neither looks at signatures. */
bool notch_evidence_is_equivocation(const struct notch_vote_data *a, const struct notch_vote_data *b);
bool notch_evidence_is_regress(const struct notch_vote_data *a, const struct notch_vote_data *b);

/* Makes evidence out of two votes that break E1 or E2, in the canonical order. `kind` says which. */
void notch_evidence_from_votes(struct notch_writer *writer, enum notch_evidence_kind kind,
                               const struct notch_key *offender, const struct notch_vote *a,
                               const struct notch_vote *b);

void notch_evidence_from_target(struct notch_writer *writer, const struct notch_key *offender,
                                const struct notch_vote *vote, const struct notch_header *target);

void notch_evidence_from_headers(struct notch_writer *writer, const struct notch_key *offender,
                                 const struct notch_header *a, const struct notch_header *b);

/* What a signed batch and an invalid record in it amount to. `path` proves record `index` under the batch's root. */
struct notch_evidence_batch {
    struct notch_bytes batch_header;
    struct notch_sig batch_sig;
    struct notch_bytes record_header;
    struct notch_sig record_sig;
    uint64_t index;
    const struct notch_hash *path;
    size_t path_len;
};
void notch_evidence_from_batch(struct notch_writer *writer, const struct notch_key *offender,
                               const struct notch_evidence_batch *parts);

#endif
