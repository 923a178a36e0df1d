/*
 * chain/genesis.h: what makes one chain different from every other, as one canonical file.
 *
 * The hash of the file, notch_hash_tagged("notch/genesis", bytes), is in the tag of everything that is hashed or signed
 * on the chain (base/hash.h), and is the hash of the block at height 0, which has no other bytes.
 *
 * Encoding (codec of base/codec.h, in this order, nothing left out):
 *   magic "notch1"; version u8 (1); name blob; network u8; mode u8; rules uvar; slot0 uvar; time0_ms uvar; delta_ms
 *   uvar; target u8; eta, epoch, quiet, settle, expiry (slots) uvar each; caps: body_bytes, batches, votes, evidence,
 *   batch_bytes, record_bytes uvar each; author_bytes uvar; newcomer_bytes uvar; aggregate_min uvar; seed 32 bytes;
 *   members: uvar count, then key 32, operator 32, reputation uvar, services uvar each;
 *   governance: uvar count, keys 32 each; quorum uvar.
 *
 * Invariants   decode() gives only what check() accepts: every field in its bounds, members and governance keys
 *              strictly ascending by key (so that one set has one encoding, and the index of a member is its rank).
 * Ownership    A genesis owns its members through the allocator it was made with; init / fini. Everything else is
 * inside. Limits       The NOTCH_GENESIS_* bounds below. A file is at most 128 KiB.
 * Units        slots, milliseconds, bytes; reputation in micro-units (16,000,000 is the ordinary start).
 * Thread       A value.
 * Errors       enum notch_err only for limits of the caller; a bad file is a reject that names the field.
 */
#ifndef NOTCH_CHAIN_GENESIS_H
#define NOTCH_CHAIN_GENESIS_H

#include "base/bytes.h"
#include "base/codec.h"
#include "base/keytext.h"
#include "chain/mode.h"

#define NOTCH_GENESIS_BYTES_MAX (128u << 10)
#define NOTCH_GENESIS_NAME_MAX 32 /* [a-z0-9] first and last, '-' between */
#define NOTCH_GENESIS_MEMBERS_MAX 1000
#define NOTCH_GENESIS_GOVERNANCE_MAX 32
#define NOTCH_GENESIS_REPUTATION 16000000u
#define NOTCH_REPUTATION_MAX 32000000u
/* The end of time on a chain: the last millisecond of the year 9999. */
#define NOTCH_TIME_MAX UINT64_C(253402300799999)
#define NOTCH_RULES_VERSION 1 /* what this code knows; a greater one in a genesis is refused: VERSION */

/* What a vote targets (design consensus 1.6): the confirmed block (finality in 3 slots), or the head (2). */
enum notch_target { NOTCH_TARGET_CONFIRMED = 0, NOTCH_TARGET_HEAD = 1 };

/* Service bits of a validator. */
#define NOTCH_SERVICE_AI 1u
#define NOTCH_SERVICE_ARCHIVE 2u
#define NOTCH_SERVICE_RELAY 4u
#define NOTCH_SERVICE_ALL 7u

/* Of one block, one batch, one record. GOVERNANCE may change them at a set boundary. */
struct notch_caps {
    uint32_t body_bytes;   /* encoded body of a block: batch ids, votes, evidence */
    uint32_t batches;      /* batch ids in a block */
    uint32_t votes;        /* votes in a block */
    uint32_t evidence;     /* pieces of evidence in a block */
    uint32_t batch_bytes;  /* the records of a batch with their lengths */
    uint32_t record_bytes; /* one encoded record */
};

struct notch_genesis_member {
    struct notch_key key; /* validator: votes, blocks, batches */
    struct notch_key operator_key;
    uint64_t reputation; /* micro-units, 1000..NOTCH_REPUTATION_MAX (below 1000 a member has no weight) */
    uint32_t services;
};

