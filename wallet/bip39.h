/*
 * wallet/bip39.h: secret bytes as words that a person can write on paper.
 *
 * 16 bytes are 12 words and 32 bytes are 24; the steps of 4 bytes between them, with 3 words each, are read too. The
 * words are the English list of BIP39, which the build takes from Debian's python3-mnemonic and checks by its hash.
 *
 * Invariants   Encoding what was decoded gives the words in lower case with single spaces, which is the form that the
 *              seed is made from: how a user spaced them makes no other wallet.
 * Limits       A passphrase is printable ASCII, at most 256 characters. BIP39 asks for NFKD, which changes nothing in
 *              ASCII; other text is refused rather than guessed at, since two machines that normalise differently
 *              would open two different wallets.
 * Ownership    Values; what is secret is wiped from internal buffers, the caller wipes its own.
 * Thread       Any.
 * Errors       A reject with the code MALFORMED for words from a user.
 * Source       BIP39 (https://github.com/bitcoin/bips/blob/master/bip-0039.mediawiki).
 */
#ifndef NOTCH_WALLET_BIP39_H
#define NOTCH_WALLET_BIP39_H

#include "base/bytes.h"
#include "base/error.h"

#define NOTCH_BIP39_ENTROPY_MIN 16
#define NOTCH_BIP39_ENTROPY_MAX 32
#define NOTCH_BIP39_WORDS_MAX 24
/* 24 words of 8 letters with spaces between; a text needs one byte more for its end. */
#define NOTCH_BIP39_TEXT_MAX 215
#define NOTCH_BIP39_PASSPHRASE_MAX 256
#define NOTCH_BIP39_SEED_LEN 64

struct notch_entropy {
    uint8_t bytes[NOTCH_BIP39_ENTROPY_MAX];
    size_t len; /* 16, 20, 24, 28 or 32 */
};

/* INVALID when the length is none of the five. */
NOTCH_MUST_USE enum notch_err notch_bip39_encode(char out[NOTCH_BIP39_TEXT_MAX + 1],
                                                 const struct notch_entropy *entropy);

/*
 * Reads words in upper or lower case between any white space. *word, which may be NULL, is the number of the word at
 * fault, counted from 1, or 0 where the fault is in all of them.
 */
struct notch_reject notch_bip39_decode(struct notch_entropy *out, size_t *word, const char *text, size_t text_len);

/* The seed of BIP32: 2,048 rounds of PBKDF2-HMAC-SHA512. passphrase may be NULL where its length is 0. */
NOTCH_MUST_USE enum notch_err notch_bip39_seed(uint8_t out[NOTCH_BIP39_SEED_LEN], const struct notch_entropy *entropy,
                                               const char *passphrase, size_t passphrase_len);

/* The words of the list in order, 0 to 2047: for completion and for tests. */
const char *notch_bip39_word(size_t index);

#endif
