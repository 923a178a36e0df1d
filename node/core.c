/*
 * The one machine. This file is its door: options, events in, effects out. What an event causes is in intake.c
 * (records), bridge.c (blocks), commits.c (the disk), jobs.c (other threads) and publish.c (what this node signs
 * itself).
 */
#include "node/core.h"

#include "node/apply_table.h"
#include "node/internal.h"

enum {
    IN_FLIGHT_DEFAULT = 16384,
    IN_FLIGHT_BYTES_DEFAULT = 64 << 20,
    BATCH_DELAY_MS_DEFAULT = 25,
    LAYERS_DEFAULT = 1024,
    ACKNOWLEDGE_MS_DEFAULT = 2000,
};

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value == 0 ? otherwise : value;
}

static void set_defaults(struct notch_node_options *options)
{
    options->in_flight_max = or_default(options->in_flight_max, IN_FLIGHT_DEFAULT);
    options->in_flight_bytes_max = or_default(options->in_flight_bytes_max, IN_FLIGHT_BYTES_DEFAULT);
    options->batch_delay_ms = or_default(options->batch_delay_ms, BATCH_DELAY_MS_DEFAULT);
    options->layers_max = or_default(options->layers_max, LAYERS_DEFAULT);
    options->retry_ms = or_default(options->retry_ms, 2 * options->genesis->delta_ms);
    options->heartbeat_ms = or_default(options->heartbeat_ms, 16 * options->genesis->delta_ms);
    options->acknowledge_ms = or_default(options->acknowledge_ms, ACKNOWLEDGE_MS_DEFAULT);
}

/* A secret that is no key, or not the key that it is said to be, is found here and not at the first batch. */
static bool signer_works(const struct notch_node_options *options, const struct notch_signer *signer)
{
    if (signer == NULL) {
        return true;
    }
    struct notch_key key;
    const struct notch_crypto *crypto = options->crypto;
    return crypto->key_of_secret(crypto->self, &key, signer->secret) && notch_key_eq(&key, &signer->key);
}

static enum notch_err create_parts(struct notch_node *node)
{
    const struct notch_node_options *options = &node->options;
    size_t row_count;
    const struct notch_apply_row *rows = notch_node_apply_table(&row_count);
    struct notch_ledger_options ledger = {
        .genesis = options->genesis,
        .domain = options->domain,
        .alloc = options->alloc,
        .hash_key = options->hash_key,
        .rows = rows,
        .row_count = row_count,
        .layers_max = options->layers_max,
    };
    enum notch_err err = notch_ledger_create(&node->ledger, &ledger);
    if (err != NOTCH_OK) {
        return err;
    }
    struct notch_consensus_options consensus = {
        .genesis = options->genesis,
        .domain = options->domain,
        .crypto = options->crypto,
        .signer = options->validator,
        .alloc = options->alloc,
        .log = options->log,
        .hash_key = options->hash_key,
        .clock_is_trusted = options->clock_is_trusted,
    };
    notch_consensus_create(&node->consensus, &consensus);
    return NOTCH_OK;
}

enum notch_err notch_node_create(const struct notch_node_options *options, struct notch_node **out)
{
    if (!signer_works(options, options->validator) || !signer_works(options, options->author)) {
        return NOTCH_ERR_CRYPTO;
    }
    struct notch_node *node = notch_alloc(options->alloc, sizeof *node);
    node->options = *options;
    set_defaults(&node->options);
    node->alloc = options->alloc;
    node->rules = notch_genesis_rules(options->genesis, options->domain, options->crypto);
    node->recover_position = NOTCH__NOT_RECOVERED;
    node->commit_first = 1;
    node->commit_open = 1;
    for (size_t i = 0; i < NOTCH__COMMITS_MAX; i++) {
        notch_commit_init(&node->commits[i].commit, node->alloc);
        notch_buf_init(&node->commits[i].waiters, node->alloc);
    }
    notch__commit_open(node)->commit.token = node->commit_open;
    notch_buf_init(&node->scratch, node->alloc);
    notch_buf_init(&node->scratch_bodies, node->alloc);
    notch_map_init(&node->blocks, node->alloc, options->hash_key, sizeof(struct notch_hash),
                   sizeof(struct notch__block), 0);
    notch__pool_init(node);
    notch__intake_init(node);
    notch__net_init(node);
    enum notch_err err = create_parts(node);
    if (err != NOTCH_OK) {
        notch_node_destroy(node);
        return err;
    }
    *out = node;
    return NOTCH_OK;
}

void notch_node_destroy(struct notch_node *node)
{
    if (node == NULL) {
        return;
    }
    notch_free(node->alloc, node->polled_owned, node->polled_owned_size);
    for (size_t i = 0; i < node->out_count; i++) {
        struct notch__out *item = &node->outbox[(node->out_head + i) % node->out_cap];
        notch_free(node->alloc, item->owned, item->owned_size);
    }
    notch_free(node->alloc, node->outbox, node->out_cap * sizeof *node->outbox);
    notch__node_jobs_fini(node);
    notch__intake_fini(node);
    notch__bridge_fini(node);
    notch__net_fini(node);
    notch__pool_fini(node);
    for (size_t i = 0; i < NOTCH__COMMITS_MAX; i++) {
        notch_commit_fini(&node->commits[i].commit);
        notch_buf_fini(&node->commits[i].waiters);
    }
    notch_buf_fini(&node->scratch);
    notch_buf_fini(&node->scratch_bodies);
    if (node->consensus != NULL) {
        notch_consensus_destroy(node->consensus);
    }
    if (node->ledger != NULL) {
        notch_ledger_destroy(node->ledger);
    }
    notch_free(node->alloc, node, sizeof *node);
}

