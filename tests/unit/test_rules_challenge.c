#include "ai/rules/challenge.h"
#include "ai/rules/compute.h"
#include "ai/rules/net8.h"
#include "tests/support/gen.h"
#include "tests/support/net8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct notch_domain domain;
    struct notch_window_rules rules;
    struct notch_challenge compute, proof, forecast;
    struct notch_model model;
    struct notch_buf network; /* the model's bytes */
    int8_t features[3][NOTCH_FEATURES];
    struct notch_hash markets[2];
    struct notch_hash later;
    struct notch_buf solution;
};

static void init(struct fixture *f)
{
    static const uint32_t widths[] = {12, 20, 3};
    memset(f, 0, sizeof *f);
    notch_domain_init(&f->domain, &(struct notch_hash){{7}});
    f->rules = (struct notch_window_rules){.blocks = 64, .compute_slots = 16};
    f->compute = (struct notch_challenge){
        .window = 5, .kind = NOTCH_CHALLENGE_COMPUTE, .account = {{1}}, .as.compute.difficulty = 40};
    notch_challenge_beacon(&f->compute.beacon, &f->domain, &(struct notch_hash){{9}}, 5);
    notch_challenge_beacon(&f->later, &f->domain, &(struct notch_hash){{10}}, 7);
    notch_buf_init(&f->network, notch_alloc_heap());
    notch_buf_init(&f->solution, notch_alloc_heap());
    struct notch_rng rng;
    notch_rng_init(&rng, 4);
    notch_test_net8(&f->network, &rng, widths, 3, NOTCH_ACTIVATION_WIDE, false);
    f->model = (struct notch_model){.bytes = (uint32_t)f->network.len, .layer_count = 3, .layers = {12, 20, 3}};
    notch_model_root(&f->model.root, notch_buf_bytes(&f->network));
    notch_rng_fill(&rng, f->features, sizeof f->features);
    f->proof = f->compute;
    f->proof.kind = NOTCH_CHALLENGE_MODEL;
    f->proof.as.model.model = &f->model;
    f->proof.as.model.features = f->features;
    f->proof.as.model.feature_count = 3;
    f->markets[0] = (struct notch_hash){{20}};
    f->markets[1] = (struct notch_hash){{21}};
    f->forecast = f->compute;
    f->forecast.kind = NOTCH_CHALLENGE_FORECAST;
    f->forecast.as.forecast.markets = f->markets;
    f->forecast.as.forecast.market_count = 2;
}

static void fini(struct fixture *f)
{
    notch_buf_fini(&f->solution);
    notch_buf_fini(&f->network);
}

static struct notch_challenge_case answered(const struct fixture *f, const struct notch_challenge *challenge)
{
    return (struct notch_challenge_case){.challenge = challenge,
                                         .is_committed = true,
                                         .is_revealed = true,
                                         .solution = notch_buf_bytes(&f->solution),
                                         .later = f->later};
}

static struct notch_verdict judge(const struct fixture *f, const struct notch_challenge_case *found)
{
    return notch_challenge_judge(&f->domain, found, notch_alloc_heap());
}

/* digest | network, or the digest alone. */
static void prove(struct fixture *f, const struct notch_challenge *challenge, bool with_network)
{
    struct notch_net8 network;
    struct notch_hash digest;
    assert_true(notch_is_valid(notch_net8_decode(&network, notch_buf_bytes(&f->network))));
    notch_challenge_digest(&digest, &f->domain, challenge, &network, notch_alloc_heap());
    notch_buf_clear(&f->solution);
    notch_buf_append(&f->solution, digest.raw, sizeof digest.raw);
    if (with_network) {
        notch_buf_append(&f->solution, f->network.data, f->network.len);
    }
}

/* ---- windows ---- */

