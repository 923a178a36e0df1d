/* Secrets in locked memory: found again by key, read-only once sealed, wiped and unreachable when given back. */
#include "tests/support/util.h"
#include "wallet/io/random.h"
#include "wallet/io/secrets.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct notch_secrets *make_store(size_t slots)
{
    struct notch_secrets *secrets = NULL;
    assert_int_equal(notch_secrets_create(&secrets, slots, notch_crypto_secp(), notch_alloc_heap()), NOTCH_OK);
    return secrets;
}

static void test_signers_sign(void **state)
{
    (void)state;
    const struct notch_crypto *crypto = notch_crypto_secp();
    struct notch_secrets *secrets = make_store(3);
    struct notch_signer signers[3];
    struct notch_hash message = {{1}};
    for (size_t i = 0; i < 3; i++) {
        uint8_t secret[32] = {0};
        secret[31] = (uint8_t)(i + 1);
        assert_int_equal(notch_secrets_add(secrets, &signers[i], secret), NOTCH_OK);
        assert_ptr_not_equal(signers[i].secret, secret);
        assert_non_null(signers[i].prepared);
    }
    notch_secrets_seal(secrets);
    for (size_t i = 0; i < 3; i++) {
        struct notch_signer found;
        struct notch_sig sig;
        assert_int_equal(notch_secrets_find(secrets, &found, &signers[i].key), NOTCH_OK);
        assert_ptr_equal(found.secret, signers[i].secret);
        assert_true(notch_sign(crypto, &sig, &found, &message));
        assert_true(notch_verify(crypto, &signers[i].key, &message, &sig));
    }
    struct notch_signer found;
    struct notch_key unknown = {{9}};
    assert_int_equal(notch_secrets_find(secrets, &found, &unknown), NOTCH_ERR_NOT_FOUND);
    notch_secrets_destroy(secrets);
}

static void test_refusals(void **state)
{
    (void)state;
    struct notch_secrets *secrets = make_store(1);
    struct notch_signer signer;
    uint8_t secret[32] = {0};
    assert_int_equal(notch_secrets_add(secrets, &signer, secret), NOTCH_ERR_CRYPTO);
    secret[0] = 1;
    assert_int_equal(notch_secrets_add(secrets, &signer, secret), NOTCH_OK);
    assert_int_equal(notch_secrets_add(secrets, &signer, secret), NOTCH_ERR_SPACE);
    notch_secrets_destroy(secrets);
    notch_secrets_destroy(NULL);
}

static void add_after_sealing(void *context)
{
    struct notch_signer signer;
    uint8_t secret[32] = {1};
    notch_secrets_seal(context);
    enum notch_err err = notch_secrets_add(context, &signer, secret);
    (void)err;
}

static void test_sealed_store_takes_no_more(void **state)
{
    (void)state;
    struct notch_secrets *secrets = make_store(2);
    assert_true(notch_test_breaks(add_after_sealing, secrets, "!secrets->sealed"));
    notch_secrets_destroy(secrets);
}

/* Whether touching this byte kills a child process; the handlers of a sanitizer are put aside first. */
static bool touching_kills(volatile uint8_t *byte, bool write)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct sigaction plain = {.sa_handler = SIG_DFL};
        struct rlimit no_core = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)sigaction(SIGSEGV, &plain, NULL);
        uint8_t value = *byte;
        if (write) {
            *byte = value;
        }
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static void test_sealed_memory_is_read_only(void **state)
{
    (void)state;
    struct notch_secrets *secrets = make_store(1);
    struct notch_signer signer;
    uint8_t secret[32] = {1};
    assert_int_equal(notch_secrets_add(secrets, &signer, secret), NOTCH_OK);
    volatile uint8_t *byte = (volatile uint8_t *)(uintptr_t)signer.secret;
    assert_false(touching_kills(byte, true));
    notch_secrets_seal(secrets);
    assert_false(touching_kills(byte, false));
    assert_true(touching_kills(byte, true));
    /* The page behind the block is a guard: an overrun dies at once. */
    assert_true(touching_kills((volatile uint8_t *)(uintptr_t)(signer.prepared + 1), false));
    notch_secrets_destroy(secrets);
}

static void test_memory_begins_as_zeros(void **state)
{
    (void)state;
    static const uint8_t zeros[1000];
    void *memory = notch_secrets_alloc(sizeof zeros);
    assert_non_null(memory);
    assert_memory_equal(memory, zeros, sizeof zeros);
    notch_secrets_free(memory);
    notch_secrets_free(NULL);
}

static void test_random_bytes_differ(void **state)
{
    (void)state;
    uint8_t bytes[8][32];
    for (size_t i = 0; i < 8; i++) {
        notch_random_fill(bytes[i], sizeof bytes[i]);
        for (size_t k = 0; k < i; k++) {
            assert_memory_not_equal(bytes[i], bytes[k], sizeof bytes[i]);
        }
    }
    /* Every part of a long block is filled. */
    size_t len = (size_t)1 << 20;
    uint8_t *many = test_calloc(1, len);
    notch_random_fill(many, len);
    for (size_t at = 0; at < len; at += 4096) {
        uint8_t any = 0;
        for (size_t i = 0; i < 32; i++) {
            any |= many[at + i];
        }
        assert_true(any != 0);
    }
    test_free(many);
    notch_random_fill(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signers_sign),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_sealed_store_takes_no_more),
        cmocka_unit_test(test_sealed_memory_is_read_only),
        cmocka_unit_test(test_memory_begins_as_zeros),
        cmocka_unit_test(test_random_bytes_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
