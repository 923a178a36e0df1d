/* The bytes of a key file: what goes in comes out, nothing altered opens, and none may ask for more than it should. */
#include "wallet/keyfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

static const struct notch_keyfile_cost cheap = {.passes = 1, .memory_kib = NOTCH_KEYFILE_KIB_MIN};
static const uint8_t salt[NOTCH_KEYFILE_SALT_LEN] = "0123456789abcde";
static const uint8_t nonce[NOTCH_KEYFILE_NONCE_LEN] = "fedcba9876543210fedcba9";

static struct notch_bytes text(const char *passphrase)
{
    return notch_bytes(passphrase, strlen(passphrase));
}

static struct notch_keyfile make_mnemonic(size_t len)
{
    struct notch_keyfile file = {.kind = NOTCH_KEYFILE_MNEMONIC, .network = NOTCH_NETWORK_TEST, .secret_len = len};
    memset(file.secret, 0xa5, len);
    memcpy(file.label, "the cold one", 13);
    return file;
}

static struct notch_keyfile make_role(void)
{
    struct notch_keyfile file = {.kind = NOTCH_KEYFILE_ROLE,
                                 .network = NOTCH_NETWORK_DEV,
                                 .role = NOTCH_ROLE_AUTHOR,
                                 .index = 0x7fffffff,
                                 .secret_len = 32};
    memset(file.secret, 0x11, 32);
    memset(file.label, 'x', NOTCH_KEYFILE_LABEL_MAX);
    return file;
}

static void lock(uint8_t out[NOTCH_KEYFILE_LEN], const struct notch_keyfile *file)
{
    assert_int_equal(notch_keyfile_encode(out, file, text("open sesame"), cheap, salt, nonce), NOTCH_OK);
}

static enum notch_err unlock(struct notch_keyfile *out, const uint8_t bytes[NOTCH_KEYFILE_LEN])
{
    return notch_keyfile_decode(out, notch_bytes(bytes, NOTCH_KEYFILE_LEN), text("open sesame"));
}

static void check_round_trip(const struct notch_keyfile *file)
{
    uint8_t bytes[NOTCH_KEYFILE_LEN];
    uint8_t again[NOTCH_KEYFILE_LEN];
    struct notch_keyfile back;
    lock(bytes, file);
    assert_int_equal(unlock(&back, bytes), NOTCH_OK);
    assert_int_equal(back.kind, file->kind);
    assert_int_equal(back.network, file->network);
    assert_int_equal(back.role, file->role);
    assert_int_equal(back.index, file->index);
    assert_int_equal(back.secret_len, file->secret_len);
    assert_memory_equal(back.secret, file->secret, sizeof back.secret);
    assert_string_equal(back.label, file->label);
    lock(again, &back);
    assert_memory_equal(again, bytes, sizeof bytes);
}

static void test_round_trips(void **state)
{
    (void)state;
    for (size_t len = NOTCH_BIP39_ENTROPY_MIN; len <= NOTCH_BIP39_ENTROPY_MAX; len += 4) {
        struct notch_keyfile file = make_mnemonic(len);
        check_round_trip(&file);
    }
    struct notch_keyfile file = make_role();
    check_round_trip(&file);
    file.label[0] = '\0';
    memset(file.label, 0, sizeof file.label);
    check_round_trip(&file);
}

static void test_no_altered_file_opens(void **state)
{
    (void)state;
    uint8_t bytes[NOTCH_KEYFILE_LEN];
    struct notch_keyfile file = make_mnemonic(16);
    struct notch_keyfile back;
    lock(bytes, &file);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        /* High bits of the costs ask for much memory or time and are allowed to: see test_costs_are_bounded(). */
        if (bit / 8 >= 10 && bit / 8 < 18) {
            continue;
        }
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1U << bit % 8);
        enum notch_err err = unlock(&back, bytes);
        assert_true(err == (bit / 8 < 8 ? NOTCH_ERR_CORRUPT : bit / 8 < 10 ? NOTCH_ERR_VERSION : NOTCH_ERR_PASSPHRASE));
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1U << bit % 8);
    }
    assert_int_equal(unlock(&back, bytes), NOTCH_OK);
}

