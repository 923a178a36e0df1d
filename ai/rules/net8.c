#include "ai/rules/net8.h"

#include "base/assert.h"

/* ---- form ---- */

static bool is_last_only(enum notch_activation activation)
{
    return activation == NOTCH_ACTIVATION_WIDE || activation == NOTCH_ACTIVATION_SOFTMAX;
}

static int32_t bias_at(const uint8_t *biases, uint32_t at)
{
    const uint8_t *raw = biases + 4 * (size_t)at;
    uint32_t value = (uint32_t)raw[0] | (uint32_t)raw[1] << 8 | (uint32_t)raw[2] << 16 | (uint32_t)raw[3] << 24;
    return value < UINT32_C(0x80000000) ? (int32_t)value : -(int32_t)(UINT32_MAX - value) - 1;
}

static struct notch_reject check_layer(const struct notch_net8_layer *layer, bool is_last)
{
    if (is_last_only(layer->activation) && !is_last) {
        return NOTCH_REJECT(BOUNDS, "network: wide and softmax stand in the last layer only");
    }
    if (layer->multiplier < NOTCH_NET8_MULTIPLIER_MIN || layer->multiplier > NOTCH_NET8_MULTIPLIER_MAX) {
        return NOTCH_REJECT(BOUNDS, "network: a multiplier is not normalised to 2^30 .. 2^31 - 1");
    }
    if (layer->shift > NOTCH_NET8_SHIFT_MAX) {
        return NOTCH_REJECT(BOUNDS, "network: a shift is not 0 .. 62");
    }
    for (uint32_t i = 0; i < layer->outputs; i++) {
        int32_t bias = bias_at(layer->biases, i);
        if (bias > NOTCH_NET8_BIAS_MAX || bias < -NOTCH_NET8_BIAS_MAX) {
            return NOTCH_REJECT(BOUNDS, "network: a bias is not below 2^30");
        }
    }
    return NOTCH_VALID;
}

static struct notch_reject check_head(const struct notch_net8 *network)
{
    if (network->input_unit == 0 || network->input_unit > NOTCH_NET8_UNIT_MAX || network->output_unit == 0 ||
        network->output_unit > NOTCH_NET8_UNIT_MAX) {
        return NOTCH_REJECT(BOUNDS, "network: a unit is not 1 .. 2^40");
    }
    if (network->width_count < NOTCH_MODEL_LAYERS_MIN || network->width_count > NOTCH_MODEL_LAYERS_MAX) {
        return NOTCH_REJECT(BOUNDS, "network: not 2 .. 16 widths");
    }
    for (uint32_t i = 0; i < network->width_count; i++) {
        if (network->widths[i] == 0 || network->widths[i] > NOTCH_MODEL_WIDTH_MAX) {
            return NOTCH_REJECT(BOUNDS, "network: a width is not 1 .. 65536");
        }
    }
    return NOTCH_VALID;
}

/* ---- codec ---- */

static void read_layer(struct notch_reader *reader, struct notch_net8_layer *layer)
{
    uint8_t activation = notch_read_u8(reader);
    if (activation > NOTCH_ACTIVATION_SOFTMAX) {
        notch_reader_fail(reader);
        return;
    }
    layer->activation = (enum notch_activation)activation;
    layer->multiplier = notch_read_u32(reader);
    layer->shift = notch_read_u8(reader);
    layer->biases = notch_read_bytes(reader, 4 * (size_t)layer->outputs).data;
    uint64_t weights = (uint64_t)layer->inputs * layer->outputs;
    if (weights > notch_reader_left(reader)) {
        notch_reader_fail(reader);
        return;
    }
    layer->weights = (const int8_t *)notch_read_bytes(reader, (size_t)weights).data;
    layer->table = NULL;
    if (layer->activation == NOTCH_ACTIVATION_TABLE) {
        layer->table = (const int8_t *)notch_read_bytes(reader, NOTCH_NET8_TABLE).data;
    }
}

