/* From a body to calls, from calls to a response: JSON-RPC 2.0. The methods themselves are behind the table. */
#include "rpc/exchange.h"

#include "rpc/internal.h"

#include <stdio.h>

#define BODY_BYTES_DEFAULT (4u << 20)
#define RESPONSE_BYTES_DEFAULT (32u << 20)
#define BATCH_DEFAULT 256

struct notch_exchange {
    const struct notch_rpc *rpc;
    struct notch_rpc_caller caller;
    json_t *root; /* the parsed body: ids and parameters point into it */
    struct notch__call *calls;
    uint32_t call_count;
    uint32_t call_cap;
    uint32_t given; /* calls before this one have given out their requests */
    uint32_t awaited;
    uint32_t errors;
    bool is_batch;
    bool waits; /* some call before has no answer yet: later ones keep theirs back */
    bool stops;
    bool refused; /* as a whole: the text says why */
    enum notch_exchange_outcome outcome;
    struct notch_buf text;
};

enum notch_err notch_rpc_create(struct notch_rpc **out, const struct notch_rpc_options *options)
{
    json_t *config = json_loads(options->config, JSON_REJECT_DUPLICATES, NULL);
    bool known = json_is_object(config);
    json_decref(config);
    if (!known) {
        return NOTCH_ERR_INVALID;
    }
    struct notch_rpc *rpc = notch_alloc(options->alloc, sizeof *rpc);
    rpc->options = *options;
    if (rpc->options.body_bytes_max == 0) {
        rpc->options.body_bytes_max = BODY_BYTES_DEFAULT;
    }
    if (rpc->options.response_bytes_max == 0) {
        rpc->options.response_bytes_max = RESPONSE_BYTES_DEFAULT;
    }
    if (rpc->options.batch_max == 0) {
        rpc->options.batch_max = BATCH_DEFAULT;
    }
    rpc->rules = notch_genesis_rules(options->genesis, options->domain, options->crypto);
    notch_buf_init(&rpc->genesis, options->alloc);
    notch_genesis_encode(options->genesis, &rpc->genesis);
    *out = rpc;
    return NOTCH_OK;
}

void notch_rpc_destroy(struct notch_rpc *rpc)
{
    if (rpc == NULL) {
        return;
    }
    notch_buf_fini(&rpc->genesis);
    notch_free(rpc->options.alloc, rpc, sizeof *rpc);
}

const struct notch_rpc_options *notch_rpc_options(const struct notch_rpc *rpc)
{
    return &rpc->options;
}

struct notch_exchange *notch_exchange_create(const struct notch_rpc *rpc, const struct notch_rpc_caller *caller)
{
    struct notch_exchange *exchange = notch_alloc(rpc->options.alloc, sizeof *exchange);
    exchange->rpc = rpc;
    exchange->caller = *caller;
    notch_buf_init(&exchange->text, rpc->options.alloc);
    return exchange;
}

void notch_exchange_destroy(struct notch_exchange *exchange)
{
    if (exchange == NULL) {
        return;
    }
    notch_assert(exchange->awaited == 0);
    const struct notch_alloc *alloc = exchange->rpc->options.alloc;
    for (uint32_t i = 0; i < exchange->call_count; i++) {
        struct notch__call *call = &exchange->calls[i];
        notch_buf_fini(&call->own);
        notch_buf_fini(&call->memory);
        notch_free(alloc, call->spans, call->span_count * sizeof *call->spans);
    }
    notch_free(alloc, exchange->calls, exchange->call_cap * sizeof *exchange->calls);
    json_decref(exchange->root);
    notch_buf_fini(&exchange->text);
    notch_free(alloc, exchange, sizeof *exchange);
}

/* ---- writing responses ---- */

static const char *message_of(int code)
{
    static const struct {
        int code;
        const char *message;
    } messages[] = {
        {-32700, "parse error"},        {-32600, "invalid request"},        {-32601, "method not found"},
        {-32602, "invalid params"},     {-32603, "internal error"},         {NOTCH_RPC_NOT_FOUND, "not found"},
        {NOTCH_RPC_REFUSED, "refused"}, {NOTCH_RPC_FORBIDDEN, "forbidden"}, {NOTCH_RPC_UNAVAILABLE, "not available"},
        {NOTCH_RPC_BUSY, "busy"},       {NOTCH_RPC_TOO_LARGE, "too large"}};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(messages); i++) {
        if (messages[i].code == code) {
            return messages[i].message;
        }
    }
    return "error";
}

static void write_id(struct notch_json *json, const json_t *id)
{
    notch_json_key(json, "id");
    if (json_is_string(id)) {
        notch_json_text(json, json_string_value(id), json_string_length(id));
    } else if (json_is_integer(id)) {
        notch_json_signed(json, json_integer_value(id));
    } else {
        notch_json_null(json);
    }
}

