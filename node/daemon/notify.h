/*
 * node/daemon/notify.h: telling the service manager how we are (sd_notify(3), the datagram itself: no library needed).
 *
 * Nothing happens where $NOTIFY_SOCKET is not set. Sending never blocks, and a datagram that is lost is lost.
 *
 * Thread       Any.
 */
#ifndef NOTCH_NODE_DAEMON_NOTIFY_H
#define NOTCH_NODE_DAEMON_NOTIFY_H

#include "base/assert.h"

#include <stdbool.h>

struct notch_notify {
    int socket;          /* -1: nobody to tell */
    bool wants_watchdog; /* $WATCHDOG_USEC, for this process */
};

void notch_notify_open(struct notch_notify *notify);
void notch_notify_close(struct notch_notify *notify);

/* "READY=1", "STATUS=...", lines with a newline between. */
void notch_notify_send(const struct notch_notify *notify, const char *format, ...) NOTCH_PRINTF(2, 3);

#endif
