/* What must hold after every step, and when everything has healed. */
#include "tests/sim/net_internal.h"

#include "chain/block.h"
#include "chain/ledger.h"
#include "chain/vote.h"
#include "tests/sim/reading.h"

/* One thing per slot: the first one is kept, another one is a failure. */
static void check_once(struct net *net, struct notch_map *seen, uint64_t slot, const struct notch_hash *hash,
                       const char *failure)
{
    bool added;
    struct notch_hash *kept = notch_map_put(seen, &slot, &added);
    if (added) {
        *kept = *hash;
    } else if (!notch_hash_eq(kept, hash)) {
        net_fail(net, failure);
    }
}

static void check_votes(struct net *net, uint32_t node, struct notch_bytes bytes)
{
    struct notch_votes_iter iter = notch_votes_iter(bytes);
    struct notch_vote vote;
    while (notch_votes_next(&iter, &vote)) {
        struct notch_hash hash;
        uint64_t slot = vote.data.slot.raw; /* Raw: a key */
        notch_vote_hash(&hash, &net->domain, &vote.data);
        check_once(net, &net->nodes[node].voted, slot, &hash, "two different votes of a node for one slot");
        net_note(net, node, "vote", slot, 0);
    }
}

static void check_proposal(struct net *net, uint32_t node, struct notch_bytes bytes)
{
    struct notch_header header;
    struct notch_bytes body;
    struct notch_reject reject = notch_block_split(&header, &body, bytes);
    notch_assert(notch_is_valid(reject));
    struct notch_hash hash;
    notch_header_hash(&hash, &net->domain, &header);
    uint64_t slot = header.slot.raw; /* Raw: a key */
    check_once(net, &net->nodes[node].proposed, slot, &hash, "two different proposals of a node for one slot");
    net_note(net, node, "proposal", slot, header.height.raw); /* Raw: printed */
    net_tell(net, "n%u proposes height %u with %u batches", node, (unsigned)header.height.raw, header.n_batches);
}

/* What a node says to all is its own; to one, it is an answer. */
void net_check_sent(struct net *net, uint32_t node, const struct net_message *message)
{
    notch_sha256_update(&net->trace, message->id.raw, sizeof message->id.raw);
    struct notch_bytes bytes = notch_bytes(message->bytes, message->len);
    if (!message->is_for_all) {
        return;
    }
    switch (message->what) {
    case NOTCH_NODE_MESSAGE_VOTES:
        check_votes(net, node, bytes);
        return;
    case NOTCH_NODE_MESSAGE_BLOCK:
        check_proposal(net, node, bytes);
        return;
    case NOTCH_NODE_MESSAGE_EVIDENCE:
        net_fail(net, "an honest node found evidence against another");
        return;
    case NOTCH_NODE_MESSAGE_BATCH:
    case NOTCH_NODE_MESSAGE_STATUS:
    case NOTCH_NODE_MESSAGE_WANT:
    case NOTCH_NODE_MESSAGE_HAVE:
    case NOTCH_NODE_MESSAGE_STORED:
        return;
    }
}

void net_check_final(struct net *net, uint32_t node, const struct notch_block_ref *block)
{
    struct net_node *self = &net->nodes[node];
    uint64_t height = block->height.raw; /* Raw: a key, and a number to print */
    net_note(net, node, "final", height, 0);
    if (height < self->final_height) {
        net_fail(net, "a node's final height falls");
    }
    self->final_height = height;
    bool added;
    struct notch_hash *kept = notch_map_put(&net->finals, &height, &added);
    if (!added && !notch_hash_eq(kept, &block->hash)) {
        net_fail(net, "two nodes have different final blocks at a height");
    }
    *kept = block->hash;
    if (height > net->final_height) {
        net->final_height = height;
        net_tell(net, "final: height %u, first at n%u", (unsigned)height, node);
        if (!net->faults && net->result.resume_slots == 0) {
            net->result.resume_slots = 1 + (net->now_ms - net->heal_ms) / net_slot_ms(net);
        }
    }
}

/* ---- healed ---- */

bool net_is_healed(struct net *net)
{
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        const struct net_node *self = &net->nodes[i];
        if (self->node == NULL || self->final_height != net->final_height || self->held_count > 0 ||
            notch_memstore_waiting(self->disk) > 0) {
            return false;
        }
        struct notch_node_info info;
        notch_node_info(self->node, &info);
        const struct notch_finality_info *finality = &info.finality_state;
        if (info.pending_batches > 0 || info.in_flight > 0 || !info.quiet ||
            !notch_hash_eq(&finality->head.hash, &finality->final.hash)) {
            return false;
        }
    }
    return true;
}

struct reading {
    struct net *net;
    struct sim_reading on;
};

/* The same blocks and state roots as the first node has. */
static void compare(struct reading *reading, const struct net_node *other)
{
    struct net *net = reading->net;
    struct notch_lookup lookup = {&other->view, NULL, &net->domain, net->alloc};
    struct notch_buf scratch;
    notch_buf_init(&scratch, net->alloc);
    for (uint64_t at = 0; at <= net->final_height && net->failure == NULL; at++) {
        struct notch_block_row ours;
        struct notch_block_row theirs;
        struct notch_height height = {at};
        notch_buf_clear(&reading->on.row);
        notch_buf_clear(&scratch);
        bool found = notch_lookup_block(&lookup, &theirs, &scratch, height) == NOTCH_OK &&
                     notch_lookup_block(&reading->on.lookup, &ours, &reading->on.row, height) == NOTCH_OK;
        if (!found || !notch_hash_eq(&ours.hash, &theirs.hash) ||
            !notch_hash_eq(&ours.state_root, &theirs.state_root) ||
            !notch_hash_eq(&ours.receipts_root, &theirs.receipts_root)) {
            net_fail(net, "two nodes have another block or state at a height");
        }
    }
    notch_buf_fini(&scratch);
}

void net_check_healed(struct net *net)
{
    const struct net_node *first = &net->nodes[0];
    struct reading reading = {.net = net};
    reading.on = (struct sim_reading){
        .view = &first->view, .domain = &net->domain, .finals = &net->finals, .acknowledged = &net->acknowledged};
    sim_reading_open(&reading.on, net->alloc);
    const char *failure = sim_reading_check(&reading.on, net->final_height);
    if (failure != NULL) {
        net_fail(net, failure);
    }
    for (uint32_t i = 1; i < net->options.nodes && net->failure == NULL; i++) {
        compare(&reading, &net->nodes[i]);
    }
    sim_reading_close(&reading.on);
}
