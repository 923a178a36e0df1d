#include "chain/sort.h"

#include <stdint.h>
#include <string.h>

/* Merges the runs [from, middle) and [middle, to) of `in` into the same place of `out`. */
static void merge(uint8_t *out, const uint8_t *in, size_t from, size_t middle, size_t to, size_t size,
                  notch_compare compare)
{
    size_t left = from;
    size_t right = middle;
    for (size_t at = from; at < to; at++) {
        bool take_left = left < middle && (right == to || compare(in + left * size, in + right * size) <= 0);
        memcpy(out + at * size, in + (take_left ? left++ : right++) * size, size);
    }
}

void notch_sort(const struct notch_alloc *alloc, void *items, size_t count, size_t size, notch_compare compare)
{
    if (count < 2) {
        return;
    }
    uint8_t *scratch = notch_alloc_array(alloc, count, size);
    uint8_t *from = items;
    uint8_t *to = scratch;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t at = 0; at < count; at += 2 * width) {
            size_t middle = at + width < count ? at + width : count;
            size_t end = at + 2 * width < count ? at + 2 * width : count;
            merge(to, from, at, middle, end, size, compare);
        }
        uint8_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != items) {
        memcpy(items, from, count * size);
    }
    notch_free(alloc, scratch, count * size);
}
