/* What came of a feed: the openings of needs on disk, and the summary. */
#include "rpc/cli/cmd_feed.h"
#include "rpc/cli/files.h"
#include "rpc/cli/progress.h"
#include "rpc/cli/table.h"

#include <stdlib.h>

enum { OPENINGS_FILE_MAX = 64 << 20 };

/* ---- openings ---- */

/* Raw: prints what opens a need. */
static json_t *opening_json(const struct notch_feed_run *run, const struct notch_feed_opening *opening)
{
    const struct notch_feed_party *feed = &run->parties[NOTCH_FEED_NEEDS];
    struct notch_bytes party = notch_feed_names_at(&feed->parties, opening->party);
    struct notch_bytes resource = notch_feed_names_at(&feed->resources, opening->resource);
    char commitment[65];
    char blinding[65];
    char amount[24];
    notch_hex_encode(commitment, opening->commitment.raw, sizeof opening->commitment.raw);
    notch_hex_encode(blinding, opening->blinding.raw, sizeof opening->blinding.raw);
    (void)snprintf(amount, sizeof amount, "%lld", (long long)opening->amount.raw);
    json_t *line = json_pack("{s:s%,s:s%,s:I,s:I,s:s,s:s,s:s}", "recipient", party.data, party.len, "resource",
                             resource.data, resource.len, "start_ms", (json_int_t)opening->period.start.raw,
                             "length_ms", (json_int_t)opening->period.length_ms, "amount", amount, "commitment",
                             commitment, "blinding", blinding);
    notch_wipe(blinding, sizeof blinding);
    return line;
}

/* Appends those that the file does not have yet: a commitment names its opening. Raw: prints. */
static void add_openings(struct notch_feed_run *run, struct notch_buf *contents)
{
    size_t known = contents->len;
    size_t count = run->openings.len / sizeof(struct notch_feed_opening);
    for (size_t i = 0; i < count; i++) {
        struct notch_feed_opening opening;
        char commitment[65];
        memcpy(&opening, run->openings.data + i * sizeof opening, sizeof opening);
        notch_hex_encode(commitment, opening.commitment.raw, sizeof opening.commitment.raw);
        if (known == 0 || memmem(contents->data, known, commitment, 64) == NULL) {
            json_t *line = opening_json(run, &opening);
            char *text = json_dumps(line, JSON_COMPACT);
            notch_assert(text != NULL);
            notch_cli_text(contents, "%s\n", text);
            notch_wipe(text, strlen(text));
            free(text);
            json_decref(line);
            run->openings_noted++;
        }
        notch_wipe(&opening, sizeof opening);
    }
}

enum notch_exit notch_feed_note_openings(struct notch_feed_run *run)
{
    const char *given = notch_cli_option(run->cli, "openings");
    struct notch_buf path;
    struct notch_buf contents;
    if (run->openings.len == 0) {
        return NOTCH_EXIT_OK;
    }
    notch_buf_init(&path, run->cli->alloc);
    notch_buf_init(&contents, run->cli->alloc);
    notch_cli_text(&path, "%s%s", given == NULL ? (const char *)run->keyring.path.data : given,
                   given == NULL ? ".openings" : "");
    (void)notch_cli_text_of(&path);
    const char *name = (const char *)path.data;
    enum notch_err err = notch_file_read(&contents, name, OPENINGS_FILE_MAX);
    if (err == NOTCH_OK || err == NOTCH_ERR_NOT_FOUND) {
        add_openings(run, &contents);
        err = run->openings_noted == 0 ? NOTCH_OK
                                       : notch_file_write(name, notch_buf_bytes(&contents), 0600, NOTCH_FILE_REPLACE);
    }
    enum notch_exit code = NOTCH_EXIT_OK;
    if (err != NOTCH_OK) {
        code = notch_cli_fail(run->cli, NOTCH_EXIT_REFUSED,
                              "cannot note the openings of needs in %s: %s; nothing was published", name,
                              notch_err_text(err));
    }
    notch_wipe(contents.data, contents.cap);
    notch_buf_fini(&contents);
    notch_buf_fini(&path);
    return code;
}

/* ---- the summary ---- */

static void where(struct notch_buf *out, const struct notch_feed_listed *fault)
{
    notch_cli_text(out, "row %llu", (unsigned long long)fault->row);
    if (fault->line != fault->row) {
        notch_cli_text(out, " (line %llu)", (unsigned long long)fault->line);
    }
    if (fault->column != NULL) {
        notch_cli_text(out, ", column %u (%s)", fault->column_number, fault->column);
    } else {
        notch_cli_text(out, ", column %u", fault->column_number);
    }
}

