#include "base/map.h"
#include "tests/support/alloc.h"
#include "tests/support/gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEYS = 64, SLOTS_FIRST = 16 };

static const struct notch_siphash_key seed = {1, 2};

/* The naive map: which of a fixed universe of keys are there, and their values. */
struct model {
    uint16_t keys[KEYS];
    bool present[KEYS];
    uint64_t values[KEYS];
    size_t count;
};

/* Every key answers as the model says, and a walk meets each item once. */
static const char *same(const struct notch_map *map, const struct model *model)
{
    if (map->count != model->count) {
        return "count differs";
    }
    for (size_t i = 0; i < KEYS; i++) {
        const uint64_t *value = notch_map_get(map, &model->keys[i]);
        if ((value != NULL) != model->present[i]) {
            return value != NULL ? "a removed key is there" : "a key got lost";
        }
        if (value != NULL && *value != model->values[i]) {
            return "a value differs";
        }
    }
    size_t met = 0;
    size_t at = 0;
    const void *key;
    void *value;
    while (notch_map_next(map, &at, &key, &value)) {
        if (notch_map_get(map, key) != value) {
            return "the walk gives another value than get";
        }
        met++;
    }
    return met == model->count ? NULL : "the walk does not meet every item once";
}

static const char *step(struct notch_gen *gen, struct notch_map *map, struct model *model)
{
    size_t i = (size_t)notch_gen_below(gen, KEYS);
    uint64_t kind = notch_gen_below(gen, 100);
    if (kind == 99) {
        notch_map_clear(map);
        memset(model->present, 0, sizeof model->present);
        model->count = 0;
        return NULL;
    }
    if (kind >= 50) {
        bool removed = notch_map_remove(map, &model->keys[i]);
        bool right = removed == model->present[i];
        model->count -= model->present[i] ? 1 : 0;
        model->present[i] = false;
        return right ? NULL : "remove does not know whether it was there";
    }
    bool added;
    uint64_t *value = notch_map_put(map, &model->keys[i], &added);
    bool full = map->max != 0 && model->count >= map->max && !model->present[i];
    if (full || value == NULL) {
        return full && value == NULL && !added ? NULL : "the bound";
    }
    if (added == model->present[i] || *value != (added ? 0 : model->values[i])) {
        return "put gives the wrong value";
    }
    if ((uintptr_t)value % 8 != 0) {
        return "a value is not aligned";
    }
    *value = model->values[i] = kind + 1;
    model->count += added ? 1 : 0;
    model->present[i] = true;
    return NULL;
}

/* Keys that all hash to the last slots of a table of 16: they collide, and their run wraps around the end. */
static void choose_adversarial(uint16_t keys[KEYS])
{
    size_t found = 0;
    for (unsigned candidate = 0; found < KEYS; candidate++) {
        uint16_t key = (uint16_t)candidate;
        assert_true(candidate <= UINT16_MAX);
        if ((notch_siphash(seed, &key, sizeof key) & (SLOTS_FIRST - 1)) >= SLOTS_FIRST - 2) {
            keys[found++] = key;
        }
    }
}

struct setup {
    bool adversarial;
    size_t max;
};

static const char *map_is_a_map(struct notch_gen *gen, void *context)
{
    const struct setup *setup = context;
    struct model model = {0};
    for (size_t i = 0; i < KEYS; i++) {
        model.keys[i] = (uint16_t)(i * 257);
    }
    if (setup->adversarial) {
        choose_adversarial(model.keys);
    }
    struct notch_test_alloc test;
    struct notch_map map;
    notch_test_alloc_init(&test);
    notch_map_init(&map, &test.alloc, seed, sizeof model.keys[0], sizeof(uint64_t), setup->max);
    size_t steps = (size_t)notch_gen_below(gen, 200);
    const char *broken = same(&map, &model);
    for (size_t i = 0; i < steps && broken == NULL; i++) {
        broken = step(gen, &map, &model);
        if (broken == NULL) {
            broken = same(&map, &model);
        }
    }
    notch_map_fini(&map);
    return test.live_blocks == 0 ? broken : "leaks";
}

