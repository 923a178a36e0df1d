/*
 * chain/receipt.h: what became of a record: one outcome for each of its entries, decided when its block was executed.
 *
 *   applied              it did to the state what its type does
 *   superseded by X      another claim on the same key stands: X is the record and the entry that made it
 *   rejected: code       it did nothing, and why. A record as a whole can be rejected too (expired, duplicate, ...):
 *                        then none of its entries was looked at
 *
 * Encoding of a record's receipt, the shortest form only:
 *   00                                   every entry applied
 *   01 uvar code                         the record was rejected
 *   02 uvar n, then n outcomes           00 | 01 record id 32, uvar entry | 02 uvar code;   at least one is not 00
 * Receipts of a block: the receipts of its records one after the other, in the order of the records (their ordinals).
 *
 * receipts_root is the RFC 9162 root over the leaves H(0x00 || record id || receipt): a proof of inclusion shows what
 * became of a record, and names it.
 *
 * Invariants   encode(decode(x)) == x.
 * Ownership    A decoded receipt is a value of about 10 KiB; outcomes inside.
 * Limits       NOTCH_RECEIPT_ENTRIES_MAX entries; an encoded receipt is at most NOTCH_RECEIPT_BYTES_MAX long.
 * Thread       Pure functions.
 * Errors       A malformed receipt is a reject: MALFORMED.
 */
#ifndef NOTCH_CHAIN_RECEIPT_H
#define NOTCH_CHAIN_RECEIPT_H

#include "base/codec.h"
#include "base/error.h"

#define NOTCH_RECEIPT_ENTRIES_MAX 256
#define NOTCH_RECEIPT_BYTES_MAX (3 + NOTCH_RECEIPT_ENTRIES_MAX * 35)

enum notch_outcome_type { NOTCH_APPLIED = 0, NOTCH_SUPERSEDED = 1, NOTCH_REJECTED = 2 };

/* An entry's name: the record and the place in it. */
struct notch_entry_ref {
    struct notch_hash record;
    uint32_t entry;
};

struct notch_outcome {
    enum notch_outcome_type type;
    enum notch_reject_code code;       /* REJECTED */
    struct notch_entry_ref superseded; /* SUPERSEDED: by whom */
};

struct notch_receipt {
    enum notch_reject_code record; /* NONE, or why the whole record was rejected */
    bool all_applied;              /* then outcomes and count say nothing: the record knows how many entries it has */
    uint32_t count;
    struct notch_outcome outcomes[NOTCH_RECEIPT_ENTRIES_MAX];
};

/* Appends. The receipt is a promise: count in its bounds, and all_applied exactly where every outcome is. */
void notch_receipt_write(struct notch_writer *writer, const struct notch_receipt *receipt);

/* Reads one of several; fails the reader where it is not canonical. */
void notch_receipt_read(struct notch_reader *reader, struct notch_receipt *out);

/* Skips one and returns its bytes; {NULL, 0} on failure. */
struct notch_bytes notch_receipt_skip(struct notch_reader *reader);

/* One receipt and nothing else. */
NOTCH_MUST_USE struct notch_reject notch_receipt_decode(struct notch_receipt *out, struct notch_bytes bytes);

/* The leaf of receipts_root. */
void notch_receipt_leaf(struct notch_hash *out, const struct notch_hash *record_id, struct notch_bytes receipt);

/* The receipt at `ordinal` of the receipts of a block. NOT_FOUND behind the end, CORRUPT. */
NOTCH_MUST_USE enum notch_err notch_receipt_at(struct notch_bytes *out, struct notch_bytes receipts, uint32_t ordinal);

/* The outcome of one entry; APPLIED for each where all were. entry < count, or all_applied, or a rejected record. */
struct notch_outcome notch_receipt_outcome(const struct notch_receipt *receipt, uint32_t entry);

#endif
