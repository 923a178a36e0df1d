/*
 * Who is connected; what is sent to them, and what becomes of what they send. Nothing here believes a peer: form is
 * checked at once, what is signed goes through another thread, and what does not pass is a REJECT with their name.
 */
#include "base/fixed.h"
#include "node/internal.h"

static const struct notch_time never = {UINT64_MAX};

void notch__net_init(struct notch_node *node)
{
    struct notch__net *net = &node->net;
    notch_map_init(&net->wants, node->alloc, node->options.hash_key, sizeof(struct notch__want_key),
                   sizeof(struct notch__want), 0);
    net->want_due = never;
    net->heartbeat_due = never;
    net->ack_due = never;
}

void notch__net_fini(struct notch_node *node)
{
    struct notch__net *net = &node->net;
    notch_free(node->alloc, net->peers, net->peer_cap * sizeof *net->peers);
    notch_free(node->alloc, net->acks, net->ack_cap * sizeof(struct notch__batch *));
    notch_map_fini(&net->wants);
}

struct notch_time notch__after_ms(const struct notch_node *node, uint64_t ms)
{
    struct notch_time time;
    return notch_time_add_ms(&time, node->now, ms) == NOTCH_OK ? time : never;
}

/* ---- who ---- */

struct notch__peer *notch__peer_find(struct notch_node *node, uint64_t id)
{
    for (uint32_t i = 0; i < node->net.peer_count; i++) {
        if (node->net.peers[i].id == id) {
            return &node->net.peers[i];
        }
    }
    return NULL;
}

void notch__peer_up(struct notch_node *node, uint64_t id, const struct notch_key *key)
{
    notch_assert(id != 0);
    notch_assert(notch__peer_find(node, id) == NULL);
    struct notch__net *net = &node->net;
    if (net->peer_count == NOTCH__PEERS_MAX) {
        return; /* as if it were not there */
    }
    if (net->peer_count == net->peer_cap) {
        uint32_t cap = net->peer_cap == 0 ? 16 : net->peer_cap * 2;
        net->peers =
            notch_realloc(node->alloc, net->peers, net->peer_cap * sizeof *net->peers, cap * sizeof *net->peers);
        net->peer_cap = cap;
    }
    net->peers[net->peer_count++] = (struct notch__peer){.id = id, .key = *key};
    if (net->peer_count == 1) {
        net->heartbeat_due = notch__after_ms(node, node->options.heartbeat_ms);
    }
    notch__status_send(node, id);
    notch__have_send(node, id);
}

void notch__peer_down(struct notch_node *node, uint64_t id)
{
    struct notch__net *net = &node->net;
    struct notch__peer *peer = notch__peer_find(node, id);
    if (peer == NULL) {
        return;
    }
    size_t behind = (size_t)(net->peers + net->peer_count - (peer + 1));
    memmove(peer, peer + 1, behind * sizeof *peer);
    net->peer_count--;
    if (net->sync.peer == id) {
        net->sync.is_active = false;
    }
    if (net->peer_count == 0) {
        net->heartbeat_due = never;
    }
}

void notch__peer_reject(struct notch_node *node, uint64_t id, enum notch_node_message what, struct notch_reject reject)
{
    struct notch__peer *peer = notch__peer_find(node, id);
    if (peer == NULL) {
        return; /* it is gone meanwhile */
    }
    peer->rejected++;
    struct notch_node_effect *effect = notch__out(node, NOTCH_NODE_REJECT, 0, NULL);
    effect->reject.peer = id;
    effect->reject.what = what;
    effect->reject.reject = reject;
}

/* ---- out ---- */

void notch__send(struct notch_node *node, uint64_t to, enum notch_node_message what, struct notch_bytes bytes,
                 uint64_t after)
{
    notch_assert(bytes.len > 0);
    void *copy;
    struct notch_node_effect *effect = notch__out(node, NOTCH_NODE_SEND, bytes.len, &copy);
    memcpy(copy, bytes.data, bytes.len);
    effect->after = after;
    effect->send.to = to;
    effect->send.what = what;
    effect->send.bytes = notch_bytes(copy, bytes.len);
}

/* ---- in ---- */

