#include "ai/rules/forecast.h"

#include "base/assert.h"

#include <stdlib.h>

/* ---- ticks ---- */

/* Raw: the price as a number. */
uint32_t notch_forecast_tick(struct notch_price price)
{
    notch_assert(price.raw > 0);
    uint64_t value = (uint64_t)price.raw;
    uint32_t whole = 0;
    while (value >> whole > 1) {
        whole++;
    }
    /* The mantissa in [2^31, 2^32); squaring it 16 times brings out 16 bits of its logarithm. */
    uint64_t mantissa = whole >= 31 ? value >> (whole - 31) : value << (31 - whole);
    uint32_t bits = 0;
    for (int i = 0; i < 16; i++) {
        mantissa = mantissa * mantissa >> 31;
        bits = bits << 1 | (uint32_t)(mantissa >> 32);
        mantissa >>= mantissa >> 32;
    }
    return whole * NOTCH_TICK_ONE + bits;
}

/* Raw: the middle of two prices. */
bool notch_forecast_midpoint(uint32_t *tick, const struct notch_insight *insight)
{
    struct notch_price price = {0};
    if ((insight->mask & NOTCH_INSIGHT_POINT) != 0) {
        price = insight->point;
    } else if ((insight->mask & NOTCH_INSIGHT_RANGE) != 0) {
        price.raw = insight->lo.raw + (insight->hi.raw - insight->lo.raw) / 2;
    }
    if (price.raw <= 0) {
        return false;
    }
    *tick = notch_forecast_tick(price);
    return true;
}

/* ---- outcomes ---- */

/* Points that compare equal are equal, so their order does not matter. */
static int compare_points(const void *a, const void *b)
{
    const struct notch_forecast_point *left = a;
    const struct notch_forecast_point *right = b;
    if (left->tick != right->tick) {
        return left->tick < right->tick ? -1 : 1;
    }
    if (left->cluster != right->cluster) {
        return left->cluster < right->cluster ? -1 : 1;
    }
    return (left->weight > right->weight) - (left->weight < right->weight);
}

void notch_forecast_sort(struct notch_forecast_point *points, size_t count)
{
    notch_assert(count <= NOTCH_FORECAST_POINTS_MAX);
    if (count > 1) {
        qsort(points, count, sizeof *points, compare_points);
    }
}

bool notch_forecast_outcome(uint32_t *tick, const struct notch_forecast_point *points, size_t count, uint32_t cluster)
{
    uint64_t total = 0;
    notch_assert(count <= NOTCH_FORECAST_POINTS_MAX);
    for (size_t i = 0; i < count; i++) {
        notch_assert(points[i].weight <= NOTCH_FORECAST_WEIGHT_MAX);
        notch_assert(i == 0 || points[i - 1].tick <= points[i].tick);
        total += points[i].cluster == cluster ? 0 : points[i].weight;
    }
    uint64_t below = 0;
    for (size_t i = 0; i < count; i++) {
        below += points[i].cluster == cluster ? 0 : points[i].weight;
        if (below > 0 && 2 * below >= total) {
            *tick = points[i].tick;
            return true;
        }
    }
    return false;
}

/* ---- reports ---- */

static bool is_forecast(const struct notch_forecast *forecast)
{
    for (size_t k = 1; k < NOTCH_QUANTILES; k++) {
        if (forecast->q[k] < forecast->q[k - 1]) {
            return false;
        }
    }
    return forecast->q[NOTCH_QUANTILES - 1] <= NOTCH_TICK_MAX;
}

void notch_forecast_encode(struct notch_buf *out, const struct notch_forecast *forecasts, uint32_t count)
{
    struct notch_writer writer = notch_writer_grow(out);
    notch_assert(count > 0 && count <= NOTCH_FORECAST_MARKETS_MAX);
    notch_write_uvar(&writer, count);
    for (uint32_t i = 0; i < count; i++) {
        notch_assert(is_forecast(&forecasts[i]));
        uint32_t last = 0;
        for (size_t k = 0; k < NOTCH_QUANTILES; k++) {
            notch_write_uvar(&writer, forecasts[i].q[k] - last);
            last = forecasts[i].q[k];
        }
    }
}

