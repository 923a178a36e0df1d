#include "rpc/cli/float_net.h"

#include "base/assert.h"

#include <math.h>
#include <stdlib.h>

#define VALUE_MAX 1e6
#define WIDE_HEADROOM 1.25 /* of the 16 bits of a linear output: inputs outside of the calibration */

/* ---- reading ---- */

static enum notch_err fail(struct notch_float_net *net, enum notch_err err, const char *what)
{
    net->what = what;
    return err;
}

/* An array of exactly `count` numbers. */
static bool read_numbers(double *out, const json_t *array, size_t count)
{
    if (!json_is_array(array) || json_array_size(array) != count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(array, i);
        out[i] = json_number_value(value);
        if (!json_is_number(value) || !(fabs(out[i]) <= VALUE_MAX)) {
            return false;
        }
    }
    return true;
}

static bool read_activation(enum notch_float_activation *out, const json_t *json)
{
    static const char *const names[] = {"linear", "relu", "tanh", "sigmoid", "softmax"};
    const char *name = json_string_value(json);
    for (size_t i = 0; name != NULL && i < NOTCH_ARRAY_LEN(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum notch_float_activation)i;
            return true;
        }
    }
    return false;
}

static enum notch_err read_layer(struct notch_float_net *net, const json_t *json, uint32_t at, bool is_last)
{
    const json_t *weights = json_object_get(json, "weights");
    size_t outputs = json_array_size(weights);
    size_t inputs = json_array_size(json_array_get(weights, 0));
    if (outputs == 0 || outputs > NOTCH_MODEL_WIDTH_MAX || inputs == 0 || inputs > NOTCH_MODEL_WIDTH_MAX) {
        return fail(net, NOTCH_ERR_INVALID, "\"weights\" of a layer: expected 1 to 65536 rows of as many numbers");
    }
    if (at > 0 && inputs != net->widths[at]) {
        return fail(net, NOTCH_ERR_INVALID,
                    "\"weights\" of a layer: its rows are not as long as the layer before is wide");
    }
    net->widths[at] = (uint32_t)inputs;
    net->widths[at + 1] = (uint32_t)outputs;
    net->width_count = at + 2;
    net->weights[at] = notch_alloc_array(net->alloc, inputs * outputs, sizeof(double));
    net->biases[at] = notch_alloc_array(net->alloc, outputs, sizeof(double));
    for (size_t row = 0; row < outputs; row++) {
        if (!read_numbers(net->weights[at] + row * inputs, json_array_get(weights, row), inputs)) {
            return fail(net, NOTCH_ERR_INVALID, "\"weights\" of a layer: expected rows of numbers, of one length");
        }
    }
    if (!read_numbers(net->biases[at], json_object_get(json, "bias"), outputs)) {
        return fail(net, NOTCH_ERR_INVALID, "\"bias\" of a layer: expected a number for each row of its weights");
    }
    if (!read_activation(&net->activations[at], json_object_get(json, "activation"))) {
        return fail(net, NOTCH_ERR_INVALID, "\"activation\": expected linear, relu, tanh, sigmoid or softmax");
    }
    if (net->activations[at] == NOTCH_FLOAT_SOFTMAX && !is_last) {
        return fail(net, NOTCH_ERR_INVALID, "\"activation\": softmax stands in the last layer only");
    }
    return NOTCH_OK;
}

enum notch_err notch_float_net_read(struct notch_float_net *out, const json_t *json, const struct notch_alloc *alloc)
{
    *out = (struct notch_float_net){.alloc = alloc};
    const json_t *layers = json_object_get(json, "layers");
    const json_t *samples = json_object_get(json, "calibration");
    size_t count = json_array_size(layers);
    if (count == 0 || count > NOTCH_NET8_LAYERS_MAX) {
        return fail(out, NOTCH_ERR_INVALID, "\"layers\": expected 1 to 15 of them");
    }
    for (uint32_t i = 0; i < count; i++) {
        enum notch_err err = read_layer(out, json_array_get(layers, i), i, i + 1 == count);
        if (err != NOTCH_OK) {
            return err;
        }
    }
    size_t sample_count = json_array_size(samples);
    if (sample_count == 0 || sample_count > NOTCH_FLOAT_NET_SAMPLES_MAX) {
        return fail(out, NOTCH_ERR_INVALID, "\"calibration\": expected 1 to 100000 inputs");
    }
    out->sample_count = (uint32_t)sample_count;
    out->samples = notch_alloc_array(alloc, sample_count * out->widths[0], sizeof(double));
    for (size_t i = 0; i < sample_count; i++) {
        if (!read_numbers(out->samples + i * out->widths[0], json_array_get(samples, i), out->widths[0])) {
            return fail(out, NOTCH_ERR_INVALID, "\"calibration\": an input is not as long as the first layer's rows");
        }
    }
    return NOTCH_OK;
}

