#include "base/assert.h"
#include "chain/entry_member.h"
#include "chain/entry_rows.h"

void notch_signer_put(struct notch_writer *writer, const struct notch_signer_entry *signer)
{
    notch_write_u16(writer, signer->index);
    notch_write_sig(writer, &signer->sig);
}

bool notch_signer_next(struct notch_reader *reader, struct notch_signer_entry *out)
{
    if (notch_reader_left(reader) == 0) {
        return false;
    }
    out->index = notch_read_u16(reader);
    out->sig = notch_read_sig(reader);
    return !reader->failed;
}

void notch_member_put(struct notch_writer *writer, const struct notch_genesis_member *member)
{
    notch_genesis_member_write(writer, member);
}

bool notch_member_next(struct notch_reader *reader, struct notch_genesis_member *out)
{
    if (notch_reader_left(reader) == 0) {
        return false;
    }
    notch_genesis_member_read(reader, out);
    return !reader->failed;
}

/* Raw: the encoding of slots. */
static void body_write(struct notch_writer *writer, const struct notch_governance *governance)
{
    notch_write_uvar(writer, governance->sequence);
    notch_write_u8(writer, (uint8_t)governance->action);
    switch (governance->action) {
    case NOTCH_GOVERNANCE_ADD_MEMBER:
        notch_genesis_member_write(writer, &governance->member);
        break;
    case NOTCH_GOVERNANCE_REMOVE_MEMBER:
        notch_write_key(writer, &governance->member.key);
        break;
    case NOTCH_GOVERNANCE_CAPS:
        notch_caps_write(writer, &governance->caps);
        break;
    case NOTCH_GOVERNANCE_RULES:
        notch_write_uvar(writer, governance->rules);
        notch_write_uvar(writer, governance->slot.raw);
        break;
    case NOTCH_GOVERNANCE_RECOVER:
        notch_write_uvar(writer, governance->recover_set);
        notch_write_uvar(writer, governance->slot.raw);
        notch_write_hash(writer, &governance->block);
        notch_write_uvar(writer, governance->member_count);
        notch_write_bytes(writer, governance->members.data, governance->members.len);
        break;
    }
}

static void members_read(struct notch_reader *reader, struct notch_governance *governance)
{
    governance->member_count = (uint32_t)notch_read_uvar_max(reader, NOTCH_RECOVER_MEMBERS_MAX);
    const uint8_t *start = reader->at;
    struct notch_genesis_member before = {0};
    for (uint32_t i = 0; i < governance->member_count; i++) {
        struct notch_genesis_member member;
        notch_genesis_member_read(reader, &member);
        if (i > 0 && notch_key_cmp(&before.key, &member.key) >= 0) {
            notch_reader_fail(reader);
        }
        before = member;
    }
    governance->members = notch__read_since(reader, start);
}

/* Raw: the encoding of slots. */
static void body_read(struct notch_reader *reader, struct notch_governance *governance)
{
    governance->sequence = notch_read_uvar(reader);
    governance->action = (enum notch_governance_action)notch__read_choice(reader, NOTCH_GOVERNANCE_RECOVER);
    switch (governance->action) {
    case NOTCH_GOVERNANCE_ADD_MEMBER:
        notch_genesis_member_read(reader, &governance->member);
        break;
    case NOTCH_GOVERNANCE_REMOVE_MEMBER:
        governance->member.key = notch_read_key(reader);
        break;
    case NOTCH_GOVERNANCE_CAPS:
        notch_caps_read(reader, &governance->caps);
        break;
    case NOTCH_GOVERNANCE_RULES:
        governance->rules = (uint32_t)notch_read_uvar_max(reader, UINT32_MAX);
        governance->slot.raw = notch_read_uvar(reader);
        break;
    case NOTCH_GOVERNANCE_RECOVER:
        governance->recover_set = notch_read_uvar(reader);
        governance->slot.raw = notch_read_uvar(reader);
        governance->block = notch_read_hash(reader);
        members_read(reader, governance);
        break;
    }
}

