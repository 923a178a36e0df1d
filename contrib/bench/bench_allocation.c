/*
 * bench_allocation: how many rounds and messages the agents need: one JSON line per figure, {"name","value","unit"}.
 *
 *   bench_allocation
 *
 * For sizes, loads, losses, delays and graphs: rounds to 1 % and 0.1 % of the exact answer, which an independent solver
 * finds, and messages per edge to 0.1 %; the mean of five drawn matchings (one above 200 recipients). Beside it the
 * classic algorithm: how far it is from the answer after 100 rounds, and what it handed out over what there was. Exit
 * status: 0; 1 where the solver or the agents did not get there.
 */
#include "ai/agent/allocation/classic.h"
#include "ai/agent/allocation/run.h"
#include "tests/support/allocation.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUNDS_MAX 1000
#define CLASSIC_ROUNDS 100

struct scenario {
    const char *name;
    size_t recipients;
    double load;
    enum notch_test_graph graph;
    uint32_t drop_ppm;
    enum notch_allocation_delay delay;
};

static const struct scenario scenarios[] = {
    {"n2", 2, 0.875, NOTCH_TEST_RANDOM, 0, NOTCH_DELAY_FIXED},
    {"n10", 10, 0.875, NOTCH_TEST_RANDOM, 0, NOTCH_DELAY_FIXED},
    {"n50", 50, 0.875, NOTCH_TEST_RANDOM, 0, NOTCH_DELAY_FIXED},
    {"n200", 200, 0.875, NOTCH_TEST_RANDOM, 0, NOTCH_DELAY_FIXED},
    {"n1000", 1000, 0.875, NOTCH_TEST_RANDOM, 0, NOTCH_DELAY_FIXED},
    {"n2000", 2000, 0.875, NOTCH_TEST_RANDOM, 0, NOTCH_DELAY_FIXED},
    {"load_0.5", 200, 0.5, NOTCH_TEST_RANDOM, 0, NOTCH_DELAY_FIXED},
    {"load_0.7", 200, 0.7, NOTCH_TEST_RANDOM, 0, NOTCH_DELAY_FIXED},
    {"load_0.95", 200, 0.95, NOTCH_TEST_RANDOM, 0, NOTCH_DELAY_FIXED},
    {"load_1.0", 200, 1.0, NOTCH_TEST_RANDOM, 0, NOTCH_DELAY_FIXED},
    {"load_1.1", 200, 1.1, NOTCH_TEST_RANDOM, 0, NOTCH_DELAY_FIXED},
    {"load_1.5", 200, 1.5, NOTCH_TEST_RANDOM, 0, NOTCH_DELAY_FIXED},
    {"drop_10", 200, 0.875, NOTCH_TEST_RANDOM, 100000, NOTCH_DELAY_FIXED},
    {"drop_30", 200, 0.875, NOTCH_TEST_RANDOM, 300000, NOTCH_DELAY_FIXED},
    {"exponential", 200, 0.875, NOTCH_TEST_RANDOM, 0, NOTCH_DELAY_EXPONENTIAL},
    {"ring", 200, 0.875, NOTCH_TEST_RING, 0, NOTCH_DELAY_FIXED},
    {"regular_3", 200, 0.875, NOTCH_TEST_REGULAR, 0, NOTCH_DELAY_FIXED},
    {"complete", 200, 0.875, NOTCH_TEST_COMPLETE, 0, NOTCH_DELAY_FIXED},
};

struct figures {
    double one_percent, one_mille, messages, classic_error, classic_given;
};

/* What one drawn matching needs, and its exact answer. */
struct sample {
    struct notch_test_matching made;
    double *lambdas;
    double *exact;
    double *amounts;
};

