/*
 * ai/rules/forecast.h: challenges of kind 2: nine quantiles of the next window's price, scored by what came.
 *
 * Prices are compared as ticks: log2 of the micro-units in 1 / 65536, so that an error is a ratio. The outcome of a
 * market in a window is the weighted median of the midpoints of its insights; the forecaster's own cluster (the
 * accounts that share its sponsor) is left out, so that nobody is judged by what he himself says. There is one point an
 * author, however many insights it published: its last.
 *
 *   loss     L = sum over k = 1..9 of k * max(y - q_k, 0) + (10 - k) * max(q_k - y, 0): the pinball loss, which is
 *            proper: no report is better than what the forecaster believes
 *   naive    what the chain itself expects: the last outcome, spread by the mean move of the past
 *   target   T = clip(32768 + 16384 (L_naive - L) / mean L_naive, 0, 65535), floor division: 32768 is the naive one
 *
 * Solution: count uvar (that of the markets drawn), then for each: q_1 uvar, the eight steps up uvar each; q_9 is at
 * most NOTCH_TICK_MAX.
 *
 * Everything is below 2^45: nothing overflows, by construction.
 *
 * Limits       NOTCH_FORECAST_MARKETS_MAX markets; weights up to 2^40; 2^20 points a market.
 * Ownership    Values; points belong to the caller.
 * Thread       Pure functions.
 * Source       design/ai.md A, kind 2.
 */
#ifndef NOTCH_AI_RULES_FORECAST_H
#define NOTCH_AI_RULES_FORECAST_H

#include "chain/entry_insight.h"

#define NOTCH_QUANTILES 9
#define NOTCH_TICK_ONE 65536u /* a factor of two */
#define NOTCH_TICK_MAX (63u * NOTCH_TICK_ONE)
#define NOTCH_FORECAST_MARKETS_MAX 8
#define NOTCH_FORECAST_POINTS_MAX (1u << 20)
#define NOTCH_FORECAST_WEIGHT_MAX (UINT64_C(1) << 40)
#define NOTCH_SCORE_ONE 65535
#define NOTCH_SCORE_NAIVE 32768

/* log2(price) in ticks, cut off. price > 0. */
uint32_t notch_forecast_tick(struct notch_price price);

/* The tick of an insight's midpoint, or point; false where it has neither or it is 0. */
bool notch_forecast_midpoint(uint32_t *tick, const struct notch_insight *insight);

/* What one author said about a market in a window. */
struct notch_forecast_point {
    uint32_t tick;
    uint32_t cluster;
    uint64_t weight;
};

/* In the order that notch_forecast_outcome() needs. */
void notch_forecast_sort(struct notch_forecast_point *points, size_t count);

/* The weighted median of sorted points without those of the cluster (the lower one of two): false where there is no
 * weight left. */
bool notch_forecast_outcome(uint32_t *tick, const struct notch_forecast_point *points, size_t count, uint32_t cluster);

/* Ticks that do not fall. */
struct notch_forecast {
    uint32_t q[NOTCH_QUANTILES];
};

/* Appends a solution. */
void notch_forecast_encode(struct notch_buf *out, const struct notch_forecast *forecasts, uint32_t count);

/* count: how many there must be. */
struct notch_reject notch_forecast_decode(struct notch_forecast *out, uint32_t count, struct notch_bytes solution);

uint64_t notch_forecast_loss(const struct notch_forecast *forecast, uint32_t outcome);

/* What the chain knows of a market's past. All zero: nothing. */
struct notch_forecast_past {
    uint32_t tick;   /* the last outcome */
    uint32_t spread; /* mean move from one outcome to the next, in 1/16 tick: moves on by an eighth */
    uint64_t loss;   /* mean loss of the naive forecast, likewise */
    uint32_t seen;   /* outcomes so far, up to NOTCH_FORECAST_SEEN_MAX */
};
#define NOTCH_FORECAST_SEEN_MAX 1000000u
/* A market is asked about once there is a mean loss to measure by. */
#define NOTCH_FORECAST_SEEN_MIN 3u

/* seen > 0. */
void notch_forecast_naive(struct notch_forecast *out, const struct notch_forecast_past *past);

/* Takes the outcome of a window up. */
void notch_forecast_learn(struct notch_forecast_past *past, uint32_t outcome);

/* T of a forecast, 0 .. 65535. past: before the outcome is taken up; seen >= NOTCH_FORECAST_SEEN_MIN. */
uint32_t notch_forecast_score(const struct notch_forecast *forecast, const struct notch_forecast_past *past,
                              uint32_t outcome);

#endif
