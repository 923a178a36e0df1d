#include "chain/batch.h"

#include "base/assert.h"
#include "chain/genesis.h"

void notch_batch_header_read(struct notch_reader *reader, struct notch_batch *out)
{
    out->maker = notch_read_key(reader);
    out->seq = notch_read_u64(reader);
    out->ts.raw = notch_read_u64(reader); /* Raw: decoding. */
    out->record_count = (uint32_t)notch_read_uvar_max(reader, NOTCH_BATCH_RECORDS_MAX);
    out->records_root = notch_read_hash(reader);
    if (out->record_count == 0) {
        notch_reader_fail(reader);
    }
}

struct notch_reject notch_batch_header_decode(struct notch_batch *out, struct notch_bytes header)
{
    memset(out, 0, sizeof *out);
    struct notch_reader reader = notch_reader(header);
    notch_batch_header_read(&reader, out);
    if (!notch_reader_done(&reader)) {
        return NOTCH_REJECT(MALFORMED, "batch: not a canonical header");
    }
    out->header = header;
    return NOTCH_VALID;
}

static bool record_read(struct notch_reader *reader, struct notch_bytes *out)
{
    if (notch_reader_left(reader) == 0) {
        return false;
    }
    *out = notch_read_blob(reader, NOTCH_RECORD_BYTES_MAX);
    return !reader->failed;
}

bool notch_batch_next_record(struct notch_reader *reader, struct notch_bytes *out)
{
    return record_read(reader, out);
}

struct notch_reject notch_batch_decode(struct notch_batch *out, struct notch_bytes bytes)
{
    if (bytes.len > NOTCH_BATCH_BYTES_MAX) {
        return NOTCH_REJECT(TOO_LARGE, "batch: larger than 64 KiB of records");
    }
    memset(out, 0, sizeof *out);
    struct notch_reader reader = notch_reader(bytes);
    notch_batch_header_read(&reader, out);
    size_t header_len = (size_t)(reader.at - bytes.data);
    out->sig = notch_read_sig(&reader);
    const uint8_t *records = reader.at;
    struct notch_bytes record;
    uint32_t count = 0;
    while (record_read(&reader, &record)) {
        count++;
    }
    if (!notch_reader_done(&reader) || count != out->record_count) {
        return NOTCH_REJECT(MALFORMED, "batch: not a canonical encoding");
    }
    out->header = notch_bytes(bytes.data, header_len);
    out->records = notch_bytes(records, (size_t)(reader.at - records));
    out->encoded = bytes;
    if (out->records.len > NOTCH_BATCH_RECORDS_BYTES_MAX) {
        return NOTCH_REJECT(TOO_LARGE, "batch: larger than 64 KiB of records");
    }
    return NOTCH_VALID;
}

void notch_batch_id(struct notch_hash *out, const struct notch_domain *domain, struct notch_bytes header)
{
    notch_domain_hash(out, domain, NOTCH_TAG_BATCH, header);
}

void notch_batch_hash(struct notch_batch *batch, const struct notch_domain *domain)
{
    notch_batch_id(&batch->id, domain, batch->header);
}

/* Raw: the bound of a time. */
struct notch_reject notch_batch_check_header(struct notch_batch *out, struct notch_bytes bytes,
                                             const struct notch_rules *rules)
{
    struct notch_reject reject = notch_batch_decode(out, bytes);
    if (!notch_is_valid(reject)) {
        return reject;
    }
    if (out->records.len > rules->batch_bytes_max) {
        return NOTCH_REJECT(TOO_LARGE, "batch: larger than the chain's batch_bytes");
    }
    if (out->ts.raw > NOTCH_TIME_MAX) {
        return NOTCH_REJECT(BOUNDS, "batch: ts is behind the year 9999");
    }
    notch_batch_hash(out, rules->domain);
    if (!notch_verify(rules->crypto, &out->maker, &out->id, &out->sig)) {
        return NOTCH_REJECT(SIGNATURE, "batch: the maker's signature does not verify");
    }
    return NOTCH_VALID;
}

/* Raw: the bytes of a record id are the data of its leaf. */
struct notch_reject notch_batch_check(struct notch_batch *out, struct notch_record *records, uint32_t *bad,
                                      struct notch_bytes bytes, const struct notch_rules *rules)
{
    uint32_t ignored;
    uint32_t *bad_index = bad != NULL ? bad : &ignored;
    *bad_index = UINT32_MAX;
    struct notch_reject reject = notch_batch_check_header(out, bytes, rules);
    if (!notch_is_valid(reject)) {
        return reject;
    }
    struct notch_hash leaves[NOTCH_BATCH_RECORDS_MAX];
    struct notch_reader reader = notch_reader(out->records);
    struct notch_bytes encoded;
    for (uint32_t i = 0; record_read(&reader, &encoded); i++) {
        struct notch_record local;
        struct notch_record *record = records != NULL ? &records[i] : &local;
        reject = notch_record_check(record, encoded, rules);
        if (!notch_is_valid(reject)) {
            *bad_index = i;
            return reject;
        }
        notch_merkle_leaf(&leaves[i], notch_bytes(record->id.raw, sizeof record->id.raw));
    }
    if (notch_merkle_has_twins(leaves, out->record_count)) {
        return NOTCH_REJECT(DUPLICATE, "batch: the same record twice");
    }
    struct notch_hash root;
    notch_merkle_root_of(&root, leaves, out->record_count);
    if (!notch_hash_eq(&root, &out->records_root)) {
        return NOTCH_REJECT(ROOT, "batch: records_root is not that of the records");
    }
    return NOTCH_VALID;
}

