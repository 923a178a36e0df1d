#include "tests/support/p2p_net.h"

#include "p2p/frame.h"

#include <stdlib.h>

enum { START = 1700000000 };

enum what { ARRIVES, WRITTEN, CLOSED, TICKS, DIALLED, JUDGED };

struct pending {
    uint64_t at;
    uint64_t order;
    enum what what;
    uint32_t node;
    uint64_t peer;
    uint8_t *bytes;
    size_t len;
    struct notch_p2p_address address;
    enum notch_p2p_purpose purpose;
    struct notch_hash id;
    enum notch_p2p_verdict verdict;
};

struct end {
    uint32_t node; /* UINT32_MAX: the test */
    bool is_open;
    uint64_t busy_until;
};

struct link {
    struct end ends[2];
    uint32_t delay_ms;
    bool is_up[2];
};

struct notch_test_net {
    struct notch_test_node nodes[NOTCH_TEST_NODES_MAX];
    uint32_t count;
    struct link links[NOTCH_TEST_LINKS_MAX];
    uint32_t link_count;
    struct pending *heap;
    size_t heap_len, heap_cap;
    uint64_t now, order;
    uint32_t loss_ppm, delay_min, delay_max;
    struct notch_rng rng;
    struct notch_test_wire wire;
    struct notch_buf raw;
    struct notch_p2p_zstd zstd;
};

/* ---- the heap ---- */

static bool is_before(const struct pending *a, const struct pending *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static struct pending *schedule(struct notch_test_net *net, uint64_t at, enum what what, uint32_t node, uint64_t peer)
{
    if (net->heap_len == net->heap_cap) {
        net->heap_cap = net->heap_cap > 0 ? 2 * net->heap_cap : 1024;
        net->heap = realloc(net->heap, net->heap_cap * sizeof *net->heap);
    }
    struct pending fresh = {.at = at, .order = net->order++, .what = what, .node = node, .peer = peer};
    size_t i = net->heap_len++;
    while (i > 0 && is_before(&fresh, &net->heap[(i - 1) / 2])) {
        net->heap[i] = net->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    net->heap[i] = fresh;
    return &net->heap[i];
}

static struct pending take(struct notch_test_net *net)
{
    struct pending first = net->heap[0];
    struct pending last = net->heap[--net->heap_len];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= net->heap_len) {
            break;
        }
        if (child + 1 < net->heap_len && is_before(&net->heap[child + 1], &net->heap[child])) {
            child++;
        }
        if (is_before(&last, &net->heap[child])) {
            break;
        }
        net->heap[i] = net->heap[child];
        i = child;
    }
    if (net->heap_len > 0) {
        net->heap[i] = last;
    }
    return first;
}

/* ---- links: connection 2 * l + 1 is the dialler's end, 2 * l + 2 the other ---- */

static struct link *link_of(struct notch_test_net *net, uint64_t peer, uint32_t *side)
{
    *side = (uint32_t)((peer - 1) % 2);
    return &net->links[(peer - 1) / 2];
}

struct notch_p2p_address notch_test_net_address(uint32_t node)
{
    return notch_p2p_address_v4((uint8_t)(20 + node), (uint8_t)node, 0, 1, 7400);
}

static void look_into(struct notch_test_net *net, uint32_t to, struct notch_bytes bytes)
{
    struct notch_p2p_framer framer;
    notch_p2p_framer_init(&framer, notch_alloc_heap());
    framer.is_open = true;
    uint8_t code;
    struct notch_bytes payload;
    enum notch_p2p_reason reason;
    net->wire.bytes += bytes.len;
    while (notch_p2p_framer_next(&framer, &net->zstd, &bytes, &code, &payload, &reason) == NOTCH_P2P_FRAME_WHOLE) {
        struct notch_p2p_message message;
        struct notch_reject reject = notch_p2p_decode(&message, code, payload);
        notch_assert(notch_is_valid(reject));
        net->wire.frames++;
        struct notch_hash hash;
        notch_p2p_item_id(&hash, (enum notch_p2p_type)code, payload);
        net->wire.trace = notch_siphash((struct notch_siphash_key){net->wire.trace, to}, &hash, sizeof hash);
        if (code == NOTCH_P2P_BYE && to < net->count) {
            net->nodes[to].last_bye = message.bye.reason;
        }
        if (!notch_p2p_type_info(code)->is_items) {
            continue;
        }
        struct notch_reader reader = notch_reader(message.items.items.packed);
        uint8_t hops;
        struct notch_bytes item;
        while (notch_p2p_next_item(&reader, &hops, &item)) {
            net->wire.items++;
            net->wire.hops_max = hops > net->wire.hops_max && hops != 255 ? hops : net->wire.hops_max;
        }
    }
    notch_p2p_framer_fini(&framer);
}

