/*
 * A receipt: what is accepted encodes to the same bytes; and the receipts of a block are walked without harm.
 */
#include "chain/receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct notch_receipt receipt;
    struct notch_bytes input = notch_bytes(data, size);
    if (notch_is_valid(notch_receipt_decode(&receipt, input))) {
        uint8_t raw[NOTCH_RECEIPT_BYTES_MAX];
        struct notch_writer writer = notch_writer(raw, sizeof raw);
        notch_receipt_write(&writer, &receipt);
        notch_assert(notch_bytes_eq(notch_writer_bytes(&writer), input));
    }
    struct notch_bytes one;
    size_t used = 0;
    for (uint32_t ordinal = 0; notch_receipt_at(&one, input, ordinal) == NOTCH_OK; ordinal++) {
        used += one.len;
        if (ordinal > 64) {
            return 0; /* the walk is quadratic */
        }
    }
    notch_assert(used <= size);
    return 0;
}
