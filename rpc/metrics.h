/*
 * rpc/metrics.h: what is measured, as Prometheus reads it (text exposition format 0.0.4).
 *
 * Each family is written once, with its help and type, and then its samples. Names begin with "notch_"; counters end in
 * "_total", and units are base units (seconds, bytes).
 *
 * Ownership    Appends to the caller's buffer.
 * Thread       Pure functions.
 */
#ifndef NOTCH_RPC_METRICS_H
#define NOTCH_RPC_METRICS_H

#include "base/bytes.h"
#include "node/api.h"

/* A family with one sample. */
void notch_metrics_counter(struct notch_buf *out, const char *name, const char *help, uint64_t value);
void notch_metrics_gauge(struct notch_buf *out, const char *name, const char *help, uint64_t value);

/* The same for a duration in nanoseconds, printed in seconds. */
void notch_metrics_counter_seconds(struct notch_buf *out, const char *name, const char *help, uint64_t ns);

/* A family with samples that have one label each: head once, then a sample for each. The value of the label is
 * escaped. */
void notch_metrics_head(struct notch_buf *out, const char *name, const char *type, const char *help);
void notch_metrics_sample(struct notch_buf *out, const char *name, const char *label, const char *label_value,
                          uint64_t value);

/* A histogram of durations: buckets[i] counts those up to bounds_us[i]; one more bucket for those beyond. */
#define NOTCH_METRICS_BOUNDS 14
extern const uint64_t notch_metrics_bounds_us[NOTCH_METRICS_BOUNDS];
struct notch_metrics_histogram {
    uint64_t counts[NOTCH_METRICS_BOUNDS + 1];
    uint64_t sum_us;
};
void notch_metrics_observe(struct notch_metrics_histogram *histogram, uint64_t us);
void notch_metrics_histogram(struct notch_buf *out, const char *name, const char *help,
                             const struct notch_metrics_histogram *histogram);

/* All that a node says of itself, the histogram of the time to final included. */
void notch_metrics_node(struct notch_buf *out, const struct notch_node_info *info);

#endif
