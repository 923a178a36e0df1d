/*
 * ai/agent/pricing/adam.h: Adam (Kingma and Ba, 2015), and a target that follows.
 *
 * Ownership    init allocates the two moments, fini gives them back; a step allocates nothing.
 * Numbers      beta1 0.9, beta2 0.999, epsilon 1e-8, bias corrected in the rate.
 * Thread       A value; one thread at a time.
 */
#ifndef NOTCH_AI_AGENT_PRICING_ADAM_H
#define NOTCH_AI_AGENT_PRICING_ADAM_H

#include "base/alloc.h"

#include <stdint.h>

struct notch_adam {
    const struct notch_alloc *alloc;
    size_t count;
    float rate;
    uint64_t steps;
    float *mean;     /* of the gradient */
    float *variance; /* of its square; never negative */
};

/* count > 0. */
void notch_adam_init(struct notch_adam *adam, const struct notch_alloc *alloc, size_t count, float rate);
void notch_adam_fini(struct notch_adam *adam);

/* Moves `count` parameters down their gradients. */
void notch_adam_step(struct notch_adam *adam, float *params, const float *grads);

/* target += share * (params - target), for each of them. */
void notch_adam_follow(float *target, const float *params, size_t count, float share);

#endif
