/* Records that this node's author signs: insights, needs, capacities, recognition, and entries of any kind. */
#include "rpc/internal.h"

void notch__request_entries(struct notch__call *call, enum notch_request_type type)
{
    const uint8_t *at = call->memory.data; /* it moves no more */
    for (size_t i = 0; i < call->span_count; i++) {
        call->spans[i].data = at;
        at += call->spans[i].len;
    }
    call->has_request = true;
    call->request.type = type;
    call->request.publish.entries = call->spans;
    call->request.publish.count = call->span_count;
}

static bool has_author(struct notch__call *call)
{
    static const struct notch_key none;
    const struct notch_node_info *info = call->sight->info;
    if (info != NULL && notch_key_eq(&info->author, &none)) {
        notch__fail(call, NOTCH_RPC_UNAVAILABLE,
                    "this node has no author key: configure one, or sign elsewhere and use "
                    "submitrecord");
        return false;
    }
    return true;
}

static void make_spans(struct notch__call *call, size_t count)
{
    call->spans = notch_alloc_array(call->rpc->options.alloc, count, sizeof *call->spans);
    call->span_count = count;
}

/* Entries of any type; `type` is set where the objects do not say theirs. */
static void entries_of_list(struct notch__call *call, const char *type, enum notch_request_type request)
{
    const json_t *list = call->args[0];
    size_t count = json_array_size(list);
    if (!has_author(call)) {
        return;
    }
    if (count == 0 || count > NOTCH_RECORD_ENTRIES_MAX) {
        notch__fail_param(call, 0, "expected 1 to %d entries", NOTCH_RECORD_ENTRIES_MAX);
        return;
    }
    make_spans(call, count);
    for (size_t i = 0; i < count; i++) {
        size_t start = call->memory.len;
        json_t *item = json_array_get(list, i);
        json_t *typed = NULL;
        if (type != NULL && json_is_object(item) && json_object_get(item, "type") == NULL) {
            typed = json_copy(item);
            (void)json_object_set_new(typed, "type", json_string(type));
        }
        bool read = notch__read_entry(call, &call->memory, typed != NULL ? typed : item, i);
        json_decref(typed);
        if (!read) {
            return;
        }
        call->spans[i].len = call->memory.len - start;
    }
    notch__request_entries(call, request);
}

void notch__do_publishinsight(struct notch__call *call)
{
    entries_of_list(call, "insight", NOTCH_REQUEST_PUBLISH);
}

void notch__do_signrecord(struct notch__call *call)
{
    entries_of_list(call, NULL, NOTCH_REQUEST_SIGN);
}

/* One entry whose members are the parameters of the call, by their names. */
static void entry_of_params(struct notch__call *call, const char *type)
{
    if (!has_author(call)) {
        return;
    }
    json_t *object = json_object();
    (void)json_object_set_new(object, "type", json_string(type));
    for (size_t i = 0; i < call->method->param_count; i++) {
        if (call->args[i] != NULL) {
            (void)json_object_set(object, call->method->params[i].name, (json_t *)(uintptr_t)call->args[i]);
        }
    }
    make_spans(call, 1);
    bool read = notch__read_entry(call, &call->memory, object, 0);
    json_decref(object);
    if (read) {
        call->spans[0].len = call->memory.len;
        notch__request_entries(call, NOTCH_REQUEST_PUBLISH);
    }
}

void notch__do_offercapacity(struct notch__call *call)
{
    entry_of_params(call, "capacity");
}

void notch__do_recognise(struct notch__call *call)
{
    entry_of_params(call, "recognition");
}

static void need(struct notch__call *call, enum notch_need_step step)
{
    struct notch_need_request *request = &call->request.need;
    if (!has_author(call)) {
        return;
    }
    uint64_t start = notch__uint(call, 1);
    uint64_t length = notch__uint(call, 2);
    if (start > NOTCH_TIME_MAX) {
        notch__fail_param(call, 1, "behind the year 9999");
        return;
    }
    if (length == 0 || length > NOTCH_PERIOD_MS_MAX || start + length > NOTCH_TIME_MAX) {
        notch__fail_param(call, 2, "expected 1 ms to ten years, before the year 10000");
        return;
    }
    call->has_request = true;
    call->request.type = NOTCH_REQUEST_NEED;
    *request = (struct notch_need_request){.step = step,
                                           .resource = notch__hash(call, 0),
                                           .start = {start},
                                           .length_ms = length,
                                           .amount = {(int64_t)notch__uint(call, 3)}};
}

void notch__do_commitneed(struct notch__call *call)
{
    need(call, NOTCH_NEED_STEP_COMMIT);
}

void notch__do_revealneed(struct notch__call *call)
{
    need(call, NOTCH_NEED_STEP_REVEAL);
}

/* The record that was signed, in two ways: what became of it, or its bytes. */
static void write_signed(struct notch__call *call)
{
    struct notch_json *json = &call->json;
    const struct notch_record_result *result = call->reply.records.results;
    if (notch__fail_reply(call)) {
        return;
    }
    if (result->status == NOTCH_STATUS_REFUSED) {
        notch__fail_reject(call, result->reject);
        return;
    }
    notch_json_open_object(json);
    notch_json_put_hash(json, "id", &result->id);
    if (call->request.type != NOTCH_REQUEST_SIGN) {
        notch_json_put_string(json, "status", notch_record_status_name(result->status));
        notch_json_put_bool(json, "duplicate", result->duplicate);
        if (result->status >= NOTCH_STATUS_INCLUDED) {
            notch_json_put_number(json, "height", result->height);
        }
    }
    notch_json_put_hex(json, "record", call->reply.records.record.data, call->reply.records.record.len);
    notch_json_close_object(json);
}

void notch__do_published(struct notch__call *call)
{
    write_signed(call);
}

void notch__do_signed(struct notch__call *call)
{
    write_signed(call);
}
