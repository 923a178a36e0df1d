/*
 * tests/support/net8.h: int8 networks made of random numbers, and a second way to run them.
 *
 * The reference adds up in 64 bits, divides instead of shifting, and shares no code with ai/rules/net8.c.
 *
 * Ownership    notch_test_net8() fills a buffer that the caller made.
 * Thread       One.
 */
#ifndef NOTCH_TESTS_SUPPORT_NET8_H
#define NOTCH_TESTS_SUPPORT_NET8_H

#include "ai/rules/net8.h"
#include "base/rng.h"

/* Appends the bytes of a network of these widths. Weights, biases, scales, tables are random; with `extreme` they stand
 * at the ends of their ranges. `last` is the activation of the last layer. */
void notch_test_net8(struct notch_buf *out, struct notch_rng *rng, const uint32_t *widths, uint32_t width_count,
                     enum notch_activation last, bool extreme);

/* Outputs of all activations but softmax. */
void notch_test_net8_reference(int16_t *outputs, const struct notch_net8 *network, const int8_t *inputs);

#endif
