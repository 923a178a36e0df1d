/* The log: one message is one line, in text and in JSON, and floods are counted. */
#include "node/daemon/logger.h"

#include "base/bytes.h"
#include "node/daemon/text.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char folder[PATH_MAX];
    char path[PATH_MAX + 8];
    char moved[PATH_MAX + 8];
    char text[65536];
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const char *base = getenv("TMPDIR");
    assert_non_null(fixture);
    int len = snprintf(fixture->folder, sizeof fixture->folder, "%s/notch-log-XXXXXX", base != NULL ? base : "/tmp");
    assert_in_range(len, 1, sizeof fixture->folder - 1);
    assert_non_null(mkdtemp(fixture->folder));
    len = snprintf(fixture->path, sizeof fixture->path, "%s/log", fixture->folder);
    assert_in_range(len, 1, sizeof fixture->path - 1);
    len = snprintf(fixture->moved, sizeof fixture->moved, "%s/old", fixture->folder);
    assert_in_range(len, 1, sizeof fixture->moved - 1);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    (void)unlink(fixture->path);
    (void)unlink(fixture->moved);
    assert_int_equal(rmdir(fixture->folder), 0);
    free(fixture);
    return 0;
}

static const char *read_file(struct fixture *fixture, const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(fixture->text, 1, sizeof fixture->text - 1, file);
    fixture->text[len] = 0;
    assert_int_equal(fclose(file), 0);
    return fixture->text;
}

static size_t count_lines(const char *text)
{
    size_t count = 0;
    for (; *text != 0; text++) {
        count += *text == '\n';
    }
    return count;
}

static struct notch_logger *open_logger(struct fixture *fixture, enum notch_logger_format format)
{
    struct notch_logger *logger = notch_logger_create(notch_alloc_heap(), NOTCH_LOG_INFO, format, fixture->path);
    assert_int_equal(notch_logger_open(logger), NOTCH_OK);
    return logger;
}

static void a_message_is_one_line_of_text(void **state)
{
    struct fixture *fixture = *state;
    struct notch_logger *logger = open_logger(fixture, NOTCH_LOGGER_TEXT);
    const struct notch_log *log = notch_logger_sink(logger);
    notch_log(log, NOTCH_LOG_WARN, "store", "two\nlines\t%s \xff \xc3\xa9", "\x1b[31m");
    notch_log(log, NOTCH_LOG_DEBUG, "store", "below the level");
    notch_logger_destroy(logger);
    const char *text = read_file(fixture, fixture->path);
    assert_int_equal(count_lines(text), 1);
    assert_int_equal(text[4], '-');
    assert_int_equal(text[10], 'T');
    assert_string_equal(text + 23, "Z warn  store: two\\x0alines\\x09\\x1b[31m \\xff \xc3\xa9\n");
}

static void a_message_is_one_object_of_json(void **state)
{
    struct fixture *fixture = *state;
    struct notch_logger *logger = open_logger(fixture, NOTCH_LOGGER_JSON);
    notch_log(notch_logger_sink(logger), NOTCH_LOG_ERROR, "node", "a \"b\" \\ \n \xed\xa0\x80 \xc3\xa9 \x7f");
    notch_logger_destroy(logger);
    const char *text = read_file(fixture, fixture->path);
    assert_int_equal(count_lines(text), 1);
    assert_memory_equal(text, "{\"time\":\"", 9);
    assert_string_equal(strstr(text, "\",\"level\""),
                        "\",\"level\":\"error\",\"module\":\"node\",\"text\":\"a \\\"b\\\" \\\\ \\u000a "
                        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xc3\xa9 \\u007f\"}\n");
}

