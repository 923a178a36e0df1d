/* DNS seeds, asked of a name server of the test's own on loopback. */
#include "p2p/io/dns.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>

#define PATIENCE_MS 20000
#define TYPE_A 1
#define TYPE_AAAA 28
#define TYPE_SRV 33

/* What the server knows. */
struct entry {
    const char *name;
    int type;
    const char *value; /* an address, or the target of SRV */
    uint16_t port;
};

struct world {
    uv_loop_t loop;
    uv_udp_t server;
    uv_timer_t patience;
    struct notch_dns *dns;
    const struct entry *entries;
    size_t entry_count;
    bool silent;
    bool garbage;
    bool out_of_patience;
    bool is_done;
    uint32_t asked;
    uint32_t answers;
    size_t count;
    struct notch_p2p_address addresses[NOTCH_DNS_ADDRESSES_MAX];
    char why[128];
};

static size_t put_name(uint8_t *out, const char *name)
{
    size_t at = 0;
    while (*name != 0) {
        size_t len = strcspn(name, ".");
        out[at++] = (uint8_t)len;
        memcpy(out + at, name, len);
        at += len;
        name += len + (name[len] == '.');
    }
    out[at++] = 0;
    return at;
}

static size_t put_u16(uint8_t *out, unsigned value)
{
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
    return 2;
}

static size_t put_record(uint8_t *out, const struct entry *entry)
{
    uint8_t data[300];
    size_t len = 0;
    size_t at = put_u16(out, 0xc00c); /* the name of the question */
    at += put_u16(out + at, (unsigned)entry->type);
    at += put_u16(out + at, 1);
    memcpy(out + at, "\0\0\0\x3c", 4);
    at += 4;
    if (entry->type == TYPE_SRV) {
        len = put_u16(data, 1);
        len += put_u16(data + len, 1);
        len += put_u16(data + len, entry->port);
        len += put_name(data + len, entry->value);
    } else {
        assert_int_equal(inet_pton(entry->type == TYPE_A ? AF_INET : AF_INET6, entry->value, data), 1);
        len = entry->type == TYPE_A ? 4 : 16;
    }
    at += put_u16(out + at, (unsigned)len);
    memcpy(out + at, data, len);
    return at + len;
}

/* The answer to a question, in place of it. */
static size_t answer(struct world *world, uint8_t *out, const uint8_t *question, size_t len)
{
    char name[256] = "";
    size_t at = 12;
    unsigned count = 0;
    while (at < len && question[at] != 0) {
        size_t used = strlen(name);
        (void)snprintf(name + used, sizeof name - used, "%s%.*s", used == 0 ? "" : ".", question[at],
                       (const char *)question + at + 1);
        at += 1U + question[at];
    }
    int type = question[at + 1] << 8 | question[at + 2];
    size_t end = at + 5;
    memcpy(out, question, end);
    for (size_t i = 0; i < world->entry_count; i++) {
        if (world->entries[i].type == type && strcasecmp(world->entries[i].name, name) == 0) {
            end += put_record(out + end, &world->entries[i]);
            count++;
        }
    }
    (void)put_u16(out + 2, count > 0 ? 0x8180 : 0x8183);
    (void)put_u16(out + 6, count);
    (void)put_u16(out + 8, 0);
    (void)put_u16(out + 10, 0);
    if (world->garbage) {
        memset(out + 12, 0xff, end - 12);
    }
    return end;
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    static char room[1024];
    (void)handle;
    (void)suggested;
    *buf = (uv_buf_t){.base = room, .len = sizeof room};
}

static void on_question(uv_udp_t *server, ssize_t got, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
    struct world *world = server->data;
    uint8_t out[8192];
    (void)flags;
    if (got <= 12 || from == NULL) {
        return;
    }
    world->asked++;
    if (!world->silent) {
        uv_buf_t bytes = {.base = (char *)out};
        bytes.len = answer(world, out, (const uint8_t *)buf->base, (size_t)got);
        assert_int_equal(uv_udp_try_send(server, &bytes, 1, from), (int)bytes.len);
    }
}

static void on_answer(void *arg, const struct notch_dns_answer *given)
{
    struct world *world = arg;
    world->answers++;
    world->count = given->count;
    if (given->count > 0) {
        memcpy(world->addresses, given->addresses, given->count * sizeof given->addresses[0]);
    }
    (void)snprintf(world->why, sizeof world->why, "%s", given->why == NULL ? "" : given->why);
}

static void on_patience(uv_timer_t *timer)
{
    ((struct world *)timer->data)->out_of_patience = true;
}

static void on_done(void *arg)
{
    ((struct world *)arg)->is_done = true;
}

