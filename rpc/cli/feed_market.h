/*
 * rpc/cli/feed_market.h: prices and quantities in, insights out.
 *
 * A series is one product in one market, currency, unit and pack. Its rows fall into periods on the grid of hours,
 * days, ISO weeks, months or years. Each period with rows gives one insight; w is the number of periods that it looks
 * back over:
 *
 *   price        sum(price * quantity) / sum(quantity) of the period; the plain mean where nothing was sold
 *   range        least and greatest price of the window
 *   trend        slope of the least-squares line through the prices of the window, over their mean, for one period
 *   volatility   standard deviation of these prices over their mean
 *   confidence   (periods of the window that have rows / w) * n / (n + 4)
 *   samples      n, the rows of the window
 *
 * Prices of the window are those of its periods, one each; trend and volatility need two of them. All in ppm, rounded
 * half away from zero. What the mode forbids is left out (chain/mode.h):
 *
 *   private      all of it
 *   consortium   no price; the range with its edges on the public grid
 *   public       trend and volatility, where the samples suffice, each rounded to a grid of noise/8 with noise on it:
 *                as many steps of that grid as a hash keyed by the author's secret has one bits more than 128 of 256.
 *                That is a binomial with the standard deviation `noise`. The hash is over the insight without noise
 *                too, so that the same content gets the same noise, and other content another.
 *
 * Invariants   The result depends on which rows there are, and not on their order.
 * Ownership    init / fini; options are borrowed during build.
 * Thread       One. Pure.
 */
#ifndef NOTCH_RPC_CLI_FEED_MARKET_H
#define NOTCH_RPC_CLI_FEED_MARKET_H

#include "rpc/cli/feed.h"
#include "rpc/cli/when.h"

/* 10^9 of the currency, 10^12 of the unit: a sum of products of 20 million rows fits into 128 bits. */
#define NOTCH_FEED_PRICE_MAX (INT64_C(1000000000) * NOTCH_MICRO)
#define NOTCH_FEED_QUANTITY_MAX (INT64_C(1000000000000) * NOTCH_MICRO)
#define NOTCH_FEED_WINDOW_MAX 520

struct notch_feed_market_form {
    enum notch_when_format time_format;
    int64_t time_origin_ms;
    enum notch_feed_log quantity_log;
    struct notch_bytes currency, unit, pack; /* where no column says it */
    uint64_t now_ms;                         /* what is later is refused */
};

struct notch_feed_market_options {
    bool unit_known;
    enum notch_when_unit unit; /* of the periods; else it goes by the gaps */
    uint32_t window;
    bool spans_periods; /* records may */
    enum notch_mode mode;
    uint32_t aggregate_min;
    uint32_t noise_ppm; /* at least 8 */
    const struct notch_domain *domain;
    const uint8_t *secret; /* of the author, 32 bytes */
    struct notch_bytes audience_secret;
};

struct notch_feed_market {
    const struct notch_alloc *alloc;
    struct notch_feed_names series; /* "product|market|currency|unit|pack" */
    struct notch_buf last;          /* uint64_t for each series: the time of its last row */
    struct notch_buf rows;
    uint64_t row_count;
    uint64_t out_of_order; /* rows that were older than the one before in their series */
};

/* What was made, beside the plan. */
struct notch_feed_market_result {
    enum notch_when_unit unit;
    uint64_t series;
    uint64_t insights;
    uint64_t too_few; /* periods that are left out, since the mode wants more samples, or two prices */
};

void notch_feed_market_init(struct notch_feed_market *market, const struct notch_alloc *alloc);
void notch_feed_market_fini(struct notch_feed_market *market);

/* Takes one row. A reason where it is bad. */
struct notch_feed_fault notch_feed_market_row(struct notch_feed_market *market,
                                              const struct notch_feed_columns *columns, const struct notch_csv *row,
                                              const struct notch_feed_market_form *form);

/* All insights into the plan, by period and then by the name of the series, for signer 0. */
void notch_feed_market_build(struct notch_feed_market *market, struct notch_feed_market_result *result,
                             struct notch_feed_plan *plan, const struct notch_feed_market_options *options);

#endif
