#include "chain/receipt.h"

#include "chain/merkle.h"

enum { FORM_APPLIED = 0, FORM_RECORD = 1, FORM_ENTRIES = 2 };

static void write_outcome(struct notch_writer *writer, const struct notch_outcome *outcome)
{
    notch_write_u8(writer, (uint8_t)outcome->type);
    switch (outcome->type) {
    case NOTCH_APPLIED:
        break;
    case NOTCH_SUPERSEDED:
        notch_write_hash(writer, &outcome->superseded.record);
        notch_write_uvar(writer, outcome->superseded.entry);
        break;
    case NOTCH_REJECTED:
        notch_write_uvar(writer, outcome->code);
        break;
    }
}

void notch_receipt_write(struct notch_writer *writer, const struct notch_receipt *receipt)
{
    if (receipt->record != NOTCH_REJECT_NONE) {
        notch_write_u8(writer, FORM_RECORD);
        notch_write_uvar(writer, receipt->record);
        return;
    }
    if (receipt->all_applied) {
        notch_write_u8(writer, FORM_APPLIED);
        return;
    }
    notch_assert(receipt->count >= 1);
    notch_assert(receipt->count <= NOTCH_RECEIPT_ENTRIES_MAX);
    notch_write_u8(writer, FORM_ENTRIES);
    notch_write_uvar(writer, receipt->count);
    for (uint32_t i = 0; i < receipt->count; i++) {
        write_outcome(writer, &receipt->outcomes[i]);
    }
}

static enum notch_reject_code read_code(struct notch_reader *reader)
{
    uint64_t code = notch_read_uvar_max(reader, UINT16_MAX);
    if (code == NOTCH_REJECT_NONE) {
        notch_reader_fail(reader);
    }
    return (enum notch_reject_code)code;
}

static void read_outcome(struct notch_reader *reader, struct notch_outcome *out)
{
    uint8_t type = notch_read_u8(reader);
    if (type > NOTCH_REJECTED) {
        notch_reader_fail(reader);
        out->type = NOTCH_APPLIED;
        return;
    }
    out->type = (enum notch_outcome_type)type;
    switch (out->type) {
    case NOTCH_APPLIED:
        break;
    case NOTCH_SUPERSEDED:
        out->superseded.record = notch_read_hash(reader);
        out->superseded.entry = (uint32_t)notch_read_uvar_max(reader, NOTCH_RECEIPT_ENTRIES_MAX - 1);
        break;
    case NOTCH_REJECTED:
        out->code = read_code(reader);
        break;
    }
}

static void read_outcomes(struct notch_reader *reader, struct notch_receipt *out)
{
    out->count = (uint32_t)notch_read_uvar_max(reader, NOTCH_RECEIPT_ENTRIES_MAX);
    bool is_canonical = false;
    for (uint32_t i = 0; i < out->count && !reader->failed; i++) {
        read_outcome(reader, &out->outcomes[i]);
        is_canonical = is_canonical || out->outcomes[i].type != NOTCH_APPLIED;
    }
    if (!is_canonical) {
        notch_reader_fail(reader);
    }
}

void notch_receipt_read(struct notch_reader *reader, struct notch_receipt *out)
{
    uint8_t form = notch_read_u8(reader);
    out->record = NOTCH_REJECT_NONE;
    out->all_applied = form == FORM_APPLIED;
    out->count = 0;
    if (form == FORM_RECORD) {
        out->record = read_code(reader);
    } else if (form == FORM_ENTRIES) {
        read_outcomes(reader, out);
    } else if (form != FORM_APPLIED) {
        notch_reader_fail(reader);
    }
}

struct notch_bytes notch_receipt_skip(struct notch_reader *reader)
{
    struct notch_receipt receipt;
    const uint8_t *start = reader->at;
    notch_receipt_read(reader, &receipt);
    return reader->failed ? notch_bytes(NULL, 0) : notch_bytes(start, (size_t)(reader->at - start));
}

struct notch_reject notch_receipt_decode(struct notch_receipt *out, struct notch_bytes bytes)
{
    struct notch_reader reader = notch_reader(bytes);
    notch_receipt_read(&reader, out);
    return notch_reader_done(&reader) ? NOTCH_VALID : NOTCH_REJECT(MALFORMED, "receipt");
}

void notch_receipt_leaf(struct notch_hash *out, const struct notch_hash *record_id, struct notch_bytes receipt)
{
    static const uint8_t leaf_prefix = 0x00;
    struct notch_sha256 sha;
    notch_sha256_init(&sha);
    notch_sha256_update(&sha, &leaf_prefix, 1);
    notch_sha256_update(&sha, record_id->raw, sizeof record_id->raw);
    notch_sha256_update(&sha, receipt.data, receipt.len);
    notch_sha256_final(&sha, out);
}

enum notch_err notch_receipt_at(struct notch_bytes *out, struct notch_bytes receipts, uint32_t ordinal)
{
    struct notch_reader reader = notch_reader(receipts);
    for (uint32_t i = 0; notch_reader_left(&reader) > 0; i++) {
        struct notch_bytes receipt = notch_receipt_skip(&reader);
        if (reader.failed) {
            return NOTCH_ERR_CORRUPT;
        }
        if (i == ordinal) {
            *out = receipt;
            return NOTCH_OK;
        }
    }
    return NOTCH_ERR_NOT_FOUND;
}

struct notch_outcome notch_receipt_outcome(const struct notch_receipt *receipt, uint32_t entry)
{
    if (receipt->record != NOTCH_REJECT_NONE) {
        return (struct notch_outcome){.type = NOTCH_REJECTED, .code = receipt->record};
    }
    if (receipt->all_applied) {
        return (struct notch_outcome){.type = NOTCH_APPLIED};
    }
    notch_assert(entry < receipt->count);
    return receipt->outcomes[entry];
}
