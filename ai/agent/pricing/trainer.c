#include "ai/agent/pricing/trainer.h"

#include "ai/agent/pricing/floats.h"

#include <math.h>

#define FORMAT 1
#define NAME_MAX 32
#define TEACHER_DRIFT 0.1

/* The numbers of the episodes: what is reported is played from other starts than what selects. */
#define REPORT_STARTS 0
#define SELECT_STARTS 100000

struct notch_trainer {
    struct notch_trainer_options options;
    struct notch_env env;
    struct notch_sac *sac;
    struct notch_teacher teacher; /* where the options have one */
    uint32_t made;
    double regret;
    float *best_actor;
    float *other_actor; /* the latest, while the best one plays */
    struct notch_trainer_point best;
    struct notch_trainer_point *points;
    size_t point_count;
};

struct notch_trainer_options notch_trainer_options_default(const struct notch_alloc *alloc,
                                                           const struct notch_env_kind *kind, uint64_t seed,
                                                           uint32_t steps)
{
    struct notch_trainer_options options = {
        .kind = kind,
        .seed = seed,
        .steps = steps,
        .warmup = kind->priced ? 200 : 500,
        .eval_every = steps > 250 * NOTCH_TRAINER_POINTS_MAX ? steps / NOTCH_TRAINER_POINTS_MAX + 1 : 250,
        .select_episodes = 50,
        .sac = notch_sac_options_default(alloc, kind->obs_dim, kind->act_dim),
    };
    options.sac.gamma = kind->gamma;
    options.sac.seed = seed;
    return options;
}

bool notch_trainer_options_ok(const struct notch_trainer_options *options)
{
    return options->kind != NULL && options->steps >= 1 && options->steps <= NOTCH_TRAINER_STEPS_MAX &&
           options->eval_every >= 1 && options->steps / options->eval_every <= NOTCH_TRAINER_POINTS_MAX &&
           options->select_episodes >= 1 && options->select_episodes <= NOTCH_TRAINER_EPISODES_MAX &&
           (!options->teacher || options->kind->demand != NOTCH_ENV_OTHER) &&
           options->sac.obs_dim == options->kind->obs_dim && options->sac.act_dim == options->kind->act_dim &&
           notch_sac_options_ok(&options->sac);
}

static void init_teacher(struct notch_trainer *trainer)
{
    enum notch_env_demand demand = trainer->options.kind->demand;
    struct notch_teacher_options options = {
        .demand = demand == NOTCH_ENV_LINEAR ? NOTCH_TEACHER_LINEAR : NOTCH_TEACHER_LOGIT,
        .bounds = trainer->env.bounds,
        .cost = NOTCH_ENV_COST,
        .usual_sales = NOTCH_ENV_LINEAR_SALES,
        .noise = NOTCH_ENV_LINEAR_NOISE,
        .customers = NOTCH_ENV_CUSTOMERS,
        .drift = demand == NOTCH_ENV_LOGIT_DRIFTING ? TEACHER_DRIFT : 0,
        .seed = trainer->options.seed,
    };
    if (trainer->options.teacher) {
        notch_teacher_init(&trainer->teacher, &options);
    }
}

static void take_memory(struct notch_trainer *trainer)
{
    const struct notch_alloc *alloc = trainer->options.sac.alloc;
    size_t count = notch_sac_actor_count(trainer->sac);
    trainer->best_actor = notch_alloc_array(alloc, count, sizeof(float));
    trainer->other_actor = notch_alloc_array(alloc, count, sizeof(float));
    trainer->points = notch_alloc_array(alloc, NOTCH_TRAINER_POINTS_MAX, sizeof *trainer->points);
}

struct notch_trainer *notch_trainer_create(const struct notch_trainer_options *options)
{
    notch_assert(notch_trainer_options_ok(options));
    struct notch_trainer *trainer = notch_alloc(options->sac.alloc, sizeof *trainer);
    trainer->options = *options;
    notch_env_init(&trainer->env, options->kind, options->seed);
    init_teacher(trainer);
    trainer->sac = notch_sac_create(&options->sac);
    take_memory(trainer);
    return trainer;
}

