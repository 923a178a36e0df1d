#include "node/daemon/notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool is_for_us(const char *pid)
{
    char own[32];
    snprintf(own, sizeof own, "%ld", (long)getpid());
    return pid == NULL || strcmp(pid, own) == 0;
}

void notch_notify_open(struct notch_notify *notify)
{
    const char *path = getenv("NOTIFY_SOCKET");
    *notify = (struct notch_notify){.socket = -1};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = path == NULL ? 0 : strlen(path);
    if (len < 2 || len >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@')) {
        return;
    }
    memcpy(address.sun_path, path, len);
    if (path[0] == '@') {
        address.sun_path[0] = 0; /* the abstract namespace */
    }
    int file = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (file < 0) {
        return;
    }
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (connect(file, (const struct sockaddr *)&address, size) != 0) {
        close(file);
        return;
    }
    notify->socket = file;
    notify->wants_watchdog = getenv("WATCHDOG_USEC") != NULL && is_for_us(getenv("WATCHDOG_PID"));
}

void notch_notify_close(struct notch_notify *notify)
{
    if (notify->socket >= 0) {
        close(notify->socket);
    }
    notify->socket = -1;
}

void notch_notify_send(const struct notch_notify *notify, const char *format, ...)
{
    if (notify->socket < 0) {
        return;
    }
    char text[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len > 0 && (size_t)len < sizeof text) {
        (void)send(notify->socket, text, (size_t)len, MSG_NOSIGNAL);
    }
}
