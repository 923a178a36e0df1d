/*
 * base/fixed.h: integer arithmetic that refuses to overflow.
 *
 * Every function here answers NOTCH_ERR_OVERFLOW (and leaves the result alone) instead of wrapping, and is must-use.
 * Rounding is named: `rdiv` rounds half away from zero, `div_floor` towards minus infinity.
 *
 * Thread       Pure functions.
 */
#ifndef NOTCH_BASE_FIXED_H
#define NOTCH_BASE_FIXED_H

#include "base/error.h"
#include "base/units.h"

NOTCH_MUST_USE enum notch_err notch_i64_add(int64_t *out, int64_t a, int64_t b);
NOTCH_MUST_USE enum notch_err notch_i64_sub(int64_t *out, int64_t a, int64_t b);
NOTCH_MUST_USE enum notch_err notch_i64_mul(int64_t *out, int64_t a, int64_t b);
NOTCH_MUST_USE enum notch_err notch_u64_add(uint64_t *out, uint64_t a, uint64_t b);
NOTCH_MUST_USE enum notch_err notch_u64_sub(uint64_t *out, uint64_t a, uint64_t b);
NOTCH_MUST_USE enum notch_err notch_u64_mul(uint64_t *out, uint64_t a, uint64_t b);

/* a * b / c through 128 bits, rounded half away from zero. RANGE if c == 0, OVERFLOW if the result does not fit. */
NOTCH_MUST_USE enum notch_err notch_i64_muldiv(int64_t *out, int64_t a, int64_t b, int64_t c);

/* a * b / c through 128 bits, rounded down. RANGE if c == 0, OVERFLOW if the result does not fit. */
NOTCH_MUST_USE enum notch_err notch_u64_muldiv(uint64_t *out, uint64_t a, uint64_t b, uint64_t c);

/* a / b rounded half away from zero. b > 0. */
int64_t notch_i64_rdiv(int64_t a, int64_t b);

/* The greatest integer whose square is <= a. */
uint64_t notch_u64_isqrt(uint64_t a);

/* Amounts: sums and differences; a share in ppm is rounded half away from zero. */
NOTCH_MUST_USE enum notch_err notch_amount_add(struct notch_amount *out, struct notch_amount a, struct notch_amount b);
NOTCH_MUST_USE enum notch_err notch_amount_sub(struct notch_amount *out, struct notch_amount a, struct notch_amount b);
NOTCH_MUST_USE enum notch_err notch_amount_share(struct notch_amount *out, struct notch_amount a,
                                                 struct notch_ppm share);

/* Times and slots: a sum that would pass the end of time is refused. */
NOTCH_MUST_USE enum notch_err notch_time_add_ms(struct notch_time *out, struct notch_time a, uint64_t ms);
NOTCH_MUST_USE enum notch_err notch_slot_add(struct notch_slot *out, struct notch_slot a, uint64_t slots);

/* The distance from a to b in ms; 0 if b is before a. */
uint64_t notch_time_until_ms(struct notch_time a, struct notch_time b);

/*
 * Reads a decimal number as micro-units: "12", "-0.5", "1.234567". No exponent, no sign other than a leading '-', no
 * spaces, at most six decimals unless `round` (then the rest is rounded half away from zero). MALFORMED text is
 * NOTCH_ERR_INVALID, a number that does not fit NOTCH_ERR_OVERFLOW.
 */
enum notch_decimal { NOTCH_DECIMAL_EXACT, NOTCH_DECIMAL_ROUND };
NOTCH_MUST_USE enum notch_err notch_micro_parse(int64_t *out, const char *text, size_t len,
                                                enum notch_decimal rounding);

/* Writes micro-units as the shortest decimal, "12.5", terminated: 21 bytes at most and the zero. Returns the length. */
#define NOTCH_MICRO_TEXT_MAX 28
size_t notch_micro_print(char out[NOTCH_MICRO_TEXT_MAX], int64_t micro);

#endif