void notch_float_net_fini(struct notch_float_net *net)
{
    for (uint32_t i = 0; i + 1 < net->width_count; i++) {
        size_t weights = (size_t)net->widths[i] * net->widths[i + 1];
        notch_free(net->alloc, net->weights[i], weights * sizeof(double));
        notch_free(net->alloc, net->biases[i], net->widths[i + 1] * sizeof(double));
    }
    notch_free(net->alloc, net->samples, (size_t)net->sample_count * net->widths[0] * sizeof(double));
    net->width_count = 0;
    net->sample_count = 0;
    net->samples = NULL;
}

/* ---- running ---- */

static double activate(enum notch_float_activation activation, double value)
{
    switch (activation) {
    case NOTCH_FLOAT_RELU:
        return value > 0 ? value : 0;
    case NOTCH_FLOAT_TANH:
        return tanh(value);
    case NOTCH_FLOAT_SIGMOID:
        return 1 / (1 + exp(-value));
    case NOTCH_FLOAT_LINEAR:
    case NOTCH_FLOAT_SOFTMAX:
        break;
    }
    return value;
}

static void soften(double *values, uint32_t count)
{
    double greatest = values[0];
    double sum = 0;
    for (uint32_t i = 1; i < count; i++) {
        greatest = fmax(greatest, values[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        values[i] = exp(values[i] - greatest);
        sum += values[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        values[i] /= sum;
    }
}

/* What the calibration says of each layer: the greatest sums and outputs, and each input summed over the samples. */
struct ranges {
    double before[NOTCH_NET8_LAYERS_MAX];
    double after[NOTCH_NET8_LAYERS_MAX];
    double *inputs[NOTCH_NET8_LAYERS_MAX];
};

/* values: two rows of NOTCH_MODEL_WIDTH_MAX; the outputs are in the row that is returned. ranges may be NULL. */
static double *run(const struct notch_float_net *net, const double *sample, double *values, struct ranges *ranges)
{
    double *now = values;
    double *next = values + NOTCH_MODEL_WIDTH_MAX;
    memcpy(now, sample, net->widths[0] * sizeof *now);
    for (uint32_t l = 0; l + 1 < net->width_count; l++) {
        for (uint32_t i = 0; ranges != NULL && i < net->widths[l]; i++) {
            ranges->inputs[l][i] += now[i];
        }
        for (uint32_t o = 0; o < net->widths[l + 1]; o++) {
            const double *row = net->weights[l] + (size_t)o * net->widths[l];
            double sum = net->biases[l][o];
            for (uint32_t i = 0; i < net->widths[l]; i++) {
                sum += row[i] * now[i];
            }
            next[o] = activate(net->activations[l], sum);
            if (ranges != NULL) {
                ranges->before[l] = fmax(ranges->before[l], fabs(sum));
                ranges->after[l] = fmax(ranges->after[l], fabs(next[o]));
            }
        }
        if (net->activations[l] == NOTCH_FLOAT_SOFTMAX) {
            soften(next, net->widths[l + 1]);
        }
        double *done = next;
        next = now;
        now = done;
    }
    return now;
}

/* ---- making ---- */

static double greatest_of(const double *values, size_t count)
{
    double greatest = 0;
    for (size_t i = 0; i < count; i++) {
        greatest = fmax(greatest, fabs(values[i]));
    }
    return greatest;
}

/* A scale that the bytes can say: in billionths. */
static double unit_of(uint64_t *unit, double scale)
{
    double billionths = ceil(scale * (double)NOTCH_NET8_UNIT_ONE);
    *unit = billionths < 1 ? 1 : (uint64_t)fmin(billionths, (double)NOTCH_NET8_UNIT_MAX);
    return (double)*unit / (double)NOTCH_NET8_UNIT_ONE;
}

static double some(double scale)
{
    return scale > 0 ? scale : 1;
}

static void make_table(int8_t *table, enum notch_float_activation activation, double scale)
{
    for (int y = -128; y < 128; y++) {
        table[y + 128] = (int8_t)lround(127 * activate(activation, y * scale));
    }
}

/* What a step of the sum stands for before the activation, and of the output behind it. */
static enum notch_activation choose(double *before, double *after, const struct notch_float_net *net, uint32_t at,
                                    const struct ranges *ranges)
{
    bool is_last = at + 2 == net->width_count;
    switch (net->activations[at]) {
    case NOTCH_FLOAT_TANH:
    case NOTCH_FLOAT_SIGMOID:
        *before = some(fmin(ranges->before[at], net->activations[at] == NOTCH_FLOAT_TANH ? 4 : 8)) / 127;
        *after = 1.0 / 127;
        return NOTCH_ACTIVATION_TABLE;
    case NOTCH_FLOAT_SOFTMAX:
        *before = 1.0 / 256;
        *after = 1.0 / INT16_MAX;
        return NOTCH_ACTIVATION_SOFTMAX;
    case NOTCH_FLOAT_LINEAR:
        *before = is_last ? WIDE_HEADROOM * some(ranges->after[at]) / INT16_MAX : some(ranges->after[at]) / 127;
        *after = *before;
        return is_last ? NOTCH_ACTIVATION_WIDE : NOTCH_ACTIVATION_LINEAR;
    case NOTCH_FLOAT_RELU:
        *before = some(ranges->after[at]) / (is_last ? 127 : 255);
        *after = *before;
        return is_last ? NOTCH_ACTIVATION_RELU : NOTCH_ACTIVATION_LINEAR;
    }
    notch_unreachable();
    return NOTCH_ACTIVATION_LINEAR;
}

/* multiplier / 2^shift = scale, as near as 31 bits come. */
static bool set_scale(struct notch_net8_layer *layer, double scale)
{
    int exponent;
    double fraction = frexp(scale, &exponent);
    int64_t multiplier = llround(ldexp(fraction, 31));
    if (multiplier > NOTCH_NET8_MULTIPLIER_MAX) {
        multiplier = NOTCH_NET8_MULTIPLIER_MIN;
        exponent++;
    }
    int shift = 31 - exponent;
    if (!(scale > 0) || shift < 0 || shift > NOTCH_NET8_SHIFT_MAX) {
        return false;
    }
    layer->multiplier = (uint32_t)multiplier;
    layer->shift = (uint32_t)shift;
    return true;
}

/* Where the parts of a layer are while the network is put together. */
struct parts {
    struct notch_buf bytes[NOTCH_NET8_LAYERS_MAX];
    int8_t tables[NOTCH_NET8_LAYERS_MAX][NOTCH_NET8_TABLE];
    double scale;  /* of a step of what comes into the next layer */
    double offset; /* what has to be added to each of its inputs, in steps */
};

/*
 * The bias of one output, in steps of its sum. Beside its own it holds: the offset of the inputs; the mean of what the
 * rounding of the weights takes away, over the calibration; and, for a hidden relu, 128 steps less, so that the cut at
 * -128 is the relu and all of the eight bits are used.
 */
static double bias_of(const struct notch_float_net *net, const struct ranges *ranges, const struct parts *parts,
                      uint32_t at, uint32_t output, double step, double lowered)
{
    const double *row = net->weights[at] + (size_t)output * net->widths[at];
    double bias = net->biases[at][output] - lowered;
    double weights = 0;
    for (uint32_t i = 0; i < net->widths[at]; i++) {
        double rounded = round(row[i] / step);
        weights += rounded;
        bias += (row[i] - rounded * step) * ranges->inputs[at][i] / net->sample_count;
    }
    return round(bias / (parts->scale * step) + parts->offset * weights);
}

static enum notch_err make_layer(struct notch_float_net *net, struct notch_net8 *made, struct parts *parts, uint32_t at,
                                 const struct ranges *ranges)
{
    struct notch_net8_layer *layer = &made->layers[at];
    bool is_last = at + 2 == net->width_count;
    bool is_lowered = net->activations[at] == NOTCH_FLOAT_RELU && !is_last;
    double before;
    double after;
    layer->inputs = net->widths[at];
    layer->outputs = net->widths[at + 1];
    layer->activation = choose(&before, &after, net, at, ranges);
    if (is_last) {
        double exact = unit_of(&made->output_unit, after);
        before = layer->activation == NOTCH_ACTIVATION_WIDE ? exact : before;
    }
    size_t weights = (size_t)layer->inputs * layer->outputs;
    double step = some(greatest_of(net->weights[at], weights)) / 127;
    if (!set_scale(layer, parts->scale * step / before)) {
        return fail(net, NOTCH_ERR_RANGE, "a layer: its weights and inputs are too far apart for 31 bits");
    }
    struct notch_writer writer = notch_writer_grow(&parts->bytes[at]);
    for (uint32_t o = 0; o < layer->outputs; o++) {
        double bias = bias_of(net, ranges, parts, at, o, step, is_lowered ? 128 * before : 0);
        if (!(fabs(bias) <= NOTCH_NET8_BIAS_MAX)) {
            return fail(net, NOTCH_ERR_RANGE, "\"bias\" of a layer: too large beside its weights");
        }
        notch_write_u32(&writer, (uint32_t)(int32_t)bias);
    }
    for (size_t i = 0; i < weights; i++) {
        notch_write_u8(&writer, (uint8_t)(int8_t)lround(net->weights[at][i] / step));
    }
    make_table(parts->tables[at], net->activations[at], before);
    layer->biases = parts->bytes[at].data;
    layer->weights = (const int8_t *)parts->bytes[at].data + 4 * (size_t)layer->outputs;
    layer->table = parts->tables[at];
    parts->scale = after;
    parts->offset = is_lowered ? 128 : 0;
    return NOTCH_OK;
}

/*
 * Evens out the channels of a hidden relu: relu(x / s) * s = relu(x), so a row of weights may be made smaller and the
 * column behind it larger. The network computes the same, and one scale for each layer loses less (Nagel et al., 2019).
 */
static void even_out(struct notch_float_net *net, uint32_t at)
{
    uint32_t inputs = net->widths[at];
    uint32_t outputs = net->widths[at + 2];
    for (uint32_t channel = 0; channel < net->widths[at + 1]; channel++) {
        double *row = net->weights[at] + (size_t)channel * inputs;
        double *column = net->weights[at + 1] + channel;
        double before = greatest_of(row, inputs);
        double behind = 0;
        for (uint32_t o = 0; o < outputs; o++) {
            behind = fmax(behind, fabs(column[(size_t)o * net->widths[at + 1]]));
        }
        if (before > 0 && behind > 0) {
            double s = sqrt(before / behind);
            for (uint32_t i = 0; i < inputs; i++) {
                row[i] /= s;
            }
            net->biases[at][channel] /= s;
            for (uint32_t o = 0; o < outputs; o++) {
                column[(size_t)o * net->widths[at + 1]] *= s;
            }
        }
    }
}

/* Runs the calibration. The sums of inputs lie one behind the other in `inputs`. */
static void measure(struct ranges *ranges, const struct notch_float_net *net, double *inputs)
{
    size_t room = 2 * NOTCH_MODEL_WIDTH_MAX * sizeof(double);
    double *values = notch_alloc(net->alloc, room);
    *ranges = (struct ranges){{0}, {0}, {NULL}};
    for (uint32_t i = 0; i + 1 < net->width_count; i++) {
        ranges->inputs[i] = inputs;
        inputs += net->widths[i];
    }
    for (uint32_t i = 0; i < net->sample_count; i++) {
        (void)run(net, net->samples + (size_t)i * net->widths[0], values, ranges);
    }
    notch_free(net->alloc, values, room);
}

enum notch_err notch_float_net_quantise(struct notch_float_net *net, struct notch_buf *out)
{
    struct ranges ranges;
    struct notch_net8 made = {.width_count = net->width_count};
    struct parts *parts = notch_alloc(net->alloc, sizeof *parts);
    size_t sums = 0;
    for (uint32_t i = 0; i + 1 < net->width_count; i++) {
        sums += net->widths[i];
    }
    double *inputs = notch_alloc_array(net->alloc, sums, sizeof *inputs);
    memcpy(made.widths, net->widths, sizeof made.widths);
    for (uint32_t i = 0; i + 2 < net->width_count; i++) {
        if (net->activations[i] == NOTCH_FLOAT_RELU) {
            even_out(net, i);
        }
    }
    measure(&ranges, net, inputs);
    double greatest = greatest_of(net->samples, (size_t)net->sample_count * net->widths[0]);
    parts->scale = unit_of(&made.input_unit, some(greatest) / 127);
    enum notch_err err = NOTCH_OK;
    for (uint32_t i = 0; i + 1 < net->width_count; i++) {
        notch_buf_init(&parts->bytes[i], net->alloc);
        err = err == NOTCH_OK ? make_layer(net, &made, parts, i, &ranges) : err;
    }
    if (err == NOTCH_OK) {
        notch_net8_encode(out, &made);
    }
    for (uint32_t i = 0; i + 1 < net->width_count; i++) {
        notch_buf_fini(&parts->bytes[i]);
    }
    notch_free(net->alloc, inputs, sums * sizeof *inputs);
    notch_free(net->alloc, parts, sizeof *parts);
    return err;
}

/* ---- comparing ---- */

int8_t notch_float_net_input(double value, uint64_t input_unit)
{
    double steps = round(value * (double)NOTCH_NET8_UNIT_ONE / (double)input_unit);
    return (int8_t)fmax(-128, fmin(127, steps));
}

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

void notch_float_net_compare(struct notch_float_net_error *out, const struct notch_float_net *net,
                             const struct notch_net8 *made)
{
    uint32_t outputs = net->widths[net->width_count - 1];
    size_t count = (size_t)net->sample_count * outputs;
    size_t room = 2 * NOTCH_MODEL_WIDTH_MAX * sizeof(double);
    size_t scratch = notch_net8_scratch(made);
    double *values = notch_alloc(net->alloc, room);
    double *errors = notch_alloc_array(net->alloc, count, sizeof *errors);
    int8_t *inputs = notch_alloc(net->alloc, net->widths[0]);
    int16_t *results = notch_alloc_array(net->alloc, outputs, sizeof *results);
    void *work = notch_alloc(net->alloc, scratch);
    double least = INFINITY;
    double most = -INFINITY;
    double sum = 0;
    for (uint32_t s = 0; s < net->sample_count; s++) {
        const double *sample = net->samples + (size_t)s * net->widths[0];
        const double *exact = run(net, sample, values, NULL);
        for (uint32_t i = 0; i < net->widths[0]; i++) {
            inputs[i] = notch_float_net_input(sample[i], made->input_unit);
        }
        notch_net8_run(made, results, inputs, work);
        for (uint32_t o = 0; o < outputs; o++) {
            double value = results[o] * ((double)made->output_unit / (double)NOTCH_NET8_UNIT_ONE);
            errors[(size_t)s * outputs + o] = fabs(value - exact[o]);
            sum += fabs(value - exact[o]);
            least = fmin(least, exact[o]);
            most = fmax(most, exact[o]);
        }
    }
    qsort(errors, count, sizeof *errors, compare_doubles);
    *out = (struct notch_float_net_error){.span = most - least,
                                          .mean = sum / (double)count,
                                          .p99 = errors[(count * 99 - 1) / 100],
                                          .max = errors[count - 1]};
    notch_free(net->alloc, work, scratch);
    notch_free(net->alloc, results, outputs * sizeof *results);
    notch_free(net->alloc, inputs, net->widths[0]);
    notch_free(net->alloc, errors, count * sizeof *errors);
    notch_free(net->alloc, values, room);
}
