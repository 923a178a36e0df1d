/*
 * The payloads of p2p/wire.h. Each shape is described once, by a function that reads or writes depending on what it was
 * handed: what is read and what is written cannot drift apart.
 */
#include "p2p/wire.h"

/* Exactly one of the two is set. */
struct wire {
    struct notch_reader *reader;
    struct notch_writer *writer;
};

static void fail(struct wire *wire)
{
    if (wire->reader != NULL) {
        notch_reader_fail(wire->reader);
    }
}

static void u8(struct wire *wire, uint8_t *value)
{
    if (wire->reader != NULL) {
        *value = notch_read_u8(wire->reader);
    } else {
        notch_write_u8(wire->writer, *value);
    }
}

static void u16(struct wire *wire, uint16_t *value)
{
    if (wire->reader != NULL) {
        *value = notch_read_u16(wire->reader);
    } else {
        notch_write_u16(wire->writer, *value);
    }
}

static void u32(struct wire *wire, uint32_t *value)
{
    if (wire->reader != NULL) {
        *value = notch_read_u32(wire->reader);
    } else {
        notch_write_u32(wire->writer, *value);
    }
}

static void u64(struct wire *wire, uint64_t *value)
{
    if (wire->reader != NULL) {
        *value = notch_read_u64(wire->reader);
    } else {
        notch_write_u64(wire->writer, *value);
    }
}

static void flag(struct wire *wire, bool *value)
{
    uint8_t byte = *value ? 1 : 0;
    u8(wire, &byte);
    if (byte > 1) {
        fail(wire);
    }
    *value = byte == 1;
}

static void raw_bytes(struct wire *wire, void *data, size_t len)
{
    if (wire->reader != NULL) {
        notch_read_into(wire->reader, data, len);
    } else {
        notch_write_bytes(wire->writer, data, len);
    }
}

static void hash(struct wire *wire, struct notch_hash *value)
{
    raw_bytes(wire, value, sizeof *value);
}

static void blob(struct wire *wire, struct notch_bytes *value, size_t max)
{
    if (wire->reader != NULL) {
        *value = notch_read_blob(wire->reader, max);
    } else {
        notch_write_blob(wire->writer, *value);
    }
}

/* Raw: a slot and a height are eight bytes on the wire. */
static void checkpoint(struct wire *wire, struct notch_checkpoint *value)
{
    u64(wire, &value->slot.raw);
    hash(wire, &value->hash);
}

/* How a list is walked to its end: over one element. */
enum element { ID, BLOB, ITEM, HEADER, RANGE, SEEN };

static void skip(struct notch_reader *reader, enum element element)
{
    struct notch_p2p_range range;
    uint8_t hops;
    struct notch_bytes bytes;
    bool is_read = true;
    switch (element) {
    case ID:
        (void)notch_read_bytes(reader, sizeof(struct notch_hash));
        break;
    case BLOB:
        is_read = notch_p2p_next_blob(reader, &bytes);
        break;
    case ITEM:
        is_read = notch_p2p_next_item(reader, &hops, &bytes);
        break;
    case HEADER:
        (void)notch_read_bytes(reader, NOTCH_HEADER_LEN);
        break;
    case RANGE:
        is_read = notch_p2p_next_range(reader, &range);
        break;
    case SEEN:
        (void)notch_read_bytes(reader, NOTCH_P2P_SEEN_LEN);
        break;
    }
    if (!is_read) {
        notch_reader_fail(reader);
    }
}

static void list(struct wire *wire, struct notch_p2p_list *value, enum element element, uint32_t min, uint32_t max)
{
    if (wire->writer != NULL) {
        notch_write_uvar(wire->writer, value->count);
        notch_write_bytes(wire->writer, value->packed.data, value->packed.len);
        return;
    }
    struct notch_reader *reader = wire->reader;
    value->count = (uint32_t)notch_read_uvar_max(reader, max);
    if (value->count < min) {
        notch_reader_fail(reader);
    }
    const uint8_t *start = reader->at;
    for (uint32_t i = 0; i < value->count && !reader->failed; i++) {
        skip(reader, element);
    }
    value->packed = reader->failed ? notch_bytes(NULL, 0) : notch_bytes(start, (size_t)(reader->at - start));
}

