#include "ai/rules/compute.h"
#include "base/rng.h"
#include "tests/support/gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

__extension__ typedef unsigned __int128 wide;

enum { N = NOTCH_COMPUTE_SIZE, LEAST = NOTCH_COMPUTE_DIFFICULTY_MIN };

static struct notch_hash hash_of(uint64_t number)
{
    struct notch_hash hash;
    notch_sha256(&hash, notch_bytes(&number, sizeof number));
    return hash;
}

/* ---- the same product by another arithmetic ---- */

static wide prime(void)
{
    return ((wide)1 << 89) - 1;
}

static void reference(uint8_t *answer, const struct notch_hash *seed, uint32_t difficulty)
{
    static wide product[N][N];
    static wide next[N][N];
    struct notch_rng rng;
    for (size_t i = 0; i < 4; i++) {
        rng.state[i] = 0;
        for (size_t b = 8; b-- > 0;) {
            rng.state[i] = rng.state[i] << 8 | seed->raw[8 * i + b];
        }
    }
    rng.state[0] |= 1;
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < N; j++) {
            product[i][j] = i == j;
        }
    }
    for (uint32_t k = 0; k < difficulty; k++) {
        memset(next, 0, sizeof next);
        for (size_t row = 0; row < N; row++) {
            for (size_t word = 0; word < 6; word++) {
                uint64_t drawn = notch_rng_u64(&rng);
                for (size_t b = 0; b < 8 && 8 * word + b < N; b++) {
                    uint64_t entry = drawn >> (8 * b) & 0xff;
                    for (size_t i = 0; i < N; i++) {
                        next[i][8 * word + b] += product[i][row] * entry;
                    }
                }
            }
        }
        for (size_t i = 0; i < N; i++) {
            for (size_t j = 0; j < N; j++) {
                product[i][j] = next[i][j] % prime();
            }
        }
    }
    for (size_t i = 0; i < (size_t)N * N; i++) {
        for (size_t b = 0; b < NOTCH_COMPUTE_ENTRY_BYTES; b++) {
            answer[NOTCH_COMPUTE_ENTRY_BYTES * i + b] = (uint8_t)(product[i / N][i % N] >> (8 * b));
        }
    }
}

static void the_product_is_the_product(void **state)
{
    (void)state;
    static uint8_t expected[NOTCH_COMPUTE_ANSWER_BYTES];
    struct notch_buf answer;
    notch_buf_init(&answer, notch_alloc_heap());
    for (uint32_t i = 0; i < 3; i++) {
        struct notch_hash seed = hash_of(i);
        if (i == 2) {
            memset(seed.raw, 0, sizeof seed.raw);
        }
        notch_buf_clear(&answer);
        notch_compute_solve(&answer, &seed, LEAST + i, notch_alloc_heap());
        reference(expected, &seed, LEAST + i);
        assert_true(notch_bytes_eq(notch_buf_bytes(&answer), notch_bytes(expected, sizeof expected)));
    }
    notch_buf_fini(&answer);
}

/* ---- checking ---- */

static void a_right_answer_passes_every_row(void **state)
{
    (void)state;
    struct notch_buf answer;
    notch_buf_init(&answer, notch_alloc_heap());
    struct notch_hash seed = hash_of(7);
    notch_compute_solve(&answer, &seed, LEAST, notch_alloc_heap());
    assert_true(notch_is_valid(notch_compute_form(notch_buf_bytes(&answer))));
    for (uint64_t i = 0; i < 50; i++) {
        struct notch_hash later = hash_of(1000 + i);
        memset(later.raw, i == 0 ? 0xff : later.raw[0], i == 0 ? sizeof later.raw : 0);
        assert_true(notch_compute_is_right(notch_buf_bytes(&answer), &seed, LEAST, &later));
    }
    struct notch_hash other = hash_of(8);
    assert_false(notch_compute_is_right(notch_buf_bytes(&answer), &other, LEAST, &seed));
    assert_false(notch_compute_is_right(notch_buf_bytes(&answer), &seed, LEAST + 1, &other));
    notch_buf_fini(&answer);
}

struct altered {
    struct notch_bytes answer;
    struct notch_hash seed;
};

