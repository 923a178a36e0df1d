#include "ai/agent/signal/spectrum.h"

#include "ai/agent/signal/robust.h"

#include <kiss_fft.h>
#include <math.h>

#define CANDIDATES 8
#define STRENGTH_MIN 0.2
#define PI 3.14159265358979323846

/* The values without the line of least squares. */
static void without_line(double *out, const double *values, size_t count)
{
    double middle = (double)(count - 1) / 2;
    double mean = notch_sum(values, count) / (double)count;
    double product = 0;
    double square = 0;
    for (size_t i = 0; i < count; i++) {
        product += ((double)i - middle) * (values[i] - mean);
        square += ((double)i - middle) * ((double)i - middle);
    }
    double slope = square > 0 ? product / square : 0;
    for (size_t i = 0; i < count; i++) {
        out[i] = values[i] - mean - slope * ((double)i - middle);
    }
}

void notch_spectrum_power(double *power, size_t size, const double *values, size_t count,
                          const struct notch_alloc *alloc)
{
    notch_assert(count >= 2 && count <= size);
    notch_assert(size <= 2 * NOTCH_SPECTRUM_MAX && (size & (size - 1)) == 0);
    size_t plan_size = 0;
    (void)kiss_fft_alloc((int)size, 0, NULL, &plan_size);
    void *plan_memory = notch_alloc(alloc, plan_size);
    kiss_fft_cfg plan = kiss_fft_alloc((int)size, 0, plan_memory, &plan_size);
    notch_assert(plan != NULL);
    kiss_fft_cpx *in = notch_alloc_array(alloc, size, sizeof *in);
    kiss_fft_cpx *out = notch_alloc_array(alloc, size, sizeof *out);
    double *line_free = notch_alloc_array(alloc, count, sizeof *line_free);
    without_line(line_free, values, count);
    /* Single precision must neither overflow nor vanish: the spread becomes 1. */
    double spread = notch_deviation(line_free, count);
    for (size_t i = 0; i < count && spread > 0; i++) {
        double window = sin(PI * ((double)i + 0.5) / (double)count);
        in[i].r = (float)(window * window * (line_free[i] / spread));
    }
    kiss_fft(plan, in, out);
    for (size_t k = 0; k <= size / 2; k++) {
        power[k] = (double)out[k].r * (double)out[k].r + (double)out[k].i * (double)out[k].i;
    }
    notch_free(alloc, line_free, count * sizeof *line_free);
    notch_free(alloc, out, size * sizeof *out);
    notch_free(alloc, in, size * sizeof *in);
    notch_free(alloc, plan_memory, plan_size);
}

static double autocorrelation(const double *values, size_t count, size_t lag, double square)
{
    double sum = 0;
    for (size_t i = lag; i < count; i++) {
        sum += values[i] * values[i - lag];
    }
    /* As many products as there would be without the lag: a long cycle is not weaker for being seen less often. */
    return sum / square * ((double)count / (double)(count - lag));
}

/* Climbs from a lag to the top of its hill within the bounds; 0 where that is no hill. */
static size_t climb(double *top, const double *values, size_t count, size_t lag, double square)
{
    size_t most = count / 3;
    double here = autocorrelation(values, count, lag, square);
    for (;;) {
        double before = lag > 2 ? autocorrelation(values, count, lag - 1, square) : -1;
        double behind = lag < most ? autocorrelation(values, count, lag + 1, square) : -1;
        if (before <= here && behind <= here) {
            *top = here;
            return lag > 1 && lag < most && (lag > 2 || here > 0) ? lag : 0;
        }
        lag = behind > before ? lag + 1 : lag - 1;
        here = fmax(before, behind);
    }
}

/* The strongest lines that are tops of the periodogram, the strongest first. */
static size_t strongest(size_t out[CANDIDATES], const double *power, size_t size, size_t first)
{
    size_t found = 0;
    for (size_t k = first; k <= size / 2; k++) {
        bool is_top = power[k] >= power[k - 1] && (k == size / 2 || power[k] > power[k + 1]);
        if (!is_top) {
            continue;
        }
        size_t place = found;
        while (place > 0 && power[out[place - 1]] < power[k]) {
            place--;
        }
        found = found < CANDIDATES ? found + 1 : found;
        for (size_t i = found; i > place + 1; i--) {
            out[i - 1] = out[i - 2];
        }
        if (place < found) {
            out[place] = k;
        }
    }
    return found;
}

size_t notch_spectrum_cycle(double *strength, const double *values, size_t count, const struct notch_alloc *alloc)
{
    double best = 0;
    size_t cycle = 0;
    size_t size = 16;
    if (strength != NULL) {
        *strength = 0;
    }
    if (count < 9 || count > NOTCH_SPECTRUM_MAX) {
        return 0;
    }
    while (size < 2 * count) {
        size *= 2;
    }
    size = size > 2 * NOTCH_SPECTRUM_MAX ? 2 * NOTCH_SPECTRUM_MAX : size;
    double *power = notch_alloc_array(alloc, size / 2 + 1, sizeof *power);
    double *line_free = notch_alloc_array(alloc, count, sizeof *line_free);
    without_line(line_free, values, count);
    double square = 0;
    for (size_t i = 0; i < count; i++) {
        square += line_free[i] * line_free[i];
    }
    double scale = 0;
    for (size_t i = 0; i < count; i++) {
        scale = fmax(scale, fabs(values[i]));
    }
    size_t candidates[CANDIDATES];
    size_t found = 0;
    /* What rounding leaves of a straight line has no cycle. */
    if (sqrt(square / (double)count) > 1e-12 * scale) {
        notch_spectrum_power(power, size, values, count, alloc);
        found = strongest(candidates, power, size, 3 * size / count > 1 ? 3 * size / count : 1);
    }
    double noise = fmax(STRENGTH_MIN, 1.96 / sqrt((double)count));
    for (size_t i = 0; i < found; i++) {
        size_t lag = (size_t)((double)size / (double)candidates[i] + 0.5);
        if (lag < 2 || lag > count / 3) {
            continue;
        }
        double top;
        size_t hill = climb(&top, line_free, count, lag, square);
        /* The strongest line decides, unless another is clearly stronger where it counts. */
        if (hill > 0 && top > noise && top > best + 0.1) {
            best = top;
            cycle = hill;
        }
    }
    notch_free(alloc, line_free, count * sizeof *line_free);
    notch_free(alloc, power, (size / 2 + 1) * sizeof *power);
    if (strength != NULL) {
        *strength = fmin(1, best);
    }
    return cycle;
}
