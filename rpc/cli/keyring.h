/*
 * rpc/cli/keyring.h: the wallet that a command works with: found, unlocked, and asked for keys.
 *
 * The file: --wallet, else NOTCH_WALLET, else wallet.key in the data directory. The password: the first line of
 * --password-file; without one the empty password is tried, and then, on a terminal, asked for.
 *
 * The key of a party (rpc/cli/feed_party.h) is the author key at index 2^30 + h, where h is 30 bits of a hash of the
 * party's name, keyed by the wallet: whoever has the mnemonic finds it again, and nobody else can tell who a key is by
 * trying names.
 *
 * Ownership    Secrets are in locked memory until close; signers borrow from there.
 * Errors       Printed by notch_cli_fail().
 * Thread       One.
 */
#ifndef NOTCH_RPC_CLI_KEYRING_H
#define NOTCH_RPC_CLI_KEYRING_H

#include "rpc/cli/cli.h"
#include "wallet/io/secrets.h"
#include "wallet/io/vault.h"

struct notch_keyring {
    const struct notch_cli *cli;
    struct notch_keyfile *file; /* in locked memory */
    struct notch_wallet_root *root;
    struct notch_secrets *secrets;
    struct notch_buf path; /* of the file, terminated */
};

/* `slots`: how many keys may be asked for. close also after a failure. */
enum notch_exit notch_keyring_open(struct notch_keyring *keyring, const struct notch_cli *cli, size_t slots);
void notch_keyring_close(struct notch_keyring *keyring);

/* Unlocks without making keys; for what asks for keys of its own number later: notch_keyring_slots(). */
enum notch_exit notch_keyring_slots(struct notch_keyring *keyring, size_t slots);

enum notch_network notch_keyring_network(const struct notch_keyring *keyring);

/* A key of the wallet. A key file of one author gives that key for index 0, and no other. */
enum notch_exit notch_keyring_key(struct notch_keyring *keyring, struct notch_signer *out, enum notch_role role,
                                  uint32_t index);

/* The index of a party's author key. */
enum notch_exit notch_keyring_party(struct notch_keyring *keyring, uint32_t *index, struct notch_bytes name);

/* Where the wallet is, or goes; appended, terminated. */
void notch_keyring_path(const struct notch_cli *cli, struct notch_buf *out);

/* The password of a new file: from the file that `option` names, or asked for twice on a terminal, or empty. */
enum notch_exit notch_keyring_new_password(const struct notch_cli *cli, struct notch_buf *out, const char *option);

/* "0" where the option was not given. */
enum notch_exit notch_keyring_index(const struct notch_cli *cli, uint32_t *out, const char *option);

#endif
