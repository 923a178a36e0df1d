#include "chain/proof.h"

#include "tests/support/proofs.h"
#include "tests/support/util.h"
#include "tests/support/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BLOCKS = 30, EPOCH = 9 };

static struct notch_test_proofs proofs;
static struct notch_buf bytes;

static int set_up_with(const struct notch_crypto *crypto)
{
    notch_test_proofs_init(&proofs, crypto, 7, 4, BLOCKS, EPOCH);
    notch_buf_init(&bytes, notch_alloc_heap());
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    return set_up_with(notch_crypto_secp());
}

/* Thousands of verifications: with signatures that cost little. */
static int set_up_standin(void **state)
{
    (void)state;
    return set_up_with(notch_crypto_standin());
}

static int tear_down(void **state)
{
    (void)state;
    notch_buf_fini(&bytes);
    notch_test_proofs_fini(&proofs);
    return 0;
}

static enum notch_err build(const struct notch_proof_request *request)
{
    notch_buf_clear(&bytes);
    return notch_proof_build(&bytes, request, &proofs.source, &proofs.chain.domain, notch_alloc_heap());
}

static struct notch_reject verify(struct notch_proof_result *result, const struct notch_hash *checkpoint)
{
    return notch_proof_verify(result, notch_buf_bytes(&bytes), checkpoint, proofs.chain.crypto, notch_alloc_heap());
}

static struct notch_proof_request request_for(uint32_t checkpoint, uint32_t height)
{
    struct notch_proof_request request;
    bool found = false;
    for (unsigned tries = 0; tries < 10000 && !found; tries++) {
        found = notch_test_request(&proofs, &request) && request.height.raw == height;
    }
    if (!found) {
        fail_msg("block %u of the fixture has no batches", height);
    }
    request.checkpoint.raw = checkpoint;
    return request;
}

/* What the proof says is what the chain of the test holds. */
static void check_result(const struct notch_proof_result *result, const struct notch_proof_request *request)
{
    const struct notch_test_block *block = &proofs.blocks[request->height.raw];
    struct notch_batch batch;
    struct notch_bytes encoded;
    struct notch_record record;
    struct notch_entry_view entry;
    assert_true(notch_hash_eq(&result->genesis, &proofs.chain.genesis_hash));
    assert_true(notch_hash_eq(&result->block, &block->hash));
    assert_true(result->height.raw == request->height.raw);
    assert_true(result->slot.raw == block->header.slot.raw);
    assert_true(result->time.raw == block->header.time.raw);
    assert_true(notch_hash_eq(&result->batch_id, &block->batch_ids[request->batch_index]));
    struct notch_bytes batch_bytes = notch_buf_bytes(&block->batches[request->batch_index]);
    assert_true(notch_is_valid(notch_batch_check(&batch, NULL, NULL, batch_bytes, &proofs.chain.rules)));
    assert_int_equal(notch_batch_record(&batch, &encoded, request->record_index), NOTCH_OK);
    assert_true(notch_is_valid(notch_record_check(&record, encoded, &proofs.chain.rules)));
    assert_true(notch_hash_eq(&result->record_id, &record.id));
    assert_true(notch_key_eq(&result->author, &record.author));
    assert_int_equal(result->entry_index, request->entry_index);
    assert_int_equal(notch_record_entry(&record, &entry, request->entry_index), NOTCH_OK);
    assert_true(notch_bytes_eq(result->entry.encoded, entry.encoded));
    assert_true(result->final_height.raw >= result->height.raw);
    if (!result->by_checkpoint) {
        assert_true(3 * result->weight > 2 * result->weight_total);
    }
}

static void test_build_and_verify(void **state)
{
    (void)state;
    unsigned by_checkpoint = 0;
    unsigned with_hops = 0;
    for (unsigned run = 0; run < 300; run++) {
        struct notch_proof_request request;
        proofs.final_height = 1 + (uint32_t)notch_rng_below(&proofs.rng, BLOCKS);
        if (!notch_test_request(&proofs, &request)) {
            continue;
        }
        assert_int_equal(build(&request), NOTCH_OK);
        struct notch_hash checkpoint = notch_test_checkpoint(&proofs, (uint32_t)request.checkpoint.raw);
        struct notch_proof_result result;
        struct notch_reject reject = verify(&result, &checkpoint);
        if (!notch_is_valid(reject)) {
            fail_msg("run %u, %u to %u under %u: %s", run, (unsigned)request.checkpoint.raw,
                     (unsigned)request.height.raw, proofs.final_height, reject.reason);
        }
        check_result(&result, &request);
        by_checkpoint += result.by_checkpoint;
        with_hops += result.hops > 0;
    }
    proofs.final_height = BLOCKS;
    assert_true(by_checkpoint > 20);
    assert_true(with_hops > 20);
}

