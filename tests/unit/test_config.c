/* What notchd is told: who is stronger, and what is said about mistakes. */
#include "node/daemon/arguments.h"
#include "node/daemon/config.h"
#include "node/daemon/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct notch_config *config;
    struct notch_buf problems;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->config = notch_config_create(notch_alloc_heap());
    notch_buf_init(&fixture->problems, notch_alloc_heap());
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    notch_config_destroy(fixture->config);
    notch_buf_fini(&fixture->problems);
    free(fixture);
    return 0;
}

static void parse(struct fixture *fixture, const char *text)
{
    notch_config_parse(fixture->config, &fixture->problems, "n.conf", notch_bytes(text, strlen(text)));
}

static void expect_problems(struct fixture *fixture, const char *text)
{
    assert_string_equal(notch_text_of(&fixture->problems), text);
    notch_buf_clear(&fixture->problems);
}

static void every_default_is_valid(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < NOTCH_CONFIG_COUNT; i++) {
        enum notch_config_key key = (enum notch_config_key)i;
        const struct notch_config_row *row = notch_config_row(key);
        const char *values[] = {row->value, row->dev != NULL ? row->dev : row->value, row->example};
        for (size_t j = 0; j < sizeof values / sizeof values[0]; j++) {
            struct notch_config *config = notch_config_create(notch_alloc_heap());
            char name[64];
            snprintf(name, sizeof name, "%s.%s", row->section, row->key);
            if (values[j][0] != 0) {
                notch_config_flag(config, &fixture->problems, name, values[j]);
                expect_problems(fixture, "");
            }
            notch_config_destroy(config);
        }
        assert_true(strlen(row->help) > 10);
    }
    notch_config_check(fixture->config, &fixture->problems);
    expect_problems(fixture, "");
    notch_config_use_dev(fixture->config);
    notch_config_check(fixture->config, &fixture->problems);
    expect_problems(fixture, "");
}

/* default < dev < file < environment < flag, whatever comes first. */
static void the_stronger_source_stands(void **state)
{
    struct fixture *fixture = *state;
    struct notch_config *config = fixture->config;
    char environment_port[] = "NOTCH_RPC_PORT=3";
    char environment_threads[] = "NOTCH_RPC_THREADS=4";
    char foreign[] = "NOTCH_DATA_DIR=/somewhere";
    char *environment[] = {environment_port, environment_threads, foreign, NULL};
    assert_int_equal(notch_config_number(config, NOTCH_CONFIG_RPC_PORT), 7079);
    notch_config_flag(config, &fixture->problems, "rpc.port", "2");
    notch_config_environment(config, &fixture->problems, environment);
    parse(fixture, "[rpc]\nport = 5\nthreads = 6\nbatch_max = 7\n");
    notch_config_use_dev(config);
    expect_problems(fixture, "");
    assert_int_equal(notch_config_number(config, NOTCH_CONFIG_RPC_PORT), 2);
    assert_int_equal(notch_config_source(config, NOTCH_CONFIG_RPC_PORT), NOTCH_CONFIG_COMMAND_LINE);
    assert_int_equal(notch_config_number(config, NOTCH_CONFIG_RPC_THREADS), 4);
    assert_int_equal(notch_config_source(config, NOTCH_CONFIG_RPC_THREADS), NOTCH_CONFIG_ENVIRONMENT);
    assert_int_equal(notch_config_number(config, NOTCH_CONFIG_RPC_BATCH), 7);
    assert_int_equal(notch_config_source(config, NOTCH_CONFIG_RPC_BATCH), NOTCH_CONFIG_FILE);
    assert_true(notch_config_is_on(config, NOTCH_CONFIG_VALIDATOR_ENABLE));
    assert_int_equal(notch_config_source(config, NOTCH_CONFIG_VALIDATOR_ENABLE), NOTCH_CONFIG_DEV);
    assert_int_equal(notch_config_source(config, NOTCH_CONFIG_RPC_IDLE), NOTCH_CONFIG_DEFAULT);
}

