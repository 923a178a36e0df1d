/* RIPEMD160() is deprecated in OpenSSL 3 as a choice for new protocols; the fingerprints of BIP32 are made with it. */
#define OPENSSL_API_COMPAT 0x10100000L

#include "wallet/bip32.h"

#include "base/codec.h"
#include "base/hash.h"
#include "base/secp.h"
#include "wallet/base58.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ripemd.h>
#include <secp256k1.h>

#define NODE_LEN 78
#define POINT_LEN 33

/* IL || IR of the BIP. */
struct hmac_halves {
    uint8_t left[32];
    uint8_t right[32];
};
_Static_assert(sizeof(struct hmac_halves) == 64, "one digest of SHA-512");

static enum notch_err hmac_sha512(struct hmac_halves *out, struct notch_bytes key, struct notch_bytes data)
{
    unsigned len = 0;
    uint8_t *digest = HMAC(EVP_sha512(), key.data, (int)key.len, data.data, data.len, out->left, &len);
    return digest != NULL && len == sizeof *out ? NOTCH_OK : NOTCH_ERR_CRYPTO;
}

static void point_of(uint8_t out[POINT_LEN], const struct notch_bip32 *node)
{
    if (!node->is_secret) {
        memcpy(out, node->data, POINT_LEN);
        return;
    }
    const secp256k1_context *context = notch_secp_context();
    secp256k1_pubkey point;
    size_t len = POINT_LEN;
    int made = secp256k1_ec_pubkey_create(context, &point, node->data + 1);
    notch_assert(made == 1);
    int written = secp256k1_ec_pubkey_serialize(context, out, &len, &point, SECP256K1_EC_COMPRESSED);
    notch_assert(written == 1);
}

/* Raw: RIPEMD160 over the bytes of a hash; four bytes of it. */
static void fingerprint(uint8_t out[4], const uint8_t point[POINT_LEN])
{
    struct notch_hash hash;
    uint8_t digest[RIPEMD160_DIGEST_LENGTH];
    notch_sha256(&hash, notch_bytes(point, POINT_LEN));
    RIPEMD160(hash.raw, sizeof hash.raw, digest);
    memcpy(out, digest, 4);
}

enum notch_err notch_bip32_master(struct notch_bip32 *out, const uint8_t *seed, size_t seed_len)
{
    static const char key[] = "Bitcoin seed";
    if (seed_len < 16 || seed_len > 64) {
        return NOTCH_ERR_INVALID;
    }
    struct hmac_halves halves;
    enum notch_err err = hmac_sha512(&halves, notch_bytes(key, sizeof key - 1), notch_bytes(seed, seed_len));
    if (err == NOTCH_OK && secp256k1_ec_seckey_verify(notch_secp_context(), halves.left) != 1) {
        err = NOTCH_ERR_CRYPTO;
    }
    if (err == NOTCH_OK) {
        memset(out, 0, sizeof *out);
        out->is_secret = true;
        memcpy(out->data + 1, halves.left, sizeof halves.left);
        memcpy(out->chain, halves.right, sizeof halves.right);
    }
    notch_wipe(&halves, sizeof halves);
    return err;
}

/* The child's secret or point: the parent's plus `tweak`. */
static bool add_tweak(uint8_t out[POINT_LEN], const struct notch_bip32 *parent, const uint8_t tweak[32])
{
    const secp256k1_context *context = notch_secp_context();
    memcpy(out, parent->data, POINT_LEN);
    if (parent->is_secret) {
        return secp256k1_ec_seckey_tweak_add(context, out + 1, tweak) == 1;
    }
    secp256k1_pubkey point;
    size_t len = POINT_LEN;
    return secp256k1_ec_pubkey_parse(context, &point, out, POINT_LEN) == 1 &&
           secp256k1_ec_pubkey_tweak_add(context, &point, tweak) == 1 &&
           secp256k1_ec_pubkey_serialize(context, out, &len, &point, SECP256K1_EC_COMPRESSED) == 1;
}

