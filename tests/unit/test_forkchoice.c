#include "tests/support/gen.h"
#include "tests/support/lone_core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BLOCKS = 24, MEMBERS = 5, VOTES = 60, LAST_SLOT = 48 };

/* What the oracle knows: plain arrays. */
struct world {
    struct lone_core lone;
    struct notch__block *blocks[BLOCKS + 1]; /* [0] is the base */
    uint32_t count;
    struct {
        uint16_t validator;
        uint64_t slot;
        struct notch_hash head;
        bool in_view;
    } votes[VOTES];
    uint32_t vote_count;
};

static void make_tree(struct world *world, struct notch_gen *gen)
{
    world->blocks[0] = world->lone.core->tree.base;
    world->count = 1;
    uint64_t count = notch_gen_below(gen, BLOCKS + 1);
    for (uint32_t i = 1; i <= count; i++) {
        struct notch__block *parent = world->blocks[notch_gen_below(gen, world->count)];
        uint64_t slot = parent->header.slot.raw + 1 + notch_gen_below(gen, 3);
        struct notch__block *block =
            lone_core_block(&world->lone, parent, 1 + (uint32_t)notch_gen_below(gen, 50) * 100 + i, slot);
        block->header.time.raw = notch_gen_below(gen, 3);
        bool is_valid = parent->stage == NOTCH__STAGE_VALID && notch_gen_below(gen, 6) > 0;
        block->stage = is_valid ? NOTCH__STAGE_VALID : NOTCH__STAGE_HEADER;
        block->in_view = is_valid && parent->in_view && notch_gen_below(gen, 8) > 0;
        world->blocks[world->count++] = block;
    }
}

static void make_votes(struct world *world, struct notch_gen *gen)
{
    struct notch_consensus *core = world->lone.core;
    uint64_t count = notch_gen_below(gen, VOTES + 1);
    for (uint32_t i = 0; i < count; i++) {
        struct notch_hash head = world->blocks[notch_gen_below(gen, world->count)]->hash;
        if (notch_gen_below(gen, 12) == 0) {
            head.raw[31] = 0xff; /* of a block that nobody knows */
        }
        uint16_t validator = (uint16_t)notch_gen_below(gen, MEMBERS);
        uint64_t slot = 1 + notch_gen_below(gen, LAST_SLOT);
        struct notch_vote vote =
            lone_core_vote(&world->lone, validator, slot, core->final.at, &core->final.at.hash, &head);
        if (notch__votes_add(&core->votes, &vote, core->store, NOTCH__FROM_BODY) != NOTCH__ADDED) {
            continue;
        }
        bool in_view = notch_gen_below(gen, 5) > 0;
        if (in_view) {
            notch__bits_set(&notch__votes_find(&core->votes, &vote.data)->view, validator);
        }
        world->votes[world->vote_count].validator = validator;
        world->votes[world->vote_count].slot = slot;
        world->votes[world->vote_count].head = head;
        world->votes[world->vote_count++].in_view = in_view;
    }
}

/* ---- the oracle: 1.5 by the book, over and over ---- */

static bool is_under(const struct notch__block *top, const struct notch__block *block)
{
    for (; block != NULL; block = block->parent) {
        if (block == top) {
            return true;
        }
    }
    return false;
}

static bool can_walk(const struct notch__block *block, enum notch__sight sight)
{
    return block->stage == NOTCH__STAGE_VALID && (sight == NOTCH__SIGHT_ALL || block->in_view);
}

static const struct notch__block *oracle_credit(const struct world *world, const struct notch_hash *head,
                                                enum notch__sight sight)
{
    for (uint32_t i = 0; i < world->count; i++) {
        if (notch_hash_eq(&world->blocks[i]->hash, head)) {
            const struct notch__block *block = world->blocks[i];
            while (!can_walk(block, sight)) {
                block = block->parent;
            }
            return block;
        }
    }
    return NULL;
}

static bool counts(const struct world *world, uint32_t i, uint16_t validator, uint64_t from, uint64_t before,
                   enum notch__sight sight)
{
    return world->votes[i].validator == validator && world->votes[i].slot >= from && world->votes[i].slot < before &&
           (sight == NOTCH__SIGHT_ALL || world->votes[i].in_view);
}

