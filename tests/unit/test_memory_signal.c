#include "ai/agent/signal/medoids.h"
#include "ai/agent/signal/robust.h"
#include "ai/agent/signal/spectrum.h"
#include "ai/agent/signal/stl.h"
#include "base/rng.h"
#include "tests/support/vectors.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CO2 348
#define PI 3.14159265358979323846

static void near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.17g is not %.17g", value, expected);
    }
}

/* ---- robust ---- */

static void middles(void **state)
{
    (void)state;
    double scratch[16];
    const double five[] = {15, 10, 13, 11, 12};
    double sorted[] = {15, 10, 13, 11, 12};
    near(notch_median(five, 5, scratch), 12, 0);
    near(notch_median(five, 4, scratch), 12, 0); /* between 11 and 13 */
    notch_sort(sorted, 5);
    near(notch_quantile_sorted(sorted, 5, 0.25), 11, 0);
    near(notch_quantile_sorted(sorted, 5, 0.75), 13, 0);
    near(notch_quantile_sorted(sorted, 4, 0.25), 10.75, 1e-15);
    near(notch_quantile_sorted(sorted, 1, 0.9), 10, 0);
    near(notch_deviation(five, 5), 1.7204650534085253, 1e-15);
    near(notch_deviation(five, 1), 0, 0);

    /* Sums that lose everything without compensation, and means of equal values. */
    const double cancel[] = {1, 1e100, 1, -1e100};
    near(notch_sum(cancel, 4), 2, 0);
    double equal[100];
    for (size_t i = 0; i < 100; i++) {
        equal[i] = 0.1;
    }
    for (size_t i = 1; i <= 100; i++) {
        near(notch_sum(equal, i) / (double)i, 0.1, 2e-17);
    }
}

static void median_distances(void **state)
{
    (void)state;
    double scratch[16];
    /* Wikipedia, "Median absolute deviation": 1, 1, 2, 2, 4, 6, 9 has median 2 and mad 1. */
    const double wiki[] = {1, 1, 2, 2, 4, 6, 9};
    near(notch_median(wiki, 7, scratch), 2, 0);
    near(notch_mad(wiki, 7, 2, scratch), 1, 0);
    /* R's documentation of mad(): 1..9 and 1..8, 100 give the same, 2.9652. */
    const double straight[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    const double wild[] = {1, 2, 3, 4, 5, 6, 7, 8, 100};
    near(NOTCH_HAMPEL_SCALE * notch_mad(straight, 9, 5, scratch), 2.9652, 1e-12);
    near(NOTCH_HAMPEL_SCALE * notch_mad(wild, 9, 5, scratch), 2.9652, 1e-12);
    near(notch_robust_z(100, wild, 9, scratch), 0.6745 * 95 / 2, 1e-12);
    near(notch_robust_z(5, wild, 9, scratch), 0, 0);
    /* More than half are equal: the mean distance takes over. */
    const double flat[] = {3, 3, 3, 3, 8};
    near(notch_robust_z(8, flat, 5, scratch), 5 / 1.253314, 1e-9);
    const double same[] = {3, 3, 3};
    near(notch_robust_z(3, same, 3, scratch), 0, 0);
    assert_true(notch_robust_z(4, same, 3, scratch) > 1e300);
    assert_true(notch_robust_z(2, same, 3, scratch) < -1e300);
}

/* Leys et al., "Detecting outliers", Journal of Experimental Social Psychology 49 (2013): of 1, 3, 3, 6, 8, 10, 10,
 * 1000 the median is 7, the scaled mad 5.1891, and 1000 alone is beyond 3 of them. */
static void hampel(void **state)
{
    (void)state;
    const double leys[] = {1, 3, 3, 6, 8, 10, 10, 1000};
    double scratch[64];
    double out[8];
    bool is_outlier[8];
    near(NOTCH_HAMPEL_SCALE * notch_mad(leys, 8, 7, scratch), 5.1891, 1e-12);
    assert_int_equal(notch_hampel(out, is_outlier, leys, 8, 7, 3, scratch), 1);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(is_outlier[i], i == 7);
        near(out[i], i == 7 ? 7 : leys[i], 0);
    }
    /* Windows shrink at the ends: the third value of five stands out of its own five, the rest stays. */
    const double spike[] = {1, 2, 50, 3, 4};
    assert_int_equal(notch_hampel(out, NULL, spike, 5, 2, 3, scratch), 1);
    near(out[2], 3, 0);
    near(out[0], 1, 0);
    near(out[4], 4, 0);
    /* A window of one value: nothing stands out of itself. */
    assert_int_equal(notch_hampel(out, NULL, spike, 5, 0, 3, scratch), 0);
    /* More than half of a window equal: whatever differs stands out. */
    const double flat[] = {5, 5, 5, 5.5, 5};
    assert_int_equal(notch_hampel(out, NULL, flat, 5, 2, 3, scratch), 1);
    near(out[3], 5, 0);
}

