#include "chain/entry_allocation.h"

#include "base/assert.h"
#include "base/fixed.h"
#include "chain/entry_rows.h"

static void resource_terms(struct notch_entry_terms *out, const struct notch_hash *resource,
                           const struct notch_period *period)
{
    out->has_market = true;
    out->market = *resource;
    out->has_time = true;
    out->time = period->start;
}

/* Raw: the encoding of a commitment. */
static void commitment_write(struct notch_writer *writer, const struct notch_commitment *commitment)
{
    notch_write_bytes(writer, commitment->raw, sizeof commitment->raw);
}

/* ---- RECOGNITION ---- */

void notch_share_put(struct notch_writer *writer, const struct notch_share *share)
{
    notch_write_key(writer, &share->peer);
    notch__ppm_write(writer, share->share);
}

bool notch_share_next(struct notch_reader *reader, struct notch_share *out)
{
    if (notch_reader_left(reader) == 0) {
        return false;
    }
    out->peer = notch_read_key(reader);
    out->share = notch__ppm_read(reader);
    return !reader->failed;
}

static void recognition_write(struct notch_writer *writer, const struct notch_entry *entry)
{
    notch_write_uvar(writer, entry->as.recognition.count);
    notch_write_bytes(writer, entry->as.recognition.shares.data, entry->as.recognition.shares.len);
}

static void recognition_read(struct notch_reader *reader, struct notch_entry *out)
{
    struct notch_recognition *recognition = &out->as.recognition;
    recognition->count = (uint32_t)notch_read_uvar_max(reader, NOTCH_RECOGNITION_MAX);
    const uint8_t *start = reader->at;
    struct notch_share before = {0};
    for (uint32_t i = 0; i < recognition->count; i++) {
        struct notch_share share;
        share.peer = notch_read_key(reader);
        share.share = notch__ppm_read(reader);
        if (i > 0 && notch_key_cmp(&before.peer, &share.peer) >= 0) {
            notch_reader_fail(reader);
        }
        before = share;
    }
    recognition->shares = notch__read_since(reader, start);
}

/* Raw: a sum of at most 512 shares of at most 2^31 fits. */
static struct notch_reject recognition_check(const struct notch_entry *entry, const struct notch_form *form)
{
    (void)form;
    struct notch_reader reader = notch_reader(entry->as.recognition.shares);
    struct notch_share share;
    int64_t sum = 0;
    while (notch_share_next(&reader, &share)) {
        if (share.share.raw == 0) {
            return NOTCH_REJECT(BOUNDS, "recognition: a share of nothing");
        }
        sum += share.share.raw;
    }
    if (sum > NOTCH_PPM_ONE) {
        return NOTCH_REJECT(BOUNDS, "recognition: the shares sum to more than 1000000 ppm");
    }
    return NOTCH_VALID;
}

const struct notch_entry_row notch__entry_recognition = {
    NOTCH_ENTRY_RECOGNITION, "recognition", recognition_write, recognition_read, recognition_check, NULL, NULL,
};

/* ---- CAPACITY ---- */

static void capacity_write(struct notch_writer *writer, const struct notch_entry *entry)
{
    const struct notch_capacity *capacity = &entry->as.capacity;
    notch_write_hash(writer, &capacity->resource);
    notch_period_write(writer, &capacity->period);
    notch_write_u8(writer, (uint8_t)capacity->kind);
    notch_write_u8(writer, capacity->committed ? 1 : 0);
    if (capacity->committed) {
        commitment_write(writer, &capacity->commitment);
    } else {
        notch__amount_write(writer, capacity->amount);
    }
}

/* Raw: the encoding of a commitment. */
static void capacity_read(struct notch_reader *reader, struct notch_entry *out)
{
    struct notch_capacity *capacity = &out->as.capacity;
    capacity->resource = notch_read_hash(reader);
    notch_period_read(reader, &capacity->period);
    capacity->kind = (enum notch_capacity_kind)notch__read_choice(reader, NOTCH_CAPACITY_FLOW);
    capacity->committed = notch__read_choice(reader, 1) == 1;
    if (capacity->committed) {
        notch_read_into(reader, capacity->commitment.raw, sizeof capacity->commitment.raw);
    } else {
        capacity->amount = notch__amount_read(reader);
    }
}

static struct notch_reject capacity_check(const struct notch_entry *entry, const struct notch_form *form)
{
    (void)form;
    const struct notch_capacity *capacity = &entry->as.capacity;
    if (capacity->committed && !notch_commitment_is_valid(&capacity->commitment)) {
        return NOTCH_REJECT(BOUNDS, "capacity: the commitment is no point of the group");
    }
    return NOTCH_VALID;
}

static void capacity_terms(struct notch_entry_terms *out, const struct notch_entry *entry)
{
    resource_terms(out, &entry->as.capacity.resource, &entry->as.capacity.period);
}

const struct notch_entry_row notch__entry_capacity = {
    NOTCH_ENTRY_CAPACITY, "capacity", capacity_write, capacity_read, capacity_check, NULL, capacity_terms,
};

