#include "tests/support/cluster_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- running ---- */

static void boot(struct cluster *cluster, uint32_t node, bool lose_vote_log)
{
    struct node *self = &cluster->nodes[node];
    struct notch_consensus_options options = {.genesis = &cluster->genesis,
                                              .domain = &cluster->domain,
                                              .crypto = cluster->options.crypto,
                                              .signer = &self->signer,
                                              .alloc = notch_alloc_heap(),
                                              .hash_key = {node + 1, 7},
                                              .clock_is_trusted = true};
    notch_consensus_create(&self->core, &options);
    self->is_up = true;
    self->is_booting = true;
    self->told_pending = 0;
    struct notch_bytes *log = calloc(self->log_count + 1, sizeof *log);
    for (size_t i = 0; i < self->log_count; i++) {
        log[i] = notch_buf_bytes(&self->log[i]);
    }
    struct notch_consensus_event event = {.type = NOTCH_CONSENSUS_EVENT_START};
    event.start.root = notch_buf_bytes(&self->root);
    event.start.executed = cluster__find_block(cluster, &self->base)->executed;
    event.start.vote_log = log;
    event.start.vote_log_count = lose_vote_log ? 0 : self->log_count;
    event.start.is_vote_log_lost = lose_vote_log;
    cluster__feed(cluster, node, &event);
    free(log);
    size_t count = self->body_count;
    struct notch_hash *bodies = self->bodies;
    self->bodies = NULL;
    self->body_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct notch_consensus_event block = {.type = NOTCH_CONSENSUS_EVENT_BLOCK};
        block.block.bytes = notch_buf_bytes(&cluster__find_block(cluster, &bodies[i])->bytes);
        block.block.is_recovered = true;
        cluster__feed(cluster, node, &block);
        cluster__pump(cluster);
    }
    /* Blocks up to the base are not run again; they are on disk all the same. */
    free(self->bodies);
    self->bodies = bodies;
    self->body_count = count;
    struct notch_consensus_event done = {.type = NOTCH_CONSENSUS_EVENT_RECOVERED};
    cluster__feed(cluster, node, &done);
    cluster__pump(cluster);
    self->is_booting = false;
}

struct cluster *cluster_create(const struct cluster_options *options)
{
    struct cluster *cluster = calloc(1, sizeof *cluster);
    cluster->options = *options;
    cluster->options.members = options->members != 0 ? options->members : options->nodes;
    cluster->options.crypto = options->crypto != NULL ? options->crypto : notch_crypto_standin();
    cluster->trace = calloc(1, TRACE_MAX);
    cluster->trace_taken = calloc(1, TRACE_MAX);
    struct notch_genesis *genesis = &cluster->genesis;
    notch_genesis_init(genesis, notch_alloc_heap());
    notch_genesis_defaults(genesis, NOTCH_NETWORK_DEV, NOTCH_MODE_PRIVATE);
    assert_true(notch_genesis_set_name(genesis, "cluster", 7));
    genesis->time0 = (struct notch_time){1700000000000};
    genesis->delta_ms = options->delta_ms != 0 ? options->delta_ms : 10;
    genesis->epoch_slots = options->epoch != 0 ? options->epoch : 4096;
    genesis->quiet_slots = options->quiet != 0 ? options->quiet : 150;
    genesis->target = options->target;
    genesis->seed.raw[0] = 1;
    for (uint32_t i = 0; i < options->nodes; i++) {
        struct node *node = &cluster->nodes[i];
        memset(node->secret, (int)i + 1, sizeof node->secret);
        node->signer.secret = node->secret;
        notch_buf_init(&node->root, notch_alloc_heap());
        notch_buf_init(&node->cert, notch_alloc_heap());
        const struct notch_crypto *crypto = cluster->options.crypto;
        assert_true(crypto->key_of_secret(crypto->self, &node->signer.key, node->secret));
        struct notch_genesis_member member = {.key = node->signer.key, .reputation = NOTCH_GENESIS_REPUTATION};
        if (i < cluster->options.members) {
            assert_int_equal(notch_genesis_add_member(genesis, &member), NOTCH_OK);
        }
    }
    struct notch_hash hash;
    notch_hash_tagged(&hash, "test/genesis", notch_bytes("cluster", 7));
    notch_domain_init(&cluster->domain, &hash);
    cluster->now_ms = genesis->time0.raw;
    cluster->blocks = cluster__grow(NULL, 0, sizeof *cluster->blocks);
    memset(cluster->blocks, 0, sizeof *cluster->blocks);
    struct world_block none = {0};
    notch_merkle_init(&none.history);
    cluster->blocks[0].hash = hash;
    notch_buf_init(&cluster->blocks[0].bytes, notch_alloc_heap());
    cluster__run_block(&cluster->blocks[0], &none);
    cluster->block_count = 1;
    for (uint32_t i = 0; i < options->nodes; i++) {
        cluster->nodes[i].base = hash;
        boot(cluster, i, false);
    }
    return cluster;
}

