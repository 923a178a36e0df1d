#include "consensus/parts.h"

/* ---- time. Raw: slots and milliseconds are multiplied and divided. ---- */

static uint64_t slot_ms(const struct notch_consensus *core)
{
    return (uint64_t)4 * core->options.genesis->delta_ms;
}

struct notch_time notch__slot_start(const struct notch_consensus *core, struct notch_slot slot)
{
    /* Raw: slots, heights and milliseconds are counted. */
    const struct notch_genesis *genesis = core->options.genesis;
    uint64_t slots = slot.raw > genesis->slot0.raw ? slot.raw - genesis->slot0.raw : 0;
    uint64_t room = (UINT64_MAX - genesis->time0.raw) / slot_ms(core);
    slots = slots < room ? slots : room;
    return (struct notch_time){genesis->time0.raw + slots * slot_ms(core)};
}

struct notch_slot notch__slot_at(const struct notch_consensus *core, struct notch_time time)
{
    /* Raw: slots, heights and milliseconds are counted. */
    const struct notch_genesis *genesis = core->options.genesis;
    uint64_t since = time.raw > genesis->time0.raw ? time.raw - genesis->time0.raw : 0;
    return (struct notch_slot){genesis->slot0.raw + since / slot_ms(core)};
}

uint64_t notch__slot_phase_ms(const struct notch_consensus *core)
{
    /* Raw: slots, heights and milliseconds are counted. */
    struct notch_time start = notch__slot_start(core, core->slot);
    return core->now.raw > start.raw ? core->now.raw - start.raw : 0;
}

/* ---- life ---- */

static void default_u32(uint32_t *value, uint32_t otherwise)
{
    *value = *value != 0 ? *value : otherwise;
}

void notch_consensus_create(struct notch_consensus **out, const struct notch_consensus_options *options)
{
    notch_assert(options->genesis->member_count > 0);
    notch_assert(options->genesis->member_count <= NOTCH_SET_MEMBERS_MAX);
    struct notch_consensus *core = notch_alloc(options->alloc, sizeof *core);
    core->options = *options;
    struct notch_consensus_limits *limits = &core->options.limits;
    default_u32(&limits->blocks, 4096);
    default_u32(&limits->votes, 262144);
    default_u32(&limits->jobs, 1024);
    default_u32(&limits->evidence, 256);
    notch__tree_init(&core->tree, options->alloc, options->hash_key, limits->blocks);
    notch__votes_init(&core->votes, options->alloc, limits->votes);
    notch__accounts_init(&core->accounts, options->alloc, options->genesis->epoch_slots);
    notch__checkpoints_init(&core->justified, options->alloc);
    core->jobs = notch_alloc_array(options->alloc, limits->jobs, sizeof *core->jobs);
    core->orphans = notch_alloc_array(options->alloc, NOTCH__ORPHANS_MAX, sizeof *core->orphans);
    core->evidence = notch_alloc_array(options->alloc, limits->evidence, sizeof *core->evidence);
    core->reports = notch_alloc_array(options->alloc, NOTCH__REPORTS_MAX, sizeof *core->reports);
    core->next_token = 1;
    *out = core;
}

void notch_consensus_destroy(struct notch_consensus *core)
{
    if (core == NULL) {
        return;
    }
    const struct notch_alloc *alloc = core->options.alloc;
    notch__effects_reset(core);
    notch__tree_fini(&core->tree);
    notch__votes_fini(&core->votes);
    notch__accounts_fini(&core->accounts);
    notch__checkpoints_fini(&core->justified);
    notch__jobs_fini(core);
    notch__orphans_fini(core);
    notch__evidence_fini(core);
    core->store = NULL;
    core->proposal.set = NULL;
    while (core->sets != NULL) {
        struct notch__set *next = core->sets->next_known;
        notch_free(alloc, core->sets->members, core->sets->set.count * sizeof *core->sets->members);
        notch_free(alloc, core->sets->reputations, core->sets->set.count * sizeof *core->sets->reputations);
        notch_free(alloc, core->sets, sizeof *core->sets);
        core->sets = next;
    }
    for (uint32_t i = 0; i < core->log_count; i++) {
        notch_buf_fini(&core->log_copy[i]);
    }
    notch_free(alloc, core->log_copy, core->log_count * sizeof *core->log_copy);
    notch_free(alloc, core->reports, NOTCH__REPORTS_MAX * sizeof *core->reports);
    notch_free(alloc, core->effects, core->effect_cap * sizeof *core->effects);
    notch_free(alloc, core->scratch, core->scratch_cap * sizeof *core->scratch);
    notch_free(alloc, core, sizeof *core);
}

