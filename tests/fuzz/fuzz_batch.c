/*
 * A batch from outside.
 *
 * Input        the encoded batch.
 *
 * What is decoded is put together again from its parts: it must be the same bytes. A batch that passes the check
 * decodes.
 */
#include "chain/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parts(const struct notch_batch *batch)
{
    struct notch_buf out;
    notch_buf_init(&out, notch_alloc_heap());
    struct notch_writer writer = notch_writer_grow(&out);
    notch_write_bytes(&writer, batch->header.data, batch->header.len);
    notch_write_sig(&writer, &batch->sig);
    struct notch_reader reader = notch_reader(batch->records);
    struct notch_bytes record;
    uint32_t count = 0;
    while (notch_batch_next_record(&reader, &record)) {
        struct notch_bytes same;
        notch_assert(notch_batch_record(batch, &same, count++) == NOTCH_OK);
        notch_assert(same.data == record.data);
        notch_write_blob(&writer, record);
    }
    notch_assert(count == batch->record_count);
    notch_assert(notch_bytes_eq(notch_buf_bytes(&out), batch->encoded));
    notch_buf_fini(&out);
    struct notch_batch header;
    notch_assert(notch_is_valid(notch_batch_header_decode(&header, batch->header)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct notch_domain domain;
    if (notch_hash_is_zero(&domain.genesis)) {
        notch_domain_init(&domain, &(struct notch_hash){{1}});
    }
    const struct notch_rules rules = {.domain = &domain,
                                      .crypto = notch_crypto_standin(),
                                      .mode = NOTCH_MODE_PRIVATE,
                                      .record_bytes_max = NOTCH_RECORD_BYTES_MAX,
                                      .batch_bytes_max = NOTCH_BATCH_RECORDS_BYTES_MAX,
                                      .aggregate_min = 5};
    struct notch_batch batch;
    bool decoded = notch_is_valid(notch_batch_decode(&batch, notch_bytes(data, size)));
    if (decoded) {
        check_parts(&batch);
        struct notch_hash proof[NOTCH_MERKLE_PROOF_MAX];
        size_t len;
        enum notch_err err = notch_batch_prove_record(&batch, proof, &len, batch.record_count - 1, &domain);
        notch_assert(err == NOTCH_OK || err == NOTCH_ERR_INVALID);
    }
    uint32_t bad;
    struct notch_reject reject = notch_batch_check(&batch, NULL, &bad, notch_bytes(data, size), &rules);
    notch_assert(decoded || !notch_is_valid(reject));
    return 0;
}
