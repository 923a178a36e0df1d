/*
 * rpc/cli/command.h: the commands of `notch`, as one table.
 *
 * From a row come the dispatch, the check of the arguments, --help, the manual page and the completion of the shell:
 * there is no second list anywhere.
 *
 * Ownership    Everything is a literal.
 * Thread       Constants.
 */
#ifndef NOTCH_RPC_CLI_COMMAND_H
#define NOTCH_RPC_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

struct notch_cli;

/* What the process ends with (design/README.md section 5). */
enum notch_exit {
    NOTCH_EXIT_OK = 0,
    NOTCH_EXIT_REFUSED = 1,    /* the thing asked for was refused, or is not so */
    NOTCH_EXIT_USAGE = 2,      /* the command line is wrong */
    NOTCH_EXIT_UNREACHABLE = 3 /* no node answers */
};

struct notch_cli_option {
    const char *name;  /* without dashes */
    const char *value; /* what it takes, in capitals; NULL: a flag */
    const char *help;
};

struct notch_cli_command {
    const char *name;  /* one or two words */
    const char *words; /* the arguments that are no options, as --help shows them; "" for none */
    size_t words_min, words_max;
    const char *summary; /* one line */
    const char *text;    /* what there is to know; lines of at most 100 columns */
    const char *example;
    bool asks_node; /* takes the options that say which node */
    const struct notch_cli_option *options;
    size_t option_count;
    enum notch_exit (*run)(struct notch_cli *cli);
};

/* In the order in which --help lists them. */
const struct notch_cli_command *notch_cli_commands(size_t *count);

/* Options that every command takes, and those of commands that ask a node. */
const struct notch_cli_option *notch_cli_common_options(size_t *count);
const struct notch_cli_option *notch_cli_node_options(size_t *count);

/* The command that the first words name; *used is how many. NULL: none. */
const struct notch_cli_command *notch_cli_find(int argc, char **argv, int *used);

/* The option of that name, its own or a common one; NULL: none. */
const struct notch_cli_option *notch_cli_find_option(const struct notch_cli_command *command, const char *name,
                                                     size_t len);

/* ---- what runs them, by file ---- */

enum notch_exit notch_cmd_status(struct notch_cli *cli);
enum notch_exit notch_cmd_peers(struct notch_cli *cli);
enum notch_exit notch_cmd_feed(struct notch_cli *cli);
enum notch_exit notch_cmd_insight_publish(struct notch_cli *cli);
enum notch_exit notch_cmd_need_commit(struct notch_cli *cli);
enum notch_exit notch_cmd_need_reveal(struct notch_cli *cli);
enum notch_exit notch_cmd_capacity_offer(struct notch_cli *cli);
enum notch_exit notch_cmd_recognise(struct notch_cli *cli);
enum notch_exit notch_cmd_memory_replay(struct notch_cli *cli);
enum notch_exit notch_cmd_allocate(struct notch_cli *cli);
enum notch_exit notch_cmd_model_export(struct notch_cli *cli);
enum notch_exit notch_cmd_model_verify(struct notch_cli *cli);
enum notch_exit notch_cmd_model_run(struct notch_cli *cli);
enum notch_exit notch_cmd_record_get(struct notch_cli *cli);
enum notch_exit notch_cmd_record_list(struct notch_cli *cli);
enum notch_exit notch_cmd_record_status(struct notch_cli *cli);
enum notch_exit notch_cmd_record_submit(struct notch_cli *cli);
enum notch_exit notch_cmd_block(struct notch_cli *cli);
enum notch_exit notch_cmd_proof_get(struct notch_cli *cli);
enum notch_exit notch_cmd_proof_verify(struct notch_cli *cli);
enum notch_exit notch_cmd_wallet_new(struct notch_cli *cli);
enum notch_exit notch_cmd_wallet_restore(struct notch_cli *cli);
enum notch_exit notch_cmd_wallet_address(struct notch_cli *cli);
enum notch_exit notch_cmd_wallet_sign(struct notch_cli *cli);
enum notch_exit notch_cmd_genesis_new(struct notch_cli *cli);
enum notch_exit notch_cmd_agent_train(struct notch_cli *cli);
enum notch_exit notch_cmd_agent_evaluate(struct notch_cli *cli);
enum notch_exit notch_cmd_vote_reset(struct notch_cli *cli);
enum notch_exit notch_cmd_rpc(struct notch_cli *cli);
enum notch_exit notch_cmd_manual(struct notch_cli *cli);
enum notch_exit notch_cmd_completion(struct notch_cli *cli);

/* ---- help (help.c) ---- */

void notch_cli_help(void);
void notch_cli_help_command(const struct notch_cli_command *command);

#endif
