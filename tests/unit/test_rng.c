#include "base/assert.h"
#include "base/rng.h"
#include "tests/support/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* SipHash-2-4 of the bytes 00, 01, ... of lengths 0 to 63 under the key 00 .. 0f: the authors' vectors.h, as u64. */
static const uint64_t sip_vectors[64] = {
    0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d, 0xcf2794e0277187b7,
    0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137, 0x93f5f5799a932462, 0x9e0082df0ba9e4b0,
    0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7, 0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee,
    0xa129ca6149be45e5, 0x3f2acc7f57c29bdb, 0x699ae9f52cbe4794, 0x4bc1b3f0968dd39c, 0xbb6dc91da77961bd,
    0xbed65cf21aa2ee98, 0xd0f2cbb02e3b67c7, 0x93536795e3a33e88, 0xa80c038ccd5ccec8, 0xb8ad50c6f649af94,
    0xbce192de8a85b8ea, 0x17d835b85bbb15f3, 0x2f2e6163076bcfad, 0xde4daaaca71dc9a5, 0xa6a2506687956571,
    0xad87a3535c49ef28, 0x32d892fad841c342, 0x7127512f72f27cce, 0xa7f32346f95978e3, 0x12e0b01abb051238,
    0x15e034d40fa197ae, 0x314dffbe0815a3b4, 0x027990f029623981, 0xcadcd4e59ef40c4d, 0x9abfd8766a33735c,
    0x0e3ea96b5304a7d0, 0xad0c42d6fc585992, 0x187306c89bc215a9, 0xd4a60abcf3792b95, 0xf935451de4f21df2,
    0xa9538f0419755787, 0xdb9acddff56ca510, 0xd06c98cd5c0975eb, 0xe612a3cb9ecba951, 0xc766e62cfcadaf96,
    0xee64435a9752fe72, 0xa192d576b245165a, 0x0a8787bf8ecb74b2, 0x81b3e73d20b49b6f, 0x7fa8220ba3b2ecea,
    0x245731c13ca42499, 0xb78dbfaf3a8d83bd, 0xea1ad565322a1a0b, 0x60e61c23a3795013, 0x6606d7e446282b93,
    0x6ca4ecb15c5f91e1, 0x9f626da15c9625f3, 0xe51b38608ef25f57, 0x958a324ceb064572,
};

static void test_siphash_vectors(void **state)
{
    (void)state;
    struct notch_siphash_key key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    for (size_t len = 0; len < 64; len++) {
        uint8_t *message = malloc(len > 0 ? len : 1);
        assert_non_null(message);
        for (size_t i = 0; i < len; i++) {
            message[i] = (uint8_t)i;
        }
        assert_true(notch_siphash(key, message, len) == sip_vectors[len]);
        free(message);
    }
    assert_true(notch_siphash(key, NULL, 0) == sip_vectors[0]);
}

/* The outputs of the authors' xoshiro256starstar.c from the state {1, 2, 3, 4}. */
static void test_xoshiro_reference(void **state)
{
    (void)state;
    static const uint64_t expected[] = {
        11520,
        0,
        1509978240,
        UINT64_C(1215971899390074240),
        UINT64_C(1216172134540287360),
        UINT64_C(607988272756665600),
        UINT64_C(16172922978634559625),
        UINT64_C(8476171486693032832),
        UINT64_C(10595114339597558777),
        UINT64_C(2904607092377533576),
    };
    struct notch_rng rng = {{1, 2, 3, 4}};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(expected); i++) {
        assert_true(notch_rng_u64(&rng) == expected[i]);
    }
}

/* The outputs of splitmix64.c, which fills the state. */
static void test_seeding_reference(void **state)
{
    (void)state;
    static const uint64_t expected[] = {
        UINT64_C(1985237415132408290),
        UINT64_C(2979275885539914483),
        UINT64_C(13511426838097143398),
        UINT64_C(8488337342461049707),
    };
    struct notch_rng rng;
    notch_rng_init(&rng, UINT64_C(1477776061723855037));
    assert_memory_equal(rng.state, expected, sizeof expected);
}

