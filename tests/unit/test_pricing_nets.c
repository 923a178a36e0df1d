/*
 * The numerical parts of the pricing agent. Every gradient is held against differences of a second implementation in
 * double precision, written from the formulas and not from the code.
 */
#include "ai/agent/pricing/adam.h"
#include "ai/agent/pricing/mlp.h"
#include "ai/agent/pricing/price.h"
#include "ai/agent/pricing/squash.h"
#include "ai/agent/pricing/teacher.h"
#include "tests/support/alloc.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ROWS 5
#define FLOATS 4096
#define STEP 1e-6

static float draw(struct notch_rng *rng)
{
    return (float)((double)notch_rng_below(rng, 2000001) / 1e6 - 1);
}

static void fill(float *out, size_t count, struct notch_rng *rng)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = draw(rng);
    }
}

static void to_double(double *out, const float *in, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = (double)in[i];
    }
}

static void assert_near(double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance * fmax(1, fabs(wanted)))) {
        fail_msg("%.9g is not %.9g", got, wanted);
    }
}

/* ---- the network ---- */

/* The sum over rows and outputs of coefficient * output, in double precision. */
static double reference_loss(const struct notch_mlp_shape *shape, const double *params, const double *input,
                             const double *coefficients)
{
    double loss = 0;
    for (int row = 0; row < ROWS; row++) {
        double here[64];
        memcpy(here, input + (size_t)row * shape->width[0], shape->width[0] * sizeof *here);
        const double *weights = params;
        for (uint32_t layer = 0; layer < shape->layers; layer++) {
            uint32_t inputs = shape->width[layer];
            uint32_t outputs = shape->width[layer + 1];
            double next[64];
            for (uint32_t o = 0; o < outputs; o++) {
                next[o] = weights[inputs * outputs + o];
                for (uint32_t i = 0; i < inputs; i++) {
                    next[o] += here[i] * weights[i * outputs + o];
                }
                if (layer + 1 < shape->layers && next[o] < 0) {
                    next[o] = 0;
                }
            }
            weights += (inputs + 1) * outputs;
            memcpy(here, next, sizeof here);
        }
        uint32_t outputs = shape->width[shape->layers];
        for (uint32_t o = 0; o < outputs; o++) {
            loss += coefficients[(uint32_t)row * outputs + o] * here[o];
        }
    }
    return loss;
}

/* The derivative of the loss by one of the numbers in `moved`, from both sides. */
static double reference_slope(double *moved, const struct notch_mlp_shape *shape, const double *params,
                              const double *input, const double *coefficients)
{
    double before = *moved;
    *moved = before + STEP;
    double above = reference_loss(shape, params, input, coefficients);
    *moved = before - STEP;
    double below = reference_loss(shape, params, input, coefficients);
    *moved = before;
    return (above - below) / (2 * STEP);
}

static void check_gradients(const struct notch_mlp_shape *shape, uint64_t seed)
{
    static float params[FLOATS], grads[FLOATS], input[FLOATS], d_input[FLOATS], d_output[FLOATS];
    static float activations[FLOATS], scratch[FLOATS];
    static double wide_params[FLOATS], wide_input[FLOATS], wide_d_output[FLOATS];
    struct notch_rng rng;
    notch_rng_init(&rng, seed);
    size_t param_count = notch_mlp_param_count(shape);
    size_t input_count = (size_t)ROWS * shape->width[0];
    size_t output_count = (size_t)ROWS * shape->width[shape->layers];
    assert_true(param_count <= FLOATS);
    notch_mlp_init(shape, params, &rng);
    fill(input, input_count, &rng);
    fill(d_output, output_count, &rng);
    to_double(wide_params, params, param_count);
    to_double(wide_input, input, input_count);
    to_double(wide_d_output, d_output, output_count);

    struct notch_mlp_batch batch = {params, input, activations, scratch, ROWS};
    const float *output = notch_mlp_forward(shape, &batch);
    double loss = 0;
    for (size_t i = 0; i < output_count; i++) {
        loss += (double)output[i] * (double)d_output[i];
    }
    assert_near(loss, reference_loss(shape, wide_params, wide_input, wide_d_output), 1e-5);

    notch_mlp_backward(shape, grads, d_input, &batch, d_output);
    for (size_t i = 0; i < param_count; i++) {
        assert_near((double)grads[i], reference_slope(&wide_params[i], shape, wide_params, wide_input, wide_d_output),
                    2e-5);
    }
    for (size_t i = 0; i < input_count; i++) {
        assert_near((double)d_input[i], reference_slope(&wide_input[i], shape, wide_params, wide_input, wide_d_output),
                    2e-5);
    }
}

