#include "chain/execution.h"

#define LOCATION_MAX ((size_t)4 * NOTCH_UVAR_MAX)

/*
 * The slot of a ref, where it is a block of this chain (design/consensus.md 1.10, 8 T5). An author names a block
 * that is final, which every chain that counts contains. What the chain itself knows to be final lags behind by some
 * blocks, so to ask for that would reject what was signed on the newest final block.
 */
static enum notch_err look_up_ref(struct notch_execution *execution, struct notch__ref *ref)
{
    struct notch_store_key key = notch_key_hash16(NOTCH_FLAT_HASH, &ref->hash);
    ref->is_known = false;
    notch_buf_clear(&execution->value);
    enum notch_err err =
        notch_layer_get(execution->layer, execution->view, &execution->value, notch_store_key_bytes(&key));
    if (err == NOTCH_ERR_NOT_FOUND) {
        return NOTCH_OK;
    }
    uint64_t height = 0;
    err = err != NOTCH_OK ? err : notch_number_decode(&height, notch_buf_bytes(&execution->value));
    if (err != NOTCH_OK) {
        return err;
    }
    struct notch_lookup lookup = {execution->view, execution->layer, execution->domain, execution->alloc};
    struct notch_block_row row;
    err = notch_lookup_block(&lookup, &row, &execution->scratch, (struct notch_height){height});
    if (err != NOTCH_OK) {
        return err == NOTCH_ERR_NOT_FOUND ? NOTCH_ERR_CORRUPT : err;
    }
    ref->is_known = notch_hash_eq(&row.hash, &ref->hash);
    ref->slot = row.slot;
    return NOTCH_OK;
}

static enum notch_err find_ref(struct notch_execution *execution, const struct notch__ref **out,
                               const struct notch_hash *hash)
{
    struct notch__ref *ref = &execution->refs[hash->raw[31] % NOTCH__REFS];
    *out = ref;
    if (ref->is_used && notch_hash_eq(&ref->hash, hash)) {
        return NOTCH_OK;
    }
    ref->hash = *hash;
    enum notch_err err = look_up_ref(execution, ref);
    ref->is_used = err == NOTCH_OK;
    return err;
}

/* T1: not before the author's clock, the maker's clock, or the block that includes it. */
static struct notch_slot effective_slot(const struct notch_execution *execution, const struct notch_batch *batch,
                                        const struct notch_record *record)
{
    struct notch_slot slot = execution->block->header->slot;
    struct notch_slot by_batch = notch_genesis_slot_at(execution->genesis, batch->ts);
    struct notch_slot by_record = notch_genesis_slot_at(execution->genesis, record->ts);
    slot = notch_slot_cmp(by_batch, slot) > 0 ? by_batch : slot;
    return notch_slot_cmp(by_record, slot) > 0 ? by_record : slot;
}

static enum notch_err check_ref(struct notch_execution *execution, enum notch_reject_code *code,
                                const struct notch_record *record, struct notch_slot effective)
{
    const struct notch__ref *ref;
    enum notch_err err = find_ref(execution, &ref, &record->ref);
    if (err != NOTCH_OK) {
        return err;
    }
    if (!ref->is_known) {
        *code = NOTCH_REJECT_UNKNOWN_REF;
    } else if (effective.raw > ref->slot.raw && /* Raw: a distance in slots */
               effective.raw - ref->slot.raw > execution->genesis->expiry_slots) {
        *code = NOTCH_REJECT_EXPIRED;
    }
    return NOTCH_OK;
}

static enum notch_err check_salt(struct notch_execution *execution, enum notch_reject_code *code,
                                 const struct notch_store_key *salt_key)
{
    struct notch_bytes value;
    switch (notch_layer_find(execution->layer, &value, notch_store_key_bytes(salt_key))) {
    case NOTCH_LAYER_VALUE:
        *code = NOTCH_REJECT_DUPLICATE;
        return NOTCH_OK;
    case NOTCH_LAYER_DELETED:
        return NOTCH_OK;
    case NOTCH_LAYER_ABSENT:
        break;
    }
    notch_buf_clear(&execution->value);
    const struct notch_store_view *view = execution->view;
    enum notch_err err = view->get(view->self, &execution->value, notch_store_key_bytes(salt_key));
    if (err == NOTCH_OK) {
        *code = NOTCH_REJECT_DUPLICATE;
    }
    return err == NOTCH_ERR_NOT_FOUND ? NOTCH_OK : err;
}

