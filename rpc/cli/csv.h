/*
 * rpc/cli/csv.h: rows out of a CSV file (RFC 4180), as its bytes come in.
 *
 * Cells are separated by one character and may stand in double quotes, where they hold separators, line ends and,
 * doubled, quotes. Lines end in LF or CRLF. A byte order mark of UTF-8 in front is left out; lines without anything are
 * passed over, but counted. What cannot be read is a fault of its row: row, column, and why; reading goes on behind the
 * end of its line.
 *
 *      notch_csv_next(csv, &input, last)   MORE: give further bytes     ROW: cells are in csv until the next call
 *                                          FAULT: see csv->fault        END: after the last row
 *
 * Rows are counted from 1 with the header, as a spreadsheet shows them; lines differ where a cell holds line ends.
 *
 * Ownership    init / fini. Cells point into the reader until the next call.
 * Limits       NOTCH_CSV_CELL_MAX bytes in a cell, NOTCH_CSV_COLUMNS_MAX cells in a row.
 * Thread       One at a time. Pure.
 */
#ifndef NOTCH_RPC_CLI_CSV_H
#define NOTCH_RPC_CLI_CSV_H

#include "base/bytes.h"

#include <stdbool.h>

#define NOTCH_CSV_CELL_MAX 65536u
#define NOTCH_CSV_COLUMNS_MAX 1024u

enum notch_csv_step { NOTCH_CSV_MORE, NOTCH_CSV_ROW, NOTCH_CSV_FAULT, NOTCH_CSV_END };

enum notch_csv_state {
    NOTCH_CSV_AT_START, /* of the file: a byte order mark may come */
    NOTCH_CSV_AT_CELL,  /* the begin of one */
    NOTCH_CSV_PLAIN,
    NOTCH_CSV_QUOTED,
    NOTCH_CSV_AT_QUOTE, /* behind a quote inside of quotes: the end of them, or the first of two */
    NOTCH_CSV_AT_CR,    /* LF has to come */
    NOTCH_CSV_SKIPPING  /* a bad row, to the end of its line */
};

struct notch_csv {
    char separator;
    enum notch_csv_state state;
    unsigned bom;          /* bytes of the mark that came */
    struct notch_buf text; /* the cells of the row, one behind the other */
    struct notch_buf ends; /* uint32_t: where each ends */
    bool has_quotes;       /* in this row */
    bool is_given;         /* the row was given: the next call begins another */
    uint64_t row;          /* the one that was given last, from 1 */
    uint64_t line;         /* where it begins, from 1 */
    uint64_t next_line;    /* where the reader is */
    const char *fault;     /* what is wrong with it */
    uint32_t fault_column; /* from 1 */
};

void notch_csv_init(struct notch_csv *csv, const struct notch_alloc *alloc, char separator);
void notch_csv_fini(struct notch_csv *csv);

/* Takes what it needs off *input; `last`: nothing comes behind it. */
enum notch_csv_step notch_csv_next(struct notch_csv *csv, struct notch_bytes *input, bool last);

uint32_t notch_csv_columns(const struct notch_csv *csv);
struct notch_bytes notch_csv_cell(const struct notch_csv *csv, uint32_t column);

/* The separator that the first line of `text` has most of, outside of quotes: , ; tab or |. */
char notch_csv_guess_separator(struct notch_bytes text);

#endif
