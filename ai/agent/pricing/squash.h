/*
 * ai/agent/pricing/squash.h: the Gaussian behind a tanh, which the actor draws actions from.
 *
 * The actor's output is, row by row, the means and then the logarithms of the deviations of a Gaussian. A draw is
 * u = mean + exp(log_std) * noise, the action a = tanh(u) in (-1, 1), and its log-probability is corrected for the
 * squashing: - ln(1 - a^2) for each dimension, in the form 2 (u + softplus(-2u) - ln 2), which stays finite where a
 * rounds to 1 (Haarnoja et al. 2018, appendix C). log_std is held to [-20, 2] (ai.md section B).
 *
 * Ownership    The caller's arrays. Nothing is allocated.
 * Thread       Any.
 */
#ifndef NOTCH_AI_AGENT_PRICING_SQUASH_H
#define NOTCH_AI_AGENT_PRICING_SQUASH_H

#include "base/rng.h"

#define NOTCH_SQUASH_LOG_STD_MIN (-20.0f)
#define NOTCH_SQUASH_LOG_STD_MAX 2.0f

struct notch_squash {
    uint32_t rows, dims;
    const float *outputs; /* rows x 2 dims, from the actor */
    const float *noise;   /* rows x dims, standard normal */
};

/* Fills with standard normal draws. */
void notch_squash_noise(float *out, size_t count, struct notch_rng *rng);

/* actions: rows x dims; log_probs: one a row. */
void notch_squash_draw(float *actions, float *log_probs, const struct notch_squash *squash);

/*
 * The gradient of weight * sum over rows of (alpha * log_prob - value) by the actor's outputs, where d_value holds the
 * gradient of the values by the actions that draw() gave (its rows are d_stride apart).
 */
void notch_squash_backward(float *d_outputs, const struct notch_squash *squash, const float *actions,
                           const float *d_value, uint32_t d_stride, float alpha, float weight);

/* The action without noise: tanh of the mean, for one row. */
void notch_squash_mean(float *action, const float *output, uint32_t dims);

#endif
