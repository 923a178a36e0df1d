#include "node/daemon/arguments.h"

#include "base/keytext.h"
#include "node/daemon/text.h"

#include <string.h>

struct scan {
    struct notch_arguments *out;
    struct notch_config *config;
    struct notch_buf *problems;
    int argc;
    char **argv;
    int at;
    unsigned commands;
};

static const struct {
    const char *name;
    enum notch_command command;
} commands[] = {
    {"--check-config", NOTCH_COMMAND_CHECK_CONFIG},
    {"--print-config", NOTCH_COMMAND_PRINT_CONFIG},
    {"--verify-store", NOTCH_COMMAND_VERIFY_STORE},
    {"--backup", NOTCH_COMMAND_BACKUP},
    {"--hash-password", NOTCH_COMMAND_HASH_PASSWORD},
    {"--version", NOTCH_COMMAND_VERSION},
    {"--help", NOTCH_COMMAND_HELP},
    {"-h", NOTCH_COMMAND_HELP},
};

static void set_network(struct scan *scan, const char *value)
{
    enum notch_network network;
    if (notch_network_parse(&network, value) || strchr(value, '/') == NULL) {
        notch_config_flag(scan->config, scan->problems, "node.network", value);
    } else {
        notch_config_flag(scan->config, scan->problems, "node.genesis", value);
    }
}

static void set_config_path(struct scan *scan, const char *value)
{
    if (scan->out->config_path != NULL) {
        notch_text(scan->problems, "--config is given twice; expected one file\n");
    }
    scan->out->config_path = value;
}

static void set_by_name(struct scan *scan, const char *name, const char *value)
{
    if (strcmp(name, "config") == 0) {
        set_config_path(scan, value);
    } else if (strcmp(name, "data") == 0) {
        notch_config_flag(scan->config, scan->problems, "node.data", value);
    } else if (strcmp(name, "genesis") == 0) {
        notch_config_flag(scan->config, scan->problems, "node.genesis", value);
    } else if (strcmp(name, "network") == 0) {
        set_network(scan, value);
    } else if (strcmp(name, "backup") == 0) {
        scan->out->backup_dir = value;
    } else {
        notch_config_flag(scan->config, scan->problems, name, value);
    }
}

/* Whether the name stands for a switch that may come without a value. */
static bool is_switch(const char *name)
{
    enum notch_config_key key;
    return notch_config_find(&key, name, strlen(name)) && notch_config_row(key)->type == NOTCH_CONFIG_FLAG;
}

static const char *next_value(struct scan *scan)
{
    bool there = scan->at + 1 < scan->argc && strncmp(scan->argv[scan->at + 1], "--", 2) != 0;
    return there ? scan->argv[++scan->at] : NULL;
}

static void take_option(struct scan *scan, const char *option)
{
    char name[128];
    const char *equals = strchr(option, '=');
    size_t len = equals == NULL ? strlen(option) : (size_t)(equals - option);
    if (len >= sizeof name) {
        notch_text(scan->problems, "--%.40s...: there is no such option; notchd --help lists all\n", option);
        return;
    }
    memcpy(name, option, len);
    name[len] = 0;
    const char *value = equals == NULL ? next_value(scan) : equals + 1;
    if (value == NULL && is_switch(name)) {
        value = "true";
    }
    if (value == NULL) {
        notch_text(scan->problems, "--%s: expected a value behind it; notchd --help lists all options\n", name);
        return;
    }
    set_by_name(scan, name, value);
}

static void take(struct scan *scan)
{
    const char *word = scan->argv[scan->at];
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        size_t len = strlen(commands[i].name);
        if (strncmp(word, commands[i].name, len) != 0 || (word[len] != 0 && word[len] != '=')) {
            continue;
        }
        scan->out->command = commands[i].command;
        scan->commands++;
        if (commands[i].command == NOTCH_COMMAND_BACKUP) {
            take_option(scan, word + 2);
        } else if (word[len] == '=') {
            notch_text(scan->problems, "%s takes no value\n", commands[i].name);
        }
        return;
    }
    if (strcmp(word, "--dev") == 0) {
        scan->out->is_dev = true;
    } else if (strncmp(word, "--", 2) == 0 && word[2] != 0) {
        take_option(scan, word + 2);
    } else {
        notch_text(scan->problems, "\"%s\": expected an option; notchd --help lists all\n", word);
    }
}

void notch_arguments_parse(struct notch_arguments *out, struct notch_config *config, struct notch_buf *problems,
                           int argc, char **argv)
{
    *out = (struct notch_arguments){.command = NOTCH_COMMAND_RUN};
    struct scan scan = {.out = out, .config = config, .problems = problems, .argc = argc, .argv = argv, .at = 1};
    for (; scan.at < argc; scan.at++) {
        take(&scan);
    }
    if (scan.commands > 1) {
        notch_text(problems, "more than one command is given; expected one of --check-config, --print-config, "
                             "--verify-store, --backup, --hash-password\n");
    }
}

void notch_arguments_help(struct notch_buf *out)
{
    notch_text(out, "%s",
               "notchd: the node of a Notch chain\n"
               "\n"
               "Usage: notchd [OPTIONS]\n"
               "\n"
               "  --dev                 a chain of one validator for trying things out; thrown away at the end\n"
               "                        unless --data says where to keep it\n"
               "  --data DIR            where the node keeps everything (node.data)\n"
               "  --genesis FILE        genesis file of the chain (node.genesis)\n"
               "  --network NAME        main, test or dev, or a genesis file\n"
               "  --config FILE         configuration file\n"
               "  --check-config        say whether the configuration is good, and end\n"
               "  --print-config        print the configuration and where each value comes from, and end\n"
               "  --verify-store        read everything in the store, say what is damaged, and end\n"
               "  --backup DIR          copy the chain into a new directory, without keys and vote log, and end\n"
               "  --hash-password       read a password from standard input and print its hash for rpc.user\n"
               "  --version             print the version\n"
               "  --help                print this\n"
               "\n"
               "Every key of the configuration is also an option, --section.key VALUE, and a variable,\n"
               "NOTCH_SECTION_KEY. An option is stronger than a variable, a variable than the file.\n"
               "\n"
               "Exit status: 0 done, 1 refused, 2 wrong usage, 3 the port is taken.\n"
               "\n"
               "Examples:\n"
               "  notchd --dev\n"
               "  notchd --data /var/lib/notch --genesis shops.genesis --validator.enable\n"
               "  notchd --config /etc/notch/notchd.conf --check-config\n"
               "\n"
               "Configuration keys:\n");
    notch_config_help(out);
}