static void test_every_layer_has_the_gradient_of_its_differences(void **state)
{
    (void)state;
    const struct notch_mlp_shape shapes[] = {
        {1, {3, 2}},
        {2, {4, 7, 1}},
        {3, {3, 16, 16, 2}},
        {4, {5, 9, 3, 8, 4}},
    };
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(shapes); i++) {
        assert_true(notch_mlp_shape_ok(&shapes[i]));
        for (uint64_t seed = 1; seed <= 3; seed++) {
            check_gradients(&shapes[i], seed);
        }
    }
}

/* What goes back through some of the rows is what went back through those of all. */
static void test_kept_rows_go_back_alone(void **state)
{
    (void)state;
    struct notch_mlp_shape shape = notch_mlp_shape(6, 20, 2);
    static float params[FLOATS], input[FLOATS], activations[FLOATS], scratch[FLOATS];
    float all[ROWS * 6], some[2 * 6], d_output[ROWS * 2];
    struct notch_rng rng;
    notch_rng_init(&rng, 10);
    notch_mlp_init(&shape, params, &rng);
    fill(input, (size_t)ROWS * 6, &rng);
    fill(d_output, NOTCH_ARRAY_LEN(d_output), &rng);
    struct notch_mlp_batch batch = {params, input, activations, scratch, ROWS};
    (void)notch_mlp_forward(&shape, &batch);
    notch_mlp_backward(&shape, NULL, all, &batch, d_output);
    const uint32_t rows[2] = {1, 4};
    const float d_kept[4] = {d_output[2], d_output[3], d_output[8], d_output[9]};
    notch_mlp_keep_rows(&shape, &batch, rows, 2);
    batch.rows = 2;
    notch_mlp_backward(&shape, NULL, some, &batch, d_kept);
    for (size_t i = 0; i < 6; i++) {
        assert_near((double)some[i], (double)all[1 * 6 + i], 1e-6);
        assert_near((double)some[6 + i], (double)all[4 * 6 + i], 1e-6);
    }
}

/* One row goes through another routine than many. */
static void test_a_row_alone_gives_what_it_gives_in_a_batch(void **state)
{
    (void)state;
    struct notch_mlp_shape shape = notch_mlp_shape(6, 33, 4);
    static float params[FLOATS], input[FLOATS], together[FLOATS], alone[FLOATS];
    struct notch_rng rng;
    notch_rng_init(&rng, 9);
    notch_mlp_init(&shape, params, &rng);
    fill(input, (size_t)ROWS * 6, &rng);
    struct notch_mlp_batch batch = {params, input, together, NULL, ROWS};
    const float *outputs = notch_mlp_forward(&shape, &batch);
    for (size_t row = 0; row < ROWS; row++) {
        struct notch_mlp_batch one = {params, input + row * 6, alone, NULL, 1};
        const float *output = notch_mlp_forward(&shape, &one);
        for (size_t i = 0; i < 4; i++) {
            assert_near((double)output[i], (double)outputs[row * 4 + i], 1e-6);
        }
    }
}

static void test_shapes_beyond_the_limits_are_refused(void **state)
{
    (void)state;
    struct notch_mlp_shape shape = notch_mlp_shape(NOTCH_MLP_WIDTH_MAX, 1, 1);
    assert_true(notch_mlp_shape_ok(&shape));
    shape.width[0]++;
    assert_false(notch_mlp_shape_ok(&shape));
    shape = notch_mlp_shape(3, 0, 1);
    assert_false(notch_mlp_shape_ok(&shape));
    shape = (struct notch_mlp_shape){.layers = NOTCH_MLP_LAYERS_MAX + 1, .width = {1, 1, 1, 1, 1}};
    assert_false(notch_mlp_shape_ok(&shape));
}

