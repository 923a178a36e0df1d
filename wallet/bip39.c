#include "wallet/bip39.h"

#include "base/hash.h"

#include <openssl/evp.h>

#define WORD_COUNT 2048
#define WORD_LEN_MAX 8
#define WORD_BITS 11
#define ROUNDS 2048
#define SALT_PREFIX "mnemonic"

static const char words[WORD_COUNT][WORD_LEN_MAX + 1] = {
#include "bip39_words.inc"
};

const char *notch_bip39_word(size_t index)
{
    notch_assert(index < WORD_COUNT);
    return words[index];
}

static bool entropy_len_is_fit(size_t len)
{
    return len >= NOTCH_BIP39_ENTROPY_MIN && len <= NOTCH_BIP39_ENTROPY_MAX && len % 4 == 0;
}

/* The entropy and behind it the first byte of its hash (Raw:), of which one bit in 32 of entropy counts. */
static void append_checksum(uint8_t out[NOTCH_BIP39_ENTROPY_MAX + 1], const struct notch_entropy *entropy)
{
    struct notch_hash hash;
    notch_sha256(&hash, notch_bytes(entropy->bytes, entropy->len));
    memcpy(out, entropy->bytes, entropy->len);
    out[entropy->len] = hash.raw[0];
    notch_wipe(&hash, sizeof hash);
}

static unsigned bit_at(const uint8_t *bytes, size_t bit)
{
    return (unsigned)bytes[bit / 8] >> (7 - bit % 8) & 1U;
}

/* Words of 11 bits each: 32 bits of entropy and one of checksum make three of them. */
static size_t word_count(size_t entropy_len)
{
    return entropy_len * 3 / 4;
}

enum notch_err notch_bip39_encode(char out[NOTCH_BIP39_TEXT_MAX + 1], const struct notch_entropy *entropy)
{
    if (!entropy_len_is_fit(entropy->len)) {
        return NOTCH_ERR_INVALID;
    }
    uint8_t bytes[NOTCH_BIP39_ENTROPY_MAX + 1];
    append_checksum(bytes, entropy);
    char *at = out;
    for (size_t i = 0; i < word_count(entropy->len); i++) {
        size_t index = 0;
        for (size_t bit = 0; bit < WORD_BITS; bit++) {
            index = index << 1 | bit_at(bytes, i * WORD_BITS + bit);
        }
        size_t len = strlen(words[index]);
        if (i > 0) {
            *at++ = ' ';
        }
        memcpy(at, words[index], len);
        at += len;
    }
    *at = '\0';
    notch_wipe(bytes, sizeof bytes);
    return NOTCH_OK;
}

