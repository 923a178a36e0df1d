/*
 * An update walks the tree once, depth first, over the changes sorted by path. One frame is one packed node; the frame
 * below works on the changes that share one more nibble. When a frame is finished it becomes a slot of the one
 * above: empty, the one leaf that is left, or an inner node. That is where splits and collapses happen, and the only
 * place.
 */
#include "chain/smt.h"

#include "chain/smt_node.h"
#include "chain/sort.h"

enum { DEPTH_MAX = 64 }; /* packed nodes on a path of 256 bits */

/* A change with its path, in the order of the paths. */
struct item {
    struct notch_hash path;
    const struct notch_smt_change *change;
};

struct frame {
    struct notch__smt_node node;
    size_t begin; /* its changes: any of them has the path of this node */
    size_t next;  /* those before are done */
    size_t end;
    bool is_stored;
    bool is_dirty;
};

struct notch_smt {
    const struct notch_alloc *alloc;
    const struct notch_domain *domain;
    struct item *items;
    size_t item_cap;
    struct notch_buf bytes; /* of the node being read or written */
    unsigned depth;         /* of the frame worked on */
    struct frame frames[DEPTH_MAX];
};

struct notch_smt *notch_smt_create(const struct notch_alloc *alloc, const struct notch_domain *domain)
{
    struct notch_smt *smt = notch_alloc(alloc, sizeof *smt);
    smt->alloc = alloc;
    smt->domain = domain;
    notch_buf_init(&smt->bytes, alloc);
    return smt;
}

void notch_smt_destroy(struct notch_smt *smt)
{
    if (smt == NULL) {
        return;
    }
    notch_free(smt->alloc, smt->items, smt->item_cap * sizeof *smt->items);
    notch_buf_fini(&smt->bytes);
    notch_free(smt->alloc, smt, sizeof *smt);
}

static enum notch_err load(struct notch_smt *smt, struct notch__smt_node *node, const struct notch_smt_nodes *nodes,
                           const struct notch_hash *path, unsigned depth)
{
    uint8_t key[NOTCH__SMT_NODE_KEY_MAX];
    notch_buf_clear(&smt->bytes);
    enum notch_err err = nodes->get(nodes->self, &smt->bytes, notch__smt_node_key(key, path, depth));
    return err != NOTCH_OK ? err : notch__smt_node_decode(node, notch_buf_bytes(&smt->bytes));
}

/* ---- update ---- */

static int compare_items(const void *a, const void *b)
{
    const struct item *x = a;
    const struct item *y = b;
    return notch_hash_cmp(&x->path, &y->path);
}

/* Fills smt->items with the changes in the order of their paths, each path once, the last change of it. */
static size_t sort_changes(struct notch_smt *smt, const struct notch_smt_change *changes, size_t count)
{
    if (count > smt->item_cap) {
        smt->items =
            notch_realloc(smt->alloc, smt->items, smt->item_cap * sizeof *smt->items, count * sizeof *smt->items);
        smt->item_cap = count;
    }
    for (size_t i = 0; i < count; i++) {
        notch_assert(changes[i].key.len <= NOTCH_SMT_KEY_MAX);
        notch_domain_hash(&smt->items[i].path, smt->domain, NOTCH_TAG_STATE_KEY, changes[i].key);
        smt->items[i].change = &changes[i];
    }
    notch_sort(smt->alloc, smt->items, count, sizeof *smt->items, compare_items);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_again = kept > 0 && notch_hash_eq(&smt->items[i].path, &smt->items[kept - 1].path);
        kept += is_again ? 0 : 1;
        smt->items[kept - 1] = smt->items[i];
    }
    return kept;
}

static void open_frame(struct notch_smt *smt, unsigned depth, size_t begin, size_t end)
{
    notch_assert(depth < DEPTH_MAX);
    struct frame *frame = &smt->frames[depth];
    frame->begin = frame->next = begin;
    frame->end = end;
    frame->is_dirty = frame->is_stored = false;
    notch__smt_node_clear(&frame->node);
    smt->depth = depth;
}

/* Opens the frame below slot `nibble`, for the changes [frame->next, end). */
static enum notch_err descend(struct notch_smt *smt, const struct notch_smt_nodes *nodes, unsigned nibble, size_t end)
{
    unsigned depth = smt->depth;
    struct frame *frame = &smt->frames[depth];
    const struct notch__smt_slot *slot = &frame->node.slots[nibble];
    size_t begin = frame->next;
    frame->next = end;
    open_frame(smt, depth + 1, begin, end);
    struct frame *below = &smt->frames[depth + 1];
    if (slot->kind == NOTCH__SMT_INNER) {
        below->is_stored = true;
        enum notch_err err = load(smt, &below->node, nodes, &smt->items[begin].path, depth + 1);
        return err == NOTCH_ERR_NOT_FOUND ? NOTCH_ERR_CORRUPT : err;
    }
    if (slot->kind == NOTCH__SMT_LEAF) {
        struct notch_hash path;
        notch_domain_hash(&path, smt->domain, NOTCH_TAG_STATE_KEY, notch__smt_slot_key(slot));
        below->node.slots[notch__smt_nibble(&path, depth + 1)] = *slot;
    }
    return NOTCH_OK;
}

