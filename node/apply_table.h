/*
 * node/apply_table.h: what each type of entry does to the state: the rows of chain, and behind them those that other
 * cores add (challenges and certificates come from ai/rules with their issues). A new type is one row and one file.
 *
 * Thread       A constant.
 */
#ifndef NOTCH_NODE_APPLY_TABLE_H
#define NOTCH_NODE_APPLY_TABLE_H

#include "chain/apply.h"

/* *count rows; a type that has none is rejected as unknown. */
const struct notch_apply_row *notch_node_apply_table(size_t *count);

#endif
