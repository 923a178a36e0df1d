/*
 * ai/agent/env/env.h: worlds to learn in, with a known answer where there is one.
 *
 *   pendulum    Pendulum-v1 of Gymnasium: to compare with published results
 *   linear      a price each period; demand a - b p with noise; the optimum is (a / b + c) / 2
 *   logit       demand of m customers, each buys with probability 1 / (1 + exp(b p - a)); the optimum is
 *               c + (1 + W(exp(a - b c - 1))) / b
 *   drift       logit, where a wanders and has a season
 *   duopoly     Calvano et al. 2020: two goods, logit (a 2, mu 1/4, c 1); the rival answers our last price best
 *   inventory   a stock that expires: logit customers, what is left at the end is lost;
 *               its optimum comes from dynamic programming
 *
 * Every action is in [-1, 1]. A price is exp of what lies between the logarithms of the seller's bounds, and never
 * outside of them (ai/agent/pricing/price.h). A world's parameters are drawn from its seed; the same seed gives the
 * same world and, under the same actions, the same course.
 *
 * Ownership    A value: copy it freely. Kinds are constants.
 * Units        Prices in whole currency, as double. Regret in one-period optima: 0 at the best price that is known.
 * Thread       Any; one at a time per value.
 * Source       design: ai.md section B.
 */
#ifndef NOTCH_AI_AGENT_ENV_ENV_H
#define NOTCH_AI_AGENT_ENV_ENV_H

#include "ai/agent/pricing/price.h"
#include "base/codec.h"
#include "base/rng.h"

#define NOTCH_ENV_STATE_MAX 24
#define NOTCH_ENV_OBS_MAX 16
#define NOTCH_ENV_ACTIONS_MAX 2

/* Demand that a teacher knows the form of (ai/agent/pricing/teacher.h). */
enum notch_env_demand { NOTCH_ENV_OTHER, NOTCH_ENV_LINEAR, NOTCH_ENV_LOGIT, NOTCH_ENV_LOGIT_DRIFTING };

/* In these: the cost of a unit, who come in a period, what sells at the best price of a linear one and its noise. */
#define NOTCH_ENV_COST 1.0
#define NOTCH_ENV_CUSTOMERS 20
#define NOTCH_ENV_LINEAR_SALES 10.0
#define NOTCH_ENV_LINEAR_NOISE 1.0

struct notch_env_kind;

struct notch_env {
    const struct notch_env_kind *kind;
    struct notch_rng rng;
    uint32_t step; /* in this episode */
    struct notch_price_bounds bounds;
    double x[NOTCH_ENV_STATE_MAX]; /* of the kind; finite */
};

struct notch_env_result {
    float reward;
    bool terminated; /* the episode ended, nothing lies beyond */
    bool truncated;  /* the episode was cut here */
    double price;    /* asked; 0 in a world without prices */
    double demand;   /* met */
    double regret;   /* of this period, expected, in one-period optima; 0 where no optimum is known */
};

struct notch_env_kind {
    const char *name;
    const char *summary;
    uint32_t obs_dim, act_dim;
    uint32_t episode_steps;
    float gamma;
    bool priced;
    enum notch_env_demand demand;
    void (*open)(struct notch_env *env);                  /* draws what stays: the store, the market */
    void (*reset)(struct notch_env *env);                 /* begins an episode */
    void (*start)(struct notch_env *env, uint32_t index); /* begins at a fixed start, after reset; may be NULL */
    void (*observe)(const struct notch_env *env, float *obs);
    void (*step)(struct notch_env *env, struct notch_env_result *result, const float *action);
};

/* All kinds, in the order of the page above. */
const struct notch_env_kind *const *notch_env_kinds(size_t *count);

/* NULL: no such kind. */
const struct notch_env_kind *notch_env_find(const char *name);

/* A world of this kind at the beginning of its first episode. */
void notch_env_init(struct notch_env *env, const struct notch_env_kind *kind, uint64_t seed);

/* Another episode in the same world. */
void notch_env_reset(struct notch_env *env);

/* The episode of this number: the same start and the same luck each time. Starts of neighbouring numbers are spread
 * evenly where the kind can do that, so that a mean over some tens of them is near the mean over all. */
void notch_env_begin(struct notch_env *env, uint32_t index);

void notch_env_observe(const struct notch_env *env, float *obs);

/* action: act_dim numbers; what lies outside of [-1, 1] is cut off. After the end of an episode comes a reset. */
void notch_env_step(struct notch_env *env, struct notch_env_result *result, const float *action);

/* The course so far, canonical: read() continues a world that was init()ed with the same kind and seed. */
void notch_env_write(const struct notch_env *env, struct notch_writer *writer);
void notch_env_read(struct notch_env *env, struct notch_reader *reader);

/* ---- for the kinds: draws from a world's own generator ---- */

double notch_env_uniform(struct notch_env *env, double least, double most);
double notch_env_normal(struct notch_env *env);

/* How many of `trials` succeed. */
uint32_t notch_env_binomial(struct notch_env *env, uint32_t trials, double chance);

extern const struct notch_env_kind notch__env_pendulum, notch__env_linear, notch__env_logit, notch__env_drift,
    notch__env_duopoly, notch__env_inventory;

#endif