/* Does the changes [frame->next, end), which share the slot `nibble`: here, or in the frame below. */
static enum notch_err step(struct notch_smt *smt, const struct notch_smt_nodes *nodes, unsigned nibble, size_t end)
{
    struct frame *frame = &smt->frames[smt->depth];
    struct notch__smt_slot *slot = &frame->node.slots[nibble];
    const struct notch_smt_change *change = smt->items[frame->next].change;
    bool is_same = slot->kind == NOTCH__SMT_LEAF && notch_bytes_eq(notch__smt_slot_key(slot), change->key);
    bool is_here = end - frame->next == 1 && (slot->kind == NOTCH__SMT_EMPTY || is_same);
    if (!is_here) {
        return descend(smt, nodes, nibble, end);
    }
    frame->next = end;
    if (change->is_delete) {
        frame->is_dirty = frame->is_dirty || is_same;
        slot->kind = NOTCH__SMT_EMPTY;
        return NOTCH_OK;
    }
    struct notch_hash leaf;
    notch__smt_leaf_hash(&leaf, smt->domain, change->key, &change->value_hash);
    if (!is_same || !notch_hash_eq(&leaf, &slot->hash)) {
        notch__smt_slot_set_leaf(slot, &leaf, change->key);
        frame->is_dirty = true;
    }
    return NOTCH_OK;
}

static size_t group_end(const struct notch_smt *smt, const struct frame *frame, unsigned nibble)
{
    size_t end = frame->next + 1;
    while (end < frame->end && notch__smt_nibble(&smt->items[end].path, smt->depth) == nibble) {
        end++;
    }
    return end;
}

/* Writes the finished frame, or takes it away where it has collapsed, and hands it to the one above. */
static void close_frame(struct notch_smt *smt, const struct notch_smt_nodes *nodes)
{
    unsigned depth = smt->depth;
    struct frame *frame = &smt->frames[depth];
    if (depth > 0) {
        smt->depth--;
    }
    if (!frame->is_dirty) {
        return;
    }
    uint8_t raw_key[NOTCH__SMT_NODE_KEY_MAX];
    const struct notch_hash *path = &smt->items[frame->begin].path;
    struct notch_bytes key = notch__smt_node_key(raw_key, path, depth);
    struct notch__smt_slot result;
    notch__smt_node_collapse(&result, &frame->node, smt->domain);
    if (result.kind == NOTCH__SMT_INNER || (depth == 0 && result.kind == NOTCH__SMT_LEAF)) {
        notch_buf_clear(&smt->bytes);
        notch__smt_node_encode(&frame->node, &smt->bytes);
        nodes->put(nodes->self, key, notch_buf_bytes(&smt->bytes));
    } else if (frame->is_stored) {
        nodes->remove(nodes->self, key);
    }
    if (depth > 0) {
        struct frame *above = &smt->frames[depth - 1];
        above->node.slots[notch__smt_nibble(path, depth - 1)] = result;
        above->is_dirty = true;
    }
}

static enum notch_err open_root(struct notch_smt *smt, const struct notch_smt_nodes *nodes, size_t count)
{
    static const struct notch_hash nowhere;
    open_frame(smt, 0, 0, count);
    enum notch_err err = load(smt, &smt->frames[0].node, nodes, &nowhere, 0);
    smt->frames[0].is_stored = err == NOTCH_OK;
    return err == NOTCH_ERR_NOT_FOUND ? NOTCH_OK : err;
}

enum notch_err notch_smt_update(struct notch_smt *smt, struct notch_hash *root, const struct notch_smt_nodes *nodes,
                                const struct notch_smt_change *changes, size_t count)
{
    notch_assert(count <= NOTCH_SMT_UPDATES_MAX);
    count = sort_changes(smt, changes, count);
    enum notch_err err = open_root(smt, nodes, count);
    const struct frame *top = &smt->frames[0];
    while (err == NOTCH_OK && !(smt->depth == 0 && top->next == top->end)) {
        struct frame *frame = &smt->frames[smt->depth];
        if (frame->next == frame->end) {
            close_frame(smt, nodes);
            continue;
        }
        unsigned nibble = notch__smt_nibble(&smt->items[frame->next].path, smt->depth);
        err = step(smt, nodes, nibble, group_end(smt, frame, nibble));
    }
    if (err != NOTCH_OK) {
        return err;
    }
    close_frame(smt, nodes);
    struct notch__smt_slot result;
    notch__smt_node_collapse(&result, &top->node, smt->domain);
    *root = result.hash;
    return NOTCH_OK;
}

