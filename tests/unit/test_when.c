/* Times and periods as people write them, against the calendar. */
#include "rpc/cli/when.h"
#include "tests/support/gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

static uint64_t read_ms(const char *text)
{
    uint64_t ms = UINT64_MAX;
    const char *fault = notch_when_parse(&ms, text, strlen(text));
    if (fault != NULL) {
        fail_msg("%s: %s", text, fault);
    }
    return ms;
}

static const char *fault_of(const char *text)
{
    uint64_t ms;
    return notch_when_parse(&ms, text, strlen(text));
}

static void test_dates(void **state)
{
    (void)state;
    assert_int_equal(read_ms("1970-01-01"), 0);
    assert_int_equal(read_ms("2022-03-15"), 1647302400000);
    assert_int_equal(read_ms("2022/03/15"), 1647302400000);
    assert_int_equal(read_ms("20220315"), 1647302400000);
    assert_int_equal(read_ms("2022-03"), 1646092800000);
    assert_int_equal(read_ms("2022"), 1640995200000);
    assert_int_equal(read_ms("2020-02-29"), 1582934400000);
    assert_int_equal(read_ms("2022-03-15T12:30:45.678Z"), 1647347445678);
    assert_int_equal(read_ms("2022-03-15 12:30"), 1647347400000);
    assert_int_equal(read_ms("2022-03-15T12:30:45+02:00"), 1647347445000 - 7200000);
    assert_int_equal(read_ms("2022-03-15T12:30:45-0530"), 1647347445000 + 19800000);
    assert_int_equal(read_ms("1647302400"), 1647302400000);
    assert_int_equal(read_ms("1647302400123"), 1647302400123);
    assert_int_equal(read_ms("9999-12-31T23:59:59.999Z"), NOTCH_TIME_MAX);
}

static void test_no_dates(void **state)
{
    (void)state;
    const char *const bad[] = {"",
                               "x",
                               "2021-02-29",
                               "2022-13-01",
                               "2022-00-10",
                               "15.03.2022",
                               "3/15/2022",
                               "2022-3-5",
                               "2022-03-15T25:00",
                               "2022-03-15T12:60",
                               "1969-12-31",
                               "2022-03-15x",
                               "12345",
                               "2022-03-15T12:30:45+",
                               "1e9",
                               "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (fault_of(bad[i]) == NULL) {
            fail_msg("\"%s\" was taken for a date", bad[i]);
        }
    }
    assert_string_equal(fault_of(""), "empty");
    assert_string_equal(fault_of("1969-12-31"), "before 1970");
    assert_string_equal(fault_of("2021-02-29"), "no such day");
}

static void test_counted_weeks(void **state)
{
    (void)state;
    uint64_t origin = read_ms("1989-09-14");
    uint64_t ms;
    assert_null(notch_when_parse_as(&ms, "1", 1, NOTCH_WHEN_WEEK, (int64_t)origin));
    assert_int_equal(ms, origin);
    assert_null(notch_when_parse_as(&ms, "40", 2, NOTCH_WHEN_WEEK, (int64_t)origin));
    assert_int_equal(ms, read_ms("1990-06-14"));
    assert_null(notch_when_parse_as(&ms, "-1", 2, NOTCH_WHEN_DAY, (int64_t)origin));
    assert_int_equal(ms, read_ms("1989-09-12"));
    assert_non_null(notch_when_parse_as(&ms, "999999999", 9, NOTCH_WHEN_WEEK, (int64_t)origin));
    assert_non_null(notch_when_parse_as(&ms, "-99999", 6, NOTCH_WHEN_WEEK, (int64_t)origin));
    assert_non_null(notch_when_parse_as(&ms, "4x", 2, NOTCH_WHEN_WEEK, (int64_t)origin));
    assert_non_null(notch_when_parse_as(&ms, "-1", 2, NOTCH_WHEN_UNIX, 0));
    assert_null(notch_when_parse_as(&ms, "7", 1, NOTCH_WHEN_UNIX, 0));
    assert_int_equal(ms, 7000);
}

