/*
 * Solutions of challenges, and the stored standing of an account.
 *
 * Input        a byte that says which (0 forecast, 1 compute, 2 model, 3 standing), then its bytes.
 *
 * What is accepted, encoded again, must be the same bytes; every solution gets a verdict, and no verdict but an answer
 * has a score.
 */
#include "ai/rules/challenge.h"
#include "ai/rules/compute.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_forecast(struct notch_bytes bytes)
{
    struct notch_forecast forecasts[3];
    if (notch_is_valid(notch_forecast_decode(forecasts, 3, bytes))) {
        struct notch_buf again;
        notch_buf_init(&again, notch_alloc_heap());
        notch_forecast_encode(&again, forecasts, 3);
        notch_assert(notch_bytes_eq(notch_buf_bytes(&again), bytes));
        notch_buf_fini(&again);
    }
}

static void check_standing(struct notch_bytes bytes)
{
    struct notch_standing standing;
    struct notch_reader reader = notch_reader(bytes);
    notch_standing_read(&reader, &standing);
    if (!notch_reader_done(&reader)) {
        return;
    }
    uint8_t again[512];
    struct notch_writer writer = notch_writer(again, sizeof again);
    notch_standing_write(&writer, &standing);
    notch_assert(notch_bytes_eq(notch_writer_bytes(&writer), bytes));
    uint32_t term = 0;
    notch_assert(!notch_standing_term(&term, &standing) || term <= NOTCH_CHALLENGE_TERM_ONE);
    notch_assert(notch_standing_influence(&standing, 1000) <= 1000);
}

static void check_verdict(enum notch_challenge_kind kind, struct notch_bytes bytes)
{
    static struct notch_domain domain;
    static const struct notch_model model = {.bytes = 17, .layer_count = 2, .layers = {1, 1}};
    static const struct notch_hash markets[3] = {{{1}}, {{2}}, {{3}}};
    const struct notch_challenge_market seen[3] = {{.has_outcome = true, .outcome = 1000, .past = {.seen = 3}},
                                                   {.has_outcome = false},
                                                   {.has_outcome = true, .past = {.tick = 5, .seen = 9, .loss = 7}}};
    notch_domain_init(&domain, &(struct notch_hash){{1}});
    struct notch_challenge challenge = {.window = 3, .kind = kind};
    if (kind == NOTCH_CHALLENGE_COMPUTE) {
        challenge.as.compute.difficulty = NOTCH_COMPUTE_DIFFICULTY_MIN;
    } else if (kind == NOTCH_CHALLENGE_MODEL) {
        challenge.as.model.model = &model;
    } else {
        challenge.as.forecast.markets = markets;
        challenge.as.forecast.market_count = 3;
    }
    struct notch_challenge_case found = {
        .challenge = &challenge, .is_committed = true, .is_revealed = true, .solution = bytes, .markets = seen};
    struct notch_verdict verdict = notch_challenge_judge(&domain, &found, notch_alloc_heap());
    notch_assert(verdict.target <= NOTCH_SCORE_ONE);
    notch_assert(verdict.target == 0 || verdict.outcome == NOTCH_OUTCOME_ANSWERED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct notch_bytes bytes = notch_bytes(data + 1, size - 1);
    switch (data[0] % 4) {
    case 0:
        check_forecast(bytes);
        check_verdict(NOTCH_CHALLENGE_FORECAST, bytes);
        break;
    case 1:
        check_verdict(NOTCH_CHALLENGE_COMPUTE, bytes);
        break;
    case 2:
        check_verdict(NOTCH_CHALLENGE_MODEL, bytes);
        break;
    case 3:
        check_standing(bytes);
        break;
    }
    return 0;
}
