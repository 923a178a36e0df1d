/*
 * node/daemon/logger.h: the log of the daemon: lines of text or of JSON, to standard error or to a file.
 *
 *      2026-03-01T12:00:00.123Z info  node: the chain has 12 blocks
 *      {"time":"2026-03-01T12:00:00.123Z","level":"info","module":"node","text":"the chain has 12 blocks"}
 *
 * Whatever a line holds, one message stays one line: control characters and bytes that are no UTF-8 are escaped. A
 * message that comes again and again is written NOTCH_LOGGER_BURST times in NOTCH_LOGGER_WINDOW_MS; the rest is
 * counted, and the count is written when the window is over. Different messages are never held back.
 *
 * Invariants   A line is written by one write(2), so that several writers of one file do not mix.
 * Errors       A file that cannot be written is left for standard error, with one line about it; reopen() tries it
 *              again.
 * Thread       Any; `log` of notch_logger_sink() is safe from any thread.
 */
#ifndef NOTCH_NODE_DAEMON_LOGGER_H
#define NOTCH_NODE_DAEMON_LOGGER_H

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"

#include <stdbool.h>
#include <stdint.h>

#define NOTCH_LOGGER_BURST 3
#define NOTCH_LOGGER_WINDOW_MS 10000

struct notch_logger;

enum notch_logger_format { NOTCH_LOGGER_TEXT, NOTCH_LOGGER_JSON };

/* path: "" is standard error; borrowed. */
struct notch_logger *notch_logger_create(const struct notch_alloc *alloc, enum notch_log_level level,
                                         enum notch_logger_format format, const char *path);
void notch_logger_destroy(struct notch_logger *logger);

/* Opens the file, or opens it again after somebody moved it away. PERMISSION, IO, ...: then standard error is used. */
NOTCH_MUST_USE enum notch_err notch_logger_open(struct notch_logger *logger);

/* What to hand to the cores. Valid as long as the logger. */
const struct notch_log *notch_logger_sink(const struct notch_logger *logger);

/* Writes the counts of windows that are over. Called now and then. */
void notch_logger_flush(struct notch_logger *logger);

/* The same with a time of the caller's, in ms of any clock that goes on steadily: what the sink and flush are made
 * of. */
void notch_logger_write_at(struct notch_logger *logger, uint64_t steady_ms, enum notch_log_level level,
                           const char *module, const char *line, size_t len);
void notch_logger_flush_at(struct notch_logger *logger, uint64_t steady_ms);

#endif
