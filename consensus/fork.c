#include "consensus/parts.h"

/* The latest votes of the store's members, one entry per head that any of them names. */
struct heads {
    struct notch__block **blocks;
    uint64_t *weights;
    uint32_t count;
    uint32_t cap;
};

static bool is_seen(const struct notch__block *block, enum notch__sight sight)
{
    return block->stage == NOTCH__STAGE_VALID && (sight == NOTCH__SIGHT_ALL || block->in_view);
}

static const struct notch__bits *bits_of(const struct notch__bundle *bundle, enum notch__sight sight)
{
    return sight == NOTCH__SIGHT_ALL ? &bundle->all : &bundle->view;
}

/* Where a vote for a block counts that may only be known by its header: its deepest ancestor that can be walked (8
 * L8). */
static struct notch__block *credit_to(const struct notch_consensus *core, const struct notch_hash *head,
                                      enum notch__sight sight)
{
    struct notch__block *block = notch__tree_find(&core->tree, head);
    while (block != NULL && !is_seen(block, sight)) {
        block = block->parent;
    }
    return block;
}

static void heads_add(const struct notch_consensus *core, struct heads *heads, struct notch__block *block,
                      uint64_t weight)
{
    for (uint32_t i = 0; i < heads->count; i++) {
        if (heads->blocks[i] == block) {
            heads->weights[i] += weight;
            return;
        }
    }
    if (heads->count == heads->cap) {
        uint32_t cap = heads->cap > 0 ? 2 * heads->cap : 8;
        const struct notch_alloc *alloc = core->options.alloc;
        heads->blocks = notch_realloc(alloc, heads->blocks, heads->cap * sizeof(struct notch__block *),
                                      cap * sizeof(struct notch__block *));
        heads->weights =
            notch_realloc(alloc, heads->weights, heads->cap * sizeof *heads->weights, cap * sizeof *heads->weights);
        heads->cap = cap;
    }
    heads->blocks[heads->count] = block;
    heads->weights[heads->count++] = weight;
}

static void heads_fini(const struct notch_consensus *core, struct heads *heads)
{
    notch_free(core->options.alloc, heads->blocks, heads->cap * sizeof(struct notch__block *));
    notch_free(core->options.alloc, heads->weights, heads->cap * sizeof *heads->weights);
}

/* Members of the store set who said `bundle`, whatever set it is of: voters are known by key (8 S8). */
static struct notch__bits store_bits(const struct notch_consensus *core, const struct notch__bundle *bundle,
                                     enum notch__sight sight)
{
    if (notch__set_is_same(bundle->set, core->store)) {
        return *bits_of(bundle, sight);
    }
    struct notch__bits bits = {0};
    for (uint32_t i = 0; i < bundle->set->set.count; i++) {
        if (!notch__bits_get(bits_of(bundle, sight), i)) {
            continue;
        }
        uint32_t index = notch_set_index(&core->store->set, &bundle->set->set.members[i].key);
        if (index != NOTCH_SET_NO_MEMBER) {
            notch__bits_set(&bits, index);
        }
    }
    return bits;
}

static struct notch__bits bits_and(const struct notch__bits *a, const struct notch__bits *b)
{
    struct notch__bits out;
    for (unsigned i = 0; i < NOTCH__BITS_WORDS; i++) {
        out.word[i] = a->word[i] & b->word[i];
    }
    return out;
}

static struct notch__bits bits_and_not(const struct notch__bits *a, const struct notch__bits *b)
{
    struct notch__bits out;
    for (unsigned i = 0; i < NOTCH__BITS_WORDS; i++) {
        out.word[i] = a->word[i] & ~b->word[i];
    }
    return out;
}

/* Who has two different votes in one slot of [from, end): they are discounted (1.5). The bundles of a slot are
 * adjacent. */
static struct notch__bits equivocators(const struct notch_consensus *core, uint32_t from, uint32_t end,
                                       enum notch__sight sight)
{
    struct notch__bits out = {0};
    struct notch__bits once = {0};
    for (uint32_t i = from; i < end; i++) {
        const struct notch__bundle *bundle = core->votes.bundles[i];
        if (i > from && notch_slot_cmp(core->votes.bundles[i - 1]->data.slot, bundle->data.slot) != 0) {
            once = (struct notch__bits){0};
        }
        struct notch__bits bits = store_bits(core, bundle, sight);
        struct notch__bits twice = bits_and(&once, &bits);
        notch__bits_or(&out, &twice);
        notch__bits_or(&once, &bits);
    }
    return out;
}

