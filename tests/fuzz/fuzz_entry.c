/*
 * The payload of an entry from outside.
 *
 * Input        type (1 byte), then the payload.
 *
 * What is decoded, encoded again, must be the same bytes; the form check, the claim and the terms of it hold in every
 * mode.
 */
#include "chain/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const struct notch_entry *entry, struct notch_bytes payload)
{
    struct notch_buf list;
    notch_buf_init(&list, notch_alloc_heap());
    notch_entry_append(&list, entry);
    struct notch_reader reader = notch_reader(notch_buf_bytes(&list));
    struct notch_entry_view view;
    bool read = notch_record_next_entry(&reader, &view);
    notch_assert(read);
    notch_assert(notch_reader_done(&reader));
    notch_assert(view.type == entry->type);
    notch_assert(notch_bytes_eq(view.payload, payload));
    notch_buf_fini(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct notch_domain domain;
    if (notch_hash_is_zero(&domain.genesis)) {
        notch_domain_init(&domain, &(struct notch_hash){{1}});
    }
    struct notch_reader reader = notch_reader(notch_bytes(data, size));
    uint8_t type = notch_read_u8(&reader);
    struct notch_bytes payload = notch_read_bytes(&reader, notch_reader_left(&reader));
    struct notch_entry entry;
    if (!notch_is_valid(notch_entry_decode(&entry, type, payload))) {
        return 0;
    }
    check_round_trip(&entry, payload);
    for (int mode = 0; mode < NOTCH_MODE_COUNT; mode++) {
        const struct notch_rules rules = {.domain = &domain,
                                          .crypto = notch_crypto_standin(),
                                          .mode = (enum notch_mode)mode,
                                          .record_bytes_max = NOTCH_RECORD_BYTES_MAX,
                                          .aggregate_min = 5};
        const struct notch_form form = {&rules, {{2}}, {UINT64_C(1750000000000)}};
        struct notch_reject reject = notch_entry_check(&entry, &form);
        notch_assert(reject.reason != NULL);
    }
    struct notch_claim claim;
    if (notch_entry_claim(&claim, &entry, &(struct notch_key){{2}})) {
        notch_assert(claim.len > 1 && claim.raw[0] == type);
    }
    struct notch_entry_terms terms;
    notch_entry_terms(&terms, &entry);
    return 0;
}
