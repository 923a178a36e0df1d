/* The checksummed text of BIP173 and BIP350: every published string, and the round trip. */
#include "base/bech32.h"
#include "tests/support/gen.h"
#include "tests/support/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static json_t *vectors;

static bool decodes(struct notch_bech32 *out, const char *text, size_t len)
{
    struct notch_reject reject = notch_bech32_decode(out, text, len);
    if (!notch_is_valid(reject)) {
        assert_int_equal(reject.code, NOTCH_REJECT_MALFORMED);
        assert_true(strlen(reject.reason) > 0);
    }
    return notch_is_valid(reject);
}

static void to_lower(char *text)
{
    for (; *text != '\0'; text++) {
        *text = (char)(*text >= 'A' && *text <= 'Z' ? *text - 'A' + 'a' : *text);
    }
}

static void check_valid(const json_t *strings, enum notch_bech32_kind kind)
{
    size_t index = 0;
    json_t *row = NULL;
    json_array_foreach(strings, index, row)
    {
        struct notch_bech32 decoded;
        char text[NOTCH_BECH32_LEN_MAX + 1];
        char expected[NOTCH_BECH32_LEN_MAX + 1];
        const char *given = json_string_value(row);
        assert_non_null(given);
        assert_true(decodes(&decoded, given, strlen(given)));
        assert_int_equal(decoded.kind, kind);
        assert_true(notch_bech32_encode(text, &decoded));
        memcpy(expected, given, strlen(given) + 1);
        to_lower(expected);
        assert_string_equal(text, expected);
        /* One changed symbol is always seen. */
        char *last = text + strlen(text) - 1;
        *last = *last == 'q' ? 'p' : 'q';
        assert_false(decodes(&decoded, text, strlen(text)));
    }
}

static void check_invalid(const json_t *strings, enum notch_bech32_kind kind)
{
    size_t index = 0;
    json_t *row = NULL;
    json_array_foreach(strings, index, row)
    {
        struct notch_bech32 decoded;
        char text[2 * NOTCH_BECH32_LEN_MAX];
        size_t len = notch_test_vectors_hex(text, sizeof text, row, "text_hex");
        assert_false(decodes(&decoded, text, len) && decoded.kind == kind);
    }
}

static void test_bip350_strings(void **state)
{
    (void)state;
    const json_t *section = json_object_get(vectors, "bech32m");
    check_valid(notch_test_vectors_rows(section, "valid", 7), NOTCH_BECH32M);
    check_invalid(notch_test_vectors_rows(section, "invalid", 14), NOTCH_BECH32M);
}

static void test_bip173_strings(void **state)
{
    (void)state;
    const json_t *section = json_object_get(vectors, "bech32");
    check_valid(notch_test_vectors_rows(section, "valid", 7), NOTCH_BECH32);
    check_invalid(notch_test_vectors_rows(section, "invalid", 12), NOTCH_BECH32);
}

/* The rules of segwit addresses on top, from BIP350: out is the script, 0 bytes when the address is refused. */
static size_t segwit_script(uint8_t out[42], const char *address)
{
    struct notch_bech32 decoded;
    size_t len = 0;
    if (!decodes(&decoded, address, strlen(address)) || decoded.len == 0 || decoded.symbols[0] > 16 ||
        (strcmp(decoded.prefix, "bc") != 0 && strcmp(decoded.prefix, "tb") != 0) ||
        !notch_bech32_unpack(out + 2, 40, &len, &decoded, 1) || len < 2) {
        return 0;
    }
    uint8_t version = decoded.symbols[0];
    if ((version == 0) != (decoded.kind == NOTCH_BECH32) || (version == 0 && len != 20 && len != 32)) {
        return 0;
    }
    out[0] = (uint8_t)(version == 0 ? 0 : 0x50 + version);
    out[1] = (uint8_t)len;
    return len + 2;
}

