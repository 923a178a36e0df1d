/* proof get (asks the node) and proof verify (asks nobody). */
#include "chain/entry.h"
#include "chain/proof.h"
#include "rpc/cli/client.h"
#include "rpc/cli/files.h"
#include "rpc/cli/when.h"

#include <stdio.h>

/* "RECORD", "RECORD:ENTRY". */
static enum notch_exit read_entry_name(const struct notch_cli *cli, char id[65], uint64_t *index)
{
    const char *text = cli->words[0];
    size_t len = strcspn(text, ":");
    struct notch_hash hash;
    *index = 0;
    bool known = notch_hex_decode(hash.raw, sizeof hash.raw, text, len); /* Raw: parses */
    if (known && text[len] == ':') {
        known = notch_cli_parse_number(index, text + len + 1, NOTCH_RECORD_ENTRIES_MAX - 1);
    }
    if (!known) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "\"%s\": expected the id of a record (64 hex digits), or ID:ENTRY",
                              text);
    }
    (void)snprintf(id, 65, "%.64s", text);
    return NOTCH_EXIT_OK;
}

static enum notch_exit write_proof(const struct notch_cli *cli, const char *hex)
{
    const char *path = notch_cli_option(cli, "out");
    size_t len = strlen(hex) / 2;
    struct notch_buf bytes;
    notch_buf_init(&bytes, cli->alloc);
    enum notch_exit code = NOTCH_EXIT_OK;
    bool is_hex = notch_hex_decode(notch_buf_reserve(&bytes, len + 1), len, hex, strlen(hex));
    bytes.len = len;
    if (is_hex && notch_cli_flag(cli, "hex")) {
        notch_buf_clear(&bytes);
        notch_cli_text(&bytes, "%s\n", hex);
    }
    if (!is_hex || len == 0) {
        code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "the node's answer holds no proof");
    } else {
        (void)fflush(stdout);
        enum notch_err err =
            notch_file_write(path == NULL ? "-" : path, notch_buf_bytes(&bytes), 0644, NOTCH_FILE_REPLACE);
        if (err != NOTCH_OK) {
            code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "cannot write the proof to %s: %s",
                                  path == NULL ? "standard output" : path, notch_err_text(err));
        }
    }
    notch_buf_fini(&bytes);
    return code;
}

enum notch_exit notch_cmd_proof_get(struct notch_cli *cli)
{
    char id[65];
    uint64_t index;
    uint64_t height;
    struct notch_client client;
    enum notch_exit code = read_entry_name(cli, id, &index);
    if (code != NOTCH_EXIT_OK) {
        return code;
    }
    json_t *params = json_pack("{s:s,s:I}", "id", id, "index", (json_int_t)index);
    const char *checkpoint = notch_cli_option(cli, "checkpoint");
    if (checkpoint != NULL) {
        bool is_height = strlen(checkpoint) < 19 && notch_cli_parse_number(&height, checkpoint, INT64_MAX);
        json_object_set_new(params, "checkpoint",
                            is_height ? json_integer((json_int_t)height) : json_string(checkpoint));
    }
    code = notch_client_init(&client, cli);
    if (code != NOTCH_EXIT_OK) {
        json_decref(params);
    } else {
        json_t *result = notch_client_call(&client, &code, "getproof", params);
        if (result != NULL && cli->json) {
            notch_cli_print_json(json_incref(result));
        } else if (result != NULL) {
            code = write_proof(cli, notch_client_string(result, "proof"));
        }
        json_decref(result);
    }
    notch_client_fini(&client);
    return code;
}

/* ---- verifying ---- */

/* The bytes of a file, which may hold their hex. */
static enum notch_exit read_proof(const struct notch_cli *cli, struct notch_buf *out)
{
    const char *path = cli->words[0];
    enum notch_err err = notch_file_read(out, path, 2 * (size_t)NOTCH_PROOF_BYTES_MAX + 2);
    if (err != NOTCH_OK) {
        return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "cannot read the proof %s: %s", path, notch_err_text(err));
    }
    size_t len = out->len;
    while (len > 0 && (out->data[len - 1] == '\n' || out->data[len - 1] == '\r')) {
        len--;
    }
    struct notch_buf bytes;
    notch_buf_init(&bytes, cli->alloc);
    if (len > 0 && len % 2 == 0 &&
        notch_hex_decode(notch_buf_reserve(&bytes, len / 2), len / 2, (const char *)out->data, len)) {
        memcpy(out->data, bytes.data, len / 2);
        out->len = len / 2;
    }
    notch_buf_fini(&bytes);
    return NOTCH_EXIT_OK;
}

