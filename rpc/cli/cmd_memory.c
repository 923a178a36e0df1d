/* memory replay: a price memory made from a CSV file, without a node. */
#include "ai/agent/memory/insight.h"
#include "ai/agent/memory/memory.h"
#include "rpc/cli/cli.h"
#include "rpc/cli/feed_read.h"
#include "rpc/cli/files.h"
#include "rpc/cli/table.h"
#include "rpc/cli/when.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBERS_MAX = 1000000, NUMBER_BYTES_MAX = 63, STATE_BYTES_MAX = 4 << 20, QUERIES_MAX = 10000 };

enum { ROLE_TIME, ROLE_PRICE, ROLE_REWARD, ROLE_QUANTITY };
static const struct notch_feed_role roles[] = {{"time", false}, {"price", true}, {"reward", true}, {"quantity", false}};
static const struct notch_feed_kind kind = {"memory", roles, NOTCH_ARRAY_LEN(roles)};

struct replay {
    const struct notch_cli *cli;
    struct notch_memory *memory;
    struct notch_market *market;
    struct notch_buf history; /* doubles */
    struct notch_buf queries; /* doubles */
    enum notch_when_format time_format;
    int64_t time_origin_ms;
    struct notch_feed_tally tally;
};

/* ---- numbers ---- */

/* A decimal number with or without exponent; no word (nan, inf), no hexadecimal. NULL, or what is wrong. */
static const char *parse_number(double *out, struct notch_bytes text)
{
    char copy[NUMBER_BYTES_MAX + 1];
    if (text.len == 0) {
        return "the number is missing";
    }
    if (text.len > NUMBER_BYTES_MAX) {
        return "a number of more than 63 characters";
    }
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    char *end = copy;
    if (strspn(copy, "0123456789.+-eE") == text.len) {
        *out = strtod(copy, &end);
    }
    if (end != copy + text.len) {
        return "not a number";
    }
    return isfinite(*out) ? NULL : "the number is too large";
}

/* "P1,P2,...": prices. */
static enum notch_exit parse_prices(const struct notch_cli *cli, struct notch_buf *out, const char *option, size_t max)
{
    const char *list = notch_cli_option(cli, option);
    for (size_t count = 0; list != NULL; count++) {
        size_t len = strcspn(list, ",");
        double price = 0;
        const char *fault = parse_number(&price, notch_bytes(list, len));
        fault = fault == NULL ? notch_market_check_price(price) : fault;
        fault = count == max ? "too many of them" : fault;
        if (fault != NULL) {
            return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--%s: price %zu, \"%.*s\": %s", option, count + 1,
                                  len > 64 ? 64 : (int)len, list, fault);
        }
        notch_buf_append(out, &price, sizeof price);
        list = list[len] == ',' ? list + len + 1 : NULL;
    }
    return NOTCH_EXIT_OK;
}

static const double *numbers(const struct notch_buf *buf, size_t *count)
{
    *count = buf->len / sizeof(double);
    return (const void *)buf->data; /* of the allocator, so aligned for anything */
}

/* ---- options ---- */

static enum notch_exit read_times(struct replay *replay)
{
    const char *format = notch_cli_option(replay->cli, "time-format");
    const char *origin = notch_cli_option(replay->cli, "time-origin");
    if (format != NULL && !notch_when_format_parse(&replay->time_format, format)) {
        return notch_cli_fail(replay->cli, NOTCH_EXIT_USAGE,
                              "--time-format %s: expected auto, date, unix, unix-ms, week or day", format);
    }
    uint64_t ms = 0;
    const char *fault = origin == NULL ? NULL : notch_when_parse(&ms, origin, strlen(origin));
    if (fault != NULL) {
        return notch_cli_fail(replay->cli, NOTCH_EXIT_USAGE, "--time-origin %s: %s", origin, fault);
    }
    replay->time_origin_ms = (int64_t)ms;
    return NOTCH_EXIT_OK;
}

static enum notch_exit read_spans(const struct notch_cli *cli, struct notch_market_options *options)
{
    const char *period = notch_cli_option(cli, "period");
    enum notch_when_unit unit = NOTCH_UNIT_DAY;
    uint64_t hours;
    enum notch_exit code = notch_cli_number(cli, &hours, "half-life-hours", 24, 1, 87660);
    options->half_life_ms = hours * NOTCH_WHEN_HOUR_MS;
    if (code != NOTCH_EXIT_OK) {
        return code;
    }
    if (period != NULL &&
        (!notch_when_unit_parse(&unit, period) || unit == NOTCH_UNIT_MONTH || unit == NOTCH_UNIT_YEAR)) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--period %s: expected hour, day or week", period);
    }
    options->period_ms = unit == NOTCH_UNIT_HOUR ? NOTCH_WHEN_HOUR_MS
                                                 : (unit == NOTCH_UNIT_DAY ? NOTCH_WHEN_DAY_MS : NOTCH_WHEN_WEEK_MS);
    return NOTCH_EXIT_OK;
}

