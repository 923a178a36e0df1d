/*
 * tests/sim/reading.h: the final blocks of a node, read from its view, held against what clients and earlier steps saw.
 *
 * Ownership    Borrows all it is opened with. Its buffers are the user's to scratch in between two calls.
 * Errors       A literal that names what does not hold; NULL: all does.
 */
#ifndef NOTCH_TESTS_SIM_READING_H
#define NOTCH_TESTS_SIM_READING_H

#include "base/map.h"
#include "chain/lookup.h"

struct sim_reading {
    const struct notch_store_view *view;
    const struct notch_domain *domain;
    const struct notch_map *finals;       /* height -> the block that was final there */
    const struct notch_map *acknowledged; /* record ids */
    struct notch_lookup lookup;
    struct notch_map times; /* record id -> how often it was accepted */
    struct notch_buf body;
    struct notch_buf row;
};

/* The first four members are filled in. */
void sim_reading_open(struct sim_reading *reading, const struct notch_alloc *alloc);
void sim_reading_close(struct sim_reading *reading);

/* Blocks 1 to `height`: what was final still is, and every acknowledged record is there exactly once. */
const char *sim_reading_check(struct sim_reading *reading, uint64_t height);

#endif
