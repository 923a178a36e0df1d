#include "chain/merkle.h"

#include "tests/support/gen.h"
#include "tests/support/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Every size up to here is compared, with every index, against the oracle. */
enum { SIZES = 257 };

static struct notch_hash leaves[SIZES + 1];

/* MTH of RFC 9162 2.1.1, by the book: level by level, where the last node of an odd level goes up as it is. */
static struct notch_hash oracle_root(size_t first, size_t count)
{
    struct notch_hash level[SIZES];
    struct notch_hash root;
    if (count == 0) {
        notch_sha256(&root, notch_bytes(NULL, 0));
        return root;
    }
    memcpy(level, leaves + first, count * sizeof level[0]);
    while (count > 1) {
        for (size_t i = 0; i + 1 < count; i += 2) {
            notch_merkle_node(&level[i / 2], &level[i], &level[i + 1]);
        }
        if (count % 2 == 1) {
            level[count / 2] = level[count - 1];
        }
        count = (count + 1) / 2;
    }
    return level[0];
}

/* complete[k][i]: the root of the 2^k leaves from i * 2^k on, as somebody who stores inner nodes has them. */
static struct notch_hash complete[9][SIZES];

static enum notch_err stored_node(const void *self, struct notch_hash *out, uint64_t first, unsigned level)
{
    (void)self;
    *out = complete[level][first >> level];
    return NOTCH_OK;
}

static const struct notch_merkle_nodes stored = {stored_node, NULL};

static void fill_leaves(void)
{
    for (size_t i = 0; i <= SIZES; i++) {
        uint8_t data[2] = {(uint8_t)i, (uint8_t)(i >> 8)};
        notch_merkle_leaf(&leaves[i], notch_bytes(data, sizeof data));
    }
    memcpy(complete[0], leaves, sizeof complete[0]);
    for (size_t level = 1; level < NOTCH_ARRAY_LEN(complete); level++) {
        for (size_t i = 0; (i + 1) << level <= SIZES; i++) {
            notch_merkle_node(&complete[level][i], &complete[level - 1][2 * i], &complete[level - 1][2 * i + 1]);
        }
    }
}

static int set_up(void **state)
{
    (void)state;
    fill_leaves();
    return 0;
}

