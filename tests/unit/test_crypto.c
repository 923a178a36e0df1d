/* The table of base/crypto.h, both times: the real one against BIP340, and what every holder of the table relies on. */
#include "base/crypto.h"
#include "base/hash.h"
#include "base/secp.h"
#include "tests/support/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The order of the group, big endian. */
static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                  0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
                                  0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};

static const uint8_t secret[32] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};

static const struct notch_crypto *tables[2];

static struct notch_signer make_signer(const struct notch_crypto *crypto)
{
    struct notch_signer signer = {.secret = secret};
    assert_true(crypto->key_of_secret(crypto->self, &signer.key, secret));
    return signer;
}

static void sign_row(const json_t *row, struct notch_bytes message, const uint8_t *aux, const struct notch_sig *sig)
{
    struct notch_key key;
    struct notch_key expected_key;
    uint8_t row_secret[32];
    struct notch_sig made;
    notch_test_vectors_hex_exact(row_secret, sizeof row_secret, row, "secret");
    notch_test_vectors_hex_exact(expected_key.raw, sizeof expected_key.raw, row, "key");
    assert_true(notch_secp_key(&key, row_secret));
    assert_true(notch_key_eq(&key, &expected_key));
    assert_true(notch_secp_sign(&made, row_secret, message, aux));
    assert_memory_equal(made.raw, sig->raw, sizeof made.raw);
}

static void test_bip340_vectors(void **state)
{
    (void)state;
    json_t *vectors = notch_test_vectors_open("tests/vectors/bip340.json");
    const json_t *rows = notch_test_vectors_rows(vectors, "vectors", 19);
    size_t index = 0;
    json_t *row = NULL;
    size_t signed_rows = 0;
    json_array_foreach(rows, index, row)
    {
        uint8_t message[100];
        uint8_t aux[32];
        struct notch_key key;
        struct notch_sig sig;
        size_t message_len = notch_test_vectors_hex(message, sizeof message, row, "message");
        notch_test_vectors_hex_exact(key.raw, sizeof key.raw, row, "key");
        notch_test_vectors_hex_exact(sig.raw, sizeof sig.raw, row, "sig");
        struct notch_bytes view = notch_bytes(message, message_len);
        assert_int_equal(notch_secp_verify(&key, view, &sig), notch_test_vectors_bool(row, "valid"));
        if (strlen(notch_test_vectors_text(row, "secret")) > 0) {
            notch_test_vectors_hex_exact(aux, sizeof aux, row, "aux");
            sign_row(row, view, aux, &sig);
            signed_rows++;
        }
    }
    assert_int_equal(signed_rows, 8);
    json_decref(vectors);
}

/* What the table signs is what BIP340 signs with zeros as auxiliary randomness: row 0. */
static void test_table_signs_as_bip340(void **state)
{
    (void)state;
    json_t *vectors = notch_test_vectors_open("tests/vectors/bip340.json");
    const json_t *row = json_array_get(notch_test_vectors_rows(vectors, "vectors", 19), 0);
    const struct notch_crypto *crypto = notch_crypto_secp();
    uint8_t row_secret[32];
    struct notch_signer signer = {.secret = row_secret};
    struct notch_hash message;
    struct notch_sig expected;
    struct notch_sig sig;
    notch_test_vectors_hex_exact(row_secret, sizeof row_secret, row, "secret");
    notch_test_vectors_hex_exact(signer.key.raw, sizeof signer.key.raw, row, "key");
    notch_test_vectors_hex_exact(message.raw, sizeof message.raw, row, "message");
    notch_test_vectors_hex_exact(expected.raw, sizeof expected.raw, row, "sig");
    assert_true(notch_sign(crypto, &sig, &signer, &message));
    assert_memory_equal(sig.raw, expected.raw, sizeof sig.raw);
    json_decref(vectors);
}

static void flip(uint8_t *bytes, size_t bit)
{
    bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1U << bit % 8);
}

static void test_every_bit_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(tables); i++) {
        const struct notch_crypto *crypto = tables[i];
        struct notch_signer signer = make_signer(crypto);
        struct notch_hash message;
        struct notch_sig sig;
        struct notch_sig again;
        notch_sha256(&message, notch_bytes("message", 7));
        assert_true(notch_sign(crypto, &sig, &signer, &message));
        assert_true(notch_sign(crypto, &again, &signer, &message));
        assert_memory_equal(sig.raw, again.raw, sizeof sig.raw);
        assert_true(notch_verify(crypto, &signer.key, &message, &sig));
        for (size_t bit = 0; bit < 8 * sizeof sig.raw; bit++) {
            flip(sig.raw, bit);
            assert_false(notch_verify(crypto, &signer.key, &message, &sig));
            flip(sig.raw, bit);
        }
        for (size_t bit = 0; bit < 256; bit++) {
            flip(message.raw, bit);
            assert_false(notch_verify(crypto, &signer.key, &message, &sig));
            flip(message.raw, bit);
            flip(signer.key.raw, bit);
            assert_false(notch_verify(crypto, &signer.key, &message, &sig));
            flip(signer.key.raw, bit);
        }
    }
}

