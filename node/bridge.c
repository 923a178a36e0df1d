/*
 * Consensus on one side, ledger and pool on the other. Consensus asks by effects; what answers it at once is kept as a
 * deferred event until its effects are drained, because effects point into it until the next event.
 */
#include "node/internal.h"

void notch__consensus_event(struct notch_node *node, struct notch_consensus_event *event, void *owned,
                            size_t owned_size)
{
    if (node->deferred_count == node->deferred_cap) {
        size_t cap = node->deferred_cap == 0 ? 16 : node->deferred_cap * 2;
        node->deferred = notch_realloc(node->alloc, node->deferred, node->deferred_cap * sizeof *node->deferred,
                                       cap * sizeof *node->deferred);
        node->deferred_cap = cap;
    }
    node->deferred[node->deferred_count++] =
        (struct notch__deferred){.event = *event, .owned = owned, .owned_size = owned_size};
}

/* The pool has changed: blocks may have all their batches now, and consensus hears how much there is to propose. */
void notch__bridge_pending(struct notch_node *node)
{
    notch__fetch_retry(node, false);
    if (node->pool.waiting == node->pending_told) {
        return;
    }
    node->pending_told = node->pool.waiting;
    struct notch_consensus_event event = {
        .type = NOTCH_CONSENSUS_EVENT_PENDING,
        .pending.batches = node->pool.waiting,
    };
    notch__consensus_event(node, &event, NULL, 0);
}

/* ---- EXECUTE ---- */

static void forget_block(struct notch_node *node, const struct notch_hash *hash)
{
    struct notch__block *block = notch_map_get(&node->blocks, hash);
    if (block != NULL) {
        notch_free(node->alloc, block->batches, block->batch_count * sizeof *block->batches);
        notch_map_remove(&node->blocks, hash);
    }
}

static void note_block(struct notch_node *node, const struct notch_consensus_effect *effect)
{
    bool added;
    struct notch__block *block = notch_map_put(&node->blocks, &effect->execute.hash, &added);
    if (!added) {
        return;
    }
    const struct notch_header *header = &effect->execute.header;
    block->ref = (struct notch_block_ref){effect->execute.hash, header->height, header->slot, header->time};
    block->parent = header->parent;
    block->changes_set = effect->execute.is_signal && !notch_hash_eq(&header->next_set_root, &header->set_root);
    block->batches = notch__copy_batches(node, &effect->execute.body);
    block->batch_count = effect->execute.body.n_batches;
    block->position = node->recover_position == NOTCH__NOT_RECOVERED ? notch__commit_body(node, effect->execute.block)
                                                                     : node->recover_position;
}

/* The bytes of a batch that is final already: from the body at its place. Appended to scratch_bodies. */
static enum notch_err read_final_batch(struct notch_node *node, struct notch_ledger_batch *out)
{
    struct notch_batch_place place;
    enum notch_err err = notch__find_final_batch(node, &place, &out->id);
    if (err != NOTCH_OK) {
        return err;
    }
    size_t start = node->scratch_bodies.len;
    err = node->options.view->body(node->options.view->self, &node->scratch_bodies, place.position);
    out->position = place.position;
    out->bytes = notch_bytes(NULL, node->scratch_bodies.len - start); /* the address is set when all are read */
    return err;
}

/* Fills `batches` for the block. Those that are read go one after the other into scratch_bodies. */
static enum notch_err gather_batches(struct notch_node *node, struct notch_ledger_batch *batches,
                                     const struct notch_body *body)
{
    notch_buf_clear(&node->scratch_bodies);
    for (uint32_t i = 0; i < body->n_batches; i++) {
        batches[i].id = notch_body_batch(body, i);
        const struct notch__batch *pooled = notch__pool_find(node, &batches[i].id);
        if (pooled != NULL) {
            batches[i].bytes = notch_buf_bytes(&pooled->bytes);
            batches[i].position = pooled->position;
            batches[i].record_ids = (const struct notch_hash *)(const void *)pooled->ids.data;
            continue;
        }
        enum notch_err err = read_final_batch(node, &batches[i]);
        if (err != NOTCH_OK) {
            return err;
        }
    }
    size_t at = 0;
    for (uint32_t i = 0; i < body->n_batches; i++) {
        if (batches[i].bytes.data == NULL) {
            batches[i].bytes.data = node->scratch_bodies.data + at;
            at += batches[i].bytes.len;
        }
    }
    return NOTCH_OK;
}

