/*
 * Taking up the chain: the base from the keys, then every body behind it once more. A batch goes back to the pool, a
 * block through consensus as if a peer had sent it, so nothing is believed that was not checked.
 */
#include "chain/weights.h"
#include "node/internal.h"

struct votes {
    struct notch_buf bytes;
    struct notch_buf lens; /* size_t each */
};

static bool keep_vote(void *arg, struct notch_bytes key, struct notch_bytes value)
{
    (void)key;
    struct votes *votes = arg;
    notch_buf_append(&votes->bytes, value.data, value.len);
    notch_buf_append(&votes->lens, &value.len, sizeof value.len);
    return true;
}

static void give_start(struct notch_node *node, const struct votes *votes, bool lost, struct notch_bytes root)
{
    size_t count = votes->lens.len / sizeof(size_t);
    struct notch_bytes *entries = notch_alloc_array(node->alloc, count + 1, sizeof *entries);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        size_t len;
        memcpy(&len, votes->lens.data + i * sizeof len, sizeof len);
        entries[i] = notch_bytes(votes->bytes.data + at, len);
        at += len;
    }
    const struct notch_ledger_result *base = notch_ledger_base(node->ledger);
    struct notch_consensus_event event = {
        .type = NOTCH_CONSENSUS_EVENT_START,
        .seq = ++node->consensus_seq,
        .now = node->now,
        .start =
            {
                .root = root,
                .executed = {base->state_root, base->receipts_root, base->history_root},
                .vote_log = entries,
                .vote_log_count = count,
                .is_vote_log_lost = lost,
            },
    };
    notch_consensus_handle(node->consensus, &event);
    notch_free(node->alloc, entries, (count + 1) * sizeof *entries);
    notch__consensus_run(node);
}

/* The vote log and the consensus root of the base go to consensus. */
static enum notch_err start_consensus(struct notch_node *node, bool is_fresh)
{
    const struct notch_store_view *view = node->options.view;
    struct votes votes;
    struct notch_buf root;
    notch_buf_init(&votes.bytes, node->alloc);
    notch_buf_init(&votes.lens, node->alloc);
    notch_buf_init(&root, node->alloc);
    enum notch_err err = view->votes(view->self, keep_vote, &votes);
    bool lost = err == NOTCH_ERR_CORRUPT;
    if (lost || err == NOTCH_ERR_NOT_FOUND) {
        err = NOTCH_OK;
    }
    /* A chain without a vote log was restored from a backup, or its log is gone: what was signed is not known. */
    const struct notch_ledger_result *base = notch_ledger_base(node->ledger);
    bool has_blocks = base->height.raw > 0; /* Raw: whether anything was ever voted for */
    lost = lost || (votes.lens.len == 0 && has_blocks && node->options.validator != NULL);
    if (err == NOTCH_OK && !is_fresh) {
        struct notch_store_key key = notch_key_begin(NOTCH_FLAT_CONSENSUS);
        err = view->get(view->self, &root, notch_store_key_bytes(&key));
        if (err == NOTCH_ERR_NOT_FOUND) {
            err = has_blocks ? NOTCH_ERR_CORRUPT : NOTCH_OK;
        }
    }
    if (err == NOTCH_OK) {
        give_start(node, &votes, lost, notch_buf_bytes(&root));
    }
    notch_buf_fini(&votes.bytes);
    notch_buf_fini(&votes.lens);
    notch_buf_fini(&root);
    return err;
}

/*
 * A body is a batch or a block. Both are signed over their whole form, so bytes that are one cannot be made to pass for
 * the other: a batch is what decodes as one and carries its maker's signature.
 */