void notch_trainer_destroy(struct notch_trainer *trainer)
{
    if (trainer == NULL) {
        return;
    }
    const struct notch_alloc *alloc = trainer->options.sac.alloc;
    size_t bytes = notch_sac_actor_count(trainer->sac) * sizeof(float);
    notch_free(alloc, trainer->points, NOTCH_TRAINER_POINTS_MAX * sizeof *trainer->points);
    notch_free(alloc, trainer->other_actor, bytes);
    notch_free(alloc, trainer->best_actor, bytes);
    notch_sac_destroy(trainer->sac);
    notch_free(alloc, trainer, sizeof *trainer);
}

uint32_t notch_trainer_steps(const struct notch_trainer *trainer)
{
    return trainer->made;
}

const struct notch_trainer_options *notch_trainer_options(const struct notch_trainer *trainer)
{
    return &trainer->options;
}

struct notch_sac *notch_trainer_sac(struct notch_trainer *trainer)
{
    return trainer->sac;
}

const struct notch_trainer_point *notch_trainer_curve(const struct notch_trainer *trainer, size_t *count)
{
    *count = trainer->point_count;
    return trainer->points;
}

struct notch_trainer_point notch_trainer_best(const struct notch_trainer *trainer)
{
    return trainer->best;
}

double notch_trainer_regret(const struct notch_trainer *trainer)
{
    return trainer->regret;
}

bool notch_trainer_extend(struct notch_trainer *trainer, uint32_t steps)
{
    struct notch_trainer_options options = trainer->options;
    options.steps = steps;
    if (steps < trainer->made || !notch_trainer_options_ok(&options)) {
        return false;
    }
    trainer->options = options;
    return true;
}

/* One episode without noise; adds what its steps cost. */
static double play(struct notch_trainer *trainer, struct notch_env *env, struct notch_trainer_stats *sums)
{
    float obs[NOTCH_ENV_OBS_MAX];
    float action[NOTCH_ENV_ACTIONS_MAX];
    double total = 0;
    for (;;) {
        struct notch_env_result result;
        notch_env_observe(env, obs);
        notch_sac_act(trainer->sac, action, obs, NOTCH_SAC_EXPLOIT);
        notch_env_step(env, &result, action);
        total += (double)result.reward;
        sums->price += result.price;
        sums->regret += result.regret;
        if (result.terminated || result.truncated) {
            return total;
        }
    }
}

static void play_all(struct notch_trainer *trainer, struct notch_trainer_stats *out, uint32_t starts, uint32_t episodes)
{
    struct notch_env env;
    double sum = 0;
    double squares = 0;
    uint64_t steps = 0;
    *out = (struct notch_trainer_stats){.episodes = episodes, .least = INFINITY, .most = -INFINITY};
    notch_env_init(&env, trainer->options.kind, trainer->options.seed);
    for (uint32_t i = 0; i < episodes; i++) {
        notch_env_begin(&env, starts + i);
        double total = play(trainer, &env, out);
        steps += env.step;
        sum += total;
        squares += total * total;
        out->least = fmin(out->least, total);
        out->most = fmax(out->most, total);
    }
    out->mean = sum / episodes;
    out->std = sqrt(fmax(squares / episodes - out->mean * out->mean, 0));
    out->price /= (double)steps;
    out->regret /= (double)steps;
}

void notch_trainer_evaluate(struct notch_trainer *trainer, struct notch_trainer_stats *out,
                            enum notch_trainer_actor actor, uint32_t episodes)
{
    notch_assert(episodes >= 1 && episodes <= NOTCH_TRAINER_EPISODES_MAX);
    bool best = actor == NOTCH_TRAINER_BEST && trainer->point_count > 0;
    if (best) {
        notch_sac_actor_get(trainer->sac, trainer->other_actor);
        notch_sac_actor_set(trainer->sac, trainer->best_actor);
    }
    play_all(trainer, out, REPORT_STARTS, episodes);
    if (best) {
        notch_sac_actor_set(trainer->sac, trainer->other_actor);
    }
}

