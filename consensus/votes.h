/*
 * consensus/votes.h: the votes that this node holds, and which of them are in its view.
 *
 * Equal votes of a slot are kept together, as they travel: the common bytes once, a bitmap of who said so, and their
 * signatures. Each bundle has two bitmaps: `all`, everything that was verified, and `view`, what the fork choice may
 * see. Votes wait outside of the view until the freeze of a slot (or until the leader's block carries them), so that
 * all honest voters of a slot see the same (design/consensus.md 1.2, 8 L7, 11.9).
 *
 * Shadow votes have no weight: they are kept to be put into blocks, and for nothing else.
 *
 * Invariants   Bundles stand in the order of notch_vote_data_cmp(), so by slot first.
 *              Every vote in it was verified. The set of a bundle is known.
 * Limits       `max` votes; gossip is limited to two different votes per validator and slot (8 S7), bodies and
 *              certificates are not.
 */
#ifndef NOTCH_CONSENSUS_VOTES_H
#define NOTCH_CONSENSUS_VOTES_H

#include "consensus/tree.h"

struct notch__voter {
    uint16_t validator;
    struct notch_sig sig;
};

/* Whether the source and target of a bundle fit the tree; asked again until it is known. */
enum notch__fit { NOTCH__FIT_UNKNOWN, NOTCH__FIT_VALID, NOTCH__FIT_INVALID };

struct notch__bundle {
    struct notch_vote_data data;
    const struct notch__set *set;
    enum notch__fit fit;
    struct notch__bits all;
    struct notch__bits view;
    struct notch__voter *voters; /* in the order of their indices */
    uint32_t count;
    uint32_t cap;
    bool is_marked; /* scratch: part of a closure */
    uint32_t take;  /* scratch of the proposer: how many of its voters go into the block */
};

struct notch__shadow {
    struct notch_vote vote;
};

struct notch__votes {
    struct notch__bundle **bundles;
    uint32_t count;
    uint32_t cap;
    struct notch__shadow *shadows; /* in the order of notch_vote_cmp() */
    uint32_t shadow_count;
    uint32_t shadow_cap;
    uint32_t held; /* votes in all bundles, and shadows */
    uint32_t max;
    const struct notch_alloc *alloc;
};

/* Where a vote came from: gossip is limited, what a valid block or a certificate carries is not. */
enum notch__origin { NOTCH__FROM_GOSSIP, NOTCH__FROM_BODY };

/* What adding gave. */
enum notch__added { NOTCH__ADDED, NOTCH__KNOWN, NOTCH__REFUSED };

void notch__votes_init(struct notch__votes *votes, const struct notch_alloc *alloc, uint32_t max);
void notch__votes_fini(struct notch__votes *votes);

/* The index of the first bundle of a slot not below `slot`. */
uint32_t notch__votes_from(const struct notch__votes *votes, struct notch_slot slot);
struct notch__bundle *notch__votes_find(const struct notch__votes *votes, const struct notch_vote_data *data);

/* Whether exactly this vote, signature included, is held: then it need not be verified again. */
bool notch__votes_has(const struct notch__votes *votes, const struct notch_vote *vote);

/* Whether the member has a vote of that slot in a bundle of its set other than `data` (NULL: any): what makes E1. */
const struct notch__bundle *notch__votes_other(const struct notch__votes *votes, const struct notch__set *set,
                                               uint32_t validator, struct notch_slot slot,
                                               const struct notch_vote_data *data);

/* Adds a verified vote of a member of `set`, or a shadow vote (set is then ignored). */
enum notch__added notch__votes_add(struct notch__votes *votes, const struct notch_vote *vote,
                                   const struct notch__set *set, enum notch__origin origin);

/* The vote of a member in a bundle that has its bit. */
struct notch_vote notch__bundle_vote(const struct notch__bundle *bundle, uint32_t validator);

void notch__votes_prune(struct notch__votes *votes, struct notch_slot floor);

#endif
