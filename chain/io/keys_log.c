#include "chain/io/keys_log.h"
#include "chain/io/crc32c.h"

#include <errno.h>
#include <stdio.h>

#define BLOCK ((size_t)32768)
#define HEAD ((size_t)7)
#define LOG_BYTES_MAX ((size_t)1 << 30)

#define REMEDY "move the folder keys away: the next start makes it again from the bodies"

enum fragment { BAD = 0, FULL = 1, FIRST = 2, MIDDLE = 3, LAST = 4 };

/* LevelDB stores CRCs rotated and shifted, because it computes CRCs of data that holds CRCs. */
static uint32_t mask(uint32_t crc)
{
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

/* What stands at `at`, of which *size bytes are the fragment's; BAD if nothing whole. */
static enum fragment fragment_at(size_t *size, struct notch_bytes log, size_t at)
{
    size_t block_left = BLOCK - at % BLOCK;
    struct notch_reader reader = notch_reader(notch_bytes(log.data + at, log.len - at));
    uint32_t crc = notch_read_u32(&reader);
    uint16_t len = notch_read_u16(&reader);
    uint8_t type = notch_read_u8(&reader);
    struct notch_bytes data = notch_read_bytes(&reader, len);
    if (reader.failed || type < FULL || type > LAST || HEAD + len > block_left) {
        return BAD;
    }
    uint32_t computed = notch__crc32c(notch__crc32c(0, &type, 1), data.data, data.len);
    *size = HEAD + len;
    return crc == mask(computed) ? (enum fragment)type : BAD;
}

/* Whether a record begins, whole, anywhere from `at` on. */
static bool begins_behind(struct notch_bytes log, size_t at)
{
    for (; at + HEAD <= log.len; at++) {
        uint8_t type = log.data[at + HEAD - 1];
        size_t size;
        if ((type == FULL || type == FIRST) && fragment_at(&size, log, at) != BAD) {
            return true;
        }
    }
    return false;
}

static bool has_more_than_zeros(struct notch_bytes log, size_t at)
{
    for (; at < log.len; at++) {
        if (log.data[at] != 0) {
            return true;
        }
    }
    return false;
}

void notch__keys_log_judge(struct notch__keys_log *out, struct notch_bytes log)
{
    *out = (struct notch__keys_log){0};
    bool inside = false; /* of a record in fragments */
    size_t at = 0;
    while (at < log.len) {
        size_t block_left = BLOCK - at % BLOCK;
        if (block_left < HEAD) {
            at += block_left;
            continue;
        }
        size_t size = 0;
        enum fragment kind = fragment_at(&size, log, at);
        bool begins = kind == FULL || kind == FIRST;
        if (kind == BAD || begins == inside) {
            break;
        }
        at += size;
        inside = kind == FIRST || kind == MIDDLE;
        if (!inside) {
            out->end = at;
            out->records++;
        }
    }
    if (at >= log.len && !inside) {
        return;
    }
    /* A first fragment without its end is whole itself: what begins behind it counts, not it. */
    out->damaged = begins_behind(log, inside ? at : (size_t)out->end);
    out->torn = !out->damaged && has_more_than_zeros(log, (size_t)out->end);
}

struct listing {
    struct notch__keys_logs *logs;
    uint64_t newest;
    uint32_t files;
    bool current;
};

static void list_name(void *arg, const char *name)
{
    struct listing *listing = arg;
    listing->files++;
    if (strcmp(name, "CURRENT") == 0) {
        listing->current = true;
    }
    uint64_t number = 0;
    const char *at = name;
    for (; *at >= '0' && *at <= '9' && at - name < 19; at++) {
        number = number * 10 + (uint64_t)(*at - '0');
    }
    if (at != name && strcmp(at, ".log") == 0 && number >= listing->newest) {
        listing->newest = number;
        (void)snprintf(listing->logs->newest_log, sizeof listing->logs->newest_log, "%s", name);
    }
}

enum notch_err notch__keys_logs_find(struct notch__keys_logs *out, struct notch__io *io, const char *dir)
{
    *out = (struct notch__keys_logs){0};
    struct listing listing = {.logs = out};
    int listed = io->files->list(io->files->self, dir, list_name, &listing);
    if (listed == -ENOENT || (listed == 0 && listing.files == 0)) {
        return NOTCH_ERR_NOT_FOUND;
    }
    if (listed != 0) {
        return notch__io_fail_errno(io, listed, "list", dir);
    }
    struct notch_buf current;
    notch_buf_init(&current, io->alloc);
    struct notch__path path = notch__path_join(dir, "CURRENT");
    enum notch_err err = notch__file_load(io->files, &current, path.text, sizeof out->manifest - 1);
    bool named = err == NOTCH_OK && current.len > 1 && current.data[current.len - 1] == '\n' &&
                 memchr(current.data, '/', current.len) == NULL;
    if (named) {
        memcpy(out->manifest, current.data, current.len - 1);
    }
    notch_buf_fini(&current);
    if (named) {
        return NOTCH_OK;
    }
    return notch__io_fail(io, err == NOTCH_ERR_IO ? err : NOTCH_ERR_CORRUPT, "%s: missing or damaged: " REMEDY,
                          path.text);
}

static enum notch_err cut(struct notch__io *io, const char *path, uint64_t end)
{
    int file = io->files->open(io->files->self, path, NOTCH_FILE_WRITE);
    int64_t result = file;
    if (file >= 0) {
        result = io->files->truncate(io->files->self, file, end);
        if (result == 0) {
            result = io->files->sync(io->files->self, file);
        }
        (void)io->files->close(io->files->self, file);
    }
    return result == 0 ? NOTCH_OK : notch__io_fail_errno(io, result, "cut", path);
}

static enum notch_err mend(struct notch__io *io, const char *dir, const char *name)
{
    struct notch__path path = notch__path_join(dir, name);
    struct notch_buf log;
    notch_buf_init(&log, io->alloc);
    enum notch_err err = notch__file_load(io->files, &log, path.text, LOG_BYTES_MAX);
    struct notch__keys_log judged = {0};
    if (err == NOTCH_OK) {
        notch__keys_log_judge(&judged, notch_buf_bytes(&log));
    }
    size_t len = log.len;
    notch_buf_fini(&log);
    if (err != NOTCH_OK) {
        return notch__io_fail(io, err == NOTCH_ERR_IO ? err : NOTCH_ERR_CORRUPT, "%s: %s: " REMEDY, path.text,
                              notch_err_text(err));
    }
    if (judged.damaged) {
        return notch__io_fail(io, NOTCH_ERR_CORRUPT, "%s: offset %llu: a record that was on disk is damaged: " REMEDY,
                              path.text, (unsigned long long)judged.end);
    }
    if (judged.end == len) {
        return NOTCH_OK;
    }
    notch_log(io->log, NOTCH_LOG_WARN, "store", "%s: offset %llu: cut off a torn end that was never acknowledged",
              path.text, (unsigned long long)judged.end);
    return cut(io, path.text, judged.end);
}

enum notch_err notch__keys_logs_mend(struct notch__io *io, const char *dir)
{
    struct notch__keys_logs logs;
    enum notch_err err = notch__keys_logs_find(&logs, io, dir);
    if (err == NOTCH_OK) {
        err = mend(io, dir, logs.manifest);
    }
    if (err == NOTCH_OK && logs.newest_log[0] != '\0') {
        err = mend(io, dir, logs.newest_log);
    }
    return err;
}
