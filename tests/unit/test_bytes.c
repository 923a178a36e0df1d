#include "base/bytes.h"
#include "tests/support/alloc.h"
#include "tests/support/gen.h"
#include "tests/support/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_hex(void **state)
{
    (void)state;
    uint8_t all[256];
    uint8_t back[256];
    char text[2 * sizeof all + 1];
    for (size_t i = 0; i < sizeof all; i++) {
        all[i] = (uint8_t)i;
    }
    notch_hex_encode(text, all, sizeof all);
    assert_int_equal(strlen(text), 2 * sizeof all);
    assert_memory_equal(text, "000102030405060708090a0b0c0d0e0f10", 34);
    assert_memory_equal(text + 500, "fafbfcfdfeff", 13);
    assert_true(notch_hex_decode(back, sizeof back, text, 2 * sizeof all));
    assert_memory_equal(back, all, sizeof all);
    assert_true(notch_hex_decode(back, 2, "aBCd", 4));
    assert_int_equal(back[0], 0xab);
    assert_int_equal(back[1], 0xcd);
    assert_true(notch_hex_decode(back, 0, "", 0));
    notch_hex_encode(text, all, 0);
    assert_string_equal(text, "");
}

static void test_hex_refuses_all_else(void **state)
{
    (void)state;
    uint8_t out[4];
    assert_false(notch_hex_decode(out, 2, "abc", 3));
    assert_false(notch_hex_decode(out, 2, "abcde", 5));
    assert_false(notch_hex_decode(out, 2, "abcdef", 6));
    assert_false(notch_hex_decode(out, 2, "ab", 2));
    assert_false(notch_hex_decode(out, 0, "a", 1));
    for (unsigned c = 0; c < 256; c++) {
        char first[2] = {(char)c, '0'};
        char second[2] = {'0', (char)c};
        bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        assert_true(notch_hex_decode(out, 1, first, 2) == digit);
        assert_true(notch_hex_decode(out, 1, second, 2) == digit);
    }
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static void test_compare(void **state)
{
    (void)state;
    /* In order, each before the next. */
    static const struct {
        const char *data;
        size_t len;
    } rows[] = {{NULL, 0},   {"\0", 1},       {"\0\0", 2}, {"\0\x01", 2},
                {"\x01", 1}, {"\x7f\xff", 2}, {"\x80", 1}, {"\xff", 1}};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(rows); i++) {
        for (size_t k = 0; k < NOTCH_ARRAY_LEN(rows); k++) {
            struct notch_bytes a = notch_bytes(rows[i].data, rows[i].len);
            struct notch_bytes b = notch_bytes(rows[k].data, rows[k].len);
            assert_int_equal(sign(notch_bytes_cmp(a, b)), (i > k) - (i < k));
            assert_true(notch_bytes_eq(a, b) == (i == k));
        }
    }
}

/* Appends of any sizes give what an array would hold; memory is bounded, given back, and never used when stale. */
static const char *buffer_is_an_array(struct notch_gen *gen, void *context)
{
    (void)context;
    static uint8_t model[8192];
    size_t model_len = 0;
    struct notch_test_alloc test;
    struct notch_buf buf;
    notch_test_alloc_init(&test);
    notch_buf_init(&buf, &test.alloc);
    const char *broken = NULL;
    size_t steps = (size_t)notch_gen_below(gen, 30);
    for (size_t i = 0; i < steps && broken == NULL; i++) {
        size_t len = (size_t)notch_gen_below(gen, 200);
        uint8_t fill = (uint8_t)notch_gen_below(gen, 256);
        memset(model + model_len, fill, len);
        if (notch_gen_below(gen, 2) == 0) {
            notch_buf_append(&buf, model + model_len, len);
        } else {
            uint8_t *room = notch_buf_reserve(&buf, len);
            if (len > 0) {
                memset(room, fill, len);
            }
            buf.len += len;
        }
        model_len += len;
        if (!notch_bytes_eq(notch_buf_bytes(&buf), notch_bytes(model, model_len))) {
            broken = "contents differ";
        }
        if (buf.cap > 64 && buf.cap >= 2 * model_len) {
            broken = "wastes more than half";
        }
        if (notch_gen_below(gen, 10) == 9) {
            notch_buf_clear(&buf);
            notch_buf_fini(&buf); /* and goes on: a finished buffer is an empty one */
            model_len = 0;
        }
    }
    notch_buf_fini(&buf);
    return test.live_blocks == 0 ? broken : "leaks";
}

static void test_buffer(void **state)
{
    (void)state;
    assert_true(notch_property_holds("buffer", 300, 5, buffer_is_an_array, NULL));
}

static void reserve_too_much(void *context)
{
    (void)context;
    struct notch_buf buf;
    notch_buf_init(&buf, notch_alloc_heap());
    notch_buf_append(&buf, "x", 1);
    notch_buf_reserve(&buf, SIZE_MAX / 2);
}

static void test_empty_and_absurd(void **state)
{
    (void)state;
    struct notch_buf buf;
    notch_buf_init(&buf, notch_alloc_heap());
    assert_null(notch_buf_reserve(&buf, 0));
    notch_buf_append(&buf, NULL, 0);
    assert_int_equal(buf.len, 0);
    assert_true(notch_bytes_eq(notch_buf_bytes(&buf), notch_bytes("", 0)));
    notch_buf_fini(&buf);
    assert_true(notch_test_breaks(reserve_too_much, NULL, "more <= SIZE_MAX / 2 - buf->len"));
}

static void test_wipe(void **state)
{
    (void)state;
    uint8_t secret[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    notch_wipe(secret + 1, 6);
    assert_true(notch_test_hex_is(secret, 8, "0100000000000008"));
    notch_wipe(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex),    cmocka_unit_test(test_hex_refuses_all_else), cmocka_unit_test(test_compare),
        cmocka_unit_test(test_buffer), cmocka_unit_test(test_empty_and_absurd),     cmocka_unit_test(test_wipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
