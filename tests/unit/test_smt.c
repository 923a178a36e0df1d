/*
 * The state tree against an oracle that builds the tree of a set from scratch, and proofs against every damage.
 */
#include "chain/layer.h"
#include "chain/memstore.h"
#include "chain/nodes.h"
#include "chain/smt.h"
#include "chain/smt_node.h"
#include "tests/support/alloc.h"
#include "tests/support/gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define KEYS 96

static struct notch_domain domain;

/* A tree under test, and what it should hold: keys are numbers, an absent one has no value. */
struct tree {
    struct notch_layer layer;
    struct notch_memstore *store;
    struct notch_store_view view;
    struct notch__nodes nodes;
    struct notch_smt_nodes functions;
    struct notch_smt *smt;
    bool present[KEYS];
    uint64_t values[KEYS];
    struct notch_hash root;
};

static void tree_init(struct tree *tree)
{
    const struct notch_alloc *heap = notch_alloc_heap();
    memset(tree, 0, sizeof *tree);
    tree->store = notch_memstore_create(heap, (struct notch_siphash_key){1, 2});
    tree->view = notch_memstore_view(tree->store);
    notch_layer_init(&tree->layer, heap, (struct notch_siphash_key){3, 4}, NULL);
    tree->nodes = (struct notch__nodes){.target = &tree->layer, .layer = &tree->layer, .view = &tree->view};
    tree->functions = notch__nodes_of(&tree->nodes);
    tree->smt = notch_smt_create(heap, &domain);
}

static void tree_fini(struct tree *tree)
{
    notch_smt_destroy(tree->smt);
    notch_layer_fini(&tree->layer);
    notch_memstore_destroy(tree->store);
}

/* Key n is n zero bytes and its number: keys of many lengths, the empty one among them. */
static struct notch_bytes key_bytes(uint8_t out[NOTCH_SMT_KEY_MAX], unsigned number)
{
    memset(out, 0, NOTCH_SMT_KEY_MAX);
    out[number % 7] = (uint8_t)number;
    return notch_bytes(out, number == 0 ? 0 : number % 7 + 1 + number / 64 * 80);
}

static struct notch_hash value_hash_of(uint64_t value)
{
    struct notch_hash hash;
    notch_sha256(&hash, notch_bytes(&value, sizeof value));
    return hash;
}

static void tree_update(struct tree *tree, const unsigned *numbers, const bool *deletes, const uint64_t *values,
                        size_t count)
{
    static uint8_t raw[256][NOTCH_SMT_KEY_MAX];
    struct notch_smt_change changes[256];
    for (size_t i = 0; i < count; i++) {
        changes[i] = (struct notch_smt_change){.key = key_bytes(raw[i], numbers[i]), .is_delete = deletes[i]};
        changes[i].value_hash = value_hash_of(values[i]);
        tree->present[numbers[i]] = !deletes[i];
        tree->values[numbers[i]] = values[i];
    }
    enum notch_err err = notch_smt_update(tree->smt, &tree->root, &tree->functions, changes, count);
    assert_int_equal(err, NOTCH_OK);
}

/* ---- the oracle ---- */

struct item {
    struct notch_hash path;
    struct notch_hash hash;
    bool is_leaf;
};

static int by_path(const void *a, const void *b)
{
    return notch_hash_cmp(&((const struct item *)a)->path, &((const struct item *)b)->path);
}

static bool bit(const struct notch_hash *path, unsigned i)
{
    return (path->raw[i / 8] >> (7 - i % 8) & 1) != 0;
}

static bool same_prefix(const struct notch_hash *a, const struct notch_hash *b, unsigned bits)
{
    for (unsigned i = 0; i < bits; i++) {
        if (bit(a, i) != bit(b, i)) {
            return false;
        }
    }
    return true;
}

static struct notch_hash node_hash(struct notch_hash left, struct notch_hash right)
{
    struct notch_hash both[2] = {left, right};
    struct notch_hash out;
    notch_domain_hash(&out, &domain, NOTCH_TAG_STATE_NODE, notch_bytes(both, sizeof both));
    return out;
}

