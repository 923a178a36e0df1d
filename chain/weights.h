/*
 * chain/weights.h: from reputations to weights: normalising, the churn limit and the cap.
 *
 * All integer, all pure: every node computes the same set from the same chain, and a verifier of proofs that knows only
 * the genesis file computes the first set from it (notch_weights_of_genesis).
 *
 * Limits       At most NOTCH_GENESIS_MEMBERS_MAX weights.
 * Thread       Pure functions.
 * Source       design/consensus.md 8 E2 (cap), E3 (churn), 1.8 (reputation).
 */
#ifndef NOTCH_CHAIN_WEIGHTS_H
#define NOTCH_CHAIN_WEIGHTS_H

#include "chain/genesis.h"

#include <stddef.h>
#include <stdint.h>

/* What all weights of a set add up to before the cap. */
#define NOTCH_WEIGHT_ONE ((uint64_t)1 << 40)

/* Scales w so that the sum is at most NOTCH_WEIGHT_ONE (each rounded down). Sum 0 stays. */
void notch_weights_normalise(uint64_t *w, size_t count);

/*
 * Limits the change from `old` to `w` (both normalised) to an eighth of the old total: D = sum |w' - w| / 2; where
 * 8 * D > W every change is scaled by W / (8 * D), rounded towards zero.
 */
void notch_weights_churn(uint64_t *w, const uint64_t *old, size_t count);

/*
 * Caps w in place, so that no few members can stop the rest: up to three members are equal; beyond, with Ne the members
 * of at least a quarter of the greatest weight, any f = max(1, Ne <= 22 ? (Ne - 1) / 3 : (Ne + 11) / 12) of them hold
 * less than a third. Members of weight 0 stay out. Returns the cap.
 */
uint64_t notch_weights_cap(uint64_t *w, size_t count);

/* The weights of set 0, in the order of the genesis' members: reputation / 1000, normalised, capped. */
void notch_weights_of_genesis(uint64_t *w, const struct notch_genesis *genesis);

#endif
