#include "p2p/internal.h"

enum {
    NO_FURTHER = 255,    /* hops of an item that nobody is to relay */
    FIRST_MAX = 100000,  /* thousandths of points for being the first */
    KNOWN_MS = 10000,    /* how long it is remembered that a peer has what is not here */
    WANTED_STEP_MS = 10, /* between two looks at what is wanted */
    BROKEN_MILLI = 300   /* for announcing and not delivering */
};

bool notch__p2p_takes(const struct notch__peer *peer, uint8_t type)
{
    enum notch_p2p_class class = notch_p2p_type_info(type)->class;
    bool is_extra =
        class == NOTCH_P2P_CLASS_RECORDS || class == NOTCH_P2P_CLASS_CHALLENGES || class == NOTCH_P2P_CLASS_ADDRESSES;
    bool wants_extra = (peer->capabilities & NOTCH_P2P_CAN_RELAY) != 0 && peer->purpose != NOTCH_P2P_BLOCK_ONLY;
    return peer->is_up && (!is_extra || wants_extra);
}

/* ---- lists of ids on their way out ---- */

static void flush_list(struct notch_p2p *p2p, struct notch__peer *peer, enum notch__list list, size_t index)
{
    static const enum notch_p2p_type messages[NOTCH__LIST_COUNT] = {NOTCH_P2P_HAVE, NOTCH_P2P_WANT,
                                                                    NOTCH_P2P_DONT_WANT};
    struct notch_buf *ids = &peer->lists[list].ids[index];
    if (ids->len == 0) {
        return;
    }
    struct notch_p2p_message message = {.type = messages[list]};
    message.ids.type = (uint8_t)(NOTCH_P2P_RECORDS + index);
    message.ids.ids.count = (uint32_t)(ids->len / sizeof(struct notch_hash));
    message.ids.ids.packed = notch_buf_bytes(ids);
    notch__p2p_send(p2p, peer, &message);
    notch_buf_clear(ids);
}

void notch__p2p_list_add(struct notch_p2p *p2p, struct notch__peer *peer, enum notch__list list, uint8_t type,
                         const struct notch_hash *id)
{
    size_t index = (size_t)type - NOTCH_P2P_RECORDS;
    struct notch_buf *ids = &peer->lists[list].ids[index];
    if (ids->alloc == NULL) {
        notch_buf_init(ids, p2p->options.alloc);
    }
    notch_buf_append(ids, id, sizeof *id);
    if (ids->len / sizeof *id == NOTCH_P2P_IDS_MAX) {
        flush_list(p2p, peer, list, index);
        return;
    }
    peer->has_lists = true;
    p2p->has_lists = true;
}

void notch__p2p_lists_flush(struct notch_p2p *p2p)
{
    if (!p2p->has_lists) {
        return;
    }
    p2p->has_lists = false;
    uint32_t at = 0;
    for (struct notch__peer *peer; (peer = notch__p2p_next(p2p, &at)) != NULL;) {
        if (!peer->has_lists) {
            continue;
        }
        peer->has_lists = false;
        for (int list = 0; list < NOTCH__LIST_COUNT; list++) {
            for (size_t index = 0; index < NOTCH_ARRAY_LEN(peer->lists[list].ids); index++) {
                flush_list(p2p, peer, (enum notch__list)list, index);
            }
        }
    }
}

/* ---- the duplicate cache ---- */

static void drop_bytes(struct notch_p2p *p2p, struct notch__item *item)
{
    if (item->blob != NULL) {
        p2p->stats.cached_items--;
        p2p->stats.cached_bytes -= (uint32_t)item->blob->len;
        notch__blob_drop(p2p, item->blob);
        item->blob = NULL;
    }
}

static void forget_oldest(struct notch_p2p *p2p)
{
    const struct notch_hash *id = notch_ring_front(&p2p->order);
    drop_bytes(p2p, notch_map_get(&p2p->items, id));
    (void)notch_map_remove(&p2p->items, id);
    notch_ring_pop(&p2p->order);
    p2p->order_base++;
    p2p->blobs_from = p2p->blobs_from < p2p->order_base ? p2p->order_base : p2p->blobs_from;
}

