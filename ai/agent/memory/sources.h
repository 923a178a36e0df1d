/*
 * ai/agent/memory/sources.h: what others say about one market, and how far each of them is to be believed.
 *
 * One insight per author counts, the latest. How good an author is shows when prices of one's own come in: where an
 * insight tells the success of its prices, its error is the distance of the reward from what it makes one expect, in
 * standard deviations; else the distance of the price from its range, in bandwidths. The mean of the squared errors
 * fades by a twentieth with each observation, starts at 4, and a source counts as 1 / max(1, that). So who
 * predicts badly counts for less, whoever it is, and nobody starts with full weight. What authors say of their own
 * confidence is calibrated by how often prices fell into ranges that came with such a confidence.
 *
 * The classic formulas (design/vectors.md section 2, "Network half") weigh by exp(-age / 24 h) * confidence alone.
 *
 * Units        Prices in the currency; trend, confidence and success as ratios; times in ms since 1970.
 * Limits       NOTCH_SOURCES_MAX; then the one whose insight is oldest gives way. An insight of the future is as new as
 *              one of now.
 * Ownership    A value without pointers.
 * Thread       One at a time.
 */
#ifndef NOTCH_AI_AGENT_MEMORY_SOURCES_H
#define NOTCH_AI_AGENT_MEMORY_SOURCES_H

#include "ai/agent/memory/classic.h"
#include "ai/agent/memory/landscape.h"
#include "base/units.h"

#define NOTCH_SOURCES_MAX 64
#define NOTCH_SOURCES_LEVELS 10
#define NOTCH_SOURCES_SAMPLES_MAX 100

struct notch_source {
    struct notch_key author;
    uint64_t time_ms; /* of the insight: the end of its period */
    bool has_range;   /* else lo and hi are 0 */
    bool has_success; /* else it is 0 */
    double lo, hi;
    double trend;      /* -1 .. 10 */
    double confidence; /* 0 .. 1, as its author says */
    double success;    /* -1 .. 1 */
    double samples;    /* 1 .. NOTCH_SOURCES_SAMPLES_MAX: more is not believed of one insight */
    double loss;       /* mean squared error, 0 .. 16 */
};

struct notch_sources {
    uint32_t count;
    struct notch_source list[NOTCH_SOURCES_MAX]; /* ascending by author */
    double said[NOTCH_SOURCES_LEVELS];           /* prices that came while an insight of that confidence stood */
    double held[NOTCH_SOURCES_LEVELS];           /* of these, those in its range */
    double loss;                                 /* of all together */
    double loss_alone, loss_together;            /* of one's own expectation of rewards, without and with them */
};

void notch_sources_init(struct notch_sources *sources);

/* Takes an insight in; false where a later one of the author is there. `loss` of the argument does not count. */
bool notch_sources_put(struct notch_sources *sources, const struct notch_source *insight);

/* What is known of an author, or NULL. */
const struct notch_source *notch_sources_find(const struct notch_sources *sources, const struct notch_key *author);

/* 0 .. 1, by its record. */
double notch_source_quality(const struct notch_source *source);

/* What confidences as stated are worth. */
double notch_sources_calibrated(const struct notch_sources *sources, double confidence);

/* How much a sample of others is worth against one of one's own (kappa of the design): 0 .. 1. */
double notch_sources_kappa(const struct notch_sources *sources);

/* 1 - error with others / error without, in 0 .. 1: what one gains from them. */
double notch_sources_gain(const struct notch_sources *sources);

/* The scene that insights are held against. */
struct notch_sources_scene {
    uint64_t now_ms;
    double half_life_ms;
    double bandwidth;     /* in log price */
    double reward_mean;   /* of one's own rewards */
    double reward_spread; /* 0: not known yet */
};

/* Kernel count and mean of the reward at a price, from others alone; n is 0 where nobody knows. Before kappa. */
struct notch_landscape_look notch_sources_at(const struct notch_sources *sources, double price,
                                             const struct notch_sources_scene *scene);

/* An observation of one's own: everybody's record changes. `alone` is what one expected by oneself, before it. */
void notch_sources_score(struct notch_sources *sources, double price, double reward,
                         const struct notch_landscape_look *alone, const struct notch_sources_scene *scene);

/* ---- classic ---- */

double notch_sources_classic_bonus(const struct notch_sources *sources, double price, uint64_t now_ms);
double notch_sources_classic_std(const struct notch_sources *sources, double price, double sigma, uint64_t now_ms);

/* The best max(1, floor(0.3 n)) by trend of those of the last 24 h with confidence > 0.5. */
size_t notch_sources_classic_regions(const struct notch_sources *sources, uint64_t now_ms,
                                     struct notch_memory_region out[NOTCH_SOURCES_MAX]);

/* Sorts, and joins those that touch or overlap; returns how many are left. */
size_t notch_regions_merge(struct notch_memory_region *regions, size_t count);

void notch_sources_write(struct notch_writer *writer, const struct notch_sources *sources);
void notch_sources_read(struct notch_reader *reader, struct notch_sources *out);

#endif
