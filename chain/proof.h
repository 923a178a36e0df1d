/*
 * chain/proof.h: one object that shows, to somebody who trusts one hash and has no node, that an entry is final on a
 * chain.
 *
 *   entry -> record -> batch -> block -> history of a later final block -> that block's certificate -> the sets in
 *   between -> the caller's checkpoint
 *
 * chain/PROOFS.md has the bytes, for a stranger to write a verifier from. A checkpoint is a hash that the caller got
 * from somebody it trusts: the genesis hash, or the hash of any block that is final. From there on the proof carries
 * all it needs, so the verifier asks for nothing else: no genesis file, no caps, no node.
 *
 * Where the entry's block is the checkpoint or an ancestor of it, its history path is all there is to show. Where it is
 * younger, a certificate makes a younger block final, and each change of the validator set in between has one too: of
 * its members or their weights, that is, for a set that follows itself has the same root (chain/set.h).
 *
 * A certificate here is the second of the two that finalise a block (design consensus 1.7): votes of more than two
 * thirds of the set, of the slot behind that of the checkpoint (block, slot), which name it as their source. An honest
 * validator names a source only if it saw the first certificate, so that the second is sound wherever less than a third
 * is dishonest, as everything here is; the first would double the size and add only the means to accuse, which the
 * archive of both serves (8, S9). By the lemma of 8 S4 the targets of these votes do not matter.
 *
 * Invariants   One proof has one encoding, and every byte is bound by a hash or by a signature that is verified: any
 *              byte changed, in the proof, the entry or the checkpoint, and the answer is no.
 * Ownership    The result's views point into the proof's bytes. A source borrows nothing for longer than a call.
 * Limits       NOTCH_PROOF_BYTES_MAX; NOTCH_PROOF_HOPS_MAX changes of the set. Verification takes memory for one set.
 * Thread       Pure functions.
 * Errors       struct notch_reject of what is wrong with the proof; enum notch_err of the source while building.
 */
#ifndef NOTCH_CHAIN_PROOF_H
#define NOTCH_CHAIN_PROOF_H

#include "base/alloc.h"
#include "chain/batch.h"
#include "chain/block.h"
#include "chain/set.h"

#define NOTCH_PROOF_VERSION 1
#define NOTCH_PROOF_BYTES_MAX (16u << 20)
#define NOTCH_PROOF_HOPS_MAX 65536

/* What a valid proof has shown. */
struct notch_proof_result {
    struct notch_hash genesis; /* of the chain */
    struct notch_hash record_id;
    struct notch_key author;
    struct notch_time record_ts;
    uint32_t entry_index;
    struct notch_entry_view entry;
    struct notch_hash batch_id;
    struct notch_height height; /* of the block that includes it */
    struct notch_hash block;
    struct notch_slot slot;
    struct notch_time time;
    struct notch_height final_height; /* of the final block that it was shown under */
    struct notch_hash final_block;
    bool by_checkpoint; /* that block is the checkpoint: no votes were needed */
    uint32_t hops;      /* changes of the set since the checkpoint */
    uint32_t set_id;    /* of the set that signed the last certificate; 0 if none */
    uint64_t weight;    /* that signed, of */
    uint64_t weight_total;
};

/* Whether the proof shows something to somebody who trusts `checkpoint`; *out says what. `alloc` is used meanwhile. */
NOTCH_MUST_USE struct notch_reject notch_proof_verify(struct notch_proof_result *out, struct notch_bytes proof,
                                                      const struct notch_hash *checkpoint,
                                                      const struct notch_crypto *crypto,
                                                      const struct notch_alloc *alloc);

/* ---- building ---- */

/* A block that was made final, the set that did it, and how. The three are appended to. */
struct notch_proof_final {
    struct notch_header header;
    struct notch_buf set;   /* notch_set_encode() */
    struct notch_buf votes; /* notch_votes_encode(): of one slot, naming (header, the slot before) as source */
};

/* A record, the header of its batch (what the batch's id covers), and the path from the one to the other's root. */
struct notch_proof_content {
    struct notch_buf header;
    struct notch_buf record;
    struct notch_hash path[NOTCH_MERKLE_PROOF_MAX];
    size_t path_len;
};
void notch_proof_content_init(struct notch_proof_content *content, const struct notch_alloc *alloc);
void notch_proof_content_fini(struct notch_proof_content *content);

/* From an encoded batch. RANGE: it has no such record; CORRUPT. */
NOTCH_MUST_USE enum notch_err notch_proof_content_of(struct notch_proof_content *out, struct notch_bytes batch,
                                                     uint32_t record_index, const struct notch_domain *domain);

/* Where the parts of a proof come from: the final chain as the node's store has it. NOT_FOUND, IO, CORRUPT. */
struct notch_proof_source {
    enum notch_err (*genesis)(const void *self, struct notch_buf *out);
    enum notch_err (*header)(const void *self, struct notch_header *out, struct notch_height height);
    /* The ids of the batches of a block, 32 bytes each. */
    enum notch_err (*batch_ids)(const void *self, struct notch_buf *out, struct notch_height height);
    /* Of the batch with this id. RANGE: it has no such record. The builder checks every hash. */
    enum notch_err (*content)(const void *self, struct notch_proof_content *out, const struct notch_hash *batch,
                              uint32_t record_index);
    /* Of the sets from this id on, the first that another one followed (of another root): its signal block, with the
     * certificate of that set. NOT_FOUND: there is none. */
    enum notch_err (*change)(const void *self, struct notch_proof_final *out, uint32_t set_id);
    /* A recent final block with its certificate. */
    enum notch_err (*final)(const void *self, struct notch_proof_final *out);
    struct notch_merkle_nodes history; /* leaves: RFC 9162 leaf hashes of the hashes of blocks, genesis first */
    const void *self;
};

/* Which entry, and from where on. */
struct notch_proof_request {
    struct notch_height checkpoint; /* height of the checkpoint's block; 0: the genesis hash */
    struct notch_height height;     /* of the block that includes the batch */
    uint32_t batch_index;           /* in the block */
    uint32_t record_index;          /* in the batch */
    uint32_t entry_index;           /* in the record */
};

/*
 * Appends the proof. RANGE where an index is; NOT_FOUND where the block is younger than the newest final one, or the
 * source lacks a part; CORRUPT where parts do not fit; SPACE beyond the limits.
 */
NOTCH_MUST_USE enum notch_err notch_proof_build(struct notch_buf *out, const struct notch_proof_request *request,
                                                const struct notch_proof_source *source,
                                                const struct notch_domain *domain, const struct notch_alloc *alloc);

/*
 * Appends the half of a certificate that a proof carries. `both` are the encoded votes that justified the block and
 * those of the next slot that name it as their source (8 S9): the latter are wanted, one of each member. A vote that
 * justified it may have named it as its source too, at the slot before; a member that voted twice is there twice.
 * CORRUPT where these are no votes, NOT_FOUND where none names the block.
 */
NOTCH_MUST_USE enum notch_err notch_proof_pick_votes(struct notch_buf *out, struct notch_bytes both,
                                                     const struct notch_hash *block, const struct notch_alloc *alloc);

#endif
