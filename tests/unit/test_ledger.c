/*
 * The ledger: what blocks do to state, receipts, places and proofs; forks, flushes, undo, restarts.
 */
#include "chain/ledger.h"
#include "chain/smt.h"
#include "tests/support/gen.h"
#include "tests/support/ledger.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct notch_test_chain chain;
static struct notch_checkpoint at_genesis;

static struct notch_entry any_insight(uint64_t market)
{
    struct notch_entry entry = {.type = NOTCH_ENTRY_INSIGHT};
    notch_put_be64(entry.as.insight.market.raw, market);
    entry.as.insight.period = (struct notch_period){{NOTCH_TEST_NOW_MS - 1000}, 1000};
    entry.as.insight.mask = NOTCH_INSIGHT_POINT;
    entry.as.insight.point.raw = 5;
    return entry;
}

/* A record of one insight. */
static void insight_record(struct notch_buf *out, uint32_t author, uint64_t salt, const struct notch_hash *ref,
                           uint64_t ts_ms)
{
    struct notch_entry entry = any_insight(salt % 5);
    struct notch_test_draft draft = {author, ts_ms, *ref, salt, &entry, 1};
    notch_buf_init(out, notch_alloc_heap());
    notch_test_draft_build(out, &chain, &draft);
}

/* A block with one batch of these records; they are given back. */
static void block_of(struct notch_test_block *block, const struct notch_ledger_result *parent, uint64_t slots,
                     const struct notch_checkpoint *finalized, struct notch_buf *records, uint32_t count)
{
    notch_test_block_init(block, &chain, parent, slots, finalized);
    if (count > 0) {
        notch_test_block_add(block, &chain, records, count);
    }
    notch_test_block_seal(block, &chain);
    for (uint32_t i = 0; i < count; i++) {
        notch_buf_fini(&records[i]);
    }
}

static struct notch_receipt receipt_of(const struct notch_test_ledger *test, const struct notch_hash *block,
                                       uint64_t height, uint32_t ordinal)
{
    static struct notch_receipt receipt;
    struct notch_lookup lookup;
    assert_int_equal(notch_ledger_lookup(test->ledger, &lookup, block), NOTCH_OK);
    assert_int_equal(notch_lookup_receipt(&lookup, &receipt, (struct notch_height){height}, ordinal), NOTCH_OK);
    return receipt;
}

static void test_genesis(void **state)
{
    (void)state;
    struct notch_test_ledger test;
    notch_test_ledger_init(&test, &chain, 1);
    struct notch_ledger_result base = *notch_ledger_base(test.ledger);
    assert_true(notch_hash_eq(&base.block, &chain.genesis_hash));
    assert_int_equal(base.height.raw, 0);
    assert_false(notch_hash_is_zero(&base.state_root));
    struct notch_hash leaf;
    notch_merkle_leaf(&leaf, notch_bytes(chain.genesis_hash.raw, 32));
    assert_true(notch_hash_eq(&leaf, &base.history_root));
    notch_test_ledger_restart(&test);
    const struct notch_ledger_result *again = notch_ledger_base(test.ledger);
    assert_true(notch_hash_eq(&again->state_root, &base.state_root));
    assert_true(notch_hash_eq(&again->receipts_root, &base.receipts_root));
    assert_true(notch_hash_eq(&again->history_root, &base.history_root));
    notch_test_ledger_fini(&test);
}

static void test_open_of_nothing(void **state)
{
    (void)state;
    struct notch_test_ledger test;
    notch_test_ledger_init(&test, &chain, 1);
    notch_memstore_wipe(test.store);
    assert_int_equal(notch_ledger_open(test.ledger, &test.view), NOTCH_ERR_NOT_FOUND);
    uint8_t key = NOTCH_FLAT_BASE;
    static const uint8_t values[2][2] = {{9, 9}, {1, 9}};
    static const enum notch_err expected[2] = {NOTCH_ERR_VERSION, NOTCH_ERR_CORRUPT};
    for (int i = 0; i < 2; i++) {
        notch_commit_clear(&test.commit);
        notch_commit_put(&test.commit, notch_bytes(&key, 1), notch_bytes(values[i], 2));
        notch_memstore_apply(test.store, &test.commit);
        assert_int_equal(notch_ledger_open(test.ledger, &test.view), expected[i]);
    }
    notch_test_ledger_fini(&test);
}

static void test_options(void **state)
{
    (void)state;
    size_t count;
    const struct notch_apply_row *rows = notch_apply_rows(&count);
    assert_int_equal(count, NOTCH_ENTRY_TYPE_MAX);
    struct notch_apply_row twice[2] = {rows[0], rows[0]};
    struct notch_ledger_options options = {.genesis = &chain.genesis,
                                           .domain = &chain.domain,
                                           .rows = twice,
                                           .row_count = 2,
                                           .layers_max = 1,
                                           .alloc = notch_alloc_heap()};
    struct notch_ledger *ledger;
    assert_int_equal(notch_ledger_create(&ledger, &options), NOTCH_ERR_INVALID);
    options.row_count = 1;
    options.layers_max = 0;
    assert_int_equal(notch_ledger_create(&ledger, &options), NOTCH_ERR_INVALID);
    options.layers_max = NOTCH_LEDGER_LAYERS_MAX + 1;
    assert_int_equal(notch_ledger_create(&ledger, &options), NOTCH_ERR_INVALID);
}

