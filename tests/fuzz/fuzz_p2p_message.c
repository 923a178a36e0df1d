#include "p2p/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte is the type. What is accepted encodes to the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct notch_p2p_message message;
    if (size == 0 || !notch_is_valid(notch_p2p_decode(&message, data[0], notch_bytes(data + 1, size - 1)))) {
        return 0;
    }
    struct notch_buf buf;
    notch_buf_init(&buf, notch_alloc_heap());
    struct notch_writer writer = notch_writer_grow(&buf);
    notch_p2p_encode(&writer, &message);
    notch_assert(notch_bytes_eq(notch_buf_bytes(&buf), notch_bytes(data + 1, size - 1)));
    notch_buf_fini(&buf);
    return 0;
}
