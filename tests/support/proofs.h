/*
 * tests/support/proofs.h: a final chain in memory, with changes of the set, to make proofs from.
 *
 * Headers, batches, records and votes are real and signed; what a proof does not look at (state roots, randomness) is
 * filled from the seed. Set 0 is that of the genesis; each later set takes one member out and one in, or is the same
 * again. A signal block is followed by one PENDING block.
 *
 * Ownership    init / fini. Stays where it was initialised: `source` points to it.
 * Thread       One at a time.
 */
#ifndef NOTCH_TESTS_SUPPORT_PROOFS_H
#define NOTCH_TESTS_SUPPORT_PROOFS_H

#include "chain/proof.h"
#include "tests/support/records.h"

#define NOTCH_TEST_BLOCKS_MAX 100
#define NOTCH_TEST_BATCHES_MAX 5
#define NOTCH_TEST_SETS_MAX 48

struct notch_test_block {
    struct notch_header header;
    struct notch_hash hash;
    struct notch_buf batches[NOTCH_TEST_BATCHES_MAX];
    struct notch_hash batch_ids[NOTCH_TEST_BATCHES_MAX];
};

struct notch_test_set {
    struct notch_member members[NOTCH_TEST_SIGNERS];
    struct notch_set set;
    uint32_t signal; /* height of its signal block; 0: none yet */
};

struct notch_test_proofs {
    struct notch_test_chain chain;
    struct notch_rng rng;
    bool unsigned_records;
    bool same_sets;
    uint32_t height; /* of the last block */
    struct notch_test_block blocks[NOTCH_TEST_BLOCKS_MAX + 1];
    struct notch_hash leaves[NOTCH_TEST_BLOCKS_MAX + 1]; /* of the history */
    struct notch_merkle_leaves leaf_list;
    struct notch_merkle history;
    uint32_t set_count;
    struct notch_test_set sets[NOTCH_TEST_SETS_MAX];
    uint32_t final_height; /* what `final` answers; by which set is a function of the block */
    struct notch_proof_source source;
};

/* 1..4 members, 1..100 blocks, one change of the set in each `epoch` blocks (0: none). */
void notch_test_proofs_init(struct notch_test_proofs *proofs, const struct notch_crypto *crypto, uint64_t seed,
                            uint32_t members, uint32_t blocks, uint32_t epoch);

/* The same, but the members stay as they are: each set follows itself. */
void notch_test_proofs_init_same(struct notch_test_proofs *proofs, const struct notch_crypto *crypto, uint64_t seed,
                                 uint32_t members, uint32_t blocks, uint32_t epoch);

/* The same, without changes, but nobody has signed the records: what a set that lies about authors would make final. */
void notch_test_proofs_init_unsigned(struct notch_test_proofs *proofs, const struct notch_crypto *crypto, uint64_t seed,
                                     uint32_t members, uint32_t blocks);
void notch_test_proofs_fini(struct notch_test_proofs *proofs);

/*
 * Appends header, set and votes: of enough members of `set`, in two opinions of the target, that see (header, the slot
 * behind its own) as justified. The keys of the set are signers of the chain.
 */
void notch_test_certify(const struct notch_test_proofs *proofs, struct notch_proof_final *out,
                        const struct notch_header *header, const struct notch_set *set);

/* The hash to check a proof against for a request with this checkpoint. */
struct notch_hash notch_test_checkpoint(const struct notch_test_proofs *proofs, uint32_t height);

/* A request for some entry of the chain at or below final_height; false if the block that was drawn has no batches. */
bool notch_test_request(struct notch_test_proofs *proofs, struct notch_proof_request *out);

#endif