/* Raw: as above. */
static void status(struct wire *wire, struct notch_p2p_status *value)
{
    u64(wire, &value->slot.raw);
    u32(wire, &value->set_id);
    hash(wire, &value->head);
    u64(wire, &value->head_height.raw);
    checkpoint(wire, &value->final);
    u64(wire, &value->final_height.raw);
    checkpoint(wire, &value->justified);
}

static void address(struct wire *wire, struct notch_p2p_address *value)
{
    raw_bytes(wire, value->ip, sizeof value->ip);
    u16(wire, &value->port);
}

static void shape_hello(struct wire *wire, struct notch_p2p_message *message)
{
    struct notch_p2p_hello *hello = &message->hello;
    hash(wire, &hello->genesis);
    u16(wire, &hello->version_min);
    u16(wire, &hello->version_max);
    u32(wire, &hello->services);
    u32(wire, &hello->capabilities);
    address(wire, &hello->listen);
    blob(wire, &hello->agent, NOTCH_P2P_AGENT_MAX);
    for (size_t i = 0; i < hello->agent.len; i++) {
        if (hello->agent.data[i] < 0x20 || hello->agent.data[i] > 0x7e) {
            fail(wire);
        }
    }
    if (hello->version_min > hello->version_max) {
        fail(wire);
    }
    status(wire, &hello->status);
    raw_bytes(wire, &hello->sig, sizeof hello->sig);
}

static void shape_ping(struct wire *wire, struct notch_p2p_message *message)
{
    u64(wire, &message->ping.nonce);
    status(wire, &message->ping.status);
}

static void shape_bye(struct wire *wire, struct notch_p2p_message *message)
{
    u8(wire, &message->bye.reason);
}

static void shape_mesh(struct wire *wire, struct notch_p2p_message *message)
{
    u8(wire, &message->mesh.action);
    u32(wire, &message->mesh.pause_ms);
    if (message->mesh.action != NOTCH_P2P_MESH_GRAFT && message->mesh.action != NOTCH_P2P_MESH_PRUNE) {
        fail(wire);
    }
}

static void shape_ids(struct wire *wire, struct notch_p2p_message *message)
{
    u8(wire, &message->ids.type);
    const struct notch_p2p_type_info *info = notch_p2p_type_info(message->ids.type);
    if (info == NULL || !info->is_items) {
        fail(wire);
    }
    list(wire, &message->ids.ids, ID, 1, NOTCH_P2P_IDS_MAX);
}

static void shape_items(struct wire *wire, struct notch_p2p_message *message)
{
    list(wire, &message->items.items, ITEM, 1, NOTCH_P2P_ITEMS_MAX);
}

static void shape_direct(struct wire *wire, struct notch_p2p_message *message)
{
    u16(wire, &message->direct.topic);
    blob(wire, &message->direct.bytes, NOTCH_P2P_PAYLOAD_MAX);
}

static void shape_get_sets(struct wire *wire, struct notch_p2p_message *message)
{
    u32(wire, &message->get_sets.token);
    u32(wire, &message->get_sets.from);
    u16(wire, &message->get_sets.max);
}

static void shape_blobs(struct wire *wire, struct notch_p2p_message *message)
{
    u32(wire, &message->blobs.token);
    list(wire, &message->blobs.blobs, BLOB, 0, NOTCH_P2P_BLOBS_MAX);
}

/* Raw: as above. */
static void shape_get_headers(struct wire *wire, struct notch_p2p_message *message)
{
    u32(wire, &message->get_headers.token);
    hash(wire, &message->get_headers.from);
    u64(wire, &message->get_headers.down_to.raw);
    u16(wire, &message->get_headers.max);
}

static void shape_headers(struct wire *wire, struct notch_p2p_message *message)
{
    u32(wire, &message->headers.token);
    list(wire, &message->headers.headers, HEADER, 0, NOTCH_P2P_HEADERS_MAX);
}

static void shape_get_ids(struct wire *wire, struct notch_p2p_message *message)
{
    u32(wire, &message->get_ids.token);
    list(wire, &message->get_ids.ids, ID, 1, NOTCH_P2P_GET_IDS_MAX);
}

static void shape_get_certificate(struct wire *wire, struct notch_p2p_message *message)
{
    u32(wire, &message->get_certificate.token);
    checkpoint(wire, &message->get_certificate.final);
    checkpoint(wire, &message->get_certificate.target);
}

