#include "chain/groups.h"

#include "chain/memstore.h"
#include "tests/support/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* A batch in a store, as the ledger leaves it there. */
struct fixture {
    struct notch_test_chain chain;
    struct notch_rng rng;
    struct notch_batch_builder builder;
    struct notch_buf bytes;
    struct notch_batch batch;
    struct notch_memstore *store;
    struct notch_store_view view;
    struct notch_lookup lookup;
    struct notch_buf row;
    uint64_t position;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const struct notch_alloc *alloc = notch_alloc_heap();
    notch_test_chain_init(&fixture->chain, NOTCH_MODE_PRIVATE, notch_crypto_standin(), 1);
    notch_rng_init(&fixture->rng, 5);
    notch_batch_builder_init(&fixture->builder, alloc, NOTCH_BATCH_RECORDS_BYTES_MAX);
    notch_buf_init(&fixture->bytes, alloc);
    notch_buf_init(&fixture->row, alloc);
    fixture->store = notch_memstore_create(alloc, (struct notch_siphash_key){1, 2});
    fixture->view = notch_memstore_view(fixture->store);
    fixture->lookup = (struct notch_lookup){&fixture->view, NULL, &fixture->chain.domain, alloc};
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    notch_memstore_destroy(fixture->store);
    notch_buf_fini(&fixture->row);
    notch_buf_fini(&fixture->bytes);
    notch_batch_builder_fini(&fixture->builder);
    notch_test_chain_fini(&fixture->chain);
    free(fixture);
    return 0;
}

/* A batch of `count` records, each as short as there are. */
static void make_batch(struct fixture *fixture, uint32_t count)
{
    struct notch_test_chain *chain = &fixture->chain;
    struct notch_buf record;
    struct notch_buf entries;
    struct notch_hash id;
    notch_buf_init(&record, notch_alloc_heap());
    notch_buf_init(&entries, notch_alloc_heap());
    notch_entry_append_raw(&entries, 99, notch_bytes(NULL, 0));
    notch_batch_builder_clear(&fixture->builder);
    for (uint32_t i = 0; i < count; i++) {
        struct notch_record view;
        notch_buf_clear(&record);
        notch_test_record_of(&record, &fixture->rng, chain, 0, notch_buf_bytes(&entries));
        assert_true(notch_is_valid(notch_record_decode(&view, notch_buf_bytes(&record))));
        notch_record_hash(&view, &chain->domain);
        assert_int_equal(notch_batch_builder_add(&fixture->builder, view.encoded, &view.id), NOTCH_OK);
    }
    notch_buf_clear(&fixture->bytes);
    assert_int_equal(notch_batch_builder_sign(&fixture->builder, &fixture->bytes, &id, 1, (struct notch_time){2},
                                              &chain->signers[0], &chain->rules),
                     NOTCH_OK);
    assert_true(notch_is_valid(notch_batch_decode(&fixture->batch, notch_buf_bytes(&fixture->bytes))));
    fixture->batch.id = id;
    notch_buf_fini(&record);
    notch_buf_fini(&entries);
}

/* Puts `body` behind the others, and `row` as what was written of it (empty: nothing). */
static void put(struct fixture *fixture, struct notch_bytes body, struct notch_bytes row)
{
    struct notch_commit commit;
    notch_commit_init(&commit, notch_alloc_heap());
    fixture->position = fixture->view.body_count(fixture->view.self);
    commit.body_first = fixture->position;
    (void)notch_commit_body(&commit, body);
    if (row.len > 0) {
        struct notch_store_key key = notch_key_number(NOTCH_FLAT_GROUPS, fixture->position);
        notch_commit_put(&commit, notch_store_key_bytes(&key), row);
    }
    notch_memstore_apply(fixture->store, &commit);
    notch_commit_fini(&commit);
}

static void make_row(struct fixture *fixture)
{
    notch_buf_clear(&fixture->row);
    notch_groups_write(&fixture->row, &fixture->batch, fixture->builder.leaves);
}

