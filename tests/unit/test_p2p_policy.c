#include "tests/support/p2p_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct notch_hash genesis = {{1, 2, 3}};
static const uint8_t secret_of_stranger[32] = {77, [31] = 1};

static struct notch_p2p_stats stats_of(struct notch_test_net *net, uint32_t node)
{
    struct notch_p2p_stats stats;
    notch_p2p_stats(notch_test_net_node(net, node)->p2p, &stats);
    return stats;
}

/* A connection that is up and whose other end is the test. */
static uint64_t stranger_joins(struct notch_test_net *net, uint32_t node, struct notch_signer *signer)
{
    *signer = (struct notch_signer){.secret = secret_of_stranger};
    assert_true(notch_crypto_standin()->key_of_secret(NULL, &signer->key, secret_of_stranger));
    uint64_t peer = notch_test_net_connect_raw(net, node, &signer->key, notch_p2p_address_v4(99, 9, 0, 1, 5000));
    notch_test_net_hello(net, node, peer, signer, &genesis);
    return peer;
}

static void give_items(struct notch_test_net *net, uint32_t node, uint64_t peer, enum notch_p2p_type type,
                       uint32_t first, uint32_t count, uint8_t letter, uint8_t hops)
{
    uint8_t packed[100 * 16];
    struct notch_writer writer = notch_writer(packed, sizeof packed);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t item[8] = {letter};
        notch_put_be32(item + 4, first + i);
        notch_p2p_item_write(&writer, hops, notch_bytes(item, sizeof item));
    }
    struct notch_p2p_message message = {.type = type, .items = {{count, notch_writer_bytes(&writer)}}};
    notch_test_net_frame(net, node, peer, &message);
}

/* Up to its quota it is heard; beyond it is not, and soon it is gone. */
static void a_flooding_peer_is_limited_and_banned(void **state)
{
    (void)state;
    struct notch_test_net *net = notch_test_net_new(2, 1, NULL, NULL);
    struct notch_test_node *node = notch_test_net_node(net, 0);
    (void)notch_test_net_connect(net, 0, 1);
    notch_test_net_run(net, 2000);
    struct notch_signer stranger;
    uint64_t peer = stranger_joins(net, 0, &stranger);
    for (uint32_t i = 0; i < 1000000 / 100; i++) {
        give_items(net, 0, peer, NOTCH_P2P_VOTES, i * 100, 100, 1, 1);
    }
    assert_int_equal(node->bans, 1);
    assert_int_equal(node->last_reason, NOTCH_P2P_REASON_SCORE);
    assert_true(notch_p2p_is_banned(node->p2p, &stranger.key));
    assert_true(node->delivered <= 8000);
    assert_true(stats_of(net, 0).limited[NOTCH_P2P_CLASS_VOTES] >= 100);
    assert_true(node->alloc.peak_bytes < 16 << 20);
    /* It may not come back, and the honest one stays. */
    peer = notch_test_net_connect_raw(net, 0, &stranger.key, notch_p2p_address_v4(98, 9, 0, 1, 5000));
    assert_int_equal(node->last_reason, NOTCH_P2P_REASON_BANNED);
    notch_test_net_run(net, 5000);
    assert_int_equal(stats_of(net, 0).peers_up, 1);
    assert_int_equal(notch_test_net_node(net, 1)->downs, 0);
    notch_test_net_free(net);
}

static void invalid_items_cost_the_connection(void **state)
{
    (void)state;
    struct notch_test_net *net = notch_test_net_new(2, 1, NULL, NULL);
    struct notch_test_node *node = notch_test_net_node(net, 0);
    (void)notch_test_net_connect(net, 0, 1);
    notch_test_net_run(net, 2000);
    struct notch_signer stranger;
    uint64_t peer = stranger_joins(net, 0, &stranger);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(node->bans, 0);
        give_items(net, 0, peer, NOTCH_P2P_BLOCKS, i, 1, 0xff, 1);
        notch_test_net_run(net, 1);
    }
    assert_int_equal(node->bans, 1);
    assert_int_equal(stats_of(net, 0).invalid, 3);
    /* None of it was passed on. */
    notch_test_net_run(net, 5000);
    assert_int_equal(notch_test_net_node(net, 1)->delivered, 0);
    notch_test_net_free(net);
}