/* Every byte of the proof, its cuts, and every byte of the checkpoint. */
static void refuse_all_changes(uint32_t checkpoint_height, uint32_t height)
{
    const struct notch_proof_request request = request_for(checkpoint_height, height);
    assert_int_equal(build(&request), NOTCH_OK);
    struct notch_hash checkpoint = notch_test_checkpoint(&proofs, checkpoint_height);
    struct notch_proof_result result;
    assert_true(notch_is_valid(verify(&result, &checkpoint)));
    for (size_t at = 0; at < bytes.len; at++) {
        uint8_t mask = (uint8_t)(1u << notch_rng_below(&proofs.rng, 8));
        bytes.data[at] ^= mask;
        if (notch_is_valid(verify(&result, &checkpoint))) {
            fail_msg("byte %zu of %zu does not matter", at, bytes.len);
        }
        bytes.data[at] ^= mask;
    }
    for (size_t at = 0; at < sizeof checkpoint.raw; at++) {
        checkpoint.raw[at] ^= 0x10;
        assert_false(notch_is_valid(verify(&result, &checkpoint)));
        checkpoint.raw[at] ^= 0x10;
    }
    size_t len = bytes.len;
    for (bytes.len = 0; bytes.len < len; bytes.len++) {
        assert_false(notch_is_valid(verify(&result, &checkpoint)));
    }
    assert_true(notch_is_valid(verify(&result, &checkpoint)));
    notch_buf_append(&bytes, "", 1);
    assert_false(notch_is_valid(verify(&result, &checkpoint)));
    assert_true(result.height.raw == 0);
}

static uint32_t height_with_batches(uint32_t from)
{
    while (proofs.blocks[from].header.n_batches == 0) {
        from++;
    }
    return from;
}

static void test_changes_from_genesis(void **state)
{
    (void)state;
    refuse_all_changes(0, height_with_batches(10));
}

static void test_changes_from_block(void **state)
{
    (void)state;
    refuse_all_changes(8, height_with_batches(20));
}

static void test_changes_from_signal_block(void **state)
{
    (void)state;
    assert_true((proofs.blocks[EPOCH].header.flags & NOTCH_HEADER_SIGNAL) != 0);
    refuse_all_changes(EPOCH, height_with_batches(EPOCH + 2));
}

static void test_changes_under_checkpoint(void **state)
{
    (void)state;
    refuse_all_changes(25, height_with_batches(3));
    uint32_t height = height_with_batches(12);
    refuse_all_changes(height, height);
}

/* A block behind the signal block, of the old set, that the new set made final. */
static void test_pending_block(void **state)
{
    (void)state;
    uint32_t pending = EPOCH + 1;
    assert_true((proofs.blocks[pending].header.flags & NOTCH_HEADER_PENDING) != 0);
    proofs.final_height = pending;
    const struct notch_proof_request request = request_for(0, height_with_batches(1));
    assert_int_equal(build(&request), NOTCH_OK);
    struct notch_hash checkpoint = notch_test_checkpoint(&proofs, 0);
    struct notch_proof_result result;
    assert_true(notch_is_valid(verify(&result, &checkpoint)));
    assert_int_equal(result.hops, 1);
    assert_int_equal(result.set_id, 1);
    proofs.final_height = BLOCKS;
}

/* Proofs that must stay valid for as long as the version of the format is 1. */
static void test_published(void **state)
{
    (void)state;
    enum { ROWS = 14 };
    json_t *vectors = notch_test_vectors_open("tests/vectors/proof.json");
    const json_t *rows = notch_test_vectors_rows(vectors, "vectors", ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        const json_t *row = json_array_get(rows, i);
        static uint8_t proof[8192];
        size_t len = notch_test_vectors_hex(proof, sizeof proof, row, "proof");
        struct notch_hash checkpoint;
        struct notch_proof_result result;
        notch_test_vectors_hex_exact(checkpoint.raw, sizeof checkpoint.raw, row, "checkpoint");
        struct notch_reject reject =
            notch_proof_verify(&result, notch_bytes(proof, len), &checkpoint, notch_crypto_secp(), notch_alloc_heap());
        if (!notch_is_valid(reject)) {
            fail_msg("%s: %s", notch_test_vectors_text(row, "name"), reject.reason);
        }
        assert_true(notch_test_hex_is(result.record_id.raw, 32, notch_test_vectors_text(row, "record")));
        assert_true(notch_test_hex_is(result.block.raw, 32, notch_test_vectors_text(row, "block")));
        assert_true(notch_test_hex_is(result.final_block.raw, 32, notch_test_vectors_text(row, "final_block")));
        struct notch_bytes entry = result.entry.encoded;
        assert_true(notch_test_hex_is(entry.data, entry.len, notch_test_vectors_text(row, "entry")));
    }
    json_decref(vectors);
}

