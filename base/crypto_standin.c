/*
 * Keyed hashes in the place of signatures. What a key signs is bound to the key and the message, every bit of a
 * signature and of a proof counts, and nothing is secret: whoever knows a key can sign for it.
 */
#include "base/crypto.h"

#include "base/hash.h"

/* What a hash is for: its first byte, so that no two uses meet. */
enum purpose {
    PURPOSE_KEY = 1,
    PURPOSE_SIGN = 2,
    PURPOSE_VRF_VALUE = 3,
    PURPOSE_VRF_PROOF = 4,
    PURPOSE_VRF_OUTPUT = 5,
};

static void standin_hash(struct notch_hash *out, enum purpose purpose, const uint8_t first[32], const uint8_t *second)
{
    uint8_t message[1 + 32 + 32];
    size_t len = 1 + 32;
    message[0] = (uint8_t)purpose;
    memcpy(message + 1, first, 32);
    if (second != NULL) {
        memcpy(message + len, second, 32);
        len += 32;
    }
    notch_sha256(out, notch_bytes(message, len));
}

static bool standin_key_of_secret(const void *self, struct notch_key *out, const uint8_t secret[32])
{
    (void)self;
    static const uint8_t zeros[32];
    /* Zero is no secret on the curve either. */
    if (memcmp(secret, zeros, sizeof zeros) == 0) {
        return false;
    }
    struct notch_hash hash;
    standin_hash(&hash, PURPOSE_KEY, secret, NULL);
    memcpy(out->raw, hash.raw, sizeof out->raw);
    return true;
}

/* What is prepared is the key. */
static bool standin_prepare(const void *self, struct notch_prepared *out, const uint8_t secret[32])
{
    struct notch_key key;
    memset(out, 0, sizeof *out);
    if (!standin_key_of_secret(self, &key, secret)) {
        return false;
    }
    memcpy(out->opaque, key.raw, sizeof key.raw);
    return true;
}

static bool holds_secret(const struct notch_signer *signer)
{
    if (signer->prepared != NULL) {
        return memcmp(signer->prepared->opaque, signer->key.raw, sizeof signer->key.raw) == 0;
    }
    struct notch_key key;
    return standin_key_of_secret(NULL, &key, signer->secret) && notch_key_eq(&key, &signer->key);
}

static void make_signature(struct notch_sig *out, const struct notch_key *key, const struct notch_hash *message)
{
    struct notch_hash hash;
    standin_hash(&hash, PURPOSE_SIGN, key->raw, message->raw);
    memcpy(out->raw, hash.raw, 32);
    memcpy(out->raw + 32, hash.raw, 32);
}

static bool standin_sign(const void *self, struct notch_sig *out, const struct notch_signer *signer,
                         const struct notch_hash *message)
{
    (void)self;
    if (!holds_secret(signer)) {
        return false;
    }
    make_signature(out, &signer->key, message);
    return true;
}

static bool standin_verify(const void *self, const struct notch_key *key, const struct notch_hash *message,
                           const struct notch_sig *sig)
{
    (void)self;
    struct notch_sig expected;
    make_signature(&expected, key, message);
    return memcmp(expected.raw, sig->raw, sizeof expected.raw) == 0;
}

/* The layout of the real proof: a point whose first byte is 2, a challenge, a scalar. */
static void make_proof(struct notch_vrf_proof *out, const struct notch_key *key, const struct notch_hash *input)
{
    struct notch_hash value;
    struct notch_hash proof;
    standin_hash(&value, PURPOSE_VRF_VALUE, key->raw, input->raw);
    standin_hash(&proof, PURPOSE_VRF_PROOF, value.raw, NULL);
    out->raw[0] = 2;
    memcpy(out->raw + 1, value.raw, 32);
    memcpy(out->raw + 33, proof.raw, 16);
    memcpy(out->raw + 49, proof.raw, 32);
}

static bool standin_vrf_prove(const void *self, struct notch_vrf_proof *out, const struct notch_signer *signer,
                              const struct notch_hash *input)
{
    (void)self;
    if (!holds_secret(signer)) {
        return false;
    }
    make_proof(out, &signer->key, input);
    return true;
}

static bool standin_vrf_verify(const void *self, struct notch_hash *output, const struct notch_key *key,
                               const struct notch_hash *input, const struct notch_vrf_proof *proof)
{
    (void)self;
    struct notch_vrf_proof expected;
    make_proof(&expected, key, input);
    if (memcmp(expected.raw, proof->raw, sizeof expected.raw) != 0) {
        return false;
    }
    standin_hash(output, PURPOSE_VRF_OUTPUT, proof->raw + 1, NULL);
    return true;
}

const struct notch_crypto *notch_crypto_standin(void)
{
    static const struct notch_crypto table = {
        .key_of_secret = standin_key_of_secret,
        .prepare = standin_prepare,
        .sign = standin_sign,
        .verify = standin_verify,
        .vrf_prove = standin_vrf_prove,
        .vrf_verify = standin_vrf_verify,
        .self = NULL,
    };
    return &table;
}
