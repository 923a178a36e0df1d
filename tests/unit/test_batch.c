#include "chain/batch.h"

#include "tests/support/records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct notch_test_chain chain;
static struct notch_rng rng;
static struct notch_buf bytes;
static struct notch_hash made_id;

static int set_up(void **state)
{
    (void)state;
    notch_test_chain_init(&chain, NOTCH_MODE_PRIVATE, notch_crypto_secp(), 1);
    notch_rng_init(&rng, 2);
    notch_buf_init(&bytes, notch_alloc_heap());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    notch_buf_fini(&bytes);
    notch_test_chain_fini(&chain);
    return 0;
}

/* A batch of `count` records by turns of the signers; record `damaged` has a wrong signature (UINT32_MAX: none). */
static struct notch_bytes make(uint32_t count, uint32_t damaged)
{
    struct notch_batch_builder builder;
    notch_batch_builder_init(&builder, notch_alloc_heap(), chain.genesis.caps.batch_bytes);
    for (uint32_t i = 0; i < count; i++) {
        struct notch_record record;
        notch_buf_clear(&bytes);
        notch_test_record(&bytes, &rng, &chain, i % NOTCH_TEST_SIGNERS, 1 + i % 3);
        assert_true(notch_is_valid(notch_record_check(&record, notch_buf_bytes(&bytes), &chain.rules)));
        if (i == damaged) {
            bytes.data[record.header.len] ^= 1;
            assert_true(notch_is_valid(notch_record_check_unsigned(&record, notch_buf_bytes(&bytes), &chain.rules)));
        }
        assert_int_equal(notch_batch_builder_add(&builder, notch_buf_bytes(&bytes), &record.id), NOTCH_OK);
        assert_int_equal(notch_batch_builder_add(&builder, notch_buf_bytes(&bytes), &record.id), NOTCH_ERR_EXISTS);
    }
    notch_buf_clear(&bytes);
    const struct notch_time ts = {NOTCH_TEST_NOW_MS + 5};
    assert_int_equal(notch_batch_builder_sign(&builder, &bytes, &made_id, 9, ts, &chain.signers[0], &chain.rules),
                     NOTCH_OK);
    notch_batch_builder_fini(&builder);
    return notch_buf_bytes(&bytes);
}

static void test_build_and_check(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 2, 7, 40};
    static struct notch_record records[NOTCH_BATCH_RECORDS_MAX];
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(counts); i++) {
        struct notch_bytes encoded = make(counts[i], UINT32_MAX);
        struct notch_batch batch;
        uint32_t bad = 5;
        struct notch_reject reject = notch_batch_check(&batch, records, &bad, encoded, &chain.rules);
        if (!notch_is_valid(reject)) {
            fail_msg("%s", reject.reason);
        }
        assert_true(bad == UINT32_MAX);
        assert_true(notch_hash_eq(&batch.id, &made_id));
        assert_true(notch_key_eq(&batch.maker, &chain.signers[0].key));
        assert_true(batch.seq == 9);
        for (uint32_t r = 0; r < counts[i]; r++) {
            struct notch_bytes record;
            assert_int_equal(notch_batch_record(&batch, &record, r), NOTCH_OK);
            assert_true(record.data == records[r].encoded.data);
            struct notch_hash proof[NOTCH_MERKLE_PROOF_MAX];
            size_t len;
            struct notch_hash leaf;
            assert_int_equal(notch_batch_prove_record(&batch, proof, &len, r, &chain.domain), NOTCH_OK);
            notch_merkle_leaf(&leaf, notch_bytes(records[r].id.raw, 32));
            assert_true(notch_merkle_verify_inclusion(&leaf, r, counts[i], proof, len, &batch.records_root));
        }
        struct notch_bytes record;
        assert_int_equal(notch_batch_record(&batch, &record, counts[i]), NOTCH_ERR_RANGE);
        struct notch_batch header;
        assert_true(notch_is_valid(notch_batch_header_decode(&header, batch.header)));
        assert_int_equal(header.record_count, counts[i]);
    }
}