static bool oracle_equivocates(const struct world *world, uint16_t validator, uint64_t from, uint64_t before,
                               enum notch__sight sight)
{
    for (uint32_t i = 0; i < world->vote_count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (world->votes[i].slot == world->votes[k].slot && counts(world, i, validator, from, before, sight) &&
                counts(world, k, validator, from, before, sight)) {
                return true;
            }
        }
    }
    return false;
}

static const struct notch__block *oracle_latest(const struct world *world, uint16_t validator, uint64_t from,
                                                uint64_t before, enum notch__sight sight)
{
    const struct notch__block *latest = NULL;
    uint64_t slot = 0;
    for (uint32_t i = 0; i < world->vote_count; i++) {
        const struct notch__block *head = oracle_credit(world, &world->votes[i].head, sight);
        if (counts(world, i, validator, from, before, sight) && head != NULL && world->votes[i].slot >= slot) {
            slot = world->votes[i].slot;
            latest = head;
        }
    }
    return latest;
}

static uint64_t oracle_weight(const struct world *world, const struct notch__block *block, uint64_t before,
                              enum notch__sight sight)
{
    uint64_t eta = world->lone.genesis.eta_slots;
    uint64_t from = before > eta ? before - eta : 0;
    uint64_t weight = 0;
    for (uint16_t v = 0; v < MEMBERS; v++) {
        const struct notch__block *latest = oracle_latest(world, v, from, before, sight);
        if (latest != NULL && !oracle_equivocates(world, v, from, before, sight) && is_under(block, latest)) {
            weight += world->lone.core->store->set.members[v].weight;
        }
    }
    return weight;
}

static const struct notch__block *oracle_head(const struct world *world, const struct notch__block *root,
                                              uint64_t before, enum notch__sight sight)
{
    const struct notch__block *head = root;
    for (;;) {
        const struct notch__block *best = NULL;
        for (uint32_t i = 1; i < world->count; i++) {
            const struct notch__block *child = world->blocks[i];
            if (child->parent != head || !can_walk(child, sight) ||
                child->header.slot.raw > world->lone.core->slot.raw) {
                continue;
            }
            uint64_t mine = oracle_weight(world, child, before, sight);
            uint64_t theirs = best != NULL ? oracle_weight(world, best, before, sight) : 0;
            bool is_better = best == NULL || mine > theirs;
            if (best != NULL && mine == theirs) {
                int order = notch_time_cmp(child->header.time, best->header.time);
                is_better = order < 0 || (order == 0 && notch_hash_cmp(&child->hash, &best->hash) < 0);
            }
            best = is_better ? child : best;
        }
        if (best == NULL) {
            return head;
        }
        head = best;
    }
}

static uint64_t oracle_support(const struct world *world, const struct notch__block *block, uint64_t slot,
                               enum notch__sight sight)
{
    uint64_t weight = 0;
    for (uint16_t v = 0; v < MEMBERS; v++) {
        const struct notch__block *voted = oracle_latest(world, v, slot, slot + 1, sight);
        if (voted != NULL && !oracle_equivocates(world, v, slot, slot + 1, sight) && is_under(block, voted)) {
            weight += world->lone.core->store->set.members[v].weight;
        }
    }
    return weight;
}

static const struct notch__block *oracle_confirmed(const struct world *world, const struct notch__block *head,
                                                   const struct notch__block *root, uint64_t justified_slot,
                                                   uint64_t before, enum notch__sight sight)
{
    uint64_t eta = world->lone.genesis.eta_slots;
    uint64_t low = before > eta ? before - eta : 0;
    low = low > justified_slot ? low : justified_slot;
    for (uint64_t slot = before; slot-- > low;) {
        for (const struct notch__block *block = head; block != root; block = block->parent) {
            if (3 * oracle_support(world, block, slot, sight) > 2 * world->lone.core->store->set.weight) {
                return block;
            }
        }
    }
    return root;
}

