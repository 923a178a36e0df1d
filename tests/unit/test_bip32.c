/* The key tree: every published vector, the invalid ones too, and derivation from points. */
#include "base/secp.h"
#include "tests/support/vectors.h"
#include "wallet/bip32.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static json_t *vectors;

static void check_text(const struct notch_bip32 *node, const char *expected)
{
    char text[NOTCH_BIP32_TEXT_MAX + 1];
    struct notch_bip32 back;
    enum notch_bip32_net net = NOTCH_BIP32_TESTNET;
    notch_bip32_print(text, node, NOTCH_BIP32_MAINNET);
    assert_string_equal(text, expected);
    assert_true(notch_is_valid(notch_bip32_parse(&back, &net, expected, strlen(expected))));
    assert_int_equal(net, NOTCH_BIP32_MAINNET);
    assert_int_equal(back.is_secret, node->is_secret);
    assert_int_equal(back.depth, node->depth);
    assert_int_equal(back.index, node->index);
    assert_memory_equal(back.parent, node->parent, sizeof back.parent);
    assert_memory_equal(back.chain, node->chain, sizeof back.chain);
    assert_memory_equal(back.data, node->data, sizeof back.data);
}

static void check_vector(const json_t *vector)
{
    uint8_t seed[64];
    struct notch_bip32 master;
    size_t seed_len = notch_test_vectors_hex(seed, sizeof seed, vector, "seed");
    size_t index = 0;
    json_t *row = NULL;
    assert_int_equal(notch_bip32_master(&master, seed, seed_len), NOTCH_OK);
    json_array_foreach(json_object_get(vector, "nodes"), index, row)
    {
        struct notch_bip32_path path;
        struct notch_bip32 node;
        struct notch_bip32 point;
        const char *text = notch_test_vectors_text(row, "path");
        assert_true(notch_is_valid(notch_bip32_path_parse(&path, text, strlen(text))));
        assert_int_equal(path.len, index);
        assert_int_equal(notch_bip32_derive(&node, &master, &path), NOTCH_OK);
        check_text(&node, notch_test_vectors_text(row, "xprv"));
        notch_bip32_neuter(&point, &node);
        check_text(&point, notch_test_vectors_text(row, "xpub"));
        struct notch_key key;
        struct notch_key of_secret;
        notch_bip32_key(&key, &point);
        assert_true(notch_secp_key(&of_secret, node.data + 1));
        assert_true(notch_key_eq(&key, &of_secret));
    }
}

static void test_vectors(void **state)
{
    (void)state;
    static const size_t nodes[] = {6, 6, 2, 3};
    const json_t *rows = notch_test_vectors_rows(vectors, "vectors", NOTCH_ARRAY_LEN(nodes));
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(nodes); i++) {
        const json_t *vector = json_array_get(rows, i);
        assert_int_equal(json_array_size(json_object_get(vector, "nodes")), nodes[i]);
        check_vector(vector);
    }
}

static void test_invalid_keys(void **state)
{
    (void)state;
    size_t index = 0;
    json_t *row = NULL;
    json_array_foreach(notch_test_vectors_rows(vectors, "invalid", 16), index, row)
    {
        struct notch_bip32 node;
        enum notch_bip32_net net = NOTCH_BIP32_MAINNET;
        const char *text = notch_test_vectors_text(row, "text");
        assert_int_equal(notch_bip32_parse(&node, &net, text, strlen(text)).code, NOTCH_REJECT_MALFORMED);
    }
}

static struct notch_bip32 make_master(void)
{
    uint8_t seed[32] = {1, 2, 3};
    struct notch_bip32 master;
    assert_int_equal(notch_bip32_master(&master, seed, sizeof seed), NOTCH_OK);
    return master;
}

/* N(CKDpriv(k, i)) = CKDpub(N(k), i) for what is not hardened; a point has no hardened children. */
static void test_points_derive_like_secrets(void **state)
{
    (void)state;
    struct notch_bip32 secret = make_master();
    struct notch_bip32 point;
    notch_bip32_neuter(&point, &secret);
    for (uint32_t i = 0; i < 40; i++) {
        struct notch_bip32 expected;
        uint32_t index = i * UINT32_C(53687091);
        assert_int_equal(notch_bip32_child(&secret, &secret, index), NOTCH_OK);
        assert_int_equal(notch_bip32_child(&point, &point, index), NOTCH_OK);
        notch_bip32_neuter(&expected, &secret);
        assert_false(point.is_secret);
        assert_memory_equal(point.data, expected.data, sizeof point.data);
        assert_memory_equal(point.chain, expected.chain, sizeof point.chain);
        assert_memory_equal(point.parent, expected.parent, sizeof point.parent);
    }
    assert_int_equal(notch_bip32_child(&point, &point, NOTCH_BIP32_HARDENED), NOTCH_ERR_UNSUPPORTED);
}

