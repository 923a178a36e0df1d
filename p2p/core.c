#include "p2p/internal.h"

#include "base/fixed.h"

/* ---- names ---- */

const char *notch_p2p_effect_name(enum notch_p2p_effect_type type)
{
    static const char *const names[] = {
#define X(name, text) [NOTCH_P2P_EFFECT_##name] = (text),
        NOTCH_P2P_EFFECT_TABLE(X)
#undef X
    };
    notch_assert((size_t)type < NOTCH_ARRAY_LEN(names));
    return names[type];
}

const char *notch_p2p_event_name(enum notch_p2p_event_type type)
{
    static const char *const names[] = {
#define X(name, text) [NOTCH_P2P_EVENT_##name] = (text),
        NOTCH_P2P_EVENT_TABLE(X)
#undef X
    };
    notch_assert((size_t)type < NOTCH_ARRAY_LEN(names));
    return names[type];
}

static const struct {
    uint8_t value;
    const char *name, *text;
} reasons[] = {
#define X(name, value, text) {(value), #name, (text)},
    NOTCH_P2P_REASON_TABLE(X)
#undef X
};

const char *notch_p2p_reason_name(uint8_t reason)
{
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(reasons); i++) {
        if (reasons[i].value == reason) {
            return reasons[i].name;
        }
    }
    return "UNKNOWN";
}

const char *notch_p2p_reason_text(uint8_t reason)
{
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(reasons); i++) {
        if (reasons[i].value == reason) {
            return reasons[i].text;
        }
    }
    return "a reason of a later version";
}

/* ---- create, destroy ---- */

void notch_p2p_create(struct notch_p2p **out, const struct notch_p2p_options *options)
{
    const struct notch_alloc *alloc = options->alloc;
    notch_assert(notch_p2p_limits_check(&options->limits) == NULL);
    notch_assert(strlen(options->agent) <= NOTCH_P2P_AGENT_MAX);
    struct notch_p2p *p2p = notch_alloc(alloc, sizeof *p2p);
    p2p->options = *options;
    p2p->limits = &p2p->options.limits;
    notch_rng_init(&p2p->rng, options->seed);
    p2p->peers = notch_alloc_array(alloc, p2p->limits->peers_max, sizeof *p2p->peers);
    notch_map_init(&p2p->by_id, alloc, options->hash_key, sizeof(uint64_t), sizeof(uint32_t), 0);
    notch_p2p_zstd_init(&p2p->zstd, alloc);
    notch_buf_init(&p2p->agent, alloc);
    notch_buf_append(&p2p->agent, options->agent, strlen(options->agent));
    notch_buf_init(&p2p->payload, alloc);
    notch_buf_init(&p2p->frame, alloc);
    notch_map_init(&p2p->items, alloc, options->hash_key, sizeof(struct notch_hash), sizeof(struct notch__item), 0);
    notch_ring_init(&p2p->order, alloc, sizeof(struct notch_hash), p2p->limits->duplicate_cache);
    notch_map_init(&p2p->wanted, alloc, options->hash_key, sizeof(struct notch_hash), sizeof(struct notch__wanted),
                   p2p->limits->wanted_max);
    notch_map_init(&p2p->remembered, alloc, options->hash_key, sizeof(struct notch_key),
                   sizeof(struct notch__remembered), 0);
    notch_map_init(&p2p->bans, alloc, options->hash_key, sizeof(struct notch_key), sizeof(uint64_t), 0);
    notch_map_init(&p2p->rates, alloc, options->hash_key, sizeof(struct notch_key), sizeof(int32_t), 4096);
    notch_p2p_book_init(&p2p->book, alloc, options->hash_key, &p2p->limits->book);
    *out = p2p;
}

static void effect_free(struct notch_p2p *p2p, struct notch__effect *effect)
{
    if (effect != NULL) {
        notch__blob_drop(p2p, effect->blob);
        notch_free(p2p->options.alloc, effect, sizeof *effect);
    }
}

void notch_p2p_destroy(struct notch_p2p *p2p)
{
    const struct notch_alloc *alloc = p2p->options.alloc;
    uint32_t at = 0;
    for (struct notch__peer *peer; (peer = notch__p2p_next(p2p, &at)) != NULL;) {
        notch__p2p_gone(p2p, peer, NOTCH_P2P_REASON_SHUTDOWN);
    }
    effect_free(p2p, p2p->polled);
    while (p2p->effects != NULL) {
        struct notch__effect *next = p2p->effects->next;
        effect_free(p2p, p2p->effects);
        p2p->effects = next;
    }
    size_t walk = 0;
    const void *key;
    void *value;
    while (notch_map_next(&p2p->items, &walk, &key, &value)) {
        notch__blob_drop(p2p, ((struct notch__item *)value)->blob);
    }
    notch_map_fini(&p2p->items);
    notch_ring_fini(&p2p->order);
    notch_map_fini(&p2p->wanted);
    notch_map_fini(&p2p->remembered);
    notch_map_fini(&p2p->bans);
    notch_map_fini(&p2p->rates);
    notch_map_fini(&p2p->by_id);
    notch_p2p_book_fini(&p2p->book);
    notch_p2p_zstd_fini(&p2p->zstd);
    notch_buf_fini(&p2p->agent);
    notch_buf_fini(&p2p->payload);
    notch_buf_fini(&p2p->frame);
    notch_free(alloc, p2p->peers, p2p->limits->peers_max * sizeof *p2p->peers);
    notch_free(alloc, p2p, sizeof *p2p);
}