static enum notch_exit read_options(struct replay *replay, struct notch_memory_options *options)
{
    const struct notch_cli *cli = replay->cli;
    bool is_classic = notch_cli_flag(cli, "classic");
    *options = notch_memory_defaults(cli->alloc);
    if (is_classic != (notch_cli_option(cli, "history") != NULL)) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE,
                              is_classic ? "--classic needs --history P1,P2,..., the prices before"
                                         : "--history goes with --classic");
    }
    enum notch_exit code = parse_prices(cli, &replay->history, "history", NUMBERS_MAX);
    code = code == NOTCH_EXIT_OK ? parse_prices(cli, &replay->queries, "query", QUERIES_MAX) : code;
    code = code == NOTCH_EXIT_OK ? read_times(replay) : code;
    code = code == NOTCH_EXIT_OK ? read_spans(cli, &options->market) : code;
    options->max_markets = 1;
    options->market.mode = is_classic ? NOTCH_MARKET_CLASSIC : NOTCH_MARKET_KERNEL;
    options->market.history = numbers(&replay->history, &options->market.history_count);
    return code;
}

/* ---- the state ---- */

/* What an earlier run wrote down, where there is any. */
static enum notch_exit load_state(struct replay *replay)
{
    static const struct notch_hash id;
    const struct notch_cli *cli = replay->cli;
    const char *path = notch_cli_option(cli, "state");
    struct notch_buf bytes;
    enum notch_exit code = NOTCH_EXIT_OK;
    notch_buf_init(&bytes, cli->alloc);
    enum notch_err err = path == NULL ? NOTCH_ERR_NOT_FOUND : notch_file_read(&bytes, path, STATE_BYTES_MAX);
    if (err == NOTCH_OK) {
        err = notch_memory_read(replay->memory, notch_buf_bytes(&bytes));
    }
    if (err != NOTCH_OK && err != NOTCH_ERR_NOT_FOUND) {
        code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "cannot read the state %s: %s", path, notch_err_text(err));
    }
    notch_buf_fini(&bytes);
    replay->market = notch_memory_market(replay->memory, &id);
    bool is_classic = notch_cli_flag(cli, "classic");
    if (code == NOTCH_EXIT_OK && is_classic != (replay->market->mode == NOTCH_MARKET_CLASSIC)) {
        code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "the state %s was made %s --classic", path,
                              is_classic ? "without" : "with");
    }
    return code;
}

static enum notch_exit save_state(const struct replay *replay)
{
    const char *path = notch_cli_option(replay->cli, "state");
    struct notch_buf bytes;
    if (path == NULL) {
        return NOTCH_EXIT_OK;
    }
    notch_buf_init(&bytes, replay->cli->alloc);
    notch_memory_write(replay->memory, &bytes);
    enum notch_err err = notch_file_write(path, notch_buf_bytes(&bytes), 0600, NOTCH_FILE_REPLACE);
    notch_buf_fini(&bytes);
    return err == NOTCH_OK ? NOTCH_EXIT_OK
                           : notch_cli_fail(replay->cli, NOTCH_EXIT_REFUSED, "cannot write the state %s: %s", path,
                                            notch_err_text(err));
}

/* ---- rows ---- */

static struct notch_feed_fault fault_of(struct notch_market_refusal refusal)
{
    switch (refusal.field) {
    case NOTCH_MARKET_FIELD_NONE:
        return (struct notch_feed_fault){0, NULL};
    case NOTCH_MARKET_FIELD_TIME:
        return (struct notch_feed_fault){ROLE_TIME, refusal.reason};
    case NOTCH_MARKET_FIELD_PRICE:
        return (struct notch_feed_fault){ROLE_PRICE, refusal.reason};
    case NOTCH_MARKET_FIELD_REWARD:
        return (struct notch_feed_fault){ROLE_REWARD, refusal.reason};
    case NOTCH_MARKET_FIELD_QUANTITY:
        return (struct notch_feed_fault){ROLE_QUANTITY, refusal.reason};
    }
    notch_unreachable();
}

