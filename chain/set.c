#include "chain/set.h"

/* The id stays out of the root: a set that follows itself keeps it, and its hand-over needs no certificate to be
 * shown. */
static void set_root(struct notch_set *set, const struct notch_domain *domain)
{
    uint8_t small[32 + NOTCH_UVAR_MAX];
    struct notch_sha256 sha;
    notch_domain_begin(&sha, domain, NOTCH_TAG_SET);
    struct notch_writer writer = notch_writer(small, sizeof small);
    notch_write_uvar(&writer, set->count);
    notch_sha256_update(&sha, small, notch_writer_bytes(&writer).len);
    for (uint32_t i = 0; i < set->count; i++) {
        writer = notch_writer(small, sizeof small);
        notch_write_key(&writer, &set->members[i].key);
        notch_write_uvar(&writer, set->members[i].weight);
        notch_sha256_update(&sha, small, notch_writer_bytes(&writer).len);
    }
    notch_sha256_final(&sha, &set->root);
}

struct notch_reject notch_set_make(struct notch_set *out, const struct notch_domain *domain, uint32_t id,
                                   const struct notch_member *members, uint32_t count)
{
    *out = (struct notch_set){.id = id, .count = count, .members = members};
    if (count == 0) {
        return NOTCH_REJECT(EMPTY, "set without members");
    }
    if (count > NOTCH_SET_MEMBERS_MAX) {
        return NOTCH_REJECT(TOO_LARGE, "too many members");
    }
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && notch_key_cmp(&members[i - 1].key, &members[i].key) >= 0) {
            return NOTCH_REJECT(MALFORMED, "members out of order");
        }
        if (members[i].weight == 0 || members[i].weight >= NOTCH_SET_WEIGHT_MAX) {
            return NOTCH_REJECT(BOUNDS, "weight of a member");
        }
        out->weight += members[i].weight;
        if (out->weight >= NOTCH_SET_WEIGHT_MAX) {
            return NOTCH_REJECT(BOUNDS, "weight of a set");
        }
    }
    set_root(out, domain);
    return NOTCH_VALID;
}

void notch_set_encode(struct notch_writer *writer, const struct notch_set *set)
{
    notch_write_u32(writer, set->id);
    notch_write_uvar(writer, set->count);
    for (uint32_t i = 0; i < set->count; i++) {
        notch_write_key(writer, &set->members[i].key);
        notch_write_uvar(writer, set->members[i].weight);
    }
}

struct notch_reject notch_set_decode(struct notch_set *out, struct notch_member *members, uint32_t member_max,
                                     struct notch_reader *reader, const struct notch_domain *domain)
{
    uint32_t id = notch_read_u32(reader);
    uint64_t count = notch_read_uvar_max(reader, member_max);
    for (uint64_t i = 0; i < count && !reader->failed; i++) {
        members[i].key = notch_read_key(reader);
        members[i].weight = notch_read_uvar(reader);
    }
    if (reader->failed) {
        *out = (struct notch_set){0};
        return NOTCH_REJECT(MALFORMED, "set");
    }
    return notch_set_make(out, domain, id, members, (uint32_t)count);
}

uint32_t notch_set_index(const struct notch_set *set, const struct notch_key *key)
{
    uint32_t low = 0;
    uint32_t high = set->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = notch_key_cmp(&set->members[middle].key, key);
        if (order == 0) {
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NOTCH_SET_NO_MEMBER;
}

uint64_t notch_set_weight_of(const struct notch_set *set, const struct notch_key *key)
{
    uint32_t index = notch_set_index(set, key);
    return index == NOTCH_SET_NO_MEMBER ? 0 : set->members[index].weight;
}
