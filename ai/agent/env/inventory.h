/*
 * ai/agent/env/inventory.h: a stock that expires: what the best seller would earn with it.
 *
 * NOTCH_INVENTORY_UNITS units are there at the start; each of NOTCH_INVENTORY_DAYS days brings customers who each buy
 * with a probability that falls with the price (logit); what is left at the end is lost. The cost is sunk.
 *
 * Thread       Any.
 */
#ifndef NOTCH_AI_AGENT_ENV_INVENTORY_H
#define NOTCH_AI_AGENT_ENV_INVENTORY_H

#include "ai/agent/env/env.h"

#define NOTCH_INVENTORY_DAYS 14
#define NOTCH_INVENTORY_UNITS 40
#define NOTCH_INVENTORY_SCALE 4.0f /* rewards are takings divided by this */

/* The expected return of an episode under the best prices among `grid` ones, even in their logarithm: dynamic
 * programming over days and stock. env is an inventory. grid >= 2. */
double notch_inventory_best_return(const struct notch_env *env, unsigned grid);

#endif
