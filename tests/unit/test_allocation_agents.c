/* The agents against the golden numbers, against an independent solver, and against what a network can do to them. */
#include "ai/agent/allocation/classic.h"
#include "ai/agent/allocation/message.h"
#include "ai/agent/allocation/run.h"
#include "tests/support/allocation.h"
#include "tests/support/gen.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS_MAX 4000

static struct notch_allocation_run_options options_of(uint64_t seed)
{
    return (struct notch_allocation_run_options){.alloc = notch_alloc_heap(), .seed = seed, .delay_ms = 50};
}

static struct notch_test_matching two_by_two(const int64_t needs[2], const int64_t capacities[2],
                                             const uint32_t recognition[4])
{
    struct notch_test_matching made;
    notch_test_matching_init(&made, 2, 2, 4);
    for (size_t i = 0; i < 2; i++) {
        made.needs[i] = needs[i];
        made.capacities[i] = capacities[i];
        notch_test_matching_edge(&made, i, 0, recognition[2 * i]);
        notch_test_matching_edge(&made, i, 1, recognition[2 * i + 1]);
    }
    return made;
}

/* Runs the agents to the end, and commits. */
static void settle(const struct notch_matching *matching, uint64_t *lambdas, int64_t *amounts)
{
    struct notch_allocation_run_options options = options_of(1);
    struct notch_allocation_run *run = notch_allocation_run_create(&options, matching);
    assert_true(notch_allocation_run_until(run, 1e-11, ROUNDS_MAX));
    notch_allocation_run_lambdas(run, lambdas);
    notch_allocation_run_destroy(run);
    notch_matching_commit(matching, amounts, lambdas, notch_alloc_heap());
}

static int64_t milli(int64_t micro)
{
    return (micro + 500) / 1000;
}

static void test_golden_seed(void **state)
{
    (void)state;
    struct notch_test_matching made = two_by_two((int64_t[]){500000000, 300000000}, (int64_t[]){400000000, 300000000},
                                                 (uint32_t[]){600000000, 400000000, 300000000, 700000000});
    uint64_t lambdas[2];
    int64_t amounts[4];
    settle(&made.matching, lambdas, amounts);
    assert_int_equal(milli(amounts[0]), 297752);
    assert_int_equal(milli(amounts[1]), 102248);
    assert_int_equal(milli(amounts[2]), 136246);
    assert_int_equal(milli(amounts[3]), 163754);
    assert_int_equal(amounts[0] + amounts[1], 400000000);
    assert_int_equal(amounts[2] + amounts[3], 300000000);
    assert_int_equal(milli(500000000 - amounts[0] - amounts[2]), 66002);
    assert_int_equal(milli(300000000 - amounts[1] - amounts[3]), 33998);
    /* D = C / lambda. */
    assert_int_equal(llround(400.0 * 4294967296.0 / (double)lambdas[0] * 1000), 53200);
    assert_int_equal(llround(300.0 * 4294967296.0 / (double)lambdas[1] * 1000), 43599);
    notch_test_matching_fini(&made);
}

static void test_golden_plenty(void **state)
{
    (void)state;
    struct notch_test_matching made;
    notch_test_matching_init(&made, 2, 1, 2);
    made.needs[0] = 500000000;
    made.capacities[0] = 300000000;
    made.capacities[1] = 400000000;
    notch_test_matching_edge(&made, 0, 0, 300000000);
    notch_test_matching_edge(&made, 1, 0, 700000000);
    uint64_t lambdas[2];
    int64_t amounts[2];
    settle(&made.matching, lambdas, amounts);
    assert_int_equal((amounts[0] + 5000) / 10000, 14999);
    assert_int_equal((amounts[1] + 5000) / 10000, 34998);
    notch_test_matching_fini(&made);
}

static void test_golden_single(void **state)
{
    (void)state;
    struct notch_test_matching made;
    notch_test_matching_init(&made, 1, 3, 3);
    made.capacities[0] = 300000000;
    static const int64_t needs[3] = {500000000, 300000000, 200000000};
    static const uint32_t shares[3] = {500000000, 300000000, 200000000};
    for (size_t i = 0; i < 3; i++) {
        made.needs[i] = needs[i];
        notch_test_matching_edge(&made, 0, i, shares[i]);
    }
    uint64_t lambda;
    int64_t amounts[3];
    settle(&made.matching, &lambda, amounts);
    assert_int_equal((amounts[0] + 5000) / 10000, 18431);
    assert_int_equal((amounts[1] + 5000) / 10000, 7783);
    assert_int_equal((amounts[2] + 5000) / 10000, 3786);
    assert_int_equal(amounts[0] + amounts[1] + amounts[2], 300000000);
    notch_test_matching_fini(&made);
}

