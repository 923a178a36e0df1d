#include "base/map.h"

#include "base/assert.h"

#include <string.h>

enum { SLOTS_FIRST = 16, ALIGNMENT = 8 };

static uint8_t *slot(const struct notch_map *map, size_t index)
{
    return map->slots + index * map->slot_size;
}

static bool slot_used(const struct notch_map *map, size_t index)
{
    return *slot(map, index) != 0;
}

static const uint8_t *slot_key(const struct notch_map *map, size_t index)
{
    return slot(map, index) + 1;
}

static size_t home(const struct notch_map *map, const void *key)
{
    return (size_t)notch_siphash(map->hash_key, key, map->key_size) & (map->slot_count - 1);
}

void notch_map_init(struct notch_map *map, const struct notch_alloc *alloc, struct notch_siphash_key hash_key,
                    size_t key_size, size_t value_size, size_t max)
{
    notch_assert(key_size > 0);
    size_t value_at = (1 + key_size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    size_t slot_size = (value_at + value_size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    *map = (struct notch_map){
        .slot_size = slot_size,
        .value_at = value_at,
        .max = max,
        .key_size = key_size,
        .value_size = value_size,
        .hash_key = hash_key,
        .alloc = alloc,
    };
}

void notch_map_fini(struct notch_map *map)
{
    notch_free(map->alloc, map->slots, map->slot_count * map->slot_size);
    map->slots = NULL;
    map->slot_count = 0;
    map->count = 0;
}

void notch_map_clear(struct notch_map *map)
{
    if (map->count > 0) {
        memset(map->slots, 0, map->slot_count * map->slot_size);
    }
    map->count = 0;
}

/* Where key is, or the free slot where it would go. */
static size_t find(const struct notch_map *map, const void *key)
{
    size_t index = home(map, key);
    while (slot_used(map, index) && memcmp(slot_key(map, index), key, map->key_size) != 0) {
        index = (index + 1) & (map->slot_count - 1);
    }
    return index;
}

void *notch_map_get(const struct notch_map *map, const void *key)
{
    if (map->count == 0) {
        return NULL;
    }
    size_t index = find(map, key);
    return slot_used(map, index) ? slot(map, index) + map->value_at : NULL;
}

static void grow(struct notch_map *map)
{
    struct notch_map bigger = *map;
    bigger.slot_count = map->slot_count == 0 ? SLOTS_FIRST : map->slot_count * 2;
    bigger.slots = notch_alloc_array(map->alloc, bigger.slot_count, map->slot_size);
    for (size_t i = 0; i < map->slot_count; i++) {
        if (slot_used(map, i)) {
            size_t to = find(&bigger, slot_key(map, i));
            memcpy(slot(&bigger, to), slot(map, i), map->slot_size);
        }
    }
    notch_free(map->alloc, map->slots, map->slot_count * map->slot_size);
    *map = bigger;
}

void *notch_map_put(struct notch_map *map, const void *key, bool *added)
{
    bool ignored;
    if (added == NULL) {
        added = &ignored;
    }
    *added = false;
    size_t index = 0;
    if (map->slot_count > 0) {
        index = find(map, key);
        if (slot_used(map, index)) {
            return slot(map, index) + map->value_at;
        }
    }
    if (map->max != 0 && map->count >= map->max) {
        return NULL;
    }
    if (map->count + 1 > map->slot_count / 4 * 3) {
        grow(map);
        index = find(map, key);
    }
    uint8_t *at = slot(map, index);
    *at = 1;
    memcpy(at + 1, key, map->key_size); /* free slots are all zeros, so the value is */
    map->count++;
    *added = true;
    return at + map->value_at;
}

bool notch_map_remove(struct notch_map *map, const void *key)
{
    if (map->count == 0) {
        return false;
    }
    size_t mask = map->slot_count - 1;
    size_t hole = find(map, key);
    if (!slot_used(map, hole)) {
        return false;
    }
    /* Every later item of the run that may stand in the hole moves there, so that no search stops too early. */
    for (size_t at = (hole + 1) & mask; slot_used(map, at); at = (at + 1) & mask) {
        size_t wants = home(map, slot_key(map, at));
        bool stays = ((at - wants) & mask) < ((at - hole) & mask);
        if (!stays) {
            memcpy(slot(map, hole), slot(map, at), map->slot_size);
            hole = at;
        }
    }
    memset(slot(map, hole), 0, map->slot_size);
    map->count--;
    return true;
}

bool notch_map_next(const struct notch_map *map, size_t *at, const void **key, void **value)
{
    for (; *at < map->slot_count; (*at)++) {
        if (slot_used(map, *at)) {
            if (key != NULL) {
                *key = slot_key(map, *at);
            }
            if (value != NULL) {
                *value = slot(map, *at) + map->value_at;
            }
            (*at)++;
            return true;
        }
    }
    return false;
}

void notch_ring_init(struct notch_ring *ring, const struct notch_alloc *alloc, size_t item_size, size_t cap)
{
    notch_assert(cap > 0);
    *ring = (struct notch_ring){
        .items = notch_alloc_array(alloc, cap, item_size),
        .item_size = item_size,
        .cap = cap,
        .alloc = alloc,
    };
}

void notch_ring_fini(struct notch_ring *ring)
{
    notch_free(ring->alloc, ring->items, ring->cap * ring->item_size);
    ring->items = NULL;
    ring->count = 0;
}

void *notch_ring_push(struct notch_ring *ring)
{
    if (ring->count == ring->cap) {
        return NULL;
    }
    uint8_t *item = ring->items + (ring->head + ring->count) % ring->cap * ring->item_size;
    memset(item, 0, ring->item_size);
    ring->count++;
    return item;
}

void *notch_ring_front(const struct notch_ring *ring)
{
    return ring->count == 0 ? NULL : ring->items + ring->head * ring->item_size;
}

void notch_ring_pop(struct notch_ring *ring)
{
    notch_assert(ring->count > 0);
    ring->head = (ring->head + 1) % ring->cap;
    ring->count--;
}

void *notch_ring_at(const struct notch_ring *ring, size_t index)
{
    notch_assert(index < ring->count);
    return ring->items + (ring->head + index) % ring->cap * ring->item_size;
}
