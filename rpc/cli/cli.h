/*
 * rpc/cli/cli.h: what every command of `notch` has in hand: its arguments, and how it says what it found.
 *
 * A command prints its result to standard output, as text for people or, with --json, as one line of JSON; errors and
 * progress go to standard error. An error names the thing, the place and what to do about it.
 *
 * Ownership    Texts of arguments live as long as argv.
 * Thread       One.
 * Errors       Commands return an enum notch_exit; notch_cli_fail() prints and gives it back.
 */
#ifndef NOTCH_RPC_CLI_CLI_H
#define NOTCH_RPC_CLI_CLI_H

#include "base/alloc.h"
#include "base/bytes.h"
#include "rpc/cli/command.h"

#include <jansson.h>
#include <stdbool.h>

#define NOTCH_CLI_OPTIONS_MAX 128
#define NOTCH_CLI_WORDS_MAX 32

/* One option as it was given. */
struct notch_cli_given {
    const struct notch_cli_option *option;
    const char *value; /* "" for a flag */
};

struct notch_cli {
    const struct notch_alloc *alloc;
    const struct notch_cli_command *command; /* NULL until one is found */
    struct notch_cli_given given[NOTCH_CLI_OPTIONS_MAX];
    size_t given_count;
    const char *words[NOTCH_CLI_WORDS_MAX]; /* arguments that are no options */
    size_t word_count;
    bool json;
};

/* Runs the program: finds the command, reads its options, runs it. argv without the program's name. */
enum notch_exit notch_cli_main(int argc, char **argv);

/* Reads options and words behind the command's name; prints what is wrong. */
enum notch_exit notch_cli_parse(struct notch_cli *cli, int argc, char **argv);

/* The last value of an option of this command, or NULL where it was not given. `name` without dashes. */
const char *notch_cli_option(const struct notch_cli *cli, const char *name);
bool notch_cli_flag(const struct notch_cli *cli, const char *name);

/* Every value of an option that may be given many times: start with *at = 0; NULL at the end. */
const char *notch_cli_next(const struct notch_cli *cli, const char *name, size_t *at);

/* The option as a number; `otherwise` where it was not given. USAGE with a message where it is none in [least,
 * most]. */
enum notch_exit notch_cli_number(const struct notch_cli *cli, uint64_t *out, const char *name, uint64_t otherwise,
                                 uint64_t least, uint64_t most);

/* Digits only, at most `most`. */
bool notch_cli_parse_number(uint64_t *out, const char *text, uint64_t most);

/* Prints "notch COMMAND: ..." to standard error, with --json also {"error": ...} to standard output. Returns `code`. */
enum notch_exit notch_cli_fail(const struct notch_cli *cli, enum notch_exit code, const char *format, ...)
    NOTCH_PRINTF(3, 4);

/* One line of JSON; takes the reference. */
void notch_cli_print_json(json_t *value);

/* "label      value", for people. */
void notch_cli_line(const char *label, const char *format, ...) NOTCH_PRINTF(2, 3);

/* Appends formatted text. */
void notch_cli_text(struct notch_buf *out, const char *format, ...) NOTCH_PRINTF(2, 3);

/* Text from outside with its control characters made visible, so that it cannot drive a terminal. Appends. */
void notch_cli_plain(struct notch_buf *out, const char *text, size_t len);

/* Ends the text with a zero byte that does not count. */
const char *notch_cli_text_of(struct notch_buf *buf);

#endif
