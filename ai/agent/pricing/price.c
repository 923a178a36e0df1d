#include "ai/agent/pricing/price.h"

#include "base/assert.h"

#include <math.h>

bool notch_price_bounds_ok(const struct notch_price_bounds *bounds)
{
    return bounds->min > 0 && bounds->min < bounds->max && isfinite(bounds->max);
}

float notch_price_action_within(float action)
{
    if (isnan(action)) {
        return 0;
    }
    return fminf(fmaxf(action, -1), 1);
}

static double between(double value, double least, double most)
{
    return fmin(fmax(value, least), most);
}

double notch_price_of_action(const struct notch_price_bounds *bounds, float action)
{
    notch_assert(notch_price_bounds_ok(bounds));
    double share = ((double)notch_price_action_within(action) + 1) / 2;
    if (share <= 0) {
        return bounds->min;
    }
    if (share >= 1) {
        return bounds->max;
    }
    return between(exp((1 - share) * log(bounds->min) + share * log(bounds->max)), bounds->min, bounds->max);
}

float notch_price_to_action(const struct notch_price_bounds *bounds, double price)
{
    notch_assert(notch_price_bounds_ok(bounds));
    if (!(price > bounds->min)) {
        return -1;
    }
    if (price >= bounds->max) {
        return 1;
    }
    double share = log(price / bounds->min) / log(bounds->max / bounds->min);
    return notch_price_action_within((float)(2 * share - 1));
}

/* Raw: from floating point into micro-units. */
struct notch_price notch_price_micro_of_action(struct notch_price min, struct notch_price max, float action)
{
    notch_assert(min.raw > 0 && min.raw < max.raw);
    struct notch_price_bounds bounds = {(double)min.raw, (double)max.raw};
    if (!(bounds.min < bounds.max)) {
        return min; /* so large and so close that they are one double */
    }
    double price = floor(notch_price_of_action(&bounds, action) + 0.5);
    if (!(price > bounds.min)) {
        return min;
    }
    /* Not more than the double of max, which may lie above max itself: compare before converting. */
    return price >= bounds.max ? max : (struct notch_price){(int64_t)price};
}

double notch_price_lambert_w_exp(double y)
{
    if (y < -40) {
        return exp(y); /* W(x) = x - x^2 + ... */
    }
    /* Newton on w + ln w = y, whose left side is smooth and rising. */
    double w = y > 1 ? y - log(y) : exp(y) / (1 + exp(y));
    for (int i = 0; i < 50; i++) {
        double next = w * (1 + y - log(w)) / (1 + w);
        next = next > 0 ? next : w / 2;
        if (fabs(next - w) <= 1e-15 * next) {
            return next;
        }
        w = next;
    }
    return w;
}

double notch_price_lambert_w(double x)
{
    return x > 0 ? notch_price_lambert_w_exp(log(x)) : 0;
}

double notch_price_linear_profit(double a, double b, double cost, double price)
{
    return (price - cost) * fmax(a - b * price, 0);
}

double notch_price_logit_share(double a, double b, double price)
{
    return 1 / (1 + exp(b * price - a));
}

double notch_price_linear_best(double a, double b, double cost)
{
    return (a / b + cost) / 2;
}

double notch_price_logit_best(double a, double b, double cost)
{
    return cost + (1 + notch_price_lambert_w_exp(a - b * cost - 1)) / b;
}