/* ---- NEED_COMMIT ---- */

static void need_commit_write(struct notch_writer *writer, const struct notch_entry *entry)
{
    const struct notch_need_commit *need = &entry->as.need_commit;
    notch_write_hash(writer, &need->resource);
    notch_period_write(writer, &need->period);
    commitment_write(writer, &need->commitment);
}

/* Raw: the encoding of a commitment. */
static void need_commit_read(struct notch_reader *reader, struct notch_entry *out)
{
    struct notch_need_commit *need = &out->as.need_commit;
    need->resource = notch_read_hash(reader);
    notch_period_read(reader, &need->period);
    notch_read_into(reader, need->commitment.raw, sizeof need->commitment.raw);
}

static struct notch_reject need_commit_check(const struct notch_entry *entry, const struct notch_form *form)
{
    (void)form;
    if (!notch_commitment_is_valid(&entry->as.need_commit.commitment)) {
        return NOTCH_REJECT(BOUNDS, "need_commit: the commitment is no point of the group");
    }
    return NOTCH_VALID;
}

/* One need per recipient, resource and period. Raw: keys by their bytes. */
static void need_commit_claim(struct notch_claim *out, const struct notch_entry *entry, const struct notch_key *author)
{
    notch__claim_begin(out, NOTCH_ENTRY_NEED_COMMIT);
    notch__claim_add(out, author->raw, 32);
    notch__claim_add(out, entry->as.need_commit.resource.raw, 32);
    notch__claim_add_period(out, &entry->as.need_commit.period);
}

static void need_commit_terms(struct notch_entry_terms *out, const struct notch_entry *entry)
{
    resource_terms(out, &entry->as.need_commit.resource, &entry->as.need_commit.period);
}

const struct notch_entry_row notch__entry_need_commit = {
    NOTCH_ENTRY_NEED_COMMIT, "need_commit",     need_commit_write, need_commit_read,
    need_commit_check,       need_commit_claim, need_commit_terms,
};

/* ---- NEED_REVEAL ---- */

/* Raw: the encoding of a blinding. */
static void need_reveal_write(struct notch_writer *writer, const struct notch_entry *entry)
{
    const struct notch_need_reveal *need = &entry->as.need_reveal;
    notch_write_hash(writer, &need->resource);
    notch_period_write(writer, &need->period);
    notch__amount_write(writer, need->amount);
    notch_write_bytes(writer, need->blinding.raw, sizeof need->blinding.raw);
}

/* Raw: the encoding of a blinding. */
static void need_reveal_read(struct notch_reader *reader, struct notch_entry *out)
{
    struct notch_need_reveal *need = &out->as.need_reveal;
    need->resource = notch_read_hash(reader);
    notch_period_read(reader, &need->period);
    need->amount = notch__amount_read(reader);
    notch_read_into(reader, need->blinding.raw, sizeof need->blinding.raw);
}

static struct notch_reject need_reveal_check(const struct notch_entry *entry, const struct notch_form *form)
{
    (void)form;
    if (!notch_blinding_is_valid(&entry->as.need_reveal.blinding)) {
        return NOTCH_REJECT(BOUNDS, "need_reveal: the blinding is no scalar below the group's order");
    }
    return NOTCH_VALID;
}

static void need_reveal_terms(struct notch_entry_terms *out, const struct notch_entry *entry)
{
    resource_terms(out, &entry->as.need_reveal.resource, &entry->as.need_reveal.period);
}

const struct notch_entry_row notch__entry_need_reveal = {
    NOTCH_ENTRY_NEED_REVEAL, "need_reveal", need_reveal_write, need_reveal_read,
    need_reveal_check,       NULL,          need_reveal_terms,
};

/* ---- ALLOCATION ---- */

/* All but the signatures: what they cover. */
static void allocation_write_terms(struct notch_writer *writer, const struct notch_allocation *allocation)
{
    notch_write_key(writer, &allocation->provider);
    notch_write_uvar(writer, allocation->sequence);
    notch_write_key(writer, &allocation->recipient);
    notch_write_hash(writer, &allocation->resource);
    notch_period_write(writer, &allocation->period);
    notch__amount_write(writer, allocation->amount);
}

void notch_allocation_sighash(struct notch_hash *out, const struct notch_domain *domain,
                              const struct notch_allocation *allocation)
{
    uint8_t terms[32 * 3 + 4 * NOTCH_UVAR_MAX];
    struct notch_writer writer = notch_writer(terms, sizeof terms);
    allocation_write_terms(&writer, allocation);
    notch_assert(notch_writer_ok(&writer));
    notch_domain_hash(out, domain, NOTCH_TAG_ALLOCATION, notch_writer_bytes(&writer));
}

static void allocation_write(struct notch_writer *writer, const struct notch_entry *entry)
{
    const struct notch_allocation *allocation = &entry->as.allocation;
    allocation_write_terms(writer, allocation);
    notch_write_sig(writer, &allocation->provider_sig);
    notch_write_sig(writer, &allocation->recipient_sig);
}