static void a_file_is_read_as_people_write_it(void **state)
{
    struct fixture *fixture = *state;
    parse(fixture, "\xef\xbb\xbf# comment\r\n"
                   "; another\r\n"
                   "\r\n"
                   "[rpc]\r\n"
                   "    port=1 ; why\r\n"
                   "\tbind = ::1\r\n"
                   "user = anna:read:$argon2id$a\n"
                   "user = bert:operate:$argon2id$b=c\n"
                   "[log]\n"
                   "level = debug"); /* no newline at the end */
    expect_problems(fixture, "");
    const struct notch_config *config = fixture->config;
    assert_int_equal(notch_config_number(config, NOTCH_CONFIG_RPC_PORT), 1);
    assert_string_equal(notch_config_text(config, NOTCH_CONFIG_RPC_BIND), "::1");
    assert_string_equal(notch_config_item(config, NOTCH_CONFIG_RPC_USER, 0), "anna:read:$argon2id$a");
    assert_string_equal(notch_config_item(config, NOTCH_CONFIG_RPC_USER, 1), "bert:operate:$argon2id$b=c");
    assert_null(notch_config_item(config, NOTCH_CONFIG_RPC_USER, 2));
    assert_string_equal(notch_config_text(config, NOTCH_CONFIG_LOG_LEVEL), "debug");
}

/* All problems of a file in one run, each with its line, what was expected and the nearest key. */
static void every_problem_of_a_file_is_named(void **state)
{
    struct fixture *fixture = *state;
    parse(fixture, "port = 1\n"
                   "[rpc]\n"
                   "prot = 1\n"
                   "port = many\n"
                   "port = 70000\n"
                   "enable = perhaps\n"
                   "port = 8\n"
                   "port = 9\n"
                   "nothing\n"
                   "[rcp]\n"
                   "port = 1\n"
                   "[log]\n"
                   "level = loud\x01\n"
                   "cache_mib = 3\n");
    expect_problems(
        fixture,
        "n.conf:1: a key before the first [section]; expected one of [node], [log], [store], [rpc], [validator], "
        "[author], [limits]\n"
        "n.conf:3: there is no key \"rpc.prot\"; the nearest is rpc.port (notchd --help lists all)\n"
        "n.conf:4: rpc.port is \"many\", expected a number from 0 to 65535\n"
        "n.conf:5: rpc.port is \"70000\", expected a number from 0 to 65535\n"
        "n.conf:6: rpc.enable is \"perhaps\", expected true or false\n"
        "n.conf:8: rpc.port is given twice, first in line 7; expected one value\n"
        "n.conf:9: expected [section] or key = value\n"
        "n.conf:10: there is no section \"rcp\"; expected node, log, store, rpc, validator, author or limits\n"
        "n.conf:13: log.level is \"loud\\x01\", expected one of: error warn info debug trace\n"
        "n.conf:14: there is no key \"log.cache_mib\"; the nearest is store.cache_mib (notchd --help lists all)\n");
    assert_int_equal(notch_config_number(fixture->config, NOTCH_CONFIG_RPC_PORT), 8);
}

static void odd_bytes_are_refused(void **state)
{
    struct fixture *fixture = *state;
    char line[400];
    memset(line, 'x', sizeof line);
    memcpy(line, "[log]\nfile = ", 13);
    line[sizeof line - 1] = 0;
    parse(fixture, line);
    expect_problems(fixture, "n.conf:2: the line is longer than 190 bytes; expected less\n");
    notch_config_parse(fixture->config, &fixture->problems, "n.conf", notch_bytes("[log]\nfile = a\0b\n", 17));
    expect_problems(fixture, "n.conf:2: the line holds a zero byte; expected text\n");
    parse(fixture, "");
    parse(fixture, "\n\n");
    expect_problems(fixture, "");
    notch_config_load(fixture->config, &fixture->problems, "/nowhere/at/all");
    expect_problems(fixture,
                    "/nowhere/at/all: cannot be read: No such file or directory; expected a configuration file\n");
}

