#include "tests/support/p2p_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct notch_hash genesis = {{1, 2, 3}};
static const struct notch_hash elsewhere = {{9}};

static void stranger_init(struct notch_signer *signer, const uint8_t secret[32])
{
    signer->secret = secret;
    signer->prepared = NULL;
    assert_true(notch_crypto_standin()->key_of_secret(NULL, &signer->key, secret));
}

static const uint8_t secret_of_stranger[32] = {77, [31] = 1};
static const uint8_t secret_of_thief[32] = {78, [31] = 1};

static struct notch_p2p_stats stats_of(struct notch_test_net *net, uint32_t node)
{
    struct notch_p2p_stats stats;
    notch_p2p_stats(notch_test_net_node(net, node)->p2p, &stats);
    return stats;
}

static void two_shake_hands(void **state)
{
    (void)state;
    struct notch_test_net *net = notch_test_net_new(2, 1, NULL, NULL);
    struct notch_p2p_event moved = {.type = NOTCH_P2P_EVENT_MOVED, .moved = {{.slot = {42}}}};
    notch_test_net_give(net, 0, &moved);
    (void)notch_test_net_connect(net, 0, 1);
    notch_test_net_run(net, 100);
    assert_int_equal(notch_test_net_node(net, 0)->ups, 1);
    assert_int_equal(notch_test_net_node(net, 1)->ups, 1);
    assert_int_equal(notch_test_net_node(net, 1)->last_status.slot.raw, 42);
    /* Quiet, but alive: pings go on, and carry where we are. */
    moved.moved.status.slot.raw = 43;
    notch_test_net_give(net, 0, &moved);
    notch_test_net_run(net, 120000);
    assert_int_equal(notch_test_net_node(net, 1)->last_status.slot.raw, 43);
    assert_int_equal(stats_of(net, 0).peers_up, 1);
    struct notch_p2p_peer_info info;
    size_t at = 0;
    assert_true(notch_p2p_next_peer(notch_test_net_node(net, 0)->p2p, &at, &info));
    assert_true(info.ping_ms >= 10 && info.ping_ms <= 12);
    assert_string_equal(info.agent, "notch test");
    assert_false(notch_p2p_next_peer(notch_test_net_node(net, 0)->p2p, &at, &info));
    notch_test_net_free(net);
}

static void other_genesis(struct notch_p2p_options *options, uint32_t node, void *context)
{
    (void)context;
    if (node == 1) {
        options->genesis = elsewhere;
    }
}

/* Both sides say why, by name. */
static void another_network_is_refused_by_name(void **state)
{
    (void)state;
    struct notch_test_net *net = notch_test_net_new(2, 1, other_genesis, NULL);
    (void)notch_test_net_connect(net, 0, 1);
    notch_test_net_run(net, 100);
    assert_int_equal(notch_test_net_node(net, 0)->ups, 0);
    assert_int_equal(notch_test_net_node(net, 0)->last_reason, NOTCH_P2P_REASON_OTHER_NETWORK);
    assert_int_equal(notch_test_net_node(net, 1)->last_reason, NOTCH_P2P_REASON_OTHER_NETWORK);
    assert_string_equal(notch_p2p_reason_name(NOTCH_P2P_REASON_OTHER_NETWORK), "OTHER_NETWORK");
    notch_test_net_free(net);
}

