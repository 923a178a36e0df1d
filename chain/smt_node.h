/*
 * chain/smt_node.h: the packed node of the state tree, and its hashes. Inside of chain/smt; others use chain/smt.h.
 *
 * A packed node stands for the top four levels of a subtree whose root lies at a multiple of four. It keeps the 16
 * subtrees below those levels; a single leaf anywhere in it is kept in the slot where its path leads, whatever its
 * depth.
 *
 *   encoding   u16 present, u16 leaf (bit i: slot i), then for each present slot: hash 32, and for a leaf its key as
 *              a blob
 *
 * Invariants   leaf is a subset of present; a node is not empty. encode(decode(x)) == x.
 * Thread       Pure functions.
 */
#ifndef NOTCH_CHAIN_SMT_NODE_H
#define NOTCH_CHAIN_SMT_NODE_H

#include "chain/smt.h"

#define NOTCH__SMT_NODE_KEY_MAX 33

enum notch__smt_kind { NOTCH__SMT_EMPTY, NOTCH__SMT_LEAF, NOTCH__SMT_INNER };

/* Where a path ends, in a proof. */
enum notch__smt_end { NOTCH__SMT_ENDS_EMPTY = 0, NOTCH__SMT_ENDS_KEY = 1, NOTCH__SMT_ENDS_OTHER = 2 };

struct notch__smt_slot {
    enum notch__smt_kind kind;
    struct notch_hash hash; /* zeros where empty */
    uint8_t key_len;
    uint8_t key[NOTCH_SMT_KEY_MAX];
};

struct notch__smt_node {
    struct notch__smt_slot slots[16];
};

/* All hashes of a packed node: [level][position], level 0 its root, level 4 its slots. */
struct notch__smt_fold {
    enum notch__smt_kind kinds[5][16];
    struct notch_hash hashes[5][16];
};

static inline unsigned notch__smt_nibble(const struct notch_hash *path, unsigned depth)
{
    /* Raw: a path is bits. */
    uint8_t byte = path->raw[depth / 2];
    return depth % 2 == 0 ? byte >> 4 : byte & 15u;
}

static inline struct notch_bytes notch__smt_slot_key(const struct notch__smt_slot *slot)
{
    return notch_bytes(slot->key, slot->key_len);
}

/* Where the node at `depth` nibbles of a path is stored. */
struct notch_bytes notch__smt_node_key(uint8_t out[NOTCH__SMT_NODE_KEY_MAX], const struct notch_hash *path,
                                       unsigned depth);

void notch__smt_node_clear(struct notch__smt_node *node);
void notch__smt_node_encode(const struct notch__smt_node *node, struct notch_buf *out);
NOTCH_MUST_USE enum notch_err notch__smt_node_decode(struct notch__smt_node *out, struct notch_bytes bytes);

void notch__smt_slot_set_leaf(struct notch__smt_slot *slot, const struct notch_hash *leaf, struct notch_bytes key);
void notch__smt_leaf_hash(struct notch_hash *out, const struct notch_domain *domain, struct notch_bytes key,
                          const struct notch_hash *value_hash);
void notch__smt_node_hash(struct notch_hash *out, const struct notch_domain *domain, const struct notch_hash *left,
                          const struct notch_hash *right);

void notch__smt_node_fold(struct notch__smt_fold *fold, const struct notch__smt_node *node,
                          const struct notch_domain *domain);

/* What stands at a place of the fold, a leaf with its key. */
void notch__smt_fold_slot(struct notch__smt_slot *out, const struct notch__smt_fold *fold,
                          const struct notch__smt_node *node, unsigned level, unsigned at);

/* What the whole node is for the one above: empty, its only leaf, or inner. */
void notch__smt_node_collapse(struct notch__smt_slot *out, const struct notch__smt_node *node,
                              const struct notch_domain *domain);

#endif
