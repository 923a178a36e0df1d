/*
 * ai/agent/memory/insight.h: between a price memory and the chain: the insight that a market has to give, and what an
 * insight of somebody else does to it.
 *
 * What is given holds every field that the memory knows, prices as a range on the public grid (chain/mode.h), so that
 * no range has a price of one's own as its middle (design/ai.md section D, "Leak"); the filter of the chain's mode
 * takes away and adds noise afterwards. Where no single region is promising the range is that of the prices of the last
 * periods.
 *
 *      range       promising region with the best expected reward, widened to the grid
 *      trend, volatility, seasonality   of the series (series.h)
 *      confidence  n / (1 + n) of the kernel count there; classic: visits over most visits
 *      samples     observations behind it
 *      success     what one may expect of the rewards there: (mean there - mean of all) / (3 standard deviations), +-1;
 *                  classic: no field of its own: the trend is the mean of the last ten rewards, as the documents say
 *
 * Thread       Pure functions.
 */
#ifndef NOTCH_AI_AGENT_MEMORY_INSIGHT_H
#define NOTCH_AI_AGENT_MEMORY_INSIGHT_H

#include "ai/agent/memory/market.h"
#include "chain/entry_insight.h"

/* NOT_FOUND where nothing was observed, or without times: then there is no period to speak of. */
NOTCH_MUST_USE enum notch_err notch_market_insight(const struct notch_market *market, struct notch_insight *out,
                                                   const struct notch_hash *id, const struct notch_alloc *alloc);

/* Takes in an insight of the market; false where it says nothing that this memory uses, or the author said more since.
 * The insight has the form of the chain (it was checked when it was applied). */
bool notch_market_learn(struct notch_market *market, const struct notch_key *author,
                        const struct notch_insight *insight);

#endif
