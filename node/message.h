/*
 * node/message.h: what nodes say to each other beside batches, blocks, votes and evidence (which have their own
 * encodings in chain/): where they stand, what they want, what they hold, and what they have stored.
 *
 *   STATUS   slot u64, head 32, head_height uvar, head_slot uvar, final_slot uvar, final 32, final_height uvar,
 *            justified_slot uvar
 *   WANT     kind u8, slot uvar, count uvar (1..64), count * 32
 *   HAVE     count uvar (1..256), count * 32: batches that are not final
 *   STORED   batch 32, key 32, sig 64: the key's holder has the batch on disk until it is final
 *
 * A WANT of BLOCKS, HEADERS or BATCHES names them. CHAIN names a tip, then blocks of the asker's own chain, newest
 * first: it is answered with the blocks from the newest of those that is under the tip, upwards. CERTIFICATE names the
 * asker's final checkpoint. `slot` is that checkpoint's, and 0 in all other kinds.
 *
 * Invariants   encode(decode(x)) == x for every accepted x; what follows is refused.
 * Ownership    Decoding copies numbers and borrows lists of hashes.
 * Limits       NOTCH_WANT_MAX and NOTCH_HAVE_MAX hashes.
 * Errors       struct notch_reject: form only. The signature of a STORED is for its reader to check.
 * Thread       Values; pure functions.
 * Source       design/consensus.md 8 A1 (STORED), A3 (reconciliation), L3 (certificates on request), 11.1 (slots of
 *              peers).
 */
#ifndef NOTCH_NODE_MESSAGE_H
#define NOTCH_NODE_MESSAGE_H

#include "base/codec.h"
#include "base/error.h"
#include "base/hash.h"

/* What travels between nodes. */
enum notch_node_message {
    NOTCH_NODE_MESSAGE_BATCH,    /* chain/batch.h */
    NOTCH_NODE_MESSAGE_BLOCK,    /* header, or header and body: chain/block.h */
    NOTCH_NODE_MESSAGE_VOTES,    /* chain/vote.h; a certificate as well */
    NOTCH_NODE_MESSAGE_EVIDENCE, /* chain/evidence.h */
    NOTCH_NODE_MESSAGE_STATUS,   /* this and what follows: here */
    NOTCH_NODE_MESSAGE_WANT,
    NOTCH_NODE_MESSAGE_HAVE,
    NOTCH_NODE_MESSAGE_STORED
};

#define NOTCH_WANT_MAX 64
#define NOTCH_HAVE_MAX 256

struct notch_status_message {
    struct notch_slot slot; /* the sender's clock */
    struct notch_hash head;
    struct notch_height head_height;
    struct notch_slot head_slot;
    struct notch_slot final_slot; /* of the checkpoint */
    struct notch_hash final;
    struct notch_height final_height;
    struct notch_slot justified_slot;
};

enum notch_want_kind {
    NOTCH_WANT_BLOCKS,
    NOTCH_WANT_HEADERS,
    NOTCH_WANT_BATCHES,
    NOTCH_WANT_CHAIN,
    NOTCH_WANT_CERTIFICATE,
    NOTCH_WANT_KINDS
};

struct notch_want_message {
    enum notch_want_kind kind;
    struct notch_slot slot;
    uint32_t count;
    const uint8_t *hashes; /* count * 32 */
};

struct notch_have_message {
    uint32_t count;
    const uint8_t *hashes;
};

struct notch_stored_message {
    struct notch_hash batch;
    struct notch_key key;
    struct notch_sig sig;
};

void notch_status_message_encode(struct notch_writer *writer, const struct notch_status_message *message);
NOTCH_MUST_USE struct notch_reject notch_status_message_decode(struct notch_status_message *out,
                                                               struct notch_bytes bytes);
void notch_want_message_encode(struct notch_writer *writer, const struct notch_want_message *message);
NOTCH_MUST_USE struct notch_reject notch_want_message_decode(struct notch_want_message *out, struct notch_bytes bytes);
void notch_have_message_encode(struct notch_writer *writer, const struct notch_have_message *message);
NOTCH_MUST_USE struct notch_reject notch_have_message_decode(struct notch_have_message *out, struct notch_bytes bytes);
void notch_stored_message_encode(struct notch_writer *writer, const struct notch_stored_message *message);
NOTCH_MUST_USE struct notch_reject notch_stored_message_decode(struct notch_stored_message *out,
                                                               struct notch_bytes bytes);

/* Hash `index` of a list. */
struct notch_hash notch_message_hash(const uint8_t *hashes, uint32_t index);

/* What a STORED signs: tagged(STORED, batch || key). */
void notch_stored_hash(struct notch_hash *out, const struct notch_domain *domain, const struct notch_hash *batch,
                       const struct notch_key *key);

#endif
