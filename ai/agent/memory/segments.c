#include "ai/agent/memory/segments.h"

#include "ai/agent/signal/robust.h"

#include <math.h>
#include <string.h>

#define GROUPS_MAX 8

/* False where the market is too young. */
static bool features_of(struct notch_segment *out, const struct notch_market *market, const struct notch_alloc *alloc)
{
    struct notch_series_outlook outlook;
    if (market->series.count < NOTCH_SEGMENTS_PERIODS_MIN) {
        return false;
    }
    size_t size = 2 * (size_t)NOTCH_SERIES_MAX * sizeof(double);
    double *values = notch_alloc(alloc, size);
    size_t count = notch_series_regular(&market->series, values);
    out->features[0] = log(notch_median(values, count, values + NOTCH_SERIES_MAX));
    notch_free(alloc, values, size);
    notch_series_outlook(&market->series, &outlook, alloc);
    out->features[1] = outlook.volatility;
    out->features[2] = outlook.trend;
    out->features[3] = outlook.strength;
    return true;
}

size_t notch_memory_segments(const struct notch_memory *memory, struct notch_segment *out, size_t max,
                             struct notch_medoids *groups, const struct notch_alloc *alloc)
{
    uint32_t at = 0;
    size_t count = 0;
    notch_assert(max <= NOTCH_MEDOIDS_MAX);
    memset(groups, 0, sizeof *groups);
    while (count < max) {
        const struct notch_market *market = notch_memory_next(memory, &at, &out[count].market);
        if (market == NULL) {
            break;
        }
        count += features_of(&out[count], market, alloc);
    }
    if (count == 0) {
        return 0;
    }
    size_t size = count * NOTCH_SEGMENTS_FEATURES * sizeof(double);
    double *features = notch_alloc(alloc, size);
    uint32_t *group = notch_alloc_array(alloc, count, sizeof *group);
    for (size_t i = 0; i < count; i++) {
        memcpy(features + i * NOTCH_SEGMENTS_FEATURES, out[i].features, sizeof out[i].features);
    }
    notch_medoids_scale(features, count, NOTCH_SEGMENTS_FEATURES, alloc);
    notch_medoids_best(groups, group, features, count, NOTCH_SEGMENTS_FEATURES, GROUPS_MAX, alloc);
    for (size_t i = 0; i < count; i++) {
        out[i].group = group[i];
    }
    notch_free(alloc, group, count * sizeof *group);
    notch_free(alloc, features, size);
    return count;
}