static const char *compare(struct notch_gen *gen, void *context)
{
    (void)context;
    struct world world = {.count = 0};
    lone_core_init(&world.lone, MEMBERS);
    struct notch_consensus *core = world.lone.core;
    make_tree(&world, gen);
    make_votes(&world, gen);
    core->slot.raw = 10 + notch_gen_below(gen, LAST_SLOT);
    struct notch_slot before = {1 + notch_gen_below(gen, core->slot.raw + 1)};
    const char *broken = NULL;
    for (unsigned i = 0; i < 2 && broken == NULL; i++) {
        enum notch__sight sight = i == 0 ? NOTCH__SIGHT_ALL : NOTCH__SIGHT_VIEW;
        struct notch__block *root = world.blocks[notch_gen_below(gen, world.count)];
        root = can_walk(root, sight) ? root : world.blocks[0];
        struct notch__checkpoint justified = {0, {{notch_gen_below(gen, 20)}, root->hash}};
        struct notch__block *head = notch__fork_head(core, &justified, before, sight);
        if (head != oracle_head(&world, root, before.raw, sight)) {
            broken = "another head than the oracle's";
            break;
        }
        const struct notch__block *confirmed = notch__fork_confirmed(core, head, &justified, before, sight);
        if (confirmed != oracle_confirmed(&world, head, root, justified.at.slot.raw, before.raw, sight)) {
            broken = "another confirmed block than the oracle's";
        }
    }
    lone_core_fini(&world.lone);
    return broken;
}

static void head_and_confirmation_equal_an_oracle(void **state)
{
    (void)state;
    assert_true(notch_property_holds("fork choice", 600, 4, compare, NULL));
}

/* 8 S7 and 1.5: whoever votes twice in a slot is heard by nobody, but only once both votes are seen. */
static void equivocators_are_discounted(void **state)
{
    (void)state;
    struct lone_core lone;
    lone_core_init(&lone, 3);
    struct notch_consensus *core = lone.core;
    core->slot.raw = 5;
    struct notch__block *a = lone_core_block(&lone, core->tree.base, 1, 2);
    struct notch__block *b = lone_core_block(&lone, core->tree.base, 2, 2);
    const struct notch_hash *target = &core->final.at.hash;
    struct notch_vote one = lone_core_vote(&lone, 0, 3, core->final.at, target, &a->hash);
    struct notch_vote two = lone_core_vote(&lone, 1, 3, core->final.at, target, &b->hash);
    struct notch_vote three = lone_core_vote(&lone, 2, 3, core->final.at, target, &b->hash);
    struct notch_vote again = lone_core_vote(&lone, 1, 3, core->final.at, target, &a->hash);
    struct notch_vote *all[] = {&one, &two, &three};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(notch__votes_add(&core->votes, all[i], core->store, NOTCH__FROM_GOSSIP), NOTCH__ADDED);
    }
    struct notch_slot before = {4};
    assert_ptr_equal(notch__fork_head(core, &core->final, before, NOTCH__SIGHT_ALL), b);
    assert_int_equal(notch__votes_add(&core->votes, &again, core->store, NOTCH__FROM_GOSSIP), NOTCH__ADDED);
    /* One each now: the smaller hash. */
    assert_ptr_equal(notch__fork_head(core, &core->final, before, NOTCH__SIGHT_ALL), a);
    /* A third vote of the same slot is only taken from a body. */
    struct notch_vote third = lone_core_vote(&lone, 1, 3, core->final.at, &a->hash, &a->hash);
    assert_int_equal(notch__votes_add(&core->votes, &third, core->store, NOTCH__FROM_GOSSIP), NOTCH__REFUSED);
    assert_int_equal(notch__votes_add(&core->votes, &third, core->store, NOTCH__FROM_BODY), NOTCH__ADDED);
    lone_core_fini(&lone);
}

