/* Latency buckets: what a quantile says must hold for the values that were counted. */
#include "node/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void every_value_is_in_a_bucket_that_ends_at_or_above_it_and_not_far(void **state)
{
    (void)state;
    for (uint64_t ms = 0; ms < 100000; ms++) {
        struct notch_latency latency = {0};
        notch_latency_add(&latency, ms, 1);
        uint64_t bound = notch_latency_quantile(&latency, NOTCH_PPM_ONE);
        assert_true(bound >= ms);
        assert_true(bound - ms <= ms / 16);
    }
}

static void bounds_ascend(void **state)
{
    (void)state;
    for (unsigned i = 1; i < NOTCH_LATENCY_BUCKETS; i++) {
        assert_true(notch_latency_bound(i) > notch_latency_bound(i - 1));
    }
}

static void quantiles_of_a_known_distribution(void **state)
{
    (void)state;
    struct notch_latency latency = {0};
    assert_int_equal(notch_latency_quantile(&latency, 500000), 0);
    notch_latency_add(&latency, 10, 98);
    notch_latency_add(&latency, 20, 1);
    notch_latency_add(&latency, UINT64_C(1) << 40, 1);
    assert_int_equal(notch_latency_quantile(&latency, 500000), 10);
    assert_int_equal(notch_latency_quantile(&latency, 980000), 10);
    assert_int_equal(notch_latency_quantile(&latency, 990000), 20);
    assert_int_equal(notch_latency_quantile(&latency, 1000000), notch_latency_bound(NOTCH_LATENCY_BUCKETS - 1));
    assert_int_equal(latency.total, 100);
}

static void statuses_have_names(void **state)
{
    (void)state;
    assert_string_equal(notch_record_status_name(NOTCH_STATUS_STORED), "stored");
    assert_string_equal(notch_record_status_name(NOTCH_STATUS_FINAL), "final");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_in_a_bucket_that_ends_at_or_above_it_and_not_far),
        cmocka_unit_test(bounds_ascend),
        cmocka_unit_test(quantiles_of_a_known_distribution),
        cmocka_unit_test(statuses_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
