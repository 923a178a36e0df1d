#include "rpc/cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- options ---- */

static const struct notch_cli_given *find_given(const struct notch_cli *cli, const char *name, size_t *at)
{
    while (*at < cli->given_count) {
        const struct notch_cli_given *given = &cli->given[(*at)++];
        if (strcmp(given->option->name, name) == 0) {
            return given;
        }
    }
    return NULL;
}

const char *notch_cli_next(const struct notch_cli *cli, const char *name, size_t *at)
{
    notch_assert(notch_cli_find_option(cli->command, name, strlen(name)) != NULL);
    const struct notch_cli_given *given = find_given(cli, name, at);
    return given == NULL ? NULL : given->value;
}

const char *notch_cli_option(const struct notch_cli *cli, const char *name)
{
    size_t at = 0;
    const char *last = NULL;
    for (const char *value = notch_cli_next(cli, name, &at); value != NULL; value = notch_cli_next(cli, name, &at)) {
        last = value;
    }
    return last;
}

bool notch_cli_flag(const struct notch_cli *cli, const char *name)
{
    return notch_cli_option(cli, name) != NULL;
}

bool notch_cli_parse_number(uint64_t *out, const char *text, uint64_t most)
{
    uint64_t value = 0;
    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(*text - '0');
        if (value > (most - digit) / 10 || digit > most) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

enum notch_exit notch_cli_number(const struct notch_cli *cli, uint64_t *out, const char *name, uint64_t otherwise,
                                 uint64_t least, uint64_t most)
{
    const char *text = notch_cli_option(cli, name);
    *out = otherwise;
    if (text == NULL) {
        return NOTCH_EXIT_OK;
    }
    if (!notch_cli_parse_number(out, text, most) || *out < least) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--%s: expected a number from %llu to %llu, not \"%s\"", name,
                              (unsigned long long)least, (unsigned long long)most, text);
    }
    return NOTCH_EXIT_OK;
}

/* "--name value", "--name=value"; *at is the argument, and moves behind what was used. */
static enum notch_exit parse_option(struct notch_cli *cli, int *at, int argc, char **argv)
{
    const char *name = argv[*at] + 2;
    const char *equals = strchr(name, '=');
    size_t len = equals == NULL ? strlen(name) : (size_t)(equals - name);
    const struct notch_cli_option *option = notch_cli_find_option(cli->command, name, len);
    if (option == NULL) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "no such option: --%.*s; see notch %s --help", (int)len, name,
                              cli->command->name);
    }
    if (cli->given_count == NOTCH_CLI_OPTIONS_MAX) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "more than %d options", NOTCH_CLI_OPTIONS_MAX);
    }
    const char *value = "";
    if (option->value == NULL && equals != NULL) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--%s takes no value", option->name);
    }
    if (option->value != NULL) {
        if (equals == NULL && *at + 1 >= argc) {
            return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--%s needs a value: %s", option->name, option->value);
        }
        value = equals != NULL ? equals + 1 : argv[++*at];
    }
    cli->given[cli->given_count++] = (struct notch_cli_given){option, value};
    ++*at;
    return NOTCH_EXIT_OK;
}

enum notch_exit notch_cli_parse(struct notch_cli *cli, int argc, char **argv)
{
    bool options_end = false;
    for (int at = 0; at < argc;) {
        const char *text = argv[at];
        if (!options_end && strcmp(text, "--") == 0) {
            options_end = true;
            at++;
        } else if (!options_end && strncmp(text, "--", 2) == 0) {
            enum notch_exit code = parse_option(cli, &at, argc, argv);
            if (code != NOTCH_EXIT_OK) {
                return code;
            }
        } else if (!options_end && text[0] == '-' && text[1] != '\0' && (text[1] < '0' || text[1] > '9')) {
            return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "no such option: %s (options have two dashes)", text);
        } else if (cli->word_count == NOTCH_CLI_WORDS_MAX || cli->word_count == cli->command->words_max) {
            return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "one argument too many: \"%s\"; usage: notch %s %s", text,
                                  cli->command->name, cli->command->words);
        } else {
            cli->words[cli->word_count++] = text;
            at++;
        }
    }
    cli->json = notch_cli_flag(cli, "json");
    if (cli->word_count < cli->command->words_min && !notch_cli_flag(cli, "help")) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "an argument is missing; usage: notch %s %s", cli->command->name,
                              cli->command->words);
    }
    return NOTCH_EXIT_OK;
}

