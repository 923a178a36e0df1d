#include "ai/agent/signal/stl.h"

#include "ai/agent/signal/robust.h"

#include <math.h>
#include <string.h>

/* A run of points at 0, 1, ... with their weights (NULL: all 1), and what smooths them. */
struct run {
    const double *values;
    const double *weights;
    size_t count;
    struct notch_stl_smoother by;
    double *kernel; /* room for count numbers */
};

/* Points `from` to `to`, both included, that a fit rests on. */
struct window {
    size_t from, to;
};

/* Local regression at the point `at`, which may lie one beside the run. False where no point has weight. */
static bool fit_at(const struct run *run, double *out, double at, struct window window)
{
    double reach = fmax(at - (double)window.from, (double)window.to - at);
    if (run->by.length > run->count) {
        size_t beyond = (run->by.length - run->count) / 2;
        reach += (double)beyond;
    }
    double total = 0;
    for (size_t i = window.from; i <= window.to; i++) {
        double far = fabs((double)i - at);
        double share = far / reach;
        double weight = 0;
        if (far <= 0.999 * reach) {
            double near = 1 - share * share * share;
            weight = far <= 0.001 * reach ? 1 : near * near * near;
            weight *= run->weights == NULL ? 1 : run->weights[i];
        }
        run->kernel[i] = weight;
        total += weight;
    }
    if (!(total > 0)) {
        return false;
    }
    double middle = 0;
    for (size_t i = window.from; i <= window.to; i++) {
        run->kernel[i] /= total;
        middle += run->kernel[i] * (double)i;
    }
    double spread = 0;
    for (size_t i = window.from; i <= window.to; i++) {
        spread += run->kernel[i] * ((double)i - middle) * ((double)i - middle);
    }
    /* A line where the points are far enough apart to carry one. */
    bool is_line = run->by.degree > 0 && reach > 0 && sqrt(spread) > 0.001 * (double)(run->count - 1);
    double slope = is_line ? (at - middle) / spread : 0;
    *out = 0;
    for (size_t i = window.from; i <= window.to; i++) {
        *out += run->kernel[i] * (1 + slope * ((double)i - middle)) * run->values[i];
    }
    return true;
}

/* The `length` points around `at`, pushed inwards at the ends. */
static struct window window_at(const struct run *run, size_t at)
{
    size_t length = run->by.length;
    size_t half = (length + 1) / 2;
    if (length >= run->count) {
        return (struct window){0, run->count - 1};
    }
    if (at + 1 < half) {
        return (struct window){0, length - 1};
    }
    if (at + half >= run->count) {
        return (struct window){run->count - length, run->count - 1};
    }
    return (struct window){at + 1 - half, at + length - half};
}

static void smooth_at(const struct run *run, double *out, size_t at, struct window window)
{
    if (!fit_at(run, &out[at], (double)at, window)) {
        out[at] = run->values[at];
    }
}

static void draw_between(double *out, size_t from, size_t to)
{
    double step = (out[to] - out[from]) / (double)(to - from);
    for (size_t i = from + 1; i < to; i++) {
        out[i] = out[from] + step * (double)(i - from);
    }
}

static void smooth(const struct run *run, double *out)
{
    if (run->count < 2) {
        out[0] = run->values[0];
        return;
    }
    size_t jump = run->by.jump < run->count - 1 ? run->by.jump : run->count - 1;
    size_t last = 0;
    for (size_t at = 0; at < run->count; at += jump) {
        smooth_at(run, out, at, window_at(run, at));
        if (at > 0) {
            draw_between(out, last, at);
        }
        last = at;
    }
    if (last + 1 < run->count) {
        /* The end of the run is fitted on the window of the last point that the jumps reached. */
        smooth_at(run, out, run->count - 1, window_at(run, last));
        draw_between(out, last, run->count - 1);
    }
}

/* Moving mean over `length`: count - length + 1 values. */
static void moving_mean(double *out, const double *values, size_t count, size_t length)
{
    double sum = 0;
    for (size_t i = 0; i < length; i++) {
        sum += values[i];
    }
    out[0] = sum / (double)length;
    for (size_t i = length; i < count; i++) {
        sum += values[i] - values[i - length];
        out[i - length + 1] = sum / (double)length;
    }
}

struct job {
    const struct notch_stl_options *options;
    const double *values;
    size_t count;
    const double *weights; /* NULL before the first outer loop */
    double *season, *trend;
    double *cycle;  /* count + 2 periods */
    double *first;  /* count + 2 periods */
    double *second; /* count + 2 periods */
    double *kernel; /* count */
};