static void test_segwit_addresses(void **state)
{
    (void)state;
    size_t index = 0;
    json_t *row = NULL;
    uint8_t script[42];
    json_array_foreach(notch_test_vectors_rows(vectors, "segwit_valid", 8), index, row)
    {
        uint8_t expected[42];
        size_t len = notch_test_vectors_hex(expected, sizeof expected, row, "script");
        assert_int_equal(segwit_script(script, notch_test_vectors_text(row, "address")), len);
        assert_memory_equal(script, expected, len);
        /* And back: the version symbol, then the program, is the address again. */
        struct notch_bech32 decoded;
        struct notch_bech32 packed;
        char address[NOTCH_BECH32_LEN_MAX + 1];
        memcpy(address, notch_test_vectors_text(row, "address"), strlen(notch_test_vectors_text(row, "address")) + 1);
        to_lower(address);
        assert_true(decodes(&decoded, address, strlen(address)));
        assert_true(notch_bech32_pack(&packed, notch_bytes(script + 2, len - 2)));
        assert_int_equal(packed.len + 1, decoded.len);
        assert_memory_equal(packed.symbols, decoded.symbols + 1, packed.len);
    }
    json_array_foreach(notch_test_vectors_rows(vectors, "segwit_invalid", 15), index, row)
    {
        assert_int_equal(segwit_script(script, notch_test_vectors_text(row, "address")), 0);
    }
}

static const char *bytes_round_trip(struct notch_gen *gen, void *context)
{
    (void)context;
    uint8_t bytes[NOTCH_BECH32_SYMBOLS_MAX];
    uint8_t back[NOTCH_BECH32_SYMBOLS_MAX];
    char text[NOTCH_BECH32_LEN_MAX + 1];
    struct notch_bech32 in = {.kind = NOTCH_BECH32M, .prefix = "x"};
    struct notch_bech32 out;
    size_t len = notch_gen_below(gen, NOTCH_BECH32_SYMBOLS_MAX * 5 / 8 + 1);
    size_t back_len = 0;
    notch_gen_bytes(gen, bytes, len);
    if (!notch_bech32_pack(&in, notch_bytes(bytes, len)) || !notch_bech32_encode(text, &in)) {
        return "does not encode";
    }
    if (!decodes(&out, text, strlen(text)) || !notch_bech32_unpack(back, sizeof back, &back_len, &out, 0)) {
        return "does not decode";
    }
    return back_len == len && memcmp(back, bytes, len) == 0 ? NULL : "other bytes come back";
}

static void test_bytes_round_trip(void **state)
{
    (void)state;
    assert_true(notch_property_holds("bech32 round trip", 2000, 1, bytes_round_trip, NULL));
}

static void test_limits_of_encoding(void **state)
{
    (void)state;
    char text[NOTCH_BECH32_LEN_MAX + 1];
    struct notch_bech32 in = {.kind = NOTCH_BECH32M, .prefix = "x", .len = 82};
    uint8_t bytes[52] = {0};
    size_t len = 0;
    assert_true(notch_bech32_encode(text, &in));
    assert_int_equal(strlen(text), NOTCH_BECH32_LEN_MAX);
    memcpy(in.prefix, "xy", 3);
    assert_false(notch_bech32_encode(text, &in));
    memcpy(in.prefix, "X", 2);
    assert_false(notch_bech32_encode(text, &in));
    in.prefix[0] = '\0';
    assert_false(notch_bech32_encode(text, &in));
    memset(in.prefix, 'x', sizeof in.prefix);
    assert_false(notch_bech32_encode(text, &in));
    memcpy(in.prefix, "x", 2);
    in.symbols[3] = 32;
    assert_false(notch_bech32_encode(text, &in));
    assert_false(notch_bech32_pack(&in, notch_bytes(bytes, 52)));
    assert_true(notch_bech32_pack(&in, notch_bytes(bytes, 51)));
    assert_false(notch_bech32_unpack(bytes, 50, &len, &in, 0));
    assert_true(notch_bech32_unpack(bytes, 51, &len, &in, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bip350_strings),     cmocka_unit_test(test_bip173_strings),
        cmocka_unit_test(test_segwit_addresses),   cmocka_unit_test(test_bytes_round_trip),
        cmocka_unit_test(test_limits_of_encoding),
    };
    vectors = notch_test_vectors_open("tests/vectors/bech32.json");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(vectors);
    return failed;
}
