#include "consensus/tree.h"

void notch__tallies_init(struct notch__tallies *tallies, const struct notch_alloc *alloc)
{
    *tallies = (struct notch__tallies){.alloc = alloc};
}

void notch__tallies_fini(struct notch__tallies *tallies)
{
    notch_free(tallies->alloc, tallies->items, tallies->cap * sizeof *tallies->items);
    tallies->items = NULL;
    tallies->count = 0;
    tallies->cap = 0;
}

struct notch__tally *notch__tallies_find(const struct notch__tallies *tallies, const struct notch_vote_data *data)
{
    for (uint32_t i = 0; i < tallies->count; i++) {
        if (notch_vote_data_cmp(&tallies->items[i].data, data) == 0) {
            return &tallies->items[i];
        }
    }
    return NULL;
}

struct notch__tally *notch__tallies_add(struct notch__tallies *tallies, const struct notch__tally *tally)
{
    if (tallies->count == tallies->cap) {
        uint32_t cap = tallies->cap > 0 ? 2 * tallies->cap : 2;
        tallies->items = notch_realloc(tallies->alloc, tallies->items, tallies->cap * sizeof *tallies->items,
                                       cap * sizeof *tallies->items);
        tallies->cap = cap;
    }
    tallies->items[tallies->count] = *tally;
    return &tallies->items[tallies->count++];
}

void notch__tree_init(struct notch__tree *tree, const struct notch_alloc *alloc, struct notch_siphash_key hash_key,
                      uint32_t max)
{
    *tree = (struct notch__tree){.alloc = alloc, .max = max};
    notch_map_init(&tree->by_hash, alloc, hash_key, sizeof(struct notch_hash), sizeof(struct notch__block *),
                   (size_t)max + 1);
}

static void free_block(const struct notch__tree *tree, struct notch__block *block)
{
    notch_buf_fini(&block->bytes);
    notch__tallies_fini(&block->tallies);
    notch_free(tree->alloc, block->changes, block->change_count * sizeof *block->changes);
    notch_free(tree->alloc, block, sizeof *block);
}

void notch__tree_fini(struct notch__tree *tree)
{
    size_t at = 0;
    const void *key;
    void *value;
    while (notch_map_next(&tree->by_hash, &at, &key, &value)) {
        free_block(tree, *(struct notch__block **)value);
    }
    notch_map_fini(&tree->by_hash);
    notch_free(tree->alloc, tree->trail, tree->trail_cap * sizeof *tree->trail);
}

struct notch__block *notch__tree_find(const struct notch__tree *tree, const struct notch_hash *hash)
{
    struct notch__block **found = notch_map_get(&tree->by_hash, hash);
    return found != NULL ? *found : NULL;
}

/* Raw below: heights are subtracted to find how far down to look. The skip pointers are those of Bitcoin's block
 * index in
 * spirit: a height with its lowest set bits cleared. */
static uint64_t skip_height(uint64_t height)
{
    if (height < 2) {
        return 0;
    }
    uint64_t once = height & (height - 1);
    return (height & 1) != 0 ? (once & (once - 1)) : once;
}

struct notch__block *notch__tree_ancestor(struct notch__block *block, struct notch_height height)
{
    while (block != NULL && notch_height_cmp(block->header.height, height) > 0) {
        struct notch__block *skip = block->skip;
        block = skip != NULL && notch_height_cmp(skip->header.height, height) >= 0 ? skip : block->parent;
    }
    return block != NULL && notch_height_cmp(block->header.height, height) == 0 ? block : NULL;
}

struct notch__block *notch__tree_add(struct notch__tree *tree, const struct notch_hash *hash,
                                     const struct notch_header *header, struct notch__block *parent)
{
    /* Raw: slots, heights and milliseconds are counted. */
    if (tree->count == tree->max) {
        return NULL;
    }
    struct notch__block *block = notch_alloc(tree->alloc, sizeof *block);
    block->hash = *hash;
    block->header = *header;
    block->parent = parent;
    notch_buf_init(&block->bytes, tree->alloc);
    notch__tallies_init(&block->tallies, tree->alloc);
    bool added;
    struct notch__block **slot = notch_map_put(&tree->by_hash, hash, &added);
    notch_assert(slot != NULL);
    notch_assert(added);
    *slot = block;
    if (parent == NULL) {
        notch_assert(tree->base == NULL);
        tree->base = block;
        return block;
    }
    block->skip = notch__tree_ancestor(parent, (struct notch_height){skip_height(header->height.raw)});
    struct notch__block **link = &parent->first_child;
    while (*link != NULL) {
        link = &(*link)->next_sibling;
    }
    *link = block;
    tree->count++;
    return block;
}

bool notch__tree_is_ancestor(const struct notch__block *a, struct notch__block *b)
{
    return notch__tree_ancestor(b, a->header.height) == a;
}

