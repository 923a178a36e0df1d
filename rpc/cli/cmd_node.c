/* status, peers, block, record ..., vote-reset, rpc: what is asked of the node and shown. */
#include "rpc/cli/client.h"
#include "rpc/cli/files.h"
#include "rpc/cli/table.h"
#include "rpc/cli/when.h"

#include <stdio.h>
#include <stdlib.h>

enum { RECORD_FILE_MAX = 128 << 10, CURSOR_PAGE = 1000 };

/* One call; its result, or NULL with the exit code. */
static json_t *ask(struct notch_cli *cli, enum notch_exit *code, const char *method, json_t *params)
{
    struct notch_client client;
    json_t *result = NULL;
    *code = notch_client_init(&client, cli);
    if (*code == NOTCH_EXIT_OK) {
        result = notch_client_call(&client, code, method, params);
    } else {
        json_decref(params);
    }
    notch_client_fini(&client);
    return result;
}

static void print_time(const char *label, uint64_t ms)
{
    char text[NOTCH_WHEN_TEXT_MAX];
    notch_when_print(text, ms);
    notch_cli_line(label, "%s", text);
}

static void print_ref(const char *label, const json_t *block)
{
    notch_cli_line(label, "%llu  %s", (unsigned long long)notch_client_number(block, "height"),
                   notch_client_string(block, "hash"));
}

static void print_status(const json_t *info)
{
    const json_t *latency = json_object_get(info, "finality_ms");
    notch_cli_line("chain", "%s (%s, %s)", notch_client_string(info, "chain"), notch_client_string(info, "network"),
                   notch_client_string(info, "mode"));
    notch_cli_line("genesis", "%s", notch_client_string(info, "genesis"));
    print_ref("head", json_object_get(info, "head"));
    print_ref("final", json_object_get(info, "final"));
    print_time("final since", notch_client_number(json_object_get(info, "final"), "time_ms"));
    notch_cli_line("records", "%llu with %llu entries", (unsigned long long)notch_client_number(info, "records"),
                   (unsigned long long)notch_client_number(info, "entries"));
    notch_cli_line("on their way", "%llu records", (unsigned long long)notch_client_number(info, "pending_records"));
    notch_cli_line("final after", "%llu ms (median), %llu ms (99 of 100)",
                   (unsigned long long)notch_client_number(latency, "p50"),
                   (unsigned long long)notch_client_number(latency, "p99"));
    notch_cli_line("validator", "%s%s",
                   json_is_null(json_object_get(info, "validator")) ? "no" : notch_client_string(info, "validator"),
                   json_is_true(json_object_get(info, "voting")) ? ", votes" : "");
    notch_cli_line("peers", "%llu", (unsigned long long)notch_client_number(info, "peers"));
    notch_cli_line("takes records", "%s", json_is_true(json_object_get(info, "taking_records")) ? "yes" : "no");
    notch_cli_line("version", "%s", notch_client_string(info, "version"));
}

/* The result as it is with --json, else as `print` shows it. */
static enum notch_exit show(const struct notch_cli *cli, enum notch_exit code, json_t *result,
                            void (*print)(const json_t *result))
{
    if (result == NULL) {
        return code;
    }
    if (cli->json) {
        notch_cli_print_json(result);
    } else {
        print(result);
        json_decref(result);
    }
    return code;
}

enum notch_exit notch_cmd_status(struct notch_cli *cli)
{
    enum notch_exit code;
    json_t *info = ask(cli, &code, "getinfo", NULL);
    return show(cli, code, info, print_status);
}

static void print_table(const struct notch_table *table)
{
    struct notch_buf text;
    notch_buf_init(&text, notch_alloc_heap());
    notch_table_print(table, &text);
    (void)fwrite(text.data, 1, text.len, stdout);
    notch_buf_fini(&text);
}

static void print_peers(const json_t *peers)
{
    static const char *const heads[] = {"peer", "address", "since"};
    size_t i;
    json_t *peer;
    if (json_array_size(peers) == 0) {
        (void)puts("no peers: this node is on its own");
        return;
    }
    struct notch_table table;
    notch_table_init(&table, notch_alloc_heap(), heads, NOTCH_ARRAY_LEN(heads));
    json_array_foreach(peers, i, peer)
    {
        notch_table_put(&table, "%s", notch_client_string(peer, "key"));
        notch_table_put(&table, "%s", notch_client_string(peer, "address"));
        notch_table_put(&table, "%llu", (unsigned long long)notch_client_number(peer, "since_ms"));
    }
    print_table(&table);
    notch_table_fini(&table);
}

enum notch_exit notch_cmd_peers(struct notch_cli *cli)
{
    enum notch_exit code;
    json_t *peers = ask(cli, &code, "getpeers", NULL);
    return show(cli, code, peers, print_peers);
}

/* ---- blocks ---- */

static void print_list(const char *label, const json_t *list)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        notch_cli_line(i == 0 ? label : "", "%s", json_string_value(item));
    }
}