static void write_error(struct notch_json *json, int code, const char *message, const char *reject, const char *reason,
                        const json_t *id)
{
    notch_json_open_object(json);
    notch_json_put_string(json, "jsonrpc", "2.0");
    notch_json_key(json, "error");
    notch_json_open_object(json);
    notch_json_put_signed(json, "code", code);
    notch_json_put_string(json, "message", message);
    notch_json_key(json, "data");
    notch_json_open_object(json);
    if (reject != NULL) {
        notch_json_put_string(json, "code", reject);
    }
    notch_json_put_string(json, "reason", reason);
    notch_json_close_object(json);
    notch_json_close_object(json);
    write_id(json, id);
    notch_json_close_object(json);
}

void notch_rpc_error_text(struct notch_buf *out, int code, const char *message, const char *reason)
{
    struct notch_json json = notch_json(out, NOTCH_NETWORK_MAIN);
    write_error(&json, code, message, NULL, reason, NULL);
}

/* Runs a handler of the call and writes its response into call->json.out, unless the call now waits for the node. */
static void answer(struct notch_exchange *exchange, struct notch__call *call, notch__call_handler handler)
{
    struct notch_buf *out = call->json.out;
    size_t start = out->len;
    struct notch_json json = call->json;
    if (!call->is_notification && exchange->is_batch && start > 1 && out == &exchange->text) {
        notch_buf_append(out, ",", 1);
    }
    size_t begin = out->len;
    if (call->error == 0) {
        notch_buf_append(out, "{\"jsonrpc\":\"2.0\",\"result\":", 26);
        call->json.comma = false;
        handler(call);
    }
    if (call->error == 0 && call->has_request && call->state == NOTCH__CALL_DONE) {
        out->len = start;
        call->json = json;
        call->state = NOTCH__CALL_WANTS;
        return;
    }
    call->state = NOTCH__CALL_DONE;
    if (call->error == 0 && out->len - begin > exchange->rpc->options.response_bytes_max) {
        notch__fail(call, NOTCH_RPC_TOO_LARGE, "the result is larger than %u bytes: ask for less",
                    exchange->rpc->options.response_bytes_max);
    }
    exchange->errors += call->error != 0;
    exchange->stops = exchange->stops || (call->stops && call->error == 0);
    if (call->is_notification) {
        out->len = start;
        return;
    }
    if (call->error != 0) {
        out->len = begin;
        call->json.comma = false;
        write_error(&call->json, call->error, message_of(call->error), call->reject, call->reason, call->id);
        return;
    }
    call->json.comma = true;
    write_id(&call->json, call->id);
    notch_json_close_object(&call->json);
}

/* ---- from JSON to calls ---- */

/* Depth is bounded before the parser, which is recursive, sees the text. */
static bool is_too_deep(struct notch_bytes body)
{
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < body.len; i++) {
        uint8_t byte = body.data[i];
        if (in_string) {
            if (byte == '\\') {
                i++;
            } else if (byte == '"') {
                in_string = false;
            }
        } else if (byte == '"') {
            in_string = true;
        } else if (byte == '{' || byte == '[') {
            depth++;
            if (depth > NOTCH_RPC_DEPTH_MAX) {
                return true;
            }
        } else if ((byte == '}' || byte == ']') && depth > 0) {
            depth--;
        }
    }
    return false;
}

/* The method of a request that is well formed, or an error. */
static const json_t *take_apart(struct notch__call *call, const json_t *request)
{
    if (!json_is_object(request)) {
        notch__fail(call, -32600, "expected an object with jsonrpc, method, params and id");
        return NULL;
    }
    const json_t *id = json_object_get(request, "id");
    call->is_notification = id == NULL;
    if (json_is_string(id) || json_is_integer(id) || json_is_null(id)) {
        call->id = id;
    } else if (id != NULL) {
        notch__fail(call, -32600, "id: expected a string, an integer or null");
    }
    const char *version = json_string_value(json_object_get(request, "jsonrpc"));
    if (version == NULL || strcmp(version, "2.0") != 0) {
        notch__fail(call, -32600, "jsonrpc: expected \"2.0\"");
    }
    if (!json_is_string(json_object_get(request, "method"))) {
        notch__fail(call, -32600, "method: expected a string");
    }
    const json_t *params = json_object_get(request, "params");
    if (params != NULL && !json_is_object(params) && !json_is_array(params)) {
        notch__fail(call, -32600, "params: expected an object or an array");
    }
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)request, name, value)
    {
        bool known = strcmp(name, "id") == 0 || strcmp(name, "jsonrpc") == 0 || strcmp(name, "method") == 0 ||
                     strcmp(name, "params") == 0;
        if (!known) {
            notch__fail(call, -32600, "unknown member \"%.40s\"; expected jsonrpc, method, params and id", name);
        }
    }
    if (call->error != 0) {
        call->is_notification = false; /* an invalid request is always answered */
        return NULL;
    }
    return request;
}

