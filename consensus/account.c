#include "consensus/account.h"

#include "chain/weights.h"

#define REPUTATION_FULL 1000000u

void notch__accounts_init(struct notch__accounts *accounts, const struct notch_alloc *alloc, uint32_t epoch_slots)
{
    uint32_t window = epoch_slots / 2 < NOTCH__WINDOW ? epoch_slots / 2 : NOTCH__WINDOW;
    *accounts = (struct notch__accounts){.alloc = alloc, .window = window > 0 ? window : 1};
}

void notch__accounts_fini(struct notch__accounts *accounts)
{
    notch_free(accounts->alloc, accounts->items, accounts->cap * sizeof *accounts->items);
    accounts->items = NULL;
    accounts->count = 0;
    accounts->cap = 0;
}

static void reserve(struct notch__accounts *accounts, uint32_t count)
{
    if (count <= accounts->cap) {
        return;
    }
    uint32_t cap = accounts->cap > 0 ? accounts->cap : 4;
    while (cap < count) {
        cap *= 2;
    }
    accounts->items = notch_realloc(accounts->alloc, accounts->items, accounts->cap * sizeof *accounts->items,
                                    cap * sizeof *accounts->items);
    accounts->cap = cap;
}

void notch__accounts_copy(struct notch__accounts *out, const struct notch__accounts *from)
{
    struct notch__account *items = out->items;
    uint32_t cap = out->cap;
    *out = *from;
    out->items = items;
    out->cap = cap;
    reserve(out, from->count);
    if (from->count > 0) {
        memcpy(out->items, from->items, from->count * sizeof *from->items);
    }
}

