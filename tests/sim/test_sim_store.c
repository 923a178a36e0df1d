/* The simulated node on the daemon's own store, on a disk that loses, tears and reorders what was not synced. */
#include "tests/sim/disk_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { SEEDS = 40 };

static struct sim_result run_seed(uint64_t seed)
{
    struct sim_options options = sim_options_of_seed(seed);
    options.disk = &sim_disk_store;
    struct sim *sim = sim_create(&options);
    const char *failure = sim_run(sim);
    if (failure != NULL) {
        print_message("seed %llu: %s\n", (unsigned long long)seed, failure);
    }
    assert_null(failure);
    struct sim_result result;
    sim_result(sim, &result);
    sim_destroy(sim);
    return result;
}

static void test_nothing_acknowledged_is_lost(void **state)
{
    (void)state;
    struct sim_result sum = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim_result result = run_seed(seed);
        sum.crashes += result.crashes;
        sum.acknowledged += result.acknowledged;
        sum.votes_lost += result.votes_lost;
        sum.disk_failures += result.disk_failures;
    }
    /* Runs without faults, or without promises, would show nothing. */
    assert_true(sum.crashes > SEEDS);
    assert_true(sum.acknowledged > SEEDS);
    assert_true(sum.votes_lost > 0);
    assert_true(sum.disk_failures > 0);
}

static void test_a_seed_repeats(void **state)
{
    (void)state;
    struct sim_result first = run_seed(7);
    struct sim_result second = run_seed(7);
    assert_memory_equal(first.trace.raw, second.trace.raw, sizeof first.trace.raw);
    assert_int_equal(first.steps, second.steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_acknowledged_is_lost),
        cmocka_unit_test(test_a_seed_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
