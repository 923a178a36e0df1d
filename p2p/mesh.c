#include "p2p/internal.h"

enum {
    GRAFT_MILLI = 1000, /* for grafting before the pause is over */
    BETTER_EVERY_MS = 60000
};

static bool is_outbound(const struct notch__peer *peer)
{
    return peer->purpose != NOTCH_P2P_INBOUND;
}

static uint32_t mesh_size(const struct notch_p2p *p2p, uint32_t *outbound)
{
    uint32_t count = 0;
    *outbound = 0;
    uint32_t at = 0;
    for (const struct notch__peer *peer; (peer = notch__p2p_next(p2p, &at)) != NULL;) {
        count += peer->is_in_mesh ? 1 : 0;
        *outbound += peer->is_in_mesh && is_outbound(peer) ? 1 : 0;
    }
    return count;
}

static void join(struct notch_p2p *p2p, struct notch__peer *peer)
{
    peer->is_in_mesh = true;
    struct notch_p2p_message graft = {.type = NOTCH_P2P_MESH, .mesh = {.action = NOTCH_P2P_MESH_GRAFT}};
    notch__p2p_send(p2p, peer, &graft);
}

static void leave(struct notch_p2p *p2p, struct notch__peer *peer)
{
    uint32_t pause_ms = p2p->limits->mesh_pause_ms;
    peer->is_in_mesh = false;
    peer->graft_from = p2p->now + pause_ms;
    peer->prune_until = p2p->now + pause_ms;
    struct notch_p2p_message prune = {.type = NOTCH_P2P_MESH, .mesh = {NOTCH_P2P_MESH_PRUNE, pause_ms}};
    notch__p2p_send(p2p, peer, &prune);
}

void notch__p2p_mesh(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_p2p_mesh *mesh)
{
    if (mesh->action == NOTCH_P2P_MESH_PRUNE) {
        uint64_t pause_ms = mesh->pause_ms < 3600000 ? mesh->pause_ms : 3600000;
        peer->is_in_mesh = false;
        peer->graft_from = p2p->now + pause_ms;
        return;
    }
    if (peer->is_in_mesh) {
        return;
    }
    if (p2p->now < peer->prune_until) {
        uint64_t id = peer->id;
        notch__p2p_fault(p2p, peer, NOTCH__FAULT_BEHAVIOUR, GRAFT_MILLI);
        if (notch__p2p_find(p2p, id) != NULL) {
            leave(p2p, peer);
        }
        return;
    }
    uint32_t outbound;
    bool is_full = mesh_size(p2p, &outbound) >= p2p->limits->mesh_high;
    if (notch__p2p_score(p2p, peer) < 0 || (is_full && !is_outbound(peer))) {
        leave(p2p, peer);
        return;
    }
    peer->is_in_mesh = true;
}

struct wish {
    bool outbound_only;
    int32_t score_min;
};

static bool may_join(struct notch_p2p *p2p, const struct notch__peer *peer, const void *context)
{
    const struct wish *wish = context;
    return !peer->is_in_mesh && peer->purpose != NOTCH_P2P_BLOCK_ONLY && p2p->now >= peer->graft_from &&
           (!wish->outbound_only || is_outbound(peer)) && notch__p2p_score(p2p, peer) >= wish->score_min;
}

static void graft(struct notch_p2p *p2p, uint32_t count, const struct wish *wish)
{
    uint32_t places[NOTCH_P2P_PEERS_MAX];
    uint32_t found = notch__p2p_pick(p2p, places, may_join, wish);
    for (uint32_t i = 0; i < found && i < count; i++) {
        join(p2p, &p2p->peers[places[i]]);
    }
}

static bool is_member(struct notch_p2p *p2p, const struct notch__peer *peer, const void *context)
{
    (void)p2p;
    (void)context;
    return peer->is_in_mesh;
}

