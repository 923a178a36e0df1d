/*
 * tests/support/gen.h: properties checked on generated inputs, and the smallest input that breaks one.
 *
 * A property draws what it needs from a generator and says NULL when it holds, or a literal that says what broke. Each
 * draw is written on a tape. When a run fails, the tape is made smaller (draws left out, draws lowered) for as long as
 * the property goes on failing on it, and what is left is printed. So a property needs no shrinker of its own: it is
 * enough that its simple inputs are those made of few and small draws. Past the end of the tape all draws are 0.
 *
 * Invariants   The same seed gives the same runs on every machine. A property depends on its draws alone, and undoes
 *              what it did: it runs thousands of times in one process.
 * Limits       A run makes at most 65,536 draws (asserted); shrinking gives up after 4,000 runs.
 * Thread       One at a time.
 */
#ifndef NOTCH_TESTS_SUPPORT_GEN_H
#define NOTCH_TESTS_SUPPORT_GEN_H

#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct notch_gen {
    struct notch_rng rng;
    uint64_t *tape;
    size_t drawn;    /* draws made in this run */
    size_t tape_len; /* what a replay reads; 0 in a fresh run */
    bool replay;
};

/* Uniform in [0, bound). bound > 0. */
uint64_t notch_gen_below(struct notch_gen *gen, uint64_t bound);

/* Uniform over all 64-bit values: hardly ever a small one. */
uint64_t notch_gen_u64(struct notch_gen *gen);

/* Values where arithmetic and encodings break: small ones, those around powers of two, and any in between. */
uint64_t notch_gen_edge_u64(struct notch_gen *gen);
int64_t notch_gen_edge_i64(struct notch_gen *gen);

void notch_gen_bytes(struct notch_gen *gen, void *out, size_t len);

/* NULL, or what broke. */
typedef const char *(*notch_property)(struct notch_gen *gen, void *context);

/* The smallest failing input that was found. */
struct notch_counterexample {
    uint64_t run;
    const char *reason;
    uint64_t *tape; /* freed by the caller */
    size_t tape_len;
};

/* Checks `runs` inputs; false and *out (to be freed) on the first that fails, once it is small. */
bool notch_property_check(struct notch_counterexample *out, unsigned runs, uint64_t seed, notch_property property,
                          void *context);

/* The same, with the counterexample printed to stderr: what a test asserts. */
bool notch_property_holds(const char *name, unsigned runs, uint64_t seed, notch_property property, void *context);

#endif
