#include "ai/rules/net8.h"
#include "tests/support/alloc.h"
#include "tests/support/gen.h"
#include "tests/support/net8.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void run(int16_t *outputs, const struct notch_net8 *network, const int8_t *inputs)
{
    void *scratch = malloc(notch_net8_scratch(network));
    assert_non_null(scratch);
    notch_net8_run(network, outputs, inputs, scratch);
    free(scratch);
}

/* ---- against the reference ---- */

static const char *same_as_reference(struct notch_gen *gen, void *context)
{
    (void)context;
    struct notch_rng rng;
    notch_rng_init(&rng, notch_gen_u64(gen));
    uint32_t widths[NOTCH_MODEL_LAYERS_MAX];
    uint32_t count = 2 + (uint32_t)notch_gen_below(gen, 4);
    for (uint32_t i = 0; i < count; i++) {
        widths[i] = 1 + (uint32_t)notch_gen_below(gen, 40);
    }
    enum notch_activation last = (enum notch_activation)notch_gen_below(gen, NOTCH_ACTIVATION_SOFTMAX);
    struct notch_buf bytes;
    struct notch_buf again;
    notch_buf_init(&bytes, notch_alloc_heap());
    notch_buf_init(&again, notch_alloc_heap());
    notch_test_net8(&bytes, &rng, widths, count, last, notch_gen_below(gen, 4) == 0);
    struct notch_net8 network;
    const char *broken = NULL;
    if (!notch_is_valid(notch_net8_decode(&network, notch_buf_bytes(&bytes)))) {
        broken = "what was encoded is refused";
    } else {
        notch_net8_encode(&again, &network);
        broken = notch_bytes_eq(notch_buf_bytes(&bytes), notch_buf_bytes(&again)) ? NULL : "another encoding";
        int8_t inputs[40];
        int16_t outputs[40];
        int16_t expected[40];
        for (uint32_t i = 0; i < widths[0]; i++) {
            inputs[i] = (int8_t)((int)notch_rng_below(&rng, 256) - 128);
        }
        run(outputs, &network, inputs);
        notch_test_net8_reference(expected, &network, inputs);
        if (memcmp(outputs, expected, widths[count - 1] * sizeof *outputs) != 0) {
            broken = "another result than the reference";
        }
    }
    notch_buf_fini(&again);
    notch_buf_fini(&bytes);
    return broken;
}

static void inference_equals_the_reference(void **state)
{
    (void)state;
    assert_true(notch_property_holds("net8", 1500, 21, same_as_reference, NULL));
}

/* The widest layer that is allowed, with everything at the ends of its range: the sums reach 2^31 - 1 and no further.
 * The sanitizers see an overflow, the reference a wrong sum. */
static void nothing_overflows_at_the_ends(void **state)
{
    (void)state;
    static const int8_t ends[2] = {-128, 127};
    int8_t *inputs = malloc(NOTCH_MODEL_WIDTH_MAX);
    int8_t *weights = malloc(NOTCH_MODEL_WIDTH_MAX);
    assert_non_null(inputs);
    assert_non_null(weights);
    for (unsigned c = 0; c < 32; c++) {
        uint8_t bias[4];
        struct notch_writer writer = notch_writer(bias, sizeof bias);
        int32_t b = (c & 4) != 0 ? NOTCH_NET8_BIAS_MAX : -NOTCH_NET8_BIAS_MAX;
        notch_write_u32(&writer, (uint32_t)b);
        memset(inputs, ends[c & 1], NOTCH_MODEL_WIDTH_MAX);
        memset(weights, ends[c >> 1 & 1], NOTCH_MODEL_WIDTH_MAX);
        uint32_t shift = (c & 8) != 0 ? NOTCH_NET8_SHIFT_MAX : 47;
        uint32_t multiplier = (c & 16) != 0 ? NOTCH_NET8_MULTIPLIER_MAX : NOTCH_NET8_MULTIPLIER_MIN;
        struct notch_net8 network = {.width_count = 2, .widths = {NOTCH_MODEL_WIDTH_MAX, 1}};
        network.layers[0] = (struct notch_net8_layer){
            NOTCH_ACTIVATION_WIDE, NOTCH_MODEL_WIDTH_MAX, 1, multiplier, shift, bias, weights, NULL};
        int16_t output;
        int16_t expected;
        run(&output, &network, inputs);
        notch_test_net8_reference(&expected, &network, inputs);
        assert_int_equal(output, expected);
        int64_t acc = b + (int64_t)NOTCH_MODEL_WIDTH_MAX * ends[c & 1] * ends[c >> 1 & 1];
        assert_true(acc >= -INT64_C(0x7fffffff) && acc <= INT64_C(0x7fffffff));
    }
    free(weights);
    free(inputs);
}