static void start(struct notch_consensus *core, const struct notch_consensus_event *event)
{
    notch_assert(core->tree.base == NULL);
    if (event->start.root.len == 0) {
        notch__root_genesis(core);
    } else if (!notch__root_read(core, event->start.root)) {
        notch_assert(core->tree.base == NULL);
        core->is_failed = true;
        notch__emit_alarm(core, NOTCH_CONSENSUS_ALARM_STATE, "the stored consensus root cannot be read",
                          notch_bytes(NULL, 0));
        return;
    }
    struct notch__block *base = core->tree.base;
    base->executed = event->start.executed;
    core->head = base;
    core->confirmed = base->hash;
    core->confirmed_height = base->header.height;
    core->log_count = (uint32_t)event->start.vote_log_count;
    core->is_log_lost = event->start.is_vote_log_lost;
    if (core->log_count > 0) {
        core->log_copy = notch_alloc_array(core->options.alloc, core->log_count, sizeof *core->log_copy);
    }
    for (uint32_t i = 0; i < core->log_count; i++) {
        notch_buf_init(&core->log_copy[i], core->options.alloc);
        notch_buf_append(&core->log_copy[i], event->start.vote_log[i].data, event->start.vote_log[i].len);
    }
}

/* 11.1: after a restart the clock is believed only if it did not pass much time, or others confirm it. */
static void open_gate(struct notch_consensus *core)
{
    struct notch_slot seen = core->signed_.vote_slot;
    for (struct notch__block *block = core->tree.base; block != NULL; block = notch__tree_next(&core->tree, block)) {
        seen = notch_slot_cmp(block->header.slot, seen) > 0 ? block->header.slot : seen;
    }
    /* Raw: two slots and ETA are numbers of slots. */
    core->is_gate_open = core->slot.raw <= seen.raw + 2 + core->options.genesis->eta_slots;
}

static void recovered(struct notch_consensus *core)
{
    notch_assert(!core->is_running);
    core->slot = notch__slot_at(core, core->now);
    core->has_voted = notch_slot_cmp(core->slot, core->signed_.vote_slot) <= 0;
    notch__log_load(core);
    open_gate(core);
    core->is_running = true;
    core->is_dirty = true;
    core->proposal.stage = NOTCH__PROPOSAL_WANTED;
    notch__view_freeze(core);
}

/* ---- the course of a slot ---- */

static void end_slot(struct notch_consensus *core)
{
    if (!core->has_frozen) {
        core->has_frozen = true;
        notch__view_freeze(core);
    }
}

static void confirm(struct notch_consensus *core)
{
    core->has_confirmed = true;
    struct notch_slot next = {core->slot.raw + 1}; /* Raw: the votes of this slot are looked at too. */
    struct notch__block *block = notch__fork_confirmed(core, core->head, &core->greatest, next, NOTCH__SIGHT_ALL);
    if (!notch_hash_eq(&block->hash, &core->confirmed)) {
        core->confirmed = block->hash;
        core->confirmed_height = block->header.height;
        struct notch_consensus_effect *effect = notch__emit(core, NOTCH_CONSENSUS_CONFIRMED);
        effect->confirmed.hash = block->hash;
        effect->confirmed.height = block->header.height;
    }
}

/* Who voted in the slot that ends, for the API and to tell a partition from a quiet network (1.12). */
static void count_participation(struct notch_consensus *core)
{
    struct notch__bits bits = {0};
    bool is_voted = false;
    for (uint32_t i = notch__votes_from(&core->votes, core->slot); i < core->votes.count; i++) {
        const struct notch__bundle *bundle = core->votes.bundles[i];
        if (notch__set_is_same(bundle->set, core->store) && notch_slot_cmp(bundle->data.slot, core->slot) == 0) {
            notch__bits_or(&bits, &bundle->all);
            is_voted = true;
        }
    }
    if (!is_voted) {
        return;
    }
    core->participation = notch__bits_weight(&bits, &core->store->set);
    core->missed = notch_set_is_quorum(&core->store->set, core->participation) ? 0 : core->missed + 1;
}

