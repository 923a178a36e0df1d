/*
 * The agent and its update. An update goes through four stages, each a function below: what the critics should have
 * said (set_goals), the critics (move_critics), the actor and the temperature (move_actor, move_alpha), the targets.
 */
#include "ai/agent/pricing/sac_state.h"
#include "ai/agent/pricing/squash.h"

#include <math.h>

#define LOG_ALPHA_MIN (-20.0f)
#define LOG_ALPHA_MAX 10.0f

struct notch_sac_options notch_sac_options_default(const struct notch_alloc *alloc, uint32_t obs_dim, uint32_t act_dim)
{
    return (struct notch_sac_options){
        .alloc = alloc,
        .obs_dim = obs_dim,
        .act_dim = act_dim,
        .hidden = 64,
        .batch = 256,
        .capacity = 100000,
        .n_step = 1,
        .priority_exponent = 0.6f,
        .priority_correction = 0.4f,
        .gamma = 0.99f,
        .tau = 0.005f,
        .rate = 1e-3f,
        .alpha = 1,
        .target_entropy = -(float)act_dim,
    };
}

static struct notch_replay_options replay_options(const struct notch_sac_options *options)
{
    return (struct notch_replay_options){
        .alloc = options->alloc,
        .capacity = options->capacity,
        .obs_dim = options->obs_dim,
        .act_dim = options->act_dim,
        .n_step = options->n_step,
        .gamma = options->gamma,
        .prioritised = options->prioritised,
        .exponent = options->priority_exponent,
        .correction = options->priority_correction,
    };
}

bool notch_sac_options_ok(const struct notch_sac_options *options)
{
    struct notch_replay_options replay = replay_options(options);
    return notch_replay_options_ok(&replay) && options->act_dim <= NOTCH_SAC_ACTIONS_MAX && options->hidden >= 1 &&
           options->hidden <= NOTCH_MLP_WIDTH_MAX && options->batch >= 2 && options->batch <= NOTCH_MLP_ROWS_MAX &&
           options->capacity >= options->batch && options->tau > 0 && options->tau <= 1 && options->rate > 0 &&
           options->rate <= 1 && options->alpha >= 1e-6f && options->alpha <= 1e3f &&
           fabsf(options->target_entropy) <= 1e3f;
}

/* ---- memory ---- */

/* Calls `visit` on every array of floats that the agent owns, with its length. */
typedef void (*visit_floats)(const struct notch_alloc *alloc, float **array, size_t count);

static void visit_work(struct notch_sac *sac, visit_floats visit)
{
    const struct notch_sac_options *options = &sac->options;
    struct notch__sac_work *work = &sac->work;
    size_t rows = options->batch;
    size_t pair = (size_t)options->obs_dim + options->act_dim;
    size_t actor_params = notch_mlp_param_count(&sac->actor_shape);
    size_t critic_params = notch_mlp_param_count(&sac->critic_shape);
    const struct {
        float **array;
        size_t count;
    } arrays[] = {
        {&work->batch.obs, rows * options->obs_dim},
        {&work->batch.next_obs, rows * options->obs_dim},
        {&work->batch.actions, rows * options->act_dim},
        {&work->batch.rewards, rows},
        {&work->batch.discounts, rows},
        {&work->batch.weights, rows},
        {&work->pairs, rows * pair},
        {&work->own_pairs, rows * pair},
        {&work->actor_acts, notch_mlp_activation_count(&sac->actor_shape, options->batch)},
        {&work->critic_acts[0], notch_mlp_activation_count(&sac->critic_shape, options->batch)},
        {&work->critic_acts[1], notch_mlp_activation_count(&sac->critic_shape, options->batch)},
        {&work->scratch, notch_mlp_scratch_count(&sac->critic_shape, options->batch)},
        {&work->noise, rows * options->act_dim},
        {&work->actions, rows * options->act_dim},
        {&work->log_probs, rows},
        {&work->goals, rows},
        {&work->d_values, rows},
        {&work->d_pairs, 2 * rows * pair},
        {&work->d_outputs, rows * 2 * options->act_dim},
        {&work->errors, rows},
        {&work->grads, actor_params > critic_params ? actor_params : critic_params},
        {&work->row, notch_mlp_activation_count(&sac->actor_shape, 1)},
        {&sac->actor, actor_params},
        {&sac->critics[0], critic_params},
        {&sac->critics[1], critic_params},
        {&sac->targets[0], critic_params},
        {&sac->targets[1], critic_params},
    };
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(arrays); i++) {
        visit(options->alloc, arrays[i].array, arrays[i].count);
    }
}

