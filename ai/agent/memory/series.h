/*
 * ai/agent/memory/series.h: the prices of a market over time, one mean per period, and what they tell: trend,
 * volatility, the cycle and its seasons, what stood out.
 *
 * Invariants   Points ascend by period. What came in for the last period moves its mean; earlier ones are closed.
 * Limits       NOTCH_SERIES_MAX points; then the oldest goes. Gaps are drawn straight for the outlook, which looks back
 *              NOTCH_SERIES_MAX periods at most.
 * Ownership    A value without pointers; the outlook takes working memory from the allocator and gives it back.
 * Thread       One at a time.
 */
#ifndef NOTCH_AI_AGENT_MEMORY_SERIES_H
#define NOTCH_AI_AGENT_MEMORY_SERIES_H

#include "base/alloc.h"
#include "base/codec.h"

#include <stddef.h>
#include <stdint.h>

#define NOTCH_SERIES_MAX 512
#define NOTCH_SERIES_LOOK 32    /* periods that trend and volatility look back over */
#define NOTCH_SERIES_SEASONS 64 /* the longest cycle that is told: what an insight holds */

struct notch_series_point {
    uint64_t period;
    double mean;
    uint64_t count;
};

struct notch_series {
    uint32_t count;
    uint32_t first; /* of the ring */
    struct notch_series_point points[NOTCH_SERIES_MAX];
};

/* period: not before the last one. */
void notch_series_add(struct notch_series *series, uint64_t period, double price);

const struct notch_series_point *notch_series_at(const struct notch_series *series, uint32_t index);

/* One value per period up to the last, gaps filled; returns how many. */
size_t notch_series_regular(const struct notch_series *series, double out[NOTCH_SERIES_MAX]);

struct notch_series_outlook {
    double trend;        /* change of the price over a period, over its median: Theil and Sen's slope */
    double volatility;   /* standard deviation over mean */
    size_t cycle;        /* periods; 0: none was found */
    double strength;     /* of the cycle: 1 - variance of the rest / variance of the rest and the season */
    size_t season_count; /* the cycle, where it is at most NOTCH_SERIES_SEASONS; else 0 */
    /* Above or below the mean of the cycle, over the mean; [i]: i periods behind the last one. */
    double seasons[NOTCH_SERIES_SEASONS];
    size_t anomalies; /* periods whose rest has a robust z of more than 3.5 */
};
void notch_series_outlook(const struct notch_series *series, struct notch_series_outlook *out,
                          const struct notch_alloc *alloc);

void notch_series_write(struct notch_writer *writer, const struct notch_series *series);
void notch_series_read(struct notch_reader *reader, struct notch_series *out);

#endif