/* A stolen certificate is of no use without the key: HELLO signs this very channel. */
static void hello_must_sign_the_channel(void **state)
{
    (void)state;
    struct notch_test_net *net = notch_test_net_new(1, 1, NULL, NULL);
    struct notch_test_node *node = notch_test_net_node(net, 0);
    struct notch_signer owner;
    struct notch_signer thief;
    stranger_init(&owner, secret_of_stranger);
    stranger_init(&thief, secret_of_thief);
    uint64_t peer = notch_test_net_connect_raw(net, 0, &owner.key, notch_test_net_address(9));
    notch_test_net_hello(net, 0, peer, &thief, &genesis);
    assert_int_equal(node->last_reason, NOTCH_P2P_REASON_SIGNATURE);
    assert_int_equal(node->ups, 0);
    /* The owner, over the same channel, is let in. */
    peer = notch_test_net_connect_raw(net, 0, &owner.key, notch_test_net_address(9));
    notch_test_net_hello(net, 0, peer, &owner, &genesis);
    assert_int_equal(node->ups, 1);
    /* What the owner signed for another node is worth nothing here: the key of the other side is in it. */
    struct notch_hash here;
    struct notch_hash there;
    uint8_t binding[32] = {0};
    notch_p2p_hello_hash(&here, &genesis, binding, &owner.key, &node->signer.key);
    notch_p2p_hello_hash(&there, &genesis, binding, &owner.key, &thief.key);
    assert_false(notch_hash_eq(&here, &there));
    binding[0] = 1;
    notch_p2p_hello_hash(&there, &genesis, binding, &owner.key, &node->signer.key);
    assert_false(notch_hash_eq(&here, &there));
    notch_test_net_free(net);
}

static void out_of_turn_is_hung_up_on(void **state)
{
    (void)state;
    struct notch_test_net *net = notch_test_net_new(1, 1, NULL, NULL);
    struct notch_test_node *node = notch_test_net_node(net, 0);
    struct notch_signer stranger;
    stranger_init(&stranger, secret_of_stranger);
    struct notch_p2p_message ping = {.type = NOTCH_P2P_PING};
    uint64_t peer = notch_test_net_connect_raw(net, 0, &stranger.key, notch_test_net_address(9));
    notch_test_net_frame(net, 0, peer, &ping); /* before HELLO */
    assert_int_equal(node->last_reason, NOTCH_P2P_REASON_UNEXPECTED);
    /* Its points stay with its key, and go with time. */
    notch_test_net_run(net, 600000);
    peer = notch_test_net_connect_raw(net, 0, &stranger.key, notch_test_net_address(9));
    notch_test_net_hello(net, 0, peer, &stranger, &genesis);
    assert_int_equal(node->ups, 1);
    notch_test_net_hello(net, 0, peer, &stranger, &genesis); /* a second one */
    assert_int_equal(node->last_reason, NOTCH_P2P_REASON_UNEXPECTED);
    assert_int_equal(node->downs, 1);
    /* A frame that is no message. */
    peer = notch_test_net_connect_raw(net, 0, &stranger.key, notch_test_net_address(9));
    notch_test_net_bytes(net, 0, peer, "GET / HTTP/1.1\r\n\r\n", 18);
    assert_int_equal(node->last_reason, NOTCH_P2P_REASON_MALFORMED);
    notch_test_net_free(net);
}

/* Half-open connections and frames that drip in end by the clock. */
static void slowloris_ends_by_the_clock(void **state)
{
    (void)state;
    struct notch_test_net *net = notch_test_net_new(1, 1, NULL, NULL);
    struct notch_test_node *node = notch_test_net_node(net, 0);
    struct notch_signer stranger;
    stranger_init(&stranger, secret_of_stranger);
    (void)notch_test_net_connect_raw(net, 0, &stranger.key, notch_test_net_address(9));
    notch_test_net_run(net, 7000);
    assert_int_equal(node->last_reason, NOTCH_P2P_REASON_HANDSHAKE_TIMEOUT);
    uint64_t peer = notch_test_net_connect_raw(net, 0, &stranger.key, notch_test_net_address(9));
    notch_test_net_hello(net, 0, peer, &stranger, &genesis);
    static const uint8_t head[] = {NOTCH_P2P_PING, 0, 200, 0, 0, 0};
    notch_test_net_bytes(net, 0, peer, head, sizeof head);
    for (int i = 0; i < 9; i++) {
        notch_test_net_run(net, 1000);
        notch_test_net_bytes(net, 0, peer, "x", 1);
        assert_int_equal(node->downs, 0);
    }
    notch_test_net_run(net, 3000);
    assert_int_equal(node->last_reason, NOTCH_P2P_REASON_FRAME_TIMEOUT);
    /* And one that answers no ping. */
    peer = notch_test_net_connect_raw(net, 0, &stranger.key, notch_test_net_address(9));
    notch_test_net_hello(net, 0, peer, &stranger, &genesis);
    notch_test_net_run(net, 44000);
    assert_int_equal(node->downs, 1);
    notch_test_net_run(net, 3000);
    assert_int_equal(node->last_reason, NOTCH_P2P_REASON_SILENT);
    notch_test_net_free(net);
}

