#include "tests/support/rpc_node.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

enum { TIME_0 = 1700000000, REPLY_MS_MAX = 10000 };

/* A request that was given to the node. */
struct asked {
    struct notch_exchange *exchange;
    uint32_t index;
    bool used;
};

enum { ASKED_MAX = 1024 };

struct rpc_node {
    struct notch_genesis genesis;
    struct notch_domain domain;
    uint8_t secrets[2][32];
    struct notch_signer validator;
    struct notch_signer author;
    struct notch_memstore *disk;
    struct notch_store_view view;
    struct notch_node *node;
    struct notch_node_info info;
    struct notch_rpc *rpc;
    uint64_t now_ms;
    uint64_t seq;
    struct asked asked[ASKED_MAX];
};

static void drain(struct rpc_node *node);

static void event(struct rpc_node *node, struct notch_node_event *event)
{
    event->seq = ++node->seq;
    event->now = (struct notch_time){node->now_ms};
    notch_node_handle(node->node, event);
}

static void reply(struct rpc_node *node, const struct notch_reply *reply)
{
    struct asked *asked = &node->asked[reply->token];
    notch_assert(asked->used);
    asked->used = false;
    notch_exchange_take(asked->exchange, asked->index, reply);
}

/* Carries out one effect; true if it caused an event. */
static void carry_out(struct rpc_node *node, const struct notch_node_effect *effect)
{
    struct notch_node_event next = {.type = NOTCH_NODE_WORKED, .token = effect->token};
    switch (effect->type) {
    case NOTCH_NODE_PERSIST:
        notch_memstore_apply(node->disk, effect->persist);
        next.type = NOTCH_NODE_DONE;
        event(node, &next);
        return;
    case NOTCH_NODE_WORK:
        notch_node_run(effect->work);
        event(node, &next);
        return;
    case NOTCH_NODE_REPLY:
        reply(node, effect->reply);
        return;
    case NOTCH_NODE_SEND:
    case NOTCH_NODE_REJECT:
    case NOTCH_NODE_HEAD:
    case NOTCH_NODE_FINAL:
    case NOTCH_NODE_ALARM:
        return;
    }
}

static void drain(struct rpc_node *node)
{
    struct notch_node_effect effect;
    while (notch_node_poll(node->node, &effect)) {
        carry_out(node, &effect);
    }
}

void rpc_node_run(struct rpc_node *node, uint64_t ms)
{
    uint64_t end = node->now_ms + ms;
    for (;;) {
        uint64_t deadline = notch_node_deadline(node->node).raw;
        if (deadline > end) {
            break;
        }
        node->now_ms = deadline > node->now_ms ? deadline : node->now_ms + 1;
        struct notch_node_event tick = {.type = NOTCH_NODE_TICK};
        event(node, &tick);
        drain(node);
    }
    node->now_ms = end > node->now_ms ? end : node->now_ms;
}

static void make_signer(struct rpc_node *node, struct notch_signer *signer, uint8_t *secret, uint8_t fill)
{
    const struct notch_crypto *crypto = notch_crypto_secp();
    (void)node;
    memset(secret, fill, 32);
    bool made = crypto->key_of_secret(crypto->self, &signer->key, secret);
    notch_assert(made);
    signer->secret = secret;
}

static void make_genesis(struct rpc_node *node, enum notch_mode mode)
{
    struct notch_genesis *genesis = &node->genesis;
    notch_genesis_init(genesis, notch_alloc_heap());
    notch_genesis_defaults(genesis, NOTCH_NETWORK_DEV, mode);
    bool named = notch_genesis_set_name(genesis, "rpc", 3);
    notch_assert(named);
    genesis->time0 = (struct notch_time){node->now_ms};
    struct notch_genesis_member member = {
        .key = node->validator.key, .operator_key = node->validator.key, .reputation = NOTCH_GENESIS_REPUTATION};
    enum notch_err err = notch_genesis_add_member(genesis, &member);
    notch_assert(err == NOTCH_OK);
    err = notch_genesis_add_governance(genesis, &node->validator.key);
    notch_assert(err == NOTCH_OK);
    genesis->governance_quorum = 1;
    notch_assert(notch_is_valid(notch_genesis_check(genesis)));
    struct notch_buf bytes;
    struct notch_hash hash;
    notch_buf_init(&bytes, notch_alloc_heap());
    notch_genesis_encode(genesis, &bytes);
    notch_genesis_hash(&hash, notch_buf_bytes(&bytes));
    notch_buf_fini(&bytes);
    notch_domain_init(&node->domain, &hash);
}

