#include "base/fixed.h"

#include <stdio.h>

enum notch_err notch_i64_add(int64_t *out, int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return NOTCH_ERR_OVERFLOW;
    }
    *out = sum;
    return NOTCH_OK;
}

enum notch_err notch_i64_sub(int64_t *out, int64_t a, int64_t b)
{
    int64_t difference;
    if (__builtin_sub_overflow(a, b, &difference)) {
        return NOTCH_ERR_OVERFLOW;
    }
    *out = difference;
    return NOTCH_OK;
}

enum notch_err notch_i64_mul(int64_t *out, int64_t a, int64_t b)
{
    int64_t product;
    if (__builtin_mul_overflow(a, b, &product)) {
        return NOTCH_ERR_OVERFLOW;
    }
    *out = product;
    return NOTCH_OK;
}

enum notch_err notch_u64_add(uint64_t *out, uint64_t a, uint64_t b)
{
    uint64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return NOTCH_ERR_OVERFLOW;
    }
    *out = sum;
    return NOTCH_OK;
}

enum notch_err notch_u64_sub(uint64_t *out, uint64_t a, uint64_t b)
{
    if (b > a) {
        return NOTCH_ERR_OVERFLOW;
    }
    *out = a - b;
    return NOTCH_OK;
}

enum notch_err notch_u64_mul(uint64_t *out, uint64_t a, uint64_t b)
{
    uint64_t product;
    if (__builtin_mul_overflow(a, b, &product)) {
        return NOTCH_ERR_OVERFLOW;
    }
    *out = product;
    return NOTCH_OK;
}

enum notch_err notch_i64_muldiv(int64_t *out, int64_t a, int64_t b, int64_t c)
{
    if (c == 0) {
        return NOTCH_ERR_RANGE;
    }
    __int128 product = (__int128)a * b;
    __int128 divisor = c;
    if (divisor < 0) {
        product = -product;
        divisor = -divisor;
    }
    __int128 half = divisor / 2;
    __int128 rounded = product >= 0 ? (product + half) / divisor : -((-product + half) / divisor);
    if (rounded > INT64_MAX || rounded < INT64_MIN) {
        return NOTCH_ERR_OVERFLOW;
    }
    *out = (int64_t)rounded;
    return NOTCH_OK;
}

enum notch_err notch_u64_muldiv(uint64_t *out, uint64_t a, uint64_t b, uint64_t c)
{
    if (c == 0) {
        return NOTCH_ERR_RANGE;
    }
    unsigned __int128 quotient = (unsigned __int128)a * b / c;
    if (quotient > UINT64_MAX) {
        return NOTCH_ERR_OVERFLOW;
    }
    *out = (uint64_t)quotient;
    return NOTCH_OK;
}

int64_t notch_i64_rdiv(int64_t a, int64_t b)
{
    notch_assert(b > 0);
    int64_t quotient = a / b;
    int64_t remainder = a % b;
    /* |remainder| < b, so b - |remainder| cannot overflow where 2 * |remainder| could. */
    if (remainder > 0 && remainder >= b - remainder) {
        return quotient + 1;
    }
    if (remainder < 0 && -remainder >= b + remainder) {
        return quotient - 1;
    }
    return quotient;
}

uint64_t notch_u64_isqrt(uint64_t a)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit != 0; bit >>= 1) {
        uint64_t candidate = root | bit;
        if (candidate * candidate <= a) {
            root = candidate;
        }
    }
    return root;
}

enum notch_err notch_amount_add(struct notch_amount *out, struct notch_amount a, struct notch_amount b)
{
    return notch_i64_add(&out->raw, a.raw, b.raw);
}

enum notch_err notch_amount_sub(struct notch_amount *out, struct notch_amount a, struct notch_amount b)
{
    return notch_i64_sub(&out->raw, a.raw, b.raw);
}

enum notch_err notch_amount_share(struct notch_amount *out, struct notch_amount a, struct notch_ppm share)
{
    return notch_i64_muldiv(&out->raw, a.raw, share.raw, NOTCH_PPM_ONE);
}

