/* Blocks, records, entries and receipts, one at a time. */
#include "rpc/internal.h"

/* ---- blocks ---- */

static void put_checkpoint(struct notch_json *json, const char *key, const struct notch_checkpoint *checkpoint)
{
    notch_json_key(json, key);
    notch_json_open_object(json);
    notch_json_put_slot(json, "slot", checkpoint->slot);
    notch_json_put_hash(json, "hash", &checkpoint->hash);
    notch_json_close_object(json);
}

static void write_header(struct notch_json *json, const struct notch_header *header)
{
    notch_json_put_number(json, "rules", header->rules);
    notch_json_put_bool(json, "signal", (header->flags & NOTCH_HEADER_SIGNAL) != 0);
    notch_json_put_bool(json, "pending", (header->flags & NOTCH_HEADER_PENDING) != 0);
    notch_json_put_hash(json, "parent", &header->parent);
    notch_json_put_number(json, "set_id", header->set_id);
    notch_json_put_hash(json, "set_root", &header->set_root);
    notch_json_put_hash(json, "next_set_root", &header->next_set_root);
    notch_json_put_number(json, "proposer", header->proposer);
    notch_json_put_hex(json, "vrf", header->vrf.raw, sizeof header->vrf.raw); /* Raw: prints */
    notch_json_put_hash(json, "batches_root", &header->batches_root);
    notch_json_put_number(json, "n_batches", header->n_batches);
    notch_json_put_number(json, "n_records", header->n_records);
    notch_json_put_hash(json, "votes_root", &header->votes_root);
    notch_json_put_hash(json, "evidence_root", &header->evidence_root);
    notch_json_put_hash(json, "parent_state_root", &header->parent_state_root);
    notch_json_put_hash(json, "parent_receipts_root", &header->parent_receipts_root);
    notch_json_put_hash(json, "history_root", &header->history_root);
    put_checkpoint(json, "justified", &header->justified);
    put_checkpoint(json, "finalized", &header->finalized);
    notch_json_put_hex(json, "sig", header->sig.raw, sizeof header->sig.raw); /* Raw: prints */
}

static void write_row(struct notch_json *json, const struct notch_block_row *row)
{
    notch_json_put_hash(json, "hash", &row->hash);
    notch_json_put_height(json, "height", row->height);
    notch_json_put_slot(json, "slot", row->slot);
    notch_json_put_time(json, "time_ms", row->time);
}

/* The block that parameter 0 means, as `put` writes it. */
static void answer_block(struct notch__call *call, void (*put)(struct notch__call *, const struct notch__block *))
{
    struct notch_height height;
    if (!notch__block_height(call, 0, &height)) {
        return;
    }
    struct notch__block block;
    notch__block_init(&block, call);
    enum notch_err err = notch__block_read(call, &block, height);
    if (err != NOTCH_OK) {
        notch__fail_err(call, err, "the block");
    } else {
        put(call, &block);
    }
    notch__block_fini(&block);
}

static void write_header_of(struct notch__call *call, const struct notch__block *block)
{
    struct notch_json *json = &call->json;
    notch_json_open_object(json);
    write_row(json, &block->row);
    if (block->encoded.len > 0) {
        write_header(json, &block->header);
        notch_json_put_hex(json, "hex", block->encoded.data, NOTCH_HEADER_LEN);
    }
    notch_json_close_object(json);
}

void notch__do_getheader(struct notch__call *call)
{
    answer_block(call, write_header_of);
}

/* The ids of the records of a block, in order. */
static void write_record_ids(struct notch__call *call, const struct notch_block_row *row)
{
    struct notch_json *json = &call->json;
    struct notch_reader batches = notch_reader(row->batches);
    struct notch_batch_place place;
    struct notch__found found;
    notch__found_init(&found, call);
    notch_json_key(json, "records");
    notch_json_open_array(json);
    enum notch_err err = NOTCH_OK;
    while (err == NOTCH_OK && notch_block_row_batch(&batches, &place)) {
        struct notch_record_place at = {.height = row->height, .position = place.position};
        for (uint32_t i = 0; err == NOTCH_OK && i < place.records; i++) {
            at.index = i;
            err = notch__found_at(call, &found, &at);
            if (err == NOTCH_OK) {
                notch_json_hash(json, &found.record.id);
            }
        }
    }
    notch_json_close_array(json);
    if (err != NOTCH_OK) {
        notch__fail_err(call, err, "a batch of the block");
    }
    notch__found_fini(&found);
}