static void begin_slot(struct notch_consensus *core, struct notch_slot slot)
{
    count_participation(core);
    /* Raw: a jump of more than ETA slots without a tick: the clock moved, or we were suspended (8 L10). */
    if (slot.raw > core->slot.raw + core->options.genesis->eta_slots && core->is_gate_open) {
        core->is_gate_open = false;
        core->report_count = 0;
        if (!notch__is_clock_good(core)) {
            notch__emit_alarm(core, NOTCH_CONSENSUS_ALARM_CLOCK, "the clock jumped: not voting until it is confirmed",
                              notch_bytes(NULL, 0));
        }
    }
    core->slot = slot;
    core->has_voted = false;
    core->has_confirmed = false;
    core->has_frozen = false;
    core->slot_block = (struct notch_hash){{0}};
    core->proposal = (struct notch__proposal){.stage = NOTCH__PROPOSAL_WANTED};
    notch__accept_orphans(core);
}

static void advance_clock(struct notch_consensus *core)
{
    struct notch_slot slot = notch__slot_at(core, core->now);
    if (notch_slot_cmp(slot, core->slot) > 0) {
        end_slot(core);
        begin_slot(core, slot);
    }
}

/* The head that the API shows and that the ledger serves: by everything that is known. */
static void update_head(struct notch_consensus *core)
{
    struct notch_slot next = {core->slot.raw + 1}; /* Raw: the votes of this slot are looked at too. */
    struct notch__block *head = notch__fork_head(core, &core->greatest, next, NOTCH__SIGHT_ALL);
    if (head == core->head) {
        return;
    }
    struct notch__block *fork = core->head != NULL ? notch__tree_common(core->head, head) : core->tree.base;
    core->head = head;
    struct notch_consensus_effect *effect = notch__emit(core, NOTCH_CONSENSUS_HEAD);
    effect->head.hash = head->hash;
    effect->head.height = head->header.height;
    effect->head.slot = head->header.slot;
    effect->head.fork = fork->hash;
    effect->head.fork_height = fork->header.height;
}

/* What the duties of the slot are by now; safe to ask for at any time. */
static void do_duties(struct notch_consensus *core)
{
    uint64_t phase_ms = notch__slot_phase_ms(core);
    uint64_t delta_ms = core->options.genesis->delta_ms;
    notch__propose(core);
    notch__vote(core);
    if (!core->has_confirmed && phase_ms >= 2 * delta_ms) {
        confirm(core);
    }
    if (!core->has_frozen && phase_ms >= 3 * delta_ms) {
        end_slot(core);
    }
}

static void settle(struct notch_consensus *core)
{
    if (core->is_dirty) {
        core->is_dirty = false;
        notch__evaluate(core);
        update_head(core);
    }
}

/* ---- events ---- */

static void executed(struct notch_consensus *core, const struct notch_consensus_event *event)
{
    struct notch__block *block = notch__tree_find(&core->tree, &event->executed.hash);
    if (block == NULL || block->stage != NOTCH__STAGE_VALID || block->is_executed) {
        return;
    }
    notch_assert(event->executed.change_count <= NOTCH_MEMBERSHIP_CHANGES_MAX);
    block->is_executed = true;
    block->executed = event->executed.executed;
    block->has_open_claims = event->executed.has_open_claims;
    if (event->executed.change_count > 0) {
        block->changes = notch_alloc_array(core->options.alloc, event->executed.change_count, sizeof *block->changes);
        memcpy(block->changes, event->executed.changes, event->executed.change_count * sizeof *block->changes);
        block->change_count = event->executed.change_count;
    }
    core->is_dirty = true;
    notch__accept_children(core, block);
}

static void available(struct notch_consensus *core, const struct notch_consensus_event *event)
{
    struct notch__block *block = notch__tree_find(&core->tree, &event->available.hash);
    if (block == NULL || block->stage != NOTCH__STAGE_BODY) {
        return;
    }
    if (!event->available.is_valid) {
        block->stage = NOTCH__STAGE_INVALID;
        return;
    }
    block->is_available = true;
    notch__accept_progress(core, block);
}

static void wanted(struct notch_consensus *core, const struct notch_consensus_event *event)
{
    struct notch_buf *bytes = notch__scratch(core);
    struct notch__checkpoint from = {core->store->set.id, event->wanted.from};
    notch__certificate(core, bytes, &core->greatest, &from, 4096);
    notch__emit_send(core, NOTCH_CONSENSUS_WHAT_CERT, notch_buf_bytes(bytes), 0, event->peer);
}