static void check_period(const char *text, const char *from, const char *to)
{
    struct notch_period period;
    const char *fault = notch_when_period_parse(&period, text, strlen(text));
    if (fault != NULL) {
        fail_msg("%s: %s", text, fault);
    }
    assert_int_equal(period.start.raw, read_ms(from));
    assert_int_equal(period.start.raw + period.length_ms, read_ms(to));
}

static void test_periods(void **state)
{
    (void)state;
    struct notch_period period;
    check_period("2022", "2022-01-01", "2023-01-01");
    check_period("2022-Q1", "2022-01-01", "2022-04-01");
    check_period("2022-q4", "2022-10-01", "2023-01-01");
    check_period("2024-02", "2024-02-01", "2024-03-01");
    check_period("2022-12", "2022-12-01", "2023-01-01");
    check_period("2022-03-15", "2022-03-15", "2022-03-16");
    check_period("2021-W01", "2021-01-04", "2021-01-11");
    check_period("2020-W53", "2020-12-28", "2021-01-04");
    check_period("2022-01-01/2022-07-01", "2022-01-01", "2022-07-01");
    const char *const bad[] = {"",
                               "22",
                               "2022-Q5",
                               "2022-13",
                               "2022-02-30",
                               "2021-W53",
                               "2021-W00",
                               "2022-1",
                               "2022-Q",
                               "1969",
                               "2022-02-02/2022-02-02",
                               "2022/",
                               "2000-01-01/2020-01-01",
                               "2022-01-01/x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (notch_when_period_parse(&period, bad[i], strlen(bad[i])) == NULL) {
            fail_msg("\"%s\" was taken for a period", bad[i]);
        }
    }
}

/* Against the calendar of the C library. */
static const char *prints_as_the_library(struct notch_gen *gen, void *context)
{
    char ours[NOTCH_WHEN_TEXT_MAX];
    char theirs[64];
    struct tm parts;
    (void)context;
    uint64_t ms = notch_gen_below(gen, NOTCH_TIME_MAX + 1);
    time_t seconds = (time_t)(ms / 1000);
    notch_when_print(ours, ms);
    if (gmtime_r(&seconds, &parts) == NULL) {
        return "the library has no such time";
    }
    size_t len = strftime(theirs, sizeof theirs, "%Y-%m-%d %H:%M:%S", &parts);
    (void)snprintf(theirs + len, sizeof theirs - len, ".%03u", (unsigned)(ms % 1000));
    if (strcmp(ours, theirs) != 0) {
        return "another date than the library's";
    }
    uint64_t back;
    return notch_when_parse(&back, ours, strlen(ours)) == NULL && back == ms ? NULL : "does not read back";
}

/* A time lies in the period that it is said to lie in, and periods follow each other without gaps. */
static const char *units_tile_time(struct notch_gen *gen, void *context)
{
    (void)context;
    enum notch_when_unit unit = (enum notch_when_unit)notch_gen_below(gen, 5);
    uint64_t ms = notch_gen_below(gen, UINT64_C(4102444800000));
    uint64_t index = notch_when_index(ms, unit);
    struct notch_period period = notch_when_period(index, unit);
    struct notch_period next = notch_when_period(index + 1, unit);
    if (ms < period.start.raw || ms - period.start.raw >= period.length_ms) {
        return "a time outside of its period";
    }
    return period.start.raw + period.length_ms == next.start.raw ? NULL : "a gap between two periods";
}

static void test_properties(void **state)
{
    (void)state;
    assert_true(notch_property_holds("dates", 5000, 1, prints_as_the_library, NULL));
    assert_true(notch_property_holds("units", 5000, 2, units_tile_time, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates),   cmocka_unit_test(test_no_dates),   cmocka_unit_test(test_counted_weeks),
        cmocka_unit_test(test_periods), cmocka_unit_test(test_properties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
