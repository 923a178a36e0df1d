#include "consensus/parts.h"

/* ---- orphans: blocks that wait for a parent, a set or their slot ---- */

static void free_orphan(struct notch_consensus *core, uint32_t index)
{
    notch_buf_fini(&core->orphans[index].bytes);
    core->orphan_count--;
    memmove(&core->orphans[index], &core->orphans[index + 1], (core->orphan_count - index) * sizeof *core->orphans);
}

void notch__orphans_fini(struct notch_consensus *core)
{
    while (core->orphan_count > 0) {
        free_orphan(core, core->orphan_count - 1);
    }
    notch_free(core->options.alloc, core->orphans, NOTCH__ORPHANS_MAX * sizeof *core->orphans);
}

/* Keeps a block for later. A full table forgets the oldest: it will be asked for again. */
static void park(struct notch_consensus *core, const struct notch_hash *hash, const struct notch_header *header,
                 struct notch_bytes bytes, uint64_t peer, bool is_recovered)
{
    for (uint32_t i = 0; i < core->orphan_count; i++) {
        if (notch_hash_eq(&core->orphans[i].hash, hash)) {
            if (core->orphans[i].bytes.len < bytes.len) {
                notch_buf_clear(&core->orphans[i].bytes);
                notch_buf_append(&core->orphans[i].bytes, bytes.data, bytes.len);
            }
            return;
        }
    }
    if (core->orphan_count == NOTCH__ORPHANS_MAX) {
        free_orphan(core, 0);
    }
    struct notch__orphan *orphan = &core->orphans[core->orphan_count++];
    *orphan = (struct notch__orphan){
        .hash = *hash, .parent = header->parent, .slot = header->slot, .peer = peer, .is_recovered = is_recovered};
    notch_buf_init(&orphan->bytes, core->options.alloc);
    notch_buf_append(&orphan->bytes, bytes.data, bytes.len);
}

static bool is_orphan_ready(const struct notch_consensus *core, const struct notch__orphan *orphan)
{
    bool is_time = orphan->is_recovered || notch_slot_cmp(orphan->slot, core->slot) <= 0;
    return is_time && notch__tree_find(&core->tree, &orphan->parent) != NULL;
}

void notch__accept_orphans(struct notch_consensus *core)
{
    /* Each is tried once per call: one that still lacks its set comes back at the end of the table. */
    uint32_t left = core->orphan_count;
    for (uint32_t i = 0; left > 0; left--) {
        if (notch_slot_cmp(core->orphans[i].slot, core->tree.base->header.slot) <= 0) {
            free_orphan(core, i);
            continue;
        }
        if (!is_orphan_ready(core, &core->orphans[i])) {
            i++;
            continue;
        }
        struct notch__orphan orphan = core->orphans[i];
        core->orphan_count--;
        memmove(&core->orphans[i], &core->orphans[i + 1], (core->orphan_count - i) * sizeof *core->orphans);
        notch__accept(core, notch_buf_bytes(&orphan.bytes), orphan.peer, orphan.is_recovered);
        notch_buf_fini(&orphan.bytes);
    }
}

/* ---- headers ---- */

static void attach_body(struct notch_consensus *core, struct notch__block *block, struct notch_bytes bytes,
                        uint64_t peer)
{
    if (block->stage != NOTCH__STAGE_HEADER || bytes.len <= NOTCH_HEADER_LEN) {
        return;
    }
    struct notch_bytes encoded = notch_bytes(bytes.data + NOTCH_HEADER_LEN, bytes.len - NOTCH_HEADER_LEN);
    struct notch_body body;
    struct notch_reject reject = notch_body_decode(&body, encoded, &core->options.genesis->caps);
    if (notch_is_valid(reject)) {
        reject = notch_body_match(&body, core->options.domain, &block->header);
    }
    if (!notch_is_valid(reject)) {
        /* Another body may still be the right one: nothing is held against the header. */
        notch__emit_score(core, peer, reject);
        return;
    }
    notch_buf_append(&block->bytes, bytes.data, bytes.len);
    encoded = notch_bytes(block->bytes.data + NOTCH_HEADER_LEN, block->bytes.len - NOTCH_HEADER_LEN);
    reject = notch_body_decode(&block->body, encoded, &core->options.genesis->caps);
    notch_assert(notch_is_valid(reject));
    block->stage = NOTCH__STAGE_BODY;
    notch__accept_progress(core, block);
}

