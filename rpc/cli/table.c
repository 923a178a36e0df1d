#include "rpc/cli/table.h"

#include "rpc/cli/cli.h"

#include <stdarg.h>
#include <stdio.h>

static void end_cell(struct notch_table *table)
{
    size_t end = table->text.len;
    notch_buf_append(&table->cells, &end, sizeof end);
}

void notch_table_init(struct notch_table *table, const struct notch_alloc *alloc, const char *const *heads,
                      size_t columns)
{
    notch_assert(columns > 0 && columns <= NOTCH_TABLE_COLUMNS_MAX);
    *table = (struct notch_table){.columns = columns};
    notch_buf_init(&table->text, alloc);
    notch_buf_init(&table->cells, alloc);
    for (size_t i = 0; i < columns; i++) {
        notch_table_put(table, "%s", heads[i]);
    }
}

void notch_table_fini(struct notch_table *table)
{
    notch_buf_fini(&table->text);
    notch_buf_fini(&table->cells);
}

void notch_table_put(struct notch_table *table, const char *format, ...)
{
    char raw[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    notch_assert(len >= 0);
    notch_cli_plain(&table->text, raw, strlen(raw));
    end_cell(table);
}

static size_t count_cells(const struct notch_table *table)
{
    return table->cells.len / sizeof(size_t);
}

static struct notch_bytes cell_at(const struct notch_table *table, size_t index)
{
    size_t from = 0;
    size_t to;
    memcpy(&to, table->cells.data + index * sizeof to, sizeof to);
    if (index > 0) {
        memcpy(&from, table->cells.data + (index - 1) * sizeof from, sizeof from);
    }
    return notch_bytes(table->text.data + from, to - from);
}

/* Characters of a UTF-8 text. */
static size_t width_of(struct notch_bytes text)
{
    size_t width = 0;
    for (size_t i = 0; i < text.len; i++) {
        width += (text.data[i] & 0xc0) != 0x80;
    }
    return width;
}

static bool is_number(struct notch_bytes text)
{
    bool has_digit = false;
    for (size_t i = 0; i < text.len; i++) {
        bool digit = text.data[i] >= '0' && text.data[i] <= '9';
        has_digit = has_digit || digit;
        if (!digit && strchr("+-.%", text.data[i]) == NULL) {
            return false;
        }
    }
    return has_digit || text.len == 0;
}

size_t notch_table_rows(const struct notch_table *table)
{
    return count_cells(table) / table->columns - 1;
}

static void print_cell(struct notch_buf *out, struct notch_bytes text, size_t width, bool to_right, bool is_last)
{
    size_t gap = width - width_of(text);
    for (size_t i = 0; to_right && i < gap; i++) {
        notch_buf_append(out, " ", 1);
    }
    notch_buf_append(out, text.data, text.len);
    for (size_t i = 0; !to_right && !is_last && i < gap; i++) {
        notch_buf_append(out, " ", 1);
    }
    notch_buf_append(out, is_last ? "\n" : "  ", is_last ? 1 : 2);
}

void notch_table_print(const struct notch_table *table, struct notch_buf *out)
{
    size_t widths[NOTCH_TABLE_COLUMNS_MAX] = {0};
    bool numbers[NOTCH_TABLE_COLUMNS_MAX];
    size_t cells = count_cells(table);
    notch_assert(cells % table->columns == 0);
    for (size_t i = 0; i < table->columns; i++) {
        numbers[i] = cells > table->columns;
    }
    for (size_t i = 0; i < cells; i++) {
        struct notch_bytes text = cell_at(table, i);
        size_t column = i % table->columns;
        widths[column] = width_of(text) > widths[column] ? width_of(text) : widths[column];
        numbers[column] = numbers[column] && (i < table->columns || is_number(text));
    }
    for (size_t i = 0; i < cells; i++) {
        size_t column = i % table->columns;
        print_cell(out, cell_at(table, i), widths[column], numbers[column], column + 1 == table->columns);
    }
}
