#include "ai/agent/allocation/message.h"

#include "base/hash.h"

#include <math.h>
#include <string.h>

void notch_allocation_market(struct notch_hash *out, const struct notch_hash *genesis,
                             const struct notch_hash *resource, struct notch_time start, uint64_t length_ms)
{
    uint8_t bytes[2 * sizeof(struct notch_hash) + 2 * sizeof(uint64_t)];
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    notch_write_hash(&writer, genesis);
    notch_write_hash(&writer, resource);
    notch_write_u64(&writer, start.raw); /* Raw: encodes */
    notch_write_u64(&writer, length_ms);
    notch_assert(notch_writer_ok(&writer));
    notch_hash_tagged(out, "notch/allocation/market", notch_writer_bytes(&writer));
}

static void write_f64(struct notch_writer *writer, double value)
{
    uint64_t bits;
    notch_assert(isfinite(value));
    notch_assert(value >= 0);
    value = value > 0 ? value : 0; /* of the two zeros, the positive one */
    memcpy(&bits, &value, sizeof bits);
    notch_write_u64(writer, bits);
}

/* Bits above those of infinity are negative numbers, its equals and above no numbers. */
static double read_f64(struct notch_reader *reader)
{
    double value;
    uint64_t bits = notch_read_u64(reader);
    if (bits >= UINT64_C(0x7ff) << 52) {
        notch_reader_fail(reader);
        bits = 0;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void write_body(struct notch_writer *writer, const struct notch_allocation_message *message)
{
    switch (message->kind) {
    case NOTCH_ALLOCATION_REQUEST:
        notch_write_uvar(writer, message->as.request.sequence);
        write_f64(writer, message->as.request.residual_need);
        write_f64(writer, message->as.request.expected);
        return;
    case NOTCH_ALLOCATION_RESPONSE:
        notch_write_uvar(writer, message->as.response.answers);
        write_f64(writer, message->as.response.allocated);
        notch_write_u8(writer, message->as.response.has_hints ? 1 : 0);
        if (message->as.response.has_hints) {
            write_f64(writer, message->as.response.capacity);
            write_f64(writer, message->as.response.utilisation);
        }
        return;
    case NOTCH_ALLOCATION_GOSSIP:
        notch_write_key(writer, &message->as.gossip.provider);
        write_f64(writer, message->as.gossip.denominator);
        write_f64(writer, message->as.gossip.residual_need);
        write_f64(writer, message->as.gossip.recognition);
        write_f64(writer, message->as.gossip.confidence);
        return;
    }
    notch_unreachable();
}

static void read_response(struct notch_reader *reader, struct notch_allocation_response *response)
{
    response->answers = notch_read_uvar(reader);
    response->allocated = read_f64(reader);
    uint8_t hints = notch_read_u8(reader);
    if (hints > 1) {
        notch_reader_fail(reader);
    }
    response->has_hints = hints == 1;
    if (response->has_hints) {
        response->capacity = read_f64(reader);
        response->utilisation = read_f64(reader);
    }
}

static void read_body(struct notch_reader *reader, struct notch_allocation_message *message)
{
    switch (message->kind) {
    case NOTCH_ALLOCATION_REQUEST:
        message->as.request.sequence = notch_read_uvar(reader);
        message->as.request.residual_need = read_f64(reader);
        message->as.request.expected = read_f64(reader);
        return;
    case NOTCH_ALLOCATION_RESPONSE:
        read_response(reader, &message->as.response);
        return;
    case NOTCH_ALLOCATION_GOSSIP:
        message->as.gossip.provider = notch_read_key(reader);
        message->as.gossip.denominator = read_f64(reader);
        message->as.gossip.residual_need = read_f64(reader);
        message->as.gossip.recognition = read_f64(reader);
        message->as.gossip.confidence = read_f64(reader);
        if (message->as.gossip.recognition > 1 || message->as.gossip.confidence > 1) {
            notch_reader_fail(reader);
        }
        return;
    }
    notch_reader_fail(reader);
}

bool notch_allocation_message_write(struct notch_writer *writer, const struct notch_allocation_message *message,
                                    const struct notch_crypto *crypto, const struct notch_signer *signer)
{
    uint8_t bytes[NOTCH_ALLOCATION_MESSAGE_BYTES_MAX];
    struct notch_writer body = notch_writer(bytes, sizeof bytes);
    notch_write_u8(&body, (uint8_t)message->kind);
    notch_write_hash(&body, &message->market);
    notch_write_key(&body, &message->from);
    notch_write_key(&body, &message->to);
    notch_write_uvar(&body, message->sent.raw); /* Raw: encodes */
    write_body(&body, message);
    notch_assert(notch_writer_ok(&body));
    struct notch_hash hash;
    struct notch_sig sig;
    notch_hash_tagged(&hash, "notch/allocation/message", notch_writer_bytes(&body));
    if (!notch_sign(crypto, &sig, signer, &hash)) {
        return false;
    }
    notch_write_bytes(writer, bytes, notch_writer_bytes(&body).len);
    notch_write_sig(writer, &sig);
    return true;
}

struct notch_reject notch_allocation_message_read(struct notch_allocation_message *out, struct notch_bytes bytes,
                                                  const struct notch_crypto *crypto)
{
    struct notch_reader reader = notch_reader(bytes);
    *out = (struct notch_allocation_message){.kind = NOTCH_ALLOCATION_REQUEST};
    out->kind = (enum notch_allocation_kind)notch_read_u8(&reader);
    out->market = notch_read_hash(&reader);
    out->from = notch_read_key(&reader);
    out->to = notch_read_key(&reader);
    out->sent.raw = notch_read_uvar(&reader); /* Raw: decodes */
    read_body(&reader, out);
    struct notch_sig sig = notch_read_sig(&reader);
    if (!notch_reader_done(&reader)) {
        return NOTCH_REJECT(MALFORMED, "no allocation message");
    }
    struct notch_hash hash;
    notch_hash_tagged(&hash, "notch/allocation/message", notch_bytes(bytes.data, bytes.len - sizeof sig));
    if (!notch_verify(crypto, &out->from, &hash, &sig)) {
        return NOTCH_REJECT(SIGNATURE, "an allocation message that its sender did not sign");
    }
    return NOTCH_VALID;
}
