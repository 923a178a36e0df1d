#include "consensus/parts.h"
#include "consensus/votelog.h"

/* ---- the quiet rule (9, 11.3, 11.4) ---- */

/* Whether something on the chain up to `head` is still to become final by the chain's own votes, or to settle. */
bool notch__is_awake(const struct notch_consensus *core, const struct notch__block *head)
{
    (void)core;
    const struct notch__onchain *at = &head->onchain;
    bool has_carrier = notch_height_cmp(at->carrier, at->finalized_height) > 0;
    bool awaits_set =
        at->next != NULL || !at->is_handed_over || notch_height_cmp(at->handed_over, at->finalized_height) > 0;
    return has_carrier || awaits_set || head->has_open_claims;
}

static bool has_reason(const struct notch_consensus *core, const struct notch__block *head)
{
    /* Raw: QUIET is a number of slots. */
    bool is_heartbeat = core->slot.raw >= head->header.slot.raw + core->options.genesis->quiet_slots;
    bool is_turn = notch__onchain_is_signal(&head->onchain, core, core->slot) && notch__fold_is_change_due(core, head);
    return is_heartbeat || is_turn || notch__is_awake(core, head);
}

/* ---- what goes into a body ---- */

struct draft {
    struct notch__block *parent;
    struct notch_buf votes;    /* encoded */
    struct notch_buf evidence; /* struct notch_bytes each */
    struct notch_buf headers;  /* struct notch_header each */
    uint32_t evidence_count;
    uint32_t header_count;
};

static bool is_marked_for_hand_over(const struct notch_consensus *core, const struct notch__bundle *bundle,
                                    const struct notch__checkpoint *justified)
{
    (void)core;
    /* Raw: finality is about consecutive slots. */
    return bundle->data.set_id == justified->set_id && bundle->data.slot.raw == justified->at.slot.raw + 1 &&
           notch_slot_cmp(bundle->data.source.slot, justified->at.slot) == 0 &&
           notch_hash_eq(&bundle->data.source.hash, &justified->at.hash);
}

/* 8 L2: (a) what justifies our greatest checkpoint from the greatest on the chain, (b) what makes a pending set
 * final. */
void notch__due_mark(struct notch_consensus *core, const struct notch__block *parent)
{
    const struct notch__onchain *at = &parent->onchain;
    if (notch__checkpoint_cmp(&core->greatest, &at->justified) > 0) {
        notch__closure_mark(core, &core->greatest, &at->justified);
    }
    if (at->next == NULL || core->store->set.id <= at->set->set.id) {
        return;
    }
    for (uint32_t i = 0; i < core->justified.count; i++) {
        const struct notch__checkpoint *checkpoint = &core->justified.items[i];
        if (checkpoint->set_id != at->set->set.id || !notch_hash_eq(&checkpoint->at.hash, &at->signal.hash)) {
            continue;
        }
        notch__closure_mark(core, checkpoint, &at->justified);
        for (uint32_t k = 0; k < core->votes.count; k++) {
            struct notch__bundle *bundle = core->votes.bundles[k];
            bundle->is_marked = bundle->is_marked || is_marked_for_hand_over(core, bundle, checkpoint);
        }
    }
}

/* Whether votes like these may stand in a block of our slot on `parent` at all. */
static bool is_allowed(const struct notch_consensus *core, const struct notch__block *parent,
                       const struct notch_vote_data *data)
{
    /* Raw: the bytes are what is compared, copied or hashed. */
    const struct notch__set *set = notch__onchain_set(&parent->onchain, data->set_id);
    return set != NULL && memcmp(set->set.root.raw, data->set_root8, sizeof data->set_root8) == 0 &&
           notch_slot_cmp(data->slot, core->slot) < 0 && notch_slot_cmp(data->slot, parent->onchain.floor) > 0;
}

/* And whether they are young enough to be put there without being due (11.2). */
static bool is_recent(const struct notch_consensus *core, const struct notch__block *parent, struct notch_slot slot)
{
    struct notch_slot from = notch__slot_back(parent->header.slot, core->options.genesis->eta_slots);
    return notch_slot_cmp(slot, from) >= 0;
}

