/*
 * chain/sort.h: a stable sort that is the same on every machine.
 *
 * Bottom-up merge sort: n log n comparisons at most, equal items keep their order, no recursion. (The C library's
 * qsort is neither stable nor bounded in memory.)
 *
 * Ownership    Scratch memory comes from the allocator and goes back before the return.
 * Thread       A pure function.
 */
#ifndef NOTCH_CHAIN_SORT_H
#define NOTCH_CHAIN_SORT_H

#include "base/alloc.h"

#include <stddef.h>

typedef int (*notch_compare)(const void *a, const void *b);

void notch_sort(const struct notch_alloc *alloc, void *items, size_t count, size_t size, notch_compare compare);

#endif
