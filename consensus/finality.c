#include "consensus/parts.h"

/* Whether source and target of a bundle are in the tree, in order, and within the set of the vote (8 S5). */
static enum notch__fit fit_of(const struct notch_consensus *core, const struct notch_vote_data *data)
{
    struct notch__block *target = notch__tree_find(&core->tree, &data->target);
    if (notch_slot_cmp(data->source.slot, data->slot) >= 0) {
        return NOTCH__FIT_INVALID;
    }
    struct notch__trail_item item;
    if (target == NULL) {
        /* Below the base both are final already: such votes can still show that a checkpoint is justified. */
        bool is_old = notch__tree_on_chain(&core->tree, &item, core->tree.base, &data->target) &&
                      notch__tree_on_chain(&core->tree, &item, core->tree.base, &data->source.hash);
        return is_old ? NOTCH__FIT_VALID : NOTCH__FIT_UNKNOWN;
    }
    if (notch_slot_cmp(target->header.slot, data->slot) > 0 || target->stage == NOTCH__STAGE_INVALID) {
        return NOTCH__FIT_INVALID;
    }
    bool is_behind_signal =
        target->header.set_id > data->set_id ||
        (target->header.set_id == data->set_id && (target->header.flags & NOTCH_HEADER_PENDING) != 0);
    if (is_behind_signal) {
        return NOTCH__FIT_INVALID;
    }
    if (notch__tree_on_chain(&core->tree, &item, target, &data->source.hash)) {
        return NOTCH__FIT_VALID;
    }
    return notch__tree_find(&core->tree, &data->source.hash) != NULL ? NOTCH__FIT_INVALID : NOTCH__FIT_UNKNOWN;
}

static bool is_fitting(const struct notch_consensus *core, struct notch__bundle *bundle)
{
    if (bundle->fit == NOTCH__FIT_UNKNOWN) {
        bundle->fit = fit_of(core, &bundle->data);
    }
    return bundle->fit == NOTCH__FIT_VALID;
}

/* The links of the store set of slots before `before`. The array is the caller's to free: votes.count + 1 items. */
static size_t collect_links(const struct notch_consensus *core, struct notch__link *links, struct notch_slot before,
                            enum notch__sight sight)
{
    size_t count = 0;
    for (uint32_t i = 0; i < core->votes.count; i++) {
        struct notch__bundle *bundle = core->votes.bundles[i];
        if (notch_slot_cmp(bundle->data.slot, before) >= 0) {
            break;
        }
        if (notch__set_is_same(bundle->set, core->store) && is_fitting(core, bundle)) {
            const struct notch__bits *bits = sight == NOTCH__SIGHT_ALL ? &bundle->all : &bundle->view;
            links[count++] = (struct notch__link){&bundle->data, bits};
        }
    }
    return count;
}

/* Two justified checkpoints of one slot need a third of the weight to have voted twice: nothing to vote for any
 * more. */
