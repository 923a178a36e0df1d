#include "rpc/cli/csv.h"

static const uint8_t bom[3] = {0xef, 0xbb, 0xbf};

void notch_csv_init(struct notch_csv *csv, const struct notch_alloc *alloc, char separator)
{
    *csv = (struct notch_csv){.separator = separator, .line = 1, .next_line = 1};
    notch_buf_init(&csv->text, alloc);
    notch_buf_init(&csv->ends, alloc);
}

void notch_csv_fini(struct notch_csv *csv)
{
    notch_buf_fini(&csv->text);
    notch_buf_fini(&csv->ends);
}

uint32_t notch_csv_columns(const struct notch_csv *csv)
{
    return (uint32_t)(csv->ends.len / sizeof(uint32_t));
}

static uint32_t end_of(const struct notch_csv *csv, uint32_t column)
{
    uint32_t end;
    memcpy(&end, csv->ends.data + column * sizeof end, sizeof end);
    return end;
}

struct notch_bytes notch_csv_cell(const struct notch_csv *csv, uint32_t column)
{
    notch_assert(column < notch_csv_columns(csv));
    uint32_t from = column == 0 ? 0 : end_of(csv, column - 1);
    if (from == end_of(csv, column)) {
        return notch_bytes("", 0); /* where all are empty, there is no text to point into */
    }
    return notch_bytes(csv->text.data + from, end_of(csv, column) - from);
}

/* Where the cell that is being read begins. */
static size_t cell_start(const struct notch_csv *csv)
{
    uint32_t columns = notch_csv_columns(csv);
    return columns == 0 ? 0 : end_of(csv, columns - 1);
}

static void fail(struct notch_csv *csv, const char *fault)
{
    csv->fault = fault;
    csv->fault_column = notch_csv_columns(csv) + 1;
    csv->state = NOTCH_CSV_SKIPPING;
}

static void put(struct notch_csv *csv, uint8_t byte)
{
    if (csv->text.len - cell_start(csv) == NOTCH_CSV_CELL_MAX) {
        fail(csv, "a cell of more than 65536 bytes (a quote that is not closed?)");
        return;
    }
    notch_buf_append(&csv->text, &byte, 1);
}

static void end_cell(struct notch_csv *csv)
{
    if (notch_csv_columns(csv) == NOTCH_CSV_COLUMNS_MAX) {
        fail(csv, "more than 1024 cells in a row");
        return;
    }
    uint32_t end = (uint32_t)csv->text.len;
    notch_buf_append(&csv->ends, &end, sizeof end);
    csv->state = NOTCH_CSV_AT_CELL;
}

static void begin_row(struct notch_csv *csv)
{
    notch_buf_clear(&csv->text);
    notch_buf_clear(&csv->ends);
    csv->has_quotes = false;
    csv->is_given = false;
    csv->fault = NULL;
    csv->line = csv->next_line;
}

/* At the end of a line, or of the file. MORE: the row holds nothing. */
static enum notch_csv_step end_row(struct notch_csv *csv)
{
    csv->row++;
    if (csv->state != NOTCH_CSV_SKIPPING) {
        end_cell(csv);
    }
    bool is_bad = csv->state == NOTCH_CSV_SKIPPING;
    bool is_blank = !is_bad && notch_csv_columns(csv) == 1 && csv->text.len == 0 && !csv->has_quotes;
    csv->state = NOTCH_CSV_AT_CELL;
    csv->is_given = !is_blank;
    if (is_bad) {
        return NOTCH_CSV_FAULT;
    }
    return is_blank ? NOTCH_CSV_MORE : NOTCH_CSV_ROW;
}

static enum notch_csv_step end_line(struct notch_csv *csv)
{
    csv->next_line++;
    enum notch_csv_step step = end_row(csv);
    if (step == NOTCH_CSV_MORE) {
        begin_row(csv);
    }
    return step;
}

/* A byte outside of quotes. */
static enum notch_csv_step plain_byte(struct notch_csv *csv, uint8_t byte)
{
    if (byte == (uint8_t)csv->separator) {
        end_cell(csv);
        return NOTCH_CSV_MORE;
    }
    if (byte == '\n') {
        return end_line(csv);
    }
    if (byte == '\r') {
        csv->state = NOTCH_CSV_AT_CR;
    } else if (csv->state == NOTCH_CSV_AT_QUOTE) {
        fail(csv, "text behind the closing quote");
    } else if (byte == '"' && csv->state == NOTCH_CSV_AT_CELL) {
        csv->state = NOTCH_CSV_QUOTED;
        csv->has_quotes = true;
    } else if (byte == '"') {
        fail(csv, "a quote inside of a cell that does not begin with one");
    } else if (byte == 0) {
        fail(csv, "a zero byte: no text in UTF-8 (saved as UTF-16?)");
    } else {
        csv->state = NOTCH_CSV_PLAIN;
        put(csv, byte);
    }
    return NOTCH_CSV_MORE;
}

