#include "chain/entry_insight.h"

#include "base/assert.h"
#include "chain/entry_rows.h"

/* What says something about the market; the rest of the mask says something about the insight. */
#define SUBSTANCE \
    (NOTCH_INSIGHT_POINT | NOTCH_INSIGHT_RANGE | NOTCH_INSIGHT_TREND | NOTCH_INSIGHT_VOLATILITY | \
     NOTCH_INSIGHT_SEASONALITY | NOTCH_INSIGHT_SUCCESS)

static bool has(const struct notch_insight *insight, uint32_t bit)
{
    return (insight->mask & bit) != 0;
}

/* Raw: the encoding of periods and prices. */
void notch_period_write(struct notch_writer *writer, const struct notch_period *period)
{
    notch_write_uvar(writer, period->start.raw);
    notch_write_uvar(writer, period->length_ms);
}

/* Raw: the encoding of periods. */
void notch_period_read(struct notch_reader *reader, struct notch_period *out)
{
    out->start.raw = notch_read_uvar_max(reader, NOTCH_TIME_MAX);
    out->length_ms = notch_read_uvar_max(reader, NOTCH_PERIOD_MS_MAX);
    if (out->length_ms == 0 || out->length_ms > NOTCH_TIME_MAX - out->start.raw) {
        notch_reader_fail(reader);
    }
}

/* Raw: the encoding of a price. */
static void price_write(struct notch_writer *writer, struct notch_price price)
{
    notch_assert(price.raw >= 0);
    notch_write_uvar(writer, (uint64_t)price.raw);
}

static struct notch_price price_read(struct notch_reader *reader)
{
    return (struct notch_price){(int64_t)notch_read_uvar_max(reader, INT64_MAX)};
}

/* Raw: the encoding of prices. */
static void range_write(struct notch_writer *writer, const struct notch_insight *insight)
{
    notch_assert(insight->lo.raw <= insight->hi.raw);
    price_write(writer, insight->lo);
    notch_write_uvar(writer, (uint64_t)(insight->hi.raw - insight->lo.raw));
}

/* Raw: the encoding of prices; hi stays below 2^63 by the bound of the width. */
static void range_read(struct notch_reader *reader, struct notch_insight *insight)
{
    insight->lo = price_read(reader);
    uint64_t width = notch_read_uvar_max(reader, (uint64_t)(INT64_MAX - insight->lo.raw));
    insight->hi.raw = insight->lo.raw + (int64_t)width;
}

static void seasons_write(struct notch_writer *writer, const struct notch_insight *insight)
{
    notch_assert(insight->season_count <= NOTCH_INSIGHT_SEASONS_MAX);
    notch_write_uvar(writer, insight->season_count);
    for (uint32_t i = 0; i < insight->season_count; i++) {
        notch__ppm_write_signed(writer, insight->seasons[i]);
    }
}

static void seasons_read(struct notch_reader *reader, struct notch_insight *insight)
{
    insight->season_count = (uint32_t)notch_read_uvar_max(reader, NOTCH_INSIGHT_SEASONS_MAX);
    for (uint32_t i = 0; i < insight->season_count; i++) {
        insight->seasons[i] = notch__ppm_read_signed(reader);
    }
}

static void insight_write(struct notch_writer *writer, const struct notch_entry *entry)
{
    const struct notch_insight *insight = &entry->as.insight;
    notch_write_hash(writer, &insight->market);
    notch_period_write(writer, &insight->period);
    notch_write_uvar(writer, insight->mask);
    if (has(insight, NOTCH_INSIGHT_POINT)) {
        price_write(writer, insight->point);
    }
    if (has(insight, NOTCH_INSIGHT_RANGE)) {
        range_write(writer, insight);
    }
    if (has(insight, NOTCH_INSIGHT_TREND)) {
        notch__ppm_write_signed(writer, insight->trend);
    }
    if (has(insight, NOTCH_INSIGHT_VOLATILITY)) {
        notch__ppm_write(writer, insight->volatility);
    }
    if (has(insight, NOTCH_INSIGHT_SEASONALITY)) {
        seasons_write(writer, insight);
    }
    if (has(insight, NOTCH_INSIGHT_CONFIDENCE)) {
        notch__ppm_write(writer, insight->confidence);
    }
    if (has(insight, NOTCH_INSIGHT_SAMPLES)) {
        notch_write_uvar(writer, insight->samples);
    }
    if (has(insight, NOTCH_INSIGHT_SUCCESS)) {
        notch__ppm_write_signed(writer, insight->success);
    }
    if (has(insight, NOTCH_INSIGHT_NOISE)) {
        notch__ppm_write(writer, insight->noise);
    }
}