static enum notch_err ask(struct fixture *fixture, struct notch_proof_content *out, uint32_t index)
{
    notch_proof_content_init(out, notch_alloc_heap());
    return notch_lookup_content(&fixture->lookup, out, fixture->position, index);
}

/* What the builder of a proof asks of a content before it believes it. */
static bool holds(const struct fixture *fixture, const struct notch_proof_content *content, uint32_t index)
{
    struct notch_batch header;
    struct notch_record record;
    struct notch_hash id, leaf;
    if (!notch_is_valid(notch_batch_header_decode(&header, notch_buf_bytes(&content->header))) ||
        !notch_is_valid(notch_record_decode(&record, notch_buf_bytes(&content->record)))) {
        return false;
    }
    notch_batch_id(&id, &fixture->chain.domain, header.header);
    notch_record_hash(&record, &fixture->chain.domain);
    notch_merkle_leaf(&leaf, notch_bytes(record.id.raw, sizeof record.id.raw));
    return notch_hash_eq(&id, &fixture->batch.id) &&
           notch_merkle_verify_inclusion(&leaf, index, header.record_count, content->path, content->path_len,
                                         &header.records_root);
}

/* With the roots or from the whole batch: the same bytes for every record. */
static void assert_same_as_whole(struct fixture *fixture)
{
    for (uint32_t i = 0; i < fixture->batch.record_count; i++) {
        struct notch_proof_content whole, found;
        notch_proof_content_init(&whole, notch_alloc_heap());
        assert_int_equal(notch_proof_content_of(&whole, fixture->batch.encoded, i, &fixture->chain.domain), NOTCH_OK);
        assert_int_equal(ask(fixture, &found, i), NOTCH_OK);
        assert_true(holds(fixture, &found, i));
        assert_true(notch_bytes_eq(notch_buf_bytes(&found.header), notch_buf_bytes(&whole.header)));
        assert_true(notch_bytes_eq(notch_buf_bytes(&found.record), notch_buf_bytes(&whole.record)));
        assert_int_equal(found.path_len, whole.path_len);
        assert_memory_equal(found.path, whole.path, whole.path_len * sizeof whole.path[0]);
        notch_proof_content_fini(&whole);
        notch_proof_content_fini(&found);
    }
}

static void contents_are_those_of_the_whole_batch(void **state)
{
    struct fixture *fixture = *state;
    static const uint32_t counts[] = {1, 2, 15, 16, 17, 18, 31, 32, 33, 48, 49, 64, 65, 129, 255, 256, 257, 343, 344};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        make_batch(fixture, counts[c]);
        make_row(fixture);
        put(fixture, fixture->batch.encoded, notch_buf_bytes(&fixture->row));
        assert_same_as_whole(fixture);
    }
}

static void without_a_row_the_batch_is_read(void **state)
{
    struct fixture *fixture = *state;
    make_batch(fixture, 40);
    put(fixture, fixture->batch.encoded, notch_bytes(NULL, 0));
    assert_same_as_whole(fixture);
}

static void what_is_not_there(void **state)
{
    struct fixture *fixture = *state;
    struct notch_proof_content content;
    make_batch(fixture, 20);
    make_row(fixture);
    static const uint32_t behind[] = {20, 31, 32, 1000, UINT32_MAX};
    for (int rows = 0; rows < 2; rows++) {
        put(fixture, fixture->batch.encoded, rows == 1 ? notch_buf_bytes(&fixture->row) : notch_bytes(NULL, 0));
        for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++) {
            assert_int_equal(ask(fixture, &content, behind[i]), NOTCH_ERR_RANGE);
            notch_proof_content_fini(&content);
        }
    }
    fixture->position++;
    assert_int_equal(ask(fixture, &content, 0), NOTCH_ERR_NOT_FOUND);
    notch_proof_content_fini(&content);
}