/* The reputations that the next set was made from: state writes, so that anybody can prove them. The arrays are
 * freed. */
static struct notch_state_write *reputation_writes(struct notch_node *node, struct notch_buf *bytes,
                                                   const struct notch_consensus_effect *effect)
{
    uint32_t count = effect->execute.next_set.count;
    struct notch_state_write *writes = notch_alloc_array(node->alloc, count, sizeof *writes);
    enum { KEY_LEN = 1 + 32 };
    (void)notch_buf_reserve(bytes, count * (KEY_LEN + NOTCH_UVAR_MAX)); /* so that the views stay where they are */
    for (uint32_t i = 0; i < count; i++) {
        const struct notch_key *member = &effect->execute.next_set.members[i].key;
        struct notch_store_key key = notch_state_key_32(NOTCH_STATE_REPUTATION, member->raw); /* Raw: part of a key */
        size_t at = bytes->len;
        notch_buf_append(bytes, key.data, key.len);
        struct notch_writer writer = notch_writer_grow(bytes);
        notch_write_uvar(&writer, effect->execute.next_reputations[i]);
        writes[i].key = notch_bytes(bytes->data + at, key.len);
        writes[i].value = notch_bytes(bytes->data + at + key.len, bytes->len - at - key.len);
    }
    return writes;
}

static enum notch_err run_block(struct notch_node *node, struct notch_ledger_result *result,
                                const struct notch_consensus_effect *effect)
{
    const struct notch__block *block = notch_map_get(&node->blocks, &effect->execute.hash);
    uint32_t count = effect->execute.body.n_batches;
    struct notch_ledger_batch *batches = notch_alloc_array(node->alloc, count + 1, sizeof *batches);
    enum notch_err err = gather_batches(node, batches, &effect->execute.body);
    struct notch_buf bytes;
    notch_buf_init(&bytes, node->alloc);
    uint32_t write_count = effect->execute.is_signal ? effect->execute.next_set.count : 0;
    struct notch_state_write *writes = write_count > 0 ? reputation_writes(node, &bytes, effect) : NULL;
    if (err == NOTCH_OK) {
        struct notch_ledger_block run = {
            .header = &effect->execute.header,
            .hash = effect->execute.hash,
            .position = block->position,
            .batches = batches,
            .batch_count = count,
            .writes = writes,
            .write_count = write_count,
            .next_set = effect->execute.is_signal ? &effect->execute.next_set : NULL,
            .is_paused = !effect->execute.voted_well,
            .vrf = effect->execute.proposer_output,
        };
        err = notch_ledger_execute(node->ledger, result, &run);
    }
    notch_buf_fini(&bytes);
    notch_free(node->alloc, writes, write_count * sizeof *writes);
    notch_free(node->alloc, batches, (count + 1) * sizeof *batches);
    return err;
}

static void on_execute(struct notch_node *node, const struct notch_consensus_effect *effect)
{
    note_block(node, effect);
    struct notch_ledger_result result;
    enum notch_err err = run_block(node, &result, effect);
    if (err != NOTCH_OK) {
        notch_log(node->options.log, NOTCH_LOG_ERROR, "node", "executing a block: %s", notch_err_text(err));
        notch__commit_failed(node, err);
        return;
    }
    struct notch_consensus_event event = {
        .type = NOTCH_CONSENSUS_EVENT_EXECUTED,
        .executed =
            {
                .hash = effect->execute.hash,
                .executed = {result.state_root, result.receipts_root, result.history_root},
                .change_count = result.change_count,
                .has_open_claims = result.open_claims > 0,
            },
    };
    size_t size = result.change_count * sizeof(struct notch_membership_change);
    struct notch_membership_change *changes = size == 0 ? NULL : notch_alloc(node->alloc, size);
    for (uint32_t i = 0; i < result.change_count; i++) {
        bool joins = result.changes[i].kind == NOTCH_MEMBER_JOIN;
        changes[i].kind = joins ? NOTCH_MEMBERSHIP_JOIN : NOTCH_MEMBERSHIP_LEAVE;
        changes[i].key = result.changes[i].key;
    }
    event.executed.changes = changes;
    notch__consensus_event(node, &event, changes, size);
}

/* ---- HEAD, FINAL, DROPPED ---- */

