#include "chain/record.h"

#include "tests/support/records.h"
#include "tests/support/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct notch_test_chain chain;
static struct notch_rng rng;
static struct notch_buf bytes;

static int set_up(void **state)
{
    (void)state;
    notch_test_chain_init(&chain, NOTCH_MODE_PRIVATE, notch_crypto_secp(), 1);
    notch_rng_init(&rng, 1);
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

static struct notch_bytes make(uint32_t count)
{
    notch_buf_clear(&bytes);
    notch_test_record(&bytes, &rng, &chain, 0, count);
    return notch_buf_bytes(&bytes);
}

/* A record with these entries as they stand. */
static struct notch_bytes make_of(struct notch_bytes entries)
{
    notch_buf_clear(&bytes);
    notch_test_record_of(&bytes, &rng, &chain, 0, entries);
    return notch_buf_bytes(&bytes);
}

static void test_build_and_check(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 2, 3, 64, 100};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(counts); i++) {
        struct notch_bytes encoded = make(counts[i]);
        struct notch_record record;
        struct notch_reject reject = notch_record_check(&record, encoded, &chain.rules);
        if (!notch_is_valid(reject)) {
            fail_msg("%s", reject.reason);
        }
        assert_int_equal(record.entry_count, counts[i]);
        assert_true(notch_key_eq(&record.author, &chain.signers[0].key));
        assert_true(notch_hash_eq(&record.ref, &chain.genesis_hash));
        assert_int_equal(record.header.len + 64 + record.entries.len, encoded.len);
        uint32_t seen = 0;
        struct notch_reader reader = notch_reader(record.entries);
        struct notch_entry_view view;
        while (notch_record_next_entry(&reader, &view)) {
            struct notch_entry_view by_index;
            assert_int_equal(notch_record_entry(&record, &by_index, seen), NOTCH_OK);
            assert_true(view.encoded.data == by_index.encoded.data);
            seen++;
        }
        assert_int_equal(seen, counts[i]);
        assert_int_equal(notch_record_entry(&record, &view, seen), NOTCH_ERR_RANGE);
    }
}

/* The ids, computed as the header says them. */
static void test_ids(void **state)
{
    (void)state;
    struct notch_bytes encoded = make(2);
    struct notch_record record;
    assert_true(notch_is_valid(notch_record_check(&record, encoded, &chain.rules)));
    struct notch_hash sighash;
    notch_domain_hash(&sighash, &chain.domain, NOTCH_TAG_RECORD_SIGN, record.header);
    assert_true(notch_hash_eq(&sighash, &record.sighash));
    uint8_t both[96];
    memcpy(both, sighash.raw, 32);
    memcpy(both + 32, record.sig.raw, 64);
    struct notch_hash id;
    notch_domain_hash(&id, &chain.domain, NOTCH_TAG_RECORD_ID, notch_bytes(both, sizeof both));
    assert_true(notch_hash_eq(&id, &record.id));
    struct notch_record header;
    assert_true(notch_is_valid(notch_record_header_decode(&header, record.header)));
    assert_int_equal(header.entry_count, 2);
    assert_false(notch_is_valid(notch_record_header_decode(&header, record.encoded)));
}

static void test_entry_proofs(void **state)
{
    (void)state;
    struct notch_bytes encoded = make(37);
    struct notch_record record;
    assert_true(notch_is_valid(notch_record_check(&record, encoded, &chain.rules)));
    for (uint32_t i = 0; i < 37; i++) {
        struct notch_hash proof[NOTCH_MERKLE_PROOF_MAX];
        size_t len;
        struct notch_entry_view view;
        struct notch_hash leaf;
        assert_int_equal(notch_record_prove_entry(&record, proof, &len, i), NOTCH_OK);
        assert_int_equal(notch_record_entry(&record, &view, i), NOTCH_OK);
        notch_merkle_leaf(&leaf, view.encoded);
        assert_true(notch_merkle_verify_inclusion(&leaf, i, 37, proof, len, &record.entries_root));
    }
    struct notch_hash proof[NOTCH_MERKLE_PROOF_MAX];
    size_t len;
    assert_int_equal(notch_record_prove_entry(&record, proof, &len, 37), NOTCH_ERR_RANGE);
}

/* No changed bit and no cut passes: the signature or a root covers all of it. */
static void test_altered_bytes(void **state)
{
    (void)state;
    struct notch_bytes encoded = make(2);
    struct notch_record record;
    for (size_t at = 0; at < encoded.len; at++) {
        bytes.data[at] ^= (uint8_t)(1u << at % 8);
        assert_false(notch_is_valid(notch_record_check(&record, encoded, &chain.rules)));
        bytes.data[at] ^= (uint8_t)(1u << at % 8);
    }
    for (size_t cut = 0; cut < encoded.len; cut++) {
        assert_false(notch_is_valid(notch_record_check(&record, notch_bytes(encoded.data, cut), &chain.rules)));
    }
    notch_buf_append(&bytes, "", 1);
    assert_int_equal(notch_record_check(&record, notch_buf_bytes(&bytes), &chain.rules).code, NOTCH_REJECT_MALFORMED);
}

