/*
 * chain/groups.h: what a proof needs of a batch, without the whole of it: the Merkle roots over groups of its records.
 *
 * The path of a record names the hashes of some eight subtrees. To make them from the batch is to hash up to 344 record
 * ids; with a root stored for every 16 records, it is to hash the ids of one group and to read that group alone.
 *
 *      root(20)                       RFC 9162 splits a list at powers of two, so the tree over the records is the tree
 *      /      \                       over the roots of their groups: the path in the group, then that over the roots
 *  group 0   group 1
 *  (0..15)   (16..19)
 *
 * Value of the key `g position:be64` (chain/keys.h), of batches with more than one group:
 *   start uvar (where the first record begins in the encoded batch) | per group: its bytes uvar, root 32
 *
 * Invariants   A function of the batch. Whoever reads by it checks the hashes: nothing here is trusted.
 * Ownership    Values; the buffers of a content are the caller's.
 * Thread       As the view of the lookup.
 * Errors       NOT_FOUND: the batch is not there; RANGE: no such record; IO, CORRUPT.
 */
#ifndef NOTCH_CHAIN_GROUPS_H
#define NOTCH_CHAIN_GROUPS_H

#include "chain/batch.h"
#include "chain/lookup.h"
#include "chain/proof.h"

#define NOTCH_GROUP_RECORDS 16
#define NOTCH_GROUPS_MAX ((NOTCH_BATCH_RECORDS_MAX + NOTCH_GROUP_RECORDS - 1) / NOTCH_GROUP_RECORDS)

/* Appends the value of a batch; `leaves` are those of its records (chain/batch.h: of their ids). */
void notch_groups_write(struct notch_buf *out, const struct notch_batch *batch, const struct notch_hash *leaves);

/* What a proof says of record `index` of the batch at a position of the bodies. */
NOTCH_MUST_USE enum notch_err notch_lookup_content(const struct notch_lookup *lookup, struct notch_proof_content *out,
                                                   uint64_t position, uint32_t index);

#endif