/* ---- one record, from all sides ---- */

static void check_account(const struct notch_lookup *lookup, const struct notch_hash *state_root,
                          const struct notch_hash *ids, uint64_t count)
{
    struct notch_store_key key = notch_state_key_32(NOTCH_STATE_ACCOUNT, chain.signers[3].key.raw);
    struct notch_buf proof, value;
    notch_buf_init(&proof, notch_alloc_heap());
    notch_buf_init(&value, notch_alloc_heap());
    bool present;
    enum notch_err err = notch_lookup_prove_state(lookup, &proof, &value, &present, notch_store_key_bytes(&key));
    assert_int_equal(err, NOTCH_OK);
    assert_true(present);
    struct notch_hash value_hash;
    notch_sha256(&value_hash, notch_buf_bytes(&value));
    assert_true(notch_is_valid(notch_smt_verify(&chain.domain, state_root, notch_store_key_bytes(&key), &value_hash,
                                                notch_buf_bytes(&proof))));
    struct notch_account account;
    assert_int_equal(notch_account_decode(&account, notch_buf_bytes(&value)), NOTCH_OK);
    struct notch_merkle feed;
    struct notch_hash leaf, root;
    notch_merkle_init(&feed);
    for (uint64_t i = 0; i < count; i++) {
        notch_merkle_leaf(&leaf, notch_bytes(ids[i].raw, 32));
        notch_merkle_append(&feed, &leaf);
    }
    notch_merkle_root(&feed, &root);
    assert_int_equal(account.feed_size, count);
    assert_true(notch_hash_eq(&account.feed_root, &root));
    notch_buf_fini(&proof);
    notch_buf_fini(&value);
}

static void check_receipt_proof(const struct notch_lookup *lookup, const struct notch_test_block *block)
{
    struct notch_buf receipt;
    notch_buf_init(&receipt, notch_alloc_heap());
    for (uint32_t i = 0; i < block->record_count; i++) {
        struct notch_hash proof[NOTCH_MERKLE_PROOF_MAX], leaf;
        size_t len;
        const struct notch_merkle_leaves ids = {block->ids, block->record_count};
        notch_buf_clear(&receipt);
        enum notch_err err = notch_lookup_prove_receipt(lookup, proof, &len, &receipt, block->header.height, i, &ids);
        assert_int_equal(err, NOTCH_OK);
        notch_receipt_leaf(&leaf, &block->ids[i], notch_buf_bytes(&receipt));
        assert_true(
            notch_merkle_verify_inclusion(&leaf, i, block->record_count, proof, len, &block->result.receipts_root));
        notch_receipt_leaf(&leaf, &block->ids[(i + 1) % block->record_count], notch_buf_bytes(&receipt));
        assert_false(
            notch_merkle_verify_inclusion(&leaf, i, block->record_count, proof, len, &block->result.receipts_root));
    }
    notch_buf_fini(&receipt);
}

static void check_places(const struct notch_lookup *lookup, const struct notch_test_block *block)
{
    struct notch_record_place place;
    for (uint32_t i = 0; i < block->record_count; i++) {
        assert_int_equal(notch_lookup_record(lookup, &place, &block->ids[i]), NOTCH_OK);
        assert_int_equal(place.height.raw, block->header.height.raw);
        assert_int_equal(place.ordinal, i);
        assert_int_equal(place.position, block->batches[i / 2].position);
        assert_int_equal(place.index, i % 2);
    }
    struct notch_salt salt = {{0}};
    notch_put_be64(salt.raw, 3);
    assert_int_equal(notch_lookup_salt(lookup, &place, &chain.signers[3].key, &salt), NOTCH_OK);
    assert_int_equal(place.ordinal, 2);
    assert_int_equal(notch_lookup_salt(lookup, &place, &chain.signers[4].key, &salt), NOTCH_ERR_NOT_FOUND);
    struct notch_height height;
    uint32_t index;
    assert_int_equal(notch_lookup_batch(lookup, &height, &index, &block->batches[1].id), NOTCH_OK);
    assert_int_equal(height.raw, block->header.height.raw);
    assert_int_equal(index, 1);
    assert_int_equal(notch_lookup_batch(lookup, &height, &index, &block->hash), NOTCH_ERR_NOT_FOUND);
}

