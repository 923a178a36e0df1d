/* Mnemonics: every published English vector, and what people type. */
#include "tests/support/gen.h"
#include "tests/support/vectors.h"
#include "wallet/bip32.h"
#include "wallet/bip39.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char about[] = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
                            "abandon about";

static void test_vectors(void **state)
{
    (void)state;
    json_t *vectors = notch_test_vectors_open("tests/vectors/bip39.json");
    const char *passphrase = notch_test_vectors_text(vectors, "passphrase");
    size_t index = 0;
    json_t *row = NULL;
    json_array_foreach(notch_test_vectors_rows(vectors, "vectors", 24), index, row)
    {
        struct notch_entropy entropy = {.len = 0};
        struct notch_entropy back;
        struct notch_bip32 master;
        char text[NOTCH_BIP39_TEXT_MAX + 1];
        char xprv[NOTCH_BIP32_TEXT_MAX + 1];
        uint8_t seed[NOTCH_BIP39_SEED_LEN];
        uint8_t expected[NOTCH_BIP39_SEED_LEN];
        size_t word = 99;
        const char *mnemonic = notch_test_vectors_text(row, "mnemonic");
        entropy.len = notch_test_vectors_hex(entropy.bytes, sizeof entropy.bytes, row, "entropy");
        notch_test_vectors_hex_exact(expected, sizeof expected, row, "seed");
        assert_int_equal(notch_bip39_encode(text, &entropy), NOTCH_OK);
        assert_string_equal(text, mnemonic);
        assert_true(notch_is_valid(notch_bip39_decode(&back, &word, mnemonic, strlen(mnemonic))));
        assert_int_equal(word, 0);
        assert_int_equal(back.len, entropy.len);
        assert_memory_equal(back.bytes, entropy.bytes, entropy.len);
        assert_int_equal(notch_bip39_seed(seed, &entropy, passphrase, strlen(passphrase)), NOTCH_OK);
        assert_memory_equal(seed, expected, sizeof seed);
        assert_int_equal(notch_bip32_master(&master, seed, sizeof seed), NOTCH_OK);
        notch_bip32_print(xprv, &master, NOTCH_BIP32_MAINNET);
        assert_string_equal(xprv, notch_test_vectors_text(row, "xprv"));
    }
    json_decref(vectors);
}

static const char *round_trip(struct notch_gen *gen, void *context)
{
    (void)context;
    struct notch_entropy entropy = {.len = 16 + 4 * notch_gen_below(gen, 5)};
    struct notch_entropy back;
    char text[NOTCH_BIP39_TEXT_MAX + 1];
    notch_gen_bytes(gen, entropy.bytes, entropy.len);
    if (notch_bip39_encode(text, &entropy) != NOTCH_OK) {
        return "does not encode";
    }
    if (!notch_is_valid(notch_bip39_decode(&back, NULL, text, strlen(text)))) {
        return "does not decode";
    }
    return back.len == entropy.len && memcmp(back.bytes, entropy.bytes, back.len) == 0 ? NULL : "other bytes come back";
}

static void test_round_trip(void **state)
{
    (void)state;
    assert_true(notch_property_holds("mnemonic round trip", 2000, 1, round_trip, NULL));
}

static void refuses(const char *text, size_t expected_word, const char *part_of_reason)
{
    struct notch_entropy entropy;
    size_t word = 99;
    struct notch_reject reject = notch_bip39_decode(&entropy, &word, text, strlen(text));
    assert_int_equal(reject.code, NOTCH_REJECT_MALFORMED);
    assert_int_equal(word, expected_word);
    assert_non_null(strstr(reject.reason, part_of_reason));
}

static void test_faults_are_named(void **state)
{
    (void)state;
    refuses("", 0, "12 or 24");
    refuses("   ", 0, "12 or 24");
    refuses("abandon", 0, "12 or 24");
    refuses("abandon abandom", 2, "not in the English list");
    refuses("abandon zo", 2, "not in the English list");
    refuses("abandon abandonn", 2, "not in the English list");
    refuses("abandon abandonabandonabandon", 2, "not in the English list");
    refuses("abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon", 0,
            "do not belong together");
    refuses("abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about", 0, "12 or 24");
    refuses("zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo", 0,
            "more than 24");
    refuses("b\xc3\xa9"
            "b\xc3\xa9",
            1, "not in the English list");
}

