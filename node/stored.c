/*
 * Receipts (design/consensus.md 8, A1): a record is acknowledged when validators with more than a third of the weight,
 * two of them at least where there are two, have its batch on disk. Receipts are on no voting path: without them a
 * record becomes final all the same, its sender is only told less.
 */
#include "node/internal.h"

static const struct notch_time never = {UINT64_MAX};

void notch__holder_add(struct notch__batch *batch, const struct notch_key *key)
{
    for (size_t at = 0; at < batch->holders.len; at += sizeof *key) {
        if (memcmp(batch->holders.data + at, key, sizeof *key) == 0) {
            return;
        }
    }
    notch_buf_append(&batch->holders, key, sizeof *key);
}

/* Whether enough validators have it on disk. We are one of those that must. */
bool notch__acks_enough(const struct notch_node *node, const struct notch__batch *batch)
{
    struct notch_consensus_status status;
    notch_consensus_status(node->consensus, &status);
    uint64_t weight = 0;
    uint32_t count = 0;
    for (size_t at = 0; at < batch->holders.len; at += sizeof(struct notch_key)) {
        struct notch_key key;
        memcpy(&key, batch->holders.data + at, sizeof key);
        uint64_t of_key = notch_set_weight_of(&status.set, &key);
        weight += of_key;
        count += of_key > 0;
    }
    uint32_t least = status.set.count > 1 ? 2 : 1;
    return batch->state == NOTCH__BATCH_STORED && count >= least && notch_set_is_third(&status.set, weight);
}

/* ---- ours: waiting for others ---- */

/* False where there is nobody to wait for. */
bool notch__acks_wait(struct notch_node *node, struct notch__batch *batch)
{
    struct notch__net *net = &node->net;
    if (net->peer_count == 0 || node->failed) {
        return false;
    }
    if (net->ack_count == net->ack_cap) {
        size_t cap = net->ack_cap == 0 ? 16 : net->ack_cap * 2;
        net->acks = notch_realloc(node->alloc, net->acks, net->ack_cap * sizeof(struct notch__batch *),
                                  cap * sizeof(struct notch__batch *));
        net->ack_cap = cap;
    }
    net->acks[net->ack_count++] = batch;
    batch->is_waiting = true;
    batch->ack_until = notch__after_ms(node, node->options.acknowledge_ms);
    batch->resend_due = notch__after_ms(node, 2 * (uint64_t)node->options.retry_ms);
    net->ack_due = notch_time_cmp(batch->resend_due, net->ack_due) < 0 ? batch->resend_due : net->ack_due;
    return true;
}

static void answer(struct notch_node *node, struct notch__batch *batch, enum notch_record_status status)
{
    struct notch__net *net = &node->net;
    size_t at = 0;
    while (at < net->ack_count && net->acks[at] != batch) {
        at++;
    }
    notch_assert(at < net->ack_count);
    net->ack_count--;
    memmove(&net->acks[at], &net->acks[at + 1], (net->ack_count - at) * sizeof(struct notch__batch *));
    batch->is_waiting = false;
    notch__intake_answer(node, batch, status);
}

/* The batch goes because a final block has it: that is more than any receipt says. */
void notch__acks_forget(struct notch_node *node, struct notch__batch *batch)
{
    if (batch->is_waiting && !node->failed) {
        answer(node, batch, NOTCH_STATUS_FINAL);
    }
}

static bool has_said(const struct notch__batch *batch, const struct notch_key *key)
{
    for (size_t at = 0; at < batch->holders.len; at += sizeof *key) {
        if (memcmp(batch->holders.data + at, key, sizeof *key) == 0) {
            return true;
        }
    }
    return false;
}

