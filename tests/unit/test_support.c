/* The helpers of the other tests can fail: a runner that never found anything would make all of them worthless. */
#include "tests/support/alloc.h"
#include "tests/support/gen.h"
#include "tests/support/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *below_1000(struct notch_gen *gen, void *context)
{
    (void)context;
    uint64_t noise = notch_gen_below(gen, 7);
    (void)noise;
    return notch_gen_u64(gen) < 1000 ? NULL : "1000 or more";
}

/* Breaks when two of up to 50 numbers are equal and above 9. */
static const char *distinct(struct notch_gen *gen, void *context)
{
    (void)context;
    uint64_t seen[50];
    size_t count = notch_gen_below(gen, 51);
    for (size_t i = 0; i < count; i++) {
        seen[i] = notch_gen_below(gen, 200);
        for (size_t k = 0; k < i; k++) {
            if (seen[k] == seen[i] && seen[i] > 9) {
                return "twice";
            }
        }
    }
    return NULL;
}

static const char *reads_the_call_count(struct notch_gen *gen, void *context)
{
    uint64_t *sum = context;
    *sum = *sum * 31 + notch_gen_edge_u64(gen) + (uint64_t)notch_gen_edge_i64(gen);
    return NULL;
}

static void test_counterexample_is_smallest(void **state)
{
    (void)state;
    struct notch_counterexample found;
    assert_false(notch_property_check(&found, 10, 1, below_1000, NULL));
    assert_int_equal(found.tape_len, 2);
    assert_int_equal(found.tape[0], 0);
    assert_int_equal(found.tape[1], 1000);
    assert_string_equal(found.reason, "1000 or more");
    free(found.tape);

    assert_false(notch_property_check(&found, 100, 1, distinct, NULL));
    assert_int_equal(found.tape_len, 3);
    assert_int_equal(found.tape[0], 2);
    assert_int_equal(found.tape[1], found.tape[2]);
    free(found.tape);
}

static void test_runs_repeat(void **state)
{
    (void)state;
    uint64_t first = 0;
    uint64_t again = 0;
    uint64_t other = 0;
    assert_true(notch_property_holds("first", 50, 3, reads_the_call_count, &first));
    assert_true(notch_property_holds("again", 50, 3, reads_the_call_count, &again));
    assert_true(notch_property_holds("other", 50, 4, reads_the_call_count, &other));
    assert_true(first == again);
    assert_true(first != other);
}

static void test_alloc_counts(void **state)
{
    (void)state;
    struct notch_test_alloc test;
    notch_test_alloc_init(&test);
    uint8_t *a = notch_alloc(&test.alloc, 10);
    a[9] = 7;
    uint8_t *b = notch_realloc(&test.alloc, a, 10, 30);
    assert_int_equal(b[9], 7);
    assert_int_equal(b[29], 0xa5);
    assert_int_equal(test.live_bytes, 30);
    assert_int_equal(test.live_blocks, 1);
    assert_int_equal(test.resizes, 2);
    notch_free(&test.alloc, b, 30);
    notch_free(&test.alloc, NULL, 0);
    assert_int_equal(test.live_bytes, 0);
    assert_int_equal(test.live_blocks, 0);
    assert_int_equal(test.peak_bytes, 30);
}

static void free_with_wrong_size(void *context)
{
    struct notch_test_alloc test;
    (void)context;
    notch_test_alloc_init(&test);
    notch_free(&test.alloc, notch_alloc(&test.alloc, 8), 9);
}

static void pass_the_limit(void *context)
{
    struct notch_test_alloc test;
    (void)context;
    notch_test_alloc_init(&test);
    test.limit_bytes = 100;
    notch_free(&test.alloc, notch_alloc(&test.alloc, 100), 100);
    notch_alloc(&test.alloc, 101);
}

static void do_nothing(void *context)
{
    (void)context;
}

static void test_broken_promises_are_caught(void **state)
{
    (void)state;
    assert_true(notch_test_breaks(free_with_wrong_size, NULL, "old->size == old_size"));
    assert_true(notch_test_breaks(pass_the_limit, NULL, "within_limit"));
    assert_false(notch_test_breaks(do_nothing, NULL, "within_limit"));
    assert_false(notch_test_breaks(pass_the_limit, NULL, "old->size == old_size"));
}

static void test_hex(void **state)
{
    (void)state;
    uint8_t bytes[3];
    assert_int_equal(notch_test_unhex(bytes, sizeof bytes, "00fF7e"), 3);
    assert_true(notch_test_hex_is(bytes, 3, "00ff7e"));
    assert_false(notch_test_hex_is(bytes, 3, "00ff7f"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counterexample_is_smallest),
        cmocka_unit_test(test_runs_repeat),
        cmocka_unit_test(test_alloc_counts),
        cmocka_unit_test(test_broken_promises_are_caught),
        cmocka_unit_test(test_hex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