/* Marks the batches of the blocks from `tip` down to the fork as on the head's chain, or no more on it. */
static void mark_included(struct notch_node *node, const struct notch_hash *tip, struct notch_height fork,
                          bool included)
{
    const struct notch__block *block = notch_map_get(&node->blocks, tip);
    while (block != NULL && notch_height_cmp(block->ref.height, fork) > 0) {
        for (uint32_t i = 0; i < block->batch_count; i++) {
            struct notch__batch *batch = notch__pool_find(node, &block->batches[i]);
            if (batch != NULL) {
                uint64_t height = block->ref.height.raw; /* Raw: a plain number in the pool */
                notch__batch_set_included(node, batch, included ? height : 0);
            }
        }
        block = notch_map_get(&node->blocks, &block->parent);
    }
}

static void on_head(struct notch_node *node, const struct notch_consensus_effect *effect)
{
    mark_included(node, &node->head, effect->head.fork_height, false);
    mark_included(node, &effect->head.hash, effect->head.fork_height, true);
    node->head = effect->head.hash;
    notch__bridge_pending(node);
    const struct notch__block *block = notch_map_get(&node->blocks, &node->head);
    if (block != NULL && !node->starting) {
        notch__out(node, NOTCH_NODE_HEAD, 0, NULL)->block = block->ref;
    }
}

/* Body positions from here on are read again by a start from the new base. */
static uint64_t accounted_position(const struct notch_node *node, struct notch_height final)
{
    uint64_t accounted = notch__pool_oldest_position(node);
    size_t at = 0;
    void *value;
    while (notch_map_next(&node->blocks, &at, NULL, &value)) {
        const struct notch__block *block = value;
        if (notch_height_cmp(block->ref.height, final) > 0 && block->position < accounted) {
            accounted = block->position;
        }
    }
    return accounted;
}

/*
 * What proofs are made of (chain/proof.h): the newest certificate, and for good that of each set that handed over to
 * another one. The last block that a set makes final is its signal block, since none of its votes may aim behind it.
 */
static void put_certificate(struct notch_node *node, struct notch_commit *commit,
                            const struct notch_consensus_effect *effect, const struct notch__block *block)
{
    struct notch_votes_iter iter = notch_votes_iter(effect->final.cert);
    struct notch_vote vote;
    bool has_votes = notch_votes_next(&iter, &vote);
    notch_assert(has_votes); /* nothing is final without */
    struct notch_buf value;
    notch_buf_init(&value, node->alloc);
    struct notch_writer writer = notch_writer_grow(&value);
    notch_write_uvar(&writer, effect->final.height.raw); /* Raw: encoded */
    notch_write_bytes(&writer, effect->final.cert.data, effect->final.cert.len);
    struct notch_store_key key = notch_key_number(NOTCH_FLAT_CERTIFICATE, NOTCH_CERTIFICATE_NEWEST);
    notch_commit_put(commit, notch_store_key_bytes(&key), notch_buf_bytes(&value));
    if (block->changes_set) {
        key = notch_key_number(NOTCH_FLAT_CERTIFICATE, vote.data.set_id);
        notch_commit_put(commit, notch_store_key_bytes(&key), notch_buf_bytes(&value));
    }
    notch_buf_fini(&value);
}

static void mark_final(struct notch_node *node, const struct notch_hash *hash)
{
    const struct notch__block *block = notch_map_get(&node->blocks, hash);
    while (block != NULL) {
        for (uint32_t i = 0; i < block->batch_count; i++) {
            struct notch__batch *batch = notch__pool_find(node, &block->batches[i]);
            if (batch != NULL && batch->final_height == 0) {
                batch->final_height = block->ref.height.raw; /* Raw: a plain number in the pool */
            }
        }
        block = notch_map_get(&node->blocks, &block->parent);
    }
}

static void on_final(struct notch_node *node, const struct notch_consensus_effect *effect)
{
    const struct notch__block *block = notch_map_get(&node->blocks, &effect->final.hash);
    if (block == NULL) {
        return; /* the base itself: it is final already */
    }
    struct notch__commit *open = notch__commit_open(node);
    mark_final(node, &effect->final.hash);
    enum notch_err err = notch_ledger_finalize(node->ledger, &open->commit, &effect->final.hash,
                                               accounted_position(node, effect->final.height));
    if (err != NOTCH_OK) {
        notch__commit_failed(node, err);
        return;
    }
    put_certificate(node, &open->commit, effect, block);
    struct notch_store_key key = notch_key_begin(NOTCH_FLAT_CONSENSUS);
    notch_commit_put(&open->commit, notch_store_key_bytes(&key), effect->final.root);
    open->flushes = true;
    open->final = block->ref;
}

