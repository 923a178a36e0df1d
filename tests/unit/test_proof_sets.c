/* Proofs: the certificate as the node keeps it, and sets that follow themselves. */
#include "tests/support/proof_checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BLOCKS = 12 };

static struct notch_test_proofs proofs;
static struct notch_buf bytes;

static int set_up(void **state)
{
    (void)state;
    notch_test_proofs_init(&proofs, notch_crypto_standin(), 7, 4, BLOCKS, 0);
    notch_buf_init(&bytes, notch_alloc_heap());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    notch_buf_fini(&bytes);
    notch_test_proofs_fini(&proofs);
    return 0;
}

static struct notch_reject verify(struct notch_proof_result *result, const struct notch_hash *checkpoint)
{
    return notch_proof_verify(result, notch_buf_bytes(&bytes), checkpoint, proofs.chain.crypto, notch_alloc_heap());
}

/* ---- a certificate as the node keeps it ---- */

static void vote_with(struct notch_buf *list, const struct notch_set *set, const struct notch_vote_data *data,
                      uint16_t validator)
{
    for (uint32_t s = 0; s < NOTCH_TEST_SIGNERS; s++) {
        const struct notch_signer *signer = &proofs.chain.signers[s];
        if (notch_key_eq(&signer->key, &set->members[validator].key)) {
            struct notch_vote vote;
            assert_true(notch_vote_sign(&vote, &proofs.chain.domain, proofs.chain.crypto, signer, data, validator));
            notch_buf_append(list, &vote, sizeof vote);
        }
    }
}

static int by_vote(const void *a, const void *b)
{
    return notch_vote_cmp(a, b);
}

/*
 * Both halves: in the first, two members had seen the block justified a slot earlier; in the second, one member voted
 * twice, and somebody from outside voted.
 */
static void both_halves(struct notch_buf *out, const struct notch_header *header, const struct notch_set *set)
{
    struct notch_buf list;
    notch_buf_init(&list, notch_alloc_heap());
    struct notch_vote_data data = {.set_id = set->id, .slot = {header->slot.raw + 1}, .source = {header->slot, {{0}}}};
    notch_header_hash(&data.source.hash, &proofs.chain.domain, header);
    data.target = data.source.hash;
    data.head = data.source.hash;
    memcpy(data.set_root8, set->root.raw, sizeof data.set_root8);
    vote_with(&list, set, &data, 0);
    vote_with(&list, set, &data, 1);
    struct notch_vote_data older = data;
    older.source.slot.raw -= 1;
    older.source.hash = header->parent;
    vote_with(&list, set, &older, 2);
    data.slot.raw++;
    data.source.slot.raw++;
    for (uint16_t validator = 0; validator < 3; validator++) {
        vote_with(&list, set, &data, validator);
    }
    struct notch_vote outside = ((struct notch_vote *)(void *)list.data)[3];
    outside.validator = NOTCH_VOTE_SHADOW;
    notch_buf_append(&list, &outside, sizeof outside);
    memset(data.target.raw, 0xff, sizeof data.target.raw);
    vote_with(&list, set, &data, 1);
    size_t count = list.len / sizeof outside;
    assert_int_equal(count, 8);
    qsort(list.data, count, sizeof outside, by_vote);
    struct notch_writer writer = notch_writer_grow(out);
    notch_votes_encode(&writer, (const struct notch_vote *)(const void *)list.data, count);
    notch_buf_fini(&list);
}

static enum notch_err final_of_both(const void *self, struct notch_proof_final *out)
{
    const struct notch_test_proofs *from = self;
    const struct notch_test_block *block = &from->blocks[from->final_height];
    const struct notch_set *set = &from->sets[block->header.set_id].set;
    struct notch_buf both;
    notch_buf_init(&both, notch_alloc_heap());
    both_halves(&both, &block->header, set);
    out->header = block->header;
    struct notch_writer writer = notch_writer_grow(&out->set);
    notch_set_encode(&writer, set);
    enum notch_err err = notch_proof_pick_votes(&out->votes, notch_buf_bytes(&both), &block->hash, notch_alloc_heap());
    notch_buf_fini(&both);
    return err;
}

