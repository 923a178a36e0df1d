#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct sink {
    size_t lines;
    enum notch_log_level level;
    char module[16];
    char line[NOTCH_LOG_LINE_MAX + 1];
    size_t len;
};

static void keep(void *self, enum notch_log_level level, const char *module, const char *line, size_t len)
{
    struct sink *sink = self;
    assert_true(len < sizeof sink->line);
    sink->lines++;
    sink->level = level;
    snprintf(sink->module, sizeof sink->module, "%s", module);
    memcpy(sink->line, line, len);
    sink->line[len] = '\0';
    sink->len = len;
}

static void test_lines_arrive(void **state)
{
    (void)state;
    struct sink sink = {0};
    struct notch_log log = {keep, &sink, NOTCH_LOG_INFO};
    notch_log(&log, NOTCH_LOG_WARN, "chain", "height %d of %s", 7, "main");
    assert_int_equal(sink.lines, 1);
    assert_int_equal(sink.level, NOTCH_LOG_WARN);
    assert_string_equal(sink.module, "chain");
    assert_string_equal(sink.line, "height 7 of main");
    assert_int_equal(sink.len, 16);
}

static void test_levels_and_no_sink(void **state)
{
    (void)state;
    struct sink sink = {0};
    struct notch_log log = {keep, &sink, NOTCH_LOG_INFO};
    notch_log(&log, NOTCH_LOG_DEBUG, "x", "dropped");
    notch_log(NULL, NOTCH_LOG_ERROR, "x", "dropped");
    assert_int_equal(sink.lines, 0);
    notch_log(&log, NOTCH_LOG_INFO, "x", "kept");
    notch_log(&log, NOTCH_LOG_ERROR, "x", "kept");
    assert_int_equal(sink.lines, 2);
    log.write = NULL;
    notch_log(&log, NOTCH_LOG_ERROR, "x", "dropped");
    assert_int_equal(sink.lines, 2);
}

static void test_long_lines_are_cut(void **state)
{
    (void)state;
    struct sink sink = {0};
    struct notch_log log = {keep, &sink, NOTCH_LOG_TRACE};
    for (int len = NOTCH_LOG_LINE_MAX - 3; len <= NOTCH_LOG_LINE_MAX + 3; len++) {
        size_t kept = len < NOTCH_LOG_LINE_MAX ? (size_t)len : NOTCH_LOG_LINE_MAX - 1;
        notch_log(&log, NOTCH_LOG_TRACE, "x", "%*s", len, "end");
        assert_int_equal(sink.len, kept);
        assert_int_equal(strlen(sink.line), kept);
    }
}

static void test_level_names(void **state)
{
    (void)state;
    static const char *const names[] = {"error", "warn", "info", "debug", "trace"};
    for (unsigned i = 0; i < NOTCH_ARRAY_LEN(names); i++) {
        assert_string_equal(notch_log_level_name((enum notch_log_level)i), names[i]);
    }
    assert_string_equal(notch_log_level_name((enum notch_log_level)5), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_arrive),
        cmocka_unit_test(test_levels_and_no_sink),
        cmocka_unit_test(test_long_lines_are_cut),
        cmocka_unit_test(test_level_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
