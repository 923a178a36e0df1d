#include "consensus/parts.h"
#include "consensus/votelog.h"

/* ---- the view ---- */

static bool is_head_known(const struct notch_consensus *core, const struct notch_hash *head)
{
    struct notch__trail_item item;
    return notch__tree_find(&core->tree, head) != NULL ||
           notch__tree_on_chain(&core->tree, &item, core->tree.base, head);
}

void notch__view_freeze(struct notch_consensus *core)
{
    for (struct notch__block *block = core->tree.base; block != NULL; block = notch__tree_next(&core->tree, block)) {
        block->in_view = block->in_view || block->stage == NOTCH__STAGE_VALID;
    }
    for (uint32_t i = 0; i < core->votes.count; i++) {
        struct notch__bundle *bundle = core->votes.bundles[i];
        /* A vote enters with its head's header, or later through a leader's block (11.9). */
        if (notch_slot_cmp(bundle->data.slot, core->slot) <= 0 && is_head_known(core, &bundle->data.head)) {
            bundle->view = bundle->all;
        }
    }
}

void notch__view_merge(struct notch_consensus *core, struct notch__block *block)
{
    for (; block != NULL && !block->in_view; block = block->parent) {
        block->in_view = true;
        struct notch_vote vote;
        for (struct notch_votes_iter iter = notch_votes_iter(block->body.votes); notch_votes_next(&iter, &vote);) {
            struct notch__bundle *bundle =
                vote.validator != NOTCH_VOTE_SHADOW ? notch__votes_find(&core->votes, &vote.data) : NULL;
            if (bundle != NULL && notch__bits_get(&bundle->all, vote.validator)) {
                notch__bits_set(&bundle->view, vote.validator);
            }
        }
    }
}

/* ---- the clock (8 L10, 11.1) ---- */

void notch__report_slot(struct notch_consensus *core, const struct notch_key *key, struct notch_slot slot)
{
    struct notch__report *report = NULL;
    for (uint32_t i = 0; i < core->report_count && report == NULL; i++) {
        report = notch_key_eq(&core->reports[i].key, key) ? &core->reports[i] : NULL;
    }
    if (report == NULL) {
        if (core->report_count == NOTCH__REPORTS_MAX ||
            notch_set_index(&core->store->set, key) == NOTCH_SET_NO_MEMBER) {
            return;
        }
        report = &core->reports[core->report_count++];
    }
    *report = (struct notch__report){*key, slot, core->slot};
}

bool notch__is_clock_good(const struct notch_consensus *core)
{
    if (core->is_gate_open || core->options.clock_is_trusted) {
        return true;
    }
    uint64_t weight =
        core->options.signer != NULL ? notch_set_weight_of(&core->store->set, &core->options.signer->key) : 0;
    for (uint32_t i = 0; i < core->report_count; i++) {
        const struct notch__report *report = &core->reports[i];
        bool is_self = core->options.signer != NULL && notch_key_eq(&report->key, &core->options.signer->key);
        /* Raw: within two slots of ours. */
        uint64_t off = report->theirs.raw > report->ours.raw ? report->theirs.raw - report->ours.raw
                                                             : report->ours.raw - report->theirs.raw;
        weight += !is_self && off <= 2 ? notch_set_weight_of(&core->store->set, &report->key) : 0;
    }
    return notch_set_is_third(&core->store->set, weight);
}

/* ---- the vote of a slot ---- */

/* 8 S1, S3 and 11.8: whether a vote of this slot with this source contradicts nothing that was signed. */
static bool may_sign(const struct notch_consensus *core, const struct notch__checkpoint *source)
{
    const struct notch__signed *log = &core->signed_;
    if (log->is_lost && notch_slot_cmp(source->at.slot, log->lost_until) < 0) {
        return false;
    }
    if (!log->has_voted) {
        return true;
    }
    if (notch_slot_cmp(core->slot, log->vote_slot) <= 0) {
        return false;
    }
    bool is_newer_set = core->store->set.id > log->vote_set;
    bool is_same_set = core->store->set.id == log->vote_set;
    return is_newer_set || (is_same_set && notch_slot_cmp(source->at.slot, log->source_slot) >= 0);
}