/* The keys of a final block are on disk: its batches and all blocks up to it can be forgotten. */
void notch__bridge_flushed(struct notch_node *node, const struct notch__commit *commit)
{
    notch_ledger_done(node->ledger, commit->commit.token);
    node->final = commit->final;
    uint64_t height = commit->final.height.raw; /* Raw: compared with plain numbers of the pool */
    notch__pool_remove_final(node, height);
    notch__bridge_pending(node);
    const struct notch__block *block = notch_map_get(&node->blocks, &commit->final.hash);
    while (block != NULL) {
        struct notch_hash hash = block->ref.hash;
        struct notch_hash parent = block->parent;
        forget_block(node, &hash);
        block = notch_map_get(&node->blocks, &parent);
    }
    notch__out(node, NOTCH_NODE_FINAL, 0, NULL)->block = commit->final;
}

void notch__bridge_batch_stored(struct notch_node *node, struct notch__batch *batch)
{
    batch->state = NOTCH__BATCH_STORED;
    if (node->options.validator != NULL) {
        notch__holder_add(batch, &node->options.validator->key);
    }
    if (batch->is_own) {
        notch__intake_stored(node, batch);
    } else {
        notch__stored_send(node, batch, 0);
        bool is_enough = notch__acks_enough(node, batch); /* its maker has it on disk, or would not have sent it (S2) */
        notch__intake_answer(node, batch, is_enough ? NOTCH_STATUS_STORED : NOTCH_STATUS_LOCAL);
    }
}

/* ---- the pump ---- */

static void on_send(struct notch_node *node, const struct notch_consensus_effect *effect)
{
    enum notch_node_message what = NOTCH_NODE_MESSAGE_VOTES;
    switch (effect->send.what) {
    case NOTCH_CONSENSUS_WHAT_BLOCK:
        what = NOTCH_NODE_MESSAGE_BLOCK;
        node->counts.blocks_proposed++;
        break;
    case NOTCH_CONSENSUS_WHAT_EVIDENCE:
        what = NOTCH_NODE_MESSAGE_EVIDENCE;
        break;
    case NOTCH_CONSENSUS_WHAT_VOTES:
        node->counts.votes_cast++;
        break;
    case NOTCH_CONSENSUS_WHAT_HEADER:
    case NOTCH_CONSENSUS_WHAT_CERT:
        break;
    }
    if (node->starting || effect->send.bytes.len == 0) {
        return; /* a certificate of nothing says nothing */
    }
    uint64_t after = effect->after == 0 ? 0 : notch__commit_of_waiter(node, effect->after);
    notch__send(node, effect->send.to, what, effect->send.bytes, after);
}

/*
 * What consensus lacks. While a chain is being taken up, blocks whose parent is not known yet will be linked by it:
 * going back from them one by one would ask for the same blocks again.
 */
static void on_consensus_request(struct notch_node *node, const struct notch_consensus_effect *effect)
{
    const struct notch_hash *hash = &effect->request.hash;
    bool is_body = notch_consensus_header(node->consensus, hash) != NULL;
    bool will_come = node->net.sync.is_active && !is_body;
    switch (effect->request.what) {
    case NOTCH_CONSENSUS_WHAT_BLOCK:
        if (!will_come) {
            notch__want(node, NOTCH_WANT_BLOCKS, hash, effect->request.peer);
        }
        break;
    case NOTCH_CONSENSUS_WHAT_HEADER:
        if (!will_come) {
            notch__want(node, NOTCH_WANT_HEADERS, hash, effect->request.peer);
        }
        break;
    case NOTCH_CONSENSUS_WHAT_CERT: {
        struct notch_want_message want = {
            .kind = NOTCH_WANT_CERTIFICATE,
            .slot = effect->request.from.slot,
            .count = 1,
            .hashes = effect->request.from.hash.raw, /* Raw: a list of one */
        };
        notch__want_send(node, effect->request.peer, &want);
        break;
    }
    case NOTCH_CONSENSUS_WHAT_VOTES:
    case NOTCH_CONSENSUS_WHAT_EVIDENCE:
        break;
    }
}

static void on_persist(struct notch_node *node, const struct notch_consensus_effect *effect)
{
    struct notch__commit *open = notch__commit_open(node);
    notch_commit_vote(&open->commit, effect->persist.entry);
    notch_buf_append(&open->waiters, &effect->token, sizeof effect->token);
}

