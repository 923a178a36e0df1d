#include "ai/agent/pricing/context.h"

#include <math.h>

#define PI 3.14159265358979323846

/* Twice as old is half as telling: the network's insights fade over days, not over hours. */
#define AGE_SCALE_DAYS 7.0

static float feature(double value)
{
    if (isnan(value)) {
        return 0;
    }
    return (float)fmin(fmax(value, -(double)NOTCH_CONTEXT_LIMIT), (double)NOTCH_CONTEXT_LIMIT);
}

void notch_context_observe(const struct notch_context *context, float obs[NOTCH_CONTEXT_FEATURES])
{
    const struct notch_context_insight *insight = &context->insight;
    double own_middle = sqrt(context->bounds.min * context->bounds.max);
    double half_width = log(context->bounds.max / context->bounds.min) / 2;
    double middle = context->has_insight ? sqrt(insight->low * insight->high) : own_middle;
    obs[0] = context->last_price > 0 ? feature(log(context->last_price / middle)) : 0;
    obs[1] = feature(context->last_demand);
    obs[2] = feature(sin(2 * PI * context->season));
    obs[3] = feature(cos(2 * PI * context->season));
    for (int i = 4; i < NOTCH_CONTEXT_FEATURES; i++) {
        obs[i] = 0;
    }
    if (!context->has_insight) {
        return;
    }
    obs[4] = feature(log(middle / own_middle) / half_width);
    obs[5] = feature(log(insight->high / insight->low) / half_width);
    obs[6] = feature(10 * insight->trend);
    obs[7] = feature(10 * insight->volatility);
    obs[8] = feature(insight->confidence);
    obs[9] = feature(log(1 + fmax(insight->age_days, 0) / AGE_SCALE_DAYS));
}
