#include "chain/proof.h"

#include "tests/support/proof_checks.h"
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
    return notch_test_request_for(&proofs, checkpoint, height);
}

static uint32_t height_with_batches(uint32_t from)
{
    return notch_test_height_with_batches(&proofs, from);
}

static void refuse_all_changes(uint32_t checkpoint, uint32_t height)
{
    notch_test_refuse_changes(&proofs, checkpoint, height);
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

/* One byte of a content changed: of the header, the record, or the path, one behind the other. */
static size_t damaged_at;
static bool damage_is_behind;

static enum notch_err damaged_content(const void *self, struct notch_proof_content *out, const struct notch_hash *batch,
                                      uint32_t record_index)
{
    enum notch_err err = proofs.source.content(self, out, batch, record_index);
    size_t at = damaged_at;
    size_t path_len = out->path_len * sizeof out->path[0].raw;
    damage_is_behind = at >= out->header.len + out->record.len + path_len;
    if (at < out->header.len) {
        out->header.data[at] ^= 4;
    } else if (at < out->header.len + out->record.len) {
        out->record.data[at - out->header.len] ^= 4;
    } else if (!damage_is_behind) {
        at -= out->header.len + out->record.len;
        out->path[at / 32].raw[at % 32] ^= 4;
    } else {
        out->path_len++;
    }
    return err;
}

/* Contents are read without a checksum: no byte of them may be wrong in a proof. */
static void test_damaged_content(void **state)
{
    (void)state;
    struct notch_proof_source source = proofs.source;
    source.content = damaged_content;
    struct notch_proof_request request = request_for(0, height_with_batches(5));
    request.record_index = 1;
    damage_is_behind = false;
    for (damaged_at = 0; !damage_is_behind; damaged_at++) {
        notch_buf_clear(&bytes);
        enum notch_err err = notch_proof_build(&bytes, &request, &source, &proofs.chain.domain, notch_alloc_heap());
        if (err != NOTCH_ERR_CORRUPT || bytes.len != 0) {
            fail_msg("byte %zu: error %d", damaged_at, (int)err);
        }
    }
    assert_true(damaged_at > 300);
}

/* Where the certificate of a proof from the genesis without hops begins: behind anchor, count of hops, and kind. */
static size_t certified_at(void)
{
    size_t genesis_len = proofs.chain.genesis_bytes.len;
    return 8 + notch_uvar_len(genesis_len) + genesis_len + 2;
}

static void write_certified(struct notch_buf *out, const struct notch_proof_final *final)
{
    uint8_t header[NOTCH_HEADER_LEN];
    struct notch_writer writer = notch_writer(header, sizeof header);
    notch_header_encode(&writer, &final->header);
    writer = notch_writer_grow(out);
    notch_write_bytes(&writer, header, NOTCH_HEADER_UNSIGNED_LEN);
    notch_write_blob(&writer, notch_buf_bytes(&final->set));
    notch_write_blob(&writer, notch_buf_bytes(&final->votes));
}

static size_t certified_len(const struct notch_proof_final *final)
{
    return NOTCH_HEADER_UNSIGNED_LEN + notch_uvar_len(final->set.len) + final->set.len +
           notch_uvar_len(final->votes.len) + final->votes.len;
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

/* An honest proof with another certificate in the place of its own: the builder makes none that does not hold. */
static struct notch_reject verify_with(enum notch_err (*final)(const void *self, struct notch_proof_final *out))
{
    proofs.final_height = 5;
    const struct notch_proof_request request = request_for(0, height_with_batches(1));
    assert_int_equal(build(&request), NOTCH_OK);
    struct notch_buf spliced;
    struct notch_proof_final own;
    struct notch_proof_final forged;
    notch_buf_init(&spliced, notch_alloc_heap());
    notch_test_final_init(&own);
    notch_test_final_init(&forged);
    assert_int_equal(proofs.source.final(&proofs, &own), NOTCH_OK);
    assert_int_equal(final(&proofs, &forged), NOTCH_OK);
    size_t at = certified_at();
    notch_buf_append(&spliced, bytes.data, at);
    write_certified(&spliced, &forged);
    at += certified_len(&own);
    notch_buf_append(&spliced, bytes.data + at, bytes.len - at);
    struct notch_hash checkpoint = notch_test_checkpoint(&proofs, 0);
    struct notch_proof_result result;
    struct notch_reject reject =
        notch_proof_verify(&result, notch_buf_bytes(&spliced), &checkpoint, proofs.chain.crypto, notch_alloc_heap());
    notch_test_final_fini(&own);
    notch_test_final_fini(&forged);
    notch_buf_fini(&spliced);
    proofs.final_height = BLOCKS;
    return reject;
}

static enum notch_err honest_final(const void *self, struct notch_proof_final *out)
{
    return proofs.source.final(self, out);
}

static void test_foreign_set(void **state)
{
    (void)state;
    assert_string_equal(verify_with(honest_final).reason, "");
    assert_int_equal(verify_with(foreign_final).code, NOTCH_REJECT_ROOT);
    struct notch_proof_source forged = proofs.source;
    forged.final = foreign_final;
    const struct notch_proof_request request = request_for(0, height_with_batches(4));
    notch_buf_clear(&bytes);
    assert_int_equal(notch_proof_build(&bytes, &request, &forged, &proofs.chain.domain, notch_alloc_heap()),
                     NOTCH_ERR_NOT_FOUND);
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
    assert_int_equal(verify_with(own_set_final).code, NOTCH_REJECT_ROOT);
    assert_int_equal(verify_with(other_root_final).code, NOTCH_REJECT_ROOT);
}

/* The same certificate put in as a hop as well, though its block signals nothing. */
static void test_hop_that_signals_nothing(void **state)
{
    (void)state;
    proofs.final_height = 5;
    const struct notch_proof_request request = request_for(0, height_with_batches(1));
    assert_int_equal(build(&request), NOTCH_OK);
    struct notch_proof_final final;
    notch_test_final_init(&final);
    assert_int_equal(proofs.source.final(&proofs, &final), NOTCH_OK);
    size_t hops_at = certified_at() - 2;
    assert_int_equal(bytes.data[hops_at], 0);
    struct notch_buf forged;
    notch_buf_init(&forged, notch_alloc_heap());
    notch_buf_append(&forged, bytes.data, hops_at);
    notch_buf_append(&forged, "\x01", 1);
    notch_buf_append(&forged, bytes.data + hops_at + 2, certified_len(&final));
    notch_buf_append(&forged, bytes.data + hops_at + 1, bytes.len - hops_at - 1);
    struct notch_hash checkpoint = notch_test_checkpoint(&proofs, 0);
    struct notch_proof_result result;
    assert_true(notch_is_valid(verify(&result, &checkpoint)));
    struct notch_reject reject =
        notch_proof_verify(&result, notch_buf_bytes(&forged), &checkpoint, proofs.chain.crypto, notch_alloc_heap());
    assert_int_equal(reject.code, NOTCH_REJECT_CONFLICT);
    notch_buf_fini(&forged);
    notch_test_final_fini(&final);
    proofs.final_height = BLOCKS;
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
        cmocka_unit_test(test_missing_change),      cmocka_unit_test(test_damaged_content),
    };
    const struct CMUnitTest standin_tests[] = {
        cmocka_unit_test(test_changes_from_genesis),
        cmocka_unit_test(test_changes_from_block),
        cmocka_unit_test(test_changes_from_signal_block),
        cmocka_unit_test(test_foreign_set),
        cmocka_unit_test(test_forged_headers),
        cmocka_unit_test(test_hop_that_signals_nothing),
    };
    const struct CMUnitTest unsigned_tests[] = {
        cmocka_unit_test(test_unsigned_records),
    };
    int failed = cmocka_run_group_tests(tests, set_up, tear_down);
    failed += cmocka_run_group_tests(standin_tests, set_up_standin, tear_down);
    return failed + cmocka_run_group_tests(unsigned_tests, set_up_unsigned, tear_down);
}
