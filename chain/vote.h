/*
 * chain/vote.h: votes, alone and in bundles: how they are written, signed and checked for form.
 *
 * A vote says three things at once: which head its validator sees (LMD), which checkpoint it asks to justify (`target`
 * at the vote's own slot), and which justified checkpoint it builds upon (`source`). The 124 bytes that all equal
 * votes of a slot share are written once, followed by one index and signature per validator:
 *
 *   common 124   set_id u32, set_root8 8, slot u64, src_slot u64, src 32, target 32, head 32
 *   bundle       common, count uvar (1..1024), count * (validator u16, [key 32 where validator is 0xffff], sig 64)
 *   votes        count uvar, bundles: a vote section, a certificate, a message between peers
 *
 * Who is no member of the set (yet) casts a shadow vote under its key: it has no weight, but shows that it is alive.
 *
 * Invariants   Bundles stand in strictly ascending order of (slot, set_id, target, rest of the common bytes);
 *              signatures in strictly ascending order of (validator, key). So one set of votes has one encoding.
 *              The signature is over tagged(VOTE, common): all signers of a bundle sign the same hash.
 * Ownership    Decoding copies nothing: an iterator walks the caller's bytes.
 * Limits       NOTCH_VOTES_BUNDLE_MAX per bundle, and a maximum of votes that the caller gives.
 * Errors       struct notch_reject: form only. Whether a vote counts is decided in consensus/.
 * Thread       Values; pure functions.
 * Source       design/consensus.md 1.3, 1.6, 8 S5 and Q, 11.2 (shadow votes).
 */
#ifndef NOTCH_CHAIN_VOTE_H
#define NOTCH_CHAIN_VOTE_H

#include "base/codec.h"
#include "base/crypto.h"
#include "base/error.h"
#include "base/hash.h"

#define NOTCH_VOTE_COMMON_LEN 124
#define NOTCH_VOTE_SHADOW 0xffff
#define NOTCH_VOTES_BUNDLE_MAX 1024

/* A block at a slot: what votes justify and finalise. The slot is that of the votes, not of the block. */
struct notch_checkpoint {
    struct notch_slot slot;
    struct notch_hash hash;
};

/* What all equal votes have in common. */
struct notch_vote_data {
    uint32_t set_id;
    uint8_t set_root8[8]; /* the first bytes of the set's root */
    struct notch_slot slot;
    struct notch_checkpoint source;
    struct notch_hash target;
    struct notch_hash head;
};

struct notch_vote {
    struct notch_vote_data data;
    uint16_t validator;   /* index in the set, or NOTCH_VOTE_SHADOW */
    struct notch_key key; /* encoded for a shadow vote alone; otherwise the caller fills it from the set, or zeros */
    struct notch_sig sig;
};

void notch_vote_data_encode(struct notch_writer *writer, const struct notch_vote_data *data);
void notch_vote_data_decode(struct notch_vote_data *out, struct notch_reader *reader);

/* An order over all vote data: (slot, set_id, target, the rest); 0 only for equal ones. */
int notch_vote_data_cmp(const struct notch_vote_data *a, const struct notch_vote_data *b);

/* An order over votes: data, then validator, then key (for shadow votes). */
int notch_vote_cmp(const struct notch_vote *a, const struct notch_vote *b);

/* What is signed: tagged(VOTE, common). */
void notch_vote_hash(struct notch_hash *out, const struct notch_domain *domain, const struct notch_vote_data *data);

/* Signs `data` into *out. False where the secret is no key. */
NOTCH_MUST_USE bool notch_vote_sign(struct notch_vote *out, const struct notch_domain *domain,
                                    const struct notch_crypto *crypto, const struct notch_signer *signer,
                                    const struct notch_vote_data *data, uint16_t validator);

/* Writes votes that stand in the order of notch_vote_cmp() without repetition, as `votes`. */
void notch_votes_encode(struct notch_writer *writer, const struct notch_vote *votes, size_t count);

/* Checks the form of an encoded `votes` of at most votes_max, and counts them. Everything must be read. */
NOTCH_MUST_USE struct notch_reject notch_votes_check(size_t *count, struct notch_bytes encoded, size_t votes_max);

/* Walks encoded votes that passed the check; false at the end. Start from notch_votes_iter(). */
struct notch_votes_iter {
    struct notch_reader reader;
    struct notch_vote_data data;
    uint64_t bundles_left;
    uint64_t sigs_left;
};

struct notch_votes_iter notch_votes_iter(struct notch_bytes encoded);
bool notch_votes_next(struct notch_votes_iter *iter, struct notch_vote *vote);

/* tagged(VOTES, encoded): what a header commits to. */
void notch_votes_root(struct notch_hash *out, const struct notch_domain *domain, struct notch_bytes encoded);

#endif
