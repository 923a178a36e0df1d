#include "wallet/keyfile.h"

#include "base/codec.h"

#include <sodium.h>

#define MAGIC "NOTCHKEY"
#define MAGIC_LEN 8
#define FORMAT_VERSION 1
#define DERIVATION_ARGON2ID 1
#define HEADER_LEN (MAGIC_LEN + 1 + 1 + 4 + 4 + NOTCH_KEYFILE_SALT_LEN + NOTCH_KEYFILE_NONCE_LEN)
#define INSIDE_LEN (1 + 1 + 1 + 4 + 1 + 32 + 1 + NOTCH_KEYFILE_LABEL_MAX)
#define CIPHER_LEN (INSIDE_LEN + crypto_aead_xchacha20poly1305_ietf_ABYTES)
#define CIPHER_KEY_LEN crypto_aead_xchacha20poly1305_ietf_KEYBYTES

_Static_assert(HEADER_LEN + CIPHER_LEN == NOTCH_KEYFILE_LEN, "the layout of the header's prose");
_Static_assert(NOTCH_KEYFILE_SALT_LEN == crypto_pwhash_SALTBYTES, "as Argon2id in libsodium wants it");
_Static_assert(NOTCH_KEYFILE_NONCE_LEN == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "XChaCha20's");
_Static_assert(NOTCH_KEYFILE_KIB_MIN * 1024 >= crypto_pwhash_MEMLIMIT_MIN, "below it libsodium refuses");

struct notch_keyfile_cost notch_keyfile_cost_default(void)
{
    return (struct notch_keyfile_cost){.passes = 3, .memory_kib = UINT32_C(64) * 1024};
}

static bool cost_is_fit(struct notch_keyfile_cost cost)
{
    return cost.passes >= 1 && cost.passes <= NOTCH_KEYFILE_PASSES_MAX && cost.memory_kib >= NOTCH_KEYFILE_KIB_MIN &&
           cost.memory_kib <= NOTCH_KEYFILE_KIB_MAX;
}

