/*
 * rpc/cli/progress.h: a bar on standard error for work that takes a while.
 *
 * Shown where standard error is a terminal, or with --progress; never with --no-progress. Drawn at most ten times a
 * second.
 *
 * Thread       One.
 */
#ifndef NOTCH_RPC_CLI_PROGRESS_H
#define NOTCH_RPC_CLI_PROGRESS_H

#include "rpc/cli/cli.h"

struct notch_progress {
    const char *what;
    uint64_t total; /* 0: not known */
    uint64_t drawn_ms;
    uint64_t started_ms;
    bool shown;
    bool on_terminal;
};

void notch_progress_begin(struct notch_progress *progress, const struct notch_cli *cli, const char *what,
                          uint64_t total);
void notch_progress_at(struct notch_progress *progress, uint64_t done);
void notch_progress_end(struct notch_progress *progress, uint64_t done);

/* Milliseconds of a clock that only goes on; and of the calendar, since 1970. */
uint64_t notch_clock_ms(void);
uint64_t notch_clock_calendar_ms(void);

/* Waits until notch_clock_ms() says `until_ms`. */
void notch_clock_wait(uint64_t until_ms);

#endif