static bool is_fresh(const struct notch__tally *tally, uint32_t validator)
{
    return tally == NULL || !notch__bits_get(&tally->bits, validator);
}

/* Decides how many votes of a bundle go in; returns what is left of the room. */
static uint32_t choose(const struct notch__block *parent, struct notch__bundle *bundle, uint32_t room)
{
    const struct notch__tally *tally = notch__onchain_tally(parent, &bundle->data);
    for (uint32_t k = 0; k < bundle->count && room > 0; k++) {
        if (is_fresh(tally, bundle->voters[k].validator)) {
            bundle->take++;
            room--;
        }
    }
    return room;
}

static void choose_all(struct notch_consensus *core, const struct notch__block *parent, uint32_t room)
{
    notch__due_mark(core, parent);
    for (uint32_t i = 0; i < core->votes.count; i++) {
        core->votes.bundles[i]->take = 0;
    }
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t i = core->votes.count; i > 0; i--) {
            struct notch__bundle *bundle = core->votes.bundles[i - 1];
            bool is_turn =
                pass == 0 ? bundle->is_marked : !bundle->is_marked && is_recent(core, parent, bundle->data.slot);
            if (is_turn && is_allowed(core, parent, &bundle->data)) {
                room = choose(parent, bundle, room);
            }
        }
    }
    for (uint32_t i = 0; i < core->votes.count; i++) {
        core->votes.bundles[i]->is_marked = false;
    }
}