/* ---- the Gaussian behind the tanh ---- */

#define DIMS 2

/* weight * (alpha * log-probability - slope . action), for one row; log(1 - tanh^2) as it is written on paper. */
static double reference_squash(const double outputs[2 * DIMS], const float *noise, const float *slope, double alpha,
                               double *log_prob)
{
    const double pi = 3.14159265358979323846;
    double loss = 0;
    *log_prob = 0;
    for (int i = 0; i < DIMS; i++) {
        double log_std = fmin(fmax(outputs[DIMS + i], -20), 2);
        double e = (double)noise[i];
        double u = outputs[i] + exp(log_std) * e;
        double a = tanh(u);
        *log_prob += -0.5 * e * e - log_std - 0.5 * log(2 * pi) - log(1 - a * a);
        loss -= (double)slope[i] * a;
    }
    return loss + alpha * *log_prob;
}

static void check_squash_row(const float *outputs, const float *noise, const float *slope)
{
    const float alpha = 0.3f;
    const float weight = 0.25f;
    float action[DIMS], log_prob, d_outputs[2 * DIMS];
    struct notch_squash squash = {.rows = 1, .dims = DIMS, .outputs = outputs, .noise = noise};
    notch_squash_draw(action, &log_prob, &squash);
    notch_squash_backward(d_outputs, &squash, action, slope, DIMS, alpha, weight);
    double wide[2 * DIMS], wanted;
    to_double(wide, outputs, NOTCH_ARRAY_LEN(wide));
    (void)reference_squash(wide, noise, slope, (double)alpha, &wanted);
    assert_near((double)log_prob, wanted, 1e-4);
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(wide); i++) {
        double before = wide[i], unused;
        wide[i] = before + STEP;
        double above = reference_squash(wide, noise, slope, (double)alpha, &unused);
        wide[i] = before - STEP;
        double below = reference_squash(wide, noise, slope, (double)alpha, &unused);
        wide[i] = before;
        assert_near((double)d_outputs[i], (double)weight * (above - below) / (2 * STEP), 1e-4);
    }
}

static void test_the_squashed_gaussian_has_the_gradient_of_its_differences(void **state)
{
    (void)state;
    struct notch_rng rng;
    notch_rng_init(&rng, 4);
    for (int round = 0; round < 50; round++) {
        float outputs[2 * DIMS], noise[DIMS], slope[DIMS];
        fill(outputs, NOTCH_ARRAY_LEN(outputs), &rng);
        fill(slope, DIMS, &rng);
        notch_squash_noise(noise, DIMS, &rng);
        check_squash_row(outputs, noise, slope);
    }
    /* Beyond the bounds of log_std nothing moves; a saturated action stays finite. */
    check_squash_row((float[]){0.3f, -0.2f, 2.5f, -21}, (float[]){0.1f, -0.2f}, (float[]){1, -1});
    float action[DIMS], log_prob;
    struct notch_squash far = {1, DIMS, (float[]){60, -60, 0, 0}, (float[]){1, 1}};
    notch_squash_draw(action, &log_prob, &far);
    assert_true(isfinite(log_prob));
    assert_true(action[0] == 1 && action[1] == -1);
}

static void test_noise_is_standard_normal(void **state)
{
    (void)state;
    enum { COUNT = 200000 };
    static float noise[COUNT];
    struct notch_rng rng;
    notch_rng_init(&rng, 5);
    notch_squash_noise(noise, COUNT, &rng);
    double sum = 0, squares = 0, fourths = 0;
    for (size_t i = 0; i < COUNT; i++) {
        double square = (double)noise[i] * (double)noise[i];
        sum += (double)noise[i];
        squares += square;
        fourths += square * square;
    }
    assert_near(sum / COUNT, 0, 0.01);
    assert_near(squares / COUNT, 1, 0.01);
    assert_near(fourths / COUNT, 3, 0.03);
}

