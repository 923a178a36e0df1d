#include "chain/lookup.h"

#include "chain/execution.h"

enum notch_err notch_lookup_get(const struct notch_lookup *lookup, struct notch_buf *out, struct notch_bytes key)
{
    return notch_layer_get(lookup->layer, lookup->view, out, key);
}

/* ---- blocks ---- */

/*
 * block 32 | slot, time uvar | state root 32 | receipts root 32 | position + 1 uvar (0: none) | records uvar |
 * batches uvar | per batch: position uvar, records uvar
 */
void notch__block_row_write(struct notch_buf *out, const struct notch_ledger_result *result, uint64_t position,
                            uint32_t batch_count, struct notch_bytes batches)
{
    struct notch_writer writer = notch_writer_grow(out);
    notch_write_hash(&writer, &result->block);
    notch_write_uvar(&writer, result->slot.raw); /* Raw: encoding */
    notch_write_uvar(&writer, result->time.raw); /* Raw: encoding */
    notch_write_hash(&writer, &result->state_root);
    notch_write_hash(&writer, &result->receipts_root);
    notch_write_uvar(&writer, position == NOTCH_NO_POSITION ? 0 : position + 1);
    notch_write_uvar(&writer, result->records);
    notch_write_uvar(&writer, batch_count);
    notch_write_bytes(&writer, batches.data, batches.len);
}

static enum notch_err decode_row(struct notch_block_row *row, struct notch_bytes bytes)
{
    struct notch_reader reader = notch_reader(bytes);
    row->hash = notch_read_hash(&reader);
    row->slot.raw = notch_read_uvar(&reader); /* Raw: decoding */
    row->time.raw = notch_read_uvar(&reader); /* Raw: decoding */
    row->state_root = notch_read_hash(&reader);
    row->receipts_root = notch_read_hash(&reader);
    row->position = notch_read_uvar(&reader) - 1; /* none is NOTCH_NO_POSITION */
    row->records = (uint32_t)notch_read_uvar_max(&reader, UINT32_MAX);
    row->batch_count = (uint32_t)notch_read_uvar_max(&reader, UINT32_MAX);
    row->batches = notch_read_bytes(&reader, notch_reader_left(&reader));
    return reader.failed ? NOTCH_ERR_CORRUPT : NOTCH_OK;
}

enum notch_err notch_lookup_block(const struct notch_lookup *lookup, struct notch_block_row *row,
                                  struct notch_buf *scratch, struct notch_height height)
{
    struct notch_store_key key = notch_key_number(NOTCH_FLAT_BLOCK, height.raw); /* Raw: encoding */
    notch_buf_clear(scratch);
    enum notch_err err = notch_lookup_get(lookup, scratch, notch_store_key_bytes(&key));
    row->height = height;
    return err != NOTCH_OK ? err : decode_row(row, notch_buf_bytes(scratch));
}

/* `count` numbers under a key of 16 bytes of a hash. */
static enum notch_err get_numbers(const struct notch_lookup *lookup, uint64_t *out, unsigned count,
                                  enum notch_flat kind, const struct notch_hash *hash)
{
    struct notch_store_key key = notch_key_hash16(kind, hash);
    struct notch_buf value;
    notch_buf_init(&value, lookup->alloc);
    enum notch_err err = notch_lookup_get(lookup, &value, notch_store_key_bytes(&key));
    if (err == NOTCH_OK) {
        struct notch_reader reader = notch_reader(notch_buf_bytes(&value));
        for (unsigned i = 0; i < count; i++) {
            out[i] = notch_read_uvar(&reader);
        }
        err = notch_reader_done(&reader) ? NOTCH_OK : NOTCH_ERR_CORRUPT;
    }
    notch_buf_fini(&value);
    return err;
}

enum notch_err notch_lookup_height(const struct notch_lookup *lookup, struct notch_height *height,
                                   const struct notch_hash *block)
{
    uint64_t numbers[2];
    enum notch_err err = get_numbers(lookup, numbers, 1, NOTCH_FLAT_HASH, block);
    if (err == NOTCH_OK) {
        *height = (struct notch_height){numbers[0]};
    }
    return err;
}

