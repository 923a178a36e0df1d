/*
 * ai/agent/pricing/price.h: from an action in [-1, 1] to a price that the seller allows, and back; and the best price
 * under a demand that is known.
 *
 * An action is linear in the logarithm of the price between the logarithms of the bounds. Whatever the action, the
 * price lies in [min, max]: the bounds themselves come back exactly, and a NaN gives the middle.
 *
 * Units        Prices, costs and demand as double, in whole units; micro-units where it says so.
 * Thread       Any.
 * Source       design: ai.md section B.
 */
#ifndef NOTCH_AI_AGENT_PRICING_PRICE_H
#define NOTCH_AI_AGENT_PRICING_PRICE_H

#include "base/units.h"

struct notch_price_bounds {
    double min, max; /* 0 < min < max, finite */
};

bool notch_price_bounds_ok(const struct notch_price_bounds *bounds);

/* Cut off to [-1, 1]; a NaN gives 0. */
float notch_price_action_within(float action);

double notch_price_of_action(const struct notch_price_bounds *bounds, float action);

/* The action that asks for this price, or for the bound that is nearer. */
float notch_price_to_action(const struct notch_price_bounds *bounds, double price);

/* The same in micro-units between bounds in micro-units: 0 < min < max. */
struct notch_price notch_price_micro_of_action(struct notch_price min, struct notch_price max, float action);

/* W(x) of x >= 0: the w with w e^w = x. */
double notch_price_lambert_w(double x);

/* The same of e^y, for a y whose exponential may overflow. */
double notch_price_lambert_w_exp(double y);

/* What an expected period brings: demand a - b p, not below 0. */
double notch_price_linear_profit(double a, double b, double cost, double price);

/* The probability that a customer buys: 1 / (1 + exp(b p - a)). */
double notch_price_logit_share(double a, double b, double price);

/* The best price without bounds; b > 0. */
double notch_price_linear_best(double a, double b, double cost);
double notch_price_logit_best(double a, double b, double cost);

#endif
