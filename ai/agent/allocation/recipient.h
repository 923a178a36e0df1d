/*
 * ai/agent/allocation/recipient.h: an agent that has a need, and finds what it still needs when every provider gives
 * its share.
 *
 * It tells each provider s = need / (1 + sum of lambda * MR), where the lambdas are those of the latest answers: an
 * answer A to a request that said s holds lambda * MR = A / s exactly, which is what the denominator document calls
 * reverse engineering, without an estimate in it. It never adds up what it was offered, so it never overshoots.
 *
 * It asks again when all have answered, or when its patience with the slow ones ends: then those are not waited for
 * until they answer. So a round is the same round for everybody who is connected and quick enough, whatever the delays.
 *
 * An answer to anything but the request in flight is passed over: late, repeated or made up. One above what the
 * greatest lambda gives is cut to that. Who does not answer in `absent_after` timeouts counts as giving nothing, and is
 * asked again at every timeout.
 *
 * Ownership    create / destroy; edges are copied. poll() gives values.
 * Invariants   Deterministic. At most one request is in flight to each provider.
 * Limits       NOTCH_AGENT_EDGES_MAX providers.
 * Units        As provider.h.
 * Thread       One.
 * Source       design/ai.md C3.
 */
#ifndef NOTCH_AI_AGENT_ALLOCATION_RECIPIENT_H
#define NOTCH_AI_AGENT_ALLOCATION_RECIPIENT_H

#include "ai/agent/allocation/provider.h"

struct notch_recipient_edge {
    struct notch_key provider;
    double recognition;  /* mutual, 0 .. 1 */
    double lambda_start; /* the provider's of the last period; 0: none */
};

struct notch_recipient_options {
    const struct notch_alloc *alloc;
    double need;
    uint64_t patience_ms; /* how long the answers that came wait for the rest; 0: not at all. Below the providers' */
    uint64_t timeout_ms;  /* when a request goes out again. Above the providers', which hold their answers */
    uint32_t absent_after;
    /* The first sequence is one more. After a restart: at least what was used before; a clock in microseconds does. */
    uint64_t sequence_start;
    const struct notch_recipient_edge *edges; /* strictly ascending by key; copied */
    size_t edge_count;
};

struct notch_recipient;

struct notch_recipient *notch_recipient_create(const struct notch_recipient_options *options);
void notch_recipient_destroy(struct notch_recipient *recipient);

/* An answer. Those that answer no request in flight, and values that are no amounts, are passed over: false. */
bool notch_recipient_response(struct notch_recipient *recipient, const struct notch_key *from,
                              const struct notch_allocation_response *response, uint64_t now_ms);

/* Lets time pass; to be called at notch_recipient_deadline(). */
void notch_recipient_tick(struct notch_recipient *recipient, uint64_t now_ms);
uint64_t notch_recipient_deadline(const struct notch_recipient *recipient);

/* The next request that is due; to be drained after all that came at one time was taken in. false: none. */
bool notch_recipient_poll(struct notch_recipient *recipient, struct notch_key *to,
                          struct notch_allocation_request *request, uint64_t now_ms);

/* What is still needed, from the latest answers. */
double notch_recipient_residual(const struct notch_recipient *recipient);

/* The most requests that went to any one provider. */
uint64_t notch_recipient_rounds(const struct notch_recipient *recipient);

#endif
