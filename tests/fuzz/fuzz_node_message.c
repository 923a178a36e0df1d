#include "node/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(struct notch_buf *buf, struct notch_bytes bytes)
{
    notch_assert(notch_bytes_eq(notch_buf_bytes(buf), bytes));
    notch_buf_clear(buf);
}

/* The first byte says which message; what is accepted encodes to the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct notch_bytes bytes = notch_bytes(data + 1, size - 1);
    struct notch_buf buf;
    notch_buf_init(&buf, notch_alloc_heap());
    struct notch_writer writer = notch_writer_grow(&buf);
    struct notch_status_message status;
    struct notch_want_message want;
    struct notch_have_message have;
    struct notch_stored_message stored;
    if (data[0] == 0 && notch_is_valid(notch_status_message_decode(&status, bytes))) {
        notch_status_message_encode(&writer, &status);
        same(&buf, bytes);
    } else if (data[0] == 1 && notch_is_valid(notch_want_message_decode(&want, bytes))) {
        notch_want_message_encode(&writer, &want);
        same(&buf, bytes);
    } else if (data[0] == 2 && notch_is_valid(notch_have_message_decode(&have, bytes))) {
        notch_have_message_encode(&writer, &have);
        same(&buf, bytes);
    } else if (data[0] == 3 && notch_is_valid(notch_stored_message_decode(&stored, bytes))) {
        notch_stored_message_encode(&writer, &stored);
        same(&buf, bytes);
    }
    notch_buf_fini(&buf);
    return 0;
}
