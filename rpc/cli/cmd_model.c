/* model export, verify and run: the canonical int8 network of ai/rules/net8.h. None of them asks a node. */
#include "rpc/cli/cli.h"
#include "rpc/cli/files.h"
#include "rpc/cli/float_net.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DESCRIPTION_BYTES_MAX (256u << 20)
#define NETWORK_BYTES_MAX (64u << 20)

static const char *activation_name(enum notch_activation activation)
{
    static const char *const names[] = {"linear", "relu", "table", "wide", "softmax"};
    return names[activation];
}

/* ---- a network in a file ---- */

static enum notch_exit read_network(const struct notch_cli *cli, struct notch_buf *bytes, struct notch_net8 *network)
{
    const char *path = cli->words[0];
    enum notch_err err = notch_file_read(bytes, path, NETWORK_BYTES_MAX);
    if (err != NOTCH_OK) {
        return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "cannot read the network %s: %s", path, notch_err_text(err));
    }
    struct notch_reject reject = notch_net8_decode(network, notch_buf_bytes(bytes));
    if (!notch_is_valid(reject)) {
        return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "%s is no canonical network: %s: %s", path,
                              notch_reject_text(reject.code), reject.reason);
    }
    return NOTCH_EXIT_OK;
}

static uint64_t multiplications(const struct notch_net8 *network)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i + 1 < network->width_count; i++) {
        sum += (uint64_t)network->widths[i] * network->widths[i + 1];
    }
    return sum;
}

/* Raw: prints. */
static void root_text(char out[65], struct notch_bytes bytes)
{
    struct notch_hash root;
    notch_model_root(&root, bytes);
    notch_hex_encode(out, root.raw, sizeof root.raw);
}

static json_t *describe(const struct notch_net8 *network, struct notch_bytes bytes)
{
    char root[65];
    root_text(root, bytes);
    json_t *widths = json_array();
    json_t *activations = json_array();
    for (uint32_t i = 0; i < network->width_count; i++) {
        json_array_append_new(widths, json_integer(network->widths[i]));
    }
    for (uint32_t i = 0; i + 1 < network->width_count; i++) {
        json_array_append_new(activations, json_string(activation_name(network->layers[i].activation)));
    }
    return json_pack("{s:s,s:I,s:b,s:o,s:o,s:I,s:I,s:I}", "root", root, "bytes", (json_int_t)bytes.len, "fits_entry",
                     bytes.len <= NOTCH_MODEL_INLINE_MAX, "widths", widths, "activations", activations,
                     "multiplications", (json_int_t)multiplications(network), "input_unit",
                     (json_int_t)network->input_unit, "output_unit", (json_int_t)network->output_unit);
}

static void show(const struct notch_net8 *network, struct notch_bytes bytes, const struct notch_alloc *alloc)
{
    char root[65];
    struct notch_buf text;
    notch_buf_init(&text, alloc);
    root_text(root, bytes);
    notch_cli_line("root", "%s", root);
    notch_cli_line("bytes", "%zu%s", bytes.len,
                   bytes.len <= NOTCH_MODEL_INLINE_MAX ? "" : " (too many to follow in an entry)");
    notch_cli_text(&text, "%u", network->widths[0]);
    for (uint32_t i = 0; i + 1 < network->width_count; i++) {
        notch_cli_text(&text, " -> %u %s", network->widths[i + 1], activation_name(network->layers[i].activation));
    }
    notch_cli_line("layers", "%s", notch_cli_text_of(&text));
    notch_cli_line("cost", "%llu multiplications a run", (unsigned long long)multiplications(network));
    notch_cli_line("input step", "%.9g", (double)network->input_unit / (double)NOTCH_NET8_UNIT_ONE);
    notch_cli_line("output step", "%.9g", (double)network->output_unit / (double)NOTCH_NET8_UNIT_ONE);
    notch_buf_fini(&text);
}

/* ---- export ---- */