static const char *ancestors(struct notch_gen *gen, void *context)
{
    (void)context;
    struct world world = {.count = 0};
    lone_core_init(&world.lone, 1);
    make_tree(&world, gen);
    const char *broken = NULL;
    for (uint32_t i = 0; i < world.count && broken == NULL; i++) {
        for (uint32_t k = 0; k < world.count && broken == NULL; k++) {
            bool is_ancestor = is_under(world.blocks[i], world.blocks[k]);
            broken = notch__tree_is_ancestor(world.blocks[i], world.blocks[k]) == is_ancestor ? NULL : "is_ancestor";
            const struct notch__block *common = notch__tree_common(world.blocks[i], world.blocks[k]);
            if (!is_under(common, world.blocks[i]) || !is_under(common, world.blocks[k])) {
                broken = "common";
            }
        }
    }
    lone_core_fini(&world.lone);
    return broken;
}

static void ancestors_equal_an_oracle(void **state)
{
    (void)state;
    assert_true(notch_property_holds("ancestors", 300, 5, ancestors, NULL));
}

/* 11.9: a vote whose head is not known waits outside of the view, whatever else happens in the slot. */
static void votes_for_unknown_heads_stay_outside(void **state)
{
    (void)state;
    struct lone_core lone;
    lone_core_init(&lone, 3);
    struct notch_consensus *core = lone.core;
    core->slot.raw = 5;
    struct notch_hash nobody = {{0xfe}};
    struct notch_vote known = lone_core_vote(&lone, 0, 4, core->final.at, &core->final.at.hash, &core->final.at.hash);
    struct notch_vote unknown = lone_core_vote(&lone, 1, 4, core->final.at, &core->final.at.hash, &nobody);
    struct notch_vote early = lone_core_vote(&lone, 2, 6, core->final.at, &core->final.at.hash, &core->final.at.hash);
    (void)notch__votes_add(&core->votes, &known, core->store, NOTCH__FROM_GOSSIP);
    (void)notch__votes_add(&core->votes, &unknown, core->store, NOTCH__FROM_GOSSIP);
    (void)notch__votes_add(&core->votes, &early, core->store, NOTCH__FROM_GOSSIP);
    assert_false(notch__bits_get(&notch__votes_find(&core->votes, &known.data)->view, 0));
    notch__view_freeze(core);
    assert_true(notch__bits_get(&notch__votes_find(&core->votes, &known.data)->view, 0));
    assert_false(notch__bits_get(&notch__votes_find(&core->votes, &unknown.data)->view, 1));
    assert_false(notch__bits_get(&notch__votes_find(&core->votes, &early.data)->view, 2));
    lone_core_fini(&lone);
}

/* 8 L7: a block that enters the view brings the votes in its body, and those of its ancestors, with it. */
static void a_merged_block_brings_its_votes(void **state)
{
    (void)state;
    struct lone_core lone;
    lone_core_init(&lone, 3);
    struct notch_consensus *core = lone.core;
    core->slot.raw = 5;
    struct notch__block *blocks[2];
    struct notch_vote votes[2];
    uint8_t bodies[2][512];
    for (uint16_t i = 0; i < 2; i++) {
        blocks[i] = lone_core_block(&lone, i == 0 ? core->tree.base : blocks[0], i + 1u, 2u + i);
        blocks[i]->in_view = false;
        votes[i] = lone_core_vote(&lone, i, 1, core->final.at, &core->final.at.hash, &core->final.at.hash);
        (void)notch__votes_add(&core->votes, &votes[i], core->store, NOTCH__FROM_BODY);
        struct notch_writer writer = notch_writer(bodies[i], sizeof bodies[i]);
        notch_votes_encode(&writer, &votes[i], 1);
        blocks[i]->body.votes = notch_writer_bytes(&writer);
    }
    const struct notch__bundle *bundle = notch__votes_find(&core->votes, &votes[0].data);
    assert_false(notch__bits_get(&bundle->view, 0) || notch__bits_get(&bundle->view, 1));
    notch__view_merge(core, blocks[1]);
    assert_true(notch__bits_get(&bundle->view, 0) && notch__bits_get(&bundle->view, 1));
    assert_true(blocks[0]->in_view && blocks[1]->in_view);
    lone_core_fini(&lone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_and_confirmation_equal_an_oracle),
        cmocka_unit_test(equivocators_are_discounted),
        cmocka_unit_test(ancestors_equal_an_oracle),
        cmocka_unit_test(votes_for_unknown_heads_stay_outside),
        cmocka_unit_test(a_merged_block_brings_its_votes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
