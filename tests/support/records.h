/*
 * tests/support/records.h: a chain of a few signers, and valid entries of every type, for tests.
 *
 * Everything is a function of the arguments and of the seed of the generator: a test that fails once fails always.
 *
 * Ownership    init / fini. A notch_test_entry holds the lists that its entry points to: it stays where it was filled.
 * Thread       One at a time.
 */
#ifndef NOTCH_TESTS_SUPPORT_RECORDS_H
#define NOTCH_TESTS_SUPPORT_RECORDS_H

#include "base/rng.h"
#include "chain/entry.h"
#include "chain/genesis.h"

#define NOTCH_TEST_SIGNERS 8

struct notch_test_chain {
    struct notch_genesis genesis;
    struct notch_buf genesis_bytes;
    struct notch_hash genesis_hash;
    struct notch_domain domain;
    const struct notch_crypto *crypto;
    struct notch_rules rules;
    uint8_t secrets[NOTCH_TEST_SIGNERS][32];
    struct notch_signer
        signers[NOTCH_TEST_SIGNERS]; /* ascending by key; the first `members` are those of the genesis */
};

/* 1 <= members <= NOTCH_TEST_SIGNERS. The genesis is that of the dev network in this mode, with aggregate_min 5. */
void notch_test_chain_init(struct notch_test_chain *chain, enum notch_mode mode, const struct notch_crypto *crypto,
                           uint32_t members);
void notch_test_chain_fini(struct notch_test_chain *chain);

/* The time that the entries below are about: a record of theirs is made at it or later. */
#define NOTCH_TEST_NOW_MS UINT64_C(1750000000000)

struct notch_test_entry {
    struct notch_entry entry;
    uint8_t store[8192];
};

/* A valid entry of this type for a record of signer `author`, as the mode of the chain allows. MODEL: not in public. */
void notch_test_entry(struct notch_test_entry *out, struct notch_rng *rng, const struct notch_test_chain *chain,
                      enum notch_entry_type type, uint32_t author);

/* Appends a signed record of `count` insights by signer `author`. The salt comes from the generator. */
void notch_test_record(struct notch_buf *out, struct notch_rng *rng, const struct notch_test_chain *chain,
                       uint32_t author, uint32_t count);

/* Appends the encoded record of these encoded entries. */
void notch_test_record_of(struct notch_buf *out, struct notch_rng *rng, const struct notch_test_chain *chain,
                          uint32_t author, struct notch_bytes entries);

#endif
