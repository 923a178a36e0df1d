/* wallet new, restore, address, sign: none of them asks a node. */
#include "chain/record.h"
#include "chain/salt.h"
#include "rpc/cli/chain_info.h"
#include "rpc/cli/files.h"
#include "rpc/cli/keyring.h"
#include "rpc/cli/progress.h"
#include "rpc/exchange.h"
#include "wallet/io/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { WORDS_FILE_MAX = 4096, ENTRIES_FILE_MAX = 4 << 20 };

/* ---- new, restore ---- */

static enum notch_exit read_network(const struct notch_cli *cli, enum notch_network *out)
{
    const char *name = notch_cli_option(cli, "network");
    *out = NOTCH_NETWORK_MAIN;
    if (name != NULL && !notch_network_parse(out, name)) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--network %s: expected main, test or dev", name);
    }
    return NOTCH_EXIT_OK;
}

static enum notch_exit save(const struct notch_cli *cli, const struct notch_keyfile *file, const char *path,
                            const char *password_option)
{
    struct notch_buf password;
    const char *detail = NULL;
    notch_buf_init(&password, cli->alloc);
    enum notch_exit code = notch_keyring_new_password(cli, &password, password_option);
    if (code == NOTCH_EXIT_OK) {
        enum notch_err err =
            notch_vault_save(path, file, notch_buf_bytes(&password), notch_keyfile_cost_default(),
                             notch_cli_flag(cli, "force") ? NOTCH_VAULT_OVERWRITE : NOTCH_VAULT_KEEP, &detail);
        if (err == NOTCH_ERR_EXISTS) {
            code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "%s is there already; --force replaces it, for good", path);
        } else if (err != NOTCH_OK) {
            code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "cannot write %s: %s: %s", path, notch_err_text(err),
                                  detail == NULL ? "" : detail);
        }
    }
    notch_wipe(password.data, password.cap);
    notch_buf_fini(&password);
    return code;
}

/* The first keys of what was made, and, for a new wallet, its words. */
static enum notch_exit show_wallet(const struct notch_cli *cli, const struct notch_keyfile *file, const char *path,
                                   const char *words)
{
    struct notch_entropy entropy = {.len = file->secret_len};
    struct notch_wallet_root root;
    uint8_t secret[32];
    struct notch_key key;
    char author[NOTCH_KEY_TEXT_MAX + 1] = "";
    memcpy(entropy.bytes, file->secret, file->secret_len);
    enum notch_err err = notch_wallet_root(&root, &entropy, NULL, 0, file->network);
    if (err == NOTCH_OK) {
        err = notch_wallet_derive(secret, &key, &root, NOTCH_ROLE_AUTHOR, 0);
    }
    notch_wipe(&entropy, sizeof entropy);
    notch_wipe(&root, sizeof root);
    notch_wipe(secret, sizeof secret);
    if (err != NOTCH_OK) {
        return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "the wallet has no author key: %s", notch_err_text(err));
    }
    notch_key_print(author, &key, file->network);
    if (cli->json) {
        json_t *out =
            json_pack("{s:s,s:s,s:s}", "wallet", path, "network", notch_network_name(file->network), "author", author);
        if (words != NULL) {
            json_object_set_new(out, "words", json_string(words));
        }
        notch_cli_print_json(out);
        return NOTCH_EXIT_OK;
    }
    notch_cli_line("wallet", "%s (%s)", path, notch_network_name(file->network));
    notch_cli_line("author", "%s", author);
    if (words != NULL) {
        (void)printf("\nThese words are the wallet. Write them on paper; they are not shown again:\n\n  %s\n", words);
    }
    return NOTCH_EXIT_OK;
}

/* Saves `entropy` as a wallet. */
static enum notch_exit make_wallet(const struct notch_cli *cli, const struct notch_entropy *entropy, const char *words)
{
    struct notch_keyfile *file = notch_secrets_alloc(sizeof *file);
    if (file == NULL) {
        return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "no locked memory for the wallet; raise ulimit -l");
    }
    struct notch_buf path;
    const char *label = notch_cli_option(cli, "label");
    notch_buf_init(&path, cli->alloc);
    notch_keyring_path(cli, &path);
    *file = (struct notch_keyfile){.kind = NOTCH_KEYFILE_MNEMONIC, .secret_len = entropy->len};
    memcpy(file->secret, entropy->bytes, entropy->len);
    enum notch_exit code = read_network(cli, &file->network);
    if (code == NOTCH_EXIT_OK && label != NULL && strlen(label) > NOTCH_KEYFILE_LABEL_MAX) {
        code = notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--label is longer than %d bytes", NOTCH_KEYFILE_LABEL_MAX);
    }
    if (code == NOTCH_EXIT_OK) {
        (void)snprintf(file->label, sizeof file->label, "%s", label == NULL ? "" : label);
        if (notch_cli_option(cli, "wallet") == NULL) {
            /* The data directory may not be there yet; whatever else is wrong with it shows when the file is
             * written. */
            struct notch_buf dir;
            notch_buf_init(&dir, cli->alloc);
            notch_client_data_dir(cli, &dir);
            (void)mkdir(notch_cli_text_of(&dir), 0700);
            notch_buf_fini(&dir);
        }
        code = save(cli, file, (const char *)path.data, "password-file");
    }
    if (code == NOTCH_EXIT_OK) {
        code = show_wallet(cli, file, (const char *)path.data, words);
    }
    notch_buf_fini(&path);
    notch_secrets_free(file);
    return code;
}

