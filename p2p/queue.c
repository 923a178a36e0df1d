#include "p2p/internal.h"

/* ---- shared bytes ---- */

struct notch__blob *notch__blob_new(struct notch_p2p *p2p, struct notch_bytes bytes)
{
    struct notch__blob *blob = notch_alloc(p2p->options.alloc, sizeof *blob + bytes.len);
    blob->refs = 1;
    blob->len = bytes.len;
    if (bytes.len > 0) {
        memcpy(blob->bytes, bytes.data, bytes.len);
    }
    return blob;
}

struct notch__blob *notch__blob_ref(struct notch__blob *blob)
{
    blob->refs++;
    return blob;
}

void notch__blob_drop(struct notch_p2p *p2p, struct notch__blob *blob)
{
    if (blob != NULL && --blob->refs == 0) {
        notch_free(p2p->options.alloc, blob, sizeof *blob + blob->len);
    }
}

/* ---- one queue ---- */

static enum notch_p2p_class class_of(uint8_t type)
{
    return notch_p2p_type_info(type)->class;
}

static void pop(struct notch_p2p *p2p, struct notch__peer *peer, enum notch_p2p_class class)
{
    struct notch__queue *queue = &peer->queues[class];
    struct notch__queued *first = queue->first;
    queue->first = first->next;
    queue->last = queue->first == NULL ? NULL : queue->last;
    queue->count--;
    queue->bytes -= first->blob->len;
    peer->queued_bytes -= first->blob->len;
    notch__blob_drop(p2p, first->blob);
    notch_free(p2p->options.alloc, first, sizeof *first);
}

void notch__p2p_queues_clear(struct notch_p2p *p2p, struct notch__peer *peer)
{
    for (int class = 0; class < NOTCH_P2P_CLASS_COUNT; class ++) {
        while (peer->queues[class].count > 0) {
            pop(p2p, peer, (enum notch_p2p_class) class);
        }
    }
}

/* Makes room for `len` bytes of a class by dropping what matters less; false if there is nothing less. */
static bool make_room(struct notch_p2p *p2p, struct notch__peer *peer, enum notch_p2p_class class, size_t len)
{
    for (int other = NOTCH_P2P_CLASS_COUNT - 1; other > (int)class; other--) {
        while (peer->queued_bytes + len > p2p->limits->queue_bytes && peer->queues[other].count > 0) {
            pop(p2p, peer, (enum notch_p2p_class)other);
            p2p->stats.dropped[other]++;
        }
    }
    return peer->queued_bytes + len <= p2p->limits->queue_bytes;
}

/* Whether one more of `len` bytes may be put into the queue, after what its overflow policy says. */
static bool admit(struct notch_p2p *p2p, struct notch__peer *peer, enum notch_p2p_class class, size_t len)
{
    const struct notch_p2p_class_limits *limits = &p2p->limits->classes[class];
    struct notch__queue *queue = &peer->queues[class];
    for (;;) {
        bool has_room = queue->count < limits->queue_max;
        bool has_bytes = peer->queued_bytes == 0 || make_room(p2p, peer, class, len);
        if (has_room && (has_bytes || peer->queued_bytes == 0)) {
            return true;
        }
        if (limits->overflow != NOTCH_P2P_DROP_OLDEST || queue->count == 0) {
            return false;
        }
        pop(p2p, peer, class);
        p2p->stats.dropped[class]++;
    }
}

static struct notch__queued *push(struct notch_p2p *p2p, struct notch__peer *peer, uint8_t type,
                                  struct notch__blob *blob)
{
    enum notch_p2p_class class = class_of(type);
    if (!admit(p2p, peer, class, blob->len)) {
        p2p->stats.dropped[class]++;
        notch__blob_drop(p2p, blob);
        return NULL;
    }
    struct notch__queue *queue = &peer->queues[class];
    struct notch__queued *queued = notch_alloc(p2p->options.alloc, sizeof *queued);
    queued->blob = blob;
    queued->type = type;
    queued->at = p2p->now;
    if (queue->last == NULL) {
        queue->first = queued;
    } else {
        queue->last->next = queued;
    }
    queue->last = queued;
    queue->count++;
    queue->bytes += blob->len;
    peer->queued_bytes += blob->len;
    if (peer->queued_bytes > p2p->stats.queued_bytes_peak) {
        p2p->stats.queued_bytes_peak = (uint32_t)peer->queued_bytes;
    }
    return queued;
}