/* ---- STL ---- */

static void stl_golden(void **state)
{
    (void)state;
    json_t *vectors = notch_test_vectors_open("tests/vectors/stl.json");
    const json_t *series = notch_test_vectors_rows(vectors, "co2", CO2);
    const json_t *scenarios = notch_test_vectors_rows(vectors, "scenarios", 5);
    double values[CO2];
    double season[CO2];
    double trend[CO2];
    double weights[CO2];
    size_t checked = 0;
    for (size_t i = 0; i < CO2; i++) {
        values[i] = json_number_value(json_array_get(series, i));
    }
    for (size_t s = 0; s < 5; s++) {
        const json_t *scenario = json_array_get(scenarios, s);
        size_t count = (size_t)json_integer_value(json_object_get(scenario, "count"));
        struct notch_stl_options options = {
            .period = 12,
            .season = {35, 4, 1},
            .trend = {19, (size_t)json_integer_value(json_object_get(scenario, "trend_jump")), 1},
            .low_pass = {13, (size_t)json_integer_value(json_object_get(scenario, "low_pass_jump")), 1},
            .inner = 1,
            .outer = 2};
        assert_int_equal(notch_stl(season, trend, weights, values, count, &options, notch_alloc_heap()), NOTCH_OK);
        const json_t *rows = json_object_get(scenario, "rows");
        for (size_t i = 0; i < json_array_size(rows); i++) {
            const json_t *row = json_array_get(rows, i);
            size_t at = (size_t)json_integer_value(json_array_get(row, 0));
            assert_true(at < count);
            near(season[at], json_number_value(json_array_get(row, 1)), 1e-9);
            near(trend[at], json_number_value(json_array_get(row, 2)), 1e-9);
            near(weights[at], json_number_value(json_array_get(row, 3)), 1e-9);
            checked++;
        }
    }
    assert_int_equal(checked, 348 + 4 * 50);
    json_decref(vectors);
}

/* A season and a line without noise come back, whatever robustness does; and a spike goes into the rest. */
static void stl_recovers(void **state)
{
    (void)state;
    static const double wave[] = {-3, -1, 0, 4, 2, -2, 0};
    enum { COUNT = 70, PERIOD = 7 };
    double values[COUNT];
    double season[COUNT];
    double trend[COUNT];
    double weights[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = 100 + 0.5 * (double)i + wave[i % PERIOD];
    }
    struct notch_stl_options options = notch_stl_defaults(PERIOD, NOTCH_STL_PLAIN);
    options.season.length = 35;
    options.inner = 20;
    assert_int_equal(notch_stl(season, trend, weights, values, COUNT, &options, notch_alloc_heap()), NOTCH_OK);
    for (size_t i = 0; i < COUNT; i++) {
        near(season[i] + trend[i], values[i], 1e-6);
        near(season[i], wave[i % PERIOD], 1e-2);
        near(weights[i], 1, 0);
    }
    /* The weights go by the usual noise: there has to be some. */
    for (size_t i = 0; i < COUNT; i++) {
        values[i] += 0.1 * (double)(i * i % 11) - 0.5;
    }
    values[40] += 1000;
    options = notch_stl_defaults(PERIOD, NOTCH_STL_ROBUST);
    assert_int_equal(notch_stl(season, trend, weights, values, COUNT, &options, notch_alloc_heap()), NOTCH_OK);
    near(weights[40], 0, 0);
    near(values[40] - season[40] - trend[40], 1000, 5);
}

