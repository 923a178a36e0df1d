/*
 * chain/set.h: a validator set: who votes in it, with what weight, and what names it.
 *
 * A set is in force from the finality of the signal block that announced it until that of the next one. Its members
 * stand in the order of their keys, so that "validator 3 of set 7" means one key, and its root is the tagged hash of
 * its encoding: a header commits to the set in force (set_root) and a signal block to the one that follows
 * (next_set_root).
 *
 *   encoding     id u32, count uvar, count * (key 32, weight uvar)
 *   root         tagged(SET, encoding without the id): a set with the same members and weights has the same root, so
 *                that a change of the id alone is none to a proof. Whoever needs the id finds it beside the root: in
 *                headers, and in what a vote signs
 *
 * Invariants   1 <= count <= NOTCH_SET_MEMBERS_MAX, keys strictly ascending, 1 <= weight, sum of weights < 2^48 (so
 *              that three times a weight fits 64 bits).
 * Ownership    A struct notch_set borrows its member array. Decoding fills an array of the caller.
 * Errors       A set from outside is checked: struct notch_reject.
 * Thread       Values; pure functions.
 * Source       design/consensus.md 1.1 (quorum), 1.3 (set_id, set_root), 8 E2 (weights), 10 (set chain).
 */
#ifndef NOTCH_CHAIN_SET_H
#define NOTCH_CHAIN_SET_H

#include "base/codec.h"
#include "base/error.h"
#include "base/hash.h"

#define NOTCH_SET_MEMBERS_MAX 1000
#define NOTCH_SET_WEIGHT_MAX ((uint64_t)1 << 48)
#define NOTCH_SET_ENCODED_MAX (4 + NOTCH_UVAR_MAX + NOTCH_SET_MEMBERS_MAX * (32 + NOTCH_UVAR_MAX))
#define NOTCH_SET_NO_MEMBER UINT32_MAX

struct notch_member {
    struct notch_key key;
    uint64_t weight;
};

struct notch_set {
    uint32_t id;
    uint32_t count;
    uint64_t weight; /* the sum of the members' */
    struct notch_hash root;
    const struct notch_member *members;
};

/*
 * Makes a set of members that already stand in order, and computes its weight and root. The array must outlive the
 * set. The reject says what is wrong with them.
 */
NOTCH_MUST_USE struct notch_reject notch_set_make(struct notch_set *out, const struct notch_domain *domain, uint32_t id,
                                                  const struct notch_member *members, uint32_t count);

void notch_set_encode(struct notch_writer *writer, const struct notch_set *set);

/*
 * Reads one set (and what follows stays unread) into `members`, which holds member_max, and checks it. The set borrows
 * the array.
 */
NOTCH_MUST_USE struct notch_reject notch_set_decode(struct notch_set *out, struct notch_member *members,
                                                    uint32_t member_max, struct notch_reader *reader,
                                                    const struct notch_domain *domain);

/* The index of a key, or NOTCH_SET_NO_MEMBER. */
uint32_t notch_set_index(const struct notch_set *set, const struct notch_key *key);

/* The weight of a key; 0 for one that is no member. */
uint64_t notch_set_weight_of(const struct notch_set *set, const struct notch_key *key);

/* More than two thirds, and more than one third, of the set's weight. */
static inline bool notch_set_is_quorum(const struct notch_set *set, uint64_t weight)
{
    return 3 * weight > 2 * set->weight;
}

static inline bool notch_set_is_third(const struct notch_set *set, uint64_t weight)
{
    return 3 * weight > set->weight;
}

#endif
