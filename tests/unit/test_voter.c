#include "consensus/votelog.h"
#include "tests/support/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct notch__log_entry entry_at(const struct cluster *cluster, uint32_t node, size_t index)
{
    struct notch__log_entry entry;
    struct notch_reject reject = notch__log_read(&entry, cluster_log_entry(cluster, node, index));
    assert_true(notch_is_valid(reject));
    return entry;
}

/* How many entries of a kind there are from `first` on, and the slot of the first of them. */
static size_t count_kind(const struct cluster *cluster, uint32_t node, size_t first, enum notch__log_kind kind,
                         uint64_t *slot)
{
    size_t count = 0;
    for (size_t i = first; i < cluster_log_count(cluster, node); i++) {
        struct notch__log_entry entry = entry_at(cluster, node, i);
        if (entry.kind == kind) {
            *slot = count == 0 ? entry.slot.raw : *slot;
            count++;
        }
    }
    return count;
}

/* A lone validator that has worked for a while and is then started again with one more entry in its log. */
static struct cluster *restarted_with(const struct notch__log_entry *entry, size_t *logged)
{
    struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = 1});
    cluster_run_slots(cluster, 2);
    (void)cluster_batch(cluster);
    cluster_run_slots(cluster, 10);
    cluster_stop(cluster, 0);
    if (entry != NULL) {
        struct notch_buf bytes;
        notch_buf_init(&bytes, notch_alloc_heap());
        struct notch_writer writer = notch_writer_grow(&bytes);
        notch__log_write(&writer, entry);
        cluster_log_add(cluster, 0, notch_buf_bytes(&bytes));
        notch_buf_fini(&bytes);
    }
    *logged = cluster_log_count(cluster, 0);
    cluster_start(cluster, 0, false);
    (void)cluster_batch(cluster);
    return cluster;
}

static struct notch__log_entry logged_vote(uint32_t set_id, uint64_t slot, uint64_t source)
{
    static const uint8_t none = 0;
    struct notch__log_entry entry = {.kind = NOTCH__LOG_VOTE, .justification = notch_bytes(&none, 1)};
    entry.vote.data.set_id = set_id;
    entry.vote.data.slot.raw = slot;
    entry.vote.data.source.slot.raw = source;
    return entry;
}

static void a_restart_goes_on_where_it_stopped(void **state)
{
    (void)state;
    size_t logged;
    struct cluster *cluster = restarted_with(NULL, &logged);
    struct notch__log_entry last = entry_at(cluster, 0, logged - 1);
    cluster_run_slots(cluster, 8);
    assert_int_equal(cluster_times_final(cluster, 1), 1);
    uint64_t slot = 0;
    assert_true(count_kind(cluster, 0, logged, NOTCH__LOG_VOTE, &slot) > 0);
    assert_true(slot > last.slot.raw);
    cluster_destroy(cluster);
}

/* 8 S1: never two votes in a slot. */
static void no_second_vote_in_a_slot(void **state)
{
    (void)state;
    struct notch__log_entry entry = logged_vote(0, 17, 0);
    size_t logged;
    struct cluster *cluster = restarted_with(&entry, &logged);
    cluster_run_slots(cluster, 12);
    uint64_t slot = 0;
    assert_true(count_kind(cluster, 0, logged, NOTCH__LOG_VOTE, &slot) > 0);
    assert_int_equal(slot, 18);
    cluster_destroy(cluster);
}

/* 8 S1: never an older source in the same set. */
static void no_older_source(void **state)
{
    (void)state;
    struct notch__log_entry entry = logged_vote(0, 11, 11);
    size_t logged;
    struct cluster *cluster = restarted_with(&entry, &logged);
    cluster_run_slots(cluster, 12);
    uint64_t slot = 0;
    assert_int_equal(count_kind(cluster, 0, logged, NOTCH__LOG_VOTE, &slot), 0);
    assert_int_equal(cluster_times_final(cluster, 1), 0);
    cluster_destroy(cluster);
}