static size_t oracle_leaves(struct item *items, const struct tree *tree)
{
    size_t count = 0;
    for (unsigned n = 0; n < KEYS; n++) {
        if (!tree->present[n]) {
            continue;
        }
        uint8_t raw[32 + NOTCH_SMT_KEY_MAX];
        struct notch_hash value = value_hash_of(tree->values[n]);
        struct notch_bytes key = key_bytes(raw + 32, n);
        memcpy(raw, value.raw, 32);
        notch_domain_hash(&items[count].path, &domain, NOTCH_TAG_STATE_KEY, key);
        notch_domain_hash(&items[count].hash, &domain, NOTCH_TAG_STATE_LEAF, notch_bytes(raw, 32 + key.len));
        items[count++].is_leaf = true;
    }
    qsort(items, count, sizeof *items, by_path);
    return count;
}

/* Joins, from the bottom up, what shares its path down to a depth. */
static struct notch_hash oracle(const struct tree *tree)
{
    struct item items[KEYS];
    size_t count = oracle_leaves(items, tree);
    struct notch_hash zero = {{0}};
    for (unsigned depth = 256; depth-- > 0;) {
        size_t kept = 0;
        for (size_t i = 0; i < count; kept++) {
            bool pair = i + 1 < count && same_prefix(&items[i].path, &items[i + 1].path, depth);
            struct item item = items[i];
            if (pair) {
                item.hash = node_hash(items[i].hash, items[i + 1].hash);
                item.is_leaf = false;
            } else if (!item.is_leaf) {
                item.hash = bit(&item.path, depth) ? node_hash(zero, item.hash) : node_hash(item.hash, zero);
            }
            items[kept] = item;
            i += pair ? 2 : 1;
        }
        count = kept;
    }
    return count == 0 ? zero : items[0].hash;
}

/* ---- tests ---- */

static void test_empty(void **state)
{
    (void)state;
    struct tree tree;
    tree_init(&tree);
    struct notch_hash root = {{1}};
    assert_int_equal(notch_smt_root(tree.smt, &root, &tree.functions), NOTCH_OK);
    assert_true(notch_hash_is_zero(&root));
    unsigned number = 5;
    bool is_delete = true;
    uint64_t value = 0;
    tree_update(&tree, &number, &is_delete, &value, 1);
    assert_true(notch_hash_is_zero(&tree.root));
    assert_int_equal(tree.layer.entry_count, 0);
    tree_fini(&tree);
}

static const char *random_updates(struct notch_gen *gen, void *context)
{
    (void)context;
    struct tree tree;
    tree_init(&tree);
    const char *broken = NULL;
    size_t rounds = 1 + notch_gen_below(gen, 8);
    for (size_t round = 0; round < rounds && broken == NULL; round++) {
        unsigned numbers[64];
        bool deletes[64];
        uint64_t values[64];
        size_t count = notch_gen_below(gen, 64);
        for (size_t i = 0; i < count; i++) {
            numbers[i] = (unsigned)notch_gen_below(gen, KEYS);
            deletes[i] = notch_gen_below(gen, 5) < 2;
            values[i] = notch_gen_below(gen, 4);
        }
        tree_update(&tree, numbers, deletes, values, count);
        struct notch_hash expected = oracle(&tree);
        struct notch_hash stored;
        enum notch_err err = notch_smt_root(tree.smt, &stored, &tree.functions);
        if (!notch_hash_eq(&tree.root, &expected)) {
            broken = "root differs from the oracle";
        } else if (err != NOTCH_OK || !notch_hash_eq(&stored, &expected)) {
            broken = "the stored nodes have another root";
        }
    }
    tree_fini(&tree);
    return broken;
}

static void test_any_history(void **state)
{
    (void)state;
    assert_true(notch_property_holds("smt updates", 400, 1, random_updates, NULL));
}

