#include "ai/agent/memory/bins.h"
#include "ai/agent/memory/insight.h"
#include "ai/agent/memory/memory.h"
#include "ai/agent/memory/number.h"
#include "base/rng.h"
#include "chain/entry.h"
#include "chain/mode.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY NOTCH_MARKET_DAY_MS
#define START (UINT64_C(18000) * DAY)

static void near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.17g is not %.17g", value, expected);
    }
}

static struct notch_market *begin_with(uint64_t half_life_days)
{
    struct notch_market *market = malloc(sizeof *market);
    struct notch_market_options options = notch_market_defaults();
    options.half_life_ms = half_life_days * DAY;
    assert_non_null(market);
    assert_int_equal(notch_market_init(market, &options, notch_alloc_heap()), NOTCH_OK);
    return market;
}

static enum notch_market_field see(struct notch_market *market, uint64_t time_ms, double price, double reward)
{
    const struct notch_observation seen = {.has_time = true, .time_ms = time_ms, .price = price, .reward = reward};
    return notch_market_observe(market, &seen, 0).field;
}

static double uniform(struct notch_rng *rng)
{
    return (double)(notch_rng_u64(rng) >> 11) / 9007199254740992.0;
}

static void bytes_of(struct notch_buf *out, const struct notch_market *market)
{
    struct notch_writer writer = notch_writer_grow(out);
    notch_buf_clear(out);
    notch_market_write(&writer, market);
}

/* ---- public bins ---- */

static void bins_hold_their_prices(void **state)
{
    (void)state;
    struct notch_rng rng;
    notch_rng_init(&rng, 1);
    uint32_t before = 0;
    for (int64_t price = 1; price < 5000; price++) {
        uint32_t bin = notch_bin_of(price);
        assert_true(bin >= before);
        before = bin;
        assert_true(notch_bin_is_used(bin));
        assert_true(notch_bin_lo(bin) <= price && price < notch_bin_hi(bin));
    }
    for (size_t i = 0; i < 100000; i++) {
        int64_t price = (int64_t)(notch_rng_u64(&rng) >> (1 + notch_rng_below(&rng, 62)));
        price = price == 0 ? 1 : price;
        uint32_t bin = notch_bin_of(price);
        int64_t lo = notch_bin_lo(bin);
        int64_t hi = notch_bin_hi(bin);
        assert_true(lo <= price && (price < hi || hi == INT64_MAX));
        assert_true(price < 32 || (double)(hi - lo) <= (double)price / 31);
    }
    assert_int_equal(notch_bin_of(INT64_MAX), NOTCH_BINS_COUNT - 1);
    assert_int_equal(notch_bin_hi(NOTCH_BINS_COUNT - 1), INT64_MAX);
    assert_false(notch_bin_is_used(1));
    assert_int_equal(notch_bin_micro(1e-9), 1);
    assert_int_equal(notch_bin_micro(1.35), 1350000);
}

/* ---- what is refused ---- */

