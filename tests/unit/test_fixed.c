#include "base/fixed.h"
#include "tests/support/gen.h"
#include "tests/support/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef unsigned __int128 u128;

/* Where signed 64-bit arithmetic breaks. */
static const int64_t grid[] = {
    INT64_MIN,
    INT64_MIN + 1,
    INT64_MIN / 2 - 1,
    INT64_MIN / 2,
    INT64_MIN / 2 + 1,
    -4294967297,
    -4294967296,
    -1000001,
    -1000000,
    -3,
    -2,
    -1,
    0,
    1,
    2,
    3,
    7,
    10,
    999999,
    1000000,
    1000001,
    3037000499,
    3037000500,
    4294967295,
    4294967296,
    INT64_MAX / 2,
    INT64_MAX / 2 + 1,
    INT64_MAX - 1,
    INT64_MAX,
};

static const uint64_t grid_u64[] = {
    0,
    1,
    2,
    3,
    10,
    1000000,
    4294967295,
    4294967296,
    4294967297,
    INT64_MAX,
    UINT64_C(1) << 63,
    (UINT64_C(1) << 63) + 1,
    UINT64_MAX / 3,
    UINT64_MAX - 1,
    UINT64_MAX,
};

enum { UNTOUCHED = 4711 };

/* What add, sub and mul shall answer, told by 128 bits. */
static void check_i64(enum notch_err err, int64_t out, __int128 exact)
{
    bool fits = exact >= INT64_MIN && exact <= INT64_MAX;
    assert_int_equal(err, fits ? NOTCH_OK : NOTCH_ERR_OVERFLOW);
    assert_true((__int128)out == (fits ? exact : UNTOUCHED));
}

static void test_i64(void **state)
{
    (void)state;
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(grid); i++) {
        for (size_t k = 0; k < NOTCH_ARRAY_LEN(grid); k++) {
            __int128 a = grid[i];
            __int128 b = grid[k];
            int64_t out = UNTOUCHED;
            enum notch_err err = notch_i64_add(&out, grid[i], grid[k]);
            check_i64(err, out, a + b);
            out = UNTOUCHED;
            err = notch_i64_sub(&out, grid[i], grid[k]);
            check_i64(err, out, a - b);
            out = UNTOUCHED;
            err = notch_i64_mul(&out, grid[i], grid[k]);
            check_i64(err, out, a * b);
            struct notch_amount sum = {UNTOUCHED};
            err = notch_amount_add(&sum, (struct notch_amount){grid[i]}, (struct notch_amount){grid[k]});
            check_i64(err, sum.raw, a + b);
            sum.raw = UNTOUCHED;
            err = notch_amount_sub(&sum, (struct notch_amount){grid[i]}, (struct notch_amount){grid[k]});
            check_i64(err, sum.raw, a - b);
        }
    }
}

static void test_u64(void **state)
{
    (void)state;
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(grid_u64); i++) {
        for (size_t k = 0; k < NOTCH_ARRAY_LEN(grid_u64); k++) {
            uint64_t a = grid_u64[i];
            uint64_t b = grid_u64[k];
            uint64_t out = UNTOUCHED;
            bool fits = (u128)a + b <= UINT64_MAX;
            assert_int_equal(notch_u64_add(&out, a, b), fits ? NOTCH_OK : NOTCH_ERR_OVERFLOW);
            assert_true(out == (fits ? a + b : UNTOUCHED));
            out = UNTOUCHED;
            assert_int_equal(notch_u64_sub(&out, a, b), a >= b ? NOTCH_OK : NOTCH_ERR_OVERFLOW);
            assert_true(out == (a >= b ? a - b : UNTOUCHED));
            out = UNTOUCHED;
            fits = (u128)a * b <= UINT64_MAX;
            assert_int_equal(notch_u64_mul(&out, a, b), fits ? NOTCH_OK : NOTCH_ERR_OVERFLOW);
            assert_true(out == (fits ? a * b : UNTOUCHED));
        }
    }
}

static u128 magnitude(__int128 x)
{
    return x < 0 ? (u128)0 - (u128)x : (u128)x;
}

/* Half away from zero, said without dividing: no other integer is nearer, and of two as near it is the outer one. */
static bool is_rounded_quotient(__int128 product, int64_t divisor, int64_t result)
{
    __int128 back = (__int128)result * divisor;
    u128 twice_off = 2 * magnitude(product - back);
    u128 width = magnitude(divisor);
    return twice_off < width || (twice_off == width && magnitude(back) > magnitude(product));
}