/* ---- peers ---- */

struct notch__peer *notch__p2p_find(struct notch_p2p *p2p, uint64_t id)
{
    const uint32_t *place = notch_map_get(&p2p->by_id, &id);
    return place != NULL ? &p2p->peers[*place] : NULL;
}

uint32_t notch__p2p_place(const struct notch_p2p *p2p, const struct notch__peer *peer)
{
    return (uint32_t)(peer - p2p->peers);
}

struct notch__peer *notch__p2p_next(const struct notch_p2p *p2p, uint32_t *at)
{
    while (*at < p2p->limits->peers_max) {
        struct notch__peer *peer = &p2p->peers[(*at)++];
        if (peer->id != 0) {
            return peer;
        }
    }
    return NULL;
}

uint32_t notch__p2p_pick(struct notch_p2p *p2p, uint32_t out[NOTCH_P2P_PEERS_MAX], notch__p2p_filter filter,
                         const void *context)
{
    uint32_t count = 0;
    uint32_t at = 0;
    for (struct notch__peer *peer; (peer = notch__p2p_next(p2p, &at)) != NULL;) {
        if (peer->is_up && filter(p2p, peer, context)) {
            out[count++] = at - 1;
        }
    }
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = (uint32_t)notch_rng_below(&p2p->rng, i);
        uint32_t swapped = out[i - 1];
        out[i - 1] = out[other];
        out[other] = swapped;
    }
    return count;
}

/* ---- effects ---- */

struct notch_p2p_effect *notch__p2p_emit(struct notch_p2p *p2p, enum notch_p2p_effect_type type, uint64_t peer,
                                         struct notch__blob *blob)
{
    struct notch__effect *effect = notch_alloc(p2p->options.alloc, sizeof *effect);
    effect->effect.type = type;
    effect->effect.peer = peer;
    effect->blob = blob != NULL ? notch__blob_ref(blob) : NULL;
    if (p2p->effects == NULL) {
        p2p->effects = effect;
    } else {
        p2p->effects_last->next = effect;
    }
    p2p->effects_last = effect;
    return &effect->effect;
}

bool notch_p2p_poll(struct notch_p2p *p2p, struct notch_p2p_effect *effect)
{
    notch_assert(!p2p->is_busy);
    p2p->is_busy = true;
    effect_free(p2p, p2p->polled);
    p2p->polled = p2p->effects;
    bool is_given = true;
    if (p2p->effects != NULL) {
        *effect = p2p->effects->effect;
        p2p->effects = p2p->effects->next;
    } else {
        is_given = notch__p2p_next_frame(p2p, effect);
    }
    p2p->is_busy = false;
    return is_given;
}

/* ---- events ---- */

static void close_one(struct notch_p2p *p2p, uint64_t id, enum notch_p2p_reason reason)
{
    if (id != 0) {
        struct notch__peer *peer = notch__p2p_find(p2p, id);
        if (peer != NULL) {
            notch__p2p_close(p2p, peer, reason);
        }
        return;
    }
    p2p->is_closing = true;
    uint32_t at = 0;
    for (struct notch__peer *peer; (peer = notch__p2p_next(p2p, &at)) != NULL;) {
        notch__p2p_close(p2p, peer, reason);
    }
}

static void operator_ban(struct notch_p2p *p2p, const struct notch_key *key, uint64_t until)
{
    if (until == 0) {
        (void)notch_map_remove(&p2p->bans, key);
        return;
    }
    notch__p2p_ban(p2p, key, until);
    uint32_t at = 0;
    for (struct notch__peer *peer; (peer = notch__p2p_next(p2p, &at)) != NULL;) {
        if (notch_key_eq(&peer->key, key)) {
            notch__p2p_close(p2p, peer, NOTCH_P2P_REASON_BANNED);
        }
    }
}

static void tick(struct notch_p2p *p2p)
{
    notch__p2p_check_wanted(p2p);
    if (p2p->now < p2p->heartbeat_next) {
        return;
    }
    p2p->heartbeat_next = p2p->now + p2p->limits->heartbeat_ms;
    notch__p2p_check_time(p2p);
    notch__p2p_decay(p2p);
    notch__p2p_mesh_heartbeat(p2p);
    notch__p2p_dial(p2p);
}

