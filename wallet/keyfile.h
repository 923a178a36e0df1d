/*
 * wallet/keyfile.h: the bytes of a key file: one secret, locked by a passphrase.
 *
 * Either the entropy of a mnemonic or the secret of one role, with its network and a label; all of it encrypted, so
 * that a file tells nothing but that it is one. Layout, with integers little endian:
 *
 *     offset  bytes
 *          0      8   magic "NOTCHKEY"
 *          8      1   version, 1
 *          9      1   key derivation, 1: Argon2id 1.3
 *         10      4   passes
 *         14      4   memory in KiB
 *         18     16   salt
 *         34     24   nonce
 *         58    108   XChaCha20-Poly1305, with the 58 bytes above as additional data: 92 bytes and the tag
 *        166          end
 *
 * and inside: kind (1), network (1), role (1), index (4), secret length (1), secret (32), label length (1), label (51).
 * What is not used is zero. The length is always the same, so it tells nothing either.
 *
 * Invariants   Encoding what was decoded, with the same passphrase, cost, salt and nonce, gives the same bytes.
 * Limits       The costs that a file may ask for are bounded before any memory is taken: 512 MiB, 16 passes.
 * Ownership    The caller wipes contents. Salt and nonce come from the caller and are random for each file: wallet/
 *              draws nothing (wallet/io/vault.h does).
 * Thread       Any. Both calls take the memory and the time that the costs say: about 0.1 s and 64 MiB by default.
 * Errors       CORRUPT     not a key file, or cut short, or with costs out of bounds
 *              VERSION     a key file of a later version
 *              PASSPHRASE  wrong passphrase or damaged: the cipher cannot tell which
 *              CRYPTO      Argon2id could not get its memory
 *              INVALID     contents or costs out of bounds (encode)
 */
#ifndef NOTCH_WALLET_KEYFILE_H
#define NOTCH_WALLET_KEYFILE_H

#include "wallet/wallet.h"

#define NOTCH_KEYFILE_LEN 166
#define NOTCH_KEYFILE_SALT_LEN 16
#define NOTCH_KEYFILE_NONCE_LEN 24
#define NOTCH_KEYFILE_LABEL_MAX 51
#define NOTCH_KEYFILE_PASSPHRASE_MAX 1024

#define NOTCH_KEYFILE_PASSES_MAX 16
#define NOTCH_KEYFILE_KIB_MIN 8
#define NOTCH_KEYFILE_KIB_MAX (512 * 1024)

enum notch_keyfile_kind {
    NOTCH_KEYFILE_MNEMONIC = 0,
    NOTCH_KEYFILE_ROLE = 1,
};

/* role and index count for NOTCH_KEYFILE_ROLE alone, whose secret has 32 bytes. label: printable ASCII, terminated. */
struct notch_keyfile {
    enum notch_keyfile_kind kind;
    enum notch_network network;
    enum notch_role role;
    uint32_t index;
    uint8_t secret[32];
    size_t secret_len;
    char label[NOTCH_KEYFILE_LABEL_MAX + 1];
};

struct notch_keyfile_cost {
    uint32_t passes;
    uint32_t memory_kib;
};

/* 3 passes over 64 MiB: about 0.1 s on the machine of a server. */
struct notch_keyfile_cost notch_keyfile_cost_default(void);

NOTCH_MUST_USE enum notch_err notch_keyfile_encode(uint8_t out[NOTCH_KEYFILE_LEN], const struct notch_keyfile *in,
                                                   struct notch_bytes passphrase, struct notch_keyfile_cost cost,
                                                   const uint8_t salt[NOTCH_KEYFILE_SALT_LEN],
                                                   const uint8_t nonce[NOTCH_KEYFILE_NONCE_LEN]);

NOTCH_MUST_USE enum notch_err notch_keyfile_decode(struct notch_keyfile *out, struct notch_bytes file,
                                                   struct notch_bytes passphrase);

/* What the outside of a file says, without its passphrase. The same errors, but for PASSPHRASE and CRYPTO. */
NOTCH_MUST_USE enum notch_err notch_keyfile_inspect(struct notch_keyfile_cost *cost, struct notch_bytes file);

#endif