enum notch_exit notch_cmd_wallet_new(struct notch_cli *cli)
{
    uint64_t count;
    char words[NOTCH_BIP39_TEXT_MAX + 1];
    struct notch_entropy entropy;
    enum notch_exit code = notch_cli_number(cli, &count, "words", 24, 12, 24);
    if (code != NOTCH_EXIT_OK) {
        return code;
    }
    if (count != 12 && count != 24) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--words: expected 12 or 24");
    }
    entropy.len = count == 12 ? 16 : 32;
    notch_random_fill(entropy.bytes, entropy.len);
    enum notch_err err = notch_bip39_encode(words, &entropy);
    notch_assert(err == NOTCH_OK);
    code = make_wallet(cli, &entropy, words);
    notch_wipe(words, sizeof words);
    notch_wipe(&entropy, sizeof entropy);
    return code;
}

enum notch_exit notch_cmd_wallet_restore(struct notch_cli *cli)
{
    const char *path = notch_cli_option(cli, "words-file");
    struct notch_buf words;
    struct notch_entropy entropy = {0};
    size_t word = 0;
    notch_buf_init(&words, cli->alloc);
    enum notch_exit code = NOTCH_EXIT_OK;
    enum notch_err err = notch_file_read(&words, path == NULL ? "-" : path, WORDS_FILE_MAX);
    if (err != NOTCH_OK) {
        code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "cannot read the words: %s", notch_err_text(err));
    } else {
        struct notch_reject reject = notch_bip39_decode(&entropy, &word, (const char *)words.data, words.len);
        if (!notch_is_valid(reject)) {
            code = word > 0 ? notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "word %zu: %s", word, reject.reason)
                            : notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "the words: %s", reject.reason);
        }
    }
    if (code == NOTCH_EXIT_OK) {
        code = make_wallet(cli, &entropy, NULL);
    }
    notch_wipe(words.data, words.cap);
    notch_wipe(&entropy, sizeof entropy);
    notch_buf_fini(&words);
    return code;
}

/* ---- address ---- */

/* --party NAME, or --index N. */
static enum notch_exit find_index(struct notch_keyring *keyring, uint32_t *index)
{
    const char *party = notch_cli_option(keyring->cli, "party");
    return party != NULL ? notch_keyring_party(keyring, index, notch_bytes(party, strlen(party)))
                         : notch_keyring_index(keyring->cli, index, "index");
}

static enum notch_exit write_key_file(const struct notch_keyring *keyring, const struct notch_signer *signer,
                                      enum notch_role role, uint32_t index)
{
    const struct notch_cli *cli = keyring->cli;
    const char *path = notch_cli_option(cli, "key-file");
    if (path == NULL) {
        return NOTCH_EXIT_OK;
    }
    struct notch_keyfile *file = notch_secrets_alloc(sizeof *file);
    if (file == NULL) {
        return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "no locked memory for the key; raise ulimit -l");
    }
    *file = (struct notch_keyfile){.kind = NOTCH_KEYFILE_ROLE,
                                   .network = notch_keyring_network(keyring),
                                   .role = role,
                                   .index = index,
                                   .secret_len = 32};
    memcpy(file->secret, signer->secret, 32);
    enum notch_exit code = save(cli, file, path, "key-password-file");
    notch_secrets_free(file);
    return code;
}

