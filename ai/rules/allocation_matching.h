/*
 * ai/rules/allocation_matching.h: needs and capacities matched by mutual recognition, in integers: what a node commits
 * to and what every node checks.
 *
 * The answer to a matching is one point x*, the least of sum x(ln(x/MR) - 1) + sum s(ln(s/eps) - 1) where no provider
 * gives more than its capacity and what a recipient still needs, s, makes up its need (design, ai.md C1). At it
 *
 *     x_pr = lambda_p * MR_pr * s_r        D_p = sum over r of MR_pr * s_r
 *     lambda_p = min(1/eps, C_p / D_p)     s_r = need_r / (1 + sum over p of lambda_p * MR_pr)      eps = 2^-14
 *
 * so a list of one lambda for each provider says all: whoever has it recomputes s, D and the amounts in one walk over
 * the edges, and how far each lambda is from min(1/eps, C/D) says how far the list is from the one answer.
 *
 * Committed amounts are split in proportion to MR * s by largest remainder, ties to the recipient that comes first; the
 * sum over a provider's rows is min(C, D/eps) rounded down, never more. A recipient takes no more than its need in all:
 * what would pass it is cut from the row of the provider that comes last.
 *
 * Invariants   Edges are in order of provider, then recipient, none twice; a lambda is at most 1/eps. Where C is 0,
 *              lambda is 0; where D is 0 and C is not, lambda is 1/eps. Scaling all amounts scales the answer.
 *              Residuals are exact to 2^-62 of the greatest need, so beside a need of 2^62 one of a few thousand units
 *              is met roughly; where needs differ by less than 2^40, amounts are exact to a unit.
 * Ownership    A matching borrows its arrays. Scratch comes from the allocator and goes back before the call returns.
 * Limits       NOTCH_MATCHING_PARTIES_MAX providers, as many recipients, NOTCH_MATCHING_EDGES_MAX edges.
 * Units        Amounts: any, the same for all, 0 .. 2^63-1. Recognition: billionths (ppm of the chain times 1000).
 *              Lambda: Q32. Distances: billionths.
 * Thread       Pure functions.
 */
#ifndef NOTCH_AI_RULES_ALLOCATION_MATCHING_H
#define NOTCH_AI_RULES_ALLOCATION_MATCHING_H

#include "base/alloc.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTCH_MATCHING_PARTIES_MAX (1u << 20)
#define NOTCH_MATCHING_EDGES_MAX (1u << 24)

#define NOTCH_RECOGNITION_ONE 1000000000u
#define NOTCH_LAMBDA_ONE (UINT64_C(1) << 32)
/* 1/eps = 2^14. */
#define NOTCH_LAMBDA_MAX (NOTCH_LAMBDA_ONE << 14)

struct notch_matching_edge {
    uint32_t provider;
    uint32_t recipient;
    uint32_t recognition; /* mutual, at most NOTCH_RECOGNITION_ONE */
};

struct notch_matching {
    const int64_t *capacities;
    size_t provider_count;
    const int64_t *needs;
    size_t recipient_count;
    const struct notch_matching_edge *edges;
    size_t edge_count;
};

/* How far a commitment is from the fixed point. */
struct notch_matching_distance {
    uint64_t lambda;  /* the greatest |ln(lambda / min(1/eps, C/D))|; UINT64_MAX: one is 0 where the other is not */
    uint64_t amounts; /* sum |amount - what the lambdas give| over the sum of the latter; likewise UINT64_MAX */
    uint64_t unmet;   /* sum of s over the sum of needs */
    bool is_over;     /* an amount is negative, or a sum passes a capacity or a need: not to be applied at all */
    size_t worst;     /* the provider with the greatest distance of lambda */
};

/* Counts, orders and bounds, as above. */
NOTCH_MUST_USE struct notch_reject notch_matching_check(const struct notch_matching *matching);

/* amounts[edge_count]: what the lambdas lead to. lambdas[provider_count], each at most NOTCH_LAMBDA_MAX. */
void notch_matching_commit(const struct notch_matching *matching, int64_t *amounts, const uint64_t *lambdas,
                           const struct notch_alloc *alloc);

/* The certificate's check: O(edges), but for the sort of a provider's remainders. Any lambdas and amounts. */
void notch_matching_judge(const struct notch_matching *matching, struct notch_matching_distance *out,
                          const uint64_t *lambdas, const int64_t *amounts, const struct notch_alloc *alloc);

/*
 * A provider's part alone: splits `total` over weights in proportion, by largest remainder, ties to the first. The sum
 * is exactly `total` unless all weights are 0; then nothing is given. The weights sum to less than 2^126.
 */
void notch_matching_split(int64_t *amounts, int64_t total, const unsigned __int128 *weights, size_t count,
                          const struct notch_alloc *alloc);

/* Cuts amounts where a recipient would pass its need, from its last provider on. */
void notch_matching_cut(const struct notch_matching *matching, int64_t *amounts, const struct notch_alloc *alloc);

/* |ln(a / b)| in billionths, to within one and a part in 2^40; a and b > 0. */
uint64_t notch_ln_ratio(uint64_t a, uint64_t b);

#endif