static struct notch_feed_fault take_row(void *arg, const struct notch_feed_columns *columns,
                                        const struct notch_csv *row)
{
    struct replay *replay = arg;
    struct notch_observation seen = {.has_time = columns->column[ROLE_TIME] != NOTCH_FEED_ABSENT,
                                     .has_quantity = columns->column[ROLE_QUANTITY] != NOTCH_FEED_ABSENT};
    double *values[] = {NULL, &seen.price, &seen.reward, &seen.quantity};
    for (uint32_t role = ROLE_PRICE; role <= ROLE_QUANTITY; role++) {
        const char *reason = columns->column[role] == NOTCH_FEED_ABSENT
                                 ? NULL
                                 : parse_number(values[role], notch_feed_cell(columns, row, role));
        if (reason != NULL) {
            return (struct notch_feed_fault){role, reason};
        }
    }
    if (seen.has_time) {
        struct notch_bytes time = notch_feed_cell(columns, row, ROLE_TIME);
        const char *reason = notch_when_parse_as(&seen.time_ms, (const char *)time.data, time.len, replay->time_format,
                                                 replay->time_origin_ms);
        if (reason != NULL) {
            return (struct notch_feed_fault){ROLE_TIME, reason};
        }
    }
    return fault_of(notch_market_observe(replay->market, &seen, 0));
}

/* The bad rows on standard error; the first decides what the command says, unless bad rows are passed over. */
static enum notch_exit judge_rows(const struct replay *replay)
{
    const struct notch_feed_tally *tally = &replay->tally;
    const char *path = replay->cli->words[0];
    bool is_lenient = notch_cli_flag(replay->cli, "skip-bad");
    for (uint64_t i = is_lenient ? 0 : 1; i < tally->refused && i < NOTCH_FEED_FAULTS_MAX; i++) {
        const struct notch_feed_listed *fault = &tally->first[i];
        (void)fprintf(stderr, "%s: line %llu, column %u (%s): %s\n", path, (unsigned long long)fault->line,
                      fault->column_number, fault->column == NULL ? "?" : fault->column, fault->reason);
    }
    if (tally->refused > 0 && !is_lenient) {
        const struct notch_feed_listed *fault = &tally->first[0];
        return notch_cli_fail(replay->cli, NOTCH_EXIT_REFUSED,
                              "%s: line %llu, column %u (%s): %s; %llu of %llu rows are bad (--skip-bad goes on "
                              "without them)",
                              path, (unsigned long long)fault->line, fault->column_number,
                              fault->column == NULL ? "?" : fault->column, fault->reason,
                              (unsigned long long)tally->refused, (unsigned long long)tally->rows);
    }
    /* A classic memory has its history to speak from. */
    if (replay->market->observed == 0 && replay->market->mode == NOTCH_MARKET_KERNEL) {
        return notch_cli_fail(replay->cli, NOTCH_EXIT_REFUSED, "%s has no rows to remember", path);
    }
    return NOTCH_EXIT_OK;
}

/* ---- the answer ---- */

static json_t *outlook_json(const struct replay *replay)
{
    struct notch_series_outlook outlook;
    json_t *seasons = json_array();
    notch_series_outlook(&replay->market->series, &outlook, replay->cli->alloc);
    for (size_t i = 0; i < outlook.season_count; i++) {
        json_array_append_new(seasons, json_real(outlook.seasons[i]));
    }
    return json_pack("{s:I,s:f,s:f,s:I,s:f,s:o,s:I,s:I,s:I,s:I}", "periods", (json_int_t)replay->market->series.count,
                     "trend", outlook.trend, "volatility", outlook.volatility, "cycle", (json_int_t)outlook.cycle,
                     "strength", outlook.strength, "seasons", seasons, "anomalies",
                     (json_int_t)replay->market->anomalies, "refused", (json_int_t)replay->market->refused, "rows",
                     (json_int_t)replay->tally.rows, "rows_left", (json_int_t)replay->tally.left);
}

static json_t *answer_json(const struct replay *replay, const struct notch_market_shape *shape,
                           const struct notch_memory_region *regions, size_t region_count)
{
    size_t count;
    const double *queries = numbers(&replay->queries, &count);
    json_t *region_list = json_array();
    json_t *query_list = json_array();
    for (size_t i = 0; i < region_count; i++) {
        json_array_append_new(region_list, json_pack("[f,f]", regions[i].lo, regions[i].hi));
    }
    for (size_t i = 0; i < count; i++) {
        struct notch_market_answer answer;
        notch_market_ask(replay->market, &answer, queries[i], replay->market->time_ms);
        json_array_append_new(query_list,
                              json_pack("{s:f,s:f,s:f,s:f,s:{s:f,s:f}}", "price", queries[i], "bonus", answer.bonus_own,
                                        "std", answer.std_own, "confidence", answer.confidence, "no_peers", "bonus",
                                        answer.bonus_no_peers, "std", answer.std_no_peers));
    }
    return json_pack("{s:[f,f],s:i,s:f,s:f,s:I,s:f,s:o,s:o}", "range", shape->lo, shape->hi, "bins", (int)shape->bins,
                     "sigma", shape->sigma, "decay", shape->decay, "updates", (json_int_t)shape->updates, "rate",
                     shape->rate, "regions", region_list, "queries", query_list);
}