static void test_builder_errors(void **state)
{
    (void)state;
    proofs.final_height = 20;
    uint32_t height = height_with_batches(5);
    struct notch_proof_request request = request_for(0, height);
    request.entry_index = 9;
    assert_int_equal(build(&request), NOTCH_ERR_RANGE);
    assert_int_equal(bytes.len, 0);
    request = request_for(0, height);
    request.record_index = 6;
    assert_int_equal(build(&request), NOTCH_ERR_RANGE);
    request = request_for(0, height);
    request.batch_index = NOTCH_TEST_BATCHES_MAX;
    assert_int_equal(build(&request), NOTCH_ERR_RANGE);
    request.height.raw = 0;
    assert_int_equal(build(&request), NOTCH_ERR_RANGE);
    request.height.raw = 21;
    assert_int_equal(build(&request), NOTCH_ERR_NOT_FOUND);
    request.checkpoint.raw = BLOCKS + 1;
    assert_int_equal(build(&request), NOTCH_ERR_NOT_FOUND);
    proofs.final_height = BLOCKS;
}

static enum notch_err no_change(const void *self, struct notch_proof_final *out, uint32_t set_id)
{
    (void)self;
    (void)out;
    (void)set_id;
    return NOTCH_ERR_NOT_FOUND;
}

static enum notch_err first_change(const void *self, struct notch_proof_final *out, uint32_t set_id)
{
    (void)set_id;
    return proofs.source.change(self, out, 0);
}

/* A source that lacks a change of the set, or gives one that is not the next: no proof that nobody accepts. */
static void test_missing_change(void **state)
{
    (void)state;
    const struct notch_proof_request request = request_for(0, height_with_batches(5));
    struct notch_proof_source lacking = proofs.source;
    lacking.change = no_change;
    notch_buf_clear(&bytes);
    assert_int_equal(notch_proof_build(&bytes, &request, &lacking, &proofs.chain.domain, notch_alloc_heap()),
                     NOTCH_ERR_NOT_FOUND);
    lacking.change = first_change;
    assert_int_equal(notch_proof_build(&bytes, &request, &lacking, &proofs.chain.domain, notch_alloc_heap()),
                     NOTCH_ERR_CORRUPT);
    assert_int_equal(bytes.len, 0);
}

/* ---- certificates that are signed well and prove nothing ---- */

enum forgery {
    HONEST,
    ONE_VOTE_SHORT,
    SAME_VOTER_TWICE,
    LATER_SLOT,
    SAME_SLOT,
    OLDER_SOURCE,
    OTHER_BLOCK,
    OTHER_SET_ID,
    OTHER_SET_ROOT,
    SHADOW_VOTE,
    NO_VOTES,
    FORGERIES
};

static enum forgery forgery;

static void forge_data(struct notch_vote_data *data)
{
    switch (forgery) {
    case LATER_SLOT:
        data->slot.raw++;
        break;
    case SAME_SLOT:
        data->slot.raw--;
        break;
    case OLDER_SOURCE:
        data->slot.raw -= 10;
        data->source.slot.raw -= 10;
        break;
    case OTHER_BLOCK:
        data->source.hash.raw[0] ^= 1;
        break;
    case OTHER_SET_ID:
        data->set_id++;
        break;
    case OTHER_SET_ROOT:
        data->set_root8[7] ^= 1;
        break;
    case HONEST:
    case ONE_VOTE_SHORT:
    case SAME_VOTER_TWICE:
    case SHADOW_VOTE:
    case NO_VOTES:
    case FORGERIES:
        break;
    }
}

