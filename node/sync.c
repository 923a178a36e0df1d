/*
 * Where others stand, and taking up a chain that is ahead of ours: blocks in their order, a range at a time, each
 * through the same checks as any other block. So a node with an empty disk, one that was away, and the two sides of a
 * partition that meet again all do the same.
 */
#include "node/internal.h"

enum { BEHIND_SLOTS = 2, LAG_SLOTS = 3, SYNC_TRIES = 6, LOCATORS_MAX = 32 };
enum { CHAIN_BLOCKS_MAX = 64, CHAIN_BYTES_MAX = 4 << 20 };

/* ---- STATUS ---- */

void notch__status_send(struct notch_node *node, uint64_t to)
{
    struct notch_consensus_status status;
    notch_consensus_status(node->consensus, &status);
    struct notch_status_message message = {
        .slot = notch_genesis_slot_at(node->options.genesis, node->now),
        .head = status.head,
        .head_height = status.head_height,
        .head_slot = status.head_slot,
        .final_slot = status.finalized.slot,
        .final = status.finalized.hash,
        .final_height = status.finalized_height,
        .justified_slot = status.justified.slot,
    };
    struct notch_buf bytes;
    notch_buf_init(&bytes, node->alloc);
    struct notch_writer writer = notch_writer_grow(&bytes);
    notch_status_message_encode(&writer, &message);
    notch__send(node, to, NOTCH_NODE_MESSAGE_STATUS, notch_buf_bytes(&bytes), 0);
    notch_buf_fini(&bytes);
}

/* The batches that wait for a block: whoever lacks one asks for it (8 A3). */
void notch__have_send(struct notch_node *node, uint64_t to)
{
    struct notch_buf hashes;
    notch_buf_init(&hashes, node->alloc);
    uint32_t count = 0;
    for (size_t i = 0; i < node->pool.order_count && count < NOTCH_HAVE_MAX; i++) {
        const struct notch__batch *batch = node->pool.order[i];
        if (batch->state == NOTCH__BATCH_STORED && batch->included_height == 0) {
            notch_buf_append(&hashes, &batch->id, sizeof batch->id);
            count++;
        }
    }
    if (count > 0) {
        struct notch_have_message message = {.count = count, .hashes = hashes.data};
        struct notch_buf bytes;
        notch_buf_init(&bytes, node->alloc);
        struct notch_writer writer = notch_writer_grow(&bytes);
        notch_have_message_encode(&writer, &message);
        notch__send(node, to, NOTCH_NODE_MESSAGE_HAVE, notch_buf_bytes(&bytes), 0);
        notch_buf_fini(&bytes);
    }
    notch_buf_fini(&hashes);
}

/* Final, or behind the final one and valid enough to stand in the tree. */
bool notch__is_block_known(const struct notch_node *node, const struct notch_hash *hash)
{
    if (notch_consensus_header(node->consensus, hash) != NULL || notch_map_get(&node->blocks, hash) != NULL) {
        return true;
    }
    struct notch_lookup lookup;
    struct notch_height height;
    return notch_ledger_lookup(node->ledger, &lookup, NULL) == NOTCH_OK &&
           notch_lookup_height(&lookup, &height, hash) == NOTCH_OK;
}

static void ask_certificate(struct notch_node *node, const struct notch_consensus_status *status, uint64_t peer)
{
    struct notch_want_message want = {
        .kind = NOTCH_WANT_CERTIFICATE,
        .slot = status->finalized.slot,
        .count = 1,
        .hashes = status->finalized.hash.raw, /* Raw: a list of one */
    };
    notch__want_send(node, peer, &want);
}

/*
 * Whether we stay behind a peer, and not just by what is under way: votes that justified something there were lost on
 * the way here, and no later vote that builds upon it counts here without them.
 */
static bool is_behind(struct notch_slot ours, struct notch_slot theirs, struct notch_slot now)
{
    return notch_slot_cmp(ours, theirs) < 0 && ours.raw + LAG_SLOTS <= now.raw; /* Raw: slots are counted */
}

static void start_sync(struct notch_node *node, uint64_t peer, const struct notch_hash *tip);