/* The latest votes: from the youngest slot down, each member's first that is met. */
static void latest_votes(const struct notch_consensus *core, struct heads *heads, struct notch_slot before,
                         enum notch__sight sight)
{
    uint32_t from = notch__votes_from(&core->votes, notch__slot_back(before, core->options.genesis->eta_slots));
    uint32_t end = notch__votes_from(&core->votes, before);
    struct notch__bits done = equivocators(core, from, end, sight);
    for (uint32_t i = end; i > from; i--) {
        const struct notch__bundle *bundle = core->votes.bundles[i - 1];
        struct notch__block *head = credit_to(core, &bundle->data.head, sight);
        /* A vote whose head is not even known by its header waits, and does not hide an older one (8 L8). */
        if (head == NULL) {
            continue;
        }
        struct notch__bits bits = store_bits(core, bundle, sight);
        bits = bits_and_not(&bits, &done);
        uint64_t weight = notch__bits_weight(&bits, &core->store->set);
        if (weight > 0) {
            heads_add(core, heads, head, weight);
        }
        notch__bits_or(&done, &bits);
    }
}

static void spread_weights(const struct notch_consensus *core, const struct heads *heads, struct notch__block *root)
{
    for (struct notch__block *block = core->tree.base; block != NULL; block = notch__tree_next(&core->tree, block)) {
        block->weight = 0;
    }
    for (uint32_t i = 0; i < heads->count; i++) {
        if (!notch__tree_is_ancestor(root, heads->blocks[i])) {
            continue;
        }
        for (struct notch__block *block = heads->blocks[i]; block != root; block = block->parent) {
            block->weight += heads->weights[i];
        }
    }
}

/* Heavier first, then the earlier time, then the smaller hash. */
static bool is_better(const struct notch__block *a, const struct notch__block *b)
{
    if (a->weight != b->weight) {
        return a->weight > b->weight;
    }
    int order = notch_time_cmp(a->header.time, b->header.time);
    return order != 0 ? order < 0 : notch_hash_cmp(&a->hash, &b->hash) < 0;
}

struct notch__block *notch__fork_head(struct notch_consensus *core, const struct notch__checkpoint *justified,
                                      struct notch_slot before, enum notch__sight sight)
{
    struct notch__block *head = notch__tree_find(&core->tree, &justified->at.hash);
    if (head == NULL || head->stage != NOTCH__STAGE_VALID) {
        head = core->tree.base;
    }
    struct heads heads = {0};
    latest_votes(core, &heads, before, sight);
    spread_weights(core, &heads, head);
    heads_fini(core, &heads);
    for (;;) {
        struct notch__block *best = NULL;
        for (struct notch__block *child = head->first_child; child != NULL; child = child->next_sibling) {
            if (is_seen(child, sight) && notch_slot_cmp(child->header.slot, core->slot) <= 0 &&
                (best == NULL || is_better(child, best))) {
                best = child;
            }
        }
        if (best == NULL) {
            return head;
        }
        head = best;
    }
}

/* The deepest block above J whose votes of the slot [from, end) make a quorum; NULL if none. */
static struct notch__block *quorum_in_slot(const struct notch_consensus *core, struct notch__block *head,
                                           struct notch__block *root, uint32_t from, uint32_t end,
                                           enum notch__sight sight)
{
    struct notch__bits twice = equivocators(core, from, end, sight);
    for (struct notch__block *block = head; block != root; block = block->parent) {
        struct notch__bits bits = {0};
        for (uint32_t i = from; i < end; i++) {
            const struct notch__bundle *bundle = core->votes.bundles[i];
            struct notch__block *voted = credit_to(core, &bundle->data.head, sight);
            if (voted != NULL && notch__tree_is_ancestor(block, voted)) {
                struct notch__bits more = store_bits(core, bundle, sight);
                notch__bits_or(&bits, &more);
            }
        }
        bits = bits_and_not(&bits, &twice);
        if (notch_set_is_quorum(&core->store->set, notch__bits_weight(&bits, &core->store->set))) {
            return block;
        }
    }
    return NULL;
}

struct notch__block *notch__fork_confirmed(struct notch_consensus *core, struct notch__block *head,
                                           const struct notch__checkpoint *justified, struct notch_slot before,
                                           enum notch__sight sight)
{
    struct notch__block *root = notch__tree_find(&core->tree, &justified->at.hash);
    if (root == NULL || !notch__tree_is_ancestor(root, head)) {
        root = core->tree.base;
    }
    struct notch_slot oldest = notch__slot_back(before, core->options.genesis->eta_slots);
    oldest = notch_slot_cmp(justified->at.slot, oldest) > 0 ? justified->at.slot : oldest;
    uint32_t low = notch__votes_from(&core->votes, oldest);
    uint32_t end = notch__votes_from(&core->votes, before);
    while (end > low) {
        uint32_t from = notch__votes_from(&core->votes, core->votes.bundles[end - 1]->data.slot);
        struct notch__block *block = quorum_in_slot(core, head, root, from, end, sight);
        if (block != NULL) {
            return block;
        }
        end = from;
    }
    return root;
}
