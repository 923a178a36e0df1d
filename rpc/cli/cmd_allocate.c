/* allocate: the agents on an instance, in one process, without a node. */
#include "ai/agent/allocation/classic.h"
#include "ai/agent/allocation/run.h"
#include "rpc/cli/matching_file.h"
#include "rpc/cli/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS_MAX 20000
#define CLASSIC_ROUNDS_MAX 200
/* Below it, no printed digit changes. */
#define DISTANCE_MIN 1e-10
#define DELAY_MS_MAX 60000
#define BILLION 1e9

/* What came out, and how. */
struct result {
    int64_t *amounts;  /* of each edge */
    uint64_t *lambdas; /* of each provider */
    struct notch_matching_distance distance;
    uint64_t rounds; /* to 0.1 % of what came out, or all where it did not come to rest */
    uint64_t rounds_one_percent;
    uint64_t rounds_run;
    double messages; /* per edge, up to `rounds` */
    double messages_run;
    bool is_converged;
};

struct settings {
    bool is_classic;
    uint64_t drop;
    uint64_t delay_ms;
    uint64_t seed;
};

static enum notch_exit read_settings(const struct notch_cli *cli, struct settings *settings)
{
    const char *algorithm = notch_cli_option(cli, "algorithm");
    settings->is_classic = algorithm != NULL && strcmp(algorithm, "classic") == 0;
    if (algorithm != NULL && !settings->is_classic && strcmp(algorithm, "default") != 0) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--algorithm: expected default or classic, not \"%s\"", algorithm);
    }
    enum notch_exit code = notch_cli_number(cli, &settings->drop, "drop", 0, 0, 99);
    if (code == NOTCH_EXIT_OK) {
        code = notch_cli_number(cli, &settings->delay_ms, "delay", 0, 0, DELAY_MS_MAX);
    }
    if (code == NOTCH_EXIT_OK) {
        code = notch_cli_number(cli, &settings->seed, "seed", 1, 0, UINT64_MAX);
    }
    if (code == NOTCH_EXIT_OK && notch_cli_option(cli, "instance") == NULL) {
        code = notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--instance FILE is needed");
    }
    return code;
}

/* ---- the default ---- */

static struct notch_allocation_run *make_run(const struct notch_matching_file *file, const struct settings *settings)
{
    struct notch_allocation_run_options options = {
        .alloc = file->alloc,
        .seed = settings->seed,
        .delay = settings->delay_ms > 0 ? NOTCH_DELAY_EXPONENTIAL : NOTCH_DELAY_FIXED,
        .delay_ms = settings->delay_ms > 0 ? settings->delay_ms : 1,
        .drop_ppm = (uint32_t)settings->drop * 10000,
    };
    return notch_allocation_run_create(&options, &file->matching);
}

static double per_edge(const struct notch_matching_file *file, uint64_t messages)
{
    return file->matching.edge_count > 0 ? (double)messages / (double)file->matching.edge_count : 0;
}

/* sum |a - amount| over sum of the amounts. */
static double error_of(const double *given, const int64_t *amounts, size_t count)
{
    double apart = 0;
    double whole = 0;
    for (size_t i = 0; i < count; i++) {
        apart += fabs(given[i] - (double)amounts[i]);
        whole += (double)amounts[i];
    }
    return apart > 0 ? apart / whole : 0;
}

/* The same run again, looking at each moment how far it is from where it will end. */
static void count_rounds(struct result *result, const struct notch_matching_file *file, const struct settings *settings)
{
    size_t edges = file->matching.edge_count;
    double *given = notch_alloc_array(file->alloc, edges + 1, sizeof *given);
    struct notch_allocation_run *run = make_run(file, settings);
    double error = 1;
    while (error >= 0.001 && notch_allocation_run_rounds(run) <= result->rounds_run && notch_allocation_run_step(run)) {
        notch_allocation_run_amounts(run, given);
        error = error_of(given, result->amounts, edges);
        result->rounds = notch_allocation_run_rounds(run);
        result->messages = per_edge(file, notch_allocation_run_messages(run));
        if (error < 0.01 && result->rounds_one_percent == 0) {
            result->rounds_one_percent = result->rounds;
        }
    }
    notch_allocation_run_destroy(run);
    notch_free(file->alloc, given, (edges + 1) * sizeof *given);
}

