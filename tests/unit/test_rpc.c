/* The RPC against a whole node: every method by what it answers, and every kind of bad input by the error it gets. */
#include "base/error.h"
#include "chain/proof.h"
#include "tests/support/rpc_node.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MARKET "1111111111111111111111111111111111111111111111111111111111111111"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define TEXT_MAX 65536
#define INTERNAL_ERROR (-32603)

static int set_up(void **state)
{
    *state = rpc_node_create(NOTCH_MODE_PRIVATE);
    rpc_node_run(*state, 1000);
    return 0;
}

static int tear_down(void **state)
{
    rpc_node_destroy(*state);
    return 0;
}

/* The parsed response to a body; NULL where there is none. What is not JSON fails the test. */
static json_t *ask(struct rpc_node *node, const char *body)
{
    char *text = rpc_node_call(node, NOTCH_RPC_OPERATE, NULL, body, strlen(body), NULL);
    if (text == NULL) {
        return NULL;
    }
    json_error_t error;
    json_t *response = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (response == NULL) {
        print_message("%s\n%s\n", text, error.text);
    }
    assert_non_null(response);
    free(text);
    return response;
}

static void format_call(char out[TEXT_MAX], const char *method, const char *params)
{
    int len = snprintf(out, TEXT_MAX, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"%s\",\"params\":%s}", method, params);
    assert_true(len > 0 && len < TEXT_MAX);
}

/* The result of a call that must succeed; a reference. */
static json_t *result_of(struct rpc_node *node, const char *method, const char *params)
{
    static char body[TEXT_MAX];
    format_call(body, method, params);
    json_t *response = ask(node, body);
    json_t *result = json_object_get(response, "result");
    if (result == NULL) {
        char *text = json_dumps(response, JSON_COMPACT);
        print_message("%s %s\n-> %s\n", method, params, text);
        free(text);
    }
    assert_non_null(result);
    assert_int_equal(json_integer_value(json_object_get(response, "id")), 7);
    json_incref(result);
    json_decref(response);
    return result;
}

/* A call that must fail with this code; the reason must contain `reason`. */
static void fails_with(struct rpc_node *node, const char *body, int code, const char *reason)
{
    json_t *response = ask(node, body);
    const json_t *error = json_object_get(response, "error");
    const char *said = json_string_value(json_object_get(json_object_get(error, "data"), "reason"));
    bool right =
        json_integer_value(json_object_get(error, "code")) == code && said != NULL && strstr(said, reason) != NULL;
    if (!right) {
        char *text = json_dumps(response, JSON_COMPACT);
        print_message("%s\n-> %s\nexpected %d, %s\n", body, text, code, reason);
        free(text);
    }
    assert_true(right);
    json_decref(response);
}

static void call_fails(struct rpc_node *node, const char *method, const char *params, int code, const char *reason)
{
    static char body[TEXT_MAX];
    format_call(body, method, params);
    fails_with(node, body, code, reason);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    assert_non_null(text);
    return text;
}

static json_int_t number_of(const json_t *object, const char *name)
{
    assert_true(json_is_integer(json_object_get(object, name)));
    return json_integer_value(json_object_get(object, name));
}

/* Publishes an insight and waits until it is final; its id. */
static void publish(struct rpc_node *node, char id[65], int price)
{
    char params[512];
    (void)snprintf(params, sizeof params,
                   "{\"insights\":[{\"market\":\"" MARKET "\",\"start_ms\":1600000000000,\"length_ms\":604800000,"
                   "\"price\":\"%d\",\"price_lo\":1,\"price_hi\":\"9000000\",\"trend_ppm\":-25000,"
                   "\"seasonality_ppm\":[1,-1,0],\"confidence_ppm\":900000,\"samples\":12}]}",
                   price);
    json_t *result = result_of(node, "publishinsight", params);
    (void)snprintf(id, 65, "%s", text_of(result, "id"));
    assert_string_equal(text_of(result, "status"), "stored");
    json_decref(result);
    rpc_node_run(node, 2000);
}

static void with_id(char out[256], const char *id, const char *more)
{
    (void)snprintf(out, 256, "{\"id\":\"%s\"%s}", id, more);
}

/* ---- reading ---- */

