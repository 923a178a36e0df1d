/*
 * Pendulum-v1 as Gymnasium defines it: g 10, m 1, l 1, 0.05 s a step, torque in [-2, 2], speed in [-8, 8], 200 steps.
 * The cost of a step is angle^2 + 0.1 speed^2 + 0.001 torque^2, with the angle in [-pi, pi).
 */
#include "ai/agent/env/env.h"

#include <math.h>

#define PI 3.14159265358979323846
#define TORQUE_MAX 2.0
#define SPEED_MAX 8.0
#define SECONDS 0.05
#define GRAVITY 10.0

enum { ANGLE, SPEED };

static void open_pendulum(struct notch_env *env)
{
    env->x[ANGLE] = PI;
}

static void reset_pendulum(struct notch_env *env)
{
    env->x[ANGLE] = notch_env_uniform(env, -PI, PI);
    env->x[SPEED] = notch_env_uniform(env, -1, 1);
}

/* Starts spread evenly over the square that reset() draws from: the additive recurrence of the plastic number. */
static void start_pendulum(struct notch_env *env, uint32_t index)
{
    double first = 0.5 + index * 0.75487766624669276;
    double second = 0.5 + index * 0.56984029099805327;
    env->x[ANGLE] = PI * (2 * (first - floor(first)) - 1);
    env->x[SPEED] = 2 * (second - floor(second)) - 1;
}

static void observe_pendulum(const struct notch_env *env, float *obs)
{
    obs[0] = (float)cos(env->x[ANGLE]);
    obs[1] = (float)sin(env->x[ANGLE]);
    obs[2] = (float)env->x[SPEED];
}

static void step_pendulum(struct notch_env *env, struct notch_env_result *result, const float *action)
{
    double torque = TORQUE_MAX * (double)action[0];
    double turns = (env->x[ANGLE] + PI) / (2 * PI);
    double angle = (turns - floor(turns)) * 2 * PI - PI;
    double speed = env->x[SPEED];
    result->reward = (float)-(angle * angle + 0.1 * speed * speed + 0.001 * torque * torque);
    speed += (1.5 * GRAVITY * sin(env->x[ANGLE]) + 3 * torque) * SECONDS;
    env->x[SPEED] = fmin(fmax(speed, -SPEED_MAX), SPEED_MAX);
    env->x[ANGLE] += env->x[SPEED] * SECONDS;
}

const struct notch_env_kind notch__env_pendulum = {
    .name = "pendulum",
    .summary = "Pendulum-v1: swing up and stay; returns are comparable with published ones",
    .obs_dim = 3,
    .act_dim = 1,
    .episode_steps = 200,
    .gamma = 0.99f,
    .open = open_pendulum,
    .reset = reset_pendulum,
    .start = start_pendulum,
    .observe = observe_pendulum,
    .step = step_pendulum,
};