static void run_agents(struct result *result, const struct notch_matching_file *file, const struct settings *settings)
{
    struct notch_allocation_run *run = make_run(file, settings);
    result->is_converged = notch_allocation_run_until(run, DISTANCE_MIN, ROUNDS_MAX);
    notch_allocation_run_lambdas(run, result->lambdas);
    notch_matching_commit(&file->matching, result->amounts, result->lambdas, file->alloc);
    result->rounds_run = notch_allocation_run_rounds(run);
    result->messages_run = per_edge(file, notch_allocation_run_messages(run));
    notch_allocation_run_destroy(run);
    count_rounds(result, file, settings);
}

/* ---- the classic one ---- */

/* min(1/eps, C/D) with D from what recipients believe that they still need. */
static void classic_lambdas(struct result *result, const struct notch_matching *matching,
                            const struct notch_classic *classic, double *denominators)
{
    for (size_t i = 0; i < matching->edge_count; i++) {
        const struct notch_matching_edge *edge = &matching->edges[i];
        denominators[edge->provider] += edge->recognition / BILLION * notch_classic_residual(classic, edge->recipient);
    }
    for (size_t i = 0; i < matching->provider_count; i++) {
        double most = (double)(NOTCH_LAMBDA_MAX / NOTCH_LAMBDA_ONE);
        double rule = denominators[i] > 0 ? (double)matching->capacities[i] / denominators[i] : most;
        rule = matching->capacities[i] > 0 ? fmin(rule, most) : 0;
        result->lambdas[i] = (uint64_t)(rule * (double)NOTCH_LAMBDA_ONE);
    }
}

/* How far the amounts are from the fixed point, which the default finds. */
static void judge_classic(struct result *result, const struct notch_matching_file *file)
{
    size_t room = file->matching.provider_count + 1;
    uint64_t *lambdas = notch_alloc_array(file->alloc, room, sizeof *lambdas);
    struct settings plain = {.seed = 1};
    struct notch_allocation_run *run = make_run(file, &plain);
    (void)notch_allocation_run_until(run, DISTANCE_MIN, ROUNDS_MAX);
    notch_allocation_run_lambdas(run, lambdas);
    notch_matching_judge(&file->matching, &result->distance, lambdas, result->amounts, file->alloc);
    notch_allocation_run_destroy(run);
    notch_free(file->alloc, lambdas, room * sizeof *lambdas);
}

static void run_classic(struct result *result, const struct notch_matching_file *file, const struct settings *settings)
{
    const struct notch_matching *matching = &file->matching;
    size_t room = matching->edge_count + matching->provider_count + 1;
    struct notch_classic_options options = {.alloc = file->alloc,
                                            .seed = settings->seed,
                                            .drop_ppm = (uint32_t)settings->drop * 10000,
                                            .is_shuffled = settings->delay_ms > 0,
                                            .unit = pow(10, file->decimals)};
    struct notch_classic *classic = notch_classic_create(&options, matching);
    double *scratch = notch_alloc_array(file->alloc, room, sizeof *scratch);
    do {
        notch_classic_round(classic);
    } while (!notch_classic_is_converged(classic) && notch_classic_rounds(classic) < CLASSIC_ROUNDS_MAX);
    notch_classic_total(classic, scratch);
    for (size_t i = 0; i < matching->edge_count; i++) {
        result->amounts[i] = scratch[i] < 9.2e18 ? llround(scratch[i]) : INT64_MAX;
        scratch[i] = 0;
    }
    classic_lambdas(result, matching, classic, scratch);
    judge_classic(result, file);
    result->rounds_run = result->rounds = notch_classic_rounds(classic);
    result->messages_run = result->messages = per_edge(file, notch_classic_messages(classic));
    notch_free(file->alloc, scratch, room * sizeof *scratch);
    notch_classic_destroy(classic);
}

