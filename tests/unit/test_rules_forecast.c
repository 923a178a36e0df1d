#include "ai/rules/forecast.h"
#include "tests/support/gen.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- ticks ---- */

static void ticks_are_logarithms(void **state)
{
    (void)state;
    struct notch_rng rng;
    notch_rng_init(&rng, 1);
    assert_int_equal(notch_forecast_tick((struct notch_price){1}), 0);
    assert_int_equal(notch_forecast_tick((struct notch_price){2}), NOTCH_TICK_ONE);
    assert_int_equal(notch_forecast_tick((struct notch_price){INT64_C(1) << 62}), 62 * NOTCH_TICK_ONE);
    assert_int_equal(notch_forecast_tick((struct notch_price){INT64_MAX}), NOTCH_TICK_MAX - 1);
    for (unsigned i = 0; i < 20000; i++) {
        int64_t price = (int64_t)(notch_rng_u64(&rng) >> (1 + notch_rng_below(&rng, 62)));
        price = price > 0 ? price : 1;
        double exact = log2((double)price) * NOTCH_TICK_ONE;
        double off = (double)notch_forecast_tick((struct notch_price){price}) - exact;
        assert_true(off < 1 && off > -2);
    }
}

static void the_midpoint_is_of_the_point_or_the_range(void **state)
{
    (void)state;
    struct notch_insight insight = {
        .mask = NOTCH_INSIGHT_RANGE | NOTCH_INSIGHT_TREND, .lo = {INT64_MAX - 2}, .hi = {INT64_MAX}, .point = {8}};
    uint32_t tick;
    assert_true(notch_forecast_midpoint(&tick, &insight));
    assert_int_equal(tick, NOTCH_TICK_MAX - 1);
    insight.mask |= NOTCH_INSIGHT_POINT;
    assert_true(notch_forecast_midpoint(&tick, &insight));
    assert_int_equal(tick, 3 * NOTCH_TICK_ONE);
    insight.point.raw = 0;
    assert_false(notch_forecast_midpoint(&tick, &insight));
    insight.mask = NOTCH_INSIGHT_TREND;
    assert_false(notch_forecast_midpoint(&tick, &insight));
}

/* ---- outcomes ---- */

/* The lower weighted median by its definition: the least tick with at least half of the weight at or below it. */
static bool brute_median(uint32_t *tick, const struct notch_forecast_point *points, size_t count, uint32_t cluster)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += points[i].cluster != cluster ? points[i].weight : 0;
    }
    bool found = false;
    for (size_t i = 0; i < count && total > 0; i++) {
        uint64_t below = 0;
        for (size_t j = 0; j < count; j++) {
            below += points[j].cluster != cluster && points[j].tick <= points[i].tick ? points[j].weight : 0;
        }
        if (2 * below >= total && (!found || points[i].tick < *tick)) {
            *tick = points[i].tick;
            found = true;
        }
    }
    return found;
}

static const char *median(struct notch_gen *gen, void *context)
{
    (void)context;
    struct notch_forecast_point points[24];
    size_t count = (size_t)notch_gen_below(gen, 24);
    for (size_t i = 0; i < count; i++) {
        points[i].tick = (uint32_t)notch_gen_below(gen, notch_gen_below(gen, 2) == 0 ? 8 : NOTCH_TICK_MAX);
        points[i].cluster = (uint32_t)notch_gen_below(gen, 4);
        points[i].weight = notch_gen_below(gen, 3) == 0 ? NOTCH_FORECAST_WEIGHT_MAX : notch_gen_below(gen, 10);
    }
    uint32_t expected = 0;
    bool is_expected = brute_median(&expected, points, count, 2);
    notch_forecast_sort(points, count);
    uint32_t found = 0;
    bool is_found = notch_forecast_outcome(&found, points, count, 2);
    if (is_found != is_expected) {
        return "an outcome out of nothing, or none";
    }
    return found == expected ? NULL : "another median";
}

static void the_outcome_is_the_weighted_median(void **state)
{
    (void)state;
    assert_true(notch_property_holds("median", 5000, 11, median, NULL));
}

