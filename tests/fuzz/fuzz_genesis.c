/*
 * A genesis file from outside.
 *
 * Input        the file.
 *
 * What is accepted, encoded again, must be the same bytes, and passes its own check; what is refused leaves nothing
 * behind.
 */
#include "chain/genesis.h"

#include "chain/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct notch_genesis genesis;
    notch_genesis_init(&genesis, notch_alloc_heap());
    if (!notch_is_valid(notch_genesis_decode(&genesis, notch_bytes(data, size)))) {
        notch_assert(genesis.members == NULL);
        return 0;
    }
    notch_assert(notch_is_valid(notch_genesis_check(&genesis)));
    struct notch_buf again;
    notch_buf_init(&again, notch_alloc_heap());
    notch_genesis_encode(&genesis, &again);
    notch_assert(notch_bytes_eq(notch_buf_bytes(&again), notch_bytes(data, size)));
    notch_buf_fini(&again);
    uint64_t weights[NOTCH_GENESIS_MEMBERS_MAX];
    uint64_t sum = 0;
    notch_weights_of_genesis(weights, &genesis);
    for (uint32_t i = 0; i < genesis.member_count; i++) {
        sum += weights[i];
    }
    notch_assert(sum > 0 && sum <= NOTCH_WEIGHT_ONE);
    notch_genesis_fini(&genesis);
    return 0;
}
