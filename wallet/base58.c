#include "wallet/base58.h"

#include "base/hash.h"

#define CHECKSUM_LEN 4
#define WHOLE_MAX (NOTCH__BASE58_PAYLOAD_MAX + CHECKSUM_LEN)

static const char letters[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/* Raw: the first bytes of a double hash, as the encoding defines them. */
static void checksum(uint8_t out[CHECKSUM_LEN], struct notch_bytes payload)
{
    struct notch_hash hash;
    notch_sha256(&hash, payload);
    notch_sha256(&hash, notch_bytes(hash.raw, sizeof hash.raw));
    memcpy(out, hash.raw, CHECKSUM_LEN);
}

/* Divides a big-endian number by 58 in place and returns the remainder. */
static unsigned divide(uint8_t *number, size_t len)
{
    unsigned rest = 0;
    for (size_t i = 0; i < len; i++) {
        rest = rest << 8 | number[i];
        number[i] = (uint8_t)(rest / 58);
        rest %= 58;
    }
    return rest;
}

/* number = number * 58 + digit; false when it does not fit. */
static bool multiply(uint8_t *number, size_t len, unsigned digit)
{
    unsigned carry = digit;
    for (size_t i = len; i > 0; i--) {
        carry += number[i - 1] * 58U;
        number[i - 1] = (uint8_t)(carry & 0xff);
        carry >>= 8;
    }
    return carry == 0;
}

static size_t count_zeros(const uint8_t *bytes, size_t len)
{
    size_t zeros = 0;
    while (zeros < len && bytes[zeros] == 0) {
        zeros++;
    }
    return zeros;
}

void notch__base58_encode(char out[NOTCH__BASE58_TEXT_MAX + 1], struct notch_bytes payload)
{
    uint8_t number[WHOLE_MAX];
    char digits[NOTCH__BASE58_TEXT_MAX];
    notch_assert(payload.len <= NOTCH__BASE58_PAYLOAD_MAX);
    size_t len = payload.len + CHECKSUM_LEN;
    memcpy(number, payload.data, payload.len);
    checksum(number + payload.len, payload);
    size_t zeros = count_zeros(number, len);
    size_t count = 0;
    while (count_zeros(number, len) < len) {
        notch_assert(zeros + count < sizeof digits);
        digits[count++] = letters[divide(number, len)];
    }
    /* A leading zero byte is a leading '1'; then the digits, which came lowest first. */
    memset(out, letters[0], zeros);
    for (size_t i = 0; i < count; i++) {
        out[zeros + i] = digits[count - 1 - i];
    }
    out[zeros + count] = '\0';
    notch_wipe(number, sizeof number);
    notch_wipe(digits, sizeof digits);
}

static bool read_number(uint8_t *number, size_t len, const char *text, size_t text_len)
{
    size_t ones = 0;
    while (ones < text_len && text[ones] == letters[0]) {
        ones++;
    }
    memset(number, 0, len);
    for (size_t i = ones; i < text_len; i++) {
        const char *at = text[i] == '\0' ? NULL : strchr(letters, text[i]);
        if (at == NULL || !multiply(number, len, (unsigned)(at - letters))) {
            return false;
        }
    }
    return count_zeros(number, len) == ones;
}

bool notch__base58_decode(uint8_t *out, size_t len, const char *text, size_t text_len)
{
    uint8_t number[WHOLE_MAX];
    uint8_t expected[CHECKSUM_LEN];
    notch_assert(len <= NOTCH__BASE58_PAYLOAD_MAX);
    if (text_len > NOTCH__BASE58_TEXT_MAX) {
        return false;
    }
    bool ok = read_number(number, len + CHECKSUM_LEN, text, text_len);
    if (ok) {
        checksum(expected, notch_bytes(number, len));
        ok = memcmp(expected, number + len, CHECKSUM_LEN) == 0;
    }
    if (ok) {
        memcpy(out, number, len);
    }
    notch_wipe(number, sizeof number);
    return ok;
}