static void check_block(const struct notch_test_ledger *test, const struct notch_test_block *block,
                        const struct notch_hash *at)
{
    struct notch_lookup lookup;
    assert_int_equal(notch_ledger_lookup(test->ledger, &lookup, at), NOTCH_OK);
    check_places(&lookup, block);
    check_receipt_proof(&lookup, block);
    check_account(&lookup, &block->result.state_root, block->ids, 4);
    struct notch_block_row row;
    struct notch_buf scratch;
    notch_buf_init(&scratch, notch_alloc_heap());
    assert_int_equal(notch_lookup_block(&lookup, &row, &scratch, block->header.height), NOTCH_OK);
    assert_true(notch_hash_eq(&row.hash, &block->hash));
    assert_true(notch_hash_eq(&row.state_root, &block->result.state_root));
    assert_int_equal(row.records, 4);
    assert_int_equal(row.batch_count, 2);
    assert_int_equal(notch_lookup_block(&lookup, &row, &scratch, (struct notch_height){0}), NOTCH_OK);
    assert_true(row.position == NOTCH_NO_POSITION);
    notch_buf_fini(&scratch);
}

static void test_one_block(void **state)
{
    (void)state;
    struct notch_test_ledger test;
    notch_test_ledger_init(&test, &chain, 1);
    struct notch_test_block block;
    struct notch_buf records[4];
    notch_test_block_init(&block, &chain, notch_ledger_base(test.ledger), 1, &at_genesis);
    for (uint32_t i = 0; i < 4; i++) {
        insight_record(&records[i], 3, i + 1, &chain.genesis_hash, NOTCH_TEST_NOW_MS);
    }
    notch_test_block_add(&block, &chain, records, 2);
    notch_test_block_add(&block, &chain, records + 2, 2);
    notch_test_block_seal(&block, &chain);
    assert_int_equal(notch_test_ledger_run(&test, &block), NOTCH_OK);
    assert_int_equal(block.result.accepted, 4);
    assert_int_equal(block.result.entries, 4);
    check_block(&test, &block, &block.hash);
    notch_test_ledger_submit_final(&test, &block.hash);
    check_block(&test, &block, NULL); /* before it is on the disk */
    notch_test_ledger_complete(&test);
    check_block(&test, &block, NULL);
    notch_test_ledger_restart(&test);
    check_block(&test, &block, NULL);
    for (uint32_t i = 0; i < 4; i++) {
        notch_buf_fini(&records[i]);
    }
    notch_test_block_fini(&block);
    notch_test_ledger_fini(&test);
}

/* ---- records that do not count ---- */

static void test_duplicates(void **state)
{
    (void)state;
    struct notch_test_ledger test;
    notch_test_ledger_init(&test, &chain, 1);
    struct notch_test_block blocks[3];
    const struct notch_ledger_result *parent = notch_ledger_base(test.ledger);
    for (uint32_t b = 0; b < 3; b++) {
        struct notch_buf records[3];
        insight_record(&records[0], 3, 7, &chain.genesis_hash, NOTCH_TEST_NOW_MS);     /* the same each time */
        insight_record(&records[1], 3, 7, &chain.genesis_hash, NOTCH_TEST_NOW_MS + 1); /* its salt again */
        insight_record(&records[2], 4, 7 + b, &chain.genesis_hash, NOTCH_TEST_NOW_MS); /* fresh */
        block_of(&blocks[b], parent, 1, &at_genesis, records, 3);
        assert_int_equal(notch_test_ledger_run(&test, &blocks[b]), NOTCH_OK);
        parent = &blocks[b].result;
        if (b == 1) { /* the third block finds the first one in the store */
            notch_test_ledger_finalize(&test, &blocks[b].hash);
        }
        assert_int_equal(blocks[b].result.accepted, b == 0 ? 2 : 1);
        assert_int_equal(receipt_of(&test, &blocks[b].hash, b + 1, 0).record,
                         b == 0 ? NOTCH_REJECT_NONE : NOTCH_REJECT_DUPLICATE);
        assert_int_equal(receipt_of(&test, &blocks[b].hash, b + 1, 1).record, NOTCH_REJECT_DUPLICATE);
        assert_int_equal(receipt_of(&test, &blocks[b].hash, b + 1, 2).record, NOTCH_REJECT_NONE);
    }
    struct notch_lookup lookup;
    struct notch_record_place place;
    assert_int_equal(notch_ledger_lookup(test.ledger, &lookup, &blocks[2].hash), NOTCH_OK);
    assert_int_equal(notch_lookup_record(&lookup, &place, &blocks[2].ids[0]), NOTCH_OK);
    assert_int_equal(place.height.raw, 1); /* where it counted */
    assert_true(place.all_applied);
    assert_int_equal(notch_lookup_record(&lookup, &place, &blocks[2].ids[1]), NOTCH_OK);
    assert_int_equal(place.height.raw, 1); /* where it was first seen */
    assert_false(place.all_applied);
    for (uint32_t b = 0; b < 3; b++) {
        notch_test_block_fini(&blocks[b]);
    }
    notch_test_ledger_fini(&test);
}

