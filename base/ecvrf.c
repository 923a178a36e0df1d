#include "base/ecvrf.h"

#include "base/hash.h"
#include "base/secp.h"

#include <secp256k1.h>
#include <secp256k1_ecdh.h>
#include <secp256k1_extrakeys.h>

#define POINT_LEN 33
#define CHALLENGE_LEN 16
#define SCALAR_LEN 32
_Static_assert(POINT_LEN + CHALLENGE_LEN + SCALAR_LEN == NOTCH_VRF_PROOF_LEN, "a proof is a point, c and s");

/* The domain separators of RFC 9381 section 5, and one of ours for the nonce. */
enum separator {
    SEPARATOR_ENCODE = 0x01,
    SEPARATOR_CHALLENGE = 0x02,
    SEPARATOR_OUTPUT = 0x03,
    SEPARATOR_NONCE = 0x05,
};

static void begin_hash(struct notch_sha256 *sha, enum separator separator)
{
    uint8_t byte = (uint8_t)separator;
    notch_sha256_init(sha);
    notch_sha256_update(sha, NOTCH_ECVRF_SUITE, sizeof NOTCH_ECVRF_SUITE - 1);
    notch_sha256_update(sha, &byte, 1);
}

static void end_hash(struct notch_sha256 *sha, struct notch_hash *out)
{
    static const uint8_t zero = 0;
    notch_sha256_update(sha, &zero, 1);
    notch_sha256_final(sha, out);
}

static void point_write(uint8_t out[POINT_LEN], const secp256k1_pubkey *point)
{
    size_t len = POINT_LEN;
    int ok = secp256k1_ec_pubkey_serialize(notch_secp_context(), out, &len, point, SECP256K1_EC_COMPRESSED);
    notch_assert(ok == 1);
}

/* The point with this x and an even y, where there is one. */
static bool point_of_x(secp256k1_pubkey *out, const uint8_t x[32])
{
    uint8_t compressed[POINT_LEN];
    compressed[0] = SECP256K1_TAG_PUBKEY_EVEN;
    memcpy(compressed + 1, x, 32);
    return secp256k1_ec_pubkey_parse(notch_secp_context(), out, compressed, sizeof compressed) == 1;
}

/* RFC 9381 section 5.4.1.1. Half of all candidates are on the curve; 256 misses do not happen. */
static bool encode_to_curve(secp256k1_pubkey *out, const uint8_t key_point[POINT_LEN], const struct notch_hash *input)
{
    for (unsigned counter = 0; counter < 256; counter++) {
        uint8_t byte = (uint8_t)counter;
        struct notch_sha256 sha;
        struct notch_hash candidate;
        begin_hash(&sha, SEPARATOR_ENCODE);
        notch_sha256_update(&sha, key_point, POINT_LEN);
        notch_sha256_update(&sha, input->raw, sizeof input->raw);
        notch_sha256_update(&sha, &byte, 1);
        end_hash(&sha, &candidate);
        if (point_of_x(out, candidate.raw)) {
            return true;
        }
    }
    return false;
}

static int copy_point(unsigned char *output, const unsigned char *x, const unsigned char *y, void *data)
{
    (void)data;
    output[0] = SECP256K1_TAG_PUBKEY_UNCOMPRESSED;
    memcpy(output + 1, x, 32);
    memcpy(output + 33, y, 32);
    return 1;
}

/* scalar * point in constant time: the one call of the library that offers it is ECDH, told to hash by copying. */
static bool multiply_secret(secp256k1_pubkey *out, const secp256k1_pubkey *point, const uint8_t scalar[SCALAR_LEN])
{
    const secp256k1_context *context = notch_secp_context();
    uint8_t bytes[65];
    bool ok = secp256k1_ecdh(context, bytes, point, scalar, copy_point, NULL) == 1 &&
              secp256k1_ec_pubkey_parse(context, out, bytes, sizeof bytes) == 1;
    notch_wipe(bytes, sizeof bytes);
    return ok;
}

