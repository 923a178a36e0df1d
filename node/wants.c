/*
 * What is asked for until it comes, from one peer after the other; and answers to those who ask us.
 *
 * Answers are ordinary messages: a batch that was asked for looks like any other batch. So nothing has to be matched,
 * and whoever answers first is right.
 */
#include "node/internal.h"

enum { TRIES_MAX = 12, BACKOFF_MAX = 8 };

/* So much is sent for one WANT; who wants more asks again for what did not come. */
#define ANSWER_BYTES_MAX (4u << 20)

static const struct notch_time never = {UINT64_MAX};

static struct notch__want_key key_of(enum notch_want_kind kind, const struct notch_hash *hash)
{
    struct notch__want_key key;
    key.bytes[0] = (uint8_t)kind;
    memcpy(key.bytes + 1, hash, sizeof *hash);
    return key;
}

void notch__want(struct notch_node *node, enum notch_want_kind kind, const struct notch_hash *hash, uint64_t peer)
{
    struct notch__net *net = &node->net;
    struct notch__want_key key = key_of(kind, hash);
    if (notch_map_get(&net->wants, &key) != NULL || net->wants.count == NOTCH__WANTS_MAX) {
        return; /* whoever needs it asks again */
    }
    struct notch__want *want = notch_map_put(&net->wants, &key, NULL);
    *want = (struct notch__want){.hint = peer, .due = node->now};
    net->want_due = node->now;
}

bool notch__is_wanted(const struct notch_node *node, enum notch_want_kind kind, const struct notch_hash *hash)
{
    struct notch__want_key key = key_of(kind, hash);
    return notch_map_get(&node->net.wants, &key) != NULL;
}

void notch__want_done(struct notch_node *node, enum notch_want_kind kind, const struct notch_hash *hash)
{
    struct notch__want_key key = key_of(kind, hash);
    (void)notch_map_remove(&node->net.wants, &key);
}

void notch__want_send(struct notch_node *node, uint64_t to, const struct notch_want_message *message)
{
    struct notch__net *net = &node->net;
    if (net->peer_count == 0) {
        return;
    }
    if (to == 0 || notch__peer_find(node, to) == NULL) {
        to = net->peers[net->next_peer++ % net->peer_count].id;
    }
    struct notch_buf bytes;
    notch_buf_init(&bytes, node->alloc);
    struct notch_writer writer = notch_writer_grow(&bytes);
    notch_want_message_encode(&writer, message);
    notch__send(node, to, NOTCH_NODE_MESSAGE_WANT, notch_buf_bytes(&bytes), 0);
    notch_buf_fini(&bytes);
}

/* What is due, of one kind and with one hint, in as few messages as it takes. */
struct asking {
    struct notch_want_message message;
    uint64_t hint;
    struct notch_hash hashes[NOTCH_WANT_MAX];
};

static void flush(struct notch_node *node, struct asking *asking)
{
    if (asking->message.count > 0) {
        asking->message.hashes = asking->hashes[0].raw; /* Raw: a list of hashes */
        notch__want_send(node, asking->hint, &asking->message);
        asking->message.count = 0;
    }
}

static void add(struct notch_node *node, struct asking *asking, const struct notch__want_key *key, uint64_t hint)
{
    if (asking->message.count == NOTCH_WANT_MAX || asking->hint != hint) {
        flush(node, asking);
    }
    asking->hint = hint;
    memcpy(&asking->hashes[asking->message.count++], key->bytes + 1, sizeof asking->hashes[0]);
}

void notch__wants_run(struct notch_node *node)
{
    struct notch__net *net = &node->net;
    if (net->peer_count == 0 || notch_time_cmp(node->now, net->want_due) < 0) {
        return;
    }
    struct asking asking[NOTCH_WANT_KINDS];
    for (int kind = 0; kind < NOTCH_WANT_KINDS; kind++) {
        asking[kind].message = (struct notch_want_message){.kind = (enum notch_want_kind)kind};
        asking[kind].hint = 0;
    }
    net->want_due = never;
    size_t at = 0;
    const void *found;
    void *value;
    struct notch_buf given_up;
    notch_buf_init(&given_up, node->alloc);
    while (notch_map_next(&net->wants, &at, &found, &value)) {
        const struct notch__want_key *key = found;
        struct notch__want *want = value;
        if (notch_time_cmp(node->now, want->due) >= 0) {
            bool is_batch = key->bytes[0] == NOTCH_WANT_BATCHES;
            if (want->tries >= TRIES_MAX && !is_batch) {
                notch_buf_append(&given_up, key, sizeof *key);
                continue;
            }
            add(node, &asking[key->bytes[0]], key, want->tries == 0 ? want->hint : 0);
            want->tries++;
            uint64_t wait = want->tries < BACKOFF_MAX ? want->tries : BACKOFF_MAX;
            want->due = notch__after_ms(node, wait * node->options.retry_ms);
        }
        net->want_due = notch_time_cmp(want->due, net->want_due) < 0 ? want->due : net->want_due;
    }
    for (int kind = 0; kind < NOTCH_WANT_KINDS; kind++) {
        flush(node, &asking[kind]);
    }
    for (size_t i = 0; i < given_up.len / sizeof(struct notch__want_key); i++) {
        (void)notch_map_remove(&net->wants, given_up.data + i * sizeof(struct notch__want_key));
    }
    notch_buf_fini(&given_up);
}