static void measure_agents(struct figures *figures, const struct sample *sample, const struct scenario *scenario,
                           uint64_t seed)
{
    size_t edges = sample->made.matching.edge_count;
    struct notch_allocation_run_options options = {.alloc = notch_alloc_heap(),
                                                   .seed = seed,
                                                   .drop_ppm = scenario->drop_ppm,
                                                   .delay = scenario->delay,
                                                   .delay_ms = 50};
    struct notch_allocation_run *run = notch_allocation_run_create(&options, &sample->made.matching);
    double error = 1;
    double one_percent = 0;
    while (error >= 0.001 && notch_allocation_run_rounds(run) <= ROUNDS_MAX && notch_allocation_run_step(run)) {
        notch_allocation_run_amounts(run, sample->amounts);
        error = notch_test_matching_error(sample->amounts, sample->exact, edges);
        if (error < 0.01 && !(one_percent > 0)) {
            one_percent = (double)notch_allocation_run_rounds(run);
        }
    }
    figures->one_percent += one_percent;
    figures->one_mille += (double)notch_allocation_run_rounds(run);
    figures->messages += (double)notch_allocation_run_messages(run) / (double)edges;
    notch_allocation_run_destroy(run);
}

static void measure_classic(struct figures *figures, const struct sample *sample, const struct scenario *scenario,
                            uint64_t seed)
{
    const struct notch_matching *matching = &sample->made.matching;
    struct notch_classic_options options = {.alloc = notch_alloc_heap(),
                                            .seed = seed,
                                            .drop_ppm = scenario->drop_ppm,
                                            .is_shuffled = scenario->delay == NOTCH_DELAY_EXPONENTIAL,
                                            .unit = 1e6};
    struct notch_classic *classic = notch_classic_create(&options, matching);
    double given = 0;
    double there = 0;
    for (int round = 0; round < CLASSIC_ROUNDS; round++) {
        notch_classic_round(classic);
    }
    notch_classic_total(classic, sample->amounts);
    for (size_t i = 0; i < matching->edge_count; i++) {
        given += sample->amounts[i];
    }
    for (size_t i = 0; i < matching->provider_count; i++) {
        there += (double)matching->capacities[i];
    }
    figures->classic_error += notch_test_matching_error(sample->amounts, sample->exact, matching->edge_count);
    figures->classic_given += given / there;
    notch_classic_destroy(classic);
}

static bool measure(struct figures *figures, const struct scenario *scenario, uint64_t seed)
{
    struct sample sample;
    notch_test_matching_draw(&sample.made, scenario->recipients, scenario->load, scenario->graph, seed);
    size_t edges = sample.made.matching.edge_count;
    sample.lambdas = notch_alloc_array(notch_alloc_heap(), sample.made.matching.provider_count, sizeof(double));
    sample.exact = notch_alloc_array(notch_alloc_heap(), edges, sizeof(double));
    sample.amounts = notch_alloc_array(notch_alloc_heap(), edges, sizeof(double));
    bool is_solved = notch_test_matching_solve(&sample.made.matching, sample.lambdas, sample.exact);
    if (is_solved) {
        measure_agents(figures, &sample, scenario, seed);
        measure_classic(figures, &sample, scenario, seed);
    }
    free(sample.lambdas);
    free(sample.exact);
    free(sample.amounts);
    notch_test_matching_fini(&sample.made);
    return is_solved;
}

static void print_figure(const char *scenario, const char *figure, double value, const char *unit)
{
    (void)printf("{\"name\":\"%s_%s\",\"value\":%.3f,\"unit\":\"%s\"}\n", scenario, figure, value, unit);
}

int main(void)
{
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(scenarios); i++) {
        const struct scenario *scenario = &scenarios[i];
        struct figures figures = {0, 0, 0, 0, 0};
        uint64_t samples = scenario->recipients > 200 ? 1 : 5;
        for (uint64_t seed = 1; seed <= samples; seed++) {
            if (!measure(&figures, scenario, seed)) {
                (void)fprintf(stderr, "bench_allocation: %s: the solver is stuck\n", scenario->name);
                return 1;
            }
        }
        double count = (double)samples;
        print_figure(scenario->name, "rounds_1", figures.one_percent / count, "rounds");
        print_figure(scenario->name, "rounds_0.1", figures.one_mille / count, "rounds");
        print_figure(scenario->name, "messages", figures.messages / count, "per edge");
        print_figure(scenario->name, "classic_error", figures.classic_error / count, "of the answer");
        print_figure(scenario->name, "classic_given", figures.classic_given / count, "of the capacity");
        (void)fflush(stdout);
    }
    return 0;
}