static enum notch_err take_up(struct notch_node *node, struct notch_bytes body, uint64_t position)
{
    struct notch_batch batch;
    if (notch_is_valid(notch_batch_check_header(&batch, body, &node->rules))) {
        const struct notch_signer *self = node->options.validator;
        bool is_own = self != NULL && notch_key_eq(&self->key, &batch.maker);
        if (is_own && batch.seq > node->intake.seq_last) {
            node->intake.seq_last = batch.seq;
        }
        return notch__pool_recover(node, &batch, position);
    }
    node->recover_position = position;
    struct notch_consensus_event event = {
        .type = NOTCH_CONSENSUS_EVENT_BLOCK,
        .block = {.bytes = body, .is_recovered = true},
    };
    notch__bridge_pending(node);
    notch__consensus_event(node, &event, NULL, 0);
    notch__consensus_run(node);
    node->recover_position = NOTCH__NOT_RECOVERED;
    return node->failed ? node->failure : NOTCH_OK;
}

static enum notch_err take_up_bodies(struct notch_node *node, notch_node_progress progress, void *arg)
{
    const struct notch_store_view *view = node->options.view;
    uint64_t first = notch_ledger_base(node->ledger)->accounted;
    struct notch_buf body;
    notch_buf_init(&body, node->alloc);
    enum notch_err err = NOTCH_OK;
    for (uint64_t at = first; at < node->bodies && err == NOTCH_OK; at++) {
        notch_buf_clear(&body);
        err = view->body(view->self, &body, at);
        if (err == NOTCH_OK) {
            err = take_up(node, notch_buf_bytes(&body), at);
        }
        if (progress != NULL) {
            progress(arg, at - first + 1, node->bodies - first);
        }
    }
    notch_buf_fini(&body);
    return err;
}

static void note_final(struct notch_node *node)
{
    const struct notch_ledger_result *base = notch_ledger_base(node->ledger);
    node->final = (struct notch_block_ref){base->block, base->height, base->slot, base->time};
    node->head = base->block;
}

/* Set 0 is a function of the genesis. */
static enum notch_err begin_chain(struct notch_node *node, struct notch_commit *commit)
{
    const struct notch_genesis *genesis = node->options.genesis;
    uint32_t count = genesis->member_count;
    uint64_t *weights = notch_alloc_array(node->alloc, count, sizeof *weights);
    struct notch_member *members = notch_alloc_array(node->alloc, count, sizeof *members);
    notch_weights_of_genesis(weights, genesis);
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (weights[i] > 0) {
            members[used++] = (struct notch_member){genesis->members[i].key, weights[i]};
        }
    }
    struct notch_set set;
    struct notch_reject reject = notch_set_make(&set, node->options.domain, 0, members, used);
    enum notch_err err = NOTCH_ERR_INVALID;
    if (notch_is_valid(reject)) {
        err = notch_ledger_genesis(node->ledger, commit, node->options.view, &set, NULL, 0);
    }
    notch_free(node->alloc, weights, count * sizeof *weights);
    notch_free(node->alloc, members, count * sizeof *members);
    return err;
}

enum notch_err notch_node_start(struct notch_node *node, struct notch_time now, notch_node_progress progress, void *arg)
{
    notch_assert(!node->started);
    node->now = now;
    node->starting = true;
    const struct notch_store_view *view = node->options.view;
    node->bodies = view->body_count(view->self);
    struct notch__commit *open = notch__commit_open(node);
    open->commit.body_first = node->bodies;
    enum notch_err err = notch_ledger_open(node->ledger, view);
    bool is_fresh = err == NOTCH_ERR_NOT_FOUND;
    if (is_fresh) {
        err = begin_chain(node, &open->commit);
        open->flushes = true;
    }
    if (err == NOTCH_OK) {
        note_final(node);
        open->final = node->final;
        err = start_consensus(node, is_fresh);
    }
    if (err == NOTCH_OK) {
        err = take_up_bodies(node, progress, arg);
    }
    if (err != NOTCH_OK) {
        return err;
    }
    node->starting = false;
    struct notch_consensus_event event = {.type = NOTCH_CONSENSUS_EVENT_RECOVERED};
    notch__consensus_event(node, &event, NULL, 0);
    notch__bridge_pending(node);
    notch__consensus_run(node);
    node->started = true;
    return NOTCH_OK;
}