static void scaling_rounds_half_away_from_zero(void **state)
{
    (void)state;
    const uint32_t half = NOTCH_NET8_MULTIPLIER_MIN; /* with a shift of 31 */
    assert_int_equal(notch_net8_scale(1, half, 31), 1);
    assert_int_equal(notch_net8_scale(-1, half, 31), -1);
    assert_int_equal(notch_net8_scale(3, half, 31), 2);
    assert_int_equal(notch_net8_scale(-3, half, 31), -2);
    assert_int_equal(notch_net8_scale(2, half, 31), 1);
    assert_int_equal(notch_net8_scale(0, half, 0), 0);
    assert_int_equal(notch_net8_scale(INT32_MAX, NOTCH_NET8_MULTIPLIER_MAX, 0),
                     (int64_t)INT32_MAX * NOTCH_NET8_MULTIPLIER_MAX);
    assert_int_equal(notch_net8_scale(INT32_MIN, NOTCH_NET8_MULTIPLIER_MAX, 0),
                     (int64_t)INT32_MIN * NOTCH_NET8_MULTIPLIER_MAX);
    assert_int_equal(notch_net8_scale(INT32_MIN, NOTCH_NET8_MULTIPLIER_MAX, 62), -1);
    assert_int_equal(notch_net8_scale(INT32_MIN, half, 62), -1);
    assert_int_equal(notch_net8_scale(INT32_MAX, half, 62), 0);
}

/* ---- softmax ---- */

static void softmax_is_close_to_the_exponential(void **state)
{
    (void)state;
    enum { MANY = 16 };
    struct notch_rng rng;
    notch_rng_init(&rng, 5);
    double worst = 0;
    for (int turn = 0; turn < 2000; turn++) {
        uint8_t biases[4 * MANY];
        int8_t weights[MANY] = {0};
        int16_t logits[MANY];
        struct notch_writer writer = notch_writer(biases, sizeof biases);
        for (size_t i = 0; i < MANY; i++) {
            int32_t spread = turn % 2 == 0 ? 4096 : 65536;
            logits[i] = (int16_t)((int32_t)notch_rng_below(&rng, (uint64_t)spread) - spread / 2);
            notch_write_u32(&writer, (uint32_t)(int32_t)logits[i]);
        }
        struct notch_net8 network = {.width_count = 2, .widths = {1, MANY}};
        network.layers[0] = (struct notch_net8_layer){
            NOTCH_ACTIVATION_SOFTMAX, 1, MANY, NOTCH_NET8_MULTIPLIER_MIN, 30, biases, weights, NULL};
        int16_t outputs[MANY];
        int8_t input = 1;
        run(outputs, &network, &input);
        double sum = 0;
        int32_t total = 0;
        for (size_t i = 0; i < MANY; i++) {
            sum += exp(logits[i] / 256.0);
        }
        for (size_t i = 0; i < MANY; i++) {
            double off = fabs(outputs[i] / 32767.0 - exp(logits[i] / 256.0) / sum);
            worst = off > worst ? off : worst;
            assert_true(outputs[i] >= 0);
            total += outputs[i];
        }
        assert_in_range(total, 32767 - MANY, 32767 + MANY);
    }
    assert_true(worst < 0.004);
}

/* ---- what is refused ---- */

/* version 1, units 1 and 1, widths 1 and 1, one layer: linear, 2^30, shift 30, bias 5, weight 3. */
static const uint8_t small[] = {1, 1, 1, 2, 1, 1, 0, 0, 0, 0, 0x40, 30, 5, 0, 0, 0, 3};

static enum notch_reject_code code_of(size_t at, uint8_t value, size_t len)
{
    uint8_t bytes[sizeof small];
    memcpy(bytes, small, sizeof small);
    if (at < sizeof small) {
        bytes[at] = value;
    }
    uint8_t *exact = malloc(len > 0 ? len : 1); /* of its very length, so that a read behind it is found */
    assert_non_null(exact);
    memcpy(exact, bytes, len);
    struct notch_net8 network;
    enum notch_reject_code code = notch_net8_decode(&network, notch_bytes(exact, len)).code;
    free(exact);
    return code;
}

