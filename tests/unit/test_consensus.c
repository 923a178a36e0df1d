#include "tests/support/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The traces say slot and thousandth of a slot, node, and what happened: a reader learns the protocol from them. */
static void expect_trace(struct cluster *cluster, const char *expected)
{
    const char *got = cluster_trace_take(cluster);
    if (strcmp(got, expected) != 0) {
        fprintf(stderr, "--- expected\n%s--- got\n%s", expected, got);
    }
    assert_string_equal(got, expected);
}

static void expect_nobody_slashable(struct cluster *cluster, uint32_t nodes)
{
    for (uint32_t i = 0; i < nodes; i++) {
        assert_int_equal(cluster_alarms(cluster, i, NOTCH_CONSENSUS_ALARM_EVIDENCE), 0);
        assert_int_equal(cluster_alarms(cluster, i, NOTCH_CONSENSUS_ALARM_CONFLICT), 0);
        assert_int_equal(cluster_alarms(cluster, i, NOTCH_CONSENSUS_ALARM_STATE), 0);
        assert_int_equal(cluster_scores(cluster, i), 0);
    }
}

/* ---- one validator ---- */

static void one_validator_confirmed(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = 1});
    cluster_run_slots(cluster, 2);
    cluster_trace(cluster, true);
    uint32_t batch = cluster_batch(cluster);
    cluster_run_slots(cluster, 20);
    expect_trace(cluster, "2.000 n0 propose   b2\n"
                          "2.000 n0 head      b2\n"
                          "2.000 n0 vote      b2 target g source g@0\n"
                          "2.000 n0 justified g@2\n"
                          "2.500 n0 confirmed b2\n"
                          "3.000 n0 propose   b3\n"
                          "3.000 n0 head      b3\n"
                          "3.000 n0 vote      b3 target b2 source g@2\n"
                          "3.000 n0 justified b2@3\n"
                          "3.500 n0 confirmed b3\n"
                          "4.000 n0 propose   b4\n"
                          "4.000 n0 head      b4\n"
                          "4.000 n0 vote      b4 target b3 source b2@3\n"
                          "4.000 n0 justified b3@4\n" /* two slots after it came: 8 DELTA */
                          "4.000 n0 final     b2@3\n"
                          "4.500 n0 confirmed b4\n"
                          "5.000 n0 propose   b5\n" /* b2 is final on the chain itself from here on: no block more */
                          "5.000 n0 head      b5\n"
                          "5.000 n0 vote      b5 target b4 source b3@4\n"
                          "5.000 n0 justified b4@5\n"
                          "5.000 n0 final     b3@4\n"
                          "5.500 n0 confirmed b5\n"
                          "6.250 n0 vote      b5 target b5 source b4@5\n" /* no block: the vote is due at DELTA */
                          "6.250 n0 justified b5@6\n"
                          "6.250 n0 final     b4@5\n"
                          "7.250 n0 vote      b5 target b5 source b5@6\n"
                          "7.250 n0 justified b5@7\n" /* the head is final: quiet */
                          "7.250 n0 final     b5@6\n");
    assert_int_equal(cluster_times_final(cluster, batch), 1);
    assert_true(cluster_final_ms(cluster, batch) <= 110);
    assert_true(cluster_status(cluster, 0).is_quiet);
    expect_nobody_slashable(cluster, 1);
    cluster_destroy(cluster);
}

static void one_validator_head(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = 1, .target = NOTCH_TARGET_HEAD});
    cluster_run_slots(cluster, 2);
    cluster_trace(cluster, true);
    uint32_t batch = cluster_batch(cluster);
    cluster_run_slots(cluster, 20);
    expect_trace(cluster, "2.000 n0 propose   b2\n"
                          "2.000 n0 head      b2\n"
                          "2.000 n0 vote      b2 target b2 source g@0\n"
                          "2.000 n0 justified b2@2\n"
                          "2.500 n0 confirmed b2\n"
                          "3.000 n0 propose   b3\n"
                          "3.000 n0 head      b3\n"
                          "3.000 n0 vote      b3 target b3 source b2@2\n"
                          "3.000 n0 justified b3@3\n"
                          "3.000 n0 final     b2@2\n"
                          "3.500 n0 confirmed b3\n"
                          "4.000 n0 propose   b4\n"
                          "4.000 n0 head      b4\n"
                          "4.000 n0 vote      b4 target b4 source b3@3\n"
                          "4.000 n0 justified b4@4\n"
                          "4.000 n0 final     b3@3\n"
                          "4.500 n0 confirmed b4\n"
                          "5.250 n0 vote      b4 target b4 source b4@4\n"
                          "5.250 n0 justified b4@5\n"
                          "5.250 n0 final     b4@4\n");
    assert_true(cluster_final_ms(cluster, batch) <= 70);
    cluster_destroy(cluster);
}

