#include "wallet/wallet.h"

#include <stdio.h>

struct role_row {
    enum notch_role role;
    const char *name;
};

static const struct role_row roles[] = {
#define X(id, value, text) {NOTCH_ROLE_##id, text},
    NOTCH_ROLE_TABLE(X)
#undef X
};

const char *notch_role_name(enum notch_role role)
{
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(roles); i++) {
        if (roles[i].role == role) {
            return roles[i].name;
        }
    }
    notch_unreachable();
}

bool notch_role_parse(enum notch_role *out, const char *name)
{
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(roles); i++) {
        if (strcmp(roles[i].name, name) == 0) {
            *out = roles[i].role;
            return true;
        }
    }
    return false;
}

bool notch_role_of_byte(enum notch_role *out, uint8_t byte)
{
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(roles); i++) {
        if ((unsigned)roles[i].role == byte) {
            *out = roles[i].role;
            return true;
        }
    }
    return false;
}

static uint32_t hardened(uint32_t index)
{
    notch_assert(index < NOTCH_BIP32_HARDENED);
    return index | NOTCH_BIP32_HARDENED;
}

void notch_wallet_path(struct notch_bip32_path *out, enum notch_network network, enum notch_role role, uint32_t index)
{
    out->index[0] = hardened(NOTCH_WALLET_PURPOSE);
    out->index[1] = hardened((uint32_t)network);
    out->index[2] = hardened((uint32_t)role);
    out->index[3] = hardened(index);
    out->len = 4;
}

void notch_wallet_path_print(char out[NOTCH_WALLET_PATH_TEXT_MAX], const struct notch_bip32_path *path)
{
    size_t used = 1;
    memcpy(out, "m", 2);
    for (size_t i = 0; i < path->len; i++) {
        uint32_t index = path->index[i] & ~NOTCH_BIP32_HARDENED;
        const char *mark = (path->index[i] & NOTCH_BIP32_HARDENED) != 0 ? "'" : "";
        int len = snprintf(out + used, NOTCH_WALLET_PATH_TEXT_MAX - used, "/%u%s", (unsigned)index, mark);
        notch_assert(len > 0);
        notch_assert(used + (size_t)len < NOTCH_WALLET_PATH_TEXT_MAX);
        used += (size_t)len;
    }
}

enum notch_err notch_wallet_root(struct notch_wallet_root *out, const struct notch_entropy *entropy,
                                 const char *passphrase, size_t passphrase_len, enum notch_network network)
{
    uint8_t seed[NOTCH_BIP39_SEED_LEN];
    struct notch_bip32 master;
    struct notch_bip32_path path;
    notch_wallet_path(&path, network, NOTCH_ROLE_OPERATOR, 0);
    path.len = 2;
    enum notch_err err = notch_bip39_seed(seed, entropy, passphrase, passphrase_len);
    if (err == NOTCH_OK) {
        err = notch_bip32_master(&master, seed, sizeof seed);
    }
    if (err == NOTCH_OK) {
        err = notch_bip32_derive(&out->node, &master, &path);
        out->network = network;
    }
    notch_wipe(seed, sizeof seed);
    notch_wipe(&master, sizeof master);
    return err;
}

enum notch_err notch_wallet_derive(uint8_t secret[32], struct notch_key *key, const struct notch_wallet_root *root,
                                   enum notch_role role, uint32_t index)
{
    if (index >= NOTCH_BIP32_HARDENED) {
        return NOTCH_ERR_INVALID;
    }
    struct notch_bip32_path whole;
    struct notch_bip32 node;
    notch_wallet_path(&whole, root->network, role, index);
    struct notch_bip32_path below = {.index = {whole.index[2], whole.index[3]}, .len = 2};
    enum notch_err err = notch_bip32_derive(&node, &root->node, &below);
    if (err == NOTCH_OK) {
        notch_bip32_key(key, &node);
        memcpy(secret, node.data + 1, 32);
    }
    notch_wipe(&node, sizeof node);
    return err;
}

/* Raw: hashes go into hashes, and 16 bytes of the last come out. */
