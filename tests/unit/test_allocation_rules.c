/* What every node computes of an allocation: shares of recognition, the split, the commitment and its certificate. */
#include "ai/rules/allocation_matching.h"
#include "ai/rules/recognition.h"
#include "tests/support/gen.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAP notch_alloc_heap()

/* ---- recognition ---- */

static void test_tree(void **state)
{
    (void)state;
    static const struct notch_points_node nodes[] = {{0, 0}, {0, 70}, {0, 30}, {1, 80}, {1, 20}, {2, 50}, {2, 50}};
    static const struct notch_points_contribution parts[] = {{3, 0}, {4, 1}, {5, 2}, {6, 3}};
    struct notch_points_tree tree = {nodes, 7, parts, 4, 4};
    struct notch_ppm shares[4];
    assert_true(notch_is_valid(notch_points_shares(&tree, shares, HEAP)));
    assert_int_equal(shares[0].raw, 560000);
    assert_int_equal(shares[1].raw, 140000);
    assert_int_equal(shares[2].raw, 150000);
    assert_int_equal(shares[3].raw, 150000);
}

static void test_tree_shared_and_empty_leaves(void **state)
{
    (void)state;
    /* A third each, one of them split in three, one with nobody. */
    static const struct notch_points_node nodes[] = {{0, 0}, {0, 1}, {0, 1}, {0, 1}};
    static const struct notch_points_contribution parts[] = {{1, 0}, {1, 1}, {1, 2}, {2, 0}};
    struct notch_points_tree tree = {nodes, 4, parts, 4, 3};
    struct notch_ppm shares[3];
    assert_true(notch_is_valid(notch_points_shares(&tree, shares, HEAP)));
    assert_int_equal(shares[0].raw + shares[1].raw + shares[2].raw, 666666);
    assert_int_equal(shares[0].raw, 444444);
    assert_int_equal(shares[1].raw, 111111);
    assert_int_equal(shares[2].raw, 111111);
}

static void test_tree_refused(void **state)
{
    (void)state;
    static const struct notch_points_node forward[] = {{0, 0}, {2, 1}, {0, 1}};
    static const struct notch_points_node inner[] = {{0, 0}, {0, 1}, {1, 1}};
    static const struct notch_points_contribution to_inner[] = {{1, 0}};
    static const struct notch_points_contribution twice[] = {{2, 0}, {2, 0}};
    static const struct notch_points_contribution nobody[] = {{2, 1}};
    struct notch_ppm share;
    struct notch_points_tree tree = {forward, 3, NULL, 0, 1};
    assert_int_equal(notch_points_shares(&tree, &share, HEAP).code, NOTCH_REJECT_MALFORMED);
    tree = (struct notch_points_tree){inner, 3, to_inner, 1, 1};
    assert_int_equal(notch_points_shares(&tree, &share, HEAP).code, NOTCH_REJECT_MALFORMED);
    tree = (struct notch_points_tree){inner, 3, twice, 2, 1};
    assert_int_equal(notch_points_shares(&tree, &share, HEAP).code, NOTCH_REJECT_MALFORMED);
    tree = (struct notch_points_tree){inner, 3, nobody, 1, 1};
    assert_int_equal(notch_points_shares(&tree, &share, HEAP).code, NOTCH_REJECT_BOUNDS);
    tree = (struct notch_points_tree){inner, 0, nobody, 1, 1};
    assert_int_equal(notch_points_shares(&tree, &share, HEAP).code, NOTCH_REJECT_TOO_LARGE);
}

static void test_mutual(void **state)
{
    (void)state;
    struct notch_ppm a = {400000};
    struct notch_ppm b = {250000};
    assert_int_equal(notch_recognition_mutual(a, b).raw, 250000);
    assert_int_equal(notch_recognition_mutual(b, a).raw, 250000);
}