static void test_bad_secrets_are_refused(void **state)
{
    (void)state;
    static const uint8_t zero[32];
    uint8_t all_ones[32];
    memset(all_ones, 0xff, sizeof all_ones);
    const uint8_t *const bad[] = {zero, order, all_ones};
    struct notch_hash message = {{1}};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(tables); i++) {
        const struct notch_crypto *crypto = tables[i];
        /* The stand-in has no curve: zero is the one secret that it refuses. */
        size_t count = crypto == notch_crypto_secp() ? NOTCH_ARRAY_LEN(bad) : 1;
        for (size_t k = 0; k < count; k++) {
            struct notch_signer signer = {.secret = bad[k]};
            struct notch_prepared prepared;
            struct notch_key key;
            struct notch_sig sig;
            struct notch_vrf_proof proof;
            assert_false(crypto->key_of_secret(crypto->self, &key, bad[k]));
            assert_false(crypto->prepare(crypto->self, &prepared, bad[k]));
            assert_false(notch_sign(crypto, &sig, &signer, &message));
            assert_false(notch_vrf_prove(crypto, &proof, &signer, &message));
        }
    }
}

/* A signer put together wrongly must not make signatures that nobody can verify. */
static void test_key_of_another_secret_is_refused(void **state)
{
    (void)state;
    struct notch_hash message = {{1}};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(tables); i++) {
        const struct notch_crypto *crypto = tables[i];
        struct notch_signer signer = make_signer(crypto);
        struct notch_prepared prepared;
        struct notch_sig sig;
        struct notch_vrf_proof proof;
        signer.key.raw[31] ^= 1;
        assert_false(notch_sign(crypto, &sig, &signer, &message));
        assert_true(crypto->prepare(crypto->self, &prepared, secret));
        signer.prepared = &prepared;
        assert_false(notch_sign(crypto, &sig, &signer, &message));
        assert_false(notch_vrf_prove(crypto, &proof, &signer, &message));
    }
}

static void test_prepared_signer_signs_the_same(void **state)
{
    (void)state;
    struct notch_hash message = {{3}};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(tables); i++) {
        const struct notch_crypto *crypto = tables[i];
        struct notch_signer signer = make_signer(crypto);
        struct notch_prepared prepared;
        struct notch_sig plain;
        struct notch_sig quick;
        assert_true(notch_sign(crypto, &plain, &signer, &message));
        assert_true(crypto->prepare(crypto->self, &prepared, secret));
        signer.prepared = &prepared;
        assert_true(notch_sign(crypto, &quick, &signer, &message));
        assert_memory_equal(quick.raw, plain.raw, sizeof quick.raw);
    }
}

static void test_vrf_through_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(tables); i++) {
        const struct notch_crypto *crypto = tables[i];
        struct notch_signer signer = make_signer(crypto);
        struct notch_hash input = {{7}};
        struct notch_hash other_input = {{8}};
        struct notch_hash output;
        struct notch_hash other_output;
        struct notch_vrf_proof proof;
        struct notch_vrf_proof other_proof;
        assert_true(notch_vrf_prove(crypto, &proof, &signer, &input));
        assert_true(notch_vrf_verify(crypto, &output, &signer.key, &input, &proof));
        assert_false(notch_vrf_verify(crypto, &other_output, &signer.key, &other_input, &proof));
        assert_true(notch_vrf_prove(crypto, &other_proof, &signer, &other_input));
        assert_true(notch_vrf_verify(crypto, &other_output, &signer.key, &other_input, &other_proof));
        assert_false(notch_hash_eq(&output, &other_output));
        for (size_t bit = 0; bit < 8 * sizeof proof.raw; bit++) {
            flip(proof.raw, bit);
            assert_false(notch_vrf_verify(crypto, &output, &signer.key, &input, &proof));
            flip(proof.raw, bit);
        }
    }
}

static void test_context_is_not_changed_in_use(void **state)
{
    (void)state;
    uint8_t seed[32] = {9};
    const void *context = notch_secp_context();
    assert_non_null(context);
    assert_false(notch_secp_blind(seed));
    assert_ptr_equal(notch_secp_context(), context);
}

int main(void)
{
    /* Before anything else, so that all of these tests also show that blinding changes no result. */
    uint8_t seed[32];
    memset(seed, 0x5a, sizeof seed);
    if (!notch_secp_blind(seed)) {
        return 1;
    }
    tables[0] = notch_crypto_secp();
    tables[1] = notch_crypto_standin();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bip340_vectors),
        cmocka_unit_test(test_table_signs_as_bip340),
        cmocka_unit_test(test_every_bit_counts),
        cmocka_unit_test(test_bad_secrets_are_refused),
        cmocka_unit_test(test_key_of_another_secret_is_refused),
        cmocka_unit_test(test_prepared_signer_signs_the_same),
        cmocka_unit_test(test_vrf_through_the_table),
        cmocka_unit_test(test_context_is_not_changed_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