static void take(const struct notch_alloc *alloc, float **array, size_t count)
{
    *array = notch_alloc_array(alloc, count, sizeof(float));
}

static void give_back(const struct notch_alloc *alloc, float **array, size_t count)
{
    notch_free(alloc, *array, count * sizeof(float));
}

struct notch_sac *notch_sac_create(const struct notch_sac_options *options)
{
    notch_assert(notch_sac_options_ok(options));
    struct notch_sac *sac = notch_alloc(options->alloc, sizeof *sac);
    sac->options = *options;
    sac->actor_shape = notch_mlp_shape(options->obs_dim, options->hidden, 2 * options->act_dim);
    sac->critic_shape = notch_mlp_shape(options->obs_dim + options->act_dim, options->hidden, 1);
    visit_work(sac, take);
    sac->work.batch.rows = options->batch;
    sac->work.batch.index = notch_alloc_array(options->alloc, options->batch, sizeof(uint32_t));
    sac->work.lower_rows = notch_alloc_array(options->alloc, options->batch, sizeof(uint32_t));
    struct notch_replay_options replay = replay_options(options);
    sac->replay = notch_replay_create(&replay);

    notch_rng_init(&sac->rng, options->seed);
    notch_mlp_init(&sac->actor_shape, sac->actor, &sac->rng);
    notch_adam_init(&sac->actor_adam, options->alloc, notch_mlp_param_count(&sac->actor_shape), options->rate);
    for (int i = 0; i < 2; i++) {
        size_t count = notch_mlp_param_count(&sac->critic_shape);
        notch_mlp_init(&sac->critic_shape, sac->critics[i], &sac->rng);
        memcpy(sac->targets[i], sac->critics[i], count * sizeof(float));
        notch_adam_init(&sac->critic_adams[i], options->alloc, count, options->rate);
    }
    notch_adam_init(&sac->alpha_adam, options->alloc, 1, options->rate);
    sac->log_alpha = logf(options->alpha);
    return sac;
}

void notch_sac_destroy(struct notch_sac *sac)
{
    if (sac == NULL) {
        return;
    }
    const struct notch_alloc *alloc = sac->options.alloc;
    notch_adam_fini(&sac->alpha_adam);
    notch_adam_fini(&sac->critic_adams[1]);
    notch_adam_fini(&sac->critic_adams[0]);
    notch_adam_fini(&sac->actor_adam);
    notch_replay_destroy(sac->replay);
    notch_free(alloc, sac->work.lower_rows, sac->options.batch * sizeof(uint32_t));
    notch_free(alloc, sac->work.batch.index, sac->options.batch * sizeof(uint32_t));
    visit_work(sac, give_back);
    notch_free(alloc, sac, sizeof *sac);
}

const struct notch_sac_options *notch_sac_options(const struct notch_sac *sac)
{
    return &sac->options;
}

uint32_t notch_sac_stored(const struct notch_sac *sac)
{
    return notch_replay_count(sac->replay);
}

/* ---- acting ---- */

void notch_sac_act(struct notch_sac *sac, float *action, const float *obs, enum notch_sac_acting acting)
{
    struct notch_mlp_batch one = {.params = sac->actor, .input = obs, .activations = sac->work.row, .rows = 1};
    const float *output = notch_mlp_forward(&sac->actor_shape, &one);
    if (acting == NOTCH_SAC_EXPLOIT) {
        notch_squash_mean(action, output, sac->options.act_dim);
        return;
    }
    float noise[NOTCH_SAC_ACTIONS_MAX];
    float log_prob;
    notch_squash_noise(noise, sac->options.act_dim, &sac->rng);
    struct notch_squash squash = {.rows = 1, .dims = sac->options.act_dim, .outputs = output, .noise = noise};
    notch_squash_draw(action, &log_prob, &squash);
}

void notch_sac_act_blindly(struct notch_sac *sac, float *action)
{
    for (uint32_t i = 0; i < sac->options.act_dim; i++) {
        action[i] = (float)((double)(notch_rng_u64(&sac->rng) >> 11) * 0x1p-52 - 1);
    }
}