/* 9 and 11.7: an hour with nothing but heartbeats, and then a record at any moment of a slot. */
static void the_first_record_after_a_quiet_hour(void **state)
{
    (void)state;
    for (uint64_t offset_ms = 0; offset_ms < 40; offset_ms += 8) {
        struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = 1, .quiet = 5000});
        cluster_run_slots(cluster, 2);
        (void)cluster_batch(cluster);
        cluster_run_slots(cluster, 20);
        uint64_t blocks = cluster_blocks(cluster, 0);
        assert_true(cluster_status(cluster, 0).is_quiet);
        cluster_run_slots(cluster, 4000);
        cluster_run_ms(cluster, offset_ms);
        assert_int_equal(cluster_blocks(cluster, 0), blocks);
        cluster_trace(cluster, offset_ms == 0);
        uint32_t batch = cluster_batch(cluster);
        cluster_run_slots(cluster, 8);
        assert_int_equal(cluster_times_final(cluster, batch), 1);
        assert_true(cluster_final_ms(cluster, batch) <= 150);
        if (offset_ms == 0) {
            expect_trace(cluster, "4022.000 n0 propose   b4022\n"
                                  "4022.000 n0 head      b4022\n"
                                  "4022.000 n0 vote      b4022 target b5 source b5@7\n" /* J lies far behind ETA */
                                  "4022.000 n0 justified b5@4022\n"
                                  "4022.500 n0 confirmed b4022\n"
                                  "4023.000 n0 propose   b4023\n"
                                  "4023.000 n0 head      b4023\n"
                                  "4023.000 n0 vote      b4023 target b4022 source b5@4022\n"
                                  "4023.000 n0 justified b4022@4023\n"
                                  "4023.500 n0 confirmed b4023\n"
                                  "4024.000 n0 propose   b4024\n"
                                  "4024.000 n0 head      b4024\n"
                                  "4024.000 n0 vote      b4024 target b4023 source b4022@4023\n"
                                  "4024.000 n0 justified b4023@4024\n"
                                  "4024.000 n0 final     b4022@4023\n"
                                  "4024.500 n0 confirmed b4024\n"
                                  "4025.000 n0 propose   b4025\n"
                                  "4025.000 n0 head      b4025\n"
                                  "4025.000 n0 vote      b4025 target b4024 source b4023@4024\n"
                                  "4025.000 n0 justified b4024@4025\n"
                                  "4025.000 n0 final     b4023@4024\n"
                                  "4025.500 n0 confirmed b4025\n"
                                  "4026.250 n0 vote      b4025 target b4025 source b4024@4025\n"
                                  "4026.250 n0 justified b4025@4026\n"
                                  "4026.250 n0 final     b4024@4025\n"
                                  "4027.250 n0 vote      b4025 target b4025 source b4025@4026\n"
                                  "4027.250 n0 justified b4025@4027\n"
                                  "4027.250 n0 final     b4025@4026\n");
        }
        cluster_destroy(cluster);
    }
}

/* A heartbeat every QUIET slots, and nothing else: how much an idle chain grows. */
static void an_idle_chain_beats(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = 1, .quiet = 50});
    cluster_run_slots(cluster, 1010);
    assert_int_equal(cluster_blocks(cluster, 0), 20);
    assert_true(cluster_status(cluster, 0).is_quiet);
    cluster_destroy(cluster);
}

