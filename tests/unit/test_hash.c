#include "base/hash.h"
#include "base/rng.h"
#include "tests/support/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <secp256k1.h>

/* FIPS 180-4, as in the examples and the short-message file of NIST. */
static void test_sha256_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *digest;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrst"
         "nopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(rows); i++) {
        struct notch_hash hash;
        notch_sha256(&hash, notch_bytes(rows[i].text, strlen(rows[i].text)));
        assert_true(notch_test_hex_is(hash.raw, 32, rows[i].digest));
    }
}

static void test_sha256_million(void **state)
{
    (void)state;
    struct notch_sha256 sha;
    struct notch_hash hash;
    char block[1000];
    memset(block, 'a', sizeof block);
    notch_sha256_init(&sha);
    for (size_t i = 0; i < 1000; i++) {
        notch_sha256_update(&sha, block, sizeof block);
    }
    notch_sha256_final(&sha, &hash);
    assert_true(notch_test_hex_is(hash.raw, 32, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"));
}

/* However a message is cut into updates, its hash is the same. */
static void test_sha256_in_parts(void **state)
{
    (void)state;
    uint8_t message[200];
    struct notch_rng rng;
    notch_rng_init(&rng, 1);
    notch_rng_fill(&rng, message, sizeof message);
    struct notch_hash whole;
    notch_sha256(&whole, notch_bytes(message, sizeof message));
    for (size_t cut = 0; cut <= sizeof message; cut++) {
        struct notch_sha256 sha;
        struct notch_hash parts;
        notch_sha256_init(&sha);
        notch_sha256_update(&sha, message, cut);
        notch_sha256_update(&sha, NULL, 0);
        notch_sha256_update(&sha, message + cut, sizeof message - cut);
        notch_sha256_final(&sha, &parts);
        assert_true(notch_hash_eq(&whole, &parts));
    }
}

/* BIP341, wallet test vectors, scriptPubKey[1]: the leaf hash is a BIP340 tagged hash with the tag "TapLeaf". */
static void test_tagged_vector(void **state)
{
    (void)state;
    uint8_t leaf[36];
    struct notch_hash hash;
    size_t len =
        notch_test_unhex(leaf, sizeof leaf, "c02220d85a959b0290bf19bb89ed43c916be835475d013da4b362117393e25a48229b8ac");
    notch_hash_tagged(&hash, "TapLeaf", notch_bytes(leaf, len));
    assert_true(notch_test_hex_is(hash.raw, 32, "5b75adecf53548f3ec6ad7d78383bf84cc57b55a3127c72b9a2481752dd88b21"));
}

/* The tag of a chain is its text and the genesis hash: told by another implementation of tagged hashes. */
static void test_domain_against_secp256k1(void **state)
{
    (void)state;
    struct notch_rng rng;
    struct notch_hash genesis;
    struct notch_domain *domain = malloc(sizeof *domain);
    uint8_t message[300];
    assert_non_null(domain);
    notch_rng_init(&rng, 2);
    notch_rng_fill(&rng, genesis.raw, sizeof genesis.raw);
    notch_rng_fill(&rng, message, sizeof message);
    notch_domain_init(domain, &genesis);
    assert_true(notch_hash_eq(&domain->genesis, &genesis));
    for (unsigned tag = 0; tag < NOTCH_TAG_COUNT; tag++) {
        const char *text = notch_tag_text((enum notch_tag)tag);
        uint8_t name[128];
        size_t text_len = strlen(text);
        assert_true(text_len + 32 <= sizeof name);
        memcpy(name, text, text_len); /* no terminator: NOLINT(bugprone-not-null-terminated-result) */
        memcpy(name + text_len, genesis.raw, 32);
        for (size_t len = 0; len <= sizeof message; len += 1 + len / 4) {
            struct notch_hash ours;
            struct notch_hash theirs;
            struct notch_hash begun;
            struct notch_sha256 sha;
            notch_domain_hash(&ours, domain, (enum notch_tag)tag, notch_bytes(message, len));
            assert_int_equal(
                secp256k1_tagged_sha256(secp256k1_context_static, theirs.raw, name, text_len + 32, message, len), 1);
            assert_true(notch_hash_eq(&ours, &theirs));
            notch_domain_begin(&sha, domain, (enum notch_tag)tag);
            notch_sha256_update(&sha, message, len / 2);
            notch_sha256_update(&sha, message + len / 2, len - len / 2);
            notch_sha256_final(&sha, &begun);
            assert_true(notch_hash_eq(&begun, &theirs));
        }
    }
    free(domain);
}

/* No two uses share a tag; with a genesis hash of one length behind it, then, no two share an input either. */
static void test_tags_differ(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NOTCH_TAG_COUNT; i++) {
        const char *text = notch_tag_text((enum notch_tag)i);
        assert_memory_equal(text, "notch/", 6);
        assert_true(strlen(text) > 6);
        for (unsigned k = 0; k < i; k++) {
            assert_string_not_equal(text, notch_tag_text((enum notch_tag)k));
        }
    }
    assert_string_equal(notch_tag_text(NOTCH_TAG_RECORD_SIGN), "notch/record/sign");
}

static void test_unit_helpers(void **state)
{
    (void)state;
    struct notch_hash a = {{0}};
    struct notch_hash b = {{0}};
    assert_true(notch_hash_is_zero(&a));
    b.raw[31] = 1;
    assert_false(notch_hash_is_zero(&b));
    assert_false(notch_hash_eq(&a, &b));
    assert_true(notch_hash_cmp(&a, &b) < 0);
    a.raw[0] = 0x80;
    assert_true(notch_hash_cmp(&a, &b) > 0);
    struct notch_key k = {{0}};
    struct notch_key l = {{0}};
    assert_true(notch_key_eq(&k, &l));
    l.raw[5] = 0xff;
    assert_true(notch_key_cmp(&k, &l) < 0);
    assert_false(notch_key_eq(&k, &l));
    struct notch_time early = {1};
    struct notch_time late = {UINT64_MAX};
    assert_true(notch_time_cmp(early, late) < 0);
    assert_true(notch_time_cmp(late, early) > 0);
    assert_true(notch_time_cmp(late, late) == 0);
    assert_true(notch_slot_cmp((struct notch_slot){1}, (struct notch_slot){UINT64_MAX}) < 0);
    assert_true(notch_height_cmp((struct notch_height){UINT64_MAX}, (struct notch_height){1}) > 0);
}

static void hash_without_a_tag(void *context)
{
    struct notch_hash out;
    notch_domain_hash(&out, context, NOTCH_TAG_COUNT, notch_bytes(NULL, 0));
}

static void test_broken_promises(void **state)
{
    (void)state;
    struct notch_domain *domain = calloc(1, sizeof *domain);
    assert_non_null(domain);
    assert_true(notch_test_breaks(hash_without_a_tag, domain, "tag < NOTCH_TAG_COUNT"));
    free(domain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256_vectors),
        cmocka_unit_test(test_sha256_million),
        cmocka_unit_test(test_sha256_in_parts),
        cmocka_unit_test(test_tagged_vector),
        cmocka_unit_test(test_domain_against_secp256k1),
        cmocka_unit_test(test_tags_differ),
        cmocka_unit_test(test_unit_helpers),
        cmocka_unit_test(test_broken_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
