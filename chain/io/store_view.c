#include "chain/io/store_core.h"

/* What is newest. A view's self is const to its readers; the locks inside are not. */

static struct notch_store *store_of(const void *self)
{
    return (struct notch_store *)self;
}

static enum notch_err latest_get(const void *self, struct notch_buf *out, struct notch_bytes key)
{
    return notch__keys_get(&store_of(self)->keys, NULL, out, key);
}

static enum notch_err latest_scan(const void *self, struct notch_bytes from, struct notch_bytes to,
                                  enum notch_scan direction, notch_store_visit visit, void *arg)
{
    struct notch__keys_range range = {from, to, direction};
    return notch__keys_scan(&store_of(self)->keys, NULL, &range, visit, arg);
}

static enum notch_err latest_body(const void *self, struct notch_buf *out, uint64_t position)
{
    return notch__bodies_read(&store_of(self)->bodies, out, position);
}

static enum notch_err latest_part(const void *self, struct notch_buf *out, uint64_t position,
                                  struct notch_store_span span)
{
    return notch__bodies_read_part(&store_of(self)->bodies, out, position, span);
}

static enum notch_err latest_votes(const void *self, notch_store_visit visit, void *arg)
{
    return notch__votelog_visit(&store_of(self)->votes, visit, arg);
}

static uint64_t latest_body_count(const void *self)
{
    return notch__bodies_count(&store_of(self)->bodies);
}

struct notch_store_view notch_store_latest(const struct notch_store *store)
{
    return (struct notch_store_view){
        .get = latest_get,
        .scan = latest_scan,
        .body = latest_body,
        .part = latest_part,
        .votes = latest_votes,
        .body_count = latest_body_count,
        .self = store,
    };
}

/* Snapshots. */

static enum notch_err pinned_get(const void *self, struct notch_buf *out, struct notch_bytes key)
{
    const struct notch__snapshot *snapshot = self;
    return notch__keys_get(&snapshot->store->keys, &snapshot->keys, out, key);
}

static enum notch_err pinned_scan(const void *self, struct notch_bytes from, struct notch_bytes to,
                                  enum notch_scan direction, notch_store_visit visit, void *arg)
{
    const struct notch__snapshot *snapshot = self;
    struct notch__keys_range range = {from, to, direction};
    return notch__keys_scan(&snapshot->store->keys, &snapshot->keys, &range, visit, arg);
}

static enum notch_err pinned_body(const void *self, struct notch_buf *out, uint64_t position)
{
    const struct notch__snapshot *snapshot = self;
    if (position >= snapshot->body_count) {
        return NOTCH_ERR_NOT_FOUND;
    }
    return notch__bodies_read(&snapshot->store->bodies, out, position);
}

static enum notch_err pinned_part(const void *self, struct notch_buf *out, uint64_t position,
                                  struct notch_store_span span)
{
    const struct notch__snapshot *snapshot = self;
    if (position >= snapshot->body_count) {
        return NOTCH_ERR_NOT_FOUND;
    }
    return notch__bodies_read_part(&snapshot->store->bodies, out, position, span);
}

static enum notch_err pinned_votes(const void *self, notch_store_visit visit, void *arg)
{
    const struct notch__snapshot *snapshot = self;
    return notch__votelog_visit(&snapshot->store->votes, visit, arg);
}

static uint64_t pinned_body_count(const void *self)
{
    const struct notch__snapshot *snapshot = self;
    return snapshot->body_count;
}

void notch__snapshot_drop(struct notch__snapshot *snapshot)
{
    notch_assert(snapshot->users > 0);
    if (--snapshot->users > 0) {
        return;
    }
    struct notch_store *store = snapshot->store;
    notch__keys_snapshot_drop(&store->keys, &snapshot->keys);
    notch_free(store->options.alloc, snapshot, sizeof *snapshot);
}

void notch__store_refresh(struct notch_store *store)
{
    struct notch__snapshot *snapshot = notch_alloc(store->options.alloc, sizeof *snapshot);
    notch__keys_snapshot_take(&store->keys, &snapshot->keys);
    snapshot->store = store;
    snapshot->body_count = notch__bodies_count(&store->bodies);
    snapshot->users = 1;
    snapshot->view = (struct notch_store_view){
        .get = pinned_get,
        .scan = pinned_scan,
        .body = pinned_body,
        .part = pinned_part,
        .votes = pinned_votes,
        .body_count = pinned_body_count,
        .self = snapshot,
    };
    (void)pthread_mutex_lock(&store->lock);
    if (store->current) {
        notch__snapshot_drop(store->current);
    }
    store->current = snapshot;
    (void)pthread_mutex_unlock(&store->lock);
}

const struct notch_store_view *notch_store_pin(struct notch_store *store)
{
    (void)pthread_mutex_lock(&store->lock);
    struct notch__snapshot *snapshot = store->current;
    notch_assert(snapshot != NULL);
    snapshot->users++;
    (void)pthread_mutex_unlock(&store->lock);
    return &snapshot->view;
}

void notch_store_unpin(struct notch_store *store, const struct notch_store_view *view)
{
    (void)pthread_mutex_lock(&store->lock);
    notch__snapshot_drop((struct notch__snapshot *)view->self);
    (void)pthread_mutex_unlock(&store->lock);
}
