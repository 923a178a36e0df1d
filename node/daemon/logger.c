#include "node/daemon/logger.h"

#include "base/bytes.h"
#include "base/rng.h"
#include "node/daemon/text.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RECENT = 64, TEXT_KEPT = 160 };

/* A message that was written not long ago. */
struct recent {
    uint64_t hash; /* 0: free */
    uint64_t since_ms;
    uint64_t count;
    enum notch_log_level level;
    char module[32];
    char text[TEXT_KEPT];
    size_t len;
};

struct notch_logger {
    const struct notch_alloc *alloc;
    enum notch_logger_format format;
    const char *path;
    int file; /* -1: standard error */
    struct notch_log sink;
    pthread_mutex_t mutex;
    struct recent recent[RECENT];
    struct notch_buf line;
};

static uint64_t steady_now_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void sink_write(void *self, enum notch_log_level level, const char *module, const char *line, size_t len)
{
    notch_logger_write_at(self, steady_now_ms(), level, module, line, len);
}

struct notch_logger *notch_logger_create(const struct notch_alloc *alloc, enum notch_log_level level,
                                         enum notch_logger_format format, const char *path)
{
    struct notch_logger *logger = notch_alloc(alloc, sizeof *logger);
    logger->alloc = alloc;
    logger->format = format;
    logger->path = path;
    logger->file = -1;
    logger->sink = (struct notch_log){.write = sink_write, .self = logger, .level = level};
    notch_buf_init(&logger->line, alloc);
    pthread_mutex_init(&logger->mutex, NULL);
    return logger;
}

void notch_logger_destroy(struct notch_logger *logger)
{
    if (logger == NULL) {
        return;
    }
    notch_logger_flush_at(logger, UINT64_MAX);
    if (logger->file >= 0) {
        close(logger->file);
    }
    pthread_mutex_destroy(&logger->mutex);
    notch_buf_fini(&logger->line);
    notch_free(logger->alloc, logger, sizeof *logger);
}

const struct notch_log *notch_logger_sink(const struct notch_logger *logger)
{
    return &logger->sink;
}

static void append_time(struct notch_buf *out)
{
    struct timespec now = {0};
    struct tm parts = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &parts);
    notch_text(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
               parts.tm_hour, parts.tm_min, parts.tm_sec, (int)(now.tv_nsec / 1000000));
}

static void append_json(struct notch_logger *logger, enum notch_log_level level, const char *module, const char *text,
                        size_t len)
{
    struct notch_buf *line = &logger->line;
    notch_text(line, "{\"time\":\"");
    append_time(line);
    notch_text(line, "\",\"level\":\"%s\",\"module\":", notch_log_level_name(level));
    notch_text_json(line, module, strlen(module));
    notch_text(line, ",\"text\":");
    notch_text_json(line, text, len);
    notch_text(line, "}\n");
}

static void append_text(struct notch_logger *logger, enum notch_log_level level, const char *module, const char *text,
                        size_t len)
{
    struct notch_buf *line = &logger->line;
    append_time(line);
    notch_text(line, " %-5s %s: ", notch_log_level_name(level), module);
    notch_text_plain(line, text, len);
    notch_text(line, "\n");
}

static bool write_all(int file, struct notch_bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t done = write(file, bytes.data, bytes.len);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return false;
        }
        bytes = notch_bytes(bytes.data + done, bytes.len - (size_t)done);
    }
    return true;
}

/* Under the mutex. */
static void write_line(struct notch_logger *logger, enum notch_log_level level, const char *module, const char *text,
                       size_t len)
{
    notch_buf_clear(&logger->line);
    if (logger->format == NOTCH_LOGGER_JSON) {
        append_json(logger, level, module, text, len);
    } else {
        append_text(logger, level, module, text, len);
    }
    struct notch_bytes line = notch_buf_bytes(&logger->line);
    if (logger->file >= 0 && write_all(logger->file, line)) {
        return;
    }
    int number = errno;
    (void)write_all(STDERR_FILENO, line); /* there is nowhere else to say that it failed */
    if (logger->file >= 0) {
        close(logger->file);
        logger->file = -1;
        notch_buf_clear(&logger->line);
        notch_text(&logger->line, "the log %s cannot be written (%s): it goes on here. Make room and send SIGHUP\n",
                   logger->path, strerror(number));
        (void)write_all(STDERR_FILENO, notch_buf_bytes(&logger->line));
    }
}

