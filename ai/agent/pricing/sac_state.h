/*
 * ai/agent/pricing/sac_state.h: what an agent is made of, for the files that share it (sac.c, sac_codec.c). Internal.
 *
 * Ownership    notch_sac_create() allocates every array, notch_sac_destroy() gives them back.
 * Thread       One at a time.
 */
#ifndef NOTCH_AI_AGENT_PRICING_SAC_STATE_H
#define NOTCH_AI_AGENT_PRICING_SAC_STATE_H

#include "ai/agent/pricing/adam.h"
#include "ai/agent/pricing/sac.h"

/* What one update works in. The sizes are in notch__sac_work_sizes(). */
struct notch__sac_work {
    struct notch_replay_batch batch;
    float *pairs;      /* rows x (obs + act): the observations with the actions of the batch */
    float *own_pairs;  /* with the actor's own actions, at first for next_obs, then for obs */
    float *actor_acts; /* activations */
    float *critic_acts[2];
    float *scratch;
    float *noise;
    float *actions;
    float *log_probs;
    float *goals;     /* what the critics are moved towards */
    float *d_values;  /* gradient by the critics' outputs */
    float *d_pairs;   /* by the critics' inputs */
    float *d_outputs; /* by the actor's outputs */
    float *errors;
    float *grads;
    float *row;           /* activations of one row, for acting */
    uint32_t *lower_rows; /* those in which one critic is the lower one */
};

struct notch_sac {
    struct notch_sac_options options;
    struct notch_mlp_shape actor_shape, critic_shape;
    float *actor;
    float *critics[2];
    float *targets[2];
    struct notch_adam actor_adam, critic_adams[2], alpha_adam;
    float log_alpha;
    struct notch_rng rng;
    struct notch_replay *replay;
    struct notch__sac_work work;
};

#endif