/* Votes held and blocks held stay where they are, however long the chain gets. */
static void memory_is_flat(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = 1});
    cluster_run_slots(cluster, 2);
    uint32_t blocks = 0;
    uint32_t votes = 0;
    size_t root = 0;
    /* The window of voted slots is full after 256. */
    for (unsigned i = 0; i < 400; i++) {
        (void)cluster_batch(cluster);
        cluster_run_slots(cluster, 1);
        struct notch_consensus_status status = cluster_status(cluster, 0);
        if (i == 270) {
            blocks = status.blocks;
            votes = status.votes;
            root = cluster_last_root(cluster, 0).len;
        }
        assert_true(i <= 270 || (status.blocks <= blocks && status.votes <= votes));
    }
    assert_true(cluster_last_root(cluster, 0).len <= root + 256); /* longer slot numbers */
    assert_true(blocks <= 4);
    assert_true(votes <= 48);
    cluster_destroy(cluster);
}

static void one_validator_with_real_signatures(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = 1, .crypto = notch_crypto_secp()});
    cluster_run_slots(cluster, 2);
    uint32_t batch = cluster_batch(cluster);
    cluster_run_slots(cluster, 10);
    assert_int_equal(cluster_times_final(cluster, batch), 1);
    expect_nobody_slashable(cluster, 1);
    cluster_destroy(cluster);
}

/* ---- four validators ---- */

static void four_validators_agree(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = 4});
    cluster_run_slots(cluster, 2);
    uint32_t batches[30];
    for (unsigned i = 0; i < 30; i++) {
        batches[i] = cluster_batch(cluster);
        cluster_run_slots(cluster, i % 7 == 0 ? 9 : 1);
    }
    cluster_run_slots(cluster, 10);
    for (unsigned i = 0; i < 30; i++) {
        assert_int_equal(cluster_times_final(cluster, batches[i]), 1);
        assert_true(cluster_final_ms(cluster, batches[i]) <= 150);
    }
    for (uint32_t i = 1; i < 4; i++) {
        struct notch_hash first = cluster_status(cluster, 0).head;
        struct notch_hash other = cluster_status(cluster, i).head;
        assert_true(notch_hash_eq(&first, &other));
        assert_true(cluster_status(cluster, i).is_quiet);
        /* What the chain determines is the same to the byte everywhere. */
        assert_true(notch_bytes_eq(cluster_last_root(cluster, 0), cluster_last_root(cluster, i)));
    }
    expect_nobody_slashable(cluster, 4);
    cluster_destroy(cluster);
}

/* One of four is off: its slots have no block, the others vote for the last head at DELTA, and finality goes on. */
static void a_missing_leader(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = 4});
    cluster_run_slots(cluster, 2);
    cluster_stop(cluster, 0); /* leads slot 4 */
    cluster_trace(cluster, true);
    uint32_t batch = cluster_batch(cluster);
    cluster_run_slots(cluster, 3);
    expect_trace(cluster, "2.000 n3 propose   b2\n"
                          "2.000 n3 head      b2\n"
                          "2.000 n3 vote      b2 target g source g@0\n"
                          "2.000 n1 head      b2\n"
                          "2.000 n1 vote      b2 target g source g@0\n"
                          "2.000 n2 head      b2\n"
                          "2.000 n2 vote      b2 target g source g@0\n"
                          "2.000 n2 justified g@2\n"
                          "2.000 n1 justified g@2\n"
                          "2.000 n3 justified g@2\n"
                          "2.500 n1 confirmed b2\n"
                          "2.500 n2 confirmed b2\n"
                          "2.500 n3 confirmed b2\n"
                          "3.000 n3 propose   b3\n"
                          "3.000 n3 head      b3\n"
                          "3.000 n3 vote      b3 target b2 source g@2\n"
                          "3.000 n1 head      b3\n"
                          "3.000 n1 vote      b3 target b2 source g@2\n"
                          "3.000 n2 head      b3\n"
                          "3.000 n2 vote      b3 target b2 source g@2\n"
                          "3.000 n2 justified b2@3\n"
                          "3.000 n1 justified b2@3\n"
                          "3.000 n3 justified b2@3\n"
                          "3.500 n1 confirmed b3\n"
                          "3.500 n2 confirmed b3\n"
                          "3.500 n3 confirmed b3\n"
                          "4.250 n1 vote      b3 target b3 source b2@3\n"
                          "4.250 n2 vote      b3 target b3 source b2@3\n"
                          "4.250 n3 vote      b3 target b3 source b2@3\n"
                          "4.250 n3 justified b3@4\n"
                          "4.250 n3 final     b2@3\n"
                          "4.250 n1 justified b3@4\n"
                          "4.250 n1 final     b2@3\n"
                          "4.250 n2 justified b3@4\n"
                          "4.250 n2 final     b2@3\n");
    cluster_run_slots(cluster, 20);
    assert_int_equal(cluster_times_final(cluster, batch), 1);
    /* It comes back, asks for what it missed, and follows. */
    cluster_start(cluster, 0, false);
    uint32_t second = cluster_batch(cluster);
    cluster_run_slots(cluster, 12);
    assert_int_equal(cluster_times_final(cluster, second), 1);
    assert_int_equal(cluster_status(cluster, 0).finalized_height.raw, cluster_status(cluster, 1).finalized_height.raw);
    expect_nobody_slashable(cluster, 4);
    cluster_destroy(cluster);
}