static void select_best(struct notch_trainer *trainer)
{
    struct notch_trainer_stats stats;
    play_all(trainer, &stats, SELECT_STARTS, trainer->options.select_episodes);
    struct notch_trainer_point point = {trainer->made, stats.mean};
    if (trainer->point_count == 0 || point.mean > trainer->best.mean) {
        trainer->best = point;
        notch_sac_actor_get(trainer->sac, trainer->best_actor);
    }
    trainer->points[trainer->point_count++] = point;
}

/* What this step does: blindly, as the teacher says, or as the actor says. */
static void choose(struct notch_trainer *trainer, float *action, const float *obs)
{
    const struct notch_price_bounds *bounds = &trainer->env.bounds;
    bool warm = trainer->made >= trainer->options.warmup;
    if (warm) {
        notch_sac_act(trainer->sac, action, obs, NOTCH_SAC_EXPLORE);
    } else if (!trainer->options.teacher) {
        notch_sac_act_blindly(trainer->sac, action);
    }
    if (!trainer->options.teacher) {
        return;
    }
    double taught = notch_teacher_suggest(&trainer->teacher);
    if (!warm || notch_teacher_profit(&trainer->teacher, taught) >
                     notch_teacher_profit(&trainer->teacher, notch_price_of_action(bounds, action[0]))) {
        action[0] = notch_price_to_action(bounds, taught);
    }
}

bool notch_trainer_step(struct notch_trainer *trainer)
{
    if (trainer->made >= trainer->options.steps) {
        return false;
    }
    float obs[NOTCH_ENV_OBS_MAX];
    float next_obs[NOTCH_ENV_OBS_MAX];
    float action[NOTCH_ENV_ACTIONS_MAX];
    struct notch_env_result result;
    notch_env_observe(&trainer->env, obs);
    choose(trainer, action, obs);
    notch_env_step(&trainer->env, &result, action);
    if (trainer->options.teacher) {
        notch_teacher_observe(&trainer->teacher, result.price, result.demand);
    }
    notch_env_observe(&trainer->env, next_obs);
    struct notch_transition transition = {obs, action, result.reward, next_obs, result.terminated, result.truncated};
    notch_sac_store(trainer->sac, &transition);
    if (result.terminated || result.truncated) {
        notch_env_reset(&trainer->env);
    }
    (void)notch_sac_update(trainer->sac, NULL);
    trainer->regret += result.regret;
    trainer->made++;
    if (trainer->made % trainer->options.eval_every == 0) {
        select_best(trainer);
    }
    return true;
}

/* ---- bytes ---- */

void notch_trainer_write(const struct notch_trainer *trainer, struct notch_writer *writer)
{
    const struct notch_trainer_options *options = &trainer->options;
    notch_write_u8(writer, FORMAT);
    notch_write_blob(writer, notch_bytes(options->kind->name, strlen(options->kind->name)));
    notch_write_u64(writer, options->seed);
    const uint32_t counts[] = {options->steps, options->warmup, options->eval_every, options->select_episodes,
                               trainer->made};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(counts); i++) {
        notch_write_uvar(writer, counts[i]);
    }
    notch_write_u8(writer, options->teacher ? 1 : 0);
    notch_floats_write_double(writer, trainer->regret);
    notch_env_write(&trainer->env, writer);
    if (options->teacher) {
        notch_teacher_write(&trainer->teacher, writer);
    }
    for (size_t i = 0; i < trainer->point_count; i++) {
        notch_floats_write_double(writer, trainer->points[i].mean);
    }
    notch_sac_write(trainer->sac, writer);
    if (trainer->point_count > 0) {
        notch_floats_write(writer, trainer->best_actor, notch_sac_actor_count(trainer->sac));
    }
}

