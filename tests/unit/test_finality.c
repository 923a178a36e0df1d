#include "tests/support/gen.h"
#include "tests/support/lone_core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MEMBERS = 4, SLOTS = 7, NAMES = 3, LINKS = 40 };

/* ---- the rules of 1.7 by the book: a table of checkpoints, again and again until nothing changes ---- */

struct table {
    struct notch_vote_data data[LINKS];
    struct notch__bits bits[LINKS];
    struct notch__link links[LINKS];
    size_t count;
    bool justified[SLOTS][NAMES];
};

static struct notch_hash name(uint64_t index)
{
    return (struct notch_hash){{(uint8_t)(index + 1)}};
}

static uint64_t weight_of(const struct notch_set *set, const bool voters[MEMBERS])
{
    uint64_t weight = 0;
    for (uint32_t v = 0; v < MEMBERS; v++) {
        weight += voters[v] ? set->members[v].weight : 0;
    }
    return weight;
}

static bool oracle_is_justified(const struct table *table, const struct notch_set *set, uint64_t slot, uint64_t target)
{
    bool voters[MEMBERS] = {false};
    for (size_t i = 0; i < table->count; i++) {
        const struct notch_vote_data *data = &table->data[i];
        uint64_t source = data->source.hash.raw[0] - 1u;
        if (data->slot.raw == slot && data->target.raw[0] == target + 1 &&
            table->justified[data->source.slot.raw][source]) {
            for (uint32_t v = 0; v < MEMBERS; v++) {
                voters[v] = voters[v] || notch__bits_get(&table->bits[i], v);
            }
        }
    }
    return 3 * weight_of(set, voters) > 2 * set->weight;
}

static void oracle_justify(struct table *table, const struct notch_set *set)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (uint64_t slot = 0; slot < SLOTS; slot++) {
            for (uint64_t block = 0; block < NAMES; block++) {
                if (!table->justified[slot][block] && oracle_is_justified(table, set, slot, block)) {
                    table->justified[slot][block] = true;
                    changed = true;
                }
            }
        }
    }
}

static bool oracle_is_final(const struct table *table, const struct notch_set *set, uint64_t slot, uint64_t block)
{
    bool voters[MEMBERS] = {false};
    for (size_t i = 0; i < table->count; i++) {
        const struct notch_vote_data *data = &table->data[i];
        if (data->slot.raw == slot + 1 && data->source.slot.raw == slot && data->source.hash.raw[0] == block + 1) {
            for (uint32_t v = 0; v < MEMBERS; v++) {
                voters[v] = voters[v] || notch__bits_get(&table->bits[i], v);
            }
        }
    }
    return table->justified[slot][block] && 3 * weight_of(set, voters) > 2 * set->weight;
}

static void make_links(struct table *table, struct notch_gen *gen)
{
    uint64_t count = notch_gen_below(gen, LINKS + 1);
    for (uint64_t i = 0; i < count; i++) {
        struct notch_vote_data data = {.slot = {1 + notch_gen_below(gen, SLOTS - 1)}};
        data.source.slot.raw = notch_gen_below(gen, data.slot.raw);
        data.source.hash = name(notch_gen_below(gen, NAMES));
        data.target = name(notch_gen_below(gen, NAMES));
        struct notch__bits bits = {{notch_gen_below(gen, 1u << MEMBERS)}};
        size_t at = table->count++;
        for (; at > 0 && table->data[at - 1].slot.raw > data.slot.raw; at--) {
            table->data[at] = table->data[at - 1];
            table->bits[at] = table->bits[at - 1];
        }
        table->data[at] = data;
        table->bits[at] = bits;
    }
    for (size_t i = 0; i < table->count; i++) {
        table->links[i] = (struct notch__link){&table->data[i], &table->bits[i]};
    }
}

static const char *compare(struct notch_gen *gen, void *context)
{
    (void)context;
    struct notch_member members[MEMBERS];
    for (uint32_t v = 0; v < MEMBERS; v++) {
        members[v] = (struct notch_member){{{(uint8_t)(v + 1)}}, 1 + notch_gen_below(gen, 4)};
    }
    struct notch_domain domain;
    notch_domain_init(&domain, &(struct notch_hash){{1}});
    struct notch_set set;
    if (!notch_is_valid(notch_set_make(&set, &domain, 0, members, MEMBERS))) {
        return "set";
    }
    struct table table = {.count = 0};
    make_links(&table, gen);
    table.justified[0][0] = true;
    struct notch__checkpoints found;
    notch__checkpoints_init(&found, notch_alloc_heap());
    struct notch__checkpoint root = {0, {{0}, name(0)}};
    notch__checkpoints_add(&found, &root);
    struct notch__checkpoint final = root;
    notch__ffg_run(&found, &final, &set, table.links, table.count);
    oracle_justify(&table, &set);
    const char *broken = NULL;
    uint64_t greatest = 0;
    for (uint64_t slot = 0; slot < SLOTS; slot++) {
        for (uint64_t block = 0; block < NAMES; block++) {
            struct notch__checkpoint checkpoint = {0, {{slot}, name(block)}};
            if (notch__checkpoints_has(&found, &checkpoint) != table.justified[slot][block]) {
                broken = "justified otherwise than by the oracle";
            }
            greatest = oracle_is_final(&table, &set, slot, block) ? slot : greatest;
        }
    }
    if (final.at.slot.raw != greatest ||
        (greatest > 0 && !oracle_is_final(&table, &set, greatest, final.at.hash.raw[0] - 1u))) {
        broken = "final otherwise than by the oracle";
    }
    notch__checkpoints_fini(&found);
    return broken;
}

