/*
 * base/bech32.h: text with a checksum that finds typing errors.
 *
 * A string is a human-readable part, the separator '1', and symbols of 5 bits each of which the last six are the
 * checksum. Notch writes bech32m (BIP350) alone; bech32 (BIP173) differs by a constant and is read and written for
 * whoever asks for it. What a key looks like is in base/keytext.h.
 *
 * Invariants   Encoding what was decoded gives the same string, in lower case.
 * Limits       90 characters in all, as both BIPs say: beyond it the checksum promises less.
 * Ownership    Values.
 * Thread       Any.
 * Errors       A reject with the code MALFORMED that names the fault.
 * Source       BIP173 and BIP350.
 */
#ifndef NOTCH_BASE_BECH32_H
#define NOTCH_BASE_BECH32_H

#include "base/bytes.h"
#include "base/error.h"

#define NOTCH_BECH32_LEN_MAX 90
#define NOTCH_BECH32_PREFIX_MAX 83
#define NOTCH_BECH32_SYMBOLS_MAX 82

enum notch_bech32_kind {
    NOTCH_BECH32,
    NOTCH_BECH32M,
};

struct notch_bech32 {
    enum notch_bech32_kind kind;
    char prefix[NOTCH_BECH32_PREFIX_MAX + 1];  /* lower case, terminated */
    uint8_t symbols[NOTCH_BECH32_SYMBOLS_MAX]; /* 0..31, without the checksum */
    size_t len;
};

struct notch_reject notch_bech32_decode(struct notch_bech32 *out, const char *text, size_t text_len);

/* False when the prefix or a symbol is out of range, or the whole would be longer than 90 characters. */
NOTCH_MUST_USE bool notch_bech32_encode(char out[NOTCH_BECH32_LEN_MAX + 1], const struct notch_bech32 *in);

/* Bytes to symbols, padded with zero bits; false when there are more than fit. Sets symbols and len alone. */
NOTCH_MUST_USE bool notch_bech32_pack(struct notch_bech32 *out, struct notch_bytes bytes);

/* Symbols from `first` on back to bytes: false when they do not fit, or the padding is not what pack makes. */
NOTCH_MUST_USE bool notch_bech32_unpack(uint8_t *out, size_t out_cap, size_t *out_len, const struct notch_bech32 *in,
                                        size_t first);

#endif
