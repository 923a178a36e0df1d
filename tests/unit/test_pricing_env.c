#include "ai/agent/env/duopoly.h"
#include "ai/agent/env/env.h"
#include "ai/agent/env/inventory.h"
#include "ai/agent/pricing/context.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_near(double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance)) {
        fail_msg("%.9g is not %.9g", got, wanted);
    }
}

static size_t bytes_of(const struct notch_env *env, uint8_t *out, size_t cap)
{
    struct notch_writer writer = notch_writer(out, cap);
    notch_env_write(env, &writer);
    assert_true(notch_writer_ok(&writer));
    return notch_writer_bytes(&writer).len;
}

static void any_action(struct notch_rng *rng, float *action, const struct notch_env_kind *kind)
{
    for (uint32_t i = 0; i < kind->act_dim; i++) {
        action[i] = (float)((double)notch_rng_below(rng, 2401) / 1000 - 1.2);
    }
}

/* Copies, bytes and numbers of episodes all lead back to the same course. */
static void check_course(const struct notch_env_kind *kind)
{
    struct notch_env env, again;
    struct notch_rng rng;
    uint8_t first[512], second[512];
    notch_rng_init(&rng, 3);
    notch_env_init(&env, kind, 42);
    for (int i = 0; i < 500; i++) {
        float action[NOTCH_ENV_ACTIONS_MAX], obs[NOTCH_ENV_OBS_MAX];
        struct notch_env_result result, other;
        any_action(&rng, action, kind);
        size_t len = bytes_of(&env, first, sizeof first);
        struct notch_reader reader = notch_reader(notch_bytes(first, len));
        notch_env_init(&again, kind, 42);
        notch_env_read(&again, &reader);
        assert_true(notch_reader_done(&reader));
        notch_env_step(&env, &result, action);
        notch_env_step(&again, &other, action);
        assert_memory_equal(&result.reward, &other.reward, sizeof result.reward);
        assert_int_equal(bytes_of(&env, first, sizeof first), bytes_of(&again, second, sizeof second));
        assert_memory_equal(first, second, len);
        notch_env_observe(&env, obs);
        for (uint32_t k = 0; k < kind->obs_dim; k++) {
            assert_true(isfinite(obs[k]));
        }
        assert_true(isfinite(result.reward));
        assert_true(!kind->priced || (result.price >= env.bounds.min && result.price <= env.bounds.max));
        assert_true(result.regret >= -1e-9 && result.regret <= 1 + 1e-9);
        assert_true(env.step <= kind->episode_steps);
        if (result.terminated || result.truncated) {
            notch_env_reset(&env);
        }
    }
}

static void test_every_world_repeats_itself_and_stays_in_bounds(void **state)
{
    (void)state;
    size_t count;
    const struct notch_env_kind *const *kinds = notch_env_kinds(&count);
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++) {
        check_course(kinds[i]);
        assert_ptr_equal(notch_env_find(kinds[i]->name), kinds[i]);
    }
    assert_null(notch_env_find("pendulums"));
}

/* One step from a known place, by the equations of Gymnasium's Pendulum-v1, worked out by hand. */
static void test_the_pendulum_is_gymnasiums(void **state)
{
    (void)state;
    struct notch_env env;
    struct notch_env_result result;
    float obs[3];
    notch_env_init(&env, notch_env_find("pendulum"), 1);
    env.x[0] = 1;
    env.x[1] = 0.5;
    notch_env_step(&env, &result, (float[]){0.5f}); /* a torque of 1 */
    assert_near((double)result.reward, -(1 + 0.1 * 0.25 + 0.001), 1e-6);
    double speed = 0.5 + (15 * 0.8414709848078965 + 3) * 0.05;
    notch_env_observe(&env, obs);
    assert_near((double)obs[2], speed, 1e-6);
    assert_near((double)obs[0], cos(1 + speed * 0.05), 1e-6);
    assert_near((double)obs[1], sin(1 + speed * 0.05), 1e-6);

    /* An angle beyond pi counts from the other side; speed ends at 8; torque at 2. */
    env.x[0] = 4;
    env.x[1] = 7.9;
    notch_env_step(&env, &result, (float[]){-9});
    double angle = 4 - 2 * 3.14159265358979323846;
    assert_near((double)result.reward, -(angle * angle + 0.1 * 7.9 * 7.9 + 0.004), 1e-5);
    env.x[0] = 1.5;
    env.x[1] = 7.9;
    notch_env_step(&env, &result, (float[]){1});
    notch_env_observe(&env, obs);
    assert_near((double)obs[2], 8, 1e-6);

    /* 200 steps, then it is cut off, not ended. */
    notch_env_reset(&env);
    for (int i = 1; i <= 200; i++) {
        notch_env_step(&env, &result, (float[]){0});
        assert_false(result.terminated);
        assert_int_equal(result.truncated, i == 200);
    }
}

/* The fixed starts lie evenly: near the means of what reset() draws from. */
static void test_the_starts_of_the_pendulum_are_even(void **state)
{
    (void)state;
    struct notch_env env;
    double up = 0, speeds = 0;
    notch_env_init(&env, notch_env_find("pendulum"), 1);
    for (uint32_t i = 0; i < 100; i++) {
        notch_env_begin(&env, i);
        up += fabs(env.x[0]) < 3.14159265358979323846 / 2;
        speeds += env.x[1];
    }
    assert_near(up, 50, 2);
    assert_near(speeds / 100, 0, 0.03);
}