static void justification_and_finality_equal_an_oracle(void **state)
{
    (void)state;
    assert_true(notch_property_holds("ffg", 4000, 6, compare, NULL));
}

/* ---- which votes count (8 S5) ---- */

static struct notch__bundle *cast(struct lone_core *lone, uint16_t validator, uint64_t slot,
                                  struct notch_checkpoint source, const struct notch__block *target)
{
    struct notch_vote vote = lone_core_vote(lone, validator, slot, source, &target->hash, &target->hash);
    (void)notch__votes_add(&lone->core->votes, &vote, lone->core->store, NOTCH__FROM_BODY);
    return notch__votes_find(&lone->core->votes, &vote.data);
}

static void three_votes_justify_and_finalise(void **state)
{
    (void)state;
    struct lone_core lone;
    lone_core_init(&lone, 4);
    struct notch_consensus *core = lone.core;
    struct notch__block *a = lone_core_block(&lone, core->tree.base, 1, 2);
    struct notch__block *b = lone_core_block(&lone, a, 2, 3);
    core->slot.raw = 4;
    for (uint16_t v = 0; v < 2; v++) {
        (void)cast(&lone, v, 2, core->final.at, a);
    }
    notch__evaluate(core);
    assert_int_equal(core->greatest.at.slot.raw, 0);
    (void)cast(&lone, 2, 2, core->final.at, a);
    notch__evaluate(core);
    assert_int_equal(core->greatest.at.slot.raw, 2);
    assert_true(notch_hash_eq(&core->greatest.at.hash, &a->hash));
    struct notch_checkpoint source = {{2}, a->hash};
    for (uint16_t v = 0; v < 3; v++) {
        (void)cast(&lone, v, 3, source, b);
    }
    notch__evaluate(core);
    assert_true(notch_hash_eq(&core->final.at.hash, &a->hash));
    assert_ptr_equal(core->tree.base, a);
    assert_null(a->parent);
    lone_core_fini(&lone);
}

/* A checkpoint whose next slot has no quorum is not final, however many come later. */
static void finality_needs_the_next_slot(void **state)
{
    (void)state;
    struct lone_core lone;
    lone_core_init(&lone, 4);
    struct notch_consensus *core = lone.core;
    struct notch__block *a = lone_core_block(&lone, core->tree.base, 1, 2);
    struct notch_checkpoint source = {{2}, a->hash};
    for (uint16_t v = 0; v < 3; v++) {
        (void)cast(&lone, v, 2, core->final.at, a);
    }
    for (uint16_t v = 0; v < 3; v++) {
        (void)cast(&lone, v, 4, source, a);
    }
    notch__evaluate(core);
    assert_int_equal(core->greatest.at.slot.raw, 4);
    assert_int_equal(core->final.at.slot.raw, 0);
    lone_core_fini(&lone);
}

static void votes_that_do_not_fit_do_not_count(void **state)
{
    (void)state;
    struct lone_core lone;
    lone_core_init(&lone, 4);
    struct notch_consensus *core = lone.core;
    struct notch__block *a = lone_core_block(&lone, core->tree.base, 1, 2);
    struct notch__block *fork = lone_core_block(&lone, core->tree.base, 2, 2);
    struct notch__block *late = lone_core_block(&lone, a, 3, 9);
    struct notch__block *pending = lone_core_block(&lone, a, 4, 5);
    pending->header.flags = NOTCH_HEADER_PENDING;
    struct notch__block *signal = lone_core_block(&lone, a, 5, 5);
    signal->header.flags = NOTCH_HEADER_SIGNAL;
    struct notch_checkpoint on_a = {{2}, a->hash};
    const struct {
        uint64_t slot;
        struct notch_checkpoint source;
        const struct notch__block *target;
        enum notch__fit fit;
    } cases[] = {
        {6, on_a, a, NOTCH__FIT_VALID},
        {6, on_a, fork, NOTCH__FIT_INVALID}, /* the source is not an ancestor of the target */
        {2, on_a, a, NOTCH__FIT_INVALID},    /* the source is not older than the vote */
        {8, on_a, late, NOTCH__FIT_INVALID}, /* the target is younger than the vote */
        {9, on_a, late, NOTCH__FIT_VALID},
        {6, on_a, pending, NOTCH__FIT_INVALID}, /* behind the signal block of the set (E3) */
        {6, on_a, signal, NOTCH__FIT_VALID},
    };
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(cases); i++) {
        struct notch__bundle *bundle = cast(&lone, 0, cases[i].slot, cases[i].source, cases[i].target);
        notch__evaluate(core);
        assert_int_equal(bundle->fit, cases[i].fit);
    }
    lone_core_fini(&lone);
}

/* 8 S10: two justified checkpoints of one slot are proof of a third of faults: alarm, and no more votes. */
static void a_conflict_stops_the_node(void **state)
{
    (void)state;
    struct lone_core lone;
    lone_core_init(&lone, 4);
    struct notch_consensus *core = lone.core;
    struct notch__block *a = lone_core_block(&lone, core->tree.base, 1, 2);
    struct notch__block *b = lone_core_block(&lone, core->tree.base, 2, 2);
    for (uint16_t v = 0; v < 4; v++) {
        (void)cast(&lone, v, 2, core->final.at, a);
        (void)cast(&lone, v, 2, core->final.at, b);
    }
    notch__evaluate(core);
    assert_true(core->is_stopped);
    lone_core_fini(&lone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(justification_and_finality_equal_an_oracle),
        cmocka_unit_test(three_votes_justify_and_finalise),
        cmocka_unit_test(finality_needs_the_next_slot),
        cmocka_unit_test(votes_that_do_not_fit_do_not_count),
        cmocka_unit_test(a_conflict_stops_the_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