/* Whether the record as a whole counts, and for whom. */
static enum notch_err admit(struct notch_execution *execution, enum notch_reject_code *code, uint32_t *account,
                            const struct notch_record *record, const struct notch_store_key *salt_key)
{
    struct notch_apply *apply = &execution->apply;
    *code = NOTCH_REJECT_NONE;
    enum notch_err err = check_ref(execution, code, record, apply->effective);
    if (err != NOTCH_OK || *code != NOTCH_REJECT_NONE) {
        return err;
    }
    bool is_active;
    err = notch__account_of(execution, account, &is_active, &record->author);
    if (err != NOTCH_OK) {
        return err;
    }
    if (!is_active) {
        *code = NOTCH_REJECT_AUTHOR_REVOKED;
        return NOTCH_OK;
    }
    err = check_salt(execution, code, salt_key);
    if (err != NOTCH_OK || *code != NOTCH_REJECT_NONE) {
        return err;
    }
    bool fits = false;
    err = notch__account_quota(execution, &fits, *account, record->encoded.len);
    *code = fits ? NOTCH_REJECT_NONE : NOTCH_REJECT_QUOTA;
    return err;
}

/* Where a record is, for those who know its salt. */
static struct notch_bytes write_place(uint8_t out[LOCATION_MAX], const struct notch_ledger_result *result)
{
    struct notch_writer writer = notch_writer(out, LOCATION_MAX);
    notch_write_uvar(&writer, result->height.raw); /* Raw: encoding */
    notch_write_uvar(&writer, result->records);
    return notch_writer_bytes(&writer);
}

/* The same for those who know its id: with its bytes in the batch, and whether its receipt is the plain one. */
static struct notch_bytes write_location(uint8_t out[LOCATION_MAX], const struct notch_ledger_result *result,
                                         const struct notch_batch *batch, const struct notch_record *record,
                                         bool all_applied)
{
    struct notch_writer writer = notch_writer(out, LOCATION_MAX);
    notch_write_uvar(&writer, result->height.raw); /* Raw: encoding */
    notch_write_uvar(&writer, result->records);
    notch_write_uvar(&writer, (uint64_t)(record->encoded.data - batch->encoded.data));
    notch_write_uvar(&writer, record->encoded.len * 2 + (all_applied ? 1 : 0));
    return notch_writer_bytes(&writer);
}

/* A rejected record is found by its id as well, unless the same record was on the chain before. */
static enum notch_err locate_rejected(struct notch_execution *execution, const struct notch_store_key *id_key,
                                      struct notch_bytes location)
{
    notch_buf_clear(&execution->value);
    enum notch_err err =
        notch_layer_get(execution->layer, execution->view, &execution->value, notch_store_key_bytes(id_key));
    if (err == NOTCH_ERR_NOT_FOUND) {
        notch_layer_put(execution->layer, notch_store_key_bytes(id_key), location);
        return NOTCH_OK;
    }
    return err;
}

static void add_terms(struct notch_execution *execution, const struct notch_entry *entry, uint32_t ordinal)
{
    struct notch_entry_terms terms;
    notch_entry_terms(&terms, entry);
    if (terms.has_market) {
        struct notch_index_term term = notch_index_term_hash(NOTCH_INDEX_MARKET, terms.market.raw);
        notch_index_builder_add(execution->index, &term, ordinal);
    }
}

static enum notch_err execute_entry(struct notch_execution *execution, struct notch_outcome *outcome,
                                    const struct notch_entry_view *view, uint32_t ordinal)
{
    struct notch_index_term term = notch_index_term_type(view->type);
    notch_index_builder_add(execution->index, &term, ordinal);
    const struct notch_apply_row *row = view->type < NOTCH__ROWS ? execution->rows[view->type] : NULL;
    struct notch_entry entry;
    struct notch_reject reject = notch_entry_decode(&entry, view->type, view->payload);
    if (!notch_is_valid(reject)) {
        return notch_apply_reject(outcome, reject.code);
    }
    add_terms(execution, &entry, ordinal);
    return row == NULL ? notch_apply_reject(outcome, NOTCH_REJECT_UNKNOWN_TYPE)
                       : row->apply(&execution->apply, outcome, &entry);
}