static void absurd_input_is_refused(void **state)
{
    (void)state;
    struct notch_market *market = begin_with(1);
    struct notch_buf before;
    struct notch_buf after;
    notch_buf_init(&before, notch_alloc_heap());
    notch_buf_init(&after, notch_alloc_heap());
    for (uint64_t i = 0; i < 10; i++) {
        assert_int_equal(see(market, START + i * DAY, 10 + (double)i / 10, 1), NOTCH_MARKET_FIELD_NONE);
    }
    uint64_t now = START + 9 * DAY;
    bytes_of(&before, market);
    static const struct {
        double price, reward;
        int64_t days;
        enum notch_market_field field;
    } bad[] = {
        {NAN, 1, 10, NOTCH_MARKET_FIELD_PRICE},        {INFINITY, 1, 10, NOTCH_MARKET_FIELD_PRICE},
        {0, 1, 10, NOTCH_MARKET_FIELD_PRICE},          {-0.0, 1, 10, NOTCH_MARKET_FIELD_PRICE},
        {-3, 1, 10, NOTCH_MARKET_FIELD_PRICE},         {1e-7, 1, 10, NOTCH_MARKET_FIELD_PRICE},
        {1e13, 1, 10, NOTCH_MARKET_FIELD_PRICE},       {10, NAN, 10, NOTCH_MARKET_FIELD_REWARD},
        {10, INFINITY, 10, NOTCH_MARKET_FIELD_REWARD}, {10, -1e13, 10, NOTCH_MARKET_FIELD_REWARD},
        {10, 1, 8, NOTCH_MARKET_FIELD_TIME},           {10, 1, 4000, NOTCH_MARKET_FIELD_TIME},
    };
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(bad); i++) {
        assert_int_equal(see(market, START + (uint64_t)bad[i].days * DAY, bad[i].price, bad[i].reward), bad[i].field);
    }
    const struct notch_observation timeless = {.price = 10, .reward = 1};
    assert_int_equal(notch_market_observe(market, &timeless, 0).field, NOTCH_MARKET_FIELD_TIME);
    struct notch_observation ahead = {.has_time = true, .time_ms = now + 3 * DAY, .price = 10, .reward = 1};
    assert_int_equal(notch_market_observe(market, &ahead, now).field, NOTCH_MARKET_FIELD_TIME);
    ahead.has_quantity = true;
    ahead.quantity = -1;
    ahead.time_ms = now;
    assert_int_equal(notch_market_observe(market, &ahead, now).field, NOTCH_MARKET_FIELD_QUANTITY);
    assert_int_equal(market->refused, NOTCH_ARRAY_LEN(bad) + 3);
    /* Nothing but the count of refusals moved. */
    market->refused = 0;
    bytes_of(&after, market);
    assert_true(notch_bytes_eq(notch_buf_bytes(&before), notch_buf_bytes(&after)));
    notch_buf_fini(&after);
    notch_buf_fini(&before);
    free(market);
}

/* One price a thousand times too high changes no answer; a new level that lasts is believed. */
static void slips_do_not_poison(void **state)
{
    (void)state;
    struct notch_market *market = begin_with(1000);
    struct notch_market_answer before;
    struct notch_market_answer after;
    for (uint64_t i = 0; i < 50; i++) {
        assert_int_equal(see(market, START + i * DAY, 10 + (double)(i % 7) / 10, 1), NOTCH_MARKET_FIELD_NONE);
    }
    notch_market_ask(market, &before, 10.2, START + 50 * DAY);
    assert_int_equal(see(market, START + 50 * DAY, 10000, 1), NOTCH_MARKET_FIELD_PRICE);
    assert_int_equal(see(market, START + 50 * DAY, 0.01, 1), NOTCH_MARKET_FIELD_PRICE);
    notch_market_ask(market, &after, 10.2, START + 50 * DAY);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(market->anomalies, 0);
    /* Twice the price is unheard of here, but possible. */
    assert_int_equal(see(market, START + 50 * DAY, 20, 1), NOTCH_MARKET_FIELD_NONE);
    assert_int_equal(market->anomalies, 1);
    /* A change of the currency: refused at first, then it is the price. */
    size_t refused = 0;
    for (uint64_t i = 51; i < 90; i++) {
        refused += see(market, START + i * DAY, 5000 + (double)i, 1) == NOTCH_MARKET_FIELD_PRICE;
    }
    assert_int_equal(refused, NOTCH_GATE_RUN - 1);
    free(market);
}

/* Whether the chain would take it: its form in that mode, and its bytes. */
static bool is_of_the_chain(const struct notch_insight *insight, enum notch_mode mode)
{
    const struct notch_rules rules = {.mode = mode, .aggregate_min = 1};
    const struct notch_form form = {.rules = &rules, .ts = {insight->period.start.raw + insight->period.length_ms}};
    struct notch_entry entry = {.type = NOTCH_ENTRY_INSIGHT, .as.insight = *insight};
    struct notch_entry again;
    struct notch_buf bytes;
    notch_buf_init(&bytes, notch_alloc_heap());
    struct notch_writer writer = notch_writer_grow(&bytes);
    notch_entry_row(NOTCH_ENTRY_INSIGHT)->write(&writer, &entry);
    struct notch_reject reject = notch_entry_decode(&again, NOTCH_ENTRY_INSIGHT, notch_buf_bytes(&bytes));
    notch_buf_fini(&bytes);
    return notch_is_valid(reject) && notch_is_valid(notch_entry_check(&again, &form));
}

