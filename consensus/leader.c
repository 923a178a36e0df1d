#include "consensus/leader.h"

__extension__ typedef unsigned __int128 notch__u128;

static void hash_seed_slot(struct notch_hash *out, const struct notch_domain *domain, enum notch_tag tag,
                           const struct notch_hash *seed, struct notch_slot slot)
{
    uint8_t bytes[sizeof seed->raw + 8];
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    notch_write_hash(&writer, seed);
    /* Raw: the wire form of a slot. */
    notch_write_u64(&writer, slot.raw);
    notch_domain_hash(out, domain, tag, notch_writer_bytes(&writer));
}

uint32_t notch__leader_index(const struct notch_set *set, const struct notch_domain *domain,
                             const struct notch_hash *seed, struct notch_slot slot)
{
    /* Raw: the bytes are what is compared, copied or hashed. */
    struct notch_hash x;
    hash_seed_slot(&x, domain, NOTCH_TAG_LEADER, seed, slot);
    uint64_t at = (uint64_t)(((notch__u128)notch_get_be64(x.raw) * set->weight) >> 64);
    for (uint32_t i = 0; i < set->count; i++) {
        if (at < set->members[i].weight) {
            return i;
        }
        at -= set->members[i].weight;
    }
    notch_unreachable();
}

void notch__leader_vrf_input(struct notch_hash *out, const struct notch_domain *domain, const struct notch_hash *seed,
                             struct notch_slot slot)
{
    hash_seed_slot(out, domain, NOTCH_TAG_VRF, seed, slot);
}

void notch__leader_mix(struct notch_hash *mix, const struct notch_domain *domain, const struct notch_hash *output)
{
    /* Raw: the bytes are what is compared, copied or hashed. */
    uint8_t bytes[64];
    memcpy(bytes, mix->raw, 32);
    memcpy(bytes + 32, output->raw, 32);
    notch_domain_hash(mix, domain, NOTCH_TAG_SEED, notch_bytes(bytes, sizeof bytes));
}