static void test_known_answers(void **state)
{
    (void)state;
    /* The seven leaves, and roots, of the tests of the certificate transparency projects. */
    static const char *const inputs[] = {
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    };
    static const char *const roots[] = {
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    };
    struct notch_merkle tree;
    struct notch_hash root;
    notch_merkle_init(&tree);
    notch_merkle_root(&tree, &root);
    assert_true(notch_test_hex_is(root.raw, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(inputs); i++) {
        uint8_t data[32];
        size_t len = notch_test_unhex(data, sizeof data, inputs[i]);
        struct notch_hash leaf;
        notch_merkle_leaf(&leaf, notch_bytes(data, len));
        notch_merkle_append(&tree, &leaf);
        notch_merkle_root(&tree, &root);
        assert_true(notch_test_hex_is(root.raw, 32, roots[i]));
    }
}

static void test_roots_of_all_sizes(void **state)
{
    (void)state;
    struct notch_merkle tree;
    notch_merkle_init(&tree);
    for (size_t size = 0; size <= SIZES; size++) {
        struct notch_hash expected = oracle_root(0, size);
        struct notch_hash root;
        notch_merkle_root(&tree, &root);
        assert_true(notch_hash_eq(&root, &expected));
        notch_merkle_root_of(&root, leaves, size);
        assert_true(notch_hash_eq(&root, &expected));
        notch_merkle_append(&tree, &leaves[size]);
    }
}

/* The nodes that appending gives are the roots of what they stand for. */
static void test_append_nodes(void **state)
{
    (void)state;
    struct notch_merkle tree;
    struct notch_merkle plain;
    notch_merkle_init(&tree);
    notch_merkle_init(&plain);
    for (size_t size = 0; size < SIZES; size++) {
        struct notch_hash nodes[NOTCH_MERKLE_LEVELS];
        unsigned count = notch_merkle_append_nodes(&tree, nodes, &leaves[size]);
        notch_merkle_append(&plain, &leaves[size]);
        assert_int_equal(count, 1 + (unsigned)__builtin_ctzll(size + 1));
        for (unsigned level = 0; level < count; level++) {
            size_t span = (size_t)1 << level;
            struct notch_hash expected = oracle_root(size + 1 - span, span);
            assert_true(notch_hash_eq(&nodes[level], &expected));
        }
        struct notch_hash root;
        struct notch_hash plain_root;
        notch_merkle_root(&tree, &root);
        notch_merkle_root(&plain, &plain_root);
        assert_true(notch_hash_eq(&root, &plain_root));
    }
}

static void test_frontier_survives_encoding(void **state)
{
    (void)state;
    struct notch_merkle tree;
    notch_merkle_init(&tree);
    for (size_t size = 0; size <= 70; size++) {
        uint8_t bytes[NOTCH_UVAR_MAX + 32 * NOTCH_MERKLE_LEVELS];
        struct notch_writer writer = notch_writer(bytes, sizeof bytes);
        notch_merkle_write(&writer, &tree);
        struct notch_reader reader = notch_reader(notch_writer_bytes(&writer));
        struct notch_merkle back;
        notch_merkle_read(&reader, &back);
        assert_true(notch_reader_done(&reader));
        struct notch_hash root;
        notch_merkle_root(&back, &root);
        struct notch_hash expected = oracle_root(0, size);
        assert_true(notch_hash_eq(&root, &expected));
        assert_true(back.size == size);
        notch_merkle_append(&tree, &leaves[size]);
    }
    /* A size beyond the limit, whatever follows. */
    uint8_t bytes[64 * 33];
    memset(bytes, 0xff, sizeof bytes);
    bytes[9] = 0x01;
    struct notch_reader reader = notch_reader(notch_bytes(bytes, sizeof bytes));
    struct notch_merkle back;
    notch_merkle_read(&reader, &back);
    assert_true(reader.failed);
    assert_true(back.size == 0);
}

/* Every single change of a valid inclusion: another leaf, index, size, length, hash or root. */
static void refuse_altered_inclusion(const struct notch_hash *proof, size_t len, size_t index, size_t size,
                                     const struct notch_hash *root)
{
    struct notch_hash other = leaves[index];
    struct notch_hash altered[NOTCH_MERKLE_PROOF_MAX + 1];
    other.raw[31] ^= 1;
    assert_false(notch_merkle_verify_inclusion(&other, index, size, proof, len, root));
    other = *root;
    other.raw[0] ^= 0x80;
    assert_false(notch_merkle_verify_inclusion(&leaves[index], index, size, proof, len, &other));
    memcpy(altered, proof, len * sizeof *proof);
    memset(altered[len].raw, 0, sizeof altered[len].raw);
    assert_false(notch_merkle_verify_inclusion(&leaves[index], index, size, altered, len + 1, root));
    if (len > 0) {
        assert_false(notch_merkle_verify_inclusion(&leaves[index], index, size, proof, len - 1, root));
    }
    for (size_t i = 0; i < len; i++) {
        altered[i].raw[i % 32] ^= 1;
        assert_false(notch_merkle_verify_inclusion(&leaves[index], index, size, altered, len, root));
        altered[i].raw[i % 32] ^= 1;
    }
    for (size_t wrong = 0; wrong < size + 2; wrong++) {
        if (wrong != index) {
            assert_false(notch_merkle_verify_inclusion(&leaves[index], wrong, size, proof, len, root));
        }
    }
}

static void test_inclusion_of_all_sizes(void **state)
{
    (void)state;
    for (size_t size = 1; size <= SIZES; size++) {
        struct notch_hash root = oracle_root(0, size);
        for (size_t index = 0; index < size; index++) {
            struct notch_hash proof[NOTCH_MERKLE_PROOF_MAX];
            size_t len;
            assert_int_equal(notch_merkle_prove_inclusion(proof, &len, &stored, index, size), NOTCH_OK);
            assert_int_equal(len, notch_merkle_inclusion_len(index, size));
            assert_true(notch_merkle_verify_inclusion(&leaves[index], index, size, proof, len, &root));
            if (size <= 33 || index % 61 == 0) {
                refuse_altered_inclusion(proof, len, index, size, &root);
            }
        }
    }
}

/* The nodes that are hashed from a list in memory give the same proofs as those that were stored. */
static void test_nodes_of_leaves(void **state)
{
    (void)state;
    for (size_t size = 1; size <= SIZES; size += 16) {
        const struct notch_merkle_leaves list = {leaves, size};
        const struct notch_merkle_nodes nodes = notch_merkle_nodes_of(&list);
        for (size_t index = 0; index < size; index++) {
            struct notch_hash proof[NOTCH_MERKLE_PROOF_MAX];
            struct notch_hash expected[NOTCH_MERKLE_PROOF_MAX];
            size_t len;
            size_t expected_len;
            assert_int_equal(notch_merkle_prove_inclusion(proof, &len, &nodes, index, size), NOTCH_OK);
            assert_int_equal(notch_merkle_prove_inclusion(expected, &expected_len, &stored, index, size), NOTCH_OK);
            assert_int_equal(len, expected_len);
            assert_memory_equal(proof, expected, len * sizeof proof[0]);
        }
    }
}

static void test_inclusion_out_of_range(void **state)
{
    (void)state;
    const struct notch_merkle_leaves list = {leaves, 5};
    const struct notch_merkle_nodes nodes = notch_merkle_nodes_of(&list);
    struct notch_hash proof[NOTCH_MERKLE_PROOF_MAX];
    size_t len;
    assert_int_equal(notch_merkle_prove_inclusion(proof, &len, &nodes, 5, 5), NOTCH_ERR_RANGE);
    assert_int_equal(notch_merkle_prove_inclusion(proof, &len, &nodes, 0, 0), NOTCH_ERR_RANGE);
    /* The source holds five leaves alone, and its answer is handed on. */
    assert_int_equal(notch_merkle_prove_inclusion(proof, &len, &nodes, 0, 9), NOTCH_ERR_NOT_FOUND);
    struct notch_hash root = oracle_root(0, 1);
    assert_true(notch_merkle_verify_inclusion(&leaves[0], 0, 1, NULL, 0, &root));
    assert_false(notch_merkle_verify_inclusion(&leaves[0], 0, 0, NULL, 0, &root));
    assert_false(notch_merkle_verify_inclusion(&leaves[0], 1, 1, NULL, 0, &root));
    assert_false(notch_merkle_verify_inclusion(&leaves[0], 0, UINT64_MAX, proof, 64, &root));
}

static void refuse_altered_consistency(const struct notch_hash *proof, size_t len, size_t old_size, size_t new_size)
{
    struct notch_hash old_root = oracle_root(0, old_size);
    struct notch_hash new_root = oracle_root(0, new_size);
    struct notch_hash other = old_root;
    struct notch_hash altered[NOTCH_MERKLE_PROOF_MAX + 1];
    other.raw[7] ^= 4;
    assert_false(notch_merkle_verify_consistency(old_size, &other, new_size, &new_root, proof, len));
    other = new_root;
    other.raw[30] ^= 1;
    assert_false(notch_merkle_verify_consistency(old_size, &old_root, new_size, &other, proof, len));
    memcpy(altered, proof, len * sizeof *proof);
    memset(altered[len].raw, 0, sizeof altered[len].raw);
    assert_false(notch_merkle_verify_consistency(old_size, &old_root, new_size, &new_root, altered, len + 1));
    if (len > 0) {
        assert_false(notch_merkle_verify_consistency(old_size, &old_root, new_size, &new_root, proof, len - 1));
    }
    for (size_t i = 0; i < len; i++) {
        altered[i].raw[(i * 7) % 32] ^= 2;
        assert_false(notch_merkle_verify_consistency(old_size, &old_root, new_size, &new_root, altered, len));
        altered[i].raw[(i * 7) % 32] ^= 2;
    }
}

static void test_consistency_of_all_sizes(void **state)
{
    (void)state;
    struct notch_hash roots[SIZES + 1];
    for (size_t size = 0; size <= SIZES; size++) {
        roots[size] = oracle_root(0, size);
    }
    for (size_t new_size = 0; new_size <= SIZES; new_size++) {
        for (size_t old_size = 0; old_size <= new_size; old_size++) {
            struct notch_hash proof[NOTCH_MERKLE_PROOF_MAX];
            size_t len;
            assert_int_equal(notch_merkle_prove_consistency(proof, &len, &stored, old_size, new_size), NOTCH_OK);
            assert_true(
                notch_merkle_verify_consistency(old_size, &roots[old_size], new_size, &roots[new_size], proof, len));
            if (new_size <= 20 && old_size > 0) {
                refuse_altered_consistency(proof, len, old_size, new_size);
            }
        }
    }
    struct notch_hash proof[NOTCH_MERKLE_PROOF_MAX];
    size_t len;
    assert_int_equal(notch_merkle_prove_consistency(proof, &len, &stored, 6, 5), NOTCH_ERR_RANGE);
    assert_false(notch_merkle_verify_consistency(6, &roots[6], 5, &roots[5], NULL, 0));
    assert_false(notch_merkle_verify_consistency(0, &roots[1], 5, &roots[5], NULL, 0));
}

/* Sizes that no list in memory has: a tree of one leaf repeated, whose complete subtrees are known by their level. */
static enum notch_err uniform_node(const void *self, struct notch_hash *out, uint64_t first, unsigned level)
{
    (void)first;
    *out = ((const struct notch_hash *)self)[level];
    return NOTCH_OK;
}

static struct notch_hash uniform_root(const struct notch_hash levels[NOTCH_MERKLE_LEVELS], uint64_t size)
{
    struct notch_merkle tree = {.size = size};
    memcpy(tree.frontier, levels, sizeof tree.frontier);
    struct notch_hash root;
    notch_merkle_root(&tree, &root);
    return root;
}

static const char *huge_trees_agree(struct notch_gen *gen, void *context)
{
    const struct notch_hash *levels = context;
    const struct notch_merkle_nodes nodes = {uniform_node, levels};
    uint64_t new_size = 1 + notch_gen_edge_u64(gen) % ((UINT64_C(1) << 63) - 1);
    uint64_t old_size = 1 + notch_gen_edge_u64(gen) % new_size;
    uint64_t index = notch_gen_edge_u64(gen) % new_size;
    struct notch_hash new_root = uniform_root(levels, new_size);
    struct notch_hash old_root = uniform_root(levels, old_size);
    struct notch_hash proof[NOTCH_MERKLE_PROOF_MAX];
    size_t len;
    if (notch_merkle_prove_inclusion(proof, &len, &nodes, index, new_size) != NOTCH_OK ||
        !notch_merkle_verify_inclusion(&levels[0], index, new_size, proof, len, &new_root)) {
        return "inclusion in a huge tree";
    }
    if (notch_merkle_prove_consistency(proof, &len, &nodes, old_size, new_size) != NOTCH_OK ||
        len > NOTCH_MERKLE_PROOF_MAX ||
        !notch_merkle_verify_consistency(old_size, &old_root, new_size, &new_root, proof, len)) {
        return "consistency of huge trees";
    }
    return NULL;
}

static void test_huge_trees(void **state)
{
    (void)state;
    struct notch_hash levels[NOTCH_MERKLE_LEVELS];
    levels[0] = leaves[0];
    for (size_t level = 1; level < NOTCH_MERKLE_LEVELS; level++) {
        notch_merkle_node(&levels[level], &levels[level - 1], &levels[level - 1]);
    }
    assert_true(notch_property_holds("huge trees", 2000, 9162, huge_trees_agree, levels));
}

static void test_twins(void **state)
{
    (void)state;
    struct notch_hash list[NOTCH_MERKLE_TWINS_MAX];
    for (size_t i = 0; i < NOTCH_MERKLE_TWINS_MAX; i++) {
        uint8_t data[2] = {(uint8_t)i, (uint8_t)(i >> 8)};
        notch_sha256(&list[i], notch_bytes(data, sizeof data));
    }
    assert_false(notch_merkle_has_twins(list, 0));
    assert_false(notch_merkle_has_twins(list, NOTCH_MERKLE_TWINS_MAX));
    for (size_t i = 1; i < NOTCH_MERKLE_TWINS_MAX; i += 7) {
        struct notch_hash kept = list[i];
        list[i] = list[(i * 5) % i];
        assert_true(notch_merkle_has_twins(list, NOTCH_MERKLE_TWINS_MAX));
        list[i] = kept;
    }
    /* Hashes that all fall into one bucket, and differ at their end. */
    for (size_t i = 0; i < NOTCH_MERKLE_TWINS_MAX; i++) {
        memset(list[i].raw, 0, sizeof list[i].raw);
        notch_put_be32(list[i].raw + 28, (uint32_t)i);
    }
    assert_false(notch_merkle_has_twins(list, NOTCH_MERKLE_TWINS_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_roots_of_all_sizes),
        cmocka_unit_test(test_append_nodes),
        cmocka_unit_test(test_frontier_survives_encoding),
        cmocka_unit_test(test_inclusion_of_all_sizes),
        cmocka_unit_test(test_nodes_of_leaves),
        cmocka_unit_test(test_inclusion_out_of_range),
        cmocka_unit_test(test_consistency_of_all_sizes),
        cmocka_unit_test(test_huge_trees),
        cmocka_unit_test(test_twins),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
