/* Any text: what decodes encodes to the same text in lower case, and a key that parses prints the same. */
#include "base/bech32.h"
#include "base/keytext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const char *made, const char *given, size_t len)
{
    notch_assert(strlen(made) == len);
    for (size_t i = 0; i < len; i++) {
        char letter = given[i];
        notch_assert(made[i] == (letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct notch_bech32 decoded;
    struct notch_key key;
    enum notch_network network = NOTCH_NETWORK_MAIN;
    if (notch_is_valid(notch_bech32_decode(&decoded, text, size))) {
        char made[NOTCH_BECH32_LEN_MAX + 1];
        uint8_t bytes[NOTCH_BECH32_SYMBOLS_MAX];
        size_t len = 0;
        bool encoded = notch_bech32_encode(made, &decoded);
        notch_assert(encoded);
        check_same(made, text, size);
        if (notch_bech32_unpack(bytes, sizeof bytes, &len, &decoded, 0)) {
            struct notch_bech32 packed = decoded;
            bool fits = notch_bech32_pack(&packed, notch_bytes(bytes, len));
            notch_assert(fits);
            notch_assert(packed.len == decoded.len);
            notch_assert(memcmp(packed.symbols, decoded.symbols, packed.len) == 0);
        }
    }
    if (notch_is_valid(notch_key_parse_any(&key, &network, text, size))) {
        char made[NOTCH_KEY_TEXT_MAX + 1];
        notch_key_print(made, &key, network);
        check_same(made, text, size);
        notch_assert(notch_is_valid(notch_key_parse(&key, text, size, network)));
    }
    return 0;
}
