#include "ai/agent/memory/sources.h"

#include "ai/agent/memory/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOSS_FIRST 4.0
#define LOSS_MAX 16.0
#define LOSS_RATE 0.05
#define TRUST_PRIOR 4.0 /* observations that the stated confidence is worth */
#define LEVEL_WEIGHT_MAX 1000.0
#define SUCCESS_SPREADS 3.0 /* a success of 1 is three standard deviations above the mean */
#define DAY_MS 86400000.0
#define TREND_MIN (-1.0)
#define TREND_MAX 10.0

void notch_sources_init(struct notch_sources *sources)
{
    memset(sources, 0, sizeof *sources);
    sources->loss = LOSS_FIRST;
}

static uint32_t place_of(const struct notch_sources *sources, const struct notch_key *author)
{
    uint32_t place = 0;
    while (place < sources->count && notch_key_cmp(&sources->list[place].author, author) < 0) {
        place++;
    }
    return place;
}

const struct notch_source *notch_sources_find(const struct notch_sources *sources, const struct notch_key *author)
{
    uint32_t place = place_of(sources, author);
    bool is_there = place < sources->count && notch_key_eq(&sources->list[place].author, author);
    return is_there ? &sources->list[place] : NULL;
}

static void drop_oldest(struct notch_sources *sources)
{
    uint32_t oldest = 0;
    for (uint32_t i = 1; i < sources->count; i++) {
        oldest = sources->list[i].time_ms < sources->list[oldest].time_ms ? i : oldest;
    }
    sources->count--;
    memmove(&sources->list[oldest], &sources->list[oldest + 1], (sources->count - oldest) * sizeof sources->list[0]);
}

bool notch_sources_put(struct notch_sources *sources, const struct notch_source *insight)
{
    uint32_t place = place_of(sources, &insight->author);
    bool is_there = place < sources->count && notch_key_eq(&sources->list[place].author, &insight->author);
    double loss = LOSS_FIRST;
    if (is_there) {
        if (sources->list[place].time_ms > insight->time_ms) {
            return false;
        }
        loss = sources->list[place].loss;
    } else {
        if (sources->count == NOTCH_SOURCES_MAX) {
            drop_oldest(sources);
            place = place_of(sources, &insight->author);
        }
        memmove(&sources->list[place + 1], &sources->list[place], (sources->count - place) * sizeof sources->list[0]);
        sources->count++;
    }
    sources->list[place] = *insight;
    sources->list[place].loss = loss;
    return true;
}

double notch_source_quality(const struct notch_source *source)
{
    return 1 / fmax(1, source->loss);
}

static uint32_t level_of(double confidence)
{
    double level = floor(confidence * NOTCH_SOURCES_LEVELS);
    return level >= NOTCH_SOURCES_LEVELS ? NOTCH_SOURCES_LEVELS - 1 : (uint32_t)level;
}

double notch_sources_calibrated(const struct notch_sources *sources, double confidence)
{
    uint32_t level = level_of(confidence);
    return (sources->held[level] + TRUST_PRIOR * confidence) / (sources->said[level] + TRUST_PRIOR);
}

double notch_sources_kappa(const struct notch_sources *sources)
{
    return 1 / fmax(1, sources->loss);
}

double notch_sources_gain(const struct notch_sources *sources)
{
    if (!(sources->loss_alone > 0)) {
        return 0;
    }
    return fmin(1, fmax(0, 1 - sources->loss_together / sources->loss_alone));
}

static double age_ms(const struct notch_source *source, uint64_t now_ms)
{
    return source->time_ms >= now_ms ? 0 : (double)(now_ms - source->time_ms);
}

/* How far outside of its range a price is, in bandwidths; 0 inside. */
static double distance(const struct notch_source *source, double price, double bandwidth)
{
    if (price < source->lo) {
        return log(source->lo / price) / bandwidth;
    }
    return price > source->hi ? log(price / source->hi) / bandwidth : 0;
}

struct notch_landscape_look notch_sources_at(const struct notch_sources *sources, double price,
                                             const struct notch_sources_scene *scene)
{
    double best = 0;
    for (uint32_t i = 0; i < sources->count; i++) {
        best = fmax(best, notch_source_quality(&sources->list[i]));
    }
    double n = 0;
    double known = 0;
    double success = 0;
    for (uint32_t i = 0; i < sources->count; i++) {
        const struct notch_source *source = &sources->list[i];
        if (!source->has_range) {
            continue;
        }
        double off = distance(source, price, scene->bandwidth);
        double weight = source->samples * notch_sources_calibrated(sources, source->confidence) *
                        (notch_source_quality(source) / best) * exp(-0.5 * off * off) *
                        pow(2, -age_ms(source, scene->now_ms) / scene->half_life_ms);
        n += weight;
        known += source->has_success ? weight : 0;
        success += weight * source->success;
    }
    double expected = known > 0 ? success / known : 0;
    return (struct notch_landscape_look){n, scene->reward_mean + SUCCESS_SPREADS * scene->reward_spread * expected};
}