static void test_altered_bytes(void **state)
{
    (void)state;
    struct notch_bytes encoded = make(3, UINT32_MAX);
    struct notch_batch batch;
    for (size_t at = 0; at < encoded.len; at++) {
        bytes.data[at] ^= (uint8_t)(1u << at % 8);
        assert_false(notch_is_valid(notch_batch_check(&batch, NULL, NULL, encoded, &chain.rules)));
        bytes.data[at] ^= (uint8_t)(1u << at % 8);
    }
    for (size_t cut = 0; cut < encoded.len; cut += 3) {
        assert_false(
            notch_is_valid(notch_batch_check(&batch, NULL, NULL, notch_bytes(encoded.data, cut), &chain.rules)));
    }
    notch_buf_append(&bytes, "", 1);
    assert_int_equal(notch_batch_check(&batch, NULL, NULL, notch_buf_bytes(&bytes), &chain.rules).code,
                     NOTCH_REJECT_MALFORMED);
}

/* A maker that signs an invalid record can be named: the batch's own signature stands. */
static void test_invalid_record_inside(void **state)
{
    (void)state;
    struct notch_bytes encoded = make(5, 3);
    struct notch_batch batch;
    uint32_t bad;
    assert_true(notch_is_valid(notch_batch_check_header(&batch, encoded, &chain.rules)));
    assert_int_equal(notch_batch_check(&batch, NULL, &bad, encoded, &chain.rules).code, NOTCH_REJECT_SIGNATURE);
    assert_int_equal(bad, 3);
}

static void test_records_swapped(void **state)
{
    (void)state;
    struct notch_bytes encoded = make(2, UINT32_MAX);
    struct notch_batch batch;
    assert_true(notch_is_valid(notch_batch_check(&batch, NULL, NULL, encoded, &chain.rules)));
    struct notch_buf swapped;
    notch_buf_init(&swapped, notch_alloc_heap());
    struct notch_writer writer = notch_writer_grow(&swapped);
    notch_write_bytes(&writer, encoded.data, (size_t)(batch.records.data - encoded.data));
    for (uint32_t i = 2; i-- > 0;) {
        struct notch_bytes record;
        assert_int_equal(notch_batch_record(&batch, &record, i), NOTCH_OK);
        notch_write_blob(&writer, record);
    }
    assert_int_equal(notch_batch_check(&batch, NULL, NULL, notch_buf_bytes(&swapped), &chain.rules).code,
                     NOTCH_REJECT_ROOT);
    notch_buf_fini(&swapped);
}

static void test_same_record_twice(void **state)
{
    (void)state;
    struct notch_buf record_bytes;
    notch_buf_init(&record_bytes, notch_alloc_heap());
    notch_test_record(&record_bytes, &rng, &chain, 1, 1);
    struct notch_record record;
    assert_true(notch_is_valid(notch_record_check(&record, notch_buf_bytes(&record_bytes), &chain.rules)));
    struct notch_hash leaf;
    struct notch_hash root;
    notch_merkle_leaf(&leaf, notch_bytes(record.id.raw, 32));
    notch_merkle_node(&root, &leaf, &leaf);
    notch_buf_clear(&bytes);
    struct notch_writer writer = notch_writer_grow(&bytes);
    notch_write_key(&writer, &chain.signers[0].key);
    notch_write_u64(&writer, 1);
    notch_write_u64(&writer, NOTCH_TEST_NOW_MS);
    notch_write_uvar(&writer, 2);
    notch_write_hash(&writer, &root);
    struct notch_hash id;
    struct notch_sig sig;
    notch_batch_id(&id, &chain.domain, notch_buf_bytes(&bytes));
    assert_true(notch_sign(chain.crypto, &sig, &chain.signers[0], &id));
    notch_write_sig(&writer, &sig);
    notch_write_blob(&writer, notch_buf_bytes(&record_bytes));
    notch_write_blob(&writer, notch_buf_bytes(&record_bytes));
    struct notch_batch batch;
    assert_int_equal(notch_batch_check(&batch, NULL, NULL, notch_buf_bytes(&bytes), &chain.rules).code,
                     NOTCH_REJECT_DUPLICATE);
    notch_buf_fini(&record_bytes);
}

