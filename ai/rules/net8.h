/*
 * ai/rules/net8.h: the canonical int8 network: its bytes, and inference that gives the same bits on every machine.
 *
 * Dense layers, one after the other. A layer computes, for each output,
 *
 *      acc = bias + sum of weight * input      int8 * int8 in int32
 *      y   = rdiv(acc * multiplier, 2^shift)   in 64 bits, rounded half away from zero; no negative is ever shifted
 *
 * and then, by its activation:
 *   LINEAR    y saturated to int8
 *   RELU      the same, negatives to 0
 *   TABLE     y saturated to int8, then the committed table of 256 int8: tanh, sigmoid, or what the author likes
 *   WIDE      y saturated to int16; last layer only
 *   SOFTMAX   y saturated to int16 is read as a multiple of 1/256, the outputs are shares of 32767; last layer only
 * Softmax takes exp(-r) = 0.3585 (1.353 - r)^2 + 0.344 on [0, ln 2) and halvings for the rest (I-BERT), in integers.
 *
 * No overflow, by construction: a fan-in of at most 65,536 and biases below 2^30 keep acc in an int32, a multiplier
 * below 2^31 keeps the product below 2^62. No float, no libm, no table that is not in the bytes.
 *
 * Encoding: version u8 = 1 | input_unit uvar | output_unit uvar | widths uvar (2..16), then each uvar (1..65536) |
 * for each layer: activation u8 | multiplier u32 (2^30 .. 2^31 - 1) | shift u8 (0..62) | biases, outputs x i32 |
 * weights, outputs x inputs x i8, row by row | table 256 x i8 if TABLE.
 * The multiplier is normalised, so that a scale has one encoding. The units say what one step of an input and of an
 * output is worth, in billionths: they take no part in inference, but who runs the network needs them.
 * The root of a network is notch_model_root() of its bytes (chain/entry_model.h).
 *
 * Ownership    A decoded network borrows its bytes.
 * Limits       Above; bytes up to NOTCH_MODEL_BYTES_MAX. Cost of a run: one multiplication per weight.
 * Thread       Pure functions.
 * Source       design/ai.md A.
 */
#ifndef NOTCH_AI_RULES_NET8_H
#define NOTCH_AI_RULES_NET8_H

#include "chain/entry_model.h"

#define NOTCH_NET8_VERSION 1
#define NOTCH_NET8_LAYERS_MAX (NOTCH_MODEL_LAYERS_MAX - 1)
#define NOTCH_NET8_MULTIPLIER_MIN (UINT32_C(1) << 30)
#define NOTCH_NET8_MULTIPLIER_MAX ((UINT32_C(1) << 31) - 1)
#define NOTCH_NET8_SHIFT_MAX 62
#define NOTCH_NET8_BIAS_MAX ((INT32_C(1) << 30) - 1)
#define NOTCH_NET8_TABLE 256
#define NOTCH_NET8_UNIT_MAX (UINT64_C(1) << 40)
#define NOTCH_NET8_UNIT_ONE UINT64_C(1000000000)

/* Values are part of the encoding. */
enum notch_activation {
    NOTCH_ACTIVATION_LINEAR = 0,
    NOTCH_ACTIVATION_RELU = 1,
    NOTCH_ACTIVATION_TABLE = 2,
    NOTCH_ACTIVATION_WIDE = 3,
    NOTCH_ACTIVATION_SOFTMAX = 4
};

struct notch_net8_layer {
    enum notch_activation activation;
    uint32_t inputs, outputs;
    uint32_t multiplier;
    uint32_t shift;
    const uint8_t *biases; /* i32, little endian */
    const int8_t *weights;
    const int8_t *table; /* at y + 128; NULL unless TABLE */
};

struct notch_net8 {
    uint64_t input_unit, output_unit;
    uint32_t width_count;
    uint32_t widths[NOTCH_MODEL_LAYERS_MAX];
    struct notch_net8_layer layers[NOTCH_NET8_LAYERS_MAX]; /* width_count - 1 of them */
};

/* The whole of `bytes`; on refusal *out is undefined. */
struct notch_reject notch_net8_decode(struct notch_net8 *out, struct notch_bytes bytes);

/* Appends the bytes. What is out of its bounds breaks a promise. */
void notch_net8_encode(struct notch_buf *out, const struct notch_net8 *network);

/* Whether the network is the one that a MODEL entry names: length, root and widths. */
struct notch_reject notch_net8_matches(const struct notch_net8 *network, struct notch_bytes bytes,
                                       const struct notch_model *model);

/* How many bytes notch_net8_run() needs to work in. */
size_t notch_net8_scratch(const struct notch_net8 *network);

/* One inference. inputs: widths[0]; outputs: the last width; scratch: notch_net8_scratch() bytes. */
void notch_net8_run(const struct notch_net8 *network, int16_t *outputs, const int8_t *inputs, void *scratch);

/* rdiv(acc * multiplier, 2^shift), rounded half away from zero. multiplier < 2^31, shift <= 62. */
int64_t notch_net8_scale(int32_t acc, uint32_t multiplier, uint32_t shift);

#endif