/* Two against two: both sides go on locally, neither finalises; after the heal everything becomes final once. */
static void a_partition_heals(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = 4});
    cluster_run_slots(cluster, 2);
    uint32_t before = cluster_batch(cluster);
    cluster_run_slots(cluster, 8);
    for (uint32_t i = 0; i < 4; i++) {
        cluster_link(cluster, i % 2, 2 + i / 2, false);
    }
    uint64_t height = cluster_status(cluster, 0).finalized_height.raw;
    uint32_t during = cluster_batch(cluster);
    cluster_run_slots(cluster, 60);
    assert_int_equal(cluster_status(cluster, 0).finalized_height.raw, height);
    assert_int_equal(cluster_times_final(cluster, during), 0);
    assert_true(cluster_status(cluster, 0).is_partitioned);
    for (uint32_t i = 0; i < 4; i++) {
        cluster_link(cluster, i % 2, 2 + i / 2, true);
    }
    cluster_run_slots(cluster, 20);
    assert_int_equal(cluster_times_final(cluster, before), 1);
    assert_int_equal(cluster_times_final(cluster, during), 1);
    assert_false(cluster_status(cluster, 0).is_partitioned);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(cluster_alarms(cluster, i, NOTCH_CONSENSUS_ALARM_EVIDENCE), 0);
    }
    cluster_destroy(cluster);
}

/* A validator that votes twice is shown by everybody, and loses its seat with the next set. */
static void an_equivocator_is_banned(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = 5, .members = 5, .epoch = 32});
    cluster_run_slots(cluster, 2);
    (void)cluster_batch(cluster);
    cluster_run_slots(cluster, 1);
    struct notch_consensus_status status = cluster_status(cluster, 0);
    struct notch_vote_data data = {.set_id = 0, .slot = {2}, .source = {{0}, cluster_domain(cluster)->genesis}};
    memcpy(data.set_root8, status.set.root.raw, sizeof data.set_root8);
    data.target = cluster_domain(cluster)->genesis;
    data.head = cluster_domain(cluster)->genesis;
    const struct notch_signer *liar = cluster_signer(cluster, 4);
    struct notch_vote vote;
    assert_true(notch_vote_sign(&vote, cluster_domain(cluster), notch_crypto_standin(), liar, &data,
                                (uint16_t)notch_set_index(&status.set, &liar->key)));
    uint8_t bytes[512];
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    notch_votes_encode(&writer, &vote, 1);
    struct notch_consensus_event event = {.type = NOTCH_CONSENSUS_EVENT_VOTES, .peer = 5};
    event.votes.bytes = notch_writer_bytes(&writer);
    cluster_event(cluster, 0, &event);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(cluster_alarms(cluster, i, NOTCH_CONSENSUS_ALARM_EVIDENCE), 1);
    }
    for (unsigned i = 0; i < 44; i++) {
        (void)cluster_batch(cluster);
        cluster_run_slots(cluster, 1);
    }
    for (uint32_t i = 0; i < 5; i++) {
        status = cluster_status(cluster, i);
        assert_int_equal(status.set.id, 1);
        assert_int_equal(status.set.count, 4);
        assert_int_equal(notch_set_index(&status.set, &liar->key), NOTCH_SET_NO_MEMBER);
    }
    cluster_destroy(cluster);
}

