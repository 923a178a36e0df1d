#include "tests/support/proof_checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct notch_proof_request notch_test_request_for(struct notch_test_proofs *proofs, uint32_t checkpoint,
                                                  uint32_t height)
{
    struct notch_proof_request request;
    bool found = false;
    for (unsigned tries = 0; tries < 10000 && !found; tries++) {
        found = notch_test_request(proofs, &request) && request.height.raw == height;
    }
    if (!found) {
        fail_msg("block %u of the fixture has no batches", height);
    }
    request.checkpoint.raw = checkpoint;
    return request;
}

uint32_t notch_test_height_with_batches(const struct notch_test_proofs *proofs, uint32_t from)
{
    while (proofs->blocks[from].header.n_batches == 0) {
        from++;
    }
    return from;
}

static bool is_good(const struct notch_test_proofs *proofs, const struct notch_buf *proof,
                    const struct notch_hash *checkpoint)
{
    struct notch_proof_result result;
    struct notch_reject reject =
        notch_proof_verify(&result, notch_buf_bytes(proof), checkpoint, proofs->chain.crypto, notch_alloc_heap());
    assert_true(notch_is_valid(reject) || result.height.raw == 0);
    return notch_is_valid(reject);
}

void notch_test_refuse_changes(struct notch_test_proofs *proofs, uint32_t checkpoint_height, uint32_t height)
{
    const struct notch_proof_request request = notch_test_request_for(proofs, checkpoint_height, height);
    struct notch_buf bytes;
    notch_buf_init(&bytes, notch_alloc_heap());
    assert_int_equal(notch_proof_build(&bytes, &request, &proofs->source, &proofs->chain.domain, notch_alloc_heap()),
                     NOTCH_OK);
    struct notch_hash checkpoint = notch_test_checkpoint(proofs, checkpoint_height);
    assert_true(is_good(proofs, &bytes, &checkpoint));
    for (size_t at = 0; at < bytes.len; at++) {
        uint8_t mask = (uint8_t)(1u << notch_rng_below(&proofs->rng, 8));
        bytes.data[at] ^= mask;
        if (is_good(proofs, &bytes, &checkpoint)) {
            fail_msg("byte %zu of %zu does not matter", at, bytes.len);
        }
        bytes.data[at] ^= mask;
    }
    for (size_t at = 0; at < sizeof checkpoint.raw; at++) {
        checkpoint.raw[at] ^= 0x10;
        assert_false(is_good(proofs, &bytes, &checkpoint));
        checkpoint.raw[at] ^= 0x10;
    }
    size_t len = bytes.len;
    for (bytes.len = 0; bytes.len < len; bytes.len++) {
        assert_false(is_good(proofs, &bytes, &checkpoint));
    }
    assert_true(is_good(proofs, &bytes, &checkpoint));
    notch_buf_append(&bytes, "", 1);
    assert_false(is_good(proofs, &bytes, &checkpoint));
    notch_buf_fini(&bytes);
}

void notch_test_final_init(struct notch_proof_final *final)
{
    memset(final, 0, sizeof *final);
    notch_buf_init(&final->set, notch_alloc_heap());
    notch_buf_init(&final->votes, notch_alloc_heap());
}

void notch_test_final_fini(struct notch_proof_final *final)
{
    notch_buf_fini(&final->set);
    notch_buf_fini(&final->votes);
}