/* The code with which a record of signer 3 is received in a block on the base. */
static enum notch_reject_code code_of(struct notch_test_ledger *test, const struct notch_checkpoint *finalized,
                                      uint64_t slots, const struct notch_hash *ref, uint64_t ts_ms)
{
    struct notch_test_block block;
    struct notch_buf record;
    insight_record(&record, 3, 1, ref, ts_ms);
    block_of(&block, notch_ledger_base(test->ledger), slots, finalized, &record, 1);
    assert_int_equal(notch_test_ledger_run(test, &block), NOTCH_OK);
    enum notch_reject_code code = receipt_of(test, &block.hash, block.header.height.raw, 0).record;
    notch_ledger_drop(test->ledger, &block.hash);
    notch_test_block_fini(&block);
    return code;
}

static void test_refs(void **state)
{
    (void)state;
    struct notch_test_ledger test;
    notch_test_ledger_init(&test, &chain, 1);
    struct notch_test_block block, fork;
    block_of(&block, notch_ledger_base(test.ledger), 1, &at_genesis, NULL, 0);
    block_of(&fork, notch_ledger_base(test.ledger), 2, &at_genesis, NULL, 0);
    assert_int_equal(notch_test_ledger_run(&test, &fork), NOTCH_OK);
    assert_int_equal(notch_test_ledger_run(&test, &block), NOTCH_OK);
    uint64_t now = NOTCH_TEST_NOW_MS;
    struct notch_hash nowhere = {{1}};

    /* The other branch is not this chain, neither while both are layers nor when one is the base. */
    struct notch_test_block child;
    struct notch_buf record;
    insight_record(&record, 3, 1, &fork.hash, now);
    block_of(&child, &block.result, 1, &at_genesis, &record, 1);
    assert_int_equal(notch_test_ledger_run(&test, &child), NOTCH_OK);
    assert_int_equal(receipt_of(&test, &child.hash, 2, 0).record, NOTCH_REJECT_UNKNOWN_REF);
    notch_test_ledger_finalize(&test, &block.hash);
    assert_null(notch_ledger_result(test.ledger, &fork.hash));
    assert_int_equal(code_of(&test, &at_genesis, 1, &fork.hash, now), NOTCH_REJECT_UNKNOWN_REF);
    assert_int_equal(code_of(&test, &at_genesis, 1, &nowhere, now), NOTCH_REJECT_UNKNOWN_REF);
    assert_int_equal(code_of(&test, &at_genesis, 1, &block.hash, now), NOTCH_REJECT_NONE);

    uint64_t expiry = chain.genesis.expiry_slots;
    uint64_t slot_ms = UINT64_C(4) * chain.genesis.delta_ms;
    assert_int_equal(code_of(&test, &at_genesis, expiry, &block.hash, now), NOTCH_REJECT_NONE);
    assert_int_equal(code_of(&test, &at_genesis, expiry + 1, &block.hash, now), NOTCH_REJECT_EXPIRED);
    /* The author's own clock counts too. */
    assert_int_equal(code_of(&test, &at_genesis, 1, &block.hash, now + (expiry + 1) * slot_ms), NOTCH_REJECT_NONE);
    assert_int_equal(code_of(&test, &at_genesis, 1, &block.hash, now + (expiry + 2) * slot_ms), NOTCH_REJECT_EXPIRED);
    notch_test_block_fini(&block);
    notch_test_block_fini(&fork);
    notch_test_block_fini(&child);
    notch_test_ledger_fini(&test);
}

/* A rejected record takes no salt: the same one counts later, and its place is then that one. */
static void test_rejected_takes_nothing(void **state)
{
    (void)state;
    uint64_t before = chain.genesis.newcomer_bytes;
    chain.genesis.newcomer_bytes = 600; /* two records of one insight fit */
    struct notch_test_ledger test;
    notch_test_ledger_init(&test, &chain, 1);
    struct notch_test_block blocks[2];
    const struct notch_ledger_result *parent = notch_ledger_base(test.ledger);
    struct notch_salt salt = {{0}};
    notch_put_be64(salt.raw, 3);
    for (uint32_t b = 0; b < 2; b++) {
        struct notch_buf records[3];
        for (uint32_t i = 0; i < 3; i++) { /* the third of the first block comes again in the second */
            insight_record(&records[i], 3, i == 2 ? 3 : 10 * b + i, &chain.genesis_hash, NOTCH_TEST_NOW_MS);
        }
        notch_test_block_init(&blocks[b], &chain, parent, 1, &at_genesis);
        blocks[b].header.set_id = b;
        notch_test_block_add(&blocks[b], &chain, b == 0 ? records : records + 2, b == 0 ? 3 : 1);
        notch_test_block_seal(&blocks[b], &chain);
        assert_int_equal(notch_test_ledger_run(&test, &blocks[b]), NOTCH_OK);
        parent = &blocks[b].result;
        struct notch_lookup lookup;
        struct notch_record_place place;
        uint32_t ordinal = b == 0 ? 2 : 0;
        assert_int_equal(receipt_of(&test, &blocks[b].hash, b + 1, ordinal).record,
                         b == 0 ? NOTCH_REJECT_QUOTA : NOTCH_REJECT_NONE);
        assert_int_equal(notch_ledger_lookup(test.ledger, &lookup, &blocks[b].hash), NOTCH_OK);
        assert_int_equal(notch_lookup_salt(&lookup, &place, &chain.signers[3].key, &salt),
                         b == 0 ? NOTCH_ERR_NOT_FOUND : NOTCH_OK);
        assert_int_equal(notch_lookup_record(&lookup, &place, &blocks[b].ids[ordinal]), NOTCH_OK);
        assert_int_equal(place.height.raw, b + 1);
        for (uint32_t i = 0; i < 3; i++) {
            notch_buf_fini(&records[i]);
        }
    }
    chain.genesis.newcomer_bytes = before;
    notch_test_block_fini(&blocks[0]);
    notch_test_block_fini(&blocks[1]);
    notch_test_ledger_fini(&test);
}

