/*
 * node/daemon/signals.h: what the process is told by signals, on a thread of its own that may do anything.
 *
 *      SIGTERM, SIGINT   `stop`; the second one ends the process at once
 *      SIGHUP            `reload`
 *      SIGPIPE           ignored: writing to what is closed is an error like any other
 *
 * Lifecycle    block() before any other thread is made, so that all inherit it; start; stop.
 * Thread       The owner's. The callbacks run on the thread of the signals.
 */
#ifndef NOTCH_NODE_DAEMON_SIGNALS_H
#define NOTCH_NODE_DAEMON_SIGNALS_H

#include "base/error.h"

#include <pthread.h>
#include <stdatomic.h>

struct notch_signals {
    void (*stop)(void *arg, const char *why);
    void (*reload)(void *arg);
    void *arg;
    pthread_t thread;
    bool is_started;
    atomic_bool is_over;
};

void notch_signals_block(void);
NOTCH_MUST_USE enum notch_err notch_signals_start(struct notch_signals *signals);
void notch_signals_stop(struct notch_signals *signals);

#endif