/* Lets members go until `mesh` are left: the lowest scores first, but not the last of those that we dialled. */
static void shrink(struct notch_p2p *p2p, uint32_t size, uint32_t outbound)
{
    uint32_t places[NOTCH_P2P_PEERS_MAX];
    while (size > p2p->limits->mesh) {
        uint32_t count = notch__p2p_pick(p2p, places, is_member, NULL);
        struct notch__peer *worst = NULL;
        for (uint32_t i = 0; i < count; i++) {
            struct notch__peer *peer = &p2p->peers[places[i]];
            if (is_outbound(peer) && outbound <= p2p->limits->mesh_outbound) {
                continue;
            }
            if (worst == NULL || notch__p2p_score(p2p, peer) < notch__p2p_score(p2p, worst)) {
                worst = peer;
            }
        }
        if (worst == NULL) {
            return;
        }
        outbound -= is_outbound(worst) ? 1 : 0;
        leave(p2p, worst);
        size--;
    }
}

/* Where all of the mesh is mediocre, one better peer is taken in. */
static void improve(struct notch_p2p *p2p)
{
    if (p2p->now < p2p->graft_next) {
        return;
    }
    p2p->graft_next = p2p->now + BETTER_EVERY_MS;
    uint32_t places[NOTCH_P2P_PEERS_MAX];
    uint32_t count = notch__p2p_pick(p2p, places, is_member, NULL);
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += notch__p2p_score(p2p, &p2p->peers[places[i]]);
    }
    int32_t mean = count > 0 ? (int32_t)(sum / (int64_t)count) : 0;
    graft(p2p, 1, &(struct wish){.score_min = mean + 1});
}

/* ---- telling those outside what is here ---- */

static bool is_outside(struct notch_p2p *p2p, const struct notch__peer *peer, const void *context)
{
    (void)context;
    return !peer->is_in_mesh && notch__p2p_score(p2p, peer) >= p2p->limits->score_gossip;
}

static void announce(struct notch_p2p *p2p)
{
    uint32_t places[NOTCH_P2P_PEERS_MAX];
    uint32_t count = notch__p2p_pick(p2p, places, is_outside, NULL);
    uint32_t told = (uint32_t)(((uint64_t)count * p2p->limits->gossip_ppm + 999999) / 1000000);
    for (size_t back = p2p->order.count; back > 0; back--) {
        const struct notch_hash *id = notch_ring_at(&p2p->order, back - 1);
        const struct notch__item *item = notch_map_get(&p2p->items, id);
        if (item->at + p2p->limits->history_ms < p2p->now) {
            return;
        }
        enum notch_p2p_class class = notch_p2p_type_info(item->type)->class;
        if (item->state != NOTCH__ITEM_ACCEPTED || item->blob == NULL || item->hops >= p2p->limits->max_hops ||
            p2p->limits->classes[class].strategy == NOTCH_P2P_DIRECTED) {
            continue;
        }
        for (uint32_t i = 0; i < told; i++) {
            struct notch__peer *peer = &p2p->peers[places[i]];
            if (notch__p2p_takes(peer, item->type) && !notch__bit(&item->has, places[i])) {
                notch__p2p_list_add(p2p, peer, NOTCH__LIST_HAVE, item->type, id);
            }
        }
    }
}

void notch__p2p_mesh_heartbeat(struct notch_p2p *p2p)
{
    uint32_t at = 0;
    for (struct notch__peer *peer; (peer = notch__p2p_next(p2p, &at)) != NULL;) {
        if (peer->is_in_mesh && notch__p2p_score(p2p, peer) < 0) {
            leave(p2p, peer);
        }
    }
    uint32_t outbound;
    uint32_t size = mesh_size(p2p, &outbound);
    if (size < p2p->limits->mesh_low) {
        graft(p2p, p2p->limits->mesh - size, &(struct wish){0});
    } else if (size > p2p->limits->mesh_high) {
        shrink(p2p, size, outbound);
    }
    (void)mesh_size(p2p, &outbound);
    if (outbound < p2p->limits->mesh_outbound) {
        graft(p2p, p2p->limits->mesh_outbound - outbound, &(struct wish){.outbound_only = true});
    }
    improve(p2p);
    announce(p2p);
}
