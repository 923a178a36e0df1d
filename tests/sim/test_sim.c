/* The simulator in the normal run: some hundreds of seeds, and that a seed repeats. Campaigns run the program
 * notch_sim. */
#include "tests/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { SEEDS = 300, SEEDS_REAL_CRYPTO = 2 };

static void run_seed(uint64_t seed, bool real_crypto, struct sim_result *result)
{
    struct sim_options options = sim_options_of_seed(seed);
    options.real_crypto = real_crypto;
    struct sim *sim = sim_create(&options);
    const char *failure = sim_run(sim);
    sim_result(sim, result);
    sim_destroy(sim);
    if (failure != NULL) {
        fail_msg("seed %llu: %s (see it: simulate --seed %llu --verbose)", (unsigned long long)seed, failure,
                 (unsigned long long)seed);
    }
}

static void nothing_acknowledged_is_lost_whatever_the_disk_does(void **state)
{
    (void)state;
    struct sim_result sum = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim_result result;
        run_seed(seed, false, &result);
        sum.crashes += result.crashes;
        sum.disk_failures += result.disk_failures;
        sum.votes_lost += result.votes_lost;
        sum.acknowledged += result.acknowledged;
        sum.final_height += result.final_height;
    }
    /* The faults that this is about did happen. */
    assert_true(sum.crashes > SEEDS);
    assert_true(sum.disk_failures > 0);
    assert_true(sum.votes_lost > 0);
    assert_true(sum.acknowledged > SEEDS);
    assert_true(sum.final_height > SEEDS);
}

static void a_seed_repeats_to_the_byte(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct sim_result first;
        struct sim_result second;
        run_seed(seed, false, &first);
        run_seed(seed, false, &second);
        assert_memory_equal(&first, &second, sizeof first);
    }
}

static void the_same_with_real_signatures(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS_REAL_CRYPTO; seed++) {
        struct sim_result result;
        run_seed(seed, true, &result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_acknowledged_is_lost_whatever_the_disk_does),
        cmocka_unit_test(a_seed_repeats_to_the_byte),
        cmocka_unit_test(the_same_with_real_signatures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
