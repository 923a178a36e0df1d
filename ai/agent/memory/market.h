/*
 * ai/agent/memory/market.h: the price memory of one market: what was observed there, what others say, and what follows
 * for the next price (design/ai.md section D; design/vectors.md for the classic mode).
 *
 *                  classic (classic.h)                      kernel, the default
 *      bonus       0.7 own + 0.3 network                    c sqrt(ln(1 + N) / (1 + n_own + kappa n_net))
 *      std         0.7 own + 0.3 network                    (noise^2 p*^2 / 8 slope^2)^(1/4) * N^(-1/4), clipped
 *      regions     own and network, merged                  where the upper bound of the reward reaches the best lower
 *
 * In the kernel mode kappa is learnt (sources.h), N counts what others saw too, p* is the best price of the demand that
 * was fitted, kept within the prices that were seen, and the std is between 0.2% and 25% of it; where no falling demand
 * can be fitted it is 25% of the middle price * N^(-1/4).
 *
 * Observations come in the order of their times, or all without time. What cannot be is refused and changes nothing: no
 * number, a price or reward out of bounds, a time before the last one or far from it, a mixture of times and none, a
 * price that is a slip (gate.h).
 *
 * Units        Prices in the currency; rewards in what the seller likes (a profit, a revenue); times in ms since 1970.
 * Ownership    A value without pointers, about 40 KiB: keep it on the heap. Options are copied.
 * Thread       One at a time. Deterministic, but for the last bits of libm between machines: nothing here is for nodes
 *              to agree on.
 */
#ifndef NOTCH_AI_AGENT_MEMORY_MARKET_H
#define NOTCH_AI_AGENT_MEMORY_MARKET_H

#include "ai/agent/memory/classic.h"
#include "ai/agent/memory/gate.h"
#include "ai/agent/memory/landscape.h"
#include "ai/agent/memory/series.h"
#include "ai/agent/memory/sources.h"
#include "base/alloc.h"
#include "base/error.h"

#define NOTCH_MARKET_WEIGHT_OWN 0.7
#define NOTCH_MARKET_WEIGHT_NETWORK 0.3
#define NOTCH_MARKET_DAY_MS UINT64_C(86400000)

/* No observation is dated further behind the one before it: ten years. */
#define NOTCH_MARKET_GAP_MS_MAX UINT64_C(315576000000)
/* Nor further ahead of the clock, where there is one. */
#define NOTCH_MARKET_AHEAD_MS_MAX NOTCH_MARKET_DAY_MS

enum notch_market_mode { NOTCH_MARKET_KERNEL, NOTCH_MARKET_CLASSIC };

struct notch_market_options {
    enum notch_market_mode mode;
    uint64_t half_life_ms; /* of observations; 24 h */
    uint64_t period_ms;    /* of the series; 24 h */
    double exploration;    /* c; 1 */
    const double *history; /* classic mode: at least one price; borrowed until init returns */
    size_t history_count;
};
struct notch_market_options notch_market_defaults(void);

struct notch_market {
    enum notch_market_mode mode;
    uint64_t half_life_ms, period_ms;
    double exploration;
    bool is_timed;
    uint64_t time_ms; /* of the last observation; without times, how many there were */
    uint64_t observed, anomalies, refused;
    struct notch_gate gate;
    struct notch_series series;
    struct notch_landscape landscape;
    struct notch_sources sources;
    struct notch_classic classic; /* zero in kernel mode */
};

/* RANGE where an option is out of bounds: a price of the history, no history, a half-life or period of 0 or more than
 * ten years, an exploration that is not in 0 .. 1000. */
NOTCH_MUST_USE enum notch_err notch_market_init(struct notch_market *market, const struct notch_market_options *options,
                                                const struct notch_alloc *alloc);

struct notch_observation {
    bool has_time, has_quantity;
    uint64_t time_ms;
    double price;
    double reward;
    double quantity; /* sold, >= 0 */
};

enum notch_market_field {
    NOTCH_MARKET_FIELD_NONE,
    NOTCH_MARKET_FIELD_TIME,
    NOTCH_MARKET_FIELD_PRICE,
    NOTCH_MARKET_FIELD_REWARD,
    NOTCH_MARKET_FIELD_QUANTITY
};

struct notch_market_refusal {
    enum notch_market_field field; /* NONE: taken */
    const char *reason;            /* a literal; NULL where taken */
};

/* Whether a price can be one at all: NULL, or why not. */
const char *notch_market_check_price(double price);

/* now_ms: the clock, 0 where there is none. */
struct notch_market_refusal notch_market_observe(struct notch_market *market,
                                                 const struct notch_observation *observation, uint64_t now_ms);

/* ---- what it says ---- */

struct notch_market_answer {
    double bonus, std, confidence;
    double bonus_no_peers, std_no_peers; /* as if nobody had said anything */
    double bonus_own, std_own;           /* of one's own memory alone, before anything is combined */
};
void notch_market_ask(const struct notch_market *market, struct notch_market_answer *out, double price,
                      uint64_t now_ms);

/* Where to look; ascending, apart. Returns how many, at most NOTCH_MARKET_REGIONS_MAX. */
#define NOTCH_MARKET_REGIONS_MAX (NOTCH_CLASSIC_BINS_MAX + NOTCH_SOURCES_MAX + NOTCH_LANDSCAPE_BINS)
size_t notch_market_regions(const struct notch_market *market, struct notch_memory_region out[NOTCH_MARKET_REGIONS_MAX],
                            uint64_t now_ms);

/* Of one's own memory alone. */
size_t notch_market_regions_own(const struct notch_market *market,
                                struct notch_memory_region out[NOTCH_MARKET_REGIONS_MAX]);

struct notch_market_shape {
    double lo, hi; /* the prices that it covers */
    uint32_t bins;
    double sigma; /* of the prices */
    double decay; /* classic: of visits with an update; else what a day leaves of an observation */
    double rate;  /* classic: exploration rate; else the c of the bonus */
    uint64_t updates;
};
void notch_market_shape(const struct notch_market *market, struct notch_market_shape *out);

/* How long to wait before the next look at the network: `base_ms`, times 8 where others add nothing, an eighth of it
 * where they halve one's errors or better. */
uint64_t notch_market_sync_ms(const struct notch_market *market, uint64_t base_ms);

/* ---- bytes ---- */

void notch_market_write(struct notch_writer *writer, const struct notch_market *market);

/* Fails the reader where the bytes are no market's. */
void notch_market_read(struct notch_reader *reader, struct notch_market *out);

#endif