/* The target: the head or what is confirmed of it, but nothing behind the signal block of the set (E3). */
static struct notch__block *target_of(struct notch_consensus *core, struct notch__block *head,
                                      const struct notch__checkpoint *source)
{
    struct notch__block *target = head;
    if (core->options.genesis->target == NOTCH_TARGET_CONFIRMED) {
        target = notch__fork_confirmed(core, head, source, core->slot, NOTCH__SIGHT_VIEW);
    }
    const struct notch__onchain *at = &target->onchain;
    if (at->set == core->store && at->next != NULL) {
        struct notch__block *signal = notch__tree_find(&core->tree, &at->signal.hash);
        target = signal != NULL ? signal : target;
    }
    return target;
}

/* Who we are in the store set: an index, NOTCH_VOTE_SHADOW for a candidate, or nobody. */
static bool find_voter(const struct notch_consensus *core, const struct notch__block *head, uint16_t *index)
{
    if (core->options.signer == NULL) {
        return false;
    }
    const struct notch_key *key = &core->options.signer->key;
    uint32_t found = notch_set_index(&core->store->set, key);
    if (found != NOTCH_SET_NO_MEMBER) {
        *index = (uint16_t)found;
        return true;
    }
    *index = NOTCH_VOTE_SHADOW;
    return notch__fold_is_candidate(core, head, key);
}

static void sign_vote(struct notch_consensus *core, const struct notch_vote_data *data, uint16_t index,
                      const struct notch__checkpoint *source)
{
    if (core->own_count == NOTCH__OWN_MAX) {
        /* The disk is many slots behind: more votes would only wait longer. */
        return;
    }
    struct notch__log_entry entry = {.kind = NOTCH__LOG_VOTE};
    if (!notch_vote_sign(&entry.vote, core->options.domain, core->options.crypto, core->options.signer, data, index)) {
        core->is_failed = true;
        return;
    }
    struct notch_buf *justification = notch__scratch(core);
    notch__certificate(core, justification, source, &core->signed_.durable, UINT32_MAX);
    entry.justification = notch_buf_bytes(justification);
    /* The scratch table may move: take the view of the first buffer before asking for the second. */
    struct notch_buf *bytes = notch__scratch(core);
    struct notch_writer writer = notch_writer_grow(bytes);
    notch__log_write(&writer, &entry);
    uint64_t token = core->next_token++;
    struct notch_consensus_effect *effect = notch__emit(core, NOTCH_CONSENSUS_PERSIST);
    effect->token = token;
    effect->persist.entry = notch_buf_bytes(bytes);
    effect->persist.head = data->head;
    struct notch__signed *log = &core->signed_;
    log->has_voted = true;
    log->is_lost = false;
    log->vote_set = data->set_id;
    log->vote_slot = data->slot;
    log->source_slot = data->source.slot;
    log->last = entry.vote;
    if (notch__checkpoint_cmp(source, &log->durable) > 0) {
        log->durable = *source;
    }
    core->own[core->own_count++] = (struct notch__own){token, entry.vote};
    struct notch_buf *vote = notch__scratch(core);
    writer = notch_writer_grow(vote);
    notch_votes_encode(&writer, &entry.vote, 1);
    notch__emit_send(core, NOTCH_CONSENSUS_WHAT_VOTES, notch_buf_bytes(vote), token, 0);
}