static void start(struct rpc_node *node)
{
    const struct notch_node_options options = {
        .genesis = &node->genesis,
        .domain = &node->domain,
        .crypto = notch_crypto_secp(),
        .view = &node->view,
        .alloc = notch_alloc_heap(),
        .validator = &node->validator,
        .author = &node->author,
        .hash_key = {1, 2},
        .clock_is_trusted = true,
    };
    enum notch_err err = notch_node_create(&options, &node->node);
    notch_assert(err == NOTCH_OK);
    err = notch_node_start(node->node, (struct notch_time){node->now_ms}, NULL, NULL);
    notch_assert(err == NOTCH_OK);
    drain(node);
    const struct notch_rpc_options rpc = {
        .genesis = &node->genesis,
        .domain = &node->domain,
        .crypto = notch_crypto_secp(),
        .alloc = notch_alloc_heap(),
        .version = "1.2.3-test",
        .config = "{\"rpc\":{\"port\":0}}",
        .body_bytes_max = 1u << 20,
        .response_bytes_max = 1u << 20,
        .batch_max = 32,
    };
    err = notch_rpc_create(&node->rpc, &rpc);
    notch_assert(err == NOTCH_OK);
}

struct rpc_node *rpc_node_create(enum notch_mode mode)
{
    struct rpc_node *node = notch_alloc(notch_alloc_heap(), sizeof *node);
    const struct notch_siphash_key seed = {3, 4};
    node->now_ms = (uint64_t)TIME_0 * 1000;
    make_signer(node, &node->validator, node->secrets[0], 7);
    make_signer(node, &node->author, node->secrets[1], 9);
    make_genesis(node, mode);
    node->disk = notch_memstore_create(notch_alloc_heap(), seed);
    node->view = notch_memstore_view(node->disk);
    start(node);
    return node;
}

void rpc_node_destroy(struct rpc_node *node)
{
    notch_rpc_destroy(node->rpc);
    notch_node_destroy(node->node);
    notch_memstore_destroy(node->disk);
    notch_genesis_fini(&node->genesis);
    notch_free(notch_alloc_heap(), node, sizeof *node);
}

struct notch_rpc *rpc_node_rpc(struct rpc_node *node)
{
    return node->rpc;
}

const struct notch_genesis *rpc_node_genesis(const struct rpc_node *node)
{
    return &node->genesis;
}

const struct notch_domain *rpc_node_domain(const struct rpc_node *node)
{
    return &node->domain;
}

const struct notch_signer *rpc_node_author(const struct rpc_node *node)
{
    return &node->author;
}

void rpc_node_sight(struct rpc_node *node, struct notch_rpc_sight *out)
{
    notch_node_info(node->node, &node->info);
    *out = (struct notch_rpc_sight){&node->view, &node->info};
}

uint64_t rpc_node_taken(struct rpc_node *node)
{
    notch_node_info(node->node, &node->info);
    return node->info.acknowledged + node->info.pending_records + node->info.records;
}

static void ask(struct rpc_node *node, struct notch_exchange *exchange, struct notch_request *request, uint32_t index)
{
    uint32_t slot = 0;
    while (node->asked[slot].used) {
        slot++;
        notch_assert(slot < ASKED_MAX);
    }
    node->asked[slot] = (struct asked){exchange, index, true};
    request->token = slot;
    struct notch_node_event given = {.type = NOTCH_NODE_REQUEST, .request = request};
    event(node, &given);
    drain(node);
}

char *rpc_node_call(struct rpc_node *node, enum notch_rpc_role role, uint32_t *streams, const char *body, size_t len,
                    enum notch_exchange_outcome *outcome)
{
    const struct notch_rpc_caller caller = {.role = role, .streams = streams};
    struct notch_exchange *exchange = notch_exchange_create(node->rpc, &caller);
    struct notch_rpc_sight sight;
    struct notch_request *request;
    uint32_t index;
    rpc_node_sight(node, &sight);
    notch_exchange_run(exchange, &sight, notch_bytes(body, len));
    while ((request = notch_exchange_request(exchange, &index)) != NULL) {
        ask(node, exchange, request, index);
    }
    for (unsigned ms = 0; notch_exchange_awaited(exchange) > 0; ms++) {
        notch_assert(ms < REPLY_MS_MAX);
        rpc_node_run(node, 1);
    }
    rpc_node_sight(node, &sight);
    notch_exchange_finish(exchange, &sight);
    if (outcome != NULL) {
        *outcome = notch_exchange_outcome(exchange);
    }
    struct notch_bytes text = notch_exchange_text(exchange);
    char *copy = text.len == 0 ? NULL : malloc(text.len + 1);
    if (copy != NULL) {
        memcpy(copy, text.data, text.len);
        copy[text.len] = 0;
    }
    notch_exchange_destroy(exchange);
    return copy;
}