static void test_second_tier(void **state)
{
    (void)state;
    static const struct notch_ppm shares[] = {{400000}, {300000}, {200000}, {100000}};
    static const struct notch_ppm back[] = {{500000}, {250000}, {0}, {0}};
    static const int64_t needs[] = {300, 200, 300, 200};
    int64_t amounts[4];
    /* 500 are left once the first tier gave 300 and 200: 375 and 125, the former cut to the need. */
    int64_t left = notch_recognition_second_tier(amounts, 500, shares, back, needs, 4, NOTCH_SECOND_TIER_ON, HEAP);
    assert_int_equal(amounts[0], 0);
    assert_int_equal(amounts[1], 0);
    assert_int_equal(amounts[2], 300);
    assert_int_equal(amounts[3], 125);
    assert_int_equal(left, 75);
    left = notch_recognition_second_tier(amounts, 500, shares, back, needs, 4, NOTCH_SECOND_TIER_OFF, HEAP);
    assert_int_equal(left, 500);
    assert_int_equal(amounts[2], 0);
}

/* ---- the split ---- */

static const char *split_property(struct notch_gen *gen, void *context)
{
    (void)context;
    unsigned __int128 weights[8];
    int64_t amounts[8];
    size_t count = 1 + (size_t)notch_gen_below(gen, 8);
    unsigned __int128 sum = 0;
    for (size_t i = 0; i < count; i++) {
        weights[i] = (unsigned __int128)notch_gen_edge_u64(gen) << notch_gen_below(gen, 59);
        sum += weights[i];
    }
    int64_t total = (int64_t)(notch_gen_edge_u64(gen) >> 1);
    notch_matching_split(amounts, total, weights, count, HEAP);
    __int128 given = 0;
    for (size_t i = 0; i < count; i++) {
        given += amounts[i];
        long double share = sum == 0 ? 0 : (long double)total * ((long double)weights[i] / (long double)sum);
        if (amounts[i] < 0 || fabsl((long double)amounts[i] - share) > 1.5L + 1e-17L * (long double)total) {
            return "a part is more than one off its share";
        }
    }
    return given == (sum == 0 ? 0 : total) ? NULL : "the parts do not sum to the total";
}

static void test_split(void **state)
{
    (void)state;
    static const unsigned __int128 thirds[] = {1, 1, 1};
    int64_t amounts[3];
    notch_matching_split(amounts, 100, thirds, 3, HEAP);
    assert_int_equal(amounts[0], 34);
    assert_int_equal(amounts[1], 33);
    assert_int_equal(amounts[2], 33);
    assert_true(notch_property_holds("split", 5000, 11, split_property, NULL));
}

static void test_ln(void **state)
{
    (void)state;
    assert_int_equal(notch_ln_ratio(5, 5), 0);
    static const uint64_t pairs[][2] = {{2, 1},         {1, 3},         {1000, 1001},       {1, UINT64_MAX},
                                        {1000000, 999}, {1u << 31, 77}, {999999, 1000000},  {7, 6},
                                        {10001, 10000}, {1001, 1000},   {100000000, 100001}};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(pairs); i++) {
        long double exact = fabsl(logl((long double)pairs[i][0] / (long double)pairs[i][1])) * 1e9L;
        assert_true(fabsl((long double)notch_ln_ratio(pairs[i][0], pairs[i][1]) - exact) < 2 + exact * 1e-9L);
    }
}

/* ---- the certificate ---- */

static const int64_t capacities[] = {400000000, 300000000};
static const int64_t needs[] = {500000000, 300000000};
static const struct notch_matching_edge edges[] = {
    {0, 0, 600000000}, {0, 1, 400000000}, {1, 0, 300000000}, {1, 1, 700000000}};
static const struct notch_matching seed = {capacities, 2, needs, 2, edges, 4};
/* C / D with the D of the golden example: 53.200 and 43.599, to the precision of Q32. */
static const uint64_t lambdas[] = {32292717701, 29553158030};

static void test_certificate(void **state)
{
    (void)state;
    int64_t amounts[4];
    struct notch_matching_distance distance;
    assert_true(notch_is_valid(notch_matching_check(&seed)));
    notch_matching_commit(&seed, amounts, lambdas, HEAP);
    assert_int_equal(amounts[0] + amounts[1], capacities[0]);
    assert_int_equal(amounts[2] + amounts[3], capacities[1]);
    notch_matching_judge(&seed, &distance, lambdas, amounts, HEAP);
    assert_false(distance.is_over);
    assert_true(distance.lambda < 1000);
    assert_int_equal(distance.amounts, 0);
    assert_in_range(distance.unmet, 124999000, 125001000); /* 66.002 + 33.998 of 800 */
}

