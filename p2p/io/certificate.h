/*
 * p2p/io/certificate.h: the certificate that says, inside TLS, which node key is at the other end.
 *
 * TLS 1.3 knows no secp256k1, so the certificate's own key is an Ed25519 key made for this run. One critical extension
 * binds the node key to it:
 *
 *      x-only node key (32) || BIP340 signature (64) over tagged("notch/certificate", SubjectPublicKeyInfo)
 *
 * A certificate is good when it is X.509v3, self-signed by an Ed25519 key, has exactly this one extension, and the
 * signature is the node key's. Names and dates mean nothing: who the node is, is its key, and no clock is asked.
 * The extension moved to another certificate is worthless, since it signs the key that signs the TLS handshake.
 *
 * Ownership    What make() gives is the caller's: X509_free, EVP_PKEY_free.
 * Errors       A certificate of another node that is not good: a literal reason.
 * Thread       Any.
 * Source       design README section 3; the pattern is libp2p's (specs/tls), with a key of this network's.
 */
#ifndef NOTCH_P2P_IO_CERTIFICATE_H
#define NOTCH_P2P_IO_CERTIFICATE_H

#include "base/crypto.h"
#include "base/error.h"

#include <openssl/x509.h>

#define NOTCH_CERTIFICATE_EXTENSION_LEN 96

/* A new key pair and its certificate. CRYPTO: no randomness, or the signer cannot sign. */
NOTCH_MUST_USE enum notch_err notch_certificate_make(X509 **certificate, EVP_PKEY **key,
                                                     const struct notch_crypto *crypto,
                                                     const struct notch_signer *signer);

/* NULL and the node key, or why the certificate is not good. */
NOTCH_MUST_USE const char *notch_certificate_check(struct notch_key *node, X509 *certificate,
                                                   const struct notch_crypto *crypto);

#endif
