/*
 * ai/agent/pricing/replay.h: what the agent has lived through, and what it learns from again.
 *
 * A ring: the newest `capacity` transitions. Batches are drawn uniformly, or in proportion to priority^exponent
 * (Schaul et al. 2016) from a tree of sums, one draw from each of `count` equal parts of the total. A transition may
 * be drawn as the first of `n_step` in a row: its reward is then their discounted sum.
 *
 * Invariants   Each inner node of the tree is the sum of its two children as rounded, whatever the order of the
 * changes:
 *              the tree is a function of its leaves, so a checkpoint keeps the leaves alone.
 * Ownership    create / destroy. Nothing else allocates.
 * Limits       NOTCH_REPLAY_CAPACITY_MAX transitions, NOTCH_REPLAY_DIMS_MAX numbers in an observation or an action,
 *              NOTCH_REPLAY_FLOATS_MAX in all.
 * Thread       One at a time.
 */
#ifndef NOTCH_AI_AGENT_PRICING_REPLAY_H
#define NOTCH_AI_AGENT_PRICING_REPLAY_H

#include "base/alloc.h"
#include "base/codec.h"
#include "base/rng.h"

#define NOTCH_REPLAY_CAPACITY_MAX 1048576
#define NOTCH_REPLAY_DIMS_MAX 64
#define NOTCH_REPLAY_STEPS_MAX 16
#define NOTCH_REPLAY_FLOATS_MAX (UINT64_C(1) << 25) /* in all of it: 128 MiB */

struct notch_replay_options {
    const struct notch_alloc *alloc;
    uint32_t capacity;
    uint32_t obs_dim, act_dim;
    uint32_t n_step; /* 1: off */
    float gamma;
    bool prioritised;
    float exponent;   /* of the priorities */
    float correction; /* of the bias that they bring: 0 none, 1 all */
};

struct notch_transition {
    const float *obs;    /* obs_dim */
    const float *action; /* act_dim */
    float reward;
    const float *next_obs; /* obs_dim */
    bool terminated;       /* no value lies beyond */
    bool truncated;        /* the episode was cut here, its value goes on */
};

/* Where a batch goes: arrays of the caller, row by row. */
struct notch_replay_batch {
    uint32_t rows;
    uint32_t *index;
    float *obs, *next_obs;
    float *actions;
    float *rewards;
    float *discounts; /* of the value of next_obs: 0 behind a terminated one */
    float *weights;   /* of the loss: 1 where draws are uniform */
};

struct notch_replay;

/* Whether the options are within the limits. */
bool notch_replay_options_ok(const struct notch_replay_options *options);

/* The options are ok. */
struct notch_replay *notch_replay_create(const struct notch_replay_options *options);
void notch_replay_destroy(struct notch_replay *replay);

uint32_t notch_replay_count(const struct notch_replay *replay);

/* Over the oldest one, when it is full. Its priority is the highest that was ever seen. */
void notch_replay_put(struct notch_replay *replay, const struct notch_transition *transition);

/* Something is stored. */
void notch_replay_draw(struct notch_replay *replay, struct notch_replay_batch *batch, struct notch_rng *rng);

/* errors: |difference| of each row of the batch that was drawn last. Nothing happens where draws are uniform. */
void notch_replay_reprioritise(struct notch_replay *replay, const struct notch_replay_batch *batch,
                               const float *errors);

/* The contents, canonical; the options are the caller's to keep. read() fills a replay that was created by the same
 * options, and leaves it empty where the reader fails. */
void notch_replay_write(const struct notch_replay *replay, struct notch_writer *writer);
void notch_replay_read(struct notch_replay *replay, struct notch_reader *reader);

#endif