enum notch_err notch_lookup_time(const struct notch_lookup *lookup, struct notch_height *height, struct notch_time time,
                                 struct notch_height top)
{
    struct notch_buf scratch;
    notch_buf_init(&scratch, lookup->alloc);
    uint64_t low = 0;
    uint64_t high = top.raw; /* Raw: halving an interval */
    enum notch_err err = NOTCH_OK;
    while (err == NOTCH_OK && low < high) {
        uint64_t middle = high - (high - low) / 2;
        struct notch_block_row row;
        err = notch_lookup_block(lookup, &row, &scratch, (struct notch_height){middle});
        if (err != NOTCH_OK) {
            break;
        }
        if (notch_time_cmp(row.time, time) <= 0) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    notch_buf_fini(&scratch);
    *height = (struct notch_height){low};
    return err;
}

bool notch_block_row_batch(struct notch_reader *reader, struct notch_batch_place *place)
{
    if (notch_reader_left(reader) == 0) {
        return false;
    }
    place->position = notch_read_uvar(reader);
    place->records = (uint32_t)notch_read_uvar_max(reader, UINT32_MAX);
    return !reader->failed;
}

enum notch_err notch_block_row_place(const struct notch_block_row *row, struct notch_record_place *place,
                                     uint32_t ordinal)
{
    struct notch_reader reader = notch_reader(row->batches);
    struct notch_batch_place batch;
    uint32_t left = ordinal;
    while (notch_block_row_batch(&reader, &batch)) {
        if (left < batch.records) {
            *place = (struct notch_record_place){row->height, ordinal, batch.position, left, {0, 0}, false};
            return NOTCH_OK;
        }
        left -= batch.records;
    }
    return NOTCH_ERR_CORRUPT;
}

/* ---- records ---- */

/* numbers: height and ordinal. */
static enum notch_err place_of(const struct notch_lookup *lookup, struct notch_record_place *place,
                               struct notch_block_row *row, struct notch_buf *scratch, const uint64_t *numbers)
{
    enum notch_err err = notch_lookup_block(lookup, row, scratch, (struct notch_height){numbers[0]});
    if (err != NOTCH_OK) {
        return err == NOTCH_ERR_NOT_FOUND ? NOTCH_ERR_CORRUPT : err;
    }
    return numbers[1] >= row->records ? NOTCH_ERR_CORRUPT : notch_block_row_place(row, place, (uint32_t)numbers[1]);
}

enum notch_err notch_lookup_record_row(const struct notch_lookup *lookup, struct notch_record_place *place,
                                       struct notch_block_row *row, struct notch_buf *scratch,
                                       const struct notch_hash *id)
{
    uint64_t numbers[4];
    enum notch_err err = get_numbers(lookup, numbers, 4, NOTCH_FLAT_RECORD, id);
    if (err == NOTCH_OK && (numbers[2] > NOTCH_STORE_BODY_MAX || numbers[3] / 2 > NOTCH_STORE_BODY_MAX)) {
        err = NOTCH_ERR_CORRUPT;
    }
    if (err == NOTCH_OK) {
        err = place_of(lookup, place, row, scratch, numbers);
        place->span = (struct notch_store_span){(uint32_t)numbers[2], (uint32_t)(numbers[3] / 2)};
        place->all_applied = numbers[3] % 2 == 1;
    }
    return err;
}

enum notch_err notch_lookup_record(const struct notch_lookup *lookup, struct notch_record_place *place,
                                   const struct notch_hash *id)
{
    struct notch_buf scratch;
    notch_buf_init(&scratch, lookup->alloc);
    struct notch_block_row row;
    enum notch_err err = notch_lookup_record_row(lookup, place, &row, &scratch, id);
    notch_buf_fini(&scratch);
    return err;
}

enum notch_err notch_lookup_salt(const struct notch_lookup *lookup, struct notch_record_place *place,
                                 const struct notch_key *author, const struct notch_salt *salt)
{
    struct notch_hash hash;
    uint64_t numbers[2];
    notch_salt_hash(&hash, lookup->domain, author, salt);
    enum notch_err err = get_numbers(lookup, numbers, 2, NOTCH_FLAT_SALT, &hash);
    if (err != NOTCH_OK) {
        return err;
    }
    struct notch_buf scratch;
    notch_buf_init(&scratch, lookup->alloc);
    struct notch_block_row row;
    err = place_of(lookup, place, &row, &scratch, numbers);
    notch_buf_fini(&scratch);
    return err;
}

enum notch_err notch_lookup_batch(const struct notch_lookup *lookup, struct notch_height *height, uint32_t *index,
                                  const struct notch_hash *id)
{
    uint64_t numbers[2];
    enum notch_err err = get_numbers(lookup, numbers, 2, NOTCH_FLAT_BATCH, id);
    if (err == NOTCH_OK) {
        *height = (struct notch_height){numbers[0]};
        *index = (uint32_t)numbers[1];
    }
    return err;
}

static enum notch_err get_receipts(const struct notch_lookup *lookup, struct notch_buf *out, struct notch_height height)
{
    struct notch_store_key key = notch_key_number(NOTCH_FLAT_RECEIPTS, height.raw); /* Raw: encoding */
    return notch_lookup_get(lookup, out, notch_store_key_bytes(&key));
}

enum notch_err notch_lookup_receipt(const struct notch_lookup *lookup, struct notch_receipt *receipt,
                                    struct notch_height height, uint32_t ordinal)
{
    struct notch_buf receipts;
    notch_buf_init(&receipts, lookup->alloc);
    enum notch_err err = get_receipts(lookup, &receipts, height);
    struct notch_bytes bytes = {NULL, 0};
    if (err == NOTCH_OK) {
        err = notch_receipt_at(&bytes, notch_buf_bytes(&receipts), ordinal);
    }
    if (err == NOTCH_OK && !notch_is_valid(notch_receipt_decode(receipt, bytes))) {
        err = NOTCH_ERR_CORRUPT;
    }
    notch_buf_fini(&receipts);
    return err;
}

/* The leaves of the receipts of a block; CORRUPT where there are not as many as there are ids. */
static enum notch_err receipt_leaves(struct notch_hash *leaves, struct notch_bytes receipts,
                                     const struct notch_hash *record_ids, uint32_t count)
{
    struct notch_reader reader = notch_reader(receipts);
    for (uint32_t i = 0; i < count; i++) {
        struct notch_bytes receipt = notch_receipt_skip(&reader);
        if (reader.failed) {
            return NOTCH_ERR_CORRUPT;
        }
        notch_receipt_leaf(&leaves[i], &record_ids[i], receipt);
    }
    return notch_reader_done(&reader) ? NOTCH_OK : NOTCH_ERR_CORRUPT;
}

enum notch_err notch_lookup_prove_receipt(const struct notch_lookup *lookup, struct notch_hash *proof,
                                          size_t *proof_len, struct notch_buf *receipt, struct notch_height height,
                                          uint32_t ordinal, const struct notch_merkle_leaves *record_ids)
{
    if (record_ids->count > UINT32_MAX || ordinal >= record_ids->count) {
        return NOTCH_ERR_RANGE;
    }
    uint32_t record_count = (uint32_t)record_ids->count;
    struct notch_buf receipts;
    notch_buf_init(&receipts, lookup->alloc);
    struct notch_hash *leaves = notch_alloc_array(lookup->alloc, record_count, sizeof *leaves);
    enum notch_err err = get_receipts(lookup, &receipts, height);
    if (err == NOTCH_OK) {
        err = receipt_leaves(leaves, notch_buf_bytes(&receipts), record_ids->leaves, record_count);
    }
    if (err == NOTCH_OK) {
        struct notch_merkle_leaves list = {leaves, record_count};
        struct notch_merkle_nodes nodes = notch_merkle_nodes_of(&list);
        err = notch_merkle_prove_inclusion(proof, proof_len, &nodes, ordinal, record_count);
    }
    struct notch_bytes bytes = {NULL, 0};
    if (err == NOTCH_OK) {
        err = notch_receipt_at(&bytes, notch_buf_bytes(&receipts), ordinal);
        notch_buf_append(receipt, bytes.data, bytes.len);
    }
    notch_free(lookup->alloc, leaves, record_count * sizeof *leaves);
    notch_buf_fini(&receipts);
    return err;
}

/* ---- state ---- */

enum notch_err notch_lookup_state(const struct notch_lookup *lookup, struct notch_buf *value,
                                  struct notch_bytes state_key)
{
    if (state_key.len == 0 || state_key.len > NOTCH_STATE_KEY_MAX) {
        return NOTCH_ERR_NOT_FOUND;
    }
    struct notch_store_key key = notch_key_state(state_key);
    return notch_lookup_get(lookup, value, notch_store_key_bytes(&key));
}

static enum notch_err value_hash(void *self, struct notch_hash *out, struct notch_bytes key)
{
    const struct notch_lookup *lookup = self;
    struct notch_buf value;
    notch_buf_init(&value, lookup->alloc);
    enum notch_err err = notch_lookup_state(lookup, &value, key);
    if (err == NOTCH_OK) {
        notch_sha256(out, notch_buf_bytes(&value));
    }
    notch_buf_fini(&value);
    return err;
}

enum notch_err notch_lookup_prove_state(const struct notch_lookup *lookup, struct notch_buf *proof,
                                        struct notch_buf *value, bool *present, struct notch_bytes state_key)
{
    if (state_key.len == 0 || state_key.len > NOTCH_STATE_KEY_MAX) {
        return NOTCH_ERR_INVALID;
    }
    struct notch__nodes nodes = {.layer = lookup->layer, .view = lookup->view};
    struct notch_smt_nodes functions = notch__nodes_of(&nodes);
    struct notch_lookup self = *lookup;
    struct notch_smt_values values = {value_hash, &self};
    struct notch_smt *smt = notch_smt_create(lookup->alloc, lookup->domain);
    enum notch_err err = notch_smt_prove(smt, proof, present, &functions, &values, state_key);
    notch_smt_destroy(smt);
    if (err == NOTCH_OK && *present) {
        err = notch_lookup_state(lookup, value, state_key);
        err = err == NOTCH_ERR_NOT_FOUND ? NOTCH_ERR_CORRUPT : err;
    }
    return err;
}

/* Takes the `s` off the keys. */
struct state_scan {
    notch_store_visit visit;
    void *arg;
};

static bool visit_state(void *arg, struct notch_bytes key, struct notch_bytes value)
{
    struct state_scan *scan = arg;
    return scan->visit(scan->arg, notch_bytes(key.data + 1, key.len - 1), value);
}

enum notch_err notch_lookup_scan_state(const struct notch_lookup *lookup, struct notch_bytes from,
                                       struct notch_bytes to, notch_store_visit visit, void *arg)
{
    if (from.len > NOTCH_STATE_KEY_MAX || to.len > NOTCH_STATE_KEY_MAX) {
        return NOTCH_ERR_INVALID;
    }
    struct notch_store_key first = notch_key_state(from);
    struct notch_store_key last = notch_key_state(to);
    struct state_scan scan = {visit, arg};
    return notch_layer_scan(lookup->layer, lookup->view, notch_store_key_bytes(&first), notch_store_key_bytes(&last),
                            NOTCH_SCAN_UP, visit_state, &scan);
}

/* ---- history ---- */

static enum notch_err history_node(const void *self, struct notch_hash *out, uint64_t first, unsigned level)
{
    const struct notch_lookup *lookup = self;
    struct notch_buf value;
    notch_buf_init(&value, lookup->alloc);
    enum notch_err err;
    if (level == 0) {
        struct notch_block_row row;
        err = notch_lookup_block(lookup, &row, &value, (struct notch_height){first});
        if (err == NOTCH_OK) {
            notch_merkle_leaf(out, notch_bytes(row.hash.raw, sizeof row.hash.raw));
        }
    } else {
        struct notch_store_key key = notch_key_history(level, first);
        err = notch_lookup_get(lookup, &value, notch_store_key_bytes(&key));
        if (err == NOTCH_OK) {
            struct notch_reader reader = notch_reader(notch_buf_bytes(&value));
            *out = notch_read_hash(&reader);
            err = notch_reader_done(&reader) ? NOTCH_OK : NOTCH_ERR_CORRUPT;
        }
    }
    notch_buf_fini(&value);
    return err;
}

struct notch_merkle_nodes notch_lookup_history(const struct notch_lookup *lookup)
{
    return (struct notch_merkle_nodes){history_node, lookup};
}

enum notch_err notch_lookup_prove_history(const struct notch_lookup *lookup, struct notch_hash *proof,
                                          size_t *proof_len, struct notch_height height, uint64_t size)
{
    struct notch_merkle_nodes nodes = notch_lookup_history(lookup);
    return notch_merkle_prove_inclusion(proof, proof_len, &nodes, height.raw, size); /* Raw: an index */
}