static enum notch_exit read_description(const struct notch_cli *cli, struct notch_float_net *net)
{
    const char *path = cli->words[0];
    struct notch_buf text;
    json_error_t error;
    notch_buf_init(&text, cli->alloc);
    enum notch_exit code = NOTCH_EXIT_OK;
    json_t *json = NULL;
    enum notch_err err = notch_file_read(&text, path, DESCRIPTION_BYTES_MAX);
    if (err != NOTCH_OK) {
        code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "cannot read %s: %s", path, notch_err_text(err));
    } else if ((json = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error)) == NULL) {
        code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "%s:%d:%d: %s", path, error.line, error.column, error.text);
    } else if (notch_float_net_read(net, json, cli->alloc) != NOTCH_OK) {
        code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "%s: %s", path, net->what);
    }
    json_decref(json);
    notch_buf_fini(&text);
    return code;
}

static void show_export(const struct notch_cli *cli, const struct notch_float_net *net,
                        const struct notch_net8 *network, struct notch_bytes bytes)
{
    struct notch_float_net_error error;
    notch_float_net_compare(&error, net, network);
    double whole = error.span > 0 ? error.span : 1;
    if (cli->json) {
        json_t *result = describe(network, bytes);
        json_object_set_new(result, "samples", json_integer(net->sample_count));
        json_object_set_new(result, "output_span", json_real(error.span));
        json_object_set_new(result, "error_mean", json_real(error.mean));
        json_object_set_new(result, "error_p99", json_real(error.p99));
        json_object_set_new(result, "error_max", json_real(error.max));
        json_object_set_new(result, "error_p99_ppm", json_integer((json_int_t)llround(error.p99 / whole * 1e6)));
        notch_cli_print_json(result);
        return;
    }
    show(network, bytes, cli->alloc);
    notch_cli_line("error", "mean %.3g, p99 %.3g, max %.3g over %u samples; outputs span %.6g", error.mean, error.p99,
                   error.max, net->sample_count, error.span);
    notch_cli_line("error of span", "p99 %.0f ppm", error.p99 / whole * 1e6);
}

enum notch_exit notch_cmd_model_export(struct notch_cli *cli)
{
    const char *path = notch_cli_option(cli, "out");
    struct notch_float_net net = {.alloc = cli->alloc};
    struct notch_net8 network;
    struct notch_buf bytes;
    if (path == NULL) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--out FILE is needed: where the network goes");
    }
    notch_buf_init(&bytes, cli->alloc);
    enum notch_exit code = read_description(cli, &net);
    if (code == NOTCH_EXIT_OK && notch_float_net_quantise(&net, &bytes) != NOTCH_OK) {
        code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "%s: %s", cli->words[0], net.what);
    }
    if (code == NOTCH_EXIT_OK) {
        struct notch_reject reject = notch_net8_decode(&network, notch_buf_bytes(&bytes));
        notch_assert(notch_is_valid(reject));
        enum notch_err err = notch_file_write(path, notch_buf_bytes(&bytes), 0644,
                                              notch_cli_flag(cli, "force") ? NOTCH_FILE_REPLACE : NOTCH_FILE_KEEP);
        if (err != NOTCH_OK) {
            code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "cannot write %s: %s%s", path, notch_err_text(err),
                                  err == NOTCH_ERR_EXISTS ? " (--force replaces it)" : "");
        }
    }
    if (code == NOTCH_EXIT_OK) {
        show_export(cli, &net, &network, notch_buf_bytes(&bytes));
    }
    notch_float_net_fini(&net);
    notch_buf_fini(&bytes);
    return code;
}

/* ---- verify ---- */

enum notch_exit notch_cmd_model_verify(struct notch_cli *cli)
{
    const char *wanted = notch_cli_option(cli, "root");
    struct notch_hash hash;
    if (wanted != NULL && !notch_hex_decode(hash.raw, sizeof hash.raw, wanted, strlen(wanted))) { /* Raw: parses */
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--root \"%s\": expected 64 hex digits", wanted);
    }
    struct notch_net8 network;
    struct notch_buf bytes;
    notch_buf_init(&bytes, cli->alloc);
    enum notch_exit code = read_network(cli, &bytes, &network);
    if (code == NOTCH_EXIT_OK && wanted != NULL) {
        struct notch_hash root;
        notch_model_root(&root, notch_buf_bytes(&bytes));
        if (!notch_hash_eq(&root, &hash)) {
            char text[65];
            root_text(text, notch_buf_bytes(&bytes));
            code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "another network: its root is %s", text);
        }
    }
    if (code == NOTCH_EXIT_OK && cli->json) {
        notch_cli_print_json(describe(&network, notch_buf_bytes(&bytes)));
    } else if (code == NOTCH_EXIT_OK) {
        show(&network, notch_buf_bytes(&bytes), cli->alloc);
    }
    notch_buf_fini(&bytes);
    return code;
}

