/*
 * Any bytes as a key file; and 92 bytes as the inside of one, locked with the right passphrase, so that the parser
 * behind the cipher is reached too. What opens locks to the same bytes.
 */
#include "wallet/keyfile.h"

#include <sodium.h>

#define HEADER 58
#define INSIDE 92

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_file(struct notch_bytes file)
{
    struct notch_keyfile opened;
    struct notch_keyfile_cost cost;
    uint8_t again[NOTCH_KEYFILE_LEN];
    if (notch_keyfile_inspect(&cost, file) != NOTCH_OK) {
        notch_assert(notch_keyfile_decode(&opened, file, notch_bytes("x", 1)) != NOTCH_OK);
        return;
    }
    /* The bounds themselves are the business of the unit test; here a run must be quick. */
    if (cost.memory_kib > 64 || cost.passes > 2 ||
        notch_keyfile_decode(&opened, file, notch_bytes("x", 1)) != NOTCH_OK) {
        return;
    }
    enum notch_err err =
        notch_keyfile_encode(again, &opened, notch_bytes("x", 1), cost, file.data + 18, file.data + 34);
    notch_assert(err == NOTCH_OK);
    notch_assert(file.len == sizeof again);
    notch_assert(memcmp(again, file.data, sizeof again) == 0);
}

static void lock_inside(uint8_t out[NOTCH_KEYFILE_LEN], const uint8_t inside[INSIDE])
{
    static const struct notch_keyfile_cost cost = {.passes = 1, .memory_kib = NOTCH_KEYFILE_KIB_MIN};
    static const uint8_t salt[NOTCH_KEYFILE_SALT_LEN];
    static const uint8_t nonce[NOTCH_KEYFILE_NONCE_LEN];
    struct notch_keyfile any = {.kind = NOTCH_KEYFILE_MNEMONIC, .secret_len = 16};
    uint8_t key[32];
    enum notch_err err = notch_keyfile_encode(out, &any, notch_bytes("x", 1), cost, salt, nonce);
    notch_assert(err == NOTCH_OK);
    int rc = crypto_pwhash(key, sizeof key, "x", 1, salt, 1, 8192, crypto_pwhash_ALG_ARGON2ID13);
    notch_assert(rc == 0);
    rc = crypto_aead_xchacha20poly1305_ietf_encrypt(out + HEADER, NULL, inside, INSIDE, out, HEADER, NULL, nonce, key);
    notch_assert(rc == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == INSIDE) {
        uint8_t file[NOTCH_KEYFILE_LEN];
        lock_inside(file, data);
        open_file(notch_bytes(file, sizeof file));
        return 0;
    }
    open_file(notch_bytes(data, size));
    return 0;
}