static void test_a_record_is_read_back(void **state)
{
    char id[65];
    char params[256];
    publish(*state, id, 1350000);
    with_id(params, id, "");
    json_t *record = result_of(*state, "getrecord", params);
    assert_string_equal(text_of(record, "id"), id);
    assert_int_equal(strncmp(text_of(record, "author"), "dnotch1", 7), 0);
    const json_t *entry = json_array_get(json_object_get(record, "entries"), 0);
    assert_string_equal(text_of(entry, "type"), "insight");
    assert_string_equal(text_of(entry, "market"), MARKET);
    assert_string_equal(text_of(entry, "price"), "1350000");
    assert_int_equal(number_of(entry, "trend_ppm"), -25000);
    assert_int_equal(json_array_size(json_object_get(entry, "seasonality_ppm")), 3);
    assert_string_equal(text_of(json_object_get(record, "receipt"), "outcome"), "applied");
    assert_true(number_of(json_object_get(record, "block"), "height") > 0);
    json_decref(record);

    with_id(params, id, ",\"index\":0");
    json_t *one = result_of(*state, "getentry", params);
    assert_string_equal(text_of(one, "outcome"), "applied");
    assert_string_equal(text_of(json_object_get(one, "entry"), "price"), "1350000");
    json_decref(one);
    with_id(params, id, ",\"index\":1");
    call_fails(*state, "getentry", params, NOTCH_RPC_NOT_FOUND, "entries 0 to 0");

    with_id(params, id, ",\"proof\":true");
    json_t *receipt = result_of(*state, "getreceipt", params);
    assert_string_equal(text_of(receipt, "outcome"), "applied");
    assert_string_equal(text_of(receipt, "hex"), "00");
    assert_true(json_is_array(json_object_get(receipt, "proof")));
    json_decref(receipt);
}

/* A disk on which one byte went bad: of the parts that are read alone, or of those and whole bodies. */
struct bad_disk {
    struct notch_store_view good;
    size_t at; /* of the part */
    bool bodies_too;
};

static enum notch_err bad_get(const void *self, struct notch_buf *out, struct notch_bytes key)
{
    const struct bad_disk *disk = self;
    return disk->good.get(disk->good.self, out, key);
}

static enum notch_err bad_scan(const void *self, struct notch_bytes from, struct notch_bytes to,
                               enum notch_scan direction, notch_store_visit visit, void *arg)
{
    const struct bad_disk *disk = self;
    return disk->good.scan(disk->good.self, from, to, direction, visit, arg);
}

/* The store's checksum covers whole bodies. */
static enum notch_err bad_body(const void *self, struct notch_buf *out, uint64_t position)
{
    const struct bad_disk *disk = self;
    return disk->bodies_too ? NOTCH_ERR_CORRUPT : disk->good.body(disk->good.self, out, position);
}

static enum notch_err bad_part(const void *self, struct notch_buf *out, uint64_t position, struct notch_store_span span)
{
    const struct bad_disk *disk = self;
    size_t before = out->len;
    enum notch_err err = disk->good.part(disk->good.self, out, position, span);
    if (err == NOTCH_OK && disk->at < span.len) {
        out->data[before + disk->at] ^= 0x20;
    }
    return err;
}

/* The error of a getrecord, or 0: then the record is the one that was asked for. */
static json_int_t read_from(struct rpc_node *node, const struct bad_disk *disk, const char *id, const json_t *expected)
{
    static char body[TEXT_MAX];
    char params[256];
    const struct notch_store_view view = {
        .get = bad_get, .scan = bad_scan, .body = bad_body, .part = bad_part, .self = disk};
    const struct notch_rpc_caller caller = {.role = NOTCH_RPC_READ};
    struct notch_rpc_sight sight;
    rpc_node_sight(node, &sight);
    sight.view = &view;
    with_id(params, id, "");
    format_call(body, "getrecord", params);
    struct notch_exchange *exchange = notch_exchange_create(rpc_node_rpc(node), &caller);
    notch_exchange_run(exchange, &sight, notch_bytes(body, strlen(body)));
    notch_exchange_finish(exchange, &sight);
    struct notch_bytes text = notch_exchange_text(exchange);
    json_t *response = json_loadb((const char *)text.data, text.len, 0, NULL);
    assert_non_null(response);
    const json_t *error = json_object_get(response, "error");
    json_int_t code = error == NULL ? 0 : number_of(error, "code");
    assert_true(error != NULL || json_equal(json_object_get(response, "result"), expected));
    json_decref(response);
    notch_exchange_destroy(exchange);
    return code;
}

/* A record is read without its batch and its checksum: its id is what vouches for it, every byte of it. */
static void test_a_damaged_record_is_not_given(void **state)
{
    char id[65];
    char params[256];
    struct rpc_node *node = *state;
    publish(node, id, 1350000);
    with_id(params, id, ",\"raw\":true");
    json_t *raw = result_of(node, "getrecord", params);
    size_t len = strlen(text_of(raw, "hex")) / 2;
    json_decref(raw);
    with_id(params, id, "");
    json_t *record = result_of(node, "getrecord", params);
    struct notch_rpc_sight sight;
    rpc_node_sight(node, &sight);
    struct bad_disk disk = {.good = *sight.view};
    assert_true(len > 188);
    for (disk.at = 0; disk.at < len; disk.at++) {
        disk.bodies_too = false; /* the batch is whole: it is read instead */
        assert_int_equal(read_from(node, &disk, id, record), 0);
        disk.bodies_too = true;
        assert_int_equal(read_from(node, &disk, id, record), INTERNAL_ERROR);
    }
    assert_int_equal(read_from(node, &disk, id, record), 0); /* nothing of it is damaged */
    json_decref(record);
}

