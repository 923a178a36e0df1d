/*
 * chain/nodes.h: where the state tree finds its packed nodes: layers, a cache of the top levels, the view. Inside of
 * the ledger; look-ups use it without a cache.
 *
 * The cache keeps packed nodes of the view of the first NOTCH__NODES_LEVELS levels of nibbles (at most 4,369, a few
 * MiB), so that a block that touches thousands of keys reads each of them once. A layer's own nodes are found in the
 * layer, so the cache may be behind the view only while a flushed layer is not dropped: notch__nodes_forget() is
 * called when it is.
 *
 * Ownership    The cache owns its copies. layer, view and cache are borrowed by struct notch__nodes.
 * Thread       One at a time.
 */
#ifndef NOTCH_CHAIN_NODES_H
#define NOTCH_CHAIN_NODES_H

#include "chain/layer.h"
#include "chain/smt.h"

#define NOTCH__NODES_LEVELS 4
#define NOTCH__NODES_CACHED (1 + 16 + 256 + 4096)

struct notch__node_cache {
    const struct notch_alloc *alloc;
    struct notch_buf nodes[NOTCH__NODES_CACHED]; /* len 0: not known */
};

struct notch__nodes {
    struct notch_layer *target;      /* written to; NULL when only reading */
    const struct notch_layer *layer; /* where reading begins */
    const struct notch_store_view *view;
    struct notch__node_cache *cache; /* or NULL */
};

struct notch__node_cache *notch__node_cache_create(const struct notch_alloc *alloc);
void notch__node_cache_destroy(struct notch__node_cache *cache);

/* Forgets the nodes that the layer writes; NULL: all. */
void notch__node_cache_forget(struct notch__node_cache *cache, const struct notch_layer *layer);

/* The functions for chain/smt.h; borrows nodes. */
struct notch_smt_nodes notch__nodes_of(struct notch__nodes *nodes);

#endif