/* Nothing, and one observation: every answer is a number. */
static void little_is_enough(void **state)
{
    (void)state;
    struct notch_market *market = begin_with(1);
    struct notch_memory_region regions[NOTCH_MARKET_REGIONS_MAX];
    struct notch_market_answer answer;
    struct notch_series_outlook outlook;
    struct notch_insight insight;
    const struct notch_hash id = {{1}};
    for (uint64_t i = 0; i < 2; i++) {
        notch_market_ask(market, &answer, 3, START);
        assert_true(isfinite(answer.bonus) && answer.bonus >= 0);
        assert_true(isfinite(answer.std) && answer.std > 0);
        assert_true(answer.confidence >= 0 && answer.confidence < 1);
        notch_series_outlook(&market->series, &outlook, notch_alloc_heap());
        near(outlook.trend, 0, 0);
        assert_int_equal(outlook.cycle, 0);
        assert_int_equal(notch_market_regions(market, regions, START), i);
        enum notch_err err = notch_market_insight(market, &insight, &id, notch_alloc_heap());
        assert_int_equal(err, i == 0 ? NOTCH_ERR_NOT_FOUND : NOTCH_OK);
        assert_true(i == 0 || is_of_the_chain(&insight, NOTCH_MODE_PRIVATE));
        assert_int_equal(see(market, START, 3, 1), NOTCH_MARKET_FIELD_NONE);
    }
    free(market);
}

static void options_are_checked(void **state)
{
    (void)state;
    struct notch_market *market = malloc(sizeof *market);
    const double bad_history[] = {1, NAN};
    struct notch_market_options options[6];
    for (size_t i = 0; i < 6; i++) {
        options[i] = notch_market_defaults();
    }
    options[0].half_life_ms = 0;
    options[1].period_ms = 0;
    options[2].exploration = NAN;
    options[3].mode = NOTCH_MARKET_CLASSIC;
    options[4].history = bad_history;
    options[4].history_count = 2;
    options[5].half_life_ms = UINT64_MAX;
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(notch_market_init(market, &options[i], notch_alloc_heap()), NOTCH_ERR_RANGE);
    }
    free(market);
}

/* ---- the kernel mode ---- */

static void weights_halve(void **state)
{
    (void)state;
    struct notch_market *market = begin_with(1);
    assert_int_equal(see(market, START, 5, 1), NOTCH_MARKET_FIELD_NONE);
    assert_int_equal(see(market, START + DAY, 5, 1), NOTCH_MARKET_FIELD_NONE);
    near(notch_landscape_weight(&market->landscape), 1.5, 1e-12);
    assert_int_equal(see(market, START + 3 * DAY, 5, 1), NOTCH_MARKET_FIELD_NONE);
    near(notch_landscape_weight(&market->landscape), 1.375, 1e-12);
    /* Through many scalings of the inflation: a geometric series, and old bins are gone. */
    for (uint64_t i = 4; i < 400; i++) {
        assert_int_equal(see(market, START + i * DAY, i < 100 ? 5 : 8, 1), NOTCH_MARKET_FIELD_NONE);
    }
    near(notch_landscape_weight(&market->landscape), 2, 1e-9);
    assert_int_equal(market->landscape.count, 1);
    free(market);
}

/* The count at a price is that of the kernel, by hand: two bins. */
static void counts_are_the_kernels(void **state)
{
    (void)state;
    struct notch_market *market = begin_with(1);
    struct notch_market_answer answer;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(see(market, START, 10, 2), NOTCH_MARKET_FIELD_NONE);
        assert_int_equal(see(market, START, 20, 4), NOTCH_MARKET_FIELD_NONE);
    }
    double spread = log(2.0) / 2;
    double h = 1.06 * spread * pow(6, -0.2);
    near(notch_landscape_bandwidth(&market->landscape), h, 1e-12);
    double at = 14;
    double n = 0;
    double reward = 0;
    for (size_t i = 0; i < 2; i++) {
        int64_t micro = i == 0 ? 10000000 : 20000000;
        uint32_t bin = notch_bin_of(micro);
        double middle = log((double)(notch_bin_lo(bin) + notch_bin_hi(bin)) / 2e6);
        double kernel = 3 * exp(-pow((log(at) - middle) / h, 2) / 2);
        n += kernel;
        reward += kernel * (i == 0 ? 2 : 4);
    }
    struct notch_landscape_look look = notch_landscape_at(&market->landscape, at);
    near(look.n, n, 1e-12);
    near(look.reward, reward / n, 1e-12);
    notch_market_ask(market, &answer, at, START);
    near(answer.bonus, sqrt(log(7.0) / (1 + n)), 1e-12);
    near(answer.confidence, n / (1 + n), 1e-12);
    free(market);
}