enum notch_err notch_batch_record(const struct notch_batch *batch, struct notch_bytes *out, uint32_t index)
{
    struct notch_reader reader = notch_reader(batch->records);
    for (uint32_t i = 0; record_read(&reader, out); i++) {
        if (i == index) {
            return NOTCH_OK;
        }
    }
    return NOTCH_ERR_RANGE;
}

/* Raw: the bytes of a record id are the data of its leaf. */
enum notch_err notch_batch_prove_record(const struct notch_batch *batch, struct notch_hash *proof, size_t *proof_len,
                                        uint32_t index, const struct notch_domain *domain)
{
    struct notch_hash leaves[NOTCH_BATCH_RECORDS_MAX];
    struct notch_reader reader = notch_reader(batch->records);
    struct notch_bytes encoded;
    uint32_t count = 0;
    while (count < NOTCH_BATCH_RECORDS_MAX && record_read(&reader, &encoded)) {
        struct notch_record record;
        if (!notch_is_valid(notch_record_decode(&record, encoded))) {
            return NOTCH_ERR_INVALID;
        }
        notch_record_hash(&record, domain);
        notch_merkle_leaf(&leaves[count++], notch_bytes(record.id.raw, sizeof record.id.raw));
    }
    const struct notch_merkle_leaves list = {leaves, count};
    const struct notch_merkle_nodes nodes = notch_merkle_nodes_of(&list);
    return notch_merkle_prove_inclusion(proof, proof_len, &nodes, index, count);
}

void notch_batch_builder_init(struct notch_batch_builder *builder, const struct notch_alloc *alloc,
                              uint32_t records_bytes_max)
{
    notch_assert(records_bytes_max <= NOTCH_BATCH_RECORDS_BYTES_MAX);
    notch_buf_init(&builder->records, alloc);
    builder->record_count = 0;
    builder->records_bytes_max = records_bytes_max;
}

void notch_batch_builder_fini(struct notch_batch_builder *builder)
{
    notch_buf_fini(&builder->records);
}

void notch_batch_builder_clear(struct notch_batch_builder *builder)
{
    notch_buf_clear(&builder->records);
    builder->record_count = 0;
}

/* Raw: the bytes of a record id are the data of its leaf. */
enum notch_err notch_batch_builder_add(struct notch_batch_builder *builder, struct notch_bytes record,
                                       const struct notch_hash *record_id)
{
    size_t more = notch_uvar_len(record.len) + record.len;
    if (builder->record_count == NOTCH_BATCH_RECORDS_MAX || more > builder->records_bytes_max - builder->records.len) {
        return NOTCH_ERR_SPACE;
    }
    struct notch_hash leaf;
    notch_merkle_leaf(&leaf, notch_bytes(record_id->raw, sizeof record_id->raw));
    for (uint32_t i = 0; i < builder->record_count; i++) {
        if (notch_hash_eq(&builder->leaves[i], &leaf)) {
            return NOTCH_ERR_EXISTS;
        }
    }
    struct notch_writer writer = notch_writer_grow(&builder->records);
    notch_write_blob(&writer, record);
    builder->leaves[builder->record_count++] = leaf;
    return NOTCH_OK;
}

void notch_batch_head_make(struct notch_batch_head *out, const struct notch_hash *leaves, uint32_t count, uint64_t seq,
                           struct notch_time ts, const struct notch_key *maker, const struct notch_domain *domain)
{
    struct notch_hash root;
    notch_merkle_root_of(&root, leaves, count);
    struct notch_writer writer = notch_writer(out->bytes, sizeof out->bytes);
    notch_write_key(&writer, maker);
    notch_write_u64(&writer, seq);
    notch_write_u64(&writer, ts.raw); /* Raw: encoding. */
    notch_write_uvar(&writer, count);
    notch_write_hash(&writer, &root);
    notch_assert(notch_writer_ok(&writer));
    out->len = notch_writer_bytes(&writer).len;
    notch_batch_id(&out->id, domain, notch_bytes(out->bytes, out->len));
}

void notch_batch_builder_finish(const struct notch_batch_builder *builder, struct notch_buf *out,
                                const struct notch_batch_head *head, const struct notch_sig *sig)
{
    struct notch_writer whole = notch_writer_grow(out);
    notch_write_bytes(&whole, head->bytes, head->len);
    notch_write_sig(&whole, sig);
    notch_write_bytes(&whole, builder->records.data, builder->records.len);
}

enum notch_err notch_batch_builder_sign(const struct notch_batch_builder *builder, struct notch_buf *out,
                                        struct notch_hash *id, uint64_t seq, struct notch_time ts,
                                        const struct notch_signer *maker, const struct notch_rules *rules)
{
    if (builder->record_count == 0) {
        return NOTCH_ERR_RANGE;
    }
    struct notch_batch_head head;
    struct notch_sig sig;
    notch_batch_head_make(&head, builder->leaves, builder->record_count, seq, ts, &maker->key, rules->domain);
    if (!notch_sign(rules->crypto, &sig, maker, &head.id)) {
        return NOTCH_ERR_CRYPTO;
    }
    notch_batch_builder_finish(builder, out, &head, &sig);
    *id = head.id;
    return NOTCH_OK;
}
