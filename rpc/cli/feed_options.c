/* What the options of notch feed say. */
#include "rpc/cli/cmd_feed.h"
#include "rpc/cli/files.h"
#include "rpc/cli/progress.h"

enum { SECRET_FILE_MAX = 4096 };

static enum notch_exit read_time(struct notch_feed_run *run)
{
    const struct notch_cli *cli = run->cli;
    const char *format = notch_cli_option(cli, "time-format");
    const char *origin = notch_cli_option(cli, "time-origin");
    uint64_t ms;
    if (format != NULL && !notch_when_format_parse(&run->form.time_format, format)) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE,
                              "--time-format %s: expected auto, date, unix, unix-ms, week or day", format);
    }
    /* Day 0 is 1970-01-01, so day 1 is the one behind it. */
    run->form.time_origin_ms = (int64_t)NOTCH_WHEN_DAY_MS;
    if (run->form.time_format == NOTCH_WHEN_WEEK) {
        if (origin == NULL) {
            return notch_cli_fail(cli, NOTCH_EXIT_USAGE,
                                  "--time-format week needs --time-origin DATE, the first day of week 1");
        }
    }
    if (origin != NULL) {
        const char *fault = notch_when_parse(&ms, origin, strlen(origin));
        if (fault != NULL) {
            return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--time-origin %s: %s", origin, fault);
        }
        run->form.time_origin_ms = (int64_t)ms;
    }
    run->form.now_ms = notch_clock_calendar_ms();
    return NOTCH_EXIT_OK;
}

/* A name for all rows. */
static enum notch_exit read_part(const struct notch_cli *cli, struct notch_bytes *out, const char *option)
{
    const char *text = notch_cli_option(cli, option);
    *out = notch_bytes("", 0);
    if (text == NULL || *text == '\0') {
        return NOTCH_EXIT_OK;
    }
    *out = notch_bytes(text, strlen(text));
    const char *fault = notch_feed_check_name(*out);
    return fault == NULL ? NOTCH_EXIT_OK : notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--%s %s: %s", option, text, fault);
}

static enum notch_exit read_log_base(struct notch_feed_run *run)
{
    static const struct {
        const char *name;
        enum notch_feed_log base;
    } bases[] = {{"e", NOTCH_LOG_E}, {"2", NOTCH_LOG_2}, {"10", NOTCH_LOG_10}};
    const char *text = notch_cli_option(run->cli, "quantity-log");
    if (text == NULL) {
        return NOTCH_EXIT_OK;
    }
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(bases); i++) {
        if (strcmp(text, bases[i].name) == 0) {
            run->form.quantity_log = bases[i].base;
            return NOTCH_EXIT_OK;
        }
    }
    return notch_cli_fail(run->cli, NOTCH_EXIT_USAGE, "--quantity-log %s: expected e, 2 or 10", text);
}

static enum notch_exit read_shape(struct notch_feed_run *run)
{
    const struct notch_cli *cli = run->cli;
    const char *period = notch_cli_option(cli, "period");
    const char *span = notch_cli_option(cli, "span");
    if (period != NULL && strcmp(period, "auto") != 0) {
        run->options.unit_known = notch_when_unit_parse(&run->options.unit, period);
        if (!run->options.unit_known) {
            return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--period %s: expected auto, hour, day, week, month or year",
                                  period);
        }
    }
    if (span != NULL && strcmp(span, "period") != 0 && strcmp(span, "file") != 0) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--span %s: expected period or file", span);
    }
    run->options.spans_periods = span != NULL && strcmp(span, "file") == 0;
    uint64_t window;
    uint64_t noise;
    enum notch_exit code = notch_cli_number(cli, &window, "window", 4, 1, NOTCH_FEED_WINDOW_MAX);
    if (code == NOTCH_EXIT_OK) {
        code = notch_cli_number(cli, &noise, "noise-ppm", 10000, 8, (uint64_t)NOTCH_RATIO_MAX);
    }
    run->options.window = (uint32_t)window;
    run->options.noise_ppm = code == NOTCH_EXIT_OK ? (uint32_t)noise : 8;
    return code;
}

static enum notch_exit read_audience(struct notch_feed_run *run)
{
    const char *path = notch_cli_option(run->cli, "audience-secret");
    if (path == NULL) {
        return NOTCH_EXIT_OK;
    }
    enum notch_err err = notch_file_read(&run->audience, path, SECRET_FILE_MAX);
    notch_file_first_line(&run->audience);
    if (err != NOTCH_OK || run->audience.len == 0) {
        return notch_cli_fail(run->cli, NOTCH_EXIT_REFUSED, "cannot read the secret in %s: %s", path,
                              err == NOTCH_OK ? "it is empty" : notch_err_text(err));
    }
    return NOTCH_EXIT_OK;
}

static enum notch_exit read_files(struct notch_feed_run *run)
{
    size_t given = 0;
    for (unsigned kind = 0; kind < NOTCH_FEED_FILES; kind++) {
        run->files[kind].path = notch_cli_option(run->cli, notch_feed_kind((enum notch_feed_kind_id)kind)->name);
        given += run->files[kind].path != NULL;
    }
    if (given == 0) {
        return notch_cli_fail(run->cli, NOTCH_EXIT_USAGE,
                              "nothing to feed: give --market, --needs, --capacities or --recognition FILE");
    }
    if (given > 1 && notch_cli_option(run->cli, "columns") != NULL) {
        return notch_cli_fail(run->cli, NOTCH_EXIT_USAGE, "--columns goes with one file: feed them one by one");
    }
    if (given > 1 && notch_cli_option(run->cli, "where") != NULL) {
        return notch_cli_fail(run->cli, NOTCH_EXIT_USAGE, "--where goes with one file: feed them one by one");
    }
    return NOTCH_EXIT_OK;
}

enum notch_exit notch_feed_options_read(struct notch_feed_run *run)
{
    run->dry = notch_cli_flag(run->cli, "dry-run");
    if (notch_cli_option(run->cli, "genesis") != NULL && !run->dry) {
        return notch_cli_fail(run->cli, NOTCH_EXIT_USAGE, "--genesis goes with --dry-run");
    }
    enum notch_exit code = read_files(run);
    if (code == NOTCH_EXIT_OK) {
        code = read_time(run);
    }
    if (code == NOTCH_EXIT_OK) {
        code = read_part(run->cli, &run->form.currency, "currency");
    }
    if (code == NOTCH_EXIT_OK) {
        code = read_part(run->cli, &run->form.unit, "unit");
    }
    if (code == NOTCH_EXIT_OK) {
        code = read_part(run->cli, &run->form.pack, "pack");
    }
    if (code == NOTCH_EXIT_OK) {
        code = read_log_base(run);
    }
    if (code == NOTCH_EXIT_OK) {
        code = read_shape(run);
    }
    return code == NOTCH_EXIT_OK ? read_audience(run) : code;
}