static bool is_shadow_on_chain(const struct notch__block *block, const struct notch_vote *shadow)
{
    for (; block->parent != NULL && notch_slot_cmp(block->header.slot, shadow->data.slot) > 0; block = block->parent) {
        struct notch_vote vote;
        for (struct notch_votes_iter iter = notch_votes_iter(block->body.votes); notch_votes_next(&iter, &vote);) {
            if (notch_vote_cmp(&vote, shadow) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool is_shadow_due(const struct notch_consensus *core, const struct notch__block *parent,
                          const struct notch_vote *shadow)
{
    return is_allowed(core, parent, &shadow->data) && is_recent(core, parent, shadow->data.slot) &&
           notch_set_index(&notch__onchain_set(&parent->onchain, shadow->data.set_id)->set, &shadow->key) ==
               NOTCH_SET_NO_MEMBER &&
           !is_shadow_on_chain(parent, shadow);
}

/* Puts the chosen votes and the shadow votes together, in order. */
static void write_votes(struct notch_consensus *core, struct draft *draft, uint32_t shadow_room)
{
    struct notch_buf list;
    notch_buf_init(&list, core->options.alloc);
    size_t count = 0;
    uint32_t shadow = 0;
    for (uint32_t i = 0; i <= core->votes.count; i++) {
        struct notch__bundle *bundle = i < core->votes.count ? core->votes.bundles[i] : NULL;
        for (; shadow < core->votes.shadow_count; shadow++) {
            const struct notch_vote *vote = &core->votes.shadows[shadow].vote;
            if (bundle != NULL && notch_vote_data_cmp(&vote->data, &bundle->data) >= 0) {
                break;
            }
            if (shadow_room > 0 && is_shadow_due(core, draft->parent, vote)) {
                notch_buf_append(&list, vote, sizeof *vote);
                count++;
                shadow_room--;
            }
        }
        if (bundle == NULL) {
            break;
        }
        const struct notch__tally *tally = notch__onchain_tally(draft->parent, &bundle->data);
        for (uint32_t k = 0; k < bundle->count && bundle->take > 0; k++) {
            if (is_fresh(tally, bundle->voters[k].validator)) {
                struct notch_vote vote = notch__bundle_vote(bundle, bundle->voters[k].validator);
                notch_buf_append(&list, &vote, sizeof vote);
                bundle->take--;
                count++;
            }
        }
    }
    struct notch_writer writer = notch_writer_grow(&draft->votes);
    notch_votes_encode(&writer, (const struct notch_vote *)(const void *)list.data, count);
    notch_buf_fini(&list);
}

/* Headers of heads off the chain that the votes name: whoever lacks them could not weigh the votes (8 L8). */
static void write_headers(struct notch_consensus *core, struct draft *draft)
{
    struct notch_vote vote;
    struct notch_hash last = {{0}};
    size_t room = core->options.genesis->caps.body_bytes / 16 / NOTCH_HEADER_LEN;
    room = room < NOTCH_HEADER_HEADERS_MAX ? room : NOTCH_HEADER_HEADERS_MAX;
    for (struct notch_votes_iter iter = notch_votes_iter(notch_buf_bytes(&draft->votes));
         notch_votes_next(&iter, &vote) && draft->header_count < room;) {
        struct notch__block *head = notch__tree_find(&core->tree, &vote.data.head);
        if (head == NULL || notch_hash_eq(&last, &head->hash) || notch__tree_is_ancestor(head, draft->parent)) {
            continue;
        }
        last = head->hash;
        bool is_there = false;
        for (uint32_t i = 0; i < draft->header_count && !is_there; i++) {
            const struct notch_header *header = (const struct notch_header *)(const void *)draft->headers.data + i;
            is_there = memcmp(&header->sig, &head->header.sig, sizeof header->sig) == 0;
        }
        if (!is_there) {
            notch_buf_append(&draft->headers, &head->header, sizeof head->header);
            draft->header_count++;
        }
    }
}

static void write_evidence(struct notch_consensus *core, struct draft *draft)
{
    size_t room = core->options.genesis->caps.body_bytes / 8;
    for (uint32_t i = 0; i < core->evidence_count; i++) {
        const struct notch__evidence_item *item = &core->evidence[i];
        if (draft->evidence_count == core->options.genesis->caps.evidence || item->bytes.len > room ||
            notch__evidence_on_chain(core, draft->parent, &item->id)) {
            continue;
        }
        room -= item->bytes.len;
        struct notch_bytes bytes = notch_buf_bytes(&item->bytes);
        notch_buf_append(&draft->evidence, &bytes, sizeof bytes);
        draft->evidence_count++;
    }
}

static void draft_fini(struct draft *draft)
{
    notch_buf_fini(&draft->votes);
    notch_buf_fini(&draft->evidence);
    notch_buf_fini(&draft->headers);
}

/* ---- the header ---- */

/* The flags and the next set's root; false if this set cannot lead here after all. */
static bool write_signal(struct notch_consensus *core, struct notch_header *header, struct notch__block *parent,
                         const struct notch_body *body)
{
    /* A block like the one to be made, to ask what its votes would bring about. */
    struct notch__block probe = {.header = *header, .parent = parent, .body = *body};
    notch__tallies_init(&probe.tallies, core->options.alloc);
    struct notch_reject reject = notch__onchain_votes(core, &probe);
    notch_assert(notch_is_valid(reject));
    notch__onchain_run(core, &probe.onchain, &probe);
    notch__tallies_fini(&probe.tallies);
    bool leads_next = header->set_id != parent->onchain.set->set.id;
    if (leads_next && probe.onchain.set->set.id != header->set_id) {
        return false;
    }
    const struct notch__onchain *at = leads_next ? &probe.onchain : &parent->onchain;
    header->flags = at->next != NULL ? NOTCH_HEADER_PENDING : 0;
    if (!notch__onchain_is_signal(at, core, header->slot)) {
        return true;
    }
    header->flags = NOTCH_HEADER_SIGNAL;
    struct notch_member *members = notch_alloc_array(core->options.alloc, NOTCH_SET_MEMBERS_MAX, sizeof *members);
    uint64_t *reputations = notch_alloc_array(core->options.alloc, NOTCH_SET_MEMBERS_MAX, sizeof *reputations);
    uint32_t count;
    notch__fold_next(core, parent, at->set, members, reputations, &count);
    struct notch_set set;
    reject = notch_set_make(&set, core->options.domain, header->set_id + 1, members, count);
    notch_assert(notch_is_valid(reject));
    header->next_set_root = set.root;
    notch_free(core->options.alloc, members, NOTCH_SET_MEMBERS_MAX * sizeof *members);
    notch_free(core->options.alloc, reputations, NOTCH_SET_MEMBERS_MAX * sizeof *reputations);
    return true;
}

static void fill_header(const struct notch_consensus *core, struct notch_header *header,
                        const struct notch__block *parent, uint32_t n_records)
{
    *header = (struct notch_header){.rules = (uint16_t)core->options.genesis->rules,
                                    .slot = core->slot,
                                    .height = {parent->header.height.raw + 1}, /* Raw: one more */
                                    .time = core->now,
                                    .parent = parent->hash,
                                    .set_id = core->proposal.set->set.id,
                                    .set_root = core->proposal.set->set.root,
                                    .proposer = (uint16_t)core->proposal.index,
                                    .n_records = n_records,
                                    .parent_state_root = parent->executed.state_root,
                                    .parent_receipts_root = parent->executed.receipts_root,
                                    .history_root = parent->executed.history_root,
                                    .justified = parent->onchain.justified.at,
                                    .finalized = parent->onchain.finalized.at};
}

/* Signs, writes it down, sends it once that is durable (8 S2), and takes it like anybody else's. */
static void publish(struct notch_consensus *core, struct notch_header *header, struct notch_bytes body)
{
    const struct notch_crypto *crypto = core->options.crypto;
    struct notch_hash input;
    notch__leader_vrf_input(&input, core->options.domain, &core->proposal.set->seed, core->slot);
    if (!notch_vrf_prove(crypto, &header->vrf, core->options.signer, &input) ||
        !notch_header_sign(header, core->options.domain, crypto, core->options.signer)) {
        core->is_failed = true;
        return;
    }
    struct notch__log_entry entry = {.kind = NOTCH__LOG_PROPOSAL, .slot = core->slot};
    notch_header_hash(&entry.hash, core->options.domain, header);
    core->signed_.prop_slot = core->slot;
    struct notch_buf *log = notch__scratch(core);
    struct notch_writer writer = notch_writer_grow(log);
    notch__log_write(&writer, &entry);
    struct notch_bytes log_bytes = notch_buf_bytes(log);
    struct notch_consensus_effect *effect = notch__emit(core, NOTCH_CONSENSUS_PERSIST);
    uint64_t token = core->next_token++;
    effect->token = token;
    effect->persist.entry = log_bytes;
    effect->persist.head = header->parent;
    struct notch_buf *block = notch__scratch(core);
    writer = notch_writer_grow(block);
    notch_header_encode(&writer, header);
    notch_write_bytes(&writer, body.data, body.len);
    struct notch_bytes block_bytes = notch_buf_bytes(block);
    notch__emit_send(core, NOTCH_CONSENSUS_WHAT_BLOCK, block_bytes, token, 0);
    notch__accept(core, block_bytes, 0, false);
}

static void make_block(struct notch_consensus *core, struct notch__block *parent, const struct notch_hash *batches,
                       uint32_t n_batches, uint32_t n_records)
{
    const struct notch_alloc *alloc = core->options.alloc;
    const struct notch_caps *caps = &core->options.genesis->caps;
    struct draft draft = {.parent = parent};
    notch_buf_init(&draft.votes, alloc);
    notch_buf_init(&draft.evidence, alloc);
    notch_buf_init(&draft.headers, alloc);
    /* Half of the body for votes, each at its largest: a bundle of its own. A quarter of them may be shadow votes. */
    uint32_t room = caps->body_bytes / 2 / (NOTCH_VOTE_COMMON_LEN + 2 + 2 + 32 + 64);
    room = room < caps->votes ? room : caps->votes;
    choose_all(core, parent, room - room / 4);
    write_votes(core, &draft, room / 4);
    write_evidence(core, &draft);
    write_headers(core, &draft);
    struct notch_buf body;
    notch_buf_init(&body, alloc);
    struct notch_body_parts parts = {.batches = batches,
                                     .n_batches = n_batches,
                                     .votes = notch_buf_bytes(&draft.votes),
                                     .evidence = (const struct notch_bytes *)(const void *)draft.evidence.data,
                                     .n_evidence = draft.evidence_count,
                                     .headers = (const struct notch_header *)(const void *)draft.headers.data,
                                     .n_headers = draft.header_count};
    struct notch_writer writer = notch_writer_grow(&body);
    notch_body_encode(&writer, &parts);
    struct notch_body view;
    struct notch_reject reject = notch_body_decode(&view, notch_buf_bytes(&body), caps);
    notch_assert(notch_is_valid(reject));
    struct notch_header header;
    fill_header(core, &header, parent, n_records);
    header.n_batches = n_batches;
    notch_body_roots(&view, core->options.domain, &header.batches_root, &header.votes_root, &header.evidence_root);
    if (write_signal(core, &header, parent, &view)) {
        publish(core, &header, notch_buf_bytes(&body));
    }
    notch_buf_fini(&body);
    draft_fini(&draft);
}

/* ---- when ---- */

/* The set that may lead a block of ours on `parent`; NULL if none (8 L4, 11.5). */
static const struct notch__set *leading_set(const struct notch_consensus *core, const struct notch__block *parent)
{
    const struct notch__onchain *at = &parent->onchain;
    if (at->set->set.id == core->store->set.id) {
        return at->set;
    }
    return at->next == core->store ? core->store : NULL;
}

static struct notch__block *proposal_parent(struct notch_consensus *core)
{
    struct notch__checkpoint source = core->greatest;
    const struct notch__block *block = notch__tree_find(&core->tree, &source.at.hash);
    if (block == NULL || block->stage != NOTCH__STAGE_VALID) {
        source = core->final;
    }
    return notch__fork_head(core, &source, core->slot, NOTCH__SIGHT_ALL);
}

static bool may_propose(const struct notch_consensus *core)
{
    return core->options.signer != NULL && !core->is_failed && !core->is_stopped &&
           notch_slot_cmp(core->slot, core->signed_.prop_slot) > 0 &&
           notch_slot_cmp(core->slot, core->options.genesis->slot0) > 0 &&
           notch__slot_phase_ms(core) < core->options.genesis->delta_ms && notch__is_clock_good(core);
}

void notch__propose(struct notch_consensus *core)
{
    struct notch__proposal *proposal = &core->proposal;
    if (proposal->stage != NOTCH__PROPOSAL_WANTED || !may_propose(core)) {
        return;
    }
    struct notch__block *parent = proposal_parent(core);
    proposal->set = leading_set(core, parent);
    if (proposal->set == NULL || notch_slot_cmp(parent->header.slot, core->slot) >= 0) {
        return;
    }
    proposal->index = notch_set_index(&proposal->set->set, &core->options.signer->key);
    if (proposal->index == NOTCH_SET_NO_MEMBER ||
        notch__leader_index(&proposal->set->set, core->options.domain, &proposal->set->seed, core->slot) !=
            proposal->index) {
        return;
    }
    proposal->is_forced = has_reason(core, parent) || core->evidence_count > 0;
    bool is_quiet = !proposal->is_forced && core->pending == 0;
    if (is_quiet || !parent->is_executed) {
        return;
    }
    proposal->parent = parent->hash;
    if (core->pending == 0) {
        proposal->stage = NOTCH__PROPOSAL_DONE;
        make_block(core, parent, NULL, 0, 0);
        return;
    }
    proposal->stage = NOTCH__PROPOSAL_ASKED;
    proposal->token = core->next_token++;
    const struct notch_caps *caps = &core->options.genesis->caps;
    uint32_t room = caps->body_bytes / 4 / 32;
    struct notch_consensus_effect *effect = notch__emit(core, NOTCH_CONSENSUS_NEED_BATCHES);
    effect->token = proposal->token;
    effect->need_batches.parent = parent->hash;
    effect->need_batches.slot = core->slot;
    effect->need_batches.time = core->now;
    effect->need_batches.max = room < caps->batches ? room : caps->batches;
}

void notch__propose_with(struct notch_consensus *core, const struct notch_consensus_event *event)
{
    struct notch__proposal *proposal = &core->proposal;
    if (proposal->stage != NOTCH__PROPOSAL_ASKED || proposal->token != event->batches.token) {
        return;
    }
    proposal->stage = NOTCH__PROPOSAL_DONE;
    struct notch__block *parent = notch__tree_find(&core->tree, &proposal->parent);
    bool is_needless = event->batches.count == 0 && !proposal->is_forced;
    if (parent == NULL || is_needless || !may_propose(core)) {
        return;
    }
    make_block(core, parent, event->batches.ids, event->batches.count, event->batches.n_records);
}
