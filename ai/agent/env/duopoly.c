#include "ai/agent/env/duopoly.h"

#include "ai/agent/env/env.h"

#include <math.h>

#define QUALITY 2.0
#define MU 0.25
#define COST NOTCH_DUOPOLY_COST
#define NASH_PROFIT 0.222927
#define MONOPOLY_PROFIT 0.337490
#define SCALE 0.25

enum { OWN, RIVAL };

double notch_duopoly_demand(double price, double rival)
{
    double own = exp((QUALITY - price) / MU);
    return own / (own + exp((QUALITY - rival) / MU) + 1);
}

double notch_duopoly_profit(double price, double rival)
{
    return (price - COST) * notch_duopoly_demand(price, rival);
}

double notch_duopoly_best_response(double rival)
{
    /* The root of p - c - mu / (1 - demand), which rises with p. */
    double low = COST;
    double high = 10;
    for (int i = 0; i < 60; i++) {
        double price = (low + high) / 2;
        if (price - COST < MU / (1 - notch_duopoly_demand(price, rival))) {
            low = price;
        } else {
            high = price;
        }
    }
    return (low + high) / 2;
}

double notch_duopoly_collusion(double profit)
{
    return (profit - NASH_PROFIT) / (MONOPOLY_PROFIT - NASH_PROFIT);
}

static void open_duopoly(struct notch_env *env)
{
    env->bounds = (struct notch_price_bounds){NOTCH_DUOPOLY_PRICE_MIN, NOTCH_DUOPOLY_PRICE_MAX};
}

static void reset_duopoly(struct notch_env *env)
{
    env->x[OWN] = notch_env_uniform(env, env->bounds.min, env->bounds.max);
    env->x[RIVAL] = notch_env_uniform(env, env->bounds.min, env->bounds.max);
}

static void observe_duopoly(const struct notch_env *env, float *obs)
{
    obs[0] = notch_price_to_action(&env->bounds, env->x[OWN]);
    obs[1] = notch_price_to_action(&env->bounds, env->x[RIVAL]);
}

static void step_duopoly(struct notch_env *env, struct notch_env_result *result, const float *action)
{
    double rival = notch_duopoly_best_response(env->x[OWN]);
    double price = notch_price_of_action(&env->bounds, action[0]);
    result->price = price;
    result->demand = notch_duopoly_demand(price, rival);
    result->reward = (float)(notch_duopoly_profit(price, rival) / SCALE);
    env->x[OWN] = price;
    env->x[RIVAL] = rival;
}

const struct notch_env_kind notch__env_duopoly = {
    .name = "duopoly",
    .summary = "Calvano's duopoly against a rival who answers our last price best",
    .obs_dim = 2,
    .act_dim = 1,
    .episode_steps = 100,
    .gamma = 0.95f,
    .priced = true,
    .open = open_duopoly,
    .reset = reset_duopoly,
    .observe = observe_duopoly,
    .step = step_duopoly,
};
