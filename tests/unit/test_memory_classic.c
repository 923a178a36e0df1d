#include "ai/agent/memory/classic.h"
#include "ai/agent/memory/market.h"
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TO 1e-6 /* the figures of the design have seven digits */
#define HOUR_MS UINT64_C(3600000)

static const double history[] = {10, 12, 15, 11, 13};

static void near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.17g is not %.17g", value, expected);
    }
}

static void begin(struct notch_classic *classic)
{
    notch_classic_init(classic, notch_alloc_heap(), history, NOTCH_ARRAY_LEN(history));
}

/* design/vectors.md section 1, "Price memory". */
static void figures(void **state)
{
    (void)state;
    struct notch_classic classic;
    struct notch_memory_region regions[NOTCH_CLASSIC_BINS_MAX];
    begin(&classic);
    near(classic.sigma, 1.7204651, TO);
    near(classic.lo, 8.7590699, TO);
    near(classic.hi, 15.6409301, TO);
    near(classic.decay, 0.8, 1e-15);
    assert_int_equal(classic.bins, 10);
    near(notch_classic_bonus(&classic, 14), 0.8, TO);
    near(notch_classic_std(&classic, 14), 0.3440930, TO);
    assert_int_equal(notch_classic_regions(&classic, regions), 0);

    notch_classic_update(&classic, 14, 0.8);
    near(notch_classic_bonus(&classic, 14), 0.1471523, TO);
    near(notch_classic_bonus(&classic, 12), 0.9692465, TO);
    near(notch_classic_std(&classic, 14), 0.2353389, TO);
    near(notch_classic_confidence(&classic, 14), 1, TO);
    assert_int_equal(notch_classic_regions(&classic, regions), 1);
    near(regions[0].lo, 13.5763720, TO);
    near(regions[0].hi, 14.2645581, TO);
    near(notch_classic_bin(&classic, 14).lo, regions[0].lo, 0);
}

/* A classic market after the update of the figures, and two insights: one of 24 hours ago with confidence 1, one of now
 * with 0.5. */
static struct notch_market *market_with_peers(uint64_t now, size_t peers)
{
    struct notch_market_options options = notch_market_defaults();
    struct notch_market *market = malloc(sizeof *market);
    assert_non_null(market);
    options.mode = NOTCH_MARKET_CLASSIC;
    options.history = history;
    options.history_count = NOTCH_ARRAY_LEN(history);
    assert_int_equal(notch_market_init(market, &options, notch_alloc_heap()), NOTCH_OK);
    const struct notch_observation seen = {.has_time = true, .time_ms = now, .price = 14, .reward = 0.8};
    assert_int_equal(notch_market_observe(market, &seen, now).field, NOTCH_MARKET_FIELD_NONE);
    const struct notch_source sources[] = {{.author.raw = {1},
                                            .time_ms = now - 24 * HOUR_MS,
                                            .has_range = true,
                                            .lo = 13,
                                            .hi = 15,
                                            .trend = 0.5,
                                            .confidence = 1,
                                            .samples = 1},
                                           {.author.raw = {2},
                                            .time_ms = now,
                                            .has_range = true,
                                            .lo = 12,
                                            .hi = 14.5,
                                            .trend = -0.2,
                                            .confidence = 0.5,
                                            .samples = 1}};
    for (size_t i = 0; i < peers; i++) {
        assert_true(notch_sources_put(&market->sources, &sources[i]));
    }
    return market;
}