/* Whatever a cluster says, and with whatever weight, its own outcome stays. */
static const char *own_words(struct notch_gen *gen, void *context)
{
    (void)context;
    struct notch_forecast_point points[20];
    for (size_t i = 0; i < 20; i++) {
        points[i] = (struct notch_forecast_point){(uint32_t)notch_gen_below(gen, 1000), (uint32_t)i % 4,
                                                  1 + notch_gen_below(gen, 100)};
    }
    struct notch_forecast_point moved[20];
    memcpy(moved, points, sizeof points);
    for (size_t i = 0; i < 20; i++) {
        if (moved[i].cluster == 1) {
            moved[i].tick = (uint32_t)notch_gen_below(gen, NOTCH_TICK_MAX);
            moved[i].weight = NOTCH_FORECAST_WEIGHT_MAX;
        }
    }
    uint32_t before = 0;
    uint32_t after = 1;
    notch_forecast_sort(points, 20);
    notch_forecast_sort(moved, 20);
    bool is_both = notch_forecast_outcome(&before, points, 20, 1) && notch_forecast_outcome(&after, moved, 20, 1);
    return is_both && before == after ? NULL : "moved by its own words";
}

static void nobody_is_judged_by_its_own_words(void **state)
{
    (void)state;
    assert_true(notch_property_holds("own words", 2000, 12, own_words, NULL));
}

/* ---- the loss ---- */

static double normal(struct notch_rng *rng)
{
    double sum = -6;
    for (int i = 0; i < 12; i++) {
        sum += (double)notch_rng_below(rng, 1000000) / 1e6;
    }
    return sum;
}

static struct notch_forecast spread_of(double middle, double sigma)
{
    static const double z[NOTCH_QUANTILES] = {-1.2816, -0.8416, -0.5244, -0.2533, 0, 0.2533, 0.5244, 0.8416, 1.2816};
    struct notch_forecast forecast;
    for (size_t k = 0; k < NOTCH_QUANTILES; k++) {
        forecast.q[k] = (uint32_t)lround(middle + sigma * z[k]);
    }
    return forecast;
}

/* Over many outcomes, the honest report loses less than one that is shifted, too narrow or too wide. */
static void honesty_is_the_best_report(void **state)
{
    (void)state;
    const double middle = 1000000;
    const double sigma = 3000;
    struct notch_forecast reports[] = {
        spread_of(middle, sigma),        spread_of(middle + 600, sigma), spread_of(middle - 600, sigma),
        spread_of(middle, sigma * 0.75), spread_of(middle, sigma * 1.3), spread_of(middle, 0),
    };
    uint64_t losses[NOTCH_ARRAY_LEN(reports)] = {0};
    struct notch_rng rng;
    notch_rng_init(&rng, 2);
    for (unsigned i = 0; i < 40000; i++) {
        uint32_t outcome = (uint32_t)lround(middle + sigma * normal(&rng));
        for (size_t r = 0; r < NOTCH_ARRAY_LEN(reports); r++) {
            losses[r] += notch_forecast_loss(&reports[r], outcome);
        }
    }
    for (size_t r = 1; r < NOTCH_ARRAY_LEN(reports); r++) {
        assert_true(losses[0] < losses[r]);
    }
}

static void losses_by_hand(void **state)
{
    (void)state;
    struct notch_forecast steps = {{10, 20, 30, 40, 50, 60, 70, 80, 90}};
    struct notch_forecast low = {{0}};
    struct notch_forecast high;
    for (size_t k = 0; k < NOTCH_QUANTILES; k++) {
        high.q[k] = NOTCH_TICK_MAX;
    }
    /* At 50: 1*40 + 2*30 + 3*20 + 4*10 below, the same above. */
    assert_int_equal(notch_forecast_loss(&steps, 50), 2 * (40 + 60 + 60 + 40));
    assert_int_equal(notch_forecast_loss(&low, NOTCH_TICK_MAX), 45 * (uint64_t)NOTCH_TICK_MAX);
    assert_int_equal(notch_forecast_loss(&high, 0), 45 * (uint64_t)NOTCH_TICK_MAX);
    assert_int_equal(notch_forecast_loss(&low, 0), 0);
}

/* ---- against the naive one ---- */