/* Asks for some record of each group. *held: how many answers hold, though something was changed. */
static void ask_some(struct fixture *fixture, unsigned *refused, unsigned *held)
{
    for (uint32_t i = 3; i < fixture->batch.record_count; i += 15) {
        struct notch_proof_content content;
        enum notch_err err = ask(fixture, &content, i);
        assert_true(err == NOTCH_OK || err == NOTCH_ERR_CORRUPT || err == NOTCH_ERR_RANGE);
        if (err == NOTCH_OK && holds(fixture, &content, i)) {
            /* Then it must be the truth: what was changed lies elsewhere. */
            struct notch_bytes record;
            assert_int_equal(notch_batch_record(&fixture->batch, &record, i), NOTCH_OK);
            assert_true(notch_bytes_eq(record, notch_buf_bytes(&content.record)));
            (*held)++;
        } else {
            (*refused)++;
        }
        notch_proof_content_fini(&content);
    }
}

static void a_damaged_row_makes_no_content(void **state)
{
    struct fixture *fixture = *state;
    make_batch(fixture, 37);
    make_row(fixture);
    for (size_t at = 0; at < fixture->row.len; at++) {
        unsigned refused = 0;
        unsigned held = 0;
        fixture->row.data[at] ^= 0x41;
        put(fixture, fixture->batch.encoded, notch_buf_bytes(&fixture->row));
        ask_some(fixture, &refused, &held);
        assert_true(refused > 0);
        fixture->row.data[at] ^= 0x41;
    }
    for (size_t len = 1; len < fixture->row.len; len++) {
        unsigned refused = 0;
        unsigned held = 0;
        put(fixture, fixture->batch.encoded, notch_bytes(fixture->row.data, len));
        ask_some(fixture, &refused, &held);
        assert_true(refused > 0);
    }
}

/* No checksum is looked at: what is read of a damaged batch must not pass for the record. */
static void a_damaged_batch_makes_no_content(void **state)
{
    struct fixture *fixture = *state;
    make_batch(fixture, 37);
    make_row(fixture);
    size_t records = (size_t)(fixture->batch.records.data - fixture->batch.encoded.data);
    struct notch_buf damaged;
    notch_buf_init(&damaged, notch_alloc_heap());
    for (size_t at = 0; at < fixture->batch.encoded.len; at += at < records + 400 ? 1 : 7) {
        unsigned refused = 0;
        unsigned held = 0;
        notch_buf_clear(&damaged);
        notch_buf_append(&damaged, fixture->batch.encoded.data, fixture->batch.encoded.len);
        damaged.data[at] ^= 0x10;
        put(fixture, notch_buf_bytes(&damaged), notch_buf_bytes(&fixture->row));
        ask_some(fixture, &refused, &held);
        bool in_signature = at >= records - sizeof(struct notch_sig) && at < records; /* no part of a content */
        if (at < records) {
            assert_true(in_signature ? refused == 0 : held == 0);
        }
    }
    notch_buf_fini(&damaged);
}

/* Where the ledger says that the bytes of a record are, they are; and whether all of it applied. */
static void check_place(const struct notch_lookup *lookup, const struct notch_test_block *block, uint32_t ordinal,
                        const struct notch_buf *batch)
{
    struct notch_record_place place;
    struct notch_receipt receipt;
    struct notch_record record;
    assert_int_equal(notch_lookup_record(lookup, &place, &block->ids[ordinal]), NOTCH_OK);
    assert_int_equal(place.ordinal, ordinal);
    assert_true(place.span.at < batch->len);
    assert_true(place.span.len <= batch->len - place.span.at);
    assert_true(notch_is_valid(notch_record_decode(&record, notch_bytes(batch->data + place.span.at, place.span.len))));
    notch_record_hash(&record, lookup->domain);
    assert_true(notch_hash_eq(&record.id, &block->ids[ordinal]));
    assert_int_equal(notch_lookup_receipt(lookup, &receipt, place.height, ordinal), NOTCH_OK);
    assert_int_equal(place.all_applied, receipt.all_applied);
}