enum notch_err notch_bip32_child(struct notch_bip32 *out, const struct notch_bip32 *parent, uint32_t index)
{
    bool hardened = (index & NOTCH_BIP32_HARDENED) != 0;
    if ((hardened && !parent->is_secret) || parent->depth == UINT8_MAX) {
        return NOTCH_ERR_UNSUPPORTED;
    }
    uint8_t point[POINT_LEN];
    uint8_t message[POINT_LEN + 4];
    struct hmac_halves halves;
    struct notch_bip32 child = {
        .is_secret = parent->is_secret,
        .depth = (uint8_t)(parent->depth + 1),
        .index = index,
    };
    point_of(point, parent);
    memcpy(message, hardened ? parent->data : point, POINT_LEN);
    notch_put_be32(message + POINT_LEN, index);
    enum notch_err err =
        hmac_sha512(&halves, notch_bytes(parent->chain, sizeof parent->chain), notch_bytes(message, sizeof message));
    if (err == NOTCH_OK && !add_tweak(child.data, parent, halves.left)) {
        err = NOTCH_ERR_CRYPTO;
    }
    if (err == NOTCH_OK) {
        fingerprint(child.parent, point);
        memcpy(child.chain, halves.right, sizeof halves.right);
        *out = child;
    }
    notch_wipe(message, sizeof message);
    notch_wipe(&halves, sizeof halves);
    notch_wipe(&child, sizeof child);
    return err;
}

enum notch_err notch_bip32_derive(struct notch_bip32 *out, const struct notch_bip32 *root,
                                  const struct notch_bip32_path *path)
{
    struct notch_bip32 node = *root;
    enum notch_err err = NOTCH_OK;
    for (size_t i = 0; i < path->len && err == NOTCH_OK; i++) {
        err = notch_bip32_child(&node, &node, path->index[i]);
    }
    if (err == NOTCH_OK) {
        *out = node;
    }
    notch_wipe(&node, sizeof node);
    return err;
}

void notch_bip32_neuter(struct notch_bip32 *out, const struct notch_bip32 *node)
{
    uint8_t point[POINT_LEN];
    point_of(point, node);
    *out = *node;
    out->is_secret = false;
    memcpy(out->data, point, POINT_LEN);
}

/* Raw: the x of a point is the key. */
void notch_bip32_key(struct notch_key *out, const struct notch_bip32 *node)
{
    uint8_t point[POINT_LEN];
    point_of(point, node);
    memcpy(out->raw, point + 1, sizeof out->raw);
}

/* A decimal below 2^31 without leading zeros; *at moves behind it. */
static bool read_index(uint32_t *out, const char **at, const char *end)
{
    const char *start = *at;
    uint32_t value = 0;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++) {
        if (*at - start == 10 || value > NOTCH_BIP32_HARDENED / 10) {
            return false;
        }
        value = value * 10 + (uint32_t)(**at - '0');
    }
    *out = value;
    bool leading_zero = *at - start > 1 && *start == '0';
    return *at > start && !leading_zero && value < NOTCH_BIP32_HARDENED;
}

struct notch_reject notch_bip32_path_parse(struct notch_bip32_path *out, const char *text, size_t text_len)
{
    if (text_len == 0 || text[0] != 'm') {
        return NOTCH_REJECT(MALFORMED, "a path begins with m");
    }
    const char *at = text + 1;
    const char *end = text + text_len;
    out->len = 0;
    while (at < end) {
        uint32_t index = 0;
        if (*at++ != '/') {
            return NOTCH_REJECT(MALFORMED, "the levels of a path are parted by /");
        }
        if (!read_index(&index, &at, end)) {
            return NOTCH_REJECT(MALFORMED, "a level of a path is a number below 2147483648, ' behind it if hardened");
        }
        if (at < end && (*at == '\'' || *at == 'h')) {
            index |= NOTCH_BIP32_HARDENED;
            at++;
        }
        if (out->len == NOTCH_BIP32_PATH_MAX) {
            return NOTCH_REJECT(MALFORMED, "a path has at most 16 levels");
        }
        out->index[out->len++] = index;
    }
    return NOTCH_VALID;
}

