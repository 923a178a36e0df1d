#include "chain/io/store_core.h"

#include <time.h>

#define GROUP_MAX 256

enum notch_err notch_store_submit(struct notch_store *store, const struct notch_commit *commit)
{
    notch_assert(store->ready);
    enum notch_err err = NOTCH_OK;
    (void)pthread_mutex_lock(&store->lock);
    if (store->stats.failed != NOTCH_OK) {
        err = store->stats.failed;
    } else if (store->closing) {
        err = NOTCH_ERR_CLOSED;
    } else {
        const struct notch_commit **slot = notch_ring_push(&store->queue);
        if (slot) {
            notch_assert(commit->body_count == 0 || commit->body_first == store->bodies_submitted);
            store->bodies_submitted += commit->body_count;
            *slot = commit;
            (void)pthread_cond_signal(&store->wake);
        } else {
            err = NOTCH_ERR_BUSY;
        }
    }
    (void)pthread_mutex_unlock(&store->lock);
    return err;
}

/* Carrying out. Each part is on disk before the next begins: that order is what everything else relies on. */

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void count_sync(struct notch_store *store, uint64_t began_ns)
{
    uint64_t took_ns = now_ns() - began_ns;
    (void)pthread_mutex_lock(&store->lock);
    store->stats.sync_ns_total += took_ns;
    store->stats.sync_ns_max = took_ns > store->stats.sync_ns_max ? took_ns : store->stats.sync_ns_max;
    store->stats.bodies = store->bodies.appended;
    store->stats.body_bytes = store->bodies.bytes_total;
    store->stats.body_syncs = store->bodies.syncs;
    store->stats.vote_syncs = store->votes.syncs;
    store->stats.key_syncs = store->keys.syncs;
    store->stats.key_ops = store->keys.ops_total;
    store->stats.key_bytes = store->keys.bytes_total;
    (void)pthread_mutex_unlock(&store->lock);
}

static enum notch_err write_bodies(struct notch_store *store, const struct notch_commit *const *commits, size_t count)
{
    uint64_t before = store->bodies.appended;
    for (size_t i = 0; i < count; i++) {
        struct notch_reader reader = notch_reader(notch_buf_bytes(&commits[i]->bodies));
        while (notch_reader_left(&reader) > 0) {
            struct notch_bytes body = notch_read_blob(&reader, NOTCH_STORE_BODY_MAX);
            notch_assert(!reader.failed);
            enum notch_err err = notch__bodies_append(&store->bodies, body, store->keys.seq);
            if (err != NOTCH_OK) {
                return err;
            }
        }
    }
    if (store->bodies.appended == before) {
        return NOTCH_OK;
    }
    uint64_t began_ns = now_ns();
    enum notch_err err = notch__bodies_sync(&store->bodies);
    count_sync(store, began_ns);
    return err;
}

static enum notch_err write_votes(struct notch_store *store, const struct notch_commit *const *commits, size_t count)
{
    uint64_t before = store->votes.appended;
    for (size_t i = 0; i < count; i++) {
        struct notch_reader reader = notch_reader(notch_buf_bytes(&commits[i]->votes));
        while (notch_reader_left(&reader) > 0) {
            struct notch_bytes entry = notch_read_blob(&reader, NOTCH_STORE_BODY_MAX);
            notch_assert(!reader.failed);
            notch__votelog_append(&store->votes, entry, store->bodies.synced);
        }
    }
    if (store->votes.appended == before) {
        return NOTCH_OK;
    }
    uint64_t entries = store->votes.appended - before;
    uint64_t began_ns = now_ns();
    enum notch_err err = notch__votelog_sync(&store->votes);
    count_sync(store, began_ns);
    (void)pthread_mutex_lock(&store->lock);
    store->stats.votes += entries;
    store->stats.votes_lost = store->votes.state == NOTCH__VOTELOG_LOST;
    (void)pthread_mutex_unlock(&store->lock);
    return err;
}

