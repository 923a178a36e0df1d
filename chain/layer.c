#include "chain/layer.h"

#include "chain/sort.h"

/* Where a key and its value stand in the arena. A value that is written again is appended: the arena keeps the old
 * one. */
struct notch_layer_entry {
    uint32_t hash; /* low bits of the key's hash: most mismatches end here */
    uint32_t key_at;
    uint32_t value_at;
    uint32_t value_len;
    uint8_t key_len;
    bool is_delete;
};

enum { SLOTS_MIN = 64 };

void notch_layer_init(struct notch_layer *layer, const struct notch_alloc *alloc, struct notch_siphash_key hash_key,
                      const struct notch_layer *parent)
{
    *layer = (struct notch_layer){.parent = parent, .hash_key = hash_key, .alloc = alloc};
    notch_buf_init(&layer->arena, alloc);
}

void notch_layer_fini(struct notch_layer *layer)
{
    notch_free(layer->alloc, layer->entries, layer->entry_cap * sizeof *layer->entries);
    notch_free(layer->alloc, layer->slots, layer->slot_count * sizeof *layer->slots);
    notch_buf_fini(&layer->arena);
    layer->entries = NULL;
    layer->slots = NULL;
    layer->entry_count = layer->entry_cap = layer->slot_count = 0;
}

static uint32_t hash_of(const struct notch_layer *layer, struct notch_bytes key)
{
    return (uint32_t)notch_siphash(layer->hash_key, key.data, key.len);
}

/* The slot of the key, or the free one where it would go. */
static uint32_t find_slot(const struct notch_layer *layer, struct notch_bytes key, uint32_t hash)
{
    uint32_t mask = layer->slot_count - 1;
    uint32_t at = hash & mask;
    while (layer->slots[at] != 0) {
        const struct notch_layer_entry *entry = &layer->entries[layer->slots[at] - 1];
        if (entry->hash == hash && entry->key_len == key.len &&
            memcmp(layer->arena.data + entry->key_at, key.data, key.len) == 0) {
            return at;
        }
        at = (at + 1) & mask;
    }
    return at;
}

static void grow_slots(struct notch_layer *layer)
{
    uint32_t count = layer->slot_count == 0 ? SLOTS_MIN : layer->slot_count * 2;
    notch_assert(count > layer->slot_count);
    notch_free(layer->alloc, layer->slots, layer->slot_count * sizeof *layer->slots);
    layer->slots = notch_alloc_array(layer->alloc, count, sizeof *layer->slots);
    layer->slot_count = count;
    for (uint32_t i = 0; i < layer->entry_count; i++) {
        uint32_t at = layer->entries[i].hash & (count - 1);
        while (layer->slots[at] != 0) {
            at = (at + 1) & (count - 1);
        }
        layer->slots[at] = i + 1;
    }
}

static uint32_t append(struct notch_layer *layer, struct notch_bytes bytes)
{
    size_t at = layer->arena.len;
    notch_assert(at + bytes.len <= UINT32_MAX);
    notch_buf_append(&layer->arena, bytes.data, bytes.len);
    return (uint32_t)at;
}

static struct notch_layer_entry *add_entry(struct notch_layer *layer, struct notch_bytes key, uint32_t hash)
{
    if (layer->entry_count == layer->entry_cap) {
        uint32_t cap = layer->entry_cap == 0 ? SLOTS_MIN : layer->entry_cap * 2;
        layer->entries = notch_realloc(layer->alloc, layer->entries, layer->entry_cap * sizeof *layer->entries,
                                       cap * sizeof *layer->entries);
        layer->entry_cap = cap;
    }
    struct notch_layer_entry *entry = &layer->entries[layer->entry_count++];
    *entry = (struct notch_layer_entry){.hash = hash, .key_len = (uint8_t)key.len};
    entry->key_at = append(layer, key);
    return entry;
}