static void send(struct notch_test_net *net, uint64_t peer, struct notch_bytes bytes)
{
    uint32_t side;
    struct link *link = link_of(net, peer, &side);
    struct end *from = &link->ends[side];
    struct end *to = &link->ends[1 - side];
    look_into(net, to->node, bytes);
    uint64_t start = from->busy_until > net->now ? from->busy_until : net->now;
    uint32_t rate = to->node < net->count ? net->nodes[to->node].read_rate : 0;
    from->busy_until = start + (rate > 0 ? bytes.len * 1000 / rate : 0);
    struct pending *written = schedule(net, from->busy_until, WRITTEN, from->node, peer);
    written->len = bytes.len;
    if (to->node == UINT32_MAX) {
        notch_buf_append(&net->raw, bytes.data, bytes.len);
        return;
    }
    bool may_lose = link->is_up[0] && link->is_up[1];
    if (may_lose && notch_rng_chance(&net->rng, net->loss_ppm)) {
        net->wire.lost++;
        return;
    }
    uint64_t other = side == 0 ? peer + 1 : peer - 1;
    struct pending *arrives = schedule(net, from->busy_until + link->delay_ms, ARRIVES, to->node, other);
    arrives->bytes = malloc(bytes.len);
    memcpy(arrives->bytes, bytes.data, bytes.len);
    arrives->len = bytes.len;
}

static void hang_up(struct notch_test_net *net, uint64_t peer)
{
    uint32_t side;
    struct link *link = link_of(net, peer, &side);
    link->ends[side].is_open = false;
    uint64_t other = side == 0 ? peer + 1 : peer - 1;
    uint64_t at = link->ends[side].busy_until > net->now ? link->ends[side].busy_until : net->now;
    if (link->ends[1 - side].node != UINT32_MAX) {
        (void)schedule(net, at + link->delay_ms, CLOSED, link->ends[1 - side].node, other);
    }
}

/* ---- nodes ---- */

static void note_delivery(struct notch_test_net *net, uint32_t index, const struct notch_p2p_effect *effect)
{
    struct notch_test_node *node = &net->nodes[index];
    node->delivered++;
    if (effect->deliver.type == NOTCH_P2P_VOTES) {
        node->first_vote_at = node->votes_delivered == 0 ? net->now : node->first_vote_at;
        node->votes_delivered++;
    } else if (effect->deliver.type == NOTCH_P2P_RECORDS) {
        node->last_record_at = net->now;
        node->records_delivered++;
    }
    struct pending *judged = schedule(net, net->now, JUDGED, index, 0);
    judged->id = effect->deliver.id;
    judged->verdict = effect->deliver.bytes.data[0] == 0xff ? NOTCH_P2P_REJECT : NOTCH_P2P_ACCEPT;
}