/* out = multiple * scalar - other * challenge, all of it public. */
static bool combine(secp256k1_pubkey *out, const secp256k1_pubkey *multiple, const uint8_t scalar[SCALAR_LEN],
                    const secp256k1_pubkey *other, const uint8_t challenge[SCALAR_LEN])
{
    const secp256k1_context *context = notch_secp_context();
    secp256k1_pubkey left = *multiple;
    secp256k1_pubkey right = *other;
    const secp256k1_pubkey *terms[] = {&left, &right};
    return secp256k1_ec_pubkey_tweak_mul(context, &left, scalar) == 1 &&
           secp256k1_ec_pubkey_tweak_mul(context, &right, challenge) == 1 &&
           secp256k1_ec_pubkey_negate(context, &right) == 1 &&
           secp256k1_ec_pubkey_combine(context, out, terms, NOTCH_ARRAY_LEN(terms)) == 1;
}

/* out = scalar * B - challenge * key, where B is the base point. */
static bool combine_with_base(secp256k1_pubkey *out, const uint8_t scalar[SCALAR_LEN], const secp256k1_pubkey *key,
                              const uint8_t challenge[SCALAR_LEN])
{
    const secp256k1_context *context = notch_secp_context();
    *out = *key;
    return secp256k1_ec_pubkey_tweak_mul(context, out, challenge) == 1 &&
           secp256k1_ec_pubkey_negate(context, out) == 1 && secp256k1_ec_pubkey_tweak_add(context, out, scalar) == 1;
}

/* The points of a proof, in the order in which the challenge hashes them: Y, H, Gamma, U, V. */
struct transcript {
    uint8_t key[POINT_LEN];
    uint8_t input[POINT_LEN];
    uint8_t gamma[POINT_LEN];
    uint8_t u[POINT_LEN];
    uint8_t v[POINT_LEN];
};
_Static_assert(sizeof(struct transcript) == 5 * (size_t)POINT_LEN, "hashed as it lies in memory");

/* The challenge as a scalar: 16 bytes of zeros, then the 16 bytes that a proof carries. */
static void make_challenge(uint8_t out[SCALAR_LEN], const struct transcript *transcript)
{
    struct notch_sha256 sha;
    struct notch_hash hash;
    begin_hash(&sha, SEPARATOR_CHALLENGE);
    notch_sha256_update(&sha, transcript, sizeof *transcript);
    end_hash(&sha, &hash);
    memset(out, 0, SCALAR_LEN - CHALLENGE_LEN);
    memcpy(out + SCALAR_LEN - CHALLENGE_LEN, hash.raw, CHALLENGE_LEN);
}

/* The secret whose key has an even y: this one or its negative. False unless it is the secret of the key. */
static bool normalise_secret(uint8_t out[SCALAR_LEN], const struct notch_signer *signer)
{
    const secp256k1_context *context = notch_secp_context();
    secp256k1_keypair pair;
    secp256k1_xonly_pubkey point;
    struct notch_key key;
    int odd = 0;
    bool ok = secp256k1_keypair_create(context, &pair, signer->secret) == 1 &&
              secp256k1_keypair_xonly_pub(context, &point, &odd, &pair) == 1 &&
              secp256k1_xonly_pubkey_serialize(context, key.raw, &point) == 1 && notch_key_eq(&key, &signer->key);
    notch_wipe(&pair, sizeof pair);
    if (!ok) {
        return false;
    }
    memcpy(out, signer->secret, SCALAR_LEN);
    return odd == 0 || secp256k1_ec_seckey_negate(context, out) == 1;
}

static void make_nonce(uint8_t out[SCALAR_LEN], const uint8_t secret[SCALAR_LEN], const uint8_t input_point[POINT_LEN])
{
    const secp256k1_context *context = notch_secp_context();
    struct notch_hash hash;
    uint8_t counter = 0;
    do {
        struct notch_sha256 sha;
        begin_hash(&sha, SEPARATOR_NONCE);
        notch_sha256_update(&sha, secret, SCALAR_LEN);
        notch_sha256_update(&sha, input_point, POINT_LEN);
        notch_sha256_update(&sha, &counter, 1);
        notch_sha256_final(&sha, &hash);
        notch_wipe(&sha, sizeof sha);
        /* A hash outside of [1, n-1] is a chance of 2^-127: 256 in a row say that the hash is broken. */
        notch_assert(counter < UINT8_MAX);
        counter++;
    } while (secp256k1_ec_seckey_verify(context, hash.raw) != 1);
    memcpy(out, hash.raw, SCALAR_LEN);
    notch_wipe(&hash, sizeof hash);
}

