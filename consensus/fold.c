#include "consensus/parts.h"

static void free_set(const struct notch_consensus *core, struct notch__set *set)
{
    notch_free(core->options.alloc, set->members, set->set.count * sizeof *set->members);
    notch_free(core->options.alloc, set->reputations, set->set.count * sizeof *set->reputations);
    notch_free(core->options.alloc, set, sizeof *set);
}

const struct notch__set *notch__sets_add(struct notch_consensus *core, uint32_t id, const struct notch_member *members,
                                         const uint64_t *reputations, uint32_t count, const struct notch_hash *seed)
{
    const struct notch_alloc *alloc = core->options.alloc;
    struct notch__set *set = notch_alloc(alloc, sizeof *set);
    set->members = notch_alloc_array(alloc, count, sizeof *set->members);
    set->reputations = notch_alloc_array(alloc, count, sizeof *set->reputations);
    memcpy(set->members, members, count * sizeof *members);
    memcpy(set->reputations, reputations, count * sizeof *reputations);
    set->seed = *seed;
    struct notch_reject reject = notch_set_make(&set->set, core->options.domain, id, set->members, count);
    notch_assert(notch_is_valid(reject));
    /* Two signal blocks may announce the same members with different seeds: two entries then. */
    for (struct notch__set *known = core->sets; known != NULL; known = known->next_known) {
        if (known->set.id == id && notch_hash_eq(&known->set.root, &set->set.root) &&
            notch_hash_eq(&known->seed, seed)) {
            free_set(core, set);
            return known;
        }
    }
    set->next_known = core->sets;
    core->sets = set;
    return set;
}

static bool is_set_used(const struct notch_consensus *core, const struct notch__set *set)
{
    if (core->store == set) {
        return true;
    }
    for (struct notch__block *block = core->tree.base; block != NULL; block = notch__tree_next(&core->tree, block)) {
        const struct notch__onchain *at = &block->onchain;
        if (at->set == set || at->next == set || at->previous == set) {
            return true;
        }
    }
    for (uint32_t i = 0; i < core->votes.count; i++) {
        if (core->votes.bundles[i]->set == set) {
            return true;
        }
    }
    return core->proposal.set == set;
}

void notch__sets_prune(struct notch_consensus *core)
{
    struct notch__set **link = &core->sets;
    while (*link != NULL) {
        struct notch__set *set = *link;
        if (is_set_used(core, set)) {
            link = &set->next_known;
        } else {
            *link = set->next_known;
            free_set(core, set);
        }
    }
}

/* Whether a vote in `block` was a good one: in time, and for what became part of this chain (1.8). */
static bool is_good_vote(const struct notch_consensus *core, struct notch__block *block, const struct notch_vote *vote)
{
    /* Raw: four slots, or the first block that could carry it: quiet slots are not held against the voter (9). */
    bool in_time = block->header.slot.raw - vote->data.slot.raw <= 4 ||
                   notch_slot_cmp(block->parent->header.slot, vote->data.slot) <= 0;
    struct notch__trail_item target;
    struct notch__trail_item head;
    if (!in_time || !notch__tree_on_chain(&core->tree, &target, block, &vote->data.target) ||
        !notch__tree_on_chain(&core->tree, &head, block, &vote->data.head)) {
        return false;
    }
    uint64_t oldest = block->parent->onchain.finalized_height.raw;
    uint64_t eta = core->options.genesis->eta_slots;
    return target.height.raw + eta >= oldest && head.height.raw + eta >= oldest;
}

static void fold_votes(const struct notch_consensus *core, struct notch__accounts *accounts, struct notch__block *block)
{
    struct notch_votes_iter iter = notch_votes_iter(block->body.votes);
    struct notch_vote vote;
    while (notch_votes_next(&iter, &vote)) {
        const struct notch__set *set = notch__onchain_set(&block->parent->onchain, vote.data.set_id);
        notch_assert(set != NULL);
        bool is_member = vote.validator != NOTCH_VOTE_SHADOW;
        const struct notch_key *key = is_member ? &set->set.members[vote.validator].key : &vote.key;
        bool is_new;
        notch__accounts_vote(accounts, &is_new, key, vote.data.slot, is_member, is_good_vote(core, block, &vote));
        if (is_new) {
            uint32_t leader = notch__leader_index(&set->set, core->options.domain, &set->seed, vote.data.slot);
            notch__accounts_led(accounts, &set->set.members[leader].key);
        }
    }
}

/* The accounts after `block`, from those before it. */
static void fold_block(struct notch_consensus *core, struct notch__accounts *accounts, struct notch__block *block)
{
    if ((block->header.flags & NOTCH_HEADER_SIGNAL) != 0) {
        const struct notch_alloc *alloc = core->options.alloc;
        struct notch_member *members = notch_alloc_array(alloc, NOTCH_SET_MEMBERS_MAX, sizeof *members);
        uint64_t *reputations = notch_alloc_array(alloc, NOTCH_SET_MEMBERS_MAX, sizeof *reputations);
        uint32_t count;
        notch__accounts_turn(accounts, members, reputations, &count, &block->onchain.set->set);
        notch_free(alloc, members, NOTCH_SET_MEMBERS_MAX * sizeof *members);
        notch_free(alloc, reputations, NOTCH_SET_MEMBERS_MAX * sizeof *reputations);
    }
    fold_votes(core, accounts, block);
    notch__accounts_produced(accounts, &block->proposer);
    for (uint32_t i = 0; i < block->body.n_evidence; i++) {
        struct notch_evidence evidence;
        struct notch_reject reject = notch_evidence_check(&evidence, core->options.domain, core->options.crypto,
                                                          notch_body_evidence(&block->body, i));
        notch_assert(notch_is_valid(reject));
        notch__accounts_punish(accounts, &evidence, block->header.set_id);
    }
    for (uint32_t i = 0; i < block->change_count; i++) {
        switch (block->changes[i].kind) {
        case NOTCH_MEMBERSHIP_JOIN:
            notch__accounts_join(accounts, &block->changes[i].key);
            break;
        case NOTCH_MEMBERSHIP_LEAVE:
            notch__accounts_leave(accounts, &block->changes[i].key);
            break;
        }
    }
}