static void test_blocks_and_headers(void **state)
{
    char id[65];
    char params[256];
    publish(*state, id, 5);
    with_id(params, id, "");
    json_t *record = result_of(*state, "getrecord", params);
    (void)snprintf(params, sizeof params, "{\"block\":\"%s\",\"records\":true,\"hex\":true}",
                   text_of(json_object_get(record, "block"), "hash"));
    json_t *block = result_of(*state, "getblock", params);
    assert_string_equal(json_string_value(json_array_get(json_object_get(block, "records"), 0)), id);
    assert_int_equal(json_array_size(json_object_get(block, "batches")), 1);
    (void)snprintf(params, sizeof params, "[\"%lld\"]", (long long)number_of(block, "height"));
    json_t *header = result_of(*state, "getheader", params);
    assert_string_equal(text_of(header, "hash"), text_of(block, "hash"));
    assert_int_equal(number_of(header, "n_records"), 1);
    json_decref(header);
    json_decref(block);
    json_decref(record);

    json_t *first = result_of(*state, "getblock", "[0]");
    assert_int_equal(number_of(first, "height"), 0);
    assert_null(json_object_get(first, "header"));
    json_decref(first);
    call_fails(*state, "getblock", "[123456789]", NOTCH_RPC_NOT_FOUND, "the newest one is at");
    call_fails(*state, "getblock", "[\"" ZEROS "\"]", NOTCH_RPC_NOT_FOUND, "no final block with this hash");
    call_fails(*state, "getblock", "[-1]", -32602, "\"block\"");
}

static void test_lists_go_page_by_page(void **state)
{
    char ids[5][65];
    char params[256];
    for (int i = 0; i < 5; i++) {
        publish(*state, ids[i], 100 + i);
    }
    json_t *page = result_of(*state, "listrecords", "{\"type\":\"insight\",\"limit\":3}");
    json_t *rows = json_object_get(page, "records");
    assert_int_equal(json_array_size(rows), 3);
    assert_true(json_is_true(json_object_get(page, "more")));
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(text_of(json_array_get(rows, i), "id"), ids[i]);
    }
    (void)snprintf(params, sizeof params, "{\"type\":\"insight\",\"limit\":3,\"full\":true,\"cursor\":\"%s\"}",
                   text_of(page, "cursor"));
    json_decref(page);
    page = result_of(*state, "listrecords", params);
    rows = json_object_get(page, "records");
    assert_int_equal(json_array_size(rows), 2);
    assert_string_equal(text_of(json_array_get(rows, 1), "id"), ids[4]);
    assert_int_equal(json_array_size(json_object_get(json_array_get(rows, 0), "entries")), 1);
    json_decref(page);
    page = result_of(*state, "listrecords", "{\"market\":\"" MARKET "\",\"order\":\"newest\",\"limit\":1}");
    assert_string_equal(text_of(json_array_get(json_object_get(page, "records"), 0), "id"), ids[4]);
    json_decref(page);
    page = result_of(*state, "listrecords", "{\"type\":\"capacity\"}");
    assert_int_equal(json_array_size(json_object_get(page, "records")), 0);
    json_decref(page);
    page = result_of(*state, "listrecords", "{\"to_ms\":1}");
    assert_int_equal(json_array_size(json_object_get(page, "records")), 0);
    json_decref(page);
    call_fails(*state, "listrecords", "{\"limit\":0}", -32602, "1 to 1000");
    call_fails(*state, "listrecords", "{\"limit\":1001}", -32602, "1 to 1000");
    call_fails(*state, "listrecords", "{\"type\":\"nothing\"}", -32602, "no such type");
    call_fails(*state, "listrecords", "{\"order\":\"up\"}", -32602, "oldest");
    call_fails(*state, "listrecords", "{\"cursor\":\"00\"}", -32602, "cursor");
    call_fails(*state, "listrecords", "{\"from_ms\":2,\"to_ms\":1}", -32602, "later than");
    call_fails(*state, "listrecords", "{\"author\":\"tnotch1qqq\"}", -32602, "\"author\"");
}

/* ---- proofs ---- */

static size_t unhex(uint8_t *out, size_t cap, const char *text)
{
    size_t len = strlen(text) / 2;
    assert_true(len <= cap);
    assert_true(notch_hex_decode(out, len, text, strlen(text)));
    return len;
}

