/* Many nodes: some hundred seeds in the normal run, that a seed repeats, and the stories of a normal slot and of a
 * partition that heals. Campaigns run the program simulate. */
#include "tests/sim/net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 60, SEEDS_REAL_CRYPTO = 1, MESH_NODES = 16, STORY_SEED = 7, LONG_SLOTS = 600 };

static void run_seed(uint64_t seed, uint32_t nodes, bool real_crypto, struct net_result *result)
{
    struct net_options options = net_options_of_seed(seed, nodes);
    options.real_crypto = real_crypto;
    struct net *net = net_create(&options);
    const char *failure = net_run(net);
    net_result(net, result);
    net_destroy(net);
    if (failure != NULL) {
        fail_msg("seed %llu: %s (see it: simulate --nodes %u --seed %llu --verbose)", (unsigned long long)seed, failure,
                 nodes, (unsigned long long)seed);
    }
}

static void nodes_agree_and_heal_whatever_the_network_does(void **state)
{
    (void)state;
    struct net_result sum = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct net_result result;
        run_seed(seed, 0, false, &result);
        sum.messages += result.messages;
        sum.lost += result.lost;
        sum.crashes += result.crashes;
        sum.acknowledged += result.acknowledged;
        sum.final_height += result.final_height;
    }
    /* The faults that this is about did happen, and in spite of them something was done. */
    assert_true(sum.lost > SEEDS);
    assert_true(sum.crashes > SEEDS);
    assert_true(sum.messages > 100 * SEEDS);
    assert_true(sum.acknowledged > SEEDS);
    assert_true(sum.final_height > SEEDS);
}

static void a_seed_repeats_to_the_byte(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct net_result first;
        struct net_result second;
        run_seed(seed, 0, false, &first);
        run_seed(seed, 0, false, &second);
        assert_memory_equal(&first, &second, sizeof first);
    }
}

static void a_mesh_of_few_links_each(void **state)
{
    (void)state;
    struct net_result result;
    run_seed(1, MESH_NODES, false, &result);
    assert_true(result.final_height > 0);
}

static void the_same_with_real_signatures(void **state)
{
    (void)state;
    for (uint64_t seed = 4; seed < 4 + SEEDS_REAL_CRYPTO; seed++) {
        struct net_result result;
        run_seed(seed, 4, true, &result);
    }
}

/* ---- stories ---- */

static struct net_options calm(uint32_t nodes, uint32_t slots)
{
    return (struct net_options){
        .seed = STORY_SEED,
        .nodes = nodes,
        .slots = slots,
        .submit_ms = 1000, /* work and disks take no time, links one ms: nothing is drawn but by the client */
    };
}

static void check_story(const struct net_options *options, const char *expected)
{
    struct net *net = net_create(options);
    net_story(net, true);
    const char *failure = net_run(net);
    if (failure != NULL) {
        fail_msg("%s", failure);
    }
    if (strcmp(net_story_text(net), expected) != 0) {
        fail_msg("another story:\n%s", net_story_text(net));
    }
    net_destroy(net);
}

static void the_story_of_normal_slots(void **state)
{
    (void)state;
    struct net_options options = calm(4, 6);
    check_story(&options, "0.005 n3 acknowledges: stored, 2 disks\n"
                          "1.000 n1 proposes height 1 with 1 batches\n"
                          "2.000 n3 proposes height 2 with 0 batches\n"
                          "2.005 final: height 1, first at n1\n"
                          "2.882 n1 acknowledges: stored, 2 disks\n"
                          "3.000 n2 proposes height 3 with 1 batches\n"
                          "3.005 final: height 2, first at n1\n"
                          "4.000 n2 proposes height 4 with 0 batches\n"
                          "4.005 final: height 3, first at n1\n"
                          "5.000 n2 proposes height 5 with 0 batches\n"
                          "5.005 final: height 4, first at n1\n"
                          "6.252 final: height 5, first at n2\n");
}

/* Two against two: both go on and take records, neither makes anything final; when they meet, one branch stands, and
 * the records of both are on it. */
static void the_story_of_a_partition_that_heals(void **state)
{
    (void)state;
    struct net_options options = calm(4, 12);
    options.partition = NET_PARTITION_SPLIT;
    options.partition_from = 3;
    options.partition_to = 9;
    options.side = 2;
    options.partition_is_told = true;
    check_story(&options, "0.005 n3 acknowledges: stored, 2 disks\n"
                          "1.000 n1 proposes height 1 with 1 batches\n"
                          "2.000 n3 proposes height 2 with 0 batches\n"
                          "2.005 final: height 1, first at n1\n"
                          "2.882 n1 acknowledges: stored, 2 disks\n"
                          "3.000 partition 2:2\n"
                          "3.000 n2 proposes height 3 with 1 batches\n"
                          "4.000 n2 proposes height 4 with 0 batches\n"
                          "5.000 n2 proposes height 5 with 0 batches\n"
                          "6.000 n2 proposes height 6 with 0 batches\n"
                          "7.000 n2 proposes height 7 with 0 batches\n"
                          "7.035 n2 acknowledges: stored, 2 disks\n"
                          "8.000 n1 proposes height 3 with 1 batches\n"
                          "8.325 n0 acknowledges: stored, 2 disks\n"
                          "9.000 healed\n"
                          "9.000 n2 proposes height 8 with 1 batches\n"
                          "9.007 final: height 2, first at n0\n"
                          "9.315 n1 acknowledges: stored, 2 disks\n"
                          "10.000 n1 proposes height 9 with 2 batches\n"
                          "10.005 final: height 8, first at n2\n"
                          "11.000 n3 proposes height 10 with 0 batches\n"
                          "11.005 final: height 9, first at n1\n"
                          "12.000 n2 proposes height 11 with 0 batches\n"
                          "12.005 final: height 10, first at n1\n"
                          "13.252 final: height 11, first at n2\n");
}

/* An observer with an empty disk joins when the chain is some hundred blocks long: several ranges, several sets. */
static void a_late_joiner_takes_up_the_chain(void **state)
{
    (void)state;
    struct net_options options = calm(5, LONG_SLOTS);
    options.submit_ms = 500;
    options.observers = 1;
    options.late = 1;
    struct net *net = net_create(&options);
    const char *failure = net_run(net);
    struct net_result result;
    net_result(net, &result);
    net_destroy(net);
    if (failure != NULL) {
        fail_msg("%s", failure);
    }
    assert_true(result.final_height > LONG_SLOTS * 3 / 4);
    assert_true(result.converge_slots < 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_late_joiner_takes_up_the_chain),
        cmocka_unit_test(nodes_agree_and_heal_whatever_the_network_does),
        cmocka_unit_test(a_seed_repeats_to_the_byte),
        cmocka_unit_test(a_mesh_of_few_links_each),
        cmocka_unit_test(the_same_with_real_signatures),
        cmocka_unit_test(the_story_of_normal_slots),
        cmocka_unit_test(the_story_of_a_partition_that_heals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