/* ---- saying it ---- */

/* As a share of one; the greatest there is stands for without bound. */
static double distance_of(const struct result *result)
{
    uint64_t most =
        result->distance.lambda > result->distance.amounts ? result->distance.lambda : result->distance.amounts;
    return (double)most / BILLION;
}

/* need - sum of the amounts, of each recipient. Below 0 where the classic algorithm gave too much. */
static int64_t *residuals_of(const struct notch_matching_file *file, const struct result *result)
{
    const struct notch_matching *matching = &file->matching;
    int64_t *residuals = notch_alloc_array(file->alloc, matching->recipient_count + 1, sizeof *residuals);
    if (matching->recipient_count > 0) {
        memcpy(residuals, matching->needs, matching->recipient_count * sizeof *residuals);
    }
    for (size_t i = 0; i < matching->edge_count; i++) {
        int64_t *residual = &residuals[matching->edges[i].recipient];
        *residual = *residual < INT64_MIN + result->amounts[i] ? INT64_MIN : *residual - result->amounts[i];
    }
    return residuals;
}

static void put_name(struct notch_buf *out, const char *before, const char *name)
{
    json_t *value = json_string(name);
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    notch_assert(text != NULL);
    notch_cli_text(out, "%s%s", before, text);
    free(text);
    json_decref(value);
}

/* Written by hand: amounts are decimals to the last digit, which no binary fraction is. */
static void put_json(struct notch_buf *out, const struct notch_matching_file *file, const struct result *result,
                     const int64_t *residuals)
{
    const struct notch_matching *matching = &file->matching;
    char text[NOTCH_MATCHING_AMOUNT_TEXT_MAX];
    notch_cli_text(out, "{\"allocations\":[");
    for (size_t i = 0; i < matching->edge_count; i++) {
        put_name(out, i > 0 ? ",{\"provider\":" : "{\"provider\":", file->providers[matching->edges[i].provider].id);
        put_name(out, ",\"recipient\":", file->recipients[matching->edges[i].recipient].id);
        notch_matching_file_amount(file, text, result->amounts[i]);
        notch_cli_text(out, ",\"amount\":%s}", text);
    }
    notch_cli_text(out, "],\"residuals\":{");
    for (size_t i = 0; i < matching->recipient_count; i++) {
        put_name(out, i > 0 ? "," : "", file->recipients[i].id);
        notch_matching_file_amount(file, text, residuals[i]);
        notch_cli_text(out, ":%s", text);
    }
    notch_cli_text(out, "},\"lambdas\":{");
    for (size_t i = 0; i < matching->provider_count; i++) {
        put_name(out, i > 0 ? "," : "", file->providers[i].id);
        notch_cli_text(out, ":%.12g", (double)result->lambdas[i] / (double)NOTCH_LAMBDA_ONE);
    }
    notch_cli_text(out, "},\"rounds\":%llu,\"messages_per_edge\":%.3f,\"certificate_distance\":%.9f,",
                   (unsigned long long)result->rounds, result->messages, distance_of(result));
    notch_cli_text(out, "\"rounds_to_one_percent\":%llu,\"rounds_run\":%llu,\"messages_per_edge_run\":%.3f,",
                   (unsigned long long)result->rounds_one_percent, (unsigned long long)result->rounds_run,
                   result->messages_run);
    notch_cli_text(out, "\"converged\":%s,\"within_capacity\":%s}\n", result->is_converged ? "true" : "false",
                   result->distance.is_over ? "false" : "true");
}

static void put_flows(struct notch_buf *out, const struct notch_matching_file *file, const struct result *result)
{
    static const char *const heads[] = {"provider", "recipient", "mr", "amount"};
    const struct notch_matching *matching = &file->matching;
    struct notch_table table;
    notch_table_init(&table, file->alloc, heads, NOTCH_ARRAY_LEN(heads));
    for (size_t i = 0; i < matching->edge_count; i++) {
        const struct notch_matching_edge *edge = &matching->edges[i];
        char text[NOTCH_MATCHING_AMOUNT_TEXT_MAX];
        notch_matching_file_amount(file, text, result->amounts[i]);
        notch_table_put(&table, "%s", file->providers[edge->provider].id);
        notch_table_put(&table, "%s", file->recipients[edge->recipient].id);
        notch_table_put(&table, "%.6g", edge->recognition / BILLION);
        notch_table_put(&table, "%s", text);
    }
    notch_table_print(&table, out);
    notch_table_fini(&table);
}

