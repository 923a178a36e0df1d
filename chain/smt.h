/*
 * chain/smt.h: the state tree: one root for a set of keys and values, with proofs that a key has a value or has none.
 *
 * A binary sparse Merkle tree over 256-bit paths, path = tagged(STATE_KEY, key), where a subtree that holds one leaf is
 * that leaf (as in Jellyfish), so that its depth is about log2 of the number of keys:
 *
 *      empty subtree   32 zero bytes
 *      one leaf        tagged(STATE_LEAF, SHA256(value) || key)
 *      more            tagged(STATE_NODE, left || right)
 *
 *                 .              keys with paths 0010.., 0011.., 1...
 *               /   \
 *              .     c           c stands at depth 1, a and b where their paths part
 *             / \
 *            .   0
 *           / \
 *          0   .
 *             / \
 *            a   b
 *
 * Only the latest version is kept. Four levels are packed into one stored value, keyed by depth and path: the 16
 * subtrees at the bottom of the packed node, each empty, a leaf (hash and key) or inner (hash). The hashes between
 * are computed.
 *
 * Invariants   The root is a function of the set of (key, value) alone, whatever the order of puts and deletes.
 *              A packed node is stored if and only if at least two leaves lie below it (the root: at least one).
 * Ownership    A notch_smt owns its scratch memory. Nodes are read and written through the caller's functions.
 * Limits       Keys of at most NOTCH_SMT_KEY_MAX bytes, NOTCH_SMT_UPDATES_MAX updates in one call. A tree is at most
 *              256 levels deep; nobody can make it deeper than 2^-80 likely but by work of 2^80.
 * Thread       One at a time. Proof verification is a pure function.
 * Errors       CORRUPT where a stored node is not one; else what the node functions return.
 */
#ifndef NOTCH_CHAIN_SMT_H
#define NOTCH_CHAIN_SMT_H

#include "base/codec.h"
#include "base/error.h"
#include "base/hash.h"

#define NOTCH_SMT_KEY_MAX 127
#define NOTCH_SMT_UPDATES_MAX (1u << 24)

/* Where packed nodes are: `key` is the depth in nibbles as one byte, then the path's nibbles, high first,
 * zero-padded. */
struct notch_smt_nodes {
    /* Appends to *out. NOT_FOUND, IO, CORRUPT. */
    enum notch_err (*get)(void *self, struct notch_buf *out, struct notch_bytes key);
    void (*put)(void *self, struct notch_bytes key, struct notch_bytes node);
    void (*remove)(void *self, struct notch_bytes key);
    void *self;
};

/* One change. The key is borrowed until notch_smt_update() returns. */
struct notch_smt_change {
    struct notch_bytes key;
    struct notch_hash value_hash; /* SHA256(value); not looked at for a delete */
    bool is_delete;
};

struct notch_smt;

/* Takes its scratch memory from `alloc`; borrows domain. */
struct notch_smt *notch_smt_create(const struct notch_alloc *alloc, const struct notch_domain *domain);
void notch_smt_destroy(struct notch_smt *smt);

/*
 * Applies `count` changes and gives the new root. Two changes of one key in one call: the last one counts. Deleting
 * a key that is not there changes nothing. On an error the nodes are to be thrown away.
 */
NOTCH_MUST_USE enum notch_err notch_smt_update(struct notch_smt *smt, struct notch_hash *root,
                                               const struct notch_smt_nodes *nodes,
                                               const struct notch_smt_change *changes, size_t count);

/* The root of what is stored. */
NOTCH_MUST_USE enum notch_err notch_smt_root(struct notch_smt *smt, struct notch_hash *root,
                                             const struct notch_smt_nodes *nodes);

/*
 * A proof, as canonical bytes:
 *   u8 depth of the subtree that the path ends in, u8 what stands there (0 empty, 1 the key, 2 another key)
 *   for 2: blob that key, 32 bytes the hash of its value
 *   ceil(depth / 8) bytes: bit i (from the low end) is set where the sibling at depth i + 1 is not empty
 *   32 bytes for each set bit, from the top down
 * `present` says whether the key is there. NOTCH_ERR_* as above.
 *
 * Where another key stands, its value's hash is not in the tree: it is read through `value_hash`.
 */
struct notch_smt_values {
    enum notch_err (*value_hash)(void *self, struct notch_hash *out, struct notch_bytes key);
    void *self;
};
NOTCH_MUST_USE enum notch_err notch_smt_prove(struct notch_smt *smt, struct notch_buf *proof, bool *present,
                                              const struct notch_smt_nodes *nodes,
                                              const struct notch_smt_values *values, struct notch_bytes key);

/* At most this long: 256 siblings. */
#define NOTCH_SMT_PROOF_MAX (2 + 1 + NOTCH_SMT_KEY_MAX + 1 + 32 + 32 + 256 * 32)

/*
 * Whether the proof shows, under `root`, that `key` has a value with this hash, or (value_hash NULL) that it has none.
 * MALFORMED: not canonical. ROOT: shows something else.
 */
NOTCH_MUST_USE struct notch_reject notch_smt_verify(const struct notch_domain *domain, const struct notch_hash *root,
                                                    struct notch_bytes key, const struct notch_hash *value_hash,
                                                    struct notch_bytes proof);

#endif
