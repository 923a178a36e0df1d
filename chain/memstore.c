#include "chain/memstore.h"

#define LEVELS 20

struct node {
    struct node *prev; /* on the lowest level; NULL for the first key */
    uint8_t *key;
    uint8_t *value;
    size_t key_len;
    size_t value_len;
    unsigned levels;
    struct node *next[]; /* levels of them */
};

struct list {
    struct notch_bytes *items; /* owned copies */
    size_t count;
    size_t cap;
};

struct notch_memstore {
    const struct notch_alloc *alloc;
    struct notch_siphash_key seed;
    struct node *first[LEVELS];
    struct list bodies;
    struct list votes;
    bool votes_lost;
    struct notch_commit *waiting;
    size_t waiting_count;
    size_t waiting_cap;
    uint64_t bodies_submitted;
};

static uint8_t *copy_bytes(const struct notch_alloc *alloc, struct notch_bytes bytes)
{
    if (bytes.len == 0) {
        return NULL;
    }
    uint8_t *copy = notch_realloc(alloc, NULL, 0, bytes.len);
    memcpy(copy, bytes.data, bytes.len);
    return copy;
}

/* Lists of bodies and votes. */

static void list_add(struct list *list, const struct notch_alloc *alloc, struct notch_bytes item)
{
    if (list->count == list->cap) {
        size_t cap = list->cap * 2 + 16;
        list->items = notch_realloc(alloc, list->items, list->cap * sizeof item, cap * sizeof item);
        list->cap = cap;
    }
    list->items[list->count++] = notch_bytes(copy_bytes(alloc, item), item.len);
}

static void list_clear(struct list *list, const struct notch_alloc *alloc)
{
    for (size_t i = 0; i < list->count; i++) {
        notch_free(alloc, (uint8_t *)list->items[i].data, list->items[i].len);
    }
    notch_free(alloc, list->items, list->cap * sizeof list->items[0]);
    *list = (struct list){0};
}

/* The skip list. */

static struct notch_bytes key_of(const struct node *node)
{
    return notch_bytes(node->key, node->key_len);
}

static size_t node_size(unsigned levels)
{
    return sizeof(struct node) + levels * sizeof(struct node *);
}

/* A key's height depends on nothing but the key: the same keys make the same list, whatever came before. */
static unsigned levels_of(const struct notch_memstore *store, struct notch_bytes key)
{
    uint64_t draw = notch_siphash(store->seed, key.data, key.len);
    unsigned levels = 1;
    while (levels < LEVELS && (draw & 3) == 3) {
        draw >>= 2;
        levels++;
    }
    return levels;
}

/* links[l]: the pointer on level l that leads to the first key not below `key`; *before: the last key below it. */
static void find(struct notch_memstore *store, struct node **links[LEVELS], struct node **before,
                 struct notch_bytes key)
{
    struct node *at = NULL;
    for (unsigned level = LEVELS; level-- > 0;) {
        struct node **link = at ? &at->next[level] : &store->first[level];
        while (*link && notch_bytes_cmp(key_of(*link), key) < 0) {
            at = *link;
            link = &at->next[level];
        }
        links[level] = link;
    }
    *before = at;
}

static bool is_at(const struct node *node, struct notch_bytes key)
{
    return node && notch_bytes_eq(key_of(node), key);
}

static void free_node(struct notch_memstore *store, struct node *node)
{
    notch_free(store->alloc, node->key, node->key_len);
    notch_free(store->alloc, node->value, node->value_len);
    notch_free(store->alloc, node, node_size(node->levels));
}

static void put(struct notch_memstore *store, struct notch_bytes key, struct notch_bytes value)
{
    struct node **links[LEVELS];
    struct node *before;
    find(store, links, &before, key);
    struct node *node = *links[0];
    if (is_at(node, key)) {
        notch_free(store->alloc, node->value, node->value_len);
    } else {
        unsigned levels = levels_of(store, key);
        node = notch_alloc(store->alloc, node_size(levels));
        node->levels = levels;
        node->key = copy_bytes(store->alloc, key);
        node->key_len = key.len;
        node->prev = before;
        for (unsigned level = 0; level < levels; level++) {
            node->next[level] = *links[level];
            *links[level] = node;
        }
        if (node->next[0]) {
            node->next[0]->prev = node;
        }
    }
    node->value = copy_bytes(store->alloc, value);
    node->value_len = value.len;
}

static void delete_key(struct notch_memstore *store, struct notch_bytes key)
{
    struct node **links[LEVELS];
    struct node *before;
    find(store, links, &before, key);
    struct node *node = *links[0];
    if (!is_at(node, key)) {
        return;
    }
    for (unsigned level = 0; level < node->levels; level++) {
        *links[level] = node->next[level];
    }
    if (node->next[0]) {
        node->next[0]->prev = before;
    }
    free_node(store, node);
}

/* The view. */

