#include "base/codec.h"

#include "base/assert.h"

/* The next len bytes, or NULL once anything has failed. */
static const uint8_t *take(struct notch_reader *reader, size_t len)
{
    if (reader->failed || (size_t)(reader->end - reader->at) < len) {
        reader->failed = true;
        return NULL;
    }
    const uint8_t *at = reader->at;
    if (len > 0) {
        reader->at += len;
    }
    return at;
}

/* Written out byte by byte: compilers make one load or store of these, where a loop costs them eight. */
static uint32_t get_le32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void put_le32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
    at[2] = (uint8_t)(value >> 16);
    at[3] = (uint8_t)(value >> 24);
}

uint8_t notch_read_u8(struct notch_reader *reader)
{
    const uint8_t *at = take(reader, 1);
    return at == NULL ? 0 : at[0];
}

uint16_t notch_read_u16(struct notch_reader *reader)
{
    const uint8_t *at = take(reader, 2);
    if (at == NULL) {
        return 0;
    }
    return (uint16_t)(at[0] | at[1] << 8);
}

uint32_t notch_read_u32(struct notch_reader *reader)
{
    const uint8_t *at = take(reader, 4);
    return at == NULL ? 0 : get_le32(at);
}

uint64_t notch_read_u64(struct notch_reader *reader)
{
    const uint8_t *at = take(reader, 8);
    return at == NULL ? 0 : (uint64_t)get_le32(at) | (uint64_t)get_le32(at + 4) << 32;
}

uint64_t notch_read_uvar(struct notch_reader *reader)
{
    size_t left = notch_reader_left(reader);
    uint64_t value = 0;
    for (size_t i = 0; i < left && i < NOTCH_UVAR_MAX; i++) {
        uint64_t group = reader->at[i] & 0x7f;
        value |= group << (7 * i);
        if (group == reader->at[i]) { /* no group follows */
            bool overflows = i == NOTCH_UVAR_MAX - 1 && group > 1;
            bool padded = i > 0 && group == 0;
            if (overflows || padded) {
                break;
            }
            reader->at += i + 1;
            return value;
        }
    }
    reader->failed = true;
    return 0;
}

int64_t notch_read_svar(struct notch_reader *reader)
{
    uint64_t zigzag = notch_read_uvar(reader);
    uint64_t magnitude = zigzag >> 1;
    return (zigzag & 1) != 0 ? -(int64_t)magnitude - 1 : (int64_t)magnitude;
}

uint64_t notch_read_uvar_max(struct notch_reader *reader, uint64_t max)
{
    uint64_t value = notch_read_uvar(reader);
    if (value > max) {
        reader->failed = true;
        return 0;
    }
    return value;
}

struct notch_bytes notch_read_bytes(struct notch_reader *reader, size_t len)
{
    const uint8_t *at = take(reader, len);
    return at == NULL ? notch_bytes(NULL, 0) : notch_bytes(at, len);
}

struct notch_bytes notch_read_blob(struct notch_reader *reader, size_t max)
{
    size_t len = (size_t)notch_read_uvar_max(reader, max);
    return notch_read_bytes(reader, len);
}

void notch_read_into(struct notch_reader *reader, void *out, size_t len)
{
    const uint8_t *at = take(reader, len);
    if (at == NULL) {
        memset(out, 0, len);
        return;
    }
    memcpy(out, at, len);
}

struct notch_hash notch_read_hash(struct notch_reader *reader)
{
    struct notch_hash hash;
    notch_read_into(reader, hash.raw, sizeof hash.raw);
    return hash;
}

struct notch_key notch_read_key(struct notch_reader *reader)
{
    struct notch_key key;
    notch_read_into(reader, key.raw, sizeof key.raw);
    return key;
}

struct notch_sig notch_read_sig(struct notch_reader *reader)
{
    struct notch_sig sig;
    notch_read_into(reader, sig.raw, sizeof sig.raw);
    return sig;
}

/* Room for len bytes, or NULL once anything has failed. */
static uint8_t *room(struct notch_writer *writer, size_t len)
{
    if (writer->grow != NULL) {
        uint8_t *at = notch_buf_reserve(writer->grow, len);
        writer->grow->len += len;
        return at;
    }
    if (writer->failed || (size_t)(writer->end - writer->at) < len) {
        writer->failed = true;
        return NULL;
    }
    uint8_t *at = writer->at;
    if (len > 0) {
        writer->at += len;
    }
    return at;
}

void notch_write_u8(struct notch_writer *writer, uint8_t value)
{
    uint8_t *at = room(writer, 1);
    if (at != NULL) {
        at[0] = value;
    }
}

void notch_write_u16(struct notch_writer *writer, uint16_t value)
{
    uint8_t *at = room(writer, 2);
    if (at != NULL) {
        at[0] = (uint8_t)value;
        at[1] = (uint8_t)(value >> 8);
    }
}

void notch_write_u32(struct notch_writer *writer, uint32_t value)
{
    uint8_t *at = room(writer, 4);
    if (at != NULL) {
        put_le32(at, value);
    }
}

void notch_write_u64(struct notch_writer *writer, uint64_t value)
{
    uint8_t *at = room(writer, 8);
    if (at != NULL) {
        put_le32(at, (uint32_t)value);
        put_le32(at + 4, (uint32_t)(value >> 32));
    }
}

void notch_write_uvar(struct notch_writer *writer, uint64_t value)
{
    uint8_t groups[NOTCH_UVAR_MAX];
    size_t len = 0;
    while (value >= 0x80) {
        groups[len++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    groups[len++] = (uint8_t)value;
    notch_write_bytes(writer, groups, len);
}

void notch_write_svar(struct notch_writer *writer, int64_t value)
{
    uint64_t twice = (uint64_t)value << 1;
    notch_write_uvar(writer, value < 0 ? ~twice : twice);
}

void notch_write_bytes(struct notch_writer *writer, const void *data, size_t len)
{
    uint8_t *at = room(writer, len);
    if (at != NULL && len > 0) {
        memcpy(at, data, len);
    }
}

void notch_write_blob(struct notch_writer *writer, struct notch_bytes blob)
{
    notch_write_uvar(writer, blob.len);
    notch_write_bytes(writer, blob.data, blob.len);
}

void notch_write_hash(struct notch_writer *writer, const struct notch_hash *hash)
{
    notch_write_bytes(writer, hash->raw, sizeof hash->raw);
}

void notch_write_key(struct notch_writer *writer, const struct notch_key *key)
{
    notch_write_bytes(writer, key->raw, sizeof key->raw);
}

void notch_write_sig(struct notch_writer *writer, const struct notch_sig *sig)
{
    notch_write_bytes(writer, sig->raw, sizeof sig->raw);
}

size_t notch_uvar_len(uint64_t value)
{
    size_t len = 1;
    while (value >= 0x80) {
        value >>= 7;
        len++;
    }
    return len;
}

void notch_put_be32(uint8_t out[4], uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        out[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

void notch_put_be64(uint8_t out[8], uint64_t value)
{
    for (unsigned i = 0; i < 8; i++) {
        out[i] = (uint8_t)(value >> (56 - 8 * i));
    }
}

uint32_t notch_get_be32(const uint8_t in[4])
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++) {
        value = value << 8 | in[i];
    }
    return value;
}

uint64_t notch_get_be64(const uint8_t in[8])
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) {
        value = value << 8 | in[i];
    }
    return value;
}