/* Records that apply, records of a type that nobody knows, and one whose salt was used before. */
static void make_records(struct fixture *fixture, struct notch_buf *records, uint32_t count)
{
    struct notch_buf unknown;
    notch_buf_init(&unknown, notch_alloc_heap());
    notch_entry_append_raw(&unknown, 99, notch_bytes(NULL, 0));
    for (uint32_t i = 0; i < count; i++) {
        notch_buf_init(&records[i], notch_alloc_heap());
        if (i == count - 1) {
            notch_buf_append(&records[i], records[0].data, records[0].len);
        } else if (i % 3 == 1) {
            notch_test_record_of(&records[i], &fixture->rng, &fixture->chain, 0, notch_buf_bytes(&unknown));
        } else {
            notch_test_record(&records[i], &fixture->rng, &fixture->chain, 0, 1);
        }
    }
    notch_buf_fini(&unknown);
}

static void check_row(const struct notch_lookup *lookup, const struct notch_test_block *block, uint32_t at,
                      uint32_t first)
{
    struct notch_buf found, expected;
    struct notch_batch batch;
    struct notch_hash leaves[NOTCH_TEST_RECORDS];
    notch_buf_init(&found, notch_alloc_heap());
    notch_buf_init(&expected, notch_alloc_heap());
    assert_true(notch_is_valid(notch_batch_decode(&batch, notch_buf_bytes(&block->bytes[at]))));
    struct notch_store_key key = notch_key_number(NOTCH_FLAT_GROUPS, block->batches[at].position);
    enum notch_err err = notch_lookup_get(lookup, &found, notch_store_key_bytes(&key));
    assert_int_equal(err, batch.record_count > NOTCH_GROUP_RECORDS ? NOTCH_OK : NOTCH_ERR_NOT_FOUND);
    if (err == NOTCH_OK) {
        for (uint32_t i = 0; i < batch.record_count; i++) {
            notch_merkle_leaf(&leaves[i], notch_bytes(block->ids[first + i].raw, sizeof block->ids[first + i].raw));
        }
        notch_groups_write(&expected, &batch, leaves);
        assert_true(notch_bytes_eq(notch_buf_bytes(&found), notch_buf_bytes(&expected)));
    }
    for (uint32_t i = 0; i < batch.record_count; i++) {
        bool is_copy = first + i == block->record_count - 1; /* found where it was first */
        check_place(lookup, block, is_copy ? 0 : first + i, is_copy ? &block->bytes[0] : &block->bytes[at]);
    }
    notch_buf_fini(&found);
    notch_buf_fini(&expected);
}

static void the_ledger_keeps_them(void **state)
{
    enum { FEW = NOTCH_GROUP_RECORDS, MANY = NOTCH_GROUP_RECORDS + 1 };
    struct fixture *fixture = *state;
    const struct notch_checkpoint at_genesis = {{0}, fixture->chain.genesis_hash};
    struct notch_test_ledger test;
    struct notch_test_block block;
    struct notch_buf records[FEW + MANY];
    struct notch_lookup lookup;
    notch_test_ledger_init(&test, &fixture->chain, 1);
    make_records(fixture, records, FEW + MANY);
    notch_test_block_init(&block, &fixture->chain, notch_ledger_base(test.ledger), 1, &at_genesis);
    notch_test_block_add(&block, &fixture->chain, records, FEW);
    notch_test_block_add(&block, &fixture->chain, records + FEW, MANY);
    notch_test_block_seal(&block, &fixture->chain);
    assert_int_equal(notch_test_ledger_run(&test, &block), NOTCH_OK);
    assert_true(block.result.accepted > 0);
    assert_true(block.result.accepted < block.record_count);
    notch_test_ledger_finalize(&test, &block.hash);
    assert_int_equal(notch_ledger_lookup(test.ledger, &lookup, NULL), NOTCH_OK);
    check_row(&lookup, &block, 0, 0);
    check_row(&lookup, &block, 1, FEW);
    for (size_t i = 0; i < FEW + MANY; i++) {
        notch_buf_fini(&records[i]);
    }
    notch_test_block_fini(&block);
    notch_test_ledger_fini(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(contents_are_those_of_the_whole_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_row_the_batch_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_row_makes_no_content, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_batch_makes_no_content, setup, teardown),
        cmocka_unit_test_setup_teardown(the_ledger_keeps_them, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