/* While the bodies are gone through at start there is no other thread yet: checks are run here. */
static void on_verify(struct notch_node *node, const struct notch_consensus_effect *effect)
{
    if (!node->starting) {
        notch__job_send_checks(node, effect->token, effect->verify.checks, effect->verify.count);
        return;
    }
    size_t size = effect->verify.count * sizeof(struct notch_consensus_result);
    struct notch_consensus_result *results = notch_alloc(node->alloc, size);
    notch_consensus_verify(node->options.crypto, effect->verify.checks, effect->verify.count, results);
    struct notch_consensus_event event = {
        .type = NOTCH_CONSENSUS_EVENT_VERDICT,
        .verdict = {.token = effect->token, .results = results, .count = effect->verify.count},
    };
    notch__consensus_event(node, &event, results, size);
}

static void on_effect(struct notch_node *node, const struct notch_consensus_effect *effect)
{
    switch (effect->type) {
    case NOTCH_CONSENSUS_PERSIST:
        on_persist(node, effect);
        break;
    case NOTCH_CONSENSUS_SEND:
        on_send(node, effect);
        break;
    case NOTCH_CONSENSUS_VERIFY:
        on_verify(node, effect);
        break;
    case NOTCH_CONSENSUS_NEED_BATCHES:
        notch__pool_select(node, effect->token, &effect->need_batches.parent, effect->need_batches.time,
                           effect->need_batches.max);
        break;
    case NOTCH_CONSENSUS_FETCH:
        notch__fetch(node, effect);
        break;
    case NOTCH_CONSENSUS_EXECUTE:
        on_execute(node, effect);
        break;
    case NOTCH_CONSENSUS_HEAD:
        on_head(node, effect);
        break;
    case NOTCH_CONSENSUS_CONFIRMED:
        node->confirmed_height = effect->confirmed.height.raw; /* Raw: compared with the pool's plain numbers */
        break;
    case NOTCH_CONSENSUS_FINAL:
        on_final(node, effect);
        break;
    case NOTCH_CONSENSUS_DROPPED:
        notch__fetch_drop(node, &effect->dropped.hash);
        notch_ledger_drop(node->ledger, &effect->dropped.hash);
        forget_block(node, &effect->dropped.hash);
        break;
    case NOTCH_CONSENSUS_ALARM:
        notch__alarm(node, effect->alarm.text);
        break;
    case NOTCH_CONSENSUS_SET_CHANGE:
        notch_log(node->options.log, NOTCH_LOG_DEBUG, "node", "validator set %u is in force: %u members",
                  (unsigned)effect->set_change.set.id, (unsigned)effect->set_change.set.count);
        break;
    case NOTCH_CONSENSUS_REQUEST:
        on_consensus_request(node, effect);
        break;
    case NOTCH_CONSENSUS_SCORE:
        if (effect->score.peer != 0) {
            notch__peer_reject(node, effect->score.peer, NOTCH_NODE_MESSAGE_BLOCK, effect->score.reject);
        }
        break;
    case NOTCH_CONSENSUS_JUSTIFIED:
        break;
    }
}

static void drain(struct notch_node *node)
{
    struct notch_consensus_effect effect;
    while (notch_consensus_poll(node->consensus, &effect)) {
        on_effect(node, &effect);
    }
}

/* Gives consensus what waits for it, until neither side has anything left to say. */
void notch__consensus_run(struct notch_node *node)
{
    drain(node);
    for (size_t next = 0; next < node->deferred_count; next++) {
        struct notch__deferred item = node->deferred[next]; /* a copy: handling it may defer more */
        item.event.seq = ++node->consensus_seq;
        item.event.now = node->now;
        notch_consensus_handle(node->consensus, &item.event);
        notch_free(node->alloc, item.owned, item.owned_size);
        drain(node);
    }
    node->deferred_count = 0;
}

void notch__bridge_fini(struct notch_node *node)
{
    for (size_t i = 0; i < node->deferred_count; i++) {
        notch_free(node->alloc, node->deferred[i].owned, node->deferred[i].owned_size);
    }
    notch_free(node->alloc, node->deferred, node->deferred_cap * sizeof *node->deferred);
    notch__fetch_fini(node);
    size_t at = 0;
    void *value;
    while (notch_map_next(&node->blocks, &at, NULL, &value)) {
        struct notch__block *block = value;
        notch_free(node->alloc, block->batches, block->batch_count * sizeof *block->batches);
    }
    notch_map_fini(&node->blocks);
}
