/*
 * ai/agent/signal/robust.h: middles and spreads that a few wild values do not move, and what stands out from them.
 *
 *      median, quantile   type 7 of Hyndman and Fan (1996): linear between the order statistics, as R and numpy do
 *      mad                median of the distances from the median, unscaled
 *      robust z           0.6745 (x - median) / mad: Iglewicz and Hoaglin (1993) call more than 3.5 an outlier
 *      hampel             the value at i stands out of the window around it by more than 3 * 1.4826 * mad (Hampel 1974)
 *
 * Where more than half of the values are equal the mad is 0: then nothing is divided by it, and what is different is
 * measured by the mean distance from the median instead (1.2533 times it, as Iglewicz and Hoaglin do).
 *
 * Units        Those of the values; every value is finite (asserted by the caller's checks, not here).
 * Ownership    Borrows everything; `scratch` holds as many doubles as there are values.
 * Thread       Pure functions.
 */
#ifndef NOTCH_AI_AGENT_SIGNAL_ROBUST_H
#define NOTCH_AI_AGENT_SIGNAL_ROBUST_H

#include <stdbool.h>
#include <stddef.h>

#define NOTCH_ROBUST_OUTLIER 3.5
#define NOTCH_HAMPEL_SCALE 1.4826

/* The sum with Neumaier's compensation: n equal values have exactly that value as mean. */
double notch_sum(const double *values, size_t count);

/* Population standard deviation; 0 for fewer than two values. */
double notch_deviation(const double *values, size_t count);

void notch_sort(double *values, size_t count);

/* The q-quantile of sorted values. count > 0, 0 <= q <= 1. */
double notch_quantile_sorted(const double *sorted, size_t count, double q);

/* count > 0. */
double notch_median(const double *values, size_t count, double *scratch);
double notch_mad(const double *values, size_t count, double median, double *scratch);

/* How far x stands out of the values, by the rule above; 0 where they do not differ and x is the same. count > 0. */
double notch_robust_z(double x, const double *values, size_t count, double *scratch);

/*
 * Hampel's filter: out[i] is the median of the window of `half` values on each side (fewer at the ends) where values[i]
 * stands out by more than `threshold` scaled mads, else values[i]; returns how many stood out. `out` and `values` do
 * not overlap; scratch holds 4 * half + 2 doubles. is_outlier may be NULL.
 */
size_t notch_hampel(double *out, bool *is_outlier, const double *values, size_t count, size_t half, double threshold,
                    double *scratch);

#endif
