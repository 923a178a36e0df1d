#include "ai/agent/memory/series.h"

#include "ai/agent/memory/number.h"
#include "ai/agent/signal/robust.h"
#include "ai/agent/signal/spectrum.h"
#include "ai/agent/signal/stl.h"

#include <math.h>
#include <string.h>

/* A cycle that explains less of what the trend leaves is not told. */
#define STRENGTH_MIN 0.3

const struct notch_series_point *notch_series_at(const struct notch_series *series, uint32_t index)
{
    notch_assert(index < series->count);
    return &series->points[(series->first + index) % NOTCH_SERIES_MAX];
}

void notch_series_add(struct notch_series *series, uint64_t period, double price)
{
    if (series->count > 0) {
        struct notch_series_point *last = &series->points[(series->first + series->count - 1) % NOTCH_SERIES_MAX];
        notch_assert(period >= last->period);
        if (last->period == period) {
            last->count++;
            last->mean += (price - last->mean) / (double)last->count;
            return;
        }
    }
    if (series->count == NOTCH_SERIES_MAX) {
        series->first = (series->first + 1) % NOTCH_SERIES_MAX;
        series->count--;
    }
    series->points[(series->first + series->count) % NOTCH_SERIES_MAX] = (struct notch_series_point){period, price, 1};
    series->count++;
}

size_t notch_series_regular(const struct notch_series *series, double out[NOTCH_SERIES_MAX])
{
    if (series->count == 0) {
        return 0;
    }
    uint64_t last = notch_series_at(series, series->count - 1)->period;
    uint64_t first = notch_series_at(series, 0)->period;
    if (last - first >= NOTCH_SERIES_MAX) {
        first = last - (NOTCH_SERIES_MAX - 1);
    }
    uint32_t behind = 0; /* the first point at or behind the period */
    for (uint64_t period = first; period <= last; period++) {
        while (notch_series_at(series, behind)->period < period) {
            behind++;
        }
        const struct notch_series_point *point = notch_series_at(series, behind);
        out[period - first] = point->mean;
        if (point->period > period) {
            const struct notch_series_point *before = notch_series_at(series, behind - 1);
            double share = (double)(period - before->period) / (double)(point->period - before->period);
            out[period - first] = before->mean + share * (point->mean - before->mean);
        }
    }
    return (size_t)(last - first + 1);
}

/* Median of the slopes between all pairs of the last values. */
static double slope_of(const double *values, size_t count)
{
    double slopes[NOTCH_SERIES_LOOK * (NOTCH_SERIES_LOOK - 1) / 2];
    size_t pairs = 0;
    for (size_t a = 0; a < count; a++) {
        for (size_t b = a + 1; b < count; b++) {
            slopes[pairs++] = (values[b] - values[a]) / (double)(b - a);
        }
    }
    notch_sort(slopes, pairs);
    return pairs == 0 ? 0 : notch_quantile_sorted(slopes, pairs, 0.5);
}

static double variance(const double *values, size_t count)
{
    double deviation = notch_deviation(values, count);
    return deviation * deviation;
}

/* Room for 6 * count numbers in `memory`. */
static void seasons_of(struct notch_series_outlook *out, const double *values, size_t count, double *memory,
                       const struct notch_alloc *alloc)
{
    double *season = memory;
    double *trend = memory + count;
    double *weights = memory + 2 * count;
    double *rest = memory + 3 * count;
    double *both = memory + 4 * count;
    double *scratch = memory + 5 * count;
    struct notch_stl_options options = notch_stl_defaults(out->cycle, NOTCH_STL_ROBUST);
    options.outer = 5;
    if (notch_stl(season, trend, weights, values, count, &options, alloc) != NOTCH_OK) {
        out->cycle = 0;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        rest[i] = values[i] - trend[i] - season[i];
        both[i] = values[i] - trend[i];
    }
    double all = variance(both, count);
    out->strength = all > 0 ? fmax(0, 1 - variance(rest, count) / all) : 0;
    if (out->strength < STRENGTH_MIN) {
        out->cycle = 0;
        out->strength = 0;
        return;
    }
    double median = notch_median(rest, count, scratch);
    double mad = notch_mad(rest, count, median, scratch);
    for (size_t i = 0; i < count; i++) {
        out->anomalies += 0.6745 * fabs(rest[i] - median) > NOTCH_ROBUST_OUTLIER * mad;
    }
    double mean = notch_sum(values, count) / (double)count;
    out->season_count = out->cycle <= NOTCH_SERIES_SEASONS ? out->cycle : 0;
    for (size_t i = 0; i < out->season_count; i++) {
        out->seasons[i] = season[count - 1 - (out->cycle - i) % out->cycle] / mean;
    }
}

void notch_series_outlook(const struct notch_series *series, struct notch_series_outlook *out,
                          const struct notch_alloc *alloc)
{
    memset(out, 0, sizeof *out);
    size_t room = 7 * (size_t)NOTCH_SERIES_MAX;
    double *values = notch_alloc_array(alloc, room, sizeof *values);
    size_t count = notch_series_regular(series, values);
    if (count > 1) {
        size_t look = count < NOTCH_SERIES_LOOK ? count : NOTCH_SERIES_LOOK;
        const double *last = values + count - look;
        double *scratch = values + NOTCH_SERIES_MAX;
        double mean = notch_sum(last, look) / (double)look;
        out->trend = slope_of(last, look) / notch_median(last, look, scratch);
        out->volatility = notch_deviation(last, look) / mean;
        out->cycle = notch_spectrum_cycle(&out->strength, values, count, alloc);
    }
    if (out->cycle > 0) {
        seasons_of(out, values, count, values + NOTCH_SERIES_MAX, alloc);
    }
    notch_free(alloc, values, room * sizeof *values);
}

/* ---- bytes ---- */

void notch_series_write(struct notch_writer *writer, const struct notch_series *series)
{
    notch_write_uvar(writer, series->count);
    for (uint32_t i = 0; i < series->count; i++) {
        const struct notch_series_point *point = notch_series_at(series, i);
        notch_write_uvar(writer, point->period);
        notch_write_uvar(writer, point->count);
        notch__write_double(writer, point->mean);
    }
}

void notch_series_read(struct notch_reader *reader, struct notch_series *out)
{
    memset(out, 0, sizeof *out);
    out->count = (uint32_t)notch_read_uvar_max(reader, NOTCH_SERIES_MAX);
    for (uint32_t i = 0; i < out->count; i++) {
        struct notch_series_point *point = &out->points[i];
        point->period = notch_read_uvar(reader);
        point->count = notch_read_uvar(reader);
        point->mean = notch__read_double(reader, NOTCH_MEMORY_PRICE_MIN / 2, NOTCH_MEMORY_PRICE_MAX);
        if (point->count == 0 || (i > 0 && point->period <= out->points[i - 1].period)) {
            notch_reader_fail(reader);
        }
    }
}