static void windows_are_cut_from_heights(void **state)
{
    (void)state;
    struct notch_window_rules rules = {.blocks = 64};
    assert_int_equal(notch_window_of(&rules, (struct notch_height){0}), 0);
    assert_int_equal(notch_window_of(&rules, (struct notch_height){63}), 0);
    assert_int_equal(notch_window_of(&rules, (struct notch_height){64}), 1);
    assert_int_equal(notch_window_phase(&rules, 2, (struct notch_height){127}), NOTCH_WINDOW_BEFORE);
    assert_int_equal(notch_window_phase(&rules, 2, (struct notch_height){128}), NOTCH_WINDOW_COMMIT);
    assert_int_equal(notch_window_phase(&rules, 2, (struct notch_height){191}), NOTCH_WINDOW_COMMIT);
    assert_int_equal(notch_window_phase(&rules, 2, (struct notch_height){192}), NOTCH_WINDOW_REVEAL);
    assert_int_equal(notch_window_phase(&rules, 2, (struct notch_height){255}), NOTCH_WINDOW_REVEAL);
    assert_int_equal(notch_window_phase(&rules, 2, (struct notch_height){256}), NOTCH_WINDOW_OVER);
    assert_int_equal(notch_window_phase(&rules, 0, (struct notch_height){UINT64_MAX}), NOTCH_WINDOW_OVER);
    assert_int_equal(notch_window_phase(&rules, UINT64_MAX, (struct notch_height){UINT64_MAX}), NOTCH_WINDOW_BEFORE);
}

/* Whatever differs, the challenge is another. */
static void every_part_of_a_challenge_counts(void **state)
{
    (void)state;
    struct fixture f;
    struct notch_hash ids[12];
    init(&f);
    struct notch_challenge all[12] = {f.compute, f.compute,  f.compute,  f.compute, f.compute, f.proof,
                                      f.proof,   f.forecast, f.forecast, f.proof,   f.compute, f.forecast};
    all[1].window++;
    all[2].account.raw[31]++;
    all[3].beacon.raw[31]++;
    all[4].as.compute.difficulty++;
    struct notch_model other = f.model;
    other.root.raw[0]++;
    all[6].as.model.model = &other;
    all[8].as.forecast.market_count = 1;
    all[9].account.raw[0]++;
    all[10].kind = NOTCH_CHALLENGE_CERTIFICATE;
    struct notch_hash swapped[2] = {f.markets[1], f.markets[0]};
    all[11].as.forecast.markets = swapped;
    for (size_t i = 0; i < 12; i++) {
        notch_challenge_id(&ids[i], &f.domain, &all[i]);
        for (size_t j = 0; j < i; j++) {
            assert_false(notch_hash_eq(&ids[i], &ids[j]));
        }
    }
    struct notch_domain foreign;
    notch_domain_init(&foreign, &(struct notch_hash){{8}});
    notch_challenge_id(&ids[1], &foreign, &all[0]);
    assert_false(notch_hash_eq(&ids[0], &ids[1]));
    fini(&f);
}

static void markets_are_drawn_alike(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    unsigned first[20] = {0};
    for (uint8_t turn = 0; turn < 200; turn++) {
        struct notch_hash markets[20] = {{{0}}};
        struct notch_hash again[20];
        for (uint8_t i = 0; i < 20; i++) {
            markets[i].raw[0] = i;
        }
        memcpy(again, markets, sizeof markets);
        struct notch_hash beacon = {{turn}};
        assert_int_equal(notch_challenge_draw_markets(markets, 20, &f.domain, &beacon), NOTCH_FORECAST_MARKETS_MAX);
        assert_int_equal(notch_challenge_draw_markets(again, 20, &f.domain, &beacon), NOTCH_FORECAST_MARKETS_MAX);
        assert_memory_equal(markets, again, sizeof markets);
        uint32_t seen = 0;
        for (size_t i = 0; i < 20; i++) {
            seen |= 1u << markets[i].raw[0];
        }
        assert_int_equal(seen, (1u << 20) - 1);
        first[markets[0].raw[0]]++;
    }
    for (size_t i = 0; i < 20; i++) {
        assert_in_range(first[i], 1, 40);
    }
    struct notch_hash one[1] = {{{3}}};
    assert_int_equal(notch_challenge_draw_markets(one, 1, &f.domain, &one[0]), 1);
    assert_int_equal(notch_challenge_draw_markets(one, 0, &f.domain, &one[0]), 0);
    fini(&f);
}

