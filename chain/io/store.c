#include "chain/io/crc32c.h"
#include "chain/io/store_core.h"

#include <errno.h>
#include <sys/random.h>

#define MAGIC "NOTCHDIR"
#define MAGIC_LEN 8
#define HEAD_LEN (MAGIC_LEN + 4 + 4 + 32 + 4)

struct notch_store_options notch_store_options_default(void)
{
    return (struct notch_store_options){
        .cache_bytes = (size_t)8 << 20,
        .write_buffer_bytes = (size_t)4 << 20,
        .segment_bytes = 64u << 20,
        .queue_max = 1024,
        .group_bytes_max = (size_t)8 << 20,
        .votes_keep_bytes = 1u << 20,
    };
}

/* The file STORE. */

enum notch_err notch__store_head_load(struct notch__io *io, const char *dir)
{
    struct notch__path path = notch__path_join(dir, "STORE");
    struct notch_buf bytes;
    notch_buf_init(&bytes, io->alloc);
    enum notch_err err = notch__file_load(io->files, &bytes, path.text, HEAD_LEN);
    struct notch_reader reader = notch_reader(notch_buf_bytes(&bytes));
    struct notch_bytes magic = notch_read_bytes(&reader, MAGIC_LEN);
    uint32_t format = notch_read_u32(&reader);
    uint32_t salt = notch_read_u32(&reader);
    struct notch_hash genesis = notch_read_hash(&reader);
    uint32_t crc = notch_read_u32(&reader);
    bool good = notch_reader_done(&reader) && memcmp(magic.data, MAGIC, MAGIC_LEN) == 0 &&
                crc == notch__crc32c(0, bytes.data, HEAD_LEN - 4);
    notch_buf_fini(&bytes);
    if (err == NOTCH_ERR_NOT_FOUND) {
        return err;
    }
    if (err != NOTCH_OK && err != NOTCH_ERR_CORRUPT) {
        return notch__io_fail(io, err, "%s: %s", path.text, notch_err_text(err));
    }
    if (!good) {
        return notch__io_fail(io, NOTCH_ERR_CORRUPT, "%s: is damaged: restore the store from a backup", path.text);
    }
    if (format != NOTCH_STORE_FORMAT) {
        return notch__io_fail(io, NOTCH_ERR_VERSION,
                              "%s: the store has format %u, this program writes format %d: use the program that made "
                              "it, or another data directory",
                              dir, format, NOTCH_STORE_FORMAT);
    }
    if (!notch_hash_eq(&genesis, &io->genesis)) {
        return notch__io_fail(io, NOTCH_ERR_NETWORK,
                              "%s: the store belongs to another network: give the right network, or another data "
                              "directory",
                              dir);
    }
    io->salt = salt;
    return NOTCH_OK;
}

enum notch_err notch__store_head_make(struct notch__io *io, const char *dir)
{
    uint8_t head[HEAD_LEN];
    struct notch_writer writer = notch_writer(head, sizeof head);
    notch_write_bytes(&writer, MAGIC, MAGIC_LEN);
    notch_write_u32(&writer, NOTCH_STORE_FORMAT);
    notch_write_u32(&writer, io->salt);
    notch_write_hash(&writer, &io->genesis);
    notch_write_u32(&writer, notch__crc32c(0, head, sizeof head - 4));
    notch_assert(writer.at == writer.end);
    return notch__file_replace(io, dir, "STORE", notch_bytes(head, sizeof head));
}

enum notch_err notch__store_lock(struct notch__io *io, int *file, const char *dir)
{
    struct notch__path path = notch__path_join(dir, "LOCK");
    int opened = io->files->open(io->files->self, path.text, NOTCH_FILE_CREATE);
    if (opened < 0) {
        return notch__io_fail_errno(io, opened, "open", path.text);
    }
    int taken = io->files->lock(io->files->self, opened);
    if (taken == 0) {
        *file = opened;
        return NOTCH_OK;
    }
    (void)io->files->close(io->files->self, opened);
    if (taken == -EWOULDBLOCK) {
        return notch__io_fail(io, NOTCH_ERR_LOCKED,
                              "%s: in use by another process: stop that one, or give another data directory", dir);
    }
    return notch__io_fail_errno(io, taken, "lock", path.text);
}