static void test_a_proof_is_good_without_the_node(void **state)
{
    static uint8_t proof[1u << 18];
    static char params[1u << 18];
    char id[65];
    publish(*state, id, 42);
    rpc_node_run(*state, 3000);
    (void)snprintf(params, sizeof params, "{\"id\":\"%s\",\"index\":0}", id);
    json_t *result = result_of(*state, "getproof", params);
    const char *hex = text_of(result, "proof");
    size_t len = unhex(proof, sizeof proof, hex);
    struct notch_proof_result shown;
    struct notch_reject reject = notch_proof_verify(&shown, notch_bytes(proof, len), &rpc_node_domain(*state)->genesis,
                                                    notch_crypto_secp(), notch_alloc_heap());
    assert_string_equal(reject.reason, "");
    assert_true(notch_is_valid(reject));
    assert_true(notch_key_eq(&shown.author, &rpc_node_author(*state)->key));

    static char body[TEXT_MAX];
    int used = snprintf(body, sizeof body,
                        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"verifyproof\",\"params\":[\"%s\",\"%s\"]}", hex,
                        text_of(result, "checkpoint"));
    assert_true(used > 0 && (size_t)used < sizeof body);
    json_t *verified = ask(*state, body);
    assert_true(json_is_true(json_object_get(json_object_get(verified, "result"), "valid")));
    assert_string_equal(text_of(json_object_get(verified, "result"), "record"), id);
    json_decref(verified);
    char *digit = strstr(body, hex) + 40;
    *digit = *digit == '0' ? '1' : '0';
    verified = ask(*state, body);
    assert_true(json_is_false(json_object_get(json_object_get(verified, "result"), "valid")));
    json_decref(verified);
    json_decref(result);

    call_fails(*state, "getproof", "[\"" ZEROS "\",0]", NOTCH_RPC_NOT_FOUND, "final record");
    with_id(params, id, ",\"index\":9");
    call_fails(*state, "getproof", params, NOTCH_RPC_NOT_FOUND, "entries 0 to 0");
}

/* The set of one validator follows itself at each epoch: no number of them puts a hop into a proof. */
static void test_a_proof_over_epochs_needs_no_hops(void **state)
{
    static uint8_t proof[1u << 18];
    char params[128];
    char id[65];
    publish(*state, id, 42);
    for (unsigned epoch = 0; epoch < 6; epoch++) {
        char other[65];
        rpc_node_run(*state, 40 * (uint64_t)rpc_node_genesis(*state)->delta_ms * 4);
        publish(*state, other, 43 + (int)epoch);
    }
    rpc_node_run(*state, 3000);
    (void)snprintf(params, sizeof params, "{\"id\":\"%s\",\"index\":0}", id);
    json_t *result = result_of(*state, "getproof", params);
    size_t len = unhex(proof, sizeof proof, text_of(result, "proof"));
    struct notch_proof_result shown;
    struct notch_reject reject = notch_proof_verify(&shown, notch_bytes(proof, len), &rpc_node_domain(*state)->genesis,
                                                    notch_crypto_secp(), notch_alloc_heap());
    assert_string_equal(reject.reason, "");
    assert_true(shown.set_id >= 5);
    assert_int_equal(shown.hops, 0);
    json_decref(result);
}

static void test_state_and_history_proofs(void **state)
{
    char id[65];
    char key[65];
    char params[256];
    publish(*state, id, 1);
    notch_hex_encode(key, rpc_node_author(*state)->key.raw, 32);
    (void)snprintf(params, sizeof params, "{\"key\":\"41%s\"}", key);
    json_t *account = result_of(*state, "getstate", params);
    assert_true(json_is_true(json_object_get(account, "present")));
    assert_non_null(json_object_get(account, "value"));
    json_decref(account);
    json_t *none = result_of(*state, "getstate", "{\"key\":\"4d00\"}");
    assert_true(json_is_false(json_object_get(none, "present")));
    assert_null(json_object_get(none, "value"));
    json_decref(none);
    json_t *history = result_of(*state, "gethistoryproof", "[0]");
    assert_true(json_array_size(json_object_get(history, "proof")) > 0);
    json_decref(history);
    call_fails(*state, "gethistoryproof", "[\"final\"]", -32602, "ancestor");
    call_fails(*state, "gethistoryproof", "[]", -32602, "is missing");
}

/* ---- submitting ---- */

