#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *heap_resize(void *self, void *memory, size_t old_size, size_t new_size)
{
    (void)self;
    (void)old_size;
    if (new_size == 0) {
        free(memory);
        return NULL;
    }
    void *resized = realloc(memory, new_size);
    notch_assert(resized != NULL);
    return resized;
}

static const struct notch_alloc heap = {heap_resize, NULL};

const struct notch_alloc *notch_alloc_heap(void)
{
    return &heap;
}

void *notch_alloc(const struct notch_alloc *alloc, size_t size)
{
    notch_assert(size > 0);
    void *memory = alloc->resize(alloc->self, NULL, 0, size);
    memset(memory, 0, size);
    return memory;
}

void *notch_alloc_array(const struct notch_alloc *alloc, size_t count, size_t size)
{
    notch_assert(size > 0);
    notch_assert(count <= SIZE_MAX / 2 / size);
    return notch_alloc(alloc, count * size);
}

void *notch_realloc(const struct notch_alloc *alloc, void *memory, size_t old_size, size_t new_size)
{
    return alloc->resize(alloc->self, memory, old_size, new_size);
}

void notch_free(const struct notch_alloc *alloc, void *memory, size_t size)
{
    if (memory != NULL) {
        (void)alloc->resize(alloc->self, memory, size, 0);
    }
}
