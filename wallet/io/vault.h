/*
 * wallet/io/vault.h: key files on disk.
 *
 * A file is written beside its place, synced, and renamed into it, so that a crash leaves the old one or the new one;
 * the folder is synced after it. It belongs to its owner alone (mode 0600), and a file that others can read or write,
 * or that is not a plain file, is refused. A link is never followed.
 *
 * Limits       One file is NOTCH_KEYFILE_LEN bytes.
 * Ownership    The caller wipes a struct notch_keyfile; notch_secrets_alloc() is the place for it.
 * Thread       Any; two writers of one path: one of them wins whole.
 * Errors       As wallet/keyfile.h, and EXISTS, NOT_FOUND, PERMISSION, IO, DISK_FULL, READ_ONLY. *detail, which may be
 *              NULL, is set on every failure: a literal sentence for the user, with the remedy where there is one.
 */
#ifndef NOTCH_WALLET_IO_VAULT_H
#define NOTCH_WALLET_IO_VAULT_H

#include "wallet/keyfile.h"

enum notch_vault_mode {
    NOTCH_VAULT_KEEP,      /* an existing file is an error: EXISTS */
    NOTCH_VAULT_OVERWRITE, /* it is replaced */
};

/* Locks the contents with fresh salt and nonce, and writes the file. */
NOTCH_MUST_USE enum notch_err notch_vault_save(const char *path, const struct notch_keyfile *in,
                                               struct notch_bytes passphrase, struct notch_keyfile_cost cost,
                                               enum notch_vault_mode mode, const char **detail);

NOTCH_MUST_USE enum notch_err notch_vault_load(struct notch_keyfile *out, const char *path,
                                               struct notch_bytes passphrase, const char **detail);

#endif
