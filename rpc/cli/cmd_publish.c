/* insight publish, need, capacity offer, recognise: one thing that the node's own author says. */
#include "base/fixed.h"
#include "rpc/cli/chain_info.h"
#include "rpc/cli/feed.h"
#include "rpc/cli/when.h"

#include <stdio.h>

/* A decimal option in micro-units, into params as a decimal string. */
static enum notch_exit put_decimal(const struct notch_cli *cli, json_t *params, const char *option, const char *param)
{
    const char *text = notch_cli_option(cli, option);
    int64_t value;
    char printed[24];
    if (text == NULL) {
        return NOTCH_EXIT_OK;
    }
    const char *fault = notch_feed_number(&value, notch_bytes(text, strlen(text)), INT64_MAX);
    if (fault != NULL) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--%s %s: %s", option, text, fault);
    }
    (void)snprintf(printed, sizeof printed, "%lld", (long long)value);
    json_object_set_new(params, param, json_string(printed));
    return NOTCH_EXIT_OK;
}

/* An integer option, which may be negative. */
static enum notch_exit put_integer(const struct notch_cli *cli, json_t *params, const char *option, const char *param)
{
    const char *text = notch_cli_option(cli, option);
    uint64_t value;
    if (text == NULL) {
        return NOTCH_EXIT_OK;
    }
    bool is_negative = text[0] == '-';
    if (!notch_cli_parse_number(&value, text + (is_negative ? 1 : 0), INT32_MAX)) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--%s %s: not an integer", option, text);
    }
    json_object_set_new(params, param, json_integer(is_negative ? -(json_int_t)value : (json_int_t)value));
    return NOTCH_EXIT_OK;
}

/* Raw: a hash and a period in JSON. */
static void put_place(json_t *params, const char *name, const struct notch_hash *id, const struct notch_period *period)
{
    char hex[2 * sizeof id->raw + 1];
    notch_hex_encode(hex, id->raw, sizeof id->raw);
    json_object_set_new(params, name, json_string(hex));
    json_object_set_new(params, "start_ms", json_integer((json_int_t)period->start.raw));
    json_object_set_new(params, "length_ms", json_integer((json_int_t)period->length_ms));
}

/* Makes the call and shows what became of the record. Takes params. */
static enum notch_exit publish(struct notch_client *client, const char *method, json_t *params)
{
    enum notch_exit code;
    json_t *result = notch_client_call(client, &code, method, params);
    if (result == NULL) {
        return code;
    }
    if (client->cli->json) {
        json_object_del(result, "record");
        notch_cli_print_json(result);
        return code;
    }
    notch_cli_line("record", "%s", notch_client_string(result, "id"));
    notch_cli_line("status", "%s", notch_client_string(result, "status"));
    if (json_is_true(json_object_get(result, "duplicate"))) {
        notch_cli_line("duplicate", "yes: nothing was added");
    }
    json_decref(result);
    return code;
}

/* ---- insight ---- */

static enum notch_exit read_period(const struct notch_cli *cli, struct notch_period *out)
{
    const char *time = notch_cli_option(cli, "time");
    const char *length = notch_cli_option(cli, "length");
    enum notch_when_unit unit;
    uint64_t start;
    if (time == NULL || length == NULL) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--time and --length are needed");
    }
    const char *fault = notch_when_parse(&start, time, strlen(time));
    if (fault != NULL) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--time %s: %s", time, fault);
    }
    if (notch_when_unit_parse(&unit, length)) {
        *out = notch_when_period(notch_when_index(start, unit), unit);
        return NOTCH_EXIT_OK;
    }
    out->start.raw = start; /* Raw: parsed */
    if (!notch_cli_parse_number(&out->length_ms, length, NOTCH_PERIOD_MS_MAX) || out->length_ms == 0) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--length %s: expected hour, day, week, month, year, or ms",
                              length);
    }
    return NOTCH_EXIT_OK;
}

static enum notch_exit insight_params(const struct notch_cli *cli, json_t *params, const struct notch_domain *domain)
{
    static const char *const decimals[][2] = {{"price", "price"}, {"low", "price_lo"}, {"high", "price_hi"}};
    static const char *const integers[][2] = {{"trend-ppm", "trend_ppm"},
                                              {"volatility-ppm", "volatility_ppm"},
                                              {"confidence-ppm", "confidence_ppm"},
                                              {"samples", "samples"}};
    struct notch_hash market;
    struct notch_period period = {0};
    enum notch_exit code = notch_chain_info_market(cli, &market, domain, "market", NOTCH_TAG_MARKET);
    if (code == NOTCH_EXIT_OK) {
        code = read_period(cli, &period);
    }
    if (code != NOTCH_EXIT_OK) {
        return code;
    }
    put_place(params, "market", &market, &period);
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(decimals) && code == NOTCH_EXIT_OK; i++) {
        code = put_decimal(cli, params, decimals[i][0], decimals[i][1]);
    }
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(integers) && code == NOTCH_EXIT_OK; i++) {
        code = put_integer(cli, params, integers[i][0], integers[i][1]);
    }
    return code;
}