static void rate(struct notch_p2p *p2p, const struct notch_key *key, int32_t points)
{
    int32_t bounded = points > 100 ? 100 : points < -100 ? -100 : points;
    int32_t *stored = notch_map_put(&p2p->rates, key, NULL);
    if (stored != NULL) {
        *stored = bounded;
    }
    if (bounded == 0) {
        (void)notch_map_remove(&p2p->rates, key);
    }
    uint32_t at = 0;
    for (struct notch__peer *peer; (peer = notch__p2p_next(p2p, &at)) != NULL;) {
        if (notch_key_eq(&peer->key, key)) {
            peer->rate = bounded;
        }
    }
}

/* Those about one connection; one that is gone already is nobody's fault. */
static void handle_peer(struct notch_p2p *p2p, const struct notch_p2p_event *event)
{
    struct notch__peer *peer = notch__p2p_find(p2p, event->peer);
    if (peer == NULL) {
        return;
    }
    if (event->type == NOTCH_P2P_EVENT_BYTES) {
        notch__p2p_receive(p2p, peer, event->bytes.bytes);
    } else if (event->type == NOTCH_P2P_EVENT_SENT) {
        peer->in_flight -= event->sent.len < peer->in_flight ? event->sent.len : peer->in_flight;
        peer->progress = p2p->now;
    } else if (event->type == NOTCH_P2P_EVENT_DISCONNECTED) {
        notch__p2p_gone(p2p, peer, NOTCH_P2P_REASON_NONE);
    } else {
        notch__p2p_fault(p2p, peer, NOTCH__FAULT_INVALID, (uint64_t)event->fault.points * 100);
    }
}

static void dispatch(struct notch_p2p *p2p, const struct notch_p2p_event *event)
{
    switch (event->type) {
    case NOTCH_P2P_EVENT_TICK:
        tick(p2p);
        break;
    case NOTCH_P2P_EVENT_CONNECTED:
        notch__p2p_connected(p2p, event);
        break;
    case NOTCH_P2P_EVENT_DIAL_FAILED:
        notch__p2p_dial_over(p2p, &event->dial_failed.address, true);
        break;
    case NOTCH_P2P_EVENT_BYTES:
    case NOTCH_P2P_EVENT_SENT:
    case NOTCH_P2P_EVENT_DISCONNECTED:
    case NOTCH_P2P_EVENT_FAULT:
        handle_peer(p2p, event);
        break;
    case NOTCH_P2P_EVENT_PUBLISH:
        notch__p2p_publish(p2p, event);
        break;
    case NOTCH_P2P_EVENT_VERDICT:
        notch__p2p_verdict(p2p, event);
        break;
    case NOTCH_P2P_EVENT_SEND_TO:
        notch__p2p_send_to(p2p, event->peer, event->send_to.message);
        break;
    case NOTCH_P2P_EVENT_RATE:
        rate(p2p, &event->rate.key, event->rate.points);
        break;
    case NOTCH_P2P_EVENT_MOVED:
        p2p->status = event->moved.status;
        break;
    case NOTCH_P2P_EVENT_ADDRESSES:
        for (size_t i = 0; i < event->addresses.count; i++) {
            notch__p2p_heard_of(p2p, &event->addresses.seen[i], &event->addresses.source);
        }
        break;
    case NOTCH_P2P_EVENT_STATIC:
        notch__p2p_static(p2p, &event->fixed.address, event->fixed.is_wanted);
        break;
    case NOTCH_P2P_EVENT_CLOSE:
        close_one(p2p, event->peer, event->close.reason);
        break;
    case NOTCH_P2P_EVENT_BANNED:
        operator_ban(p2p, &event->banned.key, event->banned.until.raw); /* Raw: kept in ms */
        break;
    }
}

void notch_p2p_handle(struct notch_p2p *p2p, const struct notch_p2p_event *event)
{
    notch_assert(!p2p->is_busy);
    notch_assert(p2p->seq == 0 || event->seq == p2p->seq + 1);
    p2p->is_busy = true;
    p2p->seq = event->seq;
    uint64_t now = event->now.raw; /* Raw: the core reckons in ms */
    if (now > p2p->now) {
        p2p->now = now;
    }
    dispatch(p2p, event);
    notch__p2p_lists_flush(p2p);
    p2p->is_busy = false;
}

struct notch_time notch_p2p_deadline(const struct notch_p2p *p2p)
{
    uint64_t due = p2p->heartbeat_next;
    if (p2p->wanted.count > 0 && p2p->wanted_next < due) {
        due = p2p->wanted_next;
    }
    uint64_t queue_due = notch__p2p_queue_due(p2p);
    return (struct notch_time){queue_due < due ? queue_due : due};
}