/* Bytes of the oldest items go first; their ids stay. */
static void fit_bytes(struct notch_p2p *p2p)
{
    uint64_t end = p2p->order_base + p2p->order.count;
    while (p2p->stats.cached_bytes > p2p->limits->cache_bytes && p2p->blobs_from < end) {
        const struct notch_hash *id = notch_ring_at(&p2p->order, (size_t)(p2p->blobs_from - p2p->order_base));
        drop_bytes(p2p, notch_map_get(&p2p->items, id));
        p2p->blobs_from++;
    }
}

static struct notch__item *add_item(struct notch_p2p *p2p, const struct notch_hash *id, uint8_t type,
                                    struct notch_bytes bytes)
{
    if (p2p->order.count == p2p->order.cap) {
        forget_oldest(p2p);
    }
    struct notch_hash *slot = notch_ring_push(&p2p->order);
    *slot = *id;
    bool added;
    struct notch__item *item = notch_map_put(&p2p->items, id, &added);
    notch_assert(added);
    item->type = type;
    item->at = p2p->now;
    item->blob = notch__blob_new(p2p, bytes);
    p2p->stats.cached_items++;
    p2p->stats.cached_bytes += (uint32_t)bytes.len;
    fit_bytes(p2p);
    return item;
}

/* ---- spreading ---- */

struct wish {
    const struct notch__item *item;
    bool is_mesh;
    uint32_t services;
};

static bool wishes(struct notch_p2p *p2p, const struct notch__peer *peer, const void *context)
{
    const struct wish *wish = context;
    return notch__p2p_takes(peer, wish->item->type) && !notch__bit(&wish->item->has, notch__p2p_place(p2p, peer)) &&
           peer->is_in_mesh == wish->is_mesh && (peer->services & wish->services) == wish->services;
}

/* To `eager` of those that match at once; the ids alone to the rest, if `lazy`. Returns to how many at once. */
static uint32_t push_to(struct notch_p2p *p2p, const struct notch_hash *id, const struct wish *wish, uint32_t eager,
                        bool lazy)
{
    uint32_t places[NOTCH_P2P_PEERS_MAX];
    uint32_t count = notch__p2p_pick(p2p, places, wishes, wish);
    uint8_t hops = (uint8_t)(wish->item->hops + 1);
    for (uint32_t i = 0; i < count; i++) {
        struct notch__peer *peer = &p2p->peers[places[i]];
        if (i < eager) {
            notch__p2p_send_item(p2p, peer, id, wish->item, hops);
        } else if (lazy && notch__p2p_score(p2p, peer) >= p2p->limits->score_gossip) {
            notch__p2p_list_add(p2p, peer, NOTCH__LIST_HAVE, wish->item->type, id);
        }
    }
    return count < eager ? count : eager;
}

static void spread(struct notch_p2p *p2p, const struct notch_hash *id, const struct notch__item *item)
{
    if (item->blob == NULL || item->hops >= p2p->limits->max_hops) {
        return;
    }
    const struct notch_p2p_class_limits *limits = &p2p->limits->classes[notch_p2p_type_info(item->type)->class];
    struct wish mesh = {.item = item, .is_mesh = true};
    struct wish others = {.item = item};
    switch (limits->strategy) {
    case NOTCH_P2P_FLOOD:
        (void)push_to(p2p, id, &mesh, UINT32_MAX, false);
        (void)push_to(p2p, id, &others, UINT32_MAX, false);
        break;
    case NOTCH_P2P_GOSSIP: {
        uint32_t eager = item->from == 0 ? limits->eager : limits->relay;
        uint32_t pushed = push_to(p2p, id, &mesh, eager, true);
        (void)push_to(p2p, id, &others, eager - pushed, false); /* the mesh may be young */
        break;
    }
    case NOTCH_P2P_DIRECTED: {
        if (item->from != 0) {
            break;
        }
        struct notch__item last = *item;
        last.hops = NO_FURTHER - 1;
        mesh = (struct wish){.item = &last, .is_mesh = true, .services = limits->services};
        others = (struct wish){.item = &last, .services = limits->services};
        uint32_t pushed = push_to(p2p, id, &mesh, limits->eager, false);
        (void)push_to(p2p, id, &others, limits->eager - pushed, false);
        break;
    }
    }
}

