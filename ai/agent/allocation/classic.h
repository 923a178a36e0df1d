/*
 * ai/agent/allocation/classic.h: the denominator algorithm as its document has it, for comparison and nothing else.
 *
 * Recipients guess each provider's denominator: from what they got (inferred, with a learning rate), from what others
 * gossip (blended by confidence), and from the parts that they know of (their own and those that gossip named, which
 * takes the place of the estimate, as in the document's diagram). They ask for capacity * MR * residual / estimate, and
 * providers grant it, first come, first served, until their capacity is gone; it is there again in every round, while
 * satisfaction adds up. So it hands out more than there is and does not come to the fixed point: run.h is what to use.
 *
 * Gaps of the document that were filled: requests of a round are all made before any answer; gossip is delivered at
 * the end of the round; partners that told something new are kept, three are added at random, sixteen at most.
 *
 * Ownership    create / destroy. The matching is copied where it is needed, and borrowed otherwise: it outlives this.
 * Invariants   Deterministic, by the seed.
 * Units        `unit` of the matching's integers are one of the document's.
 * Thread       One.
 * Source       design/sources/004-async-denominator.md.
 */
#ifndef NOTCH_AI_AGENT_ALLOCATION_CLASSIC_H
#define NOTCH_AI_AGENT_ALLOCATION_CLASSIC_H

#include "ai/rules/allocation_matching.h"

struct notch_classic_options {
    const struct notch_alloc *alloc;
    uint64_t seed;
    uint32_t drop_ppm; /* of messages; they are not sent again */
    bool is_shuffled;  /* requests arrive in any order; else by recipient */
    double unit;
};

struct notch_classic;

struct notch_classic *notch_classic_create(const struct notch_classic_options *options,
                                           const struct notch_matching *matching);
void notch_classic_destroy(struct notch_classic *classic);

/* One round: requests, grants, answers, gossip, reset. */
void notch_classic_round(struct notch_classic *classic);

/* Whether each recipient believes that it has enough, which is all that the document asks. */
bool notch_classic_is_converged(const struct notch_classic *classic);

/* Granted in the last round, and granted in all, in the order of the edges and the matching's integers. */
void notch_classic_granted(const struct notch_classic *classic, double *amounts);
void notch_classic_total(const struct notch_classic *classic, double *amounts);

/* What a recipient believes that it still needs, in the matching's integers. */
double notch_classic_residual(const struct notch_classic *classic, size_t recipient);

/* A recipient's estimate of the denominator behind an edge, in the document's unit. */
double notch_classic_estimate(const struct notch_classic *classic, size_t edge);

uint64_t notch_classic_rounds(const struct notch_classic *classic);
uint64_t notch_classic_messages(const struct notch_classic *classic);

/* Of the last three over-allocations or estimates: 0.5 for a zig-zag, 1 where none rises, else 0.8. */
double notch_classic_damping(const double last[3]);

enum notch_split_cap { NOTCH_SPLIT_UNCAPPED, NOTCH_SPLIT_CAPPED };

/*
 * One round of the centralised formula for one provider: amounts[i] = capacity * MR * need / D, cut to the need or not.
 * Returns what is left of the capacity. The amounts may be the needs.
 */
double notch_denominator_split(double *amounts, double capacity, const double *recognition, const double *needs,
                               size_t count, enum notch_split_cap cap);

#endif
