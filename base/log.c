#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

const char *notch_log_level_name(enum notch_log_level level)
{
    switch (level) {
    case NOTCH_LOG_ERROR:
        return "error";
    case NOTCH_LOG_WARN:
        return "warn";
    case NOTCH_LOG_INFO:
        return "info";
    case NOTCH_LOG_DEBUG:
        return "debug";
    case NOTCH_LOG_TRACE:
        return "trace";
    }
    return "unknown";
}

void notch_log(const struct notch_log *log, enum notch_log_level level, const char *module, const char *format, ...)
{
    if (log == NULL || log->write == NULL || level > log->level) {
        return;
    }
    char line[NOTCH_LOG_LINE_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len < 0) {
        return;
    }
    size_t used = (size_t)len < sizeof line ? (size_t)len : sizeof line - 1;
    log->write(log->self, level, module, line, used);
}
