#include "p2p/internal.h"

#include <stdio.h>

/* ---- the end of a connection ---- */

static void say_bye(struct notch_p2p *p2p, uint64_t id, enum notch_p2p_reason reason)
{
    struct notch_p2p_message bye = {.type = NOTCH_P2P_BYE, .bye = {(uint8_t)reason}};
    notch_buf_clear(&p2p->payload);
    struct notch_writer writer = notch_writer_grow(&p2p->payload);
    notch_p2p_encode(&writer, &bye);
    struct notch_buf frame;
    notch_buf_init(&frame, p2p->options.alloc);
    notch_p2p_frame_append(&frame, &p2p->zstd, NOTCH_P2P_BYE, notch_buf_bytes(&p2p->payload), 0);
    struct notch__blob *blob = notch__blob_new(p2p, notch_buf_bytes(&frame));
    notch_buf_fini(&frame);
    notch__p2p_emit(p2p, NOTCH_P2P_EFFECT_SEND, id, blob)->send.bytes = notch_bytes(blob->bytes, blob->len);
    notch__blob_drop(p2p, blob);
    notch__p2p_emit(p2p, NOTCH_P2P_EFFECT_DISCONNECT, id, NULL)->disconnect.reason = reason;
    notch_log(p2p->options.log, NOTCH_LOG_DEBUG, "p2p", "peer %llu is let go: %s", (unsigned long long)id,
              notch_p2p_reason_text((uint8_t)reason));
}

void notch__p2p_gone(struct notch_p2p *p2p, struct notch__peer *peer, enum notch_p2p_reason reason)
{
    const struct notch_alloc *alloc = p2p->options.alloc;
    for (size_t i = 0; i < NOTCH__REQUESTS_MAX; i++) {
        if (peer->requests[i].type != 0) {
            struct notch_p2p_effect *effect = notch__p2p_emit(p2p, NOTCH_P2P_EFFECT_EXPIRED, peer->id, NULL);
            effect->expired.type = (enum notch_p2p_type)peer->requests[i].type;
            effect->expired.token = peer->requests[i].token;
        }
    }
    if (peer->is_up) {
        notch__p2p_emit(p2p, NOTCH_P2P_EFFECT_PEER_DOWN, peer->id, NULL)->disconnect.reason = reason;
    }
    if (peer->purpose == NOTCH_P2P_STATIC) {
        notch__p2p_static_lost(p2p, &peer->address, !peer->is_up);
    }
    notch__p2p_remember(p2p, peer);
    notch__p2p_forget_place(p2p, peer);
    notch__p2p_queues_clear(p2p, peer);
    notch_p2p_framer_fini(&peer->framer);
    for (size_t list = 0; list < NOTCH__LIST_COUNT; list++) {
        for (size_t type = 0; type < NOTCH_ARRAY_LEN(peer->lists[list].ids); type++) {
            notch_free(alloc, peer->lists[list].ids[type].data, peer->lists[list].ids[type].cap);
        }
    }
    (void)notch_map_remove(&p2p->by_id, &peer->id);
    memset(peer, 0, sizeof *peer);
}

void notch__p2p_close(struct notch_p2p *p2p, struct notch__peer *peer, enum notch_p2p_reason reason)
{
    uint64_t id = peer->id;
    say_bye(p2p, id, reason);
    notch__p2p_gone(p2p, peer, reason);
}

/* ---- who has to make room ---- */

/* Greater is worth more. */
typedef uint64_t (*worth)(const struct notch__peer *peer);

static uint64_t by_ping(const struct notch__peer *peer)
{
    return peer->ping_ms == 0 ? 0 : UINT32_MAX - peer->ping_ms;
}

static uint64_t by_item(const struct notch__peer *peer)
{
    return peer->last_item;
}

static uint64_t by_age(const struct notch__peer *peer)
{
    return UINT64_MAX - peer->since;
}

