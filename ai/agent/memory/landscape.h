/*
 * ai/agent/memory/landscape.h: what one's own observations say about prices, in bounded memory: the default
 * price memory (design/ai.md section D).
 *
 * Observations are kept as sums per bin (bins.h) that halve with every half-life, so the kernel counts of the
 * design cost a walk over the bins and an update costs one bin:
 *
 *      n(p) = sum of weight * K((ln p - ln bin) / h)      K: Gaussian, 1 at 0; h from the spread of the log prices
 *      mean and spread of the reward at p by the same kernel
 *      demand = a - b price by weighted least squares, with its residual noise
 *
 * Demand is the quantity sold where an observation gives one; otherwise reward / price, which is right where the reward
 * is revenue.
 *
 * Invariants   Bins ascend and hold weight. Weights are inflated by 2^(age of the zero time / half-life) instead of
 *              letting all fade at each step, and are scaled back before that exceeds 2^40.
 * Limits       NOTCH_LANDSCAPE_BINS: then the lightest bin is forgotten.
 * Ownership    A value without pointers.
 * Thread       One at a time.
 */
#ifndef NOTCH_AI_AGENT_MEMORY_LANDSCAPE_H
#define NOTCH_AI_AGENT_MEMORY_LANDSCAPE_H

#include "base/codec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTCH_LANDSCAPE_BINS 256

struct notch_landscape_bin {
    uint32_t bin;
    double log_price; /* of its middle; follows from the number */
    double weight;
    double reward; /* weight * mean reward */
    double square; /* weight * mean squared reward */
};

/* Weighted means and sums of products of price, log price and demand: West (1979). */
struct notch_landscape_fit {
    double weight;
    double price, log_price, demand, reward; /* means */
    double pp, ll, pd, dd, rr;               /* sums of products of the distances from them */
};

struct notch_landscape {
    double inflation; /* what an observation of now weighs */
    uint64_t updates;
    uint32_t count;
    struct notch_landscape_bin bins[NOTCH_LANDSCAPE_BINS];
    struct notch_landscape_fit fit;
};

void notch_landscape_init(struct notch_landscape *landscape);

/* Lets `half_lives` pass; >= 0. */
void notch_landscape_age(struct notch_landscape *landscape, double half_lives);

/* demand: quantity sold. Everything within its bounds (number.h). */
void notch_landscape_update(struct notch_landscape *landscape, double price, double reward, double demand);

/* Weight of all there is: the N of the design, and the number of observations where none is old. */
double notch_landscape_weight(const struct notch_landscape *landscape);

struct notch_landscape_look {
    double n;      /* kernel count */
    double reward; /* mean; the mean of all where n is 0 */
};
struct notch_landscape_look notch_landscape_at(const struct notch_landscape *landscape, double price);

/* Bandwidth h in log price: 1.06 spread n^(-1/5), between the width of a bin and 0.5. */
double notch_landscape_bandwidth(const struct notch_landscape *landscape);

double notch_landscape_price_deviation(const struct notch_landscape *landscape);
double notch_landscape_reward_deviation(const struct notch_landscape *landscape);

/* Demand against price: false where the prices do not differ enough, or demand does not fall. */
struct notch_landscape_demand {
    double intercept, slope; /* demand = intercept - slope * price, slope > 0 */
    double noise;            /* standard deviation of what is left */
};
bool notch_landscape_demand(const struct notch_landscape *landscape, struct notch_landscape_demand *out);

void notch_landscape_write(struct notch_writer *writer, const struct notch_landscape *landscape);
void notch_landscape_read(struct notch_reader *reader, struct notch_landscape *out);

#endif
