/*
 * tests/support/cluster_internal.h: what the two halves of the cluster share: its state, and the world's ledger.
 */
#ifndef NOTCH_TESTS_SUPPORT_CLUSTER_INTERNAL_H
#define NOTCH_TESTS_SUPPORT_CLUSTER_INTERNAL_H

#include "chain/merkle.h"
#include "tests/support/cluster.h"

enum { BATCHES_MAX = 4096, TRACE_MAX = 1 << 20, ALARMS = 16 };

/* First bytes of batch ids that stand for a change of membership; the second byte is the node. */
enum { ID_JOIN = 0xa1, ID_LEAVE = 0xa2 };

/* A block that somebody ran: what the ledger of a real node would know. */
struct world_block {
    struct notch_hash hash;
    struct notch_hash parent;
    struct notch_height height;
    struct notch_slot slot;
    struct notch_merkle history; /* this block included */
    struct notch_consensus_executed executed;
    struct notch_hash *batches;
    uint32_t n_batches;
    struct notch_buf bytes;
};

struct message {
    uint32_t to;
    struct notch_consensus_event event;
    struct notch_buf bytes;
    struct notch_consensus_result *results;
    struct notch_hash *ids;
    struct notch_membership_change *changes;
};

struct send {
    uint64_t after;
    enum notch_consensus_what what;
    uint64_t to;
    struct notch_buf bytes;
};

struct node {
    struct notch_consensus *core;
    bool is_up;
    bool is_booting;
    bool crash_armed;
    bool crash_keeps_entry;
    uint64_t seq;
    uint8_t secret[32];
    struct notch_signer signer;
    struct notch_buf *log;
    size_t log_count;
    struct notch_hash *bodies; /* of blocks, in the order of EXECUTE */
    size_t body_count;
    struct notch_hash base;
    struct notch_buf root; /* of the last FINAL */
    struct notch_buf cert;
    uint64_t final_height;
    struct send *sends;
    size_t send_count;
    uint32_t alarms[ALARMS];
    uint32_t scores;
    uint64_t told_pending;
};

struct batch {
    struct notch_hash id;
    uint64_t born_ms;
    uint64_t final_ms;
    uint32_t times_final;
};

struct cluster {
    struct cluster_options options;
    struct notch_genesis genesis;
    struct notch_domain domain;
    uint64_t now_ms;
    struct node nodes[CLUSTER_NODES_MAX];
    bool cut[CLUSTER_NODES_MAX][CLUSTER_NODES_MAX];
    struct world_block *blocks;
    size_t block_count;
    struct message *queue;
    size_t queue_head;
    size_t queue_count;
    size_t queue_cap;
    struct batch batches[BATCHES_MAX];
    uint32_t batch_count;
    struct notch_hash *final_by_height;
    size_t final_count;
    bool is_tracing;
    char *trace;
    size_t trace_len;
    char *trace_taken;
};

void *cluster__grow(void *items, size_t count, size_t size);
void cluster__put_bytes(struct notch_buf *buf, struct notch_bytes bytes);
struct world_block *cluster__find_block(struct cluster *cluster, const struct notch_hash *hash);
void cluster__trace(struct cluster *cluster, uint32_t node, const char *format, ...) NOTCH_PRINTF(3, 4);
void cluster__free_message(struct message *message);
void cluster__run_block(struct world_block *block, const struct world_block *parent);
void cluster__tell_pending(struct cluster *cluster, uint32_t node);
void cluster__feed(struct cluster *cluster, uint32_t node, struct notch_consensus_event *event);
void cluster__pump(struct cluster *cluster);

#endif
