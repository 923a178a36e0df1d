#include "rpc/cli/progress.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 30, DRAW_MS = 100 };

static uint64_t read_clock(clockid_t id)
{
    struct timespec now;
    int failed = clock_gettime(id, &now);
    notch_assert(failed == 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t notch_clock_ms(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t notch_clock_calendar_ms(void)
{
    return read_clock(CLOCK_REALTIME);
}

void notch_clock_wait(uint64_t until_ms)
{
    struct timespec until = {.tv_sec = (time_t)(until_ms / 1000), .tv_nsec = (long)(until_ms % 1000) * 1000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
    }
}

static void draw(struct notch_progress *progress, uint64_t done)
{
    char bar[BAR + 1];
    if (progress->total == 0) {
        (void)fprintf(stderr, "%s%s: %llu%s", progress->on_terminal ? "\r" : "", progress->what,
                      (unsigned long long)done, progress->on_terminal ? "\033[K" : "\n");
        return;
    }
    uint64_t shown = done > progress->total ? progress->total : done;
    unsigned full = (unsigned)(shown * BAR / progress->total);
    for (unsigned i = 0; i < BAR; i++) {
        bar[i] = i < full ? '#' : '.';
    }
    bar[BAR] = '\0';
    (void)fprintf(stderr, "%s%-10s [%s] %3u%% %llu/%llu %.1f s%s", progress->on_terminal ? "\r" : "", progress->what,
                  bar, (unsigned)(shown * 100 / progress->total), (unsigned long long)done,
                  (unsigned long long)progress->total, (double)(notch_clock_ms() - progress->started_ms) / 1000,
                  progress->on_terminal ? "\033[K" : "\n");
}

void notch_progress_begin(struct notch_progress *progress, const struct notch_cli *cli, const char *what,
                          uint64_t total)
{
    bool on_terminal = isatty(STDERR_FILENO) == 1;
    *progress = (struct notch_progress){
        .what = what, .total = total, .started_ms = notch_clock_ms(), .on_terminal = on_terminal};
    progress->shown = !notch_cli_flag(cli, "no-progress") && (on_terminal || notch_cli_flag(cli, "progress"));
}

void notch_progress_at(struct notch_progress *progress, uint64_t done)
{
    uint64_t now = progress->shown ? notch_clock_ms() : 0;
    if (progress->shown && now - progress->drawn_ms >= DRAW_MS) {
        progress->drawn_ms = now;
        draw(progress, done);
    }
}

void notch_progress_end(struct notch_progress *progress, uint64_t done)
{
    if (progress->shown) {
        draw(progress, done);
        (void)fputs(progress->on_terminal ? "\n" : "", stderr);
    }
}
