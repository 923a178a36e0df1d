#include "ai/agent/env/env.h"

#include "ai/agent/pricing/floats.h"
#include "base/assert.h"

#include <math.h>
#include <string.h>

static const struct notch_env_kind *const kinds[] = {
    &notch__env_pendulum, &notch__env_linear,  &notch__env_logit,
    &notch__env_drift,    &notch__env_duopoly, &notch__env_inventory,
};

const struct notch_env_kind *const *notch_env_kinds(size_t *count)
{
    *count = NOTCH_ARRAY_LEN(kinds);
    return kinds;
}

const struct notch_env_kind *notch_env_find(const char *name)
{
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(kinds); i++) {
        if (strcmp(kinds[i]->name, name) == 0) {
            return kinds[i];
        }
    }
    return NULL;
}

void notch_env_init(struct notch_env *env, const struct notch_env_kind *kind, uint64_t seed)
{
    notch_assert(kind->obs_dim <= NOTCH_ENV_OBS_MAX);
    notch_assert(kind->act_dim <= NOTCH_ENV_ACTIONS_MAX);
    memset(env, 0, sizeof *env);
    env->kind = kind;
    notch_rng_init(&env->rng, seed);
    kind->open(env);
    notch_env_reset(env);
}

void notch_env_reset(struct notch_env *env)
{
    env->step = 0;
    env->kind->reset(env);
}

void notch_env_begin(struct notch_env *env, uint32_t index)
{
    notch_rng_init(&env->rng, index);
    notch_env_reset(env);
    if (env->kind->start != NULL) {
        env->kind->start(env, index);
    }
}

void notch_env_observe(const struct notch_env *env, float *obs)
{
    env->kind->observe(env, obs);
}

void notch_env_step(struct notch_env *env, struct notch_env_result *result, const float *action)
{
    float within[NOTCH_ENV_ACTIONS_MAX];
    for (uint32_t i = 0; i < env->kind->act_dim; i++) {
        within[i] = notch_price_action_within(action[i]);
    }
    memset(result, 0, sizeof *result);
    env->step++;
    env->kind->step(env, result, within);
    result->truncated = !result->terminated && env->step >= env->kind->episode_steps;
}

void notch_env_write(const struct notch_env *env, struct notch_writer *writer)
{
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(env->rng.state); i++) {
        notch_write_u64(writer, env->rng.state[i]);
    }
    notch_write_uvar(writer, env->step);
    for (size_t i = 0; i < NOTCH_ENV_STATE_MAX; i++) {
        notch_floats_write_double(writer, env->x[i]);
    }
}

void notch_env_read(struct notch_env *env, struct notch_reader *reader)
{
    uint64_t any = 0;
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(env->rng.state); i++) {
        env->rng.state[i] = notch_read_u64(reader);
        any |= env->rng.state[i];
    }
    if (any == 0) {
        notch_reader_fail(reader); /* the one state that the generator never leaves */
    }
    env->step = (uint32_t)notch_read_uvar_max(reader, env->kind->episode_steps);
    for (size_t i = 0; i < NOTCH_ENV_STATE_MAX; i++) {
        env->x[i] = notch_floats_read_double(reader);
    }
}

double notch_env_uniform(struct notch_env *env, double least, double most)
{
    return least + (most - least) * ((double)(notch_rng_u64(&env->rng) >> 11) * 0x1p-53);
}

double notch_env_normal(struct notch_env *env)
{
    for (;;) {
        double x = notch_env_uniform(env, -1, 1);
        double y = notch_env_uniform(env, -1, 1);
        double square = x * x + y * y;
        if (square < 1 && square > 0) {
            return x * sqrt(-2 * log(square) / square);
        }
    }
}

uint32_t notch_env_binomial(struct notch_env *env, uint32_t trials, double chance)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < trials; i++) {
        count += notch_env_uniform(env, 0, 1) < chance;
    }
    return count;
}
