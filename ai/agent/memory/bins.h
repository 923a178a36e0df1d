/*
 * ai/agent/memory/bins.h: the bins that a price memory counts in: fixed, so that they follow from no price that was
 * seen. What is shared is coarser: the public grid of chain/mode.h (see insight.h).
 *
 * Every octave of micro-units has 32 bins of equal width (the lowest octaves have fewer: no bin is narrower than one
 * micro-unit), so a bin is 1.6 to 3.2% of its price wide. A bin holds its lower edge and not its upper one. Integers
 * only.
 *
 * Units        Micro-units; prices from 1 to INT64_MAX.
 * Thread       Pure functions.
 */
#ifndef NOTCH_AI_AGENT_MEMORY_BINS_H
#define NOTCH_AI_AGENT_MEMORY_BINS_H

#include <stdint.h>

#define NOTCH_BINS_PER_OCTAVE 32u
#define NOTCH_BINS_COUNT (63u * NOTCH_BINS_PER_OCTAVE)

/* In the order of the prices; not every number is used in the lowest octaves. price > 0. */
uint32_t notch_bin_of(int64_t price);

/* Its edges: [lo, hi). In the lowest octaves, of an unused number, those of the bin below it. */
int64_t notch_bin_lo(uint32_t bin);
int64_t notch_bin_hi(uint32_t bin);

/* Whether notch_bin_of() gives this number for any price. */
int notch_bin_is_used(uint32_t bin);

/* A price in units of the currency as micro-units, at least 1 and at most NOTCH_MEMORY_PRICE_MAX. */
int64_t notch_bin_micro(double price);

#endif