/* Under the mutex. */
static void end_window(struct notch_logger *logger, struct recent *recent)
{
    if (recent->hash != 0 && recent->count > NOTCH_LOGGER_BURST) {
        struct notch_buf text;
        notch_buf_init(&text, logger->alloc);
        notch_buf_append(&text, recent->text, recent->len);
        notch_text(&text, " (and %llu times more)", (unsigned long long)(recent->count - NOTCH_LOGGER_BURST));
        write_line(logger, recent->level, recent->module, (const char *)text.data, text.len);
        notch_buf_fini(&text);
    }
    recent->hash = 0;
}

/* Under the mutex: whether this one is written. */
static bool admit(struct notch_logger *logger, uint64_t steady_ms, enum notch_log_level level, const char *module,
                  const char *line, size_t len)
{
    struct notch_siphash_key key = {0, (uint64_t)level};
    uint64_t hash = notch_siphash(key, line, len) | 1;
    struct recent *recent = &logger->recent[(hash >> 1) % RECENT];
    if (recent->hash == hash && steady_ms - recent->since_ms < NOTCH_LOGGER_WINDOW_MS) {
        return ++recent->count <= NOTCH_LOGGER_BURST;
    }
    end_window(logger, recent);
    size_t module_len = strlen(module);
    *recent = (struct recent){.hash = hash, .since_ms = steady_ms, .count = 1, .level = level};
    memcpy(recent->module, module, module_len < sizeof recent->module ? module_len : sizeof recent->module - 1);
    recent->len = len < TEXT_KEPT ? len : TEXT_KEPT;
    memcpy(recent->text, line, recent->len);
    return true;
}

void notch_logger_write_at(struct notch_logger *logger, uint64_t steady_ms, enum notch_log_level level,
                           const char *module, const char *line, size_t len)
{
    pthread_mutex_lock(&logger->mutex);
    if (admit(logger, steady_ms, level, module, line, len)) {
        write_line(logger, level, module, line, len);
    }
    pthread_mutex_unlock(&logger->mutex);
}

void notch_logger_flush_at(struct notch_logger *logger, uint64_t steady_ms)
{
    pthread_mutex_lock(&logger->mutex);
    for (unsigned i = 0; i < RECENT; i++) {
        struct recent *recent = &logger->recent[i];
        if (recent->hash != 0 && steady_ms - recent->since_ms >= NOTCH_LOGGER_WINDOW_MS) {
            end_window(logger, recent);
        }
    }
    pthread_mutex_unlock(&logger->mutex);
}

void notch_logger_flush(struct notch_logger *logger)
{
    notch_logger_flush_at(logger, steady_now_ms());
}

static enum notch_err err_of(int number)
{
    if (number == EACCES || number == EPERM) {
        return NOTCH_ERR_PERMISSION;
    }
    if (number == EROFS) {
        return NOTCH_ERR_READ_ONLY;
    }
    if (number == ENOSPC || number == EDQUOT) {
        return NOTCH_ERR_DISK_FULL;
    }
    return number == ENOENT ? NOTCH_ERR_NOT_FOUND : NOTCH_ERR_IO;
}

enum notch_err notch_logger_open(struct notch_logger *logger)
{
    if (logger->path[0] == 0) {
        return NOTCH_OK;
    }
    int file = open(logger->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    enum notch_err err = file < 0 ? err_of(errno) : NOTCH_OK;
    pthread_mutex_lock(&logger->mutex);
    if (logger->file >= 0) {
        close(logger->file);
    }
    logger->file = file;
    pthread_mutex_unlock(&logger->mutex);
    return err;
}