static uint64_t by_rate(const struct notch__peer *peer)
{
    return peer->rate > 0 ? (uint64_t)peer->rate : 0;
}

/* Takes the `keep` worthiest (of those worth anything) out of the candidates. */
static void protect(struct notch__peer **candidates, uint32_t *count, uint32_t keep, worth value)
{
    for (; keep > 0 && *count > 0; keep--) {
        uint32_t best = 0;
        for (uint32_t i = 1; i < *count; i++) {
            best = value(candidates[i]) > value(candidates[best]) ? i : best;
        }
        if (value(candidates[best]) == 0) {
            return;
        }
        candidates[best] = candidates[--*count];
    }
}

/* An inbound peer that nothing speaks for: the youngest of the largest group. NULL: all are worth keeping. */
static struct notch__peer *whom_to_evict(struct notch_p2p *p2p)
{
    struct notch__peer *candidates[NOTCH_P2P_PEERS_MAX];
    uint32_t count = 0;
    uint32_t at = 0;
    for (struct notch__peer *peer; (peer = notch__p2p_next(p2p, &at)) != NULL;) {
        if (peer->purpose == NOTCH_P2P_INBOUND) {
            candidates[count++] = peer;
        }
    }
    protect(candidates, &count, count, by_rate);
    protect(candidates, &count, 8, by_ping);
    protect(candidates, &count, 8, by_item);
    protect(candidates, &count, count / 2, by_age);
    struct notch__peer *victim = NULL;
    uint32_t largest = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t same = 0;
        for (uint32_t j = 0; j < count; j++) {
            same += notch_p2p_group_eq(&candidates[i]->group, &candidates[j]->group) ? 1 : 0;
        }
        if (same > largest || (same == largest && candidates[i]->since > victim->since)) {
            largest = same;
            victim = candidates[i];
        }
    }
    return victim;
}

/* ---- the beginning ---- */

/* Why an accepted connection may not stay; NONE if it may. May make room by letting another go. */
static enum notch_p2p_reason check_inbound(struct notch_p2p *p2p, const struct notch_p2p_address *address)
{
    struct notch_p2p_group group = notch_p2p_address_group(address);
    uint32_t inbound = 0;
    uint32_t same = 0;
    uint32_t at = 0;
    for (struct notch__peer *peer; (peer = notch__p2p_next(p2p, &at)) != NULL;) {
        if (peer->purpose == NOTCH_P2P_INBOUND) {
            inbound++;
            same += notch_p2p_group_eq(&peer->group, &group) ? 1 : 0;
        }
    }
    if (same >= p2p->limits->subnet_max) {
        return NOTCH_P2P_REASON_SUBNET;
    }
    if (inbound < p2p->limits->inbound_max) {
        return NOTCH_P2P_REASON_NONE;
    }
    struct notch__peer *victim = whom_to_evict(p2p);
    if (victim == NULL) {
        return NOTCH_P2P_REASON_FULL;
    }
    notch__p2p_close(p2p, victim, NOTCH_P2P_REASON_EVICTED);
    return NOTCH_P2P_REASON_NONE;
}

static enum notch_p2p_reason check_connected(struct notch_p2p *p2p, const struct notch_p2p_event *event)
{
    if (p2p->is_closing) {
        return NOTCH_P2P_REASON_SHUTDOWN;
    }
    if (notch_key_eq(&event->connected.key, &p2p->options.signer->key)) {
        return NOTCH_P2P_REASON_SELF;
    }
    if (event->connected.purpose != NOTCH_P2P_STATIC && notch_p2p_is_banned(p2p, &event->connected.key)) {
        return NOTCH_P2P_REASON_BANNED;
    }
    if (event->connected.purpose == NOTCH_P2P_INBOUND) {
        return check_inbound(p2p, &event->connected.address);
    }
    return NOTCH_P2P_REASON_NONE;
}

static struct notch__peer *free_place(struct notch_p2p *p2p)
{
    for (uint32_t i = 0; i < p2p->limits->peers_max; i++) {
        if (p2p->peers[i].id == 0) {
            return &p2p->peers[i];
        }
    }
    return NULL;
}

