/*
 * bench_node: how fast a node takes records, in process: one JSON line per figure, {"name","value","unit"}.
 *
 *   bench_node FIGURE [--seconds S] [--dir DIR] [--records N] [--authors N] [--entries N] [--workers N]
 *
 *   ingress   records/s and entries/s from the node's ingress to final, on disk and indexed
 *   ack       durable acknowledgements/s of single records, one at a time and 64 in flight
 *   build     loads DIR (which is kept) with N records, for measurements of a node that starts from it
 *
 * Everything is signed before the clock starts. Exit status: 0; 1 when a measurement failed (its reason is on stderr);
 * 2 for a wrong command line.
 */
#include "contrib/bench/node_chain.h"
#include "contrib/bench/node_records.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, GROUP = 64, IN_FLIGHT = 4096, PATH_BYTES_MAX = 4096 };

/* More than any machine takes in the time: what is left over was signed in vain. */
enum { RECORDS_PER_S = 60000, ENTRIES_PER_S = 1000000, SINGLES_PER_S = 40000, BUILD_STEP = 100000 };

#define NEVER_NS UINT64_MAX

struct options {
    const char *figure;
    const char *dir;
    double seconds;
    unsigned long records; /* 0: as many as fit into the time */
    unsigned long authors;
    unsigned long entries;
    unsigned long workers;
};

struct bench {
    const struct options *options;
    struct notch_bench_chain *chain;
    struct notch_bench_authors authors;
    struct notch_bench_plan plan;
    uint64_t made; /* records of the plan so far */
};