/* Linear demand 100 - 8 p with cost 2: best price 7.25 for profit, 6.25 for revenue. */
static void demand_is_fitted(void **state)
{
    (void)state;
    struct notch_market *market = begin_with(3600);
    struct notch_rng rng;
    struct notch_landscape_demand demand;
    struct notch_memory_region regions[NOTCH_MARKET_REGIONS_MAX];
    struct notch_market_answer early;
    struct notch_market_answer late;
    notch_rng_init(&rng, 5);
    memset(&early, 0, sizeof early);
    for (uint64_t i = 0; i < 4000; i++) {
        double price = 2 + 9 * uniform(&rng);
        /* The sum of twelve uniform numbers: nearly normal, standard deviation 1. */
        double noise = -6;
        for (size_t k = 0; k < 12; k++) {
            noise += uniform(&rng);
        }
        double quantity = fmax(0, 100 - 8 * price + 3 * noise);
        const struct notch_observation seen = {.has_time = true,
                                               .has_quantity = true,
                                               .time_ms = START + i * 1000,
                                               .price = price,
                                               .reward = (price - 2) * quantity,
                                               .quantity = quantity};
        assert_int_equal(notch_market_observe(market, &seen, 0).field, NOTCH_MARKET_FIELD_NONE);
        if (i == 249) {
            notch_market_ask(market, &early, 7, START + i * 1000);
        }
    }
    assert_true(notch_landscape_demand(&market->landscape, &demand));
    near(demand.slope, 8, 0.1);
    near(demand.intercept, 100, 1);
    near(demand.noise, 3, 0.15);
    /* sigma_t of the design, at t = N; sixteen times as many observations halve it. */
    notch_market_ask(market, &late, 7, START + 4000 * 1000);
    double best = demand.intercept / demand.slope / 2;
    double n = notch_landscape_weight(&market->landscape);
    near(late.std, pow(pow(demand.noise * best, 2) / (8 * pow(demand.slope, 2)), 0.25) * pow(n, -0.25), 1e-9);
    near(early.std / late.std, 2, 0.1);
    /* The promising region holds the best price for profit and leaves the ends out. */
    size_t count = notch_market_regions(market, regions, START + 4000 * 1000);
    assert_true(count >= 1);
    bool holds = false;
    for (size_t i = 0; i < count; i++) {
        holds = holds || (regions[i].lo <= 7.25 && 7.25 <= regions[i].hi);
        assert_true(regions[i].lo > 3.5);
        assert_true(regions[i].hi < 10.8);
    }
    assert_true(holds);
    free(market);
}

/* More prices than there are bins: bounded, and the lightest ones go. */
static void bins_are_bounded(void **state)
{
    (void)state;
    struct notch_market *market = begin_with(1000);
    for (uint64_t i = 0; i < 2000; i++) {
        /* From 1 to a million in small steps, so that the gate sees no slip. */
        (void)see(market, START + i * DAY / 100, pow(10, (double)(i % 1000) / 500), 1);
        (void)see(market, START + i * DAY / 100, 1e3 * pow(10, (double)(i % 1000) / 500), 1);
        assert_true(market->landscape.count <= NOTCH_LANDSCAPE_BINS);
    }
    for (uint32_t i = 1; i < market->landscape.count; i++) {
        assert_true(market->landscape.bins[i].bin > market->landscape.bins[i - 1].bin);
    }
    free(market);
}

/* ---- others ---- */

static struct notch_source source(uint8_t name, uint64_t time_ms, double lo, double hi, double success)
{
    return (struct notch_source){.author.raw = {name},
                                 .time_ms = time_ms,
                                 .has_range = true,
                                 .has_success = true,
                                 .lo = lo,
                                 .hi = hi,
                                 .confidence = 0.9,
                                 .success = success,
                                 .samples = 50};
}