static void one_connection_per_pair(void **state)
{
    (void)state;
    struct notch_test_net *net = notch_test_net_new(2, 1, NULL, NULL);
    (void)notch_test_net_connect(net, 0, 1);
    (void)notch_test_net_connect(net, 1, 0);
    notch_test_net_run(net, 3000);
    assert_int_equal(stats_of(net, 0).peers_up, 1);
    assert_int_equal(stats_of(net, 1).peers_up, 1);
    assert_int_equal(stats_of(net, 0).outbound, stats_of(net, 1).inbound);
    /* The dialler lost its end without a word: its next connection takes the place of the dead one. */
    (void)notch_test_net_connect(net, stats_of(net, 0).outbound == 1 ? 0 : 1, stats_of(net, 0).outbound == 1 ? 1 : 0);
    notch_test_net_run(net, 3000);
    assert_int_equal(stats_of(net, 0).peers_up, 1);
    assert_int_equal(stats_of(net, 1).peers_up, 1);
    notch_test_net_free(net);
}

static void self_and_banned_are_refused(void **state)
{
    (void)state;
    struct notch_test_net *net = notch_test_net_new(2, 1, NULL, NULL);
    struct notch_test_node *node = notch_test_net_node(net, 0);
    (void)notch_test_net_connect_raw(net, 0, &node->signer.key, notch_test_net_address(9));
    assert_int_equal(node->last_reason, NOTCH_P2P_REASON_SELF);
    (void)notch_test_net_connect(net, 0, 1);
    notch_test_net_run(net, 100);
    struct notch_p2p_event ban = {.type = NOTCH_P2P_EVENT_BANNED};
    ban.banned.key = notch_test_net_node(net, 1)->signer.key;
    ban.banned.until.raw = notch_test_net_now(net) + 10000;
    notch_test_net_give(net, 0, &ban);
    assert_int_equal(node->last_reason, NOTCH_P2P_REASON_BANNED);
    (void)notch_test_net_connect(net, 1, 0);
    notch_test_net_run(net, 100);
    assert_int_equal(stats_of(net, 0).peers_up, 0);
    notch_test_net_run(net, 11000); /* it ends by itself */
    (void)notch_test_net_connect(net, 1, 0);
    notch_test_net_run(net, 100);
    assert_int_equal(stats_of(net, 0).peers_up, 1);
    notch_test_net_free(net);
}

static void subnets_and_room(void **state)
{
    (void)state;
    struct notch_test_net *net = notch_test_net_new(1, 1, NULL, NULL);
    struct notch_test_node *node = notch_test_net_node(net, 0);
    struct notch_signer stranger;
    uint8_t secrets[200][32] = {{0}};
    for (uint8_t i = 0; i < 5; i++) {
        secrets[i][0] = (uint8_t)(i + 1);
        secrets[i][1] = 1;
        stranger_init(&stranger, secrets[i]);
        uint64_t peer = notch_test_net_connect_raw(net, 0, &stranger.key, notch_p2p_address_v4(99, 1, i, 1, 5000));
        if (i < 4) {
            notch_test_net_hello(net, 0, peer, &stranger, &genesis);
        }
    }
    assert_int_equal(node->ups, 4);
    assert_int_equal(node->last_reason, NOTCH_P2P_REASON_SUBNET);
    /* When all 96 places are taken, a newcomer pushes out one for whom nothing speaks: never the longest here. */
    for (uint8_t i = 5; i < 97; i++) {
        secrets[i][0] = (uint8_t)(i + 1);
        secrets[i][1] = 1;
        stranger_init(&stranger, secrets[i]);
        notch_test_net_run(net, 10);
        uint64_t peer = notch_test_net_connect_raw(net, 0, &stranger.key, notch_p2p_address_v4(i, 7, 0, 1, 5000));
        notch_test_net_hello(net, 0, peer, &stranger, &genesis);
    }
    assert_int_equal(stats_of(net, 0).inbound, 96);
    secrets[150][0] = 200;
    secrets[150][1] = 1;
    stranger_init(&stranger, secrets[150]);
    uint64_t peer = notch_test_net_connect_raw(net, 0, &stranger.key, notch_p2p_address_v4(150, 7, 0, 1, 5000));
    notch_test_net_hello(net, 0, peer, &stranger, &genesis);
    assert_int_equal(node->last_reason, NOTCH_P2P_REASON_EVICTED);
    assert_int_equal(stats_of(net, 0).inbound, 96);
    uint32_t from_first = 0;
    struct notch_p2p_peer_info info;
    for (size_t at = 0; notch_p2p_next_peer(node->p2p, &at, &info);) {
        from_first += info.address.ip[12] == 99 ? 1 : 0;
    }
    assert_int_equal(from_first, 4);
    notch_test_net_free(net);
}