/* Version bytes, by network and kind. */
static const uint32_t versions[2][2] = {
    [NOTCH_BIP32_MAINNET] = {0x0488B21E, 0x0488ADE4},
    [NOTCH_BIP32_TESTNET] = {0x043587CF, 0x04358394},
};

void notch_bip32_print(char out[NOTCH_BIP32_TEXT_MAX + 1], const struct notch_bip32 *node, enum notch_bip32_net net)
{
    uint8_t bytes[NODE_LEN];
    notch_put_be32(bytes, versions[net][node->is_secret ? 1 : 0]);
    bytes[4] = node->depth;
    memcpy(bytes + 5, node->parent, sizeof node->parent);
    notch_put_be32(bytes + 9, node->index);
    memcpy(bytes + 13, node->chain, sizeof node->chain);
    memcpy(bytes + 45, node->data, sizeof node->data);
    notch__base58_encode(out, notch_bytes(bytes, sizeof bytes));
    notch_wipe(bytes, sizeof bytes);
}

static bool find_version(enum notch_bip32_net *net, bool *is_secret, uint32_t version)
{
    static const enum notch_bip32_net nets[] = {NOTCH_BIP32_MAINNET, NOTCH_BIP32_TESTNET};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(nets); i++) {
        for (size_t kind = 0; kind < 2; kind++) {
            if (versions[nets[i]][kind] == version) {
                *net = nets[i];
                *is_secret = kind == 1;
                return true;
            }
        }
    }
    return false;
}

static struct notch_reject check_data(const struct notch_bip32 *node)
{
    const secp256k1_context *context = notch_secp_context();
    secp256k1_pubkey point;
    if (node->is_secret) {
        if (node->data[0] != 0) {
            return NOTCH_REJECT(MALFORMED, "a private key has a zero byte in front");
        }
        return secp256k1_ec_seckey_verify(context, node->data + 1) == 1
                   ? NOTCH_VALID
                   : NOTCH_REJECT(MALFORMED, "the private key is not in 1..n-1");
    }
    return secp256k1_ec_pubkey_parse(context, &point, node->data, sizeof node->data) == 1
               ? NOTCH_VALID
               : NOTCH_REJECT(MALFORMED, "the public key is not on the curve");
}

static struct notch_reject read_node(struct notch_bip32 *out, enum notch_bip32_net *net, struct notch_reader *reader)
{
    uint8_t version[4];
    uint8_t index[4];
    notch_read_into(reader, version, sizeof version);
    out->depth = notch_read_u8(reader);
    notch_read_into(reader, out->parent, sizeof out->parent);
    notch_read_into(reader, index, sizeof index);
    notch_read_into(reader, out->chain, sizeof out->chain);
    notch_read_into(reader, out->data, sizeof out->data);
    out->index = notch_get_be32(index);
    notch_assert(notch_reader_done(reader));
    if (!find_version(net, &out->is_secret, notch_get_be32(version))) {
        return NOTCH_REJECT(MALFORMED, "unknown version bytes: none of xprv, xpub, tprv, tpub");
    }
    if (out->depth == 0 && (notch_get_be32(out->parent) != 0 || out->index != 0)) {
        return NOTCH_REJECT(MALFORMED, "a master key has neither parent nor index");
    }
    return check_data(out);
}

struct notch_reject notch_bip32_parse(struct notch_bip32 *out, enum notch_bip32_net *net, const char *text,
                                      size_t text_len)
{
    uint8_t bytes[NODE_LEN];
    if (!notch__base58_decode(bytes, sizeof bytes, text, text_len)) {
        return NOTCH_REJECT(MALFORMED, "not an extended key, or its checksum is wrong");
    }
    struct notch_reader reader = notch_reader(notch_bytes(bytes, sizeof bytes));
    struct notch_reject reject = read_node(out, net, &reader);
    notch_wipe(bytes, sizeof bytes);
    if (!notch_is_valid(reject)) {
        notch_wipe(out, sizeof *out);
    }
    return reject;
}
