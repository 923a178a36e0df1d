#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const enum notch_err errs[] = {
#define X(name, value, text) NOTCH_ERR_##name,
    NOTCH_ERR_TABLE(X)
#undef X
};

static const enum notch_reject_code codes[] = {
#define X(name, value, text) NOTCH_REJECT_##name,
    NOTCH_REJECT_TABLE(X)
#undef X
};

/* Values are stable and 0 is success: the table only grows downwards, without gaps. */
static void test_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(errs); i++) {
        assert_int_equal((int)errs[i], -(int)i);
        assert_true(strlen(notch_err_text(errs[i])) > 0);
        assert_string_not_equal(notch_err_name(errs[i]), "UNKNOWN");
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(notch_err_name(errs[i]), notch_err_name(errs[k]));
            assert_string_not_equal(notch_err_text(errs[i]), notch_err_text(errs[k]));
        }
    }
    assert_int_equal(NOTCH_OK, 0);
    assert_string_equal(notch_err_name(NOTCH_ERR_NOT_FOUND), "NOT_FOUND");
    assert_string_equal(notch_err_text(NOTCH_ERR_NOT_FOUND), "not found");
    assert_string_equal(notch_err_name((enum notch_err)1), "UNKNOWN");
    assert_string_equal(notch_err_text((enum notch_err) - 1000), "unknown error");
}

/* Receipts carry the values: append only, so the first and a middle one are pinned here. */
static void test_rejects(void **state)
{
    (void)state;
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(codes); i++) {
        assert_int_equal((int)codes[i], (int)i);
        assert_true(strlen(notch_reject_text(codes[i])) > 0);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(notch_reject_name(codes[i]), notch_reject_name(codes[k]));
            assert_string_not_equal(notch_reject_text(codes[i]), notch_reject_text(codes[k]));
        }
    }
    assert_int_equal(NOTCH_REJECT_MALFORMED, 1);
    assert_int_equal(NOTCH_REJECT_SEQUENCE, 20);
    assert_string_equal(notch_reject_name(NOTCH_REJECT_TOO_LARGE), "TOO_LARGE");
    assert_string_equal(notch_reject_name((enum notch_reject_code)9999), "UNKNOWN");
    assert_string_equal(notch_reject_text((enum notch_reject_code)9999), "unknown reason");
}

static void test_reject_values(void **state)
{
    (void)state;
    assert_true(notch_is_valid(NOTCH_VALID));
    struct notch_reject reject = NOTCH_REJECT(BOUNDS, "price");
    assert_false(notch_is_valid(reject));
    assert_int_equal(reject.code, NOTCH_REJECT_BOUNDS);
    assert_string_equal(reject.reason, "price");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_rejects),
        cmocka_unit_test(test_reject_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
