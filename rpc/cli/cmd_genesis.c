/* genesis new: the file that makes a chain. */
#include "chain/genesis.h"

#include "rpc/cli/cli.h"
#include "rpc/cli/files.h"
#include "rpc/cli/progress.h"
#include "wallet/io/random.h"

#include <stdio.h>

static enum notch_exit read_kind(const struct notch_cli *cli, struct notch_genesis *genesis)
{
    const char *name = notch_cli_option(cli, "name");
    const char *network_name = notch_cli_option(cli, "network");
    const char *mode_name = notch_cli_option(cli, "mode");
    enum notch_network network = NOTCH_NETWORK_MAIN;
    enum notch_mode mode = NOTCH_MODE_PRIVATE;
    if (network_name != NULL && !notch_network_parse(&network, network_name)) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--network %s: expected main, test or dev", network_name);
    }
    if (mode_name != NULL && !notch_mode_parse(&mode, mode_name, strlen(mode_name))) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--mode %s: expected private, consortium or public", mode_name);
    }
    notch_genesis_defaults(genesis, network, mode);
    if (name == NULL || !notch_genesis_set_name(genesis, name, strlen(name))) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE,
                              "--name is needed: at most %d of a-z, 0-9 and -, which is neither first nor last",
                              NOTCH_GENESIS_NAME_MAX);
    }
    return NOTCH_EXIT_OK;
}

static enum notch_exit parse_key(const struct notch_cli *cli, struct notch_key *out, const char *option,
                                 const char *text, size_t len, enum notch_network network)
{
    struct notch_reject reject = notch_key_parse(out, text, len, network);
    return notch_is_valid(reject)
               ? NOTCH_EXIT_OK
               : notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--%s %.*s: %s", option, (int)len, text, reject.reason);
}

/* "KEY" or "KEY,OPERATOR". */
static enum notch_exit add_member(const struct notch_cli *cli, struct notch_genesis *genesis, const char *text)
{
    struct notch_genesis_member member = {.reputation = NOTCH_GENESIS_REPUTATION, .services = NOTCH_SERVICE_ARCHIVE};
    size_t len = strcspn(text, ",");
    enum notch_exit code = parse_key(cli, &member.key, "member", text, len, genesis->network);
    member.operator_key = member.key;
    if (code == NOTCH_EXIT_OK && text[len] == ',') {
        code = parse_key(cli, &member.operator_key, "member", text + len + 1, strlen(text + len + 1), genesis->network);
    }
    if (code != NOTCH_EXIT_OK) {
        return code;
    }
    enum notch_err err = notch_genesis_add_member(genesis, &member);
    return err == NOTCH_OK ? NOTCH_EXIT_OK
                           : notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--member %s: %s", text, notch_err_text(err));
}

static enum notch_exit read_keys(const struct notch_cli *cli, struct notch_genesis *genesis)
{
    enum notch_exit code = NOTCH_EXIT_OK;
    size_t at = 0;
    for (const char *text; code == NOTCH_EXIT_OK && (text = notch_cli_next(cli, "member", &at)) != NULL;) {
        code = add_member(cli, genesis, text);
    }
    at = 0;
    for (const char *text; code == NOTCH_EXIT_OK && (text = notch_cli_next(cli, "governance", &at)) != NULL;) {
        struct notch_key key;
        code = parse_key(cli, &key, "governance", text, strlen(text), genesis->network);
        if (code == NOTCH_EXIT_OK && notch_genesis_add_governance(genesis, &key) != NOTCH_OK) {
            code = notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--governance %s: given twice, or too many", text);
        }
    }
    return code;
}

/* The numbers that may differ from the defaults of the mode. */
static enum notch_exit read_numbers(const struct notch_cli *cli, struct notch_genesis *genesis)
{
    uint64_t delta;
    uint64_t epoch;
    uint64_t least;
    uint64_t quorum;
    enum notch_exit codes[] = {
        notch_cli_number(cli, &delta, "delta-ms", genesis->delta_ms, 1, UINT32_MAX),
        notch_cli_number(cli, &epoch, "epoch-slots", genesis->epoch_slots, 1, UINT32_MAX),
        notch_cli_number(cli, &least, "aggregate-min", genesis->aggregate_min, 1, UINT32_MAX),
        notch_cli_number(cli, &quorum, "quorum", genesis->governance_count / 2 + 1, 1, UINT32_MAX),
        notch_cli_number(cli, &genesis->author_bytes, "author-bytes", genesis->author_bytes, 1, UINT64_MAX),
        notch_cli_number(cli, &genesis->newcomer_bytes, "newcomer-bytes", genesis->newcomer_bytes, 1, UINT64_MAX),
        /* Raw: a time from outside. */
        notch_cli_number(cli, &genesis->time0.raw, "time0-ms", notch_clock_calendar_ms(), 1, NOTCH_TIME_MAX)};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(codes); i++) {
        if (codes[i] != NOTCH_EXIT_OK) {
            return codes[i];
        }
    }
    genesis->delta_ms = (uint32_t)delta;
    genesis->epoch_slots = (uint32_t)epoch;
    genesis->aggregate_min = (uint32_t)least;
    genesis->governance_quorum = (uint32_t)quorum;
    return NOTCH_EXIT_OK;
}