void notch__status_taken(struct notch_node *node, struct notch__peer *peer)
{
    const struct notch_status_message *theirs = &peer->status;
    static const struct notch_key nobody;
    if (!notch_key_eq(&peer->key, &nobody)) {
        struct notch_consensus_event event = {
            .type = NOTCH_CONSENSUS_EVENT_REPORT,
            .report = {.key = peer->key, .slot = theirs->slot},
        };
        notch__consensus_event(node, &event, NULL, 0);
    }
    struct notch_consensus_status ours;
    notch_consensus_status(node->consensus, &ours);
    struct notch_slot now = notch_genesis_slot_at(node->options.genesis, node->now);
    bool is_old = theirs->head_slot.raw + BEHIND_SLOTS <= now.raw; /* Raw: slots are counted */
    if (is_old && !notch__is_block_known(node, &theirs->head)) {
        if (!node->net.sync.is_active) {
            start_sync(node, peer->id, &theirs->head);
        }
        return;
    }
    if (is_behind(ours.justified.slot, theirs->justified_slot, now) ||
        is_behind(ours.finalized.slot, theirs->final_slot, now)) {
        ask_certificate(node, &ours, peer->id);
    }
}

/* ---- asking for a range ---- */

static void add_locator(struct notch_hash *hashes, uint32_t *count, const struct notch_hash *hash)
{
    if (*count < LOCATORS_MAX) {
        hashes[(*count)++] = *hash;
    }
}

/* The tip, then blocks of ours: what came last, our head, and further back in steps that double, the final one last. */
static void ask_range(struct notch_node *node)
{
    struct notch__sync *sync = &node->net.sync;
    struct notch_hash hashes[LOCATORS_MAX + 2];
    uint32_t count = 0;
    add_locator(hashes, &count, &sync->tip);
    if (!notch_hash_is_zero(&sync->last)) {
        add_locator(hashes, &count, &sync->last);
    }
    struct notch_hash at = node->head;
    uint64_t step = 1;
    const struct notch__block *block = notch_map_get(&node->blocks, &at);
    while (block != NULL) {
        add_locator(hashes, &count, &at);
        for (uint64_t i = 0; i < step && block != NULL; i++) {
            at = block->parent;
            block = notch_map_get(&node->blocks, &at);
        }
        step *= 2;
    }
    hashes[count++] = node->final.hash;
    struct notch_want_message want = {
        .kind = NOTCH_WANT_CHAIN, .count = count, .hashes = hashes[0].raw, /* Raw: a list of hashes */
    };
    notch__want_send(node, sync->peer, &want);
    sync->asked = sync->last;
    sync->until = notch__after_ms(node, SYNC_TRIES * (uint64_t)node->options.retry_ms);
}

static void start_sync(struct notch_node *node, uint64_t peer, const struct notch_hash *tip)
{
    node->net.sync = (struct notch__sync){.is_active = true, .peer = peer, .tip = *tip};
    ask_range(node);
}

/* A block with its body came. New ones that the peer announces meanwhile are not part of the range: they hang in the
 * air. */
void notch__sync_block(struct notch_node *node, uint64_t peer, const struct notch_hash *hash,
                       const struct notch_hash *parent)
{
    struct notch__sync *sync = &node->net.sync;
    if (sync->is_active && sync->peer == peer &&
        (notch_hash_eq(parent, &sync->last) || notch__is_block_known(node, parent))) {
        sync->last = *hash;
        sync->until = notch__after_ms(node, SYNC_TRIES * (uint64_t)node->options.retry_ms);
    }
}

static bool is_executed(const struct notch_node *node, const struct notch_hash *hash)
{
    struct notch_lookup lookup;
    struct notch_height height;
    return notch_map_get(&node->blocks, hash) != NULL ||
           (notch_ledger_lookup(node->ledger, &lookup, NULL) == NOTCH_OK &&
            notch_lookup_height(&lookup, &height, hash) == NOTCH_OK);
}

void notch__sync_run(struct notch_node *node)
{
    struct notch__sync *sync = &node->net.sync;
    if (is_executed(node, &sync->tip) || notch_time_cmp(node->now, sync->until) >= 0) {
        sync->is_active = false; /* the next STATUS says whether there is more */
        return;
    }
    bool has_more = !notch_hash_eq(&sync->last, &sync->asked);
    if (has_more && is_executed(node, &sync->last)) {
        ask_range(node);
    }
}