static void stl_bounds(void **state)
{
    (void)state;
    double values[48] = {0};
    double out[3][48];
    const struct notch_stl_options good = notch_stl_defaults(12, NOTCH_STL_ROBUST);
    struct notch_stl_options bad[7] = {good, good, good, good, good, good, good};
    bad[0].period = 1;
    bad[1].season.length = 8;
    bad[2].trend.length = 1;
    bad[3].low_pass.jump = 0;
    bad[4].inner = 0;
    bad[5].season.degree = 2;
    bad[6].period = 25; /* not two of them */
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(notch_stl(out[0], out[1], out[2], values, 48, &bad[i], notch_alloc_heap()), NOTCH_ERR_RANGE);
    }
    /* The shortest series, and one without any change. */
    assert_int_equal(notch_stl(out[0], out[1], out[2], values, 24, &good, notch_alloc_heap()), NOTCH_OK);
    for (size_t i = 0; i < 24; i++) {
        near(out[0][i], 0, 0);
        near(out[1][i], 0, 0);
    }
}

/* ---- spectrum ---- */

static void cycle_is_found(void **state)
{
    (void)state;
    struct notch_rng rng;
    double values[400];
    double strength;
    notch_rng_init(&rng, 7);
    static const size_t cycles[] = {2, 4, 7, 12, 24, 52, 100};
    for (size_t c = 0; c < NOTCH_ARRAY_LEN(cycles); c++) {
        for (size_t i = 0; i < 400; i++) {
            double noise = (double)notch_rng_below(&rng, 1000) / 1000 - 0.5;
            values[i] = 10 + 0.01 * (double)i + sin(2 * PI * (double)i / (double)cycles[c] + 0.7) + noise;
        }
        size_t found = notch_spectrum_cycle(&strength, values, 400, notch_alloc_heap());
        assert_in_range(found, cycles[c] - cycles[c] / 50, cycles[c] + cycles[c] / 50);
        assert_true(strength > 0.5);
    }
}

static void no_cycle_in_noise(void **state)
{
    (void)state;
    struct notch_rng rng;
    double values[300];
    size_t found = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        notch_rng_init(&rng, seed);
        for (size_t i = 0; i < 300; i++) {
            values[i] = (double)notch_rng_below(&rng, 1000000);
        }
        found += notch_spectrum_cycle(NULL, values, 300, notch_alloc_heap()) != 0;
    }
    assert_true(found <= 10);
    for (size_t i = 0; i < 300; i++) {
        values[i] = 3.7 * (double)i;
    }
    assert_int_equal(notch_spectrum_cycle(NULL, values, 300, notch_alloc_heap()), 0);
    assert_int_equal(notch_spectrum_cycle(NULL, values, 8, notch_alloc_heap()), 0);
    memset(values, 0, sizeof values);
    assert_int_equal(notch_spectrum_cycle(NULL, values, 300, notch_alloc_heap()), 0);
}

static void power_has_its_line(void **state)
{
    (void)state;
    double values[64];
    double power[33];
    for (size_t i = 0; i < 64; i++) {
        values[i] = cos(2 * PI * 8 * (double)i / 64);
    }
    notch_spectrum_power(power, 64, values, 64, notch_alloc_heap());
    for (size_t k = 0; k < 33; k++) {
        assert_true(k == 8 || power[k] < power[8]);
        assert_true((k >= 6 && k <= 10) || power[k] < 0.01 * power[8]);
    }
}

/* ---- medoids ---- */

