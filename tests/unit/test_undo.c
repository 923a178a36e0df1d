/*
 * Blocks that are flushed before they are final: how far the base may be moved back.
 */
#include "tests/support/ledger.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BLOCKS 4

static void test_not_below_what_is_final(void **state)
{
    (void)state;
    struct notch_test_chain chain;
    struct notch_test_ledger test;
    notch_test_chain_init(&chain, NOTCH_MODE_PRIVATE, notch_crypto_standin(), 1);
    notch_test_ledger_init(&test, &chain, 1);
    struct notch_checkpoint genesis = {chain.genesis.slot0, chain.genesis_hash};
    struct notch_ledger_result parent = *notch_ledger_base(test.ledger);
    struct notch_hash hashes[BLOCKS];
    struct notch_hash dumps[BLOCKS];
    for (uint32_t i = 0; i < BLOCKS; i++) {
        struct notch_test_block block;
        notch_test_block_init(&block, &chain, &parent, 1, &genesis);
        notch_test_block_seal(&block, &chain);
        assert_int_equal(notch_test_ledger_run(&test, &block), NOTCH_OK);
        parent = block.result;
        hashes[i] = block.hash;
        notch_test_ledger_flush(&test, &hashes[i]);
        dumps[i] = notch_test_ledger_dump(&test);
        notch_test_block_fini(&block);
    }
    assert_int_equal(notch_ledger_base(test.ledger)->height.raw, BLOCKS);
    notch_test_ledger_undo(&test);
    struct notch_hash dump = notch_test_ledger_dump(&test);
    assert_true(notch_hash_eq(&dump, &dumps[BLOCKS - 2]));

    /* The second block is final: its undo record, and that before it, go; the third one can still be taken back. */
    notch_test_ledger_finalize(&test, &hashes[1]);
    struct notch_hash final = notch_test_ledger_dump(&test);
    assert_false(notch_hash_eq(&final, &dump));
    notch_test_ledger_restart(&test);
    assert_int_equal(notch_ledger_base(test.ledger)->height.raw, 3);
    notch_test_ledger_undo(&test);
    assert_int_equal(notch_ledger_base(test.ledger)->height.raw, 2);
    assert_int_equal(notch_ledger_undo(test.ledger, &test.commit), NOTCH_ERR_NOT_FOUND);
    notch_test_ledger_restart(&test);
    assert_int_equal(notch_ledger_undo(test.ledger, &test.commit), NOTCH_ERR_NOT_FOUND);
    assert_true(notch_hash_eq(&notch_ledger_base(test.ledger)->block, &hashes[1]));
    notch_test_ledger_fini(&test);
    notch_test_chain_fini(&chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_not_below_what_is_final)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
