/*
 * ai/agent/pricing/context.h: what the agent sees of its market, as numbers of about 1.
 *
 * What the seller knows itself (last price and demand, the season), and what the network's insights say: their
 * midpoint against the bounds, width, trend, volatility, confidence and age. Without an insight those are 0, and the
 * last price is seen against the middle of the seller's own bounds.
 *
 * Invariants   Every number is finite and in [-NOTCH_CONTEXT_LIMIT, NOTCH_CONTEXT_LIMIT], whatever comes in.
 * Thread       Any.
 * Source       design: ai.md section B, "State".
 */
#ifndef NOTCH_AI_AGENT_PRICING_CONTEXT_H
#define NOTCH_AI_AGENT_PRICING_CONTEXT_H

#include "ai/agent/pricing/price.h"

#define NOTCH_CONTEXT_FEATURES 10
#define NOTCH_CONTEXT_LIMIT 10.0f

struct notch_context_insight {
    double low, high;         /* range of prices; 0 < low <= high */
    double trend, volatility; /* shares of the price */
    double confidence;        /* 0 to 1 */
    double age_days;
};

struct notch_context {
    struct notch_price_bounds bounds;
    double last_price;  /* 0: none yet */
    double last_demand; /* in units of what is usual */
    double season;      /* share of the year or of the week, 0 to 1 */
    bool has_insight;
    struct notch_context_insight insight;
};

void notch_context_observe(const struct notch_context *context, float obs[NOTCH_CONTEXT_FEATURES]);

#endif
