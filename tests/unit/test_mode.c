#include "chain/mode.h"

#include "tests/support/gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* The table of the design, written a second time: as what a node of each mode may say at all. */
static void test_table(void **state)
{
    (void)state;
    static const enum notch_field prices[] = {NOTCH_FIELD_POINT_PRICE, NOTCH_FIELD_PRICE_RANGE};
    static const enum notch_field curves[] = {NOTCH_FIELD_TREND, NOTCH_FIELD_VOLATILITY, NOTCH_FIELD_SEASONALITY};
    for (size_t field = 0; field < NOTCH_FIELD_COUNT; field++) {
        assert_int_equal(notch_mode_level(NOTCH_MODE_PRIVATE, (enum notch_field)field), NOTCH_LEVEL_FULL);
    }
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(prices); i++) {
        assert_int_equal(notch_mode_level(NOTCH_MODE_PUBLIC, prices[i]), NOTCH_LEVEL_FORBIDDEN);
    }
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(curves); i++) {
        assert_int_equal(notch_mode_level(NOTCH_MODE_CONSORTIUM, curves[i]), NOTCH_LEVEL_FULL);
        assert_int_equal(notch_mode_level(NOTCH_MODE_PUBLIC, curves[i]), NOTCH_LEVEL_NOISED);
    }
    assert_int_equal(notch_mode_level(NOTCH_MODE_CONSORTIUM, NOTCH_FIELD_POINT_PRICE), NOTCH_LEVEL_FORBIDDEN);
    assert_int_equal(notch_mode_level(NOTCH_MODE_CONSORTIUM, NOTCH_FIELD_PRICE_RANGE), NOTCH_LEVEL_BINNED);
    assert_int_equal(notch_mode_level(NOTCH_MODE_CONSORTIUM, NOTCH_FIELD_SUCCESS), NOTCH_LEVEL_AGGREGATED);
    assert_int_equal(notch_mode_level(NOTCH_MODE_CONSORTIUM, NOTCH_FIELD_MODEL), NOTCH_LEVEL_FULL);
    assert_int_equal(notch_mode_level(NOTCH_MODE_PUBLIC, NOTCH_FIELD_SUCCESS), NOTCH_LEVEL_FORBIDDEN);
    assert_int_equal(notch_mode_level(NOTCH_MODE_PUBLIC, NOTCH_FIELD_MODEL), NOTCH_LEVEL_FORBIDDEN);
}

static void test_names(void **state)
{
    (void)state;
    for (size_t mode = 0; mode < NOTCH_MODE_COUNT; mode++) {
        const char *name = notch_mode_name((enum notch_mode)mode);
        enum notch_mode back;
        assert_true(notch_mode_parse(&back, name, strlen(name)));
        assert_int_equal(back, mode);
        assert_false(notch_mode_parse(&back, name, strlen(name) - 1));
    }
    enum notch_mode mode;
    assert_false(notch_mode_parse(&mode, "Private", 7));
    assert_false(notch_mode_parse(&mode, "", 0));
}

static void check_grid(int64_t price, int64_t below, int64_t above)
{
    struct notch_price at = {price};
    assert_true(notch_grid_floor(at).raw == below);
    assert_true(notch_grid_ceil(at).raw == above);
    assert_int_equal(notch_grid_contains(at), below == price);
}

static void test_grid(void **state)
{
    (void)state;
    check_grid(0, 0, 0);
    check_grid(7, 7, 7);
    check_grid(99, 99, 99);
    check_grid(100, 100, 100);
    check_grid(101, 100, 110);
    check_grid(999, 990, 1000);
    check_grid(1340000, 1300000, 1400000);
    check_grid(995000, 990000, 1000000);
    check_grid(INT64_MAX, 9200000000000000000, 9200000000000000000);
}

static const char *grid_encloses(struct notch_gen *gen, void *context)
{
    (void)context;
    struct notch_price price = {(int64_t)(notch_gen_edge_u64(gen) >> 1)};
    struct notch_price below = notch_grid_floor(price);
    struct notch_price above = notch_grid_ceil(price);
    if (!notch_grid_contains(below) || !notch_grid_contains(above)) {
        return "what is rounded is on the grid";
    }
    if (below.raw > price.raw || (above.raw < price.raw && price.raw < INT64_MAX / 100 * 99)) {
        return "floor <= price <= ceil";
    }
    /* Neighbours on the grid are at most a tenth apart, so that a bin says something. */
    if (above.raw - below.raw > below.raw / 10 && below.raw >= 10) {
        return "a bin is at most a tenth wide";
    }
    return NULL;
}

static void test_grid_encloses(void **state)
{
    (void)state;
    assert_true(notch_property_holds("grid", 20000, 4, grid_encloses, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_grid),
        cmocka_unit_test(test_grid_encloses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