void notch_sac_store(struct notch_sac *sac, const struct notch_transition *transition)
{
    notch_assert(isfinite(transition->reward));
    notch_replay_put(sac->replay, transition);
}

size_t notch_sac_actor_count(const struct notch_sac *sac)
{
    return notch_mlp_param_count(&sac->actor_shape);
}

void notch_sac_actor_get(const struct notch_sac *sac, float *out)
{
    memcpy(out, sac->actor, notch_sac_actor_count(sac) * sizeof(float));
}

void notch_sac_actor_set(struct notch_sac *sac, const float *params)
{
    memcpy(sac->actor, params, notch_sac_actor_count(sac) * sizeof(float));
}

/* ---- learning ---- */

static void join(float *pairs, const struct notch_sac_options *options, const float *obs, const float *actions)
{
    size_t obs_dim = options->obs_dim;
    size_t act_dim = options->act_dim;
    for (size_t row = 0; row < options->batch; row++) {
        memcpy(pairs, obs + row * obs_dim, obs_dim * sizeof(float));
        memcpy(pairs + obs_dim, actions + row * act_dim, act_dim * sizeof(float));
        pairs += obs_dim + act_dim;
    }
}

static const float *criticise(struct notch_sac *sac, const float *params, const float *pairs, int which)
{
    struct notch_mlp_batch batch = {
        .params = params,
        .input = pairs,
        .activations = sac->work.critic_acts[which],
        .scratch = sac->work.scratch,
        .rows = sac->options.batch,
    };
    return notch_mlp_forward(&sac->critic_shape, &batch);
}

static struct notch_mlp_batch critic_batch(struct notch_sac *sac, int which)
{
    return (struct notch_mlp_batch){
        .params = sac->critics[which],
        .input = sac->work.pairs,
        .activations = sac->work.critic_acts[which],
        .scratch = sac->work.scratch,
        .rows = sac->options.batch,
    };
}

/* The actor's own draws for these observations, joined with them into own_pairs. */
static struct notch_squash draw_own(struct notch_sac *sac, const float *obs)
{
    struct notch__sac_work *work = &sac->work;
    struct notch_mlp_batch batch = {
        .params = sac->actor,
        .input = obs,
        .activations = work->actor_acts,
        .scratch = work->scratch,
        .rows = sac->options.batch,
    };
    notch_squash_noise(work->noise, (size_t)sac->options.batch * sac->options.act_dim, &sac->rng);
    struct notch_squash squash = {
        .rows = sac->options.batch,
        .dims = sac->options.act_dim,
        .outputs = notch_mlp_forward(&sac->actor_shape, &batch),
        .noise = work->noise,
    };
    notch_squash_draw(work->actions, work->log_probs, &squash);
    join(work->own_pairs, &sac->options, obs, work->actions);
    return squash;
}

static void set_goals(struct notch_sac *sac)
{
    struct notch__sac_work *work = &sac->work;
    (void)draw_own(sac, work->batch.next_obs);
    const float *first = criticise(sac, sac->targets[0], work->own_pairs, 0);
    const float *second = criticise(sac, sac->targets[1], work->own_pairs, 1);
    float alpha = expf(sac->log_alpha);
    for (uint32_t row = 0; row < sac->options.batch; row++) {
        float lower = fminf(first[row], second[row]);
        work->goals[row] =
            work->batch.rewards[row] + work->batch.discounts[row] * (lower - alpha * work->log_probs[row]);
    }
}

static float move_critics(struct notch_sac *sac)
{
    struct notch__sac_work *work = &sac->work;
    uint32_t rows = sac->options.batch;
    float loss = 0;
    join(work->pairs, &sac->options, work->batch.obs, work->batch.actions);
    memset(work->errors, 0, rows * sizeof *work->errors);
    for (int which = 0; which < 2; which++) {
        const float *values = criticise(sac, sac->critics[which], work->pairs, which);
        for (uint32_t row = 0; row < rows; row++) {
            float error = values[row] - work->goals[row];
            float weighted = work->batch.weights[row] * error / (float)rows;
            work->d_values[row] = weighted;
            work->errors[row] += 0.5f * fabsf(error);
            loss += 0.5f * weighted * error;
        }
        struct notch_mlp_batch batch = critic_batch(sac, which);
        notch_mlp_backward(&sac->critic_shape, work->grads, NULL, &batch, work->d_values);
        notch_adam_step(&sac->critic_adams[which], sac->critics[which], work->grads);
    }
    notch_replay_reprioritise(sac->replay, &work->batch, work->errors);
    return loss;
}