/* Rewards fall off around 10. One source says so, one says the contrary: the second loses its weight, and kappa goes up
 * where the first is alone. */
static void sources_are_weighed(void **state)
{
    (void)state;
    struct notch_market *good = begin_with(5);
    struct notch_market *bad = begin_with(5);
    struct notch_rng rng;
    notch_rng_init(&rng, 9);
    const struct notch_key honest = {{1}};
    const struct notch_key liar = {{2}};
    for (uint64_t i = 0; i < 600; i++) {
        double price = 8 + 4 * uniform(&rng);
        double reward = -fabs(price - 10) + 0.05 * uniform(&rng);
        uint64_t now = START + i * DAY / 10;
        if (i >= 20) {
            double truth = (-fabs(price - 10) + 1) / (3 * 0.6);
            struct notch_source told = source(1, now, price * 0.97, price * 1.03, truth);
            assert_true(notch_sources_put(&good->sources, &told));
            assert_true(notch_sources_put(&bad->sources, &told));
            struct notch_source lied = source(2, now, price * 0.97, price * 1.03, truth > 0.2 ? -1 : 1);
            assert_true(notch_sources_put(&bad->sources, &lied));
        }
        assert_int_equal(see(good, now, price, reward), NOTCH_MARKET_FIELD_NONE);
        assert_int_equal(see(bad, now, price, reward), NOTCH_MARKET_FIELD_NONE);
    }
    double quality_honest = notch_source_quality(notch_sources_find(&bad->sources, &honest));
    double quality_liar = notch_source_quality(notch_sources_find(&bad->sources, &liar));
    assert_true(quality_honest > 0.9);
    assert_true(quality_liar < 0.3);
    assert_true(notch_sources_kappa(&good->sources) > 0.9);
    assert_true(notch_sources_kappa(&bad->sources) <= notch_sources_kappa(&good->sources));
    /* The same words of both: the honest one decides. */
    struct notch_sources_scene scene = {START + 60 * DAY, 5.0 * DAY, 0.03, 0, 1};
    struct notch_source high = source(1, START + 60 * DAY, 9, 10, 0.5);
    struct notch_source low = source(2, START + 60 * DAY, 9, 10, -0.5);
    assert_true(notch_sources_put(&bad->sources, &high));
    assert_true(notch_sources_put(&bad->sources, &low));
    assert_true(notch_sources_at(&bad->sources, 9.5, &scene).reward > 0.5);
    /* What others know lowers the bonus where they speak of, and is not counted where nobody does. */
    struct notch_market_answer answer;
    notch_market_ask(good, &answer, 9.5, START + 60 * DAY);
    assert_true(answer.bonus_own > 0 && answer.bonus_no_peers - answer.bonus_own == 0);
    assert_true(answer.confidence > 0.5);
    free(good);
    free(bad);
}

/* Who gains from others looks more often, who does not less; nobody outside of 1/8 to 8 times the base. */
static void synchronisation_adapts(void **state)
{
    (void)state;
    struct notch_market *market = begin_with(5);
    assert_int_equal(notch_market_sync_ms(market, 1000), 8000);
    market->sources.loss_alone = 2;
    market->sources.loss_together = 1.5;
    assert_int_equal(notch_market_sync_ms(market, 1000), 1000);
    market->sources.loss_together = 0.2;
    assert_int_equal(notch_market_sync_ms(market, 1000), 125);
    market->sources.loss_together = 3;
    assert_int_equal(notch_market_sync_ms(market, 1000), 8000);
    free(market);
}

/* A confidence of 0.9 that holds one time in four is worth about that. */
static void confidence_is_calibrated(void **state)
{
    (void)state;
    struct notch_market *market = begin_with(5);
    near(notch_sources_calibrated(&market->sources, 0.95), 0.95, 1e-12);
    struct notch_source told = source(1, START, 9, 10, 0);
    assert_true(notch_sources_put(&market->sources, &told));
    for (uint64_t i = 0; i < 400; i++) {
        assert_int_equal(see(market, START, i % 4 == 0 ? 9.5 : 11.5, 1), NOTCH_MARKET_FIELD_NONE);
    }
    near(notch_sources_calibrated(&market->sources, 0.9), 0.25, 0.02);
    near(notch_sources_calibrated(&market->sources, 0.2), 0.2, 1e-12);
    free(market);
}

