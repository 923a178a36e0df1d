/*
 * ai/agent/pricing/teacher.h: Thompson sampling over two numbers of a demand curve: how to price before enough was
 * seen to learn from.
 *
 * Demand is a - b p with noise (linear), or binomial of so many customers with ln(odds) = a - b p (logit). What is
 * believed of (a, b) is a Gaussian; a sale updates it exactly (linear) or by the most probable point of this one
 * observation (logit). A suggestion draws (a, b) from the belief and asks for the price that is best for the draw,
 * within the bounds. Where demand drifts, the belief widens a little each period.
 *
 * Invariants   The covariance is positive semidefinite; a suggestion lies within the bounds.
 * Ownership    A value.
 * Thread       One at a time.
 */
#ifndef NOTCH_AI_AGENT_PRICING_TEACHER_H
#define NOTCH_AI_AGENT_PRICING_TEACHER_H

#include "ai/agent/pricing/price.h"
#include "base/codec.h"
#include "base/rng.h"

enum notch_teacher_demand { NOTCH_TEACHER_LINEAR, NOTCH_TEACHER_LOGIT };

struct notch_teacher_options {
    enum notch_teacher_demand demand;
    struct notch_price_bounds bounds;
    double cost;
    double usual_sales; /* linear: a period's, at a middling price; > 0 */
    double noise;       /* linear: standard deviation of a period's sales; > 0 */
    double customers;   /* logit: who come in a period; > 0 */
    double drift;       /* standard deviation that a gains each period; 0: none */
    uint64_t seed;
};

struct notch_teacher {
    struct notch_teacher_options options;
    struct notch_rng rng;
    double a, b;                 /* mean */
    double var_a, cov_ab, var_b; /* covariance */
};

/* Begins with a wide belief. */
void notch_teacher_init(struct notch_teacher *teacher, const struct notch_teacher_options *options);

double notch_teacher_suggest(struct notch_teacher *teacher);

/* What a period at `price` sold; finite, not negative. */
void notch_teacher_observe(struct notch_teacher *teacher, double price, double sold);

/* What the belief's mean expects a period at `price` to bring. */
double notch_teacher_profit(const struct notch_teacher *teacher, double price);

/* The belief and the generator; read() into a teacher that was init()ed with the same options. */
void notch_teacher_write(const struct notch_teacher *teacher, struct notch_writer *writer);
void notch_teacher_read(struct notch_teacher *teacher, struct notch_reader *reader);

#endif
