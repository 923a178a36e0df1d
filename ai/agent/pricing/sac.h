/*
 * ai/agent/pricing/sac.h: Soft Actor-Critic (Haarnoja et al. 2018, with the automatic temperature of their second
 * paper): an actor that draws actions in (-1, 1), two critics with targets that follow them, one temperature.
 *
 * One update draws a batch from the replay, moves both critics towards reward + discount * (the lower of the two
 * targets - alpha * log-probability), the actor towards the lower of the two critics with its entropy, and alpha so
 * that the entropy meets its target; then the targets follow. It allocates nothing. Given the same options and the
 * same calls the same numbers come out, bit for bit on one machine; a written and read agent goes on as if nothing had
 * happened.
 *
 * Ownership    create / destroy.
 * Limits       notch_sac_options_ok().
 * Errors       A sticky reader (base/codec.h) says whether bytes were an agent.
 * Source       design: ai.md section B.
 * Thread       One at a time.
 */
#ifndef NOTCH_AI_AGENT_PRICING_SAC_H
#define NOTCH_AI_AGENT_PRICING_SAC_H

#include "ai/agent/pricing/mlp.h"
#include "ai/agent/pricing/replay.h"

#define NOTCH_SAC_ACTIONS_MAX 8

struct notch_sac_options {
    const struct notch_alloc *alloc;
    uint32_t obs_dim, act_dim;
    uint32_t hidden; /* width of both hidden layers */
    uint32_t batch;
    uint32_t capacity; /* of the replay, at least a batch */
    uint32_t n_step;   /* 1: off */
    bool prioritised;
    float priority_exponent, priority_correction;
    float gamma;
    float tau;  /* how fast the targets follow */
    float rate; /* of all optimisers */
    float alpha;
    float target_entropy;
    uint64_t seed;
};

/* 64-64 networks, batches of 256, gamma 0.99, tau 0.005, rate 1e-3, a target entropy of -act_dim. */
struct notch_sac_options notch_sac_options_default(const struct notch_alloc *alloc, uint32_t obs_dim, uint32_t act_dim);
bool notch_sac_options_ok(const struct notch_sac_options *options);

enum notch_sac_acting {
    NOTCH_SAC_EXPLORE, /* a draw */
    NOTCH_SAC_EXPLOIT  /* the mean */
};

/* What an update saw, as means over its batch. */
struct notch_sac_report {
    float critic_loss;
    float value;   /* the lower critic's, of the actor's own actions */
    float entropy; /* of the actor */
    float alpha;   /* after the update */
};

struct notch_sac;

/* The options are ok. */
struct notch_sac *notch_sac_create(const struct notch_sac_options *options);
void notch_sac_destroy(struct notch_sac *sac);

const struct notch_sac_options *notch_sac_options(const struct notch_sac *sac);
uint32_t notch_sac_stored(const struct notch_sac *sac);

/* action: act_dim numbers in [-1, 1]. Only exploring draws from the agent's generator. */
void notch_sac_act(struct notch_sac *sac, float *action, const float *obs, enum notch_sac_acting acting);

/* An action drawn uniformly, for the first steps. */
void notch_sac_act_blindly(struct notch_sac *sac, float *action);

/* Every number is finite. */
void notch_sac_store(struct notch_sac *sac, const struct notch_transition *transition);

/* False, and nothing happens, until a batch is stored. `report` may be NULL. */
bool notch_sac_update(struct notch_sac *sac, struct notch_sac_report *report);

/* The actor alone: what a best checkpoint keeps, and what acts where nothing is learnt. */
size_t notch_sac_actor_count(const struct notch_sac *sac);
void notch_sac_actor_get(const struct notch_sac *sac, float *out);
void notch_sac_actor_set(struct notch_sac *sac, const float *params);

/* All of it in canonical bytes: read() takes what write() wrote, and nothing else. */
void notch_sac_write(const struct notch_sac *sac, struct notch_writer *writer);

/* *out is NULL and the reader failed where the bytes are no agent. */
void notch_sac_read(struct notch_reader *reader, struct notch_sac **out, const struct notch_alloc *alloc);

#endif