static void learn(double *loss, double error)
{
    *loss += LOSS_RATE * (fmin(LOSS_MAX, error * error) - *loss);
}

void notch_sources_score(struct notch_sources *sources, double price, double reward,
                         const struct notch_landscape_look *alone, const struct notch_sources_scene *scene)
{
    if (sources->count == 0) {
        return;
    }
    struct notch_landscape_look others = notch_sources_at(sources, price, scene);
    bool is_scaled = scene->reward_spread > 0;
    for (uint32_t i = 0; i < sources->count; i++) {
        struct notch_source *source = &sources->list[i];
        if (!source->has_range || age_ms(source, scene->now_ms) > 40 * scene->half_life_ms) {
            continue;
        }
        double off = distance(source, price, scene->bandwidth);
        uint32_t level = level_of(source->confidence);
        if (sources->said[level] >= LEVEL_WEIGHT_MAX) {
            sources->said[level] /= 2;
            sources->held[level] /= 2;
        }
        sources->said[level] += 1;
        sources->held[level] += off <= 0;
        if (!source->has_success) {
            learn(&source->loss, off);
        } else if (is_scaled && off <= 1) {
            double expected = scene->reward_mean + SUCCESS_SPREADS * scene->reward_spread * source->success;
            learn(&source->loss, (reward - expected) / scene->reward_spread);
        }
    }
    if (others.n > 0 && is_scaled) {
        double kappa = notch_sources_kappa(sources);
        double weight = alone->n + kappa * others.n;
        double together = (alone->n * alone->reward + kappa * others.n * others.reward) / weight;
        learn(&sources->loss, (reward - others.reward) / scene->reward_spread);
        learn(&sources->loss_alone, (reward - alone->reward) / scene->reward_spread);
        learn(&sources->loss_together, (reward - together) / scene->reward_spread);
    }
}

/* ---- classic ---- */

static double classic_weight(const struct notch_source *source, uint64_t now_ms)
{
    return exp(-age_ms(source, now_ms) / DAY_MS) * source->confidence;
}

static bool covers(const struct notch_source *source, double price)
{
    return source->has_range && source->lo <= price && price <= source->hi;
}

double notch_sources_classic_bonus(const struct notch_sources *sources, double price, uint64_t now_ms)
{
    double weights = 0;
    double sum = 0;
    uint32_t covering = 0;
    for (uint32_t i = 0; i < sources->count; i++) {
        const struct notch_source *source = &sources->list[i];
        if (covers(source, price)) {
            double weight = classic_weight(source, now_ms);
            covering++;
            weights += weight;
            sum += weight * (1 - (source->trend + 1) / 2);
        }
    }
    if (sources->count == 0) {
        return 0;
    }
    /* Insights without any weight say as little as none. */
    return covering == 0 || !(weights > 0) ? 1 : sum / weights;
}

double notch_sources_classic_std(const struct notch_sources *sources, double price, double sigma, uint64_t now_ms)
{
    double weights = 0;
    double sum = 0;
    for (uint32_t i = 0; i < sources->count; i++) {
        const struct notch_source *source = &sources->list[i];
        if (covers(source, price)) {
            double weight = classic_weight(source, now_ms);
            weights += weight;
            sum += weight * (source->hi - source->lo);
        }
    }
    if (sources->count == 0) {
        return 0.1 * sigma;
    }
    return weights > 0 ? 0.1 * sum / weights : 0.2 * sigma;
}

struct ranked {
    double trend;
    uint32_t index;
};

/* The greatest trend first; of equal ones the first author. */
static int by_trend(const void *a, const void *b)
{
    const struct ranked *x = a;
    const struct ranked *y = b;
    if (x->trend < y->trend || x->trend > y->trend) {
        return x->trend < y->trend ? 1 : -1;
    }
    return (x->index > y->index) - (x->index < y->index);
}

