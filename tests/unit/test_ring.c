#include "base/map.h"
#include "tests/support/alloc.h"
#include "tests/support/gen.h"
#include "tests/support/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct item {
    uint8_t bytes[3];
};

/* Any pushes and pops give what a queue in a long array would, through many wraps of a short ring. */
static const char *ring_is_a_queue(struct notch_gen *gen, void *context)
{
    (void)context;
    enum { STEPS_MAX = 300 };
    uint8_t queue[STEPS_MAX];
    size_t first = 0;
    size_t last = 0;
    size_t cap = 1 + (size_t)notch_gen_below(gen, 9);
    size_t steps = (size_t)notch_gen_below(gen, STEPS_MAX);
    struct notch_test_alloc test;
    struct notch_ring ring;
    notch_test_alloc_init(&test);
    notch_ring_init(&ring, &test.alloc, sizeof(struct item), cap);
    const char *broken = NULL;
    for (size_t i = 0; i < steps && broken == NULL; i++) {
        if (notch_gen_below(gen, 2) == 0) {
            struct item *item = notch_ring_push(&ring);
            bool full = last - first == cap;
            if ((item == NULL) != full || (item != NULL && (item->bytes[0] | item->bytes[1] | item->bytes[2]) != 0)) {
                broken = "push: the bound, or not zeroed";
            } else if (item != NULL) {
                memset(item, (int)(i & 0xff) | 1, sizeof *item);
                queue[last++] = (uint8_t)(i | 1);
            }
        } else if (first < last) {
            const struct item *item = notch_ring_front(&ring);
            notch_ring_pop(&ring);
            broken = item->bytes[2] == queue[first++] ? NULL : "the popped item changed";
        }
        for (size_t k = 0; k < last - first; k++) {
            const struct item *item = notch_ring_at(&ring, k);
            broken = item->bytes[1] == queue[first + k] ? broken : "order";
        }
        broken = ring.count == last - first ? broken : "count";
        broken = (notch_ring_front(&ring) == NULL) == (first == last) ? broken : "front";
    }
    notch_ring_fini(&ring);
    return test.live_blocks == 0 ? broken : "leaks";
}

static void test_histories(void **state)
{
    (void)state;
    assert_true(notch_property_holds("ring", 500, 1, ring_is_a_queue, NULL));
}

static void pop_nothing(void *context)
{
    notch_ring_pop(context);
}

static void look_past_the_end(void *context)
{
    struct notch_ring *ring = context;
    notch_ring_push(ring);
    notch_ring_at(ring, 1);
}

static void init_without_room(void *context)
{
    (void)context;
    struct notch_ring ring;
    notch_ring_init(&ring, notch_alloc_heap(), 1, 0);
}

static void test_broken_promises(void **state)
{
    (void)state;
    struct notch_ring ring;
    notch_ring_init(&ring, notch_alloc_heap(), 4, 2);
    assert_true(notch_test_breaks(pop_nothing, &ring, "ring->count > 0"));
    assert_true(notch_test_breaks(look_past_the_end, &ring, "index < ring->count"));
    assert_true(notch_test_breaks(init_without_room, NULL, "cap > 0"));
    notch_ring_fini(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histories),
        cmocka_unit_test(test_broken_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