static void test_quota(void **state)
{
    (void)state;
    uint64_t before = chain.genesis.newcomer_bytes;
    chain.genesis.newcomer_bytes = 600; /* two records of one insight fit */
    struct notch_test_ledger test;
    notch_test_ledger_init(&test, &chain, 1);
    struct notch_test_block blocks[2];
    const struct notch_ledger_result *parent = notch_ledger_base(test.ledger);
    for (uint32_t b = 0; b < 2; b++) {
        struct notch_buf records[5];
        for (uint32_t i = 0; i < 5; i++) { /* signer 0 is a member and has a quota of its own */
            insight_record(&records[i], i < 4 ? 3 + i : 0, i + 10 * b, &chain.genesis_hash, NOTCH_TEST_NOW_MS);
        }
        notch_test_block_init(&blocks[b], &chain, parent, 1, &at_genesis);
        blocks[b].header.set_id = b;
        notch_test_block_add(&blocks[b], &chain, records, 5);
        notch_test_block_seal(&blocks[b], &chain);
        assert_int_equal(notch_test_ledger_run(&test, &blocks[b]), NOTCH_OK);
        assert_int_equal(blocks[b].result.accepted, 3); /* with a new set the pool is full again */
        assert_int_equal(receipt_of(&test, &blocks[b].hash, b + 1, 1).record, NOTCH_REJECT_NONE);
        assert_int_equal(receipt_of(&test, &blocks[b].hash, b + 1, 2).record, NOTCH_REJECT_QUOTA);
        assert_int_equal(receipt_of(&test, &blocks[b].hash, b + 1, 4).record, NOTCH_REJECT_NONE);
        parent = &blocks[b].result;
        for (uint32_t i = 0; i < 5; i++) {
            notch_buf_fini(&records[i]);
        }
    }
    chain.genesis.newcomer_bytes = before;
    notch_test_block_fini(&blocks[0]);
    notch_test_block_fini(&blocks[1]);
    notch_test_ledger_fini(&test);
}

/* ---- history ---- */

static void test_history(void **state)
{
    (void)state;
    enum { BLOCKS = 20 };
    struct notch_test_ledger test;
    notch_test_ledger_init(&test, &chain, 1);
    struct notch_hash tip = chain.genesis_hash;
    struct notch_ledger_result parent = *notch_ledger_base(test.ledger);
    for (uint64_t h = 1; h <= BLOCKS; h++) {
        struct notch_test_block block;
        block_of(&block, &parent, h, &at_genesis, NULL, 0);
        assert_int_equal(notch_test_ledger_run(&test, &block), NOTCH_OK);
        parent = block.result;
        tip = block.hash;
        notch_test_block_fini(&block);
        if (h == BLOCKS / 2) {
            notch_test_ledger_finalize(&test, &tip);
        }
    }
    struct notch_lookup lookup;
    struct notch_buf scratch;
    notch_buf_init(&scratch, notch_alloc_heap());
    assert_int_equal(notch_ledger_lookup(test.ledger, &lookup, &tip), NOTCH_OK);
    for (uint64_t h = 0; h <= BLOCKS; h++) {
        struct notch_hash proof[NOTCH_MERKLE_PROOF_MAX], leaf;
        size_t len;
        struct notch_block_row row;
        struct notch_height height = {h}, found;
        assert_int_equal(notch_lookup_block(&lookup, &row, &scratch, height), NOTCH_OK);
        assert_int_equal(notch_lookup_prove_history(&lookup, proof, &len, height, BLOCKS + 1), NOTCH_OK);
        notch_merkle_leaf(&leaf, notch_bytes(row.hash.raw, 32));
        assert_true(notch_merkle_verify_inclusion(&leaf, h, BLOCKS + 1, proof, len, &parent.history_root));
        assert_int_equal(notch_lookup_time(&lookup, &found, row.time, parent.height), NOTCH_OK);
        assert_int_equal(found.raw, h);
        struct notch_time later = {row.time.raw + 1};
        assert_int_equal(notch_lookup_time(&lookup, &found, later, parent.height), NOTCH_OK);
        assert_int_equal(found.raw, h);
    }
    notch_buf_fini(&scratch);
    notch_test_ledger_fini(&test);
}