void notch__p2p_publish(struct notch_p2p *p2p, const struct notch_p2p_event *event)
{
    uint8_t type = (uint8_t)event->publish.type;
    struct notch_bytes bytes = event->publish.bytes;
    notch_assert(notch_p2p_type_info(type)->is_items);
    notch_assert(bytes.len > 0);
    notch_assert(bytes.len + 2 * NOTCH_UVAR_MAX <= notch_p2p_type_info(type)->payload_max);
    struct notch_hash id;
    notch_p2p_item_id(&id, event->publish.type, bytes);
    if (event->publish.to != 0) {
        struct notch__peer *peer = notch__p2p_find(p2p, event->publish.to);
        if (peer != NULL && peer->is_up) {
            struct notch__item once = {.type = type, .blob = notch__blob_new(p2p, bytes)};
            notch__p2p_send_item(p2p, peer, &id, &once, NO_FURTHER);
            notch__blob_drop(p2p, once.blob);
        }
        return;
    }
    struct notch__item *item = notch_map_get(&p2p->items, &id);
    if (item == NULL) {
        item = add_item(p2p, &id, type, bytes);
    } else if (item->state == NOTCH__ITEM_ACCEPTED || item->blob == NULL) {
        return;
    }
    item->state = NOTCH__ITEM_ACCEPTED;
    p2p->stats.published++;
    spread(p2p, &id, item);
}

void notch__p2p_verdict(struct notch_p2p *p2p, const struct notch_p2p_event *event)
{
    struct notch__item *item = notch_map_get(&p2p->items, &event->verdict.id);
    if (item == NULL || item->state != NOTCH__ITEM_PENDING) {
        return;
    }
    struct notch__peer *from = notch__p2p_find(p2p, item->from);
    switch (event->verdict.verdict) {
    case NOTCH_P2P_ACCEPT:
        item->state = NOTCH__ITEM_ACCEPTED;
        if (from != NULL) {
            from->points.first = from->points.first + 1000 < FIRST_MAX ? from->points.first + 1000 : FIRST_MAX;
            from->last_item = p2p->now;
        }
        spread(p2p, &event->verdict.id, item);
        break;
    case NOTCH_P2P_IGNORE:
        item->state = NOTCH__ITEM_IGNORED;
        drop_bytes(p2p, item);
        break;
    case NOTCH_P2P_REJECT:
        item->state = NOTCH__ITEM_REJECTED;
        drop_bytes(p2p, item);
        p2p->stats.invalid++;
        if (from != NULL) {
            notch__p2p_fault(p2p, from, NOTCH__FAULT_INVALID, 1000);
        }
        break;
    }
}

/* ---- what arrives ---- */

static void unwant(struct notch_p2p *p2p, const struct notch_hash *id)
{
    const struct notch__wanted *wanted = notch_map_get(&p2p->wanted, id);
    if (wanted == NULL) {
        return;
    }
    struct notch__peer *first = notch__p2p_find(p2p, wanted->first);
    if (first != NULL) {
        first->wanted--;
    }
    (void)notch_map_remove(&p2p->wanted, id);
}

/* A large item is here: others need not send it too. */
static void tell_not_to_send(struct notch_p2p *p2p, const struct notch_hash *id, const struct notch__item *item)
{
    struct wish wish = {.item = item, .is_mesh = true};
    uint32_t places[NOTCH_P2P_PEERS_MAX];
    uint32_t count = notch__p2p_pick(p2p, places, wishes, &wish);
    for (uint32_t i = 0; i < count; i++) {
        notch__p2p_list_add(p2p, &p2p->peers[places[i]], NOTCH__LIST_DONT_WANT, item->type, id);
    }
}

static void take_item(struct notch_p2p *p2p, struct notch__peer *peer, uint8_t type, uint8_t hops,
                      struct notch_bytes bytes)
{
    uint32_t place = notch__p2p_place(p2p, peer);
    struct notch_hash id;
    notch_p2p_item_id(&id, (enum notch_p2p_type)type, bytes);
    struct notch__item *item = notch_map_get(&p2p->items, &id);
    if (item != NULL) {
        p2p->stats.duplicates++;
        notch__bit_set(&item->has, place);
        if (item->state == NOTCH__ITEM_REJECTED) {
            notch__p2p_fault(p2p, peer, NOTCH__FAULT_INVALID, 1000);
        }
        return;
    }
    item = add_item(p2p, &id, type, bytes);
    item->from = peer->id;
    item->hops = hops;
    const struct notch__wanted *wanted = notch_map_get(&p2p->wanted, &id);
    if (wanted != NULL) {
        item->has = wanted->has;
        p2p->stats.pulled += wanted->asked == peer->id ? 1 : 0;
        unwant(p2p, &id);
    }
    notch__bit_set(&item->has, place);
    p2p->stats.delivered++;
    if (item->blob == NULL) {
        return; /* larger than the whole cache */
    }
    struct notch_p2p_effect *effect = notch__p2p_emit(p2p, NOTCH_P2P_EFFECT_DELIVER, peer->id, item->blob);
    effect->deliver.type = (enum notch_p2p_type)type;
    effect->deliver.id = id;
    effect->deliver.bytes = notch_bytes(item->blob->bytes, item->blob->len);
    if (bytes.len >= p2p->limits->dont_want_bytes) {
        tell_not_to_send(p2p, &id, item);
    }
}

