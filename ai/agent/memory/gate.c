#include "ai/agent/memory/gate.h"

#include "ai/agent/memory/number.h"
#include "ai/agent/signal/robust.h"

#include <math.h>
#include <string.h>

#define FRESH_MAX 8
#define MAD_MIN 0.002 /* a market that hardly moves: a change of 1% is no anomaly */

static void measure(struct notch_gate *gate)
{
    double scratch[NOTCH_GATE_WINDOW];
    gate->median = notch_median(gate->window, gate->count, scratch);
    gate->mad = notch_mad(gate->window, gate->count, gate->median, scratch);
    gate->fresh = 0;
}

static void keep(struct notch_gate *gate, double log_price)
{
    gate->window[gate->next] = log_price;
    gate->next = (gate->next + 1) % NOTCH_GATE_WINDOW;
    gate->count = gate->count < NOTCH_GATE_WINDOW ? gate->count + 1 : gate->count;
    gate->fresh++;
    gate->run = 0;
    if (gate->fresh == FRESH_MAX || gate->count <= NOTCH_GATE_MIN) {
        measure(gate);
    }
}

enum notch_gate_verdict notch_gate_take(struct notch_gate *gate, double price)
{
    double log_price = log(price);
    if (gate->count < NOTCH_GATE_MIN) {
        keep(gate, log_price);
        return NOTCH_GATE_PASS;
    }
    double far = fabs(log_price - gate->median);
    if (far > log(NOTCH_GATE_FACTOR)) {
        gate->run++;
        if (gate->run < NOTCH_GATE_RUN) {
            return NOTCH_GATE_REFUSE;
        }
        memset(gate, 0, sizeof *gate);
        keep(gate, log_price);
        return NOTCH_GATE_ANOMALY;
    }
    bool stands_out = 0.6745 * far > NOTCH_ROBUST_OUTLIER * fmax(gate->mad, MAD_MIN);
    keep(gate, log_price);
    return stands_out ? NOTCH_GATE_ANOMALY : NOTCH_GATE_PASS;
}

void notch_gate_write(struct notch_writer *writer, const struct notch_gate *gate)
{
    notch_write_uvar(writer, gate->count);
    notch_write_uvar(writer, gate->next);
    notch_write_uvar(writer, gate->fresh);
    notch_write_uvar(writer, gate->run);
    for (uint32_t i = 0; i < gate->count; i++) {
        notch__write_double(writer, gate->window[i]);
    }
    notch__write_double(writer, gate->median);
    notch__write_double(writer, gate->mad);
}

void notch_gate_read(struct notch_reader *reader, struct notch_gate *out)
{
    memset(out, 0, sizeof *out);
    out->count = (uint32_t)notch_read_uvar_max(reader, NOTCH_GATE_WINDOW);
    out->next = (uint32_t)notch_read_uvar_max(reader, NOTCH_GATE_WINDOW - 1);
    out->fresh = (uint32_t)notch_read_uvar_max(reader, FRESH_MAX - 1);
    out->run = (uint32_t)notch_read_uvar_max(reader, NOTCH_GATE_RUN - 1);
    if (out->count < NOTCH_GATE_WINDOW && out->next != out->count) {
        notch_reader_fail(reader);
    }
    for (uint32_t i = 0; i < out->count; i++) {
        out->window[i] = notch__read_double(reader, -20, 40);
    }
    out->median = notch__read_double(reader, -20, 40);
    out->mad = notch__read_double(reader, 0, 60);
}
