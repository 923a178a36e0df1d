/*
 * rpc/cli/float_net.h: a network of floats, as training leaves it, and the int8 network that is made of it.
 *
 * Read from JSON:
 *   {"layers": [{"weights": [[w, ...], ...], "bias": [b, ...], "activation": "relu"}, ...],
 *    "calibration": [[x, ...], ...]}
 * A row of weights for each output. Activations: linear, relu, tanh, sigmoid, and softmax in the last layer. The
 * calibration is a sample of the inputs that the network will see: the scales are chosen so that nothing in it is cut
 * off (but for tanh beyond 4 and sigmoid beyond 8, which are flat there). A last layer that is linear keeps 16 bits.
 *
 * This is the only float in the making of a model, and it happens at its author's: what all nodes compute with are the
 * bytes that come out.
 *
 * Ownership    notch_float_net_read() allocates; notch_float_net_fini() gives back, also after a failure.
 * Limits       Those of ai/rules/net8.h; NOTCH_FLOAT_NET_SAMPLES_MAX samples; numbers up to 1e6.
 * Errors       INVALID or RANGE, with `what` set to a literal that says which part.
 * Thread       One.
 */
#ifndef NOTCH_RPC_CLI_FLOAT_NET_H
#define NOTCH_RPC_CLI_FLOAT_NET_H

#include "ai/rules/net8.h"

#include <jansson.h>

#define NOTCH_FLOAT_NET_SAMPLES_MAX 100000u

enum notch_float_activation {
    NOTCH_FLOAT_LINEAR,
    NOTCH_FLOAT_RELU,
    NOTCH_FLOAT_TANH,
    NOTCH_FLOAT_SIGMOID,
    NOTCH_FLOAT_SOFTMAX
};

struct notch_float_net {
    const struct notch_alloc *alloc;
    uint32_t width_count;
    uint32_t widths[NOTCH_MODEL_LAYERS_MAX];
    enum notch_float_activation activations[NOTCH_NET8_LAYERS_MAX];
    double *weights[NOTCH_NET8_LAYERS_MAX]; /* row by row */
    double *biases[NOTCH_NET8_LAYERS_MAX];
    double *samples; /* widths[0] each */
    uint32_t sample_count;
    const char *what; /* why reading or making failed */
};

NOTCH_MUST_USE enum notch_err notch_float_net_read(struct notch_float_net *out, const json_t *json,
                                                   const struct notch_alloc *alloc);
void notch_float_net_fini(struct notch_float_net *net);

/* Appends the canonical bytes. Channels of `net` may be scaled anew; what it computes stays. */
NOTCH_MUST_USE enum notch_err notch_float_net_quantise(struct notch_float_net *net, struct notch_buf *out);

/* How far the int8 network is from this one over the calibration, for all outputs together. */
struct notch_float_net_error {
    double span; /* from the least to the greatest output of the float network */
    double mean, p99, max;
};
void notch_float_net_compare(struct notch_float_net_error *out, const struct notch_float_net *net,
                             const struct notch_net8 *made);

/* What a value is as an input of the network: saturated, rounded to the nearest step. */
int8_t notch_float_net_input(double value, uint64_t input_unit);

#endif
