#include "ai/agent/signal/robust.h"

#include "base/assert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double notch_sum(const double *values, size_t count)
{
    double sum = 0;
    double lost = 0;
    for (size_t i = 0; i < count; i++) {
        double next = sum + values[i];
        lost += fabs(sum) >= fabs(values[i]) ? (sum - next) + values[i] : (values[i] - next) + sum;
        sum = next;
    }
    return sum + lost;
}

double notch_deviation(const double *values, size_t count)
{
    if (count < 2) {
        return 0;
    }
    double mean = notch_sum(values, count) / (double)count;
    double squares = 0;
    for (size_t i = 0; i < count; i++) {
        squares += (values[i] - mean) * (values[i] - mean);
    }
    return sqrt(squares / (double)count);
}

/* Equal values are the same bytes but for the sign of zero, which no caller can tell: their order does not matter. */
static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

void notch_sort(double *values, size_t count)
{
    if (count > 1) {
        qsort(values, count, sizeof *values, by_value);
    }
}

double notch_quantile_sorted(const double *sorted, size_t count, double q)
{
    notch_assert(count > 0);
    notch_assert(q >= 0 && q <= 1);
    double at = q * (double)(count - 1);
    size_t below = (size_t)at;
    if (below + 1 >= count) {
        return sorted[count - 1];
    }
    return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

double notch_median(const double *values, size_t count, double *scratch)
{
    notch_assert(count > 0);
    memcpy(scratch, values, count * sizeof *values);
    notch_sort(scratch, count);
    return notch_quantile_sorted(scratch, count, 0.5);
}

double notch_mad(const double *values, size_t count, double median, double *scratch)
{
    notch_assert(count > 0);
    for (size_t i = 0; i < count; i++) {
        scratch[i] = fabs(values[i] - median);
    }
    notch_sort(scratch, count);
    return notch_quantile_sorted(scratch, count, 0.5);
}

double notch_robust_z(double x, const double *values, size_t count, double *scratch)
{
    double median = notch_median(values, count, scratch);
    double mad = notch_mad(values, count, median, scratch);
    if (mad > 0) {
        return 0.6745 * (x - median) / mad;
    }
    double spread = 1.253314 * notch_sum(scratch, count) / (double)count;
    if (spread > 0) {
        return (x - median) / spread;
    }
    return x == median ? 0 : (x > median ? INFINITY : -INFINITY);
}

size_t notch_hampel(double *out, bool *is_outlier, const double *values, size_t count, size_t half, double threshold,
                    double *scratch)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        size_t from = i < half ? 0 : i - half;
        size_t to = count - i <= half ? count : i + half + 1;
        double median = notch_median(values + from, to - from, scratch);
        double mad = notch_mad(values + from, to - from, median, scratch);
        bool stands_out = fabs(values[i] - median) > threshold * NOTCH_HAMPEL_SCALE * mad;
        out[i] = stands_out ? median : values[i];
        if (is_outlier != NULL) {
            is_outlier[i] = stands_out;
        }
        found += stands_out;
    }
    return found;
}