/* The same through a market, with what peers say. The figures are those of the formulas, worked out by hand. */
static void with_peers(void **state)
{
    (void)state;
    const uint64_t now = 1000 * HOUR_MS;
    struct notch_market *market = market_with_peers(now, 0);
    struct notch_market_answer answer;
    notch_market_ask(market, &answer, 14, now);
    near(answer.bonus, 0.1030066, TO);
    near(answer.std, 0.2163512, TO);
    near(answer.bonus_no_peers, 0.1030066, TO);
    near(answer.std_no_peers, 0.2163512, TO);
    near(answer.confidence, 1, TO);
    free(market);

    /* Weights 1/e and 1/2. */
    market = market_with_peers(now, 2);
    const double w1 = exp(-1);
    const double w2 = 0.5;
    notch_market_ask(market, &answer, 14, now);
    near(answer.bonus, 0.7 * 0.1471523 + 0.3 * (w1 * 0.25 + w2 * 0.6) / (w1 + w2), TO);
    near(answer.std, 0.7 * 0.2353389 + 0.3 * 0.1 * (w1 * 2 + w2 * 2.5) / (w1 + w2), TO);
    near(answer.bonus_no_peers, 0.1030066, TO);
    /* Nobody speaks of 9: a bonus of 1, and 0.2 sigma. */
    notch_market_ask(market, &answer, 9, now);
    near(answer.bonus - 0.7 * answer.bonus_own, 0.3, TO);
    near(answer.std - 0.7 * answer.std_own, 0.3 * 0.2 * 1.7204651, TO);
    free(market);
}

static void regions_with_peers(void **state)
{
    (void)state;
    const uint64_t now = 1000 * HOUR_MS;
    struct notch_market *market = market_with_peers(now, 2);
    struct notch_memory_region regions[NOTCH_MARKET_REGIONS_MAX];
    /* Regions: one is a day old, one has not more than half confidence; so only one's own is left. */
    assert_int_equal(notch_market_regions(market, regions, now), 1);
    near(regions[0].lo, 13.5763720, TO);
    /* A surer one that touches it joins it; one apart does not, and comes in only where 0.3 n reaches it. */
    struct notch_source third = {.author.raw = {3},
                                 .time_ms = now,
                                 .has_range = true,
                                 .lo = 14,
                                 .hi = 14.9,
                                 .trend = 0.9,
                                 .confidence = 0.9,
                                 .samples = 1};
    assert_true(notch_sources_put(&market->sources, &third));
    assert_int_equal(notch_market_regions(market, regions, now), 1);
    near(regions[0].lo, 13.5763720, TO);
    near(regions[0].hi, 14.9, TO);
    struct notch_source fourth = third;
    fourth.author.raw[0] = 4;
    fourth.lo = 9;
    fourth.hi = 10;
    fourth.trend = 0.95;
    assert_true(notch_sources_put(&market->sources, &fourth));
    assert_int_equal(notch_market_regions(market, regions, now), 2);
    near(regions[0].lo, 9, 0);
    near(regions[1].hi, 14.2645581, TO);
    free(market);
}

static void edges(void **state)
{
    (void)state;
    struct notch_classic classic;
    begin(&classic);
    /* A price on an edge belongs to the bin above; outside of the range the bins at the ends. */
    double edge = notch_classic_bin(&classic, 12).hi;
    near(notch_classic_bin(&classic, edge).lo, edge, 0);
    near(notch_classic_bin(&classic, nextafter(edge, 0)).hi, edge, 0);
    near(notch_classic_bin(&classic, 0.01).lo, classic.lo, 0);
    near(notch_classic_bin(&classic, 9e12).hi, classic.hi, 0);
    near(notch_classic_bin(&classic, classic.hi).hi, classic.hi, 0);
    /* A historical price beyond two sigma counts in the bin at the edge. */
    double far[40];
    for (size_t i = 0; i < 40; i++) {
        far[i] = i == 0 ? 100 : 10 + (double)(i % 5);
    }
    notch_classic_init(&classic, notch_alloc_heap(), far, 40);
    assert_true(classic.hi < 100);
    near(classic.visits[classic.bins - 1], 0.1, 1e-15);
}

