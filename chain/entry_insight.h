/*
 * chain/entry_insight.h: INSIGHT, what a node has learnt about the price of something in a period.
 *
 * Every value but market and period is optional: a presence mask says which follow, and an absent one takes no bytes. A
 * full insight of a week with a twelve-month seasonality takes about 110 bytes, one with a point price, a trend and a
 * confidence about 55.
 *
 * Encoding: market 32 | start_ms uvar | length_ms uvar | mask uvar | those present, in the order of the mask's bits:
 *   bit 0  point price    uvar, micro-units
 *   bit 1  price range    lo uvar, hi - lo uvar
 *   bit 2  trend          svar, ppm of the price over the period; -1,000,000 (to nothing) .. 10,000,000
 *   bit 3  volatility     uvar, ppm: standard deviation over mean; 0 .. 10,000,000
 *   bit 4  seasonality    uvar count (2..64), then svar each: ppm above or below the mean of the cycle, -1e6 .. 10e6
 *   bit 5  confidence     uvar, ppm, 0 .. 1,000,000
 *   bit 6  samples        uvar, 1 .. 2^40: how many observations stand behind it
 *   bit 7  success        svar, ppm, -1,000,000 .. 1,000,000: how well the price did
 *   bit 8  aggregated     no bytes: every value sums up all `samples` observations
 *   bit 9  noise          uvar, ppm, 1 .. 10,000,000: standard deviation of the noise that was added
 *
 * The form is that of the chain's mode (chain/mode.h); besides: something other than metadata is present; lo <= hi, and
 * a point price beside a range lies in it; the period does not begin after the record's time; `aggregated` needs
 * `samples`, `noise` needs `aggregated`.
 *
 * Market and resource ids are hashes of what is sold where: "product|region|currency|unit|pack", keyed by the
 * audience's secret, so that who does not know the secret cannot tell the markets, or a plain tagged hash where
 * everybody may.
 */
#ifndef NOTCH_CHAIN_ENTRY_INSIGHT_H
#define NOTCH_CHAIN_ENTRY_INSIGHT_H

#include "base/codec.h"
#include "base/error.h"
#include "base/hash.h"
#include "chain/genesis.h"

#define NOTCH_INSIGHT_POINT 0x001u
#define NOTCH_INSIGHT_RANGE 0x002u
#define NOTCH_INSIGHT_TREND 0x004u
#define NOTCH_INSIGHT_VOLATILITY 0x008u
#define NOTCH_INSIGHT_SEASONALITY 0x010u
#define NOTCH_INSIGHT_CONFIDENCE 0x020u
#define NOTCH_INSIGHT_SAMPLES 0x040u
#define NOTCH_INSIGHT_SUCCESS 0x080u
#define NOTCH_INSIGHT_AGGREGATED 0x100u
#define NOTCH_INSIGHT_NOISE 0x200u
#define NOTCH_INSIGHT_ALL 0x3ffu

#define NOTCH_INSIGHT_SEASONS_MAX 64
#define NOTCH_INSIGHT_SAMPLES_MAX (UINT64_C(1) << 40)
#define NOTCH_RATIO_MAX (10 * NOTCH_PPM_ONE)

/* No period is longer than ten years. */
#define NOTCH_PERIOD_MS_MAX UINT64_C(315576000000)

/* From start on, length_ms > 0 milliseconds; it ends within NOTCH_TIME_MAX. */
struct notch_period {
    struct notch_time start;
    uint64_t length_ms;
};

struct notch_insight {
    struct notch_hash market;
    struct notch_period period;
    uint32_t mask; /* NOTCH_INSIGHT_*: which of the following count */
    struct notch_price point;
    struct notch_price lo, hi;
    struct notch_ppm trend;
    struct notch_ppm volatility;
    uint32_t season_count;
    struct notch_ppm seasons[NOTCH_INSIGHT_SEASONS_MAX];
    struct notch_ppm confidence;
    uint64_t samples;
    struct notch_ppm success;
    struct notch_ppm noise;
};

void notch_period_write(struct notch_writer *writer, const struct notch_period *period);

/* Fails the reader where the period is out of its bounds. */
void notch_period_read(struct notch_reader *reader, struct notch_period *out);

/* What is sold, where, for which money, in which unit and pack: free text without '|' and control characters, trimmed
 * by the caller. `secret` is the audience's, empty for a plain hash. */
struct notch_market_name {
    struct notch_bytes product, region, currency, unit, pack;
};

/*
 * The id of a market or of a resource (tag RESOURCE): two different uses of one name have different ids. The key, where
 * there is one, is hashed in front of the name with its length. INVALID if a part holds '|' or a control character or
 * the product is empty; RANGE if a part is longer than 255 bytes.
 */
#define NOTCH_MARKET_PART_MAX 255
NOTCH_MUST_USE enum notch_err notch_market_id(struct notch_hash *out, const struct notch_domain *domain,
                                              const struct notch_market_name *name, struct notch_bytes secret);
NOTCH_MUST_USE enum notch_err notch_resource_id(struct notch_hash *out, const struct notch_domain *domain,
                                                const struct notch_market_name *name, struct notch_bytes secret);

#endif
