#include "chain/state.h"

enum { ACCOUNT_REVOKED = 1, ACCOUNT_ROTATED = 2, CLAIMS_SETTLED = 1, NEED_REVEALED = 1, MEMBER = 1 };

/* ---- keys ---- */

static struct notch_store_key place(uint8_t kind, const struct notch_hash *resource, const struct notch_period *period)
{
    struct notch_store_key key = notch_key_begin(kind);
    notch_key_add(&key, resource->raw, sizeof resource->raw);
    /* Raw: keys sort by time. */
    notch_key_add_be64(&key, period->start.raw);
    notch_key_add_be64(&key, period->start.raw + period->length_ms);
    return key;
}

struct notch_store_key notch_state_key_place(enum notch_state_kind kind, const struct notch_hash *resource,
                                             const struct notch_period *period, const struct notch_key *who)
{
    struct notch_store_key key = place((uint8_t)kind, resource, period);
    notch_key_add(&key, who->raw, sizeof who->raw);
    return key;
}

struct notch_store_key notch_state_key_sum(const struct notch_hash *resource, const struct notch_period *period,
                                           const struct notch_key *recipient, const struct notch_key *provider)
{
    struct notch_store_key key = place(NOTCH_STATE_ALLOCATION, resource, period);
    notch_key_add(&key, recipient->raw, sizeof recipient->raw);
    notch_key_add(&key, provider->raw, sizeof provider->raw);
    return key;
}

static struct notch_store_key membership_key(uint8_t kind, const struct notch_key *id)
{
    struct notch_store_key key = notch_key_begin(NOTCH_STATE_MEMBERSHIP);
    notch_key_add_u8(&key, kind);
    notch_key_add(&key, id->raw, sizeof id->raw);
    return key;
}

struct notch_store_key notch_state_key_member(const struct notch_key *validator)
{
    return membership_key('m', validator);
}

struct notch_store_key notch_state_key_operator(const struct notch_key *operator_key)
{
    return membership_key('o', operator_key);
}

struct notch_store_key notch_state_key_governance(void)
{
    struct notch_store_key key = notch_key_begin(NOTCH_STATE_MEMBERSHIP);
    notch_key_add_u8(&key, 'q');
    return key;
}

struct notch_store_key notch_state_key_set(uint64_t set_id)
{
    struct notch_store_key key = notch_key_begin(NOTCH_STATE_CONSENSUS);
    notch_key_add_be64(&key, set_id);
    return key;
}

/* ---- values ---- */

static uint8_t read_flags(struct notch_reader *reader, uint8_t known)
{
    uint8_t flags = notch_read_u8(reader);
    if ((flags & ~known) != 0) {
        notch_reader_fail(reader);
    }
    return flags;
}

static enum notch_err done(const struct notch_reader *reader)
{
    return notch_reader_done(reader) ? NOTCH_OK : NOTCH_ERR_CORRUPT;
}

static void write_amount(struct notch_writer *writer, struct notch_amount amount)
{
    notch_assert(amount.raw >= 0);
    notch_write_uvar(writer, (uint64_t)amount.raw); /* Raw: encoding */
}

static struct notch_amount read_amount(struct notch_reader *reader)
{
    return (struct notch_amount){(int64_t)notch_read_uvar_max(reader, INT64_MAX)};
}

void notch_account_write(struct notch_writer *writer, const struct notch_account *account)
{
    uint8_t flags =
        (uint8_t)((account->is_revoked ? ACCOUNT_REVOKED : 0) | (account->is_rotated ? ACCOUNT_ROTATED : 0));
    notch_write_u8(writer, flags);
    notch_write_uvar(writer, account->feed_size);
    notch_write_hash(writer, &account->feed_root);
    notch_write_uvar(writer, account->quota_set);
    notch_write_uvar(writer, account->quota_bytes);
    if (account->is_rotated) {
        notch_write_key(writer, &account->key);
    }
}

enum notch_err notch_account_decode(struct notch_account *out, struct notch_bytes value)
{
    struct notch_reader reader = notch_reader(value);
    uint8_t flags = read_flags(&reader, ACCOUNT_REVOKED | ACCOUNT_ROTATED);
    *out = (struct notch_account){
        .is_revoked = (flags & ACCOUNT_REVOKED) != 0,
        .is_rotated = (flags & ACCOUNT_ROTATED) != 0,
    };
    out->feed_size = notch_read_uvar(&reader);
    out->feed_root = notch_read_hash(&reader);
    out->quota_set = notch_read_uvar(&reader);
    out->quota_bytes = notch_read_uvar(&reader);
    if (out->is_rotated) {
        out->key = notch_read_key(&reader);
    }
    return done(&reader);
}

void notch_claims_write(struct notch_writer *writer, const struct notch_claims *claims)
{
    notch_assert(claims->count >= 1);
    notch_assert(claims->count <= NOTCH_CLAIM_CONTENDERS_MAX);
    notch_write_u8(writer, claims->is_settled ? CLAIMS_SETTLED : 0);
    notch_write_uvar(writer, claims->slot);
    notch_write_uvar(writer, claims->pauses);
    notch_write_uvar(writer, claims->effective.raw); /* Raw: encoding */
    notch_write_uvar(writer, claims->count);
    for (uint32_t i = 0; i < claims->count; i++) {
        const struct notch_contender *contender = &claims->contenders[i];
        notch_write_hash(writer, &contender->by.record);
        notch_write_uvar(writer, contender->by.entry);
        notch_write_key(writer, &contender->account);
        notch_write_hash(writer, &contender->datum);
    }
}