/* The exact quotient lies at least half a unit beyond what 64 bits hold. */
static bool is_beyond(__int128 product, int64_t divisor)
{
    bool negative = (product < 0) != (divisor < 0);
    u128 limit = ((u128)1 << 64) + (negative ? 1 : (u128)-1);
    return 2 * magnitude(product) >= limit * magnitude(divisor);
}

static bool muldiv_ok(int64_t a, int64_t b, int64_t c)
{
    int64_t out = UNTOUCHED;
    enum notch_err err = notch_i64_muldiv(&out, a, b, c);
    __int128 product = (__int128)a * b;
    if (c == 0) {
        return err == NOTCH_ERR_RANGE && out == UNTOUCHED;
    }
    if (err == NOTCH_OK) {
        return is_rounded_quotient(product, c, out);
    }
    return err == NOTCH_ERR_OVERFLOW && out == UNTOUCHED && is_beyond(product, c);
}

static void test_muldiv(void **state)
{
    (void)state;
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(grid); i++) {
        for (size_t k = 0; k < NOTCH_ARRAY_LEN(grid); k++) {
            for (size_t m = 0; m < NOTCH_ARRAY_LEN(grid); m++) {
                assert_true(muldiv_ok(grid[i], grid[k], grid[m]));
            }
        }
    }
    for (int64_t a = -60; a <= 60; a++) {
        for (int64_t c = 1; c <= 12; c++) {
            assert_true(muldiv_ok(a, 1, c));
            int64_t out = notch_i64_rdiv(a, c);
            assert_true(is_rounded_quotient(a, c, out));
        }
    }
}

static const char *muldiv_any(struct notch_gen *gen, void *context)
{
    (void)context;
    int64_t a = notch_gen_edge_i64(gen);
    int64_t b = notch_gen_edge_i64(gen);
    int64_t c = notch_gen_edge_i64(gen);
    if (!muldiv_ok(a, b, c)) {
        return "i64_muldiv";
    }
    if (c > 0 && !is_rounded_quotient(a, c, notch_i64_rdiv(a, c))) {
        return "i64_rdiv";
    }
    uint64_t x = (uint64_t)a;
    uint64_t y = (uint64_t)b;
    uint64_t z = (uint64_t)c;
    uint64_t out = UNTOUCHED;
    enum notch_err err = notch_u64_muldiv(&out, x, y, z);
    u128 product = (u128)x * y;
    if (z == 0) {
        return err == NOTCH_ERR_RANGE ? NULL : "u64_muldiv by 0";
    }
    if (err == NOTCH_ERR_OVERFLOW) {
        return product >= (u128)z << 64 && out == UNTOUCHED ? NULL : "u64_muldiv refuses what fits";
    }
    bool floor = (u128)out * z <= product && product - (u128)out * z < z;
    return floor ? NULL : "u64_muldiv";
}

static void test_muldiv_any(void **state)
{
    (void)state;
    assert_true(notch_property_holds("muldiv", 20000, 1, muldiv_any, NULL));
}

static void divide_by_zero(void *context)
{
    (void)context;
    (void)notch_i64_rdiv(1, 0);
}

static void test_rdiv_at_the_ends(void **state)
{
    (void)state;
    assert_true(notch_i64_rdiv(INT64_MIN, 1) == INT64_MIN);
    assert_true(notch_i64_rdiv(INT64_MAX, 1) == INT64_MAX);
    assert_int_equal(notch_i64_rdiv(INT64_MAX, INT64_MAX), 1);
    assert_int_equal(notch_i64_rdiv(INT64_MIN, INT64_MAX), -1);
    assert_int_equal(notch_i64_rdiv(INT64_MAX / 2, INT64_MAX), 0);
    assert_int_equal(notch_i64_rdiv(INT64_MAX / 2 + 1, INT64_MAX), 1);
    assert_int_equal(notch_i64_rdiv(-5, 2), -3);
    assert_int_equal(notch_i64_rdiv(5, 2), 3);
    assert_true(notch_test_breaks(divide_by_zero, NULL, "b > 0"));
}

static void check_root(uint64_t a)
{
    u128 root = notch_u64_isqrt(a);
    assert_true(root * root <= a);
    assert_true((root + 1) * (root + 1) > a);
}

