/*
 * ai/agent/memory/segments.h: the markets of a memory put into groups of like ones.
 *
 * Features of a market: the logarithm of its median price, its volatility, its trend, and how strong its cycle is; made
 * comparable and grouped as signal/medoids.h says, with as many groups as the silhouette wants. Every group has one
 * market as its middle: what is learnt there is the best guess for a newcomer of the group.
 *
 * Limits       The NOTCH_MEDOIDS_MAX markets that were used last; those of fewer than NOTCH_SEGMENTS_PERIODS_MIN
 *              periods are left out: they have no features yet.
 * Thread       Pure function.
 */
#ifndef NOTCH_AI_AGENT_MEMORY_SEGMENTS_H
#define NOTCH_AI_AGENT_MEMORY_SEGMENTS_H

#include "ai/agent/memory/memory.h"
#include "ai/agent/signal/medoids.h"

#define NOTCH_SEGMENTS_PERIODS_MIN 8
#define NOTCH_SEGMENTS_FEATURES 4

struct notch_segment {
    struct notch_hash market;
    uint32_t group;
    double features[NOTCH_SEGMENTS_FEATURES]; /* as they are: log price, volatility, trend, strength */
};

/* Fills in at most `max` segments, the market that was used last first; returns how many. *groups says how many groups
 * there are and which index of `out` is the middle of each; k is 0 where there is no market to speak of. max <=
 * NOTCH_MEDOIDS_MAX. */
size_t notch_memory_segments(const struct notch_memory *memory, struct notch_segment *out, size_t max,
                             struct notch_medoids *groups, const struct notch_alloc *alloc);

#endif
