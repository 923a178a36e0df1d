/* Columns, the table of commands, and the small pure parts of the command line. */
#include "rpc/cli/table.h"

#include "rpc/cli/cli.h"
#include "rpc/cli/http.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_columns(void **state)
{
    (void)state;
    static const char *const heads[] = {"name", "count", "note"};
    struct notch_table table;
    struct notch_buf out;
    notch_table_init(&table, notch_alloc_heap(), heads, 3);
    notch_buf_init(&out, notch_alloc_heap());
    notch_table_put(&table, "%s", "Z\xc3\xbcrich");
    notch_table_put(&table, "%d", 7);
    notch_table_put(&table, "%s", "x\x1b[31my\n");
    notch_table_put(&table, "%s", "A");
    notch_table_put(&table, "%d", 12345);
    notch_table_put(&table, "%s", "");
    notch_table_print(&table, &out);
    assert_int_equal(notch_table_rows(&table), 2);
    assert_string_equal(notch_cli_text_of(&out), "name    count  note\n"
                                                 "Z\xc3\xbcrich      7  x\\x1b[31my\\x0a\n"
                                                 "A       12345  \n");
    notch_buf_fini(&out);
    notch_table_fini(&table);
}

static void test_plain_text(void **state)
{
    (void)state;
    struct notch_buf out;
    notch_buf_init(&out, notch_alloc_heap());
    notch_cli_plain(&out, "a\xff\xc2\x9b\x7f\xe2\x82\xac\xe2\x82", 10);
    assert_string_equal(notch_cli_text_of(&out), "a\\xff\\xc2\\x9b\\x7f\xe2\x82\xac\\xe2\\x82");
    notch_buf_fini(&out);
}

static void test_numbers(void **state)
{
    (void)state;
    uint64_t value;
    assert_true(notch_cli_parse_number(&value, "18446744073709551615", UINT64_MAX));
    assert_true(value == UINT64_MAX);
    assert_true(notch_cli_parse_number(&value, "0", 0));
    assert_false(notch_cli_parse_number(&value, "18446744073709551616", UINT64_MAX));
    assert_false(notch_cli_parse_number(&value, "99999999999999999999", UINT64_MAX));
    assert_false(notch_cli_parse_number(&value, "101", 100));
    assert_false(notch_cli_parse_number(&value, "7", 3));
    assert_false(notch_cli_parse_number(&value, "", 100));
    assert_false(notch_cli_parse_number(&value, "-1", 100));
    assert_false(notch_cli_parse_number(&value, "1 ", 100));
}

/* Every command is found by its own words, explains itself, and shows an example that it would understand. */
static void test_commands(void **state)
{
    (void)state;
    size_t count;
    const struct notch_cli_command *commands = notch_cli_commands(&count);
    for (size_t i = 0; i < count; i++) {
        char name[32];
        char *words[2] = {name, NULL};
        int used;
        (void)snprintf(name, sizeof name, "%s", commands[i].name);
        char *space = strchr(name, ' ');
        if (space != NULL) {
            *space = '\0';
            words[1] = space + 1;
        }
        assert_ptr_equal(notch_cli_find(space == NULL ? 1 : 2, words, &used), &commands[i]);
        assert_int_equal(used, space == NULL ? 1 : 2);
        assert_non_null(strstr(commands[i].example, "notch "));
        assert_true(strlen(commands[i].summary) > 0 && strlen(commands[i].summary) < 80);
        for (size_t k = 0; k < commands[i].option_count; k++) {
            const struct notch_cli_option *option = &commands[i].options[k];
            assert_ptr_equal(notch_cli_find_option(&commands[i], option->name, strlen(option->name)), option);
            assert_true(strlen(option->help) > 0);
        }
    }
}

static void test_arguments(void **state)
{
    (void)state;
    char *argv[] = {"--limit=5", "--type", "insight", "--newest", "--type", "capacity"};
    struct notch_cli cli = {.alloc = notch_alloc_heap()};
    char *words[] = {"record", "list"};
    int used;
    size_t at = 0;
    uint64_t limit;
    cli.command = notch_cli_find(2, words, &used);
    assert_int_equal(notch_cli_parse(&cli, 6, argv), NOTCH_EXIT_OK);
    assert_int_equal(notch_cli_number(&cli, &limit, "limit", 1, 1, 10), NOTCH_EXIT_OK);
    assert_int_equal(limit, 5);
    assert_string_equal(notch_cli_option(&cli, "type"), "capacity");
    assert_string_equal(notch_cli_next(&cli, "type", &at), "insight");
    assert_string_equal(notch_cli_next(&cli, "type", &at), "capacity");
    assert_null(notch_cli_next(&cli, "type", &at));
    assert_true(notch_cli_flag(&cli, "newest"));
    assert_false(notch_cli_flag(&cli, "json"));
}

