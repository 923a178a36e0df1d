#include "base/crypto.h"

#include "base/ecvrf.h"
#include "base/secp.h"

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>
#include <stdatomic.h>

/* Set once, from NULL, and never again: the only thing in this folder that changes behind the caller's back. */
static _Atomic(secp256k1_context *) shared_context;

static void ignore_illegal_argument(const char *message, void *data)
{
    (void)message;
    (void)data;
}

static secp256k1_context *make_context(void)
{
    secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    notch_assert(context != NULL);
    secp256k1_context_set_illegal_callback(context, ignore_illegal_argument, NULL);
    return context;
}

/* Whether this context became the shared one; otherwise it is gone. */
static bool publish_context(secp256k1_context *context)
{
    secp256k1_context *none = NULL;
    if (atomic_compare_exchange_strong_explicit(&shared_context, &none, context, memory_order_acq_rel,
                                                memory_order_acquire)) {
        return true;
    }
    secp256k1_context_destroy(context);
    return false;
}

const secp256k1_context *notch_secp_context(void)
{
    const secp256k1_context *context = atomic_load_explicit(&shared_context, memory_order_acquire);
    if (context != NULL) {
        return context;
    }
    (void)publish_context(make_context());
    return atomic_load_explicit(&shared_context, memory_order_acquire);
}

bool notch_secp_blind(const uint8_t seed[32])
{
    if (atomic_load_explicit(&shared_context, memory_order_acquire) != NULL) {
        return false;
    }
    secp256k1_context *context = make_context();
    int blinded = secp256k1_context_randomize(context, seed);
    notch_assert(blinded == 1);
    return publish_context(context);
}

static bool key_of_pair(struct notch_key *out, const secp256k1_keypair *pair)
{
    const secp256k1_context *context = notch_secp_context();
    secp256k1_xonly_pubkey point;
    return secp256k1_keypair_xonly_pub(context, &point, NULL, pair) == 1 &&
           secp256k1_xonly_pubkey_serialize(context, out->raw, &point) == 1;
}

bool notch_secp_key(struct notch_key *out, const uint8_t secret[32])
{
    secp256k1_keypair pair;
    bool ok = secp256k1_keypair_create(notch_secp_context(), &pair, secret) == 1 && key_of_pair(out, &pair);
    notch_wipe(&pair, sizeof pair);
    return ok;
}

static bool sign_with_pair(struct notch_sig *out, const secp256k1_keypair *pair, struct notch_bytes message,
                           const uint8_t *aux)
{
    /* The library reads the 32 bytes and takes them without const only because a nonce function of one's own may. */
    secp256k1_schnorrsig_extraparams params = SECP256K1_SCHNORRSIG_EXTRAPARAMS_INIT;
    uint8_t aux_copy[32];
    if (aux != NULL) {
        memcpy(aux_copy, aux, sizeof aux_copy);
        params.ndata = aux_copy;
    }
    return secp256k1_schnorrsig_sign_custom(notch_secp_context(), out->raw, message.data, message.len, pair, &params) ==
           1;
}

bool notch_secp_sign(struct notch_sig *out, const uint8_t secret[32], struct notch_bytes message, const uint8_t *aux)
{
    secp256k1_keypair pair;
    bool ok =
        secp256k1_keypair_create(notch_secp_context(), &pair, secret) == 1 && sign_with_pair(out, &pair, message, aux);
    notch_wipe(&pair, sizeof pair);
    return ok;
}

bool notch_secp_verify(const struct notch_key *key, struct notch_bytes message, const struct notch_sig *sig)
{
    const secp256k1_context *context = notch_secp_context();
    secp256k1_xonly_pubkey point;
    return secp256k1_xonly_pubkey_parse(context, &point, key->raw) == 1 &&
           secp256k1_schnorrsig_verify(context, sig->raw, message.data, message.len, &point) == 1;
}

static bool secp_key_of_secret(const void *self, struct notch_key *out, const uint8_t secret[32])
{
    (void)self;
    return notch_secp_key(out, secret);
}

_Static_assert(sizeof(struct notch_prepared) >= sizeof(secp256k1_keypair), "a pair is what is prepared");

static bool secp_prepare(const void *self, struct notch_prepared *out, const uint8_t secret[32])
{
    (void)self;
    secp256k1_keypair pair;
    bool ok = secp256k1_keypair_create(notch_secp_context(), &pair, secret) == 1;
    memset(out, 0, sizeof *out);
    memcpy(out->opaque, &pair, ok ? sizeof pair : 0);
    notch_wipe(&pair, sizeof pair);
    return ok;
}

/* The pair of a signer: the one that was prepared, or a new one. */
static bool pair_of_signer(secp256k1_keypair *out, const struct notch_signer *signer)
{
    if (signer->prepared == NULL) {
        return secp256k1_keypair_create(notch_secp_context(), out, signer->secret) == 1;
    }
    memcpy(out, signer->prepared->opaque, sizeof *out);
    return true;
}

/*
 * Without auxiliary randomness: the nonce is then a hash of the secret and the message, never the same for two
 * messages, and a replay of the node signs the very same bytes. What the randomness would add, protection against
 * fault injection on the machine, is worth less here than a signer that no bad random source can betray.
 */
static bool secp_sign(const void *self, struct notch_sig *out, const struct notch_signer *signer,
                      const struct notch_hash *message)
{
    (void)self;
    secp256k1_keypair pair;
    struct notch_key key;
    bool ok = pair_of_signer(&pair, signer) && key_of_pair(&key, &pair) && notch_key_eq(&key, &signer->key) &&
              sign_with_pair(out, &pair, notch_bytes(message->raw, sizeof message->raw), NULL);
    notch_wipe(&pair, sizeof pair);
    return ok;
}

static bool secp_verify(const void *self, const struct notch_key *key, const struct notch_hash *message,
                        const struct notch_sig *sig)
{
    (void)self;
    return notch_secp_verify(key, notch_bytes(message->raw, sizeof message->raw), sig);
}

static bool secp_vrf_prove(const void *self, struct notch_vrf_proof *out, const struct notch_signer *signer,
                           const struct notch_hash *input)
{
    (void)self;
    return notch_ecvrf_prove(out, signer, input);
}

static bool secp_vrf_verify(const void *self, struct notch_hash *output, const struct notch_key *key,
                            const struct notch_hash *input, const struct notch_vrf_proof *proof)
{
    (void)self;
    return notch_ecvrf_verify(output, key, input, proof);
}

const struct notch_crypto *notch_crypto_secp(void)
{
    static const struct notch_crypto table = {
        .key_of_secret = secp_key_of_secret,
        .prepare = secp_prepare,
        .sign = secp_sign,
        .verify = secp_verify,
        .vrf_prove = secp_vrf_prove,
        .vrf_verify = secp_vrf_verify,
        .self = NULL,
    };
    return &table;
}