void notch__p2p_send(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_p2p_message *message)
{
    notch_buf_clear(&p2p->payload);
    struct notch_writer writer = notch_writer_grow(&p2p->payload);
    notch_p2p_encode(&writer, message);
    enum notch_p2p_class class = class_of((uint8_t)message->type);
    struct notch__blob *blob = notch__blob_new(p2p, notch_buf_bytes(&p2p->payload));
    if (push(p2p, peer, (uint8_t)message->type, blob) == NULL &&
        p2p->limits->classes[class].overflow == NOTCH_P2P_HANG_UP) {
        /* Not here: the caller may be walking over peers. The next heartbeat finds it. */
        peer->progress = 0;
        peer->in_flight = peer->in_flight > 0 ? peer->in_flight : 1;
    }
}

void notch__p2p_send_item(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_hash *id,
                          const struct notch__item *item, uint8_t hops)
{
    struct notch__queued *queued = push(p2p, peer, item->type, notch__blob_ref(item->blob));
    if (queued != NULL) {
        queued->is_item = true;
        queued->id = *id;
        queued->hops = hops;
    }
}

/* ---- what goes out next ---- */

/* An item that the peer has got meanwhile, from somebody else. */
static bool is_stale(const struct notch_p2p *p2p, const struct notch__peer *peer, const struct notch__queued *queued)
{
    if (!queued->is_item) {
        return false;
    }
    const struct notch__item *item = notch_map_get(&p2p->items, &queued->id);
    return item != NULL && notch__bit(&item->has, notch__p2p_place(p2p, peer));
}

static void drop_stale(struct notch_p2p *p2p, struct notch__peer *peer, enum notch_p2p_class class)
{
    while (peer->queues[class].count > 0 && is_stale(p2p, peer, peer->queues[class].first)) {
        pop(p2p, peer, class);
    }
}

/* Waits for others to share its frame. */
static bool is_early(const struct notch_p2p *p2p, const struct notch__queue *queue, enum notch_p2p_class class)
{
    const struct notch_p2p_class_limits *limits = &p2p->limits->classes[class];
    return queue->first->is_item && queue->first->at + limits->delay_ms > p2p->now &&
           queue->count < p2p->limits->batch && queue->bytes < p2p->limits->batch_bytes;
}

/* The most important class that waits; once in a while, so that none starves, the least important one. */
static int choose(struct notch_p2p *p2p, struct notch__peer *peer)
{
    int first = -1;
    int last = -1;
    for (int class = 0; class < NOTCH_P2P_CLASS_COUNT; class ++) {
        drop_stale(p2p, peer, (enum notch_p2p_class) class);
        if (peer->queues[class].count == 0 || is_early(p2p, &peer->queues[class], (enum notch_p2p_class) class)) {
            continue;
        }
        first = first < 0 ? class : first;
        last = class;
    }
    bool is_fair_turn = (peer->frames + 1) % p2p->limits->fair_every == 0;
    return is_fair_turn ? last : first;
}

/* Marks that the peer has it, so that neither it nor its id is sent again. */
static void mark(struct notch_p2p *p2p, const struct notch__peer *peer, const struct notch_hash *id)
{
    struct notch__item *item = notch_map_get(&p2p->items, id);
    if (item != NULL) {
        notch__bit_set(&item->has, notch__p2p_place(p2p, peer));
    }
}

