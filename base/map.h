/*
 * base/map.h: a hash map with keys and values of one size each, and a bounded queue.
 *
 * Linear probing with backward-shift deletion over a power of two of slots, at most three quarters full, hashed by
 * SipHash under a key from the owner's options: others choose most of our keys (ids, salts) and must not choose our
 * collisions.
 *
 * Invariants   The order of iteration is a function of the seed and of the history of calls: deterministic, but not
 *              sorted. Code whose result others see sorts first. Keys are compared as bytes: no padding in them.
 * Ownership    Keys and values are copied in. Pointers to values are valid until the next clear, remove, or put
 *              that adds.
 * Limits       `max` items, set at init; 0 means that the owner bounds it by other means. A put beyond it gives NULL.
 * Thread       One at a time.
 */
#ifndef NOTCH_BASE_MAP_H
#define NOTCH_BASE_MAP_H

#include "base/alloc.h"
#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct notch_map {
    uint8_t *slots; /* used flag, key and value of each slot, padded so that values are aligned to 8 */
    size_t slot_size;
    size_t value_at;
    size_t slot_count; /* a power of two, or 0 before the first put */
    size_t count;
    size_t max;
    size_t key_size;
    size_t value_size;
    struct notch_siphash_key hash_key;
    const struct notch_alloc *alloc;
};

void notch_map_init(struct notch_map *map, const struct notch_alloc *alloc, struct notch_siphash_key hash_key,
                    size_t key_size, size_t value_size, size_t max);
void notch_map_fini(struct notch_map *map);

/* Forgets all items, keeps the memory. */
void notch_map_clear(struct notch_map *map);

/* The value, or NULL. */
void *notch_map_get(const struct notch_map *map, const void *key);

/* The value of key, made and zeroed if it was not there (then *added is true); NULL if that would pass `max`. */
void *notch_map_put(struct notch_map *map, const void *key, bool *added);

/* Whether it was there. */
bool notch_map_remove(struct notch_map *map, const void *key);

/* Walks all items: start with *at = 0; false at the end. The map must not change meanwhile. */
bool notch_map_next(const struct notch_map *map, size_t *at, const void **key, void **value);

/* A ring of items of one size, first in, first out, with a bound. */
struct notch_ring {
    uint8_t *items;
    size_t item_size;
    size_t cap;
    size_t head;
    size_t count;
    const struct notch_alloc *alloc;
};

void notch_ring_init(struct notch_ring *ring, const struct notch_alloc *alloc, size_t item_size, size_t cap);
void notch_ring_fini(struct notch_ring *ring);

/* Room for one more item, zeroed; NULL when full: what happens then is the owner's overflow policy. */
void *notch_ring_push(struct notch_ring *ring);

/* The oldest item, or NULL; and taking it away, which leaves what front() gave readable until the next push. */
void *notch_ring_front(const struct notch_ring *ring);
void notch_ring_pop(struct notch_ring *ring);

/* The item `index` behind the oldest. index < count. */
void *notch_ring_at(const struct notch_ring *ring, size_t index);

#endif