static void test_picked_votes(void **state)
{
    (void)state;
    struct notch_proof_source source = proofs.source;
    source.final = final_of_both;
    const struct notch_proof_request request =
        notch_test_request_for(&proofs, 0, notch_test_height_with_batches(&proofs, 4));
    notch_buf_clear(&bytes);
    assert_int_equal(notch_proof_build(&bytes, &request, &source, &proofs.chain.domain, notch_alloc_heap()), NOTCH_OK);
    struct notch_hash checkpoint = notch_test_checkpoint(&proofs, 0);
    struct notch_proof_result result;
    assert_string_equal(verify(&result, &checkpoint).reason, "");
    assert_int_equal(result.weight, 3 * (result.weight_total / 4));

    struct notch_buf both;
    struct notch_buf picked;
    notch_buf_init(&both, notch_alloc_heap());
    notch_buf_init(&picked, notch_alloc_heap());
    const struct notch_test_block *block = &proofs.blocks[proofs.final_height];
    both_halves(&both, &block->header, &proofs.sets[block->header.set_id].set);
    assert_int_equal(notch_proof_pick_votes(&picked, notch_buf_bytes(&both), &checkpoint, notch_alloc_heap()),
                     NOTCH_ERR_NOT_FOUND);
    struct notch_bytes cut = notch_bytes(both.data, both.len - 1);
    assert_int_equal(notch_proof_pick_votes(&picked, cut, &block->hash, notch_alloc_heap()), NOTCH_ERR_CORRUPT);
    assert_int_equal(picked.len, 0);
    notch_buf_fini(&both);
    notch_buf_fini(&picked);
}

/* ---- sets that follow themselves ---- */

enum { SAME_CHANGES = 40, SAME_BLOCKS = 2 * SAME_CHANGES + 2 };

static int set_up_same(void **state)
{
    (void)state;
    notch_test_proofs_init_same(&proofs, notch_crypto_standin(), 7, 4, SAME_BLOCKS, 2);
    notch_buf_init(&bytes, notch_alloc_heap());
    return 0;
}

static size_t proof_len(const struct notch_test_proofs *chain, const struct notch_proof_request *request,
                        uint32_t set_id)
{
    notch_buf_clear(&bytes);
    assert_int_equal(notch_proof_build(&bytes, request, &chain->source, &chain->chain.domain, notch_alloc_heap()),
                     NOTCH_OK);
    struct notch_hash checkpoint = notch_test_checkpoint(chain, (uint32_t)request->checkpoint.raw);
    struct notch_proof_result result;
    assert_string_equal(verify(&result, &checkpoint).reason, "");
    assert_int_equal(result.hops, 0);
    assert_int_equal(result.set_id, set_id);
    return bytes.len;
}

/* As long as that of a chain with one set, wherever it starts. */
static void test_same_sets_need_no_hops(void **state)
{
    (void)state;
    static struct notch_test_proofs one_set;
    notch_test_proofs_init(&one_set, notch_crypto_standin(), 7, 4, SAME_BLOCKS, 0);
    assert_int_equal(proofs.set_count, SAME_CHANGES + 1);
    assert_int_equal(proofs.blocks[SAME_BLOCKS].header.set_id, SAME_CHANGES);
    for (uint32_t checkpoint = 0; checkpoint < 60; checkpoint += 7) {
        const struct notch_proof_request request =
            notch_test_request_for(&proofs, checkpoint, notch_test_height_with_batches(&proofs, checkpoint + 5));
        size_t len = proof_len(&one_set, &request, 0);
        assert_int_equal(proof_len(&proofs, &request, SAME_CHANGES), len);
    }
    /* By the next set, for a block of the one before. */
    proofs.final_height = SAME_BLOCKS - 1;
    one_set.final_height = SAME_BLOCKS - 1;
    assert_int_equal(proofs.blocks[SAME_BLOCKS - 1].header.flags, NOTCH_HEADER_PENDING);
    const struct notch_proof_request request =
        notch_test_request_for(&proofs, 0, notch_test_height_with_batches(&proofs, 9));
    assert_int_equal(proof_len(&proofs, &request, SAME_CHANGES), proof_len(&one_set, &request, 0));
    proofs.final_height = SAME_BLOCKS;
    notch_test_proofs_fini(&one_set);
}