/* ---- layers ---- */

static void test_limits_and_unknown(void **state)
{
    (void)state;
    struct notch_test_ledger test;
    notch_test_ledger_init(&test, &chain, 1);
    struct notch_ledger_result parent = *notch_ledger_base(test.ledger);
    struct notch_test_block block;
    struct notch_hash first = {{0}};
    for (uint32_t i = 0; i < 65; i++) {
        block_of(&block, &parent, 1, &at_genesis, NULL, 0);
        assert_int_equal(notch_test_ledger_run(&test, &block), i < 64 ? NOTCH_OK : NOTCH_ERR_SPACE);
        assert_int_equal(notch_test_ledger_run(&test, &block), i < 64 ? NOTCH_OK : NOTCH_ERR_SPACE);
        first = i == 0 ? block.hash : first;
        parent = i < 64 ? block.result : parent;
        notch_test_block_fini(&block);
    }
    size_t bytes;
    assert_int_equal(notch_ledger_layers(test.ledger, &bytes), 64);
    struct notch_hash nowhere = {{5}};
    struct notch_lookup lookup;
    notch_ledger_drop(test.ledger, &nowhere);
    assert_int_equal(notch_ledger_lookup(test.ledger, &lookup, &nowhere), NOTCH_ERR_NOT_FOUND);
    assert_int_equal(notch_ledger_finalize(test.ledger, &test.commit, &nowhere, 0), NOTCH_ERR_NOT_FOUND);
    notch_ledger_drop(test.ledger, &first);
    assert_int_equal(notch_ledger_layers(test.ledger, &bytes), 0);
    assert_null(notch_ledger_result(test.ledger, &parent.block));
    block_of(&block, &parent, 1, &at_genesis, NULL, 0);
    assert_int_equal(notch_test_ledger_run(&test, &block), NOTCH_ERR_NOT_FOUND);
    notch_test_block_fini(&block);
    assert_int_equal(notch_ledger_undo(test.ledger, &test.commit), NOTCH_ERR_NOT_FOUND);
    notch_test_ledger_fini(&test);
}

/* ---- random trees ---- */

#define TREE 12

struct tree {
    struct notch_test_block blocks[TREE];
    int parents[TREE]; /* -1: genesis */
};

/* No two entries of a record may be the same: each bears its index somewhere. */
static void random_entries(struct notch_entry *entries, uint32_t count, struct notch_gen *gen)
{
    for (uint32_t i = 0; i < count; i++) {
        entries[i] = any_insight(notch_gen_below(gen, 3));
        entries[i].as.insight.point.raw = i;
        uint64_t kind = notch_gen_below(gen, 4);
        if (kind == 1) {
            entries[i] = (struct notch_entry){.type = NOTCH_ENTRY_CAPACITY};
            entries[i].as.capacity.resource.raw[0] = (uint8_t)notch_gen_below(gen, 2);
            entries[i].as.capacity.period = (struct notch_period){{0}, 1};
            entries[i].as.capacity.amount.raw = (int64_t)(notch_gen_below(gen, 100) * 3 + i);
        } else if (kind == 2) {
            entries[i] = (struct notch_entry){.type = NOTCH_ENTRY_MODEL};
            entries[i].as.model = (struct notch_model){.bytes = 1 + i, .layer_count = 2, .layers = {1, 1}};
            entries[i].as.model.root.raw[0] = (uint8_t)notch_gen_below(gen, 3);
        } else if (kind == 3 && i == 0) {
            entries[i] = (struct notch_entry){.type = NOTCH_ENTRY_RECOGNITION};
        }
    }
}

