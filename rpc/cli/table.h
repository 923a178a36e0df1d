/*
 * rpc/cli/table.h: columns for people: aligned, as wide as they must be, safe for a terminal.
 *
 * Columns whose every cell is a number stand to the right. Widths count characters, not bytes.
 *
 * Ownership    init / fini; cells are copied.
 * Limits       NOTCH_TABLE_COLUMNS_MAX columns.
 * Thread       One.
 */
#ifndef NOTCH_RPC_CLI_TABLE_H
#define NOTCH_RPC_CLI_TABLE_H

#include "base/bytes.h"

#define NOTCH_TABLE_COLUMNS_MAX 16

struct notch_table {
    size_t columns;
    struct notch_buf text;  /* cells, one behind the other */
    struct notch_buf cells; /* size_t: where each ends in `text` */
};

/* heads: the names of the columns. */
void notch_table_init(struct notch_table *table, const struct notch_alloc *alloc, const char *const *heads,
                      size_t columns);
void notch_table_fini(struct notch_table *table);

/* The next cell, from left to right and row by row. */
void notch_table_put(struct notch_table *table, const char *format, ...) NOTCH_PRINTF(2, 3);

/* Appends the whole table. Every row is complete. */
void notch_table_print(const struct notch_table *table, struct notch_buf *out);

size_t notch_table_rows(const struct notch_table *table);

#endif