static void put_needs(struct notch_buf *out, const struct notch_matching_file *file, const int64_t *residuals)
{
    static const char *const heads[] = {"recipient", "need", "unmet", "met"};
    const struct notch_matching *matching = &file->matching;
    struct notch_table table;
    notch_table_init(&table, file->alloc, heads, NOTCH_ARRAY_LEN(heads));
    for (size_t i = 0; i < matching->recipient_count; i++) {
        char need[NOTCH_MATCHING_AMOUNT_TEXT_MAX];
        char unmet[NOTCH_MATCHING_AMOUNT_TEXT_MAX];
        notch_matching_file_amount(file, need, matching->needs[i]);
        notch_matching_file_amount(file, unmet, residuals[i]);
        notch_table_put(&table, "%s", file->recipients[i].id);
        notch_table_put(&table, "%s", need);
        notch_table_put(&table, "%s", unmet);
        notch_table_put(&table, "%.2f %%",
                        matching->needs[i] > 0 ? 100 - 100 * (double)residuals[i] / (double)matching->needs[i] : 100);
    }
    notch_table_print(&table, out);
    notch_table_fini(&table);
}

static void show(const struct notch_cli *cli, const struct notch_matching_file *file, const struct result *result)
{
    struct notch_buf out;
    int64_t *residuals = residuals_of(file, result);
    notch_buf_init(&out, file->alloc);
    if (cli->json) {
        put_json(&out, file, result, residuals);
    } else {
        put_flows(&out, file, result);
        notch_cli_text(&out, "\n");
        put_needs(&out, file, residuals);
        notch_cli_text(&out, "\n");
    }
    (void)fwrite(out.data, 1, out.len, stdout);
    if (!cli->json) {
        notch_cli_line("rounds", "%llu to 0.1 %%, %llu in all", (unsigned long long)result->rounds,
                       (unsigned long long)result->rounds_run);
        notch_cli_line("messages", "%.1f for each edge, %.1f in all", result->messages, result->messages_run);
        notch_cli_line("fixed point", "%s, %.7f %% away", result->is_converged ? "found" : "not found",
                       100 * distance_of(result));
        notch_cli_line("capacity", "%s", result->distance.is_over ? "exceeded" : "kept");
    }
    notch_free(file->alloc, residuals, (file->matching.recipient_count + 1) * sizeof *residuals);
    notch_buf_fini(&out);
}

enum notch_exit notch_cmd_allocate(struct notch_cli *cli)
{
    struct settings settings;
    struct notch_matching_file file;
    enum notch_exit code = read_settings(cli, &settings);
    if (code != NOTCH_EXIT_OK) {
        return code;
    }
    code = notch_matching_file_read(&file, cli, notch_cli_option(cli, "instance"));
    if (code == NOTCH_EXIT_OK) {
        size_t edges = file.matching.edge_count + 1;
        size_t providers = file.matching.provider_count + 1;
        struct result result = {.amounts = notch_alloc_array(file.alloc, edges, sizeof *result.amounts),
                                .lambdas = notch_alloc_array(file.alloc, providers, sizeof *result.lambdas)};
        if (settings.is_classic) {
            run_classic(&result, &file, &settings);
        } else {
            run_agents(&result, &file, &settings);
            notch_matching_judge(&file.matching, &result.distance, result.lambdas, result.amounts, file.alloc);
        }
        show(cli, &file, &result);
        notch_free(file.alloc, result.amounts, edges * sizeof *result.amounts);
        notch_free(file.alloc, result.lambdas, providers * sizeof *result.lambdas);
    }
    notch_matching_file_fini(&file);
    return code;
}
