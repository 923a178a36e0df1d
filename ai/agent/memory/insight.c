#include "ai/agent/memory/insight.h"

#include "ai/agent/memory/bins.h"
#include "ai/agent/memory/number.h"
#include "chain/mode.h"

#include <math.h>
#include <string.h>

static int32_t to_ppm(double ratio, double least, double most)
{
    return (int32_t)floor(fmin(most, fmax(least, ratio)) * NOTCH_PPM_ONE + 0.5);
}

/* The promising region whose middle promises most. False where there is none. */
static bool best_region(const struct notch_market *market, struct notch_memory_region *out,
                        const struct notch_alloc *alloc)
{
    size_t size = NOTCH_MARKET_REGIONS_MAX * sizeof(struct notch_memory_region);
    struct notch_memory_region *regions = notch_alloc(alloc, size);
    size_t count = notch_market_regions_own(market, regions);
    double best = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        double middle = (regions[i].lo + regions[i].hi) / 2;
        struct notch_landscape_look look = notch_landscape_at(&market->landscape, middle);
        if (look.reward > best && middle >= NOTCH_MEMORY_PRICE_MIN) {
            best = look.reward;
            *out = regions[i];
        }
    }
    notch_free(alloc, regions, size);
    return best > -INFINITY;
}

/* From the least to the greatest of the last periods' prices. */
static struct notch_memory_region last_range(const struct notch_market *market)
{
    const struct notch_series *series = &market->series;
    uint32_t from = series->count > NOTCH_SERIES_LOOK ? series->count - NOTCH_SERIES_LOOK : 0;
    double first = notch_series_at(series, from)->mean;
    struct notch_memory_region range = {first, first};
    for (uint32_t i = from + 1; i < series->count; i++) {
        range.lo = fmin(range.lo, notch_series_at(series, i)->mean);
        range.hi = fmax(range.hi, notch_series_at(series, i)->mean);
    }
    return range;
}

/* Raw: fills in values of the chain. */
static void put_prices(struct notch_insight *out, const struct notch_market *market, struct notch_memory_region range)
{
    double middle = (range.lo + range.hi) / 2;
    double spread = notch_landscape_reward_deviation(&market->landscape);
    struct notch_landscape_look look = notch_landscape_at(&market->landscape, middle);
    out->lo = notch_grid_floor((struct notch_price){notch_bin_micro(range.lo)});
    out->hi = notch_grid_ceil((struct notch_price){notch_bin_micro(range.hi)});
    if (out->hi.raw <= out->lo.raw) {
        out->hi = notch_grid_ceil((struct notch_price){out->lo.raw + 1});
    }
    out->mask |= NOTCH_INSIGHT_RANGE | NOTCH_INSIGHT_CONFIDENCE;
    if (market->mode == NOTCH_MARKET_CLASSIC) {
        out->confidence.raw = to_ppm(notch_classic_confidence(&market->classic, middle), 0, 1);
        return;
    }
    out->confidence.raw = to_ppm(look.n / (1 + look.n), 0, 1);
    if (spread > 0) {
        out->mask |= NOTCH_INSIGHT_SUCCESS;
        out->success.raw = to_ppm((look.reward - market->landscape.fit.reward) / (3 * spread), -1, 1);
    }
}

enum notch_err notch_market_insight(const struct notch_market *market, struct notch_insight *out,
                                    const struct notch_hash *id, const struct notch_alloc *alloc)
{
    memset(out, 0, sizeof *out);
    if (market->observed == 0 || !market->is_timed) {
        return NOTCH_ERR_NOT_FOUND;
    }
    struct notch_series_outlook outlook;
    struct notch_memory_region range = {0, 0};
    notch_series_outlook(&market->series, &outlook, alloc);
    out->market = *id;
    out->period.start.raw = market->time_ms / market->period_ms * market->period_ms; /* Raw: makes a period */
    out->period.length_ms = market->period_ms;
    if (!best_region(market, &range, alloc)) {
        range = last_range(market);
    }
    put_prices(out, market, range);
    bool is_classic = market->mode == NOTCH_MARKET_CLASSIC;
    double trend = is_classic ? notch_classic_trend(&market->classic) : outlook.trend;
    out->mask |= NOTCH_INSIGHT_TREND | NOTCH_INSIGHT_VOLATILITY | NOTCH_INSIGHT_SAMPLES;
    out->trend.raw = to_ppm(trend, -1, is_classic ? 1 : 10); /* Raw: values of the chain, from here on */
    out->volatility.raw = to_ppm(outlook.volatility, 0, 10);
    out->samples = market->observed < NOTCH_INSIGHT_SAMPLES_MAX ? market->observed : NOTCH_INSIGHT_SAMPLES_MAX;
    if (outlook.season_count > 0) {
        out->mask |= NOTCH_INSIGHT_SEASONALITY;
        out->season_count = (uint32_t)outlook.season_count;
        for (uint32_t i = 0; i < out->season_count; i++) {
            out->seasons[i].raw = to_ppm(outlook.seasons[i], -1, 10);
        }
    }
    return NOTCH_OK;
}

/* Raw: reads values of the chain. */
bool notch_market_learn(struct notch_market *market, const struct notch_key *author,
                        const struct notch_insight *insight)
{
    const double micro = 1e6;
    struct notch_source source = {.author = *author, .samples = 1, .confidence = 0.5};
    source.time_ms = insight->period.start.raw + insight->period.length_ms;
    if ((insight->mask & NOTCH_INSIGHT_RANGE) != 0 && insight->lo.raw > 0) {
        source.has_range = true;
        source.lo = (double)insight->lo.raw / micro;
        source.hi = (double)insight->hi.raw / micro;
    } else if ((insight->mask & NOTCH_INSIGHT_POINT) != 0 && insight->point.raw > 0) {
        source.has_range = true;
        source.lo = (double)insight->point.raw / micro;
        source.hi = source.lo;
    }
    if (source.hi > NOTCH_MEMORY_PRICE_MAX || (!source.has_range && (insight->mask & NOTCH_INSIGHT_TREND) == 0)) {
        return false;
    }
    if ((insight->mask & NOTCH_INSIGHT_TREND) != 0) {
        source.trend = (double)insight->trend.raw / micro;
    }
    if ((insight->mask & NOTCH_INSIGHT_CONFIDENCE) != 0) {
        source.confidence = (double)insight->confidence.raw / micro;
    }
    if ((insight->mask & NOTCH_INSIGHT_SAMPLES) != 0) {
        source.samples = fmin(NOTCH_SOURCES_SAMPLES_MAX, fmax(1, (double)insight->samples));
    }
    if ((insight->mask & NOTCH_INSIGHT_SUCCESS) != 0) {
        source.has_success = true;
        source.success = (double)insight->success.raw / micro;
    }
    return notch_sources_put(&market->sources, &source);
}
