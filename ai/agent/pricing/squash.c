#include "ai/agent/pricing/squash.h"

#include <math.h>

#define LN2 0.693147180559945309f
#define HALF_LN_2PI 0.918938533204672742f

void notch_squash_noise(float *out, size_t count, struct notch_rng *rng)
{
    /* Marsaglia's polar method: two at a time. */
    for (size_t i = 0; i < count;) {
        double x = (double)(notch_rng_u64(rng) >> 11) * 0x1p-52 - 1;
        double y = (double)(notch_rng_u64(rng) >> 11) * 0x1p-52 - 1;
        double square = x * x + y * y;
        if (square >= 1 || square <= 0) {
            continue;
        }
        double scale = sqrt(-2 * log(square) / square);
        out[i++] = (float)(x * scale);
        if (i < count) {
            out[i++] = (float)(y * scale);
        }
    }
}

static float clamp_log_std(float log_std)
{
    return fminf(fmaxf(log_std, NOTCH_SQUASH_LOG_STD_MIN), NOTCH_SQUASH_LOG_STD_MAX);
}

static float softplus(float x)
{
    return fmaxf(x, 0) + logf(1 + expf(-fabsf(x)));
}

void notch_squash_draw(float *actions, float *log_probs, const struct notch_squash *squash)
{
    uint32_t dims = squash->dims;
    for (uint32_t row = 0; row < squash->rows; row++) {
        const float *output = squash->outputs + (size_t)row * 2 * dims;
        const float *noise = squash->noise + (size_t)row * dims;
        float *action = actions + (size_t)row * dims;
        float log_prob = 0;
        for (uint32_t i = 0; i < dims; i++) {
            float log_std = clamp_log_std(output[dims + i]);
            float u = output[i] + expf(log_std) * noise[i];
            action[i] = tanhf(u);
            log_prob += -0.5f * noise[i] * noise[i] - log_std - HALF_LN_2PI;
            log_prob += 2 * (u + softplus(-2 * u) - LN2);
        }
        log_probs[row] = log_prob;
    }
}

void notch_squash_backward(float *d_outputs, const struct notch_squash *squash, const float *actions,
                           const float *d_value, uint32_t d_stride, float alpha, float weight)
{
    uint32_t dims = squash->dims;
    for (uint32_t row = 0; row < squash->rows; row++) {
        const float *output = squash->outputs + (size_t)row * 2 * dims;
        const float *noise = squash->noise + (size_t)row * dims;
        const float *action = actions + (size_t)row * dims;
        const float *slope = d_value + (size_t)row * d_stride;
        float *d_output = d_outputs + (size_t)row * 2 * dims;
        for (uint32_t i = 0; i < dims; i++) {
            float log_std = output[dims + i];
            float a = action[i];
            /* d(-ln(1 - tanh(u)^2))/du = 2 tanh(u), and da/du = 1 - a^2. */
            float d_u = alpha * 2 * a - slope[i] * (1 - a * a);
            d_output[i] = weight * d_u;
            /* At its bounds log_std no longer moves anything. */
            bool moves = log_std > NOTCH_SQUASH_LOG_STD_MIN && log_std < NOTCH_SQUASH_LOG_STD_MAX;
            d_output[dims + i] = moves ? weight * (d_u * expf(log_std) * noise[i] - alpha) : 0;
        }
    }
}

void notch_squash_mean(float *action, const float *output, uint32_t dims)
{
    for (uint32_t i = 0; i < dims; i++) {
        action[i] = tanhf(output[i]);
    }
}