/* ---- rounds ---- */

struct pace {
    uint64_t one_percent;
    uint64_t one_mille;
    double messages; /* per edge, to one mille */
};

/* How long until the error stays below 1 % and 0.1 %: first reached, as the design counts. */
static struct pace measure(const struct notch_test_matching *made, const struct notch_allocation_run_options *options)
{
    size_t edges = made->matching.edge_count;
    double *lambdas = calloc(made->matching.provider_count, sizeof *lambdas);
    double *exact = calloc(edges, sizeof *exact);
    double *amounts = calloc(edges, sizeof *amounts);
    struct pace pace = {0, 0, 0};
    assert_non_null(lambdas);
    assert_non_null(exact);
    assert_non_null(amounts);
    assert_true(notch_test_matching_solve(&made->matching, lambdas, exact));
    struct notch_allocation_run *run = notch_allocation_run_create(options, &made->matching);
    while (pace.one_mille == 0 && notch_allocation_run_rounds(run) < 500) {
        assert_true(notch_allocation_run_step(run));
        notch_allocation_run_amounts(run, amounts);
        double error = notch_test_matching_error(amounts, exact, edges);
        uint64_t rounds = notch_allocation_run_rounds(run);
        if (error < 0.01 && pace.one_percent == 0) {
            pace.one_percent = rounds;
        }
        if (error < 0.001) {
            pace.one_mille = rounds;
            pace.messages = (double)notch_allocation_run_messages(run) / (double)edges;
        }
    }
    notch_allocation_run_destroy(run);
    free(lambdas);
    free(exact);
    free(amounts);
    return pace;
}

static void check_pace(size_t recipients, double load, enum notch_test_graph graph, uint32_t drop_ppm,
                       enum notch_allocation_delay delay, uint64_t most, uint64_t most_mille)
{
    for (uint64_t seed = 1; seed <= (recipients > 200 ? 1 : 5); seed++) {
        struct notch_test_matching made;
        notch_test_matching_draw(&made, recipients, load, graph, seed);
        struct notch_allocation_run_options options = options_of(seed);
        options.drop_ppm = drop_ppm;
        options.delay = delay;
        struct pace pace = measure(&made, &options);
        print_message("N %zu load %.3f graph %d drop %u delay %d seed %d: %d / %d rounds, %.1f messages per edge\n",
                      recipients, load, (int)graph, drop_ppm, (int)delay, (int)seed, (int)pace.one_percent,
                      (int)pace.one_mille, pace.messages);
        assert_in_range(pace.one_percent, 1, most);
        assert_in_range(pace.one_mille, 1, most_mille);
        notch_test_matching_fini(&made);
    }
}

static void test_rounds_by_size(void **state)
{
    (void)state;
    static const size_t sizes[] = {2, 10, 50, 200, 1000, 2000};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(sizes); i++) {
        check_pace(sizes[i], 0.875, NOTCH_TEST_RANDOM, 0, NOTCH_DELAY_FIXED, 10, 18);
    }
}

static void test_rounds_by_load(void **state)
{
    (void)state;
    static const double loads[] = {0.5, 0.7, 0.95, 1.1, 1.5};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(loads); i++) {
        check_pace(200, loads[i], NOTCH_TEST_RANDOM, 0, NOTCH_DELAY_FIXED, 23, 26);
    }
    check_pace(200, 1.0, NOTCH_TEST_RANDOM, 0, NOTCH_DELAY_FIXED, 75, 75);
}

static void test_rounds_by_graph(void **state)
{
    (void)state;
    check_pace(200, 0.875, NOTCH_TEST_RING, 0, NOTCH_DELAY_FIXED, 14, 21);
    check_pace(200, 0.875, NOTCH_TEST_REGULAR, 0, NOTCH_DELAY_FIXED, 10, 18);
    check_pace(200, 0.875, NOTCH_TEST_COMPLETE, 0, NOTCH_DELAY_FIXED, 10, 18);
}

