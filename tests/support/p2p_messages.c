#include "tests/support/p2p_messages.h"

enum { ARENA = 1 << 16 };

void notch_test_message_init(struct notch_test_message *test)
{
    *test = (struct notch_test_message){0};
    notch_buf_init(&test->arena, notch_alloc_heap());
    (void)notch_buf_reserve(&test->arena, ARENA);
}

void notch_test_message_fini(struct notch_test_message *test)
{
    notch_buf_fini(&test->arena);
}

static struct notch_bytes some_bytes(struct notch_test_message *test, struct notch_gen *gen, size_t min, size_t max)
{
    size_t len = min + (size_t)notch_gen_below(gen, max - min + 1);
    uint8_t bytes[64];
    notch_gen_bytes(gen, bytes, len);
    size_t at = test->arena.len;
    notch_buf_append(&test->arena, bytes, len);
    return notch_bytes(test->arena.data + at, len);
}

static struct notch_hash some_hash(struct notch_gen *gen)
{
    struct notch_hash hash = {{(uint8_t)notch_gen_below(gen, 256)}};
    hash.raw[31] = (uint8_t)notch_gen_below(gen, 3);
    return hash;
}

static struct notch_p2p_status some_status(struct notch_gen *gen)
{
    struct notch_p2p_status status = {.slot = {notch_gen_edge_u64(gen)}, .set_id = (uint32_t)notch_gen_u64(gen)};
    status.head = some_hash(gen);
    status.head_height.raw = notch_gen_edge_u64(gen);
    status.final = (struct notch_checkpoint){{notch_gen_edge_u64(gen)}, some_hash(gen)};
    status.final_height.raw = notch_gen_edge_u64(gen);
    status.justified = (struct notch_checkpoint){{notch_gen_edge_u64(gen)}, some_hash(gen)};
    return status;
}

/* ---- lists ---- */

typedef void (*draw_element)(struct notch_test_message *test, struct notch_gen *gen, struct notch_writer *writer);

static struct notch_p2p_list some_list(struct notch_test_message *test, struct notch_gen *gen, uint32_t min,
                                       draw_element draw)
{
    struct notch_p2p_list list = {.count = min + (uint32_t)notch_gen_below(gen, 5)};
    uint8_t bytes[8192];
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    for (uint32_t i = 0; i < list.count; i++) {
        draw(test, gen, &writer);
    }
    struct notch_bytes packed = notch_writer_bytes(&writer);
    size_t at = test->arena.len;
    notch_buf_append(&test->arena, packed.data, packed.len);
    list.packed = notch_bytes(test->arena.data + at, packed.len);
    return list;
}

static void draw_id(struct notch_test_message *test, struct notch_gen *gen, struct notch_writer *writer)
{
    (void)test;
    struct notch_hash hash = some_hash(gen);
    notch_write_hash(writer, &hash);
}

static void draw_blob(struct notch_test_message *test, struct notch_gen *gen, struct notch_writer *writer)
{
    notch_write_blob(writer, some_bytes(test, gen, 0, 40));
}

static void draw_item(struct notch_test_message *test, struct notch_gen *gen, struct notch_writer *writer)
{
    uint8_t hops = (uint8_t)notch_gen_below(gen, 256);
    notch_p2p_item_write(writer, hops, some_bytes(test, gen, 1, 40));
}

static void draw_header(struct notch_test_message *test, struct notch_gen *gen, struct notch_writer *writer)
{
    (void)test;
    uint8_t bytes[NOTCH_HEADER_LEN] = {(uint8_t)notch_gen_below(gen, 256)};
    notch_write_bytes(writer, bytes, sizeof bytes);
}

static void draw_seen(struct notch_test_message *test, struct notch_gen *gen, struct notch_writer *writer)
{
    (void)test;
    struct notch_p2p_seen seen = {
        notch_p2p_address_v4(10, (uint8_t)notch_gen_below(gen, 256), 0, 1, (uint16_t)notch_gen_below(gen, 65536)),
        (uint32_t)notch_gen_below(gen, 8), (uint32_t)notch_gen_u64(gen)};
    notch_p2p_seen_write(writer, &seen);
}

