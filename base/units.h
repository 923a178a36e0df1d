/*
 * base/units.h: one-field structs for what must not be mixed up.
 *
 * A price is not an amount and a slot is not a height, so each has a type of its own and the compiler finds the mix-up
 * (as Core Lightning's common/amount.h does for satoshi and millisatoshi). Arithmetic on the signed ones is in
 * base/fixed.h and refuses overflow. Code outside of base reads the field `raw` only where it encodes, decodes or
 * prints, and says so with a "Raw:" comment; contrib/lint counts.
 *
 * Units        amount, price   micro-units, 1e-6 of the currency or of the resource's unit
 *              ppm             millionths; 1,000,000 is the whole
 *              time            unix time in milliseconds
 *              slot, height    counted from genesis, which is slot 0 at height 0
 */
#ifndef NOTCH_BASE_UNITS_H
#define NOTCH_BASE_UNITS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct notch_amount {
    int64_t raw;
};

struct notch_price {
    int64_t raw;
};

struct notch_ppm {
    int32_t raw;
};

struct notch_time {
    uint64_t raw;
};

struct notch_slot {
    uint64_t raw;
};

struct notch_height {
    uint64_t raw;
};

/* A SHA-256 digest. */
struct notch_hash {
    uint8_t raw[32];
};

/* An x-only secp256k1 public key (BIP340). Whether it is on the curve is not part of the type. */
struct notch_key {
    uint8_t raw[32];
};

/* A BIP340 signature. */
struct notch_sig {
    uint8_t raw[64];
};

#define NOTCH_PPM_ONE 1000000
#define NOTCH_MICRO 1000000

/* An ordering by the bytes: the tie-break of the protocol, and what sorted tables use. */
static inline int notch_hash_cmp(const struct notch_hash *a, const struct notch_hash *b)
{
    return memcmp(a->raw, b->raw, sizeof a->raw);
}

static inline bool notch_hash_eq(const struct notch_hash *a, const struct notch_hash *b)
{
    return notch_hash_cmp(a, b) == 0;
}

static inline bool notch_hash_is_zero(const struct notch_hash *hash)
{
    static const struct notch_hash zero;
    return notch_hash_eq(hash, &zero);
}

static inline int notch_key_cmp(const struct notch_key *a, const struct notch_key *b)
{
    return memcmp(a->raw, b->raw, sizeof a->raw);
}

static inline bool notch_key_eq(const struct notch_key *a, const struct notch_key *b)
{
    return notch_key_cmp(a, b) == 0;
}

static inline int notch_time_cmp(struct notch_time a, struct notch_time b)
{
    return (a.raw > b.raw) - (a.raw < b.raw);
}

static inline int notch_slot_cmp(struct notch_slot a, struct notch_slot b)
{
    return (a.raw > b.raw) - (a.raw < b.raw);
}

static inline int notch_height_cmp(struct notch_height a, struct notch_height b)
{
    return (a.raw > b.raw) - (a.raw < b.raw);
}

#endif
