/*
 * ai/agent/pricing/floats.h: floating point numbers in canonical bytes: their IEEE 754 bits, little endian.
 *
 * Only finite numbers are read: a NaN has many forms, and neither it nor an infinity belongs in a checkpoint.
 *
 * Thread       Any.
 */
#ifndef NOTCH_AI_AGENT_PRICING_FLOATS_H
#define NOTCH_AI_AGENT_PRICING_FLOATS_H

#include "base/codec.h"

void notch_floats_write(struct notch_writer *writer, const float *values, size_t count);
void notch_floats_write_double(struct notch_writer *writer, double value);

/* Zeros from the first bad number on. */
void notch_floats_read(struct notch_reader *reader, float *out, size_t count);
float notch_floats_read_one(struct notch_reader *reader);
double notch_floats_read_double(struct notch_reader *reader);

/* A number outside of [least, most] fails. */
float notch_floats_read_within(struct notch_reader *reader, float least, float most);

#endif
