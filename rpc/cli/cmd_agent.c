/* agent train, agent evaluate: the pricing agent in one of its worlds, offline. */
#include "ai/agent/env/inventory.h"
#include "ai/agent/pricing/trainer.h"

#include "rpc/cli/cli.h"
#include "rpc/cli/files.h"
#include "rpc/cli/progress.h"

#include <stdio.h>

enum { AGENT_FILE_MAX = 256 << 20, BEST_GRID = 201 };

/* ---- files ---- */

static enum notch_exit load(const struct notch_cli *cli, struct notch_trainer **out, const char *path)
{
    struct notch_buf bytes;
    *out = NULL;
    notch_buf_init(&bytes, cli->alloc);
    enum notch_err err = notch_file_read(&bytes, path, AGENT_FILE_MAX);
    enum notch_exit code = NOTCH_EXIT_OK;
    if (err != NOTCH_OK) {
        code = notch_cli_fail(cli, NOTCH_EXIT_USAGE, "%s: %s", path, notch_err_text(err));
    } else {
        struct notch_reader reader = notch_reader(notch_buf_bytes(&bytes));
        notch_trainer_read(&reader, out, cli->alloc);
        if (!notch_reader_done(&reader)) {
            notch_trainer_destroy(*out);
            *out = NULL;
            code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "%s: no agent, or a damaged one", path);
        }
    }
    notch_buf_fini(&bytes);
    return code;
}

static enum notch_exit save(const struct notch_cli *cli, const struct notch_trainer *trainer, const char *path)
{
    struct notch_buf bytes;
    notch_buf_init(&bytes, cli->alloc);
    struct notch_writer writer = notch_writer_grow(&bytes);
    notch_trainer_write(trainer, &writer);
    enum notch_err err = notch_file_write(path, notch_buf_bytes(&bytes), 0600, NOTCH_FILE_REPLACE);
    notch_buf_fini(&bytes);
    return err == NOTCH_OK ? NOTCH_EXIT_OK
                           : notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "%s: %s", path, notch_err_text(err));
}

/* ---- options ---- */

static enum notch_exit find_env(const struct notch_cli *cli, const struct notch_env_kind **out)
{
    const char *name = notch_cli_option(cli, "env");
    *out = name != NULL ? notch_env_find(name) : NULL;
    if (*out != NULL) {
        return NOTCH_EXIT_OK;
    }
    size_t count;
    const struct notch_env_kind *const *kinds = notch_env_kinds(&count);
    struct notch_buf names;
    notch_buf_init(&names, cli->alloc);
    for (size_t i = 0; i < count; i++) {
        notch_cli_text(&names, "%s%s", i > 0 ? ", " : "", kinds[i]->name);
    }
    enum notch_exit code = notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--env %s: expected one of %s",
                                          name != NULL ? name : "is needed", notch_cli_text_of(&names));
    notch_buf_fini(&names);
    return code;
}

/* A fresh trainer by the options. */
static enum notch_exit create(const struct notch_cli *cli, struct notch_trainer **out)
{
    const struct notch_env_kind *kind;
    uint64_t seed = 0;
    uint64_t steps = 0;
    uint64_t hidden = 0;
    *out = NULL;
    enum notch_exit code = find_env(cli, &kind);
    if (code == NOTCH_EXIT_OK) {
        code = notch_cli_number(cli, &seed, "seed", 1, 0, UINT64_MAX);
    }
    if (code == NOTCH_EXIT_OK) {
        code = notch_cli_number(cli, &steps, "steps", 10000, 1, NOTCH_TRAINER_STEPS_MAX);
    }
    if (code == NOTCH_EXIT_OK) {
        code = notch_cli_number(cli, &hidden, "hidden", 64, 1, NOTCH_MLP_WIDTH_MAX);
    }
    if (code != NOTCH_EXIT_OK) {
        return code;
    }
    struct notch_trainer_options options = notch_trainer_options_default(cli->alloc, kind, seed, (uint32_t)steps);
    options.sac.hidden = (uint32_t)hidden;
    options.sac.prioritised = notch_cli_flag(cli, "prioritised");
    options.teacher = notch_cli_flag(cli, "teacher");
    if (!notch_trainer_options_ok(&options)) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--teacher: it knows linear, logit and drift, not %s", kind->name);
    }
    *out = notch_trainer_create(&options);
    return NOTCH_EXIT_OK;
}

/* Goes on with the agent in the file, to --steps in all. */
static enum notch_exit resume(const struct notch_cli *cli, struct notch_trainer **out, const char *path)
{
    enum notch_exit code = load(cli, out, path);
    if (code != NOTCH_EXIT_OK) {
        return code;
    }
    uint64_t steps;
    uint32_t made = notch_trainer_steps(*out);
    code = notch_cli_number(cli, &steps, "steps", notch_trainer_options(*out)->steps, 1, NOTCH_TRAINER_STEPS_MAX);
    const char *env = notch_cli_option(cli, "env");
    if (code == NOTCH_EXIT_OK && env != NULL && strcmp(env, notch_trainer_options(*out)->kind->name) != 0) {
        code = notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--env %s: the agent in %s lives in %s", env, path,
                              notch_trainer_options(*out)->kind->name);
    }
    if (code == NOTCH_EXIT_OK && !notch_trainer_extend(*out, (uint32_t)steps)) {
        code = notch_cli_fail(cli, NOTCH_EXIT_USAGE,
                              "--steps %llu: the agent in %s has made %u, and is evaluated at most %d times",
                              (unsigned long long)steps, path, made, NOTCH_TRAINER_POINTS_MAX);
    }
    if (code != NOTCH_EXIT_OK) {
        notch_trainer_destroy(*out);
        *out = NULL;
    }
    return code;
}

