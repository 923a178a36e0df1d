/*
 * consensus/leader.h: who leads a slot, and where the randomness for that comes from.
 *
 * x = tagged(LEADER, seed || slot); the first 8 bytes (big endian) as a fraction of 2^64 fall into the members' prefix
 * sums of weight. Every block carries the proof of a verifiable random function on tagged(VRF, seed || slot); the
 * outputs are mixed into the seed of the next set: mix' = tagged(SEED, mix || output), from mix = the seed of the
 * set in force.
 *
 * Source       design/consensus.md 1.4.
 */
#ifndef NOTCH_CONSENSUS_LEADER_H
#define NOTCH_CONSENSUS_LEADER_H

#include "chain/set.h"

/* The index of the member that leads `slot`. */
uint32_t notch__leader_index(const struct notch_set *set, const struct notch_domain *domain,
                             const struct notch_hash *seed, struct notch_slot slot);

/* What the leader proves the random function on. */
void notch__leader_vrf_input(struct notch_hash *out, const struct notch_domain *domain, const struct notch_hash *seed,
                             struct notch_slot slot);

void notch__leader_mix(struct notch_hash *mix, const struct notch_domain *domain, const struct notch_hash *output);

#endif
