/* listrecords: by type, author, market and time, a page at a time. */
#include "chain/index.h"
#include "rpc/internal.h"

enum { TYPE, AUTHOR, MARKET, FROM, TO, ORDER, CURSOR, LIMIT, FULL };

#define LIMIT_DEFAULT 100
#define CURSOR_LEN 12

struct page {
    struct notch__call *call;
    struct notch__found found;
    struct notch_buf places; /* struct notch_record_place each */
    enum notch_err err;
};

static bool note_place(void *arg, const struct notch_record_place *place)
{
    struct page *page = arg;
    notch_buf_append(&page->places, place, sizeof *place);
    return true;
}

static bool read_cursor(struct notch__call *call, struct notch_index_query *query)
{
    uint8_t raw[CURSOR_LEN];
    struct notch_bytes text = notch__text(call, CURSOR);
    if (!notch_hex_decode(raw, sizeof raw, (const char *)text.data, text.len)) {
        notch__fail_param(call, CURSOR, "expected the \"cursor\" of the page before");
        return false;
    }
    query->has_cursor = true;
    query->cursor.height = notch_get_be64(raw);
    query->cursor.ordinal = notch_get_be32(raw + 8);
    return true;
}

static void write_cursor(struct notch_json *json, const struct notch_index_cursor *cursor)
{
    uint8_t raw[CURSOR_LEN];
    notch_put_be64(raw, cursor->height);
    notch_put_be32(raw + 8, cursor->ordinal);
    notch_json_put_hex(json, "cursor", raw, sizeof raw);
}

static bool read_type(struct notch__call *call, struct notch_index_query *query)
{
    struct notch_bytes text = notch__text(call, TYPE);
    enum notch_entry_type type;
    if (!notch_entry_parse_name(&type, (const char *)text.data, text.len)) {
        notch__fail_param(call, TYPE, "no such type of entry; expected insight, capacity, need_commit, ...");
        return false;
    }
    query->by_type = true;
    query->type = (uint32_t)type;
    return true;
}

static bool read_order(struct notch__call *call, struct notch_index_query *query)
{
    struct notch_bytes text = notch__text(call, ORDER);
    if (notch_bytes_eq(text, notch_bytes("newest", 6))) {
        query->direction = NOTCH_SCAN_DOWN;
    } else if (!notch_bytes_eq(text, notch_bytes("oldest", 6))) {
        notch__fail_param(call, ORDER, "expected \"oldest\" or \"newest\" (first)");
        return false;
    }
    return true;
}

static bool read_limit(struct notch__call *call, struct notch_index_query *query)
{
    uint64_t limit = notch__uint(call, LIMIT);
    if (limit == 0 || limit > NOTCH_INDEX_PAGE_MAX) {
        notch__fail_param(call, LIMIT, "expected 1 to %d", NOTCH_INDEX_PAGE_MAX);
        return false;
    }
    query->limit = (uint32_t)limit;
    return true;
}

static bool read_query(struct notch__call *call, struct notch_index_query *query)
{
    *query = (struct notch_index_query){.direction = NOTCH_SCAN_UP, .limit = LIMIT_DEFAULT};
    if (notch__has(call, AUTHOR)) {
        query->by_author = true;
        query->author = notch__key(call, AUTHOR);
    }
    if (notch__has(call, MARKET)) {
        query->by_market = true;
        query->market = notch__hash(call, MARKET);
    }
    if (notch__has(call, FROM) || notch__has(call, TO)) {
        query->by_time = true;
        query->from.raw = notch__has(call, FROM) ? notch__uint(call, FROM) : 0;        /* Raw: parsed */
        query->to.raw = notch__has(call, TO) ? notch__uint(call, TO) : NOTCH_TIME_MAX; /* Raw: parsed */
        if (notch_time_cmp(query->from, query->to) > 0) {
            notch__fail_param(call, FROM, "is later than to_ms");
            return false;
        }
    }
    return (!notch__has(call, TYPE) || read_type(call, query)) &&
           (!notch__has(call, ORDER) || read_order(call, query)) &&
           (!notch__has(call, CURSOR) || read_cursor(call, query)) &&
           (!notch__has(call, LIMIT) || read_limit(call, query));
}

/* An index may meet a stranger in a term of 16 bytes: what was asked for is compared with what the record says. Whose
 * account a rotated key belongs to is for the index to know. */
static bool has_market(const struct notch_record *record, const struct notch_hash *market)
{
    struct notch_reader reader = notch_reader(record->entries);
    struct notch_entry_view view;
    while (notch_record_next_entry(&reader, &view)) {
        struct notch_entry entry;
        struct notch_entry_terms terms = {0};
        if (!notch_is_valid(notch_entry_decode(&entry, view.type, view.payload))) {
            continue;
        }
        notch_entry_terms(&terms, &entry);
        if (terms.has_market && notch_hash_eq(&terms.market, market)) {
            return true;
        }
    }
    return false;
}

static void write_row(struct page *page, const struct notch_index_query *query)
{
    struct notch__call *call = page->call;
    struct notch_json *json = &call->json;
    if (query->by_market && !has_market(&page->found.record, &query->market)) {
        return;
    }
    notch_json_open_object(json);
    notch__write_record(call, &page->found.record, notch__flag(call, FULL));
    notch_json_put_height(json, "height", page->found.place.height);
    notch_json_put_number(json, "ordinal", page->found.place.ordinal);
    notch_json_close_object(json);
}

static enum notch_err write_page(struct page *page, const struct notch_index_query *query)
{
    struct notch_json *json = &page->call->json;
    size_t count = page->places.len / sizeof(struct notch_record_place);
    enum notch_err err = NOTCH_OK;
    notch_json_key(json, "records");
    notch_json_open_array(json);
    for (size_t i = 0; err == NOTCH_OK && i < count; i++) {
        struct notch_record_place place;
        memcpy(&place, page->places.data + i * sizeof place, sizeof place);
        err = notch__found_at(page->call, &page->found, &place);
        if (err == NOTCH_OK) {
            write_row(page, query);
        }
    }
    notch_json_close_array(json);
    return err;
}

void notch__do_listrecords(struct notch__call *call)
{
    struct notch_index_query query;
    struct notch_index_cursor next = {0};
    bool more = false;
    if (!read_query(call, &query)) {
        return;
    }
    struct notch_lookup lookup = notch__lookup(call);
    struct page page = {.call = call, .places = notch__buf(call)};
    notch__found_init(&page.found, call);
    enum notch_err err = notch__top(call, &query.top);
    if (err == NOTCH_OK) {
        err = notch_index_list(&lookup, &next, &more, &query, note_place, &page);
    }
    notch_json_open_object(&call->json);
    if (err == NOTCH_OK) {
        err = write_page(&page, &query);
    }
    if (err != NOTCH_OK) {
        notch__fail_err(call, err, "the list");
    }
    notch_json_put_bool(&call->json, "more", more);
    write_cursor(&call->json, &next);
    notch_json_close_object(&call->json);
    notch__found_fini(&page.found);
    notch_buf_fini(&page.places);
}
