/* Mnemonics, seeds and derived keys, next to those of two programs of other people (tests/vectors/wallet_oracle.py). */
#include "tests/support/vectors.h"
#include "wallet/bip32.h"
#include "wallet/bip39.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WALLETS 120

static const char *python;

static json_t *ask_oracle(void)
{
    char command[4096];
    json_error_t error;
    int len = snprintf(command, sizeof command, "'%s' tests/vectors/wallet_oracle.py %d", python, WALLETS);
    assert_in_range(len, 1, sizeof command - 1);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    json_t *vectors = json_loadf(pipe, JSON_REJECT_DUPLICATES, &error);
    assert_int_equal(pclose(pipe), 0);
    assert_non_null(vectors);
    return vectors;
}

static void check_wallet(const json_t *row)
{
    struct notch_entropy entropy = {.len = 0};
    struct notch_bip32_path path;
    struct notch_bip32 node;
    char text[NOTCH_BIP39_TEXT_MAX + 1];
    char key[NOTCH_BIP32_TEXT_MAX + 1];
    uint8_t seed[NOTCH_BIP39_SEED_LEN];
    uint8_t expected[NOTCH_BIP39_SEED_LEN];
    const char *passphrase = notch_test_vectors_text(row, "passphrase");
    const char *path_text = notch_test_vectors_text(row, "path");
    entropy.len = notch_test_vectors_hex(entropy.bytes, sizeof entropy.bytes, row, "entropy");
    notch_test_vectors_hex_exact(expected, sizeof expected, row, "seed");
    assert_int_equal(notch_bip39_encode(text, &entropy), NOTCH_OK);
    assert_string_equal(text, notch_test_vectors_text(row, "mnemonic"));
    assert_int_equal(notch_bip39_seed(seed, &entropy, passphrase, strlen(passphrase)), NOTCH_OK);
    assert_memory_equal(seed, expected, sizeof seed);
    assert_true(notch_is_valid(notch_bip32_path_parse(&path, path_text, strlen(path_text))));
    assert_int_equal(notch_bip32_master(&node, seed, sizeof seed), NOTCH_OK);
    assert_int_equal(notch_bip32_derive(&node, &node, &path), NOTCH_OK);
    notch_bip32_print(key, &node, NOTCH_BIP32_MAINNET);
    assert_string_equal(key, notch_test_vectors_text(row, "xprv"));
    notch_bip32_neuter(&node, &node);
    notch_bip32_print(key, &node, NOTCH_BIP32_MAINNET);
    assert_string_equal(key, notch_test_vectors_text(row, "xpub"));
}

static void test_wallets(void **state)
{
    (void)state;
    json_t *vectors = ask_oracle();
    size_t index = 0;
    json_t *row = NULL;
    json_array_foreach(notch_test_vectors_rows(vectors, "vectors", WALLETS), index, row)
    {
        check_wallet(row);
    }
    json_decref(vectors);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: test_vectors_wallet_oracle PYTHON\n");
        return 2;
    }
    python = argv[1];
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_wallets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
