#include "p2p/message.h"

bool notch_p2p_next_id(struct notch_reader *reader, struct notch_hash *out)
{
    if (notch_reader_left(reader) == 0) {
        return false;
    }
    *out = notch_read_hash(reader);
    return !reader->failed;
}

bool notch_p2p_next_blob(struct notch_reader *reader, struct notch_bytes *out)
{
    if (notch_reader_left(reader) == 0) {
        return false;
    }
    *out = notch_read_blob(reader, SIZE_MAX);
    return !reader->failed;
}

void notch_p2p_item_write(struct notch_writer *writer, uint8_t hops, struct notch_bytes bytes)
{
    notch_write_u8(writer, hops);
    notch_write_blob(writer, bytes);
}

bool notch_p2p_next_item(struct notch_reader *reader, uint8_t *hops, struct notch_bytes *bytes)
{
    if (notch_reader_left(reader) == 0) {
        return false;
    }
    *hops = notch_read_u8(reader);
    *bytes = notch_read_blob(reader, SIZE_MAX);
    if (bytes->len == 0) {
        notch_reader_fail(reader);
    }
    return !reader->failed;
}

void notch_p2p_range_write(struct notch_writer *writer, const struct notch_p2p_range *range)
{
    notch_write_u8(writer, range->kind);
    notch_write_hash(writer, &range->end);
    if (range->kind == NOTCH_P2P_RANGE_FINGERPRINT) {
        notch_write_hash(writer, &range->fingerprint);
    } else if (range->kind == NOTCH_P2P_RANGE_IDS) {
        notch_write_uvar(writer, range->ids.count);
        notch_write_bytes(writer, range->ids.packed.data, range->ids.packed.len);
    }
}

static void read_ascending_ids(struct notch_reader *reader, struct notch_p2p_list *out)
{
    out->count = (uint32_t)notch_read_uvar_max(reader, NOTCH_P2P_RANGE_IDS_MAX);
    out->packed = notch_read_bytes(reader, (size_t)out->count * sizeof(struct notch_hash));
    struct notch_reader ids = notch_reader(out->packed);
    struct notch_hash before;
    struct notch_hash id;
    for (uint32_t i = 0; !reader->failed && notch_p2p_next_id(&ids, &id); i++) {
        if (i > 0 && notch_hash_cmp(&before, &id) >= 0) {
            notch_reader_fail(reader);
        }
        before = id;
    }
}

bool notch_p2p_next_range(struct notch_reader *reader, struct notch_p2p_range *out)
{
    if (notch_reader_left(reader) == 0) {
        return false;
    }
    *out = (struct notch_p2p_range){.kind = notch_read_u8(reader)};
    out->end = notch_read_hash(reader);
    if (out->kind == NOTCH_P2P_RANGE_FINGERPRINT) {
        out->fingerprint = notch_read_hash(reader);
    } else if (out->kind == NOTCH_P2P_RANGE_IDS) {
        read_ascending_ids(reader, &out->ids);
    } else if (out->kind != NOTCH_P2P_RANGE_SKIP) {
        notch_reader_fail(reader);
    }
    return !reader->failed;
}

void notch_p2p_seen_write(struct notch_writer *writer, const struct notch_p2p_seen *seen)
{
    notch_write_bytes(writer, seen->address.ip, sizeof seen->address.ip);
    notch_write_u16(writer, seen->address.port);
    notch_write_u32(writer, seen->services);
    notch_write_u32(writer, seen->seen_s);
}

bool notch_p2p_next_seen(struct notch_reader *reader, struct notch_p2p_seen *out)
{
    if (notch_reader_left(reader) == 0) {
        return false;
    }
    notch_read_into(reader, out->address.ip, sizeof out->address.ip);
    out->address.port = notch_read_u16(reader);
    out->services = notch_read_u32(reader);
    out->seen_s = notch_read_u32(reader);
    return !reader->failed;
}