/* Packs items of one type from the front of a queue into p2p->payload. */
static void pack_items(struct notch_p2p *p2p, struct notch__peer *peer, enum notch_p2p_class class)
{
    struct notch__queue *queue = &peer->queues[class];
    uint8_t type = queue->first->type;
    size_t cap = notch_p2p_type_info(type)->payload_max - NOTCH_UVAR_MAX;
    struct notch_buf packed;
    notch_buf_init(&packed, p2p->options.alloc);
    struct notch_writer writer = notch_writer_grow(&packed);
    uint32_t count = 0;
    while (queue->count > 0 && queue->first->is_item && queue->first->type == type && count < p2p->limits->batch) {
        size_t len = 1 + notch_uvar_len(queue->first->blob->len) + queue->first->blob->len;
        if (count > 0 && (packed.len >= p2p->limits->batch_bytes || packed.len + len > cap)) {
            break;
        }
        notch_p2p_item_write(&writer, queue->first->hops,
                             notch_bytes(queue->first->blob->bytes, queue->first->blob->len));
        mark(p2p, peer, &queue->first->id);
        pop(p2p, peer, class);
        drop_stale(p2p, peer, class);
        count++;
        p2p->stats.relayed++;
    }
    struct notch_p2p_message message = {.type = (enum notch_p2p_type)type,
                                        .items = {{count, notch_buf_bytes(&packed)}}};
    notch_buf_clear(&p2p->payload);
    struct notch_writer payload = notch_writer_grow(&p2p->payload);
    notch_p2p_encode(&payload, &message);
    notch_buf_fini(&packed);
}

static void build(struct notch_p2p *p2p, struct notch__peer *peer, enum notch_p2p_class class)
{
    const struct notch__queued *first = peer->queues[class].first;
    uint8_t type = first->type;
    if (first->is_item) {
        pack_items(p2p, peer, class);
    } else {
        notch_buf_clear(&p2p->payload);
        notch_buf_append(&p2p->payload, first->blob->bytes, first->blob->len);
        pop(p2p, peer, class);
    }
    bool may_compress = peer->is_up && (peer->capabilities & p2p->options.capabilities & NOTCH_P2P_CAN_ZSTD) != 0;
    notch_buf_clear(&p2p->frame);
    notch_p2p_frame_append(&p2p->frame, &p2p->zstd, (enum notch_p2p_type)type, notch_buf_bytes(&p2p->payload),
                           may_compress ? p2p->limits->compress_bytes : 0);
}

bool notch__p2p_next_frame(struct notch_p2p *p2p, struct notch_p2p_effect *effect)
{
    uint32_t peers_max = p2p->limits->peers_max;
    for (uint32_t i = 0; i < peers_max; i++) {
        struct notch__peer *peer = &p2p->peers[(p2p->next_send + i) % peers_max];
        if (peer->id == 0 || peer->queued_bytes + peer->queues[NOTCH_P2P_CLASS_ADDRESSES].count == 0 ||
            peer->in_flight >= p2p->limits->window_bytes) {
            continue;
        }
        int class = choose(p2p, peer);
        if (class < 0) {
            continue;
        }
        build(p2p, peer, (enum notch_p2p_class) class);
        peer->frames++;
        if (peer->in_flight == 0) {
            peer->progress = p2p->now;
        }
        peer->in_flight += p2p->frame.len;
        peer->bytes_out += p2p->frame.len;
        p2p->stats.bytes_out += p2p->frame.len;
        p2p->next_send = (p2p->next_send + i + 1) % peers_max;
        *effect = (struct notch_p2p_effect){.type = NOTCH_P2P_EFFECT_SEND, .peer = peer->id};
        effect->send.bytes = notch_buf_bytes(&p2p->frame);
        return true;
    }
    return false;
}

uint64_t notch__p2p_queue_due(const struct notch_p2p *p2p)
{
    uint64_t due = UINT64_MAX;
    uint32_t at = 0;
    for (const struct notch__peer *peer; (peer = notch__p2p_next(p2p, &at)) != NULL;) {
        for (int class = 0; class < NOTCH_P2P_CLASS_COUNT; class ++) {
            const struct notch__queue *queue = &peer->queues[class];
            bool waits = queue->count > 0 && peer->in_flight < p2p->limits->window_bytes &&
                         is_early(p2p, queue, (enum notch_p2p_class) class);
            uint64_t until = waits ? queue->first->at + p2p->limits->classes[class].delay_ms : UINT64_MAX;
            due = until < due ? until : due;
        }
    }
    return due;
}
