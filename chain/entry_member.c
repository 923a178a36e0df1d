#include "chain/entry_member.h"

#include "base/assert.h"
#include "chain/entry_rows.h"

/* Raw: keys by their bytes. */
static void two_keys_hash(struct notch_hash *out, const struct notch_domain *domain, enum notch_tag tag,
                          const struct notch_key *first, const struct notch_key *second)
{
    uint8_t keys[64];
    memcpy(keys, first->raw, 32);
    memcpy(keys + 32, second->raw, 32);
    notch_domain_hash(out, domain, tag, notch_bytes(keys, sizeof keys));
}

void notch_validator_sighash(struct notch_hash *out, const struct notch_domain *domain,
                             const struct notch_key *operator_key, const struct notch_key *key)
{
    two_keys_hash(out, domain, NOTCH_TAG_VALIDATOR, operator_key, key);
}

void notch_author_sighash(struct notch_hash *out, const struct notch_domain *domain, const struct notch_key *account,
                          const struct notch_key *new_key)
{
    two_keys_hash(out, domain, NOTCH_TAG_AUTHOR, account, new_key);
}

/* ---- VALIDATOR ---- */

static void validator_write(struct notch_writer *writer, const struct notch_entry *entry)
{
    const struct notch_validator_entry *validator = &entry->as.validator;
    notch_write_u8(writer, (uint8_t)validator->action);
    notch_write_key(writer, &validator->key);
    if (validator->action != NOTCH_VALIDATOR_LEAVE) {
        notch_write_uvar(writer, validator->services);
    }
    if (validator->action == NOTCH_VALIDATOR_JOIN) {
        notch_write_sig(writer, &validator->possession);
    }
}

static void validator_read(struct notch_reader *reader, struct notch_entry *out)
{
    struct notch_validator_entry *validator = &out->as.validator;
    validator->action = (enum notch_validator_action)notch__read_choice(reader, NOTCH_VALIDATOR_SERVICES);
    validator->key = notch_read_key(reader);
    if (validator->action != NOTCH_VALIDATOR_LEAVE) {
        validator->services = (uint32_t)notch_read_uvar_max(reader, UINT32_MAX);
    }
    if (validator->action == NOTCH_VALIDATOR_JOIN) {
        validator->possession = notch_read_sig(reader);
    }
}

static struct notch_reject validator_check(const struct notch_entry *entry, const struct notch_form *form)
{
    const struct notch_validator_entry *validator = &entry->as.validator;
    if ((validator->services & ~NOTCH_SERVICE_ALL) != 0) {
        return NOTCH_REJECT(BOUNDS, "validator: unknown service bits");
    }
    if (validator->action != NOTCH_VALIDATOR_JOIN) {
        return NOTCH_VALID;
    }
    struct notch_hash sighash;
    notch_validator_sighash(&sighash, form->rules->domain, &form->author, &validator->key);
    if (!notch_verify(form->rules->crypto, &validator->key, &sighash, &validator->possession)) {
        return NOTCH_REJECT(SIGNATURE, "validator: the validator key has not signed for this operator");
    }
    return NOTCH_VALID;
}

const struct notch_entry_row notch__entry_validator = {
    NOTCH_ENTRY_VALIDATOR, "validator", validator_write, validator_read, validator_check, NULL, NULL,
};

/* ---- VOUCH ---- */

static void vouch_write(struct notch_writer *writer, const struct notch_entry *entry)
{
    notch_write_u8(writer, (uint8_t)entry->as.vouch.action);
    notch_write_key(writer, &entry->as.vouch.key);
}

static void vouch_read(struct notch_reader *reader, struct notch_entry *out)
{
    out->as.vouch.action = (enum notch_vouch_action)notch__read_choice(reader, NOTCH_VOUCH_WITHDRAW);
    out->as.vouch.key = notch_read_key(reader);
}

static struct notch_reject vouch_check(const struct notch_entry *entry, const struct notch_form *form)
{
    if (notch_key_eq(&entry->as.vouch.key, &form->author)) {
        return NOTCH_REJECT(BOUNDS, "vouch: nobody vouches for himself");
    }
    return NOTCH_VALID;
}

const struct notch_entry_row notch__entry_vouch = {
    NOTCH_ENTRY_VOUCH, "vouch", vouch_write, vouch_read, vouch_check, NULL, NULL,
};

/* ---- AUTHOR ---- */

static void author_write(struct notch_writer *writer, const struct notch_entry *entry)
{
    const struct notch_author_entry *author = &entry->as.author;
    notch_write_u8(writer, (uint8_t)author->action);
    notch_write_key(writer, &author->account);
    if (author->action == NOTCH_AUTHOR_ROTATE) {
        notch_write_key(writer, &author->new_key);
        notch_write_sig(writer, &author->possession);
    }
}

static void author_read(struct notch_reader *reader, struct notch_entry *out)
{
    struct notch_author_entry *author = &out->as.author;
    author->action = (enum notch_author_action)notch__read_choice(reader, NOTCH_AUTHOR_REVOKE);
    author->account = notch_read_key(reader);
    if (author->action == NOTCH_AUTHOR_ROTATE) {
        author->new_key = notch_read_key(reader);
        author->possession = notch_read_sig(reader);
    }
}

static struct notch_reject author_check(const struct notch_entry *entry, const struct notch_form *form)
{
    const struct notch_author_entry *author = &entry->as.author;
    if (author->action == NOTCH_AUTHOR_REVOKE) {
        return NOTCH_VALID;
    }
    if (notch_key_eq(&author->new_key, &form->author) || notch_key_eq(&author->new_key, &author->account)) {
        return NOTCH_REJECT(BOUNDS, "author: the new key is an old one");
    }
    struct notch_hash sighash;
    notch_author_sighash(&sighash, form->rules->domain, &author->account, &author->new_key);
    if (!notch_verify(form->rules->crypto, &author->new_key, &sighash, &author->possession)) {
        return NOTCH_REJECT(SIGNATURE, "author: the new key has not signed for this account");
    }
    return NOTCH_VALID;
}

const struct notch_entry_row notch__entry_author = {
    NOTCH_ENTRY_AUTHOR, "author", author_write, author_read, author_check, NULL, NULL,
};