static struct world *open_world(const struct entry *entries, size_t count)
{
    struct world *world = calloc(1, sizeof *world);
    struct sockaddr_in at;
    int len = sizeof at;
    char servers[64];
    const char *detail = "";
    assert_non_null(world);
    world->entries = entries;
    world->entry_count = count;
    assert_int_equal(uv_loop_init(&world->loop), 0);
    assert_int_equal(uv_timer_init(&world->loop, &world->patience), 0);
    world->patience.data = world;
    assert_int_equal(uv_timer_start(&world->patience, on_patience, PATIENCE_MS, 0), 0);
    assert_int_equal(uv_udp_init(&world->loop, &world->server), 0);
    world->server.data = world;
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &at), 0);
    assert_int_equal(uv_udp_bind(&world->server, (const struct sockaddr *)&at, 0), 0);
    assert_int_equal(uv_udp_getsockname(&world->server, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(uv_udp_recv_start(&world->server, on_room, on_question), 0);
    (void)snprintf(servers, sizeof servers, "127.0.0.1:%u", ntohs(at.sin_port));
    const struct notch_dns_options options = {.loop = &world->loop,
                                              .alloc = notch_alloc_heap(),
                                              .servers = servers,
                                              .port = 7400,
                                              .answer = on_answer,
                                              .arg = world};
    assert_int_equal(notch_dns_create(&world->dns, &options, &detail), NOTCH_OK);
    return world;
}

static void close_world(struct world *world)
{
    notch_dns_close(world->dns, on_done);
    uv_close((uv_handle_t *)&world->server, NULL);
    uv_close((uv_handle_t *)&world->patience, NULL);
    assert_int_equal(uv_run(&world->loop, UV_RUN_DEFAULT), 0);
    assert_true(world->is_done);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    free(world);
}

static void ask(struct world *world, const char *seed)
{
    uint32_t before = world->answers;
    assert_int_equal(notch_dns_ask(world->dns, seed), NOTCH_OK);
    while (world->answers == before) {
        assert_false(world->out_of_patience);
        (void)uv_run(&world->loop, UV_RUN_ONCE);
    }
    assert_int_equal(world->answers, before + 1);
}

static bool has(const struct world *world, const char *text)
{
    char found[NOTCH_P2P_ADDRESS_TEXT_MAX];
    for (size_t i = 0; i < world->count; i++) {
        notch_p2p_address_print(found, &world->addresses[i]);
        if (strcmp(found, text) == 0) {
            return true;
        }
    }
    return false;
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct entry entries[] = {
        {"seed.example.org", TYPE_A, "192.0.2.1", 0},
        {"seed.example.org", TYPE_A, "192.0.2.2", 0},
        {"seed.example.org", TYPE_AAAA, "2001:db8::1", 0},
    };
    struct world *world = open_world(entries, 3);
    ask(world, "seed.example.org");
    assert_int_equal(world->count, 3);
    assert_true(has(world, "192.0.2.1:7400"));
    assert_true(has(world, "192.0.2.2:7400"));
    assert_true(has(world, "[2001:db8:0:0:0:0:0:1]:7400"));
    assert_string_equal(world->why, "");
    close_world(world);
}

static void test_services(void **state)
{
    (void)state;
    static const struct entry entries[] = {
        {"_notch._tcp.seed.example.org", TYPE_SRV, "one.example.org", 7000},
        {"_notch._tcp.seed.example.org", TYPE_SRV, "two.example.org", 7001},
        {"one.example.org", TYPE_A, "192.0.2.1", 0},
        {"two.example.org", TYPE_A, "192.0.2.2", 0},
        {"two.example.org", TYPE_A, "0.0.0.0", 0},   /* can be dialled by nobody */
        {"two.example.org", TYPE_A, "192.0.2.2", 0}, /* again */
    };
    struct world *world = open_world(entries, 6);
    ask(world, "seed.example.org");
    assert_int_equal(world->count, 2);
    assert_true(has(world, "192.0.2.1:7000"));
    assert_true(has(world, "192.0.2.2:7001"));
    close_world(world);
}

static void test_nothing(void **state)
{
    (void)state;
    struct world *world = open_world(NULL, 0);
    ask(world, "seed.example.org");
    assert_int_equal(world->count, 0);
    assert_string_equal(world->why, "Domain name not found");
    world->garbage = true;
    ask(world, "seed.example.org");
    assert_int_equal(world->count, 0);
    assert_string_not_equal(world->why, "");
    close_world(world);
}

static void test_more_than_fits(void **state)
{
    (void)state;
    static struct entry entries[70];
    static char values[70][16];
    for (size_t i = 0; i < 70; i++) {
        (void)snprintf(values[i], sizeof values[i], "198.51.100.%zu", i + 1);
        entries[i] = (struct entry){"seed.example.org", TYPE_A, values[i], 0};
    }
    struct world *world = open_world(entries, 70);
    ask(world, "seed.example.org");
    assert_int_equal(world->count, NOTCH_DNS_ADDRESSES_MAX);
    close_world(world);
}

static void test_closed_while_asking(void **state)
{
    (void)state;
    struct world *world = open_world(NULL, 0);
    world->silent = true;
    assert_int_equal(notch_dns_ask(world->dns, "seed.example.org"), NOTCH_OK);
    while (world->asked == 0) {
        assert_false(world->out_of_patience);
        (void)uv_run(&world->loop, UV_RUN_ONCE);
    }
    uint32_t answers = world->answers;
    assert_int_equal(answers, 0);
    close_world(world);
}

static void test_wrong_names(void **state)
{
    (void)state;
    struct world *world = open_world(NULL, 0);
    char longer[260];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    const char *const names[] = {"", "a b", "seed_1", "\xc3\xa9", longer};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(notch_dns_ask(world->dns, names[i]), NOTCH_ERR_INVALID);
    }
    assert_int_equal(world->answers, 0);
    close_world(world);
}

static void test_wrong_servers(void **state)
{
    (void)state;
    struct notch_dns *dns;
    const char *detail = NULL;
    const struct notch_dns_options options = {.alloc = notch_alloc_heap(), .servers = "not an address"};
    assert_int_equal(notch_dns_create(&dns, &options, &detail), NOTCH_ERR_INVALID);
    assert_non_null(detail);
    assert_null(dns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_services),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_more_than_fits),
        cmocka_unit_test(test_closed_while_asking),
        cmocka_unit_test(test_wrong_names),
        cmocka_unit_test(test_wrong_servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
