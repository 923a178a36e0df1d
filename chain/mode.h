/*
 * chain/mode.h: what a chain's mode lets anybody say (design section 4), and what a stateless check needs to know of a
 * chain.
 *
 * A chain has one mode, fixed in its genesis. The table below is part of record validity: a field that the mode forbids
 * makes the record invalid everywhere, so that nobody can leak by mistake and no node has to be trusted to filter.
 *
 *   field                     private   consortium   public
 *   point price               full      -            -
 *   price range               full      binned       -
 *   success metric            full      aggregated   -
 *   trend, volatility,
 *     seasonality             full      full         noised
 *   model                     full      full         -
 *
 *   full         any value
 *   binned       both edges on the public grid, the lower one below the upper one: a range of one point is a point
 *                price, and a range around a point shows the point as its middle (design ai D)
 *   aggregated   the entry says that it sums up `samples` observations, and these are at least the chain's
 *   `aggregate_min` noised       aggregated, and the entry names the noise that was added, which is not zero
 *
 * The grid is that of the decimal numbers with at most two significant digits (0, 1.2, 350, 0.000045 ...), in
 * micro-units.
 *
 * Ownership    notch_rules borrows the domain and the crypto table; both outlive it.
 * Thread       Pure functions and values.
 */
#ifndef NOTCH_CHAIN_MODE_H
#define NOTCH_CHAIN_MODE_H

#include "base/crypto.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/units.h"

#include <stddef.h>

/* Values are part of the genesis encoding. */
enum notch_mode { NOTCH_MODE_PRIVATE = 0, NOTCH_MODE_CONSORTIUM = 1, NOTCH_MODE_PUBLIC = 2 };
#define NOTCH_MODE_COUNT 3

/* From the strictest to the freest. */
enum notch_level {
    NOTCH_LEVEL_FORBIDDEN,
    NOTCH_LEVEL_NOISED,
    NOTCH_LEVEL_AGGREGATED,
    NOTCH_LEVEL_BINNED,
    NOTCH_LEVEL_FULL,
};

enum notch_field {
    NOTCH_FIELD_POINT_PRICE,
    NOTCH_FIELD_PRICE_RANGE,
    NOTCH_FIELD_SUCCESS,
    NOTCH_FIELD_TREND,
    NOTCH_FIELD_VOLATILITY,
    NOTCH_FIELD_SEASONALITY,
    NOTCH_FIELD_MODEL,
};
#define NOTCH_FIELD_COUNT 7

/*
 * All that a check of a record or a batch without any state knows of the chain. Made from the genesis by
 * notch_genesis_rules() (chain/genesis.h), and again where GOVERNANCE changes the caps.
 */
struct notch_rules {
    const struct notch_domain *domain;
    const struct notch_crypto *crypto;
    enum notch_mode mode;
    uint32_t record_bytes_max;
    uint32_t batch_bytes_max; /* of the records of a batch, with their lengths */
    uint32_t aggregate_min;   /* samples */
};

enum notch_level notch_mode_level(enum notch_mode mode, enum notch_field field);

/* "private", "consortium", "public"; and back: false for any other text. */
const char *notch_mode_name(enum notch_mode mode);
NOTCH_MUST_USE bool notch_mode_parse(enum notch_mode *out, const char *text, size_t len);

/* Whether a price >= 0 is on the public grid; and the nearest price on it that is not above, not below. Prices so near
 * to the end of i64 that there is none above give the greatest on the grid. price >= 0. */
bool notch_grid_contains(struct notch_price price);
struct notch_price notch_grid_floor(struct notch_price price);
struct notch_price notch_grid_ceil(struct notch_price price);

#endif
