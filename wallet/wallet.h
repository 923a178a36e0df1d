/*
 * wallet/wallet.h: from one mnemonic to the keys of each role.
 *
 * Every key has a fixed path, hardened at each level, so that no key says anything about another:
 *
 *     m / 7079' / network' / role' / index'
 *
 * 7079 is Notch's own purpose number in the sense of BIP43; network and role are numbers of the tables. A key is
 * rotated by taking the next index, and the roles rotate one by one.
 *
 *     operator    cold: governance and recovery, kept off the node
 *     validator   votes, batches and blocks
 *     node        the identity in the network
 *     author      records
 *
 * A node needs no mnemonic: it holds the secrets of its roles alone, each in a key file of its own (wallet/keyfile.h).
 *
 * Ownership    Values that hold secrets; whoever has one wipes it. wallet/io keeps them in locked memory.
 * Thread       Any.
 * Errors       As wallet/bip39.h and wallet/bip32.h.
 * Source       design/README.md section 2, "Keys".
 */
#ifndef NOTCH_WALLET_WALLET_H
#define NOTCH_WALLET_WALLET_H

#include "base/crypto.h"
#include "base/keytext.h"
#include "wallet/bip32.h"
#include "wallet/bip39.h"

#define NOTCH_WALLET_PURPOSE 7079

/* id, value, name. The values are part of the paths and of key files. */
#define NOTCH_ROLE_TABLE(X) \
    X(OPERATOR, 0, "operator") \
    X(VALIDATOR, 1, "validator") \
    X(NODE, 2, "node") \
    X(AUTHOR, 3, "author")

enum notch_role {
#define X(id, value, name) NOTCH_ROLE_##id = (value),
    NOTCH_ROLE_TABLE(X)
#undef X
};

const char *notch_role_name(enum notch_role role);
NOTCH_MUST_USE bool notch_role_parse(enum notch_role *out, const char *name);
NOTCH_MUST_USE bool notch_role_of_byte(enum notch_role *out, uint8_t byte);

/* "m/7079'/1'/3'/2147483647'" and its end. */
#define NOTCH_WALLET_PATH_TEXT_MAX 32
void notch_wallet_path(struct notch_bip32_path *out, enum notch_network network, enum notch_role role, uint32_t index);
void notch_wallet_path_print(char out[NOTCH_WALLET_PATH_TEXT_MAX], const struct notch_bip32_path *path);

/* What all keys of a network hang on: m/7079'/network'. It costs the 2,048 rounds of BIP39; a key then little. */
struct notch_wallet_root {
    struct notch_bip32 node;
    enum notch_network network;
};

NOTCH_MUST_USE enum notch_err notch_wallet_root(struct notch_wallet_root *out, const struct notch_entropy *entropy,
                                                const char *passphrase, size_t passphrase_len,
                                                enum notch_network network);

/* The secret of a role and its key. index < 2^31. */
NOTCH_MUST_USE enum notch_err notch_wallet_derive(uint8_t secret[32], struct notch_key *key,
                                                  const struct notch_wallet_root *root, enum notch_role role,
                                                  uint32_t index);

#endif