static void carry_out(struct notch_test_net *net, uint32_t index, const struct notch_p2p_effect *effect)
{
    struct notch_test_node *node = &net->nodes[index];
    uint32_t side;
    switch (effect->type) {
    case NOTCH_P2P_EFFECT_SEND:
        send(net, effect->peer, effect->send.bytes);
        break;
    case NOTCH_P2P_EFFECT_DISCONNECT:
        node->last_reason = effect->disconnect.reason;
        hang_up(net, effect->peer);
        break;
    case NOTCH_P2P_EFFECT_DIAL: {
        node->dials++;
        node->last_purpose = effect->dial.purpose;
        node->last_dial = effect->dial.address;
        struct pending *dialled = schedule(net, net->now + 20, DIALLED, index, 0);
        dialled->address = effect->dial.address;
        dialled->purpose = effect->dial.purpose;
        break;
    }
    case NOTCH_P2P_EFFECT_BAN:
        node->bans++;
        break;
    case NOTCH_P2P_EFFECT_PEER_UP:
        node->ups++;
        node->last_peer = effect->peer;
        link_of(net, effect->peer, &side)->is_up[(effect->peer - 1) % 2] = true;
        break;
    case NOTCH_P2P_EFFECT_PEER_DOWN:
        node->downs++;
        break;
    case NOTCH_P2P_EFFECT_STATUS:
        node->last_status = effect->status.status;
        break;
    case NOTCH_P2P_EFFECT_DELIVER:
        note_delivery(net, index, effect);
        break;
    case NOTCH_P2P_EFFECT_MESSAGE:
        node->messages++;
        node->last_message = effect->message.message.type;
        node->last_token = notch_p2p_token(&effect->message.message);
        break;
    case NOTCH_P2P_EFFECT_ASKED:
        node->asked += effect->asked.ids.ids.count;
        break;
    case NOTCH_P2P_EFFECT_EXPIRED:
        node->expired++;
        node->last_token = effect->expired.token;
        break;
    }
}

void notch_test_net_give(struct notch_test_net *net, uint32_t index, struct notch_p2p_event *event)
{
    struct notch_test_node *node = &net->nodes[index];
    event->seq = ++node->seq;
    event->now.raw = net->now;
    notch_p2p_handle(node->p2p, event);
    struct notch_p2p_effect effect;
    while (notch_p2p_poll(node->p2p, &effect)) {
        carry_out(net, index, &effect);
    }
    uint64_t due = notch_p2p_deadline(node->p2p).raw;
    due = due > net->now ? due : net->now + 1;
    if (due < node->tick_at || node->tick_at <= net->now) {
        node->tick_at = due;
        (void)schedule(net, due, TICKS, index, 0);
    }
}

static uint64_t connect(struct notch_test_net *net, uint32_t a, uint32_t b, enum notch_p2p_purpose purpose)
{
    notch_assert(net->link_count < NOTCH_TEST_LINKS_MAX);
    struct link *link = &net->links[net->link_count];
    uint64_t peer = 2 * (uint64_t)net->link_count++ + 1;
    *link = (struct link){.ends = {{a, true, 0}, {b, true, 0}}};
    link->delay_ms = net->delay_min + (uint32_t)notch_rng_below(&net->rng, net->delay_max - net->delay_min + 1);
    struct notch_p2p_event event = {.type = NOTCH_P2P_EVENT_CONNECTED, .peer = peer};
    memcpy(event.connected.binding, &peer, sizeof peer);
    event.connected.key = net->nodes[b].signer.key;
    event.connected.address = net->nodes[b].address;
    event.connected.purpose = purpose;
    notch_test_net_give(net, a, &event);
    event.peer = peer + 1;
    event.connected.key = net->nodes[a].signer.key;
    event.connected.address = net->nodes[a].address;
    event.connected.address.port = 40000; /* of the outgoing side */
    event.connected.purpose = NOTCH_P2P_INBOUND;
    notch_test_net_give(net, b, &event);
    return peer;
}

uint64_t notch_test_net_connect(struct notch_test_net *net, uint32_t a, uint32_t b)
{
    return connect(net, a, b, NOTCH_P2P_FULL);
}

uint64_t notch_test_net_connect_raw(struct notch_test_net *net, uint32_t a, const struct notch_key *key,
                                    struct notch_p2p_address address)
{
    notch_assert(net->link_count < NOTCH_TEST_LINKS_MAX);
    struct link *link = &net->links[net->link_count];
    uint64_t peer = 2 * (uint64_t)net->link_count++ + 2;
    *link = (struct link){.ends = {{UINT32_MAX, true, 0}, {a, true, 0}}};
    struct notch_p2p_event event = {.type = NOTCH_P2P_EVENT_CONNECTED, .peer = peer};
    event.connected.key = *key;
    event.connected.address = address;
    event.connected.purpose = NOTCH_P2P_INBOUND;
    notch_test_net_give(net, a, &event);
    return peer;
}

