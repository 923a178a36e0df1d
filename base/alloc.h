/*
 * base/alloc.h: where memory comes from.
 *
 * A core takes its allocator in its options, so that a test can count, limit or fail it and a node can account for it.
 * Sizes are given back with the memory: an allocator needs no header of its own.
 *
 * Errors       None. An allocator that has no memory left does not return: running on with half a structure is how
 *              nodes sign nonsense. Limits are checked before allocating, in the options of each core.
 * Thread       As the allocator says. The heap one is safe from any thread.
 */
#ifndef NOTCH_BASE_ALLOC_H
#define NOTCH_BASE_ALLOC_H

#include "base/assert.h"

#include <stddef.h>

struct notch_alloc {
    /* realloc semantics; new_size 0 frees and returns NULL. Never returns NULL for new_size > 0. */
    void *(*resize)(void *self, void *memory, size_t old_size, size_t new_size);
    void *self;
};

/* The C library's heap; aborts when there is none left. */
const struct notch_alloc *notch_alloc_heap(void);

/* size bytes, zeroed; never NULL. size > 0. */
void *notch_alloc(const struct notch_alloc *alloc, size_t size);

/* count * size bytes, zeroed; the product is checked. count > 0, size > 0. */
void *notch_alloc_array(const struct notch_alloc *alloc, size_t count, size_t size);

/* Grows or shrinks; new bytes are not initialised. */
void *notch_realloc(const struct notch_alloc *alloc, void *memory, size_t old_size, size_t new_size);

/* NULL is allowed. `size` is what was asked for. */
void notch_free(const struct notch_alloc *alloc, void *memory, size_t size);

#endif
