/*
 * rpc/cli/feed_read.h: a CSV file from disk, row by row, into whatever takes the rows.
 *
 * Ownership    Borrows everything.
 * Errors       Printed by notch_cli_fail(), with the file in front. Rows that are refused are counted in the tally.
 * Thread       One.
 */
#ifndef NOTCH_RPC_CLI_FEED_READ_H
#define NOTCH_RPC_CLI_FEED_READ_H

#include "rpc/cli/cli.h"
#include "rpc/cli/feed.h"

#define NOTCH_FEED_FILTERS_MAX 8

/* What takes a row: a reason where it is bad. */
typedef struct notch_feed_fault (*notch_feed_take)(void *arg, const struct notch_feed_columns *columns,
                                                   const struct notch_csv *row);

struct notch_feed_source {
    const struct notch_cli *cli;
    const struct notch_feed_kind *kind;
    const char *path;
    const char *columns; /* --columns, where it is meant for this file; or NULL */
    bool has_filters;    /* --where is meant for this file */
    notch_feed_take take;
    void *arg;
};

enum notch_exit notch_feed_read(const struct notch_feed_source *source, struct notch_feed_tally *tally);

#endif