struct notch_reject notch_forecast_decode(struct notch_forecast *out, uint32_t count, struct notch_bytes solution)
{
    struct notch_reader reader = notch_reader(solution);
    if (notch_read_uvar(&reader) != count) {
        return NOTCH_REJECT(MALFORMED, "forecast: not as many markets as were asked for");
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t last = 0;
        for (size_t k = 0; k < NOTCH_QUANTILES; k++) {
            last += (uint32_t)notch_read_uvar_max(&reader, NOTCH_TICK_MAX - last);
            out[i].q[k] = last;
        }
    }
    return notch_reader_done(&reader)
               ? NOTCH_VALID
               : NOTCH_REJECT(MALFORMED, "forecast: cut short, a quantile out of bounds, or bytes behind it");
}

uint64_t notch_forecast_loss(const struct notch_forecast *forecast, uint32_t outcome)
{
    uint64_t loss = 0;
    for (uint32_t k = 1; k <= NOTCH_QUANTILES; k++) {
        uint32_t q = forecast->q[k - 1];
        loss += outcome > q ? (uint64_t)k * (outcome - q) : (uint64_t)(10 - k) * (q - outcome);
    }
    return loss;
}

/* ---- the naive forecast ---- */

/* Quantiles 0.6, 0.7, 0.8, 0.9 of a normal law whose mean absolute deviation is 1, in 1/65536. */
static const uint32_t steps[4] = {20809, 43073, 69128, 105264};

void notch_forecast_naive(struct notch_forecast *out, const struct notch_forecast_past *past)
{
    notch_assert(past->seen > 0);
    out->q[4] = past->tick;
    for (size_t i = 0; i < 4; i++) {
        uint32_t away = (uint32_t)((uint64_t)past->spread * steps[i] / (16 * UINT64_C(65536)));
        uint32_t room = NOTCH_TICK_MAX - past->tick;
        out->q[5 + i] = past->tick + (away < room ? away : room);
        out->q[3 - i] = past->tick > away ? past->tick - away : 0;
    }
}

static uint64_t move_on(uint64_t mean, uint64_t value)
{
    return value >= mean ? mean + (value - mean) / 8 : mean - (mean - value + 7) / 8;
}

void notch_forecast_learn(struct notch_forecast_past *past, uint32_t outcome)
{
    notch_assert(outcome <= NOTCH_TICK_MAX);
    if (past->seen > 0) {
        uint32_t moved = 16 * (outcome > past->tick ? outcome - past->tick : past->tick - outcome);
        struct notch_forecast naive;
        notch_forecast_naive(&naive, past);
        uint64_t loss = notch_forecast_loss(&naive, outcome);
        past->loss = past->seen > 1 ? move_on(past->loss, loss) : loss;
        past->spread = past->seen > 1 ? (uint32_t)move_on(past->spread, moved) : moved;
    }
    past->tick = outcome;
    past->seen += past->seen < NOTCH_FORECAST_SEEN_MAX ? 1 : 0;
}

uint32_t notch_forecast_score(const struct notch_forecast *forecast, const struct notch_forecast_past *past,
                              uint32_t outcome)
{
    notch_assert(past->seen >= NOTCH_FORECAST_SEEN_MIN);
    struct notch_forecast naive;
    notch_forecast_naive(&naive, past);
    int64_t mean = past->loss > 0 ? (int64_t)past->loss : 1;
    int64_t lead = (int64_t)notch_forecast_loss(&naive, outcome) - (int64_t)notch_forecast_loss(forecast, outcome);
    int64_t scaled = 16384 * lead;
    int64_t share = scaled >= 0 ? scaled / mean : -((-scaled + mean - 1) / mean);
    int64_t score = NOTCH_SCORE_NAIVE + share;
    return (uint32_t)(score < 0 ? 0 : score > NOTCH_SCORE_ONE ? NOTCH_SCORE_ONE : score);
}
