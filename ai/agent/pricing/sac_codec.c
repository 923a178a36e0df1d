/* The agent as bytes: the options, the generator, the networks with their optimisers, the temperature, the replay. */
#include "ai/agent/pricing/floats.h"
#include "ai/agent/pricing/sac_state.h"

#include <float.h>

#define FORMAT 1
#define STEPS_MAX (UINT64_C(1) << 48)

static void write_options(const struct notch_sac_options *options, struct notch_writer *writer)
{
    const uint32_t counts[] = {options->obs_dim, options->act_dim,  options->hidden,
                               options->batch,   options->capacity, options->n_step};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(counts); i++) {
        notch_write_uvar(writer, counts[i]);
    }
    notch_write_u8(writer, options->prioritised ? 1 : 0);
    const float numbers[] = {options->priority_exponent,
                             options->priority_correction,
                             options->gamma,
                             options->tau,
                             options->rate,
                             options->alpha,
                             options->target_entropy};
    notch_floats_write(writer, numbers, NOTCH_ARRAY_LEN(numbers));
    notch_write_u64(writer, options->seed);
}

static void read_options(struct notch_reader *reader, struct notch_sac_options *options)
{
    uint32_t *const counts[] = {&options->obs_dim, &options->act_dim,  &options->hidden,
                                &options->batch,   &options->capacity, &options->n_step};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(counts); i++) {
        *counts[i] = (uint32_t)notch_read_uvar_max(reader, UINT32_MAX);
    }
    uint8_t prioritised = notch_read_u8(reader);
    options->prioritised = prioritised == 1;
    float *const numbers[] = {&options->priority_exponent,
                              &options->priority_correction,
                              &options->gamma,
                              &options->tau,
                              &options->rate,
                              &options->alpha,
                              &options->target_entropy};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(numbers); i++) {
        *numbers[i] = notch_floats_read_one(reader);
    }
    options->seed = notch_read_u64(reader);
    if (prioritised > 1 || !notch_sac_options_ok(options)) {
        notch_reader_fail(reader);
    }
}

static void write_adam(const struct notch_adam *adam, struct notch_writer *writer)
{
    notch_write_uvar(writer, adam->steps);
    notch_floats_write(writer, adam->mean, adam->count);
    notch_floats_write(writer, adam->variance, adam->count);
}

static void read_adam(struct notch_adam *adam, struct notch_reader *reader)
{
    adam->steps = notch_read_uvar_max(reader, STEPS_MAX);
    notch_floats_read(reader, adam->mean, adam->count);
    for (size_t i = 0; i < adam->count; i++) {
        adam->variance[i] = notch_floats_read_within(reader, 0, FLT_MAX);
    }
}

void notch_sac_write(const struct notch_sac *sac, struct notch_writer *writer)
{
    size_t critic_count = notch_mlp_param_count(&sac->critic_shape);
    notch_write_u8(writer, FORMAT);
    write_options(&sac->options, writer);
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(sac->rng.state); i++) {
        notch_write_u64(writer, sac->rng.state[i]);
    }
    notch_floats_write(writer, sac->actor, notch_sac_actor_count(sac));
    write_adam(&sac->actor_adam, writer);
    for (int which = 0; which < 2; which++) {
        notch_floats_write(writer, sac->critics[which], critic_count);
        notch_floats_write(writer, sac->targets[which], critic_count);
        write_adam(&sac->critic_adams[which], writer);
    }
    notch_floats_write(writer, &sac->log_alpha, 1);
    write_adam(&sac->alpha_adam, writer);
    notch_replay_write(sac->replay, writer);
}

/* What the networks and their moments take in bytes, at least: known before anything is allocated. */
static size_t network_bytes(const struct notch_sac_options *options)
{
    struct notch_mlp_shape actor = notch_mlp_shape(options->obs_dim, options->hidden, 2 * options->act_dim);
    struct notch_mlp_shape critic = notch_mlp_shape(options->obs_dim + options->act_dim, options->hidden, 1);
    return sizeof(float) * (3 * notch_mlp_param_count(&actor) + 8 * notch_mlp_param_count(&critic));
}

static void read_state(struct notch_sac *sac, struct notch_reader *reader)
{
    size_t critic_count = notch_mlp_param_count(&sac->critic_shape);
    uint64_t any = 0;
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(sac->rng.state); i++) {
        sac->rng.state[i] = notch_read_u64(reader);
        any |= sac->rng.state[i];
    }
    if (any == 0) {
        notch_reader_fail(reader); /* the one state that the generator never leaves */
    }
    notch_floats_read(reader, sac->actor, notch_sac_actor_count(sac));
    read_adam(&sac->actor_adam, reader);
    for (int which = 0; which < 2; which++) {
        notch_floats_read(reader, sac->critics[which], critic_count);
        notch_floats_read(reader, sac->targets[which], critic_count);
        read_adam(&sac->critic_adams[which], reader);
    }
    sac->log_alpha = notch_floats_read_within(reader, -20, 10);
    read_adam(&sac->alpha_adam, reader);
    notch_replay_read(sac->replay, reader);
}

void notch_sac_read(struct notch_reader *reader, struct notch_sac **out, const struct notch_alloc *alloc)
{
    *out = NULL;
    struct notch_sac_options options = {.alloc = alloc};
    if (notch_read_u8(reader) != FORMAT) {
        notch_reader_fail(reader);
    }
    read_options(reader, &options);
    if (reader->failed || notch_reader_left(reader) < network_bytes(&options)) {
        notch_reader_fail(reader);
        return;
    }
    struct notch_sac *sac = notch_sac_create(&options);
    read_state(sac, reader);
    if (reader->failed) {
        notch_sac_destroy(sac);
        return;
    }
    *out = sac;
}
