#include "node/daemon/peers.h"

#include "node/daemon/text.h"
#include "p2p/io/dns.h"
#include "p2p/io/net.h"

#include <uv.h>

enum { FAULT_INVALID = 10, OPEN_PARTS = 3, FRAMING = 64 };

struct notch_peers {
    struct notch_peers_options options;
    struct notch_tls *tls;
    struct notch_net *net;
    struct notch_dns *dns;
    struct notch_p2p *p2p;
    uv_timer_t timer;
    uint64_t seq;
    bool is_draining;
    uint32_t open; /* parts that are not closed yet */
    void (*done)(void *arg);
};

static const struct {
    enum notch_p2p_type type;
    bool is_gossip;
} kinds[] = {
    [NOTCH_NODE_MESSAGE_BATCH] = {NOTCH_P2P_BATCHES, true}, [NOTCH_NODE_MESSAGE_BLOCK] = {NOTCH_P2P_BLOCKS, true},
    [NOTCH_NODE_MESSAGE_VOTES] = {NOTCH_P2P_VOTES, true},   [NOTCH_NODE_MESSAGE_EVIDENCE] = {NOTCH_P2P_EVIDENCE, true},
    [NOTCH_NODE_MESSAGE_STATUS] = {NOTCH_P2P_NODE, false},  [NOTCH_NODE_MESSAGE_WANT] = {NOTCH_P2P_NODE, false},
    [NOTCH_NODE_MESSAGE_HAVE] = {NOTCH_P2P_NODE, false},    [NOTCH_NODE_MESSAGE_STORED] = {NOTCH_P2P_RECEIPTS, true},
};

/* ---- between the core and the sockets ---- */

static void handle(struct notch_peers *peers, struct notch_p2p_event *event);

static void deliver(struct notch_peers *peers, const struct notch_p2p_effect *effect)
{
    struct notch_p2p_event verdict = {.type = NOTCH_P2P_EVENT_VERDICT};
    verdict.verdict.id = effect->deliver.id;
    verdict.verdict.verdict = NOTCH_P2P_IGNORE; /* given to the node, which does not say when it is found valid */
    for (size_t what = 0; what < NOTCH_ARRAY_LEN(kinds); what++) {
        if (kinds[what].is_gossip && kinds[what].type == effect->deliver.type) {
            peers->options.message(peers->options.arg, effect->peer, (enum notch_node_message)what,
                                   effect->deliver.bytes);
        }
    }
    handle(peers, &verdict);
}

static void pass_on(struct notch_peers *peers, const struct notch_p2p_effect *effect)
{
    const struct notch_p2p_message *message = &effect->message.message;
    if (message->type == NOTCH_P2P_NODE && message->direct.topic < NOTCH_ARRAY_LEN(kinds)) {
        peers->options.message(peers->options.arg, effect->peer, (enum notch_node_message)message->direct.topic,
                               message->direct.bytes);
    }
}

