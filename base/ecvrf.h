/*
 * base/ecvrf.h: a verifiable random function over secp256k1, in the shape of RFC 9381.
 *
 * The holder of a key computes a value from an input that nobody else can compute, and a proof that it is the only
 * value which that key has for that input. BIP340 signatures cannot serve: there are many for one message, so a leader
 * could grind for a lucky one (design/consensus.md 1.4).
 *
 * RFC 9381 has no suite for secp256k1. Ours is ECVRF-<curve>-SHA256-TAI with these choices:
 *   suite string      the 32 bytes of "notch-vrf-secp256k1-sha256-tai/1"
 *   PK_string         0x02 and the x-only key: keys have an even y, as in BIP340
 *   encode to curve   try and increment with the salt PK_string (section 5.4.1.1); a candidate is 0x02 and the hash
 *   nonce             SHA256(suite || 0x05 || secret || h_string || ctr), the first ctr from 0 that gives a scalar in
 *                     [1, n-1]; the secret is the one whose key has an even y. RFC 6979 does the same with more hashes
 *   challenge         the first 16 bytes of SHA256(suite || 0x02 || Y || H || Gamma || U || V || 0x00)
 *   output            SHA256(suite || 0x03 || Gamma || 0x00); the cofactor is 1
 * A proof is Gamma (33 bytes, compressed), c (16), s (32, big endian). Refused beyond what the RFC refuses: c = 0 and
 * s = 0, which an honest prover meets with probability 2^-128. Vectors: tests/vectors/vrf.json.
 *
 * Invariants   The output is a function of Gamma, and for a key and an input one Gamma verifies.
 * Ownership    Values. The secret is wiped from every buffer that it was copied into.
 * Thread       Any.
 * Errors       false, as in base/crypto.h, which is how this is reached.
 */
#ifndef NOTCH_BASE_ECVRF_H
#define NOTCH_BASE_ECVRF_H

#include "base/crypto.h"

#define NOTCH_ECVRF_SUITE "notch-vrf-secp256k1-sha256-tai/1"

/* False also when the secret is not that of the key. The multiplications with secrets take constant time. */
NOTCH_MUST_USE bool notch_ecvrf_prove(struct notch_vrf_proof *out, const struct notch_signer *signer,
                                      const struct notch_hash *input);
NOTCH_MUST_USE bool notch_ecvrf_verify(struct notch_hash *output, const struct notch_key *key,
                                       const struct notch_hash *input, const struct notch_vrf_proof *proof);

#endif
