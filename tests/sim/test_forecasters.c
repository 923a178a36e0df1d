/*
 * A market of forecasters: who earns what, by the very rules of ai/rules.
 *
 * Eight markets, each with a season, a momentum and noise, 60 windows. In every window twelve honest authors and those
 * below publish what they see of the price; the outcome for each is the weighted median without its own cluster. What
 * they commit to in window w is judged by the insights of w + 1; a reveal is seen in w + 1, so who copies it forecasts
 * the next window with what was meant for this one.
 *
 *   skilled      knows the season and half of the momentum, and how wide the noise is
 *   middling     knows half of the season
 *   naive        what the chain expects
 *   copier       what the skilled one has just revealed
 *   noise        the naive one, thrown about
 *   withholder   reveals the naive forecast in every other window
 *
 * The order must hold for every one of the seeds. An insider that holds a fifth of the weight and publishes its own
 * forecast as its insight must not gain by it.
 */
#include "ai/rules/challenge.h"
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MARKETS = 8, WINDOWS = 60, SEEDS = 100, HONEST = 12 };
enum { NOBODY = 99, INSIDER = 100 }; /* clusters */
enum who { SKILLED, MIDDLING, NAIVE, COPIER, NOISE, WITHHOLDER, ALL };

#define SIGMA 1600.0

struct market {
    double season, momentum, level;
    unsigned phase;
    struct notch_forecast_past past;
    struct notch_forecast revealed; /* by the skilled one, of the window before */
};

struct world {
    struct notch_rng rng;
    struct notch_domain domain;
    struct market markets[MARKETS];
    struct notch_standing standings[ALL];
    struct notch_standing insider; /* as skilled; where `pushes`, a fifth of the weight says what it forecast */
    struct notch_hash ids[MARKETS];
    bool pushes;
};

static double normal(struct notch_rng *rng)
{
    double sum = -6;
    for (int i = 0; i < 12; i++) {
        sum += (double)notch_rng_below(rng, 1000000) / 1e6;
    }
    return sum;
}

