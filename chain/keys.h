/*
 * chain/keys.h: the key space, as one table.
 *
 * Flat keys (what LevelDB holds). `be64` and `be32` are big endian, so that keys sort by number; `h16` is the first 16
 * bytes of a hash: enough to find by, and whoever reads compares the whole. Values use the codec of base/codec.h.
 *
 *   key                          value
 *   b height:be64                block row (chain/lookup.h): hash, position of its body, slot, time, state root,
 *                                batches
 *   c h16(block hash)            height uvar
 *   d h16(batch id)              height uvar, index of the batch in its block uvar: its first occurrence on the chain
 *   e height:be64                receipts of the block's records (chain/receipt.h)
 *   f account:32                 Merkle frontier of the account's feed
 *   g position:be64              Merkle roots over groups of the records of the batch there (chain/groups.h)
 *   h level:u8 first:be64        history tree: root of the 2^level blocks from height `first`; level >= 1
 *   i kind:u8 term:16 height:be64   posting list (chain/index.h)
 *   m                            the base: everything that opening a ledger needs (chain/ledger.h)
 *   q seq:be64                   the state key of an open claim, in the order of inclusion
 *   r h16(record id)             height, ordinal, where its bytes are in the batch, twice how many (and one more where
 *                                every entry applied): uvars. The accepted occurrence, else the first one
 *   s state key                  a value of the state (below)
 *   t nibbles:u8 path            a packed node of the state tree (chain/smt.h)
 *   u height:be64                undo record of a block whose layer was flushed before it was final
 *   v set id:be64                a certificate of finality: height uvar, encoded votes (chain/vote.h). Of the signal
 *                                block of each set that one of another root followed; under NOTCH_CERTIFICATE_NEWEST,
 *                                of the last final block
 *   x h16(salt hash)             height, ordinal: uvars: of the record that used this (author, salt)
 *
 * State keys (the leaves of the state tree; `s` goes before them in the store). Their first byte says what they are:
 *
 *   A account:32                                         author account: feed, quota, status (chain/state.h)
 *   C resource:32 start:be64 end:be64 provider:32        capacity
 *   G m validator:32                                     a member, or a candidate, and who vouches for it
 *                                                        (chain/state.h)
 *   G o operator:32                                      the validator key that an operator key stands for
 *   G v validator:32                                     how many open vouches a member has given
 *   G q                                                  last sequence number of GOVERNANCE
 *   K key:32                                             account that a rotated or revoked key belongs to
 *   L provider:32                                        provider's last allocation sequence number
 *   M model root:32                                      owner of a model
 *   N resource:32 start:be64 end:be64 recipient:32       need
 *   Q                                                    what newcomers have used of their shared pool
 *   R account:32                                         recognition shares
 *   S set id:be64                                        consensus: a validator set (chain/set.h); other keys below
 *                                                        S are opaque here
 *   W key:32                                             consensus: reputation of a key, uvar micro-units
 *   X resource:32 start:be64 end:be64 recipient:32 provider:32   sum allocated
 *
 * `S` and `W` are written by consensus alone, as the writes of struct notch_ledger_block.
 *
 * Ownership    struct notch_store_key is a value, made on the stack.
 * Thread       Pure functions.
 */
#ifndef NOTCH_CHAIN_KEYS_H
#define NOTCH_CHAIN_KEYS_H

#include "base/bytes.h"
#include "base/hash.h"
#include "chain/record.h"
#include "chain/store.h"

enum notch_flat {
    NOTCH_FLAT_BLOCK = 'b',
    NOTCH_FLAT_HASH = 'c',
    NOTCH_FLAT_BATCH = 'd',
    NOTCH_FLAT_RECEIPTS = 'e',
    NOTCH_FLAT_FEED = 'f',
    NOTCH_FLAT_GROUPS = 'g',
    NOTCH_FLAT_HISTORY = 'h',
    NOTCH_FLAT_INDEX = 'i',
    NOTCH_FLAT_BASE = 'm',
    NOTCH_FLAT_CONSENSUS = 'o',
    NOTCH_FLAT_CLAIM = 'q',
    NOTCH_FLAT_RECORD = 'r',
    NOTCH_FLAT_STATE = 's',
    NOTCH_FLAT_NODE = 't',
    NOTCH_FLAT_UNDO = 'u',
    NOTCH_FLAT_CERTIFICATE = 'v',
    NOTCH_FLAT_SALT = 'x',
};

enum notch_state_kind {
    NOTCH_STATE_ACCOUNT = 'A',
    NOTCH_STATE_CAPACITY = 'C',
    NOTCH_STATE_MEMBERSHIP = 'G',
    NOTCH_STATE_KEY = 'K',
    NOTCH_STATE_SEQUENCE = 'L',
    NOTCH_STATE_MODEL = 'M',
    NOTCH_STATE_NEED = 'N',
    NOTCH_STATE_NEWCOMERS = 'Q',
    NOTCH_STATE_RECOGNITION = 'R',
    NOTCH_STATE_CONSENSUS = 'S',
    NOTCH_STATE_REPUTATION = 'W',
    NOTCH_STATE_ALLOCATION = 'X',
};

/* In the place of a set id, behind all of them. */
#define NOTCH_CERTIFICATE_NEWEST UINT64_MAX

/* A state key is at most this long: with the `s` before it, it is still a key of the store. */
#define NOTCH_STATE_KEY_MAX (NOTCH_STORE_KEY_MAX - 1)

struct notch_store_key {
    uint8_t data[NOTCH_STORE_KEY_MAX];
    uint8_t len;
};

static inline struct notch_bytes notch_store_key_bytes(const struct notch_store_key *key)
{
    return notch_bytes(key->data, key->len);
}

/* Built from left to right: begin with the kind, then append. More than NOTCH_STORE_KEY_MAX bytes is a broken
 * promise. */
struct notch_store_key notch_key_begin(uint8_t kind);
void notch_key_add(struct notch_store_key *key, const void *data, size_t len);
void notch_key_add_u8(struct notch_store_key *key, uint8_t value);
void notch_key_add_be64(struct notch_store_key *key, uint64_t value);

/* The flat keys that are built in more than one place. */
struct notch_store_key notch_key_number(enum notch_flat kind, uint64_t number);               /* b e g q u v */
struct notch_store_key notch_key_hash16(enum notch_flat kind, const struct notch_hash *hash); /* c d r x */
struct notch_store_key notch_key_history(unsigned level, uint64_t first);
struct notch_store_key notch_key_state(struct notch_bytes state_key);

/* State keys of one kind and 32 bytes: A K L M R W. */
struct notch_store_key notch_state_key_32(enum notch_state_kind kind, const uint8_t id[32]);

/* What the salt index is keyed by: tagged(RECORD_SALT, author || salt). */
void notch_salt_hash(struct notch_hash *out, const struct notch_domain *domain, const struct notch_key *author,
                     const struct notch_salt *salt);

#endif
