#include "consensus/votes.h"

void notch__votes_init(struct notch__votes *votes, const struct notch_alloc *alloc, uint32_t max)
{
    *votes = (struct notch__votes){.alloc = alloc, .max = max};
}

static void free_bundle(const struct notch__votes *votes, struct notch__bundle *bundle)
{
    notch_free(votes->alloc, bundle->voters, bundle->cap * sizeof *bundle->voters);
    notch_free(votes->alloc, bundle, sizeof *bundle);
}

void notch__votes_fini(struct notch__votes *votes)
{
    for (uint32_t i = 0; i < votes->count; i++) {
        free_bundle(votes, votes->bundles[i]);
    }
    notch_free(votes->alloc, votes->bundles, votes->cap * sizeof(struct notch__bundle *));
    notch_free(votes->alloc, votes->shadows, votes->shadow_cap * sizeof *votes->shadows);
}

uint32_t notch__votes_from(const struct notch__votes *votes, struct notch_slot slot)
{
    uint32_t low = 0;
    uint32_t high = votes->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (notch_slot_cmp(votes->bundles[middle]->data.slot, slot) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The index at which a bundle of `data` stands or would stand. */
static uint32_t find_index(const struct notch__votes *votes, const struct notch_vote_data *data)
{
    uint32_t low = 0;
    uint32_t high = votes->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (notch_vote_data_cmp(&votes->bundles[middle]->data, data) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct notch__bundle *notch__votes_find(const struct notch__votes *votes, const struct notch_vote_data *data)
{
    uint32_t at = find_index(votes, data);
    bool is_there = at < votes->count && notch_vote_data_cmp(&votes->bundles[at]->data, data) == 0;
    return is_there ? votes->bundles[at] : NULL;
}

static uint32_t voter_index(const struct notch__bundle *bundle, uint32_t validator)
{
    uint32_t low = 0;
    uint32_t high = bundle->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (bundle->voters[middle].validator < validator) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct notch_vote notch__bundle_vote(const struct notch__bundle *bundle, uint32_t validator)
{
    uint32_t at = voter_index(bundle, validator);
    notch_assert(at < bundle->count);
    notch_assert(bundle->voters[at].validator == validator);
    return (struct notch_vote){.data = bundle->data,
                               .validator = (uint16_t)validator,
                               .key = bundle->set->set.members[validator].key,
                               .sig = bundle->voters[at].sig};
}

static uint32_t shadow_index(const struct notch__votes *votes, const struct notch_vote *vote)
{
    uint32_t at = votes->shadow_count;
    while (at > 0 && notch_vote_cmp(&votes->shadows[at - 1].vote, vote) >= 0) {
        at--;
    }
    return at;
}

bool notch__votes_has(const struct notch__votes *votes, const struct notch_vote *vote)
{
    if (vote->validator == NOTCH_VOTE_SHADOW) {
        uint32_t at = shadow_index(votes, vote);
        return at < votes->shadow_count && notch_vote_cmp(&votes->shadows[at].vote, vote) == 0 &&
               memcmp(&votes->shadows[at].vote.sig, &vote->sig, sizeof vote->sig) == 0;
    }
    const struct notch__bundle *bundle = notch__votes_find(votes, &vote->data);
    if (bundle == NULL || vote->validator >= bundle->set->set.count ||
        !notch__bits_get(&bundle->all, vote->validator)) {
        return false;
    }
    const struct notch__voter *voter = &bundle->voters[voter_index(bundle, vote->validator)];
    return memcmp(&voter->sig, &vote->sig, sizeof vote->sig) == 0;
}

const struct notch__bundle *notch__votes_other(const struct notch__votes *votes, const struct notch__set *set,
                                               uint32_t validator, struct notch_slot slot,
                                               const struct notch_vote_data *data)
{
    const struct notch_key *key = &set->set.members[validator].key;
    for (uint32_t i = notch__votes_from(votes, slot); i < votes->count; i++) {
        const struct notch__bundle *bundle = votes->bundles[i];
        if (notch_slot_cmp(bundle->data.slot, slot) != 0) {
            return NULL;
        }
        /* By public key, over any sets (8 S8). */
        uint32_t index = notch__set_is_same(bundle->set, set) ? validator : notch_set_index(&bundle->set->set, key);
        bool is_other = data == NULL || notch_vote_data_cmp(&bundle->data, data) != 0;
        if (is_other && index != NOTCH_SET_NO_MEMBER && notch__bits_get(&bundle->all, index)) {
            return bundle;
        }
    }
    return NULL;
}

static uint32_t count_of_slot(const struct notch__votes *votes, const struct notch__set *set, uint32_t validator,
                              struct notch_slot slot)
{
    uint32_t count = 0;
    for (uint32_t i = notch__votes_from(votes, slot); i < votes->count; i++) {
        const struct notch__bundle *bundle = votes->bundles[i];
        if (notch_slot_cmp(bundle->data.slot, slot) != 0) {
            break;
        }
        count += notch__set_is_same(bundle->set, set) && notch__bits_get(&bundle->all, validator);
    }
    return count;
}

static enum notch__added add_shadow(struct notch__votes *votes, const struct notch_vote *vote)
{
    uint32_t at = shadow_index(votes, vote);
    if (at < votes->shadow_count && notch_vote_cmp(&votes->shadows[at].vote, vote) == 0) {
        return NOTCH__KNOWN;
    }
    if (votes->shadow_count == votes->shadow_cap) {
        uint32_t cap = votes->shadow_cap > 0 ? 2 * votes->shadow_cap : 8;
        votes->shadows = notch_realloc(votes->alloc, votes->shadows, votes->shadow_cap * sizeof *votes->shadows,
                                       cap * sizeof *votes->shadows);
        votes->shadow_cap = cap;
    }
    memmove(&votes->shadows[at + 1], &votes->shadows[at], (votes->shadow_count - at) * sizeof *votes->shadows);
    votes->shadows[at].vote = *vote;
    votes->shadow_count++;
    votes->held++;
    return NOTCH__ADDED;
}

static struct notch__bundle *add_bundle(struct notch__votes *votes, const struct notch_vote_data *data,
                                        const struct notch__set *set)
{
    if (votes->count == votes->cap) {
        uint32_t cap = votes->cap > 0 ? 2 * votes->cap : 16;
        votes->bundles = notch_realloc(votes->alloc, votes->bundles, votes->cap * sizeof(struct notch__bundle *),
                                       cap * sizeof(struct notch__bundle *));
        votes->cap = cap;
    }
    struct notch__bundle *bundle = notch_alloc(votes->alloc, sizeof *bundle);
    bundle->data = *data;
    bundle->set = set;
    uint32_t at = find_index(votes, data);
    memmove(&votes->bundles[at + 1], &votes->bundles[at], (votes->count - at) * sizeof(struct notch__bundle *));
    votes->bundles[at] = bundle;
    votes->count++;
    return bundle;
}

static void add_voter(const struct notch__votes *votes, struct notch__bundle *bundle, const struct notch_vote *vote)
{
    if (bundle->count == bundle->cap) {
        uint32_t cap = bundle->cap > 0 ? 2 * bundle->cap : 1;
        bundle->voters = notch_realloc(votes->alloc, bundle->voters, bundle->cap * sizeof *bundle->voters,
                                       cap * sizeof *bundle->voters);
        bundle->cap = cap;
    }
    uint32_t at = voter_index(bundle, vote->validator);
    memmove(&bundle->voters[at + 1], &bundle->voters[at], (bundle->count - at) * sizeof *bundle->voters);
    bundle->voters[at] = (struct notch__voter){vote->validator, vote->sig};
    bundle->count++;
    notch__bits_set(&bundle->all, vote->validator);
}

enum notch__added notch__votes_add(struct notch__votes *votes, const struct notch_vote *vote,
                                   const struct notch__set *set, enum notch__origin origin)
{
    bool is_full = votes->held >= votes->max && origin == NOTCH__FROM_GOSSIP;
    if (vote->validator == NOTCH_VOTE_SHADOW) {
        return is_full ? NOTCH__REFUSED : add_shadow(votes, vote);
    }
    notch_assert(vote->validator < set->set.count);
    struct notch__bundle *bundle = notch__votes_find(votes, &vote->data);
    if (bundle != NULL && notch__bits_get(&bundle->all, vote->validator)) {
        return NOTCH__KNOWN;
    }
    if (is_full || (origin == NOTCH__FROM_GOSSIP && count_of_slot(votes, set, vote->validator, vote->data.slot) >= 2)) {
        return NOTCH__REFUSED;
    }
    if (bundle == NULL) {
        bundle = add_bundle(votes, &vote->data, set);
    }
    add_voter(votes, bundle, vote);
    votes->held++;
    return NOTCH__ADDED;
}

void notch__votes_prune(struct notch__votes *votes, struct notch_slot floor)
{
    uint32_t gone = notch__votes_from(votes, floor);
    for (uint32_t i = 0; i < gone; i++) {
        votes->held -= votes->bundles[i]->count;
        free_bundle(votes, votes->bundles[i]);
    }
    votes->count -= gone;
    if (gone > 0) {
        memmove(votes->bundles, votes->bundles + gone, votes->count * sizeof(struct notch__bundle *));
    }
    gone = 0;
    while (gone < votes->shadow_count && notch_slot_cmp(votes->shadows[gone].vote.data.slot, floor) < 0) {
        gone++;
    }
    votes->held -= gone;
    votes->shadow_count -= gone;
    if (gone > 0) {
        memmove(votes->shadows, votes->shadows + gone, votes->shadow_count * sizeof *votes->shadows);
    }
}