/* Making and opening. */

/* No file STORE: a new store, or one whose making was interrupted; never one that holds bodies. */
static enum notch_err make(struct notch_store *store)
{
    struct notch__io *io = &store->io;
    const char *dir = store->options.dir;
    struct notch__path first = notch__path_join(store->bodies.dir.text, "000000.seg");
    int file = io->files->open(io->files->self, first.text, NOTCH_FILE_READ);
    if (file >= 0) {
        int64_t size = io->files->size(io->files->self, file);
        (void)io->files->close(io->files->self, file);
        if (size != NOTCH__SEGMENT_HEAD) {
            return notch__io_fail(io, NOTCH_ERR_CORRUPT,
                                  "%s/STORE: is missing, but there are bodies: restore the store from a backup", dir);
        }
    }
    ssize_t got = getrandom(&io->salt, sizeof io->salt, 0);
    if (got != (ssize_t)sizeof io->salt) {
        return notch__io_fail(io, NOTCH_ERR_IO, "the system gives no random bytes");
    }
    enum notch_err err = notch__bodies_make(&store->bodies);
    if (err == NOTCH_OK) {
        err = notch__votelog_make(&store->votes);
    }
    if (err == NOTCH_OK) {
        err = notch__keys_make(&store->keys, 0);
    }
    return err == NOTCH_OK ? notch__store_head_make(io, dir) : err;
}

static enum notch_err open_keys(struct notch_store *store)
{
    enum notch_err err = notch__keys_open(&store->keys);
    if (err != NOTCH_ERR_NOT_FOUND) {
        return err;
    }
    notch_log(store->io.log, NOTCH_LOG_WARN, "store", "%s: the keys are gone; they are made again from %llu bodies",
              store->options.dir, (unsigned long long)store->bodies.appended);
    err = notch__keys_make(&store->keys, store->bodies.last_mark);
    return err == NOTCH_OK ? notch__keys_open(&store->keys) : err;
}

enum notch_err notch__store_agree(struct notch__io *io, const char *dir, const struct notch__bodies *bodies,
                                  const struct notch__votelog *votes, const struct notch__keys *keys)
{
    unsigned long long have = bodies->appended;
    if (keys->bodies > bodies->appended || votes->last_mark > bodies->appended) {
        unsigned long long known = keys->bodies > votes->last_mark ? keys->bodies : votes->last_mark;
        return notch__io_fail(io, NOTCH_ERR_CORRUPT,
                              "%s/bodies: holds %llu bodies, but %llu were on disk: this disk lost what it said it had "
                              "synced: restore the store from a backup, or empty the data directory and let the node "
                              "fetch the chain again",
                              dir, have, known);
    }
    if (bodies->last_mark > keys->seq) {
        return notch__io_fail(io, NOTCH_ERR_CORRUPT,
                              "%s/keys: ends with commit %llu, but %llu was on disk: this disk lost what it said it "
                              "had synced: move the folder away: the next start makes it again from the bodies",
                              dir, (unsigned long long)keys->seq, (unsigned long long)bodies->last_mark);
    }
    return NOTCH_OK;
}

static enum notch_err open_files(struct notch_store *store)
{
    struct notch__io *io = &store->io;
    const char *dir = store->options.dir;
    int made = io->files->make_dir(io->files->self, dir);
    if (made != 0) {
        return notch__io_fail_errno(io, made, "make the folder", dir);
    }
    enum notch_err err = notch__store_lock(io, &store->lock_file, dir);
    if (err != NOTCH_OK) {
        return err;
    }
    err = notch__store_head_load(io, dir);
    if (err == NOTCH_ERR_NOT_FOUND) {
        err = make(store);
    }
    if (err == NOTCH_OK) {
        err = notch__bodies_open(&store->bodies);
    }
    if (err == NOTCH_OK) {
        err = notch__votelog_open(&store->votes);
    }
    if (err == NOTCH_OK) {
        err = open_keys(store);
    }
    return err == NOTCH_OK ? notch__store_agree(io, dir, &store->bodies, &store->votes, &store->keys) : err;
}