/* ---- output ---- */

void notch_cli_print_json(json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    notch_assert(text != NULL);
    (void)puts(text);
    free(text);
    json_decref(value);
}

enum notch_exit notch_cli_fail(const struct notch_cli *cli, enum notch_exit code, const char *format, ...)
{
    char message[2048];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    notch_assert(len >= 0);
    struct notch_buf plain;
    notch_buf_init(&plain, cli->alloc);
    notch_cli_plain(&plain, message, strlen(message));
    const char *name = cli->command == NULL ? "" : cli->command->name;
    (void)fflush(stdout);
    (void)fprintf(stderr, "notch%s%s: %s\n", *name == '\0' ? "" : " ", name, notch_cli_text_of(&plain));
    if (cli->json) {
        notch_cli_print_json(
            json_pack("{s:{s:i,s:s}}", "error", "code", (int)code, "message", notch_cli_text_of(&plain)));
    }
    notch_buf_fini(&plain);
    return code;
}

void notch_cli_line(const char *label, const char *format, ...)
{
    (void)printf("%-18s ", label);
    va_list args;
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)putchar('\n');
}

void notch_cli_text(struct notch_buf *out, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    notch_assert(len >= 0);
    char *at = (char *)notch_buf_reserve(out, (size_t)len + 1);
    (void)vsnprintf(at, (size_t)len + 1, format, again);
    va_end(again);
    out->len += (size_t)len;
}

/* The length of the UTF-8 character at `text`; 0 where there is none. */
static size_t utf8_len(const uint8_t *text, size_t len)
{
    size_t want = text[0] < 0x80 ? 1 : text[0] >= 0xc2 && text[0] < 0xe0 ? 2 : (text[0] & 0xf0) == 0xe0 ? 3 : 4;
    if ((text[0] >= 0x80 && text[0] < 0xc2) || text[0] > 0xf4 || want > len) {
        return 0;
    }
    for (size_t i = 1; i < want; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return want;
}

void notch_cli_plain(struct notch_buf *out, const char *text, size_t len)
{
    const uint8_t *bytes = (const uint8_t *)text;
    for (size_t i = 0; i < len;) {
        size_t step = utf8_len(bytes + i, len - i);
        bool is_control = bytes[i] < 0x20 || bytes[i] == 0x7f || (step == 2 && bytes[i] == 0xc2 && bytes[i + 1] < 0xa0);
        if (step == 0 || is_control) {
            notch_cli_text(out, "\\x%02x", bytes[i]);
            step = 1;
        } else {
            notch_buf_append(out, bytes + i, step);
        }
        i += step;
    }
}

const char *notch_cli_text_of(struct notch_buf *buf)
{
    *notch_buf_reserve(buf, 1) = '\0';
    return (const char *)buf->data;
}

/* ---- the program ---- */

static enum notch_exit run_command(struct notch_cli *cli, int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        cli->json = cli->json || strcmp(argv[i], "--json") == 0;
    }
    enum notch_exit code = notch_cli_parse(cli, argc, argv);
    if (code != NOTCH_EXIT_OK) {
        return code;
    }
    if (notch_cli_flag(cli, "help")) {
        notch_cli_help_command(cli->command);
        return NOTCH_EXIT_OK;
    }
    return cli->command->run(cli);
}

enum notch_exit notch_cli_main(int argc, char **argv)
{
    struct notch_cli cli = {.alloc = notch_alloc_heap()};
    if (argc == 0 || strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "help") == 0 || strcmp(argv[0], "-h") == 0) {
        notch_cli_help();
        return argc == 0 ? NOTCH_EXIT_USAGE : NOTCH_EXIT_OK;
    }
    if (strcmp(argv[0], "--version") == 0) {
        (void)puts("notch " NOTCH_VERSION);
        return NOTCH_EXIT_OK;
    }
    int used = 0;
    cli.command = notch_cli_find(argc, argv, &used);
    if (cli.command == NULL) {
        return notch_cli_fail(&cli, NOTCH_EXIT_USAGE, "no such command: %s%s%s; notch --help lists them", argv[0],
                              argc > 1 && argv[1][0] != '-' ? " " : "", argc > 1 && argv[1][0] != '-' ? argv[1] : "");
    }
    enum notch_exit code = run_command(&cli, argc - used, argv + used);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        (void)fputs("notch: cannot write to standard output\n", stderr);
        return NOTCH_EXIT_REFUSED;
    }
    return code;
}