static void test_rounds_by_network(void **state)
{
    (void)state;
    check_pace(200, 0.875, NOTCH_TEST_RANDOM, 100000, NOTCH_DELAY_FIXED, 10, 18);
    check_pace(200, 0.875, NOTCH_TEST_RANDOM, 300000, NOTCH_DELAY_FIXED, 10, 18);
    check_pace(200, 0.875, NOTCH_TEST_RANDOM, 0, NOTCH_DELAY_EXPONENTIAL, 10, 18);
    check_pace(200, 0.875, NOTCH_TEST_RANDOM, 300000, NOTCH_DELAY_EXPONENTIAL, 10, 18);
}

/* Needs move by a tenth and capacities by a twentieth; everybody starts from the last lambdas. */
static void check_warm(double load, uint64_t most, uint64_t most_mille)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct notch_test_matching made;
        struct notch_rng rng;
        uint64_t lambdas[40];
        notch_rng_init(&rng, seed);
        notch_test_matching_draw(&made, 200, load, NOTCH_TEST_RANDOM, seed);
        int64_t *amounts = calloc(made.matching.edge_count, sizeof *amounts);
        assert_non_null(amounts);
        settle(&made.matching, lambdas, amounts);
        free(amounts);
        for (size_t r = 0; r < 200; r++) {
            made.needs[r] += made.needs[r] / 1000 * ((int64_t)notch_rng_below(&rng, 201) - 100);
        }
        for (size_t p = 0; p < 40; p++) {
            made.capacities[p] += made.capacities[p] / 1000 * ((int64_t)notch_rng_below(&rng, 101) - 50);
        }
        struct notch_allocation_run_options options = options_of(seed);
        options.lambdas_start = lambdas;
        struct pace pace = measure(&made, &options);
        print_message("warm, load %.3f seed %d: %d / %d rounds\n", load, (int)seed, (int)pace.one_percent,
                      (int)pace.one_mille);
        assert_in_range(pace.one_percent, 1, most);
        assert_in_range(pace.one_mille, 1, most_mille);
        notch_test_matching_fini(&made);
    }
}

static void test_warm(void **state)
{
    (void)state;
    check_warm(0.5, 4, 6);
    check_warm(0.875, 4, 6);
    check_warm(1.1, 4, 6);
}

/* ---- the classic algorithm ---- */

static void test_classic_first_rounds(void **state)
{
    (void)state;
    struct notch_test_matching made = two_by_two((int64_t[]){500000000, 300000000}, (int64_t[]){400000000, 300000000},
                                                 (uint32_t[]){600000000, 400000000, 300000000, 700000000});
    struct notch_classic_options options = {.alloc = notch_alloc_heap(), .seed = 1, .unit = 1e6};
    struct notch_classic *classic = notch_classic_create(&options, &made.matching);
    double granted[4];
    assert_true(notch_classic_estimate(classic, 0) == 300);
    assert_true(notch_classic_estimate(classic, 2) == 150);
    notch_classic_round(classic);
    notch_classic_granted(classic, granted);
    /* R1 is there first and takes all of both. */
    assert_true(granted[0] == 400e6);
    assert_true(granted[1] == 0);
    assert_true(granted[2] == 300e6);
    assert_true(granted[3] == 0);
    assert_true(notch_classic_residual(classic, 0) == 0);
    assert_true(notch_classic_residual(classic, 1) == 300e6);
    /* Gossip: 0.6 * 0 + 0.4 * 300. */
    assert_true(fabs(notch_classic_estimate(classic, 0) - 120) < 1e-9);
    assert_true(fabs(notch_classic_estimate(classic, 1) - 120) < 1e-9);
    notch_classic_round(classic);
    notch_classic_granted(classic, granted);
    assert_true(granted[0] == 0);
    assert_true(fabs(granted[1] - 300e6) < 1);
    assert_true(notch_classic_is_converged(classic));
    notch_classic_destroy(classic);
    notch_test_matching_fini(&made);
}

