/*
 * chain/record.h: a record, the unit that one author signs: a header, a signature, and 1 to 256 entries.
 *
 * Encoding (base/codec.h):
 *   header   version u8 (1) | author 32 | ts_ms u64 | salt 16 | ref 32 | n uvar (1..256) | entries_root 32
 *   sig      64
 *   entries  n times: type uvar | payload blob
 *
 *   sighash      = tagged(RECORD_SIGN, header)             what the author signs (BIP340)
 *   record id    = tagged(RECORD_ID, sighash || sig)       so that the id commits to the signature too
 *   entries_root = RFC 9162 root; the data of a leaf are the bytes of one entry as they stand (type, length, payload)
 *
 * One signature covers the root, so an author that publishes 256 entries pays for one. `ref` names a final block: the
 * record is not older than it, and expires some slots after it. (author, salt) is unique on the chain; the salt is
 * derived from the content by the author's key (wallet), so that the same content given twice is the same record.
 *
 * Validity has two halves. notch_record_check() is a pure function of the bytes and of the chain's rules: encoding,
 * size, form and mode of every entry, root, signature. It is what worker threads run, and what makes a batch invalid.
 * What needs the chain (ref, expiry, duplicates, conflicts, quotas) is decided when the record is applied and ends in a
 * receipt.
 *
 * Invariants   encode(decode(x)) == x for every accepted x; trailing bytes are refused.
 *              An entry of a type that this code does not know is well formed (chain/entry.h).
 *              No entry stands twice in a record, so that a proof of an entry names one place.
 * Ownership    struct notch_record is a view: it borrows the encoded bytes. Builders append to the caller's buffer.
 * Limits       30 KiB encoded (NOTCH_RECORD_BYTES_MAX, and the chain's own cap if smaller), 256 entries.
 * Units        ts: unix ms of the author's clock.
 * Thread       Pure functions and values: any thread.
 * Errors       struct notch_reject for bytes; enum notch_err where the builder's caller asks for what cannot be.
 */
#ifndef NOTCH_CHAIN_RECORD_H
#define NOTCH_CHAIN_RECORD_H

#include "base/bytes.h"
#include "base/codec.h"
#include "base/error.h"
#include "chain/merkle.h"
#include "chain/mode.h"

#define NOTCH_RECORD_VERSION 1
#define NOTCH_RECORD_BYTES_MAX (30u << 10)
#define NOTCH_RECORD_ENTRIES_MAX 256
#define NOTCH_SALT_LEN 16
/* version, author, ts, salt, ref, root and the longest count. */
#define NOTCH_RECORD_HEADER_MAX (1 + 32 + 8 + NOTCH_SALT_LEN + 32 + 2 + 32)

struct notch_salt {
    uint8_t raw[NOTCH_SALT_LEN];
};

/* A decoded record. The views point into the bytes it was decoded from. */
struct notch_record {
    struct notch_key author;
    struct notch_time ts;
    struct notch_salt salt;
    struct notch_hash ref;
    uint32_t entry_count;
    struct notch_hash entries_root;
    struct notch_sig sig;
    struct notch_bytes header; /* what sighash covers */
    struct notch_bytes entries;
    struct notch_bytes encoded; /* all of it */
    struct notch_hash sighash;  /* set by notch_record_hash() and notch_record_check() */
    struct notch_hash id;       /* likewise */
};

/* One entry as it stands in a record. */
struct notch_entry_view {
    uint64_t type;
    struct notch_bytes payload;
    struct notch_bytes encoded; /* the data of its leaf */
};

/* Takes the encoding apart; looks at no entry's payload, hashes nothing. */
NOTCH_MUST_USE struct notch_reject notch_record_decode(struct notch_record *out, struct notch_bytes bytes);

/* Fills in sighash and id. */
void notch_record_hash(struct notch_record *record, const struct notch_domain *domain);

/* All that can be said without the chain, in the order cheap to dear; the signature last. */
NOTCH_MUST_USE struct notch_reject notch_record_check(struct notch_record *out, struct notch_bytes bytes,
                                                      const struct notch_rules *rules);

/* The same without the signature of the record (those inside entries are still verified): for records that were checked
 * before. */
NOTCH_MUST_USE struct notch_reject notch_record_check_unsigned(struct notch_record *out, struct notch_bytes bytes,
                                                               const struct notch_rules *rules);

/* Walks the entries: a reader over record->entries; false at the end. */
bool notch_record_next_entry(struct notch_reader *reader, struct notch_entry_view *out);

/* NOTCH_ERR_RANGE if there is no such entry. */
NOTCH_MUST_USE enum notch_err notch_record_entry(const struct notch_record *record, struct notch_entry_view *out,
                                                 uint32_t index);

/* The proof of entry `index` under entries_root. proof holds NOTCH_MERKLE_PROOF_MAX hashes. */
NOTCH_MUST_USE enum notch_err notch_record_prove_entry(const struct notch_record *record, struct notch_hash *proof,
                                                       size_t *proof_len, uint32_t index);

/* sighash and id from the header and signature alone: what a proof has. */
void notch_record_ids(struct notch_hash *sighash, struct notch_hash *id, const struct notch_domain *domain,
                      struct notch_bytes header, const struct notch_sig *sig);

/* Takes a header (without signature) apart. *out has no entries, signature or encoded bytes. */
NOTCH_MUST_USE struct notch_reject notch_record_header_decode(struct notch_record *out, struct notch_bytes header);

/* The reader's half of a header, for those who embed one. */
void notch_record_header_read(struct notch_reader *reader, struct notch_record *out);

/* ---- building ---- */

/* Appends one entry (type, length, payload) to a list of entries; notch_entry_append() of chain/entry.h encodes as
 * well. */
void notch_entry_append_raw(struct notch_buf *entries, uint64_t type, struct notch_bytes payload);

/*
 * The root of `entries`, a list as notch_entry_append() makes it, and how many they are: what a salt is derived from.
 * INVALID if the bytes are no such list, RANGE if they are none or more than 256, EXISTS if one is there twice.
 */
NOTCH_MUST_USE enum notch_err notch_record_entries_root(struct notch_hash *out, uint32_t *count,
                                                        struct notch_bytes entries);

struct notch_record_draft {
    struct notch_key author;
    struct notch_time ts;
    struct notch_salt salt;
    struct notch_hash ref;
    struct notch_bytes entries; /* as notch_entry_append() makes them */
};

/*
 * The header of a draft and what there is to sign, for a key that lives elsewhere (offline signing). `header` is
 * appended to. Then notch_record_finish() puts header, signature and entries together.
 */
NOTCH_MUST_USE enum notch_err notch_record_prepare(struct notch_buf *header, struct notch_hash *sighash,
                                                   const struct notch_record_draft *draft,
                                                   const struct notch_domain *domain);
void notch_record_finish(struct notch_buf *out, struct notch_bytes header, const struct notch_sig *sig,
                         struct notch_bytes entries);

/*
 * Both at once, signed by `signer`, whose key is draft->author. Appends the record to *out. SPACE if it would be larger
 * than NOTCH_RECORD_BYTES_MAX, INVALID, RANGE or EXISTS as above, CRYPTO if the secret is no key. What the entries say
 * is not checked here: notch_record_check() does.
 */
NOTCH_MUST_USE enum notch_err notch_record_build(struct notch_buf *out, const struct notch_record_draft *draft,
                                                 const struct notch_signer *signer, const struct notch_domain *domain,
                                                 const struct notch_crypto *crypto);

#endif
