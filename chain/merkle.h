/*
 * chain/merkle.h: Merkle trees over ordered lists of leaves (RFC 9162, section 2.1).
 *
 * One hashing scheme serves every list on the chain: entries in a record, records in a batch, batches in a block,
 * blocks in the history, records of an author. A leaf is H(0x00 || data) and an inner node H(0x01 || left || right),
 * so that no inner node can be passed off as a leaf; a tree of n leaves splits at the largest power of two below n,
 * and nothing is ever duplicated (a duplicated last node is how two lists came to share a root: CVE-2012-2459).
 *
 *              root(5)
 *             /       \
 *          (0..3)      4          inclusion of 2 in 5:  [3, (0..1), 4]
 *          /    \                 consistency 3 -> 5:   [2, 3, (0..1), 4]
 *      (0..1)  (2..3)
 *
 * "Leaf" below is the hash of a leaf, H(0x00 || data), unless it says data.
 *
 * Invariants   The root depends on the leaves and their order alone.
 *              For a given leaf, index and size there is one proof against a root; its length is a function of index
 *              and size, and any other length is refused before a hash is computed.
 * Ownership    The accumulator is a value: 64 hashes and a count, no heap, copy it freely. Proofs are written into the
 *              caller's array, which holds NOTCH_MERKLE_PROOF_MAX hashes.
 * Limits       2^63 leaves. Appending costs O(1) amortised, a root O(log n), a proof O(log n) reads of the store.
 * Thread       Pure functions and values: any thread, no locks.
 */
#ifndef NOTCH_CHAIN_MERKLE_H
#define NOTCH_CHAIN_MERKLE_H

#include "base/codec.h"
#include "base/error.h"
#include "base/hash.h"

/* A path holds at most 63 hashes for 2^63 leaves; a consistency proof one more. */
#define NOTCH_MERKLE_PROOF_MAX 64
#define NOTCH_MERKLE_LEVELS 64

/* The right-hand frontier of a growing tree: enough to append and to give the root, nothing more. */
struct notch_merkle {
    struct notch_hash frontier[NOTCH_MERKLE_LEVELS]; /* [k]: root of 2^k leaves, where bit k of size is set */
    uint64_t size;                                   /* leaves so far */
};

/* How a proof finds the inner nodes it needs: the root of the complete subtree of 2^level leaves at leaf `first`. */
struct notch_merkle_nodes {
    enum notch_err (*node)(const void *self, struct notch_hash *out, uint64_t first, unsigned level);
    const void *self;
};

/* A list of leaves in memory; notch_merkle_nodes_of() makes the nodes of it by hashing. */
struct notch_merkle_leaves {
    const struct notch_hash *leaves;
    uint64_t count;
};

void notch_merkle_leaf(struct notch_hash *out, struct notch_bytes data);
void notch_merkle_node(struct notch_hash *out, const struct notch_hash *left, const struct notch_hash *right);

void notch_merkle_init(struct notch_merkle *tree);
void notch_merkle_append(struct notch_merkle *tree, const struct notch_hash *leaf);

/*
 * Appends, and writes the roots of the complete subtrees that end with this leaf: nodes[0] is the leaf, nodes[k] the
 * root of the 2^k leaves up to it. Returns how many there are. For those who store nodes to prove from later; the first
 * leaf under nodes[k] is (size before) + 1 - 2^k.
 */
unsigned notch_merkle_append_nodes(struct notch_merkle *tree, struct notch_hash nodes[NOTCH_MERKLE_LEVELS],
                                   const struct notch_hash *leaf);

/* The root of what has been appended; the empty tree has H(""). */
void notch_merkle_root(const struct notch_merkle *tree, struct notch_hash *out);

/* The root of a list at once. */
void notch_merkle_root_of(struct notch_hash *out, const struct notch_hash *leaves, uint64_t count);

/*
 * Whether a leaf occurs more than once: then one proof would hold at several places, so lists on the chain are refused
 * for it. count <= NOTCH_MERKLE_TWINS_MAX.
 */
#define NOTCH_MERKLE_TWINS_MAX 512
bool notch_merkle_has_twins(const struct notch_hash *leaves, size_t count);

/* The frontier as bytes: uvar size, then the hashes of the set bits from the lowest. A read is refused beyond the
 * limit. */
void notch_merkle_write(struct notch_writer *writer, const struct notch_merkle *tree);
void notch_merkle_read(struct notch_reader *reader, struct notch_merkle *out);

/* Borrows `leaves`, both the struct and the array. */
struct notch_merkle_nodes notch_merkle_nodes_of(const struct notch_merkle_leaves *leaves);

/* How many hashes the inclusion proof of leaf `index` of `size` holds. index < size. */
size_t notch_merkle_inclusion_len(uint64_t index, uint64_t size);

/*
 * Writes the proof that leaf `index` is in the first `size` leaves, from the leaf upwards.
 * NOTCH_ERR_RANGE if index >= size; otherwise only what `nodes` returns.
 */
NOTCH_MUST_USE enum notch_err notch_merkle_prove_inclusion(struct notch_hash *proof, size_t *proof_len,
                                                           const struct notch_merkle_nodes *nodes, uint64_t index,
                                                           uint64_t size);

/*
 * Writes the proof that the tree of `new_size` leaves begins with the tree of `old_size` leaves. Empty where the sizes
 * are equal or old_size is 0. NOTCH_ERR_RANGE if old_size > new_size; otherwise only what `nodes` returns.
 */
NOTCH_MUST_USE enum notch_err notch_merkle_prove_consistency(struct notch_hash *proof, size_t *proof_len,
                                                             const struct notch_merkle_nodes *nodes, uint64_t old_size,
                                                             uint64_t new_size);

/*
 * The root that the proof leads to; false where the index is out of range or the proof has not the one length it may
 * have. For a chain of proofs, where the root is bound by what is hashed next.
 */
NOTCH_MUST_USE bool notch_merkle_climb(struct notch_hash *root, const struct notch_hash *leaf, uint64_t index,
                                       uint64_t size, const struct notch_hash *proof, size_t proof_len);

/* Whether the proof shows `leaf` at `index` of a tree of `size` leaves with `root`. The answer to any other bytes is
 * no. */
NOTCH_MUST_USE bool notch_merkle_verify_inclusion(const struct notch_hash *leaf, uint64_t index, uint64_t size,
                                                  const struct notch_hash *proof, size_t proof_len,
                                                  const struct notch_hash *root);

/* Whether the proof shows that the tree of new_size leaves and new_root begins with that of old_size and old_root. */
NOTCH_MUST_USE bool notch_merkle_verify_consistency(uint64_t old_size, const struct notch_hash *old_root,
                                                    uint64_t new_size, const struct notch_hash *new_root,
                                                    const struct notch_hash *proof, size_t proof_len);

#endif
