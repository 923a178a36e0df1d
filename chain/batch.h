/*
 * chain/batch.h: a batch, the pack of records that an ingress validator (its maker) signs and gossips.
 *
 * Encoding (base/codec.h):
 *   header   maker 32 | seq u64 | ts_ms u64 | n uvar (1..NOTCH_BATCH_RECORDS_MAX) | records_root 32
 *   sig      64, BIP340 by the maker over the id
 *   records  n blobs
 *
 *   batch id     = tagged(BATCH, header)
 *   records_root = RFC 9162 root; the data of a leaf are the 32 bytes of a record id
 *
 * The header does not name its parent and needs no order: `seq` counts the maker's batches, `ts` is the maker's clock,
 * and both are advice (design consensus 8, T4). A batch is valid if it is well formed, its maker's signature verifies,
 * and every record in it passes notch_record_check(); whoever signs a batch with an invalid record inside can be shown
 * to have done so with the header, the record and its path (evidence E5).
 *
 * Invariants   encode(decode(x)) == x for every accepted x.
 *              No record stands twice in a batch, so that a proof of a record names one place.
 * Ownership    struct notch_batch is a view: it borrows the encoded bytes.
 * Limits       64 KiB of records (or the chain's cap, if smaller), NOTCH_BATCH_RECORDS_MAX records.
 * Thread       Pure functions and values: any thread.
 * Errors       struct notch_reject for bytes; enum notch_err where the builder's caller asks for what cannot be.
 */
#ifndef NOTCH_CHAIN_BATCH_H
#define NOTCH_CHAIN_BATCH_H

#include "chain/record.h"

#define NOTCH_BATCH_RECORDS_BYTES_MAX (64u << 10)
/* No record is shorter than 188 bytes, with its length 190: 344 fit into 64 KiB. */
#define NOTCH_BATCH_RECORDS_MAX 344
#define NOTCH_BATCH_HEADER_MAX (32 + 8 + 8 + 2 + 32)
#define NOTCH_BATCH_BYTES_MAX (NOTCH_BATCH_HEADER_MAX + 64 + NOTCH_BATCH_RECORDS_BYTES_MAX)

struct notch_batch {
    struct notch_key maker;
    uint64_t seq;
    struct notch_time ts;
    uint32_t record_count;
    struct notch_hash records_root;
    struct notch_sig sig;
    struct notch_bytes header;  /* what the id covers */
    struct notch_bytes records; /* record_count blobs */
    struct notch_bytes encoded;
    struct notch_hash id; /* set by notch_batch_hash() and the checks */
};

/* Takes the encoding apart; looks at no record, hashes nothing. */
NOTCH_MUST_USE struct notch_reject notch_batch_decode(struct notch_batch *out, struct notch_bytes bytes);
void notch_batch_hash(struct notch_batch *batch, const struct notch_domain *domain);
void notch_batch_id(struct notch_hash *out, const struct notch_domain *domain, struct notch_bytes header);

/* Takes a header apart: what a proof or a piece of evidence has. *out has no records, signature or encoded bytes. */
NOTCH_MUST_USE struct notch_reject notch_batch_header_decode(struct notch_batch *out, struct notch_bytes header);
void notch_batch_header_read(struct notch_reader *reader, struct notch_batch *out);

/* Size, encoding and the maker's signature: enough to relay. Whether the maker is a validator is for the caller to
 * know. */
NOTCH_MUST_USE struct notch_reject notch_batch_check_header(struct notch_batch *out, struct notch_bytes bytes,
                                                            const struct notch_rules *rules);

/*
 * All of it: header, every record, the root. `records` is filled with what was decoded, in order, and holds
 * NOTCH_BATCH_RECORDS_MAX (NULL: not wanted). On a reject of a record *bad is its index, else UINT32_MAX; NULL: not
 * wanted.
 */
NOTCH_MUST_USE struct notch_reject notch_batch_check(struct notch_batch *out, struct notch_record *records,
                                                     uint32_t *bad, struct notch_bytes bytes,
                                                     const struct notch_rules *rules);

/* Walks the records: a reader over batch->records; false at the end. */
bool notch_batch_next_record(struct notch_reader *reader, struct notch_bytes *out);

/* NOTCH_ERR_RANGE if there is no such record. */
NOTCH_MUST_USE enum notch_err notch_batch_record(const struct notch_batch *batch, struct notch_bytes *out,
                                                 uint32_t index);

/* The proof of record `index` under records_root; INVALID if a record in it cannot be decoded. */
NOTCH_MUST_USE enum notch_err notch_batch_prove_record(const struct notch_batch *batch, struct notch_hash *proof,
                                                       size_t *proof_len, uint32_t index,
                                                       const struct notch_domain *domain);

/* ---- building ---- */

/* A batch that is being filled. Borrows nothing; give it back with fini. */
struct notch_batch_builder {
    struct notch_buf records;
    struct notch_hash leaves[NOTCH_BATCH_RECORDS_MAX];
    uint32_t record_count;
    uint32_t records_bytes_max;
};

/* records_bytes_max: the chain's cap, at most NOTCH_BATCH_RECORDS_BYTES_MAX. */
void notch_batch_builder_init(struct notch_batch_builder *builder, const struct notch_alloc *alloc,
                              uint32_t records_bytes_max);
void notch_batch_builder_fini(struct notch_batch_builder *builder);

/* Forgets the contents, keeps the memory. */
void notch_batch_builder_clear(struct notch_batch_builder *builder);

/* Adds a checked record. SPACE if it does not fit any more, EXISTS if it is in already; both change nothing. */
NOTCH_MUST_USE enum notch_err notch_batch_builder_add(struct notch_batch_builder *builder, struct notch_bytes record,
                                                      const struct notch_hash *record_id);

/* The header of a batch, and the id that its maker signs. */
struct notch_batch_head {
    uint8_t bytes[NOTCH_BATCH_HEADER_MAX];
    size_t len;
    struct notch_hash id;
};

/* `leaves`: of the records' ids, at least one. */
void notch_batch_head_make(struct notch_batch_head *out, const struct notch_hash *leaves, uint32_t count, uint64_t seq,
                           struct notch_time ts, const struct notch_key *maker, const struct notch_domain *domain);

/* Appends the batch whose head was made of exactly the records in the builder, and signed. */
void notch_batch_builder_finish(const struct notch_batch_builder *builder, struct notch_buf *out,
                                const struct notch_batch_head *head, const struct notch_sig *sig);

/*
 * Both, and the signature between them: appends the signed batch to *out and gives its id. RANGE if it is empty, CRYPTO
 * if the secret is no key.
 */
NOTCH_MUST_USE enum notch_err notch_batch_builder_sign(const struct notch_batch_builder *builder, struct notch_buf *out,
                                                       struct notch_hash *id, uint64_t seq, struct notch_time ts,
                                                       const struct notch_signer *maker,
                                                       const struct notch_rules *rules);

#endif
