/*
 * tests/sim/net.h: many nodes, each the production node core with a disk of its own, on a network that misbehaves.
 *
 * One process, no thread, no clock: one heap of (time, number, what, node). Every choice is drawn from one seed.
 *
 *      client --> some node --> SEND --> link: delay, loss, a second copy, reorder, cut in one direction or both
 *                           --> WORK, PERSIST as in tests/sim/sim.h: the power goes, and the disk keeps what it keeps
 *                           --> FINAL: compared with what every other node calls final
 *
 * What is sent to all goes to the linked nodes, and each passes on what it sees for the first time: so two sides that
 * are joined by one node only (a bridge) hear of each other, and a network of 200 needs few links each.
 *
 * Checked after every step:
 *   - no two nodes have different final blocks at a height, and no node takes back what was final
 *   - one vote and one proposal of a node in a slot, over all crashes
 *   - nothing is sent before what it waits for is durable
 *   - no honest node is refused by another for what it sends (a REJECT), and none raises an ALARM
 * and when the faults have stopped (healing), within a bounded number of slots:
 *   - finality goes on, all nodes come to the same final block, and go quiet
 *   - every record that was acknowledged by any node is on the chain exactly once
 *   - every node has the same block and the same state root at every height
 *
 * Ownership    net_create() .. net_destroy(). Failures are text (literals).
 * Limits       NET_NODES_MAX nodes.
 */
#ifndef NOTCH_TESTS_SIM_NET_H
#define NOTCH_TESTS_SIM_NET_H

#include "base/units.h"

#define NET_NODES_MAX 200

enum net_partition {
    NET_PARTITION_NONE,
    NET_PARTITION_SPLIT,   /* two sides, nothing between them */
    NET_PARTITION_ONE_WAY, /* what one side says, the other does not hear */
    NET_PARTITION_BRIDGE,  /* two sides, and one node that both hear */
    NET_PARTITION_KINDS
};

struct net_options {
    uint64_t seed;
    uint32_t nodes;     /* validators and observers */
    uint32_t observers; /* of them: the last ones; they have no validator key */
    uint32_t late;      /* nodes that start with an empty disk in the middle of the run: the last ones */
    uint32_t degree;    /* links of a node; 0: to all others */
    uint32_t slots;     /* with faults; then healing */
    uint32_t submit_ms; /* a record every so often, on average; 0: none */
    uint32_t delay_ms_max;
    uint32_t loss_ppm;
    uint32_t twice_ppm;
    uint32_t crash_ppm;     /* how likely a PERSIST is interrupted by the power going */
    uint32_t power_cut_ppm; /* how likely, in a slot, it goes everywhere at once */
    uint32_t down_ms_max;   /* how long a node is down */
    uint32_t skew_ms_max;   /* of clocks, either way */
    uint32_t work_ms_max;
    uint32_t disk_ms_max;
    enum net_partition partition;
    uint32_t partition_from; /* slots since the begin */
    uint32_t partition_to;
    uint32_t side;          /* the first so many nodes are the one side */
    bool partition_is_told; /* the nodes hear that their peers are gone */
    bool real_crypto;
    bool verbose;
};

/* Swarm options: which faults there are, and how many, drawn from the seed. nodes: 0 draws them as well. */
struct net_options net_options_of_seed(uint64_t seed, uint32_t nodes);

struct net;

struct net *net_create(const struct net_options *options);
void net_destroy(struct net *net);

/* Runs with faults, heals, checks. NULL: all well; otherwise what broke. */
const char *net_run(struct net *net);

struct net_result {
    uint64_t steps;
    uint64_t messages; /* delivered */
    uint64_t lost;
    uint64_t crashes;
    uint64_t submitted;
    uint64_t acknowledged;
    uint64_t final_height;
    uint64_t resume_slots;   /* from healing to the first new final block anywhere; 0 if nothing was left to do */
    uint64_t converge_slots; /* from healing to everything equal and quiet */
    uint64_t simulated_ms;
    struct notch_hash trace;
};
void net_result(const struct net *net, struct net_result *out);

/* What a reader of a protocol story wants to see, one line each; for golden traces. Terminated. */
void net_story(struct net *net, bool is_on);
const char *net_story_text(struct net *net);

#endif
