#include "consensus/parts.h"

void notch__evidence_fini(struct notch_consensus *core)
{
    for (uint32_t i = 0; i < core->evidence_count; i++) {
        notch_buf_fini(&core->evidence[i].bytes);
    }
    notch_free(core->options.alloc, core->evidence, core->options.limits.evidence * sizeof *core->evidence);
}

/* Adds to the pool; true if it was not there. A full pool refuses: what is in it has to get onto the chain first. */
static bool pool_add(struct notch_consensus *core, struct notch_bytes bytes)
{
    struct notch_hash id;
    notch_evidence_id(&id, core->options.domain, bytes);
    for (uint32_t i = 0; i < core->evidence_count; i++) {
        if (notch_hash_eq(&core->evidence[i].id, &id)) {
            return false;
        }
    }
    if (core->evidence_count == core->options.limits.evidence) {
        return false;
    }
    struct notch__evidence_item *item = &core->evidence[core->evidence_count++];
    item->id = id;
    notch_buf_init(&item->bytes, core->options.alloc);
    notch_buf_append(&item->bytes, bytes.data, bytes.len);
    return true;
}

static void publish(struct notch_consensus *core, struct notch_bytes bytes)
{
    if (pool_add(core, bytes)) {
        notch__emit_alarm(core, NOTCH_CONSENSUS_ALARM_EVIDENCE, "a validator broke the rules", bytes);
        notch__emit_send(core, NOTCH_CONSENSUS_WHAT_EVIDENCE, bytes, 0, 0);
    }
}

static void publish_votes(struct notch_consensus *core, enum notch_evidence_kind kind, const struct notch_vote *a,
                          const struct notch_vote *b)
{
    uint8_t bytes[1024];
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    notch_evidence_from_votes(&writer, kind, &a->key, a, b);
    notch_assert(notch_writer_ok(&writer));
    publish(core, notch_writer_bytes(&writer));
}

/* E3: the target lies behind the signal block of the vote's set. */
static void check_beyond(struct notch_consensus *core, const struct notch_vote *vote)
{
    const struct notch__block *target = notch__tree_find(&core->tree, &vote->data.target);
    if (target == NULL || target == core->tree.base) {
        return;
    }
    bool is_behind = target->header.set_id > vote->data.set_id ||
                     (target->header.set_id == vote->data.set_id && (target->header.flags & NOTCH_HEADER_PENDING) != 0);
    if (!is_behind) {
        return;
    }
    uint8_t bytes[1024];
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    notch_evidence_from_target(&writer, &vote->key, vote, &target->header);
    notch_assert(notch_writer_ok(&writer));
    publish(core, notch_writer_bytes(&writer));
}

void notch__slash_vote(struct notch_consensus *core, const struct notch_vote *vote, const struct notch__set *set)
{
    struct notch_vote full = *vote;
    full.key = set->set.members[vote->validator].key;
    const struct notch__bundle *other =
        notch__votes_other(&core->votes, set, vote->validator, vote->data.slot, &vote->data);
    if (other != NULL) {
        uint32_t index = notch_set_index(&other->set->set, &full.key);
        struct notch_vote before = notch__bundle_vote(other, index);
        publish_votes(core, NOTCH_EVIDENCE_EQUIVOCATION, &before, &full);
    }
    for (uint32_t i = 0; i < core->votes.count; i++) {
        const struct notch__bundle *bundle = core->votes.bundles[i];
        if (notch__set_is_same(bundle->set, set) && notch__bits_get(&bundle->all, vote->validator) &&
            notch_evidence_is_regress(&bundle->data, &vote->data)) {
            struct notch_vote before = notch__bundle_vote(bundle, vote->validator);
            publish_votes(core, NOTCH_EVIDENCE_REGRESS, &before, &full);
            break;
        }
    }
    check_beyond(core, &full);
}

void notch__slash_header(struct notch_consensus *core, const struct notch__block *block)
{
    for (struct notch__block *at = core->tree.base; at != NULL; at = notch__tree_next(&core->tree, at)) {
        if (at == block || at == core->tree.base || notch_slot_cmp(at->header.slot, block->header.slot) != 0 ||
            at->header.set_id != block->header.set_id || !notch_key_eq(&at->proposer, &block->proposer)) {
            continue;
        }
        uint8_t bytes[2 * NOTCH_HEADER_LEN + 64];
        struct notch_writer writer = notch_writer(bytes, sizeof bytes);
        notch_evidence_from_headers(&writer, &block->proposer, &at->header, &block->header);
        notch_assert(notch_writer_ok(&writer));
        publish(core, notch_writer_bytes(&writer));
        return;
    }
}

void notch__evidence_event(struct notch_consensus *core, struct notch_bytes bytes, uint64_t peer)
{
    struct notch_evidence evidence;
    struct notch_reject reject = notch_evidence_check(&evidence, core->options.domain, core->options.crypto, bytes);
    if (!notch_is_valid(reject)) {
        notch__emit_score(core, peer, reject);
        return;
    }
    struct notch_hash id;
    notch_evidence_id(&id, core->options.domain, bytes);
    bool is_of_interest = notch__accounts_find(&core->accounts, &evidence.offender) != NULL &&
                          !notch__evidence_on_chain(core, core->head, &id);
    if (is_of_interest) {
        publish(core, bytes);
    }
}

bool notch__evidence_on_chain(const struct notch_consensus *core, const struct notch__block *block,
                              const struct notch_hash *id)
{
    for (; block->parent != NULL; block = block->parent) {
        for (uint32_t i = 0; i < block->body.n_evidence; i++) {
            struct notch_hash other;
            notch_evidence_id(&other, core->options.domain, notch_body_evidence(&block->body, i));
            if (notch_hash_eq(&other, id)) {
                return true;
            }
        }
    }
    return false;
}

void notch__evidence_included(struct notch_consensus *core, const struct notch__block *block)
{
    for (uint32_t i = 0; i < block->body.n_evidence; i++) {
        struct notch_hash id;
        notch_evidence_id(&id, core->options.domain, notch_body_evidence(&block->body, i));
        for (uint32_t k = 0; k < core->evidence_count; k++) {
            if (notch_hash_eq(&core->evidence[k].id, &id)) {
                notch_buf_fini(&core->evidence[k].bytes);
                core->evidence[k] = core->evidence[--core->evidence_count];
                break;
            }
        }
    }
}