struct notch_reject notch_net8_decode(struct notch_net8 *out, struct notch_bytes bytes)
{
    *out = (struct notch_net8){0};
    if (bytes.len > NOTCH_MODEL_BYTES_MAX) {
        return NOTCH_REJECT(TOO_LARGE, "network: more than 2^30 bytes");
    }
    struct notch_reader reader = notch_reader(bytes);
    if (notch_read_u8(&reader) != NOTCH_NET8_VERSION) {
        return NOTCH_REJECT(VERSION, "network: unknown version");
    }
    out->input_unit = notch_read_uvar(&reader);
    out->output_unit = notch_read_uvar(&reader);
    out->width_count = (uint32_t)notch_read_uvar_max(&reader, NOTCH_MODEL_LAYERS_MAX);
    for (uint32_t i = 0; i < out->width_count; i++) {
        out->widths[i] = (uint32_t)notch_read_uvar_max(&reader, NOTCH_MODEL_WIDTH_MAX);
    }
    if (reader.failed) {
        return NOTCH_REJECT(MALFORMED, "network: its head is cut short or out of bounds");
    }
    struct notch_reject head = check_head(out);
    if (!notch_is_valid(head)) {
        return head;
    }
    for (uint32_t i = 0; i + 1 < out->width_count; i++) {
        struct notch_net8_layer *layer = &out->layers[i];
        layer->inputs = out->widths[i];
        layer->outputs = out->widths[i + 1];
        read_layer(&reader, layer);
        if (reader.failed) {
            return NOTCH_REJECT(MALFORMED, "network: a layer is cut short, or its activation unknown");
        }
        struct notch_reject reject = check_layer(layer, i + 2 == out->width_count);
        if (!notch_is_valid(reject)) {
            return reject;
        }
    }
    return notch_reader_done(&reader) ? NOTCH_VALID : NOTCH_REJECT(MALFORMED, "network: bytes behind its last layer");
}

void notch_net8_encode(struct notch_buf *out, const struct notch_net8 *network)
{
    struct notch_writer writer = notch_writer_grow(out);
    notch_assert(notch_is_valid(check_head(network)));
    notch_write_u8(&writer, NOTCH_NET8_VERSION);
    notch_write_uvar(&writer, network->input_unit);
    notch_write_uvar(&writer, network->output_unit);
    notch_write_uvar(&writer, network->width_count);
    for (uint32_t i = 0; i < network->width_count; i++) {
        notch_write_uvar(&writer, network->widths[i]);
    }
    for (uint32_t i = 0; i + 1 < network->width_count; i++) {
        const struct notch_net8_layer *layer = &network->layers[i];
        notch_assert(layer->inputs == network->widths[i] && layer->outputs == network->widths[i + 1]);
        notch_assert(notch_is_valid(check_layer(layer, i + 2 == network->width_count)));
        notch_write_u8(&writer, (uint8_t)layer->activation);
        notch_write_u32(&writer, layer->multiplier);
        notch_write_u8(&writer, (uint8_t)layer->shift);
        notch_write_bytes(&writer, layer->biases, 4 * (size_t)layer->outputs);
        notch_write_bytes(&writer, layer->weights, (size_t)layer->inputs * layer->outputs);
        if (layer->activation == NOTCH_ACTIVATION_TABLE) {
            notch_write_bytes(&writer, layer->table, NOTCH_NET8_TABLE);
        }
    }
    notch_assert(notch_writer_ok(&writer));
}

struct notch_reject notch_net8_matches(const struct notch_net8 *network, struct notch_bytes bytes,
                                       const struct notch_model *model)
{
    if (bytes.len != model->bytes) {
        return NOTCH_REJECT(BOUNDS, "network: another length than the model's");
    }
    if (network->width_count != model->layer_count ||
        memcmp(network->widths, model->layers, model->layer_count * sizeof model->layers[0]) != 0) {
        return NOTCH_REJECT(BOUNDS, "network: other widths than the model's");
    }
    struct notch_hash root;
    notch_model_root(&root, bytes);
    return notch_hash_eq(&root, &model->root) ? NOTCH_VALID
                                              : NOTCH_REJECT(ROOT, "network: another root than the model's");
}

/* ---- inference ---- */