/* 8 S1: never back to an older set. */
static void no_older_set(void **state)
{
    (void)state;
    struct notch__log_entry entry = logged_vote(1, 11, 0);
    size_t logged;
    struct cluster *cluster = restarted_with(&entry, &logged);
    cluster_run_slots(cluster, 12);
    uint64_t slot = 0;
    assert_int_equal(count_kind(cluster, 0, logged, NOTCH__LOG_VOTE, &slot), 0);
    cluster_destroy(cluster);
}

/* 8 S2: never two proposals in a slot. */
static void no_second_proposal_in_a_slot(void **state)
{
    (void)state;
    struct notch__log_entry entry = {.kind = NOTCH__LOG_PROPOSAL, .slot = {17}};
    size_t logged;
    struct cluster *cluster = restarted_with(&entry, &logged);
    cluster_run_slots(cluster, 12);
    uint64_t slot = 0;
    assert_true(count_kind(cluster, 0, logged, NOTCH__LOG_PROPOSAL, &slot) > 0);
    assert_int_equal(slot, 18);
    cluster_destroy(cluster);
}

/* 8 S3, 11.8: a lost log silences its owner, over any number of restarts, until the operator says otherwise. */
static void a_lost_log_silences(void **state)
{
    (void)state;
    size_t logged;
    struct cluster *cluster = restarted_with(NULL, &logged);
    cluster_stop(cluster, 0);
    cluster_start(cluster, 0, true);
    cluster_run_slots(cluster, 12);
    uint64_t slot = 0;
    assert_int_equal(cluster_alarms(cluster, 0, NOTCH_CONSENSUS_ALARM_VOTE_LOST), 1);
    assert_int_equal(count_kind(cluster, 0, 0, NOTCH__LOG_VOTE, &slot), 0);
    cluster_stop(cluster, 0);
    cluster_start(cluster, 0, false);
    cluster_run_slots(cluster, 12);
    assert_int_equal(count_kind(cluster, 0, 0, NOTCH__LOG_VOTE, &slot), 0);
    assert_false(cluster_status(cluster, 0).is_voting);
    struct notch_consensus_event event = {.type = NOTCH_CONSENSUS_EVENT_OPERATOR};
    event.operator_.command = NOTCH_CONSENSUS_VOTE_RESET;
    cluster_event(cluster, 0, &event);
    cluster_run_slots(cluster, 12);
    assert_true(count_kind(cluster, 0, 0, NOTCH__LOG_VOTE, &slot) > 0);
    assert_int_equal(cluster_times_final(cluster, 1), 1);
    cluster_destroy(cluster);
}

/* Of four, one with a lost log: the others justify a later checkpoint, and it may vote again by itself. */
static void a_lost_log_heals_among_others(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = 4});
    cluster_run_slots(cluster, 2);
    cluster_stop(cluster, 2);
    cluster_start(cluster, 2, true);
    uint64_t from = cluster_status(cluster, 2).slot.raw;
    for (unsigned i = 0; i < 12; i++) {
        (void)cluster_batch(cluster);
        cluster_run_slots(cluster, 1);
    }
    uint64_t slot = 0;
    assert_true(count_kind(cluster, 2, 0, NOTCH__LOG_VOTE, &slot) > 0);
    assert_true(slot > from + 2);
    for (size_t i = 0; i < cluster_log_count(cluster, 2); i++) {
        struct notch__log_entry entry = entry_at(cluster, 2, i);
        assert_true(entry.kind != NOTCH__LOG_VOTE || entry.vote.data.source.slot.raw >= from + 2);
    }
    cluster_destroy(cluster);
}

/*
 * 8 L1: what justifies a vote's source is in the log with it. All nodes lose everything but their vote logs and the
 * bodies; whoever had to believe an older source could not vote any more.
 */
