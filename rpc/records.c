/* Submitting records, and where they stand. */
#include "chain/state.h"
#include "rpc/internal.h"

static void write_result(struct notch__call *call, const struct notch_record_result *result)
{
    struct notch_json *json = &call->json;
    if (!notch_hash_is_zero(&result->id)) {
        notch_json_put_hash(json, "id", &result->id);
    }
    notch_json_put_string(json, "status", notch_record_status_name(result->status));
    if (result->status == NOTCH_STATUS_REFUSED) {
        notch_json_put_string(json, "code", notch_reject_name(result->reject.code));
        notch_json_put_string(json, "reason", result->reject.reason);
        return;
    }
    if (result->duplicate) {
        notch_json_put_bool(json, "duplicate", true);
    }
    if (result->status >= NOTCH_STATUS_INCLUDED) {
        notch_json_put_number(json, "height", result->height);
    }
    if (result->status == NOTCH_STATUS_LOCAL || result->status == NOTCH_STATUS_STORED) {
        notch_json_put_number(json, "stored_by", result->stored_by);
    }
}

/* ---- submitting ---- */

static void request_submit(struct notch__call *call)
{
    call->has_request = true;
    call->request.type = NOTCH_REQUEST_SUBMIT;
    call->request.submit.records = call->spans;
    call->request.submit.count = call->span_count;
}

static void make_spans(struct notch__call *call, size_t count)
{
    call->spans = notch_alloc_array(call->rpc->options.alloc, count, sizeof *call->spans);
    call->span_count = count;
}

void notch__do_submitrecord(struct notch__call *call)
{
    notch__hex(call, &call->memory, 0);
    make_spans(call, 1);
    call->spans[0] = notch_buf_bytes(&call->memory);
    request_submit(call);
}

void notch__do_submitted(struct notch__call *call)
{
    if (notch__fail_reply(call)) {
        return;
    }
    const struct notch_record_result *result = call->reply.records.results;
    if (result->status == NOTCH_STATUS_REFUSED) {
        notch__fail_reject(call, result->reject);
        return;
    }
    notch_json_open_object(&call->json);
    write_result(call, result);
    notch_json_close_object(&call->json);
}

void notch__do_submitrecords(struct notch__call *call)
{
    const json_t *list = call->args[0];
    size_t count = json_array_size(list);
    if (count == 0 || count > NOTCH_SUBMIT_MAX) {
        notch__fail_param(call, 0, "expected 1 to %d records", NOTCH_SUBMIT_MAX);
        return;
    }
    make_spans(call, count);
    for (size_t i = 0; i < count; i++) {
        size_t start = call->memory.len;
        if (!notch__hex_of(&call->memory, json_array_get(list, i))) {
            notch__fail_param(call, 0, "record %zu: expected bytes as hex", i);
            return;
        }
        call->spans[i].len = call->memory.len - start;
    }
    const uint8_t *at = call->memory.data; /* it moves no more */
    for (size_t i = 0; i < count; i++) {
        call->spans[i].data = at;
        at += call->spans[i].len;
    }
    request_submit(call);
}

void notch__do_submitted_all(struct notch__call *call)
{
    struct notch_json *json = &call->json;
    if (notch__fail_reply(call)) {
        return;
    }
    notch_json_open_object(json);
    notch_json_key(json, "results");
    notch_json_open_array(json);
    for (size_t i = 0; i < call->reply.records.count; i++) {
        notch_json_open_object(json);
        write_result(call, &call->reply.records.results[i]);
        notch_json_close_object(json);
    }
    notch_json_close_array(json);
    notch_json_close_object(json);
}

/* ---- status ---- */

static enum notch_err claims_of(struct notch__call *call, struct notch_buf *value, const struct notch_record *record,
                                const struct notch_entry *entry)
{
    struct notch_lookup lookup = notch__lookup(call);
    struct notch_store_key key;
    if (entry->type == NOTCH_ENTRY_MODEL) {
        key = notch_state_key_32(NOTCH_STATE_MODEL, entry->as.model.root.raw); /* Raw: a key of the state */
    } else {
        const struct notch_need_commit *need = &entry->as.need_commit;
        key = notch_state_key_place(NOTCH_STATE_NEED, &need->resource, &need->period, &record->author);
    }
    return notch_lookup_state(&lookup, value, notch_store_key_bytes(&key));
}

/* Counts the claims of a record that are open, and all of them. */
static void count_claims(struct notch__call *call, const struct notch_record *record, unsigned *open, unsigned *all)
{
    struct notch_reader reader = notch_reader(record->entries);
    struct notch_entry_view view;
    struct notch_buf value = notch__buf(call);
    while (notch_record_next_entry(&reader, &view)) {
        struct notch_entry entry;
        bool claims = view.type == NOTCH_ENTRY_MODEL || view.type == NOTCH_ENTRY_NEED_COMMIT;
        if (!claims || !notch_is_valid(notch_entry_decode(&entry, view.type, view.payload))) {
            continue;
        }
        notch_buf_clear(&value);
        struct notch_claims state;
        if (claims_of(call, &value, record, &entry) != NOTCH_OK) {
            continue;
        }
        struct notch_reader bytes = notch_reader(notch_buf_bytes(&value));
        notch_claims_read(&bytes, &state);
        *all += 1;
        *open += !bytes.failed && !state.is_settled;
    }
    notch_buf_fini(&value);
}

/* Answers from the view; false: it has no such record. */
static bool status_from_view(struct notch__call *call)
{
    struct notch_json *json = &call->json;
    struct notch_hash id = notch__hash(call, 0);
    struct notch_receipt receipt;
    struct notch__found found;
    notch__found_init(&found, call);
    enum notch_err err = notch__found_by_id(call, &found, &id);
    if (err == NOTCH_OK) {
        err = notch__found_receipt(call, &found, &receipt);
    }
    if (err == NOTCH_OK) {
        unsigned open = 0;
        unsigned all = 0;
        if (receipt.record == NOTCH_REJECT_NONE) {
            count_claims(call, &found.record, &open, &all);
        }
        enum notch_record_status status = all > 0 && open == 0 ? NOTCH_STATUS_SETTLED : NOTCH_STATUS_FINAL;
        notch_json_open_object(json);
        notch_json_put_hash(json, "id", &id);
        notch_json_put_string(json, "status", notch_record_status_name(status));
        notch_json_put_height(json, "height", found.place.height);
        notch_json_put_number(json, "open_claims", open);
        notch_json_key(json, "receipt");
        notch_json_open_object(json);
        notch__write_receipt(call, &receipt, found.record.entry_count);
        notch_json_close_object(json);
        notch_json_close_object(json);
    } else if (err != NOTCH_ERR_NOT_FOUND) {
        notch__fail_err(call, err, "the record");
    }
    notch__found_fini(&found);
    return err != NOTCH_ERR_NOT_FOUND;
}

void notch__do_getrecordstatus(struct notch__call *call)
{
    if (status_from_view(call)) {
        return;
    }
    call->has_request = true;
    call->request.type = NOTCH_REQUEST_STATUS;
    call->request.status.record = notch__hash(call, 0);
}

void notch__do_status_replied(struct notch__call *call)
{
    if (notch__fail_reply(call)) {
        return;
    }
    const struct notch_record_result *result = call->reply.records.results;
    bool final = result->status == NOTCH_STATUS_UNKNOWN || result->status >= NOTCH_STATUS_FINAL;
    if (final && status_from_view(call)) {
        return; /* it became final in between */
    }
    notch_json_open_object(&call->json);
    write_result(call, result);
    notch_json_close_object(&call->json);
}