static void send_hello(struct notch_p2p *p2p, struct notch__peer *peer)
{
    const struct notch_p2p_options *options = &p2p->options;
    uint32_t capabilities = options->capabilities;
    if (peer->purpose == NOTCH_P2P_BLOCK_ONLY) {
        capabilities &= ~NOTCH_P2P_CAN_RELAY;
    }
    struct notch_p2p_message hello = {.type = NOTCH_P2P_HELLO,
                                      .hello = {.genesis = options->genesis,
                                                .version_min = NOTCH_P2P_VERSION_MIN,
                                                .version_max = NOTCH_P2P_VERSION,
                                                .services = options->services,
                                                .capabilities = capabilities,
                                                .listen = options->listen,
                                                .agent = notch_buf_bytes(&p2p->agent),
                                                .status = p2p->status}};
    struct notch_hash hash;
    notch_p2p_hello_hash(&hash, &options->genesis, peer->binding, &options->signer->key, &peer->key);
    bool is_signed = notch_sign(options->crypto, &hello.hello.sig, options->signer, &hash);
    notch_assert(is_signed);
    notch__p2p_send(p2p, peer, &hello);
}

void notch__p2p_connected(struct notch_p2p *p2p, const struct notch_p2p_event *event)
{
    notch_assert(event->peer != 0);
    notch_assert(notch__p2p_find(p2p, event->peer) == NULL);
    if (event->connected.purpose != NOTCH_P2P_INBOUND) {
        notch__p2p_dial_over(p2p, &event->connected.address, false);
    }
    enum notch_p2p_reason reason = check_connected(p2p, event);
    struct notch__peer *peer = free_place(p2p);
    if (reason == NOTCH_P2P_REASON_NONE && peer == NULL) {
        reason = NOTCH_P2P_REASON_FULL;
    }
    if (reason != NOTCH_P2P_REASON_NONE) {
        say_bye(p2p, event->peer, reason);
        if (event->connected.purpose == NOTCH_P2P_STATIC) {
            notch__p2p_static_lost(p2p, &event->connected.address, true);
        }
        return;
    }
    peer->id = event->peer;
    peer->purpose = event->connected.purpose;
    peer->key = event->connected.key;
    memcpy(peer->binding, event->connected.binding, sizeof peer->binding);
    peer->address = event->connected.address;
    peer->group = notch_p2p_address_group(&peer->address);
    peer->since = p2p->now;
    peer->progress = p2p->now;
    notch_p2p_framer_init(&peer->framer, p2p->options.alloc);
    for (int class = 0; class < NOTCH_P2P_CLASS_COUNT; class ++) {
        peer->buckets[class].items_milli = (uint64_t)p2p->limits->classes[class].burst * 1000;
        peer->buckets[class].bytes_milli = (uint64_t)p2p->limits->classes[class].burst_bytes * 1000;
        peer->buckets[class].at = p2p->now;
    }
    uint32_t *place = notch_map_put(&p2p->by_id, &peer->id, NULL);
    *place = notch__p2p_place(p2p, peer);
    notch__p2p_recall(p2p, peer);
    send_hello(p2p, peer);
}

/* ---- the handshake ---- */

/*
 * Both sides may dial at once: of two connections between the same nodes, the one that the smaller key dialled stays.
 * If both were dialled by the same side, the older one is dead and the dialler knows it.
 */
static bool stays_over(const struct notch_p2p *p2p, const struct notch__peer *fresh, const struct notch__peer *old)
{
    bool fresh_is_theirs = fresh->purpose == NOTCH_P2P_INBOUND;
    bool old_is_theirs = old->purpose == NOTCH_P2P_INBOUND;
    if (fresh_is_theirs == old_is_theirs) {
        return true;
    }
    bool theirs_is_smaller = notch_key_cmp(&fresh->key, &p2p->options.signer->key) < 0;
    return fresh_is_theirs == theirs_is_smaller;
}

