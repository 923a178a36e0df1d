/*
 * wallet/bip32.h: a tree of keys out of one seed.
 *
 * A node is a secret or a point, with a chain code and its place in the tree. Hardened children (index 2^31 and above)
 * need the secret; the others can also be derived from the point. Notch's own paths are hardened throughout
 * (wallet/wallet.h); the rest is here because a standard is worth having whole.
 *
 * Invariants   A node holds a secret in [1, n-1] or a point on the curve, and at depth 0 neither parent nor index.
 * Limits       Seeds of 16 to 64 bytes; 255 levels.
 * Ownership    Values. A node may hold a secret: the caller wipes it with notch_wipe().
 * Thread       Any.
 * Errors       UNSUPPORTED  a hardened child of a point, a child below level 255
 *              CRYPTO       the child does not exist (probability 2^-127): take the next index
 *              INVALID      an argument out of its limits
 * Source       BIP32 (https://github.com/bitcoin/bips/blob/master/bip-0032.mediawiki).
 */
#ifndef NOTCH_WALLET_BIP32_H
#define NOTCH_WALLET_BIP32_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/units.h"

#define NOTCH_BIP32_HARDENED UINT32_C(0x80000000)
#define NOTCH_BIP32_PATH_MAX 16
/* A serialised node in base58check, without the end of the string. */
#define NOTCH_BIP32_TEXT_MAX 112

/* Which version bytes a text begins with: "xprv" and "xpub", or "tprv" and "tpub". */
enum notch_bip32_net {
    NOTCH_BIP32_MAINNET,
    NOTCH_BIP32_TESTNET,
};

struct notch_bip32 {
    bool is_secret;
    uint8_t depth;
    uint8_t parent[4]; /* the fingerprint of the parent, zeros at depth 0 */
    uint32_t index;
    uint8_t chain[32];
    uint8_t data[33]; /* 0x00 and the secret, or the compressed point */
};

struct notch_bip32_path {
    uint32_t index[NOTCH_BIP32_PATH_MAX];
    size_t len;
};

NOTCH_MUST_USE enum notch_err notch_bip32_master(struct notch_bip32 *out, const uint8_t *seed, size_t seed_len);
NOTCH_MUST_USE enum notch_err notch_bip32_child(struct notch_bip32 *out, const struct notch_bip32 *parent,
                                                uint32_t index);
NOTCH_MUST_USE enum notch_err notch_bip32_derive(struct notch_bip32 *out, const struct notch_bip32 *root,
                                                 const struct notch_bip32_path *path);

/* The node without its secret. A point stays as it is. */
void notch_bip32_neuter(struct notch_bip32 *out, const struct notch_bip32 *node);

/* The x-only key of a node. */
void notch_bip32_key(struct notch_key *out, const struct notch_bip32 *node);

/* "m/7079'/0'/3" or "m"; ' and h both mark what is hardened. */
struct notch_reject notch_bip32_path_parse(struct notch_bip32_path *out, const char *text, size_t text_len);

/* "xprv..." and "xpub..." with the version bytes of Bitcoin, for use with other tools. */
void notch_bip32_print(char out[NOTCH_BIP32_TEXT_MAX + 1], const struct notch_bip32 *node, enum notch_bip32_net net);
struct notch_reject notch_bip32_parse(struct notch_bip32 *out, enum notch_bip32_net *net, const char *text,
                                      size_t text_len);

#endif
