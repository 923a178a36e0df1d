/*
 * One hash over what ai/rules computes: networks, products, draws, forecasts, scores and verdicts, from fixed seeds.
 * tests/vectors/rules.py builds it in many ways; every build prints the same 64 digits.
 *
 *   rules_digest
 */
#include "ai/rules/challenge.h"
#include "ai/rules/compute.h"
#include "ai/rules/net8.h"
#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>

#define SEEDS 60

struct digest {
    struct notch_sha256 sha;
    struct notch_domain domain;
    struct notch_rng rng;
};

static void add(struct digest *digest, uint64_t value)
{
    uint8_t bytes[8];
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    notch_write_u64(&writer, value);
    notch_sha256_update(&digest->sha, bytes, sizeof bytes);
}

static uint64_t draw(struct digest *digest, uint64_t bound)
{
    return notch_rng_below(&digest->rng, bound);
}

/* A network's bytes, written by hand: every third at the ends of its ranges. */
static void write_network(struct digest *digest, struct notch_buf *out, const uint32_t *widths, uint32_t count)
{
    struct notch_writer writer = notch_writer_grow(out);
    bool is_extreme = draw(digest, 3) == 0;
    notch_write_u8(&writer, NOTCH_NET8_VERSION);
    notch_write_uvar(&writer, 31250000);
    notch_write_uvar(&writer, 15625000);
    notch_write_uvar(&writer, count);
    for (uint32_t i = 0; i < count; i++) {
        notch_write_uvar(&writer, widths[i]);
    }
    for (uint32_t i = 0; i + 1 < count; i++) {
        uint8_t activation = (uint8_t)draw(digest, i + 2 == count ? 5 : 3);
        notch_write_u8(&writer, activation);
        notch_write_u32(&writer, NOTCH_NET8_MULTIPLIER_MIN + (uint32_t)draw(digest, UINT32_C(1) << 30));
        notch_write_u8(&writer, (uint8_t)(is_extreme ? draw(digest, 63) : 36 + draw(digest, 4)));
        for (uint32_t b = 0; b < widths[i + 1]; b++) {
            int32_t bias = (int32_t)draw(digest, 20001) - 10000;
            bias = is_extreme ? (bias < 0 ? -NOTCH_NET8_BIAS_MAX : NOTCH_NET8_BIAS_MAX) : bias;
            notch_write_u32(&writer, (uint32_t)bias);
        }
        uint32_t bytes = widths[i] * widths[i + 1] + (activation == NOTCH_ACTIVATION_TABLE ? NOTCH_NET8_TABLE : 0);
        for (uint32_t w = 0; w < bytes; w++) {
            notch_write_u8(&writer, is_extreme ? (uint8_t)(0x7f + draw(digest, 3)) : (uint8_t)draw(digest, 256));
        }
    }
}

/* Decodes, and answers a challenge of kind 1 with it. */
static void add_network(struct digest *digest)
{
    uint32_t widths[4];
    struct notch_buf bytes;
    notch_buf_init(&bytes, notch_alloc_heap());
    uint32_t count = 2 + (uint32_t)draw(digest, 3);
    for (uint32_t i = 0; i < count; i++) {
        widths[i] = 1 + (uint32_t)draw(digest, 50);
    }
    write_network(digest, &bytes, widths, count);
    struct notch_net8 network;
    struct notch_reject reject = notch_net8_decode(&network, notch_buf_bytes(&bytes));
    notch_assert(notch_is_valid(reject));
    struct notch_model model = {.bytes = (uint32_t)bytes.len, .layer_count = count};
    memcpy(model.layers, widths, count * sizeof widths[0]);
    notch_model_root(&model.root, notch_buf_bytes(&bytes));
    struct notch_insight insight = {.mask = NOTCH_INSIGHT_ALL, .season_count = 12};
    insight.point.raw = (int64_t)draw(digest, INT64_MAX);
    insight.trend.raw = (int32_t)draw(digest, 3000000) - 1000000;
    for (uint32_t i = 0; i < 12; i++) {
        insight.seasons[i].raw = (int32_t)draw(digest, 3000000) - 1000000;
    }
    int8_t features[1][NOTCH_FEATURES];
    notch_challenge_features(features[0], &insight);
    struct notch_challenge challenge = {.window = draw(digest, 1000), .kind = NOTCH_CHALLENGE_MODEL};
    challenge.as.model.model = &model;
    challenge.as.model.features = features;
    challenge.as.model.feature_count = 1;
    struct notch_hash proof;
    notch_challenge_digest(&proof, &digest->domain, &challenge, &network, notch_alloc_heap());
    notch_sha256_update(&digest->sha, proof.raw, sizeof proof.raw);
    notch_buf_fini(&bytes);
}

