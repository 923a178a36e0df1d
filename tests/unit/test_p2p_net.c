#include "tests/support/p2p_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NODES = 50, LINKS = 10, ITEMS = 40 };

/* Every node dials LINKS others, drawn from the seed. */
static struct notch_test_net *make(uint64_t seed)
{
    struct notch_test_net *net = notch_test_net_new(NODES, seed, NULL, NULL);
    struct notch_rng rng;
    notch_rng_init(&rng, seed);
    notch_test_net_weather(net, 0, 5, 40);
    for (uint32_t a = 0; a < NODES; a++) {
        for (uint32_t i = 0; i < LINKS; i++) {
            uint32_t b = (uint32_t)notch_rng_below(&rng, NODES);
            if (a != b) {
                (void)notch_test_net_connect(net, a, b);
            }
        }
    }
    notch_test_net_run(net, 5000);
    return net;
}

struct outcome {
    uint64_t reached; /* deliveries at all, of ITEMS * (NODES - 1) */
    uint64_t duplicates;
    uint64_t pulled;
    uint64_t items;
    uint32_t hops;
    uint32_t most_bytes; /* taken by one core */
    uint64_t trace;
};

static struct outcome outcome_of(struct notch_test_net *net)
{
    struct outcome outcome = {.hops = notch_test_net_wire(net)->hops_max,
                              .items = notch_test_net_wire(net)->items,
                              .trace = notch_test_net_wire(net)->trace};
    for (uint32_t i = 0; i < NODES; i++) {
        struct notch_p2p_stats stats;
        struct notch_test_node *node = notch_test_net_node(net, i);
        notch_p2p_stats(node->p2p, &stats);
        outcome.reached += node->delivered;
        outcome.duplicates += stats.duplicates;
        outcome.pulled += stats.pulled;
        outcome.most_bytes =
            node->alloc.peak_bytes > outcome.most_bytes ? (uint32_t)node->alloc.peak_bytes : outcome.most_bytes;
    }
    return outcome;
}

static struct outcome spread(uint64_t seed, uint32_t loss_ppm, enum notch_p2p_type type, size_t len)
{
    struct notch_test_net *net = make(seed);
    notch_test_net_weather(net, loss_ppm, 5, 40);
    uint8_t *bytes = calloc(1, len);
    for (uint32_t i = 0; i < ITEMS; i++) {
        bytes[0] = 1;
        bytes[1] = (uint8_t)i;
        notch_test_net_publish(net, i % NODES, type, bytes, len);
        notch_test_net_run(net, 100);
    }
    notch_test_net_run(net, 10000);
    free(bytes);
    struct outcome outcome = outcome_of(net);
    notch_test_net_free(net);
    return outcome;
}

/* Without loss: everybody, once, within the hop limit, with few copies too many. */
static void votes_reach_all(void **state)
{
    (void)state;
    struct outcome outcome = spread(1, 0, NOTCH_P2P_VOTES, 200);
    print_message("votes: %.2f duplicates, %.2f pulled a delivery, %u hops\n",
                  (double)outcome.duplicates / (double)outcome.reached,
                  (double)outcome.pulled / (double)outcome.reached, outcome.hops);
    assert_int_equal(outcome.reached, ITEMS * (NODES - 1));
    assert_true(outcome.hops <= 8);
    assert_true(outcome.duplicates <= 5 * outcome.reached / 2);
}

/* With one frame in five lost, whatever was in it: what is not pushed is pulled. */
static void votes_reach_all_under_loss(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct outcome outcome = spread(seed, 200000, NOTCH_P2P_VOTES, 200);
        print_message("votes, loss: %.2f duplicates, %.2f pulled a delivery, %u hops, %u KiB\n",
                      (double)outcome.duplicates / (double)outcome.reached,
                      (double)outcome.pulled / (double)outcome.reached, outcome.hops, outcome.most_bytes / 1024);
        assert_int_equal(outcome.reached, ITEMS * (NODES - 1));
        assert_true(outcome.pulled > 0);
        assert_true(outcome.hops <= 9);
        assert_true(outcome.duplicates <= 5 * outcome.reached / 2);
    }
}

/* Large items, of which others are told not to send them too. */
static void batches_reach_all_under_loss(void **state)
{
    (void)state;
    struct outcome outcome = spread(4, 200000, NOTCH_P2P_BATCHES, 20000);
    print_message("batches, loss: %.2f duplicates, %.2f pulled a delivery\n",
                  (double)outcome.duplicates / (double)outcome.reached,
                  (double)outcome.pulled / (double)outcome.reached);
    assert_int_equal(outcome.reached, ITEMS * (NODES - 1));
    assert_true(outcome.duplicates <= 2 * outcome.reached);
}

static void records_reach_all_under_loss(void **state)
{
    (void)state;
    struct outcome outcome = spread(5, 200000, NOTCH_P2P_RECORDS, 300);
    print_message("records, loss: %.2f duplicates, %.2f pulled a delivery\n",
                  (double)outcome.duplicates / (double)outcome.reached,
                  (double)outcome.pulled / (double)outcome.reached);
    assert_int_equal(outcome.reached, ITEMS * (NODES - 1));
    assert_true(outcome.duplicates <= 2 * outcome.reached);
}

/* The same seed gives the same frames in the same order. */
static void runs_repeat(void **state)
{
    (void)state;
    struct outcome first = spread(6, 100000, NOTCH_P2P_VOTES, 200);
    struct outcome second = spread(6, 100000, NOTCH_P2P_VOTES, 200);
    assert_true(first.trace == second.trace);
    assert_true(first.items == second.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(votes_reach_all),
        cmocka_unit_test(votes_reach_all_under_loss),
        cmocka_unit_test(batches_reach_all_under_loss),
        cmocka_unit_test(records_reach_all_under_loss),
        cmocka_unit_test(runs_repeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