/* ---- sets ---- */

/* 1.8, 8 L5, 11.2 to 11.4: a second validator joins the first. */
static void one_becomes_two(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = 2, .members = 1, .epoch = 32});
    cluster_run_slots(cluster, 2);
    (void)cluster_join(cluster, 1);
    cluster_run_slots(cluster, 60);
    /* In force, but not yet with the newcomer: it had not voted enough by the first signal. */
    assert_int_equal(cluster_status(cluster, 0).set.id, 1);
    assert_int_equal(cluster_status(cluster, 0).set.count, 1);
    cluster_trace(cluster, true);
    cluster_run_slots(cluster, 7);
    expect_trace(cluster, "64.000 n0 propose   b64\n" /* the signal block, because a change is due */
                          "64.000 n0 head      b64\n"
                          "64.000 n0 vote      b64 target b38 source b38@40\n"
                          "64.000 n0 justified b38@64\n"
                          "64.000 n1 head      b64\n"
                          "64.000 n1 vote      b64 target b38 source b38@40\n" /* its shadow vote */
                          "64.000 n1 justified b38@64\n"
                          "64.500 n0 confirmed b64\n"
                          "64.500 n1 confirmed b64\n"
                          "65.000 n0 propose   b65\n"
                          "65.000 n0 head      b65\n"
                          "65.000 n0 vote      b65 target b64 source b38@64\n"
                          "65.000 n0 justified b64@65\n"
                          "65.000 n1 head      b65\n"
                          "65.000 n1 vote      b65 target b64 source b38@64\n"
                          "65.000 n1 justified b64@65\n"
                          "65.500 n0 confirmed b65\n"
                          "65.500 n1 confirmed b65\n"
                          "66.000 n0 propose   b66\n"
                          "66.000 n0 head      b66\n"
                          "66.000 n0 vote      b66 target b64 source b64@65\n" /* nothing behind the signal (E3) */
                          "66.000 n0 justified b64@66\n"
                          "66.000 n0 set       2 of 2 members\n"
                          "66.000 n0 final     b64@65\n"
                          "66.000 n0 justified b64@64\n" /* the root of the new set */
                          "66.000 n1 head      b66\n"
                          "66.000 n1 vote      b66 target b64 source b64@65\n"
                          "66.000 n1 justified b64@66\n"
                          "66.000 n1 set       2 of 2 members\n"
                          "66.000 n1 final     b64@65\n"
                          "66.000 n1 justified b64@64\n"
                          "66.500 n0 confirmed b64\n"
                          "66.500 n1 confirmed b64\n"
                          "67.000 n1 propose   b67\n" /* led by the new set: its own votes prove the signal (8 L4) */
                          "67.000 n1 head      b67\n"
                          "67.000 n1 vote      b67 target b64 source b64@64\n" /* both have a seat now */
                          "67.000 n0 head      b67\n"
                          "67.000 n0 vote      b67 target b64 source b64@64\n"
                          "67.000 n0 justified b64@67\n"
                          "67.000 n1 justified b64@67\n"
                          "67.500 n0 confirmed b67\n"
                          "67.500 n1 confirmed b67\n"
                          "68.000 n1 propose   b68\n"
                          "68.000 n1 head      b68\n"
                          "68.000 n1 vote      b68 target b67 source b64@67\n"
                          "68.000 n0 head      b68\n"
                          "68.000 n0 vote      b68 target b67 source b64@67\n"
                          "68.000 n0 justified b67@68\n"
                          "68.000 n1 justified b67@68\n"
                          "68.500 n0 confirmed b68\n"
                          "68.500 n1 confirmed b68\n");
    uint32_t batch = cluster_batch(cluster);
    cluster_run_slots(cluster, 20);
    assert_int_equal(cluster_times_final(cluster, batch), 1);
    assert_true(cluster_status(cluster, 0).is_quiet);
    expect_nobody_slashable(cluster, 2);
    cluster_destroy(cluster);
}

