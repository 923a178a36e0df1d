/*
 * ai/agent/memory/gate.h: whether a price can be one of this market, by the last prices that were.
 *
 * A price more than NOTCH_GATE_FACTOR times above or below the median of the last ones is refused: it is a slip of the
 * decimal point, of the currency or of the unit. When NOTCH_GATE_RUN come in a row they are no slip: the window begins
 * anew. A price within these bounds that has a robust z of more than 3.5 in log price is an anomaly: it is learnt from,
 * and counted.
 *
 * The median and the mad are taken anew after every 8 prices, so that a price costs little.
 *
 * Ownership    A value without pointers.
 * Thread       One at a time.
 */
#ifndef NOTCH_AI_AGENT_MEMORY_GATE_H
#define NOTCH_AI_AGENT_MEMORY_GATE_H

#include "base/codec.h"

#include <stdbool.h>
#include <stdint.h>

#define NOTCH_GATE_WINDOW 63
#define NOTCH_GATE_FACTOR 100.0
#define NOTCH_GATE_RUN 16
#define NOTCH_GATE_MIN 5 /* prices before which everything passes */

struct notch_gate {
    uint32_t count;
    uint32_t next;                    /* where the next one goes */
    uint32_t fresh;                   /* taken since the middle was computed */
    uint32_t run;                     /* refused in a row */
    double window[NOTCH_GATE_WINDOW]; /* log prices */
    double median, mad;
};

enum notch_gate_verdict { NOTCH_GATE_PASS, NOTCH_GATE_ANOMALY, NOTCH_GATE_REFUSE };

enum notch_gate_verdict notch_gate_take(struct notch_gate *gate, double price);

void notch_gate_write(struct notch_writer *writer, const struct notch_gate *gate);
void notch_gate_read(struct notch_reader *reader, struct notch_gate *out);

#endif