static void test_histories(void **state)
{
    (void)state;
    struct setup setup = {false, 0};
    assert_true(notch_property_holds("map", 150, 1, map_is_a_map, &setup));
    setup.max = 10;
    assert_true(notch_property_holds("bounded map", 100, 2, map_is_a_map, &setup));
}

static void test_colliding_histories(void **state)
{
    (void)state;
    struct setup setup = {true, 12}; /* as many as 16 slots hold: the table does not grow out of the collisions */
    assert_true(notch_property_holds("colliding map", 300, 3, map_is_a_map, &setup));
    setup.max = 0;
    assert_true(notch_property_holds("growing colliding map", 100, 4, map_is_a_map, &setup));
}

/* A key and value of sizes that do not divide 8, half a million steps, against an array indexed by the key. */
static void test_long_history(void **state)
{
    (void)state;
    enum { UNIVERSE = 5000, STEPS = 500000 };
    struct item {
        uint8_t bytes[5];
    };
    struct notch_test_alloc test;
    struct notch_map map;
    struct notch_rng rng;
    uint8_t *model = calloc(UNIVERSE, 1);
    size_t count = 0;
    assert_non_null(model);
    notch_test_alloc_init(&test);
    notch_map_init(&map, &test.alloc, seed, 3, sizeof(struct item), 0);
    notch_rng_init(&rng, 5);
    for (size_t i = 0; i < STEPS; i++) {
        size_t number = (size_t)notch_rng_below(&rng, UNIVERSE);
        uint8_t key[3] = {(uint8_t)number, (uint8_t)(number >> 8), 0};
        uint8_t mark = (uint8_t)(i | 1);
        struct item *item = notch_map_get(&map, key);
        assert_int_equal(item != NULL ? item->bytes[4] : 0, model[number]);
        /* Mostly filling, then mostly emptying, again and again. */
        if (notch_rng_below(&rng, 10) < (i / 50000 % 2 == 0 ? 7U : 3U)) {
            item = notch_map_put(&map, key, NULL);
            count += model[number] == 0 ? 1 : 0;
            item->bytes[4] = model[number] = mark;
        } else {
            assert_true(notch_map_remove(&map, key) == (model[number] != 0));
            count -= model[number] != 0 ? 1 : 0;
            model[number] = 0;
        }
        assert_int_equal(map.count, count);
    }
    assert_true(test.peak_bytes < 400000);
    notch_map_fini(&map);
    free(model);
    assert_int_equal(test.live_blocks, 0);
}

/* The same seed and history walk in the same order; another seed in another. */
static void test_walk_is_deterministic(void **state)
{
    (void)state;
    uint32_t orders[3][100];
    for (size_t run = 0; run < 3; run++) {
        struct notch_map map;
        struct notch_siphash_key key = {run / 2, 0};
        notch_map_init(&map, notch_alloc_heap(), key, sizeof(uint32_t), 0, 0);
        for (uint32_t i = 0; i < 100; i++) {
            assert_non_null(notch_map_put(&map, &i, NULL));
        }
        size_t at = 0;
        size_t count = 0;
        const void *met;
        while (notch_map_next(&map, &at, &met, NULL)) {
            memcpy(&orders[run][count++], met, sizeof(uint32_t));
        }
        assert_int_equal(count, 100);
        notch_map_fini(&map);
    }
    assert_memory_equal(orders[0], orders[1], sizeof orders[0]);
    assert_memory_not_equal(orders[0], orders[2], sizeof orders[0]);
}

static void test_empty(void **state)
{
    (void)state;
    struct notch_test_alloc test;
    struct notch_map map;
    size_t at = 0;
    notch_test_alloc_init(&test);
    notch_map_init(&map, &test.alloc, seed, 4, 4, 0);
    assert_null(notch_map_get(&map, "abcd"));
    assert_false(notch_map_remove(&map, "abcd"));
    assert_false(notch_map_next(&map, &at, NULL, NULL));
    notch_map_clear(&map);
    notch_map_fini(&map);
    notch_map_fini(&map);
    assert_int_equal(test.resizes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histories),    cmocka_unit_test(test_colliding_histories),
        cmocka_unit_test(test_long_history), cmocka_unit_test(test_walk_is_deterministic),
        cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
