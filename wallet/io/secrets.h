/*
 * wallet/io/secrets.h: secrets in locked memory, handed out as signers.
 *
 * The memory is sodium's: locked against swapping, left out of core dumps, between guard pages, and wiped when it is
 * given back. Where the system's limit on locked memory is too low for that (ulimit -l), the rest still holds.
 *
 * Invariants   The key of a signer is that of its secret: made here, by the crypto table given.
 * Ownership    A signer borrows from the store; the store outlives every signer. The caller wipes what it put in.
 * Limits       The number of secrets is fixed when the store is made.
 * Lifecycle    create, add ..., seal, destroy. Sealing makes the memory read-only.
 * Thread       One at a time until sealed; the signers from any thread afterwards.
 * Errors       SPACE        the store is full
 *              CRYPTO       the secret is not valid (add); no memory of that kind (create)
 */
#ifndef NOTCH_WALLET_IO_SECRETS_H
#define NOTCH_WALLET_IO_SECRETS_H

#include "base/alloc.h"
#include "base/crypto.h"
#include "base/error.h"

struct notch_secrets;

#define NOTCH_SECRETS_MAX 1024

/* slots is 1 to NOTCH_SECRETS_MAX. */
NOTCH_MUST_USE enum notch_err notch_secrets_create(struct notch_secrets **out, size_t slots,
                                                   const struct notch_crypto *crypto, const struct notch_alloc *alloc);
void notch_secrets_destroy(struct notch_secrets *secrets);

NOTCH_MUST_USE enum notch_err notch_secrets_add(struct notch_secrets *secrets, struct notch_signer *out,
                                                const uint8_t secret[32]);
void notch_secrets_seal(struct notch_secrets *secrets);

/* The signer of a key; NOT_FOUND where the store has none. */
NOTCH_MUST_USE enum notch_err notch_secrets_find(const struct notch_secrets *secrets, struct notch_signer *out,
                                                 const struct notch_key *key);

/* Locked memory for anything else that is secret (a passphrase, a notch_keyfile); NULL where there is none. */
void *notch_secrets_alloc(size_t len);
void notch_secrets_free(void *memory);

#endif