/* What can be said of a header when its parent's header is known. */
static struct notch_reject check_linked(const struct notch_consensus *core, const struct notch_header *header,
                                        const struct notch__block *parent)
{
    /* Raw: heights and milliseconds are counted. */
    if (parent->stage == NOTCH__STAGE_INVALID) {
        return NOTCH_REJECT(PARENT, "parent is invalid");
    }
    if (header->height.raw != parent->header.height.raw + 1) {
        return NOTCH_REJECT(PARENT, "header height");
    }
    if (notch_slot_cmp(header->slot, parent->header.slot) <= 0) {
        return NOTCH_REJECT(SLOT, "header slot is not after its parent's");
    }
    struct notch_time start = notch__slot_start(core, header->slot);
    struct notch_time end = notch__slot_start(core, (struct notch_slot){header->slot.raw + 1});
    if (notch_time_cmp(header->time, start) < 0 || notch_time_cmp(header->time, end) >= 0) {
        return NOTCH_REJECT(SLOT, "header time is outside of its slot");
    }
    return NOTCH_VALID;
}

/* Two headers per slot and leader are enough to prove the fault; more are dropped. */
static bool has_enough(const struct notch_consensus *core, const struct notch_header *header)
{
    unsigned count = 0;
    for (struct notch__block *block = core->tree.base; block != NULL; block = notch__tree_next(&core->tree, block)) {
        count += notch_slot_cmp(block->header.slot, header->slot) == 0 && block->header.set_id == header->set_id &&
                 block->header.proposer == header->proposer;
    }
    return count >= 2;
}

/*
 * The set that leads a block on `parent`; NULL if it is not known yet. Sets of one id and root may have several seeds,
 * one for each branch that announced them, so the block's own chain says which one it is: from its last valid block, as
 * long as no signal block behind that one can have announced another.
 */
static const struct notch__set *set_of_header(const struct notch_header *header, const struct notch__block *parent)
{
    const struct notch__block *block = parent;
    while (block->stage != NOTCH__STAGE_VALID) {
        block = block->parent;
    }
    return notch__onchain_set(&block->onchain, header->set_id);
}

static void verify_header(struct notch_consensus *core, const struct notch_hash *hash,
                          const struct notch_header *header, const struct notch__set *set, struct notch_bytes bytes,
                          uint64_t peer, bool is_recovered)
{
    struct notch__job *job = notch__job_add(core, NOTCH__JOB_HEADER, 2);
    if (job == NULL) {
        return;
    }
    job->peer = peer;
    job->block = *hash;
    job->is_recovered = is_recovered;
    /* Raw: the votes of a slot are due one DELTA after its begin. */
    job->is_timely = !is_recovered && notch_slot_cmp(header->slot, core->slot) == 0 &&
                     notch__slot_phase_ms(core) < core->options.genesis->delta_ms;
    notch_buf_append(&job->bytes, bytes.data, bytes.len);
    const struct notch_key *key = &set->set.members[header->proposer].key;
    job->checks[0].key = *key;
    job->checks[0].message = *hash;
    job->checks[0].sig = header->sig;
    job->checks[1].is_vrf = true;
    job->checks[1].key = *key;
    job->checks[1].proof = header->vrf;
    notch__leader_vrf_input(&job->checks[1].message, core->options.domain, &set->seed, header->slot);
    notch__job_send(core, job);
}

static bool is_under_way(const struct notch_consensus *core, const struct notch_hash *hash, struct notch_bytes bytes)
{
    for (uint32_t i = 0; i < core->options.limits.jobs; i++) {
        struct notch__job *job = &core->jobs[i];
        if (job->kind == NOTCH__JOB_HEADER && notch_hash_eq(&job->block, hash)) {
            if (job->bytes.len < bytes.len) {
                notch_buf_clear(&job->bytes);
                notch_buf_append(&job->bytes, bytes.data, bytes.len);
            }
            return true;
        }
    }
    return false;
}