static void find_method(struct notch__call *call, const json_t *request)
{
    const json_t *name = json_object_get(request, "method");
    call->method = notch_rpc_method_find(json_string_value(name), json_string_length(name));
    if (call->method == NULL) {
        notch__fail(call, -32601, "no method \"%.64s\"; rpc.discover lists them", json_string_value(name));
        return;
    }
    if (call->caller->role < call->method->role) {
        notch__fail(call, NOTCH_RPC_FORBIDDEN, "%s needs the role \"%s\", the caller has \"%s\"", call->method->name,
                    notch_rpc_role_name(call->method->role), notch_rpc_role_name(call->caller->role));
        return;
    }
    if (call->method->stream_only && call->caller->streams == NULL) {
        notch__fail(call, NOTCH_RPC_UNAVAILABLE, "%s works on the WebSocket /ws alone", call->method->name);
        return;
    }
    (void)notch__params_bind(call, json_object_get(request, "params"));
}

static void begin(struct notch_exchange *exchange, const struct notch_rpc_sight *sight, uint32_t index,
                  const json_t *request)
{
    struct notch__call *call = &exchange->calls[index];
    const struct notch_rpc_options *options = &exchange->rpc->options;
    call->rpc = exchange->rpc;
    call->caller = &exchange->caller;
    call->sight = sight;
    notch_buf_init(&call->own, options->alloc);
    notch_buf_init(&call->memory, options->alloc);
    call->json = notch_json(exchange->waits ? &call->own : &exchange->text, options->genesis->network);
    exchange->call_count = index + 1;
    if (take_apart(call, request) != NULL) {
        find_method(call, request);
    }
    answer(exchange, call, call->method == NULL ? NULL : call->method->begin);
    exchange->waits = exchange->waits || call->state == NOTCH__CALL_WANTS;
    if (!exchange->is_batch && call->error == NOTCH_RPC_FORBIDDEN) {
        exchange->outcome = NOTCH_EXCHANGE_FORBIDDEN;
    }
}

static void refuse(struct notch_exchange *exchange, int code, const char *reason)
{
    exchange->errors++;
    exchange->refused = true;
    notch_buf_clear(&exchange->text);
    notch_rpc_error_text(&exchange->text, code, message_of(code), reason);
}

