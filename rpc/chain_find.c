/* Where things are: blocks and records of a view. */
#include "rpc/internal.h"

static bool first_key(void *arg, struct notch_bytes key, struct notch_bytes value)
{
    (void)value;
    struct notch_height *top = arg;
    if (key.len == 1 + 8) {
        top->raw = notch_get_be64(key.data + 1); /* Raw: decodes */
    }
    return false;
}

enum notch_err notch__top(const struct notch__call *call, struct notch_height *out)
{
    const uint8_t from = NOTCH_FLAT_BLOCK;
    const uint8_t to = NOTCH_FLAT_BLOCK + 1;
    const struct notch_store_view *view = call->sight->view;
    out->raw = UINT64_MAX; /* Raw: none yet */
    enum notch_err err =
        view->scan(view->self, notch_bytes(&from, 1), notch_bytes(&to, 1), NOTCH_SCAN_DOWN, first_key, out);
    return err == NOTCH_OK && out->raw == UINT64_MAX ? NOTCH_ERR_NOT_FOUND : err; /* Raw: likewise */
}

/* The height of a hash: found by its first half, so the row must have the whole. */
static bool height_of_hash(struct notch__call *call, size_t index, struct notch_height *out)
{
    struct notch_hash hash = notch__hash(call, index);
    struct notch_lookup lookup = notch__lookup(call);
    struct notch_block_row row;
    struct notch_buf scratch = notch__buf(call);
    enum notch_err err = notch_lookup_height(&lookup, out, &hash);
    if (err == NOTCH_OK) {
        err = notch_lookup_block(&lookup, &row, &scratch, *out);
    }
    if (err == NOTCH_OK && !notch_hash_eq(&row.hash, &hash)) {
        err = NOTCH_ERR_NOT_FOUND;
    }
    notch_buf_fini(&scratch);
    if (err != NOTCH_OK) {
        notch__fail_err(call, err, "no final block with this hash");
    }
    return err == NOTCH_OK;
}

bool notch__block_height(struct notch__call *call, size_t index, struct notch_height *out)
{
    struct notch_height top;
    enum notch_err err = notch__top(call, &top);
    if (err != NOTCH_OK) {
        notch__fail_err(call, err, "the chain");
        return false;
    }
    uint64_t height;
    if (!notch__has(call, index) || notch_bytes_eq(notch__text(call, index), notch_bytes("final", 5))) {
        *out = top;
        return true;
    }
    if (!notch__uint_of(&height, call->args[index])) {
        return height_of_hash(call, index, out);
    }
    out->raw = height; /* Raw: parsed */
    if (notch_height_cmp(*out, top) > 0) {
        notch__fail(call, NOTCH_RPC_NOT_FOUND, "no final block at this height; the newest one is at %llu",
                    (unsigned long long)top.raw); /* Raw: prints */
        return false;
    }
    return true;
}

void notch__block_init(struct notch__block *block, const struct notch__call *call)
{
    *block = (struct notch__block){.row_bytes = notch__buf(call), .bytes = notch__buf(call)};
}

void notch__block_fini(struct notch__block *block)
{
    notch_buf_fini(&block->row_bytes);
    notch_buf_fini(&block->bytes);
}

enum notch_err notch__block_read(const struct notch__call *call, struct notch__block *block, struct notch_height height)
{
    /* What is on the chain was held against its caps when it was accepted; GOVERNANCE may have changed them since. */
    static const struct notch_caps any = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    const struct notch_store_view *view = call->sight->view;
    struct notch_lookup lookup = notch__lookup(call);
    notch_buf_clear(&block->row_bytes);
    notch_buf_clear(&block->bytes);
    block->encoded = notch_bytes(NULL, 0);
    enum notch_err err = notch_lookup_block(&lookup, &block->row, &block->row_bytes, height);
    if (err != NOTCH_OK || block->row.position == NOTCH_NO_POSITION) {
        return err;
    }
    err = view->body(view->self, &block->bytes, block->row.position);
    if (err != NOTCH_OK) {
        return err;
    }
    struct notch_bytes body;
    block->encoded = notch_buf_bytes(&block->bytes);
    if (!notch_is_valid(notch_block_split(&block->header, &body, block->encoded)) ||
        !notch_is_valid(notch_body_decode(&block->body, body, &any))) {
        return NOTCH_ERR_CORRUPT;
    }
    return NOTCH_OK;
}

