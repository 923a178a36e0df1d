#include "consensus/ffg.h"

uint64_t notch__bits_weight(const struct notch__bits *bits, const struct notch_set *set)
{
    uint64_t weight = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        weight += notch__bits_get(bits, i) ? set->members[i].weight : 0;
    }
    return weight;
}

void notch__checkpoints_init(struct notch__checkpoints *list, const struct notch_alloc *alloc)
{
    *list = (struct notch__checkpoints){.alloc = alloc};
}

void notch__checkpoints_fini(struct notch__checkpoints *list)
{
    notch_free(list->alloc, list->items, list->cap * sizeof *list->items);
    list->items = NULL;
    list->count = 0;
    list->cap = 0;
}

bool notch__checkpoints_has(const struct notch__checkpoints *list, const struct notch__checkpoint *checkpoint)
{
    for (uint32_t i = list->count; i > 0; i--) {
        if (notch__checkpoint_eq(&list->items[i - 1], checkpoint)) {
            return true;
        }
    }
    return false;
}

void notch__checkpoints_add(struct notch__checkpoints *list, const struct notch__checkpoint *checkpoint)
{
    if (notch__checkpoints_has(list, checkpoint)) {
        return;
    }
    if (list->count == list->cap) {
        uint32_t cap = list->cap > 0 ? 2 * list->cap : 8;
        list->items =
            notch_realloc(list->alloc, list->items, list->cap * sizeof *list->items, cap * sizeof *list->items);
        list->cap = cap;
    }
    uint32_t at = list->count++;
    for (; at > 0 && notch__checkpoint_cmp(&list->items[at - 1], checkpoint) > 0; at--) {
        list->items[at] = list->items[at - 1];
    }
    list->items[at] = *checkpoint;
}

void notch__checkpoints_prune(struct notch__checkpoints *list, struct notch_slot floor)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (notch_slot_cmp(list->items[i].at.slot, floor) >= 0) {
            list->items[kept++] = list->items[i];
        }
    }
    list->count = kept;
}

/* Votes by different sources for one target: each voter counts once. */
static void justify_target(struct notch__checkpoints *justified, const struct notch_set *set,
                           const struct notch__link *links, size_t count, const struct notch_hash *target)
{
    struct notch__bits bits = {0};
    for (size_t i = 0; i < count; i++) {
        const struct notch_vote_data *data = links[i].data;
        struct notch__checkpoint source = {set->id, data->source};
        if (notch_hash_eq(&data->target, target) && notch__checkpoints_has(justified, &source)) {
            notch__bits_or(&bits, links[i].bits);
        }
    }
    if (notch_set_is_quorum(set, notch__bits_weight(&bits, set))) {
        struct notch__checkpoint checkpoint = {set->id, {links[0].data->slot, *target}};
        notch__checkpoints_add(justified, &checkpoint);
    }
}

/* A source is older than its votes, so one pass in the order of slots finds everything. */
static void justify(struct notch__checkpoints *justified, const struct notch_set *set, const struct notch__link *links,
                    size_t count)
{
    for (size_t first = 0; first < count;) {
        size_t end = first + 1;
        while (end < count && notch_slot_cmp(links[first].data->slot, links[end].data->slot) == 0) {
            end++;
        }
        for (size_t i = first; i < end; i++) {
            bool is_seen = false;
            for (size_t j = first; j < i && !is_seen; j++) {
                is_seen = notch_hash_eq(&links[j].data->target, &links[i].data->target);
            }
            if (!is_seen) {
                justify_target(justified, set, links + first, end - first, &links[i].data->target);
            }
        }
        first = end;
    }
}

static bool is_final(const struct notch__checkpoint *checkpoint, const struct notch_set *set,
                     const struct notch__link *links, size_t count)
{
    struct notch__bits bits = {0};
    bool has_votes = false;
    for (size_t i = 0; i < count; i++) {
        const struct notch_vote_data *data = links[i].data;
        /* Raw: finality is about consecutive slots. */
        if (data->slot.raw == checkpoint->at.slot.raw + 1 &&
            notch_slot_cmp(data->source.slot, checkpoint->at.slot) == 0 &&
            notch_hash_eq(&data->source.hash, &checkpoint->at.hash)) {
            notch__bits_or(&bits, links[i].bits);
            has_votes = true;
        }
    }
    return has_votes && notch_set_is_quorum(set, notch__bits_weight(&bits, set));
}

void notch__ffg_run(struct notch__checkpoints *justified, struct notch__checkpoint *final, const struct notch_set *set,
                    const struct notch__link *links, size_t count)
{
    justify(justified, set, links, count);
    for (uint32_t i = justified->count; i > 0; i--) {
        const struct notch__checkpoint *checkpoint = &justified->items[i - 1];
        if (checkpoint->set_id != set->id) {
            continue;
        }
        if (notch__checkpoint_cmp(checkpoint, final) <= 0) {
            return;
        }
        if (is_final(checkpoint, set, links, count)) {
            *final = *checkpoint;
            return;
        }
    }
}
