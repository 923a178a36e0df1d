/* rpc.discover against the table it comes from: every row is in it, every schema is one, every example is taken. */
#include "tests/support/rpc_node.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *answer(struct rpc_node *node, const char *method, const char *params)
{
    char body[2048];
    uint32_t streams = 0;
    (void)snprintf(body, sizeof body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
    char *text = rpc_node_call(node, NOTCH_RPC_OPERATE, &streams, body, strlen(body), NULL);
    assert_non_null(text);
    json_t *response = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(response);
    free(text);
    return response;
}

/* Whether the few words of JSON schema that the table uses hold for a value. */
static bool holds(const json_t *schema, const json_t *value)
{
    const char *type = json_string_value(json_object_get(schema, "type"));
    const json_t *constant = json_object_get(schema, "const");
    if (constant != NULL && !json_equal((json_t *)(uintptr_t)constant, (json_t *)(uintptr_t)value)) {
        return false;
    }
    if (type != NULL && ((strcmp(type, "object") == 0 && !json_is_object(value)) ||
                         (strcmp(type, "array") == 0 && !json_is_array(value)))) {
        return false;
    }
    const json_t *required = json_object_get(schema, "required");
    for (size_t i = 0; i < json_array_size(required); i++) {
        if (json_object_get(value, json_string_value(json_array_get(required, i))) == NULL) {
            return false;
        }
    }
    return true;
}

static void check_param(const json_t *said, const struct notch_rpc_param *param)
{
    assert_string_equal(json_string_value(json_object_get(said, "name")), param->name);
    assert_string_equal(json_string_value(json_object_get(said, "description")), param->help);
    assert_int_equal(json_is_true(json_object_get(said, "required")), param->required);
    assert_true(json_is_object(json_object_get(said, "schema")));
    assert_true(json_object_size(json_object_get(said, "schema")) > 0);
}

static void check_method(const json_t *said, const struct notch_rpc_method *method)
{
    assert_string_equal(json_string_value(json_object_get(said, "name")), method->name);
    assert_string_equal(json_string_value(json_object_get(said, "summary")), method->summary);
    assert_string_equal(json_string_value(json_object_get(said, "x-role")), notch_rpc_role_name(method->role));
    assert_true(json_is_object(json_object_get(json_object_get(said, "result"), "schema")));
    const json_t *params = json_object_get(said, "params");
    assert_int_equal(json_array_size(params), method->param_count);
    bool optional = false;
    for (size_t i = 0; i < method->param_count; i++) {
        check_param(json_array_get(params, i), &method->params[i]);
        assert_false(optional && method->params[i].required); /* by place, the optional ones come last */
        optional = optional || !method->params[i].required;
    }
}

static void test_the_document_is_the_table(void **state)
{
    struct rpc_node *node = *state;
    size_t count;
    const struct notch_rpc_method *methods = notch_rpc_methods(&count);
    json_t *response = answer(node, "rpc.discover", "[]");
    const json_t *document = json_object_get(response, "result");
    assert_string_equal(json_string_value(json_object_get(document, "openrpc")), "1.2.6");
    assert_non_null(json_string_value(json_object_get(json_object_get(document, "info"), "title")));
    assert_non_null(json_string_value(json_object_get(json_object_get(document, "info"), "version")));
    const json_t *said = json_object_get(document, "methods");
    assert_int_equal(json_array_size(said), count);
    for (size_t i = 0; i < count; i++) {
        check_method(json_array_get(said, i), &methods[i]);
        assert_ptr_equal(notch_rpc_method_find(methods[i].name, strlen(methods[i].name)), &methods[i]);
    }
    json_decref(response);
}

/* No example of the table is refused for its form, and what succeeds has the shape that the schema says. */
static void test_examples_are_taken(void **state)
{
    struct rpc_node *node = *state;
    size_t count;
    size_t succeeded = 0;
    const struct notch_rpc_method *methods = notch_rpc_methods(&count);
    json_decref(answer(node, "recognise", "{\"shares\":[]}")); /* a quiet chain has no block but the first */
    rpc_node_run(node, 2000);
    for (size_t i = 0; i < count; i++) {
        json_t *response = answer(node, methods[i].name, methods[i].example);
        json_int_t code = json_integer_value(json_object_get(json_object_get(response, "error"), "code"));
        json_t *schema = json_loads(methods[i].result, JSON_REJECT_DUPLICATES, NULL);
        const json_t *result = json_object_get(response, "result");
        if (code < -32099 || (result != NULL && !holds(schema, result))) {
            char *text = json_dumps(response, JSON_COMPACT);
            print_message("%s %s\n-> %s\n", methods[i].name, methods[i].example, text);
            free(text);
            fail();
        }
        succeeded += result != NULL;
        assert_non_null(schema);
        json_decref(schema);
        json_decref(response);
    }
    assert_true(succeeded >= 22);
}

static void test_names_are_unique_and_sorted_by_group(void **state)
{
    static const char *const groups[] = {"node", "chain", "records", "wallet", "consensus", "streams"};
    size_t count;
    size_t group = 0;
    const struct notch_rpc_method *methods = notch_rpc_methods(&count);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        while (group < NOTCH_ARRAY_LEN(groups) && strcmp(groups[group], methods[i].group) != 0) {
            group++;
        }
        assert_true(group < NOTCH_ARRAY_LEN(groups));
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(methods[i].name, methods[k].name);
        }
    }
    assert_null(notch_rpc_method_find("getinf", 6));
    assert_null(notch_rpc_method_find("", 0));
    enum notch_rpc_role role;
    assert_true(notch_rpc_role_parse(&role, "submit", 6));
    assert_int_equal(role, NOTCH_RPC_SUBMIT);
    assert_false(notch_rpc_role_parse(&role, "root", 4));
}

static int set_up(void **state)
{
    *state = rpc_node_create(NOTCH_MODE_PRIVATE);
    return 0;
}

static int tear_down(void **state)
{
    rpc_node_destroy(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_document_is_the_table),
        cmocka_unit_test(test_examples_are_taken),
        cmocka_unit_test(test_names_are_unique_and_sorted_by_group),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