static struct notch_layer_entry *entry_for(struct notch_layer *layer, struct notch_bytes key)
{
    notch_assert(key.len > 0);
    notch_assert(key.len <= NOTCH_STORE_KEY_MAX);
    if (layer->entry_count >= layer->slot_count / 4 * 3) {
        grow_slots(layer);
    }
    uint32_t hash = hash_of(layer, key);
    uint32_t at = find_slot(layer, key, hash);
    if (layer->slots[at] != 0) {
        return &layer->entries[layer->slots[at] - 1];
    }
    struct notch_layer_entry *entry = add_entry(layer, key, hash);
    layer->slots[at] = layer->entry_count;
    return entry;
}

void notch_layer_put(struct notch_layer *layer, struct notch_bytes key, struct notch_bytes value)
{
    struct notch_layer_entry *entry = entry_for(layer, key);
    entry->is_delete = false;
    entry->value_at = append(layer, value);
    entry->value_len = (uint32_t)value.len;
}

void notch_layer_delete(struct notch_layer *layer, struct notch_bytes key)
{
    struct notch_layer_entry *entry = entry_for(layer, key);
    entry->is_delete = true;
    entry->value_at = 0;
    entry->value_len = 0;
}

static struct notch_bytes key_of(const struct notch_layer *layer, const struct notch_layer_entry *entry)
{
    return notch_bytes(layer->arena.data + entry->key_at, entry->key_len);
}

static struct notch_bytes value_of(const struct notch_layer *layer, const struct notch_layer_entry *entry)
{
    return notch_bytes(layer->arena.data + entry->value_at, entry->value_len);
}

static const struct notch_layer_entry *find_here(const struct notch_layer *layer, struct notch_bytes key, uint32_t hash)
{
    if (layer->slot_count == 0) {
        return NULL;
    }
    uint32_t at = find_slot(layer, key, hash);
    return layer->slots[at] == 0 ? NULL : &layer->entries[layer->slots[at] - 1];
}

enum notch_layer_found notch_layer_find(const struct notch_layer *layer, struct notch_bytes *value,
                                        struct notch_bytes key)
{
    if (layer == NULL) {
        return NOTCH_LAYER_ABSENT;
    }
    uint32_t hash = hash_of(layer, key);
    for (; layer != NULL; layer = layer->parent) {
        const struct notch_layer_entry *entry = find_here(layer, key, hash);
        if (entry != NULL) {
            *value = value_of(layer, entry);
            return entry->is_delete ? NOTCH_LAYER_DELETED : NOTCH_LAYER_VALUE;
        }
    }
    return NOTCH_LAYER_ABSENT;
}

enum notch_err notch_layer_get(const struct notch_layer *layer, const struct notch_store_view *view,
                               struct notch_buf *out, struct notch_bytes key)
{
    struct notch_bytes value;
    switch (notch_layer_find(layer, &value, key)) {
    case NOTCH_LAYER_VALUE:
        notch_buf_append(out, value.data, value.len);
        return NOTCH_OK;
    case NOTCH_LAYER_DELETED:
        return NOTCH_ERR_NOT_FOUND;
    case NOTCH_LAYER_ABSENT:
        break;
    }
    return view->get(view->self, out, key);
}

/* ---- merged scan ---- */

/* A write in the range, from the nearest layer that has the key. */
struct scan_item {
    struct notch_bytes key;
    struct notch_bytes value;
    bool is_delete;
    uint32_t depth; /* 0: the layer asked; the nearest one counts */
};

struct scan {
    struct scan_item *items;
    size_t count, cap;
    size_t at;
    enum notch_scan direction;
    notch_store_visit visit;
    void *arg;
    bool stopped;
    const struct notch_alloc *alloc;
};

static int compare_items(const void *a, const void *b)
{
    const struct scan_item *x = a;
    const struct scan_item *y = b;
    int order = notch_bytes_cmp(x->key, y->key);
    return order != 0 ? order : (x->depth > y->depth) - (x->depth < y->depth);
}