/* ---- run ---- */

/* "1.5,-2,0.25": as many as the network takes. */
static enum notch_exit parse_input(const struct notch_cli *cli, int8_t *inputs, const struct notch_net8 *network,
                                   const char *text)
{
    const char *at = text;
    for (uint32_t i = 0; i < network->widths[0]; i++) {
        char *end;
        errno = 0;
        double value = strtod(at, &end);
        bool is_last = i + 1 == network->widths[0];
        if (end == at || errno != 0 || !isfinite(value) || *end != (is_last ? '\0' : ',')) {
            return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--input \"%s\": expected %u numbers with commas between them",
                                  text, network->widths[0]);
        }
        inputs[i] = notch_float_net_input(value, network->input_unit);
        at = end + 1;
    }
    return NOTCH_EXIT_OK;
}

static void show_outputs(const struct notch_net8 *network, const int16_t *outputs, json_t *runs, struct notch_buf *text)
{
    uint32_t count = network->widths[network->width_count - 1];
    double unit = (double)network->output_unit / (double)NOTCH_NET8_UNIT_ONE;
    json_t *steps = json_array();
    json_t *values = json_array();
    for (uint32_t i = 0; i < count; i++) {
        json_array_append_new(steps, json_integer(outputs[i]));
        json_array_append_new(values, json_real(outputs[i] * unit));
        notch_cli_text(text, "%s%.9g", i > 0 ? "," : "", outputs[i] * unit);
    }
    notch_cli_text(text, "\n");
    json_array_append_new(runs, json_pack("{s:o,s:o}", "steps", steps, "outputs", values));
}

enum notch_exit notch_cmd_model_run(struct notch_cli *cli)
{
    struct notch_net8 network;
    struct notch_buf bytes;
    struct notch_buf text;
    notch_buf_init(&bytes, cli->alloc);
    notch_buf_init(&text, cli->alloc);
    json_t *runs = json_array();
    enum notch_exit code = read_network(cli, &bytes, &network);
    if (code == NOTCH_EXIT_OK && notch_cli_option(cli, "input") == NULL) {
        code = notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--input X,... is needed: %u numbers", network.widths[0]);
    }
    if (code == NOTCH_EXIT_OK) {
        size_t scratch = notch_net8_scratch(&network);
        uint32_t outputs = network.widths[network.width_count - 1];
        int8_t *inputs = notch_alloc(cli->alloc, network.widths[0]);
        int16_t *results = notch_alloc_array(cli->alloc, outputs, sizeof *results);
        void *work = notch_alloc(cli->alloc, scratch);
        size_t at = 0;
        for (const char *given; code == NOTCH_EXIT_OK && (given = notch_cli_next(cli, "input", &at)) != NULL;) {
            code = parse_input(cli, inputs, &network, given);
            if (code == NOTCH_EXIT_OK) {
                notch_net8_run(&network, results, inputs, work);
                show_outputs(&network, results, runs, &text);
            }
        }
        notch_free(cli->alloc, work, scratch);
        notch_free(cli->alloc, results, outputs * sizeof *results);
        notch_free(cli->alloc, inputs, network.widths[0]);
    }
    if (code == NOTCH_EXIT_OK && cli->json) {
        char root[65];
        root_text(root, notch_buf_bytes(&bytes));
        notch_cli_print_json(json_pack("{s:s,s:O}", "root", root, "runs", runs));
    } else if (code == NOTCH_EXIT_OK) {
        (void)fputs(notch_cli_text_of(&text), stdout);
    }
    json_decref(runs);
    notch_buf_fini(&text);
    notch_buf_fini(&bytes);
    return code;
}
