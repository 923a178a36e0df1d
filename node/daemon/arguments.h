/*
 * node/daemon/arguments.h: the command line of notchd: what to do, and with which configuration.
 *
 * Ownership    Points into argv.
 * Thread       One.
 */
#ifndef NOTCH_NODE_DAEMON_ARGUMENTS_H
#define NOTCH_NODE_DAEMON_ARGUMENTS_H

#include "node/daemon/config.h"

/* The exit codes of notchd. */
enum notch_exit { NOTCH_EXIT_OK = 0, NOTCH_EXIT_REFUSED = 1, NOTCH_EXIT_USAGE = 2, NOTCH_EXIT_UNREACHABLE = 3 };

enum notch_command {
    NOTCH_COMMAND_RUN,
    NOTCH_COMMAND_CHECK_CONFIG,
    NOTCH_COMMAND_PRINT_CONFIG,
    NOTCH_COMMAND_VERIFY_STORE,
    NOTCH_COMMAND_BACKUP,
    NOTCH_COMMAND_HASH_PASSWORD,
    NOTCH_COMMAND_VERSION,
    NOTCH_COMMAND_HELP
};

struct notch_arguments {
    enum notch_command command;
    const char *config_path; /* NULL: none */
    const char *backup_dir;
    bool is_dev;
};

/*
 * Takes the arguments apart and sets what they say in *config. What is wrong is appended to *problems, one line each:
 * then the usage is at fault (exit code 2).
 */
void notch_arguments_parse(struct notch_arguments *out, struct notch_config *config, struct notch_buf *problems,
                           int argc, char **argv);

/* The text of --help. */
void notch_arguments_help(struct notch_buf *out);

#endif