static void add_compute(struct digest *digest)
{
    struct notch_challenge challenge = {.window = draw(digest, 1000), .kind = NOTCH_CHALLENGE_COMPUTE};
    challenge.as.compute.difficulty = NOTCH_COMPUTE_DIFFICULTY_MIN + (uint32_t)draw(digest, 4);
    struct notch_buf answer;
    notch_buf_init(&answer, notch_alloc_heap());
    notch_challenge_solve_compute(&answer, &digest->domain, &challenge, notch_alloc_heap());
    notch_sha256_update(&digest->sha, answer.data, answer.len);
    struct notch_challenge_case found = {
        .challenge = &challenge, .is_committed = true, .is_revealed = true, .solution = notch_buf_bytes(&answer)};
    for (unsigned turn = 0; turn < 2; turn++) {
        add(digest, notch_challenge_judge(&digest->domain, &found, notch_alloc_heap()).outcome);
        answer.data[draw(digest, answer.len)] ^= 1;
    }
    notch_buf_fini(&answer);
}

static void add_forecasts(struct digest *digest, struct notch_standing *standing)
{
    struct notch_forecast_past past = {0};
    for (unsigned window = 0; window < 40; window++) {
        struct notch_forecast_point points[15];
        struct notch_price price = {(int64_t)draw(digest, window % 9 == 0 ? INT64_MAX : 4000000) + 1};
        for (size_t i = 0; i < 15; i++) {
            points[i].tick = notch_forecast_tick(price) + (uint32_t)draw(digest, 1000);
            points[i].cluster = (uint32_t)draw(digest, 5);
            points[i].weight = draw(digest, NOTCH_FORECAST_WEIGHT_MAX);
        }
        uint32_t outcome = 0;
        notch_forecast_sort(points, 15);
        add(digest, notch_forecast_outcome(&outcome, points, 15, 3) ? outcome : UINT64_MAX);
        outcome = outcome < NOTCH_TICK_MAX ? outcome : NOTCH_TICK_MAX;
        if (past.seen >= NOTCH_FORECAST_SEEN_MIN) {
            struct notch_forecast forecast;
            for (size_t k = 0; k < NOTCH_QUANTILES; k++) {
                forecast.q[k] = (uint32_t)(outcome / 2 + k * draw(digest, 1000));
            }
            struct notch_verdict verdict = {NOTCH_OUTCOME_ANSWERED, notch_forecast_score(&forecast, &past, outcome)};
            notch_standing_apply(standing, NOTCH_CHALLENGE_FORECAST, verdict);
            verdict = (struct notch_verdict){(enum notch_outcome)(2 + draw(digest, 3)), 0};
            notch_standing_apply(standing, (enum notch_challenge_kind)draw(digest, 3), verdict);
        }
        notch_forecast_learn(&past, outcome);
        add(digest, past.spread);
        add(digest, past.loss);
    }
    uint8_t bytes[512];
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    notch_standing_write(&writer, standing);
    notch_sha256_update(&digest->sha, bytes, notch_writer_bytes(&writer).len);
    uint32_t term = 0;
    add(digest, notch_standing_term(&term, standing) ? term : UINT64_MAX);
    add(digest, notch_standing_influence(standing, 1234567));
}

int main(void)
{
    struct digest digest;
    struct notch_standing standing = {0};
    notch_sha256_init(&digest.sha);
    notch_domain_init(&digest.domain, &(struct notch_hash){{42}});
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        notch_rng_init(&digest.rng, seed);
        add_network(&digest);
        add_forecasts(&digest, &standing);
        if (seed % 20 == 0) {
            add_compute(&digest);
        }
        notch_standing_turn(&standing);
    }
    struct notch_hash hash;
    char text[65];
    notch_sha256_final(&digest.sha, &hash);
    notch_hex_encode(text, hash.raw, sizeof hash.raw);
    (void)puts(text);
    return EXIT_SUCCESS;
}