void notch__found_init(struct notch__found *found, const struct notch__call *call)
{
    *found = (struct notch__found){.bytes = notch__buf(call), .row_bytes = notch__buf(call), .held = NOTCH_NO_POSITION};
}

void notch__found_fini(struct notch__found *found)
{
    notch_buf_fini(&found->bytes);
    notch_buf_fini(&found->row_bytes);
}

enum notch_err notch__found_at(const struct notch__call *call, struct notch__found *found,
                               const struct notch_record_place *place)
{
    const struct notch_store_view *view = call->sight->view;
    found->place = *place;
    if (found->held != place->position) {
        notch_buf_clear(&found->bytes);
        found->held = NOTCH_NO_POSITION;
        enum notch_err err = view->body(view->self, &found->bytes, place->position);
        if (err != NOTCH_OK) {
            return err == NOTCH_ERR_NOT_FOUND ? NOTCH_ERR_CORRUPT : err;
        }
        if (!notch_is_valid(notch_batch_decode(&found->batch, notch_buf_bytes(&found->bytes)))) {
            return NOTCH_ERR_CORRUPT;
        }
        found->held = place->position;
    }
    struct notch_bytes record;
    if (notch_batch_record(&found->batch, &record, place->index) != NOTCH_OK ||
        !notch_is_valid(notch_record_decode(&found->record, record))) {
        return NOTCH_ERR_CORRUPT;
    }
    notch_record_hash(&found->record, call->rpc->options.domain);
    return NOTCH_OK;
}

/* Whether `bytes` are the record with this id: that binds header and signature, and the header the entries. */
static bool is_record(const struct notch__call *call, struct notch__found *found, const struct notch_hash *id)
{
    struct notch_hash root;
    uint32_t count;
    struct notch_record *record = &found->record;
    if (!notch_is_valid(notch_record_decode(record, notch_buf_bytes(&found->bytes)))) {
        return false;
    }
    notch_record_hash(record, call->rpc->options.domain);
    return notch_hash_eq(&record->id, id) && notch_record_entries_root(&root, &count, record->entries) == NOTCH_OK &&
           notch_hash_eq(&root, &record->entries_root);
}

enum notch_err notch__found_by_id(const struct notch__call *call, struct notch__found *found,
                                  const struct notch_hash *id)
{
    const struct notch_store_view *view = call->sight->view;
    struct notch_lookup lookup = notch__lookup(call);
    struct notch_record_place place;
    enum notch_err err = notch_lookup_record_row(&lookup, &place, &found->row, &found->row_bytes, id);
    if (err != NOTCH_OK) {
        return err;
    }
    found->place = place;
    found->held = NOTCH_NO_POSITION;
    notch_buf_clear(&found->bytes);
    err = view->part(view->self, &found->bytes, place.position, place.span);
    if (err == NOTCH_OK && is_record(call, found, id)) {
        return NOTCH_OK;
    }
    /* A stranger with the same first half, or damage: the checksum of the whole batch tells which. */
    err = notch__found_at(call, found, &place);
    if (err == NOTCH_OK && !notch_hash_eq(&found->record.id, id)) {
        err = NOTCH_ERR_NOT_FOUND;
    }
    return err;
}

enum notch_err notch__found_receipt(const struct notch__call *call, const struct notch__found *found,
                                    struct notch_receipt *out)
{
    struct notch_lookup lookup = notch__lookup(call);
    if (!found->place.all_applied) {
        return notch_lookup_receipt(&lookup, out, found->place.height, found->place.ordinal);
    }
    out->record = NOTCH_REJECT_NONE;
    out->all_applied = true;
    out->count = 0;
    return NOTCH_OK;
}
