/*
 * Layers against a model: one array of values for each block, copied from the parent.
 */
#include "chain/layer.h"
#include "chain/memstore.h"
#include "tests/support/alloc.h"
#include "tests/support/gen.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define KEYS 40
#define LAYERS 6
#define ABSENT UINT64_MAX

/* Layer 0 is the view. */
struct world {
    struct notch_test_alloc alloc;
    struct notch_memstore *store;
    struct notch_store_view view;
    struct notch_layer layers[LAYERS];
    int parents[LAYERS];
    uint64_t values[LAYERS][KEYS];
};

static struct notch_bytes key_of(uint8_t out[2], unsigned number)
{
    out[0] = (uint8_t)(number / 5 + 1);
    out[1] = (uint8_t)(number % 5);
    return notch_bytes(out, number % 5 == 0 ? 1 : 2);
}

static struct notch_bytes value_of(const uint64_t *value)
{
    return notch_bytes(value, *value % 9);
}

static void apply(struct world *world, const struct notch_commit *commit)
{
    notch_memstore_apply(world->store, commit);
}

static void fill_view(struct world *world, struct notch_gen *gen)
{
    struct notch_commit commit;
    notch_commit_init(&commit, &world->alloc.alloc);
    for (unsigned n = 0; n < KEYS; n++) {
        world->values[0][n] = notch_gen_below(gen, 2) == 0 ? ABSENT : notch_gen_below(gen, 1000);
        if (world->values[0][n] != ABSENT) {
            uint8_t raw[2];
            notch_commit_put(&commit, key_of(raw, n), value_of(&world->values[0][n]));
        }
    }
    apply(world, &commit);
    notch_commit_fini(&commit);
}

static void fill_layer(struct world *world, struct notch_gen *gen, int at)
{
    int parent = (int)notch_gen_below(gen, (uint64_t)at);
    world->parents[at] = parent;
    struct notch_layer *layer = &world->layers[at];
    notch_layer_init(layer, &world->alloc.alloc, (struct notch_siphash_key){5, 6},
                     parent == 0 ? NULL : &world->layers[parent]);
    memcpy(world->values[at], world->values[parent], sizeof world->values[at]);
    size_t writes = notch_gen_below(gen, 30);
    for (size_t i = 0; i < writes; i++) {
        unsigned n = (unsigned)notch_gen_below(gen, KEYS);
        uint8_t raw[2];
        uint64_t value = notch_gen_below(gen, 1000);
        world->values[at][n] = notch_gen_below(gen, 3) == 0 ? ABSENT : value;
        if (world->values[at][n] == ABSENT) {
            notch_layer_delete(layer, key_of(raw, n));
        } else {
            notch_layer_put(layer, key_of(raw, n), value_of(&value));
        }
    }
}

static void world_init(struct world *world, struct notch_gen *gen)
{
    notch_test_alloc_init(&world->alloc);
    world->store = notch_memstore_create(&world->alloc.alloc, (struct notch_siphash_key){1, 2});
    world->view = notch_memstore_view(world->store);
    fill_view(world, gen);
    for (int i = 1; i < LAYERS; i++) {
        fill_layer(world, gen, i);
    }
}

static bool world_fini(struct world *world)
{
    for (int i = 1; i < LAYERS; i++) {
        notch_layer_fini(&world->layers[i]);
    }
    notch_memstore_destroy(world->store);
    return world->alloc.live_blocks == 0;
}

/* Whether get() through `layer` says what `values` says, for all keys. */
static bool gets_match(struct world *world, const struct notch_layer *layer, const uint64_t values[KEYS])
{
    struct notch_buf out;
    notch_buf_init(&out, &world->alloc.alloc);
    bool match = true;
    for (unsigned n = 0; n < KEYS && match; n++) {
        uint8_t raw[2];
        notch_buf_clear(&out);
        enum notch_err err = notch_layer_get(layer, &world->view, &out, key_of(raw, n));
        match = values[n] == ABSENT ? err == NOTCH_ERR_NOT_FOUND
                                    : err == NOTCH_OK && notch_bytes_eq(notch_buf_bytes(&out), value_of(&values[n]));
    }
    notch_buf_fini(&out);
    return match;
}

struct walk {
    const uint64_t *values;
    unsigned next; /* the next key that is there, in the direction of the scan */
    unsigned to;
    int step;
    unsigned left; /* visits until it stops */
    bool match;
};

static void skip_absent(struct walk *walk)
{
    while (walk->next != walk->to && walk->values[walk->next] == ABSENT) {
        walk->next = (unsigned)((int)walk->next + walk->step);
    }
}

static bool visit(void *arg, struct notch_bytes key, struct notch_bytes value)
{
    struct walk *walk = arg;
    uint8_t raw[2];
    skip_absent(walk);
    walk->match = walk->match && walk->next != walk->to && notch_bytes_eq(key, key_of(raw, walk->next)) &&
                  notch_bytes_eq(value, value_of(&walk->values[walk->next]));
    if (walk->next != walk->to) {
        walk->next = (unsigned)((int)walk->next + walk->step);
    }
    return walk->match && --walk->left > 0;
}

/* Keys [from, to), both ways, stopping after `limit` visits. */
static bool scan_matches(struct world *world, const struct notch_layer *layer, const uint64_t values[KEYS],
                         unsigned from, unsigned to, unsigned limit)
{
    uint8_t raw_from[2], raw_to[2] = {0xff, 0};
    struct notch_bytes first = key_of(raw_from, from);
    struct notch_bytes last = to == KEYS ? notch_bytes(raw_to, 2) : key_of(raw_to, to);
    struct walk up = {values, from, to, 1, limit, true};
    struct walk down = {values, to - 1, from - 1, -1, limit, true};
    enum notch_err err = notch_layer_scan(layer, &world->view, first, last, NOTCH_SCAN_UP, visit, &up);
    if (err != NOTCH_OK) {
        return false;
    }
    err = notch_layer_scan(layer, &world->view, first, last, NOTCH_SCAN_DOWN, visit, &down);
    skip_absent(&up);
    skip_absent(&down);
    bool complete = (up.left == 0 || up.next == up.to) && (down.left == 0 || down.next == down.to);
    return err == NOTCH_OK && up.match && down.match && complete;
}

