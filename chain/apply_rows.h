/*
 * chain/apply_rows.h: the apply functions of this folder, one for each entry type. What they do: chain/apply.h.
 *
 * Thread       As the ledger.
 */
#ifndef NOTCH_CHAIN_APPLY_ROWS_H
#define NOTCH_CHAIN_APPLY_ROWS_H

#include "chain/apply.h"

enum notch_err notch__apply_model(struct notch_apply *apply, struct notch_outcome *outcome,
                                  const struct notch_entry *entry);
enum notch_err notch__apply_recognition(struct notch_apply *apply, struct notch_outcome *outcome,
                                        const struct notch_entry *entry);
enum notch_err notch__apply_capacity(struct notch_apply *apply, struct notch_outcome *outcome,
                                     const struct notch_entry *entry);
enum notch_err notch__apply_need_commit(struct notch_apply *apply, struct notch_outcome *outcome,
                                        const struct notch_entry *entry);
enum notch_err notch__apply_need_reveal(struct notch_apply *apply, struct notch_outcome *outcome,
                                        const struct notch_entry *entry);
enum notch_err notch__apply_allocation(struct notch_apply *apply, struct notch_outcome *outcome,
                                       const struct notch_entry *entry);
enum notch_err notch__apply_validator(struct notch_apply *apply, struct notch_outcome *outcome,
                                      const struct notch_entry *entry);
enum notch_err notch__apply_vouch(struct notch_apply *apply, struct notch_outcome *outcome,
                                  const struct notch_entry *entry);
enum notch_err notch__apply_author(struct notch_apply *apply, struct notch_outcome *outcome,
                                   const struct notch_entry *entry);
enum notch_err notch__apply_governance(struct notch_apply *apply, struct notch_outcome *outcome,
                                       const struct notch_entry *entry);

#endif
