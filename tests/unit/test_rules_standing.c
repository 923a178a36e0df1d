#include "ai/rules/challenge.h"
#include "ai/rules/standing.h"
#include "tests/support/gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct notch_verdict right = {NOTCH_OUTCOME_ANSWERED, NOTCH_SCORE_ONE};
static const struct notch_verdict absent = {NOTCH_OUTCOME_ABSENT, 0};
static const struct notch_verdict wrong = {NOTCH_OUTCOME_WRONG, 0};
static const struct notch_verdict withheld = {NOTCH_OUTCOME_WITHHELD, 0};

static uint32_t score_after(struct notch_verdict verdict, unsigned times, struct notch_standing *standing)
{
    for (unsigned i = 0; i < times; i++) {
        notch_standing_apply(standing, NOTCH_CHALLENGE_FORECAST, verdict);
    }
    return standing->kinds[NOTCH_CHALLENGE_FORECAST].score;
}

static void scores_move_by_true_floors(void **state)
{
    (void)state;
    struct notch_standing standing = {0};
    assert_int_equal(score_after(right, 1, &standing), 65535 * 2048 / 65536);
    assert_int_equal(score_after(right, 1, &standing), 2047 + (65535 - 2047) * 2048 / 65536);
    /* floor(-4031 * 655 / 65536) = floor(-40.3) */
    assert_int_equal(score_after(absent, 1, &standing), 4031 - 41);
    assert_int_equal(score_after(withheld, 1, &standing), 3990 - 998);
    /* Half of the way in 22 windows, nearly all of it in the end, and never beyond. */
    struct notch_standing fresh = {0};
    assert_in_range(score_after(right, 22, &fresh), 32000, 33500);
    assert_in_range(score_after(right, 2000, &fresh), 65500, NOTCH_SCORE_ONE);
    assert_in_range(score_after(wrong, 1, &fresh), 49100, 49152);
    assert_int_equal(score_after(wrong, 100, &fresh), 0);
    assert_int_equal(score_after((struct notch_verdict){NOTCH_OUTCOME_VOID, 0}, 3, &fresh), 0);
    assert_int_equal(fresh.kinds[NOTCH_CHALLENGE_FORECAST].counts[NOTCH_OUTCOME_WRONG], 101);
    assert_int_equal(fresh.kinds[NOTCH_CHALLENGE_FORECAST].counts[NOTCH_OUTCOME_VOID], 0);
}

static void terms_weigh_the_kinds_that_were_asked(void **state)
{
    (void)state;
    struct notch_standing standing = {0};
    uint32_t term = 7;
    assert_false(notch_standing_term(&term, &standing));
    assert_int_equal(term, 7);
    notch_standing_apply(&standing, NOTCH_CHALLENGE_COMPUTE, right);
    assert_true(notch_standing_term(&term, &standing));
    assert_int_equal(term, 1000000);
    /* compute weighs 1, forecast 4. */
    notch_standing_apply(&standing, NOTCH_CHALLENGE_FORECAST,
                         (struct notch_verdict){NOTCH_OUTCOME_ANSWERED, NOTCH_SCORE_NAIVE});
    assert_true(notch_standing_term(&term, &standing));
    assert_int_equal(term, (1000000 + 4 * (UINT64_C(1000000) * 32768 / 65535)) / 5);
    /* A fault weighs as much as eight answers, an absence about a third of one. */
    standing = (struct notch_standing){0};
    for (unsigned i = 0; i < 8; i++) {
        notch_standing_apply(&standing, NOTCH_CHALLENGE_MODEL, right);
    }
    notch_standing_apply(&standing, NOTCH_CHALLENGE_MODEL, wrong);
    assert_true(notch_standing_term(&term, &standing));
    assert_int_equal(term, 500000);
    standing = (struct notch_standing){0};
    notch_standing_apply(&standing, NOTCH_CHALLENGE_MODEL, right);
    notch_standing_apply(&standing, NOTCH_CHALLENGE_MODEL, absent);
    assert_true(notch_standing_term(&term, &standing));
    assert_int_equal(term, UINT64_C(1000000) * 2048 / (2048 + 655));
    /* The sums begin anew, the score stays. */
    uint32_t score = standing.kinds[NOTCH_CHALLENGE_MODEL].score;
    notch_standing_turn(&standing);
    assert_false(notch_standing_term(&term, &standing));
    assert_int_equal(standing.kinds[NOTCH_CHALLENGE_MODEL].score, score);
}