static bool label_is_fit(const char *label, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (label[i] < 0x20 || label[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

/* Whether every field has a value that a file may hold, and what does not count is zero. */
static bool contents_are_fit(const struct notch_keyfile *in)
{
    const char *end = memchr(in->label, '\0', sizeof in->label);
    if (end == NULL || !label_is_fit(in->label, (size_t)(end - in->label))) {
        return false;
    }
    switch (in->kind) {
    case NOTCH_KEYFILE_MNEMONIC:
        return in->role == NOTCH_ROLE_OPERATOR && in->index == 0 && in->secret_len >= NOTCH_BIP39_ENTROPY_MIN &&
               in->secret_len <= NOTCH_BIP39_ENTROPY_MAX && in->secret_len % 4 == 0;
    case NOTCH_KEYFILE_ROLE:
        return in->index < NOTCH_BIP32_HARDENED && in->secret_len == sizeof in->secret;
    }
    return false;
}

static enum notch_err derive_key(uint8_t out[CIPHER_KEY_LEN], struct notch_bytes passphrase,
                                 struct notch_keyfile_cost cost, const uint8_t salt[NOTCH_KEYFILE_SALT_LEN])
{
    if (passphrase.len > NOTCH_KEYFILE_PASSPHRASE_MAX) {
        return NOTCH_ERR_INVALID;
    }
    const char *text = passphrase.len > 0 ? (const char *)passphrase.data : "";
    int rc = crypto_pwhash(out, CIPHER_KEY_LEN, text, passphrase.len, salt, cost.passes, (size_t)cost.memory_kib * 1024,
                           crypto_pwhash_ALG_ARGON2ID13);
    return rc == 0 ? NOTCH_OK : NOTCH_ERR_CRYPTO;
}

static void write_inside(uint8_t out[INSIDE_LEN], const struct notch_keyfile *in)
{
    static const uint8_t zeros[NOTCH_KEYFILE_LABEL_MAX];
    size_t label_len = strlen(in->label);
    struct notch_writer writer = notch_writer(out, INSIDE_LEN);
    notch_write_u8(&writer, (uint8_t)in->kind);
    notch_write_u8(&writer, (uint8_t)in->network);
    notch_write_u8(&writer, (uint8_t)in->role);
    notch_write_u32(&writer, in->index);
    notch_write_u8(&writer, (uint8_t)in->secret_len);
    notch_write_bytes(&writer, in->secret, in->secret_len);
    notch_write_bytes(&writer, zeros, sizeof in->secret - in->secret_len);
    notch_write_u8(&writer, (uint8_t)label_len);
    notch_write_bytes(&writer, in->label, label_len);
    notch_write_bytes(&writer, zeros, NOTCH_KEYFILE_LABEL_MAX - label_len);
    notch_assert(notch_writer_ok(&writer));
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

/* What was authenticated and is still not well formed was written by a broken program. */
static enum notch_err read_inside(struct notch_keyfile *out, const uint8_t in[INSIDE_LEN])
{
    struct notch_reader reader = notch_reader(notch_bytes(in, INSIDE_LEN));
    uint8_t kind = notch_read_u8(&reader);
    uint8_t network = notch_read_u8(&reader);
    uint8_t role = notch_read_u8(&reader);
    uint8_t label[NOTCH_KEYFILE_LABEL_MAX];
    memset(out, 0, sizeof *out);
    out->index = notch_read_u32(&reader);
    out->secret_len = notch_read_u8(&reader);
    notch_read_into(&reader, out->secret, sizeof out->secret);
    size_t label_len = notch_read_u8(&reader);
    notch_read_into(&reader, label, sizeof label);
    notch_assert(notch_reader_done(&reader));
    if (kind > NOTCH_KEYFILE_ROLE || !notch_network_of_byte(&out->network, network) ||
        !notch_role_of_byte(&out->role, role)) {
        return NOTCH_ERR_CORRUPT;
    }
    out->kind = (enum notch_keyfile_kind)kind;
    if (label_len > sizeof label || !is_zero(label + label_len, sizeof label - label_len) ||
        out->secret_len > sizeof out->secret ||
        !is_zero(out->secret + out->secret_len, sizeof out->secret - out->secret_len)) {
        return NOTCH_ERR_CORRUPT;
    }
    memcpy(out->label, label, label_len);
    bool cut = strlen(out->label) != label_len;
    return !cut && contents_are_fit(out) ? NOTCH_OK : NOTCH_ERR_CORRUPT;
}

enum notch_err notch_keyfile_encode(uint8_t out[NOTCH_KEYFILE_LEN], const struct notch_keyfile *in,
                                    struct notch_bytes passphrase, struct notch_keyfile_cost cost,
                                    const uint8_t salt[NOTCH_KEYFILE_SALT_LEN],
                                    const uint8_t nonce[NOTCH_KEYFILE_NONCE_LEN])
{
    if (!cost_is_fit(cost) || !contents_are_fit(in)) {
        return NOTCH_ERR_INVALID;
    }
    struct notch_writer writer = notch_writer(out, HEADER_LEN);
    notch_write_bytes(&writer, MAGIC, MAGIC_LEN);
    notch_write_u8(&writer, FORMAT_VERSION);
    notch_write_u8(&writer, DERIVATION_ARGON2ID);
    notch_write_u32(&writer, cost.passes);
    notch_write_u32(&writer, cost.memory_kib);
    notch_write_bytes(&writer, salt, NOTCH_KEYFILE_SALT_LEN);
    notch_write_bytes(&writer, nonce, NOTCH_KEYFILE_NONCE_LEN);
    notch_assert(notch_writer_ok(&writer));
    uint8_t key[CIPHER_KEY_LEN];
    uint8_t inside[INSIDE_LEN];
    enum notch_err err = derive_key(key, passphrase, cost, salt);
    if (err == NOTCH_OK) {
        write_inside(inside, in);
        int rc = crypto_aead_xchacha20poly1305_ietf_encrypt(out + HEADER_LEN, NULL, inside, sizeof inside, out,
                                                            HEADER_LEN, NULL, nonce, key);
        notch_assert(rc == 0);
    }
    notch_wipe(key, sizeof key);
    notch_wipe(inside, sizeof inside);
    return err;
}

/* The outside of a file. The views point into it. */
struct header {
    struct notch_keyfile_cost cost;
    struct notch_bytes salt;
    struct notch_bytes nonce;
};

static enum notch_err read_header(struct header *out, struct notch_bytes file)
{
    struct notch_reader reader = notch_reader(file);
    struct notch_bytes magic = notch_read_bytes(&reader, MAGIC_LEN);
    if (!notch_bytes_eq(magic, notch_bytes(MAGIC, MAGIC_LEN))) {
        return NOTCH_ERR_CORRUPT;
    }
    uint8_t version = notch_read_u8(&reader);
    uint8_t derivation = notch_read_u8(&reader);
    if (notch_reader_left(&reader) == 0) {
        return NOTCH_ERR_CORRUPT;
    }
    if (version != FORMAT_VERSION || derivation != DERIVATION_ARGON2ID) {
        return NOTCH_ERR_VERSION;
    }
    out->cost.passes = notch_read_u32(&reader);
    out->cost.memory_kib = notch_read_u32(&reader);
    out->salt = notch_read_bytes(&reader, NOTCH_KEYFILE_SALT_LEN);
    out->nonce = notch_read_bytes(&reader, NOTCH_KEYFILE_NONCE_LEN);
    (void)notch_read_bytes(&reader, CIPHER_LEN);
    return notch_reader_done(&reader) && cost_is_fit(out->cost) ? NOTCH_OK : NOTCH_ERR_CORRUPT;
}

enum notch_err notch_keyfile_inspect(struct notch_keyfile_cost *cost, struct notch_bytes file)
{
    struct header header;
    enum notch_err err = read_header(&header, file);
    if (err == NOTCH_OK) {
        *cost = header.cost;
    }
    return err;
}

enum notch_err notch_keyfile_decode(struct notch_keyfile *out, struct notch_bytes file, struct notch_bytes passphrase)
{
    struct header header;
    enum notch_err err = read_header(&header, file);
    if (err != NOTCH_OK) {
        return err;
    }
    uint8_t key[CIPHER_KEY_LEN];
    uint8_t inside[INSIDE_LEN];
    err = derive_key(key, passphrase, header.cost, header.salt.data);
    if (err == NOTCH_OK &&
        crypto_aead_xchacha20poly1305_ietf_decrypt(inside, NULL, NULL, file.data + HEADER_LEN, CIPHER_LEN, file.data,
                                                   HEADER_LEN, header.nonce.data, key) != 0) {
        err = NOTCH_ERR_PASSPHRASE;
    }
    if (err == NOTCH_OK) {
        err = read_inside(out, inside);
    }
    if (err == NOTCH_ERR_CORRUPT) {
        notch_wipe(out, sizeof *out);
    }
    notch_wipe(key, sizeof key);
    notch_wipe(inside, sizeof inside);
    return err;
}