static void random_block(struct tree *tree, int at, struct notch_gen *gen, const struct notch_ledger_result *genesis)
{
    int parent = tree->parents[at];
    struct notch_test_block *block = &tree->blocks[at];
    struct notch_checkpoint final = at_genesis;
    if (parent >= 0 && tree->parents[parent] >= 0 && notch_gen_below(gen, 2) == 0) {
        const struct notch_test_block *old = &tree->blocks[tree->parents[parent]];
        final = (struct notch_checkpoint){old->header.slot, old->hash};
    }
    notch_test_block_init(block, &chain, parent < 0 ? genesis : &tree->blocks[parent].result,
                          1 + notch_gen_below(gen, 80), &final);
    block->is_paused = notch_gen_below(gen, 4) == 0;
    uint32_t batches = (uint32_t)notch_gen_below(gen, 3);
    for (uint32_t b = 0; b < batches; b++) {
        struct notch_buf records[4];
        uint32_t count = 1 + (uint32_t)notch_gen_below(gen, 4);
        for (uint32_t i = 0; i < count; i++) {
            struct notch_entry entries[3];
            uint32_t n = 1 + (uint32_t)notch_gen_below(gen, 3);
            random_entries(entries, n, gen);
            struct notch_test_draft draft = {.author = (uint32_t)notch_gen_below(gen, 4),
                                             .ts_ms = NOTCH_TEST_NOW_MS + notch_gen_below(gen, 100) * 4 + i,
                                             .ref = chain.genesis_hash,
                                             .salt = notch_gen_below(gen, 20),
                                             .entries = entries,
                                             .count = n};
            notch_buf_init(&records[i], notch_alloc_heap());
            notch_test_draft_build(&records[i], &chain, &draft);
        }
        notch_test_block_add(block, &chain, records, count);
        for (uint32_t i = 0; i < count; i++) {
            notch_buf_fini(&records[i]);
        }
    }
    notch_test_block_seal(block, &chain);
}

/* Makes a tree, executing it once so that children know what their parents gave. */
static bool make_tree(struct tree *tree, struct notch_gen *gen)
{
    struct notch_test_ledger test;
    notch_test_ledger_init(&test, &chain, 1);
    bool ok = true;
    for (int i = 0; i < TREE; i++) {
        uint64_t back = notch_gen_below(gen, 3); /* mostly a chain, with forks */
        tree->parents[i] = i - 1 - (int)back < -1 ? -1 : i - 1 - (int)back;
        random_block(tree, i, gen, notch_ledger_base(test.ledger));
        ok = notch_test_ledger_run(&test, &tree->blocks[i]) == NOTCH_OK && ok;
    }
    notch_test_ledger_fini(&test);
    return ok;
}

static bool same_result(const struct notch_ledger_result *a, const struct notch_ledger_result *b)
{
    return notch_hash_eq(&a->state_root, &b->state_root) && notch_hash_eq(&a->receipts_root, &b->receipts_root) &&
           notch_hash_eq(&a->history_root, &b->history_root) && a->accepted_total == b->accepted_total &&
           a->open_claims == b->open_claims && a->entries_total == b->entries_total;
}

/* Executes the way to a block, and all in between, again; false where it gives anything else. */
static bool run_branch(struct notch_test_ledger *test, struct tree *tree, int tip)
{
    int way[TREE];
    int count = 0;
    for (int at = tip; at >= 0; at = tree->parents[at]) {
        way[count++] = at;
    }
    while (count-- > 0) {
        struct notch_test_block *block = &tree->blocks[way[count]];
        struct notch_ledger_result before = block->result;
        if (block->header.height.raw <= notch_ledger_base(test->ledger)->height.raw) {
            continue;
        }
        if (notch_test_ledger_run(test, block) != NOTCH_OK || !same_result(&before, &block->result)) {
            return false;
        }
    }
    return true;
}

/* The first block on the way to `tip` above the base. */
static struct notch_test_block *next_on_way(const struct notch_test_ledger *test, struct tree *tree, int tip)
{
    int at = tip;
    uint64_t base = notch_ledger_base(test->ledger)->height.raw;
    while (at >= 0 && tree->blocks[at].header.height.raw > base + 1) {
        at = tree->parents[at];
    }
    return &tree->blocks[at];
}

/* A plain replay from genesis, finalised at the end, and what it leaves on the disk. */
static struct notch_hash replay(struct tree *tree, int tip, bool *ok)
{
    struct notch_test_ledger test;
    notch_test_ledger_init(&test, &chain, 2);
    *ok = run_branch(&test, tree, tip);
    notch_test_ledger_finalize(&test, &tree->blocks[tip].hash);
    struct notch_hash dump = notch_test_ledger_dump(&test);
    notch_test_ledger_fini(&test);
    return dump;
}

static const char *wander(struct notch_test_ledger *test, struct tree *tree, struct notch_gen *gen, int tip)
{
    for (int step = 0; step < 12; step++) {
        struct notch_test_block *next;
        struct notch_hash before;
        switch (notch_gen_below(gen, 5)) {
        case 0: /* all branches, in some order: those that do not stand on the base are refused */
            for (int i = 0; i < TREE; i++) {
                (void)notch_test_ledger_run(test, &tree->blocks[i]);
            }
            break;
        case 1: /* a fork is dropped */
            notch_ledger_drop(test->ledger, &tree->blocks[notch_gen_below(gen, TREE)].hash);
            break;
        case 2: /* early flush, and back */
            if (!run_branch(test, tree, tip) ||
                tree->blocks[tip].header.height.raw <= notch_ledger_base(test->ledger)->height.raw) {
                break;
            }
            notch_test_ledger_complete(test);
            before = notch_test_ledger_dump(test);
            next = next_on_way(test, tree, tip);
            notch_test_ledger_flush(test, &next->hash);
            if (notch_gen_below(gen, 2) == 0) {
                notch_test_ledger_restart(test);
            }
            notch_test_ledger_undo(test);
            struct notch_hash after = notch_test_ledger_dump(test);
            if (!notch_hash_eq(&before, &after)) {
                return "undo(flush(x)) != x";
            }
            break;
        case 3: /* early flush that stays, or a final block */
            if (!run_branch(test, tree, tip)) {
                return "another result on the way";
            }
            if (tree->blocks[tip].header.height.raw <= notch_ledger_base(test->ledger)->height.raw) {
                break;
            }
            next = next_on_way(test, tree, tip);
            if (notch_gen_below(gen, 2) == 0) {
                notch_test_ledger_flush(test, &next->hash);
            } else {
                notch_test_ledger_submit_final(test, &next->hash);
            }
            break;
        default:
            notch_test_ledger_complete(test);
            notch_test_ledger_restart(test);
            break;
        }
    }
    return run_branch(test, tree, tip) ? NULL : "another result in the end";
}

