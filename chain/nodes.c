#include "chain/nodes.h"

#include "chain/keys.h"

struct notch__node_cache *notch__node_cache_create(const struct notch_alloc *alloc)
{
    struct notch__node_cache *cache = notch_alloc(alloc, sizeof *cache);
    cache->alloc = alloc;
    for (size_t i = 0; i < NOTCH__NODES_CACHED; i++) {
        notch_buf_init(&cache->nodes[i], alloc);
    }
    return cache;
}

void notch__node_cache_destroy(struct notch__node_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    for (size_t i = 0; i < NOTCH__NODES_CACHED; i++) {
        notch_buf_fini(&cache->nodes[i]);
    }
    notch_free(cache->alloc, cache, sizeof *cache);
}

/* The place of a node (depth, path) in the cache, or NULL if it is too deep. */
static struct notch_buf *cached(struct notch__node_cache *cache, struct notch_bytes key)
{
    static const size_t first[NOTCH__NODES_LEVELS] = {0, 1, 17, 273};
    if (cache == NULL || key.data[0] >= NOTCH__NODES_LEVELS) {
        return NULL;
    }
    unsigned depth = key.data[0];
    size_t at = 0;
    for (unsigned i = 0; i < depth; i++) {
        at = at * 16 + ((unsigned)key.data[1 + i / 2] >> (i % 2 == 0 ? 4 : 0) & 15u);
    }
    return &cache->nodes[first[depth] + at];
}

void notch__node_cache_forget(struct notch__node_cache *cache, const struct notch_layer *layer)
{
    if (layer == NULL) {
        for (size_t i = 0; i < NOTCH__NODES_CACHED; i++) {
            notch_buf_clear(&cache->nodes[i]);
        }
        return;
    }
    struct notch_commit_op op;
    uint32_t at = 0;
    while (notch_layer_next(layer, &at, &op)) {
        if (op.key.data[0] != NOTCH_FLAT_NODE) {
            continue;
        }
        struct notch_buf *node = cached(cache, notch_bytes(op.key.data + 1, op.key.len - 1));
        if (node != NULL) {
            notch_buf_clear(node);
        }
    }
}

static struct notch_store_key node_key(struct notch_bytes key)
{
    struct notch_store_key out = notch_key_begin(NOTCH_FLAT_NODE);
    notch_key_add(&out, key.data, key.len);
    return out;
}

static enum notch_err get(void *self, struct notch_buf *out, struct notch_bytes key)
{
    struct notch__nodes *nodes = self;
    struct notch_store_key full = node_key(key);
    struct notch_bytes value;
    enum notch_layer_found found = notch_layer_find(nodes->layer, &value, notch_store_key_bytes(&full));
    if (found != NOTCH_LAYER_ABSENT) {
        notch_buf_append(out, value.data, value.len);
        return found == NOTCH_LAYER_VALUE ? NOTCH_OK : NOTCH_ERR_NOT_FOUND;
    }
    struct notch_buf *kept = cached(nodes->cache, key);
    if (kept == NULL) {
        return nodes->view->get(nodes->view->self, out, notch_store_key_bytes(&full));
    }
    if (kept->len == 0) {
        enum notch_err err = nodes->view->get(nodes->view->self, kept, notch_store_key_bytes(&full));
        if (err != NOTCH_OK) {
            notch_buf_clear(kept);
            return err;
        }
    }
    notch_buf_append(out, kept->data, kept->len);
    return NOTCH_OK;
}

static void put(void *self, struct notch_bytes key, struct notch_bytes node)
{
    struct notch__nodes *nodes = self;
    struct notch_store_key full = node_key(key);
    notch_layer_put(nodes->target, notch_store_key_bytes(&full), node);
}

static void remove_node(void *self, struct notch_bytes key)
{
    struct notch__nodes *nodes = self;
    struct notch_store_key full = node_key(key);
    notch_layer_delete(nodes->target, notch_store_key_bytes(&full));
}

struct notch_smt_nodes notch__nodes_of(struct notch__nodes *nodes)
{
    return (struct notch_smt_nodes){.get = get, .put = put, .remove = remove_node, .self = nodes};
}