/* How many packed nodes are stored, deletions counted away. */
static unsigned stored_nodes(const struct tree *tree)
{
    struct notch_commit_op op;
    uint32_t at = 0;
    unsigned count = 0;
    while (notch_layer_next(&tree->layer, &at, &op)) {
        count += op.is_delete ? 0 : 1;
    }
    return count;
}

static void fill(struct tree *tree, unsigned from, unsigned to, bool is_delete)
{
    for (unsigned n = from; n < to; n++) {
        uint64_t value = n;
        tree_update(tree, &n, &is_delete, &value, 1);
    }
}

static void test_deletes_collapse(void **state)
{
    (void)state;
    struct tree tree;
    tree_init(&tree);
    fill(&tree, 0, KEYS, false);
    assert_true(stored_nodes(&tree) > 10);
    fill(&tree, 1, KEYS, true);
    assert_int_equal(stored_nodes(&tree), 1);
    struct notch_hash one = oracle(&tree);
    assert_true(notch_hash_eq(&tree.root, &one));
    fill(&tree, 0, 1, true);
    assert_int_equal(stored_nodes(&tree), 0);
    assert_true(notch_hash_is_zero(&tree.root));
    tree_fini(&tree);
}

/* Values of the tree under test: the number of a key stands in it. */
static enum notch_err value_of(void *self, struct notch_hash *out, struct notch_bytes key)
{
    const struct tree *tree = self;
    for (unsigned n = 0; n < KEYS; n++) {
        uint8_t raw[NOTCH_SMT_KEY_MAX];
        if (tree->present[n] && notch_bytes_eq(key_bytes(raw, n), key)) {
            *out = value_hash_of(tree->values[n]);
            return NOTCH_OK;
        }
    }
    return NOTCH_ERR_NOT_FOUND;
}

static void prove(struct tree *tree, struct notch_buf *proof, bool *present, unsigned number)
{
    uint8_t raw[NOTCH_SMT_KEY_MAX];
    struct notch_smt_values values = {value_of, tree};
    notch_buf_clear(proof);
    enum notch_err err = notch_smt_prove(tree->smt, proof, present, &tree->functions, &values, key_bytes(raw, number));
    assert_int_equal(err, NOTCH_OK);
    assert_true(proof->len <= NOTCH_SMT_PROOF_MAX);
}

static bool verifies(const struct tree *tree, struct notch_bytes proof, unsigned number, const uint64_t *value)
{
    uint8_t raw[NOTCH_SMT_KEY_MAX];
    struct notch_hash hash = value_hash_of(value == NULL ? 0 : *value);
    return notch_is_valid(
        notch_smt_verify(&domain, &tree->root, key_bytes(raw, number), value == NULL ? NULL : &hash, proof));
}

static void check_proofs(struct tree *tree, struct notch_buf *proof)
{
    for (unsigned n = 0; n < KEYS; n++) {
        bool present;
        prove(tree, proof, &present, n);
        assert_int_equal(present, tree->present[n]);
        uint64_t wrong = tree->values[n] + 1;
        assert_true(verifies(tree, notch_buf_bytes(proof), n, present ? &tree->values[n] : NULL));
        assert_false(verifies(tree, notch_buf_bytes(proof), n, present ? NULL : &tree->values[n]));
        assert_false(verifies(tree, notch_buf_bytes(proof), n, &wrong));
    }
}

static void test_proofs(void **state)
{
    (void)state;
    struct notch_buf proof;
    notch_buf_init(&proof, notch_alloc_heap());
    static const unsigned sizes[] = {0, 1, 2, 3, 17, 90};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(sizes); i++) {
        struct tree tree;
        tree_init(&tree);
        fill(&tree, 0, sizes[i], false);
        check_proofs(&tree, &proof);
        tree_fini(&tree);
    }
    notch_buf_fini(&proof);
}