void notch__vote(struct notch_consensus *core)
{
    struct notch__block *leaders = notch__tree_find(&core->tree, &core->slot_block);
    bool is_here = leaders != NULL && leaders->stage == NOTCH__STAGE_VALID;
    /* Raw: without the leader's block the vote is due one DELTA into the slot. */
    if (core->has_voted || (!is_here && notch__slot_phase_ms(core) < core->options.genesis->delta_ms)) {
        return;
    }
    core->has_voted = true;
    if (is_here) {
        notch__view_merge(core, leaders);
    }
    if (core->is_failed || core->is_stopped || notch_slot_cmp(core->slot, core->options.genesis->slot0) <= 0) {
        return;
    }
    struct notch__checkpoint source = notch__view_justified(core, core->slot);
    struct notch__block *head = notch__fork_head(core, &source, core->slot, NOTCH__SIGHT_VIEW);
    uint16_t index;
    /* A chain whose head is final rests (9). */
    bool is_resting = !is_here && head == core->tree.base;
    if (is_resting || !find_voter(core, head, &index) || !may_sign(core, &source) || !notch__is_clock_good(core)) {
        return;
    }
    core->is_gate_open = true;
    struct notch__block *target = target_of(core, head, &source);
    struct notch_vote_data data = {.set_id = core->store->set.id,
                                   .slot = core->slot,
                                   .source = source.at,
                                   .target = target->hash,
                                   .head = head->hash};
    memcpy(data.set_root8, core->store->set.root.raw, sizeof data.set_root8);
    sign_vote(core, &data, index, &source);
}

void notch__vote_durable(struct notch_consensus *core, uint64_t token)
{
    /* Raw: the bytes are what is compared, copied or hashed. */
    for (uint32_t i = 0; i < core->own_count; i++) {
        if (core->own[i].token != token) {
            continue;
        }
        struct notch_vote vote = core->own[i].vote;
        core->own_count--;
        memmove(&core->own[i], &core->own[i + 1], (core->own_count - i) * sizeof *core->own);
        for (const struct notch__set *set = core->sets; set != NULL; set = set->next_known) {
            if (set->set.id == vote.data.set_id &&
                memcmp(set->set.root.raw, vote.data.set_root8, sizeof vote.data.set_root8) == 0) {
                notch__vote_take(core, &vote, set, NOTCH__FROM_BODY, 0);
                return;
            }
        }
        return;
    }
}

/* ---- the vote log ---- */

/* A vote that was checked before it was written down. */
void notch__vote_take_known(struct notch_consensus *core, const struct notch_vote *vote)
{
    /* Raw: the bytes are what is compared, copied or hashed. */
    for (const struct notch__set *set = core->sets; set != NULL; set = set->next_known) {
        bool is_of = set->set.id == vote->data.set_id &&
                     memcmp(set->set.root.raw, vote->data.set_root8, sizeof vote->data.set_root8) == 0;
        bool is_known = vote->validator != NOTCH_VOTE_SHADOW && vote->validator < set->set.count;
        if (is_of && is_known && notch_slot_cmp(vote->data.slot, core->tree.base->onchain.floor) > 0) {
            notch__vote_take(core, vote, set, NOTCH__FROM_BODY, 0);
            return;
        }
    }
}

/* 8 S3, 11.8: nothing is signed that could contradict what is forgotten. */
static void lose_log(struct notch_consensus *core, struct notch_slot until)
{
    notch_assert(core->store != NULL);
    core->signed_ = (struct notch__signed){.has_voted = true,
                                           .is_lost = true,
                                           .lost_until = until,
                                           .vote_set = core->store->set.id,
                                           .vote_slot = until,
                                           .source_slot = until,
                                           .prop_slot = until};
}

static uint64_t write_log(struct notch_consensus *core, const struct notch__log_entry *entry)
{
    struct notch_buf *bytes = notch__scratch(core);
    struct notch_writer writer = notch_writer_grow(bytes);
    notch__log_write(&writer, entry);
    struct notch_bytes written = notch_buf_bytes(bytes);
    struct notch_consensus_effect *effect = notch__emit(core, NOTCH_CONSENSUS_PERSIST);
    effect->token = core->next_token++;
    effect->persist.entry = written;
    effect->persist.head = core->tree.base->hash;
    return effect->token;
}

