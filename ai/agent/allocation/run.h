/*
 * ai/agent/allocation/run.h: a whole allocation in one process: the very agents, a network that delays and loses what
 * they say, and a clock that is a number.
 *
 * For `notch allocate --instance`, for measurements and for tests. Time goes from one arrival to the next; everything
 * that arrives at one moment is taken in before anybody speaks. On a reliable link what is lost is sent again after two
 * round trips, each try a message (as TCP under TLS does it); a datagram that is lost is lost.
 *
 * Ownership    create / destroy. The matching is copied.
 * Invariants   Deterministic: the same options give the same run. Whatever happens on the network, what
 *              notch_allocation_run_commit() gives passes no capacity and no need.
 * Units        Amounts: integers as in the matching, real inside. Time: ms of a clock that begins at 0.
 * Thread       One.
 */
#ifndef NOTCH_AI_AGENT_ALLOCATION_RUN_H
#define NOTCH_AI_AGENT_ALLOCATION_RUN_H

#include "ai/agent/allocation/recipient.h"
#include "ai/rules/allocation_matching.h"

enum notch_allocation_link { NOTCH_LINK_RELIABLE, NOTCH_LINK_DATAGRAM };
enum notch_allocation_delay { NOTCH_DELAY_FIXED, NOTCH_DELAY_EXPONENTIAL };

struct notch_allocation_run_options {
    const struct notch_alloc *alloc;
    uint64_t seed;
    enum notch_provider_pace pace;
    enum notch_allocation_link link;
    enum notch_allocation_delay delay;
    uint64_t delay_ms;             /* of a message, one way: always, or in the mean; > 0 */
    uint32_t drop_ppm;             /* of messages; below 1,000,000 */
    uint64_t timeout_ms;           /* how long providers hold answers; recipients wait twice as long. 0: 256 delays */
    const uint64_t *lambdas_start; /* of each provider, Q32: a warm start; NULL: cold */
    /* What else may happen to a message on its way: it may be changed; false: it does not arrive. NULL: nothing. */
    bool (*meddle)(void *context, struct notch_allocation_message *message, uint64_t now_ms);
    void *context;
};

struct notch_allocation_run;

struct notch_allocation_run *notch_allocation_run_create(const struct notch_allocation_run_options *options,
                                                         const struct notch_matching *matching);
void notch_allocation_run_destroy(struct notch_allocation_run *run);

/* Goes on to the next moment at which something arrives or runs out. false: nothing ever will. */
bool notch_allocation_run_step(struct notch_allocation_run *run);

/* Steps until notch_allocation_run_distance() is at most `distance`, or the rounds are used up: then false. */
bool notch_allocation_run_until(struct notch_allocation_run *run, double distance, uint64_t rounds_max);

/* The agent starts anew, as after a crash: it knows the matching and the time, nothing else. */
void notch_allocation_run_restart_provider(struct notch_allocation_run *run, size_t provider);
void notch_allocation_run_restart_recipient(struct notch_allocation_run *run, size_t recipient);

uint64_t notch_allocation_run_now_ms(const struct notch_allocation_run *run);

/* Requests that went over the edge that saw the most. */
uint64_t notch_allocation_run_rounds(const struct notch_allocation_run *run);

/* Everything that was put on the network, repetitions included. */
uint64_t notch_allocation_run_messages(const struct notch_allocation_run *run);

/* The greatest |ln| by which a provider's last answers were off the rule; infinite while one has not moved twice. */
double notch_allocation_run_distance(const struct notch_allocation_run *run);

/* What providers would give now, in the order of the edges, and the Q32 of min(1/eps, C/D) that each stands at. */
void notch_allocation_run_amounts(const struct notch_allocation_run *run, double *amounts);
void notch_allocation_run_lambdas(const struct notch_allocation_run *run, uint64_t *lambdas);

/*
 * What is signed if all stop now: each provider splits its capacity by what it knows, in integers, and each recipient
 * signs until its need is met. amounts[edge_count].
 */
void notch_allocation_run_commit(const struct notch_allocation_run *run, int64_t *amounts);

#endif
