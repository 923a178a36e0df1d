/*
 * base/keytext.h: a key as people read and type it.
 *
 * The 32 bytes of an x-only key in bech32m behind a prefix that says which network it is for: notch1... for the main
 * one, tnotch1... for test networks, dnotch1... for chains of developers. A key pasted into the wrong network is
 * refused by name.
 *
 * Invariants   One text per key and network: what parses in lower case is what prints.
 * Ownership    Values.
 * Thread       Any.
 * Errors       A reject with the code MALFORMED whose reason is fit for a user's eyes.
 * Source       design/README.md section 2, BIP350.
 */
#ifndef NOTCH_BASE_KEYTEXT_H
#define NOTCH_BASE_KEYTEXT_H

#include "base/error.h"
#include "base/units.h"

/* id, value, name, prefix. The values are part of derivation paths (wallet/wallet.h) and of key files. */
#define NOTCH_NETWORK_TABLE(X) \
    X(MAIN, 0, "main", "notch") \
    X(TEST, 1, "test", "tnotch") \
    X(DEV, 2, "dev", "dnotch")

enum notch_network {
#define X(id, value, name, prefix) NOTCH_NETWORK_##id = (value),
    NOTCH_NETWORK_TABLE(X)
#undef X
};

/* "main", and "notch". */
const char *notch_network_name(enum notch_network network);
const char *notch_network_prefix(enum notch_network network);

/* From "main", "test" or "dev"; false on any other text. */
NOTCH_MUST_USE bool notch_network_parse(enum notch_network *out, const char *name);

/* Whether a byte from outside is one of the values. */
NOTCH_MUST_USE bool notch_network_of_byte(enum notch_network *out, uint8_t byte);

/* "tnotch1" and 58 symbols, and the terminator. */
#define NOTCH_KEY_TEXT_MAX 65
void notch_key_print(char out[NOTCH_KEY_TEXT_MAX + 1], const struct notch_key *key, enum notch_network network);

/* The key of a text of that network. Whether the key is on the curve is not looked at. */
struct notch_reject notch_key_parse(struct notch_key *out, const char *text, size_t text_len,
                                    enum notch_network network);

/* The same for a text of any network, which it tells. */
struct notch_reject notch_key_parse_any(struct notch_key *out, enum notch_network *network, const char *text,
                                        size_t text_len);

#endif
