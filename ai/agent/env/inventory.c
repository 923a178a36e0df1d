#include "ai/agent/env/inventory.h"

#include "base/assert.h"

#include <math.h>
#include <string.h>

#define CUSTOMERS 10 /* a day */
#define PRICE_MIN 0.5
#define PRICE_MAX 8.0

enum { A, B, STOCK, LAST_DEMAND };

static void open_inventory(struct notch_env *env)
{
    env->bounds = (struct notch_price_bounds){PRICE_MIN, PRICE_MAX};
    env->x[A] = notch_env_uniform(env, 2, 4);
    env->x[B] = notch_env_uniform(env, 0.8, 1.5);
}

static void reset_inventory(struct notch_env *env)
{
    env->x[STOCK] = NOTCH_INVENTORY_UNITS;
    env->x[LAST_DEMAND] = 0;
}

static void observe_inventory(const struct notch_env *env, float *obs)
{
    obs[0] = (float)(env->x[STOCK] / NOTCH_INVENTORY_UNITS);
    obs[1] = (float)(NOTCH_INVENTORY_DAYS - env->step) / NOTCH_INVENTORY_DAYS;
    obs[2] = (float)(env->x[LAST_DEMAND] / CUSTOMERS);
}

static void step_inventory(struct notch_env *env, struct notch_env_result *result, const float *action)
{
    double price = notch_price_of_action(&env->bounds, action[0]);
    double share = notch_price_logit_share(env->x[A], env->x[B], price);
    double wanted = notch_env_binomial(env, CUSTOMERS, share);
    double sold = fmin(wanted, env->x[STOCK]);
    env->x[STOCK] -= sold;
    env->x[LAST_DEMAND] = wanted;
    result->price = price;
    result->demand = sold;
    result->reward = (float)(price * sold) / NOTCH_INVENTORY_SCALE;
    result->terminated = env->step >= NOTCH_INVENTORY_DAYS || env->x[STOCK] <= 0;
}

/* The chance of each number of buyers. */
static void binomial(double chances[CUSTOMERS + 1], double share)
{
    memset(chances, 0, (CUSTOMERS + 1) * sizeof *chances);
    chances[0] = 1;
    for (int customer = 0; customer < CUSTOMERS; customer++) {
        for (int k = customer + 1; k > 0; k--) {
            chances[k] = chances[k] * (1 - share) + chances[k - 1] * share;
        }
        chances[0] *= 1 - share;
    }
}

/* What a day at this price and the days behind it bring, on average. */
static double value_of(const double chances[CUSTOMERS + 1], const double after[], int stock, double price)
{
    double value = 0;
    for (int wanted = 0; wanted <= CUSTOMERS; wanted++) {
        int sold = wanted < stock ? wanted : stock;
        value += chances[wanted] * (price * sold + after[stock - sold]);
    }
    return value;
}

double notch_inventory_best_return(const struct notch_env *env, unsigned grid)
{
    notch_assert(grid >= 2);
    double after[NOTCH_INVENTORY_UNITS + 1] = {0};
    for (int day = 0; day < NOTCH_INVENTORY_DAYS; day++) {
        double now[NOTCH_INVENTORY_UNITS + 1] = {0};
        for (unsigned i = 0; i < grid; i++) {
            double price = notch_price_of_action(&env->bounds, (float)(2.0 * i / (grid - 1) - 1));
            double chances[CUSTOMERS + 1];
            binomial(chances, notch_price_logit_share(env->x[A], env->x[B], price));
            for (int stock = 1; stock <= NOTCH_INVENTORY_UNITS; stock++) {
                now[stock] = fmax(now[stock], value_of(chances, after, stock, price));
            }
        }
        memcpy(after, now, sizeof after);
    }
    return after[NOTCH_INVENTORY_UNITS] / (double)NOTCH_INVENTORY_SCALE;
}

const struct notch_env_kind notch__env_inventory = {
    .name = "inventory",
    .summary = "a stock that expires; the best return comes from dynamic programming",
    .obs_dim = 3,
    .act_dim = 1,
    .episode_steps = NOTCH_INVENTORY_DAYS,
    .gamma = 0.99f,
    .priced = true,
    .open = open_inventory,
    .reset = reset_inventory,
    .observe = observe_inventory,
    .step = step_inventory,
};