static void degenerate_histories(void **state)
{
    (void)state;
    struct notch_classic classic;
    const double one[] = {7};
    const double same[] = {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1};
    const double quartiles[] = {5, 5, 5, 5, 5, 5, 5, 5, 9};
    notch_classic_init(&classic, notch_alloc_heap(), one, 1);
    assert_int_equal(classic.bins, 10);
    near(classic.sigma, 0, 0);
    near(classic.decay, 0, 0);
    near(classic.hi - classic.lo, 0, 0);
    notch_classic_update(&classic, 7, 1);
    notch_classic_update(&classic, 6, 1);
    assert_true(isfinite(notch_classic_bonus(&classic, 7)));
    near(notch_classic_std(&classic, 7), 0, 0);
    notch_classic_init(&classic, notch_alloc_heap(), same, NOTCH_ARRAY_LEN(same));
    assert_int_equal(classic.bins, 10);
    near(classic.sigma, 0, 0);
    notch_classic_init(&classic, notch_alloc_heap(), quartiles, NOTCH_ARRAY_LEN(quartiles));
    assert_int_equal(classic.bins, 100);
    assert_true(classic.sigma > 0);
}

/* Many prices close together and two far away: more bins than 10, by Freedman and Diaconis. */
static void bin_counts(void **state)
{
    (void)state;
    struct notch_classic classic;
    double prices[1000];
    for (size_t i = 0; i < 1000; i++) {
        prices[i] = 1 + (double)i / 1000;
    }
    notch_classic_init(&classic, notch_alloc_heap(), prices, 1000);
    /* 4 sigma / (2 * 0.4995 / 10) = 11.55 */
    assert_int_equal(classic.bins, 11);
    prices[0] = 50;
    prices[1] = 60;
    notch_classic_init(&classic, notch_alloc_heap(), prices, 1000);
    /* The lower end of the range is cut off at 0. */
    assert_int_equal(classic.bins, 64);
}

static void rate_moves(void **state)
{
    (void)state;
    struct notch_classic classic;
    begin(&classic);
    for (size_t i = 0; i < 500; i++) {
        notch_classic_update(&classic, 12, 0.1);
        near(classic.rate, 1, 0); /* equal means raise it, and 1 is the most */
    }
    notch_classic_update(&classic, 12, 0.2);
    near(classic.rate, 0.995, 1e-15);
    for (size_t i = 0; i < 8; i++) {
        notch_classic_update(&classic, 12, 0.2);
    }
    near(classic.rate, pow(0.995, 9), 1e-14);
    near(notch_classic_trend(&classic), 0.19, 1e-14);
    for (size_t i = 0; i < 10; i++) {
        notch_classic_update(&classic, 12, 0);
    }
    /* Six of the ten are better in the mean than the hundred, then equal or worse. */
    assert_true(classic.rate < 1 && classic.rate > pow(0.995, 19));
    assert_int_equal(classic.reward_count, NOTCH_CLASSIC_REWARDS);
    assert_int_equal(classic.updates, 519);

    /* Nine rewards are too few to change anything. */
    begin(&classic);
    for (size_t i = 0; i < 9; i++) {
        notch_classic_update(&classic, 12, (double)i);
    }
    near(classic.rate, 1, 0);
}

/* The nearest unexplored bin by true distance, on either side; and none left. */
static void explored(void **state)
{
    (void)state;
    struct notch_classic classic;
    begin(&classic);
    double width = (classic.hi - classic.lo) / classic.bins;
    for (uint32_t i = 0; i < classic.bins; i++) {
        if (i != 1) {
            notch_classic_update(&classic, classic.lo + (i + 0.5) * width, 0.5);
        }
    }
    double base = 0.1 * classic.sigma;
    near(notch_classic_std(&classic, classic.lo + 4.5 * width), base * (1 + exp(-3)), 1e-12);
    near(notch_classic_std(&classic, classic.lo + 0.5 * width), base * (1 + exp(-1)), 1e-12);
    near(notch_classic_std(&classic, classic.lo + 1.5 * width), 2 * base, 1e-12);
    notch_classic_update(&classic, classic.lo + 1.5 * width, 0.5);
    near(notch_classic_std(&classic, classic.lo + 4.5 * width), base * classic.rate, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures),
        cmocka_unit_test(with_peers),
        cmocka_unit_test(regions_with_peers),
        cmocka_unit_test(edges),
        cmocka_unit_test(degenerate_histories),
        cmocka_unit_test(bin_counts),
        cmocka_unit_test(rate_moves),
        cmocka_unit_test(explored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
