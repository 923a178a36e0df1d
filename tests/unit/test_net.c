/* The sockets of nodes, on one loop and real loopback connections: who comes in, what arrives, and what is cut off. */
#include "p2p/io/net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#define PATIENCE_MS 20000
#define KINDS 16

struct node {
    struct notch_net *net;
    struct notch_tls *tls;
    struct notch_signer signer;
    uint8_t secret[32];
    struct notch_p2p_address address;
    uint32_t seen[KINDS]; /* events by type */
    uint64_t peer;        /* the last that connected */
    struct notch_key peer_key;
    uint8_t binding[32];
    size_t bytes;
    uint64_t sum; /* of what came */
    size_t sent;
    bool echo;
    struct notch_time now;
};

struct world {
    uv_loop_t loop;
    uv_timer_t patience;
    struct node a;
    struct node b;
    bool out_of_patience;
};

static void on_event(void *arg, struct notch_p2p_event *event)
{
    struct node *node = arg;
    node->seen[event->type]++;
    if (event->type == NOTCH_P2P_EVENT_CONNECTED) {
        node->peer = event->peer;
        node->peer_key = event->connected.key;
        memcpy(node->binding, event->connected.binding, sizeof node->binding);
    } else if (event->type == NOTCH_P2P_EVENT_SENT) {
        node->sent += event->sent.len;
    } else if (event->type == NOTCH_P2P_EVENT_BYTES) {
        for (size_t i = 0; i < event->bytes.bytes.len; i++) {
            node->sum = node->sum * 31 + event->bytes.bytes.data[i];
        }
        node->bytes += event->bytes.bytes.len;
        if (node->echo) {
            struct notch_p2p_effect effect = {.type = NOTCH_P2P_EFFECT_SEND, .peer = event->peer};
            effect.send.bytes = event->bytes.bytes;
            notch_net_perform(node->net, &effect);
        }
    }
}

static struct notch_time time_of(void *arg)
{
    return ((const struct node *)arg)->now;
}

static void open_node(struct world *world, struct node *node, uint8_t number, struct notch_net_options options)
{
    const struct notch_crypto *crypto = notch_crypto_secp();
    const char *detail = "";
    node->secret[31] = number;
    node->signer.secret = node->secret;
    assert_true(crypto->key_of_secret(crypto->self, &node->signer.key, node->secret));
    assert_int_equal(notch_tls_create(&node->tls, crypto, &node->signer, notch_alloc_heap()), NOTCH_OK);
    options.loop = &world->loop;
    options.tls = node->tls;
    options.alloc = notch_alloc_heap();
    options.now = time_of;
    options.event = on_event;
    options.arg = node;
    assert_int_equal(notch_net_create(&node->net, &options), NOTCH_OK);
    node->address = notch_p2p_address_v4(127, 0, 0, 1, 0);
    assert_int_equal(notch_net_listen(node->net, &node->address, &detail), NOTCH_OK);
    assert_int_not_equal(node->address.port, 0);
}

static void on_patience(uv_timer_t *timer)
{
    ((struct world *)timer->data)->out_of_patience = true;
}

static struct world *open_world(struct notch_net_options of_b)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    assert_int_equal(uv_loop_init(&world->loop), 0);
    assert_int_equal(uv_timer_init(&world->loop, &world->patience), 0);
    world->patience.data = world;
    assert_int_equal(uv_timer_start(&world->patience, on_patience, PATIENCE_MS, 0), 0);
    open_node(world, &world->a, 1, (struct notch_net_options){0});
    open_node(world, &world->b, 2, of_b);
    return world;
}

static void on_done(void *arg)
{
    ((struct node *)arg)->net = NULL;
}

static void close_world(struct world *world)
{
    struct notch_net *nets[2] = {world->a.net, world->b.net};
    uv_close((uv_handle_t *)&world->patience, NULL);
    notch_net_close_all(world->a.net, on_done);
    notch_net_close_all(world->b.net, on_done);
    assert_int_equal(uv_run(&world->loop, UV_RUN_DEFAULT), 0);
    assert_null(world->a.net);
    assert_null(world->b.net);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    for (size_t i = 0; i < 2; i++) {
        notch_net_destroy(nets[i]);
    }
    notch_tls_destroy(world->a.tls);
    notch_tls_destroy(world->b.tls);
    free(world);
}

/* Runs the loop until the condition holds. */
#define UNTIL(world, condition) \
    do { \
        while (!(condition)) { \
            assert_false((world)->out_of_patience); \
            (void)uv_run(&(world)->loop, UV_RUN_ONCE); \
        } \
    } while (0)

static void dial(struct node *from, const struct notch_p2p_address *to)
{
    struct notch_p2p_effect effect = {.type = NOTCH_P2P_EFFECT_DIAL};
    effect.dial.address = *to;
    effect.dial.purpose = NOTCH_P2P_FULL;
    notch_net_perform(from->net, &effect);
}