/* Votes overtake records; what does not fit is dropped, the oldest or the newest as the class says. */
static void a_slow_reader_stays_in_bounds(void **state)
{
    (void)state;
    struct notch_test_net *net = notch_test_net_new(2, 1, NULL, NULL);
    (void)notch_test_net_connect(net, 0, 1);
    notch_test_net_run(net, 2000);
    struct notch_test_node *reader = notch_test_net_node(net, 1);
    reader->read_rate = 200000;
    uint8_t record[1000] = {1};
    for (uint32_t i = 0; i < 6000; i++) {
        notch_put_be32(record + 4, i);
        notch_test_net_publish(net, 0, NOTCH_P2P_RECORDS, record, sizeof record);
    }
    notch_test_net_run(net, 100);
    uint64_t voted_at = notch_test_net_now(net);
    notch_test_net_publish(net, 0, NOTCH_P2P_VOTES, "v", 1);
    struct notch_p2p_stats stats = stats_of(net, 0);
    assert_true(stats.queued_bytes_peak <= 4 << 20);
    assert_true(stats.dropped[NOTCH_P2P_CLASS_RECORDS] > 1000);
    notch_test_net_run(net, 40000);
    assert_int_equal(reader->votes_delivered, 1);
    /* Behind the window alone: 256 KiB and a frame, at 200 kB/s. */
    assert_true(reader->first_vote_at - voted_at < 2000);
    assert_true(reader->last_record_at > reader->first_vote_at + 10000);
    assert_true(reader->records_delivered > 3000);
    assert_int_equal(reader->downs, 0);
    notch_test_net_free(net);
}

static void one_that_does_not_read_is_let_go(void **state)
{
    (void)state;
    struct notch_test_net *net = notch_test_net_new(2, 1, NULL, NULL);
    (void)notch_test_net_connect(net, 0, 1);
    notch_test_net_run(net, 2000);
    notch_test_net_node(net, 1)->read_rate = 1;
    uint8_t batch[60000] = {1};
    for (uint32_t i = 0; i < 200; i++) {
        notch_put_be32(batch + 4, i);
        notch_test_net_publish(net, 0, NOTCH_P2P_BATCHES, batch, sizeof batch);
    }
    assert_true(stats_of(net, 0).queued_bytes_peak <= 4 << 20);
    notch_test_net_run(net, 19000);
    assert_int_equal(notch_test_net_node(net, 0)->downs, 0);
    notch_test_net_run(net, 3000);
    assert_int_equal(notch_test_net_node(net, 0)->last_reason, NOTCH_P2P_REASON_SLOW);
    notch_test_net_free(net);
}

/* Ten million ids: a peer gets its share of the table, and loses its points for not keeping its word. */
static void announcing_what_is_not_there(void **state)
{
    (void)state;
    struct notch_test_net *net = notch_test_net_new(1, 1, NULL, NULL);
    struct notch_test_node *node = notch_test_net_node(net, 0);
    struct notch_signer stranger;
    uint64_t peer = stranger_joins(net, 0, &stranger);
    static struct notch_hash ids[1000];
    uint32_t most = 0;
    for (uint32_t i = 0; i < 10000 && node->downs == 0; i++) {
        for (uint32_t j = 0; j < 1000; j++) {
            notch_put_be32(ids[j].raw, i * 1000 + j);
        }
        struct notch_p2p_message have = {.type = NOTCH_P2P_HAVE};
        have.ids.type = NOTCH_P2P_BATCHES;
        have.ids.ids = (struct notch_p2p_list){1000, notch_bytes(ids, sizeof ids)};
        notch_test_net_frame(net, 0, peer, &have);
        most = stats_of(net, 0).wanted > most ? stats_of(net, 0).wanted : most;
    }
    assert_int_equal(node->bans, 1); /* over the quota of messages by then */
    assert_int_equal(most, 4096);
    assert_true(node->alloc.peak_bytes < 8 << 20);
    notch_test_net_run(net, 60000);
    assert_int_equal(stats_of(net, 0).wanted, 0);
    notch_test_net_free(net);
}