void notch__p2p_items(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_p2p_message *message)
{
    if (notch__p2p_score(p2p, peer) < p2p->limits->score_ignore) {
        return;
    }
    uint64_t id = peer->id;
    struct notch_reader reader = notch_reader(message->items.items.packed);
    uint8_t hops;
    struct notch_bytes bytes;
    /* A fault may cost the connection, and with it the bytes that are read here. */
    while (notch__p2p_find(p2p, id) != NULL && notch_p2p_next_item(&reader, &hops, &bytes)) {
        take_item(p2p, peer, (uint8_t)message->type, hops, bytes);
    }
}

/* The entry of an id that is not here, made if this peer's share allows; NULL if not. */
static struct notch__wanted *want(struct notch_p2p *p2p, struct notch__peer *peer, uint8_t type,
                                  const struct notch_hash *id)
{
    struct notch__wanted *wanted = notch_map_get(&p2p->wanted, id);
    if (wanted == NULL) {
        if (peer->wanted >= p2p->limits->wanted_peer_max) {
            return NULL;
        }
        wanted = notch_map_put(&p2p->wanted, id, NULL);
        if (wanted == NULL) {
            return NULL;
        }
        wanted->type = type;
        wanted->first = peer->id;
        wanted->due = p2p->now + KNOWN_MS;
        peer->wanted++;
    }
    notch__bit_set(&wanted->has, notch__p2p_place(p2p, peer));
    return wanted;
}

static void note_id(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_p2p_message *message,
                    const struct notch_hash *id)
{
    struct notch__item *item = notch_map_get(&p2p->items, id);
    if (item != NULL) {
        notch__bit_set(&item->has, notch__p2p_place(p2p, peer));
        return;
    }
    struct notch__wanted *wanted = want(p2p, peer, message->ids.type, id);
    if (wanted != NULL && message->type == NOTCH_P2P_HAVE && !wanted->is_announced) {
        wanted->is_announced = true;
        wanted->due = p2p->now + p2p->limits->want_delay_ms;
    }
    if (wanted != NULL && (wanted->due < p2p->wanted_next || p2p->wanted.count == 1)) {
        p2p->wanted_next = wanted->due;
    }
}

/* Whether it was found, or never will be. */
static bool serve(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_hash *id)
{
    struct notch__item *item = notch_map_get(&p2p->items, id);
    if (item == NULL) {
        return false;
    }
    if (item->state == NOTCH__ITEM_ACCEPTED && item->blob != NULL && notch__p2p_takes(peer, item->type)) {
        notch__bit_clear(&item->has, notch__p2p_place(p2p, peer));
        notch__p2p_send_item(p2p, peer, id, item, item->hops < NO_FURTHER ? (uint8_t)(item->hops + 1) : NO_FURTHER);
        return true;
    }
    return item->state != NOTCH__ITEM_ACCEPTED;
}

static void serve_all(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_p2p_message *message)
{
    struct notch_buf missing;
    notch_buf_init(&missing, p2p->options.alloc);
    struct notch_reader reader = notch_reader(message->ids.ids.packed);
    struct notch_hash id;
    while (notch_p2p_next_id(&reader, &id)) {
        if (!serve(p2p, peer, &id)) {
            notch_buf_append(&missing, &id, sizeof id);
        }
    }
    if (missing.len > 0) {
        struct notch__blob *blob = notch__blob_new(p2p, notch_buf_bytes(&missing));
        struct notch_p2p_effect *effect = notch__p2p_emit(p2p, NOTCH_P2P_EFFECT_ASKED, peer->id, blob);
        effect->asked.ids.type = message->ids.type;
        effect->asked.ids.ids.count = (uint32_t)(missing.len / sizeof id);
        effect->asked.ids.ids.packed = notch_bytes(blob->bytes, blob->len);
        notch__blob_drop(p2p, blob);
    }
    notch_buf_fini(&missing);
}