static void free_node(struct node *node)
{
    notch_consensus_destroy(node->core);
    for (size_t i = 0; i < node->log_count; i++) {
        notch_buf_fini(&node->log[i]);
    }
    for (size_t i = 0; i < node->send_count; i++) {
        notch_buf_fini(&node->sends[i].bytes);
    }
    free(node->log);
    free(node->bodies);
    free(node->sends);
    notch_buf_fini(&node->root);
    notch_buf_fini(&node->cert);
}

void cluster_destroy(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        free_node(&cluster->nodes[i]);
    }
    for (size_t i = 0; i < cluster->block_count; i++) {
        notch_buf_fini(&cluster->blocks[i].bytes);
        free(cluster->blocks[i].batches);
    }
    for (size_t i = 0; i < cluster->queue_count; i++) {
        cluster__free_message(&cluster->queue[cluster->queue_head + i]);
    }
    free(cluster->queue);
    free(cluster->blocks);
    free(cluster->final_by_height);
    free(cluster->trace);
    free(cluster->trace_taken);
    notch_genesis_fini(&cluster->genesis);
    free(cluster);
}

void cluster_run_ms(struct cluster *cluster, uint64_t ms)
{
    uint64_t end = cluster->now_ms + ms;
    for (;;) {
        uint64_t next = end;
        for (uint32_t i = 0; i < cluster->options.nodes; i++) {
            if (cluster->nodes[i].is_up) {
                uint64_t deadline = notch_consensus_deadline(cluster->nodes[i].core).raw;
                next = deadline < next ? deadline : next;
            }
        }
        if (next >= end) {
            cluster->now_ms = end > cluster->now_ms ? end : cluster->now_ms;
            return;
        }
        next = next > cluster->now_ms ? next : cluster->now_ms;
        cluster->now_ms = next;
        for (uint32_t i = 0; i < cluster->options.nodes; i++) {
            if (cluster->nodes[i].is_up && notch_consensus_deadline(cluster->nodes[i].core).raw <= next) {
                struct notch_consensus_event event = {.type = NOTCH_CONSENSUS_EVENT_TICK};
                cluster__feed(cluster, i, &event);
            }
        }
        cluster__pump(cluster);
    }
}

void cluster_run_slots(struct cluster *cluster, uint64_t slots)
{
    cluster_run_ms(cluster, slots * 4 * cluster->genesis.delta_ms);
}

static uint32_t add_batch(struct cluster *cluster, uint8_t kind, uint8_t subject)
{
    assert_true(cluster->batch_count < BATCHES_MAX);
    uint32_t index = cluster->batch_count++;
    struct batch *batch = &cluster->batches[index];
    batch->id.raw[0] = kind;
    batch->id.raw[1] = subject;
    notch_put_be32(batch->id.raw + 4, index + 1);
    batch->born_ms = cluster->now_ms;
    batch->final_ms = UINT64_MAX;
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        if (cluster->nodes[i].is_up) {
            cluster__tell_pending(cluster, i);
        }
    }
    cluster__pump(cluster);
    return index;
}

uint32_t cluster_batch(struct cluster *cluster)
{
    return add_batch(cluster, 1, 0);
}

uint32_t cluster_join(struct cluster *cluster, uint32_t node)
{
    return add_batch(cluster, ID_JOIN, (uint8_t)node);
}

uint32_t cluster_leave(struct cluster *cluster, uint32_t node)
{
    return add_batch(cluster, ID_LEAVE, (uint8_t)node);
}

void cluster_stop(struct cluster *cluster, uint32_t node)
{
    cluster->nodes[node].is_up = false;
}

