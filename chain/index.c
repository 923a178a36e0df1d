#include "chain/index.h"

enum { CHUNK = 64 }; /* posting lists read in one scan */

/* The posting list of one block. */
struct list {
    uint64_t height;
    size_t at; /* in listing.lists */
    size_t len;
};

struct ordinals {
    uint32_t *items;
    size_t count, cap;
    const struct notch_alloc *alloc;
};

struct listing {
    const struct notch_lookup *lookup;
    const struct notch_index_query *query;
    struct notch_index_term terms[3]; /* the rarest first */
    size_t term_count;
    uint64_t low, high; /* heights still to look at, both inclusive */
    struct list chunk[CHUNK];
    size_t chunk_count;
    struct notch_buf lists;
    struct notch_buf scratch;
    struct ordinals found, other;
    uint32_t visited;
    uint32_t steps;
    bool stopped;
    struct notch_index_cursor cursor;
    notch_index_visit visit;
    void *arg;
};

/* ---- ordinals ---- */

static void push(struct ordinals *ordinals, uint32_t ordinal)
{
    if (ordinals->count == ordinals->cap) {
        size_t cap = ordinals->cap == 0 ? 256 : ordinals->cap * 2;
        ordinals->items = notch_realloc(ordinals->alloc, ordinals->items, ordinals->cap * sizeof *ordinals->items,
                                        cap * sizeof *ordinals->items);
        ordinals->cap = cap;
    }
    ordinals->items[ordinals->count++] = ordinal;
}

static enum notch_err decode_list(struct ordinals *out, struct notch_bytes bytes)
{
    struct notch_reader reader = notch_reader(bytes);
    out->count = 0;
    uint64_t next = 0;
    while (notch_reader_left(&reader) > 0) {
        next += notch_read_uvar_max(&reader, UINT32_MAX);
        if (reader.failed || next > UINT32_MAX) {
            return NOTCH_ERR_CORRUPT;
        }
        push(out, (uint32_t)next);
        next++;
    }
    return NOTCH_OK;
}

/* Keeps in `found` what is in `other` too. */
static void intersect(struct ordinals *found, const struct ordinals *other)
{
    size_t kept = 0;
    size_t at = 0;
    for (size_t i = 0; i < found->count; i++) {
        while (at < other->count && other->items[at] < found->items[i]) {
            at++;
        }
        if (at < other->count && other->items[at] == found->items[i]) {
            found->items[kept++] = found->items[i];
        }
    }
    found->count = kept;
}

/* ---- posting lists ---- */

static struct notch_store_key list_key(const struct notch_index_term *term, uint64_t height)
{
    struct notch_store_key key = notch_key_begin(NOTCH_FLAT_INDEX);
    notch_key_add_u8(&key, term->kind);
    notch_key_add(&key, term->term, sizeof term->term);
    notch_key_add_be64(&key, height);
    return key;
}

static bool collect(void *arg, struct notch_bytes key, struct notch_bytes value)
{
    struct listing *listing = arg;
    uint64_t height = notch_get_be64(key.data + key.len - 8);
    listing->chunk[listing->chunk_count++] = (struct list){height, listing->lists.len, value.len};
    notch_buf_append(&listing->lists, value.data, value.len);
    return listing->chunk_count < CHUNK;
}

/* The next lists of the rarest term; heights alone where there is no term. */
static enum notch_err read_chunk(struct listing *listing)
{
    listing->chunk_count = 0;
    notch_buf_clear(&listing->lists);
    if (listing->low > listing->high) {
        return NOTCH_OK;
    }
    if (listing->term_count > 0) {
        struct notch_store_key from = list_key(&listing->terms[0], listing->low);
        struct notch_store_key to = list_key(&listing->terms[0], listing->high + 1);
        const struct notch_lookup *lookup = listing->lookup;
        return notch_layer_scan(lookup->layer, lookup->view, notch_store_key_bytes(&from), notch_store_key_bytes(&to),
                                listing->query->direction, collect, listing);
    }
    bool is_up = listing->query->direction == NOTCH_SCAN_UP;
    uint64_t left = listing->high - listing->low + 1;
    for (uint64_t i = 0; i < left && listing->chunk_count < CHUNK; i++) {
        uint64_t height = is_up ? listing->low + i : listing->high - i;
        listing->chunk[listing->chunk_count++] = (struct list){.height = height};
    }
    return NOTCH_OK;
}

