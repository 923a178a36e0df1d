/*
 * wallet/base58.h: base58 with a checksum of four bytes, for the text of BIP32 alone.
 *
 * Limits       Payloads of at most 78 bytes, which is a BIP32 node. The work grows with the square of that.
 * Ownership    Values; what passes through may be secret and is wiped from internal buffers.
 * Thread       Any.
 * Source       https://en.bitcoin.it/wiki/Base58Check_encoding
 */
#ifndef NOTCH_WALLET_BASE58_H
#define NOTCH_WALLET_BASE58_H

#include "base/bytes.h"

#define NOTCH__BASE58_PAYLOAD_MAX 78
#define NOTCH__BASE58_TEXT_MAX 112

/* Writes the text of a payload and terminates it. */
void notch__base58_encode(char out[NOTCH__BASE58_TEXT_MAX + 1], struct notch_bytes payload);

/* A text whose payload has exactly len bytes; false on a wrong length, letter or checksum. */
NOTCH_MUST_USE bool notch__base58_decode(uint8_t *out, size_t len, const char *text, size_t text_len);

#endif