static enum notch_err view_get(const void *self, struct notch_buf *out, struct notch_bytes key)
{
    struct node **links[LEVELS];
    struct node *before;
    find((struct notch_memstore *)self, links, &before, key);
    const struct node *node = *links[0];
    if (!is_at(node, key)) {
        return NOTCH_ERR_NOT_FOUND;
    }
    notch_buf_append(out, node->value, node->value_len);
    return NOTCH_OK;
}

static enum notch_err view_scan(const void *self, struct notch_bytes from, struct notch_bytes to,
                                enum notch_scan direction, notch_store_visit visit, void *arg)
{
    struct node **links[LEVELS];
    struct node *before;
    bool up = direction == NOTCH_SCAN_UP;
    find((struct notch_memstore *)self, links, &before, up ? from : to);
    const struct node *at = up ? *links[0] : before;
    while (at && (up ? notch_bytes_cmp(key_of(at), to) < 0 : notch_bytes_cmp(key_of(at), from) >= 0)) {
        if (!visit(arg, key_of(at), notch_bytes(at->value, at->value_len))) {
            break;
        }
        at = up ? at->next[0] : at->prev;
    }
    return NOTCH_OK;
}

static enum notch_err view_body(const void *self, struct notch_buf *out, uint64_t position)
{
    const struct notch_memstore *store = self;
    if (position >= store->bodies.count) {
        return NOTCH_ERR_NOT_FOUND;
    }
    notch_buf_append(out, store->bodies.items[position].data, store->bodies.items[position].len);
    return NOTCH_OK;
}

static enum notch_err view_part(const void *self, struct notch_buf *out, uint64_t position,
                                struct notch_store_span span)
{
    const struct notch_memstore *store = self;
    if (position >= store->bodies.count) {
        return NOTCH_ERR_NOT_FOUND;
    }
    struct notch_bytes body = store->bodies.items[position];
    if (span.at > body.len || span.len > body.len - span.at) {
        return NOTCH_ERR_CORRUPT;
    }
    notch_buf_append(out, body.data + span.at, span.len);
    return NOTCH_OK;
}

static enum notch_err view_votes(const void *self, notch_store_visit visit, void *arg)
{
    const struct notch_memstore *store = self;
    if (store->votes_lost) {
        return NOTCH_ERR_CORRUPT;
    }
    for (size_t i = 0; i < store->votes.count; i++) {
        if (!visit(arg, notch_bytes(NULL, 0), store->votes.items[i])) {
            break;
        }
    }
    return NOTCH_OK;
}

static uint64_t view_body_count(const void *self)
{
    const struct notch_memstore *store = self;
    return store->bodies.count;
}

struct notch_store_view notch_memstore_view(const struct notch_memstore *store)
{
    return (struct notch_store_view){
        .get = view_get,
        .scan = view_scan,
        .body = view_body,
        .part = view_part,
        .votes = view_votes,
        .body_count = view_body_count,
        .self = store,
    };
}

/* Carrying out parts of a commit. */

/* Adds up to `max` blobs to the list; how many there were. */
static uint64_t add_blobs(struct notch_memstore *store, struct list *list, const struct notch_buf *blobs, uint64_t max)
{
    struct notch_reader reader = notch_reader(notch_buf_bytes(blobs));
    uint64_t count = 0;
    while (notch_reader_left(&reader) > 0) {
        struct notch_bytes blob = notch_read_blob(&reader, NOTCH_STORE_BODY_MAX);
        notch_assert(!reader.failed);
        if (count < max) {
            list_add(list, store->alloc, blob);
        }
        count++;
    }
    return count;
}

static uint64_t count_blobs(struct notch_memstore *store, const struct notch_buf *blobs)
{
    return add_blobs(store, NULL, blobs, 0);
}

static void add_votes(struct notch_memstore *store, const struct notch_buf *blobs, uint64_t max)
{
    if (store->votes_lost && blobs->len > 0 && max > 0) {
        list_clear(&store->votes, store->alloc);
        store->votes_lost = false;
    }
    (void)add_blobs(store, &store->votes, blobs, max);
}

static void apply_keys(struct notch_memstore *store, const struct notch_commit *commit)
{
    struct notch_reader reader = notch_reader(notch_buf_bytes(&commit->keys));
    struct notch_commit_op op;
    while (notch_commit_next_op(&reader, &op)) {
        notch_assert(op.key.data[0] != NOTCH_STORE_KEY_RESERVED);
        if (op.is_delete) {
            delete_key(store, op.key);
        } else {
            put(store, op.key, op.value);
        }
    }
}

static void copy_buf(struct notch_buf *to, const struct notch_buf *from)
{
    if (from->len > 0) {
        notch_buf_append(to, from->data, from->len);
    }
}