/* All accepted records of a block, from its receipts. */
static enum notch_err find_accepted(struct listing *listing, uint64_t height)
{
    struct notch_store_key key = notch_key_number(NOTCH_FLAT_RECEIPTS, height);
    notch_buf_clear(&listing->scratch);
    listing->found.count = 0;
    enum notch_err err = notch_lookup_get(listing->lookup, &listing->scratch, notch_store_key_bytes(&key));
    if (err != NOTCH_OK) {
        return err == NOTCH_ERR_NOT_FOUND ? NOTCH_OK : err;
    }
    struct notch_reader reader = notch_reader(notch_buf_bytes(&listing->scratch));
    struct notch_receipt receipt;
    for (uint32_t ordinal = 0; notch_reader_left(&reader) > 0; ordinal++) {
        notch_receipt_read(&reader, &receipt);
        if (receipt.record == NOTCH_REJECT_NONE) {
            push(&listing->found, ordinal);
        }
    }
    return reader.failed ? NOTCH_ERR_CORRUPT : NOTCH_OK;
}

/* The records of one block that meet all conditions. */
static enum notch_err find_in_block(struct listing *listing, const struct list *list)
{
    if (listing->term_count == 0) {
        return find_accepted(listing, list->height);
    }
    enum notch_err err = decode_list(&listing->found, notch_bytes(listing->lists.data + list->at, list->len));
    for (size_t i = 1; err == NOTCH_OK && i < listing->term_count && listing->found.count > 0; i++) {
        struct notch_store_key key = list_key(&listing->terms[i], list->height);
        notch_buf_clear(&listing->scratch);
        err = notch_lookup_get(listing->lookup, &listing->scratch, notch_store_key_bytes(&key));
        if (err == NOTCH_ERR_NOT_FOUND) {
            listing->found.count = 0;
            return NOTCH_OK;
        }
        if (err == NOTCH_OK) {
            err = decode_list(&listing->other, notch_buf_bytes(&listing->scratch));
            intersect(&listing->found, &listing->other);
        }
    }
    return err;
}

static bool is_behind_cursor(const struct listing *listing, uint64_t height, uint32_t ordinal)
{
    const struct notch_index_query *query = listing->query;
    if (!query->has_cursor || query->cursor.height != height) {
        return true;
    }
    return query->direction == NOTCH_SCAN_UP ? ordinal > query->cursor.ordinal : ordinal < query->cursor.ordinal;
}

static enum notch_err visit_block(struct listing *listing, uint64_t height)
{
    bool is_up = listing->query->direction == NOTCH_SCAN_UP;
    struct notch_block_row row;
    enum notch_err err = notch_lookup_block(listing->lookup, &row, &listing->scratch, (struct notch_height){height});
    if (err != NOTCH_OK) {
        return err == NOTCH_ERR_NOT_FOUND ? NOTCH_ERR_CORRUPT : err;
    }
    for (size_t i = 0; i < listing->found.count && !listing->stopped; i++) {
        uint32_t ordinal = listing->found.items[is_up ? i : listing->found.count - 1 - i];
        if (!is_behind_cursor(listing, height, ordinal)) {
            continue;
        }
        struct notch_record_place place;
        err = notch_block_row_place(&row, &place, ordinal);
        if (err != NOTCH_OK) {
            return err;
        }
        listing->cursor = (struct notch_index_cursor){height, ordinal};
        bool goes_on = listing->visit(listing->arg, &place);
        listing->stopped = !goes_on || ++listing->visited == listing->query->limit;
    }
    return NOTCH_OK;
}

static enum notch_err list_block(struct listing *listing, const struct list *list)
{
    enum notch_err err = find_in_block(listing, list);
    if (err == NOTCH_OK && listing->found.count > 0) {
        err = visit_block(listing, list->height);
    }
    if (err != NOTCH_OK || listing->stopped) {
        return err;
    }
    bool is_up = listing->query->direction == NOTCH_SCAN_UP;
    listing->cursor = (struct notch_index_cursor){list->height, is_up ? UINT32_MAX : 0};
    listing->stopped = ++listing->steps == NOTCH_INDEX_STEPS_MAX;
    return NOTCH_OK;
}