static void write_block(struct notch__call *call, const struct notch__block *block)
{
    struct notch_json *json = &call->json;
    const struct notch_body *body = &block->body;
    notch_json_open_object(json);
    write_row(json, &block->row);
    notch_json_put_hash(json, "state_root", &block->row.state_root);
    notch_json_put_hash(json, "receipts_root", &block->row.receipts_root);
    notch_json_key(json, "batches");
    notch_json_open_array(json);
    for (uint32_t i = 0; block->encoded.len > 0 && i < body->n_batches; i++) {
        struct notch_hash id = notch_body_batch(body, i);
        notch_json_hash(json, &id);
    }
    notch_json_close_array(json);
    notch_json_put_number(json, "n_records", block->row.records);
    notch_json_put_number(json, "n_votes", block->encoded.len > 0 ? body->n_votes : 0);
    notch_json_put_number(json, "n_evidence", block->encoded.len > 0 ? body->n_evidence : 0);
    if (block->encoded.len > 0) {
        notch_json_key(json, "header");
        notch_json_open_object(json);
        write_header(json, &block->header);
        notch_json_close_object(json);
    }
    if (notch__flag(call, 1)) {
        write_record_ids(call, &block->row);
    }
    if (notch__flag(call, 2)) {
        notch_json_put_hex(json, "hex", block->encoded.data, block->encoded.len);
    }
    notch_json_close_object(json);
}

void notch__do_getblock(struct notch__call *call)
{
    answer_block(call, write_block);
}

/* ---- records ---- */

static void write_block_of(struct notch_json *json, const struct notch__found *found)
{
    notch_json_key(json, "block");
    notch_json_open_object(json);
    write_row(json, &found->row);
    notch_json_close_object(json);
}

void notch__write_record(struct notch__call *call, const struct notch_record *record, bool with_entries)
{
    struct notch_json *json = &call->json;
    notch_json_put_hash(json, "id", &record->id);
    notch_json_put_key(json, "author", &record->author);
    notch_json_put_time(json, "ts_ms", record->ts);
    notch_json_put_hex(json, "salt", record->salt.raw, sizeof record->salt.raw); /* Raw: prints */
    notch_json_put_hash(json, "ref", &record->ref);
    notch_json_put_number(json, "n_entries", record->entry_count);
    notch_json_put_hash(json, "entries_root", &record->entries_root);
    notch_json_put_hex(json, "sig", record->sig.raw, sizeof record->sig.raw); /* Raw: prints */
    if (!with_entries) {
        return;
    }
    notch_json_key(json, "entries");
    notch_json_open_array(json);
    struct notch_reader reader = notch_reader(record->entries);
    struct notch_entry_view view;
    while (notch_record_next_entry(&reader, &view)) {
        notch_json_open_object(json);
        notch__write_entry(json, &view);
        notch_json_close_object(json);
    }
    notch_json_close_array(json);
}

void notch__write_outcome(struct notch_json *json, const struct notch_outcome *outcome)
{
    switch (outcome->type) {
    case NOTCH_APPLIED:
        notch_json_put_string(json, "outcome", "applied");
        return;
    case NOTCH_SUPERSEDED:
        notch_json_put_string(json, "outcome", "superseded");
        notch_json_key(json, "by");
        notch_json_open_object(json);
        notch_json_put_hash(json, "record", &outcome->superseded.record);
        notch_json_put_number(json, "entry", outcome->superseded.entry);
        notch_json_close_object(json);
        return;
    case NOTCH_REJECTED:
        notch_json_put_string(json, "outcome", "rejected");
        notch_json_put_string(json, "code", notch_reject_name(outcome->code));
        notch_json_put_string(json, "reason", notch_reject_text(outcome->code));
        return;
    }
    notch_unreachable();
}

/* The members of a receipt: "outcome" of the whole ("applied", "rejected", or "mixed" with "entries"). */
void notch__write_receipt(struct notch__call *call, const struct notch_receipt *receipt, uint32_t entries)
{
    struct notch_json *json = &call->json;
    if (receipt->record != NOTCH_REJECT_NONE) {
        struct notch_outcome whole = {.type = NOTCH_REJECTED, .code = receipt->record};
        notch__write_outcome(json, &whole);
        return;
    }
    if (receipt->all_applied) {
        notch_json_put_string(json, "outcome", "applied");
        return;
    }
    notch_json_put_string(json, "outcome", "mixed");
    notch_json_key(json, "entries");
    notch_json_open_array(json);
    for (uint32_t i = 0; i < receipt->count && i < entries; i++) {
        struct notch_outcome outcome = notch_receipt_outcome(receipt, i);
        notch_json_open_object(json);
        notch__write_outcome(json, &outcome);
        notch_json_close_object(json);
    }
    notch_json_close_array(json);
}

/* Finds the record that parameter 0 names, with its receipt; false: the call has failed. */
static bool find(struct notch__call *call, struct notch__found *found, struct notch_receipt *receipt)
{
    struct notch_hash id = notch__hash(call, 0);
    enum notch_err err = notch__found_by_id(call, found, &id);
    if (err == NOTCH_OK) {
        err = notch__found_receipt(call, found, receipt);
    }
    if (err == NOTCH_ERR_NOT_FOUND) {
        notch__fail(call, NOTCH_RPC_NOT_FOUND,
                    "no final record with this id; getrecordstatus knows those on their way");
    } else if (err != NOTCH_OK) {
        notch__fail_err(call, err, "the record");
    }
    return err == NOTCH_OK;
}

