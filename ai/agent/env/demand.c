/* Three markets with one seller: linear demand, logit demand, and logit demand that drifts. Cost is always 1. */
#include "ai/agent/env/env.h"
#include "ai/agent/pricing/context.h"

#include <math.h>

#define PI 3.14159265358979323846
#define COST NOTCH_ENV_COST
#define PRICE_MAX 8.0
#define SCALE 30.0 /* about what a good period brings: rewards are of about 1 */
#define SEASON_STEPS 52
#define SEASON_HEIGHT 0.5
#define WANDER_KEEP 0.98
#define WANDER_STEP 0.05

_Static_assert(NOTCH_CONTEXT_FEATURES <= NOTCH_ENV_OBS_MAX, "a context is an observation");

enum { A, B, WANDER, TIME, LAST_PRICE, LAST_DEMAND };

static void open_linear(struct notch_env *env)
{
    double best = notch_env_uniform(env, 1.5, 5);
    env->bounds = (struct notch_price_bounds){COST, PRICE_MAX};
    env->x[B] = NOTCH_ENV_LINEAR_SALES / (best - COST);
    env->x[A] = env->x[B] * (2 * best - COST);
}

static void open_logit(struct notch_env *env)
{
    env->bounds = (struct notch_price_bounds){COST, PRICE_MAX};
    env->x[A] = notch_env_uniform(env, 2, 6);
    env->x[B] = notch_env_uniform(env, 0.8, 2);
}

/* The market goes on: an episode is only a stretch of it. */
static void reset_market(struct notch_env *env)
{
    (void)env;
}

static void observe_market(const struct notch_env *env, float *obs)
{
    struct notch_context context = {
        .bounds = env->bounds,
        .last_price = env->x[LAST_PRICE],
        .last_demand = env->x[LAST_DEMAND] / NOTCH_ENV_LINEAR_SALES,
        .season = env->x[TIME] / SEASON_STEPS,
    };
    notch_context_observe(&context, obs);
}

static void settle(struct notch_env *env, struct notch_env_result *result, double price, double demand)
{
    result->price = price;
    result->demand = demand;
    result->reward = (float)((price - COST) * demand / SCALE);
    env->x[LAST_PRICE] = price;
    env->x[LAST_DEMAND] = demand;
    env->x[TIME] += 1;
    if (env->x[TIME] >= SEASON_STEPS) {
        env->x[TIME] = 0;
    }
}

static void step_linear(struct notch_env *env, struct notch_env_result *result, const float *action)
{
    double a = env->x[A];
    double b = env->x[B];
    double price = notch_price_of_action(&env->bounds, action[0]);
    double demand = fmax(a - b * price + NOTCH_ENV_LINEAR_NOISE * notch_env_normal(env), 0);
    double best = notch_price_linear_best(a, b, COST);
    result->regret = 1 - notch_price_linear_profit(a, b, COST, price) / notch_price_linear_profit(a, b, COST, best);
    settle(env, result, price, demand);
}

static double logit_profit(double a, double b, double price)
{
    return (price - COST) * notch_price_logit_share(a, b, price);
}

static void step_logit_at(struct notch_env *env, struct notch_env_result *result, double a, const float *action)
{
    double b = env->x[B];
    double price = notch_price_of_action(&env->bounds, action[0]);
    double best = notch_price_logit_best(a, b, COST);
    /* A good season may lift the best price over the bound: then the bound is the best that the seller can do. */
    best = fmin(best, env->bounds.max);
    result->regret = 1 - logit_profit(a, b, price) / logit_profit(a, b, best);
    settle(env, result, price, notch_env_binomial(env, NOTCH_ENV_CUSTOMERS, notch_price_logit_share(a, b, price)));
}

static void step_logit(struct notch_env *env, struct notch_env_result *result, const float *action)
{
    step_logit_at(env, result, env->x[A], action);
}

static void step_drift(struct notch_env *env, struct notch_env_result *result, const float *action)
{
    double season = SEASON_HEIGHT * sin(2 * PI * env->x[TIME] / SEASON_STEPS);
    step_logit_at(env, result, env->x[A] + env->x[WANDER] + season, action);
    env->x[WANDER] = WANDER_KEEP * env->x[WANDER] + WANDER_STEP * notch_env_normal(env);
}

/* One price is one period: what comes next does not depend on it, so the horizon is short. */
#define MARKET \
    .obs_dim = NOTCH_CONTEXT_FEATURES, .act_dim = 1, .episode_steps = 52, .gamma = 0.3f, .priced = true, \
    .reset = reset_market, .observe = observe_market

const struct notch_env_kind notch__env_linear = {
    .name = "linear",
    .summary = "one seller, linear demand with noise; the optimum is known",
    .demand = NOTCH_ENV_LINEAR,
    .open = open_linear,
    .step = step_linear,
    MARKET,
};

const struct notch_env_kind notch__env_logit = {
    .name = "logit",
    .summary = "one seller, customers who buy by a logit; the optimum is known",
    .demand = NOTCH_ENV_LOGIT,
    .open = open_logit,
    .step = step_logit,
    MARKET,
};

const struct notch_env_kind notch__env_drift = {
    .name = "drift",
    .summary = "logit demand that wanders and has a season; the optimum is known at each step",
    .demand = NOTCH_ENV_LOGIT_DRIFTING,
    .open = open_logit,
    .step = step_drift,
    MARKET,
};