/* ---- the optimiser ---- */

static void test_adam_is_adam(void **state)
{
    (void)state;
    struct notch_test_alloc memory;
    notch_test_alloc_init(&memory);
    struct notch_adam adam;
    enum { COUNT = 7 };
    float params[COUNT];
    double wide[COUNT], mean[COUNT] = {0}, variance[COUNT] = {0};
    struct notch_rng rng;
    notch_rng_init(&rng, 6);
    fill(params, COUNT, &rng);
    to_double(wide, params, COUNT);
    notch_adam_init(&adam, &memory.alloc, COUNT, 0.01f);
    for (int step = 1; step <= 40; step++) {
        float grads[COUNT];
        fill(grads, COUNT, &rng);
        notch_adam_step(&adam, params, grads);
        for (int i = 0; i < COUNT; i++) {
            double g = (double)grads[i];
            mean[i] = 0.9 * mean[i] + 0.1 * g;
            variance[i] = 0.999 * variance[i] + 0.001 * g * g;
            wide[i] -= 0.01 * (mean[i] / (1 - pow(0.9, step))) / (sqrt(variance[i] / (1 - pow(0.999, step))) + 1e-8);
            assert_near((double)params[i], wide[i], 2e-5);
        }
    }
    notch_adam_fini(&adam);
    assert_int_equal(memory.live_blocks, 0);
    float target[2] = {0, 10};
    notch_adam_follow(target, (float[]){1, 20}, 2, 0.25f);
    assert_true(target[0] == 0.25f && target[1] == 12.5f);
}

/* ---- prices ---- */

static void test_a_price_is_never_outside_of_its_bounds(void **state)
{
    (void)state;
    const struct notch_price_bounds bounds[] = {{1, 8}, {0.01, 0.010001}, {1e-300, 1e300}, {3, 1e9}};
    const float odd[] = {NAN, INFINITY, -INFINITY, -1, 1, 0, -0.0f, 0.99999994f, -0.99999994f, 1e30f, -1e30f};
    struct notch_rng rng;
    notch_rng_init(&rng, 7);
    for (size_t b = 0; b < NOTCH_ARRAY_LEN(bounds); b++) {
        assert_true(notch_price_of_action(&bounds[b], -1) == bounds[b].min);
        assert_true(notch_price_of_action(&bounds[b], 1) == bounds[b].max);
        for (size_t i = 0; i < 2000; i++) {
            float action = i < NOTCH_ARRAY_LEN(odd) ? odd[i] : 2 * draw(&rng);
            double price = notch_price_of_action(&bounds[b], action);
            assert_true(price >= bounds[b].min && price <= bounds[b].max);
        }
    }
    assert_near((double)notch_price_to_action(&bounds[0], sqrt(8)), 0, 1e-6);
    assert_true(notch_price_to_action(&bounds[0], 9) == 1);
    assert_true(notch_price_to_action(&bounds[0], NAN) == -1);
    assert_false(notch_price_bounds_ok(&(struct notch_price_bounds){2, 2}));
    assert_false(notch_price_bounds_ok(&(struct notch_price_bounds){0, 2}));
    assert_false(notch_price_bounds_ok(&(struct notch_price_bounds){1, INFINITY}));
}

static void test_nor_is_one_in_micro_units(void **state)
{
    (void)state;
    const struct notch_price bounds[][2] = {
        {{1}, {2}},
        {{1000000}, {8000000}},
        {{INT64_MAX - 1}, {INT64_MAX}},
        {{1}, {INT64_MAX}},
        {{(INT64_C(1) << 53) + 1}, {(INT64_C(1) << 53) + 5}},
    };
    for (size_t b = 0; b < NOTCH_ARRAY_LEN(bounds); b++) {
        for (int i = -120; i <= 120; i++) {
            struct notch_price price = notch_price_micro_of_action(bounds[b][0], bounds[b][1], (float)i / 100);
            assert_true(price.raw >= bounds[b][0].raw && price.raw <= bounds[b][1].raw);
        }
    }
    assert_int_equal(notch_price_micro_of_action(bounds[1][0], bounds[1][1], -1).raw, 1000000);
    assert_int_equal(notch_price_micro_of_action(bounds[1][0], bounds[1][1], 1).raw, 8000000);
    assert_int_equal(notch_price_micro_of_action(bounds[1][0], bounds[1][1], 0).raw, 2828427);
}