static const struct notch_env_kind *read_kind(struct notch_reader *reader)
{
    char name[NAME_MAX + 1] = {0};
    struct notch_bytes blob = notch_read_blob(reader, NAME_MAX);
    if (blob.len > 0) {
        memcpy(name, blob.data, blob.len);
    }
    const struct notch_env_kind *kind = notch_env_find(name);
    if (kind == NULL || strlen(kind->name) != blob.len) {
        notch_reader_fail(reader);
        return NULL;
    }
    return kind;
}

/* The steps of the points follow from their number: one each eval_every. The best is the first of the highest. */
static void read_points(struct notch_trainer *trainer, struct notch_reader *reader)
{
    trainer->point_count = trainer->made / trainer->options.eval_every;
    for (size_t i = 0; i < trainer->point_count; i++) {
        struct notch_trainer_point *point = &trainer->points[i];
        point->step = (uint32_t)(i + 1) * trainer->options.eval_every;
        point->mean = notch_floats_read_double(reader);
        if (i == 0 || point->mean > trainer->best.mean) {
            trainer->best = *point;
        }
    }
}

/* Everything but the agent, into `trainer`; the points go where the caller allocated them. */
static void read_progress(struct notch_trainer *trainer, struct notch_reader *reader)
{
    struct notch_trainer_options *options = &trainer->options;
    if (notch_read_u8(reader) != FORMAT) {
        notch_reader_fail(reader);
        return;
    }
    options->kind = read_kind(reader);
    if (options->kind == NULL) {
        return;
    }
    options->seed = notch_read_u64(reader);
    uint32_t *const counts[] = {&options->steps, &options->warmup, &options->eval_every, &options->select_episodes,
                                &trainer->made};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(counts); i++) {
        *counts[i] = (uint32_t)notch_read_uvar_max(reader, NOTCH_TRAINER_STEPS_MAX);
    }
    uint8_t teacher = notch_read_u8(reader);
    options->teacher = teacher == 1;
    if (teacher > 1 || (options->teacher && options->kind->demand == NOTCH_ENV_OTHER)) {
        notch_reader_fail(reader);
        return;
    }
    trainer->regret = notch_floats_read_double(reader);
    notch_env_init(&trainer->env, options->kind, options->seed);
    notch_env_read(&trainer->env, reader);
    init_teacher(trainer);
    if (options->teacher) {
        notch_teacher_read(&trainer->teacher, reader);
    }
    if (trainer->made > options->steps || options->eval_every == 0 ||
        options->steps / options->eval_every > NOTCH_TRAINER_POINTS_MAX) {
        notch_reader_fail(reader);
        return;
    }
    read_points(trainer, reader);
}

void notch_trainer_read(struct notch_reader *reader, struct notch_trainer **out, const struct notch_alloc *alloc)
{
    *out = NULL;
    struct notch_trainer *trainer = notch_alloc(alloc, sizeof *trainer);
    struct notch_trainer_point *points = notch_alloc_array(alloc, NOTCH_TRAINER_POINTS_MAX, sizeof *points);
    trainer->points = points;
    read_progress(trainer, reader);
    struct notch_sac *sac = NULL;
    if (!reader->failed) {
        notch_sac_read(reader, &sac, alloc);
    }
    if (sac != NULL) {
        trainer->options.sac = *notch_sac_options(sac);
    }
    if (sac == NULL || !notch_trainer_options_ok(&trainer->options)) {
        notch_reader_fail(reader);
        notch_sac_destroy(sac);
        notch_free(alloc, points, NOTCH_TRAINER_POINTS_MAX * sizeof *points);
        notch_free(alloc, trainer, sizeof *trainer);
        return;
    }
    trainer->sac = sac;
    take_memory(trainer);
    memcpy(trainer->points, points, NOTCH_TRAINER_POINTS_MAX * sizeof *points);
    notch_free(alloc, points, NOTCH_TRAINER_POINTS_MAX * sizeof *points);
    if (trainer->point_count > 0) {
        notch_floats_read(reader, trainer->best_actor, notch_sac_actor_count(sac));
    }
    if (reader->failed) {
        notch_trainer_destroy(trainer);
        return;
    }
    *out = trainer;
}
