/*
 * contrib/bench/limits.h: what the machine and the libraries give at best, measured alone.
 *
 * Each function runs one kind of work for about `seconds` and returns its figure; the goals of the node are ratios to
 * these, taken in the same run.
 *
 * Units        Figures are per second, but for the latency, which is in microseconds.
 * Ownership    What is written below `dir` is removed again.
 * Errors       A negative figure: what failed is on stderr.
 * Thread       One call at a time; those of several threads start and join their own.
 */
#ifndef NOTCH_CONTRIB_BENCH_LIMITS_H
#define NOTCH_CONTRIB_BENCH_LIMITS_H

#include <stdint.h>

struct notch_limits_run {
    double seconds;
    const char *dir;
    unsigned threads;
};

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t notch_limits_now_ns(void);

/* BIP340 through libsecp256k1, over 1,024 keys and messages; a signature is verified with the parsing of its key. */
double notch_limits_verify(const struct notch_limits_run *run);
double notch_limits_verify_parsed(const struct notch_limits_run *run);
double notch_limits_sign(const struct notch_limits_run *run);

/* SHA-256 of 64 bytes, each the digest before it twice: two compressions. */
double notch_limits_sha256(const struct notch_limits_run *run);

/* The median of appending 300 bytes to a file and fdatasync(), in microseconds. */
double notch_limits_append(const struct notch_limits_run *run);

/* LevelDB, ascending keys of 8 bytes, values of 300 that do not compress: synced batches of 100, and of 1. */
double notch_limits_leveldb_batch(const struct notch_limits_run *run);
double notch_limits_leveldb_single(const struct notch_limits_run *run);

#endif