/* The id commits to the signature: what is altered there is another record, and not a valid one. */
static void test_signature(void **state)
{
    (void)state;
    struct notch_bytes encoded = make(1);
    struct notch_record record;
    assert_true(notch_is_valid(notch_record_check(&record, encoded, &chain.rules)));
    struct notch_hash id = record.id;
    bytes.data[record.header.len + 3] ^= 1;
    assert_true(notch_is_valid(notch_record_check_unsigned(&record, encoded, &chain.rules)));
    assert_false(notch_hash_eq(&id, &record.id));
    assert_int_equal(notch_record_check(&record, encoded, &chain.rules).code, NOTCH_REJECT_SIGNATURE);
}

static void test_another_chain(void **state)
{
    (void)state;
    struct notch_test_chain other;
    notch_test_chain_init(&other, NOTCH_MODE_PRIVATE, notch_crypto_secp(), 2);
    struct notch_record record;
    assert_int_equal(notch_record_check(&record, make(1), &other.rules).code, NOTCH_REJECT_SIGNATURE);
    notch_test_chain_fini(&other);
}

static void test_unknown_type_is_carried(void **state)
{
    (void)state;
    struct notch_buf entries;
    notch_buf_init(&entries, notch_alloc_heap());
    notch_entry_append_raw(&entries, 1000, notch_bytes("from a later version", 20));
    notch_entry_append_raw(&entries, UINT64_MAX, notch_bytes("", 0));
    struct notch_record record;
    assert_true(notch_is_valid(notch_record_check(&record, make_of(notch_buf_bytes(&entries)), &chain.rules)));
    assert_int_equal(record.entry_count, 2);
    notch_buf_fini(&entries);
}

static void test_refusals(void **state)
{
    (void)state;
    struct notch_buf entries;
    notch_buf_init(&entries, notch_alloc_heap());
    struct notch_record record;
    /* A known type with a payload that is not its encoding. */
    notch_entry_append_raw(&entries, NOTCH_ENTRY_VOUCH, notch_bytes("\x02", 1));
    assert_int_equal(notch_record_check(&record, make_of(notch_buf_bytes(&entries)), &chain.rules).code,
                     NOTCH_REJECT_MALFORMED);
    /* The same entry twice has no root to be built with. */
    notch_buf_clear(&entries);
    notch_entry_append_raw(&entries, 77, notch_bytes("a", 1));
    notch_entry_append_raw(&entries, 78, notch_bytes("a", 1));
    notch_entry_append_raw(&entries, 77, notch_bytes("a", 1));
    struct notch_hash root;
    uint32_t count;
    assert_int_equal(notch_record_entries_root(&root, &count, notch_buf_bytes(&entries)), NOTCH_ERR_EXISTS);
    assert_int_equal(notch_record_entries_root(&root, &count, notch_bytes(NULL, 0)), NOTCH_ERR_RANGE);
    assert_int_equal(notch_record_entries_root(&root, &count, notch_bytes("\x01\x05", 2)), NOTCH_ERR_INVALID);
    /* Larger than the chain allows, though not than any chain may. */
    struct notch_rules small = chain.rules;
    struct notch_bytes encoded = make(20);
    small.record_bytes_max = (uint32_t)encoded.len - 1;
    assert_int_equal(notch_record_check(&record, encoded, &small).code, NOTCH_REJECT_TOO_LARGE);
    small.record_bytes_max = (uint32_t)encoded.len;
    assert_true(notch_is_valid(notch_record_check(&record, encoded, &small)));
    bytes.data[0] = 2;
    assert_int_equal(notch_record_check(&record, encoded, &chain.rules).code, NOTCH_REJECT_VERSION);
    notch_buf_fini(&entries);
}

/* A record that its author signed, and that holds the same entry twice or a wrong count, is refused all the same. */
static void test_signed_nonsense(void **state)
{
    (void)state;
    static const uint8_t twice[] = {0x4d, 0x01, 'a', 0x4d, 0x01, 'a'};
    struct notch_hash leaf;
    struct notch_hash root;
    notch_merkle_leaf(&leaf, notch_bytes(twice, 3));
    notch_merkle_node(&root, &leaf, &leaf);
    uint8_t out[512];
    struct notch_writer writer = notch_writer(out, sizeof out);
    notch_write_u8(&writer, NOTCH_RECORD_VERSION);
    notch_write_key(&writer, &chain.signers[0].key);
    notch_write_u64(&writer, NOTCH_TEST_NOW_MS);
    notch_write_bytes(&writer, "salt of 16 bytes", NOTCH_SALT_LEN);
    notch_write_hash(&writer, &chain.genesis_hash);
    notch_write_uvar(&writer, 2);
    notch_write_hash(&writer, &root);
    struct notch_hash sighash;
    notch_domain_hash(&sighash, &chain.domain, NOTCH_TAG_RECORD_SIGN, notch_writer_bytes(&writer));
    struct notch_sig sig;
    assert_true(notch_sign(chain.crypto, &sig, &chain.signers[0], &sighash));
    notch_write_sig(&writer, &sig);
    notch_write_bytes(&writer, twice, sizeof twice);
    struct notch_record record;
    struct notch_bytes encoded = notch_writer_bytes(&writer);
    assert_int_equal(notch_record_check(&record, encoded, &chain.rules).code, NOTCH_REJECT_DUPLICATE);
    encoded.len -= 3;
    assert_int_equal(notch_record_check(&record, encoded, &chain.rules).code, NOTCH_REJECT_MALFORMED);
}