static void test_depth_ends_at_255(void **state)
{
    (void)state;
    struct notch_bip32 node = make_master();
    for (unsigned i = 0; i < 255; i++) {
        assert_int_equal(notch_bip32_child(&node, &node, i), NOTCH_OK);
    }
    assert_int_equal(node.depth, 255);
    assert_int_equal(notch_bip32_child(&node, &node, 0), NOTCH_ERR_UNSUPPORTED);
    assert_int_equal(node.depth, 255);
}

static void test_seed_lengths(void **state)
{
    (void)state;
    uint8_t seed[65] = {1};
    struct notch_bip32 node;
    assert_int_equal(notch_bip32_master(&node, seed, 15), NOTCH_ERR_INVALID);
    assert_int_equal(notch_bip32_master(&node, seed, 16), NOTCH_OK);
    assert_int_equal(notch_bip32_master(&node, seed, 64), NOTCH_OK);
    assert_int_equal(notch_bip32_master(&node, seed, 65), NOTCH_ERR_INVALID);
}

static void test_paths(void **state)
{
    (void)state;
    static const char *const bad[] = {"",      "/0",   "m/",   "m/0/",         "n/0",           "m0",
                                      "m/-1",  "m/00", "m/01", "m/2147483648", "m/4294967296",  "m/0''",
                                      "m/0'h", "m/ 1", "m//1", "m/1 ",         "m/99999999999", "M/0",
                                      "m/0x1", "m/'"};
    struct notch_bip32_path path;
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(bad); i++) {
        assert_false(notch_is_valid(notch_bip32_path_parse(&path, bad[i], strlen(bad[i]))));
    }
    assert_true(notch_is_valid(notch_bip32_path_parse(&path, "m", 1)));
    assert_int_equal(path.len, 0);
    static const char good[] = "m/7079'/0h/2147483647'/2147483647/0";
    assert_true(notch_is_valid(notch_bip32_path_parse(&path, good, sizeof good - 1)));
    assert_int_equal(path.len, 5);
    assert_int_equal(path.index[0], NOTCH_BIP32_HARDENED + 7079);
    assert_int_equal(path.index[1], NOTCH_BIP32_HARDENED);
    assert_int_equal(path.index[2], UINT32_MAX);
    assert_int_equal(path.index[3], INT32_MAX);
    assert_int_equal(path.index[4], 0);
    static const char sixteen[] = "m/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17";
    assert_true(notch_is_valid(notch_bip32_path_parse(&path, sixteen, sizeof sixteen - 4)));
    assert_int_equal(path.len, NOTCH_BIP32_PATH_MAX);
    assert_false(notch_is_valid(notch_bip32_path_parse(&path, sixteen, sizeof sixteen - 1)));
}

/* A '1' in front stands for a zero byte, which no extended key begins with. */
static void test_text_has_no_ones_in_front(void **state)
{
    (void)state;
    struct notch_bip32 node = make_master();
    char text[NOTCH_BIP32_TEXT_MAX + 2] = "1";
    enum notch_bip32_net net = NOTCH_BIP32_MAINNET;
    notch_bip32_print(text + 1, &node, NOTCH_BIP32_MAINNET);
    assert_true(strlen(text) <= NOTCH_BIP32_TEXT_MAX);
    assert_true(notch_is_valid(notch_bip32_parse(&node, &net, text + 1, strlen(text + 1))));
    assert_false(notch_is_valid(notch_bip32_parse(&node, &net, text, strlen(text))));
}

static void test_testnet_and_altered_texts(void **state)
{
    (void)state;
    struct notch_bip32 node = make_master();
    struct notch_bip32 back;
    char text[NOTCH_BIP32_TEXT_MAX + 1];
    enum notch_bip32_net net = NOTCH_BIP32_MAINNET;
    notch_bip32_print(text, &node, NOTCH_BIP32_TESTNET);
    assert_memory_equal(text, "tprv", 4);
    assert_true(notch_is_valid(notch_bip32_parse(&back, &net, text, strlen(text))));
    assert_int_equal(net, NOTCH_BIP32_TESTNET);
    for (size_t i = 0; i < strlen(text); i++) {
        char kept = text[i];
        text[i] = kept == '2' ? '3' : '2';
        assert_false(notch_is_valid(notch_bip32_parse(&back, &net, text, strlen(text))));
        text[i] = '0';
        assert_false(notch_is_valid(notch_bip32_parse(&back, &net, text, strlen(text))));
        text[i] = kept;
        assert_false(notch_is_valid(notch_bip32_parse(&back, &net, text, i)));
    }
    notch_bip32_neuter(&node, &node);
    notch_bip32_print(text, &node, NOTCH_BIP32_TESTNET);
    assert_memory_equal(text, "tpub", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_invalid_keys),
        cmocka_unit_test(test_points_derive_like_secrets),
        cmocka_unit_test(test_depth_ends_at_255),
        cmocka_unit_test(test_seed_lengths),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_text_has_no_ones_in_front),
        cmocka_unit_test(test_testnet_and_altered_texts),
    };
    vectors = notch_test_vectors_open("tests/vectors/bip32.json");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(vectors);
    return failed;
}