static void connect_both(struct world *world)
{
    dial(&world->a, &world->b.address);
    UNTIL(world, world->a.seen[NOTCH_P2P_EVENT_CONNECTED] == 1 && world->b.seen[NOTCH_P2P_EVENT_CONNECTED] == 1);
}

static void send_bytes(struct node *from, size_t len)
{
    uint8_t *bytes = malloc(len);
    struct notch_p2p_effect effect = {.type = NOTCH_P2P_EFFECT_SEND, .peer = from->peer};
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 255);
    }
    effect.send.bytes = notch_bytes(bytes, len);
    notch_net_perform(from->net, &effect);
    free(bytes);
}

static void end(struct node *node)
{
    const struct notch_p2p_effect effect = {.type = NOTCH_P2P_EFFECT_DISCONNECT, .peer = node->peer};
    notch_net_perform(node->net, &effect);
}

static void test_two_meet(void **state)
{
    (void)state;
    struct world *world = open_world((struct notch_net_options){0});
    connect_both(world);
    assert_memory_equal(&world->a.peer_key, &world->b.signer.key, sizeof world->a.peer_key);
    assert_memory_equal(&world->b.peer_key, &world->a.signer.key, sizeof world->a.peer_key);
    assert_memory_equal(world->a.binding, world->b.binding, sizeof world->a.binding);
    world->b.echo = true;
    send_bytes(&world->a, 3000000);
    UNTIL(world, world->a.bytes == 3000000);
    assert_int_equal(world->b.bytes, 3000000);
    assert_int_equal(world->a.sum, world->b.sum);
    UNTIL(world, world->a.sent == 3000000 && world->b.sent == 3000000);
    close_world(world);
}

/* What was sent before the end arrives, though the other side sends all the while. */
static void test_last_words(void **state)
{
    (void)state;
    struct world *world = open_world((struct notch_net_options){0});
    connect_both(world);
    send_bytes(&world->b, 500000);
    send_bytes(&world->a, 200000);
    end(&world->a);
    UNTIL(world, world->b.seen[NOTCH_P2P_EVENT_DISCONNECTED] == 1);
    assert_int_equal(world->b.bytes, 200000);
    assert_int_equal(world->a.seen[NOTCH_P2P_EVENT_DISCONNECTED], 0);
    close_world(world);
}

static void test_nobody_there(void **state)
{
    (void)state;
    struct world *world = open_world((struct notch_net_options){0});
    struct notch_p2p_address nowhere = world->b.address;
    nowhere.port = 1;
    dial(&world->a, &nowhere);
    UNTIL(world, world->a.seen[NOTCH_P2P_EVENT_DIAL_FAILED] == 1);
    assert_int_equal(world->a.seen[NOTCH_P2P_EVENT_CONNECTED], 0);
    close_world(world);
}

static void test_port_taken(void **state)
{
    (void)state;
    struct world *world = open_world((struct notch_net_options){0});
    const char *detail = NULL;
    struct notch_p2p_address same = world->b.address;
    assert_int_equal(notch_net_listen(world->a.net, &same, &detail), NOTCH_ERR_ADDRESS_IN_USE);
    assert_string_equal(detail, "address already in use");
    close_world(world);
}

static void test_bans(void **state)
{
    (void)state;
    struct world *world = open_world((struct notch_net_options){0});
    struct notch_p2p_effect effect = {.type = NOTCH_P2P_EFFECT_BAN};
    effect.ban.key = world->a.signer.key;
    effect.ban.until = (struct notch_time){100};
    notch_net_perform(world->b.net, &effect);
    dial(&world->a, &world->b.address);
    UNTIL(world, world->a.seen[NOTCH_P2P_EVENT_DISCONNECTED] + world->a.seen[NOTCH_P2P_EVENT_DIAL_FAILED] == 1);
    assert_int_equal(world->b.seen[NOTCH_P2P_EVENT_CONNECTED], 0);
    world->b.now.raw = 100;
    dial(&world->a, &world->b.address);
    UNTIL(world, world->b.seen[NOTCH_P2P_EVENT_CONNECTED] == 1);
    close_world(world);
}

/* ---- those who never get as far as TLS ---- */

static void on_raw_connected(uv_connect_t *request, int status)
{
    *(int *)request->data = status == 0 ? 1 : -1;
}

struct raw {
    uv_tcp_t tcp;
    uv_connect_t request;
    int status;
    bool closed;
};

static void on_raw_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    static char room[256];
    (void)handle;
    (void)suggested;
    *buf = (uv_buf_t){.base = room, .len = sizeof room};
}

static void on_raw_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    (void)buf;
    if (got < 0) {
        ((struct raw *)stream->data)->closed = true;
        (void)uv_read_stop(stream);
    }
}

static void open_raw(struct world *world, struct raw *raw)
{
    struct sockaddr_in to;
    *raw = (struct raw){0};
    assert_int_equal(uv_ip4_addr("127.0.0.1", world->b.address.port, &to), 0);
    assert_int_equal(uv_tcp_init(&world->loop, &raw->tcp), 0);
    raw->tcp.data = raw;
    raw->request.data = &raw->status;
    assert_int_equal(uv_tcp_connect(&raw->request, &raw->tcp, (const struct sockaddr *)&to, on_raw_connected), 0);
    UNTIL(world, raw->status != 0);
    assert_int_equal(uv_read_start((uv_stream_t *)&raw->tcp, on_raw_room, on_raw_read), 0);
}