static void shape_certificate(struct wire *wire, struct notch_p2p_message *message)
{
    u32(wire, &message->certificate.token);
    flag(wire, &message->certificate.is_last);
    blob(wire, &message->certificate.votes, NOTCH_P2P_PAYLOAD_MAX);
}

/* Whether the ranges ascend and the last one ends at the last of all ids. */
static bool ranges_cover(const struct notch_p2p_list *ranges)
{
    struct notch_hash last;
    memset(&last, 0xff, sizeof last);
    struct notch_reader reader = notch_reader(ranges->packed);
    struct notch_p2p_range range;
    struct notch_hash end;
    for (uint32_t i = 0; notch_p2p_next_range(&reader, &range); i++) {
        if (i > 0 && notch_hash_cmp(&end, &range.end) >= 0) {
            return false;
        }
        end = range.end;
    }
    return notch_hash_eq(&end, &last);
}

static void shape_reconcile(struct wire *wire, struct notch_p2p_message *message)
{
    u32(wire, &message->reconcile.token);
    list(wire, &message->reconcile.ranges, RANGE, 1, NOTCH_P2P_RANGES_MAX);
    if (wire->reader != NULL && !wire->reader->failed && !ranges_cover(&message->reconcile.ranges)) {
        fail(wire);
    }
}

static void shape_get_snapshot(struct wire *wire, struct notch_p2p_message *message)
{
    u32(wire, &message->get_snapshot.token);
    u32(wire, &message->get_snapshot.set_id);
}

/* Raw: as above. */
static void shape_snapshot(struct wire *wire, struct notch_p2p_message *message)
{
    struct notch_p2p_snapshot *snapshot = &message->snapshot;
    u32(wire, &snapshot->token);
    flag(wire, &snapshot->is_there);
    if (!snapshot->is_there) {
        return;
    }
    u32(wire, &snapshot->set_id);
    hash(wire, &snapshot->block);
    u64(wire, &snapshot->height.raw);
    hash(wire, &snapshot->state_root);
    u8(wire, &snapshot->depth);
    if (snapshot->depth > 16) {
        fail(wire);
    }
}

static void shape_get_chunk(struct wire *wire, struct notch_p2p_message *message)
{
    u32(wire, &message->get_chunk.token);
    hash(wire, &message->get_chunk.state_root);
    u32(wire, &message->get_chunk.index);
}

static void shape_chunk(struct wire *wire, struct notch_p2p_message *message)
{
    u32(wire, &message->chunk.token);
    hash(wire, &message->chunk.state_root);
    u32(wire, &message->chunk.index);
    list(wire, &message->chunk.proof, ID, 0, NOTCH_P2P_PROOF_MAX);
    blob(wire, &message->chunk.bytes, NOTCH_P2P_PAYLOAD_MAX);
}

static void shape_addresses(struct wire *wire, struct notch_p2p_message *message)
{
    list(wire, &message->addresses.addresses, SEEN, 1, NOTCH_P2P_ADDRESSES_MAX);
}

static void shape_empty(struct wire *wire, struct notch_p2p_message *message)
{
    (void)wire;
    (void)message;
}

static void shape(struct wire *wire, struct notch_p2p_message *message)
{
    switch (message->type) {
#define X(name, code, class, shape_name, cap) \
    case NOTCH_P2P_##name: \
        shape_##shape_name(wire, message); \
        return;
        NOTCH_P2P_TYPE_TABLE(X)
#undef X
    }
    notch_unreachable();
}

void notch_p2p_encode(struct notch_writer *writer, const struct notch_p2p_message *message)
{
    struct notch_p2p_message copy = *message;
    shape(&(struct wire){.writer = writer}, &copy);
}

struct notch_reject notch_p2p_decode(struct notch_p2p_message *out, uint8_t code, struct notch_bytes payload)
{
    const struct notch_p2p_type_info *info = notch_p2p_type_info(code);
    memset(out, 0, sizeof *out);
    if (info == NULL) {
        return NOTCH_REJECT(UNKNOWN_TYPE, "message type");
    }
    if (payload.len > info->payload_max) {
        return NOTCH_REJECT(TOO_LARGE, "message payload");
    }
    out->type = info->type;
    struct notch_reader reader = notch_reader(payload);
    shape(&(struct wire){.reader = &reader}, out);
    return notch_reader_done(&reader) ? NOTCH_VALID : NOTCH_REJECT(MALFORMED, "message payload");
}
