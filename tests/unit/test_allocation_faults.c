/* Allocation where network and agents do their worst: nothing is handed out twice, and the honest come to rest. */
#include "ai/agent/allocation/run.h"
#include "tests/support/allocation.h"
#include "tests/support/gen.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RECIPIENTS 8
#define PROVIDERS 2
#define DELAY_MS 10
#define TROUBLE_MS 4000 /* as long as crashes and partitions last */
#define STEPS_MAX 400000
#define RUNS 2000

struct world {
    struct notch_rng rng;
    bool has_liars;
    bool has_crashes;
    bool has_partition;
    struct notch_allocation_message stored; /* an old message, to be shown again */
    bool has_stored;
};

/* Agents by key: the first byte is the role, the ninth the index (fewer than 256). */
static uint8_t index_of(const struct notch_key *key)
{
    return key->raw[8];
}

/* Every third agent lies, each in its own way. */
static void lie(struct notch_allocation_message *message)
{
    uint8_t liar = index_of(&message->from);
    if (message->kind == NOTCH_ALLOCATION_REQUEST && liar % 3 == 0) {
        message->as.request.residual_need *= liar % 2 == 0 ? 1e6 : 0.25;
    }
    if (message->kind == NOTCH_ALLOCATION_RESPONSE && liar % 2 == 1) {
        message->as.response.allocated *= 3;
    }
}

static bool meddle(void *context, struct notch_allocation_message *message, uint64_t now_ms)
{
    struct world *world = context;
    bool in_trouble = now_ms < TROUBLE_MS;
    if (in_trouble && world->has_partition && index_of(&message->from) % 2 != index_of(&message->to) % 2 &&
        now_ms > TROUBLE_MS / 4) {
        return false;
    }
    if (in_trouble && world->has_crashes && now_ms > TROUBLE_MS / 2 &&
        (index_of(&message->from) == 1 || index_of(&message->to) == 1)) {
        return false;
    }
    if (world->has_liars) {
        lie(message);
        if (in_trouble && world->has_stored && notch_rng_chance(&world->rng, 50000)) {
            *message = world->stored;
        } else if (!world->has_stored && notch_rng_chance(&world->rng, 20000)) {
            world->stored = *message;
            world->has_stored = true;
        }
    }
    return true;
}

static bool is_over(const struct notch_allocation_run *run, const struct notch_matching *matching)
{
    int64_t amounts[RECIPIENTS * PROVIDERS];
    uint64_t lambdas[PROVIDERS];
    struct notch_matching_distance distance;
    notch_allocation_run_commit(run, amounts);
    notch_allocation_run_lambdas(run, lambdas);
    notch_matching_judge(matching, &distance, lambdas, amounts, notch_alloc_heap());
    return distance.is_over;
}

static const char *settle(struct notch_allocation_run *run, const struct world *world,
                          const struct notch_matching *matching)
{
    double lambdas[PROVIDERS];
    double exact[RECIPIENTS * PROVIDERS];
    double amounts[RECIPIENTS * PROVIDERS];
    double error = 1;
    bool is_solved = world->has_liars || notch_test_matching_solve(matching, lambdas, exact);
    if (!is_solved) {
        return "the solver is stuck";
    }
    for (int steps = 0; steps < STEPS_MAX; steps++) {
        if (world->has_liars) {
            /* They have an answer of their own; the honest must come to rest all the same. */
            error = notch_allocation_run_distance(run);
        } else {
            notch_allocation_run_amounts(run, amounts);
            error = notch_test_matching_error(amounts, exact, matching->edge_count);
        }
        if (error < 0.005 && notch_allocation_run_now_ms(run) > TROUBLE_MS) {
            return NULL;
        }
        if (!notch_allocation_run_step(run)) {
            return "nothing will ever happen again";
        }
    }
    return "it does not come to rest";
}

static const char *trouble(struct notch_allocation_run *run, const struct world *world,
                           const struct notch_matching *matching, uint64_t restart_ms)
{
    bool is_restarted = !world->has_crashes;
    uint64_t look_ms = 0;
    while (notch_allocation_run_now_ms(run) < TROUBLE_MS) {
        if (!notch_allocation_run_step(run)) {
            return "nothing will ever happen again";
        }
        if (notch_allocation_run_now_ms(run) >= look_ms) {
            look_ms = notch_allocation_run_now_ms(run) + TROUBLE_MS / 16;
            if (is_over(run, matching)) {
                return "more is handed out than there is";
            }
        }
        if (!is_restarted && notch_allocation_run_now_ms(run) >= restart_ms) {
            notch_allocation_run_restart_provider(run, 1);
            notch_allocation_run_restart_recipient(run, 1);
            is_restarted = true;
        }
    }
    return NULL;
}