static struct notch__peer *other_of_key(struct notch_p2p *p2p, const struct notch__peer *peer)
{
    uint32_t at = 0;
    for (struct notch__peer *other; (other = notch__p2p_next(p2p, &at)) != NULL;) {
        if (other != peer && other->is_up && notch_key_eq(&other->key, &peer->key)) {
            return other;
        }
    }
    return NULL;
}

static enum notch_p2p_reason check_hello(struct notch_p2p *p2p, const struct notch__peer *peer,
                                         const struct notch_p2p_hello *hello)
{
    if (!notch_hash_eq(&hello->genesis, &p2p->options.genesis)) {
        return NOTCH_P2P_REASON_OTHER_NETWORK;
    }
    if (hello->version_min > NOTCH_P2P_VERSION || hello->version_max < NOTCH_P2P_VERSION_MIN) {
        return NOTCH_P2P_REASON_VERSION;
    }
    struct notch_hash hash;
    notch_p2p_hello_hash(&hash, &hello->genesis, peer->binding, &peer->key, &p2p->options.signer->key);
    if (!notch_verify(p2p->options.crypto, &peer->key, &hash, &hello->sig)) {
        return NOTCH_P2P_REASON_SIGNATURE;
    }
    struct notch__peer *other = other_of_key(p2p, peer);
    if (other != NULL) {
        if (!stays_over(p2p, peer, other)) {
            return NOTCH_P2P_REASON_DUPLICATE;
        }
        notch__p2p_close(p2p, other, NOTCH_P2P_REASON_DUPLICATE);
    }
    return NOTCH_P2P_REASON_NONE;
}

static void emit_status(struct notch_p2p *p2p, const struct notch__peer *peer)
{
    struct notch_p2p_effect *effect = notch__p2p_emit(p2p, NOTCH_P2P_EFFECT_STATUS, peer->id, NULL);
    effect->status.key = peer->key;
    effect->status.status = peer->status;
}

static void emit_up(struct notch_p2p *p2p, const struct notch__peer *peer)
{
    struct notch_p2p_effect *effect = notch__p2p_emit(p2p, NOTCH_P2P_EFFECT_PEER_UP, peer->id, NULL);
    effect->up.key = peer->key;
    effect->up.address = peer->address;
    effect->up.listen = peer->listen;
    effect->up.purpose = peer->purpose;
    effect->up.version = peer->version;
    effect->up.services = peer->services;
    effect->up.capabilities = peer->capabilities;
}

/* Where an inbound peer says that it listens; with a port alone, at the address that it came from. */
static void note_listen(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_p2p_address *listen)
{
    static const uint8_t anywhere[16];
    peer->listen = *listen;
    if (listen->port != 0 && memcmp(listen->ip, anywhere, sizeof anywhere) == 0) {
        memcpy(peer->listen.ip, peer->address.ip, sizeof peer->listen.ip);
    }
    if (peer->purpose == NOTCH_P2P_INBOUND && notch_p2p_address_is_valid(&peer->listen)) {
        struct notch_p2p_seen seen = {peer->listen, peer->services, (uint32_t)(p2p->now / 1000)};
        notch__p2p_heard_of(p2p, &seen, &peer->address);
    }
}