/* Folds everything above the base up to `block`. Raw: heights are counted. */
static void fold_up_to(struct notch_consensus *core, struct notch__accounts *accounts, struct notch__block *block)
{
    for (uint64_t height = core->tree.base->header.height.raw + 1; height <= block->header.height.raw; height++) {
        fold_block(core, accounts, notch__tree_ancestor(block, (struct notch_height){height}));
    }
}

void notch__fold_next(struct notch_consensus *core, struct notch__block *parent, const struct notch__set *set,
                      struct notch_member *members, uint64_t *reputations, uint32_t *count)
{
    struct notch__accounts copy;
    notch__accounts_init(&copy, core->options.alloc, core->options.genesis->epoch_slots);
    notch__accounts_copy(&copy, &core->accounts);
    fold_up_to(core, &copy, parent);
    notch__accounts_turn(&copy, members, reputations, count, &set->set);
    notch__accounts_fini(&copy);
}

bool notch__fold_is_change_due(const struct notch_consensus *core, const struct notch__block *block)
{
    for (; block->parent != NULL; block = block->parent) {
        if (block->change_count > 0) {
            return true;
        }
    }
    return notch__accounts_has_due_change(&core->accounts);
}

bool notch__fold_is_candidate(const struct notch_consensus *core, const struct notch__block *block,
                              const struct notch_key *key)
{
    for (; block->parent != NULL; block = block->parent) {
        for (uint32_t i = block->change_count; i > 0; i--) {
            if (notch_key_eq(&block->changes[i - 1].key, key)) {
                return block->changes[i - 1].kind == NOTCH_MEMBERSHIP_JOIN;
            }
        }
    }
    const struct notch__account *account = notch__accounts_find(&core->accounts, key);
    return account != NULL && (account->flags & NOTCH__ACCOUNT_CANDIDATE) != 0;
}

/* The tallies that remain of the chain up to `block`, for a base. */
static void collect_tallies(const struct notch_consensus *core, struct notch__tallies *out,
                            const struct notch__block *block)
{
    notch__tallies_init(out, core->options.alloc);
    struct notch_slot floor = block->onchain.floor;
    for (const struct notch__block *at = block; at != NULL; at = at->parent) {
        for (uint32_t i = 0; i < at->tallies.count; i++) {
            const struct notch__tally *tally = &at->tallies.items[i];
            if (notch_slot_cmp(tally->data.slot, floor) > 0 && notch__tallies_find(out, &tally->data) == NULL) {
                (void)notch__tallies_add(out, tally);
            }
        }
    }
}

/*
 * Takes back what was asked for a block that goes before anybody heard of it: the votes that made it valid may make
 * another branch final in the same event, and the effect points into the block.
 */
static void cancel(struct notch_consensus *core, const struct notch_hash *hash)
{
    uint32_t kept = core->effect_at;
    for (uint32_t i = core->effect_at; i < core->effect_count; i++) {
        const struct notch_consensus_effect *effect = &core->effects[i];
        bool is_execute = effect->type == NOTCH_CONSENSUS_EXECUTE && notch_hash_eq(&effect->execute.hash, hash);
        bool is_fetch = effect->type == NOTCH_CONSENSUS_FETCH && notch_hash_eq(&effect->fetch.hash, hash);
        if (!is_execute && !is_fetch) {
            core->effects[kept++] = core->effects[i];
        }
    }
    core->effect_count = kept;
}

static void on_drop(void *arg, struct notch__block *block)
{
    struct notch_consensus *core = arg;
    if (block == core->tree.base) {
        return;
    }
    if (block == core->head) {
        core->head = NULL;
    }
    cancel(core, &block->hash);
    struct notch_consensus_effect *effect = notch__emit(core, NOTCH_CONSENSUS_DROPPED);
    effect->dropped.hash = block->hash;
}

void notch__fold_rebase(struct notch_consensus *core, struct notch__block *block)
{
    /* Raw: slots, heights and milliseconds are counted. */
    struct notch__block *old = core->tree.base;
    for (uint64_t height = old->header.height.raw + 1; height <= block->header.height.raw; height++) {
        struct notch__block *at = notch__tree_ancestor(block, (struct notch_height){height});
        fold_block(core, &core->accounts, at);
        notch__evidence_included(core, at);
    }
    struct notch__tallies tallies;
    collect_tallies(core, &tallies, block);
    struct notch_height floor = {block->onchain.finalized_height.raw > core->options.genesis->eta_slots
                                     ? block->onchain.finalized_height.raw - core->options.genesis->eta_slots
                                     : 0};
    if (core->head != NULL && !notch__tree_is_ancestor(block, core->head)) {
        core->head = NULL;
    }
    notch__tree_rebase(&core->tree, block, floor, on_drop, core);
    notch__tallies_fini(&block->tallies);
    block->tallies = tallies;
    block->in_view = true;
    notch__votes_prune(&core->votes, block->onchain.floor);
    for (uint32_t i = 0; i < core->votes.count; i++) {
        core->votes.bundles[i]->fit = NOTCH__FIT_UNKNOWN;
    }
    notch__checkpoints_prune(&core->justified, block->onchain.floor);
}
