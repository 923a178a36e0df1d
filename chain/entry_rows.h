/*
 * chain/entry_rows.h: the rows of the entry table, and what the files that make them share. Internal to chain/entry*.c.
 *
 * A `read` fails its reader for what has another encoding or does not fit the struct; a `check` answers with the name
 * of the field for what is encoded well and still wrong.
 */
#ifndef NOTCH_CHAIN_ENTRY_ROWS_H
#define NOTCH_CHAIN_ENTRY_ROWS_H

#include "chain/entry.h"

extern const struct notch_entry_row notch__entry_insight;
extern const struct notch_entry_row notch__entry_model;
extern const struct notch_entry_row notch__entry_recognition;
extern const struct notch_entry_row notch__entry_capacity;
extern const struct notch_entry_row notch__entry_need_commit;
extern const struct notch_entry_row notch__entry_need_reveal;
extern const struct notch_entry_row notch__entry_allocation;
extern const struct notch_entry_row notch__entry_allocation_cert;
extern const struct notch_entry_row notch__entry_challenge_commit;
extern const struct notch_entry_row notch__entry_challenge_reveal;
extern const struct notch_entry_row notch__entry_validator;
extern const struct notch_entry_row notch__entry_vouch;
extern const struct notch_entry_row notch__entry_author;
extern const struct notch_entry_row notch__entry_governance;
extern const struct notch_entry_row notch__entry_witness;
extern const struct notch_entry_row notch__entry_sealed;

/* An amount from 0 up, as uvar; a ratio from 0 up, as uvar; a ratio of either sign, as svar. */
void notch__amount_write(struct notch_writer *writer, struct notch_amount amount);
struct notch_amount notch__amount_read(struct notch_reader *reader);
void notch__ppm_write(struct notch_writer *writer, struct notch_ppm ratio);
struct notch_ppm notch__ppm_read(struct notch_reader *reader);
void notch__ppm_write_signed(struct notch_writer *writer, struct notch_ppm ratio);
struct notch_ppm notch__ppm_read_signed(struct notch_reader *reader);

/* A u8 that is at most `max`; a greater one fails. */
uint8_t notch__read_choice(struct notch_reader *reader, uint8_t max);

/* What was read from `start` up to the reader: a list that was walked to check it. {NULL, 0} once it has failed. */
struct notch_bytes notch__read_since(const struct notch_reader *reader, const uint8_t *start);

/* A claim from left to right; it begins with the type. */
void notch__claim_begin(struct notch_claim *claim, enum notch_entry_type type);
void notch__claim_add(struct notch_claim *claim, const uint8_t *data, size_t len);
void notch__claim_add_u64(struct notch_claim *claim, uint64_t value);
void notch__claim_add_period(struct notch_claim *claim, const struct notch_period *period);

#endif
