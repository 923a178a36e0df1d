/*
 * base/crypto.h: signing, verifying and the verifiable random function, behind one small table.
 *
 * The daemon uses libsecp256k1 (base/crypto_secp.c): BIP340 signatures and an ECVRF over secp256k1. The simulator may
 * stand in a keyed hash (base/crypto_standin.c), a hundred times cheaper and just as binding inside one process whose
 * adversaries do not attack signatures.
 *
 * Ownership    A signer borrows its 32 secret bytes and what was prepared from them; the owner keeps both in locked
 *              memory and wipes them (wallet/io/secrets.h, which also prepares). The context behind `self` outlives
 *              every use.
 * Thread       verify and vrf_verify: any thread. sign and vrf_prove: any thread, as long as the secret stays.
 * Errors       false: the signature or proof is not valid (verify), or the secret is not valid or not that of the
 *              signer's key (sign, prove).
 */
#ifndef NOTCH_BASE_CRYPTO_H
#define NOTCH_BASE_CRYPTO_H

#include "base/assert.h"
#include "base/units.h"

/* An ECVRF proof: a compressed point (33), a challenge (16) and a scalar (32). */
#define NOTCH_VRF_PROOF_LEN 81
struct notch_vrf_proof {
    uint8_t raw[NOTCH_VRF_PROOF_LEN];
};

/* What a table works out once from a secret, so that a signature costs half as much. As secret as the secret. */
struct notch_prepared {
    _Alignas(8) uint8_t opaque[96];
};

/* Who signs. The key is the public half of the secret. */
struct notch_signer {
    struct notch_key key;
    const uint8_t *secret;                 /* 32 bytes */
    const struct notch_prepared *prepared; /* NULL, or of this secret and made by the same table */
};

struct notch_crypto {
    bool (*key_of_secret)(const void *self, struct notch_key *out, const uint8_t secret[32]);
    bool (*prepare)(const void *self, struct notch_prepared *out, const uint8_t secret[32]);
    bool (*sign)(const void *self, struct notch_sig *out, const struct notch_signer *signer,
                 const struct notch_hash *message);
    bool (*verify)(const void *self, const struct notch_key *key, const struct notch_hash *message,
                   const struct notch_sig *sig);
    bool (*vrf_prove)(const void *self, struct notch_vrf_proof *out, const struct notch_signer *signer,
                      const struct notch_hash *input);
    /* On success *output is the random value that this key has for this input: there is only one. */
    bool (*vrf_verify)(const void *self, struct notch_hash *output, const struct notch_key *key,
                       const struct notch_hash *input, const struct notch_vrf_proof *proof);
    const void *self;
};

/* libsecp256k1. Makes a context that lives as long as the process; the same one for every caller. */
const struct notch_crypto *notch_crypto_secp(void);

/* The stand-in: a signature is a keyed hash that anybody could make. For the simulator and for tests only. */
const struct notch_crypto *notch_crypto_standin(void);

static inline bool notch_sign(const struct notch_crypto *crypto, struct notch_sig *out,
                              const struct notch_signer *signer, const struct notch_hash *message)
{
    return crypto->sign(crypto->self, out, signer, message);
}

static inline bool notch_verify(const struct notch_crypto *crypto, const struct notch_key *key,
                                const struct notch_hash *message, const struct notch_sig *sig)
{
    return crypto->verify(crypto->self, key, message, sig);
}

static inline bool notch_vrf_prove(const struct notch_crypto *crypto, struct notch_vrf_proof *out,
                                   const struct notch_signer *signer, const struct notch_hash *input)
{
    return crypto->vrf_prove(crypto->self, out, signer, input);
}

static inline bool notch_vrf_verify(const struct notch_crypto *crypto, struct notch_hash *output,
                                    const struct notch_key *key, const struct notch_hash *input,
                                    const struct notch_vrf_proof *proof)
{
    return crypto->vrf_verify(crypto->self, output, key, input, proof);
}

#endif