enum notch_exit notch_cmd_wallet_address(struct notch_cli *cli)
{
    const char *name = notch_cli_option(cli, "role");
    enum notch_role role = NOTCH_ROLE_AUTHOR;
    uint32_t index = 0;
    struct notch_signer signer;
    struct notch_keyring keyring;
    char text[NOTCH_KEY_TEXT_MAX + 1];
    if (name != NULL && !notch_role_parse(&role, name)) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--role %s: expected operator, validator, node or author", name);
    }
    enum notch_exit code = notch_keyring_open(&keyring, cli, 1);
    if (code == NOTCH_EXIT_OK) {
        code = find_index(&keyring, &index);
    }
    if (code == NOTCH_EXIT_OK) {
        code = notch_keyring_key(&keyring, &signer, role, index);
    }
    if (code == NOTCH_EXIT_OK) {
        code = write_key_file(&keyring, &signer, role, index);
    }
    if (code == NOTCH_EXIT_OK) {
        notch_key_print(text, &signer.key, notch_keyring_network(&keyring));
        if (cli->json) {
            notch_cli_print_json(
                json_pack("{s:s,s:s,s:I}", "address", text, "role", notch_role_name(role), "index", (json_int_t)index));
        } else {
            (void)puts(text);
        }
    }
    notch_keyring_close(&keyring);
    return code;
}

/* ---- sign ---- */

/*
 * The entries of a JSON array, encoded. The RPC reads them: the call `signrecord` is run against no node, up to the
 * request that it would make, which holds the encoded entries.
 */
static enum notch_exit encode_entries(const struct notch_cli *cli, struct notch_buf *out, json_t *entries,
                                      const struct notch_genesis *genesis, const struct notch_domain *domain)
{
    struct notch_rpc_options options = {.genesis = genesis,
                                        .domain = domain,
                                        .crypto = notch_crypto_secp(),
                                        .alloc = cli->alloc,
                                        .version = NOTCH_VERSION,
                                        .config = "{}"};
    struct notch_rpc_caller caller = {.role = NOTCH_RPC_SUBMIT};
    struct notch_rpc_sight sight = {NULL, NULL};
    struct notch_rpc *rpc;
    struct notch_buf body;
    uint32_t index;
    enum notch_err err = notch_rpc_create(&rpc, &options);
    notch_assert(err == NOTCH_OK);
    notch_buf_init(&body, cli->alloc);
    notch_client_body(&body, 1, "signrecord", json_pack("{s:O}", "entries", entries));
    struct notch_exchange *exchange = notch_exchange_create(rpc, &caller);
    notch_exchange_run(exchange, &sight, notch_buf_bytes(&body));
    struct notch_request *request = notch_exchange_request(exchange, &index);
    enum notch_exit code = NOTCH_EXIT_OK;
    if (request != NULL) {
        for (size_t i = 0; i < request->publish.count; i++) {
            notch_buf_append(out, request->publish.entries[i].data, request->publish.entries[i].len);
        }
        struct notch_reply nobody = {.type = request->type, .err = NOTCH_ERR_CLOSED};
        notch_exchange_take(exchange, index, &nobody);
    }
    notch_exchange_finish(exchange, &sight);
    if (request == NULL) {
        struct notch_bytes text = notch_exchange_text(exchange);
        json_t *answer = json_loadb((const char *)text.data, text.len, 0, NULL);
        json_t *data = json_object_get(json_object_get(answer, "error"), "data");
        code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "%s", notch_client_string(data, "reason"));
        json_decref(answer);
    }
    notch_exchange_destroy(exchange);
    notch_buf_fini(&body);
    notch_rpc_destroy(rpc);
    return code;
}

static enum notch_exit read_entries(const struct notch_cli *cli, json_t **out)
{
    struct notch_buf text;
    json_error_t error;
    notch_buf_init(&text, cli->alloc);
    *out = NULL;
    enum notch_exit code = NOTCH_EXIT_OK;
    enum notch_err err = notch_file_read(&text, cli->words[0], ENTRIES_FILE_MAX);
    if (err != NOTCH_OK) {
        code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "cannot read the entries %s: %s", cli->words[0],
                              notch_err_text(err));
    } else {
        *out = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
        if (!json_is_array(*out)) {
            json_decref(*out);
            *out = NULL;
            code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "%s holds no JSON array of entries (line %d, column %d)",
                                  cli->words[0], error.line, error.column);
        }
    }
    notch_buf_fini(&text);
    return code;
}

static enum notch_exit sign(const struct notch_cli *cli, struct notch_buf *record, struct notch_bytes entries,
                            const struct notch_signer *signer, const struct notch_chain_info *chain,
                            const struct notch_genesis *genesis)
{
    struct notch_hash root;
    uint32_t count;
    struct notch_record_draft draft = {
        .author = signer->key, .ts = {notch_clock_calendar_ms()}, .ref = chain->final, .entries = entries};
    enum notch_err err = notch_record_entries_root(&root, &count, entries);
    if (err == NOTCH_OK) {
        notch_record_salt(&draft.salt, &chain->domain, signer->secret, &root);
        err = notch_record_build(record, &draft, signer, &chain->domain, notch_crypto_secp());
    }
    if (err != NOTCH_OK) {
        return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "the entries are no record: %s", notch_err_text(err));
    }
    struct notch_rules rules = notch_genesis_rules(genesis, &chain->domain, notch_crypto_secp());
    struct notch_record checked;
    struct notch_reject reject = notch_record_check(&checked, notch_buf_bytes(record), &rules);
    if (!notch_is_valid(reject)) {
        return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "the chain would refuse it: %s: %s",
                              notch_reject_text(reject.code), reject.reason);
    }
    return NOTCH_EXIT_OK;
}