static void print_block(const json_t *block)
{
    print_ref("block", block);
    notch_cli_line("slot", "%llu", (unsigned long long)notch_client_number(block, "slot"));
    print_time("time", notch_client_number(block, "time_ms"));
    notch_cli_line("parent", "%s", notch_client_string(json_object_get(block, "header"), "parent"));
    notch_cli_line("state root", "%s", notch_client_string(block, "state_root"));
    notch_cli_line("contents", "%zu batches, %llu records, %llu votes",
                   json_array_size(json_object_get(block, "batches")),
                   (unsigned long long)notch_client_number(block, "n_records"),
                   (unsigned long long)notch_client_number(block, "n_votes"));
    print_list("batches", json_object_get(block, "batches"));
    print_list("records", json_object_get(block, "records"));
}

/* A height, as a number, or a hash or "final", as text. */
static json_t *block_param(const char *text)
{
    uint64_t height;
    return notch_cli_parse_number(&height, text, INT64_MAX) && strlen(text) < 20 ? json_integer((json_int_t)height)
                                                                                 : json_string(text);
}

enum notch_exit notch_cmd_block(struct notch_cli *cli)
{
    enum notch_exit code;
    json_t *params = json_pack("{s:o,s:b}", "block", block_param(cli->word_count == 0 ? "final" : cli->words[0]),
                               "records", notch_cli_flag(cli, "records") ? 1 : 0);
    if (params == NULL) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "the block is not named in UTF-8");
    }
    json_t *block = ask(cli, &code, "getblock", params);
    return show(cli, code, block, print_block);
}

/* ---- records ---- */

static void print_indented(const json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2));
    notch_assert(text != NULL);
    (void)puts(text);
    free(text);
}

static void print_outcome(const json_t *receipt)
{
    notch_cli_line("outcome", "%s%s%s", notch_client_string(receipt, "outcome"),
                   *notch_client_string(receipt, "reason") == '\0' ? "" : ": ", notch_client_string(receipt, "reason"));
}

static void print_record(const json_t *record)
{
    const json_t *block = json_object_get(record, "block");
    size_t i;
    json_t *entry;
    notch_cli_line("record", "%s", notch_client_string(record, "id"));
    notch_cli_line("author", "%s", notch_client_string(record, "author"));
    print_time("signed", notch_client_number(record, "ts_ms"));
    print_ref("in block", block);
    print_outcome(json_object_get(record, "receipt"));
    json_array_foreach(json_object_get(record, "entries"), i, entry)
    {
        (void)printf("\nentry %zu\n", i);
        print_indented(entry);
    }
}

static enum notch_exit by_id(struct notch_cli *cli, const char *method, void (*print)(const json_t *result))
{
    enum notch_exit code;
    json_t *params = json_pack("{s:s}", "id", cli->words[0]);
    if (params == NULL) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "an id is 64 hex digits");
    }
    json_t *result = ask(cli, &code, method, params);
    return show(cli, code, result, print);
}

enum notch_exit notch_cmd_record_get(struct notch_cli *cli)
{
    return by_id(cli, "getrecord", print_record);
}

static void print_record_status(const json_t *result)
{
    notch_cli_line("status", "%s", notch_client_string(result, "status"));
    if (json_object_get(result, "height") != NULL) {
        notch_cli_line("height", "%llu", (unsigned long long)notch_client_number(result, "height"));
    }
    if (json_object_get(result, "receipt") != NULL) {
        print_outcome(json_object_get(result, "receipt"));
    }
    if (json_is_true(json_object_get(result, "duplicate"))) {
        notch_cli_line("duplicate", "yes: nothing was added");
    }
}

enum notch_exit notch_cmd_record_status(struct notch_cli *cli)
{
    return by_id(cli, "getrecordstatus", print_record_status);
}

static void print_records(const json_t *page)
{
    static const char *const heads[] = {"height", "signed", "entries", "record", "author"};
    size_t i;
    json_t *record;
    struct notch_table table;
    if (json_array_size(json_object_get(page, "records")) == 0) {
        (void)puts("no records");
        return;
    }
    notch_table_init(&table, notch_alloc_heap(), heads, NOTCH_ARRAY_LEN(heads));
    json_array_foreach(json_object_get(page, "records"), i, record)
    {
        char time[NOTCH_WHEN_TEXT_MAX];
        notch_when_print(time, notch_client_number(record, "ts_ms"));
        notch_table_put(&table, "%llu", (unsigned long long)notch_client_number(record, "height"));
        notch_table_put(&table, "%s", time);
        notch_table_put(&table, "%llu", (unsigned long long)notch_client_number(record, "n_entries"));
        notch_table_put(&table, "%s", notch_client_string(record, "id"));
        notch_table_put(&table, "%s", notch_client_string(record, "author"));
    }
    print_table(&table);
    notch_table_fini(&table);
    if (json_is_true(json_object_get(page, "more"))) {
        (void)puts("there are more: raise --limit, or use notch rpc listrecords with a cursor");
    }
}

/* Copies an option into a parameter of the same or another name, where it was given. */
static bool put_option(const struct notch_cli *cli, json_t *params, const char *name, const char *param)
{
    const char *value = notch_cli_option(cli, name);
    return value == NULL || json_object_set_new(params, param, json_string(value)) == 0;
}