static void a_wrong_variable_is_named(void **state)
{
    struct fixture *fixture = *state;
    char wrong[] = "NOTCH_RPC_PROT=1";
    char bad[] = "NOTCH_RPC_PORT=-1";
    char *environment[] = {wrong, bad, NULL};
    notch_config_environment(fixture->config, &fixture->problems, environment);
    expect_problems(fixture,
                    "environment: NOTCH_RPC_PROT: there is no key \"rpc.prot\"; the nearest is rpc.port (notchd "
                    "--help lists all)\n"
                    "environment: NOTCH_RPC_PORT: rpc.port is \"-1\", expected a number from 0 to 65535\n");
}

static void contradictions_are_found(void **state)
{
    struct fixture *fixture = *state;
    parse(fixture, "[rpc]\nbind = 0.0.0.0\nuser = anna:boss:$argon2id$x\n[validator]\nkey = /k\n");
    expect_problems(fixture, "");
    notch_config_check(fixture->config, &fixture->problems);
    const char *text = notch_text_of(&fixture->problems);
    assert_non_null(strstr(text, "rpc.bind is 0.0.0.0, which other machines reach"));
    assert_non_null(strstr(text, "rpc.user number 1: expected name:role:hash"));
    assert_non_null(strstr(text, "validator.enable is not"));
    notch_buf_clear(&fixture->problems);
    notch_config_flag(fixture->config, &fixture->problems, "rpc.bind", "localhost");
    notch_config_check(fixture->config, &fixture->problems);
    assert_non_null(strstr(notch_text_of(&fixture->problems), "expected a numeric address"));
}

static void users_are_taken_apart(void **state)
{
    (void)state;
    struct notch_config_user user;
    assert_true(notch_config_user(&user, "anna:submit:$argon2id$v=19$m=1,t=2,p=1$a$b"));
    assert_string_equal(user.name, "anna");
    assert_int_equal(user.role, NOTCH_RPC_SUBMIT);
    assert_string_equal(user.hash, "$argon2id$v=19$m=1,t=2,p=1$a$b");
    assert_false(notch_config_user(&user, "anna"));
    assert_false(notch_config_user(&user, "anna:submit"));
    assert_false(notch_config_user(&user, ":submit:$argon2id$x"));
    assert_false(notch_config_user(&user, "anna::$argon2id$x"));
    assert_false(notch_config_user(&user, "anna:submit:password"));
    assert_false(notch_config_user(&user, "__cookie__:operate:$argon2id$x"));
}

/* What --print-config prints is a file that means the same; secrets are in neither form. */
static void printing_and_reading_agree(void **state)
{
    struct fixture *fixture = *state;
    struct notch_buf printed;
    struct notch_buf again;
    notch_buf_init(&printed, notch_alloc_heap());
    notch_buf_init(&again, notch_alloc_heap());
    parse(fixture, "[rpc]\nport = 5\nuser = anna:read:$argon2id$secret\nhost = a.example\nhost = b.example\n"
                   "[node]\ndata = /d\n");
    expect_problems(fixture, "");
    notch_config_print(fixture->config, &printed);
    assert_non_null(strstr(notch_text_of(&printed), "port = 5 ; line 2 of the file\n"));
    assert_null(strstr(notch_text_of(&printed), "secret"));

    struct notch_config *second = notch_config_create(notch_alloc_heap());
    notch_config_parse(second, &fixture->problems, "again", notch_buf_bytes(&printed));
    expect_problems(fixture, "");
    for (unsigned i = 0; i < NOTCH_CONFIG_COUNT; i++) {
        enum notch_config_key key = (enum notch_config_key)i;
        if (key != NOTCH_CONFIG_RPC_USER) {
            assert_string_equal(notch_config_text(second, key), notch_config_text(fixture->config, key));
        }
    }
    assert_string_equal(notch_config_item(second, NOTCH_CONFIG_RPC_HOST, 1), "b.example");
    notch_config_destroy(second);

    notch_config_json(fixture->config, &again);
    const char *json = notch_text_of(&again);
    assert_non_null(strstr(json, "\"port\":5,"));
    assert_non_null(strstr(json, "\"host\":[\"a.example\",\"b.example\"]"));
    assert_null(strstr(json, "secret"));
    notch_buf_fini(&printed);
    notch_buf_fini(&again);
}

