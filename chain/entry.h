/*
 * chain/entry.h: the entries of a record: one row per type in a table, one struct per type in a union.
 *
 * Each row says how an entry is encoded and decoded, what its form must be (without any state of the chain, and with
 * the chain's mode: chain/mode.h), which key it claims where two entries may conflict, and by which terms it is
 * indexed. What an entry does to the state is the ledger's half of the table (chain/apply.h).
 *
 * Invariants   encode(decode(x)) == x for every accepted payload; trailing bytes are refused; absent fields take no
 *              bytes. A type that is not in the table is well formed: old nodes carry records of newer ones, and the
 *              receipt says `rejected: unknown entry type`. Its size is bounded by that of the record.
 * Ownership    Lists and blobs in a decoded entry are views into the payload. An entry to be encoded borrows what it
 * names. Units        amounts, prices: micro-units; ratios: ppm; times: unix ms.
 * Thread       Pure functions and values: any thread.
 */
#ifndef NOTCH_CHAIN_ENTRY_H
#define NOTCH_CHAIN_ENTRY_H

#include "chain/entry_allocation.h"
#include "chain/entry_insight.h"
#include "chain/entry_member.h"
#include "chain/entry_model.h"
#include "chain/entry_other.h"
#include "chain/record.h"

/* name, value, text. Values are part of the protocol: only append. */
#define NOTCH_ENTRY_TABLE(X) \
    X(INSIGHT, 1, "insight") \
    X(MODEL, 2, "model") \
    X(RECOGNITION, 3, "recognition") \
    X(CAPACITY, 4, "capacity") \
    X(NEED_COMMIT, 5, "need_commit") \
    X(NEED_REVEAL, 6, "need_reveal") \
    X(ALLOCATION, 7, "allocation") \
    X(ALLOCATION_CERT, 8, "allocation_cert") \
    X(CHALLENGE_COMMIT, 9, "challenge_commit") \
    X(CHALLENGE_REVEAL, 10, "challenge_reveal") \
    X(VALIDATOR, 11, "validator") \
    X(VOUCH, 12, "vouch") \
    X(AUTHOR, 13, "author") \
    X(GOVERNANCE, 14, "governance") \
    X(WITNESS, 15, "witness") \
    X(SEALED, 16, "sealed")

enum notch_entry_type {
#define X(name, value, text) NOTCH_ENTRY_##name = (value),
    NOTCH_ENTRY_TABLE(X)
#undef X
};
#define NOTCH_ENTRY_TYPE_MAX 16

struct notch_entry {
    enum notch_entry_type type;
    union {
        struct notch_insight insight;
        struct notch_model model;
        struct notch_recognition recognition;
        struct notch_capacity capacity;
        struct notch_need_commit need_commit;
        struct notch_need_reveal need_reveal;
        struct notch_allocation allocation;
        struct notch_allocation_cert allocation_cert;
        struct notch_challenge_commit challenge_commit;
        struct notch_challenge_reveal challenge_reveal;
        struct notch_validator_entry validator;
        struct notch_vouch vouch;
        struct notch_author_entry author;
        struct notch_governance governance;
        struct notch_witness witness;
        struct notch_sealed sealed;
    } as;
};

/* What the form check of an entry may look at beside the entry itself. */
struct notch_form {
    const struct notch_rules *rules;
    struct notch_key author;
    struct notch_time ts; /* of the record */
};

/* By what an entry is found (listrecords). */
struct notch_entry_terms {
    bool has_market; /* a market, or a resource */
    struct notch_hash market;
    bool has_time; /* the begin of its period; others go by the time of the record */
    struct notch_time time;
};

/* What an entry claims: two entries with the same bytes here exclude each other. The bytes begin with the type. */
#define NOTCH_CLAIM_MAX 96
struct notch_claim {
    uint8_t len;
    uint8_t raw[NOTCH_CLAIM_MAX];
};

struct notch_entry_row {
    enum notch_entry_type type;
    const char *name;
    void (*write)(struct notch_writer *writer, const struct notch_entry *entry);
    void (*read)(struct notch_reader *reader, struct notch_entry *out);
    struct notch_reject (*check)(const struct notch_entry *entry, const struct notch_form *form);
    /* The last two are NULL where the type claims nothing, or has no terms. */
    void (*claim)(struct notch_claim *out, const struct notch_entry *entry, const struct notch_key *author);
    void (*terms)(struct notch_entry_terms *out, const struct notch_entry *entry);
};

/* NULL for a type that is not in the table. */
const struct notch_entry_row *notch_entry_row(uint64_t type);

/* "insight", ...; "unknown". And the type of a name: false if there is none. */
const char *notch_entry_name(uint64_t type);
NOTCH_MUST_USE bool notch_entry_parse_name(enum notch_entry_type *out, const char *text, size_t len);

/* Appends the entry (type, length, payload) to a list of entries. The entry is one that decode() could give. */
void notch_entry_append(struct notch_buf *entries, const struct notch_entry *entry);

/* Takes a payload apart. UNKNOWN_TYPE for a type that is not in the table, else MALFORMED, or BOUNDS with the field. */
NOTCH_MUST_USE struct notch_reject notch_entry_decode(struct notch_entry *out, uint64_t type,
                                                      struct notch_bytes payload);

/* The form: bounds across fields, mode, signatures inside of the entry. */
NOTCH_MUST_USE struct notch_reject notch_entry_check(const struct notch_entry *entry, const struct notch_form *form);

/* false where the type claims nothing. */
NOTCH_MUST_USE bool notch_entry_claim(struct notch_claim *out, const struct notch_entry *entry,
                                      const struct notch_key *author);

void notch_entry_terms(struct notch_entry_terms *out, const struct notch_entry *entry);

#endif