/* The index of a word, or WORD_COUNT. The list is in order. */
static size_t find_word(const char *word)
{
    size_t low = 0;
    size_t high = WORD_COUNT;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(words[middle], word);
        if (order == 0) {
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return WORD_COUNT;
}

static bool is_space(char letter)
{
    return letter == ' ' || letter == '\t' || letter == '\n' || letter == '\r';
}

/* Takes the next word off the text, in lower case; false at the end. A word too long to be one is cut at 9 letters. */
static bool next_word(char out[WORD_LEN_MAX + 2], const char **at, const char *end)
{
    size_t len = 0;
    while (*at < end && is_space(**at)) {
        (*at)++;
    }
    if (*at == end) {
        return false;
    }
    for (; *at < end && !is_space(**at); (*at)++) {
        char letter = **at;
        if (len <= WORD_LEN_MAX) {
            out[len++] = letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
        }
    }
    out[len] = '\0';
    return true;
}

/* What the words say, in bits, and how many words there were. */
struct word_bits {
    uint8_t bits[NOTCH_BIP39_ENTROPY_MAX + 1];
    size_t count;
};

static struct notch_reject read_words(struct word_bits *out, size_t *fault, const char *text, size_t text_len)
{
    char word[WORD_LEN_MAX + 2];
    const char *at = text;
    const char *end = text_len > 0 ? text + text_len : text;
    struct notch_reject reject = NOTCH_VALID;
    memset(out, 0, sizeof *out);
    while (notch_is_valid(reject) && next_word(word, &at, end)) {
        size_t index = find_word(word);
        *fault = out->count + 1;
        if (out->count == NOTCH_BIP39_WORDS_MAX) {
            *fault = 0;
            reject = NOTCH_REJECT(MALFORMED, "more than 24 words");
        } else if (index == WORD_COUNT) {
            reject = NOTCH_REJECT(MALFORMED, "a word is not in the English list of BIP39");
        } else {
            for (size_t bit = 0; bit < WORD_BITS; bit++) {
                size_t place = out->count * WORD_BITS + bit;
                unsigned value = (unsigned)(index >> (WORD_BITS - 1 - bit)) & 1U;
                out->bits[place / 8] = (uint8_t)(out->bits[place / 8] | value << (7 - place % 8));
            }
            out->count++;
        }
    }
    if (notch_is_valid(reject)) {
        *fault = 0;
    }
    notch_wipe(word, sizeof word);
    return reject;
}

static struct notch_reject decode_bits(struct notch_entropy *out, const struct word_bits *bits)
{
    size_t len = bits->count * 4 / 3;
    if (bits->count % 3 != 0 || !entropy_len_is_fit(len)) {
        return NOTCH_REJECT(MALFORMED, "a mnemonic has 12 or 24 words (or 15, 18, 21)");
    }
    memset(out, 0, sizeof *out);
    memcpy(out->bytes, bits->bits, len);
    out->len = len;
    uint8_t expected[NOTCH_BIP39_ENTROPY_MAX + 1];
    append_checksum(expected, out);
    unsigned unused_bits = 8U - (unsigned)(len / 4);
    bool same = expected[len] >> unused_bits == bits->bits[len] >> unused_bits;
    notch_wipe(expected, sizeof expected);
    if (!same) {
        notch_wipe(out, sizeof *out);
        return NOTCH_REJECT(MALFORMED, "the words are all known but do not belong together: one is wrong or misplaced");
    }
    return NOTCH_VALID;
}

struct notch_reject notch_bip39_decode(struct notch_entropy *out, size_t *word, const char *text, size_t text_len)
{
    struct word_bits bits;
    size_t fault = 0;
    struct notch_reject reject = read_words(&bits, &fault, text, text_len);
    if (notch_is_valid(reject)) {
        reject = decode_bits(out, &bits);
    }
    if (word != NULL) {
        *word = fault;
    }
    notch_wipe(&bits, sizeof bits);
    return reject;
}

static bool passphrase_is_fit(const char *passphrase, size_t len)
{
    if (len > NOTCH_BIP39_PASSPHRASE_MAX) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (passphrase[i] < 0x20 || passphrase[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

enum notch_err notch_bip39_seed(uint8_t out[NOTCH_BIP39_SEED_LEN], const struct notch_entropy *entropy,
                                const char *passphrase, size_t passphrase_len)
{
    if (!passphrase_is_fit(passphrase, passphrase_len)) {
        return NOTCH_ERR_INVALID;
    }
    char text[NOTCH_BIP39_TEXT_MAX + 1];
    enum notch_err err = notch_bip39_encode(text, entropy);
    if (err != NOTCH_OK) {
        return err;
    }
    uint8_t salt[sizeof SALT_PREFIX - 1 + NOTCH_BIP39_PASSPHRASE_MAX];
    size_t salt_len = sizeof SALT_PREFIX - 1;
    memcpy(salt, SALT_PREFIX, salt_len);
    if (passphrase_len > 0) {
        memcpy(salt + salt_len, passphrase, passphrase_len);
        salt_len += passphrase_len;
    }
    int ok = PKCS5_PBKDF2_HMAC(text, (int)strlen(text), salt, (int)salt_len, ROUNDS, EVP_sha512(), NOTCH_BIP39_SEED_LEN,
                               out);
    notch_wipe(text, sizeof text);
    notch_wipe(salt, sizeof salt);
    return ok == 1 ? NOTCH_OK : NOTCH_ERR_CRYPTO;
}