static const char *any_order(struct notch_gen *gen, void *context)
{
    (void)context;
    static struct tree tree;
    bool ok = make_tree(&tree, gen);
    int tip = TREE - 1;
    struct notch_hash expected = {{0}};
    if (ok) {
        expected = replay(&tree, tip, &ok);
    }
    struct notch_test_ledger test;
    notch_test_ledger_init(&test, &chain, 99);
    const char *broken = ok ? wander(&test, &tree, gen, tip) : "replay from genesis gives another result";
    if (broken == NULL) {
        notch_test_ledger_finalize(&test, &tree.blocks[tip].hash);
        struct notch_hash dump = notch_test_ledger_dump(&test);
        const struct notch_ledger_result *base = notch_ledger_base(test.ledger);
        if (!notch_hash_eq(&dump, &expected)) {
            broken = "other keys on the disk than after a replay from genesis";
        } else if (!same_result(base, &tree.blocks[tip].result)) {
            broken = "another base";
        }
    }
    notch_test_ledger_fini(&test);
    for (int i = 0; i < TREE; i++) {
        notch_test_block_fini(&tree.blocks[i]);
    }
    return broken;
}

static void test_any_order(void **state)
{
    (void)state;
    assert_true(notch_property_holds("ledger: any order", 150, 3, any_order, NULL));
}

/* Two finalisations wait for the disk at once; children are executed meanwhile. */
static void test_commits_overlap(void **state)
{
    (void)state;
    struct notch_test_ledger test, plain;
    notch_test_ledger_init(&test, &chain, 1);
    notch_test_ledger_init(&plain, &chain, 2);
    struct notch_test_block blocks[4];
    const struct notch_ledger_result *parent = notch_ledger_base(test.ledger);
    for (uint32_t b = 0; b < 4; b++) {
        struct notch_buf record;
        insight_record(&record, 3, b, &chain.genesis_hash, NOTCH_TEST_NOW_MS);
        block_of(&blocks[b], parent, 1, &at_genesis, &record, 1);
        assert_int_equal(notch_test_ledger_run(&plain, &blocks[b]), NOTCH_OK);
        struct notch_ledger_result expected = blocks[b].result;
        assert_int_equal(notch_test_ledger_run(&test, &blocks[b]), NOTCH_OK);
        assert_true(same_result(&expected, &blocks[b].result));
        parent = &blocks[b].result;
        if (b < 3) {
            notch_test_ledger_submit_final(&test, &blocks[b].hash);
        }
    }
    assert_int_equal(notch_memstore_waiting(test.store), 3);
    assert_int_equal(notch_ledger_undo(test.ledger, &test.commit), NOTCH_ERR_BUSY);
    notch_test_ledger_complete(&test);
    size_t bytes;
    assert_int_equal(notch_ledger_layers(test.ledger, &bytes), 1);
    notch_test_ledger_finalize(&test, &blocks[3].hash);
    notch_test_ledger_finalize(&plain, &blocks[3].hash);
    struct notch_hash a = notch_test_ledger_dump(&test);
    struct notch_hash b = notch_test_ledger_dump(&plain);
    assert_true(notch_hash_eq(&a, &b));
    for (uint32_t i = 0; i < 4; i++) {
        notch_test_block_fini(&blocks[i]);
    }
    notch_test_ledger_fini(&test);
    notch_test_ledger_fini(&plain);
}

static int setup(void **state)
{
    (void)state;
    notch_test_chain_init(&chain, NOTCH_MODE_PRIVATE, notch_crypto_standin(), 2);
    at_genesis = (struct notch_checkpoint){chain.genesis.slot0, chain.genesis_hash};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    notch_test_chain_fini(&chain);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_genesis),
        cmocka_unit_test(test_open_of_nothing),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_one_block),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_refs),
        cmocka_unit_test(test_rejected_takes_nothing),
        cmocka_unit_test(test_quota),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_limits_and_unknown),
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_commits_overlap),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