static void accept_linked(struct notch_consensus *core, const struct notch_hash *hash,
                          const struct notch_header *header, struct notch__block *parent, struct notch_bytes bytes,
                          uint64_t peer, bool is_recovered)
{
    struct notch_reject reject = check_linked(core, header, parent);
    if (!notch_is_valid(reject)) {
        notch__emit_score(core, peer, reject);
        return;
    }
    const struct notch__set *set = set_of_header(header, parent);
    if (set == NULL && parent->stage != NOTCH__STAGE_VALID) {
        park(core, hash, header, bytes, peer, is_recovered);
        return;
    }
    bool is_leader = set != NULL && notch_hash_eq(&set->set.root, &header->set_root) &&
                     header->proposer < set->set.count &&
                     notch__leader_index(&set->set, core->options.domain, &set->seed, header->slot) == header->proposer;
    if (!is_leader) {
        notch__emit_score(core, peer, NOTCH_REJECT(LEADER, "header proposer"));
        return;
    }
    if (has_enough(core, header) || is_under_way(core, hash, bytes)) {
        return;
    }
    verify_header(core, hash, header, set, bytes, peer, is_recovered);
}

/* A header, maybe with its body, that is not in the tree. */
static void accept_new(struct notch_consensus *core, const struct notch_hash *hash, const struct notch_header *header,
                       struct notch_bytes bytes, uint64_t peer, bool is_recovered)
{
    if (notch_slot_cmp(header->slot, core->tree.base->header.slot) <= 0) {
        return;
    }
    /* Raw: a block may be one slot ahead of us, no more. */
    if (!is_recovered && header->slot.raw > core->slot.raw + 1) {
        return;
    }
    struct notch__block *parent = notch__tree_find(&core->tree, &header->parent);
    bool is_early = !is_recovered && notch_slot_cmp(header->slot, core->slot) > 0;
    if (parent == NULL || is_early) {
        park(core, hash, header, bytes, peer, is_recovered);
        if (parent == NULL && !is_recovered) {
            notch__emit_request(core, NOTCH_CONSENSUS_WHAT_BLOCK, &header->parent, peer);
        }
        return;
    }
    accept_linked(core, hash, header, parent, bytes, peer, is_recovered);
}

void notch__accept(struct notch_consensus *core, struct notch_bytes bytes, uint64_t peer, bool is_recovered)
{
    struct notch_header header;
    struct notch_bytes body;
    struct notch_reject reject = notch_block_split(&header, &body, bytes);
    if (!notch_is_valid(reject)) {
        notch__emit_score(core, peer, reject);
        return;
    }
    struct notch_hash hash;
    notch_header_hash(&hash, core->options.domain, &header);
    struct notch__block *known = notch__tree_find(&core->tree, &hash);
    if (known != NULL) {
        attach_body(core, known, bytes, peer);
    } else {
        accept_new(core, &hash, &header, bytes, peer, is_recovered);
    }
}

void notch__accept_verified(struct notch_consensus *core, const struct notch__job *job,
                            const struct notch_consensus_result *results)
{
    if (!results[0].valid || !results[1].valid) {
        notch__emit_score(core, job->peer, NOTCH_REJECT(SIGNATURE, "header"));
        return;
    }
    struct notch_header header;
    struct notch_bytes body;
    struct notch_reject reject = notch_block_split(&header, &body, notch_buf_bytes(&job->bytes));
    notch_assert(notch_is_valid(reject));
    struct notch__block *parent = notch__tree_find(&core->tree, &header.parent);
    if (parent == NULL || notch__tree_find(&core->tree, &job->block) != NULL || has_enough(core, &header)) {
        return;
    }
    struct notch__block *block = notch__tree_add(&core->tree, &job->block, &header, parent);
    if (block == NULL) {
        notch__emit_alarm(core, NOTCH_CONSENSUS_ALARM_FULL, "too many blocks that are not final", notch_bytes(NULL, 0));
        return;
    }
    block->proposer = job->checks[0].key;
    block->output = results[1].output;
    block->is_timely = job->is_timely;
    block->is_recovered = job->is_recovered;
    core->is_dirty = true;
    if (block->is_timely && notch_hash_is_zero(&core->slot_block) && notch_slot_cmp(header.slot, core->slot) == 0) {
        core->slot_block = block->hash;
    }
    notch__slash_header(core, block);
    if (body.len > 0) {
        attach_body(core, block, notch_buf_bytes(&job->bytes), job->peer);
    } else {
        notch__emit_request(core, NOTCH_CONSENSUS_WHAT_BLOCK, &block->hash, job->peer);
    }
    notch__accept_orphans(core);
}

