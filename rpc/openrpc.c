/* rpc.discover: the table of methods as an OpenRPC 1.2.6 document. */
#include "rpc/internal.h"

static void put_raw(struct notch_json *json, const char *key, const char *text)
{
    notch_json_key(json, key);
    notch_json_raw(json, text, strlen(text));
}

#define NUMBER_OR_TEXT \
    "{\"oneOf\":[{\"type\":\"integer\",\"minimum\":0}," \
    "{\"type\":\"string\",\"pattern\":\"^(0|[1-9][0-9]{0,18})$\"}]}"

static const char *schema_of(enum notch_rpc_type type)
{
    switch (type) {
    case NOTCH_RPC_HASH:
        return "{\"type\":\"string\",\"pattern\":\"^[0-9a-fA-F]{64}$\"}";
    case NOTCH_RPC_HEX:
        return "{\"type\":\"string\",\"pattern\":\"^([0-9a-fA-F]{2})+$\"}";
    case NOTCH_RPC_KEY:
        return "{\"type\":\"string\",\"pattern\":\"^(notch|tnotch|dnotch)1[a-z0-9]{58}$\"}";
    case NOTCH_RPC_TEXT:
        return "{\"type\":\"string\"}";
    case NOTCH_RPC_UINT:
    case NOTCH_RPC_TIME:
    case NOTCH_RPC_AMOUNT:
        return NUMBER_OR_TEXT;
    case NOTCH_RPC_FLAG:
        return "{\"type\":\"boolean\"}";
    case NOTCH_RPC_LIST:
        return "{\"type\":\"array\"}";
    case NOTCH_RPC_OBJECT:
        return "{\"type\":\"object\"}";
    case NOTCH_RPC_BLOCK:
        return "{\"oneOf\":[{\"type\":\"integer\",\"minimum\":0},{\"type\":\"string\"}]}";
    }
    notch_unreachable();
}

static void write_schema(struct notch_json *json, const struct notch_rpc_param *param)
{
    if (param->type != NOTCH_RPC_LIST || param->items == NULL) {
        put_raw(json, "schema",
                param->type == NOTCH_RPC_OBJECT && param->items != NULL ? param->items : schema_of(param->type));
        return;
    }
    notch_json_key(json, "schema");
    notch_json_open_object(json);
    notch_json_put_string(json, "type", "array");
    put_raw(json, "items", param->items);
    notch_json_close_object(json);
}

static void write_method(struct notch_json *json, const struct notch_rpc_method *method)
{
    notch_json_open_object(json);
    notch_json_put_string(json, "name", method->name);
    notch_json_put_string(json, "summary", method->summary);
    notch_json_key(json, "tags");
    notch_json_open_array(json);
    notch_json_open_object(json);
    notch_json_put_string(json, "name", method->group);
    notch_json_close_object(json);
    notch_json_close_array(json);
    notch_json_put_string(json, "paramStructure", "either");
    notch_json_put_string(json, "x-role", notch_rpc_role_name(method->role));
    notch_json_put_bool(json, "x-websocket-only", method->stream_only);
    notch_json_key(json, "params");
    notch_json_open_array(json);
    for (size_t i = 0; i < method->param_count; i++) {
        notch_json_open_object(json);
        notch_json_put_string(json, "name", method->params[i].name);
        notch_json_put_string(json, "description", method->params[i].help);
        notch_json_put_bool(json, "required", method->params[i].required);
        write_schema(json, &method->params[i]);
        notch_json_close_object(json);
    }
    notch_json_close_array(json);
    notch_json_key(json, "result");
    notch_json_open_object(json);
    notch_json_put_string(json, "name", "result");
    put_raw(json, "schema", method->result);
    notch_json_close_object(json);
    put_raw(json, "x-example-params", method->example);
    notch_json_close_object(json);
}

void notch__do_discover(struct notch__call *call)
{
    struct notch_json *json = &call->json;
    size_t count;
    const struct notch_rpc_method *methods = notch_rpc_methods(&count);
    notch_json_open_object(json);
    notch_json_put_string(json, "openrpc", "1.2.6");
    notch_json_key(json, "info");
    notch_json_open_object(json);
    notch_json_put_string(json, "title", "Notch");
    notch_json_put_string(json, "version", call->rpc->options.version);
    notch_json_put_string(
        json, "description",
        "A node of an append-only, signed chain of market insights and allocation commitments. Amounts "
        "and prices are decimal strings of micro-units, hashes lower-case hex, keys bech32m, times ms.");
    notch_json_close_object(json);
    notch_json_key(json, "methods");
    notch_json_open_array(json);
    for (size_t i = 0; i < count; i++) {
        write_method(json, &methods[i]);
    }
    notch_json_close_array(json);
    notch_json_close_object(json);
}
