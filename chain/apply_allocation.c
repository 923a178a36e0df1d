/*
 * Needs and capacities, and what is allocated between them. Two sums are kept where they are compared: what a
 * provider has allocated stands beside its capacity, what a recipient was given beside its need, so that no rule has
 * to search.
 */
#include "base/fixed.h"
#include "chain/apply_rows.h"

static struct notch_entry_ref self_ref(const struct notch_apply *apply)
{
    return (struct notch_entry_ref){apply->record->id, apply->entry};
}

/* NOT_FOUND is an answer here, not an error. */
static enum notch_err get_offer(struct notch_apply *apply, struct notch_offer *offer, bool *found,
                                const struct notch_store_key *key)
{
    struct notch_bytes value;
    enum notch_err err = notch_apply_get(apply, &value, key);
    *found = err == NOTCH_OK;
    if (err == NOTCH_ERR_NOT_FOUND) {
        return NOTCH_OK;
    }
    return err != NOTCH_OK ? err : notch_offer_decode(offer, value);
}

static enum notch_err get_need(struct notch_apply *apply, struct notch_need *need, bool *found,
                               const struct notch_store_key *key)
{
    struct notch_bytes value;
    enum notch_err err = notch_apply_get(apply, &value, key);
    *found = err == NOTCH_OK;
    if (err == NOTCH_ERR_NOT_FOUND) {
        return NOTCH_OK;
    }
    return err != NOTCH_OK ? err : notch_need_decode(need, value);
}

static enum notch_err get_number(struct notch_apply *apply, uint64_t *out, const struct notch_store_key *key)
{
    struct notch_bytes value;
    enum notch_err err = notch_apply_get(apply, &value, key);
    *out = 0;
    if (err == NOTCH_ERR_NOT_FOUND) {
        return NOTCH_OK;
    }
    return err != NOTCH_OK ? err : notch_number_decode(out, value);
}

static void put_offer(struct notch_apply *apply, const struct notch_store_key *key, const struct notch_offer *offer)
{
    uint8_t raw[NOTCH_STATE_VALUE_MAX];
    struct notch_writer writer = notch_writer(raw, sizeof raw);
    notch_offer_write(&writer, offer);
    notch_apply_put(apply, key, notch_writer_bytes(&writer));
}

static void put_need(struct notch_apply *apply, const struct notch_store_key *key, const struct notch_need *need)
{
    uint8_t raw[NOTCH_STATE_VALUE_MAX];
    struct notch_writer writer = notch_writer(raw, sizeof raw);
    notch_need_write(&writer, need);
    notch_assert(notch_writer_ok(&writer));
    notch_apply_put(apply, key, notch_writer_bytes(&writer));
}

static void put_number(struct notch_apply *apply, const struct notch_store_key *key, uint64_t number)
{
    uint8_t raw[NOTCH_UVAR_MAX];
    struct notch_writer writer = notch_writer(raw, sizeof raw);
    notch_write_uvar(&writer, number);
    notch_apply_put(apply, key, notch_writer_bytes(&writer));
}

enum notch_err notch__apply_capacity(struct notch_apply *apply, struct notch_outcome *outcome,
                                     const struct notch_entry *entry)
{
    const struct notch_capacity *capacity = &entry->as.capacity;
    struct notch_store_key key =
        notch_state_key_place(NOTCH_STATE_CAPACITY, &capacity->resource, &capacity->period, &apply->author);
    struct notch_offer offer = {.record = {{0}}};
    bool found;
    enum notch_err err = get_offer(apply, &offer, &found, &key);
    if (err != NOTCH_OK) {
        return err;
    }
    /* Raw: comparison. Behind a commitment nobody could see whether it still covers what is allocated. */
    int64_t allocated = offer.allocated.raw;
    if (allocated > 0 && (capacity->committed || capacity->amount.raw < allocated)) {
        return notch_apply_reject(outcome, NOTCH_REJECT_CAPACITY);
    }
    offer.record = apply->record->id;
    offer.kind = capacity->kind;
    offer.is_committed = capacity->committed;
    offer.amount = capacity->amount;
    offer.commitment = capacity->commitment;
    put_offer(apply, &key, &offer);
    return notch_apply_accept(outcome);
}

enum notch_err notch__apply_need_commit(struct notch_apply *apply, struct notch_outcome *outcome,
                                        const struct notch_entry *entry)
{
    const struct notch_need_commit *commit = &entry->as.need_commit;
    struct notch_store_key key =
        notch_state_key_place(NOTCH_STATE_NEED, &commit->resource, &commit->period, &apply->author);
    struct notch_need need = {.is_revealed = false};
    bool found;
    enum notch_err err = get_need(apply, &need, &found, &key);
    if (err != NOTCH_OK) {
        return err;
    }
    if (!found) {
        need.claims.slot = apply->slot.raw; /* Raw: settlement counts slots from here */
        need.claims.pauses = apply->pauses;
    }
    struct notch_contender contender = {.by = self_ref(apply), .account = apply->author};
    memcpy(contender.datum.raw, commit->commitment.raw, sizeof contender.datum.raw);
    *outcome = notch_claims_enter(&need.claims, &contender, apply->effective);
    if (outcome->type != NOTCH_APPLIED) {
        return NOTCH_OK;
    }
    put_need(apply, &key, &need);
    if (!found) {
        notch_apply_open_claim(apply, &key);
    }
    return NOTCH_OK;
}