static const struct notch_layer *layer_at(const struct world *world, int at)
{
    return at == 0 ? NULL : &world->layers[at];
}

static const char *lookups(struct notch_gen *gen, void *context)
{
    (void)context;
    struct world world;
    world_init(&world, gen);
    const char *broken = NULL;
    for (int i = 0; i < LAYERS && broken == NULL; i++) {
        unsigned from = (unsigned)notch_gen_below(gen, KEYS);
        unsigned to = from + 1 + (unsigned)notch_gen_below(gen, KEYS - from);
        unsigned limit = 1 + (unsigned)notch_gen_below(gen, KEYS);
        if (!gets_match(&world, layer_at(&world, i), world.values[i])) {
            broken = "get";
        } else if (!scan_matches(&world, layer_at(&world, i), world.values[i], from, to, limit)) {
            broken = "scan";
        }
    }
    return world_fini(&world) ? broken : "memory was not given back";
}

/* Flushes the way from the view up to a layer: in one, or one by one with undo records that are then played back. */
static const char *flush_and_undo(struct notch_gen *gen, void *context)
{
    (void)context;
    struct world world;
    world_init(&world, gen);
    int top = 1 + (int)notch_gen_below(gen, LAYERS - 1);
    struct notch_commit commit, back;
    struct notch_buf undo;
    notch_commit_init(&commit, &world.alloc.alloc);
    notch_commit_init(&back, &world.alloc.alloc);
    notch_buf_init(&undo, &world.alloc.alloc);
    const char *broken = NULL;

    /* One layer, the lowest on the way; its undo record is taken before. */
    int low = top;
    while (world.parents[low] != 0) {
        low = world.parents[low];
    }
    enum notch_err err = notch_layer_undo(&world.layers[low], &world.view, &undo);
    notch_layer_flush(&world.layers[low], NULL, &world.alloc.alloc, &commit);
    apply(&world, &commit);
    if (err != NOTCH_OK || !gets_match(&world, NULL, world.values[low])) {
        broken = "flush of one layer";
    }
    struct notch_layer old;
    notch_layer_init(&old, &world.alloc.alloc, (struct notch_siphash_key){5, 6}, NULL);
    err = notch_layer_load_undo(&old, notch_buf_bytes(&undo));
    notch_layer_flush(&old, NULL, &world.alloc.alloc, &back);
    apply(&world, &back);
    if (broken == NULL && (err != NOTCH_OK || !gets_match(&world, NULL, world.values[0]))) {
        broken = "undo";
    }
    notch_layer_fini(&old);

    notch_commit_clear(&commit);
    notch_layer_flush(&world.layers[top], NULL, &world.alloc.alloc, &commit);
    apply(&world, &commit);
    if (broken == NULL && !gets_match(&world, NULL, world.values[top])) {
        broken = "flush of several layers";
    }
    notch_commit_fini(&commit);
    notch_commit_fini(&back);
    notch_buf_fini(&undo);
    return world_fini(&world) ? broken : "memory was not given back";
}

static void test_lookups(void **state)
{
    (void)state;
    assert_true(notch_property_holds("layer look-ups", 500, 1, lookups, NULL));
}

static void test_flush_and_undo(void **state)
{
    (void)state;
    assert_true(notch_property_holds("layer flush and undo", 500, 2, flush_and_undo, NULL));
}

/* Each key once in a flush, however many layers write it. */
static void test_flush_writes_once(void **state)
{
    (void)state;
    const struct notch_alloc *heap = notch_alloc_heap();
    struct notch_layer layers[3];
    struct notch_commit commit;
    notch_commit_init(&commit, heap);
    uint8_t key = 7;
    for (unsigned i = 0; i < 3; i++) {
        notch_layer_init(&layers[i], heap, (struct notch_siphash_key){1, 1}, i == 0 ? NULL : &layers[i - 1]);
        uint8_t value = (uint8_t)i;
        notch_layer_put(&layers[i], notch_bytes(&key, 1), notch_bytes(&value, 1));
    }
    notch_layer_flush(&layers[2], &layers[0], heap, &commit);
    struct notch_reader reader = notch_reader(notch_buf_bytes(&commit.keys));
    struct notch_commit_op op;
    assert_true(notch_commit_next_op(&reader, &op));
    assert_int_equal(op.value.data[0], 2);
    assert_false(notch_commit_next_op(&reader, &op));
    for (unsigned i = 0; i < 3; i++) {
        notch_layer_fini(&layers[i]);
    }
    notch_commit_fini(&commit);
}

static void test_damaged_undo(void **state)
{
    (void)state;
    struct notch_layer layer;
    static const uint8_t bad[][4] = {{1, 9, 2, 0}, {0, 0, 0, 0}, {9, 1, 1, 1}, {1, 9, 1, 5}};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(bad); i++) {
        notch_layer_init(&layer, notch_alloc_heap(), (struct notch_siphash_key){1, 1}, NULL);
        assert_int_equal(notch_layer_load_undo(&layer, notch_bytes(bad[i], 4)), NOTCH_ERR_CORRUPT);
        notch_layer_fini(&layer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lookups),
        cmocka_unit_test(test_flush_and_undo),
        cmocka_unit_test(test_flush_writes_once),
        cmocka_unit_test(test_damaged_undo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