void cluster_start(struct cluster *cluster, uint32_t node, bool lose_vote_log)
{
    struct node *self = &cluster->nodes[node];
    assert_false(self->is_up);
    /* What was on its way to it, or from it and not durable, is gone. */
    for (size_t i = 0; i < cluster->queue_count; i++) {
        assert_true(cluster->queue[cluster->queue_head + i].to != node);
    }
    for (size_t i = 0; i < self->send_count; i++) {
        notch_buf_fini(&self->sends[i].bytes);
    }
    self->send_count = 0;
    notch_consensus_destroy(self->core);
    if (lose_vote_log) {
        for (size_t i = 0; i < self->log_count; i++) {
            notch_buf_fini(&self->log[i]);
        }
        self->log_count = 0;
    }
    cluster__trace(cluster, node, "restart   %zu log entries%s", self->log_count, lose_vote_log ? " (lost)" : "");
    boot(cluster, node, lose_vote_log);
}

void cluster_log_add(struct cluster *cluster, uint32_t node, struct notch_bytes entry)
{
    struct node *self = &cluster->nodes[node];
    self->log = cluster__grow(self->log, self->log_count, sizeof *self->log);
    cluster__put_bytes(&self->log[self->log_count++], entry);
}

void cluster_crash_at_persist(struct cluster *cluster, uint32_t node, bool entry_survives)
{
    cluster->nodes[node].crash_armed = true;
    cluster->nodes[node].crash_keeps_entry = entry_survives;
}

bool cluster_is_up(const struct cluster *cluster, uint32_t node)
{
    return cluster->nodes[node].is_up;
}

void cluster_link(struct cluster *cluster, uint32_t a, uint32_t b, bool is_up)
{
    cluster->cut[a][b] = !is_up;
    cluster->cut[b][a] = !is_up;
}

void cluster_event(struct cluster *cluster, uint32_t node, struct notch_consensus_event *event)
{
    cluster__feed(cluster, node, event);
    cluster__pump(cluster);
}

/* ---- asking ---- */

struct notch_consensus *cluster_core(struct cluster *cluster, uint32_t node)
{
    return cluster->nodes[node].core;
}

const struct notch_signer *cluster_signer(const struct cluster *cluster, uint32_t node)
{
    return &cluster->nodes[node].signer;
}

const struct notch_domain *cluster_domain(const struct cluster *cluster)
{
    return &cluster->domain;
}

const struct notch_genesis *cluster_genesis(const struct cluster *cluster)
{
    return &cluster->genesis;
}

struct notch_consensus_status cluster_status(const struct cluster *cluster, uint32_t node)
{
    struct notch_consensus_status status;
    notch_consensus_status(cluster->nodes[node].core, &status);
    return status;
}

uint64_t cluster_now_ms(const struct cluster *cluster)
{
    return cluster->now_ms;
}

uint64_t cluster_final_ms(const struct cluster *cluster, uint32_t batch)
{
    return cluster->batches[batch].final_ms;
}

uint32_t cluster_times_final(const struct cluster *cluster, uint32_t batch)
{
    return cluster->batches[batch].times_final;
}

void cluster_trace(struct cluster *cluster, bool is_on)
{
    cluster->is_tracing = is_on;
}

const char *cluster_trace_take(struct cluster *cluster)
{
    memcpy(cluster->trace_taken, cluster->trace, cluster->trace_len + 1);
    cluster->trace_len = 0;
    cluster->trace[0] = '\0';
    return cluster->trace_taken;
}

size_t cluster_log_count(const struct cluster *cluster, uint32_t node)
{
    return cluster->nodes[node].log_count;
}

struct notch_bytes cluster_log_entry(const struct cluster *cluster, uint32_t node, size_t index)
{
    return notch_buf_bytes(&cluster->nodes[node].log[index]);
}

uint64_t cluster_blocks(const struct cluster *cluster, uint32_t node)
{
    return cluster->nodes[node].body_count;
}

uint32_t cluster_alarms(const struct cluster *cluster, uint32_t node, enum notch_consensus_alarm kind)
{
    return cluster->nodes[node].alarms[kind];
}

uint32_t cluster_scores(const struct cluster *cluster, uint32_t node)
{
    return cluster->nodes[node].scores;
}

struct notch_bytes cluster_last_cert(const struct cluster *cluster, uint32_t node)
{
    return notch_buf_bytes(&cluster->nodes[node].cert);
}

struct notch_bytes cluster_last_root(const struct cluster *cluster, uint32_t node)
{
    struct notch_reader reader = notch_reader(notch_buf_bytes(&cluster->nodes[node].root));
    (void)notch_read_u8(&reader);
    (void)notch_read_blob(&reader, notch_reader_left(&reader));
    return notch_read_bytes(&reader, notch_reader_left(&reader));
}
