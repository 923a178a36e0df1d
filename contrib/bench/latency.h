/*
 * contrib/bench/latency.h: a histogram of durations, from which percentiles are read.
 *
 * Buckets grow with the duration: 64 in every power of two, so a percentile is at most 1.6% above the true one and
 * the memory is fixed. A struct of zeros is an empty histogram.
 *
 * Units        Nanoseconds.
 * Ownership    A plain value, 30 KiB.
 * Thread       One at a time.
 */
#ifndef NOTCH_CONTRIB_BENCH_LATENCY_H
#define NOTCH_CONTRIB_BENCH_LATENCY_H

#include <stdint.h>

#define NOTCH_BENCH_LATENCY_BUCKETS 3776 /* 59 times 64 */

struct notch_bench_latency {
    uint64_t counts[NOTCH_BENCH_LATENCY_BUCKETS];
    uint64_t total;
    uint64_t max_ns;
};

void notch_bench_latency_add(struct notch_bench_latency *latency, uint64_t duration_ns);

/* The duration that ppm of 1,000,000 do not exceed (500,000: the median). 0 where nothing was added. */
uint64_t notch_bench_latency_percentile_ns(const struct notch_bench_latency *latency, uint32_t ppm);

#endif