static void test_sign_then_submit(void **state)
{
    static char params[TEXT_MAX];
    json_t *record =
        result_of(*state, "signrecord",
                  "{\"entries\":[{\"type\":\"insight\",\"market\":\"" MARKET "\",\"start_ms\":1600000000000,"
                  "\"length_ms\":1,\"price\":7}]}");
    (void)snprintf(params, sizeof params, "{\"id\":\"%s\"}", text_of(record, "id"));
    json_t *status = result_of(*state, "getrecordstatus", params);
    assert_string_equal(text_of(status, "status"), "unknown");
    json_decref(status);
    (void)snprintf(params, sizeof params, "[\"%s\"]", text_of(record, "record"));
    json_t *submitted = result_of(*state, "submitrecord", params);
    assert_string_equal(text_of(submitted, "id"), text_of(record, "id"));
    assert_string_equal(text_of(submitted, "status"), "stored");
    json_decref(submitted);
    submitted = result_of(*state, "submitrecord", params);
    assert_true(json_is_true(json_object_get(submitted, "duplicate")));
    json_decref(submitted);
    rpc_node_run(*state, 3000);
    (void)snprintf(params, sizeof params, "{\"id\":\"%s\"}", text_of(record, "id"));
    status = result_of(*state, "getrecordstatus", params);
    assert_string_equal(text_of(status, "status"), "final");
    assert_string_equal(text_of(json_object_get(status, "receipt"), "outcome"), "applied");
    json_decref(status);
    json_decref(record);
}

static void test_submitted_all_have_their_own_result(void **state)
{
    static char params[TEXT_MAX];
    json_t *record = result_of(*state, "signrecord", "{\"entries\":[{\"type\":\"recognition\",\"shares\":[]}]}");
    const char *hex = text_of(record, "record");
    (void)snprintf(params, sizeof params, "{\"records\":[\"01ff\",\"%s\",\"%s\"]}", hex, hex);
    json_t *results = result_of(*state, "submitrecords", params);
    json_t *list = json_object_get(results, "results");
    assert_int_equal(json_array_size(list), 3);
    assert_string_equal(text_of(json_array_get(list, 0), "status"), "refused");
    assert_string_equal(text_of(json_array_get(list, 0), "code"), "MALFORMED");
    assert_string_equal(text_of(json_array_get(list, 1), "status"), "stored");
    assert_string_equal(text_of(json_array_get(list, 2), "id"), text_of(record, "id"));
    json_decref(results);
    json_decref(record);
}

static void test_needs_and_capacities(void **state)
{
#define NEED "{\"resource\":\"" MARKET "\",\"start_ms\":1700000000000,\"length_ms\":\"86400000\",\"amount\":\"5000000\""
    json_t *commit = result_of(*state, "commitneed", NEED "}");
    json_t *again = result_of(*state, "commitneed", NEED "}");
    assert_string_equal(text_of(commit, "id"), text_of(again, "id"));
    assert_true(json_is_true(json_object_get(again, "duplicate")));
    json_decref(again);
    rpc_node_run(*state, 2000);
    char params[256];
    with_id(params, text_of(commit, "id"), "");
    json_decref(commit);
    json_t *status = result_of(*state, "getrecordstatus", params);
    assert_string_equal(text_of(json_object_get(status, "receipt"), "outcome"), "applied");
    json_decref(status);
    json_t *reveal = result_of(*state, "revealneed", NEED "}");
    rpc_node_run(*state, 2000);
    with_id(params, text_of(reveal, "id"), "");
    json_decref(reveal);
    status = result_of(*state, "getrecord", params);
    assert_string_equal(text_of(json_object_get(status, "receipt"), "outcome"), "applied");
    assert_string_equal(text_of(json_array_get(json_object_get(status, "entries"), 0), "amount"), "5000000");
    json_decref(status);
    json_decref(result_of(*state, "offercapacity", NEED ",\"kind\":\"stock\"}"));
    call_fails(*state, "offercapacity", NEED ",\"kind\":\"lots\"}", -32602, "stock");
    char key[NOTCH_KEY_TEXT_MAX + 1];
    notch_key_print(key, &rpc_node_author(*state)->key, NOTCH_NETWORK_DEV);
    (void)snprintf(params, sizeof params, "{\"shares\":[{\"peer\":\"%s\",\"share_ppm\":1000000}]}", key);
    json_decref(result_of(*state, "recognise", params));
    (void)snprintf(params, sizeof params, "{\"shares\":[{\"peer\":\"%s\",\"share_ppm\":1000001}]}", key);
    call_fails(*state, "recognise", params, -32602, "share");
    char twice[512];
    (void)snprintf(twice, sizeof twice,
                   "{\"shares\":[{\"peer\":\"%s\",\"share_ppm\":1},{\"peer\":\"%s\",\"share_ppm\":1}]}", key, key);
    call_fails(*state, "recognise", twice, NOTCH_RPC_REFUSED, "entry 0");
}

/* ---- the node, consensus, streams ---- */