static void damage_all(const struct tree *tree, struct notch_buf *proof, unsigned number, const uint64_t *value)
{
    for (size_t at = 0; at < proof->len; at++) {
        for (unsigned bit_at = 0; bit_at < 8; bit_at++) {
            proof->data[at] ^= (uint8_t)(1u << bit_at);
            assert_false(verifies(tree, notch_buf_bytes(proof), number, value));
            proof->data[at] ^= (uint8_t)(1u << bit_at);
        }
        assert_false(verifies(tree, notch_bytes(proof->data, at), number, value));
    }
    assert_true(verifies(tree, notch_buf_bytes(proof), number, value));
    uint8_t zero = 0;
    notch_buf_append(proof, &zero, 1);
    assert_false(verifies(tree, notch_buf_bytes(proof), number, value));
}

static void test_damaged_proofs(void **state)
{
    (void)state;
    struct notch_buf proof;
    notch_buf_init(&proof, notch_alloc_heap());
    struct tree tree;
    tree_init(&tree);
    fill(&tree, 0, 60, false);
    bool seen_empty = false;
    bool seen_other = false;
    for (unsigned n = 0; n < KEYS; n += 3) {
        bool present;
        prove(&tree, &proof, &present, n);
        seen_empty = seen_empty || proof.data[1] == NOTCH__SMT_ENDS_EMPTY;
        seen_other = seen_other || proof.data[1] == NOTCH__SMT_ENDS_OTHER;
        damage_all(&tree, &proof, n, present ? &tree.values[n] : NULL);
    }
    assert_true(seen_empty);
    assert_true(seen_other);
    tree_fini(&tree);
    notch_buf_fini(&proof);
}

/* The proof that a key is there, dressed up as one that another key, which is itself, stands in its way. */
static void test_forged_absence(void **state)
{
    (void)state;
    struct notch_buf proof, forged;
    notch_buf_init(&proof, notch_alloc_heap());
    notch_buf_init(&forged, notch_alloc_heap());
    struct tree tree;
    tree_init(&tree);
    fill(&tree, 0, 20, false);
    for (unsigned n = 1; n < 20; n++) {
        bool present;
        uint8_t raw[NOTCH_SMT_KEY_MAX];
        struct notch_hash value = value_hash_of(tree.values[n]);
        prove(&tree, &proof, &present, n);
        assert_int_equal(proof.data[1], NOTCH__SMT_ENDS_KEY);
        notch_buf_clear(&forged);
        struct notch_writer writer = notch_writer_grow(&forged);
        notch_write_u8(&writer, proof.data[0]);
        notch_write_u8(&writer, NOTCH__SMT_ENDS_OTHER);
        notch_write_blob(&writer, key_bytes(raw, n));
        notch_write_hash(&writer, &value);
        notch_write_bytes(&writer, proof.data + 2, proof.len - 2);
        assert_false(verifies(&tree, notch_buf_bytes(&forged), n, NULL));
    }
    tree_fini(&tree);
    notch_buf_fini(&proof);
    notch_buf_fini(&forged);
}

static void test_corrupt_nodes(void **state)
{
    (void)state;
    static const uint8_t bad[][6] = {
        {0, 0, 0, 0},       /* nothing present */
        {1, 0, 2, 0},       /* a leaf that is not present */
        {1, 0, 0, 0, 7, 7}, /* a hash cut short */
    };
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(bad); i++) {
        struct tree tree;
        tree_init(&tree);
        uint8_t root_key = 0;
        tree.functions.put(&tree.nodes, notch_bytes(&root_key, 1), notch_bytes(bad[i], i == 2 ? 6 : 4));
        struct notch_hash root;
        assert_int_equal(notch_smt_root(tree.smt, &root, &tree.functions), NOTCH_ERR_CORRUPT);
        tree_fini(&tree);
    }
}

int main(void)
{
    struct notch_hash genesis = {{7}};
    notch_domain_init(&domain, &genesis);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_any_history),
        cmocka_unit_test(test_deletes_collapse),
        cmocka_unit_test(test_proofs),
        cmocka_unit_test(test_damaged_proofs),
        cmocka_unit_test(test_forged_absence),
        cmocka_unit_test(test_corrupt_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