static enum notch_err write_keys(struct notch_store *store, const struct notch_commit *const *commits, size_t count)
{
    uint64_t began_ns = now_ns();
    enum notch_err err = notch__keys_write(&store->keys, commits, count, store->bodies.synced);
    count_sync(store, began_ns);
    if (err == NOTCH_OK) {
        notch__votelog_flushed(&store->votes);
        notch__store_refresh(store);
    }
    return err;
}

/* How many of the first commits have no keys: they need not wait for those of others. */
static size_t without_keys(const struct notch_commit *const *commits, size_t count)
{
    size_t plain = 0;
    while (plain < count && commits[plain]->keys.len == 0) {
        plain++;
    }
    return plain;
}

enum notch_err notch__store_write(struct notch_store *store, const struct notch_commit *const *commits, size_t count)
{
    enum notch_err err = write_bodies(store, commits, count);
    if (err == NOTCH_OK) {
        err = write_votes(store, commits, count);
    }
    if (err != NOTCH_OK) {
        notch__store_answer(store, count, err);
        return err;
    }
    size_t plain = without_keys(commits, count);
    if (plain > 0) {
        notch__store_answer(store, plain, NOTCH_OK);
    }
    if (plain < count) {
        err = write_keys(store, commits + plain, count - plain);
        notch__store_answer(store, count - plain, err);
    }
    return err;
}

/* What ended the store, before anybody is told of it: from here on nothing is taken. */
static void note_failure(struct notch_store *store, enum notch_err err)
{
    (void)pthread_mutex_lock(&store->lock);
    store->stats.failed = err;
    (void)pthread_mutex_unlock(&store->lock);
    notch_log(store->io.log, NOTCH_LOG_ERROR, "store", "%s: the store takes nothing more", store->io.failure.text);
}

void notch__store_answer(struct notch_store *store, size_t count, enum notch_err err)
{
    if (err != NOTCH_OK && store->stats.failed == NOTCH_OK) {
        note_failure(store, err);
    }
    for (size_t i = 0; i < count; i++) {
        (void)pthread_mutex_lock(&store->lock);
        const struct notch_commit *const *front = notch_ring_front(&store->queue);
        uint64_t token = (*front)->token;
        notch_ring_pop(&store->queue);
        store->stats.commits += err == NOTCH_OK;
        (void)pthread_mutex_unlock(&store->lock);
        store->options.done(store->options.done_arg, token, err);
    }
}

/* The commits that wait now, up to the limits of a group; the lock is held. */
static size_t gather(struct notch_store *store, const struct notch_commit *commits[GROUP_MAX])
{
    size_t count = 0;
    size_t bytes = 0;
    while (count < GROUP_MAX && count < store->queue.count) {
        const struct notch_commit *const *next = notch_ring_at(&store->queue, count);
        bytes += (*next)->bodies.len + (*next)->votes.len + (*next)->keys.len;
        if (count > 0 && bytes > store->options.group_bytes_max) {
            break;
        }
        commits[count++] = *next;
    }
    return count;
}

bool notch_store_run(struct notch_store *store)
{
    const struct notch_commit *commits[GROUP_MAX];
    (void)pthread_mutex_lock(&store->lock);
    size_t count = gather(store, commits);
    enum notch_err failed = store->stats.failed;
    store->stats.groups += count > 0;
    (void)pthread_mutex_unlock(&store->lock);
    if (count == 0) {
        return false;
    }
    if (failed != NOTCH_OK) {
        notch__store_answer(store, count, failed);
    } else if (notch__store_write(store, commits, count) != NOTCH_OK) {
        return true; /* answered already, and noted */
    }
    return true;
}

void *notch__store_thread(void *self)
{
    struct notch_store *store = self;
    for (;;) {
        (void)pthread_mutex_lock(&store->lock);
        while (store->queue.count == 0 && !store->closing) {
            (void)pthread_cond_wait(&store->wake, &store->lock);
        }
        bool ended = store->queue.count == 0;
        (void)pthread_mutex_unlock(&store->lock);
        if (ended) {
            return NULL;
        }
        (void)notch_store_run(store);
    }
}