static void test_the_best_prices_are_the_best(void **state)
{
    (void)state;
    assert_near(notch_price_lambert_w(1), 0.567143290409783873, 1e-14); /* the omega constant */
    assert_near(notch_price_lambert_w(2.718281828459045), 1, 1e-14);
    assert_near(notch_price_lambert_w_exp(1000) + log(notch_price_lambert_w_exp(1000)), 1000, 1e-14);
    assert_near(notch_price_lambert_w_exp(-1000), 0, 1e-14);
    for (int i = 0; i < 20; i++) {
        double a = 2 + 0.2 * i, b = 0.8 + 0.06 * i;
        double best = notch_price_logit_best(a, b, 1);
        double profit = (best - 1) * notch_price_logit_share(a, b, best);
        for (double price = 1; price < 12; price += 0.01) {
            assert_true((price - 1) * notch_price_logit_share(a, b, price) <= profit + 1e-12);
        }
        double linear = notch_price_linear_best(a, b, 1);
        for (double price = 1; price < 12; price += 0.01) {
            assert_true(notch_price_linear_profit(a, b, 1, price) <=
                        notch_price_linear_profit(a, b, 1, linear) + 1e-12);
        }
    }
}

/* The belief of a linear market is the least-squares line, once enough was seen; it survives odd sales. */
static void test_a_teacher_learns_the_curve(void **state)
{
    (void)state;
    struct notch_teacher_options options = {
        .demand = NOTCH_TEACHER_LINEAR, .bounds = {1, 8}, .cost = 1, .usual_sales = 10, .noise = 1, .seed = 3};
    struct notch_teacher teacher;
    notch_teacher_init(&teacher, &options);
    for (int i = 0; i < 2000; i++) {
        double price = notch_teacher_suggest(&teacher);
        assert_true(price >= 1 && price <= 8);
        price = 1.5 + 0.01 * (i % 200);
        notch_teacher_observe(&teacher, price, 20 - 4 * price);
    }
    assert_near(teacher.a, 20, 0.01);
    assert_near(teacher.b, 4, 0.01);
    assert_near(notch_teacher_profit(&teacher, 3), 16, 0.01);
    assert_near(notch_teacher_suggest(&teacher), 3, 0.1);
    options.demand = NOTCH_TEACHER_LOGIT;
    options.customers = 20;
    notch_teacher_init(&teacher, &options);
    for (int i = 0; i < 2000; i++) {
        double price = 1.5 + 0.01 * (i % 200);
        notch_teacher_observe(&teacher, price, 20 * notch_price_logit_share(4, 1.5, price));
    }
    assert_near(teacher.a, 4, 0.02);
    assert_near(teacher.b, 1.5, 0.02);
    for (int i = 0; i < 200; i++) { /* nobody, then everybody and more */
        notch_teacher_observe(&teacher, 2, i < 100 ? 0 : 1e9);
        double price = notch_teacher_suggest(&teacher);
        assert_true(price >= 1 && price <= 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_layer_has_the_gradient_of_its_differences),
        cmocka_unit_test(test_kept_rows_go_back_alone),
        cmocka_unit_test(test_a_row_alone_gives_what_it_gives_in_a_batch),
        cmocka_unit_test(test_shapes_beyond_the_limits_are_refused),
        cmocka_unit_test(test_the_squashed_gaussian_has_the_gradient_of_its_differences),
        cmocka_unit_test(test_noise_is_standard_normal),
        cmocka_unit_test(test_adam_is_adam),
        cmocka_unit_test(test_a_price_is_never_outside_of_its_bounds),
        cmocka_unit_test(test_nor_is_one_in_micro_units),
        cmocka_unit_test(test_the_best_prices_are_the_best),
        cmocka_unit_test(test_a_teacher_learns_the_curve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