/* ---- entries ---- */

static void commitments_stay_in_their_window(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    struct notch_challenge_commit commit = {.window = 5, .kind = NOTCH_CHALLENGE_COMPUTE};
    notch_challenge_id(&commit.challenge, &f.domain, &f.compute);
    const struct {
        uint64_t height;
        enum notch_reject_code code;
    } cases[] = {
        {5 * 64 - 1, NOTCH_REJECT_FUTURE},
        {5 * 64, NOTCH_REJECT_NONE},
        {6 * 64 - 1, NOTCH_REJECT_NONE},
        {6 * 64, NOTCH_REJECT_EXPIRED},
    };
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(cases); i++) {
        struct notch_height height = {cases[i].height};
        assert_int_equal(notch_challenge_check_commit(&f.rules, &f.domain, &f.compute, &commit, height).code,
                         cases[i].code);
    }
    struct notch_height good = {5 * 64};
    struct notch_challenge_commit other = commit;
    other.challenge.raw[0]++;
    assert_int_equal(notch_challenge_check_commit(&f.rules, &f.domain, &f.compute, &other, good).code,
                     NOTCH_REJECT_UNKNOWN_REF);
    other = commit;
    other.kind = NOTCH_CHALLENGE_MODEL;
    assert_int_equal(notch_challenge_check_commit(&f.rules, &f.domain, &f.compute, &other, good).code,
                     NOTCH_REJECT_UNKNOWN_REF);
    struct notch_challenge inactive = f.compute;
    inactive.kind = NOTCH_CHALLENGE_CERTIFICATE;
    assert_int_equal(notch_challenge_check_commit(&f.rules, &f.domain, &inactive, &commit, good).code,
                     NOTCH_REJECT_NOT_ACTIVE);
    const struct notch_slot first = {1000};
    for (uint64_t slot = 999; slot <= 1017; slot++) {
        struct notch_reject reject =
            notch_challenge_check_deadline(&f.rules, NOTCH_CHALLENGE_COMPUTE, first, (struct notch_slot){slot});
        assert_int_equal(notch_is_valid(reject), slot >= 1000 && slot <= 1016);
    }
    assert_true(notch_is_valid(
        notch_challenge_check_deadline(&f.rules, NOTCH_CHALLENGE_FORECAST, first, (struct notch_slot){5000})));
    fini(&f);
}

static void reveals_open_commitments(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    struct notch_challenge_reveal reveal = {
        .window = 5, .kind = NOTCH_CHALLENGE_FORECAST, .salt = {{3}}, .solution = notch_bytes("abc", 3)};
    notch_challenge_id(&reveal.challenge, &f.domain, &f.forecast);
    struct notch_challenge_commit commit = {.window = 5, .kind = NOTCH_CHALLENGE_FORECAST};
    commit.challenge = reveal.challenge;
    notch_challenge_commitment(&commit.commitment, &f.domain, &reveal, &f.forecast.account);
    struct notch_height heights[4] = {{6 * 64 - 1}, {6 * 64}, {7 * 64 - 1}, {7 * 64}};
    enum notch_reject_code codes[4] = {NOTCH_REJECT_FUTURE, NOTCH_REJECT_NONE, NOTCH_REJECT_NONE, NOTCH_REJECT_EXPIRED};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(
            notch_challenge_check_reveal(&f.rules, &f.domain, &f.forecast, &commit, &reveal, heights[i]).code,
            codes[i]);
    }
    struct notch_challenge_reveal other = reveal;
    other.salt.raw[0]++;
    assert_int_equal(notch_challenge_check_reveal(&f.rules, &f.domain, &f.forecast, &commit, &other, heights[1]).code,
                     NOTCH_REJECT_OPENING);
    other = reveal;
    other.solution = notch_bytes("abd", 3);
    assert_int_equal(notch_challenge_check_reveal(&f.rules, &f.domain, &f.forecast, &commit, &other, heights[1]).code,
                     NOTCH_REJECT_OPENING);
    other = reveal;
    other.challenge.raw[5]++;
    assert_int_equal(notch_challenge_check_reveal(&f.rules, &f.domain, &f.forecast, &commit, &other, heights[1]).code,
                     NOTCH_REJECT_UNKNOWN_REF);
    fini(&f);
}