static void the_naive_forecast_scores_half(void **state)
{
    (void)state;
    struct notch_forecast_past past = {0};
    static const uint32_t outcomes[] = {1000000, 1003200, 999000, 1001000, 1000500};
    for (size_t i = 0; i < 3; i++) {
        notch_forecast_learn(&past, outcomes[i]);
    }
    assert_int_equal(past.seen, 3);
    assert_int_equal(past.tick, 999000);
    /* Moves 3200, then 4200: 3200 + 1000 / 8, in sixteenths. */
    assert_int_equal(past.spread, 16 * 3200 + 16 * 1000 / 8);
    struct notch_forecast naive;
    notch_forecast_naive(&naive, &past);
    assert_int_equal(naive.q[4], 999000);
    assert_int_equal(naive.q[8] - naive.q[4], 3325 * 105264 / 65536);
    assert_int_equal(naive.q[4] - naive.q[0], 3325 * 105264 / 65536);
    assert_int_equal(notch_forecast_score(&naive, &past, outcomes[3]), NOTCH_SCORE_NAIVE);
    struct notch_forecast exact = spread_of(outcomes[3], 0);
    struct notch_forecast wrong = spread_of(outcomes[3] + 3000, 0);
    assert_true(notch_forecast_score(&exact, &past, outcomes[3]) > NOTCH_SCORE_NAIVE);
    assert_true(notch_forecast_score(&wrong, &past, outcomes[3]) < NOTCH_SCORE_NAIVE);
    wrong = spread_of(4000000, 0);
    assert_int_equal(notch_forecast_score(&wrong, &past, outcomes[3]), 0);
}

/* At the ends of everything: bounded, in order, and no overflow (the sanitizers look on). */
static const char *ends(struct notch_gen *gen, void *context)
{
    (void)context;
    static const uint32_t at[4] = {0, 1, NOTCH_TICK_MAX - 1, NOTCH_TICK_MAX};
    struct notch_forecast_past past = {0};
    for (unsigned i = 0; i < 3 + notch_gen_below(gen, 20); i++) {
        notch_forecast_learn(&past, at[notch_gen_below(gen, 4)]);
    }
    struct notch_forecast naive;
    notch_forecast_naive(&naive, &past);
    struct notch_forecast mine;
    uint32_t last = 0;
    for (size_t k = 0; k < NOTCH_QUANTILES; k++) {
        uint32_t q = at[notch_gen_below(gen, 4)];
        last = q > last ? q : last;
        mine.q[k] = last;
        if (naive.q[k] > NOTCH_TICK_MAX || (k > 0 && naive.q[k] < naive.q[k - 1])) {
            return "the naive forecast is none";
        }
    }
    uint32_t score = notch_forecast_score(&mine, &past, at[notch_gen_below(gen, 4)]);
    return score <= NOTCH_SCORE_ONE ? NULL : "a score out of bounds";
}

static void scores_hold_at_the_ends(void **state)
{
    (void)state;
    assert_true(notch_property_holds("ends", 3000, 13, ends, NULL));
}

/* ---- bytes ---- */

static void solutions_have_one_form(void **state)
{
    (void)state;
    struct notch_forecast forecasts[2] = {spread_of(1000000, 3000), {{0, 0, 0, 1, 1, 1, 7, 7, NOTCH_TICK_MAX}}};
    struct notch_forecast back[2];
    struct notch_buf bytes;
    notch_buf_init(&bytes, notch_alloc_heap());
    notch_forecast_encode(&bytes, forecasts, 2);
    assert_true(notch_is_valid(notch_forecast_decode(back, 2, notch_buf_bytes(&bytes))));
    assert_memory_equal(back, forecasts, sizeof back);
    assert_int_equal(notch_forecast_decode(back, 1, notch_buf_bytes(&bytes)).code, NOTCH_REJECT_MALFORMED);
    for (size_t len = 0; len < bytes.len; len++) {
        assert_false(notch_is_valid(notch_forecast_decode(back, 2, notch_bytes(bytes.data, len))));
    }
    bytes.data[bytes.len - 3]++; /* the last step: beyond the end */
    assert_false(notch_is_valid(notch_forecast_decode(back, 2, notch_buf_bytes(&bytes))));
    notch_buf_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_logarithms),
        cmocka_unit_test(the_midpoint_is_of_the_point_or_the_range),
        cmocka_unit_test(the_outcome_is_the_weighted_median),
        cmocka_unit_test(nobody_is_judged_by_its_own_words),
        cmocka_unit_test(honesty_is_the_best_report),
        cmocka_unit_test(losses_by_hand),
        cmocka_unit_test(the_naive_forecast_scores_half),
        cmocka_unit_test(scores_hold_at_the_ends),
        cmocka_unit_test(solutions_have_one_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
