#include "node/message.h"

#define MALFORMED(literal) NOTCH_REJECT(MALFORMED, literal)

struct notch_hash notch_message_hash(const uint8_t *hashes, uint32_t index)
{
    struct notch_hash hash;
    memcpy(&hash, hashes + (size_t)index * sizeof hash, sizeof hash);
    return hash;
}

void notch_status_message_encode(struct notch_writer *writer, const struct notch_status_message *message)
{
    /* Raw: numbers are encoded. */
    notch_write_u64(writer, message->slot.raw);
    notch_write_hash(writer, &message->head);
    notch_write_uvar(writer, message->head_height.raw);
    notch_write_uvar(writer, message->head_slot.raw);
    notch_write_uvar(writer, message->final_slot.raw);
    notch_write_hash(writer, &message->final);
    notch_write_uvar(writer, message->final_height.raw);
    notch_write_uvar(writer, message->justified_slot.raw);
}

struct notch_reject notch_status_message_decode(struct notch_status_message *out, struct notch_bytes bytes)
{
    /* Raw: numbers are decoded. */
    struct notch_reader reader = notch_reader(bytes);
    out->slot.raw = notch_read_u64(&reader);
    out->head = notch_read_hash(&reader);
    out->head_height.raw = notch_read_uvar(&reader);
    out->head_slot.raw = notch_read_uvar(&reader);
    out->final_slot.raw = notch_read_uvar(&reader);
    out->final = notch_read_hash(&reader);
    out->final_height.raw = notch_read_uvar(&reader);
    out->justified_slot.raw = notch_read_uvar(&reader);
    return notch_reader_done(&reader) ? NOTCH_VALID : MALFORMED("status message");
}

static void encode_list(struct notch_writer *writer, const uint8_t *hashes, uint32_t count)
{
    notch_write_uvar(writer, count);
    notch_write_bytes(writer, hashes, (size_t)count * sizeof(struct notch_hash));
}

static void decode_list(struct notch_reader *reader, const uint8_t **hashes, uint32_t *count, uint32_t max)
{
    *count = (uint32_t)notch_read_uvar_max(reader, max);
    *hashes = notch_read_bytes(reader, (size_t)*count * sizeof(struct notch_hash)).data;
    if (*count == 0) {
        notch_reader_fail(reader);
    }
}

void notch_want_message_encode(struct notch_writer *writer, const struct notch_want_message *message)
{
    notch_write_u8(writer, (uint8_t)message->kind);
    notch_write_uvar(writer, message->slot.raw); /* Raw: a number is encoded */
    encode_list(writer, message->hashes, message->count);
}

struct notch_reject notch_want_message_decode(struct notch_want_message *out, struct notch_bytes bytes)
{
    struct notch_reader reader = notch_reader(bytes);
    uint8_t kind = notch_read_u8(&reader);
    out->slot.raw = notch_read_uvar(&reader); /* Raw: a number is decoded */
    decode_list(&reader, &out->hashes, &out->count, NOTCH_WANT_MAX);
    bool has_slot = out->slot.raw != 0; /* Raw: only a checkpoint has one */
    if (!notch_reader_done(&reader) || kind >= NOTCH_WANT_KINDS || (has_slot && kind != NOTCH_WANT_CERTIFICATE)) {
        return MALFORMED("want message");
    }
    out->kind = (enum notch_want_kind)kind;
    return NOTCH_VALID;
}

void notch_have_message_encode(struct notch_writer *writer, const struct notch_have_message *message)
{
    encode_list(writer, message->hashes, message->count);
}

struct notch_reject notch_have_message_decode(struct notch_have_message *out, struct notch_bytes bytes)
{
    struct notch_reader reader = notch_reader(bytes);
    decode_list(&reader, &out->hashes, &out->count, NOTCH_HAVE_MAX);
    return notch_reader_done(&reader) ? NOTCH_VALID : MALFORMED("have message");
}

void notch_stored_message_encode(struct notch_writer *writer, const struct notch_stored_message *message)
{
    notch_write_hash(writer, &message->batch);
    notch_write_key(writer, &message->key);
    notch_write_sig(writer, &message->sig);
}

struct notch_reject notch_stored_message_decode(struct notch_stored_message *out, struct notch_bytes bytes)
{
    struct notch_reader reader = notch_reader(bytes);
    out->batch = notch_read_hash(&reader);
    out->key = notch_read_key(&reader);
    out->sig = notch_read_sig(&reader);
    return notch_reader_done(&reader) ? NOTCH_VALID : MALFORMED("stored message");
}

void notch_stored_hash(struct notch_hash *out, const struct notch_domain *domain, const struct notch_hash *batch,
                       const struct notch_key *key)
{
    struct notch_sha256 sha;
    notch_domain_begin(&sha, domain, NOTCH_TAG_STORED);
    notch_sha256_update(&sha, batch->raw, sizeof batch->raw); /* Raw: hashed */
    notch_sha256_update(&sha, key->raw, sizeof key->raw);     /* Raw: hashed */
    notch_sha256_final(&sha, out);
}