int64_t notch_net8_scale(int32_t acc, uint32_t multiplier, uint32_t shift)
{
    uint64_t size = acc < 0 ? (uint64_t)(-(int64_t)acc) : (uint64_t)acc;
    uint64_t half = shift > 0 ? UINT64_C(1) << (shift - 1) : 0;
    int64_t scaled = (int64_t)((size * multiplier + half) >> shift);
    return acc < 0 ? -scaled : scaled;
}

static int16_t saturate(int64_t value, int16_t most)
{
    int64_t least = -(int64_t)most - 1;
    return (int16_t)(value > most ? most : value < least ? least : value);
}

static int32_t accumulate(const struct notch_net8_layer *layer, const int8_t *inputs, uint32_t output)
{
    const int8_t *weights = layer->weights + (size_t)output * layer->inputs;
    int32_t sum = 0;
    for (uint32_t i = 0; i < layer->inputs; i++) {
        sum += weights[i] * inputs[i];
    }
    return bias_at(layer->biases, output) + sum;
}

static void run_hidden(const struct notch_net8_layer *layer, int8_t *outputs, const int8_t *inputs)
{
    for (uint32_t i = 0; i < layer->outputs; i++) {
        int32_t acc = accumulate(layer, inputs, i);
        int16_t y = saturate(notch_net8_scale(acc, layer->multiplier, layer->shift), INT8_MAX);
        if (layer->activation == NOTCH_ACTIVATION_RELU && y < 0) {
            y = 0;
        } else if (layer->activation == NOTCH_ACTIVATION_TABLE) {
            y = layer->table[y + 128];
        }
        outputs[i] = (int8_t)y;
    }
}

/* exp(-distance / 256) in 1 / 65536. */
static uint64_t exp_of_minus(uint32_t distance)
{
    enum { LN2 = 45426, C1 = 88670, C2 = 23495, C3 = 22544 }; /* ln 2, 1.353, 0.3585, 0.344 */
    uint32_t wide = distance * 256;
    uint32_t halvings = wide / LN2;
    uint64_t t = C1 - wide % LN2;
    uint64_t value = (((t * t >> 16) * C2) >> 16) + C3;
    return halvings < 32 ? value >> halvings : 0;
}

static void softmax(int16_t *values, uint32_t count)
{
    int16_t greatest = values[0];
    for (uint32_t i = 1; i < count; i++) {
        greatest = values[i] > greatest ? values[i] : greatest;
    }
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += exp_of_minus((uint32_t)(greatest - values[i]));
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t share = exp_of_minus((uint32_t)(greatest - values[i])) * INT16_MAX;
        values[i] = (int16_t)((share + sum / 2) / sum);
    }
}

static void run_last(const struct notch_net8_layer *layer, int16_t *outputs, const int8_t *inputs, int8_t *narrow)
{
    if (!is_last_only(layer->activation)) {
        run_hidden(layer, narrow, inputs);
        for (uint32_t i = 0; i < layer->outputs; i++) {
            outputs[i] = narrow[i];
        }
        return;
    }
    for (uint32_t i = 0; i < layer->outputs; i++) {
        int32_t acc = accumulate(layer, inputs, i);
        outputs[i] = saturate(notch_net8_scale(acc, layer->multiplier, layer->shift), INT16_MAX);
    }
    if (layer->activation == NOTCH_ACTIVATION_SOFTMAX) {
        softmax(outputs, layer->outputs);
    }
}

static size_t widest(const struct notch_net8 *network)
{
    size_t most = 1;
    for (uint32_t i = 1; i < network->width_count; i++) {
        most = network->widths[i] > most ? network->widths[i] : most;
    }
    return most;
}

size_t notch_net8_scratch(const struct notch_net8 *network)
{
    return 2 * widest(network);
}

void notch_net8_run(const struct notch_net8 *network, int16_t *outputs, const int8_t *inputs, void *scratch)
{
    int8_t *next = scratch;
    int8_t *spare = next + widest(network);
    uint32_t layers = network->width_count - 1;
    for (uint32_t i = 0; i + 1 < layers; i++) {
        run_hidden(&network->layers[i], next, inputs);
        int8_t *done = next;
        next = spare;
        spare = done;
        inputs = done;
    }
    run_last(&network->layers[layers - 1], outputs, inputs, next);
}
