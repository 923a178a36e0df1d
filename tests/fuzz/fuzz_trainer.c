/*
 * A checkpoint of the pricing agent: what is accepted encodes to the same bytes.
 */
#include "ai/agent/pricing/trainer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct notch_alloc *alloc = notch_alloc_heap();
    struct notch_bytes input = notch_bytes(data, size);
    struct notch_reader reader = notch_reader(input);
    struct notch_trainer *trainer;
    notch_trainer_read(&reader, &trainer, alloc);
    if (trainer == NULL) {
        notch_assert(reader.failed);
        return 0;
    }
    if (notch_reader_done(&reader)) {
        struct notch_buf again;
        notch_buf_init(&again, alloc);
        struct notch_writer writer = notch_writer_grow(&again);
        notch_trainer_write(trainer, &writer);
        notch_assert(notch_bytes_eq(notch_buf_bytes(&again), input));
        notch_buf_fini(&again);
    }
    notch_trainer_destroy(trainer);
    return 0;
}
