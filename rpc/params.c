/* Parameters: by name or by place, each checked against its row before any handler runs. */
#include "rpc/internal.h"

#include <stdio.h>

bool notch__uint_of(uint64_t *out, const json_t *value)
{
    int64_t number;
    if (!notch__int_of(&number, value) || number < 0) {
        return false;
    }
    *out = (uint64_t)number;
    return true;
}

/* Digits, no sign, no leading zero, at most 2^63-1 (`limit` allows the one beyond for negative numbers). */
static bool parse_digits(uint64_t *out, const char *text, size_t len, uint64_t limit)
{
    if (len == 0 || len > 19 || (text[0] == '0' && len > 1)) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    *out = value;
    return value <= limit;
}

bool notch__int_of(int64_t *out, const json_t *value)
{
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return true;
    }
    if (!json_is_string(value)) {
        return false;
    }
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    uint64_t magnitude;
    if (len > 0 && text[0] == '-') {
        if (!parse_digits(&magnitude, text + 1, len - 1, INT64_MAX) || magnitude == 0) {
            return false;
        }
        *out = -(int64_t)magnitude;
        return true;
    }
    if (!parse_digits(&magnitude, text, len, INT64_MAX)) {
        return false;
    }
    *out = (int64_t)magnitude;
    return true;
}

bool notch__hash_of(struct notch_hash *out, const json_t *value)
{
    return json_is_string(value) && notch_hex_decode(out->raw, sizeof out->raw, /* Raw: parses */
                                                     json_string_value(value), json_string_length(value));
}

bool notch__hex_of(struct notch_buf *out, const json_t *value)
{
    if (!json_is_string(value)) {
        return false;
    }
    size_t len = json_string_length(value);
    if (len == 0 || len % 2 != 0) {
        return false;
    }
    if (!notch_hex_decode(notch_buf_reserve(out, len / 2), len / 2, json_string_value(value), len)) {
        return false;
    }
    out->len += len / 2;
    return true;
}

static bool is_hex(const json_t *value)
{
    if (!json_is_string(value) || json_string_length(value) == 0 || json_string_length(value) % 2 != 0) {
        return false;
    }
    const char *text = json_string_value(value);
    for (size_t i = 0; i < json_string_length(value); i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        bool letter = (text[i] >= 'a' && text[i] <= 'f') || (text[i] >= 'A' && text[i] <= 'F');
        if (!digit && !letter) {
            return false;
        }
    }
    return true;
}

/* NULL, or what is wrong with a key. */
static const char *key_fault(const struct notch__call *call, const json_t *value)
{
    struct notch_key key;
    if (!json_is_string(value)) {
        return "not a string";
    }
    struct notch_reject reject =
        notch_key_parse(&key, json_string_value(value), json_string_length(value), call->rpc->options.genesis->network);
    return notch_is_valid(reject) ? NULL : reject.reason;
}

static bool is_block(const json_t *value)
{
    struct notch_hash hash;
    uint64_t height;
    if (json_is_string(value) && strcmp(json_string_value(value), "final") == 0) {
        return true;
    }
    return notch__uint_of(&height, value) || notch__hash_of(&hash, value);
}

static bool fits(const json_t *value, enum notch_rpc_type type)
{
    uint64_t number;
    struct notch_hash hash;
    switch (type) {
    case NOTCH_RPC_HASH:
        return notch__hash_of(&hash, value);
    case NOTCH_RPC_HEX:
        return is_hex(value);
    case NOTCH_RPC_KEY:
    case NOTCH_RPC_TEXT:
        return json_is_string(value);
    case NOTCH_RPC_UINT:
    case NOTCH_RPC_TIME:
    case NOTCH_RPC_AMOUNT:
        return notch__uint_of(&number, value);
    case NOTCH_RPC_FLAG:
        return json_is_boolean(value);
    case NOTCH_RPC_LIST:
        return json_is_array(value);
    case NOTCH_RPC_OBJECT:
        return json_is_object(value);
    case NOTCH_RPC_BLOCK:
        return is_block(value);
    }
    notch_unreachable();
}

static bool check(struct notch__call *call, size_t index)
{
    const struct notch_rpc_param *param = &call->method->params[index];
    const json_t *value = call->args[index];
    if (value == NULL) {
        if (param->required) {
            notch__fail_param(call, index, "is missing; expected %s", notch_rpc_type_text(param->type));
        }
        return !param->required;
    }
    const char *fault = param->type == NOTCH_RPC_KEY ? key_fault(call, value) : NULL;
    if (fault != NULL) {
        notch__fail_param(call, index, "expected %s: %s", notch_rpc_type_text(param->type), fault);
        return false;
    }
    if (!fits(value, param->type)) {
        notch__fail_param(call, index, "expected %s", notch_rpc_type_text(param->type));
        return false;
    }
    return true;
}

static void fail_unknown(struct notch__call *call, const char *name)
{
    char names[160] = "none";
    size_t used = 0;
    for (size_t i = 0; i < call->method->param_count && used < sizeof names; i++) {
        int len = snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", call->method->params[i].name);
        notch_assert(len >= 0);
        used += (size_t)len;
    }
    notch__fail(call, -32602, "unknown parameter \"%.40s\"; %s takes: %s", name, call->method->name, names);
}

static bool bind_named(struct notch__call *call, const json_t *params)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)params, name, value)
    {
        size_t at = 0;
        while (at < call->method->param_count && strcmp(call->method->params[at].name, name) != 0) {
            at++;
        }
        if (at == call->method->param_count) {
            fail_unknown(call, name);
            return false;
        }
        call->args[at] = json_is_null(value) ? NULL : value;
    }
    return true;
}

static bool bind_placed(struct notch__call *call, const json_t *params)
{
    size_t count = json_array_size(params);
    if (count > call->method->param_count) {
        notch__fail(call, -32602, "%zu parameters were given, %s takes %zu", count, call->method->name,
                    call->method->param_count);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(params, i);
        call->args[i] = json_is_null(value) ? NULL : value;
    }
    return true;
}

bool notch__params_bind(struct notch__call *call, const json_t *params)
{
    bool bound = true;
    if (json_is_object(params)) {
        bound = bind_named(call, params);
    } else if (json_is_array(params)) {
        bound = bind_placed(call, params);
    }
    for (size_t i = 0; bound && i < call->method->param_count; i++) {
        bound = check(call, i);
    }
    return bound;
}

struct notch_hash notch__hash(const struct notch__call *call, size_t index)
{
    struct notch_hash hash;
    bool known = notch__hash_of(&hash, call->args[index]);
    notch_assert(known);
    return hash;
}

struct notch_key notch__key(const struct notch__call *call, size_t index)
{
    struct notch_key key;
    const json_t *value = call->args[index];
    struct notch_reject reject =
        notch_key_parse(&key, json_string_value(value), json_string_length(value), call->rpc->options.genesis->network);
    notch_assert(notch_is_valid(reject));
    return key;
}

uint64_t notch__uint(const struct notch__call *call, size_t index)
{
    uint64_t number;
    bool known = notch__uint_of(&number, call->args[index]);
    notch_assert(known);
    return number;
}

bool notch__flag(const struct notch__call *call, size_t index)
{
    return call->args[index] != NULL && json_is_true(call->args[index]);
}

struct notch_bytes notch__text(const struct notch__call *call, size_t index)
{
    return notch_bytes(json_string_value(call->args[index]), json_string_length(call->args[index]));
}

void notch__hex(const struct notch__call *call, struct notch_buf *out, size_t index)
{
    bool known = notch__hex_of(out, call->args[index]);
    notch_assert(known);
}