size_t notch_sources_classic_regions(const struct notch_sources *sources, uint64_t now_ms,
                                     struct notch_memory_region out[NOTCH_SOURCES_MAX])
{
    struct ranked ranked[NOTCH_SOURCES_MAX];
    size_t count = 0;
    for (uint32_t i = 0; i < sources->count; i++) {
        const struct notch_source *source = &sources->list[i];
        if (source->has_range && age_ms(source, now_ms) < DAY_MS && source->confidence > 0.5) {
            ranked[count++] = (struct ranked){source->trend, i};
        }
    }
    if (count == 0) {
        return 0;
    }
    qsort(ranked, count, sizeof ranked[0], by_trend);
    size_t best = count * 3 / 10 > 1 ? count * 3 / 10 : 1;
    for (size_t i = 0; i < best; i++) {
        const struct notch_source *source = &sources->list[ranked[i].index];
        out[i] = (struct notch_memory_region){source->lo, source->hi};
    }
    return notch_regions_merge(out, best);
}

static int by_range(const void *a, const void *b)
{
    const struct notch_memory_region *x = a;
    const struct notch_memory_region *y = b;
    if (x->lo < y->lo || x->lo > y->lo) {
        return x->lo < y->lo ? -1 : 1;
    }
    return (x->hi > y->hi) - (x->hi < y->hi);
}

size_t notch_regions_merge(struct notch_memory_region *regions, size_t count)
{
    size_t kept = 0;
    if (count > 1) {
        qsort(regions, count, sizeof regions[0], by_range);
    }
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && regions[i].lo <= regions[kept - 1].hi) {
            regions[kept - 1].hi = fmax(regions[kept - 1].hi, regions[i].hi);
        } else {
            regions[kept++] = regions[i];
        }
    }
    return kept;
}

/* ---- bytes ---- */

static void write_source(struct notch_writer *writer, const struct notch_source *source)
{
    notch_write_key(writer, &source->author);
    notch_write_uvar(writer, source->time_ms);
    notch_write_u8(writer, source->has_range);
    notch_write_u8(writer, source->has_success);
    notch__write_double(writer, source->lo);
    notch__write_double(writer, source->hi);
    notch__write_double(writer, source->trend);
    notch__write_double(writer, source->confidence);
    notch__write_double(writer, source->success);
    notch__write_double(writer, source->samples);
    notch__write_double(writer, source->loss);
}

void notch_sources_write(struct notch_writer *writer, const struct notch_sources *sources)
{
    notch_write_uvar(writer, sources->count);
    for (uint32_t i = 0; i < sources->count; i++) {
        write_source(writer, &sources->list[i]);
    }
    for (uint32_t i = 0; i < NOTCH_SOURCES_LEVELS; i++) {
        notch__write_double(writer, sources->said[i]);
        notch__write_double(writer, sources->held[i]);
    }
    notch__write_double(writer, sources->loss);
    notch__write_double(writer, sources->loss_alone);
    notch__write_double(writer, sources->loss_together);
}

static void read_source(struct notch_reader *reader, struct notch_source *out)
{
    out->author = notch_read_key(reader);
    out->time_ms = notch_read_uvar(reader);
    out->has_range = notch__read_flag(reader);
    out->has_success = notch__read_flag(reader);
    out->lo = notch__read_double(reader, 0, out->has_range ? NOTCH_MEMORY_PRICE_MAX : 0);
    out->hi = notch__read_double(reader, out->lo, out->has_range ? NOTCH_MEMORY_PRICE_MAX : 0);
    out->trend = notch__read_double(reader, TREND_MIN, TREND_MAX);
    out->confidence = notch__read_double(reader, 0, 1);
    out->success = notch__read_double(reader, out->has_success ? -1 : 0, out->has_success ? 1 : 0);
    out->samples = notch__read_double(reader, 1, NOTCH_SOURCES_SAMPLES_MAX);
    out->loss = notch__read_double(reader, 0, LOSS_MAX);
    if (out->has_range && !(out->lo > 0)) {
        notch_reader_fail(reader);
    }
}

void notch_sources_read(struct notch_reader *reader, struct notch_sources *out)
{
    notch_sources_init(out);
    out->count = (uint32_t)notch_read_uvar_max(reader, NOTCH_SOURCES_MAX);
    for (uint32_t i = 0; i < out->count; i++) {
        read_source(reader, &out->list[i]);
        if (i > 0 && notch_key_cmp(&out->list[i - 1].author, &out->list[i].author) >= 0) {
            notch_reader_fail(reader);
        }
    }
    for (uint32_t i = 0; i < NOTCH_SOURCES_LEVELS; i++) {
        out->said[i] = notch__read_double(reader, 0, LEVEL_WEIGHT_MAX);
        out->held[i] = notch__read_double(reader, 0, out->said[i]);
    }
    out->loss = notch__read_double(reader, 0, LOSS_MAX);
    out->loss_alone = notch__read_double(reader, 0, LOSS_MAX);
    out->loss_together = notch__read_double(reader, 0, LOSS_MAX);
}