/* ---- verdicts ---- */

static void is_verdict(struct notch_verdict verdict, enum notch_outcome outcome, uint32_t target)
{
    assert_int_equal(verdict.outcome, outcome);
    assert_int_equal(verdict.target, target);
}

static void silence_and_withholding_have_verdicts(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    const struct notch_challenge *all[] = {&f.compute, &f.proof, &f.forecast};
    for (size_t i = 0; i < 3; i++) {
        struct notch_challenge_case found = {.challenge = all[i]};
        is_verdict(judge(&f, &found), NOTCH_OUTCOME_ABSENT, 0);
        found.is_committed = true;
        is_verdict(judge(&f, &found), NOTCH_OUTCOME_WITHHELD, 0);
        found.is_revealed = true;
        found.solution = notch_bytes("x", 1);
        is_verdict(judge(&f, &found), NOTCH_OUTCOME_WRONG, 0);
    }
    struct notch_challenge inactive = f.compute;
    inactive.kind = NOTCH_CHALLENGE_CERTIFICATE;
    struct notch_challenge_case found = {.challenge = &inactive};
    is_verdict(judge(&f, &found), NOTCH_OUTCOME_VOID, 0);
    fini(&f);
}

static void computing_is_judged(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    notch_challenge_solve_compute(&f.solution, &f.domain, &f.compute, notch_alloc_heap());
    assert_true(f.solution.len <= NOTCH_SOLUTION_MAX);
    struct notch_challenge_case found = answered(&f, &f.compute);
    is_verdict(judge(&f, &found), NOTCH_OUTCOME_ANSWERED, NOTCH_SCORE_ONE);
    /* The answer of somebody else, or to another difficulty. */
    struct notch_challenge other = f.compute;
    other.account.raw[0]++;
    found.challenge = &other;
    is_verdict(judge(&f, &found), NOTCH_OUTCOME_WRONG, 0);
    other = f.compute;
    other.as.compute.difficulty++;
    is_verdict(judge(&f, &found), NOTCH_OUTCOME_WRONG, 0);
    found.challenge = &f.compute;
    f.solution.data[100] ^= 4;
    is_verdict(judge(&f, &found), NOTCH_OUTCOME_WRONG, 0);
    fini(&f);
}

static void models_are_judged(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    prove(&f, &f.proof, true);
    struct notch_challenge_case found = answered(&f, &f.proof);
    is_verdict(judge(&f, &found), NOTCH_OUTCOME_ANSWERED, NOTCH_SCORE_ONE);
    /* Without the bytes it depends on those that the MODEL entry carried. */
    prove(&f, &f.proof, false);
    found = answered(&f, &f.proof);
    is_verdict(judge(&f, &found), NOTCH_OUTCOME_WRONG, 0);
    found.network = notch_buf_bytes(&f.network);
    is_verdict(judge(&f, &found), NOTCH_OUTCOME_ANSWERED, NOTCH_SCORE_ONE);
    /* A digest that was copied. */
    struct notch_challenge other = f.proof;
    other.account.raw[0]++;
    found.challenge = &other;
    is_verdict(judge(&f, &found), NOTCH_OUTCOME_WRONG, 0);
    /* Another network than the one committed to, honestly run. */
    f.network.data[f.network.len - 1] ^= 1;
    prove(&f, &f.proof, true);
    found = answered(&f, &f.proof);
    is_verdict(judge(&f, &found), NOTCH_OUTCOME_WRONG, 0);
    fini(&f);
}

