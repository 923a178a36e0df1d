#include "tests/support/lone_core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

void lone_core_init(struct lone_core *lone, uint32_t members)
{
    memset(lone, 0, sizeof *lone);
    notch_genesis_init(&lone->genesis, notch_alloc_heap());
    notch_genesis_defaults(&lone->genesis, NOTCH_NETWORK_DEV, NOTCH_MODE_PRIVATE);
    for (uint32_t i = 0; i < members; i++) {
        struct notch_genesis_member member = {.reputation = NOTCH_GENESIS_REPUTATION};
        notch_put_be32(member.key.raw, i + 1);
        assert_int_equal(notch_genesis_add_member(&lone->genesis, &member), NOTCH_OK);
    }
    notch_domain_init(&lone->domain, &(struct notch_hash){{0xee}});
    struct notch_consensus_options options = {.genesis = &lone->genesis,
                                              .domain = &lone->domain,
                                              .crypto = notch_crypto_standin(),
                                              .alloc = notch_alloc_heap()};
    notch_consensus_create(&lone->core, &options);
    struct notch_consensus_event event = {.type = NOTCH_CONSENSUS_EVENT_START, .seq = 1};
    notch_consensus_handle(lone->core, &event);
}

void lone_core_fini(struct lone_core *lone)
{
    notch_consensus_destroy(lone->core);
    notch_genesis_fini(&lone->genesis);
}

struct notch__block *lone_core_block(struct lone_core *lone, struct notch__block *parent, uint32_t name, uint64_t slot)
{
    struct notch_header header = {
        .slot = {slot}, .time = {slot}, .height = {parent->header.height.raw + 1}, .parent = parent->hash};
    struct notch_hash hash = {{0}};
    notch_put_be32(hash.raw, name);
    struct notch__block *block = notch__tree_add(&lone->core->tree, &hash, &header, parent);
    block->stage = NOTCH__STAGE_VALID;
    block->is_executed = true;
    block->in_view = true;
    block->onchain = parent->onchain;
    static const uint8_t empty[4] = {0};
    block->body.votes = notch_bytes(empty, 1);
    return block;
}

struct notch_vote lone_core_vote(const struct lone_core *lone, uint16_t validator, uint64_t slot,
                                 struct notch_checkpoint source, const struct notch_hash *target,
                                 const struct notch_hash *head)
{
    const struct notch_set *set = &lone->core->store->set;
    struct notch_vote vote = {
        .data = {.set_id = set->id, .slot = {slot}, .source = source, .target = *target, .head = *head},
        .validator = validator,
        .key = set->members[validator].key};
    memcpy(vote.data.set_root8, set->root.raw, sizeof vote.data.set_root8);
    return vote;
}
