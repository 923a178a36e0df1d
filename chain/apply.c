#include "chain/apply.h"

#include "chain/apply_rows.h"
#include "chain/execution.h"

enum notch_err notch_apply_get(struct notch_apply *apply, struct notch_bytes *value, const struct notch_store_key *key)
{
    return notch__state_get(apply->execution, value, key);
}

void notch_apply_put(struct notch_apply *apply, const struct notch_store_key *key, struct notch_bytes value)
{
    notch__state_put(apply->execution, key, value);
}

void notch_apply_delete(struct notch_apply *apply, const struct notch_store_key *key)
{
    struct notch_store_key full = notch_key_state(notch_store_key_bytes(key));
    notch_layer_delete(apply->execution->layer, notch_store_key_bytes(&full));
}

bool notch_apply_can_change_member(const struct notch_apply *apply)
{
    return apply->execution->result->change_count < NOTCH_MEMBER_CHANGES_MAX;
}

void notch_apply_change_member(struct notch_apply *apply, enum notch_member_change_kind kind,
                               const struct notch_key *key)
{
    struct notch_ledger_result *result = apply->execution->result;
    notch_assert(result->change_count < NOTCH_MEMBER_CHANGES_MAX);
    result->changes[result->change_count++] = (struct notch_member_change){kind, *key};
}

/* In the author's feed and in the lists, and nothing else. */
static enum notch_err apply_listed(struct notch_apply *apply, struct notch_outcome *outcome,
                                   const struct notch_entry *entry)
{
    (void)apply;
    (void)entry;
    return notch_apply_accept(outcome);
}

static enum notch_err apply_inactive(struct notch_apply *apply, struct notch_outcome *outcome,
                                     const struct notch_entry *entry)
{
    (void)apply;
    (void)entry;
    return notch_apply_reject(outcome, NOTCH_REJECT_NOT_ACTIVE);
}

const struct notch_apply_row *notch_apply_rows(size_t *count)
{
    static const struct notch_apply_row rows[] = {
        {NOTCH_ENTRY_INSIGHT, apply_listed},
        {NOTCH_ENTRY_MODEL, notch__apply_model},
        {NOTCH_ENTRY_RECOGNITION, notch__apply_recognition},
        {NOTCH_ENTRY_CAPACITY, notch__apply_capacity},
        {NOTCH_ENTRY_NEED_COMMIT, notch__apply_need_commit},
        {NOTCH_ENTRY_NEED_REVEAL, notch__apply_need_reveal},
        {NOTCH_ENTRY_ALLOCATION, notch__apply_allocation},
        {NOTCH_ENTRY_ALLOCATION_CERT, apply_inactive},
        {NOTCH_ENTRY_CHALLENGE_COMMIT, apply_inactive},
        {NOTCH_ENTRY_CHALLENGE_REVEAL, apply_inactive},
        {NOTCH_ENTRY_VALIDATOR, notch__apply_validator},
        {NOTCH_ENTRY_VOUCH, notch__apply_vouch},
        {NOTCH_ENTRY_AUTHOR, notch__apply_author},
        {NOTCH_ENTRY_GOVERNANCE, notch__apply_governance},
        {NOTCH_ENTRY_WITNESS, apply_inactive},
        {NOTCH_ENTRY_SEALED, apply_listed},
    };
    *count = NOTCH_ARRAY_LEN(rows);
    return rows;
}