/* One to four bits of the answer are another: a row that is drawn later finds it. */
static const char *an_altered_answer_fails(struct notch_gen *gen, void *context)
{
    const struct altered *altered = context;
    uint8_t *copy = malloc(altered->answer.len);
    memcpy(copy, altered->answer.data, altered->answer.len);
    uint64_t bits = 1 + notch_gen_below(gen, 4);
    for (uint64_t i = 0; i < bits; i++) {
        uint64_t entry = notch_gen_below(gen, (uint64_t)N * N);
        uint64_t bit = notch_gen_below(gen, 89);
        copy[NOTCH_COMPUTE_ENTRY_BYTES * entry + bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    struct notch_bytes bytes = notch_bytes(copy, altered->answer.len);
    struct notch_hash later = hash_of(notch_gen_u64(gen));
    bool is_same = notch_bytes_eq(bytes, altered->answer);
    bool is_form = notch_is_valid(notch_compute_form(bytes));
    bool is_right = is_form && notch_compute_is_right(bytes, &altered->seed, LEAST, &later);
    free(copy);
    return is_right == is_same ? NULL : "a wrong answer passes";
}

static void no_altered_answer_passes(void **state)
{
    (void)state;
    struct notch_buf answer;
    notch_buf_init(&answer, notch_alloc_heap());
    struct altered altered = {.seed = hash_of(9)};
    notch_compute_solve(&answer, &altered.seed, LEAST, notch_alloc_heap());
    altered.answer = notch_buf_bytes(&answer);
    assert_true(notch_property_holds("altered", 400, 3, an_altered_answer_fails, &altered));
    notch_buf_fini(&answer);
}

/* One entry, one encoding: p itself and what lies above are refused. */
static void entries_stay_below_the_prime(void **state)
{
    (void)state;
    static uint8_t answer[NOTCH_COMPUTE_ANSWER_BYTES];
    struct notch_bytes bytes = notch_bytes(answer, sizeof answer);
    assert_true(notch_is_valid(notch_compute_form(bytes)));
    memset(answer + 24, 0xff, 11);
    answer[24 + 11] = 1;
    assert_int_equal(notch_compute_form(bytes).code, NOTCH_REJECT_BOUNDS);
    answer[24] = 0xfe;
    assert_true(notch_is_valid(notch_compute_form(bytes)));
    answer[24 + 11] = 2;
    assert_int_equal(notch_compute_form(bytes).code, NOTCH_REJECT_BOUNDS);
    assert_int_equal(notch_compute_form(notch_bytes(answer, sizeof answer - 1)).code, NOTCH_REJECT_MALFORMED);
    assert_int_equal(notch_compute_form(notch_bytes(answer, 0)).code, NOTCH_REJECT_MALFORMED);
}

/* ---- difficulty ---- */

/* Solvers that manage up to 100 factors in time: the difficulty finds them and stays with them. */
static void difficulty_finds_the_solvers(void **state)
{
    (void)state;
    uint32_t difficulty = NOTCH_COMPUTE_DIFFICULTY_START;
    assert_int_equal(notch_compute_difficulty_next(64, 0, 0), 64);
    assert_int_equal(notch_compute_difficulty_next(64, 95, 100), 73);
    assert_int_equal(notch_compute_difficulty_next(64, 94, 100), 64);
    assert_int_equal(notch_compute_difficulty_next(64, 80, 100), 64);
    assert_int_equal(notch_compute_difficulty_next(64, 79, 100), 55);
    for (unsigned window = 0; window < 200; window++) {
        /* Account i manages 60 + i. */
        uint32_t in_time = difficulty <= 60 ? 100 : difficulty >= 160 ? 0 : 160 - difficulty;
        difficulty = notch_compute_difficulty_next(difficulty, in_time, 100);
        assert_true(window < 20 || (difficulty >= 55 && difficulty <= 85));
    }
    for (unsigned window = 0; window < 100; window++) {
        difficulty = notch_compute_difficulty_next(difficulty, UINT32_MAX, UINT32_MAX);
    }
    assert_int_equal(difficulty, NOTCH_COMPUTE_DIFFICULTY_MAX);
    for (unsigned window = 0; window < 100; window++) {
        difficulty = notch_compute_difficulty_next(difficulty, 0, UINT32_MAX);
    }
    assert_int_equal(difficulty, NOTCH_COMPUTE_DIFFICULTY_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_product_is_the_product),   cmocka_unit_test(a_right_answer_passes_every_row),
        cmocka_unit_test(no_altered_answer_passes),     cmocka_unit_test(entries_stay_below_the_prime),
        cmocka_unit_test(difficulty_finds_the_solvers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