static void sources_are_bounded(void **state)
{
    (void)state;
    struct notch_market *market = begin_with(5);
    for (uint32_t i = 0; i < 200; i++) {
        struct notch_source told = source((uint8_t)(i * 37), START + i, 9, 10, 0);
        assert_true(notch_sources_put(&market->sources, &told));
    }
    assert_int_equal(market->sources.count, NOTCH_SOURCES_MAX);
    for (uint32_t i = 0; i < NOTCH_SOURCES_MAX; i++) {
        assert_true(market->sources.list[i].time_ms >= START + 200 - NOTCH_SOURCES_MAX);
        assert_true(i == 0 || notch_key_cmp(&market->sources.list[i - 1].author, &market->sources.list[i].author) < 0);
    }
    struct notch_source stale = source((uint8_t)(199 * 37), START, 1, 2, 0);
    assert_false(notch_sources_put(&market->sources, &stale));
    free(market);
}

/* ---- insights ---- */

static void insights_go_around(void **state)
{
    (void)state;
    struct notch_market *seller = begin_with(100);
    struct notch_market *reader = begin_with(100);
    struct notch_rng rng;
    struct notch_insight insight;
    const struct notch_hash id = {{7}};
    const struct notch_key author = {{3}};
    notch_rng_init(&rng, 4);
    for (uint64_t i = 0; i < 400; i++) {
        double price = 8 + 4 * uniform(&rng);
        assert_int_equal(see(seller, START + i * DAY, price, -fabs(price - 10.5)), NOTCH_MARKET_FIELD_NONE);
    }
    assert_int_equal(notch_market_insight(seller, &insight, &id, notch_alloc_heap()), NOTCH_OK);
    assert_int_equal(insight.mask & NOTCH_INSIGHT_RANGE, NOTCH_INSIGHT_RANGE);
    assert_int_equal(insight.mask & NOTCH_INSIGHT_POINT, 0);
    assert_int_equal(insight.samples, 400);
    assert_true(insight.lo.raw < 10500000 && 10500000 < insight.hi.raw);
    assert_true(insight.success.raw > 0);
    assert_true(insight.confidence.raw > 900000);
    /* The ends are on the public grid: no price of the seller is in them. */
    assert_true(notch_grid_contains(insight.lo));
    assert_true(notch_grid_contains(insight.hi));
    assert_true(is_of_the_chain(&insight, NOTCH_MODE_PRIVATE));
    assert_int_equal(insight.period.start.raw % DAY, 0);

    assert_true(notch_market_learn(reader, &author, &insight));
    const struct notch_source *learnt = notch_sources_find(&reader->sources, &author);
    assert_non_null(learnt);
    near(learnt->lo, (double)insight.lo.raw / 1e6, 0);
    near(learnt->samples, NOTCH_SOURCES_SAMPLES_MAX, 0);
    assert_true(learnt->has_success);
    /* A newcomer that saw nothing knows where to look. */
    struct notch_memory_region regions[NOTCH_MARKET_REGIONS_MAX];
    assert_int_equal(notch_market_regions(reader, regions, START + 400 * DAY), 1);
    near(regions[0].lo, learnt->lo, 0.3); /* a bin is 0.26 wide here */
    near(regions[0].hi, learnt->hi, 0.3);
    /* An insight of the public mode: a trend, and no price. */
    struct notch_insight open = {.market = id, .period = insight.period, .mask = NOTCH_INSIGHT_TREND};
    assert_true(notch_market_learn(reader, &(struct notch_key){{4}}, &open));
    open.mask = NOTCH_INSIGHT_VOLATILITY;
    assert_false(notch_market_learn(reader, &(struct notch_key){{5}}, &open));
    free(seller);
    free(reader);
}

