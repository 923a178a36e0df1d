#include "ai/agent/env/env.h"
#include "ai/agent/pricing/replay.h"
#include "ai/agent/pricing/sac.h"
#include "ai/agent/pricing/trainer.h"
#include "tests/support/alloc.h"
#include "tests/support/util.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ROWS 64

/* ---- the replay ---- */

struct drawn {
    uint32_t index[ROWS];
    float obs[ROWS], next_obs[ROWS], actions[ROWS], rewards[ROWS], discounts[ROWS], weights[ROWS];
};

static struct notch_replay_batch batch_of(struct drawn *drawn)
{
    return (struct notch_replay_batch){ROWS,           drawn->index,   drawn->obs,       drawn->next_obs,
                                       drawn->actions, drawn->rewards, drawn->discounts, drawn->weights};
}

/* Transition i goes from i to i + 1 and brings i; every fifth ends an episode. */
static void put(struct notch_replay *replay, int i)
{
    float obs = (float)i, action = (float)-i, next = (float)(i + 1);
    struct notch_transition transition = {&obs, &action, (float)i, &next, i % 10 == 4, i % 10 == 9};
    notch_replay_put(replay, &transition);
}

static struct notch_replay_options replay_of(const struct notch_alloc *alloc, uint32_t n_step, bool prioritised)
{
    return (struct notch_replay_options){.alloc = alloc,
                                         .capacity = 100,
                                         .obs_dim = 1,
                                         .act_dim = 1,
                                         .n_step = n_step,
                                         .gamma = 0.5f,
                                         .prioritised = prioritised,
                                         .exponent = 1,
                                         .correction = 1};
}

static void test_the_ring_keeps_the_newest(void **state)
{
    (void)state;
    struct notch_test_alloc memory;
    notch_test_alloc_init(&memory);
    struct notch_replay_options options = replay_of(&memory.alloc, 1, false);
    struct notch_replay *replay = notch_replay_create(&options);
    struct notch_rng rng;
    notch_rng_init(&rng, 1);
    for (int i = 0; i < 250; i++) {
        put(replay, i);
        assert_int_equal(notch_replay_count(replay), i < 100 ? i + 1 : 100);
    }
    bool seen[100] = {false};
    for (int round = 0; round < 40; round++) {
        struct drawn drawn;
        struct notch_replay_batch batch = batch_of(&drawn);
        notch_replay_draw(replay, &batch, &rng);
        for (int row = 0; row < ROWS; row++) {
            int i = (int)drawn.obs[row];
            assert_true(i >= 150 && i < 250);
            seen[i - 150] = true;
            assert_true(drawn.actions[row] == (float)-i && drawn.rewards[row] == (float)i);
            assert_true(drawn.next_obs[row] == (float)(i + 1) && drawn.weights[row] == 1);
            assert_true(drawn.discounts[row] == (i % 10 == 4 ? 0 : 0.5f));
        }
    }
    for (int i = 0; i < 100; i++) {
        assert_true(seen[i]);
    }
    notch_replay_destroy(replay);
    assert_int_equal(memory.live_blocks, 0);
}

/* Three steps in a row, but not beyond an end, a cut, or the newest. */
static void test_rewards_of_steps_in_a_row_are_summed(void **state)
{
    (void)state;
    struct notch_replay_options options = replay_of(notch_alloc_heap(), 3, false);
    struct notch_replay *replay = notch_replay_create(&options);
    struct notch_rng rng;
    notch_rng_init(&rng, 2);
    for (int i = 0; i < 142; i++) {
        put(replay, i);
    }
    for (int round = 0; round < 40; round++) {
        struct drawn drawn;
        struct notch_replay_batch batch = batch_of(&drawn);
        notch_replay_draw(replay, &batch, &rng);
        for (int row = 0; row < ROWS; row++) {
            int i = (int)drawn.obs[row], last = i;
            float reward = 0, discount = 1;
            for (int n = 0; n < 3; n++) {
                last = i + n;
                reward += discount * (float)last;
                discount *= 0.5f;
                if (last % 5 == 4 || last == 141) {
                    break;
                }
            }
            assert_true(drawn.rewards[row] == reward);
            assert_true(drawn.next_obs[row] == (float)(last + 1));
            assert_true(drawn.discounts[row] == (last % 10 == 4 ? 0 : discount));
        }
    }
    notch_replay_destroy(replay);
}

