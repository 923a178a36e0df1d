/*
 * tests/sim/sim.h: the production node core under a seeded clock and a disk that loses what was not synced.
 *
 * One process, no thread, no clock: a heap of (time, number, what) is worked off in order. Every choice (how long a
 * check or a write takes, what a client sends, when the power goes and what the disk then keeps) is drawn from one
 * seed, so a run can be had again, step for step.
 *
 *      client --> node core --> WORK    after a random time      --> WORKED
 *                           --> PERSIST after a random time      --> DONE, or the power goes, or the disk fails
 *                           --> REPLY   noted: what was acknowledged is a promise from here on
 *
 * Checked after every step and every restart:
 *   - a record that was answered as stored is known afterwards, whatever crashed
 *   - what is final at a height stays what it was; the final height does not fall but to what the disk still has
 *   - one vote at most for each slot, and one proposal, over all crashes (except after an operator's vote-reset)
 *   - an effect is carried out only when the PERSIST it waits for is durable
 * and when the faults have stopped (healing):
 *   - every acknowledged record becomes final, exactly once, within a bounded number of slots
 *   - a second node that has nothing but the bodies comes to the same state root
 *   - the chain then goes quiet
 *
 * Ownership    sim_create() .. sim_destroy(). Failures are text: sim->failure is not NULL, with the step in the trace.
 */
#ifndef NOTCH_TESTS_SIM_SIM_H
#define NOTCH_TESTS_SIM_SIM_H

#include "base/rng.h"
#include "chain/memstore.h"
#include "node/core.h"

/*
 * The disk under the node. The one in memory (chain/memstore.h) keeps the promises of chain/store.h and no more;
 * tests/sim/disk_store.h is the store of the daemon on a disk that loses what was not synced.
 */
struct sim_disk_ops {
    void *(*create)(const struct notch_hash *genesis, uint64_t seed);
    void (*destroy)(void *disk);
    struct notch_store_view (*view)(const void *disk); /* anew after every crash */
    void (*submit)(void *disk,
                   const struct notch_commit *commit); /* the commit stays until it is completed, or a crash */
    bool (*complete)(void *disk, uint64_t *token);
    size_t (*waiting)(const void *disk);
    void (*crash)(void *disk, struct notch_rng *rng); /* the power goes and comes back */
    void (*lose_votes)(void *disk);
};

struct sim_options {
    uint64_t seed;
    uint32_t events_max;     /* steps with faults; then healing */
    uint32_t submit_ppm;     /* how likely a step of the client submits */
    uint32_t crash_ppm;      /* how likely a PERSIST is interrupted by the power going */
    uint32_t fail_ppm;       /* how likely a PERSIST fails (disk full) */
    uint32_t lose_votes_ppm; /* how likely a restart finds the vote log gone */
    uint32_t work_ms_max;
    uint32_t disk_ms_max;
    bool real_crypto;                /* libsecp256k1 instead of the stand-in */
    bool verbose;                    /* one line for every step, to stdout */
    const struct sim_disk_ops *disk; /* NULL: the one in memory */
};

/* Swarm options: which faults there are, and how many, drawn from the seed. */
struct sim_options sim_options_of_seed(uint64_t seed);

struct sim;

struct sim *sim_create(const struct sim_options *options);
void sim_destroy(struct sim *sim);

/* Runs with faults, heals, checks. NULL: all well; otherwise what broke (a literal). */
const char *sim_run(struct sim *sim);

struct sim_result {
    uint64_t steps;
    uint64_t crashes;
    uint64_t disk_failures;
    uint64_t votes_lost;
    uint64_t submitted;
    uint64_t acknowledged;
    uint64_t final_height;
    uint64_t simulated_ms;
    struct notch_hash trace; /* of every event and effect in order */
};
void sim_result(const struct sim *sim, struct sim_result *out);

#endif
