#include "p2p/internal.h"

/* ---- save and load: magic, anchors, bans, the book ---- */

static const uint8_t magic[8] = {'n', 'o', 't', 'c', 'h', 'p', '2', '1'};

/* The block-only peers that are up, then the oldest full ones. */
static size_t choose_anchors(const struct notch_p2p *p2p, struct notch_p2p_address out[NOTCH__ANCHORS_MAX])
{
    size_t count = 0;
    static const enum notch_p2p_purpose order[] = {NOTCH_P2P_BLOCK_ONLY, NOTCH_P2P_FULL};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(order); i++) {
        uint32_t at = 0;
        for (const struct notch__peer *peer; (peer = notch__p2p_next(p2p, &at)) != NULL;) {
            if (peer->is_up && peer->purpose == order[i] && count < NOTCH__ANCHORS_MAX) {
                out[count++] = peer->address;
            }
        }
    }
    return count;
}

void notch_p2p_save(const struct notch_p2p *p2p, struct notch_buf *out)
{
    struct notch_writer writer = notch_writer_grow(out);
    notch_write_bytes(&writer, magic, sizeof magic);
    struct notch_p2p_address anchors[NOTCH__ANCHORS_MAX];
    size_t count = choose_anchors(p2p, anchors);
    notch_write_u8(&writer, (uint8_t)count);
    for (size_t i = 0; i < count; i++) {
        notch_write_bytes(&writer, anchors[i].ip, sizeof anchors[i].ip);
        notch_write_u16(&writer, anchors[i].port);
    }
    notch_write_u32(&writer, (uint32_t)p2p->bans.count);
    size_t walk = 0;
    const void *key;
    void *value;
    while (notch_map_next(&p2p->bans, &walk, &key, &value)) {
        notch_write_key(&writer, key);
        uint64_t until;
        memcpy(&until, value, sizeof until);
        notch_write_u64(&writer, until);
    }
    notch_p2p_book_write(&p2p->book, &writer);
}

static bool read_anchors(struct notch_p2p *p2p, struct notch_reader *reader)
{
    uint8_t count = notch_read_u8(reader);
    if (count > NOTCH__ANCHORS_MAX) {
        return false;
    }
    for (uint8_t i = 0; i < count; i++) {
        notch_read_into(reader, p2p->anchors[i].ip, sizeof p2p->anchors[i].ip);
        p2p->anchors[i].port = notch_read_u16(reader);
        if (!notch_p2p_address_is_valid(&p2p->anchors[i])) {
            return false;
        }
    }
    return !reader->failed;
}

static bool read_bans(struct notch_p2p *p2p, struct notch_reader *reader)
{
    uint32_t count = notch_read_u32(reader);
    for (uint32_t i = 0; i < count; i++) {
        struct notch_key key = notch_read_key(reader);
        uint64_t until = notch_read_u64(reader);
        if (reader->failed) {
            return false;
        }
        notch__p2p_ban(p2p, &key, until);
    }
    return !reader->failed;
}

struct notch_reject notch_p2p_load(struct notch_p2p *p2p, struct notch_bytes bytes)
{
    notch_assert(p2p->seq == 0);
    notch_assert(p2p->book.places.count == 0);
    struct notch_reader reader = notch_reader(bytes);
    struct notch_bytes head = notch_read_bytes(&reader, sizeof magic);
    bool is_read = !reader.failed && memcmp(head.data, magic, sizeof magic) == 0 && read_anchors(p2p, &reader) &&
                   read_bans(p2p, &reader) && notch_is_valid(notch_p2p_book_read(&p2p->book, &reader)) &&
                   notch_reader_done(&reader);
    if (is_read) {
        return NOTCH_VALID;
    }
    memset(p2p->anchors, 0, sizeof p2p->anchors);
    notch_map_clear(&p2p->bans);
    notch_p2p_book_fini(&p2p->book);
    notch_p2p_book_init(&p2p->book, p2p->options.alloc, p2p->options.hash_key, &p2p->limits->book);
    return NOTCH_REJECT(MALFORMED, "saved peers");
}

/* ---- what operators see ---- */

bool notch_p2p_next_peer(const struct notch_p2p *p2p, size_t *at, struct notch_p2p_peer_info *out)
{
    uint32_t place = (uint32_t)*at;
    const struct notch__peer *peer = notch__p2p_next(p2p, &place);
    *at = place;
    if (peer == NULL) {
        return false;
    }
    *out = (struct notch_p2p_peer_info){.peer = peer->id,
                                        .key = peer->key,
                                        .address = peer->address,
                                        .purpose = peer->purpose,
                                        .version = peer->version,
                                        .services = peer->services,
                                        .capabilities = peer->capabilities,
                                        .is_up = peer->is_up,
                                        .is_in_mesh = peer->is_in_mesh,
                                        .score = notch__p2p_score(p2p, peer),
                                        .ping_ms = peer->ping_ms,
                                        .since = {peer->since},
                                        .status = peer->status,
                                        .bytes_in = peer->bytes_in,
                                        .bytes_out = peer->bytes_out,
                                        .queued_bytes = (uint32_t)peer->queued_bytes};
    memcpy(out->agent, peer->agent, sizeof out->agent);
    return true;
}

void notch_p2p_stats(const struct notch_p2p *p2p, struct notch_p2p_stats *out)
{
    *out = p2p->stats;
    uint32_t at = 0;
    for (const struct notch__peer *peer; (peer = notch__p2p_next(p2p, &at)) != NULL;) {
        out->peers_up += peer->is_up ? 1 : 0;
        out->inbound += peer->purpose == NOTCH_P2P_INBOUND ? 1 : 0;
        out->outbound += peer->purpose != NOTCH_P2P_INBOUND ? 1 : 0;
        out->mesh += peer->is_in_mesh ? 1 : 0;
        out->queued_bytes = peer->queued_bytes > out->queued_bytes ? (uint32_t)peer->queued_bytes : out->queued_bytes;
    }
    out->bans = (uint32_t)p2p->bans.count;
    out->addresses_new = p2p->book.new_count;
    out->addresses_tried = p2p->book.tried_count;
    out->wanted = (uint32_t)p2p->wanted.count;
}