static void test_limits_of_the_builder(void **state)
{
    (void)state;
    struct notch_buf entries;
    notch_buf_init(&entries, notch_alloc_heap());
    for (uint32_t i = 0; i < NOTCH_RECORD_ENTRIES_MAX; i++) {
        uint8_t number[4];
        notch_put_be32(number, i);
        notch_entry_append_raw(&entries, 100, notch_bytes(number, sizeof number));
    }
    struct notch_record record;
    assert_true(notch_is_valid(notch_record_check(&record, make_of(notch_buf_bytes(&entries)), &chain.rules)));
    assert_int_equal(record.entry_count, 256);
    notch_entry_append_raw(&entries, 100, notch_bytes("more", 4));
    struct notch_hash root;
    uint32_t count;
    assert_int_equal(notch_record_entries_root(&root, &count, notch_buf_bytes(&entries)), NOTCH_ERR_RANGE);
    /* The largest record there is, and one byte more. */
    static uint8_t payload[NOTCH_RECORD_BYTES_MAX];
    struct notch_record_draft draft = {.author = chain.signers[0].key, .ts = {NOTCH_TEST_NOW_MS}};
    for (size_t len = NOTCH_RECORD_BYTES_MAX - 200; len < NOTCH_RECORD_BYTES_MAX - 180; len++) {
        notch_buf_clear(&entries);
        notch_buf_clear(&bytes);
        notch_entry_append_raw(&entries, 100, notch_bytes(payload, len));
        draft.entries = notch_buf_bytes(&entries);
        enum notch_err err = notch_record_build(&bytes, &draft, &chain.signers[0], &chain.domain, chain.crypto);
        size_t size = 122 + 64 + 1 + 3 + len;
        assert_int_equal(err, size > NOTCH_RECORD_BYTES_MAX ? NOTCH_ERR_SPACE : NOTCH_OK);
        assert_int_equal(bytes.len, err == NOTCH_OK ? size : 0);
    }
    notch_buf_fini(&entries);
}

/* Header first, signature from elsewhere: the same bytes as at once. */
static void test_offline_signing(void **state)
{
    (void)state;
    struct notch_buf entries;
    struct notch_buf header;
    notch_buf_init(&entries, notch_alloc_heap());
    notch_buf_init(&header, notch_alloc_heap());
    notch_entry_append_raw(&entries, 100, notch_bytes("abc", 3));
    const struct notch_record_draft draft = {.author = chain.signers[2].key,
                                             .ts = {NOTCH_TEST_NOW_MS},
                                             .salt = {{1, 2, 3}},
                                             .ref = chain.genesis_hash,
                                             .entries = notch_buf_bytes(&entries)};
    struct notch_hash sighash;
    struct notch_sig sig;
    assert_int_equal(notch_record_prepare(&header, &sighash, &draft, &chain.domain), NOTCH_OK);
    assert_true(notch_sign(chain.crypto, &sig, &chain.signers[2], &sighash));
    notch_buf_clear(&bytes);
    notch_record_finish(&bytes, notch_buf_bytes(&header), &sig, draft.entries);
    struct notch_record record;
    assert_true(notch_is_valid(notch_record_check(&record, notch_buf_bytes(&bytes), &chain.rules)));
    struct notch_buf at_once;
    notch_buf_init(&at_once, notch_alloc_heap());
    assert_int_equal(notch_record_build(&at_once, &draft, &chain.signers[2], &chain.domain, chain.crypto), NOTCH_OK);
    assert_true(notch_bytes_eq(notch_buf_bytes(&at_once), notch_buf_bytes(&bytes)));
    notch_buf_fini(&at_once);
    notch_buf_fini(&header);
    notch_buf_fini(&entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_build_and_check),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_entry_proofs),
        cmocka_unit_test(test_altered_bytes),
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_another_chain),
        cmocka_unit_test(test_unknown_type_is_carried),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_signed_nonsense),
        cmocka_unit_test(test_limits_of_the_builder),
        cmocka_unit_test(test_offline_signing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
