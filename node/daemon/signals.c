#include "node/daemon/signals.h"

#include <signal.h>
#include <unistd.h>

static void fill(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
}

void notch_signals_block(void)
{
    sigset_t set;
    fill(&set);
    int failed = pthread_sigmask(SIG_BLOCK, &set, NULL);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    failed |= sigaction(SIGPIPE, &ignore, NULL);
    notch_assert(failed == 0);
}

static void *wait_for_signals(void *arg)
{
    struct notch_signals *signals = arg;
    sigset_t set;
    fill(&set);
    bool was_told = false;
    int number = 0;
    while (sigwait(&set, &number) == 0 && !atomic_load(&signals->is_over)) {
        if (number == SIGHUP) {
            signals->reload(signals->arg);
        } else if (was_told) {
            _exit(1);
        } else {
            was_told = true;
            signals->stop(signals->arg, number == SIGINT ? "SIGINT" : "SIGTERM");
        }
    }
    return NULL;
}

enum notch_err notch_signals_start(struct notch_signals *signals)
{
    atomic_store(&signals->is_over, false);
    if (pthread_create(&signals->thread, NULL, wait_for_signals, signals) != 0) {
        return NOTCH_ERR_IO;
    }
    signals->is_started = true;
    return NOTCH_OK;
}

void notch_signals_stop(struct notch_signals *signals)
{
    if (!signals->is_started) {
        return;
    }
    atomic_store(&signals->is_over, true);
    pthread_kill(signals->thread, SIGHUP);
    pthread_join(signals->thread, NULL);
    signals->is_started = false;
}