/* 12 words carry 4 bits of checksum: of the 2,048 last words 128 fit. */
static void test_checksum_bits(void **state)
{
    (void)state;
    char text[NOTCH_BIP39_TEXT_MAX + 1];
    size_t stem = (size_t)(strrchr(about, ' ') - about) + 1;
    size_t fit = 0;
    memcpy(text, about, stem);
    for (size_t i = 0; i < 2048; i++) {
        struct notch_entropy entropy;
        const char *word = notch_bip39_word(i);
        memcpy(text + stem, word, strlen(word) + 1);
        fit += notch_is_valid(notch_bip39_decode(&entropy, NULL, text, strlen(text))) ? 1 : 0;
    }
    assert_int_equal(fit, 128);
}

static void test_typed_with_spaces_and_capitals(void **state)
{
    (void)state;
    static const char typed[] = "\n Abandon abandon\tABANDON abandon  abandon abandon\r\nabandon abandon abandon "
                                "abandon abandon aBout \n";
    struct notch_entropy entropy;
    char text[NOTCH_BIP39_TEXT_MAX + 1];
    assert_true(notch_is_valid(notch_bip39_decode(&entropy, NULL, typed, strlen(typed))));
    assert_int_equal(notch_bip39_encode(text, &entropy), NOTCH_OK);
    assert_string_equal(text, about);
}

static void test_word_list(void **state)
{
    (void)state;
    assert_string_equal(notch_bip39_word(0), "abandon");
    assert_string_equal(notch_bip39_word(2047), "zoo");
    for (size_t i = 1; i < 2048; i++) {
        assert_true(strcmp(notch_bip39_word(i - 1), notch_bip39_word(i)) < 0);
    }
}

static void test_longest_text_fits(void **state)
{
    (void)state;
    size_t longest = 0;
    for (size_t i = 0; i < 2048; i++) {
        size_t len = strlen(notch_bip39_word(i));
        longest = len > longest ? len : longest;
    }
    assert_int_equal(NOTCH_BIP39_WORDS_MAX * longest + NOTCH_BIP39_WORDS_MAX - 1, NOTCH_BIP39_TEXT_MAX);
}

static void test_limits(void **state)
{
    (void)state;
    struct notch_entropy entropy = {.len = 16};
    char text[NOTCH_BIP39_TEXT_MAX + 1];
    char passphrase[NOTCH_BIP39_PASSPHRASE_MAX + 1];
    uint8_t seed[NOTCH_BIP39_SEED_LEN];
    uint8_t without[NOTCH_BIP39_SEED_LEN];
    memset(passphrase, 'x', sizeof passphrase);
    assert_int_equal(notch_bip39_seed(without, &entropy, NULL, 0), NOTCH_OK);
    assert_int_equal(notch_bip39_seed(seed, &entropy, passphrase, NOTCH_BIP39_PASSPHRASE_MAX), NOTCH_OK);
    assert_memory_not_equal(seed, without, sizeof seed);
    assert_int_equal(notch_bip39_seed(seed, &entropy, passphrase, sizeof passphrase), NOTCH_ERR_INVALID);
    assert_int_equal(notch_bip39_seed(seed, &entropy, "caf\xc3\xa9", 5), NOTCH_ERR_INVALID);
    assert_int_equal(notch_bip39_seed(seed, &entropy, "a\tb", 3), NOTCH_ERR_INVALID);
    static const size_t bad[] = {0, 12, 15, 17, 33, 36};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(bad); i++) {
        entropy.len = bad[i];
        assert_int_equal(notch_bip39_encode(text, &entropy), NOTCH_ERR_INVALID);
        assert_int_equal(notch_bip39_seed(seed, &entropy, "", 0), NOTCH_ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_faults_are_named),
        cmocka_unit_test(test_checksum_bits),
        cmocka_unit_test(test_typed_with_spaces_and_capitals),
        cmocka_unit_test(test_word_list),
        cmocka_unit_test(test_longest_text_fits),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
