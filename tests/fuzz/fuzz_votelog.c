#include "consensus/votelog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct notch__log_entry entry;
    if (!notch_is_valid(notch__log_read(&entry, notch_bytes(data, size)))) {
        return 0;
    }
    struct notch_buf buf;
    notch_buf_init(&buf, notch_alloc_heap());
    struct notch_writer writer = notch_writer_grow(&buf);
    notch__log_write(&writer, &entry);
    notch_assert(notch_bytes_eq(notch_buf_bytes(&buf), notch_bytes(data, size)));
    notch_buf_fini(&buf);
    return 0;
}