void notch__do_getrecord(struct notch__call *call)
{
    struct notch_json *json = &call->json;
    struct notch_receipt receipt;
    struct notch__found found;
    notch__found_init(&found, call);
    if (find(call, &found, &receipt)) {
        bool raw = notch__flag(call, 1);
        notch_json_open_object(json);
        notch__write_record(call, &found.record, !raw);
        if (raw) {
            notch_json_put_hex(json, "hex", found.record.encoded.data, found.record.encoded.len);
        }
        write_block_of(json, &found);
        notch_json_put_number(json, "ordinal", found.place.ordinal);
        notch_json_key(json, "receipt");
        notch_json_open_object(json);
        notch__write_receipt(call, &receipt, found.record.entry_count);
        notch_json_close_object(json);
        notch_json_close_object(json);
    }
    notch__found_fini(&found);
}

void notch__do_getentry(struct notch__call *call)
{
    struct notch_json *json = &call->json;
    struct notch_receipt receipt;
    struct notch__found found;
    notch__found_init(&found, call);
    if (find(call, &found, &receipt)) {
        uint64_t index = notch__uint(call, 1);
        struct notch_entry_view view;
        if (index >= found.record.entry_count ||
            notch_record_entry(&found.record, &view, (uint32_t)index) != NOTCH_OK) {
            notch__fail(call, NOTCH_RPC_NOT_FOUND, "the record has the entries 0 to %u", found.record.entry_count - 1);
        } else {
            struct notch_outcome outcome = notch_receipt_outcome(&receipt, (uint32_t)index);
            notch_json_open_object(json);
            notch_json_put_hash(json, "record", &found.record.id);
            notch_json_put_number(json, "index", index);
            notch_json_put_key(json, "author", &found.record.author);
            notch_json_put_time(json, "ts_ms", found.record.ts);
            notch_json_key(json, "entry");
            notch_json_open_object(json);
            notch__write_entry(json, &view);
            notch_json_close_object(json);
            notch__write_outcome(json, &outcome);
            write_block_of(json, &found);
            notch_json_close_object(json);
        }
    }
    notch__found_fini(&found);
}

/* ---- receipts ---- */

/* The ids of all records of a block, one behind the other: the leaves of its receipts. */
static enum notch_err gather_ids(struct notch__call *call, struct notch_buf *ids, const struct notch_block_row *row)
{
    struct notch_reader batches = notch_reader(row->batches);
    struct notch_batch_place place;
    struct notch__found found;
    notch__found_init(&found, call);
    enum notch_err err = NOTCH_OK;
    while (err == NOTCH_OK && notch_block_row_batch(&batches, &place)) {
        struct notch_record_place at = {.height = row->height, .position = place.position};
        for (uint32_t i = 0; err == NOTCH_OK && i < place.records; i++) {
            at.index = i;
            err = notch__found_at(call, &found, &at);
            notch_buf_append(ids, &found.record.id, sizeof found.record.id);
        }
    }
    notch__found_fini(&found);
    return err;
}

static enum notch_err write_receipt_proof(struct notch__call *call, const struct notch__found *found)
{
    struct notch_json *json = &call->json;
    struct notch_lookup lookup = notch__lookup(call);
    struct notch_buf ids = notch__buf(call);
    struct notch_buf receipt = notch__buf(call);
    struct notch_hash proof[NOTCH_MERKLE_PROOF_MAX];
    size_t proof_len = 0;
    enum notch_err err = gather_ids(call, &ids, &found->row);
    uint32_t count = (uint32_t)(ids.len / sizeof(struct notch_hash));
    if (err == NOTCH_OK) {
        const struct notch_merkle_leaves list = {(const struct notch_hash *)(const void *)ids.data, count};
        err = notch_lookup_prove_receipt(&lookup, proof, &proof_len, &receipt, found->place.height,
                                         found->place.ordinal, &list);
    }
    if (err == NOTCH_OK) {
        notch_json_put_hash(json, "receipts_root", &found->row.receipts_root);
        notch_json_put_number(json, "size", count);
        notch_json_put_hex(json, "hex", receipt.data, receipt.len);
        notch_json_key(json, "proof");
        notch_json_open_array(json);
        for (size_t i = 0; i < proof_len; i++) {
            notch_json_hash(json, &proof[i]);
        }
        notch_json_close_array(json);
    }
    notch_buf_fini(&ids);
    notch_buf_fini(&receipt);
    return err;
}

void notch__do_getreceipt(struct notch__call *call)
{
    struct notch_json *json = &call->json;
    struct notch_receipt receipt;
    struct notch__found found;
    notch__found_init(&found, call);
    if (find(call, &found, &receipt)) {
        notch_json_open_object(json);
        notch_json_put_hash(json, "record", &found.record.id);
        notch_json_put_height(json, "height", found.place.height);
        notch_json_put_number(json, "ordinal", found.place.ordinal);
        notch__write_receipt(call, &receipt, found.record.entry_count);
        enum notch_err err = notch__flag(call, 1) ? write_receipt_proof(call, &found) : NOTCH_OK;
        if (err != NOTCH_OK) {
            notch__fail_err(call, err, "the proof");
        }
        notch_json_close_object(json);
    }
    notch__found_fini(&found);
}