/* Three of four members vote; in two bundles, so that one of them can be in both. */
static enum notch_err forged_final(const void *self, struct notch_proof_final *out)
{
    const struct notch_test_proofs *from = self;
    const struct notch_test_block *block = &from->blocks[from->final_height];
    const struct notch_set *set = &from->sets[block->header.set_id].set;
    struct notch_vote_data data = {.set_id = set->id,
                                   .slot = {block->header.slot.raw + 1},
                                   .source = {block->header.slot, block->hash},
                                   .target = block->hash,
                                   .head = block->hash};
    memcpy(data.set_root8, set->root.raw, sizeof data.set_root8);
    forge_data(&data);
    static const uint16_t voters[] = {0, 1, 2};
    struct notch_vote votes[3];
    size_t count = forgery == NO_VOTES ? 0 : forgery == ONE_VOTE_SHORT ? 2 : 3;
    for (size_t i = 0; i < count; i++) {
        uint16_t voter = forgery == SAME_VOTER_TWICE && i == 2 ? 1 : voters[i];
        if (i == 2) {
            memset(data.target.raw, 0xff, sizeof data.target.raw);
        }
        for (uint32_t s = 0; s < NOTCH_TEST_SIGNERS; s++) {
            if (notch_key_eq(&from->chain.signers[s].key, &set->members[voter].key)) {
                voter = forgery == SHADOW_VOTE && i == 2 ? NOTCH_VOTE_SHADOW : voter;
                assert_true(notch_vote_sign(&votes[i], &from->chain.domain, from->chain.crypto, &from->chain.signers[s],
                                            &data, voter));
                break;
            }
        }
    }
    out->header = block->header;
    struct notch_writer writer = notch_writer_grow(&out->set);
    notch_set_encode(&writer, set);
    writer = notch_writer_grow(&out->votes);
    notch_votes_encode(&writer, votes, count);
    return NOTCH_OK;
}

static void test_forged_certificates(void **state)
{
    (void)state;
    struct notch_proof_source honest = proofs.source;
    proofs.source.final = forged_final;
    struct notch_hash checkpoint = notch_test_checkpoint(&proofs, 0);
    const struct notch_proof_request request = request_for(0, height_with_batches(4));
    for (int kind = HONEST; kind < FORGERIES; kind++) {
        forgery = (enum forgery)kind;
        assert_int_equal(build(&request), NOTCH_OK);
        struct notch_proof_result result;
        struct notch_reject reject = verify(&result, &checkpoint);
        if (notch_is_valid(reject) != (forgery == HONEST)) {
            fail_msg("forgery %d: %s", kind, reject.reason);
        }
    }
    proofs.source = honest;
}

/* A set of the forger's own, whatever it signs, is not the one that the checkpoint leads to. */
static enum notch_err foreign_final(const void *self, struct notch_proof_final *out)
{
    const struct notch_test_proofs *from = self;
    struct notch_test_proofs *other = malloc(sizeof *other);
    assert_non_null(other);
    memcpy(other, from, sizeof *other);
    uint32_t id = from->blocks[from->final_height].header.set_id;
    struct notch_member member = {from->chain.signers[7].key, 1};
    other->sets[id].members[0] = member;
    struct notch_set *set = &other->sets[id].set;
    assert_true(notch_is_valid(notch_set_make(set, &from->chain.domain, id, other->sets[id].members, 1)));
    enum notch_err err = from->source.final(other, out);
    free(other);
    return err;
}

static void test_foreign_set(void **state)
{
    (void)state;
    struct notch_proof_source forged = proofs.source;
    forged.final = foreign_final;
    struct notch_hash checkpoint = notch_test_checkpoint(&proofs, 0);
    const struct notch_proof_request request = request_for(0, height_with_batches(4));
    notch_buf_clear(&bytes);
    assert_int_equal(notch_proof_build(&bytes, &request, &forged, &proofs.chain.domain, notch_alloc_heap()), NOTCH_OK);
    struct notch_proof_result result;
    assert_int_equal(verify(&result, &checkpoint).code, NOTCH_REJECT_ROOT);
}

/* A certificate by this set for the newest block with this set_root written into its header. */
static void certify_with(const struct notch_test_proofs *from, struct notch_proof_final *out,
                         const struct notch_set *set, const struct notch_signer *const *signers,
                         const struct notch_hash *set_root)
{
    out->header = from->blocks[from->final_height].header;
    out->header.set_root = *set_root;
    struct notch_vote_data data = {
        .set_id = set->id, .slot = {out->header.slot.raw + 1}, .source = {out->header.slot, {{0}}}};
    notch_header_hash(&data.source.hash, &from->chain.domain, &out->header);
    memcpy(data.set_root8, set->root.raw, sizeof data.set_root8);
    struct notch_vote votes[NOTCH_TEST_SIGNERS];
    for (uint32_t i = 0; i < set->count; i++) {
        assert_true(
            notch_vote_sign(&votes[i], &from->chain.domain, from->chain.crypto, signers[i], &data, (uint16_t)i));
    }
    struct notch_writer writer = notch_writer_grow(&out->set);
    notch_set_encode(&writer, set);
    writer = notch_writer_grow(&out->votes);
    notch_votes_encode(&writer, votes, set->count);
}