enum notch_err notch__apply_need_reveal(struct notch_apply *apply, struct notch_outcome *outcome,
                                        const struct notch_entry *entry)
{
    const struct notch_need_reveal *reveal = &entry->as.need_reveal;
    struct notch_store_key key =
        notch_state_key_place(NOTCH_STATE_NEED, &reveal->resource, &reveal->period, &apply->author);
    struct notch_need need;
    bool found;
    enum notch_err err = get_need(apply, &need, &found, &key);
    if (err != NOTCH_OK) {
        return err;
    }
    if (!found) {
        return notch_apply_reject(outcome, NOTCH_REJECT_OPENING);
    }
    if (need.is_revealed) {
        return notch_apply_reject(outcome, NOTCH_REJECT_CONFLICT);
    }
    struct notch_commitment commitment;
    bool can_open = notch_commit_amount(&commitment, reveal->amount, &reveal->blinding);
    for (uint32_t i = 0; can_open && i < need.claims.count; i++) {
        if (memcmp(need.claims.contenders[i].datum.raw, commitment.raw, sizeof commitment.raw) != 0) {
            continue;
        }
        notch_claims_settle(&need.claims, i);
        need.is_revealed = true;
        need.amount = reveal->amount;
        need.allocated = (struct notch_amount){0};
        put_need(apply, &key, &need);
        return notch_apply_accept(outcome);
    }
    return notch_apply_reject(outcome, NOTCH_REJECT_OPENING);
}

/* Everything that an allocation touches. */
struct transfer {
    struct notch_key provider, recipient; /* accounts */
    struct notch_store_key sequence_key, offer_key, need_key, sum_key;
    struct notch_offer offer;
    struct notch_need need;
    uint64_t sequence; /* the last one that was applied */
    uint64_t sum;
    bool has_offer, has_need, is_signed;
};

static enum notch_err load_transfer(struct notch_apply *apply, struct transfer *transfer,
                                    const struct notch_allocation *allocation)
{
    bool provider_signs, recipient_signs;
    enum notch_err err = notch_apply_account_of(apply, &transfer->provider, &provider_signs, &allocation->provider);
    if (err == NOTCH_OK) {
        err = notch_apply_account_of(apply, &transfer->recipient, &recipient_signs, &allocation->recipient);
    }
    if (err != NOTCH_OK) {
        return err;
    }
    transfer->is_signed = provider_signs && recipient_signs;
    const struct notch_hash *resource = &allocation->resource;
    const struct notch_period *period = &allocation->period;
    transfer->sequence_key = notch_state_key_32(NOTCH_STATE_SEQUENCE, transfer->provider.raw);
    transfer->offer_key = notch_state_key_place(NOTCH_STATE_CAPACITY, resource, period, &transfer->provider);
    transfer->need_key = notch_state_key_place(NOTCH_STATE_NEED, resource, period, &transfer->recipient);
    transfer->sum_key = notch_state_key_sum(resource, period, &transfer->recipient, &transfer->provider);
    err = get_number(apply, &transfer->sequence, &transfer->sequence_key);
    if (err == NOTCH_OK) {
        err = get_offer(apply, &transfer->offer, &transfer->has_offer, &transfer->offer_key);
    }
    if (err == NOTCH_OK) {
        err = get_need(apply, &transfer->need, &transfer->has_need, &transfer->need_key);
    }
    return err != NOTCH_OK ? err : get_number(apply, &transfer->sum, &transfer->sum_key);
}

/* Adds `amount` to *sum unless that would pass `limit`. */
static bool add_within(struct notch_amount *sum, struct notch_amount amount, struct notch_amount limit)
{
    struct notch_amount after;
    if (notch_amount_add(&after, *sum, amount) != NOTCH_OK || after.raw > limit.raw) { /* Raw: comparison */
        return false;
    }
    *sum = after;
    return true;
}

static enum notch_reject_code judge(struct transfer *transfer, const struct notch_allocation *allocation)
{
    if (!transfer->is_signed) {
        return NOTCH_REJECT_AUTHOR_REVOKED;
    }
    if (allocation->sequence <= transfer->sequence) {
        return NOTCH_REJECT_SEQUENCE;
    }
    if (!transfer->has_offer || transfer->offer.is_committed ||
        !add_within(&transfer->offer.allocated, allocation->amount, transfer->offer.amount)) {
        return NOTCH_REJECT_CAPACITY;
    }
    if (!transfer->has_need || !transfer->need.is_revealed ||
        !add_within(&transfer->need.allocated, allocation->amount, transfer->need.amount)) {
        return NOTCH_REJECT_NEED;
    }
    return NOTCH_REJECT_NONE;
}

enum notch_err notch__apply_allocation(struct notch_apply *apply, struct notch_outcome *outcome,
                                       const struct notch_entry *entry)
{
    const struct notch_allocation *allocation = &entry->as.allocation;
    struct transfer transfer = {.sum = 0};
    enum notch_err err = load_transfer(apply, &transfer, allocation);
    if (err != NOTCH_OK) {
        return err;
    }
    enum notch_reject_code code = judge(&transfer, allocation);
    if (code != NOTCH_REJECT_NONE) {
        return notch_apply_reject(outcome, code);
    }
    put_number(apply, &transfer.sequence_key, allocation->sequence);
    put_offer(apply, &transfer.offer_key, &transfer.offer);
    put_need(apply, &transfer.need_key, &transfer.need);
    /* Raw: not above the provider's allocated sum, so it cannot overflow. */
    put_number(apply, &transfer.sum_key, transfer.sum + (uint64_t)allocation->amount.raw);
    return notch_apply_accept(outcome);
}
