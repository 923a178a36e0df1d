/*
 * notchd: the node of a Notch chain. This file reads the command line, gathers the configuration and chooses what to
 * do; the rest is in node/daemon/service.c (running) and node/daemon/offline.c (everything else).
 */
#include "node/daemon/offline.h"
#include "node/daemon/service.h"
#include "node/daemon/text.h"

#include <stdio.h>
#include <unistd.h>

struct start {
    const struct notch_alloc *alloc;
    struct notch_arguments arguments;
    struct notch_config *config;
    struct notch_buf text;
};

/* Twice: which file to read, and whether it is --dev, has to be known before the weaker sources are read. */
static enum notch_exit gather(struct start *start, int argc, char **argv)
{
    struct notch_config *scratch = notch_config_create(start->alloc);
    notch_arguments_parse(&start->arguments, scratch, &start->text, argc, argv);
    notch_config_destroy(scratch);
    if (start->text.len > 0) {
        return NOTCH_EXIT_USAGE;
    }
    if (start->arguments.is_dev) {
        notch_config_use_dev(start->config);
    }
    if (start->arguments.config_path != NULL) {
        notch_config_load(start->config, &start->text, start->arguments.config_path);
    }
    notch_config_environment(start->config, &start->text, environ);
    notch_arguments_parse(&start->arguments, start->config, &start->text, argc, argv);
    notch_config_check(start->config, &start->text);
    return start->text.len > 0 ? NOTCH_EXIT_REFUSED : NOTCH_EXIT_OK;
}

static enum notch_exit print(struct notch_buf *text)
{
    bool done = fputs(notch_text_of(text), stdout) >= 0 && fflush(stdout) == 0;
    return done ? NOTCH_EXIT_OK : NOTCH_EXIT_REFUSED;
}

static enum notch_exit carry_out(struct start *start)
{
    const struct notch_arguments *arguments = &start->arguments;
    switch (arguments->command) {
    case NOTCH_COMMAND_CHECK_CONFIG:
        notch_text(&start->text, "the configuration is good\n");
        return print(&start->text);
    case NOTCH_COMMAND_PRINT_CONFIG:
        notch_config_print(start->config, &start->text);
        return print(&start->text);
    case NOTCH_COMMAND_VERIFY_STORE:
        return notch_offline_verify(start->config, start->alloc);
    case NOTCH_COMMAND_BACKUP:
        return notch_offline_backup(start->config, start->alloc, arguments->backup_dir);
    case NOTCH_COMMAND_HASH_PASSWORD:
        return notch_offline_hash_password();
    case NOTCH_COMMAND_VERSION:
        notch_text(&start->text, "notchd %s\n", NOTCH_VERSION);
        return print(&start->text);
    case NOTCH_COMMAND_HELP:
        notch_arguments_help(&start->text);
        return print(&start->text);
    case NOTCH_COMMAND_RUN:
        return notch_service_run(start->config, arguments->is_dev, start->alloc);
    }
    return NOTCH_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct start start = {.alloc = notch_alloc_heap()};
    notch_buf_init(&start.text, start.alloc);
    start.config = notch_config_create(start.alloc);
    enum notch_exit code = gather(&start, argc, argv);
    bool shows = start.arguments.command == NOTCH_COMMAND_HELP || start.arguments.command == NOTCH_COMMAND_VERSION;
    if (code == NOTCH_EXIT_OK || (code == NOTCH_EXIT_REFUSED && shows)) {
        notch_buf_clear(&start.text);
        code = carry_out(&start);
    } else {
        (void)fprintf(stderr, "notchd: %s", notch_text_of(&start.text));
    }
    notch_config_destroy(start.config);
    notch_buf_fini(&start.text);
    return (int)code;
}