static void on_operate(struct notch_node *node, const struct notch_request *request)
{
    struct notch_consensus_event event = {.type = NOTCH_CONSENSUS_EVENT_OPERATOR};
    switch (request->operate) {
    case NOTCH_OPERATE_VOTE_RESET:
        event.operator_.command = NOTCH_CONSENSUS_VOTE_RESET;
        break;
    case NOTCH_OPERATE_CLOCK_IS_RIGHT:
        event.operator_.command = NOTCH_CONSENSUS_CLOCK_TRUSTED;
        break;
    }
    notch__consensus_event(node, &event, NULL, 0);
    notch__reply_error(node, request, NOTCH_OK);
}

static void on_request(struct notch_node *node, const struct notch_request *request)
{
    switch (request->type) {
    case NOTCH_REQUEST_SUBMIT:
        notch__intake_submit(node, request, request->submit.records, request->submit.count);
        return;
    case NOTCH_REQUEST_PUBLISH:
    case NOTCH_REQUEST_SIGN:
    case NOTCH_REQUEST_NEED:
        notch__publish(node, request);
        return;
    case NOTCH_REQUEST_STATUS:
        notch__reply_status(node, request);
        return;
    case NOTCH_REQUEST_VALIDATORS:
        notch__reply_validators(node, request);
        return;
    case NOTCH_REQUEST_FINALITY:
        notch__reply_finality(node, request);
        return;
    case NOTCH_REQUEST_OPERATE:
        on_operate(node, request);
        return;
    }
    notch_unreachable();
}

static void tick_consensus(struct notch_node *node)
{
    if (notch_time_cmp(node->now, notch_consensus_deadline(node->consensus)) >= 0) {
        struct notch_consensus_event event = {.type = NOTCH_CONSENSUS_EVENT_TICK};
        notch__consensus_event(node, &event, NULL, 0);
    }
}

void notch_node_handle(struct notch_node *node, const struct notch_node_event *event)
{
    notch_assert(node->started);
    notch_assert(!node->inside);
    notch_assert(event->seq == node->seq + 1);
    node->inside = true;
    node->seq = event->seq;
    if (notch_time_cmp(event->now, node->now) > 0) {
        node->now = event->now;
    }
    switch (event->type) {
    case NOTCH_NODE_TICK:
        break;
    case NOTCH_NODE_REQUEST:
        on_request(node, event->request);
        break;
    case NOTCH_NODE_WORKED:
        notch__job_worked(node, event->token);
        break;
    case NOTCH_NODE_DONE:
        notch__commit_done(node, event->token);
        break;
    case NOTCH_NODE_FAILED:
        notch__commit_failed(node, event->failed.err);
        break;
    case NOTCH_NODE_PEER_UP:
        notch__peer_up(node, event->peer_up.peer, &event->peer_up.key);
        break;
    case NOTCH_NODE_PEER_DOWN:
        notch__peer_down(node, event->peer_down);
        break;
    case NOTCH_NODE_MESSAGE:
        notch__message(node, event->message.peer, event->message.what, event->message.bytes);
        break;
    }
    notch__intake_flush_if_due(node);
    tick_consensus(node);
    notch__consensus_run(node);
    notch__net_run(node);
    notch__consensus_run(node);
    node->inside = false;
}

static void take(struct notch_node *node, struct notch_node_effect *effect)
{
    struct notch__out *item = &node->outbox[node->out_head];
    *effect = item->effect;
    node->polled_owned = item->owned;
    node->polled_owned_size = item->owned_size;
    node->out_head = (node->out_head + 1) % node->out_cap;
    node->out_count--;
}

bool notch_node_poll(struct notch_node *node, struct notch_node_effect *effect)
{
    notch_assert(!node->inside);
    notch_free(node->alloc, node->polled_owned, node->polled_owned_size);
    node->polled_owned = NULL;
    if (node->out_count == 0) {
        notch__job_send_records(node);
    }
    if (node->out_count == 0 && !node->failed && notch__commit_room(node) &&
        !notch_commit_is_empty(&notch__commit_open(node)->commit)) {
        notch__commit_seal(node);
    }
    if (node->out_count == 0) {
        return false;
    }
    take(node, effect);
    return true;
}

struct notch_time notch_node_deadline(const struct notch_node *node)
{
    struct notch_time consensus = notch_consensus_deadline(node->consensus);
    struct notch_time intake = notch__intake_deadline(node);
    struct notch_time net = notch__net_deadline(node);
    struct notch_time first = notch_time_cmp(intake, consensus) < 0 ? intake : consensus;
    return notch_time_cmp(net, first) < 0 ? net : first;
}

void notch_node_info(const struct notch_node *node, struct notch_node_info *out)
{
    struct notch_consensus_status status;
    notch_consensus_status(node->consensus, &status);
    const struct notch_ledger_result *base = notch_ledger_base(node->ledger);
    *out = node->counts;
    notch__finality_info(node, &out->finality_state);
    if (node->options.validator != NULL) {
        out->validator = node->options.validator->key;
    }
    if (node->options.author != NULL) {
        out->author = node->options.author->key;
    }
    out->slot = status.slot;
    out->now = node->now;
    out->records = base->records_total;
    out->entries = base->entries_total;
    out->pending_batches = node->pool.order_count;
    out->pending_records = node->pool.record_count;
    out->in_flight = node->intake.records;
    out->voting = status.is_voting;
    out->taking_records = !node->failed && node->options.validator != NULL;
    out->peers = node->net.peer_count;
    out->alone = status.set.count > 1 && out->peers == 0;
    out->quiet = status.is_quiet;
}