/* It never comes within 10 % of the fixed point, and hands out more than there is. */
static void test_classic_does_not_converge(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct notch_test_matching made;
        notch_test_matching_draw(&made, 50, 0.875, NOTCH_TEST_RANDOM, seed);
        struct notch_classic_options options = {.alloc = notch_alloc_heap(), .seed = seed, .unit = 1e6};
        struct notch_classic *classic = notch_classic_create(&options, &made.matching);
        size_t edges = made.matching.edge_count;
        double *exact = calloc(edges, sizeof *exact);
        double *total = calloc(edges, sizeof *total);
        double lambdas[10];
        double given = 0;
        double there = 0;
        assert_non_null(exact);
        assert_non_null(total);
        assert_true(notch_test_matching_solve(&made.matching, lambdas, exact));
        for (int round = 0; round < 100; round++) {
            notch_classic_round(classic);
            notch_classic_total(classic, total);
            assert_true(notch_test_matching_error(total, exact, edges) > 0.1);
        }
        for (size_t i = 0; i < edges; i++) {
            given += total[i];
        }
        for (size_t i = 0; i < made.matching.provider_count; i++) {
            there += (double)made.capacities[i];
        }
        assert_true(given > 1.1 * there);
        free(exact);
        free(total);
        notch_classic_destroy(classic);
        notch_test_matching_fini(&made);
    }
}

static bool is_near(double a, double b)
{
    return fabs(a - b) < 0.005;
}

/* One round of the centralised formula, as the document's neighbours compute it. */
static void test_split_examples(void **state)
{
    (void)state;
    double amounts[4];
    (void)notch_denominator_split(amounts, 300, (double[]){.5, .3, .2}, (double[]){500, 300, 200}, 3,
                                  NOTCH_SPLIT_UNCAPPED);
    assert_true(is_near(amounts[0], 197.37) && is_near(amounts[1], 71.05) && is_near(amounts[2], 31.58));
    (void)notch_denominator_split(amounts, 1000, (double[]){.4, .25, 0, 0}, (double[]){500, 400, 300, 200}, 4,
                                  NOTCH_SPLIT_UNCAPPED);
    assert_true(is_near(amounts[0], 666.67) && is_near(amounts[1], 333.33) && is_near(amounts[2], 0));
    double left = notch_denominator_split(amounts, 1000, (double[]){.4, .25, 0, 0}, (double[]){300, 200, 300, 200}, 4,
                                          NOTCH_SPLIT_CAPPED);
    assert_true(is_near(amounts[0], 300) && is_near(amounts[1], 200) && is_near(left, 500));
    (void)notch_denominator_split(amounts, left, (double[]){.2, .1}, (double[]){300, 200}, 2, NOTCH_SPLIT_UNCAPPED);
    assert_true(is_near(amounts[0], 375) && is_near(amounts[1], 125));
    (void)notch_denominator_split(amounts, 1000, (double[]){.5, 0, .2}, (double[]){500, 400, 300}, 3,
                                  NOTCH_SPLIT_UNCAPPED);
    assert_true(is_near(amounts[0], 806.45) && is_near(amounts[1], 0) && is_near(amounts[2], 193.55));
    (void)notch_denominator_split(amounts, 100, (double[]){.5, .5}, (double[]){200, 200}, 2, NOTCH_SPLIT_CAPPED);
    assert_true(is_near(amounts[0], 50) && is_near(amounts[1], 50));
    (void)notch_denominator_split(amounts, 1000, (double[]){1}, (double[]){500}, 1, NOTCH_SPLIT_CAPPED);
    assert_true(is_near(amounts[0], 500));
    /* The two rounds of the example with two providers. */
    (void)notch_denominator_split(amounts, 400, (double[]){.6, .4}, (double[]){500, 300}, 2, NOTCH_SPLIT_UNCAPPED);
    (void)notch_denominator_split(amounts + 2, 300, (double[]){.3, .7}, (double[]){500, 300}, 2, NOTCH_SPLIT_UNCAPPED);
    assert_true(is_near(amounts[0], 285.71) && is_near(amounts[1], 114.29));
    assert_true(is_near(amounts[2], 125) && is_near(amounts[3], 175));
    double needs[2] = {500 - amounts[0] - amounts[2], 300 - amounts[1] - amounts[3]};
    (void)notch_denominator_split(amounts, 400, (double[]){.6, .4}, needs, 2, NOTCH_SPLIT_UNCAPPED);
    (void)notch_denominator_split(amounts + 2, 300, (double[]){.3, .7}, needs, 2, NOTCH_SPLIT_UNCAPPED);
    assert_true(is_near(amounts[0], 370.37) && is_near(amounts[1], 29.63));
    assert_true(is_near(amounts[2], 234.375) && is_near(amounts[3], 65.625));
}