enum notch_err notch_time_add_ms(struct notch_time *out, struct notch_time a, uint64_t ms)
{
    return notch_u64_add(&out->raw, a.raw, ms);
}

enum notch_err notch_slot_add(struct notch_slot *out, struct notch_slot a, uint64_t slots)
{
    return notch_u64_add(&out->raw, a.raw, slots);
}

uint64_t notch_time_until_ms(struct notch_time a, struct notch_time b)
{
    return b.raw > a.raw ? b.raw - a.raw : 0;
}

/* How many digits the text begins with. */
static size_t digits_len(const char *text, size_t len)
{
    size_t count = 0;
    while (count < len && text[count] >= '0' && text[count] <= '9') {
        count++;
    }
    return count;
}

/* Puts one more digit behind *value, which is kept negative so that INT64_MIN can be read. */
static enum notch_err push_digit(int64_t *value, char c)
{
    int64_t next;
    if (__builtin_mul_overflow(*value, 10, &next) || __builtin_sub_overflow(next, (int64_t)(c - '0'), &next)) {
        return NOTCH_ERR_OVERFLOW;
    }
    *value = next;
    return NOTCH_OK;
}

/* The digits of a well formed number as micro-units, negated: six after the point are kept, the seventh rounds. */
static enum notch_err read_negated(int64_t *out, const char *whole, size_t whole_len, const char *part, size_t part_len)
{
    int64_t value = 0;
    for (size_t i = 0; i < whole_len + 6; i++) {
        size_t behind = i - whole_len;
        char digit = i < whole_len ? whole[i] : behind < part_len ? part[behind] : '0';
        enum notch_err err = push_digit(&value, digit);
        if (err != NOTCH_OK) {
            return err;
        }
    }
    bool away = part_len > 6 && part[6] >= '5';
    return notch_i64_sub(out, value, away ? 1 : 0);
}

enum notch_err notch_micro_parse(int64_t *out, const char *text, size_t len, enum notch_decimal rounding)
{
    /* The form is judged before the size, so that a malformed text is INVALID however long it is. */
    bool negative = len > 0 && text[0] == '-';
    size_t sign_len = negative ? 1 : 0;
    if (len == sign_len) {
        return NOTCH_ERR_INVALID;
    }
    const char *whole = text + sign_len;
    size_t whole_len = digits_len(whole, len - sign_len);
    const char *part = whole + whole_len;
    size_t part_len = 0;
    if (whole_len == 0) {
        return NOTCH_ERR_INVALID;
    }
    if (part != text + len) {
        if (*part != '.') {
            return NOTCH_ERR_INVALID;
        }
        part++;
        part_len = digits_len(part, (size_t)(text + len - part));
        if (part_len == 0 || part + part_len != text + len || (part_len > 6 && rounding == NOTCH_DECIMAL_EXACT)) {
            return NOTCH_ERR_INVALID;
        }
    }
    int64_t negated;
    enum notch_err err = read_negated(&negated, whole, whole_len, part, part_len);
    if (err == NOTCH_OK) {
        err = negative ? NOTCH_OK : notch_i64_sub(&negated, 0, negated);
    }
    if (err == NOTCH_OK) {
        *out = negated;
    }
    return err;
}

size_t notch_micro_print(char out[NOTCH_MICRO_TEXT_MAX], int64_t micro)
{
    uint64_t magnitude = micro < 0 ? UINT64_C(0) - (uint64_t)micro : (uint64_t)micro;
    unsigned long long whole = magnitude / NOTCH_MICRO;
    unsigned long long part = magnitude % NOTCH_MICRO;
    int len = snprintf(out, NOTCH_MICRO_TEXT_MAX, "%s%llu.%06llu", micro < 0 ? "-" : "", whole, part);
    notch_assert(len > 0);
    size_t end = (size_t)len;
    while (out[end - 1] == '0') {
        end--;
    }
    if (out[end - 1] == '.') {
        end--;
    }
    out[end] = '\0';
    return end;
}