static void test_limits(void **state)
{
    (void)state;
    struct notch_batch_builder builder;
    struct notch_hash id;
    const struct notch_time ts = {NOTCH_TEST_NOW_MS};
    notch_batch_builder_init(&builder, notch_alloc_heap(), 1000);
    notch_buf_clear(&bytes);
    assert_int_equal(notch_batch_builder_sign(&builder, &bytes, &id, 1, ts, &chain.signers[0], &chain.rules),
                     NOTCH_ERR_RANGE);
    static uint8_t record[998];
    struct notch_hash ids[2] = {{{1}}, {{2}}};
    assert_int_equal(notch_batch_builder_add(&builder, notch_bytes(record, 999), &ids[0]), NOTCH_ERR_SPACE);
    assert_int_equal(notch_batch_builder_add(&builder, notch_bytes(record, 998), &ids[0]), NOTCH_OK);
    assert_int_equal(notch_batch_builder_add(&builder, notch_bytes(record, 0), &ids[1]), NOTCH_ERR_SPACE);
    notch_batch_builder_clear(&builder);
    assert_int_equal(notch_batch_builder_add(&builder, notch_bytes(record, 0), &ids[1]), NOTCH_OK);
    notch_batch_builder_fini(&builder);
    /* A batch that another chain's cap would allow. */
    struct notch_rules small = chain.rules;
    struct notch_bytes encoded = make(3, UINT32_MAX);
    small.batch_bytes_max = (uint32_t)encoded.len - 82 - 64 - 1;
    struct notch_batch batch;
    assert_int_equal(notch_batch_check(&batch, NULL, NULL, encoded, &small).code, NOTCH_REJECT_TOO_LARGE);
}

/* NOTCH_BATCH_RECORDS_MAX is what fits of the smallest records. */
static void test_smallest_records(void **state)
{
    (void)state;
    struct notch_batch_builder builder;
    struct notch_buf entries;
    notch_buf_init(&entries, notch_alloc_heap());
    notch_entry_append_raw(&entries, 100, notch_bytes("", 0));
    notch_batch_builder_init(&builder, notch_alloc_heap(), NOTCH_BATCH_RECORDS_BYTES_MAX);
    enum notch_err err = NOTCH_OK;
    for (uint32_t i = 0; err == NOTCH_OK; i++) {
        struct notch_hash id = {{(uint8_t)i, (uint8_t)(i >> 8)}};
        notch_buf_clear(&bytes);
        notch_test_record_of(&bytes, &rng, &chain, 0, notch_buf_bytes(&entries));
        assert_int_equal(bytes.len, 188);
        err = notch_batch_builder_add(&builder, notch_buf_bytes(&bytes), &id);
    }
    assert_int_equal(err, NOTCH_ERR_SPACE);
    assert_int_equal(builder.record_count, NOTCH_BATCH_RECORDS_MAX);
    assert_true(NOTCH_BATCH_RECORDS_BYTES_MAX - builder.records.len < 190);
    notch_batch_builder_fini(&builder);
    notch_buf_fini(&entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_build_and_check),       cmocka_unit_test(test_altered_bytes),
        cmocka_unit_test(test_invalid_record_inside), cmocka_unit_test(test_records_swapped),
        cmocka_unit_test(test_same_record_twice),     cmocka_unit_test(test_limits),
        cmocka_unit_test(test_smallest_records),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