/* The forger's own set in the forger's own header: all of it fits, but nothing leads to it from the checkpoint. */
static enum notch_err own_set_final(const void *self, struct notch_proof_final *out)
{
    const struct notch_test_proofs *from = self;
    const struct notch_signer *signer = &from->chain.signers[7];
    const struct notch_member member = {signer->key, 1};
    uint32_t id = from->blocks[from->final_height].header.set_id;
    struct notch_set set;
    assert_true(notch_is_valid(notch_set_make(&set, &from->chain.domain, id, &member, 1)));
    certify_with(from, out, &set, &signer, &set.root);
    return NOTCH_OK;
}

/* The right set, of a block that says another one is in force. */
static enum notch_err other_root_final(const void *self, struct notch_proof_final *out)
{
    const struct notch_test_proofs *from = self;
    uint32_t id = from->blocks[from->final_height].header.set_id;
    const struct notch_set *set = &from->sets[id].set;
    const struct notch_signer *signers[NOTCH_TEST_SIGNERS];
    for (uint32_t i = 0; i < set->count; i++) {
        for (uint32_t s = 0; s < NOTCH_TEST_SIGNERS; s++) {
            if (notch_key_eq(&from->chain.signers[s].key, &set->members[i].key)) {
                signers[i] = &from->chain.signers[s];
            }
        }
    }
    certify_with(from, out, set, signers, &from->blocks[1].hash);
    return NOTCH_OK;
}

static void test_forged_headers(void **state)
{
    (void)state;
    struct notch_hash checkpoint = notch_test_checkpoint(&proofs, 0);
    const struct notch_proof_request request = request_for(0, height_with_batches(4));
    struct notch_proof_source forged = proofs.source;
    struct notch_proof_result result;
    forged.final = own_set_final;
    notch_buf_clear(&bytes);
    assert_int_equal(notch_proof_build(&bytes, &request, &forged, &proofs.chain.domain, notch_alloc_heap()), NOTCH_OK);
    assert_int_equal(verify(&result, &checkpoint).code, NOTCH_REJECT_ROOT);
    forged.final = other_root_final;
    notch_buf_clear(&bytes);
    assert_int_equal(notch_proof_build(&bytes, &request, &forged, &proofs.chain.domain, notch_alloc_heap()), NOTCH_OK);
    assert_int_equal(verify(&result, &checkpoint).code, NOTCH_REJECT_ROOT);
}