static void test_changes_of_same_sets(void **state)
{
    (void)state;
    notch_test_refuse_changes(&proofs, 0, notch_test_height_with_batches(&proofs, 10));
    proofs.final_height = SAME_BLOCKS - 1;
    notch_test_refuse_changes(&proofs, 20, notch_test_height_with_batches(&proofs, 30));
    proofs.final_height = SAME_BLOCKS;
}

/* The root does not bind the id: header and votes do. */
static struct {
    uint32_t header_id;
    uint32_t set_id;
    uint8_t flags;
} renumbered;

static enum notch_err renumbered_final(const void *self, struct notch_proof_final *out)
{
    const struct notch_test_proofs *from = self;
    struct notch_header header = from->blocks[from->final_height].header;
    struct notch_set set = from->sets[0].set;
    header.set_id = renumbered.header_id;
    header.flags = renumbered.flags;
    set.id = renumbered.set_id;
    notch_test_certify(from, out, &header, &set);
    return NOTCH_OK;
}

static enum notch_err last_id_header(const void *self, struct notch_header *out, struct notch_height height)
{
    enum notch_err err = proofs.source.header(self, out, height);
    if (err == NOTCH_OK && height.raw == 20) {
        assert_int_equal(out->flags, NOTCH_HEADER_SIGNAL);
        out->set_id = UINT32_MAX;
    }
    return err;
}

static bool renumbered_passes(const struct notch_proof_source *source, uint32_t checkpoint_height)
{
    const struct notch_proof_request request =
        notch_test_request_for(&proofs, checkpoint_height, notch_test_height_with_batches(&proofs, 60));
    notch_buf_clear(&bytes);
    assert_int_equal(notch_proof_build(&bytes, &request, source, &proofs.chain.domain, notch_alloc_heap()), NOTCH_OK);
    struct notch_hash checkpoint = notch_test_checkpoint(&proofs, checkpoint_height);
    if (checkpoint_height > 0) {
        struct notch_header header;
        assert_int_equal(source->header(source->self, &header, request.checkpoint), NOTCH_OK);
        notch_header_hash(&checkpoint, &proofs.chain.domain, &header);
    }
    struct notch_proof_result result;
    struct notch_reject reject = verify(&result, &checkpoint);
    assert_true(notch_is_valid(reject) || reject.code == NOTCH_REJECT_ROOT);
    return notch_is_valid(reject);
}

static void test_set_ids(void **state)
{
    (void)state;
    static const struct {
        uint32_t header_id;
        uint32_t set_id;
        uint8_t flags;
        uint32_t checkpoint;
        bool valid;
    } rows[] = {
        {7, 7, 0, 0, true},
        {UINT32_MAX, UINT32_MAX, 0, 0, true},
        {7, 8, NOTCH_HEADER_PENDING, 0, true},
        {7, 8, 0, 0, false},
        {8, 7, 0, 0, false},
        {8, 7, NOTCH_HEADER_PENDING, 0, false},
        {7, 9, NOTCH_HEADER_PENDING, 0, false},
        {UINT32_MAX, 0, NOTCH_HEADER_PENDING, 0, false},
        {10, 10, 0, 21, true}, /* block 20 is the signal block of set 9; 21 is behind it */
        {9, 9, 0, 21, true},
        {8, 8, 0, 21, false},
        {10, 10, 0, 20, true},
        {9, 9, 0, 20, false},
    };
    struct notch_proof_source source = proofs.source;
    source.final = renumbered_final;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        renumbered.header_id = rows[i].header_id;
        renumbered.set_id = rows[i].set_id;
        renumbered.flags = rows[i].flags;
        if (renumbered_passes(&source, rows[i].checkpoint) != rows[i].valid) {
            fail_msg("row %zu", i);
        }
    }
    /* Behind the last id there is no set: none starts again at 0. */
    source.header = last_id_header;
    renumbered.header_id = 0;
    renumbered.set_id = 0;
    renumbered.flags = 0;
    assert_false(renumbered_passes(&source, 20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_picked_votes),
    };
    const struct CMUnitTest same_tests[] = {
        cmocka_unit_test(test_same_sets_need_no_hops),
        cmocka_unit_test(test_changes_of_same_sets),
        cmocka_unit_test(test_set_ids),
    };
    int failed = cmocka_run_group_tests(tests, set_up, tear_down);
    return failed + cmocka_run_group_tests(same_tests, set_up_same, tear_down);
}