static double season_at(const struct market *market, unsigned window)
{
    return 6000 * sin(2 * 3.14159265358979 * (window + market->phase) / 12);
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

/* What each says about the next window, when this one is nearly over. */
static void forecast_all(struct notch_forecast out[ALL], struct world *world, struct market *market, unsigned window)
{
    double next = season_at(market, window + 1) - season_at(market, window);
    double last = market->past.tick;
    struct notch_forecast naive;
    notch_forecast_naive(&naive, &market->past);
    double thrown = 4 * SIGMA * normal(&world->rng);
    out[SKILLED] = spread_of(last + next + market->momentum / 2, SIGMA * 1.05);
    out[MIDDLING] = spread_of(last + next / 2, SIGMA * 1.4);
    out[NAIVE] = naive;
    out[COPIER] = window > 0 ? market->revealed : naive;
    out[NOISE] = spread_of(last + thrown, 2 * SIGMA);
    out[WITHHOLDER] = naive;
    market->revealed = out[SKILLED];
}

static void step(struct market *market, struct notch_rng *rng, unsigned window)
{
    market->level +=
        season_at(market, window + 1) - season_at(market, window) + market->momentum + SIGMA * 0.9 * normal(rng);
    market->momentum = 0.6 * market->momentum + 500 * normal(rng);
}

/* The insights of one market and window: honest ones, and the insider's. Clusters: 0 .. 11, and INSIDER. */
static size_t publish(struct notch_forecast_point *points, struct world *world, const struct market *market,
                      const struct notch_forecast *insider)
{
    for (uint32_t i = 0; i < HONEST; i++) {
        double seen = market->level + 300 * normal(&world->rng);
        points[i] = (struct notch_forecast_point){(uint32_t)lround(seen), i, 1000 + 100 * (uint64_t)i};
    }
    points[HONEST] = (struct notch_forecast_point){insider->q[4], INSIDER, world->pushes ? 5000 : 0};
    notch_forecast_sort(points, HONEST + 1);
    return HONEST + 1;
}

static struct notch_verdict judged(const struct world *world, const struct notch_forecast *forecasts,
                                   const struct notch_challenge_market *markets, bool is_revealed)
{
    struct notch_challenge challenge = {
        .kind = NOTCH_CHALLENGE_FORECAST, .as.forecast.markets = world->ids, .as.forecast.market_count = MARKETS};
    struct notch_buf solution;
    notch_buf_init(&solution, notch_alloc_heap());
    notch_forecast_encode(&solution, forecasts, MARKETS);
    struct notch_challenge_case found = {.challenge = &challenge,
                                         .is_committed = true,
                                         .is_revealed = is_revealed,
                                         .solution = notch_buf_bytes(&solution),
                                         .markets = markets};
    struct notch_verdict verdict = notch_challenge_judge(&world->domain, &found, notch_alloc_heap());
    notch_buf_fini(&solution);
    return verdict;
}

static void run_window(struct world *world, unsigned window)
{
    struct notch_forecast forecasts[ALL][MARKETS];
    struct notch_challenge_market seen[MARKETS];   /* by all but the insider */
    struct notch_challenge_market inside[MARKETS]; /* by the insider */
    for (size_t m = 0; m < MARKETS; m++) {
        struct market *market = &world->markets[m];
        struct notch_forecast said[ALL];
        struct notch_forecast_point points[HONEST + 1];
        forecast_all(said, world, market, window);
        step(market, &world->rng, window);
        size_t count = publish(points, world, market, &said[SKILLED]);
        for (size_t who = 0; who < ALL; who++) {
            forecasts[who][m] = said[who];
        }
        seen[m] = (struct notch_challenge_market){.past = market->past};
        inside[m] = seen[m];
        seen[m].has_outcome = notch_forecast_outcome(&seen[m].outcome, points, count, NOBODY);
        inside[m].has_outcome = notch_forecast_outcome(&inside[m].outcome, points, count, INSIDER);
        notch_forecast_learn(&market->past, seen[m].outcome);
    }
    for (size_t who = 0; who < ALL; who++) {
        bool is_revealed = who != WITHHOLDER || window % 2 == 0;
        notch_standing_apply(&world->standings[who], NOTCH_CHALLENGE_FORECAST,
                             judged(world, forecasts[who], seen, is_revealed));
    }
    notch_standing_apply(&world->insider, NOTCH_CHALLENGE_FORECAST, judged(world, forecasts[SKILLED], inside, true));
}

static void run(struct world *world, uint64_t seed, bool pushes)
{
    memset(world, 0, sizeof *world);
    world->pushes = pushes;
    notch_rng_init(&world->rng, seed);
    notch_domain_init(&world->domain, &(struct notch_hash){{1}});
    for (uint8_t m = 0; m < MARKETS; m++) {
        struct market *market = &world->markets[m];
        world->ids[m].raw[0] = m;
        market->phase = (unsigned)notch_rng_below(&world->rng, 12);
        market->level = 1200000 + 50000 * normal(&world->rng);
        for (unsigned warm = 0; warm < 12; warm++) {
            step(market, &world->rng, warm);
            notch_forecast_learn(&market->past, (uint32_t)lround(market->level));
        }
    }
    for (unsigned window = 0; window < WINDOWS; window++) {
        run_window(world, window);
    }
}

static uint32_t score(const struct notch_standing *standing)
{
    return standing->kinds[NOTCH_CHALLENGE_FORECAST].score;
}

static void skill_is_ranked_in_every_market(void **state)
{
    (void)state;
    struct world *world = malloc(sizeof *world);
    assert_non_null(world);
    uint64_t sums[ALL] = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        run(world, seed, false);
        uint32_t terms[ALL];
        for (size_t who = 0; who < ALL; who++) {
            sums[who] += score(&world->standings[who]);
            assert_true(notch_standing_term(&terms[who], &world->standings[who]));
        }
        for (size_t who = 1; who < ALL; who++) {
            assert_true(score(&world->standings[who - 1]) > score(&world->standings[who]));
            /* The term of the reputation agrees with it. */
            assert_true(terms[who - 1] > terms[who]);
        }
        /* Ten accounts with the copier's forecasts and one weight between them. */
        uint64_t one = notch_standing_influence(&world->standings[COPIER], 1000003);
        uint64_t ten = 9 * notch_standing_influence(&world->standings[COPIER], 100000) +
                       notch_standing_influence(&world->standings[COPIER], 100003);
        assert_true(ten <= one);
    }
    for (size_t who = 0; who < ALL; who++) {
        print_message("%zu: mean score %.3f\n", who, (double)sums[who] / SEEDS / 65535);
    }
    free(world);
}

/* Its own words are left out of its outcome; what is left to gain lies in what the chain remembers. */
static void pushing_the_outcome_gains_nothing(void **state)
{
    (void)state;
    struct world *world = malloc(sizeof *world);
    assert_non_null(world);
    int64_t gain = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        run(world, seed, true);
        gain += score(&world->insider);
        run(world, seed, false);
        gain -= score(&world->insider);
    }
    print_message("an insider's gain: %.4f\n", (double)gain / SEEDS / 65535);
    assert_true(gain < SEEDS * 65535 / 100);
    free(world);
}

static void the_same_seed_gives_the_same_scores(void **state)
{
    (void)state;
    struct world *first = malloc(sizeof *first);
    struct world *second = malloc(sizeof *second);
    assert_non_null(first);
    assert_non_null(second);
    run(first, 77, true);
    run(second, 77, true);
    for (size_t who = 0; who < ALL; who++) {
        assert_int_equal(score(&first->standings[who]), score(&second->standings[who]));
    }
    free(first);
    free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skill_is_ranked_in_every_market),
        cmocka_unit_test(pushing_the_outcome_gains_nothing),
        cmocka_unit_test(the_same_seed_gives_the_same_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