/* ---- answers ---- */

/* The bytes of a block that is on this node's disk, into scratch_bodies. */
static bool read_block(struct notch_node *node, const struct notch_hash *hash)
{
    uint64_t position = NOTCH_NO_POSITION;
    const struct notch__block *block = notch_map_get(&node->blocks, hash);
    if (block != NULL) {
        position = block->position;
    } else {
        struct notch_lookup lookup;
        struct notch_height height;
        struct notch_block_row row;
        enum notch_err err = notch_ledger_lookup(node->ledger, &lookup, NULL);
        if (err == NOTCH_OK) {
            err = notch_lookup_height(&lookup, &height, hash);
        }
        notch_buf_clear(&node->scratch);
        if (err == NOTCH_OK) {
            err = notch_lookup_block(&lookup, &row, &node->scratch, height);
        }
        position = err == NOTCH_OK && notch_hash_eq(&row.hash, hash) ? row.position : NOTCH_NO_POSITION;
    }
    notch_buf_clear(&node->scratch_bodies);
    const struct notch_store_view *view = node->options.view;
    return position != NOTCH_NO_POSITION && view->body(view->self, &node->scratch_bodies, position) == NOTCH_OK;
}

static bool read_batch(struct notch_node *node, const struct notch_hash *id)
{
    notch_buf_clear(&node->scratch_bodies);
    const struct notch__batch *pooled = notch__pool_find(node, id);
    if (pooled != NULL) {
        /* Our signature under a batch leaves only when the batch is on disk (8 S2). */
        bool may_leave = !pooled->is_own || pooled->state == NOTCH__BATCH_STORED;
        if (may_leave) {
            notch_buf_append(&node->scratch_bodies, pooled->bytes.data, pooled->bytes.len);
        }
        return may_leave;
    }
    struct notch_batch_place place;
    const struct notch_store_view *view = node->options.view;
    return notch__find_final_batch(node, &place, id) == NOTCH_OK &&
           view->body(view->self, &node->scratch_bodies, place.position) == NOTCH_OK;
}

static void answer_one(struct notch_node *node, uint64_t peer, enum notch_want_kind kind, const struct notch_hash *hash,
                       size_t *sent)
{
    bool is_batch = kind == NOTCH_WANT_BATCHES;
    if (*sent > ANSWER_BYTES_MAX || !(is_batch ? read_batch(node, hash) : read_block(node, hash))) {
        return;
    }
    struct notch_bytes bytes = notch_buf_bytes(&node->scratch_bodies);
    if (kind == NOTCH_WANT_HEADERS) {
        bytes.len = NOTCH_HEADER_LEN;
    }
    *sent += bytes.len;
    notch__send(node, peer, is_batch ? NOTCH_NODE_MESSAGE_BATCH : NOTCH_NODE_MESSAGE_BLOCK, bytes, 0);
}

void notch__want_answer(struct notch_node *node, uint64_t peer, const struct notch_want_message *message)
{
    if (message->kind == NOTCH_WANT_CHAIN) {
        notch__chain_answer(node, peer, message);
        return;
    }
    if (message->kind == NOTCH_WANT_CERTIFICATE) {
        struct notch_consensus_event event = {
            .type = NOTCH_CONSENSUS_EVENT_WANTED,
            .peer = peer,
            .wanted.from = {message->slot, notch_message_hash(message->hashes, 0)},
        };
        notch__consensus_event(node, &event, NULL, 0);
        return;
    }
    size_t sent = 0;
    for (uint32_t i = 0; i < message->count; i++) {
        struct notch_hash hash = notch_message_hash(message->hashes, i);
        answer_one(node, peer, message->kind, &hash, &sent);
    }
}
