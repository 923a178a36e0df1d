/* A key as text: one text per key and network, and a refusal that says what is wrong. */
#include "base/bech32.h"
#include "base/keytext.h"
#include "tests/support/gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const enum notch_network networks[] = {NOTCH_NETWORK_MAIN, NOTCH_NETWORK_TEST, NOTCH_NETWORK_DEV};

static struct notch_key make_key(void)
{
    struct notch_key key;
    for (size_t i = 0; i < sizeof key.raw; i++) {
        key.raw[i] = (uint8_t)(i * 7 + 1);
    }
    return key;
}

static void test_prefixes(void **state)
{
    (void)state;
    char text[NOTCH_KEY_TEXT_MAX + 1];
    struct notch_key key = make_key();
    notch_key_print(text, &key, NOTCH_NETWORK_MAIN);
    assert_int_equal(strlen(text), 64);
    assert_memory_equal(text, "notch1", 6);
    notch_key_print(text, &key, NOTCH_NETWORK_TEST);
    assert_int_equal(strlen(text), NOTCH_KEY_TEXT_MAX);
    assert_memory_equal(text, "tnotch1", 7);
    notch_key_print(text, &key, NOTCH_NETWORK_DEV);
    assert_memory_equal(text, "dnotch1", 7);
}

static const char *round_trip(struct notch_gen *gen, void *context)
{
    (void)context;
    char text[NOTCH_KEY_TEXT_MAX + 1];
    struct notch_key key;
    struct notch_key back;
    enum notch_network found = NOTCH_NETWORK_MAIN;
    enum notch_network network = networks[notch_gen_below(gen, 3)];
    notch_gen_bytes(gen, key.raw, sizeof key.raw);
    notch_key_print(text, &key, network);
    if (!notch_is_valid(notch_key_parse(&back, text, strlen(text), network)) || !notch_key_eq(&key, &back)) {
        return "does not parse in its network";
    }
    if (!notch_is_valid(notch_key_parse_any(&back, &found, text, strlen(text))) || found != network) {
        return "does not parse in any network";
    }
    size_t at = notch_gen_below(gen, strlen(text));
    text[at] = text[at] == 'q' ? 'p' : 'q';
    return notch_is_valid(notch_key_parse_any(&back, &found, text, strlen(text))) ? "a typing error passes" : NULL;
}

static void test_round_trip(void **state)
{
    (void)state;
    assert_true(notch_property_holds("key text round trip", 2000, 1, round_trip, NULL));
}

static void test_wrong_network_is_named(void **state)
{
    (void)state;
    static const char *const expected[] = {"notch1", "tnotch1", "dnotch1"};
    char text[NOTCH_KEY_TEXT_MAX + 1];
    struct notch_key key = make_key();
    for (size_t of = 0; of < 3; of++) {
        notch_key_print(text, &key, networks[of]);
        for (size_t wanted = 0; wanted < 3; wanted++) {
            struct notch_key back;
            struct notch_reject reject = notch_key_parse(&back, text, strlen(text), networks[wanted]);
            assert_int_equal(notch_is_valid(reject), of == wanted);
            if (of != wanted) {
                assert_non_null(strstr(reject.reason, expected[of]));
                assert_non_null(strstr(reject.reason, notch_network_name(networks[of])));
            }
        }
    }
}

static void refuses(const char *text, const char *part_of_reason)
{
    struct notch_key key;
    struct notch_reject reject = notch_key_parse(&key, text, strlen(text), NOTCH_NETWORK_MAIN);
    assert_int_equal(reject.code, NOTCH_REJECT_MALFORMED);
    assert_non_null(strstr(reject.reason, part_of_reason));
}

static void encode(char text[NOTCH_BECH32_LEN_MAX + 1], enum notch_bech32_kind kind, const char *prefix, size_t len)
{
    uint8_t bytes[40] = {0};
    struct notch_bech32 in = {.kind = kind};
    memcpy(in.prefix, prefix, strlen(prefix) + 1);
    assert_true(notch_bech32_pack(&in, notch_bytes(bytes, len)));
    assert_true(notch_bech32_encode(text, &in));
}

static void test_reasons(void **state)
{
    (void)state;
    char text[NOTCH_BECH32_LEN_MAX + 1];
    refuses("", "separator");
    refuses("hello", "separator");
    encode(text, NOTCH_BECH32M, "notch", 31);
    refuses(text, "32 bytes");
    encode(text, NOTCH_BECH32M, "notch", 33);
    refuses(text, "32 bytes");
    encode(text, NOTCH_BECH32, "notch", 32);
    refuses(text, "bech32m");
    encode(text, NOTCH_BECH32M, "bc", 32);
    refuses(text, "not a Notch key");
    encode(text, NOTCH_BECH32M, "notch", 32);
    text[10] = text[10] == 'q' ? 'p' : 'q';
    refuses(text, "checksum");
    text[10] = 'Q';
    refuses(text, "mixed");
}

/* The four bits behind the last whole byte are zero, or a key would have sixteen texts. */
static void test_padding_is_canonical(void **state)
{
    (void)state;
    char text[NOTCH_BECH32_LEN_MAX + 1];
    uint8_t bytes[32] = {0};
    struct notch_bech32 in = {.kind = NOTCH_BECH32M, .prefix = "notch"};
    assert_true(notch_bech32_pack(&in, notch_bytes(bytes, sizeof bytes)));
    in.symbols[in.len - 1] |= 1;
    assert_true(notch_bech32_encode(text, &in));
    refuses(text, "32 bytes");
}

static void test_networks(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < 3; i++) {
        enum notch_network network = NOTCH_NETWORK_MAIN;
        assert_true(notch_network_parse(&network, notch_network_name(networks[i])));
        assert_int_equal(network, networks[i]);
        assert_true(notch_network_of_byte(&network, i));
        assert_int_equal(network, i);
    }
    enum notch_network network = NOTCH_NETWORK_DEV;
    assert_false(notch_network_parse(&network, "Main"));
    assert_false(notch_network_parse(&network, ""));
    assert_false(notch_network_of_byte(&network, 3));
    assert_int_equal(network, NOTCH_NETWORK_DEV);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_wrong_network_is_named),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_padding_is_canonical),
        cmocka_unit_test(test_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
