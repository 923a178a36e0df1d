/*
 * base/rng.h: a seeded generator, for simulation, tests and jitter. Never for keys, salts or noise: those come from the
 * operating system through an ENTROPY effect (design section 1).
 *
 * xoshiro256** (Blackman and Vigna, 2018), its state filled from the seed by splitmix64. The same seed gives the same
 * numbers on every machine.
 *
 * Thread       A value; one thread at a time.
 */
#ifndef NOTCH_BASE_RNG_H
#define NOTCH_BASE_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct notch_rng {
    uint64_t state[4];
};

void notch_rng_init(struct notch_rng *rng, uint64_t seed);
uint64_t notch_rng_u64(struct notch_rng *rng);

/* Uniform in [0, bound), without bias. bound > 0. */
uint64_t notch_rng_below(struct notch_rng *rng, uint64_t bound);

/* True with probability ppm / 1e6. */
bool notch_rng_chance(struct notch_rng *rng, uint32_t ppm);
void notch_rng_fill(struct notch_rng *rng, void *out, size_t len);

/* SipHash-2-4 (Aumasson and Bernstein, 2012) with a 128-bit key: for tables whose keys others choose. */
struct notch_siphash_key {
    uint64_t k0, k1;
};
uint64_t notch_siphash(struct notch_siphash_key key, const void *data, size_t len);

#endif