static void test_certificate_lies(void **state)
{
    (void)state;
    int64_t amounts[4];
    struct notch_matching_distance distance;
    uint64_t wrong[2] = {lambdas[0] + lambdas[0] / 100, lambdas[1]};
    notch_matching_commit(&seed, amounts, lambdas, HEAP);
    notch_matching_judge(&seed, &distance, wrong, amounts, HEAP);
    assert_int_equal(distance.worst, 0);
    /* A lambda that is 1 % off moves the residuals after it, so it is seen as less. */
    assert_in_range(distance.lambda, 500000, 10000000);
    assert_true(distance.amounts > 100000);
    amounts[0]++;
    notch_matching_judge(&seed, &distance, lambdas, amounts, HEAP);
    assert_true(distance.is_over);
    amounts[0] -= 2;
    notch_matching_judge(&seed, &distance, lambdas, amounts, HEAP);
    assert_false(distance.is_over);
    amounts[0] = -1;
    notch_matching_judge(&seed, &distance, lambdas, amounts, HEAP);
    assert_true(distance.is_over);
    wrong[0] = 0;
    notch_matching_judge(&seed, &distance, wrong, amounts, HEAP);
    assert_int_equal(distance.lambda, UINT64_MAX);
}

static void test_matching_refused(void **state)
{
    (void)state;
    static const struct notch_matching_edge twice[] = {{0, 0, 1}, {0, 0, 1}};
    static const struct notch_matching_edge nobody[] = {{0, 2, 1}};
    static const struct notch_matching_edge above[] = {{0, 0, NOTCH_RECOGNITION_ONE + 1}};
    static const int64_t negative[] = {1, -1};
    struct notch_matching matching = seed;
    matching.edges = twice;
    matching.edge_count = 2;
    assert_int_equal(notch_matching_check(&matching).code, NOTCH_REJECT_MALFORMED);
    matching.edges = nobody;
    matching.edge_count = 1;
    assert_int_equal(notch_matching_check(&matching).code, NOTCH_REJECT_BOUNDS);
    matching.edges = above;
    assert_int_equal(notch_matching_check(&matching).code, NOTCH_REJECT_BOUNDS);
    matching = seed;
    matching.needs = negative;
    assert_int_equal(notch_matching_check(&matching).code, NOTCH_REJECT_BOUNDS);
}

/* Any lambdas, any amounts, any recognition: what is committed passes nothing, and is judged so. */
static const char *commit_property(struct notch_gen *gen, void *context)
{
    (void)context;
    int64_t caps[4];
    int64_t wants[4];
    uint64_t rates[4];
    struct notch_matching_edge all[16];
    int64_t amounts[16];
    struct notch_matching matching = {caps, 4, wants, 4, all, 0};
    for (uint32_t i = 0; i < 4; i++) {
        caps[i] = (int64_t)(notch_gen_edge_u64(gen) >> 1);
        wants[i] = (int64_t)(notch_gen_edge_u64(gen) >> 1);
        rates[i] = notch_gen_edge_u64(gen) % (NOTCH_LAMBDA_MAX + 1);
        for (uint32_t r = 0; r < 4; r++) {
            if (notch_gen_below(gen, 3) > 0) {
                all[matching.edge_count++] =
                    (struct notch_matching_edge){i, r, (uint32_t)notch_gen_below(gen, NOTCH_RECOGNITION_ONE + 1)};
            }
        }
    }
    struct notch_matching_distance distance;
    if (!notch_is_valid(notch_matching_check(&matching))) {
        return "a matching in order is refused";
    }
    notch_matching_commit(&matching, amounts, rates, HEAP);
    notch_matching_judge(&matching, &distance, rates, amounts, HEAP);
    if (distance.is_over) {
        return "a commitment passes a capacity or a need";
    }
    return distance.amounts == 0 ? NULL : "a commitment is not what its lambdas give";
}

static void test_commit(void **state)
{
    (void)state;
    assert_true(notch_property_holds("commit", 5000, 12, commit_property, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_tree_shared_and_empty_leaves),
        cmocka_unit_test(test_tree_refused),
        cmocka_unit_test(test_mutual),
        cmocka_unit_test(test_second_tier),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_ln),
        cmocka_unit_test(test_certificate),
        cmocka_unit_test(test_certificate_lies),
        cmocka_unit_test(test_matching_refused),
        cmocka_unit_test(test_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