static void test_draws_follow_the_priorities(void **state)
{
    (void)state;
    struct notch_replay_options options = replay_of(notch_alloc_heap(), 1, true);
    struct notch_replay *replay = notch_replay_create(&options);
    struct notch_rng rng;
    notch_rng_init(&rng, 3);
    for (int i = 0; i < 4; i++) {
        put(replay, i);
    }
    struct drawn drawn = {.index = {0, 1, 2, 3}};
    struct notch_replay_batch four = batch_of(&drawn);
    four.rows = 4;
    notch_replay_reprioritise(replay, &four, (float[]){1, 2, 3, 4});
    int count[4] = {0};
    for (int round = 0; round < 500; round++) {
        struct notch_replay_batch batch = batch_of(&drawn);
        notch_replay_draw(replay, &batch, &rng);
        for (int row = 0; row < ROWS; row++) {
            count[drawn.index[row]]++;
            /* With all of the correction, weight * chance is the same for all; the rarest has weight 1. */
            assert_true(fabsf(drawn.weights[row] - 1 / (float)(drawn.index[row] + 1)) < 1e-4f);
        }
    }
    for (int i = 0; i < 4; i++) {
        double share = (double)count[i] / (500.0 * ROWS);
        assert_true(fabs(share - 0.1 * (i + 1)) < 0.01);
    }
    notch_replay_destroy(replay);
}

/* ---- the agent ---- */

static struct notch_trainer_options small(const struct notch_alloc *alloc, const char *env, bool prioritised)
{
    struct notch_trainer_options options = notch_trainer_options_default(alloc, notch_env_find(env), 7, 400);
    options.sac.hidden = 12;
    options.sac.batch = 16;
    options.sac.capacity = 100;
    options.sac.prioritised = prioritised;
    options.warmup = 20;
    options.eval_every = 100;
    options.select_episodes = 2;
    options.teacher = strcmp(env, "drift") == 0; /* its belief is a part of the bytes too */
    return options;
}

static void advance(struct notch_trainer *trainer, uint32_t steps)
{
    while (steps-- > 0) {
        assert_true(notch_trainer_step(trainer));
    }
}

static void write_all(const struct notch_trainer *trainer, struct notch_buf *out)
{
    struct notch_writer writer = notch_writer_grow(out);
    notch_trainer_write(trainer, &writer);
    assert_true(notch_writer_ok(&writer));
}

/* 250 steps at once, and 130 steps, bytes, 120 steps: the same bytes. */
static void check_resume(const char *env, bool prioritised)
{
    struct notch_test_alloc memory;
    notch_test_alloc_init(&memory);
    struct notch_trainer_options options = small(&memory.alloc, env, prioritised);
    struct notch_trainer *whole = notch_trainer_create(&options);
    struct notch_trainer *stopped = notch_trainer_create(&options);
    struct notch_trainer *resumed;
    struct notch_buf bytes, wanted, got;
    notch_buf_init(&bytes, &memory.alloc);
    notch_buf_init(&wanted, &memory.alloc);
    notch_buf_init(&got, &memory.alloc);
    advance(whole, 250);
    advance(stopped, 130);
    write_all(stopped, &bytes);
    struct notch_reader reader = notch_reader(notch_buf_bytes(&bytes));
    notch_trainer_read(&reader, &resumed, &memory.alloc);
    assert_true(notch_reader_done(&reader));
    write_all(resumed, &got);
    assert_true(notch_bytes_eq(notch_buf_bytes(&bytes), notch_buf_bytes(&got)));
    notch_buf_clear(&got);
    advance(resumed, 120);
    write_all(whole, &wanted);
    write_all(resumed, &got);
    assert_true(notch_bytes_eq(notch_buf_bytes(&wanted), notch_buf_bytes(&got)));
    struct notch_trainer_stats a, b;
    notch_trainer_evaluate(whole, &a, NOTCH_TRAINER_BEST, 3);
    notch_trainer_evaluate(resumed, &b, NOTCH_TRAINER_BEST, 3);
    assert_memory_equal(&a.mean, &b.mean, sizeof a.mean);
    assert_int_equal(notch_trainer_best(whole).step, notch_trainer_best(resumed).step);

    /* Another seed is another agent. */
    options.seed = options.sac.seed = 8;
    struct notch_trainer *other = notch_trainer_create(&options);
    advance(other, 250);
    notch_buf_clear(&got);
    write_all(other, &got);
    assert_false(notch_bytes_eq(notch_buf_bytes(&wanted), notch_buf_bytes(&got)));

    notch_trainer_destroy(other);
    notch_trainer_destroy(resumed);
    notch_trainer_destroy(stopped);
    notch_trainer_destroy(whole);
    notch_buf_fini(&got);
    notch_buf_fini(&wanted);
    notch_buf_fini(&bytes);
    assert_int_equal(memory.live_blocks, 0);
}

