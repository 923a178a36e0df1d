#include "chain/io/store_core.h"

#include <sys/random.h>

#define CHUNK_BYTES ((size_t)4 << 20)

/* The copy under way: a store without a thread, and without a vote log. */
struct copy {
    struct notch__io io;
    struct notch__bodies bodies;
    struct notch__keys keys;
    const struct notch_store_view *from;
    struct notch_commit chunk;
    enum notch_err err;
};

static enum notch_err copy_bodies(struct copy *copy)
{
    struct notch_buf body;
    notch_buf_init(&body, copy->io.alloc);
    uint64_t count = copy->from->body_count(copy->from->self);
    enum notch_err err = NOTCH_OK;
    for (uint64_t position = 0; position < count && err == NOTCH_OK; position++) {
        notch_buf_clear(&body);
        err = copy->from->body(copy->from->self, &body, position);
        if (err != NOTCH_OK) {
            (void)notch__io_fail(&copy->io, err, "body %llu cannot be read: run --verify-store",
                                 (unsigned long long)position);
        } else {
            err = notch__bodies_append(&copy->bodies, notch_buf_bytes(&body), 0);
        }
    }
    notch_buf_fini(&body);
    return err == NOTCH_OK ? notch__bodies_sync(&copy->bodies) : err;
}

static void flush_chunk(struct copy *copy)
{
    const struct notch_commit *chunk = &copy->chunk;
    copy->err = notch__keys_write(&copy->keys, &chunk, 1, copy->bodies.synced);
    notch_commit_clear(&copy->chunk);
}

static bool copy_key(void *arg, struct notch_bytes key, struct notch_bytes value)
{
    struct copy *copy = arg;
    notch_commit_put(&copy->chunk, key, value);
    if (copy->chunk.keys.len >= CHUNK_BYTES) {
        flush_chunk(copy);
    }
    return copy->err == NOTCH_OK;
}

static enum notch_err copy_keys(struct copy *copy)
{
    static const uint8_t end[] = {NOTCH_STORE_KEY_RESERVED};
    notch_commit_init(&copy->chunk, copy->io.alloc);
    enum notch_err err = copy->from->scan(copy->from->self, notch_bytes("", 0), notch_bytes(end, sizeof end),
                                          NOTCH_SCAN_UP, copy_key, copy);
    if (err != NOTCH_OK) {
        (void)notch__io_fail(&copy->io, err, "the keys cannot be read: run --verify-store");
    } else if (copy->err == NOTCH_OK) {
        flush_chunk(copy);
    }
    notch_commit_fini(&copy->chunk);
    return err == NOTCH_OK ? copy->err : err;
}

/* The file STORE comes last: until then nobody takes the copy for a store. */
static enum notch_err make_copy(struct copy *copy, const char *target)
{
    struct notch__io *io = &copy->io;
    ssize_t got = getrandom(&io->salt, sizeof io->salt, 0);
    if (got != (ssize_t)sizeof io->salt) {
        return notch__io_fail(io, NOTCH_ERR_IO, "the system gives no random bytes");
    }
    enum notch_err err = notch__bodies_make(&copy->bodies);
    if (err == NOTCH_OK) {
        err = notch__bodies_open(&copy->bodies);
    }
    if (err == NOTCH_OK) {
        err = copy_bodies(copy);
    }
    if (err == NOTCH_OK) {
        err = notch__keys_make(&copy->keys, 0);
    }
    if (err == NOTCH_OK) {
        err = notch__keys_open(&copy->keys);
    }
    if (err == NOTCH_OK) {
        err = copy_keys(copy);
    }
    return err == NOTCH_OK ? notch__store_head_make(io, target) : err;
}

static enum notch_err take_target(struct notch__io *io, int *lock_file, const char *target)
{
    notch_assert(notch__path_fits(target));
    int made = io->files->make_dir(io->files->self, target);
    if (made != 0) {
        return notch__io_fail_errno(io, made, "make the folder", target);
    }
    if (notch__file_exists(io->files, notch__path_join(target, "STORE").text) ||
        notch__file_exists(io->files, notch__path_join(target, "bodies/000000.seg").text)) {
        return notch__io_fail(io, NOTCH_ERR_EXISTS, "%s: holds a store already: give a new folder", target);
    }
    return notch__store_lock(io, lock_file, target);
}

enum notch_err notch_store_backup(struct notch_store *store, const char *target, struct notch_store_failure *failure)
{
    struct copy *copy = notch_alloc(store->options.alloc, sizeof *copy);
    copy->io = (struct notch__io){
        .files = store->io.files,
        .alloc = store->io.alloc,
        .log = store->io.log,
        .genesis = store->io.genesis,
    };
    int lock_file = -1;
    enum notch_err err = take_target(&copy->io, &lock_file, target);
    if (err == NOTCH_OK) {
        notch__bodies_init(&copy->bodies, &copy->io, target, store->options.segment_bytes);
        notch__keys_init(&copy->keys, &copy->io, target, &store->options);
        copy->from = notch_store_pin(store);
        err = make_copy(copy, target);
        notch_store_unpin(store, copy->from);
        notch__keys_close(&copy->keys);
        notch__bodies_close(&copy->bodies);
        notch__bodies_fini(&copy->bodies);
        (void)copy->io.files->close(copy->io.files->self, lock_file);
    }
    if (err != NOTCH_OK && failure) {
        *failure = copy->io.failure;
        failure->err = err;
    }
    notch_free(store->options.alloc, copy, sizeof *copy);
    return err;
}
