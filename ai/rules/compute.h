/*
 * ai/rules/compute.h: challenges of kind 0: a product of integer matrices that is long to compute and quick to check.
 *
 * The task is M1 * M2 * ... * Mk modulo the prime p = 2^89 - 1, each factor 45 x 45 with entries 0 .. 255 drawn from
 * one seed. The difficulty is k. Why so: the answer has to fit into the 24 KiB of a CHALLENGE_REVEAL, which a single
 * product of a size worth asking for does not; a chain grows the work without growing the answer, and the modulus keeps
 * it from growing with k.
 *
 * Freivalds' check: for a row r drawn after the answer was committed to, r * M1 * ... * Mk = r * answer. For a wrong
 * answer that holds for at most one r in 2^88 (r is uniform in [0, 2^88)^45, and a row of the difference that is not
 * zero leaves each of its r at most one value that cancels), so one round errs with probability below 2^-64. It costs
 * k row-by-matrix products where solving costs 45 k.
 *
 * Numbers are kept as three limbs of 30 bits. A limb times an entry, summed 45 times, stays below 2^45; products
 * of two limbs summed below 2^62: nothing overflows, by construction, and no 128-bit type is needed.
 *
 * Answer       45 x 45 entries, row by row, each 12 bytes little endian, below p: 24,300 bytes.
 * Limits       k is NOTCH_COMPUTE_DIFFICULTY_MIN .. _MAX: the greatest bounds what a verdict costs, the least keeps the
 *              cost of reading the answer small beside it.
 * Ownership    notch_compute_solve() works in 60 KiB of its allocator and gives it back.
 * Thread       Pure functions.
 * Source       design/ai.md A (kind 0: issue of the challenges); Freivalds 1977.
 */
#ifndef NOTCH_AI_RULES_COMPUTE_H
#define NOTCH_AI_RULES_COMPUTE_H

#include "base/codec.h"
#include "base/error.h"
#include "base/hash.h"

#define NOTCH_COMPUTE_SIZE 45
#define NOTCH_COMPUTE_ENTRY_BYTES 12
#define NOTCH_COMPUTE_ANSWER_BYTES (NOTCH_COMPUTE_SIZE * NOTCH_COMPUTE_SIZE * NOTCH_COMPUTE_ENTRY_BYTES)
#define NOTCH_COMPUTE_DIFFICULTY_MIN 32
#define NOTCH_COMPUTE_DIFFICULTY_MAX 256
#define NOTCH_COMPUTE_DIFFICULTY_START 64

/* Appends the answer. */
void notch_compute_solve(struct notch_buf *out, const struct notch_hash *seed, uint32_t difficulty,
                         const struct notch_alloc *alloc);

/* Its length, and that every entry is below p. */
struct notch_reject notch_compute_form(struct notch_bytes answer);

/* Freivalds' check with a row drawn from `later`. The answer has passed the form check. */
bool notch_compute_is_right(struct notch_bytes answer, const struct notch_hash *seed, uint32_t difficulty,
                            const struct notch_hash *later);

/*
 * The difficulty of the window after one in which `in_time` of `asked` accounts answered in time: an eighth more where
 * at least 95% did, an eighth less where fewer than 80% did, as it was otherwise or where nobody was asked.
 */
uint32_t notch_compute_difficulty_next(uint32_t difficulty, uint32_t in_time, uint32_t asked);

#endif