static void scan_collect(struct scan *scan, const struct notch_layer *layer, struct notch_bytes from,
                         struct notch_bytes to, uint32_t depth)
{
    for (uint32_t i = 0; i < layer->entry_count; i++) {
        const struct notch_layer_entry *entry = &layer->entries[i];
        struct notch_bytes key = key_of(layer, entry);
        if (notch_bytes_cmp(key, from) < 0 || notch_bytes_cmp(key, to) >= 0) {
            continue;
        }
        if (scan->count == scan->cap) {
            size_t cap = scan->cap == 0 ? 64 : scan->cap * 2;
            scan->items =
                notch_realloc(scan->alloc, scan->items, scan->cap * sizeof *scan->items, cap * sizeof *scan->items);
            scan->cap = cap;
        }
        scan->items[scan->count++] = (struct scan_item){key, value_of(layer, entry), entry->is_delete, depth};
    }
}

/* Sorts, and of each key keeps the nearest layer's word. */
static void scan_sort(struct scan *scan)
{
    if (scan->count == 0) {
        return;
    }
    notch_sort(scan->alloc, scan->items, scan->count, sizeof *scan->items, compare_items);
    size_t kept = 1;
    for (size_t i = 1; i < scan->count; i++) {
        if (!notch_bytes_eq(scan->items[i].key, scan->items[kept - 1].key)) {
            scan->items[kept++] = scan->items[i];
        }
    }
    scan->count = kept;
}

static const struct scan_item *scan_next(const struct scan *scan)
{
    if (scan->at == scan->count) {
        return NULL;
    }
    return scan->direction == NOTCH_SCAN_UP ? &scan->items[scan->at] : &scan->items[scan->count - 1 - scan->at];
}

static void scan_give(struct scan *scan)
{
    const struct scan_item *item = scan_next(scan);
    scan->at++;
    if (!item->is_delete) {
        scan->stopped = !scan->visit(scan->arg, item->key, item->value);
    }
}

/* Gives what the layers have before a key of the view, then the key itself unless the layers speak of it too. */
static bool scan_view(void *arg, struct notch_bytes key, struct notch_bytes value)
{
    struct scan *scan = arg;
    while (!scan->stopped) {
        const struct scan_item *item = scan_next(scan);
        int order = item == NULL ? 1 : notch_bytes_cmp(item->key, key);
        order = scan->direction == NOTCH_SCAN_UP || item == NULL ? order : -order;
        if (order > 0) {
            scan->stopped = !scan->visit(scan->arg, key, value);
            break;
        }
        scan_give(scan);
        if (order == 0) {
            break;
        }
    }
    return !scan->stopped;
}

enum notch_err notch_layer_scan(const struct notch_layer *layer, const struct notch_store_view *view,
                                struct notch_bytes from, struct notch_bytes to, enum notch_scan direction,
                                notch_store_visit visit, void *arg)
{
    if (layer == NULL) {
        return view->scan(view->self, from, to, direction, visit, arg);
    }
    struct scan scan = {.direction = direction, .visit = visit, .arg = arg, .alloc = layer->alloc};
    uint32_t depth = 0;
    for (const struct notch_layer *at = layer; at != NULL; at = at->parent) {
        scan_collect(&scan, at, from, to, depth++);
    }
    scan_sort(&scan);
    enum notch_err err = view->scan(view->self, from, to, direction, scan_view, &scan);
    while (err == NOTCH_OK && !scan.stopped && scan_next(&scan) != NULL) {
        scan_give(&scan);
    }
    notch_free(scan.alloc, scan.items, scan.cap * sizeof *scan.items);
    return err;
}

/* ---- to and from a commit ---- */

bool notch_layer_next(const struct notch_layer *layer, uint32_t *at, struct notch_commit_op *op)
{
    if (*at == layer->entry_count) {
        return false;
    }
    const struct notch_layer_entry *entry = &layer->entries[(*at)++];
    op->key = key_of(layer, entry);
    op->is_delete = entry->is_delete;
    op->value = entry->is_delete ? notch_bytes(NULL, 0) : value_of(layer, entry);
    return true;
}