/* The mean regret of a price, over the noise: least where the known optimum is. */
static void check_regret(const char *name, uint64_t seed)
{
    struct notch_env env;
    struct notch_env_result result;
    notch_env_init(&env, notch_env_find(name), seed);
    double a = env.x[0], b = env.x[1];
    double best = strcmp(name, "linear") == 0 ? notch_price_linear_best(a, b, 1) : notch_price_logit_best(a, b, 1);
    assert_true(best > env.bounds.min && best < env.bounds.max);
    notch_env_step(&env, &result, (float[]){notch_price_to_action(&env.bounds, best)});
    assert_near(result.regret, 0, 1e-9);
    notch_env_step(&env, &result, (float[]){notch_price_to_action(&env.bounds, best * 1.2)});
    assert_true(result.regret > 0.005);
    notch_env_step(&env, &result, (float[]){-1}); /* at cost nothing is earned */
    assert_near(result.regret, 1, 1e-9);
}

static void test_the_optima_of_the_markets_are_known(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        check_regret("linear", seed);
        check_regret("logit", seed);
    }
}

/* What comes in agrees with the demand that the regret is computed from. */
static void test_demand_is_what_it_is_said_to_be(void **state)
{
    (void)state;
    const char *const names[] = {"linear", "logit"};
    for (size_t n = 0; n < 2; n++) {
        struct notch_env env;
        struct notch_env_result result;
        notch_env_init(&env, notch_env_find(names[n]), 5);
        double sum = 0;
        for (int i = 0; i < 20000; i++) {
            notch_env_step(&env, &result, (float[]){0});
            sum += result.demand;
        }
        double expected = n == 0 ? env.x[0] - env.x[1] * result.price
                                 : 20 * notch_price_logit_share(env.x[0], env.x[1], result.price);
        assert_near(sum / 20000, expected, 0.06);
    }
}

/* The figures that Calvano et al. give. */
static void test_the_duopoly_has_its_published_prices(void **state)
{
    (void)state;
    double price = 2;
    for (int i = 0; i < 100; i++) {
        price = notch_duopoly_best_response(price);
    }
    assert_near(price, 1.4730, 1e-4);
    assert_near(notch_duopoly_profit(price, price), 0.2230, 1e-4);
    double best = 0, at = 0;
    for (double p = 1; p < 3; p += 1e-4) {
        double profit = notch_duopoly_profit(p, p);
        if (profit > best) {
            best = profit;
            at = p;
        }
    }
    assert_near(at, 1.9250, 5e-4);
    assert_near(best, 0.3375, 5e-5);
    assert_near(notch_duopoly_collusion(notch_duopoly_profit(price, price)), 0, 1e-4);
    assert_near(notch_duopoly_collusion(best), 1, 1e-4);
}

/* No fixed price beats the dynamic programme on average, and the best fixed price is not far behind it. */
static void test_the_best_return_of_the_inventory_is_a_bound(void **state)
{
    (void)state;
    struct notch_env env;
    notch_env_init(&env, notch_env_find("inventory"), 8);
    double bound = notch_inventory_best_return(&env, 101);
    double best = 0;
    for (int i = -10; i <= 10; i++) {
        double sum = 0;
        for (uint32_t episode = 0; episode < 400; episode++) {
            struct notch_env_result result = {0};
            notch_env_begin(&env, episode);
            while (!result.terminated) {
                notch_env_step(&env, &result, (float[]){(float)i / 10});
                sum += (double)result.reward;
            }
        }
        best = fmax(best, sum / 400);
    }
    assert_true(best <= bound * 1.005);
    assert_true(best >= bound * 0.85);
    assert_true(notch_inventory_best_return(&env, 11) <= bound + 1e-9);
}

static void test_a_context_is_finite_whatever_comes_in(void **state)
{
    (void)state;
    const double odd[] = {0, 1e-300, 1e300, INFINITY, NAN, -1, 3};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(odd); i++) {
        struct notch_context context = {
            .bounds = {1, 4},
            .last_price = odd[i],
            .last_demand = odd[i],
            .season = 0.25,
            .has_insight = true,
            .insight = {odd[i], odd[(i + 1) % NOTCH_ARRAY_LEN(odd)], odd[i], odd[i], odd[i], odd[i]},
        };
        float obs[NOTCH_CONTEXT_FEATURES];
        notch_context_observe(&context, obs);
        for (size_t k = 0; k < NOTCH_CONTEXT_FEATURES; k++) {
            assert_true(obs[k] >= -NOTCH_CONTEXT_LIMIT && obs[k] <= NOTCH_CONTEXT_LIMIT);
        }
    }
    struct notch_context plain = {.bounds = {1, 4}, .last_price = 4, .last_demand = 0.5, .season = 0.25};
    float obs[NOTCH_CONTEXT_FEATURES];
    notch_context_observe(&plain, obs);
    assert_near((double)obs[0], log(2), 1e-6);
    assert_near((double)obs[1], 0.5, 1e-6);
    assert_near((double)obs[2], 1, 1e-6);
    plain.has_insight = true;
    plain.insight = (struct notch_context_insight){4, 4, 0.1, 0.05, 0.8, 7};
    notch_context_observe(&plain, obs);
    assert_near((double)obs[0], 0, 1e-6);
    assert_near((double)obs[4], 1, 1e-6);
    assert_near((double)obs[9], log(2), 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_world_repeats_itself_and_stays_in_bounds),
        cmocka_unit_test(test_the_pendulum_is_gymnasiums),
        cmocka_unit_test(test_the_starts_of_the_pendulum_are_even),
        cmocka_unit_test(test_the_optima_of_the_markets_are_known),
        cmocka_unit_test(test_demand_is_what_it_is_said_to_be),
        cmocka_unit_test(test_the_duopoly_has_its_published_prices),
        cmocka_unit_test(test_the_best_return_of_the_inventory_is_a_bound),
        cmocka_unit_test(test_a_context_is_finite_whatever_comes_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