struct notch__block *notch__tree_common(struct notch__block *a, struct notch__block *b)
{
    if (notch_height_cmp(a->header.height, b->header.height) > 0) {
        a = notch__tree_ancestor(a, b->header.height);
    } else {
        b = notch__tree_ancestor(b, a->header.height);
    }
    while (a != b) {
        bool can_skip = a->skip != NULL && b->skip != NULL && a->skip != b->skip &&
                        notch_height_cmp(a->skip->header.height, b->skip->header.height) == 0;
        a = can_skip ? a->skip : a->parent;
        b = can_skip ? b->skip : b->parent;
    }
    return a;
}

bool notch__tree_on_chain(const struct notch__tree *tree, struct notch__trail_item *out, struct notch__block *tip,
                          const struct notch_hash *hash)
{
    struct notch__block *block = notch__tree_find(tree, hash);
    if (block != NULL) {
        *out = (struct notch__trail_item){block->hash, block->header.height, block->header.slot};
        return notch__tree_is_ancestor(block, tip);
    }
    for (uint32_t i = tree->trail_count; i > 0; i--) {
        if (notch_hash_eq(&tree->trail[i - 1].hash, hash)) {
            *out = tree->trail[i - 1];
            return true;
        }
    }
    return false;
}

struct notch__block *notch__tree_next(const struct notch__tree *tree, struct notch__block *block)
{
    if (block->first_child != NULL) {
        return block->first_child;
    }
    while (block != tree->base && block->next_sibling == NULL) {
        block = block->parent;
    }
    return block == tree->base ? NULL : block->next_sibling;
}

static void push_trail(struct notch__tree *tree, const struct notch__block *block)
{
    if (tree->trail_count == tree->trail_cap) {
        uint32_t cap = tree->trail_cap > 0 ? 2 * tree->trail_cap : 64;
        tree->trail =
            notch_realloc(tree->alloc, tree->trail, tree->trail_cap * sizeof *tree->trail, cap * sizeof *tree->trail);
        tree->trail_cap = cap;
    }
    tree->trail[tree->trail_count++] =
        (struct notch__trail_item){block->hash, block->header.height, block->header.slot};
}

static void drop_trail(struct notch__tree *tree, struct notch_height floor)
{
    uint32_t gone = 0;
    while (gone < tree->trail_count && notch_height_cmp(tree->trail[gone].height, floor) < 0) {
        gone++;
    }
    if (gone > 0) {
        tree->trail_count -= gone;
        memmove(tree->trail, tree->trail + gone, tree->trail_count * sizeof *tree->trail);
    }
}

/* Takes out of the tree everything under `top` but what is under `keep`; leaves first, so that no pointer dangles. */
static void drop_branch(struct notch__tree *tree, struct notch__block *top, const struct notch__block *keep,
                        notch__tree_drop drop, void *arg)
{
    struct notch__block *block = top;
    for (;;) {
        while (block->first_child == keep && keep != NULL && block->first_child->next_sibling != NULL) {
            /* Move the kept child behind its siblings, so that they are met first. */
            struct notch__block *kept = block->first_child;
            struct notch__block *last = kept;
            block->first_child = kept->next_sibling;
            while (last->next_sibling != NULL) {
                last = last->next_sibling;
            }
            last->next_sibling = kept;
            kept->next_sibling = NULL;
        }
        if (block->first_child != NULL && block->first_child != keep) {
            block = block->first_child;
            continue;
        }
        if (block == top) {
            return;
        }
        struct notch__block *parent = block->parent;
        parent->first_child = block->next_sibling;
        drop(arg, block);
        (void)notch_map_remove(&tree->by_hash, &block->hash);
        tree->count--;
        free_block(tree, block);
        block = parent;
    }
}

void notch__tree_rebase(struct notch__tree *tree, struct notch__block *block, struct notch_height trail_floor,
                        notch__tree_drop drop, void *arg)
{
    /* Raw: slots, heights and milliseconds are counted. */
    notch_assert(notch__tree_is_ancestor(tree->base, block));
    /* Skip pointers must not reach below the new base: what is there is about to go. */
    for (struct notch__block *at = tree->base; at != NULL; at = notch__tree_next(tree, at)) {
        if (at->skip != NULL && notch_height_cmp(at->skip->header.height, block->header.height) < 0) {
            at->skip = NULL;
        }
    }
    while (tree->base != block) {
        struct notch__block *old = tree->base;
        struct notch_height next = {old->header.height.raw + 1};
        struct notch__block *child = notch__tree_ancestor(block, next);
        drop_branch(tree, old, child, drop, arg);
        push_trail(tree, old);
        drop(arg, old);
        (void)notch_map_remove(&tree->by_hash, &old->hash);
        free_block(tree, old);
        child->parent = NULL;
        child->skip = NULL;
        child->next_sibling = NULL;
        tree->base = child;
        tree->count--;
    }
    drop_trail(tree, trail_floor);
}