static void requests_are_answered_or_expire(void **state)
{
    (void)state;
    struct notch_test_net *net = notch_test_net_new(2, 1, NULL, NULL);
    uint64_t peer = notch_test_net_connect(net, 0, 1);
    notch_test_net_run(net, 100);
    struct notch_hash id = {{5}};
    struct notch_p2p_message get = {.type = NOTCH_P2P_GET_BODIES, .get_ids = {7, {1, notch_bytes(&id, sizeof id)}}};
    struct notch_p2p_event ask = {.type = NOTCH_P2P_EVENT_SEND_TO, .peer = peer, .send_to = {&get}};
    notch_test_net_give(net, 0, &ask);
    notch_test_net_run(net, 100);
    assert_int_equal(notch_test_net_node(net, 1)->last_message, NOTCH_P2P_GET_BODIES);
    struct notch_p2p_message got = {.type = NOTCH_P2P_BODIES, .blobs = {.token = 7}};
    struct notch_p2p_event answer = {.type = NOTCH_P2P_EVENT_SEND_TO, .peer = peer + 1, .send_to = {&got}};
    notch_test_net_give(net, 1, &answer);
    notch_test_net_run(net, 100);
    assert_int_equal(notch_test_net_node(net, 0)->last_message, NOTCH_P2P_BODIES);
    assert_int_equal(notch_test_net_node(net, 0)->messages, 1);
    /* The same again was not asked for: the node does not see it. */
    notch_test_net_give(net, 1, &answer);
    notch_test_net_run(net, 100);
    assert_int_equal(notch_test_net_node(net, 0)->messages, 1);
    /* No answer: the node hears it, and may ask another. */
    get.get_ids.token = 8;
    notch_test_net_give(net, 0, &ask);
    notch_test_net_run(net, 3100);
    assert_int_equal(notch_test_net_node(net, 0)->expired, 1);
    assert_int_equal(notch_test_net_node(net, 0)->last_token, 8);
    /* No more than 16 at once; and all are over when the peer is. */
    for (uint32_t i = 0; i < 20; i++) {
        get.get_ids.token = 100 + i;
        notch_test_net_give(net, 0, &ask);
    }
    assert_int_equal(notch_test_net_node(net, 0)->expired, 1 + 4);
    struct notch_p2p_event close = {.type = NOTCH_P2P_EVENT_CLOSE, .peer = peer, .close = {NOTCH_P2P_REASON_OPERATOR}};
    notch_test_net_give(net, 0, &close);
    assert_int_equal(notch_test_net_node(net, 0)->expired, 1 + 4 + 16);
    notch_test_net_run(net, 100);
    assert_int_equal(notch_test_net_node(net, 1)->last_bye, NOTCH_P2P_REASON_OPERATOR);
    assert_int_equal(notch_test_net_node(net, 1)->downs, 1);
    notch_test_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_shake_hands),
        cmocka_unit_test(another_network_is_refused_by_name),
        cmocka_unit_test(hello_must_sign_the_channel),
        cmocka_unit_test(out_of_turn_is_hung_up_on),
        cmocka_unit_test(slowloris_ends_by_the_clock),
        cmocka_unit_test(one_connection_per_pair),
        cmocka_unit_test(self_and_banned_are_refused),
        cmocka_unit_test(subnets_and_room),
        cmocka_unit_test(requests_are_answered_or_expire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
