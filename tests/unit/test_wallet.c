/* Keys by role, from vectors that another program made, and the salt of a record. */
#include "base/secp.h"
#include "chain/salt.h"
#include "tests/support/vectors.h"
#include "wallet/wallet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define VECTORS 36

struct vector {
    struct notch_wallet_root root;
    enum notch_role role;
    uint32_t index;
    uint8_t secret[32];
    struct notch_key key;
};

static void read_vector(struct vector *out, const json_t *row)
{
    struct notch_entropy entropy = {.len = 0};
    enum notch_network network = NOTCH_NETWORK_MAIN;
    const char *passphrase = notch_test_vectors_text(row, "passphrase");
    entropy.len = notch_test_vectors_hex(entropy.bytes, sizeof entropy.bytes, row, "entropy");
    assert_true(notch_network_parse(&network, notch_test_vectors_text(row, "network")));
    assert_true(notch_role_parse(&out->role, notch_test_vectors_text(row, "role")));
    out->index = (uint32_t)json_integer_value(json_object_get(row, "index"));
    notch_test_vectors_hex_exact(out->secret, sizeof out->secret, row, "secret");
    notch_test_vectors_hex_exact(out->key.raw, sizeof out->key.raw, row, "key");
    assert_int_equal(notch_wallet_root(&out->root, &entropy, passphrase, strlen(passphrase), network), NOTCH_OK);
    assert_int_equal(out->root.network, network);
}

static void check_salt(const struct vector *vector, const json_t *row)
{
    struct notch_hash genesis;
    struct notch_hash content;
    struct notch_domain domain;
    struct notch_salt salt;
    struct notch_salt expected;
    notch_test_vectors_hex_exact(genesis.raw, sizeof genesis.raw, row, "genesis");
    notch_test_vectors_hex_exact(content.raw, sizeof content.raw, row, "content");
    notch_test_vectors_hex_exact(expected.raw, sizeof expected.raw, row, "salt");
    notch_domain_init(&domain, &genesis);
    notch_record_salt(&salt, &domain, vector->secret, &content);
    assert_memory_equal(&salt, &expected, sizeof salt);
}

static void test_vectors(void **state)
{
    (void)state;
    json_t *vectors = notch_test_vectors_open("tests/vectors/wallet.json");
    size_t index = 0;
    json_t *row = NULL;
    json_array_foreach(notch_test_vectors_rows(vectors, "vectors", VECTORS), index, row)
    {
        struct vector vector;
        struct notch_bip32_path path;
        struct notch_key key;
        struct notch_key of_secret;
        uint8_t secret[32];
        char text[NOTCH_KEY_TEXT_MAX + 1];
        char path_text[NOTCH_WALLET_PATH_TEXT_MAX];
        read_vector(&vector, row);
        assert_int_equal(notch_wallet_derive(secret, &key, &vector.root, vector.role, vector.index), NOTCH_OK);
        assert_memory_equal(secret, vector.secret, sizeof secret);
        assert_true(notch_key_eq(&key, &vector.key));
        assert_true(notch_secp_key(&of_secret, secret));
        assert_true(notch_key_eq(&key, &of_secret));
        notch_key_print(text, &key, vector.root.network);
        assert_string_equal(text, notch_test_vectors_text(row, "text"));
        notch_wallet_path(&path, vector.root.network, vector.role, vector.index);
        notch_wallet_path_print(path_text, &path);
        assert_string_equal(path_text, notch_test_vectors_text(row, "path"));
        check_salt(&vector, row);
    }
    json_decref(vectors);
}

static void test_index_is_bounded(void **state)
{
    (void)state;
    struct notch_entropy entropy = {.len = 16};
    struct notch_wallet_root root;
    struct notch_key key;
    uint8_t secret[32];
    assert_int_equal(notch_wallet_root(&root, &entropy, NULL, 0, NOTCH_NETWORK_DEV), NOTCH_OK);
    assert_int_equal(notch_wallet_derive(secret, &key, &root, NOTCH_ROLE_NODE, UINT32_C(0x80000000)),
                     NOTCH_ERR_INVALID);
    assert_int_equal(notch_wallet_derive(secret, &key, &root, NOTCH_ROLE_NODE, 0x7fffffff), NOTCH_OK);
}

static void test_bad_entropy_and_passphrase(void **state)
{
    (void)state;
    struct notch_entropy entropy = {.len = 17};
    struct notch_wallet_root root;
    assert_int_equal(notch_wallet_root(&root, &entropy, NULL, 0, NOTCH_NETWORK_DEV), NOTCH_ERR_INVALID);
    entropy.len = 16;
    assert_int_equal(notch_wallet_root(&root, &entropy, "\xc3\xa9", 2, NOTCH_NETWORK_DEV), NOTCH_ERR_INVALID);
}

/* The same content gives the same salt; another author, chain or content another one. */
static void test_salt_depends_on_all_of_it(void **state)
{
    (void)state;
    struct notch_hash genesis[2] = {{{1}}, {{2}}};
    struct notch_hash content[2] = {{{3}}, {{4}}};
    uint8_t secret[2][32] = {{5}, {6}};
    struct notch_salt salts[8];
    for (size_t i = 0; i < 8; i++) {
        struct notch_domain domain;
        struct notch_salt again;
        notch_domain_init(&domain, &genesis[i & 1]);
        notch_record_salt(&salts[i], &domain, secret[i >> 1 & 1], &content[i >> 2]);
        notch_record_salt(&again, &domain, secret[i >> 1 & 1], &content[i >> 2]);
        assert_memory_equal(&again, &salts[i], sizeof again);
        for (size_t k = 0; k < i; k++) {
            assert_memory_not_equal(&salts[i], &salts[k], sizeof salts[i]);
        }
    }
}

static void test_roles(void **state)
{
    (void)state;
    static const char *const names[] = {"operator", "validator", "node", "author"};
    for (uint8_t i = 0; i < NOTCH_ARRAY_LEN(names); i++) {
        enum notch_role role = NOTCH_ROLE_OPERATOR;
        assert_true(notch_role_of_byte(&role, i));
        assert_string_equal(notch_role_name(role), names[i]);
        assert_true(notch_role_parse(&role, names[i]));
        assert_int_equal(role, i);
    }
    enum notch_role role = NOTCH_ROLE_NODE;
    assert_false(notch_role_of_byte(&role, 4));
    assert_false(notch_role_parse(&role, "Author"));
    assert_int_equal(role, NOTCH_ROLE_NODE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_index_is_bounded),
        cmocka_unit_test(test_bad_entropy_and_passphrase),
        cmocka_unit_test(test_salt_depends_on_all_of_it),
        cmocka_unit_test(test_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
