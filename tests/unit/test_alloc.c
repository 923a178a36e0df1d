#include "base/alloc.h"
#include "tests/support/alloc.h"
#include "tests/support/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check_zeroed_and_resized(const struct notch_alloc *alloc)
{
    static const uint8_t zeros[48];
    uint8_t *memory = notch_alloc(alloc, 48);
    assert_memory_equal(memory, zeros, 48);
    memset(memory, 7, 48);
    memory = notch_realloc(alloc, memory, 48, 96);
    assert_int_equal(memory[47], 7);
    memory = notch_realloc(alloc, memory, 96, 2);
    assert_int_equal(memory[1], 7);
    notch_free(alloc, memory, 2);
    memory = notch_alloc_array(alloc, 6, 8);
    assert_memory_equal(memory, zeros, 48);
    assert_null(notch_realloc(alloc, memory, 48, 0));
    memory = notch_realloc(alloc, NULL, 0, 5);
    assert_non_null(memory);
    notch_free(alloc, memory, 5);
    notch_free(alloc, NULL, 0);
}

static void test_every_allocator(void **state)
{
    (void)state;
    check_zeroed_and_resized(notch_alloc_heap());
    struct notch_test_alloc test;
    notch_test_alloc_init(&test);
    check_zeroed_and_resized(&test.alloc);
    assert_int_equal(test.live_blocks, 0);
    assert_int_equal(test.peak_bytes, 96);
}

static void alloc_nothing(void *context)
{
    (void)context;
    notch_alloc(notch_alloc_heap(), 0);
}

static void alloc_overflowing_product(void *context)
{
    (void)context;
    notch_alloc_array(notch_alloc_heap(), SIZE_MAX / 4, 8);
}

static void test_broken_promises(void **state)
{
    (void)state;
    assert_true(notch_test_breaks(alloc_nothing, NULL, "size > 0"));
    assert_true(notch_test_breaks(alloc_overflowing_product, NULL, "count <= SIZE_MAX / 2 / size"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocator),
        cmocka_unit_test(test_broken_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