/* Ends ascend, and the last range ends at the last id. */
static struct notch_p2p_list some_ranges(struct notch_test_message *test, struct notch_gen *gen)
{
    uint8_t bytes[4096];
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    uint32_t count = 1 + (uint32_t)notch_gen_below(gen, 4);
    for (uint32_t i = 0; i < count; i++) {
        struct notch_p2p_range range = {.kind = (uint8_t)notch_gen_below(gen, 3)};
        memset(&range.end, i + 1 == count ? 0xff : (int)(0x10 * (i + 1)), sizeof range.end);
        range.fingerprint = some_hash(gen);
        uint8_t ids[3 * 32] = {0};
        range.ids.count = (uint32_t)notch_gen_below(gen, 4);
        for (uint32_t j = 0; j < range.ids.count; j++) {
            ids[j * 32] = (uint8_t)(j + 1);
        }
        range.ids.packed = notch_bytes(ids, (size_t)range.ids.count * 32);
        notch_p2p_range_write(&writer, &range);
    }
    struct notch_bytes packed = notch_writer_bytes(&writer);
    size_t at = test->arena.len;
    notch_buf_append(&test->arena, packed.data, packed.len);
    return (struct notch_p2p_list){count, notch_bytes(test->arena.data + at, packed.len)};
}

/* ---- messages ---- */

static void draw_hello(struct notch_test_message *test, struct notch_gen *gen)
{
    struct notch_p2p_hello *hello = &test->message.hello;
    hello->genesis = some_hash(gen);
    hello->version_min = (uint16_t)notch_gen_below(gen, 3);
    hello->version_max = (uint16_t)(hello->version_min + notch_gen_below(gen, 3));
    hello->services = (uint32_t)notch_gen_u64(gen);
    hello->capabilities = (uint32_t)notch_gen_u64(gen);
    hello->listen = notch_p2p_address_v4(192, 0, 2, (uint8_t)notch_gen_below(gen, 256), 7400);
    static const char agent[] = "notch/0.1.0 of somebody";
    hello->agent = notch_bytes(agent, (size_t)notch_gen_below(gen, sizeof agent));
    hello->status = some_status(gen);
    notch_gen_bytes(gen, &hello->sig, sizeof hello->sig);
}

/* The messages of CONTROL, the items, and addresses. */
static void draw_plain(struct notch_test_message *test, struct notch_gen *gen)
{
    struct notch_p2p_message *message = &test->message;
    const struct notch_p2p_type_info *info = notch_p2p_type_info((uint8_t)message->type);
    if (info->is_items) {
        message->items.items = some_list(test, gen, 1, draw_item);
    } else if (message->type == NOTCH_P2P_HELLO) {
        draw_hello(test, gen);
    } else if (message->type == NOTCH_P2P_PING || message->type == NOTCH_P2P_PONG) {
        message->ping = (struct notch_p2p_ping){notch_gen_u64(gen), some_status(gen)};
    } else if (message->type == NOTCH_P2P_BYE) {
        message->bye.reason = (uint8_t)notch_gen_below(gen, 256);
    } else if (message->type == NOTCH_P2P_MESH) {
        message->mesh = (struct notch_p2p_mesh){(uint8_t)(1 + notch_gen_below(gen, 2)), (uint32_t)notch_gen_u64(gen)};
    } else if (message->type == NOTCH_P2P_DIRECT || message->type == NOTCH_P2P_NODE) {
        message->direct =
            (struct notch_p2p_direct){(uint16_t)notch_gen_below(gen, 65536), some_bytes(test, gen, 0, 60)};
    } else if (message->type == NOTCH_P2P_ADDRESSES) {
        message->addresses.addresses = some_list(test, gen, 1, draw_seen);
    } else if (message->type != NOTCH_P2P_GET_ADDRESSES) {
        message->ids.type = (uint8_t)(NOTCH_P2P_RECORDS + notch_gen_below(gen, 8));
        message->ids.ids = some_list(test, gen, 1, draw_id);
    }
}