static void the_log_justifies_its_sources(void **state)
{
    (void)state;
    for (uint32_t nodes = 1; nodes <= 4; nodes += 3) {
        struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = nodes});
        cluster_run_slots(cluster, 2);
        for (unsigned i = 0; i < 6; i++) {
            (void)cluster_batch(cluster);
            cluster_run_slots(cluster, 1);
        }
        for (uint32_t i = 0; i < nodes; i++) {
            cluster_stop(cluster, i);
        }
        for (uint32_t i = 0; i < nodes; i++) {
            cluster_start(cluster, i, false);
        }
        uint32_t batch = cluster_batch(cluster);
        cluster_run_slots(cluster, 8);
        assert_int_equal(cluster_times_final(cluster, batch), 1);
        for (uint32_t i = 0; i < nodes; i++) {
            assert_int_equal(cluster_alarms(cluster, i, NOTCH_CONSENSUS_ALARM_EVIDENCE), 0);
        }
        cluster_destroy(cluster);
    }
}

/* ---- one core, event by event ---- */

/* Persist before send: the vote's SEND names the PERSIST that carries that very vote; same for a proposal. */
static void sends_name_what_they_wait_for(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = 1});
    struct notch_consensus *core = cluster_core(cluster, 0);
    uint64_t now_ms = cluster_now_ms(cluster) + 1000;
    uint64_t seq = 1000;
    struct notch_consensus_event tick = {.type = NOTCH_CONSENSUS_EVENT_PENDING, .seq = seq, .now = {now_ms}};
    seq++;
    tick.pending.batches = 1;
    notch_consensus_handle(core, &tick);
    struct notch_consensus_effect effect;
    uint64_t asked = 0;
    while (notch_consensus_poll(core, &effect)) {
        asked = effect.type == NOTCH_CONSENSUS_NEED_BATCHES ? effect.token : asked;
    }
    assert_true(asked != 0);
    struct notch_hash id = {{1}};
    struct notch_consensus_event batches = {.type = NOTCH_CONSENSUS_EVENT_BATCHES, .seq = seq, .now = {now_ms}};
    batches.batches.token = asked;
    batches.batches.ids = &id;
    batches.batches.count = 1;
    notch_consensus_handle(core, &batches);
    uint64_t persisted = 0;
    struct notch_hash hash = {{0}};
    bool is_sent = false;
    while (notch_consensus_poll(core, &effect)) {
        if (effect.type == NOTCH_CONSENSUS_PERSIST) {
            struct notch__log_entry entry;
            assert_true(notch_is_valid(notch__log_read(&entry, effect.persist.entry)));
            assert_int_equal(entry.kind, NOTCH__LOG_PROPOSAL);
            persisted = effect.token;
            hash = entry.hash;
        } else if (effect.type == NOTCH_CONSENSUS_SEND) {
            struct notch_header header;
            struct notch_bytes body;
            struct notch_hash sent;
            assert_true(notch_is_valid(notch_block_split(&header, &body, effect.send.bytes)));
            notch_header_hash(&sent, cluster_domain(cluster), &header);
            assert_true(persisted != 0);
            assert_int_equal(effect.after, persisted);
            assert_true(notch_hash_eq(&sent, &hash));
            is_sent = true;
        }
    }
    assert_true(is_sent);
    cluster_destroy(cluster);
}

/* A crash between writing a vote and sending it: the vote is sent after the restart, the same one, and no other. */
static void a_written_vote_is_sent_again(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = 4});
    cluster_run_slots(cluster, 2);
    (void)cluster_batch(cluster);
    for (unsigned i = 0; i < 2; i++) {
        cluster_run_slots(cluster, 1);
        cluster_crash_at_persist(cluster, 1, i == 0);
        cluster_run_slots(cluster, 1);
        assert_false(cluster_is_up(cluster, 1));
        cluster_start(cluster, 1, false);
        (void)cluster_batch(cluster);
    }
    cluster_run_slots(cluster, 6);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(cluster_alarms(cluster, i, NOTCH_CONSENSUS_ALARM_EVIDENCE), 0);
        assert_int_equal(cluster_status(cluster, i).finalized_height.raw,
                         cluster_status(cluster, 0).finalized_height.raw);
    }
    assert_int_equal(cluster_times_final(cluster, 1), 1);
    cluster_destroy(cluster);
}

