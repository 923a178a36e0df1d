/* The node's time never goes back, and whoever sets the clock is noticed. */
#include "node/daemon/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void time_never_goes_back(void **state)
{
    (void)state;
    struct notch_clock clock;
    notch_clock_init(&clock);
    assert_int_equal(notch_clock_advance(&clock, 1000).raw, 1000);
    assert_int_equal(notch_clock_advance(&clock, 400).raw, 1000);
    assert_int_equal(notch_clock_advance(&clock, 1001).raw, 1001);
    struct notch_time before = notch_clock_now(&clock);
    assert_true(notch_time_cmp(notch_clock_now(&clock), before) >= 0);
    assert_true(before.raw > UINT64_C(1577836800000)); /* 2020 */
}

static void a_jump_is_told_once(void **state)
{
    (void)state;
    struct notch_clock clock = {.offset_ms = 5000};
    assert_int_equal(notch_clock_compare(&clock, 6000, 1000), 0);
    assert_int_equal(notch_clock_compare(&clock, 7000 + NOTCH_CLOCK_JUMP_MS - 1, 2000), 0); /* slewing */
    assert_int_equal(notch_clock_compare(&clock, 60000 + NOTCH_CLOCK_JUMP_MS - 1, 3000), 52000);
    assert_int_equal(notch_clock_compare(&clock, 61000 + NOTCH_CLOCK_JUMP_MS - 1, 4000), 0);
    assert_int_equal(notch_clock_compare(&clock, 10000, 5000), -(52000 + NOTCH_CLOCK_JUMP_MS - 1));
}

static void a_clock_set_back_is_waited_for(void **state)
{
    (void)state;
    struct notch_clock clock;
    notch_clock_init(&clock);
    struct notch_time now = notch_clock_now(&clock);
    assert_int_equal(notch_clock_held_ms(&clock), 0);
    (void)notch_clock_advance(&clock, now.raw + 3600000);
    assert_in_range(notch_clock_held_ms(&clock), 3500000, 3600000);
    assert_int_equal(notch_clock_check(&clock), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_never_goes_back),
        cmocka_unit_test(a_jump_is_told_once),
        cmocka_unit_test(a_clock_set_back_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
