/*
 * Commits are gathered in the open one and sealed when the driver has polled all else. Tokens count up from 1, and the
 * disk completes them in order, so "durable" is a comparison of two numbers.
 */
#include "node/internal.h"

static struct notch__commit *slot(struct notch_node *node, uint64_t token)
{
    return &node->commits[token % NOTCH__COMMITS_MAX];
}

struct notch__commit *notch__commit_open(struct notch_node *node)
{
    return slot(node, node->commit_open);
}

struct notch__commit *notch__commit_at(struct notch_node *node, uint64_t token)
{
    notch_assert(token >= node->commit_first);
    notch_assert(token <= node->commit_open);
    return slot(node, token);
}

uint64_t notch__commit_body(struct notch_node *node, struct notch_bytes body)
{
    uint64_t position = notch_commit_body(&notch__commit_open(node)->commit, body);
    node->bodies = position + 1;
    return position;
}

/* One slot is always kept for the open commit. */
bool notch__commit_room(const struct notch_node *node)
{
    return node->commit_open - node->commit_first < NOTCH__COMMITS_MAX - 1;
}

static void begin(struct notch_node *node, uint64_t token)
{
    struct notch__commit *open = slot(node, token);
    notch_commit_clear(&open->commit);
    open->commit.token = token;
    open->commit.body_first = node->bodies;
    notch_buf_clear(&open->waiters);
    open->flushes = false;
    node->commit_open = token;
}

void notch__commit_seal(struct notch_node *node)
{
    notch_assert(notch__commit_room(node));
    struct notch__commit *sealed = notch__commit_open(node);
    struct notch_node_effect *effect = notch__out(node, NOTCH_NODE_PERSIST, 0, NULL);
    effect->token = sealed->commit.token;
    effect->persist = &sealed->commit;
    node->counts.commits++;
    begin(node, node->commit_open + 1);
}

static size_t waiter_count(const struct notch__commit *commit)
{
    return commit->waiters.len / sizeof(uint64_t);
}

static uint64_t waiter(const struct notch__commit *commit, size_t index)
{
    uint64_t token;
    memcpy(&token, commit->waiters.data + index * sizeof token, sizeof token);
    return token;
}

/* 0: it is durable already. */
uint64_t notch__commit_of_waiter(const struct notch_node *node, uint64_t token)
{
    for (uint64_t at = node->commit_open; at >= node->commit_first; at--) {
        const struct notch__commit *commit = &node->commits[at % NOTCH__COMMITS_MAX];
        for (size_t i = 0; i < waiter_count(commit); i++) {
            if (waiter(commit, i) == token) {
                return at;
            }
        }
    }
    return 0;
}

static void tell_waiters(struct notch_node *node, const struct notch__commit *commit,
                         enum notch_consensus_event_type type)
{
    for (size_t i = 0; i < waiter_count(commit); i++) {
        struct notch_consensus_event event = {.type = type, .done.token = waiter(commit, i)};
        notch__consensus_event(node, &event, NULL, 0);
    }
}

/* Batches stand in the order in which they were written: those of this commit are near the end. */
static void store_batches(struct notch_node *node, uint64_t token)
{
    size_t first = node->pool.order_count;
    while (first > 0 && node->pool.order[first - 1]->commit >= token) {
        first--;
    }
    for (size_t i = first; i < node->pool.order_count && node->pool.order[i]->commit == token; i++) {
        notch__bridge_batch_stored(node, node->pool.order[i]);
    }
}

void notch__commit_done(struct notch_node *node, uint64_t token)
{
    notch_assert(token == node->commit_first);
    notch_assert(token < node->commit_open);
    struct notch__commit *done = slot(node, token);
    node->commit_first++;
    store_batches(node, token);
    if (done->flushes) {
        notch__bridge_flushed(node, done);
    }
    tell_waiters(node, done, NOTCH_CONSENSUS_EVENT_DONE);
}

void notch__commit_failed(struct notch_node *node, enum notch_err err)
{
    if (node->failed) {
        return;
    }
    node->failed = true;
    node->failure = err;
    for (uint64_t at = node->commit_first; at <= node->commit_open; at++) {
        tell_waiters(node, slot(node, at), NOTCH_CONSENSUS_EVENT_FAILED);
    }
    notch__intake_failed(node);
    notch__alarm(node, "a write to the store failed: no more records are taken and nothing is signed. "
                       "Free space or replace the disk, then start again; what was acknowledged is safe");
}
