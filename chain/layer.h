/*
 * chain/layer.h: what blocks that are not final yet have changed, as a tree of layers over the keys of the store.
 *
 *      keys of the store (up to the base)
 *            |
 *         layer 7 ---- layer 8 ---- layer 9        a look-up goes from a layer to its parents, then to the view
 *            |
 *            +-------- layer 8'                     a fork is another child: choosing it is looking at it
 *
 * A layer is a table of keys with their new values, deletions included, in the order in which they were first written.
 * When its block is final, a layer is flushed into a commit and dropped when that is done. A layer can also be flushed
 * before it is final, with an undo record: the old values of the keys it changes, from which the store can be moved
 * back.
 *
 * Invariants   undo(flush(x)) == x, key by key.
 *              What a layer gives does not depend on its hash key, nor does the order of what it flushes.
 * Ownership    A layer owns its table. Parents are borrowed and outlive their children: the ledger sees to that.
 * Limits       A layer bounds nothing itself: the caps of a block do.
 * Thread       One at a time.
 * Errors       What the view answers: IO, CORRUPT.
 */
#ifndef NOTCH_CHAIN_LAYER_H
#define NOTCH_CHAIN_LAYER_H

#include "base/rng.h"
#include "chain/store.h"

struct notch_layer_entry;

struct notch_layer {
    const struct notch_layer *parent; /* NULL: over the view itself */
    struct notch_layer_entry *entries;
    uint32_t entry_count;
    uint32_t entry_cap;
    uint32_t *slots; /* index + 1 of an entry, 0 for free; linear probing */
    uint32_t slot_count;
    struct notch_buf arena; /* keys and values */
    struct notch_siphash_key hash_key;
    const struct notch_alloc *alloc;
};

/* All layers of one tree share one hash key, so that a key is hashed once for the whole way down. */
void notch_layer_init(struct notch_layer *layer, const struct notch_alloc *alloc, struct notch_siphash_key hash_key,
                      const struct notch_layer *parent);
void notch_layer_fini(struct notch_layer *layer);

/* The later write to a key wins. 0 < key.len <= NOTCH_STORE_KEY_MAX. Neither key nor value points into this layer. */
void notch_layer_put(struct notch_layer *layer, struct notch_bytes key, struct notch_bytes value);
void notch_layer_delete(struct notch_layer *layer, struct notch_bytes key);

/* What this layer and its parents say of a key. The value is valid until the next write to the layer it stands in. */
enum notch_layer_found { NOTCH_LAYER_ABSENT, NOTCH_LAYER_VALUE, NOTCH_LAYER_DELETED };
enum notch_layer_found notch_layer_find(const struct notch_layer *layer, struct notch_bytes *value,
                                        struct notch_bytes key);

/* Through the layers (none if NULL), then the view. Appends to *out. NOT_FOUND, IO, CORRUPT. */
NOTCH_MUST_USE enum notch_err notch_layer_get(const struct notch_layer *layer, const struct notch_store_view *view,
                                              struct notch_buf *out, struct notch_bytes key);

/* As notch_store_view.scan, over the layers and the view merged. Sorts what the layers hold in the range: not for
 * hot ways. */
NOTCH_MUST_USE enum notch_err notch_layer_scan(const struct notch_layer *layer, const struct notch_store_view *view,
                                               struct notch_bytes from, struct notch_bytes to,
                                               enum notch_scan direction, notch_store_visit visit, void *arg);

/* Walks the writes of this layer alone, in order: start with *at = 0; false at the end. */
bool notch_layer_next(const struct notch_layer *layer, uint32_t *at, struct notch_commit_op *op);

/* How many bytes of memory the layer holds. */
size_t notch_layer_size(const struct notch_layer *layer);

/*
 * Writes the layers from just above `base` (NULL: the view) up to and including `top` into the commit, each key once
 * with its last value.
 */
void notch_layer_flush(const struct notch_layer *top, const struct notch_layer *base, const struct notch_alloc *alloc,
                       struct notch_commit *commit);

/*
 * Appends the undo record of one layer to *undo: for each key that it writes, what its parents and the view hold now.
 * IO, CORRUPT.
 */
NOTCH_MUST_USE enum notch_err notch_layer_undo(const struct notch_layer *layer, const struct notch_store_view *view,
                                               struct notch_buf *undo);

/* Writes an undo record's old values into a layer. CORRUPT if it is not one; then the layer is to be thrown away. */
NOTCH_MUST_USE enum notch_err notch_layer_load_undo(struct notch_layer *layer, struct notch_bytes undo);

#endif
