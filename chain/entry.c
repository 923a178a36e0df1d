#include "chain/entry.h"

#include "base/assert.h"
#include "chain/entry_rows.h"

static const struct notch_entry_row *const rows[NOTCH_ENTRY_TYPE_MAX + 1] = {
    [NOTCH_ENTRY_INSIGHT] = &notch__entry_insight,
    [NOTCH_ENTRY_MODEL] = &notch__entry_model,
    [NOTCH_ENTRY_RECOGNITION] = &notch__entry_recognition,
    [NOTCH_ENTRY_CAPACITY] = &notch__entry_capacity,
    [NOTCH_ENTRY_NEED_COMMIT] = &notch__entry_need_commit,
    [NOTCH_ENTRY_NEED_REVEAL] = &notch__entry_need_reveal,
    [NOTCH_ENTRY_ALLOCATION] = &notch__entry_allocation,
    [NOTCH_ENTRY_ALLOCATION_CERT] = &notch__entry_allocation_cert,
    [NOTCH_ENTRY_CHALLENGE_COMMIT] = &notch__entry_challenge_commit,
    [NOTCH_ENTRY_CHALLENGE_REVEAL] = &notch__entry_challenge_reveal,
    [NOTCH_ENTRY_VALIDATOR] = &notch__entry_validator,
    [NOTCH_ENTRY_VOUCH] = &notch__entry_vouch,
    [NOTCH_ENTRY_AUTHOR] = &notch__entry_author,
    [NOTCH_ENTRY_GOVERNANCE] = &notch__entry_governance,
    [NOTCH_ENTRY_WITNESS] = &notch__entry_witness,
    [NOTCH_ENTRY_SEALED] = &notch__entry_sealed,
};

/* Reasons are literals, so each type has its own. */
static const char *const malformed[NOTCH_ENTRY_TYPE_MAX + 1] = {
#define X(name, value, text) [NOTCH_ENTRY_##name] = text ": not a canonical encoding",
    NOTCH_ENTRY_TABLE(X)
#undef X
};

const struct notch_entry_row *notch_entry_row(uint64_t type)
{
    return type <= NOTCH_ENTRY_TYPE_MAX ? rows[type] : NULL;
}

const char *notch_entry_name(uint64_t type)
{
    const struct notch_entry_row *row = notch_entry_row(type);
    return row == NULL ? "unknown" : row->name;
}

bool notch_entry_parse_name(enum notch_entry_type *out, const char *text, size_t len)
{
    for (size_t type = 1; type <= NOTCH_ENTRY_TYPE_MAX; type++) {
        const char *name = rows[type]->name;
        if (strlen(name) == len && memcmp(name, text, len) == 0) {
            *out = rows[type]->type;
            return true;
        }
    }
    return false;
}

void notch_entry_append(struct notch_buf *entries, const struct notch_entry *entry)
{
    const struct notch_entry_row *row = notch_entry_row(entry->type);
    notch_assert(row != NULL);
    /* The payload goes behind room for the longest type and length, and is moved up to the ones that it has. */
    size_t start = entries->len;
    struct notch_writer writer = notch_writer_grow(entries);
    static const uint8_t room[2 * NOTCH_UVAR_MAX];
    notch_write_bytes(&writer, room, sizeof room);
    row->write(&writer, entry);
    size_t payload_len = entries->len - start - sizeof room;
    uint8_t prefix[2 * NOTCH_UVAR_MAX];
    struct notch_writer prefix_writer = notch_writer(prefix, sizeof prefix);
    notch_write_uvar(&prefix_writer, (uint64_t)entry->type);
    notch_write_uvar(&prefix_writer, payload_len);
    struct notch_bytes written = notch_writer_bytes(&prefix_writer);
    memmove(entries->data + start + written.len, entries->data + start + sizeof room, payload_len);
    memcpy(entries->data + start, written.data, written.len);
    entries->len = start + written.len + payload_len;
}