/* A weekly cycle over a rising price: found, with its seasons and its trend. */
static void outlook_sees_the_week(void **state)
{
    (void)state;
    static const double week[] = {0.1, 0, -0.1, -0.1, -0.05, 0.05, 0.1};
    struct notch_market *market = begin_with(1);
    struct notch_series_outlook outlook;
    struct notch_rng rng;
    notch_rng_init(&rng, 8);
    for (uint64_t i = 0; i < 200; i++) {
        if (i % 50 == 20) {
            continue; /* a gap */
        }
        double price = 10 + 0.01 * (double)i + 10 * week[i % 7] + 0.1 * uniform(&rng);
        assert_int_equal(see(market, START + i * DAY, price, 1), NOTCH_MARKET_FIELD_NONE);
    }
    notch_series_outlook(&market->series, &outlook, notch_alloc_heap());
    assert_int_equal(outlook.cycle, 7);
    assert_int_equal(outlook.season_count, 7);
    assert_true(outlook.strength > 0.9);
    for (size_t i = 0; i < 7; i++) {
        near(outlook.seasons[i], week[(199 + i) % 7] * 10 / 11, 0.02);
    }
    near(outlook.trend, 0.01 / 11.9, 0.001);
    assert_true(outlook.volatility > 0.04 && outlook.volatility < 0.12);
    free(market);
}

/* ---- bytes and many markets ---- */

/* What a day brings, the same for the same seed. */
static void live(struct notch_memory *memory, uint64_t seed, uint64_t from, uint64_t to)
{
    struct notch_rng rng;
    for (uint64_t day = from; day < to; day++) {
        notch_rng_init(&rng, seed + day);
        struct notch_hash id = {{(uint8_t)notch_rng_below(&rng, 6)}};
        struct notch_market *market = notch_memory_market(memory, &id);
        double price = 5 + 5 * uniform(&rng);
        if (notch_rng_below(&rng, 10) == 0) {
            struct notch_source told =
                source((uint8_t)notch_rng_below(&rng, 9), START + day * DAY, price, price + 1, uniform(&rng));
            (void)notch_sources_put(&market->sources, &told);
        }
        (void)see(market, START + day * DAY, notch_rng_below(&rng, 50) == 0 ? 1e9 : price, uniform(&rng));
    }
}

static struct notch_memory *memory_of(uint32_t max_markets, enum notch_market_mode mode)
{
    static const double history[] = {5, 6, 7, 9, 10};
    struct notch_memory *memory;
    struct notch_memory_options options = notch_memory_defaults(notch_alloc_heap());
    options.max_markets = max_markets;
    options.market.mode = mode;
    options.market.half_life_ms = 20 * DAY;
    options.market.history = history;
    options.market.history_count = NOTCH_ARRAY_LEN(history);
    assert_int_equal(notch_memory_create(&memory, &options), NOTCH_OK);
    return memory;
}

/* A restart in the middle loses nothing: the same bytes at the end as without it. */
static void restart_loses_nothing(void **state)
{
    (void)state;
    static const enum notch_market_mode modes[] = {NOTCH_MARKET_KERNEL, NOTCH_MARKET_CLASSIC};
    for (size_t m = 0; m < NOTCH_ARRAY_LEN(modes); m++) {
        struct notch_memory *through = memory_of(4, modes[m]);
        struct notch_memory *stopped = memory_of(4, modes[m]);
        struct notch_buf bytes;
        struct notch_buf again;
        notch_buf_init(&bytes, notch_alloc_heap());
        notch_buf_init(&again, notch_alloc_heap());
        live(through, 77, 0, 3000);
        live(stopped, 77, 0, 1300);
        notch_memory_write(stopped, &bytes);
        notch_memory_destroy(stopped);
        stopped = memory_of(4, modes[m]);
        assert_int_equal(notch_memory_read(stopped, notch_buf_bytes(&bytes)), NOTCH_OK);
        notch_memory_write(stopped, &again);
        assert_true(notch_bytes_eq(notch_buf_bytes(&bytes), notch_buf_bytes(&again)));
        live(stopped, 77, 1300, 3000);
        notch_buf_clear(&bytes);
        notch_buf_clear(&again);
        notch_memory_write(through, &bytes);
        notch_memory_write(stopped, &again);
        assert_true(bytes.len > 1000);
        assert_true(notch_bytes_eq(notch_buf_bytes(&bytes), notch_buf_bytes(&again)));
        notch_buf_fini(&again);
        notch_buf_fini(&bytes);
        notch_memory_destroy(stopped);
        notch_memory_destroy(through);
    }
}