static void test_damping(void **state)
{
    (void)state;
    assert_true(notch_classic_damping((double[]){100, 50, 100}) == 0.5);
    assert_true(notch_classic_damping((double[]){100, 80, 60}) == 1);
    assert_true(notch_classic_damping((double[]){90, 100, 110}) == 0.8);
}

/* ---- messages ---- */

static struct notch_signer signer_of(uint8_t secret[32])
{
    struct notch_signer signer = {.secret = secret};
    assert_true(notch_crypto_secp()->key_of_secret(notch_crypto_secp()->self, &signer.key, secret));
    return signer;
}

static void check_message(const struct notch_allocation_message *message, const struct notch_signer *signer)
{
    uint8_t bytes[NOTCH_ALLOCATION_MESSAGE_BYTES_MAX];
    uint8_t again[NOTCH_ALLOCATION_MESSAGE_BYTES_MAX];
    struct notch_allocation_message read;
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    assert_true(notch_allocation_message_write(&writer, message, notch_crypto_secp(), signer));
    size_t len = notch_writer_bytes(&writer).len;
    assert_true(notch_is_valid(notch_allocation_message_read(&read, notch_bytes(bytes, len), notch_crypto_secp())));
    struct notch_writer second = notch_writer(again, sizeof again);
    assert_true(notch_allocation_message_write(&second, &read, notch_crypto_secp(), signer));
    /* The signature is part of the bytes and deterministic. */
    assert_int_equal(notch_writer_bytes(&second).len, len);
    assert_memory_equal(bytes, again, len);
    for (size_t i = 0; i < len; i++) {
        bytes[i] ^= 0x10;
        assert_false(
            notch_is_valid(notch_allocation_message_read(&read, notch_bytes(bytes, len), notch_crypto_secp())));
        bytes[i] ^= 0x10;
    }
    assert_int_equal(notch_allocation_message_read(&read, notch_bytes(bytes, len - 1), notch_crypto_secp()).code,
                     NOTCH_REJECT_MALFORMED);
}

static void test_messages(void **state)
{
    (void)state;
    uint8_t secret[32] = {1, 2, 3};
    struct notch_signer signer = signer_of(secret);
    struct notch_allocation_message message = {.kind = NOTCH_ALLOCATION_REQUEST,
                                               .from = signer.key,
                                               .to = {{7}},
                                               .sent = {1700000000000},
                                               .as.request = {.sequence = 9, .residual_need = 66.002, .expected = 0}};
    notch_allocation_market(&message.market, &(struct notch_hash){{1}}, &(struct notch_hash){{2}},
                            (struct notch_time){3}, 4);
    check_message(&message, &signer);
    message.kind = NOTCH_ALLOCATION_RESPONSE;
    message.as.response = (struct notch_allocation_response){9, 297.752, true, 400, 399.5};
    check_message(&message, &signer);
    message.as.response = (struct notch_allocation_response){.answers = 9, .allocated = 1e300};
    check_message(&message, &signer);
    message.kind = NOTCH_ALLOCATION_GOSSIP;
    message.as.gossip = (struct notch_allocation_gossip){{{5}}, 53.2, 66.002, 0.6, 0.9};
    check_message(&message, &signer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_seed),
        cmocka_unit_test(test_golden_plenty),
        cmocka_unit_test(test_golden_single),
        cmocka_unit_test(test_rounds_by_size),
        cmocka_unit_test(test_rounds_by_load),
        cmocka_unit_test(test_rounds_by_graph),
        cmocka_unit_test(test_rounds_by_network),
        cmocka_unit_test(test_warm),
        cmocka_unit_test(test_classic_first_rounds),
        cmocka_unit_test(test_classic_does_not_converge),
        cmocka_unit_test(test_split_examples),
        cmocka_unit_test(test_damping),
        cmocka_unit_test(test_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
