/*
 * What belongs to one author alone: its key, its recognition, the models that it owns.
 */
#include "chain/apply_rows.h"

enum notch_err notch__apply_recognition(struct notch_apply *apply, struct notch_outcome *outcome,
                                        const struct notch_entry *entry)
{
    const struct notch_recognition *recognition = &entry->as.recognition;
    uint8_t raw[32 + NOTCH_UVAR_MAX + NOTCH_RECOGNITION_MAX * (32 + NOTCH_UVAR_MAX)];
    struct notch_writer writer = notch_writer(raw, sizeof raw);
    notch_write_hash(&writer, &apply->record->id);
    notch_write_uvar(&writer, recognition->count);
    notch_write_bytes(&writer, recognition->shares.data, recognition->shares.len);
    notch_assert(notch_writer_ok(&writer));
    struct notch_store_key key = notch_state_key_32(NOTCH_STATE_RECOGNITION, apply->author.raw);
    notch_apply_put(apply, &key, notch_writer_bytes(&writer));
    return notch_apply_accept(outcome);
}

enum notch_err notch__apply_model(struct notch_apply *apply, struct notch_outcome *outcome,
                                  const struct notch_entry *entry)
{
    struct notch_store_key key = notch_state_key_32(NOTCH_STATE_MODEL, entry->as.model.root.raw);
    struct notch_claims claims = {.count = 0};
    struct notch_bytes value;
    enum notch_err err = notch_apply_get(apply, &value, &key);
    bool is_first = err == NOTCH_ERR_NOT_FOUND;
    if (is_first) {
        claims.slot = apply->slot.raw; /* Raw: settlement counts slots from here */
        claims.pauses = apply->pauses;
        err = NOTCH_OK;
    } else if (err == NOTCH_OK) {
        err = notch_claims_decode(&claims, value);
    }
    if (err != NOTCH_OK) {
        return err;
    }
    struct notch_contender contender = {
        .by = {apply->record->id, apply->entry},
        .account = apply->author,
    };
    *outcome = notch_claims_enter(&claims, &contender, apply->effective);
    if (outcome->type != NOTCH_APPLIED) {
        return NOTCH_OK;
    }
    uint8_t raw[NOTCH_STATE_VALUE_MAX];
    struct notch_writer writer = notch_writer(raw, sizeof raw);
    notch_claims_write(&writer, &claims);
    notch_assert(notch_writer_ok(&writer));
    notch_apply_put(apply, &key, notch_writer_bytes(&writer));
    if (is_first) {
        notch_apply_open_claim(apply, &key);
    }
    return NOTCH_OK;
}

static void put_key(struct notch_apply *apply, const struct notch_key *key, bool is_active)
{
    uint8_t raw[33];
    struct notch_writer writer = notch_writer(raw, sizeof raw);
    notch_write_key(&writer, &apply->author);
    notch_write_u8(&writer, is_active ? 1 : 0);
    struct notch_store_key at = notch_state_key_32(NOTCH_STATE_KEY, key->raw);
    notch_apply_put(apply, &at, notch_writer_bytes(&writer));
    apply->authors_changed = true;
}

/* Whether nobody uses a key: neither as an account, nor as the later key of one. */
static enum notch_err is_free(struct notch_apply *apply, bool *out, const struct notch_key *key)
{
    struct notch_bytes value;
    struct notch_store_key as_key = notch_state_key_32(NOTCH_STATE_KEY, key->raw);
    enum notch_err err = notch_apply_get(apply, &value, &as_key);
    *out = false;
    if (err != NOTCH_ERR_NOT_FOUND) {
        return err;
    }
    return notch_apply_is_new_account(apply, out, key);
}

enum notch_err notch__apply_author(struct notch_apply *apply, struct notch_outcome *outcome,
                                   const struct notch_entry *entry)
{
    const struct notch_author_entry *author = &entry->as.author;
    /* The account's key may have changed by an entry before this one in the same record. */
    const struct notch_key *current = apply->account->is_rotated ? &apply->account->key : &apply->author;
    bool may = notch_key_eq(&author->account, &apply->author) && notch_key_eq(current, &apply->record->author);
    if (!may || apply->account->is_revoked) {
        return notch_apply_reject(outcome, NOTCH_REJECT_NOT_AUTHORISED);
    }
    switch (author->action) {
    case NOTCH_AUTHOR_ROTATE: {
        bool free;
        enum notch_err err = is_free(apply, &free, &author->new_key);
        if (err != NOTCH_OK) {
            return err;
        }
        if (!free) {
            return notch_apply_reject(outcome, NOTCH_REJECT_CONFLICT);
        }
        put_key(apply, &apply->record->author, false);
        put_key(apply, &author->new_key, true);
        apply->account->is_rotated = true;
        apply->account->key = author->new_key;
        return notch_apply_accept(outcome);
    }
    case NOTCH_AUTHOR_REVOKE:
        put_key(apply, &apply->record->author, false);
        apply->account->is_revoked = true;
        return notch_apply_accept(outcome);
    }
    return notch_apply_reject(outcome, NOTCH_REJECT_UNKNOWN_TYPE);
}