/* Lifecycle. */

struct notch_store *notch_store_create(const struct notch_store_options *options)
{
    notch_assert(options->alloc != NULL);
    notch_assert(options->done != NULL);
    notch_assert(options->queue_max > 0);
    notch_assert(options->votes_keep_bytes > 0);
    notch_assert(options->segment_bytes > NOTCH__SEGMENT_HEAD);
    notch_assert(notch__path_fits(options->dir));

    struct notch_store *store = notch_alloc(options->alloc, sizeof *store);
    store->options = *options;
    store->io.files = options->files ? options->files : notch_file_ops_system();
    store->io.alloc = options->alloc;
    store->io.log = options->log;
    store->io.genesis = options->genesis;
    store->lock_file = -1;
    notch__bodies_init(&store->bodies, &store->io, options->dir, options->segment_bytes);
    notch__votelog_init(&store->votes, &store->io, options->dir, options->votes_keep_bytes);
    notch__keys_init(&store->keys, &store->io, options->dir, options);
    notch_ring_init(&store->queue, options->alloc, sizeof(const struct notch_commit *), options->queue_max);
    int failed = pthread_mutex_init(&store->lock, NULL);
    notch_assert(failed == 0);
    failed = pthread_cond_init(&store->wake, NULL);
    notch_assert(failed == 0);
    return store;
}

void notch_store_destroy(struct notch_store *store)
{
    if (!store) {
        return;
    }
    notch_store_close(store);
    notch_ring_fini(&store->queue);
    notch__votelog_fini(&store->votes);
    notch__bodies_fini(&store->bodies);
    (void)pthread_cond_destroy(&store->wake);
    (void)pthread_mutex_destroy(&store->lock);
    notch_free(store->options.alloc, store, sizeof *store);
}

enum notch_err notch_store_open(struct notch_store *store, struct notch_store_failure *failure)
{
    notch_assert(!store->opened);
    store->opened = true;
    enum notch_err err = open_files(store);
    if (err == NOTCH_OK) {
        store->bodies_submitted = store->bodies.appended;
        store->stats.votes_lost = store->votes.state == NOTCH__VOTELOG_LOST;
        notch__store_refresh(store);
        if (store->options.runner == NOTCH_STORE_OWN_THREAD) {
            int failed = pthread_create(&store->thread, NULL, notch__store_thread, store);
            store->threaded = failed == 0;
            err = failed == 0 ? NOTCH_OK : notch__io_fail(&store->io, NOTCH_ERR_IO, "cannot start a thread");
        }
        store->ready = true;
    }
    if (err != NOTCH_OK && failure) {
        *failure = store->io.failure;
        failure->err = err;
    }
    return err;
}

static void finish(struct notch_store *store)
{
    (void)pthread_mutex_lock(&store->lock);
    store->closing = true;
    (void)pthread_cond_signal(&store->wake);
    (void)pthread_mutex_unlock(&store->lock);
    if (store->threaded) {
        (void)pthread_join(store->thread, NULL);
        store->threaded = false;
    }
    while (notch_store_run(store)) {
    }
}

void notch_store_close(struct notch_store *store)
{
    if (store->ready) {
        finish(store);
        store->ready = false;
        (void)pthread_mutex_lock(&store->lock);
        notch_assert(store->current->users == 1);
        notch__snapshot_drop(store->current);
        store->current = NULL;
        (void)pthread_mutex_unlock(&store->lock);
    }
    notch__keys_close(&store->keys);
    notch__votelog_close(&store->votes);
    notch__bodies_close(&store->bodies);
    if (store->lock_file >= 0) {
        (void)store->io.files->close(store->io.files->self, store->lock_file);
        store->lock_file = -1;
    }
}

void notch_store_stats(struct notch_store *store, struct notch_store_stats *out)
{
    (void)pthread_mutex_lock(&store->lock);
    *out = store->stats;
    out->queue_depth = store->queue.count;
    (void)pthread_mutex_unlock(&store->lock);
}
