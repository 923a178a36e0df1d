#include "rpc/cli/feed_read.h"

#include "rpc/cli/files.h"
#include "rpc/cli/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 17 };

struct filter {
    uint32_t column;
    struct notch_bytes value;
};

struct reading {
    const struct notch_feed_source *source;
    struct notch_feed_tally *tally;
    struct notch_csv csv;
    bool has_header;
    struct notch_feed_columns columns;
    uint32_t width; /* cells of the header */
    struct filter filters[NOTCH_FEED_FILTERS_MAX];
    size_t filter_count;
    struct notch_progress progress;
};

static enum notch_exit read_separator(const struct notch_cli *cli, char *out, struct notch_bytes start)
{
    const char *text = notch_cli_option(cli, "separator");
    if (text == NULL || strcmp(text, "auto") == 0) {
        *out = notch_csv_guess_separator(start);
        return NOTCH_EXIT_OK;
    }
    *out = strcmp(text, "tab") == 0 ? '\t' : text[0];
    bool is_one = strcmp(text, "tab") == 0 || (text[0] != '\0' && text[1] == '\0');
    if (!is_one || *out == '"' || *out == '\n' || *out == '\r' || (unsigned char)*out >= 0x80) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--separator %s: expected one character, tab or auto", text);
    }
    return NOTCH_EXIT_OK;
}

/* "COLUMN=VALUE" each. */
static enum notch_exit find_filters(struct reading *reading)
{
    const struct notch_cli *cli = reading->source->cli;
    size_t at = 0;
    for (const char *text; reading->source->has_filters && (text = notch_cli_next(cli, "where", &at)) != NULL;) {
        const char *equals = strchr(text, '=');
        if (equals == NULL || reading->filter_count == NOTCH_FEED_FILTERS_MAX) {
            return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--where %s: expected COLUMN=VALUE, at most %d times", text,
                                  NOTCH_FEED_FILTERS_MAX);
        }
        struct notch_bytes name = notch_bytes(text, (size_t)(equals - text));
        uint32_t column = 0;
        while (column < reading->width && !notch_bytes_eq(notch_csv_cell(&reading->csv, column), name)) {
            column++;
        }
        if (column == reading->width) {
            return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "%s: --where %s: no such column", reading->source->path,
                                  text);
        }
        reading->filters[reading->filter_count++] =
            (struct filter){column, notch_bytes(equals + 1, strlen(equals + 1))};
    }
    return NOTCH_EXIT_OK;
}

static enum notch_exit take_header(struct reading *reading)
{
    const struct notch_feed_source *source = reading->source;
    struct notch_buf problem;
    notch_buf_init(&problem, source->cli->alloc);
    reading->has_header = true;
    reading->width = notch_csv_columns(&reading->csv);
    enum notch_exit code = NOTCH_EXIT_OK;
    if (!notch_feed_columns_find(&reading->columns, &problem, source->kind, &reading->csv, source->columns)) {
        code = notch_cli_fail(source->cli, NOTCH_EXIT_REFUSED, "%s: %s", source->path, notch_cli_text_of(&problem));
    }
    notch_buf_fini(&problem);
    return code == NOTCH_EXIT_OK ? find_filters(reading) : code;
}

static bool passes(const struct reading *reading)
{
    for (size_t i = 0; i < reading->filter_count; i++) {
        const struct filter *filter = &reading->filters[i];
        if (filter->column >= notch_csv_columns(&reading->csv) ||
            !notch_bytes_eq(notch_csv_cell(&reading->csv, filter->column), filter->value)) {
            return false;
        }
    }
    return true;
}

static void take_row(struct reading *reading)
{
    const struct notch_csv *csv = &reading->csv;
    struct notch_feed_listed listed = {.row = csv->row, .line = csv->line};
    reading->tally->rows++;
    if (notch_csv_columns(csv) != reading->width) {
        listed.column_number =
            notch_csv_columns(csv) < reading->width ? notch_csv_columns(csv) + 1 : reading->width + 1;
        listed.reason = notch_csv_columns(csv) < reading->width ? "the row has fewer cells than the header"
                                                                : "the row has more cells than the header";
        notch_feed_refuse(reading->tally, &listed);
        return;
    }
    if (!passes(reading)) {
        reading->tally->left++;
        return;
    }
    struct notch_feed_fault fault = reading->source->take(reading->source->arg, &reading->columns, csv);
    if (fault.reason == NULL) {
        reading->tally->taken++;
        return;
    }
    listed.column = reading->source->kind->roles[fault.role].name;
    listed.column_number = reading->columns.column[fault.role] + 1;
    listed.reason = fault.reason;
    notch_feed_refuse(reading->tally, &listed);
}