/* ---- the query ---- */

static void set_terms(struct listing *listing)
{
    const struct notch_index_query *query = listing->query;
    if (query->by_market) {
        listing->terms[listing->term_count++] = notch_index_term_hash(NOTCH_INDEX_MARKET, query->market.raw);
    }
    if (query->by_author) {
        listing->terms[listing->term_count++] = notch_index_term_hash(NOTCH_INDEX_AUTHOR, query->author.raw);
    }
    if (query->by_type) {
        listing->terms[listing->term_count++] = notch_index_term_type(query->type);
    }
}

/* The heights that may hold an answer: by time, and behind the cursor. */
static enum notch_err set_range(struct listing *listing)
{
    const struct notch_index_query *query = listing->query;
    listing->low = 1;
    listing->high = query->top.raw; /* Raw: a range of heights */
    if (query->by_time) {
        struct notch_height height;
        enum notch_err err = notch_lookup_time(listing->lookup, &height, query->to, query->top);
        if (err != NOTCH_OK) {
            return err;
        }
        listing->high = height.raw; /* Raw: a range of heights */
        if (query->from.raw > 0) {  /* Raw: the last block before `from` */
            err = notch_lookup_time(listing->lookup, &height, (struct notch_time){query->from.raw - 1}, query->top);
            if (err != NOTCH_OK) {
                return err;
            }
            listing->low = height.raw + 1; /* Raw: a range of heights */
        }
    }
    bool is_up = query->direction == NOTCH_SCAN_UP;
    if (query->has_cursor && is_up && query->cursor.height > listing->low) {
        listing->low = query->cursor.height;
    }
    if (query->has_cursor && !is_up && query->cursor.height < listing->high) {
        listing->high = query->cursor.height;
    }
    return NOTCH_OK;
}

static enum notch_err list_all(struct listing *listing)
{
    enum notch_err err = read_chunk(listing);
    while (err == NOTCH_OK && listing->chunk_count > 0 && !listing->stopped) {
        size_t count = listing->chunk_count;
        for (size_t i = 0; err == NOTCH_OK && i < count && !listing->stopped; i++) {
            err = list_block(listing, &listing->chunk[i]);
        }
        uint64_t last = listing->chunk[count - 1].height;
        if (listing->query->direction == NOTCH_SCAN_UP) {
            listing->low = last + 1;
        } else {
            listing->high = last - 1; /* heights begin at 1 */
        }
        if (err == NOTCH_OK && !listing->stopped) {
            err = read_chunk(listing);
        }
    }
    return err;
}

enum notch_err notch_index_list(const struct notch_lookup *lookup, struct notch_index_cursor *next, bool *more,
                                const struct notch_index_query *query, notch_index_visit visit, void *arg)
{
    if (query->limit < 1 || query->limit > NOTCH_INDEX_PAGE_MAX) {
        return NOTCH_ERR_INVALID;
    }
    const struct notch_alloc *alloc = lookup->alloc;
    struct listing *listing = notch_alloc(alloc, sizeof *listing);
    *listing = (struct listing){
        .lookup = lookup,
        .query = query,
        .found = {.alloc = alloc},
        .other = {.alloc = alloc},
        .cursor = query->cursor,
        .visit = visit,
        .arg = arg,
    };
    notch_buf_init(&listing->lists, alloc);
    notch_buf_init(&listing->scratch, alloc);
    set_terms(listing);
    enum notch_err err = set_range(listing);
    if (err == NOTCH_OK) {
        err = list_all(listing);
    }
    *next = listing->cursor;
    *more = listing->stopped;
    notch_buf_fini(&listing->lists);
    notch_buf_fini(&listing->scratch);
    notch_free(alloc, listing->found.items, listing->found.cap * sizeof *listing->found.items);
    notch_free(alloc, listing->other.items, listing->other.cap * sizeof *listing->other.items);
    notch_free(alloc, listing, sizeof *listing);
    return err;
}