static void bad_bytes_are_refused(void **state)
{
    (void)state;
    const size_t all = sizeof small;
    assert_int_equal(code_of(all, 0, all), NOTCH_REJECT_NONE);
    for (size_t len = 0; len < all; len++) {
        assert_int_not_equal(code_of(all, 0, len), NOTCH_REJECT_NONE);
    }
    assert_int_equal(code_of(0, 2, all), NOTCH_REJECT_VERSION);
    assert_int_equal(code_of(1, 0, all), NOTCH_REJECT_BOUNDS);
    assert_int_equal(code_of(3, 1, all), NOTCH_REJECT_BOUNDS);
    assert_int_equal(code_of(3, 17, all), NOTCH_REJECT_MALFORMED);
    assert_int_equal(code_of(4, 0, all), NOTCH_REJECT_BOUNDS);
    assert_int_equal(code_of(4, 2, all), NOTCH_REJECT_MALFORMED);
    assert_int_equal(code_of(6, 5, all), NOTCH_REJECT_MALFORMED);
    assert_int_equal(code_of(10, 0x3f, all), NOTCH_REJECT_BOUNDS);
    assert_int_equal(code_of(10, 0x80, all), NOTCH_REJECT_BOUNDS);
    assert_int_equal(code_of(11, 63, all), NOTCH_REJECT_BOUNDS);
    assert_int_equal(code_of(15, 0x40, all), NOTCH_REJECT_BOUNDS);
    uint8_t longer[sizeof small + 1] = {0};
    memcpy(longer, small, sizeof small);
    struct notch_net8 network;
    assert_int_equal(notch_net8_decode(&network, notch_bytes(longer, sizeof longer)).code, NOTCH_REJECT_MALFORMED);
}

/* Wide and softmax before the last layer. */
static void wide_layers_stand_last(void **state)
{
    (void)state;
    for (uint8_t activation = 0; activation < 5; activation++) {
        const uint8_t bytes[] = {1, 1, 1, 3, 1, 1, 1, activation, 0,  0, 0, 0x40, 30, 5, 0,
                                 0, 0, 3, 0, 0, 0, 0, 0x40,       30, 5, 0, 0,    0,  3};
        struct notch_net8 network;
        enum notch_reject_code code = notch_net8_decode(&network, notch_bytes(bytes, sizeof bytes)).code;
        bool is_last_only = activation >= NOTCH_ACTIVATION_WIDE;
        enum notch_reject_code expected = is_last_only                           ? NOTCH_REJECT_BOUNDS
                                          : activation == NOTCH_ACTIVATION_TABLE ? NOTCH_REJECT_MALFORMED
                                                                                 : NOTCH_REJECT_NONE;
        assert_int_equal(code, expected);
    }
}

static void a_model_names_its_network(void **state)
{
    (void)state;
    struct notch_bytes bytes = notch_bytes(small, sizeof small);
    struct notch_net8 network;
    assert_true(notch_is_valid(notch_net8_decode(&network, bytes)));
    struct notch_model model = {.bytes = sizeof small, .layer_count = 2, .layers = {1, 1}};
    notch_model_root(&model.root, bytes);
    assert_true(notch_is_valid(notch_net8_matches(&network, bytes, &model)));
    struct notch_model other = model;
    other.root = (struct notch_hash){{1}};
    assert_int_equal(notch_net8_matches(&network, bytes, &other).code, NOTCH_REJECT_ROOT);
    other = model;
    other.layers[1] = 2;
    assert_int_equal(notch_net8_matches(&network, bytes, &other).code, NOTCH_REJECT_BOUNDS);
    other = model;
    other.bytes++;
    assert_int_equal(notch_net8_matches(&network, bytes, &other).code, NOTCH_REJECT_BOUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inference_equals_the_reference),
        cmocka_unit_test(nothing_overflows_at_the_ends),
        cmocka_unit_test(scaling_rounds_half_away_from_zero),
        cmocka_unit_test(softmax_is_close_to_the_exponential),
        cmocka_unit_test(bad_bytes_are_refused),
        cmocka_unit_test(wide_layers_stand_last),
        cmocka_unit_test(a_model_names_its_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
