#include "rpc/cli/chain_info.h"

#include "chain/entry_insight.h"
#include "chain/record.h"
#include "rpc/cli/files.h"

enum notch_exit notch_chain_info_ask(struct notch_chain_info *out, struct notch_client *client)
{
    enum notch_exit code;
    json_t *info = notch_client_call(client, &code, "getinfo", NULL);
    if (info == NULL) {
        return code;
    }
    struct notch_hash genesis = {{0}};
    const char *mode = notch_client_string(info, "mode");
    const char *genesis_text = notch_client_string(info, "genesis");
    const char *final = notch_client_string(json_object_get(info, "final"), "hash");
    /* Raw: parses. */
    bool known = notch_network_parse(&out->network, notch_client_string(info, "network")) &&
                 notch_mode_parse(&out->mode, mode, strlen(mode)) &&
                 notch_hex_decode(genesis.raw, sizeof genesis.raw, genesis_text, strlen(genesis_text)) &&
                 notch_hex_decode(out->final.raw, sizeof out->final.raw, final, strlen(final));
    uint64_t bytes = notch_client_number(info, "record_bytes_max");
    uint64_t least = notch_client_number(info, "aggregate_min");
    json_decref(info);
    known = known && bytes >= 512 && bytes <= NOTCH_RECORD_BYTES_MAX && least >= 1 && least <= UINT32_MAX;
    if (!known) {
        return notch_cli_fail(client->cli, NOTCH_EXIT_REFUSED,
                              "the node's getinfo lacks what this program needs: are they of the same version?");
    }
    out->record_bytes_max = (uint32_t)bytes;
    out->aggregate_min = (uint32_t)least;
    notch_domain_init(&out->domain, &genesis);
    return NOTCH_EXIT_OK;
}

enum notch_exit notch_chain_info_read(struct notch_chain_info *out, struct notch_genesis *genesis,
                                      const struct notch_cli *cli, const char *path)
{
    struct notch_buf bytes;
    struct notch_hash hash;
    notch_buf_init(&bytes, cli->alloc);
    notch_genesis_init(genesis, cli->alloc);
    enum notch_exit code = NOTCH_EXIT_OK;
    enum notch_err err = notch_file_read(&bytes, path, NOTCH_GENESIS_BYTES_MAX);
    if (err != NOTCH_OK) {
        code =
            notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "cannot read the genesis file %s: %s", path, notch_err_text(err));
    } else {
        struct notch_reject reject = notch_genesis_decode(genesis, notch_buf_bytes(&bytes));
        if (!notch_is_valid(reject)) {
            code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "%s is no genesis file: %s", path, reject.reason);
        }
    }
    notch_genesis_hash(&hash, notch_buf_bytes(&bytes));
    notch_domain_init(&out->domain, &hash);
    out->network = genesis->network;
    out->mode = genesis->mode;
    out->final = hash;
    out->record_bytes_max = genesis->caps.record_bytes;
    out->aggregate_min = genesis->aggregate_min;
    notch_buf_fini(&bytes);
    return code;
}

void notch_chain_info_none(struct notch_chain_info *out)
{
    struct notch_hash none = {{0}};
    *out = (struct notch_chain_info){.network = NOTCH_NETWORK_DEV,
                                     .mode = NOTCH_MODE_PRIVATE,
                                     .record_bytes_max = NOTCH_RECORD_BYTES_MAX,
                                     .aggregate_min = 1};
    notch_domain_init(&out->domain, &none);
}

enum notch_exit notch_chain_info_market(const struct notch_cli *cli, struct notch_hash *out,
                                        const struct notch_domain *domain, const char *option, enum notch_tag tag)
{
    const char *text = notch_cli_option(cli, option);
    if (text == NULL) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--%s is missing", option);
    }
    if (notch_hex_decode(out->raw, sizeof out->raw, text, strlen(text))) { /* Raw: parses */
        return NOTCH_EXIT_OK;
    }
    struct notch_bytes parts[5] = {{NULL, 0}};
    size_t count = 0;
    for (const char *at = text; count < NOTCH_ARRAY_LEN(parts); at++) {
        size_t len = strcspn(at, "|");
        parts[count++] = notch_bytes(at, len);
        at += len;
        if (*at == '\0') {
            break;
        }
    }
    struct notch_market_name name = {parts[0], parts[1], parts[2], parts[3], parts[4]};
    enum notch_err err = tag == NOTCH_TAG_MARKET ? notch_market_id(out, domain, &name, notch_bytes(NULL, 0))
                                                 : notch_resource_id(out, domain, &name, notch_bytes(NULL, 0));
    return err == NOTCH_OK ? NOTCH_EXIT_OK
                           : notch_cli_fail(cli, NOTCH_EXIT_USAGE,
                                            "--%s \"%s\": expected product|region|currency|unit|pack or 64 hex digits",
                                            option, text);
}
