#include "tests/support/net8.h"

#include "base/assert.h"
#include "base/fixed.h"

#include <stdlib.h>

static int32_t pick_bias(struct notch_rng *rng, bool extreme)
{
    if (extreme) {
        return notch_rng_below(rng, 2) == 0 ? NOTCH_NET8_BIAS_MAX : -NOTCH_NET8_BIAS_MAX;
    }
    return (int32_t)notch_rng_below(rng, 40001) - 20000;
}

static uint8_t pick_weight(struct notch_rng *rng, bool extreme)
{
    static const uint8_t ends[3] = {0x80, 0x7f, 0x81};
    return extreme ? ends[notch_rng_below(rng, 3)] : (uint8_t)notch_rng_below(rng, 256);
}

static void pick_scale(struct notch_net8_layer *layer, struct notch_rng *rng, bool extreme)
{
    layer->multiplier = NOTCH_NET8_MULTIPLIER_MIN + (uint32_t)notch_rng_below(rng, UINT32_C(1) << 30);
    if (extreme) {
        layer->multiplier = notch_rng_below(rng, 2) == 0 ? NOTCH_NET8_MULTIPLIER_MIN : NOTCH_NET8_MULTIPLIER_MAX;
        layer->shift = (uint32_t)notch_rng_below(rng, NOTCH_NET8_SHIFT_MAX + 1);
        return;
    }
    uint32_t bits = 0;
    while (layer->inputs >> bits > 1) {
        bits++;
    }
    layer->shift = 37 + bits / 2 + (uint32_t)notch_rng_below(rng, 3);
}

void notch_test_net8(struct notch_buf *out, struct notch_rng *rng, const uint32_t *widths, uint32_t width_count,
                     enum notch_activation last, bool extreme)
{
    struct notch_net8 network = {.input_unit = 1 + notch_rng_below(rng, NOTCH_NET8_UNIT_MAX),
                                 .output_unit = 1 + notch_rng_below(rng, NOTCH_NET8_UNIT_MAX),
                                 .width_count = width_count};
    uint8_t *memory[NOTCH_NET8_LAYERS_MAX] = {NULL};
    memcpy(network.widths, widths, width_count * sizeof *widths);
    for (uint32_t i = 0; i + 1 < width_count; i++) {
        struct notch_net8_layer *layer = &network.layers[i];
        layer->inputs = widths[i];
        layer->outputs = widths[i + 1];
        layer->activation = i + 2 == width_count ? last : (enum notch_activation)notch_rng_below(rng, 3);
        pick_scale(layer, rng, extreme);
        size_t biases = 4 * (size_t)layer->outputs;
        size_t weights = (size_t)layer->inputs * layer->outputs;
        memory[i] = malloc(biases + weights + NOTCH_NET8_TABLE);
        notch_assert(memory[i] != NULL);
        struct notch_writer writer = notch_writer(memory[i], biases);
        for (uint32_t b = 0; b < layer->outputs; b++) {
            notch_write_u32(&writer, (uint32_t)pick_bias(rng, extreme));
        }
        for (size_t w = 0; w < weights + NOTCH_NET8_TABLE; w++) {
            memory[i][biases + w] = pick_weight(rng, extreme);
        }
        layer->biases = memory[i];
        layer->weights = (const int8_t *)memory[i] + biases;
        layer->table = layer->weights + weights;
    }
    notch_net8_encode(out, &network);
    for (uint32_t i = 0; i < NOTCH_NET8_LAYERS_MAX; i++) {
        free(memory[i]);
    }
}

/* round(acc * multiplier / 2^shift), half away from zero, by division. */
static int64_t scaled(int64_t acc, uint32_t multiplier, uint32_t shift)
{
    return notch_i64_rdiv(acc * (int64_t)multiplier, INT64_C(1) << shift);
}

static int64_t bounded(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

void notch_test_net8_reference(int16_t *outputs, const struct notch_net8 *network, const int8_t *inputs)
{
    int16_t *now = calloc(NOTCH_MODEL_WIDTH_MAX, sizeof *now);
    int16_t *next = calloc(NOTCH_MODEL_WIDTH_MAX, sizeof *next);
    notch_assert(now != NULL && next != NULL);
    for (uint32_t i = 0; i < network->widths[0]; i++) {
        now[i] = inputs[i];
    }
    for (uint32_t l = 0; l + 1 < network->width_count; l++) {
        const struct notch_net8_layer *layer = &network->layers[l];
        struct notch_reader biases = notch_reader(notch_bytes(layer->biases, 4 * (size_t)layer->outputs));
        for (uint32_t o = 0; o < layer->outputs; o++) {
            uint32_t raw = notch_read_u32(&biases);
            int64_t acc = (int64_t)raw - (raw >> 31 != 0 ? INT64_C(1) << 32 : 0);
            for (uint32_t i = 0; i < layer->inputs; i++) {
                acc += (int64_t)now[i] * layer->weights[(size_t)o * layer->inputs + i];
            }
            int64_t y = scaled(acc, layer->multiplier, layer->shift);
            bool is_wide = layer->activation == NOTCH_ACTIVATION_WIDE;
            y = is_wide ? bounded(y, -32768, 32767) : bounded(y, -128, 127);
            if (layer->activation == NOTCH_ACTIVATION_RELU) {
                y = y > 0 ? y : 0;
            } else if (layer->activation == NOTCH_ACTIVATION_TABLE) {
                y = layer->table[128 + y];
            }
            next[o] = (int16_t)y;
        }
        memcpy(now, next, layer->outputs * sizeof *now);
    }
    memcpy(outputs, now, network->widths[network->width_count - 1] * sizeof *outputs);
    free(now);
    free(next);
}