/* ---- answering ---- */

static bool is_named(const struct notch_want_message *message, const struct notch_hash *hash)
{
    for (uint32_t i = 1; i < message->count; i++) {
        struct notch_hash named = notch_message_hash(message->hashes, i);
        if (notch_hash_eq(&named, hash)) {
            return true;
        }
    }
    return false;
}

static bool send_body(struct notch_node *node, uint64_t peer, uint64_t position, size_t *sent)
{
    const struct notch_store_view *view = node->options.view;
    notch_buf_clear(&node->scratch_bodies);
    if (view->body(view->self, &node->scratch_bodies, position) != NOTCH_OK) {
        return false; /* not on disk yet */
    }
    *sent += node->scratch_bodies.len;
    notch__send(node, peer, NOTCH_NODE_MESSAGE_BLOCK, notch_buf_bytes(&node->scratch_bodies), 0);
    return true;
}

/* Final blocks from behind `height` on, up to `top`; returns how many were sent. */
static uint32_t send_final(struct notch_node *node, uint64_t peer, uint64_t height, uint64_t top, size_t *sent)
{
    struct notch_lookup lookup;
    if (notch_ledger_lookup(node->ledger, &lookup, NULL) != NOTCH_OK) {
        return 0;
    }
    uint32_t count = 0;
    for (uint64_t at = height + 1; at <= top && count < CHAIN_BLOCKS_MAX && *sent < CHAIN_BYTES_MAX; at++) {
        struct notch_block_row row;
        notch_buf_clear(&node->scratch);
        if (notch_lookup_block(&lookup, &row, &node->scratch, (struct notch_height){at}) != NOTCH_OK ||
            !send_body(node, peer, row.position, sent)) {
            return CHAIN_BLOCKS_MAX;
        }
        count++;
    }
    return count;
}

/* The highest final block that is named. */
static bool find_named(const struct notch_node *node, uint64_t *height, const struct notch_want_message *message)
{
    struct notch_lookup lookup;
    if (notch_ledger_lookup(node->ledger, &lookup, NULL) != NOTCH_OK) {
        return false;
    }
    for (uint32_t i = 1; i < message->count; i++) {
        struct notch_hash named = notch_message_hash(message->hashes, i);
        struct notch_height found;
        if (notch_lookup_height(&lookup, &found, &named) == NOTCH_OK) {
            *height = found.raw; /* Raw: a loop over heights */
            return true;
        }
    }
    return false;
}

static void send_path(struct notch_node *node, uint64_t peer, const struct notch_buf *path, uint32_t count,
                      size_t *sent)
{
    size_t left = path->len / sizeof(uint64_t);
    while (left > 0 && count < CHAIN_BLOCKS_MAX && *sent < CHAIN_BYTES_MAX) {
        uint64_t position;
        memcpy(&position, path->data + --left * sizeof position, sizeof position);
        if (!send_body(node, peer, position, sent)) {
            return;
        }
        count++;
    }
}

void notch__chain_answer(struct notch_node *node, uint64_t peer, const struct notch_want_message *message)
{
    struct notch_hash at = notch_message_hash(message->hashes, 0);
    struct notch_buf path; /* positions of the blocks that are not final, the tip first */
    notch_buf_init(&path, node->alloc);
    const struct notch__block *block = notch_map_get(&node->blocks, &at);
    uint64_t top = node->final.height.raw; /* Raw: a loop over heights */
    while (block != NULL && !is_named(message, &at)) {
        notch_buf_append(&path, &block->position, sizeof block->position);
        top = block->ref.height.raw - 1; /* Raw: the height under the lowest of the path */
        at = block->parent;
        block = notch_map_get(&node->blocks, &at);
    }
    size_t sent = 0;
    uint32_t count = 0;
    uint64_t height = 0;
    if (block == NULL && !is_named(message, &at)) { /* the path ends at a final block that the asker did not name */
        count = find_named(node, &height, message) ? send_final(node, peer, height, top, &sent) : CHAIN_BLOCKS_MAX;
    }
    send_path(node, peer, &path, count, &sent);
    notch_buf_fini(&path);
}