/* ---- bodies ---- */

static void refuse(struct notch_consensus *core, struct notch__block *block, struct notch_reject reject)
{
    /* Raw: the bytes are what is compared, copied or hashed. */
    block->stage = NOTCH__STAGE_INVALID;
    notch__emit_score(core, 0, reject);
    bool is_ours = reject.code == NOTCH_REJECT_STATE_ROOT;
    if (is_ours) {
        notch__emit_alarm(core, NOTCH_CONSENSUS_ALARM_STATE, reject.reason,
                          notch_bytes(block->hash.raw, sizeof block->hash.raw));
    }
}

/* Evidence that is on the chain already is idle, not invalid: how far back a node remembers is its own affair. */
static struct notch_reject check_evidence(const struct notch_consensus *core, const struct notch__block *block)
{
    for (uint32_t i = 0; i < block->body.n_evidence; i++) {
        struct notch_bytes bytes = notch_body_evidence(&block->body, i);
        struct notch_evidence evidence;
        struct notch_reject reject = notch_evidence_check(&evidence, core->options.domain, core->options.crypto, bytes);
        if (!notch_is_valid(reject)) {
            return reject;
        }
        for (uint32_t k = 0; k < i; k++) {
            if (notch_bytes_eq(notch_body_evidence(&block->body, k), bytes)) {
                return NOTCH_REJECT(DUPLICATE, "evidence twice in a body");
            }
        }
    }
    return NOTCH_VALID;
}

/* Sends the votes that were not seen before to be verified; true if there are none. */
static bool verify_votes(struct notch_consensus *core, struct notch__block *block)
{
    size_t unknown = 0;
    struct notch_vote vote;
    for (struct notch_votes_iter iter = notch_votes_iter(block->body.votes); notch_votes_next(&iter, &vote);) {
        unknown += !notch__votes_has(&core->votes, &vote);
    }
    if (unknown == 0) {
        return true;
    }
    struct notch__job *job = notch__job_add(core, NOTCH__JOB_BODY, unknown);
    if (job == NULL) {
        return false;
    }
    block->is_verifying = true;
    job->block = block->hash;
    size_t at = 0;
    for (struct notch_votes_iter iter = notch_votes_iter(block->body.votes); notch_votes_next(&iter, &vote);) {
        if (notch__votes_has(&core->votes, &vote)) {
            continue;
        }
        const struct notch__set *set = notch__onchain_set(&block->parent->onchain, vote.data.set_id);
        job->votes[at] = vote;
        job->checks[at].key = vote.validator == NOTCH_VOTE_SHADOW ? vote.key : set->set.members[vote.validator].key;
        job->checks[at].sig = vote.sig;
        notch_vote_hash(&job->checks[at].message, core->options.domain, &vote.data);
        at++;
    }
    notch__job_send(core, job);
    return false;
}

/* A header from the body of a block: it may show a fork, or a fault. */
static void accept_header(struct notch_consensus *core, struct notch_bytes bytes, bool is_recovered)
{
    struct notch_header header;
    struct notch_bytes body;
    struct notch_hash hash;
    if (!notch_is_valid(notch_block_split(&header, &body, bytes))) {
        return;
    }
    notch_header_hash(&hash, core->options.domain, &header);
    if (notch__tree_find(&core->tree, &hash) == NULL) {
        accept_new(core, &hash, &header, bytes, 0, is_recovered);
    }
}

/* Every vote in a valid body is stored and counted, however many its voter has cast (8 S7). */
static void take_body(struct notch_consensus *core, struct notch__block *block)
{
    struct notch_vote vote;
    for (struct notch_votes_iter iter = notch_votes_iter(block->body.votes); notch_votes_next(&iter, &vote);) {
        const struct notch__set *set = notch__onchain_set(&block->parent->onchain, vote.data.set_id);
        notch__vote_take(core, &vote, set, NOTCH__FROM_BODY, 0);
    }
    for (uint32_t i = 0; i < block->body.n_headers; i++) {
        accept_header(core, notch_bytes(block->body.headers.data + (size_t)i * NOTCH_HEADER_LEN, NOTCH_HEADER_LEN),
                      block->is_recovered);
    }
}