static void parse(struct notch_exchange *exchange, struct notch_bytes body)
{
    if (is_too_deep(body)) {
        char reason[64];
        (void)snprintf(reason, sizeof reason, "nested deeper than %d levels", NOTCH_RPC_DEPTH_MAX);
        refuse(exchange, -32700, reason);
        return;
    }
    json_error_t error;
    exchange->root = json_loadb(body.len > 0 ? (const char *)body.data : "", body.len,
                                JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (exchange->root == NULL) {
        char reason[NOTCH__REASON_MAX];
        (void)snprintf(reason, sizeof reason, "line %d, column %d: %s", error.line, error.column, error.text);
        refuse(exchange, -32700, reason);
    }
}

void notch_exchange_run(struct notch_exchange *exchange, const struct notch_rpc_sight *sight, struct notch_bytes body)
{
    const struct notch_rpc_options *options = &exchange->rpc->options;
    notch_assert(exchange->calls == NULL);
    (void)notch_buf_reserve(&exchange->text, 1024);
    if (body.len > options->body_bytes_max) {
        refuse(exchange, NOTCH_RPC_TOO_LARGE, "the body is larger than this node takes");
        exchange->outcome = NOTCH_EXCHANGE_TOO_LARGE;
        return;
    }
    parse(exchange, body);
    if (exchange->root == NULL) {
        return;
    }
    exchange->is_batch = json_is_array(exchange->root);
    size_t count = exchange->is_batch ? json_array_size(exchange->root) : 1;
    if (count == 0) {
        refuse(exchange, -32600, "an empty batch");
        return;
    }
    if (count > options->batch_max) {
        char reason[96];
        (void)snprintf(reason, sizeof reason, "%zu calls in one batch, at most %u are taken", count,
                       options->batch_max);
        refuse(exchange, NOTCH_RPC_TOO_LARGE, reason);
        return;
    }
    exchange->call_cap = (uint32_t)count;
    exchange->calls = notch_alloc_array(options->alloc, count, sizeof *exchange->calls);
    if (exchange->is_batch) {
        notch_buf_append(&exchange->text, "[", 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        begin(exchange, sight, i, exchange->is_batch ? json_array_get(exchange->root, i) : exchange->root);
        if (exchange->text.len > options->response_bytes_max) {
            refuse(exchange, NOTCH_RPC_TOO_LARGE, "the results of this batch are larger than one response may be");
            exchange->given = exchange->call_count;
            break;
        }
    }
}

struct notch_request *notch_exchange_request(struct notch_exchange *exchange, uint32_t *index)
{
    while (exchange->given < exchange->call_count) {
        struct notch__call *call = &exchange->calls[exchange->given];
        *index = exchange->given;
        exchange->given++;
        if (call->state == NOTCH__CALL_WANTS) {
            call->state = NOTCH__CALL_AWAITS;
            exchange->awaited++;
            return &call->request;
        }
    }
    return NULL;
}

/* ---- replies ---- */

static void take_records(struct notch__call *call, const struct notch_reply *reply)
{
    size_t results = reply->records.count * sizeof *reply->records.results;
    notch_buf_append(&call->memory, reply->records.results, results);
    notch_buf_append(&call->memory, reply->records.record.data, reply->records.record.len);
    call->reply.records.results = (const void *)call->memory.data;
    call->reply.records.record = notch_bytes(call->memory.data + results, reply->records.record.len);
}

void notch_exchange_take(struct notch_exchange *exchange, uint32_t index, const struct notch_reply *reply)
{
    notch_assert(index < exchange->call_count);
    struct notch__call *call = &exchange->calls[index];
    notch_assert(call->state == NOTCH__CALL_AWAITS);
    call->state = NOTCH__CALL_REPLIED;
    exchange->awaited--;
    call->reply = *reply;
    notch_buf_clear(&call->memory); /* the request is over */
    if (reply->err != NOTCH_OK) {
        return;
    }
    switch (reply->type) {
    case NOTCH_REQUEST_SUBMIT:
    case NOTCH_REQUEST_PUBLISH:
    case NOTCH_REQUEST_SIGN:
    case NOTCH_REQUEST_NEED:
    case NOTCH_REQUEST_STATUS:
        take_records(call, reply);
        break;
    case NOTCH_REQUEST_VALIDATORS:
        notch_buf_append(&call->memory, reply->validators.members,
                         reply->validators.count * sizeof *reply->validators.members);
        call->reply.validators.members = (const void *)call->memory.data;
        break;
    case NOTCH_REQUEST_FINALITY:
    case NOTCH_REQUEST_OPERATE:
        break;
    }
}

uint32_t notch_exchange_awaited(const struct notch_exchange *exchange)
{
    return exchange->awaited;
}

void notch_exchange_finish(struct notch_exchange *exchange, const struct notch_rpc_sight *sight)
{
    notch_assert(exchange->awaited == 0);
    struct notch_buf *text = &exchange->text;
    if (exchange->refused) {
        return;
    }
    for (uint32_t i = 0; i < exchange->call_count; i++) {
        struct notch__call *call = &exchange->calls[i];
        if (call->state == NOTCH__CALL_REPLIED) {
            call->sight = sight;
            call->json.out = text;
            answer(exchange, call, call->method->finish);
        } else if (call->own.len > 0) {
            if (text->len > 1) {
                notch_buf_append(text, ",", 1);
            }
            notch_buf_append(text, call->own.data, call->own.len);
        }
        if (exchange->is_batch && text->len > exchange->rpc->options.response_bytes_max) {
            refuse(exchange, NOTCH_RPC_TOO_LARGE, "the results of this batch are larger than one response may be");
            return;
        }
    }
    if (exchange->is_batch) {
        if (text->len == 1) {
            notch_buf_clear(text);
        } else {
            notch_buf_append(text, "]", 1);
        }
    }
    if (text->len == 0) {
        exchange->outcome = NOTCH_EXCHANGE_SILENT;
    }
}

enum notch_exchange_outcome notch_exchange_outcome(const struct notch_exchange *exchange)
{
    return exchange->outcome;
}

struct notch_bytes notch_exchange_text(const struct notch_exchange *exchange)
{
    return notch_buf_bytes(&exchange->text);
}

struct notch_buf notch_exchange_detach(struct notch_exchange *exchange)
{
    struct notch_buf text = exchange->text;
    notch_buf_init(&exchange->text, exchange->rpc->options.alloc);
    return text;
}

bool notch_exchange_stops(const struct notch_exchange *exchange)
{
    return exchange->stops;
}

void notch_exchange_counts(const struct notch_exchange *exchange, uint32_t *calls, uint32_t *errors)
{
    *calls = exchange->call_count;
    *errors = exchange->errors;
}
