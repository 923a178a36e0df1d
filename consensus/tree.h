/*
 * consensus/tree.h: the blocks behind the last final one, and what each of them says of the chain up to it.
 *
 * The root is the base: the last final block, always valid, executed and in view. Behind it hangs everything that may
 * still become final. A block goes through stages, each named after what is known of it; who needs what:
 *
 *   HEADER   signed by the leader of its slot, its parent is in the tree    weights of the fork choice (8 L8, L9)
 *   BODY     the body is here and is the one that the header commits to
 *   VALID    its batches are here, its parent is executed, all rules hold   walking, voting, execution
 *   INVALID  breaks a rule: kept so that it is not asked for again
 *
 * The chain below the base is remembered as far as votes may still speak of it: the trail.
 *
 * On-chain votes are kept as tallies: per block those that its body changed, each with all voters up to that block, so
 * that looking one up means walking towards the base until the block is no younger than the vote.
 *
 * Ownership    The tree owns its blocks; they are given back when the base moves past them. Sets live in the core's
 *              table.
 * Limits       The number of blocks is bounded by the core's options (a full tree refuses new ones).
 */
#ifndef NOTCH_CONSENSUS_TREE_H
#define NOTCH_CONSENSUS_TREE_H

#include "base/map.h"
#include "chain/block.h"
#include "consensus/event.h"
#include "consensus/ffg.h"

/* A validator set as the core keeps it: with its seed, and the reputations that gave it its weights. */
struct notch__set {
    struct notch_set set;
    struct notch_hash seed;
    struct notch_member *members;
    uint64_t *reputations;
    struct notch__set *next_known; /* the core's table */
};

/* The same members with the same weights: what votes name. Two signal blocks may announce them with different
 * seeds. */
static inline bool notch__set_is_same(const struct notch__set *a, const struct notch__set *b)
{
    return a == b || (a->set.id == b->set.id && notch_hash_eq(&a->set.root, &b->set.root));
}

/* onchain(b): what the votes in b and its ancestors amount to. A function of the chain alone (8 S6). */
struct notch__onchain {
    const struct notch__set *set;      /* in force for the next block */
    const struct notch__set *previous; /* whose votes may still come in; NULL for the first set */
    const struct notch__set *next;     /* announced by the signal block; NULL before it */
    struct notch__checkpoint root;     /* of the set in force */
    struct notch__checkpoint justified;
    struct notch__checkpoint finalized;
    struct notch_height finalized_height;
    struct notch_slot floor; /* older votes neither come in nor count: ETA before the finalized slot, never falling */
    struct notch_checkpoint signal;  /* where next is not NULL: the signal block, at its own slot */
    struct notch_hash mix;           /* of the random outputs since the set's seed */
    struct notch_height carrier;     /* the last block that carried batches or evidence (9) */
    bool is_handed_over;             /* a block led by the set in force stands on the chain */
    struct notch_height handed_over; /* the first of them */
};

/* Votes of equal content that stand on the chain. */
struct notch__tally {
    struct notch_vote_data data;
    struct notch__bits bits;
};

struct notch__tallies {
    struct notch__tally *items;
    uint32_t count;
    uint32_t cap;
    const struct notch_alloc *alloc;
};

enum notch__stage { NOTCH__STAGE_HEADER, NOTCH__STAGE_BODY, NOTCH__STAGE_VALID, NOTCH__STAGE_INVALID };

struct notch__block {
    struct notch_hash hash;
    struct notch_header header; /* of height 0: zeros but slot and time */
    struct notch__block *parent;
    struct notch__block *skip; /* an ancestor further down, for quick look-ups */
    struct notch__block *first_child;
    struct notch__block *next_sibling;
    enum notch__stage stage;
    bool in_view;
    bool is_timely; /* came before the votes of its slot were due */
    bool is_recovered;
    bool is_fetching;  /* FETCH was sent */
    bool is_available; /* its batches are here */
    bool is_checked;   /* the rules that need the parent alone hold; tallies are made */
    bool is_verifying; /* the votes in its body are being verified */
    bool is_verified;
    bool is_executed;
    bool has_open_claims;
    struct notch_key proposer;
    struct notch_hash output; /* of the random function */
    struct notch_buf bytes;   /* header and body; empty at stage HEADER */
    struct notch_body body;
    struct notch_consensus_executed executed;
    struct notch_membership_change *changes;
    uint32_t change_count;
    struct notch__onchain onchain; /* at stage VALID */
    struct notch__tallies tallies;
    uint64_t weight; /* scratch of the fork choice */
};

/* A block below the base. */
struct notch__trail_item {
    struct notch_hash hash;
    struct notch_height height;
    struct notch_slot slot;
};

struct notch__tree {
    struct notch__block *base;
    struct notch_map by_hash;        /* hash -> struct notch__block * */
    struct notch__trail_item *trail; /* ascending; the last one is the parent of the base */
    uint32_t trail_count;
    uint32_t trail_cap;
    uint32_t count; /* behind the base */
    uint32_t max;
    const struct notch_alloc *alloc;
};

void notch__tallies_init(struct notch__tallies *tallies, const struct notch_alloc *alloc);
void notch__tallies_fini(struct notch__tallies *tallies);
struct notch__tally *notch__tallies_find(const struct notch__tallies *tallies, const struct notch_vote_data *data);
struct notch__tally *notch__tallies_add(struct notch__tallies *tallies, const struct notch__tally *tally);

void notch__tree_init(struct notch__tree *tree, const struct notch_alloc *alloc, struct notch_siphash_key hash_key,
                      uint32_t max);
void notch__tree_fini(struct notch__tree *tree);

/* A block under `parent` (NULL: the base); NULL if the tree is full. */
struct notch__block *notch__tree_add(struct notch__tree *tree, const struct notch_hash *hash,
                                     const struct notch_header *header, struct notch__block *parent);

/* The block, NULL if it is not there. */
struct notch__block *notch__tree_find(const struct notch__tree *tree, const struct notch_hash *hash);

/* The ancestor (or the block itself) at `height`; NULL below the base. */
struct notch__block *notch__tree_ancestor(struct notch__block *block, struct notch_height height);

/* Whether a is b or an ancestor of b. */
bool notch__tree_is_ancestor(const struct notch__block *a, struct notch__block *b);
struct notch__block *notch__tree_common(struct notch__block *a, struct notch__block *b);

/* The block `hash` on the chain that ends in `tip`, in the tree or on the trail. */
bool notch__tree_on_chain(const struct notch__tree *tree, struct notch__trail_item *out, struct notch__block *tip,
                          const struct notch_hash *hash);

/* Calls for every block, parents before children, siblings in the order of their arrival; the base first. */
struct notch__block *notch__tree_next(const struct notch__tree *tree, struct notch__block *block);

/*
 * Makes `block` the base. `visit` sees each block that goes, before it does: those on the way from the old base
 * (upwards), then those that conflict. Trail items below `trail_floor` are dropped.
 */
typedef void (*notch__tree_drop)(void *arg, struct notch__block *block);
void notch__tree_rebase(struct notch__tree *tree, struct notch__block *block, struct notch_height trail_floor,
                        notch__tree_drop drop, void *arg);

#endif
