/*
 * base/log.h: where the words go.
 *
 * A core does not print. It hands one line at a time to the sink that it was given; the daemon writes it as text or
 * JSON, the simulator keeps it beside the event, a test drops it. Nothing may depend on what was logged. A line may
 * hold any bytes, and one that was cut may end inside of a UTF-8 character: the sink escapes what its form forbids.
 *
 * Ownership    The line is valid during the call only.
 * Thread       The sink says; the daemon's is safe from any thread.
 */
#ifndef NOTCH_BASE_LOG_H
#define NOTCH_BASE_LOG_H

#include "base/assert.h"

#include <stddef.h>

enum notch_log_level {
    NOTCH_LOG_ERROR, /* somebody has to do something */
    NOTCH_LOG_WARN,  /* somebody should know */
    NOTCH_LOG_INFO,  /* what an operator follows */
    NOTCH_LOG_DEBUG, /* what a developer follows */
    NOTCH_LOG_TRACE  /* every event */
};

struct notch_log {
    void (*write)(void *self, enum notch_log_level level, const char *module, const char *line, size_t len);
    void *self;
    enum notch_log_level level; /* lines above this are not even formatted */
};

#define NOTCH_LOG_LINE_MAX 1024

/* "error", "warn", ... */
const char *notch_log_level_name(enum notch_log_level level);

/* Formats and writes one line without its newline; longer ones are cut. A NULL log drops it. */
void notch_log(const struct notch_log *log, enum notch_log_level level, const char *module, const char *format, ...)
    NOTCH_PRINTF(4, 5);

#endif