static const char *fault_property(struct notch_gen *gen, void *context)
{
    (void)context;
    struct world world = {.has_liars = notch_gen_below(gen, 2) == 1,
                          .has_crashes = notch_gen_below(gen, 2) == 1,
                          .has_partition = notch_gen_below(gen, 2) == 1};
    struct notch_test_matching made;
    double load = 0.5 + 0.1 * (double)notch_gen_below(gen, 5);
    notch_test_matching_draw(&made, RECIPIENTS, load, NOTCH_TEST_RANDOM, notch_gen_u64(gen));
    notch_rng_init(&world.rng, notch_gen_u64(gen));
    struct notch_allocation_run_options options = {
        .alloc = notch_alloc_heap(),
        .seed = notch_gen_u64(gen),
        .pace = notch_gen_below(gen, 3) == 0 ? NOTCH_PROVIDER_PROMPT : NOTCH_PROVIDER_HELD,
        .link = notch_gen_below(gen, 2) == 0 ? NOTCH_LINK_DATAGRAM : NOTCH_LINK_RELIABLE,
        .delay = notch_gen_below(gen, 2) == 0 ? NOTCH_DELAY_FIXED : NOTCH_DELAY_EXPONENTIAL,
        .delay_ms = DELAY_MS,
        .drop_ppm = (uint32_t)notch_gen_below(gen, 500001),
        .timeout_ms = 8 * DELAY_MS,
        .meddle = meddle,
        .context = &world,
    };
    struct notch_allocation_run *run = notch_allocation_run_create(&options, &made.matching);
    const char *broken = trouble(run, &world, &made.matching, TROUBLE_MS / 2 + notch_gen_below(gen, TROUBLE_MS / 2));
    if (broken == NULL) {
        broken = settle(run, &world, &made.matching);
    }
    if (broken == NULL && is_over(run, &made.matching)) {
        broken = "in the end, more is handed out than there is";
    }
    notch_allocation_run_destroy(run);
    notch_test_matching_fini(&made);
    return broken;
}

static void test_faults(void **state)
{
    (void)state;
    assert_true(notch_property_holds("faults", RUNS, 21, fault_property, NULL));
}

/* ---- the fixed point of anything ---- */

static int64_t draw_amount(struct notch_gen *gen)
{
    switch (notch_gen_below(gen, 6)) {
    case 0:
        return 0;
    case 1:
        return (int64_t)notch_gen_below(gen, 10);
    case 2:
        return INT64_MAX - (int64_t)notch_gen_below(gen, 3);
    default:
        return (int64_t)notch_gen_below(gen, 1000000000);
    }
}

static const char *compare(const struct notch_matching *matching)
{
    double lambdas[5];
    double exact[25];
    uint64_t committed[5];
    int64_t amounts[25];
    struct notch_matching_distance distance;
    struct notch_allocation_run_options options = {.alloc = notch_alloc_heap(), .delay_ms = 1};
    if (!notch_test_matching_solve(matching, lambdas, exact)) {
        return "the solver is stuck";
    }
    struct notch_allocation_run *run = notch_allocation_run_create(&options, matching);
    bool is_at_rest = notch_allocation_run_until(run, 1e-7, 3000);
    notch_allocation_run_lambdas(run, committed);
    notch_allocation_run_destroy(run);
    notch_matching_commit(matching, amounts, committed, notch_alloc_heap());
    notch_matching_judge(matching, &distance, committed, amounts, notch_alloc_heap());
    if (distance.is_over) {
        return "more is handed out than there is";
    }
    double apart = 0;
    double whole = 0;
    double greatest = 0;
    for (size_t i = 0; i < matching->recipient_count; i++) {
        greatest = fmax(greatest, (double)matching->needs[i]);
    }
    for (size_t i = 0; i < matching->edge_count; i++) {
        apart += fabs((double)amounts[i] - exact[i]);
        whole += exact[i];
    }
    if (!is_at_rest) {
        return "the agents do not come to rest";
    }
    /* Amounts are rounded: one unit for each edge. Residuals are rounded to 2^-62 of the greatest need, 1/eps times. */
    double rounding = (double)matching->edge_count * (1 + 16384 * greatest / 4611686018427387904.0);
    return apart <= 0.001 * whole + rounding ? NULL : "the agents and the solver disagree";
}

static const char *fixed_point_property(struct notch_gen *gen, void *context)
{
    (void)context;
    struct notch_test_matching made;
    size_t providers = notch_gen_below(gen, 6);
    size_t recipients = notch_gen_below(gen, 6);
    notch_test_matching_init(&made, providers, recipients, providers * recipients);
    for (size_t p = 0; p < providers; p++) {
        made.capacities[p] = draw_amount(gen);
    }
    for (size_t r = 0; r < recipients; r++) {
        made.needs[r] = draw_amount(gen);
    }
    for (size_t p = 0; p < providers; p++) {
        for (size_t r = 0; r < recipients; r++) {
            uint64_t kind = notch_gen_below(gen, 5);
            if (kind > 0) {
                uint64_t most = kind == 1 ? 1 : kind == 2 ? 1000 : NOTCH_RECOGNITION_ONE + 1;
                notch_test_matching_edge(&made, p, r, (uint32_t)notch_gen_below(gen, most));
            }
        }
    }
    const char *broken = compare(&made.matching);
    notch_test_matching_fini(&made);
    return broken;
}

static void test_fixed_point(void **state)
{
    (void)state;
    assert_true(notch_property_holds("fixed point", 10000, 22, fixed_point_property, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed_point),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
