/*
 * The canonical bytes of an int8 network.
 *
 * Input        the bytes.
 *
 * What is accepted, encoded again, must be the same bytes, and runs: the outputs equal those of the second way to
 * compute them, whatever the weights, scales and biases are.
 */
#include "base/assert.h"
#include "tests/support/net8.h"

#define WIDTH_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(const struct notch_net8 *network, const uint8_t *data, size_t size)
{
    int8_t inputs[WIDTH_MAX];
    int16_t outputs[WIDTH_MAX];
    int16_t expected[WIDTH_MAX];
    uint8_t scratch[2 * WIDTH_MAX];
    uint32_t last = network->width_count - 1;
    for (uint32_t i = 0; i <= last; i++) {
        if (network->widths[i] > WIDTH_MAX) {
            return;
        }
    }
    notch_assert(notch_net8_scratch(network) <= sizeof scratch);
    for (uint32_t i = 0; i < network->widths[0]; i++) {
        inputs[i] = (int8_t)((int)data[size - 1 - i % size] - 128);
    }
    notch_net8_run(network, outputs, inputs, scratch);
    if (network->layers[last - 1].activation != NOTCH_ACTIVATION_SOFTMAX) {
        notch_test_net8_reference(expected, network, inputs);
        notch_assert(memcmp(outputs, expected, network->widths[last] * sizeof *outputs) == 0);
        return;
    }
    for (uint32_t i = 0; i < network->widths[last]; i++) {
        notch_assert(outputs[i] >= 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct notch_net8 network;
    if (!notch_is_valid(notch_net8_decode(&network, notch_bytes(data, size)))) {
        return 0;
    }
    struct notch_buf again;
    notch_buf_init(&again, notch_alloc_heap());
    notch_net8_encode(&again, &network);
    notch_assert(notch_bytes_eq(notch_buf_bytes(&again), notch_bytes(data, size)));
    notch_buf_fini(&again);
    run(&network, data, size);
    return 0;
}