struct notch_genesis {
    char name[NOTCH_GENESIS_NAME_MAX + 1]; /* terminated */
    enum notch_network network;
    enum notch_mode mode;
    uint32_t rules;          /* version of the rules the chain starts with */
    struct notch_slot slot0; /* the slot that begins at time0 */
    struct notch_time time0;
    uint32_t delta_ms; /* a slot is 4 * delta_ms */
    enum notch_target target;
    uint32_t eta_slots;    /* expiry of votes in the fork choice */
    uint32_t epoch_slots;  /* between set changes */
    uint32_t quiet_slots;  /* heartbeat of a chain with nothing on it */
    uint32_t settle_slots; /* after which a claim on a conflict key is settled */
    uint32_t expiry_slots; /* a record is too late after slot(ref) + expiry */
    struct notch_caps caps;
    uint64_t author_bytes;   /* quota of an author of ordinary reputation, in bytes of records in a set */
    uint64_t newcomer_bytes; /* what all authors without reputation share, in bytes in a set */
    uint32_t aggregate_min;  /* k of "aggregated over at least k samples" (chain/mode.h) */
    struct notch_hash seed;  /* randomness of set 0: any value that nobody could choose to his advantage */
    struct notch_genesis_member *members;
    uint32_t member_count;
    struct notch_key governance[NOTCH_GENESIS_GOVERNANCE_MAX];
    uint32_t governance_count;
    uint32_t governance_quorum; /* 1..governance_count */
    const struct notch_alloc *alloc;
};

/* Zeroes, no members; not valid yet. */
void notch_genesis_init(struct notch_genesis *genesis, const struct notch_alloc *alloc);
void notch_genesis_fini(struct notch_genesis *genesis);

/*
 * The documented defaults of a mode: everything but name, time0, seed, members and governance keys. On the dev network:
 * delta 10 ms, epoch 32 slots.
 */
void notch_genesis_defaults(struct notch_genesis *genesis, enum notch_network network, enum notch_mode mode);

/* false if the text is no name. */
NOTCH_MUST_USE bool notch_genesis_set_name(struct notch_genesis *genesis, const char *name, size_t len);

/* Inserts in order. EXISTS if the key is there, SPACE if the table is full. */
NOTCH_MUST_USE enum notch_err notch_genesis_add_member(struct notch_genesis *genesis,
                                                       const struct notch_genesis_member *member);
NOTCH_MUST_USE enum notch_err notch_genesis_add_governance(struct notch_genesis *genesis, const struct notch_key *key);

/* Whether every field is in its bounds; says which is not. */
NOTCH_MUST_USE struct notch_reject notch_genesis_check(const struct notch_genesis *genesis);
NOTCH_MUST_USE struct notch_reject notch_caps_check(const struct notch_caps *caps);

/* Appends the canonical bytes. The genesis is valid (check). */
void notch_genesis_encode(const struct notch_genesis *genesis, struct notch_buf *out);

/* Into a fresh genesis (init). On a reject it holds nothing that fini() would not free. */
NOTCH_MUST_USE struct notch_reject notch_genesis_decode(struct notch_genesis *genesis, struct notch_bytes bytes);

/* Of the canonical bytes. */
void notch_genesis_hash(struct notch_hash *out, struct notch_bytes bytes);

/* What the stateless checks need. Borrows domain and crypto. */
struct notch_rules notch_genesis_rules(const struct notch_genesis *genesis, const struct notch_domain *domain,
                                       const struct notch_crypto *crypto);

/* The parts that entries use too. Reading fails the reader; bounds are for the caller. */
void notch_genesis_member_write(struct notch_writer *writer, const struct notch_genesis_member *member);
void notch_genesis_member_read(struct notch_reader *reader, struct notch_genesis_member *out);
void notch_caps_write(struct notch_writer *writer, const struct notch_caps *caps);
void notch_caps_read(struct notch_reader *reader, struct notch_caps *out);

/* The slot of a time; slot0 for any time before time0. And the time at which a slot begins: RANGE before slot0,
 * OVERFLOW behind the end of time. */
struct notch_slot notch_genesis_slot_at(const struct notch_genesis *genesis, struct notch_time time);
NOTCH_MUST_USE enum notch_err notch_genesis_slot_time(const struct notch_genesis *genesis, struct notch_time *out,
                                                      struct notch_slot slot);

#endif