static bool has_conflict(const struct notch__checkpoints *list)
{
    for (uint32_t i = 1; i < list->count; i++) {
        if (notch__checkpoint_cmp(&list->items[i - 1], &list->items[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void stop(struct notch_consensus *core, const char *text)
{
    if (!core->is_stopped) {
        core->is_stopped = true;
        notch__emit_alarm(core, NOTCH_CONSENSUS_ALARM_CONFLICT, text, notch_bytes(NULL, 0));
    }
}

/* The votes that justify a checkpoint and those of the next slot that finalise it (8 S9): canonical, as one list. */
static void final_certificate(const struct notch_consensus *core, struct notch_buf *out,
                              const struct notch__checkpoint *checkpoint)
{
    struct notch_buf list;
    notch_buf_init(&list, core->options.alloc);
    size_t count = 0;
    for (uint32_t i = notch__votes_from(&core->votes, checkpoint->at.slot); i < core->votes.count; i++) {
        const struct notch__bundle *bundle = core->votes.bundles[i];
        /* Raw: the two slots of a final checkpoint are consecutive. */
        uint64_t behind = bundle->data.slot.raw - checkpoint->at.slot.raw;
        if (behind > 1) {
            break;
        }
        bool justifies = behind == 0 && notch_hash_eq(&bundle->data.target, &checkpoint->at.hash);
        bool finalises = behind == 1 && notch_slot_cmp(bundle->data.source.slot, checkpoint->at.slot) == 0 &&
                         notch_hash_eq(&bundle->data.source.hash, &checkpoint->at.hash);
        if (bundle->data.set_id != checkpoint->set_id || (!justifies && !finalises)) {
            continue;
        }
        for (uint32_t k = 0; k < bundle->count; k++, count++) {
            struct notch_vote vote = notch__bundle_vote(bundle, bundle->voters[k].validator);
            notch_buf_append(&list, &vote, sizeof vote);
        }
    }
    struct notch_writer writer = notch_writer_grow(out);
    notch_votes_encode(&writer, (const struct notch_vote *)(const void *)list.data, count);
    notch_buf_fini(&list);
}

static void emit_final(struct notch_consensus *core, const struct notch__block *block,
                       const struct notch__checkpoint *checkpoint)
{
    struct notch_buf *cert = notch__scratch(core);
    final_certificate(core, cert, checkpoint);
    struct notch_bytes cert_bytes = notch_buf_bytes(cert);
    struct notch_buf due;
    notch_buf_init(&due, core->options.alloc);
    notch__due_votes(core, &due, block);
    notch__fold_rebase(core, notch__tree_find(&core->tree, &block->hash));
    struct notch_buf *root = notch__scratch(core);
    notch__root_write(core, root, notch_buf_bytes(&due));
    notch_buf_fini(&due);
    struct notch_bytes root_bytes = notch_buf_bytes(root);
    struct notch_consensus_effect *effect = notch__emit(core, NOTCH_CONSENSUS_FINAL);
    effect->final.hash = block->hash;
    effect->final.height = block->header.height;
    effect->final.checkpoint = checkpoint->at;
    effect->final.cert = cert_bytes;
    effect->final.root = root_bytes;
}

/* A final signal block brings its set into force here (1.8). */
static bool change_set(struct notch_consensus *core, struct notch__block *block)
{
    bool is_signal = (block->header.flags & NOTCH_HEADER_SIGNAL) != 0 && block->header.set_id == core->store->set.id;
    if (!is_signal) {
        return false;
    }
    /* The chain itself may be further: then the set is the one in force on it. */
    const struct notch__set *next = notch__onchain_set(&block->onchain, core->store->set.id + 1);
    notch_assert(next != NULL);
    core->store = next;
    core->final = (struct notch__checkpoint){next->set.id, {block->header.slot, block->hash}};
    notch__checkpoints_add(&core->justified, &core->final);
    struct notch_consensus_effect *effect = notch__emit(core, NOTCH_CONSENSUS_SET_CHANGE);
    effect->set_change.set = next->set;
    effect->set_change.root = core->final.at;
    return true;
}

/* Takes `final` over if its block can be run; true if there may be more to find. */
static bool take_final(struct notch_consensus *core, const struct notch__checkpoint *final)
{
    struct notch__block *block = notch__tree_find(&core->tree, &final->at.hash);
    if (block == NULL) {
        struct notch__trail_item item;
        if (!notch__tree_on_chain(&core->tree, &item, core->tree.base, &final->at.hash)) {
            stop(core, "a block is final that conflicts with the final chain here");
        }
        return false;
    }
    if (block->stage != NOTCH__STAGE_VALID || !block->is_executed) {
        if (block->stage == NOTCH__STAGE_HEADER) {
            notch__emit_request(core, NOTCH_CONSENSUS_WHAT_BLOCK, &block->hash, 0);
        }
        return false;
    }
    core->final = *final;
    if (block != core->tree.base) {
        /* The set changes first, so that the root blob already says so. */
        struct notch__checkpoint cert = *final;
        bool is_changed = change_set(core, block);
        emit_final(core, block, &cert);
        notch__sets_prune(core);
        return is_changed;
    }
    return false;
}

static void raise_greatest(struct notch_consensus *core)
{
    if (core->justified.count == 0) {
        return;
    }
    const struct notch__checkpoint *greatest = &core->justified.items[core->justified.count - 1];
    if (notch__checkpoint_cmp(greatest, &core->greatest) > 0) {
        core->greatest = *greatest;
        const struct notch__block *block = notch__tree_find(&core->tree, &greatest->at.hash);
        struct notch_consensus_effect *effect = notch__emit(core, NOTCH_CONSENSUS_JUSTIFIED);
        effect->justified.checkpoint = greatest->at;
        effect->justified.height = block != NULL ? block->header.height : core->tree.base->header.height;
        if (block != NULL && block->stage == NOTCH__STAGE_HEADER) {
            notch__emit_request(core, NOTCH_CONSENSUS_WHAT_BLOCK, &greatest->at.hash, 0);
        }
    }
}

void notch__evaluate(struct notch_consensus *core)
{
    bool again = !core->is_stopped;
    while (again) {
        again = false;
        size_t room = core->votes.count + 1;
        struct notch__link *links = notch_alloc_array(core->options.alloc, room, sizeof *links);
        struct notch_slot before = {UINT64_MAX};
        size_t count = collect_links(core, links, before, NOTCH__SIGHT_ALL);
        struct notch__checkpoint final = core->final;
        notch__ffg_run(&core->justified, &final, &core->store->set, links, count);
        notch_free(core->options.alloc, links, room * sizeof *links);
        if (has_conflict(&core->justified)) {
            stop(core, "two checkpoints of one slot are justified");
            return;
        }
        if (notch__checkpoint_cmp(&final, &core->final) > 0) {
            raise_greatest(core); /* first, so that the root of what is final carries the votes for it */
            again = take_final(core, &final);
        }
    }
    raise_greatest(core);
}

struct notch__checkpoint notch__view_justified(struct notch_consensus *core, struct notch_slot slot)
{
    size_t room = core->votes.count + 1;
    struct notch__link *links = notch_alloc_array(core->options.alloc, room, sizeof *links);
    size_t count = collect_links(core, links, slot, NOTCH__SIGHT_VIEW);
    struct notch__checkpoints justified;
    notch__checkpoints_init(&justified, core->options.alloc);
    notch__checkpoints_add(&justified, &core->final);
    for (uint32_t i = 0; i < core->justified.count; i++) {
        if (notch__checkpoint_cmp(&core->justified.items[i], &core->final) <= 0) {
            notch__checkpoints_add(&justified, &core->justified.items[i]);
        }
    }
    struct notch__checkpoint final = core->final;
    notch__ffg_run(&justified, &final, &core->store->set, links, count);
    notch_free(core->options.alloc, links, room * sizeof *links);
    struct notch__checkpoint best = core->final;
    for (uint32_t i = justified.count; i > 0; i--) {
        const struct notch__block *block = notch__tree_find(&core->tree, &justified.items[i - 1].at.hash);
        if (block != NULL && block->stage == NOTCH__STAGE_VALID) {
            best = justified.items[i - 1];
            break;
        }
    }
    notch__checkpoints_fini(&justified);
    return notch__checkpoint_cmp(&best, &core->final) > 0 ? best : core->final;
}

void notch__closure_mark(struct notch_consensus *core, const struct notch__checkpoint *to,
                         const struct notch__checkpoint *known)
{
    /* From the youngest slot down: a source is older than its votes, so one pass closes under sources (11.10). */
    struct notch__checkpoints wanted;
    notch__checkpoints_init(&wanted, core->options.alloc);
    notch__checkpoints_add(&wanted, to);
    for (uint32_t i = core->votes.count; i > 0; i--) {
        struct notch__bundle *bundle = core->votes.bundles[i - 1];
        struct notch__checkpoint target = {bundle->data.set_id, {bundle->data.slot, bundle->data.target}};
        if (!notch__checkpoints_has(&wanted, &target) || !is_fitting(core, bundle)) {
            continue;
        }
        bundle->is_marked = true;
        struct notch__checkpoint source = {bundle->data.set_id, bundle->data.source};
        if (notch__checkpoint_cmp(&source, known) > 0 && notch__checkpoints_has(&core->justified, &source)) {
            notch__checkpoints_add(&wanted, &source);
        }
    }
    notch__checkpoints_fini(&wanted);
}

/* Appends the votes of the marked bundles, and takes the marks away. */
static void encode_marked(struct notch_consensus *core, struct notch_buf *out, size_t votes_max)
{
    struct notch_buf list;
    notch_buf_init(&list, core->options.alloc);
    size_t count = 0;
    for (uint32_t i = 0; i < core->votes.count; i++) {
        struct notch__bundle *bundle = core->votes.bundles[i];
        for (uint32_t k = 0; bundle->is_marked && k < bundle->count && count < votes_max; k++, count++) {
            struct notch_vote vote = notch__bundle_vote(bundle, bundle->voters[k].validator);
            notch_buf_append(&list, &vote, sizeof vote);
        }
        bundle->is_marked = false;
    }
    struct notch_writer writer = notch_writer_grow(out);
    notch_votes_encode(&writer, (const struct notch_vote *)(const void *)list.data, count);
    notch_buf_fini(&list);
}

void notch__certificate(struct notch_consensus *core, struct notch_buf *out, const struct notch__checkpoint *to,
                        const struct notch__checkpoint *known, size_t votes_max)
{
    if (notch__checkpoint_cmp(to, known) > 0) {
        notch__closure_mark(core, to, known);
    }
    encode_marked(core, out, votes_max);
}

void notch__due_votes(struct notch_consensus *core, struct notch_buf *out, const struct notch__block *parent)
{
    notch__due_mark(core, parent);
    encode_marked(core, out, SIZE_MAX);
}
