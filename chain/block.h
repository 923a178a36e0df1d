/*
 * chain/block.h: the header and the body of a block.
 *
 * A block carries ids of batches, votes and evidence; the batches travel by themselves. Its hash is the tagged hash of
 * the header without the signature, and the signature is over that hash: nobody can make a second hash of one block.
 *
 *   header       fixed width, NOTCH_HEADER_LEN bytes, in the order of the struct
 *   body         n_batches uvar, ids 32 each; votes blob (chain/vote.h); n_evidence uvar, blobs (chain/evidence.h);
 *                n_headers uvar, headers: those of off-chain heads that the votes name (at most 64, 8 L8)
 *   batches_root RFC 9162 over the batch ids (leaf data = the 32 bytes)
 *   votes_root   tagged(VOTES, the votes blob)
 *   evidence_root tagged(EVIDENCE, everything behind the votes blob)
 *   history_root RFC 9162 over the hashes of all ancestors, genesis first (leaf i = block at height i), itself
 *   excluded parent_*     what executing the parent gave: execution is one block behind, off the path of voting
 *
 * The block at height 0 exists by definition: its hash is the genesis hash, its slot is slot0, it has no header.
 *
 * Ownership    A body view borrows the bytes that it was decoded from. Headers are values.
 * Limits       struct notch_caps (chain/genesis.h).
 * Errors       struct notch_reject: form and roots alone. What needs a parent is decided in consensus/.
 * Thread       Values; pure functions.
 * Source       design/consensus.md 1.3, 1.8, 8 L6, L8, Q, 10.
 */
#ifndef NOTCH_CHAIN_BLOCK_H
#define NOTCH_CHAIN_BLOCK_H

#include "base/crypto.h"
#include "chain/genesis.h"
#include "chain/vote.h"

#define NOTCH_HEADER_SIGNAL 1u  /* the last block before the next set: it names it in next_set_root */
#define NOTCH_HEADER_PENDING 2u /* a descendant of the signal block, still led by the old set */

/* Headers in a body, and bytes of one piece of evidence in it. */
#define NOTCH_HEADER_HEADERS_MAX 64
#define NOTCH_EVIDENCE_MAX 8192

struct notch_header {
    uint16_t rules;
    uint8_t flags;
    struct notch_slot slot;
    struct notch_height height;
    struct notch_time time;
    struct notch_hash parent;
    uint32_t set_id;
    struct notch_hash set_root;
    struct notch_hash next_set_root; /* zero unless SIGNAL */
    uint16_t proposer;               /* index in the set */
    struct notch_vrf_proof vrf;
    struct notch_hash batches_root;
    uint32_t n_batches;
    uint32_t n_records; /* in all batches together */
    struct notch_hash votes_root;
    struct notch_hash evidence_root;
    struct notch_hash parent_state_root;
    struct notch_hash parent_receipts_root;
    struct notch_hash history_root;
    struct notch_checkpoint justified; /* by the votes on the chain up to the parent */
    struct notch_checkpoint finalized;
    struct notch_sig sig;
};

#define NOTCH_HEADER_UNSIGNED_LEN (2 + 1 + 8 + 8 + 8 + 32 + 4 + 32 + 32 + 2 + 81 + 32 + 4 + 4 + 32 * 5 + 2 * (8 + 32))
#define NOTCH_HEADER_LEN (NOTCH_HEADER_UNSIGNED_LEN + 64)

void notch_header_encode(struct notch_writer *writer, const struct notch_header *header);

/* Reads one header; the reject is about form: unknown flags, a next_set_root without SIGNAL. */
NOTCH_MUST_USE struct notch_reject notch_header_decode(struct notch_header *out, struct notch_reader *reader);

/* The block's hash, which is also what its signature is over. */
void notch_header_hash(struct notch_hash *out, const struct notch_domain *domain, const struct notch_header *header);

/* Fills header->sig. False where the secret is no key. */
NOTCH_MUST_USE bool notch_header_sign(struct notch_header *header, const struct notch_domain *domain,
                                      const struct notch_crypto *crypto, const struct notch_signer *signer);

/* What a body says, in place. */
struct notch_body {
    const uint8_t *batches; /* n_batches ids of 32 bytes */
    uint32_t n_batches;
    uint32_t n_votes;
    uint32_t n_evidence;
    uint32_t n_headers;
    struct notch_bytes votes;    /* encoded votes */
    struct notch_bytes evidence; /* n_evidence blobs */
    struct notch_bytes headers;  /* n_headers encoded headers */
    struct notch_bytes tail;     /* everything behind the votes blob: what evidence_root is over */
};

/* The parts of a body that is being made. Any may be empty; votes must then still be an encoded empty list. */
struct notch_body_parts {
    const struct notch_hash *batches;
    uint32_t n_batches;
    struct notch_bytes votes;
    const struct notch_bytes *evidence;
    uint32_t n_evidence;
    const struct notch_header *headers;
    uint32_t n_headers;
};

void notch_body_encode(struct notch_writer *writer, const struct notch_body_parts *parts);

/* Checks form and caps, repeated batch ids included, and fills the view. */
NOTCH_MUST_USE struct notch_reject notch_body_decode(struct notch_body *out, struct notch_bytes encoded,
                                                     const struct notch_caps *caps);

/* Batch id `index` of a body. */
struct notch_hash notch_body_batch(const struct notch_body *body, uint32_t index);

/* Evidence `index` of a body, and header `index`. */
struct notch_bytes notch_body_evidence(const struct notch_body *body, uint32_t index);
struct notch_header notch_body_header(const struct notch_body *body, uint32_t index);

/* The three roots of a body, for its header. */
void notch_body_roots(const struct notch_body *body, const struct notch_domain *domain, struct notch_hash *batches_root,
                      struct notch_hash *votes_root, struct notch_hash *evidence_root);

/* Whether the body is the one that the header commits to. */
NOTCH_MUST_USE struct notch_reject notch_body_match(const struct notch_body *body, const struct notch_domain *domain,
                                                    const struct notch_header *header);

/*
 * A block as it stands in the bodies log and travels between nodes: header, then body. notch_block_split() finds where
 * one ends and the other begins.
 */
NOTCH_MUST_USE struct notch_reject notch_block_split(struct notch_header *header, struct notch_bytes *body,
                                                     struct notch_bytes block);

#endif