static void draw_snapshot(struct notch_p2p_snapshot *snapshot, struct notch_gen *gen)
{
    snapshot->is_there = notch_gen_below(gen, 2) == 1;
    if (snapshot->is_there) {
        snapshot->set_id = (uint32_t)notch_gen_u64(gen);
        snapshot->block = some_hash(gen);
        snapshot->height.raw = notch_gen_edge_u64(gen);
        snapshot->state_root = some_hash(gen);
        snapshot->depth = (uint8_t)notch_gen_below(gen, 17);
    }
}

static void draw_chunk(struct notch_test_message *test, struct notch_gen *gen, uint32_t token)
{
    struct notch_p2p_chunk *chunk = &test->message.chunk;
    *chunk = (struct notch_p2p_chunk){.token = token, .state_root = some_hash(gen), .index = 7};
    chunk->proof = some_list(test, gen, 0, draw_id);
    chunk->bytes = some_bytes(test, gen, 0, 60);
}

/* The messages of SYNC: all begin with a token. */
static void draw_sync(struct notch_test_message *test, struct notch_gen *gen)
{
    struct notch_p2p_message *message = &test->message;
    uint32_t token = (uint32_t)notch_gen_edge_u64(gen);
    message->get_ids.token = token;
    if (message->type == NOTCH_P2P_GET_SETS) {
        message->get_sets = (struct notch_p2p_get_sets){token, (uint32_t)notch_gen_u64(gen), 9};
    } else if (message->type == NOTCH_P2P_GET_HEADERS) {
        message->get_headers = (struct notch_p2p_get_headers){token, some_hash(gen), {notch_gen_edge_u64(gen)}, 512};
    } else if (message->type == NOTCH_P2P_HEADERS) {
        message->headers.headers = some_list(test, gen, 0, draw_header);
    } else if (message->type == NOTCH_P2P_GET_BODIES || message->type == NOTCH_P2P_GET_BATCHES) {
        message->get_ids.ids = some_list(test, gen, 1, draw_id);
    } else if (message->type == NOTCH_P2P_GET_CERTIFICATE) {
        message->get_certificate.final = (struct notch_checkpoint){{notch_gen_edge_u64(gen)}, some_hash(gen)};
        message->get_certificate.target = (struct notch_checkpoint){{notch_gen_edge_u64(gen)}, some_hash(gen)};
    } else if (message->type == NOTCH_P2P_CERTIFICATE) {
        message->certificate.is_last = notch_gen_below(gen, 2) == 1;
        message->certificate.votes = some_bytes(test, gen, 0, 60);
    } else if (message->type == NOTCH_P2P_RECONCILE || message->type == NOTCH_P2P_RECONCILED) {
        message->reconcile.ranges = some_ranges(test, gen);
    } else if (message->type == NOTCH_P2P_GET_SNAPSHOT) {
        message->get_snapshot.set_id = (uint32_t)notch_gen_u64(gen);
    } else if (message->type == NOTCH_P2P_SNAPSHOT) {
        draw_snapshot(&message->snapshot, gen);
    } else if (message->type == NOTCH_P2P_GET_CHUNK) {
        message->get_chunk = (struct notch_p2p_get_chunk){token, some_hash(gen), (uint32_t)notch_gen_u64(gen)};
    } else if (message->type == NOTCH_P2P_CHUNK) {
        draw_chunk(test, gen, token);
    } else {
        message->blobs.blobs = some_list(test, gen, 0, draw_blob);
    }
}

void notch_test_message_draw(struct notch_test_message *test, struct notch_gen *gen)
{
    static const enum notch_p2p_type types[] = {
#define X(name, code, class, shape, cap) NOTCH_P2P_##name,
        NOTCH_P2P_TYPE_TABLE(X)
#undef X
    };
    notch_buf_clear(&test->arena);
    memset(&test->message, 0, sizeof test->message);
    test->message.type = types[notch_gen_below(gen, NOTCH_ARRAY_LEN(types))];
    bool is_sync = notch_p2p_type_info((uint8_t)test->message.type)->class == NOTCH_P2P_CLASS_SYNC;
    if (is_sync && test->message.type != NOTCH_P2P_NODE) {
        draw_sync(test, gen);
    } else {
        draw_plain(test, gen);
    }
}
