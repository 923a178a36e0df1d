/*
 * Measures what verdicts on challenges cost: one JSON line per figure, {"name","value","unit"}.
 *
 *   challenge [--seconds S]
 *
 * All in processor time of one thread. A validator's part of a window is one verdict of each active kind: a product of
 * the difficulty that a chain begins with, a network of about 20 KB with 32 inputs, forecasts for eight markets. The
 * share is of 1000 validators, in windows of 64 blocks at 2 s.
 *
 * Exit status: 0; 1 when a verdict was not the right one; 2 for a wrong command line.
 */
#include "ai/rules/challenge.h"
#include "ai/rules/compute.h"
#include "ai/rules/net8.h"
#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define VALIDATORS 1000
#define WINDOW_SECONDS (64 * 2)

enum { INPUTS = 32, HIDDEN = 110, OUTPUTS = 8 };

struct bench {
    struct notch_domain domain;
    struct notch_challenge challenge;
    struct notch_challenge_case found;
    struct notch_buf solution;
    struct notch_buf network;
    struct notch_model model;
    int8_t features[NOTCH_PROOF_VECTORS][NOTCH_FEATURES];
    struct notch_hash markets[NOTCH_FORECAST_MARKETS_MAX];
    struct notch_challenge_market seen[NOTCH_FORECAST_MARKETS_MAX];
    struct notch_net8 decoded;
    double seconds;
};

static double now_s(void)
{
    struct timespec now;
    int status = clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    notch_assert(status == 0);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Seconds for one call. */
static double measure(struct bench *bench, void (*call)(struct bench *bench))
{
    double start = now_s();
    double spent = 0;
    uint64_t calls = 0;
    while (spent < bench->seconds) {
        call(bench);
        calls++;
        spent = now_s() - start;
    }
    return spent / (double)calls;
}

static void judge(struct bench *bench)
{
    bench->found.solution = notch_buf_bytes(&bench->solution);
    struct notch_verdict verdict = notch_challenge_judge(&bench->domain, &bench->found, notch_alloc_heap());
    if (verdict.outcome != NOTCH_OUTCOME_ANSWERED) {
        fprintf(stderr, "challenge: %s: verdict %s\n", notch_challenge_row(bench->challenge.kind)->name,
                notch_outcome_name(verdict.outcome));
        exit(EXIT_FAILURE);
    }
}

static void solve(struct bench *bench)
{
    notch_buf_clear(&bench->solution);
    notch_challenge_solve_compute(&bench->solution, &bench->domain, &bench->challenge, notch_alloc_heap());
}

static void set_kind(struct bench *bench, enum notch_challenge_kind kind)
{
    notch_buf_clear(&bench->solution);
    bench->challenge = (struct notch_challenge){.window = 3, .kind = kind, .account = {{1}}};
    bench->found = (struct notch_challenge_case){.challenge = &bench->challenge,
                                                 .is_committed = true,
                                                 .is_revealed = true,
                                                 .later = {{9}},
                                                 .markets = bench->seen};
}

/* 32 -> 110 -> 110 -> 8: 16,500 weights. */
static void make_network(struct bench *bench)
{
    static const uint32_t widths[] = {INPUTS, HIDDEN, HIDDEN, OUTPUTS};
    struct notch_rng rng;
    notch_rng_init(&rng, 6);
    struct notch_writer writer = notch_writer_grow(&bench->network);
    notch_write_u8(&writer, NOTCH_NET8_VERSION);
    notch_write_uvar(&writer, 1);
    notch_write_uvar(&writer, 1);
    notch_write_uvar(&writer, NOTCH_ARRAY_LEN(widths));
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(widths); i++) {
        notch_write_uvar(&writer, widths[i]);
    }
    for (size_t i = 0; i + 1 < NOTCH_ARRAY_LEN(widths); i++) {
        notch_write_u8(&writer, i == 2 ? NOTCH_ACTIVATION_WIDE : NOTCH_ACTIVATION_RELU);
        notch_write_u32(&writer, NOTCH_NET8_MULTIPLIER_MIN);
        notch_write_u8(&writer, 39);
        for (uint32_t b = 0; b < widths[i + 1]; b++) {
            notch_write_u32(&writer, 100);
        }
        for (uint32_t w = 0; w < widths[i] * widths[i + 1]; w++) {
            notch_write_u8(&writer, (uint8_t)notch_rng_below(&rng, 256));
        }
    }
    notch_rng_fill(&rng, bench->features, sizeof bench->features);
    struct notch_reject reject = notch_net8_decode(&bench->decoded, notch_buf_bytes(&bench->network));
    notch_assert(notch_is_valid(reject));
    bench->model = (struct notch_model){.bytes = (uint32_t)bench->network.len, .layer_count = NOTCH_ARRAY_LEN(widths)};
    memcpy(bench->model.layers, widths, sizeof widths);
    notch_model_root(&bench->model.root, notch_buf_bytes(&bench->network));
}