/* 8 T3: whether the votes in a block show three quarters of a set in some slot. */
static bool has_voted_well(const struct notch__block *block)
{
    const struct notch__set *set = block->parent->onchain.set;
    for (uint32_t i = 0; i < block->tallies.count; i++) {
        struct notch__bits bits = {0};
        for (uint32_t k = 0; k < block->tallies.count; k++) {
            const struct notch_vote_data *data = &block->tallies.items[k].data;
            if (data->set_id == set->set.id && notch_slot_cmp(data->slot, block->tallies.items[i].data.slot) == 0) {
                notch__bits_or(&bits, &block->tallies.items[k].bits);
            }
        }
        if (4 * notch__bits_weight(&bits, &set->set) >= 3 * set->set.weight) {
            return true;
        }
    }
    return block->tallies.count == 0;
}

static void emit_execute(struct notch_consensus *core, const struct notch__block *block)
{
    struct notch_consensus_effect *effect = notch__emit(core, NOTCH_CONSENSUS_EXECUTE);
    effect->execute.hash = block->hash;
    effect->execute.header = block->header;
    effect->execute.block = notch_buf_bytes(&block->bytes);
    effect->execute.body = block->body;
    effect->execute.proposer_output = block->output;
    effect->execute.proposer = block->proposer;
    effect->execute.finalized = block->onchain.finalized.at;
    effect->execute.finalized_height = block->onchain.finalized_height;
    effect->execute.voted_well = has_voted_well(block);
    effect->execute.is_signal = (block->header.flags & NOTCH_HEADER_SIGNAL) != 0;
    if (effect->execute.is_signal) {
        effect->execute.next_set = block->onchain.next->set;
        effect->execute.next_reputations = block->onchain.next->reputations;
    }
}

/* The rules that need the parent: once it is valid and run. */
static bool check_context(struct notch_consensus *core, struct notch__block *block)
{
    if (block->is_checked) {
        return true;
    }
    struct notch_reject reject = notch__onchain_header(core, block);
    reject = notch_is_valid(reject) ? notch__onchain_votes(core, block) : reject;
    reject = notch_is_valid(reject) ? check_evidence(core, block) : reject;
    if (!notch_is_valid(reject)) {
        refuse(core, block, reject);
        return false;
    }
    block->is_checked = true;
    return true;
}

void notch__accept_progress(struct notch_consensus *core, struct notch__block *block)
{
    if (block->stage != NOTCH__STAGE_BODY) {
        return;
    }
    if (!block->is_fetching) {
        block->is_fetching = true;
        struct notch_consensus_effect *effect = notch__emit(core, NOTCH_CONSENSUS_FETCH);
        effect->fetch.hash = block->hash;
        effect->fetch.header = block->header;
        effect->fetch.body = block->body;
    }
    const struct notch__block *parent = block->parent;
    if (parent->stage == NOTCH__STAGE_INVALID) {
        block->stage = NOTCH__STAGE_INVALID;
        return;
    }
    if (parent->stage != NOTCH__STAGE_VALID || !parent->is_executed || !check_context(core, block)) {
        return;
    }
    if (!block->is_verified && !block->is_verifying) {
        block->is_verified = verify_votes(core, block);
    }
    if (!block->is_verified || !block->is_available) {
        return;
    }
    struct notch_reject reject = notch__onchain_advance(core, block);
    if (!notch_is_valid(reject)) {
        refuse(core, block, reject);
        return;
    }
    block->stage = NOTCH__STAGE_VALID;
    core->is_dirty = true;
    emit_execute(core, block);
    take_body(core, block);
}

void notch__accept_children(struct notch_consensus *core, struct notch__block *block)
{
    for (struct notch__block *child = block->first_child; child != NULL; child = child->next_sibling) {
        notch__accept_progress(core, child);
    }
    notch__accept_orphans(core);
}
