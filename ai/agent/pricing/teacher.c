#include "ai/agent/pricing/teacher.h"

#include "ai/agent/pricing/floats.h"
#include "base/assert.h"

#include <math.h>

#define DRAWS_MAX 32
#define ELASTICITY 2.0 /* what is believed at first, give or take as much again */
#define LOG_ODDS_STD 2.0

void notch_teacher_init(struct notch_teacher *teacher, const struct notch_teacher_options *options)
{
    notch_assert(notch_price_bounds_ok(&options->bounds));
    *teacher = (struct notch_teacher){.options = *options};
    notch_rng_init(&teacher->rng, options->seed);
    /* The belief is of what sells at the middle price and of the slope there; a = level + b * middle. */
    bool linear = options->demand == NOTCH_TEACHER_LINEAR;
    double middle = sqrt(options->bounds.min * options->bounds.max);
    double level = linear ? options->usual_sales : 0;
    double level_std = linear ? options->usual_sales : LOG_ODDS_STD;
    double slope = ELASTICITY * (linear ? options->usual_sales : 1) / middle;
    teacher->b = slope;
    teacher->a = level + slope * middle;
    teacher->var_b = slope * slope;
    teacher->cov_ab = middle * teacher->var_b;
    teacher->var_a = level_std * level_std + middle * middle * teacher->var_b;
}

static double normal(struct notch_rng *rng)
{
    for (;;) {
        double x = (double)(notch_rng_u64(rng) >> 11) * 0x1p-52 - 1;
        double y = (double)(notch_rng_u64(rng) >> 11) * 0x1p-52 - 1;
        double square = x * x + y * y;
        if (square < 1 && square > 0) {
            return x * sqrt(-2 * log(square) / square);
        }
    }
}

static double best_price(const struct notch_teacher_options *options, double a, double b)
{
    double price = options->demand == NOTCH_TEACHER_LINEAR ? notch_price_linear_best(a, b, options->cost)
                                                           : notch_price_logit_best(a, b, options->cost);
    return fmin(fmax(price, options->bounds.min), options->bounds.max);
}

double notch_teacher_suggest(struct notch_teacher *teacher)
{
    double l11 = sqrt(fmax(teacher->var_b, 0));
    double l21 = l11 > 0 ? teacher->cov_ab / l11 : 0;
    double l22 = sqrt(fmax(teacher->var_a - l21 * l21, 0));
    double a = teacher->a;
    double b = teacher->b;
    for (int i = 0; i < DRAWS_MAX; i++) {
        double first = normal(&teacher->rng);
        b = teacher->b + l11 * first;
        a = teacher->a + l21 * first + l22 * normal(&teacher->rng);
        if (b > 0 && (teacher->options.demand == NOTCH_TEACHER_LOGIT || a > b * teacher->options.cost)) {
            return best_price(&teacher->options, a, b);
        }
    }
    /* A belief that nearly excludes falling demand: nothing speaks for a lower price. */
    return teacher->options.bounds.max;
}

/* How the mean is moved by one observation: along covariance * (1, -price), by the root of
 * k = sold - customers * share(a - b p + k * spread), whose right side falls. */
static double logit_step(const struct notch_teacher *teacher, double price, double sold, double spread)
{
    double odds = teacher->a - teacher->b * price;
    double low = sold - teacher->options.customers;
    double high = sold;
    for (int i = 0; i < 60; i++) {
        double k = (low + high) / 2;
        double share = 1 / (1 + exp(-(odds + k * spread)));
        if (k < sold - teacher->options.customers * share) {
            low = k;
        } else {
            high = k;
        }
    }
    return (low + high) / 2;
}

void notch_teacher_observe(struct notch_teacher *teacher, double price, double sold)
{
    notch_assert(isfinite(sold) && sold >= 0);
    const struct notch_teacher_options *options = &teacher->options;
    teacher->var_a += options->drift * options->drift;
    bool linear = options->demand == NOTCH_TEACHER_LINEAR;
    double expected = teacher->a - teacher->b * price;
    if (linear && sold <= 0 && expected <= 0) {
        return; /* nothing sells beyond the end of the line, however far beyond: nothing new */
    }
    /* covariance * (1, -price), and the variance of a - b * price */
    double along_a = teacher->var_a - price * teacher->cov_ab;
    double along_b = teacher->cov_ab - price * teacher->var_b;
    double spread = along_a - price * along_b;
    double step;
    double weight;
    if (linear) {
        weight = 1 / (options->noise * options->noise + spread);
        step = weight * (sold - expected);
    } else {
        step = logit_step(teacher, price, fmin(sold, options->customers), spread);
        double share = notch_price_logit_share(teacher->a + step * along_a, teacher->b + step * along_b, price);
        double precision = options->customers * share * (1 - share);
        weight = precision / (1 + precision * spread);
    }
    teacher->a += step * along_a;
    teacher->b += step * along_b;
    teacher->var_a = fmax(teacher->var_a - weight * along_a * along_a, 0);
    teacher->var_b = fmax(teacher->var_b - weight * along_b * along_b, 0);
    teacher->cov_ab -= weight * along_a * along_b;
}

double notch_teacher_profit(const struct notch_teacher *teacher, double price)
{
    const struct notch_teacher_options *options = &teacher->options;
    return options->demand == NOTCH_TEACHER_LINEAR
               ? notch_price_linear_profit(teacher->a, teacher->b, options->cost, price)
               : (price - options->cost) * options->customers * notch_price_logit_share(teacher->a, teacher->b, price);
}

void notch_teacher_write(const struct notch_teacher *teacher, struct notch_writer *writer)
{
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(teacher->rng.state); i++) {
        notch_write_u64(writer, teacher->rng.state[i]);
    }
    const double numbers[] = {teacher->a, teacher->b, teacher->var_a, teacher->cov_ab, teacher->var_b};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(numbers); i++) {
        notch_floats_write_double(writer, numbers[i]);
    }
}

void notch_teacher_read(struct notch_teacher *teacher, struct notch_reader *reader)
{
    uint64_t any = 0;
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(teacher->rng.state); i++) {
        teacher->rng.state[i] = notch_read_u64(reader);
        any |= teacher->rng.state[i];
    }
    double *const numbers[] = {&teacher->a, &teacher->b, &teacher->var_a, &teacher->cov_ab, &teacher->var_b};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(numbers); i++) {
        *numbers[i] = notch_floats_read_double(reader);
    }
    if (any == 0 || teacher->var_a < 0 || teacher->var_b < 0) {
        notch_reader_fail(reader);
    }
}