/* Each part of the cycle by itself, from one period before the series to one behind it, into `cycle`. */
static void smooth_cycle(struct job *job, const double *values)
{
    size_t period = job->options->period;
    double *part = job->first;
    double *part_weights = job->first + job->count / period + 2;
    double *smoothed = job->second;
    for (size_t phase = 0; phase < period; phase++) {
        struct run run = {part, job->weights == NULL ? NULL : part_weights, 0, job->options->season, job->kernel};
        for (size_t i = phase; i < job->count; i += period) {
            part[run.count] = values[i];
            if (job->weights != NULL) {
                part_weights[run.count] = job->weights[i];
            }
            run.count++;
        }
        smooth(&run, smoothed + 1);
        size_t length = run.by.length < run.count ? run.by.length : run.count;
        if (!fit_at(&run, &smoothed[0], -1, (struct window){0, length - 1})) {
            smoothed[0] = smoothed[1];
        }
        if (!fit_at(&run, &smoothed[run.count + 1], (double)run.count,
                    (struct window){run.count - length, run.count - 1})) {
            smoothed[run.count + 1] = smoothed[run.count];
        }
        for (size_t i = 0; i < run.count + 2; i++) {
            job->cycle[i * period + phase] = smoothed[i];
        }
    }
}

static void inner_loop(struct job *job, double *rest)
{
    const struct notch_stl_options *options = job->options;
    size_t period = options->period;
    for (size_t i = 0; i < job->count; i++) {
        rest[i] = job->values[i] - job->trend[i];
    }
    smooth_cycle(job, rest);
    size_t extended = job->count + 2 * period;
    moving_mean(job->first, job->cycle, extended, period);
    moving_mean(job->second, job->first, extended - period + 1, period);
    moving_mean(job->first, job->second, job->count + 2, 3);
    struct run slow = {job->first, NULL, job->count, options->low_pass, job->kernel};
    smooth(&slow, job->second);
    for (size_t i = 0; i < job->count; i++) {
        job->season[i] = job->cycle[period + i] - job->second[i];
        rest[i] = job->values[i] - job->season[i];
    }
    struct run trend = {rest, job->weights, job->count, options->trend, job->kernel};
    smooth(&trend, job->trend);
}

static void weigh(struct job *job, double *weights)
{
    for (size_t i = 0; i < job->count; i++) {
        job->first[i] = fabs(job->values[i] - job->trend[i] - job->season[i]);
    }
    double limit = 6 * notch_median(job->first, job->count, job->second);
    for (size_t i = 0; i < job->count; i++) {
        double far = job->first[i];
        double share = limit > 0 ? far / limit : 0;
        if (far <= 0.001 * limit || !(limit > 0)) {
            weights[i] = 1;
        } else {
            weights[i] = far <= 0.999 * limit ? (1 - share * share) * (1 - share * share) : 0;
        }
    }
}

static bool is_smoother(const struct notch_stl_smoother *smoother)
{
    return smoother->length >= 3 && smoother->length % 2 == 1 && smoother->jump >= 1 &&
           (smoother->degree == 0 || smoother->degree == 1);
}

enum notch_err notch_stl(double *season, double *trend, double *weights, const double *values, size_t count,
                         const struct notch_stl_options *options, const struct notch_alloc *alloc)
{
    size_t period = options->period;
    if (period < 2 || count < 2 * period || options->inner < 1 || !is_smoother(&options->season) ||
        !is_smoother(&options->trend) || !is_smoother(&options->low_pass)) {
        return NOTCH_ERR_RANGE;
    }
    size_t extended = count + 2 * period;
    size_t room = 3 * extended + 2 * count;
    double *memory = notch_alloc_array(alloc, room, sizeof *memory);
    struct job job = {.options = options,
                      .values = values,
                      .count = count,
                      .season = season,
                      .trend = trend,
                      .cycle = memory,
                      .first = memory + extended,
                      .second = memory + 2 * extended,
                      .kernel = memory + 3 * extended};
    double *rest = memory + 3 * extended + count;
    for (size_t i = 0; i < count; i++) {
        season[i] = 0;
        trend[i] = 0;
        weights[i] = 1;
    }
    for (size_t outer = 0; outer <= options->outer; outer++) {
        for (size_t inner = 0; inner < options->inner; inner++) {
            inner_loop(&job, rest);
        }
        if (outer < options->outer) {
            weigh(&job, weights);
            job.weights = weights;
        }
    }
    notch_free(alloc, memory, room * sizeof *memory);
    return NOTCH_OK;
}

struct notch_stl_options notch_stl_defaults(size_t period, enum notch_stl_kind kind)
{
    size_t trend = (size_t)ceil(1.5 * (double)period / (1 - 1.5 / 7));
    size_t low_pass = period + 1;
    return (struct notch_stl_options){
        .period = period,
        .season = {7, 1, 1},
        .trend = {trend | 1, 1, 1},
        .low_pass = {low_pass | 1, 1, 1},
        .inner = kind == NOTCH_STL_ROBUST ? 1 : 5,
        .outer = kind == NOTCH_STL_ROBUST ? 15 : 0,
    };
}