void notch_governance_sighash(struct notch_hash *out, const struct notch_domain *domain,
                              const struct notch_governance *governance)
{
    /* The longest body is that of RECOVER; its members are hashed as they stand. */
    uint8_t head[3 * NOTCH_UVAR_MAX + 1 + 32 + 64 + 2 * NOTCH_UVAR_MAX];
    struct notch_governance without = *governance;
    without.members = notch_bytes(NULL, 0);
    struct notch_writer writer = notch_writer(head, sizeof head);
    body_write(&writer, &without);
    notch_assert(notch_writer_ok(&writer));
    struct notch_bytes written = notch_writer_bytes(&writer);
    struct notch_sha256 sha;
    notch_domain_begin(&sha, domain, NOTCH_TAG_GOVERNANCE);
    notch_sha256_update(&sha, written.data, written.len);
    if (governance->action == NOTCH_GOVERNANCE_RECOVER) {
        notch_sha256_update(&sha, governance->members.data, governance->members.len);
    }
    notch_sha256_final(&sha, out);
}

static void governance_write(struct notch_writer *writer, const struct notch_entry *entry)
{
    const struct notch_governance *governance = &entry->as.governance;
    body_write(writer, governance);
    notch_write_u8(writer, (uint8_t)governance->by);
    if (governance->by == NOTCH_GOVERNANCE_BY_VALIDATORS) {
        notch_write_uvar(writer, governance->set_id);
    }
    notch_write_uvar(writer, governance->signer_count);
    notch_write_bytes(writer, governance->signers.data, governance->signers.len);
}

static void governance_read(struct notch_reader *reader, struct notch_entry *out)
{
    struct notch_governance *governance = &out->as.governance;
    body_read(reader, governance);
    governance->by = (enum notch_governance_by)notch__read_choice(reader, NOTCH_GOVERNANCE_BY_VALIDATORS);
    if (governance->by == NOTCH_GOVERNANCE_BY_VALIDATORS) {
        governance->set_id = notch_read_uvar(reader);
    }
    governance->signer_count = (uint32_t)notch_read_uvar_max(reader, NOTCH_SIGNERS_MAX);
    const uint8_t *start = reader->at;
    uint32_t next = 0;
    for (uint32_t i = 0; i < governance->signer_count; i++) {
        uint32_t index = notch_read_u16(reader);
        notch_read_bytes(reader, 64);
        if (index < next) {
            notch_reader_fail(reader);
        }
        next = index + 1;
    }
    governance->signers = notch__read_since(reader, start);
}

static struct notch_reject check_member(const struct notch_genesis_member *member)
{
    if (member->reputation < 1000 || member->reputation > NOTCH_REPUTATION_MAX) {
        return NOTCH_REJECT(BOUNDS, "governance: reputation is not 1000 .. 32000000");
    }
    if ((member->services & ~NOTCH_SERVICE_ALL) != 0) {
        return NOTCH_REJECT(BOUNDS, "governance: unknown service bits");
    }
    return NOTCH_VALID;
}

static struct notch_reject check_recover(const struct notch_governance *governance)
{
    if (governance->member_count == 0) {
        return NOTCH_REJECT(EMPTY, "governance: a recovery without members");
    }
    if (governance->recover_set > UINT32_MAX) {
        return NOTCH_REJECT(BOUNDS, "governance: the set id is beyond 2^32");
    }
    struct notch_reader reader = notch_reader(governance->members);
    struct notch_genesis_member member;
    while (notch_member_next(&reader, &member)) {
        struct notch_reject reject = check_member(&member);
        if (!notch_is_valid(reject)) {
            return reject;
        }
    }
    return NOTCH_VALID;
}

static struct notch_reject governance_check(const struct notch_entry *entry, const struct notch_form *form)
{
    (void)form;
    const struct notch_governance *governance = &entry->as.governance;
    if (governance->signer_count == 0) {
        return NOTCH_REJECT(EMPTY, "governance: nobody has signed it");
    }
    switch (governance->action) {
    case NOTCH_GOVERNANCE_ADD_MEMBER:
        return check_member(&governance->member);
    case NOTCH_GOVERNANCE_REMOVE_MEMBER:
        return NOTCH_VALID;
    case NOTCH_GOVERNANCE_CAPS:
        return notch_caps_check(&governance->caps);
    case NOTCH_GOVERNANCE_RULES:
        if (governance->rules == 0) {
            return NOTCH_REJECT(BOUNDS, "governance: rules version 0");
        }
        return NOTCH_VALID;
    case NOTCH_GOVERNANCE_RECOVER:
        return check_recover(governance);
    }
    notch_unreachable();
    return NOTCH_VALID;
}

const struct notch_entry_row notch__entry_governance = {
    NOTCH_ENTRY_GOVERNANCE, "governance", governance_write, governance_read, governance_check, NULL, NULL,
};