static void test_isqrt(void **state)
{
    (void)state;
    for (uint64_t a = 0; a < 70000; a++) {
        check_root(a);
        check_root(UINT64_MAX - a);
    }
    for (uint64_t root = 1; root < UINT64_C(1) << 32; root += root / 64 + 1) {
        check_root(root * root - 1);
        check_root(root * root);
        check_root(root * root + 1);
    }
}

static void test_shares(void **state)
{
    (void)state;
    static const struct {
        int64_t amount;
        int32_t ppm;
        int64_t share;
    } rows[] = {
        {1000000, 250000, 250000},
        {1, 500000, 1},
        {1, 499999, 0},
        {-1, 500000, -1},
        {3, 333333, 1},
        {10, -100000, -1},
        {INT64_MAX, 1000000, INT64_MAX},
        {INT64_MIN, 1000000, INT64_MIN},
    };
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(rows); i++) {
        struct notch_amount out;
        struct notch_amount amount = {rows[i].amount};
        assert_int_equal(notch_amount_share(&out, amount, (struct notch_ppm){rows[i].ppm}), NOTCH_OK);
        assert_true(out.raw == rows[i].share);
    }
    struct notch_amount out = {UNTOUCHED};
    struct notch_amount most = {INT64_MAX};
    assert_int_equal(notch_amount_share(&out, most, (struct notch_ppm){1000001}), NOTCH_ERR_OVERFLOW);
    assert_int_equal(out.raw, UNTOUCHED);
}

static void test_times_and_slots(void **state)
{
    (void)state;
    struct notch_time time = {UINT64_MAX - 1};
    struct notch_slot slot = {UINT64_MAX - 1};
    assert_int_equal(notch_time_add_ms(&time, time, 1), NOTCH_OK);
    assert_true(time.raw == UINT64_MAX);
    assert_int_equal(notch_time_add_ms(&time, time, 1), NOTCH_ERR_OVERFLOW);
    assert_true(time.raw == UINT64_MAX);
    assert_int_equal(notch_slot_add(&slot, slot, 2), NOTCH_ERR_OVERFLOW);
    assert_int_equal(notch_slot_add(&slot, slot, 1), NOTCH_OK);
    assert_true(slot.raw == UINT64_MAX);
    struct notch_time early = {5};
    struct notch_time late = {9};
    assert_int_equal(notch_time_until_ms(early, late), 4);
    assert_int_equal(notch_time_until_ms(late, early), 0);
    assert_int_equal(notch_time_until_ms(late, late), 0);
}

struct number {
    const char *text;
    enum notch_err err;
    int64_t micro;
};

static const struct number exact[] = {
    {"0", NOTCH_OK, 0},
    {"-0", NOTCH_OK, 0},
    {"12", NOTCH_OK, 12000000},
    {"-0.5", NOTCH_OK, -500000},
    {"1.234567", NOTCH_OK, 1234567},
    {"0001.10", NOTCH_OK, 1100000},
    {"0.000001", NOTCH_OK, 1},
    {"9223372036854.775807", NOTCH_OK, INT64_MAX},
    {"-9223372036854.775808", NOTCH_OK, INT64_MIN},
    {"9223372036854.775808", NOTCH_ERR_OVERFLOW, 0},
    {"-9223372036854.775809", NOTCH_ERR_OVERFLOW, 0},
    {"9223372036855", NOTCH_ERR_OVERFLOW, 0},
    {"99999999999999999999999999999999", NOTCH_ERR_OVERFLOW, 0},
    {"", NOTCH_ERR_INVALID, 0},
    {"-", NOTCH_ERR_INVALID, 0},
    {".", NOTCH_ERR_INVALID, 0},
    {".5", NOTCH_ERR_INVALID, 0},
    {"-.5", NOTCH_ERR_INVALID, 0},
    {"5.", NOTCH_ERR_INVALID, 0},
    {"+5", NOTCH_ERR_INVALID, 0},
    {"--5", NOTCH_ERR_INVALID, 0},
    {" 5", NOTCH_ERR_INVALID, 0},
    {"5 ", NOTCH_ERR_INVALID, 0},
    {"1,5", NOTCH_ERR_INVALID, 0},
    {"1.5.5", NOTCH_ERR_INVALID, 0},
    {"1.-5", NOTCH_ERR_INVALID, 0},
    {"1e3", NOTCH_ERR_INVALID, 0},
    {"0x10", NOTCH_ERR_INVALID, 0},
    {"nan", NOTCH_ERR_INVALID, 0},
    {"inf", NOTCH_ERR_INVALID, 0},
    {"1.2345678", NOTCH_ERR_INVALID, 0},
    {"1.2345670", NOTCH_ERR_INVALID, 0},
    /* Malformed before it is too large. */
    {"99999999999999999999999999999999x", NOTCH_ERR_INVALID, 0},
    {"99999999999999999999999999999999.", NOTCH_ERR_INVALID, 0},
};