static enum notch_exit write_record(const struct notch_cli *cli, const struct notch_buf *record,
                                    const struct notch_domain *domain)
{
    const char *path = notch_cli_option(cli, "out");
    struct notch_record decoded;
    char id[65];
    struct notch_reject reject = notch_record_decode(&decoded, notch_buf_bytes(record));
    notch_assert(notch_is_valid(reject));
    notch_record_hash(&decoded, domain);
    notch_hex_encode(id, decoded.id.raw, sizeof decoded.id.raw); /* Raw: prints */
    if (path != NULL) {
        enum notch_err err = notch_file_write(path, notch_buf_bytes(record), 0644, NOTCH_FILE_REPLACE);
        if (err != NOTCH_OK) {
            return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "cannot write %s: %s", path, notch_err_text(err));
        }
    }
    size_t size = 2 * record->len + 1;
    char *hex = notch_alloc(cli->alloc, size);
    notch_hex_encode(hex, record->data, record->len);
    if (cli->json) {
        notch_cli_print_json(json_pack("{s:s,s:s}", "id", id, "record", hex));
    } else {
        (void)puts(path == NULL ? hex : id);
    }
    notch_free(cli->alloc, hex, size);
    return NOTCH_EXIT_OK;
}

static enum notch_exit read_ref(const struct notch_cli *cli, struct notch_hash *out)
{
    const char *ref = notch_cli_option(cli, "ref");
    if (ref != NULL && !notch_hex_decode(out->raw, sizeof out->raw, ref, strlen(ref))) { /* Raw: parses */
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--ref %s: expected the hash of a final block, 64 hex digits",
                              ref);
    }
    return NOTCH_EXIT_OK;
}

/* With the chain known: keys, entries, signature. */
static enum notch_exit sign_with(struct notch_cli *cli, struct notch_keyring *keyring,
                                 const struct notch_chain_info *chain, const struct notch_genesis *genesis)
{
    uint32_t index = 0;
    struct notch_signer signer;
    json_t *list;
    struct notch_buf entries;
    struct notch_buf record;
    if (notch_keyring_network(keyring) != chain->network) {
        return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "the wallet is for network %s, the chain is of %s",
                              notch_network_name(notch_keyring_network(keyring)), notch_network_name(chain->network));
    }
    enum notch_exit code = find_index(keyring, &index);
    if (code == NOTCH_EXIT_OK) {
        code = notch_keyring_key(keyring, &signer, NOTCH_ROLE_AUTHOR, index);
    }
    if (code != NOTCH_EXIT_OK) {
        return code;
    }
    code = read_entries(cli, &list);
    notch_buf_init(&entries, cli->alloc);
    notch_buf_init(&record, cli->alloc);
    if (code == NOTCH_EXIT_OK) {
        code = encode_entries(cli, &entries, list, genesis, &chain->domain);
    }
    if (code == NOTCH_EXIT_OK) {
        code = sign(cli, &record, notch_buf_bytes(&entries), &signer, chain, genesis);
    }
    if (code == NOTCH_EXIT_OK) {
        code = write_record(cli, &record, &chain->domain);
    }
    json_decref(list);
    notch_buf_fini(&entries);
    notch_buf_fini(&record);
    return code;
}

enum notch_exit notch_cmd_wallet_sign(struct notch_cli *cli)
{
    const char *path = notch_cli_option(cli, "genesis");
    struct notch_chain_info chain;
    struct notch_genesis genesis;
    struct notch_keyring keyring;
    if (path == NULL) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--genesis FILE is needed: what is signed is for one chain alone");
    }
    enum notch_exit code = notch_chain_info_read(&chain, &genesis, cli, path);
    if (code == NOTCH_EXIT_OK) {
        code = read_ref(cli, &chain.final);
    }
    if (code == NOTCH_EXIT_OK) {
        code = notch_keyring_open(&keyring, cli, 1);
        if (code == NOTCH_EXIT_OK) {
            code = sign_with(cli, &keyring, &chain, &genesis);
        }
        notch_keyring_close(&keyring);
    }
    notch_genesis_fini(&genesis);
    return code;
}