static void test_bad_arguments(void **state)
{
    (void)state;
    char *lines[][2] = {{"--nonsense", NULL}, {"--limit", NULL}, {"--newest=1", NULL}, {"word", NULL}, {"-n", NULL}};
    char *words[] = {"record", "list"};
    int used;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct notch_cli cli = {.alloc = notch_alloc_heap(), .command = notch_cli_find(2, words, &used)};
        assert_int_equal(notch_cli_parse(&cli, 1, lines[i]), NOTCH_EXIT_USAGE);
    }
}

/* ---- the HTTP client's pure half ---- */

static enum notch_http_step parse_head(struct notch_http_head *head, const char *text)
{
    return notch_http_head_parse(head, notch_bytes(text, strlen(text)));
}

static void test_http_heads(void **state)
{
    (void)state;
    struct notch_http_head head;
    const char *good = "HTTP/1.1 200 OK\r\nX: y\r\ncontent-LENGTH:  12 \r\nConnection: Close\r\n\r\nbody";
    assert_int_equal(parse_head(&head, good), NOTCH_HTTP_WHOLE_HEAD);
    assert_int_equal(head.status, 200);
    assert_int_equal(head.body_len, 12);
    assert_int_equal(head.head_len, strlen(good) - 4);
    assert_true(head.closes);
    for (size_t len = 0; len < head.head_len; len++) {
        assert_int_equal(notch_http_head_parse(&head, notch_bytes(good, len)), NOTCH_HTTP_PARTIAL);
    }
    assert_int_equal(parse_head(&head, "HTTP/1.1 204 No Content\r\n\r\n"), NOTCH_HTTP_WHOLE_HEAD);
    const char *const bad[] = {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
                               "HTTP/1.1 20 OK\r\nContent-Length: 1\r\n\r\n",
                               "HTTP/1.1 2000\r\nContent-Length: 1\r\n\r\n",
                               "HTTP/1.1 200 OK\r\n\r\n",
                               "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
                               "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                               "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
                               "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                               "HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 1\r\n\r\n",
                               "nonsense\r\n\r\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(parse_head(&head, bad[i]), NOTCH_HTTP_BAD);
    }
}

static void test_urls(void **state)
{
    (void)state;
    char host[NOTCH_HTTP_HOST_MAX + 1];
    uint16_t port;
    assert_true(notch_http_url_parse(host, &port, "http://127.0.0.1:7079/"));
    assert_string_equal(host, "127.0.0.1");
    assert_int_equal(port, 7079);
    assert_true(notch_http_url_parse(host, &port, "http://node.example"));
    assert_string_equal(host, "node.example");
    assert_int_equal(port, 80);
    assert_true(notch_http_url_parse(host, &port, "http://[::1]:65535"));
    assert_string_equal(host, "::1");
    assert_int_equal(port, 65535);
    const char *const bad[] = {"https://x",      "x:1",        "http://",       "http://:80",      "http://x:0",
                               "http://x:65536", "http://x:y", "http://x/path", "http://[::1]x:1", "http://[::1",
                               "http://a@b:1",   "http://x:"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (notch_http_url_parse(host, &port, bad[i])) {
            fail_msg("%s was taken for a URL", bad[i]);
        }
    }
}

/* RFC 4648, section 10. */
static void test_basic(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct notch_buf out;
        notch_buf_init(&out, notch_alloc_heap());
        notch_http_basic(&out, pairs[i][0], strlen(pairs[i][0]));
        assert_memory_equal(out.data, "Basic ", 6);
        assert_string_equal((const char *)out.data + 6, pairs[i][1]);
        notch_buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns),    cmocka_unit_test(test_plain_text), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_commands),   cmocka_unit_test(test_arguments),  cmocka_unit_test(test_bad_arguments),
        cmocka_unit_test(test_http_heads), cmocka_unit_test(test_urls),       cmocka_unit_test(test_basic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
