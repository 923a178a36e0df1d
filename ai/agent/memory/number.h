/*
 * ai/agent/memory/number.h: the numbers that a price memory keeps, their bounds, and their bytes.
 *
 * A double goes into bytes as its IEEE 754 bits in a u64. Only finite numbers within the bounds that the reader is
 * given come back, and never -0, so that bytes and values are one to one.
 *
 * Thread       Pure functions.
 */
#ifndef NOTCH_AI_AGENT_MEMORY_NUMBER_H
#define NOTCH_AI_AGENT_MEMORY_NUMBER_H

#include "base/codec.h"

#include <stdbool.h>

/* Prices: the micro-units of the chain, a 64-bit integer; and rewards. */
#define NOTCH_MEMORY_PRICE_MIN 1e-6
#define NOTCH_MEMORY_PRICE_MAX 9e12
#define NOTCH_MEMORY_REWARD_MAX 1e12
#define NOTCH_MEMORY_WEIGHT_MAX 1e15

void notch__write_double(struct notch_writer *writer, double value);

/* Fails the reader, and gives `least`, where it is not in [least, most]. */
double notch__read_double(struct notch_reader *reader, double least, double most);

/* A byte, 0 or 1. */
bool notch__read_flag(struct notch_reader *reader);

#endif
