/*
 * A proof from outside.
 *
 * Input        the proof.
 *
 * The checkpoint is taken from the proof itself (the hash of the block or of the genesis that it starts from), so that
 * what is behind it is reached. Whatever is accepted is refused for another checkpoint, and with a byte behind it.
 */
#include "chain/proof.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The hash that makes the proof's first step hold, if it has one. */
static struct notch_hash checkpoint_of(struct notch_bytes proof)
{
    struct notch_hash checkpoint = {{0}};
    struct notch_reader reader = notch_reader(proof);
    notch_read_bytes(&reader, 7);
    if (notch_read_u8(&reader) == 0) {
        struct notch_bytes genesis = notch_read_blob(&reader, NOTCH_GENESIS_BYTES_MAX);
        notch_genesis_hash(&checkpoint, genesis);
        return checkpoint;
    }
    struct notch_hash genesis = notch_read_hash(&reader);
    struct notch_bytes header = notch_read_bytes(&reader, NOTCH_HEADER_UNSIGNED_LEN);
    struct notch_domain domain;
    notch_domain_init(&domain, &genesis);
    notch_domain_hash(&checkpoint, &domain, NOTCH_TAG_BLOCK, header);
    return checkpoint;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct notch_bytes proof = notch_bytes(data, size);
    struct notch_hash checkpoint = checkpoint_of(proof);
    struct notch_proof_result result;
    const struct notch_crypto *crypto = notch_crypto_standin();
    struct notch_reject reject = notch_proof_verify(&result, proof, &checkpoint, crypto, notch_alloc_heap());
    if (!notch_is_valid(reject)) {
        notch_assert(result.entry.encoded.data == NULL);
        return 0;
    }
    notch_assert(result.by_checkpoint || 3 * result.weight > 2 * result.weight_total);
    uint8_t *longer = malloc(size + 1);
    notch_assert(longer != NULL);
    memcpy(longer, data, size);
    longer[size] = 0;
    reject = notch_proof_verify(&result, notch_bytes(longer, size + 1), &checkpoint, crypto, notch_alloc_heap());
    notch_assert(!notch_is_valid(reject));
    free(longer);
    checkpoint.raw[0] ^= 1;
    reject = notch_proof_verify(&result, proof, &checkpoint, crypto, notch_alloc_heap());
    notch_assert(!notch_is_valid(reject));
    return 0;
}