static void command(struct notch_consensus *core, enum notch_consensus_command what)
{
    switch (what) {
    case NOTCH_CONSENSUS_VOTE_RESET:
        notch__log_reset(core);
        return;
    case NOTCH_CONSENSUS_CLOCK_TRUSTED:
        core->options.clock_is_trusted = true;
        core->is_gate_open = true;
        return;
    case NOTCH_CONSENSUS_CLOCK_DOUBTED:
        core->options.clock_is_trusted = false;
        core->is_gate_open = false;
        core->report_count = 0;
        return;
    }
    notch_unreachable();
}

static void dispatch(struct notch_consensus *core, const struct notch_consensus_event *event)
{
    switch (event->type) {
    case NOTCH_CONSENSUS_EVENT_START:
        start(core, event);
        return;
    case NOTCH_CONSENSUS_EVENT_RECOVERED:
        recovered(core);
        return;
    case NOTCH_CONSENSUS_EVENT_TICK:
        return;
    case NOTCH_CONSENSUS_EVENT_HEADER:
        notch__accept(core, event->header.bytes, event->peer, false);
        return;
    case NOTCH_CONSENSUS_EVENT_BLOCK:
        notch__accept(core, event->block.bytes, event->peer, event->block.is_recovered);
        return;
    case NOTCH_CONSENSUS_EVENT_VOTES:
        notch__votes_event(core, event->votes.bytes, event->peer);
        return;
    case NOTCH_CONSENSUS_EVENT_EVIDENCE:
        notch__evidence_event(core, event->evidence.bytes, event->peer);
        return;
    case NOTCH_CONSENSUS_EVENT_VERDICT:
        notch__job_verdict(core, event);
        return;
    case NOTCH_CONSENSUS_EVENT_DONE:
        notch__vote_durable(core, event->done.token);
        return;
    case NOTCH_CONSENSUS_EVENT_FAILED:
        core->is_failed = true;
        return;
    case NOTCH_CONSENSUS_EVENT_EXECUTED:
        executed(core, event);
        return;
    case NOTCH_CONSENSUS_EVENT_AVAILABLE:
        available(core, event);
        return;
    case NOTCH_CONSENSUS_EVENT_BATCHES:
        notch__propose_with(core, event);
        return;
    case NOTCH_CONSENSUS_EVENT_PENDING:
        core->pending = event->pending.batches;
        return;
    case NOTCH_CONSENSUS_EVENT_REPORT:
        notch__report_slot(core, &event->report.key, event->report.slot);
        return;
    case NOTCH_CONSENSUS_EVENT_WANTED:
        wanted(core, event);
        return;
    case NOTCH_CONSENSUS_EVENT_OPERATOR:
        command(core, event->operator_.command);
        return;
    }
    notch_unreachable();
}

void notch_consensus_handle(struct notch_consensus *core, const struct notch_consensus_event *event)
{
    notch_assert(!core->is_inside);
    notch_assert(core->effect_at == core->effect_count);
    core->is_inside = true;
    notch__effects_reset(core);
    core->seq = event->seq;
    core->now = notch_time_cmp(event->now, core->now) > 0 ? event->now : core->now;
    if (core->is_running) {
        advance_clock(core);
    }
    /* Without a base nothing can be done: a root that could not be read. */
    if (core->tree.base != NULL || event->type == NOTCH_CONSENSUS_EVENT_START) {
        dispatch(core, event);
    }
    if (core->tree.base != NULL) {
        settle(core);
    }
    if (core->is_running) {
        do_duties(core);
        settle(core);
    }
    core->is_inside = false;
}

bool notch_consensus_poll(struct notch_consensus *core, struct notch_consensus_effect *effect)
{
    notch_assert(!core->is_inside);
    if (core->effect_at == core->effect_count) {
        return false;
    }
    *effect = core->effects[core->effect_at++];
    return true;
}

struct notch_time notch_consensus_deadline(const struct notch_consensus *core)
{
    if (!core->is_running) {
        return (struct notch_time){UINT64_MAX};
    }
    /* Raw: the next quarter of a slot. */
    uint64_t delta_ms = core->options.genesis->delta_ms;
    struct notch_time slot_begin = notch__slot_start(core, core->slot);
    if (notch_time_cmp(core->now, slot_begin) < 0) {
        return slot_begin;
    }
    return (struct notch_time){slot_begin.raw + (notch__slot_phase_ms(core) / delta_ms + 1) * delta_ms};
}
