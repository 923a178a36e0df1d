/*
 * base/secp.h: the one libsecp256k1 context of the process, and BIP340 below the table of base/crypto.h.
 *
 * For the modules that do arithmetic of their own on the curve (base/ecvrf.c, wallet/bip32.c) and for the published
 * vectors, whose messages have any length and whose signatures take auxiliary randomness. Everybody else goes through
 * base/crypto.h.
 *
 * Invariants   The context is never changed once it is published, so it is shared without a lock. Its callback for
 *              illegal arguments does nothing: the call that was misused returns 0 and the caller refuses. The default
 *              one would abort the process, which no input may do.
 * Ownership    The context lives as long as the process.
 * Thread       Any. Two threads that ask first at the same time each make a context; one is published by a single
 *              compare-and-exchange and the other is destroyed at once.
 * Source       BIP340 (https://github.com/bitcoin/bips/blob/master/bip-0340.mediawiki).
 */
#ifndef NOTCH_BASE_SECP_H
#define NOTCH_BASE_SECP_H

#include "base/bytes.h"
#include "base/units.h"

struct secp256k1_context_struct;

/* Never NULL. */
const struct secp256k1_context_struct *notch_secp_context(void);

/*
 * Makes the context with its computations on secrets blinded by these 32 random bytes, which hardens signing against
 * power and cache analysis and changes no result. For the start of a program that signs; the pure folders draw no
 * randomness, so the bytes come from outside. False when the context is already in use and cannot be changed.
 */
NOTCH_MUST_USE bool notch_secp_blind(const uint8_t seed[32]);

/* The x-only key of a secret; false when the secret is 0 or not below the order of the group. */
NOTCH_MUST_USE bool notch_secp_key(struct notch_key *out, const uint8_t secret[32]);

/* aux is 32 bytes or NULL, which counts as zeros. False when the secret is not valid. */
NOTCH_MUST_USE bool notch_secp_sign(struct notch_sig *out, const uint8_t secret[32], struct notch_bytes message,
                                    const uint8_t *aux);
NOTCH_MUST_USE bool notch_secp_verify(const struct notch_key *key, struct notch_bytes message,
                                      const struct notch_sig *sig);

#endif
