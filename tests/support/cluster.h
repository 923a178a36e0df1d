/*
 * tests/support/cluster.h: a few consensus cores in one process, with the smallest world that lets them run.
 *
 * Messages arrive at once and in order, disks answer at once, signatures are those of the given table, and a ledger
 * of a few lines gives roots that depend on the chain alone. Batches are nothing but ids; some ids stand for a
 * change of membership (cluster_join, cluster_leave). Nodes can be cut off, stopped, and started again from what
 * they had made durable.
 *
 * Checked all the time: no two nodes have different final blocks at one height, finality only grows, no node votes
 * twice in a slot with different votes, and nothing is sent before it is durable.
 *
 * The simulator (tests/sim) is another thing: it runs whole nodes on a network and a disk that misbehave.
 */
#ifndef NOTCH_TESTS_SUPPORT_CLUSTER_H
#define NOTCH_TESTS_SUPPORT_CLUSTER_H

#include "consensus/consensus.h"

#define CLUSTER_NODES_MAX 8

struct cluster;

struct cluster_options {
    uint32_t nodes;    /* how many there are */
    uint32_t members;  /* how many of them are in the first set; 0: all */
    uint32_t delta_ms; /* 0: 10 */
    uint32_t epoch;    /* 0: 4096, never in a short test */
    uint32_t quiet;    /* 0: 150 */
    enum notch_target target;
    const struct notch_crypto *crypto; /* NULL: the stand-in */
};

struct cluster *cluster_create(const struct cluster_options *options);
void cluster_destroy(struct cluster *cluster);

struct notch_consensus *cluster_core(struct cluster *cluster, uint32_t node);
const struct notch_signer *cluster_signer(const struct cluster *cluster, uint32_t node);
const struct notch_domain *cluster_domain(const struct cluster *cluster);
const struct notch_genesis *cluster_genesis(const struct cluster *cluster);
struct notch_consensus_status cluster_status(const struct cluster *cluster, uint32_t node);
uint64_t cluster_now_ms(const struct cluster *cluster);

/* Runs until so many ms have passed. */
void cluster_run_ms(struct cluster *cluster, uint64_t ms);
void cluster_run_slots(struct cluster *cluster, uint64_t slots);

/* A new batch that every node holds. Returns its number, for cluster_final_ms(). */
uint32_t cluster_batch(struct cluster *cluster);
uint32_t cluster_join(struct cluster *cluster, uint32_t node);
uint32_t cluster_leave(struct cluster *cluster, uint32_t node);

/* How many ms after it was handed in the batch was final at node 0; UINT64_MAX if it is not. */
uint64_t cluster_final_ms(const struct cluster *cluster, uint32_t batch);

/* In how many final blocks a batch stands, at node 0. */
uint32_t cluster_times_final(const struct cluster *cluster, uint32_t batch);

/* Stops a node; `lose` forgets what was not durable, which here is what waits for DONE. Starts it from its disk. */
void cluster_stop(struct cluster *cluster, uint32_t node);
void cluster_start(struct cluster *cluster, uint32_t node, bool lose_vote_log);

/* Puts an entry behind the others in the vote log of a stopped node. */
void cluster_log_add(struct cluster *cluster, uint32_t node, struct notch_bytes entry);

/* The next PERSIST of a node is never answered: it crashes right there. */
void cluster_crash_at_persist(struct cluster *cluster, uint32_t node, bool entry_survives);
bool cluster_is_up(const struct cluster *cluster, uint32_t node);

/* Whether messages between two nodes pass. */
void cluster_link(struct cluster *cluster, uint32_t a, uint32_t b, bool is_up);

/* Hands an event to a node as it is, and runs what follows. now and seq are filled in. */
void cluster_event(struct cluster *cluster, uint32_t node, struct notch_consensus_event *event);

/* What happened since the last call, one line per effect that a reader of a protocol story wants to see. */
void cluster_trace(struct cluster *cluster, bool is_on);
const char *cluster_trace_take(struct cluster *cluster);

/* Vote log entries of a node, and final heights. */
size_t cluster_log_count(const struct cluster *cluster, uint32_t node);
struct notch_bytes cluster_log_entry(const struct cluster *cluster, uint32_t node, size_t index);
uint64_t cluster_blocks(const struct cluster *cluster, uint32_t node);
uint32_t cluster_alarms(const struct cluster *cluster, uint32_t node, enum notch_consensus_alarm kind);
uint32_t cluster_scores(const struct cluster *cluster, uint32_t node);

/* The certificate of the last FINAL of a node; and what of its root blob the chain alone determines
 * (consensus/root.c). */
struct notch_bytes cluster_last_cert(const struct cluster *cluster, uint32_t node);
struct notch_bytes cluster_last_root(const struct cluster *cluster, uint32_t node);

#endif
