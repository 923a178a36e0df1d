/*
 * ai/agent/pricing/trainer.h: an agent in a world: acts, stores, learns, is evaluated, and its best actor kept.
 *
 * Each step acts once and updates once. During the warm-up it acts blindly or, in a market with one seller, as a
 * Thompson sampler says that looks on (teacher.h); after it the actor acts, but for the periods in which the teacher's
 * belief expects more from the teacher's own suggestion. Every `eval_every` steps the actor, without noise,
 * plays `select_episodes` episodes from fixed starts; the actor with the best mean return is kept. The figures to
 * report come from other starts (notch_trainer_evaluate()), so that the choice does not flatter them. A trainer that
 * was written and read goes on bit for bit as if it had not stopped.
 *
 * Ownership    create / destroy.
 * Limits       NOTCH_TRAINER_POINTS_MAX evaluations, NOTCH_TRAINER_STEPS_MAX steps.
 * Errors       A sticky reader (base/codec.h) says whether bytes were a trainer.
 * Thread       One at a time.
 */
#ifndef NOTCH_AI_AGENT_PRICING_TRAINER_H
#define NOTCH_AI_AGENT_PRICING_TRAINER_H

#include "ai/agent/env/env.h"
#include "ai/agent/pricing/sac.h"
#include "ai/agent/pricing/teacher.h"

#define NOTCH_TRAINER_POINTS_MAX 4096
#define NOTCH_TRAINER_STEPS_MAX 10000000
#define NOTCH_TRAINER_EPISODES_MAX 1000

struct notch_trainer_options {
    const struct notch_env_kind *kind;
    uint64_t seed;            /* of the world and of the agent */
    uint32_t steps;           /* in all */
    uint32_t warmup;          /* of them without the actor */
    bool teacher;             /* only in linear, logit and drift */
    uint32_t eval_every;      /* steps / eval_every <= NOTCH_TRAINER_POINTS_MAX */
    uint32_t select_episodes; /* 1 to NOTCH_TRAINER_EPISODES_MAX */
    struct notch_sac_options sac;
};

/* What this kind of world is learnt with. */
struct notch_trainer_options notch_trainer_options_default(const struct notch_alloc *alloc,
                                                           const struct notch_env_kind *kind, uint64_t seed,
                                                           uint32_t steps);
bool notch_trainer_options_ok(const struct notch_trainer_options *options);

/* One evaluation on the way. */
struct notch_trainer_point {
    uint32_t step;
    double mean; /* return of the episodes */
};

/* What episodes brought. */
struct notch_trainer_stats {
    uint32_t episodes;
    double mean, std, least, most; /* return of an episode */
    double price;                  /* mean over all steps; 0 in a world without prices */
    double regret;                 /* mean of a step, in one-period optima */
};

enum notch_trainer_actor {
    NOTCH_TRAINER_LATEST,
    NOTCH_TRAINER_BEST /* the latest, where nothing was evaluated yet */
};

struct notch_trainer;

/* The options are ok. */
struct notch_trainer *notch_trainer_create(const struct notch_trainer_options *options);
void notch_trainer_destroy(struct notch_trainer *trainer);

/* False when all steps were made. */
bool notch_trainer_step(struct notch_trainer *trainer);

/* Made so far. */
uint32_t notch_trainer_steps(const struct notch_trainer *trainer);
const struct notch_trainer_options *notch_trainer_options(const struct notch_trainer *trainer);
struct notch_sac *notch_trainer_sac(struct notch_trainer *trainer);

/* The evaluations so far, in order; the best of them. Valid until the next step. */
const struct notch_trainer_point *notch_trainer_curve(const struct notch_trainer *trainer, size_t *count);
struct notch_trainer_point notch_trainer_best(const struct notch_trainer *trainer);

/* Regret summed over the steps of training, in one-period optima. */
double notch_trainer_regret(const struct notch_trainer *trainer);

/* Plays without noise from the fixed starts that are reported; training is not touched. episodes:
 * 1 to NOTCH_TRAINER_EPISODES_MAX. */
void notch_trainer_evaluate(struct notch_trainer *trainer, struct notch_trainer_stats *out,
                            enum notch_trainer_actor actor, uint32_t episodes);

void notch_trainer_write(const struct notch_trainer *trainer, struct notch_writer *writer);

/* *out is NULL and the reader failed where the bytes are no trainer. */
void notch_trainer_read(struct notch_reader *reader, struct notch_trainer **out, const struct notch_alloc *alloc);

/* More steps in all, for a trainer that was read: at least what was made. */
bool notch_trainer_extend(struct notch_trainer *trainer, uint32_t steps);

#endif
