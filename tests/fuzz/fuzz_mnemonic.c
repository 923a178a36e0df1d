/* Any text as a mnemonic: what decodes has one normal form, and that form decodes to the same bytes. */
#include "wallet/bip39.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct notch_entropy entropy;
    struct notch_entropy back;
    char text[NOTCH_BIP39_TEXT_MAX + 1];
    size_t word = 0;
    if (!notch_is_valid(notch_bip39_decode(&entropy, &word, (const char *)data, size))) {
        notch_assert(word <= NOTCH_BIP39_WORDS_MAX);
        return 0;
    }
    enum notch_err err = notch_bip39_encode(text, &entropy);
    notch_assert(err == NOTCH_OK);
    notch_assert(strlen(text) <= size);
    struct notch_reject reject = notch_bip39_decode(&back, NULL, text, strlen(text));
    notch_assert(notch_is_valid(reject));
    notch_assert(back.len == entropy.len);
    notch_assert(memcmp(back.bytes, entropy.bytes, back.len) == 0);
    return 0;
}
