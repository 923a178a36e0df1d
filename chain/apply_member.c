/*
 * Who may take part in consensus. The chain's mode decides: in a private one governance alone, else also the
 * sponsors of a candidate, members with a third of the weight. What is decided here is recorded; it takes effect
 * with the next set.
 */
#include "chain/apply_rows.h"
#include "chain/set.h"

#define OPEN_VOUCHES_MAX 2 /* of one member, in a public chain (design/consensus.md 8 E1) */

static enum notch_err get_member(struct notch_apply *apply, struct notch_membership *out, bool *found,
                                 const struct notch_key *validator)
{
    struct notch_store_key key = notch_state_key_member(validator);
    struct notch_bytes value;
    enum notch_err err = notch_apply_get(apply, &value, &key);
    *found = err == NOTCH_OK;
    if (err == NOTCH_ERR_NOT_FOUND) {
        return NOTCH_OK;
    }
    return err != NOTCH_OK ? err : notch_membership_decode(out, value);
}

static void put_member(struct notch_apply *apply, const struct notch_key *validator,
                       const struct notch_membership *membership)
{
    uint8_t raw[NOTCH_STATE_VALUE_MAX];
    struct notch_writer writer = notch_writer(raw, sizeof raw);
    notch_membership_write(&writer, membership);
    notch_assert(notch_writer_ok(&writer));
    struct notch_store_key key = notch_state_key_member(validator);
    notch_apply_put(apply, &key, notch_writer_bytes(&writer));
}

/* The validator that an operator key stands for. */
static enum notch_err get_validator(struct notch_apply *apply, struct notch_key *out, bool *found,
                                    const struct notch_key *operator_key)
{
    struct notch_store_key key = notch_state_key_operator(operator_key);
    struct notch_bytes value;
    enum notch_err err = notch_apply_get(apply, &value, &key);
    *found = err == NOTCH_OK;
    if (err == NOTCH_ERR_NOT_FOUND) {
        return NOTCH_OK;
    }
    if (err != NOTCH_OK) {
        return err;
    }
    struct notch_reader reader = notch_reader(value);
    *out = notch_read_key(&reader);
    return notch_reader_done(&reader) ? NOTCH_OK : NOTCH_ERR_CORRUPT;
}

static void put_operator(struct notch_apply *apply, const struct notch_key *operator_key,
                         const struct notch_key *validator)
{
    struct notch_store_key key = notch_state_key_operator(operator_key);
    notch_apply_put(apply, &key, notch_bytes(validator->raw, sizeof validator->raw));
}