static void insight_read(struct notch_reader *reader, struct notch_entry *out)
{
    struct notch_insight *insight = &out->as.insight;
    insight->market = notch_read_hash(reader);
    notch_period_read(reader, &insight->period);
    insight->mask = (uint32_t)notch_read_uvar_max(reader, NOTCH_INSIGHT_ALL);
    if (has(insight, NOTCH_INSIGHT_POINT)) {
        insight->point = price_read(reader);
    }
    if (has(insight, NOTCH_INSIGHT_RANGE)) {
        range_read(reader, insight);
    }
    if (has(insight, NOTCH_INSIGHT_TREND)) {
        insight->trend = notch__ppm_read_signed(reader);
    }
    if (has(insight, NOTCH_INSIGHT_VOLATILITY)) {
        insight->volatility = notch__ppm_read(reader);
    }
    if (has(insight, NOTCH_INSIGHT_SEASONALITY)) {
        seasons_read(reader, insight);
    }
    if (has(insight, NOTCH_INSIGHT_CONFIDENCE)) {
        insight->confidence = notch__ppm_read(reader);
    }
    if (has(insight, NOTCH_INSIGHT_SAMPLES)) {
        insight->samples = notch_read_uvar(reader);
    }
    if (has(insight, NOTCH_INSIGHT_SUCCESS)) {
        insight->success = notch__ppm_read_signed(reader);
    }
    if (has(insight, NOTCH_INSIGHT_NOISE)) {
        insight->noise = notch__ppm_read(reader);
    }
}

/* Raw: bounds of ratios. */
static bool ratio_within(struct notch_ppm ratio, int32_t min, int32_t max)
{
    return ratio.raw >= min && ratio.raw <= max;
}

static bool seasons_are_valid(const struct notch_insight *insight)
{
    if (insight->season_count < 2) {
        return false;
    }
    for (uint32_t i = 0; i < insight->season_count; i++) {
        if (!ratio_within(insight->seasons[i], -NOTCH_PPM_ONE, NOTCH_RATIO_MAX)) {
            return false;
        }
    }
    return true;
}

/* Raw: an order of prices. */
static struct notch_reject check_bounds(const struct notch_insight *insight)
{
    if (has(insight, NOTCH_INSIGHT_POINT) && has(insight, NOTCH_INSIGHT_RANGE) &&
        (insight->point.raw < insight->lo.raw || insight->point.raw > insight->hi.raw)) {
        return NOTCH_REJECT(BOUNDS, "insight: the point price is outside of the range");
    }
    if (!ratio_within(insight->trend, -NOTCH_PPM_ONE, NOTCH_RATIO_MAX)) {
        return NOTCH_REJECT(BOUNDS, "insight: trend is not -1000000 .. 10000000 ppm");
    }
    if (!ratio_within(insight->volatility, 0, NOTCH_RATIO_MAX)) {
        return NOTCH_REJECT(BOUNDS, "insight: volatility is not 0 .. 10000000 ppm");
    }
    if (has(insight, NOTCH_INSIGHT_SEASONALITY) && !seasons_are_valid(insight)) {
        return NOTCH_REJECT(BOUNDS, "insight: seasonality is not 2 .. 64 of -1000000 .. 10000000 ppm");
    }
    if (!ratio_within(insight->confidence, 0, NOTCH_PPM_ONE)) {
        return NOTCH_REJECT(BOUNDS, "insight: confidence is not 0 .. 1000000 ppm");
    }
    if (has(insight, NOTCH_INSIGHT_SAMPLES) &&
        (insight->samples == 0 || insight->samples > NOTCH_INSIGHT_SAMPLES_MAX)) {
        return NOTCH_REJECT(BOUNDS, "insight: samples is not 1 .. 2^40");
    }
    if (!ratio_within(insight->success, -NOTCH_PPM_ONE, NOTCH_PPM_ONE)) {
        return NOTCH_REJECT(BOUNDS, "insight: success is not -1000000 .. 1000000 ppm");
    }
    if (has(insight, NOTCH_INSIGHT_NOISE) && !ratio_within(insight->noise, 1, NOTCH_RATIO_MAX)) {
        return NOTCH_REJECT(BOUNDS, "insight: noise is not 1 .. 10000000 ppm");
    }
    if (has(insight, NOTCH_INSIGHT_AGGREGATED) && !has(insight, NOTCH_INSIGHT_SAMPLES)) {
        return NOTCH_REJECT(BOUNDS, "insight: aggregated, but over how many samples it does not say");
    }
    if (has(insight, NOTCH_INSIGHT_NOISE) && !has(insight, NOTCH_INSIGHT_AGGREGATED)) {
        return NOTCH_REJECT(BOUNDS, "insight: noise on what is not aggregated");
    }
    return NOTCH_VALID;
}

/* Each field with the reasons that an author reads: forbidden, and not as hidden as it must be. */
static const struct {
    uint32_t bit;
    enum notch_field field;
    const char *forbidden;
    const char *not_hidden;
} mode_fields[] = {
#define FIELD(name, member, text) \
    { \
        NOTCH_INSIGHT_##member, NOTCH_FIELD_##name, "insight: this chain's mode forbids the " text, \
            "insight: this chain's mode allows the " text " only over enough samples, or with noise" \
    }
    FIELD(POINT_PRICE, POINT, "point price"),    FIELD(PRICE_RANGE, RANGE, "price range"),
    FIELD(SUCCESS, SUCCESS, "success metric"),   FIELD(TREND, TREND, "trend"),
    FIELD(VOLATILITY, VOLATILITY, "volatility"), FIELD(SEASONALITY, SEASONALITY, "seasonality"),
#undef FIELD
};

