#include "consensus/parts.h"

const struct notch__set *notch__onchain_set(const struct notch__onchain *onchain, uint32_t set_id)
{
    if (onchain->set->set.id == set_id) {
        return onchain->set;
    }
    if (onchain->next != NULL && onchain->next->set.id == set_id) {
        return onchain->next;
    }
    if (onchain->previous != NULL && onchain->previous->set.id == set_id) {
        return onchain->previous;
    }
    return NULL;
}

const struct notch__tally *notch__onchain_tally(const struct notch__block *block, const struct notch_vote_data *data)
{
    /* A vote stands only in blocks of later slots: further down there is nothing to find. The base holds what is
     * left of
     * all blocks below it. */
    for (; block != NULL; block = block->parent) {
        const struct notch__tally *found = notch__tallies_find(&block->tallies, data);
        if (found != NULL) {
            return found;
        }
        bool is_base = block->parent == NULL;
        if (!is_base && notch_slot_cmp(block->header.slot, data->slot) <= 0) {
            return NULL;
        }
    }
    return NULL;
}

static struct notch_reject check_vote(const struct notch__block *block, const struct notch_vote *vote,
                                      const struct notch__set **set)
{
    /* Raw: the bytes are what is compared, copied or hashed. */
    const struct notch__onchain *at = &block->parent->onchain;
    *set = notch__onchain_set(at, vote->data.set_id);
    if (*set == NULL || memcmp((*set)->set.root.raw, vote->data.set_root8, sizeof vote->data.set_root8) != 0) {
        return NOTCH_REJECT(BOUNDS, "vote of an unknown set");
    }
    if (notch_slot_cmp(vote->data.slot, block->header.slot) >= 0) {
        return NOTCH_REJECT(FUTURE, "vote of the block's slot or later");
    }
    if (notch_slot_cmp(vote->data.slot, at->floor) <= 0) {
        return NOTCH_REJECT(EXPIRED, "vote from before what is final");
    }
    if (vote->validator == NOTCH_VOTE_SHADOW) {
        bool is_member = notch_set_index(&(*set)->set, &vote->key) != NOTCH_SET_NO_MEMBER;
        return is_member ? NOTCH_REJECT(MALFORMED, "shadow vote of a member") : NOTCH_VALID;
    }
    if (vote->validator >= (*set)->set.count) {
        return NOTCH_REJECT(BOUNDS, "vote of nobody");
    }
    return NOTCH_VALID;
}

struct notch_reject notch__onchain_votes(const struct notch_consensus *core, struct notch__block *block)
{
    (void)core;
    struct notch_votes_iter iter = notch_votes_iter(block->body.votes);
    struct notch_vote vote;
    struct notch__tally *tally = NULL;
    block->tallies.count = 0;
    while (notch_votes_next(&iter, &vote)) {
        const struct notch__set *set;
        struct notch_reject reject = check_vote(block, &vote, &set);
        if (!notch_is_valid(reject)) {
            return reject;
        }
        if (vote.validator == NOTCH_VOTE_SHADOW) {
            continue;
        }
        if (tally == NULL || notch_vote_data_cmp(&tally->data, &vote.data) != 0) {
            const struct notch__tally *before = notch__onchain_tally(block->parent, &vote.data);
            struct notch__tally fresh = {.data = vote.data};
            tally = notch__tallies_add(&block->tallies, before != NULL ? before : &fresh);
        }
        if (notch__bits_get(&tally->bits, vote.validator)) {
            return NOTCH_REJECT(DUPLICATE, "vote that is on the chain already");
        }
        notch__bits_set(&tally->bits, vote.validator);
    }
    return NOTCH_VALID;
}

bool notch__onchain_is_signal(const struct notch__onchain *at, const struct notch_consensus *core,
                              struct notch_slot slot)
{
    /* Raw: an epoch is a number of slots. */
    return at->next == NULL && slot.raw >= at->root.at.slot.raw + core->options.genesis->epoch_slots;
}

struct notch_reject notch__onchain_header(const struct notch_consensus *core, const struct notch__block *block)
{
    const struct notch_header *header = &block->header;
    const struct notch__block *parent = block->parent;
    const struct notch__onchain *at = &parent->onchain;
    if (header->rules != core->options.genesis->rules) {
        return NOTCH_REJECT(VERSION, "header rules");
    }
    if (notch_slot_cmp(header->justified.slot, at->justified.at.slot) != 0 ||
        !notch_hash_eq(&header->justified.hash, &at->justified.at.hash)) {
        return NOTCH_REJECT(PARENT, "header justified");
    }
    if (notch_slot_cmp(header->finalized.slot, at->finalized.at.slot) != 0 ||
        !notch_hash_eq(&header->finalized.hash, &at->finalized.at.hash)) {
        return NOTCH_REJECT(PARENT, "header finalized");
    }
    if (!notch_hash_eq(&header->parent_state_root, &parent->executed.state_root)) {
        return NOTCH_REJECT(STATE_ROOT, "header parent_state_root");
    }
    if (!notch_hash_eq(&header->parent_receipts_root, &parent->executed.receipts_root)) {
        return NOTCH_REJECT(STATE_ROOT, "header parent_receipts_root");
    }
    if (!notch_hash_eq(&header->history_root, &parent->executed.history_root)) {
        return NOTCH_REJECT(PARENT, "header history_root");
    }
    return NOTCH_VALID;
}