static void test_wrong_passphrase(void **state)
{
    (void)state;
    uint8_t bytes[NOTCH_KEYFILE_LEN];
    uint8_t long_passphrase[NOTCH_KEYFILE_PASSPHRASE_MAX + 1] = {0};
    struct notch_keyfile file = make_role();
    struct notch_keyfile back;
    lock(bytes, &file);
    struct notch_bytes view = notch_bytes(bytes, sizeof bytes);
    assert_int_equal(notch_keyfile_decode(&back, view, text("")), NOTCH_ERR_PASSPHRASE);
    assert_int_equal(notch_keyfile_decode(&back, view, notch_bytes(NULL, 0)), NOTCH_ERR_PASSPHRASE);
    assert_int_equal(notch_keyfile_decode(&back, view, text("Open sesame")), NOTCH_ERR_PASSPHRASE);
    assert_int_equal(notch_keyfile_decode(&back, view, notch_bytes("open sesame", 12)), NOTCH_ERR_PASSPHRASE);
    struct notch_bytes too_long = notch_bytes(long_passphrase, sizeof long_passphrase);
    assert_int_equal(notch_keyfile_decode(&back, view, too_long), NOTCH_ERR_INVALID);
    assert_int_equal(notch_keyfile_encode(bytes, &file, too_long, cheap, salt, nonce), NOTCH_ERR_INVALID);
    /* No passphrase is a passphrase too: for a key on a disk that is itself encrypted. */
    assert_int_equal(notch_keyfile_encode(bytes, &file, notch_bytes(NULL, 0), cheap, salt, nonce), NOTCH_OK);
    assert_int_equal(notch_keyfile_decode(&back, view, text("")), NOTCH_OK);
}

static void test_lengths(void **state)
{
    (void)state;
    uint8_t bytes[NOTCH_KEYFILE_LEN + 1] = {0};
    struct notch_keyfile file = make_role();
    struct notch_keyfile back;
    struct notch_keyfile_cost cost;
    lock(bytes, &file);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        enum notch_err expected = len == NOTCH_KEYFILE_LEN ? NOTCH_OK : NOTCH_ERR_CORRUPT;
        assert_int_equal(notch_keyfile_inspect(&cost, notch_bytes(bytes, len)), expected);
        assert_int_equal(notch_keyfile_decode(&back, notch_bytes(bytes, len), text("open sesame")), expected);
    }
    assert_int_equal(notch_keyfile_inspect(&cost, notch_bytes(bytes, NOTCH_KEYFILE_LEN)), NOTCH_OK);
    assert_int_equal(cost.passes, cheap.passes);
    assert_int_equal(cost.memory_kib, cheap.memory_kib);
}

static void put_u32(uint8_t *out, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        out[i] = (uint8_t)(value >> 8 * i);
    }
}

/* A file that asks for 4 GiB, or for a day, is refused by its header: nothing is derived. */
static void test_costs_are_bounded(void **state)
{
    (void)state;
    static const struct notch_keyfile_cost bad[] = {
        {0, 8},
        {17, 8},
        {UINT32_MAX, 8},
        {1, 0},
        {1, 7},
        {1, 524289},
        {1, UINT32_C(4194304)},
        {1, UINT32_MAX},
        {UINT32_MAX, UINT32_MAX},
    };
    uint8_t bytes[NOTCH_KEYFILE_LEN];
    struct notch_keyfile file = make_role();
    struct notch_keyfile back;
    struct notch_keyfile_cost cost;
    lock(bytes, &file);
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(bad); i++) {
        uint8_t other[NOTCH_KEYFILE_LEN];
        put_u32(bytes + 10, bad[i].passes);
        put_u32(bytes + 14, bad[i].memory_kib);
        assert_int_equal(notch_keyfile_inspect(&cost, notch_bytes(bytes, sizeof bytes)), NOTCH_ERR_CORRUPT);
        assert_int_equal(unlock(&back, bytes), NOTCH_ERR_CORRUPT);
        assert_int_equal(notch_keyfile_encode(other, &file, text("x"), bad[i], salt, nonce), NOTCH_ERR_INVALID);
    }
    put_u32(bytes + 10, NOTCH_KEYFILE_PASSES_MAX);
    put_u32(bytes + 14, NOTCH_KEYFILE_KIB_MAX);
    assert_int_equal(notch_keyfile_inspect(&cost, notch_bytes(bytes, sizeof bytes)), NOTCH_OK);
    /* Within the bounds another cost is another key. */
    put_u32(bytes + 10, 2);
    put_u32(bytes + 14, 8);
    assert_int_equal(unlock(&back, bytes), NOTCH_ERR_PASSPHRASE);
}

