#include "ai/agent/pricing/adam.h"

#include <math.h>

#define BETA1 0.9f
#define BETA2 0.999f
#define EPSILON 1e-8f

void notch_adam_init(struct notch_adam *adam, const struct notch_alloc *alloc, size_t count, float rate)
{
    *adam = (struct notch_adam){.alloc = alloc, .count = count, .rate = rate};
    adam->mean = notch_alloc_array(alloc, count, sizeof *adam->mean);
    adam->variance = notch_alloc_array(alloc, count, sizeof *adam->variance);
}

void notch_adam_fini(struct notch_adam *adam)
{
    notch_free(adam->alloc, adam->mean, adam->count * sizeof *adam->mean);
    notch_free(adam->alloc, adam->variance, adam->count * sizeof *adam->variance);
}

static void move(float *restrict params, float *restrict mean, float *restrict variance, const float *restrict grads,
                 size_t count, float rate)
{
    for (size_t i = 0; i < count; i++) {
        float grad = grads[i];
        float first = BETA1 * mean[i] + (1 - BETA1) * grad;
        float second = BETA2 * variance[i] + (1 - BETA2) * (grad * grad);
        mean[i] = first;
        variance[i] = second;
        params[i] -= rate * first / (sqrtf(second) + EPSILON);
    }
}

void notch_adam_step(struct notch_adam *adam, float *params, const float *grads)
{
    adam->steps++;
    double first = 1 - pow((double)BETA1, (double)adam->steps);
    double second = 1 - pow((double)BETA2, (double)adam->steps);
    move(params, adam->mean, adam->variance, grads, adam->count, (float)((double)adam->rate * sqrt(second) / first));
}

void notch_adam_follow(float *restrict target, const float *restrict params, size_t count, float share)
{
    for (size_t i = 0; i < count; i++) {
        target[i] += share * (params[i] - target[i]);
    }
}