static void test_the_node_says_what_it_is(void **state)
{
    json_t *info = result_of(*state, "getinfo", "[]");
    assert_string_equal(text_of(info, "version"), "1.2.3-test");
    assert_string_equal(text_of(info, "network"), "dev");
    assert_string_equal(text_of(info, "mode"), "private");
    json_decref(info);
    json_t *config = result_of(*state, "getconfig", "[]");
    assert_non_null(json_object_get(config, "rpc"));
    json_decref(config);
    json_t *validators = result_of(*state, "getvalidators", "[]");
    assert_int_equal(json_array_size(json_object_get(validators, "members")), 1);
    assert_true(json_is_true(json_object_get(json_array_get(json_object_get(validators, "members"), 0), "self")));
    json_decref(validators);
    json_t *finality = result_of(*state, "getfinality", "[]");
    assert_non_null(json_object_get(finality, "final"));
    json_decref(finality);
    json_t *evidence = result_of(*state, "getevidence", "[]");
    assert_int_equal(json_array_size(json_object_get(evidence, "evidence")), 0);
    json_decref(evidence);
    json_decref(result_of(*state, "getpeers", "[]"));
    json_decref(result_of(*state, "trustclock", "[]"));
}

static void test_roles(void **state)
{
    static const char *const stop = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stop\"}";
    enum notch_exchange_outcome outcome;
    char *text = rpc_node_call(*state, NOTCH_RPC_SUBMIT, NULL, stop, strlen(stop), &outcome);
    assert_int_equal(outcome, NOTCH_EXCHANGE_FORBIDDEN);
    assert_non_null(strstr(text, "-32003"));
    free(text);
    static const char *const sign = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"submitrecord\",\"params\":[\"01\"]}";
    text = rpc_node_call(*state, NOTCH_RPC_READ, NULL, sign, strlen(sign), &outcome);
    assert_int_equal(outcome, NOTCH_EXCHANGE_FORBIDDEN);
    free(text);
    text = rpc_node_call(*state, NOTCH_RPC_SUBMIT, NULL, sign, strlen(sign), &outcome);
    assert_int_equal(outcome, NOTCH_EXCHANGE_ANSWER);
    assert_non_null(strstr(text, "MALFORMED"));
    free(text);
}

static void test_streams_are_for_websockets(void **state)
{
    static const char *const body =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscribe\",\"params\":[[\"blocks\",\"records\"]]}";
    uint32_t streams = 0;
    call_fails(*state, "subscribe", "[[\"blocks\"]]", NOTCH_RPC_UNAVAILABLE, "/ws");
    char *text = rpc_node_call(*state, NOTCH_RPC_READ, &streams, body, strlen(body), NULL);
    assert_int_equal(streams, NOTCH_RPC_BLOCKS | NOTCH_RPC_RECORDS);
    assert_string_equal(text, "{\"jsonrpc\":\"2.0\",\"result\":[\"blocks\",\"records\"],\"id\":1}");
    free(text);
    char id[65];
    publish(*state, id, 77);
    char params[256];
    with_id(params, id, "");
    json_t *record = result_of(*state, "getrecord", params);
    struct notch_height height = {(uint64_t)number_of(json_object_get(record, "block"), "height")};
    json_decref(record);
    struct notch_rpc_sight sight;
    struct notch_buf note;
    uint32_t next;
    rpc_node_sight(*state, &sight);
    notch_buf_init(&note, notch_alloc_heap());
    assert_int_equal(notch_rpc_note_records(rpc_node_rpc(*state), &note, &next, 3, sight.view, height, 0), NOTCH_OK);
    assert_int_equal(next, 0);
    json_t *told = json_loadb((const char *)note.data, note.len, 0, NULL);
    assert_string_equal(text_of(told, "method"), "records");
    const json_t *first = json_array_get(json_object_get(json_object_get(told, "params"), "records"), 0);
    assert_string_equal(text_of(first, "id"), id);
    json_decref(told);
    notch_buf_fini(&note);
}

/* ---- batches ---- */