static void damaged_bytes_change_nothing(void **state)
{
    (void)state;
    struct notch_memory *memory = memory_of(6, NOTCH_MARKET_KERNEL);
    struct notch_memory *small = memory_of(3, NOTCH_MARKET_KERNEL);
    struct notch_buf bytes;
    struct notch_buf now;
    notch_buf_init(&bytes, notch_alloc_heap());
    notch_buf_init(&now, notch_alloc_heap());
    live(memory, 3, 0, 500);
    notch_memory_write(memory, &bytes);
    assert_int_equal(notch_memory_count(memory), 6);
    assert_int_equal(notch_memory_read(small, notch_buf_bytes(&bytes)), NOTCH_ERR_SPACE);
    for (size_t len = 0; len < bytes.len; len += 1 + len / 50) {
        assert_int_equal(notch_memory_read(memory, notch_bytes(bytes.data, len)), NOTCH_ERR_CORRUPT);
    }
    notch_buf_append(&bytes, "", 1);
    assert_int_equal(notch_memory_read(memory, notch_buf_bytes(&bytes)), NOTCH_ERR_CORRUPT);
    bytes.len--;
    notch_memory_write(memory, &now);
    assert_true(notch_bytes_eq(notch_buf_bytes(&bytes), notch_buf_bytes(&now)));
    notch_buf_fini(&now);
    notch_buf_fini(&bytes);
    notch_memory_destroy(small);
    notch_memory_destroy(memory);
}

static void least_recently_used_goes(void **state)
{
    (void)state;
    struct notch_memory *memory = memory_of(3, NOTCH_MARKET_KERNEL);
    struct notch_hash victim;
    const struct notch_hash ids[] = {{{1}}, {{2}}, {{3}}, {{4}}};
    for (size_t i = 0; i < 3; i++) {
        assert_null(notch_memory_victim(memory, &victim));
        assert_int_equal(see(notch_memory_market(memory, &ids[i]), START, 5 + (double)i, 1), NOTCH_MARKET_FIELD_NONE);
    }
    (void)notch_memory_market(memory, &ids[0]);
    assert_non_null(notch_memory_peek(memory, &ids[1])); /* to look is not to use */
    assert_non_null(notch_memory_victim(memory, &victim));
    assert_true(notch_hash_eq(&victim, &ids[1]));
    assert_int_equal(notch_memory_market(memory, &ids[3])->observed, 0);
    assert_null(notch_memory_peek(memory, &ids[1]));
    assert_int_equal(notch_memory_forgotten(memory), 1);
    assert_int_equal(notch_memory_count(memory), 3);
    /* In the order of use, newest first. */
    static const uint8_t order[] = {4, 1, 3};
    uint32_t at = 0;
    struct notch_hash id;
    for (size_t i = 0; i < 3; i++) {
        assert_non_null(notch_memory_next(memory, &at, &id));
        assert_int_equal(id.raw[0], order[i]);
    }
    assert_null(notch_memory_next(memory, &at, &id));
    notch_memory_destroy(memory);
    notch_memory_destroy(NULL);
    struct notch_memory_options options = notch_memory_defaults(notch_alloc_heap());
    options.max_markets = 0;
    assert_int_equal(notch_memory_create(&memory, &options), NOTCH_ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bins_hold_their_prices),
        cmocka_unit_test(absurd_input_is_refused),
        cmocka_unit_test(slips_do_not_poison),
        cmocka_unit_test(little_is_enough),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(weights_halve),
        cmocka_unit_test(counts_are_the_kernels),
        cmocka_unit_test(demand_is_fitted),
        cmocka_unit_test(bins_are_bounded),
        cmocka_unit_test(sources_are_weighed),
        cmocka_unit_test(synchronisation_adapts),
        cmocka_unit_test(confidence_is_calibrated),
        cmocka_unit_test(sources_are_bounded),
        cmocka_unit_test(insights_go_around),
        cmocka_unit_test(outlook_sees_the_week),
        cmocka_unit_test(restart_loses_nothing),
        cmocka_unit_test(damaged_bytes_change_nothing),
        cmocka_unit_test(least_recently_used_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