static uint64_t now_ns(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static double seconds_since(uint64_t start_ns)
{
    return (double)(now_ns(CLOCK_MONOTONIC) - start_ns) / 1e9;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void print_figure(const char *name, double value, const char *unit)
{
    printf("{\"name\":\"%s\",\"value\":%.3f,\"unit\":\"%s\"}\n", name, value, unit);
    (void)fflush(stdout);
}

static bool open_bench(struct bench *bench, const struct options *options, const char *folder)
{
    *bench = (struct bench){.options = options};
    if (!notch_bench_authors_init(&bench->authors, (uint32_t)options->authors, 1) ||
        !notch_bench_chain_open(&bench->chain, folder, (uint32_t)options->workers)) {
        return false;
    }
    struct notch_node_info info;
    notch_bench_chain_info(bench->chain, &info);
    bench->plan = (struct notch_bench_plan){
        .domain = notch_bench_chain_domain(bench->chain),
        .authors = &bench->authors,
        .seed = now_ns(CLOCK_REALTIME),
        .entries = (uint32_t)options->entries,
        .ts = info.now,
        .ref = info.finality_state.final.hash,
    };
    return true;
}

static void close_bench(struct bench *bench)
{
    if (bench->chain != NULL) {
        notch_bench_chain_close(bench->chain);
    }
    notch_bench_authors_fini(&bench->authors);
}

static bool make_records(struct notch_bench_records *records, struct bench *bench, size_t count)
{
    bool ok = notch_bench_records_make(records, &bench->plan, bench->made, count);
    bench->made += count;
    return ok;
}

/* ---- ingress ---- */

struct taken {
    uint64_t records;
    double seconds; /* until the last of them was final */
    double cpu_seconds;
};

/* Loads records for as long as the options say, and waits until all that were taken are final. */
static bool load(struct taken *out, struct bench *bench, const struct notch_bench_records *records, double seconds)
{
    struct notch_node_info info;
    notch_bench_chain_info(bench->chain, &info);
    double cpu = cpu_seconds();
    uint64_t start_ns = now_ns(CLOCK_MONOTONIC);
    uint64_t until_ns = seconds > 0 ? start_ns + (uint64_t)(seconds * 1e9) : NEVER_NS;
    if (!notch_bench_chain_submit(bench->chain, &out->records, records->at, records->count, GROUP, IN_FLIGHT,
                                  until_ns) ||
        !notch_bench_chain_await_final(bench->chain, info.records + out->records)) {
        return false;
    }
    out->seconds = seconds_since(start_ns);
    out->cpu_seconds = cpu_seconds() - cpu;
    return true;
}

static size_t records_for(const struct options *options)
{
    if (options->records > 0) {
        return options->records;
    }
    double per_s = options->entries == 1 ? RECORDS_PER_S : (double)ENTRIES_PER_S / (double)options->entries;
    return (size_t)(per_s * options->seconds) + GROUP;
}

static void print_ingress(struct bench *bench, const struct notch_bench_records *records, const struct taken *taken)
{
    struct notch_node_info info;
    struct notch_daemon_stats stats;
    notch_bench_chain_info(bench->chain, &info);
    notch_bench_chain_stats(bench->chain, &stats);
    double count = (double)taken->records;
    print_figure("ingress_records", count / taken->seconds, "records/s");
    print_figure("ingress_entries", count * (double)bench->options->entries / taken->seconds, "entries/s");
    print_figure("ingress_record_bytes", (double)records->bytes / (double)records->count, "bytes");
    print_figure("ingress_seconds", taken->seconds, "s");
    print_figure("ingress_cpu_per_record", taken->cpu_seconds * 1e6 / count, "us");
    print_figure("ingress_records_per_batch", count / (double)info.batches_made, "records");
    print_figure("ingress_final_p50", (double)notch_latency_quantile(&info.finality, 500000), "ms");
    print_figure("ingress_final_p99", (double)notch_latency_quantile(&info.finality, 990000), "ms");
    uint64_t syncs = stats.store.body_syncs + stats.store.vote_syncs + stats.store.key_syncs;
    print_figure("ingress_syncs_per_commit", (double)syncs / (double)stats.store.commits, "syncs");
}

static bool measure_ingress(struct bench *bench)
{
    struct notch_bench_records records;
    struct taken taken;
    bool ok = make_records(&records, bench, records_for(bench->options)) &&
              load(&taken, bench, &records, bench->options->seconds);
    if (ok) {
        print_ingress(bench, &records, &taken);
    }
    notch_bench_records_fini(&records);
    return ok;
}

/* ---- acknowledgements ---- */

static bool measure_acks(struct bench *bench, const char *name, uint32_t in_flight)
{
    struct notch_bench_records records;
    struct notch_daemon_stats before, after;
    uint64_t taken = 0;
    if (!make_records(&records, bench, (size_t)(SINGLES_PER_S * bench->options->seconds))) {
        return false;
    }
    notch_bench_chain_stats(bench->chain, &before);
    double cpu = cpu_seconds();
    uint64_t start_ns = now_ns(CLOCK_MONOTONIC);
    uint64_t until_ns = start_ns + (uint64_t)(bench->options->seconds * 1e9);
    bool ok = notch_bench_chain_submit(bench->chain, &taken, records.at, records.count, 1, in_flight, until_ns);
    if (ok && taken > 0) {
        double seconds = seconds_since(start_ns);
        cpu = cpu_seconds() - cpu;
        char text[64];
        notch_bench_chain_stats(bench->chain, &after);
        print_figure(name, (double)taken / seconds, "acknowledgements/s");
        snprintf(text, sizeof text, "%s_syncs", name);
        uint64_t syncs = after.store.body_syncs - before.store.body_syncs;
        print_figure(text, (double)syncs / (double)taken, "body syncs/record");
        snprintf(text, sizeof text, "%s_cpu", name);
        print_figure(text, cpu * 1e6 / (double)taken, "us");
    }
    notch_bench_records_fini(&records);
    return ok;
}

/* ---- build ---- */

/* In steps, so that not all of it is in memory at once. Says how far it is on stderr. */
static bool build(struct bench *bench)
{
    struct notch_node_info info;
    notch_bench_chain_info(bench->chain, &info);
    bool ok = true;
    uint64_t bytes = 0;
    while (ok && info.records < bench->options->records) {
        uint64_t left = bench->options->records - info.records;
        struct notch_bench_records records;
        struct taken taken;
        ok = make_records(&records, bench, left < BUILD_STEP ? left : BUILD_STEP) && load(&taken, bench, &records, 0);
        bytes += records.bytes;
        notch_bench_records_fini(&records);
        notch_bench_chain_info(bench->chain, &info);
        fprintf(stderr, "\rbench_node: %llu of %lu records", (unsigned long long)info.records, bench->options->records);
    }
    fprintf(stderr, "\n");
    if (ok) {
        print_figure("build_records", (double)info.records, "records");
        print_figure("build_record_bytes", bytes == 0 ? 0 : (double)bytes / (double)bench->made, "bytes");
    }
    return ok;
}

/* ---- the command line ---- */

static bool measure(const struct options *options, const char *folder)
{
    struct bench bench;
    bool ok = open_bench(&bench, options, folder);
    if (ok && strcmp(options->figure, "ingress") == 0) {
        ok = measure_ingress(&bench);
    } else if (ok && strcmp(options->figure, "ack") == 0) {
        ok = measure_acks(&bench, "ack_single", 1) && measure_acks(&bench, "ack_64", 64);
    } else if (ok) {
        ok = build(&bench);
    }
    close_bench(&bench);
    return ok;
}

static unsigned long parse_number(struct argp_state *state, const char *name, const char *text, unsigned long most)
{
    char *end = NULL;
    errno = 0;
    unsigned long value = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;
    if (errno != 0 || end == NULL || *end != 0 || value > most) {
        argp_error(state, "--%s: expected a number from 0 to %lu, got %s", name, most, text);
    }
    return value;
}

static double parse_seconds(struct argp_state *state, const char *text)
{
    char *end = NULL;
    errno = 0;
    double value = strtod(text, &end);
    if (errno != 0 || end == text || *end != 0 || !(value >= 0.01 && value <= 600)) {
        argp_error(state, "--seconds: expected seconds from 0.01 to 600, got %s", text);
    }
    return value;
}

static void take_figure(struct argp_state *state, struct options *options, const char *text)
{
    bool known = strcmp(text, "ingress") == 0 || strcmp(text, "ack") == 0 || strcmp(text, "build") == 0;
    if (!known || options->figure != NULL) {
        argp_error(state, "expected one of ingress, ack, build; got %s", text);
    }
    options->figure = text;
}

static void check_options(struct argp_state *state, struct options *options)
{
    if (options->figure == NULL || options->dir == NULL) {
        argp_error(state, "a figure and --dir are needed");
    }
    if (options->authors == 0 || options->entries == 0) {
        argp_error(state, "--authors and --entries are at least 1");
    }
    if (strcmp(options->figure == NULL ? "" : options->figure, "build") == 0 && options->records == 0) {
        argp_error(state, "build needs --records");
    }
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case 's':
        options->seconds = parse_seconds(state, text);
        break;
    case 'd':
        options->dir = text;
        break;
    case 'n':
        options->records = parse_number(state, "records", text, 100000000);
        break;
    case 'a':
        options->authors = parse_number(state, "authors", text, 1024);
        break;
    case 'e':
        options->entries = parse_number(state, "entries", text, 250);
        break;
    case 'w':
        options->workers = parse_number(state, "workers", text, 256);
        break;
    case ARGP_KEY_ARG:
        take_figure(state, options, text);
        break;
    case ARGP_KEY_END:
        check_options(state, options);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp_option argp_options[] = {
    {"seconds", 's', "S", 0, "Length of a measurement, 0.01 to 600 (5)", 0},
    {"dir", 'd', "DIR", 0, "Where the chain is: the disk that is measured", 0},
    {"records", 'n', "N", 0, "Records signed before the clock starts (as many as the time may need)", 0},
    {"authors", 'a', "N", 0, "Authors of the records, in turn, 1 to 1024 (100)", 0},
    {"entries", 'e', "N", 0, "Entries in each record, 1 to 250 (1)", 0},
    {"workers", 'w', "N", 0, "Threads that check signatures (one for each processor)", 0},
    {0}};

static const struct argp argp = {.options = argp_options,
                                 .parser = parse_option,
                                 .args_doc = "ingress|ack|build",
                                 .doc = "Measures a node in process, on a disk: one JSON line per figure."};

int main(int argc, char **argv)
{
    struct options options = {.seconds = 5, .authors = 100, .entries = 1};
    argp_err_exit_status = EXIT_USAGE;
    if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0) {
        return EXIT_USAGE;
    }
    char folder[PATH_BYTES_MAX];
    snprintf(folder, sizeof folder, "%s/chain", options.dir);
    return measure(&options, folder) ? EXIT_SUCCESS : EXIT_FAILED;
}