static void dialled(struct notch_test_net *net, const struct pending *pending)
{
    for (uint32_t i = 0; i < net->count; i++) {
        if (notch_p2p_address_eq(&net->nodes[i].address, &pending->address) && !net->nodes[i].is_dead) {
            (void)connect(net, pending->node, i, pending->purpose);
            return;
        }
    }
    struct notch_p2p_event event = {.type = NOTCH_P2P_EVENT_DIAL_FAILED, .dial_failed = {pending->address}};
    notch_test_net_give(net, pending->node, &event);
}

static void happen(struct notch_test_net *net, const struct pending *pending)
{
    struct notch_p2p_event event = {.type = NOTCH_P2P_EVENT_TICK, .peer = pending->peer};
    uint32_t side = 0;
    bool is_open = pending->peer == 0 || link_of(net, pending->peer, &side)->ends[side].is_open;
    if (!is_open || (pending->what == TICKS && net->nodes[pending->node].tick_at != pending->at)) {
        return;
    }
    switch (pending->what) {
    case ARRIVES:
        event.type = NOTCH_P2P_EVENT_BYTES;
        event.bytes.bytes = notch_bytes(pending->bytes, pending->len);
        break;
    case WRITTEN:
        event.type = NOTCH_P2P_EVENT_SENT;
        event.sent.len = pending->len;
        break;
    case CLOSED:
        event.type = NOTCH_P2P_EVENT_DISCONNECTED;
        link_of(net, pending->peer, &side)->ends[side].is_open = false;
        break;
    case TICKS:
        break;
    case DIALLED:
        dialled(net, pending);
        return;
    case JUDGED:
        event.type = NOTCH_P2P_EVENT_VERDICT;
        event.verdict.id = pending->id;
        event.verdict.verdict = pending->verdict;
        break;
    }
    notch_test_net_give(net, pending->node, &event);
}

void notch_test_net_run(struct notch_test_net *net, uint64_t ms)
{
    uint64_t until = net->now + ms;
    while (net->heap_len > 0 && net->heap[0].at <= until) {
        struct pending pending = take(net);
        net->now = pending.at > net->now ? pending.at : net->now;
        happen(net, &pending);
        free(pending.bytes);
    }
    net->now = until;
}

/* ---- making and ending ---- */

struct notch_test_net *notch_test_net_new(uint32_t count, uint64_t seed, notch_test_tune tune, void *context)
{
    notch_assert(count <= NOTCH_TEST_NODES_MAX);
    struct notch_test_net *net = calloc(1, sizeof *net);
    const struct notch_crypto *crypto = notch_crypto_standin();
    net->count = count;
    net->now = (uint64_t)START * 1000;
    net->delay_min = 5;
    net->delay_max = 5;
    notch_rng_init(&net->rng, seed);
    notch_buf_init(&net->raw, notch_alloc_heap());
    notch_p2p_zstd_init(&net->zstd, notch_alloc_heap());
    for (uint32_t i = 0; i < count; i++) {
        struct notch_test_node *node = &net->nodes[i];
        notch_test_alloc_init(&node->alloc);
        node->secret[0] = (uint8_t)(i + 1);
        node->secret[31] = 1;
        node->signer.secret = node->secret;
        bool is_key = crypto->key_of_secret(crypto->self, &node->signer.key, node->secret);
        notch_assert(is_key);
        node->address = notch_test_net_address(i);
        struct notch_p2p_options options = {.genesis = {{1, 2, 3}},
                                            .crypto = crypto,
                                            .signer = &node->signer,
                                            .alloc = &node->alloc.alloc,
                                            .seed = seed * 1000 + i,
                                            .hash_key = {seed, i},
                                            .capabilities = NOTCH_P2P_CAN_ALL,
                                            .listen = node->address,
                                            .agent = "notch test"};
        notch_p2p_limits_default(&options.limits);
        options.limits.compress_bytes = 0;
        options.limits.outbound_full = 0; /* links are made by the test */
        options.limits.outbound_block = 0;
        options.limits.feeler_ms = UINT32_MAX;
        if (tune != NULL) {
            tune(&options, i, context);
        }
        notch_p2p_create(&node->p2p, &options);
        struct notch_p2p_event tick = {.type = NOTCH_P2P_EVENT_TICK};
        notch_test_net_give(net, i, &tick);
    }
    return net;
}