static void allocation_read(struct notch_reader *reader, struct notch_entry *out)
{
    struct notch_allocation *allocation = &out->as.allocation;
    allocation->provider = notch_read_key(reader);
    allocation->sequence = notch_read_uvar(reader);
    allocation->recipient = notch_read_key(reader);
    allocation->resource = notch_read_hash(reader);
    notch_period_read(reader, &allocation->period);
    allocation->amount = notch__amount_read(reader);
    allocation->provider_sig = notch_read_sig(reader);
    allocation->recipient_sig = notch_read_sig(reader);
}

static struct notch_reject allocation_check(const struct notch_entry *entry, const struct notch_form *form)
{
    const struct notch_allocation *allocation = &entry->as.allocation;
    struct notch_hash sighash;
    notch_allocation_sighash(&sighash, form->rules->domain, allocation);
    if (!notch_verify(form->rules->crypto, &allocation->provider, &sighash, &allocation->provider_sig)) {
        return NOTCH_REJECT(SIGNATURE, "allocation: the provider's signature does not verify");
    }
    if (!notch_verify(form->rules->crypto, &allocation->recipient, &sighash, &allocation->recipient_sig)) {
        return NOTCH_REJECT(SIGNATURE, "allocation: the recipient's signature does not verify");
    }
    return NOTCH_VALID;
}

static void allocation_terms(struct notch_entry_terms *out, const struct notch_entry *entry)
{
    resource_terms(out, &entry->as.allocation.resource, &entry->as.allocation.period);
}

const struct notch_entry_row notch__entry_allocation = {
    NOTCH_ENTRY_ALLOCATION, "allocation", allocation_write, allocation_read, allocation_check, NULL, allocation_terms,
};

/* ---- ALLOCATION_CERT ---- */

void notch_cert_row_put(struct notch_writer *writer, const struct notch_cert_row *row)
{
    notch_write_key(writer, &row->recipient);
    notch__amount_write(writer, row->amount);
}

bool notch_cert_row_next(struct notch_reader *reader, struct notch_cert_row *out)
{
    if (notch_reader_left(reader) == 0) {
        return false;
    }
    out->recipient = notch_read_key(reader);
    out->amount = notch__amount_read(reader);
    return !reader->failed;
}

static void cert_write(struct notch_writer *writer, const struct notch_entry *entry)
{
    const struct notch_allocation_cert *cert = &entry->as.allocation_cert;
    notch_write_key(writer, &cert->provider);
    notch_write_hash(writer, &cert->resource);
    notch_period_write(writer, &cert->period);
    notch__amount_write(writer, cert->capacity);
    notch__amount_write(writer, cert->deduction);
    notch_write_uvar(writer, cert->lambda);
    notch_write_uvar(writer, cert->count);
    notch_write_bytes(writer, cert->rows.data, cert->rows.len);
}

static void cert_read(struct notch_reader *reader, struct notch_entry *out)
{
    struct notch_allocation_cert *cert = &out->as.allocation_cert;
    cert->provider = notch_read_key(reader);
    cert->resource = notch_read_hash(reader);
    notch_period_read(reader, &cert->period);
    cert->capacity = notch__amount_read(reader);
    cert->deduction = notch__amount_read(reader);
    cert->lambda = notch_read_uvar(reader);
    cert->count = (uint32_t)notch_read_uvar_max(reader, NOTCH_CERT_ROWS_MAX);
    const uint8_t *start = reader->at;
    struct notch_cert_row before = {0};
    for (uint32_t i = 0; i < cert->count; i++) {
        struct notch_cert_row row;
        row.recipient = notch_read_key(reader);
        row.amount = notch__amount_read(reader);
        if (i > 0 && notch_key_cmp(&before.recipient, &row.recipient) >= 0) {
            notch_reader_fail(reader);
        }
        before = row;
    }
    cert->rows = notch__read_since(reader, start);
}

/* Raw: an order of amounts. */
static struct notch_reject cert_check(const struct notch_entry *entry, const struct notch_form *form)
{
    (void)form;
    const struct notch_allocation_cert *cert = &entry->as.allocation_cert;
    struct notch_reader reader = notch_reader(cert->rows);
    struct notch_amount sum = cert->deduction;
    struct notch_cert_row row;
    while (notch_cert_row_next(&reader, &row)) {
        if (notch_amount_add(&sum, sum, row.amount) != NOTCH_OK) {
            return NOTCH_REJECT(CAPACITY, "allocation_cert: the rows sum to more than an amount can be");
        }
    }
    if (sum.raw > cert->capacity.raw) {
        return NOTCH_REJECT(CAPACITY, "allocation_cert: deduction and rows exceed the capacity");
    }
    return NOTCH_VALID;
}

static void cert_terms(struct notch_entry_terms *out, const struct notch_entry *entry)
{
    resource_terms(out, &entry->as.allocation_cert.resource, &entry->as.allocation_cert.period);
}

const struct notch_entry_row notch__entry_allocation_cert = {
    NOTCH_ENTRY_ALLOCATION_CERT, "allocation_cert", cert_write, cert_read, cert_check, NULL, cert_terms,
};