static void test_a_read_agent_goes_on_as_if_it_had_not_stopped(void **state)
{
    (void)state;
    check_resume("pendulum", false);
    check_resume("inventory", true);
    check_resume("drift", true);
}

/* Every shortened or lengthened file is refused; so are options and numbers that no agent has. */
static void test_damaged_bytes_are_refused(void **state)
{
    (void)state;
    struct notch_test_alloc memory;
    notch_test_alloc_init(&memory);
    struct notch_trainer_options options = small(&memory.alloc, "logit", true);
    struct notch_trainer *trainer = notch_trainer_create(&options);
    struct notch_trainer *read;
    struct notch_buf bytes;
    notch_buf_init(&bytes, &memory.alloc);
    advance(trainer, 110);
    write_all(trainer, &bytes);
    size_t blocks = memory.live_blocks;
    for (size_t len = 0; len < bytes.len; len += len < 400 || len + 40 > bytes.len ? 1 : 97) {
        struct notch_reader reader = notch_reader(notch_bytes(bytes.data, len));
        notch_trainer_read(&reader, &read, &memory.alloc);
        assert_null(read);
        assert_true(reader.failed);
        assert_int_equal(memory.live_blocks, blocks);
    }
    /* The last float is the best actor's last bias: make it a NaN. */
    bytes.data[bytes.len - 1] = 0x7f;
    bytes.data[bytes.len - 2] = 0xc0;
    struct notch_reader reader = notch_reader(notch_buf_bytes(&bytes));
    notch_trainer_read(&reader, &read, &memory.alloc);
    assert_null(read);
    notch_buf_fini(&bytes);
    notch_trainer_destroy(trainer);
    assert_int_equal(memory.live_blocks, 0);
}

static void test_a_step_allocates_nothing(void **state)
{
    (void)state;
    struct notch_test_alloc memory;
    notch_test_alloc_init(&memory);
    struct notch_trainer_options options = small(&memory.alloc, "pendulum", true);
    options.sac.n_step = 3;
    struct notch_trainer *trainer = notch_trainer_create(&options);
    size_t resizes = memory.resizes;
    advance(trainer, 210); /* warm-up, updates, evaluations */
    struct notch_sac_report report;
    assert_true(notch_sac_update(notch_trainer_sac(trainer), &report));
    assert_int_equal(memory.resizes, resizes);
    assert_true(isfinite(report.critic_loss) && isfinite(report.value) && isfinite(report.entropy));
    assert_true(report.alpha > 0);
    notch_trainer_destroy(trainer);
}

static void test_nothing_is_learnt_before_a_batch_is_there(void **state)
{
    (void)state;
    struct notch_sac_options options = notch_sac_options_default(notch_alloc_heap(), 1, 1);
    options.batch = 4;
    options.capacity = 8;
    struct notch_sac *sac = notch_sac_create(&options);
    float zero = 0;
    struct notch_transition transition = {&zero, &zero, 1, &zero, false, false};
    for (int i = 0; i < 4; i++) {
        assert_false(notch_sac_update(sac, NULL));
        notch_sac_store(sac, &transition);
    }
    assert_true(notch_sac_update(sac, NULL));
    notch_sac_destroy(sac);
}

static void create_with_nothing(void *context)
{
    (void)notch_sac_create(context);
}

static void test_options_beyond_the_limits_are_refused(void **state)
{
    (void)state;
    struct notch_sac_options options = notch_sac_options_default(notch_alloc_heap(), 3, 1);
    assert_true(notch_sac_options_ok(&options));
    options.capacity = options.batch - 1;
    assert_false(notch_sac_options_ok(&options));
    assert_true(notch_test_breaks(create_with_nothing, &options, "notch_sac_options_ok(options)"));
    options = notch_sac_options_default(notch_alloc_heap(), NOTCH_REPLAY_DIMS_MAX, 1);
    options.capacity = NOTCH_REPLAY_CAPACITY_MAX; /* 516 MiB */
    assert_false(notch_sac_options_ok(&options));
    options = notch_sac_options_default(notch_alloc_heap(), 3, NOTCH_SAC_ACTIONS_MAX + 1);
    assert_false(notch_sac_options_ok(&options));
    options = notch_sac_options_default(notch_alloc_heap(), 3, 1);
    options.gamma = NAN;
    assert_false(notch_sac_options_ok(&options));
}

