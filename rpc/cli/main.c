/* notch: the command line. Everything is behind the table of commands (rpc/cli/command.h). */
#include "rpc/cli/cli.h"

#include <signal.h>

int main(int argc, char **argv)
{
    /* A reader that went away is an error of the write, not the end of the process. */
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
    return (int)notch_cli_main(argc - 1, argv + 1);
}