static void quoted_byte(struct notch_csv *csv, uint8_t byte)
{
    if (byte == '"') {
        csv->state = NOTCH_CSV_AT_QUOTE;
        return;
    }
    csv->next_line += byte == '\n';
    if (byte == 0) {
        fail(csv, "a zero byte: no text in UTF-8 (saved as UTF-16?)");
    } else {
        put(csv, byte);
    }
}

/* The begin of the file. True: the byte was one of the mark. */
static bool start_byte(struct notch_csv *csv, uint8_t byte)
{
    notch_assert(csv->bom < sizeof bom);
    if (byte == bom[csv->bom]) {
        csv->bom++;
        csv->state = csv->bom == sizeof bom ? NOTCH_CSV_AT_CELL : NOTCH_CSV_AT_START;
        return true;
    }
    /* No mark after all: what came is text. */
    csv->state = csv->bom > 0 ? NOTCH_CSV_PLAIN : NOTCH_CSV_AT_CELL;
    for (unsigned i = 0; i < csv->bom && i < sizeof bom; i++) {
        put(csv, bom[i]);
    }
    return false;
}

static enum notch_csv_step take_byte(struct notch_csv *csv, uint8_t byte)
{
    if (csv->state == NOTCH_CSV_AT_START && start_byte(csv, byte)) {
        return NOTCH_CSV_MORE;
    }
    switch (csv->state) {
    case NOTCH_CSV_QUOTED:
        quoted_byte(csv, byte);
        return NOTCH_CSV_MORE;
    case NOTCH_CSV_AT_QUOTE:
        if (byte == '"') {
            csv->state = NOTCH_CSV_QUOTED;
            put(csv, byte);
            return NOTCH_CSV_MORE;
        }
        return plain_byte(csv, byte);
    case NOTCH_CSV_AT_CR:
        if (byte != '\n') {
            fail(csv, "a carriage return without a line feed");
            return NOTCH_CSV_MORE;
        }
        return end_line(csv);
    case NOTCH_CSV_SKIPPING:
        return byte == '\n' ? end_line(csv) : NOTCH_CSV_MORE;
    case NOTCH_CSV_AT_START:
    case NOTCH_CSV_AT_CELL:
    case NOTCH_CSV_PLAIN:
        return plain_byte(csv, byte);
    }
    notch_unreachable();
}

/* The file ended: what was begun is a row, if it is anything. */
static enum notch_csv_step finish(struct notch_csv *csv)
{
    if (csv->state == NOTCH_CSV_AT_START && csv->bom > 0) {
        (void)start_byte(csv, 0);
    }
    if (csv->state == NOTCH_CSV_QUOTED) {
        fail(csv, "the file ends inside of quotes");
    }
    bool is_begun = csv->state != NOTCH_CSV_AT_START && csv->state != NOTCH_CSV_AT_CELL;
    if (!is_begun && notch_csv_columns(csv) == 0) {
        return NOTCH_CSV_END;
    }
    enum notch_csv_step step = end_row(csv);
    return step == NOTCH_CSV_MORE ? NOTCH_CSV_END : step;
}

enum notch_csv_step notch_csv_next(struct notch_csv *csv, struct notch_bytes *input, bool last)
{
    if (csv->is_given) {
        begin_row(csv);
    }
    for (size_t i = 0; i < input->len; i++) {
        enum notch_csv_step step = take_byte(csv, input->data[i]);
        if (step != NOTCH_CSV_MORE) {
            *input = notch_bytes(input->data + i + 1, input->len - i - 1);
            return step;
        }
    }
    *input = notch_bytes(NULL, 0);
    return last ? finish(csv) : NOTCH_CSV_MORE;
}

char notch_csv_guess_separator(struct notch_bytes text)
{
    static const char candidates[] = ",;\t|";
    size_t counts[sizeof candidates - 1] = {0};
    bool quoted = false;
    for (size_t i = 0; i < text.len && (quoted || text.data[i] != '\n'); i++) {
        quoted = quoted != (text.data[i] == '"');
        for (size_t k = 0; !quoted && k < sizeof counts / sizeof counts[0]; k++) {
            counts[k] += text.data[i] == (uint8_t)candidates[k];
        }
    }
    size_t best = 0;
    for (size_t k = 1; k < sizeof counts / sizeof counts[0]; k++) {
        best = counts[k] > counts[best] ? k : best;
    }
    return candidates[best];
}