/* The batch, or the receipt for it, may have been lost on the way. */
static void send_again(struct notch_node *node, struct notch__batch *batch)
{
    for (uint32_t i = 0; i < node->net.peer_count; i++) {
        const struct notch__peer *peer = &node->net.peers[i];
        if (!has_said(batch, &peer->key)) {
            notch__send(node, peer->id, NOTCH_NODE_MESSAGE_BATCH, notch_buf_bytes(&batch->bytes), 0);
        }
    }
    batch->resend_due = notch__after_ms(node, 4 * (uint64_t)node->options.retry_ms);
}

void notch__acks_run(struct notch_node *node)
{
    struct notch__net *net = &node->net;
    if (node->failed) {
        net->ack_count = 0; /* everybody was told when it failed */
    }
    if (notch_time_cmp(node->now, net->ack_due) < 0) {
        return;
    }
    net->ack_due = never;
    for (size_t i = 0; i < net->ack_count;) {
        struct notch__batch *batch = net->acks[i];
        if (notch_time_cmp(node->now, batch->ack_until) >= 0) {
            answer(node, batch, NOTCH_STATUS_LOCAL);
            continue;
        }
        if (notch_time_cmp(node->now, batch->resend_due) >= 0) {
            send_again(node, batch);
        }
        struct notch_time due =
            notch_time_cmp(batch->resend_due, batch->ack_until) < 0 ? batch->resend_due : batch->ack_until;
        net->ack_due = notch_time_cmp(due, net->ack_due) < 0 ? due : net->ack_due;
        i++;
    }
}

/* ---- theirs: a receipt for each batch that is on our disk ---- */

static uint64_t peer_of_key(const struct notch_node *node, const struct notch_key *key)
{
    for (uint32_t i = 0; i < node->net.peer_count; i++) {
        if (notch_key_eq(&node->net.peers[i].key, key)) {
            return node->net.peers[i].id;
        }
    }
    return 0; /* not connected: it hears of it through others */
}

/* to: 0 for the maker, wherever it is. */
void notch__stored_send(struct notch_node *node, const struct notch__batch *batch, uint64_t to)
{
    const struct notch_signer *self = node->options.validator;
    struct notch_consensus_status status;
    notch_consensus_status(node->consensus, &status);
    if (self == NULL || notch_set_weight_of(&status.set, &self->key) == 0) {
        return;
    }
    struct notch_stored_message message = {.batch = batch->id, .key = self->key};
    struct notch_hash hash;
    notch_stored_hash(&hash, node->options.domain, &message.batch, &message.key);
    bool is_signed = notch_sign(node->options.crypto, &message.sig, self, &hash);
    notch_assert(is_signed); /* the key was tried at create */
    struct notch_buf bytes;
    notch_buf_init(&bytes, node->alloc);
    struct notch_writer writer = notch_writer_grow(&bytes);
    notch_stored_message_encode(&writer, &message);
    notch__send(node, to != 0 ? to : peer_of_key(node, &batch->maker), NOTCH_NODE_MESSAGE_STORED,
                notch_buf_bytes(&bytes), 0);
    notch_buf_fini(&bytes);
}

/* A receipt came: its signature is worth checking only while it can change something. */
void notch__stored_taken(struct notch_node *node, const struct notch_stored_message *message, uint64_t peer)
{
    struct notch_consensus_status status;
    notch_consensus_status(node->consensus, &status);
    const struct notch__batch *batch = notch__pool_find(node, &message->batch);
    if (batch == NULL || !batch->is_own || has_said(batch, &message->key) ||
        notch_set_weight_of(&status.set, &message->key) == 0 || node->net.stored_checks == NOTCH__STORED_CHECKS_MAX) {
        return;
    }
    node->net.stored_checks++;
    notch__job_send_stored(node, message, peer);
}

void notch__stored_checked(struct notch_node *node, const struct notch_hash *id, const struct notch_key *key)
{
    struct notch__batch *batch = notch__pool_find(node, id);
    if (batch == NULL || node->failed) {
        return;
    }
    notch__holder_add(batch, key);
    if (batch->is_waiting && notch__acks_enough(node, batch)) {
        answer(node, batch, NOTCH_STATUS_STORED);
    }
}
