/*
 * ai/agent/memory/classic.h: the price memory as the documents describe it, number for number.
 *
 * Bins over mean +- 2 sigma of a history (population sigma, never below 0), as many as Freedman and Diaconis say,
 * between 10 and 100; each price of the history leaves 0.1 visit. An update lets all visits fade by 1 - 1/N (N: the
 * length of the history), adds one visit, and moves the success of its bin towards the reward. From these come:
 *
 *      bonus    rate * (0.4 exp(-visits / max(1, most visits)) + 0.4 [unexplored] + 0.2 (1 - success, normalised))
 *      std      from 0.1 sigma, by how far the next unexplored bin is
 *      regions  runs of bins whose success exceeds mean + 0.5 sigma of all
 *
 * A bin is unexplored that had less than 0.5 visit at the beginning, and explored for ever after one update. A price
 * outside of the range counts in the bin at the edge, a price on an edge in the bin above. Where the quartiles of the
 * history are equal there are 100 bins, where all of it is there are 10 of width 0. The exploration rate starts at 1
 * and changes from the tenth reward on: times 0.995 where the last ten are better in the mean than the last hundred,
 * else times 1.005, at most 1. (design/vectors.md sections 1 and 2)
 *
 * Invariants   Everything is finite: prices and rewards are, and of bounded size (NOTCH_MEMORY_PRICE_MAX,
 *              NOTCH_MEMORY_REWARD_MAX), which the caller checks.
 * Ownership    A value without pointers.
 * Thread       One at a time.
 */
#ifndef NOTCH_AI_AGENT_MEMORY_CLASSIC_H
#define NOTCH_AI_AGENT_MEMORY_CLASSIC_H

#include "base/alloc.h"
#include "base/codec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTCH_CLASSIC_BINS_MIN 10
#define NOTCH_CLASSIC_BINS_MAX 100
#define NOTCH_CLASSIC_REWARDS 100
#define NOTCH_CLASSIC_RECENT 10

struct notch_memory_region {
    double lo, hi;
};

struct notch_classic {
    double lo, hi; /* the range */
    double sigma;
    double decay;
    double rate;
    uint64_t updates;
    uint32_t bins;
    double visits[NOTCH_CLASSIC_BINS_MAX];
    double success[NOTCH_CLASSIC_BINS_MAX];
    bool unexplored[NOTCH_CLASSIC_BINS_MAX];
    uint32_t reward_count;                 /* kept, at most NOTCH_CLASSIC_REWARDS */
    double rewards[NOTCH_CLASSIC_REWARDS]; /* the oldest first */
};

/* `history`: count > 0 prices within the bounds. */
void notch_classic_init(struct notch_classic *classic, const struct notch_alloc *alloc, const double *history,
                        size_t count);

void notch_classic_update(struct notch_classic *classic, double price, double reward);

double notch_classic_bonus(const struct notch_classic *classic, double price);
double notch_classic_std(const struct notch_classic *classic, double price);

/* visits / max(1, most visits) of the price's bin. */
double notch_classic_confidence(const struct notch_classic *classic, double price);

/* The bin of a price, and its edges: what an insight of the classic memory gives as range. */
struct notch_memory_region notch_classic_bin(const struct notch_classic *classic, double price);

/* Mean of the last ten rewards (of all, where there are fewer; 0 where there is none). */
double notch_classic_trend(const struct notch_classic *classic);

/* In ascending order, apart from each other. */
size_t notch_classic_regions(const struct notch_classic *classic,
                             struct notch_memory_region out[NOTCH_CLASSIC_BINS_MAX]);

void notch_classic_write(struct notch_writer *writer, const struct notch_classic *classic);

/* Fails the reader where a value cannot be. */
void notch_classic_read(struct notch_reader *reader, struct notch_classic *out);

#endif