/* Ten accounts that share one weight have no more say than the one they were made of. */
static const char *splitting(struct notch_gen *gen, void *context)
{
    (void)context;
    struct notch_standing standing = {0};
    for (size_t i = 0; i < NOTCH_CHALLENGE_KINDS; i++) {
        standing.kinds[i].score = (uint32_t)notch_gen_below(gen, NOTCH_SCORE_ONE + 1);
    }
    uint64_t weight = notch_gen_below(gen, (UINT64_C(1) << 40) + 1);
    uint64_t left = weight;
    uint64_t split = 0;
    for (unsigned i = 0; i < 10; i++) {
        uint64_t part = i == 9 ? left : notch_gen_below(gen, left + 1);
        split += notch_standing_influence(&standing, part);
        left -= part;
    }
    uint64_t whole = notch_standing_influence(&standing, weight);
    return split <= whole && whole <= weight ? NULL : "splitting gains";
}

static void splitting_gains_nothing(void **state)
{
    (void)state;
    assert_true(notch_property_holds("splitting", 5000, 31, splitting, NULL));
}

/* Any story: bounds hold, and the bytes bring it back. */
static const char *story(struct notch_gen *gen, void *context)
{
    (void)context;
    struct notch_standing standing = {0};
    struct notch_standing back;
    uint64_t steps = notch_gen_below(gen, 60);
    for (uint64_t i = 0; i < steps; i++) {
        enum notch_challenge_kind kind = (enum notch_challenge_kind)notch_gen_below(gen, NOTCH_CHALLENGE_KINDS);
        struct notch_verdict verdict = {(enum notch_outcome)notch_gen_below(gen, NOTCH_OUTCOMES), 0};
        if (verdict.outcome == NOTCH_OUTCOME_ANSWERED) {
            verdict.target = (uint32_t)notch_gen_below(gen, NOTCH_SCORE_ONE + 1);
        }
        if (notch_gen_below(gen, 10) == 0) {
            /* As after a long time. */
            standing.kinds[kind].rates = NOTCH_STANDING_RATES_MAX - notch_gen_below(gen, 5000);
            standing.kinds[kind].earned = standing.kinds[kind].rates * NOTCH_SCORE_ONE;
            standing.kinds[kind].counts[NOTCH_OUTCOME_ABSENT] = UINT32_MAX;
        }
        notch_standing_apply(&standing, kind, verdict);
        if (standing.kinds[kind].score > NOTCH_SCORE_ONE || standing.kinds[kind].rates > NOTCH_STANDING_RATES_MAX) {
            return "out of bounds";
        }
        uint32_t term = 0;
        if (notch_standing_term(&term, &standing) && term > NOTCH_CHALLENGE_TERM_ONE) {
            return "a term above the whole";
        }
    }
    uint8_t bytes[512];
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    notch_standing_write(&writer, &standing);
    struct notch_reader reader = notch_reader(notch_writer_bytes(&writer));
    notch_standing_read(&reader, &back);
    if (!notch_writer_ok(&writer) || !notch_reader_done(&reader)) {
        return "its bytes are refused";
    }
    uint8_t again[sizeof bytes];
    struct notch_writer second = notch_writer(again, sizeof again);
    notch_standing_write(&second, &back);
    return notch_bytes_eq(notch_writer_bytes(&writer), notch_writer_bytes(&second)) ? NULL : "not the same again";
}

static void standings_stay_in_bounds_and_come_back(void **state)
{
    (void)state;
    assert_true(notch_property_holds("story", 2000, 32, story, NULL));
}

static void the_table_names_its_rows(void **state)
{
    (void)state;
    static const char *const names[NOTCH_CHALLENGE_KINDS] = {"compute", "model", "forecast", "certificate"};
    for (int i = 0; i < NOTCH_CHALLENGE_KINDS; i++) {
        const struct notch_challenge_row *row = notch_challenge_row((enum notch_challenge_kind)i);
        assert_int_equal(row->kind, i);
        assert_string_equal(row->name, names[i]);
        assert_true(row->weight > 0);
        assert_int_equal(row->judge != NULL, i != NOTCH_CHALLENGE_CERTIFICATE);
    }
    assert_string_equal(notch_outcome_name(NOTCH_OUTCOME_WITHHELD), "withheld");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_move_by_true_floors), cmocka_unit_test(terms_weigh_the_kinds_that_were_asked),
        cmocka_unit_test(splitting_gains_nothing),    cmocka_unit_test(standings_stay_in_bounds_and_come_back),
        cmocka_unit_test(the_table_names_its_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