static void a_failed_disk_ends_voting(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = 1});
    cluster_run_slots(cluster, 2);
    struct notch_consensus_event event = {.type = NOTCH_CONSENSUS_EVENT_FAILED};
    cluster_event(cluster, 0, &event);
    (void)cluster_batch(cluster);
    cluster_run_slots(cluster, 5);
    assert_int_equal(cluster_log_count(cluster, 0), 0);
    assert_false(cluster_status(cluster, 0).is_voting);
    cluster_destroy(cluster);
}

/* 8 L10, 11.1: without a trusted clock, a jump stops a member of four; it goes on when others report its slot. */
static void a_clock_that_jumped_is_not_believed(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = 4});
    cluster_run_slots(cluster, 2);
    /* A block that is not final yet: there is something to vote for. */
    (void)cluster_batch(cluster);
    cluster_run_slots(cluster, 1);
    size_t logged = cluster_log_count(cluster, 0);
    assert_true(logged > 0);
    for (uint32_t i = 1; i < 4; i++) {
        cluster_stop(cluster, i);
    }
    struct notch_consensus_event doubt = {.type = NOTCH_CONSENSUS_EVENT_OPERATOR};
    doubt.operator_.command = NOTCH_CONSENSUS_CLOCK_DOUBTED;
    cluster_event(cluster, 0, &doubt);
    cluster_run_slots(cluster, 20);
    assert_int_equal(cluster_log_count(cluster, 0), logged);
    /* The next slot begins with the report. One that is far off does not help, one that is near does: with
     * ourselves, half of the weight. */
    struct notch_consensus_event report = {.type = NOTCH_CONSENSUS_EVENT_REPORT};
    report.report.key = cluster_signer(cluster, 1)->key;
    report.report.slot.raw = cluster_status(cluster, 0).slot.raw + 1 + 3;
    cluster_event(cluster, 0, &report);
    cluster_run_slots(cluster, 20);
    assert_int_equal(cluster_log_count(cluster, 0), logged);
    report.report.slot.raw = cluster_status(cluster, 0).slot.raw + 1 + 2;
    cluster_event(cluster, 0, &report);
    cluster_run_slots(cluster, 20);
    assert_true(cluster_log_count(cluster, 0) > logged);
    cluster_destroy(cluster);
}

static void log_entries_round_trip(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_create(&(struct cluster_options){.nodes = 4});
    cluster_run_slots(cluster, 2);
    (void)cluster_batch(cluster);
    cluster_run_slots(cluster, 8);
    size_t with_votes = 0;
    for (size_t i = 0; i < cluster_log_count(cluster, 0); i++) {
        struct notch__log_entry entry = entry_at(cluster, 0, i);
        struct notch_buf bytes;
        notch_buf_init(&bytes, notch_alloc_heap());
        struct notch_writer writer = notch_writer_grow(&bytes);
        notch__log_write(&writer, &entry);
        assert_true(notch_bytes_eq(notch_buf_bytes(&bytes), cluster_log_entry(cluster, 0, i)));
        with_votes += entry.kind == NOTCH__LOG_VOTE && entry.justification.len > 1;
        assert_false(notch_is_valid(notch__log_read(&entry, notch_bytes(bytes.data, bytes.len - 1))));
        notch_buf_fini(&bytes);
    }
    assert_true(with_votes > 2);
    cluster_destroy(cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restart_goes_on_where_it_stopped),
        cmocka_unit_test(no_second_vote_in_a_slot),
        cmocka_unit_test(no_older_source),
        cmocka_unit_test(no_older_set),
        cmocka_unit_test(no_second_proposal_in_a_slot),
        cmocka_unit_test(a_lost_log_silences),
        cmocka_unit_test(a_lost_log_heals_among_others),
        cmocka_unit_test(the_log_justifies_its_sources),
        cmocka_unit_test(sends_name_what_they_wait_for),
        cmocka_unit_test(a_written_vote_is_sent_again),
        cmocka_unit_test(a_failed_disk_ends_voting),
        cmocka_unit_test(a_clock_that_jumped_is_not_believed),
        cmocka_unit_test(log_entries_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
