/* The verifiable random function against vectors of another program, and all that may be wrong with a proof. */
#include "base/ecvrf.h"
#include "base/secp.h"
#include "tests/support/vectors.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define VECTORS 16
#define THREADS 8

static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                  0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
                                  0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};

static pthread_barrier_t start;

static void *ask_for_context(void *out)
{
    (void)pthread_barrier_wait(&start);
    *(const void **)out = notch_secp_context();
    return NULL;
}

/* Runs first: the context is made by all threads at once, and there is one. */
static void test_context_is_one_for_all_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    const void *contexts[THREADS];
    assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_for_context, &contexts[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_non_null(contexts[i]);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_ptr_equal(contexts[i], notch_secp_context());
    }
    assert_int_equal(pthread_barrier_destroy(&start), 0);
}

struct vector {
    uint8_t secret[32];
    struct notch_signer signer;
    struct notch_hash input;
    struct notch_hash output;
    struct notch_vrf_proof proof;
};

static void read_vector(struct vector *out, const json_t *row)
{
    notch_test_vectors_hex_exact(out->secret, sizeof out->secret, row, "secret");
    notch_test_vectors_hex_exact(out->signer.key.raw, 32, row, "key");
    notch_test_vectors_hex_exact(out->input.raw, 32, row, "input");
    notch_test_vectors_hex_exact(out->output.raw, 32, row, "output");
    notch_test_vectors_hex_exact(out->proof.raw, sizeof out->proof.raw, row, "proof");
    out->signer.secret = out->secret;
}

static void read_first_vector(struct vector *out)
{
    json_t *vectors = notch_test_vectors_open("tests/vectors/vrf.json");
    read_vector(out, json_array_get(notch_test_vectors_rows(vectors, "vectors", VECTORS), 6));
    json_decref(vectors);
}

static void test_vectors(void **state)
{
    (void)state;
    json_t *vectors = notch_test_vectors_open("tests/vectors/vrf.json");
    size_t odd = 0;
    size_t index = 0;
    json_t *row = NULL;
    json_array_foreach(notch_test_vectors_rows(vectors, "vectors", VECTORS), index, row)
    {
        struct vector vector;
        struct notch_vrf_proof proof;
        struct notch_hash output;
        read_vector(&vector, row);
        assert_true(notch_ecvrf_prove(&proof, &vector.signer, &vector.input));
        assert_memory_equal(proof.raw, vector.proof.raw, sizeof proof.raw);
        assert_true(notch_ecvrf_verify(&output, &vector.signer.key, &vector.input, &proof));
        assert_memory_equal(output.raw, vector.output.raw, sizeof output.raw);
        odd += strcmp(notch_test_vectors_text(row, "y_of_secret"), "odd") == 0;
    }
    /* Both halves of the x-only convention are in the vectors. */
    assert_in_range(odd, 1, VECTORS - 1);
    json_decref(vectors);
}

static bool accepts(const struct vector *vector)
{
    struct notch_hash output;
    return notch_ecvrf_verify(&output, &vector->signer.key, &vector->input, &vector->proof);
}

static void flip(uint8_t *bytes, size_t bit)
{
    bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1U << bit % 8);
}

static void test_no_altered_proof_is_accepted(void **state)
{
    (void)state;
    struct vector vector;
    read_first_vector(&vector);
    assert_true(accepts(&vector));
    for (size_t bit = 0; bit < 8 * sizeof vector.proof.raw; bit++) {
        flip(vector.proof.raw, bit);
        assert_false(accepts(&vector));
        flip(vector.proof.raw, bit);
    }
    for (size_t bit = 0; bit < 256; bit++) {
        flip(vector.input.raw, bit);
        assert_false(accepts(&vector));
        flip(vector.input.raw, bit);
        flip(vector.signer.key.raw, bit);
        assert_false(accepts(&vector));
        flip(vector.signer.key.raw, bit);
    }
    assert_true(accepts(&vector));
}

static void test_every_first_byte_of_gamma(void **state)
{
    (void)state;
    struct vector vector;
    read_first_vector(&vector);
    uint8_t right = vector.proof.raw[0];
    for (unsigned byte = 0; byte < 256; byte++) {
        vector.proof.raw[0] = (uint8_t)byte;
        assert_int_equal(accepts(&vector), byte == right);
    }
}

/* Scalars and points at the edges of what the library takes, each refused without a fuss. */
static void test_edges(void **state)
{
    (void)state;
    struct vector vector;
    struct notch_vrf_proof good;
    read_first_vector(&vector);
    good = vector.proof;
    uint8_t *challenge = vector.proof.raw + 33;
    uint8_t *scalar = vector.proof.raw + 49;
    memset(scalar, 0, 32);
    assert_false(accepts(&vector));
    memcpy(scalar, order, 32);
    assert_false(accepts(&vector));
    memset(scalar, 0xff, 32);
    assert_false(accepts(&vector));
    vector.proof = good;
    memset(challenge, 0, 16);
    assert_false(accepts(&vector));
    memset(scalar, 0, 32);
    assert_false(accepts(&vector));
    memset(vector.proof.raw, 0, sizeof vector.proof.raw);
    assert_false(accepts(&vector));
    memset(vector.proof.raw, 0xff, sizeof vector.proof.raw);
    assert_false(accepts(&vector));
    vector.proof = good;
    memset(vector.signer.key.raw, 0, 32);
    assert_false(accepts(&vector));
    memset(vector.signer.key.raw, 0xff, 32);
    assert_false(accepts(&vector));
}

/*
 * With the secret 1 the key is the base point, and s = c makes U = s*B - c*Y the point at infinity: an attempt to meet
 * it must be refused, not computed with.
 */
static void test_point_at_infinity(void **state)
{
    (void)state;
    json_t *vectors = notch_test_vectors_open("tests/vectors/vrf.json");
    struct vector vector;
    read_vector(&vector, json_array_get(notch_test_vectors_rows(vectors, "vectors", VECTORS), 0));
    assert_true(accepts(&vector));
    memset(vector.proof.raw + 49, 0, 16);
    memcpy(vector.proof.raw + 65, vector.proof.raw + 33, 16);
    assert_false(accepts(&vector));
    json_decref(vectors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_context_is_one_for_all_threads),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_no_altered_proof_is_accepted),
        cmocka_unit_test(test_every_first_byte_of_gamma),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_point_at_infinity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