static void train(const struct notch_cli *cli, struct notch_trainer *trainer)
{
    struct notch_progress progress;
    notch_progress_begin(&progress, cli, "training", notch_trainer_options(trainer)->steps);
    while (notch_trainer_step(trainer)) {
        notch_progress_at(&progress, notch_trainer_steps(trainer));
    }
    notch_progress_end(&progress, notch_trainer_steps(trainer));
}

/* ---- what came out ---- */

static json_t *stats_json(const struct notch_trainer *trainer, const struct notch_trainer_stats *stats)
{
    json_t *out = json_pack("{s:I,s:f,s:f,s:f,s:f}", "episodes", (json_int_t)stats->episodes, "mean", stats->mean,
                            "std", stats->std, "least", stats->least, "most", stats->most);
    const struct notch_env_kind *kind = notch_trainer_options(trainer)->kind;
    if (kind->priced) {
        json_object_set_new(out, "price", json_real(stats->price));
        json_object_set_new(out, "regret", json_real(stats->regret));
    }
    if (strcmp(kind->name, "inventory") == 0) {
        struct notch_env env;
        notch_env_init(&env, kind, notch_trainer_options(trainer)->seed);
        json_object_set_new(out, "best_return", json_real(notch_inventory_best_return(&env, BEST_GRID)));
    }
    return out;
}

static json_t *curve_json(const struct notch_trainer *trainer)
{
    size_t count;
    const struct notch_trainer_point *curve = notch_trainer_curve(trainer, &count);
    json_t *out = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(out, json_pack("[I,f]", (json_int_t)curve[i].step, curve[i].mean));
    }
    return out;
}

static void print_json(const struct notch_trainer *trainer, const struct notch_trainer_stats *best,
                       const struct notch_trainer_stats *latest, bool with_curve)
{
    const struct notch_trainer_options *options = notch_trainer_options(trainer);
    char seed[24];
    (void)snprintf(seed, sizeof seed, "%llu", (unsigned long long)options->seed);
    struct notch_trainer_point point = notch_trainer_best(trainer);
    json_t *out = json_pack("{s:s,s:s,s:I,s:I,s:o,s:o}", "env", options->kind->name, "seed", seed, "steps",
                            (json_int_t)notch_trainer_steps(trainer), "best_step", (json_int_t)point.step, "evaluation",
                            stats_json(trainer, best), "latest", stats_json(trainer, latest));
    if (options->kind->priced) {
        json_object_set_new(out, "training_regret", json_real(notch_trainer_regret(trainer)));
    }
    if (with_curve) {
        json_object_set_new(out, "curve", curve_json(trainer));
    }
    notch_cli_print_json(out);
}

static void print_stats(const char *label, const struct notch_trainer *trainer, const struct notch_trainer_stats *stats)
{
    notch_cli_line(label, "return %.2f +- %.2f (%.2f to %.2f) over %u episodes", stats->mean, stats->std, stats->least,
                   stats->most, stats->episodes);
    if (notch_trainer_options(trainer)->kind->priced) {
        notch_cli_line("", "mean price %.4f, regret %.4f of an optimum a period", stats->price, stats->regret);
    }
}

static enum notch_exit report(const struct notch_cli *cli, struct notch_trainer *trainer, bool with_curve)
{
    uint64_t episodes;
    enum notch_exit code = notch_cli_number(cli, &episodes, "episodes", 100, 1, NOTCH_TRAINER_EPISODES_MAX);
    if (code != NOTCH_EXIT_OK) {
        return code;
    }
    struct notch_trainer_stats best;
    struct notch_trainer_stats latest;
    notch_trainer_evaluate(trainer, &best, NOTCH_TRAINER_BEST, (uint32_t)episodes);
    notch_trainer_evaluate(trainer, &latest, NOTCH_TRAINER_LATEST, (uint32_t)episodes);
    if (cli->json) {
        print_json(trainer, &best, &latest, with_curve);
        return NOTCH_EXIT_OK;
    }
    const struct notch_trainer_options *options = notch_trainer_options(trainer);
    notch_cli_line("world", "%s, seed %llu", options->kind->name, (unsigned long long)options->seed);
    notch_cli_line("steps", "%u, best actor from %u", notch_trainer_steps(trainer), notch_trainer_best(trainer).step);
    print_stats("best actor", trainer, &best);
    print_stats("latest", trainer, &latest);
    return NOTCH_EXIT_OK;
}

enum notch_exit notch_cmd_agent_train(struct notch_cli *cli)
{
    struct notch_trainer *trainer;
    const char *path = notch_cli_option(cli, "agent");
    bool resumes = notch_cli_flag(cli, "resume");
    if (resumes && path == NULL) {
        return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "--resume needs --agent FILE");
    }
    enum notch_exit code = resumes ? resume(cli, &trainer, path) : create(cli, &trainer);
    if (code != NOTCH_EXIT_OK) {
        return code;
    }
    train(cli, trainer);
    if (path != NULL) {
        code = save(cli, trainer, path);
    }
    if (code == NOTCH_EXIT_OK) {
        code = report(cli, trainer, true);
    }
    notch_trainer_destroy(trainer);
    return code;
}

enum notch_exit notch_cmd_agent_evaluate(struct notch_cli *cli)
{
    struct notch_trainer *trainer;
    const char *path = notch_cli_option(cli, "agent");
    enum notch_exit code = path != NULL ? load(cli, &trainer, path) : create(cli, &trainer);
    if (code != NOTCH_EXIT_OK) {
        return code;
    }
    if (path == NULL) {
        train(cli, trainer);
    }
    code = report(cli, trainer, false);
    notch_trainer_destroy(trainer);
    return code;
}