static void carry_out(struct notch_peers *peers, const struct notch_p2p_effect *effect)
{
    switch (effect->type) {
    case NOTCH_P2P_EFFECT_SEND:
    case NOTCH_P2P_EFFECT_DISCONNECT:
    case NOTCH_P2P_EFFECT_DIAL:
    case NOTCH_P2P_EFFECT_BAN:
        notch_net_perform(peers->net, effect);
        break;
    case NOTCH_P2P_EFFECT_PEER_UP:
        peers->options.up(peers->options.arg, effect->peer);
        break;
    case NOTCH_P2P_EFFECT_PEER_DOWN:
        peers->options.down(peers->options.arg, effect->peer);
        break;
    case NOTCH_P2P_EFFECT_DELIVER:
        deliver(peers, effect);
        break;
    case NOTCH_P2P_EFFECT_MESSAGE:
        pass_on(peers, effect);
        break;
    case NOTCH_P2P_EFFECT_STATUS:  /* the node tells in messages of its own where it stands, */
    case NOTCH_P2P_EFFECT_ASKED:   /* keeps what it was asked for itself, */
    case NOTCH_P2P_EFFECT_EXPIRED: /* and counts its own time */
        break;
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct notch_peers *peers = timer->data;
    struct notch_p2p_event event = {.type = NOTCH_P2P_EVENT_TICK};
    handle(peers, &event);
}

static void set_timer(struct notch_peers *peers)
{
    uint64_t now = peers->options.now(peers->options.arg).raw; /* Raw: a difference of times */
    uint64_t deadline = notch_p2p_deadline(peers->p2p).raw;
    if (peers->done == NULL) {
        (void)uv_timer_start(&peers->timer, on_timer, deadline > now ? deadline - now : 0, 0);
    }
}

/* What carrying out an effect brings about is handled at once; the effects of that come after those before them. */
static void handle(struct notch_peers *peers, struct notch_p2p_event *event)
{
    event->seq = ++peers->seq;
    event->now = peers->options.now(peers->options.arg);
    notch_p2p_handle(peers->p2p, event);
    if (peers->is_draining) {
        return;
    }
    peers->is_draining = true;
    struct notch_p2p_effect effect;
    while (notch_p2p_poll(peers->p2p, &effect)) {
        carry_out(peers, &effect);
    }
    peers->is_draining = false;
    set_timer(peers);
}

static void on_net_event(void *arg, struct notch_p2p_event *event)
{
    handle(arg, event);
}

static struct notch_time on_net_now(void *arg)
{
    struct notch_peers *peers = arg;
    return peers->options.now(peers->options.arg);
}

static void on_seed(void *arg, const struct notch_dns_answer *answer)
{
    struct notch_peers *peers = arg;
    struct notch_p2p_seen seen[NOTCH_DNS_ADDRESSES_MAX];
    if (answer->why != NULL) {
        notch_log(peers->options.log, NOTCH_LOG_WARN, "net", "the seed %s gives no addresses: %s", answer->seed,
                  answer->why);
        return;
    }
    for (size_t i = 0; i < answer->count; i++) {
        seen[i] = (struct notch_p2p_seen){.address = answer->addresses[i]};
    }
    struct notch_p2p_event event = {.type = NOTCH_P2P_EVENT_ADDRESSES};
    event.addresses.seen = seen;
    event.addresses.count = answer->count;
    handle(peers, &event);
}

/* ---- what the node asks for ---- */

static void send_one(struct notch_peers *peers, uint64_t to, enum notch_node_message what, struct notch_bytes bytes)
{
    const struct notch_p2p_message message = {.type = NOTCH_P2P_NODE, .direct = {(uint16_t)what, bytes}};
    struct notch_p2p_event event = {.type = NOTCH_P2P_EVENT_SEND_TO, .peer = to};
    event.send_to.message = &message;
    handle(peers, &event);
}

static void send_all(struct notch_peers *peers, enum notch_node_message what, struct notch_bytes bytes)
{
    uint64_t numbers[NOTCH_P2P_PEERS_MAX];
    size_t count = 0;
    size_t at = 0;
    struct notch_p2p_peer_info info;
    while (count < NOTCH_P2P_PEERS_MAX && notch_p2p_next_peer(peers->p2p, &at, &info)) {
        if (info.is_up) {
            numbers[count++] = info.peer;
        }
    }
    for (size_t i = 0; i < count; i++) {
        send_one(peers, numbers[i], what, bytes);
    }
}

void notch_peers_send(struct notch_peers *peers, uint64_t to, enum notch_node_message what, struct notch_bytes bytes)
{
    enum notch_p2p_type type = to == 0 ? kinds[what].type : NOTCH_P2P_NODE;
    if (bytes.len + FRAMING > notch_p2p_type_info((uint8_t)type)->payload_max) {
        notch_log(peers->options.log, NOTCH_LOG_WARN, "net", "%zu bytes are too many for one message", bytes.len);
        return;
    }
    if (to != 0) {
        send_one(peers, to, what, bytes);
    } else if (!kinds[what].is_gossip) {
        send_all(peers, what, bytes);
    } else {
        struct notch_p2p_event event = {.type = NOTCH_P2P_EVENT_PUBLISH};
        event.publish.type = kinds[what].type;
        event.publish.bytes = bytes;
        handle(peers, &event);
    }
}

void notch_peers_reject(struct notch_peers *peers, uint64_t peer, struct notch_reject reject)
{
    struct notch_p2p_event event = {.type = NOTCH_P2P_EVENT_FAULT, .peer = peer, .fault = {FAULT_INVALID}};
    notch_log(peers->options.log, NOTCH_LOG_DEBUG, "net", "peer %llu sent what is invalid: %s",
              (unsigned long long)peer, reject.reason);
    handle(peers, &event);
}

void notch_peers_stats(const struct notch_peers *peers, struct notch_p2p_stats *out)
{
    notch_p2p_stats(peers->p2p, out);
}

/* ---- its life ---- */

static enum notch_err create_sockets(struct notch_peers *peers)
{
    const struct notch_peers_options *options = &peers->options;
    const struct notch_net_options net = {.loop = options->loop,
                                          .tls = peers->tls,
                                          .alloc = options->alloc,
                                          .log = options->log,
                                          .now = on_net_now,
                                          .event = on_net_event,
                                          .arg = peers};
    const struct notch_dns_options dns = {.loop = options->loop,
                                          .alloc = options->alloc,
                                          .port = options->config->seed_port,
                                          .answer = on_seed,
                                          .arg = peers};
    const char *detail = "";
    enum notch_err err = notch_net_create(&peers->net, &net);
    if (err == NOTCH_OK && options->config->seed_count > 0) {
        err = notch_dns_create(&peers->dns, &dns, &detail);
        if (err != NOTCH_OK) {
            notch_log(options->log, NOTCH_LOG_ERROR, "net", "DNS cannot be asked: %s", detail);
        }
    }
    return err;
}

enum notch_err notch_peers_create(struct notch_peers **out, const struct notch_peers_options *options)
{
    struct notch_peers *peers = notch_alloc(options->alloc, sizeof *peers);
    *peers = (struct notch_peers){.options = *options};
    struct notch_p2p_options p2p = {.genesis = options->domain->genesis,
                                    .crypto = options->crypto,
                                    .signer = options->signer,
                                    .alloc = options->alloc,
                                    .log = options->log,
                                    .seed = options->seed,
                                    .hash_key = options->hash_key,
                                    .services = options->services,
                                    .capabilities = NOTCH_P2P_CAN_ALL,
                                    .listen = options->config->listen,
                                    .agent = "notchd/" NOTCH_VERSION};
    notch_p2p_limits_default(&p2p.limits);
    notch_p2p_create(&peers->p2p, &p2p);
    int failed = uv_timer_init(options->loop, &peers->timer);
    notch_assert(failed == 0);
    peers->timer.data = peers;
    enum notch_err err = notch_tls_create(&peers->tls, options->crypto, options->signer, options->alloc);
    if (err == NOTCH_OK) {
        err = create_sockets(peers);
    }
    *out = peers;
    return err;
}

static enum notch_err listen_on(struct notch_peers *peers, struct notch_buf *problem)
{
    struct notch_p2p_address address = peers->options.config->listen;
    char text[NOTCH_P2P_ADDRESS_TEXT_MAX];
    const char *detail = "";
    enum notch_err err = notch_net_listen(peers->net, &address, &detail);
    notch_p2p_address_print(text, &address);
    if (err != NOTCH_OK) {
        notch_text(problem, "%s: cannot listen for peers: %s; choose another address with p2p.listen\n", text, detail);
        return err;
    }
    notch_log(peers->options.log, NOTCH_LOG_INFO, "net", "listens for peers at %s", text);
    return NOTCH_OK;
}

enum notch_err notch_peers_start(struct notch_peers *peers, struct notch_buf *problem)
{
    const struct notch_peers_config *config = peers->options.config;
    enum notch_err err = config->listens ? listen_on(peers, problem) : NOTCH_OK;
    if (err != NOTCH_OK) {
        return err;
    }
    for (size_t i = 0; i < config->fixed_count; i++) {
        struct notch_p2p_event event = {.type = NOTCH_P2P_EVENT_STATIC};
        event.fixed.address = config->fixed[i];
        event.fixed.is_wanted = true;
        handle(peers, &event);
    }
    for (size_t i = 0; i < config->seed_count; i++) {
        if (notch_dns_ask(peers->dns, config->seeds[i]) != NOTCH_OK) {
            notch_text(problem, "%s: is no name of a host: correct p2p.seed\n", config->seeds[i]);
            return NOTCH_ERR_INVALID;
        }
    }
    set_timer(peers);
    return NOTCH_OK;
}

static void part_closed(struct notch_peers *peers)
{
    peers->open--;
    if (peers->open == 0) {
        peers->done(peers->options.arg);
    }
}

static void on_part_closed(void *arg)
{
    part_closed(arg);
}

static void on_dns_closed(void *arg)
{
    struct notch_peers *peers = arg;
    peers->dns = NULL;
    part_closed(peers);
}

static void on_timer_closed(uv_handle_t *timer)
{
    part_closed(timer->data);
}

void notch_peers_close(struct notch_peers *peers, void (*done)(void *arg))
{
    peers->done = done;
    peers->open = OPEN_PARTS;
    uv_close((uv_handle_t *)&peers->timer, on_timer_closed);
    if (peers->dns != NULL) {
        notch_dns_close(peers->dns, on_dns_closed);
    } else {
        part_closed(peers);
    }
    if (peers->net != NULL) {
        notch_net_close_all(peers->net, on_part_closed);
    } else {
        part_closed(peers);
    }
}

void notch_peers_destroy(struct notch_peers *peers)
{
    if (peers != NULL) {
        notch_net_destroy(peers->net);
        notch_tls_destroy(peers->tls);
        notch_p2p_destroy(peers->p2p);
        notch_free(peers->options.alloc, peers, sizeof *peers);
    }
}