size_t notch_layer_size(const struct notch_layer *layer)
{
    return layer->entry_cap * sizeof *layer->entries + layer->slot_count * sizeof *layer->slots + layer->arena.cap;
}

/* Whether a layer from `top` down to, but not including, `below` writes the key of `entry`. */
static bool is_overwritten(const struct notch_layer *top, const struct notch_layer *below,
                           const struct notch_layer_entry *entry)
{
    struct notch_bytes key = key_of(below, entry);
    for (const struct notch_layer *at = top; at != below; at = at->parent) {
        if (find_here(at, key, entry->hash) != NULL) {
            return true;
        }
    }
    return false;
}

static void flush_one(const struct notch_layer *top, const struct notch_layer *layer, struct notch_commit *commit)
{
    for (uint32_t i = 0; i < layer->entry_count; i++) {
        const struct notch_layer_entry *entry = &layer->entries[i];
        if (is_overwritten(top, layer, entry)) {
            continue;
        }
        if (entry->is_delete) {
            notch_commit_delete(commit, key_of(layer, entry));
        } else {
            notch_commit_put(commit, key_of(layer, entry), value_of(layer, entry));
        }
    }
}

/* A layer on the way from the base up. */
struct step {
    const struct notch_layer *layer;
};

void notch_layer_flush(const struct notch_layer *top, const struct notch_layer *base, const struct notch_alloc *alloc,
                       struct notch_commit *commit)
{
    size_t count = 0;
    for (const struct notch_layer *at = top; at != base; at = at->parent) {
        count++;
    }
    if (count == 0) {
        return;
    }
    struct step *steps = notch_alloc_array(alloc, count, sizeof *steps);
    size_t i = count;
    for (const struct notch_layer *at = top; at != base; at = at->parent) {
        steps[--i].layer = at;
    }
    for (i = 0; i < count; i++) {
        flush_one(top, steps[i].layer, commit);
    }
    notch_free(alloc, steps, count * sizeof *steps);
}

/* An undo record: for each key, blob key, u8 (0 there was none, 1 a value follows), blob value. */
enum { UNDO_NONE = 0, UNDO_VALUE = 1 };

enum notch_err notch_layer_undo(const struct notch_layer *layer, const struct notch_store_view *view,
                                struct notch_buf *undo)
{
    struct notch_buf old;
    notch_buf_init(&old, layer->alloc);
    struct notch_writer writer = notch_writer_grow(undo);
    enum notch_err err = NOTCH_OK;
    for (uint32_t i = 0; i < layer->entry_count; i++) {
        struct notch_bytes key = key_of(layer, &layer->entries[i]);
        notch_buf_clear(&old);
        err = notch_layer_get(layer->parent, view, &old, key);
        if (err != NOTCH_OK && err != NOTCH_ERR_NOT_FOUND) {
            break;
        }
        notch_write_blob(&writer, key);
        notch_write_u8(&writer, err == NOTCH_OK ? UNDO_VALUE : UNDO_NONE);
        if (err == NOTCH_OK) {
            notch_write_blob(&writer, notch_buf_bytes(&old));
        }
        err = NOTCH_OK;
    }
    notch_buf_fini(&old);
    return err;
}

enum notch_err notch_layer_load_undo(struct notch_layer *layer, struct notch_bytes undo)
{
    struct notch_reader reader = notch_reader(undo);
    while (notch_reader_left(&reader) > 0) {
        struct notch_bytes key = notch_read_blob(&reader, NOTCH_STORE_KEY_MAX);
        uint8_t kind = notch_read_u8(&reader);
        struct notch_bytes value = kind == UNDO_VALUE ? notch_read_blob(&reader, undo.len) : notch_bytes(NULL, 0);
        if (reader.failed || key.len == 0 || kind > UNDO_VALUE) {
            return NOTCH_ERR_CORRUPT;
        }
        if (kind == UNDO_NONE) {
            notch_layer_delete(layer, key);
        } else {
            notch_layer_put(layer, key, value);
        }
    }
    return notch_reader_done(&reader) ? NOTCH_OK : NOTCH_ERR_CORRUPT;
}