static struct notch_arguments take(struct fixture *fixture, int argc, char **argv)
{
    struct notch_arguments arguments;
    notch_arguments_parse(&arguments, fixture->config, &fixture->problems, argc, argv);
    return arguments;
}

static void arguments_are_taken_apart(void **state)
{
    struct fixture *fixture = *state;
    char *argv[] = {"notchd",        "--config",           "a.conf", "--data=/d",  "--network", "./my.genesis",
                    "--rpc.enable",  "--validator.enable", "false",  "--rpc.port", "0",         "--dev",
                    "--check-config"};
    struct notch_arguments arguments = take(fixture, (int)(sizeof argv / sizeof argv[0]), argv);
    expect_problems(fixture, "");
    assert_int_equal(arguments.command, NOTCH_COMMAND_CHECK_CONFIG);
    assert_true(arguments.is_dev);
    assert_string_equal(arguments.config_path, "a.conf");
    assert_string_equal(notch_config_text(fixture->config, NOTCH_CONFIG_NODE_DATA), "/d");
    assert_string_equal(notch_config_text(fixture->config, NOTCH_CONFIG_NODE_GENESIS), "./my.genesis");
    assert_true(notch_config_is_on(fixture->config, NOTCH_CONFIG_RPC_ENABLE));
    assert_false(notch_config_is_on(fixture->config, NOTCH_CONFIG_VALIDATOR_ENABLE));
    assert_int_equal(notch_config_number(fixture->config, NOTCH_CONFIG_RPC_PORT), 0);
}

static void wrong_arguments_are_named(void **state)
{
    struct fixture *fixture = *state;
    char *argv[] = {"notchd", "stray", "--prot", "1", "--network", "moon", "--rpc.port", "--verify-store", "--backup"};
    take(fixture, (int)(sizeof argv / sizeof argv[0]), argv);
    const char *text = notch_text_of(&fixture->problems);
    assert_non_null(strstr(text, "\"stray\": expected an option"));
    assert_non_null(strstr(text, "--prot: there is no key"));
    assert_non_null(strstr(text, "--node.network: node.network is \"moon\", expected one of: any main test dev"));
    assert_non_null(strstr(text, "--rpc.port: expected a value behind it"));
    assert_non_null(strstr(text, "--backup: expected a value behind it"));
    assert_non_null(strstr(text, "more than one command is given"));
}

static void the_help_names_every_key(void **state)
{
    struct fixture *fixture = *state;
    notch_arguments_help(&fixture->problems);
    const char *text = notch_text_of(&fixture->problems);
    for (unsigned i = 0; i < NOTCH_CONFIG_COUNT; i++) {
        const struct notch_config_row *row = notch_config_row((enum notch_config_key)i);
        char name[80];
        snprintf(name, sizeof name, "--%s.%s VALUE\n", row->section, row->key);
        assert_non_null(strstr(text, name));
    }
    assert_non_null(strstr(text, "Examples:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_default_is_valid, setup, teardown),
        cmocka_unit_test_setup_teardown(the_stronger_source_stands, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_is_read_as_people_write_it, setup, teardown),
        cmocka_unit_test_setup_teardown(every_problem_of_a_file_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(odd_bytes_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wrong_variable_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(contradictions_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(users_are_taken_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(printing_and_reading_agree, setup, teardown),
        cmocka_unit_test_setup_teardown(arguments_are_taken_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_arguments_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(the_help_names_every_key, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