void notch_claims_read(struct notch_reader *reader, struct notch_claims *out)
{
    out->is_settled = read_flags(reader, CLAIMS_SETTLED) != 0;
    out->slot = notch_read_uvar(reader);
    out->pauses = notch_read_uvar(reader);
    out->effective.raw = notch_read_uvar(reader); /* Raw: decoding */
    out->count = (uint32_t)notch_read_uvar_max(reader, NOTCH_CLAIM_CONTENDERS_MAX);
    if (out->count == 0 || (out->is_settled && out->count != 1)) {
        notch_reader_fail(reader);
        out->count = 0;
    }
    for (uint32_t i = 0; i < out->count; i++) {
        struct notch_contender *contender = &out->contenders[i];
        contender->by.record = notch_read_hash(reader);
        contender->by.entry = (uint32_t)notch_read_uvar_max(reader, NOTCH_RECEIPT_ENTRIES_MAX - 1);
        contender->account = notch_read_key(reader);
        contender->datum = notch_read_hash(reader);
    }
}

enum notch_err notch_claims_decode(struct notch_claims *out, struct notch_bytes value)
{
    struct notch_reader reader = notch_reader(value);
    notch_claims_read(&reader, out);
    return done(&reader);
}

void notch_need_write(struct notch_writer *writer, const struct notch_need *need)
{
    notch_claims_write(writer, &need->claims);
    notch_write_u8(writer, need->is_revealed ? NEED_REVEALED : 0);
    if (need->is_revealed) {
        write_amount(writer, need->amount);
        write_amount(writer, need->allocated);
    }
}

enum notch_err notch_need_decode(struct notch_need *out, struct notch_bytes value)
{
    struct notch_reader reader = notch_reader(value);
    notch_claims_read(&reader, &out->claims);
    out->is_revealed = read_flags(&reader, NEED_REVEALED) != 0;
    out->amount = out->allocated = (struct notch_amount){0};
    if (out->is_revealed) {
        out->amount = read_amount(&reader);
        out->allocated = read_amount(&reader);
    }
    return done(&reader);
}

void notch_offer_write(struct notch_writer *writer, const struct notch_offer *offer)
{
    notch_write_hash(writer, &offer->record);
    notch_write_u8(writer, (uint8_t)offer->kind);
    notch_write_u8(writer, offer->is_committed ? 1 : 0);
    if (offer->is_committed) {
        notch_write_bytes(writer, offer->commitment.raw, sizeof offer->commitment.raw);
    } else {
        write_amount(writer, offer->amount);
    }
    write_amount(writer, offer->allocated);
}

enum notch_err notch_offer_decode(struct notch_offer *out, struct notch_bytes value)
{
    struct notch_reader reader = notch_reader(value);
    *out = (struct notch_offer){.record = notch_read_hash(&reader)};
    out->kind = (enum notch_capacity_kind)read_flags(&reader, NOTCH_CAPACITY_FLOW);
    out->is_committed = read_flags(&reader, 1) != 0;
    if (out->is_committed) {
        notch_read_into(&reader, out->commitment.raw, sizeof out->commitment.raw);
    } else {
        out->amount = read_amount(&reader);
    }
    out->allocated = read_amount(&reader);
    return done(&reader);
}

void notch_membership_write(struct notch_writer *writer, const struct notch_membership *membership)
{
    notch_assert(membership->sponsor_count <= NOTCH_SPONSORS_MAX);
    notch_write_u8(writer, membership->is_member ? MEMBER : 0);
    notch_write_key(writer, &membership->operator_key);
    notch_write_uvar(writer, membership->services);
    notch_write_uvar(writer, membership->sponsor_count);
    for (uint32_t i = 0; i < membership->sponsor_count; i++) {
        notch_write_key(writer, &membership->sponsors[i]);
    }
}

enum notch_err notch_membership_decode(struct notch_membership *out, struct notch_bytes value)
{
    struct notch_reader reader = notch_reader(value);
    out->is_member = read_flags(&reader, MEMBER) != 0;
    out->operator_key = notch_read_key(&reader);
    out->services = (uint32_t)notch_read_uvar_max(&reader, UINT32_MAX);
    out->sponsor_count = (uint32_t)notch_read_uvar_max(&reader, NOTCH_SPONSORS_MAX);
    for (uint32_t i = 0; i < out->sponsor_count; i++) {
        out->sponsors[i] = notch_read_key(&reader);
    }
    return done(&reader);
}

enum notch_err notch_number_decode(uint64_t *out, struct notch_bytes value)
{
    struct notch_reader reader = notch_reader(value);
    *out = notch_read_uvar(&reader);
    return done(&reader);
}

enum notch_err notch_quota_decode(struct notch_quota *out, struct notch_bytes value)
{
    struct notch_reader reader = notch_reader(value);
    out->set = notch_read_uvar(&reader);
    out->bytes = notch_read_uvar(&reader);
    return done(&reader);
}

/* ---- claims ---- */

struct notch_outcome notch_claims_enter(struct notch_claims *claims, const struct notch_contender *contender,
                                        struct notch_slot effective)
{
    int order = claims->count == 0 ? -1 : notch_slot_cmp(effective, claims->effective);
    bool is_late = claims->is_settled || order > 0 || (order == 0 && claims->count == NOTCH_CLAIM_CONTENDERS_MAX);
    if (claims->count > 0 && is_late) {
        return (struct notch_outcome){.type = NOTCH_SUPERSEDED, .superseded = claims->contenders[0].by};
    }
    if (order < 0) {
        claims->count = 0;
        claims->effective = effective;
    }
    claims->contenders[claims->count++] = *contender;
    return (struct notch_outcome){.type = NOTCH_APPLIED};
}

void notch_claims_settle(struct notch_claims *claims, uint32_t winner)
{
    notch_assert(winner < claims->count);
    claims->contenders[0] = claims->contenders[winner];
    claims->count = 1;
    claims->is_settled = true;
}