/* As many inferences as a proof holds, and nothing else. */
static void infer(struct bench *bench)
{
    static int8_t inputs[INPUTS];
    static int16_t outputs[OUTPUTS];
    static uint8_t scratch[2 * HIDDEN];
    for (unsigned v = 0; v < 2 * NOTCH_PROOF_VECTORS; v++) {
        inputs[v % INPUTS] = (int8_t)v;
        notch_net8_run(&bench->decoded, outputs, inputs, scratch);
    }
}

static void prove(struct bench *bench)
{
    struct notch_hash digest;
    set_kind(bench, NOTCH_CHALLENGE_MODEL);
    bench->challenge.as.model.model = &bench->model;
    bench->challenge.as.model.features = bench->features;
    bench->challenge.as.model.feature_count = NOTCH_PROOF_VECTORS;
    notch_challenge_digest(&digest, &bench->domain, &bench->challenge, &bench->decoded, notch_alloc_heap());
    notch_buf_append(&bench->solution, digest.raw, sizeof digest.raw); /* Raw: a solution */
    notch_buf_append(&bench->solution, bench->network.data, bench->network.len);
}

static void predict(struct bench *bench)
{
    struct notch_forecast forecasts[NOTCH_FORECAST_MARKETS_MAX];
    set_kind(bench, NOTCH_CHALLENGE_FORECAST);
    bench->challenge.as.forecast.markets = bench->markets;
    bench->challenge.as.forecast.market_count = NOTCH_FORECAST_MARKETS_MAX;
    for (uint32_t i = 0; i < NOTCH_FORECAST_MARKETS_MAX; i++) {
        bench->seen[i] = (struct notch_challenge_market){.has_outcome = true, .outcome = 1001000 + i};
        for (uint32_t past = 0; past < 5; past++) {
            notch_forecast_learn(&bench->seen[i].past, 1000000 + 700 * past);
        }
        notch_forecast_naive(&forecasts[i], &bench->seen[i].past);
    }
    notch_forecast_encode(&bench->solution, forecasts, NOTCH_FORECAST_MARKETS_MAX);
}

static void print_figure(const char *name, double value, const char *unit)
{
    (void)printf("{\"name\": \"%s\", \"value\": %.6g, \"unit\": \"%s\"}\n", name, value, unit);
}

static void run(struct bench *bench)
{
    set_kind(bench, NOTCH_CHALLENGE_COMPUTE);
    bench->challenge.as.compute.difficulty = NOTCH_COMPUTE_DIFFICULTY_START;
    double solved = measure(bench, solve);
    double computed = measure(bench, judge);
    make_network(bench);
    double inferred = measure(bench, infer);
    prove(bench);
    double proven = measure(bench, judge);
    predict(bench);
    double predicted = measure(bench, judge);
    print_figure("compute_solve", solved * 1e3, "ms");
    print_figure("compute_verify", computed * 1e3, "ms");
    print_figure("compute_ratio", solved / computed, "x");
    print_figure("model_verify", proven * 1e6, "us");
    print_figure("model_ratio", proven / inferred, "x");
    print_figure("forecast_verify", predicted * 1e6, "us");
    print_figure("window_share", 100 * VALIDATORS * (computed + proven + predicted) / WINDOW_SECONDS, "% of a core");
}

int main(int argc, char **argv)
{
    static struct bench bench;
    bench.seconds = 0.5;
    if (argc == 3 && strcmp(argv[1], "--seconds") == 0) {
        bench.seconds = strtod(argv[2], NULL);
    }
    if ((argc != 1 && argc != 3) || !(bench.seconds >= 0.01 && bench.seconds <= 60)) {
        fprintf(stderr, "usage: challenge [--seconds 0.01..60]\n");
        return 2;
    }
    notch_domain_init(&bench.domain, &(struct notch_hash){{3}});
    notch_buf_init(&bench.solution, notch_alloc_heap());
    notch_buf_init(&bench.network, notch_alloc_heap());
    run(&bench);
    notch_buf_fini(&bench.network);
    notch_buf_fini(&bench.solution);
    return EXIT_SUCCESS;
}