/* Raw: an order of prices. */
static bool range_is_binned(const struct notch_insight *insight)
{
    return insight->lo.raw < insight->hi.raw && notch_grid_contains(insight->lo) && notch_grid_contains(insight->hi);
}

static struct notch_reject check_mode(const struct notch_insight *insight, const struct notch_rules *rules)
{
    bool aggregated = has(insight, NOTCH_INSIGHT_AGGREGATED) && insight->samples >= rules->aggregate_min;
    bool noised = aggregated && has(insight, NOTCH_INSIGHT_NOISE);
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(mode_fields); i++) {
        if (!has(insight, mode_fields[i].bit)) {
            continue;
        }
        bool hidden = true;
        switch (notch_mode_level(rules->mode, mode_fields[i].field)) {
        case NOTCH_LEVEL_FORBIDDEN:
            return (struct notch_reject){NOTCH_REJECT_MODE, mode_fields[i].forbidden};
        case NOTCH_LEVEL_NOISED:
            hidden = noised;
            break;
        case NOTCH_LEVEL_AGGREGATED:
            hidden = aggregated;
            break;
        case NOTCH_LEVEL_BINNED:
            if (!range_is_binned(insight)) {
                return NOTCH_REJECT(MODE, "insight: the price range is not one of the public grid");
            }
            break;
        case NOTCH_LEVEL_FULL:
            break;
        }
        if (!hidden) {
            return (struct notch_reject){NOTCH_REJECT_MODE, mode_fields[i].not_hidden};
        }
    }
    return NOTCH_VALID;
}

static struct notch_reject insight_check(const struct notch_entry *entry, const struct notch_form *form)
{
    const struct notch_insight *insight = &entry->as.insight;
    if (!has(insight, SUBSTANCE)) {
        return NOTCH_REJECT(EMPTY, "insight: says nothing about the market");
    }
    if (notch_time_cmp(insight->period.start, form->ts) > 0) {
        return NOTCH_REJECT(FUTURE, "insight: its period begins after the record was made");
    }
    struct notch_reject reject = check_bounds(insight);
    return notch_is_valid(reject) ? check_mode(insight, form->rules) : reject;
}

static void insight_terms(struct notch_entry_terms *out, const struct notch_entry *entry)
{
    out->has_market = true;
    out->market = entry->as.insight.market;
    out->has_time = true;
    out->time = entry->as.insight.period.start;
}

const struct notch_entry_row notch__entry_insight = {
    NOTCH_ENTRY_INSIGHT, "insight", insight_write, insight_read, insight_check, NULL, insight_terms,
};

static enum notch_err check_part(struct notch_bytes part)
{
    if (part.len > NOTCH_MARKET_PART_MAX) {
        return NOTCH_ERR_RANGE;
    }
    for (size_t i = 0; i < part.len; i++) {
        if (part.data[i] < 0x20 || part.data[i] == 0x7f || part.data[i] == '|') {
            return NOTCH_ERR_INVALID;
        }
    }
    return NOTCH_OK;
}

static enum notch_err name_id(struct notch_hash *out, const struct notch_domain *domain, enum notch_tag tag,
                              const struct notch_market_name *name, struct notch_bytes secret)
{
    if (name->product.len == 0) {
        return NOTCH_ERR_INVALID;
    }
    struct notch_sha256 sha;
    notch_domain_begin(&sha, domain, tag);
    uint8_t secret_len[NOTCH_UVAR_MAX];
    struct notch_writer writer = notch_writer(secret_len, sizeof secret_len);
    notch_write_uvar(&writer, secret.len);
    struct notch_bytes prefix = notch_writer_bytes(&writer);
    notch_sha256_update(&sha, prefix.data, prefix.len);
    notch_sha256_update(&sha, secret.data, secret.len);
    const struct notch_bytes parts[] = {name->product, name->region, name->currency, name->unit, name->pack};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(parts); i++) {
        enum notch_err err = check_part(parts[i]);
        if (err != NOTCH_OK) {
            return err;
        }
        if (i > 0) {
            notch_sha256_update(&sha, "|", 1);
        }
        notch_sha256_update(&sha, parts[i].data, parts[i].len);
    }
    notch_sha256_final(&sha, out);
    return NOTCH_OK;
}

enum notch_err notch_market_id(struct notch_hash *out, const struct notch_domain *domain,
                               const struct notch_market_name *name, struct notch_bytes secret)
{
    return name_id(out, domain, NOTCH_TAG_MARKET, name, secret);
}

enum notch_err notch_resource_id(struct notch_hash *out, const struct notch_domain *domain,
                                 const struct notch_market_name *name, struct notch_bytes secret)
{
    return name_id(out, domain, NOTCH_TAG_RESOURCE, name, secret);
}