/* Raw: hashes as text. */
static enum notch_exit read_seed(const struct notch_cli *cli, struct notch_genesis *genesis)
{
    const char *seed = notch_cli_option(cli, "seed");
    if (seed == NULL) {
        notch_random_fill(genesis->seed.raw, sizeof genesis->seed.raw);
        return NOTCH_EXIT_OK;
    }
    return notch_hex_decode(genesis->seed.raw, sizeof genesis->seed.raw, seed, strlen(seed))
               ? NOTCH_EXIT_OK
               : notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--seed %s: expected 64 hex digits", seed);
}

static json_t *keys_json(const struct notch_genesis *genesis, bool of_members)
{
    json_t *list = json_array();
    uint32_t count = of_members ? genesis->member_count : genesis->governance_count;
    for (uint32_t i = 0; i < count; i++) {
        char key[NOTCH_KEY_TEXT_MAX + 1];
        notch_key_print(key, of_members ? &genesis->members[i].key : &genesis->governance[i], genesis->network);
        if (!of_members) {
            json_array_append_new(list, json_string(key));
            continue;
        }
        char operator_key[NOTCH_KEY_TEXT_MAX + 1];
        notch_key_print(operator_key, &genesis->members[i].operator_key, genesis->network);
        json_array_append_new(list, json_pack("{s:s,s:s,s:I}", "validator", key, "operator", operator_key, "reputation",
                                              (json_int_t)genesis->members[i].reputation));
    }
    return list;
}

/* Raw: prints. */
static void print_genesis(const struct notch_cli *cli, const struct notch_genesis *genesis,
                          const struct notch_hash *hash, const char *path)
{
    char hex[65];
    char seed[65];
    char author[24];
    char newcomer[24];
    notch_hex_encode(hex, hash->raw, sizeof hash->raw);
    notch_hex_encode(seed, genesis->seed.raw, sizeof genesis->seed.raw);
    (void)snprintf(author, sizeof author, "%llu", (unsigned long long)genesis->author_bytes);
    (void)snprintf(newcomer, sizeof newcomer, "%llu", (unsigned long long)genesis->newcomer_bytes);
    json_t *out = json_pack("{s:s,s:s,s:s,s:s,s:s}", "file", path, "hash", hex, "name", genesis->name, "network",
                            notch_network_name(genesis->network), "mode", notch_mode_name(genesis->mode));
    json_t *more = json_pack(
        "{s:I,s:i,s:i,s:i,s:i,s:I,s:s,s:s,s:i,s:s,s:o,s:o,s:i}", "time0_ms", (json_int_t)genesis->time0.raw, "delta_ms",
        (int)genesis->delta_ms, "epoch_slots", (int)genesis->epoch_slots, "quiet_slots", (int)genesis->quiet_slots,
        "settle_slots", (int)genesis->settle_slots, "expiry_slots", (json_int_t)genesis->expiry_slots, "author_bytes",
        author, "newcomer_bytes", newcomer, "aggregate_min", (int)genesis->aggregate_min, "seed", seed, "members",
        keys_json(genesis, true), "governance", keys_json(genesis, false), "quorum", (int)genesis->governance_quorum);
    json_object_update(out, more);
    json_decref(more);
    if (cli->json) {
        notch_cli_print_json(out);
        return;
    }
    char *text = json_dumps(out, JSON_INDENT(2));
    (void)puts(text);
    free(text);
    json_decref(out);
}

static enum notch_exit write_genesis(const struct notch_cli *cli, const struct notch_genesis *genesis)
{
    const char *given = notch_cli_option(cli, "out");
    const char *path = given == NULL ? "genesis" : given;
    struct notch_buf bytes;
    struct notch_hash hash;
    notch_buf_init(&bytes, cli->alloc);
    notch_genesis_encode(genesis, &bytes);
    notch_genesis_hash(&hash, notch_buf_bytes(&bytes));
    enum notch_err err = notch_file_write(path, notch_buf_bytes(&bytes), 0644,
                                          notch_cli_flag(cli, "force") ? NOTCH_FILE_REPLACE : NOTCH_FILE_KEEP);
    notch_buf_fini(&bytes);
    if (err == NOTCH_ERR_EXISTS) {
        return notch_cli_fail(cli, NOTCH_EXIT_REFUSED,
                              "%s is there already; --out says another place, --force replaces "
                              "it",
                              path);
    }
    if (err != NOTCH_OK) {
        return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "cannot write %s: %s", path, notch_err_text(err));
    }
    print_genesis(cli, genesis, &hash, path);
    return NOTCH_EXIT_OK;
}

enum notch_exit notch_cmd_genesis_new(struct notch_cli *cli)
{
    struct notch_genesis genesis;
    notch_genesis_init(&genesis, cli->alloc);
    enum notch_exit code = read_kind(cli, &genesis);
    if (code == NOTCH_EXIT_OK) {
        code = read_keys(cli, &genesis);
    }
    if (code == NOTCH_EXIT_OK) {
        code = read_numbers(cli, &genesis);
    }
    if (code == NOTCH_EXIT_OK) {
        code = read_seed(cli, &genesis);
    }
    if (code == NOTCH_EXIT_OK) {
        struct notch_reject reject = notch_genesis_check(&genesis);
        code = notch_is_valid(reject)
                   ? write_genesis(cli, &genesis)
                   : notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "no chain can begin like that: %s", reject.reason);
    }
    notch_genesis_fini(&genesis);
    return code;
}
