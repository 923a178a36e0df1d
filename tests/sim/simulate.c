/* Runs the simulator over many seeds, or one seed step by step. */
#include "tests/sim/disk_store.h"
#include "tests/sim/net.h"
#include "tests/sim/sim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "Usage: simulate [--nodes N] [--seeds N] [--from N] [--seed N] [--real-crypto]\n"
    "                [--real-store] [--verbose] [--quiet]\n"
    "\n"
    "Runs the node core under seeded faults of its disk and checks that nothing that it\n"
    "acknowledged is lost. 1,000 seeds from 1 unless said; --seed runs one. --real-store puts the\n"
    "daemon's store under it, LevelDB and all, on a disk that loses what was not synced.\n"
    "\n"
    "--nodes runs that many nodes (0: each seed draws how many, up to 10) on a network that\n"
    "loses, delays, repeats and cuts, and checks that they agree, and heal.\n"
    "\n"
    "Example: simulate --seed 42 --verbose\n"
    "         simulate --nodes 7 --seeds 100\n"
    "\n"
    "Exit status: 0 no failure, 1 a seed failed (it is named), 2 wrong usage.\n";

struct arguments {
    uint64_t from;
    uint64_t count;
    uint64_t nodes;
    bool is_net;
    bool real_crypto;
    bool real_store;
    bool verbose;
    bool quiet;
};

static bool read_number(uint64_t *out, const char *text)
{
    char *end;
    if (text == NULL || *text < '0' || *text > '9') {
        return false;
    }
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    *out = value;
    return errno == 0 && *end == '\0';
}

static bool read_arguments(struct arguments *out, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        bool ok = true;
        if (strcmp(name, "--verbose") == 0) {
            out->verbose = true;
        } else if (strcmp(name, "--quiet") == 0) {
            out->quiet = true;
        } else if (strcmp(name, "--real-crypto") == 0) {
            out->real_crypto = true;
        } else if (strcmp(name, "--real-store") == 0) {
            out->real_store = true;
        } else if (strcmp(name, "--nodes") == 0) {
            ok = read_number(&out->nodes, value) && out->nodes <= NET_NODES_MAX;
            out->is_net = true;
            i++;
        } else if (strcmp(name, "--seeds") == 0) {
            ok = read_number(&out->count, value);
            i++;
        } else if (strcmp(name, "--from") == 0) {
            ok = read_number(&out->from, value);
            i++;
        } else if (strcmp(name, "--seed") == 0) {
            ok = read_number(&out->from, value);
            out->count = 1;
            i++;
        } else {
            ok = false;
        }
        if (!ok) {
            fprintf(stderr, "simulate: cannot use: %s\n", name);
            return false;
        }
    }
    return !(out->is_net && out->real_store);
}

static void add_net(struct net_result *sum, const struct net_result *result)
{
    sum->steps += result->steps;
    sum->messages += result->messages;
    sum->lost += result->lost;
    sum->crashes += result->crashes;
    sum->submitted += result->submitted;
    sum->acknowledged += result->acknowledged;
    sum->final_height += result->final_height;
    sum->simulated_ms += result->simulated_ms;
    sum->resume_slots = result->resume_slots > sum->resume_slots ? result->resume_slots : sum->resume_slots;
    sum->converge_slots = result->converge_slots > sum->converge_slots ? result->converge_slots : sum->converge_slots;
}

static int run_net(const struct arguments *arguments)
{
    struct net_result sum = {0};
    uint64_t failures = 0;
    for (uint64_t seed = arguments->from; seed < arguments->from + arguments->count; seed++) {
        struct net_options options = net_options_of_seed(seed, (uint32_t)arguments->nodes);
        options.verbose = arguments->verbose;
        options.real_crypto = arguments->real_crypto;
        struct net *net = net_create(&options);
        const char *failure = net_run(net);
        struct net_result result;
        net_result(net, &result);
        net_destroy(net);
        if (failure != NULL) {
            failures++;
            printf("seed %" PRIu64 ": %s (simulate --nodes %" PRIu64 " --seed %" PRIu64 "%s --verbose)\n", seed,
                   failure, arguments->nodes, seed, arguments->real_crypto ? " --real-crypto" : "");
        }
        add_net(&sum, &result);
    }
    if (!arguments->quiet || failures > 0) {
        printf("%" PRIu64 " seeds, %" PRIu64 " failures: %" PRIu64 " steps, %" PRIu64 " messages, %" PRIu64
               " lost, %" PRIu64 " power cuts, %" PRIu64 " records submitted, %" PRIu64 " acknowledged, %" PRIu64
               " final blocks, %" PRIu64 " s simulated; after healing finality resumed within %" PRIu64
               " slots, all was equal and quiet within %" PRIu64 "\n",
               arguments->count, failures, sum.steps, sum.messages, sum.lost, sum.crashes, sum.submitted,
               sum.acknowledged, sum.final_height, sum.simulated_ms / 1000, sum.resume_slots, sum.converge_slots);
    }
    return failures == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    struct arguments arguments = {.from = 1, .count = 1000};
    if (!read_arguments(&arguments, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    if (arguments.is_net) {
        return run_net(&arguments);
    }
    struct sim_result sum = {0};
    uint64_t failures = 0;
    for (uint64_t seed = arguments.from; seed < arguments.from + arguments.count; seed++) {
        struct sim_options options = sim_options_of_seed(seed);
        options.verbose = arguments.verbose;
        options.real_crypto = arguments.real_crypto;
        options.disk = arguments.real_store ? &sim_disk_store : NULL;
        struct sim *sim = sim_create(&options);
        const char *failure = sim_run(sim);
        struct sim_result result;
        sim_result(sim, &result);
        sim_destroy(sim);
        if (failure != NULL) {
            failures++;
            printf("seed %" PRIu64 ": %s\n", seed, failure);
        }
        sum.steps += result.steps;
        sum.crashes += result.crashes;
        sum.disk_failures += result.disk_failures;
        sum.votes_lost += result.votes_lost;
        sum.submitted += result.submitted;
        sum.acknowledged += result.acknowledged;
        sum.final_height += result.final_height;
        sum.simulated_ms += result.simulated_ms;
    }
    if (!arguments.quiet || failures > 0) {
        printf("%" PRIu64 " seeds, %" PRIu64 " failures: %" PRIu64 " steps, %" PRIu64 " power cuts, %" PRIu64
               " disk failures, %" PRIu64 " vote logs lost, %" PRIu64 " records submitted, %" PRIu64
               " acknowledged, %" PRIu64 " final blocks, %" PRIu64 " s simulated\n",
               arguments.count, failures, sum.steps, sum.crashes, sum.disk_failures, sum.votes_lost, sum.submitted,
               sum.acknowledged, sum.final_height, sum.simulated_ms / 1000);
    }
    return failures == 0 ? 0 : 1;
}