static void test_batches(void **state)
{
    json_t *all = ask(*state, "[{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"getfinality\"},"
                              "{\"jsonrpc\":\"2.0\",\"method\":\"getinfo\"},"
                              "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"nosuch\"},"
                              "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"getpeers\"},"
                              "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"getvalidators\"}, 5]");
    assert_int_equal(json_array_size(all), 5);
    assert_string_equal(text_of(json_array_get(all, 0), "id"), "a");
    assert_non_null(json_object_get(json_array_get(all, 0), "result"));
    assert_true(json_is_null(json_object_get(json_array_get(all, 1), "id")));
    assert_int_equal(number_of(json_object_get(json_array_get(all, 1), "error"), "code"), -32601);
    assert_int_equal(number_of(json_array_get(all, 2), "id"), 3);
    assert_int_equal(number_of(json_array_get(all, 3), "id"), 4);
    assert_int_equal(number_of(json_object_get(json_array_get(all, 4), "error"), "code"), -32600);
    json_decref(all);
    enum notch_exchange_outcome outcome;
    static const char *const silent = "[{\"jsonrpc\":\"2.0\",\"method\":\"getinfo\"},"
                                      "{\"jsonrpc\":\"2.0\",\"method\":\"getfinality\"}]";
    assert_null(rpc_node_call(*state, NOTCH_RPC_READ, NULL, silent, strlen(silent), &outcome));
    assert_int_equal(outcome, NOTCH_EXCHANGE_SILENT);
    fails_with(*state, "[]", -32600, "empty");
    char many[] = "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]";
    fails_with(*state, many, NOTCH_RPC_TOO_LARGE, "33 calls");
}

/* ---- bad input ---- */

static void test_what_is_not_json(void **state)
{
    static const char *const texts[] = {"",
                                        " ",
                                        "{",
                                        "{\"a\":1,}",
                                        "nul",
                                        "[1,2",
                                        "{\"jsonrpc\":\"2.0\"} x",
                                        "{\"id\":1,\"id\":2}",
                                        "'a'",
                                        "{a:1}",
                                        "[NaN]",
                                        "[01]",
                                        "[1e999]",
                                        "[99999999999999999999]",
                                        "[-99999999999999999999]",
                                        "\"\\ud800\"",
                                        "\"\\u0000\"",
                                        "\"\xff\"",
                                        "\"\xc0\xaf\"",
                                        "\"\x01\"",
                                        "\"\xed\xa0\x80\"",
                                        "// comment",
                                        "\xef\xbb\xbf{}"};
    uint64_t taken = rpc_node_taken(*state);
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(texts); i++) {
        fails_with(*state, texts[i], -32700, "line");
    }
    static const char nul[] = "{\"jsonrpc\":\"2.0\",\0\"id\":1}";
    char *text = rpc_node_call(*state, NOTCH_RPC_READ, NULL, nul, sizeof nul - 1, NULL);
    assert_non_null(strstr(text, "-32700"));
    free(text);
    assert_true(rpc_node_taken(*state) == taken);
}

static void test_depth_and_size(void **state)
{
    char *deep = malloc(200001);
    memset(deep, '[', 100000);
    memset(deep + 100000, ']', 100000);
    deep[200000] = 0;
    fails_with(*state, deep, -32700, "nested deeper");
    free(deep);
    size_t len = (1u << 20) + 1;
    char *large = malloc(len + 1);
    memset(large, ' ', len);
    large[len] = 0;
    enum notch_exchange_outcome outcome;
    char *text = rpc_node_call(*state, NOTCH_RPC_READ, NULL, large, len, &outcome);
    assert_int_equal(outcome, NOTCH_EXCHANGE_TOO_LARGE);
    assert_non_null(strstr(text, "-32006"));
    free(text);
    free(large);
    fails_with(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"]]]]{{{{\"}", -32601, "no method");
}

static void test_requests_that_are_none(void **state)
{
    fails_with(*state, "1", -32600, "object");
    fails_with(*state, "null", -32600, "object");
    fails_with(*state, "{}", -32600, "jsonrpc");
    fails_with(*state, "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"getinfo\"}", -32600, "jsonrpc");
    fails_with(*state, "{\"jsonrpc\":2.0,\"id\":1,\"method\":\"getinfo\"}", -32600, "jsonrpc");
    fails_with(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":1}", -32600, "method");
    fails_with(*state, "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"getinfo\"}", -32600, "id");
    fails_with(*state, "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"getinfo\"}", -32600, "id");
    fails_with(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"getinfo\",\"params\":1}", -32600, "params");
    fails_with(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"getinfo\",\"parms\":[]}", -32600, "\"parms\"");
    fails_with(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get\\u00efnfo\"}", -32601, "rpc.discover");
    json_t *kept = ask(*state, "{\"jsonrpc\":\"2.0\",\"id\":\"\\u20ac\\\"\\\\\\n\",\"method\":\"getpeers\"}");
    assert_string_equal(text_of(kept, "id"), "\xe2\x82\xac\"\\\n");
    json_decref(kept);
}

