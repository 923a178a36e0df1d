#include "contrib/bench/limits.h"

#include "base/codec.h"
#include "base/rng.h"
#include "contrib/bench/latency.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <leveldb/c.h>

enum { ITEM_LEN = 300, BATCH_LEN = 100, WRITE_BUFFER = 16 << 20, SYNCED_BYTES_MAX = 1 << 30 };

static double failed(const char *what, const char *why)
{
    fprintf(stderr, "limits: %s: %s\n", what, why);
    return -1;
}

/* Appends and syncs until the time is up; false with errno. */
static bool append_all(int fd, double seconds, struct notch_bench_latency *latency)
{
    uint8_t item[ITEM_LEN];
    struct notch_rng rng;
    uint64_t limit_ns = notch_limits_now_ns() + (uint64_t)(seconds * 1e9);
    uint64_t now_ns = 0;
    size_t written = 0;
    notch_rng_init(&rng, 1);
    while (now_ns < limit_ns && written < SYNCED_BYTES_MAX) {
        notch_rng_fill(&rng, item, sizeof item);
        uint64_t start_ns = notch_limits_now_ns();
        if (write(fd, item, sizeof item) != (ssize_t)sizeof item || fdatasync(fd) != 0) {
            return false;
        }
        now_ns = notch_limits_now_ns();
        notch_bench_latency_add(latency, now_ns - start_ns);
        written += sizeof item;
    }
    return true;
}

double notch_limits_append(const struct notch_limits_run *run)
{
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/notch-append.XXXXXX", run->dir);
    if (len < 0 || (size_t)len >= sizeof path) {
        return failed(run->dir, "the path is too long");
    }
    int fd = mkostemp(path, O_APPEND);
    if (fd < 0) {
        return failed(path, strerror(errno));
    }
    struct notch_bench_latency *latency = calloc(1, sizeof *latency);
    double figure = -1;
    if (latency == NULL || !append_all(fd, run->seconds, latency)) {
        failed(path, strerror(errno));
    } else {
        figure = (double)notch_bench_latency_percentile_ns(latency, 500000) / 1000;
    }
    free(latency);
    close(fd);
    unlink(path);
    return figure;
}

/* A database that is open for one measurement. */
struct database {
    leveldb_t *db;
    leveldb_options_t *options;
    leveldb_writeoptions_t *write_options;
    char *error; /* LevelDB's words for the first thing that failed */
};

static void database_open(struct database *database, const char *path)
{
    *database = (struct database){.options = leveldb_options_create(), .write_options = leveldb_writeoptions_create()};
    leveldb_options_set_create_if_missing(database->options, 1);
    leveldb_options_set_compression(database->options, leveldb_no_compression);
    leveldb_options_set_write_buffer_size(database->options, WRITE_BUFFER);
    leveldb_writeoptions_set_sync(database->write_options, 1);
    database->db = leveldb_open(database->options, path, &database->error);
}

/* Closes and removes it. */
static void database_destroy(struct database *database, const char *path)
{
    char *ignored = NULL;
    if (database->db != NULL) {
        leveldb_close(database->db);
    }
    leveldb_destroy_db(database->options, path, &ignored);
    leveldb_free(ignored);
    leveldb_free(database->error);
    leveldb_options_destroy(database->options);
    leveldb_writeoptions_destroy(database->write_options);
    rmdir(path);
}

/* Writes synced batches of `batch_len` until the time is up; puts per second, negative once database->error is set. */
static double put_all(struct database *database, double seconds, size_t batch_len)
{
    leveldb_writebatch_t *batch = leveldb_writebatch_create();
    struct notch_rng rng;
    uint8_t key[8];
    uint8_t value[ITEM_LEN];
    uint64_t puts = 0;
    uint64_t start_ns = notch_limits_now_ns();
    uint64_t limit_ns = (uint64_t)(seconds * 1e9);
    uint64_t spent_ns = 0;
    notch_rng_init(&rng, 1);
    notch_rng_fill(&rng, value, sizeof value);
    while (spent_ns < limit_ns && puts * ITEM_LEN < SYNCED_BYTES_MAX && database->error == NULL) {
        leveldb_writebatch_clear(batch);
        for (size_t i = 0; i < batch_len; i++) {
            notch_put_be64(key, puts++);
            memcpy(value, key, sizeof key);
            leveldb_writebatch_put(batch, (const char *)key, sizeof key, (const char *)value, sizeof value);
        }
        leveldb_write(database->db, database->write_options, batch, &database->error);
        spent_ns = notch_limits_now_ns() - start_ns;
    }
    leveldb_writebatch_destroy(batch);
    return database->error != NULL ? -1 : (double)puts * 1e9 / (double)spent_ns;
}

static double leveldb_puts(const struct notch_limits_run *run, size_t batch_len)
{
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/notch-leveldb.XXXXXX", run->dir);
    if (len < 0 || (size_t)len >= sizeof path) {
        return failed(run->dir, "the path is too long");
    }
    if (mkdtemp(path) == NULL) {
        return failed(path, strerror(errno));
    }
    struct database database;
    database_open(&database, path);
    double figure = database.db == NULL ? -1 : put_all(&database, run->seconds, batch_len);
    if (figure < 0) {
        failed(path, database.error);
    }
    database_destroy(&database, path);
    return figure;
}

double notch_limits_leveldb_batch(const struct notch_limits_run *run)
{
    return leveldb_puts(run, BATCH_LEN);
}

double notch_limits_leveldb_single(const struct notch_limits_run *run)
{
    return leveldb_puts(run, 1);
}
