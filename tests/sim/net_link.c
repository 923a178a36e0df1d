/* Links: who hears whom, how late, and how often. */
#include "tests/sim/net_internal.h"

enum { HEALED_DELAY_PER_DELTA = 5, SEEN_MAX = 50000 };

/* ---- who is linked ---- */

static void join(struct net *net, uint32_t a, uint32_t b)
{
    net->linked[a][b] = a != b;
    net->linked[b][a] = a != b;
}

void net_links_make(struct net *net)
{
    uint32_t count = net->options.nodes;
    for (uint32_t a = 0; a < count; a++) {
        if (net->options.degree == 0 || net->options.degree >= count) {
            for (uint32_t b = a + 1; b < count; b++) {
                join(net, a, b);
            }
            continue;
        }
        join(net, a, (a + 1) % count); /* a ring, so that all hang together, and the rest at random */
        for (uint32_t i = 1; i < net->options.degree / 2; i++) {
            join(net, a, (uint32_t)notch_rng_below(&net->rng, count));
        }
    }
}

static bool is_alive(const struct net *net, uint32_t node)
{
    return net->nodes[node].node != NULL;
}

static void tell_peer(struct net *net, uint32_t node, uint32_t peer, bool is_up)
{
    net->nodes[node].is_up_to[peer] = is_up;
    struct notch_node_event event = {.type = NOTCH_NODE_PEER_DOWN, .peer_down = (uint64_t)peer + 1};
    if (is_up) {
        event = (struct notch_node_event){.type = NOTCH_NODE_PEER_UP, .peer_up.peer = (uint64_t)peer + 1};
        if (!net->nodes[peer].is_observer) {
            event.peer_up.key = net->nodes[peer].validator.key;
        }
    }
    net_note(net, node, is_up ? "peer up" : "peer down", peer, 0);
    net_event(net, node, &event);
}

/* Tells every node which of its peers have come and gone. A cut that is not told looks like silence. */
void net_links_update(struct net *net)
{
    for (uint32_t a = 0; a < net->options.nodes; a++) {
        for (uint32_t b = 0; b < net->options.nodes && is_alive(net, a); b++) {
            bool is_cut = net->options.partition_is_told && (net->cut[a][b] || net->cut[b][a]);
            bool is_up = net->linked[a][b] && is_alive(net, b) && !is_cut;
            if (net->nodes[a].is_up_to[b] != is_up) {
                tell_peer(net, a, b, is_up);
            }
        }
    }
}

void net_partition_begin(struct net *net)
{
    uint32_t side = net->options.side;
    net_tell(net, "partition %u:%u", side, net->options.nodes - side);
    for (uint32_t a = 0; a < net->options.nodes; a++) {
        for (uint32_t b = 0; b < net->options.nodes; b++) {
            bool is_bridge = net->options.partition == NET_PARTITION_BRIDGE && (a == 0 || b == 0);
            bool is_across =
                net->options.partition == NET_PARTITION_ONE_WAY ? a < side && b >= side : (a < side) != (b < side);
            net->cut[a][b] = is_across && !is_bridge;
        }
    }
    net_note(net, 0, "partition", net->options.partition, side);
    net_links_update(net);
}

void net_partition_end(struct net *net)
{
    net_tell(net, "healed");
    memset(net->cut, 0, sizeof net->cut);
    net_note(net, 0, "partition ends", 0, 0);
    net_links_update(net);
}

/* ---- messages ---- */

struct net_message *net_message_new(struct net *net, enum notch_node_message what, struct notch_bytes bytes,
                                    bool is_for_all)
{
    struct net_message *message = notch_alloc(net->alloc, sizeof *message + bytes.len);
    message->references = 1;
    message->what = what;
    message->is_for_all = is_for_all;
    message->len = bytes.len;
    memcpy(message->bytes, bytes.data, bytes.len);
    notch_sha256(&message->id, bytes);
    return message;
}

void net_message_drop(struct net *net, struct net_message *message)
{
    if (--message->references == 0) {
        notch_free(net->alloc, message, sizeof *message + message->len);
    }
}

static void transmit(struct net *net, uint32_t from, uint32_t to, struct net_message *message)
{
    bool is_lost = net->faults && notch_rng_chance(&net->rng, net->options.loss_ppm);
    if (!net->linked[from][to] || net->cut[from][to] || is_lost) {
        net->result.lost++;
        return;
    }
    uint32_t copies = net->faults && notch_rng_chance(&net->rng, net->options.twice_ppm) ? 2 : 1;
    for (uint32_t i = 0; i < copies; i++) {
        uint64_t healed_ms = net->genesis.delta_ms / HEALED_DELAY_PER_DELTA;
        struct net_item *item =
            net_later(net, NET_MESSAGE, to, 1 + net_draw(net, net->options.delay_ms_max, healed_ms));
        item->from = from;
        item->message = message;
        message->references++;
    }
}

void net_send(struct net *net, uint32_t from, uint64_t to, struct net_message *message)
{
    if (to != 0) {
        transmit(net, from, (uint32_t)(to - 1), message);
        return;
    }
    (void)notch_map_put(&net->nodes[from].seen, &message->id, NULL);
    for (uint32_t node = 0; node < net->options.nodes; node++) {
        if (net->linked[from][node]) {
            transmit(net, from, node, message);
        }
    }
}

/* True if it is new here; then it goes on to the others as well. */
static bool pass_on(struct net *net, const struct net_item *item)
{
    struct net_node *self = &net->nodes[item->node];
    if (!item->message->is_for_all) {
        return true;
    }
    if (self->seen.count >= SEEN_MAX) {
        notch_map_clear(&self->seen);
    }
    bool added;
    (void)notch_map_put(&self->seen, &item->message->id, &added);
    bool is_mesh = net->options.degree != 0 || net->options.partition == NET_PARTITION_BRIDGE;
    for (uint32_t node = 0; added && is_mesh && node < net->options.nodes; node++) {
        if (node != item->from && net->linked[item->node][node]) {
            transmit(net, item->node, node, item->message);
        }
    }
    return added;
}

void net_arrive(struct net *net, const struct net_item *item)
{
    struct net_node *self = &net->nodes[item->node];
    if (self->node == NULL || net->cut[item->from][item->node] || !self->is_up_to[item->from]) {
        net->result.lost++;
        return;
    }
    if (!pass_on(net, item)) {
        return;
    }
    net->result.messages++;
    net_note(net, item->node, "message", item->message->what, item->from);
    struct notch_node_event event = {
        .type = NOTCH_NODE_MESSAGE,
        .message = {(uint64_t)item->from + 1, item->message->what,
                    notch_bytes(item->message->bytes, item->message->len)},
    };
    net_event(net, item->node, &event);
}