static uint32_t lower_bound(const struct notch__accounts *accounts, const struct notch_key *key)
{
    uint32_t low = 0;
    uint32_t high = accounts->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (notch_key_cmp(&accounts->items[middle].key, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct notch__account *notch__accounts_find(const struct notch__accounts *accounts, const struct notch_key *key)
{
    uint32_t at = lower_bound(accounts, key);
    if (at == accounts->count || !notch_key_eq(&accounts->items[at].key, key)) {
        return NULL;
    }
    return &accounts->items[at];
}

static struct notch__account *put(struct notch__accounts *accounts, const struct notch_key *key)
{
    struct notch__account *found = notch__accounts_find(accounts, key);
    if (found != NULL || accounts->count == NOTCH__ACCOUNTS_MAX) {
        return found;
    }
    uint32_t at = lower_bound(accounts, key);
    reserve(accounts, accounts->count + 1);
    memmove(&accounts->items[at + 1], &accounts->items[at], (accounts->count - at) * sizeof *accounts->items);
    accounts->count++;
    accounts->items[at] = (struct notch__account){.key = *key};
    return &accounts->items[at];
}

void notch__accounts_genesis(struct notch__accounts *accounts, const struct notch_genesis *genesis)
{
    uint64_t shares[NOTCH_SET_MEMBERS_MAX];
    for (uint32_t i = 0; i < genesis->member_count; i++) {
        shares[i] = genesis->members[i].reputation / 1000;
    }
    notch_weights_normalise(shares, genesis->member_count);
    for (uint32_t i = 0; i < genesis->member_count; i++) {
        struct notch__account *account = put(accounts, &genesis->members[i].key);
        account->reputation = genesis->members[i].reputation;
        account->share = shares[i];
        account->flags = NOTCH__ACCOUNT_MEMBER;
    }
}

bool notch__accounts_has_due_change(const struct notch__accounts *accounts)
{
    for (uint32_t i = 0; i < accounts->count; i++) {
        if ((accounts->items[i].flags & (NOTCH__ACCOUNT_CANDIDATE | NOTCH__ACCOUNT_LEAVING)) != 0) {
            return true;
        }
    }
    return false;
}

#define NO_POSITION UINT32_MAX

static uint32_t window_find(const struct notch__accounts *accounts, struct notch_slot slot)
{
    for (uint32_t i = 0; i < accounts->window_used; i++) {
        if (notch_slot_cmp(accounts->slots[i], slot) == 0) {
            return i;
        }
    }
    return NO_POSITION;
}

static uint32_t window_push(struct notch__accounts *accounts, struct notch_slot slot)
{
    uint32_t at = accounts->window_next;
    accounts->window_next = (at + 1) % accounts->window;
    accounts->window_used += accounts->window_used < accounts->window;
    accounts->slots[at] = slot;
    for (uint32_t i = 0; i < accounts->count; i++) {
        accounts->items[i].voted[at / 64] &= ~((uint64_t)1 << (at % 64));
    }
    return at;
}

void notch__accounts_vote(struct notch__accounts *accounts, bool *is_new, const struct notch_key *key,
                          struct notch_slot slot, bool by_member, bool is_good)
{
    *is_new = false;
    uint32_t at = window_find(accounts, slot);
    if (at == NO_POSITION) {
        if (!by_member) {
            return;
        }
        at = window_push(accounts, slot);
        accounts->vote_slots++;
        *is_new = true;
    }
    struct notch__account *account = notch__accounts_find(accounts, key);
    if (account == NULL) {
        return;
    }
    uint64_t bit = (uint64_t)1 << (at % 64);
    if ((account->voted[at / 64] & bit) == 0) {
        account->voted[at / 64] |= bit;
        account->votes_ok += by_member && is_good;
    }
}

void notch__accounts_led(struct notch__accounts *accounts, const struct notch_key *leader)
{
    struct notch__account *account = notch__accounts_find(accounts, leader);
    if (account != NULL) {
        account->led++;
    }
}

void notch__accounts_produced(struct notch__accounts *accounts, const struct notch_key *proposer)
{
    struct notch__account *account = notch__accounts_find(accounts, proposer);
    if (account != NULL) {
        account->produced++;
    }
}

void notch__accounts_punish(struct notch__accounts *accounts, const struct notch_evidence *evidence, uint32_t set_id)
{
    struct notch__account *account = notch__accounts_find(accounts, &evidence->offender);
    if (account == NULL) {
        return;
    }
    switch (evidence->kind) {
    case NOTCH_EVIDENCE_EQUIVOCATION:
    case NOTCH_EVIDENCE_REGRESS:
    case NOTCH_EVIDENCE_BEYOND:
        account->reputation = 0;
        account->flags |= NOTCH__ACCOUNT_BANNED;
        return;
    case NOTCH_EVIDENCE_PROPOSALS:
        /* Once for each fault, and in the order of faults: what is shown again has no effect. */
        if (notch_slot_cmp(evidence->slot, account->punished_slot) > 0) {
            account->punished_slot = evidence->slot;
            account->reputation /= 2;
            account->jailed_until = set_id + 1 + NOTCH__JAIL_SETS;
        }
        return;
    case NOTCH_EVIDENCE_BATCH:
        if (evidence->seq >= account->punished_seq) {
            account->punished_seq = evidence->seq + 1;
            account->reputation = account->reputation / 4 * 3;
        }
        return;
    }
    notch_unreachable();
}

void notch__accounts_join(struct notch__accounts *accounts, const struct notch_key *key)
{
    struct notch__account *account = put(accounts, key);
    if (account == NULL || (account->flags & NOTCH__ACCOUNT_BANNED) != 0) {
        return;
    }
    account->flags &= ~(uint32_t)NOTCH__ACCOUNT_LEAVING;
    if ((account->flags & NOTCH__ACCOUNT_MEMBER) == 0) {
        account->flags |= NOTCH__ACCOUNT_CANDIDATE;
    }
}

void notch__accounts_leave(struct notch__accounts *accounts, const struct notch_key *key)
{
    struct notch__account *account = notch__accounts_find(accounts, key);
    if (account == NULL) {
        return;
    }
    account->flags &= ~(uint32_t)NOTCH__ACCOUNT_CANDIDATE;
    if ((account->flags & NOTCH__ACCOUNT_MEMBER) != 0) {
        account->flags |= NOTCH__ACCOUNT_LEAVING;
    }
}

/* 1.8 and 8 E4: what is neutral stands in for what was never asked of a member. */
static void settle_reputation(struct notch__account *account, uint32_t vote_slots)
{
    uint64_t duty =
        vote_slots == 0 ? account->reputation / 32 : (uint64_t)REPUTATION_FULL * account->votes_ok / vote_slots;
    uint64_t prop = duty;
    if (account->led >= 4) {
        prop = (uint64_t)REPUTATION_FULL * account->produced / account->led;
        prop = prop < REPUTATION_FULL ? prop : REPUTATION_FULL;
    }
    uint64_t challenges = duty;
    uint64_t earned = (6 * duty + 2 * prop + 2 * challenges) / 10;
    account->reputation = account->reputation - account->reputation / 32 + earned;
    account->reputation = account->reputation < NOTCH_REPUTATION_MAX ? account->reputation : NOTCH_REPUTATION_MAX;
}

static bool is_active(const struct notch__accounts *accounts, const struct notch__account *account)
{
    uint32_t votes = 0;
    for (uint32_t i = 0; i < accounts->window_used; i++) {
        votes += (account->voted[i / 64] >> (i % 64) & 1) != 0;
    }
    return 4 * votes >= 3 * accounts->window_used;
}

/* The reputation a newcomer starts with: the median of the members', at most that of genesis (8 E4). */
static uint64_t newcomer_reputation(const struct notch__accounts *accounts)
{
    uint64_t sorted[NOTCH__ACCOUNTS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < accounts->count; i++) {
        if ((accounts->items[i].flags & NOTCH__ACCOUNT_MEMBER) == 0) {
            continue;
        }
        uint64_t value = accounts->items[i].reputation;
        uint32_t at = count++;
        for (; at > 0 && sorted[at - 1] > value; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = value;
    }
    uint64_t median = count > 0 ? sorted[(count - 1) / 2] : NOTCH_GENESIS_REPUTATION;
    return median < NOTCH_GENESIS_REPUTATION ? median : NOTCH_GENESIS_REPUTATION;
}

/* The weights that are asked for, and those that stand; evidence takes its victims out of both (8 E3). */
static void propose_weights(struct notch__accounts *accounts, uint64_t *wanted, uint64_t *old, uint32_t next_id)
{
    uint64_t newcomer = newcomer_reputation(accounts);
    for (uint32_t i = 0; i < accounts->count; i++) {
        struct notch__account *account = &accounts->items[i];
        wanted[i] = 0;
        old[i] = 0;
        if ((account->flags & NOTCH__ACCOUNT_BANNED) != 0 || account->jailed_until > next_id) {
            continue;
        }
        bool is_member = (account->flags & NOTCH__ACCOUNT_MEMBER) != 0;
        old[i] = is_member ? account->share : 0;
        if ((account->flags & NOTCH__ACCOUNT_CANDIDATE) != 0 && is_active(accounts, account)) {
            account->reputation = account->reputation > 0 ? account->reputation : newcomer;
            wanted[i] = account->reputation / 1000;
        } else if (is_member && (account->flags & NOTCH__ACCOUNT_LEAVING) == 0) {
            wanted[i] = account->reputation / 1000;
        }
    }
}

/* At most NOTCH_SET_MEMBERS_MAX: the lightest go, of equal ones the later keys. */
static void limit_members(uint64_t *weights, uint32_t count)
{
    uint32_t members = 0;
    for (uint32_t i = 0; i < count; i++) {
        members += weights[i] > 0;
    }
    for (; members > NOTCH_SET_MEMBERS_MAX; members--) {
        uint32_t lightest = count;
        for (uint32_t i = 0; i < count; i++) {
            if (weights[i] > 0 && (lightest == count || weights[i] <= weights[lightest])) {
                lightest = i;
            }
        }
        weights[lightest] = 0;
    }
}

/* 8 L5: a set a quarter of which may be dead does not come into force. */
static bool is_alive(const struct notch__accounts *accounts, const uint64_t *weights)
{
    uint64_t total = 0;
    uint64_t active = 0;
    for (uint32_t i = 0; i < accounts->count; i++) {
        total += weights[i];
        active += is_active(accounts, &accounts->items[i]) ? weights[i] : 0;
    }
    return total > 0 && accounts->window_used > 0 && 4 * active >= 3 * total;
}

static void begin_anew(struct notch__accounts *accounts)
{
    accounts->vote_slots = 0;
    for (uint32_t i = 0; i < accounts->count; i++) {
        accounts->items[i].votes_ok = 0;
        accounts->items[i].led = 0;
        accounts->items[i].produced = 0;
    }
}

/* Takes over the new weights; who has none and wants none is forgotten, the banned excepted. */
static void take_over(struct notch__accounts *accounts, const uint64_t *shares, const uint64_t *weights)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < accounts->count; i++) {
        struct notch__account account = accounts->items[i];
        bool was_member = (account.flags & NOTCH__ACCOUNT_MEMBER) != 0;
        account.share = weights[i] > 0 ? shares[i] : 0;
        if (weights[i] > 0) {
            account.flags = (account.flags & ~(uint32_t)NOTCH__ACCOUNT_CANDIDATE) | NOTCH__ACCOUNT_MEMBER;
        } else {
            account.flags &= ~(uint32_t)NOTCH__ACCOUNT_MEMBER;
            if (was_member && (account.flags & (NOTCH__ACCOUNT_BANNED | NOTCH__ACCOUNT_LEAVING)) == 0) {
                account.flags |= NOTCH__ACCOUNT_CANDIDATE;
            }
            account.flags &= ~(uint32_t)NOTCH__ACCOUNT_LEAVING;
        }
        if (account.flags != 0) {
            accounts->items[kept++] = account;
        }
    }
    accounts->count = kept;
}

void notch__accounts_turn(struct notch__accounts *accounts, struct notch_member *members, uint64_t *reputations,
                          uint32_t *member_count, const struct notch_set *set)
{
    for (uint32_t i = 0; i < accounts->count; i++) {
        if ((accounts->items[i].flags & NOTCH__ACCOUNT_MEMBER) != 0) {
            settle_reputation(&accounts->items[i], accounts->vote_slots);
        }
    }
    uint64_t shares[NOTCH__ACCOUNTS_MAX];
    uint64_t old[NOTCH__ACCOUNTS_MAX];
    uint64_t weights[NOTCH__ACCOUNTS_MAX];
    propose_weights(accounts, shares, old, set->id + 1);
    limit_members(shares, accounts->count);
    notch_weights_normalise(shares, accounts->count);
    notch_weights_normalise(old, accounts->count);
    notch_weights_churn(shares, old, accounts->count);
    memcpy(weights, shares, accounts->count * sizeof *weights);
    (void)notch_weights_cap(weights, accounts->count);
    if (is_alive(accounts, weights)) {
        take_over(accounts, shares, weights);
        uint32_t count = 0;
        for (uint32_t i = 0; i < accounts->count; i++) {
            struct notch__account *account = &accounts->items[i];
            if ((account->flags & NOTCH__ACCOUNT_MEMBER) != 0) {
                members[count].key = account->key;
                members[count++].weight = account->share;
            }
        }
        /* The cap again, on what is left: the same values, now in the order of the set. */
        for (uint32_t i = 0; i < count; i++) {
            weights[i] = members[i].weight;
        }
        (void)notch_weights_cap(weights, count);
        for (uint32_t i = 0; i < count; i++) {
            members[i].weight = weights[i];
        }
        *member_count = count;
    } else {
        memcpy(members, set->members, set->count * sizeof *members);
        *member_count = set->count;
    }
    for (uint32_t i = 0; i < *member_count; i++) {
        const struct notch__account *account = notch__accounts_find(accounts, &members[i].key);
        reputations[i] = account != NULL ? account->reputation : 0;
    }
    begin_anew(accounts);
}

void notch__accounts_write(struct notch_writer *writer, const struct notch__accounts *accounts)
{
    notch_write_u32(writer, accounts->vote_slots);
    notch_write_uvar(writer, accounts->window);
    notch_write_uvar(writer, accounts->window_used);
    notch_write_uvar(writer, accounts->window_next);
    for (uint32_t i = 0; i < accounts->window_used; i++) {
        /* Raw: the stored form of a slot. */
        notch_write_uvar(writer, accounts->slots[i].raw);
    }
    notch_write_uvar(writer, accounts->count);
    for (uint32_t i = 0; i < accounts->count; i++) {
        const struct notch__account *account = &accounts->items[i];
        notch_write_key(writer, &account->key);
        notch_write_uvar(writer, account->reputation);
        notch_write_uvar(writer, account->share);
        notch_write_uvar(writer, account->flags);
        notch_write_uvar(writer, account->jailed_until);
        /* Raw: the stored form of a slot. */
        notch_write_uvar(writer, account->punished_slot.raw);
        notch_write_uvar(writer, account->punished_seq);
        notch_write_uvar(writer, account->votes_ok);
        notch_write_uvar(writer, account->led);
        notch_write_uvar(writer, account->produced);
        for (uint32_t k = 0; k < (accounts->window + 63) / 64; k++) {
            notch_write_u64(writer, account->voted[k]);
        }
    }
}

void notch__accounts_read(struct notch_reader *reader, struct notch__accounts *accounts)
{
    accounts->vote_slots = notch_read_u32(reader);
    if (notch_read_uvar_max(reader, NOTCH__WINDOW) != accounts->window) {
        notch_reader_fail(reader);
    }
    accounts->window_used = (uint32_t)notch_read_uvar_max(reader, accounts->window);
    accounts->window_next = (uint32_t)notch_read_uvar_max(reader, accounts->window - 1);
    for (uint32_t i = 0; i < accounts->window_used; i++) {
        /* Raw: the stored form of a slot. */
        accounts->slots[i].raw = notch_read_uvar(reader);
    }
    uint32_t count = (uint32_t)notch_read_uvar_max(reader, NOTCH__ACCOUNTS_MAX);
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        struct notch_key key = notch_read_key(reader);
        if (i > 0 && notch_key_cmp(&accounts->items[i - 1].key, &key) >= 0) {
            notch_reader_fail(reader);
            return;
        }
        struct notch__account *account = put(accounts, &key);
        account->reputation = notch_read_uvar_max(reader, NOTCH_REPUTATION_MAX);
        account->share = notch_read_uvar_max(reader, NOTCH_WEIGHT_ONE);
        account->flags = (uint32_t)notch_read_uvar_max(reader, 15);
        account->jailed_until = (uint32_t)notch_read_uvar_max(reader, UINT32_MAX);
        /* Raw: the stored form of a slot. */
        account->punished_slot.raw = notch_read_uvar(reader);
        account->punished_seq = notch_read_uvar(reader);
        account->votes_ok = (uint32_t)notch_read_uvar_max(reader, UINT32_MAX);
        account->led = (uint32_t)notch_read_uvar_max(reader, UINT32_MAX);
        account->produced = (uint32_t)notch_read_uvar_max(reader, UINT32_MAX);
        for (uint32_t k = 0; k < (accounts->window + 63) / 64; k++) {
            account->voted[k] = notch_read_u64(reader);
        }
    }
}
