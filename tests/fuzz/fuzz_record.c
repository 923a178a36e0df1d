/*
 * A record from outside.
 *
 * Input        the encoded record.
 *
 * What is decoded is put together again from its parts: it must be the same bytes. Whatever the check says, it says the
 * same twice, and a record that passes it is one that decodes.
 */
#include "chain/record.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parts(const struct notch_record *record)
{
    struct notch_buf out;
    notch_buf_init(&out, notch_alloc_heap());
    notch_buf_append(&out, record->header.data, record->header.len);
    notch_record_finish(&out, notch_bytes(NULL, 0), &record->sig, record->entries);
    notch_assert(notch_bytes_eq(notch_buf_bytes(&out), record->encoded));
    notch_buf_clear(&out);
    struct notch_record header;
    notch_assert(notch_is_valid(notch_record_header_decode(&header, record->header)));
    notch_assert(header.entry_count == record->entry_count);
    struct notch_reader reader = notch_reader(record->entries);
    struct notch_entry_view view;
    while (notch_record_next_entry(&reader, &view)) {
        notch_entry_append_raw(&out, view.type, view.payload);
    }
    notch_assert(notch_reader_done(&reader));
    notch_assert(notch_bytes_eq(notch_buf_bytes(&out), record->entries));
    notch_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct notch_domain domain;
    if (notch_hash_is_zero(&domain.genesis)) {
        notch_domain_init(&domain, &(struct notch_hash){{1}});
    }
    const struct notch_rules rules = {.domain = &domain,
                                      .crypto = notch_crypto_standin(),
                                      .mode = (enum notch_mode)(size % NOTCH_MODE_COUNT),
                                      .record_bytes_max = NOTCH_RECORD_BYTES_MAX,
                                      .aggregate_min = 5};
    struct notch_bytes input = notch_bytes(data, size);
    struct notch_record record;
    bool decoded = notch_is_valid(notch_record_decode(&record, input));
    if (decoded) {
        check_parts(&record);
    }
    struct notch_reject first = notch_record_check(&record, input, &rules);
    struct notch_reject second = notch_record_check(&record, input, &rules);
    notch_assert(first.code == second.code);
    notch_assert(decoded || !notch_is_valid(first));
    return 0;
}