static enum notch_err execute_entries(struct notch_execution *execution, const struct notch_record *record,
                                      uint32_t account, uint32_t ordinal)
{
    struct notch_apply *apply = &execution->apply;
    struct notch_receipt *receipt = &execution->receipt;
    apply->account = &execution->accounts[account].state;
    apply->author = execution->accounts[account].id;
    apply->record = record;
    apply->authors_changed = false;
    receipt->record = NOTCH_REJECT_NONE;
    receipt->all_applied = true;
    receipt->count = record->entry_count;
    struct notch_reader reader = notch_reader(record->entries);
    struct notch_entry_view view;
    for (apply->entry = 0; notch_record_next_entry(&reader, &view); apply->entry++) {
        struct notch_outcome *outcome = &receipt->outcomes[apply->entry];
        enum notch_err err = execute_entry(execution, outcome, &view, ordinal);
        if (err != NOTCH_OK) {
            return err;
        }
        receipt->all_applied = receipt->all_applied && outcome->type == NOTCH_APPLIED;
    }
    if (apply->authors_changed) {
        notch_map_clear(&execution->authors);
    }
    return NOTCH_OK;
}

/* The record counts: salt, place, feed and lists are its own from here on. */
static enum notch_err accept(struct notch_execution *execution, const struct notch_batch *batch,
                             const struct notch_record *record, uint32_t account,
                             const struct notch_store_key *salt_key, const struct notch_store_key *id_key)
{
    uint8_t raw[LOCATION_MAX];
    struct notch_ledger_result *result = execution->result;
    notch_layer_put(execution->layer, notch_store_key_bytes(salt_key), write_place(raw, result));
    notch__account_feed(execution, account, &record->id);
    struct notch_index_term term = notch_index_term_hash(NOTCH_INDEX_AUTHOR, execution->accounts[account].id.raw);
    notch_index_builder_add(execution->index, &term, result->records);
    result->accepted++;
    result->entries += record->entry_count;
    enum notch_err err = execute_entries(execution, record, account, result->records);
    notch_layer_put(execution->layer, notch_store_key_bytes(id_key),
                    write_location(raw, result, batch, record, execution->receipt.all_applied));
    return err;
}

static void append_receipt(struct notch_execution *execution, const struct notch_hash *record_id)
{
    size_t before = execution->receipts.len;
    struct notch_writer writer = notch_writer_grow(&execution->receipts);
    notch_receipt_write(&writer, &execution->receipt);
    struct notch_bytes receipt = notch_bytes(execution->receipts.data + before, execution->receipts.len - before);
    struct notch_hash leaf;
    notch_receipt_leaf(&leaf, record_id, receipt);
    notch_merkle_append(&execution->receipts_tree, &leaf);
}

enum notch_err notch__execute_record(struct notch_execution *execution, struct notch_hash *id,
                                     const struct notch_batch *batch, struct notch_bytes bytes,
                                     const struct notch_hash *known)
{
    struct notch_record record;
    if (!notch_is_valid(notch_record_decode(&record, bytes))) {
        return NOTCH_ERR_CORRUPT; /* it was checked before it came here */
    }
    if (known != NULL) {
        record.id = *known;
    } else {
        notch_record_hash(&record, execution->domain);
    }
    *id = record.id;
    execution->apply.effective = effective_slot(execution, batch, &record);
    struct notch_hash salt;
    notch_salt_hash(&salt, execution->domain, &record.author, &record.salt);
    struct notch_store_key salt_key = notch_key_hash16(NOTCH_FLAT_SALT, &salt);
    struct notch_store_key id_key = notch_key_hash16(NOTCH_FLAT_RECORD, &record.id);
    struct notch_ledger_result *result = execution->result;

    enum notch_reject_code code;
    uint32_t account = 0;
    enum notch_err err = admit(execution, &code, &account, &record, &salt_key);
    if (err != NOTCH_OK) {
        return err;
    }
    if (code == NOTCH_REJECT_NONE) {
        err = accept(execution, batch, &record, account, &salt_key, &id_key);
    } else {
        execution->receipt.record = code;
        uint8_t raw[LOCATION_MAX];
        err = locate_rejected(execution, &id_key, write_location(raw, result, batch, &record, false));
    }
    append_receipt(execution, &record.id);
    result->records++;
    return err;
}