static void load_entry(struct notch_consensus *core, const struct notch__log_entry *entry)
{
    struct notch__signed *log = &core->signed_;
    switch (entry->kind) {
    case NOTCH__LOG_PROPOSAL:
        log->prop_slot = entry->slot;
        return;
    case NOTCH__LOG_RESET:
        log->is_lost = false;
        log->vote_slot = entry->slot;
        log->source_slot = (struct notch_slot){0};
        return;
    case NOTCH__LOG_LOST:
        lose_log(core, entry->slot);
        return;
    case NOTCH__LOG_VOTE:
        break;
    }
    log->has_voted = true;
    log->is_lost = false;
    log->vote_set = entry->vote.data.set_id;
    log->vote_slot = entry->slot;
    log->source_slot = entry->vote.data.source.slot;
    log->last = entry->vote;
    struct notch__checkpoint source = {entry->vote.data.set_id, entry->vote.data.source};
    if (notch__checkpoint_cmp(&source, &log->durable) > 0) {
        log->durable = source;
    }
    struct notch_vote vote;
    for (struct notch_votes_iter iter = notch_votes_iter(entry->justification); notch_votes_next(&iter, &vote);) {
        notch__vote_take_known(core, &vote);
    }
    notch__vote_take_known(core, &entry->vote);
}

void notch__log_load(struct notch_consensus *core)
{
    /* Votes may bring a set into force whose votes come later in the log: again, until the set stays. */
    const struct notch__set *before = NULL;
    while (before != core->store) {
        before = core->store;
        for (uint32_t i = 0; i < core->log_count; i++) {
            struct notch__log_entry entry;
            struct notch_reject reject = notch__log_read(&entry, notch_buf_bytes(&core->log_copy[i]));
            if (!notch_is_valid(reject)) {
                core->is_log_lost = true;
                break;
            }
            load_entry(core, &entry);
        }
        notch__evaluate(core);
    }
    for (uint32_t i = 0; i < core->log_count; i++) {
        notch_buf_fini(&core->log_copy[i]);
    }
    notch_free(core->options.alloc, core->log_copy, core->log_count * sizeof *core->log_copy);
    core->log_copy = NULL;
    core->log_count = 0;
    if (core->is_log_lost) {
        /* Raw: two slots ahead of now, no vote of ours can be out there. Written down, or a second restart forgets
         * it. */
        struct notch__log_entry entry = {.kind = NOTCH__LOG_LOST, .slot = {core->slot.raw + 2}};
        lose_log(core, entry.slot);
        (void)write_log(core, &entry);
    }
    if (core->signed_.is_lost) {
        notch__emit_alarm(core, NOTCH_CONSENSUS_ALARM_VOTE_LOST,
                          "the vote log was lost: not voting before the others have moved on, or vote-reset",
                          notch_bytes(NULL, 0));
        return;
    }
    bool has_last = core->signed_.has_voted && !notch_hash_is_zero(&core->signed_.last.data.head);
    if (has_last && core->options.signer != NULL) {
        /* Sent again, never signed again. */
        struct notch_buf *bytes = notch__scratch(core);
        struct notch_writer writer = notch_writer_grow(bytes);
        notch_votes_encode(&writer, &core->signed_.last, 1);
        notch__emit_send(core, NOTCH_CONSENSUS_WHAT_VOTES, notch_buf_bytes(bytes), 0, 0);
    }
}

void notch__log_reset(struct notch_consensus *core)
{
    if (!core->signed_.is_lost) {
        return;
    }
    struct notch__log_entry entry = {.kind = NOTCH__LOG_RESET, .slot = core->slot};
    (void)write_log(core, &entry);
    core->signed_.is_lost = false;
    core->signed_.vote_slot = core->slot;
    core->signed_.source_slot = (struct notch_slot){0};
}