static void what_is_promised_is_asked_for(void **state)
{
    (void)state;
    struct notch_test_net *net = notch_test_net_new(1, 1, NULL, NULL);
    struct notch_test_node *node = notch_test_net_node(net, 0);
    struct notch_signer stranger;
    uint64_t peer = stranger_joins(net, 0, &stranger);
    struct notch_hash id;
    uint8_t item[8] = {1, [7] = 5};
    notch_p2p_item_id(&id, NOTCH_P2P_BLOCKS, notch_bytes(item, sizeof item));
    struct notch_p2p_message have = {.type = NOTCH_P2P_HAVE};
    have.ids.type = NOTCH_P2P_BLOCKS;
    have.ids.ids = (struct notch_p2p_list){1, notch_bytes(&id, sizeof id)};
    notch_test_net_frame(net, 0, peer, &have);
    notch_test_net_run(net, 200);
    give_items(net, 0, peer, NOTCH_P2P_BLOCKS, 5, 1, 1, 1);
    assert_int_equal(stats_of(net, 0).pulled, 1);
    assert_int_equal(stats_of(net, 0).wanted, 0);
    assert_int_equal(node->delivered, 1);
    give_items(net, 0, peer, NOTCH_P2P_BLOCKS, 5, 1, 1, 1);
    assert_int_equal(node->delivered, 1);
    assert_int_equal(stats_of(net, 0).duplicates, 1);
    /* What is not here any more is the node's to find. */
    struct notch_p2p_message want = have;
    want.type = NOTCH_P2P_WANT;
    id.raw[0] ^= 1;
    notch_test_net_frame(net, 0, peer, &want);
    assert_int_equal(node->asked, 1);
    notch_test_net_free(net);
}

static void hops_and_addressees_bound_an_item(void **state)
{
    (void)state;
    struct notch_test_net *net = notch_test_net_new(3, 1, NULL, NULL);
    (void)notch_test_net_connect(net, 0, 1);
    uint64_t to_third = notch_test_net_connect(net, 1, 2);
    notch_test_net_run(net, 2000);
    struct notch_signer stranger;
    uint64_t peer = stranger_joins(net, 0, &stranger);
    give_items(net, 0, peer, NOTCH_P2P_VOTES, 1, 1, 1, 7);
    notch_test_net_run(net, 5000);
    assert_int_equal(notch_test_net_node(net, 0)->delivered, 1);
    assert_int_equal(notch_test_net_node(net, 1)->delivered, 0);
    give_items(net, 0, peer, NOTCH_P2P_VOTES, 2, 1, 1, 6);
    notch_test_net_run(net, 5000);
    assert_int_equal(notch_test_net_node(net, 1)->delivered, 1); /* at the seventh hop, and no further */
    assert_int_equal(notch_test_net_node(net, 2)->delivered, 0);
    struct notch_p2p_event event = {.type = NOTCH_P2P_EVENT_PUBLISH};
    event.publish.type = NOTCH_P2P_RECEIPTS;
    event.publish.bytes = notch_bytes("receipt", 7);
    event.publish.to = to_third;
    notch_test_net_give(net, 1, &event);
    notch_test_net_run(net, 5000);
    assert_int_equal(notch_test_net_node(net, 2)->delivered, 1);
    assert_int_equal(notch_test_net_node(net, 0)->delivered, 2); /* the two votes alone */
    notch_test_net_free(net);
}

/* ---- whom to talk to ---- */

static void static_only(struct notch_p2p_options *options, uint32_t node, void *context)
{
    (void)node;
    (void)context;
    options->limits.backoff_ms_max = 8000;
}