static json_t *tally_json(const struct notch_feed_file *file)
{
    const struct notch_feed_tally *tally = &file->tally;
    json_t *bad = json_array();
    json_t *reasons = json_array();
    for (uint64_t i = 0; i < tally->refused && i < NOTCH_FEED_FAULTS_MAX; i++) {
        const struct notch_feed_listed *fault = &tally->first[i];
        json_array_append_new(bad, json_pack("{s:I,s:I,s:s?,s:I,s:s}", "row", (json_int_t)fault->row, "line",
                                             (json_int_t)fault->line, "column", fault->column, "column_number",
                                             (json_int_t)fault->column_number, "reason", fault->reason));
    }
    for (uint32_t i = 0; i < tally->reason_count; i++) {
        json_array_append_new(reasons,
                              json_pack("{s:s?,s:s,s:I}", "column", tally->reasons[i].column, "reason",
                                        tally->reasons[i].reason, "rows", (json_int_t)tally->reasons[i].count));
    }
    return json_pack("{s:s,s:I,s:I,s:I,s:I,s:o,s:o}", "file", file->path, "rows", (json_int_t)tally->rows, "taken",
                     (json_int_t)tally->taken, "left_out", (json_int_t)tally->left, "refused",
                     (json_int_t)tally->refused, "reasons", reasons, "first_bad", bad);
}

static json_t *reasons_json(const struct notch_submit_reasons *reasons)
{
    json_t *out = json_object();
    for (uint32_t i = 0; i < reasons->count; i++) {
        json_object_set_new(out, reasons->reason[i].text, json_integer((json_int_t)reasons->reason[i].count));
    }
    return out;
}

static void report_json(const struct notch_feed_run *run)
{
    const struct notch_submit_result *result = &run->result;
    uint64_t rows = 0;
    uint64_t taken = 0;
    uint64_t refused = 0;
    json_t *files = json_object();
    for (unsigned kind = 0; kind < NOTCH_FEED_FILES; kind++) {
        const struct notch_feed_file *file = &run->files[kind];
        if (file->path != NULL) {
            json_object_set_new(files, notch_feed_kind((enum notch_feed_kind_id)kind)->name, tally_json(file));
            rows += file->tally.rows;
            taken += file->tally.taken;
            refused += file->tally.refused;
        }
    }
    json_t *out =
        json_pack("{s:I,s:I,s:I,s:o,s:I,s:I,s:I,s:s,s:I,s:I}", "rows", (json_int_t)rows, "taken", (json_int_t)taken,
                  "refused", (json_int_t)refused, "files", files, "out_of_order", (json_int_t)run->market.out_of_order,
                  "insights", (json_int_t)run->made.insights, "insights_left_out", (json_int_t)run->made.too_few,
                  "period", notch_when_unit_name(run->made.unit), "records",
                  (json_int_t)notch_feed_plan_count(&run->plan), "entries", (json_int_t)run->plan.entry_count);
    json_t *sent = json_pack("{s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:I,s:I,s:o,s:I}", "dry_run", run->dry ? 1 : 0,
                             "submitted", (json_int_t)result->submitted, "published", (json_int_t)result->published,
                             "published_entries", (json_int_t)result->entries, "duplicates",
                             (json_int_t)result->duplicates, "refused_records", (json_int_t)result->refused, "local",
                             (json_int_t)result->local, "refused_reasons", reasons_json(&result->reasons), "final",
                             (json_int_t)result->final, "applied", (json_int_t)result->applied, "outcomes",
                             reasons_json(&result->outcomes), "ms", (json_int_t)(notch_clock_ms() - run->started_ms));
    json_object_update(out, sent);
    json_decref(sent);
    notch_cli_print_json(out);
}

static void print_faults(const struct notch_cli *cli, const struct notch_feed_file *file)
{
    const struct notch_feed_tally *tally = &file->tally;
    struct notch_buf text;
    notch_buf_init(&text, cli->alloc);
    for (uint64_t i = 0; i < tally->refused && i < NOTCH_FEED_FAULTS_MAX; i++) {
        notch_buf_clear(&text);
        where(&text, &tally->first[i]);
        (void)printf("  %s: %s\n", notch_cli_text_of(&text), tally->first[i].reason);
    }
    if (tally->refused > NOTCH_FEED_FAULTS_MAX) {
        (void)printf("  and %llu more:\n", (unsigned long long)(tally->refused - NOTCH_FEED_FAULTS_MAX));
        for (uint32_t i = 0; i < tally->reason_count; i++) {
            (void)printf("  %llu rows: %s%s%s\n", (unsigned long long)tally->reasons[i].count,
                         tally->reasons[i].column == NULL ? "" : tally->reasons[i].column,
                         tally->reasons[i].column == NULL ? "" : ": ", tally->reasons[i].reason);
        }
    }
    notch_buf_fini(&text);
}