/* Reward -(a - goal(obs))^2, where the goal is 0.5 or -0.5: the one answer is to look and to go there. */
static void check_learns_a_choice(bool prioritised)
{
    struct notch_sac_options options = notch_sac_options_default(notch_alloc_heap(), 1, 1);
    options.hidden = 16;
    options.batch = 32;
    options.capacity = 1000;
    options.gamma = 0;
    options.rate = 3e-3f;
    options.prioritised = prioritised;
    options.seed = 5;
    struct notch_sac *sac = notch_sac_create(&options);
    for (int i = 0; i < 1200; i++) {
        float obs = i % 2 == 0 ? 1 : -1;
        float action;
        notch_sac_act(sac, &action, &obs, NOTCH_SAC_EXPLORE);
        float miss = action - 0.5f * obs;
        struct notch_transition transition = {&obs, &action, -10 * miss * miss, &obs, true, false};
        notch_sac_store(sac, &transition);
        (void)notch_sac_update(sac, NULL);
    }
    for (float obs = -1; obs <= 1; obs += 2) {
        float action;
        notch_sac_act(sac, &action, &obs, NOTCH_SAC_EXPLOIT);
        assert_true(fabsf(action - 0.5f * obs) < 0.15f);
    }
    notch_sac_destroy(sac);
}

static void test_an_agent_learns_a_choice(void **state)
{
    (void)state;
    check_learns_a_choice(false);
    check_learns_a_choice(true);
}

/* A seller who learns asks for about the best price; the best actor is not worse than the first that was looked at. */
static void test_an_agent_finds_the_best_price(void **state)
{
    (void)state;
    const char *const names[] = {"linear", "logit"};
    for (size_t i = 0; i < 2; i++) {
        struct notch_trainer_options options = small(notch_alloc_heap(), names[i], false);
        options.steps = 1500;
        options.warmup = 60;
        options.sac.hidden = 24;
        options.sac.batch = 32;
        options.sac.capacity = 1500;
        options.select_episodes = 5;
        struct notch_trainer *trainer = notch_trainer_create(&options);
        advance(trainer, options.steps);
        assert_false(notch_trainer_step(trainer));
        struct notch_trainer_stats stats;
        notch_trainer_evaluate(trainer, &stats, NOTCH_TRAINER_BEST, 10);
        assert_true(stats.regret < 0.05);
        size_t count;
        const struct notch_trainer_point *curve = notch_trainer_curve(trainer, &count);
        assert_int_equal(count, 15);
        assert_true(notch_trainer_best(trainer).mean >= curve[0].mean);
        assert_true(notch_trainer_extend(trainer, 1600));
        assert_false(notch_trainer_extend(trainer, 1000));
        notch_trainer_destroy(trainer);
    }
}

/* Regret of a store over some periods, under Thompson sampling alone or beside the agent. */
static double regret_of(const char *env, uint64_t seed, bool taught_alone)
{
    struct notch_trainer_options options = small(notch_alloc_heap(), env, false);
    options.seed = options.sac.seed = seed;
    options.steps = 300;
    options.teacher = true;
    options.warmup = taught_alone ? 300 : 100;
    struct notch_trainer *trainer = notch_trainer_create(&options);
    advance(trainer, options.steps);
    double regret = notch_trainer_regret(trainer);
    notch_trainer_destroy(trainer);
    return regret;
}

/* A teacher finds the price in some optima of one period; an agent who listens to it does not lose what it gained. */
static void test_a_teacher_keeps_the_regret_low(void **state)
{
    (void)state;
    const char *const names[] = {"linear", "logit"};
    for (size_t i = 0; i < 2; i++) {
        double alone = 0, beside = 0;
        for (uint64_t seed = 1; seed <= 10; seed++) {
            alone += regret_of(names[i], seed, true) / 10;
            beside += regret_of(names[i], seed, false) / 10;
        }
        assert_true(alone > 0 && alone < 9);
        assert_true(beside < alone * 1.3 + 1);
    }
    struct notch_trainer_options options = small(notch_alloc_heap(), "pendulum", false);
    options.teacher = true;
    assert_false(notch_trainer_options_ok(&options));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_ring_keeps_the_newest),
        cmocka_unit_test(test_rewards_of_steps_in_a_row_are_summed),
        cmocka_unit_test(test_draws_follow_the_priorities),
        cmocka_unit_test(test_a_read_agent_goes_on_as_if_it_had_not_stopped),
        cmocka_unit_test(test_damaged_bytes_are_refused),
        cmocka_unit_test(test_a_step_allocates_nothing),
        cmocka_unit_test(test_nothing_is_learnt_before_a_batch_is_there),
        cmocka_unit_test(test_options_beyond_the_limits_are_refused),
        cmocka_unit_test(test_an_agent_learns_a_choice),
        cmocka_unit_test(test_an_agent_finds_the_best_price),
        cmocka_unit_test(test_a_teacher_keeps_the_regret_low),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
