#include "p2p/internal.h"

/* ---- quotas ---- */

static void refill(struct notch__bucket *bucket, const struct notch_p2p_class_limits *limits, uint64_t now)
{
    uint64_t ms = now - bucket->at;
    uint64_t items_max = (uint64_t)limits->burst * 1000;
    uint64_t bytes_max = (uint64_t)limits->burst_bytes * 1000;
    ms = ms > 86400000 ? 86400000 : ms; /* a day fills every bucket, and nothing below overflows */
    uint64_t items = bucket->items_milli + ms * limits->rate_milli / 1000;
    uint64_t bytes = bucket->bytes_milli + ms * limits->rate_bytes;
    bucket->items_milli = items < items_max ? items : items_max;
    bucket->bytes_milli = bytes < bytes_max ? bytes : bytes_max;
    bucket->at = now;
}

static uint64_t weight_of(const struct notch_p2p_message *message)
{
    const struct notch_p2p_type_info *info = notch_p2p_type_info((uint8_t)message->type);
    if (info->is_items) {
        return message->items.items.count;
    }
    if (message->type == NOTCH_P2P_HAVE || message->type == NOTCH_P2P_WANT || message->type == NOTCH_P2P_DONT_WANT) {
        return 1 + message->ids.ids.count / 10;
    }
    return message->type == NOTCH_P2P_ADDRESSES ? message->addresses.addresses.count : 1;
}

/* Takes what a message costs; false if the peer has not that much left. Answers to our own requests cost nothing. */
static bool charge(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_p2p_message *message, size_t len)
{
    if (notch_p2p_is_answer(message->type)) {
        return true;
    }
    enum notch_p2p_class class = notch_p2p_type_info((uint8_t)message->type)->class;
    struct notch__bucket *bucket = &peer->buckets[class];
    refill(bucket, &p2p->limits->classes[class], p2p->now);
    uint64_t items = weight_of(message) * 1000;
    uint64_t bytes = (uint64_t)len * 1000;
    if (bucket->items_milli < items || bucket->bytes_milli < bytes) {
        p2p->stats.limited[class] += items / 1000;
        return false;
    }
    bucket->items_milli -= items;
    bucket->bytes_milli -= bytes;
    return true;
}

/* ---- requests and their answers ---- */

static void emit_expired(struct notch_p2p *p2p, uint64_t peer, enum notch_p2p_type type, uint32_t token)
{
    struct notch_p2p_effect *effect = notch__p2p_emit(p2p, NOTCH_P2P_EFFECT_EXPIRED, peer, NULL);
    effect->expired.type = type;
    effect->expired.token = token;
}

static bool open_request(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_p2p_message *message)
{
    for (uint32_t i = 0; i < p2p->limits->requests_max; i++) {
        if (peer->requests[i].type == 0) {
            peer->requests[i] = (struct notch__request){.token = notch_p2p_token(message),
                                                        .type = (uint8_t)message->type,
                                                        .until = p2p->now + p2p->limits->request_ms};
            return true;
        }
    }
    return false;
}

void notch__p2p_send_to(struct notch_p2p *p2p, uint64_t id, const struct notch_p2p_message *message)
{
    struct notch__peer *peer = notch__p2p_find(p2p, id);
    bool is_request = notch_p2p_answer_of(message->type) != 0;
    if (peer == NULL || !peer->is_up || (is_request && !open_request(p2p, peer, message))) {
        if (is_request) {
            emit_expired(p2p, id, message->type, notch_p2p_token(message));
        }
        return;
    }
    notch__p2p_send(p2p, peer, message);
}

/* Whether we asked for it. */
static bool close_request(struct notch__peer *peer, const struct notch_p2p_message *answer)
{
    for (size_t i = 0; i < NOTCH__REQUESTS_MAX; i++) {
        struct notch__request *request = &peer->requests[i];
        if (request->type != 0 && request->token == notch_p2p_token(answer) &&
            notch_p2p_answer_of((enum notch_p2p_type)request->type) == (uint8_t)answer->type) {
            request->type = 0;
            return true;
        }
    }
    return false;
}

void notch__p2p_check_requests(struct notch_p2p *p2p, struct notch__peer *peer)
{
    for (size_t i = 0; i < NOTCH__REQUESTS_MAX; i++) {
        struct notch__request *request = &peer->requests[i];
        if (request->type != 0 && request->until <= p2p->now) {
            emit_expired(p2p, peer->id, (enum notch_p2p_type)request->type, request->token);
            request->type = 0;
        }
    }
}