enum notch_err notch_smt_root(struct notch_smt *smt, struct notch_hash *root, const struct notch_smt_nodes *nodes)
{
    enum notch_err err = open_root(smt, nodes, 0);
    if (err != NOTCH_OK) {
        return err;
    }
    struct notch__smt_slot result;
    notch__smt_node_collapse(&result, &smt->frames[0].node, smt->domain);
    *root = result.hash;
    return NOTCH_OK;
}

/* ---- proof ---- */

/* The way down to where a path ends. */
struct descent {
    struct notch_hash path;
    struct notch_hash siblings[256];
    unsigned depth;
    struct notch__smt_slot end; /* empty, or a leaf */
};

/* Goes down within one packed node; leaves `end` inner where the path goes on in the next one. */
static void descend_packed(struct descent *descent, const struct notch__smt_node *node,
                           const struct notch_domain *domain, unsigned nibble)
{
    struct notch__smt_fold fold;
    notch__smt_node_fold(&fold, node, domain);
    notch__smt_fold_slot(&descent->end, &fold, node, 0, 0);
    for (unsigned level = 1; level <= 4 && descent->end.kind == NOTCH__SMT_INNER; level++) {
        unsigned at = nibble >> (4 - level);
        struct notch__smt_slot sibling;
        notch__smt_fold_slot(&sibling, &fold, node, level, at ^ 1u);
        descent->siblings[descent->depth++] = sibling.hash;
        notch__smt_fold_slot(&descent->end, &fold, node, level, at);
    }
}

static void write_proof(struct notch_buf *proof, const struct descent *descent, bool is_present,
                        const struct notch_hash *other_value)
{
    struct notch_writer writer = notch_writer_grow(proof);
    notch_write_u8(&writer, (uint8_t)descent->depth);
    notch_write_u8(&writer, descent->end.kind == NOTCH__SMT_EMPTY ? NOTCH__SMT_ENDS_EMPTY
                            : is_present                          ? NOTCH__SMT_ENDS_KEY
                                                                  : NOTCH__SMT_ENDS_OTHER);
    if (descent->end.kind == NOTCH__SMT_LEAF && !is_present) {
        notch_write_blob(&writer, notch__smt_slot_key(&descent->end));
        notch_write_hash(&writer, other_value);
    }
    uint8_t bits[32] = {0};
    for (unsigned i = 0; i < descent->depth; i++) {
        bits[i / 8] |= (uint8_t)((notch_hash_is_zero(&descent->siblings[i]) ? 0u : 1u) << (i % 8));
    }
    notch_write_bytes(&writer, bits, (descent->depth + 7) / 8);
    for (unsigned i = 0; i < descent->depth; i++) {
        if (!notch_hash_is_zero(&descent->siblings[i])) {
            notch_write_hash(&writer, &descent->siblings[i]);
        }
    }
}

enum notch_err notch_smt_prove(struct notch_smt *smt, struct notch_buf *proof, bool *present,
                               const struct notch_smt_nodes *nodes, const struct notch_smt_values *values,
                               struct notch_bytes key)
{
    struct descent descent = {.depth = 0};
    notch_domain_hash(&descent.path, smt->domain, NOTCH_TAG_STATE_KEY, key);
    enum notch_err err = open_root(smt, nodes, 0);
    struct notch__smt_node *node = &smt->frames[0].node;
    descent.end.kind = NOTCH__SMT_INNER;
    for (unsigned depth = 0; err == NOTCH_OK && descent.end.kind == NOTCH__SMT_INNER; depth++) {
        if (depth == DEPTH_MAX) {
            return NOTCH_ERR_CORRUPT;
        }
        if (depth > 0) {
            err = load(smt, node, nodes, &descent.path, depth);
            err = err == NOTCH_ERR_NOT_FOUND ? NOTCH_ERR_CORRUPT : err;
        }
        if (err == NOTCH_OK) {
            descend_packed(&descent, node, smt->domain, notch__smt_nibble(&descent.path, depth));
        }
    }
    if (err != NOTCH_OK) {
        return err;
    }
    if (descent.depth > UINT8_MAX) {
        return NOTCH_ERR_CORRUPT;
    }
    bool is_leaf = descent.end.kind == NOTCH__SMT_LEAF;
    *present = is_leaf && notch_bytes_eq(notch__smt_slot_key(&descent.end), key);
    struct notch_hash other_value;
    if (is_leaf && !*present) {
        err = values->value_hash(values->self, &other_value, notch__smt_slot_key(&descent.end));
        if (err != NOTCH_OK) {
            return err == NOTCH_ERR_NOT_FOUND ? NOTCH_ERR_CORRUPT : err;
        }
    }
    write_proof(proof, &descent, *present, &other_value);
    return NOTCH_OK;
}