static enum notch_exit put_date(const struct notch_cli *cli, json_t *params, const char *name, const char *param)
{
    const char *text = notch_cli_option(cli, name);
    uint64_t ms;
    if (text == NULL) {
        return NOTCH_EXIT_OK;
    }
    const char *fault = notch_when_parse(&ms, text, strlen(text));
    if (fault != NULL) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--%s %s: %s", name, text, fault);
    }
    json_object_set_new(params, param, json_integer((json_int_t)ms));
    return NOTCH_EXIT_OK;
}

enum notch_exit notch_cmd_record_list(struct notch_cli *cli)
{
    uint64_t limit;
    json_t *params = json_object();
    enum notch_exit code = notch_cli_number(cli, &limit, "limit", 20, 1, CURSOR_PAGE);
    if (code == NOTCH_EXIT_OK) {
        code = put_date(cli, params, "from", "from_ms");
    }
    if (code == NOTCH_EXIT_OK) {
        code = put_date(cli, params, "to", "to_ms");
    }
    if (code == NOTCH_EXIT_OK &&
        (!put_option(cli, params, "type", "type") || !put_option(cli, params, "author", "author") ||
         !put_option(cli, params, "market", "market"))) {
        code = notch_cli_fail(cli, NOTCH_EXIT_USAGE, "an option is not UTF-8");
    }
    if (code != NOTCH_EXIT_OK) {
        json_decref(params);
        return code;
    }
    json_object_set_new(params, "limit", json_integer((json_int_t)limit));
    json_object_set_new(params, "order", json_string(notch_cli_flag(cli, "newest") ? "newest" : "oldest"));
    json_t *page = ask(cli, &code, "listrecords", params);
    return show(cli, code, page, print_records);
}

/* A file with bytes, or with their hex: gives the hex. */
static enum notch_exit read_hex(const struct notch_cli *cli, struct notch_buf *hex, const char *path)
{
    struct notch_buf bytes;
    notch_buf_init(&bytes, cli->alloc);
    enum notch_err err = notch_file_read(&bytes, path, RECORD_FILE_MAX);
    size_t len = bytes.len;
    while (len > 0 && (bytes.data[len - 1] == '\n' || bytes.data[len - 1] == '\r')) {
        len--;
    }
    uint8_t *raw = notch_alloc(cli->alloc, len / 2 + 1);
    if (err == NOTCH_OK && len % 2 == 0 && notch_hex_decode(raw, len / 2, (const char *)bytes.data, len)) {
        notch_buf_append(hex, bytes.data, len);
    } else if (err == NOTCH_OK) {
        notch_hex_encode((char *)notch_buf_reserve(hex, 2 * bytes.len + 1), bytes.data, bytes.len);
        hex->len += 2 * bytes.len;
    }
    notch_free(cli->alloc, raw, len / 2 + 1);
    notch_buf_fini(&bytes);
    if (err != NOTCH_OK) {
        return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "cannot read %s: %s", path, notch_err_text(err));
    }
    return NOTCH_EXIT_OK;
}

static void print_submitted(const json_t *result)
{
    notch_cli_line("record", "%s", notch_client_string(result, "id"));
    print_record_status(result);
}

enum notch_exit notch_cmd_record_submit(struct notch_cli *cli)
{
    struct notch_buf hex;
    notch_buf_init(&hex, cli->alloc);
    enum notch_exit code = read_hex(cli, &hex, cli->words[0]);
    if (code == NOTCH_EXIT_OK) {
        json_t *result = ask(cli, &code, "submitrecord", json_pack("{s:s}", "record", notch_cli_text_of(&hex)));
        code = show(cli, code, result, print_submitted);
    }
    notch_buf_fini(&hex);
    return code;
}

/* ---- the rest ---- */

enum notch_exit notch_cmd_vote_reset(struct notch_cli *cli)
{
    enum notch_exit code;
    json_t *result = ask(cli, &code, "votereset", NULL);
    if (result != NULL) {
        json_decref(result);
        if (cli->json) {
            notch_cli_print_json(json_true());
        } else {
            (void)puts("the validator votes again once the waiting time is over");
        }
    }
    return code;
}

enum notch_exit notch_cmd_rpc(struct notch_cli *cli)
{
    json_t *params = NULL;
    json_error_t error;
    enum notch_exit code;
    if (cli->word_count > 1) {
        params = json_loads(cli->words[1], JSON_REJECT_DUPLICATES, &error);
        if (params == NULL) {
            return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "the parameters are no JSON object or array: %s (column %d)",
                                  error.text, error.column);
        }
    }
    json_t *result = ask(cli, &code, cli->words[0], params);
    if (result == NULL) {
        return code;
    }
    if (cli->json) {
        notch_cli_print_json(result);
        return code;
    }
    char *text = json_dumps(result, JSON_INDENT(2) | JSON_ENCODE_ANY);
    notch_assert(text != NULL);
    (void)puts(text);
    free(text);
    json_decref(result);
    return code;
}