static void static_peers_are_dialled_again(void **state)
{
    (void)state;
    struct notch_test_net *net = notch_test_net_new(2, 1, static_only, NULL);
    struct notch_test_node *node = notch_test_net_node(net, 0);
    notch_test_net_node(net, 1)->is_dead = true;
    struct notch_p2p_event wish = {.type = NOTCH_P2P_EVENT_STATIC, .fixed = {notch_test_net_address(1), true}};
    notch_test_net_give(net, 0, &wish);
    notch_test_net_run(net, 60000);
    assert_true(node->dials >= 7 && node->dials <= 14); /* after 1, 2, 4, then every 8 seconds, less up to a quarter */
    assert_int_equal(node->last_purpose, NOTCH_P2P_STATIC);
    notch_test_net_node(net, 1)->is_dead = false;
    notch_test_net_run(net, 10000);
    assert_int_equal(node->ups, 1);
    uint32_t dials = node->dials;
    notch_test_net_run(net, 30000);
    assert_int_equal(node->dials, dials);
    wish.fixed.is_wanted = false;
    notch_test_net_give(net, 0, &wish);
    struct notch_p2p_event close = {
        .type = NOTCH_P2P_EVENT_CLOSE, .peer = node->last_peer, .close = {NOTCH_P2P_REASON_OPERATOR}};
    notch_test_net_give(net, 0, &close);
    notch_test_net_run(net, 30000);
    assert_int_equal(node->dials, dials);
    notch_test_net_free(net);
}

static void small_world(struct notch_p2p_options *options, uint32_t node, void *context)
{
    (void)node;
    (void)context;
    options->limits.outbound_full = 4;
    options->limits.outbound_block = 2;
    options->limits.feeler_ms = 20000;
}

/* One address each to begin with: the others are heard of from peers. */
static void a_network_finds_itself(void **state)
{
    (void)state;
    enum { COUNT = 24 };
    struct notch_test_net *net = notch_test_net_new(COUNT, 3, small_world, NULL);
    for (uint32_t i = 1; i < COUNT; i++) {
        struct notch_p2p_seen seen = {notch_test_net_address(0), 0, (uint32_t)(notch_test_net_now(net) / 1000)};
        struct notch_p2p_event event = {.type = NOTCH_P2P_EVENT_ADDRESSES, .addresses = {.seen = &seen, .count = 1}};
        notch_test_net_give(net, i, &event);
    }
    notch_test_net_run(net, 180000);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct notch_p2p_stats stats = stats_of(net, i);
        assert_true(stats.outbound >= 4 || stats.inbound == COUNT - 1); /* all dialled the one they knew */
        assert_true(stats.peers_up >= 6);
        assert_true(i == 0 || stats.addresses_tried >= 4);
        assert_true(stats.addresses_tried + stats.addresses_new >= COUNT / 2);
    }
    /* After a restart the anchors come first, by the block-only door. */
    struct notch_buf saved;
    notch_buf_init(&saved, notch_alloc_heap());
    notch_p2p_save(notch_test_net_node(net, 5)->p2p, &saved);
    struct notch_test_node *old = notch_test_net_node(net, 5);
    struct notch_p2p_options options = {.genesis = genesis,
                                        .crypto = notch_crypto_standin(),
                                        .signer = &old->signer,
                                        .alloc = notch_alloc_heap(),
                                        .seed = 9,
                                        .agent = ""};
    notch_p2p_limits_default(&options.limits);
    struct notch_p2p *p2p;
    notch_p2p_create(&p2p, &options);
    assert_true(notch_is_valid(notch_p2p_load(p2p, notch_buf_bytes(&saved))));
    struct notch_p2p_stats stats;
    notch_p2p_stats(p2p, &stats);
    assert_int_equal(stats.addresses_tried, stats_of(net, 5).addresses_tried);
    struct notch_p2p_event tick = {.type = NOTCH_P2P_EVENT_TICK, .seq = 1, .now = {notch_test_net_now(net)}};
    notch_p2p_handle(p2p, &tick);
    struct notch_p2p_effect effect;
    assert_true(notch_p2p_poll(p2p, &effect));
    assert_int_equal(effect.type, NOTCH_P2P_EFFECT_DIAL);
    assert_int_equal(effect.dial.purpose, NOTCH_P2P_BLOCK_ONLY);
    notch_p2p_destroy(p2p);
    /* Bytes that were not saved by us change nothing. */
    saved.data[saved.len - 1] ^= 0xff;
    saved.len--;
    notch_p2p_create(&p2p, &options);
    assert_false(notch_is_valid(notch_p2p_load(p2p, notch_buf_bytes(&saved))));
    notch_p2p_stats(p2p, &stats);
    assert_int_equal(stats.addresses_tried + stats.addresses_new, 0);
    notch_p2p_destroy(p2p);
    notch_buf_fini(&saved);
    notch_test_net_free(net);
}