/* Raw: prints. */
static void hash_text(char out[65], const struct notch_hash *hash)
{
    notch_hex_encode(out, hash->raw, sizeof hash->raw);
}

/* Raw: prints. */
static void show_result(const struct notch_cli *cli, const struct notch_proof_result *result)
{
    char genesis[65];
    char record[65];
    char block[65];
    char final[65];
    char time[NOTCH_WHEN_TEXT_MAX];
    hash_text(genesis, &result->genesis);
    hash_text(record, &result->record_id);
    hash_text(block, &result->block);
    hash_text(final, &result->final_block);
    if (cli->json) {
        char author[65];
        notch_hex_encode(author, result->author.raw, sizeof result->author.raw);
        notch_cli_print_json(
            json_pack("{s:b,s:s,s:s,s:i,s:s,s:s,s:I,s:s,s:I,s:I,s:s,s:b,s:i,s:I,s:I}", "valid", 1, "genesis", genesis,
                      "record", record, "index", (int)result->entry_index, "type", notch_entry_name(result->entry.type),
                      "author_key", author, "height", (json_int_t)result->height.raw, "block", block, "time_ms",
                      (json_int_t)result->time.raw, "final_height", (json_int_t)result->final_height.raw, "final_block",
                      final, "by_checkpoint", result->by_checkpoint ? 1 : 0, "hops", (int)result->hops, "weight",
                      (json_int_t)result->weight, "weight_total", (json_int_t)result->weight_total));
        return;
    }
    notch_when_print(time, result->time.raw);
    (void)puts("valid: the entry is final on this chain");
    notch_cli_line("chain", "%s", genesis);
    notch_cli_line("record", "%s", record);
    notch_cli_line("entry", "%u (%s)", result->entry_index, notch_entry_name(result->entry.type));
    notch_cli_line("in block", "%llu  %s", (unsigned long long)result->height.raw, block);
    notch_cli_line("of", "%s", time);
    notch_cli_line("shown under", "%llu  %s", (unsigned long long)result->final_height.raw, final);
    if (!result->by_checkpoint) {
        notch_cli_line("signed by", "%llu of %llu weight of set %u", (unsigned long long)result->weight,
                       (unsigned long long)result->weight_total, result->set_id);
    }
}

/* Whether the proof is of the entry that the caller has in mind. */
static bool is_wanted_entry(const struct notch_cli *cli, const struct notch_proof_result *result)
{
    const char *hex = notch_cli_option(cli, "entry");
    if (hex == NULL) {
        return true;
    }
    size_t len = strlen(hex);
    struct notch_buf bytes;
    notch_buf_init(&bytes, cli->alloc);
    bool same = len % 2 == 0 && len > 0 && notch_hex_decode(notch_buf_reserve(&bytes, len / 2), len / 2, hex, len) &&
                notch_bytes_eq(notch_bytes(bytes.data, len / 2), result->entry.encoded);
    notch_buf_fini(&bytes);
    return same;
}

enum notch_exit notch_cmd_proof_verify(struct notch_cli *cli)
{
    const char *text = notch_cli_option(cli, "checkpoint");
    struct notch_hash checkpoint;
    if (text == NULL ||
        !notch_hex_decode(checkpoint.raw, sizeof checkpoint.raw, text, strlen(text))) { /* Raw: parses */
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE,
                              "--checkpoint HASH is needed: 64 hex digits, of a final block or "
                              "the genesis, from somebody you trust");
    }
    struct notch_buf proof;
    struct notch_proof_result result;
    notch_buf_init(&proof, cli->alloc);
    enum notch_exit code = read_proof(cli, &proof);
    if (code == NOTCH_EXIT_OK) {
        struct notch_reject reject =
            notch_proof_verify(&result, notch_buf_bytes(&proof), &checkpoint, notch_crypto_secp(), cli->alloc);
        if (!notch_is_valid(reject)) {
            code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "not proven: %s: %s", notch_reject_text(reject.code),
                                  reject.reason);
        } else if (!is_wanted_entry(cli, &result)) {
            code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "not proven: the proof is of another entry");
        } else {
            show_result(cli, &result);
        }
    }
    notch_buf_fini(&proof);
    return code;
}