static void groups_are_found(void **state)
{
    (void)state;
    enum { EACH = 20, GROUPS = 3 };
    static const double centre[GROUPS][2] = {{0, 0}, {10, 0}, {0, 10}};
    struct notch_rng rng;
    struct notch_medoids medoids;
    double features[EACH * GROUPS][2];
    uint32_t group[EACH * GROUPS];
    notch_rng_init(&rng, 3);
    for (size_t i = 0; i < EACH * GROUPS; i++) {
        for (size_t c = 0; c < 2; c++) {
            features[i][c] = centre[i % GROUPS][c] + (double)notch_rng_below(&rng, 1000) / 500;
        }
    }
    notch_medoids_best(&medoids, group, features[0], EACH * GROUPS, 2, 8, notch_alloc_heap());
    assert_int_equal(medoids.k, GROUPS);
    assert_true(medoids.silhouette > 0.6);
    for (size_t i = GROUPS; i < EACH * GROUPS; i++) {
        assert_int_equal(group[i], group[i % GROUPS]);
    }
    for (size_t g = 0; g < medoids.k; g++) {
        assert_int_equal(group[medoids.middle[g]], g);
    }
}

static double least_cost_of_two(const double *features, size_t count)
{
    double best = INFINITY;
    for (size_t pair = 0; pair < count * count; pair++) {
        double cost = 0;
        for (size_t i = 0; i < count; i++) {
            cost += fmin(fabs(features[i] - features[pair / count]), fabs(features[i] - features[pair % count]));
        }
        best = fmin(best, cost);
    }
    return best;
}

/* The cost of every pair of middles, tried out: the swaps end in the least, or near it where a hollow catches them. */
static void groups_are_best(void **state)
{
    (void)state;
    enum { COUNT = 24 };
    struct notch_rng rng;
    struct notch_medoids medoids;
    double features[COUNT];
    uint32_t group[COUNT];
    size_t hits = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        notch_rng_init(&rng, seed);
        for (size_t i = 0; i < COUNT; i++) {
            features[i] = (double)notch_rng_below(&rng, 1000);
        }
        double best = least_cost_of_two(features, COUNT);
        notch_medoids(&medoids, group, features, COUNT, 1, 2, notch_alloc_heap());
        assert_true(medoids.cost >= best - 1e-9);
        assert_true(medoids.cost <= 1.1 * best);
        hits += medoids.cost <= best + 1e-9;
        assert_true(medoids.middle[0] < medoids.middle[1]);
    }
    assert_true(hits >= 15);
}

static void features_are_scaled(void **state)
{
    (void)state;
    double features[] = {1, 7, 2, 7, 3, 7, 4, 7, 1000, 8};
    notch_medoids_scale(features, 5, 2, notch_alloc_heap());
    near(features[0], -2, 1e-12);
    near(features[2], -1, 1e-12);
    near(features[4], 0, 0);
    near(features[8], NOTCH_MEDOIDS_BOUND, 0);
    near(features[1], 0, 0);
    near(features[9], NOTCH_MEDOIDS_BOUND, 0); /* 5 times the mean distance */
    /* One thing, and things that are all the same: one group. */
    struct notch_medoids medoids;
    uint32_t group[4];
    const double same[] = {2, 2, 2, 2};
    notch_medoids_best(&medoids, group, same, 4, 1, 3, notch_alloc_heap());
    assert_int_equal(medoids.k, 1);
    notch_medoids_best(&medoids, group, same, 1, 1, 1, notch_alloc_heap());
    assert_int_equal(medoids.k, 1);
    assert_int_equal(group[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(middles),          cmocka_unit_test(median_distances),  cmocka_unit_test(hampel),
        cmocka_unit_test(stl_golden),       cmocka_unit_test(stl_recovers),      cmocka_unit_test(stl_bounds),
        cmocka_unit_test(cycle_is_found),   cmocka_unit_test(no_cycle_in_noise), cmocka_unit_test(power_has_its_line),
        cmocka_unit_test(groups_are_found), cmocka_unit_test(groups_are_best),   cmocka_unit_test(features_are_scaled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