enum notch_exit notch_cmd_insight_publish(struct notch_cli *cli)
{
    struct notch_client client;
    struct notch_chain_info chain;
    json_t *insight = json_object();
    enum notch_exit code = notch_client_init(&client, cli);
    if (code == NOTCH_EXIT_OK) {
        code = notch_chain_info_ask(&chain, &client);
    }
    if (code == NOTCH_EXIT_OK) {
        code = insight_params(cli, insight, &chain.domain);
    }
    if (code == NOTCH_EXIT_OK) {
        code = publish(&client, "publishinsight", json_pack("{s:[O]}", "insights", insight));
    }
    json_decref(insight);
    notch_client_fini(&client);
    return code;
}

/* ---- needs and capacities ---- */

static enum notch_exit resource_params(const struct notch_cli *cli, json_t *params, const struct notch_domain *domain)
{
    struct notch_hash resource;
    struct notch_period period = {0};
    const char *text = notch_cli_option(cli, "period");
    if (text == NULL || notch_cli_option(cli, "amount") == NULL) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--resource, --period and --amount are needed");
    }
    enum notch_exit code = notch_chain_info_market(cli, &resource, domain, "resource", NOTCH_TAG_RESOURCE);
    if (code != NOTCH_EXIT_OK) {
        return code;
    }
    const char *fault = notch_when_period_parse(&period, text, strlen(text));
    if (fault != NULL) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--period %s: %s", text, fault);
    }
    put_place(params, "resource", &resource, &period);
    return put_decimal(cli, params, "amount", "amount");
}

static enum notch_exit about_resource(struct notch_cli *cli, const char *method, const char *kind)
{
    struct notch_client client;
    struct notch_chain_info chain;
    json_t *params = json_object();
    enum notch_exit code = notch_client_init(&client, cli);
    if (code == NOTCH_EXIT_OK) {
        code = notch_chain_info_ask(&chain, &client);
    }
    if (code == NOTCH_EXIT_OK) {
        code = resource_params(cli, params, &chain.domain);
    }
    if (code == NOTCH_EXIT_OK && kind != NULL) {
        json_object_set_new(params, "kind", json_string(kind));
    }
    if (code == NOTCH_EXIT_OK) {
        code = publish(&client, method, json_incref(params));
    }
    json_decref(params);
    notch_client_fini(&client);
    return code;
}

enum notch_exit notch_cmd_need_commit(struct notch_cli *cli)
{
    return about_resource(cli, "commitneed", NULL);
}

enum notch_exit notch_cmd_need_reveal(struct notch_cli *cli)
{
    return about_resource(cli, "revealneed", NULL);
}

enum notch_exit notch_cmd_capacity_offer(struct notch_cli *cli)
{
    const char *kind = notch_cli_option(cli, "kind");
    if (kind != NULL && strcmp(kind, "stock") != 0 && strcmp(kind, "flow") != 0) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--kind %s: expected stock or flow", kind);
    }
    return about_resource(cli, "offercapacity", kind == NULL ? "stock" : kind);
}

/* ---- recognition ---- */

enum notch_exit notch_cmd_recognise(struct notch_cli *cli)
{
    struct notch_client client;
    json_t *shares = json_array();
    enum notch_exit code = NOTCH_EXIT_OK;
    for (size_t i = 0; i < cli->word_count && code == NOTCH_EXIT_OK; i++) {
        const char *equals = strchr(cli->words[i], '=');
        uint64_t share;
        if (equals == NULL || !notch_cli_parse_number(&share, equals + 1, NOTCH_PPM_ONE) || share == 0) {
            code = notch_cli_fail(cli, NOTCH_EXIT_USAGE, "\"%s\": expected KEY=SHARE, a share from 1 to 1000000",
                                  cli->words[i]);
        } else {
            json_array_append_new(shares, json_pack("{s:s%,s:I}", "peer", cli->words[i],
                                                    (size_t)(equals - cli->words[i]), "share_ppm", (json_int_t)share));
        }
    }
    if (code != NOTCH_EXIT_OK) {
        json_decref(shares);
        return code;
    }
    code = notch_client_init(&client, cli);
    if (code == NOTCH_EXIT_OK) {
        code = publish(&client, "recognise", json_pack("{s:O}", "shares", shares));
    }
    json_decref(shares);
    notch_client_fini(&client);
    return code;
}
