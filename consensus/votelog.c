#include "consensus/votelog.h"

#define JUSTIFICATION_VOTES_MAX 65536

void notch__log_write(struct notch_writer *writer, const struct notch__log_entry *entry)
{
    notch_write_u8(writer, (uint8_t)entry->kind);
    switch (entry->kind) {
    case NOTCH__LOG_PROPOSAL:
        /* Raw: the stored form of a slot. */
        notch_write_u64(writer, entry->slot.raw);
        notch_write_hash(writer, &entry->hash);
        return;
    case NOTCH__LOG_VOTE:
        notch_vote_data_encode(writer, &entry->vote.data);
        notch_write_u16(writer, entry->vote.validator);
        notch_write_key(writer, &entry->vote.key);
        notch_write_sig(writer, &entry->vote.sig);
        notch_write_blob(writer, entry->justification);
        return;
    case NOTCH__LOG_RESET:
    case NOTCH__LOG_LOST:
        notch_write_u64(writer, entry->slot.raw);
        return;
    }
    notch_unreachable();
}

struct notch_reject notch__log_read(struct notch__log_entry *out, struct notch_bytes bytes)
{
    *out = (struct notch__log_entry){0};
    struct notch_reader reader = notch_reader(bytes);
    uint8_t kind = notch_read_u8(&reader);
    if (kind < NOTCH__LOG_PROPOSAL || kind > NOTCH__LOG_LOST) {
        return NOTCH_REJECT(MALFORMED, "vote log entry kind");
    }
    out->kind = (enum notch__log_kind)kind;
    switch (out->kind) {
    case NOTCH__LOG_PROPOSAL:
        /* Raw: the stored form of a slot. */
        out->slot.raw = notch_read_u64(&reader);
        out->hash = notch_read_hash(&reader);
        break;
    case NOTCH__LOG_VOTE:
        notch_vote_data_decode(&out->vote.data, &reader);
        out->vote.validator = notch_read_u16(&reader);
        out->vote.key = notch_read_key(&reader);
        out->vote.sig = notch_read_sig(&reader);
        out->justification = notch_read_blob(&reader, notch_reader_left(&reader));
        out->slot = out->vote.data.slot;
        out->hash = out->vote.data.head;
        break;
    case NOTCH__LOG_RESET:
    case NOTCH__LOG_LOST:
        out->slot.raw = notch_read_u64(&reader);
        break;
    }
    if (!notch_reader_done(&reader)) {
        return NOTCH_REJECT(MALFORMED, "vote log entry");
    }
    size_t count;
    if (out->kind == NOTCH__LOG_VOTE) {
        return notch_votes_check(&count, out->justification, JUSTIFICATION_VOTES_MAX);
    }
    return NOTCH_VALID;
}

struct notch_reject notch_vote_log_decode(struct notch_vote_log_info *out, struct notch_bytes entry)
{
    struct notch__log_entry read;
    struct notch_reject reject = notch__log_read(&read, entry);
    *out = (struct notch_vote_log_info){
        .is_proposal = read.kind == NOTCH__LOG_PROPOSAL, .slot = read.slot, .hash = read.hash, .vote = read.vote};
    return reject;
}