/* For the node: with a copy of the payload that the effect can point into. */
static void pass_on(struct notch_p2p *p2p, struct notch__peer *peer, enum notch_p2p_type type,
                    struct notch_bytes payload)
{
    struct notch__blob *blob = notch__blob_new(p2p, payload);
    struct notch_p2p_effect *effect = notch__p2p_emit(p2p, NOTCH_P2P_EFFECT_MESSAGE, peer->id, blob);
    struct notch_reject reject =
        notch_p2p_decode(&effect->message.message, (uint8_t)type, notch_bytes(blob->bytes, blob->len));
    notch_assert(notch_is_valid(reject));
    notch__blob_drop(p2p, blob);
}

/* ---- one message ---- */

static void handle_answer(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_p2p_message *message,
                          struct notch_bytes payload)
{
    if (close_request(peer, message)) {
        pass_on(p2p, peer, message->type, payload);
    } else {
        /* Late, or never asked for: the node never sees it. */
        notch__p2p_fault(p2p, peer, NOTCH__FAULT_BEHAVIOUR, 500);
    }
}

static void handle_message(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_p2p_message *message,
                           struct notch_bytes payload)
{
    const struct notch_p2p_type_info *info = notch_p2p_type_info((uint8_t)message->type);
    if (info->is_items) {
        notch__p2p_items(p2p, peer, message);
        return;
    }
    if (notch_p2p_is_answer(message->type)) {
        handle_answer(p2p, peer, message, payload);
        return;
    }
    if (message->type == NOTCH_P2P_PING || message->type == NOTCH_P2P_PONG) {
        notch__p2p_ping(p2p, peer, message);
    } else if (message->type == NOTCH_P2P_MESH) {
        notch__p2p_mesh(p2p, peer, &message->mesh);
    } else if (info->type == NOTCH_P2P_HAVE || info->type == NOTCH_P2P_WANT || info->type == NOTCH_P2P_DONT_WANT) {
        notch__p2p_ids(p2p, peer, message);
    } else if (message->type == NOTCH_P2P_GET_ADDRESSES) {
        notch__p2p_tell_addresses(p2p, peer);
    } else if (message->type == NOTCH_P2P_ADDRESSES) {
        notch__p2p_addresses(p2p, peer, message);
    } else {
        pass_on(p2p, peer, message->type, payload);
    }
}

/* Whether the peer is still there. */
static bool handle_frame(struct notch_p2p *p2p, struct notch__peer *peer, uint8_t code, struct notch_bytes payload)
{
    uint64_t id = peer->id;
    struct notch_p2p_message message;
    if (!notch_is_valid(notch_p2p_decode(&message, code, payload))) {
        p2p->stats.frames_bad++;
        peer->points.invalid += 2000;
        notch__p2p_close(p2p, peer, NOTCH_P2P_REASON_MALFORMED);
        return false;
    }
    if (message.type == NOTCH_P2P_BYE) {
        notch_log(p2p->options.log, NOTCH_LOG_DEBUG, "p2p", "peer %llu leaves: %s", (unsigned long long)id,
                  notch_p2p_reason_text(message.bye.reason));
        notch__p2p_emit(p2p, NOTCH_P2P_EFFECT_DISCONNECT, id, NULL)->disconnect.reason = NOTCH_P2P_REASON_NONE;
        notch__p2p_gone(p2p, peer, NOTCH_P2P_REASON_NONE);
        return false;
    }
    if ((message.type == NOTCH_P2P_HELLO) == peer->is_up) {
        peer->points.invalid += 2000;
        notch__p2p_close(p2p, peer, NOTCH_P2P_REASON_UNEXPECTED);
        return false;
    }
    if (message.type == NOTCH_P2P_HELLO) {
        notch__p2p_hello(p2p, peer, &message.hello);
    } else if (!charge(p2p, peer, &message, payload.len)) {
        notch__p2p_fault(p2p, peer, NOTCH__FAULT_BEHAVIOUR, 100 * weight_of(&message));
    } else {
        handle_message(p2p, peer, &message, payload);
    }
    return notch__p2p_find(p2p, id) != NULL;
}

void notch__p2p_receive(struct notch_p2p *p2p, struct notch__peer *peer, struct notch_bytes bytes)
{
    peer->bytes_in += bytes.len;
    p2p->stats.bytes_in += bytes.len;
    for (;;) {
        size_t frame_len;
        if (!notch_p2p_framer_is_inside(&peer->framer, &frame_len)) {
            peer->frame_since = p2p->now;
        }
        uint8_t code = 0;
        struct notch_bytes payload;
        enum notch_p2p_reason reason;
        enum notch_p2p_frame_state state =
            notch_p2p_framer_next(&peer->framer, &p2p->zstd, &bytes, &code, &payload, &reason);
        if (state == NOTCH_P2P_FRAME_MORE) {
            return;
        }
        if (state == NOTCH_P2P_FRAME_BAD) {
            p2p->stats.frames_bad++;
            peer->points.invalid += 2000;
            notch__p2p_close(p2p, peer, reason);
            return;
        }
        if (!handle_frame(p2p, peer, code, payload)) {
            return;
        }
    }
}