static void print_files(const struct notch_feed_run *run)
{
    static const char *const heads[] = {"file", "kind", "rows", "taken", "left out", "refused"};
    struct notch_table table;
    struct notch_buf text;
    notch_table_init(&table, run->cli->alloc, heads, NOTCH_ARRAY_LEN(heads));
    notch_buf_init(&text, run->cli->alloc);
    for (unsigned kind = 0; kind < NOTCH_FEED_FILES; kind++) {
        const struct notch_feed_file *file = &run->files[kind];
        if (file->path != NULL) {
            notch_table_put(&table, "%s", file->path);
            notch_table_put(&table, "%s", notch_feed_kind((enum notch_feed_kind_id)kind)->name);
            notch_table_put(&table, "%llu", (unsigned long long)file->tally.rows);
            notch_table_put(&table, "%llu", (unsigned long long)file->tally.taken);
            notch_table_put(&table, "%llu", (unsigned long long)file->tally.left);
            notch_table_put(&table, "%llu", (unsigned long long)file->tally.refused);
        }
    }
    notch_table_print(&table, &text);
    (void)fwrite(text.data, 1, text.len, stdout);
    notch_buf_fini(&text);
    notch_table_fini(&table);
    for (unsigned kind = 0; kind < NOTCH_FEED_FILES; kind++) {
        if (run->files[kind].path != NULL) {
            print_faults(run->cli, &run->files[kind]);
        }
    }
}

static void print_reasons(const struct notch_submit_reasons *reasons)
{
    for (uint32_t i = 0; i < reasons->count; i++) {
        (void)printf("  %llu: %s\n", (unsigned long long)reasons->reason[i].count, reasons->reason[i].text);
    }
}

static void print_published(const struct notch_feed_run *run)
{
    const struct notch_submit_result *result = &run->result;
    notch_cli_line("published", "%llu records with %llu entries", (unsigned long long)result->published,
                   (unsigned long long)result->entries);
    notch_cli_line("known already", "%llu records", (unsigned long long)result->duplicates);
    if (result->refused > 0) {
        notch_cli_line("refused", "%llu records", (unsigned long long)result->refused);
        print_reasons(&result->reasons);
    }
    if (result->local > 0) {
        notch_cli_line("local only", "%llu records: on the disk of this node, and of no other yet",
                       (unsigned long long)result->local);
    }
    if (run->openings_noted > 0) {
        notch_cli_line("openings noted", "%llu", (unsigned long long)run->openings_noted);
    }
    if (notch_cli_flag(run->cli, "wait")) {
        notch_cli_line("final", "%llu records, %llu of them applied", (unsigned long long)result->final,
                       (unsigned long long)result->applied);
        print_reasons(&result->outcomes);
    }
}

void notch_feed_report(const struct notch_feed_run *run)
{
    if (run->cli->json) {
        report_json(run);
        return;
    }
    print_files(run);
    if (run->market.out_of_order > 0) {
        (void)printf("%llu rows were older than the row before them in their market: put in order of time\n",
                     (unsigned long long)run->market.out_of_order);
    }
    if (run->plan.entry_count == 0) {
        return;
    }
    if (run->made.insights + run->made.too_few > 0) {
        notch_cli_line("insights", "%llu, one for each %s of %llu series", (unsigned long long)run->made.insights,
                       notch_when_unit_name(run->made.unit), (unsigned long long)run->made.series);
    }
    if (run->made.too_few > 0) {
        notch_cli_line("left out", "%llu periods with fewer samples than the chain's mode wants",
                       (unsigned long long)run->made.too_few);
    }
    notch_cli_line("made", "%zu records with %llu entries", notch_feed_plan_count(&run->plan),
                   (unsigned long long)run->plan.entry_count);
    if (run->dry) {
        (void)puts("a dry run: nothing was published");
    } else {
        print_published(run);
    }
    notch_cli_line("took", "%.1f s", (double)(notch_clock_ms() - run->started_ms) / 1000);
}