/* Draws that would favour small results are drawn again: told by the definition, on bounds that reject half of them. */
static void test_below_is_unbiased(void **state)
{
    (void)state;
    static const uint64_t bounds[] = {1, 2, 3, 10, 1000000, (UINT64_C(1) << 63) + 1, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(bounds); i++) {
        struct notch_rng rng;
        struct notch_rng model;
        size_t rejected = 0;
        notch_rng_init(&rng, i);
        model = rng;
        uint64_t whole =
            UINT64_MAX - UINT64_MAX % bounds[i]; /* a multiple of bound; the last stretch may be whole too */
        bool even = UINT64_MAX % bounds[i] == bounds[i] - 1;
        uint64_t threshold = even ? 0 : UINT64_MAX - whole + 1;
        for (size_t k = 0; k < 200; k++) {
            uint64_t draw = notch_rng_u64(&model);
            while (draw < threshold) {
                draw = notch_rng_u64(&model);
                rejected++;
            }
            assert_true(notch_rng_below(&rng, bounds[i]) == draw % bounds[i]);
        }
        assert_true(bounds[i] != (UINT64_C(1) << 63) + 1 || rejected > 100);
    }
}

/* The first draw that may count does count. The state is worked back from it, through the inverses of 9 and 5. */
static void test_below_at_its_threshold(void **state)
{
    (void)state;
    uint64_t bound = (UINT64_C(1) << 63) + 1;
    uint64_t threshold = (UINT64_C(1) << 63) - 1; /* 2^64 mod bound */
    for (uint64_t draw = threshold - 1; draw <= threshold; draw++) {
        uint64_t turned = draw * UINT64_C(0x8e38e38e38e38e39);
        uint64_t word = (turned >> 7 | turned << 57) * UINT64_C(0xcccccccccccccccd);
        struct notch_rng rng = {{1, word, 3, 4}};
        struct notch_rng model = rng;
        assert_true(notch_rng_u64(&model) == draw);
        assert_true((notch_rng_below(&rng, bound) == draw) == (draw == threshold));
    }
}

static void test_chance(void **state)
{
    (void)state;
    struct notch_rng rng;
    unsigned hits = 0;
    notch_rng_init(&rng, 1);
    for (unsigned i = 0; i < 10000; i++) {
        assert_false(notch_rng_chance(&rng, 0));
        assert_true(notch_rng_chance(&rng, 1000000));
        hits += notch_rng_chance(&rng, 250000) ? 1 : 0;
    }
    /* Six standard deviations of 43 around 2500. */
    assert_in_range(hits, 2240, 2760);
}

static void test_fill(void **state)
{
    (void)state;
    uint8_t words[24];
    struct notch_rng rng;
    notch_rng_init(&rng, 9);
    for (size_t i = 0; i < sizeof words; i += 8) {
        uint64_t word = notch_rng_u64(&rng);
        for (size_t k = 0; k < 8; k++) {
            words[i + k] = (uint8_t)(word >> (8 * k));
        }
    }
    for (size_t len = 0; len <= sizeof words; len++) {
        uint8_t out[sizeof words + 1];
        memset(out, 0xee, sizeof out);
        notch_rng_init(&rng, 9);
        notch_rng_fill(&rng, out, len);
        assert_memory_equal(out, words, len);
        assert_int_equal(out[len], 0xee);
    }
}

static void below_zero(void *context)
{
    (void)context;
    struct notch_rng rng = {{1, 2, 3, 4}};
    notch_rng_below(&rng, 0);
}

static void test_broken_promises(void **state)
{
    (void)state;
    assert_true(notch_test_breaks(below_zero, NULL, "bound > 0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_siphash_vectors),
        cmocka_unit_test(test_xoshiro_reference),
        cmocka_unit_test(test_seeding_reference),
        cmocka_unit_test(test_below_is_unbiased),
        cmocka_unit_test(test_below_at_its_threshold),
        cmocka_unit_test(test_chance),
        cmocka_unit_test(test_fill),
        cmocka_unit_test(test_broken_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