/* The same line a thousand times: three of them, and how many more there were. */
static void a_flood_is_counted(void **state)
{
    struct fixture *fixture = *state;
    struct notch_logger *logger = open_logger(fixture, NOTCH_LOGGER_TEXT);
    for (uint64_t i = 0; i < 1000; i++) {
        notch_logger_write_at(logger, i, NOTCH_LOG_WARN, "rpc", "again", 5);
        notch_logger_write_at(logger, i, NOTCH_LOG_INFO, "rpc", "again", 5); /* another level: another message */
    }
    notch_logger_write_at(logger, 1000, NOTCH_LOG_INFO, "rpc", "else", 4);
    assert_int_equal(count_lines(read_file(fixture, fixture->path)), 7);
    notch_logger_flush_at(logger, NOTCH_LOGGER_WINDOW_MS - 1);
    assert_int_equal(count_lines(read_file(fixture, fixture->path)), 7);
    notch_logger_flush_at(logger, NOTCH_LOGGER_WINDOW_MS);
    const char *text = read_file(fixture, fixture->path);
    assert_int_equal(count_lines(text), 9);
    assert_non_null(strstr(text, "warn  rpc: again (and 997 times more)\n"));
    assert_non_null(strstr(text, "info  rpc: again (and 997 times more)\n"));
    notch_logger_write_at(logger, NOTCH_LOGGER_WINDOW_MS, NOTCH_LOG_WARN, "rpc", "again", 5);
    assert_int_equal(count_lines(read_file(fixture, fixture->path)), 10);
    notch_logger_destroy(logger);
}

static void different_lines_are_never_held_back(void **state)
{
    struct fixture *fixture = *state;
    struct notch_logger *logger = open_logger(fixture, NOTCH_LOGGER_TEXT);
    for (unsigned i = 0; i < 500; i++) {
        notch_log(notch_logger_sink(logger), NOTCH_LOG_INFO, "node", "block %u", i);
    }
    notch_logger_destroy(logger);
    assert_int_equal(count_lines(read_file(fixture, fixture->path)), 500);
}

/* What logrotate does: move it away, then ask for a new one. */
static void a_moved_file_is_opened_again(void **state)
{
    struct fixture *fixture = *state;
    struct notch_logger *logger = open_logger(fixture, NOTCH_LOGGER_TEXT);
    notch_log(notch_logger_sink(logger), NOTCH_LOG_INFO, "a", "first");
    assert_int_equal(rename(fixture->path, fixture->moved), 0);
    notch_log(notch_logger_sink(logger), NOTCH_LOG_INFO, "a", "second");
    assert_int_equal(notch_logger_open(logger), NOTCH_OK);
    notch_log(notch_logger_sink(logger), NOTCH_LOG_INFO, "a", "third");
    notch_logger_destroy(logger);
    assert_int_equal(count_lines(read_file(fixture, fixture->moved)), 2);
    assert_int_equal(count_lines(read_file(fixture, fixture->path)), 1);
    assert_non_null(strstr(fixture->text, "third"));
}

static void a_file_that_cannot_be_opened_is_said(void **state)
{
    struct fixture *fixture = *state;
    char path[PATH_MAX + 32];
    int len = snprintf(path, sizeof path, "%s/no/such/folder", fixture->folder);
    assert_in_range(len, 1, sizeof path - 1);
    struct notch_logger *logger = notch_logger_create(notch_alloc_heap(), NOTCH_LOG_INFO, NOTCH_LOGGER_TEXT, path);
    assert_int_equal(notch_logger_open(logger), NOTCH_ERR_NOT_FOUND);
    notch_logger_destroy(logger);
}

/* UTF-8 that is allowed, and what looks like it: overlong forms, surrogates, beyond U+10FFFF, cut short. */
static void utf8_is_told_from_what_is_none(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *plain;
    } cases[] = {
        {"a\xc2\x80", "a\xc2\x80"},
        {"\xe0\xa0\x80", "\xe0\xa0\x80"},
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
        {"\xc0\x80", "\\xc0\\x80"},
        {"\xe0\x80\x80", "\\xe0\\x80\\x80"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
        {"\xf0\x80\x80\x80", "\\xf0\\x80\\x80\\x80"},
        {"\xe2\x82", "\\xe2\\x82"},
        {"\xc3", "\\xc3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct notch_buf out;
        notch_buf_init(&out, notch_alloc_heap());
        notch_text_plain(&out, cases[i].text, strlen(cases[i].text));
        assert_string_equal(notch_text_of(&out), cases[i].plain);
        notch_buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_is_one_line_of_text, setup, teardown),
        cmocka_unit_test_setup_teardown(a_message_is_one_object_of_json, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flood_is_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(different_lines_are_never_held_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_moved_file_is_opened_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_cannot_be_opened_is_said, setup, teardown),
        cmocka_unit_test(utf8_is_told_from_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