/* Members come and go while records flow; whoever is restarted in the middle of it follows. */
static void sets_change_under_load(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = 6, .members = 4, .epoch = 32});
    cluster_run_slots(cluster, 2);
    (void)cluster_join(cluster, 4);
    (void)cluster_join(cluster, 5);
    uint32_t batches[400];
    for (unsigned i = 0; i < 400; i++) {
        if (i == 150) {
            (void)cluster_leave(cluster, 0);
        }
        if (i % 37 == 20) {
            cluster_stop(cluster, i / 37 % 6);
        }
        if (i % 37 == 25) {
            cluster_start(cluster, i / 37 % 6, false);
        }
        batches[i] = cluster_batch(cluster);
        cluster_run_slots(cluster, 1);
    }
    cluster_run_slots(cluster, 30);
    for (unsigned i = 0; i < 400; i++) {
        assert_int_equal(cluster_times_final(cluster, batches[i]), 1);
    }
    struct notch_consensus_status status = cluster_status(cluster, 3);
    assert_true(status.set.id >= 9);
    assert_int_equal(status.set.count, 5);
    assert_int_equal(notch_set_index(&status.set, &cluster_signer(cluster, 0)->key), NOTCH_SET_NO_MEMBER);
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(cluster_alarms(cluster, i, NOTCH_CONSENSUS_ALARM_EVIDENCE), 0);
        assert_int_equal(cluster_status(cluster, i).finalized_height.raw, status.finalized_height.raw);
        assert_true(notch_bytes_eq(cluster_last_root(cluster, 3), cluster_last_root(cluster, i)));
    }
    cluster_destroy(cluster);
}

/* 8 L2: all stop right after a signal block became final in their stores; the chain can still prove it later. */
static void a_hand_over_survives_a_pause(void **state)
{
    (void)state;
    for (uint32_t nodes = 1; nodes <= 4; nodes += 3) {
        struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = nodes, .epoch = 32});
        cluster_run_slots(cluster, 2);
        while (cluster_status(cluster, 0).set.id == 0) {
            (void)cluster_batch(cluster);
            cluster_run_ms(cluster, 5);
        }
        for (uint32_t i = 0; i < nodes; i++) {
            cluster_stop(cluster, i);
        }
        cluster_run_slots(cluster, 200);
        for (uint32_t i = 0; i < nodes; i++) {
            cluster_start(cluster, i, false);
        }
        uint32_t batch = cluster_batch(cluster);
        cluster_run_slots(cluster, 30);
        assert_int_equal(cluster_times_final(cluster, batch), 1);
        assert_true(cluster_status(cluster, 0).set.id >= 1);
        expect_nobody_slashable(cluster, nodes);
        cluster_destroy(cluster);
    }
}

/* The same world twice says the same, byte for byte. */
static void runs_repeat(void **state)
{
    (void)state;
    char *first = NULL;
    for (unsigned round = 0; round < 2; round++) {
        struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = 5, .members = 4, .epoch = 32});
        cluster_trace(cluster, true);
        (void)cluster_join(cluster, 4);
        for (unsigned i = 0; i < 80; i++) {
            (void)cluster_batch(cluster);
            cluster_run_ms(cluster, 17);
        }
        const char *got = cluster_trace_take(cluster);
        if (round == 0) {
            first = strdup(got);
        } else {
            assert_string_equal(got, first);
        }
        cluster_destroy(cluster);
    }
    free(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_validator_confirmed),
        cmocka_unit_test(one_validator_head),
        cmocka_unit_test(the_first_record_after_a_quiet_hour),
        cmocka_unit_test(an_idle_chain_beats),
        cmocka_unit_test(memory_is_flat),
        cmocka_unit_test(one_validator_with_real_signatures),
        cmocka_unit_test(four_validators_agree),
        cmocka_unit_test(a_missing_leader),
        cmocka_unit_test(a_partition_heals),
        cmocka_unit_test(an_equivocator_is_banned),
        cmocka_unit_test(one_becomes_two),
        cmocka_unit_test(sets_change_under_load),
        cmocka_unit_test(a_hand_over_survives_a_pause),
        cmocka_unit_test(runs_repeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