/* A million addresses of one peer: a thousand are looked at, and those that answered stay where they are. */
static void address_flooding_does_not_eclipse(void **state)
{
    (void)state;
    struct notch_test_net *net = notch_test_net_new(12, 3, small_world, NULL);
    for (uint32_t i = 1; i < 12; i++) {
        struct notch_p2p_seen seen = {notch_test_net_address(i), 0, (uint32_t)(notch_test_net_now(net) / 1000)};
        struct notch_p2p_event event = {.type = NOTCH_P2P_EVENT_ADDRESSES, .addresses = {.seen = &seen, .count = 1}};
        notch_test_net_give(net, 0, &event);
    }
    notch_test_net_run(net, 120000);
    struct notch_test_node *node = notch_test_net_node(net, 0);
    uint32_t tried = stats_of(net, 0).addresses_tried;
    uint32_t known = stats_of(net, 0).addresses_new;
    uint32_t up = stats_of(net, 0).outbound;
    assert_true(tried >= 6);
    struct notch_signer stranger;
    uint64_t peer = stranger_joins(net, 0, &stranger);
    static uint8_t packed[1000 * NOTCH_P2P_SEEN_LEN];
    for (uint32_t i = 0; i < 1000 && !notch_p2p_is_banned(node->p2p, &stranger.key); i++) {
        struct notch_writer writer = notch_writer(packed, sizeof packed);
        for (uint32_t j = 0; j < 1000; j++) {
            struct notch_p2p_seen seen = {
                notch_p2p_address_v4(66, (uint8_t)(i % 256), (uint8_t)(j / 256), (uint8_t)j, (uint16_t)(1 + i)), 0,
                (uint32_t)(notch_test_net_now(net) / 1000)};
            notch_p2p_seen_write(&writer, &seen);
        }
        struct notch_p2p_message message = {.type = NOTCH_P2P_ADDRESSES,
                                            .addresses = {{1000, notch_writer_bytes(&writer)}}};
        notch_test_net_frame(net, 0, peer, &message);
    }
    assert_true(notch_p2p_is_banned(node->p2p, &stranger.key));
    assert_true(stats_of(net, 0).addresses_new <= known + 1000);
    assert_int_equal(stats_of(net, 0).addresses_tried, tried);
    notch_test_net_run(net, 120000);
    assert_true(stats_of(net, 0).addresses_tried >= tried);
    assert_true(stats_of(net, 0).outbound >= up);
    notch_test_net_free(net);
}

static void limits_are_checked(void **state)
{
    (void)state;
    struct notch_p2p_limits limits;
    notch_p2p_limits_default(&limits);
    assert_null(notch_p2p_limits_check(&limits));
    limits.mesh_low = limits.mesh + 1;
    assert_non_null(notch_p2p_limits_check(&limits));
    notch_p2p_limits_default(&limits);
    limits.peers_max = NOTCH_P2P_PEERS_MAX + 1;
    assert_non_null(notch_p2p_limits_check(&limits));
    notch_p2p_limits_default(&limits);
    limits.classes[NOTCH_P2P_CLASS_BLOCKS].burst_bytes = 1 << 20;
    assert_string_equal(notch_p2p_limits_check(&limits), "burst_bytes of a class is below the cap of a type in it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flooding_peer_is_limited_and_banned),
        cmocka_unit_test(invalid_items_cost_the_connection),
        cmocka_unit_test(a_slow_reader_stays_in_bounds),
        cmocka_unit_test(one_that_does_not_read_is_let_go),
        cmocka_unit_test(announcing_what_is_not_there),
        cmocka_unit_test(what_is_promised_is_asked_for),
        cmocka_unit_test(hops_and_addressees_bound_an_item),
        cmocka_unit_test(static_peers_are_dialled_again),
        cmocka_unit_test(a_network_finds_itself),
        cmocka_unit_test(address_flooding_does_not_eclipse),
        cmocka_unit_test(limits_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
