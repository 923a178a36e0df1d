#include "chain/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What decodes encodes to the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct notch_reader reader = notch_reader(notch_bytes(data, size));
    struct notch_header header;
    if (!notch_is_valid(notch_header_decode(&header, &reader))) {
        return 0;
    }
    uint8_t bytes[NOTCH_HEADER_LEN];
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    notch_header_encode(&writer, &header);
    notch_assert(notch_writer_ok(&writer));
    notch_assert(memcmp(bytes, data, NOTCH_HEADER_LEN) == 0);
    return 0;
}