void notch__p2p_hello(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_p2p_hello *hello)
{
    enum notch_p2p_reason reason = check_hello(p2p, peer, hello);
    if (reason != NOTCH_P2P_REASON_NONE) {
        notch__p2p_close(p2p, peer, reason);
        return;
    }
    peer->is_up = true;
    peer->framer.is_open = true;
    peer->version = hello->version_max < NOTCH_P2P_VERSION ? hello->version_max : NOTCH_P2P_VERSION;
    peer->services = hello->services;
    peer->capabilities = hello->capabilities;
    peer->status = hello->status;
    peer->pong_at = p2p->now;
    peer->ping_at = p2p->now;
    if (hello->agent.len > 0) {
        memcpy(peer->agent, hello->agent.data, hello->agent.len);
    }
    if (peer->purpose != NOTCH_P2P_INBOUND) {
        notch_p2p_book_good(&p2p->book, &peer->address, p2p->now / 1000);
    }
    if (peer->purpose == NOTCH_P2P_FEELER) {
        notch__p2p_close(p2p, peer, NOTCH_P2P_REASON_FEELER);
        return;
    }
    note_listen(p2p, peer, &hello->listen);
    emit_up(p2p, peer);
    emit_status(p2p, peer);
    if (peer->purpose == NOTCH_P2P_FULL || peer->purpose == NOTCH_P2P_STATIC) {
        notch__p2p_send(p2p, peer, &(struct notch_p2p_message){.type = NOTCH_P2P_GET_ADDRESSES});
    }
}

/* ---- alive? ---- */

void notch__p2p_ping(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_p2p_message *message)
{
    peer->status = message->ping.status;
    emit_status(p2p, peer);
    if (message->type == NOTCH_P2P_PING) {
        struct notch_p2p_message pong = {.type = NOTCH_P2P_PONG, .ping = {message->ping.nonce, p2p->status}};
        notch__p2p_send(p2p, peer, &pong);
        return;
    }
    if (peer->ping_nonce == 0 || peer->ping_nonce != message->ping.nonce) {
        notch__p2p_fault(p2p, peer, NOTCH__FAULT_BEHAVIOUR, 1000);
        return;
    }
    uint64_t took = p2p->now - peer->ping_at;
    peer->ping_ms = took < UINT32_MAX ? (uint32_t)took + 1 : UINT32_MAX;
    peer->ping_nonce = 0;
    peer->pong_at = p2p->now;
}

static void send_ping(struct notch_p2p *p2p, struct notch__peer *peer)
{
    if (peer->ping_nonce != 0 || p2p->now < peer->ping_at + p2p->limits->ping_ms) {
        return;
    }
    peer->ping_nonce = notch_rng_u64(&p2p->rng) | 1;
    peer->ping_at = p2p->now;
    struct notch_p2p_message ping = {.type = NOTCH_P2P_PING, .ping = {peer->ping_nonce, p2p->status}};
    notch__p2p_send(p2p, peer, &ping);
}

/* What a peer let pass; NONE if nothing. */
static enum notch_p2p_reason overdue(const struct notch_p2p *p2p, const struct notch__peer *peer)
{
    const struct notch_p2p_limits *limits = p2p->limits;
    size_t frame_len;
    if (!peer->is_up && peer->since + limits->handshake_ms <= p2p->now) {
        return NOTCH_P2P_REASON_HANDSHAKE_TIMEOUT;
    }
    if (notch_p2p_framer_is_inside(&peer->framer, &frame_len) &&
        peer->frame_since + limits->frame_ms + frame_len / 65536 * 1000 <= p2p->now) {
        return NOTCH_P2P_REASON_FRAME_TIMEOUT;
    }
    if (peer->in_flight > 0 && peer->progress + limits->stall_ms <= p2p->now) {
        return NOTCH_P2P_REASON_SLOW;
    }
    if (peer->is_up && peer->pong_at + limits->silent_ms <= p2p->now) {
        return NOTCH_P2P_REASON_SILENT;
    }
    return NOTCH_P2P_REASON_NONE;
}

void notch__p2p_check_time(struct notch_p2p *p2p)
{
    uint32_t at = 0;
    for (struct notch__peer *peer; (peer = notch__p2p_next(p2p, &at)) != NULL;) {
        enum notch_p2p_reason reason = overdue(p2p, peer);
        if (reason != NOTCH_P2P_REASON_NONE) {
            notch__p2p_close(p2p, peer, reason);
        } else if (peer->is_up) {
            notch__p2p_check_requests(p2p, peer);
            send_ping(p2p, peer);
        }
    }
}