static enum notch_exit take_fault(struct reading *reading)
{
    const struct notch_csv *csv = &reading->csv;
    if (!reading->has_header) {
        return notch_cli_fail(reading->source->cli, NOTCH_EXIT_REFUSED, "%s: the header (row %llu), cell %u: %s",
                              reading->source->path, (unsigned long long)csv->row, csv->fault_column, csv->fault);
    }
    struct notch_feed_listed listed = {csv->row, csv->line, NULL, csv->fault_column, csv->fault};
    reading->tally->rows++;
    notch_feed_refuse(reading->tally, &listed);
    return NOTCH_EXIT_OK;
}

/* All rows that are in `input`; `last`: it is the end of the file. */
static enum notch_exit take_bytes(struct reading *reading, struct notch_bytes input, bool last)
{
    for (;;) {
        enum notch_exit code = NOTCH_EXIT_OK;
        switch (notch_csv_next(&reading->csv, &input, last)) {
        case NOTCH_CSV_MORE:
        case NOTCH_CSV_END:
            return NOTCH_EXIT_OK;
        case NOTCH_CSV_FAULT:
            code = take_fault(reading);
            break;
        case NOTCH_CSV_ROW:
            if (reading->has_header) {
                take_row(reading);
            } else {
                code = take_header(reading);
            }
            break;
        }
        if (code != NOTCH_EXIT_OK) {
            return code;
        }
    }
}

static enum notch_exit read_rows(struct reading *reading, int fd, uint8_t *chunk)
{
    const struct notch_feed_source *source = reading->source;
    uint64_t offset = 0;
    for (;;) {
        ssize_t got = read(fd, chunk, CHUNK);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return notch_cli_fail(source->cli, NOTCH_EXIT_REFUSED, "cannot read %s: %s", source->path,
                                  notch_err_text(notch_file_error(errno)));
        }
        enum notch_exit code = NOTCH_EXIT_OK;
        if (offset == 0) {
            code = read_separator(source->cli, &reading->csv.separator, notch_bytes(chunk, (size_t)got));
        }
        if (code == NOTCH_EXIT_OK) {
            code = take_bytes(reading, notch_bytes(chunk, (size_t)got), got == 0);
        }
        offset += (uint64_t)got;
        notch_progress_at(&reading->progress, offset);
        if (code != NOTCH_EXIT_OK || got == 0) {
            return code;
        }
    }
}

enum notch_exit notch_feed_read(const struct notch_feed_source *source, struct notch_feed_tally *tally)
{
    int fd = strcmp(source->path, "-") == 0 ? dup(STDIN_FILENO) : open(source->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return notch_cli_fail(source->cli, NOTCH_EXIT_REFUSED, "cannot open %s: %s", source->path,
                              notch_err_text(notch_file_error(errno)));
    }
    struct stat info;
    uint64_t size = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
    struct reading reading = {.source = source, .tally = tally};
    uint8_t *chunk = notch_alloc(source->cli->alloc, CHUNK);
    notch_csv_init(&reading.csv, source->cli->alloc, ',');
    notch_progress_begin(&reading.progress, source->cli, "reading", size);
    enum notch_exit code = read_rows(&reading, fd, chunk);
    notch_progress_end(&reading.progress, size);
    if (code == NOTCH_EXIT_OK && !reading.has_header) {
        code = notch_cli_fail(source->cli, NOTCH_EXIT_REFUSED, "%s is empty: expected a header and rows", source->path);
    }
    notch_csv_fini(&reading.csv);
    notch_free(source->cli->alloc, chunk, CHUNK);
    (void)close(fd);
    return code;
}
