#include "ai/agent/pricing/mlp.h"

#include "base/assert.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

struct notch_mlp_shape notch_mlp_shape(uint32_t inputs, uint32_t hidden, uint32_t outputs)
{
    return (struct notch_mlp_shape){.layers = 3, .width = {inputs, hidden, hidden, outputs}};
}

bool notch_mlp_shape_ok(const struct notch_mlp_shape *shape)
{
    if (shape->layers < 1 || shape->layers > NOTCH_MLP_LAYERS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i <= shape->layers; i++) {
        if (shape->width[i] < 1 || shape->width[i] > NOTCH_MLP_WIDTH_MAX) {
            return false;
        }
    }
    return true;
}

static size_t weight_count(const struct notch_mlp_shape *shape, uint32_t layer)
{
    return (size_t)shape->width[layer] * shape->width[layer + 1];
}

/* Where the parameters of a layer begin. */
static size_t param_offset(const struct notch_mlp_shape *shape, uint32_t layer)
{
    size_t offset = 0;
    for (uint32_t i = 0; i < layer; i++) {
        offset += weight_count(shape, i) + shape->width[i + 1];
    }
    return offset;
}

static size_t activation_offset(const struct notch_mlp_shape *shape, uint32_t layer, uint32_t rows)
{
    size_t offset = 0;
    for (uint32_t i = 0; i < layer; i++) {
        offset += (size_t)shape->width[i + 1] * rows;
    }
    return offset;
}

size_t notch_mlp_param_count(const struct notch_mlp_shape *shape)
{
    return param_offset(shape, shape->layers);
}

size_t notch_mlp_activation_count(const struct notch_mlp_shape *shape, uint32_t rows)
{
    return activation_offset(shape, shape->layers, rows);
}

static uint32_t widest_hidden(const struct notch_mlp_shape *shape)
{
    uint32_t widest = 1;
    for (uint32_t i = 1; i < shape->layers; i++) {
        widest = shape->width[i] > widest ? shape->width[i] : widest;
    }
    return widest;
}

size_t notch_mlp_scratch_count(const struct notch_mlp_shape *shape, uint32_t rows)
{
    return (size_t)2 * widest_hidden(shape) * rows;
}

void notch_mlp_init(const struct notch_mlp_shape *shape, float *params, struct notch_rng *rng)
{
    for (uint32_t layer = 0; layer < shape->layers; layer++) {
        size_t count = weight_count(shape, layer) + shape->width[layer + 1];
        double bound = 1 / sqrt((double)shape->width[layer]);
        for (size_t i = 0; i < count; i++) {
            double unit = (double)(notch_rng_u64(rng) >> 11) * 0x1p-53;
            *params++ = (float)((2 * unit - 1) * bound);
        }
    }
}

static void relu(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        values[i] = values[i] > 0 ? values[i] : 0;
    }
}

/* The bias goes first, and the product is added to it: a product onto nothing would fill its place with zeros. */
static void forward_layer(float *out, const float *in, const float *weights, const struct notch_mlp_shape *shape,
                          uint32_t layer, uint32_t rows)
{
    int inputs = (int)shape->width[layer];
    int outputs = (int)shape->width[layer + 1];
    const float *bias = weights + weight_count(shape, layer);
    for (size_t row = 0; row < rows; row++) {
        memcpy(out + row * (size_t)outputs, bias, (size_t)outputs * sizeof *out);
    }
    if (rows == 1) {
        cblas_sgemv(CblasRowMajor, CblasTrans, inputs, outputs, 1, weights, outputs, in, 1, 1, out, 1);
    } else {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, outputs, inputs, 1, in, inputs, weights,
                    outputs, 1, out, outputs);
    }
    if (layer + 1 < shape->layers) {
        relu(out, (size_t)rows * (size_t)outputs);
    }
}

const float *notch_mlp_forward(const struct notch_mlp_shape *shape, const struct notch_mlp_batch *batch)
{
    notch_assert(batch->rows >= 1 && batch->rows <= NOTCH_MLP_ROWS_MAX);
    const float *weights = batch->params;
    const float *in = batch->input;
    float *out = batch->activations;
    for (uint32_t layer = 0; layer < shape->layers; layer++) {
        forward_layer(out, in, weights, shape, layer, batch->rows);
        weights += weight_count(shape, layer) + shape->width[layer + 1];
        in = out;
        out += (size_t)shape->width[layer + 1] * batch->rows;
    }
    return in;
}

void notch_mlp_keep_rows(const struct notch_mlp_shape *shape, const struct notch_mlp_batch *batch, const uint32_t *rows,
                         uint32_t count)
{
    /* In place: nothing is moved to behind where it was. */
    float *to = batch->activations;
    for (uint32_t layer = 0; layer + 1 < shape->layers; layer++) {
        size_t width = shape->width[layer + 1];
        const float *from = batch->activations + activation_offset(shape, layer, batch->rows);
        for (uint32_t i = 0; i < count; i++) {
            memmove(to, from + rows[i] * width, width * sizeof *to);
            to += width;
        }
    }
}

static void sum_columns(float *restrict out, const float *restrict values, size_t rows, size_t width)
{
    memset(out, 0, width * sizeof *out);
    for (size_t row = 0; row < rows; row++, values += width) {
        for (size_t i = 0; i < width; i++) {
            out[i] += values[i];
        }
    }
}

/* Lets a gradient through where the ReLU let the value through. */
static void mask_relu(float *restrict gradient, const float *restrict activation, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        gradient[i] = activation[i] > 0 ? gradient[i] : 0;
    }
}

void notch_mlp_backward(const struct notch_mlp_shape *shape, float *grads, float *d_input,
                        const struct notch_mlp_batch *batch, const float *d_output)
{
    int rows = (int)batch->rows;
    float *halves[2] = {batch->scratch, batch->scratch + (size_t)widest_hidden(shape) * batch->rows};
    const float *delta = d_output;
    for (uint32_t layer = shape->layers; layer-- > 0;) {
        int inputs = (int)shape->width[layer];
        int outputs = (int)shape->width[layer + 1];
        const float *weights = batch->params + param_offset(shape, layer);
        const float *in =
            layer == 0 ? batch->input : batch->activations + activation_offset(shape, layer - 1, batch->rows);
        if (grads != NULL) {
            float *d_weights = grads + param_offset(shape, layer);
            cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, inputs, outputs, rows, 1, in, inputs, delta, outputs,
                        0, d_weights, outputs);
            sum_columns(d_weights + weight_count(shape, layer), delta, batch->rows, (size_t)outputs);
        }
        float *before = layer > 0 ? halves[layer % 2] : d_input;
        if (before == NULL) {
            return;
        }
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, inputs, outputs, 1, delta, outputs, weights, outputs,
                    0, before, inputs);
        if (layer > 0) {
            mask_relu(before, in, (size_t)inputs * batch->rows);
        }
        delta = before;
    }
}
