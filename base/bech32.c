#include "base/bech32.h"

#define CHECKSUM_LEN 6
#define BECH32_CONSTANT UINT32_C(1)
#define BECH32M_CONSTANT UINT32_C(0x2bc830a3)

static const char symbol_letters[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* One step of the BCH code over GF(32): multiply by x, reduce by the generator, add the symbol. */
static uint32_t checksum_step(uint32_t state, uint8_t symbol)
{
    static const uint32_t generator[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
    uint32_t top = state >> 25;
    state = ((state & 0x1ffffff) << 5) ^ symbol;
    for (unsigned bit = 0; bit < 5; bit++) {
        if ((top >> bit & 1) != 0) {
            state ^= generator[bit];
        }
    }
    return state;
}

/* The prefix counts with the high bits of all its letters, a zero, then the low bits. */
static uint32_t checksum_prefix(const char *prefix)
{
    uint32_t state = 1;
    for (const char *at = prefix; *at != '\0'; at++) {
        state = checksum_step(state, (uint8_t)((unsigned char)*at >> 5));
    }
    state = checksum_step(state, 0);
    for (const char *at = prefix; *at != '\0'; at++) {
        state = checksum_step(state, (uint8_t)((unsigned char)*at & 31));
    }
    return state;
}

static uint32_t kind_constant(enum notch_bech32_kind kind)
{
    return kind == NOTCH_BECH32M ? BECH32M_CONSTANT : BECH32_CONSTANT;
}

static char lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

/* 0..31, or -1. */
static int symbol_of_letter(char letter)
{
    const char *at = letter == '\0' ? NULL : strchr(symbol_letters, lower(letter));
    return at == NULL ? -1 : (int)(at - symbol_letters);
}

static struct notch_reject check_letters(const char *text, size_t text_len)
{
    bool has_lower = false;
    bool has_upper = false;
    for (size_t i = 0; i < text_len; i++) {
        unsigned char letter = (unsigned char)text[i];
        if (letter < 33 || letter > 126) {
            return NOTCH_REJECT(MALFORMED, "a character is not printable ASCII");
        }
        has_lower = has_lower || (letter >= 'a' && letter <= 'z');
        has_upper = has_upper || (letter >= 'A' && letter <= 'Z');
    }
    if (has_lower && has_upper) {
        return NOTCH_REJECT(MALFORMED, "upper and lower case are mixed");
    }
    return NOTCH_VALID;
}

/* How many characters stand before the last '1'; text_len when there is none. */
static size_t find_separator(const char *text, size_t text_len)
{
    for (size_t i = text_len; i > 0; i--) {
        if (text[i - 1] == '1') {
            return i - 1;
        }
    }
    return text_len;
}

struct notch_reject notch_bech32_decode(struct notch_bech32 *out, const char *text, size_t text_len)
{
    if (text_len > NOTCH_BECH32_LEN_MAX) {
        return NOTCH_REJECT(MALFORMED, "longer than 90 characters");
    }
    struct notch_reject reject = check_letters(text, text_len);
    if (!notch_is_valid(reject)) {
        return reject;
    }
    size_t prefix_len = find_separator(text, text_len);
    if (prefix_len == text_len) {
        return NOTCH_REJECT(MALFORMED, "no separator '1'");
    }
    if (prefix_len == 0) {
        return NOTCH_REJECT(MALFORMED, "nothing before the separator '1'");
    }
    if (text_len - prefix_len - 1 < CHECKSUM_LEN) {
        return NOTCH_REJECT(MALFORMED, "too short for its checksum");
    }
    for (size_t i = 0; i < prefix_len; i++) {
        out->prefix[i] = lower(text[i]);
    }
    out->prefix[prefix_len] = '\0';
    out->len = text_len - prefix_len - 1 - CHECKSUM_LEN;
    uint32_t state = checksum_prefix(out->prefix);
    for (size_t i = 0; i < out->len + CHECKSUM_LEN; i++) {
        int symbol = symbol_of_letter(text[prefix_len + 1 + i]);
        if (symbol < 0) {
            return NOTCH_REJECT(MALFORMED, "a character is none of the 32 that may follow the separator '1'");
        }
        if (i < out->len) {
            out->symbols[i] = (uint8_t)symbol;
        }
        state = checksum_step(state, (uint8_t)symbol);
    }
    if (state != BECH32_CONSTANT && state != BECH32M_CONSTANT) {
        return NOTCH_REJECT(MALFORMED, "the checksum is wrong: mistyped or cut off");
    }
    out->kind = state == BECH32M_CONSTANT ? NOTCH_BECH32M : NOTCH_BECH32;
    return NOTCH_VALID;
}

static bool prefix_is_fit(const char *prefix, size_t prefix_len)
{
    for (size_t i = 0; i < prefix_len; i++) {
        unsigned char letter = (unsigned char)prefix[i];
        if (letter < 33 || letter > 126 || (letter >= 'A' && letter <= 'Z')) {
            return false;
        }
    }
    return prefix_len > 0;
}

bool notch_bech32_encode(char out[NOTCH_BECH32_LEN_MAX + 1], const struct notch_bech32 *in)
{
    const char *end = memchr(in->prefix, '\0', sizeof in->prefix);
    size_t prefix_len = end == NULL ? 0 : (size_t)(end - in->prefix);
    if (!prefix_is_fit(in->prefix, prefix_len) || in->len > NOTCH_BECH32_SYMBOLS_MAX ||
        prefix_len + 1 + in->len + CHECKSUM_LEN > NOTCH_BECH32_LEN_MAX) {
        return false;
    }
    memcpy(out, in->prefix, prefix_len);
    char *at = out + prefix_len;
    *at++ = '1';
    uint32_t state = checksum_prefix(in->prefix);
    for (size_t i = 0; i < in->len; i++) {
        if (in->symbols[i] > 31) {
            return false;
        }
        state = checksum_step(state, in->symbols[i]);
        *at++ = symbol_letters[in->symbols[i]];
    }
    for (unsigned i = 0; i < CHECKSUM_LEN; i++) {
        state = checksum_step(state, 0);
    }
    state ^= kind_constant(in->kind);
    for (unsigned i = 0; i < CHECKSUM_LEN; i++) {
        *at++ = symbol_letters[state >> 5 * (CHECKSUM_LEN - 1 - i) & 31];
    }
    *at = '\0';
    return true;
}

bool notch_bech32_pack(struct notch_bech32 *out, struct notch_bytes bytes)
{
    if (bytes.len > NOTCH_BECH32_SYMBOLS_MAX * 5 / 8) {
        return false;
    }
    uint32_t bits = 0;
    unsigned held = 0;
    out->len = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        bits = (bits << 8 | bytes.data[i]) & 0xfff;
        held += 8;
        while (held >= 5) {
            held -= 5;
            out->symbols[out->len++] = (uint8_t)(bits >> held & 31);
        }
    }
    if (held > 0) {
        out->symbols[out->len++] = (uint8_t)(bits << (5 - held) & 31);
    }
    return true;
}

bool notch_bech32_unpack(uint8_t *out, size_t out_cap, size_t *out_len, const struct notch_bech32 *in, size_t first)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t len = 0;
    for (size_t i = first; i < in->len; i++) {
        bits = (bits << 5 | in->symbols[i]) & 0xfff;
        held += 5;
        if (held < 8) {
            continue;
        }
        if (len == out_cap) {
            return false;
        }
        held -= 8;
        out[len++] = (uint8_t)(bits >> held & 0xff);
    }
    /* At most 4 bits are left over, all of them zero: one encoding for each value. */
    if (held >= 5 || (bits & ((UINT32_C(1) << held) - 1)) != 0) {
        return false;
    }
    *out_len = len;
    return true;
}