static void forecasts_are_judged(void **state)
{
    (void)state;
    struct fixture f;
    init(&f);
    struct notch_challenge_market markets[2] = {{.has_outcome = true, .outcome = 1001500}, {.has_outcome = true}};
    static const uint32_t past[] = {1000000, 1002000, 999500, 1000000};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(past); i++) {
        notch_forecast_learn(&markets[0].past, past[i]);
        notch_forecast_learn(&markets[1].past, past[i] + 70000);
    }
    markets[1].outcome = 1069000;
    struct notch_forecast forecasts[2];
    notch_forecast_naive(&forecasts[0], &markets[0].past);
    notch_forecast_naive(&forecasts[1], &markets[1].past);
    notch_forecast_encode(&f.solution, forecasts, 2);
    struct notch_challenge_case found = answered(&f, &f.forecast);
    found.markets = markets;
    is_verdict(judge(&f, &found), NOTCH_OUTCOME_ANSWERED, NOTCH_SCORE_NAIVE);
    for (size_t k = 0; k < NOTCH_QUANTILES; k++) {
        forecasts[0].q[k] = markets[0].outcome;
    }
    uint32_t best = notch_forecast_score(&forecasts[0], &markets[0].past, markets[0].outcome);
    notch_buf_clear(&f.solution);
    notch_forecast_encode(&f.solution, forecasts, 2);
    found.solution = notch_buf_bytes(&f.solution);
    is_verdict(judge(&f, &found), NOTCH_OUTCOME_ANSWERED, (best + NOTCH_SCORE_NAIVE) / 2);
    markets[0].has_outcome = false;
    is_verdict(judge(&f, &found), NOTCH_OUTCOME_ANSWERED, NOTCH_SCORE_NAIVE);
    markets[1].has_outcome = false;
    is_verdict(judge(&f, &found), NOTCH_OUTCOME_VOID, 0);
    fini(&f);
}

static void features_fit_into_a_byte(void **state)
{
    (void)state;
    struct notch_insight insight = {.mask = NOTCH_INSIGHT_ALL,
                                    .point = {INT64_MAX},
                                    .trend = {10 * NOTCH_PPM_ONE},
                                    .volatility = {NOTCH_PPM_ONE / 2},
                                    .confidence = {NOTCH_PPM_ONE},
                                    .success = {-NOTCH_PPM_ONE},
                                    .season_count = NOTCH_INSIGHT_SEASONS_MAX};
    insight.seasons[0].raw = -10 * NOTCH_PPM_ONE;
    insight.seasons[10].raw = NOTCH_PPM_ONE / 128;
    int8_t features[NOTCH_FEATURES];
    notch_challenge_features(features, &insight);
    static const int8_t expected[NOTCH_FEATURES] = {127, 127, 64, 127, -128, -128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    assert_memory_equal(features, expected, sizeof features);
    insight.mask = 0;
    notch_challenge_features(features, &insight);
    static const int8_t nothing[NOTCH_FEATURES] = {0};
    assert_memory_equal(features, nothing, sizeof features);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_are_cut_from_heights), cmocka_unit_test(every_part_of_a_challenge_counts),
        cmocka_unit_test(markets_are_drawn_alike),      cmocka_unit_test(commitments_stay_in_their_window),
        cmocka_unit_test(reveals_open_commitments),     cmocka_unit_test(silence_and_withholding_have_verdicts),
        cmocka_unit_test(computing_is_judged),          cmocka_unit_test(models_are_judged),
        cmocka_unit_test(forecasts_are_judged),         cmocka_unit_test(features_fit_into_a_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
