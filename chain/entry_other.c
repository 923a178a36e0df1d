#include "chain/entry_other.h"

#include "chain/entry_rows.h"

static void witness_write(struct notch_writer *writer, const struct notch_entry *entry)
{
    const struct notch_witness *witness = &entry->as.witness;
    notch_write_blob(writer, witness->header);
    notch_write_uvar(writer, witness->batch_count);
    notch_write_bytes(writer, witness->batches.data, witness->batches.len);
    notch_write_blob(writer, witness->votes);
    notch_write_blob(writer, witness->headers);
}

static void witness_read(struct notch_reader *reader, struct notch_entry *out)
{
    struct notch_witness *witness = &out->as.witness;
    witness->header = notch_read_blob(reader, NOTCH_WITNESS_HEADER_MAX);
    witness->batch_count = (uint32_t)notch_read_uvar_max(reader, NOTCH_WITNESS_BATCHES_MAX);
    witness->batches = notch_read_bytes(reader, (size_t)witness->batch_count * 32);
    witness->votes = notch_read_blob(reader, NOTCH_WITNESS_VOTES_MAX);
    witness->headers = notch_read_blob(reader, NOTCH_WITNESS_HEADERS_MAX);
}

static struct notch_reject witness_check(const struct notch_entry *entry, const struct notch_form *form)
{
    (void)form;
    const struct notch_witness *witness = &entry->as.witness;
    if (witness->header.len == 0 || witness->batch_count == 0 || witness->votes.len == 0) {
        return NOTCH_REJECT(EMPTY, "witness: no header, no batches or no votes");
    }
    return NOTCH_VALID;
}

const struct notch_entry_row notch__entry_witness = {
    NOTCH_ENTRY_WITNESS, "witness", witness_write, witness_read, witness_check, NULL, NULL,
};

static void sealed_write(struct notch_writer *writer, const struct notch_entry *entry)
{
    const struct notch_sealed *sealed = &entry->as.sealed;
    notch_write_hash(writer, &sealed->audience);
    notch_write_uvar(writer, sealed->key_period);
    notch_write_bytes(writer, sealed->nonce, sizeof sealed->nonce);
    notch_write_blob(writer, sealed->ciphertext);
}

static void sealed_read(struct notch_reader *reader, struct notch_entry *out)
{
    struct notch_sealed *sealed = &out->as.sealed;
    sealed->audience = notch_read_hash(reader);
    sealed->key_period = notch_read_uvar(reader);
    notch_read_into(reader, sealed->nonce, sizeof sealed->nonce);
    sealed->ciphertext = notch_read_blob(reader, NOTCH_SEALED_BYTES_MAX);
}

static struct notch_reject sealed_check(const struct notch_entry *entry, const struct notch_form *form)
{
    (void)form;
    if (entry->as.sealed.ciphertext.len < NOTCH_SEALED_BYTES_MIN) {
        return NOTCH_REJECT(BOUNDS, "sealed: the ciphertext is not 17 .. 28672 bytes");
    }
    return NOTCH_VALID;
}

const struct notch_entry_row notch__entry_sealed = {
    NOTCH_ENTRY_SEALED, "sealed", sealed_write, sealed_read, sealed_check, NULL, NULL,
};