static void test_parameters(void **state)
{
    uint64_t taken = rpc_node_taken(*state);
    call_fails(*state, "getrecord", "{}", -32602, "\"id\": is missing");
    call_fails(*state, "getrecord", "{\"id\":null}", -32602, "is missing");
    call_fails(*state, "getrecord", "{\"id\":1}", -32602, "64 hex digits");
    call_fails(*state, "getrecord", "{\"id\":\"00\"}", -32602, "64 hex digits");
    call_fails(*state, "getrecord", "{\"id\":\"zz\"}", -32602, "64 hex digits");
    call_fails(*state, "getrecord", "{\"record\":\"" ZEROS "\"}", -32602, "unknown parameter \"record\"");
    call_fails(*state, "getrecord", "[\"" ZEROS "\",true,1]", -32602, "3 parameters");
    call_fails(*state, "getrecord", "[\"" ZEROS "\",\"yes\"]", -32602, "true or false");
    call_fails(*state, "getrecord", "[\"" ZEROS "\"]", NOTCH_RPC_NOT_FOUND, "getrecordstatus");
    call_fails(*state, "getentry", "[\"" ZEROS "\",-1]", -32602, "\"index\"");
    call_fails(*state, "getentry", "[\"" ZEROS "\",\"01\"]", -32602, "\"index\"");
    call_fails(*state, "getentry", "[\"" ZEROS "\",\"9223372036854775808\"]", -32602, "\"index\"");
    call_fails(*state, "getentry", "[\"" ZEROS "\",1.0]", -32602, "\"index\"");
    call_fails(*state, "submitrecord", "[\"\"]", -32602, "bytes as hex");
    call_fails(*state, "submitrecord", "[\"0\"]", -32602, "bytes as hex");
    call_fails(*state, "submitrecord", "[\"0g\"]", -32602, "bytes as hex");
    call_fails(*state, "submitrecord", "[\"01\"]", NOTCH_RPC_REFUSED, "canonical");
    call_fails(*state, "submitrecord", "[\"00\"]", NOTCH_RPC_REFUSED, "version");
    call_fails(*state, "submitrecords", "[[]]", -32602, "1 to 1024");
    call_fails(*state, "submitrecords", "[[\"00\",1]]", -32602, "record 1");
    call_fails(*state, "submitrecords", "[\"00\"]", -32602, "an array");
    call_fails(*state, "getstate", "[\"\"]", -32602, "bytes as hex");
    call_fails(*state, "commitneed", "{\"resource\":\"" ZEROS "\",\"start_ms\":1,\"length_ms\":0,\"amount\":1}", -32602,
               "length_ms");
    call_fails(*state, "commitneed", "{\"resource\":\"" ZEROS "\",\"start_ms\":1,\"length_ms\":1,\"amount\":-1}",
               -32602, "amount");
    call_fails(*state, "publishinsight", "[[]]", -32602, "1 to 256");
    call_fails(*state, "publishinsight", "[[1]]", -32602, "entry 0");
    call_fails(*state, "publishinsight", "[[{\"market\":\"" ZEROS "\",\"start_ms\":1,\"length_ms\":1,\"pricee\":1}]]",
               -32602, "does not know");
    call_fails(*state, "publishinsight", "[[{\"market\":\"" ZEROS "\",\"start_ms\":1,\"length_ms\":1}]]",
               NOTCH_RPC_REFUSED, "entry 0");
    call_fails(*state, "publishinsight",
               "[[{\"market\":\"" ZEROS "\",\"start_ms\":1,\"length_ms\":1,\"price_lo\":2,\"price_hi\":1}]]", -32602,
               "at most price_hi");
    call_fails(*state, "publishinsight",
               "[[{\"market\":\"" ZEROS "\",\"start_ms\":1,\"length_ms\":1,\"volatility_ppm\":-1}]]", NOTCH_RPC_REFUSED,
               "volatility");
    call_fails(*state, "publishinsight",
               "[[{\"market\":\"" ZEROS "\",\"start_ms\":1,\"length_ms\":1,\"confidence_ppm\":2147483648}]]", -32602,
               "confidence_ppm");
    call_fails(*state, "publishinsight",
               "[[{\"market\":\"" ZEROS "\",\"start_ms\":\"9223372036854775807\",\"length_ms\":1,\"price\":1}]]",
               -32602, "year 10000");
    call_fails(*state, "signrecord", "[[{\"type\":\"witness\"}]]", -32602, "payload");
    call_fails(*state, "signrecord", "[[{\"type\":\"insight\",\"payload\":\"00\"}]]", -32602, "payload");
    call_fails(*state, "verifyproof", "[\"00\",\"" ZEROS "0\"]", -32602, "checkpoint");
    assert_true(rpc_node_taken(*state) == taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_record_is_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_damaged_record_is_not_given, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_blocks_and_headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lists_go_page_by_page, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_proof_is_good_without_the_node, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_proof_over_epochs_needs_no_hops, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_state_and_history_proofs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sign_then_submit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_submitted_all_have_their_own_result, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_needs_and_capacities, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_node_says_what_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_roles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_streams_are_for_websockets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_batches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_depth_and_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_requests_that_are_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_parameters, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