static void print_text(const struct replay *replay, const struct notch_market_shape *shape,
                       const struct notch_memory_region *regions, size_t region_count)
{
    static const char *const heads[] = {"price", "bonus", "std", "confidence", "bonus, no peers", "std, no peers"};
    size_t count;
    const double *queries = numbers(&replay->queries, &count);
    struct notch_series_outlook outlook;
    struct notch_table table;
    struct notch_buf text;
    notch_series_outlook(&replay->market->series, &outlook, replay->cli->alloc);
    notch_cli_line("observations", "%llu", (unsigned long long)replay->market->observed);
    notch_cli_line("range", "%.6f to %.6f, %u bins", shape->lo, shape->hi, shape->bins);
    notch_cli_line("sigma", "%.6f", shape->sigma);
    notch_cli_line("trend", "%.6f of the price in a period", outlook.trend);
    notch_cli_line("volatility", "%.6f", outlook.volatility);
    notch_cli_line("cycle", outlook.cycle == 0 ? "none" : "%zu periods", outlook.cycle);
    notch_cli_line("anomalies", "%llu", (unsigned long long)replay->market->anomalies);
    for (size_t i = 0; i < region_count; i++) {
        notch_cli_line(i == 0 ? "promising" : "", "%.6f to %.6f", regions[i].lo, regions[i].hi);
    }
    if (count == 0) {
        return;
    }
    notch_buf_init(&text, replay->cli->alloc);
    notch_table_init(&table, replay->cli->alloc, heads, NOTCH_ARRAY_LEN(heads));
    for (size_t i = 0; i < count; i++) {
        struct notch_market_answer answer;
        notch_market_ask(replay->market, &answer, queries[i], replay->market->time_ms);
        const double cells[] = {queries[i],        answer.bonus_own,      answer.std_own,
                                answer.confidence, answer.bonus_no_peers, answer.std_no_peers};
        for (size_t c = 0; c < NOTCH_ARRAY_LEN(cells); c++) {
            notch_table_put(&table, "%.6f", cells[c]);
        }
    }
    notch_table_print(&table, &text);
    (void)fputs(notch_cli_text_of(&text), stdout);
    notch_table_fini(&table);
    notch_buf_fini(&text);
}

static void print_answer(const struct replay *replay)
{
    size_t size = NOTCH_MARKET_REGIONS_MAX * sizeof(struct notch_memory_region);
    struct notch_memory_region *regions = notch_alloc(replay->cli->alloc, size);
    struct notch_market_shape shape;
    size_t count = notch_market_regions_own(replay->market, regions);
    notch_market_shape(replay->market, &shape);
    if (replay->cli->json) {
        json_t *answer = answer_json(replay, &shape, regions, count);
        if (notch_cli_flag(replay->cli, "outlook")) {
            json_object_set_new(answer, "outlook", outlook_json(replay));
        }
        notch_cli_print_json(answer);
    } else {
        print_text(replay, &shape, regions, count);
    }
    notch_free(replay->cli->alloc, regions, size);
}

static enum notch_exit run(struct replay *replay)
{
    struct notch_memory_options options;
    enum notch_exit code = read_options(replay, &options);
    if (code != NOTCH_EXIT_OK) {
        return code;
    }
    enum notch_err err = notch_memory_create(&replay->memory, &options);
    if (err != NOTCH_OK) {
        return notch_cli_fail(replay->cli, NOTCH_EXIT_USAGE, "no memory can begin like that: %s", notch_err_text(err));
    }
    code = load_state(replay);
    if (code == NOTCH_EXIT_OK) {
        struct notch_feed_source source = {.cli = replay->cli,
                                           .kind = &kind,
                                           .path = replay->cli->words[0],
                                           .columns = notch_cli_option(replay->cli, "columns"),
                                           .has_filters = true,
                                           .take = take_row,
                                           .arg = replay};
        code = notch_feed_read(&source, &replay->tally);
    }
    code = code == NOTCH_EXIT_OK ? judge_rows(replay) : code;
    code = code == NOTCH_EXIT_OK ? save_state(replay) : code;
    if (code == NOTCH_EXIT_OK) {
        print_answer(replay);
    }
    return code;
}

enum notch_exit notch_cmd_memory_replay(struct notch_cli *cli)
{
    struct replay replay = {.cli = cli};
    notch_buf_init(&replay.history, cli->alloc);
    notch_buf_init(&replay.queries, cli->alloc);
    enum notch_exit code = run(&replay);
    notch_memory_destroy(replay.memory);
    notch_buf_fini(&replay.queries);
    notch_buf_fini(&replay.history);
    return code;
}