/*
 * The gradient of the lower of the two critics by the actor's actions. In each row only the lower one has a say, so
 * each goes back through its own rows alone: together that is one pass instead of two.
 */
static float descend_lower(struct notch_sac *sac)
{
    struct notch__sac_work *work = &sac->work;
    uint32_t rows = sac->options.batch;
    size_t pair = (size_t)sac->options.obs_dim + sac->options.act_dim;
    float *part = work->d_pairs + rows * pair;
    const float *values[2];
    float value = 0;
    for (int which = 0; which < 2; which++) {
        values[which] = criticise(sac, sac->critics[which], work->own_pairs, which);
    }
    for (uint32_t row = 0; row < rows; row++) {
        work->d_values[row] = 1;
        work->goals[row] = values[0][row] <= values[1][row] ? 0 : 1; /* which one is lower */
        value += fminf(values[0][row], values[1][row]);
    }
    for (int which = 0; which < 2; which++) {
        uint32_t count = 0;
        for (uint32_t row = 0; row < rows; row++) {
            if ((work->goals[row] > 0) == (which == 1)) {
                work->lower_rows[count++] = row;
            }
        }
        if (count == 0) {
            continue;
        }
        struct notch_mlp_batch batch = critic_batch(sac, which);
        notch_mlp_keep_rows(&sac->critic_shape, &batch, work->lower_rows, count);
        batch.rows = count;
        notch_mlp_backward(&sac->critic_shape, NULL, part, &batch, work->d_values);
        for (uint32_t i = 0; i < count; i++) {
            memcpy(work->d_pairs + work->lower_rows[i] * pair, part + i * pair, pair * sizeof *part);
        }
    }
    return value / (float)rows;
}

/* Gives the mean of the lower critic; the mean of the log-probabilities goes to *log_prob. */
static float move_actor(struct notch_sac *sac, float *log_prob)
{
    struct notch__sac_work *work = &sac->work;
    uint32_t rows = sac->options.batch;
    struct notch_squash squash = draw_own(sac, work->batch.obs);
    float value = descend_lower(sac);
    float log_probs = 0;
    for (uint32_t row = 0; row < rows; row++) {
        log_probs += work->log_probs[row];
    }
    notch_squash_backward(work->d_outputs, &squash, work->actions, work->d_pairs + sac->options.obs_dim,
                          sac->options.obs_dim + sac->options.act_dim, expf(sac->log_alpha), 1 / (float)rows);
    struct notch_mlp_batch batch = {
        .params = sac->actor,
        .input = work->batch.obs,
        .activations = work->actor_acts,
        .scratch = work->scratch,
        .rows = rows,
    };
    notch_mlp_backward(&sac->actor_shape, work->grads, NULL, &batch, work->d_outputs);
    notch_adam_step(&sac->actor_adam, sac->actor, work->grads);
    *log_prob = log_probs / (float)rows;
    return value;
}

static void move_alpha(struct notch_sac *sac, float log_prob)
{
    float gradient = -expf(sac->log_alpha) * (log_prob + sac->options.target_entropy);
    notch_adam_step(&sac->alpha_adam, &sac->log_alpha, &gradient);
    sac->log_alpha = fminf(fmaxf(sac->log_alpha, LOG_ALPHA_MIN), LOG_ALPHA_MAX);
}

bool notch_sac_update(struct notch_sac *sac, struct notch_sac_report *report)
{
    if (notch_sac_stored(sac) < sac->options.batch) {
        return false;
    }
    notch_replay_draw(sac->replay, &sac->work.batch, &sac->rng);
    set_goals(sac);
    float critic_loss = move_critics(sac);
    float log_prob;
    float value = move_actor(sac, &log_prob);
    move_alpha(sac, log_prob);
    for (int which = 0; which < 2; which++) {
        notch_adam_follow(sac->targets[which], sac->critics[which], notch_mlp_param_count(&sac->critic_shape),
                          sac->options.tau);
    }
    if (report != NULL) {
        *report = (struct notch_sac_report){critic_loss, value, -log_prob, expf(sac->log_alpha)};
    }
    return true;
}
