/*
 * ai/agent/pricing/mlp.h: a small fully connected network in float32: ReLU between layers, nothing behind the last.
 *
 * A network is a shape and one array of parameters: for each layer its weights (inputs x outputs, row by row), then
 * its biases. One array makes an optimiser, a target that follows and a checkpoint one loop each. Products go to
 * CBLAS, which adds them onto the bias, so that only the ReLU is a pass of its own.
 *
 * Ownership    The caller's arrays; nothing is allocated here.
 * Limits       NOTCH_MLP_LAYERS_MAX layers of at most NOTCH_MLP_WIDTH_MAX, NOTCH_MLP_ROWS_MAX rows in a batch.
 * Numbers      The bits of a product differ between processors: nothing of this is ever compared between nodes. On one
 *              machine the same input gives the same bits.
 * Thread       Any; one batch at a time.
 */
#ifndef NOTCH_AI_AGENT_PRICING_MLP_H
#define NOTCH_AI_AGENT_PRICING_MLP_H

#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTCH_MLP_LAYERS_MAX 4
#define NOTCH_MLP_WIDTH_MAX 1024
#define NOTCH_MLP_ROWS_MAX 4096

struct notch_mlp_shape {
    uint32_t layers;
    uint32_t width[NOTCH_MLP_LAYERS_MAX + 1]; /* width[0] is the input's, width[layers] the output's */
};

/* What a pass works on. */
struct notch_mlp_batch {
    const float *params;
    const float *input; /* rows x width[0] */
    float *activations; /* notch_mlp_activation_count(): what every layer gave; forward writes, backward reads */
    float *scratch;     /* notch_mlp_scratch_count(): backward alone */
    uint32_t rows;
};

/* An input, two hidden layers of the same width, an output. */
struct notch_mlp_shape notch_mlp_shape(uint32_t inputs, uint32_t hidden, uint32_t outputs);

/* Whether every width and the number of layers are within the limits. */
bool notch_mlp_shape_ok(const struct notch_mlp_shape *shape);

/* How many floats. */
size_t notch_mlp_param_count(const struct notch_mlp_shape *shape);
size_t notch_mlp_activation_count(const struct notch_mlp_shape *shape, uint32_t rows);
size_t notch_mlp_scratch_count(const struct notch_mlp_shape *shape, uint32_t rows);

/* Uniform in +-1 / sqrt(inputs of the layer), weights and biases alike. */
void notch_mlp_init(const struct notch_mlp_shape *shape, float *params, struct notch_rng *rng);

/* The output, rows x width[layers], which lies in `activations`. */
const float *notch_mlp_forward(const struct notch_mlp_shape *shape, const struct notch_mlp_batch *batch);

/*
 * Of the activations that forward() left, keeps those of these rows (rising) for a backward() on a batch of `count`
 * rows. Only the hidden layers are kept: what backward() needs where the parameters need no gradient. count > 0.
 */
void notch_mlp_keep_rows(const struct notch_mlp_shape *shape, const struct notch_mlp_batch *batch, const uint32_t *rows,
                         uint32_t count);

/*
 * After forward() on the same batch: from the gradient of a loss by the output, its gradient by the parameters and by
 * the input. `grads` (overwritten) or `d_input` may be NULL where it is not wanted.
 */
void notch_mlp_backward(const struct notch_mlp_shape *shape, float *grads, float *d_input,
                        const struct notch_mlp_batch *batch, const float *d_output);

#endif