static void give_consensus(struct notch_node *node, uint64_t peer, enum notch_consensus_event_type type,
                           struct notch_bytes bytes)
{
    uint8_t *copy = notch_alloc(node->alloc, bytes.len);
    memcpy(copy, bytes.data, bytes.len);
    struct notch_bytes kept = notch_bytes(copy, bytes.len);
    struct notch_consensus_event event = {.type = type, .peer = peer};
    if (type == NOTCH_CONSENSUS_EVENT_BLOCK) {
        event.block.bytes = kept;
    } else if (type == NOTCH_CONSENSUS_EVENT_VOTES) {
        event.votes.bytes = kept;
    } else {
        event.evidence.bytes = kept;
    }
    notch__consensus_event(node, &event, copy, bytes.len);
}

static void on_block(struct notch_node *node, uint64_t peer, struct notch_bytes bytes)
{
    struct notch_header header;
    struct notch_bytes body;
    struct notch_reject reject = notch_block_split(&header, &body, bytes);
    if (!notch_is_valid(reject)) {
        notch__peer_reject(node, peer, NOTCH_NODE_MESSAGE_BLOCK, reject);
        return;
    }
    struct notch_hash hash;
    notch_header_hash(&hash, node->options.domain, &header);
    notch__want_done(node, NOTCH_WANT_HEADERS, &hash);
    if (body.len > 0) {
        notch__want_done(node, NOTCH_WANT_BLOCKS, &hash);
        notch__sync_block(node, peer, &hash, &header.parent);
        node->net.block_peer = peer;
    }
    give_consensus(node, peer, NOTCH_CONSENSUS_EVENT_BLOCK, bytes);
}

/* Whether a batch that nobody asked for is taken: from a maker that is a validator here, and not from the future. */
static bool is_welcome(const struct notch_node *node, const struct notch_batch *batch)
{
    struct notch_consensus_status status;
    notch_consensus_status(node->consensus, &status);
    struct notch_time latest = notch__after_ms(node, node->options.genesis->delta_ms / 2);
    return notch_set_index(&status.set, &batch->maker) != NOTCH_SET_NO_MEMBER && notch_time_cmp(batch->ts, latest) <= 0;
}

static void on_batch(struct notch_node *node, uint64_t peer, struct notch_bytes bytes)
{
    struct notch_batch batch;
    struct notch_reject reject = notch_batch_decode(&batch, bytes);
    if (!notch_is_valid(reject)) {
        notch__peer_reject(node, peer, NOTCH_NODE_MESSAGE_BATCH, reject);
        return;
    }
    notch_batch_hash(&batch, node->options.domain);
    const struct notch__batch *known = notch__pool_find(node, &batch.id);
    if (known != NULL) {
        const struct notch__peer *from = notch__peer_find(node, peer);
        if (known->state == NOTCH__BATCH_STORED && notch_key_eq(&from->key, &known->maker)) {
            notch__stored_send(node, known, peer); /* it did not hear of it the first time */
        }
        return;
    }
    struct notch_batch_place place;
    bool is_wanted = notch__is_wanted(node, NOTCH_WANT_BATCHES, &batch.id);
    if ((!is_wanted && !is_welcome(node, &batch)) || notch__job_has_batch(node, &batch.id) ||
        node->net.batch_checks == NOTCH__BATCH_CHECKS_MAX ||
        notch__find_final_batch(node, &place, &batch.id) == NOTCH_OK) {
        return; /* what is dropped here comes again: a HAVE names it, or a block */
    }
    node->net.batch_checks++;
    notch__job_send_batch(node, bytes, peer);
}

/* Back from the other thread. */
void notch__batch_checked(struct notch_node *node, struct notch_node_batch_check *check, uint64_t peer)
{
    node->net.batch_checks--;
    if (!notch_is_valid(check->reject)) {
        notch__peer_reject(node, peer, NOTCH_NODE_MESSAGE_BATCH, check->reject);
        return;
    }
    if (node->failed || notch__pool_find(node, &check->batch.id) != NULL) {
        return;
    }
    struct notch__batch *batch = notch__batch_new(node);
    batch->id = check->batch.id;
    batch->maker = check->batch.maker;
    batch->seq = check->batch.seq;
    batch->ts = check->batch.ts;
    batch->oldest = node->now;
    notch_buf_append(&batch->bytes, check->bytes.data, check->bytes.len);
    for (uint32_t i = 0; i < check->batch.record_count; i++) {
        notch__pool_note_record(node, batch, &check->records[i].id, &check->salt_hashes[i]);
    }
    batch->position = notch__commit_body(node, check->bytes);
    batch->commit = node->commit_open;
    batch->state = NOTCH__BATCH_WRITING;
    notch__holder_add(batch, &batch->maker);
    notch__pool_add(node, batch);
    notch__want_done(node, NOTCH_WANT_BATCHES, &batch->id);
    notch__bridge_pending(node);
}