void notch_test_net_free(struct notch_test_net *net)
{
    for (uint32_t i = 0; i < net->count; i++) {
        notch_p2p_destroy(net->nodes[i].p2p);
        notch_assert(net->nodes[i].alloc.live_blocks == 0);
    }
    for (size_t i = 0; i < net->heap_len; i++) {
        free(net->heap[i].bytes);
    }
    free(net->heap);
    notch_buf_fini(&net->raw);
    notch_p2p_zstd_fini(&net->zstd);
    free(net);
}

struct notch_test_node *notch_test_net_node(struct notch_test_net *net, uint32_t node)
{
    return &net->nodes[node];
}

uint64_t notch_test_net_now(const struct notch_test_net *net)
{
    return net->now;
}

const struct notch_test_wire *notch_test_net_wire(const struct notch_test_net *net)
{
    return &net->wire;
}

struct notch_bytes notch_test_net_raw_sent(const struct notch_test_net *net)
{
    return notch_buf_bytes(&net->raw);
}

void notch_test_net_weather(struct notch_test_net *net, uint32_t loss_ppm, uint32_t delay_ms_min, uint32_t delay_ms_max)
{
    net->loss_ppm = loss_ppm;
    net->delay_min = delay_ms_min;
    net->delay_max = delay_ms_max;
}

/* ---- usual events ---- */

void notch_test_net_publish(struct notch_test_net *net, uint32_t node, enum notch_p2p_type type, const void *bytes,
                            size_t len)
{
    struct notch_p2p_event event = {.type = NOTCH_P2P_EVENT_PUBLISH, .publish = {type, notch_bytes(bytes, len), 0}};
    notch_test_net_give(net, node, &event);
}

void notch_test_net_bytes(struct notch_test_net *net, uint32_t node, uint64_t peer, const void *bytes, size_t len)
{
    struct notch_p2p_event event = {.type = NOTCH_P2P_EVENT_BYTES, .peer = peer};
    event.bytes.bytes = notch_bytes(bytes, len);
    notch_test_net_give(net, node, &event);
}

void notch_test_net_frame(struct notch_test_net *net, uint32_t node, uint64_t peer,
                          const struct notch_p2p_message *message)
{
    struct notch_buf payload;
    struct notch_buf frame;
    notch_buf_init(&payload, notch_alloc_heap());
    notch_buf_init(&frame, notch_alloc_heap());
    struct notch_writer writer = notch_writer_grow(&payload);
    notch_p2p_encode(&writer, message);
    notch_p2p_frame_append(&frame, &net->zstd, message->type, notch_buf_bytes(&payload), 0);
    notch_test_net_bytes(net, node, peer, frame.data, frame.len);
    notch_buf_fini(&payload);
    notch_buf_fini(&frame);
}

void notch_test_net_hello(struct notch_test_net *net, uint32_t node, uint64_t peer, const struct notch_signer *signer,
                          const struct notch_hash *genesis)
{
    static const uint8_t binding[32];
    struct notch_p2p_message hello = {
        .type = NOTCH_P2P_HELLO,
        .hello = {.genesis = *genesis, .version_min = 1, .version_max = 1, .capabilities = NOTCH_P2P_CAN_ALL}};
    if (signer != NULL) {
        struct notch_hash hash;
        notch_p2p_hello_hash(&hash, genesis, binding, &signer->key, &net->nodes[node].signer.key);
        bool is_signed = notch_sign(notch_crypto_standin(), &hello.hello.sig, signer, &hash);
        notch_assert(is_signed);
    }
    notch_test_net_frame(net, node, peer, &hello);
}