/* Slowloris: connected, and silent. It loses its place, and as many as there is room for shut nobody out for long. */
static void test_silent_ones(void **state)
{
    (void)state;
    struct world *world = open_world((struct notch_net_options){.handshakes_max = 4, .handshake_ms_max = 300});
    struct raw raws[8];
    struct notch_net_stats stats;
    for (size_t i = 0; i < 8; i++) {
        open_raw(world, &raws[i]);
    }
    notch_net_stats(world->b.net, &stats);
    assert_true(stats.shaking <= 4);
    for (size_t i = 0; i < 8; i++) {
        UNTIL(world, raws[i].closed);
        uv_close((uv_handle_t *)&raws[i].tcp, NULL);
    }
    notch_net_stats(world->b.net, &stats);
    assert_int_equal(stats.shaking, 0);
    assert_int_equal(stats.refused + stats.accepted, 8);
    assert_true(stats.refused >= 4);
    connect_both(world);
    close_world(world);
}

static void test_noise(void **state)
{
    (void)state;
    struct world *world = open_world((struct notch_net_options){0});
    struct raw raw;
    uv_write_t request;
    char noise[] = "GET / HTTP/1.1\r\nHost: notch\r\n\r\n";
    const uv_buf_t bytes = {.base = noise, .len = sizeof noise - 1};
    open_raw(world, &raw);
    assert_int_equal(uv_write(&request, (uv_stream_t *)&raw.tcp, &bytes, 1, NULL), 0);
    UNTIL(world, raw.closed);
    uv_close((uv_handle_t *)&raw.tcp, NULL);
    assert_int_equal(world->b.seen[NOTCH_P2P_EVENT_CONNECTED], 0);
    connect_both(world);
    close_world(world);
}

/* A reader that is too slow: more is unsent than may be, or nothing is taken for too long. */
static void test_too_much_unsent(void **state)
{
    (void)state;
    struct world *world = open_world((struct notch_net_options){.unsent_bytes_max = 100000});
    connect_both(world);
    for (int i = 0; i < 2; i++) {
        send_bytes(&world->b, 99000); /* the second finds the first one with the system already */
    }
    assert_int_equal(world->b.seen[NOTCH_P2P_EVENT_DISCONNECTED], 0);
    send_bytes(&world->b, 99000);
    assert_int_equal(world->b.seen[NOTCH_P2P_EVENT_DISCONNECTED], 1);
    close_world(world);
}

/* A node of its own, on a socket that nobody reads but this. */
static int shake_hands(struct world *world, struct notch_tls_session *session)
{
    struct sockaddr_in to;
    struct notch_buf plain;
    struct notch_buf cipher;
    uint8_t chunk[4096];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(uv_ip4_addr("127.0.0.1", world->b.address.port, &to), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    notch_buf_init(&plain, notch_alloc_heap());
    notch_buf_init(&cipher, notch_alloc_heap());
    while (world->b.seen[NOTCH_P2P_EVENT_CONNECTED] == 0) {
        notch_buf_clear(&cipher);
        notch_tls_session_take(session, &cipher);
        assert_int_equal(send(fd, cipher.data, cipher.len, MSG_NOSIGNAL), (ssize_t)cipher.len);
        (void)uv_run(&world->loop, UV_RUN_NOWAIT);
        ssize_t got = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
        if (got > 0) {
            (void)notch_tls_session_feed(session, notch_bytes(chunk, (size_t)got), &plain);
        }
        assert_false(world->out_of_patience);
    }
    notch_buf_fini(&plain);
    notch_buf_fini(&cipher);
    return fd;
}

static void test_takes_nothing(void **state)
{
    (void)state;
    struct world *world = open_world((struct notch_net_options){.stall_ms_max = 300, .unsent_bytes_max = 64U << 20});
    struct notch_tls_session *session;
    struct notch_net_stats stats;
    notch_tls_session_create(&session, world->a.tls, true);
    int fd = shake_hands(world, session);
    send_bytes(&world->b, 32U << 20); /* more than the system holds */
    UNTIL(world, world->b.seen[NOTCH_P2P_EVENT_DISCONNECTED] == 1);
    notch_net_stats(world->b.net, &stats);
    assert_int_equal(stats.stalled, 1);
    assert_int_equal(world->b.sent, 0);
    (void)close(fd);
    notch_tls_session_destroy(session);
    close_world(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_meet),      cmocka_unit_test(test_last_words),
        cmocka_unit_test(test_nobody_there),  cmocka_unit_test(test_port_taken),
        cmocka_unit_test(test_bans),          cmocka_unit_test(test_silent_ones),
        cmocka_unit_test(test_noise),         cmocka_unit_test(test_too_much_unsent),
        cmocka_unit_test(test_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
