/*
 * chain/lookup.h: questions to the chain: where is a record, what became of it, what is the state, with proof.
 *
 * A look-up is a pair of a view and, on the thread that owns the ledger, a layer to begin at. Other threads ask with a
 * view of their own and no layer: they see what is final.
 *
 * Invariants   An answer is what the chain says at that block, no matter what was flushed.
 *              Found by the first 16 bytes of a hash: whoever reads the record or block compares the whole.
 * Ownership    Borrows view, layer and domain. Results are values or are appended to the caller's buffer.
 * Thread       As its view.
 * Errors       NOT_FOUND; IO and CORRUPT from the view; CORRUPT also where a value is not what was written.
 */
#ifndef NOTCH_CHAIN_LOOKUP_H
#define NOTCH_CHAIN_LOOKUP_H

#include "chain/keys.h"
#include "chain/layer.h"
#include "chain/merkle.h"
#include "chain/receipt.h"

struct notch_lookup {
    const struct notch_store_view *view;
    const struct notch_layer *layer; /* NULL: what is in the view */
    const struct notch_domain *domain;
    const struct notch_alloc *alloc;
};

/* Where a batch of a block is. */
struct notch_batch_place {
    uint64_t position; /* in the bodies log */
    uint32_t records;
};

/* The row of a block. `batches` is decoded on demand: notch_block_row_batch(). */
struct notch_block_row {
    struct notch_hash hash;
    struct notch_height height;
    struct notch_slot slot;
    struct notch_time time;
    struct notch_hash state_root; /* behind this block */
    struct notch_hash receipts_root;
    uint64_t position; /* of header and body in the bodies log; NOTCH_NO_POSITION for height 0 */
    uint32_t records;
    uint32_t batch_count;
    struct notch_bytes batches; /* into the caller's buffer */
};
#define NOTCH_NO_POSITION UINT64_MAX

/*
 * Where a record is: in which block, the how manieth of it, and from that the body of the batch and the place in it.
 * Where it was looked up by its id: the span of its bytes in that body, and whether its receipt says no more than that
 * every entry applied. Else span.len is 0.
 */
struct notch_record_place {
    struct notch_height height;
    uint32_t ordinal;
    uint64_t position;
    uint32_t index;
    struct notch_store_span span;
    bool all_applied;
};

NOTCH_MUST_USE enum notch_err notch_lookup_get(const struct notch_lookup *lookup, struct notch_buf *out,
                                               struct notch_bytes key);

/* `scratch` holds what row.batches points to. */
NOTCH_MUST_USE enum notch_err notch_lookup_block(const struct notch_lookup *lookup, struct notch_block_row *row,
                                                 struct notch_buf *scratch, struct notch_height height);
NOTCH_MUST_USE enum notch_err notch_lookup_height(const struct notch_lookup *lookup, struct notch_height *height,
                                                  const struct notch_hash *block);

/* The last block whose time is at or before `time`; height 0 where there is none. */
NOTCH_MUST_USE enum notch_err notch_lookup_time(const struct notch_lookup *lookup, struct notch_height *height,
                                                struct notch_time time, struct notch_height top);

/* Walks the batches of a row: a reader over row.batches; false at the end. */
bool notch_block_row_batch(struct notch_reader *reader, struct notch_batch_place *place);

/* The batch and index of an ordinal. CORRUPT if it is not in the row. */
NOTCH_MUST_USE enum notch_err notch_block_row_place(const struct notch_block_row *row, struct notch_record_place *place,
                                                    uint32_t ordinal);

/* By id: the accepted occurrence of the record, else its first. By author and salt: the record that used the salt. */
NOTCH_MUST_USE enum notch_err notch_lookup_record(const struct notch_lookup *lookup, struct notch_record_place *place,
                                                  const struct notch_hash *id);

/* By id, with the row of its block; `scratch` as above. */
NOTCH_MUST_USE enum notch_err notch_lookup_record_row(const struct notch_lookup *lookup,
                                                      struct notch_record_place *place, struct notch_block_row *row,
                                                      struct notch_buf *scratch, const struct notch_hash *id);
NOTCH_MUST_USE enum notch_err notch_lookup_salt(const struct notch_lookup *lookup, struct notch_record_place *place,
                                                const struct notch_key *author, const struct notch_salt *salt);

/* Whether a batch is on the chain, at which height, and the how manieth of its block. */
NOTCH_MUST_USE enum notch_err notch_lookup_batch(const struct notch_lookup *lookup, struct notch_height *height,
                                                 uint32_t *index, const struct notch_hash *id);

/* What became of the record at (height, ordinal). */
NOTCH_MUST_USE enum notch_err notch_lookup_receipt(const struct notch_lookup *lookup, struct notch_receipt *receipt,
                                                   struct notch_height height, uint32_t ordinal);

/*
 * The proof of a receipt under the receipts_root of its block: hashes from the leaf upwards. record_ids are those of
 * all records of the block, in order (its batches give them). Appends the receipt's bytes to *receipt.
 */
NOTCH_MUST_USE enum notch_err notch_lookup_prove_receipt(const struct notch_lookup *lookup, struct notch_hash *proof,
                                                         size_t *proof_len, struct notch_buf *receipt,
                                                         struct notch_height height, uint32_t ordinal,
                                                         const struct notch_merkle_leaves *record_ids);

/* A value of the state by its state key; and the proof (chain/smt.h) that it is there, or that there is none. */
NOTCH_MUST_USE enum notch_err notch_lookup_state(const struct notch_lookup *lookup, struct notch_buf *value,
                                                 struct notch_bytes state_key);
NOTCH_MUST_USE enum notch_err notch_lookup_prove_state(const struct notch_lookup *lookup, struct notch_buf *proof,
                                                       struct notch_buf *value, bool *present,
                                                       struct notch_bytes state_key);

/* The state keys from `from` to `to` in order, as visit(state key, value): capacities of a resource and the like. */
NOTCH_MUST_USE enum notch_err notch_lookup_scan_state(const struct notch_lookup *lookup, struct notch_bytes from,
                                                      struct notch_bytes to, notch_store_visit visit, void *arg);

/*
 * The history tree: the hashes of the blocks 0 .. size-1. `nodes` answers for chain/merkle.h's proofs; it borrows the
 * lookup.
 */
struct notch_merkle_nodes notch_lookup_history(const struct notch_lookup *lookup);
NOTCH_MUST_USE enum notch_err notch_lookup_prove_history(const struct notch_lookup *lookup, struct notch_hash *proof,
                                                         size_t *proof_len, struct notch_height height, uint64_t size);

#endif
