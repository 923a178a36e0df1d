/*
 * ai/agent/signal/stl.h: a series taken apart into season, trend and rest: STL, by Cleveland, Cleveland, McRae and
 * Terpenning, "A Seasonal-Trend Decomposition Procedure Based on Loess", Journal of Official Statistics 6 (1990).
 *
 * Inner loops smooth each part of the cycle by itself, take the slow part out of that, and smooth what is left as the
 * trend; outer loops weigh points down that stand out of the fit (bisquare, 6 medians of the distances). Where a jump
 * is greater than 1 the smoother is computed at every jump-th point and drawn straight in between, as in the authors'
 * program, whose figures come out (the median of the weights is the true one).
 *
 * Units        Those of the values. period and the lengths of the smoothers in points.
 * Limits       period >= 2, at least two whole periods; lengths odd and >= 3, jumps >= 1, inner >= 1.
 * Ownership    Borrows everything; working memory comes from the allocator and goes back to it.
 * Thread       Pure function.
 */
#ifndef NOTCH_AI_AGENT_SIGNAL_STL_H
#define NOTCH_AI_AGENT_SIGNAL_STL_H

#include "base/alloc.h"
#include "base/error.h"

#include <stddef.h>

struct notch_stl_smoother {
    size_t length;
    size_t jump;
    int degree; /* 0 or 1 */
};

struct notch_stl_options {
    size_t period;
    struct notch_stl_smoother season, trend, low_pass;
    size_t inner, outer;
};

/* What the authors advise for a period: season 7, trend 1.5 periods / (1 - 1.5 / 7), low pass one period, no jumps;
 * robust: inner 1, outer 15, else inner 5, outer 0. */
enum notch_stl_kind { NOTCH_STL_PLAIN, NOTCH_STL_ROBUST };
struct notch_stl_options notch_stl_defaults(size_t period, enum notch_stl_kind kind);

/* Writes `count` values into each of season, trend and weights. RANGE where an option or the length is out of
 * bounds. */
NOTCH_MUST_USE enum notch_err notch_stl(double *season, double *trend, double *weights, const double *values,
                                        size_t count, const struct notch_stl_options *options,
                                        const struct notch_alloc *alloc);

#endif
