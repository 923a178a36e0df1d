/* What is made out of the table: --help, the manual page, the completion of bash. */
#include "rpc/cli/cli.h"

#include <stdio.h>
#include <string.h>

static const char exit_codes[] = "0 done, 1 refused, 2 wrong usage, 3 no node answers";

void notch_cli_help(void)
{
    size_t count;
    const struct notch_cli_command *commands = notch_cli_commands(&count);
    (void)puts("notch: the command line of a Notch node\n\nUsage: notch COMMAND [arguments] [options]\n");
    for (size_t i = 0; i < count; i++) {
        (void)printf("  %-16s %s\n", commands[i].name, commands[i].summary);
    }
    (void)printf("\nnotch COMMAND --help tells more, with an example. notchd is the node itself.\n"
                 "Exit status: %s.\n\nExample:\n  notchd --dev &     starts a throw-away chain, and says where\n"
                 "  notch status\n",
                 exit_codes);
}

static void print_options(const struct notch_cli_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char head[64];
        (void)snprintf(head, sizeof head, "--%s%s%s", options[i].name, options[i].value == NULL ? "" : " ",
                       options[i].value == NULL ? "" : options[i].value);
        (void)printf("  %-26s %s\n", head, options[i].help);
    }
}

void notch_cli_help_command(const struct notch_cli_command *command)
{
    size_t count;
    (void)printf("notch %s: %s\n\nUsage: notch %s%s%s [options]\n", command->name, command->summary, command->name,
                 *command->words == '\0' ? "" : " ", command->words);
    if (*command->text != '\0') {
        (void)printf("\n%s\n", command->text);
    }
    (void)puts("\nOptions:");
    print_options(command->options, command->option_count);
    if (command->asks_node) {
        const struct notch_cli_option *options = notch_cli_node_options(&count);
        print_options(options, count);
    }
    const struct notch_cli_option *options = notch_cli_common_options(&count);
    print_options(options, count);
    (void)printf("\nExample:\n  %s\n\nExit status: %s.\n", command->example, exit_codes);
}

/* ---- the manual page ---- */

/* Text for troff: a backslash, and a dot or quote that begins a line, mean something there. */
static void print_troff(const char *text)
{
    bool at_line_start = true;
    for (; *text != '\0'; text++) {
        if (at_line_start && (*text == '.' || *text == '\'')) {
            (void)fputs("\\&", stdout);
        }
        if (*text == '\\') {
            (void)fputs("\\e", stdout);
        } else if (*text == '-') {
            (void)fputs("\\-", stdout);
        } else if (*text == '\n' && text[1] == '\n') {
            (void)fputs("\n.PP", stdout);
            text++;
            (void)putchar('\n');
        } else {
            (void)putchar(*text);
        }
        at_line_start = *text == '\n';
    }
}

static void print_troff_options(const struct notch_cli_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)fputs(".TP\n.B ", stdout);
        print_troff("--");
        print_troff(options[i].name);
        if (options[i].value != NULL) {
            (void)printf(" \\fI%s\\fR", options[i].value);
        }
        (void)putchar('\n');
        print_troff(options[i].help);
        (void)putchar('\n');
    }
}

static void print_troff_command(const struct notch_cli_command *command)
{
    (void)printf(".SS notch %s %s\n", command->name, command->words);
    print_troff(command->summary);
    (void)fputs(".\n", stdout);
    if (*command->text != '\0') {
        (void)fputs(".PP\n", stdout);
        print_troff(command->text);
        (void)putchar('\n');
    }
    print_troff_options(command->options, command->option_count);
    (void)fputs(".PP\nExample:\n.PP\n.nf\n.RS\n", stdout);
    print_troff(command->example);
    (void)fputs("\n.RE\n.fi\n", stdout);
}

enum notch_exit notch_cmd_manual(struct notch_cli *cli)
{
    size_t count;
    (void)cli;
    (void)printf(
        ".TH NOTCH 1 \"\" \"Notch %s\" \"User Commands\"\n.SH NAME\nnotch \\- command line of a Notch node\n"
        ".SH SYNOPSIS\n.B notch\n.I COMMAND\n[arguments] [options]\n.SH DESCRIPTION\n"
        "Notch keeps an append\\-only, signed chain of market insights and allocation commitments;\n"
        ".BR notchd (1)\nis the node. Results are text for people, or one line of JSON with\n.BR \\-\\-json .\n"
        ".SH COMMANDS\n",
        NOTCH_VERSION);
    const struct notch_cli_command *commands = notch_cli_commands(&count);
    for (size_t i = 0; i < count; i++) {
        print_troff_command(&commands[i]);
    }
    (void)puts(".SH OPTIONS OF EVERY COMMAND");
    const struct notch_cli_option *options = notch_cli_common_options(&count);
    print_troff_options(options, count);
    (void)puts(".SH OPTIONS OF COMMANDS THAT ASK A NODE");
    options = notch_cli_node_options(&count);
    print_troff_options(options, count);
    (void)printf(".SH EXIT STATUS\n%s.\n", exit_codes);
    return NOTCH_EXIT_OK;
}

/* ---- completion ---- */

static void print_words(const struct notch_cli_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)printf(" --%s", options[i].name);
    }
}

enum notch_exit notch_cmd_completion(struct notch_cli *cli)
{
    size_t count;
    size_t option_count;
    (void)cli;
    const struct notch_cli_command *commands = notch_cli_commands(&count);
    (void)puts("# bash completion of notch; made by: notch completion\n_notch() {\n"
               "    local word=${COMP_WORDS[COMP_CWORD]} one=${COMP_WORDS[1]:-} two=${COMP_WORDS[2]:-} words=\n"
               "    if [ \"$COMP_CWORD\" -eq 1 ]; then");
    (void)fputs("        words='", stdout);
    for (size_t i = 0; i < count; i++) {
        size_t first = strcspn(commands[i].name, " ");
        if (i == 0 || strncmp(commands[i].name, commands[i - 1].name, first + 1) != 0) {
            (void)printf("%s%.*s", i == 0 ? "" : " ", (int)first, commands[i].name);
        }
    }
    (void)puts("'\n    elif [ \"$COMP_CWORD\" -eq 2 ] && [[ $word != -* ]]; then\n        case $one in");
    for (size_t i = 0; i < count; i++) {
        size_t first = strcspn(commands[i].name, " ");
        if (commands[i].name[first] == ' ') {
            (void)printf("            %.*s) words+=' %s' ;;&\n", (int)first, commands[i].name,
                         commands[i].name + first + 1);
        }
    }
    (void)puts("        esac\n    else\n        case \"$one $two\" in");
    for (size_t i = 0; i < count; i++) {
        bool is_single = strchr(commands[i].name, ' ') == NULL;
        (void)printf("            '%s'%s) words='", commands[i].name, is_single ? "\\ *" : "");
        print_words(commands[i].options, commands[i].option_count);
        if (commands[i].asks_node) {
            const struct notch_cli_option *options = notch_cli_node_options(&option_count);
            print_words(options, option_count);
        }
        const struct notch_cli_option *options = notch_cli_common_options(&option_count);
        print_words(options, option_count);
        (void)puts("' ;;");
    }
    (void)puts("        esac\n    fi\n    if [[ $word == -* || $COMP_CWORD -le 2 ]]; then\n"
               "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n    else\n"
               "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n    fi\n}\ncomplete -F _notch notch");
    return NOTCH_EXIT_OK;
}
