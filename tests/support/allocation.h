/*
 * tests/support/allocation.h: matchings to allocate, drawn from a seed, and what the answer to one is, found in another
 * way than the agents find it.
 *
 * The agents iterate on denominators. The solver here never does: it minimises the dual of the problem,
 *     f(theta) = sum over r of need_r * ln(1 + sum over p of exp(theta_p) * MR_pr)  -  sum over p of C_p * theta_p,
 * over theta_p <= ln(1/eps), by a projected Newton method with the whole Hessian and a line search.
 *
 * Ownership    notch_test_matching_fini() gives the arrays back.
 * Thread       One at a time.
 */
#ifndef NOTCH_TESTS_SUPPORT_ALLOCATION_H
#define NOTCH_TESTS_SUPPORT_ALLOCATION_H

#include "ai/rules/allocation_matching.h"
#include "base/rng.h"

/* Who knows which providers. RANDOM: any five. RING: five in a row. REGULAR: any three. All where there are fewer. */
enum notch_test_graph { NOTCH_TEST_RANDOM, NOTCH_TEST_RING, NOTCH_TEST_REGULAR, NOTCH_TEST_COMPLETE };

struct notch_test_matching {
    int64_t *capacities;
    int64_t *needs;
    struct notch_matching_edge *edges;
    size_t edge_cap;
    struct notch_matching matching;
};

/* Empty, with room. */
void notch_test_matching_init(struct notch_test_matching *made, size_t providers, size_t recipients, size_t edges);
void notch_test_matching_fini(struct notch_test_matching *made);

/* Edges are added in order. */
void notch_test_matching_edge(struct notch_test_matching *made, size_t provider, size_t recipient,
                              uint32_t recognition);

/*
 * `recipients` with needs of 50 to 500, max(2, recipients / 5) providers whose recognition sums to one each, and
 * capacities that differ by up to half and sum to load times the needs. Amounts in millionths.
 */
void notch_test_matching_draw(struct notch_test_matching *made, size_t recipients, double load,
                              enum notch_test_graph graph, uint64_t seed);

/* lambdas[provider_count] and amounts[edge_count] at the fixed point; false if the method got stuck. */
bool notch_test_matching_solve(const struct notch_matching *matching, double *lambdas, double *amounts);

/* sum |a - b| over sum |b|; 0 where both are nothing. */
double notch_test_matching_error(const double *a, const double *b, size_t count);

#endif