void notch_memstore_submit(struct notch_memstore *store, const struct notch_commit *commit)
{
    notch_assert(commit->body_count == 0 || commit->body_first == store->bodies_submitted);
    if (store->waiting_count == store->waiting_cap) {
        size_t cap = store->waiting_cap * 2 + 4;
        store->waiting = notch_realloc(store->alloc, store->waiting, store->waiting_cap * sizeof store->waiting[0],
                                       cap * sizeof store->waiting[0]);
        store->waiting_cap = cap;
    }
    struct notch_commit *copy = &store->waiting[store->waiting_count++];
    notch_commit_init(copy, store->alloc);
    copy->token = commit->token;
    copy->body_first = commit->body_first;
    copy->body_count = commit->body_count;
    copy_buf(&copy->bodies, &commit->bodies);
    copy_buf(&copy->votes, &commit->votes);
    copy_buf(&copy->keys, &commit->keys);
    store->bodies_submitted += commit->body_count;
}

bool notch_memstore_complete(struct notch_memstore *store, uint64_t *token)
{
    if (store->waiting_count == 0) {
        return false;
    }
    struct notch_commit oldest = store->waiting[0];
    store->waiting_count--;
    memmove(store->waiting, store->waiting + 1, store->waiting_count * sizeof store->waiting[0]);
    (void)add_blobs(store, &store->bodies, &oldest.bodies, UINT64_MAX);
    add_votes(store, &oldest.votes, UINT64_MAX);
    apply_keys(store, &oldest);
    *token = oldest.token;
    notch_commit_fini(&oldest);
    return true;
}

size_t notch_memstore_waiting(const struct notch_memstore *store)
{
    return store->waiting_count;
}

void notch_memstore_apply(struct notch_memstore *store, const struct notch_commit *commit)
{
    notch_assert(store->waiting_count == 0);
    notch_memstore_submit(store, commit);
    uint64_t token;
    (void)notch_memstore_complete(store, &token);
}

/* Faults. */

static void drop_waiting(struct notch_memstore *store)
{
    for (size_t i = 0; i < store->waiting_count; i++) {
        notch_commit_fini(&store->waiting[i]);
    }
    store->waiting_count = 0;
    store->bodies_submitted = store->bodies.count;
}

/* Keeps a prefix of the bodies of all that waits; how many commits have all of theirs. */
static size_t crash_bodies(struct notch_memstore *store, struct notch_rng *rng)
{
    uint64_t total = store->bodies_submitted - store->bodies.count;
    uint64_t left = notch_rng_below(rng, total + 1);
    for (size_t i = 0; i < store->waiting_count; i++) {
        uint64_t count = add_blobs(store, &store->bodies, &store->waiting[i].bodies, left);
        if (count > left) {
            return i;
        }
        left -= count;
    }
    return store->waiting_count;
}

/* The same for the votes of the first `commits`. */
static size_t crash_votes(struct notch_memstore *store, struct notch_rng *rng, size_t commits)
{
    uint64_t total = 0;
    for (size_t i = 0; i < commits; i++) {
        total += count_blobs(store, &store->waiting[i].votes);
    }
    uint64_t left = notch_rng_below(rng, total + 1);
    for (size_t i = 0; i < commits; i++) {
        uint64_t count = count_blobs(store, &store->waiting[i].votes);
        add_votes(store, &store->waiting[i].votes, left);
        if (count > left) {
            return i;
        }
        left -= count;
    }
    return commits;
}

void notch_memstore_crash(struct notch_memstore *store, struct notch_rng *rng)
{
    size_t commits = crash_bodies(store, rng);
    commits = crash_votes(store, rng, commits);
    uint64_t with_keys = notch_rng_below(rng, (uint64_t)commits + 1);
    for (uint64_t i = 0; i < with_keys; i++) {
        apply_keys(store, &store->waiting[i]);
    }
    drop_waiting(store);
}

void notch_memstore_lose_votes(struct notch_memstore *store)
{
    store->votes_lost = true;
}

void notch_memstore_wipe(struct notch_memstore *store)
{
    drop_waiting(store);
    struct node *node = store->first[0];
    while (node) {
        struct node *next = node->next[0];
        free_node(store, node);
        node = next;
    }
    memset(store->first, 0, sizeof store->first);
    list_clear(&store->bodies, store->alloc);
    list_clear(&store->votes, store->alloc);
    store->votes_lost = false;
    store->bodies_submitted = 0;
}

struct notch_memstore *notch_memstore_create(const struct notch_alloc *alloc, struct notch_siphash_key seed)
{
    struct notch_memstore *store = notch_alloc(alloc, sizeof *store);
    store->alloc = alloc;
    store->seed = seed;
    return store;
}

void notch_memstore_destroy(struct notch_memstore *store)
{
    if (!store) {
        return;
    }
    notch_memstore_wipe(store);
    notch_free(store->alloc, store->waiting, store->waiting_cap * sizeof store->waiting[0]);
    notch_free(store->alloc, store, sizeof *store);
}
