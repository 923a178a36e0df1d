/*
 * Any body to the RPC of a whole node, with every role and as a WebSocket: no crash, and the response is one JSON text
 * with what JSON-RPC asks of it. The node lives through all inputs: what is stored by one is there for the next.
 */
#include "tests/support/rpc_node.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_one(const json_t *response)
{
    const char *version = json_string_value(json_object_get(response, "jsonrpc"));
    bool has_result = json_object_get(response, "result") != NULL;
    bool has_error = json_object_get(response, "error") != NULL;
    notch_assert(version != NULL);
    notch_assert(strcmp(version, "2.0") == 0);
    notch_assert(has_result != has_error);
    notch_assert(json_object_get(response, "id") != NULL);
}

static void check(const char *text)
{
    if (text == NULL) {
        return;
    }
    json_t *response = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    notch_assert(response != NULL);
    if (!json_is_array(response)) {
        check_one(response);
    }
    for (size_t i = 0; i < json_array_size(response); i++) {
        check_one(json_array_get(response, i));
    }
    json_decref(response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rpc_node *node;
    static uint64_t runs;
    if (node == NULL) {
        node = rpc_node_create(NOTCH_MODE_PRIVATE);
        rpc_node_run(node, 500);
    }
    uint32_t streams = 0;
    enum notch_rpc_role role = (enum notch_rpc_role)(runs % 3);
    char *text = rpc_node_call(node, role, runs % 2 == 0 ? &streams : NULL, (const char *)data, size, NULL);
    check(text);
    free(text);
    runs++;
    if (runs % 512 == 0) { /* a fresh one now and then, so that it does not grow */
        rpc_node_destroy(node);
        node = NULL;
    }
    return 0;
}
