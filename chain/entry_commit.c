/*
 * The commitments of chain/entry_allocation.h. Variable time is allowed nowhere here: the amount and the blinding are
 * secrets of the author until they are revealed, and libsodium's group operations are constant in both.
 */
#include "base/assert.h"
#include "chain/entry_allocation.h"

#include <sodium.h>

_Static_assert(crypto_core_ristretto255_BYTES == 32, "a commitment is one encoded point");
_Static_assert(crypto_core_ristretto255_SCALARBYTES == 32, "a blinding is one scalar");

/* H = from_hash(SHA512("notch/pedersen/H/ristretto255")); test_entry computes it again. */
static const uint8_t generator_h[32] = {
    0xb8, 0x95, 0xef, 0x7b, 0xbb, 0x86, 0x16, 0x22, 0xee, 0x31, 0xef, 0x55, 0xfd, 0x65, 0x13, 0xa7,
    0xd1, 0x2b, 0x43, 0x52, 0x23, 0x4a, 0x94, 0x17, 0x37, 0xec, 0x06, 0xb7, 0x62, 0x68, 0xf0, 0x4c,
};

/* Raw: the bytes of a point. */
bool notch_commitment_is_valid(const struct notch_commitment *commitment)
{
    return crypto_core_ristretto255_is_valid_point(commitment->raw) == 1;
}

/* Raw: the bytes of a scalar. */
bool notch_blinding_is_valid(const struct notch_blinding *blinding)
{
    uint8_t wide[crypto_core_ristretto255_NONREDUCEDSCALARBYTES] = {0};
    memcpy(wide, blinding->raw, sizeof blinding->raw);
    uint8_t reduced[crypto_core_ristretto255_SCALARBYTES];
    crypto_core_ristretto255_scalar_reduce(reduced, wide);
    bool canonical = sodium_memcmp(reduced, blinding->raw, sizeof reduced) == 0;
    bool zero = sodium_is_zero(blinding->raw, sizeof blinding->raw) == 1;
    notch_wipe(wide, sizeof wide);
    notch_wipe(reduced, sizeof reduced);
    return canonical && !zero;
}

/* Raw: the bytes of a scalar. */
void notch_blinding_from_entropy(struct notch_blinding *out, const uint8_t entropy[64])
{
    _Static_assert(crypto_core_ristretto255_NONREDUCEDSCALARBYTES == 64, "two scalars wide, so that none is likelier");
    crypto_core_ristretto255_scalar_reduce(out->raw, entropy);
}

/* Raw: the amount as a scalar, little endian. */
bool notch_commit_amount(struct notch_commitment *out, struct notch_amount amount,
                         const struct notch_blinding *blinding)
{
    if (amount.raw < 0 || !notch_blinding_is_valid(blinding)) {
        return false;
    }
    uint8_t hidden[crypto_core_ristretto255_BYTES];
    if (crypto_scalarmult_ristretto255(hidden, blinding->raw, generator_h) != 0) {
        return false;
    }
    if (amount.raw == 0) {
        /* 0 * G is the identity, which libsodium's multiplication refuses to give. */
        memcpy(out->raw, hidden, sizeof hidden);
        return true;
    }
    uint8_t scalar[crypto_core_ristretto255_SCALARBYTES] = {0};
    struct notch_writer writer = notch_writer(scalar, sizeof scalar);
    notch_write_u64(&writer, (uint64_t)amount.raw);
    uint8_t stated[crypto_core_ristretto255_BYTES];
    bool ok = crypto_scalarmult_ristretto255_base(stated, scalar) == 0 &&
              crypto_core_ristretto255_add(out->raw, stated, hidden) == 0;
    notch_wipe(scalar, sizeof scalar);
    notch_wipe(stated, sizeof stated);
    return ok;
}

/* Raw: the bytes of a point. */
bool notch_commitment_opens(const struct notch_commitment *commitment, struct notch_amount amount,
                            const struct notch_blinding *blinding)
{
    struct notch_commitment expected;
    return notch_commit_amount(&expected, amount, blinding) &&
           memcmp(expected.raw, commitment->raw, sizeof expected.raw) == 0;
}