/* The tallies of a chain, sorted, the latest of each alone. */
struct gathered {
    const struct notch__tally **items;
    uint32_t count;
    uint32_t cap;
};

static void gather_one(const struct notch_consensus *core, struct gathered *all, const struct notch__tally *tally)
{
    uint32_t low = 0;
    uint32_t high = all->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = notch_vote_data_cmp(&all->items[middle]->data, &tally->data);
        if (order == 0) {
            return;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (all->count == all->cap) {
        uint32_t cap = all->cap > 0 ? 2 * all->cap : 64;
        all->items =
            notch_realloc(core->options.alloc, all->items, all->cap * sizeof *all->items, cap * sizeof *all->items);
        all->cap = cap;
    }
    memmove(&all->items[low + 1], &all->items[low], (all->count - low) * sizeof *all->items);
    all->items[low] = tally;
    all->count++;
}

/*
 * Whether a vote counts on this chain: its source and target stand on it, in that order, the target no later than
 * the vote and not behind the signal block of its set. How far down is looked is a function of the chain too
 * (finalized_height), so that it does not matter where a node's base is.
 */
static bool is_counted(const struct notch_consensus *core, const struct notch__onchain *at, struct notch__block *block,
                       const struct notch_vote_data *data)
{
    struct notch__trail_item source;
    struct notch__trail_item target;
    if (notch_slot_cmp(data->source.slot, data->slot) >= 0 ||
        !notch__tree_on_chain(&core->tree, &target, block, &data->target) ||
        !notch__tree_on_chain(&core->tree, &source, block, &data->source.hash)) {
        return false;
    }
    /* Raw: ETA is a number of slots, and serves as one of heights. */
    uint64_t eta = core->options.genesis->eta_slots;
    if (source.height.raw + eta < at->finalized_height.raw) {
        return false;
    }
    if (notch_height_cmp(source.height, target.height) > 0 || notch_slot_cmp(target.slot, data->slot) > 0) {
        return false;
    }
    return at->next == NULL || data->set_id != at->set->set.id || notch_slot_cmp(target.slot, at->signal.slot) <= 0;
}

/* One run of the rules for the set in force; true if another set came into force by it. */
static bool run_set(const struct notch_consensus *core, struct notch__onchain *out, const struct notch__onchain *parent,
                    struct notch__block *block, const struct gathered *all, struct notch__link *links)
{
    size_t count = 0;
    for (uint32_t i = 0; i < all->count; i++) {
        const struct notch__tally *tally = all->items[i];
        if (tally->data.set_id == out->set->set.id && notch_slot_cmp(tally->data.slot, parent->floor) > 0 &&
            is_counted(core, out, block, &tally->data)) {
            links[count++] = (struct notch__link){&tally->data, &tally->bits};
        }
    }
    struct notch__checkpoints justified;
    notch__checkpoints_init(&justified, core->options.alloc);
    notch__checkpoints_add(&justified, &out->root);
    notch__checkpoints_add(&justified, &out->finalized);
    notch__checkpoints_add(&justified, &out->justified);
    struct notch__checkpoint final = out->finalized;
    notch__ffg_run(&justified, &final, &out->set->set, links, count);
    out->justified = justified.items[justified.count - 1];
    notch__checkpoints_fini(&justified);
    if (notch__checkpoint_cmp(&final, &out->finalized) <= 0) {
        return false;
    }
    out->finalized = final;
    struct notch__trail_item item;
    bool is_there = notch__tree_on_chain(&core->tree, &item, block, &final.at.hash);
    notch_assert(is_there);
    out->finalized_height = item.height;
    if (out->next == NULL || !notch_hash_eq(&final.at.hash, &out->signal.hash)) {
        return false;
    }
    /* The signal block is final: the next set is in force, and begins at it. */
    out->previous = out->set;
    out->set = out->next;
    out->next = NULL;
    out->root = (struct notch__checkpoint){out->set->set.id, out->signal};
    out->justified = out->root;
    out->finalized = out->root;
    out->mix = out->set->seed;
    out->is_handed_over = false;
    return true;
}

void notch__onchain_run(const struct notch_consensus *core, struct notch__onchain *out, struct notch__block *block)
{
    const struct notch__onchain *parent = &block->parent->onchain;
    *out = *parent;
    if (block->tallies.count == 0) {
        return;
    }
    struct gathered all = {0};
    for (const struct notch__block *at = block; at != NULL; at = at->parent) {
        for (uint32_t i = 0; i < at->tallies.count; i++) {
            if (notch_slot_cmp(at->tallies.items[i].data.slot, parent->floor) > 0) {
                gather_one(core, &all, &at->tallies.items[i]);
            }
        }
        if (at->parent != NULL && notch_slot_cmp(at->header.slot, parent->floor) <= 0) {
            break;
        }
    }
    struct notch__link *links = notch_alloc_array(core->options.alloc, all.count + 1, sizeof *links);
    while (run_set(core, out, parent, block, &all, links)) {
    }
    notch_free(core->options.alloc, links, (all.count + 1) * sizeof *links);
    notch_free(core->options.alloc, all.items, all.cap * sizeof *all.items);
    struct notch_slot floor = notch__slot_back(out->finalized.at.slot, core->options.genesis->eta_slots);
    out->floor = notch_slot_cmp(floor, out->floor) > 0 ? floor : out->floor;
}

/* The rules of the signal block, and the set that it announces. */
static struct notch_reject check_signal(struct notch_consensus *core, struct notch__block *block)
{
    const struct notch_header *header = &block->header;
    /* A block that the next set leads already (8 L4) is judged by that set's own epoch. */
    bool leads_next = header->set_id != block->parent->onchain.set->set.id;
    const struct notch__onchain *at = leads_next ? &block->onchain : &block->parent->onchain;
    bool is_signal = notch__onchain_is_signal(at, core, header->slot);
    bool is_pending = at->next != NULL;
    if (((header->flags & NOTCH_HEADER_SIGNAL) != 0) != is_signal ||
        ((header->flags & NOTCH_HEADER_PENDING) != 0) != is_pending) {
        return NOTCH_REJECT(PARENT, "header flags");
    }
    if (!is_signal) {
        return NOTCH_VALID;
    }
    struct notch_member *members = notch_alloc_array(core->options.alloc, NOTCH_SET_MEMBERS_MAX, sizeof *members);
    uint64_t *reputations = notch_alloc_array(core->options.alloc, NOTCH_SET_MEMBERS_MAX, sizeof *reputations);
    uint32_t count;
    notch__fold_next(core, block->parent, at->set, members, reputations, &count);
    struct notch_set set;
    struct notch_reject reject = notch_set_make(&set, core->options.domain, header->set_id + 1, members, count);
    if (notch_is_valid(reject) && !notch_hash_eq(&set.root, &header->next_set_root)) {
        reject = NOTCH_REJECT(PARENT, "header next_set_root");
    }
    if (notch_is_valid(reject)) {
        block->onchain.next = notch__sets_add(core, set.id, members, reputations, count, &block->onchain.mix);
        block->onchain.signal = (struct notch_checkpoint){header->slot, block->hash};
    }
    notch_free(core->options.alloc, members, NOTCH_SET_MEMBERS_MAX * sizeof *members);
    notch_free(core->options.alloc, reputations, NOTCH_SET_MEMBERS_MAX * sizeof *reputations);
    return reject;
}

struct notch_reject notch__onchain_advance(struct notch_consensus *core, struct notch__block *block)
{
    const struct notch_header *header = &block->header;
    struct notch__onchain *out = &block->onchain;
    notch__onchain_run(core, out, block);
    const struct notch__set *before = block->parent->onchain.set;
    /* Led by the set of the parent, or by the next one if the block's own votes bring it into force (8 L4). */
    bool by_before = header->set_id == before->set.id && notch_hash_eq(&header->set_root, &before->set.root);
    bool by_next = out->set != before && header->set_id == out->set->set.id &&
                   notch_hash_eq(&header->set_root, &out->set->set.root);
    if (!by_before && !by_next) {
        return NOTCH_REJECT(PARENT, "header set_id");
    }
    bool is_turning = out->set != before;
    if (!is_turning || by_next) {
        notch__leader_mix(&out->mix, core->options.domain, &block->output);
    }
    struct notch_reject reject = check_signal(core, block);
    if (!notch_is_valid(reject)) {
        return reject;
    }
    if (header->n_batches > 0 || block->body.n_evidence > 0) {
        out->carrier = header->height;
    }
    if (!out->is_handed_over && header->set_id == out->set->set.id) {
        out->is_handed_over = true;
        out->handed_over = header->height;
    }
    return NOTCH_VALID;
}
