#include "tests/support/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FRESH = 0xa5, FREED = 0xdd };

static const uint64_t block_magic = UINT64_C(0x6e6f746368746573);

/* Stands before each block, which stays aligned for any type. */
struct header {
    _Alignas(max_align_t) uint64_t magic;
    size_t size;
};

static void *take_block(struct notch_test_alloc *test, size_t size)
{
    notch_assert(size <= SIZE_MAX - sizeof(struct header));
    struct header *header = malloc(sizeof *header + size);
    notch_assert(header != NULL);
    header->magic = block_magic;
    header->size = size;
    memset(header + 1, FRESH, size);
    test->live_blocks++;
    test->live_bytes += size;
    return header + 1;
}

static void give_block(struct notch_test_alloc *test, struct header *header)
{
    size_t size = header->size;
    header->magic = 0;
    memset(header + 1, FREED, size);
    free(header);
    test->live_blocks--;
    test->live_bytes -= size;
}

static void *resize(void *self, void *memory, size_t old_size, size_t new_size)
{
    struct notch_test_alloc *test = self;
    struct header *old = memory == NULL ? NULL : (struct header *)memory - 1;
    if (old == NULL) {
        notch_assert(old_size == 0);
    } else {
        notch_assert(old->magic == block_magic);
        notch_assert(old->size == old_size);
    }
    void *moved = NULL;
    if (new_size > 0) {
        bool within_limit = test->limit_bytes == 0 || test->live_bytes - old_size + new_size <= test->limit_bytes;
        notch_assert(within_limit);
        moved = take_block(test, new_size);
        if (old != NULL) {
            memcpy(moved, memory, old_size < new_size ? old_size : new_size);
        }
        test->resizes++;
    }
    if (old != NULL) {
        give_block(test, old);
    }
    if (test->live_bytes > test->peak_bytes) {
        test->peak_bytes = test->live_bytes;
    }
    return moved;
}

void notch_test_alloc_init(struct notch_test_alloc *test)
{
    *test = (struct notch_test_alloc){.alloc = {resize, test}};
}