static struct notch_store_key vouches_key(const struct notch_key *sponsor)
{
    struct notch_store_key key = notch_key_begin(NOTCH_STATE_MEMBERSHIP);
    notch_key_add_u8(&key, 'v');
    notch_key_add(&key, sponsor->raw, sizeof sponsor->raw);
    return key;
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

static void put_number(struct notch_apply *apply, const struct notch_store_key *key, uint64_t number)
{
    uint8_t raw[NOTCH_UVAR_MAX];
    struct notch_writer writer = notch_writer(raw, sizeof raw);
    notch_write_uvar(&writer, number);
    notch_apply_put(apply, key, notch_writer_bytes(&writer));
}

/* One open vouch of each sponsor ends: the candidate was admitted, or is gone. */
static enum notch_err end_vouches(struct notch_apply *apply, const struct notch_membership *membership)
{
    for (uint32_t i = 0; i < membership->sponsor_count; i++) {
        struct notch_store_key key = vouches_key(&membership->sponsors[i]);
        uint64_t open;
        enum notch_err err = get_number(apply, &open, &key);
        if (err != NOTCH_OK) {
            return err;
        }
        if (open <= 1) {
            notch_apply_delete(apply, &key);
        } else {
            put_number(apply, &key, open - 1);
        }
    }
    return NOTCH_OK;
}

/* Takes a member or candidate away, with what points to it. */
static enum notch_err remove_member(struct notch_apply *apply, const struct notch_key *validator,
                                    const struct notch_membership *membership)
{
    enum notch_err err = membership->is_member ? NOTCH_OK : end_vouches(apply, membership);
    if (err != NOTCH_OK) {
        return err;
    }
    if (membership->is_member) {
        notch_apply_change_member(apply, NOTCH_MEMBER_LEAVE, validator);
    }
    struct notch_store_key member = notch_state_key_member(validator);
    struct notch_store_key operator_key = notch_state_key_operator(&membership->operator_key);
    notch_apply_delete(apply, &member);
    notch_apply_delete(apply, &operator_key);
    return NOTCH_OK;
}

/* ---- VALIDATOR ---- */

static enum notch_err apply_join(struct notch_apply *apply, struct notch_outcome *outcome,
                                 const struct notch_validator_entry *entry)
{
    if (apply->genesis->mode == NOTCH_MODE_PRIVATE) {
        return notch_apply_reject(outcome, NOTCH_REJECT_NOT_AUTHORISED);
    }
    struct notch_membership membership;
    struct notch_key other;
    bool is_known, is_operator;
    enum notch_err err = get_member(apply, &membership, &is_known, &entry->key);
    if (err == NOTCH_OK) {
        err = get_validator(apply, &other, &is_operator, &apply->author);
    }
    if (err != NOTCH_OK) {
        return err;
    }
    if (is_known || is_operator) {
        return notch_apply_reject(outcome, NOTCH_REJECT_CONFLICT);
    }
    membership = (struct notch_membership){.operator_key = apply->author, .services = entry->services};
    put_member(apply, &entry->key, &membership);
    put_operator(apply, &apply->author, &entry->key);
    return notch_apply_accept(outcome);
}

enum notch_err notch__apply_validator(struct notch_apply *apply, struct notch_outcome *outcome,
                                      const struct notch_entry *entry)
{
    const struct notch_validator_entry *validator = &entry->as.validator;
    if (validator->action == NOTCH_VALIDATOR_JOIN) {
        return apply_join(apply, outcome, validator);
    }
    struct notch_membership membership;
    bool found;
    enum notch_err err = get_member(apply, &membership, &found, &validator->key);
    if (err != NOTCH_OK) {
        return err;
    }
    if (!found || !notch_key_eq(&membership.operator_key, &apply->author)) {
        return notch_apply_reject(outcome, NOTCH_REJECT_NOT_AUTHORISED);
    }
    if (validator->action == NOTCH_VALIDATOR_SERVICES) {
        membership.services = validator->services;
        put_member(apply, &validator->key, &membership);
        return notch_apply_accept(outcome);
    }
    if (!notch_apply_can_change_member(apply)) {
        return notch_apply_reject(outcome, NOTCH_REJECT_QUOTA);
    }
    err = remove_member(apply, &validator->key, &membership);
    return err != NOTCH_OK ? err : notch_apply_accept(outcome);
}

/* ---- VOUCH ---- */

/* The set in force, from the state. *found false where consensus has written none. */
static enum notch_err get_set(struct notch_apply *apply, struct notch_set *set, bool *found,
                              struct notch_member members[NOTCH_SET_MEMBERS_MAX])
{
    struct notch_store_key key = notch_state_key_set(apply->set_id);
    struct notch_bytes value;
    enum notch_err err = notch_apply_get(apply, &value, &key);
    *found = err == NOTCH_OK;
    if (err == NOTCH_ERR_NOT_FOUND) {
        return NOTCH_OK;
    }
    if (err != NOTCH_OK) {
        return err;
    }
    struct notch_reader reader = notch_reader(value);
    struct notch_reject reject = notch_set_decode(set, members, NOTCH_SET_MEMBERS_MAX, &reader, apply->domain);
    return notch_is_valid(reject) && notch_reader_done(&reader) ? NOTCH_OK : NOTCH_ERR_CORRUPT;
}

static uint32_t find_sponsor(const struct notch_membership *membership, const struct notch_key *sponsor)
{
    uint32_t at = 0;
    while (at < membership->sponsor_count && !notch_key_eq(&membership->sponsors[at], sponsor)) {
        at++;
    }
    return at;
}

/* Admits the candidate where its sponsors hold a third of the weight. */
static enum notch_err admit(struct notch_apply *apply, struct notch_membership *membership,
                            const struct notch_key *candidate)
{
    struct notch_member members[NOTCH_SET_MEMBERS_MAX];
    struct notch_set set;
    bool found;
    enum notch_err err = get_set(apply, &set, &found, members);
    if (err != NOTCH_OK || !found) {
        return err;
    }
    uint64_t weight = 0;
    for (uint32_t i = 0; i < membership->sponsor_count; i++) {
        weight += notch_set_weight_of(&set, &membership->sponsors[i]);
    }
    if (3 * weight < set.weight || !notch_apply_can_change_member(apply)) {
        return NOTCH_OK; /* a later vouch, or the same one given again in a later block, asks again */
    }
    err = end_vouches(apply, membership);
    membership->is_member = true;
    membership->sponsor_count = 0;
    notch_apply_change_member(apply, NOTCH_MEMBER_JOIN, candidate);
    return err;
}

static enum notch_err give_vouch(struct notch_apply *apply, struct notch_outcome *outcome,
                                 struct notch_membership *membership, const struct notch_key *candidate,
                                 const struct notch_key *sponsor)
{
    struct notch_store_key key = vouches_key(sponsor);
    uint64_t open;
    enum notch_err err = get_number(apply, &open, &key);
    if (err != NOTCH_OK) {
        return err;
    }
    bool is_again = find_sponsor(membership, sponsor) < membership->sponsor_count;
    bool is_over = apply->genesis->mode == NOTCH_MODE_PUBLIC && open >= OPEN_VOUCHES_MAX;
    if (!is_again && (is_over || membership->sponsor_count == NOTCH_SPONSORS_MAX)) {
        return notch_apply_reject(outcome, NOTCH_REJECT_QUOTA);
    }
    if (!is_again) {
        membership->sponsors[membership->sponsor_count++] = *sponsor;
        put_number(apply, &key, open + 1);
    }
    err = admit(apply, membership, candidate);
    if (err != NOTCH_OK) {
        return err;
    }
    put_member(apply, candidate, membership);
    return notch_apply_accept(outcome);
}

static enum notch_err withdraw_vouch(struct notch_apply *apply, struct notch_outcome *outcome,
                                     struct notch_membership *membership, const struct notch_key *candidate,
                                     const struct notch_key *sponsor)
{
    uint32_t at = find_sponsor(membership, sponsor);
    if (at == membership->sponsor_count) {
        return notch_apply_reject(outcome, NOTCH_REJECT_CONFLICT);
    }
    struct notch_membership ended = {.sponsor_count = 1, .sponsors = {*sponsor}};
    enum notch_err err = end_vouches(apply, &ended);
    if (err != NOTCH_OK) {
        return err;
    }
    membership->sponsor_count--;
    memmove(&membership->sponsors[at], &membership->sponsors[at + 1],
            (membership->sponsor_count - at) * sizeof membership->sponsors[0]);
    put_member(apply, candidate, membership);
    return notch_apply_accept(outcome);
}

enum notch_err notch__apply_vouch(struct notch_apply *apply, struct notch_outcome *outcome,
                                  const struct notch_entry *entry)
{
    const struct notch_vouch *vouch = &entry->as.vouch;
    struct notch_membership candidate, own;
    struct notch_key sponsor;
    bool is_known, is_operator, is_member = false;
    enum notch_err err = get_validator(apply, &sponsor, &is_operator, &apply->author);
    if (err == NOTCH_OK && is_operator) {
        err = get_member(apply, &own, &is_member, &sponsor);
    }
    if (err == NOTCH_OK) {
        err = get_member(apply, &candidate, &is_known, &vouch->key);
    }
    if (err != NOTCH_OK) {
        return err;
    }
    if (!is_member || !own.is_member || apply->genesis->mode == NOTCH_MODE_PRIVATE) {
        return notch_apply_reject(outcome, NOTCH_REJECT_NOT_AUTHORISED);
    }
    if (!is_known || candidate.is_member) {
        return notch_apply_reject(outcome, NOTCH_REJECT_CONFLICT);
    }
    return vouch->action == NOTCH_VOUCH_GIVE ? give_vouch(apply, outcome, &candidate, &vouch->key, &sponsor)
                                             : withdraw_vouch(apply, outcome, &candidate, &vouch->key, &sponsor);
}

/* ---- GOVERNANCE ---- */

/* Whether enough of those who may have signed: fails on the first signature that is not good. */
static enum notch_err is_authorised(struct notch_apply *apply, bool *out, const struct notch_governance *governance)
{
    struct notch_member members[NOTCH_SET_MEMBERS_MAX];
    struct notch_set set = {.count = 0};
    bool by_keys = governance->by == NOTCH_GOVERNANCE_BY_KEYS;
    bool found = false;
    *out = false;
    if (!by_keys) {
        enum notch_err err = get_set(apply, &set, &found, members);
        if (err != NOTCH_OK || !found || governance->set_id != apply->set_id) {
            return err;
        }
    }
    struct notch_hash message;
    notch_governance_sighash(&message, apply->domain, governance);
    struct notch_reader reader = notch_reader(governance->signers);
    struct notch_signer_entry signer;
    uint64_t weight = 0;
    uint32_t count = by_keys ? apply->genesis->governance_count : set.count;
    while (notch_signer_next(&reader, &signer)) {
        if (signer.index >= count) {
            return NOTCH_OK;
        }
        const struct notch_key *key = by_keys ? &apply->genesis->governance[signer.index] : &members[signer.index].key;
        if (!notch_verify(apply->crypto, key, &message, &signer.sig)) {
            return NOTCH_OK;
        }
        weight += by_keys ? 1 : members[signer.index].weight;
    }
    *out = by_keys ? weight >= apply->genesis->governance_quorum : 4 * weight >= 3 * set.weight;
    return NOTCH_OK;
}

static enum notch_err add_member(struct notch_apply *apply, struct notch_outcome *outcome,
                                 const struct notch_genesis_member *member)
{
    struct notch_membership membership;
    struct notch_key other;
    bool is_known, is_operator;
    enum notch_err err = get_member(apply, &membership, &is_known, &member->key);
    if (err == NOTCH_OK) {
        err = get_validator(apply, &other, &is_operator, &member->operator_key);
    }
    if (err != NOTCH_OK) {
        return err;
    }
    bool is_own = is_operator && notch_key_eq(&other, &member->key);
    if ((is_known && membership.is_member) || (is_operator && !is_own)) {
        return notch_apply_reject(outcome, NOTCH_REJECT_CONFLICT);
    }
    err = is_known ? remove_member(apply, &member->key, &membership) : NOTCH_OK;
    if (err != NOTCH_OK) {
        return err;
    }
    membership = (struct notch_membership){
        .is_member = true, .operator_key = member->operator_key, .services = member->services};
    put_member(apply, &member->key, &membership);
    put_operator(apply, &member->operator_key, &member->key);
    notch_apply_change_member(apply, NOTCH_MEMBER_JOIN, &member->key);
    return notch_apply_accept(outcome);
}

static enum notch_err drop_member(struct notch_apply *apply, struct notch_outcome *outcome,
                                  const struct notch_key *validator)
{
    struct notch_membership membership;
    bool found;
    enum notch_err err = get_member(apply, &membership, &found, validator);
    if (err != NOTCH_OK) {
        return err;
    }
    if (!found) {
        return notch_apply_reject(outcome, NOTCH_REJECT_CONFLICT);
    }
    err = remove_member(apply, validator, &membership);
    return err != NOTCH_OK ? err : notch_apply_accept(outcome);
}

enum notch_err notch__apply_governance(struct notch_apply *apply, struct notch_outcome *outcome,
                                       const struct notch_entry *entry)
{
    const struct notch_governance *governance = &entry->as.governance;
    bool is_add = governance->action == NOTCH_GOVERNANCE_ADD_MEMBER;
    if (!is_add && governance->action != NOTCH_GOVERNANCE_REMOVE_MEMBER) {
        return notch_apply_reject(outcome, NOTCH_REJECT_NOT_ACTIVE);
    }
    struct notch_store_key key = notch_state_key_governance();
    uint64_t last;
    enum notch_err err = get_number(apply, &last, &key);
    if (err != NOTCH_OK) {
        return err;
    }
    if (last == UINT64_MAX || governance->sequence != last + 1) {
        return notch_apply_reject(outcome, NOTCH_REJECT_SEQUENCE);
    }
    if (!notch_apply_can_change_member(apply)) {
        return notch_apply_reject(outcome, NOTCH_REJECT_QUOTA);
    }
    bool may;
    err = is_authorised(apply, &may, governance);
    if (err != NOTCH_OK) {
        return err;
    }
    if (!may) {
        return notch_apply_reject(outcome, NOTCH_REJECT_NOT_AUTHORISED);
    }
    err =
        is_add ? add_member(apply, outcome, &governance->member) : drop_member(apply, outcome, &governance->member.key);
    if (err == NOTCH_OK && outcome->type == NOTCH_APPLIED) {
        put_number(apply, &key, governance->sequence);
    }
    return err;
}
