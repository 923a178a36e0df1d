/*
 * ai/agent/allocation/provider.h: an agent that has a capacity, and finds the one lambda at which it is used well.
 *
 * It knows of each recipient the last stated residual need s, and so its denominator D = sum of MR * s exactly. The
 * rule min(1/eps, C / D) alone, answered at once, leads to the fixed point through any loss, delay and order (the map
 * is a standard interference function), but slowly where capacity and need are nearly equal. So answers are held until
 * every recipient has answered the last lambda, and then Nesterov's momentum is put on ln(lambda), and half of the last
 * correction once more (the optimised gradient method of Kim and Fessler, 2016, takes all of it), with a restart when
 * it points the wrong way; whoever is late for too long is not waited for, the momentum is dropped, and that round is
 * the plain rule.
 *
 * What it tells a recipient is lambda * MR * s: from it and the s it sent, the recipient has lambda * MR exactly.
 *
 * Who does not answer in `absent_after` timeouts counts as away: nobody waits for it, and its s is 0 until it speaks.
 * What an agent states is clamped to [0, need_max]: a liar gains what its stated need gains it and no more.
 *
 * Ownership    create / destroy. poll() gives values.
 * Invariants   Deterministic: the same calls give the same answers. notch_provider_weights() never promises anything;
 *              the chain bounds the sum of what is signed, whatever was said here.
 * Limits       NOTCH_AGENT_EDGES_MAX recipients.
 * Units        Amounts real, as message.h; time in ms, from the caller.
 * Thread       One.
 * Source       design/ai.md C3.
 */
#ifndef NOTCH_AI_AGENT_ALLOCATION_PROVIDER_H
#define NOTCH_AI_AGENT_ALLOCATION_PROVIDER_H

#include "ai/agent/allocation/message.h"

#define NOTCH_AGENT_EDGES_MAX (1u << 20)

/* 1/eps. */
#define NOTCH_AGENT_LAMBDA_MAX 16384.0

/* Where an agent has nothing to wait for. */
#define NOTCH_AGENT_NEVER UINT64_MAX

enum notch_provider_pace {
    NOTCH_PROVIDER_HELD,  /* answers are held and accelerated, as above */
    NOTCH_PROVIDER_PROMPT /* every request is answered at once, by the plain rule */
};

/* One recipient that is mutually recognised. */
struct notch_provider_edge {
    struct notch_key recipient;
    double recognition; /* mutual, 0 .. 1 */
    double need_max;    /* what it may state at most: its revealed need, or what its reputation allows */
};

struct notch_provider_options {
    const struct notch_alloc *alloc;
    double capacity;
    double lambda_start; /* of the last period: a warm start; 0: none */
    enum notch_provider_pace pace;
    uint64_t timeout_ms;                     /* how long answers are held for who is late */
    uint32_t absent_after;                   /* timeouts */
    const struct notch_provider_edge *edges; /* strictly ascending by key; copied */
    size_t edge_count;
};

struct notch_provider;

struct notch_provider *notch_provider_create(const struct notch_provider_options *options);
void notch_provider_destroy(struct notch_provider *provider);

/* A request. Unknown senders, old sequences and values that are no amounts are passed over: false. */
bool notch_provider_request(struct notch_provider *provider, const struct notch_key *from,
                            const struct notch_allocation_request *request, uint64_t now_ms);

/* Lets time pass; to be called at notch_provider_deadline(). */
void notch_provider_tick(struct notch_provider *provider, uint64_t now_ms);
uint64_t notch_provider_deadline(const struct notch_provider *provider);

/* The next answer that is due. false: none. */
bool notch_provider_poll(struct notch_provider *provider, struct notch_key *to,
                         struct notch_allocation_response *response);

/* ---- where it stands ---- */

/* min(1/eps, C/D) from what is known, which is what would be committed. 0 where there is no capacity. */
double notch_provider_lambda(const struct notch_provider *provider);

/* |ln| of what the last lambda that was told is off the one that the answers to it led to; infinite at first. */
double notch_provider_distance(const struct notch_provider *provider);

/* Steps so far. */
uint64_t notch_provider_rounds(const struct notch_provider *provider);

/* What each edge would get now, in the order of the edges; the sum is at most the capacity. */
void notch_provider_amounts(const struct notch_provider *provider, double *amounts);

#endif
