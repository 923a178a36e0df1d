#include "consensus/parts.h"

/* 1.12: how far finality may lag behind the head, in slots, before a node says so. */
#define PARTITION_LAG 8
#define SUSPECT_SLOTS 3

void notch_consensus_status(const struct notch_consensus *core, struct notch_consensus_status *out)
{
    *out = (struct notch_consensus_status){0};
    if (core->tree.base == NULL || core->head == NULL) {
        return;
    }
    const struct notch__block *base = core->tree.base;
    const struct notch__block *head = core->head;
    out->slot = core->slot;
    out->head = head->hash;
    out->head_height = head->header.height;
    out->head_slot = head->header.slot;
    out->confirmed = core->confirmed;
    out->confirmed_height = core->confirmed_height;
    if (notch_height_cmp(out->confirmed_height, base->header.height) < 0) {
        out->confirmed = base->hash;
        out->confirmed_height = base->header.height;
    }
    out->justified = core->greatest.at;
    out->finalized = core->final.at;
    out->finalized_height = base->header.height;
    out->set = core->store->set;
    out->set_root = (struct notch_checkpoint){base->onchain.root.at.slot, base->onchain.root.at.hash};
    out->participation = core->participation;
    out->is_member = core->options.signer != NULL &&
                     notch_set_index(&core->store->set, &core->options.signer->key) != NOTCH_SET_NO_MEMBER;
    out->is_voting = out->is_member && core->is_running && !core->is_failed && !core->is_stopped &&
                     !core->signed_.is_lost && notch__is_clock_good(core);
    out->is_quiet = core->pending == 0 && core->evidence_count == 0 && head == base && !notch__is_awake(core, head);
    /* Raw: a lag in slots. */
    bool is_lagging = head != base && core->slot.raw > core->final.at.slot.raw + PARTITION_LAG;
    out->is_partitioned = is_lagging || core->missed >= SUSPECT_SLOTS;
    out->blocks = core->tree.count;
    out->votes = core->votes.held;
}

bool notch_consensus_member(const struct notch_consensus *core, uint32_t index, struct notch_consensus_member *out)
{
    if (core->store == NULL || index >= core->store->set.count) {
        return false;
    }
    const struct notch_member *member = &core->store->set.members[index];
    *out = (struct notch_consensus_member){
        .key = member->key, .weight = member->weight, .reputation = core->store->reputations[index]};
    for (uint32_t i = core->votes.count; i > 0; i--) {
        const struct notch__bundle *bundle = core->votes.bundles[i - 1];
        uint32_t at = notch_set_index(&bundle->set->set, &member->key);
        if (at != NOTCH_SET_NO_MEMBER && notch__bits_get(&bundle->all, at)) {
            out->last_vote = bundle->data.slot;
            break;
        }
    }
    return true;
}

const struct notch_header *notch_consensus_header(const struct notch_consensus *core, const struct notch_hash *hash)
{
    const struct notch__block *block = notch__tree_find(&core->tree, hash);
    return block != NULL ? &block->header : NULL;
}
