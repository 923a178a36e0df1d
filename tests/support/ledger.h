/*
 * tests/support/ledger.h: blocks of real records and a ledger over a store in memory, for tests.
 *
 * A block is made once and can be executed by any number of ledgers of the same chain.
 *
 * Ownership    init / fini for each.
 * Thread       One at a time.
 */
#ifndef NOTCH_TESTS_SUPPORT_LEDGER_H
#define NOTCH_TESTS_SUPPORT_LEDGER_H

#include "chain/batch.h"
#include "chain/ledger.h"
#include "chain/memstore.h"
#include "tests/support/records.h"

#define NOTCH_TEST_BATCHES 4
#define NOTCH_TEST_RECORDS 64

/* The slot of NOTCH_TEST_NOW_MS: the first blocks of a test stand there. */
struct notch_slot notch_test_now_slot(const struct notch_test_chain *chain);

struct notch_test_ledger {
    const struct notch_test_chain *chain;
    struct notch_memstore *store;
    struct notch_store_view view;
    struct notch_ledger *ledger;
    struct notch_commit commit;
    uint64_t token;
};

/* A ledger at height 0, its genesis on the disk. `seed` goes into the hash keys. */
void notch_test_ledger_init(struct notch_test_ledger *test, const struct notch_test_chain *chain, uint64_t seed);
void notch_test_ledger_fini(struct notch_test_ledger *test);

/* Forgets everything in memory, and opens the store again. */
void notch_test_ledger_restart(struct notch_test_ledger *test);

/* finalize, flush, undo: handed to the disk; complete() carries out what waits. */
void notch_test_ledger_submit_final(struct notch_test_ledger *test, const struct notch_hash *block);
void notch_test_ledger_complete(struct notch_test_ledger *test);
void notch_test_ledger_finalize(struct notch_test_ledger *test, const struct notch_hash *block);
void notch_test_ledger_flush(struct notch_test_ledger *test, const struct notch_hash *block);
void notch_test_ledger_undo(struct notch_test_ledger *test);

/* A hash over all keys and values of the store, the accounted position left out. */
struct notch_hash notch_test_ledger_dump(const struct notch_test_ledger *test);

struct notch_test_block {
    struct notch_header header;
    struct notch_hash hash;
    struct notch_buf bytes[NOTCH_TEST_BATCHES];
    struct notch_ledger_batch batches[NOTCH_TEST_BATCHES];
    uint32_t batch_count;
    struct notch_hash ids[NOTCH_TEST_RECORDS]; /* of all records, in order */
    uint32_t record_count;
    const struct notch_set *next_set;
    bool is_paused;
    uint64_t batch_ts_ms;              /* of the batches that are added; 0: NOTCH_TEST_NOW_MS */
    struct notch_ledger_result result; /* of the last run */
};

/* A block on `parent`, `slots` later (1 or more), by which `finalized` is final. */
void notch_test_block_init(struct notch_test_block *block, const struct notch_test_chain *chain,
                           const struct notch_ledger_result *parent, uint64_t slots,
                           const struct notch_checkpoint *finalized);
void notch_test_block_fini(struct notch_test_block *block);

/* Adds a batch of these encoded records. */
void notch_test_block_add(struct notch_test_block *block, const struct notch_test_chain *chain,
                          const struct notch_buf *records, uint32_t count);

/* Gives it its hash. */
void notch_test_block_seal(struct notch_test_block *block, const struct notch_test_chain *chain);

/* Executes it; the result stays in the block. */
enum notch_err notch_test_ledger_run(struct notch_test_ledger *test, struct notch_test_block *block);

/* A signed record. */
struct notch_test_draft {
    uint32_t author; /* signer */
    uint64_t ts_ms;
    struct notch_hash ref;
    uint64_t salt;
    const struct notch_entry *entries;
    uint32_t count;
};
void notch_test_draft_build(struct notch_buf *out, const struct notch_test_chain *chain,
                            const struct notch_test_draft *draft);

#endif