static void on_have(struct notch_node *node, uint64_t peer, const struct notch_have_message *message)
{
    for (uint32_t i = 0; i < message->count; i++) {
        struct notch_hash id = notch_message_hash(message->hashes, i);
        struct notch_batch_place place;
        if (notch__pool_find(node, &id) == NULL && !notch__job_has_batch(node, &id) &&
            notch__find_final_batch(node, &place, &id) != NOTCH_OK) {
            notch__want(node, NOTCH_WANT_BATCHES, &id, peer);
        }
    }
}

static struct notch_reject take(struct notch_node *node, struct notch__peer *peer, enum notch_node_message what,
                                struct notch_bytes bytes)
{
    struct notch_reject reject = NOTCH_VALID;
    struct notch_want_message want;
    struct notch_have_message have;
    struct notch_stored_message stored;
    switch (what) {
    case NOTCH_NODE_MESSAGE_BATCH:
        on_batch(node, peer->id, bytes);
        break;
    case NOTCH_NODE_MESSAGE_BLOCK:
        on_block(node, peer->id, bytes);
        break;
    case NOTCH_NODE_MESSAGE_VOTES:
        give_consensus(node, peer->id, NOTCH_CONSENSUS_EVENT_VOTES, bytes);
        break;
    case NOTCH_NODE_MESSAGE_EVIDENCE:
        give_consensus(node, peer->id, NOTCH_CONSENSUS_EVENT_EVIDENCE, bytes);
        break;
    case NOTCH_NODE_MESSAGE_STATUS:
        reject = notch_status_message_decode(&peer->status, bytes);
        peer->has_status = notch_is_valid(reject);
        if (peer->has_status) {
            notch__status_taken(node, peer);
        }
        break;
    case NOTCH_NODE_MESSAGE_WANT:
        reject = notch_want_message_decode(&want, bytes);
        if (notch_is_valid(reject)) {
            notch__want_answer(node, peer->id, &want);
        }
        break;
    case NOTCH_NODE_MESSAGE_HAVE:
        reject = notch_have_message_decode(&have, bytes);
        if (notch_is_valid(reject)) {
            on_have(node, peer->id, &have);
        }
        break;
    case NOTCH_NODE_MESSAGE_STORED:
        reject = notch_stored_message_decode(&stored, bytes);
        if (notch_is_valid(reject)) {
            notch__stored_taken(node, &stored, peer->id);
        }
        break;
    }
    return reject;
}

void notch__message(struct notch_node *node, uint64_t id, enum notch_node_message what, struct notch_bytes bytes)
{
    struct notch__peer *peer = notch__peer_find(node, id);
    if (peer == NULL || node->failed) {
        return; /* it went down while this was under way; without a disk nothing is taken */
    }
    struct notch_reject reject = bytes.len > 0 ? take(node, peer, what, bytes) : NOTCH_REJECT(EMPTY, "message");
    if (!notch_is_valid(reject)) {
        notch__peer_reject(node, id, what, reject);
    }
}

/* ---- time ---- */

void notch__net_run(struct notch_node *node)
{
    struct notch__net *net = &node->net;
    if (notch_time_cmp(node->now, net->heartbeat_due) >= 0) {
        net->heartbeat_due = notch__after_ms(node, node->options.heartbeat_ms);
        for (uint32_t i = 0; i < net->peer_count; i++) {
            notch__status_send(node, net->peers[i].id);
            notch__have_send(node, net->peers[i].id);
        }
        notch__fetch_retry(node, true);
    }
    if (net->ack_count > 0) {
        notch__acks_run(node);
    }
    if (net->sync.is_active) {
        notch__sync_run(node);
    }
    notch__wants_run(node);
}

struct notch_time notch__net_deadline(const struct notch_node *node)
{
    const struct notch__net *net = &node->net;
    struct notch_time first = net->heartbeat_due;
    bool asks = net->peer_count > 0;
    if (asks && notch_time_cmp(net->want_due, first) < 0) {
        first = net->want_due;
    }
    if (net->ack_count > 0 && notch_time_cmp(net->ack_due, first) < 0) {
        first = net->ack_due;
    }
    if (net->sync.is_active && notch_time_cmp(net->sync.until, first) < 0) {
        first = net->sync.until;
    }
    return first;
}