struct notch_reject notch_entry_decode(struct notch_entry *out, uint64_t type, struct notch_bytes payload)
{
    const struct notch_entry_row *row = notch_entry_row(type);
    if (row == NULL) {
        return NOTCH_REJECT(UNKNOWN_TYPE, "entry: unknown type");
    }
    memset(out, 0, sizeof *out);
    out->type = row->type;
    struct notch_reader reader = notch_reader(payload);
    row->read(&reader, out);
    if (!notch_reader_done(&reader)) {
        return (struct notch_reject){NOTCH_REJECT_MALFORMED, malformed[type]};
    }
    return NOTCH_VALID;
}

struct notch_reject notch_entry_check(const struct notch_entry *entry, const struct notch_form *form)
{
    const struct notch_entry_row *row = notch_entry_row(entry->type);
    notch_assert(row != NULL);
    return row->check(entry, form);
}

bool notch_entry_claim(struct notch_claim *out, const struct notch_entry *entry, const struct notch_key *author)
{
    const struct notch_entry_row *row = notch_entry_row(entry->type);
    notch_assert(row != NULL);
    if (row->claim == NULL) {
        return false;
    }
    row->claim(out, entry, author);
    return true;
}

void notch_entry_terms(struct notch_entry_terms *out, const struct notch_entry *entry)
{
    const struct notch_entry_row *row = notch_entry_row(entry->type);
    notch_assert(row != NULL);
    memset(out, 0, sizeof *out);
    if (row->terms != NULL) {
        row->terms(out, entry);
    }
}

/* Raw: the encoding of amounts and ratios. */
void notch__amount_write(struct notch_writer *writer, struct notch_amount amount)
{
    notch_assert(amount.raw >= 0);
    notch_write_uvar(writer, (uint64_t)amount.raw);
}

struct notch_amount notch__amount_read(struct notch_reader *reader)
{
    return (struct notch_amount){(int64_t)notch_read_uvar_max(reader, INT64_MAX)};
}

/* Raw: the encoding of a ratio. */
void notch__ppm_write(struct notch_writer *writer, struct notch_ppm ratio)
{
    notch_assert(ratio.raw >= 0);
    notch_write_uvar(writer, (uint64_t)ratio.raw);
}

struct notch_ppm notch__ppm_read(struct notch_reader *reader)
{
    return (struct notch_ppm){(int32_t)notch_read_uvar_max(reader, INT32_MAX)};
}

/* Raw: the encoding of a ratio. */
void notch__ppm_write_signed(struct notch_writer *writer, struct notch_ppm ratio)
{
    notch_write_svar(writer, ratio.raw);
}

struct notch_ppm notch__ppm_read_signed(struct notch_reader *reader)
{
    int64_t value = notch_read_svar(reader);
    if (value < INT32_MIN || value > INT32_MAX) {
        notch_reader_fail(reader);
        return (struct notch_ppm){0};
    }
    return (struct notch_ppm){(int32_t)value};
}

uint8_t notch__read_choice(struct notch_reader *reader, uint8_t max)
{
    uint8_t value = notch_read_u8(reader);
    if (value > max) {
        notch_reader_fail(reader);
        return 0;
    }
    return value;
}

struct notch_bytes notch__read_since(const struct notch_reader *reader, const uint8_t *start)
{
    return reader->failed ? notch_bytes(NULL, 0) : notch_bytes(start, (size_t)(reader->at - start));
}

/* Raw: the bytes of a claim. */
void notch__claim_begin(struct notch_claim *claim, enum notch_entry_type type)
{
    claim->raw[0] = (uint8_t)type;
    claim->len = 1;
}

/* Raw: the bytes of a claim. */
void notch__claim_add(struct notch_claim *claim, const uint8_t *data, size_t len)
{
    notch_assert(len <= sizeof claim->raw - claim->len);
    memcpy(claim->raw + claim->len, data, len);
    claim->len = (uint8_t)(claim->len + len);
}

void notch__claim_add_u64(struct notch_claim *claim, uint64_t value)
{
    uint8_t be[8];
    notch_put_be64(be, value);
    notch__claim_add(claim, be, sizeof be);
}

/* Raw: a period by its begin and its length. */
void notch__claim_add_period(struct notch_claim *claim, const struct notch_period *period)
{
    notch__claim_add_u64(claim, period->start.raw);
    notch__claim_add_u64(claim, period->length_ms);
}