void notch__p2p_ids(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_p2p_message *message)
{
    if (notch__p2p_score(p2p, peer) < p2p->limits->score_gossip) {
        return;
    }
    if (message->type == NOTCH_P2P_WANT) {
        serve_all(p2p, peer, message);
        return;
    }
    struct notch_reader reader = notch_reader(message->ids.ids.packed);
    struct notch_hash id;
    while (notch_p2p_next_id(&reader, &id)) {
        note_id(p2p, peer, message, &id);
    }
}

/* ---- pulling ---- */

static bool has_it(struct notch_p2p *p2p, const struct notch__peer *peer, const void *context)
{
    const struct notch__wanted *wanted = context;
    return notch__bit(&wanted->has, notch__p2p_place(p2p, peer));
}

/* Asks somebody (else); false when there is nobody left to ask. */
static bool ask(struct notch_p2p *p2p, const struct notch_hash *id, struct notch__wanted *wanted)
{
    uint32_t places[NOTCH_P2P_PEERS_MAX];
    uint32_t count = notch__p2p_pick(p2p, places, has_it, wanted);
    if (!wanted->is_announced || wanted->tries >= p2p->limits->want_tries || count == 0) {
        return false;
    }
    struct notch__peer *peer = &p2p->peers[places[0]];
    notch__p2p_list_add(p2p, peer, NOTCH__LIST_WANT, wanted->type, id);
    if (count > 1) {
        notch__bit_clear(&wanted->has, places[0]); /* another one next time */
    }
    wanted->asked = peer->id;
    wanted->tries++;
    wanted->due = p2p->now + p2p->limits->want_timeout_ms;
    return true;
}

void notch__p2p_check_wanted(struct notch_p2p *p2p)
{
    if (p2p->wanted.count == 0 || p2p->now < p2p->wanted_next) {
        return;
    }
    struct notch_buf over;   /* ids that nobody is asked for any more */
    struct notch_buf broken; /* connections that did not keep their word */
    notch_buf_init(&over, p2p->options.alloc);
    notch_buf_init(&broken, p2p->options.alloc);
    uint64_t next = UINT64_MAX;
    size_t walk = 0;
    const void *key;
    void *value;
    while (notch_map_next(&p2p->wanted, &walk, &key, &value)) {
        struct notch__wanted *wanted = value;
        if (wanted->due <= p2p->now) {
            if (wanted->asked != 0) {
                notch_buf_append(&broken, &wanted->asked, sizeof wanted->asked);
            }
            if (!ask(p2p, key, wanted)) {
                notch_buf_append(&over, key, sizeof(struct notch_hash));
                continue;
            }
        }
        next = wanted->due < next ? wanted->due : next;
    }
    p2p->wanted_next = next < p2p->now + WANTED_STEP_MS ? p2p->now + WANTED_STEP_MS : next;
    struct notch_hash id;
    for (size_t at = 0; at < over.len; at += sizeof id) {
        memcpy(&id, over.data + at, sizeof id);
        unwant(p2p, &id);
    }
    uint64_t who;
    for (size_t at = 0; at < broken.len; at += sizeof who) {
        memcpy(&who, broken.data + at, sizeof who);
        struct notch__peer *peer = notch__p2p_find(p2p, who);
        if (peer != NULL) {
            notch__p2p_fault(p2p, peer, NOTCH__FAULT_BEHAVIOUR, BROKEN_MILLI);
        }
    }
    notch_buf_fini(&over);
    notch_buf_fini(&broken);
}

void notch__p2p_forget_place(struct notch_p2p *p2p, const struct notch__peer *peer)
{
    uint32_t place = notch__p2p_place(p2p, peer);
    size_t walk = 0;
    const void *key;
    void *value;
    while (notch_map_next(&p2p->items, &walk, &key, &value)) {
        notch__bit_clear(&((struct notch__item *)value)->has, place);
    }
    walk = 0;
    while (notch_map_next(&p2p->wanted, &walk, &key, &value)) {
        notch__bit_clear(&((struct notch__wanted *)value)->has, place);
    }
}