static const struct number rounded[] = {
    {"1.2345674", NOTCH_OK, 1234567},
    {"1.2345675", NOTCH_OK, 1234568},
    {"-1.2345675", NOTCH_OK, -1234568},
    {"1.23456749999999", NOTCH_OK, 1234567},
    {"0.9999999", NOTCH_OK, 1000000},
    {"0.0000005", NOTCH_OK, 1},
    {"-0.0000004", NOTCH_OK, 0},
    {"1.5", NOTCH_OK, 1500000},
    {"9223372036854.7758074", NOTCH_OK, INT64_MAX},
    {"9223372036854.7758075", NOTCH_ERR_OVERFLOW, 0},
    {"-9223372036854.7758084", NOTCH_OK, INT64_MIN},
    {"-9223372036854.7758085", NOTCH_ERR_OVERFLOW, 0},
    {"1.2345678x", NOTCH_ERR_INVALID, 0},
    {"1.", NOTCH_ERR_INVALID, 0},
};

/* The text in memory of exactly its length, without a terminator. */
static enum notch_err parse(int64_t *out, const char *text, enum notch_decimal rounding)
{
    size_t len = strlen(text);
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len); /* no terminator: NOLINT(bugprone-not-null-terminated-result) */
    enum notch_err err = notch_micro_parse(out, copy, len, rounding);
    free(copy);
    return err;
}

static void check_number(const struct number *row, enum notch_decimal rounding)
{
    int64_t out = UNTOUCHED;
    enum notch_err err = parse(&out, row->text, rounding);
    if (err != row->err || out != (err == NOTCH_OK ? row->micro : UNTOUCHED)) {
        fail_msg("\"%s\": %s, %lld", row->text, notch_err_name(err), (long long)out);
    }
}

static void test_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(exact); i++) {
        check_number(&exact[i], NOTCH_DECIMAL_EXACT);
    }
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(rounded); i++) {
        check_number(&rounded[i], NOTCH_DECIMAL_ROUND);
    }
    int64_t out;
    assert_int_equal(notch_micro_parse(&out, NULL, 0, NOTCH_DECIMAL_EXACT), NOTCH_ERR_INVALID);
}

/* Printed numbers read back, and the print is the shortest text that does. */
static const char *print_reads_back(struct notch_gen *gen, void *context)
{
    (void)context;
    int64_t micro = notch_gen_edge_i64(gen);
    char text[NOTCH_MICRO_TEXT_MAX];
    memset(text, 'x', sizeof text);
    size_t len = notch_micro_print(text, micro);
    if (len > 21 || strlen(text) != len) {
        return "length";
    }
    bool has_point = strchr(text, '.') != NULL;
    if (has_point && (text[len - 1] == '0' || text[len - 1] == '.')) {
        return "not the shortest";
    }
    int64_t back;
    enum notch_err err = notch_micro_parse(&back, text, len, NOTCH_DECIMAL_EXACT);
    return err == NOTCH_OK && back == micro ? NULL : "reads back as something else";
}

static void test_print(void **state)
{
    (void)state;
    static const struct number rows[] = {
        {"0", NOTCH_OK, 0},
        {"-0.000001", NOTCH_OK, -1},
        {"12.5", NOTCH_OK, 12500000},
        {"100", NOTCH_OK, 100000000},
        {"9223372036854.775807", NOTCH_OK, INT64_MAX},
        {"-9223372036854.775808", NOTCH_OK, INT64_MIN},
    };
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(rows); i++) {
        char text[NOTCH_MICRO_TEXT_MAX];
        assert_int_equal(notch_micro_print(text, rows[i].micro), strlen(rows[i].text));
        assert_string_equal(text, rows[i].text);
    }
    assert_true(notch_property_holds("print", 20000, 1, print_reads_back, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_i64),
        cmocka_unit_test(test_u64),
        cmocka_unit_test(test_muldiv),
        cmocka_unit_test(test_muldiv_any),
        cmocka_unit_test(test_rdiv_at_the_ends),
        cmocka_unit_test(test_isqrt),
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_times_and_slots),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