/* anchor | 0 hops | certified: the same certificate put in as a hop as well, though its block signals nothing. */
static void test_hop_that_signals_nothing(void **state)
{
    (void)state;
    proofs.final_height = 5;
    const struct notch_proof_request request = request_for(0, height_with_batches(1));
    assert_int_equal(build(&request), NOTCH_OK);
    struct notch_proof_final final;
    notch_buf_init(&final.set, notch_alloc_heap());
    notch_buf_init(&final.votes, notch_alloc_heap());
    assert_int_equal(proofs.source.final(&proofs, &final), NOTCH_OK);
    size_t genesis_len = proofs.chain.genesis_bytes.len;
    size_t hops_at = 8 + notch_uvar_len(genesis_len) + genesis_len;
    size_t len = NOTCH_HEADER_UNSIGNED_LEN + notch_uvar_len(final.set.len) + final.set.len +
                 notch_uvar_len(final.votes.len) + final.votes.len;
    assert_int_equal(bytes.data[hops_at], 0);
    struct notch_buf forged;
    notch_buf_init(&forged, notch_alloc_heap());
    notch_buf_append(&forged, bytes.data, hops_at);
    notch_buf_append(&forged, "\x01", 1);
    notch_buf_append(&forged, bytes.data + hops_at + 2, len);
    notch_buf_append(&forged, bytes.data + hops_at + 1, bytes.len - hops_at - 1);
    struct notch_hash checkpoint = notch_test_checkpoint(&proofs, 0);
    struct notch_proof_result result;
    assert_true(notch_is_valid(verify(&result, &checkpoint)));
    struct notch_reject reject =
        notch_proof_verify(&result, notch_buf_bytes(&forged), &checkpoint, proofs.chain.crypto, notch_alloc_heap());
    assert_int_equal(reject.code, NOTCH_REJECT_CONFLICT);
    notch_buf_fini(&forged);
    notch_buf_fini(&final.set);
    notch_buf_fini(&final.votes);
    proofs.final_height = BLOCKS;
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
    struct notch_vote_data data = {
        .set_id = set->id, .slot = {header->slot.raw + 1}, .source = {header->slot, {{0}}}};
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
    const struct notch_proof_request request = request_for(0, height_with_batches(4));
    notch_buf_clear(&bytes);
    assert_int_equal(notch_proof_build(&bytes, &request, &source, &proofs.chain.domain, notch_alloc_heap()), NOTCH_OK);
    struct notch_hash checkpoint = notch_test_checkpoint(&proofs, 0);
    struct notch_proof_result result;
    assert_string_equal(verify(&result, &checkpoint).reason, "");
    check_result(&result, &request);

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
        const struct notch_proof_request request = request_for(checkpoint, height_with_batches(checkpoint + 5));
        size_t len = proof_len(&one_set, &request, 0);
        assert_int_equal(proof_len(&proofs, &request, SAME_CHANGES), len);
    }
    /* By the next set, for a block of the one before. */
    proofs.final_height = SAME_BLOCKS - 1;
    one_set.final_height = SAME_BLOCKS - 1;
    assert_int_equal(proofs.blocks[SAME_BLOCKS - 1].header.flags, NOTCH_HEADER_PENDING);
    const struct notch_proof_request request = request_for(0, height_with_batches(9));
    assert_int_equal(proof_len(&proofs, &request, SAME_CHANGES), proof_len(&one_set, &request, 0));
    proofs.final_height = SAME_BLOCKS;
    notch_test_proofs_fini(&one_set);
}

static void test_changes_of_same_sets(void **state)
{
    (void)state;
    refuse_all_changes(0, height_with_batches(10));
    proofs.final_height = SAME_BLOCKS - 1;
    refuse_all_changes(20, height_with_batches(30));
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
    const struct notch_proof_request request = request_for(checkpoint_height, height_with_batches(60));
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

/* Validators that agree cannot make an author say what it has not signed. */
static int set_up_unsigned(void **state)
{
    (void)state;
    notch_test_proofs_init_unsigned(&proofs, notch_crypto_secp(), 7, 2, 6);
    notch_buf_init(&bytes, notch_alloc_heap());
    return 0;
}

static void test_unsigned_records(void **state)
{
    (void)state;
    const struct notch_proof_request request = request_for(0, height_with_batches(1));
    assert_int_equal(build(&request), NOTCH_OK);
    struct notch_hash checkpoint = notch_test_checkpoint(&proofs, 0);
    struct notch_proof_result result;
    assert_int_equal(verify(&result, &checkpoint).code, NOTCH_REJECT_SIGNATURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_build_and_verify),    cmocka_unit_test(test_changes_under_checkpoint),
        cmocka_unit_test(test_pending_block),       cmocka_unit_test(test_builder_errors),
        cmocka_unit_test(test_forged_certificates), cmocka_unit_test(test_published),
        cmocka_unit_test(test_missing_change),      cmocka_unit_test(test_picked_votes),
    };
    const struct CMUnitTest standin_tests[] = {
        cmocka_unit_test(test_changes_from_genesis),
        cmocka_unit_test(test_changes_from_block),
        cmocka_unit_test(test_changes_from_signal_block),
        cmocka_unit_test(test_foreign_set),
        cmocka_unit_test(test_forged_headers),
        cmocka_unit_test(test_hop_that_signals_nothing),
    };
    const struct CMUnitTest same_tests[] = {
        cmocka_unit_test(test_same_sets_need_no_hops),
        cmocka_unit_test(test_changes_of_same_sets),
        cmocka_unit_test(test_set_ids),
    };
    const struct CMUnitTest unsigned_tests[] = {
        cmocka_unit_test(test_unsigned_records),
    };
    int failed = cmocka_run_group_tests(tests, set_up, tear_down);
    failed += cmocka_run_group_tests(standin_tests, set_up_standin, tear_down);
    failed += cmocka_run_group_tests(same_tests, set_up_same, tear_down);
    return failed + cmocka_run_group_tests(unsigned_tests, set_up_unsigned, tear_down);
}
