/*
 * ai/agent/signal/medoids.h: things put into groups by their features: k-medoids, whose middles are things themselves.
 *
 * Features are first made comparable, column by column: less the median, over the mad (or the mean distance from the
 * median where that is 0), bounded to +-NOTCH_MEDOIDS_BOUND, so that no wild value makes a group of its own. Distances
 * are sums of absolute differences. Start: the thing nearest to all, then whichever takes most off the sum of
 * distances; then swaps of a middle and another thing for as long as one helps (PAM: Kaufman and Rousseeuw, 1990).
 * The best number of groups is that of the greatest mean silhouette (Rousseeuw, 1987).
 *
 * Everything depends on the numbers and their order alone: no draws.
 *
 * Limits       NOTCH_MEDOIDS_MAX things; k from 1 to NOTCH_MEDOIDS_GROUPS_MAX and at most the number of things.
 * Ownership    Borrows everything; working memory (a distance for each pair) comes from the allocator and goes back.
 * Thread       Pure functions.
 */
#ifndef NOTCH_AI_AGENT_SIGNAL_MEDOIDS_H
#define NOTCH_AI_AGENT_SIGNAL_MEDOIDS_H

#include "base/alloc.h"

#include <stddef.h>
#include <stdint.h>

#define NOTCH_MEDOIDS_MAX 512
#define NOTCH_MEDOIDS_GROUPS_MAX 16
#define NOTCH_MEDOIDS_BOUND 5.0

/* In place: `count` rows of `columns` features. */
void notch_medoids_scale(double *features, size_t count, size_t columns, const struct notch_alloc *alloc);

struct notch_medoids {
    size_t k;
    size_t middle[NOTCH_MEDOIDS_GROUPS_MAX]; /* which thing each group has as its middle, ascending */
    double cost;                             /* sum of the distances from the middles */
    double silhouette;                       /* mean, -1 .. 1; 0 for one group */
};

/* group[i]: which of the k groups thing i is in. count > 0. */
void notch_medoids(struct notch_medoids *out, uint32_t *group, const double *features, size_t count, size_t columns,
                   size_t k, const struct notch_alloc *alloc);

/* The best k of 2 .. k_max; one group where no k has a silhouette above 0.25 (no structure). */
void notch_medoids_best(struct notch_medoids *out, uint32_t *group, const double *features, size_t count,
                        size_t columns, size_t k_max, const struct notch_alloc *alloc);

#endif
