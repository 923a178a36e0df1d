/* Any text as an extended key and as a path: a key that parses prints the same, a path derives. */
#include "wallet/bip32.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct notch_bip32 node;
    struct notch_bip32_path path;
    enum notch_bip32_net net = NOTCH_BIP32_MAINNET;
    if (notch_is_valid(notch_bip32_parse(&node, &net, text, size))) {
        char made[NOTCH_BIP32_TEXT_MAX + 1];
        struct notch_key key;
        notch_bip32_print(made, &node, net);
        notch_assert(strlen(made) == size);
        notch_assert(memcmp(made, text, size) == 0);
        notch_bip32_key(&key, &node);
    }
    if (notch_is_valid(notch_bip32_path_parse(&path, text, size))) {
        notch_assert(path.len <= NOTCH_BIP32_PATH_MAX);
        uint8_t seed[16] = {1};
        enum notch_err err = notch_bip32_master(&node, seed, sizeof seed);
        notch_assert(err == NOTCH_OK);
        err = notch_bip32_derive(&node, &node, &path);
        notch_assert(err == NOTCH_OK);
        notch_assert(node.depth == path.len);
    }
    return 0;
}