static void test_default_cost_is_allowed(void **state)
{
    (void)state;
    uint8_t bytes[NOTCH_KEYFILE_LEN];
    struct notch_keyfile file = make_mnemonic(32);
    struct notch_keyfile back;
    struct notch_keyfile_cost cost = notch_keyfile_cost_default();
    assert_int_equal(notch_keyfile_encode(bytes, &file, text("open sesame"), cost, salt, nonce), NOTCH_OK);
    assert_int_equal(unlock(&back, bytes), NOTCH_OK);
}

static void refuses_contents(const struct notch_keyfile *file)
{
    uint8_t bytes[NOTCH_KEYFILE_LEN];
    assert_int_equal(notch_keyfile_encode(bytes, file, text("x"), cheap, salt, nonce), NOTCH_ERR_INVALID);
}

static void test_contents_are_checked_before_writing(void **state)
{
    (void)state;
    struct notch_keyfile file = make_mnemonic(15);
    refuses_contents(&file);
    file = make_mnemonic(16);
    file.index = 1;
    refuses_contents(&file);
    file = make_mnemonic(16);
    file.role = NOTCH_ROLE_NODE;
    refuses_contents(&file);
    file = make_role();
    file.secret_len = 31;
    refuses_contents(&file);
    file = make_role();
    file.index = UINT32_C(0x80000000);
    refuses_contents(&file);
    file = make_role();
    file.label[3] = '\n';
    refuses_contents(&file);
    file = make_role();
    file.label[NOTCH_KEYFILE_LABEL_MAX] = 'x';
    refuses_contents(&file);
}

#define HEADER 58
#define INSIDE 92

/* Encrypts other contents as a broken program would have, with the right passphrase. */
static void forge(uint8_t bytes[NOTCH_KEYFILE_LEN], const uint8_t inside[INSIDE])
{
    uint8_t key[32];
    int rc = crypto_pwhash(key, sizeof key, "open sesame", 11, bytes + 18, 1, 8192, crypto_pwhash_ALG_ARGON2ID13);
    assert_int_equal(rc, 0);
    assert_int_equal(crypto_aead_xchacha20poly1305_ietf_encrypt(bytes + HEADER, NULL, inside, INSIDE, bytes, HEADER,
                                                                NULL, bytes + 34, key),
                     0);
}

/* kind, network, role, index (4), secret length, secret (32), label length, label (51), as the header lays them out. */
static void test_contents_are_checked_after_reading(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
    } bad[] = {
        {0, 2},   {0, 255}, {1, 3},  {1, 255}, {2, 4},    {2, 1},  {3, 1},  {6, 0x80}, {7, 15}, {7, 33},    {7, 12},
        {7, 255}, {39, 1},  {24, 1}, {40, 52}, {40, 255}, {40, 2}, {91, 1}, {41, 10},  {42, 0}, {43, 0x7f}, {44, 'x'},
    };
    uint8_t bytes[NOTCH_KEYFILE_LEN];
    uint8_t inside[INSIDE] = {0};
    struct notch_keyfile file = make_mnemonic(16);
    struct notch_keyfile back;
    lock(bytes, &file);
    inside[1] = 1;
    inside[7] = 16;
    memset(inside + 8, 0xa5, 16);
    inside[40] = 3;
    memcpy(inside + 41, "abc", 3);
    forge(bytes, inside);
    assert_int_equal(unlock(&back, bytes), NOTCH_OK);
    assert_string_equal(back.label, "abc");
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(bad); i++) {
        uint8_t kept = inside[bad[i].at];
        inside[bad[i].at] = bad[i].value;
        forge(bytes, inside);
        assert_int_equal(unlock(&back, bytes), NOTCH_ERR_CORRUPT);
        inside[bad[i].at] = kept;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_no_altered_file_opens),
        cmocka_unit_test(test_wrong_passphrase),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_costs_are_bounded),
        cmocka_unit_test(test_default_cost_is_allowed),
        cmocka_unit_test(test_contents_are_checked_before_writing),
        cmocka_unit_test(test_contents_are_checked_after_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