static bool prove_with(struct notch_vrf_proof *out, const struct notch_key *key, const uint8_t secret[SCALAR_LEN],
                       uint8_t nonce[SCALAR_LEN], const struct notch_hash *input)
{
    const secp256k1_context *context = notch_secp_context();
    struct transcript transcript;
    secp256k1_pubkey point;
    secp256k1_pubkey multiple;
    uint8_t challenge[SCALAR_LEN];
    transcript.key[0] = SECP256K1_TAG_PUBKEY_EVEN;
    memcpy(transcript.key + 1, key->raw, sizeof key->raw);
    if (!encode_to_curve(&point, transcript.key, input)) {
        return false;
    }
    point_write(transcript.input, &point);
    if (!multiply_secret(&multiple, &point, secret)) {
        return false;
    }
    point_write(transcript.gamma, &multiple);
    make_nonce(nonce, secret, transcript.input);
    if (!multiply_secret(&multiple, &point, nonce)) {
        return false;
    }
    point_write(transcript.v, &multiple);
    if (secp256k1_ec_pubkey_create(context, &multiple, nonce) != 1) {
        return false;
    }
    point_write(transcript.u, &multiple);
    make_challenge(challenge, &transcript);
    uint8_t *scalar = out->raw + POINT_LEN + CHALLENGE_LEN;
    memcpy(out->raw, transcript.gamma, POINT_LEN);
    memcpy(out->raw + POINT_LEN, challenge + SCALAR_LEN - CHALLENGE_LEN, CHALLENGE_LEN);
    memcpy(scalar, secret, SCALAR_LEN);
    if (secp256k1_ec_seckey_tweak_mul(context, scalar, challenge) != 1 ||
        secp256k1_ec_seckey_tweak_add(context, scalar, nonce) != 1) {
        notch_wipe(out, sizeof *out);
        return false;
    }
    return true;
}

bool notch_ecvrf_prove(struct notch_vrf_proof *out, const struct notch_signer *signer, const struct notch_hash *input)
{
    uint8_t secret[SCALAR_LEN];
    uint8_t nonce[SCALAR_LEN];
    if (!normalise_secret(secret, signer)) {
        return false;
    }
    bool ok = prove_with(out, &signer->key, secret, nonce, input);
    notch_wipe(secret, sizeof secret);
    notch_wipe(nonce, sizeof nonce);
    return ok;
}

bool notch_ecvrf_verify(struct notch_hash *output, const struct notch_key *key, const struct notch_hash *input,
                        const struct notch_vrf_proof *proof)
{
    const secp256k1_context *context = notch_secp_context();
    struct transcript transcript;
    secp256k1_pubkey key_point;
    secp256k1_pubkey input_point;
    secp256k1_pubkey gamma;
    secp256k1_pubkey u;
    secp256k1_pubkey v;
    uint8_t challenge[SCALAR_LEN] = {0};
    uint8_t expected[SCALAR_LEN];
    const uint8_t *scalar = proof->raw + POINT_LEN + CHALLENGE_LEN;
    memcpy(challenge + SCALAR_LEN - CHALLENGE_LEN, proof->raw + POINT_LEN, CHALLENGE_LEN);
    if (!point_of_x(&key_point, key->raw) || secp256k1_ec_pubkey_parse(context, &gamma, proof->raw, POINT_LEN) != 1) {
        return false;
    }
    point_write(transcript.key, &key_point);
    memcpy(transcript.gamma, proof->raw, POINT_LEN);
    if (!encode_to_curve(&input_point, transcript.key, input)) {
        return false;
    }
    if (!combine_with_base(&u, scalar, &key_point, challenge) ||
        !combine(&v, &input_point, scalar, &gamma, challenge)) {
        return false;
    }
    point_write(transcript.input, &input_point);
    point_write(transcript.u, &u);
    point_write(transcript.v, &v);
    make_challenge(expected, &transcript);
    if (memcmp(expected, challenge, sizeof expected) != 0) {
        return false;
    }
    struct notch_sha256 sha;
    begin_hash(&sha, SEPARATOR_OUTPUT);
    notch_sha256_update(&sha, transcript.gamma, POINT_LEN);
    end_hash(&sha, output);
    return true;
}
