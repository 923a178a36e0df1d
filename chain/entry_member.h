/*
 * chain/entry_member.h: who takes part: VALIDATOR, VOUCH, AUTHOR, GOVERNANCE.
 *
 * Encodings:
 *   VALIDATOR   action u8 | validator key 32 | JOIN, SERVICES: services uvar | JOIN: possession sig 64
 *   VOUCH       action u8 (0 give, 1 withdraw) | validator key 32 (the newcomer's)
 *   AUTHOR      action u8 | account 32 | ROTATE: new key 32, possession sig 64
 *   GOVERNANCE  sequence uvar | action u8 | the action's body | by u8 | BY_VALIDATORS: set id uvar |
 *               count uvar (1..1000) | per signer: index u16, sig 64 (indices strictly ascending)
 *     bodies    ADD_MEMBER key 32, operator 32, reputation uvar, services uvar; REMOVE_MEMBER key 32; CAPS as in the
 *               genesis; RULES version uvar, slot uvar (not before); RECOVER set id uvar, slot uvar, block 32,
 *               count uvar (1..256), members as in the genesis, strictly ascending by key
 *
 * VALIDATOR is signed, as a record, by the operator key, which is cold; JOIN also holds the validator key's own
 * signature over tagged(VALIDATOR, operator 32 | validator key 32), so that nobody can enter a key that is not his.
 * AUTHOR is signed by the account's current key; ROTATE holds the new key's signature over tagged(AUTHOR, account 32 |
 * new key 32). An account's id is its first key. Signers of GOVERNANCE sign tagged(GOVERNANCE, everything up to the
 * body's end); who they are (keys of the genesis by index, or members of a set by index) is known where it is applied,
 * and so is the quorum.
 *
 * Ownership    Signers and members are views of their encoded items; walk them with the _next functions.
 */
#ifndef NOTCH_CHAIN_ENTRY_MEMBER_H
#define NOTCH_CHAIN_ENTRY_MEMBER_H

#include "base/codec.h"
#include "base/hash.h"
#include "chain/genesis.h"

#define NOTCH_SIGNERS_MAX 1000
#define NOTCH_RECOVER_MEMBERS_MAX 256

enum notch_validator_action {
    NOTCH_VALIDATOR_JOIN = 0,
    NOTCH_VALIDATOR_LEAVE = 1,
    NOTCH_VALIDATOR_SERVICES = 2,
};

struct notch_validator_entry {
    enum notch_validator_action action;
    struct notch_key key;
    uint32_t services;
    struct notch_sig possession;
};

enum notch_vouch_action { NOTCH_VOUCH_GIVE = 0, NOTCH_VOUCH_WITHDRAW = 1 };

struct notch_vouch {
    enum notch_vouch_action action;
    struct notch_key key;
};

enum notch_author_action { NOTCH_AUTHOR_ROTATE = 0, NOTCH_AUTHOR_REVOKE = 1 };

struct notch_author_entry {
    enum notch_author_action action;
    struct notch_key account;
    struct notch_key new_key;
    struct notch_sig possession;
};

enum notch_governance_action {
    NOTCH_GOVERNANCE_ADD_MEMBER = 0,
    NOTCH_GOVERNANCE_REMOVE_MEMBER = 1,
    NOTCH_GOVERNANCE_CAPS = 2,
    NOTCH_GOVERNANCE_RULES = 3,
    NOTCH_GOVERNANCE_RECOVER = 4,
};

enum notch_governance_by { NOTCH_GOVERNANCE_BY_KEYS = 0, NOTCH_GOVERNANCE_BY_VALIDATORS = 1 };

struct notch_governance {
    uint64_t sequence; /* each is applied once, in order */
    enum notch_governance_action action;
    struct notch_genesis_member member; /* ADD_MEMBER; REMOVE_MEMBER: the key */
    struct notch_caps caps;             /* CAPS */
    uint32_t rules;                     /* RULES */
    struct notch_slot slot;             /* RULES: not before; RECOVER: of the block */
    uint64_t recover_set;               /* RECOVER: id of the new set */
    struct notch_hash block;            /* RECOVER */
    uint32_t member_count;              /* RECOVER */
    struct notch_bytes members;
    enum notch_governance_by by;
    uint64_t set_id; /* BY_VALIDATORS */
    uint32_t signer_count;
    struct notch_bytes signers;
};

struct notch_signer_entry {
    uint16_t index;
    struct notch_sig sig;
};

void notch_validator_sighash(struct notch_hash *out, const struct notch_domain *domain,
                             const struct notch_key *operator_key, const struct notch_key *key);
void notch_author_sighash(struct notch_hash *out, const struct notch_domain *domain, const struct notch_key *account,
                          const struct notch_key *new_key);
void notch_governance_sighash(struct notch_hash *out, const struct notch_domain *domain,
                              const struct notch_governance *governance);

/* Lists: append in ascending order, then set count and the bytes; walk with a reader, false at the end. */
void notch_signer_put(struct notch_writer *writer, const struct notch_signer_entry *signer);
bool notch_signer_next(struct notch_reader *reader, struct notch_signer_entry *out);
void notch_member_put(struct notch_writer *writer, const struct notch_genesis_member *member);
bool notch_member_next(struct notch_reader *reader, struct notch_genesis_member *out);

#endif
