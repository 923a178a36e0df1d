/* Any bytes: what reads as an allocation message writes as the same bytes. Signatures are the stand-in's. */
#include "ai/agent/allocation/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Says yes to every signature: the form is what is looked at, behind it too. */
static bool verify_any(const void *self, const struct notch_key *key, const struct notch_hash *message,
                       const struct notch_sig *sig)
{
    (void)self;
    (void)key;
    (void)message;
    (void)sig;
    return true;
}

/* Signs with zeros. */
static bool sign_zeros(const void *self, struct notch_sig *out, const struct notch_signer *signer,
                       const struct notch_hash *message)
{
    (void)self;
    (void)signer;
    (void)message;
    memset(out->raw, 0, sizeof out->raw);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct notch_crypto crypto = *notch_crypto_standin();
    struct notch_allocation_message message;
    crypto.verify = verify_any;
    crypto.sign = sign_zeros;
    if (!notch_is_valid(notch_allocation_message_read(&message, notch_bytes(data, size), &crypto))) {
        return 0;
    }
    uint8_t bytes[NOTCH_ALLOCATION_MESSAGE_BYTES_MAX];
    struct notch_signer signer = {.key = message.from};
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    bool is_written = notch_allocation_message_write(&writer, &message, &crypto, &signer);
    notch_assert(is_written);
    notch_assert(notch_writer_ok(&writer));
    notch_assert(notch_writer_bytes(&writer).len == size);
    notch_assert(memcmp(bytes, data, size - sizeof(struct notch_sig)) == 0);
    return 0;
}
